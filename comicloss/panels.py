"""The panels of a story's pages: found, and carried over when a page is redrawn.

A panel that the author has set, corrected, confirmed or marked is the author's: finding panels again leaves
it as it is. A page of which every panel was set or confirmed is settled, and is not looked at again at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from comicloss.shapes import (
    SAME_PANEL,
    Size,
    box_of,
    covered,
    in_reading_order,
    matches,
    overlap,
    scaled,
    scaled_box,
    spanned,
)
from comicloss.story import LetteringItem, Story, StoryPage, StoryPanel, load_story, save_story
from comicloss.workplace import CACHE, file_digest, read_record, write_record
from pages.errors import UsageError
from pages.model import LOOK_AT_THIS, FoundPanel
from pages.progress import Progress, Stop, stop_here
from pages.read import load_rgb
from pages.split import find_panels

_PANELS_RECORD = Path(CACHE) / "panels.json"
_COVERED = 0.5  # of a found panel within the author's: it is not a new one


def find_story_panels(folder: Path, *, again: bool, progress: Progress, stop: Stop) -> dict[str, list[str]]:
    """Find the panels of pages that have none, or whose picture is another than when they were found.

    The author's panels keep their shape, id and marks; others that are found again keep their id.

    Args:
        again: find the panels of all pages anew.

    Returns:
        The ids of all panels by page file, in reading order.

    Raises:
        UsageError: the story has no pages.
        InputError: a page cannot be read.
    """
    story = load_story(folder)
    if not story.pages:
        raise UsageError(
            f"{folder}: the story has no pages yet.", remedy=f"Add some: comicloss add {folder} PICTURES"
        )
    record = read_record(folder / _PANELS_RECORD)
    saved = story
    try:
        for number, page in enumerate(story.pages):
            stop_here(stop, "Finding panels")
            before = record.get(page.file)
            kept = {panel.id for panel in page.panels if _is_authors(panel, before)}
            looked_for = _is_stale(page, before, story, folder) or (again and not is_settled(page))
            if looked_for:
                found = find_panels(load_rgb(folder / page.file), story.direction)
                page = page.model_copy(update={"panels": _merged(story, number, found, before)})
                story = story.with_page(number, page)
            if looked_for or before is None:
                record[page.file] = {
                    "sha256": file_digest(folder / page.file),
                    "direction": story.direction,
                    "found": _found_shapes(page, kept, before),
                }
            progress(number + 1, len(story.pages), "finding panels")
    finally:  # once for all pages, as a save checks the whole story
        if story.pages != saved.pages:
            save_story(story, folder)
        if record != read_record(folder / _PANELS_RECORD):
            write_record(folder / _PANELS_RECORD, record)
    return {page.file: [panel.id for panel in page.panels] for page in story.pages}


def stale_pages(story: Story, folder: Path) -> list[str]:
    """Pages without panels, or whose picture or reading direction is another than when they were found."""
    record = read_record(folder / _PANELS_RECORD)
    return [page.file for page in story.pages if _is_stale(page, record.get(page.file), story, folder)]


def doubtful_panels(page: StoryPage) -> list[str]:
    """The panels that a person should look at: the detection was not sure, and nobody has confirmed them."""
    return [
        panel.id
        for panel in page.panels
        if panel.by is None and panel.confidence is not None and panel.confidence < LOOK_AT_THIS
    ]


def panels_of_story(story: Story) -> list[dict[str, Any]]:
    """The panels of each page, as JSON values; boxes are [x, y, width, height], polygons [[x, y], …]."""
    return [
        {
            "page": f"p{number:02d}",
            "file": page.file,
            "panels": [
                {
                    "id": panel.id,
                    "box": list(panel.box),
                    "polygon": None if panel.polygon is None else [list(point) for point in panel.polygon],
                    "confidence": panel.confidence,
                    "by": panel.by,
                    "doubtful": panel.id in doubtful_panels(page),
                }
                for panel in page.panels
            ],
        }
        for number, page in enumerate(story.pages, 1)
    ]


def _is_stale(page: StoryPage, before: Mapping[str, Any] | None, story: Story, folder: Path) -> bool:
    """Panels that a person wrote into story.toml have no record, and are good."""
    if not page.panels:
        return True
    if before is None or is_settled(page):
        return False
    found_in = before.get("sha256"), before.get("direction")
    return found_in != (file_digest(folder / page.file), story.direction)


def is_settled(page: StoryPage) -> bool:
    """Whether the author answers for every panel of the page."""
    return bool(page.panels) and all(panel.by == "author" for panel in page.panels)


def _is_authors(panel: StoryPanel, before: Mapping[str, Any] | None) -> bool:
    """Whether a person has set or marked the panel, be it by hand in story.toml.

    Args:
        before: the page's record from when its panels were found.
    """
    if panel.by == "author" or panel.marked:
        return True
    if before is None:
        return panel.confidence is None
    return "found" in before and before["found"].get(panel.id) != _shape_of(panel)


def _found_shapes(page: StoryPage, kept: set[str], before: Mapping[str, Any] | None) -> dict[str, Any]:
    """Panel id -> the shape in which the detection has found it, now or, if it was kept, before."""
    earlier = (before or {}).get("found", {})
    shapes = {
        panel.id: earlier.get(panel.id) if panel.id in kept else _shape_of(panel) for panel in page.panels
    }
    return {panel_id: shape for panel_id, shape in shapes.items() if shape is not None}


def _shape_of(panel: StoryPanel) -> list[Any]:
    """A panel's box and polygon as JSON has them."""
    polygon = None if panel.polygon is None else [list(point) for point in panel.polygon]
    return [list(panel.box), polygon]


