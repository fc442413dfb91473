"""Lettering as a picture that an author can paint on: white letters on gray balloons on black."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pages.lettering import Lettering, lettering_of
from pages.read import load_rgb

_LETTERS, _BALLOON = 255, 128
_LIGHTEST_BALLOON, _DARKEST_BALLOON = 192, 64  # what a soft brush leaves at an edge is still one of the three


def mask_picture(lettering: Lettering) -> NDArray[np.uint8]:
    """Where lettering is, as a picture to paint on, (H, W, 3) uint8; ``painted_lettering`` reads it back."""
    gray = np.where(lettering.text, _LETTERS, np.where(lettering.balloons, _BALLOON, 0)).astype(np.uint8)
    return np.repeat(gray[..., None], 3, axis=2)


def painted_lettering(path: Path, width: int, height: int) -> Lettering:
    """The lettering that a mask picture shows, in the size of its page.

    White is text, gray is balloon, black is neither; other colors count by how light they are.

    Args:
        path: of the picture; it may have another size than the page.
        width: of the page.
        height: of the page.

    Raises:
        InputError, ResourceError: as for ``pages.read.load_rgb``.
    """
    gray = cv2.cvtColor(load_rgb(path), cv2.COLOR_RGB2GRAY)
    if gray.shape != (height, width):
        smaller = width * height < gray.size
        gray = cv2.resize(
            gray, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
        )
    return lettering_of(gray >= _LIGHTEST_BALLOON, gray >= _DARKEST_BALLOON)
