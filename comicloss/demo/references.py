"""Reference drawings: each element alone, a few times, in poses that the pages do not have."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from comicloss.demo.dragon import DragonPose, Wing, dragon, dragon_face
from comicloss.demo.people import Pose, hero, princess
from comicloss.demo.places import castle, home
from comicloss.demo.story import CASTLE, DRAGON, HERO, HOME, PRINCESS
from comicloss.demo.strokes import Pen, Rough, Sheet

_SIZE = 300

_STANDING = DragonPose(
    spine=(
        (-5.4, -2.2, 0.15),
        (-4.6, -0.8, 0.34),
        (-3.0, -0.1, 0.7),
        (-0.8, -0.5, 1.3),
        (1.0, -0.9, 1.15),
        (2.1, -2.2, 0.8),
        (2.5, -3.3, 0.68),
    ),
    head=(3.0, -3.8),
    feet=(((-1.2, 0.0), (-0.9, 1.7), 0.7), ((1.0, -0.4), (1.3, 1.7), 0.56)),
    far_feet=(((0.2, 0.0), (0.4, 1.5), 0.5),),
    wing=Wing((-0.2, -1.4), (-1.6, -4.0), ((-4.8, -4.4), (-4.2, -2.6), (-2.8, -1.4)), (-1.2, -0.8)),
    belly=(0.3, 0.98),
)

_DRAWINGS: dict[str, tuple[Callable[[Pen], None], ...]] = {
    HERO: (
        lambda pen: hero(pen.at(150, 288, 48), Pose("calm", facing=0.5)),
        lambda pen: hero(
            pen.at(150, 288, 46, mirror=True),
            Pose(
                "happy",
                facing=0.9,
                near=(-1.2, -3.4),
                far=(1.2, -2.0),
                near_bend=-0.3,
                feet=((0.6, 0.0), (-0.6, 0.0)),
            ),
        ),
        lambda pen: hero(pen.at(150, 420, 74), Pose("smug", facing=0.2, tilt=5)),
    ),
    PRINCESS: (
        lambda pen: princess(pen.at(150, 288, 46), Pose("calm", facing=0.5)),
        lambda pen: princess(
            pen.at(150, 288, 45, mirror=True),
            Pose(
                "delight",
                facing=0.9,
                near=(-1.3, -3.4),
                far=(1.3, -2.6),
                near_bend=-0.3,
                far_bend=-0.2,
                wind=0.25,
            ),
        ),
        lambda pen: princess(pen.at(150, 440, 70), Pose("smug", facing=0.2, tilt=-5)),
    ),
    DRAGON: (
        lambda pen: dragon(pen.at(150, 226, 25), _STANDING),
        lambda pen: dragon(pen.at(160, 226, 25, turn=-8, mirror=True), _STANDING),
        lambda pen: dragon_face(pen.at(150, 176, 90), look=(0.4, 0.2)),
    ),
    HOME: (
        lambda pen: home(pen.at(150, 280, 52)),
        lambda pen: home(pen.at(150, 270, 42, mirror=True), smoke=False, open_door=True),
        lambda pen: home(pen.at(190, 330, 74), smoke=False, lit=True),
    ),
    CASTLE: (
        lambda pen: castle(pen.at(150, 274, 28)),
        lambda pen: castle(pen.at(150, 270, 22, mirror=True), bridge=False),
        lambda pen: castle(pen.at(170, 330, 40)),
    ),
}


def reference_drawings(rough: Rough = "color") -> dict[str, list[NDArray[np.uint8]]]:
    """Three drawings of each element on white paper, (300, 300, 3) uint8, by the element's name."""
    return {
        name: [_drawing(draw, rough, seed=1000 + 10 * row + column) for column, draw in enumerate(drawings)]
        for row, (name, drawings) in enumerate(_DRAWINGS.items())
    }


def _drawing(draw: Callable[[Pen], None], rough: Rough, seed: int) -> NDArray[np.uint8]:
    sheet = Sheet(_SIZE, _SIZE, rough, seed)
    draw(sheet.pen)
    return sheet.render()
