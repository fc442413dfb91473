"""The Hero and the Princess, drawn from a pose.

People are measured in half heads: the head's radius is 1, feet stand on y = 0, and they look to the right; a
mirrored pen makes them look to the left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from comicloss.demo.props import MOUTH, TONGUE, spoon
from comicloss.demo.strokes import Color, Pen, Point, ellipse, limb, polygon, tufts

HERO_COLORS: dict[str, Color] = {
    "cape": (206, 56, 48),
    "tunic": (104, 158, 74),
    "hair": (72, 50, 52),
    "skin": (248, 212, 178),
    "boots": (128, 84, 54),
}


PRINCESS_COLORS: dict[str, Color] = {
    "dress": (150, 104, 190),
    "crown": (246, 198, 62),
    "hair": (222, 122, 66),
    "skin": (224, 172, 130),
    "lilac": (206, 176, 228),
}


BLUSH: Color = (240, 148, 128)


@dataclass(frozen=True)
class Expression:
    """A face.

    Attributes:
        mouth: its shape: smile, grin, laugh, gasp, shout, frown, wavy, flat, smirk.
        eyes: how far open, 1 as usual; 0 is shut in a happy arc.
        pupils: size against the usual.
        brows: raised by this much (negative: lowered).
        slant: the brows' inner ends go down by this much (negative: up, worried).
        blush: red cheeks.
    """

    mouth: str
    eyes: float = 1.0
    pupils: float = 1.0
    brows: float = 0.0
    slant: float = 0.0
    blush: bool = False


EXPRESSIONS = {
    "happy": Expression("grin", brows=0.08, blush=True),
    "calm": Expression("smile"),
    "joy": Expression("laugh", eyes=0.0, brows=0.14, blush=True),
    "delight": Expression("laugh", eyes=1.1, brows=0.16, blush=True),
    "shock": Expression("gasp", eyes=1.28, pupils=0.55, brows=0.26, slant=-0.06),
    "brave": Expression("shout", eyes=0.95, brows=-0.06, slant=0.2),
    "cross": Expression("frown", eyes=0.7, brows=-0.13, slant=0.2),
    "sheepish": Expression("wavy", eyes=1.0, pupils=0.9, brows=0.16, slant=-0.17, blush=True),
    "puzzled": Expression("flat", eyes=1.05, pupils=0.8, brows=0.16, slant=-0.05),
    "smug": Expression("smirk", eyes=0.72, brows=0.1, blush=True),
}


@dataclass(frozen=True)
class Pose:
    """How a person stands. Places are in half heads from the feet's middle, y down (the head is at -3.85).

    Attributes:
        expression: a name in EXPRESSIONS.
        facing: 0 to the viewer, 1 to the right.
        look: where the pupils go, -1 to 1 each way.
        near: the near hand, and far the other one.
        near_bend: how far the elbow is off the straight line, in half heads, and far_bend.
        feet: the far and the near foot.
        lean: of the whole figure, degrees clockwise.
        tilt: of the head.
        wind: 1 blows cape and hair straight back.
        holds: "spoon" or nothing, in the near hand.
        grip: direction of what is held, degrees clockwise from straight up.
    """

    expression: str = "calm"
    facing: float = 0.6
    look: Point = (0.35, 0.0)
    near: Point = (-0.95, -1.35)
    far: Point = (0.95, -1.35)
    near_bend: float = 0.15
    far_bend: float = -0.15
    feet: tuple[Point, Point] = ((0.42, 0.0), (-0.34, 0.0))
    lean: float = 0.0
    tilt: float = 0.0
    wind: float = 0.0
    holds: str = ""
    grip: float = 0.0


def hero(pen: Pen, pose: Pose) -> None:
    """The Hero: messy dark hair, green tunic, red cape, boots; about 5.4 half heads tall with the hair."""
    body = pen.at(0, -1.3).at(0, 0, turn=pose.lean).at(0, 1.3)
    wind = pose.wind
    body.guide([(0, -4.9), (0.05, -2.5), (0, 0.1)])
    # The cape hangs from the neck, behind everything.
    cape = [
        (-0.1, -2.95),
        (0.55, -2.8),
        (0.85 - 1.1 * wind, -1.9 - 0.1 * wind),
        (1.05 - 2.9 * wind, -0.75 - 0.5 * wind),
    ]
    hem = [
        (0.55 - 3.3 * wind, -0.45 - 0.4 * wind),
        (0.1 - 3.5 * wind, -0.62 - 0.9 * wind),
        (-0.45 - 3.5 * wind, -0.38 - 1.2 * wind),
        (-1.2 - 3.1 * wind, -0.6 - 2.0 * wind),
    ]
    back = [(-1.0 - 1.3 * wind, -1.7 - 1.0 * wind), (-0.6 - 0.3 * wind, -2.7 - 0.15 * wind)]
    red = HERO_COLORS["cape"]
    body.shape([*cape, cape[-1], *hem, hem[-1], *back], red, line=3.4)
    for share in (0.3, 0.62):
        start = (-0.35 + 0.5 * share - 0.6 * wind, -2.2 - 0.3 * wind)
        end = (-1.0 + 1.8 * share - 2.9 * wind, -0.7 - 1.3 * wind + 0.7 * share * wind)
        body.stroke([start, ((start[0] + end[0]) / 2 + 0.06, (start[1] + end[1]) / 2 - 0.08), end], 2.0)
    # A hand at the face is in front of it.
    hides = pose.far[1] < -2.6
    cloth, skin = HERO_COLORS["tunic"], HERO_COLORS["skin"]
    if not hides:
        _arm(body, (0.42, -2.55), pose.far, pose.far_bend, cloth, skin, 0.85)
    for foot, hip in ((pose.feet[0], 0.28), (pose.feet[1], -0.26)):
        _leg(body, (hip, -1.5), foot)
    tunic = [
        (-0.42, -2.85),
        (0.42, -2.85),
        (0.6, -2.5),
        (0.56, -1.9),
        (0.8, -1.22),
        (0.8, -1.22),
        (0.4, -1.1),
        (0.0, -1.2),
        (-0.4, -1.08),
        (-0.82, -1.24),
        (-0.82, -1.24),
        (-0.58, -1.9),
        (-0.62, -2.5),
    ]
    body.shape(tunic, HERO_COLORS["tunic"], line=3.4)
    belt = [(-0.6, -1.86), (0.0, -1.76), (0.6, -1.88), (0.6, -1.88), (0.63, -1.66), (0.63, -1.66)]
    body.shape(
        [*belt, (0.0, -1.54), (-0.63, -1.64), (-0.63, -1.64), (-0.6, -1.86)], HERO_COLORS["boots"], line=2.6
    )
    body.shape(
        polygon((0.08, -1.83), (0.36, -1.85), (0.38, -1.52), (0.1, -1.5)), PRINCESS_COLORS["crown"], line=2.2
    )
    head = body.at(0.04, -3.85, turn=pose.tilt)
    collar = [
        (-0.72, -2.72),
        (-0.3, -3.05),
        (0.4, -3.05),
        (0.74, -2.76),
        (0.4, -2.5),
        (-0.1, -2.44),
        (-0.5, -2.52),
    ]
    body.shape(collar, red, line=3.0)
    _hero_head(head, pose)
    if hides:
        _arm(body, (0.42, -2.5), pose.far, pose.far_bend, cloth, skin, 0.9)
    _arm(body, (-0.42, -2.5), pose.near, pose.near_bend, cloth, skin, 0.9, holds=pose.holds, grip=pose.grip)


def _hero_head(pen: Pen, pose: Pose) -> None:
    """The Hero's head, centered on the pen."""
    s = 0.16 * pose.facing
    wind = pose.wind
    hair = HERO_COLORS["hair"]
    pen.guide(ellipse(0, -0.05, 1.16, 1.16), closed=True)
    back = [
        (-0.9 + s, 0.7),
        (-1.34 - 0.3 * wind, 0.72),
        (-1.06, 0.26),
        (-1.66 - 0.35 * wind, 0.1),
        (-1.14, -0.34),
        (-1.68 - 0.3 * wind, -0.72),
        (-0.98, -0.84),
        (-1.12 - 0.3 * wind, -1.56),
        (-0.44, -1.16),
        (-0.06 - 0.3 * wind, -1.82),
        (0.3, -1.2),
        (0.92 - 0.3 * wind, -1.6),
        (0.84, -0.94),
        (1.44 - 0.2 * wind, -0.96),
        (1.06, -0.44),
        (1.42 - 0.1 * wind, -0.1),
        (1.0, 0.08),
        (1.06, 0.56),
        (0.8, 0.6),
    ]
    pen.shape(tufts(back, 0.2), hair, line=3.4)
    for side in (-1, 1):
        if side * pose.facing < 0.5:
            ear = pen.at(side * 0.98 + s * 0.6, 0.2)
            ear.shape(ellipse(0, 0, 0.23, 0.29), HERO_COLORS["skin"], line=2.8)
            ear.stroke([(side * 0.08, -0.12), (0.0, 0.0), (side * 0.06, 0.1)], 2.0)
    _skull(pen, pose.facing, HERO_COLORS["skin"])
    face(pen, pose, brow=3.0)
    crown = [
        (1.03, 0.06),
        (1.06, -0.5),
        (0.62, -1.06),
        (-0.1, -1.2),
        (-0.82, -1.02),
        (-1.14, -0.5),
        (-1.04, 0.16),
    ]
    fringe = [
        (-1.04, 0.16),
        (-0.82 + s, -0.56),
        (-0.6 + s, -0.28),
        (-0.4 + s, -0.72),
        (-0.12 + s, -0.4),
        (0.04 + s, -0.76),
        (0.38 + s, -0.42),
        (0.5 + s, -0.7),
        (0.76 + s * 0.7, -0.36),
        (0.88 + s * 0.4, -0.52),
        (1.03, 0.06),
    ]
    locks = tufts(fringe, -0.16)[: 3 * len(fringe) - 1]
    pen.shape([*locks, *crown], hair, line=0, shadow=0.6)
    pen.stroke(locks, 3.0)
    for x, y in ((-0.62, -0.92), (-0.12, -1.02), (0.4, -0.95)):
        pen.stroke([(x, y), (x + 0.06, y + 0.2), (x + 0.02 + s * 0.4, y + 0.42)], 2.0)


