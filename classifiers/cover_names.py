"""Who is on a cover, as indexers write it: a bracket-depth tokenizer for fields of the Grand Comics Database.

The conventions are those of the database's formatting documentation (docs.comics.org, "Character
Appearances") and of what its pages show:

- ``;`` separates characters: ``Batman; Robin``.
- ``[…]`` after a name holds other names of the character (``Batman [Bruce Wayne; also as Matches Malone]``),
  or the members of a team (``Justice League of America [Superman [Clark Kent]; Aquaman]``). Which of the two
  it is, is not for the tokenizer to say: ``classifiers.cover_teams`` does.
- ``(…)`` is a note about the name before it: ``Joker (villain, first appearance)``; a ``;`` in it separates
  notes.
- ``?`` stands for an unknown name, or after a name for one that is uncertain.
- In old records ``GUESTS: Nick Fury; Clea`` is a note on all that follow, and ``X-Men--Rogue; Storm`` (or
  ``X-Men: Rogue; Storm``) is a team with its members.
- ``Commissioner [James] Gordon``: a single word in brackets amid a name is another name of it.

What does not follow them is repaired, and each repair is told:

- A ``(`` that is never closed ends before the next ``;`` or square bracket; a ``)`` too many is dropped, or
  closes a ``[`` that nothing else closes.
- A ``]`` too many is dropped.
- A ``[`` that is never closed is taken for other names, which end before the first ``;``, unless its first
  entry has brackets or the name before it is a team's by its words (League, X-Men, …): then it ends where the
  text does. Where brackets are missing, names with brackets do not stand inside of a member's brackets.
- Parentheses that hold a list of names with square brackets are taken for square ones.
- A comma, or nothing at all, between ``]`` or ``)`` and the next name is a ``;``.
- Brackets with no name before them are opened; those nested more than eight deep are dropped.
- Line breaks separate where there is no ``;`` at all.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass, field

_DEEPEST = 8
_LONGEST = 20_000
_NOTHING = {"none", "null", "nan", "n/a", "-", "--", "—", "no characters"}
_MARKS = " ,:*†‡…"
_WIDE = str.maketrans("；［］（）？，【】", ";[]()?,[]")
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200e\u200f\u2060\ufeff"))
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:a|b|i|u|p|em|strong|span|div|font|small|su[bp])(?:\s[^<>]{0,200})?/?>", re.IGNORECASE
)
_ROLE = re.compile(
    r"((?:special |surprise |main |other )?(?:features?|guests?(?:[ -]stars?)?|villains?|cameos?|flashbacks?"
    r"|cameo flashbacks?|intro(?:duction)?s?|first appearances?|supporting(?: cast| characters?)?"
    r"|(?:ant|prot)agonists?|hero(?:es)?|origins?|deaths?|characters?|cast|appearances?|also))\s*:\s*",
    re.IGNORECASE,
)
_DASHED = re.compile(r"(?P<team>\S(?:.*?[^\s-])?)(?:--|—)(?P<member>[^\s-].*)")
_HEADED = re.compile(r"(?P<team>[^:]+):\s+(?P<member>\S.*)")
_AND = re.compile(r"(?:and|&|\+)\s+(?=\S)", re.IGNORECASE)
_AROUND = " ,.*:-–—/\\|"
_AS = re.compile(r"(?:as|disguised as|posing as|dressed as)\s", re.IGNORECASE)
_COLLECTIVE_LAST = re.compile(
    r"(?:.*[\s-])(?:league|society|legion|squad|squadron|corps|team|gang|crew|force|family|patrol|club|army|guard"
    r"|brigade|brotherhood|sisterhood|alliance|order|council|agency|department|police|troop|tribe|clan"
    r"|battalion|syndicate|cartel|trio|quartet|duo|twins|pals|two|three|four|five|six|seven|eight|men|women"
    r"|boys|girls|kids|gods|knights|pack|posse|band|mob|cabal|authority)",
    re.IGNORECASE,
)
_COLLECTIVE = re.compile(
    r"(?:.*[\s-])?(?:avengers|defenders|outsiders|challengers|invaders|crusaders|fighters|rangers|raiders|champions"
    r"|guardians|warriors|titans|mutants|inhumans|eternals|commandos|soldiers|musketeers|heroes|super-heroes"
    r"|superheroes|villains|thunderbolts|exiles|runaways|brothers|sisters|monsters|agents|watchmen|x-men"
    r"|losers|blackhawks|freaks|members|aliens|robots|pirates|gangsters|policemen|children|jla|jsa|jli|lsh|hydra"
    r"|shield|s\.h\.i\.e\.l\.d\.|a\.i\.m\.|u\.n\.c\.l\.e\.)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Entry:
    """What stands between two ``;``.

    Attributes:
        name: without what marks it as uncertain; "" where it is unknown.
        inside: what its square brackets hold: other names, or members.
        notes: what its parentheses hold, one for each comma or semicolon.
        uncertain: there is a ``?``.
        listed: it is a team beyond doubt, written as ``X-Men--Rogue; Storm``.
    """

    name: str
    inside: tuple[Entry, ...] = ()
    notes: tuple[str, ...] = ()
    uncertain: bool = False
    listed: bool = False


@dataclass(frozen=True)
class Parsed:
    """A field's entries in order, and what had to be repaired to read them, in words."""

    entries: tuple[Entry, ...]
    repairs: tuple[str, ...]


