"""The subjects of the scenes.

A figure is 1 unit tall: the top of its head at v = 0, the ground at v = 1, its middle at u = 0. Each
function draws its subject in a random pose with random looks, back to front.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from styles.embedded.drawing import Color, Pen, Point, union


@dataclass(frozen=True)
class _Look:
    skin: Color
    hair: Color
    top: Color
    legs: Color
    trim: Color
    turn: float


def _skin(pen: Pen) -> Color:
    hue, saturation, value = pen.random.choice(
        ((0.07, 0.28, 0.98), (0.06, 0.38, 0.93), (0.07, 0.5, 0.78), (0.06, 0.55, 0.55), (0.06, 0.55, 0.4))
    )
    return pen.canvas.paint(hue, saturation, value, vary=0.01, keep_hue=True)


def _hair(pen: Pen) -> Color:
    hue, saturation, value = pen.random.choice(
        (
            (0.07, 0.6, 0.15),
            (0.07, 0.6, 0.35),
            (0.12, 0.6, 0.92),
            (0.04, 0.8, 0.72),
            (0.0, 0.0, 0.8),
            (0.65, 0.5, 0.2),
        )
    )
    if pen.random.random() < 0.12:
        return pen.canvas.any_paint()
    return pen.canvas.paint(hue, saturation, value, vary=0.02, keep_hue=True)


def _eyes(
    pen: Pen, center: Point, gap: float, size: float, *, look: float = 0.0, almond: Color | None = None
) -> None:
    """A pair of eyes; detailed when they are large enough in pixels to be."""
    pixels = size * pen.scale
    u, v = center
    if pixels < 2.6:
        for side in (-1, 1):
            pen.spot(
                pen.ellipse(
                    (u + side * gap, v), (max(size * 0.55, 1.1 / pen.scale), max(size * 0.8, 1.5 / pen.scale))
                )
            )
        return
    white = pen.canvas.paint(0.12, 0.02, 0.98, vary=0.0)
    iris = almond or pen.canvas.paint(pen.random.choice((0.08, 0.33, 0.58)), 0.6, 0.5)
    for side in (-1, 1):
        eye = (u + side * gap, v)
        pen.fill(
            pen.ellipse(eye, (size, size * 0.78)),
            white if almond is None else almond,
            line=0.5,
            round_light=0.2,
        )
        pupil = (eye[0] + look * size * 0.4, v + size * 0.05)
        if almond is None:
            pen.fill(pen.ellipse(pupil, (size * 0.52, size * 0.62)), iris, line=0.4, round_light=0.3)
        pen.spot(pen.ellipse(pupil, (size * 0.28, size * (0.36 if almond is None else 0.62))))
        pen.ink(
            [
                (eye[0] - size * 1.1, v - size * 0.2),
                (eye[0], v - size * 0.95),
                (eye[0] + size * 1.15, v - size * 0.2),
            ],
            1.1,
        )
        if pixels > 6:
            pen.fill(
                pen.ellipse((pupil[0] - size * 0.18, v - size * 0.25), (size * 0.16, size * 0.18)),
                white,
                line=0,
                round_light=0,
            )


def _face(
    pen: Pen, look: _Look, center: Point, radius: float, *, feminine: bool = False, beard: bool = False
) -> None:
    r = pen.random
    u, v = center[0] + look.turn * radius * 0.35, center[1]
    mood = r.choice((-1.0, 0.3, 1.0, 1.0))
    if beard:
        pen.fill(
            pen.blob(
                (u - radius * 0.86, v + radius * 0.1),
                (u - radius * 0.55, v + radius * 0.42),
                (u, v + radius * 0.38),
                (u + radius * 0.55, v + radius * 0.42),
                (u + radius * 0.86, v + radius * 0.1),
                (u + radius * 0.7, v + radius * 1.05),
                (u, v + radius * r.uniform(1.35, 2.0)),
                (u - radius * 0.7, v + radius * 1.05),
            ),
            look.hair,
        )
    for side in (-1, 1):
        pen.canvas.glow(
            pen.ellipse((u + side * radius * 0.5, v + radius * 0.36), (radius * 0.26, radius * 0.2)),
            (min(look.skin[0] * 1.08, 1.0), look.skin[1] * 0.78, look.skin[2] * 0.8),
            0.8,
        )
    _eyes(pen, (u, v + radius * 0.08), radius * 0.38, radius * (0.23 if feminine else 0.19), look=look.turn)
    slant = radius * r.uniform(-0.1, 0.16) * (0.3 if mood > 0 else 1)
    for side in (-1, 1):
        pen.ink(
            [
                (u + side * radius * 0.18, v - radius * 0.24 + slant),
                (u + side * radius * 0.4, v - radius * 0.34),
                (u + side * radius * 0.62, v - radius * 0.24),
            ],
            0.7 if radius * pen.scale < 20 else 0.9 if feminine else 1.4,
        )
    if radius * pen.scale > 9:
        nose = u + look.turn * radius * 0.15
        pen.ink(
            [
                (nose, v + radius * 0.16),
                (nose + radius * 0.12, v + radius * 0.38),
                (nose - radius * 0.03, v + radius * 0.42),
            ],
            0.8,
        )
    mouth = v + radius * 0.64
    half = radius * r.uniform(0.22, 0.36)
    if r.random() < 0.3 and radius * pen.scale > 12:
        pen.fill(
            pen.blob(
                (u - half, mouth - radius * 0.06),
                (u, mouth),
                (u + half, mouth - radius * 0.06),
                (u, mouth + radius * 0.24),
            ),
            pen.canvas.paint(0.0, 0.6, 0.45),
            line=0.7,
            round_light=0.2,
        )
    else:
        pen.ink(
            [
                (u - half, mouth - radius * 0.09 * mood),
                (u, mouth + radius * 0.06 * mood),
                (u + half, mouth - radius * 0.09 * mood),
            ],
            1.1,
        )
    if feminine and radius * pen.scale > 10:
        pen.canvas.glow(
            pen.ellipse((u, mouth + radius * 0.03), (half, radius * 0.14)),
            pen.canvas.paint(0.98, 0.7, 0.75),
            0.9,
        )


def _arm(shoulder: Point, side: int, pose: str) -> tuple[Point, Point]:
    """Where elbow and hand are."""
    u, v = shoulder
    return {
        "down": ((u + side * 0.04, v + 0.14), (u + side * 0.05, v + 0.27)),
        "hip": ((u + side * 0.12, v + 0.11), (u + side * 0.01, v + 0.22)),
        "up": ((u + side * 0.11, v - 0.03), (u + side * 0.14, v - 0.18)),
        "out": ((u + side * 0.12, v + 0.06), (u + side * 0.24, v + 0.0)),
        "front": ((u + side * 0.06, v + 0.13), (u - side * 0.04, v + 0.18)),
    }[pose]


def _legs(pen: Pen, look: _Look, boots: Color, *, top: float = 0.56, spread: float | None = None) -> None:
    r = pen.random
    spread = r.uniform(0.03, 0.11) if spread is None else spread
    stride = r.uniform(-0.05, 0.05)
    for side in (-1, 1):
        hip, knee, foot = (
            (side * 0.045, top),
            (side * (0.05 + spread * 0.5) + stride, 0.76),
            (side * (0.045 + spread), 0.955),
        )
        pen.fill(pen.limb([hip, knee, foot], [0.048, 0.04, 0.03]), look.legs)
        shin = (knee[0] * 0.45 + foot[0] * 0.55, knee[1] * 0.45 + foot[1] * 0.55)
        toe = foot[0] + side * 0.04 + look.turn * 0.03
        pen.fill(
            pen.corners(
                (shin[0] - 0.037, shin[1]),
                (shin[0] + 0.037, shin[1]),
                (foot[0] + 0.035, 0.95),
                (max(toe, foot[0]) + 0.035, 0.99),
                (min(toe, foot[0]) - 0.035, 0.99),
                (foot[0] - 0.035, 0.95),
            ),
            boots,
        )


def _hair_back(pen: Pen, look: _Look, head: Point, radius: float, length: float) -> None:
    u, v = head
    sway = pen.random.uniform(-0.4, 0.4) * radius
    pen.fill(
        pen.blob(
            (u - radius * 0.9, v - radius * 0.75),
            (u, v - radius * 1.22),
            (u + radius * 0.9, v - radius * 0.75),
            (u + radius * 1.2, v + radius * 0.3),
            (u + radius * 1.15 + sway, v + radius * (0.3 + length)),
            (u + sway, v + radius * (0.1 + length)),
            (u - radius * 1.15 + sway, v + radius * (0.3 + length)),
            (u - radius * 1.2, v + radius * 0.3),
        ),
        look.hair,
    )
    if radius * pen.scale > 9:
        for k in (-1.0, 1.0):
            pen.ink(
                [(u + k * radius * 1.02, v), (u + k * radius * 1.0 + sway * 0.5, v + radius * length * 0.8)],
                0.8,
            )


def _hair_front(pen: Pen, look: _Look, head: Point, radius: float) -> None:
    r = pen.random
    u, v = head
    part = r.uniform(-0.5, 0.5) * radius
    spikes = r.random() < 0.35
    fringe = v - radius * r.uniform(0.2, 0.42)
    lower: list[Point] = [(u + radius * 0.98, v - radius * 0.02)]
    count = 5
    for k in range(count):
        x = u + radius * (0.8 - 1.6 * (k + 0.5) / count)
        lower.append(
            (
                x,
                fringe
                + (
                    radius * 0.16
                    if spikes and k % 2
                    else -radius * 0.22 * (abs(x - u - part) < radius * 0.25)
                ),
            )
        )
    lower.append((u - radius * 0.98, v - radius * 0.02))
    over: list[Point] = [
        (u - radius * 1.1, v - radius * 0.4),
        (u - radius * 0.75, v - radius * 1.02),
        (u + part * 0.3, v - radius * 1.24),
        (u + radius * 0.75, v - radius * 1.02),
        (u + radius * 1.1, v - radius * 0.4),
    ]
    pen.fill(
        pen.corners(*lower, *over) if spikes and r.random() < 0.4 else pen.blob(*lower, *over), look.hair
    )
    if radius * pen.scale > 8:
        for k in range(3):
            x = u + radius * (-0.55 + 0.5 * k)
            pen.ink([(u + part * 0.5 + (x - u) * 0.5, v - radius * 1.08), (x, v - radius * 0.6)], 0.7)


def _person(
    pen: Pen,
    *,
    feminine: bool,
    cape: bool = False,
    dress: bool = False,
    robe: bool = False,
    crown: bool = False,
    mask: bool = False,
    helmet: bool = False,
    pointed_hat: bool = False,
    prop: str | None = None,
) -> None:
    r, canvas = pen.random, pen.canvas
    look = _Look(
        _skin(pen), _hair(pen), canvas.any_paint(), canvas.any_paint(), canvas.any_paint(), r.uniform(-1, 1)
    )
    metal = canvas.paint(0.6, 0.08, 0.72)
    if helmet:
        look = _Look(look.skin, look.hair, metal, metal, look.trim, look.turn)
    radius = r.uniform(0.082, 0.1)
    head = (look.turn * 0.01, 0.118)
    boots = metal if helmet else canvas.paint(0.06, 0.5, 0.3) if r.random() < 0.5 else look.trim
    if cape:
        flare, wind = r.uniform(0.16, 0.3), r.uniform(-0.16, 0.16)
        bottom = r.uniform(0.72, 0.9)
        cloth = canvas.paint(r.choice((0.0, 0.0, 0.62, 0.15, 0.8)), 0.85, 0.8)
        pen.fill(
            pen.blob(
                (-0.1, 0.235),
                (0.0, 0.22),
                (0.1, 0.235),
                (flare * 0.75 + wind * 0.4, 0.5),
                (flare + wind, bottom),
                (flare * 0.4 + wind, bottom - 0.04),
                (wind, bottom + 0.02),
                (-flare * 0.4 + wind, bottom - 0.04),
                (-flare + wind, bottom),
                (-flare * 0.75 + wind * 0.4, 0.5),
            ),
            cloth,
        )
        for k in (-0.7, 0.7):
            pen.ink(
                [(k * 0.12, 0.34), (k * flare * 0.7 + wind * 0.5, 0.55), (k * flare + wind, bottom - 0.05)],
                0.8,
            )
    long_hair = feminine and not helmet
    if long_hair:
        _hair_back(pen, look, head, radius, r.uniform(1.1, 3.0))
    poses = [r.choice(("down", "hip", "up", "out", "front")) for _ in range(2)]
    if prop:
        poses[1] = r.choice(("up", "out"))
    shoulder = 0.1 if not feminine else 0.082
    if not (dress or robe):
        _legs(pen, look, boots)
    width = shoulder * 1.08
    if dress or robe:
        hem = r.uniform(0.16, 0.26) if dress else 0.15
        pen.fill(
            pen.blob(
                (-0.05, 0.47),
                (0.05, 0.47),
                (hem * 0.75, 0.72),
                (hem, 0.965),
                (hem * 0.5, 0.985),
                (0, 0.975),
                (-hem * 0.5, 0.985),
                (-hem, 0.965),
                (-hem * 0.75, 0.72),
            ),
            look.top if robe else look.legs,
        )
        for k in (-0.55, -0.1, 0.4):
            pen.ink([(k * 0.1, 0.55), (k * hem * 0.9, 0.75), (k * hem * 1.1, 0.95)], 0.8)
    waist = 0.05 if feminine else 0.072
    thick = 0.026 if feminine else 0.033
    bare = not (robe or helmet) and r.random() < 0.45
    torso = pen.blob(
        (-0.035, 0.22),
        (0.035, 0.22),
        (width, 0.25),
        (width * 0.93, 0.34),
        (waist, 0.47),
        (waist + 0.022, 0.575),
        (-waist - 0.022, 0.575),
        (-waist, 0.47),
        (-width * 0.93, 0.34),
        (-width, 0.25),
    )
    hands = []
    before = []
    for side, pose in zip((-1, 1), poses, strict=True):
        joint = (side * shoulder, 0.262)
        elbow, hand = _arm(joint, side, pose)
        hands.append(hand)
        half = ((joint[0] + elbow[0]) / 2, (joint[1] + elbow[1]) / 2)
        whole = pen.limb([joint, elbow, hand], [thick, thick * 0.85, thick * 0.7])
        sleeve = pen.limb(
            [joint, half] if bare else [joint, elbow, hand],
            [thick * 1.25, thick * 1.1, thick][: 2 if bare else 3],
        )
        if pose == "front":
            before.append((whole, sleeve, hand))
            continue
        if bare:
            pen.fill(whole, look.skin)
        torso = union(torso, sleeve)
        pen.fill(pen.ellipse(hand, (thick, thick)), look.skin)
    pen.fill(torso, look.top)
    for side in (-1, 1):
        pen.ink([(side * (shoulder - 0.012), 0.3), (side * (shoulder - 0.02), 0.345)], 0.9)
    if mask and r.random() < 0.8:
        pen.fill(pen.corners((0, 0.29), (0.045, 0.33), (0, 0.385), (-0.045, 0.33)), look.trim, line=0.8)
    elif helmet:
        pen.ink([(-0.08, 0.36), (0, 0.39), (0.08, 0.36)])
        pen.ink([(0, 0.24), (0, 0.5)], 0.8)
    elif robe:
        pen.ink([(0, 0.24), (0.01, 0.6), (0.0, 0.93)], 0.9)
    elif r.random() < 0.5:
        for k in range(3):
            pen.spot(pen.ellipse((0, 0.3 + 0.06 * k), (0.007, 0.007)))
    else:
        pen.ink([(-0.05, 0.23), (0, 0.29), (0.05, 0.23)], 0.9)
    if not dress:
        pen.fill(
            pen.corners(
                (-waist - 0.018, 0.5), (waist + 0.018, 0.5), (waist + 0.022, 0.535), (-waist - 0.022, 0.535)
            ),
            look.trim,
            line=0.8,
        )
    for whole, sleeve, hand in before:
        if bare:
            pen.fill(whole, look.skin)
        pen.fill(sleeve, look.top)
        pen.fill(pen.ellipse(hand, (thick, thick)), look.skin)
    for hand in hands:
        pen.fill(pen.ellipse(hand, (thick * 0.95, thick * 0.95)), look.skin, line=0.9)
    if prop == "sword":
        u, v = hands[1]
        tip = (u + 0.07, v - 0.36) if poses[1] == "up" else (u + 0.16, v - 0.3)
        pen.fill(pen.limb([(u, v), tip], [0.014, 0.006]), canvas.paint(0.6, 0.05, 0.9))
        pen.fill(pen.limb([(u - 0.04, v - 0.03), (u + 0.05, v - 0.015)], [0.011, 0.011]), look.trim, line=0.8)
    elif prop == "staff":
        u, v = hands[1]
        pen.fill(
            pen.limb([(u + 0.01, min(v + 0.6, 0.98)), (u, v - 0.2)], [0.011, 0.013]),
            canvas.paint(0.08, 0.6, 0.45),
        )
        pen.fill(
            pen.ellipse((u, v - 0.22), (0.035, 0.035)), canvas.paint(r.choice((0.5, 0.85, 0.15)), 0.6, 0.95)
        )
    pen.fill(pen.limb([(0, 0.19), (0, 0.235)], [0.03, 0.034]), look.skin, line=0.9)
    for side in (-1, 1):
        pen.fill(
            pen.ellipse(
                (head[0] + side * radius * 0.97, head[1] + radius * 0.15), (radius * 0.18, radius * 0.26)
            ),
            look.skin,
            line=0.8,
        )
    u, v = head
    jaw = 0.62 if feminine else 0.74
    pen.fill(
        pen.blob(
            (u - radius * 0.97, v - radius * 0.2),
            (u, v - radius * 1.08),
            (u + radius * 0.97, v - radius * 0.2),
            (u + radius * 0.9, v + radius * 0.42),
            (u + radius * jaw * 0.72, v + radius * 0.92),
            (u, v + radius * 1.12),
            (u - radius * jaw * 0.72, v + radius * 0.92),
            (u - radius * 0.9, v + radius * 0.42),
        ),
        look.skin,
    )
    if mask:
        cloth = look.trim if r.random() < 0.5 else look.top
        pen.fill(
            pen.blob(
                (u - radius * 0.96, v - radius * 0.16),
                (u, v - radius * 0.2),
                (u + radius * 0.96, v - radius * 0.16),
                (u + radius * 0.8, v + radius * 0.3),
                (u, v + radius * 0.16),
                (u - radius * 0.8, v + radius * 0.3),
            ),
            cloth,
            line=0.8,
        )
    _face(
        pen,
        look,
        head,
        radius,
        feminine=feminine,
        beard=pointed_hat or (not feminine and not mask and r.random() < 0.2),
    )
    if helmet:
        pen.fill(
            pen.blob(
                (u - radius * 1.1, v + radius * 0.55),
                (u - radius * 1.1, v - radius * 0.4),
                (u, v - radius * 1.3),
                (u + radius * 1.1, v - radius * 0.4),
                (u + radius * 1.1, v + radius * 0.55),
                (u + radius * 0.78, v + radius * 0.5),
                (u + radius * 0.75, v - radius * 0.2),
                (u, v - radius * 0.26),
                (u - radius * 0.75, v - radius * 0.2),
                (u - radius * 0.78, v + radius * 0.5),
            ),
            metal,
        )
        pen.ink([(u, v - radius * 1.25), (u, v - radius * 0.25)])
        pen.fill(
            pen.blob(
                (u, v - radius * 1.2),
                (u - radius * 0.5, v - radius * 1.9),
                (u - radius * 1.3, v - radius * 1.6),
                (u - radius * 1.5, v - radius * 0.7),
                (u - radius * 0.8, v - radius * 1.2),
            ),
            canvas.paint(r.choice((0.0, 0.6, 0.8)), 0.8, 0.8),
        )
    elif pointed_hat:
        cloth = look.top
        bend = r.uniform(-0.8, 0.8)
        pen.fill(
            pen.blob(
                (u - radius * 1.0, v - radius * 0.45),
                (u - radius * 0.55, v - radius * 1.5),
                (u + bend * radius, v - radius * 2.9),
                (u + radius * 0.6, v - radius * 1.5),
                (u + radius * 1.0, v - radius * 0.45),
            ),
            cloth,
        )
        pen.fill(pen.ellipse((u, v - radius * 0.5), (radius * 1.55, radius * 0.27)), cloth)
        pen.fill(
            pen.ellipse((u + radius * 0.1, v - radius * 1.35), (radius * 0.2, radius * 0.2)),
            look.trim,
            line=0.7,
        )
    elif not (mask and r.random() < 0.2) and (feminine or r.random() < 0.93):
        _hair_front(pen, look, head, radius)
    if crown:
        gold = canvas.paint(0.13, 0.8, 0.95)
        base, top = v - radius * 0.82, v - radius * 1.72
        pen.fill(
            pen.corners(
                (u - radius * 0.72, base),
                (u - radius * 0.82, top),
                (u - radius * 0.38, base - radius * 0.42),
                (u, top - radius * 0.15),
                (u + radius * 0.38, base - radius * 0.42),
                (u + radius * 0.82, top),
                (u + radius * 0.72, base),
            ),
            gold,
        )
        pen.fill(
            pen.ellipse((u, base - radius * 0.24), (radius * 0.13, radius * 0.13)),
            canvas.paint(0.98, 0.85, 0.85),
            line=0.6,
        )


def _man(pen: Pen) -> None:
    _person(pen, feminine=False)


def _woman(pen: Pen) -> None:
    _person(pen, feminine=True, dress=pen.random.random() < 0.3)


def _hero(pen: Pen) -> None:
    _person(pen, feminine=pen.random.random() < 0.35, cape=True, mask=True)


def _princess(pen: Pen) -> None:
    _person(pen, feminine=True, crown=True, dress=True)


def _knight(pen: Pen) -> None:
    _person(pen, feminine=False, helmet=True, prop="sword")


def _wizard(pen: Pen) -> None:
    _person(pen, feminine=False, robe=True, pointed_hat=True, prop="staff")


def _robot(pen: Pen) -> None:
    r, canvas = pen.random, pen.canvas
    metal = canvas.paint(r.choice((0.58, 0.1, 0.5, 0.0)), r.uniform(0.1, 0.6), r.uniform(0.6, 0.9))
    other, dark = canvas.any_paint(), canvas.paint(0.6, 0.15, 0.35)
    for side in (-1, 1):
        pen.fill(pen.limb([(side * 0.08, 0.62), (side * 0.09, 0.9)], [0.028, 0.028]), dark)
        pen.ink([(side * 0.055, 0.74), (side * 0.115, 0.74)], 0.7)
        pen.fill(
            pen.corners((side * 0.03, 0.9), (side * 0.15, 0.9), (side * 0.17, 0.99), (side * 0.02, 0.99)),
            metal,
        )
        up = r.random() < 0.4
        elbow, hand = (side * 0.26, 0.42), (side * (0.27 if not up else 0.31), 0.6 if not up else 0.24)
        pen.fill(pen.limb([(side * 0.16, 0.38), elbow, hand], [0.026, 0.024, 0.024]), dark)
        pen.fill(pen.ellipse((side * 0.17, 0.375), (0.045, 0.045)), other)
        for finger in (-1, 1):
            tip = (hand[0] + finger * 0.04, hand[1] + (0.05 if not up else -0.05))
            pen.fill(pen.limb([hand, tip], [0.02, 0.012]), metal, line=0.9)
    pen.fill(pen.corners((-0.17, 0.34), (0.17, 0.34), (0.14, 0.65), (-0.14, 0.65)), metal)
    pen.fill(pen.corners((-0.09, 0.41), (0.09, 0.41), (0.09, 0.52), (-0.09, 0.52)), other, line=0.8)
    for k in range(3):
        pen.fill(pen.ellipse((-0.05 + 0.05 * k, 0.465), (0.015, 0.015)), canvas.any_paint(), line=0.6)
    pen.ink([(-0.1, 0.58), (0.1, 0.58)], 0.7)
    pen.fill(pen.corners((-0.04, 0.28), (0.04, 0.28), (0.04, 0.345), (-0.04, 0.345)), dark)
    pen.fill(pen.limb([(0, 0.1), (0, 0.02)], [0.01, 0.007]), dark, line=0.8)
    pen.fill(pen.ellipse((0, 0.02), (0.024, 0.024)), canvas.paint(0.0, 0.8, 0.9))
    pen.fill(pen.corners((-0.13, 0.1), (0.13, 0.1), (0.14, 0.29), (-0.14, 0.29)), metal)
    glow = canvas.paint(r.choice((0.15, 0.5, 0.0)), 0.7, 0.98)
    if r.random() < 0.4:
        pen.fill(pen.corners((-0.1, 0.145), (0.1, 0.145), (0.1, 0.2), (-0.1, 0.2)), dark, line=0.8)
        for side in (-1, 1):
            pen.fill(pen.ellipse((side * 0.05, 0.172), (0.02, 0.02)), glow, line=0.5)
    else:
        for side in (-1, 1):
            pen.fill(pen.ellipse((side * 0.06, 0.17), (0.038, 0.038)), glow)
            pen.spot(pen.ellipse((side * 0.06, 0.17), (0.014, 0.014)))
    pen.fill(
        pen.corners((-0.07, 0.235), (0.07, 0.235), (0.07, 0.268), (-0.07, 0.268)),
        canvas.paint(0.1, 0.05, 0.9),
        line=0.8,
    )
    for k in range(3):
        pen.ink([(-0.035 + 0.035 * k, 0.235), (-0.035 + 0.035 * k, 0.268)], 0.6)


def _dragon(pen: Pen) -> None:
    r, canvas = pen.random, pen.canvas
    scales = canvas.paint(
        r.choice((0.33, 0.38, 0.0, 0.78, 0.55, 0.08)), r.uniform(0.55, 0.85), r.uniform(0.4, 0.8)
    )
    belly = canvas.paint(0.13, 0.4, 0.92)
    skin = canvas.paint(r.choice((0.05, 0.12, 0.9)), 0.6, 0.75)
    horn = canvas.paint(0.12, 0.2, 0.92)
    lift = r.uniform(-0.08, 0.12)

    def wing(du: float, dark: float) -> None:
        root, wrist = (0.06 + du, 0.5), (0.16 + du, 0.04 - lift)
        tips: list[Point] = [(0.5 + du, 0.0 - lift), (0.62 + du, 0.2 - lift * 0.5), (0.54 + du, 0.4)]
        outline = [root, (0.08 + du, 0.25), wrist, (0.34 + du, -0.05 - lift)]
        for a, b in zip(tips, [*tips[1:], (0.2 + du, 0.58)], strict=True):
            outline += [
                a,
                (
                    (a[0] + b[0]) / 2 * 0.82 + wrist[0] * 0.18,
                    (a[1] + b[1]) / 2 * 0.82 + wrist[1] * 0.18 + 0.03,
                ),
            ]
        color = (skin[0] * dark, skin[1] * dark, skin[2] * dark)
        pen.fill(pen.corners(*outline, (0.2 + du, 0.58)), color)
        for tip in tips[1:]:
            pen.ink([wrist, ((wrist[0] + tip[0]) / 2 + 0.04, (wrist[1] + tip[1]) / 2), tip], 0.9)
        pen.fill(pen.limb([root, (0.09 + du, 0.25), wrist], [0.034, 0.026, 0.016]), scales)

    wing(-0.2, 0.75)
    pen.fill(
        pen.limb(
            [(0.2, 0.72), (0.42, 0.88), (0.62, 0.84), (0.66, 0.66)], [0.13, 0.075, 0.04, 0.014], smooth=True
        ),
        scales,
    )
    pen.fill(pen.corners((0.61, 0.68), (0.66, 0.54), (0.72, 0.68), (0.66, 0.66)), skin)
    for u in (0.16, -0.14):
        pen.fill(
            pen.limb([(u, 0.72), (u + 0.05, 0.84), (u, 0.95)], [0.1 if u > 0 else 0.06, 0.06, 0.045]), scales
        )
        pen.fill(pen.ellipse((u - 0.04, 0.96), (0.085, 0.035)), scales)
        for k in range(3):
            pen.fill(
                pen.corners(
                    (u - 0.12 + 0.035 * k, 0.95),
                    (u - 0.095 + 0.035 * k, 0.95),
                    (u - 0.125 + 0.035 * k, 0.985),
                ),
                horn,
                line=0.7,
            )
    neck: list[Point] = [(0.06, 0.66), (-0.1, 0.5), (-0.14, 0.34), (-0.2, 0.18)]
    for k in range(6):
        t = k / 5
        u = 0.2 - 0.26 * t if t < 0.5 else 0.07 - 0.28 * (t - 0.5) * 1.4
        v = 0.54 - 0.3 * t
        pen.fill(
            pen.corners((u - 0.03, v + 0.05), (u + 0.06, v - 0.06), (u + 0.05, v + 0.05)), skin, line=0.8
        )
    body = union(
        pen.ellipse((0.08, 0.64), (0.22, 0.18), 0.2), pen.limb(neck, [0.15, 0.1, 0.07, 0.06], smooth=True)
    )
    pen.fill(body, scales)
    pen.fill(
        pen.blob((-0.16, 0.42), (-0.12, 0.44), (-0.02, 0.62), (0.06, 0.8), (-0.06, 0.78), (-0.14, 0.62)),
        belly,
        line=0.8,
    )
    for k in range(4):
        pen.ink([(-0.16 + 0.025 * k, 0.5 + 0.075 * k), (-0.1 + 0.04 * k, 0.49 + 0.075 * k)], 0.7)
    wing(0.06, 1.0)
    if r.random() < 0.4:
        for reach, color in ((0.36, canvas.paint(0.03, 0.9, 0.95)), (0.22, canvas.paint(0.14, 0.8, 0.99))):
            pen.fill(
                pen.blob(
                    (-0.4, 0.22),
                    (-0.4 - reach * 0.5, 0.16),
                    (-0.4 - reach, 0.12),
                    (-0.4 - reach * 0.8, 0.24),
                    (-0.4 - reach * 1.1, 0.32),
                    (-0.4 - reach * 0.5, 0.3),
                ),
                color,
                tone=0.0,
            )
    for du in (0.05, -0.01):
        pen.fill(
            pen.blob(
                (-0.17 + du, 0.1), (-0.1 + du, 0.04), (0.0 + du, 0.0), (-0.06 + du, 0.09), (-0.12 + du, 0.15)
            ),
            horn,
        )
    pen.fill(pen.blob((-0.26, 0.22), (-0.38, 0.22), (-0.41, 0.27), (-0.3, 0.3), (-0.2, 0.27)), scales)
    pen.fill(
        pen.blob(
            (-0.12, 0.12),
            (-0.2, 0.07),
            (-0.28, 0.1),
            (-0.38, 0.14),
            (-0.45, 0.16),
            (-0.45, 0.22),
            (-0.36, 0.235),
            (-0.24, 0.25),
            (-0.13, 0.23),
        ),
        scales,
    )
    for k in range(4):
        pen.fill(
            pen.corners((-0.42 + 0.045 * k, 0.222), (-0.4 + 0.045 * k, 0.226), (-0.41 + 0.045 * k, 0.255)),
            horn,
            line=0.6,
        )
    pen.spot(pen.ellipse((-0.425, 0.175), (0.012, 0.009)))
    pen.fill(
        pen.ellipse((-0.24, 0.145), (0.03, 0.024), 0.3),
        canvas.paint(0.14, 0.8, 0.98),
        line=0.8,
        round_light=0,
    )
    pen.spot(pen.ellipse((-0.245, 0.147), (0.009, 0.02)))
    pen.ink([(-0.29, 0.12), (-0.24, 0.108), (-0.19, 0.13)], 1.3)


def _fur(pen: Pen) -> Color:
    hue, saturation, value = pen.random.choice(
        (
            (0.08, 0.75, 0.9),
            (0.08, 0.5, 0.5),
            (0.6, 0.08, 0.6),
            (0.1, 0.1, 0.95),
            (0.65, 0.2, 0.18),
            (0.1, 0.4, 0.85),
        )
    )
    return pen.canvas.paint(hue, saturation, value)


def _whiskers(pen: Pen, u: float, v: float, length: float) -> None:
    for side in (-1, 1):
        for k in (-1, 0, 1):
            pen.ink(
                [(u + side * 0.05, v + 0.01 * k), (u + side * (0.05 + length), v + 0.035 * k - 0.01)], 0.6
            )


def _cat(pen: Pen) -> None:
    r, canvas = pen.random, pen.canvas
    fur, pale, pink = _fur(pen), canvas.paint(0.1, 0.1, 0.97), canvas.paint(0.97, 0.35, 0.92)
    u, v, s = r.uniform(-0.06, 0.06), 0.27, 0.21
    pen.fill(
        pen.limb(
            [(0.2, 0.9), (0.42, 0.88), (0.46, 0.66), (0.38, 0.52), (0.44, 0.42)],
            [0.06, 0.055, 0.05, 0.045, 0.035],
            smooth=True,
        ),
        fur,
    )
    pen.fill(
        pen.blob(
            (-0.1, 0.42),
            (0.1, 0.42),
            (0.22, 0.66),
            (0.28, 0.9),
            (0.14, 0.98),
            (-0.14, 0.98),
            (-0.28, 0.9),
            (-0.22, 0.66),
        ),
        fur,
    )
    pen.fill(pen.blob((-0.07, 0.48), (0.07, 0.48), (0.11, 0.66), (0.0, 0.8), (-0.11, 0.66)), pale, line=0.5)
    for side in (-1, 1):
        pen.ink([(side * 0.24, 0.8), (side * 0.14, 0.82), (side * 0.13, 0.93)], 0.9)
        pen.fill(pen.limb([(side * 0.075, 0.66), (side * 0.08, 0.93)], [0.05, 0.045]), fur)
        pen.fill(pen.ellipse((side * 0.085, 0.955), (0.075, 0.04)), pale if r.random() < 0.6 else fur)
    for side in (-1, 1):
        pen.fill(
            pen.corners((u + side * 0.05, v - 0.15), (u + side * 0.17, v - 0.32), (u + side * 0.2, v - 0.05)),
            fur,
        )
        pen.fill(
            pen.corners(
                (u + side * 0.09, v - 0.14), (u + side * 0.16, v - 0.26), (u + side * 0.17, v - 0.09)
            ),
            pink,
            line=0.5,
        )
    pen.fill(
        pen.blob(
            (u - s, v),
            (u - s * 0.75, v - s * 0.65),
            (u, v - s * 0.82),
            (u + s * 0.75, v - s * 0.65),
            (u + s, v),
            (u + s * 0.8, v + s * 0.55),
            (u, v + s * 0.85),
            (u - s * 0.8, v + s * 0.55),
        ),
        fur,
    )
    if r.random() < 0.6:
        for k in (-1, 0, 1):
            pen.ink([(u + 0.045 * k, v - 0.17 + 0.01 * abs(k)), (u + 0.035 * k, v - 0.1)], 1.3)
            pen.ink([(0.22 - 0.01 * k, 0.7 + 0.07 * k), (0.13, 0.71 + 0.07 * k)], 1.3)
            pen.ink([(-0.22 + 0.01 * k, 0.7 + 0.07 * k), (-0.13, 0.71 + 0.07 * k)], 1.3)
    pen.fill(pen.ellipse((u, v + 0.08), (0.085, 0.06)), pale, line=0.4)
    _eyes(pen, (u, v - 0.01), 0.09, 0.042, almond=canvas.paint(r.choice((0.15, 0.3, 0.55)), 0.7, 0.9))
    pen.fill(pen.corners((u - 0.025, v + 0.05), (u + 0.025, v + 0.05), (u, v + 0.075)), pink, line=0.7)
    pen.ink(
        [
            (u - 0.05, v + 0.105),
            (u - 0.02, v + 0.115),
            (u, v + 0.075),
            (u + 0.02, v + 0.115),
            (u + 0.05, v + 0.105),
        ],
        0.8,
    )
    _whiskers(pen, u, v + 0.07, 0.17)


def _dog(pen: Pen) -> None:
    r, canvas = pen.random, pen.canvas
    fur = _fur(pen)
    ear = _fur(pen) if r.random() < 0.5 else (fur[0] * 0.6, fur[1] * 0.6, fur[2] * 0.6)
    collar = canvas.paint(r.choice((0.0, 0.6)), 0.85, 0.8)
    pen.fill(pen.limb([(0.42, 0.5), (0.54, 0.36), (0.52, 0.2)], [0.04, 0.035, 0.02], smooth=True), fur)
    for u, dark in ((-0.12, 0.75), (0.3, 0.75), (-0.22, 1.0), (0.38, 1.0)):
        color = (fur[0] * dark, fur[1] * dark, fur[2] * dark)
        pen.fill(
            pen.limb([(u, 0.62), (u + r.uniform(-0.03, 0.05), 0.8), (u, 0.95)], [0.075, 0.05, 0.042]), color
        )
        pen.fill(pen.ellipse((u - 0.03, 0.96), (0.07, 0.035)), color)
    pen.fill(
        pen.blob(
            (-0.32, 0.48),
            (-0.2, 0.4),
            (0.1, 0.43),
            (0.4, 0.42),
            (0.47, 0.56),
            (0.38, 0.72),
            (0.1, 0.7),
            (-0.2, 0.76),
            (-0.33, 0.62),
        ),
        fur,
    )
    if r.random() < 0.5:
        pen.fill(pen.blob((0.05, 0.46), (0.24, 0.45), (0.26, 0.58), (0.1, 0.6)), ear, line=0.6)
    pen.fill(pen.limb([(-0.24, 0.5), (-0.32, 0.3)], [0.12, 0.1]), fur)
    pen.fill(pen.corners((-0.39, 0.385), (-0.17, 0.435), (-0.18, 0.475), (-0.4, 0.425)), collar, line=0.8)
    pen.fill(pen.blob((-0.36, 0.26), (-0.56, 0.24), (-0.62, 0.3), (-0.56, 0.37), (-0.34, 0.38)), fur)
    pen.fill(
        pen.blob(
            (-0.16, 0.24),
            (-0.22, 0.1),
            (-0.36, 0.07),
            (-0.46, 0.14),
            (-0.48, 0.25),
            (-0.42, 0.34),
            (-0.26, 0.36),
        ),
        fur,
    )
    pen.fill(
        pen.blob((-0.22, 0.1), (-0.12, 0.14), (-0.08, 0.32), (-0.14, 0.4), (-0.21, 0.34), (-0.24, 0.2)), ear
    )
    pen.spot(pen.ellipse((-0.6, 0.265), (0.038, 0.03)))
    pen.ink([(-0.58, 0.33), (-0.48, 0.35), (-0.4, 0.31)], 1.0)
    if r.random() < 0.5:
        pen.fill(
            pen.blob((-0.5, 0.345), (-0.44, 0.34), (-0.44, 0.43), (-0.49, 0.43)),
            canvas.paint(0.98, 0.55, 0.9),
            line=0.7,
        )
    pen.fill(
        pen.ellipse((-0.38, 0.18), (0.035, 0.038)), canvas.paint(0.1, 0.02, 0.98), line=0.7, round_light=0
    )
    pen.spot(pen.ellipse((-0.388, 0.183), (0.018, 0.022)))
    pen.ink([(-0.42, 0.12), (-0.37, 0.105), (-0.33, 0.13)], 1.0)


def _horse(pen: Pen) -> None:
    r, canvas = pen.random, pen.canvas
    coat = canvas.paint(
        *r.choice(
            ((0.07, 0.6, 0.5), (0.06, 0.7, 0.3), (0.1, 0.08, 0.93), (0.08, 0.45, 0.75), (0.6, 0.1, 0.3))
        )
    )
    mane = _hair(pen)
    hoof = canvas.paint(0.08, 0.4, 0.2)
    gait = r.uniform(-0.08, 0.08)
    pen.fill(pen.limb([(0.4, 0.42), (0.54, 0.5), (0.54, 0.76)], [0.03, 0.06, 0.015], smooth=True), mane)
    for u, step, dark in ((-0.16, gait, 0.72), (0.26, -gait, 0.72), (-0.24, -gait, 1.0), (0.34, gait, 1.0)):
        color = (coat[0] * dark, coat[1] * dark, coat[2] * dark)
        pen.fill(
            pen.limb([(u, 0.52), (u + step * 0.5, 0.74), (u + step, 0.93)], [0.075, 0.036, 0.028]), color
        )
        pen.fill(
            pen.corners(
                (u + step - 0.03, 0.925),
                (u + step + 0.03, 0.925),
                (u + step + 0.042, 0.985),
                (u + step - 0.045, 0.985),
            ),
            hoof,
        )
    pen.fill(
        pen.blob(
            (-0.32, 0.46),
            (-0.22, 0.37),
            (0.1, 0.41),
            (0.32, 0.36),
            (0.44, 0.46),
            (0.4, 0.6),
            (0.1, 0.62),
            (-0.2, 0.63),
            (-0.32, 0.56),
        ),
        coat,
    )
    pen.fill(
        pen.blob((-0.34, 0.56), (-0.46, 0.28), (-0.46, 0.13), (-0.36, 0.08), (-0.26, 0.22), (-0.12, 0.4)),
        coat,
    )
    pen.fill(
        pen.blob(
            (-0.39, 0.04),
            (-0.3, 0.06),
            (-0.22, 0.2),
            (-0.1, 0.38),
            (-0.18, 0.4),
            (-0.24, 0.32),
            (-0.27, 0.34),
            (-0.3, 0.22),
            (-0.35, 0.22),
            (-0.37, 0.12),
        ),
        mane,
    )
    for du in (0.03, 0.0):
        pen.fill(pen.corners((-0.42 + du, 0.09), (-0.39 + du, -0.01), (-0.36 + du, 0.09)), coat)
    pen.fill(
        pen.blob(
            (-0.36, 0.08),
            (-0.46, 0.07),
            (-0.56, 0.18),
            (-0.67, 0.31),
            (-0.65, 0.38),
            (-0.57, 0.38),
            (-0.47, 0.28),
            (-0.37, 0.23),
        ),
        coat,
    )
    pen.ink([(-0.65, 0.35), (-0.6, 0.345), (-0.57, 0.33)], 0.8)
    pen.spot(pen.ellipse((-0.645, 0.305), (0.012, 0.012)))
    pen.spot(pen.ellipse((-0.475, 0.145), (0.018, 0.022)))
    pen.ink([(-0.51, 0.125), (-0.475, 0.11), (-0.44, 0.13)], 1.0)
    if r.random() < 0.6:
        strap = canvas.paint(0.06, 0.7, 0.35)
        pen.fill(pen.limb([(-0.55, 0.18), (-0.5, 0.29)], [0.01, 0.01]), strap, line=0.6)
        pen.ink([(-0.52, 0.26), (-0.36, 0.35), (-0.1, 0.4)], 0.8)
        pen.fill(
            pen.blob((-0.1, 0.4), (0.02, 0.4), (0.12, 0.38), (0.1, 0.52), (0.02, 0.54), (-0.06, 0.52)),
            canvas.any_paint(),
        )


def _bird(pen: Pen) -> None:
    r, canvas = pen.random, pen.canvas
    feathers = canvas.paint(
        r.choice((0.58, 0.0, 0.13, 0.35, 0.6)), r.uniform(0.1, 0.85), r.uniform(0.45, 0.95)
    )
    wing = (feathers[0] * 0.72, feathers[1] * 0.72, feathers[2] * 0.72)
    breast, beak = canvas.paint(0.1, r.uniform(0.1, 0.7), 0.95), canvas.paint(0.1, 0.85, 0.95)
    pen.fill(pen.corners((0.22, 0.58), (0.6, 0.72), (0.62, 0.84), (0.48, 0.82), (0.2, 0.74)), wing)
    pen.ink([(0.3, 0.68), (0.54, 0.77)], 0.8)
    flying = r.random() < 0.45
    if flying:
        pen.fill(
            pen.blob(
                (-0.02, 0.5),
                (0.06, 0.2),
                (0.3, 0.0),
                (0.4, 0.02),
                (0.34, 0.16),
                (0.36, 0.26),
                (0.26, 0.4),
                (0.16, 0.56),
            ),
            wing,
        )
    else:
        for u in (-0.06, 0.06):
            pen.fill(pen.limb([(u, 0.8), (u, 0.96)], [0.014, 0.012]), beak, line=0.8)
            pen.ink([(u - 0.07, 0.985), (u, 0.955), (u + 0.05, 0.985)], 1.3)
    pen.fill(
        pen.blob(
            (-0.28, 0.32),
            (-0.16, 0.22),
            (-0.04, 0.3),
            (0.12, 0.44),
            (0.32, 0.62),
            (0.2, 0.8),
            (-0.02, 0.86),
            (-0.22, 0.76),
            (-0.3, 0.56),
        ),
        feathers,
    )
    pen.fill(
        pen.blob((-0.29, 0.5), (-0.16, 0.5), (-0.06, 0.66), (-0.02, 0.84), (-0.2, 0.76), (-0.29, 0.62)),
        breast,
        line=0.6,
    )
    pen.fill(pen.corners((-0.38, 0.3), (-0.56, 0.38), (-0.36, 0.42)), beak)
    pen.ink([(-0.54, 0.378), (-0.4, 0.365)], 0.8)
    pen.fill(pen.ellipse((-0.22, 0.34), (0.18, 0.165)), feathers)
    if r.random() < 0.5:
        pen.fill(pen.blob((-0.24, 0.19), (-0.16, 0.06), (-0.12, 0.1), (-0.1, 0.06), (-0.12, 0.2)), wing)
    if flying:
        pen.fill(
            pen.blob(
                (-0.06, 0.52), (-0.02, 0.2), (-0.16, 0.0), (0.1, 0.1), (0.2, 0.3), (0.26, 0.56), (0.1, 0.66)
            ),
            wing,
        )
        for k in range(3):
            pen.ink([(0.0 + 0.05 * k, 0.2 + 0.08 * k), (0.08 + 0.04 * k, 0.5 + 0.04 * k)], 0.8)
    else:
        pen.fill(
            pen.blob((-0.06, 0.5), (0.1, 0.48), (0.28, 0.62), (0.42, 0.78), (0.24, 0.76), (0.06, 0.72)), wing
        )
        for k in range(3):
            pen.ink([(0.02 + 0.06 * k, 0.66 + 0.02 * k), (0.12 + 0.07 * k, 0.63 + 0.04 * k)], 0.8)
    pen.fill(
        pen.ellipse((-0.28, 0.31), (0.042, 0.042)), canvas.paint(0.1, 0.02, 0.99), line=0.8, round_light=0
    )
    pen.spot(pen.ellipse((-0.29, 0.312), (0.02, 0.022)))


def _ghost(pen: Pen) -> None:
    r, canvas = pen.random, pen.canvas
    sheet = canvas.paint(r.choice((0.6, 0.5, 0.75)), r.uniform(0.02, 0.25), 0.97)
    hem: list[Point] = []
    waves = 5
    for k in range(waves * 2 + 1):
        hem.append((0.34 - 0.68 * k / (waves * 2), 0.97 if k % 2 == 0 else 0.88))
    pen.fill(pen.blob((-0.3, 0.5), (-0.26, 0.16), (0, 0.02), (0.26, 0.16), (0.3, 0.5), *hem), sheet)
    for side in (-1, 1):
        tip = (side * 0.46, r.uniform(0.3, 0.62))
        pen.fill(pen.limb([(side * 0.22, 0.5), (side * 0.36, 0.52), tip], [0.09, 0.07, 0.05]), sheet)
        pen.spot(pen.ellipse((side * 0.1, 0.27), (0.05, 0.075)))
    pen.spot(pen.ellipse((0, 0.43), (0.055, r.uniform(0.03, 0.09))))
    for k in (-1, 1):
        pen.ink([(k * 0.1, 0.6), (k * 0.14, 0.78), (k * 0.12, 0.88)], 0.8)


SUBJECTS: dict[str, Callable[[Pen], None]] = {
    "man": _man,
    "woman": _woman,
    "hero": _hero,
    "princess": _princess,
    "knight": _knight,
    "wizard": _wizard,
    "robot": _robot,
    "dragon": _dragon,
    "cat": _cat,
    "dog": _dog,
    "horse": _horse,
    "bird": _bird,
    "ghost": _ghost,
}
"""Name -> drawing. A name takes the article "a"."""

HEADS: dict[str, tuple[Point, float]] = {
    "man": ((0.0, 0.12), 0.11),
    "woman": ((0.0, 0.12), 0.11),
    "hero": ((0.0, 0.12), 0.11),
    "princess": ((0.0, 0.1), 0.13),
    "knight": ((0.0, 0.1), 0.13),
    "wizard": ((0.0, 0.06), 0.17),
    "robot": ((0.0, 0.17), 0.16),
    "dragon": ((-0.27, 0.16), 0.2),
    "cat": ((0.0, 0.25), 0.25),
    "dog": ((-0.37, 0.24), 0.25),
    "horse": ((-0.47, 0.2), 0.24),
    "bird": ((-0.27, 0.32), 0.26),
    "ghost": ((0.0, 0.3), 0.32),
}
"""Where each subject's head is and its radius, in figure units: for portraits."""

WIDE = frozenset({"dragon", "dog", "horse", "bird"})
"""Subjects about as wide as tall, drawn smaller to fit."""
