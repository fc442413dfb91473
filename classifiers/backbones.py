"""Other people's networks as the trunk under the heads: torchvision's ResNets, timm's models, open_clip's
towers.

Names, as ``comicloss train --backbone`` takes them:

- ``resnet18``, ``resnet34``, ``resnet50``, ``resnet101``: torchvision's, trained on ImageNet;
- ``timm:NAME``, such as ``timm:vit_small_patch14_dinov2.lvd142m``: any model that timm lists;
- ``open_clip:ARCHITECTURE/TAG``, such as ``open_clip:ViT-B-32/laion2b_s34b_b79k``, or ``open_clip:FOLDER``
  with open_clip_config.json and open_clip_model.safetensors: the image tower of any CLIP;
- any of them with ``=FILE``: its weights from a file here (.pth or .safetensors) in place of a download.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit
from urllib.request import getproxies

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pages.errors import WeightsError

RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101")
_TIMM, _OPEN_CLIP = "timm:", "open_clip:"
_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_NAMES = f"Take one of {', '.join(RESNETS)}, timm:NAME, open_clip:ARCHITECTURE/TAG or open_clip:FOLDER."
_REACH_SECONDS = 5
_HUB_FILES = (
    "model.safetensors",
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
    "pytorch_model.bin",
)


class Backbone(nn.Module):
    """A trunk with its own normalization inside: (N, 3, S, S) in [0, 1] -> (N, C, h, w). Differentiable.

    Args:
        trunk: the network, in evaluation mode.
        features: trunk and normalized pictures -> its last map.
        name: by which ``load_backbone`` knows it.
        mean, std: of the pictures that it was trained on, for each channel.
        size: the side of the only squares that it takes; pictures are resized to it. None: it takes any.

    ``mean`` and ``std`` are part of the state, so ``classifiers.model.backbone_id`` tells one trunk with two
    normalizations apart.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        trunk: nn.Module,
        features: Callable[[Any, Tensor], Tensor],
        *,
        name: str,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        size: int | None,
    ) -> None:
        super().__init__()
        self.trunk = trunk.eval()
        self.name = name
        self.size = size
        self._features = features
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        if self.size is not None and images.shape[-2:] != (self.size, self.size):
            images = F.interpolate(images, (self.size, self.size), mode="bicubic", antialias=True).clamp(0, 1)
        return self._features(self.trunk, (images - self.mean) / self.std)


def load_backbone(name: str, *, weights: Path | None = None) -> Backbone:
    """The trunk of that name, with its weights, in evaluation mode.

    Args:
        name: as the module says; without ``=FILE``.
        weights: a state dict of the whole model, its own classifier included or not: .safetensors, or .pth
            that holds tensors and nothing else. None: the published ones, from the cache or the net.

    Raises:
        WeightsError: no such model; its weights cannot be fetched, are damaged or belong to another model.
    """
    if weights is not None:
        return _with_weights(blank_backbone(name), weights)
    if name in RESNETS:
        return _with_state(blank_backbone(name), _fetched_resnet(name), f"{name}'s published weights")
    if name.startswith(_TIMM):
        return _timm(name, pretrained=True)
    if name.startswith(_OPEN_CLIP):
        return _open_clip(name, pretrained=True)
    raise WeightsError(f"{name}: no such backbone.", remedy=_NAMES)


def named_backbone(text: str) -> Backbone:
    """What a person writes after ``--backbone``: a name, or ``NAME=FILE``.

    Raises:
        WeightsError: as ``load_backbone``.
    """
    name, _, file = text.partition("=")
    return load_backbone(name, weights=Path(file).expanduser() if file else None)


def blank_backbone(name: str) -> Backbone:
    """The trunk of that name with random weights, for a state dict to be loaded into; nothing is fetched.

    Raises:
        WeightsError: no such model.
    """
    if name in RESNETS:
        import torchvision

        network = getattr(torchvision.models, name)(weights=None, num_classes=1)
        network.fc = nn.Identity()
        mean, std = _IMAGENET
        return Backbone(network, _resnet_features, name=name, mean=mean, std=std, size=None)
    if name.startswith(_TIMM):
        return _timm(name, pretrained=False)
    if name.startswith(_OPEN_CLIP):
        return _open_clip(name, pretrained=False)
    raise WeightsError(f"{name}: no such backbone.", remedy=_NAMES)


