"""Classical models with the published hyperparameters, against scikit-learn itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from classifiers.baselines import MODELS, PUBLISHED, baseline_scores, fit_classical
from pages.errors import InputError

PUBLISHED_FOR_NETWORKS = {
    "logistic regression": LogisticRegression(C=1.1, max_iter=2000),
    "LDA": LinearDiscriminantAnalysis(),
    "kNN": KNeighborsClassifier(n_neighbors=8),
    "CART": DecisionTreeClassifier(random_state=3),
    "random forest": RandomForestClassifier(n_estimators=500, criterion="gini", random_state=3),
    "naive Bayes": GaussianNB(),
    "SVM": SVC(kernel="poly", degree=4, C=1.0),
}


def clouds(seed: int, count: int = 60) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows around three overlapping centers, and which each is of, (N, 3)."""
    generator = torch.Generator().manual_seed(seed)
    classes = torch.arange(count) % 3
    centers = torch.tensor([[0.0, 0, 0, 5], [2, 0, 1, 5], [0, 2, 2, 5]])
    rows = centers[classes] + torch.randn(count, 4, generator=generator)
    return rows, torch.nn.functional.one_hot(classes, 3).float()


def scaled(train: torch.Tensor, rows: torch.Tensor) -> np.ndarray:
    low, high = train.double().amin(0), train.double().amax(0)
    return ((rows.double() - low) / (high - low)).numpy()


@pytest.mark.parametrize("model", MODELS)
def test_it_is_scikit_learns_model_with_the_published_values(model: str) -> None:
    (train, labels), (test, _) = clouds(1), clouds(2)
    reference = PUBLISHED_FOR_NETWORKS[model].fit(scaled(train, train), labels.argmax(1).numpy())
    expected = torch.from_numpy(reference.predict(scaled(train, test)))
    fitted = fit_classical(model, train, labels, kind="network", exclusive=True, seed=3)
    assert torch.equal(fitted.scores(test).argmax(1), expected)


@pytest.mark.parametrize("model", MODELS)
def test_scores_are_above_zero_where_the_element_is_said_to_be_shown(model: str) -> None:
    (train, labels), (test, _) = clouds(1), clouds(2)
    found = baseline_scores(train, labels, test, model, seed=3)
    for column in range(3):
        reference = PUBLISHED_FOR_NETWORKS[model].fit(scaled(train, train), labels[:, column].numpy())
        expected = torch.from_numpy(reference.predict(scaled(train, test)) > 0.5)
        certain = found[:, column] != 0  # a tie of neighbors or trees
        assert torch.equal((found[:, column] > 0)[certain], expected[certain])


def test_the_sources_figures() -> None:
    by_hand, network = PUBLISHED["hand-crafted"], PUBLISHED["network"]
    assert (by_hand.logistic_c, by_hand.neighbors, by_hand.trees) == (4.5, 6, 3000)
    assert (by_hand.svm_degree, by_hand.svm_c) == (3, 11)
    assert (network.logistic_c, network.neighbors, network.trees) == (1.1, 8, 500)
    assert (network.svm_degree, network.svm_c) == (4, 1)


def test_naive_bayes_ranks_where_its_probabilities_would_tie() -> None:
    train, labels = clouds(1)
    far = train[:10] * 30
    scores = baseline_scores(train, labels, far, "naive Bayes")
    assert all(len(scores[:, column].unique()) == 10 for column in range(3))


def test_labels_that_are_not_known_do_not_count() -> None:
    (train, labels), (test, _) = clouds(1), clouds(2)
    known = torch.ones_like(labels)
    known[::7, 1] = 0
    lies = torch.where(known > 0, labels, 1 - labels)
    honest = baseline_scores(train, labels, test, "logistic regression", known=known)
    torch.testing.assert_close(baseline_scores(train, lies, test, "logistic regression", known=known), honest)
    halves = torch.where(known > 0, labels, 0.5)
    torch.testing.assert_close(baseline_scores(train, halves, test, "logistic regression"), honest)


@pytest.mark.parametrize("exclusive", [True, False])
def test_one_side_only_is_refused(exclusive: bool) -> None:
    train, labels = clouds(1)
    one = labels.argmax(1) == 0
    with pytest.raises(InputError, match="Nothing to tell apart"):
        fit_classical("LDA", train[one], labels[one], kind="network", exclusive=exclusive)


def test_fewer_rows_than_neighbors() -> None:
    train, labels = clouds(1, count=6)
    assert baseline_scores(train, labels, train, "kNN").shape == (6, 3)


def test_a_search_finds_what_the_published_values_miss() -> None:
    generator = torch.Generator().manual_seed(10)
    places = torch.rand(500, 1, generator=generator)
    noisy = (places[:, 0] > 0.5) ^ (torch.rand(500, generator=generator) < 0.35)
    train, test = places[:240], places[240:]
    labels = torch.stack([noisy, ~noisy], dim=1).float()[:240]
    order = torch.arange(240)
    folds = [(order[order % 3 != fold].tolist(), order[order % 3 == fold].tolist()) for fold in range(3)]

    def right(folds: list[tuple[list[int], list[int]]]) -> tuple[float, tuple[str, ...]]:
        fitted = fit_classical("kNN", train, labels, kind="network", exclusive=True, folds=folds)
        said = fitted.scores(test)[:, 0] > 0
        return float((said == (test[:, 0] > 0.5)).float().mean()), fitted.notes

    published, none = right([])
    searched, notes = right(folds)
    assert none == () and searched > published
    assert notes[0].startswith("chose n_neighbors") and int(notes[0].split()[-1]) > 8
