"""Sheets have the size asked for and show what they were given."""

from __future__ import annotations

import numpy as np

from pages.sheet import before_after, grid


def flat(color: tuple[int, int, int], height: int = 90, width: int = 60) -> np.ndarray:
    return np.full((height, width, 3), color, np.uint8)


def share(sheet: np.ndarray, color: tuple[int, int, int]) -> float:
    return float((sheet == color).all(2).mean())


def test_before_stands_left_and_after_right() -> None:
    sheet = before_after([(flat((255, 0, 0)), flat((0, 0, 255)))] * 2, ["Page 1", "Page 2"], width=800)
    assert sheet.shape[1:] == (800, 3)
    red, blue = (np.flatnonzero((sheet == color).all(2).any(0)) for color in ((255, 0, 0), (0, 0, 255)))
    assert red.max() < blue.min()
    assert len(red) == len(blue)
    assert share(sheet, (255, 0, 0)) > 0.3


def test_a_grid_fits_pictures_of_any_shape() -> None:
    pictures = [flat((0, 200, 0), 10, 100), flat((0, 200, 0), 300, 20), flat((0, 200, 0), 1, 1)]
    sheet = grid(pictures, ["a", "a label much too long for its cell", ""], columns=2, cell=120)
    columns = (sheet == (0, 200, 0)).all(2)
    assert sheet.shape[1] == 2 * 120 + 3 * 8
    assert columns.any()
