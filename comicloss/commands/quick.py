"""Commands that need no story folder: demo, make, styles, doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape
from rich.table import Table

from comicloss.commands.app import AT_ONCE, HELP, command
from comicloss.commands.arguments import AsJson, Pictures, Steps, Style
from comicloss.commands.terminal import say, show_json, show_table, work


@command(
    AT_ONCE,
    "comicloss demo",
    'comicloss demo --style "noir ink, high contrast" --rough pencil --out noir',
)
def demo(
    style: Style = "watercolor on rough paper",
    rough: Annotated[
        Literal["color", "pencil"], typer.Option(help="Start from flat color or from pencil only.")
    ] = "color",
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the story goes.")] = Path(
        "comicloss-demo"
    ),
) -> None:
    """Draw a small story and run every step on it.

    A hero, a princess and a dragon on three pages. It leaves a story folder with the finished pages, a CBZ, a
    PDF, a before/after sheet and a report with figures. Stopped or killed, it goes on where it was.
    """
    from comicloss import pipeline

    with work() as (progress, stop):
        pipeline.demo(out, style=style, rough=rough, progress=progress, stop=stop)
    _where_to_look(out)


@command(
    AT_ONCE,
    'comicloss make page1.png page2.png --style "watercolor on rough paper"',
    'comicloss make scans/*.png --style "pop art with halftone dots" --out my-comic',
)
def make(
    pictures: Pictures,
    style: Style,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the story goes.")] = Path("my-comic"),
    steps: Steps = None,
) -> None:
    """Rough pages in, a finished comic out, in one go; no marks needed.

    It makes a story folder that you can mark afterwards: `comicloss mark` and `comicloss stylize` then hold
    on to who is in which panel.
    """
    from comicloss import pipeline

    with work() as (progress, stop):
        pipeline.make(pictures, style=style, out=out, steps=steps, progress=progress, stop=stop)
    _where_to_look(out)


def _where_to_look(out: Path) -> None:
    """Name what a whole run has left in a story folder."""
    for what, place in (
        ("finished pages", out / "finished"),
        ("comic and sheets", out / "exports"),
        ("report", out / "exports" / "report.html"),
    ):
        if place.exists():
            typer.echo(f"{what}: {place}")


@command(
    HELP,
    "comicloss styles",
    "comicloss styles --out gallery --json",
)
def styles(
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where the pictures go.", show_default="your cache folder"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the styles that the shipped network knows, with a picture of each and wordings for --style."""
    from comicloss import pipeline

    if out is None:
        import platformdirs

        out = platformdirs.user_cache_path("comicloss", appauthor=False) / "styles"
    gallery = pipeline.styles_gallery(out)
    if as_json:
        show_json(
            [
                {"name": name, "captions": list(captions), "picture": str(picture)}
                for name, captions, picture in gallery
            ]
        )
        return
    table = Table("style", "say for example", "picture")
    for name, captions, picture in gallery:
        table.add_row(escape(name), escape("\n".join(captions[:2])), escape(picture.name))
    show_table(table)
    say(f"The pictures are in {out}")


@command(
    HELP,
    "comicloss doctor",
    "comicloss doctor --json",
)
def doctor(as_json: AsJson = False) -> None:
    """Check this machine: torch and torchvision, GPU, memory, disk, weights, network settings.

    Exit code 0 if comicloss can work here, 5 if models cannot be used, 6 if the machine lacks something.
    """
    from comicloss.doctor import doctor_report

    checks = doctor_report()
    if as_json:
        show_json([check.as_dict() for check in checks])
    else:
        table = Table.grid(padding=(0, 2))
        signs = {"good": "[green]ok[/]", "note": "[yellow]note[/]", "bad": "[red]bad[/]"}
        for check in checks:
            remedy = f"[bold]{escape(check.remedy)}[/]" if check.state == "bad" else escape(check.remedy)
            told = "\n".join(filter(None, (escape(check.found), remedy)))
            table.add_row(signs[check.state], check.name, told)
        show_table(table)
    raise typer.Exit(max((check.exit_code for check in checks if check.state == "bad"), default=0))
