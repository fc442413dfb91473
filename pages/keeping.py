"""What of a page's lettering stays as drawn, and how much of each pixel of a finished page that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pages.balloons import Mask
from pages.filling import fill_lettering
from pages.lettering import Lettering
from pages.model import Box, Treatment

_UNLIKE = 128  # levels from the edge of what is kept to what is something else beside it
_FAINTEST = 96  # levels between paper and ink; less counts in part, or noise of the paper would be kept
_PAPER, _INK = 0.15, 0.6  # of what is between paper and ink: up to here no ink, from here all ink


@dataclass(frozen=True)
class Kept:
    """What stays as drawn, as masks of one size.

    Attributes:
        whole: (H, W) bool, pixel for pixel.
        letters: (H, W) bool, where the ink alone stays and the paper around it takes the style; apart from
            ``whole``.
    """

    whole: Mask
    letters: Mask

    def resized(self, width: int, height: int) -> Kept:
        """The same at another size: ``whole`` where half of a pixel is, ``letters`` where any of it is."""
        whole, letters = (_coverage(mask, width, height) for mask in (self.whole, self.letters))
        return Kept(whole > 127, (letters > 0) & (whole <= 127))


def kept_lettering(
    lettering: Lettering, treatment: Treatment = "keep", items: Sequence[tuple[Box, Treatment]] = ()
) -> Kept:
    """What stays as drawn of a page's lettering.

    Args:
        lettering: of the page.
        treatment: what becomes of each block.
        items: what becomes of the blocks that lie mostly in a box, the last such box deciding; where there is
            none, of all of the box.

    In a balloon in which no letters are known all ink is taken for letters.
    """
    kept = {how: np.zeros(lettering.text.shape, np.bool_) for how in ("keep", "letters")}
    own: list[Treatment] = [treatment] * len(lettering.blocks)
    for box, treat in items:
        mostly = [
            number
            for number, block in enumerate(lettering.blocks)
            if 2 * _part(block.shape, block.window, box).sum() >= block.shape.sum()
        ]
        for number in mostly:
            own[number] = treat
        if not mostly and treat != "restyle":
            kept[treat][box.top : box.bottom, box.left : box.right] = True
    for block, treat in zip(lettering.blocks, own, strict=True):
        view = np.s_[block.window.top : block.window.bottom, block.window.left : block.window.right]
        if treat == "keep":
            kept["keep"][view] |= block.shape
        elif treat == "letters":
            kept["letters"][view] |= block.letters if block.letters.any() else block.shape
    return Kept(kept["keep"], kept["letters"] & ~kept["keep"])


def kept_share(page: NDArray[np.uint8], kept: Kept, *, feather: float) -> NDArray[np.float32]:
    """How much of each pixel stays as drawn: (H, W) in [0, 1], for ``pages.compose``.

    It is 1 on all of ``kept.whole``. Outside of it the edge is soft where the drawing goes on as it is, and
    hard where something else begins: the art beside a balloon's outline would be a halo around it. In
    ``kept.letters`` it is as much as there is ink.

    Args:
        page: (H, W, 3) uint8.
        kept: in the size of the page.
        feather: pixels over which it falls to 0 outside of ``kept.whole``.
    """
    share = np.zeros(page.shape[:2], np.float32)
    if kept.whole.any():
        away, nearest = cv2.distanceTransformWithLabels(
            (~kept.whole).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
        )
        share[kept.whole] = 1
        edge = (away > 0) & (away < feather + 1)
        place = np.zeros(int(nearest.max()) + 1, np.intp)
        place[nearest[kept.whole]] = np.flatnonzero(kept.whole)
        inside = page.reshape(-1, 3)[place[nearest[edge]]].astype(np.int16)
        apart = np.abs(page[edge] - inside).max(axis=1).astype(np.float32)
        share[edge] = (1 - away[edge] / np.float32(feather + 1)) * (1 - apart / _UNLIKE).clip(0, 1)
    if kept.letters.any():
        _add_ink(page, kept.letters, share)
    return share


def _add_ink(page: NDArray[np.uint8], letters: Mask, share: NDArray[np.float32]) -> None:
    """Raise the shares in a mask to how much of a pixel is ink, on the paper of the mask's part it is in."""
    paper = fill_lettering(page, letters)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(letters.astype(np.uint8), connectivity=8)
    for number in range(1, count):
        left, top, width, height, _ = (int(value) for value in stats[number])
        view = np.s_[top : top + height, left : left + width]
        part = labels[view] == number
        apart = cv2.absdiff(np.ascontiguousarray(page[view]), np.ascontiguousarray(paper[view])).max(axis=2)
        darkest = max(float(np.percentile(apart[part], 97)), _FAINTEST)
        ink = ((apart / np.float32(darkest) - _PAPER) / (_INK - _PAPER)).clip(0, 1)
        share[view][part] = np.maximum(share[view], ink)[part]


def _part(mask: Mask, window: Box, box: Box) -> Mask:
    """The part of a window's mask that lies in a box."""
    top, left = max(box.top - window.top, 0), max(box.left - window.left, 0)
    return mask[top : max(box.bottom - window.top, 0), left : max(box.right - window.left, 0)]


def _coverage(mask: Mask, width: int, height: int) -> NDArray[np.uint8]:
    """How much of each pixel of another size a mask covers: (height, width) in 0..255."""
    smaller = width * height < mask.size
    method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    scaled = cv2.resize(mask.astype(np.uint8) * 255, (width, height), interpolation=method)
    return np.asarray(scaled, np.uint8)
