"""What the author says: that there is a story, who is in it and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from comicloss.lettering import page_lettering
from comicloss.story import Element, LetteringItem, Story, Style, load_story, save_story
from comicloss.story.model import BoxXYWH, Kind, normal
from comicloss.workplace import file_digest
from pages.errors import StoryError, UsageError
from pages.export import write_png
from pages.files import os_errors, write_atomic
from pages.model import Direction, Treatment
from pages.painted import mask_picture
from pages.read import load_rgb

DEFAULT_PROMPT = "ink"


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


@dataclass(frozen=True)
class LetteringChange:
    """What is to become of lettering.

    Attributes:
        treatment: keep, letters or restyle.
        page: "p01" or "1"; None for the whole story.
        box: (x, y, width, height) in pixels of the page, around a single balloon; None for the whole page.
    """

    treatment: Treatment
    page: str | None = None
    box: BoxXYWH | None = None


def treat_lettering(folder: Path, changes: Sequence[LetteringChange]) -> None:
    """Say what becomes of the lettering of the story, of pages or of single balloons.

    A page with the story's own treatment has none of its own.

    Raises:
        StoryError: no such page, or a box that is not on it.
    """
    story = before = load_story(folder)
    for change in changes:
        if change.page is None:
            story = story.model_copy(update={"lettering": change.treatment})
            continue
        number = story.page_number(change.page)
        page = story.pages[number]
        if change.box is None:
            own = None if change.treatment == story.lettering else change.treatment
            page = page.model_copy(update={"lettering": own})
        else:
            others = [item for item in page.lettering_items if item.box != change.box]
            item = LetteringItem(box=change.box, treat=change.treatment)
            page = page.model_copy(update={"lettering_items": (*others, item)})
        story = story.with_page(number, page)
    if story != before:
        save_story(story, folder)


def paint_lettering(folder: Path, pages: Sequence[str]) -> list[Path]:
    """Write pictures of where the lettering of pages is, to be painted on, and name them in the story.

    Returns:
        The pictures; one that is there already is left as it is.

    Raises:
        StoryError: no such page.
        InputError: a page cannot be read.
    """
    story = load_story(folder)
    pictures = []
    for number in [story.page_number(name) for name in pages]:
        page = story.pages[number]
        file = page.lettering_mask or f"lettering/p{number + 1:02d}.png"
        if page.lettering_mask is None:
            if not (folder / file).exists():
                found = page_lettering(page, folder, load_rgb(folder / page.file))
                write_png(folder / file, mask_picture(found))
            masked = page.model_copy(update={"lettering_mask": file})
            story = save_story(story.with_page(number, masked), folder)
        pictures.append(folder / file)
    return pictures


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
