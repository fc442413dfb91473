"""Is this element in this picture? One trunk, and for each element its own yes or no."""

from __future__ import annotations

import copy
import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn
from torch.nn import functional as F

from classifiers.card import CARD, Card
from pages.errors import WeightsError
from pages.files import replaces_folder

_VERSION = 1
_WEIGHTS, _CONFIG = "classifiers.safetensors", "classifiers.json"
_OWN_BACKBONE = "small"
_SAVED = "saved:"
_RETRAIN = "Train the classifiers again (comicloss train)."


def letterbox(images: Tensor, size: int) -> Tensor:
    """Fit pictures into a square of white paper, proportions kept: (N, 3, H, W) -> (N, 3, size, size).

    Anti-aliased and differentiable.
    """
    height, width = images.shape[-2:]
    scale = size / max(height, width)
    inner = max(1, round(height * scale)), max(1, round(width * scale))
    if inner != (height, width):
        images = F.interpolate(images, inner, mode="bilinear", antialias=True)
    top, left = (size - inner[0]) // 2, (size - inner[1]) // 2
    return F.pad(images, (left, size - inner[1] - left, top, size - inner[0] - top), value=1.0)


class SmallBackbone(nn.Module):
    """A trunk for when none is handed in, trained from scratch with the heads: 0.4 M parameters.

    Smooth (SiLU) and anti-aliased (overlapping strides, and a blur before every halving after the stem;
    Zhang, "Making Convolutional Networks Shift-Invariant Again", ICML 2019), because pictures will be
    optimised through it. GroupNorm, because batches are tiny. (N, 3, S, S) in [0, 1] ->
    (N, 192, S / 8, S / 8): the fine map, and beside it the coarse one enlarged.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = _Convolution(3, 32, kernel=7, stride=4)
        self.eighth = nn.Sequential(_Blurred(), _Convolution(32, 64), _Residual(64))
        self.sixteenth = nn.Sequential(_Blurred(), _Convolution(64, 128), _Residual(128), _Residual(128))

    def forward(self, images: Tensor) -> Tensor:
        fine = self.eighth(self.stem((images - 0.5) * 4))
        coarse = F.interpolate(self.sixteenth(fine), fine.shape[-2:], mode="bilinear")
        return torch.cat([fine, coarse], dim=1)


class _Convolution(nn.Sequential):
    def __init__(self, channels: int, out: int, *, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(channels, out, kernel, stride=stride, padding=kernel // 2, bias=False),
            nn.GroupNorm(8, out),
            nn.SiLU(),
        )


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.change = _Convolution(channels, channels)

    def forward(self, features: Tensor) -> Tensor:
        return features + cast(Tensor, self.change(features))


class _Blurred(nn.Module):
    """Half the size, each new cell a mean of 3 x 3: the blur that keeps halving from aliasing."""

    def forward(self, features: Tensor) -> Tensor:
        return F.avg_pool2d(features, 3, stride=2, padding=1, count_include_pad=False)


class ElementHeads(nn.Module):
    """One binary head per element on a map of features: (N, C, h, w) -> logits (N, E).

    Each head looks at every position through its own 1 x 1 layer, scores it, and adds the smooth maximum of
    the scores, log(mean(exp(k s))) / k with a learned k (an element may fill a small part of the panel;
    Pinheiro and Collobert, CVPR 2015), to a score of the mean over the whole picture (a setting fills it).
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, channels: int, count: int, *, width: int = 32) -> None:
        super().__init__()
        self.look = nn.Conv2d(channels, count * width, 1)
        self.score = nn.Conv2d(count * width, count, 1, groups=count, bias=False)
        self.whole = nn.Conv2d(count * width, count, 1, groups=count)
        self.sharpness = nn.Parameter(torch.full((count, 1), 1.0))
        self.register_buffer("mean", torch.zeros(channels, 1, 1))
        self.register_buffer("scale", torch.ones(channels, 1, 1))

    def standardize(self, features: Tensor) -> None:
        """Take channel means and deviations from features (N, C, h, w) of the training pictures, for good."""
        self.mean.copy_(features.mean(dim=(0, 2, 3))[:, None, None])
        self.scale.copy_(1 / features.std(dim=(0, 2, 3)).clamp_min(1e-4)[:, None, None])

    def forward(self, features: Tensor) -> Tensor:
        seen = F.silu(self.look((features - self.mean) * self.scale))
        scores = self.score(seen).flatten(2)
        k = F.softplus(self.sharpness)
        best = (torch.logsumexp(k * scores, dim=2) - math.log(scores.shape[2])) / k[:, 0]
        return best + cast(Tensor, self.whole(seen.mean(dim=(2, 3), keepdim=True)).flatten(1))


