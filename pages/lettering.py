"""Where a page has lettering: balloons, captions and the letters in them; and a page with them filled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from scipy.sparse.csgraph import connected_components

from pages.model import Box

Mask = NDArray[np.bool_]

_WORKING_SIDE = 1400  # pixels of the page's longer side; all lengths below are at this scale
_LIGHT = 0.80  # of the page's white: lighter is paper, darker is ink
_DARK = 0.30  # of the page's white: darker may be the ground of a dark caption
_GROUND_AREA = 500  # the smallest ground of lettering
_GLYPH_SIDES = 5, 84  # of a letter; a joined-up word may be three times as wide
_OUTLINE = 5  # how far a balloon's outline reaches beyond its ground
_LARGEST_BALLOON = 0.15  # share of the page


@dataclass(frozen=True)
class Lettering:
    """The lettering of a page.

    Attributes:
        text: (H, W) bool, the letters with a small margin.
        balloons: (H, W) bool, whole balloons and captions with their outlines; includes ``text``.
        boxes: the blocks of text, from the top of the page down.
    """

    text: Mask
    balloons: Mask
    boxes: list[Box]


def find_lettering(image: NDArray[np.uint8]) -> Lettering:
    """Find balloons, captions and free lettering on paper, without a model.

    Lettering is a group of several pen-drawn, letter-sized spots of ink, alike in size, each wholly within
    one closed ground of light color (a balloon, a caption, the white of a panel), or light ones within a dark
    caption. Sound effects drawn across the art and letters on patterned grounds are not found.

    Args:
        image: (H, W, 3) uint8.
    """
    height, width = image.shape[:2]
    scale = min(_WORKING_SIDE / max(height, width), 1.0)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    reduced = Image.fromarray(image).convert("L").resize(size, Image.Resampling.BOX)
    light = np.asarray(reduced, np.float32)
    light = np.minimum(light / np.float32(max(float(np.percentile(light, 99)), 1.0)), np.float32(1))
    text, balloons = np.zeros(light.shape, np.bool_), np.zeros(light.shape, np.bool_)
    boxes = []
    for block in (*_blocks(1 - light, light > _LIGHT, dark=False), *_blocks(light, light < _DARK, dark=True)):
        _stamp(text, block.letters, block.corner, grow=2)
        _stamp(balloons, block.balloon, block.corner, grow=block.grow)
        boxes.append(_grown(block.box, block.margin, *size))
    across, down = width / size[0], height / size[1]
    return Lettering(
        text=_enlarged(text, width, height),
        balloons=_enlarged(balloons | text, width, height),
        boxes=sorted((_scaled(box, across, down) for box in boxes), key=lambda box: (box.top, box.left)),
    )


def fill_lettering(image: NDArray[np.uint8], mask: Mask) -> NDArray[np.uint8]:
    """Paint each connected part of the mask with its own paper: the commonest color in it.

    A style network that never sees letters cannot smear them or write its own.

    Args:
        image: (H, W, 3) uint8.
        mask: (H, W) bool, as ``Lettering.balloons``.

    Returns:
        (H, W, 3) uint8, a new array, unchanged outside the mask.
    """
    filled = image.copy()
    labels, _ = ndimage.label(mask)
    for number, window in enumerate(ndimage.find_objects(labels), 1):
        part = labels[window] == number
        pixels = image[window][part]
        coarse = (pixels >> 4).astype(np.int32) @ np.array([256, 16, 1])
        commonest = np.bincount(coarse).argmax()
        filled[window][part] = np.median(pixels[coarse == commonest], axis=0).astype(np.uint8)
    return filled


@dataclass(frozen=True)
class _Block:
    """A block of text.

    Attributes:
        box: of the letters, tight.
        margin: to add on each side of the box, one and a half letters.
        corner: (top, left) of the window that the masks are of.
        letters: the letters in the window.
        balloon: the balloon's ground, or again the letters where there is no balloon.
        grow: pixels to grow the balloon by.
    """

    box: Box
    margin: int
    corner: tuple[int, int]
    letters: Mask
    balloon: Mask
    grow: int


@dataclass(frozen=True)
class _Spots:
    """The connected spots of ink of a page; the arrays are indexed by a spot's number, 0 being no spot.

    Attributes:
        labels: (H, W), each pixel's spot.
        top: of each spot, like ``left``, ``height``, ``width`` and ``area`` in pixels.
        stroke: area over number of edge pixels: 1 for hairlines and dots, more for strokes of a pen.
        ink: mean difference from the ground, in [0, 1].
    """

    labels: NDArray[np.int32]
    top: NDArray[np.float64]
    left: NDArray[np.float64]
    height: NDArray[np.float64]
    width: NDArray[np.float64]
    area: NDArray[np.float64]
    stroke: NDArray[np.float64]
    ink: NDArray[np.float64]

    @classmethod
    def of(cls, ground: Mask, ink: NDArray[np.float32]) -> _Spots:
        labels, count = ndimage.label(~ground, np.ones((3, 3), np.bool_))
        windows = ndimage.find_objects(labels)
        flat = labels.ravel()
        area = np.bincount(flat, minlength=count + 1).astype(np.float64)
        area[0] = 0
        inner = np.bincount(flat[~ndimage.binary_dilation(ground).ravel()], minlength=count + 1)
        return cls(
            labels=labels,
            top=np.array([0, *(y.start for y, _ in windows)], np.float64),
            left=np.array([0, *(x.start for _, x in windows)], np.float64),
            height=np.array([0, *(y.stop - y.start for y, _ in windows)], np.float64),
            width=np.array([0, *(x.stop - x.start for _, x in windows)], np.float64),
            area=area,
            stroke=area / np.maximum(area - inner, 1),
            ink=np.bincount(flat, ink.ravel(), minlength=count + 1) / np.maximum(area, 1),
        )

    def typical_side(self, numbers: NDArray[np.int64]) -> float:
        """The median of these spots' longer sides, in pixels."""
        return float(np.median(np.maximum(self.height, self.width)[numbers]))

    def look_like_letters(self, numbers: NDArray[np.int64], *, strict: bool) -> bool:
        """Whether these spots together look written: dark, compact, alike in size, and close in chains."""
        height, width = self.height[numbers], self.width[numbers]
        longest, shortest = np.maximum(height, width), np.minimum(height, width)
        few = len(numbers) < 8  # like the features of a face, which are not as alike as letters
        compared, ratio = (height, 2.0) if few else (longest, 2.5)
        middle = np.median(compared)
        alike = ((compared * ratio > middle) & (compared < ratio * middle)).mean()
        return bool(
            len(numbers) >= (5 if strict else 3)
            and alike >= (0.7 if strict or few else 0.5)
            and np.median(self.ink[numbers]) >= (0.5 if strict else 0.4)
            and np.median(longest / shortest) <= (2.2 if strict else 2.8)
            and (not strict or np.median(self.stroke[numbers]) >= 1.2)
            and self._longest_chain(numbers) >= max(3, 0.45 * len(numbers))
        )

    def _longest_chain(self, numbers: NDArray[np.int64]) -> int:
        """The most spots that hang together with gaps less than their typical size."""
        top, left = self.top[numbers], self.left[numbers]
        bottom, right = top + self.height[numbers], left + self.width[numbers]
        gap_down = np.maximum(top[:, None], top) - np.minimum(bottom[:, None], bottom)
        gap_across = np.maximum(left[:, None], left) - np.minimum(right[:, None], right)
        near = np.maximum(gap_down, gap_across) < 0.8 * self.typical_side(numbers)
        _, chains = connected_components(near, directed=False)
        return int(np.bincount(chains).max())


