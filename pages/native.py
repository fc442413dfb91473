"""A picture as its own file has it: depth, alpha, profile and resolution kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pages.files import os_errors
from pages.read import read_page


@dataclass(frozen=True)
class Native:
    """A picture in the values of its file, upright.

    Attributes:
        pixels: (H, W, 3) uint8 or uint16, RGB in the color space of ``profile``.
        alpha: (H, W) of the same dtype, not premultiplied; None where the file has none.
        profile: an ICC profile of an RGB space; None is sRGB.
        dpi: dots per inch where the file says so.
    """

    pixels: NDArray[np.uint8] | NDArray[np.uint16]
    alpha: NDArray[np.uint8] | NDArray[np.uint16] | None
    profile: bytes | None
    dpi: float | None


def load_native(path: Path) -> Native:
    """The picture in a PNG file, in its own values.

    Raises:
        InputError: no such file, or a damaged one.
    """
    page = read_page(path, 1)
    with os_errors(path), Image.open(path) as image:
        profile = image.info.get("icc_profile")
        has_alpha = image.has_transparency_data
        pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if pixels is not None and pixels.dtype == np.uint16 and pixels.ndim == 3:
            pixels = pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]
        else:
            pixels = np.array(image.convert("RGBA" if has_alpha else "RGB"))
    alpha = pixels[..., 3] if pixels.shape[2] == 4 else None
    return Native(pixels[..., :3], alpha, profile, page.dpi)
