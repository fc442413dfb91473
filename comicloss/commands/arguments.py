"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def _not_blank(words: str | None) -> str | None:
    if words is not None and not words.strip():
        raise typer.BadParameter("say in words how it should look; `comicloss styles` lists some")
    return words


StoryFolder = Annotated[Path, typer.Argument(metavar="STORY", help="The story's folder.")]
Pictures = Annotated[
    list[Path],
    typer.Argument(metavar="PICTURES", help="Pictures (PNG, JPEG, PSD, …), CBZ, PDF, or folders of them."),
]
StoryOrPictures = Annotated[
    list[Path],
    typer.Argument(metavar="STORY|PICTURES", help="A story's folder, or pictures or folders of them."),
]
Style = Annotated[
    str, typer.Option(metavar="WORDS", help="How it should look, in words.", callback=_not_blank)
]
StyleOfStory = Annotated[
    str | None,
    typer.Option(
        metavar="WORDS",
        help="How it should look, in words; `comicloss styles` lists some.",
        show_default="the story's own",
        callback=_not_blank,
    ),
]
Steps = Annotated[
    int | None,
    typer.Option(
        min=0,
        metavar="N",
        help="Fine-tuning steps; 0 takes the pretrained network as it is.",
        show_default="enough for the story",
    ),
]
Seed = Annotated[int, typer.Option(min=0, metavar="N", help="The same seed gives the same result.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
