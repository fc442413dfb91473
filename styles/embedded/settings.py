"""The settings of the scenes: what stands behind the subjects. Drawn over the whole canvas, back to front."""

from __future__ import annotations

import math
from collections.abc import Callable

from styles.embedded.drawing import Canvas, Color, Point, curve, ellipse, polygon, stroke


def _rect(left: float, top: float, right: float, bottom: float) -> list[Point]:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _shaded(color: Color, factor: float) -> Color:
    return min(color[0] * factor, 1), min(color[1] * factor, 1), min(color[2] * factor, 1)


def _sky(canvas: Canvas, *, night: bool = False) -> None:
    r, size = canvas.random, canvas.size
    if night:
        top, low = canvas.paint(0.65, 0.75, 0.18), canvas.paint(0.68, 0.6, 0.38)
    else:
        top, low = r.choice(
            (
                (canvas.paint(0.57, 0.5, 0.9), canvas.paint(0.54, 0.15, 0.98)),
                (canvas.paint(0.57, 0.5, 0.9), canvas.paint(0.54, 0.15, 0.98)),
                (canvas.paint(0.7, 0.35, 0.7), canvas.paint(0.06, 0.5, 0.98)),
                (canvas.paint(0.12, 0.08, 0.97), canvas.paint(0.12, 0.12, 0.99)),
            )
        )
    canvas.fill(
        polygon(_rect(-4, -4, size + 4, size + 4)),
        top,
        line=0,
        to=low,
        round_light=0,
        tone=0.85 if night else 0.0,
    )
    if not night and r.random() < 0.6:
        cloud = canvas.paint(0.6, 0.03, 0.99)
        for _ in range(r.randint(1, 3)):
            _cloud(
                canvas, r.uniform(0, size), r.uniform(0.06, 0.28) * size, r.uniform(0.08, 0.16) * size, cloud
            )
    elif not night and r.random() < 0.5:
        canvas.fill(
            ellipse((r.uniform(0.1, 0.9) * size, 0.16 * size), (0.08 * size, 0.08 * size)),
            canvas.paint(0.13, 0.6, 0.99),
            tone=0.0,
        )


def _cloud(canvas: Canvas, x: float, y: float, s: float, color: Color) -> None:
    r = canvas.random
    points: list[Point] = [(x - s * 1.4, y + s * 0.3)]
    for k in range(4):
        points.append((x - s * 1.1 + k * s * 0.72, y - s * (0.25 + 0.4 * (k in (1, 2)) + r.uniform(0, 0.2))))
    points += [(x + s * 1.5, y + s * 0.25), (x + s * 0.8, y + s * 0.45), (x - s * 0.8, y + s * 0.45)]
    canvas.fill(polygon(curve(points, closed=True)), color, line=0.6, tone=0.0, round_light=0.4)


def _ridge(
    canvas: Canvas,
    height: float,
    amplitude: float,
    steps: int,
    color: Color,
    *,
    sharp: bool = False,
    line: float = 0.8,
) -> list[Point]:
    r, size = canvas.random, canvas.size
    top: list[Point] = []
    for k in range(steps + 1):
        jitter = r.uniform(-1, 1) if not sharp else (r.uniform(0.3, 1) if k % 2 else r.uniform(-1, -0.3))
        top.append((-8 + (size + 16) * k / steps, height - amplitude * jitter))
    outline = top if sharp else curve(top, closed=False, steps=3)
    canvas.fill(polygon([*outline, (size + 8, size + 8), (-8, size + 8)]), color, line=line, round_light=0.4)
    return top


def _ground(canvas: Canvas, horizon: float, color: Color) -> None:
    size = canvas.size
    _ridge(canvas, horizon, 0.012 * size, 4, color)


def _grass(canvas: Canvas, horizon: float, count: int = 10) -> None:
    r, size = canvas.random, canvas.size
    for _ in range(count):
        x, y = r.uniform(0, size), r.uniform(horizon + 6, size)
        h = 0.02 * size + 2
        for k in (-1, 0, 1):
            canvas.ink([(x + k * h * 0.3, y), (x + k * h * 0.6, y - h)], 0.5, smooth=False)


