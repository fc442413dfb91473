"""Balloons, captions and letters drawn by the test; and drawings that look a little like letters."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from pages.filling import fill_lettering
from pages.lettering import find_lettering, lettering_of

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
    assert (found.balloons[::2, ::2] & ~balloons).mean() < 0.01
    assert len(found.boxes) == 3


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


def shaped(shape: str, ground: str, outline: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A page with one balloon of a shape, the pixels of its letters, and the balloon."""
    image, draw = scene()
    balloon = Image.new("1", image.size)
    mark = ImageDraw.Draw(balloon)
    left, top, right, bottom = box = (120, 560, 560, 760)
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    swing = {"cloud": 0.9 + 0.1 * np.abs(np.sin(6 * angles)), "spiky": 0.85 + 0.15 * (np.arange(48) % 2)}
    for pen, fill, line in ((draw, ground, outline), (mark, 1, 1)):
        if shape == "rounded":
            pen.rounded_rectangle(box, 50, fill, line, 3)
        elif shape == "rectangle":
            pen.rectangle(box, fill, line, 3)
        else:
            reach = swing.get(shape, np.ones(48))
            x = (left + right) / 2 + (right - left) / 2 * reach * np.cos(angles)
            y = (top + bottom) / 2 + (bottom - top) / 2 * reach * np.sin(angles)
            pen.polygon([(float(a), float(b)) for a, b in zip(x, y, strict=True)], fill, line, 3)
    bare = np.asarray(image).copy()
    letter(draw, box, "Nobody told me\nthat it would be\nso cold here!", "black", 30)
    page = np.asarray(image)
    return page, (page != bare).any(2), np.asarray(balloon)


@pytest.mark.parametrize("shape", ["ellipse", "rounded", "rectangle", "cloud", "spiky"])
@pytest.mark.parametrize(
    "ground, outline", [("white", "black"), ("#ffe9a0", "#503000"), ("#bfe0ff", "#bfe0ff")]
)
def test_balloons_of_every_shape_and_color(shape: str, ground: str, outline: str) -> None:
    page, letters, balloon = shaped(shape, ground, outline)
    found = find_lettering(page)
    assert len(found.blocks) == 1
    assert shape == "rounded" or found.blocks[0].kind == ("caption" if shape == "rectangle" else "balloon")
    assert found.text[letters].mean() > 0.98
    assert found.balloons[balloon].mean() > 0.97
    assert (found.balloons & ~balloon).mean() < 0.005
    box = found.blocks[0].box
    assert letters[box.top : box.bottom, box.left : box.right].sum() == letters.sum()


@pytest.mark.parametrize("words", ["No!", "...who?", "Yes", "Hm..."])
def test_a_single_word_in_a_balloon_with_a_tail(words: str) -> None:
    image, draw = scene()
    draw.polygon([(300, 640), (340, 640), (290, 760)], "white", "black")
    draw.ellipse((220, 560, 420, 660), "white", "black", 3)
    draw.polygon([(304, 640), (336, 640), (294, 740)], "white")
    bare = np.asarray(image).copy()
    letter(draw, (220, 560, 420, 660), words, "black", 36)
    page = np.asarray(image)
    found = find_lettering(page)
    assert found.text[(page != bare).any(2)].mean() > 0.97
    assert len(found.boxes) == 1


@pytest.mark.parametrize("ground, ink", [("#96bea0", "black"), ("#203060", "white"), ("white", "#803020")])
def test_free_letters_on_flat_ground(ground: str, ink: str) -> None:
    image, draw = scene()
    draw.rectangle((34, 500, WIDTH - 34, 800), ground)
    bare = np.asarray(image).copy()
    letter(draw, (100, 540, 800, 760), "Long, long ago there\nlived a small dragon", ink, 34)
    page = np.asarray(image)
    letters = (page != bare).any(2)
    found = find_lettering(page)
    assert found.text[letters].mean() > 0.97
    assert found.text.mean() < 2.5 * letters.mean()


