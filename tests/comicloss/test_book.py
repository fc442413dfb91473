"""What the story says, in the exports: credits, panels and who is in them, layers, slices, print boxes."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pikepdf
import pytest
from PIL import Image, ImageDraw

from comicloss import pipeline
from comicloss.book import bleed, comic_info, element_masks
from comicloss.story import Element, Story, StoryPage, StoryPanel, Style, load_story, save_story
from comicloss.story.model import Credits, Print, Webtoon
from pages.export import Bleed, ComicInfo, write_finished
from pages.native import to_rgb
from pages.read import load_native

PANELS = (
    StoryPanel(id="p01-01", box=(20, 20, 260, 120), shows=("Dragon", "Cave"), by="author"),
    StoryPanel(
        id="p01-02",
        box=(20, 160, 260, 220),
        polygon=((20, 160), (280, 180), (280, 380), (20, 380)),
        shows=("Dragon", "Knight"),
        regions={"Knight": (40, 200, 50, 80)},
        by="author",
    ),
)
STORY = Story(
    title="The Dragon",
    series="Tales",
    number="2",
    summary="They meet.",
    language="en",
    direction="rtl",
    style=Style(prompt="noir ink"),
    credits=Credits(writer="Ada", inker="Bo", publisher="Ink & Co"),
    print=Print(bleed_mm=2.0),
    webtoon=Webtoon(width=150, height=120),
    elements=(
        Element(name="Dragon"),
        Element(name="Cave", kind="setting"),
        Element(name="Knight"),
        Element(name="Lance", kind="prop"),
    ),
    pages=(
        StoryPage(file="art/p01.png", type="FrontCover", panels=PANELS),
        StoryPage(file="art/p02.png"),
    ),
)


def draw_page(path: Path, seed: int) -> None:
    page = Image.new("RGB", (300, 400), "white")
    draw = ImageDraw.Draw(page)
    for panel in PANELS:
        x, y, width, height = panel.box
        draw.rectangle((x, y, x + width - 1, y + height - 1), (90 * seed % 256, 160, 200), "black", 3)
    path.parent.mkdir(exist_ok=True)
    page.save(path, dpi=(150, 150))


@pytest.fixture
def story(tmp_path: Path) -> Path:
    """A story whose pages an identity network has finished."""
    folder = tmp_path / "story"
    folder.mkdir()
    for number, page in enumerate(STORY.pages, 1):
        draw_page(folder / page.file, number)
        original = load_native(folder / page.file)
        write_finished(folder / "finished" / f"p{number:02d}.png", to_rgb(original), original)
    save_story(STORY, folder)
    return folder


def test_comic_info_is_what_the_story_says() -> None:
    assert comic_info(STORY) == ComicInfo(
        "The Dragon",
        series="Tales",
        number="2",
        summary="They meet.",
        writer="Ada",
        inker="Bo",
        publisher="Ink & Co",
        language="en",
        characters=("Dragon", "Knight"),
        locations=("Cave",),
        direction="rtl",
        page_types=("FrontCover", None),
    )


def test_bleed_is_what_the_story_says() -> None:
    assert bleed(STORY) == Bleed(2.0)
    assert bleed(STORY.model_copy(update={"print": Print()})) is None
    trimmed = Print(trim_mm=(170.0, 260.0))
    assert bleed(STORY.model_copy(update={"print": trimmed})) == Bleed(0.0, (170.0, 260.0))


def test_element_masks_are_regions_or_else_panels() -> None:
    masks = dict(element_masks(STORY, STORY.pages[0], (300, 400)))
    assert list(masks) == ["Dragon", "Cave", "Knight", "Lance"]
    expected = np.zeros((400, 300), bool)
    expected[200:280, 40:90] = True
    assert (masks["Knight"] == expected).all()
    assert masks["Cave"].sum() == 260 * 120
    assert masks["Dragon"].sum() == pytest.approx(260 * 120 + 260 * 210, rel=0.001)  # the second is slanted
    assert not masks["Lance"].any()


def test_an_exported_archive_is_added_again_as_it_was(story: Path, tmp_path: Path) -> None:
    (archive,) = pipeline.export(story, formats=["cbz"])
    pipeline.new_story(tmp_path / "again")
    pipeline.add_pages(tmp_path / "again", [archive])
    added = [tmp_path / "again" / page.file for page in load_story(tmp_path / "again").pages]
    finished = [story / "finished" / "p01.png", story / "finished" / "p02.png"]
    assert [file.read_bytes() for file in added] == [file.read_bytes() for file in finished]


def test_an_archive_tells_who_is_in_which_panel(story: Path) -> None:
    (path,) = pipeline.export(story, formats=["cbz"])
    with zipfile.ZipFile(path) as archive:
        guided = json.loads(archive.read("guided.json"))["guided"]
        acbf = archive.read("comic.acbf").decode()
        info = ElementTree.fromstring(archive.read("ComicInfo.xml"))
    assert [step.get("character") for step in guided] == [["Dragon"], ["Dragon", "Knight"], None]
    assert guided[0]["description"] == {"text": {"plain": "Cave", "language": "en"}}
    assert 'points="20,160 280,180 280,380 20,380"' in acbf
    assert info.findtext("Manga") == "YesAndRightToLeft"


def test_layers_and_slices_are_written_where_asked_for(story: Path) -> None:
    layers = pipeline.export(story, formats=["ora"])
    assert [path.name for path in layers] == ["p01.ora", "p02.ora"]
    with zipfile.ZipFile(layers[0]) as archive:
        (stack,) = ElementTree.fromstring(archive.read("stack.xml"))
    names = [layer.get("name") for layer in stack.iter("layer")]
    assert names[:3] == ["Dragon", "Cave", "Knight"]
    assert names[-2:] == ["Finish", "Original"]
    slices = pipeline.export(story, formats=["webtoon"])
    heights = []
    for path in slices:
        with Image.open(path) as image:
            assert image.width == 150
            heights.append(image.height)
    assert sum(heights) == 2 * 200
    assert max(heights) <= 120


def test_slices_that_lettering_makes_too_high_are_named(story: Path) -> None:
    assert not pipeline.slices_too_high(story, pipeline.export(story, formats=["webtoon", "cbz"]))
    told = load_story(story)
    mask = Image.new("L", (300, 400))
    ImageDraw.Draw(mask).rectangle((100, 10, 200, 350), 255)  # 170 pixels high in a slice, of 120
    (story / "lettering").mkdir()
    mask.save(story / "lettering" / "p01.png")
    first = told.pages[0].model_copy(update={"lettering_mask": "lettering/p01.png"})
    save_story(told.with_page(0, first), story)
    slices = pipeline.export(story, formats=["webtoon"])
    heights = {}
    for path in slices:
        with Image.open(path) as image:
            heights[path] = image.height
    assert max(heights.values()) >= 170
    assert pipeline.slices_too_high(story, slices) == [path for path in slices if heights[path] > 120]


def test_a_pdf_has_the_bleed_of_the_story(story: Path) -> None:
    (path,) = pipeline.export(story, formats=["pdf"])
    with pikepdf.open(path) as document:
        across = float(document.pages[0].trimbox[2]) - float(document.pages[0].trimbox[0])
        assert across == pytest.approx(300 / 150 * 72 - 4 / 25.4 * 72, abs=0.01)
        assert document.Root.ViewerPreferences.Direction == "/R2L"


def test_a_changed_credit_makes_exports_stale(story: Path) -> None:
    (path,) = pipeline.export(story, formats=["cbz"])
    told = load_story(story)
    save_story(told.model_copy(update={"credits": Credits(writer="Cy")}), story)
    pipeline.export(story, formats=["cbz"])
    with zipfile.ZipFile(path) as archive:
        assert ElementTree.fromstring(archive.read("ComicInfo.xml")).findtext("Writer") == "Cy"