def _window(canvas: Canvas, x: float, y: float, w: float, h: float, color: Color) -> None:
    canvas.fill(polygon(_rect(x - w / 2, y - h / 2, x + w / 2, y + h / 2)), color, line=0.7, round_light=0.5)
    canvas.ink([(x, y - h / 2), (x, y + h / 2)], 0.5, smooth=False)
    canvas.ink([(x - w / 2, y), (x + w / 2, y)], 0.5, smooth=False)


def _bricks(canvas: Canvas, box: tuple[float, float, float, float], count: int) -> None:
    r, size = canvas.random, canvas.size
    for _ in range(count):
        x, y = r.uniform(box[0], box[2]), r.uniform(box[1], box[3])
        w, h = 0.035 * size, 0.016 * size
        canvas.ink([(x, y), (x + w, y), (x + w, y + h)], 0.5, smooth=False)


def _house(canvas: Canvas, horizon: float) -> None:
    r, size = canvas.random, canvas.size
    _sky(canvas)
    _ground(canvas, horizon, canvas.paint(0.3, 0.5, 0.7))
    x = size * r.choice((r.uniform(0.12, 0.32), r.uniform(0.68, 0.88)))
    w, top, bottom = (
        size * r.uniform(0.25, 0.33),
        horizon - size * r.uniform(0.28, 0.36),
        horizon + size * 0.04,
    )
    wall, roof = (
        canvas.paint(r.choice((0.1, 0.02, 0.58, 0.13)), r.uniform(0.1, 0.4), 0.93),
        canvas.paint(r.choice((0.01, 0.06, 0.6)), 0.65, 0.6),
    )
    canvas.fill(
        polygon(_rect(x + w * 0.45, top - w * 0.75, x + w * 0.65, top)), canvas.paint(0.03, 0.6, 0.55)
    )
    canvas.fill(polygon(_rect(x - w, top, x + w, bottom)), wall)
    canvas.fill(
        polygon([(x - w * 1.15, top + 2), (x - w * 0.02, top - w * 0.85), (x + w * 1.15, top + 2)]), roof
    )
    for k in range(1, 4):
        y = top - w * 0.85 * (1 - k / 4) + 2
        half = w * 1.1 * k / 4
        canvas.ink([(x - half, y), (x + half, y)], 0.5, smooth=False)
    glass = canvas.paint(r.choice((0.55, 0.13)), 0.4, 0.95)
    side = r.choice((-1, 1))
    for du in (-0.6 * side, 0.1 * side):
        _window(canvas, x + du * w, top + (bottom - top) * 0.38, w * 0.36, w * 0.42, glass)
    canvas.fill(
        polygon(
            _rect(
                x + side * w * 0.65 - w * 0.17,
                bottom - (bottom - top) * 0.62,
                x + side * w * 0.65 + w * 0.17,
                bottom,
            )
        ),
        canvas.paint(0.07, 0.6, 0.42),
    )
    canvas.spot(
        ellipse((x + side * w * 0.65 + w * 0.1, bottom - (bottom - top) * 0.3), (w * 0.025, w * 0.025))
    )
    _grass(canvas, horizon + size * 0.05)


