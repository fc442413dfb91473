"""story.toml: what a person wrote stays, and what is wrong in it is said with its line."""

# ruff: noqa: E501 - the messages are kept whole, one to a line

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from comicloss.story import (
    Element,
    LetteringItem,
    Story,
    StoryPage,
    StoryPanel,
    Style,
    load_story,
    save_story,
)
from comicloss.story.lines import lines_of
from comicloss.story.model import Credits, Print, Webtoon, did_you_mean
from comicloss.story.template import TEMPLATE
from pages.errors import ResourceError, StoryError

HAND_WRITTEN = """\
# My comic
title = "The Dragon"   # working title
revision = 3
direction = 'ltr'

[style]
prompt   =   "ink"
strength = 0.5   # half

[[elements]]
name = "Hero"
kind = "character"   # in red

[[elements]]
kind = "character"
name = "Dragon"

# the opening
[[pages]]
file = "art/p01.png"

  [[pages.panels]]
  id = "p01-01"
  box = [ 0, 0, 400, 400 ]   # the wide one
  shows = [
    "Hero",     # on the left
    "Dragon",   # behind the hill
  ]

  [[pages.panels]]
  id = "p01-02"
  box = [400, 0, 400, 400]
  # nothing marked here yet

  [pages.panels.beliefs]
  Hero = 0.25   # a shadow
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "art").mkdir()
    for number in (1, 2):
        Image.new("RGB", (800, 1200)).save(tmp_path / "art" / f"p{number:02}.png")
    return tmp_path


def written(folder: Path, text: str = HAND_WRITTEN) -> Story:
    (folder / "story.toml").write_text(text, encoding="utf-8")
    return load_story(folder)


def complaints(folder: Path, text: str) -> list[str]:
    (folder / "story.toml").write_text(text, encoding="utf-8")
    with pytest.raises(StoryError) as refused:
        load_story(folder)
    assert "story.toml" in refused.value.remedy
    return refused.value.problem.splitlines()


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


# --- marks -----------------------------------------------------------------------------------------------


def test_priors_are_the_marks(folder: Path) -> None:
    story = written(folder)
    assert [story.prior("p01-01", name) for name in story.element_names] == [1.0, 1.0]
    assert story.prior("p01-02", "Hero") == 0.25  # a belief speaks for itself
    assert story.prior("p01-02", "Dragon") is None  # nobody has gone through this panel
    nobody = story.with_panel(story.panel("p01-02").model_copy(update={"shows": (), "beliefs": {}}))
    assert [nobody.prior("p01-02", name) for name in story.element_names] == [0.0, 0.0]


@pytest.mark.parametrize("value", [1.0, 0.0, 0.3, None])
def test_a_mark_is_what_was_set_and_said_once(folder: Path, value: float | None) -> None:
    story = written(folder)
    region = {"Hero": (0, 0, 10, 10)}
    story = story.with_panel(story.panel("p01-01").model_copy(update={"regions": region}))
    for before in (1.0, 0.6, None):
        marked = story.with_mark("p01-01", "Hero", before).with_mark("p01-01", "Hero", value)
        assert marked.prior("p01-01", "Hero") == value
        assert marked.prior("p01-01", "Dragon") == 1.0
        assert ("Hero" in marked.panel("p01-01").regions) == (value != 0)
    assert load_story(folder).prior("p01-01", "Hero") == 1.0


def test_unknown_panels_and_elements_are_refused_with_a_guess(folder: Path) -> None:
    story = written(folder)
    with pytest.raises(StoryError, match='no panel "p01-2"; did you mean "p01-02"'):
        story.panel("p01-2")
    with pytest.raises(StoryError, match='no element "dragn"; did you mean "Dragon"'):
        story.prior("p01-01", "dragn")


# --- saving ----------------------------------------------------------------------------------------------


def test_a_save_touches_only_what_changed(folder: Path) -> None:
    save_story(written(folder), folder)
    expected = HAND_WRITTEN.replace("revision = 3", "revision = 4")
    assert (folder / "story.toml").read_text(encoding="utf-8") == expected


def test_comments_order_and_formatting_survive_edits(folder: Path) -> None:
    story = written(folder).with_mark("p01-01", "Hero", 0.0).with_mark("p01-02", "Hero", None)
    style = story.style.model_copy(update={"strength": 1.0})
    page = StoryPage(file="art/p02.png", panels=(StoryPanel(id="p02-01", box=(1, 2, 3, 4), shows=()),))
    story = story.model_copy(update={"style": style, "title": "Smoke", "pages": (*story.pages, page)})
    save_story(story, folder)
    text = (folder / "story.toml").read_text(encoding="utf-8")
    for kept in (
        "# My comic\n",
        'title = "Smoke"   # working title\n',
        "strength = 1.0   # half\n",
        'kind = "character"   # in red\n',
        "# the opening\n",
        "  box = [ 0, 0, 400, 400 ]   # the wide one\n",
        '    "Dragon",   # behind the hill\n',
        "  # nothing marked here yet\n",
        'prompt   =   "ink"\n',
    ):
        assert kept in text
    assert '"Hero",' not in text and "a shadow" not in text
    assert load_story(folder).model_dump() == story.model_copy(update={"revision": 4}).model_dump()


def test_a_new_story_starts_from_the_commented_template(folder: Path) -> None:
    saved = save_story(Story(title="T", style=Style(prompt="ink")), folder)
    text = (folder / "story.toml").read_text(encoding="utf-8")
    assert saved.revision == 1 and 'title = "T"' in text
    assert [line for line in TEMPLATE.splitlines() if line.startswith("#")] == [
        line for line in text.splitlines() if line.startswith("#")
    ]
    example = re.sub(r"(?m)^#   ?", "", TEMPLATE[TEMPLATE.index("#   [[elements]]") :])
    example = re.sub(r"(?m)^(#|The pages|marked with).*$", "", example)
    blocks = tomllib.loads(example)  # the example in the comments is right, but for its files and names
    element = Element.model_validate(blocks["elements"][0])
    page = StoryPage.model_validate(blocks["pages"][0])
    assert element.name == "Hero" and page.panels[0].direction_prompt == "night, rain"
    uncommented = re.sub(r"(?m)^# (?=\[|\w+ = )", "", TEMPLATE)
    whole = Story.model_validate(tomllib.loads(uncommented))
    assert whole.print.bleed_mm == 3 and whole.series and whole.style.reference


def test_elements_are_written_before_pages(folder: Path) -> None:
    story = Story(title="T", style=Style(prompt="ink"), pages=(StoryPage(file="art/p01.png"),))
    story = save_story(story, folder)
    save_story(story.model_copy(update={"elements": (Element(name="Hero"),)}), folder)
    text = (folder / "story.toml").read_text(encoding="utf-8")
    assert text.index("\n[[elements]]") < text.index("\n[[pages]]")


def test_blocks_are_parted_by_one_blank_line(folder: Path) -> None:
    story = save_story(Story(title="T", style=Style(prompt="ink")), folder)
    pages = (StoryPage(file="art/p01.png"), StoryPage(file="art/p02.png"))
    story = save_story(story.model_copy(update={"pages": pages}), folder)
    for order in (1, 2):
        for number, page in enumerate(story.pages, 1):
            panel = StoryPanel(id=f"p0{number}-0{order}", box=(0, 0, 9, 9))
            pages = list(story.pages)
            pages[number - 1] = page.model_copy(update={"panels": (*page.panels, panel)})
            story = save_story(story.model_copy(update={"pages": tuple(pages)}), folder)
    text = (folder / "story.toml").read_text(encoding="utf-8")
    body = text[text.index("[[pages]]\nfile") :]
    assert body == "\n".join(
        f"""[[pages]]