def princess(pen: Pen, pose: Pose) -> None:
    """The Princess: gold crown, long copper hair, violet dress; about 5.9 half heads tall with the crown."""
    body = pen.at(0, -1.3).at(0, 0, turn=pose.lean).at(0, 1.3)
    colors = PRINCESS_COLORS
    body.guide([(0, -4.9), (-0.05, -2.5), (0, 0.1)])
    head = body.at(0.02, -3.9, turn=pose.tilt)
    _princess_hair(head, pose.wind)
    _arm(body, (0.4, -2.5), pose.far, pose.far_bend, colors["dress"], colors["skin"], 0.85, sleeve=0.3)
    for x in (-0.32, 0.4):
        body.shape(ellipse(x, -0.1, 0.36, 0.17), colors["crown"], line=2.8)
    skirt = [
        (-0.46, -1.95),
        (0.46, -1.95),
        (0.46, -1.95),
        (0.86, -1.2),
        (1.36, -0.2),
        (1.36, -0.2),
        (0.95, -0.02),
        (0.5, -0.14),
        (0.0, 0.02),
        (-0.5, -0.13),
        (-0.95, 0.0),
        (-1.36, -0.2),
        (-1.36, -0.2),
        (-0.86, -1.2),
        (-0.46, -1.95),
    ]
    body.shape(skirt, colors["dress"], line=3.4)
    apron = [(-0.3, -1.9), (0.34, -1.9), (0.34, -1.9), (0.56, -1.1), (0.72, -0.32), (0.72, -0.32)]
    body.shape(
        [*apron, (0.1, -0.42), (-0.55, -0.3), (-0.55, -0.3), (-0.44, -1.1), (-0.3, -1.9)],
        colors["lilac"],
        line=2.4,
    )
    for x, reach in ((-0.75, -1.02), (0.86, 1.1)):
        body.stroke([(x * 0.75, -1.35), (x, -0.85), (reach, -0.2)], 2.0)
    bodice = [
        (-0.44, -2.82),
        (0.44, -2.82),
        (0.56, -2.45),
        (0.46, -1.9),
        (0.46, -1.9),
        (0.0, -1.8),
        (-0.46, -1.9),
    ]
    body.shape([*bodice, (-0.46, -1.9), (-0.56, -2.45)], colors["dress"], line=3.2)
    belt = [
        (-0.47, -2.02),
        (0.0, -1.92),
        (0.47, -2.02),
        (0.47, -2.02),
        (0.5, -1.84),
        (0.5, -1.84),
        (0.0, -1.74),
    ]
    body.shape([*belt, (-0.5, -1.84), (-0.5, -1.84), (-0.47, -2.02)], colors["crown"], line=2.4)
    collar = [(-0.42, -2.86), (0.42, -2.86), (0.34, -2.62), (0.04, -2.48), (0.04, -2.48), (-0.3, -2.62)]
    body.shape(collar, colors["lilac"], line=2.4)
    _princess_head(head, pose)
    _arm(
        body,
        (-0.42, -2.48),
        pose.near,
        pose.near_bend,
        colors["dress"],
        colors["skin"],
        0.9,
        sleeve=0.32,
        holds=pose.holds,
        grip=pose.grip,
    )