def _castle(canvas: Canvas, horizon: float) -> None:
    r, size = canvas.random, canvas.size
    _sky(canvas)
    stone = canvas.paint(r.choice((0.1, 0.6, 0.75)), r.uniform(0.05, 0.22), r.uniform(0.6, 0.85))
    roof = canvas.paint(r.choice((0.0, 0.6, 0.78)), 0.6, 0.6)
    flag = canvas.paint(0.0, 0.85, 0.85)
    _ridge(canvas, horizon - size * 0.04, 0.03 * size, 5, canvas.paint(0.3, 0.4, 0.6))
    x, bottom = size * r.uniform(0.35, 0.65), horizon + size * 0.03
    w, wall = size * r.uniform(0.32, 0.4), horizon - size * r.uniform(0.2, 0.26)

    def crenels(left: float, right: float, top: float) -> list[Point]:
        points: list[Point] = []
        teeth = max(3, round((right - left) / (0.055 * size)))
        step = (right - left) / (2 * teeth - 1)
        for k in range(2 * teeth - 1):
            y = top if k % 2 == 0 else top + 0.028 * size
            points += [(left + k * step, y), (left + (k + 1) * step, y)]
        return points

    def tower(tx: float, half: float, top: float, cone: bool) -> None:
        if cone:
            canvas.fill(polygon(_rect(tx - half, top, tx + half, bottom)), stone)
            canvas.ink([(tx, top - half * 2.3), (tx, top - half * 3.1)], 0.8, smooth=False)
            canvas.fill(
                polygon(
                    [(tx, top - half * 3.1), (tx + half * 0.9, top - half * 2.85), (tx, top - half * 2.6)]
                ),
                flag,
                line=0.6,
            )
            canvas.fill(
                polygon([(tx - half * 1.3, top + 1), (tx, top - half * 2.3), (tx + half * 1.3, top + 1)]),
                roof,
            )
        else:
            canvas.fill(
                polygon(
                    [
                        *crenels(tx - half * 1.15, tx + half * 1.15, top - 0.03 * size),
                        (tx + half, top + 0.05 * size),
                        (tx + half, bottom),
                        (tx - half, bottom),
                        (tx - half, top + 0.05 * size),
                    ]
                ),
                stone,
            )
        canvas.fill(
            polygon(
                curve(
                    [
                        (tx - half * 0.25, top + half * 1.5),
                        (tx - half * 0.22, top + half * 0.9),
                        (tx, top + half * 0.65),
                        (tx + half * 0.22, top + half * 0.9),
                        (tx + half * 0.25, top + half * 1.5),
                    ],
                    closed=True,
                )
            ),
            canvas.paint(0.65, 0.4, 0.2),
            line=0.6,
        )

    cone = r.random() < 0.65
    tower(x + r.uniform(-0.1, 0.1) * size, size * 0.09, wall - size * 0.16, cone)
    canvas.fill(polygon([*crenels(x - w, x + w, wall), (x + w, bottom), (x - w, bottom)]), stone)
    _bricks(canvas, (x - w * 0.95, wall + 0.05 * size, x + w * 0.9, bottom - 0.03 * size), 14)
    for side in (-1, 1):
        tower(x + side * w, size * 0.07, wall - size * r.uniform(0.05, 0.1), cone)
    gate = size * 0.065
    canvas.fill(
        polygon(
            [
                (x - gate, bottom),
                *curve(
                    [
                        (x - gate, bottom - gate * 1.4),
                        (x - gate * 0.6, bottom - gate * 2.2),
                        (x, bottom - gate * 2.5),
                        (x + gate * 0.6, bottom - gate * 2.2),
                        (x + gate, bottom - gate * 1.4),
                    ],
                    closed=False,
                    steps=3,
                ),
                (x + gate, bottom),
            ]
        ),
        canvas.paint(0.07, 0.6, 0.3),
    )
    _ground(canvas, horizon + size * 0.02, canvas.paint(0.28, 0.5, 0.68))
    _grass(canvas, horizon + size * 0.05, 6)


