"""How well each element is recognised in pictures that its classifier has not seen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import cast

import torch
from torch import Tensor

_ENOUGH = 5


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
    order = scores.argsort(descending=True)
    ranked, found = scores[order], positive[order].double().cumsum(0)
    last_of_ties = torch.ones(len(ranked), dtype=torch.bool)
    last_of_ties[:-1] = ranked[:-1] != ranked[1:]
    places = last_of_ties.nonzero().flatten()
    precision = found[places] / (places + 1)
    recall = found[places] / found[-1]
    return float((recall.diff(prepend=torch.zeros(1, dtype=torch.float64)) * precision).sum())


@dataclass(frozen=True)
class ElementReport:
    """One element on held-out pictures, decided at probability 0.5.

    Attributes:
        element: its name.
        positives, negatives: pictures that show it, and that do not.
        precision: share of the pictures said to show it that do; None if it was never said.
        recall: share of the pictures that show it that were found; None if there are none.
        f1: their harmonic mean; None without positives.
        average_precision: over all thresholds; None without positives. Chance is the prevalence.
    """

    element: str
    positives: int
    negatives: int
    precision: float | None
    recall: float | None
    f1: float | None
    average_precision: float | None

    @property
    def prevalence(self) -> float | None:
        """Share of positives: the average precision of a guess."""
        total = self.positives + self.negatives
        return self.positives / total if total else None

    @property
    def is_telling(self) -> bool:
        """Whether there are at least five pictures on each side; with fewer the figures say little."""
        return min(self.positives, self.negatives) >= _ENOUGH


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
            ValueError: the text is something else.
        """
        try:
            fields = json.loads(text)
            rows = tuple(ElementReport(**row) for row in fields.pop("elements"))
            return cls(elements=rows, **fields)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"not a report: {error}") from None


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f} %"


def element_reports(
    element_names: Sequence[str], logits: Tensor, labels: Tensor, known: Tensor
) -> tuple[ElementReport, ...]:
    """Figures from logits, labels and known, each (N, E). A label of exactly one half is on no side."""
    rows = []
    for column, name in enumerate(element_names):
        counted = (known[:, column] > 0) & (labels[:, column] != 0.5)
        scores, positive = logits[counted, column], labels[counted, column] > 0.5
        said = scores > 0
        hits, positives = int((said & positive).sum()), int(positive.sum())
        rows.append(
            ElementReport(
                element=name,
                positives=positives,
                negatives=len(scores) - positives,
                precision=hits / int(said.sum()) if bool(said.any()) else None,
                recall=hits / positives if positives else None,
                f1=2 * hits / (positives + int(said.sum())) if positives else None,
                average_precision=average_precision(scores, positive),
            )
        )
    return tuple(rows)


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
