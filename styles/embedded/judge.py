"""The judge: measures stylized comics and never trains anything.

It shares no scenes, renderers, seed, objective or architecture with the models that it judges, and no loss
may ever read it: what it sees, nobody has optimized for. Identity is not learned by gradient descent: it is a
fixed descriptor of shapes and colors, and the linear discriminants that tell identities apart in it. Style is
the texture statistic of a small convolutional tower.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from pages.errors import WeightsError
from styles.embedded.judge_renderers import JUDGE_RENDERERS, SOURCE_RENDERERS
from styles.registry import weights

WEIGHTS = Path(__file__).with_name("judge.safetensors")
JUDGE_STYLES: tuple[str, ...] = (*JUDGE_RENDERERS, *SOURCE_RENDERERS)
"""What the style head tells apart: eighteen styles, and three kinds of art as an author hands it in."""

_LUMA = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
_BINS = 8  # directions of edges
_PALETTE = torch.cartesian_prod(*3 * [torch.tensor([0.1, 0.5, 0.9])])  # (27, 3)

DESCRIPTOR_WIDTH = 2 * _BINS * 64 + 3 * 64 + len(_PALETTE) * 16 + 64 + len(_PALETTE)


def _soften(images: Tensor) -> Tensor:
    """A 3 x 3 binomial blur of (N, C, H, W)."""
    line = torch.tensor([0.25, 0.5, 0.25])
    kernel = (line[:, None] * line).expand(images.shape[1], 1, 3, 3)
    return F.conv2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), kernel, groups=images.shape[1])


def _edges(tone: Tensor, cell: int) -> Tensor:
    """How strong edges are in each direction: (N, 1, H, W) -> (N, 8, H / cell, W / cell), shares in [0, 1].

    Black on white and white on black count the same, and each place is divided by the edges around it, so
    that an inked and a chalked contour come out alike.
    """
    right = F.pad(tone[:, :, :, 2:] - tone[:, :, :, :-2], (1, 1, 0, 0))
    down = F.pad(tone[:, :, 2:] - tone[:, :, :-2], (0, 0, 1, 1))
    doubled = 2 * torch.atan2(down, right)  # opposite directions are one
    centers = torch.arange(_BINS) * (2 * math.pi / _BINS)
    near = (0.5 + 0.5 * torch.cos(doubled - centers[:, None, None])) ** 4
    cells = F.avg_pool2d(near * (right**2 + down**2 + 1e-8).sqrt(), cell)
    around = F.avg_pool2d(F.pad(cells.sum(1, keepdim=True), (1, 1, 1, 1), mode="replicate"), 3, 1)
    return (cells / (around + 0.02)).sqrt()


def describe(images: Tensor) -> list[Tensor]:
    """Shapes and colors on grids, nothing learned; pictures (N, 3, 64, 64) in [0, 1].

    Returns:
        Fine edges and coarse edges, (N, 8, 8, 8) each; lightness and two opponent colors, (N, 3, 8, 8);
        shares of 27 palette colors, (N, 27, 4, 4); contrast, (N, 1, 8, 8); the same over all, (N, 27, 1, 1).
    """
    tone = (images * _LUMA).sum(1, keepdim=True)
    half = F.avg_pool2d(_soften(_soften(images)), 2)
    red, green, blue = F.avg_pool2d(images, 8).unbind(1)
    opponent = torch.stack([(red + green + blue) / 3, red - green, (red + green) / 2 - blue], 1)
    distance = ((half[:, None] - _PALETTE[:, :, None, None]) ** 2).sum(2)
    palette = torch.softmax(-distance / 0.03, 1)
    variance = F.avg_pool2d(tone**2, 8) - F.avg_pool2d(tone, 8) ** 2
    return [
        _edges(_soften(tone), 8),
        _edges((half * _LUMA).sum(1, keepdim=True), 4),
        opponent,
        F.avg_pool2d(palette, 8).sqrt(),
        variance.clamp(min=0).sqrt(),
        palette.mean((2, 3), keepdim=True).sqrt(),
    ]


def mirror(grids: list[Tensor]) -> list[Tensor]:
    """The description of the mirrored pictures, without looking at them again."""
    turned = -torch.arange(_BINS) % _BINS
    return [(grid[:, turned] if k < 2 else grid).flip(-1) for k, grid in enumerate(grids)]


def _resized(images: Tensor, size: int) -> Tensor:
    if images.shape[-2:] == (size, size):
        return images
    return F.interpolate(images, (size, size), mode="bilinear", antialias=True, align_corners=False)


def _statistics(grid: Tensor) -> Tensor:
    """Mean and spread of each channel over the grid: (N, C, h, w) -> (N, 2 C)."""
    flat = grid.flatten(2)
    return torch.cat([flat.mean(2), (flat.var(2, correction=0) + 1e-5).sqrt()], 1)


class JudgeNetwork(nn.Module):
    """A fixed descriptor with linear discriminants for identity, and a small convolutional tower for style.

    Every method takes pictures (N, 3, H, W) in [0, 1] of any size and resizes them itself: to ``style_size``
    for style, to ``identity_size`` for all else, since identity is in shapes and colors, hardly in texture.
    """

    style_size = 96
    identity_size = 64
    identity_width = 64
    style_width = 48

    center: Tensor
    discriminants: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("center", torch.zeros(DESCRIPTOR_WIDTH))
        self.register_buffer("discriminants", torch.randn(DESCRIPTOR_WIDTH, self.identity_width))
        self.grain = nn.Conv2d(3, 32, 7, stride=4, padding=3)
        self.texture = nn.Conv2d(32, 48, 3, stride=2, padding=1)
        self.style_head = nn.Sequential(
            nn.LayerNorm(160), nn.Linear(160, 128), nn.GELU(), nn.Linear(128, self.style_width)
        )
        self.style_prototypes = nn.Parameter(torch.randn(len(JUDGE_STYLES), self.style_width))

    def patch_features(self, images: Tensor) -> Tensor:
        """Local shapes and colors, (N, 20, 8, 8): edges, lightness, opponent colors, contrast."""
        fine, coarse, opponent, _, contrast, _ = describe(_resized(images, self.identity_size))
        return torch.cat([fine, coarse, opponent, contrast], 1)

    def identity(self, images: Tensor) -> Tensor:
        """φ (N, 64), L2-normalized: near for one character in any style, pose or place, far for two."""
        return F.normalize((self.descriptor(images) - self.center) @ self.discriminants, dim=1)

    def descriptor(self, images: Tensor) -> Tensor:
        """The description that φ is read from, in one row, (N, DESCRIPTOR_WIDTH)."""
        grids = describe(_resized(images, self.identity_size))
        either = [torch.cat([grid.flatten(1) for grid in side], 1) for side in (grids, mirror(grids))]
        return 0.5 * (either[0] + either[1])  # a character who turns around stays the same

    def style(self, images: Tensor) -> Tensor:
        """The style embedding (N, 48), L2-normalized: what the picture is made of, not what it shows."""
        grain = F.gelu(self.grain(2 * _resized(images, self.style_size) - 1))
        texture = F.gelu(self.texture(grain))
        statistics = torch.cat([_statistics(grain), _statistics(texture)], 1)
        return F.normalize(self.style_head(statistics), dim=1)

    def style_prototype(self, name: str) -> Tensor:
        """The direction (48,), L2-normalized, of one of ``JUDGE_STYLES``. KeyError for any other name."""
        if name not in JUDGE_STYLES:
            raise KeyError(f"{name!r} is none of the judge's styles: {', '.join(JUDGE_STYLES)}")
        return F.normalize(self.style_prototypes[JUDGE_STYLES.index(name)], dim=0)


def load_judge() -> JudgeNetwork:
    """The shipped judge, frozen and in evaluation mode.

    Raises:
        WeightsError: its weights are missing, damaged or of another version.
    """
    path = weights("judge").path
    network = JudgeNetwork()
    try:
        network.load_state_dict({name: tensor.float() for name, tensor in load_file(path).items()})
    except (SafetensorError, RuntimeError) as error:
        remedy = "Install comicloss again, or train it: python -m styles.embedded.train judge --work FOLDER"
        raise WeightsError(f"{path}: not the judge's weights ({error})", remedy=remedy) from error
    return network.eval().requires_grad_(False)
