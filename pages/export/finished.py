"""A finished page -> a PNG in the depth, alpha, color space and resolution of the author's own file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pages.export.color import from_srgb
from pages.export.png import save_png
from pages.export.rows import rows_of, spans
from pages.files import atomic_file
from pages.native import Depth, Native, to_rgb


def write_finished(
    path: Path, finished: NDArray[np.uint8], original: Native, *, text: Mapping[str, str] | None = None
) -> None:
    """Write a finished page as PNG, with all that its original has and that PNG can carry.

    Where the page is as drawn (``finished`` equals what ``load_rgb`` gives of the original) the original's
    own values are written back, exactly. Elsewhere the colors are converted from sRGB to the original's
    profile at the original's depth, and alpha is raised no further than the paint needs: with f the finished
    color, a' = max(a, 1 − min(f)) and c = 1 − (1 − f) / a', so that c over white is f again, up to rounding.

    Args:
        path: the file; replaced as a whole or not at all.
        finished: (H, W, 3) uint8 sRGB.
        original: the page as it was drawn, of the same size.
        text: notes (keyword: text) that travel in the file.

    Raises:
        ValueError: the sizes differ.
        ResourceError: the file cannot be written.
    """
    size = original.pixels.shape[:2]
    if finished.shape != (*size, 3):
        raise ValueError(f"The finished page is {finished.shape}, its original {size}.")
    with atomic_file(path) as file:
        bands = _native_bands(finished, original)
        save_png(file, size, bands, profile=original.profile, dpi=original.dpi, text=text)


def _native_bands(finished: NDArray[np.uint8], original: Native) -> Iterator[NDArray[Depth]]:
    for rows in spans(len(finished)):
        drawn = rows_of(original, rows)
        painted = (finished[rows] != to_rgb(drawn)).any(2)
        channels = drawn.pixels if drawn.alpha is None else np.dstack([drawn.pixels, drawn.alpha])
        band: NDArray[Depth] = channels.copy()
        if painted.any():
            band[painted] = _painted(finished[rows][painted], band[painted], original.profile)
        yield band


def _painted(finished: NDArray[np.uint8], before: NDArray[Depth], profile: bytes | None) -> NDArray[Depth]:
    """New values (n, C) for pixels of these finished colors (n, 3) and native values (n, C)."""
    full = np.iinfo(before.dtype).max
    gap = 255 - finished.astype(np.int64)  # from white
    if before.shape[1] == 3:
        return from_srgb(finished.astype(np.uint16) * 257, profile, before.dtype)
    alpha = np.maximum(before[:, 3], gap.max(1) * (full // 255))
    colors = 65535 - np.rint(gap * 257 * (full / alpha[:, None]))
    native = from_srgb(colors.astype(np.uint16), profile, before.dtype)
    return np.concatenate([native, alpha[:, None].astype(before.dtype)], 1)
