"""The bytes of one picture -> samples. The content decides what it is, never the name.

Runs in the second process (``pages.worker``).
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, PngImagePlugin, UnidentifiedImageError

from pages.errors import ComicLossError, InputError
from pages.limits import LIMITS, Limits, variable
from pages.names import KINDS
from pages.native import Depth, Model, Samples, upright
from pages.worker import damaged

_OTHERS = (
    (rb"Rar!\x1a\x07", "a RAR archive (CBR)", "Unpack it and pack the pictures as a ZIP (CBZ)."),
    (rb"7z\xbc\xaf\x27\x1c", "a 7-Zip archive (CB7)", "Unpack it and pack the pictures as a ZIP (CBZ)."),
    (rb"\x1f\x8b|BZh|\xfd7zXZ\0|\x28\xb5\x2f\xfd", "a compressed file", "Unpack it first."),
    (rb".{257}ustar", "a TAR archive (CBT)", "Unpack it and pack the pictures as a ZIP (CBZ)."),
    (rb".{4}ftyp(heic|heix|hevc|mif1|msf1)", "a HEIC photograph", "Export it as JPEG or PNG."),
    (rb".{4}ftyp(avif|avis)", "an AVIF picture", "Export it as PNG."),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", "a JPEG XL picture", "Export it as PNG."),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "a JPEG 2000 picture", "Export it as PNG."),
    (rb"CSFCHUNK", "a Clip Studio file", "Export it from Clip Studio as PSD or PNG."),
    (rb"gimp xcf", "a GIMP file", "Export it from GIMP as PSD, OpenRaster or PNG."),
    (rb"\s*<(\?xml|svg|!DOCTYPE)", "an SVG or another XML file", "Export the page as PNG or PDF."),
)
_SIGNATURES = (
    (rb"\x89PNG\r\n\x1a\n", "png"),
    (rb"\xff\xd8\xff", "jpeg"),
    (rb"RIFF.{4}WEBP", "webp"),
    (rb"II\x2a\0|MM\0\x2a|II\x2b\0|MM\0\x2b", "tiff"),
    (rb"GIF8[79]a", "gif"),
    (rb"BM", "bmp"),
    (rb"8BPS", "psd"),
    (rb".{0,1019}%PDF-", "pdf"),  # readers allow a kilobyte of anything before it
    (rb"PK(\x03\x04|\x05\x06|\x07\x08)", "zip"),
)
SUFFIX_OF = {
    "png": ".png",
    "jpeg": ".jpg",
    "webp": ".webp",
    "tiff": ".tif",
    "gif": ".gif",
    "bmp": ".bmp",
    "psd": ".psd",
    "zip": ".ora",
}
"""Under which suffix a picture of a kind is kept; the only ZIP that is one picture is OpenRaster."""

Image.MAX_IMAGE_PIXELS = max(LIMITS.pixels, Image.MAX_IMAGE_PIXELS or 0)  # our own limit comes first
PngImagePlugin.MAX_TEXT_CHUNK = 16 * 1024**2  # large printer profiles are no attack


def sniff(head: bytes) -> str | None:
    """The kind of a file by its first kilobyte: "png", "jpeg" … "pdf", "zip"; None if it is none of ours."""
    for signature, kind in _SIGNATURES:
        if re.match(signature, head, re.DOTALL):
            return kind
    return None


def unknown(shown: str, head: bytes) -> InputError:
    """The refusal of a file that is no picture; one of another kind is called by its name."""
    for signature, what, remedy in _OTHERS:
        if re.match(signature, head, re.DOTALL):
            return InputError(f"{shown}: this is {what}, which cannot be read.", remedy=remedy)
    return InputError(
        f"{shown}: this is no picture that can be read, or it is damaged.",
        remedy=f"{KINDS}; export the page as one of these.",
    )


def decode(file: BinaryIO, shown: str, limits: Limits) -> Samples:
    """The first picture of a file that is no archive and no PDF, upright.

    Args:
        file: seekable.
        shown: the file's name, for messages.
        limits: its pixels are checked before anything is unpacked.

    Raises:
        InputError: no picture, a damaged one, or one that is too large.
        MemoryError: the decoder needs more than it may have.
    """
    with decoding(shown):
        return _decoded(file, shown, limits)


@contextmanager
def decoding(shown: str) -> Iterator[None]:
    """Whatever a decoder raises says which picture, of which file, was damaged.

    Raises:
        InputError
    """
    try:
        yield
    except (ComicLossError, MemoryError):
        raise
    except Exception as error:  # decoders raise anything at all on damaged data
        raise damaged(shown, error) from error


def _decoded(file: BinaryIO, shown: str, limits: Limits) -> Samples:
    file.seek(0)
    head = file.read(1024)
    file.seek(0)
    kind = sniff(head)
    if kind == "tiff":
        from pages.tiff import decode_first

        return decode_first(file, shown, limits)
    if kind == "psd":
        from pages.psd import decode_merged

        return decode_merged(file, shown, limits)
    if kind in ("pdf", "zip"):
        raise InputError(
            f"{shown}: a {kind.upper()} inside another file is not opened.",
            remedy="Unpack it and add what is in it by itself.",
        )
    if kind is None:
        raise unknown(shown, head)
    try:
        image = Image.open(file, formats=[kind.upper()])
    except Image.DecompressionBombError as error:
        raise too_large(shown, "the picture", limits) from error
    except UnidentifiedImageError as error:
        raise damaged(shown, "its header makes no sense") from error
    check_size(*image.size, shown, limits)
    if kind == "jpeg":
        _check_scans(file, image, shown, limits)
    if kind == "bmp":
        _check_run_lengths(image, shown)
    image.load()
    if kind == "png" and _is_deep(file):
        return _deep_png(file, image)
    return from_pillow(image)


def header_size(file: BinaryIO, shown: str, limits: Limits) -> tuple[int, int]:
    """(width, height) of the picture that ``decode`` would give, upright; its pixels are not unpacked.

    Raises:
        InputError: no picture, or a damaged header.
    """
    with decoding(shown):
        file.seek(0)
        content_kind = sniff(file.read(1024))
        if content_kind == "psd":
            from pages.psd import header

            return header(file, shown)[:2]
        if content_kind == "tiff":
            from pages.tiff import first_size

            return first_size(file, shown, limits)
        if content_kind is None or content_kind in ("pdf", "zip"):
            raise damaged(shown, "it is no picture")
        file.seek(0)
        # Pillow unpacks a PNG to look for an orientation behind the pixels.
        has_exif = content_kind != "png" or b"eXIf" in file.read()
        file.seek(0)
        image = Image.open(file, formats=[content_kind.upper()])
        turned = has_exif and _orientation(image) >= 5
        return (image.height, image.width) if turned else (image.width, image.height)


def check_size(width: int, height: int, shown: str, limits: Limits) -> None:
    """Refuse a picture of no pixels, or of more than ``limits.pixels``.

    Raises:
        InputError
    """
    if width < 1 or height < 1:
        raise damaged(shown, f"it is {width} x {height} pixels large")
    if width * height > limits.pixels:
        raise too_large(shown, f"{width} x {height} pixels", limits)


def too_large(shown: str, what: str, limits: Limits) -> InputError:
    """The refusal of a picture with too many pixels."""
    return InputError(
        f"{shown}: {what} is more than {limits.pixels / 10**6:.4g} megapixels.",
        remedy="Save the page at a lower resolution (600 dpi is enough for print), "
        f"or raise {variable('pixels')}.",
    )


def from_pillow(image: Image.Image) -> Samples:
    """A decoded Pillow picture of any mode, as samples; EXIF orientation applied."""
    orientation = _orientation(image)
    dpi, profile = _dots_per_inch(image), image.info.get("icc_profile")
    indexed = image.mode in ("P", "PA")
    if image.mode.startswith(("I", "F")):
        values = _gray_16(np.asarray(image))[..., None]
        return _turned(Samples(values, "gray", None, profile, dpi), orientation)
    if image.mode == "1":
        image = image.convert("L")
    elif image.mode in ("L", "RGB") and image.has_transparency_data:
        image = image.convert("LA" if image.mode == "L" else "RGBA")
    elif image.mode not in ("L", "LA", "RGB", "RGBA", "CMYK", "LAB"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    values = np.asarray(image)
    values = values[..., None] if values.ndim == 2 else values
    alpha = None
    if image.mode in ("LA", "RGBA"):
        values, alpha = values[..., :-1], values[..., -1]
    if image.mode == "LAB":  # Pillow hands a* and b* out signed
        values = values ^ np.array([0, 0x80, 0x80], np.uint8)
    models: dict[str, Model] = {"L": "gray", "LA": "gray", "CMYK": "cmyk", "LAB": "lab"}
    model = models.get(image.mode, "rgb")
    return _turned(Samples(values, model, alpha, profile, dpi, indexed), orientation)


def _turned(samples: Samples, orientation: int) -> Samples:
    alpha = None if samples.alpha is None else upright(samples.alpha, orientation)
    values = upright(samples.values, orientation)
    return Samples(values, samples.model, alpha, samples.profile, samples.dpi, samples.indexed)


def _gray_16(values: NDArray[Any]) -> NDArray[np.uint16]:
    if values.dtype == np.uint16:
        return np.asarray(values, np.uint16)
    if values.dtype.kind == "f":  # by convention black is 0 and white is 1
        return np.asarray(np.rint(np.nan_to_num(values).clip(0, 1) * 65535), np.uint16)
    if values.max(initial=0) > 65535:
        values = values >> 15  # 31 bits: the highest is the sign
    shallow: NDArray[np.uint16] = values.clip(0, 65535).astype(np.uint16)
    return shallow


def _is_deep(file: BinaryIO) -> bool:
    file.seek(24)
    return file.read(1) == b"\x10"


def _deep_png(file: BinaryIO, image: Image.Image) -> Samples:
    """16 bits per channel: Pillow has read what stands around the pixels, and would cut them to 8."""
    file.seek(0)
    values: NDArray[Depth] = imagecodecs.png_decode(file.read())
    values = values[..., None] if values.ndim == 2 else values
    alpha = None
    key = image.info.get("transparency")
    if values.shape[2] in (2, 4):
        values, alpha = values[..., :-1], values[..., -1]
    elif key is not None:
        alpha = np.where((values == np.array(key, np.uint16)).all(2), 0, 65535).astype(np.uint16)
    model: Model = "gray" if values.shape[2] == 1 else "rgb"
    profile, dpi = image.info.get("icc_profile"), _dots_per_inch(image)
    return _turned(Samples(values, model, alpha, profile, dpi), _orientation(image))


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:  # damaged EXIF data: the picture itself is good
        return 1


def _dots_per_inch(image: Image.Image) -> float | None:
    if "dpi" in image.info:
        return sane_dpi(image.info["dpi"])
    try:
        exif = image.getexif()
        per_unit, unit = float(exif[0x011A]), exif.get(0x0128, 2)
    except Exception:
        return None
    return sane_dpi((per_unit * (2.54 if unit == 3 else 1),)) if unit in (2, 3) else None


def sane_dpi(dpi: Any) -> float | None:
    """The first of some values that should be dots per inch, or None if it is no such thing."""
    try:
        value = float(dpi[0])
    except (TypeError, ValueError, IndexError, ZeroDivisionError, OverflowError):
        return None
    return round(value, 1) if math.isfinite(value) and 1 < value < 100_000 else None  # PNG has 150.0124


def _check_scans(file: BinaryIO, image: Image.Image, shown: str, limits: Limits) -> None:
    """Each scan of a progressive JPEG goes over the whole picture again, and may be a few bytes long."""
    file.seek(0)
    scans = file.read().count(b"\xff\xda")
    if scans > 100 and scans * image.width * image.height > 20 * limits.pixels:
        raise InputError(
            f"{shown}: a JPEG of {scans} scans takes too long to read.",
            remedy="Open it in a paint program and save it again.",
        )


def _check_run_lengths(image: ImageFile.ImageFile, shown: str) -> None:
    """Two bytes of a run-length coded BMP may skip 255 rows, which Pillow then makes in memory at once."""
    if image.width > 100_000 and any("rle" in str(tile[0]) for tile in image.tile):
        raise InputError(
            f"{shown}: a run-length coded BMP of {image.width} pixels in width is not read.",
            remedy="Save the page as PNG.",
        )


def picture_bytes(content: bytes, shown: str, limits: Limits) -> Samples:
    """As ``decode``, of bytes in memory."""
    return decode(io.BytesIO(content), shown, limits)
