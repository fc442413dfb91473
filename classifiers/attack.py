"""The worst small change of a picture: what a generator would find, found first."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F


def attack(
    logits_of: Callable[[Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    known: Tensor,
    *,
    radius: Tensor | float,
    steps: int,
    start: torch.Generator | None = None,
) -> Tensor:
    """Projected gradient ascent on the classifiers' loss inside an L2 ball (Madry et al., ICLR 2018).

    One step is the fast gradient method; from a random start, that of Wong et al. ("Fast is better than
    free", ICLR 2020).

    Args:
        logits_of: (N, 3, H, W) -> (N, E).
        images: (N, 3, H, W) in [0, 1].
        labels, known: (N, E).
        radius: L2 norm of the change over a picture's 3 H W values; one number, or (N, 1, 1, 1).
        steps: gradient steps, each of twice the radius divided by their number (one step: the radius).
        start: draws where in the ball it starts; None starts at the picture itself.

    Returns:
        The changed pictures, (N, 3, H, W) in [0, 1], without a gradient.
    """
    change = torch.zeros_like(images)
    if start is not None:
        change = torch.randn(images.shape, generator=start).to(images)
        share = torch.rand(len(images), 1, 1, 1, generator=start).to(images)
        change = (images + change * (share * radius / _norm(change))).clamp(0, 1) - images
    stride = radius if steps == 1 else 2 * radius / steps
    for _ in range(steps):
        candidate = (images + change).detach().requires_grad_()
        loss = F.binary_cross_entropy_with_logits(logits_of(candidate), labels, known, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, candidate)
        change = change + stride * gradient / _norm(gradient)
        change = change * (radius / _norm(change)).clamp_max(1)
        change = (images + change).clamp(0, 1) - images
    return (images + change).detach()


def _norm(change: Tensor) -> Tensor:
    return change.square().sum(dim=(1, 2, 3), keepdim=True).sqrt().clamp_min(1e-12)
