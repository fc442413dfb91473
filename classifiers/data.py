"""What the classifiers learn from, and splits of it that do not leak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from classifiers.duplicates import find_duplicates
from classifiers.pixels import as_pixels
from pages.errors import InputError

_ROUNDING = 1e-4  # resizing leaves [0, 1] by that little


@dataclass(frozen=True, eq=False)
class Example:
    """One picture and what the author says is in it.

    Attributes:
        image: (3, h, w) float in [0, 1], of any size.
        labels: (E,) float in [0, 1]: 1 the element is shown, 0 it is not; between them a soft belief.
        known: (E,) 1 where the label counts, 0 where the author is unsure or has not said.
        group: the scene or drawing it was taken from; examples of one group are never split.
        regions: for each element the box that holds it, (left, top, right, bottom) as shares of the width and
            height in [0, 1], or None where nobody has drawn one. Empty: no element has one.

    Raises:
        InputError: a shape, type or value is not as above.
    """

    image: Tensor
    labels: Tensor
    known: Tensor
    group: str
    regions: tuple[tuple[float, float, float, float] | None, ...] = ()

    def __post_init__(self) -> None:
        image, labels, known = self.image, self.labels, self.known
        where = f'example of group "{self.group}"'
        if image.ndim != 3 or image.shape[0] != 3 or image.numel() == 0 or not image.is_floating_point():
            raise _invalid(where, f"the image is {tuple(image.shape)} {image.dtype}", "(3, h, w) float")
        if not bool(((image >= -_ROUNDING) & (image <= 1 + _ROUNDING)).all()):
            raise _invalid(where, "the image has values outside [0, 1]", "values in [0, 1]")
        if labels.ndim != 1 or labels.shape != known.shape:
            found = f"labels are {tuple(labels.shape)} and known {tuple(known.shape)}"
            raise _invalid(where, found, "both (E,)")
        if not bool(((labels >= 0) & (labels <= 1)).all()):
            raise _invalid(where, "a label is outside [0, 1]", "labels in [0, 1]")
        if not bool(((known == 0) | (known == 1)).all()):
            raise _invalid(where, "known has values besides 0 and 1", "0 or 1")
        if self.regions and len(self.regions) != len(labels):
            found = f"{len(self.regions)} regions for {len(labels)} labels"
            raise _invalid(where, found, "one for each label, or none")
        for region in filter(None, self.regions):
            if not (0 <= region[0] < region[2] <= 1 and 0 <= region[1] < region[3] <= 1):
                raise _invalid(where, f"region {region} is no box", "shares, left < right, top < bottom")

    def of_columns(self, columns: Sequence[int]) -> Example:
        """The same picture with the labels of some of the elements, in the order given."""
        chosen = list(columns)
        regions = tuple(self.regions[column] for column in chosen) if self.regions else ()
        return replace(self, labels=self.labels[chosen], known=self.known[chosen], regions=regions)


def _invalid(where: str, found: str, wanted: str) -> InputError:
    return InputError(f"{where}: {found}.", remedy=f"Give {wanted}.")


def label_matrix(examples: Sequence[Example]) -> tuple[Tensor, Tensor]:
    """Labels and known of all the examples, each (N, E) float; a label that is not known is 0."""
    known = torch.stack([example.known for example in examples]).float()
    labels = torch.stack([example.labels for example in examples]).float()
    return labels * known, known


def one_sided(examples: Sequence[Example], element_names: Sequence[str]) -> list[str]:
    """The elements that cannot be learned: shown in no example, or missing from none."""
    if not examples:
        return list(element_names)
    labels, known = label_matrix(examples)
    shown = (labels > 0.5).any(dim=0)
    absent = ((known > 0) & (labels < 0.5)).any(dim=0)
    return [name for name, both in zip(element_names, (shown & absent).tolist(), strict=True) if not both]


def check_examples(examples: Sequence[Example], element_names: Sequence[str]) -> None:
    """Refuse examples from which the elements cannot be learned.

    Raises:
        InputError: labels of another length than the names, or an element with no example for one side.
    """
    for example in examples:
        if len(example.labels) != len(element_names):
            raise _invalid(
                f'example of group "{example.group}"',
                f"{len(example.labels)} labels for {len(element_names)} elements",
                "one label for each element",
            )
    missing = one_sided(examples, element_names)
    if missing or not element_names:
        raise InputError(
            f"Nothing to tell apart for: {', '.join(missing) or 'no elements'}.",
            remedy="Each element needs a picture that shows it and one that does not: mark more panels, "
            "add reference pictures, or leave the element out.",
        )


def near_duplicates(examples: Sequence[Example]) -> Tensor:
    """(N, N) bool: pairs that are one drawing (``classifiers.duplicates``), and each with itself."""
    same = torch.eye(len(examples), dtype=torch.bool)
    for pair in find_duplicates([as_pixels(example.image) for example in examples]):
        same[pair.first, pair.second] = same[pair.second, pair.first] = True
    return same


def scene_clusters(examples: Sequence[Example]) -> list[list[int]]:
    """Indices of examples that must stay together: linked by group or as near duplicates, over any chain."""
    parent = list(range(len(examples)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    first_of: dict[str, int] = {}
    for index, example in enumerate(examples):
        parent[root(index)] = root(first_of.setdefault(example.group, index))
    for index, other in near_duplicates(examples).nonzero().tolist():
        parent[root(index)] = root(other)
    clusters: dict[int, list[int]] = {}
    for index in range(len(examples)):
        clusters.setdefault(root(index), []).append(index)
    return list(clusters.values())


def grouped_folds(examples: Sequence[Example], count: int, *, seed: int) -> list[list[int]]:
    """Split examples into folds that share no scene and hold a like number of each element's two sides.

    Iterative stratification (Sechidis, Tsoumakas and Vlahavas, ECML 2011) over the clusters of
    ``scene_clusters`` in place of single examples.

    Returns:
        The indices of each fold, sorted; every example is in exactly one. At most ``count`` folds, fewer
        where there are fewer scenes; none is empty.
    """
    if not examples or count < 1:
        return []
    clusters = scene_clusters(examples)
    count = min(count, len(clusters))
    labels, known = label_matrix(examples)
    shown = (labels > 0.5).double()
    sides = torch.cat([shown, ((known > 0) & (labels < 0.5)).double(), torch.ones(len(examples), 1)], dim=1)
    support = torch.stack([sides[cluster].sum(dim=0) for cluster in clusters])
    wanted = (support.sum(dim=0) / count).repeat(count, 1)
    generator = torch.Generator().manual_seed(seed)
    waiting = torch.randperm(len(clusters), generator=generator).tolist()
    folds: list[list[int]] = [[] for _ in range(count)]
    while waiting:
        bearers = (support[waiting] > 0).sum(dim=0)
        rarest = int(torch.where(bearers > 0, bearers, len(clusters) + 1).argmin())
        chosen = max(waiting, key=lambda cluster: float(support[cluster, rarest]))
        waiting.remove(chosen)
        empty = [fold for fold in range(count) if not folds[fold]]
        open_folds = empty if len(empty) > len(waiting) else list(range(count))
        fold = max(open_folds, key=lambda fold: (float(wanted[fold, rarest]), float(wanted[fold, -1])))
        folds[fold].extend(clusters[chosen])
        wanted[fold] -= support[chosen]
    return [sorted(fold) for fold in folds]
