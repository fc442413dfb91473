"""Labeled pictures that were not marked in a story: covers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from comicloss.commands.app import COLLECTIONS, command
from comicloss.commands.arguments import AsJson, Seed
from comicloss.commands.terminal import say, show_json, work

_LISTED = 20
"""So many labels of a team are printed; --json has them all."""


@command(
    COLLECTIONS,
    "comicloss covers covers.csv",
    "comicloss covers covers.csv --pictures scans --per-label 50 --out scans/labels.csv",
    'comicloss covers covers.json --team "Justice League of America" --json',
    "comicloss covers covers.csv --label pencils",
)
def covers(
    metadata: Annotated[Path, typer.Argument(metavar="METADATA", help="CSV or JSON, a row a cover.")],
    pictures: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="The covers' pictures; only covers that have one count then."),
    ] = None,
    label: Annotated[
        str, typer.Option(metavar="COLUMN", help="The column that the labels are taken from.")
    ] = "cover_characters",
    team: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only the members of this team, and covers with them.")
    ] = None,
    per_label: Annotated[
        int | None,
        typer.Option("--per-label", min=1, metavar="N", help="Choose covers so that each label is on N."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the labeled pictures for `train --examples`."),
    ] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Count who is on the covers of a collection, by team, and make a set to train on.

    The metadata is as in the Grand Comics Database: columns series, issue, file (or id) and cover_characters,
    "Batman [Bruce Wayne]; Justice League of America [Superman [Clark Kent]; Aquaman] (cameo)". Labels with
    fewer covers than asked for are listed, not hidden.
    """
    from comicloss import pipeline

    with work() as (progress, stop):
        found = pipeline.cover_dataset(
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
    if as_json:
        show_json(found)
    else:
        _show(found)
    _tell(found)


def _show(found: dict[str, Any]) -> None:
    typer.echo(f"{found['labeled']} of {found['covers']} covers have labels ({found['label']}).")
    if "pictures" in found:
        typer.echo(f"{found['pictures']['found']} have a picture, {found['pictures']['missing']} do not.")
    for team, members in found["teams"].items():
        _list(team, members)
    in_teams = {member for members in found["teams"].values() for member in members}
    alone = {name: count for name, count in found["labels"].items() if name not in in_teams}
    if alone:
        _list("in no team" if in_teams else "labels", alone)
    subset = found.get("subset")
    if subset:
        typer.echo(f"\nBalanced: {subset['covers']} covers")
        _list("chosen", subset["labels"])
        if subset["short"]:
            _list("fewer than asked for", subset["short"])


def _list(title: str, counts: Mapping[str, int]) -> None:
    typer.echo(f"\n{title}")
    for name, count in sorted(counts.items(), key=lambda item: -item[1])[:_LISTED]:
        typer.echo(f"  {count:6d}  {name}")
    if len(counts) > _LISTED:
        typer.echo(f"          and {len(counts) - _LISTED} more (--json lists all)")


def _tell(found: dict[str, Any]) -> None:
    """What the person should know besides the figures."""
    if found["repairs"]:
        where, [first, *_] = next(iter(found["repairs"].items()))
        say(f"Fields that had to be repaired: {len(found['repairs'])}, such as {where}: {first}.")
    written = found.get("written")
    if written:
        say(f"{written['file']}: {written['pictures']} pictures, {len(written['elements'])} elements.")
        if written["too_few"]:
            say(f"Left out, as they are on too few covers: {_some(written['too_few'])}.")
        if written["everywhere"]:
            say(f"Left out, as no cover is without them: {_some(written['everywhere'])}.")


def _some(names: Mapping[str, int] | list[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _LISTED} more" if len(listed) > _LISTED else ""
    return ", ".join(listed[:_LISTED]) + more
