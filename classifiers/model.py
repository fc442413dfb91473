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

IMAGE_SIZE = 128
"""Side of the square that pictures are fitted into, unless said otherwise."""
SCALES = (1.0, 1.5)
"""Sides of the squares that a picture is looked at in, in image_size."""

_DIRECTIONS = 96  # of the features that the templates see
_CELLS = 5  # side of a template, in cells of the backbone's map
_GRID = 6  # fields of the whole picture's grid, each way
_SHARPNESS = 6.0  # of the smooth maximum
_GAIN = 4.0  # of the scores, so that templates start at the size that they end with
_VERSION = 3
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
    """One binary head per element and member on maps of features: [(N, C, h, w)] -> logits (M, N, E).

    A head is a template of 5 x 5 cells that slides over the maps of all scales (the root filter of
    Felzenszwalb et al., "Object Detection with Discriminatively Trained Part-Based Models", TPAMI 2010), and
    the smooth maximum of its scores, log(mean(exp(k s))) / k (Pinheiro and Collobert, CVPR 2015): a drawing
    may stand anywhere in a panel, and what speaks for it has a place. To this comes a linear score of the
    whole picture on a grid of 6 x 6 fields at the finest scale: a setting fills the panel, and the fewer
    drawings there are, the more it is worth to know where things usually stand. Cells are first brought to
    one scale: standardized, projected to the directions in which drawings differ most, half whitened, and
    divided by their own contrast, so that an inked and a penciled line weigh alike.

    Args:
        channels: C.
        count: E.
        members: M heads for each element, trained on different folds.
    """

    mean: Tensor
    deviation: Tensor
    project: Tensor
    contrast: Tensor
    field_mean: Tensor
    field_deviation: Tensor

    def __init__(self, channels: int, count: int, *, members: int = 1) -> None:
        super().__init__()
        width = min(channels, _DIRECTIONS)
        self.templates = nn.Parameter(0.05 * torch.randn(members, count, width, _CELLS, _CELLS))
        self.grids = nn.Parameter(0.05 * torch.randn(members, count, width, _GRID, _GRID))
        self.bias = nn.Parameter(torch.zeros(members, count))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("deviation", torch.ones(channels))
        self.register_buffer("project", torch.eye(channels, width))
        self.register_buffer("contrast", torch.ones(()))
        self.register_buffer("field_mean", torch.zeros(width, _GRID, _GRID))
        self.register_buffer("field_deviation", torch.ones(()))

    @torch.no_grad()
    def fit_cells(self, features: Tensor) -> None:
        """Take from features of the training pictures, (N, C, h, w), what ``cells`` does, for good."""
        columns = features.movedim(1, -1).flatten(0, -2).double()
        self.mean.copy_(columns.mean(dim=0))
        self.deviation.copy_(columns.std(dim=0).clamp_min(1e-4))
        columns = (columns - self.mean) / self.deviation
        values, directions = torch.linalg.eigh(columns.T @ columns / len(columns))
        width = self.project.shape[1]
        # Signs of eigenvectors are arbitrary, and may differ between machines.
        directions = directions[:, -width:] * directions[:, -width:].sum(dim=0).sign()
        self.project.copy_(directions * values[-width:].clamp_min(1e-6) ** -0.25)
        self.contrast.copy_((columns @ self.project.double()).square().mean())
        fields = F.adaptive_avg_pool2d(self.cells(features), _GRID)
        self.field_mean.copy_(fields.mean(dim=0))
        self.field_deviation.copy_(fields.std().clamp_min(1e-4))

    def cells(self, features: Tensor) -> Tensor:
        """Features (N, C, h, w) as the templates see them, (N, P, h, w)."""
        standard = (features - self.mean[:, None, None]) / self.deviation[:, None, None]
        seen = torch.einsum("nchw,cp->nphw", standard, self.project)
        return seen / (seen.square().mean(dim=1, keepdim=True) + 0.3 * self.contrast).sqrt()

    def scores(self, cells: Tensor) -> Tensor:
        """How well each template fits at each place: (N, P, h, w) -> (M, N, E, h, w)."""
        members, count, width = self.templates.shape[:3]
        scale = _GAIN / math.sqrt(width * _CELLS * _CELLS)
        found = F.conv2d(cells, self.templates.flatten(0, 1) * scale, padding=_CELLS // 2)
        return found.reshape(len(cells), members, count, *found.shape[-2:]).movedim(1, 0)

    def fields(self, cells: Tensor) -> Tensor:
        """The whole picture as the grids see it: (N, P, h, w) -> (N, P, 6, 6)."""
        return (F.adaptive_avg_pool2d(cells, _GRID) - self.field_mean) / self.field_deviation

    def pooled(self, cells: Sequence[Tensor]) -> Tensor:
        """Cells of each scale, the finest last -> logits (M, N, E)."""
        scores = torch.cat([self.scores(part).flatten(3) for part in cells], dim=3)
        best = torch.logsumexp(_SHARPNESS * scores, dim=3) - math.log(scores.shape[3])
        members, count = self.grids.shape[:2]
        scale = _GAIN / math.sqrt(self.grids[0, 0].numel())
        whole = F.conv2d(self.fields(cells[-1]), self.grids.flatten(0, 1) * scale)
        whole = whole.reshape(-1, members, count).movedim(1, 0)
        return best / _SHARPNESS + whole + self.bias[:, None]

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        return self.pooled([self.cells(part) for part in features])


class ElementClassifiers(nn.Module):
    """Logits for every element: (N, 3, H, W) in [0, 1], at any H and W -> (N, E).

    Pictures are looked at twice, fitted into a square of ``image_size`` and into one half as large again:
    what is small in the picture is seen at the scale of the templates in the second. Several members answer,
    each trained on other folds of the examples; together they are calibrated.

    Args:
        backbone: (N, 3, S, S) in [0, 1] -> (N, C, h, w). It is frozen here (eval mode, no gradients to its
            parameters; they still flow through it to the picture) and not saved with the heads. Without one,
            a SmallBackbone is made, trained and saved with them. If it has ``expected``, a
            ``calibrate.Expected``, that is where the calibration of classifiers on it starts.
        element_names: one head for each, in this order.
        image_size: S, the side of the square that pictures are fitted into.
        members: heads for each element.
        trained_backbone: the backbone handed in is not frozen, and is saved with the heads.
    """

    temperature: Tensor
    offset: Tensor

    def __init__(
        self,
        backbone: nn.Module | None,
        element_names: Sequence[str],
        *,
        image_size: int = IMAGE_SIZE,
        members: int = 1,
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
        self.heads = ElementHeads(channels, len(self.element_names), members=members).to(reference)
        self.register_buffer("temperature", torch.ones(len(self.element_names)).to(reference))
        self.register_buffer("offset", torch.zeros(len(self.element_names)).to(reference))

    def train(self, mode: bool = True) -> ElementClassifiers:
        """Training mode for what is trained; a backbone that was handed in stays in eval mode."""
        super().train(mode)
        if self.frozen:
            self.backbone.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        return self.members(images).mean(dim=0)

    def members(self, images: Tensor) -> Tensor:
        """The answer of each member: (N, 3, H, W) in [0, 1] -> logits (M, N, E). Their mean is the answer."""
        return cast(Tensor, self.heads(self.features(images)) / self.temperature + self.offset)

    def features(self, images: Tensor) -> list[Tensor]:
        """The backbone's map of each scale, (N, C, h, w)."""
        sizes = [round(self.image_size * scale) for scale in SCALES]
        return [self.backbone(letterbox(images, size)) for size in sizes]

    @torch.no_grad()
    def with_elements(
        self, element_names: Sequence[str], *, keep: Sequence[ElementClassifiers]
    ) -> ElementClassifiers:
        """Classifiers of other elements on the same backbone, which see the same cells.

        Args:
            element_names: in the order of the columns.
            keep: classifiers on the same cells; heads and calibration of an element that one of them knows
                are copied. The others are fresh.
        """
        made = copy.copy(self)
        made._modules, made._buffers = self._modules.copy(), self._buffers.copy()
        made.element_names = tuple(element_names)
        members, channels = len(self.heads.templates), len(self.heads.mean)
        made.heads = ElementHeads(channels, len(made.element_names), members=members).to(self.temperature)
        cells = {name: buffer for name, buffer in self.heads.named_buffers()}
        made.heads.load_state_dict(cells, strict=False)
        made.temperature = torch.ones(len(made.element_names)).to(self.temperature)
        made.offset = torch.zeros(len(made.element_names)).to(self.temperature)
        for known in keep:
            for row, name in enumerate(known.element_names):
                column = made.element_names.index(name)
                made.heads.templates[:, column] = known.heads.templates[:, row]
                made.heads.grids[:, column] = known.heads.grids[:, row]
                made.heads.bias[:, column] = known.heads.bias[:, row]
                made.temperature[column] = known.temperature[row]
                made.offset[column] = known.offset[row]
        return made

    @torch.no_grad()
    def evidence(self, images: Tensor) -> Tensor:
        """Where each element's evidence is: (N, 3, H, W) -> (N, E, h, w), at least 0, of sum 1 over h and w.

        The weights of the smooth maximum, that is, the derivative of the logit by the template's score there;
        the mean over members and scales, on the square that pictures are fitted into.
        """
        scores = [self.heads.scores(self.heads.cells(part)) for part in self.features(images)]
        weights = torch.cat([part.flatten(3) for part in scores], dim=3).mul(_SHARPNESS).softmax(dim=3)
        weights = weights.mean(dim=0)
        height, width = scores[-1].shape[-2:]
        whole = torch.zeros(*weights.shape[:2], height, width, dtype=weights.dtype, device=weights.device)
        start = 0
        for part in scores:
            rows, columns = part.shape[-2:]
            share = weights[..., start : start + rows * columns].reshape(*weights.shape[:2], rows, columns)
            whole += F.interpolate(share, (height, width), mode="bilinear") * (
                rows * columns / (height * width)
            )
            start += rows * columns
        return whole / whole.sum(dim=(2, 3), keepdim=True)

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
            "members": len(self.heads.templates),
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
        classifiers = cls(
            backbone,
            config["elements"],
            image_size=config["image_size"],
            members=config["members"],
            trained_backbone=saved,
        )
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
        and type(config.get("members")) is int
        and 0 < config["members"] <= 64
        and isinstance(config.get("backbone"), str)
        and isinstance(config.get("sha256"), str)
    )


def _damaged(folder: Path, why: str) -> WeightsError:
    return WeightsError(f"{folder}: damaged classifiers ({why}).", remedy=_RETRAIN)
