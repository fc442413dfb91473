"""The independent judge: who is in this panel, before and after, by a network that no loss has ever read.

Only evaluation may import this module. Were the judge in a loss, it would be optimized against like any other
classifier, and nothing here could be measured any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pages.progress import Progress, Stop, never, silent, stop_here
from styles.embedded.judge import JudgeNetwork, load_judge
from styles.embedded.judge_renderers import JUDGE_RENDERERS

_SHORT_SIDE = 192  # panels are looked at in this size
_WINDOW_SHARES = (1.0, 0.7, 0.5)  # sides of the windows, as shares of the panel's shorter side
_OVERLAP = 0.5
_STYLE_VIEWS = 5  # of each panel of art, for the heads to learn what the styles leave of an element
_PENALTY = 0.02
_SEED = 1895


@dataclass(frozen=True)
class Judge:
    """The judge's network with what evaluation asks of it. Pictures are float in [0, 1], of any size."""

    network: JudgeNetwork

    @classmethod
    def load(cls) -> Judge:
        """The shipped judge.

        Raises:
            WeightsError: its weights are missing or damaged.
        """
        return cls(load_judge())

    @torch.no_grad()
    def identity(self, crops: Sequence[Tensor]) -> Tensor:
        """φ (N, 64), L2-normalized, of N crops (3, h, w): near for one character, whatever style or pose."""
        return self.network.identity(torch.cat([self._square(crop[None]) for crop in crops]))

    @torch.no_grad()
    def style_direction(self, art: Sequence[Tensor], stylized: Sequence[Tensor], style: str) -> Tensor:
        """How straight each picture moved towards a style: cosine (N,) in [-1, 1].

        The held-out counterpart of a directional CLIP score: the change of the judge's style embedding from
        art (3, h, w) to stylized (3, h, w), against the direction from the art to the style's prototype.

        Args:
            art: what went in.
            stylized: what came out, in the same order.
            style: one of ``styles.embedded.judge.JUDGE_STYLES``.

        Raises:
            KeyError: the judge does not know the style.
        """
        before = torch.stack([self._style(picture) for picture in art])
        after = torch.stack([self._style(picture) for picture in stylized])
        return F.cosine_similarity(after - before, self.network.style_prototype(style) - before)

    def _style(self, picture: Tensor) -> Tensor:
        """The mean style embedding (48,) over windows: texture is seen close by, not on a shrunken panel."""
        windows = _windows(_resized(picture[None]), (0.5,), self.network.style_size)
        return F.normalize(self.network.style(windows).mean(0), dim=0)

    def _square(self, crop: Tensor) -> Tensor:
        """A crop (1, 3, h, w) on a square of its mean color, in the judge's size; nothing is stretched."""
        side = max(crop.shape[-2:])
        square = crop.mean((2, 3), keepdim=True).repeat(1, 1, side, side)
        top, left = (side - crop.shape[2]) // 2, (side - crop.shape[3]) // 2
        square[:, :, top : top + crop.shape[2], left : left + crop.shape[3]] = crop
        size = (self.network.identity_size, self.network.identity_size)
        return F.interpolate(square, size, mode="bilinear", antialias=True, align_corners=False)

    @torch.no_grad()
    def panel_features(self, panel: Tensor) -> Tensor:
        """What a head reads of one panel (1, 3, h, w): the greatest and the mean φ of its windows, (128,)."""
        seen = self.network.identity(_windows(_resized(panel), _WINDOW_SHARES, self.network.identity_size))
        return torch.cat([seen.amax(0), seen.mean(0)])


def judge_probabilities(
    art_panels: Sequence[Tensor],
    stylized_panels: Sequence[Tensor],
    priors: Tensor,
    known: Tensor,
    *,
    judge: Judge | None = None,
    progress: Progress = silent,
    stop: Stop = never,
) -> tuple[Tensor, Tensor]:
    """Is the element in the panel? The judge's answer for the art and for the stylized panel.

    One regularized logistic head per element is fitted on the *input* art (and on views of it in the judge's
    own styles) to the author's marks. Cross-fitted: every panel is scored, before and after, by heads that
    never saw its drawing. Both classes weigh the same in every fit, so 0.5 means undecided.

    Args:
        art_panels: P pictures (3, h, w) in [0, 1], each of its own size.
        stylized_panels: the same panels, stylized.
        priors: (P, E) in [0, 1], the author's marks.
        known: (P, E), 0 where the author made no mark: no term in any fit, but scored all the same.
        judge: the shipped one unless given.
        progress: told after each panel.
        stop: asked before each panel.

    Returns:
        Probabilities before and after, (P, E) each. NaN where nothing can be judged: fewer than two panels
        are marked with the element, or none without it once the panel itself is left out.

    Raises:
        ValueError: the numbers of panels do not agree.
        WeightsError: the judge's weights are missing or damaged.
        Stopped: ``stop`` was true.
    """
    count = len(art_panels)
    if not (len(stylized_panels) == count == len(priors) == len(known)):
        lengths = (count, len(stylized_panels), len(priors), len(known))
        raise ValueError(f"art, stylized panels, priors and known must be of one length, got {lengths}")
    judge = judge or Judge.load()
    art, after = [], []
    for number, (drawn, painted) in enumerate(zip(art_panels, stylized_panels, strict=True)):
        stop_here(stop, "Judging")
        views = _style_views(_resized(drawn[None].float()), torch.Generator().manual_seed(_SEED + number))
        art.append(torch.stack([judge.panel_features(view) for view in views]))
        after.append(judge.panel_features(painted[None].float()))
        progress(number + 1, count, "judging panels")
    return _cross_fitted(torch.stack(art), torch.stack(after), priors.float(), known.float())


