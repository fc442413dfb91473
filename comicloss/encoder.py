"""What the classifiers stand on unless another backbone is named: maps of the embedded CLIP's image tower."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from classifiers.calibrate import Expected
from styles.clip import load_clip

_FIRST, _LAST = 2, 4  # of the tower's maps: parts of drawings. Before them is texture, after them the scene


class EmbeddedEncoder(nn.Module):
    """(N, 3, S, S) in [0, 1] -> (N, 288, S / 16, S / 16): two of the tower's maps, the finer one pooled.

    The tower has learned its features from drawings in many styles, and was tuned to stay where it is under
    small changes (see styles/embedded/clip.md), so that its gradients move lines and not noise. Its weights
    are part of the state, hence of the identity that classifiers remember: with other weights, they must be
    trained again.

    Attributes:
        expected: of the calibration of classifiers on it. Measured on drawings by another hand, in stories
            with one to four drawings of each element to learn from: T and b come out much alike.

    Raises:
        WeightsError: the weights are missing or damaged.
    """

    expected = Expected(temperature=0.5, offset=2.0, deviation=0.2)

    def __init__(self) -> None:
        super().__init__()
        self.clip = load_clip()
        self.clip.model.transformer = nn.Identity()  # reads words: no part of what classifiers stand on

    def forward(self, images: Tensor) -> Tensor:
        fine, coarse = self.clip.features(images, count=5)[_FIRST:_LAST]
        return torch.cat([F.avg_pool2d(fine, 2), coarse], dim=1)
