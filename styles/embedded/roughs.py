"""Simulated author's pages: pencil roughs, rough colored pages and color hints, made from clean scenes.

All functions are batched, work on the device of the scenes, and take a generator of that device.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from styles.embedded.scenes import Scenes

_PENCILS = (
    (0.16, 0.16, 0.17),
    (0.16, 0.16, 0.17),
    (0.1, 0.1, 0.11),
    (0.22, 0.2, 0.2),
    (0.2, 0.38, 0.72),
    (0.62, 0.24, 0.22),
    (0.35, 0.24, 0.17),
)
_PAPERS = (
    (1.0, 1.0, 1.0),
    (0.98, 0.97, 0.95),
    (0.96, 0.94, 0.89),
    (0.93, 0.93, 0.94),
    (0.97, 0.93, 0.84),
    (0.88, 0.86, 0.83),
)


def _uniform(like: Tensor, low: float, high: float, generator: torch.Generator) -> Tensor:
    """(N, 1, 1, 1), one number for each picture."""
    return low + (high - low) * torch.rand(len(like), 1, 1, 1, generator=generator, device=like.device)


def _chance(like: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """(N, 1, 1, 1) of ones and zeros, ones with probability ``share``."""
    return (torch.rand(len(like), 1, 1, 1, generator=generator, device=like.device) < share).float()


def _pick(like: Tensor, rows: tuple[tuple[float, ...], ...], generator: torch.Generator) -> Tensor:
    """(N, 3, 1, 1), one of the colors for each picture."""
    number = torch.randint(len(rows), (len(like),), generator=generator, device=like.device)
    return torch.tensor(rows, device=like.device)[number][:, :, None, None]


@lru_cache(maxsize=64)
def _spread(few: int, many: int) -> Tensor:
    """(many, few): bicubic interpolation as a matrix, much cheaper than resampling every picture."""
    return functional.interpolate(
        torch.eye(few)[None, None], size=(many, few), mode="bicubic", align_corners=True
    )[0, 0]


def _noise(like: Tensor, cell: float, generator: torch.Generator, channels: int = 1) -> Tensor:
    """Smooth noise (N, channels, H, W), about standard normal x 0.7, features of ``cell`` pixels."""
    height, width = like.shape[-2:]
    rows, columns = round(height / cell) + 3, round(width / cell) + 3
    coarse = torch.randn((len(like), channels, rows, columns), generator=generator, device=like.device)
    return _spread(rows, height).to(like.device) @ coarse @ _spread(columns, width).to(like.device).T


def _white(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like[:, :1].shape, generator=generator, device=like.device)


def _pixels(like: Tensor) -> tuple[Tensor, Tensor]:
    height, width = like.shape[-2:]
    y = torch.arange(height, device=like.device, dtype=torch.float32)[:, None]
    x = torch.arange(width, device=like.device, dtype=torch.float32)[None, :]
    return x, y


def _warp(images: Tensor, flow: Tensor) -> Tensor:
    """Images moved by ``flow`` (N, 2, H, W) pixels."""
    height, width = images.shape[-2:]
    x, y = _pixels(images)
    u = (x + flow[:, 0] + 0.5) * 2 / width - 1
    v = (y + flow[:, 1] + 0.5) * 2 / height - 1
    return functional.grid_sample(images, torch.stack((u, v), -1), padding_mode="border", align_corners=False)


def _hand(like: Tensor, generator: torch.Generator, steady: Tensor) -> Tensor:
    """How a hand misses: slow drift, quick tremor, and an offset, (N, 2, H, W) pixels."""
    drift = _noise(like, 45, generator, 2) * 1.8
    tremor = _noise(like, 11, generator, 2) * 0.55
    offset = torch.randn(len(like), 2, 1, 1, generator=generator, device=like.device) * 0.5
    return (drift + tremor + offset) * steady


def _tooth(like: Tensor, generator: torch.Generator) -> Tensor:
    """The paper's tooth in about [0, 1]: where graphite does not reach."""
    fine = (
        functional.avg_pool2d(functional.pad(_white(like, generator), (1, 1, 1, 1), mode="reflect"), 3, 1)
        * 2.2
    )
    return (0.5 + 0.22 * fine + 0.12 * _white(like, generator)).clamp(0, 1)


def _thinned(lines: Tensor, generator: torch.Generator) -> Tensor:
    """Lines with their cores worn to a pencil's width."""
    eroded = -functional.max_pool2d(-lines, 3, 1, 1)
    return lines - eroded * _uniform(lines, 0.0, 0.55, generator)


def _sketch(lines: Tensor, generator: torch.Generator, steady: Tensor) -> Tensor:
    """Doubled, uneven lines with gaps: graphite in [0, 1]."""
    thin = _thinned(lines, generator)
    graphite = torch.zeros_like(lines)
    for number in range(3):
        pressure = (_uniform(lines, 0.75, 1.1, generator) + 0.5 * _noise(lines, 24, generator)).clamp(0, 1.15)
        if number:
            pressure = (pressure - 0.25) * _chance(lines, 0.65, generator)
        graphite = torch.maximum(
            graphite, _warp(thin, _hand(lines, generator, steady)) * pressure.clamp_min(0)
        )
    return graphite.clamp(0, 1)


