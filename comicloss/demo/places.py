"""The settings: the Hero's home, the Princess' castle, and the land between them.

Home and castle stand on y = 0 of their pen, centered on x = 0; their unit is about a door's width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from comicloss.demo.strokes import Color, Pen, Point, ellipse, polygon

HOME_COLORS: dict[str, Color] = {
    "roof": (214, 92, 62),
    "walls": (248, 232, 196),
    "door": (84, 138, 120),
    "chimney": (176, 164, 156),
    "wood": (150, 102, 66),
}
CASTLE_COLORS: dict[str, Color] = {
    "stone": (206, 202, 216),
    "roofs": (92, 108, 184),
    "flags": (244, 184, 68),
    "gate": (128, 90, 72),
    "windows": (74, 72, 104),
}
SKY: Color = (196, 226, 242)
DUSK: Color = (252, 206, 172)
GRASS: Color = (168, 206, 112)
FAR_GRASS: Color = (196, 220, 156)
LEAVES: Color = (120, 172, 92)
PATH: Color = (240, 218, 170)
ROCK: Color = (186, 174, 168)


def home(pen: Pen, *, smoke: bool = True, lit: bool = False, open_door: bool = False) -> None:
    """The Hero's home: a crooked cottage, a big soft red roof, a round door, a chimney; 4.6 wide, 4.3 high.

    Args:
        pen: where it stands.
        smoke: out of the chimney.
        lit: light in the windows.
        open_door: the door stands open.
    """
    colors = HOME_COLORS
    pen.guide([(-2.6, -1.3), (0.1, -4.2), (2.6, -1.3)])
    pen.guide([(0.05, -4.4), (0.0, 0.2)])
    pen.guide([(-2.4, 0.02), (2.4, 0.0)])
    if smoke:
        for x, y, size in ((1.2, -4.15, 0.2), (1.46, -4.6, 0.28), (1.2, -5.15, 0.36)):
            puff(pen.at(x, y, size))
    chimney = polygon((0.88, -4.0), (1.52, -3.95), (1.56, -2.2), (0.84, -2.2))
    pen.shape(chimney, colors["chimney"], line=3.0)
    pen.shape(polygon((0.76, -4.16), (1.64, -4.1), (1.62, -3.86), (0.78, -3.9)), colors["chimney"], line=3.0)
    for x, y in ((0.98, -3.62), (1.22, -3.4), (1.0, -3.16)):
        pen.stroke([(x, y), (x + 0.22, y + 0.01)], 2.0)
    walls = [
        (-1.62, 0.02),
        (-1.62, 0.02),
        (-1.52, -0.8),
        (-1.56, -1.75),
        (-1.56, -1.75),
        (1.56, -1.75),
        (1.56, -1.75),
    ]
    pen.shape([*walls, (1.5, -0.8), (1.64, 0.0), (1.64, 0.0), (-1.62, 0.02)], colors["walls"], line=3.2)
    for x, y in ((-1.3, -0.25), (-1.1, -1.2), (0.36, -0.2), (1.25, -0.3)):
        pen.stroke([(x, y), (x + 0.14, y - 0.02)], 1.8)
        pen.stroke([(x + 0.1, y + 0.09), (x + 0.22, y + 0.08)], 1.8)
    door = pen.at(-0.52, -0.72)
    door.shape(ellipse(0, 0, 0.74, 0.74, 14), colors["wood"], line=3.0)
    if open_door:
        door.shape(ellipse(0, 0, 0.58, 0.58, 14), (96, 66, 60), line=2.6)
        door.shape(
            [(-0.56, 0.0), (-0.7, -0.52), (-1.02, -0.6), (-1.2, 0.0), (-1.02, 0.62), (-0.7, 0.54)],
            colors["door"],
            line=3.0,
        )
        door.shape(ellipse(-1.04, 0.02, 0.06), CASTLE_COLORS["flags"], line=2.0)
    else:
        door.shape(ellipse(0, 0, 0.58, 0.58, 14), colors["door"], line=2.8)
        for x, reach in ((-0.28, 0.48), (0.02, 0.56), (0.3, 0.47)):
            door.stroke([(x, -reach), (x + 0.01, reach)], 2.0)
        door.shape(ellipse(0.36, 0.04, 0.075), CASTLE_COLORS["flags"], line=2.2)
    pen.shape([(-1.3, 0.14), (-1.1, -0.06), (0.1, -0.06), (0.26, 0.14)], ROCK, line=2.8)
    window = pen.at(0.86, -0.98)
    window.shape(ellipse(0, 0, 0.44, 0.44, 12), colors["wood"], line=2.8)
    window.shape(ellipse(0, 0, 0.32, 0.32, 12), (252, 222, 120) if lit else (176, 216, 232), line=2.4)
    window.stroke([(0, -0.32), (0.0, 0.32)], 2.4)
    window.stroke([(-0.32, 0), (0.32, 0.0)], 2.4)
    window.shape(polygon((-0.5, 0.42), (0.5, 0.42), (0.44, 0.66), (-0.44, 0.66)), colors["wood"], line=2.6)
    for x, color in ((-0.34, (232, 112, 136)), (-0.02, (250, 206, 84)), (0.3, (232, 112, 136))):
        window.shape(ellipse(x, 0.34, 0.14, 0.12, 7), color, line=2.2)
    roof = [
        (-2.32, -1.42),
        (-2.32, -1.42),
        (-1.9, -2.0),
        (-1.3, -2.95),
        (-0.62, -3.75),
        (-0.1, -4.28),
        (0.16, -4.3),
        (0.5, -3.8),
        (1.15, -2.95),
        (1.85, -2.05),
        (2.34, -1.38),
        (2.34, -1.38),
        (1.9, -1.22),
        (1.4, -1.4),
        (0.9, -1.24),
        (0.35, -1.44),
        (-0.2, -1.28),
        (-0.75, -1.48),
        (-1.3, -1.26),
        (-1.85, -1.42),
        (-2.32, -1.42),
    ]
    pen.shape(roof, colors["roof"], line=3.8)
    for y, low, high in ((-2.0, -1.6, 1.7), (-2.6, -1.2, 1.25), (-3.2, -0.8, 0.8), (-3.72, -0.35, 0.4)):
        x = low
        while x < high:
            pen.stroke([(x, y - 0.08), (x + 0.1, y + 0.08), (x + 0.28, y + 0.1), (x + 0.38, y - 0.06)], 2.3)
            x += 0.72
    gable = pen.at(-0.1, -2.6)
    gable.shape(ellipse(0, 0, 0.3, 0.3, 10), (252, 222, 120) if lit else (176, 216, 232), line=2.8)
    gable.stroke([(0, -0.3), (0, 0.3)], 2.0)
    gable.stroke([(-0.3, 0), (0.3, 0)], 2.0)


def castle(pen: Pen, *, bridge: bool = True) -> None:
    """The Princess' castle: five towers with blue roofs and golden flags; 7 wide, 9.4 high."""
    stone = CASTLE_COLORS["stone"]
    for x in (-2.5, 0.0, 2.5):
        pen.guide([(x, 0.3), (x + 0.04, -9.2)])
    _tower(pen.at(-1.25, -2.2), 1.1, 2.9, flag=0.9)
    _tower(pen.at(1.35, -2.2), 1.2, 3.6, flag=1.0, windows=2)
    _tower(pen.at(0.05, -2.6), 1.5, 4.0, flag=1.2, windows=2)
    wall = [(-2.4, 0.05), (-2.3, -2.6), *_battlements(-2.3, 2.3, -2.6, 7), (2.3, -2.6), (2.4, 0.05)]
    pen.shape(polygon(*wall), stone, line=3.4)
    _bricks(pen, ((-1.7, -1.9), (-1.5, -0.9), (1.4, -2.0), (1.5, -0.7), (-0.9, -2.15), (0.8, -2.2)))
    gate = [
        (-0.72, 0.05),
        (-0.72, 0.05),
        (-0.7, -0.9),
        (-0.4, -1.4),
        (0.0, -1.56),
        (0.4, -1.4),
        (0.7, -0.9),
        (0.72, 0.05),
        (0.72, 0.05),
    ]
    pen.at(0, 0, 1.16).shape(gate, stone, line=2.6)
    pen.shape(gate, CASTLE_COLORS["gate"], line=3.0)
    for x, top in ((-0.36, -1.36), (0.0, -1.54), (0.36, -1.36)):
        pen.stroke([(x, top), (x, 0.02)], 2.2)
    for y in (-0.4, -0.85):
        pen.stroke([(-0.68, y), (0.68, y + 0.01)], 2.2)
    pen.shape(ellipse(0.2, -0.6, 0.09), CASTLE_COLORS["flags"], line=2.2)
    for x in (-1.3, 1.3):
        _window(pen.at(x, -1.3))
    _tower(pen.at(-2.6, 0.05), 1.35, 4.0, flag=0.9, windows=2)
    _tower(pen.at(2.65, 0.05), 1.35, 3.5, flag=-0.9, windows=2)
    if bridge:
        pen.shape(
            [
                (-0.75, 0.0),
                (-0.75, 0.0),
                (0.75, 0.0),
                (0.75, 0.0),
                (1.05, 0.7),
                (1.05, 0.7),
                (-1.05, 0.7),
                (-1.05, 0.7),
            ],
            HOME_COLORS["wood"],
            line=3.0,
        )
        for y, reach in ((0.18, 0.8), (0.36, 0.9), (0.54, 0.98)):
            pen.stroke([(-reach, y), (reach, y)], 2.2)


