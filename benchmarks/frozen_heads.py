"""The project's heads on its frozen encoder, trained plainly: what an experiment on data alone compares.

``classifiers.train`` makes views of its own of every picture; here nothing is changed but what the experiment
changes. The encoder sees each picture once, so an arm takes seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from classifiers.data import Example, label_matrix
from classifiers.model import SCALES, ElementClassifiers, ElementHeads, letterbox
from comicloss.encoder import EmbeddedEncoder

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(logits, labels, known), all (N, E) -> a number."""
Maps = list[Tensor]
"""What the encoder sees of N pictures at each scale, (N, C, h, w)."""

_CHUNK, _BATCH = 32, 96
_STEPS, _RATE, _PENALTY = 160, 0.03, 1e-4


class Encoder:
    """The embedded encoder at the two scales of the project's classifiers."""

    def __init__(self, image_size: int) -> None:
        self.classifiers = ElementClassifiers(EmbeddedEncoder(), ["any"], image_size=image_size).eval()
        self.side = round(image_size * max(SCALES))

    @torch.no_grad()
    def maps(self, examples: Sequence[Example]) -> Maps:
        """Pictures may be of different sizes."""
        fitted = torch.cat([letterbox(example.image[None].float(), self.side) for example in examples])
        seen = [self.classifiers.features(part) for part in torch.split(fitted, _CHUNK)]
        return [torch.cat(scale) for scale in zip(*seen, strict=True)]


def fit_heads(
    maps: Maps, examples: Sequence[Example], loss: Loss, *, odds: Tensor, seed: int
) -> ElementHeads:
    """Heads trained in 160 steps of 96 pictures.

    Args:
        maps: of the examples.
        odds: (N,) of drawing each of them.
        seed: of the start and of the order.
    """
    labels, known = label_matrix(examples)
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    heads = ElementHeads(maps[0].shape[1], labels.shape[1])
    heads.fit_cells(maps[0])
    with torch.no_grad():
        cells = [heads.cells(scale) for scale in maps]
    optimizer = torch.optim.Adam(heads.parameters(), lr=_RATE, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, _STEPS)
    for _ in range(_STEPS):
        rows = odds.multinomial(_BATCH, replacement=True, generator=generator)
        logits = heads.pooled([scale[rows] for scale in cells])[0]
        size = heads.templates.square().sum() + heads.grids.square().sum()
        told = loss(logits, labels[rows], known[rows]) + _PENALTY * size
        optimizer.zero_grad()
        torch.autograd.backward(told)
        optimizer.step()
        schedule.step()
    return heads


@torch.no_grad()
def logits_of(heads: ElementHeads, maps: Maps) -> Tensor:
    """(N, E)."""
    parts = zip(*(torch.split(scale, _CHUNK) for scale in maps), strict=True)
    return torch.cat([heads(part)[0] for part in parts])
