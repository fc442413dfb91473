"""The demo's pages: the same each time, true to their description, in both techniques."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from comicloss.demo import DEMO_STORY, draw_pages, reference_drawings
from comicloss.demo.dragon import DRAGON_COLORS
from comicloss.demo.lettering import text_size
from comicloss.demo.pages import PAGE_HEIGHT, PAGE_WIDTH, draw_page
from comicloss.demo.people import PRINCESS_COLORS
from comicloss.demo.places import CASTLE_COLORS
from comicloss.demo.strokes import LETTERING, Sheet, ellipse, polygon
from pages.split import find_panels

Picture = NDArray[np.uint8]
# A drawn frame may run on past its corners by this much.
OVERSHOOT = 7


@pytest.fixture(scope="module")
def color() -> list[Picture]:
    return draw_pages("color")


@pytest.fixture(scope="module")
def pencil() -> list[Picture]:
    return draw_pages("pencil")


def test_pages_have_their_size(color: list[Picture], pencil: list[Picture]) -> None:
    for page in [*color, *pencil]:
        assert page.shape == (PAGE_HEIGHT, PAGE_WIDTH, 3)
        assert page.dtype == np.uint8
    assert len(color) == len(pencil) == len(DEMO_STORY.pages) == 3


def test_the_same_page_is_drawn_each_time(color: list[Picture]) -> None:
    assert np.array_equal(draw_page(2, "color"), color[1])


def test_panels_lie_on_the_page_apart_from_each_other() -> None:
    for page in DEMO_STORY.pages:
        boxes = [panel.box for panel in page.panels]
        for x, y, width, height in boxes:
            assert x >= 20 and y >= 20 and x + width <= PAGE_WIDTH - 20 and y + height <= PAGE_HEIGHT - 20
        for (ax, ay, aw, ah), (bx, by, bw, bh) in combinations(boxes, 2):
            gap = max(bx - ax - aw, ax - bx - bw, by - ay - ah, ay - by - bh)
            assert gap >= 2 * OVERSHOOT


def test_panels_are_in_reading_order() -> None:
    for page in DEMO_STORY.pages:
        for before, after in zip(page.panels, page.panels[1:], strict=False):
            (ax, ay, aw, ah), (bx, by, _, _) = before.box, after.box
            assert by >= ay + ah or bx >= ax + aw


def test_every_element_is_often_shown_and_often_absent() -> None:
    panels = [panel for page in DEMO_STORY.pages for panel in page.panels]
    assert len(panels) >= 7
    names = {element.name for element in DEMO_STORY.elements}
    assert len(names) == len(DEMO_STORY.elements) == 5
    for name in names:
        shown = sum(name in panel.shows for panel in panels)
        assert shown >= 3
        assert len(panels) - shown >= 3
    assert all(set(panel.shows) <= names for panel in panels)


@pytest.mark.parametrize("rough", ["color", "pencil"])
def test_between_the_panels_is_white_paper(rough: str, request: pytest.FixtureRequest) -> None:
    for page, truth in zip(request.getfixturevalue(rough), DEMO_STORY.pages, strict=True):
        gutter = np.ones(page.shape[:2], dtype=bool)
        for panel in truth.panels:
            x, y, width, height = panel.box
            around = np.s_[y - OVERSHOOT : y + height + OVERSHOOT, x - OVERSHOOT : x + width + OVERSHOOT]
            gutter[around] = False
            edge = page[y : y + 5, x + 20 : x + width - 20].min(axis=(0, 2))
            assert np.mean(edge < 190) > 0.95, "the frame is at the box's edge"
        assert page[gutter].min() >= 245


def test_pencil_has_no_color(pencil: list[Picture]) -> None:
    for page in pencil:
        assert np.ptp(page.astype(int), axis=2).max() <= 8


def test_lettering_is_the_same_in_both(color: list[Picture], pencil: list[Picture]) -> None:
    for inked, penciled in zip(color, pencil, strict=True):
        letters = (inked == LETTERING).all(axis=2)
        assert letters.sum() > 1500
        assert np.array_equal(letters, (penciled == LETTERING).all(axis=2))


def test_who_is_shown_is_really_there(color: list[Picture]) -> None:
    # Colours that nothing else in the story has.
    signatures = {
        "Princess": PRINCESS_COLORS["dress"],
        "Dragon": DRAGON_COLORS["scales"],
        "Princess' castle": CASTLE_COLORS["roofs"],
    }
    for name, signature in signatures.items():
        shares: dict[bool, list[float]] = {True: [], False: []}
        for picture, page in zip(color, DEMO_STORY.pages, strict=True):
            for panel in page.panels:
                x, y, width, height = panel.box
                art = picture[y : y + height, x : x + width].astype(float)
                near = np.linalg.norm(art - np.array(signature), axis=2) < 24
                shares[name in panel.shows].append(float(near.mean()))
        assert min(shares[True]) > 3 * max(shares[False]), (name, shares)


def test_every_element_has_three_reference_drawings() -> None:
    drawings = reference_drawings()
    assert set(drawings) == {element.name for element in DEMO_STORY.elements}
    for pictures in drawings.values():
        assert len(pictures) == 3
        for picture in pictures:
            assert picture.shape == (300, 300, 3)
            assert 0.05 < np.mean(picture.min(axis=2) < 200) < 0.95
        assert not np.array_equal(pictures[0], pictures[1])


def test_a_shape_hides_what_is_under_it() -> None:
    sheet = Sheet(120, 120, "pencil", seed=4)
    sheet.pen.stroke([(0, 60), (120, 60)], 6)
    sheet.pen.shape(ellipse(60, 60, 40), None)
    picture = sheet.render()
    assert picture[55:65, 30:90].min() > 240
    assert picture[55:65, 2:16].min() < 160


def test_marker_color_is_flat_and_near_what_was_asked_for() -> None:
    sheet = Sheet(160, 160, "color", seed=4)
    sheet.pen.shape(polygon((10, 10), (150, 10), (150, 150), (10, 150)), (100, 160, 80), shadow=0)
    inside = sheet.render()[30:130, 30:130].astype(float)
    assert np.abs(inside.mean(axis=(0, 1)) - (100, 160, 80)).max() < 16
    assert inside.std(axis=(0, 1)).max() < 14


def test_a_mirrored_pen_draws_to_the_left() -> None:
    pen = Sheet(10, 10, "color", seed=0).pen.at(5, 5, 2, mirror=True)
    assert np.allclose(pen.place([(1, 1)]), [(3, 7)])
    turned = Sheet(10, 10, "color", seed=0).pen.at(5, 5, 2, turn=90)
    assert np.allclose(turned.place([(1, 0)]), [(5, 7)])


def test_text_grows_with_its_lines() -> None:
    width, height = text_size("HELLO", 20)
    wider, taller = text_size("HELLO\nHELLO THERE", 20)
    assert wider > width and taller > height == 20


@pytest.mark.parametrize("rough", ["color", "pencil"])
def test_the_panels_can_be_found_on_the_pages(rough: str, request: pytest.FixtureRequest) -> None:
    for page, truth in zip(request.getfixturevalue(rough), DEMO_STORY.pages, strict=True):
        found = [panel.box.xywh for panel in find_panels(page)]
        assert np.abs(np.array(found) - [panel.box for panel in truth.panels]).max() <= OVERSHOOT
