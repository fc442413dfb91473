"""The network: any size in, gradients where they should go, the same after saving, damage refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from classifiers.attack import attack
from classifiers.augment import pair_up, recolor, roughen, warp
from classifiers.model import ElementClassifiers, SmallBackbone, letterbox
from pages.errors import WeightsError

NAMES = ["Hero", "Dragon", "Castle"]


def network(backbone: nn.Module | None = None) -> ElementClassifiers:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ElementClassifiers(backbone, NAMES, image_size=32).eval()


def test_the_small_trunk_is_small() -> None:
    assert 300_000 <= sum(parameter.numel() for parameter in SmallBackbone().parameters()) <= 500_000


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 3))
def test_pictures_of_any_size(height: int, width: int, count: int) -> None:
    logits = network()(torch.rand(count, 3, height, width))
    assert logits.shape == (count, 3) and bool(logits.isfinite().all())


def test_a_letterbox_keeps_proportions_on_white_paper() -> None:
    boxed = letterbox(torch.zeros(1, 3, 20, 80), 40)[0, 0]
    assert boxed.shape == (40, 40)
    assert boxed[15:25].eq(0).all() and boxed[:15].eq(1).all() and boxed[25:].eq(1).all()
    image = torch.rand(1, 3, 40, 40)
    assert torch.equal(letterbox(image, 40), image)


def test_gradients_reach_the_picture_and_no_frozen_parameter() -> None:
    backbone = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.SiLU())
    classifiers = network(backbone)
    classifiers.train()
    before = [tensor.clone() for tensor in backbone.state_dict().values()]
    images = torch.rand(2, 3, 50, 70, requires_grad=True)
    classifiers(images).sum().backward()
    assert images.grad is not None and bool((images.grad.flatten(1).norm(dim=1) > 0).all())
    assert all(parameter.grad is None for parameter in backbone.parameters())
    assert all(parameter.grad is not None for parameter in classifiers.heads.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, backbone.state_dict().values(), strict=True))


def test_gradients_are_the_derivatives() -> None:
    classifiers = ElementClassifiers(
        nn.Conv2d(3, 4, 3, stride=2).double(), ["Hero", "Dragon"], image_size=8
    ).double()
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(1, 3, 6, 9, dtype=torch.float64, generator=generator, requires_grad=True)
    assert torch.autograd.gradcheck(classifiers, (images,))


@pytest.mark.parametrize("own", [True, False])
def test_saved_and_loaded_it_answers_bit_for_bit_the_same(tmp_path: Path, own: bool) -> None:
    backbone = None if own else nn.Conv2d(3, 8, 3, stride=2)
    classifiers = network(backbone)
    classifiers.temperature.fill_(1.7)
    images = torch.rand(2, 3, 40, 56)
    for _ in range(2):  # the second time over the first
        classifiers.save(tmp_path / "classifiers")
    loaded = ElementClassifiers.load(tmp_path / "classifiers", backbone)
    assert torch.equal(loaded(images), classifiers(images))
    assert loaded.element_names == tuple(NAMES) and loaded.image_size == 32
    assert sorted(path.name for path in tmp_path.iterdir()) == ["classifiers"]
    stored = (tmp_path / "classifiers" / "classifiers.safetensors").stat().st_size
    assert stored < 200_000 or own  # the trunk that was handed in is not in it


def test_another_trunk_is_refused(tmp_path: Path) -> None:
    network(nn.Conv2d(3, 8, 3)).save(tmp_path / "a")
    for other in (None, nn.Conv2d(3, 8, 3)):
        with pytest.raises(WeightsError, match="another backbone"):
            ElementClassifiers.load(tmp_path / "a", other)


@pytest.mark.parametrize(
    "damage",
    [
        ("classifiers.safetensors", None),
        ("classifiers.json", None),
        ("classifiers.json", b"{"),
        ("classifiers.json", b"\xff\xfe"),
        ("classifiers.json", b"[]"),
        ("classifiers.safetensors", b""),
        ("classifiers.safetensors", b"\x00" * 400),
        ("version", 99),
        ("elements", []),
        ("elements", ["Hero"]),
        ("elements", "Hero"),
        ("image_size", "32"),
        ("image_size", 10**9),
        ("sha256", None),
    ],
)
def test_a_damaged_folder_is_refused(tmp_path: Path, damage: tuple[str, object]) -> None:
    name, value = damage
    network().save(tmp_path)
    if (tmp_path / name).suffix:
        if isinstance(value, bytes):
            (tmp_path / name).write_bytes(value)
        else:
            (tmp_path / name).unlink()
    else:
        config = json.loads((tmp_path / "classifiers.json").read_text())
        (tmp_path / "classifiers.json").write_text(json.dumps({**config, name: value}))
    with pytest.raises(WeightsError) as refused:
        ElementClassifiers.load(tmp_path)
    assert "train" in refused.value.remedy


def test_an_attack_stays_in_its_ball_and_hurts() -> None:
    classifiers = network()
    images, labels = torch.rand(4, 3, 32, 32), torch.ones(4, 3)

    def loss(pictures: Tensor) -> Tensor:
        return nn.functional.binary_cross_entropy_with_logits(classifiers(pictures), labels)

    for steps in (1, 4):
        changed = attack(classifiers, images, labels, torch.ones(4, 3), radius=0.5, steps=steps)
        assert bool(((changed - images).flatten(1).norm(dim=1) <= 0.5 + 1e-4).all())
        assert float(changed.min()) >= 0 and float(changed.max()) <= 1
        assert loss(changed) > loss(images)
    unknown = attack(classifiers, images, labels, torch.zeros(4, 3), radius=0.5, steps=2)
    assert torch.allclose(unknown, images)


@pytest.mark.parametrize("change", [recolor, roughen, lambda images, g: warp(images, 48, g)])
def test_views_are_pictures_and_repeat_with_the_seed(change: object) -> None:
    images = torch.rand(8, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    first, again, other = (
        change(images.clone(), torch.Generator().manual_seed(seed))  # type: ignore[operator]
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert first.shape == images.shape and float(first.min()) >= 0 and float(first.max()) <= 1.001


def test_two_pictures_on_one_sheet_show_what_either_shows() -> None:
    black, gray = torch.zeros(1, 3, 20, 20), torch.full((1, 3, 20, 20), 0.5)
    labels, others = torch.tensor([[1.0, 0.0, 0.0, 1.0]]), torch.tensor([[0.0, 0.0, 0.0, 0.0]])
    known, other_known = torch.tensor([[1.0, 1.0, 1.0, 1.0]]), torch.tensor([[0.0, 1.0, 0.0, 1.0]])
    sheet, union, both = pair_up(
        (black, labels, known), (gray, others, other_known), torch.Generator().manual_seed(0)
    )
    assert union.tolist() == [[1, 0, 0, 1]] and both.tolist() == [[1, 1, 0, 1]]
    assert int(sheet[0, 0].sub(0.5).abs().lt(1e-4).sum()) == 81 and int(sheet[0, 0].eq(0).sum()) > 180
