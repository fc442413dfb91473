"""Backbones: the library's own forward pass up to the same layer, with its own preprocessing, as the
reference."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torchvision.transforms import functional as published

from classifiers.backbones import Backbone, blank_backbone, image_tower, load_backbone, named_backbone
from classifiers.model import ElementClassifiers, backbone_id
from pages.errors import WeightsError

IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


@pytest.fixture
def pictures() -> Tensor:
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def no_net(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing cached and nobody to ask."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no way out")

    monkeypatch.setattr("socket.create_connection", refuse)
    monkeypatch.setattr("classifiers.backbones.getproxies", dict)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))


def shaken(network: Any) -> Any:
    """Random weights and running statistics, so that every layer matters."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if name.endswith("running_var"):
                value.copy_(0.5 + torch.rand(value.shape, generator=generator))
            elif value.is_floating_point() and value.ndim < 2:
                value.add_(0.1 * torch.randn(value.shape, generator=generator))
    return network.eval()


def hooked(network: Any, layer: Any, prepared: Tensor) -> Tensor:
    """What a layer gives in the network's own forward pass."""
    seen: list[Tensor] = []
    handle = layer.register_forward_hook(lambda *given: seen.append(given[-1].detach().clone()))
    with torch.no_grad():
        network(prepared)
    handle.remove()
    return seen[-1]


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_a_resnet_is_torchvisions(name: str, suffix: str, pictures: Tensor, tmp_path: Path) -> None:
    import torchvision

    network = shaken(getattr(torchvision.models, name)(weights=None))
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save(network.state_dict(), path)
    else:
        save_file(network.state_dict(), path)
    backbone = load_backbone(name, weights=path)
    wanted = hooked(network, network.layer4, published.normalize(pictures, *IMAGENET))
    with torch.no_grad():
        torch.testing.assert_close(backbone(pictures), wanted)
    assert wanted.shape[2:] == (2, 2)


def test_a_convolutional_timm_model(pictures: Tensor, tmp_path: Path) -> None:
    import timm

    network = shaken(timm.create_model("test_resnet", pretrained=False))
    save_file(network.state_dict(), tmp_path / "weights.safetensors")
    backbone = named_backbone(f"timm:test_resnet={tmp_path / 'weights.safetensors'}")
    config = network.pretrained_cfg
    prepared = published.normalize(pictures, config["mean"], config["std"])
    with torch.no_grad():
        torch.testing.assert_close(backbone(pictures), network.forward_features(prepared))


def test_a_vits_tokens_become_a_map(tmp_path: Path) -> None:
    import timm

    network = shaken(timm.create_model("test_vit", pretrained=False))
    save_file(network.state_dict(), tmp_path / "weights.safetensors")
    backbone = load_backbone("timm:test_vit", weights=tmp_path / "weights.safetensors")
    config = network.pretrained_cfg
    side, patch = config["input_size"][-1], network.patch_embed.patch_size[0]
    images = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        tokens = network.forward_features(published.normalize(images, config["mean"], config["std"]))
        found = backbone(images)
    cells = side // patch
    assert found.shape == (2, tokens.shape[-1], cells, cells)
    for row, column in [(0, 0), (1, 3), (cells - 1, 0)]:
        token = tokens[:, 1 + row * cells + column]  # the class token stands first
        torch.testing.assert_close(found[:, :, row, column], token)
    with torch.no_grad():
        assert backbone(images[..., :50, :50]).shape == found.shape


CLIPS = {
    "vit": {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8},
    "resnet": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 16, "head_width": 32},
}
TEXT = {"context_length": 8, "vocab_size": 50, "width": 32, "heads": 2, "layers": 1}
PREPROCESS = {
    "mean": [0.4, 0.5, 0.6],
    "std": [0.2, 0.3, 0.25],
    "interpolation": "bicubic",
    "resize_mode": "squash",
}


def clip_folder(folder: Path, kind: str) -> Any:
    """A tiny CLIP, saved as open_clip saves one."""
    import open_clip

    torch.manual_seed(3)
    config = {"embed_dim": 32, "vision_cfg": CLIPS[kind], "text_cfg": TEXT}
    model = shaken(open_clip.CLIP(**config))
    folder.mkdir()
    written = {"model_cfg": config, "preprocess_cfg": PREPROCESS}
    (folder / "open_clip_config.json").write_text(json.dumps(written))
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    return model


def test_a_clips_resnet_tower(pictures: Tensor, tmp_path: Path) -> None:
    model = clip_folder(tmp_path / "clip", "resnet")
    backbone = load_backbone(f"open_clip:{tmp_path / 'clip'}")
    prepared = published.normalize(pictures, PREPROCESS["mean"], PREPROCESS["std"])  # type: ignore[arg-type]
    with torch.no_grad():
        torch.testing.assert_close(
            backbone(pictures), hooked(model.visual, model.visual.layer4, prepared), rtol=1e-4, atol=1e-5
        )


