"""The text of a story.toml as a Story, or every mistake in it: its line, its field, what would be right."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from comicloss.story.families import has_classifiers, known_elements
from comicloss.story.lines import Place, lines_of
from comicloss.story.model import (
    Credits,
    Element,
    LetteringItem,
    Print,
    Story,
    StoryPage,
    StoryPanel,
    Style,
    Webtoon,
    did_you_mean,
    normal,
)
from pages.errors import ComicLossError, StoryError, WeightsError
from pages.read import picture_size

# An item of these is reported on its own line under the name of its list, as a person speaks of it.
_LISTS_OF_TEXTS = ("shows", "unsure", "references", "palette")
_MODELS: dict[Place, type[BaseModel]] = {
    (): Story,
    ("style",): Style,
    ("credits",): Credits,
    ("print",): Print,
    ("webtoon",): Webtoon,
    ("elements",): Element,
    ("pages",): StoryPage,
    ("pages", "lettering_items"): LetteringItem,
    ("pages", "panels"): StoryPanel,
}


class Mistake(NamedTuple):
    """One thing that is wrong, and where."""

    place: Place
    text: str


def read_story(text: str, folder: Path) -> Story:
    """The story that a text says.

    Args:
        text: of a story.toml.
        folder: where the files it names must lie.

    Raises:
        StoryError: lists every mistake as ``story.toml:14: pages[0].panels[2].shows: …``.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _refusal([_syntax_mistake(error, text)], folder) from None
    mistakes: list[Mistake] = []
    story = None
    try:
        story = Story.model_validate(data, by_alias=True, by_name=False)
    except ValidationError as errors:
        mistakes += (_shape_mistake(error) for error in errors.errors(include_url=False))
    mistakes += _meaning_mistakes(data, folder)
    if story is None or mistakes:
        lines = lines_of(text)
        located = [(_line(lines, mistake.place), mistake) for mistake in dict.fromkeys(mistakes)]
        located.sort(key=lambda pair: pair[0])
        raise _refusal(
            [
                ": ".join(filter(None, (f"story.toml:{line}", _spelled(mistake.place), mistake.text)))
                for line, mistake in located
            ],
            folder,
        )
    return story


def _refusal(lines: list[str], folder: Path) -> StoryError:
    return StoryError(
        "\n".join(lines), remedy=f"Correct {folder / 'story.toml'} and run the same command again."
    )


def _line(lines: Mapping[Place, int], place: Place) -> int:
    while place not in lines:
        place = place[:-1]
    return lines[place]


def _spelled(place: Place) -> str:
    spelled = ""
    if len(place) > 1 and place[-2] in _LISTS_OF_TEXTS:
        place = place[:-1]
    for part in place:
        if isinstance(part, int):
            spelled += f"[{part}]"
        else:
            quoted = part if re.fullmatch(r"[\w-]+", part) else f'"{part}"'
            spelled += f".{quoted}" if spelled else quoted
    return spelled


def _syntax_mistake(error: tomllib.TOMLDecodeError, text: str) -> str:
    found = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", str(error), re.DOTALL)
    what = found[1] if found else str(error)
    line = int(found[2]) if found and found[2] else text.rstrip().count("\n") + 1
    column = f" at column {found[3]}" if found and found[3] else " at the end"
    hints = {
        "Invalid value": 'texts need quotes ("…"), true and false are small letters',
        "Cannot overwrite": "this name is already there; keep one of the two",
        "Cannot declare": "this table is already there; lists of tables have [[double brackets]]",
        "Unclosed array": "a closing ] is missing",
        "Expected newline": "one entry to a line; perhaps a quote or a bracket is missing",
        "Unterminated": "a closing quote is missing",
        "Illegal character": "a closing quote is missing, or a \\ that should be /",
        "Unescaped": "inside quotes write / for folders, not \\",
        "Expected '='": "an entry is written name = value",
    }
    hint = next((f"; {hint}" for start, hint in hints.items() if what.startswith(start)), "")
    return f"story.toml:{line}: not valid TOML{column}: {what[:1].lower()}{what[1:]}{hint}"


# --- the shape: types and keys, as pydantic sees them --------------------------------------------------


