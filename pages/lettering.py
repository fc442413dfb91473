"""Where a page has lettering: balloons, captions and the letters in them; and a page with them filled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from pages.model import Box

Mask = NDArray[np.bool_]

_WORKING_HEIGHT = 1400  # pixels; all lengths below are at this scale
_LIGHT = 0.80  # of the page's white: brighter is paper, darker is ink
_DARK = 0.30  # of the page's white: darker may be the ground of a dark caption
_BLOB_AREA = 500  # smallest ground of a balloon, in pixels
_GLYPH_SIDE = 5, 84  # smallest and largest side of a letter, in pixels
_OUTLINE = 5  # how far a balloon's outline reaches beyond its ground, in pixels


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

    Lettering is a cluster of several letter-sized spots of ink, alike in size, each wholly within one closed
    ground of light color (a balloon, a caption, the white of a panel), or light ones within a dark caption. Drawn
    sound effects across the art, and letters on patterned grounds, are not found.

    Args:
        image: (H, W, 3) uint8.
    """
    height, width = image.shape[:2]
    scale = min(_WORKING_HEIGHT / max(height, width), 1.0)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    gray = np.asarray(Image.fromarray(image).convert("L").resize(size, Image.Resampling.BOX))
    white = max(float(np.percentile(gray, 99)), 1.0)
    text, balloons = np.zeros(gray.shape, np.bool_), np.zeros(gray.shape, np.bool_)
    boxes = []
    for ground, dark in ((gray > _LIGHT * white, False), (gray < _DARK * white, True)):
        for block in _blocks(ground, dark):
            window = np.s_[block.box.top : block.box.bottom, block.box.left : block.box.right]
            text[window] |= block.letters
            balloons |= _placed(block.balloon, block.balloon_at, gray.shape)
            boxes.append(block.box)
    text = ndimage.binary_dilation(text, iterations=2)
    balloons |= text
    across, down = width / size[0], height / size[1]
    return Lettering(
        text=_enlarged(text, width, height),
        balloons=_enlarged(balloons, width, height),
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
    """A cluster of letters: its box, the letters in it, and its balloon with the balloon's upper left corner."""

    box: Box
    letters: Mask
    balloon: Mask
    balloon_at: tuple[int, int]


def _blocks(ground: Mask, dark: bool) -> Iterator[_Block]:
    """The blocks of lettering on grounds of one kind."""
    grounds, _ = ndimage.label(ground)
    areas = np.bincount(grounds.ravel())
    small = areas < _BLOB_AREA
    grounds[small[grounds]] = 0  # the eyes of letters belong to the letters
    spots, count = ndimage.label(grounds == 0, np.ones((3, 3), np.bool_))
    if not count:
        return
    windows = ndimage.find_objects(spots)
    sides = np.array([[y.stop - y.start, x.stop - x.start] for y, x in windows])
    spot_areas = np.bincount(spots.ravel(), minlength=count + 1)[1:]
    smallest, largest = _GLYPH_SIDE
    letter_sized = (sides.max(1) >= smallest) & (sides.min(1) <= largest) & (sides.max(1) <= 3 * largest)
    letter_sized &= (sides[:, 0] <= largest) & (spot_areas >= 8)
    home = _enclosing(spots, grounds, count)
    letter_sized &= home > 0
    ground_windows = ndimage.find_objects(grounds)
    for number in np.unique(home[letter_sized]):
        members = np.flatnonzero(letter_sized & (home == number))
        if len(members) < 3:
            continue
        y, x = ground_windows[number - 1]
        whole = ndimage.binary_fill_holes(grounds[y, x] == number)
        is_letter = np.zeros(count + 1, np.bool_)
        is_letter[members + 1] = True
        letters = is_letter[spots[y, x]]
        yield from _clusters(letters, whole, spots[y, x], (y.start, x.start), sides, ground.shape, dark)


def _enclosing(spots: NDArray[np.int32], grounds: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    """For each spot the one ground that it touches, 0 where it touches several or none."""
    lowest = np.full(count + 1, np.iinfo(np.int64).max)
    highest = np.zeros(count + 1, np.int64)
    for axis in (0, 1):
        one, other = np.s_[1:], np.s_[:-1]
        for a, b in ((one, other), (other, one)):
            here = (a, slice(None)) if axis == 0 else (slice(None), a)
            there = (b, slice(None)) if axis == 0 else (slice(None), b)
            touching = (spots[here] > 0) & (grounds[there] > 0)
            spot, ground = spots[here][touching], grounds[there][touching]
            np.minimum.at(lowest, spot, ground)
            np.maximum.at(highest, spot, ground)
    return np.where(lowest == highest, highest, 0)[1:]


def _clusters(
    letters: Mask,
    whole: Mask,
    spots: NDArray[np.int32],
    corner: tuple[int, int],
    sides: NDArray[np.int64],
    page: tuple[int, ...],
    dark: bool,
) -> Iterator[_Block]:
    """The blocks of text on one ground."""
    height, width = letters.shape
    members = np.unique(spots[letters]) - 1
    typical = float(np.median(sides[members].max(1)))
    reach = int(np.clip(0.8 * typical, 5, 30))
    near = ndimage.maximum_filter(letters, 2 * reach + 1)
    groups, _ = ndimage.label(near)
    found = []
    for number, (y, x) in enumerate(ndimage.find_objects(groups), 1):
        inside = letters[y, x] & (groups[y, x] == number)
        if not inside.any():
            continue
        of_group = np.unique(spots[y, x][inside]) - 1
        lengths = sides[of_group].max(1)
        middle = np.median(lengths)
        alike = ((lengths > 0.4 * middle) & (lengths < 2.5 * middle)).mean()
        rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
        box = Box(x.start + columns[0], y.start + rows[0], x.start + columns[-1] + 1, y.start + rows[-1] + 1)
        density = inside.sum() / (box.width * box.height)
        if len(of_group) >= (6 if dark else 3) and alike >= 0.6 and 0.08 < density < 0.65:
            found.append((box, inside[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]))
    if not found:
        return
    covered = sum(box.width * box.height for box, _ in found) / whole.sum()
    solid = whole.sum() / (height * width)
    at_edge = (
        corner[0] == 0 or corner[1] == 0 or corner[0] + height == page[0] or corner[1] + width == page[1]
    )
    is_balloon = whole.sum() < 0.15 * page[0] * page[1] and covered > 0.12 and solid > 0.4 and not at_edge
    if dark and not (is_balloon and solid > 0.8):
        return
    for box, inside in found:
        moved = Box(box.left + corner[1], box.top + corner[0], box.right + corner[1], box.bottom + corner[0])
        if is_balloon:
            balloon, at = np.pad(whole, _OUTLINE), (corner[0] - _OUTLINE, corner[1] - _OUTLINE)
            balloon = ndimage.binary_dilation(balloon, iterations=_OUTLINE)
        else:
            margin = int(np.clip(0.5 * typical, 4, 14))
            balloon = ndimage.maximum_filter(np.pad(inside, margin), 2 * margin + 1)
            at = (moved.top - margin, moved.left - margin)
        yield _Block(moved, inside, balloon, at)


def _placed(mask: Mask, at: tuple[int, int], shape: tuple[int, ...]) -> Mask:
    page = np.zeros(shape, np.bool_)
    top, left = at
    y, x = max(top, 0), max(left, 0)
    part = mask[y - top : shape[0] - top, x - left : shape[1] - left]
    page[y : y + part.shape[0], x : x + part.shape[1]] = part
    return page


def _enlarged(mask: Mask, width: int, height: int) -> Mask:
    if mask.shape == (height, width):
        return mask
    picture = Image.fromarray(mask.astype(np.uint8) * 255).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(picture) > 127


def _scaled(box: Box, across: float, down: float) -> Box:
    return Box(
        round(box.left * across), round(box.top * down), round(box.right * across), round(box.bottom * down)
    )