def _princess_hair(pen: Pen, wind: float) -> None:
    """The hair that falls down her back, in waves."""
    hair = PRINCESS_COLORS["hair"]
    w = wind
    locks = [
        (0.2, -1.22),
        (0.9, -0.9),
        (1.18, -0.2),
        (1.1 - 0.2 * w, 0.6),
        (1.3 - 0.7 * w, 1.3 - 0.1 * w),
        (1.1 - 1.4 * w, 2.0 - 0.4 * w),
        (1.3 - 2.4 * w, 2.55 - 0.9 * w),
        (1.3 - 2.4 * w, 2.55 - 0.9 * w),
        (0.7 - 2.0 * w, 2.35 - 0.9 * w),
        (0.0 - 2.2 * w, 2.6 - 1.2 * w),
        (0.0 - 2.2 * w, 2.6 - 1.2 * w),
        (-0.6 - 1.9 * w, 2.35 - 1.2 * w),
        (-1.35 - 2.0 * w, 2.62 - 1.9 * w),
        (-1.35 - 2.0 * w, 2.62 - 1.9 * w),
        (-1.12 - 1.4 * w, 1.9 - 1.2 * w),
        (-1.36 - 0.9 * w, 1.2 - 0.8 * w),
        (-1.12 - 0.4 * w, 0.5 - 0.3 * w),
        (-1.2 - 0.1 * w, -0.2),
        (-0.85, -0.95),
    ]
    pen.shape(locks, hair, line=3.4)
    for x in (-0.9, 0.95):
        pen.stroke([(x, 0.6), (x + 0.08 - 0.5 * w, 1.2 - 0.2 * w), (x - 0.06 - 1.2 * w, 1.9 - 0.6 * w)], 2.0)