def image_tower(model: Any, *, name: str) -> Backbone:
    """The image tower of a loaded open_clip model as a trunk: its last map of patches or cells, normalized by
    the tower's last norm where that norm works on them.

    Args:
        model: with ``visual`` and open_clip's preprocessing, as ``open_clip.create_model`` gives it. The
            tower is shared with it, not copied.
        name: what it is called.

    Raises:
        WeightsError: the tower has no map to give.
    """
    from open_clip.model import get_model_preprocess_cfg

    visual = model.visual
    if not hasattr(visual, "forward_intermediates"):
        raise WeightsError(f"{name}: its image tower shows no feature maps.", remedy=_NAMES)
    preprocess = get_model_preprocess_cfg(model)
    size = preprocess["size"]
    return Backbone(
        visual,
        _tower_features,
        name=name,
        mean=tuple(preprocess["mean"]),
        std=tuple(preprocess["std"]),
        size=(size if isinstance(size, int) else size[0]) if _is_of_one_size(visual) else None,
    )


def _resnet_features(network: Any, images: Tensor) -> Tensor:
    seen = network.maxpool(network.relu(network.bn1(network.conv1(images))))
    return cast(Tensor, network.layer4(network.layer3(network.layer2(network.layer1(seen)))))


def _timm_features(network: Any, images: Tensor) -> Tensor:
    """The last map: a transformer's tokens on their grid, normalized, without those that belong to no place
    (class, registers); a convolutional network's last stage."""
    if not hasattr(network, "forward_intermediates"):
        return cast(Tensor, network.forward_features(images))
    (found,) = network.forward_intermediates(images, indices=[-1], norm=True, intermediates_only=True)
    return cast(Tensor, found)


def _tower_features(visual: Any, images: Tensor) -> Tensor:
    found = visual.forward_intermediates(
        images, indices=[-1], normalize_intermediates=True, intermediates_only=True, output_fmt="NCHW"
    )
    return cast(Tensor, found["image_intermediates"][-1])


def _is_of_one_size(visual: Any) -> bool:
    """A convolutional tower takes squares of any size; position embeddings are for one."""
    if hasattr(visual, "trunk"):
        return bool((getattr(visual.trunk, "pretrained_cfg", None) or {}).get("fixed_input_size"))
    return hasattr(visual, "positional_embedding")


def _timm(name: str, *, pretrained: bool) -> Backbone:
    import timm

    model_name = name.removeprefix(_TIMM)
    if not timm.is_model(model_name.removeprefix("hf-hub:")) and not model_name.startswith("hf-hub:"):
        near = timm.list_models(f"*{model_name.partition('.')[0]}*")[:5]
        raise WeightsError(
            f"{name}: timm knows no such model.",
            remedy=f"Nearest: {', '.join(near)}." if near else "See timm.list_models().",
        )
    repository = (
        model_name.removeprefix("hf-hub:")
        if model_name.startswith("hf-hub:")
        else getattr(timm.get_pretrained_cfg(model_name), "hf_hub_id", None)
    )
    network = _fetched(
        name,
        _hub_address(repository) if pretrained else None,
        lambda: timm.create_model(model_name, pretrained=pretrained, num_classes=0),
    )
    config = network.pretrained_cfg
    backbone = Backbone(
        network,
        _timm_features,
        name=name,
        mean=config["mean"],
        std=config["std"],
        size=config["input_size"][-1] if config.get("fixed_input_size") else None,
    )
    _check_map(backbone, config["input_size"][-1])
    return backbone


