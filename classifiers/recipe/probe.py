"""The linear probe: heads alone, on features computed once."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from classifiers.model import ElementClassifiers, letterbox
from pages.progress import Stop, never, stop_here

_RATE = 3e-3
_STEPS = 150
_BATCH = 32
_WHAT = "the linear probe"


def linear_probe(
    classifiers: ElementClassifiers,
    images: Tensor,
    labels: Tensor,
    known: Tensor,
    loss_of: Callable[[Tensor, Tensor, Tensor], Tensor],
    *,
    generator: torch.Generator,
    stop: Stop = never,
) -> None:
    """Train the heads to convergence on the trunk as it is, in place: the first half of "linear probe, then
    fine-tune" (Kumar et al., "Fine-Tuning can Distort Pretrained Features and Underperform
    Out-of-Distribution", ICLR 2022).

    Fine-tuning from fresh heads first bends the features towards whatever the heads happen to look at; from
    probed heads it has little to bend, and what holds in other styles stays. The features of the pictures are
    computed once, as drawn and mirrored, so the probe costs one pass over them.

    Args:
        images: (N, 3, S, S) in [0, 1].
        labels, known: (N, E).
        loss_of: logits, labels, known (n, E) -> the loss.
        generator: of the order of the pictures.

    Raises:
        Stopped: ``stop()`` became true.
    """
    features = []
    device = classifiers.temperature.device
    with torch.no_grad():
        for view in (images, images.flip(-1)):
            for part in torch.split(view, _BATCH):
                stop_here(stop, _WHAT)
                features.append(classifiers.backbone(letterbox(part.to(device), classifiers.image_size)))
    seen = torch.cat(features)
    labels, known = (part.repeat(2, 1).to(device) for part in (labels, known))
    classifiers.heads.standardize(seen)
    optimizer = torch.optim.AdamW(classifiers.heads.parameters(), lr=_RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, _STEPS)
    for _ in range(_STEPS):
        stop_here(stop, _WHAT)
        rows = torch.randint(len(seen), (_BATCH,), generator=generator).to(device)
        loss = loss_of(classifiers.heads(seen[rows]), labels[rows], known[rows])
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
