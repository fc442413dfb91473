"""What is surely known of a part of a picture, drawn by the author or looked at by classifiers."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from classifiers.data import Example
from comicloss.attention_crops import attention_crops
from comicloss.crops import crop, reduced, region_crop

HERO, DRAGON, CASTLE, SWORD = (0.1, 0.1, 0.4, 0.6), (0.6, 0.5, 0.9, 0.9), (0.3, 0.0, 1.0, 1.0), None
IMAGE = torch.rand(3, 200, 300, generator=torch.Generator().manual_seed(1))


def example(labels: list[float], known: list[float] | None = None) -> Example:
    return Example(
        IMAGE, torch.tensor(labels), torch.tensor(known or [1.0] * 4), "p", (HERO, DRAGON, CASTLE, SWORD)
    )


def test_the_others_are_known_only_where_they_are_surely_in_or_out() -> None:
    cut = region_crop(example([1, 1, 1, 1]), 0)
    assert cut is not None
    assert cut.labels.tolist() == [1, 0, 0, 0]
    assert cut.known.tolist() == [
        1,
        1,
        0,
        0,
    ]  # the dragon is elsewhere, the castle partly in, the sword anywhere
    assert cut.group == "p"
    absent = region_crop(example([1, 0, 0, 0]), 0)
    assert (
        absent is not None
        and absent.known.tolist() == [1, 1, 1, 1]
        and absent.labels.tolist() == [1, 0, 0, 0]
    )


def test_a_belief_stays_one_and_what_is_not_known_stays_unknown() -> None:
    cut = crop(example([1, 0.7, 0.3, 0], [1, 1, 0, 1]), (0.5, 0.4, 1, 1), 1)
    assert cut is not None
    assert cut.labels.tolist() == pytest.approx([0, 0.7, 0, 0]) and cut.known.tolist() == [1, 1, 0, 1]


def test_the_crop_is_the_pictures_own_pixels_and_the_region_moves_with_it() -> None:
    cut = crop(example([1, 1, 1, 1]), (0.0, 0.0, 0.5, 0.7), 0)
    assert cut is not None
    assert torch.equal(cut.image, IMAGE[:, :140, :150])
    assert cut.regions[0] == pytest.approx((0.2, 0.1 / 0.7, 0.8, 0.6 / 0.7))
    assert cut.regions[1] is None


def test_there_is_a_margin_around_a_region() -> None:
    cut = region_crop(example([1, 0, 0, 0]), 0)
    assert cut is not None
    height, width = cut.image.shape[-2:]
    assert (height, width) == pytest.approx((140, 126), abs=1)  # 0.5 and 0.3 of the sides, 1.4 times as much


@pytest.mark.parametrize(
    ("labels", "known", "column"),
    [
        ([1.0, 1, 1, 1], [1.0, 1, 1, 1], 3),  # nobody has drawn where
        ([1.0, 1, 1, 1], [1.0, 1, 1, 1], 2),  # nearly the whole picture
        ([0.0, 1, 1, 1], [0.0, 1, 1, 1], 0),  # the author does not say
    ],
)
def test_no_crop(labels: list[float], known: list[float], column: int) -> None:
    assert region_crop(example(labels, known), column) is None


def test_a_tiny_region_is_not_looked_at() -> None:
    tiny = Example(IMAGE, torch.ones(1), torch.ones(1), "p", ((0.5, 0.5, 0.52, 0.52),))
    assert region_crop(tiny, 0) is None


@given(st.integers(1, 900), st.integers(1, 900))
def test_a_reduced_picture_keeps_its_shape_and_range(height: int, width: int) -> None:
    small = reduced(torch.rand(3, height, width))
    assert max(small.shape) <= 384 and float(small.min()) >= 0 and float(small.max()) <= 1
    if max(height, width) <= 384:
        assert small.shape[-2:] == (height, width)


class Looking:
    """Looks for element 0 where it is red, for element 1 everywhere."""

    image_size = 96

    def evidence(self, images: Tensor) -> Tensor:
        red = (images[:, 0] - images[:, 1]).clamp_min(0) + 1e-9
        maps = torch.stack([red, torch.ones_like(red)], dim=1)
        return maps / maps.sum(dim=(2, 3), keepdim=True)


def spotted(labels: list[float], known: list[float], *, region: bool = False) -> Example:
    """A red spot left of the middle of a picture twice as wide as high, at (60, 50), 30 pixels wide."""
    image = torch.full((3, 100, 200), 0.5)
    image[0, 35:65, 45:75], image[1:, 35:65, 45:75] = 1, 0
    regions = ((0.2, 0.3, 0.4, 0.7), None) if region else ()
    return Example(image, torch.tensor(labels), torch.tensor(known), "p", regions)


def test_the_window_with_most_evidence_holds_what_the_classifiers_look_at() -> None:
    (cut,) = attention_crops(Looking(), [spotted([1, 1], [1, 1])])
    assert cut.image.shape[-2:] == pytest.approx((40, 80), abs=4)
    assert int((cut.image[1] == 0).sum()) >= 0.6 * 900  # most of the spot, wherever the paper around it went
    assert cut.labels.tolist() == [1, 0] and cut.known.tolist() == [1, 0] and cut.group == "p"


def test_classifiers_propose_nothing_where_the_author_has_spoken() -> None:
    pictures = [
        spotted([0, 0], [1, 1]),
        spotted([0.8, 0], [1, 1]),
        spotted([0, 0], [0, 1]),
        spotted([1, 0], [1, 1], region=True),
    ]
    assert attention_crops(Looking(), pictures) == []
