"""Average precision and the report, against cases computed by hand and another library."""

from __future__ import annotations

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.functional.classification import (
    binary_accuracy,
    binary_average_precision,
    binary_confusion_matrix,
    binary_fbeta_score,
    binary_precision,
    binary_recall,
    binary_specificity,
)

from classifiers.cautions import cautions, mirrors_imbalance
from classifiers.evaluate import (
    ElementReport,
    Report,
    average_precision,
    balanced_accuracy,
    element_reports,
)


@pytest.mark.parametrize(
    ("scores", "positive", "expected"),
    [
        ([0.9, 0.8, 0.1], [1, 1, 0], 1.0),
        ([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0], 1 / 2 * 1 + 1 / 2 * 2 / 3),
        ([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1], 1 / 2 * 1 + 1 / 2 * 2 / 3),
        ([0.9, 0.5, 0.1], [0, 0, 1], 1 / 3),
        ([0.5, 0.5, 0.5, 0.5], [0, 1, 0, 0], 1 / 4),  # all equal: the prevalence
        ([0.9, 0.5, 0.5, 0.1], [0, 1, 0, 1], 1 / 2 * 1 / 3 + 1 / 2 * 2 / 4),  # a tie is one threshold
    ],
)
def test_average_precision_by_hand(scores: list[float], positive: list[int], expected: float) -> None:
    found = average_precision(torch.tensor(scores), torch.tensor(positive, dtype=torch.bool))
    assert found == pytest.approx(expected, abs=1e-12)


def test_average_precision_without_a_positive_is_unknown() -> None:
    assert average_precision(torch.tensor([0.3, 0.2]), torch.zeros(2, dtype=torch.bool)) is None
    assert average_precision(torch.zeros(0), torch.zeros(0, dtype=torch.bool)) is None


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=1, max_size=30), st.randoms())
def test_average_precision_ignores_order_and_scale(rows: list[tuple[int, bool]], random: object) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    def of(pairs: list[tuple[int, bool]], scale: float) -> float | None:
        return average_precision(
            torch.tensor([score * scale for score, _ in pairs]), torch.tensor([shown for _, shown in pairs])
        )

    assert of(rows, 1.0) == pytest.approx(of(shuffled, 7.5))


def test_a_report_counts_only_what_is_known_and_survives_json() -> None:
    logits = torch.tensor([[2.0, -1.0], [1.0, 1.0], [-1.0, 3.0], [-2.0, -3.0], [5.0, 5.0]])
    labels = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 0.0], [0.0, 0.5]])
    known = torch.tensor([[1.0, 1.0], [1.0, 1.0], [1.0, 1.0], [1.0, 1.0], [0.0, 1.0]])
    hero, castle = element_reports(["Hero", "Castle"], logits, labels, known)
    assert (hero.positives, hero.negatives) == (2, 2)
    assert (hero.precision, hero.recall, hero.f1) == (0.5, 0.5, 0.5)
    assert hero.average_precision == pytest.approx(1 / 2 + 1 / 2 * 2 / 3)
    assert (castle.positives, castle.negatives) == (2, 2)  # a label of one half is on no side
    assert (castle.precision, castle.recall, castle.average_precision) == (1.0, 1.0, 1.0)
    assert balanced_accuracy(logits, labels, known) == pytest.approx((0.5 + 1.0) / 2)
    report = Report((hero, castle), folds=3, accuracy=0.75, accuracy_stylized=None, accuracy_attacked=0.5)
    assert Report.from_json(report.to_json()) == report
    rows = report.table()
    assert [row["note"] for row in rows] == ["too few to tell"] * 2
    assert rows[0]["precision"] == "50 %" and rows[0]["guessing"] == "50 %"


def test_figures_that_do_not_exist_are_told_apart_from_zero() -> None:
    (row,) = element_reports(["Hero"], torch.tensor([[-1.0], [-2.0]]), torch.zeros(2, 1), torch.ones(2, 1))
    assert (row.precision, row.recall, row.f1, row.average_precision) == (None, None, None, None)
    assert Report((row,), 0, None, None, None).table()[0]["recall"] == "-"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"elements": [{"name": 1}]}', '{"elements": [], "x": 1}'])
def test_a_report_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Report.from_json(text)


def _report(logits: torch.Tensor, shown: torch.Tensor, groups: list[str] | None = None) -> ElementReport:
    labels, logits = shown.float()[:, None], logits[:, None]
    return element_reports(["Hero"], logits, labels, torch.ones_like(labels), groups=groups)[0]


