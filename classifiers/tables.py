"""CSV files as people's spreadsheets write them; every mistake with its line."""

from __future__ import annotations

import codecs
import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path

from pages.errors import InputError
from pages.files import os_errors

_DELIMITERS = (",", ";", "\t")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAVE_AS = 'Save it as "CSV UTF-8" in your spreadsheet program.'


@dataclass(frozen=True)
class Row:
    """One line below the header.

    Attributes:
        where: the file and the line, for messages.
        line: the line's number, from 1; of the first of its lines where a quoted field has several.
        values: column name -> the field's text.
    """

    where: str
    line: int
    values: dict[str, str]


@dataclass(frozen=True)
class Table:
    """A CSV with a header."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    delimiter: str

    def need(self, column: str, *, remedy: str) -> None:
        """Refuse a table without a column.

        Raises:
            InputError: the table does not have it.
        """
        if column not in self.columns:
            there = ", ".join(f'"{name}"' for name in self.columns[:12])
            raise InputError(f'{self.path}, line 1: no column "{column}", only {there}.', remedy=remedy)


def read_table(path: Path) -> Table:
    """A CSV with commas, semicolons or tabs between its fields: what parts the header most often.

    Column names are taken without spaces around them, and in lower case where that is ``file``, ``labels`` or
    ``group``. Empty lines are skipped.

    Raises:
        InputError: another encoding, no header, duplicate or nameless columns, a line with more or fewer
            fields than the header, a quote that does not end, a field of more than 131,072 characters.
        ResourceError: the file may not be read.
    """
    text = read_text(path)
    header = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(_DELIMITERS, key=lambda mark: len(next(csv.reader([header], delimiter=mark), [])))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns: tuple[str, ...] | None = None
    rows = []
    line = 1
    try:
        for fields in reader:
            where, number = f"{path}, line {line}", line
            line = reader.line_num + 1
            if not any(field.strip() for field in fields):
                continue
            if columns is None:
                columns = _header(where, fields)
                continue
            if len(fields) != len(columns):
                raise InputError(
                    f"{where}: {len(fields)} fields, and the header has {len(columns)}.",
                    remedy=f'Put a field that holds a "{delimiter}" into quotes; give every line all fields.',
                )
            rows.append(Row(where, number, dict(zip(columns, fields, strict=True))))
    except csv.Error as error:
        raise InputError(
            f"{path}, line {line}: {error}.",
            remedy="Look for a quote that does not end, or text that is much too long, in this line.",
        ) from None
    if columns is None:
        raise InputError(f"{path} is empty.", remedy="Its first line names the columns.")
    return Table(path, columns, tuple(rows), delimiter)


def read_text(path: Path) -> str:
    """The text of a file in UTF-8, or in UTF-16 with its byte order mark.

    Raises:
        InputError: another encoding; the message has the line.
        ResourceError: the file may not be read.
    """
    with os_errors(path):
        content = path.read_bytes()
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        found = content[error.start : error.start + 1].hex()
        raise InputError(
            f"{path}, line {line}: not in UTF-8 (byte 0x{found}), so letters such as é cannot be told.",
            remedy=_SAVE_AS,
        ) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise InputError(f"{path}, line {line}: this is not text.", remedy=_SAVE_AS)
    return text


def decimal(text: str, *, comma: bool) -> float | None:
    """A finite number, with a point or, if ``comma``, a decimal comma; None if it is none."""
    try:
        value = float(text.replace(",", ".") if comma else text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _header(where: str, fields: list[str]) -> tuple[str, ...]:
    known = ("file", "labels", "group")
    names = tuple(
        name.casefold() if name.casefold() in known else name for name in (field.strip() for field in fields)
    )
    for place, name in enumerate(names):
        if not name:
            raise InputError(
                f"{where}: column {place + 1} has no name.", remedy="Name it, or remove the column."
            )
        if name in names[:place]:
            raise InputError(f'{where}: two columns are named "{name}".', remedy="Rename or remove one.")
    return names
