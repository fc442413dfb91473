"""Between a file's own colors and what they look like: sRGB over white paper."""

from __future__ import annotations

import io
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from pages.export.rows import Band

_INTENT, _FLAGS = ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def to_8_bit(values: Band) -> NDArray[np.uint8]:
    """The nearest of 256 levels."""
    if values.dtype == np.uint8:
        return np.asarray(values, np.uint8)
    return ((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)


class ColorSpace:
    """Conversion between sRGB and an ICC profile; without one, or with one that is sRGB, of nothing."""

    def __init__(self, profile: bytes | None) -> None:
        self._profile = profile
        self._to_srgb: Any = None
        if profile is not None:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if "sRGB" not in ImageCms.getProfileDescription(own):
                self._to_srgb = ImageCms.buildTransform(own, _SRGB, "RGB", "RGB", _INTENT, _FLAGS)

    def to_srgb(self, colors: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Colors (h, w, 3) of the profile as sRGB."""
        if self._to_srgb is None:
            return colors
        return np.asarray(ImageCms.applyTransform(Image.fromarray(colors), self._to_srgb))

    def from_srgb(self, colors: NDArray[np.uint16], dtype: np.dtype[Any]) -> Band:
        """Colors (n, 3) of sRGB, 16-bit, in the profile's space and the depth of ``dtype``."""
        if self._profile is None or self._to_srgb is None:
            return colors if dtype == np.uint16 else to_8_bit(colors)
        converted: Band = imagecodecs.cms_transform(
            colors[None],
            _SRGB.tobytes(),
            self._profile,
            colorspace="rgb",
            outcolorspace="rgb",
            outdtype=dtype.name,
            intent=int(_INTENT),
            flags=int(_FLAGS),
        )[0]
        return converted


def rendering(pixels: Band, alpha: Band | None, space: ColorSpace) -> NDArray[np.uint8]:
    """What ``load_rgb`` gives of these rows."""
    colors = space.to_srgb(to_8_bit(pixels))
    if alpha is None:
        return colors
    opaque = to_8_bit(alpha).astype(np.uint32)[..., None]
    over_white = (2 * (colors * opaque + 255 * (255 - opaque)) + 255) // 510
    return over_white.astype(np.uint8)


def over_white(pixels: Band, alpha: Band | None, space: ColorSpace) -> Band:
    """These rows without alpha, at their depth and in their space; opaque pixels are as they were."""
    if alpha is None:
        return pixels
    through = alpha < np.iinfo(alpha.dtype).max
    if through.any():
        seen = rendering(pixels, alpha, space)[through].astype(np.uint16) * 257
        pixels = pixels.copy()
        pixels[through] = space.from_srgb(seen, pixels.dtype)
    return pixels