def _tree(
    canvas: Canvas, x: float, base: float, height: float, leaf: Color, trunk: Color, pine: bool
) -> None:
    r = canvas.random
    w = height * 0.055
    canvas.fill(
        polygon(
            [
                (x - w, base - height * 0.5),
                (x + w, base - height * 0.5),
                (x + w * 1.7, base),
                (x - w * 1.7, base),
            ]
        ),
        trunk,
    )
    if pine:
        for k in range(3):
            y, half = base - height * (0.25 + 0.24 * k), height * (0.27 - 0.06 * k)
            canvas.fill(
                polygon(
                    [
                        (x - half, y),
                        (x, y - height * 0.4),
                        (x + half, y),
                        (x + half * 0.4, y - height * 0.03),
                        (x, y + height * 0.02),
                        (x - half * 0.4, y - height * 0.03),
                    ]
                ),
                leaf,
                line=0.8,
            )
    else:
        radius, lumps = height * 0.29, 8
        cx, cy = x, base - height * 0.68
        points = []
        for k in range(lumps * 2):
            angle = math.pi * k / lumps
            reach = radius * ((1.12 if k % 2 else 0.92) + r.uniform(-0.06, 0.06))
            points.append((cx + reach * math.cos(angle), cy + reach * math.sin(angle)))
        canvas.fill(polygon(curve(points, closed=True, steps=3)), leaf, line=0.9)
        for _ in range(3):
            a, b = cx + r.uniform(-0.5, 0.5) * radius, cy + r.uniform(-0.5, 0.5) * radius
            canvas.ink([(a - radius * 0.15, b), (a, b + radius * 0.12), (a + radius * 0.15, b)], 0.7)


def _forest(canvas: Canvas, horizon: float) -> None:
    r, size = canvas.random, canvas.size
    _sky(canvas)
    leaf = canvas.paint(r.choice((0.3, 0.35, 0.28, 0.08)), 0.6, 0.5)
    trunk = canvas.paint(0.07, 0.5, 0.38)
    pine = r.random() < 0.5
    _ridge(canvas, horizon - size * 0.18, 0.05 * size, 9, _shaded(leaf, 0.75), sharp=pine)
    _ground(canvas, horizon, canvas.paint(0.27, 0.45, 0.55))
    for row in range(2):
        count = 5 - row
        for k in range(count):
            x = size * ((k + r.uniform(0.1, 0.9)) / count)
            if row and abs(x - size / 2) < 0.16 * size:
                x += math.copysign(0.2 * size, x - size / 2)
            _tree(
                canvas,
                x,
                horizon + size * (0.02 + 0.06 * row),
                size * r.uniform(0.45, 0.62) * (1 + 0.3 * row),
                _shaded(leaf, r.uniform(0.8, 1.25)),
                trunk,
                pine,
            )
    _grass(canvas, horizon + size * 0.05, 14)


def _mountains(canvas: Canvas, horizon: float) -> None:
    r, size = canvas.random, canvas.size
    _sky(canvas)
    rock, snow = canvas.paint(r.choice((0.6, 0.7, 0.07)), 0.25, 0.6), canvas.paint(0.58, 0.04, 0.98)
    for row in range(2):
        count = 3
        for k in range(count):
            x = size * (k + r.uniform(0.2, 0.8)) / count + (size * 0.16 if row else 0)
            peak = horizon - size * (r.uniform(0.34, 0.5) - 0.14 * row)
            half = size * r.uniform(0.24, 0.34)
            h = horizon + size * 0.04 - peak
            lean = r.uniform(-0.2, 0.2) * half
            canvas.fill(
                polygon(
                    [
                        (x - half, horizon + size * 0.04),
                        (x - half * 0.45, peak + h * 0.42),
                        (x + lean, peak),
                        (x + half * 0.5, peak + h * 0.5),
                        (x + half, horizon + size * 0.04),
                    ]
                ),
                _shaded(rock, 1.15 - 0.2 * row),
                tone=0.25 * row,
            )
            s = 0.3
            canvas.fill(
                polygon(
                    [
                        (x + lean, peak),
                        (x + lean + (half * 0.5 - lean) * s * 2, peak + h * 0.5 * s * 2),
                        (x + lean + half * 0.12, peak + h * s * 0.75),
                        (x + lean - half * 0.02, peak + h * s * 1.1),
                        (x + lean - half * 0.12, peak + h * s * 0.7),
                        (x + lean - (half * 0.45 + lean) * s * 2, peak + h * 0.42 * s * 2),
                    ]
                ),
                snow,
                line=0.7,
                tone=0.0,
            )
            canvas.ink(
                [
                    (x + lean, peak + h * 0.35),
                    (x + lean + half * 0.1, peak + h * 0.55),
                    (x + lean + half * 0.02, peak + h * 0.8),
                ],
                0.8,
            )
    _ground(canvas, horizon, canvas.paint(0.28, 0.45, 0.68))
    _grass(canvas, horizon + size * 0.05, 8)


