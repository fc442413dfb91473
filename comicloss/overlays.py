"""Pictures of the pages for the author to look at: panels with their numbers, lettering with its shape."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from comicloss.lettering import page_lettering
from comicloss.panels import doubtful_panels
from comicloss.shapes import corners_of
from comicloss.story import Story, StoryPage, load_story
from pages.export import write_png
from pages.overlay import Outline, Picture, lettering_overlay, panels_overlay
from pages.progress import Progress, Stop, never, silent, stop_here
from pages.read import load_rgb

OVERLAYS = Path("exports") / "panels"
LETTERING = Path("exports") / "lettering"


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
    _take_away_others(folder / OVERLAYS, list(written.values()))
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


def lettering_overlays(
    folder: Path, *, progress: Progress = silent, stop: Stop = never
) -> dict[str, tuple[Path, float]]:
    """Write a picture of each page with its balloons and letters, where they are told or found.

    Returns:
        The picture, and the share of the page that is lettering, by page file.

    Raises:
        StoryError: the story has mistakes.
        InputError: a page cannot be read.
        ResourceError: a picture cannot be written.
    """
    story = load_story(folder)
    written = {}
    for number, page in enumerate(story.pages, 1):
        stop_here(stop, "Drawing the lettering")
        picture = load_rgb(folder / page.file)
        found = page_lettering(page, folder, picture)
        path = folder / LETTERING / f"p{number:02d}.png"
        write_png(path, lettering_overlay(picture, found.text, found.balloons))
        written[page.file] = path, float(found.balloons.mean())
        progress(number, len(story.pages), "drawing the lettering")
    _take_away_others(folder / LETTERING, [path for path, _ in written.values()])
    return written


def _take_away_others(folder: Path, written: Sequence[Path]) -> None:
    for left in folder.glob("p*.png"):
        if left not in written:
            left.unlink(missing_ok=True)
