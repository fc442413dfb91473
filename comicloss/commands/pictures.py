"""Pictures without a story: which arguments are which, panels of a batch, boxes from a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from comicloss.commands.terminal import say, show_json
from pages.errors import ComicLossError, InputError, PartialError, UsageError
from pages.model import Direction

BoxXYWH = Sequence[float]
_SHAPES = (
    'It holds [[x, y, w, h], …] for one picture, {"page1.png": [[x, y, w, h], …]}, or what --json prints.'
)


def story_among(paths: list[Path]) -> Path | None:
    """The story's folder if one is meant, None for loose pictures, which may be named by their folder.

    Raises:
        UsageError: a story and something else.
        InputError: the only argument looks like a folder and is not there.
    """
    stories = [path for path in paths if (path / "story.toml").exists()]
    if stories and len(paths) > 1:
        raise UsageError(
            f"{stories[0]} is a story, and there is more than it.",
            remedy="Give one story, or pictures and folders of pictures only.",
        )
    if len(paths) > 1:
        return None
    from pages.read import SUFFIXES

    [path] = paths
    if not path.suffix and not path.exists():
        raise InputError(
            f"There is no story and no picture at {path}.",
            remedy=f"Check the path, or make a story with `comicloss new {path}`.",
        )
    meant_as_story = path.is_dir() and not any(child.suffix.lower() in SUFFIXES for child in path.iterdir())
    return path if stories or meant_as_story else None


def show_panels(paths: list[Path], *, direction: Direction, order: Path | None, as_json: bool) -> None:
    """Print the panels of each picture; one that cannot be read does not keep the others.

    Raises:
        ComicLossError: what was wrong with the only picture.
        PartialError: some of several pictures could not be read; the others are printed.
    """
    from comicloss import pipeline
    from pages.read import picture_files

    paths = [file for path in paths for file in (picture_files([path]) if path.is_dir() else [path])]
    boxes = None if order is None else _boxes_for(paths, order)
    found: list[dict[str, Any]] = []
    failed: list[Path] = []
    for path in paths:
        try:
            given = None if boxes is None else boxes[path]
            found += pipeline.panels_of_pictures([path], direction, order_boxes=given)
        except ComicLossError as error:
            if len(paths) == 1:
                raise
            failed.append(path)
            say(f"comicloss: {error}")
    if as_json:
        show_json(found)
    else:
        for entry in found:
            panels = " ".join(str(list(box)) for box in entry["panels"])
            typer.echo(f"{entry['file']}: {panels or 'no panels'}")
    if failed:
        names = ", ".join(str(path) for path in failed)
        raise PartialError(
            f"{len(failed)} of {len(paths)} pictures could not be read: {names}.",
            remedy="The reasons are above; the others are done.",
        )


def _boxes_for(paths: list[Path], file: Path) -> dict[Path, list[BoxXYWH]]:
    """The boxes that a file has for each picture."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read as JSON: {error}.", remedy=_SHAPES) from None
    if isinstance(content, list) and all(isinstance(entry, dict) for entry in content):
        content = {str(entry.get("file", entry.get("image"))): entry.get("panels") for entry in content}
    if isinstance(content, list):
        if len(paths) != 1:
            raise InputError(f"{file} has one list of boxes for {len(paths)} pictures.", remedy=_SHAPES)
        content = {str(paths[0]): content}
    if not isinstance(content, dict):
        raise InputError(f"{file} has neither a list nor a table of boxes.", remedy=_SHAPES)
    return {path: _checked(_entry(content, path, file), path, file) for path in paths}


def _entry(content: dict[str, Any], path: Path, file: Path) -> Any:
    """What stands under the picture's path, or under a path that it ends with."""
    for name in (str(path), path.as_posix()):
        if name in content:
            return content[name]
    parts = path.resolve().parts
    matching = [name for name in content if (own := Path(name).parts) and parts[-len(own) :] == own]
    if len(matching) != 1:
        number = "no" if not matching else "more than one"
        raise InputError(f"{file} has {number} entry for {path}.", remedy=_SHAPES)
    return content[matching[0]]


def _checked(boxes: Any, path: Path, file: Path) -> list[BoxXYWH]:
    def is_number(value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool)

    if not isinstance(boxes, list) or not all(
        isinstance(box, list) and len(box) == 4 and all(is_number(value) for value in box) for box in boxes
    ):
        raise InputError(f"{file}: the boxes of {path} are not [[x, y, w, h], …].", remedy=_SHAPES)
    return boxes
