"""The four terms of CLIPstyler as pure functions, one number for each panel.

Source: G. Kwon and J. C. Ye, "CLIPstyler: Image Style Transfer with a Single Text Condition", CVPR 2022,
section 3.2. Every function returns (N,), so that S_j can be read panel by panel; weights are applied by
``styles.loss``.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def directional(stylized: Tensor, source: Tensor, text_direction: Tensor) -> Tensor:
    """The picture must change in the direction in which the text changes.

    ``L_dir = 1 - cos(ΔI, ΔT)``, ``ΔI = E(stylized) - E(source)``, ``ΔT = E(style text) - E(source text)``
    (Kwon & Ye 2022, directional CLIP loss, after Gal et al. 2021).

    Args:
        stylized: embeddings of the stylized panels, L2-normalised, (N, D).
        source: embeddings of the panels as drawn, L2-normalised, (N, D).
        text_direction: ΔT, (N, D) or (D,); its length does not matter.

    Returns:
        (N,) in [0, 2]. It is 1 where nothing changed, as ΔI has no direction there.
    """
    return 1 - F.cosine_similarity(stylized - source, text_direction.expand_as(stylized), dim=-1)


def patch_directional(
    stylized: Tensor, source: Tensor, text_direction: Tensor, *, threshold: float = 0.7
) -> Tensor:
    """The same for each random crop; crops that have arrived already are left alone.

    ``L_patch = mean_i R(l_i, τ)``, ``l_i = 1 - cos(ΔI_i, ΔT)``, ``R(l, τ) = 0 if l < τ else l``
    (Kwon & Ye 2022, PatchCLIP loss and threshold rejection; τ = 0.7). The rejected crops still count in the
    mean, as in the authors' code.

    Args:
        stylized: embeddings of the crops, L2-normalised, (N, C, D).
        source: where each crop starts: (N, 1, D), the embedding of the whole panel, as published; or
            (N, C, D), the same crop of the panel as drawn (ours: one start for all crops favours one texture
            everywhere).
        text_direction: ΔT, (N, D) or (D,).
        threshold: τ, in [0, 2].

    Returns:
        (N,) in [0, 2].
    """
    direction = text_direction.expand(stylized.shape[0], -1)[:, None].expand_as(stylized)
    losses = 1 - F.cosine_similarity(stylized - source, direction, dim=-1)
    return torch.where(losses < threshold, 0, losses).mean(dim=1)


def content(stylized: Sequence[Tensor], art: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
    """What is drawn must stay: mean squared difference of feature maps.

    ``L_c = Σ_layers mean((φ_l(stylized) - φ_l(art))²)`` (Kwon & Ye 2022, content loss after Gatys et al.
    2016; the authors take conv4_2 and conv5_2 of VGG19).

    Args:
        stylized: feature maps of the stylized panels, each (N, C_l, h_l, w_l).
        art: the same of the panels as drawn.
        weight: (N, 1, H, W) in [0, 1]; the mean is weighted with it, averaged down to each map. Ours: padding
            and lettering have weight 0.

    Returns:
        (N,), at least 0; 0 for a panel without any weight.
    """
    total = stylized[0].new_zeros(stylized[0].shape[0])
    for ours, theirs in zip(stylized, art, strict=True):
        difference = (ours - theirs).square().mean(dim=1, keepdim=True)
        if weight is None:
            total = total + difference.mean(dim=(1, 2, 3))
        else:
            share = F.adaptive_avg_pool2d(weight.to(difference), (difference.shape[-2], difference.shape[-1]))
            weighted = (difference * share).sum(dim=(1, 2, 3))
            total = total + weighted / share.sum(dim=(1, 2, 3)).clamp(min=1e-6)
    return total


def total_variation(images: Tensor, weight: Tensor | None = None) -> Tensor:
    """Neighboring pixels must not differ without need.

    ``L_tv = Σ_d ‖x - shift_d(x)‖₂`` over the four directions right, down and both diagonals (Kwon & Ye 2022,
    as in the authors' code, where it comes from DeepInversion's image prior).
    Ours differs in one thing: the authors take one norm over the whole batch, we take one for each panel, so
    that a panel's S_j does not depend on its neighbors in the batch. For a batch of one both are the same.

    Args:
        images: (N, 3, H, W).
        weight: (N, 1, H, W) in [0, 1]; a difference counts by the product of its two pixels' weights.

    Returns:
        (N,), at least 0.
    """
    pairs = (
        (images[..., :, :-1], images[..., :, 1:]),
        (images[..., :-1, :], images[..., 1:, :]),
        (images[..., 1:, :-1], images[..., :-1, 1:]),
        (images[..., :-1, :-1], images[..., 1:, 1:]),
    )
    if weight is None:
        differences = [first - second for first, second in pairs]
    else:
        w = weight.to(images)
        weights = (
            w[..., :, :-1] * w[..., :, 1:],
            w[..., :-1, :] * w[..., 1:, :],
            w[..., 1:, :-1] * w[..., :-1, 1:],
            w[..., :-1, :-1] * w[..., 1:, 1:],
        )
        differences = [(first - second) * both for (first, second), both in zip(pairs, weights, strict=True)]
    norms = [torch.linalg.vector_norm(difference, dim=(1, 2, 3)) for difference in differences]
    return torch.stack(norms).sum(dim=0)