class ElementClassifiers(nn.Module):
    """Logits for every element: (N, 3, H, W) in [0, 1], at any H and W -> (N, E).

    Args:
        backbone: (N, 3, S, S) in [0, 1] -> (N, C, h, w). It is frozen here (eval mode, no gradients to its
            parameters; they still flow through it to the picture) and not saved with the heads. Without one,
            a SmallBackbone is made, trained and saved with them.
        element_names: one head for each, in this order.
        image_size: S, the side of the square that pictures are fitted into.
        trained_backbone: the backbone handed in is not frozen, and is saved with the heads.
    """

    temperature: Tensor

    def __init__(
        self,
        backbone: nn.Module | None,
        element_names: Sequence[str],
        *,
        image_size: int = 160,
        trained_backbone: bool = False,
    ) -> None:
        super().__init__()
        self.element_names = tuple(element_names)
        self.image_size = image_size
        self.frozen = backbone is not None and not trained_backbone
        self.backbone = (
            SmallBackbone() if backbone is None else backbone.eval().requires_grad_(not self.frozen)
        )
        reference = next(self.backbone.parameters(), torch.zeros(1))
        with torch.no_grad():
            blank = torch.zeros(1, 3, image_size, image_size, dtype=reference.dtype, device=reference.device)
            channels = self.backbone(blank).shape[1]
        self.heads = ElementHeads(channels, len(self.element_names)).to(reference)
        self.register_buffer("temperature", torch.ones(len(self.element_names)).to(reference))

    def train(self, mode: bool = True) -> ElementClassifiers:
        """Training mode for what is trained; a backbone that was handed in stays in eval mode."""
        super().train(mode)
        if self.frozen:
            self.backbone.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        logits = self.heads(self.backbone(letterbox(images, self.image_size)))
        return cast(Tensor, logits / self.temperature)

    def save(self, folder: Path, *, card: Card | None = None, with_backbone: bool = False) -> None:
        """Write the heads (and a SmallBackbone) as safetensors, and a JSON that says what they belong to.

        The folder is replaced as a whole or not at all; the card, if there is one, is a part of it.

        Args:
            with_backbone: a frozen backbone too, so that ``load`` needs none; others always are.

        Raises:
            ResourceError: the folder cannot be written.
        """
        whole = with_backbone or not self.frozen
        weights = save_tensors(self._own_state(whole))
        config = {
            "version": _VERSION,
            "elements": list(self.element_names),
            "image_size": self.image_size,
            "backbone": _saved_name(self.backbone) if whole else backbone_id(self.backbone),
            "sha256": hashlib.sha256(weights).hexdigest(),
        }
        with replaces_folder(folder) as fresh:
            (fresh / _WEIGHTS).write_bytes(weights)
            (fresh / _CONFIG).write_text(json.dumps(config, indent=2, ensure_ascii=False), encoding="utf-8")
            if card is not None:
                (fresh / CARD).write_text(card.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, backbone: nn.Module | None = None) -> ElementClassifiers:
        """What ``save`` wrote, on the same backbone; in eval mode. One that was saved too need not be given.

        Raises:
            WeightsError: the folder is missing or damaged, or was trained on another backbone.
        """
        config, weights = _read(folder)
        saved = config["backbone"].startswith(_SAVED)
        if saved:
            backbone = _like_saved(config["backbone"].removeprefix(_SAVED), backbone)
        elif config["backbone"] != (_OWN_BACKBONE if backbone is None else backbone_id(backbone)):
            raise WeightsError(f"{folder}: trained on another backbone than the one in use.", remedy=_RETRAIN)
        size = config["image_size"]
        classifiers = cls(backbone, config["elements"], image_size=size, trained_backbone=saved)
        expected = classifiers._own_state(not classifiers.frozen)
        if {name: tensor.shape for name, tensor in weights.items()} != {
            name: tensor.shape for name, tensor in expected.items()
        }:
            raise _damaged(folder, "its weights do not fit its description")
        classifiers.load_state_dict(weights, strict=False)
        return classifiers.eval()

    def _own_state(self, with_backbone: bool) -> dict[str, Tensor]:
        return {
            name: tensor.detach().cpu().contiguous()
            for name, tensor in self.state_dict().items()
            if with_backbone or not name.startswith("backbone.")
        }


def _saved_name(backbone: nn.Module) -> str:
    """How the description of saved classifiers names a backbone that is saved with them."""
    if isinstance(backbone, SmallBackbone):
        return _OWN_BACKBONE
    return f"{_SAVED}{getattr(backbone, 'name', type(backbone).__name__)}"


def _like_saved(name: str, backbone: nn.Module | None) -> nn.Module:
    """A backbone that the saved weights can be loaded into: a copy of the one handed in, if it has that
    name."""
    from classifiers.backbones import blank_backbone

    if backbone is not None and _saved_name(backbone) == _SAVED + name:
        return copy.deepcopy(backbone)
    return blank_backbone(name)


def backbone_id(backbone: nn.Module) -> str:
    """SHA-256 over the names and values of a module's state: the same weights have the same id everywhere."""
    digest = hashlib.sha256()
    for name, tensor in sorted(backbone.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    try:
        config = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
        data = (folder / _WEIGHTS).read_bytes()
    except FileNotFoundError:
        raise WeightsError(f"{folder}: no trained classifiers here.", remedy=_RETRAIN) from None
    except (OSError, ValueError) as error:
        raise _damaged(folder, str(error)) from None
    if not _is_valid(config):
        raise _damaged(folder, f"{_CONFIG} is not of this version")
    if config["sha256"] != hashlib.sha256(data).hexdigest():
        raise _damaged(folder, f"{_WEIGHTS} is not the file that was written")
    try:
        return config, load_tensors(data)
    except SafetensorError as error:
        raise _damaged(folder, str(error)) from None


def _is_valid(config: object) -> bool:
    return (
        isinstance(config, dict)
        and config.get("version") == _VERSION
        and isinstance(config.get("elements"), list)
        and len(config["elements"]) > 0
        and all(isinstance(name, str) for name in config["elements"])
        and type(config.get("image_size")) is int
        and 0 < config["image_size"] <= 4096
        and isinstance(config.get("backbone"), str)
        and isinstance(config.get("sha256"), str)
    )


def _damaged(folder: Path, why: str) -> WeightsError:
    return WeightsError(f"{folder}: damaged classifiers ({why}).", remedy=_RETRAIN)
