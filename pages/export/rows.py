"""Rows of pixels -> the deflated stream that PNG and PDF share, a band at a time."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from pages.native import Depth, Native

BAND = 128
"""Rows that are worked on at a time, so that nothing as large as a page is made beside the page."""


def spans(height: int) -> Iterator[slice]:
    """The rows of a page, band by band."""
    for top in range(0, height, BAND):
        yield slice(top, min(top + BAND, height))


def rows_of(page: Native, rows: slice) -> Native:
    """A band of a page."""
    alpha = None if page.alpha is None else page.alpha[rows]
    return Native(page.pixels[rows], alpha, page.profile, page.dpi)


def deflated_rows(bands: Iterable[NDArray[Depth]]) -> Iterator[bytes]:
    """Pixels as PNG's IDAT chunks and PDF's FlateDecode streams with predictor 15 hold them.

    Each row is predicted from the pixel to its left, the row above, or both (Paeth), whichever leaves the
    smallest sum of absolute differences, the heuristic that the PNG specification (W3C, 3rd edition, 12.7)
    recommends; 16-bit values are big-endian.

    Args:
        bands: (h, W, C) uint8 or uint16, from top to bottom.

    Yields:
        pieces of one zlib stream.
    """
    compressor = zlib.compressobj(6)
    above: NDArray[np.uint8] | None = None
    for band in bands:
        rows = _as_bytes(band)
        pixel = band.shape[2] * band.itemsize
        if above is None:
            above = np.zeros_like(rows[0])
        yield compressor.compress(_predicted(rows, above, pixel))
        above = rows[-1]
    yield compressor.flush()


def _as_bytes(band: NDArray[Depth]) -> NDArray[np.uint8]:
    big_endian = np.ascontiguousarray(band, band.dtype.newbyteorder(">"))
    return big_endian.view(np.uint8).reshape(len(band), -1)


def _predicted(rows: NDArray[np.uint8], above: NDArray[np.uint8], pixel: int) -> bytes:
    """Rows, each with the number of its filter in front."""
    left = np.zeros_like(rows)
    left[:, pixel:] = rows[:, :-pixel]
    upper = np.concatenate([above[None], rows[:-1]])
    corner = np.zeros_like(rows)
    corner[:, pixel:] = upper[:, :-pixel]
    result = np.empty((len(rows), 1 + rows.shape[1]), np.uint8)
    least = np.full(len(rows), np.iinfo(np.int64).max)
    for number, prediction in ((1, left), (2, upper), (4, _paeth(left, upper, corner))):
        rest = rows - prediction
        cost = np.abs(rest.view(np.int8)).view(np.uint8).sum(1, dtype=np.int64)
        better = cost < least
        result[better, 0] = number
        result[better, 1:] = rest[better]
        least = np.minimum(least, cost)
    return result.tobytes()


def _paeth(left: NDArray[np.uint8], upper: NDArray[np.uint8], corner: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Whichever neighbor is nearest to left + upper - corner; ties in this order (PNG, 9.4)."""
    to_left = upper.astype(np.int16) - corner  # distances of the estimate from each neighbor
    to_upper = left.astype(np.int16) - corner
    to_corner = np.abs(to_left + to_upper)
    to_left, to_upper = np.abs(to_left), np.abs(to_upper)
    return np.where(
        (to_left <= to_upper) & (to_left <= to_corner), left, np.where(to_upper <= to_corner, upper, corner)
    )
