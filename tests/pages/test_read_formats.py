"""Every format, depth and color model, against files made by other libraries or by hand."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import cv2
import imagecodecs
import made
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms

from pages.read import load_native, load_rgb, pages_in, picture_size, read_page

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LINEAR = imagecodecs.cms_profile(
    "rgb",
    whitepoint=[0.3127, 0.329, 1.0],
    primaries=[0.64, 0.33, 1, 0.3, 0.6, 1, 0.15, 0.06, 1],
    gamma=1.0,
)


def keep(folder: Path, content: bytes, name: str = "page") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def to_8(values: NDArray[np.uint16]) -> NDArray[np.uint8]:
    return np.rint(values / 257).astype(np.uint8)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP", "GIF"])
def test_formats_without_loss(tmp_path: Path, kind: str) -> None:
    image = made.ramp()
    if kind == "GIF":
        image = np.asarray(Image.fromarray(image).quantize(64).convert("RGB"))
    path = keep(tmp_path, made.pillow(image, kind, **({"lossless": True} if kind == "WEBP" else {})))
    assert (load_rgb(path) == image).all()
    native = load_native(path)
    assert native.pixels.dtype == np.uint8
    assert native.alpha is None
    assert (native.pixels == image).all()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_of_several_pictures(tmp_path: Path, kind: str) -> None:
    first, second = Image.new("RGB", (8, 8), (255, 0, 0)), Image.new("RGB", (8, 8), (0, 0, 255))
    options = {"lossless": True} if kind == "WEBP" else {}
    path = keep(tmp_path, made.pillow(first, kind, save_all=True, append_images=[second], **options))
    assert (load_rgb(path) == [255, 0, 0]).all()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bit_png_keeps_every_value(tmp_path: Path, channels: int) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (20, 30, channels), np.uint16)
    path = keep(tmp_path, made.png_16(values))
    native = load_native(path)
    assert native.pixels.dtype == np.uint16
    assert (native.pixels == values[..., :3]).all()
    if channels == 4:
        assert native.alpha is not None
        assert (native.alpha == values[..., 3]).all()
        share = values[..., 3:] / 65535
        expected = (values[..., :3] * share + 65535 * (1 - share)) / 257
        assert np.abs(load_rgb(path) - expected).max() <= 0.51
    else:
        assert (load_rgb(path) == to_8(values)).all()


def test_sixteen_bit_png_with_gray_alpha_and_with_a_clear_color(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (5, 7, 2), np.uint16)
    gray = load_native(keep(tmp_path, imagecodecs.png_encode(values)))
    assert gray.alpha is not None
    assert (gray.pixels == values[..., :1]).all()
    assert (gray.alpha == values[..., 1]).all()
    rows = np.array([[[1, 2, 3], [300, 2, 3]]], np.uint16)
    import zlib

    data = zlib.compress(b"\0" + rows.astype(">u2").tobytes())
    key = np.array([300, 2, 3], ">u2").tobytes()
    header = made.png_header(2, 1, depth=16)
    png = made.png_chunks(header, (b"tRNS", key), (b"IDAT", data), (b"IEND", b""))
    keyed = load_native(keep(tmp_path, png))
    assert keyed.alpha is not None
    assert keyed.pixels.tolist() == rows.tolist()
    assert keyed.alpha.tolist() == [[65535, 0]]


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32, np.float32, np.uint8])
@pytest.mark.parametrize("kind", ["contig", "separate", "tiled", "lzw", "big"])
def test_tiff_of_any_depth_and_layout(tmp_path: Path, dtype: type, kind: str) -> None:
    whole = made.ramp(dtype=np.uint16)
    values = {np.uint8: whole >> 8, np.uint16: whole, np.uint32: whole.astype(np.uint32) << 16}.get(dtype)
    values = (whole / 65535).astype(np.float32) if values is None else values.astype(dtype)
    options = {
        "contig": {},
        "separate": {"planarconfig": "separate"},
        "tiled": {"tile": (16, 16)},
        "lzw": {"compression": "lzw", "predictor": True},
        "big": {"bigtiff": True, "byteorder": ">"},
    }[kind]
    if kind == "separate":
        values = np.moveaxis(values, 2, 0)
    native = load_native(keep(tmp_path, made.tiff(values, photometric="rgb", **options)))
    assert native.pixels.dtype == (np.uint8 if dtype is np.uint8 else np.uint16)
    expected = whole >> 8 if dtype is np.uint8 else whole
    assert np.abs(native.pixels.astype(int) - expected).max() <= (1 if dtype is np.float32 else 0)


def test_tiff_gray_alpha_and_white_is_zero(tmp_path: Path) -> None:
    values = made.ramp(channels=4, dtype=np.uint16)
    native = load_native(keep(tmp_path, made.tiff(values, photometric="rgb", extrasamples=["unassalpha"])))
    assert native.alpha is not None
    assert (native.alpha == values[..., 3]).all()
    assert (native.pixels == values[..., :3]).all()
    gray = values[..., 0]
    white = load_native(keep(tmp_path, made.tiff(65535 - gray, photometric="miniswhite")))
    assert (white.pixels == gray[..., None]).all()


def test_colors_multiplied_by_alpha_are_divided_again(tmp_path: Path) -> None:
    values = np.full((4, 4, 4), 65535, np.uint16)
    values[..., 3] = 16384
    values[..., :3] = [16384, 8192, 0]
    native = load_native(keep(tmp_path, made.tiff(values, photometric="rgb", extrasamples=["assocalpha"])))
    assert np.abs(native.pixels[0, 0].astype(int) - [65535, 32768, 0]).max() <= 1


@pytest.mark.parametrize("deep", [False, True])
def test_tiff_orientation_and_resolution(tmp_path: Path, deep: bool) -> None:
    values = made.ramp(6, 9, dtype=np.uint16 if deep else np.uint8)
    options = {"extratags": [(274, 3, 1, 6, True)], "resolution": (60, 60), "resolutionunit": "CENTIMETER"}
    path = keep(tmp_path, made.tiff(values, photometric="rgb", **options))
    assert (load_native(path).pixels == np.rot90(values, -1)).all()
    assert read_page(path, 1).dpi == pytest.approx(152.4)
    assert read_page(path, 1).size == picture_size(path) == (6, 9)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "WEBP"])
def test_dpi_of_every_format_that_has_it(tmp_path: Path, kind: str) -> None:
    exif = Image.Exif()
    exif[0x011A], exif[0x0128] = 350.0, 2
    options = {"exif": exif} if kind == "WEBP" else {"dpi": (350, 350)}
    path = keep(tmp_path, made.pillow(made.ramp(), kind, **options))
    assert read_page(path, 1).dpi == pytest.approx(350, abs=0.1)


def test_cmyk_with_and_without_adobes_inversion(tmp_path: Path) -> None:
    ink = np.zeros((16, 16, 4), np.uint8)
    ink[:, :8] = [0, 255, 255, 0]  # magenta and yellow: red
    image = Image.fromarray(ink, "CMYK")
    tiff = load_rgb(keep(tmp_path, made.pillow(image, "TIFF")))
    jpeg = load_rgb(keep(tmp_path, made.pillow(image, "JPEG", quality=100)))  # Pillow writes as Adobe does
    deep = made.tiff(ink.astype(np.uint16) * 257, photometric="separated")
    for picture in (tiff, jpeg, load_rgb(keep(tmp_path, deep))):
        assert np.abs(picture[:, 2].astype(int) - [255, 0, 0]).max() <= 4
        assert picture[:, 14].min() >= 251
    psd = load_rgb(keep(tmp_path, made.psd_rgb(255 - ink, mode=4)))
    assert (psd == tiff).all()
    assert load_native(keep(tmp_path, deep)).profile is None


def srgb_curve(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def test_a_linear_profile_against_the_closed_form(tmp_path: Path) -> None:
    """IEC 61966-2-1, at both depths; at 16 bits the dark tones do not break into steps."""
    values = made.ramp(dtype=np.uint16)
    deep = keep(tmp_path, made.tiff(values, photometric="rgb", iccprofile=LINEAR))
    expected = srgb_curve(values / 65535) * 255
    assert np.abs(load_rgb(deep) - expected).max() <= 1
    native = load_native(deep)
    assert native.profile == LINEAR
    assert (native.pixels == values).all()
    shallow = keep(tmp_path, made.pillow((values >> 8).astype(np.uint8), "PNG", icc_profile=LINEAR))
    assert np.abs(load_rgb(shallow) - srgb_curve((values >> 8) / 255) * 255).max() <= 1


def test_a_gray_profile_against_the_closed_form(tmp_path: Path) -> None:
    profile = imagecodecs.cms_profile("gray", gamma=1.0)
    gray = made.ramp()[..., 0]
    path = keep(tmp_path, made.pillow(gray, "PNG", icc_profile=profile))
    assert np.abs(load_rgb(path)[..., 1] - srgb_curve(gray / 255) * 255).max() <= 1.5
    assert load_native(path).profile is None


def test_conversions_are_littlecms(tmp_path: Path) -> None:
    image = Image.fromarray(made.ramp())
    wide = imagecodecs.cms_profile("adobergb")
    path = keep(tmp_path, made.pillow(image, "PNG", icc_profile=wide))
    expected = ImageCms.profileToProfile(
        image,
        ImageCms.ImageCmsProfile(io.BytesIO(wide)),
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    assert np.abs(load_rgb(path).astype(int) - np.asarray(expected)).max() <= 1


def test_srgb_by_any_name_changes_nothing_and_linear_by_srgbs_name_does(tmp_path: Path) -> None:
    image = made.ramp()
    assert (load_rgb(keep(tmp_path, made.pillow(image, "PNG", icc_profile=SRGB))) == image).all()
    assert load_native(tmp_path / "page").profile == SRGB
    named = made.pillow(image, "PNG", icc_profile=LINEAR.replace(b"RGB built-in", b"sRGB linear!"))
    assert np.abs(load_rgb(keep(tmp_path, named)).astype(int) - image).max() > 40


def test_lab(tmp_path: Path) -> None:
    expected = np.array(
        [[[255, 255, 255], [0, 0, 0], [119, 119, 119], [180, 90, 60], [90, 100, 140]]], np.uint8
    )
    spaces = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    stored = np.asarray(ImageCms.profileToProfile(Image.fromarray(expected), *spaces, outputMode="LAB"))
    lab = np.dstack([stored[..., 0], stored[..., 1:].view(np.int8)]).astype(np.int16)
    shallow = made.tiff(lab.astype(np.uint8), photometric="cielab")
    deep = lab.astype(np.int32) * [257, 256, 256]
    for content in (shallow, made.tiff(deep.astype(np.uint16), photometric="cielab")):
        assert np.abs(load_rgb(keep(tmp_path, content)).astype(int) - expected).max() <= 3
    deep_psd = made.psd_rgb((np.add(lab, [0, 128, 128]) * [257, 256, 256]).astype(np.uint16), mode=9)
    assert np.abs(load_rgb(keep(tmp_path, deep_psd)).astype(int) - expected).max() <= 3
    stored = np.add(lab, [0, 128, 128]).astype(np.uint8)
    assert np.abs(load_rgb(keep(tmp_path, made.psd_rgb(stored, mode=9))).astype(int) - expected).max() <= 3


@pytest.mark.parametrize("kind", ["PNG", "GIF", "TIFF"])
def test_palettes(tmp_path: Path, kind: str) -> None:
    image = Image.fromarray(made.ramp()).quantize(32)
    plain = load_native(keep(tmp_path, made.pillow(image, kind)))
    assert (plain.pixels == np.asarray(image.convert("RGB"))).all()
    if kind == "TIFF":
        return
    clear = load_native(keep(tmp_path, made.pillow(image, kind, transparency=3)))
    assert clear.alpha is not None
    assert ((clear.alpha == 0) == (np.asarray(image) == 3)).all()
    assert (load_rgb(tmp_path / "page")[np.asarray(image) == 3] == 255).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_psd_merged_picture(tmp_path: Path, dtype: type) -> None:
    image = made.ramp(dtype=dtype)
    resolution = (
        np.array([350, 0], ">u2").tobytes() + b"\0\1\0\1" + np.array([350, 0], ">u2").tobytes() + b"\0\1\0\1"
    )
    path = keep(tmp_path, made.psd_rgb(image, resources=[(1005, resolution), (1039, LINEAR)]))
    native = load_native(path)
    assert native.pixels.dtype == dtype
    assert (native.pixels == image).all()
    assert native.profile == LINEAR
    assert native.dpi == 350


def test_psd_in_floats_indexed_and_gray(tmp_path: Path) -> None:
    image = made.ramp(dtype=np.uint16)
    floats = load_native(keep(tmp_path, made.psd_rgb((image / 65535).astype(np.float32))))
    assert np.abs(floats.pixels.astype(int) - image).max() <= 1
    colors = np.random.default_rng(0).integers(0, 256, (256, 3), np.uint8)
    places = made.ramp(channels=1)
    indexed = made.psd_rgb(places, mode=2, palette=colors.T.tobytes())
    assert (load_rgb(keep(tmp_path, indexed)) == colors[places[..., 0]]).all()
    gray = load_native(keep(tmp_path, made.psd_rgb(image[..., :1], mode=1)))
    assert (gray.pixels == image[..., :1]).all()


def test_psd_transparency_lies_on_white_once(tmp_path: Path) -> None:
    """The merged picture has white in it already where it is transparent."""
    color, cover = np.array([200, 40, 0]), 0.4
    merged = np.full((4, 4, 4), 102, np.uint8)
    merged[..., :3] = np.rint(color * cover + 255 * (1 - cover))
    path = keep(
        tmp_path, made.psd_rgb(merged, merged_alpha=True, layers=[{"name": "x", "box": (0, 0, 1, 1)}])
    )
    native = load_native(path)
    assert native.alpha is not None
    assert (native.alpha == 102).all()
    assert np.abs(native.pixels[0, 0].astype(int) - color).max() <= 2
    assert np.abs(load_rgb(path).astype(int) - merged[..., :3]).max() <= 1


def test_open_raster(tmp_path: Path) -> None:
    image = made.ramp(channels=4)
    path = keep(tmp_path, made.open_raster(image, xres=600, yres=600))
    native = load_native(path)
    assert native.alpha is not None
    assert (np.dstack([native.pixels, native.alpha]) == image).all()
    assert native.dpi == 600
    assert pages_in(path)[0].read().suffix == ".ora"


def test_krita(tmp_path: Path) -> None:
    image = made.ramp()
    members = {
        "mimetype": b"application/x-krita",
        "preview.png": b"x",
        "mergedimage.png": made.pillow(image, "PNG"),
    }
    [part] = pages_in(keep(tmp_path, made.cbz(members), "page.kra"))
    assert (load_rgb(part.path) == image).all()
    assert part.read().suffix == ".kra"


def test_opencv_reads_the_same(tmp_path: Path) -> None:
    """Another decoder on the same files."""
    image = np.random.default_rng(1).integers(0, 256, (33, 47, 3), np.uint8)
    for suffix in (".png", ".webp", ".bmp", ".tiff", ".jpg"):
        content = bytes(cv2.imencode(suffix, image)[1])
        theirs = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
        assert np.abs(load_rgb(keep(tmp_path, content)).astype(int) - theirs).max() <= 1, suffix


def test_a_cbz_is_its_pictures_in_natural_order(tmp_path: Path) -> None:
    pages = {
        f"page{n}.png": made.pillow(np.full((4, 4, 3), n, np.uint8), "PNG", dpi=(400, 400))
        for n in (10, 2, 1)
    }
    clutter = {
        "ComicInfo.xml": b"<ComicInfo/>",
        "Thumbs.db": b"x",
        "__MACOSX/._page1.png": b"x",
        ".hidden.png": b"x",
        "notes.txt": b"x",
    }
    path = keep(tmp_path, made.cbz({**pages, **clutter}), "book.zip")
    parts = pages_in(path)
    assert [part.label for part in parts] == ["page1.png", "page2.png", "page10.png"]
    files = [part.read() for part in parts]
    assert [file.content for file in files] == [pages[part.label] for part in parts]
    assert {file.suffix for file in files} == {".png"}
    assert {file.dpi for file in files} == {400}
    assert (load_rgb(path) == 1).all()


def test_what_is_kept_is_called_by_its_content(tmp_path: Path) -> None:
    jpeg, png = made.pillow(made.ramp(), "JPEG"), made.pillow(made.ramp(), "PNG")
    parts = pages_in(keep(tmp_path, made.cbz({"1.png": jpeg, "2.jpeg": jpeg, "3.webp": png})))
    assert [part.read().suffix for part in parts] == [".jpg", ".jpeg", ".png"]
    [single] = pages_in(keep(tmp_path, png, "scan.JPG"))
    assert single.label == "scan.JPG"
    assert single.read().content == png
    assert single.read().suffix == ".png"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pages_of_a_tiff_become_files_of_their_own(tmp_path: Path, dtype: type) -> None:
    pages = [made.ramp(dtype=dtype), made.ramp(dtype=dtype)[::-1], made.ramp(20, 20, dtype=dtype)]
    options = {"photometric": "rgb", "iccprofile": LINEAR, "resolution": (350, 350), "resolutionunit": "INCH"}
    path = keep(tmp_path, made.tiff_pages(pages, **options))
    parts = pages_in(path)
    assert [part.label for part in parts] == ["page 1", "page 2", "page 3"]
    for part, page in zip(parts, pages, strict=True):
        file = part.read()
        native = load_native(keep(tmp_path, file.content, f"single{file.suffix}"))
        assert native.pixels.dtype == dtype
        assert (native.pixels == page).all()
        assert native.profile == LINEAR
        assert native.dpi == file.dpi == 350


def test_odd_pages_of_a_tiff(tmp_path: Path) -> None:
    """1 bit, CMYK, and a preview that is no page."""
    stream = io.BytesIO()
    bits, ink = made.ramp()[..., 0] > 128, made.ramp(channels=4)
    with tifffile.TiffWriter(stream) as writer:
        writer.write(bits, photometric="minisblack", metadata=None)
        writer.write(np.zeros((4, 4), np.uint8), photometric="minisblack", subfiletype=1, metadata=None)
        writer.write(ink, photometric="separated", metadata=None)
    path = keep(tmp_path, stream.getvalue())
    first, second = (part.read() for part in pages_in(path))
    assert ((load_rgb(keep(tmp_path, first.content, "1.png"))[..., 0] == 255) == bits).all()
    assert second.suffix == ".tif"
    assert (tifffile.imread(io.BytesIO(second.content)) == ink).all()


def test_a_preview_before_the_page_is_not_the_page(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        writer.write(np.zeros((4, 4, 3), np.uint8), photometric="rgb", subfiletype=1, metadata=None)
        writer.write(made.ramp(), photometric="rgb", metadata=None)
    path = keep(tmp_path, stream.getvalue())
    assert (load_rgb(path) == made.ramp()).all()
    assert pages_in(path)[0].read().content == stream.getvalue()


def test_orientation_travels_with_a_page_of_a_tiff(tmp_path: Path) -> None:
    page = made.ramp(6, 9)
    options = {"photometric": "rgb", "extratags": [(274, 3, 1, 8, True)]}
    part = pages_in(keep(tmp_path, made.tiff_pages([page, page], **options)))[1]
    assert (load_rgb(keep(tmp_path, part.read().content, "2.png")) == np.rot90(page)).all()


def test_an_exported_zip_has_no_more_than_was_put_in(tmp_path: Path) -> None:
    stored = made.cbz({"a.png": made.pillow(made.ramp(), "PNG")}, compression=zipfile.ZIP_STORED)
    assert (load_rgb(keep(tmp_path, stored)) == made.ramp()).all()
