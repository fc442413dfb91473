"""What of lettering stays as drawn: by treatments, by single balloons, and how its edges are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pages.keeping import Kept, kept_lettering, kept_share
from pages.lettering import Lettering, lettering_of
from pages.model import Box

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
def lettering() -> Lettering:
    return lettering_of(*masks())


def test_all_is_kept_or_letters_alone_or_nothing(lettering: Lettering) -> None:
    text, balloons = masks()
    kept = kept_lettering(lettering)
    assert (kept.whole == balloons).all() and not kept.letters.any()
    kept = kept_lettering(lettering, "letters")
    empty = balloons & (np.arange(240) >= 180)
    assert not kept.whole.any() and (kept.letters == text | empty).all()
    kept = kept_lettering(lettering, "restyle")
    assert not kept.whole.any() and not kept.letters.any()


def test_an_item_is_the_balloon_that_lies_mostly_in_its_box(lettering: Lettering) -> None:
    text, balloons = masks()
    items = [
        (Box(80, 40, 160, 110), "letters"),
        (Box(46, 40, 66, 110), "restyle"),
        (Box(0, 140, 60, 200), "keep"),
    ]
    kept = kept_lettering(lettering, "keep", items)  # type: ignore[arg-type]
    box = np.zeros_like(text)
    box[140:200, 0:60] = True  # nothing was found there
    columns = np.arange(240)
    assert (kept.whole == balloons & ((columns < 80) | (columns >= 180)) | box).all()
    assert (kept.letters == text & (columns >= 80)).all()


def test_of_two_items_for_one_balloon_the_last_decides(lettering: Lettering) -> None:
    box = Box(10, 30, 80, 110)
    kept = kept_lettering(lettering, "restyle", [(box, "letters"), (box, "keep")])
    assert kept.whole[40:100, 20:70].all() and not kept.letters.any()


@given(st.floats(0.5, 3), st.integers(0, 2**32 - 1))
def test_what_is_whole_is_all_there_with_a_soft_edge_as_wide_as_asked(feather: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    whole = np.zeros((60, 80), np.bool_)
    for y, x in random.integers(0, (50, 70), (3, 2)):
        whole[y : y + 10, x : x + 10] = True
    page = np.full((60, 80, 3), 200, np.uint8)
    share = kept_share(page, Kept(whole, np.zeros_like(whole)), feather=feather)
    assert (share[whole] == 1).all() and share.min() >= 0
    y, x = np.nonzero(whole)
    rows, columns = np.mgrid[:60, :80]
    away = np.sqrt(((rows[..., None] - y) ** 2 + (columns[..., None] - x) ** 2).min(axis=-1))
    assert (share[away > 1.06 * (feather + 1)] == 0).all()  # the distance is a chamfer's
    assert (share[(away > 0) & (away < 0.94 * (feather + 1))] > 0).all() and (share[~whole] < 1).all()


@pytest.mark.parametrize(("outline", "art"), [(0, 190), (240, 60)])
def test_the_art_beside_an_outline_is_no_halo(outline: int, art: int) -> None:
    page = np.full((60, 80, 3), art, np.uint8)
    page[20:40, 20:60] = outline
    page[19, 20:60] = page[40, 20:60] = (outline + art) // 2  # a soft edge
    page[22:38, 22:58] = 255 - outline
    whole = np.zeros((60, 80), np.bool_)
    whole[20:40, 20:60] = True
    share = kept_share(page, Kept(whole, np.zeros_like(whole)), feather=2)
    assert (share[whole] == 1).all()
    assert (share[19, 20:60] > 0.1).all() and (share[19, 20:60] < 0.6).all()
    assert (share[18] == 0).all() and (share[:, 19] == 0).all() and (share[:, 60] == 0).all()


def test_nothing_kept_is_a_share_of_nothing() -> None:
    nothing = np.zeros((5, 4), np.bool_)
    assert not kept_share(np.zeros((5, 4, 3), np.uint8), Kept(nothing, nothing), feather=1).any()


@pytest.mark.parametrize(("paper", "ink"), [((250, 240, 200), 20), (255, 130), ((20, 30, 60), 230), (180, 0)])
def test_of_letters_the_ink_is_kept_and_the_paper_is_not(paper: object, ink: int) -> None:
    page = np.full((60, 80, 3), paper, np.uint8)
    letters = np.zeros((60, 80), np.bool_)
    mask = letters.copy()
    for left in (10, 24, 38):
        letters[20:40, left : left + 5] = True
        mask[17:43, left - 3 : left + 8] = True
    page[letters] = ink
    share = kept_share(page, Kept(np.zeros_like(mask), mask), feather=1)
    assert (share[letters] == 1).all() and (share[~letters] == 0).all()


def test_half_of_an_edge_is_less_than_half_kept() -> None:
    """A letter's soft edge has its paper in it, which would be a halo on a darker balloon."""
    page = np.full((40, 40, 3), 255, np.uint8)
    page[10:30, 15:20] = 0
    page[10:30, 14] = page[10:30, 20] = 170  # a third of ink
    mask = np.zeros((40, 40), np.bool_)
    mask[7:33, 12:23] = True
    share = kept_share(page, Kept(np.zeros_like(mask), mask), feather=1)
    assert (share[10:30, 15:20] == 1).all() and 0 < share[20, 14] < 0.5


def test_at_another_size_no_letter_is_lost() -> None:
    text = np.zeros((300, 200), np.bool_)
    text[150, 20:180:7] = True  # thinner than a pixel of the smaller page
    balloons = np.zeros_like(text)
    balloons[30:91, 40:101] = True
    small = Kept(balloons, text).resized(66, 100)
    assert small.letters[50].sum() >= 20 and not (small.letters & small.whole).any()
    assert abs(small.whole.sum() - balloons.sum() / 9) < 25
    large = Kept(balloons, text).resized(400, 600)
    assert (large.whole == balloons.repeat(2, 0).repeat(2, 1)).mean() > 0.995
    assert large.letters.any()
