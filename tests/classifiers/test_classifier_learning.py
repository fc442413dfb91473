"""Colored shapes, a problem small enough to be learned within seconds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from classifiers.calibrate import UNKNOWN, Expected
from classifiers.data import Example
from classifiers.train import Trained, train_classifiers
from pages.errors import InputError, Stopped

NAMES = ("red disk", "blue square")


def picture(
    disk: bool, square: bool, generator: torch.Generator, height: int = 72, width: int = 96
) -> Tensor:
    """Paper, a gray bar that means nothing, and perhaps a red disk and a blue square, anywhere."""

    def draw(low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand((), generator=generator))

    image = torch.full((3, height, width), draw(0.8, 1.0))
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    image[:, int(draw(0, height - 8)) :][:, :6] = 0.6
    if square:
        side, left, top = draw(14, 24), draw(2, width - 28), draw(2, height - 28)
        inside = (x > left) & (x < left + side) & (y > top) & (y < top + side)
        image = torch.where(inside, torch.tensor([0.15, 0.2, 0.85])[:, None, None], image)
    if disk:
        radius = draw(8, 12)
        inside = (x - draw(14, width - 14)) ** 2 + (y - draw(14, height - 14)) ** 2 < radius**2
        image = torch.where(inside, torch.tensor([0.85, 0.1, 0.15])[:, None, None], image)
    return image


def shapes(count: int, seed: int) -> list[Example]:
    generator = torch.Generator().manual_seed(seed)
    examples = []
    for index in range(count):
        disk, square = bool(index % 2), bool(index // 2 % 2)
        labels = torch.tensor([float(disk), float(square)])
        image = picture(disk, square, generator)
        examples.append(Example(image, labels, torch.ones(2), group=f"{seed}-{index}"))
    return examples


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Pictures this small are quicker on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Encoder(nn.Module):
    """A stand-in for an encoder: fixed random features."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(5)
        self.layer = nn.Conv2d(3, 24, 5, stride=4)
        self.layer.weight.data = torch.randn(24, 3, 5, 5, generator=generator) / 9
        self.layer.bias = nn.Parameter(torch.randn(24, generator=generator) / 4)

    def forward(self, images: Tensor) -> Tensor:
        return torch.tanh(self.layer(images * 2 - 1))


def train(
    examples: list[Example], *, seed: int = 0, steps: int = 30, backbone: nn.Module | None = None
) -> Trained:
    return train_classifiers(examples, NAMES, backbone=backbone, seed=seed, steps=steps, image_size=64)


def accuracy(trained: Trained, unseen: list[Example]) -> float:
    with torch.no_grad():
        logits = trained.classifiers(torch.stack([example.image for example in unseen]))
    return float(((logits > 0) == (torch.stack([example.labels for example in unseen]) > 0.5)).float().mean())


def weights(trained: Trained) -> list[Tensor]:
    return list(trained.classifiers.state_dict().values())


def test_colored_shapes_are_recognized_in_pictures_never_seen() -> None:
    trained = train(shapes(24, seed=1), steps=60, backbone=Encoder())
    assert accuracy(trained, shapes(60, seed=2)) > 0.9
    assert trained.report.folds == 4
    assert [row.positives + row.negatives for row in trained.report.elements] == [24, 24]
    assert all(row.average_precision is not None for row in trained.report.elements)
    assert trained.held_out.shape == (24, 2) and bool(((trained.held_out > 0) & (trained.held_out < 1)).all())


def test_without_a_trunk_they_are_recognized_too() -> None:
    examples = [Example(e.image, e.labels, e.known, "one page") for e in shapes(24, seed=1)]
    assert accuracy(train(examples, steps=60), shapes(60, seed=2)) > 0.9


def test_the_same_seed_gives_bitwise_the_same_weights() -> None:
    examples = shapes(4, seed=1)
    first, again, other = (train(examples, seed=seed, steps=2) for seed in (3, 3, 4))
    assert all(torch.equal(a, b) for a, b in zip(weights(first), weights(again), strict=True))
    assert torch.equal(first.held_out, again.held_out) and first.report == again.report
    assert not all(torch.equal(a, b) for a, b in zip(weights(first), weights(other), strict=True))


