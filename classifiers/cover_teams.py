"""Characters, their other names and their teams, from all covers of a table together.

``Batman [Bruce Wayne; Matches Malone]`` and ``Dynamic Duo [Batman; Robin]`` have the same brackets. What they
hold is decided by the first of these that applies, with what the whole table says:

1. ``X-Men--Rogue; Storm`` is a team.
2. Brackets in which an entry has brackets of its own hold members. Not so where it is the only entry, and the
   table has it as another name, this way round or the other, or its own brackets only say ``as …``; nor where
   the name before them is a person's: one that has a certain other name, or is a team's member, more often
   than it is a team. Then entries with brackets among several are characters in their own right (a bracket
   closed too late: ``Batman [Bruce Wayne; Robin [Dick Grayson]]``), and the rest are other names.
3. Brackets with an entry that starts with ``as``, ``also as``, ``a.k.a.`` hold other names.
4. A name that is a team's elsewhere in the table is one here: they hold members.
5. Brackets with one of ``unnamed members`` or ``others`` hold members.
6. One entry is another name, unless the name before it is collective (``looks_collective``).
7. Several entries of which one is the name's other name elsewhere in the table, and those of a person's name,
   are other names.
8. Several entries of which more than half are characters elsewhere in the table are members.
9. After a collective name, or a note such as ``(team)``, and from three entries on, they are members; else
   other names.

The table is gone through until nothing changes, as a team that is found tells of further characters.

A name without brackets is a team's, and no character's, where the table has it as a team or where it is
collective. One with commas, ``and``, ``vs.`` or ``/`` in it (``Batman, Robin and Joker``) is taken apart if
the table has every part as a character.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from classifiers.cover_names import Entry, looks_collective, parse_entries
from pages.progress import Progress, Stop, never, silent, stop_here

_ROUNDS = 5
_STRIDE = 500  # covers between two reports of progress
_MANY = 3  # a person with so many other names on one cover is rarer than a team
_AS = re.compile(
    r"(?:also (?:known )?as|(?:(?:now|later|here|disguised|posing|dressed|acting|impersonated) )?as"
    r"|a\.?k\.?a\.?|a/k/a|alias|formerly|n(?:é|ée|ee)|born|real name:?|impersonating|later|becomes)\s+(?=\S)",
    re.IGNORECASE,
)
_SEVERAL = r"(?:many|several|various|numerous|the|possible|possibly)\s+"
_OTHERS = re.compile(rf"(?:{_SEVERAL})?others?|et al\.?|etc\.?|unknown|unidentified", re.IGNORECASE)
_UNNAMED = re.compile(
    r"(?:(?:an?|the|one|two|three|four|five|six|several|many|\d+)\s+)?(?:unnamed|unidentified|un-named)\b.*"
    r"|(?:various|assorted|miscellaneous|misc\.|numerous)\b.*",
    re.IGNORECASE,
)
_NAMED_ALONG = re.compile(
    rf"[\s,]+(?:and|&)\s+(?:{_SEVERAL})?others?$|[\s,]+(?:et al|etc)\.?$", re.IGNORECASE
)
_GROUP_NOTE = re.compile(
    r"(?:team|group|gang|all|villains|heroes|members|organi[sz]ation)\b.*", re.IGNORECASE
)
_DOUBT = re.compile(
    r"(?:possibl[ey]|probabl[ey]|maybe|perhaps|presumabl[ey]|presumed|uncertain|unconfirmed|unclear|or)\b.*"
    r"|.*\buncertain",
    re.IGNORECASE,
)
_NOT_DRAWN = re.compile(
    r".*\b(?:mention(?:ed|s)?|name only|not (?:shown|seen|pictured|depicted|visible)|off[- ]?(?:panel|screen)"
    r"|voice|unseen|behind the scenes|text only|referenced)\b.*",
    re.IGNORECASE,
)
_LISTED = re.compile(r",\s*(?:and\s+|&\s*)?|\s+(?:and|&|vs\.?|versus)\s+|\s*/\s*", re.IGNORECASE)
_QUOTES = str.maketrans("’‘`´“”", "''''\"\"")


@dataclass(frozen=True)
class Appearance:
    """A character on a cover.

    Attributes:
        name: as written.
        aliases: other names in its brackets.
        teams: that it is listed in, the outermost first.
        notes: about it, and about its teams.
        sure: False where a ``?`` or a note leaves it open whether it is drawn: uncertain, only mentioned.
    """

    name: str
    aliases: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sure: bool = True


@dataclass(frozen=True)
class CoverNames:
    """Who is on a cover.

    Attributes:
        appearances: in order, with a character twice where it is listed twice.
        teams: all that are named, with or without members.
        others: there may be more that have names: ``?``, ``and others``; not so ``unnamed soldiers``.
        repairs: what in the field was not as it should be.
    """

    appearances: tuple[Appearance, ...]
    teams: tuple[str, ...]
    others: bool
    repairs: tuple[str, ...]


@lru_cache(maxsize=100_000)
def name_key(name: str) -> str:
    """Names with the same key are the same: case, accents' encoding, quotes, a leading "the", a last dot."""
    plain = unicodedata.normalize("NFKC", name).casefold().translate(_QUOTES)
    plain = " ".join(plain.split()).rstrip(".")
    return plain.removeprefix("the ") or plain