def _sea(canvas: Canvas, horizon: float) -> None:
    r, size = canvas.random, canvas.size
    _sky(canvas)
    line = horizon - size * 0.1
    water = canvas.paint(r.choice((0.55, 0.5, 0.6)), 0.6, 0.75)
    canvas.fill(
        polygon(_rect(-8, line, size + 8, size + 8)),
        water,
        to=_shaded(water, 0.75),
        line=0.7,
        round_light=0.2,
    )
    for _ in range(18):
        y = line + (size * 0.9 - line) * r.random() ** 1.3 + 4
        x, w = r.uniform(0, size), size * (0.03 + 0.1 * (y - line) / size)
        canvas.ink(
            [(x - w, y), (x - w * 0.5, y - w * 0.22), (x, y), (x + w * 0.5, y - w * 0.22), (x + w, y)], 0.6
        )
    if r.random() < 0.6:
        x, s = size * r.choice((r.uniform(0.1, 0.25), r.uniform(0.75, 0.9))), size * r.uniform(0.09, 0.13)
        canvas.fill(
            polygon(
                [(x + s * 0.1, line - s * 1.7), (x + s * 0.1, line - s * 0.2), (x + s * 0.95, line - s * 0.2)]
            ),
            canvas.paint(0.1, 0.05, 0.98),
        )
        canvas.fill(
            polygon(
                [
                    (x - s * 0.05, line - s * 1.4),
                    (x - s * 0.05, line - s * 0.2),
                    (x - s * 0.7, line - s * 0.2),
                ]
            ),
            canvas.any_paint(),
        )
        canvas.fill(
            polygon(
                [
                    (x - s, line - s * 0.12),
                    (x + s, line - s * 0.12),
                    (x + s * 0.65, line + s * 0.28),
                    (x - s * 0.65, line + s * 0.28),
                ]
            ),
            canvas.paint(0.06, 0.6, 0.5),
        )
    _ridge(canvas, size * r.uniform(0.84, 0.9), 0.015 * size, 4, canvas.paint(0.12, 0.3, 0.92))


def _city(canvas: Canvas, horizon: float) -> None:
    r, size = canvas.random, canvas.size
    night = r.random() < 0.3
    _sky(canvas, night=night)
    base = canvas.paint(r.choice((0.6, 0.05, 0.7)), 0.2, 0.6 if not night else 0.35)
    glass = canvas.paint(0.14, 0.6, 0.98) if night or r.random() < 0.5 else canvas.paint(0.55, 0.35, 0.92)
    street = horizon + size * 0.05
    for row in range(2):
        x = -size * r.uniform(0.0, 0.12)
        while x < size:
            w = size * r.uniform(0.13, 0.24)
            top = horizon - size * (r.uniform(0.36, 0.62) if row == 0 else r.uniform(0.14, 0.36))
            color = (
                _shaded(base, (1.25 if row == 0 else 0.95) + r.uniform(-0.12, 0.15))
                if r.random() < 0.6
                else canvas.paint(r.random(), 0.3, 0.75)
            )
            canvas.fill(polygon(_rect(x, top, x + w, street)), color, line=0.8, round_light=0.7)
            if row or r.random() < 0.7:
                columns = max(2, round(w / (0.06 * size)))
                step = w / columns
                y = top + 0.05 * size
                while y < street - 0.05 * size and y < top + 0.34 * size:
                    for k in range(columns):
                        if r.random() < 0.8:
                            cx = x + step * (k + 0.5)
                            canvas.fill(
                                polygon(_rect(cx - step * 0.26, y, cx + step * 0.26, y + 0.032 * size)),
                                glass,
                                line=0.45,
                                round_light=0,
                                tone=0.0,
                            )
                    y += 0.066 * size
            x += w * r.uniform(0.98, 1.15)
    canvas.fill(
        polygon(_rect(-8, street, size + 8, size + 8)), canvas.paint(0.65, 0.06, 0.55), round_light=0.3
    )
    canvas.fill(
        polygon(_rect(-8, street, size + 8, street + 0.05 * size)),
        canvas.paint(0.1, 0.04, 0.78),
        line=0.7,
        round_light=0.2,
    )
    for k in range(4):
        x = size * (k + 0.2) / 4
        canvas.fill(
            polygon(
                [
                    (x, size * 0.93),
                    (x + size * 0.12, size * 0.93),
                    (x + size * 0.11, size * 0.95),
                    (x - size * 0.01, size * 0.95),
                ]
            ),
            canvas.paint(0.14, 0.1, 0.95),
            line=0.4,
            round_light=0,
        )


