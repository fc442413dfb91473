"""Constant borders: letterbox bars, frames of a scan. A classifier learns them in place of the drawing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pages.model import Box

_NOISE = 12  # levels by which a lossy codec moves most of a flat color
_RINGING = 40  # levels by which it moves the pixels beside an edge
_NOISY, _STRAY = 0.5, 0.02  # of a line's pixels may be further off than the one, than the other
_EDGE = 0.5  # of the first line of the picture must differ: a drawing's own paper ends in no straight line
_MIXED = 4  # lines beside the picture that a lossy codec has mixed
_THIN = 0.05  # of a side: deeper, a border has its like at the opposite side; a flat sky has not
_DEEPEST = 0.45  # of a side: what reaches further is the picture
_SMALLEST = 16  # pixels of a side that are left


def content_box(image: NDArray[np.uint8]) -> Box:
    """The picture without its constant borders, in pixels.

    A border is a run of lines along a side that are one color, the same for all of them, and that ends in a
    straight edge: most of the next line is of another color. So white paper around a drawing is no border.
    One that is deeper than 5 % of the side must have its like at the opposite side, as letterbox bars do and
    a flat sky above a straight horizon does not. The few lines that a lossy codec has mixed with the picture
    go with the border. Any color, any side, one pixel thin or up to 45 % deep; nested ones come off one by
    one.

    Args:
        image: (H, W, 3) uint8.

    Returns:
        The box; the whole picture where there is no border.
    """
    return _peeled([image])


def common_content_box(images: Sequence[NDArray[np.uint8]]) -> Box:
    """The box inside the borders that all pictures of one film have: lines of one color that never changes.

    What stays the same in pictures of many scenes is a border without any straight edge, so that dark scenes
    between black bars are cropped like bright ones.

    Args:
        images: (H, W, 3) uint8 each, of one size, at least one; those with nothing to see left out.
    """
    return _peeled(images)


def _peeled(images: Sequence[NDArray[np.uint8]]) -> Box:
    left, top = 0, 0
    bottom, right = images[0].shape[:2]
    while True:
        windows = [image[top:bottom, left:right].astype(np.int16) for image in images]
        # Turned so that the side in question is on top: left, top, right, bottom.
        sides = [_border([np.rot90(window, turns) for window in windows]) for turns in (-1, 0, 1, 2)]
        if len(images) == 1:
            sides = _plausible(sides, right - left, bottom - top)
        depths = [depth for depth, _ in sides]
        if not any(depths):
            return Box(left, top, right, bottom)
        left, top, right, bottom = left + depths[0], top + depths[1], right - depths[2], bottom - depths[3]


Border = tuple[int, NDArray[np.float64]]
"""How many lines, and their color (3,)."""


def _border(images: Sequence[NDArray[np.int16]]) -> Border:
    """The border at the top that all the pictures have."""
    height, width = images[0].shape[:2]
    color = np.median(images[0][0], axis=0)
    if min(height, width) < _SMALLEST:
        return 0, color
    most = int(height * _DEEPEST)
    away = [np.abs(image[: most + _MIXED + 1] - color).max(axis=2) for image in images]
    different = np.stack([(lines > _NOISE).mean(axis=1) for lines in away])
    far = np.stack([(lines > _RINGING).mean(axis=1) for lines in away])
    constant = ((different <= _NOISY) & (far <= _STRAY)).all(axis=0)
    depth = int(np.argmin(np.append(constant, False)))
    if not 0 < depth <= most:
        return 0, color
    # The last lines of the border are mixed with the picture: it begins where most of a line is far off, or
    # in a picture hardly lighter than its border, where most of it is off at all.
    beyond = slice(depth, depth + _MIXED + 1)
    for share in (far[:, beyond].max(axis=0), different[:, beyond].max(axis=0)):
        reached = np.flatnonzero(share >= _EDGE)
        if len(reached):
            return depth + int(reached[0]), color
    return (depth if len(images) > 1 else 0), color


def _plausible(sides: list[Border], width: int, height: int) -> list[Border]:
    """The sides whose border is thin, or like that of the opposite side."""
    kept = []
    for number, (depth, color) in enumerate(sides):
        other, its_color = sides[(number + 2) % 4]
        like = abs(depth - other) <= max(2, depth // 10) and np.abs(color - its_color).max() <= _NOISE
        thin = depth <= _THIN * (height if number % 2 else width)
        kept.append((depth if like or thin else 0, color))
    return kept
