"""A page -> its panels in reading order, by recursive cuts along gutters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from pages.model import Box, Direction, FoundPanel

Mask = NDArray[np.bool_]

_CUT_SIDE = 560  # pixels of the shorter side of a page at which gutters are looked for
_INK = 36  # levels away from the gutter's color
_SLOPES = tuple(sign * step * 0.02 for step in range(1, 14) for sign in (1, -1))
_SMALLEST_SIDE, _SMALLEST_AREA = (
    0.06,
    0.008,
)  # of a panel, as shares of the page's shorter side and its square
_GUTTER_SHARE = 0.006  # of a region must have the gutter's color, or there is no gutter in it
_EDGE = 3  # pixels beside a gutter in which frames or the edges of art are looked for
# What makes a strip a gutter: the most of it that ink may cross, its greatest thickness in pixels, and how
# much of its length must have edges on the weaker, or else on the stronger, of its sides.
_GUTTER_RULES = (0.015, 100_000, 0.3, 0.6), (0.25, 40, 0.6, 1.0)
_ORDER_TOLERANCE = 0.25  # overlap of two boxes, as a share of the smaller, that still lets a cut pass


def find_panels(image: NDArray[np.uint8], direction: Direction = "ltr") -> list[FoundPanel]:
    """The panels of a page in reading order.

    A gutter is a straight strip of one flat color, level, upright or slanted, that crosses the region it
    divides from end to end; art and balloons may interrupt it as long as the frames on its sides show where
    it runs. The page is cut along its best gutter, then each part in turn. A page without gutters is one
    panel.

    Args:
        image: (H, W, 3) uint8.
        direction: of reading.

    Returns:
        At least one.
    """
    height, width = image.shape[:2]
    scale = min(_CUT_SIDE / min(height, width), 1.0)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    small = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX)).astype(np.int16)
    inks = [_ink(small, color) for color in _gutter_colors(small)]
    page = _trimmed(_Region(0, 0, np.ones(small.shape[:2], np.bool_)), inks, support=0.12)
    found = [region.box for region in _cut(page, inks)]
    side, area = _SMALLEST_SIDE * min(size), _SMALLEST_AREA * min(size) ** 2
    boxes = [
        _at_full_size(box, width / size[0], height / size[1], width, height)
        for box in found
        if min(box.width, box.height) >= side and box.width * box.height >= area
    ]
    boxes = boxes or [Box(0, 0, width, height)]
    return [FoundPanel(boxes[place]) for place in reading_order(boxes, direction)]


def reading_order(boxes: Sequence[Box], direction: Direction = "ltr") -> list[int]:
    """The places of the boxes in reading order.

    After Kovanen & Aizawa, "A layered method for determining manga text bubble reading order" (2015): cut
    the page between rows where every box lies clearly above or below, else between columns, and go on in
    each part. Each cut may be overlapped a little.

    Args:
        boxes: in any order.
        direction: "ltr" and "rtl" read rows of columns, "ttb" (webtoons) likewise from left to right.

    Returns:
        A permutation of ``range(len(boxes))``.
    """
    if direction == "rtl":
        boxes = [Box(-box.right, box.top, -box.left, box.bottom) for box in boxes]
    places = sorted(range(len(boxes)), key=lambda place: (boxes[place].top, boxes[place]))
    return list(_ordered(boxes, places))


def _ordered(boxes: Sequence[Box], places: list[int]) -> Iterator[int]:
    rows = [(boxes[place].top, boxes[place].bottom) for place in places]
    columns = [(boxes[place].left, boxes[place].right) for place in places]
    for spans in (rows, columns):
        first = _first_part(spans)
        if first is not None:
            for wanted in (True, False):
                part = [place for place, is_first in zip(places, first, strict=True) if is_first is wanted]
                yield from _ordered(boxes, part)
            return
    yield from places


def _first_part(spans: list[tuple[int, int]]) -> list[bool] | None:
    """Which spans lie before the first cut that parts them within tolerance; None if there is no such cut."""
    for _, end in sorted(spans, key=lambda span: span[1])[:-1]:
        first = []
        for start, stop in spans:
            slack = _ORDER_TOLERANCE * (stop - start)
            if stop <= end + slack and (start + stop) / 2 < end:
                first.append(True)
            elif start >= end - slack:
                first.append(False)
            else:
                break
        else:
            if not all(first):
                return first
    return None


@dataclass(frozen=True)
class _Region:
    """A part of the page: where it starts, and which pixels from there belong to it."""

    left: int
    top: int
    inside: Mask

    @property
    def box(self) -> Box:
        height, width = self.inside.shape
        return Box(self.left, self.top, self.left + width, self.top + height)

    def window(self, page: Mask) -> Mask:
        box = self.box
        return page[box.top : box.bottom, box.left : box.right]

    def part(self, mask: Mask) -> _Region:
        """The part of the region under a mask of its window, trimmed to it."""
        mask = mask & self.inside
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        if not rows.size:
            return replace(self, inside=self.inside[:0, :0])
        y, x = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        return _Region(self.left + x.start, self.top + y.start, mask[y, x])


@dataclass(frozen=True)
class _Gutter:
    """A strip found in a region: its score and the two sides of it as masks of the region's window."""

    score: float
    before: Mask
    after: Mask


