"""Panels and lettering of loose pictures."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pages.lettering import find_lettering
from pages.model import Box, Direction
from pages.order import reading_order
from pages.read import load_rgb
from pages.split import find_panels


def panels_of_pictures(
    paths: Sequence[Path], direction: Direction, *, order_boxes: Sequence[Sequence[float]] | None
) -> list[dict[str, Any]]:
    """Panels and lettering of loose pictures, as JSON values; boxes are [x, y, width, height].

    ``polygons`` has the corners [[x, y], …] of each panel, or None where it is its box; ``confidence`` is
    from 0 to 1; ``seconds`` is the time that finding (or ordering) the panels took, ``lettering_seconds``
    that of finding the lettering, both after decoding.

    Args:
        order_boxes: put these boxes into reading order instead of finding panels.
    """
    found = []
    for path in paths:
        picture = load_rgb(path)
        began = time.perf_counter()
        if order_boxes is None:
            panels = find_panels(picture, direction)
            finding = time.perf_counter() - began
            boxes: list[list[float]] = [list(panel.box.xywh) for panel in panels]
            polygons = [None if panel.polygon is None else list(map(list, panel.polygon)) for panel in panels]
            confidence = [round(float(panel.confidence), 3) for panel in panels]
        else:
            whole = [Box.from_xywh(*(round(value) for value in box)) for box in order_boxes]
            order = reading_order(whole, direction)
            finding = time.perf_counter() - began
            boxes = [list(order_boxes[place]) for place in order]
            polygons, confidence = [None] * len(boxes), [1.0] * len(boxes)
        began = time.perf_counter()
        lettering = find_lettering(picture)
        found.append(
            {
                "file": str(path),
                "size": [picture.shape[1], picture.shape[0]],
                "panels": boxes,
                "polygons": polygons,
                "confidence": confidence,
                "lettering": [list(box.xywh) for box in lettering.boxes],
                "seconds": round(finding, 4),
                "lettering_seconds": round(time.perf_counter() - began, 4),
            }
        )
    return found
