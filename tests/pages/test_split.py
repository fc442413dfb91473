"""Panels of pages drawn by the test, whose boxes and order are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from pages.model import Box, Direction
from pages.order import reading_order
from pages.split import find_panels

WIDTH, HEIGHT = 480, 720
GRID = [Box(24, 24, 234, 228), Box(246, 24, 456, 228), Box(24, 240, 456, 468), Box(24, 480, 456, 696)]


def boxes_of(image: np.ndarray, direction: Direction = "ltr") -> list[Box]:
    return [panel.box for panel in find_panels(image, direction)]


def draw_panel(draw: ImageDraw.ImageDraw, box: Box, random: np.random.Generator, *, frame: bool) -> None:
    """Flat tone, a figure and some lines, within the box."""
    edges = (box.left, box.top, box.right - 1, box.bottom - 1)
    draw.rectangle(edges, tuple(int(c) for c in random.integers(110, 200, 3)))
    for _ in range(12):
        x, y = random.integers(box.left + 8, box.right - 60), random.integers(box.top + 8, box.bottom - 60)
        size = random.integers(10, 50)
        draw.ellipse(
            (x, y, x + size, y + size), tuple(int(c) for c in random.integers(0, 256, 3)), "black", 2
        )
    if frame:
        draw.rectangle(edges, outline="black", width=3)


def page(
    panels: list[Box], gutter: tuple[int, int, int] = (255, 255, 255), *, frame: bool = True, seed: int = 0
) -> Image.Image:
    image = Image.new("RGB", (WIDTH, HEIGHT), gutter)
    random = np.random.default_rng(seed)
    for box in panels:
        draw_panel(ImageDraw.Draw(image), box, random, frame=frame)
    return image


def overlap(one: Box, other: Box) -> float:
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    shared = max(width, 0) * max(height, 0)
    return shared / (one.width * one.height + other.width * other.height - shared)


def assert_same(found: list[Box], expected: list[Box], least: float = 0.97) -> None:
    assert len(found) == len(expected), found
    for one, other in zip(found, expected, strict=True):
        assert overlap(one, other) >= least, (one, other)


@pytest.mark.parametrize("gutter", [(255, 255, 255), (0, 0, 0), (240, 225, 190), (35, 50, 80)])
@pytest.mark.parametrize("frame", [True, False])
def test_a_grid_on_a_gutter_of_any_color(gutter: tuple[int, int, int], frame: bool) -> None:
    assert_same(boxes_of(np.asarray(page(GRID, gutter, frame=frame))), GRID, 0.94)


@pytest.mark.parametrize(
    "direction, order", [("ltr", [0, 1, 2, 3]), ("rtl", [1, 0, 2, 3]), ("ttb", [0, 1, 2, 3])]
)
def test_directions(direction: Direction, order: list[int]) -> None:
    assert_same(boxes_of(np.asarray(page(GRID)), direction), [GRID[i] for i in order])


def test_noise_and_compression_of_a_scan_do_not_matter() -> None:
    image = np.asarray(page(GRID)).astype(float)
    noise = np.random.default_rng(1).normal(0, 6, image.shape)
    assert_same(boxes_of(np.clip(image * 0.95 + noise, 0, 255).astype(np.uint8)), GRID, 0.95)


@pytest.mark.parametrize("scale", [0.6, 2, 4])
def test_the_size_of_the_scan_does_not_matter(scale: float) -> None:
    size = round(WIDTH * scale), round(HEIGHT * scale)
    image = np.asarray(page(GRID).resize(size, Image.Resampling.LANCZOS))
    expected = [Box(*(round(side * scale) for side in (b.left, b.top, b.right, b.bottom))) for b in GRID]
    assert_same(boxes_of(image), expected, 0.93)


def test_panels_that_bleed_off_the_page() -> None:
    panels = [Box(0, 0, WIDTH, 300), Box(0, 312, 234, HEIGHT), Box(246, 312, WIDTH, HEIGHT)]
    assert_same(boxes_of(np.asarray(page(panels))), panels)


def test_a_splash_page_is_one_panel() -> None:
    whole = Box(0, 0, WIDTH, HEIGHT)
    assert_same(boxes_of(np.asarray(page([whole], frame=False))), [whole])
    assert boxes_of(np.full((300, 200, 3), 255, np.uint8)) == [Box(0, 0, 200, 300)]


def slanted_page() -> np.ndarray:
    image = page([Box(24, 24, 456, 336), Box(24, 348, 456, 696)])
    draw = ImageDraw.Draw(image)
    draw.polygon([(216, 24), (230, 24), (278, 336), (264, 336)], "white")
    draw.line([(216, 24), (264, 335)], "black", 3)
    draw.line([(230, 24), (278, 335)], "black", 3)
    return np.asarray(image)


def test_slanted_gutters() -> None:
    expected = [Box(24, 24, 264, 336), Box(230, 24, 456, 336), Box(24, 348, 456, 696)]
    assert_same(boxes_of(slanted_page()), expected, 0.93)


def test_a_balloon_across_the_gutter() -> None:
    image = page(GRID)
    ImageDraw.Draw(image).ellipse((198, 90, 288, 144), "white", "black", 3)
    assert_same(boxes_of(np.asarray(image)), GRID, 0.9)


def test_wobbly_pencil_frames() -> None:
    random = np.random.default_rng(3)
    image = Image.new("RGB", (WIDTH, HEIGHT), (250, 248, 243))
    draw = ImageDraw.Draw(image)
    for box in GRID:
        corners = [(box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom)]
        for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
            steps = np.linspace(0, 1, 30)
            wobble = np.cumsum(random.normal(0, 0.6, (30, 2)), 0)
            points = [
                (x0 + (x1 - x0) * t + dx, y0 + (y1 - y0) * t + dy)
                for t, (dx, dy) in zip(steps, wobble - steps[:, None] * wobble[-1], strict=True)
            ]
            draw.line(points, (70, 70, 75), 3)
        x, y = (box.left + box.right) // 2, (box.top + box.bottom) // 2
        draw.ellipse((x - 36, y - 48, x + 36, y + 48), outline=(80, 80, 85), width=3)
    assert_same(boxes_of(np.asarray(image)), GRID, 0.93)


def test_a_webtoon_strip() -> None:
    image = Image.new("RGB", (400, 2000), "white")
    panels = [Box(0, 30 + k * 500, 400, 400 + k * 500) for k in range(4)]
    for seed, box in enumerate(panels):
        draw_panel(ImageDraw.Draw(image), box, np.random.default_rng(seed), frame=True)
    assert_same(boxes_of(np.asarray(image), "ttb"), panels)


def test_page_numbers_are_no_panels() -> None:
    image = page(GRID)
    ImageDraw.Draw(image).text((240, 709), "12", "black", ImageFont.load_default(10), anchor="mm")
    assert_same(boxes_of(np.asarray(image)), GRID)


@pytest.mark.parametrize("shape", [(1, 1), (3, 900), (900, 3), (17, 17)])
def test_tiny_pages_are_one_panel(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    assert len(boxes_of(image)) == 1


@settings(max_examples=6, deadline=None)
@given(cuts=st.lists(st.integers(1, 3), min_size=1, max_size=4), seed=st.integers(0, 99))
def test_rows_of_columns(cuts: list[int], seed: int) -> None:
    """Any page of rows, each of some columns, with its margins: all panels, in order, both ways."""
    height, panels = (HEIGHT - 36) // len(cuts), []
    for row, count in enumerate(cuts):
        width = (WIDTH - 36) // count
        panels += [
            Box(18 + k * width, 18 + row * height, 8 + (k + 1) * width, 8 + (row + 1) * height)
            for k in range(count)
        ]
    image = np.asarray(page(panels, seed=seed))
    assert_same(boxes_of(image), panels)
    assert boxes_of(image) == boxes_of(image.copy())


CASES: list[tuple[str, Direction, list[Box]]] = [
    ("tall first panel", "ltr", [Box(0, 0, 40, 100), Box(50, 0, 100, 45), Box(50, 55, 100, 100)]),
    ("tall last panel", "ltr", [Box(0, 0, 40, 45), Box(0, 55, 40, 100), Box(50, 0, 100, 100)]),
    (
        "tall middle panel",
        "ltr",
        [Box(0, 0, 30, 45), Box(0, 55, 30, 100), Box(35, 0, 65, 100), Box(70, 0, 99, 100)],
    ),
    ("manga", "rtl", [Box(50, 0, 100, 45), Box(50, 55, 100, 100), Box(0, 0, 45, 100)]),
    ("slightly overlapping rows", "ltr", [Box(0, 0, 50, 52), Box(55, 0, 99, 52), Box(0, 48, 99, 99)]),
    ("webtoon", "ttb", [Box(10, 0, 90, 50), Box(0, 60, 50, 99), Box(20, 120, 99, 180)]),
]


@pytest.mark.parametrize("name, direction, boxes", CASES, ids=[case[0] for case in CASES])
@pytest.mark.parametrize("seed", [0, 1])
def test_known_orders(name: str, direction: Direction, boxes: list[Box], seed: int) -> None:
    shuffled = [boxes[i] for i in np.random.default_rng(seed).permutation(len(boxes))]
    assert [shuffled[i] for i in reading_order(shuffled, direction)] == boxes


sides = st.tuples(st.integers(0, 90), st.integers(0, 90), st.integers(1, 60), st.integers(1, 60))


@given(st.lists(sides, max_size=9), st.sampled_from(["ltr", "rtl", "ttb"]))
def test_every_box_is_read_once(corners: list[tuple[int, int, int, int]], direction: Direction) -> None:
    boxes = [Box.from_xywh(*corner) for corner in corners]
    order = reading_order(boxes, direction)
    assert sorted(order) == list(range(len(boxes)))


@given(st.lists(sides, max_size=9, unique=True))
def test_manga_is_the_mirror_of_western(corners: list[tuple[int, int, int, int]]) -> None:
    boxes = [Box.from_xywh(*corner) for corner in corners]
    mirrored = [Box(200 - box.right, box.top, 200 - box.left, box.bottom) for box in boxes]
    left = [boxes[i].xywh for i in reading_order(boxes, "ltr")]
    right = [mirrored[i].xywh for i in reading_order(mirrored, "rtl")]
    assert left == [(200 - x - w, y, w, h) for x, y, w, h in right]


def test_a_slanted_panel_has_a_polygon() -> None:
    left, right, below = find_panels(slanted_page())
    assert below.polygon is None
    assert left.polygon is not None and right.polygon is not None
    corners = np.array([(24, 24), (216, 24), (264, 336), (24, 336)])
    for corner in corners:
        assert np.abs(np.array(left.polygon) - corner).max(1).min() <= 4, (corner, left.polygon)


@pytest.mark.parametrize("factor", [2, 5])
def test_resolution_does_not_change_the_panels(factor: int) -> None:
    image = page(GRID, seed=4)
    ImageDraw.Draw(image).ellipse((198, 90, 288, 144), "white", "black", 3)
    larger = image.resize((WIDTH * factor, HEIGHT * factor), Image.Resampling.BICUBIC)
    found = [
        Box(*(round(edge / factor) for edge in (box.left, box.top, box.right, box.bottom)))
        for box in boxes_of(np.asarray(larger))
    ]
    assert_same(found, boxes_of(np.asarray(image)), 0.97)


def test_dashed_frames() -> None:
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(image)
    for box in GRID:
        for x in range(box.left, box.right, 14):
            draw.line([(x, box.top), (x + 9, box.top)], "black", 2)
            draw.line([(x, box.bottom), (x + 9, box.bottom)], "black", 2)
        for y in range(box.top, box.bottom, 14):
            draw.line([(box.left, y), (box.left, y + 9)], "black", 2)
            draw.line([(box.right, y), (box.right, y + 9)], "black", 2)
        x, y = (box.left + box.right) // 2, (box.top + box.bottom) // 2
        draw.ellipse((x - 36, y - 48, x + 36, y + 48), (120, 120, 120), "black", 3)
    assert_same(boxes_of(np.asarray(image)), GRID, 0.9)


def test_panels_that_share_a_frame() -> None:
    panels = [Box(24, 24, 240, 360), Box(240, 24, 456, 360), Box(24, 360, 456, 696)]
    assert_same(boxes_of(np.asarray(page(panels))), panels, 0.95)


def test_lines_of_letters_are_no_gutters() -> None:
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(22)
    for line in range(16):
        draw.text((30, 40 + 36 * line), "A PAGE WITH NOTHING BUT LETTERS " * 2, "black", font)
    assert len(boxes_of(np.asarray(image))) == 1


def test_a_clear_grid_is_surer_than_a_page_without_gutters() -> None:
    clear = find_panels(np.asarray(page(GRID)))
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (HEIGHT // 24, WIDTH // 24, 3), np.uint8)
    scribble = np.asarray(Image.fromarray(noise).resize((WIDTH, HEIGHT), Image.Resampling.NEAREST)).copy()
    for _ in range(3):  # lines right across, as of a window, that might be gutters or not
        at = int(random.integers(100, HEIGHT - 100))
        scribble[at : at + 4, : WIDTH * 2 // 3] = 255
    assert min(panel.confidence for panel in clear) > 0.8
    assert min(panel.confidence for panel in find_panels(scribble)) < min(p.confidence for p in clear)


def test_an_empty_panel_is_no_margin() -> None:
    image = Image.new("RGB", (200, 280), "white")
    draw = ImageDraw.Draw(image)
    panels = [Box(10, 10, 91, 131), Box(110, 10, 191, 131), Box(10, 150, 191, 271)]
    for box in panels:
        draw.rectangle(
            (box.left, box.top, box.right - 1, box.bottom - 1), "#eeeedd", outline="black", width=2
        )
    draw.ellipse((30, 40, 70, 80), "red", "black")
    draw.rectangle((130, 40, 170, 80), "blue", "black")
    assert_same(boxes_of(np.asarray(image)), panels, 0.93)
