"""The learning rate range test: how fast can this network learn these pictures?"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pages.progress import Stop, never, stop_here

_DIVERGED = 4.0
_MEMORY = 0.9


@dataclass(frozen=True)
class RangeTest:
    """The curve of a range test.

    Attributes:
        rates: of each step, rising.
        losses: of the batch at that rate, before the step.
        smooth: the losses as an exponential mean, its start corrected.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smooth: tuple[float, ...]

    @property
    def steepest(self) -> float:
        """The rate at which the smooth loss falls fastest over log(rate)."""
        slopes = [after - before for before, after in zip(self.smooth[:-1], self.smooth[1:], strict=True)]
        return self.rates[slopes.index(min(slopes))]

    @property
    def tenth_of_best(self) -> float:
        """A tenth of the rate at which the smooth loss is lowest."""
        return self.rates[self.smooth.index(min(self.smooth))] / 10

    @property
    def suggestion(self) -> float:
        """The more careful of the two."""
        return min(self.steepest, self.tenth_of_best)


def range_test(
    loss_of_batch: Callable[[], Tensor],
    optimizer: torch.optim.Optimizer,
    *,
    lowest: float = 1e-5,
    highest: float = 1.0,
    steps: int = 60,
    stop: Stop = never,
) -> RangeTest:
    """Train for some steps at rates that rise by a constant factor, and see where the loss falls and where it
    explodes (Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017; the suggestions are
    fast.ai's). It ends when the smooth loss is four times its best. What the optimizer trains, and its own
    state, are as before afterwards.

    Args:
        loss_of_batch: the loss of a next batch, with its graph.
        optimizer: its groups keep the ratios between their rates; the last group's is the one tested.

    Raises:
        Stopped: ``stop()`` became true.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    values = [parameter.detach().clone() for parameter in parameters]
    state = copy.deepcopy(optimizer.state_dict())
    shares = [group["lr"] / optimizer.param_groups[-1]["lr"] for group in optimizer.param_groups]
    rates: list[float] = []
    losses: list[float] = []
    smooth: list[float] = []
    mean = 0.0
    try:
        for step in range(steps):
            stop_here(stop, "the learning rate range test")
            rate = lowest * (highest / lowest) ** (step / max(1, steps - 1))
            for group, share in zip(optimizer.param_groups, shares, strict=True):
                group["lr"] = rate * share
            loss = loss_of_batch()
            value = float(loss.detach())
            mean = _MEMORY * mean + (1 - _MEMORY) * value
            now = mean / (1 - _MEMORY ** (step + 1))
            if not math.isfinite(value) or (smooth and now > _DIVERGED * min(smooth)):
                break
            rates.append(rate)
            losses.append(value)
            smooth.append(now)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
    finally:
        with torch.no_grad():
            for parameter, before in zip(parameters, values, strict=True):
                parameter.copy_(before)
        optimizer.load_state_dict(state)
        optimizer.zero_grad()
    return RangeTest(rates=tuple(rates), losses=tuple(losses), smooth=tuple(smooth))
