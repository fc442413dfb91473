"""The table of comparisons: figures, failures in their cells, going on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from sklearn.metrics import balanced_accuracy_score
from torch import Tensor

from classifiers.comparison import Comparison, FeatureSet, WholeModel, compare, is_exclusive
from classifiers.data import Example
from classifiers.intervals import wilson_interval
from pages.errors import InputError, Stopped
from pages.progress import Progress, Stop

NAMES = ("a", "b", "c")


def example(value: float, labels: Sequence[float], group: str, known: Sequence[float] = (1, 1, 1)) -> Example:
    return Example(
        torch.full((3, 4, 4), float(value)), torch.tensor(labels).float(), torch.tensor(known).float(), group
    )


def classes(count: int, *, start: int = 0) -> list[Example]:
    rows = torch.eye(3).tolist()
    return [example((number % 3) / 2, rows[number % 3], f"{start + number}") for number in range(count)]


def brightness(images: Sequence[Tensor], *, progress: Progress, stop: Stop) -> Tensor:
    return torch.stack([image.mean((1, 2)) for image in images])


def broken(images: Sequence[Tensor], *, progress: Progress, stop: Stop) -> Tensor:
    raise ValueError("no features today")


def always(scores: Tensor) -> Callable[..., Callable[[Sequence[Tensor]], Tensor]]:
    """A whole model that gives each picture the scores at the place of its brightness (0, 1/2 or 1)."""
    return lambda *_: lambda images: torch.stack([scores[round(float(image.mean()) * 2)] for image in images])


def table(train: list[Example], test: list[Example], **options: Any) -> Comparison:
    given = {"feature_sets": [], "models": ("naive Bayes", "CART"), **options}
    return compare(train, test, NAMES, **given)


def test_pictures_of_one_element_each_are_classes() -> None:
    assert is_exclusive(classes(6))
    assert not is_exclusive([*classes(5), example(0, [1, 1, 0], "two")])
    assert not is_exclusive([*classes(5), example(0, [0, 0, 0], "none")])
    assert not is_exclusive([*classes(5), example(0, [1, 0, 0], "unsure", known=[1, 1, 0])])
    assert not is_exclusive([*classes(5), example(0, [0.9, 0, 0], "soft")])


def test_accuracy_of_classes() -> None:
    says_a_or_c = torch.tensor([[2.0, 1, 0], [2, 1, 0], [0, 0, 1]])
    done = table(classes(6), classes(9), whole_models=[WholeModel("fixed", always(says_a_or_c))])
    [cell] = done.cells
    assert done.measure == "accuracy" and done.guessing == pytest.approx(1 / 3)
    assert cell.test == pytest.approx(6 / 9) and cell.train == pytest.approx(4 / 6)
    assert (cell.low, cell.high) == pytest.approx(wilson_interval(6 / 9, 9))


def test_balanced_accuracy_of_elements_that_may_stand_together() -> None:
    generator = torch.Generator().manual_seed(1)
    train, test = classes(6), []
    for number in range(40):
        shown = (torch.rand(3, generator=generator) < torch.tensor([0.2, 0.5, 0.8])).float().tolist()
        test.append(example((number % 3) / 2, shown, str(number)))
    scores = torch.tensor([[1.0, -1, 1], [-1, 1, 1], [1, 1, -1]])
    done = table(train, test, whole_models=[WholeModel("fixed", always(scores))])
    [cell] = done.cells
    said = torch.stack([scores[number % 3] > 0 for number in range(40)])
    labels = torch.stack([one.labels > 0.5 for one in test])
    expected = sum(balanced_accuracy_score(labels[:, column], said[:, column]) for column in range(3)) / 3
    assert done.measure == "balanced accuracy" and done.guessing == 0.5
    assert cell.test == pytest.approx(expected)
    assert cell.low is not None and cell.high is not None and cell.low < expected < cell.high


def test_a_cell_that_fails_says_why_and_keeps_no_other() -> None:
    def refuses(*_: object) -> Any:
        raise InputError("too few pictures", remedy="draw more")

    done = table(
        classes(9),
        classes(6, start=9),
        feature_sets=[FeatureSet("broken", "pixels", broken), FeatureSet("light", "pixels", brightness)],
        whole_models=[WholeModel("refuses", refuses), WholeModel("knows", always(torch.eye(3)))],
    )
    told = {(cell.features, cell.model): (cell.test, cell.note) for cell in done.cells}
    assert told["broken", "naive Bayes"] == told["broken", "CART"] == (None, "failed: no features today")
    assert told["", "refuses"] == (None, "failed: too few pictures")
    assert told["light", "CART"][0] == told["", "knows"][0] == 1
    assert list(done.feature_seconds) == ["light"]


def test_one_class_to_learn_from_is_told_in_the_cell() -> None:
    train = [one for one in classes(9) if one.labels[0] == 1]
    done = table(train, classes(6, start=9), feature_sets=[FeatureSet("light", "pixels", brightness)])
    assert all(cell.test is None and "only one class" in cell.note for cell in done.cells)


def test_it_goes_on_where_it_was(tmp_path: Path) -> None:
    record = tmp_path / "deep" / "comparison.json"
    fitted: list[str] = []

    def counted(name: str, *, fails: bool = False) -> WholeModel:
        def fit(*_: object) -> Any:
            fitted.append(name)
            if fails:
                raise Stopped("enough", remedy="again")
            return lambda images: torch.eye(3)[[round(float(image.mean()) * 2) for image in images]]

        return WholeModel(name, fit)

    parts = classes(9), classes(6, start=9)
    light = [FeatureSet("light", "pixels", brightness)]
    with pytest.raises(Stopped):
        table(
            *parts,
            feature_sets=light,
            whole_models=[counted("one"), counted("two", fails=True)],
            record=record,
        )
    kept = json.loads(record.read_text(encoding="utf-8"))
    assert [cell["model"] for cell in kept["cells"]] == ["naive Bayes", "CART", "one"]

    never_again = [FeatureSet("light", "pixels", broken)]
    whole = [counted("one"), counted("two")]
    done = table(*parts, feature_sets=never_again, whole_models=whole, record=record)
    assert fitted == ["one", "two", "two"]
    assert [cell.test for cell in done.cells] == [1, 1, 1, 1]
    assert done.feature_seconds.keys() == {"light"}

    table(*parts, whole_models=whole, record=record, seed=1)
    table(parts[1], parts[0], whole_models=whole, record=record, seed=1)
    record.write_text("{", encoding="utf-8")
    table(parts[1], parts[0], whole_models=whole, record=record, seed=1)
    assert fitted == ["one", "two", "two", *["one", "two"] * 3]


def test_it_searches_in_grouped_folds_or_says_that_it_cannot() -> None:
    def notes(group: str) -> str:
        generator = torch.Generator().manual_seed(2)
        drawn = [
            Example(torch.rand(3, 16, 16, generator=generator), one.labels, one.known, group.format(number))
            for number, one in enumerate(classes(36))
        ]
        light = [FeatureSet("light", "pixels", brightness)]
        [cell] = table(drawn[:30], drawn[30:], feature_sets=light, models=("kNN",), search=True).cells
        return cell.note

    assert notes("{}").startswith("chose n_neighbors")
    assert "one scene" in notes("all")
