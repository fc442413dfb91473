"""PDF pages: the embedded picture where a page is nothing else, or else the page rendered.

Runs in the second process (``pages.worker``).
"""

from __future__ import annotations

import ctypes
import io
import itertools
import math
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image

from pages.decode import picture_bytes, too_large
from pages.errors import ComicLossError, InputError
from pages.limits import Limits, variable
from pages.native import Model, Samples, is_srgb, to_native, to_rgb

_POINTS_PER_INCH = 72
_MARGIN = 0.02  # how far, in parts of the page, a picture may miss the page's edges and still be all of it
_LOOK = 96  # pixels of the small copies that are compared
_TOGETHER = 0.8  # correlation of small copies; of a negative it is -1
_UNLIKE = 24  # mean difference of small copies, of 255: another resampling differs less, a negative far more


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The document.

    Raises:
        InputError: it is damaged, or locked with a password.
    """
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if "assword" in str(error) and _mentions_encryption(path):  # PDFium may tell an earlier file's error
            raise InputError(
                f"{path}: this PDF is locked with a password.",
                remedy="Open it in a PDF program and save it without a password.",
            ) from error
        raise _damaged(path, error) from error
    try:
        yield document
    finally:
        document.close()


def page_count(path: Path, limits: Limits) -> int:
    """How many pages there are.

    Raises:
        InputError: none, or more than ``limits.pages``.
    """
    with opened(path) as document:
        count = len(document)
    if count < 1:
        raise InputError(f"{path}: this PDF has no pages.", remedy="Export it again.")
    if count > limits.pages:
        raise InputError(
            f"{path}: {count} pages are more than {limits.pages}.",
            remedy=f"Split the PDF, or raise {variable('pages')}.",
        )
    return count


def page_file(path: Path, place: int, dpi: float, limits: Limits) -> tuple[bytes, str, float]:
    """One page as a picture file: (bytes, suffix, dpi).

    If one upright picture covers the page and there is nothing else on it: a JPEG as it is embedded, byte
    for byte, or a PNG or TIFF of the picture's own pixels. Else a PNG of the page.

    Args:
        path: the PDF.
        place: the page, from 0.
        dpi: at which a page is rendered.
        limits: the page's size in pixels is checked before it is rendered.

    Raises:
        InputError: the page is damaged, or too large.
    """
    shown = f"{path}, page {place + 1}"
    with opened(path) as document:
        try:
            page = document[place]
        except (pypdfium2.PdfiumError, IndexError) as error:
            raise _damaged(shown, error) from error
        picture = _only_picture(page)
        if picture is None:
            return _rendered(page, dpi, shown, limits)
        width, height = picture.get_px_size()
        if width * height > limits.pixels:
            raise too_large(shown, f"its picture of {width} x {height} pixels", limits)
        own_dpi = width / page.get_width() * _POINTS_PER_INCH
        if _is_plain(page, picture):
            found = _embedded(path, place, picture, own_dpi, shown, limits)
            if found is not None and _alike(page, found[2]):
                return found[0], found[1], round(own_dpi, 1)
        if page.get_rotation() in (90, 270):
            own_dpi = height / page.get_width() * _POINTS_PER_INCH
        return _rendered(page, own_dpi, shown, limits)


def _mentions_encryption(path: Path) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(b"/Encrypt") >= 0


def _damaged(shown: Path | str, error: Exception) -> InputError:
    return InputError(
        f"{shown}: this PDF is damaged or cut short ({error}).",
        remedy="Open it in a PDF program and save it again, or export its pages as PNG.",
    )


def _only_picture(page: Any) -> Any:
    """The picture that covers the page, if there is nothing else on it."""
    seen = (thing for thing in page.get_objects(max_depth=1) if not _is_invisible(thing))
    objects = list(itertools.islice(seen, 2))
    if len(objects) != 1 or objects[0].type != pdfium.FPDF_PAGEOBJ_IMAGE:
        return None
    if pdfium.FPDFPage_GetAnnotCount(page):
        return None
    picture = objects[0]
    left, bottom, right, top = picture.get_bounds()
    crop = page.get_cropbox(fallback_ok=True)
    wide, tall = crop[2] - crop[0], crop[3] - crop[1]
    misses = (
        abs(left - crop[0]) / wide,
        abs(right - crop[2]) / wide,
        abs(bottom - crop[1]) / tall,
        abs(top - crop[3]) / tall,
    )
    width, height = picture.get_px_size()
    if max(misses) > _MARGIN or min(width, height) < 1:
        return None
    turned = abs(picture.get_matrix().b) > abs(picture.get_matrix().a)
    if turned:
        width, height = height, width
    stretched = abs(math.log((width / wide) / (height / tall)))
    return None if stretched > _MARGIN else picture


def _is_invisible(thing: Any) -> bool:
    """The text that scanners' software lays under a page, to be searched."""
    if thing.type != pdfium.FPDF_PAGEOBJ_TEXT:
        return False
    mode: int = pdfium.FPDFTextObj_GetTextRenderMode(thing)
    return bool(mode == pdfium.FPDF_TEXTRENDERMODE_INVISIBLE)


