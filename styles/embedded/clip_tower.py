"""The image tower of the embedded CLIP: small, smooth and anti-aliased, so that its gradients paint.

Every activation is smooth (SiLU), every halving is preceded by a binomial filter (Zhang 2019, "Making
Convolutional Networks Shift-Invariant Again"), and normalization looks at one picture alone (GroupNorm).
Style lives in texture and content in shapes, so the pooled features of three scales go to the head together.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from timm.models import register_model
from torch import Tensor, nn
from torch.nn import functional

_WIDTHS = (24, 48, 96, 192, 320)
_POOLED = 3
TOWER_NAME = "comicloss_tower"


class _Halve(nn.Module):
    """Half the size, without aliasing: the binomial filter (1, 3, 3, 1), then every second pixel."""

    kernel: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        row = torch.tensor((1.0, 3.0, 3.0, 1.0)) / 8
        self.register_buffer(
            "kernel", (row[:, None] * row)[None, None].repeat(channels, 1, 1, 1), persistent=False
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(
            functional.pad(x, (1, 1, 1, 1), mode="replicate"), self.kernel, stride=2, groups=x.shape[1]
        )


class _Block(nn.Module):
    """x + mixing of neighbors in groups, then of channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, channels)
        self.near = nn.Conv2d(channels, channels, 3, padding=1, groups=8, bias=False)
        self.across = nn.Conv2d(channels, channels, 1)
        for parameter in self.across.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.across(functional.silu(self.near(functional.silu(self.norm(x)))))
        return x + y


def _widen(narrow: int, wide: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(narrow, wide, 3, padding=1, bias=False), nn.GroupNorm(8, wide), nn.SiLU())


class ClipTower(nn.Module):
    """(N, 3, H, W) -> (N, num_features); H and W multiples of 32."""

    def __init__(self) -> None:
        super().__init__()
        self.default_cfg = {"pool_size": None}
        self.num_features = sum(_WIDTHS[-_POOLED:])
        self.stem = nn.Sequential(
            nn.Conv2d(3, _WIDTHS[0], 6, stride=2, padding=2, bias=False),
            nn.GroupNorm(8, _WIDTHS[0]),
            nn.SiLU(),
        )
        self.stages = nn.ModuleList()
        for number, (narrow, wide) in enumerate(pairwise(_WIDTHS)):
            blocks = [_Block(wide) for _ in range(min(number, 2))]
            self.stages.append(nn.Sequential(_Halve(narrow), _widen(narrow, wide), *blocks))
        self.norm = nn.LayerNorm(self.num_features)

    def maps(self, x: Tensor) -> list[Tensor]:
        """What each scale sees, from 1/2 to 1/32 of the picture's size."""
        found = [self.stem(x)]
        for stage in self.stages:
            found.append(stage(found[-1]))
        return found

    def forward(self, x: Tensor) -> Tensor:
        pooled = [level.mean(dim=(2, 3)) for level in self.maps(x)[-_POOLED:]]
        features: Tensor = self.norm(torch.cat(pooled, dim=1))
        return features

    def forward_intermediates(
        self, x: Tensor, indices: list[int] | None = None, intermediates_only: bool = False, **_: object
    ) -> list[Tensor] | tuple[Tensor, list[Tensor]]:
        """The maps of all scales, or of those numbered; timm's interface."""
        found = self.maps(x)
        chosen = found if indices is None else [found[number] for number in indices]
        return chosen if intermediates_only else (found[-1], chosen)

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        """There is no classifier to take off; timm's interface."""


def comicloss_tower(pretrained: bool = False, **_: object) -> ClipTower:
    """The tower under the name by which open_clip asks timm for it."""
    return ClipTower()


register_model(comicloss_tower)
