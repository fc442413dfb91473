"""StyleNet: the feed-forward network that draws a finished picture from concept art, a style and the screens.

A small U-Net with three rules:

* it normalizes per pixel (root mean square over channels), never over the picture, so that a character looks
  the same whatever else is in the panel and tiles can be exact;
* it is modulated (FiLM; Perez et al. 2018) by a style embedding, so one network serves the whole story;
* it draws patterns as a printer does: the style picks fixed planes (``styles.screens``), tone is compared
  with them, and what is darker than the plane is covered with ink. One comparison serves all patterns.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from styles import screens as _screens
from styles.vocabulary import PADDING, Vocabulary

_TEXT_LENGTH = 24
_PICKED = 4  # planes that a style mixes for itself
_SHARPNESS = 12.0  # of the comparison of tone with a plane: a ramp of about a third of the tones


class _PixelNorm(nn.Module):
    """x / rms(x) over channels, with a gain per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        normalized: Tensor = x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-5) * self.gain
        return normalized


class _Modulation(nn.Module):
    """FiLM: h * (1 + scale) + shift from the style, plus an offset that fine-tuning may move."""

    def __init__(self, channels: int, style_size: int) -> None:
        super().__init__()
        self.from_style = nn.Linear(style_size, 2 * channels)
        self.adapter = nn.Parameter(torch.zeros(2 * channels))

    def forward(self, h: Tensor, style: Tensor) -> Tensor:
        scale, shift = (self.from_style(style) + self.adapter)[:, :, None, None].chunk(2, dim=1)
        modulated: Tensor = h * (1 + scale) + shift
        return modulated


class _Block(nn.Module):
    """Residual block: norm, modulation, SiLU, 3 x 3, SiLU, 3 x 3."""

    def __init__(self, channels: int, style_size: int) -> None:
        super().__init__()
        self.norm = _PixelNorm(channels)
        self.modulation = _Modulation(channels, style_size)
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        h = self.first(F.silu(self.modulation(self.norm(x), style)))
        result: Tensor = x + self.second(F.silu(h))
        return result


class _TextEncoder(nn.Module):
    """A style text as an attention-weighted mean of its words' embeddings, two layers, and length √D.

    The fixed length keeps every style's modulation equally strong from the first step on.
    """

    def __init__(self, vocabulary_size: int, style_size: int) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary_size, style_size)
        self.attention = nn.Embedding(vocabulary_size, 1)
        self.layers = nn.Sequential(
            nn.Linear(style_size, 2 * style_size), nn.SiLU(), nn.Linear(2 * style_size, style_size)
        )
        nn.init.zeros_(self.attention.weight)

    def forward(self, tokens: Tensor) -> Tensor:
        scores = self.attention(tokens).squeeze(-1).masked_fill(tokens == PADDING, -torch.inf)
        pooled = (scores.softmax(dim=1).unsqueeze(-1) * self.words(tokens)).sum(dim=1)
        embedded: Tensor = F.normalize(self.layers(pooled), dim=1) * float(pooled.shape[1]) ** 0.5
        return embedded


