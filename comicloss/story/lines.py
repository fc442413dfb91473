"""Which line of a TOML text a value stands on: parsers tell the value and forget the place."""

from __future__ import annotations

import re
import tomllib

Place = tuple[str | int, ...]
"""Keys and list indices from the top of the document to a value: ("pages", 0, "panels", 2, "shows")."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]+")


def lines_of(text: str) -> dict[Place, int]:
    """The line, from 1, of each table, key and list item of a valid TOML text.

    The empty place () is line 1.
    """
    return _Scanner(text).scan()


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Place, int] = {(): 1}
        self.counts: dict[Place, int] = {}  # how many blocks each [[list of tables]] has so far

    def scan(self) -> dict[Place, int]:
        table: Place = ()
        while True:
            self._skip_blank()
            if self.at >= len(self.text):
                return self.lines
            if self.text.startswith("[", self.at):
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Place:
        is_list = self.text.startswith("[[", self.at)
        start = self.at
        self.at += 2 if is_list else 1
        keys = self._dotted_key()
        self._skip_blank()
        self.at += 2 if is_list else 1
        place: Place = ()
        for depth, key in enumerate(keys):
            place = (*place, key)
            last = depth == len(keys) - 1
            if last and is_list:
                self.counts[place] = self.counts.get(place, 0) + 1
            if last or place not in self.lines:
                self._note(place, start, again=not is_list)
            if place in self.counts:
                place = (*place, self.counts[place] - 1)
                self._note(place, start)
        return place

    def _pair(self, table: Place) -> None:
        start = self.at
        place = table
        for key in self._dotted_key():
            place = (*place, key)
            self._note(place, start)
        self._skip_blank()
        self.at += 1  # the equals sign
        self._value(place)

    def _value(self, place: Place) -> None:
        self._skip_blank()
        opening = self.text[self.at]
        if opening == "[":
            self.at += 1
            index = 0
            while not self._closed("]"):
                self._note((*place, index), self.at)
                self._value((*place, index))
                index += 1
        elif opening == "{":
            self.at += 1
            while not self._closed("}"):
                self._pair(place)
        elif opening in "\"'":
            self.at = self._match(_STRING).end()
        else:
            self.at = self._match(_SCALAR).end()

    def _closed(self, bracket: str) -> bool:
        """Step over blanks and a comma; True, and past it, at the closing bracket."""
        self._skip_blank()
        if self.text[self.at] == ",":
            self.at += 1
            self._skip_blank()
        if self.text[self.at] != bracket:
            return False
        self.at += 1
        return True

    def _dotted_key(self) -> list[str]:
        keys = []
        while True:
            self._skip_blank()
            quoted = self.text[self.at] in "\"'"
            found = self._match(_STRING if quoted else _BARE_KEY)
            self.at = found.end()
            keys.append(next(iter(tomllib.loads(f"{found[0]} = 0"))) if quoted else found[0])
            self._skip_blank()
            if not self.text.startswith(".", self.at):
                return keys
            self.at += 1

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str]:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise ValueError(f"not valid TOML at character {self.at}")
        return found

    def _skip_blank(self) -> None:
        found = _BLANK.match(self.text, self.at)
        assert found is not None  # the pattern matches the empty string
        self.at = found.end()

    def _note(self, place: Place, at: int, *, again: bool = False) -> None:
        if again or place not in self.lines:
            self.lines[place] = self.text.count("\n", 0, at) + 1
