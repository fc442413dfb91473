"""Stylized panels -> the page they came from, leaving everything else as it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pages.model import Box

_BAND = 512  # rows at a time, so that the floats of a large panel stay small
_LINES = 4  # of a row of pixels in which a slanted edge is measured


@dataclass(frozen=True)
class StylizedPanel:
    """A panel to be put into its page.

    Attributes:
        box: in pixels of the page.
        picture: (height, width, 3) uint8, of the box's size.
        polygon: corner points (x, y) in pixels of the page where the panel is no upright rectangle; what lies
            outside stays the page's.
    """

    box: Box
    picture: NDArray[np.uint8]
    polygon: Sequence[tuple[int, int]] | None = None


def compose_page(
    original: NDArray[np.uint8], stylized: Sequence[StylizedPanel], keep: NDArray[np.floating]
) -> NDArray[np.uint8]:
    """Put stylized panels into a page: keep · original + (1 − keep) · stylized, inside each panel.

    Pixels outside all panels, and those where ``keep`` is 1, are the original's, bit for bit; where stylized
    and original agree the result agrees too. Where panels overlap the later one lies on top. Pixels that the
    slanted edge of a polygon cuts belong to the panel by the share of their area that it covers.

    Args:
        original: (H, W, 3) uint8.
        stylized: in the order in which they are laid down.
        keep: (H, W) in [0, 1]; values between feather the seam.

    Returns:
        (H, W, 3) uint8, a new array.

    Raises:
        ValueError: a box that is not inside the page, or shapes that do not fit.
    """
    height, width = original.shape[:2]
    if keep.shape != (height, width):
        raise ValueError(f"keep is {keep.shape}, the page {(height, width)}: they must be the same.")
    page = original.copy()
    for panel in stylized:
        box, picture = panel.box, panel.picture
        if not (0 <= box.left < box.right <= width and 0 <= box.top < box.bottom <= height):
            raise ValueError(f"{box} is not inside the page of {width} x {height} pixels.")
        if picture.shape != (box.height, box.width, 3):
            raise ValueError(
                f"{box} needs a picture of shape {(box.height, box.width, 3)}, got {picture.shape}."
            )
        for top in range(box.top, box.bottom, _BAND):
            part = Box(box.left, top, box.right, min(top + _BAND, box.bottom))
            band = np.s_[part.top : part.bottom, part.left : part.right]
            drawn = original[band].astype(np.float32)
            after = picture[part.top - box.top : part.bottom - box.top].astype(np.float32)
            share = np.clip(1 - keep[band].astype(np.float32), 0, 1)[..., None]
            finished = drawn + share * (after - drawn)
            if panel.polygon is not None:
                below = page[band].astype(np.float32)
                finished = below + covered(panel.polygon, part)[..., None] * (finished - below)
            page[band] = np.rint(finished).astype(np.uint8)
    return page


def covered(polygon: Sequence[tuple[int, int]], box: Box) -> NDArray[np.float32]:
    """How much of each pixel of a box lies inside a polygon.

    The area is exact across, and measured in four lines down, so that level and upright edges are sharp and
    slanted ones are smooth over one pixel. Where edges cross, what they wind around is inside.

    Args:
        polygon: corner points (x, y); pixel (x, y) is the square from there to (x + 1, y + 1).
        box: in the same coordinates.

    Returns:
        (height, width) in [0, 1].
    """
    heights = box.top + (np.arange(box.height * _LINES) + 0.5) / _LINES
    winding = np.zeros((box.height * _LINES, box.width), np.float32)
    columns = np.arange(box.left, box.right, dtype=np.float32)
    for (x0, y0), (x1, y1) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        crossed = np.flatnonzero((heights >= min(y0, y1)) & (heights < max(y0, y1)))
        if crossed.size:
            x = (x0 + (heights[crossed] - y0) * (x1 - x0) / (y1 - y0)).astype(np.float32)
            right = np.clip(columns + 1 - x[:, None], 0, 1)  # of the edge, as shares of the pixels
            winding[crossed] += right if y1 > y0 else -right
    inside = np.abs(winding).clip(0, 1).reshape(box.height, _LINES, box.width)
    return np.asarray(inside.mean(1), np.float32)
