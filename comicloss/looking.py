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

    Args:
        order_boxes: put these boxes into reading order instead of finding panels.
    """
    found = []
    for path in paths:
        picture = load_rgb(path)
        began = time.perf_counter()
        boxes: list[Sequence[float]]
        if order_boxes is None:
            boxes = [panel.box.xywh for panel in find_panels(picture, direction)]
        else:
            whole = [Box.from_xywh(*(round(value) for value in box)) for box in order_boxes]
            boxes = [order_boxes[place] for place in reading_order(whole, direction)]
        lettering = [list(box.xywh) for box in find_lettering(picture).boxes]
        found.append(
            {
                "file": str(path),
                "size": [picture.shape[1], picture.shape[0]],
                "panels": [list(box) for box in boxes],
                "lettering": lettering,
                "seconds": round(time.perf_counter() - began, 4),
            }
        )
    return found
