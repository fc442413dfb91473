"""A hand with a pen: splines, brush lines of uneven width, marker colour that misses the line, graphite.

A `Sheet` is a piece of paper with layers (colour, ink, guides, letters), drawn three times as large as it is
shown. A `Pen` draws on it in its own units, so that a figure can be put down anywhere, at any size, mirrored
or turned. Everything random comes from the sheet's seed: the same seed gives the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

Rough = Literal["color", "pencil"]
Color = tuple[int, int, int]
Point = tuple[float, float]
Path = NDArray[np.float64]

PAPER: Color = (254, 253, 250)
INK: Color = (43, 36, 42)
GRAPHITE: Color = (62, 62, 64)
LETTERING: Color = (32, 32, 32)

_OVERSAMPLING = 3
_STEP = 3.0  # pixels between the points of a line


def ellipse(x: float, y: float, rx: float, ry: float | None = None, count: int = 10) -> list[Point]:
    """Points of an ellipse around (x, y), clockwise from the right."""
    turns = (2 * math.pi * index / count for index in range(count))
    return [(x + rx * math.cos(turn), y + (rx if ry is None else ry) * math.sin(turn)) for turn in turns]


def polygon(*points: Point) -> list[Point]:
    """Points joined by straight lines: each is given twice, which makes it a corner."""
    return [point for point in points for _ in range(2)]


def tufts(points: Sequence[Point], sweep: float = 0.18) -> list[Point]:
    """Corners (root, tip, root, …) as swept tufts of hair: full on the way to a tip, hollow on the way back.

    `sweep` is how far each line bows, as a share of its length.
    """
    result: list[Point] = []
    for index, ((x, y), (next_x, next_y)) in enumerate(zip(points, [*points[1:], points[0]], strict=True)):
        bow = sweep if index % 2 == 0 else -0.6 * sweep
        middle = ((x + next_x) / 2 + bow * (next_y - y), (y + next_y) / 2 - bow * (next_x - x))
        result += [(x, y), (x, y), middle]
    return result


def tube(spine: Sequence[tuple[float, float, float]]) -> tuple[Path, Path, Path]:
    """A smooth spine of (x, y, radius) as dense (N, 2) paths: its left side, its middle, its right side."""
    dense = _spline(np.asarray(spine, dtype=float), closed=False, count=16)
    middle, radius = dense[:, :2], dense[:, 2:]
    normal = _normals(middle)
    return middle + normal * radius, middle, middle - normal * radius


def limb(spine: Sequence[tuple[float, float, float]]) -> list[Point]:
    """The closed outline of a tube with round ends."""
    left, middle, right = tube(spine)
    left, right = _outside(left, middle, right)
    head = 2 * middle[-1] - (left[-3] + right[-3]) / 2
    tail = 2 * middle[0] - (left[2] + right[2]) / 2
    radius_head, radius_tail = spine[-1][2], spine[0][2]
    ends = []
    for end, toward, radius in ((middle[-1], head, radius_head), (middle[0], tail, radius_tail)):
        direction = (toward - end) / max(float(np.hypot(*(toward - end))), 1e-9)
        ends.append(end + direction * radius * 0.85)
    path = np.concatenate([left[::4], left[-1:], ends[:1], right[::-4], right[:1], ends[1:]])
    return [(float(x), float(y)) for x, y in path]


def _outside(left: Path, middle: Path, right: Path) -> tuple[Path, Path]:
    """Both sides of a tube without the points that fall inside it where it bends sharply."""
    radius = np.hypot(*(left - middle).T)
    sides = []
    for side in (left, right):
        away = np.hypot(*(side[:, None, :] - middle[None, :, :]).transpose(2, 0, 1))
        sides.append(side[(away >= 0.97 * radius[None, :]).all(axis=1)])
    return sides[0], sides[1]


def _spline(points: Path, *, closed: bool, count: int) -> Path:
    """Centripetal Catmull-Rom curve (Barry and Goldman 1988) through (n, d) points; `count` samples each."""
    if closed:
        padded = np.concatenate([points[-1:], points, points[:2]])
    else:
        padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    gaps = np.sqrt(np.hypot(*np.diff(padded[:, :2], axis=0).T)) + 1e-6
    knots = np.concatenate([[0.0], np.cumsum(gaps)])
    p0, p1, p2, p3 = (padded[i : len(padded) - 3 + i, None, :] for i in range(4))
    t0, t1, t2, t3 = (knots[i : len(knots) - 3 + i, None, None] for i in range(4))
    t = t1 + (t2 - t1) * np.linspace(0, 1, count, endpoint=False)[None, :, None]
    a1 = (t1 - t) / (t1 - t0) * p0 + (t - t0) / (t1 - t0) * p1
    a2 = (t2 - t) / (t2 - t1) * p1 + (t - t1) / (t2 - t1) * p2
    a3 = (t3 - t) / (t3 - t2) * p2 + (t - t2) / (t3 - t2) * p3
    b1 = (t2 - t) / (t2 - t0) * a1 + (t - t0) / (t2 - t0) * a2
    b2 = (t3 - t) / (t3 - t1) * a2 + (t - t1) / (t3 - t1) * a3
    curve = ((t2 - t) / (t2 - t1) * b1 + (t - t1) / (t2 - t1) * b2).reshape(-1, points.shape[1])
    return curve if closed else np.concatenate([curve, points[-1:]])


def smooth_runs(points: Path, *, closed: bool) -> list[Path]:
    """Split at corners (points given twice) into smooth runs; a closed path without any is one closed run."""
    same = np.all(np.abs(np.diff(points, axis=0)) < 1e-9, axis=1)
    if closed and not same.any():
        return [_spline(points, closed=True, count=12)]
    if closed:
        start = int(np.flatnonzero(same)[0])
        points = np.concatenate([points[start + 1 :], points[: start + 1]])
        if np.any(np.abs(points[0] - points[-1]) > 1e-9):
            points = np.concatenate([points, points[:1]])
        same = np.all(np.abs(np.diff(points, axis=0)) < 1e-9, axis=1)
    runs = np.split(points, np.flatnonzero(same) + 1)
    return [_spline(run, closed=False, count=12) for run in runs if len(run) > 1]


def evenly_spaced(path: Path) -> Path:
    """The same path with points about _STEP apart."""
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    count = max(int(lengths[-1] / _STEP), 3)
    at = np.linspace(0, lengths[-1], count + 1)
    return np.stack([np.interp(at, lengths, path[:, axis]) for axis in range(2)], axis=1)


def _normals(path: Path) -> Path:
    """Unit normals of a path, to its left as it goes (y down)."""
    direction = np.gradient(path, axis=0)
    direction /= np.maximum(np.hypot(*direction.T)[:, None], 1e-9)
    normals: Path = np.stack([direction[:, 1], -direction[:, 0]], axis=1)
    return normals


def sway_along(rng: np.random.Generator, count: int, wavelengths: Sequence[float]) -> NDArray[np.float64]:
    """Smooth noise along a line, about in [-1, 1]; wavelengths in pixels."""
    at = np.arange(count) * _STEP
    waves = [np.sin(2 * math.pi * (at / (w * rng.uniform(0.8, 1.25)) + rng.uniform())) for w in wavelengths]
    noise: NDArray[np.float64] = np.sum(waves, axis=0) / len(wavelengths) ** 0.5
    return noise


def _noise(rng: np.random.Generator, height: int, width: int, radius: float) -> NDArray[np.float32]:
    """Paper tooth: blurred white noise, stretched to about [0, 1]."""
    raw = Image.fromarray(rng.integers(0, 256, (height, width), dtype=np.uint8))
    blurred = np.asarray(raw.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32)
    tooth = (blurred - blurred.mean()) / (4.0 * blurred.std() + 1e-6) + 0.5
    clipped: NDArray[np.float32] = tooth.clip(0, 1).astype(np.float32)
    return clipped


class Sheet:
    """A piece of paper of width x height pixels.

    Args:
        width: in pixels.
        height: in pixels.
        rough: "color": ink and marker; "pencil": graphite only.
        seed: of everything random on it.
    """

    def __init__(self, width: int, height: int, rough: Rough, seed: int) -> None:
        self.width, self.height, self.rough = width, height, rough
        # Two hands: where lines go must not depend on what they are drawn with.
        self.line_rng = np.random.default_rng([seed, 1])
        self.texture_rng = np.random.default_rng([seed, 2])
        large = (width * _OVERSAMPLING, height * _OVERSAMPLING)
        self._color = Image.new("RGB", large, PAPER)
        self._ink = Image.new("L", large, 0)
        self._guides = Image.new("L", large, 0)
        self._letters = Image.new("L", large, 0)
        self._grain = Image.new("L", (width, height), 0)  # which way the marker went: 0 for bare paper
        self._draw = {
            name: ImageDraw.Draw(getattr(self, f"_{name}"))
            for name in ("color", "ink", "guides", "letters", "grain")
        }

    @property
    def pen(self) -> Pen:
        """A pen whose unit is the pixel and whose origin is the upper left corner."""
        return Pen(self)

    def erase(self, outline: Path) -> None:
        """Cover what lies inside a closed outline (pixels) with bare paper."""
        large = (outline * _OVERSAMPLING).ravel().tolist()
        self._draw["ink"].polygon(large, fill=0)
        self._draw["color"].polygon(large, fill=PAPER)
        self._draw["guides"].polygon(large, fill=0)
        self._draw["grain"].polygon(outline.ravel().tolist(), fill=0)

    def fill(self, outline: Path, color: Color, grain: int) -> None:
        """Flat marker colour inside a closed outline; `grain` 1 to 3 is the way the marker goes."""
        self._draw["color"].polygon((outline * _OVERSAMPLING).ravel().tolist(), fill=color)
        self._draw["grain"].polygon(outline.ravel().tolist(), fill=grain)

    def blot(self, outline: Path, strength: int = 255) -> None:
        """Solid ink inside a closed outline."""
        self._draw["ink"].polygon((outline * _OVERSAMPLING).ravel().tolist(), fill=strength)

    def brush(self, layer: str, path: Path, widths: NDArray[np.float64], fill: int | Color) -> None:
        """A line of uneven width (pixels) along a path, as quads that share their sides."""
        draw = self._draw[layer]
        half = _normals(path) * widths[:, None] * (_OVERSAMPLING / 2)
        left, right = path * _OVERSAMPLING + half, path * _OVERSAMPLING - half
        quads = np.concatenate([left[:-1], left[1:], right[1:], right[:-1]], axis=1).tolist()
        for quad in quads:
            draw.polygon(quad, fill=fill)
        for end, width in ((path[0], widths[0]), (path[-1], widths[-1])):
            (x, y), radius = end * _OVERSAMPLING, float(width) * _OVERSAMPLING / 2
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)

    def shade(self, outline: Path, color: Color, depth: float, tone: float) -> None:
        """A shadow along the lower right inside of an outline: darker marker, or hatching.

        Args:
            outline: closed, in pixels.
            color: the marker's own; the shadow is a second pass of it.
            depth: the shadow's width in pixels; 0 for none.
            tone: how dark the whole shape is in pencil, 0 to 1: dark things are hatched all over.
        """
        low = np.maximum(np.floor(outline.min(axis=0)) - 1, 0).astype(int)
        high = np.minimum(np.ceil(outline.max(axis=0)) + 2, (self.width, self.height)).astype(int)
        if np.any(high - low < 2):
            return
        width, height = (int(side) * _OVERSAMPLING for side in high - low)
        size = (width, height)
        local = (outline - low) * _OVERSAMPLING
        inside = Image.new("L", size, 0)
        ImageDraw.Draw(inside).polygon(local.ravel().tolist(), fill=255)
        lit = Image.new("L", size, 0)
        away = np.array([0.75, 0.9]) * depth * _OVERSAMPLING
        ImageDraw.Draw(lit).polygon((local - away).ravel().tolist(), fill=255)
        shadow = ImageChops.subtract(inside, lit)
        corner = (int(low[0]) * _OVERSAMPLING, int(low[1]) * _OVERSAMPLING)
        if self.rough == "color":
            if depth > 0:
                dark = tuple(int(c * f) for c, f in zip(color, (0.80, 0.78, 0.86), strict=True))
                self._color.paste(dark, (*corner, corner[0] + size[0], corner[1] + size[1]), shadow)
            return
        region = (*corner, corner[0] + size[0], corner[1] + size[1])
        graphite = self._ink.crop(region)
        if depth > 0:
            graphite = ImageChops.lighter(graphite, self._hatching(size, shadow, 58, 7.0, 88))
        if tone > 0:
            # Small forms are hatched more closely, or no line would meet them.
            near = min(1.0, max(0.45, min(width, height) / (60 * _OVERSAMPLING)))
            spacing, strength = (10.0 - 6.0 * tone) * near, int(66 + 80 * tone)
            graphite = ImageChops.lighter(graphite, self._hatching(size, inside, 112, spacing, strength))
            if tone > 0.6:
                graphite = ImageChops.lighter(graphite, self._hatching(size, inside, 70, spacing, strength))
        self._ink.paste(graphite, corner)

    def _hatching(
        self, size: tuple[int, int], mask: Image.Image, degrees: float, spacing: float, strength: int
    ) -> Image.Image:
        """Parallel pencil lines inside a mask, as an L picture at drawing size."""
        rng = self.texture_rng
        lines = Image.new("L", size, 0)
        draw = ImageDraw.Draw(lines)
        angle = math.radians(degrees + rng.uniform(-6, 6))
        along = np.array([math.cos(angle), -math.sin(angle)])
        across = np.array([along[1], -along[0]])
        reach = math.hypot(*size)
        center = np.array(size) / 2
        for offset in np.arange(-reach / 2, reach / 2, spacing * _OVERSAMPLING):
            place = center + across * (offset + rng.normal() * 0.9 * _OVERSAMPLING)
            tilt = along + across * rng.normal() * 0.02
            ends = np.concatenate([place - tilt * reach, place + tilt * reach])
            draw.line(ends.tolist(), fill=int(strength * rng.uniform(0.7, 1.1)), width=_OVERSAMPLING + 1)
        return ImageChops.multiply(lines, mask)

    def render(self, ground: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        """The finished sheet, (H, W, 3) uint8; `ground` is what lies under it instead of paper."""
        height, width = self.height, self.width
        tooth = _noise(self.texture_rng, height, width, 0.8)[..., None]
        color = np.asarray(self._color.reduce(_OVERSAMPLING), dtype=np.float32)
        if self.rough == "color":
            color = self._marker(color, tooth[..., 0])
        if ground is not None:
            bare = np.asarray(self._grain, dtype=np.float32)[..., None] == 0
            color = np.where(bare, ground.astype(np.float32), color)
        ink, guides, letters = (
            np.asarray(layer.reduce(_OVERSAMPLING), dtype=np.float32)[..., None] / 255
            for layer in (self._ink, self._guides, self._letters)
        )
        if self.rough == "color":
            guides = guides * (0.28 * tooth + 0.08)
            ink = ink * (1 - 0.22 * np.clip(tooth * 2.2 - 1.25, 0, 1))
            pigment = INK
        else:
            guides = guides * np.clip(0.95 * tooth - 0.05, 0, 1) * 0.62
            ink = np.clip(ink * (0.42 + 1.05 * tooth), 0, 1) ** 1.15 * 0.96
            pigment = GRAPHITE
        for amount, tint in ((guides, GRAPHITE), (ink, pigment), (letters, LETTERING)):
            color = (color * (1 - amount) + np.array(tint, np.float32) * amount).astype(np.float32)
        return (color + 0.5).clip(0, 255).astype(np.uint8)

    def _marker(self, color: NDArray[np.float32], tooth: NDArray[np.float32]) -> NDArray[np.float32]:
        """Streaks where the marker went over the paper, one way for each grain, and a little bare tooth."""
        grain = np.asarray(self._grain)
        y, x = np.mgrid[0 : self.height, 0 : self.width].astype(np.float32)
        streak = np.zeros_like(tooth)
        reach = self.height + self.width
        for number, degrees in ((1, 68.0), (2, 112.0), (3, 8.0)):
            angle = math.radians(degrees)
            across = x * math.sin(angle) + y * math.cos(angle)
            along = x * math.cos(angle) - y * math.sin(angle)
            bands = np.repeat(self.texture_rng.uniform(-1, 1, reach // 4 + 2), 9)
            bands = np.convolve(bands, np.ones(4) / 4, mode="same")
            bent = across + 3 * np.sin(along / 61) + reach
            here = bands[np.clip(bent.astype(int), 0, len(bands) - 1)]
            streak = np.where(grain == number, here, streak).astype(np.float32)
        covered = (grain > 0).astype(np.float32)
        light = covered * (np.clip(tooth - 0.62, 0, 1) * 0.5 + np.clip(streak, 0, 1) * 0.11)
        dark = covered * np.clip(-streak, 0, 1) * 0.075
        paper = np.array(PAPER, np.float32)
        # Dark marker lets less paper through.
        light *= 0.35 + 0.65 * color.mean(axis=2) / 255
        marked = (color + (paper - color) * light[..., None]) * (1 - dark[..., None])
        return np.asarray(marked, dtype=np.float32)


@dataclass(frozen=True)
class Pen:
    """Draws on a sheet in units of its own.

    Attributes:
        sheet: what it draws on.
        origin: where its (0, 0) is, in pixels.
        axes: pixels for one unit right and for one unit down, as rows.
    """

    sheet: Sheet
    origin: Point = (0.0, 0.0)
    axes: tuple[Point, Point] = ((1.0, 0.0), (0.0, 1.0))

    @property
    def size(self) -> float:
        """Pixels of one unit."""
        (a, b), (c, d) = self.axes
        return math.sqrt(abs(a * d - b * c))

    @property
    def weight(self) -> float:
        """How heavy lines are at this size: small figures are drawn with a finer pen."""
        return 1.0 if self.size < 5 else min(max((self.size / 50) ** 0.3, 0.7), 1.25)

    def at(self, x: float, y: float, scale: float = 1.0, *, turn: float = 0.0, mirror: bool = False) -> Pen:
        """A pen whose origin is (x, y) of this one, `scale` times as large, turned clockwise by degrees."""
        (a, b), (c, d) = self.axes
        origin = (self.origin[0] + x * a + y * c, self.origin[1] + x * b + y * d)
        cos, sin = scale * math.cos(math.radians(turn)), scale * math.sin(math.radians(turn))
        sign = -1.0 if mirror else 1.0
        right = (sign * (cos * a + sin * c), sign * (cos * b + sin * d))
        down = (-sin * a + cos * c, -sin * b + cos * d)
        return replace(self, origin=origin, axes=(right, down))

    def place(self, points: Sequence[Point] | Path) -> Path:
        """Points in pixels of the sheet."""
        placed: Path = np.asarray(points, dtype=float) @ np.array(self.axes) + np.array(self.origin)
        return placed

    def shape(
        self,
        points: Sequence[Point] | Path,
        fill: Color | None,
        *,
        line: float = 3.2,
        shadow: float = 1.0,
        wobble: float = 1.0,
    ) -> None:
        """A closed form: covers what is under it, is coloured a little beside the line, shaded and outlined.

        Args:
            points: in this pen's units; a point given twice is a corner.
            fill: marker colour; None for bare paper.
            line: width of the outline in pixels; 0 for none.
            shadow: width of the shadow against the usual; 0 for none.
            wobble: how unsteady the hand is, against the usual.
        """
        sheet, rng = self.sheet, self.sheet.line_rng
        runs = [evenly_spaced(run) for run in smooth_runs(self.place(points), closed=True)]
        extent = float(np.ptp(np.concatenate(runs), axis=0).min())
        unsteady = wobble * min(1.0, extent / 60)
        strokes = [self._unsteady(run, unsteady, closed=len(runs) == 1) for run in runs]
        outline = np.concatenate(strokes)
        sheet.erase(outline)
        grain = int(rng.integers(1, 4))
        miss = rng.normal(0, 0.7, 2) + np.array([1.3, 0.9])
        if fill is not None:
            # Without a line there is nothing to miss; small forms are filled with more care.
            miss = miss * (min(1.0, extent / 70) if line > 0 else 0.0)
            if sheet.rough == "color":
                sheet.fill(outline + miss, fill, grain)
            depth = shadow * min(max(extent * 0.11, 2.0), 22.0) if shadow > 0 else 0.0
            tone = max(0.0, 0.62 - (0.3 * fill[0] + 0.59 * fill[1] + 0.11 * fill[2]) / 255) * 1.6
            if depth > 0 or tone > 0:
                sheet.shade(outline, fill, depth, min(tone, 1.0) if shadow > 0 else 0.0)
        if line > 0:
            for stroke in strokes:
                self._ink_line(stroke, line * self.weight, closed=len(strokes) == 1)

    def stroke(
        self, points: Sequence[Point] | Path, line: float = 3.0, *, taper: float = 1.0, wobble: float = 1.0
    ) -> None:
        """An open ink line, `line` pixels at its widest; `taper` 0 keeps its ends as wide."""
        for run in smooth_runs(self.place(points), closed=False):
            self._ink_line(self._unsteady(evenly_spaced(run), wobble), line * self.weight, taper=taper)

    def blot(self, points: Sequence[Point] | Path) -> None:
        """A closed form of solid ink."""
        outline = np.concatenate(smooth_runs(self.place(points), closed=True))
        self.sheet.blot(outline, 255 if self.sheet.rough == "color" else 225)

    def tint(self, points: Sequence[Point] | Path, color: Color) -> None:
        """A closed form of colour without a line (blush, light); nothing in pencil."""
        if self.sheet.rough == "color":
            outline = np.concatenate(smooth_runs(self.place(points), closed=True))
            self.sheet.fill(outline, color, 3)

    def ground_shadow(self, x: float, y: float, reach: float, ground: Color) -> None:
        """The flat shadow of what stands at (x, y), `reach` to each side, on ground of a colour."""
        outline = np.concatenate(smooth_runs(self.place(ellipse(x, y, reach, reach * 0.2)), closed=True))
        if self.sheet.rough == "color":
            self.sheet.fill(outline, (int(ground[0] * 0.78), int(ground[1] * 0.8), int(ground[2] * 0.82)), 3)
        else:
            self.sheet.shade(outline, ground, 0.0, 0.45)

    def guide(self, points: Sequence[Point] | Path, *, closed: bool = False) -> None:
        """A light construction line in pencil."""
        for run in smooth_runs(self.place(points), closed=closed):
            for _ in range(2):
                path = self._unsteady(evenly_spaced(run), 1.3)
                widths = 1.0 + 0.35 * sway_along(self.sheet.line_rng, len(path), (50, 130))
                self.sheet.brush("guides", path, widths, 200)

    def wash(self, width: float, height: float, color: Color) -> None:
        """Background colour over a panel's upper `height` pixels; nothing in pencil.

        Broad marker strokes side by side from edge to edge, with paper left between some of them.
        """
        rng = self.sheet.line_rng
        y = -4.0
        while y < height:
            breadth = rng.uniform(20, 30)
            # No two rows run quite alike, so that the paper between them comes and goes.
            rise = width * rng.normal(-0.012, 0.012) / 2
            middle = y + breadth / 2
            path = evenly_spaced(self.place([(-12, middle - rise), (width + 12, middle + rise)]))
            path[:, 1] += 1.8 * sway_along(rng, len(path), (160, 400))
            red, green, blue = (int(np.clip(c + rng.uniform(-5, 5), 0, 255)) for c in color)
            if self.sheet.rough == "color":
                half = np.array([0, breadth / 2])
                up, down = path - half, path + half
                self.sheet.fill(np.concatenate([up, down[::-1]]), (red, green, blue), 3)
            y += breadth * (rng.uniform(1.05, 1.25) if rng.uniform() < 0.3 else rng.uniform(0.8, 0.97))

    def _unsteady(self, path: Path, amount: float, *, closed: bool = False) -> Path:
        """The path as a hand draws it: about `amount` pixels off, slowly."""
        sway = sway_along(self.sheet.line_rng, len(path), (60, 130, 260)) * 0.8 * amount
        if closed:
            # The ends of a closed line meet: the sway fades out toward both.
            fade = np.minimum(np.arange(len(path)), np.arange(len(path))[::-1]) / 8
            sway = sway * np.minimum(fade, 1)
        return path + _normals(path) * sway[:, None]

    def _ink_line(self, path: Path, line: float, *, closed: bool = False, taper: float = 1.0) -> None:
        """Ink (or doubled graphite) along a path: tapering ends, thicker on the shadow side."""
        sheet, rng = self.sheet, self.sheet.line_rng
        if closed:
            # A hand starts anywhere and goes on a little past its start.
            start = int(rng.integers(len(path)))
            over = min(int(rng.integers(1, 7)), len(path) // 3)
            path = np.concatenate([path[start:-1], path[: start + 1 + over]])
        elif len(path) > 12:
            # Corners are crossed or missed by a pixel or two.
            for end, before in ((0, 3), (-1, -4)):
                direction = path[end] - path[before]
                path[end] = path[end] + direction / max(float(np.hypot(*direction)), 1e-6) * rng.uniform(
                    -1, 2.5
                )
        count = len(path)
        position = np.linspace(0, 1, count)
        ends = np.clip(np.minimum(position, 1 - position) * count * _STEP / 26, 0, 1)
        pressure = 1 - taper * 0.62 * (1 - ends) ** 1.5
        weight = 1 + 0.24 * (_normals(path) @ np.array([0.5, 0.8])) * (1 if taper else 0)
        uneven = 1 + 0.13 * sway_along(rng, count, (40, 110)) + 0.05 * sway_along(rng, count, (9, 14))
        widths = np.maximum(line * pressure * weight * uneven, 0.9)
        if sheet.rough == "color":
            sheet.brush("ink", path, widths, 255)
            return
        hand = sheet.texture_rng
        for strength, share in ((170, 0.55), (242, 0.72)):
            sway = sway_along(hand, count, (45, 120)) * 0.9 * min(1.0, count * _STEP / 60)
            faint = path + _normals(path) * (sway + hand.normal() * 0.35)[:, None]
            sheet.brush(
                "ink", faint, np.maximum(widths * share, 1.1), int(strength * hand.uniform(0.9, 1.08))
            )
