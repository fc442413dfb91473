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
from comicloss.data import working_page
from comicloss.lettering import (
    KEEP_ALL,
    LetteringPlan,
    ink,
    lettering_plan,
    mask_picture,
    page_lettering,
    read_mask,
)
from comicloss.story import Story, StoryPage, StoryPanel, Style, load_story, save_story
from comicloss.stylize import stylize_page
from pages.errors import StoryError
from pages.lettering import Lettering
from pages.model import Box
from styles.registry import load_stylenet

Mask = NDArray[np.bool_]


def masks() -> tuple[Mask, Mask]:
    """Two balloons with letters, and one in which no letters were found, on a page of 120 x 100."""
    text, balloons = np.zeros((2, 100, 120), np.bool_)
    for left in (10, 50, 90):
        balloons[20:50, left : left + 25] = True
    text[30:40, 15:30] = True
    text[30:40, 55:70] = True
    return text, balloons


def test_all_is_kept_or_letters_alone_or_nothing() -> None:
    text, balloons = masks()
    kept = KEEP_ALL.kept(text, balloons, 1.0)
    assert (kept.whole == balloons).all() and not kept.letters.any()
    kept = LetteringPlan("letters").kept(text, balloons, 1.0)
    empty = balloons & (np.arange(120) >= 90)
    assert not kept.whole.any() and (kept.letters == text | empty).all()
    kept = LetteringPlan("restyle").kept(text, balloons, 1.0)
    assert not kept.any.any()


def test_an_item_is_the_part_that_lies_mostly_in_its_box() -> None:
    text, balloons = masks()
    items = (
        (Box(80, 40, 160, 110), "letters"),
        (Box(46, 40, 66, 110), "restyle"),
        (Box(0, 140, 60, 200), "keep"),
    )
    plan = LetteringPlan("keep", items)  # the page has twice the size
    kept = plan.kept(text, balloons, 0.5)
    first, second = balloons & (np.arange(120) < 40), balloons & (np.arange(120) >= 90)
    box = np.zeros_like(text)
    box[70:100, 0:30] = True  # nothing was found there
    assert (kept.whole == first | second | box).all()
    assert (kept.letters == text & ~first).all()


def test_a_mask_picture_is_read_back_even_after_a_soft_brush(tmp_path: Path) -> None:
    text, balloons = masks()
    Image.fromarray(mask_picture(text, balloons)).save(tmp_path / "m.png")
    assert all(
        (read == told).all() for read, told in zip(read_mask(tmp_path / "m.png"), masks(), strict=True)
    )
    Image.fromarray(mask_picture(text, balloons)).save(tmp_path / "m.jpg", quality=60)
    for read, told in zip(read_mask(tmp_path / "m.jpg"), masks(), strict=True):
        assert (read == told).mean() > 0.99


def test_ink_is_what_is_drawn_on_the_paper_of_a_balloon() -> None:
    page = np.full((40, 60, 3), (250, 240, 200), np.uint8)
    page[10:20, 10:14] = 20
    page[10:20, 20:24] = (150, 140, 120)
    mask = np.zeros((40, 60), np.bool_)
    mask[5:25, 5:30] = True
    share = ink(page, mask)
    assert (share[10:20, 10:14] == 1).all() and 0.5 < share[15, 22] <= 1
    assert share[~mask].max() == 0 and share[5:9].max() == 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "art").mkdir()
    page = np.full((200, 240, 3), 180, np.uint8)
    text, balloons = (mask.repeat(2, 0).repeat(2, 1) for mask in masks())
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
    plan = lettering_plan(story, page, folder)
    assert plan == LetteringPlan("restyle", ((Box(10, 10, 40, 40), "letters"),))
    pipeline.treat_lettering(folder, [LetteringChange("letters", "p01")])
    assert load_story(folder).pages[0].lettering is None
    with pytest.raises(StoryError, match="outside of the page"):
        pipeline.treat_lettering(folder, [LetteringChange("keep", "p01", (200, 0, 99, 9))])


def test_what_is_painted_counts_and_is_never_painted_over(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Lettering(*(mask.repeat(2, 0).repeat(2, 1) for mask in masks()))
    monkeypatch.setattr(comicloss.lettering, "find_lettering", lambda picture: found)
    (painted,) = pipeline.paint_lettering(folder, ["p01"])
    assert painted == folder / "lettering" / "p01.png"
    assert all(map(np.array_equal, read_mask(painted), (found.text, found.balloons)))
    Image.new("L", (240, 200), 0).save(painted)
    content = painted.read_bytes()
    assert pipeline.paint_lettering(folder, ["p01"]) == [painted] and painted.read_bytes() == content
    ((path, share),) = pipeline.lettering_overlays(folder).values()
    assert share == 0 and path == folder / "exports" / "lettering" / "p01.png"
    story = load_story(folder)
    plan = lettering_plan(story, story.pages[0], folder)
    assert not working_page(np.zeros((200, 240, 3), np.uint8), 0.5, plan).keep.any()


def test_layers_named_for_lettering_come_before_what_is_found(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = tuple(mask.repeat(2, 0).repeat(2, 1) for mask in masks())
    monkeypatch.setattr(comicloss.lettering, "lettering_layers", lambda path: layers)
    page = StoryPage(file="art/p01.psd")
    story = load_story(folder)
    assert lettering_plan(story, page, folder).told is layers
    told = page_lettering(story, page, folder, np.zeros((200, 240, 3), np.uint8))
    assert np.array_equal(told.balloons, layers[1]) and len(told.boxes) == 3
    assert lettering_plan(story, story.pages[0], folder).told is None


@pytest.mark.parametrize("treatment", ["keep", "letters", "restyle"])
def test_treatments_in_a_finished_page(folder: Path, treatment: str) -> None:
    """White strips on gray: only what is kept is as drawn."""
    told = tuple(mask.repeat(2, 0).repeat(2, 1) for mask in masks())
    page = np.asarray(Image.open(folder / "art" / "p01.png"))
    network = load_stylenet()
    style = network.embed(["blueprint"])[0].detach()
    plan = LetteringPlan(treatment, told=(told[0], told[1]))  # type: ignore[arg-type]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    finished = stylize_page(network, page, [(Box(0, 0, 240, 200), style)], scale=0.5, plan=plan)
    torch.set_num_threads(threads)
    same = (finished == page).all(axis=2)
    strokes = np.zeros((200, 240), np.bool_)
    strokes[64:76, 34:56:4] = True
    balloon = np.s_[42:98, 22:68]
    assert same[told[1]].all() == (treatment == "keep")
    assert same[strokes].all() == (treatment != "restyle")
    assert (same[balloon].mean() < 0.3) == (treatment != "keep")
    assert same[110:, :].mean() < 0.3