def read_cover_names(
    fields: Sequence[str], *, progress: Progress = silent, stop: Stop = never
) -> list[CoverNames]:
    """Read the ``cover_characters`` of all covers of a table; see above for what the table decides.

    Raises:
        Stopped: when ``stop()`` is true.
    """
    parsed = []
    for number, text in enumerate(fields, start=1):
        parsed.append(parse_entries(text))
        if number % _STRIDE == 0 or number == len(fields):
            stop_here(stop, "Reading the covers' characters")
            progress(number, len(fields), "reading the covers' characters")
    covers = [[_without_others(entry) for entry in field.entries] for field in parsed]
    evidence = _gathered(covers)
    found = []
    for field, entries in zip(parsed, covers, strict=True):
        reading = _Reading(evidence)
        reading.add(entries, (), (), True)
        found.append(
            CoverNames(
                tuple(reading.appearances),
                tuple(dict.fromkeys(reading.teams)),
                reading.others or any(_NAMED_ALONG.search(entry.name) for entry in _all(field.entries)),
                field.repairs,
            )
        )
    return found


def _without_others(entry: Entry) -> Entry:
    """ "Batman and others" -> "Batman"."""
    return replace(
        entry,
        name=_NAMED_ALONG.sub("", entry.name),
        inside=tuple(_without_others(inner) for inner in entry.inside),
    )


class _Evidence:
    """What the table says of names, by their keys."""

    def __init__(self, single: Mapping[str, Counter[str]], nested: Counter[str]) -> None:
        self.single = single  # name -> what stands alone in its brackets
        self.nested = nested  # how often a name has brackets with brackets
        self.characters: Counter[str] = Counter()  # in their own right
        self.as_member: Counter[str] = Counter()
        self.as_team: Counter[str] = Counter()

    def is_character(self, key: str) -> bool:
        return self.characters[key] > 0 and not self.is_team_name(key)

    def is_team_name(self, key: str) -> bool:
        return self.as_team[key] > 0 and not self.is_person(key)

    def is_person(self, key: str) -> bool:
        """Whether it has one and the same other name, or is a member, more often than it is a team."""
        person = max(self.single[key].values(), default=0) + self.as_member[key]
        return person > max(self.as_team[key], self.nested[key])

    def other_name(self, one: str, other: str) -> bool:
        return other in self.single[one] or one in self.single[other]

    def is_chain(self, entry: Entry) -> bool:
        """Whether its one entry, with brackets of its own, is still another name."""
        if len(entry.inside) != 1:
            return False
        [inner] = entry.inside
        if all(_AS.match(deep.name) for deep in inner.inside):
            return True
        return self.other_name(name_key(entry.name), name_key(_plain(inner.name)))

    def is_team(self, entry: Entry) -> bool | None:
        """By the rules of the module in their order; None where brackets are missing."""
        inside = entry.inside
        if entry.listed:
            return True
        if not inside:
            return None
        key = name_key(entry.name)
        if any(inner.inside for inner in inside):
            return not self.is_chain(entry) and not self.is_person(key)
        if any(_AS.match(inner.name) for inner in inside):
            return False
        if self.is_team_name(key) or any(_is_nobody(inner) and inner.name for inner in inside):
            return True
        collective = looks_collective(entry.name)
        if len(inside) == 1:
            return collective
        keys = [name_key(_plain(inner.name)) for inner in inside]
        if any(self.other_name(key, other) for other in keys) or self.is_person(key):
            return False
        if 2 * sum(self.is_character(other) for other in keys) > len(keys):
            return True
        return collective or any(_GROUP_NOTE.fullmatch(note) for note in entry.notes) or len(inside) >= _MANY


