"""Losses for labels that are rare: most pictures do not show most elements."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

_MOST = 10.0


def positive_weight(labels: Tensor, known: Tensor) -> Tensor:
    """What a shown element counts against a missing one, (E,): min(negatives / positives, 10).

    For ``binary_cross_entropy_with_logits(pos_weight=...)``. It evens out both sides of an element; the bound
    keeps a handful of pictures from taking over. It shifts probabilities up, so calibrate afterwards.

    Args:
        labels, known: (N, E).
    """
    positives = (labels * known).sum(dim=0)
    negatives = ((1 - labels) * known).sum(dim=0)
    return (negatives / positives.clamp_min(1e-6)).clamp_max(_MOST)


def weighted_loss(logits: Tensor, labels: Tensor, known: Tensor, weight: Tensor) -> Tensor:
    """Binary cross-entropy with ``positive_weight``, summed over the known elements, a mean over pictures.

    Args:
        logits, labels, known: (N, E).
        weight: (E,).
    """
    loss = F.binary_cross_entropy_with_logits(logits, labels, known, pos_weight=weight, reduction="sum")
    return loss / len(logits)


def asymmetric_loss(
    logits: Tensor,
    labels: Tensor,
    known: Tensor,
    *,
    gamma_positive: float = 1.0,
    gamma_negative: float = 4.0,
    margin: float = 0.05,
) -> Tensor:
    """ASL (Ridnik et al., "Asymmetric Loss For Multi-Label Classification", ICCV 2021, equations 4 to 6).

    L+ = -(1 - p)^γ+ log p,  L- = -p_m^γ- log(1 - p_m),  p_m = max(p - m, 0): the many easy negatives fade,
    and those under the margin count nothing. A soft label y takes y L+ + (1 - y) L-. Summed over the known
    elements, a mean over pictures. log p is taken from the logit, so a positive that is surely missed keeps
    its gradient.

    Args:
        logits, labels, known: (N, E).
    """
    probability = logits.sigmoid()
    shifted = (probability - margin).clamp_min(0)
    shown = (1 - probability) ** gamma_positive * -F.logsigmoid(logits)
    absent = shifted**gamma_negative * -torch.log1p(-shifted)
    return (known * (labels * shown + (1 - labels) * absent)).sum() / len(logits)
