"""A picture as its own file has it: depth, alpha, profile and resolution kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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
