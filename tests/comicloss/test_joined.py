"""Several classifiers as one, in the order of the story."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from comicloss.joined import JoinedClassifiers


class Part(nn.Module):
    """Logits that name their place: 100 times the part, 10 times the member, then the column."""

    def __init__(self, number: int, names: tuple[str, ...], members: int, cells: int) -> None:
        super().__init__()
        self.number, self.element_names, self.count, self.cells = number, names, members, cells

    def forward(self, images: Tensor) -> Tensor:
        columns = 100.0 * self.number + torch.arange(len(self.element_names)).float()
        return columns.expand(len(images), -1) + images.mean(dim=(1, 2, 3))[:, None]

    def members(self, images: Tensor) -> Tensor:
        return torch.stack([self(images) + 10 * member for member in range(self.count)])

    def evidence(self, images: Tensor) -> Tensor:
        shape = (len(images), len(self.element_names), self.cells, self.cells)
        maps = torch.rand(shape, generator=torch.Generator().manual_seed(self.number))
        return maps / maps.sum(dim=(2, 3), keepdim=True)


@pytest.fixture
def joined() -> JoinedClassifiers:
    family = Part(1, ("Dragon", "Zoe\u0308", "Ghost"), members=3, cells=4)
    own = Part(2, ("Castle", "Hero"), members=2, cells=8)
    return JoinedClassifiers(
        [
            (family, [("Zoe\u0308", "Zoë"), ("Dragon", "Dragon")]),
            (own, [("Castle", "Castle"), ("Hero", "Hero")]),
        ],
        ("Hero", "Dragon", "Castle", "Zoë"),
    )


def test_each_part_answers_for_its_own_in_the_storys_order(joined: JoinedClassifiers) -> None:
    images = torch.zeros(2, 3, 5, 7, requires_grad=True)
    logits = joined(images)
    assert logits.tolist() == [[201, 100, 200, 101]] * 2
    logits.sum().backward()
    assert images.grad is not None and bool((images.grad > 0).all())


def test_a_part_with_fewer_members_repeats_its_own(joined: JoinedClassifiers) -> None:
    assert joined.members(torch.zeros(1, 3, 4, 4))[:, 0].tolist() == [
        [201, 100, 200, 101],
        [211, 110, 210, 111],
        [201, 120, 200, 121],
    ]


def test_evidence_of_coarse_parts_is_spread(joined: JoinedClassifiers) -> None:
    images = torch.zeros(2, 3, 4, 4)
    found = joined.evidence(images)
    assert found.shape == (2, 4, 8, 8) and bool((found >= 0).all())
    assert torch.allclose(found.sum(dim=(2, 3)), torch.ones(2, 4))
    own = list(joined.parts)[1].evidence(images)  # type: ignore[operator]
    assert torch.equal(found[:, 0], own[:, 1]) and torch.equal(found[:, 2], own[:, 0])