def _princess_head(pen: Pen, pose: Pose) -> None:
    """The Princess' head and the hair in front of her shoulders, centered on the pen."""
    colors = PRINCESS_COLORS
    s = 0.16 * pose.facing
    pen.guide(ellipse(0, -0.05, 1.12, 1.12), closed=True)
    pen.shape(polygon((-0.2, 0.85), (0.24, 0.85), (0.28, 1.25), (-0.24, 1.25)), colors["skin"], line=2.4)
    _skull(pen, pose.facing, colors["skin"])
    face(pen, pose, brow=2.6, lashes=True)
    left = [
        (0.22 + s, -1.0),
        (0.22 + s, -1.0),
        (0.0 + s, -0.55),
        (-0.5 + s, -0.28),
        (-0.86 + s * 0.5, -0.08),
        (-0.96, 0.5),
        (-1.05, 0.8),
        (-1.05, 0.8),
        (-1.24, 0.3),
        (-1.2, -0.4),
        (-0.85, -1.0),
        (-0.2, -1.24),
    ]
    right = [
        (0.22 + s, -1.0),
        (0.22 + s, -1.0),
        (0.42 + s, -0.62),
        (0.74 + s, -0.36),
        (0.95 + s * 0.4, -0.06),
        (1.0, 0.45),
        (1.1, 0.75),
        (1.1, 0.75),
        (1.22, 0.2),
        (1.12, -0.5),
        (0.82, -0.98),
        (0.4, -1.2),
    ]
    pen.shape(left, colors["hair"], line=3.0, shadow=0.6)
    pen.shape(right, colors["hair"], line=3.0, shadow=0.6)
    pen.stroke([(-0.1 + s, -0.98), (-0.45, -0.72), (-0.92, -0.42)], 2.0)
    pen.stroke([(0.45 + s, -0.95), (0.7, -0.78), (0.98, -0.4)], 2.0)
    crown = pen.at(0.1, -1.12, turn=5)
    gold = colors["crown"]
    points: list[Point] = [
        (-0.62, 0.12),
        (-0.72, -0.62),
        (-0.36, -0.3),
        (0.0, -0.8),
        (0.36, -0.3),
        (0.72, -0.62),
        (0.62, 0.12),
    ]
    outline = [point for point in points for _ in range(2)]
    crown.shape([*outline, (0.3, 0.21), (0.0, 0.23), (-0.3, 0.21)], gold, line=3.2)
    crown.stroke([(-0.62, -0.06), (0.0, 0.06), (0.62, -0.06)], 2.0)
    for x, y in ((-0.72, -0.66), (0.0, -0.86), (0.72, -0.66)):
        crown.shape(ellipse(x, y, 0.11), gold, line=2.4)
    crown.shape(
        polygon((0.0, -0.34), (0.13, -0.14), (0.0, 0.02), (-0.13, -0.14)), HERO_COLORS["cape"], line=2.2
    )


