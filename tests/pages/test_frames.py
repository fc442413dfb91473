"""Frames of pages drawn by the test, whose pixels are known."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pages.frames import frame_mask
from pages.model import Box, FoundPanel

BOX = Box(60, 80, 460, 620)


def framed(color: str, frame: str | None, *, width: int = 5) -> Image.Image:
    image = Image.new("RGB", (520, 700), "white")
    edges = BOX.left, BOX.top, BOX.right - 1, BOX.bottom - 1
    ImageDraw.Draw(image).rectangle(edges, color, frame, width if frame else 0)
    return image


def test_the_frame_is_found_pixel_by_pixel() -> None:
    mask = frame_mask(np.asarray(framed("skyblue", "black")), [FoundPanel(BOX)])
    stroke = np.asarray(framed("white", "black")).mean(2) < 128
    assert mask[stroke].all()
    near = np.zeros_like(mask)
    near[BOX.top - 2 : BOX.bottom + 2, BOX.left - 2 : BOX.right + 2] = True
    near[BOX.top + 7 : BOX.bottom - 7, BOX.left + 7 : BOX.right - 7] = False
    assert not mask[~near].any()


def test_a_balloon_across_the_frame_does_not_hide_it() -> None:
    image = framed("skyblue", "black")
    ImageDraw.Draw(image).ellipse((20, 200, 160, 330), "white", "black", 3)
    assert frame_mask(np.asarray(image), [FoundPanel(BOX)])[
        BOX.top + 20 : BOX.bottom - 20, BOX.left + 2
    ].all()


def test_no_frame_where_none_is_drawn() -> None:
    for color in ("skyblue", "black", "white"):
        assert not frame_mask(np.asarray(framed(color, None)), [FoundPanel(BOX)]).any()


def test_the_frame_of_a_slanted_panel() -> None:
    corners = ((60, 80), (380, 80), (460, 620), (60, 620))
    image = Image.new("RGB", (520, 700), "white")
    ImageDraw.Draw(image).polygon(corners, "skyblue", "black", 5)
    mask = frame_mask(np.asarray(image), [FoundPanel(BOX, corners)])
    stroke = np.asarray(image).max(2) < 60
    assert mask[stroke].mean() > 0.97
    assert not mask[300:400, 200:300].any()


def test_a_panel_off_the_page() -> None:
    image = np.full((200, 100, 3), 255, np.uint8)
    assert frame_mask(image, [FoundPanel(Box(0, 0, 100, 200))]).shape == (200, 100)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 6])
def test_any_width_of_frame(width: int) -> None:
    mask = frame_mask(np.asarray(framed("skyblue", "black", width=width)), [FoundPanel(BOX)])
    assert mask[np.asarray(framed("white", "black", width=width)).mean(2) < 128].all()


def test_a_black_border_wider_than_frames_are_is_art() -> None:
    assert not frame_mask(np.asarray(framed("skyblue", "black", width=16)), [FoundPanel(BOX)]).any()
