"""`comicloss lettering`: where the lettering of a story is, and what becomes of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, cast

import typer

from comicloss.commands.app import STEP_BY_STEP, command
from comicloss.commands.arguments import AsJson, StoryFolder
from comicloss.commands.terminal import say, show_json, work
from pages.errors import UsageError

if TYPE_CHECKING:
    from comicloss.authoring import LetteringChange
    from comicloss.story.model import BoxXYWH
    from pages.model import Treatment

_TREATMENTS = "keep (as drawn), letters (keep the letters, restyle the balloon) or restyle (all of it)"
_CHANGE = re.compile(
    r"(?:(?P<page>[^=:]+)(?::(?P<box>\d{1,6}(?:,\d{1,6}){3}))?=)?(?P<how>keep|letters|restyle)"
)


@command(
    STEP_BY_STEP,
    "comicloss lettering dragon  # draw a picture of each page with its balloons and letters",
    "comicloss lettering dragon --treat letters  # keep the letters, restyle the balloons",
    "comicloss lettering dragon --treat p03=restyle  # on one page all of it takes the style",
    "comicloss lettering dragon --treat p01:60,60,200,90=keep  # one balloon, caption or sound effect",
    "comicloss lettering dragon --mask p02  # a picture to correct with a brush",
)
def lettering(
    story: StoryFolder,
    treat: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[PAGE[:x,y,w,h]=]HOW",
            help=f"What becomes of lettering, in the story, on a page or in a box: {_TREATMENTS}.",
        ),
    ] = None,
    mask: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PAGE",
            help="Write where the lettering of this page is as a picture to be painted on: white for "
            "letters, gray for balloons, black for none.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show where balloons and letters are, say what becomes of them, and correct them.

    Lettering stays as drawn unless you say otherwise.
    """
    changes = [_change(text) for text in treat or ()]
    from comicloss import pipeline

    with work() as (progress, stop):
        if changes:
            pipeline.treat_lettering(story, changes)
        painted = pipeline.paint_lettering(story, mask) if mask else []
        drawn = pipeline.lettering_overlays(story, progress=progress, stop=stop)
    if as_json:
        shares = drawn.items()
        show_json({file: {"share": round(share, 4), "picture": str(path)} for file, (path, share) in shares})
    else:
        for file, (path, share) in drawn.items():
            typer.echo(f"{file}: {share:.1%} lettering  ({path})")
    for path in painted:
        say(f"Paint on {path}: white letters, gray balloons, black for none. It is used from now on.")


def _change(text: str) -> LetteringChange:
    from comicloss.authoring import LetteringChange

    found = _CHANGE.fullmatch(text.strip())
    if found is None:
        raise UsageError(
            f'--treat "{text}" does not say what becomes of which lettering.',
            remedy=f"For example letters, p03=restyle or p01:60,60,200,90=keep; it is {_TREATMENTS}.",
        )
    box = None if found["box"] is None else cast("BoxXYWH", tuple(map(int, found["box"].split(","))))
    return LetteringChange(cast("Treatment", found["how"]), found["page"], box)
