"""StyleNet: what one pixel depends on, tiles, the text encoder."""

from __future__ import annotations

import pytest
import torch

from styles.registry import load_stylenet
from styles.screens import NAMES, screens
from styles.stylenet import StyleNet


@pytest.fixture(scope="module")
def network() -> StyleNet:
    return load_stylenet()


def _draw(network: StyleNet, art: torch.Tensor, x: int = 0, y: int = 0) -> torch.Tensor:
    planes = screens(torch.tensor([[x, y]]), art.shape[-2], art.shape[-1])
    with torch.no_grad():
        return network(art, planes, network.embed(["watercolor painting"]))


def test_size_is_as_planned(network: StyleNet) -> None:
    size = sum(value.numel() for value in network.parameters())
    moved = sum(value.numel() for value in network.adapters().values())
    assert 500_000 <= size <= 2_000_000
    assert moved <= 0.1 * size


def test_a_pixel_depends_on_the_receptive_field_and_no_more(network: StyleNet) -> None:
    planes = screens(torch.zeros(1, 2, dtype=torch.long), 160, 160)
    reach = 0
    for place in range(80, 84):
        art = torch.rand(1, 3, 160, 160, generator=torch.Generator().manual_seed(place)).requires_grad_()
        drawn = network(art, planes, network.embed(["manga"]))
        (gradient,) = torch.autograd.grad(drawn[0, :, place, place].sum(), art)
        rows = gradient.abs().sum(dim=(0, 1, 3)).nonzero().flatten()
        reach = max(reach, place - int(rows.min()), int(rows.max()) - place)
    assert 2 * reach + 1 == network.receptive_field <= 96


def test_a_tile_with_a_halo_is_exactly_the_whole(network: StyleNet) -> None:
    art = torch.rand(1, 3, 176, 176, generator=torch.Generator().manual_seed(1))
    halo = -(-(network.receptive_field // 2) // network.total_stride) * network.total_stride
    whole = _draw(network, art)
    start, size = 64, 48
    tile = art[:, :, start - halo : start + size + halo, start - halo : start + size + halo]
    drawn = _draw(network, tile, start - halo, start - halo)[:, :, halo : halo + size, halo : halo + size]
    torch.testing.assert_close(
        drawn, whole[:, :, start : start + size, start : start + size], atol=2e-5, rtol=0
    )


def test_a_character_does_not_depend_on_its_background(network: StyleNet) -> None:
    generator = torch.Generator().manual_seed(2)
    light = torch.rand(1, 3, 200, 200, generator=generator) * 0.2 + 0.8
    dark = torch.rand(1, 3, 200, 200, generator=generator) * 0.2
    dark[:, :, 20:180, 20:180] = light[:, :, 20:180, 20:180]
    reach = network.receptive_field // 2
    inside = slice(20 + reach, 180 - reach)
    first, second = _draw(network, light), _draw(network, dark)
    assert (first - second).abs().max() > 0.1
    torch.testing.assert_close(first[..., inside, inside], second[..., inside, inside], atol=1e-5, rtol=0)


def test_sizes_that_are_no_multiple_of_the_stride_are_refused(network: StyleNet) -> None:
    with pytest.raises(ValueError, match="multiples of 4"):
        _draw(network, torch.rand(1, 3, 62, 64))


def test_hints_with_no_validity_change_nothing(network: StyleNet) -> None:
    art = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    planes = screens(torch.zeros(1, 2, dtype=torch.long), 64, 64)
    style = network.embed(["pop art"])
    with torch.no_grad():
        without = network(art, planes, style)
        ignored = network(art, planes, style, torch.rand(1, 3, 64, 64), torch.zeros(1, 1, 64, 64))
        used = network(art, planes, style, torch.ones(1, 3, 64, 64), torch.ones(1, 1, 64, 64))
    torch.testing.assert_close(without, ignored)
    assert (without - used).abs().max() > 0.01


def test_words_outside_the_vocabulary_do_not_join_a_text(network: StyleNet) -> None:
    known, same, other = network.embed(["watercolor painting", "Watercolor  painting!", "noir ink"])
    torch.testing.assert_close(known, same)
    assert (known - other).norm() > 0.1


def test_screens_are_anchored_to_the_page() -> None:
    whole = screens(torch.tensor([[8, 16]]), 96, 96)
    part = screens(torch.tensor([[8 + 40, 16 + 24]]), 32, 32)
    assert whole.shape == (1, len(NAMES), 96, 96)
    assert whole.min() >= 0 and whole.max() <= 1
    torch.testing.assert_close(part, whole[:, :, 24:56, 40:72], atol=1e-5, rtol=0)
