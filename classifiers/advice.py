"""What to draw more of, in plain words: only what the pictures give reason to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from classifiers.confusions import confusions
from classifiers.data import Example, label_matrix, scene_clusters
from classifiers.intervals import mean_interval, wilson_interval
from classifiers.stress import STRESSES

ENOUGH = 10
"""Drawings of an element from which on a lack of drawings is no longer named as the reason."""

Outcome = tuple[tuple[int, ...], tuple[int, ...]]
"""(pictures that count, those of them that are told wrongly), both as indices."""

_DRAWN = next(iter(STRESSES))
_LEAST_PICTURES, _LEAST_WRONG = 3, 2  # fewer pictures, or fewer wrong ones, give no reason for advice
_OFTEN = 1 / 3
_AT_A_TIME = 3  # draw so many, then look again
_IN = {
    "as drawn": "as drawn",
    "ink": "in ink",
    "gray": "in gray",
    "thumbnail": "in a thumbnail",
    "color-blind": "to a color-blind eye",
}
_CARRIED_BY = {
    "ink": "the tone and color inside their outlines",
    "gray": "color, not by light and dark",
    "thumbnail": "small detail",
    "color-blind": "red against green",
}
_REMEDY = {
    "ink": "give {shown} an outline or a black of its own",
    "gray": "make {shown} lighter or darker than {other}",
    "thumbnail": "give {shown} a larger shape that is its own",
    "color-blind": "make {shown} and {other} differ in light and dark as well",
}


@dataclass(frozen=True)
class Drawings:
    """How many drawings of an element there are, and how different they are.

    Attributes:
        pictures: that show it.
        different: of them, near duplicates (mirrored ones too) and pictures of one scene counted once.
    """

    pictures: int
    different: int


@dataclass(frozen=True)
class Advice:
    """One thing that would help.

    Attributes:
        finding: what goes wrong, with the counts.
        reason: what the data says about why; empty if it says nothing.
        action: what to do about it.
        pictures: indices of the pictures that it rests on.
    """

    finding: str
    reason: str
    action: str
    pictures: tuple[int, ...]

    @property
    def sentence(self) -> str:
        """All of it."""
        reason = f" {self.reason}." if self.reason else ""
        return f"{self.finding}.{reason} {self.action}."


def drawings(examples: Sequence[Example], column: int) -> Drawings:
    """The drawings of one element, each cut to its region where it has one."""
    shown = [
        example for example in examples if example.known[column] > 0 and float(example.labels[column]) > 0.5
    ]
    cut = [Example(_cut(example, column), example.labels, example.known, example.group) for example in shown]
    return Drawings(len(shown), len(scene_clusters(cut)) if cut else 0)


def _cut(example: Example, column: int) -> Tensor:
    region = example.regions[column] if example.regions else None
    if region is None:
        return example.image
    height, width = example.image.shape[-2:]
    left, top = int(region[0] * width), int(region[1] * height)
    right, bottom = max(left + 1, round(region[2] * width)), max(top + 1, round(region[3] * height))
    return example.image[:, top:bottom, left:right]


def advise(
    examples: Sequence[Example], element_names: Sequence[str], probabilities: Mapping[str, Tensor]
) -> tuple[Advice, ...]:
    """What goes wrong and what to draw, the most frequent failure first.

    Said of a pair of elements only where the one is read as the other in at least two pictures, a third of at
    least three that show it alone; of a single one only where it is missed as often. A view is named only
    where the drawings as they are do not fail as often. Of an element that is not told better than by
    guessing (the interval of its balanced accuracy reaches down to one half) only that is said.

    Args:
        examples: N pictures.
        element_names: E.
        probabilities: name of a view of ``stress.STRESSES`` -> (N, E); NaN where there is none. "as drawn" by
            classifiers that had not seen the pictures.
    """
    labels, known = label_matrix(examples)
    counts = {name: drawings(examples, column) for column, name in enumerate(element_names)}
    found: list[tuple[float, Advice]] = []
    guessed, told = set(), set()
    for column, name in enumerate(element_names):
        guess = _guess(name, probabilities[_DRAWN][:, column], labels[:, column], known[:, column])
        if guess is not None:
            guessed.add(name)
            found.append((1.0, _advice(guess[0], name, None, _DRAWN, "", counts, guess[1])))
    pairs: dict[tuple[str, str], dict[str, Outcome]] = {}
    missed: dict[tuple[str, str, str], int] = {}
    for pair in confusions(element_names, probabilities, labels, known):
        pairs.setdefault((pair.shown, pair.read_as), {})[pair.view] = (pair.pictures, pair.wrong)
        missed[pair.shown, pair.read_as, pair.view] = len(set(pair.wrong) & set(pair.missed))
    for (shown, other), views in pairs.items():
        worst = _worst_view(views)
        if worst is None or other in guessed:
            continue
        pictures, wrong = views[worst]
        told.add(shown)
        seen_too = f"{shown} and as " if 2 * missed[shown, other, worst] < len(wrong) else ""
        finding = (
            f"{shown} reads as {seen_too}{other} {_IN[worst]}: "
            f"{_of(views[worst])} pictures that show {shown} alone"
        )
        advice = _advice(finding, shown, other, worst, _of(views.get(_DRAWN)), counts, wrong)
        found.append((len(wrong) / len(pictures), advice))
    for column, name in enumerate(element_names):
        views = {
            view: _missed(said[:, column], labels[:, column], known[:, column])
            for view, said in probabilities.items()
        }
        worst = _worst_view(views)
        if worst is None or name in told or name in guessed:
            continue
        pictures, wrong = views[worst]
        finding = f"{name} is overlooked {_IN[worst]}: in {_of(views[worst])} pictures"
        found.append((len(wrong) / len(pictures), _advice(finding, name, None, worst, "", counts, wrong)))
    return tuple(advice for _, advice in sorted(found, key=lambda entry: -entry[0]))


def _guess(name: str, said: Tensor, labels: Tensor, known: Tensor) -> tuple[str, tuple[int, ...]] | None:
    """What to say of an element that is told no better than by guessing, and the pictures told wrongly."""
    pictures, missed = _missed(said, labels, known)
    others, alarms = _missed(1 - said, 1 - labels, known)
    found, refused = 1 - len(missed) / max(1, len(pictures)), 1 - len(alarms) / max(1, len(others))
    first, second = wilson_interval(found, len(pictures)), wilson_interval(refused, len(others))
    if first is None or second is None or mean_interval((found, first), (refused, second))[0] > 0.5:
        return None
    finding = (
        f"{name} is not told better than by guessing: seen in {len(pictures) - len(missed)} of "
        f"{len(pictures)} pictures that show it, and in {len(alarms)} of {len(others)} that do not"
    )
    return finding, missed + alarms


def _missed(said: Tensor, labels: Tensor, known: Tensor) -> Outcome:
    """Pictures that show an element, and those of them where it is not seen."""
    shown = ((known > 0) & (labels > 0.5) & ~said.isnan()).nonzero().flatten().tolist()
    return tuple(shown), tuple(row for row in shown if float(said[row]) <= 0.5)


def _of(outcome: Outcome | None) -> str:
    pictures, wrong = outcome or ((), ())
    return f"{len(wrong)} of {len(pictures)}"


def _worst_view(views: Mapping[str, Outcome]) -> str | None:
    """The view with most failures if they are enough to speak of; as drawn, if nothing is worse."""
    failing = [
        view
        for view, (pictures, wrong) in views.items()
        if len(pictures) >= _LEAST_PICTURES and len(wrong) >= max(_LEAST_WRONG, _OFTEN * len(pictures))
    ]
    if not failing or _DRAWN in failing:
        return _DRAWN if failing else None
    return max(failing, key=lambda view: len(views[view][1]))


def _advice(
    finding: str,
    shown: str,
    other: str | None,
    view: str,
    as_drawn: str,
    counts: Mapping[str, Drawings],
    wrong: tuple[int, ...],
) -> Advice:
    """The reason and the remedy that the counts and the failing view give."""
    have = counts[shown]
    reasons, actions = [], []
    if view in _CARRIED_BY and other is not None:
        reasons.append(f"As drawn that is so in {as_drawn}: they are told apart by {_CARRIED_BY[view]}")
        actions.append(_REMEDY[view].format(shown=shown, other=other))
    if have.different < ENOUGH:
        lacking = min(_AT_A_TIME, ENOUGH - have.different)
        if 2 * have.different <= have.pictures:
            remain = "1 remains" if have.different == 1 else f"{have.different} remain"
            reasons.append(f"Of {have.pictures} drawings of {shown} {remain} if those alike count once")
            actions.append(f"draw {shown} {_times(lacking)} more, each unlike those there are")
        else:
            reasons.append(f"There are {have.different} drawings of {shown}")
            where = f" {_IN[view]}" if view in ("ink", "gray") else ""
            actions.append(f"draw {shown} {_times(lacking)} more{where}")
    elif other is not None and counts[other].different < ENOUGH:
        many, few = have.different, counts[other].different
        reasons.append(f"There are {many} drawings of {shown}, but {few} of {other}")
        actions.append(f"draw {other} {_times(min(_AT_A_TIME, ENOUGH - few))} more")
    if not actions:
        actions.append("Look at these pictures: nothing in the data says what would help")
    action = "; ".join(actions)
    return Advice(finding, ". ".join(reasons), action[0].upper() + action[1:], wrong)


def _times(count: int) -> str:
    return ("once", "twice", "three times")[count - 1]
