"""Pictures of the pages for the author to look at: panels with their numbers, lettering with its shape."""

from __future__ import annotations

from pathlib import Path

from comicloss.panels import doubtful_panels
from comicloss.shapes import corners_of
from comicloss.story import Story, StoryPage, load_story
from pages.export import write_png
from pages.overlay import Outline, Picture, panels_overlay
from pages.progress import Progress, Stop, never, silent, stop_here
from pages.read import load_rgb

OVERLAYS = Path("exports") / "panels"


def panel_overlays(folder: Path, *, progress: Progress = silent, stop: Stop = never) -> dict[str, Path]:
    """Write a picture of each page with its panels outlined and numbered in reading order.

    Panels that should be looked at are marked; see ``pages.overlay``. The pictures are named by the pages'
    numbers; those of pages that are no longer there are taken away.

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
            written[page.file] = folder / OVERLAYS / f"p{number:02d}.png"
            write_png(written[page.file], page_overlay(story, page, folder))
        progress(number, len(story.pages), "drawing the panels' numbers")
    for left in (folder / OVERLAYS).glob("p*.png"):
        if left not in written.values():
            left.unlink(missing_ok=True)
    return written


def page_overlay(story: Story, page: StoryPage, folder: Path) -> Picture:
    """One page with its panels, (H, W, 3) uint8."""
    doubtful = doubtful_panels(page)
    outlines = [
        Outline(
            corners_of(panel),
            panel.id,
            "settled" if panel.by == "author" else "doubtful" if panel.id in doubtful else "found",
        )
        for panel in page.panels
    ]
    return panels_overlay(load_rgb(folder / page.file), outlines, from_right=story.direction == "rtl")
