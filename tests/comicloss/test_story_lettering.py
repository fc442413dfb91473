"""Lettering: where it is told or found, and what of it stays as drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import comicloss.lettering
from comicloss import pipeline
from comicloss.authoring import LetteringChange
from comicloss.data import story_page
from comicloss.lettering import page_kept, page_lettering
from comicloss.story import Story, StoryPage, StoryPanel, Style, load_story, save_story
from comicloss.stylize import stylize_page
from pages.errors import StoryError
from pages.keeping import kept_lettering
from pages.lettering import lettering_of
from pages.model import Box
from pages.painted import painted_lettering
from styles.registry import load_stylenet

Mask = NDArray[np.bool_]


def masks() -> tuple[Mask, Mask]:
    """Two balloons with letters, and one in which no letters are known, on a page of 240 x 200."""
    text, balloons = np.zeros((2, 200, 240), np.bool_)
    for left in (20, 100, 180):
        balloons[40:100, left : left + 50] = True
    text[60:80, 30:60] = True
    text[60:80, 110:140] = True
    return text, balloons


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "art").mkdir()
    page = np.full((200, 240, 3), 180, np.uint8)
    text, balloons = masks()
    page[balloons] = 255
    page[text] = 255
    page[64:76, 34:56:4] = 0  # strokes of letters
    Image.fromarray(page).save(tmp_path / "art" / "p01.png")
    panel = StoryPanel(id="p01-01", box=(0, 0, 240, 200))
    story = Story(
        title="T", style=Style(prompt="ink"), pages=(StoryPage(file="art/p01.png", panels=(panel,)),)
    )
    save_story(story, tmp_path)
    return tmp_path


def test_treatments_are_said_once_in_the_story(folder: Path) -> None:
    changes = [
        LetteringChange("letters"),
        LetteringChange("restyle", "p01"),
        LetteringChange("keep", "1", (10, 10, 30, 30)),
        LetteringChange("letters", "1", (10, 10, 30, 30)),
    ]
    pipeline.treat_lettering(folder, changes)
    story = load_story(folder)
    (page,) = story.pages
    assert story.lettering == "letters" and page.lettering == "restyle"
    assert [(item.box, item.treat) for item in page.lettering_items] == [((10, 10, 30, 30), "letters")]
    kept = page_kept(story, page, folder, np.asarray(Image.open(folder / page.file)))
    corner = np.zeros((200, 240), np.bool_)
    corner[10:40, 10:40] = True
    assert not kept.whole.any() and (kept.letters == corner).all()
    pipeline.treat_lettering(folder, [LetteringChange("letters", "p01")])
    assert load_story(folder).pages[0].lettering is None
    with pytest.raises(StoryError, match="outside of the page"):
        pipeline.treat_lettering(folder, [LetteringChange("keep", "p01", (200, 0, 99, 9))])


def test_what_is_painted_counts_and_is_never_painted_over(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = lettering_of(*masks())
    monkeypatch.setattr(comicloss.lettering, "find_lettering", lambda picture: found)
    (painted,) = pipeline.paint_lettering(folder, ["p01"])
    assert painted == folder / "lettering" / "p01.png"
    read = painted_lettering(painted, 240, 200)
    assert np.array_equal(read.text, found.text) and np.array_equal(read.balloons, found.balloons)
    Image.new("L", (240, 200), 0).save(painted)
    content = painted.read_bytes()
    assert pipeline.paint_lettering(folder, ["p01"]) == [painted] and painted.read_bytes() == content
    ((path, share),) = pipeline.lettering_overlays(folder).values()
    assert share == 0 and path == folder / "exports" / "lettering" / "p01.png"
    story = load_story(folder)
    assert not story_page(story, story.pages[0], folder)[1].keep.any()


def test_layers_named_for_lettering_come_before_what_is_found(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = masks()
    monkeypatch.setattr(comicloss.lettering, "lettering_layers", lambda path: layers)
    page = StoryPage(file="art/p01.psd")
    blank = np.zeros((200, 240, 3), np.uint8)
    told = page_lettering(page, folder, blank)
    assert np.array_equal(told.balloons, layers[1]) and len(told.boxes) == 3
    assert page_lettering(StoryPage(file="art/p01.png"), folder, blank).boxes == []


@pytest.mark.parametrize("treatment", ["keep", "letters", "restyle"])
def test_treatments_in_a_finished_page(folder: Path, treatment: str) -> None:
    """White strips on gray: only what is kept is as drawn."""
    told = masks()
    page = np.asarray(Image.open(folder / "art" / "p01.png"))
    network = load_stylenet()
    style = network.embed(["blueprint"])[0].detach()
    kept = kept_lettering(lettering_of(*told), treatment)  # type: ignore[arg-type]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    finished = stylize_page(network, page, [(Box(0, 0, 240, 200), style)], scale=0.5, kept=kept)
    torch.set_num_threads(threads)
    same = (finished == page).all(axis=2)
    strokes = np.zeros((200, 240), np.bool_)
    strokes[64:76, 34:56:4] = True
    balloon = np.s_[42:98, 22:68]
    assert same[told[1]].all() == (treatment == "keep")
    assert same[strokes].all() == (treatment != "restyle")
    assert (same[balloon].mean() < 0.3) == (treatment != "keep")
    assert same[110:, :].mean() < 0.3
