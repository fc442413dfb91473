"""Weights for torchvision's ResNets: from a file, a folder of files, or torchvision's own store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision import models

from pages.errors import WeightsError

TORCHVISION = "torchvision"
_SUFFIXES = (".safetensors", ".pth", ".pt")
_MEAN, _DEVIATION = (
    (0.485, 0.456, 0.406),
    (0.229, 0.224, 0.225),
)  # of ImageNet, which all of them learned from

State = dict[str, Tensor]


def load_weights(network: str, source: str) -> State:
    """Weights of one ResNet.

    Args:
        network: "resnet18" and so on.
        source: a file (.safetensors, .pth or .pt; only tensors are read from it), a folder with a file whose
            name starts with the network's, or "torchvision": its ImageNet weights, from its cache or the net.

    Raises:
        WeightsError: there are none, they cannot be had or read, or they belong to another network.
    """
    state = _fetched(network) if source == TORCHVISION else _from_file(_file_of(network, Path(source)))
    expected = {name: value.shape for name, value in _network(network).state_dict().items()}
    body = {name for name in expected if not name.startswith("fc.")}
    found = {name: value.shape for name, value in state.items() if isinstance(value, Tensor)}
    if any(found.get(name) != expected[name] for name in body):
        raise WeightsError(
            f"{source}: these are not the weights of a {network}.",
            remedy="Give a file that torchvision wrote for it, or a folder with one file for each network.",
        )
    return {name: state[name] for name in body}


def resnet(network: str, weights: State | None, *, outputs: int) -> nn.Module:
    """A ResNet with a fresh last layer, or all fresh: (N, 3, S, S), normalized -> (N, outputs)."""
    made: nn.Module = getattr(models, network)(num_classes=outputs)
    if weights is not None:
        made.load_state_dict(weights, strict=False)
    return made


def frozen_features(network: str, weights: State) -> Callable[[Tensor], Tensor]:
    """What a ResNet sees before its last layer: (N, 3, S, S) in [0, 1] -> (N, 512), from 50 on (N, 2048)."""
    body = resnet(network, weights, outputs=1)
    body.fc = nn.Identity()
    body.eval().requires_grad_(False)
    mean, deviation = torch.tensor(_MEAN).view(3, 1, 1), torch.tensor(_DEVIATION).view(3, 1, 1)

    def look(images: Tensor) -> Tensor:
        seen: Tensor = body((images - mean) / deviation)
        return seen

    return look


def _network(network: str) -> nn.Module:
    with torch.device("meta"):
        made: nn.Module = getattr(models, network)()
    return made


def _file_of(network: str, place: Path) -> Path:
    if place.is_file():
        return place
    fitting = sorted(
        file
        for file in (place.iterdir() if place.is_dir() else ())
        if file.name.startswith(network) and file.suffix in _SUFFIXES
    )
    if not fitting:
        what = f"no file in it starts with {network}" if place.is_dir() else "no such file or folder"
        raise WeightsError(
            f"{place}: {what}.",
            remedy=f"Give a file of weights, a folder with {network}.safetensors or {network}-….pth, or "
            f"{TORCHVISION}; or leave the weights out: the network then starts from nothing.",
        )
    return fitting[0]


def _from_file(file: Path) -> State:
    try:
        if file.suffix == ".safetensors":
            return dict(load_file(file))
        state: State = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # safetensors, zip files and the restricted unpickler have each their own
        raise _unreadable(file, error) from error
    if not isinstance(state, dict):
        raise _unreadable(file, TypeError("it holds no named tensors"))
    return state


def _unreadable(file: Path, error: Exception) -> WeightsError:
    reason = str(error).strip().split("\n")[0] or type(error).__name__
    return WeightsError(
        f"{file}: no readable weights ({reason}).",
        remedy="The file may be damaged; fetch it again. Only named tensors are read, never code.",
    )


def _fetched(network: str) -> State:
    address = models.get_model_weights(network).DEFAULT.url
    try:
        state: State = torch.hub.load_state_dict_from_url(
            address, progress=False, check_hash=True, map_location="cpu", weights_only=True
        )
    except Exception as error:  # sockets, HTTP, a wrong hash, a damaged file: each has its own kind
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise WeightsError(
            f"{network}: not on this computer, and it cannot be fetched ({reason}).",
            remedy=f"Connect to the net once and run the same again, or put {Path(address).name} into "
            f"{Path(torch.hub.get_dir()) / 'checkpoints'}; or leave the weights out: the network then starts "
            "from nothing.",
        ) from error
    return state
