"""What the author gives: a story, its pages, their panels, who is in it and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from comicloss.story import Element, Story, StoryPage, StoryPanel, Style, load_story, save_story
from comicloss.story.model import Kind, normal
from comicloss.workplace import CACHE, file_digest, read_record, write_record
from pages.errors import StoryError, UsageError
from pages.files import os_errors, write_atomic
from pages.model import Box, Direction
from pages.progress import Progress, Stop, stop_here
from pages.read import load_rgb, pages_in, picture_files, read_page
from pages.split import find_panels, reading_order

DEFAULT_PROMPT = "ink"
_PANELS_RECORD = Path(CACHE) / "panels.json"
_SAME_PANEL = 0.5  # intersection over union from which two boxes are one panel


@dataclass(frozen=True)
class MarksTable:
    """The panel x element matrix.

    Attributes:
        panel_ids: of the rows, in reading order.
        element_names: of the columns.
        priors: 1 shown, 0 not there, between a belief, None unsure or not gone through.
    """

    panel_ids: tuple[str, ...]
    element_names: tuple[str, ...]
    priors: tuple[tuple[float | None, ...], ...]


def new_story(folder: Path, *, title: str | None, direction: Direction, style_prompt: str | None) -> Story:
    """Make a story folder.

    Raises:
        StoryError: there is a story in it already.
        ResourceError: it cannot be written.
    """
    if (folder / "story.toml").exists():
        raise StoryError(
            f"{folder} is a story already.", remedy="Go on with it, or choose another folder for a new one."
        )
    with os_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    name = title or folder.resolve().name or "Untitled"
    style = Style(prompt=DEFAULT_PROMPT if style_prompt is None else style_prompt)
    return save_story(Story(title=name, direction=direction, style=style), folder)


def add_pages(folder: Path, paths: Sequence[Path], *, progress: Progress, stop: Stop) -> list[str]:
    """Copy pages into ``art/`` and name them in the story; a page that is there already is left out.

    Of a PDF, a CBZ or a multi-page TIFF every page becomes a file of its own.

    Every file is decoded before it is taken. Pages taken before an error or a stop are kept.

    Returns:
        The new pages' files, relative to the story folder.

    Raises:
        InputError: a file is no picture, or a damaged one.
    """
    story = load_story(folder)
    known = {file_digest(folder / page.file) for page in story.pages}
    added: list[str] = []
    files = picture_files(paths)
    for number, path in enumerate(files, 1):
        for part in pages_in(path):
            stop_here(stop, "Adding pages")
            page = part.read()
            name = f"art/p{_free_number(story):02d}{page.suffix}"
            write_atomic(folder / name, page.content)
            if (page_digest := file_digest(folder / name)) in known:
                (folder / name).unlink()
            else:
                known.add(page_digest)
                pages = (*story.pages, StoryPage(file=name))
                story = save_story(story.model_copy(update={"pages": pages}), folder)
                added.append(name)
        progress(number, len(files), "adding pages")
    return added


def find_story_panels(folder: Path, *, again: bool, progress: Progress, stop: Stop) -> dict[str, list[str]]:
    """Find the panels of pages that have none, or whose picture is another than when they were found.

    Panels that the author has marked keep their box, id and marks.

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
    for number, page in enumerate(story.pages):
        stop_here(stop, "Finding panels")
        found_in = {"sha256": file_digest(folder / page.file), "direction": story.direction}
        if again or page_needs_panels(page, record, found_in):
            boxes = [panel.box for panel in find_panels(load_rgb(folder / page.file), story.direction)]
            panels = _merged(story, number, boxes or [_whole(folder / page.file)])
            pages = list(story.pages)
            pages[number] = page.model_copy(update={"panels": panels})
            changed = story.model_copy(update={"pages": tuple(pages)})
            if changed.pages != story.pages:
                story = save_story(changed, folder)
        if record.get(page.file) != found_in:
            record[page.file] = found_in
            write_record(folder / _PANELS_RECORD, record)
        progress(number + 1, len(story.pages), "finding panels")
    return {page.file: [panel.id for panel in page.panels] for page in story.pages}


def stale_pages(story: Story, folder: Path) -> list[str]:
    """Pages without panels, or whose picture or reading direction is another than when they were found."""
    record = read_record(folder / _PANELS_RECORD)
    return [
        page.file
        for page in story.pages
        if page_needs_panels(
            page, record, {"sha256": file_digest(folder / page.file), "direction": story.direction}
        )
    ]


def page_needs_panels(page: StoryPage, record: dict[str, object], found_in: dict[str, str]) -> bool:
    """Panels that a person wrote into story.toml have no record, and are good."""
    return not page.panels or record.get(page.file, found_in) != found_in


def set_marks(folder: Path, marks: Sequence[tuple[str, str, float | None]]) -> None:
    """Say what panels show: (panel id, element, 1 shown, 0 not there, between a belief, None unsure).

    Raises:
        StoryError: no such panel or element.
        UsageError: a value outside [0, 1].
    """
    story = load_story(folder)
    marked = story
    for panel_id, element, value in marks:
        if value is not None and not 0 <= value <= 1:
            raise UsageError(
                f"{panel_id}, {element}: {value} is no mark.", remedy="A mark is from 0 to 1, or None."
            )
        marked = marked.with_mark(panel_id, element, value)
    if marked.pages != story.pages:
        save_story(marked, folder)


