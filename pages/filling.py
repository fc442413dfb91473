"""A page without its lettering: balloons painted with their own paper, letters over art painted over."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_RING = 4  # pixels around a part that show what it stands on
_FLAT = 12.0  # the standard deviation, in gray levels, up to which they are one color


def fill_lettering(image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Paint over each connected part of the mask.

    A balloon or caption takes its own paper, the commonest color in it; letters on flat ground take the color
    around them; letters on other ground are inpainted (Telea 2004). A style network that never sees letters
    cannot smear them or write its own.

    Args:
        image: (H, W, 3) uint8.
        mask: (H, W) bool, as ``Lettering.balloons`` or ``Lettering.text``.

    Returns:
        (H, W, 3) uint8, a new array, unchanged outside the mask.
    """
    filled = image.copy()
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    for number in range(1, count):
        left, top, width, height, _ = (int(value) for value in stats[number])
        y = slice(max(top - 2 * _RING, 0), top + height + 2 * _RING)
        x = slice(max(left - 2 * _RING, 0), left + width + 2 * _RING)
        part = labels[y, x] == number
        filled[y, x][part] = _painted(image[y, x], part, mask[y, x])
    return filled


def _painted(
    window: NDArray[np.uint8], part: NDArray[np.bool_], mask: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """The colors for a part of a window: one color, or (N, 3) for its N pixels."""
    pixels = window[part]
    coarse = (pixels >> 4).astype(np.int32) @ np.array([256, 16, 1])
    commonest = np.median(pixels[coarse == np.bincount(coarse).argmax()], axis=0)
    alike = np.abs(pixels - commonest).max(axis=1) < 24
    brush = np.ones((2 * _RING + 1,) * 2, np.uint8)
    ring = window[(cv2.dilate(part.astype(np.uint8), brush) > 0) & ~mask]
    if alike.mean() > 0.5 and _is_paper(part, alike, light=bool(commonest.mean() > 128)):
        return np.asarray(commonest, np.uint8)
    if len(ring) and np.median(np.abs(ring - np.median(ring, axis=0)).max(axis=1)) < _FLAT:
        return np.asarray(np.median(ring, axis=0), np.uint8)
    if len(ring) == 0:
        return np.asarray(commonest, np.uint8)
    painted = cv2.inpaint(np.ascontiguousarray(window), mask.astype(np.uint8), _RING, cv2.INPAINT_TELEA)
    return np.asarray(painted[part], np.uint8)


def _is_paper(part: NDArray[np.bool_], alike: NDArray[np.bool_], *, light: bool) -> bool:
    """Whether the commonest color of a part is a balloon's paper: it holds letters, or is light and convex.

    Else the part is a thick letter with its own ink as the commonest color.
    """
    paper = np.zeros(part.shape, np.uint8)
    paper[part] = alike
    _, tree = cv2.findContours(paper, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    holes = int((tree[0, :, 3] >= 0).sum())
    points = np.argwhere(part).astype(np.int32)
    return holes > 2 or (light and bool(part.sum() > 0.85 * cv2.contourArea(cv2.convexHull(points))))
