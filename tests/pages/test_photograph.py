"""Photographs of sheets whose corners, shape and drawing are known, because the camera is ours."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from benchmarks.camera import Photograph, Scene, take
from pages.errors import InputError
from pages.perspective import sheet_shape
from pages.photograph import find_sheet, looks_photographed, straighten

A4 = 2**0.5
SIZE = (600, 800)


@cache
def drawn(*, filled: bool = False, shape: float = A4) -> NDArray[np.uint8]:
    """A sheet with three framed panels, strokes in them, and a large dark and a large blue fill if wanted."""
    width, height = 600, round(600 * shape)
    sheet = np.full((height, width, 3), 255, np.uint8)
    panels = (40, 40, 560, 300), (40, 330, 290, height - 40), (310, 330, 560, height - 40)
    for left, top, right, bottom in panels:
        cv2.rectangle(sheet, (left, top), (right, bottom), (50, 50, 50), 3, cv2.LINE_AA)
        for stroke in range(5):
            start, end = (left + 20, top + 30 + 40 * stroke), (right - 30, top + 60 + 32 * stroke)
            cv2.line(sheet, start, end, (90, 90, 90), 2, cv2.LINE_AA)
    if filled:
        sheet[335 : height - 45, 45:285] = (25, 25, 30)
        sheet[45:295, 300:555] = (60, 110, 200)
    return sheet


def photograph(sheet: NDArray[np.uint8] | None = None, **scene: object) -> Photograph:
    settings = {"seed": 3, "size": SIZE, "tilt": (16, -9), "turn": 6, "noise": 1.5, "quality": 92} | scene
    return take(drawn() if sheet is None else sheet, Scene(**settings))  # type: ignore[arg-type]


def as_drawn(picture: NDArray[np.uint8], sheet: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return cv2.resize(picture, sheet.shape[1::-1], interpolation=cv2.INTER_AREA)


def gray(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    return picture.astype(np.float64).mean(2)


@pytest.mark.parametrize(
    "scene",
    [
        {"table": "wood"},
        {"table": "dark", "lamp": 1.0},
        {"table": "white"},
        {"table": "cloth", "shadow": "hand"},
        {"table": "tiles", "shadow": "soft"},
        {"table": "clutter", "shadow": "phone"},
        {"rounding": 0.03},
        {"fill": 1.04, "shift": (0.04, 0.0), "turn": 3},
    ],
    ids=str,
)
def test_the_corners_are_found_to_a_pixel(scene: dict[str, object]) -> None:
    photo = photograph(**scene)
    error = np.linalg.norm(find_sheet(photo.picture) - photo.corners, axis=1)
    assert error.max() < 1.5


def test_dark_panels_are_not_taken_for_the_table() -> None:
    photo = photograph(drawn(filled=True), table="dark")
    assert np.abs(find_sheet(photo.picture) - photo.corners).max() < 1.5


def test_of_an_open_notebook_the_page_in_the_picture_is_taken() -> None:
    photo = photograph(binding="facing", fill=0.8, shift=(0.08, 0.0), turn=2, tilt=(10, 4), size=(900, 1200))
    found = find_sheet(photo.picture)
    assert np.abs(found[[1, 2]] - photo.corners[[1, 2]]).max() < 2
    assert np.abs(found[[0, 3]] - photo.corners[[0, 3]]).max() < 0.02 * 900  # a fold is soft


@given(
    pitch=st.floats(8, 30),
    yaw=st.floats(-20, 20),
    turn=st.floats(-30, 30),
    shape=st.sampled_from([A4, 11 / 8.5, 1.0, 0.8, 1.6]),
)
@settings(max_examples=40, deadline=None)
def test_the_shape_of_a_sheet_follows_from_its_corners(
    pitch: float, yaw: float, turn: float, shape: float
) -> None:
    """Against a pinhole camera, closed form."""
    rotation, _ = cv2.Rodrigues(np.deg2rad([pitch, yaw, 0.0]))
    about_z, _ = cv2.Rodrigues(np.deg2rad([0.0, 0.0, turn]))
    outline = np.array([[-1, -shape, 0], [1, -shape, 0], [1, shape, 0], [-1, shape, 0]], np.float64)
    points = outline @ (rotation @ about_z).T + [0.1, -0.1, 6]
    corners = points[:, :2] / points[:, 2:] * 0.8 * 4000 + [1500, 2000]
    assert sheet_shape(corners, (3000, 4000), snap=False) == pytest.approx(1 / shape, rel=0.01)


def test_a_sheet_seen_from_straight_above_has_the_shape_it_shows() -> None:
    corners = np.array([[200, 100], [800, 100], [800, 1000], [200, 1000]], np.float64)
    assert sheet_shape(corners, (1000, 1100), snap=False) == pytest.approx(600 / 900, rel=1e-3)
    assert sheet_shape(corners + np.array([[0, 0], [30, 0], [30, 0], [0, 0]]), (1000, 1100)) == pytest.approx(
        1 / A4
    )


@pytest.mark.parametrize("shadow", ["none", "soft", "hand", "phone"])
def test_paper_is_flat_and_white_and_the_drawing_is_kept(shadow: str) -> None:
    sheet = drawn()
    photo = photograph(shadow=shadow, lamp=0.9, size=(900, 1200))
    before = photo.picture.copy()
    flat = gray(as_drawn(straighten(photo.picture).picture, sheet))
    truth = gray(sheet)
    bare = cv2.erode((truth > 250).astype(np.uint8), np.ones((11, 11), np.uint8)) > 0
    bare[:12] = bare[-12:] = bare[:, :12] = bare[:, -12:] = False
    low, high = np.percentile(flat[bare], [5, 95])
    assert high - low < 14 and low > 236
    darkest = cv2.erode(flat, np.ones((5, 5), np.uint8))
    assert (darkest[truth < 130] < 215).mean() > 0.99
    assert (photo.picture == before).all()


def test_fills_keep_their_tone_and_color() -> None:
    sheet = drawn(filled=True)
    photo = photograph(sheet, lamp=0.8, shadow="soft", size=(900, 1200), tint=(1.0, 0.85, 0.65))
    flat = as_drawn(straighten(photo.picture).picture, sheet).astype(float)
    dark = flat[360:780, 60:270].reshape(-1, 3).mean(0)
    assert (dark < 75).all()
    red, green, blue = flat[60:110, 320:540].reshape(-1, 3).mean(0)
    assert blue - red > 90 and 60 < green < 150 and blue > 170


@pytest.mark.parametrize("ruling", ["ruled", "squared"])
def test_printed_lines_go_and_drawn_ones_stay(ruling: str) -> None:
    sheet = drawn()
    photo = photograph(ruling=ruling, size=(1200, 1600), lamp=0.6, turn=3)
    kept = gray(as_drawn(straighten(photo.picture).picture, sheet))
    flat = gray(as_drawn(straighten(photo.picture, drop_ruling=True).picture, sheet))
    truth = gray(sheet)
    clear = cv2.dilate((truth < 250).astype(np.uint8), np.ones((9, 9), np.uint8)) == 0
    clear[:15] = clear[-15:] = clear[:, :15] = clear[:, -15:] = False
    printed = photo.ruling & clear
    paper = np.median(flat[clear & ~photo.ruling])
    assert (kept[printed] < paper - 12).mean() > 0.5  # they are seen, so that there is something to remove
    assert (flat[printed] < paper - 12).mean() < 0.05
    darkest = cv2.erode(flat, np.ones((5, 5), np.uint8))
    assert (darkest[truth < 130] < 215).mean() > 0.99


def test_a_line_drawn_on_a_printed_line_stays() -> None:
    sheet = np.full((848, 600, 3), 255, np.uint8)
    row = round(600 / 25 * 12)  # where the camera's ruled paper has a line, give or take its first one
    photo = photograph(sheet, ruling="ruled", size=(1200, 1600), lamp=0.3, tilt=(0, 0), turn=0)
    rows = np.flatnonzero(photo.ruling[:, 300])
    row = int(rows[np.abs(rows - row).argmin()])
    sheet[row - 1 : row + 2, 60:500] = 70
    photo = photograph(sheet, ruling="ruled", size=(1200, 1600), lamp=0.3, tilt=(5, 3), turn=2)
    flat = gray(as_drawn(straighten(photo.picture, drop_ruling=True).picture, sheet))
    darkest = flat[row - 3 : row + 4].min(0)
    assert (darkest[65:495] < 190).mean() > 0.98
    assert (darkest[520:585] < 225).mean() < 0.1


def test_paper_without_ruling_is_not_touched_by_dropping_it() -> None:
    photo = photograph(size=(900, 1200))
    plain, dropped = (straighten(photo.picture, drop_ruling=drop).picture for drop in (False, True))
    assert (plain == dropped).all()


def test_a_flat_scan_comes_back_as_it_is() -> None:
    scan = np.clip(drawn(filled=True).astype(int) - 5, 0, 255).astype(np.uint8)
    result = straighten(scan)
    assert result.picture.shape == scan.shape
    assert np.abs(result.corners - find_sheet(scan)).max() == 0
    assert np.abs(result.picture.astype(int) - scan).mean() < 3


def test_a_quarter_turn_of_the_photograph_turns_the_result() -> None:
    photo = photograph()
    upright = straighten(photo.picture)
    turned = straighten(np.ascontiguousarray(np.rot90(photo.picture)))
    back = np.rot90(turned.picture, -1)
    assert np.abs(np.subtract(back.shape, upright.picture.shape)).max() <= 2
    back = as_drawn(np.ascontiguousarray(back), upright.picture)
    assert np.abs(gray(back) - gray(upright.picture)).mean() < 4


def test_corners_set_by_the_author_are_used() -> None:
    photo = photograph()
    result = straighten(photo.picture, photo.corners)
    assert (result.corners == photo.corners).all()
    height, width = result.picture.shape[:2]
    assert height / width == pytest.approx(A4, rel=0.01)


@pytest.mark.parametrize(
    "corners",
    [
        [[0, 0], [0, 10], [10, 10], [10, 0]],
        [[0, 0], [10, 10], [10, 0], [0, 10]],
        [[0, 0], [10, 0], [10, 10]],
        [[0, 0], [10, 0], [10, float("nan")], [0, 10]],
    ],
)
def test_corners_that_are_none_are_refused(corners: list[list[float]]) -> None:
    with pytest.raises(InputError):
        straighten(photograph().picture, np.array(corners))


@pytest.mark.parametrize("table", ["wood", "dark", "white", "cloth", "clutter"])
def test_a_photograph_is_recognized(table: str) -> None:
    assert looks_photographed(photograph(table=table).picture)


def test_scans_screens_and_strips_are_not_taken_for_photographs() -> None:
    random = np.random.default_rng(0)
    scan = np.clip(drawn().astype(int) - 6 + random.normal(0, 2, drawn().shape), 0, 255).astype(np.uint8)
    bleed = drawn(filled=True).copy()
    bleed[:250] = (30, 25, 60)
    framed = cv2.copyMakeBorder(drawn(), 50, 50, 50, 50, cv2.BORDER_CONSTANT, value=(40, 40, 40))
    strip = np.vstack([drawn(filled=True)] * 6)
    for picture in (scan, drawn(), drawn(filled=True), bleed, framed, strip):
        assert not looks_photographed(picture)


@given(
    st.integers(1, 90),
    st.integers(1, 90),
    st.sampled_from(["noise", "flat", "ramp"]),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=20, deadline=None)
def test_any_picture_has_four_corners_and_a_straight_page(
    width: int, height: int, kind: str, seed: int
) -> None:
    picture = {
        "noise": np.random.default_rng(seed).integers(0, 256, (height, width, 3)),
        "flat": np.full((height, width, 3), seed % 256),
        "ramp": np.broadcast_to(np.linspace(0, 255, width)[None, :, None], (height, width, 3)),
    }[kind].astype(np.uint8)
    corners = find_sheet(picture)
    assert corners.shape == (4, 2) and np.isfinite(corners).all()
    assert straighten(picture, drop_ruling=True).picture.dtype == np.uint8
    looks_photographed(picture)
