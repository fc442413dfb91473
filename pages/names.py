"""Names of picture files, and the order that people mean by them."""

from __future__ import annotations

import re
from pathlib import PurePath

PICTURE_SUFFIXES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".webp",
    ".tif",
    ".tiff",
    ".gif",
    ".bmp",
    ".psd",
    ".psb",
)
"""Of files that are one picture (or, TIFF, a few), wherever they are."""

KINDS = "Pages and pictures are PNG, JPEG, WebP, TIFF, GIF, BMP, PSD, OpenRaster, Krita, PDF or CBZ files"
"""What can be read, for messages."""

SUFFIXES = (*PICTURE_SUFFIXES, ".ora", ".kra", ".pdf", ".cbz")
"""Of files that are taken from a folder; a file that is named is opened whatever its suffix."""


def natural_key(path: PurePath) -> tuple[list[str | tuple[int, str]], str]:
    """Sorts numbers in names by their value: page2 before page10. Digits may be of any script."""
    parts = re.split(r"(\d+)", str(path).casefold())
    return [_value(part) if place % 2 else part for place, part in enumerate(parts)], str(path)


def _value(digits: str) -> tuple[int, str]:
    plain = "".join(str(int(digit)) for digit in digits).lstrip("0")
    return len(plain), plain  # as numbers compare, however long they are
