"""What must not change does not change by a single level."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pages.compose import compose_page
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
    stylized = [(box, random.integers(0, 256, (box.height, box.width, 3), np.uint8)) for box in panels]
    before = original.copy()
    page = compose_page(original, stylized, keep)
    assert (original == before).all()
    outside = np.ones((SIZE, SIZE), bool)
    expected = original.astype(float)
    for box, picture in stylized:
        window = np.s_[box.top : box.bottom, box.left : box.right]
        outside[window] = False
        share = keep[window][..., None]
        expected[window] = share * original[window] + (1 - share) * picture
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
    assert (compose_page(original, [(box, same)], keep) == original).all()


def test_a_tall_page_is_done_in_bands_without_seams() -> None:
    original = np.zeros((1500, 8, 3), np.uint8)
    box = Box(1, 3, 7, 1499)
    page = compose_page(original, [(box, np.full((1496, 6, 3), 200, np.uint8))], np.full((1500, 8), 0.5))
    assert (page[3:1499, 1:7] == 100).all()
    assert page.sum() == 1496 * 6 * 3 * 100


@pytest.mark.parametrize("box", [Box(-1, 0, 5, 5), Box(0, 0, SIZE + 1, 5), Box(4, 4, 4, 8)])
def test_a_box_outside_the_page_is_refused(box: Box) -> None:
    page = np.zeros((SIZE, SIZE, 3), np.uint8)
    with pytest.raises(ValueError, match="inside"):
        compose_page(page, [(box, page[:5, :5])], np.zeros((SIZE, SIZE)))


def test_shapes_must_fit() -> None:
    page = np.zeros((SIZE, SIZE, 3), np.uint8)
    with pytest.raises(ValueError, match="keep"):
        compose_page(page, [], np.zeros((SIZE, 3)))
    with pytest.raises(ValueError, match="shape"):
        compose_page(page, [(Box(0, 0, 5, 5), page[:4, :5])], np.zeros((SIZE, SIZE)))