def _battlements(left: float, right: float, y: float, count: int, height: float = 0.3) -> list[Point]:
    """Corners of a crenellated line from left to right."""
    step = (right - left) / (2 * count - 1)
    points: list[Point] = []
    for index in range(count):
        x = left + 2 * index * step
        points += [(x, y), (x, y - height), (x + step, y - height), (x + step, y)]
    return points


def _tower(pen: Pen, width: float, height: float, *, flag: float = 1.0, windows: int = 1) -> None:
    """A round tower with a pointed roof; `flag` is the flag's length, to the left where negative."""
    half, top = width / 2, -height
    pole = top - width * 1.7
    pen.stroke([(0, top - width * 1.2), (0.02, pole - 0.45)], 2.8)
    cloth = [
        (0.02, pole - 0.42),
        (0.02, pole - 0.42),
        (flag * 0.45, pole - 0.5),
        (flag, pole - 0.3),
        (flag, pole - 0.3),
    ]
    tip = [(flag * 0.7, pole - 0.18), (flag * 0.7, pole - 0.18), (flag * 0.95, pole), (flag * 0.95, pole)]
    pen.shape(
        [*cloth, *tip, (flag * 0.45, pole - 0.1), (0.02, pole), (0.02, pole)],
        CASTLE_COLORS["flags"],
        line=2.6,
    )
    pen.shape(
        polygon((-half, 0), (-half * 0.94, top), (half * 0.94, top), (half, 0)),
        CASTLE_COLORS["stone"],
        line=3.2,
    )
    rim = [
        (-half * 1.15, top + 0.12),
        (-half * 1.15, top - 0.22),
        (half * 1.15, top - 0.22),
        (half * 1.15, top + 0.12),
    ]
    pen.shape(polygon(*rim), CASTLE_COLORS["stone"], line=3.0)
    roof = [
        (-half * 1.4, top - 0.14),
        (-half * 1.4, top - 0.14),
        (-half * 0.62, top - width * 0.85),
        (0, pole),
        (0, pole),
    ]
    pen.shape(
        [
            *roof,
            (half * 0.66, top - width * 0.8),
            (half * 1.4, top - 0.16),
            (half * 1.4, top - 0.16),
            (0, top + 0.02),
        ],
        CASTLE_COLORS["roofs"],
        line=3.4,
    )
    pen.stroke(
        [(-half * 0.8, top - width * 0.52), (0.0, top - width * 0.42), (half * 0.8, top - width * 0.52)], 2.2
    )
    pen.stroke(
        [(-half * 0.45, top - width * 0.98), (0.0, top - width * 0.9), (half * 0.45, top - width * 0.98)], 2.2
    )
    for index in range(windows):
        _window(pen.at((-1) ** index * half * 0.22, top + 0.85 + 1.15 * index))
    _bricks(pen, ((-half * 0.7, top + 0.62), (half * 0.2, top + 1.5), (-half * 0.6, top + 1.95)))


