"""story.toml on disk. A save edits the document that is there, so that what a person wrote into it stays."""

from __future__ import annotations

import hashlib
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import AoT, Array, InlineTable, Item

from comicloss.story.check import read_story
from comicloss.story.lines import lines_of
from comicloss.story.model import Story, normal
from comicloss.story.template import TEMPLATE
from pages.errors import StoryError
from pages.files import os_errors, write_atomic

FILE_NAME = "story.toml"

# What makes two blocks of a list the same block, so that its comments go with it.
_IDENTITY = {"elements": "name", "pages": "file", "panels": "id", "lettering_items": "box"}


def load_story(folder: Path) -> Story:
    """The story of a folder, checked.

    Raises:
        StoryError: there is none, or it has mistakes; all of them are listed with line and field.
        ResourceError: it cannot be read.
    """
    folder = Path(folder)
    text = _read(folder)
    if text is None:
        raise StoryError(
            f"{folder} is no story: there is no {FILE_NAME} in it",
            remedy=f"Make one with `comicloss new {folder}`, or name the folder that has one.",
        )
    story = read_story(text, folder)
    story._read_from = _digest(text)
    return story


def save_story(story: Story, folder: Path) -> Story:
    """Write a story into its folder, and return it as it is now: with its revision one higher.

    Comments, the order of the blocks and hand formatting stay; values that did not change are not touched.

    Raises:
        StoryError: the file was changed since the story was loaded, or the story has mistakes; nothing
            is written then.
        ResourceError: it cannot be written.
    """
    folder = Path(folder)
    text = _read(folder)
    if text is not None:
        _refuse_if_newer(text, story, folder)
    line_end = "\r\n" if text and "\r\n" in text else "\n"
    saved = story.model_copy(update={"revision": story.revision + 1})
    document = tomlkit.parse(TEMPLATE if text is None else text.replace("\r\n", "\n"))
    whole: dict[str, Any] = saved.model_dump(mode="json", by_alias=True)
    told: dict[str, Any] = saved.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    _edit_table(document, whole, told)
    new_text = _spaced(tomlkit.dumps(document), before=text or "").replace("\n", line_end)
    checked = read_story(new_text, folder)
    if checked.model_dump() != saved.model_dump():
        raise AssertionError("story.toml would not say what the story says")  # nothing is written
    write_atomic(folder / FILE_NAME, new_text.encode())
    checked._read_from = _digest(new_text)
    return checked


def _read(folder: Path) -> str | None:
    path = folder / FILE_NAME
    with os_errors(path):
        try:
            data = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise StoryError(
            f"{FILE_NAME}:{line}: a letter that is not UTF-8",
            remedy=f"Save {path} as UTF-8 in your editor.",
        ) from None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _refuse_if_newer(text: str, story: Story, folder: Path) -> None:
    on_disk = read_story(text, folder)
    if on_disk.revision > story.revision:
        what = f"is revision {on_disk.revision}, and this is a change to revision {story.revision}"
    elif story._read_from not in (None, _digest(text)):
        what = "was edited by hand in the meantime"
    else:
        return
    raise StoryError(
        f"{folder / FILE_NAME} {what}; nothing was saved over it",
        remedy="Load the story again and repeat the change.",
    )


def _spaced(text: str, *, before: str) -> str:
    """The text with a blank line before each new block."""
    lines = text.rstrip("\n").split("\n")
    beginnings = {line - 1 for line in lines_of(text).values()}
    headers = [line for line in beginnings if line and lines[line].lstrip().startswith("[[")]
    for line in sorted(headers, reverse=True):
        above = lines[line - 1].strip()
        if above and not above.startswith("#") and f"{lines[line - 1]}\n{lines[line]}" not in before:
            lines.insert(line, "")
    return "\n".join(lines) + "\n"