def parse_entries(text: str) -> Parsed:
    """Read a field such as ``cover_characters`` or ``pencils``: any text, by the rules above."""
    text = _clean(text)
    repairs: list[str] = []
    if len(text) > _LONGEST:
        repairs.append(f"only the first {_LONGEST} of {len(text)} characters are read")
        text = text[:_LONGEST]
    tokens = _separated(_tokens(text, repairs), repairs)
    entries = _tree(_balanced(tokens, repairs), repairs)
    return Parsed(tuple(entries), tuple(dict.fromkeys(repairs)))


def looks_collective(name: str) -> bool:
    """Whether a name is a team's by its words alone: League, Squad, X-Men, Fantastic Four, Teen Titans."""
    head = (
        re.split(r"\s(?:of|from)\s", name, maxsplit=1)[0] if re.search(r"\w\s+(?:of|from)\s", name) else name
    )
    several = " " in head or "-" in head or head != name
    whole = f" {head}" if head != name else head
    return bool(_COLLECTIVE.fullmatch(head) or (several and _COLLECTIVE_LAST.fullmatch(whole)))


def _clean(text: str) -> str:
    for _ in range(3):  # escaped once more by each program that it went through
        plain = html.unescape(text)
        if plain == text:
            break
        text = plain
    text = _TAG.sub("", _BREAK.sub("\n", text)).translate(_WIDE).translate(_INVISIBLE)
    text = unicodedata.normalize("NFC", text).strip()
    if text.casefold() in _NOTHING:
        return ""
    lines = re.split(r"[\r\n\v\f\x85\u2028\u2029]+", text)
    text = (" " if ";" in text else ";").join(lines)
    return "".join(" " if char.isspace() or unicodedata.category(char) == "Cc" else char for char in text)


@dataclass(frozen=True)
class _Token:
    kind: str  # "text", "note", ";", "[", "]"
    text: str = ""


def _tokens(text: str, repairs: list[str]) -> list[_Token]:
    text = _members_in_parentheses(text, repairs)
    closers = _closing_parentheses(text)
    found: list[_Token] = []
    start = place = depth = 0

    def flush(end: int) -> None:
        if text[start:end].strip():
            found.append(_Token("text", text[start:end]))

    while place < len(text):
        char = text[place]
        if char not in ";[]()":
            place += 1
            continue
        flush(place)
        after = place + 1
        if char == "(":
            end = closers.get(place)
            if end is None:
                end = after
                while end < len(text) and text[end] not in ";[]":
                    end += 1
                repairs.append(f'"({_short(text[after:end])}" is not closed')
                after = end
            else:
                after = end + 1
            found.append(_Token("note", text[place + 1 : end]))
        elif char == ")":
            ahead = text[after:].partition("[")[0]
            if depth and "]" not in ahead:
                repairs.append('")" in the place of "]"')
                found.append(_Token("]"))
                depth -= 1
            else:
                repairs.append('")" without "("')
        else:
            depth = depth + 1 if char == "[" else max(0, depth - (char == "]"))
            found.append(_Token(char))
        start = place = after
    flush(len(text))
    return found


def _members_in_parentheses(text: str, repairs: list[str]) -> str:
    """Some indexers write members in parentheses: those that hold a list of names with square brackets."""
    for opened, closed in _closing_parentheses(text).items():
        inside = text[opened + 1 : closed]
        if ";" in inside and "[" in inside and text[:opened].strip():
            repairs.append('members in "( )"')
            text = f"{text[:opened]}[{inside}]{text[closed + 1 :]}"
    return text


