"""PDF pages: the embedded picture as it is where a page is nothing else, or else the page as it looks."""

from __future__ import annotations

import io
from pathlib import Path

import imagecodecs
import made
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pages.errors import InputError
from pages.limits import Limits
from pages.read import PageFile, load_native, load_rgb, pages_in, read_page


def keep(folder: Path, content: bytes, name: str = "book.pdf") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def noise(height: int = 40, width: int = 60, channels: int = 3) -> NDArray[np.uint8]:
    small = np.random.default_rng(0).integers(0, 256, (height // 4, width // 4, channels), np.uint8)
    return small.repeat(4, 0).repeat(4, 1)


def first(path: Path) -> PageFile:
    return pages_in(path)[0].read()


def seen(folder: Path, file: PageFile) -> NDArray[np.uint8]:
    return load_rgb(keep(folder, file.content, f"part{file.suffix}"))


def test_an_embedded_jpeg_comes_out_byte_for_byte(tmp_path: Path) -> None:
    jpeg = made.pillow(noise(), "JPEG", quality=90)
    stream = made.picture_stream(jpeg, 60, 40, code="/DCTDecode")
    path = keep(tmp_path, made.pdf(stream, size=(14.4, 9.6), pages=3))
    parts = pages_in(path)
    assert [part.label for part in parts] == ["page 1", "page 2", "page 3"]
    file = parts[2].read()
    assert file.content == jpeg
    assert file.suffix == ".jpg"
    assert file.dpi == 300
    assert (load_rgb(path) == seen(tmp_path, file)).all()
    assert read_page(path, 1).dpi == 300


@pytest.mark.parametrize("space", ["/DeviceRGB", "/DeviceGray"])
@pytest.mark.parametrize("bits", [8, 16])
def test_an_embedded_picture_keeps_its_pixels(tmp_path: Path, space: str, bits: int) -> None:
    image = noise(channels=3 if space == "/DeviceRGB" else 1)
    values = image if bits == 8 else image.astype(np.uint16) * 257 // 2
    stream = made.picture_stream(values.astype(f">u{bits // 8}").tobytes(), 60, 40, space=space, bits=bits)
    file = first(keep(tmp_path, made.pdf(stream, size=(7.2, 4.8))))
    native = load_native(keep(tmp_path, file.content, f"part{file.suffix}"))
    assert native.pixels.dtype == values.dtype
    assert (native.pixels == values).all()
    assert native.dpi == file.dpi == 600


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [("RGB", ".jpg"), ("L", ".jpg"), ("CMYK", ".jpg"), ("1", ".png"), ("P", ".png"), ("RGBA", ".png")],
)
def test_pillows_own_pdfs(tmp_path: Path, mode: str, suffix: str) -> None:
    """JPEG, Adobe's negative CMYK, fax, palette, and JPEG 2000 with a soft mask."""
    image = Image.fromarray(made.ramp(channels=4), "RGBA") if mode == "RGBA" else Image.fromarray(made.ramp())
    image = image.convert(mode)
    stream = io.BytesIO()
    image.save(stream, "PDF", resolution=150)
    file = first(keep(tmp_path, stream.getvalue()))
    assert file.suffix == suffix
    assert file.dpi == 150
    paper = Image.new("RGBA", image.size, "white")
    expected = Image.alpha_composite(paper, image.convert("RGBA")).convert("RGB")
    assert np.abs(seen(tmp_path, file).astype(int) - np.asarray(expected)).mean() < 5


def test_one_bit(tmp_path: Path) -> None:
    bits = noise(channels=1)[..., 0] > 127
    stream = made.picture_stream(np.packbits(bits, axis=1).tobytes(), 60, 40, space="/DeviceGray", bits=1)
    file = first(keep(tmp_path, made.pdf(stream, size=(7.2, 4.8))))
    assert ((seen(tmp_path, file)[..., 1] == 255) == bits).all()


def test_a_negative_by_decode_looks_as_in_the_pdf(tmp_path: Path) -> None:
    """The JPEG's own bytes would be the wrong picture."""
    jpeg = made.pillow(noise(), "JPEG", quality=95, subsampling=0)
    stream = made.picture_stream(jpeg, 60, 40, code="/DCTDecode", decode=[1, 0] * 3)
    file = first(keep(tmp_path, made.pdf(stream, size=(14.4, 9.6))))
    assert file.suffix == ".png"
    page = seen(tmp_path, file)
    assert page.shape == (40, 60, 3)
    own = np.asarray(Image.open(io.BytesIO(jpeg)))
    assert np.abs(page.astype(int) - (255 - own.astype(int))).mean() < 3


def test_a_turned_page_is_upright(tmp_path: Path) -> None:
    image = noise()
    stream = made.picture_stream(image.tobytes(), 60, 40)
    file = first(keep(tmp_path, made.pdf(stream, size=(14.4, 9.6), rotate=90)))
    page = seen(tmp_path, file)
    assert page.shape == (60, 40, 3)
    assert np.abs(page.astype(int) - np.rot90(image, -1)).mean() < 3
    assert file.dpi == 300


def test_a_soft_mask_lies_on_white(tmp_path: Path) -> None:
    image, mask = noise(), np.zeros((40, 60), np.uint8)
    mask[:, 30:] = 255
    stream = made.picture_stream(image.tobytes(), 60, 40, mask=mask.tobytes())
    page = seen(tmp_path, first(keep(tmp_path, made.pdf(stream, size=(14.4, 9.6)))))
    assert page.shape == (40, 60, 3)
    assert page[:, :29].min() >= 250
    assert np.abs(page[:, 31:].astype(int) - image[:, 31:]).mean() < 3


def test_a_profile_that_only_the_pdf_has_goes_along(tmp_path: Path) -> None:
    profile = imagecodecs.cms_profile("adobergb")
    jpeg = made.pillow(noise(), "JPEG", quality=95)
    stream = made.picture_stream(jpeg, 60, 40, code="/DCTDecode", profile=profile)
    file = first(keep(tmp_path, made.pdf(stream, size=(14.4, 9.6))))
    assert file.suffix == ".jpg"
    assert load_native(keep(tmp_path, file.content, "part.jpg")).profile == profile
    assert file.content.endswith(jpeg[2:])


@pytest.mark.parametrize(("mode", "is_scan"), [(3, True), (0, False)])
def test_text_that_is_there_to_be_searched_is_not_seen(tmp_path: Path, mode: int, is_scan: bool) -> None:
    jpeg = made.pillow(noise(), "JPEG", quality=90)
    drawn = b"q 72 0 0 48 0 0 cm /Im0 Do Q BT %d Tr /F0 12 Tf 9 9 Td (Hello) Tj ET" % mode
    stream = made.picture_stream(jpeg, 60, 40, code="/DCTDecode")
    file = first(keep(tmp_path, made.pdf(stream, content=drawn)))
    assert (file.content == jpeg) is is_scan


@pytest.mark.parametrize("dpi", [72, 150, 300])
def test_a_page_with_more_than_a_picture_is_rendered(tmp_path: Path, dpi: int) -> None:
    stream = made.picture_stream(noise().tobytes(), 60, 40)
    drawn = b"q 72 0 0 48 0 0 cm /Im0 Do Q 1 0 0 rg 0 0 36 24 re f"
    path = keep(tmp_path, made.pdf(stream, content=drawn))
    [part] = pages_in(path, dpi=dpi)
    file = part.read()
    page = seen(tmp_path, file)
    assert page.shape == (48 * dpi // 72, dpi, 3)
    assert (page[-3, 3] == [255, 0, 0]).all()
    assert file.dpi == dpi
    assert read_page(tmp_path / "part.png", 1).dpi == dpi


@pytest.mark.parametrize("drawn", [b"q 60 0 0 40 6 4 cm /Im0 Do Q", b"q 72 0 0 20 0 0 cm /Im0 Do Q", b""])
def test_a_picture_that_is_not_the_whole_page_is_rendered(tmp_path: Path, drawn: bytes) -> None:
    stream = made.picture_stream(noise().tobytes(), 60, 40)
    file = first(keep(tmp_path, made.pdf(stream, content=drawn or b" ")))
    assert seen(tmp_path, file).shape == (200, 300, 3)
    assert (seen(tmp_path, file)[1, 1] == 255).all()


def test_locked_and_hollow(tmp_path: Path) -> None:
    import pikepdf

    locked = made.pdf(content=b" ", encryption=pikepdf.Encryption(owner="a", user="b"))
    with pytest.raises(InputError, match="password"):
        pages_in(keep(tmp_path, locked))
    with pytest.raises(InputError, match=r"3 pages are more than 2"):
        pages_in(keep(tmp_path, made.pdf(content=b" ", pages=3)), limits=Limits(pages=2))
    with pytest.raises(InputError, match=r"pixels, more than"):
        pages_in(keep(tmp_path, made.pdf(content=b" ", size=(14400, 14400))))[0].read()
