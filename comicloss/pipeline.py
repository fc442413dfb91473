"""The only door for the command line and the app: one function per stage.

Every function can be called again and does only what is stale. Those that write into a story folder hold its
lock. What needs torch is imported inside the functions, so that marking a panel does not wait for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from comicloss import adding, authoring, corrections, looking, overlays, panels
from comicloss.adding import AddedPage, AddSettings
from comicloss.authoring import LetteringChange, MarksTable, marks_table
from comicloss.corrections import Correction
from comicloss.freshness import StageStatus, Status, status
from comicloss.story import Story, load_story
from comicloss.story.model import Kind
from comicloss.workplace import locked
from pages.errors import ComicLossError
from pages.files import os_errors
from pages.model import Direction
from pages.progress import Progress, Stop, never, silent

if TYPE_CHECKING:
    from comicloss.classifying import Classified

__all__ = [
    "AddSettings",
    "AddedPage",
    "ComicLossError",
    "Correction",
    "LetteringChange",
    "MarksTable",
    "Progress",
    "StageStatus",
    "Status",
    "Stop",
    "add_element",
    "add_pages",
    "classify",
    "clear_marks",
    "compare",
    "correct_panels",
    "cover_dataset",
    "curate",
    "demo",
    "export",
    "find_story_panels",
    "frames",
    "lettering_overlays",
    "load_story",
    "make",
    "marks_table",
    "new_story",
    "paint_lettering",
    "panel_overlays",
    "panels_of_pictures",
    "panels_of_story",
    "set_marks",
    "slices_too_high",
    "status",
    "styles_gallery",
    "stylize",
    "stylize_pictures",
    "train",
    "train_examples",
    "treat_lettering",
]


@contextmanager
def _story(folder: Path) -> Iterator[None]:
    """The lock of a folder that holds a story."""
    if not (folder / "story.toml").exists():
        load_story(folder)  # says what is wrong
    with locked(folder):
        yield


@contextmanager
def _place(folder: Path) -> Iterator[None]:
    """The lock of a folder, which is made when it is missing."""
    with os_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        yield


def new_story(
    folder: Path, title: str | None = None, direction: Direction = "ltr", style_prompt: str | None = None
) -> Story:
    """Make a story folder; see ``authoring.new_story``."""
    return authoring.new_story(folder, title=title, direction=direction, style_prompt=style_prompt)


def add_pages(
    folder: Path,
    paths: Sequence[Path],
    settings: AddSettings = AddSettings(),  # noqa: B008 - frozen
    progress: Progress = silent,
    stop: Stop = never,
) -> list[AddedPage]:
    """Copy pages into the story; see ``adding.add_pages``."""
    with _story(folder):
        return adding.add_pages(folder, paths, settings, progress=progress, stop=stop)


def find_story_panels(
    folder: Path, again: bool = False, progress: Progress = silent, stop: Stop = never
) -> dict[str, list[str]]:
    """Find the panels of the story's pages; see ``panels.find_story_panels``."""
    with _story(folder):
        return panels.find_story_panels(folder, again=again, progress=progress, stop=stop)


def correct_panels(folder: Path, changes: Sequence[Correction]) -> list[str]:
    """Make the author's corrections of panels; see ``corrections.correct_panels``."""
    with _story(folder):
        return corrections.correct_panels(folder, changes)


def panels_of_story(folder: Path) -> list[dict[str, Any]]:
    """The panels of a story, as JSON values; see ``panels.panels_of_story``."""
    return panels.panels_of_story(load_story(folder))


def panel_overlays(folder: Path, progress: Progress = silent, stop: Stop = never) -> dict[str, Path]:
    """Pictures of the pages with their panels numbered; see ``overlays.panel_overlays``."""
    with _story(folder):
        return overlays.panel_overlays(folder, progress=progress, stop=stop)


def treat_lettering(folder: Path, changes: Sequence[LetteringChange]) -> None:
    """Say what becomes of lettering; see ``authoring.treat_lettering``."""
    with _story(folder):
        authoring.treat_lettering(folder, changes)


