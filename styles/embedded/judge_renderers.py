"""The judge's own painters: eighteen styles, each coded from what the medium does, in NumPy and Pillow.

They share no code with the renderers that teach the guide and the style network. They teach the judge what
styles look like, and serve as independent examples of each style when the guide is measured.

All lengths are in units of 1/128 of the picture's shorter side, so that a style looks alike at any size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage
from scipy.spatial import cKDTree
from torch import Tensor

Array = NDArray[Any]
"""Floats, mostly float32."""
Painter = Callable[[Array, Array, np.random.Generator, float], Array]
"""(picture (H, W, 3) in [0, 1], ink coverage (H, W), random numbers, pixels per unit) -> (H, W, 3)."""

Renderer = Callable[[Tensor, Tensor | None, torch.Generator], Tensor]


# --- tools -----------------------------------------------------------------------------------------------


def _blur(a: Array, sigma: float) -> Array:
    """Gaussian blur over height and width; sigma in pixels."""
    sigmas = (sigma, sigma, 0.0)[: a.ndim]
    return np.asarray(ndimage.gaussian_filter(a, sigmas, mode="nearest"), dtype=np.float32)


def _luma(image: Array) -> Array:
    return image @ np.array([0.299, 0.587, 0.114], dtype=np.float32)


def _step(a: Array, low: float | Array, high: float | Array) -> Array:
    """0 below ``low``, 1 above ``high``, smooth between."""
    t = np.clip((a - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), dtype=np.float32)


def _mix(a: Array, b: Array, share: Array) -> Array:
    """``b`` where share (H, W) is 1, ``a`` where it is 0; colors are (3,) or (H, W, 3)."""
    return np.asarray(a + (b - a) * share[..., None], dtype=np.float32)


def _color(*rgb: float) -> Array:
    return np.array(rgb, dtype=np.float32)


def _jitter(color: Array, rng: np.random.Generator, amount: float) -> Array:
    return np.clip(color + rng.normal(0, amount, 3), 0, 1).astype(np.float32)


def _pick(rng: np.random.Generator, colors: list[Array], amount: float = 0.02) -> Array:
    return _jitter(colors[int(rng.integers(len(colors)))], rng, amount)


def _cloud(rng: np.random.Generator, height: int, width: int, period: float) -> Array:
    """Slow noise (H, W), about in [0, 1], with features of ``period`` pixels."""
    rows, columns = int(height / period) + 4, int(width / period) + 4
    small = Image.fromarray(rng.random((rows, columns), dtype=np.float32))
    large = small.resize((int(columns * period) + 1, int(rows * period) + 1), Image.Resampling.BICUBIC)
    top, left = (int(start) for start in rng.integers(0, int(period) + 1, 2))
    return np.asarray(large, dtype=np.float32)[top : top + height, left : left + width]


def _tooth(rng: np.random.Generator, height: int, width: int, sigma: float) -> Array:
    """The grain of paper (H, W) in [0, 1], mean 0.5."""
    noise = _blur(rng.standard_normal((height, width), dtype=np.float32), sigma)
    return np.asarray(np.clip(0.5 + 0.25 * noise / (noise.std() + 1e-6), 0, 1))


def _fibers(
    rng: np.random.Generator, height: int, width: int, angle: float, length: float, thick: float
) -> Array:
    """Noise drawn out along one direction (H, W) in [0, 1]: the trace of a dragged stick or brush."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    along = (x * np.cos(angle) + y * np.sin(angle)) / length
    across = (y * np.cos(angle) - x * np.sin(angle)) / thick
    noise = rng.random((64, 256), dtype=np.float32)
    coordinates = np.stack([across + rng.uniform(0, 64), along + rng.uniform(0, 256)])
    drawn = ndimage.map_coordinates(noise, coordinates, order=1, mode="grid-wrap")
    return np.asarray(np.clip(0.5 + (drawn - 0.5) * 1.4, 0, 1).astype(np.float32))


def _wobble(a: Array, rng: np.random.Generator, amount: float, period: float) -> Array:
    """Shift every pixel by slow noise of up to ``amount`` pixels: an unsteady hand."""
    height, width = a.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    y += (_cloud(rng, height, width, period) - 0.5) * 2 * amount
    x += (_cloud(rng, height, width, period) - 0.5) * 2 * amount
    planes = a[..., None] if a.ndim == 2 else a
    moved = [
        ndimage.map_coordinates(planes[..., k], [y, x], order=1, mode="nearest")
        for k in range(planes.shape[2])
    ]
    return np.stack(moved, -1).reshape(a.shape).astype(np.float32)


def _shift(a: Array, dy: float, dx: float) -> Array:
    return np.asarray(ndimage.shift(a, (dy, dx), order=1, mode="nearest"), dtype=np.float32)


