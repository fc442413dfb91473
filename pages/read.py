"""Any picture file of an author -> pixels, upright; anything else is refused. The door to reading.

What opens the files runs in a second process, bounded in time and memory (``pages.worker``).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pages.errors import InputError
from pages.files import os_errors
from pages.limits import LIMITS, Limits
from pages.model import Page
from pages.names import KINDS, SUFFIXES, natural_key
from pages.native import Native
from pages.parts import PageFile, PagePart, pages_in
from pages.worker import ask

__all__ = [
    "LIMITS",
    "SUFFIXES",
    "Limits",
    "Native",
    "PageFile",
    "PagePart",
    "load_native",
    "load_rgb",
    "natural_key",
    "pages_in",
    "picture_files",
    "picture_size",
    "read_page",
]


def load_rgb(path: Path, *, limits: Limits = LIMITS) -> NDArray[np.uint8]:
    """The picture in a file: (H, W, 3) uint8, sRGB.

    The content decides what the file is, not its name. EXIF orientation is applied, an ICC profile is
    converted to sRGB, transparency is laid over white; gray, palette, CMYK, Lab and 16-bit pictures become
    8-bit RGB. Of a PSD or OpenRaster file the merged picture is taken, of a file with several pictures or
    pages the first (``pages_in`` gives all), a PDF page that is more than a picture at 300 dpi.

    Raises:
        InputError: no such file, no picture, a truncated or damaged one, or one beyond ``limits``.
        ResourceError: the file may not be read.
    """
    [pixels] = ask("rgb", path, limits).blobs
    return np.asarray(pixels)


def load_native(path: Path, *, limits: Limits = LIMITS) -> Native:
    """The picture in a file in its own depth and colors, with alpha, profile and dpi.

    Raises:
        InputError, ResourceError: as for ``load_rgb``.
    """
    answer = ask("native", path, limits)
    blobs = iter(answer.blobs)
    pixels = np.asarray(next(blobs))
    alpha = np.asarray(next(blobs)) if answer.values["alpha"] else None
    profile = bytes(next(blobs)) if answer.values["profile"] else None
    return Native(pixels, alpha, profile, answer.values["dpi"])


def read_page(path: Path, number: int, *, limits: Limits = LIMITS) -> Page:
    """The page in a file, without its panels. It is decoded once, so that a damaged file is refused here.

    Raises:
        InputError, ResourceError: as for ``load_rgb``.
    """
    facts = ask("facts", path, limits).values
    width, height = facts["size"]
    return Page(number=number, path=path, size=(width, height), dpi=facts["dpi"])


def picture_size(path: Path, *, limits: Limits = LIMITS) -> tuple[int, int]:
    """(width, height) in pixels of the picture that ``load_rgb`` gives, as fast as a header is read.

    Raises:
        InputError: no picture, or its header is damaged; its pixels may be damaged still.
        ResourceError: the file may not be read.
    """
    width, height = ask("size", path, limits).values["size"]
    return width, height


def picture_files(paths: Iterable[Path]) -> list[Path]:
    """The picture files that a person means by these files and folders, each once.

    A folder stands for the pictures, PDFs and CBZs directly in it, in natural order: page2 before page10.
    Named files keep their order, unless it is the alphabet's, as a shell lists them (page10 before page2):
    then natural order.

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
                    raise InputError(f"{path}: no pictures in this folder.", remedy=f"{KINDS}.")
                found.extend(sorted(inside, key=natural_key))
            elif path.exists():
                found.append(path)
            else:
                raise InputError(f"{path}: no such file or folder.", remedy="Check the path.")
    if not found:
        raise InputError("No pictures were named.", remedy=f"Name files or a folder. {KINDS}.")
    return list(dict.fromkeys(found))
