"""A part of an example as an example of its own, with what is surely known of it."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from classifiers.data import Example

EXAMPLE_SIDE = 384
"""Longest side of a picture that the classifiers learn from; they look at less than this."""

Region = tuple[float, float, float, float]
"""(left, top, right, bottom) as shares of a picture's width and height, in [0, 1]."""

_MARGIN = 0.2  # of the region's sides, around it
_WHOLE = 0.7  # a crop of more of its picture than this tells nothing new
_LEAST_SIDE = 24  # pixels; smaller crops are mush
_INSIDE = 0.95  # a region is in a crop with this much of its area


def region_crop(example: Example, column: int) -> Example | None:
    """The region of an element with some margin around it; None without a region, or for too much or little.

    The element must be marked as there, or probably there.
    """
    region = example.regions[column] if example.regions else None
    if region is None or not example.known[column] or example.labels[column] == 0:
        return None
    left, top, right, bottom = region
    across, down = _MARGIN * (right - left), _MARGIN * (bottom - top)
    window = (max(left - across, 0), max(top - down, 0), min(right + across, 1), min(bottom + down, 1))
    return crop(example, window, column)


def crop(example: Example, window: Region, column: int) -> Example | None:
    """A window of an example, in which one element is what it is in the whole.

    Another element is known in the window only if it is not in the picture at all, or if its region lies
    surely in or surely outside of the window.

    Args:
        example: of any size.
        window: as shares of its picture.
        column: of the element that is in the window.

    Returns:
        An example of the same group with no side longer than ``EXAMPLE_SIDE``; None where it would be nearly
        the whole picture, or too small to see anything.
    """
    height, width = example.image.shape[-2:]
    left, right = math.floor(window[0] * width), math.ceil(window[2] * width)
    top, bottom = math.floor(window[1] * height), math.ceil(window[3] * height)
    too_large = (right - left) * (bottom - top) > _WHOLE * width * height
    if too_large or min(right - left, bottom - top) < _LEAST_SIDE:
        return None
    exact = (left / width, top / height, right / width, bottom / height)
    labels, known = example.labels.clone(), example.known.clone()
    regions: list[Region | None] = []
    for place in range(len(labels)):
        region = example.regions[place] if example.regions else None
        inside = 0.0 if region is None else _share_inside(region, exact)
        regions.append(None if region is None or inside == 0 else _seen_in(region, exact))
        if place == column or not known[place] or labels[place] == 0:
            continue
        if region is not None and inside == 0:
            labels[place] = 0
        elif inside < _INSIDE:
            known[place] = 0
    image = reduced(example.image[:, top:bottom, left:right])
    return Example(image, labels * known, known, example.group, tuple(regions))


def reduced(image: Tensor) -> Tensor:
    """A picture (3, h, w) float with no side longer than ``EXAMPLE_SIDE``, antialiased."""
    height, width = image.shape[-2:]
    factor = EXAMPLE_SIDE / max(height, width)
    if factor >= 1:
        return image.clone()
    size = (max(1, round(height * factor)), max(1, round(width * factor)))
    small: Tensor = F.interpolate(image[None], size, mode="bilinear", antialias=True)[0]
    return torch.clamp(small, 0, 1)


def _share_inside(region: Region, window: Region) -> float:
    """The part of a region's area that lies in a window."""
    across = min(region[2], window[2]) - max(region[0], window[0])
    down = min(region[3], window[3]) - max(region[1], window[1])
    if across <= 0 or down <= 0:
        return 0.0
    return across * down / ((region[2] - region[0]) * (region[3] - region[1]))


def _seen_in(region: Region, window: Region) -> Region:
    """What a window shows of a region that reaches into it, as shares of the window."""
    wide, high = window[2] - window[0], window[3] - window[1]
    return (
        max((region[0] - window[0]) / wide, 0.0),
        max((region[1] - window[1]) / high, 0.0),
        min((region[2] - window[0]) / wide, 1.0),
        min((region[3] - window[1]) / high, 1.0),
    )
