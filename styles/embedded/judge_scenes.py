"""What the judge learns identity from: people, creatures, buildings and things, each drawn again and again.

An identity is a kind and a seed. The seed fixes everything that makes it *this one* (proportions, colors,
hair, hat, horns, roofs); a variation fixes everything else (pose, facing, framing, background, light).
Shapes are corner-cut polygons, rasterized with Pillow at three times the size.
"""

from __future__ import annotations

import colorsys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Array = NDArray[Any]
Point = tuple[float, float]
Color = tuple[float, float, float]
Random = np.random.Generator

_OVERSAMPLING = 3


@dataclass(frozen=True)
class Identity:
    """One character, creature, building or thing.

    Attributes:
        kind: "person", "creature", "building" or "thing".
        seed: fixes all of its lasting traits.
    """

    kind: str
    seed: int


@dataclass(frozen=True)
class Picture:
    """A clean drawing.

    Attributes:
        color: (H, W, 3) float32 in [0, 1], flat colors without any line.
        lines: (H, W) float32 in [0, 1], ink coverage of the outlines.
    """

    color: Array
    lines: Array

    @property
    def inked(self) -> Array:
        """The colors under black lines, (H, W, 3) in [0, 1]."""
        return np.asarray(self.color * (1 - 0.95 * self.lines[..., None]))


# --- drawing ---------------------------------------------------------------------------------------------


@dataclass
class _Brush:
    """Draws shapes, given in local coordinates, on a color canvas and a line canvas."""

    color: ImageDraw.ImageDraw
    lines: ImageDraw.ImageDraw
    matrix: Array  # (3, 3), local -> canvas pixels
    thick: float  # outline width in canvas pixels
    light: Point  # where the light comes from, in local units

    def at(self, x: float, y: float, turn: float = 0.0, scale: float = 1.0, mirror: bool = False) -> _Brush:
        """A brush whose origin lies at (x, y), turned by ``turn`` radians and scaled."""
        c, s = np.cos(turn) * scale, np.sin(turn) * scale
        step = np.array([[-c if mirror else c, -s, x], [-s if mirror else s, c, y], [0, 0, 1]])
        return _Brush(self.color, self.lines, self.matrix @ step, self.thick, self.light)

    def place(self, points: Array) -> list[Point]:
        moved = points @ self.matrix[:2, :2].T + self.matrix[:2, 2]
        return [(float(x), float(y)) for x, y in moved]

    def shape(
        self, points: Sequence[Point] | Array, color: Color, *, cuts: int = 2, shade: float = 0.8
    ) -> None:
        """An outlined area; its corners are cut ``cuts`` times, and a shade below 1 darkens a side."""
        outline = _cut_corners(np.asarray(points, dtype=float), cuts)
        corners = self.place(outline)
        self.color.polygon(corners, _rgb(color, shade))
        if shade < 1:
            middle = outline.mean(0)
            extent = outline.max(0) - outline.min(0)
            lit = middle + 0.84 * (outline - middle) + 0.07 * extent * np.array(self.light)
            self.color.polygon(self.place(lit), _rgb(color))
        self.lines.polygon(corners, 0)
        self.lines.line([*corners, corners[0], corners[1]], 255, max(1, int(self.thick)), joint="curve")

    def oval(self, x: float, y: float, rx: float, ry: float, color: Color, *, shade: float = 0.8) -> None:
        angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
        points = np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], -1)
        self.shape(points, color, cuts=0, shade=shade)

    def limb(self, start: Point, end: Point, first: float, last: float, color: Color) -> None:
        """A tapered tube between two joints, with half widths ``first`` and ``last``."""
        a, b = np.array(start), np.array(end)
        along = (b - a) / (np.hypot(*(b - a)) + 1e-6)
        side = np.array([-along[1], along[0]])
        points = [a + side * first, b + side * last, b + along * last, b - side * last, a - side * first]
        self.shape(np.array([*points, a - along * first]), color, cuts=2)

    def stroke(self, points: Sequence[Point], weight: float = 1.0) -> None:
        """An ink line; ``weight`` in outline widths."""
        placed = self.place(np.asarray(points, dtype=float))
        self.lines.line(placed, 255, max(1, int(self.thick * weight)), joint="curve")

    def spot(self, x: float, y: float, radius: float, color: Color | None = None) -> None:
        """A dot of solid ink, or a flat one of color without outline."""
        angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
        placed = self.place(np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], -1))
        if color is None:
            self.lines.polygon(placed, 255)
        else:
            self.color.polygon(placed, _rgb(color))


def _cut_corners(points: Array, times: int) -> Array:
    """Chaikin's corner cutting of a closed polygon (K, 2)."""
    for _ in range(times):
        following = np.roll(points, -1, 0)
        points = np.stack([0.75 * points + 0.25 * following, 0.25 * points + 0.75 * following], 1).reshape(
            -1, 2
        )
    return points


def _rgb(color: Color, shade: float = 1.0) -> tuple[int, int, int]:
    red, green, blue = (int(255 * min(1.0, max(0.0, part * shade))) for part in color)
    return red, green, blue


def _hue(
    random: Random, saturation: tuple[float, float] = (0.35, 0.95), value: tuple[float, float] = (0.35, 1)
) -> Color:
    return colorsys.hsv_to_rgb(random.random(), random.uniform(*saturation), random.uniform(*value))


def _cloth(random: Random) -> Color:
    """Mostly clear colors, sometimes near black, gray or white."""
    if random.random() < 0.25:
        gray = random.choice([0.12, 0.3, 0.6, 0.92])
        return gray, gray * random.uniform(0.94, 1.04), gray * random.uniform(0.92, 1.1)
    return _hue(random)


