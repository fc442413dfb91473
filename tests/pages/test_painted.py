"""A mask picture that an author paints on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from pages.lettering import lettering_of
from pages.painted import mask_picture, painted_lettering


def painted() -> Image.Image:
    image = Image.new("L", (120, 100), 0)
    draw = ImageDraw.Draw(image)
    draw.ellipse((10, 10, 60, 50), 128)
    draw.rectangle((25, 25, 45, 32), 255)
    draw.rectangle((80, 70, 110, 90), 255)
    return image


@pytest.mark.parametrize("mode", ["L", "RGB", "1"])
def test_white_is_letters_gray_is_balloons(tmp_path: Path, mode: str) -> None:
    image = painted()
    if mode == "1":
        image = image.point(lambda level: 255 * (level > 200))
    image.convert(mode).save(tmp_path / "mask.png")
    found = painted_lettering(tmp_path / "mask.png", 120, 100)
    gray = np.asarray(image)
    assert (found.text == (gray == 255)).all()
    assert (found.balloons == (gray > 0)).all()
    assert [block.kind for block in found.blocks] == ["free" if mode == "1" else "balloon", "free"]


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    gray = np.asarray(painted())
    found = lettering_of(gray == 255, gray == 128)
    Image.fromarray(mask_picture(found)).save(tmp_path / "m.png")
    read = painted_lettering(tmp_path / "m.png", 120, 100)
    assert (read.text == found.text).all() and (read.balloons == found.balloons).all()


def test_soft_brushes_and_lossy_files_change_little(tmp_path: Path) -> None:
    gray = np.asarray(painted())
    painted().filter(ImageFilter.GaussianBlur(0.7)).save(tmp_path / "m.jpg", quality=60)
    read = painted_lettering(tmp_path / "m.jpg", 120, 100)
    assert (read.text == (gray == 255)).mean() > 0.99 and (read.balloons == (gray > 0)).mean() > 0.99


@pytest.mark.parametrize("times", [0.5, 3])
def test_a_picture_of_another_size_is_taken_for_the_whole_page(tmp_path: Path, times: float) -> None:
    painted().save(tmp_path / "m.png")
    read = painted_lettering(tmp_path / "m.png", round(120 * times), round(100 * times))
    assert read.text.shape == (100 * times, 120 * times)
    assert read.text.mean() == pytest.approx((np.asarray(painted()) == 255).mean(), rel=0.12)
    assert read.balloons.mean() == pytest.approx((np.asarray(painted()) > 0).mean(), rel=0.05)
