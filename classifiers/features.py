"""Pictures as rows of numbers, for classical models: pixels, hand-crafted features, a frozen network's.

The feature sets of the published tables (Anh Quan's study of anime faces): raw RGB; Hu moments, then Haralick
texture, then a color histogram in HSV; the output of a network that was trained on something else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import mahotas
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from classifiers.model import letterbox
from pages.progress import Progress, Stop, never, silent, stop_here

PIXELS, HAND_CRAFTED = "pixels", "hand-crafted"
PIXELS_SIDE = 32
HAND_CRAFTED_SIDE = 224
BINS = 8
_BATCH = 32


def raw_pixels(images: Sequence[Tensor], *, side: int = PIXELS_SIDE) -> Tensor:
    """Each picture as a small square of RGB: (3, h, w) in [0, 1], any sizes -> (N, 3 side²) in [0, 1]."""
    squares = [letterbox(image[None].float(), side).flatten(1) for image in images]
    return torch.cat(squares) if squares else torch.zeros(0, 3 * side * side)


def hand_crafted(images: Sequence[Tensor], *, progress: Progress = silent, stop: Stop = never) -> Tensor:
    """Shape, texture and color by hand: (3, h, w) in [0, 1], any sizes -> (N, 532) float64.

    In this order: 7 Hu moments of the gray picture (Hu, "Visual Pattern Recognition by Moment Invariants",
    1962), 13 Haralick features of its 256 gray levels, averaged over four directions (Haralick, Shanmugam and
    Dinstein, "Textural Features for Image Classification", 1973), and a joint histogram of hue, saturation
    and value, 8 bins each, of L2 norm 1. Every picture is first fitted into a square of 224 pixels.

    Raises:
        Stopped: ``stop()`` became true.
    """
    rows = []
    for number, image in enumerate(images):
        stop_here(stop, "measuring shapes, textures and colors")
        progress(number, len(images), "measuring shapes, textures and colors")
        square = letterbox(image[None].float(), HAND_CRAFTED_SIDE)[0].clamp(0, 1)
        pixels: NDArray[np.float32] = square.permute(1, 2, 0).contiguous().numpy()
        gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        levels = (gray * 255).round().astype(np.uint8)
        # Moments of gray in [0, 1]: with 0 to 255 the seventh is near 1e-20, which scalers take for constant.
        shape = cv2.HuMoments(cv2.moments(gray)).flatten()
        texture = mahotas.features.haralick(levels, return_mean=True)
        rows.append(np.concatenate([shape, texture, _color_histogram(pixels)]))
    return torch.from_numpy(np.stack(rows)) if rows else torch.zeros(0, 20 + BINS**3, dtype=torch.float64)


def _color_histogram(pixels: NDArray[np.float32]) -> NDArray[np.float64]:
    hsv = cv2.cvtColor((pixels * 255).round().astype(np.uint8), cv2.COLOR_RGB2HSV)
    # OpenCV counts hue in steps of two degrees, 0 to 179; upper bounds are exclusive.
    counts = cv2.calcHist([hsv], [0, 1, 2], None, [BINS] * 3, [0, 180, 0, 256, 0, 256]).flatten()
    histogram: NDArray[np.float64] = counts.astype(np.float64)
    return histogram / np.linalg.norm(histogram)


@torch.no_grad()
def network_features(
    network: Callable[[Tensor], Tensor],
    images: Sequence[Tensor],
    *,
    image_size: int,
    progress: Progress = silent,
    stop: Stop = never,
) -> Tensor:
    """What a frozen network makes of each picture.

    Args:
        network: (N, 3, S, S) in [0, 1] -> (N, D), or maps (N, D, h, w), which are averaged over h and w.
        images: (3, h, w) in [0, 1], of any sizes; each is fitted into a square of white paper.
        image_size: S.

    Returns:
        (N, D) float32.

    Raises:
        Stopped: ``stop()`` became true.
    """
    found = []
    for start in range(0, len(images), _BATCH):
        stop_here(stop, "looking with the network")
        progress(start, len(images), "looking with the network")
        squares = [letterbox(image[None].float(), image_size) for image in images[start : start + _BATCH]]
        seen = network(torch.cat(squares))
        found.append((F.adaptive_avg_pool2d(seen, 1).flatten(1) if seen.ndim == 4 else seen).float().cpu())
    return torch.cat(found) if found else torch.zeros(0, 0)