file = "art/p0{number}.png"

[[pages.panels]]
id = "p0{number}-01"
box = [0, 0, 9, 9]

[[pages.panels]]
id = "p0{number}-02"
box = [0, 0, 9, 9]
"""
        for number in (1, 2)
    )


def test_a_save_over_a_newer_file_is_refused(folder: Path) -> None:
    mine = written(folder)
    theirs = save_story(mine.with_mark("p01-01", "Hero", 0.0), folder)
    before = (folder / "story.toml").read_bytes()
    with pytest.raises(StoryError, match="revision 4, and this is a change to revision 3"):
        save_story(mine, folder)
    assert (folder / "story.toml").read_bytes() == before
    assert save_story(theirs, folder).revision == 5


def test_a_save_over_an_edit_by_hand_is_refused(folder: Path) -> None:
    story = written(folder)
    edited = HAND_WRITTEN.replace("The Dragon", "The Dragon Returns")
    (folder / "story.toml").write_text(edited, encoding="utf-8")
    with pytest.raises(StoryError, match="edited by hand in the meantime"):
        save_story(story.with_mark("p01-01", "Hero", 0.0), folder)
    assert load_story(folder).title == "The Dragon Returns"


def test_a_story_with_mistakes_is_not_saved(folder: Path) -> None:
    story = written(folder)
    wrong = story.panel("p01-01").model_copy(update={"shows": ("Nobody",)})
    with pytest.raises(StoryError, match='no element "Nobody"'):
        save_story(story.with_panel(wrong), folder)
    assert (folder / "story.toml").read_text(encoding="utf-8") == HAND_WRITTEN


def test_windows_files_with_a_byte_order_mark_are_read(folder: Path) -> None:
    (folder / "story.toml").write_bytes(b"\xef\xbb\xbf" + HAND_WRITTEN.replace("\n", "\r\n").encode())
    story = load_story(folder)
    save_story(story.with_mark("p01-01", "Dragon", 0.0), folder)
    data = (folder / "story.toml").read_bytes()
    assert b"# on the left\r\n" in data and b"\n" not in data.replace(b"\r\n", b"")


def test_the_same_letter_typed_in_two_ways_is_one_name(folder: Path) -> None:
    text = HAND_WRITTEN.replace('name = "Hero"', 'name = "Zoe\\u0308"').replace('"Hero", ', '"Zo\\u00eb", ')
    story = written(folder, text.replace("Hero = 0.25", '"Zoë" = 0.25'))
    assert story.prior("p01-01", "Zoë") == story.prior("p01-01", "Zoe\u0308") == 1.0


def test_a_folder_without_a_story_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(StoryError, match="comicloss new"):
        load_story(tmp_path)


def test_a_folder_that_cannot_be_written_is_a_resource_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = written(folder)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(ResourceError):
        save_story(story, folder)


NAMES = ("Hero", 'The "Great" Dragon', "Zoë", "a.b", "日本 城", "back\\slash")
TREATMENTS = st.sampled_from(["keep", "letters", "restyle"])
SHARES = st.floats(0.01, 0.99).map(lambda value: round(value, 3))


@st.composite
def stories(draw: st.DrawFn) -> Story:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=4))
    pages = []
    for file in draw(st.permutations(["art/p01.png", "art/p02.png"]))[: draw(st.integers(0, 2))]:
        panels = []
        for panel_id in draw(st.lists(st.sampled_from("abcd"), unique=True, max_size=3)):
            panel = StoryPanel(
                id=f"{file[4:7]}-{panel_id}",
                box=(0, 0, draw(st.integers(1, 800)), 1200),
                direction_prompt=draw(st.none() | st.just("night, rain")),
                confidence=draw(st.none() | SHARES),
                by=draw(st.sampled_from([None, "author"])),
            )
            if draw(st.booleans()):
                width = panel.box[2]
                corners = ((0, 0), (width, 0), (draw(st.integers(0, width)), 1200), (0, 1200))
                panel = panel.model_copy(update={"polygon": corners})
            for name in names:
                if draw(st.booleans()):
                    panel = panel.with_mark(name, draw(st.none() | st.sampled_from([0.0, 1.0]) | SHARES))
            panels.append(panel)
        corners = draw(st.lists(st.integers(0, 700), unique=True, max_size=3))
        page = StoryPage(
            file=file,
            source=draw(st.none() | st.just("../a book.cbz#3")),
            type=draw(st.sampled_from([None, "FrontCover"])),
            lettering=draw(st.none() | TREATMENTS),
            lettering_mask=draw(st.none() | st.just("art/p01.png")),
            lettering_items=tuple(LetteringItem(box=(x, 9, 30, 20), treat=draw(TREATMENTS)) for x in corners),
            panels=tuple(panels),
        )
        pages.append(page)
    elements = tuple(
        Element(name=name, kind=draw(st.sampled_from(["character", "setting", "prop"]))) for name in names
    )
    return Story(
        title=draw(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)),
        direction=draw(st.sampled_from(["ltr", "rtl", "ttb"])),
        style=Style(prompt="ink", strength=draw(SHARES)),
        series=draw(st.sampled_from(["", "Tales"])),
        language=draw(st.sampled_from(["", "en", "pt-BR"])),
        lettering=draw(TREATMENTS),
        credits=Credits(writer=draw(st.sampled_from(["", "A. Writer, B. Writer"]))),
        print=Print(
            dpi=draw(st.none() | st.just(600.0)),
            bleed_mm=draw(st.sampled_from([0.0, 3.0])),
            trim_mm=draw(st.none() | st.just((170.0, 260.0))),
        ),
        webtoon=Webtoon(height=draw(st.integers(1, 2000))),
        elements=elements,
        pages=tuple(pages),
    )


LAYOUTS = (
    HAND_WRITTEN,
    TEMPLATE,
    'title = "T"\nstyle = { prompt = "ink" }  # inline\n'
    'elements = [{ name = "Hero" }, { name = "Zoë", kind = "prop" }]\n'
    'pages = [ { file = "art/p01.png", panels = [{ id = "p01-a", box = [0, 0, 9, 9], shows = ["Hero"] }] } ]\n',
    'pages = []\nelements = []\ntitle = "T"\nstyle.prompt = "ink"\nstyle.strength = 1\n',
    'title = "T"\n[[elements]]\nname = "Hero"\n[[pages]]\nfile = "art/p01.png"\n[[elements]]\nname = "a.b"\n'
    '[style]\nprompt = "ink"\n',
    'title = "T"\nseries = "S"   # of tales\n[credits]\nwriter = "A"\n[print]\nbleed_mm = 3\ndpi = 300\n[style]\n'
    'prompt = "ink"\n[webtoon]\nwidth = 800\n[[pages]]\nfile = "art/p01.png"\n[[pages.lettering_items]]\n'
    'box = [0, 9, 30, 20]  # sound effect\ntreat = "keep"\n[[pages.panels]]\nid = "p01-a"\nbox = [0, 0, 9, 9]\n'
    "polygon = [[0, 0], [9, 0], [9, 9]]  # slanted\n",
)


@pytest.mark.parametrize("layout", LAYOUTS)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=stories(), second=stories())
def test_every_layout_can_be_turned_into_every_story(
    folder: Path, layout: str, first: Story, second: Story
) -> None:
    story = written(folder, layout)
    for wanted in (first, second):
        story = save_story(wanted.model_copy(update={"revision": story.revision}), folder)
        assert load_story(folder).model_dump() == story.model_dump()
        assert story.model_dump(exclude={"revision"}) == wanted.model_dump(exclude={"revision"})


# --- mistakes --------------------------------------------------------------------------------------------

MISTAKES = {
    "unknown element": ('"Dragon",   # behind', '"Heroo",   # behind', 'pages[0].panels[0].shows: no element "Heroo"; did you mean "Hero"?'),
    "unknown key": ("  id = ", "  titel = 1\n  id = ", "pages[0].panels[0].titel: no such key"),
    "misspelled key": ("  shows = [", "  show = [", 'pages[0].panels[0].show: no such key; did you mean "shows"?'),
    "misspelled top key": ("direction = 'ltr'", "directoin = 'ltr'", 'directoin: no such key; did you mean "direction"?'),
    "misspelled style key": ("strength = 0.5", "strenght = 0.5", 'style.strenght: no such key; did you mean "strength"?'),
    "not a number": ("strength = 0.5", 'strength = "half"', 'style.strength: expected a number, got "half"'),
    "too strong": ("strength = 0.5", "strength = 1.5", "style.strength: expected a number from 0 to 1, got 1.5"),
    "wrong direction": ("'ltr'", "'left'", "direction: expected 'ltr', 'rtl' or 'ttb', got \"left\""),
    "wrong kind": ('kind = "character"   # in red', 'kind = "hero"', "elements[0].kind: expected 'character', 'setting' or 'prop', got \"hero\""),
    "title a number": ('title = "The Dragon"', "title = 12", "title: expected a text in quotes, got 12"),
    "revision a text": ("revision = 3", 'revision = "3"', 'revision: expected a whole number, got "3"'),
    "shows a text": ("  # nothing marked here yet", '  shows = "Hero"', 'pages[0].panels[1].shows: expected a list in [brackets], got "Hero"'),
    "box too short": ("[ 0, 0, 400, 400 ]", "[0, 0, 400]", "pages[0].panels[0].box: a box is [x, y, width, height]: four whole numbers"),
    "box too long": ("[ 0, 0, 400, 400 ]", "[0, 0, 400, 4, 5]", "pages[0].panels[0].box: a box is [x, y, width, height]: four whole numbers"),
    "box of fractions": ("[ 0, 0, 400, 400 ]", "[0, 0, 400.5, 400]", "pages[0].panels[0].box[2]: expected a whole number, got 400.5"),
    "box empty": ("[ 0, 0, 400, 400 ]", "[0, 0, 0, 400]", "pages[0].panels[0].box[2]: expected a number of 1 or more, got 0"),
    "box outside": ("[400, 0, 400, 400]", "[500, 0, 400, 400]", "pages[0].panels[1].box: [500, 0, 400, 400] reaches to (900, 400), outside of the page of 800 x 1200 pixels; a box is [x, y, width, height]"),
    "belief too high": ("Hero = 0.25", "Hero = 1.25", "pages[0].panels[1].beliefs.Hero: expected a number from 0 to 1, got 1.25"),
    "belief not a number": ("Hero = 0.25", "Hero = nan", "pages[0].panels[1].beliefs.Hero: expected a number from 0 to 1, got nan"),
    "belief in nobody": ("Hero = 0.25", "Heor = 0.25", 'pages[0].panels[1].beliefs.Heor: no element "Heor"; did you mean "Hero"?'),
    "shown and unsure": ("  shows = [", '  unsure = ["Hero"]\n  shows = [', 'pages[0].panels[0].unsure: "Hero" is also in `shows`; keep it in one of the two'),
    "shown twice": ('"Dragon",   # behind', '"Hero", # behind', 'pages[0].panels[0].shows: "Hero" is there twice; keep one'),
    "region of one not there": ("  # nothing marked", "  regions.Dragon = [400, 0, 9, 9] #", 'pages[0].panels[1].regions.Dragon: "Dragon" is not in this panel; add it to `shows` or take the region out'),
    "region outside": ("  # nothing marked", "  regions.Hero = [0, 0, 9, 9] #", "pages[0].panels[1].regions.Hero: [0, 0, 9, 9] is not inside of the panel's box [400, 0, 400, 400]; both are [x, y, width, height] in pixels of the page"),
    "same name": ('name = "Dragon"', 'name = "hero"', 'elements[1].name: "hero" is also elements[0]; give each element its own name (capitals do not count)'),
    "name with blanks": ('name = "Dragon"', 'name = " Dragon"', 'elements[1].name: "Dragon" has blanks around it or line breaks in it; take them out'),
    "no name": ('name = "Dragon"', "", "elements[1]: `name` is missing; write name = \"…\""),
    "empty prompt": ('"ink"', '""', 'style.prompt: must not be empty, got ""'),
    "same id": ('"p01-02"', '"p01-01"', 'pages[0].panels[1].id: "p01-01" is also pages[0].panels[0]; each panel has its own id'),
    "strange id": ('"p01-02"', '"../p"', 'pages[0].panels[1].id: expected letters, digits, - and _, such as "p01-02", got "../p"'),
    "art missing": ('"art/p01.png"', '"art/p1.png"', 'pages[0].file: no file "art/p1.png"; did you mean "p01.png"?'),
    "art elsewhere": ('"art/p01.png"', '"../p01.png"', 'pages[0].file: "../p01.png" is outside of the story folder; copy the file into it'),
    "art with a backslash": ('"art/p01.png"', "'art\\p01.png'", 'pages[0].file: "art\\p01.png" has a \\ in it; write / between folders on every system'),
    "art no picture": ('"art/p01.png"', '"story.toml"', 'pages[0].file: "story.toml" is no picture that can be read'),
    "flats of another shape": ('file = "art/p01.png"', 'file = "art/p01.png"\nflats = "art/wide.png"', 'pages[0].flats: "art/wide.png" is 80 x 10, another shape than its page of 800 x 1200; it must cover the whole page'),
    "color": ('kind = "character"   # in red', 'palette = ["red"]', 'elements[0].palette: expected a color such as "#c0392b", got "red"'),
    "style a text": ('[style]\nprompt   =   "ink"\nstrength = 0.5', 'style = "ink"', 'style: expected a table, got "ink"'),
    "pages a table": ("[[pages]]", "[pages]", "pages: "),
    "twice the same key": ("revision = 3", "revision = 3\nrevision = 4", "not valid TOML at column"),
    "no quotes": ('"The Dragon"', "The Dragon", "not valid TOML at column"),
    "no closing quote": ('"The Dragon" ', '"The Dragon ', "not valid TOML at column"),
    "no bracket": ("400, 400 ]", "400, 400", "not valid TOML at column"),
    "polygon of two points": ("  # nothing", "  polygon = [[400, 0], [800, 400]] #", "pages[0].panels[1].polygon: a polygon is [[x, y], [x, y], [x, y], …]: three points or more, in whole pixels of the page"),
    "polygon of triples": ("  # nothing", "  polygon = [[400, 0], [800, 0], [800, 400, 1]] #", "pages[0].panels[1].polygon[2]: a polygon is [[x, y], [x, y], [x, y], …]"),
    "polygon outside": ("  # nothing", "  polygon = [[400, 0], [810, 0], [800, 400]] #", "pages[0].panels[1].polygon[1]: [810, 0] is outside of the page of 800 x 1200 pixels"),
    "polygon and box": ("  # nothing", "  polygon = [[400, 0], [700, 0], [700, 400]] #", "pages[0].panels[1].polygon: it spans [400, 0, 300, 400], and the panel's box is [400, 0, 400, 400]; make them agree"),
    "polygon of nothing": ("  # nothing", "  polygon = [[400, 0], [800, 400], [600, 200]] #", "pages[0].panels[1].polygon: its points enclose nothing; give the corners one after the other"),
    "confidence": ("  # nothing", "  confidence = 2 #", "pages[0].panels[1].confidence: expected a number from 0 to 1, got 2"),
    "by somebody": ("  # nothing", '  by = "me" #', "pages[0].panels[1].by: expected 'author', got \"me\""),
    "treatment": ("direction = 'ltr'", 'lettering = "erase"', "lettering: expected 'keep', 'letters' or 'restyle', got \"erase\""),
    "item without treatment": ('file = "art/p01.png"', 'file = "art/p01.png"\n[[pages.lettering_items]]\nbox = [0, 0, 9, 9]', 'pages[0].lettering_items[0]: `treat` is missing; write treat = "keep", "letters" or "restyle"'),
    "item outside": ('file = "art/p01.png"', 'file = "art/p01.png"\nlettering_items = [{ treat = "keep", box = [0, 0, 900, 9] }]', "pages[0].lettering_items[0].box: [0, 0, 900, 9] reaches to (900, 9), outside of the page of 800 x 1200 pixels"),
    "mask of another shape": ('file = "art/p01.png"', 'file = "art/p01.png"\nlettering_mask = "art/wide.png"', 'pages[0].lettering_mask: "art/wide.png" is 80 x 10, another shape than its page'),
    "misspelled credit": ("revision = 3", 'revision = 3\ncredits = { writter = "A" }', 'credits.writter: no such key; did you mean "writer"?'),
    "no dots": ("revision = 3", "revision = 3\nprint = { dpi = 0 }", "print.dpi: expected a number above 0, got 0"),
    "language": ("revision = 3", 'revision = 3\nlanguage = "English!"', 'language: expected the code of a language, such as "en" or "pt-BR", got "English!"'),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_every_mistake_names_its_line_and_the_way_out(folder: Path, name: str) -> None:
    Image.new("RGB", (80, 10)).save(folder / "art" / "wide.png")
    before, after, message = MISTAKES[name]
    assert before in HAND_WRITTEN
    text = HAND_WRITTEN.replace(before, after, 1)
    found = complaints(folder, text)
    matching = [line for line in found if message in line]
    assert matching, found
    line = int(matching[0].split(":")[1])
    if name in ("no name", "pages a table"):
        expected = {
            line_of(text, 'kind = "character"\n') - 1,
            line_of(text, "[pages]") if "[pages]\n" in text else 0,
        }
    elif name == "no bracket":
        expected = {line_of(text, "400, 400") + 1, line_of(text, "400, 400")}
    elif name == "twice the same key":
        expected = {line_of(text, "revision = 4")}
    elif name == "shown twice":
        expected = {line_of(text, '"Hero", # behind')}
    else:
        changed = [
            number
            for number, (old, new) in enumerate(
                zip(HAND_WRITTEN.splitlines() + [""] * 9, text.splitlines(), strict=False), 1
            )
            if old != new
        ]
        expected = {changed[0], changed[0] + 1} if "\n" in after else {changed[0]}
    assert line in expected, (found, expected)


def test_all_mistakes_are_listed_in_the_order_of_their_lines(folder: Path) -> None:
    text = HAND_WRITTEN.replace('"Dragon",', '"Dargon",').replace("0.25", "7").replace("0.5", '"x"')
    found = complaints(folder, text)
    assert [int(line.split(":")[1]) for line in found] == [
        line_of(text, part) for part in ('strength = "x"', '"Dargon",', "Hero = 7")
    ]


def test_bytes_that_are_no_text_are_refused_with_their_line(folder: Path) -> None:
    (folder / "story.toml").write_bytes(b'title = "x"\nstyle = "\xff"\n')
    with pytest.raises(StoryError, match=r"story\.toml:2: a letter that is not UTF-8"):
        load_story(folder)


def test_words_that_mean_nothing_get_the_list() -> None:
    assert did_you_mean("zzz", ["Hero", "Dragon"]) == '; there is "Hero", "Dragon"'
    assert did_you_mean("zzz", []) == "; there is none yet"


# --- lines -----------------------------------------------------------------------------------------------


def test_lines_of_every_kind_of_value() -> None:
    text = (
        "a = 1\n"
        '"b c".d = """\n'
        'x ] } " = \n'
        '"""\n'
        "e = [ # c ]\n"
        "  { f = '}', g = [1,\n"
        "  2] }, '''\n"
        "]''',\n"
        "]\n"
        "[t.'ü']  # [x]\n"
        "h = 1979-05-27T07:32:00Z\n"
        "[[l]]\n"
        "[[l.m]]\n"
        "[[l.m]]\n"
        'n = { o.p = 1, "q\\u00e9" = 2 }\n'
        "[l.r]\n"
        "s = true\n"
        "[[l]]\n"
        "[[l.m]]\n"
    )
    tomllib.loads(text)
    lines = lines_of(text)
    expected = {
        ("a",): 1, ("b c", "d"): 2, ("e",): 5, ("e", 0): 6, ("e", 0, "f"): 6, ("e", 0, "g", 1): 7, ("e", 1): 7,
        ("t", "ü"): 10, ("t", "ü", "h"): 11, ("l",): 12, ("l", 0): 12, ("l", 0, "m", 0): 13,
        ("l", 0, "m", 1): 14, ("l", 0, "m", 1, "n", "o", "p"): 15, ("l", 0, "m", 1, "n", "qé"): 15,
        ("l", 0, "r", "s"): 17, ("l", 1): 18, ("l", 1, "m", 0): 19,
    }  # fmt: skip
    assert {place: lines.get(place) for place in expected} == expected


def test_pages_are_called_by_their_file_or_their_number(folder: Path) -> None:
    story = written(folder)
    assert story.page_number("p01") == story.page_number("1") == 0
    with pytest.raises(StoryError, match='no page "p02"; the story has 1'):
        story.page_number("p02")


def test_a_page_has_its_own_treatment_or_the_storys(folder: Path) -> None:
    story = written(folder, HAND_WRITTEN.replace("direction = 'ltr'", 'lettering = "letters"'))
    (page,) = story.pages
    assert story.treatment(page) == "letters"
    assert story.treatment(page.model_copy(update={"lettering": "keep"})) == "keep"
