"""Which pictures of a collection a person should look at before anything is learned from them.

Everything here lists; nothing is taken out, and nothing of the author's is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_FOLDS = 5
_FEWEST = 3  # pictures of a side from which anything can be learned
_RING = 0.03  # of the shorter side: the outermost pixels
_FEATURE_SIDE = 12
_SURE_Z = 1.96


@dataclass(frozen=True)
class Suspect:
    """A label that the other pictures speak against.

    Attributes:
        index: of the picture.
        element: index of the element.
        label: 0 or 1, as given.
        probability: of the element in this picture, by a model that has not seen it.
    """

    index: int
    element: int
    label: int
    probability: float


@dataclass(frozen=True)
class BorderClue:
    """How well one element can be told from the outermost pixels alone.

    Attributes:
        element: its index.
        area: under the ROC curve, in [0, 1]; 0.5 is chance.
        low, high: its 95 % interval (Hanley and McNeil, Radiology 1982).
    """

    element: int
    area: float
    low: float
    high: float

    @property
    def is_warning(self) -> bool:
        """Whether the border gives the element away: surely better than chance, and by much."""
        return self.low > 0.5 and self.area >= 0.75


def likely_mislabels(
    labels: NDArray[np.float64], known: NDArray[np.float64], probabilities: NDArray[np.float64]
) -> list[Suspect]:
    """Labels that are probably wrong, the most doubtful first: confident learning, one element at a time.

    The joint distribution of given and true labels is estimated from the pictures that the model is confident
    of, and the labels in its off-diagonal cells are listed (C. Northcutt, L. Jiang and I. Chuang, "Confident
    Learning: Estimating Uncertainty in Dataset Labels", JAIR 2021), by the cleanlab library. Labels that are
    soft or not known, and elements with one side alone, are left out.

    Args:
        labels: (N, E) in [0, 1].
        known: (N, E), 1 where the label counts.
        probabilities: (N, E) of the element, by a model that had not seen the picture; NaN: none is given.
    """
    from cleanlab.filter import find_label_issues

    found = []
    for element in range(labels.shape[1]):
        given, chances = labels[:, element], probabilities[:, element]
        usable = np.flatnonzero((known[:, element] > 0) & np.isin(given, (0.0, 1.0)) & np.isfinite(chances))
        whole = given[usable].astype(np.int_)
        if len(np.unique(whole)) < 2:
            continue
        pair = np.stack([1 - chances[usable], chances[usable]], axis=1)
        ranked = find_label_issues(
            whole, pair, return_indices_ranked_by="self_confidence", filter_by="confident_learning", n_jobs=1
        )
        found += [
            Suspect(int(usable[place]), element, int(whole[place]), float(pair[place, 1])) for place in ranked
        ]
    return sorted(
        found, key=lambda suspect: suspect.probability if suspect.label else 1 - suspect.probability
    )


def out_of_fold(
    features: NDArray[np.float64],
    labels: NDArray[np.float64],
    known: NDArray[np.float64],
    groups: Sequence[str],
    *,
    seed: int,
) -> NDArray[np.float64]:
    """Probability of each element in each picture, by logistic regression on the pictures of other groups.

    Up to five folds for each element, grouped and stratified by scikit-learn's StratifiedGroupKFold.

    Args:
        features: (N, D).
        labels: (N, E) in [0, 1].
        known: (N, E), 1 where the label counts.
        groups: of each picture.
        seed: of the folds.

    Returns:
        (N, E); NaN where the label is not known, or the other groups have under three pictures of a side.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    number = np.unique(groups, return_inverse=True)[1]
    chances = np.full(labels.shape, np.nan)
    for element in range(labels.shape[1]):
        usable = np.flatnonzero(known[:, element] > 0)
        sides = labels[usable, element] > 0.5
        count = min(_FOLDS, len(np.unique(number[usable])), int(sides.sum()), int((~sides).sum()))
        if count < 2:
            continue
        folds = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
        for others, held_out in folds.split(usable, sides, number[usable]):
            if min(sides[others].sum(), (~sides[others]).sum()) < _FEWEST:
                continue
            model = make_pipeline(
                StandardScaler(), LogisticRegression(C=0.05, max_iter=1000, class_weight="balanced")
            )
            model.fit(features[usable[others]], sides[others])
            chances[usable[held_out], element] = model.predict_proba(features[usable[held_out]])[:, 1]
    return chances


def simple_features(images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
    """(N, 560) what a glance gives: a thumbnail of 12 x 12, and a histogram of hue by saturation.

    Enough to rank pictures for review. It says nothing of how well elements can be recognized.
    """
    rows = []
    for image in images:
        small = cv2.resize(image, (_FEATURE_SIDE, _FEATURE_SIDE), interpolation=cv2.INTER_AREA)
        hue = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
        counts = cv2.calcHist([hue], [0, 1, 2], None, [16, 4, 2], [0, 180, 0, 256, 0, 256])
        rows.append(np.concatenate([small.ravel() / 255, np.sqrt(counts.ravel() / counts.sum())]))
    return np.asarray(rows, np.float64)


def border_clues(
    images: Sequence[NDArray[np.uint8]],
    labels: NDArray[np.float64],
    known: NDArray[np.float64],
    groups: Sequence[str],
    *,
    seed: int,
) -> list[BorderClue]:
    """How well each element is told from the border alone, out of fold; none for one that cannot be measured.

    A classifier that sees what this one sees can be right without having looked at the drawing: pictures of
    one film share their black bars, those of one scanner their edge. A setting that fills the picture reaches
    its border honestly, so a high figure is a warning, not a fault.

    Args:
        images: N pictures (H, W, 3) uint8.
        labels, known, groups, seed: as for ``out_of_fold``.
    """
    from sklearn.metrics import roc_auc_score

    features = np.stack([_ring(image) for image in images])
    chances = out_of_fold(features, labels, known, groups, seed=seed)
    clues = []
    for element in range(labels.shape[1]):
        usable = (known[:, element] > 0) & np.isfinite(chances[:, element])
        shown = labels[usable, element] > 0.5
        if len(np.unique(shown)) < 2:
            continue
        area = float(roc_auc_score(shown, chances[usable, element]))
        deviation = _area_deviation(area, int(shown.sum()), int((~shown).sum()))
        low, high = area - _SURE_Z * deviation, area + _SURE_Z * deviation
        clues.append(BorderClue(element, area, max(low, 0.0), min(high, 1.0)))
    return clues


def _ring(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The outermost pixels as (4 sides x 16 places x 3 colors), and how much each side varies (4)."""
    depth = max(round(min(image.shape[:2]) * _RING), 1)
    sides = [image[:depth], image[-depth:], image[:, :depth].swapaxes(0, 1), image[:, -depth:].swapaxes(0, 1)]
    places = [cv2.resize(np.ascontiguousarray(side), (16, 1), interpolation=cv2.INTER_AREA) for side in sides]
    spread = [float(side.std(axis=(0, 1)).max()) for side in sides]
    return np.concatenate([np.concatenate([place.ravel() for place in places]) / 255, np.divide(spread, 64)])


def _area_deviation(area: float, positives: int, negatives: int) -> float:
    both, one = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (positives - 1) * (both - area**2) + (negatives - 1) * (one - area**2)
    return float(np.sqrt(max(variance, 0.0) / (positives * negatives)))
