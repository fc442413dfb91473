"""Maps laid over a drawing, so that the drawing stays visible and anyone can read the colors."""

from __future__ import annotations

import math

import torch
from torch import Tensor

ORANGE, BLUE = 50.0, 250.0
"""Hues in degrees of Oklch; the two differ for every kind of color blindness."""

_END_LIGHTNESS, _END_CHROMA = 0.64, 0.15
_INK = 0.3  # how light black ink is drawn under the color: black would hide it
_STRONGEST = 0.995  # of the map's values: a single pixel must not set the scale
# Ottosson, "A perceptual color space for image processing", 2020: Oklab -> linear sRGB.
_TO_CONES = (
    (1.0, 0.3963377774, 0.2158037573),
    (1.0, -0.1055613458, -0.0638541728),
    (1.0, -0.0894841775, -1.291485548),
)
_TO_LINEAR = (
    (4.0767416621, -3.3077115913, 0.2309699292),
    (-1.2684380046, 2.6097574011, -0.3413193965),
    (-0.0041960863, -0.7034186147, 1.707614701),
)


def ramp(values: Tensor, hue: float) -> Tensor:
    """White to one full color, in even steps to the eye: (...) in [0, 1] -> (3, ...) sRGB in [0, 1].

    A straight line in Oklab, along which lightness falls: it can be read in gray, too.

    Args:
        hue: ``ORANGE`` or ``BLUE``.
    """
    angle = math.radians(hue)
    lightness = 1 - (1 - _END_LIGHTNESS) * values
    chroma = _END_CHROMA * values
    lab = torch.stack([lightness, chroma * math.cos(angle), chroma * math.sin(angle)])
    cones = torch.tensordot(torch.tensor(_TO_CONES, dtype=lab.dtype, device=lab.device), lab, dims=1) ** 3
    linear = torch.tensordot(torch.tensor(_TO_LINEAR, dtype=lab.dtype, device=lab.device), cones, dims=1)
    return gamma(linear.clamp(0, 1))


def gamma(linear: Tensor) -> Tensor:
    """Linear light -> sRGB, both in [0, 1] (IEC 61966-2-1)."""
    return torch.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * linear.clamp_min(1e-8) ** (1 / 2.4) - 0.055
    )


def linear_light(images: Tensor) -> Tensor:
    """sRGB -> linear light, both in [0, 1]; the inverse of ``gamma``."""
    return torch.where(images <= 0.04045, images / 12.92, ((images + 0.055) / 1.055) ** 2.4)


def tinted(image: Tensor, attention_map: Tensor, *, hue: float = ORANGE) -> Tensor:
    """A drawing in gray with a map as color over it: (3, H, W) and (H, W), at least 0 -> (3, H, W) in [0, 1].

    The map's own strongest values have the full color: pictures show where, not how much.
    """
    return _gray(image) * ramp(_scaled(attention_map), hue)


def tinted_apart(image: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """The same with two maps, the first in orange and the second in blue, each on its own scale."""
    return _gray(image) * ramp(_scaled(first), ORANGE) * ramp(_scaled(second), BLUE)


def remaining(image: Tensor, strength: Tensor) -> Tensor:
    """A drawing (3, H, W) of which only what a map (H, W), at least 0, is strong on stays; the rest fades to
    paper: (3, H, W) in [0, 1]."""
    return 1 - (1 - image) * _scaled(strength)


def _gray(image: Tensor) -> Tensor:
    """(1, H, W) in [_INK, 1]: Rec. 709 luma."""
    weights = torch.tensor((0.2126, 0.7152, 0.0722), dtype=image.dtype, device=image.device)
    tone: Tensor = torch.tensordot(weights, image, dims=1)[None].clamp(0, 1)
    return _INK + (1 - _INK) * tone


def _scaled(values: Tensor) -> Tensor:
    """To [0, 1] by the strongest; an empty map stays empty."""
    rank = min(values.numel(), max(1, math.ceil(_STRONGEST * values.numel())))
    top = values.flatten().kthvalue(rank).values
    return (values / top).clamp(0, 1) if float(top) > 0 else torch.zeros_like(values)