def _open_clip(name: str, *, pretrained: bool) -> Backbone:
    import open_clip

    model_name = name.removeprefix(_OPEN_CLIP)
    folder = Path(model_name).expanduser()
    if folder.is_dir():
        try:
            json.loads((folder / "open_clip_config.json").read_text(encoding="utf-8"))["model_cfg"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise WeightsError(
                f"{folder}: no open_clip model can be read from it ({error}).",
                remedy="It must hold open_clip_config.json, as open_clip writes it, and the weights.",
            ) from None
        if pretrained and not list(folder.glob("*.safetensors")):
            raise WeightsError(
                f"{folder}: no weights in it.", remedy="It must hold open_clip_model.safetensors (no .bin)."
            )
        model = _fetched(
            name, None, lambda: open_clip.create_model(f"local-dir:{folder}", load_weights=pretrained)
        )
        return image_tower(model, name=name)
    architecture, _, tag = model_name.rpartition("/")
    entry: dict[str, Any] = {}
    if not pretrained and model_name in open_clip.list_models():
        architecture, tag = model_name, ""
    elif tag in open_clip.list_pretrained_tags_by_model(architecture):
        entry = open_clip.get_pretrained_cfg(architecture, tag)
    else:
        tags = open_clip.list_pretrained_tags_by_model(architecture or model_name)
        raise WeightsError(
            f"{name}: no such folder, and open_clip lists no such model.",
            remedy=f"Tags of it: {', '.join(tags)}." if tags else _NAMES,
        )
    repository = entry.get("hf_hub", "").rpartition("/")[0]
    model = _fetched(
        name,
        (_hub_address(repository) if repository else entry.get("url")) if pretrained else None,
        lambda: open_clip.create_model(
            architecture,
            pretrained=tag if pretrained else None,
            pretrained_image=False,
            force_quick_gelu=bool(entry.get("quick_gelu")),
            force_preprocess_cfg={
                key: entry[key] for key in ("mean", "std", "interpolation") if entry.get(key)
            },
        ),
    )
    return image_tower(model, name=name)


def _check_map(backbone: Backbone, size: int) -> None:
    """Refuse a trunk whose output is no map."""
    try:
        with torch.no_grad():
            found = backbone(torch.zeros(1, 3, size, size))
    except (AttributeError, AssertionError, RuntimeError, ValueError, TypeError) as error:
        raise WeightsError(f"{backbone.name}: shows no feature map ({error}).", remedy=_NAMES) from error
    if found.ndim != 4:
        raise WeightsError(f"{backbone.name}: shows no feature map.", remedy=_NAMES)


def _fetched_resnet(name: str) -> dict[str, Tensor]:
    from torchvision.models import get_model_weights

    url = get_model_weights(name).DEFAULT.url
    cached = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlsplit(url).path).name
    return cast(
        dict[str, Tensor],
        _fetched(
            name,
            None if cached.is_file() else url,
            lambda: torch.hub.load_state_dict_from_url(url, map_location="cpu", weights_only=True),
        ),
    )


def _fetched(name: str, address: str | None, load: Callable[[], Any]) -> Any:
    """What ``load`` gives; what goes wrong is told to the person.

    Args:
        address: whom ``load`` will ask, tried first: its client would try for minutes. None: nobody.
    """
    try:
        if address is not None and not getproxies():
            host = urlsplit(address)
            socket.create_connection((host.hostname, host.port or 443), timeout=_REACH_SECONDS).close()
        return load()
    except Exception as error:  # sockets, httpx, the hub, torch and safetensors have each their own kinds
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        if address is None:
            raise WeightsError(
                f"{name}: cannot be loaded ({reason}).",
                remedy="The file may be damaged or belong to another model; fetch it again.",
            ) from error
        raise WeightsError(
            f"{name}: its weights are not on this computer, and cannot be fetched ({reason}).",
            remedy=f"Connect to the net once and run the same again, or name a file: {name}=FILE "
            "(.safetensors or .pth). Without a backbone a small one is trained from scratch.",
        ) from error


def _hub_address(repository: str | None) -> str | None:
    """Where a Hugging Face repository is fetched from; None if its weights are in the cache."""
    from huggingface_hub import constants, try_to_load_from_cache

    cached = repository and any(
        isinstance(try_to_load_from_cache(repository, file), str) for file in _HUB_FILES
    )
    return None if cached else constants.ENDPOINT


def _with_weights(backbone: Backbone, path: Path) -> Backbone:
    return _with_state(backbone, _read_state(path), str(path))


def _read_state(path: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    if not path.is_file():
        raise WeightsError(f"{path}: there is no such file.", remedy="Check the path of the weights.")
    try:
        if path.suffix == ".safetensors":
            return cast(dict[str, Tensor], load_file(path))
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged or hostile file makes of the readers
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise WeightsError(
            f"{path}: no weights can be read from it ({reason}).",
            remedy="It must be .safetensors, or .pth with a state dict of tensors and nothing else.",
        ) from None
    if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()):
        raise WeightsError(
            f"{path}: holds something else than a state dict.",
            remedy="Save it with torch.save(model.state_dict(), file) or as .safetensors.",
        )
    return cast(dict[str, Tensor], found)


def _with_state(backbone: Backbone, state: dict[str, Tensor], source: str) -> Backbone:
    """The trunk's own weights of a whole model's; its classifier, and a CLIP's text tower, are left out."""
    prefix = "visual." if any(key.startswith("visual.") for key in state) else ""
    wanted = backbone.trunk.state_dict()
    chosen = {key: state[prefix + key] for key in wanted if prefix + key in state}
    wrong = [key for key, value in wanted.items() if key not in chosen or chosen[key].shape != value.shape]
    if wrong:
        raise WeightsError(
            f"{source}: does not fit {backbone.name} ({len(wrong)} of {len(wanted)} tensors are missing or "
            f"of another shape, such as {wrong[0]}).",
            remedy=f"Name the model that it belongs to, in place of {backbone.name}.",
        )
    backbone.trunk.load_state_dict(chosen)
    return backbone