def paint_lettering(folder: Path, pages: Sequence[str]) -> list[Path]:
    """Pictures to paint on, of where the lettering is; see ``authoring.paint_lettering``."""
    with _story(folder):
        return authoring.paint_lettering(folder, pages)


def lettering_overlays(
    folder: Path, progress: Progress = silent, stop: Stop = never
) -> dict[str, tuple[Path, float]]:
    """Pictures of the pages with their lettering; see ``overlays.lettering_overlays``."""
    with _story(folder):
        return overlays.lettering_overlays(folder, progress=progress, stop=stop)


def set_marks(folder: Path, marks: Sequence[tuple[str, str, float | None]]) -> None:
    """Say what panels show; see ``authoring.set_marks``."""
    with _story(folder):
        authoring.set_marks(folder, marks)


def clear_marks(folder: Path, panels: Sequence[str]) -> None:
    """Forget what was said about panels; see ``authoring.clear_marks``."""
    with _story(folder):
        authoring.clear_marks(folder, panels)


def add_element(
    folder: Path,
    name: str,
    kind: Kind = "character",
    description: str = "",
    references: Sequence[Path] = (),
    palette: Sequence[str] = (),
) -> None:
    """Add an element; see ``authoring.add_element``."""
    with _story(folder):
        authoring.add_element(
            folder, name, kind=kind, description=description, references=references, palette=palette
        )


def train(
    folder: Path,
    steps: int | None = None,
    seed: int = 0,
    backbone: str | None = None,
    explain: Path | None = None,
    progress: Progress = silent,
    stop: Stop = never,
) -> dict[str, Any]:
    """Train the classifiers on the marks; see ``training.train``."""
    from comicloss import training

    with _story(folder):
        return training.train(
            folder, steps=steps, seed=seed, backbone=backbone, explain=explain, progress=progress, stop=stop
        )


def train_examples(
    source: Path,
    out: Path,
    steps: int | None = None,
    seed: int = 0,
    backbone: str | None = None,
    explain: Path | None = None,
    progress: Progress = silent,
    stop: Stop = never,
) -> dict[str, Any]:
    """Train classifiers on labeled pictures without a story; see ``training.train_examples``."""
    from comicloss import training

    return training.train_examples(
        source, out, steps=steps, seed=seed, backbone=backbone, explain=explain, progress=progress, stop=stop
    )


def classify(
    classifiers: Path, pictures: Sequence[Path], progress: Progress = silent, stop: Stop = never
) -> Classified:
    """Say who is in pictures; see ``classifying.classify``."""
    from comicloss import classifying

    return classifying.classify(classifiers, pictures, progress=progress, stop=stop)


def compare(
    examples: Path,
    out: Path,
    features: Sequence[str] | None = None,
    networks: Sequence[str] | None = None,
    weights: str | None = None,
    epochs: int | None = None,
    image_size: int | None = None,
    search: bool = False,
    folds: int = 5,
    seed: int = 0,
    progress: Progress = silent,
    stop: Stop = never,
) -> dict[str, Any]:
    """The published ways to recognize elements, on labeled pictures; see ``comparing.compare_collection``."""
    from comicloss import comparing

    usual = comparing.CompareSettings()
    settings = comparing.CompareSettings(
        features=usual.features if features is None else tuple(features),
        networks=usual.networks if networks is None else tuple(networks),
        weights=weights,
        epochs=epochs,
        image_size=image_size,
        search=search,
        folds=folds,
        seed=seed,
    )
    settings.check()
    with _place(out):
        return comparing.compare_collection(examples, out, settings, progress=progress, stop=stop)


def stylize(
    folder: Path,
    prompt: str | None = None,
    steps: int | None = None,
    consistency_weight: float | Literal["auto"] = "auto",
    clip: str | None = None,
    seed: int = 0,
    progress: Progress = silent,
    stop: Stop = never,
) -> list[Path]:
    """Tune the style network and finish the pages; see ``finishing.stylize``."""
    from comicloss import finishing

    with _story(folder):
        return finishing.stylize(
            folder,
            prompt=prompt,
            steps=steps,
            consistency_weight=consistency_weight,
            clip=clip,
            seed=seed,
            progress=progress,
            stop=stop,
        )