def _gathered(covers: Sequence[Sequence[Entry]]) -> _Evidence:
    single: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for entries in covers:
        for entry in _all(entries):
            if entry.listed or len(entry.inside) != 1 or looks_collective(entry.name):
                continue
            [other] = entry.inside
            if other.name and not other.inside:
                single[name_key(entry.name)][name_key(_plain(other.name))] += 1
    nested: Counter[str] = Counter()
    evidence = _Evidence(single, nested)
    for entries in covers:
        for entry in _all(entries):
            if any(inner.inside for inner in entry.inside) and not evidence.is_chain(entry):
                nested[name_key(entry.name)] += 1
    for _ in range(_ROUNDS):
        after = _Evidence(single, nested)
        for entries in covers:
            _count(entries, evidence, after, member=False)
        settled = after.as_team == evidence.as_team and after.as_member == evidence.as_member
        evidence = after
        if settled:
            break
    return evidence


def _count(entries: Iterable[Entry], evidence: _Evidence, after: _Evidence, *, member: bool) -> None:
    for entry in entries:
        if _is_nobody(entry):
            continue
        key = name_key(entry.name)
        if evidence.is_team(entry):
            after.as_team[key] += 1
            _count(entry.inside, evidence, after, member=True)
        else:
            after.characters[key] += 1
            after.as_member[key] += member
            _count(_own_right(entry), evidence, after, member=member)


def _own_right(entry: Entry) -> tuple[Entry, ...]:
    """Characters that slipped into a character's brackets: Batman [Bruce Wayne; Robin [Dick Grayson]]."""
    return tuple(inner for inner in entry.inside if inner.inside) if len(entry.inside) > 1 else ()


def _is_nobody(entry: Entry) -> bool:
    return not entry.name or bool(_OTHERS.fullmatch(entry.name) or _UNNAMED.fullmatch(entry.name))


def _all(entries: Iterable[Entry]) -> Iterable[Entry]:
    for entry in entries:
        yield entry
        yield from _all(entry.inside)


class _Reading:
    """One cover read with the table's evidence."""

    def __init__(self, evidence: _Evidence) -> None:
        self.evidence = evidence
        self.appearances: list[Appearance] = []
        self.teams: list[str] = []
        self.others = False

    def add(
        self, entries: Iterable[Entry], teams: tuple[str, ...], notes: tuple[str, ...], sure: bool
    ) -> None:
        for entry in entries:
            if _is_nobody(entry):
                self.others |= bool(_OTHERS.fullmatch(entry.name)) if entry.name else entry.uncertain
                continue
            own = (*entry.notes, *notes)
            doubtful = any(_DOUBT.fullmatch(note) or _NOT_DRAWN.fullmatch(note) for note in entry.notes)
            certain = sure and not entry.uncertain and not doubtful
            if self._is_team(entry):
                self.teams.append(entry.name)
                self.add(entry.inside, (*teams, entry.name), own, certain)
                continue
            slipped = _own_right(entry)
            inside = _all(inner for inner in entry.inside if inner not in slipped)
            aliases = tuple(dict.fromkeys(_plain(inner.name) for inner in inside if inner.name))
            for name in self._names(entry):
                self.appearances.append(Appearance(name, aliases, teams, own, certain))
            self.add(slipped, teams, own, sure)

    def _is_team(self, entry: Entry) -> bool:
        decided = self.evidence.is_team(entry)
        if decided is not None:
            return decided
        key = name_key(entry.name)
        return self.evidence.is_team_name(key) or (
            looks_collective(entry.name) and not self.evidence.is_person(key)
        )

    def _names(self, entry: Entry) -> list[str]:
        """The name, or its parts where each is a character elsewhere."""
        parts = [part.strip() for part in _LISTED.split(entry.name)]
        if (
            entry.inside
            or len(parts) < 2
            or not all(self.evidence.is_character(name_key(part)) for part in parts)
        ):
            return [entry.name]
        return parts


def _plain(name: str) -> str:
    """Another name without the words that say it is one."""
    return _AS.sub("", name, count=1) if _AS.match(name) else name
