"""The encoder that classifiers stand on by default: the embedded CLIP's own maps, frozen, in one piece."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch.nn import functional as F

from classifiers.model import ElementClassifiers, backbone_id
from comicloss.encoder import EmbeddedEncoder
from styles.clip import load_clip


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("size", [64, 128, 192])
def test_a_map_of_a_cell_for_each_sixteen_pixels(size: int) -> None:
    with torch.no_grad():
        assert EmbeddedEncoder()(torch.rand(2, 3, size, size)).shape == (2, 288, size // 16, size // 16)


def test_it_sees_what_the_clip_sees() -> None:
    """The tower's maps at half and three quarters of its depth, the first at half its size."""
    images = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        maps = load_clip().features(images, count=5)
        seen = EmbeddedEncoder()(images)
    fine, coarse = maps[2], maps[3]
    assert torch.equal(seen[:, fine.shape[1] :], coarse)
    halves = fine.reshape(1, fine.shape[1], 6, 2, 6, 2).mean(dim=(3, 5))
    assert torch.allclose(seen[:, : fine.shape[1]], halves, atol=1e-5)
    assert torch.allclose(halves, F.interpolate(fine, scale_factor=0.5, mode="area"), atol=1e-5)


def test_it_is_frozen_and_lets_gradients_through_to_the_picture() -> None:
    encoder = EmbeddedEncoder().train()
    classifiers = ElementClassifiers(encoder, ["Hero"], image_size=64)
    classifiers.train()
    assert not encoder.training and classifiers.heads.training
    images = torch.rand(1, 3, 64, 64, requires_grad=True)
    classifiers(images).sum().backward()
    assert images.grad is not None and float(images.grad.norm()) > 0
    assert all(parameter.grad is None for parameter in encoder.parameters())


def test_its_identity_is_that_of_its_weights() -> None:
    first, second = EmbeddedEncoder(), EmbeddedEncoder()
    assert backbone_id(first) == backbone_id(second)
    with torch.no_grad():
        next(second.clip.model.visual.parameters()).add_(1e-3)
    assert backbone_id(first) != backbone_id(second)
    assert not any("transformer" in name for name in first.state_dict())  # it reads no words