def _merged(
    story: Story, number: int, found: Sequence[FoundPanel], before: Mapping[str, Any] | None
) -> tuple[StoryPanel, ...]:
    """Found panels and the author's, in reading order."""
    page = story.pages[number]
    kept = [panel for panel in page.panels if _is_authors(panel, before)]
    free = [panel for panel in page.panels if panel not in kept]
    kept_boxes = [box_of(panel) for panel in kept]
    new = [
        panel
        for panel in found
        if all(overlap(panel.box, old) < SAME_PANEL for old in kept_boxes)
        and covered(panel.box, kept_boxes) < _COVERED
    ]
    same = matches([panel.box for panel in new], [box_of(panel) for panel in free])
    ids = Ids(story, number, {panel.id for panel in kept} | {free[place].id for place in same.values()})
    panels = [*kept]
    for place, panel in enumerate(new):
        panels.append(
            StoryPanel(
                id=free[same[place]].id if place in same else ids.new(),
                **({"box": panel.box.xywh} if panel.polygon is None else spanned(panel.polygon)),
                confidence=round(float(panel.confidence), 2),
            )
        )
    return in_reading_order(panels, story.direction)


def carried_over(folder: Path, page: StoryPage, file: str, old: Size, new: Size) -> StoryPage:
    """A page in another file, with its panels, their ids and marks at the new size.

    The author's panels stay; the others will be looked for anew, and recognized by where they lie.

    Args:
        folder: the story folder.
        page: as it is.
        file: the redrawn picture, relative to the story folder.
        old: size of the picture so far.
        new: size of the redrawn one.
    """
    record = read_record(folder / _PANELS_RECORD)
    before = record.get(page.file)
    panels = []
    for panel in page.panels:
        corrected = before is not None and not panel.marked and _is_authors(panel, before)
        carried = scaled(panel, old, new)
        panels.append(carried.model_copy(update={"by": "author"}) if corrected else carried)
    items = tuple(
        LetteringItem(box=scaled_box(item.box, old, new), treat=item.treat) for item in page.lettering_items
    )
    if before is not None:
        found = {panel.id: _shape_of(panel) for panel in panels if panel.confidence is not None}
        write_record(folder / _PANELS_RECORD, {**record, file: {**before, "found": found}})
    update = {"file": file, "panels": tuple(panels), "lettering_items": items}
    return page.model_copy(update=update)


class Ids:
    """New ids for panels of one page; an id that was ever seen in the story is not given again."""

    def __init__(self, story: Story, number: int, taken: set[str]) -> None:
        others = {panel.id for other in story.pages[:number] for panel in other.panels}
        others |= {panel.id for other in story.pages[number + 1 :] for panel in other.panels}
        self._taken, self._page = others | taken, number + 1

    def new(self) -> str:
        """The first id that is free."""
        number = 1
        while (name := f"p{self._page:02d}-{number:02d}") in self._taken:
            number += 1
        self._taken.add(name)
        return name
