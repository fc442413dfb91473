"""The export stage: pages, CBZ, PDF, layers, webtoon slices, before/after sheets and a report."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from comicloss.book import bleed, comic_info, element_masks, guided_pages, strip_pages
from comicloss.data import Picture, marks, resized, story_page, to_tensor, unit
from comicloss.freshness import (
    CLASSIFIERS_RECORD,
    EXPORTS,
    EXPORTS_RECORD,
    FINISHED_RECORD,
    RUNS,
    export_inputs,
    finished_pages,
    has_marks,
)
from comicloss.history import read_history
from comicloss.joined import load_classifiers
from comicloss.judge import judge_probabilities
from comicloss.lettering import page_lettering
from comicloss.report import Recognition, html_report
from comicloss.story import Story, load_story
from comicloss.workplace import digest, read_record, write_record
from pages.errors import UsageError
from pages.export import write_cbz, write_openraster, write_pdf, write_png, write_webtoon
from pages.files import os_errors, write_atomic
from pages.model import Box
from pages.progress import Progress, Stop, stop_here
from pages.read import load_rgb, picture_size, read_page
from pages.sheet import before_after

USUAL_FORMATS = ("png", "cbz", "pdf", "sheet", "report")
FORMATS = (*USUAL_FORMATS, "ora", "webtoon")
SLICES = "webtoon"
_PAGES_ON_A_SHEET = 6
_SHEET_COLUMN = 800  # pixels


def export(folder: Path, *, formats: Collection[str], progress: Progress, stop: Stop) -> list[Path]:
    """Write the exports that are stale or missing.

    Args:
        formats: some of ``FORMATS``.

    Returns:
        All files of these formats, whether written now or before.

    Raises:
        UsageError: an unknown format, or pages that are not finished.
    """
    unknown = sorted(set(formats) - set(FORMATS))
    if unknown:
        raise UsageError(
            f"There is no format {', '.join(unknown)}.", remedy=f"There are {', '.join(FORMATS)}."
        )
    story = load_story(folder)
    finished = finished_pages(story, folder)
    if not finished or not all(path.exists() for path in finished):
        raise UsageError(
            f"{folder}: not all pages are finished yet.", remedy=f"Finish them: comicloss stylize {folder}"
        )
    made_from = digest(export_inputs(story, folder))
    record = read_record(folder / EXPORTS_RECORD)
    chosen = [name for name in FORMATS if name in formats]
    files: list[Path] = []
    for number, name in enumerate(chosen):
        stop_here(stop, "Exporting")
        progress(number, len(chosen), "exporting")
        targets = _targets(story, folder, name)
        if record.get(name) != made_from or not all(path.exists() for path in targets):
            _WRITERS[name](story, folder, targets, stop)
            record[name] = made_from
            write_record(folder / EXPORTS_RECORD, record)
        files += _targets(story, folder, name)
    progress(len(chosen), len(chosen), "exporting")
    return files


def slices_too_high(folder: Path, files: Sequence[Path]) -> list[Path]:
    """Exported webtoon slices that are higher than story.toml asks for: lettering left no place to cut.

    Raises:
        InputError: a slice cannot be read.
    """
    most = load_story(folder).webtoon.height
    return [path for path in files if path.parent.name == SLICES and picture_size(path)[1] > most]


def _targets(story: Story, folder: Path, name: str) -> list[Path]:
    exports = folder / EXPORTS
    title = re.sub(r"[^\w-]+", "-", story.title).strip("-").lower() or "comic"
    if name == "png":
        return [exports / "pages" / path.name for path in finished_pages(story, folder)]
    if name == "sheet":
        sheets = math.ceil(len(story.pages) / _PAGES_ON_A_SHEET)
        return [exports / f"before-after-{number}.png" for number in range(1, sheets + 1)]
    if name == "ora":
        return [exports / "layers" / f"{path.stem}.ora" for path in finished_pages(story, folder)]
    if name == "webtoon":
        slices = exports / SLICES
        return sorted(slices.iterdir()) if slices.is_dir() else [slices]
    return [exports / ("report.html" if name == "report" else f"{title}.{name}")]


def _write_pages(story: Story, folder: Path, targets: list[Path], stop: Stop) -> None:
    for source, target in zip(finished_pages(story, folder), targets, strict=True):
        with os_errors(source):
            content = source.read_bytes()
        write_atomic(target, content)


def _write_cbz(story: Story, folder: Path, targets: list[Path], stop: Stop) -> None:
    finished = finished_pages(story, folder)
    write_cbz(targets[0], finished, comic_info(story), guided_pages(story, finished))


def _write_pdf(story: Story, folder: Path, targets: list[Path], stop: Stop) -> None:
    finished = finished_pages(story, folder)
    write_pdf(targets[0], finished, info=comic_info(story), dpi=story.print.dpi, bleed=bleed(story))


def _write_layers(story: Story, folder: Path, targets: list[Path], stop: Stop) -> None:
    for page, source, target in zip(story.pages, finished_pages(story, folder), targets, strict=True):
        stop_here(stop, "Exporting")
        original = load_rgb(folder / page.file)
        found = page_lettering(page, folder, original)
        height, width = original.shape[:2]
        write_openraster(
            target,
            original=original,
            finished=load_rgb(source),
            elements=element_masks(story, page, (width, height)),
            lettering=found.balloons,
            dpi=read_page(source, 1).dpi,
        )


def _write_slices(story: Story, folder: Path, targets: list[Path], stop: Stop) -> None:
    pages = strip_pages(story, folder, finished_pages(story, folder))
    size = story.webtoon
    write_webtoon(folder / EXPORTS / SLICES, pages, width=size.width, height=size.height, stop=stop)


def _write_sheets(story: Story, folder: Path, targets: list[Path], stop: Stop) -> None:
    finished = finished_pages(story, folder)
    for number, target in enumerate(targets):
        places = range(number * _PAGES_ON_A_SHEET, min((number + 1) * _PAGES_ON_A_SHEET, len(finished)))
        pairs = [
            (_narrow(load_rgb(folder / story.pages[place].file)), _narrow(load_rgb(finished[place])))
            for place in places
        ]
        write_png(target, before_after(pairs, [f"Page {place + 1}" for place in places]))


def _write_report(story: Story, folder: Path, targets: list[Path], stop: Stop) -> None:
    record = read_record(folder / FINISHED_RECORD)
    run, settings = record.get("run"), record.get("settings", {})
    history = read_history(folder / RUNS / run) if run else []
    pages = (
        (f"Page {number}", load_rgb(folder / page.file), load_rgb(path))
        for number, (page, path) in enumerate(zip(story.pages, finished_pages(story, folder), strict=True), 1)
    )
    facts = {
        "Style": story.style.prompt,
        "Panels": str(len(story.panels)),
        "Fine-tuning": f"{settings.get('steps', 0)} steps, {sum(r['seconds'] for r in history):.0f} s",
        "Consistency weight λ": f"{record.get('consistency_weight', 0):.3g}",
        "Seed": str(settings.get("seed", 0)),
        "Guide": settings.get("clip") or "the embedded CLIP",
    }
    doubts = read_record(folder / CLASSIFIERS_RECORD).get("report", {}).get("disagreements", [])
    recognition = recognition_of(story, folder) if has_marks(story) else None
    html = html_report(story.title, pages, recognition, history, facts, doubts)
    write_atomic(targets[0], html.encode())


def recognition_of(story: Story, folder: Path) -> Recognition:
    """Who is recognized in the art and in the finished pages, by the classifiers and by the judge.

    Raises:
        WeightsError: the judge's or the classifiers' weights are missing.
    """
    art, after = _panels(story, folder)
    priors, known = marks(story)
    before_own = torch.full(priors.shape, math.nan)
    after_own = before_own.clone()
    if (folder / CLASSIFIERS_RECORD).exists():
        classifiers = load_classifiers(folder)
        columns = [
            column for column, name in enumerate(story.element_names) if name in classifiers.element_names
        ]
        heads = [classifiers.element_names.index(story.element_names[column]) for column in columns]
        for pictures, table in ((art, before_own), (after, after_own)):
            for row, picture in enumerate(pictures):
                with torch.no_grad():
                    table[row, columns] = classifiers(picture[None])[0, heads].sigmoid()
    before_judge, after_judge = judge_probabilities(art, after, priors, known)
    return Recognition(
        tuple(panel.id for panel in story.panels),
        story.element_names,
        [[panel.prior(name) for name in story.element_names] for panel in story.panels],
        before_own.tolist(),
        after_own.tolist(),
        before_judge.tolist(),
        after_judge.tolist(),
    )


def _panels(story: Story, folder: Path) -> tuple[list[Tensor], list[Tensor]]:
    """All panels, (3, h, w) in [0, 1] at the working scale, before and after, the lettering filled alike."""
    art, after = [], []
    for page, path in zip(story.pages, finished_pages(story, folder), strict=True):
        _, working = story_page(story, page, folder)
        height, width = working.keep.shape
        finished = resized(load_rgb(path), width, height)
        finished = torch.where(
            torch.from_numpy(working.keep)[..., None],
            torch.from_numpy(working.picture.copy()),
            torch.from_numpy(finished.copy()),
        ).numpy()
        for panel in page.panels:
            box = working.box(Box.from_xywh(*panel.box))
            rows, columns = slice(box.top, box.bottom), slice(box.left, box.right)
            art.append(unit(to_tensor(working.picture[rows, columns])))
            after.append(unit(to_tensor(finished[rows, columns])))
    return art, after


def _narrow(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    factor = min(1.0, _SHEET_COLUMN / width)
    return resized(picture, max(1, round(width * factor)), max(1, round(height * factor)))


_WRITERS: dict[str, Callable[[Story, Path, list[Path], Stop], Any]] = {
    "png": _write_pages,
    "cbz": _write_cbz,
    "pdf": _write_pdf,
    "ora": _write_layers,
    "webtoon": _write_slices,
    "sheet": _write_sheets,
    "report": _write_report,
}