def test_training_leaves_the_random_numbers_of_others_alone() -> None:
    torch.manual_seed(9)
    expected = torch.rand(4)
    torch.manual_seed(9)
    train(shapes(4, seed=1), steps=2)
    assert torch.equal(torch.rand(4), expected)


def test_a_label_that_is_not_known_never_matters() -> None:
    def with_unknown(label: float) -> list[Example]:
        examples = shapes(6, seed=1)
        for index in (1, 4):
            known, labels = torch.tensor([1.0, 0.0]), examples[index].labels.clone()
            labels[1] = label
            examples[index] = Example(examples[index].image, labels, known, examples[index].group)
        return examples

    shown, absent = (train(with_unknown(label), steps=4, backbone=Encoder()) for label in (1.0, 0.0))
    assert all(torch.equal(a, b) for a, b in zip(weights(shown), weights(absent), strict=True))
    assert shown.report == absent.report


def test_a_trunk_that_is_handed_in_stays_as_it_was() -> None:
    encoder = Encoder()
    before = [tensor.clone() for tensor in encoder.state_dict().values()]
    train(shapes(6, seed=1), steps=4, backbone=encoder)
    assert all(torch.equal(a, b) for a, b in zip(before, encoder.state_dict().values(), strict=True))


def test_style_views_are_drawn_once_and_measured() -> None:
    seen: list[int] = []

    def inverted(images: Tensor, generator: torch.Generator) -> Tensor:
        seen.append(len(images))
        return 1 - images

    trained = train_classifiers(
        shapes(6, seed=1), NAMES, backbone=Encoder(), style_views=inverted, seed=0, steps=4, image_size=64
    )
    assert sum(seen) == 6  # one of the views of each
    assert trained.report.accuracy_stylized is not None


def test_one_scene_is_learned_but_not_measured() -> None:
    examples = [Example(e.image, e.labels, e.known, "one page") for e in shapes(4, seed=1)]
    trained = train(examples, steps=4, backbone=Encoder())
    assert trained.report.folds == 0 and trained.report.accuracy is None
    assert [row["note"] for row in trained.report.table()] == ["too few to tell"] * 2
    assert bool(trained.held_out.isnan().all())


def test_where_nothing_can_be_held_out_the_trunk_says_what_to_expect() -> None:
    """Each element in one picture alone, so that nobody who has learned it can judge it."""

    class Known(Encoder):
        expected = Expected(temperature=0.7, offset=1.1)

    labels = torch.eye(2)
    alone = [replace(example, labels=labels[row]) for row, example in enumerate(shapes(4, 1)[1:3])]
    for encoder, expected in ((Known(), Known.expected), (Encoder(), UNKNOWN)):
        options = {"backbone": encoder, "seed": 0, "steps": 2, "rounds": 0, "image_size": 64}
        trained = train_classifiers(alone, NAMES, **options).classifiers
        assert trained.temperature.tolist() == pytest.approx([expected.temperature] * 2)
        assert trained.offset.tolist() == pytest.approx([expected.offset] * 2)


def test_an_element_without_both_sides_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="blue square"):
        train(shapes(2, seed=1))
    with pytest.raises(InputError, match="no elements"):
        train_classifiers([], [], backbone=None, seed=0)
    with pytest.raises(InputError, match="2 labels for 1 elements"):
        train_classifiers(shapes(4, seed=1), ["red disk"], backbone=None, seed=0)


def test_progress_reaches_its_end_and_stop_stops() -> None:
    calls: list[tuple[int, int]] = []

    def stop() -> bool:
        return len(calls) > 5

    def progress(done: int, total: int, what: str) -> None:
        calls.append((done, total))

    with pytest.raises(Stopped):
        train_classifiers(
            shapes(4, seed=1),
            NAMES,
            backbone=Encoder(),
            seed=0,
            steps=4,
            image_size=64,
            progress=progress,
            stop=stop,
        )
    assert len(calls) == 6
    told: list[tuple[int, int, str]] = []
    train_classifiers(
        shapes(4, seed=1),
        NAMES,
        backbone=Encoder(),
        seed=0,
        steps=4,
        rounds=2,
        image_size=64,
        progress=lambda *step: told.append(step),
    )
    fitting = [(done, total) for done, total, what in told if what.startswith(("training", "hardening"))]
    assert fitting == [(done, 8) for done in range(1, 9)]  # 4 steps, and half as many after each attack
    assert told[-1][:2] == (8, 8)
