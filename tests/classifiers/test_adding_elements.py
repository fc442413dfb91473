"""One more element: its own head is trained, and nothing else moves."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from classifiers.data import Example
from classifiers.model import ElementClassifiers
from classifiers.train import add_elements, train_classifiers
from pages.errors import InputError

COLORS = {"red": (0.9, 0.1, 0.1), "green": (0.1, 0.7, 0.2), "blue": (0.1, 0.2, 0.9)}


class Colors(nn.Module):
    """A stand-in for an encoder: colors, by cells of eight pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, images: Tensor) -> Tensor:
        seen = nn.functional.avg_pool2d(images, 8)
        return torch.cat([seen, seen.square(), seen.roll(1, 1) * seen], dim=1)


def disks(names: list[str], count: int, seed: int) -> list[Example]:
    """Pictures of one disk each, of every color in turn, and of nothing."""
    generator = torch.Generator().manual_seed(seed)
    y, x = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    made = []
    for index in range(count):
        shown = [*names, ""][index % (len(names) + 1)]
        image = torch.ones(3, 64, 64)
        if shown:
            cx, cy = (16 + 32 * torch.rand(2, generator=generator)).tolist()
            inside = (x - cx) ** 2 + (y - cy) ** 2 < 150
            image = torch.where(inside, torch.tensor(COLORS[shown])[:, None, None], image)
        labels = torch.tensor([float(name == shown) for name in names])
        made.append(Example(image, labels, torch.ones(len(names)), f"{seed}-{index}"))
    return made


@pytest.fixture(scope="module")
def two() -> ElementClassifiers:
    examples = disks(["red", "blue"], 12, 1)
    options = {"seed": 0, "steps": 20, "rounds": 0, "image_size": 64}
    return train_classifiers(examples, ["red", "blue"], backbone=Colors(), **options).classifiers


def test_the_others_answer_bit_for_bit_as_before(two: ElementClassifiers, tmp_path: Path) -> None:
    before = {name: tensor.clone() for name, tensor in two.state_dict().items()}
    names = ["red", "green", "blue"]
    trained = add_elements(two, disks(names, 16, 2), names, seed=0, steps=30, rounds=0)
    more, images = trained.classifiers, torch.stack([e.image for e in disks(names, 12, 3)])
    assert more.element_names == tuple(names)
    with torch.no_grad():
        assert torch.equal(more.members(images)[..., [0, 2]], two.members(images))
    assert all(torch.equal(before[name], tensor) for name, tensor in two.state_dict().items())
    more.save(tmp_path / "more")
    loaded = ElementClassifiers.load(tmp_path / "more", Colors())
    assert torch.equal(loaded(images), more(images))


def test_the_new_one_is_recognized_and_measured_alone(two: ElementClassifiers) -> None:
    names = ["red", "green", "blue"]
    trained = add_elements(two, disks(names, 24, 2), names, seed=0, steps=40, rounds=0)
    assert [row.element for row in trained.report.elements] == ["green"]
    assert bool(trained.held_out[:, [0, 2]].isnan().all()) and not bool(trained.held_out[:, 1].isnan().any())
    unseen = disks(names, 40, 5)
    with torch.no_grad():
        said = trained.classifiers(torch.stack([e.image for e in unseen]))[:, 1] > 0
    assert float((said == torch.stack([e.labels for e in unseen])[:, 1].bool()).float().mean()) >= 0.9


def test_a_new_one_without_both_sides_is_refused(two: ElementClassifiers) -> None:
    names = ["red", "blue", "green"]
    nowhere = disks(["red", "blue"], 8, 1)
    nowhere = [
        Example(e.image, torch.cat([e.labels, torch.zeros(1)]), torch.ones(3), e.group) for e in nowhere
    ]
    with pytest.raises(InputError, match="green"):
        add_elements(two, nowhere, names, seed=0)
