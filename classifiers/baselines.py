"""Classical models on rows of features, with the published hyperparameters."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pages.errors import InputError

Rows = NDArray[np.float64]
Folds = Sequence[tuple[Sequence[int], Sequence[int]]]
"""For a search: (rows to train on, rows to test on), several times."""

MODELS = ("logistic regression", "LDA", "kNN", "CART", "random forest", "naive Bayes", "SVM")
_HALVING = 3


@dataclass(frozen=True)
class Published:
    """Hyperparameters that the study of anime faces (Anh Quan) settled on, for one kind of features.

    What is not here was left as scikit-learn has it. Logistic regression is L2 by lbfgs, trees split by Gini
    impurity, the kernel of the SVM is polynomial.

    Attributes:
        logistic_c: C, the inverse strength of the penalty.
        neighbors: k.
        trees: in the forest.
        svm_degree, svm_c: of the polynomial, and the inverse strength of the penalty.
    """

    logistic_c: float
    neighbors: int
    trees: int
    svm_degree: int
    svm_c: float


# The study's text says degree 4 and C 4 for hand-crafted features, its table degree 3 and C 11: we take the
# table's. For raw pixels it states none.
_BY_HAND = Published(logistic_c=4.5, neighbors=6, trees=3000, svm_degree=3, svm_c=11.0)
PUBLISHED: Mapping[str, Published] = {
    "pixels": _BY_HAND,
    "hand-crafted": _BY_HAND,
    "network": Published(logistic_c=1.1, neighbors=8, trees=500, svm_degree=4, svm_c=1.0),
}

# The study's ranges, thinned out: C 0.1 to 10, k 2 to 30, both impurities, four kernels, degree up to 20
# (from 5 on nothing but overfitting), C 1 to 30. The other models have nothing to search.
_GRIDS: Mapping[str, Any] = {
    "logistic regression": {"model__C": [0.1, 0.3, 1.0, 1.1, 3.0, 4.5, 10.0]},
    "kNN": {"model__n_neighbors": [2, 4, 6, 8, 12, 20, 30]},
    "random forest": {"model__criterion": ["gini", "entropy"], "model__n_estimators": [500]},
    "SVM": [
        {"model__kernel": ["linear", "rbf", "sigmoid"], "model__C": [1.0, 4.0, 11.0, 30.0]},
        {"model__kernel": ["poly"], "model__degree": [2, 3, 4], "model__C": [1.0, 4.0, 11.0, 30.0]},
    ],
}


def baseline_scores(
    train_features: Tensor,
    train_labels: Tensor,
    test_features: Tensor,
    model: str,
    *,
    kind: str = "network",
    known: Tensor | None = None,
    seed: int = 0,
) -> Tensor:
    """Scores of each element in each test row, by one binary model for each element.

    Args:
        train_features: (N, D).
        train_labels: (N, E) in [0, 1]; exactly one half is on no side and left out.
        test_features: (M, D).
        model: one of ``MODELS``.
        kind: of the features, a key of ``PUBLISHED``: says which hyperparameters were published.
        known: (N, E), 0 where a label does not count; None: all do.
        seed: of the forest and the trees.

    Returns:
        (M, E) float32; the higher the surer, above 0 where the model says that the element is shown.

    Raises:
        InputError: an element has no row that shows it, or none that does not.
    """
    classical = fit_classical(model, train_features, train_labels, kind=kind, known=known, seed=seed)
    return classical.scores(test_features)


@dataclass(frozen=True)
class Classical:
    """A classical model that has been fitted.

    Attributes:
        scores: features (M, D) -> (M, E) float32, as for ``baseline_scores``; where the classes exclude each
            other, 1 for the class that was said and -1 for the others.
        notes: what the library warned of, and what a search chose.
    """

    scores: Callable[[Tensor], Tensor]
    notes: tuple[str, ...]


def fit_classical(
    model: str,
    features: Tensor,
    labels: Tensor,
    *,
    kind: str,
    known: Tensor | None = None,
    exclusive: bool = False,
    folds: Folds = (),
    seed: int = 0,
) -> Classical:
    """Fit one model to rows of features.

    Args:
        model, features, labels, kind, known, seed: as for ``baseline_scores``.
        exclusive: each row shows exactly one element: one model with E classes, as published, instead of a
            binary one for each element.
        folds: where given, a small search by halving (scikit-learn's HalvingGridSearchCV) in these folds
            takes the place of the published hyperparameters.

    Raises:
        InputError: there are not two sides to tell apart.
    """
    rows = _rows(features)
    notes: list[str] = []

    def fit(classes: NDArray[np.int64], chosen: NDArray[np.int64]) -> Any:
        estimator = _estimator(model, kind, rows=len(chosen), seed=seed)
        grid = _grid(model, rows=len(chosen))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            if folds and grid:
                fitted = _searched(estimator, grid, rows[chosen], classes, _within(folds, chosen), seed)
                notes.append(_told(fitted.best_params_))
            else:
                fitted = estimator.fit(rows[chosen], classes)
        notes.extend(str(warning.message).split("\n")[0].strip() for warning in caught)
        return fitted

    if exclusive:
        classes = labels.argmax(dim=1).numpy()
        if len(np.unique(classes)) < 2:
            raise _one_sided("there is only one class")
        fitted = fit(classes, np.arange(len(rows)))

        def one_of_all(features: Tensor) -> Tensor:
            said = torch.from_numpy(fitted.predict(_rows(features)))
            return torch.nn.functional.one_hot(said, labels.shape[1]).float() * 2 - 1

        return Classical(one_of_all, _distinct(notes))

    counted = labels != 0.5 if known is None else (known > 0) & (labels != 0.5)
    binary = []
    for column in range(labels.shape[1]):
        chosen = counted[:, column].nonzero().flatten().numpy()
        sides = (labels[chosen, column] > 0.5).long().numpy()
        if len(np.unique(sides)) < 2:
            raise _one_sided(f"element {column + 1} has one side only")
        binary.append(fit(sides, chosen))

    def one_by_one(features: Tensor) -> Tensor:
        rows = _rows(features)
        return torch.from_numpy(np.stack([_score(fitted, rows) for fitted in binary], axis=1)).float()

    return Classical(one_by_one, _distinct(notes))


def _rows(features: Tensor) -> Rows:
    return features.detach().cpu().double().numpy()


def _one_sided(what: str) -> InputError:
    return InputError(
        f"Nothing to tell apart: {what}.",
        remedy="Each element needs a picture that shows it and one that does not, in the part for training.",
    )


def _estimator(model: str, kind: str, *, rows: int, seed: int) -> Any:
    """Each feature scaled to [0, 1], then the model as published; k is at most the number of rows."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import MinMaxScaler
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier

    published = PUBLISHED[kind]
    made: Mapping[str, Callable[[], Any]] = {
        "logistic regression": lambda: LogisticRegression(C=published.logistic_c, max_iter=2000),
        "LDA": LinearDiscriminantAnalysis,
        "kNN": lambda: KNeighborsClassifier(min(published.neighbors, rows)),
        "CART": lambda: DecisionTreeClassifier(random_state=seed),
        "random forest": lambda: RandomForestClassifier(published.trees, random_state=seed),
        "naive Bayes": GaussianNB,
        "SVM": lambda: SVC(kernel="poly", degree=published.svm_degree, C=published.svm_c),
    }
    return Pipeline([("scaler", MinMaxScaler()), ("model", made[model]())])


def _score(fitted: Any, rows: Rows) -> Rows:
    """Above 0: shown. A probability less one half, a margin, or a difference of log likelihoods."""
    if hasattr(fitted, "decision_function"):
        margin: Rows = fitted.decision_function(rows)
        return margin
    if hasattr(fitted, "named_steps") and hasattr(fitted.named_steps["model"], "predict_joint_log_proba"):
        # The probabilities of naive Bayes are 0 or 1 to the last digit and would tie.
        joint: Rows = fitted.named_steps["model"].predict_joint_log_proba(
            fitted.named_steps["scaler"].transform(rows)
        )
        return joint[:, 1] - joint[:, 0]
    probability: Rows = fitted.predict_proba(rows)
    return probability[:, 1] - 0.5


def _grid(model: str, *, rows: int) -> Any:
    if model == "kNN":
        return {name: [k for k in values if 3 * k <= rows] or [1] for name, values in _GRIDS[model].items()}
    return _GRIDS.get(model)


def _within(folds: Folds, chosen: NDArray[np.int64]) -> Folds:
    """Folds of all the rows -> the same folds of the chosen ones, by their new numbers; none is empty."""
    place = {int(row): number for number, row in enumerate(chosen)}
    kept = [tuple([place[row] for row in part if row in place] for part in fold) for fold in folds]
    return [(train, test) for train, test in kept if train and test]


def _searched(
    estimator: Any, grid: Any, rows: Rows, classes: NDArray[np.int64], folds: Folds, seed: int
) -> Any:
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - makes the import below work
    from sklearn.model_selection import HalvingGridSearchCV

    smallest = max(len(rows) // _HALVING, 2 * len(folds) * len(np.unique(classes)))
    search = HalvingGridSearchCV(
        estimator,
        grid,
        factor=_HALVING,
        min_resources=min(len(rows), smallest),
        cv=[(np.array(train), np.array(test)) for train, test in folds],
        scoring="balanced_accuracy",
        random_state=seed,
    )
    return search.fit(rows, classes)


def _told(chosen: Mapping[str, Any]) -> str:
    return "chose " + ", ".join(
        f"{name.removeprefix('model__')} {value}" for name, value in sorted(chosen.items())
    )


def _distinct(notes: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(notes))
