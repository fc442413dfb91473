"""How well each element is recognised in pictures that its classifier has not seen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, cast

import torch
from torch import Tensor

from classifiers.calibration_curve import (
    CalibrationBin,
    bin_numbers,
    bins_for,
    brier_score,
    calibration_curve,
    error_by_chance,
    expected_calibration_error,
    weighted_errors,
)
from classifiers.intervals import (
    Interval,
    bootstrap_interval,
    group_numbers,
    mean_interval,
    wilson_interval,
)

_ENOUGH = 5
_SEED = 0  # of the resampled intervals: the same pictures give the same figures


def average_precision(scores: Tensor, positive: Tensor) -> float | None:
    """AP = Σ_n (R_n - R_{n-1}) P_n over the thresholds n, the distinct scores from the highest down.

    Equal scores share one threshold, so their order never matters. No interpolation.

    Args:
        scores: (N,) float.
        positive: (N,) bool.

    Returns:
        A number in (0, 1], or None without a positive. A score that knows nothing gives the prevalence.
    """
    if not bool(positive.any()):
        return None
    return float(_average_precisions(scores, positive, torch.ones(1, len(scores), dtype=torch.float64)))


def _average_precisions(scores: Tensor, positive: Tensor, weights: Tensor) -> Tensor:
    """AP for each row of weights (B, N): (B,) float64, NaN where no positive has a weight."""
    order = scores.argsort(descending=True)
    ranked, weights = scores[order], weights[:, order]
    last_of_ties = torch.ones(len(ranked), dtype=torch.bool)
    last_of_ties[:-1] = ranked[:-1] != ranked[1:]
    places = last_of_ties.nonzero().flatten()
    found = (weights * positive[order]).cumsum(1)[:, places]
    precision = found / weights.cumsum(1)[:, places].clamp_min(1e-12)
    recall = found / found[:, -1:]
    return (recall.diff(dim=1, prepend=torch.zeros(len(weights), 1).double()) * precision).sum(1)


def f_beta(hits: int, false_alarms: int, misses: int, *, beta: float) -> float | None:
    """F_β = (1 + β²) TP / ((1 + β²) TP + β² FN + FP): recall counts β times as much as precision
    (van Rijsbergen 1979). None where the element is neither shown nor said to be."""
    square = beta * beta
    whole = (1 + square) * hits + square * misses + false_alarms
    return (1 + square) * hits / whole if whole else None


@dataclass(frozen=True)
class Confusion:
    """Held-out pictures by what they show and what was said at probability 0.5.

    Attributes:
        hits: shown, and said to be (true positives).
        false_alarms: not shown, but said to be (false positives).
        misses: shown, but not said to be (false negatives).
        refusals: not shown, and not said to be (true negatives).
    """

    hits: int
    false_alarms: int
    misses: int
    refusals: int

    @property
    def total(self) -> int:
        """All the pictures."""
        return self.hits + self.false_alarms + self.misses + self.refusals


@dataclass(frozen=True)
class Intervals:
    """95 % intervals; None where the pictures cannot say.

    Shares have Wilson's, in which the pictures of one group count as one; F1 has that of TP / (TP + FP + FN),
    of which it is a rising function; average precision and calibration error are resampled over groups.
    """

    precision: Interval | None
    recall: Interval | None
    f1: Interval | None
    average_precision: Interval | None
    balanced_accuracy: Interval | None
    expected_calibration_error: Interval | None


@dataclass(frozen=True)
class ElementReport:
    """One element on held-out pictures, decided at probability 0.5.

    Attributes:
        element: its name.
        positives, negatives: pictures that show it, and that do not.
        groups: scenes that these pictures come from; only different scenes are independent evidence.
        precision: share of the pictures said to show it that do; None if it was never said.
        recall: share of the pictures that show it that were found; None if there are none.
        f1: their harmonic mean; None without positives.
        average_precision: over all thresholds; None without positives. Chance is the prevalence.
        balanced_accuracy: mean of the shares of both sides that were told rightly; None with one side only.
        brier: mean squared distance of probability and truth; None without pictures.
        expected_calibration_error: over as many bins of equal mass as ``calibration`` was asked for (eight
            pictures in each, 15 at most); None without pictures.
        error_by_chance: what flawless probabilities would stay under, 95 times in 100, with so few pictures.
        confusion: the four counts.
        calibration: the reliability diagram's points.
        intervals: of the figures above.
    """

    element: str
    positives: int
    negatives: int
    groups: int
    precision: float | None
    recall: float | None
    f1: float | None
    average_precision: float | None
    balanced_accuracy: float | None
    brier: float | None
    expected_calibration_error: float | None
    error_by_chance: float | None
    confusion: Confusion
    calibration: tuple[CalibrationBin, ...]
    intervals: Intervals

    @property
    def prevalence(self) -> float | None:
        """Share of positives: the average precision of a guess."""
        total = self.positives + self.negatives
        return self.positives / total if total else None

    @property
    def accuracy(self) -> float | None:
        """Share of all the pictures told rightly. With one side rare it says little: see ``always_no``."""
        total = self.confusion.total
        return (self.confusion.hits + self.confusion.refusals) / total if total else None

    @property
    def always_no(self) -> float | None:
        """The accuracy of saying no to every picture."""
        total = self.positives + self.negatives
        return self.negatives / total if total else None

    @property
    def is_telling(self) -> bool:
        """Whether there are at least five pictures on each side; with fewer the figures say little."""
        return min(self.positives, self.negatives) >= _ENOUGH

    def f_beta(self, beta: float) -> float | None:
        """F_β at probability 0.5; β = 2 counts a miss for more than a false alarm. None without positives."""
        counts = self.confusion
        if not self.positives:
            return None
        return f_beta(counts.hits, counts.false_alarms, counts.misses, beta=beta)


@dataclass(frozen=True)
class Report:
    """What held-out pictures say about the classifiers.

    Attributes:
        elements: one entry for each element, in order.
        folds: how many times a part was held out, each scene once; 0 if there was one scene only.
        accuracy: balanced accuracy (mean of both sides' recalls), averaged over the elements.
        accuracy_stylized: the same on the pictures in other styles; None if no style views were given.
        accuracy_attacked: the same under the small L2 attack of ``classifiers.train``.
    """

    elements: tuple[ElementReport, ...]
    folds: int
    accuracy: float | None
    accuracy_stylized: float | None
    accuracy_attacked: float | None

    def table(self) -> list[dict[str, str]]:
        """One row for each element, ready to print: column title -> text."""
        return [
            {
                "element": row.element,
                "shown in": str(row.positives),
                "not in": str(row.negatives),
                "precision": _percent(row.precision),
                "recall": _percent(row.recall),
                "F1": _percent(row.f1),
                "average precision": _percent(row.average_precision),
                "guessing": _percent(row.prevalence),
                "note": "" if row.is_telling else "too few to tell",
            }
            for row in self.elements
        ]

    def to_json(self) -> str:
        """As JSON text; ``from_json`` reads it back."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Report:
        """What ``to_json`` wrote.

        Raises:
            ValueError: the text is something else, or was written by a version that measured other figures.
        """
        try:
            found = json.loads(text)
            rows = tuple(_element_from(row) for row in found.pop("elements"))
            return cls(elements=rows, **found)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"not a report: {error}") from None


