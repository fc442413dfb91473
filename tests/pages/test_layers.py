"""Lettering by the names of layers: PSD files by hand and by psd-tools, and OpenRaster files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import made
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from psd_tools import PSDImage

from pages.layers import lettering_layers, said_by

HEIGHT, WIDTH = 20, 30


def keep(folder: Path, content: bytes) -> Path:
    path = folder / "page"
    path.write_bytes(content)
    return path


def box(left: int, top: int, right: int, bottom: int) -> NDArray[np.bool_]:
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    mask[max(top, 0) : bottom, max(left, 0) : right] = True
    return mask


def psd(*layers: dict[str, Any]) -> bytes:
    return made.psd_rgb(np.zeros((HEIGHT, WIDTH, 3), np.uint8), layers=layers)


@pytest.mark.parametrize(
    ("name", "text", "balloons"),
    [
        ("Text", True, False),
        ("LETTERING final", True, False),
        ("sfx_01", True, False),
        ("Beschriftung", True, False),
        ("Geräusche", True, False),
        ("onomatopées", True, False),
        ("Diálogos", True, False),
        ("セリフ", True, False),
        ("ｾﾘﾌ 2", True, False),
        ("写植", True, False),
        ("balloons", False, True),
        ("Speech-Bubbles", True, True),
        ("Captions", False, True),
        ("Sprechblasen", False, True),
        ("Bulles", False, True),
        ("bocadillos", False, True),
        ("フキダシ", False, True),
        ("吹き出し 1", False, True),
        ("balloon text", True, True),
        ("Texture", False, False),
        ("Kontext", False, False),
        ("Letterbox", False, False),
        ("inks", False, False),
        ("Layer 1", False, False),
        ("", False, False),
    ],
)
def test_what_a_name_says(name: str, text: bool, balloons: bool) -> None:
    assert said_by(name) == (text, balloons)


def test_layers_of_a_psd(tmp_path: Path) -> None:
    ring = np.zeros((4, 6), np.uint8)
    ring[1:3, 1:5] = 40
    masks = lettering_layers(
        keep(
            tmp_path,
            psd(
                {"name": "inks", "box": (0, 0, WIDTH, HEIGHT)},
                {"name": "Balloons", "box": (2, 3, 12, 9)},
                {"name": "text", "box": (4, 5, 10, 9), "alpha": ring.tobytes()},
                {"name": "SFX", "box": (25, -2, 40, 4)},
                {"name": "old text", "box": (0, 15, 9, 19), "hidden": True},
                {"name": "faint text", "box": (0, 15, 9, 19), "opacity": 0},
            ),
        )
    )
    assert masks is not None
    text, balloons = masks
    assert text.dtype == balloons.dtype == np.bool_
    assert (text == (box(5, 6, 9, 8) | box(25, -2, 40, 4))).all()
    assert (balloons == box(2, 3, 12, 9)).all()


def test_groups_of_a_psd(tmp_path: Path) -> None:
    masks = lettering_layers(
        keep(
            tmp_path,
            psd(
                {"name": "x", "group": "open"},
                {"name": "Layer 1", "box": (1, 1, 5, 5)},
                {"name": "text", "box": (2, 2, 4, 4)},
                {"name": "Sprechblasen", "group": "end"},
                {"name": "x", "group": "open"},
                {"name": "Layer 2", "box": (9, 9, 12, 12)},
                {"name": "lettering", "group": "end", "hidden": True},
            ),
        )
    )
    assert masks is not None
    assert (masks[0] == box(2, 2, 4, 4)).all()
    assert (masks[1] == box(1, 1, 5, 5)).all()


def test_a_shape_layer_that_is_curves_alone(tmp_path: Path) -> None:
    corners = [(4, 5), (14, 5), (14, 11), (4, 11)]
    masks = lettering_layers(keep(tmp_path, psd({"name": "balloons", "path": corners, "alpha": b""})))
    assert masks is not None
    assert (masks[1] >= box(5, 6, 13, 10)).all()
    assert (masks[1] <= box(3, 4, 15, 12)).all()


def test_a_vector_mask_cuts_a_layer(tmp_path: Path) -> None:
    corners = [(4, 5), (14, 5), (14, 11), (4, 11)]
    masks = lettering_layers(keep(tmp_path, psd({"name": "text", "path": corners, "box": (10, 0, 30, 20)})))
    assert masks is not None
    assert (masks[0] >= box(10, 6, 13, 10)).all()
    assert (masks[0] <= box(10, 4, 15, 12)).all()


def test_a_psd_by_psd_tools(tmp_path: Path) -> None:
    document = PSDImage.new("RGB", (WIDTH, HEIGHT))
    letters = Image.new("RGBA", (8, 4), (0, 0, 0, 255))
    document.create_pixel_layer(letters, name="Lettrage", top=3, left=7)
    stream = io.BytesIO()
    document.save(stream)
    masks = lettering_layers(keep(tmp_path, stream.getvalue()))
    assert masks is not None
    assert (masks[0] == box(7, 3, 15, 7)).all()
    assert not masks[1].any()


def test_layers_of_an_open_raster_file(tmp_path: Path) -> None:
    stack = f"""<image version="0.0.3" w="{WIDTH}" h="{HEIGHT}"><stack>
      <stack name="Texte" x="2" y="1">
        <layer name="a" src="data/1.png" x="3" y="4"/>
        <layer name="bulle" src="data/1.png" x="10" y="4"/>
      </stack>
      <layer name="text" src="data/1.png" visibility="hidden"/>
      <stack name="balloons" visibility="hidden"><layer name="text" src="data/1.png"/></stack>
      <layer name="ink" src="data/1.png"/>
      <layer name="sfx" src="data/none.png"/>
      <layer name="captions" src="data/2.png" x="-2" y="18"/>
    </stack></image>"""
    half = np.zeros((4, 6, 4), np.uint8)
    half[:, 3:, 3] = 200
    layers = {"data/1.png": half, "data/2.png": np.zeros((5, 5, 3), np.uint8)}
    path = keep(tmp_path, made.open_raster(np.zeros((HEIGHT, WIDTH, 3), np.uint8), stack, layers))
    masks = lettering_layers(path)
    assert masks is not None
    assert (masks[0] == box(8, 5, 11, 9)).all()
    assert (masks[1] == (box(15, 5, 18, 9) | box(-2, 18, 3, 23))).all()


def test_files_without_such_layers(tmp_path: Path) -> None:
    assert lettering_layers(keep(tmp_path, psd({"name": "inks", "box": (0, 0, 5, 5)}))) is None
    assert lettering_layers(keep(tmp_path, psd())) is None
    assert lettering_layers(keep(tmp_path, made.open_raster(made.ramp()))) is None
    assert lettering_layers(keep(tmp_path, made.pillow(made.ramp(), "PNG"))) is None
    assert lettering_layers(keep(tmp_path, made.cbz({"1.png": made.pillow(made.ramp(), "PNG")}))) is None
