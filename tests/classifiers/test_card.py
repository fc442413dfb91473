"""The card beside trained classifiers: whole or refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from classifiers.card import CARD, Card, ElementCard, best_threshold, fingerprint, now
from classifiers.data import Example
from classifiers.model import ElementClassifiers
from pages.errors import WeightsError

CARD_OF_TWO = Card(
    fingerprint="ab" * 32,
    pictures=7,
    elements=(
        ElementCard("Zoë", 3, 4, 0.5, False, {"recall": 1.0, "interval": [0.3, 1.0], "f1": None}),
        ElementCard("Dragon", 12, 30, 0.62, True, {}),
    ),
    recipe="default",
    seed=0,
    steps=120,
    backbone="small",
    versions={"torch": "2.9"},
    made=now(),
)


def test_what_is_written_with_the_weights_is_read(tmp_path: Path) -> None:
    network = ElementClassifiers(nn.Conv2d(3, 8, 3), CARD_OF_TWO.element_names, image_size=32)
    network.save(tmp_path / "family", card=CARD_OF_TWO)
    assert Card.read(tmp_path / "family") == CARD_OF_TWO
    assert CARD_OF_TWO.thresholds == {"Zoë": 0.5, "Dragon": 0.62}
    network.save(tmp_path / "family")  # without one, the former is gone with the weights that it was of
    with pytest.raises(WeightsError, match="no trained classifiers here"):
        Card.read(tmp_path / "family")


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"[" * 100_000,
        {"version": 2},
        {"elements": []},
        {"elements": [1]},
        {"elements": None},
        {"elements": [{"element": "Hero"}]},
        {"fingerprint": None},
        {"pictures": -1},
        {"seed": 1.5},
        {"steps": True},
        {"made": "yesterday"},
        {"made": "2026-01-01T00:00:00"},
        {"versions": {"torch": 2}},
        {"something": "else"},
    ],
)
def test_a_damaged_or_foreign_card_is_refused(tmp_path: Path, damage: bytes | dict[str, Any]) -> None:
    fields = json.loads(CARD_OF_TWO.to_json())
    text = damage if isinstance(damage, bytes) else json.dumps({**fields, **damage}).encode()
    (tmp_path / CARD).write_bytes(text)
    with pytest.raises(WeightsError) as refused:
        Card.read(tmp_path)
    assert "damaged card" in refused.value.problem and "train" in refused.value.remedy


@pytest.mark.parametrize(
    "change", [{"threshold": 0.0}, {"threshold": "0.5"}, {"positives": -1}, {"element": ""}]
)
def test_an_element_out_of_range_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not what it should be"):
        replace(CARD_OF_TWO.elements[0], **change)


def test_an_element_stands_on_the_card_once() -> None:
    with pytest.raises(ValueError, match="elements"):
        replace(CARD_OF_TWO, elements=CARD_OF_TWO.elements[:1] * 2)


def test_another_picture_label_group_or_name_is_another_fingerprint() -> None:
    image, one = torch.rand(3, 8, 6), torch.ones(1)
    example = Example(image, one, one, "a")
    changed = [
        replace(example, image=1 - image),
        replace(example, image=image.transpose(1, 2).contiguous().reshape(3, 8, 6)),
        replace(example, labels=one * 0),
        replace(example, known=one * 0),
        replace(example, group="b"),
        replace(example, regions=((0.0, 0.0, 1.0, 0.5),)),
    ]
    prints = {fingerprint([other], ["Hero"]) for other in (example, *changed)}
    prints |= {fingerprint([example], ["Dragon"]), fingerprint([example, example], ["Hero"])}
    assert len(prints) == 9
    assert fingerprint([replace(example, image=image.clone())], ["Hero"]) in prints


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=20, max_size=60))
def test_no_threshold_has_a_greater_f1(rows: list[tuple[float, bool]]) -> None:
    probabilities, shown = [row[0] for row in rows], [row[1] for row in rows]
    threshold = best_threshold(probabilities, shown)
    assert 0 < threshold < 1
    if min(sum(shown), len(shown) - sum(shown)) < 10:
        assert threshold == 0.5
        return

    def f1(least: float) -> float:
        said = [probability >= least for probability in probabilities]
        hits = sum(yes and there for yes, there in zip(said, shown, strict=True))
        return 2 * hits / (sum(said) + sum(shown))

    # A threshold strictly inside (0, 1) cannot part probabilities that floats cannot tell from its ends.
    candidates = [p for p in probabilities if 1e-6 < p < 1 - 1e-6]
    assert f1(threshold) >= max(map(f1, candidates), default=0.0) - 1e-9


def test_of_thresholds_that_part_all_the_middle_is_taken() -> None:
    assert best_threshold([0.9] * 10 + [0.2] * 12, [True] * 10 + [False] * 12) == pytest.approx(0.55)
