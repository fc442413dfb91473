"""Many ways to recognize the same elements, trained and tested on the same split: one cell each."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from classifiers.baselines import MODELS, Folds, fit_classical
from classifiers.data import Example, grouped_folds, label_matrix
from classifiers.evaluate import balanced_accuracy
from classifiers.intervals import wilson_interval
from pages.errors import ComicLossError, Stopped
from pages.files import write_atomic
from pages.progress import Progress, Stop, never, silent, stop_here

_VERSION = 1
_SEARCH_FOLDS = 3
_RESAMPLES = 400


@dataclass(frozen=True)
class Cell:
    """One way to recognize the elements, and how well it did.

    Attributes:
        features: what it looks at; empty where it looks at the picture itself.
        model: what decides.
        train, test: share of right answers in the part it was trained on and in the other, in [0, 1] (see
            ``Comparison.measure``); None if it failed.
        low, high: 95 % interval of ``test``.
        seconds: to train, without what the features took.
        note: what to know about it; the reason if it failed.
    """

    features: str
    model: str
    train: float | None = None
    test: float | None = None
    low: float | None = None
    high: float | None = None
    seconds: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Comparison:
    """A table of cells on one split.

    Attributes:
        element_names: what is recognized.
        exclusive: each picture shows exactly one element.
        train_pictures, test_pictures: how many.
        test_groups: groups in the test part.
        guessing: what the best answer without looking would get on the test part.
        feature_seconds: name of the features -> seconds that they took for all the pictures.
        cells: in the order in which they were asked for.
    """

    element_names: tuple[str, ...]
    exclusive: bool
    train_pictures: int
    test_pictures: int
    test_groups: int
    guessing: float
    feature_seconds: Mapping[str, float] = field(default_factory=dict)
    cells: tuple[Cell, ...] = ()

    @property
    def measure(self) -> str:
        """What the figures are: "accuracy" where the elements exclude each other, "balanced accuracy" (mean
        recall of shown and not shown, averaged over the elements) otherwise."""
        return "accuracy" if self.exclusive else "balanced accuracy"


class LooksUp(Protocol):
    """Features of pictures: (3, h, w) in [0, 1], any sizes -> (N, D)."""

    def __call__(self, images: Sequence[Tensor], *, progress: Progress, stop: Stop) -> Tensor: ...


@dataclass(frozen=True)
class FeatureSet:
    """Features for the classical models.

    Attributes:
        name: what people call them.
        kind: a key of ``classifiers.baselines.PUBLISHED``: whose hyperparameters fit.
        features: what makes them.
    """

    name: str
    kind: str
    features: LooksUp


Fitted = Callable[[Sequence[Tensor]], Tensor]
"""Pictures -> scores (N, E): above 0 shown; where the elements exclude each other, the highest counts."""


@dataclass(frozen=True)
class WholeModel:
    """What learns from the pictures themselves.

    Attributes:
        name: what people call it.
        fit: (examples, exclusive, progress, stop) -> Fitted.
        note: what to know about it.
    """

    name: str
    fit: Callable[[Sequence[Example], bool, Progress, Stop], Fitted]
    note: str = ""


def is_exclusive(examples: Sequence[Example]) -> bool:
    """Whether every picture is known to show exactly one element, so that they are classes."""
    labels, known = label_matrix(examples)
    certain = bool((known == 1).all()) and bool(((labels == 0) | (labels == 1)).all())
    return certain and labels.shape[1] > 1 and bool((labels.sum(dim=1) == 1).all())


def compare(
    train: Sequence[Example],
    test: Sequence[Example],
    element_names: Sequence[str],
    *,
    feature_sets: Sequence[FeatureSet],
    whole_models: Sequence[WholeModel] = (),
    models: Sequence[str] = MODELS,
    search: bool = False,
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
    record: Path | None = None,
    progress: Progress = silent,
    stop: Stop = never,
) -> Comparison:
    """Train every model on every feature set, and every whole model, and test them.

    A cell that fails says why and does not keep the others. Where a record is given it is written after each
    cell; a record of the same pictures and settings is gone on with, and cells that failed are tried again.

    Args:
        train, test: the two parts; nothing of one scene is in both.
        search: a small search in grouped folds of the training part, in place of what was published.
        settings: whatever else the figures depend on, as JSON values.
        record: a JSON file.

    Raises:
        Stopped: ``stop()`` became true; the record has the cells so far.
        ResourceError: the record cannot be written.
    """
    exclusive = is_exclusive([*train, *test])
    told = {"search": search, "seed": seed, **(settings or {})}
    key = _fingerprint(train, test, element_names, told)
    asked = [(kind.name, model) for kind in feature_sets for model in models]
    asked += [("", model.name) for model in whole_models]
    earlier = _read_record(record, key)
    cells = {(cell.features, cell.model): cell for cell in earlier.get("cells", []) if cell.test is not None}
    result = Comparison(
        element_names=tuple(element_names),
        exclusive=exclusive,
        train_pictures=len(train),
        test_pictures=len(test),
        test_groups=len({example.group for example in test}),
        guessing=_guessing(train, test) if exclusive else 0.5,
        feature_seconds=earlier.get("feature_seconds", {}),
    )

    def keep(cell: Cell) -> None:
        nonlocal result
        cells[cell.features, cell.model] = cell
        result = replace(result, cells=tuple(cells[name] for name in asked if name in cells))
        if record is not None:
            content = {"version": _VERSION, "of": key, "settings": told, **to_json(result)}
            write_atomic(record, json.dumps(content, indent=2, ensure_ascii=False).encode())
        progress(len(result.cells), len(asked), "comparing")

    folds = _search_folds(train, seed) if search else ()
    for kind in feature_sets:
        missing = [model for model in models if (kind.name, model) not in cells]
        if not missing:
            continue
        started = time.monotonic()
        try:
            features = kind.features(
                [example.image for example in [*train, *test]], progress=progress, stop=stop
            )
        except Exception as error:
            _reraise_stop(error)
            for model in missing:
                keep(Cell(kind.name, model, note=_reason(error)))
            continue
        seconds = {**result.feature_seconds, kind.name: round(time.monotonic() - started, 2)}
        result = replace(result, feature_seconds=seconds)
        for model in missing:
            stop_here(stop, "comparing")
            fit = partial(
                _fit_classical,
                model,
                kind,
                features,
                train,
                exclusive=exclusive,
                search=search,
                folds=folds,
                seed=seed,
            )
            keep(_cell(kind.name, model, fit, train, test, exclusive=exclusive, seed=seed))
    for whole in whole_models:
        if ("", whole.name) in cells:
            continue
        stop_here(stop, "comparing")
        fit = partial(_fit_whole, whole, train, test, exclusive, progress, stop)
        keep(_cell("", whole.name, fit, train, test, exclusive=exclusive, seed=seed))
    return replace(result, cells=tuple(cells[name] for name in asked))


Fit = Callable[[], tuple[Callable[[], tuple[Tensor, Tensor]], Sequence[str]]]
"""Trains; gives what makes the scores of both parts, and notes."""


def _fit_classical(
    model: str,
    kind: FeatureSet,
    features: Tensor,
    train: Sequence[Example],
    *,
    exclusive: bool,
    search: bool,
    folds: Folds,
    seed: int,
) -> tuple[Callable[[], tuple[Tensor, Tensor]], Sequence[str]]:
    labels, known = label_matrix(train)
    count = len(train)
    fitted = fit_classical(
        model,
        features[:count],
        labels,
        kind=kind.kind,
        known=known,
        exclusive=exclusive,
        folds=folds,
        seed=seed,
    )
    notes = (*fitted.notes, "no search within one scene") if search and not folds else fitted.notes
    return lambda: (fitted.scores(features[:count]), fitted.scores(features[count:])), notes


def _fit_whole(
    whole: WholeModel,
    train: Sequence[Example],
    test: Sequence[Example],
    exclusive: bool,
    progress: Progress,
    stop: Stop,
) -> tuple[Callable[[], tuple[Tensor, Tensor]], Sequence[str]]:
    fitted = whole.fit(train, exclusive, progress, stop)

    def scores() -> tuple[Tensor, Tensor]:
        return fitted([example.image for example in train]), fitted([example.image for example in test])

    return scores, [whole.note] if whole.note else []


def _cell(
    features: str,
    model: str,
    fit: Fit,
    train: Sequence[Example],
    test: Sequence[Example],
    *,
    exclusive: bool,
    seed: int,
) -> Cell:
    started = time.monotonic()
    try:
        scores, notes = fit()
        seconds = time.monotonic() - started
        of_train, of_test = scores()
        low, high = _interval(of_test, test, exclusive=exclusive, seed=seed)
        return Cell(
            features,
            model,
            train=_share(of_train, train, exclusive=exclusive),
            test=_share(of_test, test, exclusive=exclusive),
            low=low,
            high=high,
            seconds=round(seconds, 2),
            note="; ".join(notes),
        )
    except Exception as error:
        _reraise_stop(error)
        return Cell(features, model, note=_reason(error))


def _reraise_stop(error: Exception) -> None:
    if isinstance(error, Stopped):
        raise error


def _reason(error: Exception) -> str:
    told = error.problem if isinstance(error, ComicLossError) else str(error).strip().split("\n")[0]
    return f"failed: {told or type(error).__name__}"


def _share(scores: Tensor, examples: Sequence[Example], *, exclusive: bool) -> float | None:
    labels, known = label_matrix(examples)
    if exclusive:
        return float((scores.argmax(dim=1) == labels.argmax(dim=1)).float().mean())
    return balanced_accuracy(scores, labels, known)


def _interval(
    scores: Tensor, examples: Sequence[Example], *, exclusive: bool, seed: int
) -> tuple[float | None, float | None]:
    """95 %: Wilson's of a share (1927), or the bootstrap's over the pictures."""
    labels, known = label_matrix(examples)
    if exclusive:
        right = float((scores.argmax(dim=1) == labels.argmax(dim=1)).float().mean())
        return wilson_interval(right, len(examples)) or (None, None)
    generator = torch.Generator().manual_seed(seed)
    found = []
    for _ in range(_RESAMPLES):
        drawn = torch.randint(len(examples), (len(examples),), generator=generator)
        share = balanced_accuracy(scores[drawn], labels[drawn], known[drawn])
        if share is not None:
            found.append(share)
    if not found:
        return None, None
    low, high = torch.tensor(found).quantile(torch.tensor([0.025, 0.975])).tolist()
    return low, high


def _guessing(train: Sequence[Example], test: Sequence[Example]) -> float:
    """Accuracy on the test part of always saying the class most common in the training part."""
    most_common = int(label_matrix(train)[0].sum(dim=0).argmax())
    return float((label_matrix(test)[0].argmax(dim=1) == most_common).float().mean())


def _search_folds(train: Sequence[Example], seed: int) -> Folds:
    folds = grouped_folds(train, _SEARCH_FOLDS, seed=seed)
    if len(folds) < 2:
        return ()
    return [([row for other in folds if other is not fold for row in other], fold) for fold in folds]


def to_json(comparison: Comparison) -> dict[str, Any]:
    """As JSON values: the fields by name, and ``measure``."""
    return {
        "measure": comparison.measure,
        **asdict(comparison),
        "element_names": list(comparison.element_names),
        "cells": [asdict(cell) for cell in comparison.cells],
    }


def _fingerprint(
    train: Sequence[Example],
    test: Sequence[Example],
    element_names: Sequence[str],
    settings: Mapping[str, Any],
) -> str:
    """SHA-256 over the pictures, their labels, the parts and the settings."""
    digest = hashlib.sha256(json.dumps([list(element_names), settings], sort_keys=True).encode())
    for part in (train, test):
        digest.update(b"part")
        for example in part:
            digest.update(f"{tuple(example.image.shape)} {example.group}".encode())
            for tensor in (example.image, example.labels, example.known):
                digest.update(tensor.float().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _read_record(record: Path | None, key: str) -> dict[str, Any]:
    """Cells and seconds of a record of the same; nothing from any other or damaged one."""
    try:
        content = json.loads(record.read_text(encoding="utf-8")) if record is not None else {}
        if content.get("version") != _VERSION or content.get("of") != key:
            return {}
        cells = [Cell(**cell) for cell in content["cells"]]
        return {"cells": cells, "feature_seconds": dict(content["feature_seconds"])}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}
