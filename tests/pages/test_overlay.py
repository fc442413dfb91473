"""Overlays show where things are, and how sure that is."""

from __future__ import annotations

import numpy as np
import pytest

from pages.overlay import Outline, lettering_overlay, panels_overlay

PAGE = np.full((600, 400, 3), 128, np.uint8)


def square(left: int, top: int, side: int) -> tuple[tuple[int, int], ...]:
    return ((left, top), (left + side, top), (left + side, top + side), (left, top + side))


def outlined(overlay: np.ndarray) -> np.ndarray:
    """Where the overlay is neither paled page nor a gray of the path."""
    return (np.ptp(overlay.astype(int), axis=2) > 60) & (overlay.min(axis=2) < 120)


def test_outlines_follow_the_corners_and_the_page_is_not_changed() -> None:
    page = PAGE.copy()
    triangle = ((60, 80), (340, 80), (60, 500))
    overlay = panels_overlay(page, [Outline(triangle)])
    assert overlay.shape == page.shape and overlay.dtype == np.uint8
    assert (page == PAGE).all()
    for share in np.linspace(0.1, 0.9, 9):  # along the slanted side, nowhere beyond it
        x, y = 340 - 280 * share, 80 + 420 * share
        assert outlined(overlay)[round(y) - 3 : round(y) + 4, round(x) - 3 : round(x) + 4].any()
        assert not outlined(overlay)[round(y) + 8 :, round(x) + 8 :].any()
    assert (overlay[300, 100] == overlay[300, 101]).all()  # the art inside is to be seen


def test_a_doubtful_panel_is_dashed_and_tinted() -> None:
    sure, doubtful = (
        panels_overlay(PAGE, [Outline(square(50, 100, 300), certainty=certainty)])
        for certainty in ("found", "doubtful")
    )
    bottom = np.s_[398:402, 80:320]
    assert outlined(sure)[bottom].any(axis=0).all()
    assert 0.3 < outlined(doubtful)[bottom].any(axis=0).mean() < 0.8
    assert (sure[300, 200] == sure[590, 10]).all()
    assert (doubtful[300, 200] != doubtful[590, 10]).any()


@pytest.mark.parametrize("from_right", [False, True])
def test_a_line_goes_from_number_to_number(from_right: bool) -> None:
    boxes = [square(20, 20, 160), square(220, 20, 160), square(120, 400, 160)]
    alone = [panels_overlay(PAGE, [Outline(box)], from_right=from_right) for box in boxes]
    together = panels_overlay(PAGE, [Outline(box) for box in boxes], from_right=from_right)
    middle = np.s_[200:380, 20:380]  # between the rows only the line from the second to the third
    assert all((picture[middle] == picture[390, 20]).all() for picture in alone)
    drawn = (together[middle] != together[390, 20]).any(axis=2)
    assert drawn.any(axis=1).all() and drawn.mean() < 0.1


def test_tags_stay_on_the_smallest_page() -> None:
    overlay = panels_overlay(PAGE[:12, :9], [Outline(square(0, 0, 9), "p01-01", "doubtful")] * 2)
    assert overlay.shape == (12, 9, 3)
    assert panels_overlay(PAGE, []).std() == 0


def test_letters_and_balloons_are_told_apart() -> None:
    text, balloons = np.zeros((2, 600, 400), np.bool_)
    balloons[100:300, 100:300] = True
    text[180:220, 150:250] = True
    overlay = lettering_overlay(PAGE, text, balloons).astype(int)
    letters, balloon, rest = overlay[200, 200], overlay[130, 130], overlay[500, 200]
    assert letters[0] - letters[2] > 30 and balloon[2] - balloon[0] > 30
    assert (rest == overlay[20, 20]).all()
