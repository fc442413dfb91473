"""Stylized panels -> the page they came from, leaving everything else as it was."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pages.model import Box

_BAND = 512  # rows at a time, so that the floats of a large panel stay small


def compose_page(
    original: NDArray[np.uint8],
    stylized: Sequence[tuple[Box, NDArray[np.uint8]]],
    keep: NDArray[np.floating],
) -> NDArray[np.uint8]:
    """Put stylized panels into a page: keep · original + (1 − keep) · stylized, inside each box.

    Pixels outside all boxes, and those where ``keep`` is 1, are the original's, bit for bit; where stylized
    and original agree the result agrees too. Where boxes overlap the later one lies on top.

    Args:
        original: (H, W, 3) uint8.
        stylized: boxes of the page, each with its picture (height, width, 3) uint8.
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
    for box, picture in stylized:
        if not (0 <= box.left < box.right <= width and 0 <= box.top < box.bottom <= height):
            raise ValueError(f"{box} is not inside the page of {width} x {height} pixels.")
        if picture.shape != (box.height, box.width, 3):
            raise ValueError(
                f"{box} needs a picture of shape {(box.height, box.width, 3)}, got {picture.shape}."
            )
        for top in range(box.top, box.bottom, _BAND):
            rows = slice(top, min(top + _BAND, box.bottom))
            band = np.s_[rows, box.left : box.right]
            before = original[band].astype(np.float32)
            after = picture[rows.start - box.top : rows.stop - box.top].astype(np.float32)
            share = np.clip(1 - keep[band].astype(np.float32), 0, 1)[..., None]
            page[band] = np.rint(before + share * (after - before)).astype(np.uint8)
    return page
