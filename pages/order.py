"""The order in which the panels of a page are read."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from pages.model import Box, Direction

_TOLERANCE = 0.25  # overlap of two boxes, as a share of the smaller, that still lets a cut pass
_COLUMNS_APART = (
    1.5  # so many times wider than the gaps in them, a gutter makes columns that are read one by one
)
_FEWEST_ROWS = 3  # of such columns


def reading_order(boxes: Sequence[Box], direction: Direction = "ltr") -> list[int]:
    """The places of the boxes in reading order.

    After Kovanen & Aizawa, "A layered method for determining manga text bubble reading order" (2015): cut
    the page between rows where every box lies clearly above or below, else between columns, and go on in
    each part; a cut may be overlapped a little. Beyond the paper: columns that stand well apart, as those of
    four-panel strips do, are read one after the other (Cohn, "Navigating comics", 2013: a wide separation
    is read before alignment); where no cut is possible, as around an inset, the box nearest to the corner
    where reading starts comes first.

    Args:
        boxes: in any order.
        direction: "ltr" and "rtl" read rows of columns, "ttb" (webtoons) likewise from left to right.

    Returns:
        A permutation of ``range(len(boxes))``.
    """
    if direction == "rtl":
        boxes = [Box(-box.right, box.top, -box.left, box.bottom) for box in boxes]
    return list(_ordered(boxes, list(range(len(boxes)))))


def _ordered(boxes: Sequence[Box], places: list[int]) -> Iterator[int]:
    if len(places) < 2:
        yield from places
        return
    rows = [(boxes[place].top, boxes[place].bottom) for place in places]
    columns = [(boxes[place].left, boxes[place].right) for place in places]
    first = _apart(rows, columns) or _first_part(rows) or _first_part(columns)
    if first is None:
        nearest = min(places, key=lambda place: (boxes[place].top + boxes[place].left, boxes[place]))
        first = [place == nearest for place in places]
    for wanted in (True, False):
        yield from _ordered(boxes, [place for place, at in zip(places, first, strict=True) if at is wanted])


def _first_part(spans: list[tuple[int, int]]) -> list[bool] | None:
    """Which spans lie before the first cut that parts them within tolerance; None if there is no such cut."""
    for _, end in sorted(spans, key=lambda span: span[1])[:-1]:
        first = []
        for start, stop in spans:
            slack = _TOLERANCE * (stop - start)
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


def _apart(rows: list[tuple[int, int]], columns: list[tuple[int, int]]) -> list[bool] | None:
    """Which boxes are in the first of two columns that stand well apart."""
    first = _first_part(columns)
    if first is None or min(first.count(True), first.count(False)) < _FEWEST_ROWS:
        return None
    end = max(span[1] for span, at in zip(columns, first, strict=True) if at)
    start = min(span[0] for span, at in zip(columns, first, strict=True) if not at)
    for side in (True, False):
        stacked = sorted(span for span, at in zip(rows, first, strict=True) if at is side)
        gaps = [below[0] - above[1] for above, below in itertools.pairwise(stacked)]
        if min(gaps) < -2 or start - end < _COLUMNS_APART * max(*gaps, 1):
            return None
    return first