def _cross_fitted(art: Tensor, after: Tensor, priors: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Leave one panel out: art (P, V, D) views of each, the first the art itself; after (P, D)."""
    shown, absent = known * (priors > 0.5), known * (priors < 0.5)
    judged = (shown.sum(0) >= 2) & (absent.sum(0) >= 1)
    before_p, after_p = torch.full_like(priors, torch.nan), torch.full_like(priors, torch.nan)
    for panel in range(len(art)):
        others = torch.arange(len(art)) != panel
        fair = judged & (shown[others].sum(0) >= 1) & (absent[others].sum(0) >= 1)
        if not fair.any():
            continue
        learned = art[others].flatten(0, 1)
        center, spread = learned.mean(0), learned.std(0) + 1e-3
        marks = [marks[others][:, fair].repeat_interleave(art.shape[1], 0) for marks in (priors, known)]
        weight, bias = _fit((learned - center) / spread, *marks)
        for scored, features in ((before_p, art[panel, 0]), (after_p, after[panel])):
            scored[panel, fair] = torch.sigmoid((features - center) / spread @ weight + bias)
    return before_p, after_p


def _fit(features: Tensor, priors: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Logistic regression (N, D) -> (N, E) with an L2 penalty; each class of an element weighs one half."""
    yes, no = known * priors, known * (1 - priors)
    importance = 0.5 * (yes / yes.sum(0) + no / no.sum(0))
    weight = torch.zeros(features.shape[1], priors.shape[1], requires_grad=True)
    bias = torch.zeros(priors.shape[1], requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=60, line_search_fn="strong_wolfe")

    def objective() -> Tensor:
        optimizer.zero_grad()
        errors = F.binary_cross_entropy_with_logits(features @ weight + bias, priors, reduction="none")
        value = (importance * errors).sum() + 0.5 * _PENALTY * (weight**2).sum()
        torch.autograd.backward(value)
        return value

    with torch.enable_grad():
        optimizer.step(objective)  # type: ignore[no-untyped-call]
    return weight.detach(), bias.detach()


def _resized(panel: Tensor) -> Tensor:
    """(1, 3, h, w) with a shorter side of ``_SHORT_SIDE`` pixels."""
    scale = _SHORT_SIDE / min(panel.shape[-2:])
    size = [max(_SHORT_SIDE, round(side * scale)) for side in panel.shape[-2:]]
    return F.interpolate(panel, size, mode="bilinear", antialias=True, align_corners=False).clamp(0, 1)


def _windows(panel: Tensor, shares: Sequence[float], size: int) -> Tensor:
    """Overlapping square windows of the panel (1, 3, h, w) in several scales, each ``size`` pixels wide."""
    height, width = panel.shape[-2:]
    cut = []
    for share in shares:
        side = round(share * min(height, width))
        for top in _starts(height, side):
            for left in _starts(width, side):
                window = panel[:, :, top : top + side, left : left + side]
                cut.append(
                    F.interpolate(window, (size, size), mode="bilinear", antialias=True, align_corners=False)
                )
    return torch.cat(cut)


def _starts(length: int, side: int) -> list[int]:
    """Evenly spaced starts of windows that cover the whole length and overlap by about ``_OVERLAP``."""
    steps = -(-(length - side) // max(1, round(side * (1 - _OVERLAP))))
    return [round(number * (length - side) / steps) for number in range(steps + 1)] if steps else [0]


def _style_views(panel: Tensor, generator: torch.Generator) -> list[Tensor]:
    """The art itself, and views of it in styles drawn at random, half of them mirrored."""
    names = list(JUDGE_RENDERERS)
    views = [panel]
    for number in torch.randperm(len(names), generator=generator)[:_STYLE_VIEWS].tolist():
        view = panel.flip(-1) if torch.rand((), generator=generator) < 0.5 else panel
        views.append(JUDGE_RENDERERS[names[number]](view, None, generator))
    return views
