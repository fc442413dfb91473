"""Average precision and the report, against cases computed by hand."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.evaluate import Report, average_precision, balanced_accuracy, element_reports


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