def _room(canvas: Canvas, horizon: float) -> None:
    r, size = canvas.random, canvas.size
    wall = canvas.paint(r.random(), r.uniform(0.1, 0.45), r.uniform(0.7, 0.95))
    floor = canvas.paint(0.08, 0.45, r.uniform(0.45, 0.75))
    edge = horizon + size * 0.02
    canvas.fill(polygon(_rect(-8, -8, size + 8, size + 8)), wall, line=0, round_light=0.7)
    if r.random() < 0.4:
        for k in range(9):
            canvas.fill(
                polygon(_rect(size * k / 9, -8, size * (k + 0.4) / 9, edge)),
                _shaded(wall, 0.9),
                line=0.0,
                round_light=0.0,
            )
    canvas.fill(polygon(_rect(-8, edge, size + 8, size + 8)), floor, round_light=0.4)
    for k in range(7):
        x = size * (k / 6 - 0.5)
        canvas.ink([(size / 2 + x * 0.8, edge), (size / 2 + x * 1.7, size)], 0.5, smooth=False)
    canvas.fill(
        polygon(_rect(-8, edge - size * 0.03, size + 8, edge)),
        canvas.paint(0.1, 0.1, 0.92),
        line=0.6,
        round_light=0,
    )
    side = r.choice((-1, 1))
    x, y, w, h = size * (0.5 + side * 0.29), edge - size * 0.36, size * 0.26, size * 0.3
    canvas.fill(
        polygon(_rect(x - w * 0.6, y - h * 0.6, x + w * 0.6, y + h * 0.6)), canvas.paint(0.08, 0.3, 0.9)
    )
    _window(canvas, x, y, w, h, canvas.paint(0.55, 0.35, 0.95))
    cloth = canvas.any_paint()
    for k in (-1, 1):
        canvas.fill(
            polygon(
                curve(
                    [
                        (x + k * w * 0.75, y - h * 0.68),
                        (x + k * w * 0.3, y - h * 0.68),
                        (x + k * w * 0.5, y),
                        (x + k * w * 0.42, y + h * 0.7),
                        (x + k * w * 0.82, y + h * 0.72),
                    ],
                    closed=True,
                )
            ),
            cloth,
        )
    x = size * (0.5 - side * 0.3)
    if r.random() < 0.6:
        canvas.fill(
            polygon(_rect(x - size * 0.1, edge - size * 0.46, x + size * 0.1, edge - size * 0.26)),
            canvas.paint(0.1, 0.6, 0.6),
        )
        canvas.fill(
            polygon(_rect(x - size * 0.075, edge - size * 0.435, x + size * 0.075, edge - size * 0.285)),
            canvas.any_paint(),
            line=0.6,
        )
    wood = canvas.paint(0.06, 0.55, 0.45)
    for k in (-1, 1):
        canvas.fill(
            polygon(
                _rect(
                    x + k * size * 0.12 - 0.012 * size,
                    edge - size * 0.1,
                    x + k * size * 0.12 + 0.012 * size,
                    edge + size * 0.12,
                )
            ),
            wood,
        )
    canvas.fill(
        polygon(_rect(x - size * 0.16, edge - size * 0.13, x + size * 0.16, edge - size * 0.09)), wood
    )
    canvas.fill(
        polygon(
            [
                (x - size * 0.05, edge - size * 0.13),
                (x + size * 0.05, edge - size * 0.13),
                (x + size * 0.035, edge - size * 0.19),
                (x - size * 0.035, edge - size * 0.19),
            ]
        ),
        canvas.any_paint(),
    )