def _skull(pen: Pen, facing: float, skin: Color) -> None:
    """The face's outline: round, with a cheek on the far side and a small chin."""
    t = facing
    outline = [
        (0.0, -1.02),
        (0.62, -0.86),
        (0.96, -0.36),
        (0.97 + 0.02 * t, 0.12),
        (0.93 + 0.03 * t, 0.5),
        (0.6 + 0.1 * t, 0.86),
        (0.08 + 0.16 * t, 1.0),
        (-0.48 + 0.12 * t, 0.87),
        (-0.88, 0.5),
        (-0.98, 0.0),
        (-0.9, -0.48),
        (-0.52, -0.9),
    ]
    pen.shape(outline, skin, line=3.2, shadow=0.75)


def face(pen: Pen, pose: Pose, *, brow: float, lashes: bool = False) -> None:
    """Eyes, brows, nose, cheeks and mouth inside a head of radius 1."""
    mood = EXPRESSIONS[pose.expression]
    t = pose.facing
    center = 0.3 * t
    pen.guide([(center, -1.0), (center + 0.1 * t, 0.0), (center, 1.0)])
    pen.guide([(-0.96, 0.06), (center, 0.16), (0.97, 0.06)])
    fine = min(1.0, 0.55 + pen.size / 160)
    for side in (-1, 1):
        narrow = 1 - 0.2 * t if side > 0 else 1.0
        x = center + side * 0.41 * (1 - 0.08 * t)
        if mood.blush:
            pen.tint(ellipse(x + side * 0.16, 0.5, 0.17 * narrow, 0.1), BLUSH)
            for index in (-1, 0, 1):
                place = x + side * 0.16 + index * 0.08
                pen.stroke([(place + 0.03, 0.45), (place - 0.03, 0.55)], 1.5 * fine, wobble=0.2)
        eye = pen.at(x, 0.14)
        rx, ry = 0.215 * narrow * min(mood.eyes + 0.15, 1.1), 0.29 * mood.eyes
        if mood.eyes == 0:
            eye.stroke(
                [(-0.2 * narrow, 0.09), (-0.1 * narrow, -0.08), (0.1 * narrow, -0.08), (0.2 * narrow, 0.09)],
                4.0 * fine,
                taper=0.6,
            )
        else:
            eye.shape(ellipse(0, 0, rx, ry, 12), None, line=2.0 * fine, wobble=0.4)
            px, py = 0.125 * narrow * mood.pupils, min(0.185 * mood.pupils, ry * 0.9)
            ix, iy = pose.look[0] * (rx - px) * 0.9, pose.look[1] * (ry - py) * 0.9
            eye.blot(ellipse(ix, iy, px, py))
            if mood.pupils > 0.7:
                eye.shape(ellipse(ix - 0.035, iy - 0.065, 0.05), None, line=0)
            lid = [
                (-rx * 1.12, -ry * 0.3),
                (-rx * 0.6, -ry * 0.92),
                (0, -ry * 1.08),
                (rx * 0.6, -ry * 0.92),
                (rx * 1.12, -ry * 0.3),
            ]
            if mood.eyes < 0.8:
                lid = [(-rx * 1.15, -ry * 0.5), (0, -ry * 0.8), (rx * 1.15, -ry * 0.5)]
            eye.stroke(lid, 3.6 * fine, taper=0.7, wobble=0.4)
            if lashes:
                eye.stroke([(side * rx * 0.95, -ry * 0.6), (side * (rx + 0.13), -ry * 0.6 - 0.1)], 2.8 * fine)
                eye.stroke(
                    [(side * rx * 0.75, -ry * 0.8), (side * (rx + 0.02), -ry * 0.8 - 0.15)], 2.6 * fine
                )
        height = -0.33 - mood.brows - (0.06 if mood.eyes > 1.1 else 0.0)
        inner, outer = (
            (x - side * 0.16, height + mood.slant),
            (x + side * 0.24 * narrow, height - mood.slant * 0.4),
        )
        middle = ((inner[0] + outer[0]) / 2, (inner[1] + outer[1]) / 2 - 0.06)
        pen.stroke([inner, middle, outer], brow * 1.5 * fine, taper=0.8, wobble=0.4)
    nose = center + 0.12 * t
    pen.stroke([(nose - 0.02, 0.34), (nose + 0.1, 0.46), (nose - 0.04, 0.5)], 2.6 * fine, wobble=0.3)
    _mouth(pen.at(center, 0.7), mood.mouth, fine)


