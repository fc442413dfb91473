"""`comicloss panels`: the panels of a story or of loose pictures, shown and corrected from the shell."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from comicloss.commands import pictures as loose
from comicloss.commands.app import STEP_BY_STEP, command
from comicloss.commands.arguments import AsJson, StoryOrPictures
from comicloss.commands.terminal import say, show_json, work
from pages.errors import UsageError
from pages.model import Direction

if TYPE_CHECKING:
    from comicloss.corrections import Act, Correction

Points = tuple[tuple[int, int], ...]

_SHAPES = (
    "A shape is a box, x,y,width,height, or the corners of a polygon, x,y x,y x,y …, in pixels of the page."
)
_LINES = "A cut is upright, x640, or level, y512, or goes through two points: x,y x,y."


def _changes(flag: str, metavar: str, help_text: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(flag, metavar=metavar, help=help_text)
    return option


@command(
    STEP_BY_STEP,
    "comicloss panels dragon  # find them, and draw a picture of each page with their numbers",
    "comicloss panels dragon --again  # find them anew; yours and those with marks stay",
    "comicloss panels dragon --confirm p01 --confirm p02  # they are right",
    "comicloss panels dragon --set p01-02=40,60,600,480  # another box",
    'comicloss panels dragon --set "p01-02=40,60 640,60 600,540 40,540"  # another polygon',
    "comicloss panels dragon --add p01=660,60,300,480 --remove p01-03",
    "comicloss panels dragon --split p01-02=x320 --merge p01-03,p01-04",
    "comicloss panels dragon --order p01=p01-02,p01-01",
    "comicloss panels dragon --like p03  # the panels of page 3 on all pages with the same grid",
    "comicloss panels dragon --like p03=p04,p05  # or on these pages",
    "comicloss panels scans/*.png --json --direction rtl  # no story needed",
    "comicloss panels page1.png --json --order boxes.json  # put these boxes into reading order",
)
def panels(
    paths: StoryOrPictures,
    again: Annotated[
        bool, typer.Option("--again", help="Find panels anew, but for yours and those with marks.")
    ] = False,
    confirm: Annotated[
        list[str] | None, _changes("--confirm", "PAGE", "The panels of this page are right.")
    ] = None,
    shape: Annotated[
        list[str] | None, _changes("--set", "PANEL=SHAPE", f"Give a panel another shape. {_SHAPES}")
    ] = None,
    add: Annotated[list[str] | None, _changes("--add", "PAGE=SHAPE", "Add a panel to a page.")] = None,
    remove: Annotated[list[str] | None, _changes("--remove", "PANEL", "Take a panel out.")] = None,
    split: Annotated[
        list[str] | None, _changes("--split", "PANEL=CUT", f"Cut a panel in two. {_LINES}")
    ] = None,
    merge: Annotated[
        list[str] | None, _changes("--merge", "PANEL,PANEL", "Make one panel of two or more.")
    ] = None,
    order: Annotated[
        list[str] | None,
        _changes(
            "--order",
            "PAGE=PANEL,PANEL,…",
            "The order in which the panels of a page are read. For loose pictures BOXES.json: boxes to put "
            r"into reading order, instead of finding panels. It has \[\[x, y, w, h], …], or "
            r'{"page1.png": \[\[x, y, w, h], …]}, or what --json prints.',
        ),
    ] = None,
    like: Annotated[
        list[str] | None,
        _changes("--like", "PAGE[=PAGE,…]", "Give the pages with the same grid, or these, a page's panels."),
    ] = None,
    direction: Annotated[
        Direction | None,
        typer.Option(help="For loose pictures; a story has its own.", show_default="ltr"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find the panels of each page, in reading order, and correct them.

    In a story they go into story.toml, with a picture of each page that shows their numbers. A page that you
    have corrected or confirmed is not looked at again. For loose pictures boxes are printed, [x, y, width,
    height] in pixels.
    """
    story = loose.story_among(paths)
    if story is None:
        if again or any((confirm, shape, add, remove, split, merge, like)):
            raise UsageError(
                "Only a story's panels can be corrected.",
                remedy="Loose pictures have their panels found each time; make a story with `comicloss new`.",
            )
        if order and len(order) > 1:
            raise UsageError("Loose pictures have one --order.", remedy="Put all boxes into one file.")
        boxes = None if not order else Path(order[0])
        loose.show_panels(paths, direction=direction or "ltr", order=boxes, as_json=as_json)
        return
    if direction:
        raise UsageError("--direction is for loose pictures.", remedy="A story's is in its story.toml.")
    corrections = [
        *(_shaped("set", text, "p01-02=40,60,600,480") for text in shape or ()),
        *(_shaped("add", text, "p01=40,60,600,480") for text in add or ()),
        *(_cut(text) for text in split or ()),
        *(_merged(text) for text in merge or ()),
        *(_correction("remove", name) for name in remove or ()),
        *(_ordered(text) for text in order or ()),
        *(_correction("confirm", name) for name in confirm or ()),
        *(_alike(text) for text in like or ()),
    ]
    from comicloss import pipeline

    with work() as (progress, stop):
        pipeline.find_story_panels(story, again=again, progress=progress, stop=stop)
        changed = pipeline.correct_panels(story, corrections) if corrections else []
        drawn = pipeline.panel_overlays(story, progress=progress, stop=stop)
    found = pipeline.panels_of_story(story)
    if as_json:
        show_json([{**page, "picture": str(drawn[page["file"]])} for page in found])
    else:
        for page in found:
            ids = " ".join(f"{panel['id']}{'?' if panel['doubtful'] else ''}" for panel in page["panels"])
            typer.echo(f"{page['file']}: {ids}  ({drawn[page['file']]})")
    if changed:
        say(f"Corrected: {', '.join(changed)}.")
    doubtful = [page["page"] for page in found if any(panel["doubtful"] for panel in page["panels"])]
    if doubtful:
        say(f"Look at {', '.join(doubtful)}: the panels with a ? may be wrong.")
        say(f"If they are right: comicloss panels {story} --confirm {doubtful[0]}")