def _window(pen: Pen) -> None:
    outline = [
        (-0.15, 0.25),
        (-0.15, 0.25),
        (-0.15, -0.12),
        (0.0, -0.32),
        (0.15, -0.12),
        (0.15, 0.25),
        (0.15, 0.25),
    ]
    pen.shape(outline, CASTLE_COLORS["windows"], line=2.6)


def _bricks(pen: Pen, places: Sequence[Point]) -> None:
    for x, y in places:
        pen.stroke([(x, y), (x + 0.3, y + 0.01)], 2.0)
        pen.stroke([(x + 0.14, y), (x + 0.14, y + 0.14), (x + 0.14, y + 0.14), (x + 0.42, y + 0.14)], 2.0)


def hill(pen: Pen, ridge: Sequence[Point], bottom: float, color: Color) -> None:
    """Land under a ridge of points from left to right, down to `bottom` (all in the pen's units)."""
    (left, _), (right, _) = ridge[0], ridge[-1]
    land = [ridge[0], *ridge, ridge[-1], *polygon((right, bottom), (left, bottom))]
    pen.shape(land, color, line=0, shadow=0, wobble=0)
    # The line stops short of the panel's frame.
    (second, after_left), (before, before_right) = ridge[1], ridge[-2]
    starts = (14.0, ridge[0][1] + (after_left - ridge[0][1]) * (14.0 - left) / (second - left))
    stops = (right - 26.0, ridge[-1][1] + (before_right - ridge[-1][1]) * 26.0 / (right - before))
    pen.stroke([starts, *ridge[1:-1], stops], 3.0)


