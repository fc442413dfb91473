"""The same drawing under style stress: is the element still told in ink, in gray, small, color-blind?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms.v2.functional import gaussian_blur

from classifiers.tint import gamma, linear_light

THUMBNAIL = 48
"""Longest side of a thumbnail in pixels: a panel on the overview of a reading app."""

# Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency",
# IEEE TVCG 2009, deuteranomaly of severity 1.0 (deuteranopia), in linear RGB.
_DEUTERANOPIA = (
    (0.367322, 0.860646, -0.227968),
    (0.280085, 0.672501, 0.047413),
    (-0.011820, 0.042940, 0.968881),
)
_LUMINANCE = (0.2126, 0.7152, 0.0722)
_FINE, _COARSE, _EDGE, _SLOPE = 0.8, 1.28, 20.0, 10.0
_BLACK = 0.32  # darker than this is filled with ink
_INK_SIDE = 256  # lines are found at this size, whatever the picture's


def as_drawn(images: Tensor) -> Tensor:
    """The pictures themselves."""
    return images


def ink(images: Tensor) -> Tensor:
    """Black lines and blacks on white paper: an extended difference of Gaussians with a soft threshold.

    Winnemöller, Kyprianidis and Olsen, "XDoG", Computers & Graphics 2012.
    """
    tone = _luminance(images)
    height, width = tone.shape[-2:]
    factor = _INK_SIDE / max(height, width)
    fine, coarse = (
        gaussian_blur(tone, [_odd(deviation / factor)] * 2, [max(0.1, deviation / factor)] * 2)
        for deviation in (_FINE, _COARSE)
    )
    sharpened = (1 + _EDGE) * fine - _EDGE * coarse
    drawn = torch.where(sharpened >= 0.5, 1.0, 1 + torch.tanh(_SLOPE * (sharpened - 0.5)))
    inked: Tensor = (drawn * (fine > _BLACK)).clamp(0, 1)
    return inked.expand_as(images).contiguous()


def gray(images: Tensor) -> Tensor:
    """As printed in gray: relative luminance (Rec. 709), not the mean of the channels."""
    return gamma(_linear_luminance(images)).expand_as(images).contiguous()


def thumbnail(images: Tensor) -> Tensor:
    """Reduced to a longest side of 48 pixels, and enlarged again."""
    height, width = images.shape[-2:]
    factor = min(1.0, THUMBNAIL / max(height, width))
    small = F.interpolate(
        images,
        (max(1, round(height * factor)), max(1, round(width * factor))),
        mode="bilinear",
        antialias=True,
    )
    return F.interpolate(small, (height, width), mode="bilinear").clamp(0, 1)


def color_blind(images: Tensor) -> Tensor:
    """As a deuteranope sees them, who cannot tell red from green (Machado et al. 2009, in linear light)."""
    matrix = torch.tensor(_DEUTERANOPIA, dtype=images.dtype, device=images.device)
    return gamma(torch.einsum("ij,njhw->nihw", matrix, linear_light(images)).clamp(0, 1))


STRESSES: dict[str, Callable[[Tensor], Tensor]] = {
    "as drawn": as_drawn,
    "ink": ink,
    "gray": gray,
    "thumbnail": thumbnail,
    "color-blind": color_blind,
}
"""Name -> view, (N, 3, H, W) in [0, 1] -> the same shape and range."""


def stressed(logits_of: Callable[[Tensor], Tensor], images: Sequence[Tensor]) -> dict[str, Tensor]:
    """Probabilities in each view: name -> (N, E) on the CPU.

    Args:
        logits_of: (1, 3, H, W) in [0, 1] -> (1, E).
        images: N of (3, h, w) in [0, 1], of any sizes.
    """
    with torch.no_grad():
        return {
            name: torch.cat([logits_of(view(image[None].float())).sigmoid().cpu() for image in images])
            for name, view in STRESSES.items()
        }


def _luminance(images: Tensor) -> Tensor:
    return gamma(_linear_luminance(images))


def _linear_luminance(images: Tensor) -> Tensor:
    weights = torch.tensor(_LUMINANCE, dtype=images.dtype, device=images.device)
    return torch.einsum("c,nchw->nhw", weights, linear_light(images))[:, None].clamp(0, 1)


def _odd(deviation: float) -> int:
    """A kernel of three deviations each way."""
    return 2 * max(1, round(3 * deviation)) + 1
