"""PNG files are read back by other means than they were written with."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from exported_pages import noise
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pages.export import write_png
from pages.export.png import save_png


def test_png_keeps_pixels_dpi_and_notes(tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    write_png(path, noise(), dpi=600, text={"style": "aquarelle « douce », λ = 1"})
    with Image.open(path) as image:
        assert (np.asarray(image) == noise()).all()
        assert round(image.info["dpi"][0]) == 600
        assert image.text["style"] == "aquarelle « douce », λ = 1"  # type: ignore[attr-defined]
        assert "srgb" in image.info


@given(
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    channels=st.sampled_from([1, 3, 4]),
    deep=st.booleans(),
    step=st.integers(1, 9),
    flat=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_shape_and_depth(height, width, channels, deep, step, flat, seed) -> None:
    dtype = np.uint16 if deep else np.uint8
    top = 3 if flat else np.iinfo(dtype).max
    pixels = np.random.default_rng(seed).integers(0, top, (height, width, channels), dtype, endpoint=True)
    stream = io.BytesIO()
    save_png(stream, (height, width), (pixels[at : at + step] for at in range(0, height, step)))
    back = cv2.imdecode(np.frombuffer(stream.getvalue(), np.uint8), cv2.IMREAD_UNCHANGED)
    back = back.reshape(height, width, -1)
    order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[channels]
    assert back.dtype == dtype
    assert (back[..., order] == pixels).all()


def test_art_is_packed_about_as_well_as_by_libpng() -> None:
    y, x = np.mgrid[:300, :400]
    art = np.stack([x // 3 + y // 7, (x * y) // 900, 90 * (((x - 150) ** 2 + y * y) > 9000)], -1)
    art = art.astype(np.uint8)
    ours, theirs = io.BytesIO(), io.BytesIO()
    save_png(ours, art.shape[:2], [art])
    Image.fromarray(art).save(theirs, "PNG")
    assert len(ours.getvalue()) < 1.1 * len(theirs.getvalue())


@pytest.mark.parametrize("dpi", [72, 150, 300, 400.5, 1200])
def test_dpi_survives_the_meters_that_png_counts_in(tmp_path: Path, dpi: float) -> None:
    write_png(tmp_path / "page.png", noise(), dpi=dpi)
    with Image.open(tmp_path / "page.png") as image:
        assert abs(image.info["dpi"][0] - dpi) < 0.02
