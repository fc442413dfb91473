"""Who is taken for whom, as drawn and under style stress."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from classifiers.intervals import Interval, wilson_interval

_SAID = 0.5


@dataclass(frozen=True)
class Confused:
    """What one element's classifier says of the pictures that show another one alone, in one view.

    Attributes:
        shown: the element that the pictures show, and no other.
        read_as: the element asked for, marked as not there.
        view: the name of the view.
        pictures: indices of them, in order; may be empty.
        wrong: those of them where ``read_as`` has a probability above one half.
        missed: those of them where ``shown`` has one of at most one half.
        probability: of ``read_as``, their mean; None without pictures.
    """

    shown: str
    read_as: str
    view: str
    pictures: tuple[int, ...]
    wrong: tuple[int, ...]
    missed: tuple[int, ...]
    probability: float | None

    @property
    def share(self) -> float | None:
        """Of the pictures that are read wrongly."""
        return len(self.wrong) / len(self.pictures) if self.pictures else None

    @property
    def interval(self) -> Interval | None:
        """Wilson's 95 % interval of the share."""
        return wilson_interval(self.share, len(self.pictures))


def confusions(
    element_names: Sequence[str], probabilities: Mapping[str, Tensor], labels: Tensor, known: Tensor
) -> tuple[Confused, ...]:
    """Every ordered pair of elements in every view, in order of the views.

    Args:
        probabilities: name of a view -> (N, E) of the elements in the N pictures; NaN does not count.
        labels, known: (N, E) of the same pictures. A picture counts for a pair if it shows the one, if the
            other is marked as not there, and if it is not marked as showing anything else.
    """
    sure = known > 0
    shows, lacks = sure & (labels > 0.5), sure & (labels < 0.5)
    alone = shows & (shows.sum(dim=1, keepdim=True) == 1)
    found = []
    for view, said in probabilities.items():
        for column, shown in enumerate(element_names):
            for other, read_as in enumerate(element_names):
                if column == other:
                    continue
                chosen = alone[:, column] & lacks[:, other] & ~said[:, other].isnan()
                rows = chosen.nonzero().flatten().tolist()
                found.append(
                    Confused(
                        shown=shown,
                        read_as=read_as,
                        view=view,
                        pictures=tuple(rows),
                        wrong=tuple(row for row in rows if float(said[row, other]) > _SAID),
                        missed=tuple(row for row in rows if float(said[row, column]) <= _SAID),
                        probability=float(said[rows, other].mean()) if rows else None,
                    )
                )
    return tuple(found)
