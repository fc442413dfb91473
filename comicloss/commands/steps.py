"""The steps from rough pages to a comic, in a story folder or on loose pictures."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from comicloss.commands import pictures as loose
from comicloss.commands.app import STEP_BY_STEP, command
from comicloss.commands.arguments import (
    AsJson,
    Pictures,
    Seed,
    Steps,
    StoryFolder,
    StoryOrPictures,
    StyleOfStory,
)
from comicloss.commands.terminal import say, show_json, show_table, work
from pages.errors import UsageError
from pages.model import Direction


class Format(StrEnum):
    """What `export` writes."""

    PNG = "png"
    CBZ = "cbz"
    PDF = "pdf"
    SHEET = "sheet"
    REPORT = "report"
    ORA = "ora"
    WEBTOON = "webtoon"


_USUAL = [Format.PNG, Format.CBZ, Format.PDF, Format.SHEET, Format.REPORT]


@command(
    STEP_BY_STEP,
    "comicloss new dragon",
    'comicloss new dragon --title "The Dragon" --style "noir ink, high contrast" --direction rtl',
)
def new(
    story: StoryFolder,
    title: Annotated[str | None, typer.Option(metavar="WORDS", show_default="the folder's name")] = None,
    direction: Annotated[
        Direction, typer.Option(help="Reading direction: rtl for manga, ttb for webtoons.")
    ] = "ltr",
    style: StyleOfStory = None,
) -> None:
    """Make a story folder with a story.toml that you can read and edit."""
    from comicloss import pipeline

    pipeline.new_story(story, title=title, direction=direction, style_prompt=style)
    typer.echo(story / "story.toml")


@command(
    STEP_BY_STEP,
    "comicloss add dragon scans/page1.png scans/page2.png",
    "comicloss add dragon scans/*.png  # again, after some were redrawn: those take their places",
    "comicloss add dragon book.cbz script.pdf --dpi 600",
    "comicloss add dragon page3-new.png --replace p03  # its panels and marks stay",
    "comicloss add dragon notebook/*.jpg --photograph --drop-ruling  # straightened, without its lines",
)
def add(
    story: StoryFolder,
    pictures: Pictures,
    replace: Annotated[
        str | None,
        typer.Option(metavar="PAGE", help="Put the picture in the place of this page, such as p03."),
    ] = None,
    photograph: Annotated[
        bool, typer.Option("--photograph", help="They are photographs: straighten the sheet of paper.")
    ] = False,
    drop_ruling: Annotated[
        bool, typer.Option("--drop-ruling", help="Take the lines of ruled or squared paper out too.")
    ] = False,
    dpi: Annotated[
        float, typer.Option(min=36, max=2400, metavar="N", help="At which pages of a PDF are rendered.")
    ] = 300,
) -> None:
    """Copy pages into the story, in the order given. A page that is there already is not added again.

    A page that was redrawn (added from the same place, or with --replace) keeps its panels, marks and ids.
    """
    if drop_ruling and not photograph:
        raise UsageError("--drop-ruling is for photographs.", remedy="Say --photograph too.")
    from comicloss import pipeline

    settings = pipeline.AddSettings(replace=replace, photograph=photograph, drop_ruling=drop_ruling, dpi=dpi)
    with work() as (progress, stop):
        added = pipeline.add_pages(story, pictures, settings, progress=progress, stop=stop)
    for page in added:
        typer.echo(page.file)
    if not added:
        say("All of these pages are in the story already.")
    for page in added:
        if page.replaced:
            say(f"{page.file} takes the place of {page.replaced}, with its panels and marks.")
    if photographed := [page.file for page in added if page.looks_photographed]:
        say(f"Photographs of paper, by their looks: {', '.join(photographed)}.")
        say("To straighten them, add them again with --photograph.")


@command(
    STEP_BY_STEP,
    "comicloss stylize dragon",
    'comicloss stylize dragon --style "watercolor on rough paper" --steps 200',
    "comicloss stylize dragon --consistency-weight 0  # style alone, for comparison",
    'comicloss stylize scans/*.png --style "noir ink" --out finished  # no story needed',
    'comicloss stylize scans/*.png --style "noir ink" --out finished --steps 0  # the network as it is',
)
def stylize(
    paths: StoryOrPictures,
    style: StyleOfStory = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="For loose pictures: where the results go.")
    ] = None,
    steps: Steps = None,
    consistency_weight: Annotated[
        str | None,
        typer.Option(
            metavar="auto|NUMBER",
            help="λ of the Comic Book Loss, in a story: how much being recognizable counts.",
            show_default="auto",
        ),
    ] = None,
    clip: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A real CLIP instead of the shipped one: an open_clip tag such as "
            "ViT-B-32/laion2b_s34b_b79k, hf-hub:…, or a local folder.",
        ),
    ] = None,
    seed: Seed = 0,
) -> None:
    """Fine-tune the style network over all panels together and write the finished pages.

    Stopped or killed, the same command goes on from the last checkpoint and comes to the same result.
    """
    from comicloss import pipeline

    story = loose.story_among(paths)
    if story is None:
        if style is None or out is None:
            raise UsageError(
                "Loose pictures need --style and --out.",
                remedy='For example: comicloss stylize page1.png --style "noir ink" --out finished',
            )
        if consistency_weight is not None:
            raise UsageError(
                "--consistency-weight is for stories: loose pictures have no marks.",
                remedy="Make a story with `comicloss new`, `add`, `panels` and `mark`.",
            )
        with work() as (progress, stop):
            written = pipeline.stylize_pictures(
                paths, style=style, out=out, steps=steps, clip=clip, seed=seed, progress=progress, stop=stop
            )
    else:
        if out is not None:
            raise UsageError(
                "--out is for loose pictures.", remedy="A story's pages go to its own folder `finished`."
            )
        weight = _consistency_weight(consistency_weight)
        with work() as (progress, stop):
            written = pipeline.stylize(
                story,
                prompt=style,
                steps=steps,
                consistency_weight=weight,
                clip=clip,
                seed=seed,
                progress=progress,
                stop=stop,
            )
    for path in written:
        typer.echo(path)


def _consistency_weight(text: str | None) -> Any:
    """ "auto", or a number of 0 or more."""
    if text is None or text == "auto":
        return "auto"
    try:
        weight = float(text)
    except ValueError:
        weight = -1.0
    if not 0 <= weight < float("inf"):
        raise UsageError(
            f'--consistency-weight "{text}" is neither auto nor a number of 0 or more.',
            remedy="auto balances it; 1 is the formula as published; 0 leaves it out.",
        )
    return weight


@command(
    STEP_BY_STEP,
    "comicloss export dragon",
    "comicloss export dragon --format cbz --format pdf",
    "comicloss export dragon --format ora  # layers, for Krita and the like",
    "comicloss export dragon --format webtoon  # slices of the width and height in story.toml",
)
def export(
    story: StoryFolder,
    formats: Annotated[
        list[Format] | None,
        typer.Option(
            "--format",
            help="What to write; can be given more than once.",
            show_default=", ".join(_USUAL),
        ),
    ] = None,
) -> None:
    """Write the finished pages as pictures, comic archive, PDF, before/after sheet and report.

    Also, where asked for, as layered OpenRaster files and as webtoon slices.
    """
    from comicloss import pipeline

    with work() as (progress, stop):
        written = pipeline.export(
            story, formats={each.value for each in formats or _USUAL}, progress=progress, stop=stop
        )
    for path in written:
        typer.echo(path)
    for path in pipeline.slices_too_high(story, written):
        say(f"{path} is higher than story.toml asks for: lettering left no place to cut it.")


@command(
    STEP_BY_STEP,
    "comicloss status dragon",
    "comicloss status dragon --json",
)
def status(story: StoryFolder, as_json: AsJson = False) -> None:
    """Say what is done, what is out of date and what comes next."""
    from dataclasses import asdict

    from comicloss import pipeline

    stages = pipeline.status(story).stages
    if as_json:
        show_json([asdict(stage) for stage in stages])
        return
    table = Table("stage", "", "why")
    signs = {"done": "[green]done[/]", "stale": "[yellow]stale[/]", "missing": "[red]missing[/]"}
    for stage in stages:
        table.add_row(escape(stage.name), signs[stage.state], escape(stage.why))
    show_table(table)
    following = next((stage.next_command for stage in stages if stage.state != "done"), None)
    typer.echo(f"Next: {following}" if following else "Everything is done.")
