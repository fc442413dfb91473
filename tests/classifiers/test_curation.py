"""Curation: what a person should look at is found, and nothing else."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from classifiers.borders import common_content_box, content_box
from classifiers.contact_sheet import contact_sheet
from classifiers.curate import border_clues, likely_mislabels, out_of_fold, simple_features
from classifiers.data import Example
from classifiers.duplicates import find_duplicates
from classifiers.information import low_information
from classifiers.split import leaks, split_scenes
from pages.model import Box

Pixels = NDArray[np.uint8]


def painting(seed: int, height: int = 120, width: int = 160) -> Pixels:
    """Soft blots all over; every seed another one."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 7, 3)).astype(np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def drawing(seed: int) -> Pixels:
    """A few black strokes on white paper."""
    rng = np.random.default_rng(seed)
    paper = np.full((160, 160, 3), 255, np.uint8)
    points = rng.integers(30, 130, (7, 2)).astype(np.int32)
    cv2.polylines(paper, [points], False, (0, 0, 0), 2, cv2.LINE_AA)
    return paper


def compressed(image: Pixels, quality: int = 50) -> Pixels:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def framed(image: Pixels, sides: tuple[int, int, int, int], color: tuple[int, int, int]) -> Pixels:
    left, top, right, bottom = sides
    return cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_CONSTANT, value=color)


def example(image: Pixels, group: str, *labels: float) -> Example:
    tensor = torch.tensor(image).permute(2, 0, 1).float() / 255
    return Example(tensor, torch.tensor(labels), torch.ones(len(labels)), group)


def test_copies_are_found_and_other_drawings_are_not() -> None:
    originals = [drawing(seed) for seed in range(30)] + [painting(seed) for seed in range(30)]
    copies = [
        compressed(
            cv2.resize(image[:, ::-1] if number % 2 else image, (101, 90), interpolation=cv2.INTER_AREA)
        )
        for number, image in enumerate(originals)
    ]
    found = find_duplicates([*originals, *copies, originals[3]])
    pairs = {(pair.first, pair.second): pair for pair in found}
    alike = {(number, number + 60) for number in range(60)} | {(3, 120), (63, 120)}
    assert len(alike & set(pairs)) >= 60
    assert set(pairs) <= alike
    assert [pair for pair in found if pair.exact] == [pairs[3, 120]] and pairs[3, 120].bits == 0
    for (first, second), pair in pairs.items():
        assert pair.mirrored == (min(first, second) % 2 == 1) or (first, second) == (3, 120)


def test_blank_pictures_are_duplicates_of_their_exact_copies_alone() -> None:
    rng = np.random.default_rng(0)
    blank = [
        np.full((50, 60, 3), 250, np.uint8) - rng.integers(0, 3, (50, 60, 3)).astype(np.uint8) for _ in "abc"
    ]
    [pair] = find_duplicates([*blank, blank[1].copy()])
    assert (pair.first, pair.second, pair.exact) == (1, 3, True)
    assert find_duplicates([]) == []


@pytest.mark.parametrize("seed", range(6))
def test_a_few_lines_are_information_and_noise_is_not(seed: int) -> None:
    assert low_information(drawing(seed)) is None
    assert low_information(painting(seed)) is None
    noise = np.random.default_rng(seed).normal(0, 3, (200, 300, 3))
    for level in (0, 128, 255):
        assert low_information(compressed((level + noise).clip(0, 255).astype(np.uint8))) == "blank"
    slope = np.linspace(60, 160, 300)[None, :, None].repeat(200, 0).repeat(3, 2)
    assert low_information((slope + noise).clip(0, 255).astype(np.uint8)) == "almost no edges"


BARS = [(0, 30, 0, 30), (40, 0, 40, 0), (30, 20, 30, 20), (0, 4, 0, 0), (5, 0, 0, 9)]
colors = st.tuples(*[st.sampled_from([0, 40, 128, 255])] * 3)


@settings(max_examples=60)
@given(st.tuples(*[st.integers(0, 6)] * 4), colors, st.integers(0, 20))
def test_thin_borders_are_cropped_to_the_pixel(
    sides: tuple[int, int, int, int], color: tuple[int, int, int], seed: int
) -> None:
    left, top, *_ = sides
    found = content_box(framed(painting(seed), sides, color))
    assert found == Box(left, top, left + 160, top + 120)


@pytest.mark.parametrize(
    ("sides", "color"),
    [
        *((sides, color) for sides in BARS for color in ((0, 0, 0), (250, 250, 250))),
        ((0, 4, 0, 0), (190, 30, 60)),
        ((5, 0, 0, 9), (30, 90, 40)),
    ],
)
def test_borders_are_cropped_after_compression(
    sides: tuple[int, int, int, int], color: tuple[int, int, int]
) -> None:
    left, top, _, _ = sides
    for seed in range(4):
        box = content_box(compressed(framed(painting(seed, 240, 320), sides, color)))
        wanted = (left, top, left + 320, top + 240)
        assert np.abs(np.subtract((box.left, box.top, box.right, box.bottom), wanted)).max() <= 3