def _calm(image: Array, radius: int) -> Array:
    """Kuwahara filter: the mean of the quietest of four quadrants, so that areas calm down and edges stay."""
    size = 2 * radius + 1
    half = radius // 2 + 1
    tone = _luma(image)
    mean = ndimage.uniform_filter(image, (size // 2 + 1, size // 2 + 1, 0), mode="nearest")
    first = ndimage.uniform_filter(tone, size // 2 + 1, mode="nearest")
    spread = ndimage.uniform_filter(tone * tone, size // 2 + 1, mode="nearest") - first * first
    best, least = mean, np.full_like(tone, np.inf)
    for dy, dx in ((-half, -half), (-half, half), (half, -half), (half, half)):
        here = np.roll(spread, (dy, dx), (0, 1))
        better = here < least
        best = np.where(better[..., None], np.roll(mean, (dy, dx), (0, 1)), best)
        least = np.where(better, here, least)
    return np.asarray(best, dtype=np.float32)


def _flats(image: Array, count: int) -> Array:
    """The picture in ``count`` flat colors (median cut, then k-means), small specks removed."""
    picture = Image.fromarray((image * 255 + 0.5).astype(np.uint8))
    flat = picture.quantize(count, method=Image.Quantize.MEDIANCUT, kmeans=1, dither=Image.Dither.NONE)
    return np.asarray(flat.convert("RGB"), dtype=np.float32) / 255


def _direction(image: Array, sigma: float) -> Array:
    """The angle (H, W) along edges, from the smoothed structure tensor."""
    tone = _blur(_luma(image), 1.0)
    gy, gx = ndimage.sobel(tone, 0), ndimage.sobel(tone, 1)
    xx, yy, xy = _blur(gx * gx, sigma), _blur(gy * gy, sigma), _blur(gx * gy, sigma)
    return np.asarray(0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2, dtype=np.float32)


def _find_lines(image: Array, unit: float) -> Array:
    """Ink coverage (H, W) for a picture that comes without lines: its own dark strokes, and color edges."""
    tone = _luma(image)
    strokes = ndimage.grey_closing(tone, size=int(3 * unit) * 2 + 1) - tone
    soft = _blur(image, 0.8 * unit)
    slope = np.sqrt((ndimage.sobel(soft, 0) ** 2 + ndimage.sobel(soft, 1) ** 2).max(-1)) * unit
    crest = slope / (_blur(slope, 1.8 * unit) + 0.05)
    edges = _step(slope, 0.2, 0.6) * _step(crest, 1.15, 1.6)
    drawn = _step(strokes, 0.14, 0.40)
    near = _step(_blur(drawn, 1.8 * unit), 0.05, 0.25)
    return np.asarray(np.maximum(drawn, edges * (1 - near)))


def _weigh(lines: Array, unit: float, weight: float) -> Array:
    """Lines made about ``weight`` units heavier (lighter if negative), still with soft edges."""
    if weight <= 0:
        return _step(_blur(lines, 0.3 * unit), 0.25 - 0.3 * weight, 0.8 - 0.3 * weight)
    sigma = (0.35 + 0.4 * weight) * unit
    return _step(_blur(lines, sigma) * (0.6 + sigma), 0.18, 0.42)


def _pen(lines: Array, rng: np.random.Generator, unit: float, weight: float) -> Array:
    """Lines that swell and thin as a pen's do."""
    thin, thick = _weigh(lines, unit, -0.3), _weigh(lines, unit, weight)
    pressure = _step(_cloud(rng, lines.shape[0], lines.shape[1], 14 * unit), 0.3, 0.7)
    return np.asarray(thin + (thick - thin) * pressure)


def _dots(
    height: int, width: int, pitch: float, angle: float, coverage: Array, rng: np.random.Generator
) -> Array:
    """Halftone dots (H, W) in [0, 1]: round, ``pitch`` pixels apart, covering ``coverage`` of the paper."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x, y = x + rng.uniform(0, pitch), y + rng.uniform(0, pitch)
    u = (x * np.cos(angle) + y * np.sin(angle)) / pitch
    v = (y * np.cos(angle) - x * np.sin(angle)) / pitch
    distance = np.hypot(u - np.round(u), v - np.round(v)) * pitch
    radius = np.sqrt(np.clip(coverage, 0, 1) / np.pi) * pitch
    return np.asarray(np.clip(radius - distance + 0.5, 0, 1) * (coverage > 0.01))


def _saturate(image: Array, amount: float) -> Array:
    gray = _luma(image)[..., None]
    return np.clip(gray + (image - gray) * amount, 0, 1).astype(np.float32)


def _side_light(rng: np.random.Generator, height: int, width: int) -> Array:
    """A slow slope of light (H, W), mean about 0, from a random side."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return np.asarray(
        (np.cos(angle) * (x / width - 0.5) + np.sin(angle) * (y / height - 0.5)).astype(np.float32)
    )


# --- painters --------------------------------------------------------------------------------------------


def _watercolor(image: Array, lines: Array, rng: np.random.Generator, unit: float) -> Array:
    """Transparent pigment on white rough paper: pools, blooms, wet edges, grain, reserved whites."""
    height, width = lines.shape
    wash = _wobble(_calm(image, round(2 * unit) + 1), rng, 1.6 * unit, 9 * unit)
    wet = _cloud(rng, height, width, 22 * unit)
    wash = _mix(wash, _blur(wash, 3.0 * unit), _step(wet, 0.55, 0.9))
    edge = np.abs(wash - _blur(wash, 1.5 * unit)).max(-1)
    pool = 0.6 * _cloud(rng, height, width, 16 * unit) + 0.4 * _cloud(rng, height, width, 6 * unit)
    grain = _tooth(rng, height, width, 0.7 * unit)
    density = rng.uniform(0.45, 0.8) * (0.55 + 0.9 * pool) + 1.8 * edge + 0.35 * (0.5 - grain)
    paper = _color(0.985, 0.975, 0.95)
    pigment = np.clip(_saturate(wash, 1.35), 0.04, 1.0)
    painted = paper * pigment ** np.clip(density, 0.05, 1.6)[..., None]
    rim = ndimage.distance_transform_edt(np.pad(np.ones((height, width)), 1))[1:-1, 1:-1]
    if rng.random() < 0.5:
        bare = _step(
            rim.astype(np.float32) + 7 * unit * (_cloud(rng, height, width, 10 * unit) - 0.5),
            3 * unit,
            4 * unit,
        )
        painted = _mix(np.broadcast_to(paper, painted.shape), painted, bare)
    if rng.random() < 0.6:
        pencil = _weigh(lines, unit, -0.4) * (0.25 + 0.5 * grain)
        painted = _mix(painted, _color(0.35, 0.33, 0.32), pencil * rng.uniform(0.3, 0.9))
    return np.asarray(painted * (0.98 + 0.03 * grain)[..., None])


def _ink(image: Array, lines: Array, rng: np.random.Generator, unit: float) -> Array:
    """A pen drawing: black contours of changing width on white paper, no tone, some areas spotted black."""
    drawn = _wobble(_pen(lines, rng, unit, rng.uniform(0.4, 1.8)), rng, 0.7 * unit, 8 * unit)
    if rng.random() < 0.6:
        dark = _step(_blur(_luma(image), 0.8 * unit), 0.10, 0.16)
        drawn = np.maximum(drawn, 1 - dark)
    paper = _jitter(_color(0.985, 0.985, 0.975), rng, 0.01)
    return _mix(np.broadcast_to(paper, image.shape), _color(0.03, 0.03, 0.04), drawn)


def _noir(image: Array, lines: Array, rng: np.random.Generator, unit: float) -> Array:
    """Hard light: much of the picture is solid black, lit sides are white, so are contours in the dark."""
    height, width = lines.shape
    tone = _blur(_luma(image), 1.2 * unit)
    tone = tone + rng.uniform(0.15, 0.45) * _side_light(rng, height, width)
    if rng.random() < 0.3:  # light that falls through blinds
        y, x = np.mgrid[:height, :width].astype(np.float32)
        slats = np.sin((y + x * rng.uniform(-0.6, 0.6)) / (unit * rng.uniform(2.0, 3.5)))
        tone = tone + 0.18 * slats * _step(_cloud(rng, height, width, 50 * unit), 0.45, 0.55)
    level = float(np.clip(np.quantile(tone, rng.uniform(0.5, 0.7)), 0.25, 0.99))
    lit = _step(tone, level - 0.006, level + 0.006)
    contour = _pen(lines, rng, unit, 0.8)
    picture = lit * (1 - _weigh(lines, unit, 1.0))
    picture = np.maximum(picture, (1 - _step(_blur(lit, unit), 0.0, 0.3)) * contour * rng.uniform(0.75, 1.0))
    shown = 0.02 + 0.95 * picture
    return np.repeat(shown[..., None], 3, -1).astype(np.float32)


def _cel(image: Array, lines: Array, rng: np.random.Generator, unit: float) -> Array:
    """Animation paint: flat clear color, one hard shadow tone, thin clean outlines."""
    height, width = lines.shape
    open_ink = _inpaint(image, lines, unit)
    flat = _flats(_calm(open_ink, round(1.5 * unit) + 1), int(rng.integers(10, 17)))
    flat = _saturate(np.clip(flat * 1.06 + 0.03, 0, 1), rng.uniform(1.15, 1.4))
    light = (
        _luma(_blur(open_ink, 4 * unit))
        - _luma(_blur(open_ink, 12 * unit))
        + 0.08 * _side_light(rng, height, width)
    )
    shadow = 1 - _step(light, -0.085, -0.075)
    flat = _mix(flat, flat * _color(0.72, 0.68, 0.80), shadow)
    line = _weigh(lines, unit, rng.uniform(-0.2, 0.5))
    return _mix(flat, _color(0.08, 0.06, 0.10), line)


def _inpaint(image: Array, lines: Array, unit: float) -> Array:
    """The picture with its ink taken out: covered pixels take the color of the nearest bare ones."""
    covered = ndimage.grey_dilation(lines, size=2 * max(1, round(0.8 * unit)) + 1) > 0.25
    if covered.all() or not covered.any():
        return image
    nearest = ndimage.distance_transform_edt(covered, return_distances=False, return_indices=True)
    return np.asarray(image[nearest[0], nearest[1]], dtype=np.float32)


_POP = [
    _color(0.90, 0.10, 0.14), _color(0.99, 0.84, 0.05), _color(0.05, 0.30, 0.75), _color(0.10, 0.65, 0.88),
    _color(0.97, 0.45, 0.65), _color(0.99, 0.98, 0.94), _color(0.99, 0.55, 0.10), _color(0.10, 0.62, 0.30),
    _color(0.05, 0.05, 0.06), _color(0.99, 0.80, 0.68),
]  # fmt: skip


def _pop(image: Array, lines: Array, rng: np.random.Generator, unit: float) -> Array:
    """Pop art: a few loud primaries, Ben-Day dots in half of the areas, heavy black outlines."""
    height, width = lines.shape
    flat = _saturate(_flats(_calm(_inpaint(image, lines, unit), round(1.5 * unit) + 1), 9), 1.7)
    palette = np.stack(_POP)[rng.permutation(len(_POP))[: int(rng.integers(7, 11))]]
    _, nearest = cKDTree(palette).query(flat.reshape(-1, 3))
    nearest = nearest.reshape(height, width)
    printed = palette[nearest].astype(np.float32)
    dotted = rng.random(len(palette)) < 0.6
    dotted[int(rng.integers(len(palette)))] = True
    coverage = np.where(dotted[nearest], rng.uniform(0.28, 0.5), 0.0).astype(np.float32)
    dot = _dots(
        height, width, rng.uniform(3.4, 5.5) * unit, rng.choice([np.pi / 4, np.pi / 6, 0.0]), coverage, rng
    )
    ground = np.broadcast_to(_color(0.99, 0.97, 0.92), image.shape)
    light = _luma(printed) > 0.85
    dot_color = np.where(light[..., None], palette[int(rng.integers(len(palette)))], printed).astype(
        np.float32
    )
    screened = _mix(ground, dot_color, dot)
    printed = np.where(dotted[nearest][..., None], screened, printed)
    return _mix(printed, _color(0.03, 0.03, 0.04), _weigh(lines, unit, rng.uniform(1.8, 3.2)))


def _manga(image: Array, lines: Array, rng: np.random.Generator, unit: float) -> Array:
    """Black ink and white paper; grays are sheets of fine screentone cut to the areas."""
    height, width = lines.shape
    tone = _luma(_calm(_inpaint(image, lines, unit), round(1.5 * unit) + 1)) + rng.uniform(-0.05, 0.1)
    pitch, angle = rng.uniform(2.5, 3.6) * unit, np.pi / 4
    ink = _step(_blur(tone, 0.5 * unit), 0.10, 0.18) < 0.5
    coverage = np.select([tone > 0.72, tone > 0.55, tone > 0.36], [0.0, 0.14, 0.3], 0.5).astype(np.float32)
    if rng.random() < 0.4:  # a graded sheet behind everything light
        slope = np.clip(0.15 + rng.uniform(0.3, 0.6) * _side_light(rng, height, width), 0, 0.4)
        coverage = np.where(coverage == 0, slope, coverage)
    screened = np.maximum(_dots(height, width, pitch, angle, coverage, rng), ink)
    line = _pen(lines, rng, unit, rng.uniform(0.3, 1.2))
    shown = 0.98 - 0.95 * np.maximum(screened, line)
    return np.repeat(shown[..., None], 3, -1).astype(np.float32)


def _hatching(image: Array, lines: Array, rng: np.random.Generator, unit: float) -> Array:
    """Pen strokes for every tone: one direction for light grays, crossed by others as it gets darker."""
    height, width = lines.shape
    tone = np.clip(_blur(_luma(image), 1.5 * unit) + rng.uniform(-0.05, 0.06), 0, 1)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    bend = (_cloud(rng, height, width, 40 * unit) - 0.5) * 4 * unit
    first = rng.uniform(0.5, 1.1)
    pitch = rng.uniform(2.6, 3.6) * unit
    drawn = np.zeros_like(tone)
    for level, turn in ((0.84, 0.0), (0.60, 1.45), (0.40, 0.7), (0.22, 2.2)):
        angle = first + turn
        across = y * np.cos(angle) - x * np.sin(angle) + bend
        distance = np.abs(across / pitch - np.round(across / pitch)) * pitch
        lifted = _fibers(rng, height, width, angle, 14 * unit, pitch)  # strokes start and end unevenly
        width_here = (
            unit * (0.34 + 0.9 * np.clip(level - tone, 0, 0.4)) * (tone + 0.14 * (lifted - 0.5) < level)
        )
        drawn = np.maximum(drawn, np.clip(width_here - distance + 0.5, 0, 1) * (width_here > 0))
    drawn = np.maximum(drawn * rng.uniform(0.75, 0.95), _pen(lines, rng, unit, 0.4))
    paper = _pick(rng, [_color(0.98, 0.98, 0.97), _color(0.96, 0.94, 0.88)], 0.01)
    return _mix(np.broadcast_to(paper, image.shape), _color(0.08, 0.08, 0.10), drawn)


def _blueprint(image: Array, lines: Array, rng: np.random.Generator, unit: float) -> Array:
    """A draughtsman's print: thin white lines on blue paper with a faint grid."""
    height, width = lines.shape
    blue = _pick(rng, [_color(0.06, 0.22, 0.50), _color(0.10, 0.30, 0.62), _color(0.03, 0.16, 0.40)])
    fade = (
        0.9
        + 0.2 * _cloud(rng, height, width, 40 * unit)
        + 0.03 * (_tooth(rng, height, width, 0.5 * unit) - 0.5)
    )
    paper = blue * fade[..., None]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    pitch = rng.uniform(7, 12) * unit
    x, y = x + rng.uniform(0, pitch), y + rng.uniform(0, pitch)
    gap = np.minimum(np.abs(x - np.round(x / pitch) * pitch), np.abs(y - np.round(y / pitch) * pitch))
    grid = np.clip(0.35 * unit - gap + 0.5, 0, 1) * rng.choice([0.0, 0.14, 0.22])
    if rng.random() < 0.4:  # thin hatching marks the darker material
        cut = np.abs(((x + y) / (3.2 * unit)) % 1 - 0.5) * 3.2 * unit
        grid = np.maximum(grid, np.clip(0.8 - cut, 0, 1) * 0.35 * (_blur(_luma(image), unit) < 0.35))
    white = np.maximum(_weigh(lines, unit, rng.uniform(-0.2, 0.4)) * rng.uniform(0.85, 1.0), grid)
    return _mix(paper, _color(0.92, 0.96, 1.0), white)


def _woodcut(image: Array, lines: Array, rng: np.random.Generator, unit: float) -> Array:
    """A printed block: what the gouge took away stays paper, in wedge-ended cuts that follow the forms."""
    height, width = lines.shape
    tone = _blur(_luma(image), 1.5 * unit)
    low, high = np.quantile(tone, [0.05, 0.95])
    tone = np.clip((tone - low) / max(high - low, 0.2), 0, 1)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    angle = rng.uniform(0, np.pi)
    pitch = rng.uniform(3.6, 5.2) * unit
    form = _blur(_luma(image), 5 * unit) * rng.uniform(16, 30) * unit  # cuts bend with the form's tone
    across = (
        y * np.cos(angle)
        - x * np.sin(angle)
        + form
        + 3 * unit * (_cloud(rng, height, width, 18 * unit) - 0.5)
    )
    wave = np.abs(2 * (across / pitch - np.floor(across / pitch)) - 1)
    lengthwise = _fibers(rng, height, width, angle, 16 * unit, pitch)
    cut = tone + 0.30 * (lengthwise - 0.5) - rng.uniform(0.05, 0.15)
    ink = 1 - _step(cut - (0.12 + 0.76 * wave), -0.10, 0.10)
    ink = _step(_wobble(np.maximum(ink, _weigh(lines, unit, 1.6)), rng, 0.8 * unit, 3 * unit), 0.35, 0.65)
    worn = _fibers(rng, height, width, rng.choice([0.0, np.pi / 2]), 30 * unit, 1.0 * unit)
    ink = ink * (1 - 0.35 * _step(worn, 0.78, 0.95))
    paper = _pick(rng, [_color(0.96, 0.94, 0.88), _color(0.93, 0.88, 0.76), _color(0.98, 0.97, 0.95)])
    block = _pick(rng, [_color(0.06, 0.05, 0.05)] * 3 + [_color(0.35, 0.10, 0.07), _color(0.10, 0.16, 0.30)])
    return _mix(np.broadcast_to(paper, image.shape), block, ink)


def _oil(image: Array, lines: Array, rng: np.random.Generator, unit: float) -> Array:
    """Three layers of loaded brush strokes, large to small, along the forms; ridges catch the light."""
    height, width = lines.shape
    source = _saturate(image, rng.uniform(1.1, 1.4))
    source = _mix(source, source * 0.35, _weigh(lines, unit, -0.1) * rng.uniform(0.3, 0.8))
    turn = rng.uniform(0, np.pi)
    clear = _blur(np.hypot(ndimage.sobel(_luma(source), 0), ndimage.sobel(_luma(source), 1)), 2 * unit)
    angles = np.where(
        clear > 0.04, _direction(source, 3 * unit), turn + 2.5 * _cloud(rng, height, width, 30 * unit)
    )
    canvas = Image.fromarray((_blur(source, 4 * unit) * 255).astype(np.uint8))
    relief = Image.new("L", (width, height), 128)
    paint, ridge = ImageDraw.Draw(canvas), ImageDraw.Draw(relief)
    bold = rng.uniform(0.9, 1.5)
    for broad, long, fine in ((8.0, 15.0, False), (4.4, 9.0, False), (2.4, 6.0, True)):
        thick, length = broad * bold * unit, long * bold * unit
        pitch = thick * 0.8
        ys, xs = np.mgrid[0 : height + pitch : pitch, 0 : width + pitch : pitch]
        ys = np.clip(ys + rng.uniform(-pitch, pitch, ys.shape), 0, height - 1).ravel()
        xs = np.clip(xs + rng.uniform(-pitch, pitch, xs.shape), 0, width - 1).ravel()
        rows, columns = ys.astype(int), xs.astype(int)
        angle = angles[rows, columns] + rng.normal(0, 0.2, len(ys))
        dx, dy = np.cos(angle) * length / 2, np.sin(angle) * length / 2
        ends = np.stack([xs - dx, ys - dy, xs + dx, ys + dy], -1)
        shade = _blur(source, 0.35 * thick)[rows, columns] * rng.normal(1, 0.06, (len(ys), 1))
        shade = np.clip(shade + rng.normal(0, 0.02, shade.shape), 0, 1) * 255
        loads = rng.integers(60, 200, len(ys))
        for stroke in rng.permutation(len(ys)):
            if fine and clear[rows[stroke], columns[stroke]] < 0.10:
                continue
            red, green, blue = shade[stroke].astype(int).tolist()
            paint.line(ends[stroke].tolist(), (red, green, blue), max(1, round(thick)))
            ridge.line(ends[stroke].tolist(), int(loads[stroke]), max(1, round(thick)))
    height_map = np.asarray(relief, dtype=np.float32) / 255
    bristle = _tooth(rng, height, width, 0.6 * unit)
    bump = _blur(height_map + 0.25 * bristle, 0.5 * unit)
    light = ndimage.sobel(bump, 0) + ndimage.sobel(bump, 1)
    painted = _blur(np.asarray(canvas, dtype=np.float32) / 255, 0.3 * unit)
    return np.asarray(painted + (rng.uniform(0.03, 0.07) * light)[..., None])


def _pastel(image: Array, lines: Array, rng: np.random.Generator, unit: float) -> Array:
    """Soft sticks on toned paper: chalky color, dragged diagonally, the paper's tooth showing."""
    height, width = lines.shape
    papers = [
        _color(0.72, 0.62, 0.50),
        _color(0.58, 0.60, 0.62),
        _color(0.45, 0.50, 0.58),
        _color(0.78, 0.70, 0.64),
    ]
    tooth = _tooth(rng, height, width, 0.75 * unit)
    paper = _pick(rng, papers, 0.03) * (0.94 + 0.12 * tooth)[..., None]
    soft = _blur(_inpaint(image, lines, unit), 1.6 * unit)
    stick = np.clip(0.62 * _saturate(soft, 1.1) + 0.36, 0, 1)  # chalk is mixed into every stick
    angle = rng.uniform(0.5, 1.1) * rng.choice([-1, 1])
    drag = 0.5 * _fibers(rng, height, width, angle, 14 * unit, 1.8 * unit) + 0.5 * tooth
    pressure = rng.uniform(0.42, 0.6) + 0.25 * (_cloud(rng, height, width, 30 * unit) - 0.5)
    bare = 0.2 * _step(soft.min(-1), 0.88, 0.97)  # white of the picture is left to the paper
    covered = _step(pressure + 0.25 * (_luma(soft) - 0.4) - bare - drag, -0.25, 0.22)
    stick = np.clip(
        stick + 0.10 * (_fibers(rng, height, width, angle, 18 * unit, 2.2 * unit) - 0.5)[..., None], 0, 1
    )
    drawn = _mix(paper, stick, covered * 0.95)
    loose = _blur(_wobble(lines, rng, 1.2 * unit, 9 * unit), 0.7 * unit) * _step(tooth, 0.3, 0.6)
    return _mix(
        drawn, _jitter(_color(0.25, 0.20, 0.24), rng, 0.05), np.clip(loose * rng.uniform(0.5, 1.0), 0, 1)
    )


def _stained_glass(image: Array, lines: Array, rng: np.random.Generator, unit: float) -> Array:
    """Pieces of glowing colored glass, each of one color, held by dark leads that follow the shapes."""
    height, width = lines.shape
    soft = _calm(_inpaint(image, lines, unit), round(2 * unit) + 1)
    pitch = rng.uniform(12, 20) * unit
    ys, xs = np.mgrid[pitch / 2 : height : pitch, pitch / 2 : width : pitch]
    ys = np.clip(ys + rng.uniform(-0.4, 0.4, ys.shape) * pitch, 0, height - 1).ravel()
    xs = np.clip(xs + rng.uniform(-0.4, 0.4, xs.shape) * pitch, 0, width - 1).ravel()
    y, x = np.mgrid[:height, :width].astype(np.float32)
    weight = rng.uniform(2.0, 4.0) * pitch  # how many pixels a full step of color is worth
    points = np.column_stack([y.ravel(), x.ravel(), soft.reshape(-1, 3) * weight])
    seeds = np.column_stack([ys, xs, soft[ys.astype(int), xs.astype(int)] * weight])
    _, piece = cKDTree(seeds).query(points)
    piece = np.asarray(ndimage.median_filter(piece.reshape(height, width), size=int(1.5 * unit) * 2 + 1))
    glass = np.stack([ndimage.mean(soft[..., k], piece, np.arange(len(seeds))) for k in range(3)], -1)
    glass = np.nan_to_num(glass) * rng.normal(1, 0.08, (len(seeds), 1)) + rng.normal(0, 0.05, (len(seeds), 3))
    glass = _saturate(np.clip(glass[None], 0, 1).astype(np.float32), rng.uniform(1.7, 2.3))[0]
    lit = np.clip(glass[piece], 0.03, 1)
    flow = _cloud(rng, height, width, 5 * unit)
    border = (ndimage.maximum_filter(piece, 3) != ndimage.minimum_filter(piece, 3)).astype(np.float32)
    depth = np.asarray(ndimage.distance_transform_edt(1 - border), dtype=np.float32)
    lit = lit * (0.82 + 0.20 * flow + 0.22 * _step(depth, 0, 6 * unit))[..., None]
    lead = 1 - _step(depth, 0.5 * unit, rng.uniform(1.3, 1.9) * unit + 0.5)
    lead = np.maximum(lead, _weigh(lines, unit, 0.8) * rng.choice([0.0, 0.9]))
    return _mix(lit, _color(0.05, 0.05, 0.06), lead)


def _pixel(image: Array, lines: Array, rng: np.random.Generator, unit: float) -> Array:
    """Sprite art: a coarse grid of square blocks, few colors, outlines one block wide."""
    height, width = lines.shape
    block = max(2, round(rng.uniform(3.0, 4.6) * unit))
    columns, rows = -(-width // block), -(-height // block)
    size = (columns, rows)
    eight_bit = Image.fromarray((_saturate(_inpaint(image, lines, unit), 1.25) * 255).astype(np.uint8))
    small = np.asarray(eight_bit.resize(size, Image.Resampling.BOX), dtype=np.float32) / 255
    edge = Image.fromarray(ndimage.maximum_filter(lines, size=2)).resize(size, Image.Resampling.BOX)
    line = (np.asarray(edge) > rng.uniform(0.30, 0.42)).astype(np.float32)
    colors = int(rng.integers(6, 14))
    if rng.random() < 0.3:  # ordered dither, as old machines did
        bayer = np.array([[0, 2], [3, 1]], dtype=np.float32) / 4 - 0.375
        tiled = np.tile(bayer, (rows // 2 + 1, columns // 2 + 1))[:rows, :columns]
        small = np.clip(small + 0.12 * tiled[..., None], 0, 1)
    small = _mix(
        _flats(small, colors), _color(0.08, 0.07, 0.12), line * rng.choice([0.0, 1.0], p=[0.25, 0.75])
    )
    return np.repeat(np.repeat(small, block, 0), block, 1)[:height, :width]


_SPOT_INKS = {
    "dark": [
        _color(0.0, 0.30, 0.60),
        _color(0.15, 0.15, 0.18),
        _color(0.0, 0.42, 0.40),
        _color(0.35, 0.20, 0.55),
    ],
    "warm": [_color(1.0, 0.28, 0.45), _color(1.0, 0.40, 0.25), _color(0.95, 0.20, 0.20)],
    "light": [_color(1.0, 0.88, 0.15), _color(0.35, 0.80, 0.75), _color(1.0, 0.70, 0.80)],
}


def _risograph(image: Array, lines: Array, rng: np.random.Generator, unit: float) -> Array:
    """Two or three translucent spot inks laid over each other, grainy, each drum a little out of register."""
    height, width = lines.shape
    soft = _blur(image, 0.6 * unit)
    red, green, blue = soft[..., 0], soft[..., 1], soft[..., 2]
    dark = np.clip(1.15 - 1.5 * _luma(soft), 0, 1)
    dark = np.maximum(_flats(np.repeat(dark[..., None], 3, -1), 5)[..., 0], _weigh(lines, unit, 0.4))
    warm = np.clip(1.7 * (red - 0.5 * (green + blue)) + 0.35 * (1 - green), 0, 1)
    light = np.clip(1.4 * (np.maximum(red, green) - blue) + 0.15, 0, 1)
    plates = [("dark", dark), ("warm", warm)] + ([("light", light)] if rng.random() < 0.6 else [])
    printed = np.broadcast_to(_color(0.97, 0.95, 0.90), image.shape)
    for name, plate in plates:
        plate = _shift(plate, *(rng.uniform(-1.6, 1.6, 2) * unit))
        grain = rng.random((height, width), dtype=np.float32) * 0.55 + 0.45 * _tooth(
            rng, height, width, 0.6 * unit
        )
        if rng.random() < 0.35:
            covered = _dots(height, width, 2.6 * unit, rng.uniform(0, np.pi / 2), plate * 0.95, rng)
        else:
            covered = _step(plate - 0.9 * grain, -0.12, 0.12)
        uneven = 0.86 + 0.14 * _cloud(rng, height, width, 25 * unit)
        covered = covered * uneven * (1 - 0.5 * (rng.random((height, width)) < 0.02))
        printed = printed * _mix(
            np.ones_like(image), _pick(rng, _SPOT_INKS[name]), covered.astype(np.float32)
        )
    return printed


def _chalk(image: Array, lines: Array, rng: np.random.Generator, unit: float) -> Array:
    """Chalk on a wiped blackboard: crumbling light lines, rubbed-in patches of light or color."""
    height, width = lines.shape
    boards = [_color(0.10, 0.20, 0.16), _color(0.11, 0.12, 0.13), _color(0.16, 0.19, 0.20)]
    wiped = _fibers(rng, height, width, rng.uniform(-0.4, 0.4), 50 * unit, 7 * unit)
    board = _pick(rng, boards) + (0.09 * wiped * _cloud(rng, height, width, 40 * unit))[..., None]
    tooth = _tooth(rng, height, width, 0.6 * unit)
    color = _calm(_inpaint(image, lines, unit), round(1.5 * unit) + 1)
    chalk = np.clip(0.45 + 0.55 * _saturate(color, 1.2), 0, 1)
    if rng.random() < 0.5:
        chalk = np.broadcast_to(_color(0.93, 0.93, 0.90), image.shape)
    drag = _fibers(rng, height, width, rng.uniform(0.5, 1.1), 16 * unit, 1.8 * unit)
    bare = 1 - 0.8 * _step(color.min(-1), 0.85, 0.97)  # white of the picture is left to the board
    fill = _step(_luma(color), 0.35, 0.95) * _step(0.45 * drag + 0.55 * tooth, 0.42, 0.75) * bare
    fill = fill * rng.uniform(0.25, 0.7)
    stroke = _wobble(_weigh(lines, unit, rng.uniform(0.8, 1.8)), rng, 0.8 * unit, 6 * unit) * _step(
        tooth, 0.22, 0.5
    )
    drawn = _mix(board, chalk, fill)
    return _mix(drawn, _color(0.95, 0.95, 0.92), stroke * 0.95)


def _sepia(image: Array, lines: Array, rng: np.random.Generator, unit: float) -> Array:
    """Brown ink diluted to a few washes over fine pen lines, on paper that has yellowed from its edges."""
    height, width = lines.shape
    tone = _luma(_wobble(_calm(image, round(2 * unit) + 1), rng, 1.0 * unit, 8 * unit))
    washes = np.zeros_like(tone)
    for level in (0.75, 0.52, 0.30):
        area = 1 - _step(
            tone + 0.10 * (_cloud(rng, height, width, 12 * unit) - 0.5), level - 0.06, level + 0.06
        )
        rim = np.clip(area - _blur(area, 1.2 * unit), 0, 1)
        washes += 0.24 * area + 0.16 * rim
    washes *= 0.8 + 0.4 * _cloud(rng, height, width, 20 * unit)
    brown = _pick(rng, [_color(0.36, 0.20, 0.09), _color(0.30, 0.19, 0.11), _color(0.42, 0.24, 0.10)])
    fade = 1 - 0.10 * _cloud(rng, height, width, 35 * unit) - 0.04 * _tooth(rng, height, width, 0.7 * unit)
    rim = ndimage.distance_transform_edt(np.pad(np.ones((height, width)), 1))[1:-1, 1:-1]
    fade = fade - 0.16 * np.exp(-rim / (10 * unit))
    paper = _pick(rng, [_color(0.95, 0.88, 0.74), _color(0.92, 0.85, 0.70)]) * fade[..., None]
    inked = _mix(paper, brown, np.clip(washes, 0, 1).astype(np.float32))
    return _mix(inked, brown * 0.55, _pen(lines, rng, unit, 0.5) * rng.uniform(0.7, 0.95))


def _charcoal(image: Array, lines: Array, rng: np.random.Generator, unit: float) -> Array:
    """Burnt wood on rough paper: smudged gray masses, broken grain, blurred heavy lines."""
    height, width = lines.shape
    tone = _blur(_luma(_inpaint(image, lines, unit)), 1.8 * unit)
    smudge = ndimage.uniform_filter1d(
        tone, max(3, round(9 * unit)), axis=int(rng.integers(2)), mode="nearest"
    )
    tone = 0.6 * tone + 0.4 * smudge
    tooth = _tooth(rng, height, width, 0.6 * unit)
    drag = _fibers(rng, height, width, rng.uniform(0.4, 1.2), 18 * unit, 2.5 * unit)
    dark = np.clip(1.05 - tone * rng.uniform(1.05, 1.25), 0, 1)
    grain = 0.6 * tooth + 0.4 * drag
    mass = 0.45 * dark + 0.6 * dark * _step(grain, 0.25, 0.7)
    stroke = _blur(_wobble(_weigh(lines, unit, 1.6), rng, 1.5 * unit, 9 * unit), 0.9 * unit)
    stroke = np.clip(1.3 * stroke, 0, 1) * (0.35 + 0.65 * _step(tooth, 0.25, 0.6))
    haze = 0.5 * _blur(stroke, 4 * unit)
    black = np.clip(1 - (1 - mass) * (1 - 0.9 * stroke) * (1 - haze * 0.6), 0, 0.95)
    paper = (
        _pick(rng, [_color(0.93, 0.92, 0.89), _color(0.88, 0.86, 0.82)]) * (0.96 + 0.06 * tooth)[..., None]
    )
    return _mix(paper, _color(0.07, 0.07, 0.07), black)


def _comic(image: Array, lines: Array, rng: np.random.Generator, unit: float) -> Array:
    """A newsstand comic: brush inks and spotted blacks over flat process colors, yellowed newsprint."""
    height, width = lines.shape
    flat = _flats(_calm(_inpaint(image, lines, unit), round(1.5 * unit) + 1), int(rng.integers(7, 12)))
    flat = np.round(_saturate(flat, 1.35) * 4) / 4  # inks came in steps of a quarter
    flat = np.clip(0.08 + 0.92 * flat, 0, 1)
    offset = rng.uniform(-0.9, 0.9, 2) * unit
    flat = np.stack([_shift(flat[..., k], *(offset * (k - 1))) for k in range(3)], -1)
    tone = _blur(_luma(image), 1.5 * unit) + rng.uniform(0.1, 0.3) * _side_light(rng, height, width)
    blacks = 1 - _step(tone, 0.20, 0.24)
    newsprint = _pick(rng, [_color(0.96, 0.90, 0.74), _color(0.94, 0.88, 0.76), _color(0.93, 0.84, 0.66)])
    aged = (
        0.95
        + 0.08 * _cloud(rng, height, width, 30 * unit)
        - 0.08 * rng.random((height, width), dtype=np.float32)
    )
    printed = flat * newsprint * aged[..., None]
    ink = np.maximum(blacks, _pen(lines, rng, unit, rng.uniform(1.2, 2.2)))
    return _mix(printed, _color(0.09, 0.08, 0.08), ink * 0.96)


# --- art as an author hands it in ------------------------------------------------------------------------


def _inked(image: Array, lines: Array, rng: np.random.Generator, unit: float) -> Array:
    """The drawing as it is: its colors under plain lines."""
    return _mix(
        image, _jitter(_color(0.08, 0.07, 0.08), rng, 0.02), _weigh(lines, unit, rng.uniform(-0.2, 0.5))
    )


def _marker(image: Array, lines: Array, rng: np.random.Generator, unit: float) -> Array:
    """A rough color sketch: markers that miss the edges and leave white, under an uneven line."""
    height, width = lines.shape
    flat = _wobble(_flats(_inpaint(image, lines, unit), 10), rng, 2.0 * unit, 12 * unit)
    streak = _fibers(rng, height, width, rng.uniform(0, np.pi), 30 * unit, 4 * unit)
    laid = np.clip(0.75 + 0.3 * (streak - 0.3), 0, 1) * _step(streak, 0.03, 0.12)
    paper = np.full_like(image, rng.uniform(0.94, 1.0))
    hand = _wobble(_pen(lines, rng, unit, rng.uniform(0.2, 1.2)), rng, 1.2 * unit, 10 * unit)
    return _mix(_mix(paper, flat, laid), np.full(3, rng.uniform(0.05, 0.3)), hand)


def _pencil(image: Array, lines: Array, rng: np.random.Generator, unit: float) -> Array:
    """A pencil rough: each line searched for twice, a little shading, smudges, gray paper light."""
    height, width = lines.shape
    tooth = _tooth(rng, height, width, 0.6 * unit)
    searched = np.zeros_like(lines)
    for _ in range(int(rng.integers(1, 4))):
        again = _wobble(
            _weigh(lines, unit, rng.uniform(-0.3, 0.3)), rng, rng.uniform(0.5, 1.8) * unit, 12 * unit
        )
        searched = np.maximum(searched, again * rng.uniform(0.5, 0.9))
    shading = _step(0.55 - _blur(_luma(image), 2 * unit), 0.0, 0.5) * rng.choice([0.0, 0.35, 0.6])
    shading = shading * _fibers(rng, height, width, rng.uniform(0.4, 1.2), 14 * unit, 1.6 * unit)
    graphite = np.clip(searched * (0.5 + 0.6 * tooth) + shading, 0, 0.9)
    graphite = np.maximum(graphite, 0.15 * _blur(graphite, 3 * unit))
    light = rng.uniform(0.88, 1.0) + 0.06 * _side_light(rng, height, width)
    paper = _jitter(_color(0.98, 0.975, 0.96), rng, 0.01) * light[..., None]
    return _mix(paper, _color(0.25, 0.25, 0.27), graphite)


# --- the door --------------------------------------------------------------------------------------------


def _renderer(paint: Painter) -> Renderer:
    def render(images: Tensor, lines: Tensor | None, generator: torch.Generator) -> Tensor:
        pictures = images.detach().cpu().float().numpy().transpose(0, 2, 3, 1)
        seed = int(torch.randint(2**62, (), generator=generator, device=generator.device))
        painted = []
        for number, picture in enumerate(pictures):
            unit = min(picture.shape[:2]) / 128
            ink = (
                _find_lines(picture, unit)
                if lines is None
                else lines[number, 0].detach().cpu().float().numpy()
            )
            drawn = ink[ink > 0.05]
            if drawn.size:  # a thin line covers its pixels in part; the media decide how heavy it becomes
                ink = np.clip(ink / max(0.3, float(np.quantile(drawn, 0.9))), 0, 1)
            painted.append(paint(picture, ink, np.random.default_rng((seed, number)), unit))
        shown = np.clip(np.stack(painted), 0, 1).transpose(0, 3, 1, 2).astype(np.float32)
        return torch.from_numpy(np.ascontiguousarray(shown)).to(images.device)

    render.__doc__ = paint.__doc__
    return render


JUDGE_RENDERERS: dict[str, Renderer] = {
    painter.__name__.removeprefix("_"): _renderer(painter)
    for painter in (
        _watercolor, _ink, _noir, _cel, _pop, _manga, _hatching, _blueprint, _woodcut, _oil, _pastel,
        _stained_glass, _pixel, _risograph, _chalk, _sepia, _charcoal, _comic,
    )
}  # fmt: skip
"""Style name -> function(images (N, 3, H, W) in [0, 1], lines (N, 1, H, W) ink coverage or None, generator)
-> (N, 3, H, W) in [0, 1]. Without lines, they are found in the picture. The generator alone decides the
variation (paper, pitch, angle, inks); pictures of one batch vary too."""

SOURCE_RENDERERS: dict[str, Renderer] = {
    painter.__name__.removeprefix("_"): _renderer(painter) for painter in (_inked, _marker, _pencil)
}
"""The same for unstyled art: "inked" (flat colors and lines), "marker" (a color rough) and "pencil"."""
