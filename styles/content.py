"""What is drawn, as feature maps: VGG19 as published, or the guide's own eyes."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from pages.errors import WeightsError
from styles.clip import ClipEncoder, hub_file

_VGG_REPOSITORY = "timm/vgg19.tv_in1k"  # torchvision's weights, as safetensors
_CONV4_2, _CONV5_2 = 22, 31  # the ReLUs behind them


class VggContent(nn.Module):
    """conv4_2 and conv5_2 of VGG19, as CLIPstyler takes them.

    The maps are those after the ReLU: the authors store conv4_2 before it, but torchvision's ReLU works in
    place and rewrites what they stored, and their conv5_2 is the number of the ReLU.

    Args:
        features: the first 32 layers of torchvision's ``vgg19().features``; frozen here.
    """

    def __init__(self, features: nn.Sequential) -> None:
        super().__init__()
        self.layers = features[: _CONV5_2 + 1].eval().requires_grad_(False)
        for layer in self.layers:
            if isinstance(layer, nn.ReLU):
                layer.inplace = False
        self.mean: Tensor
        self.std: Tensor
        mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
        self.register_buffer("mean", mean.view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", std.view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> list[Tensor]:
        """(N, 3, H, W) in [0, 1] -> [(N, 512, H / 8, W / 8), (N, 512, H / 16, W / 16)]."""
        x = (images - self.mean) / self.std
        maps = []
        for number, layer in enumerate(self.layers):
            x = layer(x)
            if number in (_CONV4_2, _CONV5_2):
                maps.append(x)
        return maps


class ClipContent(nn.Module):
    """The feature maps of the CLIP that guides (ours: the way to do without VGG's 550 MB)."""

    def __init__(self, clip: ClipEncoder) -> None:
        super().__init__()
        self.clip = clip

    def forward(self, images: Tensor) -> list[Tensor]:
        """(N, 3, H, W) in [0, 1] -> maps (N, C, h, w)."""
        return self.clip.features(images)


def load_vgg_content(path: Path | None = None) -> VggContent:
    """VGG19 trained on ImageNet.

    Args:
        path: a safetensors file with torchvision's names (``features.0.weight`` …); None: from the cache or
            the net.

    Raises:
        WeightsError: it is missing, damaged or another network's.
    """
    from torchvision.models.vgg import cfgs, make_layers

    path = path or hub_file(
        _VGG_REPOSITORY, "model.safetensors", otherwise="a real CLIP needs VGG19 beside it, once"
    )
    features: nn.Sequential = make_layers(cfgs["E"])[: _CONV5_2 + 1]
    try:
        found = load_file(path)
        features.load_state_dict({name: found[f"features.{name}"] for name in features.state_dict()})
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise WeightsError(
            f"{path}: no VGG19 can be read from it ({error})",
            remedy="It must be safetensors with torchvision's names, such as model.safetensors of "
            f"{_VGG_REPOSITORY} on Hugging Face.",
        ) from error
    return VggContent(features)


def load_content(clip: ClipEncoder) -> nn.Module:
    """The content features that go with an encoder: its own for the embedded one, VGG19 for a real CLIP."""
    return load_vgg_content() if clip.vocabulary is None else ClipContent(clip)
