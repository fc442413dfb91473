"""Each page with the numbers of its panels, for the author to look at before marking."""

from __future__ import annotations

from pathlib import Path

from comicloss.story import load_story
from pages.export import write_png
from pages.model import Box
from pages.progress import Progress, Stop, never, silent, stop_here
from pages.read import load_rgb
from pages.sheet import numbered_overlay

OVERLAYS = Path("exports") / "panels"


def panel_overlays(folder: Path, *, progress: Progress = silent, stop: Stop = never) -> dict[str, Path]:
    """Write a picture of each page with its panels outlined and numbered in reading order.

    Returns:
        The pictures by page file; a page without panels has none.

    Raises:
        StoryError: the story has mistakes.
        InputError: a page cannot be read.
        ResourceError: a picture cannot be written.
    """
    story = load_story(folder)
    written = {}
    for number, page in enumerate(story.pages, 1):
        stop_here(stop, "Drawing the panels' numbers")
        if page.panels:
            boxes = [Box.from_xywh(*panel.box) for panel in page.panels]
            written[page.file] = folder / OVERLAYS / f"{Path(page.file).stem}.png"
            write_png(written[page.file], numbered_overlay(load_rgb(folder / page.file), boxes))
        progress(number, len(story.pages), "drawing the panels' numbers")
    return written
