"""A second hand in every style: other renderers under the same names, for the embedded CLIP alone.

A model that has seen one program's watercolor learns that program. These draw each style in another way, with
patterns of random pitch and angle in place of the screens. StyleNet never learns from them: a style that it
draws must be one style.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from styles.embedded.renderers import Picture, Variation, blur, luminance, mix, ramp, saturate, thicken

Rgb = tuple[float, float, float]


class _Hand:
    """Random numbers and patterns for one batch of pictures."""

    def __init__(self, picture: Picture, generator: torch.Generator) -> None:
        self._count, _, self._height, self._width = picture.color.shape
        self._generator = generator
        self.vary = Variation(self._count, 1.0, generator)

    def between(self, low: float, high: float) -> Tensor:
        """(N, 1, 1, 1), uniform."""
        return self.vary((low + high) / 2, (high - low) / 2)

    def one_of(self, colors: tuple[Rgb, ...]) -> Tensor:
        """A color of these for each picture, (N, 3, 1, 1), moved a little."""
        index = torch.randint(len(colors), (self._count,), generator=self._generator)
        chosen = torch.tensor(colors)[index][:, :, None, None]
        return (chosen + 0.04 * (torch.rand(chosen.shape, generator=self._generator) * 2 - 1)).clamp(0, 1)

    def sometimes(self, chance: float) -> Tensor:
        """(N, 1, 1, 1) of zeros and ones."""
        return (torch.rand(self._count, 1, 1, 1, generator=self._generator) < chance).float()

    def noise(self, cell: float) -> Tensor:
        """Smooth noise in [0, 1] with features of about ``cell`` pixels, (N, 1, H, W)."""
        rows, columns = (max(2, math.ceil(side / cell) + 1) for side in (self._height, self._width))
        coarse = torch.rand(self._count, 1, rows, columns, generator=self._generator)
        return F.interpolate(coarse, (self._height, self._width), mode="bicubic", align_corners=True).clamp(
            0, 1
        )

    def _along(self, angle: Tensor) -> Tensor:
        y, x = torch.meshgrid(
            torch.arange(self._height).float(), torch.arange(self._width).float(), indexing="ij"
        )
        return x * angle.cos() + y * angle.sin()

    def stripes(self, pitch: Tensor, angle: Tensor, wobble: float = 0.0) -> Tensor:
        """Parallel waves in [0, 1], (N, 1, H, W)."""
        across = self._along(angle) + wobble * (self.noise(24) - 0.5)
        return 0.5 + 0.5 * torch.cos(2 * math.pi * across / pitch)

    def dots(self, pitch: Tensor, angle: Tensor) -> Tensor:
        """A grid of round hills in [0, 1], (N, 1, H, W)."""
        first = torch.cos(2 * math.pi * self._along(angle) / pitch)
        second = torch.cos(2 * math.pi * self._along(angle + math.pi / 2) / pitch)
        return 0.5 + 0.25 * (first + second)


_Variant = Callable[[Picture, _Hand], Tensor]
_WHITE: Rgb = (0.98, 0.97, 0.94)
_BLACK: Rgb = (0.06, 0.05, 0.07)


def _on(paper: Tensor, ink: Tensor, cover: Tensor) -> Tensor:
    return paper + (ink - paper) * cover


def _watercolor(p: Picture, hand: _Hand) -> Tensor:
    color = saturate(blur(p.flat, 3), hand.between(0.9, 1.5))
    edge = (p.flat - blur(p.flat, 2)).abs().amax(1, keepdim=True)
    pool = 0.5 + 0.7 * hand.noise(28) + 0.3 * hand.noise(3) + hand.between(0.8, 2.2) * edge
    washed = (1 - (1 - color.clamp(0.03, 1)) * hand.between(0.65, 0.95)) ** pool
    paper = hand.one_of((_WHITE, (0.97, 0.95, 0.9))) * (0.96 + 0.05 * hand.noise(2.5))
    line = p.lines * hand.between(0.0, 0.7)
    return mix(washed * paper, washed * 0.35, line)


def _ink(p: Picture, hand: _Hand) -> Tensor:
    grown = thicken(p.lines, 1)
    line = ramp(mix(p.lines, grown, hand.sometimes(0.5) * hand.noise(30)), 0.3, 0.6)
    black = ramp(-luminance(p.color), -hand.between(0.1, 0.28), 0.0) * hand.sometimes(0.7)
    cover = torch.maximum(line, ramp(black, 0.02, 0.08))
    return _on(hand.one_of((_WHITE, (1.0, 1.0, 1.0))), hand.one_of((_BLACK,)), cover).expand_as(p.color)


def _noir(p: Picture, hand: _Hand) -> Tensor:
    tone = luminance(blur(p.color, 1)) + 0.25 * (hand.noise(60) - 0.5)
    threshold = hand.between(0.42, 0.66)
    lit = ramp(tone, threshold - 0.015, threshold + 0.015)
    rim = ramp(p.lines, 0.3, 0.6)
    value = mix(lit, 1 - lit, rim * (1 - ramp(blur(lit, 2), 0.3, 0.7)))
    value = value * (1 - rim * ramp(blur(lit, 2), 0.3, 0.7))
    gray = 0.25 * hand.sometimes(0.4) * ramp(tone, threshold - 0.15, threshold - 0.12)
    return _on(hand.one_of((_BLACK,)), hand.one_of((_WHITE,)), torch.maximum(value, gray)).expand_as(p.color)


def _cel(p: Picture, hand: _Hand) -> Tensor:
    flat = saturate(p.flat, hand.between(1.0, 1.5))
    drop = luminance(p.flat) - luminance(p.color)
    shadow = ramp(drop, hand.between(0.03, 0.1), 0.13)
    light = ramp(-drop, 0.02, 0.05) * hand.sometimes(0.5)
    painted = flat * (1 - shadow * (1 - hand.one_of(((0.72, 0.68, 0.8), (0.7, 0.7, 0.7), (0.6, 0.62, 0.75)))))
    painted = mix(painted, torch.ones_like(painted), 0.25 * light)
    dark = mix(flat * 0.25, hand.one_of((_BLACK,)).expand_as(flat), hand.sometimes(0.6))
    return mix(painted, dark, ramp(mix(p.lines, thicken(p.lines, 1), hand.sometimes(0.5)), 0.3, 0.7))


def _pop(p: Picture, hand: _Hand) -> Tensor:
    levels = 2.0
    bright = (saturate(p.flat, hand.between(1.6, 2.4)) * levels).round() / levels
    pitch, angle = hand.between(4.5, 11.0), hand.between(0.2, 1.3)
    round_dots = hand.dots(pitch, angle)
    tone = luminance(p.flat)
    middle = ramp(tone, 0.25, 0.35) * ramp(-tone, -0.92, -0.82)
    dotted = ramp(round_dots, 0.52, 0.6) * middle
    spot = hand.one_of(((0.9, 0.12, 0.2), (0.1, 0.45, 0.85), (0.98, 0.8, 0.1), (0.95, 0.35, 0.6)))
    page = mix(bright, spot * mix(torch.ones_like(bright), bright, hand.between(0.2, 0.8)), dotted)
    line = ramp(thicken(p.lines, 2), 0.3, 0.6)
    return mix(page * hand.one_of((_WHITE, (1.0, 1.0, 1.0))), hand.one_of((_BLACK,)).expand_as(page), line)


def _manga(p: Picture, hand: _Hand) -> Tensor:
    tone = luminance(blur(p.color, 1))
    pitch = hand.between(3.5, 7.0)
    size = (1 - tone) * hand.between(0.55, 0.85)
    toned = ramp(hand.dots(pitch, hand.between(0.6, 0.95)) + size, 1.0, 1.12) * ramp(-tone, -0.75, -0.65)
    black = ramp(-tone, -hand.between(0.16, 0.3), -0.12)
    ink = torch.maximum(torch.maximum(toned, black), ramp(p.lines, 0.3, 0.6))
    return (1 - 0.95 * ink).expand_as(p.color)


def _hatching(p: Picture, hand: _Hand) -> Tensor:
    tone = luminance(blur(p.color, 1))
    angle, pitch = hand.between(0.3, 1.2), hand.between(3.5, 7.0)
    cover = ramp(p.lines, 0.25, 0.6)
    for turn, start in ((0.0, 0.78), (1.3, 0.55), (0.65, 0.34)):
        stroke = ramp(hand.stripes(pitch, angle + turn, 6.0), 0.72, 0.92) * (0.6 + 0.4 * hand.noise(6))
        cover = torch.maximum(cover, stroke * ramp(-tone, -start, -start + 0.08))
    paper, ink = hand.one_of((_WHITE, (0.95, 0.92, 0.85))), hand.one_of((_BLACK, (0.2, 0.14, 0.1)))
    return _on(paper, ink, cover).expand_as(p.color)


def _blueprint(p: Picture, hand: _Hand) -> Tensor:
    ground = hand.one_of(((0.05, 0.2, 0.5), (0.1, 0.3, 0.62), (0.08, 0.16, 0.38)))
    pitch = hand.between(10.0, 26.0)
    zero = torch.zeros_like(pitch)
    rules = torch.maximum(hand.stripes(pitch, zero), hand.stripes(pitch, zero + math.pi / 2))
    light = 0.25 * ramp(rules, 0.95, 0.99) * hand.sometimes(0.6)
    light = torch.maximum(light, ramp(p.lines, 0.2, 0.55) * hand.between(0.75, 1.0))
    return _on(ground * (0.9 + 0.2 * hand.noise(50)), hand.one_of(((0.9, 0.95, 1.0),)), light)


def _woodcut(p: Picture, hand: _Hand) -> Tensor:
    tone = luminance(blur(p.color, 2))
    cuts = hand.stripes(hand.between(4.0, 9.0), hand.between(-0.4, 1.6), hand.between(4.0, 14.0).max().item())
    bare = ramp(tone + 0.55 * (cuts - 0.5), hand.between(0.42, 0.6), 0.66)
    cover = torch.maximum(1 - bare, ramp(thicken(p.lines, 1), 0.3, 0.6)) * (
        1 - 0.2 * ramp(hand.noise(3), 0.7, 0.9)
    )
    paper = hand.one_of(((0.93, 0.87, 0.74), (0.96, 0.93, 0.85), (0.85, 0.76, 0.6)))
    return _on(paper, hand.one_of((_BLACK, (0.25, 0.12, 0.07))), cover).expand_as(p.color)


def _oil(p: Picture, hand: _Hand) -> Tensor:
    color = saturate(blur(p.color, 2), hand.between(1.1, 1.5))
    stroke = hand.stripes(hand.between(3.0, 6.0), hand.between(-1.0, 1.0), 40.0) * hand.noise(9)
    thick = stroke - blur(stroke, 3)
    color = color + 0.16 * (hand.noise(14) - 0.5) + hand.between(0.25, 0.5) * thick
    warm = hand.one_of(((1.0, 0.96, 0.86), (0.98, 0.93, 0.8)))
    return mix(color * warm, color * 0.45, blur(p.lines, 1) * hand.between(0.1, 0.6)).clamp(0, 1)


def _pastel(p: Picture, hand: _Hand) -> Tensor:
    color = 0.35 + 0.65 * saturate(blur(p.color, 2), hand.between(0.7, 1.1))
    tooth = ramp(0.6 * hand.noise(2) + 0.4 * hand.noise(4), hand.between(0.25, 0.4), 0.6)
    paper = hand.one_of(((0.75, 0.68, 0.6), (0.85, 0.83, 0.8), (0.66, 0.68, 0.72)))
    drawn = _on(paper, color, 0.35 + 0.6 * tooth)
    line = blur(p.lines, 1) * (0.4 + 0.6 * tooth) * hand.between(0.4, 0.9)
    return mix(drawn, p.flat * 0.35 + 0.1, line)


def _stained_glass(p: Picture, hand: _Hand) -> Tensor:
    glass = saturate(p.flat, hand.between(1.6, 2.4)) * (0.75 + 0.5 * hand.noise(20))
    first = hand.stripes(hand.between(30.0, 60.0), hand.between(0.0, 1.4), 30.0)
    second = hand.stripes(hand.between(30.0, 60.0), hand.between(1.6, 3.0), 30.0)
    seams = torch.maximum(ramp(first, 0.985, 0.996), ramp(second, 0.985, 0.996))
    lead = torch.maximum(ramp(thicken(p.lines, 2), 0.3, 0.6), seams)
    return mix(glass.clamp(0, 1), hand.one_of((_BLACK, (0.12, 0.12, 0.13))).expand_as(glass), lead)


def _pixel(p: Picture, hand: _Hand) -> Tensor:
    picture = mix(saturate(p.flat, hand.between(1.0, 1.4)), p.color * 0.15, p.lines)
    size = int(hand.between(4.0, 10.0)[0])
    height, width = picture.shape[-2:]
    small = F.interpolate(picture, (height // size, width // size), mode="area")
    levels = hand.between(3.0, 6.0).round()
    checks = (torch.arange(small.shape[-2])[:, None] + torch.arange(small.shape[-1])) % 2
    small = small + (checks - 0.5) * hand.sometimes(0.3) / levels
    return F.interpolate((small * levels).round() / levels, (height, width), mode="nearest").clamp(0, 1)


def _risograph(p: Picture, hand: _Hand) -> Tensor:
    color = blur(p.color, 1)
    first = hand.one_of(((0.1, 0.35, 0.6), (0.0, 0.45, 0.45), (0.2, 0.2, 0.55), (0.1, 0.45, 0.3)))
    second = hand.one_of(((1.0, 0.4, 0.45), (1.0, 0.55, 0.25), (1.0, 0.85, 0.2)))
    cool = 1 - (0.7 * color[:, :1] + 0.3 * color[:, 1:2])
    warm = torch.roll(1 - (0.3 * color[:, 1:2] + 0.7 * color[:, 2:]), shifts=(2, 3), dims=(2, 3))
    grain = mix(
        hand.noise(1.6), hand.dots(hand.between(3.0, 5.0), hand.between(0.3, 1.2)), hand.sometimes(0.5)
    )
    covers = [ramp(ink - 0.85 * grain, -0.04, 0.12) for ink in (cool, warm)]
    covers[0] = torch.maximum(covers[0], ramp(p.lines, 0.3, 0.6))
    page = hand.one_of(((0.97, 0.95, 0.9), (0.98, 0.97, 0.95))).expand_as(color)
    for cover, ink in ((covers[1], second), (covers[0], first)):
        page = page * mix(torch.ones_like(page), ink.expand_as(page), 0.92 * cover)
    return page


def _chalk(p: Picture, hand: _Hand) -> Tensor:
    board = hand.one_of(((0.1, 0.1, 0.11), (0.12, 0.22, 0.18), (0.16, 0.17, 0.2))) * (
        0.85 + 0.3 * hand.noise(40)
    )
    tooth = ramp(hand.noise(1.8), 0.25, 0.6)
    fill = (
        hand.between(0.0, 0.5)
        * tooth
        * ramp(hand.stripes(hand.between(4, 8), hand.between(0.4, 1.2), 8.0), 0.3, 0.7)
    )
    drawn = _on(board.expand_as(p.color), 0.3 + 0.7 * p.flat, fill)
    line = ramp(thicken(p.lines, 1), 0.25, 0.7) * (0.35 + 0.65 * tooth)
    return _on(drawn, hand.one_of(((0.95, 0.95, 0.92), (0.95, 0.9, 0.75))), line)


def _sepia(p: Picture, hand: _Hand) -> Tensor:
    tone = luminance(blur(p.color, 1)) * (0.9 + 0.2 * hand.noise(40)) + 0.05 * (hand.noise(2) - 0.5)
    stepped = (tone * 4).round() / 4
    tone = mix(tone, stepped, hand.sometimes(0.4)).clamp(0, 1)
    dark, light = hand.one_of(((0.28, 0.17, 0.09), (0.2, 0.12, 0.07))), hand.one_of(((0.97, 0.91, 0.78),))
    return _on(light, dark, torch.maximum(1 - tone, ramp(p.lines, 0.2, 0.6) * hand.between(0.5, 0.95)))


def _charcoal(p: Picture, hand: _Hand) -> Tensor:
    tooth = ramp(0.7 * hand.noise(1.8) + 0.3 * hand.noise(5), 0.3, 0.65)
    smear = blur(1 - luminance(p.color), 4) * hand.between(0.5, 0.95)
    body = smear * (0.45 + 0.6 * tooth)
    line = ramp(blur(thicken(p.lines, 2), 1), 0.15, 0.8) * (0.5 + 0.5 * tooth)
    cover = torch.maximum(body, line).clamp(0, 1)
    return _on(
        hand.one_of((_WHITE, (0.9, 0.88, 0.84))), hand.one_of((_BLACK, (0.15, 0.14, 0.14))), cover
    ).expand_as(p.color)


def _comic(p: Picture, hand: _Hand) -> Tensor:
    flat = saturate(p.flat, hand.between(0.9, 1.3))
    tone = luminance(p.flat) - luminance(blur(p.color, 1))
    pattern = mix(
        hand.dots(hand.between(2.5, 4.5), hand.between(0.5, 1.0)), torch.ones_like(tone), hand.sometimes(0.4)
    )
    shadow = ramp(tone, 0.04, 0.09) * ramp(pattern, 0.4, 0.6)
    painted = flat * (1 - 0.35 * shadow) * hand.one_of(((0.97, 0.93, 0.84), (0.99, 0.96, 0.9)))
    black = ramp(-luminance(p.color), -hand.between(0.1, 0.22), -0.08)
    line = ramp(mix(p.lines, thicken(p.lines, 1), 0.7 * hand.noise(20)), 0.25, 0.55)
    return mix(painted, hand.one_of((_BLACK,)).expand_as(painted), torch.maximum(line, black))


_VARIANTS: dict[str, _Variant] = {
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


def render_variant(name: str, picture: Picture, generator: torch.Generator) -> Tensor:
    """The picture in that style by the second hand, (N, 3, H, W) in [0, 1].

    Raises:
        KeyError: no such style.
    """
    return _VARIANTS[name](picture, _Hand(picture, generator)).clamp(0, 1)