def _construction(lines: Tensor, generator: torch.Generator) -> Tensor:
    """Faint ellipses, axes and rules an author sets out with."""
    size = lines.shape[-1]
    x, y = _pixels(lines)
    flow = _noise(lines, 50, generator, 2) * 2
    x, y = x + flow[:, :1], y + flow[:, 1:]
    marks = torch.zeros_like(lines)
    for number in range(5):
        cx, cy = _uniform(lines, 0.2, 0.8, generator) * size, _uniform(lines, 0.1, 0.8, generator) * size
        angle, reach = _uniform(lines, 0, math.pi, generator), _uniform(lines, 0.1, 0.45, generator) * size
        u = (x - cx) * angle.cos() + (y - cy) * angle.sin()
        v = (y - cy) * angle.cos() - (x - cx) * angle.sin()
        if number < 3:
            squeeze = _uniform(lines, 0.45, 1.0, generator)
            radius = (u**2 + (v / squeeze) ** 2).sqrt()
            distance = (radius - reach * 0.7).abs() * (0.5 + 0.5 * squeeze)
        else:
            distance = torch.maximum(v.abs(), u.abs() - reach * 1.6)
        strength = _uniform(lines, 0.12, 0.42, generator) * _chance(lines, 0.5, generator)
        marks = torch.maximum(marks, (1.1 - distance).clamp(0, 1) * strength)
    return marks


def _hatching(shade: Tensor, generator: torch.Generator) -> Tensor:
    """Grainy strokes, closer and crossed where the tone is dark; some hands rub the tone smooth."""
    x, y = _pixels(shade)
    bend = _noise(shade, 40, generator) * 2.5
    angle, period = _uniform(shade, 0.4, 1.2, generator), _uniform(shade, 3.0, 6.0, generator)
    angle = torch.where(_chance(shade, 0.5, generator) > 0, angle, math.pi - angle)
    result = torch.zeros_like(shade)
    for turn, threshold in ((0.0, 0.12), (1.1, 0.6)):
        across = x * (angle + turn).cos() + y * (angle + turn).sin() + bend
        wave = 0.5 + 0.5 * torch.sin(2 * math.pi * across / period)
        uneven = 0.16 * _noise(shade, 9, generator)
        tone = (shade - threshold).clamp_min(0) / (1 - threshold)
        stroke = torch.sigmoid((tone * 1.05 + 0.08 + uneven - wave) * 7) * (tone * 6).clamp(0, 1)
        result = torch.maximum(result, stroke * (0.35 + 0.65 * tone))
    rubbed = (shade * 0.85 + 0.1 * _noise(shade, 14, generator) * shade).clamp(0, 1)
    mix = _chance(shade, 0.3, generator) * _uniform(shade, 0.4, 1.0, generator)
    return result + (rubbed - result) * mix


def _blur(images: Tensor, radius: int) -> Tensor:
    padded = functional.pad(images, (radius,) * 4, mode="replicate")
    return functional.avg_pool2d(padded, 2 * radius + 1, 1)


def _paper(like: Tensor, generator: torch.Generator) -> Tensor:
    """(N, 3, H, W): tint, grain, and a scanner's uneven light."""
    x, y = _pixels(like)
    size = like.shape[-1]
    slope = _uniform(like, -0.06, 0.06, generator) * (x / size - 0.5) + _uniform(
        like, -0.06, 0.06, generator
    ) * (y / size - 0.5)
    light = 1 + slope + _uniform(like, 0, 0.02, generator) * _noise(like, 90, generator)
    grain = _uniform(like, 0.0, 0.025, generator) * _white(like, generator) + _uniform(
        like, 0, 0.012, generator
    ) * _noise(like, 3, generator)
    return _pick(like, _PAPERS, generator) * light + grain


def _laid(paper: Tensor, graphite: Tensor, generator: torch.Generator) -> Tensor:
    """Graphite on paper."""
    pencil = _pick(paper, _PENCILS, generator)
    return paper * (1 - graphite * (1 - pencil))