def _closing_parentheses(text: str) -> dict[int, int]:
    """Where each ( is closed; not those with unpaired square brackets in between."""
    found: dict[int, int] = {}
    stack: list[tuple[int, int, int]] = []  # place, square depth there, the least depth since
    square = 0
    for place, char in enumerate(text):
        if char == "(":
            stack.append((place, square, square))
        elif char == ")" and stack:
            opened, before, least = stack.pop()
            if square == before <= least:
                found[opened] = place
            if stack:
                stack[-1] = (*stack[-1][:2], min(stack[-1][2], least))
        elif char in "[]":
            square += 1 if char == "[" else -1
            if stack:
                stack[-1] = (*stack[-1][:2], min(stack[-1][2], square))
    return found


def _separated(tokens: list[_Token], repairs: list[str]) -> list[_Token]:
    """With a ; wherever a name follows brackets or a note without one."""
    found: list[_Token] = []
    named = False  # the entry so far has a name
    for place, token in enumerate(tokens):
        before = found[-1].kind if found else ";"
        if token.kind == "text" and before in ("]", "note") and (named or before == "]"):
            text = token.text.strip()
            marked = re.match(r"\?+\s*", text)
            if marked:
                found.append(_Token("mark"))
                text = text[marked.end() :]
            rest = text.strip(_AROUND)
            if not rest:
                follows = tokens[place + 1].kind if place + 1 < len(tokens) else ";"
                if "," in text and follows == "[":
                    found.append(_Token(";"))
                continue
            if _AS.match(rest) or re.match(r"[-–—:]\s", text):  # "- cameo"
                found.append(_Token("note", rest))
                continue
            if _is_word_in_name(found, tokens, place):
                found.append(_Token("text", f" {rest}"))
                continue
            repairs.append(f'no ";" before "{_short(rest)}"')
            found.append(_Token(";"))
            token = _Token("text", text.lstrip(_AROUND))
        found.append(token)
        named = token.kind == "text" or token.kind == "]" or (token.kind == "note" and named)
    return found


def _is_word_in_name(before: list[_Token], tokens: list[_Token], place: int) -> bool:
    """Whether brackets hold a word that somebody has put into a name: Commissioner [James] Gordon."""
    kinds = [token.kind for token in before[-4:]]
    follows = tokens[place + 1].kind if place + 1 < len(tokens) else ";"
    return kinds == ["text", "[", "text", "]"] and " " not in before[-2].text.strip() and follows != "["


@dataclass
class _Open:
    """A [ that is not closed yet."""

    name: str  # before it
    first_separator: int | None = None  # index of the first ; directly inside
    first_has_brackets: bool = False
    entries: int = 0


def _balanced(tokens: list[_Token], repairs: list[str]) -> list[_Token]:
    """The same with every [ closed and no ] too many, none nested too deeply."""
    missing = _unclosed(tokens)
    found: list[_Token] = []
    stack: list[_Open] = []
    too_deep = 0
    name = ""

    def close(opened: _Open, *, at_end: bool) -> None:
        nonlocal missing
        missing -= 1
        after = f' after "{_short(opened.name)}"' if opened.name else ""
        repairs.append(f'"["{after} is not closed')
        early = opened.first_separator is not None and not _is_list(opened)
        if early or not at_end:
            assert opened.first_separator is not None
            found.insert(opened.first_separator, _Token("]"))
        else:
            found.append(_Token("]"))

    for token in tokens:
        if token.kind == "[":
            if (
                stack
                and missing
                and stack[-1].first_separator is not None
                and (len(stack) > 1 or not _is_list(stack[-1]))
            ):
                close(stack.pop(), at_end=False)
            if len(stack) == _DEEPEST:
                too_deep += 1
                continue
            if stack and stack[-1].first_separator is None:
                stack[-1].first_has_brackets = True
            stack.append(_Open(name))
        elif token.kind == "]":
            if too_deep:
                too_deep -= 1
                repairs.append("brackets nested too deeply")
                continue
            if not stack:
                repairs.append('"]" without "["')
                continue
            stack.pop()
        elif token.kind == ";" and stack and stack[-1].first_separator is None:
            stack[-1].first_separator = len(found)
        elif token.kind == "text":
            name = token.text.strip()
        found.append(token)
    while stack:
        close(stack.pop(), at_end=True)
    return found


