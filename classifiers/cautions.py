"""What to keep in mind when reading an element's figures, in plain words."""

from __future__ import annotations

from classifiers.card import CALIBRATED_FROM
from classifiers.evaluate import ElementReport
from classifiers.intervals import wilson_interval

_LOPSIDED = 2 / 3
_CALIBRATED = 0.05


def mirrors_imbalance(report: ElementReport) -> bool:
    """Whether the accuracy says no more than that one side is rare.

    True if at least two thirds of the pictures are on one side, and always giving that side's answer is as
    often right, for all that the pictures can prove: of those where the classifier differs from that answer,
    Wilson's interval of the share it gets right reaches down to one half (a sign test).
    """
    total = report.positives + report.negatives
    if not total or max(report.positives, report.negatives) < _LOPSIDED * total:
        return False
    counts = report.confusion
    rare_no = report.negatives < report.positives
    right, wrong = (
        (counts.refusals, counts.misses) if rare_no else (counts.hits, counts.false_alarms)
    )  # what the answers that differ from the common one come to
    ends = wilson_interval(right / (right + wrong), right + wrong) if right + wrong else None
    return ends is None or ends[0] <= 0.5


def cautions(report: ElementReport) -> tuple[str, ...]:
    """Sentences, the gravest first; none where the figures can be taken as they are."""
    name, total = report.element, report.positives + report.negatives
    if not report.positives or not report.negatives:
        side = "shows" if not report.positives else "is without"
        return (f"No held-out picture {side} {name}: nothing can be measured.",)
    found = []
    if not report.is_telling:
        found.append(
            f"{_pictures(report.positives)} with {name} and {report.negatives} without: too few to tell."
        )
    if mirrors_imbalance(report):
        word = "no" if report.negatives >= report.positives else "yes"
        common = max(report.positives, report.negatives) / total
        found.append(
            f"Right in {_percent(report.accuracy or 0)} of the pictures, but always saying {word} "
            f"would be right in {_percent(common)}: that accuracy only mirrors how uneven the pictures are. "
            "Read the balanced accuracy and the average precision instead."
        )
    ends, prevalence = report.intervals.average_precision, report.prevalence or 0.0
    if ends is not None and ends[0] <= prevalence:
        found.append(
            f"The ranking may be luck: its average precision lies between {_percent(ends[0])} and "
            f"{_percent(ends[1])}, and a guess has {_percent(prevalence)}."
        )
    error, chance = report.expected_calibration_error, report.error_by_chance
    if report.positives < CALIBRATED_FROM:
        found.append(
            f"Probabilities are uncalibrated: that takes {CALIBRATED_FROM} pictures that show {name}, "
            f"and there {'is' if report.positives == 1 else 'are'} {report.positives}."
        )
    elif error is not None and chance is not None and error > max(chance, _CALIBRATED):
        found.append(
            f"Probabilities are off by {100 * error:.0f} points on average, more than chance explains "
            f"({100 * chance:.0f})."
        )
    if report.groups < total:
        found.append(f"The {total} pictures are of {report.groups} scenes: the intervals count scenes.")
    return tuple(found)


def _pictures(count: int) -> str:
    return "1 picture" if count == 1 else f"{count} pictures"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
