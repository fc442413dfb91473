"""The fold of an open notebook: a photograph that shows two pages is cut down to the larger one."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Corners = NDArray[np.float64]

_ACROSS, _ALONG = 480, 40  # columns across the fold and bands along it in which it is looked for
_SIDES = (0.008, 0.03)  # from where to where beside a fold the paper is brighter, as shares of the spread
_DEEP = 2.0  # CIE lightness by which a fold is darker than the paper beside it
_NEAREST = 0.025  # share of the spread that lies beyond a fold, at least
_SLANT = 0.3  # share of the spread by which the fold may run aslant


def page_beside_fold(image: Picture, corners: Corners) -> tuple[Corners, int] | None:
    """The larger page of an open notebook, where a fold divides the sheet that was found.

    A fold runs from side to side, margins included, as a soft valley with paper on both sides. The gutter
    between two panels is brighter than what is beside it, a drawn line is thin, and both end at the margin.

    Args:
        image: (H, W, 3) uint8 sRGB.
        corners: (4, 2) of the whole notebook, clockwise from the top left.

    Returns:
        The page's corners, and which of its sides (top, right, bottom, left) is the fold; None where there is
        no fold.
    """
    for turn in range(2):  # a fold from top to bottom, then one from left to right
        turned = np.roll(corners, -turn, 0)
        outline = np.array([[0, 0], [_ACROSS, 0], [_ACROSS, 480], [0, 480]], np.float32)
        to_flat = cv2.getPerspectiveTransform(turned.astype(np.float32), outline)
        flat = cv2.warpPerspective(image, to_flat, (_ACROSS, 480), flags=cv2.INTER_AREA)
        light = cv2.cvtColor(flat.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[..., 0]
        fold = _fold(light)
        if fold is None:
            continue
        top, bottom = fold
        ends = np.array([[top, 0.0], [bottom, 480.0]], np.float32)
        seen = cv2.perspectiveTransform(ends[None], np.linalg.inv(to_flat))[0].astype(np.float64)
        page = turned.copy()
        side = 3 if top + bottom < _ACROSS else 1
        if side == 3:
            page[0], page[3] = seen[0], seen[1]
        else:
            page[1], page[2] = seen[0], seen[1]
        return np.roll(page, turn, 0), (side + turn) % 4
    return None


def _fold(light: NDArray[np.float32]) -> tuple[float, float] | None:
    """Where a fold begins in the first row and ends in the last, in columns."""
    height, width = light.shape
    # drawn lines that cross a band do not darken it: the brighter part of every band counts
    bands = np.percentile(light.reshape(_ALONG, height // _ALONG, width), 70, axis=1)
    near, far = (round(share * width) for share in _SIDES)
    # without upright lines, which are thinner than a fold's shadow
    floor = cv2.morphologyEx(bands, cv2.MORPH_CLOSE, np.ones((1, 2 * near + 1), np.uint8))
    left, right = np.full(bands.shape, -np.inf), np.full(bands.shape, -np.inf)
    for step in range(near, far + 1, 2):
        left[:, step:] = np.maximum(left[:, step:], bands[:, :-step])
        right[:, :-step] = np.maximum(right[:, :-step], bands[:, step:])
    depth = np.minimum(left, right) - floor
    valley = np.clip(np.where(np.isfinite(depth), depth, 0), 0, 3 * _DEEP)
    columns = np.arange(round(_NEAREST * width), round((1 - _NEAREST) * width))
    slant = round(_SLANT * width)
    along = (np.arange(_ALONG) + 0.5) / _ALONG
    best, found = 0.0, None
    for run in range(-slant, slant + 1, 2):
        at = columns[None] + np.rint(run * (along - 0.5)).astype(int)[:, None]
        inside = ((at >= 0) & (at < width)).all(0)
        if not inside.any():
            continue
        steps = valley[np.arange(_ALONG)[:, None], np.clip(at, 0, width - 1)]
        # nearly all of the way, and at both ends, where only the margin is
        whole = np.percentile(steps, 12, axis=0)
        ends = np.minimum(steps[:2].max(0), steps[-2:].max(0))
        score = np.where(inside, np.minimum(whole, ends) + 0.05 * steps.mean(0), 0)
        if score.max() > best:
            best = float(score.max())
            middle = float(columns[int(score.argmax())]) + 0.5
            found = middle - run / 2, middle + run / 2
    return found if best > _DEEP else None