def pencil_rough(scenes: Scenes, generator: torch.Generator) -> Tensor:
    """The scenes as a scanned pencil rough, (N, 3, H, W) in [0, 1]; one in seven is a clean ink drawing.

    Pencil tone appears where ``scenes.shade`` has tone, and only there.
    """
    lines = scenes.lines
    steady = _uniform(lines, 0.35, 1.15, generator)
    shade = _warp(scenes.shade, _hand(lines, generator, steady * 1.5))
    tooth = _tooth(lines, generator)
    stroke = torch.maximum(
        _sketch(lines, generator, steady), _construction(lines, generator) * _chance(lines, 0.6, generator)
    )
    tone = _hatching(shade, generator) * _uniform(lines, 0.45, 0.95, generator)
    grain = _uniform(lines, 0.2, 0.9, generator)
    graphite = 1 - (1 - stroke * (1 - 0.55 * grain * tooth)) * (1 - tone * (1 - grain * tooth))
    smudge = (
        _blur(graphite, 5)
        * (0.12 + 0.2 * _noise(lines, 40, generator)).clamp(0, 0.3)
        * _chance(lines, 0.6, generator)
    )
    graphite = (graphite * _uniform(lines, 0.6, 1.1, generator) + smudge).clamp(0, 1)
    pencil = _laid(_paper(lines, generator), graphite, generator)
    ink = 1 - torch.maximum(
        _warp(lines, _hand(lines, generator, steady * 0.3)),
        (_hatching(scenes.shade, generator) * 1.6).clamp(0, 1),
    )
    clean = _chance(lines, 0.15, generator)
    return (pencil + (ink - pencil) * clean).clamp(0, 1)


def color_rough(scenes: Scenes, generator: torch.Generator) -> Tensor:
    """The scenes as an author's rough colored page, (N, 3, H, W) in [0, 1].

    Marker or colored pencil, streaked, missing the line a little, under an uneven pencil or ink line.
    """
    lines = scenes.lines
    steady = _uniform(lines, 0.3, 1.0, generator)
    miss = _hand(lines, generator, steady * 1.8)
    lit = _uniform(lines, 0, 1, generator) * _chance(lines, 0.5, generator)
    color = _warp(scenes.flat + (scenes.color - scenes.flat) * lit, miss)
    x, y = _pixels(lines)
    angle, period = _uniform(lines, 0, math.pi, generator), _uniform(lines, 5, 12, generator)
    across = x * angle.cos() + y * angle.sin() + 3 * _noise(lines, 40, generator)
    streak = 0.5 * torch.sin(2 * math.pi * across / period) + 0.8 * _noise(lines, 10, generator)
    edge = (color - _blur(color, 2)).abs().mean(1, keepdim=True)
    color = color * (
        1 - _uniform(lines, 0.0, 0.09, generator) * streak - _uniform(lines, 0, 0.9, generator) * edge
    )
    tooth = _tooth(lines, generator)
    covered = _uniform(lines, 0.8, 1.0, generator) - _uniform(lines, 0, 0.55, generator) * tooth * _chance(
        lines, 0.5, generator
    )
    gap = (
        (_noise(lines, 16, generator) - _uniform(lines, 0.9, 1.8, generator)).clamp(0, 1)
        * 2.5
        * _blur(lines, 3).clamp(0, 0.4)
    )
    covered = (covered - gap * _chance(lines, 0.6, generator)).clamp(0, 1)
    page = _paper(lines, generator)
    page = page * (1 - covered) + color * page * covered
    drawn = _sketch(lines, generator, steady) * (1 - 0.4 * tooth * _chance(lines, 0.6, generator))
    drawn = drawn * _uniform(lines, 0.7, 1.0, generator)
    return _laid(page, drawn, generator).clamp(0, 1)


def flat_hints(scenes: Scenes, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Flat colors as an author marks them: hints (N, 3, H, W) and validity (N, 1, H, W), both in [0, 1].

    In half of the pictures all regions are filled, often with soft parts missing; in the others some dabs of
    color are set, each kept within its region. Hints are 0 where they are not valid.
    """
    flat = _warp(scenes.flat, _hand(scenes.lines, generator, _uniform(scenes.lines, 0, 0.6, generator)))
    count, _, height, width = flat.shape
    missing = torch.sigmoid((_noise(flat, 45, generator) - _uniform(flat, 0.1, 1.4, generator)) * 16)
    whole = 1 - missing * _chance(flat, 0.6, generator)
    x, y = _pixels(flat)
    dabs = torch.zeros_like(whole)
    edge = _noise(flat, 12, generator) * 0.25
    for _ in range(24):
        column = torch.randint(width, (count,), generator=generator, device=flat.device)
        row = torch.randint(height, (count,), generator=generator, device=flat.device)
        center = flat[torch.arange(count, device=flat.device), :, row, column][:, :, None, None]
        angle = _uniform(flat, 0, math.pi, generator)
        dx, dy = x - column[:, None, None, None], y - row[:, None, None, None]
        long, short = _uniform(flat, 5, 0.22 * width, generator), _uniform(flat, 4, 12, generator)
        reach = (
            ((dx * angle.cos() + dy * angle.sin()) / long) ** 2
            + ((dy * angle.cos() - dx * angle.sin()) / short) ** 2
        ).sqrt()
        same = ((flat - center).abs().amax(1, keepdim=True) < 0.07).float()
        dab = ((1 + edge - reach) * short).clamp(0, 1) * same * _chance(flat, 0.75, generator)
        dabs = torch.maximum(dabs, dab)
    valid = torch.where(_chance(flat, 0.5, generator) > 0, whole, dabs)
    return flat * valid, valid
