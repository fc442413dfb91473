"""Where a page has lettering: balloons, captions and letters, as masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pages.balloons import Mask, Shape, grown
from pages.blocks import Block, Kind, find_blocks
from pages.model import Box

_PAGE_SIDE = 1400  # working pixels of the height of a page
_STRIP_WIDTH = 1000  # the least working width of a strip that is read downwards
_MOST_PIXELS = 2_000_000  # of the working copy of a page that is no strip
_LARGEST_SCALE = 1.75
_OUTLINE = 8  # working pixels: the thickest outline of a balloon
_TIP = 6  # working pixels: how far a tail's tip may be too thin to be seen at working size
_STEP = 40  # gray levels by which an outline differs from the paper


@dataclass(frozen=True)
class LetteringBlock:
    """One block of text with what it stands on.

    Attributes:
        box: around the text with a margin, in pixels of the page.
        kind: "balloon", "caption" (a rectangle) or "free" (letters on the art).
        confidence: in [0, 1]; above 0.5.
        window: the part of the page that the masks are of.
        letters: (h, w) bool, the letters with a margin of about a pixel.
        shape: (h, w) bool, the balloon with its outline; the letters again where they are free.
    """

    box: Box
    kind: Kind
    confidence: float
    window: Box
    letters: Mask
    shape: Mask


@dataclass(frozen=True)
class Lettering:
    """The lettering of a page.

    Attributes:
        text: (H, W) bool, the letters with a small margin.
        balloons: (H, W) bool, whole balloons and captions with their outlines and tails; includes ``text``.
        blocks: the blocks of text, from the top of the page down.
    """

    text: Mask
    balloons: Mask
    blocks: Sequence[LetteringBlock] = ()

    @property
    def boxes(self) -> list[Box]:
        """The boxes of the blocks, in their order."""
        return [block.box for block in self.blocks]


def find_lettering(image: NDArray[np.uint8]) -> Lettering:
    """Find balloons, captions and free lettering, without a model.

    Lettering is a group of letter-sized spots of ink that stand close to each other on the same even paper,
    alike in size, darkness and thickness of stroke; in a closed balloon fewer of them are enough. The search
    is done on a copy of about 1400 pixels' height, the masks are drawn at full size.

    Args:
        image: (H, W, 3) uint8.
    """
    height, width = image.shape[:2]
    scale = _working_scale(width, height)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    if min(size) < 16:
        nothing = np.zeros((height, width), np.bool_)
        return Lettering(nothing, nothing.copy())
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    drawn: dict[int, tuple[Box, Mask]] = {}
    blocks = []
    for block in find_blocks(small.astype(np.uint8)):
        if block.shape is not None and id(block.shape) not in drawn:
            drawn[id(block.shape)] = _drawn_shape(image, block, block.shape, scale)
        shape = None if block.shape is None else drawn[id(block.shape)]
        blocks.append(_full_size(image, block, shape, scale))
    blocks.sort(key=lambda block: (block.box.top, block.box.left))
    return _of_blocks(blocks, image.shape)


def lettering_of(text: Mask, balloons: Mask) -> Lettering:
    """The lettering that two masks show, such as layers that the author has named.

    Args:
        text: (H, W) bool, the letters.
        balloons: (H, W) bool, balloons and captions, with or without the letters.
    """
    whole = text | balloons
    count, labels, stats, _ = cv2.connectedComponentsWithStats(whole.astype(np.uint8), connectivity=8)
    blocks = []
    for number in range(1, count):
        left, top, width, height, _ = (int(value) for value in stats[number])
        window = Box(left, top, left + width, top + height)
        shape = labels[top : window.bottom, left : window.right] == number
        letters = text[top : window.bottom, left : window.right] & shape
        has_balloon = (balloons[top : window.bottom, left : window.right] & shape & ~letters).any()
        inked = np.argwhere(letters)
        box = window
        if len(inked):
            low, high = inked.min(0), inked.max(0) + 1
            box = Box(left + int(low[1]), top + int(low[0]), left + int(high[1]), top + int(high[0]))
        blocks.append(LetteringBlock(box, "balloon" if has_balloon else "free", 1.0, window, letters, shape))
    blocks.sort(key=lambda block: (block.box.top, block.box.left))
    return Lettering(text.copy(), whole, tuple(blocks))


def _working_scale(width: int, height: int) -> float:
    scale = _PAGE_SIDE / height
    if height > 2 * width:
        scale = max(scale, min(_STRIP_WIDTH / width, 1.0))
    else:
        scale = min(scale, (_MOST_PIXELS / (width * height)) ** 0.5)
    return min(scale, _LARGEST_SCALE)


def _of_blocks(blocks: Sequence[LetteringBlock], size: tuple[int, ...]) -> Lettering:
    text, balloons = np.zeros(size[:2], np.bool_), np.zeros(size[:2], np.bool_)
    for block in blocks:
        view = np.s_[block.window.top : block.window.bottom, block.window.left : block.window.right]
        text[view] |= block.letters
        balloons[view] |= block.shape | block.letters
    return Lettering(text, balloons, tuple(blocks))


def _full_size(
    image: NDArray[np.uint8], block: Block, shape: tuple[Box, Mask] | None, scale: float
) -> LetteringBlock:
    """A block with its letters drawn at the page's size."""
    margin = round(0.85 * min(block.size, 60) + 15)
    box = grown(_scaled(block.box, scale, image.shape), round(margin / scale), image.shape)
    around, letters = _drawn_letters(image, block, scale)
    if shape is None:
        return LetteringBlock(box, block.kind, block.confidence, around, letters, letters)
    window, mask = shape
    whole = Box(
        min(window.left, around.left),
        min(window.top, around.top),
        max(window.right, around.right),
        max(window.bottom, around.bottom),
    )
    inside = Box(
        min(max(box.left, window.left), around.left),
        min(max(box.top, window.top), around.top),
        max(min(box.right, window.right), around.right),
        max(min(box.bottom, window.bottom), around.bottom),
    )
    letters, mask = _moved(letters, around, whole), _moved(mask, window, whole)
    return LetteringBlock(inside, block.kind, block.confidence, whole, letters, mask | letters)


