"""Pictures without a story: which arguments are which, panels of a batch, boxes from a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from comicloss.commands.terminal import say, show_json
from pages.errors import ComicLossError, InputError, PartialError, UsageError

BoxXYWH = Sequence[float]
_SHAPES = (
    'It holds [[x, y, w, h], …] for one picture, {"page1.png": [[x, y, w, h], …]}, or what --json prints.'
)


def story_among(paths: list[Path]) -> Path | None:
    """The story's folder if one is meant, None for loose pictures.

    Raises:
        UsageError: folders and pictures together, or several folders.
        InputError: the only argument looks like a folder and is not there.
    """
    if len(paths) == 1 and not paths[0].suffix and not paths[0].exists():
        raise InputError(
            f"There is no story and no picture at {paths[0]}.",
            remedy=f"Check the path, or make a story with `comicloss new {paths[0]}`.",
        )
    folders = [path for path in paths if path.is_dir()]
    if not folders:
        return None
    if len(paths) > 1:
        raise UsageError(
            f"{folders[0]} is a folder, and there is more than it.",
            remedy="Give one story folder, or pictures only (for all in a folder: FOLDER/*.png).",
        )
    return folders[0]


def show_panels(paths: list[Path], *, direction: str, order: Path | None, as_json: bool) -> None:
    """Print the panels of each picture; one that cannot be read does not keep the others.

    Raises:
        ComicLossError: what was wrong with the only picture.
        PartialError: some of several pictures could not be read; the others are printed.
    """
    from comicloss import pipeline

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
