"""How well lettering is found: share of lettering area protected, share of the rest, seconds a page, by book.

    python benchmarks/lettering_figures.py PAGES [--overlays FOLDER] [--more PICTURE ...]

PAGES holds expectations.json: [{"image", "book", "texts": [[x, y, w, h], ...]}, ...].
An overlay shows letters in red, balloons in blue, captions in green, free letters in yellow, boxes in orange
and expected boxes in thin green.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pages.lettering import Lettering, find_lettering
from pages.read import load_rgb

CELL = 4  # pixels of the grid on which areas are counted


def covered(boxes: list[Any], width: int, height: int) -> np.ndarray:
    """The cells that boxes (x, y, width, height) touch."""
    cells = np.zeros((-(-height // CELL), -(-width // CELL)), np.bool_)
    for x, y, across, down in boxes:
        top, left = max(int(y // CELL), 0), max(int(x // CELL), 0)
        cells[top : int(-(-(y + down) // CELL)), left : int(-(-(x + across) // CELL))] = True
    return cells


def overlay(picture: np.ndarray, found: Lettering, expected: list[Any], path: Path) -> None:
    """Write a picture that shows what was found."""
    shown = picture // 2 + 100
    for block in found.blocks:
        color = {"balloon": (60, 120, 255), "caption": (60, 220, 120), "free": (255, 200, 0)}[block.kind]
        view = shown[block.window.top : block.window.bottom, block.window.left : block.window.right]
        view[block.shape] = (view[block.shape] * 0.6 + np.array(color) * 0.4).astype(np.uint8)
    shown[found.text] = (225, 0, 0)
    pen = max(round(picture.shape[0] / 700), 1)
    for box in found.boxes:
        cv2.rectangle(shown, (box.left, box.top), (box.right, box.bottom), (255, 120, 0), pen)
    for x, y, across, down in expected:
        cv2.rectangle(shown, (int(x), int(y)), (int(x + across), int(y + down)), (0, 150, 0), 1)
    cv2.imwrite(str(path), shown[..., ::-1])


def main() -> None:
    """Print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("pages", type=Path)
    arguments.add_argument("--overlays", type=Path)
    arguments.add_argument("--more", type=Path, nargs="*", default=[])
    chosen = arguments.parse_args()
    pages = [
        page for page in json.loads((chosen.pages / "expectations.json").read_text()) if page.get("texts")
    ]
    if chosen.overlays is not None:
        chosen.overlays.mkdir(parents=True, exist_ok=True)
    figures = defaultdict(list)
    for page in pages + [{"image": path.resolve(), "book": "more", "texts": []} for path in chosen.more]:
        picture = load_rgb(chosen.pages / page["image"])
        began = time.perf_counter()
        found = find_lettering(picture)
        seconds = time.perf_counter() - began
        height, width = picture.shape[:2]
        texts = covered(page["texts"], width, height)
        boxes = covered([box.xywh for box in found.boxes], width, height)
        row = (texts & boxes).sum(), texts.sum(), (boxes & ~texts).sum(), (~texts).sum(), seconds
        figures[page["book"]].append(row)
        if page["texts"]:
            figures["all"].append(row)
        if chosen.overlays is not None:
            name = f"{Path(page['image']).stem}.png"
            overlay(picture, found, page["texts"], chosen.overlays / name)
    for book, rows in sorted(figures.items()):
        protected, text, more, rest, seconds = np.sum(rows, axis=0)
        share = protected / text if text else float("nan")
        print(
            f"{book:20s} {len(rows):3d} pages  {share:.3f} of lettering, {more / rest:.3f} of the rest,"
            f" {seconds / len(rows):.3f} s a page"
        )


if __name__ == "__main__":
    main()