def cloud(pen: Pen) -> None:
    """A cloud about 4 wide, its base on y = 0."""
    outline = [
        (-1.9, 0.0),
        (-2.1, -0.45),
        (-1.6, -0.75),
        (-1.2, -0.62),
        (-0.9, -1.2),
        (-0.1, -1.35),
        (0.4, -0.9),
        (0.8, -1.05),
    ]
    pen.shape(
        [
            *outline,
            (1.3, -0.75),
            (1.25, -0.55),
            (1.8, -0.5),
            (1.9, -0.05),
            (1.2, 0.08),
            (0.0, 0.02),
            (-1.0, 0.08),
        ],
        None,
        line=2.6,
    )
    pen.stroke([(-0.7, -0.5), (-0.45, -0.8), (-0.05, -0.78)], 2.0)


def puff(pen: Pen) -> None:
    """A puff of smoke or dust of radius 1: five bumps and a curl."""
    outline: list[Point] = []
    for index in range(6):
        for share in (0.0, 0.0, 0.22, 0.5, 0.78):
            turn, reach = 2 * math.pi * (index + share) / 6 + 0.3, 1.12 if share else 0.86
            outline.append((reach * math.cos(turn), 0.92 * reach * math.sin(turn)))
    pen.shape(outline, None, line=2.6)
    pen.stroke([(0.5, -0.3), (0.55, 0.25), (0.1, 0.45), (-0.15, 0.2)], 2.0)


def tree(pen: Pen) -> None:
    """A round tree 3 high, its foot at the origin."""
    pen.shape(
        [
            (-0.26, 0.05),
            (-0.26, 0.05),
            (-0.14, -0.6),
            (-0.2, -1.3),
            (0.22, -1.3),
            (0.16, -0.6),
            (0.3, 0.04),
            (0.3, 0.04),
        ],
        HOME_COLORS["wood"],
        line=2.8,
    )
    crown = [
        (-0.9, -1.0),
        (-1.2, -1.5),
        (-0.95, -2.1),
        (-0.5, -2.6),
        (0.1, -2.85),
        (0.7, -2.55),
        (1.05, -2.0),
        (1.15, -1.4),
        (0.75, -0.95),
        (0.0, -1.05),
    ]
    pen.shape(crown, LEAVES, line=3.0)
    for x, y in ((-0.5, -1.9), (0.2, -2.2), (0.3, -1.5), (-0.3, -1.4)):
        pen.stroke([(x, y), (x + 0.12, y + 0.14), (x + 0.3, y + 0.02)], 2.2)


def pine(pen: Pen) -> None:
    """A pine 3 high, its foot at the origin."""
    pen.shape(
        polygon((-0.14, 0.02), (-0.12, -0.6), (0.12, -0.6), (0.15, 0.02)), HOME_COLORS["wood"], line=2.4
    )
    needles: list[Point] = [
        (0.0, -3.0),
        (0.45, -2.1),
        (0.28, -2.1),
        (0.72, -1.25),
        (0.5, -1.25),
        (0.95, -0.45),
    ]
    outline = [*needles, *[(-x, y) for x, y in needles[:0:-1]]]
    pen.shape(polygon(*outline), (96, 146, 104), line=2.8)


def grass(pen: Pen, places: Sequence[Point], size: float = 9.0) -> None:
    """Tufts of grass at places in pixels."""
    for x, y in places:
        for dx, lean in ((-0.6, -0.5), (0.0, 0.1), (0.6, 0.6)):
            pen.stroke(
                [
                    (x + dx * size, y),
                    (x + (dx + lean * 0.5) * size, y - size * 0.7),
                    (x + (dx + lean) * size, y - size * 1.4),
                ],
                2.4,
            )


def flower(pen: Pen, color: Color) -> None:
    """A flower 2 high, its foot at the origin."""
    pen.stroke([(0, 0), (0.08, -0.7), (0.0, -1.3)], 2.4)
    for x, y in ((-0.32, -1.5), (0.32, -1.5), (0.0, -1.85), (-0.2, -1.2), (0.22, -1.2)):
        pen.shape(ellipse(x, y, 0.24, 0.24, 7), color, line=2.0)
    pen.shape(ellipse(0, -1.48, 0.2, 0.2, 7), (250, 206, 84), line=2.0)