def _desert(canvas: Canvas, horizon: float) -> None:
    r, size = canvas.random, canvas.size
    _sky(canvas)
    canvas.fill(
        ellipse((size * r.uniform(0.15, 0.85), size * 0.15), (size * 0.09, size * 0.09)),
        canvas.paint(0.12, 0.6, 0.99),
        tone=0.0,
    )
    sand = canvas.paint(0.11, 0.45, 0.92)
    if r.random() < 0.5:
        x, h = size * r.choice((0.2, 0.8)), size * r.uniform(0.22, 0.32)
        canvas.fill(
            polygon([(x - h, horizon + 4), (x, horizon - h), (x + h, horizon + 4)]), _shaded(sand, 0.9)
        )
        canvas.fill(
            polygon([(x, horizon - h), (x + h, horizon + 4), (x + h * 0.35, horizon + 4)]),
            _shaded(sand, 0.65),
            line=0.7,
            tone=0.4,
        )
    _ridge(canvas, horizon - size * 0.02, 0.05 * size, 4, sand)
    _ridge(canvas, horizon + size * 0.12, 0.03 * size, 3, _shaded(sand, 0.93))
    cactus = canvas.paint(0.35, 0.6, 0.5)
    for side in (-1, 1):
        if r.random() < 0.75:
            x, base, h = (
                size * (0.5 + side * r.uniform(0.3, 0.42)),
                horizon + size * 0.1,
                size * r.uniform(0.22, 0.36),
            )
            w = h * 0.11
            for k in (-1, 1):
                y = base - h * r.uniform(0.35, 0.55)
                canvas.fill(
                    stroke([(x, y), (x + k * h * 0.26, y), (x + k * h * 0.26, y - h * 0.28)], [w * 0.7] * 3),
                    cactus,
                )
            canvas.fill(stroke([(x, base), (x, base - h)], [w, w]), cactus)
            canvas.ink([(x, base - h * 0.9), (x, base - 2)], 0.5, smooth=False)
    for _ in range(5):
        x, y = r.uniform(0, size), r.uniform(horizon + 0.1 * size, size)
        canvas.ink([(x, y), (x + 0.05 * size, y - 0.01 * size), (x + 0.1 * size, y)], 0.6)


def _meadow(canvas: Canvas, horizon: float) -> None:
    r, size = canvas.random, canvas.size
    _sky(canvas)
    green = canvas.paint(0.28, 0.6, 0.72)
    _ridge(canvas, horizon - size * 0.08, 0.04 * size, 4, _shaded(green, 1.15))
    _ridge(canvas, horizon + size * 0.03, 0.03 * size, 3, green)
    petals = [canvas.paint(h, 0.75, 0.97) for h in (0.98, 0.13, 0.8, 0.6)]
    for k in range(20):
        x = size * r.random()
        y = horizon + size * 0.08 + (size * 0.95 - horizon) * 0.95 * (k / 20)
        s = size * (0.013 + 0.02 * (y - horizon) / size)
        canvas.ink([(x, y), (x + s * 0.4, y + s * 3.2)], 0.6, smooth=False)
        color = r.choice(petals)
        canvas.fill(
            polygon(
                curve(
                    [
                        (
                            x + s * 1.7 * math.cos(a * 0.6283) * (1.1 if a % 2 else 0.75),
                            y + s * 1.7 * math.sin(a * 0.6283) * (1.1 if a % 2 else 0.75),
                        )
                        for a in range(10)
                    ],
                    closed=True,
                    steps=2,
                )
            ),
            color,
            line=0.6,
            tone=0.0,
        )
        canvas.fill(ellipse((x, y), (s * 0.5, s * 0.5)), petals[1], line=0.4, tone=0.0)


