"""Intervals and calibration, against closed forms, other libraries and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve as reference_curve
from sklearn.metrics import brier_score_loss

from classifiers.calibration_curve import (
    bins_for,
    brier_score,
    calibration_curve,
    error_by_chance,
    expected_calibration_error,
)
from classifiers.intervals import bootstrap_interval, group_numbers, mean_interval, wilson_interval


@settings(deadline=None)
@given(st.integers(1, 400), st.data())
def test_wilson_is_scipys(total: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, total))
    reference = binomtest(hits, total).proportion_ci(0.95, method="wilson")
    assert wilson_interval(hits / total, total) == pytest.approx((reference.low, reference.high), abs=1e-9)


def test_no_trials_no_interval() -> None:
    assert wilson_interval(None, 10) is None
    assert wilson_interval(0.5, 0) is None


def test_the_mean_of_two_shares_is_inside_and_narrower_than_a_worst_case() -> None:
    first, second = wilson_interval(0.9, 10), wilson_interval(0.8, 40)
    assert first is not None and second is not None
    low, high = mean_interval((0.9, first), (0.8, second))
    assert (first[0] + second[0]) / 2 < low < 0.85 < high < (first[1] + second[1]) / 2


def test_the_mean_of_two_shares_holds_its_promise() -> None:
    random = np.random.default_rng(1)
    held, rounds = 0, 2000
    for _ in range(rounds):
        shares = random.binomial((12, 60), (0.85, 0.7)) / (12, 60)
        ends = [wilson_interval(share, count) for share, count in zip(shares, (12, 60), strict=True)]
        assert ends[0] is not None and ends[1] is not None
        low, high = mean_interval((shares[0], ends[0]), (shares[1], ends[1]))
        held += low <= (0.85 + 0.7) / 2 <= high
    assert 0.93 < held / rounds < 0.98


def _means(values: torch.Tensor) -> object:
    return lambda weights: (weights * values).sum(1) / weights.sum(1)


def test_the_bootstrap_of_a_mean_is_its_standard_error() -> None:
    values = torch.randn(400, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ends = bootstrap_interval(_means(values), torch.arange(400), seed=0)  # type: ignore[arg-type]
    assert ends is not None
    error = 1.96 * float(values.std()) / math.sqrt(400)
    assert ends == pytest.approx((float(values.mean()) - error, float(values.mean()) + error), abs=0.02)


def test_pictures_of_one_scene_are_no_independent_evidence() -> None:
    scenes = torch.randn(40, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    values = scenes.repeat_interleave(10)
    alone = bootstrap_interval(_means(values), torch.arange(400), seed=0)  # type: ignore[arg-type]
    numbers = group_numbers([f"scene {number // 10}" for number in range(400)])
    together = bootstrap_interval(_means(values), numbers, seed=0)  # type: ignore[arg-type]
    assert alone is not None and together is not None
    assert (together[1] - together[0]) / (alone[1] - alone[0]) == pytest.approx(math.sqrt(10), rel=0.15)


def test_the_bootstrap_is_silent_where_it_knows_nothing() -> None:
    values = torch.ones(5, dtype=torch.float64)
    assert bootstrap_interval(_means(values), torch.arange(5), seed=0) is None  # type: ignore[arg-type]
    assert bootstrap_interval(_means(values), torch.zeros(5).long(), seed=0) is None  # type: ignore[arg-type]
    nothing = torch.zeros(0, dtype=torch.int64)
    assert bootstrap_interval(_means(values[:0]), nothing, seed=0) is None  # type: ignore[arg-type]


def _predictions(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    probabilities = torch.rand(count, generator=generator, dtype=torch.float64)
    labels = torch.rand(count, generator=generator, dtype=torch.float64) < probabilities.sqrt()
    return probabilities, labels


def test_curve_and_brier_score_are_scikit_learns() -> None:
    probabilities, labels = _predictions(600, 3)
    shown, mean = reference_curve(labels.numpy(), probabilities.numpy(), n_bins=15, strategy="quantile")
    curve = calibration_curve(probabilities, labels, 15)
    assert [point.count for point in curve] == [40] * 15
    assert [point.probability for point in curve] == pytest.approx(mean.tolist(), abs=2e-3)
    assert [point.shown for point in curve] == pytest.approx(shown.tolist(), abs=0.03)
    expected = sum(40 / 600 * abs(point.probability - point.shown) for point in curve)
    assert expected_calibration_error(probabilities, labels) == pytest.approx(expected)
    assert brier_score(probabilities, labels) == pytest.approx(
        brier_score_loss(labels.numpy(), probabilities.numpy())
    )


def test_the_calibration_error_approaches_the_true_one() -> None:
    probabilities, labels = _predictions(200_000, 5)
    # E|sqrt(p) - p| over uniform p is 2/3 - 1/2
    assert expected_calibration_error(probabilities, labels) == pytest.approx(1 / 6, abs=0.005)


def test_calibration_error_by_hand() -> None:
    probabilities = torch.tensor([0.9, 0.8, 0.3, 0.1])
    labels = torch.tensor([1, 0, 0, 0])
    assert expected_calibration_error(probabilities, labels, 1) == pytest.approx(abs(2.1 / 4 - 1 / 4))
    assert expected_calibration_error(probabilities, labels, bins=2) == pytest.approx((0.35 + 0.2) / 2)
    assert math.isnan(expected_calibration_error(probabilities[:0], labels[:0]))


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.5, 0.9]), st.booleans()), min_size=1), st.randoms())
def test_the_order_of_equal_probabilities_does_not_matter(
    rows: list[tuple[float, bool]], random: object
) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    def of(pairs: list[tuple[float, bool]]) -> float:
        probabilities = torch.tensor([p for p, _ in pairs])
        return expected_calibration_error(probabilities, torch.tensor([shown for _, shown in pairs]), bins=3)

    assert of(rows) == pytest.approx(of(shuffled), abs=1e-6)


def test_chance_alone_explains_most_errors_of_flawless_probabilities() -> None:
    generator = torch.Generator().manual_seed(7)
    probabilities = torch.rand(24, generator=generator, dtype=torch.float64)
    chance = error_by_chance(probabilities, 3, seed=0)
    below = [
        expected_calibration_error(probabilities, torch.rand(24, generator=generator) < probabilities, 3)
        <= chance
        for _ in range(500)
    ]
    assert 0.91 < sum(below) / len(below) < 0.985


def test_bins_hold_eight_pictures_and_are_fifteen_at_most() -> None:
    assert [bins_for(count) for count in (0, 7, 16, 60, 119, 120, 10_000)] == [1, 1, 2, 7, 14, 15, 15]


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(N,\)"):
        expected_calibration_error(torch.zeros(3), torch.zeros(2))
    with pytest.raises(ValueError, match=r"\(N,\)"):
        brier_score(torch.zeros(3, 1), torch.zeros(3, 1))
    with pytest.raises(ValueError, match="bins"):
        expected_calibration_error(torch.zeros(3), torch.zeros(3), 0)
