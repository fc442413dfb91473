"""`comicloss mark`: the panel x element matrix from the shell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast
from unicodedata import normalize

import typer
from rich.markup import escape
from rich.table import Table

from comicloss.commands.app import STEP_BY_STEP, command
from comicloss.commands.arguments import AsJson, StoryFolder
from comicloss.commands.terminal import show_json, show_table
from pages.errors import UsageError

if TYPE_CHECKING:
    from comicloss.pipeline import MarksTable
    from comicloss.story.model import Kind

_KINDS = ("character", "setting", "prop")
_LEGEND = "● shown   · not there   0.7 a belief   ? no mark, or unsure"
_SHOWN, _NOT_THERE = 1.0, 0.0

Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ELEMENTS", help="All who are in the panel; the rest is not there.", show_default=False
    ),
]


@command(
    STEP_BY_STEP,
    "comicloss mark dragon  # print the matrix",
    'comicloss mark dragon --element "Hero:character" --element "Castle:setting"  # who there is',
    'comicloss mark dragon --element "Hero:character" --reference hero.png  # with a picture of it',
    "comicloss mark dragon p01-02 Hero Dragon  # these two and nobody else",
    "comicloss mark dragon p01-03 --none  # nobody",
    "comicloss mark dragon p01-04 Hero --unsure Princess --belief Castle=0.7",
    "comicloss mark dragon p01-02 --also Castle --not Dragon  # change single marks",
    "comicloss mark dragon p01-02 --clear  # as if you had said nothing about it",
)
def mark(
    story: StoryFolder,
    panel: Annotated[
        str | None, typer.Argument(metavar="PANEL", help="Which panel, such as p01-02.", show_default=False)
    ] = None,
    shows: Names = None,
    none: Annotated[bool, typer.Option("--none", help="Nobody is in the panel.")] = False,
    also: Annotated[
        list[str] | None, typer.Option(metavar="ELEMENT", help="Is in the panel too; the rest stays.")
    ] = None,
    not_there: Annotated[
        list[str] | None, typer.Option("--not", metavar="ELEMENT", help="Is not there; the rest stays.")
    ] = None,
    unsure: Annotated[
        list[str] | None,
        typer.Option(metavar="ELEMENT", help="May be there or not: adds nothing to the loss."),
    ] = None,
    belief: Annotated[
        list[str] | None, typer.Option(metavar="ELEMENT=P", help="Is there with probability P, 0 to 1.")
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Forget all marks of the panel.")] = False,
    element: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME:KIND", help="Add an element; KIND is character, setting or prop."),
    ] = None,
    reference: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A picture of the element that is added.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say who is in which panel, and see what you have said.

    A panel that you have gone through shows the elements you name, and the others are not there. A panel
    without any mark is left out of the loss.
    """
    from comicloss import pipeline

    new = [_element(text) for text in element or []]
    if reference and len(new) != 1:
        raise UsageError(
            "--reference belongs to one --element.", remedy="Add elements with references one at a time."
        )
    changes = bool(shows or none or also or not_there or unsure or belief or clear)
    if changes and panel is None:
        raise UsageError("Which panel?", remedy="Name it after the story: comicloss mark STORY p01-02 Hero")
    if panel is not None and not changes:
        raise UsageError(
            f"What does {panel} show?",
            remedy="Name elements, or use --none, --also, --not, --unsure, --belief or --clear.",
        )
    whole = shows or none
    if (shows and none) or (whole and (also or not_there)):
        raise UsageError(
            "Elements, --none, and --also/--not do not go together.",
            remedy="Name all who are there, or --none, or change single marks with --also and --not.",
        )
    if clear and (whole or also or not_there or unsure or belief):
        raise UsageError(
            "--clear forgets all marks of the panel.", remedy="Clear it first, then say what it shows."
        )
    values = _values(shows=shows, also=also, not_there=not_there, unsure=unsure, belief=belief)

    for name, kind in new:
        pipeline.add_element(
            story, name, kind=kind, description="", references=tuple(reference or ()), palette=()
        )
    if clear and panel is not None:
        pipeline.clear_marks(story, [panel])
    elif panel is not None:
        if whole:
            rest = pipeline.marks_table(story).element_names
            if not rest:
                raise UsageError(
                    "The story has no elements yet.",
                    remedy=f'Add them first: comicloss mark {story} --element "Hero:character"',
                )
            values = {**dict.fromkeys(rest, _NOT_THERE), **values}
        pipeline.set_marks(story, [(panel, name, value) for name, value in values.items()])
    table = pipeline.marks_table(story)
    if as_json:
        show_json(
            {
                row: dict(zip(table.element_names, priors, strict=True))
                for row, priors in zip(table.panel_ids, table.priors, strict=True)
            }
        )
    else:
        _show(table)


def _element(text: str) -> tuple[str, Kind]:
    name, _, kind = text.rpartition(":")
    if not name.strip() or kind not in _KINDS:
        raise UsageError(
            f'--element "{text}" is not NAME:KIND.',
            remedy=f'KIND is one of {", ".join(_KINDS)}: --element "Hero:character"',
        )
    return normalize("NFC", name.strip()), cast("Kind", kind)


def _values(
    *,
    shows: list[str] | None,
    also: list[str] | None,
    not_there: list[str] | None,
    unsure: list[str] | None,
    belief: list[str] | None,
) -> dict[str, float | None]:
    """What is said about each element, each only once."""
    said: list[tuple[str, float | None]] = [(name, _SHOWN) for name in (*(shows or ()), *(also or ()))]
    said += [(name, _NOT_THERE) for name in not_there or ()]
    said += [(name, None) for name in unsure or ()]
    said += [_belief(text) for text in belief or ()]
    values: dict[str, float | None] = {}
    for given, value in said:
        name = normalize("NFC", given)
        if name in values:
            raise UsageError(f'"{name}" is said twice.', remedy="Say one thing about each element.")
        values[name] = value
    return values


def _belief(text: str) -> tuple[str, float]:
    name, _, number = text.rpartition("=")
    try:
        probability = float(number)
    except ValueError:
        probability = -1.0
    if not name or not 0 <= probability <= 1:
        raise UsageError(f'--belief "{text}" is not ELEMENT=P.', remedy="P is from 0 to 1: --belief Hero=0.7")
    return name, probability


def _show(table: MarksTable) -> None:
    if not table.panel_ids or not table.element_names:
        typer.echo("There are no panels yet." if not table.panel_ids else "There are no elements yet.")
        return
    shown = Table("panel", *map(escape, table.element_names))
    for row, priors in zip(table.panel_ids, table.priors, strict=True):
        shown.add_row(row, *(_sign(prior) for prior in priors))
    show_table(shown)
    typer.echo(_LEGEND)


def _sign(prior: float | None) -> str:
    if prior is None:
        return "?"
    return {_SHOWN: "●", _NOT_THERE: "·"}.get(prior, f"{prior:g}")
