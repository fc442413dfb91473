"""Makes the README's pictures: the demo at three prompts, from colored rough and from pencil only.

    uv run python scripts/sheets.py WORK

Runs ``comicloss demo`` six times with folders in WORK (what is there already is not done again), and puts the
finished pages side by side. The pictures go to docs/images.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from comicloss import pipeline
from comicloss.demo import DEMO_STORY
from pages.model import Box
from pages.read import load_rgb
from pages.sheet import grid

PROMPTS = ("watercolor on rough paper", "noir ink, high contrast", "pop art with halftone dots")
ROUGHS: tuple[Literal["color", "pencil"], ...] = ("color", "pencil")
IMAGES = Path(__file__).parent.parent / "docs" / "images"
LABELS = ["as drawn", *PROMPTS]
SHOWN = 3  # panel of the first page, in the README's first picture


def main() -> None:
    """Run the demos and write the sheets."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work", type=Path)
    work = parser.parse_args().work
    IMAGES.mkdir(parents=True, exist_ok=True)
    first_pages, shown = [], []
    for rough in ROUGHS:
        stories = [work / f"{rough}-{number}" for number in range(1, len(PROMPTS) + 1)]
        for prompt, story in zip(PROMPTS, stories, strict=True):
            print(f"{story}: {prompt}", flush=True)
            pipeline.demo(story, style=prompt, rough=rough)
        for number, page in enumerate(DEMO_STORY.pages, 1):
            name = f"p{number:02d}.png"
            versions = [load_rgb(stories[0] / "art" / name)]
            versions += [load_rgb(story / "finished" / name) for story in stories]
            _save(grid(versions, LABELS, columns=4, cell=780), f"{rough}-{number}.jpg")
            if number == 1:
                first_pages += versions
                box = Box.from_xywh(*page.panels[SHOWN].box)
                shown = shown or [_padded(version, box) for version in versions]
    _save(grid(first_pages, LABELS * 2, columns=4, cell=620), "sheet.jpg")
    _save(np.vstack([np.hstack(shown[:2]), np.hstack(shown[2:])]), "styles.jpg")


def _padded(page: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    cut = page[box.top : box.bottom, box.left : box.right]
    return np.pad(cut, ((6, 6), (6, 6), (0, 0)), constant_values=255)


def _save(picture: NDArray[np.uint8], name: str) -> None:
    Image.fromarray(picture).save(IMAGES / name, quality=80, optimize=True)


if __name__ == "__main__":
    main()
