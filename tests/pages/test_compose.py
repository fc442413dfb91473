"""What must not change does not change by a single level."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pages.compose import StylizedPanel, compose_page, covered
from pages.model import Box

SIZE = 40


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    left, top = draw(st.integers(0, SIZE - 2)), draw(st.integers(0, SIZE - 2))
    return Box(left, top, draw(st.integers(left + 1, SIZE)), draw(st.integers(top + 1, SIZE)))


@settings(max_examples=60, deadline=None)
@given(panels=st.lists(boxes(), max_size=4), seed=st.integers(0, 2**32 - 1))
def test_against_the_formula_pixel_by_pixel(panels: list[Box], seed: int) -> None:
    random = np.random.default_rng(seed)
    original = random.integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    keep = random.choice([0, 0.25, 0.5, 1], (SIZE, SIZE))
    stylized = [
        StylizedPanel(box, random.integers(0, 256, (box.height, box.width, 3), np.uint8)) for box in panels
    ]
    before = original.copy()
    page = compose_page(original, stylized, keep)
    assert (original == before).all()
    outside = np.ones((SIZE, SIZE), bool)
    expected = original.astype(float)
    for panel in stylized:
        box = panel.box
        window = np.s_[box.top : box.bottom, box.left : box.right]
        outside[window] = False
        share = keep[window][..., None]
        expected[window] = share * original[window] + (1 - share) * panel.picture
    assert (page[outside] == original[outside]).all()
    assert (page[keep == 1] == original[keep == 1]).all()
    assert np.abs(page - expected).max() <= 0.5


@given(box=boxes(), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_a_stylized_panel_equal_to_the_original_changes_nothing(box: Box, seed: int) -> None:
    random = np.random.default_rng(seed)
    original = random.integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    keep = random.random((SIZE, SIZE)).astype(np.float32)
    same = original[box.top : box.bottom, box.left : box.right]
    assert (compose_page(original, [StylizedPanel(box, same)], keep) == original).all()


def test_a_tall_page_is_done_in_bands_without_seams() -> None:
    original = np.zeros((1500, 8, 3), np.uint8)
    box = Box(1, 3, 7, 1499)
    page = compose_page(
        original, [StylizedPanel(box, np.full((1496, 6, 3), 200, np.uint8))], np.full((1500, 8), 0.5)
    )
    assert (page[3:1499, 1:7] == 100).all()
    assert page.sum() == 1496 * 6 * 3 * 100


@pytest.mark.parametrize("box", [Box(-1, 0, 5, 5), Box(0, 0, SIZE + 1, 5), Box(4, 4, 4, 8)])
def test_a_box_outside_the_page_is_refused(box: Box) -> None:
    page = np.zeros((SIZE, SIZE, 3), np.uint8)
    with pytest.raises(ValueError, match="inside"):
        compose_page(page, [StylizedPanel(box, page[:5, :5])], np.zeros((SIZE, SIZE)))


def test_shapes_must_fit() -> None:
    page = np.zeros((SIZE, SIZE, 3), np.uint8)
    with pytest.raises(ValueError, match="keep"):
        compose_page(page, [], np.zeros((SIZE, 3)))
    with pytest.raises(ValueError, match="shape"):
        compose_page(page, [StylizedPanel(Box(0, 0, 5, 5), page[:4, :5])], np.zeros((SIZE, SIZE)))


@st.composite
def polygons(draw: st.DrawFn) -> tuple[tuple[int, int], ...]:
    """Corners around a middle."""
    count = draw(st.integers(3, 7))
    angles = sorted(draw(st.lists(st.floats(0, 6.28), min_size=count, max_size=count, unique=True)))
    radii = draw(st.lists(st.floats(3, 19), min_size=count, max_size=count))
    return tuple(
        (round(20 + r * np.cos(a)), round(20 + r * np.sin(a))) for a, r in zip(angles, radii, strict=True)
    )


def area(polygon: tuple[tuple[int, int], ...]) -> float:
    """Gauss's shoelace formula."""
    x, y = np.array(polygon).T
    return abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


POINT = st.tuples(st.integers(0, SIZE), st.integers(0, SIZE))


@given(polygon=st.tuples(POINT, POINT, POINT))
def test_coverage_adds_up_to_the_area_of_a_triangle(polygon: tuple[tuple[int, int], ...]) -> None:
    share = covered(polygon, Box(0, 0, SIZE, SIZE))
    assert share.min() >= 0
    assert share.max() <= 1
    assert share.sum() == pytest.approx(area(polygon), abs=0.5)


def test_an_upright_polygon_is_its_box() -> None:
    share = covered(((3, 4), (20, 4), (20, 33), (3, 33)), Box(0, 0, SIZE, SIZE))
    expected = np.zeros((SIZE, SIZE))
    expected[4:33, 3:20] = 1
    assert (share == expected).all()


def test_a_slanted_edge_is_smooth_over_a_pixel() -> None:
    share = covered(((0, 0), (40, 0), (0, 40)), Box(0, 0, SIZE, SIZE))
    y, x = np.mgrid[:SIZE, :SIZE]
    assert (share[x + y < 39] == 1).all()
    assert (share[x + y > 39] == 0).all()
    assert np.allclose(share[x + y == 39], 0.5)


@given(polygon=polygons(), seed=st.integers(0, 2**32 - 1), later=boxes())
@settings(max_examples=60, deadline=None)
def test_polygons_in_a_page(polygon: tuple[tuple[int, int], ...], seed: int, later: Box) -> None:
    random = np.random.default_rng(seed)
    original = random.integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    x, y = np.array(polygon).T
    box = Box(int(x.min()), int(y.min()), int(x.max()), int(y.max()))
    if not box.width or not box.height:
        return
    share = covered(polygon, Box(0, 0, SIZE, SIZE))
    inset = StylizedPanel(later, random.integers(0, 256, (later.height, later.width, 3), np.uint8))
    drawn = random.integers(0, 256, (box.height, box.width, 3), np.uint8)
    slanted = StylizedPanel(box, drawn, polygon)
    keep = np.zeros((SIZE, SIZE))
    under = compose_page(original, [inset], keep)
    page = compose_page(original, [inset, slanted], keep)
    assert (page[share == 0] == under[share == 0]).all()
    whole = original.copy()
    whole[box.top : box.bottom, box.left : box.right] = drawn
    assert (page[share == 1] == whole[share == 1]).all()
    assert np.abs(page - (under + share[..., None] * (whole.astype(float) - under))).max() <= 0.51
    same = StylizedPanel(box, original[box.top : box.bottom, box.left : box.right], polygon)
    assert (compose_page(original, [same], random.random((SIZE, SIZE))) == original).all()


def test_a_polygon_in_a_tall_page_has_no_seams() -> None:
    original = np.zeros((1500, 30, 3), np.uint8)
    polygon = ((0, 0), (30, 0), (10, 1500), (0, 1500))
    panel = StylizedPanel(Box(0, 0, 30, 1500), np.full((1500, 30, 3), 200, np.uint8), polygon)
    page = compose_page(original, [panel], np.zeros((1500, 30)))
    widths = page[..., 0].sum(1) / 200
    expected = 30 - 20 * (np.arange(1500) + 0.5) / 1500
    assert np.abs(widths - expected).max() < 0.02