def _shape_mistake(error: Any) -> Mistake:
    place: Place = tuple(error["loc"])
    kind, got, context = error["type"], error["input"], error.get("ctx", {})
    field = place[-1] if place else ""
    if kind == "extra_forbidden":
        model = _MODELS.get(tuple(part for part in place[:-1] if isinstance(part, str)), Story)
        return Mistake(place, f"no such key{did_you_mean(str(field), _keys(model))}")
    if kind == "missing":
        if isinstance(field, int):
            return Mistake(place[:-1], _numbers_wanted(place[:-1]))
        return Mistake(place[:-1], f"`{field}` is missing; {_EXAMPLES.get(str(field), 'add it')}")
    if kind in ("too_long", "too_short"):
        return Mistake(place, _numbers_wanted(place))
    wanted = {
        "string_type": "expected a text in quotes",
        "int_type": "expected a whole number",
        "float_type": "expected a number",
        "finite_number": "expected a number from 0 to 1",
        "tuple_type": "expected a list in [brackets]",
        "model_type": "expected a table",
        "model_attributes_type": "expected a table",
        "mapping_type": "expected a table such as { Hero = … }",
        "dict_type": "expected a table such as { Hero = … }",
        "string_too_short": "must not be empty",
    }.get(kind)
    if kind == "literal_error":
        wanted = f"expected {context['expected']}"
    elif kind in ("greater_than_equal", "less_than_equal"):
        share = "beliefs" in place or field in ("strength", "confidence")
        least = "from 0 to 1" if share else f"of {context.get('ge', 0)} or more"
        wanted = f"expected a number {least}"
    elif kind == "greater_than":
        wanted = f"expected a number above {context['gt']:g}"
    elif kind == "string_pattern_mismatch":
        wanted = 'expected letters, digits, - and _, such as "p01-02"'
        if "palette" in place:
            wanted = 'expected a color such as "#c0392b"'
        elif field == "language":
            wanted = 'expected the code of a language, such as "en" or "pt-BR"'
    return Mistake(place, f"{wanted or error['msg']}, got {_shown(got)}")


def _numbers_wanted(place: Place) -> str:
    """What a list of numbers of another length should have been."""
    if "polygon" in place:
        return "a polygon is [[x, y], [x, y], [x, y], …]: three points or more, in whole pixels of the page"
    if "trim_mm" in place:
        return "a trim size is [width, height] in millimeters"
    return "a box is [x, y, width, height]: four whole numbers"


_EXAMPLES = {
    "title": 'write title = "…" at the top',
    "style": 'write [style] and below it prompt = "…"',
    "prompt": 'write prompt = "watercolor on rough paper"',
    "name": 'write name = "…"',
    "file": 'write file = "art/p01.png"',
    "id": 'write id = "p01-01"',
    "box": "write box = [x, y, width, height]",
    "treat": 'write treat = "keep", "letters" or "restyle"',
}


def _keys(model: type[BaseModel]) -> list[str]:
    return [str(field.validation_alias or name) for name, field in model.model_fields.items()]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        value = f'"{value}"'
    elif isinstance(value, dict):
        return "a table"
    elif isinstance(value, list):
        return "a list"
    text = str(value)
    return text if len(text) <= 60 else text[:59] + "…"


# --- the meaning: what the parts say about each other ---------------------------------------------------
# Read from the raw data and tolerant of wrong shapes, so that both kinds of mistakes come out in one go.


def _meaning_mistakes(data: Mapping[str, Any], folder: Path) -> Iterator[Mistake]:
    names = [
        normal(element["name"].strip())
        for _, element in _tables(data.get("elements"))
        if isinstance(element.get("name"), str)
    ]
    if isinstance(style := data.get("style"), dict):
        yield from _file_mistakes(("style", "reference"), style.get("reference"), folder)
    yield from _element_mistakes(data, folder)
    yield from _classifier_mistakes(("classifier",), data.get("classifier"), names, folder, need=any)
    panel_ids: dict[str, Place] = {}
    page_files: dict[str, int] = {}
    for number, page in _tables(data.get("pages")):
        place: Place = ("pages", number)
        size = None
        if isinstance(file := page.get("file"), str):
            if file in page_files:
                yield Mistake(
                    (*place, "file"),
                    f'"{file}" is also pages[{page_files[file]}]; a page is listed once',
                )
            page_files.setdefault(file, number)
            wrong = list(_file_mistakes((*place, "file"), file, folder))
            yield from wrong
            size = None if wrong else _picture_size(folder / file)
            if not wrong and size is None:
                yield Mistake((*place, "file"), f'"{file}" is no picture that can be read')
        yield from _file_mistakes((*place, "photograph"), page.get("photograph"), folder)
        for key in ("flats", "lettering_mask"):
            yield from _cover_mistakes((*place, key), page.get(key), size, folder)
        for index, item in _tables(page.get("lettering_items")):
            yield from _outside_mistakes((*place, "lettering_items", index, "box"), item.get("box"), size)
        for order, panel in _tables(page.get("panels")):
            where: Place = (*place, "panels", order)
            if isinstance(panel_id := panel.get("id"), str):
                if panel_id in panel_ids:
                    yield Mistake(
                        (*where, "id"),
                        f'"{panel_id}" is also {_spelled(panel_ids[panel_id])}; each panel has its own id',
                    )
                panel_ids.setdefault(panel_id, where)
            yield from _box_mistakes(where, panel, size)
            yield from _mark_mistakes(where, panel, names)


