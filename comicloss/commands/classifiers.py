"""`comicloss train` and `comicloss classify`: who is who, with a story or without one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from comicloss.commands.app import STEP_BY_STEP, command
from comicloss.commands.arguments import AsJson, Pictures, Seed
from comicloss.commands.terminal import say, show_json, show_table, work
from pages.errors import PartialError, UsageError


@command(
    STEP_BY_STEP,
    "comicloss train dragon",
    "comicloss train dragon --steps 400 --seed 1 --json",
    "comicloss train dragon --explain dragon.html  # how sure they are, where they look, what to draw",
    "comicloss train --examples drawings --out family  # without a story: a folder for each element",
    "comicloss train --examples labels.csv --out family",
    "comicloss train dragon --backbone resnet18=resnet18.pth",
)
def train(
    story: Annotated[
        Path | None, typer.Argument(metavar="[STORY]", help="The story's folder.", show_default=False)
    ] = None,
    examples: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER|CSV",
            help="Without a story: labeled pictures, a folder with one folder for each element, or a CSV.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="With --examples: where the classifiers go.")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Training steps.", show_default="enough for the story"),
    ] = None,
    backbone: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[=FILE]",
            help="A network that the classifiers stand on: resnet18 to resnet101, timm:NAME, "
            "open_clip:ARCHITECTURE/TAG or open_clip:FOLDER; its weights from a file or the net.",
            show_default="the one of before, or the default one",
        ),
    ] = None,
    seed: Seed = 0,
    explain: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Explain them in an HTML page: figures, where they look, what to draw."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Teach the classifiers who is who, from the marks and the reference pictures of a story.

    Or from labeled pictures without a story; `classifier = "../family"` in a story.toml takes them from
    there.
    """
    if (story is None) == (examples is None) or (examples is None) != (out is None):
        raise UsageError(
            "Name a story, or labeled pictures with --examples and --out.",
            remedy="For example: comicloss train STORY, or comicloss train --examples FOLDER --out FOLDER",
        )
    from comicloss import pipeline

    with work() as (progress, stop):
        if examples is not None and out is not None:
            report = pipeline.train_examples(
                examples,
                out,
                steps=steps,
                seed=seed,
                backbone=backbone,
                explain=explain,
                progress=progress,
                stop=stop,
            )
        elif story is not None:
            report = pipeline.train(
                story,
                steps=steps,
                seed=seed,
                backbone=backbone,
                explain=explain,
                progress=progress,
                stop=stop,
            )
    if as_json:
        show_json(report)
    else:
        _show_report(report)
        if explain is not None:
            typer.echo(explain)
    _refuse_unreadable(report.get("unreadable", []))


_FOR_THE_PAGE = {"groups", "f1", "brier", "expected_calibration_error", "error_by_chance"}


def _show_report(report: dict[str, Any]) -> None:
    """Per element figures as a table, everything else as lines; lists and the finer figures are for --json."""
    elements: dict[str, dict[str, Any]] = report.get("elements", {})
    columns = list(
        dict.fromkeys(
            name
            for figures in elements.values()
            for name, value in figures.items()
            if name not in _FOR_THE_PAGE and not isinstance(value, dict | list | tuple)
        )
    )
    table = Table("element", *(name.replace("_", " ") for name in columns))
    for element, figures in elements.items():
        table.add_row(escape(element), *(_figure(figures.get(name)) for name in columns))
    if elements:
        show_table(table)
    for name, value in report.items():
        if value is not None and not isinstance(value, dict | list):
            typer.echo(f"{name.replace('_', ' ')}: {_figure(value)}")


def _figure(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.2f}" if isinstance(value, float) else str(value)


@command(
    STEP_BY_STEP,
    "comicloss classify dragon page7.png",
    "comicloss classify family scans book.cbz --json",
)
def classify(
    classifiers: Annotated[
        Path,
        typer.Argument(metavar="CLASSIFIERS", help="The folder of `train --out`, or a story's folder."),
    ],
    pictures: Pictures,
    as_json: AsJson = False,
) -> None:
    """Say how probably each element is in each picture, by classifiers that were trained before."""
    from comicloss import pipeline

    with work() as (progress, stop):
        found = pipeline.classify(classifiers, pictures, progress=progress, stop=stop)
    if as_json:
        show_json([{"file": row.file, "probabilities": row.probabilities} for row in found.pictures])
    else:
        table = Table("picture", *map(escape, found.thresholds))
        for row in found.pictures:
            cells = (
                _answer(probability, found.thresholds[element])
                for element, probability in row.probabilities.items()
            )
            table.add_row(escape(row.file), *cells)
        show_table(table)
    _refuse_unreadable(found.unreadable)


def _answer(probability: float, threshold: float) -> str:
    there = probability >= threshold
    return f"[bold]{probability:.2f} yes[/]" if there else f"{probability:.2f} no"


def _refuse_unreadable(reasons: list[str]) -> None:
    for reason in reasons:
        say(f"comicloss: {reason}")
    if reasons:
        noun = "picture" if len(reasons) == 1 else "pictures"
        raise PartialError(
            f"{len(reasons)} {noun} could not be read.", remedy="The reasons are above; the others are done."
        )
