"""Pixels -> PNG files, written row by row: any depth, with alpha, profile, resolution and notes."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from pages.export.rows import deflated_rows, spans
from pages.files import atomic_file
from pages.native import Depth

_METERS_PER_INCH = 0.0254
_COLOR_TYPES = {1: 0, 3: 2, 4: 6}  # by channels: gray, RGB, RGBA


def write_png(
    path: Path, image: NDArray[np.uint8], *, dpi: float | None = None, text: Mapping[str, str] | None = None
) -> None:
    """Write a picture (H, W, 3) uint8 sRGB as PNG, marked as sRGB.

    Args:
        path: the file; replaced as a whole or not at all.
        image: the pixels.
        dpi: dots per inch to note in the file.
        text: notes (keyword: text) that travel in the file.

    Raises:
        ResourceError: the file cannot be written.
    """
    with atomic_file(path) as file:
        save_png(file, image.shape[:2], (image[rows] for rows in spans(len(image))), dpi=dpi, text=text)


def save_png(
    file: IO[bytes],
    size: tuple[int, int],
    bands: Iterable[NDArray[Depth]],
    *,
    profile: bytes | None = None,
    dpi: float | None = None,
    text: Mapping[str, str] | None = None,
) -> None:
    """Write a PNG (W3C PNG, 3rd edition) to an open file.

    Args:
        file: open for writing; need not be seekable.
        size: (H, W).
        bands: the rows from top to bottom, (h, W, C) uint8 or uint16 of 1 (gray), 3 (RGB) or 4 (RGBA)
            channels.
        profile: ICC profile of the pixels; without one they are marked as sRGB.
        dpi: dots per inch.
        text: notes, by keyword.
    """
    height, width = size
    remaining = iter(bands)
    first = next(remaining)
    file.write(b"\x89PNG\r\n\x1a\n")
    layout = 8 * first.itemsize, _COLOR_TYPES[first.shape[2]], 0, 0, 0
    _chunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, *layout))
    if profile is None:
        _chunk(file, b"sRGB", b"\0")
    else:
        _chunk(file, b"iCCP", b"ICC profile\0\0" + zlib.compress(profile))
    if dpi is not None:
        per_meter = round(dpi / _METERS_PER_INCH)
        _chunk(file, b"pHYs", struct.pack(">IIB", per_meter, per_meter, 1))
    for keyword, note in (text or {}).items():
        _chunk(file, b"iTXt", keyword.encode("latin-1") + b"\0\0\0\0\0" + note.encode())
    for piece in deflated_rows(_with_first(first, remaining)):
        if piece:
            _chunk(file, b"IDAT", piece)
    _chunk(file, b"IEND", b"")


def _with_first(first: NDArray[Depth], rest: Iterable[NDArray[Depth]]) -> Iterable[NDArray[Depth]]:
    yield first
    yield from rest


def _chunk(file: IO[bytes], kind: bytes, content: bytes) -> None:
    file.write(struct.pack(">I", len(content)) + kind)
    file.write(content)
    file.write(struct.pack(">I", zlib.crc32(content, zlib.crc32(kind))))