def drawing(kind: str) -> np.ndarray:
    """A page of drawn texture or figures, without a letter."""
    random = np.random.default_rng(7)
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((30, 30, WIDTH - 30, HEIGHT - 30), None, "black", 4)
    if kind == "hatching":
        for x in range(60, WIDTH - 60, 9):
            for y in range(60, HEIGHT - 100, 60):
                draw.line((x, y, x + 14 + random.integers(5), y + 40 + random.integers(12)), "black", 2)
    elif kind == "roof scales":
        for row, y in enumerate(range(200, 900, 34)):
            for x in range(120 + 22 * (row % 2), WIDTH - 120, 44):
                draw.arc((x - 20, y - 16, x + 20, y + 16), 10, 170, "black", 3)
    elif kind == "foliage":
        for x, y in random.integers((80, 80), (WIDTH - 80, HEIGHT - 80), (700, 2)):
            angle = random.uniform(0, 360)
            draw.arc((x - 14, y - 8, x + 14, y + 8), angle, angle + random.uniform(90, 200), "#205020", 2)
    elif kind == "crowd":
        for y in range(120, HEIGHT - 120, 150):
            for x in range(120, WIDTH - 100, 130):
                draw.ellipse((x - 48, y - 58, x + 48, y + 58), "#fbe8d6", "black", 3)
                for side in (-18, 18):
                    draw.ellipse((x + side - 8, y - 20, x + side + 8, y + 4), "white", "black", 2)
                    draw.ellipse((x + side - 3, y - 12, x + side + 3, y - 2), "black")
                draw.arc((x - 20, y + 4, x + 20, y + 34), 20, 160, "black", 3)
    elif kind == "stars":
        for x, y in random.integers((60, 60), (WIDTH - 60, HEIGHT - 60), (90, 2)):
            r = random.integers(2, 9)
            draw.polygon([(x, y - r), (x + r // 3, y), (x, y + r), (x - r // 3, y)], "black")
    return np.asarray(image)


@pytest.mark.parametrize("kind", ["hatching", "roof scales", "foliage", "crowd", "stars"])
def test_drawings_are_not_taken_for_lettering(kind: str) -> None:
    assert find_lettering(drawing(kind)).balloons.mean() < 0.002


@pytest.mark.parametrize("times", [1, 2])
def test_a_balloon_ends_at_its_outline_where_that_is_thin_too(times: int) -> None:
    """An outline of uneven thickness: nothing of the art beyond its thin side is taken with it."""
    image = Image.new("RGB", (WIDTH * times, HEIGHT * times), (150, 190, 160))
    draw = ImageDraw.Draw(image)
    outer, inner = (200, 300, 620, 520), (210, 302, 618, 512)
    draw.ellipse([times * corner for corner in outer], "black")
    draw.ellipse([times * corner for corner in inner], "white")
    balloon = (np.asarray(image) != (150, 190, 160)).any(2)
    middle = 415 * times, 407 * times
    font = ImageFont.load_default(30 * times)
    draw.multiline_text(middle, "Nobody told me\nthat it is cold!", "black", font, anchor="mm")
    found = find_lettering(np.asarray(image))
    assert len(found.blocks) == 1
    assert found.balloons[balloon].mean() > 0.97
    assert (found.balloons & ~balloon).sum() < 0.3 * times * edge_length(balloon)


def edge_length(mask: np.ndarray) -> float:
    """The length of a shape's edge in pixels."""
    return float((mask[1:] != mask[:-1]).sum() + (mask[:, 1:] != mask[:, :-1]).sum())


def test_the_same_page_gives_the_same_lettering() -> None:
    page, _, _ = lettered()
    one, two = find_lettering(page), find_lettering(page.copy())
    assert (one.text == two.text).all()
    assert (one.balloons == two.balloons).all()
    assert one.boxes == two.boxes


def test_blocks_make_up_the_masks() -> None:
    found = find_lettering(lettered()[0])
    text, balloons = np.zeros_like(found.text), np.zeros_like(found.text)
    for block in found.blocks:
        view = np.s_[block.window.top : block.window.bottom, block.window.left : block.window.right]
        text[view] |= block.letters
        balloons[view] |= block.shape
        assert 0.5 < block.confidence <= 1
    assert (text == found.text).all()
    assert (balloons == found.balloons).all()


def test_masks_that_the_author_has_made() -> None:
    text, balloons = np.zeros((90, 120), np.bool_), np.zeros((90, 120), np.bool_)
    balloons[10:50, 10:60] = True
    text[20:30, 20:50] = True
    text[70:80, 80:110] = True
    made = lettering_of(text, balloons)
    assert (made.text == text).all()
    assert (made.balloons == (text | balloons)).all()
    assert [block.kind for block in made.blocks] == ["balloon", "free"]
    assert [box.xywh for box in made.boxes] == [(20, 20, 30, 10), (80, 70, 30, 10)]


def test_letters_on_flat_ground_become_ground() -> None:
    page = np.full((200, 400, 3), (90, 140, 200), np.uint8)
    mask = np.zeros((200, 400), np.bool_)
    for x in range(40, 360, 30):
        page[80:120, x : x + 8] = 10
        mask[77:123, x - 3 : x + 11] = True
    assert (fill_lettering(page, mask) == (90, 140, 200)).all()


def test_letters_over_art_become_art() -> None:
    y, x = np.mgrid[:200, :400]
    art = np.stack([120 + 60 * np.sin(x / 40), 120 + 50 * np.cos(y / 30), 100 + x / 4], 2).astype(np.uint8)
    page, mask = art.copy(), np.zeros((200, 400), np.bool_)
    for left in range(40, 360, 40):
        page[60:140, left : left + 9] = 0
        mask[58:142, left - 2 : left + 11] = True
    filled = fill_lettering(page, mask)
    assert (filled[~mask] == page[~mask]).all()
    assert np.abs(filled.astype(int) - art)[mask].mean() < 12