def _element_from(row: dict[str, Any]) -> ElementReport:
    names = [field.name for field in fields(ElementReport)]
    if "element" in row and (missing := [name for name in names if name not in row]):
        raise ValueError(f"a report of another version, without {', '.join(missing)}: train again")
    nested = {
        "confusion": Confusion(**row["confusion"]),
        "calibration": tuple(
            CalibrationBin(**{**point, "interval": tuple(point["interval"])}) for point in row["calibration"]
        ),
        "intervals": Intervals(**{name: ends and tuple(ends) for name, ends in row["intervals"].items()}),
    }
    return ElementReport(**{**row, **nested})


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f} %"


def element_reports(
    element_names: Sequence[str],
    logits: Tensor,
    labels: Tensor,
    known: Tensor,
    *,
    groups: Sequence[str] | None = None,
) -> tuple[ElementReport, ...]:
    """Figures from logits, labels and known, each (N, E). A label of exactly one half is on no side.

    Args:
        logits: calibrated, or the calibration figures are those of the raw ones.
        groups: of the N pictures, for the intervals; by default each is a group of its own.
    """
    numbers = torch.arange(len(logits)) if groups is None else group_numbers(groups)
    rows = []
    for column, name in enumerate(element_names):
        counted = (known[:, column] > 0) & (labels[:, column] != 0.5)
        positive = labels[counted, column] > 0.5
        rows.append(_element_report(name, logits[counted, column].double(), positive, numbers[counted]))
    return tuple(rows)


