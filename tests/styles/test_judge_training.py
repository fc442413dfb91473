"""The judge's scenes, its network and its training."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from styles.embedded import train_judge
from styles.embedded.judge import JUDGE_STYLES, JudgeNetwork
from styles.embedded.judge_scenes import Identity, draw_identities, portrait, render, render_scene
from styles.embedded.train_judge import Recipe, _views, contrast, disturb, measure, train

TINY = Recipe(
    identities=6, unseen=4, views=3, identities_per_step=3, views_per_identity=2, steps=4, checkpoint_every=2
)


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


def test_a_portrait_is_of_the_identity_alone() -> None:
    first, second = draw_identities(2, 3)
    assert portrait(first).shape == (16, 16, 3)
    assert np.array_equal(portrait(first), portrait(first))
    assert np.abs(portrait(first) - portrait(second)).mean() > 0.02
    assert portrait(first)[0].mean() > 0.7  # paper


def test_a_scene_shows_its_identities() -> None:
    cast = draw_identities(2, 5)
    empty = render_scene([], 3, height=60, width=100)
    full = render_scene(cast, 3, height=60, width=100)
    assert full.inked.shape == (60, 100, 3)
    assert full.lines.mean() > empty.lines.mean()


def test_contrast_is_the_published_formula() -> None:
    generator = torch.Generator().manual_seed(0)
    z = F.normalize(torch.randn(6, 4, generator=generator, dtype=torch.float64), dim=1)
    owners = [0, 0, 1, 1, 1, 0]
    expected = 0.0
    for i in range(6):  # Khosla et al. 2020, eq. 2, term by term
        denominator = sum(float((z[i] @ z[a] / 0.1).exp()) for a in range(6) if a != i)
        positives = [p for p in range(6) if p != i and owners[p] == owners[i]]
        expected -= sum(
            float(np.log(float((z[i] @ z[p] / 0.1).exp()) / denominator)) for p in positives
        ) / len(positives)
    assert float(contrast(z, torch.tensor(owners), 0.1)) == pytest.approx(expected / 6, rel=1e-9)


def test_the_network_takes_any_size_and_returns_unit_vectors() -> None:
    network = JudgeNetwork().eval()
    assert sum(parameter.numel() for parameter in network.parameters()) < 1_500_000
    for size in ((96, 96), (50, 130)):
        identity, style = network.identity(torch.rand(2, 3, *size)), network.style(torch.rand(2, 3, *size))
        assert identity.shape == (2, network.identity_width)
        assert style.shape == (2, network.style_width)
        torch.testing.assert_close(identity.norm(dim=1), torch.ones(2))
        torch.testing.assert_close(style.norm(dim=1), torch.ones(2))
        assert network.patch_features(torch.rand(2, 3, *size)).shape == (2, 128, 8, 8)
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
    unseen = _views(tmp_path / "unseen", draw_identities(TINY.unseen, 2), TINY)
    assert seen.pictures.shape == (6, 3, 3, 96, 96)
    assert all(len(set(row)) == TINY.views for row in seen.styles.tolist())
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    expected = train(seen, unseen, TINY, whole).state_dict()

    class KilledError(Exception):
        pass

    calls = iter(range(100))

    def dies(*arguments: torch.Tensor) -> torch.Tensor:
        if next(calls) == 3:  # after the checkpoint at step 2, within step 4
            raise KilledError
        return contrast(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(train_judge, "contrast", dies)
    with pytest.raises(KilledError):
        train(seen, unseen, TINY, broken)
    monkeypatch.setattr(train_judge, "contrast", contrast)
    resumed = train(seen, unseen, TINY, broken).state_dict()
    assert all(torch.equal(resumed[name], expected[name]) for name in expected)


def test_measuring_a_network_that_knows_nothing_gives_chance_and_one_that_knows_all_gives_one() -> None:
    recipe = dataclasses.replace(TINY, unseen=32, views=2)
    random = np.random.default_rng(0)
    pictures = random.integers(0, 255, (32, 2, 3, 96, 96), dtype=np.uint8)
    styles = random.integers(0, len(JUDGE_STYLES), (32, recipe.views))
    nothing = np.zeros((32, 768), dtype=np.float32)
    noise = measure(JudgeNetwork(), train_judge.Views(pictures, styles, nothing))
    assert noise["retrieval_32"] < 0.3
    assert noise["style_top1"] < 0.3
    pictures[:, 1] = pictures[:, 0]
    same = measure(JudgeNetwork(), train_judge.Views(pictures, styles, nothing))
    assert same["retrieval_32"] == same["retrieval_all"] == 1
