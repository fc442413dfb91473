"""Cover metadata as the Grand Comics Database has it -> labels of covers, by any of its columns.

A row is a cover, in CSV or in JSON (a list of objects, an object of objects, or one whose only list is the
rows). Column names are read without regard to case, spaces and dashes. Known by name are ``id``, ``series``,
``issue`` and ``file`` (the picture), under these or the usual other names; any column can be a label. Where
there is a column ``type``, rows of another type than a cover are left out.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifiers.cover_names import parse_entries
from classifiers.cover_teams import name_key, read_cover_names
from classifiers.tables import parse_table, read_text
from pages.errors import InputError, UsageError
from pages.progress import Progress, Stop, never, silent

CHARACTERS = "cover_characters"
"""The column whose brackets hold other names and teams."""

_OTHER_NAMES = {
    "id": ("id", "cover_id", "issue_id", "gcd_id"),
    "series": ("series", "series_name"),
    "issue": ("issue", "issue_number", "number"),
    "file": (
        "file",
        "filename",
        "file_name",
        "cover_file",
        "image",
        "picture",
        "path",
        "cover_image",
        "cover",
    ),
    CHARACTERS: (CHARACTERS, "characters"),
}
_COVER_TYPE = "6"  # in the database's own dumps
_NOBODY = {"various", "unknown", "none", "uncredited", "typeset"}


@dataclass(frozen=True)
class Cover:
    """One row.

    Attributes:
        where: its file and line (CSV) or number from 1 (JSON), for messages.
        values: column -> text, "" where there is none.
    """

    where: str
    values: Mapping[str, str]

    def value(self, column: str) -> str:
        """What stands in a column, by any of its usual names; "" without one."""
        for name in _OTHER_NAMES.get(column, (column,)):
            if self.values.get(name, "").strip():
                return self.values[name].strip()
        return ""

    @property
    def group(self) -> str:
        """The issue that it is of: covers of one issue are variants of each other."""
        series, issue = self.value("series"), self.value("issue")
        return (
            f"{series} #{issue}" if series and issue else self.value("id") or self.value("file") or self.where
        )


@dataclass(frozen=True)
class CoverTable:
    """The covers of a file, and its columns in order."""

    path: Path
    columns: tuple[str, ...]
    covers: tuple[Cover, ...]


@dataclass(frozen=True)
class CoverLabels:
    """What the covers of a table show, by one column.

    Attributes:
        shown: for each cover, label -> True, or False where that is uncertain (``?``, ``mentioned``); None
            for a cover whose field says nothing.
        others: for each cover, whether more may be on it than is said (``?``, ``and others``).
        teams: team -> its members, each in order of their frequency.
        repairs: where a field was not as it should be -> what was done.
    """

    shown: tuple[Mapping[str, bool] | None, ...]
    others: tuple[bool, ...]
    teams: Mapping[str, tuple[str, ...]]
    repairs: Mapping[str, tuple[str, ...]]

    def counts(self, rows: Iterable[int] | None = None) -> dict[str, int]:
        """On how many covers each label surely is, the most frequent first.

        Args:
            rows: count these covers only.
        """
        chosen = range(len(self.shown)) if rows is None else rows
        found = Counter(label for row in chosen for label, sure in (self.shown[row] or {}).items() if sure)
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0].casefold(), item[0])))


def read_covers(path: Path) -> CoverTable:
    """The covers in a CSV or JSON file; the content decides which it is.

    In JSON a number is its digits, a list its items with ``;`` between, an object its ``name``, null nothing.

    Raises:
        InputError: another encoding, no JSON, rows that are no objects, a damaged CSV, no rows.
        ResourceError: the file may not be read.
    """
    text = read_text(path)
    rows = _json_rows(path, text) if text.lstrip()[:1] in ("[", "{") else _csv_rows(path, text)
    columns = tuple(dict.fromkeys(name for _, values in rows for name in values))
    if rows and "type" in columns:
        rows = [row for row in rows if _is_cover(row[1].get("type", ""))]
        if not rows:
            raise InputError(
                f'{path}: no row has the type cover in its column "type".',
                remedy="Export the covers too, or take the column out if all rows are covers.",
            )
    if not rows:
        raise InputError(f"{path}: no covers.", remedy="Give a line, or in JSON an object, for each cover.")
    return CoverTable(path, columns, tuple(Cover(where, values) for where, values in rows))


def cover_labels(
    table: CoverTable, column: str = CHARACTERS, *, progress: Progress = silent, stop: Stop = never
) -> CoverLabels:
    """The labels of a table's covers by a column.

    ``cover_characters`` is read with its teams and other names (``classifiers.cover_teams``): a label is a
    character's name. Of another column (``pencils``, ``genre``) each entry between ``;`` is a label, without
    its notes. Spellings that differ in case or a leading "the" are one label, spelled as most often.

    Raises:
        UsageError: the table has no such column.
        Stopped: when ``stop()`` is true.
    """
    column = _plain_column(column)
    names = _OTHER_NAMES.get(column, (column,))
    if not set(names) & set(table.columns):
        raise UsageError(
            f'{table.path} has no column "{column}".',
            remedy=f"It has {', '.join(table.columns[:30])}.",
        )
    fields = [cover.value(column) for cover in table.covers]
    spelling = _Spelling()
    shown: list[dict[str, bool] | None] = []
    members: dict[str, Counter[str]] = {}
    others: list[bool] = []
    repairs: dict[str, tuple[str, ...]] = {}
    read = _read_characters(fields, progress, stop) if column == CHARACTERS else _read_plain(fields)
    for cover, names_on_it in zip(table.covers, read, strict=True):
        labels: dict[str, bool] = {}
        for label, teams, sure in names_on_it.labels:
            key = spelling.key(label)
            labels[key] = labels.get(key, False) or sure
            for team in teams:
                members.setdefault(spelling.key(team), Counter())[key] += 1
        shown.append(labels or None)
        others.append(names_on_it.others)
        if names_on_it.repairs:
            repairs[cover.where] = names_on_it.repairs
    return CoverLabels(
        tuple(spelling.spelled(labels) for labels in shown),
        tuple(others),
        {
            spelling.of(team): tuple(spelling.of(key) for key, _ in found.most_common())
            for team, found in sorted(members.items(), key=lambda item: (-item[1].total(), item[0]))
        },
        repairs,
    )


@dataclass(frozen=True)
class _Field:
    labels: Sequence[tuple[str, tuple[str, ...], bool]]  # name, teams, sure
    others: bool
    repairs: tuple[str, ...]


def _read_characters(fields: Sequence[str], progress: Progress, stop: Stop) -> Iterable[_Field]:
    for names in read_cover_names(fields, progress=progress, stop=stop):
        labels = [(one.name, one.teams, one.sure) for one in names.appearances]
        yield _Field(labels, names.others, names.repairs)


def _read_plain(fields: Sequence[str]) -> Iterable[_Field]:
    for text in fields:
        parsed = parse_entries(text)
        named = [entry for entry in parsed.entries if entry.name and entry.name.casefold() not in _NOBODY]
        labels = [(entry.name, (), not entry.uncertain) for entry in named]
        yield _Field(labels, len(named) < len(parsed.entries), parsed.repairs)


class _Spelling:
    """Which of several spellings of a name is shown: the most frequent, then the first."""

    def __init__(self) -> None:
        self._found: dict[str, Counter[str]] = {}

    def key(self, name: str) -> str:
        key = name_key(name)
        self._found.setdefault(key, Counter())[name] += 1
        return key

    def of(self, key: str) -> str:
        return self._found[key].most_common(1)[0][0]

    def spelled(self, labels: Mapping[str, bool] | None) -> Mapping[str, bool] | None:
        return None if labels is None else {self.of(key): sure for key, sure in labels.items()}


def _is_cover(kind: str) -> bool:
    return kind.strip().casefold().startswith("cover") or kind.strip() == _COVER_TYPE


def _plain_column(name: str) -> str:
    return re.sub(r"[\s\-]+", "_", name.strip().casefold())


def _csv_rows(path: Path, text: str) -> list[tuple[str, dict[str, str]]]:
    table = parse_table(path, text)
    plain = [_plain_column(name) for name in table.columns]
    _no_duplicates(path, plain)
    return [(row.where, dict(zip(plain, row.values.values(), strict=True))) for row in table.rows]


def _json_rows(path: Path, text: str) -> list[tuple[str, dict[str, str]]]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        told = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise InputError(
            f"{path}{line}: this is no JSON that can be read: {told}.",
            remedy="Export it again, or give a CSV.",
        ) from None
    rows = []
    for number, (key, entry) in enumerate(_entries(content), start=1):
        where = f"{path}, entry {number}"
        if not isinstance(entry, dict):
            raise InputError(
                f"{where}: this is no object, but {str(entry)[:40]!r}.",
                remedy='Give a list of objects: [{"series": …, "issue": …, "cover_characters": …}, …].',
            )
        values = {_plain_column(name): _text(value) for name, value in entry.items()}
        _no_duplicates(where, [_plain_column(name) for name in entry])
        if key is not None:
            values.setdefault("id", key)
        rows.append((where, values))
    return rows


def _entries(content: Any) -> list[tuple[str | None, Any]]:
    if isinstance(content, dict):
        lists = [value for value in content.values() if isinstance(value, list)]
        if len(lists) == 1 and not any(isinstance(value, dict) for value in content.values()):
            content = lists[0]
        elif content and any(isinstance(value, dict) for value in content.values()):
            return list(content.items())
        else:
            content = [content] if content else []
    return [(None, entry) for entry in content]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "; ".join(filter(None, map(_text, value)))
    if isinstance(value, dict):
        return _text(value.get("name"))
    return str(value)


def _no_duplicates(where: Path | str, columns: Sequence[str]) -> None:
    for name, count in Counter(columns).items():
        if count > 1:
            raise InputError(f'{where}: two columns are named "{name}".', remedy="Rename or remove one.")
