"""Temperature and offset, against truths that are known and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from classifiers.calibrate import Expected, calibration


def answers(
    count: int, temperature: list[float], offset: list[float], *, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Logits (N, E) and labels drawn with the probability sigmoid(logit / T + b)."""
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(count, len(temperature), generator=generator)
    chances = (logits / torch.tensor(temperature) + torch.tensor(offset)).sigmoid()
    return logits, torch.bernoulli(chances, generator=generator)


def test_what_the_labels_were_drawn_with_is_found_again() -> None:
    logits, labels = answers(20_000, [2.0, 2.2], [0.0, 0.0])
    temperature, offset = calibration(logits, labels, torch.ones_like(logits))
    assert temperature.tolist() == pytest.approx([2.0, 2.2], rel=0.05)
    assert offset.tolist() == pytest.approx([0.0, 0.0], abs=0.05)


def test_rare_elements_are_judged_as_if_both_sides_were_as_frequent() -> None:
    """Bayes: at equal prevalence, the log odds of the prevalence are taken off the offset."""
    logits, labels = answers(200_000, [1.5], [-3.0])
    share = float(labels.mean())
    temperature, offset = calibration(logits, labels, torch.ones_like(logits))
    assert temperature.tolist() == pytest.approx([1.5], rel=0.05)
    assert offset.tolist() == pytest.approx([-3.0 - np.log(share / (1 - share))], abs=0.08)


@pytest.mark.parametrize("seed", range(3))
def test_with_many_answers_it_is_logistic_regression(seed: int) -> None:
    logits, labels = answers(20_000, [0.7], [1.0], seed=seed)
    known = (torch.rand(logits.shape, generator=torch.Generator().manual_seed(seed)) < 0.7).float()
    temperature, offset = calibration(logits, labels, known)
    seen = known[:, 0] > 0
    peer = LogisticRegression(C=1e9, class_weight="balanced").fit(logits[seen].numpy(), labels[seen, 0])
    assert 1 / float(temperature) == pytest.approx(peer.coef_[0, 0], rel=0.01)
    assert float(offset) == pytest.approx(peer.intercept_[0], abs=0.01)


def test_where_nothing_was_held_out_it_is_what_was_given() -> None:
    logits, labels = answers(50, [2.0, 2.0], [0.0, 0.0])
    for weights in (torch.zeros_like(logits), torch.zeros_like(logits)[:0]):
        rows = len(weights)
        temperature, offset = calibration(logits[:rows], labels[:rows], weights, expected=Expected(1.7, -0.4))
        assert temperature.tolist() == pytest.approx([1.7, 1.7]) and offset.tolist() == pytest.approx(
            [-0.4] * 2
        )
        assert temperature.dtype == offset.dtype == torch.float32


def test_few_answers_move_what_is_surely_expected_less() -> None:
    logits, labels = answers(20_000, [2.0], [0.0])
    found = []
    for count in (20, 20_000):
        few = logits[:count], labels[:count], torch.ones(count, 1)
        for deviation in (0.1, 1.0):
            temperature, _ = calibration(*few, expected=Expected(0.5, 0.0, deviation))
            found.append(float(temperature))
    sure, open_minded, sure_of_many, open_of_many = found
    assert 0.5 < sure < 0.75 < open_minded
    assert sure_of_many == pytest.approx(2, rel=0.1) and open_of_many == pytest.approx(2, rel=0.05)


def test_an_element_of_few_pictures_leans_on_the_others() -> None:
    logits, labels = answers(4_000, [2.5, 2.5], [0.0, 0.0])
    weights = torch.ones_like(logits)
    weights[6:, 1] = 0  # six answers, and they are all right
    labels[:6, 1] = (logits[:6, 1] > 0).float()
    temperature, offset = calibration(logits, labels, weights)
    assert float(temperature[1]) == pytest.approx(2.5, rel=0.25) and abs(float(offset[1])) < 0.4


def test_what_does_not_count_has_no_say() -> None:
    logits, labels = answers(300, [1.0, 2.0], [0.0, 0.5])
    weights = (torch.rand(logits.shape, generator=torch.Generator().manual_seed(1)) < 0.5).float()
    other = torch.where(weights > 0, logits, 1e4 * torch.randn_like(logits))
    expected, found = calibration(logits, labels, weights), calibration(other, labels * weights, weights)
    assert torch.equal(expected[0], found[0]) and torch.equal(expected[1], found[1])


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 12), st.floats(0.1, 30))
def test_more_evidence_is_never_less_probable(seed: int, count: int, scale: float) -> None:
    """Even of answers that are plainly wrong, T stays positive and finite."""
    generator = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(count, 3, generator=generator)
    labels = (torch.rand(count, 3, generator=generator) < 0.5).float()
    labels[:, 0] = (logits[:, 0] < 0).float()
    temperature, offset = calibration(logits, labels, torch.ones_like(logits))
    assert bool((temperature > 0).all()) and bool(temperature.isfinite().all() & offset.isfinite().all())