def _choose(random: Random, options: Sequence[Any]) -> Any:
    return options[int(random.integers(len(options)))]


_SKINS = [(1.0, 0.86, 0.74), (0.96, 0.76, 0.6), (0.82, 0.6, 0.42), (0.6, 0.4, 0.27), (0.4, 0.26, 0.18)]
_ODD_SKINS = [(0.55, 0.78, 0.45), (0.6, 0.7, 0.92), (0.75, 0.6, 0.85), (0.8, 0.82, 0.84)]
_HAIRS = [
    (0.1, 0.08, 0.08), (0.33, 0.2, 0.1), (0.55, 0.33, 0.14), (0.93, 0.78, 0.35), (0.8, 0.3, 0.1),
    (0.85, 0.85, 0.87), (0.85, 0.3, 0.55), (0.25, 0.45, 0.8), (0.3, 0.65, 0.4),
]  # fmt: skip


# --- kinds: each draws inside about [-1, 1] x [-1, 1], y down ---------------------------------------------


def _person(brush: _Brush, who: Random, pose: Random) -> None:
    skin = _choose(who, _SKINS if who.random() < 0.85 else _ODD_SKINS)
    hair, hat_color, top, bottom = _choose(who, _HAIRS), _cloth(who), _cloth(who), _cloth(who)
    shoes, trim, cape_color = _cloth(who), _cloth(who), _cloth(who)
    head, build = who.uniform(0.20, 0.34), who.uniform(0.13, 0.27)
    style, hat = int(who.integers(10)), int(who.choice(8, p=[0.44] + [0.08] * 7))
    dress, pattern = who.random() < 0.4, int(who.integers(5))
    cape, beard = who.random() < 0.2, who.random() < 0.2
    glasses, patch, freckles = who.random() < 0.18, who.random() < 0.06, who.random() < 0.15
    item, eye, nose = int(who.integers(7)), int(who.integers(4)), int(who.integers(3))
    leg, arm = who.uniform(0.42, 0.62), who.uniform(0.42, 0.55)

    hip, neck = 0.97 - leg, -0.97 + 2.05 * head
    stance, swing = pose.uniform(-0.25, 0.25), pose.uniform(-1.0, 1.0, 2)
    turn, look = pose.uniform(-0.18, 0.18), pose.uniform(-0.25, 0.4)
    if cape:
        flare = build + pose.uniform(0.1, 0.35)
        brush.shape([(-build, neck), (build, neck), (flare, 0.75), (-flare, 0.7)], cape_color, cuts=1)
    for side in (-1, 1):
        foot = (side * build * 0.6 + side * abs(stance) * 0.6, 0.95)
        brush.limb((side * build * 0.5, hip), foot, build * 0.45, build * 0.34, skin if dress else bottom)
        brush.shape(
            [(foot[0] - 0.09, 0.9), (foot[0] + 0.08, 0.9), (foot[0] + 0.17, 1.0), (foot[0] - 0.1, 1.0)],
            shoes,
            cuts=1,
        )
    shoulder = neck + 0.12

    def draw_arm(side: int) -> None:
        angle = swing[(side + 1) // 2] + side * -0.45
        elbow = (side * build + np.sin(-angle) * arm * 0.5, shoulder + abs(np.cos(angle)) * arm * 0.5)
        bend = angle - side * pose.uniform(0, 1.4)
        hand = (elbow[0] + np.sin(-bend) * arm * 0.5, elbow[1] + np.cos(bend) * arm * 0.5)
        if side > 0 and item:
            _item(brush.at(*hand, turn=pose.uniform(-0.5, 0.5)), item, trim)
        brush.limb((side * build * 0.9, shoulder), elbow, 0.075, 0.065, top)
        brush.limb(elbow, hand, 0.06, 0.05, skin if pattern == 1 else top)
        brush.oval(*hand, 0.065, 0.065, skin)

    draw_arm(-1)
    if dress:
        hem = build * who.uniform(1.5, 2.4)
        hem_y = hip + leg * who.uniform(0.45, 0.9)
        brush.shape(
            [
                (-build, neck),
                (build, neck),
                (build * 0.8, 0.1),
                (hem, hem_y),
                (-hem, hem_y),
                (-build * 0.8, 0.1),
            ],
            top,
            cuts=1,
        )
    else:
        brush.shape(
            [(-build, neck), (build, neck), (build * 0.95, hip + 0.08), (-build * 0.95, hip + 0.08)],
            top,
            cuts=1,
        )
    if pattern == 2:
        for level in (0.3, 0.6):
            y = neck + (hip - neck) * level
            brush.shape(
                [(-build * 0.9, y), (build * 0.9, y), (build * 0.9, y + 0.06), (-build * 0.9, y + 0.06)],
                trim,
                cuts=0,
                shade=1,
            )
    elif pattern == 3:
        for x, y in ((0, 0.3), (-0.5, 0.6), (0.5, 0.6)):
            brush.oval(x * build, neck + (hip - neck) * y, 0.045, 0.045, trim, shade=1)
    if pattern != 4:
        brush.shape(
            [(-build, hip - 0.04), (build, hip - 0.04), (build, hip + 0.05), (-build, hip + 0.05)],
            trim,
            cuts=0,
            shade=1,
        )
    draw_arm(1)
    face = brush.at(0, neck - head * 0.9, turn)
    _head(face, head, skin, hair, style, hat, hat_color, trim, eye, nose, look, pose)
    if beard:
        face.shape(
            [
                (-head * 0.8, head * 0.3),
                (0, head * 0.55),
                (head * 0.8, head * 0.3),
                (head * 0.45, head * 1.3),
                (-head * 0.45, head * 1.3),
            ],
            hair,
        )
    x = look * head * 0.5
    if glasses:
        for side in (-1, 1):
            angle = np.linspace(0, 2 * np.pi, 14)
            face.stroke(
                [(x + side * head * 0.38 + head * 0.28 * np.cos(a), head * 0.28 * np.sin(a)) for a in angle]
            )
    if patch:
        face.spot(x - head * 0.36, 0, head * 0.27)
        face.stroke([(-head * 0.9, -head * 0.5), (head * 0.9, head * 0.1)])
    if freckles:
        for side in (-1, 1):
            face.spot(x + side * head * 0.55, head * 0.3, head * 0.16, (0.95, 0.55, 0.5))


def _head(
    face: _Brush, r: float, skin: Color, hair: Color, style: int, hat: int, hat_color: Color, trim: Color,
    eye: int, nose: int, look: float, pose: Random,
) -> None:  # fmt: skip
    if style in (1, 2):  # long, very long
        length = 1.4 if style == 1 else 2.6
        face.shape(
            [(-1.15 * r, -0.6 * r), (1.15 * r, -0.6 * r), (1.35 * r, length * r), (-1.35 * r, length * r)],
            hair,
        )
    elif style == 3:  # pigtails
        for side in (-1, 1):
            face.oval(side * 1.35 * r, 0.3 * r, 0.42 * r, 0.75 * r, hair)
    elif style == 4:  # afro
        face.oval(0, -0.35 * r, 1.55 * r, 1.45 * r, hair)
    elif style == 5:  # tied up
        face.oval(-0.2 * r, -1.25 * r, 0.5 * r, 0.45 * r, hair)
    face.shape(
        [
            (-r, -0.9 * r),
            (r, -0.9 * r),
            (1.02 * r, 0.35 * r),
            (0.35 * r, 1.12 * r),
            (-0.35 * r, 1.12 * r),
            (-1.02 * r, 0.35 * r),
        ],
        skin,
    )
    x = look * r * 0.5
    for side in (-1, 1):
        at = x + side * 0.38 * r
        if eye == 0:
            face.spot(at, 0, 0.13 * r)
        elif eye == 1:
            face.oval(at, 0, 0.2 * r, 0.26 * r, (1, 1, 1), shade=1)
            face.spot(at + look * 0.1 * r, 0.04 * r, 0.12 * r)
        elif eye == 2:
            face.stroke([(at - 0.18 * r, 0), (at, -0.09 * r), (at + 0.18 * r, 0)], 1.3)
        else:
            face.spot(at, 0.02 * r, 0.18 * r)
            face.stroke([(at - 0.25 * r, -0.32 * r), (at + 0.25 * r, -0.3 * r + side * 0.06 * r)], 1.5)
    if nose == 1:
        face.oval(x * 1.3, 0.3 * r, 0.14 * r, 0.12 * r, skin)
    elif nose == 2:
        face.stroke([(x * 1.3, 0.05 * r), (x * 1.3 + 0.15 * r, 0.35 * r), (x * 1.3, 0.37 * r)])
    mood = pose.uniform(-0.14, 0.2) * r
    face.stroke([(x - 0.3 * r, 0.6 * r), (x, 0.6 * r + mood), (x + 0.3 * r, 0.6 * r)], 1.2)
    if style != 0:  # the front of the hair
        if style in (6, 7):  # spikes: short or long
            tips = [(-1.1 * r, 0.1 * r)]
            for k in range(5):
                up = (1.25 if style == 6 else 1.75) * r
                tips += [
                    (-1.15 * r + k * 0.55 * r, -up - 0.1 * r * (k % 2)),
                    (-0.85 * r + k * 0.48 * r, -0.75 * r),
                ]
            face.shape([*tips, (1.1 * r, 0.1 * r), (0.6 * r, -0.5 * r), (-0.6 * r, -0.5 * r)], hair, cuts=0)
        elif style == 8:  # mohawk
            face.shape(
                [(-0.25 * r, -0.7 * r), (-0.3 * r, -1.8 * r), (0.3 * r, -1.8 * r), (0.25 * r, -0.7 * r)],
                hair,
                cuts=1,
            )
        elif style == 9:  # parted at the side
            face.shape(
                [
                    (-1.1 * r, 0.3 * r),
                    (-1.15 * r, -1.0 * r),
                    (0, -1.35 * r),
                    (1.15 * r, -1.0 * r),
                    (1.1 * r, 0.0),
                    (0.7 * r, -0.6 * r),
                    (-0.5 * r, -0.35 * r),
                ],
                hair,
            )
        else:
            face.shape(
                [
                    (-1.12 * r, 0.2 * r),
                    (-1.15 * r, -0.95 * r),
                    (0, -1.4 * r),
                    (1.15 * r, -0.95 * r),
                    (1.12 * r, 0.2 * r),
                    (0.75 * r, -0.45 * r),
                    (-0.75 * r, -0.45 * r),
                ],
                hair,
            )
    if hat == 1:  # wizard
        face.shape([(-1.0 * r, -0.75 * r), (0.25 * r, -2.7 * r), (1.0 * r, -0.75 * r)], hat_color, cuts=1)
        face.shape(
            [(-1.7 * r, -0.6 * r), (1.7 * r, -0.6 * r), (1.4 * r, -0.95 * r), (-1.4 * r, -0.95 * r)],
            hat_color,
            cuts=1,
        )
    elif hat == 2:  # cap
        face.shape(
            [(-1.1 * r, -0.55 * r), (-0.9 * r, -1.5 * r), (0.9 * r, -1.5 * r), (1.1 * r, -0.55 * r)],
            hat_color,
        )
        face.shape(
            [(0.0, -0.75 * r), (1.7 * r, -0.6 * r), (1.6 * r, -0.4 * r), (0.0, -0.5 * r)], trim, cuts=1
        )
    elif hat == 3:  # crown
        points = [
            (-0.8 * r, -0.8 * r),
            (-0.9 * r, -1.6 * r),
            (-0.45 * r, -1.2 * r),
            (0, -1.8 * r),
            (0.45 * r, -1.2 * r),
            (0.9 * r, -1.6 * r),
            (0.8 * r, -0.8 * r),
        ]
        face.shape(points, (0.98, 0.8, 0.2), cuts=0)
    elif hat == 4:  # top hat
        face.shape(
            [(-0.75 * r, -0.8 * r), (-0.75 * r, -2.1 * r), (0.75 * r, -2.1 * r), (0.75 * r, -0.8 * r)],
            hat_color,
            cuts=0,
        )
        face.shape(
            [(-1.35 * r, -0.65 * r), (1.35 * r, -0.65 * r), (1.35 * r, -0.9 * r), (-1.35 * r, -0.9 * r)],
            hat_color,
            cuts=1,
        )
    elif hat == 5:  # helmet
        face.shape(
            [
                (-1.15 * r, 0.5 * r),
                (-1.15 * r, -0.9 * r),
                (0, -1.6 * r),
                (1.15 * r, -0.9 * r),
                (1.15 * r, 0.5 * r),
                (0.85 * r, 0.5 * r),
                (0.85 * r, -0.4 * r),
                (-0.85 * r, -0.4 * r),
                (-0.85 * r, 0.5 * r),
            ],
            (0.7, 0.72, 0.76),
            cuts=1,
        )
    elif hat == 6:  # headscarf
        face.shape(
            [
                (-1.1 * r, -0.2 * r),
                (-1.1 * r, -0.95 * r),
                (0, -1.45 * r),
                (1.1 * r, -0.95 * r),
                (1.1 * r, -0.2 * r),
                (0, -0.55 * r),
            ],
            hat_color,
        )
    elif hat == 7:  # broad straw hat
        face.shape(
            [
                (-1.9 * r, -0.5 * r),
                (0, -0.85 * r),
                (1.9 * r, -0.5 * r),
                (0.9 * r, -0.9 * r),
                (0.6 * r, -1.5 * r),
                (-0.6 * r, -1.5 * r),
                (-0.9 * r, -0.9 * r),
            ],
            (0.9, 0.78, 0.45),
            cuts=1,
        )


def _item(brush: _Brush, item: int, color: Color) -> None:
    wood, steel = (0.5, 0.33, 0.18), (0.8, 0.83, 0.86)
    if item == 1:  # sword
        brush.shape([(-0.03, 0), (-0.03, -0.6), (0, -0.68), (0.03, -0.6), (0.03, 0)], steel, cuts=0)
        brush.shape([(-0.1, -0.02), (0.1, -0.02), (0.1, 0.03), (-0.1, 0.03)], color, cuts=0)
    elif item == 2:  # staff
        brush.shape([(-0.025, 0.5), (-0.025, -0.6), (0.025, -0.6), (0.025, 0.5)], wood, cuts=0)
        brush.oval(0, -0.66, 0.09, 0.09, color)
    elif item == 3:  # basket
        brush.shape([(-0.16, 0.05), (0.16, 0.05), (0.12, 0.25), (-0.12, 0.25)], wood, cuts=1)
    elif item == 4:  # flower
        brush.stroke([(0, 0.1), (0, -0.25)], 1.5)
        brush.oval(0, -0.3, 0.08, 0.08, color)
    elif item == 5:  # shield
        brush.shape([(-0.18, -0.2), (0.18, -0.2), (0.18, 0.08), (0, 0.28), (-0.18, 0.08)], color, cuts=1)
    elif item == 6:  # book
        brush.shape([(-0.13, -0.1), (0.13, -0.1), (0.13, 0.12), (-0.13, 0.12)], color, cuts=0)


def _creature(brush: _Brush, who: Random, pose: Random) -> None:
    skin, belly, extra = _hue(who, (0.2, 0.9), (0.4, 0.95)), _hue(who, (0.1, 0.5), (0.75, 1)), _cloth(who)
    long, deep = who.uniform(0.3, 0.55), who.uniform(0.2, 0.42)
    legs, leg = int(who.choice([0, 2, 4], p=[0.2, 0.35, 0.45])), who.uniform(0.2, 0.45)
    neck, head = who.uniform(0.1, 0.55), who.uniform(0.16, 0.32)
    snout, ears, eyes = (
        who.uniform(0.3, 1.4),
        int(who.integers(5)),
        int(who.choice([1, 2, 3], p=[0.15, 0.7, 0.15])),
    )
    wings, spikes, tail = int(who.choice(3, p=[0.55, 0.25, 0.2])), who.random() < 0.35, int(who.integers(5))
    marks, teeth = int(who.integers(4)), who.random() < 0.3
    ground = 0.9
    center = ground - leg - deep * 0.8 if legs else ground - deep
    rise = pose.uniform(0.5, 1.2)
    at = (long * 0.8 + neck * np.cos(rise) * 0.8, center - neck * np.sin(rise) - deep * 0.5)
    curl = pose.uniform(-0.6, 0.6)

    if tail:
        end = (-long - 0.45, center - 0.25 + curl * 0.5)
        points = [
            (-long * 0.6, center - 0.12),
            (-long - 0.2, center + 0.1 + curl * 0.2),
            end,
            (-long - 0.25, center + 0.22 + curl * 0.2),
            (-long * 0.6, center + 0.16),
        ]
        brush.shape(points, skin, cuts=2)
        if tail == 2:
            brush.oval(*end, 0.13, 0.1, extra)
        elif tail == 3:
            brush.shape(
                [(end[0] - 0.18, end[1]), (end[0] + 0.05, end[1] - 0.15), (end[0] + 0.05, end[1] + 0.15)],
                extra,
                cuts=0,
            )
    flap = pose.uniform(-0.6, 0.5)
    if wings:
        wing = brush.at(-0.05, center - deep * 0.6, flap)
        if wings == 1:
            wing.shape(
                [(0.1, 0), (-0.15, -0.75), (-0.75, -0.7), (-0.55, -0.45), (-0.6, -0.2), (-0.3, -0.15)],
                extra,
                cuts=0,
            )
        else:
            wing.shape([(0.15, 0), (0.05, -0.55), (-0.5, -0.75), (-0.6, -0.4), (-0.3, 0)], extra, cuts=2)
    for k in range(legs):
        x = (-0.55 + 1.1 * k / max(1, legs - 1)) * long if legs > 2 else (-0.2 + 0.45 * k) * long
        foot = (x + pose.uniform(-0.12, 0.12), ground)
        brush.limb((x, center + deep * 0.4), foot, 0.1, 0.07, skin)
        brush.oval(foot[0] + 0.05, ground, 0.12, 0.06, extra if marks == 3 else skin)
    if spikes:
        for k in range(6):
            x = (-0.8 + 0.3 * k) * long
            y = center - deep * np.sqrt(max(0.0, 1 - (x / long) ** 2))
            brush.shape([(x - 0.08, y + 0.04), (x, y - 0.16), (x + 0.08, y + 0.04)], extra, cuts=0)
    brush.limb((long * 0.55, center - deep * 0.2), at, deep * 0.55, head * 0.6, skin)
    brush.oval(0, center, long, deep, skin)
    if marks != 0:
        brush.oval(long * 0.1, center + deep * 0.4, long * 0.65, deep * 0.5, belly, shade=1)
    for k in range(4 if marks in (1, 2) else 0):
        x = (-0.6 + 0.36 * k) * long
        if marks == 1:
            brush.oval(x, center - deep * 0.45, 0.07, 0.06, extra, shade=1)
        else:
            brush.shape(
                [(x, center - deep * 0.75), (x + 0.07, center - deep * 0.75), (x + 0.02, center)],
                extra,
                cuts=0,
                shade=1,
            )
    face = brush.at(*at, pose.uniform(-0.3, 0.3))
    for side in (0, 1):
        x = -head * 0.5 + side * head * 0.7
        if ears == 1:
            face.shape(
                [(x - 0.07, -head * 0.6), (x - 0.02, -head * 1.7), (x + 0.1, -head * 0.6)], skin, cuts=1
            )
        elif ears == 2:
            face.oval(x, -head * 0.9, head * 0.4, head * 0.4, skin)
        elif ears == 3:
            face.shape(
                [(x - 0.05, -head * 0.6), (x - 0.2, -head * 1.6), (x + 0.06, -head * 0.7)],
                (0.95, 0.9, 0.75),
                cuts=1,
            )
        elif ears == 4:
            face.oval(x - 0.05, -head * 1.3, head * 0.22, head * 0.75, skin)
    face.shape(
        [
            (-head, -head * 0.6),
            (head * 0.5, -head),
            (head * (1 + snout * 0.6), -head * 0.1),
            (head * (1 + snout * 0.6), head * 0.5),
            (head * 0.2, head),
            (-head, head * 0.6),
        ],
        skin,
    )
    for k in range(eyes):
        x = head * (0.1 + 0.42 * (k - (eyes - 1) / 2))
        face.oval(x, -head * 0.3, head * 0.22, head * 0.25, (1, 1, 0.95), shade=1)
        face.spot(x + head * 0.05, -head * 0.27, head * 0.12)
    face.stroke(
        [(head * (0.9 + snout * 0.5), head * 0.3), (head * 0.3, head * (0.4 + pose.uniform(-0.1, 0.2)))], 1.2
    )
    if teeth:
        face.shape(
            [(head * 0.7, head * 0.32), (head * 0.95, head * 0.32), (head * 0.82, head * 0.62)],
            (1, 1, 1),
            cuts=0,
            shade=1,
        )


def _building(brush: _Brush, who: Random, pose: Random) -> None:
    wall, roof, door_color, accent = (
        _hue(who, (0.05, 0.6), (0.5, 0.98)),
        _cloth(who),
        _cloth(who),
        _cloth(who),
    )
    glass = _choose(who, [(0.98, 0.9, 0.5), (0.6, 0.82, 0.95), (0.15, 0.17, 0.25)])
    windows, door, texture = int(who.integers(3)), int(who.integers(2)), int(who.integers(4))
    count = int(who.choice([1, 2, 3, 4], p=[0.4, 0.2, 0.25, 0.15]))
    chimney, flag = who.random() < 0.35, who.random() < 0.4
    parts = [
        (who.uniform(-0.62, 0.62), who.uniform(0.16, 0.3), who.uniform(0.6, 1.4), int(who.integers(5)))
        for _ in range(count - 1)
    ]
    main = (who.uniform(-0.12, 0.12), who.uniform(0.34, 0.62), who.uniform(0.55, 1.0), int(who.integers(5)))
    ground = 0.92

    for x, half, height, kind in [*parts, main]:
        top = ground - height
        brush.shape(
            [(x - half, ground), (x - half, top), (x + half, top), (x + half, ground)],
            wall,
            cuts=0,
            shade=0.85,
        )
        if texture == 1:
            for k in range(1, int(height / 0.12)):
                brush.stroke([(x - half, ground - 0.12 * k), (x + half, ground - 0.12 * k)], 0.5)
        elif texture == 2:
            for k in range(1, 6):
                brush.stroke([(x - half + half * k / 3, ground), (x - half + half * k / 3, top)], 0.5)
        elif texture == 3:
            for px, py in ((-0.5, 0.25), (0.4, 0.5), (-0.2, 0.75), (0.6, 0.85)):
                brush.stroke(
                    [(x + half * px, ground - height * py), (x + half * px + 0.1, ground - height * py)], 0.7
                )
        over = half * 1.15
        if kind == 0:
            brush.shape([(x - over, top), (x, top - half * 1.3), (x + over, top)], roof, cuts=0)
        elif kind == 1:
            brush.shape(
                [
                    (x - over, top),
                    (x - half * 0.1, top - half * 2.6),
                    (x + half * 0.1, top - half * 2.6),
                    (x + over, top),
                ],
                roof,
                cuts=0,
            )
        elif kind == 2:
            teeth = [(x - over, top)]
            for k in range(4):
                left = x - over + k * over * 0.57
                teeth += [
                    (left, top - 0.2),
                    (left + over * 0.3, top - 0.2),
                    (left + over * 0.3, top - 0.1),
                    (left + over * 0.57, top - 0.1),
                ]
            brush.shape(
                [*teeth[:-1], (x + over, top - 0.1), (x + over, top)], roof if texture == 0 else wall, cuts=0
            )
        elif kind == 3:
            brush.shape(
                [
                    (x - over, top + 0.02),
                    (x - over, top - half * 0.7),
                    (x, top - half * 1.6),
                    (x + over, top - half * 0.7),
                    (x + over, top + 0.02),
                ],
                roof,
                cuts=2,
            )
        else:
            brush.shape(
                [
                    (x - over, top),
                    (x - half * 0.6, top - half * 0.8),
                    (x + half * 0.6, top - half * 0.8),
                    (x + over, top),
                ],
                roof,
                cuts=0,
            )
        rows = 1 if height < 0.8 else 2
        for row in range(rows):
            for px in (-0.5, 0.5) if half > 0.28 else (0.0,):
                wx, wy, s = x + px * half, top + 0.16 + row * 0.36, min(0.1, half * 0.35)
                if windows == 0:
                    brush.shape(
                        [(wx - s, wy - s), (wx + s, wy - s), (wx + s, wy + s), (wx - s, wy + s)],
                        glass,
                        cuts=0,
                        shade=1,
                    )
                    brush.stroke([(wx, wy - s), (wx, wy + s)], 0.8)
                    brush.stroke([(wx - s, wy), (wx + s, wy)], 0.8)
                elif windows == 1:
                    brush.shape(
                        [
                            (wx - s, wy + s),
                            (wx - s, wy - s),
                            (wx, wy - s * 2.2),
                            (wx + s, wy - s),
                            (wx + s, wy + s),
                        ],
                        glass,
                        cuts=1,
                        shade=1,
                    )
                else:
                    brush.oval(wx, wy, s, s, glass, shade=1)
        if flag and kind == 1:
            tip = top - half * 2.6
            brush.stroke([(x, tip), (x, tip - 0.2)])
            wave = pose.choice([-1, 1])
            brush.shape(
                [(x, tip - 0.2), (x + wave * 0.2, tip - 0.14), (x, tip - 0.07)], accent, cuts=0, shade=1
            )
    x, half, height, _ = main
    arch = [
        (x - 0.12, ground),
        (x - 0.12, ground - 0.25),
        (x, ground - 0.36),
        (x + 0.12, ground - 0.25),
        (x + 0.12, ground),
    ]
    brush.shape(arch, door_color, cuts=door, shade=1)
    if chimney:
        top = ground - height - half * 0.3
        brush.shape(
            [
                (x + half * 0.4, top),
                (x + half * 0.4, top - 0.35),
                (x + half * 0.65, top - 0.35),
                (x + half * 0.65, top),
            ],
            accent,
            cuts=0,
        )


def _thing(brush: _Brush, who: Random, pose: Random) -> None:
    first, second, third = _cloth(who), _cloth(who), _cloth(who)
    kind, a, b, c = int(who.integers(6)), *(float(v) for v in who.uniform(0, 1, 3))
    if kind == 0:  # tree
        crown = _hue(who, (0.4, 0.9), (0.3, 0.85))
        w = 0.07 + 0.1 * a
        brush.shape([(-w * 1.5, 0.95), (-w, 0.1), (w, 0.1), (w * 1.5, 0.95)], (0.45, 0.3, 0.18), cuts=1)
        if b < 0.5:
            for k in range(3):
                y, half = 0.35 - 0.42 * k, (0.65 - 0.15 * k) * (0.7 + 0.4 * c)
                brush.shape([(-half, y), (0, y - 0.6), (half, y)], crown, cuts=0)
        else:
            for x, y in ((-0.35, -0.1), (0.35, -0.1), (0, -0.45)):
                brush.oval(x, y, 0.3 + 0.2 * c, 0.3 + 0.15 * c, crown)
        if a > 0.6:
            for x, y in ((-0.3, 0.0), (0.25, -0.1), (0.0, -0.5)):
                brush.oval(x, y, 0.07, 0.07, first, shade=1)
    elif kind == 1:  # boat
        brush.shape([(-0.9, 0.3), (0.9, 0.3), (0.6 + 0.2 * a, 0.8), (-0.6 - 0.2 * a, 0.8)], first, cuts=1)
        brush.stroke([(0, 0.3), (0, -0.9)], 2)
        brush.shape([(0.04, -0.85), (0.75 * (0.5 + b), 0.15), (0.04, 0.15)], second, cuts=0)
        if c > 0.4:
            brush.shape([(-0.04, -0.7), (-0.6, 0.15), (-0.04, 0.15)], third, cuts=0)
    elif kind == 2:  # car
        roof = -0.1 - 0.4 * a
        brush.shape([(-0.5, 0.2), (-0.35, roof), (0.25 + 0.3 * b, roof), (0.6, 0.2)], second, cuts=1)
        brush.shape([(-0.95, 0.2), (0.95, 0.2), (0.95, 0.65), (-0.95, 0.65)], first, cuts=1)
        for x in (-0.5, 0.5):
            brush.oval(x, 0.68, 0.16 + 0.12 * c, 0.16 + 0.12 * c, (0.15, 0.15, 0.17))
            brush.oval(x, 0.68, 0.08, 0.08, third, shade=1)
    elif kind == 3:  # rocket
        w = 0.2 + 0.15 * a
        for side in (-1, 1):
            brush.shape(
                [(side * w, 0.2), (side * (w + 0.25 + 0.15 * b), 0.85), (side * w, 0.7)], second, cuts=0
            )
        brush.shape([(-w, 0.75), (-w, -0.4), (0, -1.1), (w, -0.4), (w, 0.75)], first, cuts=2)
        brush.oval(0, -0.25, 0.12 + 0.05 * c, 0.12 + 0.05 * c, third)
    elif kind == 4:  # jar or pot
        w, n = 0.35 + 0.3 * a, 0.15 + 0.2 * b
        brush.shape(
            [
                (-n, -0.7),
                (n, -0.7),
                (n, -0.4),
                (w, -0.05),
                (w * 0.8, 0.85),
                (-w * 0.8, 0.85),
                (-w, -0.05),
                (-n, -0.4),
            ],
            first,
            cuts=1,
        )
        brush.shape(
            [(-w * 0.95, 0.15), (w * 0.95, 0.15), (w * 0.9, 0.35), (-w * 0.9, 0.35)], second, cuts=0, shade=1
        )
        if c > 0.5:
            brush.shape(
                [(-n * 1.3, -0.85), (n * 1.3, -0.85), (n * 1.3, -0.65), (-n * 1.3, -0.65)], third, cuts=1
            )
    else:  # chest or crate
        w, h = 0.5 + 0.35 * a, 0.35 + 0.3 * b
        brush.shape([(-w, 0.8), (-w, 0.8 - h), (w, 0.8 - h), (w, 0.8)], first, cuts=0)
        brush.shape(
            [(-w, 0.8 - h), (-w, 0.5 - h), (0, 0.3 - h), (w, 0.5 - h), (w, 0.8 - h)],
            second,
            cuts=1 + (c > 0.5),
        )
        brush.oval(0, 0.85 - h, 0.1, 0.12, third)


_KINDS: dict[str, Callable[[_Brush, Random, Random], None]] = {
    "person": _person,
    "creature": _creature,
    "building": _building,
    "thing": _thing,
}
_SHARES = [0.5, 0.25, 0.15, 0.1]


def draw_identities(count: int, seed: int) -> list[Identity]:
    """``count`` identities: half people, a quarter creatures, the rest buildings and things."""
    random = np.random.default_rng((seed, 0))
    kinds = random.choice(list(_KINDS), size=count, p=_SHARES)
    return [Identity(str(kind), int(random.integers(2**62))) for kind in kinds]


# --- settings and framing --------------------------------------------------------------------------------


def _setting(brush: _Brush, random: Random) -> None:
    """A background over [-1.5, 1.5]: paper, sky and hills, a room, night, a town, a wood, or the sea."""
    kind = int(random.integers(8))
    far, near = _hue(random, (0.05, 0.5), (0.6, 1)), _hue(random, (0.15, 0.7), (0.35, 0.9))
    horizon = random.uniform(0.1, 0.8)
    flat = brush.at(0, 0)

    def band(top: float, bottom: float, color: Color) -> None:
        flat.shape([(-4, top), (4, top), (4, bottom), (-4, bottom)], color, cuts=0, shade=1)

    band(-4, 4, (0.98, 0.97, 0.95) if kind == 0 else far)
    if kind == 1:
        for y in (horizon - 0.25, horizon):
            points = [(-4, 4), *[(x, y + random.uniform(-0.25, 0.2)) for x in np.linspace(-3, 3, 8)], (4, 4)]
            flat.shape(points, near if y == horizon else _hue(random, (0.1, 0.5), (0.5, 0.9)), shade=1)
        flat.oval(random.uniform(-0.9, 0.9), random.uniform(-0.9, -0.4), 0.2, 0.2, (1, 0.95, 0.7), shade=1)
    elif kind == 2:
        band(horizon, 4, near)
        x, y = random.uniform(-1, 0.6), random.uniform(-0.9, -0.3)
        flat.shape(
            [(x, y), (x + 0.5, y), (x + 0.5, y + 0.6), (x, y + 0.6)],
            _hue(random, (0.1, 0.5), (0.7, 1)),
            cuts=0,
            shade=1,
        )
        if random.random() < 0.5:
            x = random.uniform(-1, 0.5)
            flat.shape(
                [(x, horizon - 0.2), (x + 0.8, horizon - 0.2), (x + 0.8, horizon + 0.3), (x, horizon + 0.3)],
                _hue(random),
                cuts=0,
            )
    elif kind == 3:
        band(-4, 4, (0.08, 0.1, 0.25))
        band(horizon, 4, (0.12, 0.2, 0.2))
        for x, y in random.uniform(-1, 1, (12, 2)):
            flat.spot(x, min(y, horizon - 0.1), 0.02, (1, 1, 0.9))
        flat.oval(random.uniform(-0.8, 0.8), -0.65, 0.18, 0.18, (0.98, 0.96, 0.85), shade=1)
    elif kind == 4:
        for k in range(6):
            x, top = -1.3 + 0.5 * k, horizon - random.uniform(0.3, 1.2)
            flat.shape(
                [(x, 2), (x, top), (x + 0.42, top), (x + 0.42, 2)],
                _hue(random, (0.05, 0.5), (0.4, 0.9)),
                cuts=0,
            )
        band(horizon + 0.2, 4, near)
    elif kind == 5:
        band(horizon, 4, near)
        for x in random.uniform(-1.2, 1.2, 5):
            w = random.uniform(0.05, 0.12)
            flat.shape(
                [(x - w, horizon + 0.2), (x - w, -4), (x + w, -4), (x + w, horizon + 0.2)],
                (0.4, 0.28, 0.18),
                cuts=0,
            )
    elif kind == 6:
        band(horizon, 4, (0.2, 0.45, 0.7))
        for k in range(5):
            x, y = random.uniform(-1.2, 0.8), horizon + 0.12 * (k + 1)
            flat.stroke([(x, y), (x + 0.15, y - 0.05), (x + 0.3, y)])


def _canvas(height: int, width: int, random: Random) -> tuple[_Brush, Callable[[], Picture]]:
    high, wide = height * _OVERSAMPLING, width * _OVERSAMPLING
    color, lines = Image.new("RGB", (wide, high)), Image.new("L", (wide, high), 0)
    unit = min(high, wide) / 2
    matrix = np.array([[unit, 0, wide / 2], [0, unit, high / 2], [0, 0, 1]])
    thick = random.uniform(0.8, 1.7) * min(high, wide) / 110
    light = (float(random.choice([-1, 1])), random.uniform(-1, 0.2))
    brush = _Brush(ImageDraw.Draw(color), ImageDraw.Draw(lines), matrix, thick, light)
    slope = random.uniform(-0.25, 0.25, 2)

    def finish() -> Picture:
        small = color.resize((width, height), Image.Resampling.BOX)
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        shade = 1 + np.minimum(slope[0] * x + slope[1] * y, 0)[..., None]
        ink = np.asarray(lines.resize((width, height), Image.Resampling.BOX), dtype=np.float32) / 255
        return Picture((np.asarray(small, dtype=np.float32) / 255 * shade).astype(np.float32), ink)

    return brush, finish


def render(identity: Identity, variation: int, *, size: int = 96) -> Picture:
    """One identity in one pose, framing, background and light.

    Args:
        identity: who is shown.
        variation: seed of all that does not belong to the identity.
        size: height and width in pixels.

    Returns:
        A Picture of (size, size); the identity is the largest thing in it; people may be cut at the chest.
    """
    pose = np.random.default_rng((identity.seed, variation, 1))
    brush, finish = _canvas(size, size, pose)
    _setting(brush, pose)
    scale = pose.uniform(0.55, 1.05)
    x, y = pose.uniform(-0.3, 0.3), 1.0 - scale + pose.uniform(-0.2, 0.1)
    if identity.kind == "person" and pose.random() < 0.35:
        scale = pose.uniform(1.3, 2.1)
        y = pose.uniform(-0.3, 0.1) + 0.62 * scale
    figure = brush.at(x, y, pose.uniform(-0.15, 0.15), scale, mirror=bool(pose.random() < 0.5))
    _KINDS[identity.kind](figure, np.random.default_rng(identity.seed), pose)
    return finish()


def render_scene(identities: Sequence[Identity], variation: int, *, height: int, width: int) -> Picture:
    """A panel with several identities side by side (or none) in one setting; (height, width) pixels."""
    pose = np.random.default_rng((variation, 2))
    brush, finish = _canvas(height, width, pose)
    _setting(brush, pose)
    half = width / min(height, width)
    places = np.linspace(-half, half, 2 * len(identities) + 1)[1::2]
    for place, number in zip(places, pose.permutation(len(identities)), strict=True):
        who = identities[number]
        scale = pose.uniform(0.55, 0.95) * min(1.0, 1.5 * half / max(1, len(identities)))
        x = place + pose.uniform(-0.12, 0.12)
        figure = brush.at(
            x, 1.0 - scale + pose.uniform(-0.15, 0.1), 0.0, scale, mirror=bool(pose.random() < 0.5)
        )
        _KINDS[who.kind](figure, np.random.default_rng(who.seed), pose)
    return finish()
