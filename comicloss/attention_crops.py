"""Where classifiers look, as further examples: a second pass after a first training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from classifiers.data import Example
from classifiers.model import letterbox
from comicloss.crops import Region, crop
from pages.progress import Progress, Stop, never, silent, stop_here

_SIDES = (0.4, 0.55, 0.7)  # of the window, as shares of the picture's sides
_ENOUGH = 0.6  # of the evidence is in the window; all over the picture, the largest would have half
_CELLS = 64  # across the square that evidence is looked at in


class Attentive(Protocol):
    """Classifiers that tell where they look.

    ``evidence``: (N, 3, S, S) in [0, 1] -> (N, E, h, w), >= 0, summing to 1 over (h, w).
    """

    @property
    def image_size(self) -> int:
        """S, the side of the square that they look at."""

    def evidence(self, images: Tensor) -> Tensor:
        """Where the evidence for each element is."""


def attention_crops(
    classifiers: Attentive,
    examples: Sequence[Example],
    *,
    progress: Progress = silent,
    stop: Stop = never,
) -> list[Example]:
    """The window with most of the evidence for an element, wherever it is marked without a region.

    The smallest of three windows that holds most of the evidence; where none does, the classifiers do not
    look at any one place, and there is no crop. The mark stays what it is: a crop is not labeled by what the
    classifiers say, and only of an element that the author has marked as there.

    Args:
        classifiers: trained on these examples, or on others.
        examples: pictures as drawn.

    Returns:
        One example for each mark of 1 with such a window, in the group of its picture.

    Raises:
        Stopped: when ``stop()`` is true.
    """
    found = []
    for number, example in enumerate(examples, 1):
        stop_here(stop, "Looking where the classifiers look")
        columns = [
            column
            for column in range(len(example.labels))
            if example.known[column]
            and example.labels[column] == 1
            and not (example.regions and example.regions[column])
        ]
        if columns:
            maps = _evidence_in(classifiers, example.image)
            for column in columns:
                window = _window(maps[column])
                cut = None if window is None else crop(example, window, column)
                found += [] if cut is None else [cut]
        progress(number, len(examples), "looking where the classifiers look")
    return found


@torch.no_grad()
def _evidence_in(classifiers: Attentive, image: Tensor) -> Tensor:
    """(E, h, w) the evidence in a picture, without the paper that makes it a square; each map sums to 1."""
    square = letterbox(image[None].float(), classifiers.image_size)
    maps = F.interpolate(classifiers.evidence(square).float().cpu(), (_CELLS, _CELLS), mode="bilinear")[0]
    sides = torch.tensor(image.shape[-2:], dtype=torch.float64)
    rows, columns = (sides / sides.max() * _CELLS).round().clamp_min(4).long().tolist()
    top, left = (_CELLS - rows) // 2, (_CELLS - columns) // 2
    inside = maps[:, top : top + rows, left : left + columns].clamp_min(0)
    return inside / inside.sum(dim=(1, 2), keepdim=True).clamp_min(1e-12)


def _window(evidence: Tensor) -> Region | None:
    """The smallest window with most of the evidence (h, w)."""
    height, width = evidence.shape
    total = F.pad(evidence.cumsum(0).cumsum(1), (1, 0, 1, 0))
    for side in _SIDES:
        rows, columns = max(1, round(side * height)), max(1, round(side * width))
        held = (
            total[rows:, columns:]
            - total[:-rows, columns:]
            - total[rows:, :-columns]
            + total[:-rows, :-columns]
        )
        if float(held.max()) >= _ENOUGH:
            top, left = divmod(int(held.argmax()), held.shape[1])
            return left / width, top / height, (left + columns) / width, (top + rows) / height
    return None
