"""The embedded CLIP: its words, its model, its training's parts, and the shipped weights."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

from styles.embedded import contents
from styles.embedded.captions import STYLES
from styles.embedded.clip_model import build_clip, clip_config, load_embedded_clip
from styles.embedded.clip_tower import ClipTower
from styles.embedded.evaluate_clip import KEPT_ASIDE, attacked
from styles.embedded.scenes import SETTING_NAMES, SUBJECT_NAMES
from styles.embedded.train_clip import attack, augment, random_pairs, sigmoid_loss, truths


@pytest.fixture(scope="module")
def model() -> Any:
    torch.manual_seed(0)
    return build_clip(clip_config(len(contents.vocabulary()))).eval()


def test_every_caption_is_made_of_known_words() -> None:
    words = contents.vocabulary()
    chance = Random(1)
    for style in range(len(contents.ALL_STYLES)):
        for subject in range(len(SUBJECT_NAMES)):
            setting = chance.randrange(len(SETTING_NAMES))
            for said in contents.statements(style, subject, setting, chance.randrange(4), chance):
                assert words.unknown(said.text) == [], said.text
    assert "dragon" in words
    assert "watercolor" in words
    assert words.unknown("a spaceship") == ["spaceship"]


def test_held_out_wordings_differ_from_the_trained_ones() -> None:
    chance = Random(2)
    trained = {text for style in STYLES for text in style.wordings}
    assert all(text not in trained for style in STYLES for text in style.held_out)
    for what, where in KEPT_ASIDE:
        said = contents.content_text(what, where, chance, held_out=True)
        assert contents.vocabulary().unknown(said) == []


def test_compositions_kept_aside_are_never_trained_on() -> None:
    assert len(KEPT_ASIDE) >= 12
    assert {what for what, _ in KEPT_ASIDE} == set(range(13))
    assert not set(random_pairs(600, Random(3))) & set(KEPT_ASIDE)


def test_truths_are_the_pairs_that_agree_in_all_that_is_said() -> None:
    said = [
        contents.Statement("style 1", style=1),
        contents.Statement("subject 2", subject=2),
        contents.Statement("both", style=1, subject=2, setting=3),
        contents.Statement("style 1 at night", style=1, mood=1),
    ]
    labels = torch.tensor([[1, 2, 3, 0], [1, 0, 3, 1], [0, 2, 3, 0]])
    expected = [[True, True, True, False], [True, False, False, True], [False, True, False, False]]
    assert truths(said, labels).tolist() == expected


def test_sigmoid_loss_in_closed_form() -> None:
    images, texts = torch.tensor([[2.0, 0.0]]), torch.tensor([[3.0, 0.0], [0.0, 1.0]])
    true = torch.tensor([[True, False]])
    loss = sigmoid_loss(images, texts, true, torch.tensor(4.0), torch.tensor(-1.0))
    expected = torch.log1p(torch.exp(torch.tensor(-3.0))) + torch.log1p(torch.exp(torch.tensor(-1.0)))
    torch.testing.assert_close(loss, expected)


def test_augmented_pictures_are_pictures() -> None:
    pictures = torch.rand(4, 3, 160, 160, generator=torch.Generator().manual_seed(0))
    one = augment(pictures, torch.Generator().manual_seed(1))
    assert one.shape == (4, 3, 128, 128)
    assert 0 <= one.min() <= one.max() <= 1
    assert torch.equal(one, augment(pictures, torch.Generator().manual_seed(1)))


def test_attacks_stay_in_their_ball(model: Any) -> None:
    generator = torch.Generator().manual_seed(2)
    pictures = torch.rand(2, 3, 128, 128, generator=generator)
    clean = functional.normalize(model.encode_image(pictures), dim=-1).detach()
    moved = attack(model, pictures, clean, 0.7, 2, generator)
    assert (moved - pictures).flatten(1).norm(dim=1).max() <= 0.7 + 1e-4
    assert 0 <= moved.min() <= moved.max() <= 1
    captions = functional.normalize(torch.randn(5, 192, generator=generator), dim=-1)
    moved = attacked(model, pictures, captions, torch.tensor([0, 1]), steps=3)
    assert (moved - pictures).flatten(1).norm(dim=1).max() <= 0.5 + 1e-4


def test_the_model_is_open_clips_and_survives_a_round_trip(model: Any, tmp_path: Path) -> None:
    import open_clip

    assert isinstance(model, open_clip.CLIP)
    assert sum(value.numel() for value in model.parameters()) < 2.5e6
    save_file(
        {name: value.contiguous() for name, value in model.state_dict().items()},
        tmp_path / "clip.safetensors",
    )
    torch.manual_seed(1)
    other = build_clip(clip_config(len(contents.vocabulary()))).eval()
    other.load_state_dict(load_file(tmp_path / "clip.safetensors"))
    tokens = contents.vocabulary().encode(["watercolor of a dragon", "a cat"], other.context_length)
    pictures = torch.rand(2, 3, 128, 128)
    torch.testing.assert_close(model.encode_text(tokens), other.encode_text(tokens))
    torch.testing.assert_close(model.encode_image(pictures), other.encode_image(pictures))


def test_padding_does_not_matter(model: Any) -> None:
    tokens = contents.vocabulary().encode(["a cat by the sea"], 24)
    noisy = tokens.clone()
    noisy[0, int((tokens[0] == 2).nonzero()[0]) + 1 :] = 7
    torch.testing.assert_close(model.encode_text(tokens), model.encode_text(noisy))


def test_one_picture_does_not_change_another(model: Any) -> None:
    pictures = torch.rand(3, 3, 128, 128)
    together, alone = model.encode_image(pictures), model.encode_image(pictures[:1])
    torch.testing.assert_close(together[:1], alone, atol=1e-5, rtol=1e-4)


def test_the_tower_gives_its_maps() -> None:
    tower = ClipTower()
    found = tower.maps(torch.rand(1, 3, 128, 128))
    assert [tuple(level.shape[-2:]) for level in found] == [(64, 64), (32, 32), (16, 16), (8, 8), (4, 4)]
    assert tower(torch.rand(1, 3, 192, 128)).shape == (1, tower.num_features)


def test_the_shipped_model_knows_a_style_from_another() -> None:
    model, words = load_embedded_clip()
    assert words.words == contents.vocabulary().words
    y, x = torch.meshgrid(torch.arange(128.0), torch.arange(128.0), indexing="ij")
    ring = (1 - ((((x - 64) ** 2 + (y - 64) ** 2).sqrt() - 40).abs() - 1.5).clamp(0, 1))[None]
    blue = torch.tensor([0.1, 0.28, 0.6])[:, None, None]
    pictures = torch.stack((blue + (0.95 - blue) * ring, 1 - ring.expand(3, -1, -1)))
    texts = words.encode(["blueprint", "pen and ink drawing"], model.context_length)
    with torch.no_grad():
        found = functional.normalize(model.encode_image(pictures), dim=-1)
        said = functional.normalize(model.encode_text(texts), dim=-1)
    assert (found @ said.T).argmax(1).tolist() == [0, 1]
