"""Pictures in which there is nothing to see."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_SIDE = 160
_STEP = 10  # gray levels between pixels two apart that make an edge
_FEWEST_EDGES = 0.004  # of all pixels: a dot of 8 pixels across in 160
_SPREAD = 8  # gray levels between the darkest and the lightest part of a blank picture


def low_information(image: NDArray[np.uint8]) -> str | None:
    """Why there is nothing to see in a picture: "blank" (one color, but for noise) or "almost no edges".

    None for an ordinary picture; a few thin lines on white paper are one. It is looked at in a copy of 160
    pixels' longest side, smoothed, so that neither grain nor compression counts.

    Args:
        image: (H, W, 3) uint8.
    """
    height, width = image.shape[:2]
    scale = min(_SIDE / max(height, width), 1.0)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    small = cv2.resize(np.ascontiguousarray(image), size, interpolation=cv2.INTER_AREA)
    smooth = cv2.GaussianBlur(small, (5, 5), 1.0).astype(np.int16)
    low, high = np.percentile(smooth.reshape(-1, 3), (0.1, 99.9), axis=0)
    if float((high - low).max()) <= _SPREAD:
        return "blank"
    padded = np.pad(smooth, ((1, 1), (1, 1), (0, 0)), mode="edge")
    across = np.abs(padded[1:-1, 2:] - padded[1:-1, :-2]).max(axis=2)
    down = np.abs(padded[2:, 1:-1] - padded[:-2, 1:-1]).max(axis=2)
    if float((np.maximum(across, down) > _STEP).mean()) < _FEWEST_EDGES:
        return "almost no edges"
    return None