def _is_plain(page: Any, picture: Any) -> bool:
    """Upright, neither turned nor mirrored, and opaque."""
    matrix = picture.get_matrix()
    upright = matrix.a > 0 and matrix.d > 0 and abs(matrix.b) + abs(matrix.c) < 1e-3 * (matrix.a + matrix.d)
    return upright and page.get_rotation() == 0 and not pdfium.FPDFPageObj_HasTransparency(picture)


def _embedded(
    path: Path, place: int, picture: Any, dpi: float, shown: str, limits: Limits
) -> tuple[bytes, str, Image.Image] | None:
    """The picture as a file, and a small copy of how it looks by itself; None if it cannot be taken out."""
    if picture.get_filters() == ["DCTDecode"]:
        content = bytes(picture.get_data())
        try:
            samples = picture_bytes(content, shown, limits)
            if samples.profile is None:
                content = _with_profile(content, _profile(picture))
                samples = picture_bytes(content, shown, limits)
        except (ComicLossError, OSError, SyntaxError, ValueError):
            return None
        return content, ".jpg", _small(Image.fromarray(to_rgb(to_native(samples))))
    simple = not picture.get_filters(skip_simple=True)
    deep = _deep(path, place, _profile(picture), dpi) if simple else None
    if deep is not None:
        from pages.tiff import to_tiff

        return to_tiff(deep), ".tif", _small(Image.fromarray(to_rgb(to_native(deep))))
    image = picture.get_bitmap().to_pil().convert("RGB")
    return _png(image, dpi), ".png", _small(image)


def _deep(path: Path, place: int, profile: bytes | None, dpi: float) -> Samples | None:
    """A picture of 16 bits per channel, of which PDFium would give 8."""
    models: dict[str, tuple[Model, int]] = {"/DeviceRGB": ("rgb", 3), "/DeviceGray": ("gray", 1)}
    try:
        with pikepdf.open(path) as document:
            [stream] = document.pages[place].images.values()
            picture = pikepdf.PdfImage(stream)
            space = picture.colorspace
            if space == "/ICCBased":
                space = {1: "/DeviceGray", 3: "/DeviceRGB"}.get(int(stream.ColorSpace[1].N), "")
            if picture.bits_per_component != 16 or space not in models or "/Decode" in stream:
                return None
            model, count = models[space]
            shape = picture.height, picture.width, count
            values = np.frombuffer(picture.read_bytes(), ">u2", math.prod(shape)).astype(np.uint16)
    except MemoryError:
        raise
    except Exception:  # qpdf is stricter than PDFium, which has the picture as well
        return None
    return Samples(values.reshape(shape), model, None, profile, round(dpi, 1))


