"""Cover fields as indexers write them: hand-read cases, and properties of the tokenizer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.cover_names import Entry, looks_collective, parse_entries
from classifiers.cover_teams import Appearance, CoverNames, name_key, read_cover_names
from pages.errors import Stopped


def written(cover: CoverNames) -> str:
    """Name = other names @ team > team within it (notes) ~ not sure; ``+`` others may be there too."""
    return " | ".join([_one(appearance) for appearance in cover.appearances] + ["+"] * cover.others)


def _one(appearance: Appearance) -> str:
    return (
        appearance.name
        + "".join(f" = {alias}" for alias in appearance.aliases)
        + (f" @ {' > '.join(appearance.teams)}" if appearance.teams else "")
        + (f" ({', '.join(appearance.notes)})" if appearance.notes else "")
        + " ~" * (not appearance.sure)
    )


WELL_FORMED = [
    # names and separators
    ("", ""),
    ("Batman", "Batman"),
    ("Batman; Robin", "Batman | Robin"),
    ("Batman;Robin;", "Batman | Robin"),
    ("  Batman ;  ; ;Robin  ;; ", "Batman | Robin"),
    ("Mr. Mxyzptlk; Dr. Mid-Nite; D.A. Jean Loring", "Mr. Mxyzptlk | Dr. Mid-Nite | D.A. Jean Loring"),
    ("Batman,; Robin,", "Batman | Robin"),
    ("Sanderson Hawkins, Jr.", "Sanderson Hawkins, Jr."),
    ("Batman; and Robin", "Batman | Robin"),
    ("Cloak & Dagger; R2-D2", "Cloak & Dagger | R2-D2"),
    ("Clark Kent/Superman", "Clark Kent/Superman"),
    ("Batman and others", "Batman | +"),
    ("Archie; Betty; others", "Archie | Betty | +"),
    ("Spirou; et al.", "Spirou | +"),
    ("unnamed soldiers; various villains; three unidentified women", ""),
    ("Unknown Soldier; Question", "Unknown Soldier | Question"),
    ('"Dum Dum" Dugan; "Batman"; “Spider”', '"Dum Dum" Dugan | Batman | Spider'),
    ("Robin*; Batman…; Joker...", "Robin | Batman | Joker"),
    ("Batman <Bruce Wayne>", "Batman <Bruce Wayne>"),
    ("Batman\nRobin", "Batman | Robin"),
    ("Wonder\nWoman; Flash", "Wonder Woman | Flash"),
    # other names
    ("Batman [Bruce Wayne]", "Batman = Bruce Wayne"),
    ("Batman[Bruce Wayne]", "Batman = Bruce Wayne"),
    ("Batman [Bruce Wayne; Matches Malone]", "Batman = Bruce Wayne = Matches Malone"),
    ("Batman [Bruce Wayne] [Matches Malone]", "Batman = Bruce Wayne = Matches Malone"),
    ("Batman [Bruce Wayne; also as Blair Graeme]", "Batman = Bruce Wayne = Blair Graeme"),
    ("Vance Sonderson [as Jay Sonderson] (villain)", "Vance Sonderson = Jay Sonderson (villain)"),
    ("Bruce Wayne [a.k.a. Batman]", "Bruce Wayne = Batman"),
    ("Batman [Bruce Wayne [as Matches Malone]]", "Batman = Bruce Wayne = Matches Malone"),
    ("Batman [Bruce Wayne] as Santa Claus", "Batman = Bruce Wayne (as Santa Claus)"),
    ("Legion [David Haller]", "Legion = David Haller"),
    (
        "Green Lantern [Hal Jordan]; Green Lantern [Alan Scott] (cameo)",
        "Green Lantern = Hal Jordan | Green Lantern = Alan Scott (cameo)",
    ),
    ("Commissioner [James] Gordon; Alfred", "Commissioner Gordon = James | Alfred"),
    ('Wolverine [James "Logan" Howlett]', 'Wolverine = James "Logan" Howlett'),
    # teams
    (
        "Justice League of America [Superman [Clark Kent]; Batman [Bruce Wayne]]",
        "Superman = Clark Kent @ Justice League of America"
        " | Batman = Bruce Wayne @ Justice League of America",
    ),
    (
        "The Trinity [Superman [Clark Kent]; Batman; Wonder Woman]; Joker",
        "Superman = Clark Kent @ The Trinity | Batman @ The Trinity | Wonder Woman @ The Trinity | Joker",
    ),
    ("Outsiders [Batman [Bruce Wayne]]", "Batman = Bruce Wayne @ Outsiders"),
    ("Justice League [Batman;]", "Batman @ Justice League"),
    ("Dynamic Duo [Batman; Robin]", "Batman @ Dynamic Duo | Robin @ Dynamic Duo"),
    (
        "Fantastic Four [Mr. Fantastic; Thing] (origin)",
        "Mr. Fantastic @ Fantastic Four (origin) | Thing @ Fantastic Four (origin)",
    ),
    (
        "Alpha [Ann; Bob; Cy; Di]",
        "Ann @ Alpha | Bob @ Alpha | Cy @ Alpha | Di @ Alpha",
    ),
    (
        "The Archies [Archie; Reggie; Jughead]",
        "Archie @ The Archies | Reggie @ The Archies | Jughead @ The Archies",
    ),
    ("X-Men", ""),
    ("French Army [Pierre; unnamed soldiers]", "Pierre @ French Army"),
    ("Rogues (team) [Trickster; Mirror Master]", "Trickster @ Rogues (team) | Mirror Master @ Rogues (team)"),
    (
        "Legion of Super-Heroes [Substitutes [Polar Boy [Brek Bannin]; Night Girl]; Superboy [Kal-El]]",
        "Polar Boy = Brek Bannin @ Legion of Super-Heroes > Substitutes"
        " | Night Girl @ Legion of Super-Heroes > Substitutes"
        " | Superboy = Kal-El @ Legion of Super-Heroes",
    ),
    (
        "The Carlson Gang [Carlson (villain); Walt (villain, death); Michaels [as Mitchell] (death)]",
        "Carlson @ The Carlson Gang (villain) | Walt @ The Carlson Gang (villain, death)"
        " | Michaels = Mitchell @ The Carlson Gang (death)",
    ),
    ("X-Men--Jean Grey; Rogue", "Jean Grey @ X-Men | Rogue @ X-Men"),
    (
        "X-Men—Wolverine; GUESTS: Crystal; Lockjaw; VILLAIN: Diablo",
        "Wolverine @ X-Men | Crystal (guests) | Lockjaw (guests) | Diablo (villain)",
    ),
    ("Teen Titans: Robin; Aqualad", "Robin @ Teen Titans | Aqualad @ Teen Titans"),
    ("Batman: Robin", "Batman: Robin"),
    ("INTRODUCTION:", ""),
    # notes
    ("Batman (cameo)", "Batman (cameo)"),
    ("Joker (villain, first appearance)", "Joker (villain, first appearance)"),
    ("Joker (villain;introduction)", "Joker (villain, introduction)"),
    ("Joker (villain) (introduction); Robin", "Joker (villain, introduction) | Robin"),
    ("Superman (Earth-2) [Clark Kent]", "Superman = Clark Kent (Earth-2)"),
    ("(Golden Age) Flash", "Flash (Golden Age)"),
    ("Batman [Bruce Wayne] - cameo", "Batman = Bruce Wayne (cameo)"),
    ("Batman (photo of Adam West (1966))", "Batman (photo of Adam West (1966))"),
    ("Wilfred (not named; a stranger); Rowena", "Wilfred (not named, a stranger) | Rowena"),
    ("Spider-Man [Peter Parker (flashback)]", "Spider-Man = Peter Parker"),
    ("(woman on ice skates)", ""),
    ("Robin (mentioned)", "Robin (mentioned) ~"),
    ("JLA [Batman [Bruce Wayne]] (possibly)", "Batman = Bruce Wayne @ JLA (possibly) ~"),
    # unknowns
    ("?", "+"),
    ("? (villain)", "+"),
    ("[?]", "+"),
    ("Robin ?", "Robin ~"),
    ("Robin?; Batman", "Robin ~ | Batman"),
    ("Robin (?)", "Robin ~"),
    ("Robin [?]", "Robin"),
    ("Robin [Dick Grayson ?]", "Robin = Dick Grayson"),
    ("Robin [Dick Grayson] ?", "Robin = Dick Grayson ~"),
    ("? [Bruce Wayne]", "Bruce Wayne"),
    ("Avengers ? [Thor; Wasp [Janet Van Dyne]]", "Thor @ Avengers ~ | Wasp = Janet Van Dyne @ Avengers ~"),
    ("Justice League [Batman [Bruce Wayne]; ?]", "Batman = Bruce Wayne @ Justice League | +"),
    ("None", ""),
    ("nan", ""),
    # other scripts and escapes
    ("Jon D&#x27;Agostino; Black &amp;amp; White", "Jon D'Agostino | Black & White"),
    ("Ast&eacute;rix; Ob&#233;lix", "Astérix | Obélix"),
    ("Asterix&nbsp;[Astérix]", "Asterix = Astérix"),
    ("<i>Batman</i>;<br>Robin", "Batman | Robin"),
    ("Ze\u0301 Carioca; Zoë", "Zé Carioca | Zoë"),
    ("スパイダーマン ［ピーター・パーカー］；バットマン", "スパイダーマン = ピーター・パーカー | バットマン"),
    ("Бэтмен [Брюс Уэйн] (камео)", "Бэтмен = Брюс Уэйн (камео)"),
    ("\ufeffBatman\u200b ;\tRobin", "Batman | Robin"),
]

DAMAGED = [
    ("Captain America [Steve Rogers]]; Wasp", "Captain America = Steve Rogers | Wasp"),
    ("Batman [Bruce Wayne", "Batman = Bruce Wayne"),
    ("Batman Bruce Wayne]; Robin", "Batman Bruce Wayne | Robin"),
    (
        "Batman [Bruce Wayne; Robin [Dick Grayson]; Joker",
        "Batman = Bruce Wayne | Robin = Dick Grayson | Joker",
    ),
    (
        "Justice League [Batman [Bruce Wayne]; Aquaman",
        "Batman = Bruce Wayne @ Justice League | Aquaman @ Justice League",
    ),
    ("Fantastic Four [Thing; Human Torch", "Thing @ Fantastic Four | Human Torch @ Fantastic Four"),
    (
        "Justice League [Superman [Clark Kent; Batman [Bruce Wayne]] (Earth-2); Joker",
        "Superman = Clark Kent @ Justice League (Earth-2) | Batman = Bruce Wayne @ Justice League (Earth-2)"
        " | Joker",
    ),
    ("Batman (cameo; Robin (villain); Joker", "Batman (cameo) | Robin (villain) | Joker"),
    ("Batman [Bruce Wayne (flashback]; Robin", "Batman = Bruce Wayne | Robin"),
    (
        "JLA [Superman [Clark Kent] (cameo; Batman]; Joker",
        "Superman = Clark Kent @ JLA (cameo) | Batman @ JLA | Joker",
    ),
    ("Batman cameo); Robin", "Batman cameo | Robin"),
    ("Batman (cameo]; Robin", "Batman (cameo) | Robin"),
    ("Batman [Bruce Wayne); Robin", "Batman = Bruce Wayne | Robin"),
    ("Batman [Bruce Wayne] Robin [Dick Grayson]", "Batman = Bruce Wayne | Robin = Dick Grayson"),
    ("Batman [Bruce Wayne], Robin [Dick Grayson]", "Batman = Bruce Wayne | Robin = Dick Grayson"),
    ("Batman [Bruce Wayne] and Robin", "Batman = Bruce Wayne | Robin"),
    ("[Batman; Robin]", "Batman | Robin"),
    (
        "Doom Patrol (Robotman [Cliff Steele]; Negative Man); Batman (cameo)",
        "Robotman = Cliff Steele @ Doom Patrol | Negative Man @ Doom Patrol | Batman (cameo)",
    ),
    ("Batman [Bruce Wayne] \\ Robin", "Batman = Bruce Wayne | Robin"),
    ("][;)(", ""),
]


@pytest.mark.parametrize(("field", "expected"), WELL_FORMED)
def test_a_field_as_it_should_be(field: str, expected: str) -> None:
    [cover] = read_cover_names([field])
    assert written(cover) == expected
    assert cover.repairs == ()


@pytest.mark.parametrize(("field", "expected"), DAMAGED)
def test_a_damaged_field_is_repaired_and_told(field: str, expected: str) -> None:
    [cover] = read_cover_names([field])
    assert written(cover) == expected
    assert cover.repairs


TABLES = [
    # members that are characters elsewhere make a team
    (
        ["Caped Ones [Batman; Robin]", "Batman; Robin"],
        ["Batman @ Caped Ones | Robin @ Caped Ones", "Batman | Robin"],
    ),
    # other names that are known as such do not, though they stand alone elsewhere
    (
        ["Batman [Bruce Wayne; Matches Malone]", "Batman [Bruce Wayne]", "Bruce Wayne; Matches Malone"],
        ["Batman = Bruce Wayne = Matches Malone", "Batman = Bruce Wayne", "Bruce Wayne | Matches Malone"],
    ),
    (["Dr. Fate [Kent Nelson; Nabu]", "Nabu"], ["Dr. Fate = Kent Nelson = Nabu", "Nabu"]),
    # a team that is known once is known everywhere, with and without members
    (
        ["Zeta [Ray [Ray Terrill]; Ice]", "Zeta [Fire]", "Zeta", "Joker; the Zeta"],
        ["Ray = Ray Terrill @ Zeta | Ice @ Zeta", "Fire @ Zeta", "", "Joker"],
    ),
    # a member of a team is no team
    (["Zeta [Ray [Ray Terrill]; Ice]", "Ice [Tora; Olafsdotter]"], [None, "Ice = Tora = Olafsdotter"]),
    # brackets within brackets, where the table knows better
    (
        ["Robin [Dick Grayson [Boy Wonder]]", "Robin [Dick Grayson]"],
        ["Robin = Dick Grayson = Boy Wonder", None],
    ),
    (
        ["Princess Diana [Wonder Woman]", "Wonder Woman [Princess Diana]"],
        ["Princess Diana = Wonder Woman", None],
    ),
    # one damaged record does not make a team of a person, nor one odd record a person of a team
    (
        ["Batman [Bruce Wayne; Robin [Dick Grayson]] (cameo)", "Batman", *["Batman [Bruce Wayne]"] * 2],
        [
            "Batman = Bruce Wayne (cameo) | Robin = Dick Grayson (cameo)",
            "Batman",
            "Batman = Bruce Wayne",
            None,
        ],
    ),
    (
        ["Zeta [Fire]", "Zeta [Ice]", "Zeta [Ray [Ray Terrill]; Joe]", "Zeta"],
        ["Fire @ Zeta", "Ice @ Zeta", "Ray = Ray Terrill @ Zeta | Joe @ Zeta", ""],
    ),
    # a list with commas or "and" comes apart where its parts are known
    (["Batman, Robin and Joker", "Batman", "Robin", "Joker"], ["Batman | Robin | Joker", None, None, None]),
    (["Batman vs. Joker", "Batman/Joker", "Joker; Batman"], ["Batman | Joker", "Batman | Joker", None]),
    (["Cloak and Dagger", "Cloak"], ["Cloak and Dagger", "Cloak"]),
]


@pytest.mark.parametrize(("fields", "expected"), TABLES)
def test_the_table_decides_what_one_field_cannot(fields: list[str], expected: list[str | None]) -> None:
    for cover, wanted in zip(read_cover_names(fields), expected, strict=True):
        assert wanted is None or written(cover) == wanted


def test_progress_is_told_and_reading_can_be_stopped() -> None:
    told = []
    read_cover_names(["Batman"] * 501, progress=lambda done, total, what: told.append((done, total)))
    assert told == [(500, 501), (501, 501)]
    with pytest.raises(Stopped):
        read_cover_names(["Batman"], stop=lambda: True)


def test_there_are_enough_cases() -> None:
    assert len(WELL_FORMED) + len(DAMAGED) + len(TABLES) >= 100


def test_teams_are_told_with_and_without_members() -> None:
    [cover] = read_cover_names(["Legion [Subs [Polar Boy [Brek]]; Superboy [Kal]]; X-Men; Batman"])
    assert cover.teams == ("Legion", "Subs", "X-Men")


@pytest.mark.parametrize(
    ("name", "collective"),
    [
        ("Justice League of America", True),
        ("Legion of Super-Heroes", True),
        ("Legion", False),
        ("X-Men", True),
        ("Teen Titans", True),
        ("Sinister Six", True),
        ("Agents of S.H.I.E.L.D.", True),
        ("Monsters of Monster Isle", True),
        ("Steve Rogers", False),
        ("Captain Marvel", False),
        ("Cyclops", False),
        ("Man-Thing", False),
        ("Colossus of Rhodes", False),
        ("Alpha Flight", False),
    ],
)
def test_collective_names(name: str, collective: bool) -> None:
    assert looks_collective(name) is collective


@pytest.mark.parametrize(
    ("one", "other"),
    [("The Thing", "thing"), ("Zoë", "Zoe\u0308"), ("Ka’Zar", "Ka'zar"), ("Dr. No.", "Dr.  No")],
)
def test_spellings_of_one_name(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


# --- properties ------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["Xa", "Xb Yc", "Xd-Ye", "X. Yf", "Xgé", "X'g Yh Zi"])
NOTES = st.sampled_from(["cameo", "villain", "in flashback"])
ENTRIES = st.recursive(
    st.builds(
        Entry,
        NAMES,
        notes=st.lists(NOTES, max_size=2).map(tuple),
        uncertain=st.booleans(),
    ),
    lambda inner: st.builds(
        Entry,
        NAMES,
        st.lists(inner, min_size=1, max_size=4).map(tuple),
        st.lists(NOTES, max_size=1).map(tuple),
        st.booleans(),
    ),
    max_leaves=12,
)


def rendered(entries: tuple[Entry, ...]) -> str:
    """The canonical way to write entries."""
    return "; ".join(
        entry.name
        + " ?" * entry.uncertain
        + (f" [{rendered(entry.inside)}]" if entry.inside else "")
        + "".join(f" ({note})" for note in entry.notes)
        for entry in entries
    )


def depth(entries: tuple[Entry, ...]) -> int:
    return max((1 + depth(entry.inside) for entry in entries), default=0)


def names(entries: tuple[Entry, ...]) -> list[str]:
    return [name for entry in entries for name in [entry.name, *names(entry.inside)]]


SHALLOW = st.lists(ENTRIES, max_size=4).map(tuple).filter(lambda entries: depth(entries) <= 8)


@given(SHALLOW)
def test_what_is_written_canonically_is_read_back(entries: tuple[Entry, ...]) -> None:
    parsed = parse_entries(rendered(entries))
    assert parsed.entries == entries
    assert parsed.repairs == ()


@given(SHALLOW, st.data())
def test_a_lost_closing_bracket_loses_no_name(entries: tuple[Entry, ...], data: st.DataObject) -> None:
    text = rendered(entries)
    places = [place for place, char in enumerate(text) if char == "]"]
    if places:
        place = data.draw(st.sampled_from(places))
        parsed = parse_entries(text[:place] + text[place + 1 :])
        assert sorted(names(parsed.entries)) == sorted(names(entries))
        assert parsed.repairs


@given(st.one_of(st.text(), st.text(alphabet="[]();?,-—: Aab&\n\"'"), st.text(alphabet="[]();a")))
def test_no_text_breaks_it(text: str) -> None:
    parsed = parse_entries(text)
    assert depth(parsed.entries) <= 9
    for name in names(parsed.entries):
        assert not set(name) & set("[];()\n"), name
    read_cover_names([text, text])


@pytest.mark.parametrize(
    "text", ["[" * 50_000, "a[" * 20_000, "(" * 50_000, "a;" * 50_000, "]" * 9, "(]" * 9999]
)
def test_hostile_fields_cost_little(text: str) -> None:
    [cover] = read_cover_names([text])
    assert cover.repairs
