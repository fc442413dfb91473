"""The judge: a small network that measures stylized comics and never trains anything.

It shares no scenes, renderers, seed, objective or architecture with the models that it judges, and no
loss may ever read it: what it sees, nobody has optimized for.
"""

from __future__ import annotations

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

_WIDTH = 128


class _Mixer(nn.Module):
    """A block that looks around itself by a depthwise convolution: where texture and shapes are local."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.around = nn.Conv2d(width, width, 5, padding=2, groups=width)
        self.norm = nn.GroupNorm(1, width)
        self.widen = nn.Conv2d(width, 3 * width, 1)
        self.narrow = nn.Conv2d(3 * width, width, 1)

    def forward(self, grid: Tensor) -> Tensor:
        mixed: Tensor = grid + self.narrow(F.gelu(self.widen(self.norm(self.around(grid)))))
        return mixed


class _Attention(nn.Module):
    """A transformer block on a grid of tokens; a depthwise convolution tells it where each token lies."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.position = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.attention_norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        self.mixing_norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 3 * width)
        self.narrow = nn.Linear(3 * width, width)

    def forward(self, grid: Tensor) -> Tensor:
        n, c, h, w = grid.shape
        tokens = (grid + self.position(grid)).flatten(2).transpose(1, 2)
        query, key, value = (
            part.view(n, h * w, self.heads, c // self.heads).transpose(1, 2)
            for part in self.query_key_value(self.attention_norm(tokens)).chunk(3, -1)
        )
        seen = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(n, h * w, c)
        tokens = tokens + self.attention_out(seen)
        tokens = tokens + self.narrow(F.gelu(self.widen(self.mixing_norm(tokens))))
        grid = tokens.transpose(1, 2).reshape(n, c, h, w)
        return grid


def _resized(images: Tensor, size: int) -> Tensor:
    if images.shape[-2:] == (size, size):
        return images
    return F.interpolate(images, (size, size), mode="bilinear", antialias=True, align_corners=False)


def _statistics(grid: Tensor) -> Tensor:
    """Mean and spread of each channel over the grid: (N, C, h, w) -> (N, 2 C)."""
    flat = grid.flatten(2)
    return torch.cat([flat.mean(2), (flat.var(2, correction=0) + 1e-5).sqrt()], 1)


class JudgeNetwork(nn.Module):
    """Two towers: a small hybrid of convolution and attention for identity, a texture statistic for style.

    Every method takes pictures (N, 3, H, W) in [0, 1] of any size and resizes them itself: to ``style_size``
    for style, to ``identity_size`` for all else, since identity is in shapes and colors, hardly in texture.
    """

    style_size = 96
    identity_size = 64
    identity_width = 128
    style_width = 48

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 64, 7, stride=4, padding=3)
        self.tokens = nn.Conv2d(64, _WIDTH, 3, stride=2, padding=1)
        self.blocks = nn.Sequential(_Mixer(_WIDTH), _Mixer(_WIDTH), _Attention(_WIDTH, 4))
        self.identity_head = nn.Sequential(
            nn.LayerNorm(2 * _WIDTH),
            nn.Linear(2 * _WIDTH, self.identity_width),
            nn.BatchNorm1d(self.identity_width, affine=False),
        )
        self.grain = nn.Conv2d(3, 32, 7, stride=4, padding=3)
        self.texture = nn.Conv2d(32, 48, 3, stride=2, padding=1)
        self.style_head = nn.Sequential(
            nn.LayerNorm(160), nn.Linear(160, 128), nn.GELU(), nn.Linear(128, self.style_width)
        )
        self.style_prototypes = nn.Parameter(torch.randn(len(JUDGE_STYLES), self.style_width))

    def patch_features(self, images: Tensor) -> Tensor:
        """Local features (N, 128, 8, 8) of the identity tower."""
        small = _resized(images, self.identity_size)
        grid: Tensor = self.blocks(self.tokens(F.gelu(self.patches(2 * small - 1))))
        return grid

    def pooled(self, images: Tensor) -> Tensor:
        """The mean and the greatest of the local features, (N, 256)."""
        grid = self.patch_features(images)
        return torch.cat([grid.mean((2, 3)), grid.amax((2, 3))], 1)

    def identity(self, images: Tensor) -> Tensor:
        """φ (N, 128), L2-normalized: near for one character in any style, pose or place, far for two."""
        return F.normalize(self.identity_head(self.pooled(images)), dim=1)

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