class StyleNet(nn.Module):
    """Concept art to a finished picture in one style.

    All layers work at 1/2 and 1/4 of the size, on blocks of 2 x 2 pixels laid out as channels, so that they
    are wide enough to be fast; only the comparison with the screens is done pixel by pixel.

    Args:
        vocabulary: the words that the text encoder knows.
        width: channels at 1/2 of the size; twice as many at 1/4.
        style_size: length D of a style embedding.
    """

    total_stride = 4
    """Pictures' height and width, and the place where a tile starts, must be multiples of this."""

    receptive_field = 71
    """Side in pixels of the square of art that one finished pixel depends on."""

    def __init__(self, vocabulary: Vocabulary, *, width: int = 48, style_size: int = 64) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.config = {"width": width, "style_size": style_size}
        given = 4 * (7 + _PICKED)
        self.text = _TextEncoder(len(vocabulary), style_size)
        self.pick = nn.Linear(style_size, _PICKED * len(_screens.NAMES))
        self.stem = nn.Conv2d(given, width, 3, padding=1)
        self.to_quarter = nn.Conv2d(width, 2 * width, 4, stride=2, padding=1)
        self.middle = nn.ModuleList(_Block(2 * width, style_size) for _ in range(2))
        self.from_quarter = nn.Conv2d(2 * width, width, 1)
        self.mix = nn.Conv2d(width + given, width, 3, padding=1)
        self.decode = nn.ModuleList(_Block(width, style_size) for _ in range(2))
        self.last_norm = _PixelNorm(width)
        self.last_modulation = _Modulation(width, style_size)
        self.to_color = nn.Conv2d(width, 12, 3, padding=1)
        self.to_tone = nn.Conv2d(width, 4 * _PICKED, 3, padding=1)
        self.ink = nn.Linear(style_size, _PICKED * 3)
        self.recolor = nn.Linear(style_size, 12)
        nn.init.zeros_(self.recolor.weight)
        with torch.no_grad():  # starts as the picture itself, which every style then departs from
            self.recolor.bias.copy_(torch.cat([torch.eye(3).flatten(), torch.zeros(3)]))
            self.to_color.weight.mul_(0.1)

    def embed(self, texts: Sequence[str]) -> Tensor:
        """Style embeddings of texts: (T, D). Words outside the vocabulary carry no meaning."""
        return self.text_embedding(self.vocabulary.encode(texts, _TEXT_LENGTH))

    def text_embedding(self, tokens: Tensor) -> Tensor:
        """Style embeddings of encoded texts: (T, L) word numbers -> (T, D)."""
        embedded: Tensor = self.text(tokens.to(self.to_color.weight.device))
        return embedded

    def forward(
        self,
        art: Tensor,
        screens: Tensor,
        style: Tensor,
        flats: Tensor | None = None,
        flats_valid: Tensor | None = None,
    ) -> Tensor:
        """Draw the art in a style.

        Args:
            art: (N, 3, H, W) in [0, 1]; H and W multiples of ``total_stride``.
            screens: (N, K, H, W) in [0, 1] from ``styles.screens.screens``.
            style: (N, D) style embeddings.
            flats: (N, 3, H, W) in [0, 1], flat color hints.
            flats_valid: (N, 1, H, W) in [0, 1], where there are hints.

        Returns:
            (N, 3, H, W) in [0, 1].

        Raises:
            ValueError: H or W is no multiple of ``total_stride``.
        """
        return self.unclipped(art, screens, style, flats, flats_valid).clamp(0, 1)

    def unclipped(
        self,
        art: Tensor,
        screens: Tensor,
        style: Tensor,
        flats: Tensor | None = None,
        flats_valid: Tensor | None = None,
    ) -> Tensor:
        """What ``forward`` clips to [0, 1]: trained on, as a clipped or squashed pixel has no way back."""
        if art.shape[-1] % self.total_stride or art.shape[-2] % self.total_stride:
            raise ValueError(
                f"height and width must be multiples of {self.total_stride}, not {tuple(art.shape[-2:])}"
            )
        if flats is None or flats_valid is None:
            hints = art.new_zeros(art.shape[0], 4, *art.shape[-2:])
        else:
            hints = torch.cat([(flats - 0.5) * flats_valid, flats_valid], dim=1)
        picked = self._picked_screens(screens, style)
        given = F.pixel_unshuffle(torch.cat([art - 0.5, hints, picked - 0.5], dim=1), 2)
        half = self.stem(given)
        quarter = self.to_quarter(half)
        for block in self.middle:
            quarter = block(quarter, style)
        half = half + F.interpolate(self.from_quarter(quarter), scale_factor=2.0, mode="nearest")
        half = self.mix(torch.cat([half, given], dim=1))
        for block in self.decode:
            half = block(half, style)
        half = F.silu(self.last_modulation(self.last_norm(half), style))
        color, tone = F.pixel_shuffle(self.to_color(half), 2), F.pixel_shuffle(self.to_tone(half), 2)
        matrix, offset = self.recolor(style).split([9, 3], dim=1)
        recolored = torch.einsum("nij,njhw->nihw", matrix.view(-1, 3, 3), art - 0.5)
        cover = torch.sigmoid(_SHARPNESS * (0.5 + tone - picked))
        inked = torch.einsum("nij,njhw->nihw", self.ink(style).view(-1, 3, _PICKED), cover - 0.5)
        drawn: Tensor = 0.5 + color + recolored + offset[:, :, None, None] + inked
        return drawn

    def _picked_screens(self, screens: Tensor, style: Tensor) -> Tensor:
        """The planes that a style mixes for itself: (N, K, H, W) -> (N, _PICKED, H, W) in [0, 1]."""
        shares = (3 * self.pick(style)).view(len(style), _PICKED, -1).softmax(dim=2)
        return torch.einsum("npk,nkhw->nphw", shares, screens)

    def adapters(self) -> dict[str, nn.Parameter]:
        """What fine-tuning may move beside the style embeddings: FiLM offsets and the last layer."""
        moved = {name: value for name, value in self.named_parameters() if name.endswith(".adapter")}
        return moved | {f"to_color.{name}": value for name, value in self.to_color.named_parameters()}
