"""Splits that do not leak, and examples that are what they say."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from classifiers.data import Example, grouped_folds, near_duplicates, one_sided, scene_clusters
from pages.errors import InputError


@cache
def drawing(seed: int) -> Tensor:
    """A few dark and colored blots on white paper; every seed another drawing."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 5, 6, generator=generator)
    blots = F.interpolate(coarse, (60, 80), mode="bicubic")[0].clamp(0, 1)
    return torch.where(blots.mean(0, keepdim=True) > 0.55, torch.ones(()), blots)


def example(image: Tensor, group: str, *labels: float) -> Example:
    return Example(image, torch.tensor(labels), torch.ones(len(labels)), group)


rows = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 5), st.booleans(), st.booleans(), st.booleans()),
    min_size=1,
    max_size=16,
)


@settings(deadline=None, max_examples=40)
@given(rows, st.integers(1, 4), st.integers(0, 3))
def test_no_scene_and_no_drawing_is_on_two_sides(
    table: list[tuple[int, int, bool, bool, bool]], count: int, seed: int
) -> None:
    examples = [
        example(drawing(picture).flip(-1) if mirrored else drawing(picture), f"scene {group}", first, second)
        for picture, group, first, second, mirrored in table
    ]
    folds = grouped_folds(examples, count, seed=seed)
    assert sorted(index for fold in folds for index in fold) == list(range(len(examples)))
    assert all(folds) and len(folds) == min(count, len(scene_clusters(examples)))
    for number, fold in enumerate(folds):
        for other in folds[number + 1 :]:
            for attribute in (0, 1):  # the drawing, the scene
                assert not {table[i][attribute] for i in fold} & {table[i][attribute] for i in other}
    assert folds == grouped_folds(examples, count, seed=seed)


def test_folds_share_out_rare_elements() -> None:
    labels = [(1.0, 0.0)] * 3 + [(0.0, 1.0)] * 6 + [(0.0, 0.0)] * 9
    examples = [example(drawing(i), f"scene {i}", *label) for i, label in enumerate(labels)]
    assert len(scene_clusters(examples)) == len(examples)
    for fold in grouped_folds(examples, 3, seed=0):
        assert torch.stack([examples[i].labels for i in fold]).sum(0).tolist() == [1, 2]
        assert len(fold) == 6


def test_views_of_one_drawing_are_near_duplicates_and_other_drawings_are_not() -> None:
    views = []
    for seed in range(12):
        image = drawing(seed)
        noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(seed))
        smaller = F.interpolate(image[None], (41, 55), mode="bilinear", antialias=True)[0]
        views += [image, (image + 0.03 * noise).clamp(0, 1), smaller, image.flip(-1), image * 0.8 + 0.1]
    found = near_duplicates([example(view, str(i), 0.0) for i, view in enumerate(views)])
    same = torch.arange(len(views)) // 5
    assert torch.equal(found, same[:, None] == same[None])


def test_elements_with_one_side_only_are_named() -> None:
    examples = [example(drawing(0), "a", 1.0, 1.0, 0.0), example(drawing(1), "b", 0.0, 1.0, 0.0)]
    assert one_sided(examples, ["Hero", "Castle", "Dragon"]) == ["Castle", "Dragon"]
    assert one_sided([], ["Hero"]) == ["Hero"]


@pytest.mark.parametrize(
    ("image", "labels", "known", "problem"),
    [
        (torch.zeros(1, 4, 4), [1.0], [1.0], "the image is"),
        (torch.zeros(3, 4, 4, dtype=torch.uint8), [1.0], [1.0], "uint8"),
        (torch.zeros(3, 0, 4), [1.0], [1.0], "the image is"),
        (torch.full((3, 4, 4), 255.0), [1.0], [1.0], "outside"),
        (torch.full((3, 4, 4), float("nan")), [1.0], [1.0], "outside"),
        (torch.zeros(3, 4, 4), [1.0, 0.0], [1.0], "labels are"),
        (torch.zeros(3, 4, 4), [1.5], [1.0], "label"),
        (torch.zeros(3, 4, 4), [1.0], [0.5], "known"),
    ],
)
def test_an_example_that_is_none_is_refused(
    image: Tensor, labels: list[float], known: list[float], problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        Example(image, torch.tensor(labels), torch.tensor(known), "page 1")
