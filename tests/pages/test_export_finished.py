"""What the author's file had comes back: depth, alpha, profile, dpi, and every value that was not painted."""

from __future__ import annotations

from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pages.export import write_finished
from pages.native import Native, to_rgb
from pages.read import load_native, load_rgb

SIZE = (150, 20)  # more rows than are written at a time
ADOBE = imagecodecs.cms_profile("adobergb")


def native(
    dtype: type = np.uint8,
    *,
    alpha: bool = False,
    profile: bytes | None = None,
    dpi: float | None = 300,
    seed=0,
) -> Native:
    random = np.random.default_rng(seed)
    top = np.iinfo(dtype).max
    pixels = random.integers(0, top, (*SIZE, 3), dtype, endpoint=True)
    opacity = random.choice([0, top // 3, top], SIZE).astype(dtype) if alpha else None
    return Native(pixels, opacity, profile, dpi)


def read(path: Path) -> np.ndarray:
    """All channels at full depth, RGB(A), by OpenCV."""
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    return cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA if image.shape[2] == 4 else cv2.COLOR_BGR2RGB)


def written(original: Native, finished: np.ndarray, tmp_path: Path) -> np.ndarray:
    write_finished(tmp_path / "page.png", finished, original)
    return read(tmp_path / "page.png")


def over_white(picture: np.ndarray) -> np.ndarray:
    """(H, W, 3) in [0, 255] as floats."""
    scale = 255 / np.iinfo(picture.dtype).max
    colors = picture[..., :3] * scale
    if picture.shape[2] == 3:
        return colors
    share = picture[..., 3:] * scale / 255
    return colors * share + 255 * (1 - share)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("profile", [None, ADOBE])
def test_an_untouched_page_keeps_every_value(tmp_path: Path, dtype: type, alpha: bool, profile) -> None:
    original = native(dtype, alpha=alpha, profile=profile)
    whole = np.dstack([original.pixels, original.alpha]) if alpha else original.pixels
    file = tmp_path / "original.tif"
    extra = {"extrasamples": ["unassalpha"]} if alpha else {}
    resolution = {"resolution": (300, 300), "resolutionunit": "inch"}
    tifffile.imwrite(file, whole, photometric="rgb", iccprofile=profile, **extra, **resolution)
    write_finished(tmp_path / "page.png", load_rgb(file), load_native(file))
    back = read(tmp_path / "page.png")
    assert back.dtype == dtype
    assert (back == whole).all()
    with Image.open(tmp_path / "page.png") as image:
        assert image.info.get("icc_profile") == profile
        assert round(image.info["dpi"][0]) == 300


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_is_painted_lies_over_white_as_it_was_painted(tmp_path: Path, dtype: type) -> None:
    original = native(dtype, alpha=True)
    finished = np.random.default_rng(1).integers(0, 256, (*SIZE, 3), np.uint8)
    back = written(original, finished, tmp_path)
    assert np.abs(over_white(back) - finished).max() <= 0.51
    assert (back[..., 3] >= original.alpha).all()
    # Not higher than it must be: below it some channel could not be as dark as it is painted.
    top = np.iinfo(dtype).max
    least = (255 - finished.min(2).astype(float)) * top / 255
    assert (back[..., 3] == np.maximum(least, original.alpha)).all()


def test_transparent_paper_stays_transparent(tmp_path: Path) -> None:
    original = Native(np.zeros((*SIZE, 3), np.uint8), np.zeros(SIZE, np.uint8), None, None)
    finished = np.full((*SIZE, 3), 255, np.uint8)
    finished[10:20, 5:9] = (255, 0, 0)
    back = written(original, finished, tmp_path)
    painted = np.zeros(SIZE, bool)
    painted[10:20, 5:9] = True
    assert (back[painted] == (255, 0, 0, 255)).all()
    assert (back[~painted] == 0).all()


@pytest.mark.parametrize(("dtype", "share"), [(np.uint8, 0.9), (np.uint16, 0.93)])
def test_paint_is_converted_to_the_profile(tmp_path: Path, dtype: type, share: float) -> None:
    finished = np.random.default_rng(1).integers(0, 256, (*SIZE, 3), np.uint8)
    back = written(native(dtype, profile=ADOBE), finished, tmp_path)
    seen = imagecodecs.cms_transform(
        back, ADOBE, imagecodecs.cms_profile("srgb"), colorspace="rgb", outcolorspace="rgb", outdtype="uint8"
    )
    apart = np.abs(seen.astype(int) - finished).max(2)
    assert (apart <= 3).mean() > share  # Adobe RGB has fewer steps among dark tones
    assert np.percentile(apart, 99) <= 12
    plain = np.rint(back * (255 / np.iinfo(dtype).max))
    assert np.abs(plain - finished).mean() > 3  # it is another color space


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), deep=st.booleans(), alpha=st.booleans())
def test_only_what_changed_is_rewritten(tmp_path_factory, seed: int, deep: bool, alpha: bool) -> None:
    path = tmp_path_factory.mktemp("pages")
    original = native(np.uint16 if deep else np.uint8, alpha=alpha, seed=seed)
    whole = original.pixels if not alpha else np.dstack([original.pixels, original.alpha])
    finished = to_rgb(original)
    random = np.random.default_rng(seed)
    same = random.random(SIZE) < 0.5
    other = random.integers(0, 256, (*SIZE, 3), np.uint8)
    page = np.where(same[..., None], finished, other)
    back = written(original, page, path)
    assert (back[same] == whole[same]).all()
    assert np.abs(over_white(back) - page).max() <= 0.51


def test_sizes_must_agree(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="original"):
        write_finished(tmp_path / "page.png", np.zeros((4, 4, 3), np.uint8), native())
    assert not list(tmp_path.iterdir())
