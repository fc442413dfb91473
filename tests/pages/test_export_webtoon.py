"""Webtoon slices: they are the strip, none cuts a balloon, and gutters are taken where there are any."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from exported_pages import noise
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pages.errors import Stopped
from pages.export import StripPage, write_webtoon
from pages.export.webtoon import slice_strip
from pages.model import Box

WIDTH = 40


def cuts(slices: list[np.ndarray]) -> list[int]:
    """Rows of the strip above which it was cut."""
    return list(np.cumsum([len(part) for part in slices]))[:-1]


def sliced(*pages: StripPage, height: int) -> list[np.ndarray]:
    return list(slice_strip(pages, width=WIDTH, height=height))


@st.composite
def strips(draw: st.DrawFn) -> list[StripPage]:
    """Pages at the strip's own width, so that nothing is resampled."""
    pages = []
    for _ in range(draw(st.integers(1, 4))):
        height = draw(st.integers(1, 150))
        boxes = []
        for _ in range(draw(st.integers(0, 4))):
            top = draw(st.integers(0, height - 1))
            boxes.append(Box(3, top, 20, draw(st.integers(top + 1, height))))
        panels = [Box(0, 5, WIDTH, height)] if draw(st.booleans()) and height > 5 else []
        picture = noise(height, WIDTH, draw(st.integers(0, 99)))
        for _ in range(draw(st.integers(0, 3))):
            row = draw(st.integers(0, height - 1))
            picture[row : row + draw(st.integers(1, 20))] = 255
        pages.append(StripPage(picture, boxes, panels))
    return pages


@given(pages=strips(), height=st.integers(20, 120))
def test_the_slices_are_the_strip_and_never_cut_lettering(pages: list[StripPage], height: int) -> None:
    slices = sliced(*pages, height=height)
    assert (np.concatenate(slices) == np.concatenate([page.picture for page in pages])).all()
    tops = np.cumsum([0, *(len(page.picture) for page in pages)])
    allowed, clear = np.ones((2, tops[-1] + 1), bool)
    for top, page in zip(tops, pages, strict=False):
        for box in page.lettering:
            allowed[top + box.top + 1 : top + box.bottom] = False
            # As far as resampling might have blurred it, had there been any, and not beyond its page.
            last = min(box.bottom + 3, len(page.picture))
            clear[top + max(box.top - 3, 0) + 1 : top + last] = False
    for top, above, below in zip(tops[1:], pages, pages[1:], strict=False):
        ends = any(box.bottom >= len(above.picture) - 1 for box in above.lettering)
        if ends and any(box.top <= 1 for box in below.lettering):  # lettering that runs on
            clear[top] = False
    assert allowed[cuts(slices)].all()
    for start, part in zip([0, *cuts(slices)], slices, strict=True):
        if len(part) > height:  # only where lettering leaves no choice
            assert not clear[start + 1 : start + height + 1].any()


@given(data=st.data(), full_width=st.integers(20, 300), height=st.integers(100, 200))
def test_lettering_is_whole_after_scaling_too(data, full_width: int, height: int) -> None:
    picture = np.full((400, full_width, 3), 255, np.uint8)
    boxes = []
    for _ in range(data.draw(st.integers(1, 5))):
        top = data.draw(st.integers(0, 390))
        box = Box(2, top, full_width - 2, data.draw(st.integers(top + 1, min(top + 60, 400))))
        picture[box.top : box.bottom, box.left : box.right] = 0
        boxes.append(box)
    slices = list(slice_strip([StripPage(picture, boxes)], width=100, height=height))
    strip = np.concatenate(slices)
    for cut in cuts(slices):  # a cut in a letter would have ink on both sides
        assert strip[cut - 1].min() == 255
        assert strip[cut].min() == 255


def page_with_gutters(*gutters: int, height: int = 300) -> tuple[np.ndarray, list[Box]]:
    """Panels of noise with white gutters of ten rows that begin there."""
    picture = noise(height, WIDTH)
    panels, top = [], 0
    for gutter in (*gutters, height):
        panels.append(Box(0, top, WIDTH, gutter))
        picture[gutter : gutter + 10] = 255
        top = gutter + 10
    return picture, panels


def test_gutters_come_first() -> None:
    picture, panels = page_with_gutters(80, 180)
    slices = sliced(StripPage(picture, (), panels), height=120)
    assert cuts(slices) == [85, 185]


def test_without_a_gutter_it_cuts_between_panels() -> None:
    panels = [Box(0, 0, 20, 90), Box(20, 0, 40, 88), Box(0, 90, 40, 180)]
    slices = sliced(StripPage(noise(180, WIDTH), (), panels), height=110)
    assert cuts(slices) == [90]


def test_a_panel_too_high_is_cut_where_it_is_calm() -> None:
    picture = noise(300, WIDTH)
    picture[140:146] = (200, 210, 220)
    slices = sliced(StripPage(picture, (), [Box(0, 0, WIDTH, 300)]), height=200)
    assert cuts(slices) == [pytest.approx(143, abs=3)]


def test_a_balloon_higher_than_the_limit_is_left_whole() -> None:
    lettering = [Box(0, 10, 30, 170)]
    slices = sliced(StripPage(noise(300, WIDTH), lettering), height=100)
    assert len(slices[0]) < 100 < len(slices[1])
    assert all(not 10 < cut < 170 for cut in cuts(slices))


def test_a_balloon_across_two_pages_is_left_whole() -> None:
    first = StripPage(noise(100, WIDTH), [Box(5, 80, 30, 100)])
    second = StripPage(noise(100, WIDTH, 1), [Box(5, 0, 30, 20)])
    slices = sliced(first, second, height=110)
    assert cuts(slices)
    assert all(not 80 < cut < 120 for cut in cuts(slices))


def test_one_page_is_asked_for_at_a_time(tmp_path: Path) -> None:
    """Before the fourth page is asked for, slices of the first are on disk."""

    def pages() -> Iterator[StripPage]:
        for number in range(6):
            if number == 3:
                assert any(tmp_path.rglob("001.jpg"))
            yield StripPage(noise(100, WIDTH, number))

    slices = write_webtoon(tmp_path / "w", pages(), width=WIDTH, height=100, suffix=".jpg")
    assert [part.height for part in slices] == [100] * 6
    with Image.open(slices[2].path) as image:
        assert image.format == "JPEG"
        assert np.abs(np.asarray(image).astype(int) - noise(100, WIDTH, 2)).mean() < 12


def test_only_the_slice_with_lettering_higher_than_the_limit_is_too_high(tmp_path: Path) -> None:
    page = StripPage(noise(300, WIDTH), [Box(0, 0, 30, 170)])
    slices = write_webtoon(tmp_path / "w", [page], width=WIDTH, height=140)
    assert [part.height > 140 for part in slices] == [True, False]


def test_a_new_strip_replaces_the_old_one(tmp_path: Path) -> None:
    write_webtoon(tmp_path / "w", [StripPage(noise(300, WIDTH))], width=WIDTH, height=100)
    write_webtoon(tmp_path / "w", [StripPage(noise(90, WIDTH))], width=WIDTH, height=100)
    assert [path.name for path in (tmp_path / "w").iterdir()] == ["001.png"]
    with pytest.raises(Stopped):
        write_webtoon(tmp_path / "w", [StripPage(noise())], stop=lambda: True)
    assert [path.name for path in (tmp_path / "w").iterdir()] == ["001.png"]
