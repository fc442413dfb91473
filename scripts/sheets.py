"""Makes the README's pictures: the demo at three prompts, from the colored rough and from pencil only.

    uv run python scripts/sheets.py WORK

WORK keeps the six demo stories: run again, the script does only what is stale. Pictures go to docs/images.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from comicloss import pipeline
from comicloss.demo import DEMO_STORY, draw_pages
from pages.read import load_rgb
from pages.sheet import grid

PROMPTS = ("watercolor on rough paper", "noir ink, high contrast", "pop art with halftone dots")
ROUGHS = ("color", "pencil")
IMAGES = Path(__file__).parent.parent / "docs" / "images"


def main() -> None:
    """Run the six demos and write the sheets."""
    work = Path(sys.argv[1])
    IMAGES.mkdir(parents=True, exist_ok=True)
    strips = []
    for rough in ROUGHS:
        drawn = draw_pages(rough)  # type: ignore[arg-type]
        versions = [drawn]
        for prompt in PROMPTS:
            story = work / f"{rough} {prompt}".replace(" ", "-").replace(",", "")
            pipeline.demo(story, style=prompt, rough=rough)  # type: ignore[arg-type]
            versions.append([load_rgb(path) for path in sorted((story / "finished").glob("*.png"))])
            print(f"{story}: done", flush=True)
        strips.append(versions)
        for page in range(len(drawn)):
            pictures = [version[page] for version in versions]
            _save(grid(pictures, ["as drawn", *PROMPTS], columns=4, cell=780), f"{rough}-{page + 1}.jpg")
    pages = [version[0] for versions in strips for version in versions]
    _save(grid(pages, ["as drawn", *PROMPTS] * 2, columns=4, cell=620), "sheet.jpg")
    left, top, width, height = DEMO_STORY.pages[0].panels[3].box
    first, second, third, fourth = (
        np.pad(
            version[0][top : top + height, left : left + width], ((6, 6), (6, 6), (0, 0)), constant_values=255
        )
        for version in strips[0]
    )
    _save(np.vstack([np.hstack([first, second]), np.hstack([third, fourth])]), "styles.jpg")


def _save(picture: NDArray[np.uint8], name: str) -> None:
    Image.fromarray(picture).save(IMAGES / name, quality=82, optimize=True)


if __name__ == "__main__":
    main()
