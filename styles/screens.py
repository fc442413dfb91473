"""Screens: fixed planes that the style network draws with, anchored to the page.

Crisp screentone, hatching, gouge marks, paper and brush strokes come from comparing tone with a plane,
instead of inventing texture from nothing. Every plane is a pure function of the pixel's place on the page at
the working scale, so patterns run on across panels and tiles.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

NAMES = (
    "dots",
    "hatch",
    "counterhatch",
    "gouge",
    "grain",
    "paper",
    "slow",
    "bristle",
    "cells",
    "grid",
    "block_x",
    "block_y",
)
"""The planes in channel order."""

BLOCK = 6
"""Side of a pixel-art block, in pixels at the working scale."""


def _hash(x: Tensor, y: Tensor, seed: int) -> Tensor:
    """A well mixed number in [0, 1) for each lattice point; int64 arithmetic wraps alike everywhere."""
    h = (x * 374761393 + y * 668265263 + seed * 1442695041) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 1274126177) & 0xFFFFFFFF
    h = ((h ^ (h >> 16)) * 2246822519) & 0xFFFFFFFF
    return (h ^ (h >> 15)).to(torch.float32) / 4294967296.0


def _value_noise(x: Tensor, y: Tensor, seed: int) -> Tensor:
    """Smooth noise in [0, 1] with lattice period 1."""
    x0, y0 = x.floor(), y.floor()
    u, v = x - x0, y - y0
    u, v = u * u * (3 - 2 * u), v * v * (3 - 2 * v)
    i, j = x0.long(), y0.long()
    top = _hash(i, j, seed) * (1 - u) + _hash(i + 1, j, seed) * u
    bottom = _hash(i, j + 1, seed) * (1 - u) + _hash(i + 1, j + 1, seed) * u
    return top * (1 - v) + bottom * v


def _triangle(phase: Tensor) -> Tensor:
    """A triangle wave in [0, 1] of period 1."""
    return (2 * (phase - phase.floor()) - 1).abs()


def _cell_edges(x: Tensor, y: Tensor, seed: int) -> Tensor:
    """Distance to the nearest edge of Worley cells of period 1: F2 - F1, clipped to [0, 1]."""
    i, j = x.floor().long(), y.floor().long()
    distances = []
    for dj in (-1, 0, 1):
        for di in (-1, 0, 1):
            px = (i + di) + 0.15 + 0.7 * _hash(i + di, j + dj, seed)
            py = (j + dj) + 0.15 + 0.7 * _hash(i + di, j + dj, seed + 1)
            distances.append(((x - px) ** 2 + (y - py) ** 2).sqrt())
    nearest = torch.stack(distances).topk(2, dim=0, largest=False).values
    return (nearest[1] - nearest[0]).clamp(0, 1)


def screens(origins: Tensor, height: int, width: int) -> Tensor:
    """The planes for pictures cut from a page.

    Args:
        origins: (N, 2) int64, x and y of each picture's first pixel on its page, at the working scale.
        height: rows of each picture.
        width: columns of each picture.

    Returns:
        (N, len(NAMES), height, width) float32 in [0, 1].
    """
    device = origins.device
    x = (origins[:, 0].view(-1, 1, 1) + torch.arange(width, device=device).view(1, 1, -1)).float()
    y = (origins[:, 1].view(-1, 1, 1) + torch.arange(height, device=device).view(1, -1, 1)).float()
    x, y = x + 0 * y, y + 0 * x
    slow = 0.65 * _value_noise(x / 61, y / 61, 11) + 0.35 * _value_noise(x / 23, y / 23, 12)
    diagonal, other = (x + y) / math.sqrt(2), (x - y) / math.sqrt(2)
    dots = 0.5 + 0.25 * (torch.cos(diagonal * (2 * math.pi / 7.5)) + torch.cos(other * (2 * math.pi / 7.5)))
    hatch = _triangle((diagonal + 2.5 * _value_noise(x / 37, y / 37, 13)) / 5.5)
    counterhatch = _triangle((other + 2.5 * _value_noise(x / 41, y / 41, 14)) / 5.5)
    gouge = _triangle((y + 9 * _value_noise(x / 47, y / 47, 15) + 1.5 * _value_noise(x / 9, y / 4, 16)) / 6.5)
    grain = 0.6 * _hash(x.long(), y.long(), 17) + 0.4 * _value_noise(x / 2.1, y / 2.1, 18)
    paper = 0.55 * _value_noise(x / 3.7, y / 3.7, 19) + 0.45 * _value_noise(x / 8.3, y / 8.3, 20)
    along, across = 0.87 * x + 0.5 * y, -0.5 * x + 0.87 * y
    bend = 14 * _value_noise(x / 53, y / 53, 21)
    bristle = 0.6 * _value_noise(along / 17, (across + bend) / 2.6, 22)
    bristle = bristle + 0.4 * _value_noise(along / 31, (across + bend) / 6.0, 23)
    cells = _cell_edges(x / 46, y / 46, 24)
    grid = torch.minimum(_triangle(x / 40 + 0.5), _triangle(y / 40 + 0.5))
    block_x, block_y = torch.remainder(x, BLOCK) / (BLOCK - 1), torch.remainder(y, BLOCK) / (BLOCK - 1)
    planes = (
        dots,
        hatch,
        counterhatch,
        gouge,
        grain,
        paper,
        slow,
        bristle,
        cells,
        grid,
        block_x,
        block_y,
    )
    return torch.stack(planes, dim=1)
