"""What each stage's output depends on, and hence what is done, what is stale and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from comicloss.panels import doubtful_panels, stale_pages
from comicloss.story import Story, StoryPanel, load_story
from comicloss.story.families import CLASSIFIERS, RECORD, taken_elements
from comicloss.workplace import CACHE, digest, file_digest, read_record

FINISHED = "finished"
EXPORTS = "exports"
RUNS = "runs"
WEIGHTS = "classifiers.safetensors"
CLASSIFIERS_RECORD = Path(CLASSIFIERS) / RECORD
FINISHED_RECORD = Path(CACHE) / "finished.json"
EXPORTS_RECORD = Path(CACHE) / "exports.json"

State = Literal["done", "stale", "missing"]


@dataclass(frozen=True)
class StageStatus:
    """Where one stage stands.

    Attributes:
        name: pages, panels, marks, train, stylize or export.
        state: done, stale or missing.
        why: in words.
        next_command: what brings it up to date; "" where it is done.
    """

    name: str
    state: State
    why: str
    next_command: str


@dataclass(frozen=True)
class Status:
    """Where the story stands, stage by stage."""

    stages: list[StageStatus]


def classifier_inputs(story: Story, folder: Path) -> dict[str, Any]:
    """What the story's own classifiers are trained on, besides steps and seed.

    ``shared`` holds for all of them; under ``elements`` stands a digest for each of what is its own alone:
    where it is marked and drawn. An element that is taken from elsewhere is not trained, and not there.

    Raises:
        WeightsError: classifiers that the story takes elements from are missing or damaged.
    """
    taken = taken_elements(story, folder)
    return {
        "shared": {
            "version": version("comicloss"),
            "pages": _page_digests(story, folder),
            "lettering": _lettering(story, folder),
        },
        "elements": {
            element.name: digest(
                [
                    _marked_places(story, element.name),
                    element.kind,
                    [file_digest(folder / file) for file in element.references],
                ]
            )
            for element in story.elements
            if element.name not in taken
        },
    }


def new_elements(before: Any, now: dict[str, Any]) -> list[str]:
    """The elements that were added since classifiers were trained, if nothing else has changed; else [].

    Args:
        before: ``classifier_inputs`` as recorded.
        now: the same of today.
    """
    if not isinstance(before, dict) or before.get("shared") != now["shared"]:
        return []
    known = before.get("elements", {})
    unchanged = all(now["elements"].get(name) == value for name, value in known.items())
    return [name for name in now["elements"] if name not in known] if unchanged else []


def stylize_inputs(story: Story, folder: Path) -> dict[str, Any]:
    """What the finished pages are made from, besides the settings of the fine-tune."""
    reference = story.style.reference
    return {
        "classifiers": _classifiers_used(story, folder) if has_marks(story) else None,
        "prompt": story.style.prompt,
        "strength": story.style.strength,
        "reference": None if reference is None else file_digest(folder / reference),
        "pages": _page_digests(story, folder),
        "flats": [None if page.flats is None else file_digest(folder / page.flats) for page in story.pages],
        "panels": [
            [[panel.id, *_shape(panel), panel.direction_prompt] for panel in page.panels]
            for page in story.pages
        ],
        "lettering": _lettering(story, folder),
    }


def export_inputs(story: Story, folder: Path) -> dict[str, Any]:
    """What the exports are made from: the finished pages, and all that readers and printers are told."""
    told = {"title", "series", "number", "summary", "language", "direction", "credits", "print", "webtoon"}
    return {
        "story": story.model_dump(mode="json", include=told),
        "pages": [[page.type, [_shape(panel) for panel in page.panels]] for page in story.pages],
        "elements": [[element.name, element.kind, element.description] for element in story.elements],
        "regions": [dict(panel.regions) for panel in story.panels],
        "marks": [_marks(story, panel.id) for panel in story.panels],
        "lettering": _lettering(story, folder),
        "finished": [file_digest(path) for path in finished_pages(story, folder)],
        "record": digest(read_record(folder / FINISHED_RECORD).get("settings")),
    }


def has_marks(story: Story) -> bool:
    """Whether the author has said anything about any panel."""
    return any(_marks(story, panel.id) for panel in story.panels)


def finished_pages(story: Story, folder: Path) -> list[Path]:
    """Where the finished pages are, or will be."""
    return [folder / FINISHED / f"p{number:02d}.png" for number in range(1, len(story.pages) + 1)]


def status(folder: Path) -> Status:
    """Where the story in a folder stands.

    Raises:
        StoryError: it has mistakes, or there is none.
    """
    story = load_story(folder)
    stages = [
        _pages_status(story, folder),
        _panels_status(story, folder),
        _marks_status(story, folder),
        _train_status(story, folder),
        _stylize_status(story, folder),
        _export_status(story, folder),
    ]
    return Status(stages)


def _pages_status(story: Story, folder: Path) -> StageStatus:
    if not story.pages:
        return StageStatus("pages", "missing", "no pages yet", f"comicloss add {folder} PICTURES")
    return _done("pages", _count(len(story.pages), "page"))


def _panels_status(story: Story, folder: Path) -> StageStatus:
    stale = stale_pages(story, folder)
    if not story.panels:
        return StageStatus("panels", "missing", "no panels yet", f"comicloss panels {folder}")
    if stale:
        return StageStatus("panels", "stale", f"changed: {', '.join(stale)}", f"comicloss panels {folder}")
    doubtful = [f"p{number:02d}" for number, page in enumerate(story.pages, 1) if doubtful_panels(page)]
    look = f", look at {', '.join(doubtful)}" if doubtful else ""
    return _done("panels", _count(len(story.panels), "panel") + look)


def _marks_status(story: Story, folder: Path) -> StageStatus:
    unmarked = [panel.id for panel in story.panels if not _marks(story, panel.id)]
    if not story.elements:
        command = f'comicloss mark {folder} --element "Hero:character"'
        return StageStatus("marks", "missing", "nobody is in the story yet", command)
    if not has_marks(story):
        command = f"comicloss mark {folder} {unmarked[0] if unmarked else 'PANEL'} ELEMENTS"
        return StageStatus("marks", "missing", "no panel is marked yet", command)
    left = f", {len(unmarked)} not marked" if unmarked else ""
    return _done("marks", f"{len(story.panels) - len(unmarked)} of {len(story.panels)} panels marked{left}")


def _train_status(story: Story, folder: Path) -> StageStatus:
    record = read_record(folder / CLASSIFIERS_RECORD)
    command = f"comicloss train {folder}"
    if not has_marks(story):
        return StageStatus("train", "missing", "there are no marks to learn from", command)
    if not record:
        return StageStatus("train", "missing", "the classifiers are not trained yet", command)
    inputs = classifier_inputs(story, folder)
    if added := new_elements(record.get("story"), inputs):
        return StageStatus("train", "stale", f"new: {', '.join(added)}", command)
    if record.get("story") != inputs:
        return StageStatus("train", "stale", "pages, panels, marks or references have changed", command)
    return _done("train", f"{record['steps']} steps")


def _stylize_status(story: Story, folder: Path) -> StageStatus:
    record = read_record(folder / FINISHED_RECORD)
    command = f"comicloss stylize {folder}"
    if not record or not story.pages:
        return StageStatus("stylize", "missing", "no finished pages yet", command)
    changed = _changed(record["story"], stylize_inputs(story, folder))
    missing = [path.name for path in finished_pages(story, folder) if not path.exists()]
    if changed:
        return StageStatus("stylize", "stale", f"changed: {', '.join(changed)}", command)
    if missing or not record["done"]:
        return StageStatus("stylize", "stale", "not all pages are finished", command)
    return _done("stylize", f"{record['settings']['steps']} steps, {story.style.prompt!r}")


def _export_status(story: Story, folder: Path) -> StageStatus:
    command = f"comicloss export {folder}"
    record = read_record(folder / EXPORTS_RECORD)
    if not record:
        return StageStatus("export", "missing", "nothing is exported yet", command)
    if not all(path.exists() for path in finished_pages(story, folder)):
        return StageStatus("export", "stale", "there are pages to be finished first", command)
    now = digest(export_inputs(story, folder))
    stale = sorted(kind for kind, made_from in record.items() if made_from != now)
    if stale:
        return StageStatus("export", "stale", f"older than the pages: {', '.join(stale)}", command)
    return _done("export", ", ".join(sorted(record)))


def _done(name: str, why: str) -> StageStatus:
    return StageStatus(name, "done", why, "")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _changed(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What differs, in the words of story.toml."""
    named = {"classifiers": "marks"}
    return [named.get(key, key) for key in now if before.get(key) != now[key]]


