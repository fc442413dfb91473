"""Views of a picture that keep what is shown and change how it is drawn.

Everything works on a batch (N, 3, H, W) in [0, 1], draws its random numbers from the generator handed in
(on the CPU, so that a seed means the same on every device), and returns a batch in [0, 1].
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

StyleViews = Callable[[Tensor, torch.Generator], Tensor]
"""(N, 3, H, W) in [0, 1] and a generator -> the same pictures in other styles, same shape and range."""

_LARGE, _SMALL = 0.7, 0.45


def _uniform(images: Tensor, low: float, high: float, generator: torch.Generator) -> Tensor:
    draws = torch.rand(len(images), 1, 1, 1, generator=generator)
    return (low + (high - low) * draws).to(images)


def _sometimes(
    change: Callable[[Tensor, torch.Generator], Tensor],
    images: Tensor,
    share: float,
    generator: torch.Generator,
) -> Tensor:
    chosen = (torch.rand(len(images), generator=generator) < share).nonzero().flatten().to(images.device)
    return images.index_copy(0, chosen, change(images[chosen], generator)) if len(chosen) else images


def warp(images: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Crop, zoom, stretch, turn, mirror and tilt, in one resampling: (N, 3, H, W) -> (N, 3, size, size).

    Mild enough that an element is seldom cut off. What comes from beyond the picture is white paper.
    """

    def draw(low: float, high: float) -> Tensor:
        return _uniform(images, low, high, generator).flatten()

    angle, mirror = draw(-0.2, 0.2), torch.where(draw(0, 1) < 0.5, -1.0, 1.0)
    zoom, stretch = draw(math.log(0.7), math.log(1.25)).exp(), draw(-0.15, 0.15).exp()
    matrix = torch.zeros(len(images), 3, 3, dtype=images.dtype, device=images.device)
    matrix[:, 0, 0] = angle.cos() * zoom * stretch * mirror
    matrix[:, 0, 1] = -angle.sin() * zoom * stretch
    matrix[:, 1, 0] = angle.sin() * zoom / stretch * mirror
    matrix[:, 1, 1] = angle.cos() * zoom / stretch
    matrix[:, 0, 2], matrix[:, 1, 2] = draw(-0.15, 0.15), draw(-0.15, 0.15)
    matrix[:, 2, 0], matrix[:, 2, 1], matrix[:, 2, 2] = draw(-0.12, 0.12), draw(-0.12, 0.12), 1.0
    line = (torch.arange(size, dtype=images.dtype, device=images.device) + 0.5) * (2 / size) - 1
    points = torch.stack(torch.meshgrid(line, line, indexing="xy"), dim=-1).reshape(-1, 2)
    points = F.pad(points, (0, 1), value=1.0) @ matrix.transpose(1, 2)
    grid = (points[..., :2] / points[..., 2:]).reshape(len(images), size, size, 2)
    return 1 - F.grid_sample(1 - images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def pair_up(
    first: tuple[Tensor, Tensor, Tensor], second: tuple[Tensor, Tensor, Tensor], generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Two pictures on one sheet: a large one in one corner, a small one in the corner across.

    An element may fill a small part of a panel, beside others; a reference sheet shows it alone and large.
    This makes the one out of the other. The overlap (a seventh of the side) hides only corners.

    Args:
        first, second: images (N, 3, S, S), labels (N, E), known (N, E).

    Returns:
        The same for the sheets: an element is shown if either picture shows it; it is known if it is known
        to be shown, or known of both.
    """
    (images, labels, known), (others, other_labels, other_known) = first, second
    size = images.shape[-1]
    large, small = round(size * _LARGE), round(size * _SMALL)
    sheet = torch.ones_like(images)
    right, below = (torch.rand(2, generator=generator) < 0.5).tolist()

    def place(pictures: Tensor, side: int, at_right: bool, at_bottom: bool) -> None:
        left, top = (size - side) * at_right, (size - side) * at_bottom
        resized = F.interpolate(pictures, (side, side), mode="bilinear", antialias=True).clamp(0, 1)
        sheet[:, :, top : top + side, left : left + side] = resized

    place(images, large, right, below)
    place(others, small, not right, not below)
    union = torch.maximum(labels * known, other_labels * other_known)
    return sheet, union, torch.maximum(known * other_known, (union > 0.5).to(known))


def random_convolution(images: Tensor, generator: torch.Generator) -> Tensor:
    """RandConv, mixed with the original (Xu et al., "Robust and Generalizable Visual Representation Learning
    via Random Convolutions", ICLR 2021): new colors and local texture, the same shapes. Kernel 1 or 3."""
    count, _, height, width = images.shape
    side = 1 + 2 * int(torch.randint(2, (), generator=generator))
    kernels = torch.randn(count * 3, 3, side, side, generator=generator).to(images) / (3 * side * side) ** 0.5
    stacked = F.pad(images, (side // 2,) * 4, mode="replicate").flatten(0, 1)[None]
    convolved = F.conv2d(stacked, kernels, groups=count).reshape(count, 3, height, width)
    mean = convolved.mean(dim=(1, 2, 3), keepdim=True)
    deviation = convolved.std(dim=(1, 2, 3), keepdim=True).clamp_min(1e-3)
    filtered = (0.6 + 0.25 * (convolved - mean) / deviation).clamp(0, 1)
    share = _uniform(images, 0, 0.8, generator)
    return share * filtered + (1 - share) * images


def jitter(images: Tensor, generator: torch.Generator) -> Tensor:
    """Brightness, contrast, saturation and a turn of the hue."""
    tone = images.mean(dim=1, keepdim=True)
    chroma = images - tone
    angle = _uniform(images, -0.35, 0.35, generator)
    # A turn about the gray axis (Rodrigues): chroma is at right angles to it.
    turned = angle.cos() * chroma + angle.sin() * (chroma.roll(1, 1) - chroma.roll(-1, 1)) / 3**0.5
    colored = tone + turned * _uniform(images, 0.4, 1.4, generator)
    contrast, shift = _uniform(images, 0.6, 1.3, generator), _uniform(images, -0.12, 0.12, generator)
    return ((colored - 0.5) * contrast + 0.5 + shift).clamp(0, 1)


def posterize(images: Tensor, generator: torch.Generator) -> Tensor:
    """Three to eight steps in each channel."""
    steps = _uniform(images, 2, 7, generator).round()
    return (images * steps).round() / steps


def blur(images: Tensor, generator: torch.Generator) -> Tensor:
    """A binomial blur of two pixels' reach, of random strength."""
    soft = F.avg_pool2d(F.pad(images, (2, 2, 2, 2), mode="replicate"), 3, stride=1)
    soft = F.avg_pool2d(soft, 3, stride=1)
    share = _uniform(images, 0, 1, generator)
    return share * soft + (1 - share) * images


def noise(images: Tensor, generator: torch.Generator) -> Tensor:
    """Gaussian noise, up to a deviation of 0.06."""
    grain = torch.randn(images.shape, generator=generator).to(images)
    return (images + _uniform(images, 0, 0.06, generator) * grain).clamp(0, 1)


def gray(images: Tensor, generator: torch.Generator) -> Tensor:
    """No color: the mean of the channels, in each of them."""
    return images.mean(dim=1, keepdim=True).expand_as(images)


def invert(images: Tensor, generator: torch.Generator) -> Tensor:
    """White on black."""
    return 1 - images


def ink(images: Tensor, generator: torch.Generator) -> Tensor:
    """Black lines on white paper, a difference of Gaussians (Winnemöller et al., "XDoG", 2012), no tone kept.

    One width of line for the whole batch.
    """
    tone = images.mean(dim=1, keepdim=True)
    width, strength = (float(draw) for draw in torch.rand(2, generator=generator))
    narrow = _gaussian(tone, 0.8 + 0.8 * width)
    difference = narrow - _gaussian(tone, 1.6 * (0.8 + 0.8 * width))
    return (1 + (30 + 40 * strength) * difference).clamp(0, 1).expand_as(images)


def _gaussian(images: Tensor, deviation: float) -> Tensor:
    reach = math.ceil(3 * deviation)
    line = torch.arange(-reach, reach + 1).to(images)
    kernel = (-line.square() / (2 * deviation**2)).exp()
    kernel = (kernel / kernel.sum()).expand(images.shape[1], 1, 1, -1)
    padded = F.pad(images, (reach,) * 4, mode="replicate")
    rows = F.conv2d(padded, kernel, groups=images.shape[1])
    return F.conv2d(rows, kernel.transpose(2, 3), groups=images.shape[1])


def recolor(images: Tensor, generator: torch.Generator) -> Tensor:
    """All the changes of color and finish together, each on a share of the pictures."""
    images = _sometimes(jitter, images, 0.7, generator)
    images = _sometimes(random_convolution, images, 0.3, generator)
    images = _sometimes(gray, images, 0.2, generator)
    images = _sometimes(invert, images, 0.04, generator)
    return _sometimes(posterize, images, 0.15, generator)


def roughen(images: Tensor, generator: torch.Generator) -> Tensor:
    """Blur and noise, each on a share of the pictures."""
    images = _sometimes(blur, images, 0.3, generator)
    return _sometimes(noise, images, 0.4, generator)