def clear_marks(folder: Path, panels: Sequence[str]) -> None:
    """Forget all that was said about some panels: they are as if nobody had gone through them.

    Raises:
        StoryError: no such panel.
    """
    story = load_story(folder)
    cleared = story
    for panel_id in panels:
        forgotten: dict[str, object] = {"shows": None, "unsure": (), "beliefs": {}, "regions": {}}
        cleared = cleared.with_panel(cleared.panel(panel_id).model_copy(update=forgotten))
    if cleared.pages != story.pages:
        save_story(cleared, folder)


def add_element(
    folder: Path,
    name: str,
    *,
    kind: Kind,
    description: str,
    references: Sequence[Path],
    palette: Sequence[str],
) -> None:
    """Add an element, or more pictures of one that is there. Pictures are copied into ``references/``.

    Raises:
        StoryError: the element is there as another kind.
        InputError: a reference is no picture.
    """
    story = load_story(folder)
    known = {element.name: element for element in story.elements}
    before = known.get(normal(name))
    if before is not None and before.kind != kind:
        raise StoryError(
            f'"{name}" is a {before.kind} already.',
            remedy="Choose another name, or change its kind in story.toml.",
        )
    element = Element(
        name=name,
        kind=kind,
        description=description or (before.description if before else ""),
        references=_copied_references(folder, before, references),
        palette=tuple(palette) or (before.palette if before else ()),
    )
    known[element.name] = element
    if before != element:
        save_story(story.model_copy(update={"elements": tuple(known.values())}), folder)


def marks_table(folder: Path) -> MarksTable:
    """What the author has said so far."""
    story = load_story(folder)
    names = story.element_names
    priors = tuple(tuple(panel.prior(name) for name in names) for panel in story.panels)
    return MarksTable(tuple(panel.id for panel in story.panels), names, priors)


def _free_number(story: Story) -> int:
    taken = {Path(page.file).stem for page in story.pages}
    number = len(story.pages) + 1
    while f"p{number:02d}" in taken:
        number += 1
    return number


def _whole(path: Path) -> Box:
    """A page without gutters is one panel."""
    width, height = read_page(path, 1).size
    return Box(0, 0, width, height)


def _merged(story: Story, number: int, boxes: Sequence[Box]) -> tuple[StoryPanel, ...]:
    """Found boxes and the panels that the author has worked on, in reading order."""
    page = story.pages[number]
    kept = [panel for panel in page.panels if panel != StoryPanel(id=panel.id, box=panel.box)]
    unworked = [panel for panel in page.panels if panel not in kept]
    kept_boxes = [Box.from_xywh(*panel.box) for panel in kept]
    others = {panel.id for other in story.pages if other is not page for panel in other.panels}
    taken = others | {panel.id for panel in kept}
    new = [box for box in boxes if all(_overlap(box, old) < _SAME_PANEL for old in kept_boxes)]
    order = reading_order([*kept_boxes, *new], story.direction)
    panels: list[StoryPanel] = []
    for place in order:
        if place < len(kept):
            panels.append(kept[place])
            continue
        box = new[place - len(kept)]
        same = [panel.id for panel in unworked if _overlap(Box.from_xywh(*panel.box), box) >= _SAME_PANEL]
        panel_id = next((old for old in same if old not in taken), None) or _free_id(number, taken)
        taken.add(panel_id)
        panels.append(StoryPanel(id=panel_id, box=box.xywh))
    return tuple(panels)


def _free_id(page: int, taken: set[str]) -> str:
    number = 1
    while f"p{page + 1:02d}-{number:02d}" in taken:
        number += 1
    return f"p{page + 1:02d}-{number:02d}"


def _overlap(first: Box, second: Box) -> float:
    width = min(first.right, second.right) - max(first.left, second.left)
    height = min(first.bottom, second.bottom) - max(first.top, second.top)
    common = max(width, 0) * max(height, 0)
    return common / (first.width * first.height + second.width * second.height - common)


def _copied_references(folder: Path, before: Element | None, paths: Sequence[Path]) -> tuple[str, ...]:
    files = list(before.references) if before else []
    known = {file_digest(folder / file) for file in files}
    for path in paths:
        load_rgb(path)
        with os_errors(path):
            content = path.read_bytes()
        if (found := file_digest(path)) in known:
            continue
        known.add(found)
        name = f"references/{found[:12]}{path.suffix.lower()}"
        write_atomic(folder / name, content)
        files.append(name)
    return tuple(files)


def check_pages(story: Story, folder: Path) -> None:
    """Make sure that the story has panels to work on.

    Raises:
        UsageError: it has no pages, or one without panels.
    """
    if not story.pages:
        raise UsageError(
            f"{folder}: the story has no pages yet.", remedy=f"Add some: comicloss add {folder} PICTURES"
        )
    bare = [page.file for page in story.pages if not page.panels]
    if bare:
        raise UsageError(
            f"{folder}: {', '.join(bare)} has no panels yet.", remedy=f"Find them: comicloss panels {folder}"
        )
