"""Does "70 %" mean seven in ten? Calibration of probabilities, measured."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from classifiers.intervals import Interval, wilson_interval

BINS = 15
_PER_BIN = 8  # pictures that a bin of a curve should hold at least
_DRAWS = 1000


@dataclass(frozen=True)
class CalibrationBin:
    """Pictures of like probability.

    Attributes:
        count: of pictures, at least 1.
        probability: their mean.
        shown: share of them that show the element.
        interval: of that share.
    """

    count: int
    probability: float
    shown: float
    interval: Interval


def bins_for(count: int) -> int:
    """As many bins as leave eight pictures in each, 15 at most and 1 at least."""
    return max(1, min(BINS, count // _PER_BIN))


def bin_numbers(probabilities: Tensor, bins: int) -> Tensor:
    """Bins of equal mass, from the lowest probabilities up: (N,) -> (N,) int64 in [0, bins).

    Equal probabilities are never parted, so that the order of the pictures does not matter; with many of them
    equal, some bins may stay empty.
    """
    if bins < 1:
        raise ValueError(f"bins must be at least 1, got {bins}")
    _, inverse, counts = torch.unique(probabilities, return_inverse=True, return_counts=True)
    middle = counts.cumsum(0) - counts / 2
    numbers: Tensor = (middle * bins / max(1, len(probabilities))).long().clamp_max(bins - 1)[inverse]
    return numbers


def expected_calibration_error(probabilities: Tensor, labels: Tensor, bins: int = BINS) -> float:
    """ECE = Σ_b n_b / N |mean probability in b - share shown in b|, over bins of equal mass.

    Naeini, Cooper and Hauskrecht, AAAI 2015; equal mass as in Nguyen and O'Connor, EMNLP 2015, so that no bin
    rests on a handful. With few pictures it is biased upwards: see ``error_by_chance``.

    Args:
        probabilities: (N,) float in [0, 1].
        labels: (N,) 1 shown or 0 not, bool or float; a soft label counts as its value.
        bins: how many; 15 is the field's habit for thousands of predictions.

    Returns:
        In [0, 1]; NaN without predictions.

    Raises:
        ValueError: the shapes differ or are not (N,), or there is less than one bin.
    """
    _check(probabilities, labels)
    weights = torch.ones(1, len(probabilities), dtype=torch.float64)
    return float(weighted_errors(probabilities, labels, bin_numbers(probabilities, bins), weights))


def weighted_errors(probabilities: Tensor, labels: Tensor, numbers: Tensor, weights: Tensor) -> Tensor:
    """ECE for each row of weights (B, N) over given bins (N,): (B,) float64, NaN where all weights are 0."""
    gaps = (probabilities - labels.to(probabilities)).double() * weights
    sums = torch.zeros(len(weights), int(numbers.max()) + 1 if len(numbers) else 1, dtype=torch.float64)
    sums.index_add_(1, numbers, gaps)
    return sums.abs().sum(dim=1) / weights.sum(dim=1)


def error_by_chance(probabilities: Tensor, bins: int, *, seed: int) -> float:
    """The ECE that flawless probabilities would stay under in 95 of 100 cases, with so few pictures.

    Labels are drawn from the probabilities themselves (consistency resampling; Bröcker and Smith, Weather and
    Forecasting 2007). A measured error below it is no sign of bad calibration. NaN without predictions.
    """
    if not len(probabilities):
        return float("nan")
    generator = torch.Generator().manual_seed(seed)
    numbers, expected = bin_numbers(probabilities, bins), probabilities.double()
    errors = []
    for _ in range(_DRAWS):
        drawn = (torch.rand(len(expected), generator=generator, dtype=torch.float64) < expected).double()
        errors.append(weighted_errors(expected, drawn, numbers, torch.ones(1, len(expected)).double()))
    return float(torch.quantile(torch.cat(errors), 0.95))


def calibration_curve(probabilities: Tensor, labels: Tensor, bins: int) -> tuple[CalibrationBin, ...]:
    """The reliability diagram's points, lowest probabilities first; bins without a picture are left out.

    Args:
        probabilities, labels, bins: as for ``expected_calibration_error``.

    Raises:
        ValueError: as there.
    """
    _check(probabilities, labels)
    numbers = bin_numbers(probabilities, bins)
    curve = []
    for number in sorted(set(numbers.tolist())):
        members = numbers == number
        count, shown = int(members.sum()), float(labels[members].double().mean())
        interval = wilson_interval(shown, count)
        assert interval is not None  # a bin that is listed has a member
        curve.append(CalibrationBin(count, float(probabilities[members].double().mean()), shown, interval))
    return tuple(curve)


def brier_score(probabilities: Tensor, labels: Tensor) -> float:
    """Mean (probability - label)² (Brier, Monthly Weather Review 1950): 0 is best, 0.25 is "no idea" always.

    Args:
        probabilities, labels: as for ``expected_calibration_error``. NaN without predictions.

    Raises:
        ValueError: the shapes differ or are not (N,).
    """
    _check(probabilities, labels)
    return float((probabilities.double() - labels.double()).square().mean())


def _check(probabilities: Tensor, labels: Tensor) -> None:
    if probabilities.ndim != 1 or probabilities.shape != labels.shape:
        found = f"{tuple(probabilities.shape)} and {tuple(labels.shape)}"
        raise ValueError(f"probabilities and labels must be of one shape (N,), got {found}")
