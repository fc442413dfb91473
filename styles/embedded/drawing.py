"""A canvas that draws with signed distances: regions with ink outlines, flat colors, soft light and tone.

A shape is a function giving the signed distance in pixels (negative inside), so one evaluation yields the
anti-aliased fill, the outline and the shading. Only the pixels around a shape are touched.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import torch
from torch import Tensor
from torch.nn import functional

Point = tuple[float, float]
Color = tuple[float, float, float]


@dataclass(frozen=True)
class Shape:
    """A signed distance and where it is at home.

    Attributes:
        distance: (x (1, w), y (h, 1)) in pixels -> (h, w) signed distance in pixels, negative inside.
        box: left, top, right, bottom in pixels of everything inside.
    """

    distance: Callable[[Tensor, Tensor], Tensor]
    box: tuple[float, float, float, float]


def ellipse(center: Point, radii: Point, angle: float = 0.0) -> Shape:
    """An ellipse turned by ``angle`` radians (first-order distance, exact on the outline)."""
    (cx, cy), (rx, ry) = center, (max(radii[0], 0.3), max(radii[1], 0.3))
    cos, sin = math.cos(angle), math.sin(angle)

    def distance(x: Tensor, y: Tensor) -> Tensor:
        u = (x - cx) * cos + (y - cy) * sin
        v = (y - cy) * cos - (x - cx) * sin
        near = ((u / rx) ** 2 + (v / ry) ** 2).sqrt()
        slope = ((u / rx**2) ** 2 + (v / ry**2) ** 2).sqrt()
        center = torch.full_like(near, -min(rx, ry))
        return torch.where(slope > 1e-6, near * (near - 1) / slope, center).maximum(center)

    reach_x = math.hypot(rx * cos, ry * sin)
    reach_y = math.hypot(rx * sin, ry * cos)
    return Shape(distance, (cx - reach_x, cy - reach_y, cx + reach_x, cy + reach_y))


def _along(points: Sequence[Point], closed: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Start, end, direction and length of each edge."""
    start = torch.tensor(points, dtype=torch.float32)
    end = start.roll(-1, 0)
    if not closed:
        start, end = start[:-1], end[:-1]
    edge = end - start
    edge = torch.where(edge.abs().sum(1, keepdim=True) < 1e-4, torch.tensor((1e-4, 0.0)), edge)
    length = edge.norm(dim=1)
    return start, end, edge / length[:, None], length


def _box_of(points: Sequence[Point], margin: float = 0.0) -> tuple[float, float, float, float]:
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    return min(xs) - margin, min(ys) - margin, max(xs) + margin, max(ys) + margin