def _element_mistakes(data: Mapping[str, Any], folder: Path) -> Iterator[Mistake]:
    first: dict[str, int] = {}
    for number, element in _tables(data.get("elements")):
        place: Place = ("elements", number)
        if isinstance(name := element.get("name"), str) and name:
            if name != name.strip() or any(unicodedata.category(letter) == "Cc" for letter in name):
                yield Mistake(
                    (*place, "name"),
                    f"{_shown(name.strip())} has blanks around it or line breaks in it; take them out",
                )
            folded = normal(name).casefold()
            if folded in first:
                yield Mistake(
                    (*place, "name"),
                    f'"{name}" is also elements[{first[folded]}]; give each element its own name '
                    "(capitals do not count)",
                )
            first.setdefault(folded, number)
        for index, reference in _texts(element.get("references")):
            yield from _file_mistakes((*place, "references", index), reference, folder)
        wanted = [normal(name)] if isinstance(name, str) else []
        path = element.get("classifier")
        yield from _classifier_mistakes((*place, "classifier"), path, wanted, folder, need=all)


def _classifier_mistakes(
    place: Place, path: Any, wanted: list[str], folder: Path, *, need: Callable[[Iterable[bool]], bool]
) -> Iterator[Mistake]:
    """Mistakes in the path to trained classifiers, which may lie outside of the story folder.

    Args:
        wanted: names of elements; ``need`` of them must be known there.
    """
    if not isinstance(path, str) or not path:
        return
    if "\\" in path or "\0" in path:
        yield Mistake(place, f'"{path}" has a \\ in it; write / between folders on every system')
    elif not (folder / path).is_dir():
        yield Mistake(place, f'no folder "{path}"; the path is seen from the story folder')
    elif not has_classifiers(folder / path):
        yield Mistake(
            place,
            f'no trained classifiers in "{path}"; train them with '
            f"`comicloss train --examples PICTURES --out {path}`",
        )
    else:
        try:
            known = known_elements(folder / path)
        except WeightsError:  # told when they are used, as all damaged weights are
            return
        if wanted and not need(name in known for name in wanted):
            listed = ", ".join(f'"{name}"' for name in known.values())
            missing = " or ".join(f'"{name}"' for name in wanted)
            yield Mistake(place, f'"{path}" knows no {missing}; it has {listed}')


def _mark_mistakes(place: Place, panel: Mapping[str, Any], names: list[str]) -> Iterator[Mistake]:
    said: dict[str, str] = {}  # element -> the key that has already said something about it
    for key in ("shows", "unsure", "beliefs"):
        value = panel.get(key)
        mentions: Iterable[tuple[Place, str]]
        if key == "beliefs":
            mentions = [((key, name), name) for name in (value if isinstance(value, dict) else {})]
        else:
            mentions = [((key, index), name) for index, name in _texts(value)]
        for where, mentioned in mentions:
            name = normal(mentioned)
            if name not in names:
                yield Mistake((*place, *where), f'no element "{mentioned}"{did_you_mean(name, names)}')
            elif said.get(name) == key:
                yield Mistake((*place, *where), f'"{mentioned}" is there twice; keep one')
            elif name in said:
                yield Mistake(
                    (*place, *where), f'"{mentioned}" is also in `{said[name]}`; keep it in one of the two'
                )
            said.setdefault(name, key)
    regions = panel.get("regions")
    for mentioned in regions if isinstance(regions, dict) else {}:
        name = normal(mentioned)
        if name not in names:
            yield Mistake(
                (*place, "regions", mentioned), f'no element "{mentioned}"{did_you_mean(name, names)}'
            )
        elif name not in said:
            yield Mistake(
                (*place, "regions", mentioned),
                f'"{mentioned}" is not in this panel; add it to `shows` or take the region out',
            )


def _box_mistakes(place: Place, panel: Mapping[str, Any], size: tuple[int, int] | None) -> Iterator[Mistake]:
    yield from _outside_mistakes((*place, "box"), panel.get("box"), size)
    box = _box(panel.get("box"))
    yield from _polygon_mistakes((*place, "polygon"), panel.get("polygon"), box, size)
    regions = panel.get("regions")
    for name, value in (regions if isinstance(regions, dict) else {}).items():
        region = _box(value)
        if box and region and not _inside(region, box):
            yield Mistake(
                (*place, "regions", name),
                f"{list(region)} is not inside of the panel's box {list(box)}; both are "
                "[x, y, width, height] in pixels of the page",
            )


