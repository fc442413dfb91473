"""Makes the README's pictures: the demo's pages at three prompts, from colored rough and from pencil only.

    uv run python scripts/sheets.py

The pretrained network draws them, before any tuning. The pictures go to docs/images.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from comicloss.demo import DEMO_STORY, draw_pages
from comicloss.stylize import stylize_page
from pages.model import Box
from pages.sheet import grid
from styles.registry import load_stylenet

PROMPTS = ("watercolor on rough paper", "noir ink, high contrast", "pop art with halftone dots")
ROUGHS: tuple[Literal["color", "pencil"], ...] = ("color", "pencil")
IMAGES = Path(__file__).parent.parent / "docs" / "images"
LABELS = ["as drawn", *PROMPTS]


def main() -> None:
    """Draw everything and write the sheets."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    network = load_stylenet()
    first_pages, shown = [], []
    for rough in ROUGHS:
        for number, (page, truth) in enumerate(zip(draw_pages(rough), DEMO_STORY.pages, strict=True), 1):
            boxes = [Box.from_xywh(*panel.box) for panel in truth.panels]
            versions = [page]
            for prompt in PROMPTS:
                style = network.embed([prompt])[0].detach()
                versions.append(stylize_page(network, page, [(box, style) for box in boxes]))
            _save(grid(versions, LABELS, columns=4, cell=780), f"{rough}-{number}.jpg")
            if number == 1:
                first_pages += versions
                shown = shown or [_padded(version, boxes[3]) for version in versions]
    _save(grid(first_pages, LABELS * 2, columns=4, cell=620), "sheet.jpg")
    _save(np.vstack([np.hstack(shown[:2]), np.hstack(shown[2:])]), "styles.jpg")


def _padded(page: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    cut = page[box.top : box.bottom, box.left : box.right]
    return np.pad(cut, ((6, 6), (6, 6), (0, 0)), constant_values=255)


def _save(picture: NDArray[np.uint8], name: str) -> None:
    Image.fromarray(picture).save(IMAGES / name, quality=80, optimize=True)


if __name__ == "__main__":
    main()
