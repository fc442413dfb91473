"""Test-time augmentation: several looks at each picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class SeveralLooks(nn.Module):
    """Classifiers that look at each picture several times: the mean of the logits over its mirror images and
    smaller copies on white paper (Krizhevsky et al., NeurIPS 2012, average over crops and mirror images; here
    nothing is cropped, since an element may stand at the edge).

    Args:
        classifiers: (N, 3, H, W) in [0, 1] -> logits (N, E).
        scales: sizes of the copies, as shares of the picture's, at most 1.
        mirrored: each copy as it is, and mirrored.

    It has no weights of its own; its state is that of the classifiers.
    """

    def __init__(
        self, classifiers: nn.Module, *, scales: Sequence[float] = (1.0, 0.8), mirrored: bool = True
    ) -> None:
        super().__init__()
        self.classifiers = classifiers
        self.scales = tuple(scales)
        self.mirrored = mirrored

    def forward(self, images: Tensor) -> Tensor:
        logits = []
        for scale in self.scales:
            placed = _on_paper(images, scale)
            logits.append(cast(Tensor, self.classifiers(placed)))
            if self.mirrored:
                logits.append(cast(Tensor, self.classifiers(placed.flip(-1))))
        return torch.stack(logits).mean(dim=0)


def _on_paper(images: Tensor, scale: float) -> Tensor:
    """The picture in the middle of a sheet that is so much larger, by whole pixels: nothing is resampled
    here."""
    across, down = (round(side * (1 / scale - 1) / 2) for side in (images.shape[-1], images.shape[-2]))
    return F.pad(images, (across, across, down, down), value=1.0)