def _outside_mistakes(place: Place, value: Any, size: tuple[int, int] | None) -> Iterator[Mistake]:
    box = _box(value)
    if box and size and (box[0] + box[2] > size[0] or box[1] + box[3] > size[1]):
        yield Mistake(
            place,
            f"{list(box)} reaches to ({box[0] + box[2]}, {box[1] + box[3]}), outside of the page of "
            f"{size[0]} x {size[1]} pixels; a box is [x, y, width, height]",
        )


def _polygon_mistakes(
    place: Place, value: Any, box: tuple[int, int, int, int] | None, size: tuple[int, int] | None
) -> Iterator[Mistake]:
    points = _points(value)
    if points is None:
        return
    for index, (x, y) in enumerate(points):
        if size and (x > size[0] or y > size[1]):
            yield Mistake(
                (*place, index), f"[{x}, {y}] is outside of the page of {size[0]} x {size[1]} pixels"
            )
            return
    left, top = min(x for x, _ in points), min(y for _, y in points)
    spanned = [left, top, max(x for x, _ in points) - left, max(y for _, y in points) - top]
    if not _area(points):
        yield Mistake(place, "its points enclose nothing; give the corners one after the other")
    elif box and any(abs(first - second) > 1 for first, second in zip(spanned, box, strict=True)):
        yield Mistake(place, f"it spans {spanned}, and the panel's box is {list(box)}; make them agree")


def _cover_mistakes(
    place: Place, cover: Any, size: tuple[int, int] | None, folder: Path
) -> Iterator[Mistake]:
    """Mistakes in a picture that lies over the whole page."""
    if not isinstance(cover, str):
        return
    wrong = list(_file_mistakes(place, cover, folder))
    yield from wrong
    if wrong:
        return
    cover_size = _picture_size(folder / cover)
    if cover_size is None:
        yield Mistake(place, f'"{cover}" is no picture that can be read')
    elif size and abs(cover_size[0] * size[1] / (cover_size[1] * size[0]) - 1) > 0.02:
        yield Mistake(
            place,
            f'"{cover}" is {cover_size[0]} x {cover_size[1]}, another shape than its page of '
            f"{size[0]} x {size[1]}; it must cover the whole page",
        )


def _file_mistakes(place: Place, value: Any, folder: Path) -> Iterator[Mistake]:
    if not isinstance(value, str) or not value:
        return
    path = PurePosixPath(value)
    if "\\" in value:
        yield Mistake(place, f'"{value}" has a \\ in it; write / between folders on every system')
    elif path.is_absolute() or ".." in path.parts or ":" in path.parts[0] or "\0" in value:
        yield Mistake(place, f'"{value}" is outside of the story folder; copy the file into it')
    elif not (folder / path).is_file():
        yield Mistake(place, f'no file "{value}"{_similar_file(path, folder)}')


def _similar_file(path: PurePosixPath, folder: Path) -> str:
    inside = folder / path.parent
    there = [child.name for child in inside.iterdir() if child.is_file()] if inside.is_dir() else []
    guess = did_you_mean(path.name, there)
    if guess.startswith("; did you mean"):
        return guess
    return f"; put it into {inside}, or take it out of story.toml"


def _picture_size(path: Path) -> tuple[int, int] | None:
    """(width, height), upright; None if it is no picture."""
    try:
        return picture_size(path)
    except ComicLossError:
        return None


def _box(value: Any) -> tuple[int, int, int, int] | None:
    if isinstance(value, list) and len(value) == 4 and all(type(number) is int for number in value):
        return value[0], value[1], value[2], value[3]
    return None


def _points(value: Any) -> list[tuple[int, int]] | None:
    if not isinstance(value, list) or len(value) < 3:
        return None
    points = [tuple(point) for point in value if isinstance(point, list) and len(point) == 2]
    good = len(points) == len(value) and all(type(number) is int for point in points for number in point)
    return [(x, y) for x, y in points] if good else None


def _area(points: list[tuple[int, int]]) -> float:
    """By the shoelace formula."""
    pairs = zip(points, [*points[1:], points[0]], strict=True)
    return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairs)) / 2


def _inside(inner: tuple[int, int, int, int], outer: tuple[int, int, int, int]) -> bool:
    return (
        inner[0] >= outer[0]
        and inner[1] >= outer[1]
        and inner[0] + inner[2] <= outer[0] + outer[2]
        and inner[1] + inner[3] <= outer[1] + outer[3]
    )


def _tables(value: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for index, item in enumerate(value if isinstance(value, list) else []):
        if isinstance(item, dict):
            yield index, item


def _texts(value: Any) -> Iterator[tuple[int, str]]:
    for index, item in enumerate(value if isinstance(value, list) else []):
        if isinstance(item, str):
            yield index, item
