"""ResNets of the published tables, and their weights."""

from __future__ import annotations

from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file
from torchvision import models, transforms
from torchvision.models.feature_extraction import create_feature_extractor

from classifiers.data import Example
from classifiers.resnet_weights import frozen_features, load_weights, resnet
from classifiers.resnets import PUBLISHED_RECIPE, Recipe, resnet_from_scratch, train_resnet
from pages.errors import Stopped, WeightsError

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


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(5)
    return models.resnet18().state_dict()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, state: dict[str, torch.Tensor]) -> Path:
    place = tmp_path_factory.mktemp("weights")
    torch.save(state, place / "resnet18-f37072fd.pth")
    save_file(state, place / "mine.safetensors")
    (place / "resnet34.pth").write_bytes(b"no zip")
    torch.save(ValueError, place / "code.pth")
    return place


@pytest.mark.parametrize("name", ["", "resnet18-f37072fd.pth", "mine.safetensors"])
def test_weights_come_from_files_and_folders(folder: Path, state: dict[str, torch.Tensor], name: str) -> None:
    found = load_weights("resnet18", str(folder / name))
    assert set(state) - set(found) == {"fc.weight", "fc.bias"}
    assert all(torch.equal(found[key], state[key]) for key in found)


@pytest.mark.parametrize(
    ("network", "name"),
    [
        ("resnet18", "nothing"),
        ("resnet50", ""),
        ("resnet34", ""),
        ("resnet18", "code.pth"),
        ("resnet34", "mine.safetensors"),
    ],
)
def test_other_files_are_refused(folder: Path, network: str, name: str) -> None:
    with pytest.raises(WeightsError) as caught:
        load_weights(network, str(folder / name))
    assert caught.value.remedy


def test_torchvisions_weights_come_from_its_cache_or_are_refused_with_the_place(
    folder: Path, state: dict[str, torch.Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*args: object, **options: object) -> None:
        raise URLError("no net")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(WeightsError, match=r"no net[\s\S]*resnet18-f37072fd\.pth"):
        load_weights("resnet18", "torchvision")
    cache = tmp_path / "hub" / "checkpoints"
    cache.mkdir(parents=True, exist_ok=True)
    (cache / "resnet18-f37072fd.pth").hardlink_to(folder / "resnet18-f37072fd.pth")
    assert torch.equal(load_weights("resnet18", "torchvision")["conv1.weight"], state["conv1.weight"])


def test_frozen_features_are_those_before_the_last_layer(
    folder: Path, state: dict[str, torch.Tensor]
) -> None:
    weights = load_weights("resnet18", str(folder))
    images = torch.rand(2, 3, 64, 64)
    reference = models.resnet18()
    reference.load_state_dict(state)
    normalize = transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    extractor = create_feature_extractor(reference.eval(), {"flatten": "features"})
    expected = extractor(normalize(images))["features"]
    torch.testing.assert_close(frozen_features("resnet18", weights)(images), expected)
    assert resnet("resnet18", weights, outputs=7)(images).shape == (2, 7)