def _drawn_letters(image: NDArray[np.uint8], block: Block, scale: float) -> tuple[Box, Mask]:
    """The letters of a block at the page's size, with a margin of about a working pixel."""
    pixel = max(round(1 / scale), 1)
    around = grown(_scaled(block.box, scale, image.shape), 3 * pixel + 1, image.shape)
    near = _enlarged(block.letters, block.box, around, scale, image.shape)
    near = cv2.dilate(near, np.ones((4 * pixel + 1,) * 2, np.uint8)) > 0
    gray = cv2.cvtColor(
        np.ascontiguousarray(image[around.top : around.bottom, around.left : around.right]),
        cv2.COLOR_RGB2GRAY,
    )
    inked = (gray.astype(np.float32) - block.ground) / (block.ink - block.ground) > 0.3
    letters = cv2.dilate((near & inked).astype(np.uint8), np.ones((2 * pixel + 1,) * 2, np.uint8)) > 0
    return around, letters


def _drawn_shape(image: NDArray[np.uint8], block: Block, shape: Shape, scale: float) -> tuple[Box, Mask]:
    """A balloon at the page's size with its outline.

    That is paper like its own close to the shape found, grown until most of what is around it is no ink.
    """
    pixel = 1 / scale
    window = grown(_scaled(shape.box, scale, image.shape), round((_OUTLINE + _TIP + 2) * pixel), image.shape)
    rough = _enlarged(shape.mask, shape.box, window, scale, image.shape)
    gray = cv2.cvtColor(
        np.ascontiguousarray(image[window.top : window.bottom, window.left : window.right]),
        cv2.COLOR_RGB2GRAY,
    )
    sure = cv2.erode(rough, np.ones((2 * round(2.5 * pixel) + 1,) * 2, np.uint8), borderValue=1)
    near = cv2.dilate(rough, np.ones((2 * round(_TIP * pixel) + 1,) * 2, np.uint8))
    unlike = np.abs(gray.astype(np.float32) - block.ground)
    paper = ((unlike < _STEP) & (near > 0)) | (sure > 0)
    _, parts = cv2.connectedComponents(paper.astype(np.uint8), connectivity=4)
    holds = np.zeros(int(parts.max()) + 1, np.bool_)
    holds[np.unique(parts[sure > 0])] = True
    holds[0] = False
    outlines, _ = cv2.findContours(holds[parts].astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    inside = cv2.drawContours(np.zeros(gray.shape, np.uint8), outlines, -1, 1, cv2.FILLED)
    away = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    beside = unlike[(away > 0) & (away < 2.5 * pixel + 1)]
    line = max(_STEP, 0.6 * float(np.percentile(beside, 80))) if len(beside) else _STEP
    rings = np.minimum(away, _OUTLINE * pixel + 1).astype(np.intp)
    counted = np.bincount(rings.ravel(), minlength=2)
    inked = np.bincount(rings.ravel(), (unlike > line).ravel(), len(counted)) / np.maximum(counted, 1)
    starts = np.flatnonzero(inked[1 : round(3 * pixel) + 2] >= 0.5)  # the line's own edge is soft
    first = int(starts[0]) + 1 if len(starts) else len(inked)
    ends = np.flatnonzero(inked[first:-1] < 0.5)
    thickness = float(first + ends[0]) if len(ends) else 1.5 * pixel
    outline = (away > 0) & (away <= thickness)
    art = np.zeros(outline.shape, np.bool_)
    art[outline] = _unlike_ink(
        image[window.top : window.bottom, window.left : window.right][outline],
        unlike[outline] > line,
        block.ground,
    )
    mask = _without_art(away <= thickness, art, round(pixel))
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    top, left, bottom, right = (int(edge) for edge in (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1))
    tight = Box(window.left + left, window.top + top, window.left + right, window.top + bottom)
    return tight, mask[top:bottom, left:right]


def _unlike_ink(pixels: NDArray[np.uint8], inked: Mask, ground: float) -> Mask:
    """Which pixels (N, 3) of an outline and what is beside it are not of the outline's color: (N,) bool.

    Args:
        pixels: around a balloon.
        inked: (N,), where they are dark or light as the outline is.
        ground: gray level of the balloon's paper.
    """
    if not inked.any():
        return ~inked
    ink = np.median(pixels[inked], axis=0)
    return np.asarray(np.abs(pixels - ink).max(axis=1) > 0.5 * np.abs(ground - ink).max(), np.bool_)


def _without_art(mask: Mask, unlike_ink: Mask, pixel: int) -> Mask:
    """A balloon with its outline, without the art beyond the outline where that is thinner than elsewhere."""
    _, parts = cv2.connectedComponents((~mask | unlike_ink).astype(np.uint8), connectivity=4)
    beyond = np.zeros(int(parts.max()) + 1, np.bool_)
    beyond[np.unique(parts[~mask])] = True
    within = (~beyond[parts]).astype(np.uint8)
    brush = np.ones((2 * max(pixel, 1) + 1,) * 2, np.uint8)  # gaps in a line, and its soft inner edge there
    return np.asarray(cv2.morphologyEx(within, cv2.MORPH_CLOSE, brush), np.bool_) & mask


def _scaled(box: Box, scale: float, page: tuple[int, ...]) -> Box:
    """A box of the working copy on the page, its edges rounded outwards."""
    return Box(
        int(box.left / scale),
        int(box.top / scale),
        min(int(np.ceil(box.right / scale)), page[1]),
        min(int(np.ceil(box.bottom / scale)), page[0]),
    )


def _enlarged(mask: Mask, box: Box, window: Box, scale: float, page: tuple[int, ...]) -> NDArray[np.uint8]:
    """A mask of a box of the working copy, drawn in a window of the page: (h, w) in {0, 1}."""
    target = _scaled(box, scale, page)
    size = max(target.width, 1), max(target.height, 1)
    large = cv2.resize(mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_LINEAR) > 127
    return _moved(large, target, window).astype(np.uint8)


def _moved(mask: Mask, box: Box, window: Box) -> Mask:
    """A mask of a box as a mask of a window that holds the box."""
    moved = np.zeros((window.height, window.width), np.bool_)
    y, x = box.top - window.top, box.left - window.left
    moved[y : y + mask.shape[0], x : x + mask.shape[1]] = mask[: window.height - y, : window.width - x]
    return moved