def _mouth(pen: Pen, kind: str, fine: float) -> None:
    line = 2.8 * fine
    if kind == "smile":
        pen.stroke([(-0.24, -0.04), (-0.08, 0.06), (0.1, 0.06), (0.26, -0.06)], line, wobble=0.3)
    elif kind == "smirk":
        pen.stroke([(-0.2, 0.04), (0.02, 0.06), (0.22, -0.02), (0.3, -0.1)], line, wobble=0.3)
        pen.stroke([(0.25, -0.15), (0.35, -0.06)], line * 0.8, wobble=0.3)
    elif kind == "flat":
        pen.stroke([(-0.14, 0.04), (0.0, 0.02), (0.16, 0.0)], line, wobble=0.3)
    elif kind == "frown":
        pen.stroke([(-0.2, 0.1), (-0.06, 0.0), (0.1, 0.0), (0.22, 0.09)], line * 1.1, wobble=0.3)
        pen.stroke([(-0.06, 0.17), (0.08, 0.17)], line * 0.6, wobble=0.3)
    elif kind == "wavy":
        pen.stroke(
            [(-0.28, 0.02), (-0.16, -0.05), (-0.05, 0.05), (0.07, -0.04), (0.18, 0.05), (0.3, -0.03)],
            line,
            wobble=0.2,
        )
    elif kind == "gasp":
        pen.shape(ellipse(0, 0.04, 0.17, 0.21), MOUTH, line=line, shadow=0)
        pen.tint(ellipse(0, 0.15, 0.1, 0.07), TONGUE)
    else:
        width, depth = {"grin": (0.32, 0.2), "laugh": (0.4, 0.28), "shout": (0.34, 0.26)}[kind]
        top = -0.1 if kind != "shout" else -0.13
        left, right = (-width, top), (width, top)
        outline = [
            left,
            left,
            (0, top + 0.05),
            right,
            right,
            (width * 0.72, top + depth),
            (0, top + depth * 1.35),
        ]
        pen.shape([*outline, (-width * 0.72, top + depth), left], MOUTH, line=line, shadow=0, wobble=0.3)
        pen.tint(ellipse(0, top + depth * 1.02, width * 0.5, depth * 0.26), TONGUE)
        teeth = [
            (-width * 0.8, top + 0.03),
            (width * 0.8, top + 0.03),
            (width * 0.66, top + 0.11),
            (-width * 0.66, top + 0.11),
        ]
        pen.shape([point for point in teeth for _ in range(2)], None, line=0)