def _alike(page: Any, small: Image.Image) -> bool:
    """Does the page look like the picture by itself? Not if the PDF turns its colors, cuts or covers it.

    Ink without a profile becomes color in more than one way; then the tones still rise and fall together.
    """
    one, other = (
        np.asarray(image, np.float64).reshape(-1, 3)
        for image in (_small(_drawn(page, _LOOK * 4, _LOOK * 4)), small)
    )
    if np.abs(one - other).mean(0).max() < _UNLIKE:
        return True
    if min(one.std(0).min(), other.std(0).min()) < 1:
        return False
    return min(float(np.corrcoef(one[:, n], other[:, n])[0, 1]) for n in range(3)) > _TOGETHER


def _small(image: Image.Image) -> Image.Image:
    return image.resize((_LOOK, _LOOK), Image.Resampling.BOX)


def _rendered(page: Any, dpi: float, shown: str, limits: Limits) -> tuple[bytes, str, float]:
    inches = [side / _POINTS_PER_INCH for side in page.get_size()]
    if not all(math.isfinite(side) and side > 0 for side in inches):
        raise InputError(f"{shown}: this page has no size.", remedy="Export the page again.")
    width, height = (max(1, round(side * dpi)) for side in inches)
    if width * height > limits.pixels:
        raise InputError(
            f"{shown}: at {dpi:.4g} dpi this page has {width} x {height} pixels, more than "
            f"{limits.pixels / 10**6:.4g} megapixels.",
            remedy=f"Choose fewer dots per inch, export the page smaller, or raise {variable('pixels')}.",
        )
    try:
        image = _drawn(page, width, height)
    except pypdfium2.PdfiumError as error:
        raise _damaged(shown, error) from error
    return _png(image, dpi), ".png", round(dpi, 1)


def _drawn(page: Any, width: int, height: int) -> Image.Image:
    """The page on white paper of just so many pixels."""
    bitmap = pypdfium2.PdfBitmap.new_native(width, height, pdfium.FPDFBitmap_BGRx)
    bitmap.fill_rect((255, 255, 255, 255), 0, 0, width, height)
    # A hundredth of a pixel smaller, or else PDFium may find that a picture of just as many pixels touches
    # one more, and stretches it.
    slack = 0.01
    across, down = (
        (pixels - slack) / points for pixels, points in zip((width, height), page.get_size(), strict=True)
    )
    matrix = pdfium.FS_MATRIX(across, 0, 0, down, slack / 2, slack / 2)
    clip = pdfium.FS_RECTF(0, 0, width, height)
    pdfium.FPDF_RenderPageBitmapWithMatrix(bitmap, page, matrix, clip, pdfium.FPDF_ANNOT)
    image: Image.Image = bitmap.to_pil().convert("RGB")
    return image


def _png(image: Image.Image, dpi: float) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", dpi=(dpi, dpi), compress_level=4)
    return stream.getvalue()


def _profile(picture: Any) -> bytes | None:
    """The ICC profile that the PDF gives its picture, unless it says sRGB."""
    length = ctypes.c_size_t()
    arguments = (picture, picture.page, None, 0, ctypes.byref(length))
    if not pdfium.FPDFImageObj_GetIccProfileDataDecoded(*arguments) or not length.value:
        return None
    buffer = (ctypes.c_ubyte * length.value)()
    pdfium.FPDFImageObj_GetIccProfileDataDecoded(
        picture, picture.page, buffer, length.value, ctypes.byref(length)
    )
    profile = bytes(buffer)
    return None if is_srgb(profile) else profile


def _with_profile(jpeg: bytes, profile: bytes | None) -> bytes:
    """The JPEG with a profile in it (ICC.1:2010, annex B.4); what is coded in it stays as it is."""
    if profile is None:
        return jpeg
    size = 65_519
    pieces = [profile[start : start + size] for start in range(0, len(profile), size)]
    segments = b"".join(
        b"\xff\xe2"
        + (len(piece) + 16).to_bytes(2, "big")
        + b"ICC_PROFILE\0"
        + bytes([number, len(pieces)])
        + piece
        for number, piece in enumerate(pieces, 1)
    )
    return jpeg[:2] + segments + jpeg[2:] if len(pieces) < 256 else jpeg
