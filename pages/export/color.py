"""From what is seen, sRGB over white paper, back to a file's own colors."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import ImageCms

from pages.native import SRGB, Depth, Native, is_srgb, to_rgb


def from_srgb(colors: NDArray[np.uint16], profile: bytes | None, dtype: np.dtype[Any]) -> NDArray[Depth]:
    """Colors (n, 3) of sRGB, 16-bit, in a profile's space and the depth of ``dtype``.

    littleCMS, relative colorimetric with black point compensation, the reverse of how pages are read.
    """
    if profile is None or is_srgb(profile):
        return colors if dtype == np.uint16 else ((colors.astype(np.uint32) + 128) // 257).astype(np.uint8)
    converted: NDArray[Depth] = imagecodecs.cms_transform(
        colors[None],
        SRGB,
        profile,
        colorspace="rgb",
        outcolorspace="rgb",
        outdtype=dtype.name,
        intent=int(ImageCms.Intent.RELATIVE_COLORIMETRIC),
        flags=int(ImageCms.Flags.BLACKPOINTCOMPENSATION),
    )
    return converted.reshape(-1, 3)


def over_white(page: Native) -> NDArray[Depth]:
    """The pixels without alpha, at their depth and in their space; opaque ones are as they were."""
    if page.alpha is None:
        return page.pixels
    through = page.alpha < np.iinfo(page.alpha.dtype).max
    pixels = page.pixels.copy()
    pixels[through] = from_srgb(to_rgb(page)[through].astype(np.uint16) * 257, page.profile, pixels.dtype)
    return pixels