def _random(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shown = torch.rand(count, generator=generator) < 0.3
    return torch.randn(count, generator=generator) + shown.float(), shown


@pytest.mark.parametrize("seed", range(3))
def test_figures_are_torchmetrics(seed: int) -> None:
    logits, shown = _random(80, seed)
    report, truth = _report(logits, shown), shown.int()
    assert report.precision == pytest.approx(float(binary_precision(logits, truth)))
    assert report.recall == pytest.approx(float(binary_recall(logits, truth)))
    assert report.f1 == pytest.approx(float(binary_fbeta_score(logits, truth, 1.0)))
    assert report.f_beta(2) == pytest.approx(float(binary_fbeta_score(logits, truth, 2.0)))
    assert report.average_precision == pytest.approx(float(binary_average_precision(logits, truth)))
    assert report.accuracy == pytest.approx(float(binary_accuracy(logits, truth)))
    both = float(binary_recall(logits, truth)) + float(binary_specificity(logits, truth))
    assert report.balanced_accuracy == pytest.approx(both / 2)
    counts = report.confusion
    table = [[counts.refusals, counts.false_alarms], [counts.misses, counts.hits]]
    assert table == binary_confusion_matrix(logits, truth).tolist()
    for name in ("precision", "recall", "f1", "average_precision", "balanced_accuracy"):
        low, high = getattr(report.intervals, name)
        assert 0 <= low < getattr(report, name) < high <= 1, name


def test_intervals_of_the_average_precision_hold_what_they_promise() -> None:
    logits, shown = _random(100_000, 99)
    true = average_precision(logits, shown)
    assert true is not None
    held = 0
    for seed in range(60):
        report = _report(*_random(120, seed))
        ends = report.intervals.average_precision
        assert ends is not None
        held += ends[0] <= true <= ends[1]
    assert held >= 51  # 95 %, less what the percentile bootstrap is known to lose with so few


def test_scenes_not_pictures_are_counted() -> None:
    logits, shown = _random(20, 1)
    scenes = [f"scene {number}" for number in range(20)] * 6
    alone, together = (_report(logits.repeat(6), shown.repeat(6), groups) for groups in (None, scenes))
    assert (alone.groups, together.groups) == (120, 20)
    once = _report(logits, shown)
    for name in ("precision", "recall", "f1", "balanced_accuracy"):
        assert getattr(together.intervals, name) == pytest.approx(getattr(once.intervals, name))
        wide, narrow = getattr(together.intervals, name), getattr(alone.intervals, name)
        assert wide[1] - wide[0] > 1.5 * (narrow[1] - narrow[0])


def test_ten_right_of_ten_prove_little() -> None:
    shown = torch.tensor([True] * 10 + [False] * 10)
    report = _report(torch.where(shown, 3.0, -3.0), shown)
    assert (report.recall, report.balanced_accuracy) == (1.0, 1.0)
    ends = report.intervals.balanced_accuracy
    assert ends is not None and ends[0] < 0.9 and ends[1] == 1
    assert report.intervals.average_precision is None  # every draw is flawless: no width can be told


def test_a_report_of_another_version_says_so() -> None:
    old = {"element": "Hero", "positives": 1, "negatives": 1, "precision": 1.0, "recall": 1.0, "f1": 1.0}
    with pytest.raises(ValueError, match=r"another version, without groups, .*train again"):
        Report.from_json(json.dumps({"elements": [old], "folds": 3, "accuracy": 1.0}))


def test_accuracy_that_only_mirrors_imbalance_is_told() -> None:
    shown = torch.zeros(60, dtype=torch.bool)
    shown[:6] = True
    never = _report(torch.full((60,), -2.0), shown)
    assert never.accuracy == never.always_no == pytest.approx(0.9)
    assert mirrors_imbalance(never) and any("always saying no" in text for text in cautions(never))
    assert mirrors_imbalance(_report(torch.full((60,), 2.0), ~shown))  # always yes, where no is rare
    good = _report(torch.where(shown, 2.0, -2.0), shown)
    assert not mirrors_imbalance(good)
    even = torch.arange(60) % 2 == 0
    assert not mirrors_imbalance(_report(torch.full((60,), -2.0), even))  # bad, but for another reason


def test_cautions_name_what_is_wrong() -> None:
    generator = torch.Generator().manual_seed(0)
    shown = torch.arange(200) % 2 == 0
    good = torch.randn(200, generator=generator) + torch.where(shown, 2.0, -2.0)
    assert cautions(_report(good * 4, shown)) == ()
    overconfident = torch.randn(200, generator=generator) * 8 + torch.where(shown, 4.0, -4.0)
    assert any("more than chance" in text for text in cautions(_report(overconfident, shown)))
    luck = cautions(_report(torch.randn(200, generator=generator), shown))
    assert any("may be luck" in text for text in luck)
    few = cautions(_report(torch.tensor([1.0, -1.0, -2.0]), torch.tensor([True, False, False])))
    assert few[0].startswith("1 picture with Hero and 2 without")
    assert any("uncalibrated" in text for text in few)
    nobody = cautions(_report(torch.tensor([1.0, -1.0]), torch.tensor([False, False])))
    assert len(nobody) == 1 and "nothing can be measured" in nobody[0]
