"""TIFF: any page of many; Pillow reads what has 8 bits, tifffile what has more.

Runs in the second process (``pages.worker``).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from pages.decode import check_size, from_pillow, sane_dpi, too_large
from pages.errors import InputError
from pages.limits import Limits, variable
from pages.native import Depth, Model, Samples, to_native, upright
from pages.worker import damaged

_SUBFILE, _BITS, _TILE_WIDTH, _TILE_LENGTH, _ORIENTATION = 254, 258, 322, 323, 274
_IN_PNG = ("1", "L", "LA", "P", "RGB", "RGBA")
_COLORS: dict[Model, int] = {"gray": 1, "rgb": 3, "cmyk": 4, "lab": 3}
_PHOTOMETRIC: dict[Model, str] = {"gray": "minisblack", "rgb": "rgb", "cmyk": "separated"}


def page_places(file: BinaryIO, shown: str, limits: Limits) -> Iterator[int]:
    """Where in the file's chain the pages are; previews and masks are left out.

    Raises:
        InputError: more than ``limits.pages``.
    """
    image = _opened(file, shown, limits)
    found = False
    for place in range(limits.pages + 1):
        if image is None or not _at(image, place, shown, limits):
            break  # the end, or a page of a kind that Pillow does not know
        if not int(image.tag_v2.get(_SUBFILE, 0)) & 0b101:
            found = True
            yield place
    else:
        raise InputError(
            f"{shown}: more than {limits.pages} pages.",
            remedy=f"Split the file, or raise {variable('pages')}.",
        )
    if not found:
        yield 0


def decode_first(file: BinaryIO, shown: str, limits: Limits) -> Samples:
    """The first page, upright.

    Raises:
        InputError: as for ``decode_page``.
    """
    return decode_page(file, next(page_places(file, shown, limits)), shown, limits)


def first_size(file: BinaryIO, shown: str, limits: Limits) -> tuple[int, int]:
    """(width, height) of the first page, upright."""
    place = next(page_places(file, shown, limits))
    image = _opened(file, shown, limits)
    if image is not None and _at(image, place, shown, limits):
        return image.width, image.height  # Pillow has turned them
    file.seek(0)
    with tifffile.TiffFile(file) as document:
        page = document.pages[place]
        assert isinstance(page, tifffile.TiffPage)
        turn = page.tags.get(_ORIENTATION)
        size = page.imagewidth, page.imagelength
    return size[::-1] if turn is not None and turn.value in (5, 6, 7, 8) else size


def decode_page(file: BinaryIO, place: int, shown: str, limits: Limits) -> Samples:
    """One page, upright.

    Raises:
        InputError: it is damaged, too large, or of a kind that nothing here reads.
    """
    image = _opened(file, shown, limits)
    if image is None or not _at(image, place, shown, limits):
        return _deep(file, place, shown, limits)
    check_size(image.width, image.height, shown, limits)
    if max(image.tag_v2.get(_BITS, (1,))) > 8:
        return _deep(file, place, shown, limits)
    _check_tile(image.tag_v2.get(_TILE_WIDTH, 0), image.tag_v2.get(_TILE_LENGTH, 0), shown, limits)
    image.load()  # turns it upright
    return from_pillow(image)


def page_file(file: BinaryIO, place: int, shown: str, limits: Limits) -> tuple[bytes, str, float | None]:
    """One page as a file of its own: (bytes, suffix, dpi); pixels, depth, profile and resolution are kept."""
    samples = decode_page(file, place, shown, limits)
    image = _opened(file, shown, limits)
    if samples.values.dtype == np.uint8 and image is not None and _at(image, place, shown, limits):
        image.load()
        if image.mode in _IN_PNG:
            stream = io.BytesIO()
            dpi = {} if samples.dpi is None else {"dpi": (samples.dpi, samples.dpi)}
            image.save(stream, "PNG", icc_profile=samples.profile, compress_level=4, **dpi)
            return stream.getvalue(), ".png", samples.dpi
    return to_tiff(samples), ".tif", samples.dpi


def to_tiff(samples: Samples) -> bytes:
    """A TIFF of one page, packed without loss; Lab becomes sRGB."""
    if samples.model == "lab":
        native = to_native(samples)
        samples = Samples(native.pixels, "rgb", native.alpha, native.profile, native.dpi)
    values = samples.values
    extra: dict[str, Any] = {}
    if samples.alpha is not None:
        values = np.concatenate([values, samples.alpha[..., None]], axis=2)
        extra["extrasamples"] = ["unassalpha"]
    if samples.dpi is not None:
        extra |= {"resolution": (samples.dpi, samples.dpi), "resolutionunit": "inch"}
    stream = io.BytesIO()
    tifffile.imwrite(
        stream,
        np.ascontiguousarray(values[..., 0] if values.shape[2] == 1 else values),
        photometric=_PHOTOMETRIC[samples.model],
        planarconfig="contig" if values.shape[2] > 1 else None,
        compression="adobe_deflate",
        predictor=True,
        iccprofile=samples.profile,
        metadata=None,
        maxworkers=1,
        **extra,
    )
    return stream.getvalue()


def _opened(file: BinaryIO, shown: str, limits: Limits) -> Any:
    """The file in Pillow, or None if it is of a kind that Pillow does not read."""
    file.seek(0)
    try:
        return Image.open(file, formats=["TIFF"])
    except Image.DecompressionBombError as error:
        raise too_large(shown, "the picture", limits) from error
    except MemoryError:
        raise
    except Exception:  # Pillow raises many things at what it does not know
        return None


def _at(image: Any, place: int, shown: str, limits: Limits) -> bool:
    """Go to a page; False if it is of a kind that Pillow does not read."""
    try:
        image.seek(place)
    except Image.DecompressionBombError as error:
        raise too_large(shown, "a page", limits) from error
    except MemoryError:
        raise
    except Exception:  # the end of the file, or anything that Pillow does not know
        return False
    return True


def _check_tile(width: int, length: int, shown: str, limits: Limits) -> None:
    """A tile may be far larger than the picture, and is unpacked whole."""
    if width * length > limits.pixels:
        raise too_large(shown, f"a tile of {width} x {length} pixels", limits)


def _deep(file: BinaryIO, place: int, shown: str, limits: Limits) -> Samples:
    file.seek(0)
    with tifffile.TiffFile(file) as document:
        page = document.pages[place]
        assert isinstance(page, tifffile.TiffPage)
        check_size(page.imagewidth, page.imagelength * page.imagedepth, shown, limits)
        if page.samplesperpixel > 16:
            raise damaged(shown, f"{page.samplesperpixel} channels")
        _check_tile(page.tilewidth, page.tilelength, shown, limits)
        values = page.asarray(maxworkers=1)
        if page.axes.startswith("S"):
            values = np.moveaxis(values, 0, -1)
        if values.ndim not in (2, 3) or values.shape[:2] != (page.imagelength, page.imagewidth):
            raise damaged(shown, f"pages of shape {values.shape}")
        values = values[..., None] if values.ndim == 2 else values
        colormap = page.colormap
        samples = _samples(values, page, colormap, shown)
        dpi = _resolution(page)
        orientation = page.tags.get(_ORIENTATION)
        turn = int(orientation.value) if orientation is not None else 1
        alpha = None if samples.alpha is None else upright(samples.alpha, turn)
        return Samples(upright(samples.values, turn), samples.model, alpha, page.iccprofile, dpi)


def _samples(values: NDArray[Any], page: Any, colormap: NDArray[np.uint16] | None, shown: str) -> Samples:
    kind = tifffile.PHOTOMETRIC(page.photometric).name
    if kind == "PALETTE" and colormap is not None:
        return Samples(colormap.T[values[..., 0]], "rgb", indexed=True)
    models: dict[str, Model] = {
        "MINISWHITE": "gray",
        "MINISBLACK": "gray",
        "RGB": "rgb",
        "SEPARATED": "cmyk",
        "CIELAB": "lab",
        "ICCLAB": "lab",
    }
    if kind == "YCBCR" and page.compression in (6, 7):  # the JPEG decoder has made RGB of it
        kind = "RGB"
    model = models.get(kind)
    if model is None or values.shape[2] < _COLORS[model]:
        raise InputError(
            f"{shown}: a TIFF of this kind ({kind.lower()}, {page.samplesperpixel} channels) cannot be read.",
            remedy="Save the page as an RGB TIFF or as PNG.",
        )
    if kind == "CIELAB" and values.dtype.itemsize <= 2:
        values = _offset_lab(values)
    elif kind == "ICCLAB" and values.dtype == np.uint16:
        values = (values.astype(np.uint32) * 65535 // 65280).clip(0, 65535).astype(np.uint16)
    integers = _unsigned(values, page.bitspersample, shown)
    if kind == "MINISWHITE":
        integers = np.iinfo(integers.dtype).max - integers
    count = _COLORS[model]
    colors, alpha = integers[..., :count], None
    kinds = [int(extra) for extra in page.extrasamples]
    if integers.shape[2] > count and (not kinds or kinds[0] in (1, 2)):
        alpha = integers[..., count]
        if kinds and kinds[0] == 1:
            colors = _divided(colors, alpha)
    return Samples(colors, model, alpha)


def _unsigned(values: NDArray[Any], bits: int, shown: str) -> NDArray[Depth]:
    """8 or 16 bits, with the whole range in use."""
    kind, size = values.dtype.kind, values.dtype.itemsize
    full: NDArray[Depth]
    if kind == "b":
        full = values.astype(np.uint8) * np.uint8(255)
    elif kind == "f":  # by convention black is 0 and white is 1
        full = np.rint(np.nan_to_num(values).clip(0, 1) * 65535).astype(np.uint16)
    elif kind == "u" and bits in (8, 16):
        full = values
    elif kind == "u" and size <= 2:
        wide = np.iinfo(values.dtype).max
        full = (values.astype(np.uint32) * wide // (2**bits - 1)).clip(0, wide).astype(values.dtype)
    elif kind == "u" and size == 4:
        full = (values >> 16).astype(np.uint16)
    else:
        raise InputError(
            f"{shown}: a TIFF with values of type {values.dtype} cannot be read.",
            remedy="Save the page with 8 or 16 bits per channel.",
        )
    return full


def _offset_lab(values: NDArray[Any]) -> NDArray[Depth]:
    """TIFF has a* and b* signed (TIFF 6.0, section 23); littleCMS has 0 in the middle of the range."""
    if values.dtype.itemsize == 1:
        unsigned = values.view(np.uint8).copy()
        unsigned[..., 1:3] ^= 0x80
        return unsigned
    lab = values.view(np.uint16).copy()
    signed = values[..., 1:3].astype(np.uint16).view(np.int16).astype(np.int32)
    lab[..., 1:3] = (signed * 257 // 256 + 32896).clip(0, 65535)
    return lab


def _divided(colors: NDArray[Depth], alpha: NDArray[Depth]) -> NDArray[Depth]:
    """Colors that were multiplied by alpha, as they were before."""
    most = np.iinfo(colors.dtype).max
    cover = np.maximum(alpha, 1)[..., None].astype(np.uint64)
    return ((colors.astype(np.uint64) * most + cover // 2) // cover).clip(0, most).astype(colors.dtype)


def _resolution(page: Any) -> float | None:
    unit = int(page.resolutionunit)
    if unit not in (2, 3):
        return None
    try:
        return sane_dpi((page.resolution[0] * (2.54 if unit == 3 else 1),))
    except (TypeError, ZeroDivisionError):
        return None