def _squared(x: Tensor, y: Tensor, start: Tensor, unit: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
    """Squared distance to each segment and the place along it: (K, h, w) each."""
    sx, sy = start[:, 0, None, None], start[:, 1, None, None]
    ux, uy = unit[:, 0, None, None], unit[:, 1, None, None]
    along = (x - sx) * ux + (y - sy) * uy
    across = (y - sy) * ux - (x - sx) * uy
    place = along.clamp_min(0).minimum(length[:, None, None])
    return (along - place).square_().add_(across.square_()), place


def polygon(points: Sequence[Point]) -> Shape:
    """A closed polygon (even-odd)."""
    start, end, unit, length = _along(points, True)

    def distance(x: Tensor, y: Tensor) -> Tensor:
        s, e, u, n = (t.to(x.device) for t in (start, end, unit, length))
        squared, _ = _squared(x, y, s, u, n)
        sy, ey = s[:, 1, None, None], e[:, 1, None, None]
        rise = torch.where((ey - sy).abs() < 1e-6, torch.ones_like(sy), ey - sy)
        crossing_x = s[:, 0, None, None] + (y - sy) / rise * (e[:, 0] - s[:, 0])[:, None, None]
        crosses = ((sy <= y) != (ey <= y)) & (x < crossing_x)
        inside = crosses.sum(0) % 2 == 1
        far = squared.amin(0).sqrt()
        return torch.where(inside, -far, far)

    return Shape(distance, _box_of(points))


def curve(points: Sequence[Point], *, closed: bool, steps: int = 5) -> list[Point]:
    """A Catmull-Rom curve through the points, as a polyline."""
    count = len(points)
    if count < 3:
        return list(points)
    out: list[Point] = []
    last = count if closed else count - 1
    for i in range(last):
        if closed:
            a, b, c, d = (points[(i + k) % count] for k in (-1, 0, 1, 2))
        else:
            a, b, c, d = (points[min(max(i + k, 0), count - 1)] for k in (-1, 0, 1, 2))
        for step in range(steps):
            t = step / steps
            weights = (
                -0.5 * t + t * t - 0.5 * t**3,
                1 - 2.5 * t * t + 1.5 * t**3,
                0.5 * t + 2 * t * t - 1.5 * t**3,
                -0.5 * t * t + 0.5 * t**3,
            )
            out.append(
                (
                    sum(w * p[0] for w, p in zip(weights, (a, b, c, d), strict=True)),
                    sum(w * p[1] for w, p in zip(weights, (a, b, c, d), strict=True)),
                )
            )
    if not closed:
        out.append(points[-1])
    return out


def stroke(points: Sequence[Point], radii: Sequence[float]) -> Shape:
    """A chain of tapering capsules: radius ``radii[k]`` pixels at point k."""
    start, _, unit, length = _along(points, False)
    radius = torch.tensor(radii, dtype=torch.float32)

    def distance(x: Tensor, y: Tensor) -> Tensor:
        s, u, n, r = (t.to(x.device) for t in (start, unit, length, radius))
        squared, place = _squared(x, y, s, u, n)
        slope = ((r[1:] - r[:-1]) / n)[:, None, None]
        return (squared.sqrt_() - place * slope - r[:-1, None, None]).amin(0)

    return Shape(distance, _box_of(points, max(radii)))


def union(*shapes: Shape) -> Shape:
    """All of the shapes as one region."""
    boxes = [shape.box for shape in shapes]

    def distance(x: Tensor, y: Tensor) -> Tensor:
        result = shapes[0].distance(x, y)
        for shape in shapes[1:]:
            result = torch.minimum(result, shape.distance(x, y))
        return result

    return Shape(
        distance,
        (
            min(b[0] for b in boxes),
            min(b[1] for b in boxes),
            max(b[2] for b in boxes),
            max(b[3] for b in boxes),
        ),
    )


def smooth_noise(size: tuple[int, int], cell: float, generator: torch.Generator, count: int = 1) -> Tensor:
    """Smooth noise: (count, H, W), about normal with standard deviation 0.6, features of ``cell`` pixels."""
    height, width = size
    coarse = torch.randn(
        (1, count, max(2, round(height / cell)) + 2, max(2, round(width / cell)) + 2), generator=generator
    )
    return functional.interpolate(coarse, size=(height, width), mode="bicubic", align_corners=True)[0]


class Canvas:
    """One picture being drawn, back to front. Everything is float32 in [0, 1].

    Attributes:
        color: (3, H, W) softly lit colors without ink.
        flat: (3, H, W) one color per region.
        lines: (H, W) ink coverage.
        tone: (H, W) what a pencil would shade.
        grain: (H, W) the texture of the paint, about zero on average.
        light: direction from the light, a unit vector.
    """

    def __init__(self, size: int, random: Random, device: torch.device) -> None:
        self.size = size
        self.random = random
        generator = torch.Generator().manual_seed(random.getrandbits(40))
        axis = torch.arange(size, dtype=torch.float32, device=device)
        self._x, self._y = axis[None, :], axis[:, None]
        self.color = torch.ones(3, size, size, device=device)
        self.flat = torch.ones(3, size, size, device=device)
        self.lines = torch.zeros(size, size, device=device)
        self.tone = torch.zeros(size, size, device=device)
        noise = smooth_noise((size, size), random.uniform(14, 40), generator, 3).to(device)
        self._pressure = (1 + 0.42 * noise[0]).clamp(0.45, 1.7)
        self._wobble = noise[1]
        grain = torch.randn(size, size, generator=generator).to(device)
        self.grain = 0.6 * noise[2] + random.uniform(0, 0.5) * grain
        self.texture_amount = random.choice((0.0, 0.02, 0.04, 0.08))
        angle = random.uniform(0.15, 0.85) * math.pi
        self.light = (math.cos(angle), math.sin(angle))
        self.line_width = random.uniform(1.5, 3.4)
        self.softness = random.uniform(3, 14)
        self.depth = random.uniform(0.12, 0.4)
        self.tones_locally = random.random() < 0.45
        self._mood = random.choice(("natural", "natural", "saturated", "pastel", "dark", "muted", "limited"))
        self._hues = (random.random(), random.random())

    def paint(
        self, hue: float, saturation: float, value: float, *, vary: float = 0.04, keep_hue: bool = False
    ) -> Color:
        """A color in this picture's palette: hue, saturation and value in [0, 1], pulled to its mood."""
        r = self.random
        hue += r.uniform(-vary, vary)
        saturation = min(max(saturation + r.uniform(-vary, vary) * 2, 0.0), 1.0)
        value = min(max(value + r.uniform(-vary, vary) * 2, 0.0), 1.0)
        if self._mood == "saturated":
            saturation = saturation**0.6
        elif self._mood == "pastel":
            saturation, value = saturation * 0.5, 1 - (1 - value) * 0.45
        elif self._mood == "dark":
            value = 0.06 + value * 0.55
        elif self._mood == "muted":
            saturation, value = saturation * 0.45, 0.15 + value * 0.7
        elif self._mood == "limited" and not keep_hue:
            away = [abs((hue - h + 0.5) % 1 - 0.5) for h in self._hues]
            hue = self._hues[0 if away[0] < away[1] else 1]
            saturation *= 0.8
        saturation, value = min(max(saturation, 0), 1), min(max(value, 0.03), 1)
        red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
        return red, green, blue

    def any_paint(self) -> Color:
        """Any color of this picture's palette, for clothes and things."""
        r = self.random
        return self.paint(r.random(), r.uniform(0.25, 0.95), r.uniform(0.35, 0.98))

    def _window(self, box: tuple[float, float, float, float], margin: float) -> tuple[slice, slice] | None:
        left, top = max(0, math.floor(box[0] - margin)), max(0, math.floor(box[1] - margin))
        right, bottom = (
            min(self.size, math.ceil(box[2] + margin) + 1),
            min(self.size, math.ceil(box[3] + margin) + 1),
        )
        if left >= right or top >= bottom:
            return None
        return slice(top, bottom), slice(left, right)

    def fill(
        self,
        shape: Shape,
        color: Color,
        *,
        line: float = 1.0,
        tone: float | None = None,
        to: Color | None = None,
        round_light: float = 1.0,
    ) -> None:
        """Paint a region over everything so far.

        Args:
            line: outline width as a share of the picture's line width; 0 is no outline.
            tone: pencil tone of the region; by default what its color suggests, in pictures that shade so.
            to: color at the region's bottom, for skies and the like.
            round_light: how much light and shadow the region shows.
        """
        width = self.line_width * line
        window = self._window(shape.box, width + 2)
        if window is None:
            return
        rows, columns = window
        x, y = self._x[:, columns], self._y[rows]
        distance = shape.distance(x, y)
        cover = (0.5 - distance).clamp(0, 1)
        middle = ((shape.box[0] + shape.box[2]) / 2, (shape.box[1] + shape.box[3]) / 2)
        span = max(shape.box[2] - shape.box[0], shape.box[3] - shape.box[1], 2.0) / 2
        dark = ((x - middle[0]) * self.light[0] + (y - middle[1]) * self.light[1]) / span
        wobble = 0.3 * min(1.0, 0.2 * self.size / span)
        side = torch.sigmoid((dark + wobble * self._wobble[window] - 0.36) * self.softness)
        base = torch.tensor(color, dtype=torch.float32, device=x.device)[:, None, None]
        paint = base.expand(3, *cover.shape)
        if to is not None:
            height = max(shape.box[3] - shape.box[1], 1)
            blend = ((y - shape.box[1]) / height).clamp(0, 1)
            paint = (
                paint + (torch.tensor(to, dtype=torch.float32, device=x.device)[:, None, None] - base) * blend
            )
        cool = torch.tensor((1.0, 0.94, 0.8), device=x.device)[:, None, None]
        light = -self.depth * round_light * dark.clamp(-1, 1) + self.texture_amount * self.grain[window]
        lit = paint * (1 + 0.8 * light) + light.clamp_min(0) * 0.18
        lit = lit * (1 - (0.55 * self.depth * round_light + 0.1 * round_light) * side * 1.2 * cool)
        if tone is None:
            luminance = 0.3 * color[0] + 0.59 * color[1] + 0.11 * color[2]
            tone = min(max((0.62 - luminance) * 1.7, 0.0), 0.95) if self.tones_locally else 0.0
            if luminance < 0.14:
                tone = 0.95
        toned = tone + (1 - tone) * 0.5 * round_light * side
        self.color[:, rows, columns].lerp_(lit.clamp(0, 1), cover)
        self.flat[:, rows, columns].lerp_(paint, cover)
        self.tone[window].lerp_(toned, cover)
        ink = self.lines[window]
        ink.mul_(1 - cover)
        if line:
            half = width * 0.5 * self._pressure[window] * (0.8 + 0.4 * side)
            torch.maximum(ink, (half + 0.5 - distance.abs()).clamp(0, 1), out=ink)

    def ink(self, points: Sequence[Point], width: float = 1.0, *, smooth: bool = True) -> None:
        """A brush line that tapers at both ends; ``width`` as a share of the picture's line width."""
        path = curve(points, closed=False, steps=4) if smooth else list(points)
        half = self.line_width * width / 2
        last = max(len(path) - 1, 1)
        radii = [
            half * (0.35 + 0.65 * math.sin(math.pi * min(max(k / last, 0.04), 0.96)))
            for k in range(len(path))
        ]
        self.spot(stroke(path, radii))

    def spot(self, shape: Shape) -> None:
        """Solid ink."""
        window = self._window(shape.box, 2)
        if window is None:
            return
        distance = shape.distance(self._x[:, window[1]], self._y[window[0]])
        ink = self.lines[window]
        torch.maximum(ink, (0.5 - distance).clamp(0, 1), out=ink)

    def cast(self, shape: Shape, amount: float) -> None:
        """A cast shadow or a blush: darkens color and tone, leaves flats and lines."""
        window = self._window(shape.box, 3)
        if window is None:
            return
        rows, columns = window
        cover = (0.5 - shape.distance(self._x[:, columns], self._y[rows]) / 2).clamp(0, 1) * amount
        self.color[:, rows, columns].mul_(1 - 0.6 * cover)
        self.tone[window].add_(cover * 0.7).clamp_(0, 1)

    def glow(self, shape: Shape, color: Color, amount: float) -> None:
        """A soft tint (a cheek, a light): leaves flats, lines and tone."""
        window = self._window(shape.box, 3)
        if window is None:
            return
        rows, columns = window
        span = max(shape.box[2] - shape.box[0], 2) / 3
        cover = (-shape.distance(self._x[:, columns], self._y[rows]) / span).clamp(0, 1) * amount
        self.color[:, rows, columns].lerp_(
            torch.tensor(color, dtype=torch.float32, device=cover.device)[:, None, None].expand(
                3, *cover.shape
            ),
            cover,
        )


class Pen:
    """Draws in a figure's own coordinates: origin, one unit of ``scale`` pixels, mirrored, leaning."""

    def __init__(
        self, canvas: Canvas, origin: Point, scale: float, *, mirror: bool = False, lean: float = 0.0
    ) -> None:
        self.canvas = canvas
        self.random = canvas.random
        self.scale = scale
        self._origin = origin
        self._sign = -1.0 if mirror else 1.0
        self._cos, self._sin = math.cos(lean), math.sin(lean)

    def at(self, point: Point) -> Point:
        """Figure coordinates -> pixels."""
        u, v = point
        x, y = u * self._cos - v * self._sin, u * self._sin + v * self._cos
        return self._origin[0] + self._sign * self.scale * x, self._origin[1] + self.scale * y

    def ellipse(self, center: Point, radii: Point, angle: float = 0.0) -> Shape:
        """An ellipse in figure coordinates."""
        lean = math.atan2(self._sin, self._cos)
        return ellipse(
            self.at(center), (radii[0] * self.scale, radii[1] * self.scale), self._sign * (angle + lean)
        )

    def blob(self, *points: Point) -> Shape:
        """A smooth closed shape through the points."""
        return polygon(curve([self.at(p) for p in points], closed=True))

    def corners(self, *points: Point) -> Shape:
        """A polygon."""
        return polygon([self.at(p) for p in points])

    def limb(self, points: Sequence[Point], radii: Sequence[float], *, smooth: bool = False) -> Shape:
        """A tapering arm, leg, tail or neck."""
        path = [self.at(p) for p in points]
        sizes = [r * self.scale for r in radii]
        if smooth:
            steps = 4
            sizes = [
                sizes[k] + (sizes[k + 1] - sizes[k]) * s / steps
                for k in range(len(sizes) - 1)
                for s in range(steps)
            ] + [sizes[-1]]
            path = curve(path, closed=False, steps=steps)
        return stroke(path, sizes)

    def fill(
        self,
        shape: Shape,
        color: Color,
        *,
        line: float = 1.0,
        tone: float | None = None,
        round_light: float = 1.0,
    ) -> None:
        """Paint a region (see Canvas.fill)."""
        self.canvas.fill(shape, color, line=line, tone=tone, round_light=round_light)

    def ink(self, points: Sequence[Point], width: float = 1.0) -> None:
        """A brush line through points of the figure."""
        self.canvas.ink([self.at(p) for p in points], width)

    def spot(self, shape: Shape) -> None:
        """Solid ink."""
        self.canvas.spot(shape)