def test_paper_and_sky_are_no_borders() -> None:
    for seed in range(8):
        assert content_box(drawing(seed)) == Box(0, 0, 160, 160)
    landscape = painting(0)
    landscape[:40] = (120, 180, 240)  # a flat sky down to a straight horizon
    assert content_box(landscape) == Box(0, 0, 160, 120)
    assert content_box(np.zeros((90, 90, 3), np.uint8)) == Box(0, 0, 90, 90)
    assert content_box(np.zeros((1, 1, 3), np.uint8)) == Box(0, 0, 1, 1)


def test_dark_scenes_between_black_bars_are_cropped_like_bright_ones() -> None:
    night = np.zeros((120, 160, 3), np.uint8)
    night[50:70, 60:90] = painting(1)[:20, :30]  # black up to the bars
    frames = [
        compressed(framed(frame, (0, 16, 0, 16), (0, 0, 0))) for frame in (painting(0), night, painting(2))
    ]
    box = common_content_box(frames)
    assert (box.left, box.right) == (0, 160) and abs(box.top - 16) <= 3 and abs(box.bottom - 136) <= 3


def test_turned_labels_are_listed() -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random((120, 2)) < 0.4).astype(float)
    images = []
    for first, second in truth:
        image = np.full((40, 40, 3), 255, np.uint8)
        x, y = rng.integers(0, 12, 2)
        if first:
            image[y : y + 14, x : x + 14] = (220, 30, 30)
        if second:
            cv2.circle(image, (int(x) + 22, int(y) + 22), 6, (30, 30, 220), -1)
        images.append(image)
    given = truth.copy()
    turned = {(5, 0), (17, 1), (60, 0), (90, 1)}
    for place in turned:
        given[place] = 1 - given[place]
    known = np.ones_like(given)
    groups = [str(number) for number in range(120)]
    chances = out_of_fold(simple_features(images), given, known, groups, seed=0)
    found = [(suspect.index, suspect.element) for suspect in likely_mislabels(given, known, chances)]
    assert set(found[:4]) == turned and len(found) <= 8
    known[5, 0] = 0
    given[17, 1] = 0.6
    again = {(suspect.index, suspect.element) for suspect in likely_mislabels(given, known, chances)}
    assert again == set(found) - {(5, 0), (17, 1)}
    assert likely_mislabels(np.ones((4, 1)), np.ones((4, 1)), np.full((4, 1), 0.1)) == []


def test_a_border_that_tells_the_label_is_a_warning() -> None:
    def film(number: int, bars: bool) -> Pixels:
        return framed(painting(number), (0, 12, 0, 12), (0, 0, 0)) if bars else painting(number, 144)

    images = [film(number, number % 2 == 0) for number in range(60)]
    groups = [str(number) for number in range(60)]
    known = np.ones((60, 1))
    barred = (np.arange(60) % 2 == 0).astype(float)[:, None]
    [clue] = border_clues(images, barred, known, groups, seed=0)
    assert clue.is_warning and clue.area > 0.95 and clue.low <= clue.area <= clue.high
    other = (np.arange(60) % 4 < 2).astype(float)[:, None]
    [calm] = border_clues(images, other, known, groups, seed=0)
    assert not calm.is_warning
    assert border_clues(images, barred, known * barred, groups, seed=0) == []  # one side only


def test_suspects_are_framed_on_the_sheet() -> None:
    images = [painting(seed, 60, 90) for seed in range(14)]
    shown = np.zeros((14, 2), np.bool_)
    shown[:12, 0] = True
    plain = contact_sheet(images, shown, ["Hero", "Castle"], {})
    marked = contact_sheet(images, shown, ["Hero", "Castle"], {(7, 0): "looks like Castle"})
    red = (205, 45, 45)
    assert plain.dtype == np.uint8 and plain.shape == marked.shape
    assert not (plain == red).all(axis=2).any()
    framed_area = np.argwhere((marked == red).all(axis=2))
    assert framed_area[:, 1].max() < marked.shape[1] // 8  # the suspect comes first in its row


def test_a_random_split_leaks_and_the_grouped_one_does_not() -> None:
    rng = np.random.default_rng(0)
    examples = []
    for scene in range(16):
        stage = painting(scene, 150, 200)
        for frame in range(5):
            x, y = (int(value) for value in rng.integers(0, 5, 2))
            view = compressed(np.ascontiguousarray(stage[y : y + 145, x : x + 195]))
            # The scenes' names are lost for some: then the hash alone holds them together.
            group = f"scene {scene}" if scene % 2 else f"{scene}, {frame}"
            examples.append(example(view, group, float(scene % 4 == 0), float(scene % 4 == 1)))
    order = rng.permutation(len(examples)).tolist()
    assert len(leaks(examples, [order[20:], order[:20]])) > 30
    train, held_out = split_scenes(examples, 0.25, seed=0)
    assert leaks(examples, [train, held_out]) == []
    assert sorted([*train, *held_out]) == list(range(80)) and len(held_out) == 20
    assert torch.stack([examples[index].labels for index in held_out]).sum(0).tolist() == [5, 5]
    assert split_scenes(examples[:1], 0.5, seed=0) == ([0], [])