def test_a_clips_vit_tower_and_its_class_token_left_out(tmp_path: Path) -> None:
    model = clip_folder(tmp_path / "clip", "vit")
    backbone = load_backbone(f"open_clip:{tmp_path / 'clip'}")
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(4))
    prepared = published.normalize(images, PREPROCESS["mean"], PREPROCESS["std"])  # type: ignore[arg-type]
    last = hooked(model.visual, model.visual.transformer, prepared)
    tokens = model.visual.ln_post(last).detach()
    with torch.no_grad():
        found = backbone(images)
    assert found.shape == (2, 64, 4, 4)
    torch.testing.assert_close(found[:, :, 2, 1], tokens[:, 1 + 2 * 4 + 1])


def test_a_loaded_tower_is_handed_in(tmp_path: Path) -> None:
    import open_clip

    clip_folder(tmp_path / "clip", "vit")
    model = open_clip.create_model(f"local-dir:{tmp_path / 'clip'}").eval()
    handed_in = image_tower(model, name="mine")
    assert backbone_id(handed_in) == backbone_id(load_backbone(f"open_clip:{tmp_path / 'clip'}"))


def test_the_same_weights_have_the_same_identity_and_others_another(tmp_path: Path) -> None:
    import torchvision

    network = torchvision.models.resnet18(weights=None)
    torch.save(network.state_dict(), tmp_path / "first.pth")
    save_file(network.state_dict(), tmp_path / "same.safetensors")
    network.layer4[1].conv2.weight.data[0, 0, 0, 0] += 1e-3
    torch.save(network.state_dict(), tmp_path / "other.pth")
    first, same, other = (
        backbone_id(load_backbone("resnet18", weights=tmp_path / file))
        for file in ("first.pth", "same.safetensors", "other.pth")
    )
    assert first == same != other
    moved = load_backbone("resnet18", weights=tmp_path / "first.pth")
    moved.mean += 0.1
    assert backbone_id(moved) != first


def test_classifiers_stand_on_it_frozen_and_gradients_reach_the_picture(tmp_path: Path) -> None:
    backbone = shaken(blank_backbone("timm:test_resnet"))
    names = ["hero", "dragon"]
    classifiers = ElementClassifiers(backbone, names, image_size=64).eval()
    image = torch.rand(1, 3, 50, 80, requires_grad=True)
    classifiers(image).sum().backward()
    assert image.grad is not None and bool(image.grad.abs().sum() > 0)
    assert not any(parameter.requires_grad for parameter in backbone.parameters())
    classifiers.save(tmp_path / "saved")
    again = ElementClassifiers.load(tmp_path / "saved", backbone)
    torch.testing.assert_close(again(image), classifiers(image))


@pytest.mark.parametrize(
    "name", ["resnet18", "timm:test_vit.r160_in1k", "open_clip:ViT-B-32/laion2b_s34b_b79k"]
)
def test_without_the_net_it_says_so(name: str, no_net: None) -> None:
    with pytest.raises(WeightsError, match=r"cannot be fetched \(no way out\)") as caught:
        load_backbone(name)
    assert f"{name}=FILE" in caught.value.remedy


@pytest.mark.parametrize("name", ["resnet19", "timm:resmet18", "open_clip:ViT-B-32/nobody", "bert", ""])
def test_an_unknown_name(name: str) -> None:
    with pytest.raises(WeightsError) as caught:
        load_backbone(name)
    assert caught.value.remedy


def test_weights_that_cannot_be_used(tmp_path: Path) -> None:
    import torchvision

    class Hostile:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return print, ("executed",)

    torch.save(torchvision.models.resnet34(weights=None).state_dict(), tmp_path / "other.pth")
    torch.save({"weights": Hostile()}, tmp_path / "hostile.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    (tmp_path / "text.safetensors").write_text("hello")
    (tmp_path / "text.pth").write_text("hello")
    save_file({"fc.weight": torch.zeros(2)}, tmp_path / "empty.safetensors")
    for file, message in {
        "other.pth": "does not fit resnet50",
        "empty.safetensors": "does not fit resnet50",
        "hostile.pth": "no weights can be read",
        "text.pth": "no weights can be read",
        "text.safetensors": "no weights can be read",
        "list.pth": "something else than a state dict",
        "missing.pth": "no such file",
    }.items():
        with pytest.raises(WeightsError, match=message):
            load_backbone("resnet50", weights=tmp_path / file)


def test_a_folder_that_is_no_clip(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no open_clip model"):
        load_backbone(f"open_clip:{tmp_path}")
    clip_folder(tmp_path / "clip", "vit")
    (tmp_path / "clip" / "open_clip_model.safetensors").write_bytes(b"damaged")
    with pytest.raises(WeightsError, match="cannot be loaded"):
        load_backbone(f"open_clip:{tmp_path / 'clip'}")


@pytest.fixture(autouse=True)
def quiet() -> None:
    """open_clip warns about models without weights, which here are meant."""
    logging.getLogger().setLevel(logging.ERROR)


def test_it_takes_any_size_or_resizes_to_its_own(pictures: Tensor) -> None:
    free: Backbone = blank_backbone("resnet18")
    assert free(pictures).shape[2:] == (2, 2)
    assert free(pictures.repeat(1, 1, 2, 2)).shape[2:] == (4, 4)