def _blocks(ink: NDArray[np.float32], ground: Mask, *, dark: bool) -> Iterator[_Block]:
    """The blocks of text on grounds of one kind; ``ink`` is the difference from the ground, in [0, 1]."""
    grounds, _ = ndimage.label(ground)
    small = np.bincount(grounds.ravel()) < _GROUND_AREA
    grounds[small[grounds]] = 0  # the eyes of letters belong to the letters
    spots = _Spots.of(grounds > 0, ink)
    home = _enclosing(spots, grounds)
    smallest, largest = _GLYPH_SIDES
    longest, shortest = np.maximum(spots.height, spots.width), np.minimum(spots.height, spots.width)
    letter_sized = (longest >= smallest) & (longest <= 3 * largest) & (shortest <= largest)
    letter_sized &= (spots.height <= largest) & (spots.area >= 2 * smallest) & (home > 0)
    windows = ndimage.find_objects(grounds)
    for number in np.flatnonzero(np.bincount(home[letter_sized]) >= 3):
        y, x = windows[number - 1]
        whole = ndimage.binary_fill_holes(grounds[y, x] == number)
        inside = np.where(whole, spots.labels[y, x], 0)
        letters = (letter_sized & (home == number))[inside]
        if not letters.any():
            continue
        box, typical = _bounds(letters, y.start, x.start), spots.typical_side(np.unique(inside[letters]))
        block = _Block(box, round(1.5 * typical), (y.start, x.start), letters, whole, _OUTLINE)
        if _is_balloon(block, spots, inside, ground.shape, dark=dark):
            yield block
        elif not dark:
            yield from _free_text(block, spots, inside)


