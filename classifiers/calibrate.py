"""Probabilities that mean what they say, from answers about pictures that were held out."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

_OWN_TEMPERATURE, _OWN_OFFSET = 0.15, 0.3


@dataclass(frozen=True)
class Expected:
    """What is expected of temperature and offset before any answer is seen: a Gaussian prior.

    Attributes:
        temperature, offset: its mean; all that is left where nothing was held out.
        deviation: of log T and b.
    """

    temperature: float = 1.0
    offset: float = 0.0
    deviation: float = 1.0


UNKNOWN = Expected()
"""Of classifiers on a backbone that nothing is known of."""


def calibration(
    logits: Tensor, labels: Tensor, weights: Tensor, *, expected: Expected = UNKNOWN
) -> tuple[Tensor, Tensor]:
    """Temperature and offset for each element: p = sigmoid(logit / T + b).

    Sources: Platt 1999; Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.

    A few pictures say little of one element, much of them all: T and b are common to all elements, with a
    deviation for each under a Gaussian prior (deviation 0.15 of log T, 0.3 of b). Both sides of each element
    weigh the same, so that one half is where the evidence turns, however rare the element is.

    Args:
        logits: (N, E), of classifiers that had not seen the picture.
        labels: (N, E) in [0, 1].
        weights: (N, E), at least 0; 0 where nothing is known or nothing was held out.
        expected: of the common ones.

    Returns:
        T and b, (E,) each, float32. T is positive.
    """
    score, target = logits.double(), labels.double()
    shown, absent = weights.double() * target, weights.double() * (1 - target)
    support = torch.minimum(shown.sum(0), absent.sum(0))  # what the rarer side is worth, on both sides
    balanced = shown / shown.sum(0).clamp_min(1e-9) + absent / absent.sum(0).clamp_min(1e-9)
    balanced = torch.where(weights > 0, balanced * support, torch.zeros_like(balanced))
    score = torch.where(weights > 0, score, torch.zeros_like(score))
    start = torch.tensor([expected.temperature], dtype=torch.float64).log().neg()
    values = torch.zeros(2, 1 + logits.shape[1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([values], max_iter=80, line_search_fn="strong_wolfe")

    def parts() -> tuple[Tensor, Tensor]:
        return start + values[0, 0] + values[0, 1:], expected.offset + values[1, 0] + values[1, 1:]

    def misfit() -> Tensor:
        optimizer.zero_grad()
        log_scale, added = parts()
        loss = F.binary_cross_entropy_with_logits(
            score * log_scale.exp() + added, target, balanced, reduction="sum"
        )
        priors = (
            (values[:, 0] / expected.deviation).square().sum()
            + (values[0, 1:] / _OWN_TEMPERATURE).square().sum()
            + (values[1, 1:] / _OWN_OFFSET).square().sum()
        )
        loss = loss + priors / 2
        torch.autograd.backward(loss)
        return loss

    optimizer.step(misfit)  # type: ignore[no-untyped-call]
    log_scale, added = (part.detach().float() for part in parts())
    return (-log_scale).exp(), added
