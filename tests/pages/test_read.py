"""Pictures are read as sRGB on white, upright; everything else is refused with a message."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from pages.errors import InputError, ResourceError
from pages.read import load_rgb, natural_key, picture_files, picture_size, read_page

FORMATS = ["png", "jpeg", "webp", "tiff"]


def gradient(mode: str = "RGB", size: tuple[int, int] = (48, 32)) -> Image.Image:
    ramp = np.linspace(0, 255, size[0])[None].repeat(size[1], 0)
    return Image.fromarray(np.stack([ramp, ramp[:, ::-1], ramp * 0 + 90], 2).astype(np.uint8)).convert(mode)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_whatever_the_file_is_called(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "page.txt"
    gradient().save(path, kind, quality=98)
    image = load_rgb(path)
    assert image.shape == (32, 48, 3)
    assert image.dtype == np.uint8
    assert image.flags.writeable
    assert np.abs(image.astype(int) - np.asarray(gradient())).mean() < 3


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK", "LAB", "I;16"])
def test_modes_become_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "page.tiff"
    white = Image.new("L", (8, 6), 255)
    image = Image.fromarray(np.full((6, 8), 65535, np.uint16)) if mode == "I;16" else white
    if mode == "LAB":
        image = Image.merge("LAB", [white, Image.new("L", (8, 6), 128), Image.new("L", (8, 6), 128)])
    elif mode != "I;16":
        image = white.convert("RGB").convert(mode) if mode != "1" else white.convert("1")
    image.save(path, "PNG" if mode in ("P", "LA", "RGBA", "I;16") else "TIFF")
    assert load_rgb(path).min() >= 253


def test_sixteen_bit_gray_keeps_its_tones(tmp_path: Path) -> None:
    values = np.array([[0, 257 * 50, 257 * 128, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / "gray.png")
    assert load_rgb(tmp_path / "gray.png")[0, :, 1].tolist() == [0, 50, 128, 255]


def test_transparency_lies_on_white(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (load_rgb(tmp_path / "clear.png") == 255).all()
    Image.new("RGBA", (4, 4), (0, 0, 0, 51)).save(tmp_path / "veil.png")
    assert (load_rgb(tmp_path / "veil.png") == 204).all()
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([255, 0, 0, 0, 255, 0])
    palette.save(tmp_path / "palette.png", transparency=1)
    assert (load_rgb(tmp_path / "palette.png") == 255).all()


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path: Path, kind: str, orientation: int) -> None:
    stored = np.repeat(np.repeat(np.array([[0, 60, 120], [180, 220, 255]], np.uint8), 40, 0), 40, 1)
    exif = Image.Exif()
    exif[274] = orientation
    path = tmp_path / f"page.{kind}"
    Image.fromarray(stored).save(path, exif=exif)
    tiles = np.array([[0, 60, 120], [180, 220, 255]])
    if orientation >= 5:
        tiles = tiles.T
    if orientation in (2, 3, 6, 7):
        tiles = tiles[:, ::-1]
    if orientation in (3, 4, 7, 8):
        tiles = tiles[::-1]
    assert np.abs(load_rgb(path)[20::40, 20::40, 0].astype(int) - tiles).max() <= 2
    assert read_page(path, 1).size == (tiles.shape[1] * 40, tiles.shape[0] * 40)
    assert picture_size(path) == read_page(path, 1).size


def swapped_profile() -> bytes:
    """An sRGB profile whose red and blue primaries are exchanged, under another name."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    return bytes(data.replace(b"rXYZ", b"tXYZ").replace(b"bXYZ", b"rXYZ").replace(b"tXYZ", b"bXYZ"))


