"""Where do the classifiers look? Maps of a picture for a score that is computed from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torchvision.transforms.v2.functional import gaussian_blur

from classifiers.model import ElementClassifiers, letterbox

Score = Callable[[Tensor], Tensor]
"""Logits (N, E) -> what to explain, (N,)."""

Region = tuple[float, float, float, float]
"""(left, top, right, bottom) as shares of a picture's width and height."""

_GRID = 4  # pixels: the largest stride with which networks start

_ACTIVATIONS = frozenset(
    {
        *(F.relu, F.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_),
        *(F.leaky_relu, F.elu, F.gelu, F.silu, F.mish, F.hardswish),
    }
)


def score_of(column: int) -> Score:
    """The logit of one element."""
    return lambda logits: logits[:, column]


def score_apart(column: int, other: int) -> Score:
    """What speaks for one element and not for another: the difference of their logits.

    As in Finer-CAM (Zhang et al., CVPR 2025) with full weight: what both have in common cancels out, so that
    two elements in one picture are told apart.
    """
    return lambda logits: logits[:, column] - logits[:, other]


def grad_cam(module: nn.Module, layer: nn.Module, images: Tensor, score: Score) -> Tensor:
    """Grad-CAM: L = ReLU(Σ_k α_k A_k), α_k the mean over the positions of ∂score / ∂A_k.

    Selvaraju et al., ICCV 2017, equations 1 and 2. Where the layer is run at several scales, their sums are
    added before the ReLU, each weighted by its number of positions: so each counts by what it adds to the
    score. The module is used as it is and left as it was.

    Args:
        module: (N, 3, H, W) -> logits (N, E), in eval mode.
        layer: one of its modules, whose output A is (N, C, h, w).
        images: (N, 3, H, W) in [0, 1].
        score: which of the logits.

    Returns:
        (N, h, w) float, at least 0; in the layer's own (largest) size, without a gradient.

    Raises:
        ValueError: the layer is not run, or gives no map.
    """
    kept: list[Tensor] = []
    handle = layer.register_forward_hook(lambda _, __, output: kept.append(output))
    try:
        with torch.enable_grad():
            scores = score(module(images.detach().requires_grad_()))
    finally:
        handle.remove()
    if not kept or not all(isinstance(part, Tensor) and part.ndim == 4 for part in kept):
        raise ValueError("the layer must be run and give a map (N, C, h, w)")
    gradients = torch.autograd.grad(scores.sum(), kept)
    height, width = max((part.shape[-2:] for part in kept), key=lambda size: size[0] * size[1])
    found = torch.zeros(len(images), height, width, dtype=kept[0].dtype, device=images.device)
    for part, gradient in zip(kept, gradients, strict=True):
        weights = gradient.mean(dim=(2, 3), keepdim=True)
        added = (weights * part.detach()).sum(dim=1)
        share = part.shape[-2] * part.shape[-1] / (height * width)
        found += share * _resized(added, height, width)
    return found.relu()


def guided_backpropagation(module: nn.Module, images: Tensor, score: Score) -> Tensor:
    """The score's gradient at the picture, let through each activation only where it speaks for the score.

    Springenberg et al., "Striving for Simplicity", ICLR 2015 workshop: at a ReLU a gradient passes where it
    is positive and so is the ReLU's output. A smooth activation (SiLU, GELU, ELU, ...) is not in the paper;
    here the same rule holds for it, in front of its own derivative. An activation
    that a module spells out in arithmetic (x * sigmoid(1.7 x)) is not recognized and passes all.

    Nothing is hooked or changed in the module: activations are met as they are called.

    Args:
        module, images, score: as for ``grad_cam``.

    Returns:
        (N, 3, H, W) float, without a gradient.
    """
    pictures = images.detach().clone().requires_grad_()
    with torch.enable_grad(), _Guiding():
        scores = score(module(pictures))
    (gradient,) = torch.autograd.grad(scores.sum(), pictures)
    return gradient


