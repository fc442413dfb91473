"""Learning rates by layer and by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn


def layer_rates(
    groups: Sequence[Sequence[nn.Parameter]], rate: float, *, lowest: float = 0.01
) -> list[dict[str, Any]]:
    """Discriminative learning rates (Howard and Ruder, ACL 2018, section 3.2): the layers next to the picture
    know what holds for every picture, and learn slowest.

    The rates are spaced evenly on a logarithmic scale, from ``lowest`` x rate for the first group to the rate
    for the last, as fast.ai's ``slice`` does it: however deep a network is, its ends get the same two rates.

    Args:
        groups: parameters by depth, as ``freezing.layer_groups`` gives them.

    Returns:
        Parameter groups for an optimizer of torch, in the same order.
    """
    last = max(1, len(groups) - 1)
    return [
        {"params": list(group), "lr": rate * (lowest ** ((last - depth) / last) if len(groups) > 1 else 1.0)}
        for depth, group in enumerate(groups)
    ]


def one_cycle(
    optimizer: torch.optim.Optimizer, steps: int, *, start: float = 0.25
) -> torch.optim.lr_scheduler.OneCycleLR:
    """Each group's rate rises from a 25th to what it is now and falls to nothing, the momentum the other way
    (Smith, "A disciplined approach to neural network hyper-parameters: Part 1", 2018), on half cosines.

    Args:
        steps: of the whole cycle; call ``step()`` after each of the optimizer's.
        start: the share of them that the rise takes.
    """
    rates = [group["lr"] for group in optimizer.param_groups]
    return torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=steps, pct_start=start)