def _is_balloon(
    block: _Block, spots: _Spots, inside: NDArray[np.int32], page: tuple[int, ...], *, dark: bool
) -> bool:
    """Whether a ground is a balloon or caption: closed, compact, and holding letters and little else."""
    whole, letters = block.balloon, block.letters
    area = whole.sum()
    top, left = block.corner
    at_edge = top == 0 or left == 0 or top + whole.shape[0] == page[0] or left + whole.shape[1] == page[1]
    return bool(
        area < _LARGEST_BALLOON * page[0] * page[1]
        and not at_edge
        and area > (0.8 if dark else 0.5) * whole.size
        and letters.sum() > 0.8 * (inside > 0).sum()
        and 0.015 < letters.sum() / area < 0.45
        and block.box.width * block.box.height > 0.06 * area
        and spots.look_like_letters(np.unique(inside[letters]), strict=dark)
    )


def _free_text(block: _Block, spots: _Spots, inside: NDArray[np.int32]) -> Iterator[_Block]:
    """The dense clusters among the letter-sized spots on a large ground, such as the white of a panel."""
    reach = int(np.clip(0.5 * block.margin, 5, 30))
    groups, _ = ndimage.label(ndimage.maximum_filter(block.letters, 2 * reach + 1))
    for number, (y, x) in enumerate(ndimage.find_objects(groups), 1):
        letters = block.letters[y, x] & (groups[y, x] == number)
        corner = block.corner[0] + y.start, block.corner[1] + x.start
        box = _bounds(letters, *corner)
        dense = 0.15 < letters.sum() / (box.width * box.height) < 0.6
        if dense and spots.look_like_letters(np.unique(inside[y, x][letters]), strict=True):
            margin = int(np.clip(0.4 * block.margin, 4, 14))
            yield _Block(box, margin, corner, letters, letters, margin)


def _enclosing(spots: _Spots, grounds: NDArray[np.int32]) -> NDArray[np.int64]:
    """For each spot the one ground that it touches, 0 where it touches several or none."""
    lowest = np.full(len(spots.area), np.iinfo(np.int64).max)
    highest = np.zeros(len(spots.area), np.int64)
    pairs = (np.s_[1:, :], np.s_[:-1, :]), (np.s_[:, 1:], np.s_[:, :-1])
    for one, other in (*pairs, *((b, a) for a, b in pairs)):
        touching = (spots.labels[one] > 0) & (grounds[other] > 0)
        spot, ground = spots.labels[one][touching], grounds[other][touching]
        np.minimum.at(lowest, spot, ground)
        np.maximum.at(highest, spot, ground)
    return np.where(lowest == highest, highest, 0)


def _bounds(mask: Mask, top: int, left: int) -> Box:
    """The box of a mask that has something in it, on the page."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return Box(
        left + int(columns[0]), top + int(rows[0]), left + int(columns[-1]) + 1, top + int(rows[-1]) + 1
    )


def _grown(box: Box, margin: int, width: int, height: int) -> Box:
    return Box(
        max(box.left - margin, 0),
        max(box.top - margin, 0),
        min(box.right + margin, width),
        min(box.bottom + margin, height),
    )


def _stamp(page: Mask, mask: Mask, corner: tuple[int, int], *, grow: int) -> None:
    """Add a mask, grown by some pixels, to the page's mask."""
    grown = ndimage.maximum_filter(np.pad(mask, grow), 2 * grow + 1)
    top, left = corner[0] - grow, corner[1] - grow
    y, x = max(top, 0), max(left, 0)
    part = grown[y - top : page.shape[0] - top, x - left : page.shape[1] - left]
    page[y : y + part.shape[0], x : x + part.shape[1]] |= part


def _enlarged(mask: Mask, width: int, height: int) -> Mask:
    if mask.shape == (height, width):
        return mask
    levels = Image.fromarray(mask.astype(np.uint8) * 255)
    return np.asarray(levels.resize((width, height), Image.Resampling.BILINEAR)) > 127


def _scaled(box: Box, across: float, down: float) -> Box:
    return Box(
        round(box.left * across), round(box.top * down), round(box.right * across), round(box.bottom * down)
    )
