"""Any CLIP as a guide: loading, embedding, and what is said when it cannot be had."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
import torch.nn.functional as F
from clipstyler_reference import TINY, pictures, preprocess, resized, tiny_clip
from PIL import Image
from safetensors.torch import save_file
from torchvision.models.vgg import cfgs, make_layers

import styles.clip
import styles.content
from pages.errors import UsageError, WeightsError
from styles.clip import ClipEncoder, load_clip, published_templates
from styles.content import ClipContent, load_content, load_vgg_content
from styles.vocabulary import Vocabulary

WORDS = Vocabulary.of_texts(["watercolor painting", "noir ink high contrast", "a photo of paper", "in blue"])


def small_clip(stride: int | None = None) -> ClipEncoder:
    return ClipEncoder(
        tiny_clip(),
        lambda texts: WORDS.encode(texts, 77),
        name="small",
        vocabulary=WORDS,
        stride=stride,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as open_clip saves its models."""
    config = {"model_cfg": TINY, "preprocess_cfg": {**preprocess(128), "mean": [0.1, 0.2, 0.3]}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    state = {name: value.float().contiguous() for name, value in tiny_clip().state_dict().items()}
    save_file(state, tmp_path / "open_clip_model.safetensors")
    return tmp_path


@pytest.mark.parametrize("prefix", ["local-dir:", ""])
def test_a_folder_gives_open_clips_own_embeddings(folder: Path, prefix: str) -> None:
    clip = load_clip(f"{prefix}{folder}")
    model, _, transform = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    model.eval()
    picture = Image.effect_mandelbrot((128, 128), (-2, -1.5, 1, 1.5), 30).convert("RGB")
    pixels = torch.tensor(list(picture.tobytes())).view(1, 128, 128, 3).permute(0, 3, 1, 2) / 255
    with torch.no_grad():
        image = model.encode_image(transform(picture)[None], normalize=True)
        sentences = [template.format("noir ink") for template in published_templates()]
        text = model.encode_text(open_clip.tokenize(sentences)).mean(dim=0)
    torch.testing.assert_close(clip.encode_image(pixels), image, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(clip.encode_text(["x", "noir ink"])[1], F.normalize(text, dim=0))
    assert clip.image_size == 128
    assert clip.name.endswith(str(folder))


def test_listed_weights_are_loaded_from_their_safetensors(folder: Path, monkeypatch: Any) -> None:
    (folder / "tiny-guide.json").write_text(json.dumps(TINY))
    open_clip.add_model_config(folder / "tiny-guide.json")
    entry = {"hf_hub": "owner/tiny/", "mean": (0.1, 0.2, 0.3), "std": (1, 1, 1), "quick_gelu": False}
    monkeypatch.setattr(open_clip, "list_pretrained_tags_by_model", lambda model: ["tag"])
    monkeypatch.setattr(open_clip, "get_pretrained_cfg", lambda model, tag: entry)
    monkeypatch.setattr(styles.clip, "hub_file", lambda repository, file: folder / file)
    clip = load_clip("tiny-guide/tag")
    assert clip.mean.flatten().tolist() == pytest.approx([0.1, 0.2, 0.3])
    expected = F.normalize(tiny_clip().float().encode_text(open_clip.tokenize(["a"])), dim=-1)
    torch.testing.assert_close(
        F.normalize(clip.model.encode_text(open_clip.tokenize(["a"])), dim=-1), expected
    )


def test_published_templates_are_79() -> None:
    assert len(set(published_templates())) == 79
    assert all(template.count("{}") == 1 for template in published_templates())


def test_a_panel_is_seen_whole_whatever_its_shape() -> None:
    _, art = pictures(200, 300)
    expected = torch.from_numpy(resized(art[0].numpy(), 128))
    torch.testing.assert_close(small_clip().resize(art)[0], expected, rtol=0, atol=1e-9)


def test_nothing_in_it_learns_and_gradients_flow_through() -> None:
    clip = small_clip().double().train()
    assert not any(module.training for module in clip.modules())
    assert not any(parameter.requires_grad for parameter in clip.parameters())
    image = torch.rand(1, 3, 96, 64, dtype=torch.float64, requires_grad=True)
    clip.encode_image(image)[0, 0].backward()
    assert image.grad is not None
    assert image.grad.abs().min() > 0


def test_features_are_maps_from_shallow_to_deep() -> None:
    maps = small_clip().double().features(torch.rand(2, 3, 50, 70, dtype=torch.float64))
    assert [tuple(layer.shape) for layer in maps] == [(2, 32, 4, 4)] * 2
    content = ClipContent(small_clip().double())
    assert len(content(torch.rand(1, 3, 128, 128, dtype=torch.float64))) == 2
    assert isinstance(load_content(small_clip()), ClipContent)


def test_a_prompt_is_checked_word_by_word() -> None:
    clip = small_clip()
    assert clip.check_prompt("Watercolor painting, on paper!") == []
    assert clip.check_prompt("vaporwave ink in the style of Moebius") == ["vaporwave", "moebius"]
    with pytest.raises(UsageError, match="empty"):
        clip.check_prompt("  ")


@pytest.mark.parametrize("prompt", ["vaporwave", "in the style of", "水墨"])
def test_a_prompt_without_any_known_word_is_refused(prompt: str) -> None:
    with pytest.raises(WeightsError) as refusal:
        small_clip().check_prompt(prompt)
    assert prompt in refusal.value.problem
    assert "--clip ViT-B-32/" in refusal.value.remedy
    assert "watercolor" in refusal.value.remedy
    assert " of," not in refusal.value.remedy


def test_the_nearest_words_are_named_first() -> None:
    with pytest.raises(WeightsError, match="Nearest to it: watercolor"):
        small_clip().check_prompt("watercolour")


def test_a_real_clip_takes_any_words(folder: Path) -> None:
    assert load_clip(str(folder)).check_prompt("vaporwave 水墨") == []


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("ViT-B-32", "ViT-B-32/laion2b_s34b_b79k"),
        ("laion2b_s34b_b79k", "ViT-B-32/laion2b_s34b_b79k"),
        ("VIT-B-32/laion2b", "Nearest that open_clip knows: ViT-B-32/laion2b"),
        ("local-dir:/nowhere", "Check the path"),
    ],
)
def test_a_wrong_name_is_answered_with_the_right_ones(name: str, hint: str) -> None:
    with pytest.raises(WeightsError) as refusal:
        load_clip(name)
    assert hint in refusal.value.remedy


