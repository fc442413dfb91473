"""Barcodes, lettering and logos are found; drawings are not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from classifiers.masking import mask_out, non_drawn, recurring

Pixels = NDArray[np.uint8]
DIGITS = [
    f"{code:07b}" for code in (0x0D, 0x19, 0x13, 0x3D, 0x23, 0x31, 0x2F, 0x3B, 0x37, 0x0B)
]  # set A of EAN-13


def painting(seed: int, side: int = 256) -> Pixels:
    coarse = np.random.default_rng(seed).integers(0, 256, (7, 7, 3)).astype(np.uint8)
    return cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)


def barcode(number: str, module: int, height: int) -> Pixels:
    """An EAN-13 code as the standard says, all left digits in set A, with its quiet zone."""
    left = "".join(DIGITS[int(digit)] for digit in number[:6])
    right = "".join(DIGITS[int(digit)] for digit in number[6:]).translate(str.maketrans("01", "10"))
    bits = np.array([bit == "0" for bit in f"101{left}01010{right}101"], np.uint8).repeat(module) * 255
    code = np.full((height + 10, len(bits) + 20, 3), 255, np.uint8)
    code[5:-5, 10:-10] = bits[None, :, None]
    return code


@pytest.mark.parametrize("module", [1, 2])
@pytest.mark.parametrize("turned", [False, True])
def test_barcodes_are_found_where_they_are(module: int, turned: bool) -> None:
    for seed in range(4):
        rng = np.random.default_rng(seed)
        code = barcode("".join(map(str, rng.integers(0, 10, 12))), module, 40)
        code = np.rot90(code) if turned else code
        image = painting(seed)
        assert not non_drawn(image).any()
        y, x = (int(rng.integers(0, 256 - size)) for size in code.shape[:2])
        image[y : y + code.shape[0], x : x + code.shape[1]] = code
        found = non_drawn(image)
        inside = found[y : y + code.shape[0], x : x + code.shape[1]]
        assert inside.mean() > 0.75 and found.sum() - inside.sum() < 1.5 * inside.sum()
        assert not non_drawn(mask_out(image, found)).any()


def test_stripes_and_flags_are_drawn() -> None:
    even = np.full((200, 200, 3), 255, np.uint8)
    even[:, (np.arange(200) // 5) % 2 == 0] = 0
    assert not non_drawn(even).any()  # a fence: every bar like the other
    flag = np.zeros((200, 200, 3), np.uint8)
    widths = np.repeat(np.arange(40), np.random.default_rng(0).integers(2, 9, 40))[:200]
    flag[:, : len(widths)] = np.where(widths % 2, 1, 0)[None, :, None] * np.array([220, 40, 30], np.uint8)
    flag[..., 2] += 90
    assert not non_drawn(flag).any()


def test_lettering_is_found() -> None:
    page = Image.fromarray(np.full((500, 400, 3), 255, np.uint8))
    draw = ImageDraw.Draw(page)
    for line in range(4):
        draw.text((60, 60 + 30 * line), "THE QUICK BROWN FOX", (0, 0, 0), ImageFont.load_default(22))
    draw.ellipse((120, 300, 280, 460), fill=(200, 60, 40), outline=(0, 0, 0), width=5)
    found = non_drawn(np.asarray(page))
    dark = np.asarray(page).max(axis=2) < 100
    assert found[55:180][dark[55:180]].mean() > 0.95 and not found[290:].any()


def test_a_logo_recurs_and_heroes_do_not() -> None:
    logo = painting(999, 48)
    logo[8:40, 8:40] = (250, 220, 20)
    logo[16:32, 16:32] = (20, 20, 120)
    images = []
    for seed in range(24):
        image = painting(seed, 192)
        image[100:130, 90:120] = (200, 30, 30)  # the same hero, in the middle
        if seed % 2:
            image[4:52, 140:188] = logo
        images.append(image)
    mask = recurring(images)
    logo_place = np.zeros((96, 96), np.bool_)
    logo_place[2:26, 70:94] = True
    assert (mask & logo_place).sum() > 0.7 * logo_place.sum()
    assert (mask & ~logo_place).sum() < 0.9 * logo_place.sum()
    plain, marked = (mask_out(image, mask) for image in images[:2])
    assert np.array_equal(plain[80:], images[0][80:]) and np.array_equal(marked[80:], images[1][80:])
    assert np.abs(marked[20:36, 156:172].astype(int) - (20, 20, 120)).max(axis=2).min() > 40
    assert not recurring(images[::2]).any()


def test_a_flat_ground_is_painted_over_exactly_and_nothing_shows_through() -> None:
    ground = np.full((70, 90, 3), (30, 120, 200), np.uint8)
    hidden = ground.copy()
    hidden[20:50, 30:80] = painting(3)[20:50, 30:80]
    mask = np.zeros((70, 90), np.bool_)
    mask[20:50, 30:80] = True
    assert np.array_equal(mask_out(hidden, mask), ground)
    slope = np.linspace(0, 255, 90)[None, :, None].repeat(70, 0).repeat(3, 2).astype(np.uint8)
    assert np.abs(mask_out(slope, mask).astype(int) - slope).max() < 60
    everything = np.ones((1, 1), np.bool_)
    assert np.array_equal(mask_out(hidden, everything), hidden)  # nothing to paint it with


def test_one_scene_does_not_vouch_for_itself() -> None:
    stage = painting(0, 220)
    frames = [np.ascontiguousarray(stage[d : d + 200, d : d + 200]) for d in range(8)]
    others = [painting(seed, 200) for seed in range(1, 9)]
    assert not recurring([*frames, *others]).any()
    assert not recurring(frames[:3]).any()
