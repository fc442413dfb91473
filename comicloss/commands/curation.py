"""The commands for collections of pictures that classifiers learn from: frames, curate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from comicloss.commands.app import COLLECTIONS, command
from comicloss.commands.arguments import AsJson
from comicloss.commands.terminal import say, show_json, work

_LISTED = 8


@command(
    COLLECTIONS,
    "comicloss frames film.mp4 --out pictures --label Hero",
    "comicloss frames one.mkv two.mkv --every 2 --out pictures  # a frame every two seconds",
)
def frames(
    videos: Annotated[list[Path], typer.Argument(metavar="VIDEOS", help="Video files.")],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the pictures go.")],
    every: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="A frame every so many seconds.")
    ] = None,
    scenes: Annotated[bool, typer.Option("--scenes", help="One frame of each scene; the default.")] = False,
    label: Annotated[str | None, typer.Option(metavar="NAME", help="The element that they show.")] = None,
    as_json: AsJson = False,
) -> None:
    """Take pictures from videos, for classifiers to learn from.

    Black bars and constant borders are cropped, frames with nothing to see left out. A labels.csv names each
    picture with its scene: pictures of one scene are never split between training and testing.
    """
    from comicloss import pipeline
    from pages.errors import PartialError, UsageError

    if every is not None and scenes:
        raise UsageError("--every and --scenes exclude each other.", remedy="Give one of them.")
    if every is not None and not 0 < every < float("inf"):
        raise UsageError(f"--every is {every}.", remedy="Give a number of seconds above 0.")
    with work() as (progress, stop):
        told = pipeline.frames(videos, out, every=every, label=label, progress=progress, stop=stop)
    if as_json:
        show_json(told)
    else:
        for film in told:
            if film["frames"]:
                typer.echo(f"{film['folder']}: {film['frames']} pictures of {film['scenes']} scenes")
    damaged = [film for film in told if film["problem"]]
    for film in damaged:
        say(f"comicloss: {film['problem']}")
    if damaged:
        raise PartialError(
            f"{len(damaged)} of {len(told)} videos could not be read to the end.",
            remedy="The reasons are above; what could be read is kept.",
        )


@command(
    COLLECTIONS,
    "comicloss curate pictures",
    "comicloss curate pictures/labels.csv --out review --json",
)
def curate(
    examples: Annotated[
        Path, typer.Argument(metavar="EXAMPLES", help="A folder of class folders, or a CSV of pictures.")
    ],
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where the contact sheet and the report go.")
    ] = Path("curation"),
    as_json: AsJson = False,
) -> None:
    """List the pictures of a collection that you should look at.

    Duplicates, pictures with nothing to see, constant borders, and labels that are probably wrong. It draws a
    contact sheet with the doubtful ones framed. Nothing of yours is changed or deleted.
    """
    from comicloss import pipeline

    with work() as (progress, stop):
        report = pipeline.curate(examples, out, progress=progress, stop=stop)
    if as_json:
        show_json(report)
        return
    typer.echo(f"{report['pictures']} pictures; look at {report['contact_sheet']}")
    for heading, lines in _findings(report):
        typer.echo(f"\n{heading}: {len(lines)}")
        for line in lines[:_LISTED]:
            typer.echo(f"  {line}")
        if len(lines) > _LISTED:
            typer.echo(f"  … all are in {Path(report['contact_sheet']).with_name('report.json')}")


def _findings(report: dict[str, Any]) -> list[tuple[str, list[str]]]:
    def named(pair: dict[str, Any]) -> str:
        first, second = pair["files"]
        how = "is" if pair["exact"] else "mirrors" if pair["mirrored"] else "is nearly"
        return f"{first} {how} {second}"

    pairs = report["duplicates"]
    found = [
        ("unreadable", [f"{entry['file']}: {entry['why']}" for entry in report["unreadable"]]),
        (
            "one drawing with contradictory labels",
            [f"{named(pair)}: {', '.join(pair['contradict'])}" for pair in pairs if pair["contradict"]],
        ),
        (
            "duplicates in different groups (they will be kept together)",
            [named(pair) for pair in pairs if not pair["same_group"] and not pair["contradict"]],
        ),
        ("nothing to see", [f"{entry['file']}: {entry['why']}" for entry in report["low_information"]]),
        ("constant borders", [f"{entry['file']}: {entry['box']}" for entry in report["borders"]]),
        (
            "labels that are probably wrong",
            [
                f"{entry['file']}: {entry['element']} is {'' if entry['label'] else 'not '}labeled, "
                f"{entry['probability']:.0%} likely"
                for entry in report["mislabels"]
            ],
        ),
        (
            "elements that the outermost pixels give away",
            [
                f"{clue['element']}: area under the curve {clue['area']:.2f} "
                f"({clue['interval'][0]:.2f} to {clue['interval'][1]:.2f})"
                for clue in report["border_clues"]
                if clue["warning"]
            ],
        ),
    ]
    return [(heading, lines) for heading, lines in found if lines]