def _element_report(name: str, scores: Tensor, positive: Tensor, groups: Tensor) -> ElementReport:
    """Of one element, from the (N,) scores, sides and groups of the pictures that count for it."""
    said, count = scores > 0, len(scores)
    hits, positives = int((said & positive).sum()), int(positive.sum())
    counts = Confusion(hits, int(said.sum()) - hits, positives - hits, int((~said & ~positive).sum()))
    negatives = count - positives
    precision = hits / int(said.sum()) if bool(said.any()) else None
    recall = hits / positives if positives else None
    refused = counts.refusals / negatives if negatives else None
    own = torch.unique(groups, return_inverse=True)[1]  # numbered without gaps
    precision_interval = wilson_interval(precision, _groups_in(own, said))
    recall_interval = wilson_interval(recall, _groups_in(own, positive))
    refused_interval = wilson_interval(refused, _groups_in(own, ~positive))
    balanced, balanced_interval = None, None
    if recall is not None and refused is not None and recall_interval and refused_interval:
        balanced = (recall + refused) / 2
        balanced_interval = mean_interval((recall, recall_interval), (refused, refused_interval))
    probabilities, bins = scores.sigmoid(), bins_for(count)
    bin_of, truth = bin_numbers(probabilities, bins), positive.double()
    return ElementReport(
        element=name,
        positives=positives,
        negatives=negatives,
        groups=int(own.max()) + 1 if count else 0,
        precision=precision,
        recall=recall,
        f1=f_beta(hits, counts.false_alarms, counts.misses, beta=1) if positives else None,
        average_precision=average_precision(scores, positive),
        balanced_accuracy=balanced,
        brier=brier_score(probabilities, truth) if count else None,
        expected_calibration_error=(
            expected_calibration_error(probabilities, truth, bins) if count else None
        ),
        error_by_chance=error_by_chance(probabilities, bins, seed=_SEED) if count else None,
        confusion=counts,
        calibration=calibration_curve(probabilities, truth, bins),
        intervals=Intervals(
            precision=precision_interval,
            recall=recall_interval,
            f1=_f1_interval(hits, _groups_in(own, said | positive), int((said | positive).sum())),
            average_precision=bootstrap_interval(
                lambda weights: _average_precisions(scores, positive, weights), own, seed=_SEED
            ),
            balanced_accuracy=balanced_interval,
            expected_calibration_error=bootstrap_interval(
                lambda weights: weighted_errors(probabilities, truth, bin_of, weights), own, seed=_SEED
            ),
        ),
    )


def _groups_in(groups: Tensor, chosen: Tensor) -> int:
    return len(set(groups[chosen].tolist()))


def _f1_interval(hits: int, groups: int, either: int) -> Interval | None:
    """From Wilson's interval of the Jaccard index J = TP / (TP + FP + FN), by F1 = 2 J / (1 + J)."""
    ends = wilson_interval(hits / either if either else None, groups)
    return None if ends is None else (2 * ends[0] / (1 + ends[0]), 2 * ends[1] / (1 + ends[1]))


def balanced_accuracy(logits: Tensor, labels: Tensor, known: Tensor) -> float | None:
    """Mean recall of shown and not shown, averaged over the elements that have both; logits etc. (N, E)."""
    counted = ((known > 0) & (labels != 0.5)).double()
    shown, said = (labels > 0.5).double(), (logits > 0).double()
    positives, negatives = (counted * shown).sum(0), (counted * (1 - shown)).sum(0)
    hits, refusals = (counted * shown * said).sum(0), (counted * (1 - shown) * (1 - said)).sum(0)
    both = (positives > 0) & (negatives > 0)
    if not bool(both.any()):
        return None
    return cast(float, ((hits / positives + refusals / negatives) / 2)[both].mean().item())
