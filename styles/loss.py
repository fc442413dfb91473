"""S_j, the style loss of a panel: CLIPstyler's four terms with their weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from styles import functional
from styles.clip import ClipEncoder
from styles.views import Views, crop_views, take_views

SOURCE_PROMPTS = ("a pencil sketch", "a rough colored drawing", "a photo")
"""What concept art can be; each panel takes the one that its art is nearest to."""


@dataclass(frozen=True)
class StyleSettings:
    """The weights of the four terms, and the random crops that the second one sees.

    Attributes:
        directional_weight: λ_d.
        patch_weight: λ_p.
        content_weight: λ_c.
        total_variation_weight: λ_tv.
        crops: for each panel and step.
        crop_size: side of a crop as a share of the panel's shorter side, in (0, 1].
        distortion: of the perspective, 0 to 1.
        patch_threshold: crops with less loss than this are left alone.
        source: where a crop's direction starts: "panel", the whole panel as drawn (published); "crop", the
            same crop of it (ours).
        black_corners: what the perspective leaves of a crop stands on black (published); else it fills the
            view.
    """

    directional_weight: float
    patch_weight: float
    content_weight: float
    total_variation_weight: float
    crops: int
    crop_size: float
    distortion: float = 0.5
    patch_threshold: float = 0.7
    source: Literal["panel", "crop"] = "crop"
    black_corners: bool = False


PUBLISHED = StyleSettings(
    directional_weight=500,
    patch_weight=9000,
    content_weight=150,
    total_variation_weight=0.002,
    crops=64,
    crop_size=128 / 512,
    source="panel",
    black_corners=True,
)
"""Kwon & Ye 2022, as in the authors' code: the reference mode."""

EMBEDDED = StyleSettings(
    directional_weight=1,
    patch_weight=1,
    content_weight=1,
    total_variation_weight=1e-4,
    crops=8,
    crop_size=0.6,
)
"""For the embedded CLIP: few and large crops, as it is small and was trained on whole scenes. At the pixels
of a stylized panel the first three terms push about equally hard; total variation hardly does, as it would
wear down halftone and hatching."""


@dataclass(frozen=True)
class TextDirection:
    """ΔT = E(style text) - E(source text), with a choice of source texts.

    Attributes:
        style: (D,), L2-normalised.
        sources: (K, D), L2-normalised.
    """

    style: Tensor
    sources: Tensor

    @classmethod
    def between(cls, clip: ClipEncoder, style_prompt: str, source_prompts: Sequence[str]) -> TextDirection:
        """From texts; with several sources, each picture takes its nearest."""
        return cls(clip.encode_text([style_prompt])[0], clip.encode_text(source_prompts))

    def of(self, art: Tensor) -> Tensor:
        """ΔT for some embedded art: (N, D) -> (N, D). The source is chosen by zero-shot classification."""
        style, sources = self.style.to(art), self.sources.to(art)
        return style - sources[(art @ sources.T).argmax(dim=1)]


class StyleLoss(nn.Module):
    """S_j, in its four parts.

    ``S = λ_d L_dir + λ_p L_patch + λ_c L_c + λ_tv L_tv`` (Kwon & Ye 2022, total loss), panel by panel.

    Args:
        clip: the guide.
        content_features: pictures (N, 3, H, W) -> feature maps.
        style_prompt: what the panels shall look like.
        source_prompt: what the art looks like; None: zero-shot among ``SOURCE_PROMPTS``, panel by panel
            (ours: "a Photo", as published, is the wrong start for a pencil rough).
        settings: weights and crops.

    Raises:
        WeightsError: the guide knows no word of a prompt.
    """

    def __init__(
        self,
        clip: ClipEncoder,
        content_features: nn.Module,
        *,
        style_prompt: str,
        source_prompt: str | None = None,
        settings: StyleSettings = EMBEDDED,
    ) -> None:
        super().__init__()
        sources = SOURCE_PROMPTS if source_prompt is None else (source_prompt,)
        for prompt in (style_prompt, *sources):
            clip.check_prompt(prompt)
        self.clip = clip
        self.content_features = content_features
        self.settings = settings
        self.direction = TextDirection.between(clip, style_prompt, sources)

    def views(self, panel_ids: Sequence[str], sizes: Tensor, *, seed: int, step: int) -> Views:
        """The random crops of one step, as the settings have them. ``sizes``: (N, 2), height and width."""
        return crop_views(
            panel_ids,
            sizes,
            seed=seed,
            step=step,
            count=self.settings.crops,
            crop_size=self.settings.crop_size,
            view_size=self.clip.image_size,
            distortion=self.settings.distortion,
            black_corners=self.settings.black_corners,
        )

    def forward(
        self,
        stylized: Tensor,
        art: Tensor,
        views: Views,
        *,
        valid: Tensor | None = None,
        keep: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """The four terms, weights applied, so that ``S = sum(values)``.

        Args:
            stylized: (N, 3, H, W) in [0, 1].
            art: the panels as drawn, likewise; padded on the right and below where panels differ in size.
            views: the crops, the same for both; they know each panel's own size.
            valid: (N, 1, H, W) in [0, 1], 0 for padding or beyond a panel's polygon.
            keep: (N, 1, H, W) in [0, 1], 1 where the original stays, such as lettering.

        Returns:
            "directional", "patch_directional", "content" and "total_variation", each (N,). What is not valid,
            or is kept, has no part in them and gets no gradient.
        """
        settings = self.settings
        weight = _weight(valid, keep)
        if weight is not None:
            stylized = torch.lerp(art, stylized, weight.to(art))
        with torch.no_grad():
            whole_art = self.clip.encode_image(self._whole(art, views))
            crops_art = (
                self._encode(take_views(art, views)) if settings.source == "crop" else whole_art[:, None]
            )
            maps_art = self.content_features(art)
        whole = self.clip.encode_image(self._whole(stylized, views))
        crops = self._encode(take_views(stylized, views))
        direction = self.direction.of(whole_art)
        terms = {
            "directional": settings.directional_weight * functional.directional(whole, whole_art, direction),
            "patch_directional": settings.patch_weight
            * functional.patch_directional(crops, crops_art, direction, threshold=settings.patch_threshold),
            "content": settings.content_weight
            * functional.content(self.content_features(stylized), maps_art, weight),
            "total_variation": settings.total_variation_weight * functional.total_variation(stylized, weight),
        }
        return terms

    def _encode(self, crops: Tensor) -> Tensor:
        return torch.unflatten(self.clip.encode_image(crops.flatten(0, 1)), 0, crops.shape[:2])

    def _whole(self, images: Tensor, views: Views) -> Tensor:
        """Each panel without padding, in the encoder's size."""
        sizes = views.sizes.tolist()
        panels = [
            self.clip.resize(image[None, :, :height, :width])
            for image, (height, width) in zip(images, sizes, strict=True)
        ]
        return torch.cat(panels)


def _weight(valid: Tensor | None, keep: Tensor | None) -> Tensor | None:
    if keep is None:
        return valid
    return 1 - keep if valid is None else valid * (1 - keep)