def _is_list(opened: _Open) -> bool:
    return opened.first_has_brackets or looks_collective(opened.name)


def _unclosed(tokens: list[_Token]) -> int:
    depth = 0
    for token in tokens:
        depth = depth + 1 if token.kind == "[" else max(0, depth - (token.kind == "]"))
    return depth


@dataclass
class _Draft:
    """An entry in the making."""

    text: str = ""
    notes: list[str] = field(default_factory=list)
    inside: list[Entry] = field(default_factory=list)
    bracketed: bool = False
    uncertain: bool = False


@dataclass
class _Level:
    """The entries of one pair of brackets."""

    entries: list[Entry] = field(default_factory=list)
    draft: _Draft = field(default_factory=_Draft)
    role: str = ""
    team: tuple[str, list[Entry]] | None = None


def _tree(tokens: list[_Token], repairs: list[str]) -> list[Entry]:
    levels = [_Level()]
    for token in tokens:
        level = levels[-1]
        if token.kind == "[":
            levels.append(_Level())
        elif token.kind == "]":
            _finish(level, repairs, top=False)
            levels.pop()
            _end_team(level)
            levels[-1].draft.inside += level.entries
            levels[-1].draft.bracketed = True
        elif token.kind == ";":
            _finish(level, repairs, top=len(levels) == 1)
        elif token.kind == "note":
            _note(level.draft, token.text)
        elif token.kind == "mark":
            level.draft.uncertain = True
        else:
            level.draft.text += token.text
    [level] = levels
    _finish(level, repairs, top=True)
    _end_team(level)
    return level.entries


def _note(draft: _Draft, text: str) -> None:
    for note in _split_notes(text):
        note = _spaced(note)
        if re.fullmatch(r"\?+", note):
            draft.uncertain = True
        elif note:
            draft.notes.append(note)


def _split_notes(text: str) -> list[str]:
    """At commas and semicolons outside of inner parentheses."""
    parts = [""]
    depth = 0
    for char in text:
        depth += (char in "([") - (char in ")]")
        if char in ",;" and depth <= 0:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def _finish(level: _Level, repairs: list[str], *, top: bool) -> None:
    """Close the draft of a level: an entry, several (brackets without a name), or nothing."""
    draft, level.draft = level.draft, _Draft()
    text = _spaced(draft.text)
    role = _ROLE.match(text)
    if role:
        _end_team(level)
        level.role = role[1].casefold()
        text = text[role.end() :]
    dashed = _DASHED.fullmatch(text) if top else None
    headed = _HEADED.fullmatch(text) if top else None
    if headed and looks_collective(headed["team"]):
        dashed = headed
    if dashed:
        _end_team(level)
        level.team = (_tidy(dashed["team"])[0], [])
        text = dashed["member"]
    name, uncertain = _tidy(text)
    uncertain |= draft.uncertain
    notes = tuple([level.role] * bool(level.role) + draft.notes)
    target = level.entries if level.team is None else level.team[1]
    if name:
        target.append(Entry(name, tuple(draft.inside), notes, uncertain))
    elif draft.inside:
        if not uncertain and draft.inside[0].name:
            repairs.append(f'no name before "[{_short(draft.inside[0].name)}"')
        target += draft.inside
    elif uncertain or draft.notes:
        target.append(Entry("", (), notes, uncertain))


def _end_team(level: _Level) -> None:
    if level.team is not None:
        name, members = level.team
        level.entries.append(Entry(name, tuple(members), listed=True))
        level.team = None


def _tidy(text: str) -> tuple[str, bool]:
    """A name without what surrounds it, and whether a ? did."""
    name = _AND.sub("", _spaced(text), count=1) if _AND.match(_spaced(text)) else _spaced(text)
    bare = name.removesuffix("...").strip(_MARKS)
    stripped = bare.strip("?¿").strip(_MARKS)
    uncertain = stripped != bare
    for opening, closing in ('""', "“”", "''", "‘’", "«»", "„“"):
        inner = stripped[1:-1]
        enclosed = len(stripped) > 2 and stripped[0] == opening and stripped[-1] == closing
        if enclosed and opening not in inner and closing not in inner:
            stripped = inner.strip()
    return stripped if any(char.isalnum() for char in stripped) else "", uncertain


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _short(text: str) -> str:
    text = _spaced(text)
    return text if len(text) <= 30 else f"{text[:29]}…"
