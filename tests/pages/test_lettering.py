"""Balloons and captions drawn by the test, whose places are known."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from pages.lettering import fill_lettering, find_lettering

WIDTH, HEIGHT = 900, 1300
BALLOONS = [
    ((80, 90, 400, 260), "What is that\nup there?"),
    ((520, 330, 840, 500), "A dragon!\nRun, all\nof you!"),
]
CAPTION = ((60, 700, 520, 780), "Later, in the castle of the Princess")


def scene(seed: int = 0) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """Painted ground with figures that have faces: things which look a little like lettering."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (WIDTH, HEIGHT), (255, 255, 255))
    draw = ImageDraw.Draw(image)
    draw.rectangle((30, 30, WIDTH - 30, HEIGHT - 30), (150, 190, 160), "black", 4)
    for _ in range(60):
        x, y = random.integers(60, WIDTH - 60), random.integers(820, HEIGHT - 60)
        draw.line((x, y, x + random.integers(-20, 20), y - 25), (60, 110, 70), 3)
    for x, y in ((250, 480), (640, 900), (260, 1020)):
        draw.ellipse((x - 90, y - 110, x + 90, y + 110), (250, 232, 215), "black", 4)
        for side in (-1, 1):
            draw.ellipse((x + side * 35 - 14, y - 40, x + side * 35 + 14, y + 6), "white", "black", 3)
            draw.ellipse((x + side * 35 - 7, y - 25, x + side * 35 + 7, y + 2), "black")
        draw.arc((x - 40, y + 10, x + 40, y + 70), 20, 160, "black", 4)
    return image, draw


def letter(
    draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], text: str, color: str, size: int
) -> None:
    middle = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    draw.multiline_text(middle, text, color, ImageFont.load_default(size), anchor="mm", align="center")


def lettered(
    ground: str = "white", ink: str = "black", size: int = 30
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The page, the pixels of its letters, and its balloons with outlines and tails."""
    image, draw = scene()
    bare, balloons = image.copy(), Image.new("1", image.size)
    mark = ImageDraw.Draw(balloons)
    for box, _ in BALLOONS:
        x, y = (box[0] + box[2]) // 2, box[3]
        tail = [(x - 25, y - 20), (x + 15, y - 20), (x - 30, y + 50)]
        for pen, fill, outline in ((draw, ground, ink), (mark, 1, 1)):
            pen.polygon(tail, fill, outline, 3)
            pen.ellipse(box, fill, outline, 3)
            pen.polygon([(x - 22, y - 22), (x + 12, y - 22), (x - 28, y + 42)], fill)
    for pen, fill, outline in ((draw, ground, ink), (mark, 1, 1)):
        pen.rectangle(CAPTION[0], fill, outline, 3)
    bare = image.copy()
    for box, text in (*BALLOONS, CAPTION):
        letter(draw, box, text, ink, size if box != CAPTION[0] else 24)
    page = np.asarray(image)
    return page, (page != np.asarray(bare)).any(2), np.asarray(balloons)


@pytest.mark.parametrize(
    "ground, ink", [("white", "black"), ("lightyellow", "#402020"), ("white", "#606060")]
)
@pytest.mark.parametrize("size", [22, 34])
def test_balloons_and_captions_are_found_whole(ground: str, ink: str, size: int) -> None:
    page, letters, balloons = lettered(ground, ink, size)
    found = find_lettering(page)
    assert found.text.shape == found.balloons.shape == page.shape[:2]
    assert found.text[letters].mean() > 0.98
    assert found.balloons[balloons].mean() > 0.97
    assert (found.balloons & ~balloons).mean() < 0.02
    assert (found.balloons | ~found.text).all()
    assert len(found.boxes) == 3


def test_dark_captions() -> None:
    image, draw = scene()
    draw.rectangle(CAPTION[0], (20, 20, 40))
    before = np.asarray(image).copy()
    letter(draw, *CAPTION, "white", 24)
    page = np.asarray(image)
    found = find_lettering(page)
    assert found.text[(page != before).any(2)].mean() > 0.98
    assert len(found.boxes) == 1


@pytest.mark.parametrize("seed", range(4))
def test_a_page_without_lettering_has_none(seed: int) -> None:
    found = find_lettering(np.asarray(scene(seed)[0]))
    assert found.boxes == []
    assert not found.balloons.any()


def test_the_same_at_every_size() -> None:
    page, letters, balloons = lettered()
    doubled = np.asarray(Image.fromarray(page).resize((WIDTH * 2, HEIGHT * 2), Image.Resampling.LANCZOS))
    found = find_lettering(doubled)
    assert found.text.shape == doubled.shape[:2]
    assert found.text[::2, ::2][letters].mean() > 0.95
    assert found.balloons[::2, ::2][balloons].mean() > 0.95


@pytest.mark.parametrize("shape", [(1, 1), (2, 500), (300, 300)])
def test_empty_pages(shape: tuple[int, int]) -> None:
    for level in (0, 255):
        assert find_lettering(np.full((*shape, 3), level, np.uint8)).boxes == []


def test_filling_leaves_no_letter_and_touches_nothing_else() -> None:
    page, letters, _ = lettered("lightyellow", "black")
    mask = find_lettering(page).balloons
    filled = fill_lettering(page, mask)
    assert (filled[~mask] == page[~mask]).all()
    assert np.abs(filled[letters].astype(int) - (255, 255, 224)).max() <= 2
    assert (fill_lettering(page, np.zeros_like(mask)) == page).all()
