"""The Dragon: a spine of (x, y, radius) with a head at its end, in head radii."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from comicloss.demo.props import MOUTH, TONGUE, party_hat
from comicloss.demo.strokes import Color, Pen, Point, ellipse, limb, tube

DRAGON_COLORS: dict[str, Color] = {
    "scales": (70, 168, 156),
    "belly": (246, 230, 176),
    "spikes": (240, 142, 78),
    "horns": (240, 222, 180),
    "wing": (240, 164, 104),
}


@dataclass(frozen=True)
class Wing:
    """A wing: where it grows, its wrist, the tips of its fingers from front to back, and where it ends."""

    root: Point
    wrist: Point
    tips: tuple[Point, ...]
    end: Point


@dataclass(frozen=True)
class DragonPose:
    """How the Dragon lies, sits or flies, in head radii.

    Attributes:
        spine: (x, y, radius) from the tip of the tail to the neck.
        head: where the head's center is.
        head_turn: of the head, degrees clockwise.
        back: +1 if the spikes are on the left of the spine as it goes to the head, else -1.
        feet: of the legs: (hip, foot, thickness); drawn near the viewer.
        far_feet: the same behind the body.
        wing: near wing.
        far_wing: far wing.
        expression: "calm", "joy", "puzzled" or "grin".
        look: where the pupil goes.
        hat: a party hat.
        belly: from where to where along the spine the belly shows, in shares.
    """

    spine: tuple[tuple[float, float, float], ...]
    head: Point
    head_turn: float = 0.0
    back: int = 1
    feet: tuple[tuple[Point, Point, float], ...] = ()
    far_feet: tuple[tuple[Point, Point, float], ...] = ()
    wing: Wing | None = None
    far_wing: Wing | None = None
    expression: str = "calm"
    look: Point = (0.3, 0.1)
    hat: bool = False
    belly: tuple[float, float] = (0.35, 0.98)
    head_mirror: bool = False


def dragon(pen: Pen, pose: DragonPose) -> None:
    """The Dragon, head to the right."""
    scales = DRAGON_COLORS["scales"]
    if pose.far_wing:
        _wing(pen, pose.far_wing)
    for hip, foot, thick in pose.far_feet:
        _dragon_leg(pen, hip, foot, thick)
    left, middle, right = tube(pose.spine)
    spiked, soft = (left, right) if pose.back > 0 else (right, left)
    pen.guide([(float(x), float(y)) for x, y in middle[::8]])
    count = len(middle)
    # The tail ends in a spade.
    (x0, y0), (x1, y1) = middle[0], middle[6]
    tail = pen.at(
        float(x0),
        float(y0),
        max(0.5, pose.spine[0][2] * 3.2),
        turn=math.degrees(math.atan2(y0 - y1, x0 - x1)),
    )
    spade = [
        (-0.3, 0.0),
        (-0.3, 0.0),
        (-0.25, -0.75),
        (-0.25, -0.75),
        (0.35, -0.6),
        (1.1, 0.0),
        (1.1, 0.0),
        (0.35, 0.6),
    ]
    tail.shape([*spade, (-0.25, 0.75), (-0.25, 0.75), (-0.3, 0.0)], DRAGON_COLORS["spikes"], line=3.2)
    steps = [index for index in range(6, count - 6, 5)]
    travelled, last = 0.9, middle[0]
    for index in steps:
        travelled += float(math.hypot(*(middle[index] - last)))
        last = middle[index]
        radius = float(math.hypot(*(spiked[index] - middle[index])))
        size = 0.26 + radius * 0.3
        if travelled < size * 1.5:
            continue
        travelled = 0.0
        x, y = spiked[index]
        outward = math.degrees(math.atan2(y - middle[index][1], x - middle[index][0]))
        spike = pen.at(float(x), float(y), size, turn=outward + 90)
        sway = 0.25 * pose.back
        spike.shape(
            [
                (-0.55, 0.35),
                (-0.55, 0.35),
                (-0.35 - sway, -0.4),
                (-sway, -1.0),
                (-sway, -1.0),
                (0.35, -0.3),
                (0.55, 0.35),
                (0.55, 0.35),
            ],
            DRAGON_COLORS["spikes"],
            line=2.8,
        )
    pen.shape(limb(pose.spine), scales, line=3.8, shadow=0.8)
    first, final = int(pose.belly[0] * count), int(pose.belly[1] * (count - 1))
    inner = middle + (soft - middle) * 0.3
    for index in range(first, final):
        # The belly grows in from nothing, so that it has no blunt end.
        share = min(1.0, (index - first) / 14)
        inner[index] = soft[index] + (inner[index] - soft[index]) * share
    edge = middle + (soft - middle) * 0.985
    if final - first > 12:
        plate = [*map(tuple, inner[first:final:4]), tuple(inner[final]), tuple(inner[final])]
        rim = [tuple(edge[final]), tuple(edge[final]), *map(tuple, edge[final:first:-4])]
        pen.shape(
            [(float(x), float(y)) for x, y in [*plate, *rim, tuple(edge[first]), tuple(edge[first])]],
            DRAGON_COLORS["belly"],
            line=2.6,
            shadow=0.6,
        )
        step = max(8, int((final - first) / 11))
        for index in range(first + step, final - 2, step):
            a, b = inner[index], edge[index]
            m = (a + b) / 2 + (middle[max(index - 3, 0)] - middle[index]) * 0.5
            pen.stroke([tuple(a), tuple(m), tuple(b)], 2.2)
    for index in range(int(count * 0.3), int(count * 0.8), max(9, count // 14)):
        spot = middle[index] + (spiked[index] - middle[index]) * 0.45
        pen.stroke(
            [(spot[0] - 0.1, spot[1] + 0.04), (spot[0], spot[1] + 0.12), (spot[0] + 0.12, spot[1] + 0.03)],
            2.2,
        )
    for hip, foot, thick in pose.feet:
        _dragon_leg(pen, hip, foot, thick)
    if pose.wing:
        _wing(pen, pose.wing)
    dragon_head(
        pen.at(*pose.head, turn=pose.head_turn, mirror=pose.head_mirror),
        pose.expression,
        look=pose.look,
        hat=pose.hat,
    )


def _dragon_leg(pen: Pen, hip: Point, foot: Point, thick: float) -> None:
    scales = DRAGON_COLORS["scales"]
    knee = ((hip[0] + foot[0]) / 2 - 0.25 * thick, (hip[1] + foot[1]) / 2)
    pen.shape(
        limb([(*hip, thick), (*knee, thick * 0.85), (foot[0], foot[1] - thick * 0.3, thick * 0.6)]),
        scales,
        line=3.4,
    )
    paw = pen.at(*foot, thick)
    paw.shape(
        [(-0.75, -0.5), (0.1, -0.72), (1.0, -0.45), (1.3, -0.05), (1.0, 0.12), (-0.6, 0.12), (-0.9, -0.1)],
        scales,
        line=3.2,
    )
    for x in (0.3, 0.75, 1.18):
        paw.shape(
            [
                (x - 0.14, -0.12),
                (x - 0.14, -0.12),
                (x + 0.08, -0.22),
                (x + 0.28, 0.14),
                (x + 0.28, 0.14),
                (x - 0.06, 0.12),
            ],
            DRAGON_COLORS["horns"],
            line=2.2,
        )


def _wing(pen: Pen, wing: Wing) -> None:
    wrist = wing.wrist
    outline: list[Point] = [wing.root, wing.root]
    outline += [((wing.root[0] + wrist[0]) / 2, (wing.root[1] + wrist[1]) / 2 - 0.1), wrist, wrist]
    stops = [*wing.tips, wing.end]
    for index, (tip, following) in enumerate(pairwise(stops)):
        if index == 0:
            outline.append(((wrist[0] + tip[0]) / 2 * 1.0, (wrist[1] + tip[1]) / 2 - 0.15))
        middle = ((tip[0] + following[0]) / 2, (tip[1] + following[1]) / 2)
        outline += [tip, tip, (middle[0] * 0.75 + wrist[0] * 0.25, middle[1] * 0.75 + wrist[1] * 0.25)]
    outline += [wing.end, wing.end]
    pen.shape(outline, DRAGON_COLORS["wing"], line=3.2)
    for tip in wing.tips[1:]:
        middle = ((wrist[0] + tip[0]) / 2 + 0.12, (wrist[1] + tip[1]) / 2 - 0.1)
        pen.stroke([wrist, middle, tip], 3.0)
    bone = [
        (*wing.root, 0.3),
        ((wing.root[0] + wrist[0]) / 2 - 0.1, (wing.root[1] + wrist[1]) / 2, 0.24),
        (*wrist, 0.2),
    ]
    pen.shape(limb(bone), DRAGON_COLORS["scales"], line=3.2)
    first = wing.tips[0]
    finger = [
        (*wrist, 0.17),
        ((wrist[0] + first[0]) / 2, (wrist[1] + first[1]) / 2 - 0.12, 0.12),
        (*first, 0.05),
    ]
    pen.shape(limb(finger), DRAGON_COLORS["scales"], line=3.0)
    claw = pen.at(*wrist)
    claw.shape(
        [(-0.18, -0.1), (-0.18, -0.1), (-0.02, -0.55), (-0.02, -0.55), (0.18, -0.1), (0.18, -0.1)],
        DRAGON_COLORS["horns"],
        line=2.4,
    )


def dragon_head(pen: Pen, expression: str, *, look: Point = (0.3, 0.1), hat: bool = False) -> None:
    """The Dragon's head from the side, looking right; the skull's radius is 1, the snout ends at x = 2.3."""
    colors = DRAGON_COLORS
    scales = colors["scales"]
    fine = min(1.0, 0.6 + pen.size / 140)
    pen.guide(ellipse(0, 0, 1.08, 1.08), closed=True)
    pen.guide([(-1.2, 0.0), (0.8, 0.12), (2.6, 0.1)])
    far_horn = [(0.12, -0.85), (-0.1, -1.35), (-0.62, -1.92), (-0.62, -1.92), (-0.52, -1.3), (-0.3, -0.85)]
    pen.shape(far_horn, colors["horns"], line=3.0)
    ear = [
        (-0.6, -0.1),
        (-1.15, -0.62),
        (-1.85, -0.7),
        (-1.85, -0.7),
        (-1.68, -0.25),
        (-1.75, 0.1),
        (-1.75, 0.1),
        (-1.35, 0.2),
        (-1.3, 0.5),
        (-1.3, 0.5),
        (-0.75, 0.42),
    ]
    pen.shape(ear, colors["spikes"], line=3.0)
    for tip in ((-1.7, -0.6), (-1.6, 0.06)):
        pen.stroke([(-0.8, 0.08), ((-0.8 + tip[0]) / 2, (0.08 + tip[1]) / 2 - 0.05), tip], 2.0)
    opened = {"calm": 0.0, "puzzled": 0.0, "grin": 0.28, "joy": 0.5}[expression]
    jaw = [
        (-0.3, 0.62),
        (0.5, 1.0 + opened * 0.5),
        (1.3, 1.0 + opened),
        (1.88, 0.86 + opened),
        (2.05, 0.6 + opened),
        (1.6, 0.5),
        (0.4, 0.4),
    ]
    pen.shape(jaw, colors["belly"], line=3.2 * fine)
    if opened:
        pen.shape(
            [
                (0.45, 0.6),
                (0.45, 0.6),
                (1.2, 0.62),
                (1.9, 0.5),
                (1.9, 0.5),
                (1.88, 0.62 + opened),
                (1.2, 0.78 + opened * 0.8),
            ],
            MOUTH,
            line=2.6,
            shadow=0,
        )
        pen.tint(
            [
                (0.9, 0.72 + opened * 0.45),
                (1.4, 0.6 + opened * 0.55),
                (1.75, 0.62 + opened * 0.7),
                (1.3, 0.74 + opened * 0.78),
            ],
            TONGUE,
        )
    skull = [
        (-0.95, 0.5),
        (-1.08, -0.05),
        (-0.85, -0.66),
        (-0.3, -1.0),
        (0.3, -0.98),
        (0.78, -0.62),
        (1.2, -0.4),
        (1.75, -0.44),
        (2.2, -0.26),
        (2.36, 0.12),
        (2.2, 0.5),
        (1.8, 0.64),
        (1.2, 0.64),
        (0.6, 0.8),
        (0.0, 0.92),
        (-0.6, 0.82),
    ]
    pen.shape(skull, scales, line=3.8 * fine, shadow=0.8)
    near_horn = [(-0.2, -0.78), (-0.55, -1.25), (-1.2, -1.72), (-1.2, -1.72), (-0.98, -1.08), (-0.66, -0.6)]
    pen.shape(near_horn, colors["horns"], line=3.2 * fine)
    for share in (0.3, 0.6):
        pen.stroke(
            [(-0.2 - 0.55 * share - 0.02, -0.86 - 0.62 * share), (-0.64 - 0.32 * share, -0.68 - 0.6 * share)],
            2.0,
        )
    # Mouth line, cheek and a tooth.
    pen.stroke([(2.22, 0.42), (1.8, 0.58), (1.2, 0.56), (0.7, 0.62), (0.42, 0.46)], 3.2 * fine)
    pen.stroke([(0.5, 0.36), (0.36, 0.46), (0.42, 0.62)], 2.6 * fine)
    pen.shape(
        [(1.62, 0.56), (1.62, 0.56), (1.86, 0.54), (1.86, 0.54), (1.76, 0.84), (1.76, 0.84)],
        None,
        line=2.4 * fine,
    )
    pen.blot(ellipse(2.02, -0.02, 0.09, 0.06))
    pen.stroke([(1.84, -0.08), (1.95, -0.2), (2.14, -0.16)], 2.4 * fine)
    pen.tint(ellipse(0.42, 0.24, 0.22, 0.12), colors["spikes"])
    for x, y in ((-0.45, 0.2), (-0.2, 0.42), (-0.62, 0.48)):
        pen.stroke([(x - 0.08, y), (x, y + 0.07), (x + 0.09, y - 0.01)], 2.2 * fine)
    eye = pen.at(0.42, -0.3)
    if expression == "joy":
        eye.stroke([(-0.32, 0.1), (-0.15, -0.14), (0.12, -0.15), (0.32, 0.08)], 4.2 * fine, taper=0.6)
    else:
        eye.shape(ellipse(0, 0, 0.32, 0.37, 12), None, line=2.4 * fine, wobble=0.4)
        px, py = look[0] * 0.13, look[1] * 0.13
        eye.blot(ellipse(px, py, 0.155, 0.205))
        eye.shape(ellipse(px - 0.05, py - 0.08, 0.06), None, line=0)
        eye.stroke([(-0.38, -0.08), (-0.24, -0.33), (0.06, -0.4), (0.32, -0.2)], 4.0 * fine, taper=0.7)
    lift = {"puzzled": -0.08, "joy": 0.1}.get(expression, 0.0)
    eye.stroke([(-0.34, -0.44 + lift), (0.0, -0.54 + lift), (0.36, -0.34 + lift * 0.6)], 4.0 * fine)
    if hat:
        party_hat(pen.at(0.12, -0.92, 1.05, turn=14))


def dragon_face(pen: Pen, *, look: Point = (0.0, 0.5)) -> None:
    """The Dragon's head from the front, very near: half its width is 1."""
    colors = DRAGON_COLORS
    neck = [(-0.46, 0.6), (-0.46, 0.6), (-0.56, 1.3), (-0.95, 2.2), (-0.95, 2.2), (0.95, 2.2), (0.95, 2.2)]
    pen.shape([*neck, (0.56, 1.3), (0.46, 0.6), (0.46, 0.6)], colors["scales"], line=4.0)
    throat = [(-0.28, 0.6), (-0.28, 0.6), (-0.3, 1.3), (-0.5, 2.2), (-0.5, 2.2), (0.5, 2.2), (0.5, 2.2)]
    pen.shape([*throat, (0.3, 1.3), (0.28, 0.6), (0.28, 0.6)], colors["belly"], line=2.8)
    for y, reach in ((1.2, 0.3), (1.5, 0.34), (1.8, 0.4)):
        pen.stroke([(-reach, y), (0.0, y + 0.06), (reach, y)], 2.6)
    pen.guide([(0, -1.5), (0.03, 0.0), (0, 1.2)])
    pen.guide([(-1.1, -0.36), (0, -0.3), (1.1, -0.36)])
    pen.guide(ellipse(0, -0.35, 0.84, 0.8), closed=True)
    for side in (-1, 1):
        half = pen.at(0, 0, mirror=side < 0)
        ear = [
            (0.6, -0.3),
            (1.0, -0.72),
            (1.5, -0.74),
            (1.5, -0.74),
            (1.36, -0.42),
            (1.42, -0.16),
            (1.42, -0.16),
            (1.14, -0.1),
            (1.04, 0.14),
            (1.04, 0.14),
            (0.66, 0.1),
        ]
        half.shape(ear, colors["spikes"], line=3.6)
        for tip in ((1.36, -0.64), (1.3, -0.18)):
            half.stroke([(0.74, -0.2), (1.05, (-0.2 + tip[1]) / 2 - 0.06), tip], 2.6)
        horn = [(0.22, -0.9), (0.42, -1.4), (0.9, -1.78), (0.9, -1.78), (0.88, -1.2), (0.62, -0.7)]
        half.shape(horn, colors["horns"], line=3.8)
        for share in (0.28, 0.55):
            half.stroke(
                [(0.28 + 0.3 * share, -0.98 - 0.7 * share), (0.7 + 0.18 * share, -0.84 - 0.6 * share)], 2.4
            )
    skull = [
        (0.0, -1.06),
        (0.46, -0.96),
        (0.76, -0.54),
        (0.72, -0.08),
        (0.92, 0.26),
        (0.94, 0.62),
        (0.62, 0.94),
        (0.0, 1.04),
    ]
    outline = [*skull, *[(-x, y) for x, y in skull[-2:0:-1]]]
    pen.shape(outline, colors["scales"], line=4.6)
    for x, y, size in ((0.0, -0.98, 0.2), (0.02, -0.66, 0.16)):
        pen.shape(
            [
                (x - size, y + size * 0.5),
                (x - size, y + size * 0.5),
                (x, y - size * 1.5),
                (x, y - size * 1.5),
                (x + size, y + size * 0.5),
                (x + size, y + size * 0.5),
            ],
            colors["spikes"],
            line=3.2,
        )
    chin = [(-0.66, 0.62), (0.0, 0.78), (0.66, 0.62), (0.56, 0.9), (0.0, 1.02), (-0.56, 0.9)]
    pen.shape(chin, colors["belly"], line=0, shadow=0.5)
    pen.stroke(
        [(0.8, 0.5), (0.68, 0.64), (0.36, 0.74), (0.0, 0.78), (-0.36, 0.74), (-0.68, 0.64), (-0.8, 0.5)], 4.4
    )
    for side in (-1, 1):
        half = pen.at(0, 0, mirror=side < 0)
        half.stroke([(0.74, 0.44), (0.84, 0.52), (0.84, 0.62)], 3.2)
        half.shape(
            [(0.4, 0.71), (0.4, 0.71), (0.56, 0.67), (0.56, 0.67), (0.5, 0.87), (0.5, 0.87)], None, line=3.0
        )
        half.blot(ellipse(0.22, 0.26, 0.075, 0.05))
        half.stroke([(0.08, 0.28), (0.14, 0.14), (0.3, 0.14), (0.36, 0.24)], 3.4)
        half.tint(ellipse(0.62, 0.2, 0.16, 0.1), colors["spikes"])
        for x, y in ((0.56, 0.42), (0.7, 0.36)):
            half.stroke([(x - 0.05, y), (x, y + 0.04), (x + 0.06, y - 0.01)], 2.4)
        eye = pen.at(side * 0.36, -0.32)
        eye.shape(ellipse(0, 0, 0.25, 0.31, 12), None, line=3.0)
        px, py = look[0] * 0.11, look[1] * 0.12
        eye.blot(ellipse(px, py, 0.125, 0.165))
        eye.shape(ellipse(px - 0.04, py - 0.07, 0.05), None, line=0)
        eye.stroke([(-0.29, -0.06), (-0.18, -0.28), (0, -0.34), (0.18, -0.28), (0.29, -0.06)], 5.0, taper=0.7)
    pen.stroke([(-0.62, -0.78), (-0.4, -0.9), (-0.14, -0.8)], 5.0)
    pen.stroke([(0.16, -0.74), (0.4, -0.76), (0.62, -0.68)], 5.0)
    pen.stroke([(-0.2, 0.0), (0.0, 0.05), (0.2, 0.0)], 2.6)
