"""Where panels are on their page: boxes and polygons, compared, cut and brought to another size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from comicloss.story import StoryPanel
from comicloss.story.model import BoxXYWH, Point
from pages.errors import UsageError
from pages.model import Box, Direction
from pages.order import reading_order
from pages.region import Region

SAME_PANEL = 0.5
"""Intersection over union from which two boxes are one panel."""
_SAMPLES = 64  # points along each side when asking how much of a box is covered

Size = tuple[int, int]
"""(width, height) in pixels."""


def box_of(panel: StoryPanel) -> Box:
    """The panel's box, XYXY in pixels of the page."""
    return Box.from_xywh(*panel.box)


def corners_of(panel: StoryPanel) -> tuple[Point, ...]:
    """The panel's polygon, or else the corners of its box, one after the other."""
    if panel.polygon is not None:
        return panel.polygon
    box = box_of(panel)
    return ((box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom))


def spanned(points: Sequence[Point]) -> dict[str, Any]:
    """The box that the points span, and the polygon if they are not just the box's corners: a panel's shape.

    Raises:
        UsageError: they lie in one line.
    """
    box = Box(
        min(x for x, _ in points),
        min(y for _, y in points),
        max(x for x, _ in points),
        max(y for _, y in points),
    )
    if box.width < 1 or box.height < 1:
        raise UsageError("A panel must have some width and height.", remedy="Give corners that lie apart.")
    upright = {(x, y) for x in (box.left, box.right) for y in (box.top, box.bottom)} == set(points)
    return {"box": box.xywh, "polygon": None if upright else tuple(points)}


def reshaped(panel: StoryPanel, shape: Mapping[str, Any]) -> StoryPanel:
    """The panel in another shape; its regions are cut at its new edges."""
    box = Box.from_xywh(*shape["box"])
    cut = {name: cut_at(Box.from_xywh(*region), box) for name, region in panel.regions.items()}
    regions = {name: region.xywh for name, region in cut.items() if region is not None}
    return panel.model_copy(update={**shape, "regions": regions})


def scaled(panel: StoryPanel, old: Size, new: Size) -> StoryPanel:
    """A panel with its regions on a page of another size."""
    if old == new:
        return panel
    if panel.polygon is None:
        shape = {"box": scaled_box(panel.box, old, new), "polygon": None}
    else:
        shape = spanned([_scaled_point(point, old, new) for point in panel.polygon])
    regions = {name: scaled_box(region, old, new) for name, region in panel.regions.items()}
    return reshaped(panel.model_copy(update={"regions": regions}), shape)


def scaled_box(box: BoxXYWH, old: Size, new: Size) -> BoxXYWH:
    """A box on a page of another size, at least one pixel wide and high."""
    left, top = _scaled_point(box[:2], old, new)
    right, bottom = _scaled_point((box[0] + box[2], box[1] + box[3]), old, new)
    left, top = min(left, new[0] - 1), min(top, new[1] - 1)
    return left, top, max(right - left, 1), max(bottom - top, 1)


def _scaled_point(point: Point, old: Size, new: Size) -> Point:
    return round(point[0] * new[0] / old[0]), round(point[1] * new[1] / old[1])


def cut_at(box: Box, edges: Box) -> Box | None:
    """What of a box lies within the edges."""
    left, top = max(box.left, edges.left), max(box.top, edges.top)
    right, bottom = min(box.right, edges.right), min(box.bottom, edges.bottom)
    return Box(left, top, right, bottom) if left < right and top < bottom else None


def overlap(first: Box, second: Box) -> float:
    """Intersection over union."""
    both = cut_at(first, second)
    common = both.width * both.height if both else 0
    return common / (first.width * first.height + second.width * second.height - common)


def covered(box: Box, others: Sequence[Box]) -> float:
    """The share of a box that the others cover together."""
    steps = (np.arange(_SAMPLES) + 0.5) / _SAMPLES
    x, y = box.left + steps * box.width, box.top + steps * box.height
    inside = np.zeros((_SAMPLES, _SAMPLES), np.bool_)
    for other in others:
        rows, columns = (y >= other.top) & (y < other.bottom), (x >= other.left) & (x < other.right)
        inside |= rows[:, None] & columns
    return float(inside.mean())


def matches(boxes: Sequence[Box], others: Sequence[Box], least: float = SAME_PANEL) -> dict[int, int]:
    """Which of the others each box is, the surest pair first; each of them once."""
    pairs = sorted(
        (
            (overlap(box, other), place, other_place)
            for place, box in enumerate(boxes)
            for other_place, other in enumerate(others)
        ),
        key=lambda pair: (-pair[0], pair[1:]),
    )
    matched: dict[int, int] = {}
    for common, place, other_place in pairs:
        if common >= least and place not in matched and other_place not in matched.values():
            matched[place] = other_place
    return matched


def in_reading_order(panels: Sequence[StoryPanel], direction: Direction) -> tuple[StoryPanel, ...]:
    """The panels in the order in which they are read."""
    boxes = [Region(np.array(corners_of(panel), np.float64)).even_box for panel in panels]
    return tuple(panels[place] for place in reading_order(boxes, direction))