def bunting(pen: Pen, start: Point, end: Point, sag: float, count: int = 9) -> None:
    """A string of little flags between two points in pixels, `sag` pixels deep."""
    colors: tuple[Color, ...] = ((206, 86, 78), (250, 206, 84), (120, 178, 226), (168, 206, 112))

    def point(share: float) -> Point:
        return (
            start[0] + (end[0] - start[0]) * share,
            start[1] + (end[1] - start[1]) * share + 4 * sag * share * (1 - share),
        )

    for index in range(count):
        (ax, ay), (bx, by) = point((index + 0.2) / count), point((index + 0.8) / count)
        pen.shape(
            polygon((ax, ay), (bx, by), ((ax + bx) / 2, (ay + by) / 2 + 26)), colors[index % 4], line=2.4
        )
    pen.stroke([point(index / 12) for index in range(13)], 2.6, taper=0)


def heart(pen: Pen) -> None:
    """A heart of about radius 1."""
    outline = [
        (0, 1.0),
        (0, 1.0),
        (-0.8, 0.2),
        (-0.95, -0.4),
        (-0.5, -0.8),
        (0.0, -0.4),
        (0.0, -0.4),
        (0.5, -0.8),
    ]
    pen.shape([*outline, (0.95, -0.4), (0.8, 0.2), (0, 1.0)], (226, 88, 96), line=2.6)


def star(pen: Pen) -> None:
    """A small four-pointed star of radius 1."""
    points = [
        (0.0, -1.0),
        (0.22, -0.22),
        (1.0, 0.0),
        (0.22, 0.22),
        (0.0, 1.0),
        (-0.22, 0.22),
        (-1.0, 0.0),
        (-0.22, -0.22),
    ]
    pen.shape(polygon(*points), (255, 244, 190), line=2.0, shadow=0)


def sheep(pen: Pen, *, startled: bool = False) -> None:
    """A sheep about 2.6 wide that looks to the right, its feet on y = 0."""
    dark: Color = (92, 84, 92)
    for x in (-0.6, -0.25, 0.3, 0.62):
        pen.shape(
            polygon((x - 0.09, -0.7), (x + 0.09, -0.7), (x + 0.08, 0.0), (x - 0.08, 0.0)), dark, line=2.2
        )
    wool: list[Point] = []
    for index in range(9):
        for share in (0.0, 0.0, 0.25, 0.5, 0.75):
            turn, reach = 2 * math.pi * (index + share) / 9, 1.1 if share else 0.92
            wool.append((1.05 * reach * math.cos(turn), -1.15 + 0.72 * reach * math.sin(turn)))
    pen.shape(wool, (250, 246, 238), line=2.6)
    head = pen.at(1.05, -1.5, turn=8)
    head.shape([(-0.3, -0.1), (-0.66, 0.0), (-0.6, 0.2), (-0.28, 0.14)], dark, line=2.2)
    head.shape(ellipse(0.08, 0.05, 0.42, 0.5), dark, line=2.4)
    head.shape(
        [(-0.34, -0.3), (-0.1, -0.62), (0.25, -0.6), (0.4, -0.32), (0.02, -0.24)], (250, 246, 238), line=2.2
    )
    for x in (-0.08, 0.28):
        head.shape(ellipse(x, 0.0, 0.15, 0.19 if startled else 0.15), None, line=1.6)
        head.blot(ellipse(x + 0.03, 0.02, 0.06))


def signpost(pen: Pen) -> None:
    """A wooden board on a post, its foot at the origin; the board is 4 wide, its center at (0, -2.2)."""
    wood = HOME_COLORS["wood"]
    pen.shape(polygon((-0.16, 0.0), (-0.14, -2.0), (0.16, -2.0), (0.18, 0.0)), wood, line=3.0)
    pen.shape(polygon((-2.0, -1.3), (-2.05, -3.05), (2.0, -3.2), (2.05, -1.38)), (240, 222, 186), line=3.2)


def sun(pen: Pen) -> None:
    """A sun of radius 1 with rays."""
    for index in range(12):
        turn = 2 * math.pi * index / 12
        reach = 1.75 if index % 2 else 1.5
        ends = [(r * math.cos(turn), r * math.sin(turn)) for r in (1.25, reach)]
        pen.stroke(ends, 3.0)
    pen.shape(ellipse(0, 0, 1.0, 1.0, 14), (252, 220, 110), line=2.8, shadow=0)
