"""Any picture file of an author -> 8-bit sRGB pixels, upright, on white paper; anything else is refused."""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from pages.errors import InputError, ResourceError
from pages.files import os_errors
from pages.model import Page

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")
MAX_PIXELS = 100_000_000
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
_KINDS = "Pages and pictures are PNG, JPEG, WebP or TIFF files"


def load_rgb(path: Path) -> NDArray[np.uint8]:
    """The picture in a file: (H, W, 3) uint8, sRGB.

    The content decides what the file is, not its name. EXIF orientation is applied, an ICC profile is
    converted to sRGB, transparency is laid over white; gray, palette, CMYK, Lab and 16-bit pictures become
    RGB. Of a file with several pictures the first is taken.

    Raises:
        InputError: no such file, no picture, a truncated or damaged one, or more than 100 megapixels.
        ResourceError: the file may not be read, or there is not enough memory.
    """
    return np.array(_decode(path)[0])


def read_page(path: Path, number: int) -> Page:
    """The page in a file, without its panels. It is decoded once, so that a damaged file is refused here.

    Raises:
        InputError, ResourceError: as for ``load_rgb``.
    """
    image, dpi = _decode(path)
    return Page(number=number, path=path, size=image.size, dpi=dpi)


def picture_files(paths: Iterable[Path]) -> list[Path]:
    """The picture files that a person means by these files and folders, each once.

    A folder stands for the pictures directly in it, in natural order: page2 before page10. Named files keep
    their order, unless it is the alphabet's, as a shell lists them (page10 before page2): then natural order.

    Raises:
        InputError: a path does not exist, a folder holds no picture, or nothing was named.
    """
    named = list(paths)
    if named == sorted(named):
        named = sorted(named, key=natural_key)
    found: list[Path] = []
    for path in named:
        with os_errors(path):
            if path.is_dir():
                inside = [
                    file
                    for file in path.iterdir()
                    if file.suffix.lower() in SUFFIXES and not file.name.startswith(".") and file.is_file()
                ]
                if not inside:
                    raise InputError(f"{path}: no pictures in this folder.", remedy=f"{_KINDS}.")
                found.extend(sorted(inside, key=natural_key))
            elif path.exists():
                found.append(path)
            else:
                raise InputError(f"{path}: no such file or folder.", remedy="Check the path.")
    if not found:
        raise InputError("No pictures were named.", remedy=f"Name files or a folder. {_KINDS}.")
    return list(dict.fromkeys(found))


def natural_key(path: Path) -> tuple[list[str | int], str]:
    """Sorts numbers in names by their value: page2 before page10."""
    parts = re.split(r"(\d+)", str(path).casefold())
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], str(path)


def _decode(path: Path) -> tuple[Image.Image, float | None]:
    """The file as an upright RGB picture, and its dots per inch if it tells."""
    with os_errors(path):
        if not path.exists():
            raise InputError(f"{path}: no such file.", remedy="Check the path.")
        if path.is_dir():
            raise InputError(f"{path}: this is a folder.", remedy="Name a picture file in it.")
        if not path.stat().st_size:
            raise InputError(f"{path}: the file is empty.", remedy="Export or copy the picture again.")
        with path.open("rb") as file:
            image = _open(path, file)
            if image.width * image.height > MAX_PIXELS:
                raise _too_large(path, f"{image.width} x {image.height} pixels")
            try:
                image.load()
                dpi = _dots_per_inch(image)
                return _to_rgb(_upright(image)), dpi
            except MemoryError as error:
                raise ResourceError(
                    f"{path}: not enough memory for {image.width} x {image.height} pixels.",
                    remedy="Close other programs, or save the page at a lower resolution.",
                ) from error
            except Exception as error:  # decoders raise anything at all on damaged data
                raise InputError(
                    f"{path}: the picture is damaged or cut short ({str(error) or type(error).__name__}).",
                    remedy="Open it in a paint program and save it again, or copy it again from its source.",
                ) from error


def _open(path: Path, file: io.BufferedReader) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # our own limit on size follows; odd metadata does no harm
            return Image.open(file, formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise _too_large(path, "the picture") from error
    except UnidentifiedImageError as error:
        raise InputError(
            f"{path}: this is no picture that can be read, or it is damaged.",
            remedy=f"{_KINDS}; export the page as one of these.",
        ) from error
    except Exception as error:  # a broken header may raise anything at all
        raise InputError(
            f"{path}: the picture's header is damaged ({str(error) or type(error).__name__}).",
            remedy="Open it in a paint program and save it again, or copy it again from its source.",
        ) from error


def _too_large(path: Path, what: str) -> InputError:
    return InputError(
        f"{path}: {what} is more than {MAX_PIXELS // 10**6} megapixels.",
        remedy="Save the page at a lower resolution (600 dpi is enough for print).",
    )


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image) or image
    except Exception:  # damaged EXIF data: the picture itself is good
        return image


def _dots_per_inch(image: Image.Image) -> float | None:
    try:
        dpi = float(image.info["dpi"][0])
    except (KeyError, TypeError, ValueError, IndexError, ZeroDivisionError):
        return None
    return round(dpi, 1) if math.isfinite(dpi) and dpi > 1 else None  # PNG counts dots per meter: 150.0124


def _to_rgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    image = _to_8_bit(image)
    if image.mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        image = ImageCms.profileToProfile(image, lab, _SRGB, outputMode="RGB") or image
    elif image.has_transparency_data:
        image = image.convert("RGBA")
    elif image.mode not in ("L", "RGB", "CMYK"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    if profile:
        image = _to_srgb(image, profile)
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def _to_8_bit(image: Image.Image) -> Image.Image:
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image, np.float64)
    if image.mode == "F":  # by convention black is 0 and white is 1
        values = values * 255
    elif image.mode == "I" and values.max(initial=0) > 65535:
        values = values / 0xFFFFFF
    else:
        values = values / 257
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Through the profile to sRGB; a profile that is damaged or of another color space is left out."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return image
        alpha = image.getchannel("A") if image.mode == "RGBA" else None
        colors = image.convert("RGB") if alpha else image
        if source.profile.xcolor_space.strip() == "GRAY":
            colors = colors.convert("L")
        converted = ImageCms.profileToProfile(
            colors,
            source,
            _SRGB,
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    if converted is None:
        return image
    if alpha:
        converted.putalpha(alpha)
    return converted