def guided_grad_cam(module: nn.Module, layer: nn.Module, images: Tensor, score: Score) -> Tensor:
    """Guided backpropagation, where Grad-CAM looks: their product (Selvaraju et al., section 3.2).

    Args:
        module, layer, images, score: as for ``grad_cam``.

    Returns:
        (N, 3, H, W) float, without a gradient.
    """
    guided = guided_backpropagation(module, images, score)
    return guided * _resized(grad_cam(module, layer, images, score), *images.shape[-2:])[:, None]


class _Guiding(TorchFunctionMode):
    """While it is on, what flows back to an activation passes where it and the output are positive."""

    def __torch_function__(
        self,
        func: Any,
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        if func in _ACTIVATIONS and isinstance(output, Tensor) and output.requires_grad:
            active = output.detach() > 0
            output.register_hook(lambda gradient: gradient.clamp_min(0) * active)  # type: ignore[no-untyped-call]
        return output


def attention(classifiers: ElementClassifiers, image: Tensor, score: Score) -> Tensor:
    """Grad-CAM of the classifiers' trunk in a picture's own frame.

    Args:
        image: (3, H, W) in [0, 1].

    Returns:
        (H, W), at least 0.
    """
    maps = grad_cam(classifiers, classifiers.backbone, on_square(image), score)
    return in_picture(maps, image.shape[-2], image.shape[-1])[0]


def lines(classifiers: ElementClassifiers, image: Tensor, score: Score) -> Tensor:
    """Guided Grad-CAM in a picture's own frame: which of its strokes speak for the score.

    Softened by a Gaussian of two of the network's pixels: a strided first layer leaves its grid in gradients.

    Args:
        image: (3, H, W) in [0, 1].

    Returns:
        (H, W), the largest of the three channels, at least 0.
    """
    square = on_square(image)
    maps = guided_grad_cam(classifiers, classifiers.backbone, square, score).relu().amax(dim=1)
    deviation = _GRID / 2 * max(1.0, square.shape[-1] / classifiers.image_size)
    maps = gaussian_blur(maps, [2 * round(3 * deviation) + 1] * 2, [deviation] * 2)
    return in_picture(maps, image.shape[-2], image.shape[-1])[0]


def on_square(image: Tensor) -> Tensor:
    """A picture (3, H, W) as the classifiers will see it, on white paper in its own scale: (1, 3, S, S)."""
    return letterbox(image[None], max(image.shape[-2:]))


def in_picture(maps: Tensor, height: int, width: int) -> Tensor:
    """Maps of ``letterbox``'s square brought back to the picture: (N, h, w) -> (N, height, width).

    What lies on the paper beside the picture is cut off.
    """
    side = max(height, width)
    square = _resized(maps, side, side)
    top, left = (side - height) // 2, (side - width) // 2
    return square[:, top : top + height, left : left + width]


def share_outside(attention_map: Tensor, region: Region) -> float | None:
    """How much of a map (H, W) lies outside a region: is it looking at the barcode?

    Returns:
        In [0, 1]; a map that is the same everywhere gives the share of the picture that the region leaves.
        None where the map is empty.
    """
    height, width = attention_map.shape
    left, top, right, bottom = region

    def covered(low: float, high: float, count: int) -> Tensor:
        """How much of each of ``count`` cells lies between two shares."""
        edges = torch.arange(count + 1, dtype=torch.float64) / count
        return (edges[1:].clamp_max(high) - edges[:-1].clamp_min(low)).clamp_min(0) * count

    total = float(attention_map.sum(dtype=torch.float64))
    if total <= 0:
        return None
    inside = covered(top, bottom, height)[:, None] * covered(left, right, width)
    return min(1.0, max(0.0, 1 - float((attention_map.double().cpu() * inside).sum()) / total))


def _resized(maps: Tensor, height: int, width: int) -> Tensor:
    """(N, h, w) -> (N, height, width), bilinear."""
    return F.interpolate(maps[:, None], (height, width), mode="bilinear", antialias=False)[:, 0]