def _gutter_colors(page: NDArray[np.int16]) -> list[NDArray[np.int16]]:
    """Flat colors that gutters may have: those common at the page's border, and paper white and ink black."""
    height, width = page.shape[:2]
    ring = np.ones((height, width), np.bool_)
    edge = max(min(height, width) // 50, 2)
    ring[edge:-edge, edge:-edge] = False
    pixels = page[ring]
    colors: list[NDArray[np.int16]] = []
    while len(colors) < 2 and len(pixels) > ring.sum() * 0.15:
        keys = (pixels >> 4) @ np.array([256, 16, 1], np.int16)
        values, counts = np.unique(keys, return_counts=True)
        color = np.median(pixels[keys == values[counts.argmax()]], axis=0).astype(np.int16)
        near = np.abs(pixels - color).max(1) <= _INK // 2
        if near.sum() > ring.sum() * 0.15:
            colors.append(color)
        pixels = pixels[~near]
    for extreme in (255, 0):
        color = np.full(3, extreme, np.int16)
        if all(np.abs(color - known).max() > _INK for known in colors):
            colors.append(color)
    return colors


def _ink(page: NDArray[np.int16], color: NDArray[np.int16]) -> Mask:
    ink: Mask = np.abs(page - color).max(2) > _INK
    return ink


def _cut(region: _Region, inks: list[Mask]) -> Iterator[_Region]:
    """The region's panels: itself trimmed, or those of the two parts on the sides of its best gutter."""
    height, width = region.inside.shape
    if min(height, width) < 16:
        if height and width:
            yield region
        return
    for slopes in ((0.0,), _SLOPES):
        gutters = [
            gutter
            for ink in inks
            if (region.inside & ~region.window(ink)).mean() > _GUTTER_SHARE
            for upright in (False, True)
            for slope in slopes
            if (gutter := _best_gutter(region, ink, upright=upright, slope=slope)) is not None
        ]
        if gutters:
            best = max(gutters, key=lambda gutter: gutter.score)
            for side in (best.before, best.after):
                yield from _cut(_trimmed(region.part(side), inks), inks)
            return
    yield region


def _trimmed(region: _Region, inks: list[Mask], support: float = 0.4) -> _Region:
    """Without the margins of gutter color around it, as far as a frame or an edge of the art shows their end.

    A side of the region moves inward over lines that are nearly clean, to the first place where ink stands
    along a share ``support`` of the side; if there is none the side stays: the panel bleeds or is borderless.
    """
    for _ in range(3):
        before = region.box
        for ink in inks:
            for upright in (False, True):
                window, inside = region.window(ink) & region.inside, region.inside
                if upright:
                    window, inside = window.T, inside.T
                first = _margin(window, inside, support)
                last = len(window) - _margin(window[::-1], inside[::-1], support)
                keep = np.zeros_like(inside)
                keep[first:last] = True
                region = region.part(keep.T if upright else keep)
        if region.box == before:
            break
    return region


def _margin(ink: Mask, inside: Mask, support: float) -> int:
    """How many of the first lines are margin."""
    wobble = min(max(max(ink.shape) // 80, 4), 10)  # frames drawn by hand, and tilted scans, are not straight
    length = np.maximum(inside.sum(1), 1)
    crossing = ink.sum(1) / length
    soiled = np.flatnonzero(crossing > 0.3 * support)
    stop = int(soiled[0]) + 1 if soiled.size else len(ink)
    ahead = ndimage.maximum_filter1d(ink[: stop + wobble], wobble, axis=0, origin=-(wobble // 2))
    supported = np.flatnonzero(ahead.sum(1)[:stop] / length[: len(ahead)][:stop] >= support)
    if not supported.size:
        return 0
    start = int(supported[0])
    inked = np.flatnonzero(crossing[start : start + wobble] > 0.02)
    margin = start + (int(inked[0]) if inked.size else 0)
    return margin if wobble <= margin < len(ink) // 2 else 0  # thinner it is a frame, wider it is the panel


def _best_gutter(region: _Region, ink: Mask, *, upright: bool, slope: float) -> _Gutter | None:
    """The best strip of one slope, level or upright."""
    window, inside = region.window(ink), region.inside
    if upright:
        window, inside = window.T, inside.T
    height, width = window.shape
    shift = np.rint(slope * (np.arange(width) - width / 2)).astype(np.intp)
    reach = int(np.abs(shift).max())
    if height - 2 * reach < 24:
        return None
    if slope:  # shear, so that lines of this slope become rows
        sheared = np.arange(reach, height - reach)[:, None] + shift, np.arange(width)
        window, inside = window[sheared], inside[sheared]
    window = window & inside
    length = inside.sum(1)
    crossing = window.sum(1) / np.maximum(length, 1)
    passable = (length >= width * 0.5) & ~_blocked_at_ends(window, inside)
    best: tuple[float, int, int] | None = None
    for most_crossing, thickest, least_low, least_high in _GUTTER_RULES:
        is_open = np.concatenate([[False], passable & (crossing <= most_crossing), [False]])
        for top, bottom in np.flatnonzero(is_open[1:] != is_open[:-1]).reshape(-1, 2):
            if top < _EDGE or bottom > len(window) - _EDGE or not 2 <= bottom - top <= thickest:
                continue
            free = inside[top] & inside[bottom - 1] & ~window[top:bottom].any(0)
            sides = window[top - _EDGE : top], window[bottom : bottom + _EDGE]
            low, high = sorted((side.any(0) & free).sum() / max(free.sum(), 1) for side in sides)
            if low > least_low or high > least_high:
                thick = min((bottom - top) / 8, 1)  # a gutter before the line of a frame
                score = 1 - crossing[top:bottom].min() + low + 0.5 * high + thick
                if best is None or score > best[0]:
                    best = score, int(top), int(bottom)
    if best is None:
        return None
    score, top, bottom = best
    lines = np.arange(height)[:, None] - shift - (reach if slope else 0)
    before, after = lines < top, lines >= bottom
    if upright:
        before, after = before.T, after.T
    return _Gutter(score, before, after)


def _blocked_at_ends(ink: Mask, inside: Mask) -> Mask:
    """Which rows have ink near one of their ends, as the flat ground within a framed panel has."""
    width = ink.shape[1]
    end = max(width // 40, 3)
    before = np.zeros((len(ink), width + 1), np.int32)
    np.cumsum(ink, 1, out=before[:, 1:])
    row, start, stop = np.arange(len(ink)), inside.argmax(1), width - inside[:, ::-1].argmax(1)
    at_start = before[row, np.minimum(start + end, width)] - before[row, start]
    at_stop = before[row, stop] - before[row, np.maximum(stop - end, 0)]
    blocked: Mask = at_start + at_stop > 0
    return blocked


def _at_full_size(box: Box, across: float, down: float, width: int, height: int) -> Box:
    return Box(
        max(round(box.left * across), 0),
        max(round(box.top * down), 0),
        min(round(box.right * across), width),
        min(round(box.bottom * down), height),
    )