def _edit_table(
    table: MutableMapping[str, Any], whole: MutableMapping[str, Any], told: MutableMapping[str, Any]
) -> None:
    """Make a table of the document say ``whole``; a key that is not there is added only if it is ``told``.

    Keys that the document has and the story does not (None) are taken out.
    """
    for key in list(table):
        value = whole.get(key)
        if value is None:
            del table[key]
        else:
            _edit_value(table, key, value, told.get(key))
    for key, value in told.items():
        if key not in table:
            _add(table, key, value)


def _edit_value(table: MutableMapping[str, Any], key: str, value: Any, told: Any) -> None:
    old = table[key]
    if isinstance(old, MutableMapping) and key not in ("beliefs", "regions"):
        _edit_table(old, value, told or {})
    elif isinstance(old, MutableMapping):
        _edit_table(old, value, value)
    elif isinstance(old, Array) and not old and value and key in _IDENTITY:
        del table[key]  # `pages = []`: blocks go below, not in between the keys
        _add(table, key, told)
    elif key in _IDENTITY and isinstance(old, AoT | Array):
        _edit_blocks(old, value, told or [], _IDENTITY[key])
    elif isinstance(old, Array) and all(isinstance(item, str) for item in (*old, *value)):
        _edit_texts(old, value)
    elif old != value:
        table[key] = value


def _edit_texts(array: Array, value: list[str]) -> None:
    """Change a list of names item by item, so that comments beside the others stay."""
    if list(array) == value:
        return
    for index in reversed(range(len(array))):
        if array[index] not in value:
            del array[index]
    kept = list(array)
    if value[: len(kept)] == kept:
        for item in value[len(kept) :]:
            array.append(item)
    else:
        array.clear()
        array.extend(value)


def _edit_blocks(blocks: AoT | Array, whole: list[Any], told: list[Any], identity: str) -> None:
    """Change a list of tables; a block is found again by its identity, or, renamed, by its place."""
    old = list(blocks)
    names = [_told_apart_by(block.get(identity)) for block in old]
    wanted = [_told_apart_by(item[identity]) for item in whole]
    sources: list[int | None] = [names.index(name) if name in names else None for name in wanted]
    if len(old) == len(whole):
        sources = [
            index if source is None and names[index] not in wanted else source
            for index, source in enumerate(sources)
        ]
    for source, item, told_item in zip(sources, whole, told, strict=True):
        if source is not None:
            _edit_table(old[source], item, told_item)
    if sources == list(range(len(old))):
        return
    new = [
        old[source] if source is not None else _block(item, inline=isinstance(blocks, Array))
        for source, item in zip(sources, told, strict=True)
    ]
    if sources[: len(old)] != list(range(len(old))):  # taken out or moved: not only added at the end
        while len(blocks):
            del blocks[len(blocks) - 1]
    for block in new[len(blocks) :]:
        blocks.append(block)


def _told_apart_by(value: Any) -> str:
    """A name in composed form, or the numbers of a box."""
    return " ".join(map(str, value)) if isinstance(value, list) else normal(str(value))


def _add(table: MutableMapping[str, Any], key: str, value: Any) -> None:
    if key not in _IDENTITY or isinstance(table, InlineTable):
        table[key] = _inline(value)
        return
    later = table.pop("pages", None) if key == "elements" else None  # who comes before where
    table[key] = tomlkit.aot()
    for item in value:
        table[key].append(_block(item))
    if later is not None:
        table["pages"] = later


def _block(item: dict[str, Any], *, inline: bool = False) -> Item:
    if inline:
        return _inline(item)
    block = tomlkit.table()
    for key, value in item.items():
        _add(block, key, value)
    return block


def _inline(value: Any) -> Item:
    if isinstance(value, dict):
        table = tomlkit.inline_table()
        for key, inner in value.items():
            table[key] = _inline(inner)
        return table
    if isinstance(value, list):
        array = tomlkit.array()
        for inner in value:
            array.append(_inline(inner))
        return array
    return tomlkit.item(value)  # type: ignore[no-any-return]  # a text, number or truth value