def test_without_the_net_the_way_out_is_named(monkeypatch: Any) -> None:
    def unplugged(address: str) -> None:
        raise OSError("the net is unplugged")

    monkeypatch.setattr(styles.clip, "_reach", unplugged)
    with pytest.raises(WeightsError, match=r"unplugged[\s\S]*--clip /path/to/folder"):
        load_clip("hf-hub:nobody/nothing")
    monkeypatch.setattr(styles.content, "_VGG_REPOSITORY", "nobody/nothing")
    with pytest.raises(WeightsError, match="embedded CLIP needs no download"):
        load_vgg_content()


def test_damaged_or_pickled_weights_are_refused(folder: Path) -> None:
    weights = folder / "open_clip_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="cannot be loaded"):
        load_clip(str(folder))
    weights.rename(folder / "open_clip_pytorch_model.bin")
    with pytest.raises(WeightsError, match="no pickled"):
        load_clip(str(folder))


def test_another_models_config_is_refused(folder: Path) -> None:
    (folder / "open_clip_config.json").write_text('{"hidden_size": 4}')
    with pytest.raises(WeightsError, match="model_cfg"):
        load_clip(str(folder))


def test_vgg_from_a_file(tmp_path: Path) -> None:
    layers = make_layers(cfgs["E"])[:32]
    path = tmp_path / "model.safetensors"
    save_file({f"features.{name}": value for name, value in layers.state_dict().items()}, path)
    content = load_vgg_content(path)
    image = torch.rand(1, 3, 32, 32)
    x, found = (image - content.mean) / content.std, []
    for layer in layers:
        x = layer(x)  # in place, as the authors run it
        found.append(x)
    conv4_2, conv5_2 = content(image)
    torch.testing.assert_close(conv4_2, found[21])
    torch.testing.assert_close(conv5_2, found[31])
    path.write_bytes(b"no safetensors")
    with pytest.raises(WeightsError, match="no VGG19"):
        load_vgg_content(path)