def _night(canvas: Canvas, horizon: float) -> None:
    r, size = canvas.random, canvas.size
    _sky(canvas, night=True)
    pale = canvas.paint(0.14, 0.25, 0.99)
    x, y, s = (
        size * r.choice((r.uniform(0.12, 0.3), r.uniform(0.7, 0.88))),
        size * 0.17,
        size * r.uniform(0.08, 0.11),
    )
    if r.random() < 0.5:
        canvas.fill(ellipse((x, y), (s, s)), pale, tone=0.0, round_light=0.4)
        for _ in range(3):
            canvas.fill(
                ellipse((x + r.uniform(-0.5, 0.5) * s, y + r.uniform(-0.5, 0.5) * s), (s * 0.15, s * 0.12)),
                _shaded(pale, 0.85),
                line=0.4,
                tone=0.1,
            )
    else:
        crescent = [
            (x + s * math.cos(a), y + s * math.sin(a)) for a in (math.pi * (0.5 + k / 8) for k in range(9))
        ]
        inner = [
            (x + s * 0.45 * math.cos(a), y + s * math.sin(a))
            for a in (math.pi * (1.5 - k / 8) for k in range(1, 8))
        ]
        canvas.fill(polygon([*crescent, *inner]), pale, tone=0.0)
    for _ in range(22):
        sx, sy, q = r.uniform(0, size), r.uniform(0, horizon), size * r.uniform(0.008, 0.02)
        canvas.fill(
            polygon(
                [
                    (
                        sx + q * (1 if k % 2 == 0 else 0.38) * math.cos(k * math.pi / 4),
                        sy + q * (1 if k % 2 == 0 else 0.38) * math.sin(k * math.pi / 4),
                    )
                    for k in range(8)
                ]
            ),
            pale,
            line=0.25,
            tone=0.0,
            round_light=0,
        )
    hill = canvas.paint(0.42, 0.5, 0.28)
    _ridge(canvas, horizon - size * 0.03, 0.05 * size, 5, _shaded(hill, 0.7))
    _ground(canvas, horizon + size * 0.04, hill)


def _plain(canvas: Canvas, horizon: float) -> None:
    r, size = canvas.random, canvas.size
    top = canvas.any_paint() if r.random() < 0.7 else (0.98, 0.97, 0.95)
    canvas.fill(
        polygon(_rect(-8, -8, size + 8, size + 8)),
        top,
        line=0,
        to=_shaded(top, r.uniform(0.7, 1.2)),
        round_light=r.uniform(0, 0.7),
    )
    if r.random() < 0.35:
        middle, count = (size * r.uniform(0.3, 0.7), size * r.uniform(0.3, 0.7)), r.randint(9, 14)
        other = _shaded(top, 0.82)
        for k in range(count):
            a, b = 2 * math.pi * k / count, 2 * math.pi * (k + 0.5) / count
            reach = size * 1.6
            canvas.fill(
                polygon(
                    [
                        middle,
                        (middle[0] + reach * math.cos(a), middle[1] + reach * math.sin(a)),
                        (middle[0] + reach * math.cos(b), middle[1] + reach * math.sin(b)),
                    ]
                ),
                other,
                line=0.5,
                round_light=0,
            )


SETTINGS: dict[str, Callable[[Canvas, float], None]] = {
    "house": _house,
    "castle": _castle,
    "forest": _forest,
    "mountains": _mountains,
    "sea": _sea,
    "city": _city,
    "room": _room,
    "desert": _desert,
    "meadow": _meadow,
    "night": _night,
    "plain": _plain,
}
"""Name -> drawing (canvas, y of the horizon in pixels)."""
