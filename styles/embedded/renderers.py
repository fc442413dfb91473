"""Classical non-photorealistic renderers: what StyleNet and the embedded CLIP learn their styles from.

Each renderer is a batched torch function of a clean picture, its ink lines and the screens, so a GPU can make
its own data. Line work comes as coverage (1 is ink), tone is compared with a screen where the style has a
pattern. With a ``Variation`` of zero a renderer is a pure function of the picture; more of it moves the
renderer's parameters, so that an encoder learns the style and not one setting of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from styles.screens import BLOCK, NAMES


@dataclass(frozen=True)
class Picture:
    """What a renderer draws from; all float32 in [0, 1].

    Attributes:
        color: (N, 3, H, W), shaded colors without ink lines.
        flat: (N, 3, H, W), one color per region.
        lines: (N, 1, H, W), ink coverage.
        screens: (N, K, H, W), the planes of ``styles.screens``.
        origins: (N, 2) int64, where each picture starts on its page.
    """

    color: Tensor
    flat: Tensor
    lines: Tensor
    screens: Tensor
    origins: Tensor

    def screen(self, name: str) -> Tensor:
        """One plane, (N, 1, H, W)."""
        index = NAMES.index(name)
        return self.screens[:, index : index + 1]


class Variation:
    """Moves a renderer's numbers: ``vary(base, spread)`` is (N, 1, 1, 1) around ``base``.

    Args:
        count: pictures in the batch.
        amount: 0 gives ``base`` itself, 1 the whole spread.
        generator: where the randomness comes from; needed when ``amount`` is above 0.
    """

    def __init__(self, count: int, amount: float = 0.0, generator: torch.Generator | None = None) -> None:
        self._count, self._amount, self._generator = count, amount, generator

    def __call__(self, base: float, spread: float) -> Tensor:
        if self._amount == 0.0:
            return torch.full((self._count, 1, 1, 1), base)
        draw = torch.rand(self._count, 1, 1, 1, generator=self._generator) * 2 - 1
        return base + spread * self._amount * draw

    def color(self, rgb: tuple[float, float, float], spread: float) -> Tensor:
        """A color (N, 3, 1, 1) around ``rgb``."""
        return torch.cat([self(channel, spread) for channel in rgb], dim=1).clamp(0, 1)


def luminance(rgb: Tensor) -> Tensor:
    """Rec. 601 luma, (N, 3, H, W) -> (N, 1, H, W)."""
    return 0.299 * rgb[:, 0:1] + 0.587 * rgb[:, 1:2] + 0.114 * rgb[:, 2:3]


def blur(x: Tensor, radius: int) -> Tensor:
    """Two box blurs of side 2 radius + 1: close to a Gaussian, and cheap."""
    for _ in range(2):
        x = F.avg_pool2d(F.pad(x, (radius,) * 4, mode="replicate"), 2 * radius + 1, stride=1)
    return x


def thicken(lines: Tensor, radius: int) -> Tensor:
    """Lines grown by a radius in pixels."""
    return F.max_pool2d(lines, 2 * radius + 1, stride=1, padding=radius)


def ramp(x: Tensor, low: Tensor | float, high: Tensor | float) -> Tensor:
    """0 below ``low``, 1 above ``high``, smooth between."""
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def mix(a: Tensor, b: Tensor, share: Tensor) -> Tensor:
    """``a`` where share is 0, ``b`` where it is 1."""
    return a + (b - a) * share


def saturate(rgb: Tensor, factor: Tensor | float) -> Tensor:
    """Colors moved away from their own gray by a factor."""
    gray = luminance(rgb)
    return (gray + (rgb - gray) * factor).clamp(0, 1)


def _watercolor(p: Picture, vary: Variation) -> Tensor:
    color = saturate(mix(blur(p.color, 2), p.flat, torch.full_like(p.lines, 0.35)), vary(1.5, 0.2))
    color = (1 - (1 - color) * vary(0.86, 0.08)).clamp(0.02, 1)
    wash = 0.42 + 1.05 * p.screen("slow") + vary(0.55, 0.2) * (p.screen("paper") - 0.5)
    rim = ramp(blur(p.lines, 2), 0.05, 0.4)
    density = (wash + vary(0.9, 0.3) * rim).clamp(0.25, 2.2)
    painted = color**density
    bare = ramp(luminance(p.color) + 0.16 * (p.screen("paper") - 0.5), 0.86, 0.96)
    paper = vary.color((0.985, 0.975, 0.95), 0.015) * (1 - 0.05 * p.screen("paper"))
    painted = mix(painted * paper, paper.expand_as(painted), bare)
    pencil = p.lines * vary(0.72, 0.15)
    return mix(painted, painted * vary.color((0.3, 0.24, 0.22), 0.08), pencil)


def _ink(p: Picture, vary: Variation) -> Tensor:
    tone = luminance(blur(p.color, 1))
    black = ramp(-tone, -vary(0.2, 0.06), -vary(0.15, 0.02) + 0.03)
    ink = torch.maximum(ramp(p.lines, 0.25, 0.65), black)
    paper = vary.color((0.985, 0.98, 0.96), 0.015)
    return mix(paper.expand_as(p.color), vary.color((0.05, 0.05, 0.07), 0.04).expand_as(p.color), ink)


def _noir(p: Picture, vary: Variation) -> Tensor:
    tone = luminance(blur(p.color, 2)) + 0.03 * (p.screen("slow") - 0.5)
    threshold = vary(0.47, 0.06)
    lit = ramp(tone, threshold - 0.02, threshold + 0.02)
    strokes = ramp(p.screen("hatch"), 0.5, 0.68)
    half_lit = ramp(tone, threshold + 0.1, threshold + 0.14)
    value = lit * mix(strokes, torch.ones_like(strokes), half_lit)
    line = ramp(p.lines, 0.25, 0.6)
    inside = 1 - ramp(blur(lit, 3), 0.02, 0.25)
    value = mix(value, 0.78 * inside, line)
    value = value * (0.985 - 0.05 * p.screen("grain")) + 0.012
    return (value * vary.color((1.0, 1.0, 0.98), 0.02)).clamp(0, 1)


def _cel(p: Picture, vary: Variation) -> Tensor:
    flat = saturate(p.flat, vary(1.3, 0.15))
    flat = 1 - (1 - flat) * 0.94
    drop = luminance(p.flat) - luminance(blur(p.color, 2))
    shadow = ramp(drop, vary(0.055, 0.02), vary(0.085, 0.01) + 0.02)
    shade = vary.color((0.7, 0.64, 0.8), 0.06)
    painted = mix(flat, flat * shade, shadow)
    line = ramp(thicken(p.lines, 1), 0.3, 0.7)
    return mix(painted, vary.color((0.1, 0.07, 0.12), 0.04).expand_as(painted), line)


def _pop(p: Picture, vary: Variation) -> Tensor:
    bright = saturate(blur(p.flat, 1), vary(1.7, 0.25))
    ink = 1 - (bright * 1.08 - 0.02).clamp(0, 1)
    cyan, magenta, yellow = ink[:, 0:1], ink[:, 1:2], ink[:, 2:3]
    dots = p.screen("dots")
    solid = vary(0.66, 0.06)
    low = vary(0.2, 0.04)

    def dotted(cover: Tensor) -> Tensor:
        on_dots = ramp(dots, 0.6, 0.7) * ramp(cover, low, low + 0.04)
        return torch.maximum(on_dots, ramp(cover, solid - 0.03, solid + 0.03))

    strong_yellow = ramp(yellow, 0.3, 0.38)
    planes = (
        (dotted(cyan), vary.color((0.0, 0.52, 0.86), 0.05)),
        (dotted(magenta), vary.color((0.93, 0.1, 0.3), 0.05)),
        (strong_yellow, vary.color((1.0, 0.86, 0.08), 0.04)),
    )
    page = vary.color((0.995, 0.985, 0.95), 0.01).expand_as(p.color)
    for cover, rgb in planes:
        page = page * mix(torch.ones_like(page), rgb.expand_as(page), cover)
    dark = ramp(-luminance(p.color), -0.16, -0.1)
    line = torch.maximum(ramp(thicken(p.lines, 1), 0.3, 0.6), dark)
    return mix(page, vary.color((0.04, 0.03, 0.05), 0.03).expand_as(page), line)


def _manga(p: Picture, vary: Variation) -> Tensor:
    tone = luminance(blur(p.color, 1))
    cover = torch.zeros_like(tone)
    for threshold, step in ((0.68, 0.14), (0.52, 0.18), (0.36, 0.26)):
        cover = cover + step * ramp(-tone, -vary(threshold, 0.03), -vary(threshold, 0.0) + 0.03)
    # The share of the dot plane below t is about t for its middle values: coverage picks the threshold.
    toned = ramp(-p.screen("dots"), -(cover * 1.05 + 0.08) - 0.06, -(cover * 1.05 + 0.08) + 0.06)
    toned = toned * ramp(cover, 0.02, 0.1)
    black = ramp(-tone, -vary(0.21, 0.04), -0.14)
    ink = torch.maximum(torch.maximum(toned * vary(0.88, 0.1), black), ramp(p.lines, 0.25, 0.65))
    return (1 - 0.96 * ink).expand_as(p.color) * vary.color((0.995, 0.99, 0.98), 0.01)


def _hatching(p: Picture, vary: Variation) -> Tensor:
    tone = luminance(blur(p.color, 1))
    ink = ramp(p.lines, 0.2, 0.6)
    for name, start, depth in (("hatch", 0.7, 0.56), ("counterhatch", 0.48, 0.48), ("gouge", 0.3, 0.4)):
        width = ((vary(start, 0.05) - tone) * depth / start + 0.2).clamp(0, 0.72)
        stroke = ramp(-p.screen(name), -width - 0.14, -width + 0.14)
        ink = torch.maximum(ink, stroke * ramp(-tone, -vary(start, 0.0), -start + 0.06))
    paper = vary.color((0.98, 0.965, 0.93), 0.02)
    return mix(paper.expand_as(p.color), vary.color((0.1, 0.08, 0.08), 0.06).expand_as(p.color), 0.93 * ink)


def _blueprint(p: Picture, vary: Variation) -> Tensor:
    tone = luminance(blur(p.color, 1))
    ground = vary.color((0.07, 0.24, 0.53), 0.04) * (0.88 + 0.24 * p.screen("slow"))
    light = torch.maximum(0.16 * ramp(-p.screen("grid"), -0.05, -0.02), ramp(p.lines, 0.15, 0.5) * 0.95)
    dim = ramp(-tone, -vary(0.42, 0.05), -0.36) * ramp(-p.screen("hatch"), -0.36, -0.2)
    light = torch.maximum(light, 0.45 * dim) + 0.03 * (p.screen("grain") - 0.5)
    return mix(
        ground.expand_as(p.color), vary.color((0.92, 0.96, 1.0), 0.03).expand_as(p.color), light
    ).clamp(0, 1)


def _woodcut(p: Picture, vary: Variation) -> Tensor:
    tone = luminance(blur(p.color, 2)) - 0.42 * blur(p.lines, 1)
    cut = tone + vary(0.62, 0.1) * (p.screen("gouge") - 0.5) + 0.08 * (p.screen("grain") - 0.5)
    bare = ramp(cut, vary(0.44, 0.05) - 0.05, vary(0.44, 0.0) + 0.07)
    ink = torch.maximum(1 - bare, ramp(thicken(p.lines, 1), 0.35, 0.7))
    ink = ink * (1 - 0.25 * ramp(p.screen("paper"), 0.72, 0.9))
    paper = vary.color((0.93, 0.88, 0.76), 0.03)
    return mix(paper.expand_as(p.color), vary.color((0.1, 0.07, 0.06), 0.05).expand_as(p.color), ink)


def _oil(p: Picture, vary: Variation) -> Tensor:
    color = mix(blur(p.color, 3), p.color, torch.full_like(p.lines, 0.35))
    color = saturate(color, vary(1.3, 0.15))
    bristle = (p.screen("bristle") - 0.5) * (1 - 0.55 * ramp(luminance(p.color), 0.6, 1.0))
    color = color * (1 + vary(0.7, 0.15) * bristle) + 0.1 * bristle
    warm = (p.screen("slow") - 0.5) * 0.16
    color = color + torch.cat([warm, 0.2 * warm, -warm], dim=1)
    line = blur(p.lines, 1) * vary(0.55, 0.15)
    return mix(color, color * vary.color((0.3, 0.2, 0.16), 0.05), line).clamp(0, 1)


def _pastel(p: Picture, vary: Variation) -> Tensor:
    color = 1 - (1 - saturate(blur(p.color, 1), vary(0.95, 0.15))) * 0.78
    tooth = 0.5 * p.screen("grain") + 0.5 * p.screen("paper")
    strokes = 0.12 * (p.screen("bristle") - 0.5)
    cover = ramp(tooth + strokes, vary(0.3, 0.05) - 0.14, vary(0.3, 0.0) + 0.12)
    paper = vary.color((0.73, 0.66, 0.57), 0.05).expand_as(color)
    bare = ramp(luminance(p.color), 0.88, 0.96)
    drawn = mix(paper, color, (0.25 + 0.7 * cover) * (1 - 0.72 * bare))
    line = ramp(blur(p.lines, 1), 0.1, 0.6) * (0.35 + 0.5 * cover)
    return mix(drawn, vary.color((0.3, 0.22, 0.26), 0.06).expand_as(color), line * vary(0.85, 0.1))


def _stained_glass(p: Picture, vary: Variation) -> Tensor:
    glass = saturate(blur(p.flat, 1), vary(1.75, 0.25)) ** vary(1.15, 0.15)
    glow = 0.72 + 0.6 * p.screen("slow") + 0.16 * (p.screen("paper") - 0.5)
    glass = (glass * glow + 0.04).clamp(0, 1)
    outline = ramp(thicken(p.lines, 2), 0.3, 0.7)
    cells = ramp(-p.screen("cells"), -vary(0.09, 0.02), -0.04)
    lead = torch.maximum(outline, cells)
    return mix(glass, vary.color((0.06, 0.055, 0.06), 0.03).expand_as(glass), lead)


def _pixel(p: Picture, vary: Variation) -> Tensor:
    darkened = mix(saturate(p.flat * 0.5 + p.color * 0.5, vary(1.2, 0.15)), p.color * 0.15, p.lines)
    height, width = p.color.shape[-2:]
    averaged = F.avg_pool2d(F.pad(darkened, (0, BLOCK - 1, 0, BLOCK - 1), mode="replicate"), BLOCK, stride=1)
    rows = torch.arange(height).view(1, -1) - torch.remainder(
        torch.arange(height).view(1, -1) + p.origins[:, 1:2].cpu(), BLOCK
    )
    columns = torch.arange(width).view(1, -1) - torch.remainder(
        torch.arange(width).view(1, -1) + p.origins[:, 0:1].cpu(), BLOCK
    )
    rows, columns = rows.clamp(min=0), columns.clamp(min=0)
    pick = (rows[:, :, None] * width + columns[:, None, :]).view(-1, 1, height * width)
    blocks = averaged.flatten(2).gather(2, pick.expand(-1, 3, -1).to(averaged.device)).view_as(averaged)
    levels = vary(5.0, 1.2)
    return ((blocks * levels).round() / levels).clamp(0, 1)


def _risograph(p: Picture, vary: Variation) -> Tensor:
    color = blur(p.color, 1)
    red, green, blue = color[:, 0:1], color[:, 1:2], color[:, 2:3]
    cool = (1 - 0.75 * red - 0.25 * green).clamp(0, 1)
    warm = (1 - 0.6 * green - 0.4 * blue).clamp(0, 1) * (0.35 + 0.65 * ramp(red, 0.15, 0.6))
    warm = torch.roll(warm, shifts=(2, -2), dims=(2, 3))
    grain = 0.8 * p.screen("grain") + 0.2 * p.screen("paper")
    first = torch.maximum(ramp(cool - 0.86 * grain, -0.03, 0.17) * 0.92, ramp(p.lines, 0.25, 0.65))
    second = ramp(warm - 0.86 * grain, -0.03, 0.17) * 0.92
    page = vary.color((0.965, 0.945, 0.9), 0.015).expand_as(color)
    page = mix(page, page * vary.color((1.0, 0.36, 0.34), 0.07), second)
    return mix(page, page * vary.color((0.06, 0.3, 0.62), 0.06), first)


def _chalk(p: Picture, vary: Variation) -> Tensor:
    board = vary.color((0.13, 0.19, 0.17), 0.035) * (0.85 + 0.3 * p.screen("slow"))
    tooth = 0.6 * p.screen("grain") + 0.4 * p.screen("paper")
    rubbed = ramp(tooth + 0.5 * (0.5 - p.screen("hatch")), vary(0.42, 0.06), vary(0.42, 0.0) + 0.3)
    bare = 1 - 0.9 * ramp(luminance(p.color), 0.84, 0.95)
    fill = mix(
        board.expand_as(p.color),
        0.25 + 0.75 * saturate(p.flat, 0.85),
        0.62 * rubbed * luminance(p.color) * bare,
    )
    line = ramp(thicken(p.lines, 1), 0.2, 0.7) * ramp(tooth, 0.12, 0.42)
    chalk = vary.color((0.94, 0.94, 0.9), 0.03)
    return mix(fill, chalk.expand_as(fill), line * vary(0.92, 0.06)).clamp(0, 1)


def _sepia(p: Picture, vary: Variation) -> Tensor:
    tone = luminance(blur(p.color, 2))
    tone = tone + 0.14 * (p.screen("slow") - 0.5) + 0.06 * (p.screen("paper") - 0.5)
    value = torch.zeros_like(tone)
    for threshold in (0.22, 0.42, 0.6, 0.78):
        value = value + 0.25 * ramp(tone, threshold - 0.045, threshold + 0.045)
    value = 0.2 + 0.8 * value
    value = value - 0.14 * ramp(blur(p.lines, 2), 0.05, 0.4)
    dark, light = vary.color((0.25, 0.15, 0.08), 0.04), vary.color((0.965, 0.91, 0.79), 0.02)
    washed = mix(dark.expand_as(p.color), light.expand_as(p.color), value.clamp(0, 1))
    return mix(washed, vary.color((0.2, 0.11, 0.06), 0.04).expand_as(washed), ramp(p.lines, 0.2, 0.65) * 0.92)


def _charcoal(p: Picture, vary: Variation) -> Tensor:
    tone = luminance(blur(p.color, 3))
    tooth = 0.5 * p.screen("grain") + 0.5 * p.screen("paper")
    dark = ((1 - tone) ** vary(1.1, 0.15)).clamp(0, 1)
    body = dark * (0.5 + 0.75 * ramp(tooth, 0.25, 0.75)) + 0.1 * (p.screen("slow") - 0.5) * dark
    line = ramp(blur(thicken(p.lines, 1), 1), 0.12, 0.75) * (0.62 + 0.42 * tooth)
    cover = torch.maximum(body * vary(0.85, 0.08), line)
    paper = vary.color((0.94, 0.925, 0.9), 0.02)
    return mix(
        paper.expand_as(p.color), vary.color((0.09, 0.09, 0.1), 0.03).expand_as(p.color), cover.clamp(0, 1)
    )


def _comic(p: Picture, vary: Variation) -> Tensor:
    flat = saturate(p.flat, vary(0.95, 0.12))
    drop = luminance(p.flat) - luminance(blur(p.color, 1))
    shadow = ramp(drop, 0.05, 0.1) * ramp(p.screen("dots"), 0.42, 0.58)
    painted = mix(flat, flat * 0.6, shadow)
    newsprint = vary.color((0.965, 0.925, 0.82), 0.02) * (1 - 0.06 * p.screen("grain"))
    painted = (0.08 + 0.92 * painted) * newsprint
    dark = ramp(-luminance(p.color), -vary(0.2, 0.03), -0.13)
    ink = torch.maximum(ramp(p.lines, 0.2, 0.55), dark)
    return mix(painted, vary.color((0.07, 0.06, 0.08), 0.03).expand_as(painted), ink)


Renderer = Callable[[Picture, Variation], Tensor]

RENDERERS: dict[str, Renderer] = {
    "watercolor": _watercolor,
    "ink": _ink,
    "noir": _noir,
    "cel": _cel,
    "pop": _pop,
    "manga": _manga,
    "hatching": _hatching,
    "blueprint": _blueprint,
    "woodcut": _woodcut,
    "oil": _oil,
    "pastel": _pastel,
    "stained_glass": _stained_glass,
    "pixel": _pixel,
    "risograph": _risograph,
    "chalk": _chalk,
    "sepia": _sepia,
    "charcoal": _charcoal,
    "comic": _comic,
}
"""Style name to renderer: ``(picture, variation) -> (N, 3, H, W)`` in [0, 1]."""


def _night(rgb: Tensor) -> Tensor:
    return saturate(rgb, 0.6) * rgb.new_tensor([0.36, 0.44, 0.66]).view(1, 3, 1, 1)


def _sunset(rgb: Tensor) -> Tensor:
    warm = rgb * rgb.new_tensor([1.0, 0.74, 0.56]).view(1, 3, 1, 1)
    return warm + rgb.new_tensor([0.08, 0.02, 0.0]).view(1, 3, 1, 1)


def _fog(rgb: Tensor) -> Tensor:
    return 0.42 * saturate(rgb, 0.7) + 0.5


_LIGHTS: dict[str, Callable[[Tensor], Tensor]] = {"night": _night, "sunset": _sunset, "fog": _fog}


def in_mood(picture: Picture, mood: str) -> Picture:
    """The same picture in another light: "night", "sunset" or "fog" (``captions.MOODS``)."""
    light = _LIGHTS[mood]
    return replace(picture, color=light(picture.color).clamp(0, 1), flat=light(picture.flat).clamp(0, 1))
