"""What training gives, by whichever recipe."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from classifiers.evaluate import Report
from classifiers.model import ElementClassifiers


@dataclass(frozen=True)
class Trained:
    """What training gives.

    Attributes:
        classifiers: trained on all the examples, calibrated, in eval mode.
        report: figures on held-out scenes, from members trained on the others.
        held_out: (N, E) probability of each element in each example by a member that had not seen it; where
            it disagrees with a mark, look at the mark. NaN where nothing could be held out.
    """

    classifiers: ElementClassifiers
    report: Report
    held_out: Tensor