def export(
    folder: Path,
    formats: Collection[str] = ("png", "cbz", "pdf", "sheet", "report"),
    progress: Progress = silent,
    stop: Stop = never,
) -> list[Path]:
    """Write the exports; see ``publishing.export``."""
    from comicloss import publishing

    with _story(folder):
        return publishing.export(folder, formats=formats, progress=progress, stop=stop)


def slices_too_high(folder: Path, files: Sequence[Path]) -> list[Path]:
    """Webtoon slices that lettering made higher than wanted; see ``publishing.slices_too_high``."""
    from comicloss import publishing

    return publishing.slices_too_high(folder, files)


def make(
    paths: Sequence[Path],
    style: str,
    out: Path,
    steps: int | None = None,
    progress: Progress = silent,
    stop: Stop = never,
) -> None:
    """From loose pages to a finished comic in one go; see ``shortcuts.make``."""
    from comicloss import shortcuts

    with _place(out):
        shortcuts.make(paths, style=style, out=out, steps=steps, progress=progress, stop=stop)


def demo(
    out: Path,
    style: str = "watercolor on rough paper",
    rough: Literal["color", "pencil"] = "color",
    progress: Progress = silent,
    stop: Stop = never,
) -> None:
    """Draw the demo story and run every stage on it; see ``shortcuts.demo``."""
    from comicloss import shortcuts

    with _place(out):
        shortcuts.demo(out, style=style, rough=rough, progress=progress, stop=stop)


def stylize_pictures(
    paths: Sequence[Path],
    style: str,
    out: Path,
    steps: int | None = None,
    clip: str | None = None,
    seed: int = 0,
    progress: Progress = silent,
    stop: Stop = never,
) -> list[Path]:
    """Stylize loose pictures together; see ``finishing.stylize_pictures``."""
    from comicloss import finishing

    with _place(out):
        return finishing.stylize_pictures(
            paths, style=style, out=out, steps=steps, clip=clip, seed=seed, progress=progress, stop=stop
        )


def panels_of_pictures(
    paths: Sequence[Path],
    direction: Direction = "ltr",
    order_boxes: Sequence[Sequence[float]] | None = None,
) -> list[dict[str, Any]]:
    """Panels and lettering of loose pictures; see ``looking.panels_of_pictures``."""
    return looking.panels_of_pictures(paths, direction, order_boxes=order_boxes)


def cover_dataset(
    metadata: Path,
    pictures: Path | None = None,
    label: str = "cover_characters",
    team: str | None = None,
    per_label: int | None = None,
    out: Path | None = None,
    seed: int = 0,
    progress: Progress = silent,
    stop: Stop = never,
) -> dict[str, Any]:
    """Labels of covers from their metadata; see ``datasets.cover_dataset``."""
    from comicloss import datasets

    return datasets.cover_dataset(
        metadata,
        pictures=pictures,
        label=label,
        team=team,
        per_label=per_label,
        out=out,
        seed=seed,
        progress=progress,
        stop=stop,
    )


def frames(
    paths: Sequence[Path],
    out: Path,
    every: float | None = None,
    label: str | None = None,
    progress: Progress = silent,
    stop: Stop = never,
) -> list[dict[str, Any]]:
    """Pictures from films; see ``curation.frames``."""
    from comicloss import curation

    with _place(out):
        return curation.frames(paths, out, every=every, label=label, progress=progress, stop=stop)


def curate(path: Path, out: Path, progress: Progress = silent, stop: Stop = never) -> dict[str, Any]:
    """What to look at in a collection of pictures; see ``curation.curate``."""
    from comicloss import curation

    return curation.curate(path, out, progress=progress, stop=stop)


def styles_gallery(out: Path) -> list[tuple[str, tuple[str, ...], Path]]:
    """The styles to choose from, each with a picture; see ``shortcuts.styles_gallery``."""
    from comicloss import shortcuts

    with _place(out):
        return shortcuts.styles_gallery(out)