def _correction(act: Act, name: str, points: Points = (), others: tuple[str, ...] = ()) -> Correction:
    from comicloss.corrections import Correction

    return Correction(act, name.strip(), points, tuple(other.strip() for other in others))


def _parted(text: str, option: str, example: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (sign and name.strip() and value.strip()):
        raise UsageError(
            f'--{option} "{text}" does not say what.', remedy=f"For example: --{option} {example}"
        )
    return name, value


def _shaped(act: Act, text: str, example: str) -> Correction:
    name, value = _parted(text, act, example)
    numbers = _numbers(value, text, _SHAPES)
    if [len(group) for group in numbers] == [4]:
        [(x, y, width, height)] = numbers
        return _correction(act, name, ((x, y), (x + width, y + height)))
    points = _points(numbers)
    if len(points) < 3:
        raise UsageError(f'"{text}" is no shape of a panel.', remedy=_SHAPES)
    return _correction(act, name, points)


def _cut(text: str) -> Correction:
    name, value = _parted(text, "split", "p01-02=x320")
    if straight := re.fullmatch(r"\s*([xy])\s*(\d{1,6})\s*", value):
        place = int(straight[2])
        line = ((place, 0), (place, 1)) if straight[1] == "x" else ((0, place), (1, place))
        return _correction("split", name, line)
    points = _points(_numbers(value, text, _LINES))
    if len(points) != 2:
        raise UsageError(f'"{text}" is no cut.', remedy=_LINES)
    return _correction("split", name, points)


def _merged(text: str) -> Correction:
    first, *others = text.split(",")
    return _correction("merge", first, others=tuple(others))


def _ordered(text: str) -> Correction:
    name, value = _parted(text, "order", "p01=p01-02,p01-01")
    return _correction("order", name, others=tuple(value.split(",")))


def _alike(text: str) -> Correction:
    name, sign, value = text.partition("=")
    return _correction("like", name, others=tuple(value.split(",")) if sign else ())


def _numbers(value: str, text: str, remedy: str) -> list[tuple[int, ...]]:
    """The groups between blanks, each of whole numbers with commas between."""
    groups = value.split()
    if not groups or not all(re.fullmatch(r"\d{1,6}(,\d{1,6})+", group) for group in groups):
        raise UsageError(f'"{text}" has something else than whole numbers.', remedy=remedy)
    return [tuple(map(int, group.split(","))) for group in groups]


def _points(numbers: list[tuple[int, ...]]) -> Points:
    """The groups as points; () unless all have two numbers."""
    if any(len(group) != 2 for group in numbers):
        return ()
    return tuple((group[0], group[1]) for group in numbers)
