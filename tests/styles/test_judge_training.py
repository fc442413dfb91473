"""The judge's scenes, its network and its training."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from styles.embedded import train_judge
from styles.embedded.judge import JUDGE_STYLES, JudgeNetwork, describe, load_judge, mirror
from styles.embedded.judge_scenes import Identity, draw_identities, render, render_scene
from styles.embedded.train_judge import (
    Recipe,
    _views,
    discriminants,
    disturb,
    measure,
    render_views,
    train_style,
)

TINY = Recipe(identities=4, unseen=4, views=3, pictures_per_step=6, steps=4, checkpoint_every=2)


def test_an_identity_is_drawn_the_same_again_and_differently_in_another_variation() -> None:
    for kind in ("person", "creature", "building", "thing"):
        one = Identity(kind, 7)
        first, again, other = render(one, 0, size=64), render(one, 0, size=64), render(one, 1, size=64)
        assert first.color.shape == (64, 64, 3)
        assert first.lines.shape == (64, 64)
        assert np.array_equal(first.inked, again.inked)
        assert np.abs(first.inked - other.inked).mean() > 0.02
        assert 0.01 < first.lines.mean() < 0.5


def test_identities_are_distinct_and_of_every_kind() -> None:
    identities = draw_identities(80, 1)
    assert len(set(identities)) == 80
    assert {identity.kind for identity in identities} == {"person", "creature", "building", "thing"}
    assert not set(identities) & set(draw_identities(80, 2))


def test_a_scene_shows_its_identities() -> None:
    cast = draw_identities(2, 5)
    empty = render_scene([], 3, height=60, width=100)
    full = render_scene(cast, 3, height=60, width=100)
    assert full.inked.shape == (60, 100, 3)
    assert full.lines.mean() > empty.lines.mean()


def test_discriminants_find_what_identities_differ_in_and_ignore_what_varies() -> None:
    generator = torch.Generator().manual_seed(0)
    own = torch.randn(60, 1, 2, generator=generator).expand(60, 5, 2)
    noise = torch.randn(60, 5, 3, generator=generator) * torch.tensor([0.1, 0.1, 30.0])
    mixed = torch.randn(4, 4, generator=generator)  # the descriptor shows neither plainly
    descriptors = torch.cat([own + noise[..., :2], noise[..., 2:], torch.zeros(60, 5, 1)], 2) @ mixed + 3.0
    center, directions = discriminants(descriptors, 2, 1e-6)
    assert directions.shape == (4, 2)
    torch.testing.assert_close(center, descriptors.mean((0, 1)))
    found = (descriptors - center) @ directions
    torch.testing.assert_close(
        (found - found.mean(1, keepdim=True)).std(), torch.tensor(1.0), atol=0.2, rtol=0
    )
    assert float(found.mean(1).std()) > 5  # identities stand far apart, whatever the loud third number says
    known = torch.linalg.lstsq(torch.cat([found.mean(1), torch.ones(60, 1)], 1), own[:, 0]).solution
    recalled = torch.cat([found.mean(1), torch.ones(60, 1)], 1) @ known
    assert float((recalled - own[:, 0]).std()) < 0.1


def test_the_descriptor_sees_the_same_contour_in_black_on_white_and_white_on_black() -> None:
    ink = torch.from_numpy(render(Identity("person", 3), 0, size=64).lines)[None, None]
    black, white = describe((1 - ink).expand(1, 3, 64, 64)), describe(ink.expand(1, 3, 64, 64))
    torch.testing.assert_close(black[0], white[0], atol=1e-4, rtol=1e-3)
    assert not torch.allclose(black[2], white[2], atol=0.1)


def test_the_mirrored_description_is_that_of_the_mirrored_picture() -> None:
    picture = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    for expected, got in zip(describe(picture.flip(-1)), mirror(describe(picture)), strict=True):
        torch.testing.assert_close(got, expected, atol=1e-4, rtol=1e-3)
    network = JudgeNetwork()
    torch.testing.assert_close(
        network.identity(picture), network.identity(picture.flip(-1)), atol=1e-3, rtol=1e-3
    )


def test_the_network_takes_any_size_and_returns_unit_vectors() -> None:
    network = JudgeNetwork().eval()
    assert sum(parameter.numel() for parameter in network.parameters()) < 1_500_000
    for size in ((96, 96), (50, 130)):
        identity, style = network.identity(torch.rand(2, 3, *size)), network.style(torch.rand(2, 3, *size))
        assert identity.shape == (2, network.identity_width)
        assert style.shape == (2, network.style_width)
        torch.testing.assert_close(identity.norm(dim=1), torch.ones(2))
        torch.testing.assert_close(style.norm(dim=1), torch.ones(2))
        assert network.patch_features(torch.rand(2, 3, *size)).shape == (2, 20, 8, 8)
    with pytest.raises(KeyError, match="watercolor"):
        network.style_prototype("fresco")


def test_disturbing_stays_in_range_and_is_decided_by_the_generator() -> None:
    images = torch.rand(4, 3, 96, 96, generator=torch.Generator().manual_seed(1))
    first = disturb(images, torch.Generator().manual_seed(2))
    assert first.shape == images.shape
    assert 0 <= float(first.min()) <= float(first.max()) <= 1
    assert torch.equal(first, disturb(images, torch.Generator().manual_seed(2)))


def test_a_killed_training_ends_bitwise_where_an_unbroken_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = _views(tmp_path / "seen", draw_identities(TINY.identities, 1), TINY)
    assert seen.pictures.shape == (4, 3, 3, 96, 96)
    assert all(len(set(row)) == TINY.views for row in seen.styles.tolist())
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    expected = train_style(seen, TINY, whole).state_dict()

    class KilledError(Exception):
        pass

    calls = iter(range(100))

    def dies(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        if next(calls) == 3:  # after the checkpoint at step 2, within step 4
            raise KilledError
        return disturb(images, generator)

    monkeypatch.setattr(train_judge, "disturb", dies)
    with pytest.raises(KilledError):
        train_style(seen, TINY, broken)
    monkeypatch.setattr(train_judge, "disturb", disturb)
    resumed = train_style(seen, TINY, broken).state_dict()
    assert all(torch.equal(resumed[name], expected[name]) for name in expected)


def test_measuring_a_network_that_knows_nothing_gives_chance_and_one_that_knows_all_gives_one() -> None:
    recipe = dataclasses.replace(TINY, unseen=32, views=2)
    random = np.random.default_rng(0)
    pictures = random.integers(0, 255, (32, 2, 3, 96, 96), dtype=np.uint8)
    styles = random.integers(0, len(JUDGE_STYLES), (32, recipe.views))
    noise = measure(JudgeNetwork(), train_judge.Views(pictures, styles))
    assert noise["retrieval_32_mixed"] < 0.3
    assert noise["style_top1"] < 0.3
    pictures[:, 1] = pictures[:, 0]
    same = measure(JudgeNetwork(), train_judge.Views(pictures, styles))
    assert same["retrieval_32_mixed"] == 1


def test_the_shipped_judge_knows_styles_and_identities_it_was_not_trained_on() -> None:
    recipe = Recipe(seed=7, views=3)
    identities = draw_identities(16, 99)
    found = measure(load_judge(), train_judge.Views(*render_views(identities, recipe)))
    assert found["style_top1"] > 0.7
    assert found["margin"] > 0.05
