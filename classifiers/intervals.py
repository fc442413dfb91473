"""How far a figure from a few pictures can be trusted: 95 % intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Interval = tuple[float, float]
"""(low, high): where the figure of many more such pictures lies, with 95 % confidence."""

REPLICATES = 1000
_NORMAL = 1.959963984540054  # the 97.5 % point of the standard normal distribution
_AT_ONCE = 4_000_000  # weights in memory at a time


def wilson_interval(share: float | None, total: int) -> Interval | None:
    """Wilson's score interval of a share of ``total`` independent trials (Wilson, JASA 1927).

    Unlike p ± 2 σ it says something where the share is 0 or 1: ten of ten is (0.72, 1).

    Args:
        share: in [0, 1]; None, or a total of 0, gives None.
    """
    if share is None or total <= 0:
        return None
    square = _NORMAL**2
    center = (share + square / (2 * total)) / (1 + square / total)
    reach = _NORMAL * math.sqrt(share * (1 - share) / total + square / (4 * total**2)) / (1 + square / total)
    return max(0.0, min(center - reach, share)), min(1.0, max(center + reach, share))


def mean_interval(first: tuple[float, Interval], second: tuple[float, Interval]) -> Interval:
    """Interval of the mean of two independent shares, each given with its own (low, high).

    The distances to the ends add up as squares (MOVER; Zou and Donner, Statistics in Medicine 2008).
    """
    (one, (one_low, one_high)), (two, (two_low, two_high)) = first, second
    mean = (one + two) / 2
    return (
        mean - math.hypot(one - one_low, two - two_low) / 2,
        mean + math.hypot(one_high - one, two_high - two) / 2,
    )


def group_numbers(groups: Sequence[str]) -> Tensor:
    """(N,) int64: the number of each group's first appearance; equal groups have equal numbers."""
    numbers: dict[str, int] = {}
    return torch.tensor([numbers.setdefault(group, len(numbers)) for group in groups], dtype=torch.int64)


def bootstrap_interval(
    figure: Callable[[Tensor], Tensor], groups: Tensor, *, seed: int, replicates: int = REPLICATES
) -> Interval | None:
    """Percentile interval of a figure over groups drawn with replacement (Efron; Field and Welsh 2007).

    Pictures of one scene come and go together, because they are no independent evidence.

    Args:
        figure: weights (B, N) float64, how often each picture was drawn -> the figures (B,), NaN where there
            is none.
        groups: (N,) int64, numbered from 0.
        seed: of the draws.

    Returns:
        None where the pictures cannot say: fewer than two groups, a figure that most draws do not have, or
        one figure in all the draws (no picture was told wrongly: that does not prove a width of nothing).
    """
    count = int(groups.max()) + 1 if len(groups) else 0
    if count < 2:
        return None
    generator = torch.Generator().manual_seed(seed)
    found = []
    step = max(1, _AT_ONCE // max(len(groups), count))
    for start in range(0, replicates, step):
        part = min(step, replicates - start)
        drawn = torch.randint(count, (part, count), generator=generator)
        times = torch.zeros(part, count, dtype=torch.float64)
        times.scatter_add_(1, drawn, torch.ones(part, count, dtype=torch.float64))
        found.append(figure(times[:, groups]))
    figures = torch.cat(found)
    figures = figures[~figures.isnan()]
    if len(figures) < replicates / 2:
        return None
    low, high = torch.quantile(figures, torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return (low, high) if high > low else None