def test_an_icc_profile_is_converted(tmp_path: Path) -> None:
    profile = swapped_profile().replace("sRGB".encode("utf-16-be"), "abcd".encode("utf-16-be"))
    Image.new("RGB", (4, 4), (200, 100, 50)).save(tmp_path / "page.png", icc_profile=profile)
    assert np.abs(load_rgb(tmp_path / "page.png")[0, 0].astype(int) - [50, 100, 200]).max() <= 2


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "CMYK"])
def test_a_damaged_or_foreign_icc_profile_does_no_harm(tmp_path: Path, mode: str) -> None:
    plain, odd = tmp_path / "plain.tiff", tmp_path / "odd.tiff"
    gradient(mode).save(plain)
    for profile in (b"not a profile", swapped_profile()[:300]):
        gradient(mode).save(odd, icc_profile=profile)
        assert (load_rgb(odd) == load_rgb(plain)).all()


def test_dots_per_inch(tmp_path: Path) -> None:
    gradient().save(tmp_path / "page.png", dpi=(300, 300))
    gradient().save(tmp_path / "none.png")
    assert read_page(tmp_path / "page.png", 3).dpi == 300
    assert read_page(tmp_path / "page.png", 3).number == 3
    assert read_page(tmp_path / "none.png", 3).dpi is None


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.95])
def test_a_truncated_file_is_refused(tmp_path: Path, kind: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).save(stream, kind)
    path = tmp_path / "cut.png"
    path.write_bytes(stream.getvalue()[: int(len(stream.getvalue()) * share)])
    with pytest.raises(InputError) as caught:
        read_page(path, 1)
    assert str(path) in caught.value.problem
    assert caught.value.remedy


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"Once upon a time",
        b"%PDF-1.7\n",
        b"GIF89a" + bytes(40),
        b"\x89PNG\r\n\x1a\n" + bytes(60),
        bytes(999),
    ],
    ids=["empty", "text", "pdf", "gif", "hollow png", "zeros"],
)
def test_no_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "page.png"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"page\.png"):
        load_rgb(path)


@pytest.mark.parametrize("side", [10_001, 60_000])
def test_a_picture_too_large_is_refused_before_it_is_unpacked(tmp_path: Path, side: int) -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(10**6))) + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(bomb)
    with pytest.raises(InputError, match="100 megapixels"):
        load_rgb(tmp_path / "bomb.png")


def test_missing_files_and_folders_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_rgb(tmp_path / "none.png")
    with pytest.raises(InputError, match="folder"):
        load_rgb(tmp_path)
    with pytest.raises(ResourceError):
        load_rgb(tmp_path / ("x" * 300))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(FORMATS),
    places=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=6),
)
def test_a_damaged_file_is_read_or_refused_never_a_traceback(
    tmp_path: Path, kind: str, places: list[tuple[float, int]]
) -> None:
    stream = io.BytesIO()
    gradient().save(stream, kind)
    data = bytearray(stream.getvalue())
    for place, value in places:
        data[int(place * len(data))] = value
    path = tmp_path / "damaged"
    path.write_bytes(data)
    try:
        assert load_rgb(path).ndim == 3
    except (InputError, ResourceError) as error:
        assert str(path) in error.problem


def test_files_and_folders_in_natural_order(tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    for name in ("page10.png", "page2.JPG", "Page1.webp", "book.PDF", "notes.txt", ".hidden.png"):
        (folder / name).write_bytes(b"x")
    names = ("book.PDF", "Page1.webp", "page2.JPG", "page10.png")
    inside = [folder / name for name in names]
    assert picture_files([folder]) == inside
    assert picture_files(sorted(inside)) == sorted(inside, key=natural_key)
    assert picture_files([inside[3], inside[1]]) == [inside[3], inside[1]]
    assert picture_files([inside[2], folder]) == [inside[2], inside[0], inside[1], inside[3]]


def test_nothing_to_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no pictures in this folder"):
        picture_files([tmp_path])
    with pytest.raises(InputError, match="no such file"):
        picture_files([tmp_path / "none.png"])
    with pytest.raises(InputError):
        picture_files([])
