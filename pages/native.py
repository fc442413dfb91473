"""A picture in its own colors, and the way from there to sRGB."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import ImageCms

Model = Literal["gray", "rgb", "cmyk", "lab"]
Depth = np.uint8 | np.uint16

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
_SPACES: dict[Model, bytes] = {"gray": b"GRAY", "rgb": b"RGB ", "cmyk": b"CMYK", "lab": b"Lab "}
_BLACK_POINT_COMPENSATION, _NO_SHORT_CUTS = 0x2000, 0x0100
_MOST_PROFILE_BYTES = 16 * 1024**2
_STRIP = 256  # rows at a time, so that wide intermediate values stay small


@dataclass(frozen=True)
class Native:
    """A picture as its file has it, upright.

    Attributes:
        pixels: (H, W, 3) uint8 or uint16 RGB, in the color space of ``profile``, or in sRGB if that is None.
            CMYK, Lab, palette pictures and gray ones with a gray profile are converted to sRGB already.
        alpha: (H, W) of the same dtype, 0 is transparent, or None. Colors are not multiplied by it.
        profile: the file's ICC profile, or None.
        dpi: dots per inch, or None if the file does not say.
    """

    pixels: NDArray[Depth]
    alpha: NDArray[Depth] | None = None
    profile: bytes | None = None
    dpi: float | None = None


@dataclass(frozen=True)
class Samples:
    """What a decoder found, upright.

    Attributes:
        values: (H, W, C) uint8 or uint16, C channels of ``model``; CMYK counts ink (0 is paper), Lab is
            L* from 0 up, a* and b* around the middle of the range.
        model: what the channels are.
        alpha: (H, W) of the same dtype, or None.
        profile: the ICC profile, as the file has it.
        dpi: dots per inch, or None.
        indexed: from a palette.
    """

    values: NDArray[Depth]
    model: Model
    alpha: NDArray[Depth] | None = None
    profile: bytes | None = None
    dpi: float | None = None
    indexed: bool = False


def to_native(samples: Samples) -> Native:
    """To RGB; a profile that is damaged, or of another color space than the picture, is left out."""
    values, profile = samples.values, samples.profile
    if samples.model == "gray":
        if profile is not None and _fits(profile, "gray"):
            return Native(_from_gray(values, profile), samples.alpha, None, samples.dpi)
        values = np.repeat(values, 3, axis=2)
    elif samples.model == "cmyk":
        known = profile is not None and _fits(profile, "cmyk")
        pixels = _converted(values, profile, "cmyk") if profile and known else _from_cmyk(values)
        return Native(pixels, samples.alpha, None, samples.dpi)
    elif samples.model == "lab":
        return Native(_converted(values, LAB, "lab"), samples.alpha, None, samples.dpi)
    if not _fits(profile, "rgb"):
        profile = None
    if samples.indexed and profile is not None:
        values, profile = _to_srgb(values, profile), None
    return Native(np.ascontiguousarray(values), samples.alpha, profile, samples.dpi)


def to_rgb(native: Native) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 sRGB: through the profile, transparency over white."""
    pixels = native.pixels if native.profile is None else _to_srgb(native.pixels, native.profile)
    if pixels.dtype == np.uint8 and native.alpha is None:
        return pixels.astype(np.uint8, copy=False)
    flat = np.empty(pixels.shape, np.uint8)
    most = np.uint32(np.iinfo(pixels.dtype).max)
    for top in range(0, len(pixels), _STRIP):
        strip = pixels[top : top + _STRIP].astype(np.uint32)
        if native.alpha is not None:
            cover = native.alpha[top : top + _STRIP, :, None].astype(np.uint32)
            strip = (strip * cover + most * (most - cover) + most // 2) // most
        flat[top : top + _STRIP] = strip if most == 255 else (strip + 128) // 257
    return flat


def upright(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """(H, W, …) turned as EXIF and TIFF say (tag 274, values 1 to 8; another value is 1)."""
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    return values


def moved(
    mask: NDArray[np.bool_], left: int, top: int, shape: tuple[int, ...], *, beyond: bool
) -> NDArray[np.bool_]:
    """A mask laid at (left, top) on a field of this shape, which is ``beyond`` where the mask is not."""
    field = np.full(shape, beyond, np.bool_)
    rows = slice(max(top, 0), max(min(top + mask.shape[0], shape[0]), 0))
    columns = slice(max(left, 0), max(min(left + mask.shape[1], shape[1]), 0))
    if rows.start < rows.stop and columns.start < columns.stop:
        field[rows, columns] = mask[
            rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
        ]
    return field


@lru_cache(maxsize=8)
def _fits(profile: bytes | None, model: Model) -> bool:
    """Is this a profile for such a picture, and a sound one?"""
    if not profile or len(profile) > _MOST_PROFILE_BYTES or profile[16:20] != _SPACES[model]:
        return False
    channels = {"gray": 1, "rgb": 3, "cmyk": 4, "lab": 3}[model]
    try:
        _converted(np.zeros((1, 1, channels), np.uint8), profile, model)
    except Exception:  # whatever is wrong with it: the picture itself is good
        return False
    return True


@lru_cache(maxsize=8)
def is_srgb(profile: bytes) -> bool:
    """Does the profile say nothing but sRGB? Then the numbers stay as they are, to the bit."""
    if not _fits(profile, "rgb"):
        return False
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(27, 27, 3)
    return bool(np.abs(_converted(cube, profile, "rgb").astype(int) - cube).max() <= 1)


def _to_srgb(pixels: NDArray[Depth], profile: bytes) -> NDArray[Depth]:
    return pixels if is_srgb(profile) else _converted(pixels, profile, "rgb")


def _converted(
    values: NDArray[Depth], profile: bytes, model: Model, *, exact: bool = False
) -> NDArray[Depth]:
    """(H, W, C) -> (H, W, 3) sRGB of the same dtype: littleCMS, relative colorimetric, black point kept."""
    values = np.ascontiguousarray(values)
    converted: NDArray[Depth] = imagecodecs.cms_transform(
        values[:, :, 0] if model == "gray" else values,
        profile,
        SRGB,
        colorspace=model,
        outcolorspace="rgb",
        intent=int(ImageCms.Intent.RELATIVE_COLORIMETRIC),
        flags=_BLACK_POINT_COMPENSATION | (_NO_SHORT_CUTS if exact else 0),
    )
    return converted.reshape(*values.shape[:2], 3)


def _from_gray(values: NDArray[Depth], profile: bytes) -> NDArray[Depth]:
    """By a table of all tones, so that littleCMS need not interpolate between few (it is 7 of 255 off)."""
    tones = np.arange(np.iinfo(values.dtype).max + 1, dtype=np.uint16)
    wide = tones if values.dtype == np.uint16 else tones * np.uint16(257)
    table = _converted(wide[:, None, None], profile, "gray", exact=True)[:, 0]
    if values.dtype == np.uint8:
        table = ((table.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return table[values[..., 0]]


def _from_cmyk(ink: NDArray[Depth]) -> NDArray[Depth]:
    """Without a profile: (1 - C)(1 - K), as PostScript and paint programs do."""
    most = np.uint32(np.iinfo(ink.dtype).max)
    pixels = np.empty((*ink.shape[:2], 3), ink.dtype)
    for top in range(0, len(ink), _STRIP):
        paper = most - ink[top : top + _STRIP].astype(np.uint32)
        pixels[top : top + _STRIP] = (paper[..., :3] * paper[..., 3:] + most // 2) // most
    return pixels