def _arm(
    pen: Pen,
    shoulder: Point,
    hand: Point,
    bend: float,
    cloth: Color,
    skin: Color,
    thickness: float,
    *,
    sleeve: float = 0.0,
    holds: str = "",
    grip: float = 0.0,
) -> None:
    """An arm from the shoulder to the hand; `sleeve` > 0 is a puffed one of that radius over a bare arm."""
    dx, dy = hand[0] - shoulder[0], hand[1] - shoulder[1]
    length = max(math.hypot(dx, dy), 1e-6)
    elbow = (
        (shoulder[0] + hand[0]) / 2 - dy / length * bend,
        (shoulder[1] + hand[1]) / 2 + dx / length * bend,
    )
    end = (hand[0] - elbow[0], hand[1] - elbow[1])
    turn = math.degrees(math.atan2(end[1], end[0]))
    held = pen.at(hand[0], hand[1])
    if holds == "spoon":
        spoon(held.at(0, 0, turn=grip))
    width = 0.23 * thickness
    upper, lower = (((a[0] + 2 * elbow[0]) / 3, (a[1] + 2 * elbow[1]) / 3) for a in (shoulder, hand))
    wrist = (*hand, width * (0.8 if sleeve else 1.12))
    spine = [(*shoulder, width * 1.1), (*upper, width), (*lower, width), wrist]
    pen.shape(limb(spine), skin if sleeve else cloth, line=3.0)
    palm = held.at(0, 0, 0.26 * 1.15, turn=turn)
    palm.shape(
        [(-0.7, -0.62), (0.2, -0.85), (1.05, -0.55), (1.2, 0.1), (0.9, 0.75), (0.1, 0.85), (-0.7, 0.6)],
        skin,
        line=2.8,
        shadow=0.7,
    )
    palm.stroke([(0.15, -0.75), (0.5, -0.25), (0.85, -0.28)], 2.2, wobble=0.3)
    palm.stroke([(1.15, 0.12), (0.72, 0.16)], 1.8, wobble=0.3)
    if not sleeve:
        cuff = held.at(-0.25 * math.cos(math.radians(turn)), -0.25 * math.sin(math.radians(turn)), turn=turn)
        cuff.stroke([(0.0, -width * 1.2), (0.06, 0.0), (0.0, width * 1.2)], 2.6, wobble=0.3)
    if sleeve:
        pen.shape(ellipse(shoulder[0], shoulder[1], sleeve * 1.08, sleeve), cloth, line=3.0)


def _leg(pen: Pen, hip: Point, foot: Point) -> None:
    """A short leg in gray trousers and a boot that points to the right."""
    dx, dy = foot[0] - hip[0], foot[1] - hip[1]
    ankle = (foot[0] - 0.02, foot[1] - 0.3)
    knee = ((hip[0] + ankle[0]) / 2 + 0.12 * (1.5 - dy), (hip[1] + ankle[1]) / 2)
    pen.shape(limb([(*hip, 0.3), (*knee, 0.27), (*ankle, 0.22)]), (128, 122, 132), line=3.0)
    turn = max(-60.0, min(60.0, math.degrees(math.atan2(dx, max(dy, 0.2))) * -0.8))
    boot = pen.at(*foot, turn=turn)
    outline = [
        (-0.27, -0.62),
        (0.24, -0.62),
        (0.24, -0.62),
        (0.26, -0.34),
        (0.52, -0.24),
        (0.6, 0.02),
        (0.6, 0.02),
    ]
    boot.shape(
        [*outline, (0.1, 0.05), (-0.3, 0.02), (-0.3, 0.02), (-0.27, -0.62)], HERO_COLORS["boots"], line=3.0
    )
    boot.stroke([(-0.3, -0.46), (0.0, -0.42), (0.27, -0.47)], 2.2, wobble=0.3)
