"""ResNets of the published tables."""

from __future__ import annotations

import pytest
import torch
from torchvision import models

from classifiers.data import Example
from classifiers.resnets import PUBLISHED_RECIPE, Recipe, resnet, resnet_from_scratch, train_resnet
from pages.errors import Stopped

NAMES = ["red", "blue"]


def squares(count: int = 8, *, known: float = 1) -> list[Example]:
    """Red ones and blue ones, on noise."""
    generator = torch.Generator().manual_seed(4)
    made = []
    for number in range(count):
        image = torch.rand(3, 32, 32, generator=generator) * 0.5
        blue = number % 2
        image[2 if blue else 0] += 0.5
        made.append(
            Example(image, torch.tensor([1.0 - blue, float(blue)]), torch.tensor([1.0, known]), str(number))
        )
    return made


def test_it_learns_from_nothing_and_the_seed_decides() -> None:
    examples = squares()
    images = [example.image for example in squares(12)]
    first = resnet_from_scratch(examples, NAMES, images, image_size=32, epochs=8, seed=1)
    again = resnet_from_scratch(examples, NAMES, images, image_size=32, epochs=8, seed=1)
    assert torch.equal(first, again)
    assert first.argmax(1).tolist() == [0, 1] * 6


def test_labels_that_are_not_known_teach_nothing() -> None:
    examples = squares(known=0)
    lies = [Example(e.image, torch.stack([e.labels[0], 1 - e.labels[1]]), e.known, e.group) for e in examples]
    images = [example.image for example in examples]
    told = resnet_from_scratch(examples, NAMES, images, image_size=32, epochs=1)
    assert torch.equal(told, resnet_from_scratch(lies, NAMES, images, image_size=32, epochs=1))


def test_it_stops() -> None:
    with pytest.raises(Stopped):
        resnet_from_scratch(squares(), NAMES, [], image_size=32, epochs=1, stop=lambda: True)


def test_the_published_recipe() -> None:
    assert Recipe(epochs=25, batch=4, rate=0.001, fine_tuning=True) == PUBLISHED_RECIPE


def test_the_published_steps_are_sgd_with_momentum_falling_every_seven_epochs() -> None:
    """A layer with no input has a gradient of its own bias alone, so that its path has a closed form."""

    class Bias(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.logits = torch.nn.Parameter(torch.zeros(2))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.logits.expand(len(images), 2)

    network = Bias()
    examples = [example for example in squares(4) if example.labels[0] == 1]
    train_resnet(
        network, examples, Recipe(16, batch=2, rate=0.1, fine_tuning=True), image_size=8, exclusive=True
    )
    value, speed = 0.0, 0.0
    for epoch in range(16):
        slope = torch.tensor([value, -value]).softmax(0)[0].item() - 1
        speed = 0.9 * speed + slope
        value -= 0.1 * 0.1 ** (epoch // 7) * speed
    torch.testing.assert_close(network.logits.detach(), torch.tensor([value, -value]), rtol=1e-4, atol=1e-5)


def test_it_starts_from_a_trunk_with_a_fresh_last_layer() -> None:
    trunk = models.resnet18()
    made = resnet("resnet18", trunk, outputs=7)
    others = {key: value for key, value in made.state_dict().items() if not key.startswith("fc.")}
    assert all(torch.equal(value, trunk.state_dict()[key]) for key, value in others.items())
    assert made(torch.rand(2, 3, 64, 64)).shape == (2, 7)