def _marks(story: Story, panel_id: str) -> dict[str, float]:
    panel = story.panel(panel_id)
    priors = {name: panel.prior(name) for name in story.element_names}
    return {name: prior for name, prior in priors.items() if prior is not None}


def _marked_places(story: Story, name: str) -> list[Any]:
    """Where something is said about an element: panel, its shape, the mark, the region."""
    return [
        [panel.id, *_shape(panel), panel.prior(name), panel.regions.get(name)]
        for panel in story.panels
        if panel.prior(name) is not None
    ]


def _classifiers_used(story: Story, folder: Path) -> str:
    """What is trained here, and the weights that come from elsewhere with the marks that they meet."""
    taken = {
        name: [file_digest(place / WEIGHTS), _marked_places(story, name)]
        for name, place in taken_elements(story, folder).items()
    }
    return digest([classifier_inputs(story, folder), taken])


def _shape(panel: StoryPanel) -> list[Any]:
    return [list(panel.box), panel.polygon and [list(point) for point in panel.polygon]]


def _lettering(story: Story, folder: Path) -> list[Any]:
    """What becomes of each page's lettering, and where it is painted."""
    return [
        [
            story.treatment(page),
            None if page.lettering_mask is None else file_digest(folder / page.lettering_mask),
            [[list(item.box), item.treat] for item in page.lettering_items],
        ]
        for page in story.pages
    ]


def _page_digests(story: Story, folder: Path) -> Sequence[str]:
    return [file_digest(folder / page.file) for page in story.pages]
