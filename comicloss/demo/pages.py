"""The demo's three pages: what each panel shows, and who says what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from comicloss.demo.dragon import DragonPose, Wing, dragon, dragon_face
from comicloss.demo.lettering import balloon, caption, letter
from comicloss.demo.people import Pose, hero, princess
from comicloss.demo.places import (
    DUSK,
    FAR_GRASS,
    GRASS,
    PATH,
    ROCK,
    SKY,
    bunting,
    castle,
    cloud,
    flower,
    grass,
    heart,
    hill,
    home,
    pine,
    puff,
    sheep,
    signpost,
    star,
    sun,
    tree,
)
from comicloss.demo.props import cake, party_hat, spoon
from comicloss.demo.story import DEMO_STORY
from comicloss.demo.strokes import Pen, Point, Rough, Sheet, polygon

PAGE_WIDTH, PAGE_HEIGHT = 1000, 1400


def _morning(pen: Pen, width: int, height: int) -> None:
    """1: the Hero's home, and nobody up yet."""
    pen.wash(width, height * 0.62, SKY)
    sun(pen.at(width * 0.9, 84, 42))
    cloud(pen.at(640, 100, 34))
    cloud(pen.at(118, 168, 26))
    hill(pen, [(-10, 270), (150, 225), (330, 262), (520, 215), (730, 255), (930, 222)], height + 5, FAR_GRASS)
    for x, y, size in ((60, 262, 22), (98, 270, 28), (800, 256, 26), (760, 262, 20)):
        pine(pen.at(x, y, size))
    hill(pen, [(-10, 352), (200, 312), (460, 300), (720, 318), (930, 362)], height + 5, GRASS)
    path = [
        (424, 338),
        (424, 338),
        (470, 338),
        (470, 338),
        (520, 370),
        (610, 396),
        (690, height + 4),
        (690, height + 4),
    ]
    pen.shape([*path, (500, height + 4), (500, height + 4), (490, 400), (452, 370)], PATH, line=2.6, shadow=0)
    pen.ground_shadow(206, 352, 62, GRASS)
    pen.ground_shadow(500, 340, 150, GRASS)
    tree(pen.at(196, 350, 62))
    home(pen.at(486, 338, 66))
    sheep(pen.at(806, 352, 22, mirror=True))
    for post in range(6):
        x, y = 664 + 40 * post, 352 + post * 4
        pen.shape(
            polygon((x - 7, y + 26), (x - 7, y - 20), (x, y - 30), (x + 7, y - 20), (x + 7, y + 26)),
            (232, 214, 180),
            line=2.6,
        )
        if post < 5:
            pen.stroke([(x + 7, y - 4), (x + 33, y - 1)], 3.0)
            pen.stroke([(x + 7, y + 10), (x + 33, y + 13)], 3.0)
    for x, y, color in (
        (300, 372, (232, 112, 136)),
        (334, 384, (250, 246, 238)),
        (360, 370, (232, 112, 136)),
    ):
        flower(pen.at(x, y, 14), color)
    grass(pen, [(60, 380), (130, 404), (260, 396), (410, 408), (740, 412), (850, 404)])
    for letter_size, x, y in ((15, 640, 214), (20, 672, 186), (26, 714, 152)):
        letter(pen.sheet, "Z", x, y, letter_size)
    caption(pen, "TUESDAY. NOTHING EVER HAPPENS\nON A TUESDAY.", 18, 18)


_FLYING = DragonPose(
    spine=(
        (-7.4, -0.6, 0.14),
        (-6.0, 0.5, 0.32),
        (-4.4, 0.5, 0.55),
        (-2.4, 0.1, 1.0),
        (-0.4, -0.1, 1.32),
        (1.4, -0.6, 1.0),
        (2.6, -1.6, 0.72),
        (3.4, -2.3, 0.66),
    ),
    head=(4.0, -2.5),
    head_turn=-6,
    feet=(((-1.6, 0.5), (-2.9, 1.9), 0.62), ((1.0, 0.2), (0.2, 1.6), 0.5)),
    wing=Wing((-1.0, -0.5), (-2.2, -3.7), ((-6.2, -5.0), (-5.6, -2.6), (-4.0, -1.5)), (-2.4, -0.4)),
    far_wing=Wing((-0.5, -0.8), (-0.9, -4.0), ((-3.2, -6.6), (-3.2, -4.6), (-2.4, -2.8)), (-1.2, -0.9)),
    expression="joy",
    belly=(0.3, 0.97),
)


def _flight(pen: Pen, width: int, height: int) -> None:
    """2: the Dragon flies past the castle with the Princess on its back."""
    pen.wash(width, height * 0.86, SKY)
    cloud(pen.at(60, 300, 24))
    hill(pen, [(-10, 400), (120, 380), (260, 396), (width + 10, 360)], height + 5, FAR_GRASS)
    pen.ground_shadow(376, 402, 70, FAR_GRASS)
    castle(pen.at(372, 400, 18))
    hill(pen, [(-10, 424), (160, 410), (330, 420), (width + 10, 404)], height + 5, GRASS)
    for x, y, size in ((36, 430, 22), (80, 436, 28), (230, 434, 20)):
        pine(pen.at(x, y, size))
    rider = Pose(
        "joy", facing=0.7, near=(-1.3, -4.0), far=(1.45, -4.2), near_bend=0.1, far_bend=-0.1, wind=0.5, lean=4
    )
    dragon(pen.at(220, 238, 29), _FLYING)
    princess(pen.at(250, 240, 28), rider)
    for x, y in ((20, 150), (36, 184), (10, 206)):
        pen.stroke([(x, y), (x + 54, y - 3)], 2.4)
    balloon(pen, "WHEEEEE!", 352, 52, (290, 122), cap=20)


def _alarm(pen: Pen, width: int, height: int) -> None:
    """3: the Hero has seen it."""
    pen.wash(width, height, (252, 226, 150))
    center = (224, 300)
    for index in range(30):
        turn = 2 * np.pi * index / 30 + 0.1
        reach = 224 + 30 * (index % 3)
        start = (center[0] + reach * 0.8 * np.cos(turn), center[1] + reach * 0.86 * np.sin(turn))
        end = (center[0] + 520 * np.cos(turn), center[1] + 520 * np.sin(turn))
        pen.stroke([end, start], 3.6, wobble=0.4)
    figure = Pose(
        "shock",
        facing=0.1,
        look=(0.2, -0.2),
        near=(-1.0, -3.25),
        far=(1.04, -3.25),
        near_bend=-0.62,
        far_bend=0.62,
    )
    hero(pen.at(224, 652, 92), figure)
    balloon(pen, "THE DRAGON HAS\nGOT THE PRINCESS!", 224, 72, (232, 150), shout=True)


def _run(pen: Pen, width: int, height: int) -> None:
    """4: out of the door, spoon in hand."""
    pen.wash(width, height * 0.6, SKY)
    cloud(pen.at(440, 96, 28))
    hill(pen, [(-10, 240), (240, 206), (520, 232), (780, 196), (930, 214)], height + 5, FAR_GRASS)
    for x, y, size in ((850, 214, 24), (886, 222, 30)):
        pine(pen.at(x, y, size))
    hill(pen, [(-10, 316), (200, 296), (420, 300), (660, 322), (930, 272)], height + 5, GRASS)
    road = [
        (146, 306),
        (146, 306),
        (196, 306),
        (196, 306),
        (300, 336),
        (560, 362),
        (930, 318),
        (930, 318),
        (930, 366),
        (930, 366),
    ]
    pen.shape([*road, (640, 410), (360, 396), (180, 346)], PATH, line=2.6, shadow=0)
    pen.ground_shadow(206, 306, 124, GRASS)
    home(pen.at(196, 304, 56), open_door=True)
    figure = Pose(
        "brave",
        facing=0.9,
        near=(-1.5, -4.1),
        far=(1.5, -2.2),
        near_bend=-0.35,
        far_bend=0.3,
        feet=((1.1, -0.25), (-1.15, -0.55)),
        lean=13,
        wind=0.85,
        holds="spoon",
        grip=-14,
    )
    pen.ground_shadow(596, 388, 66, PATH)
    hero(pen.at(588, 384, 56), figure)
    for x, y, size in ((478, 388, 13), (444, 376, 17), (408, 386, 11)):
        puff(pen.at(x, y, size))
    for y in (236, 262, 340):
        pen.stroke([(330 + y * 0.1, y), (402 + y * 0.1, y + 2)], 2.6)
    sheep(pen.at(800, 318, 20, mirror=True), startled=True)
    grass(pen, [(60, 390), (280, 398), (862, 302), (716, 340)])
    balloon(pen, "HOLD ON!\nI HAVE A SPOON!", 768, 76, (706, 190), cap=20)


def _arrival(pen: Pen, width: int, height: int) -> None:
    """5: a tall castle, a small hero."""
    pen.wash(width, height * 0.6, SKY)
    cloud(pen.at(84, 190, 26))
    cloud(pen.at(370, 250, 30))
    for x, y in ((60, 330), (104, 312), (84, 362)):
        pen.stroke([(x - 14, y - 6), (x - 6, y - 8), (x, y), (x, y), (x + 6, y - 8), (x + 14, y - 6)], 2.4)
    hill(pen, [(-10, 800), (140, 740), (300, 770), (width + 10, 720)], height + 5, FAR_GRASS)
    crag = [
        (50, 1000),
        (90, 830),
        (96, 720),
        (120, 650),
        (240, 624),
        (362, 646),
        (396, 720),
        (408, 850),
        (440, 1000),
    ]
    pen.shape([crag[0], *crag, crag[-1]], ROCK, line=3.6)
    for x, y, length in (
        (134, 730, 70),
        (120, 860, 60),
        (366, 770, 80),
        (362, 900, 60),
        (232, 676, 44),
        (250, 900, 50),
    ):
        pen.stroke(
            [(x, y), *polygon((x + 9, y + length * 0.4), (x - 4, y + length * 0.55)), (x + 6, y + length)],
            2.8,
        )
    castle(pen.at(243, 646, 46), bridge=False)
    trail = [
        (224, 648),
        (224, 648),
        (264, 648),
        (264, 648),
        (336, 720),
        (306, 800),
        (206, 868),
        (188, 930),
        (262, 1030),
    ]
    pen.shape([*trail, (150, 1030), (120, 930), (150, 850), (256, 784), (280, 726)], PATH, line=2.8, shadow=0)
    hill(pen, [(-10, 1000), (120, 984), (260, 994), (width + 10, 966)], height + 5, GRASS)
    for x, y, size in ((34, 1004, 40), (404, 984, 54), (352, 992, 36)):
        pine(pen.at(x, y, size))
    road = [
        (176, 988),
        (176, 988),
        (236, 992),
        (236, 992),
        (300, 1080),
        (280, 1180),
        (330, height + 5),
        (330, height + 5),
    ]
    pen.shape(
        [*road, (70, height + 5), (70, height + 5), (130, 1180), (170, 1080), (176, 988)],
        PATH,
        line=2.8,
        shadow=0,
    )
    signpost(pen.at(364, 1180, 34))
    letter(pen.sheet, "NO\nSWORDS!", 364, 1104, 16)
    figure = Pose(
        "puzzled",
        facing=0.8,
        look=(0.8, -0.2),
        near=(-1.2, -2.9),
        far=(1.0, -1.6),
        near_bend=-0.45,
        feet=((0.42, 0.0), (-0.45, 0.0)),
        wind=0.12,
        holds="spoon",
        grip=-18,
    )
    pen.ground_shadow(194, 1270, 48, PATH)
    hero(pen.at(186, 1268, 44), figure)
    sheep(pen.at(352, 1262, 26, mirror=True))
    grass(pen, [(40, 1110), (60, 1230), (400, 1240), (330, 1060)])
    flower(pen.at(56, 1180, 15), (232, 112, 136))
    flower(pen.at(84, 1196, 13), (250, 246, 238))
    caption(pen, "NINE HILLS LATER...", 18, 18)


def _dragon_near(pen: Pen, width: int, height: int) -> None:
    """6: the Dragon, very near."""
    pen.wash(width, height, (226, 214, 240))
    dragon_face(pen.at(228, 300, 148), look=(-0.1, 0.75))
    for x, y, size in (
        (96, 348, 13),
        (64, 322, 18),
        (38, 284, 25),
        (360, 348, 13),
        (392, 322, 18),
        (420, 284, 25),
    ):
        puff(pen.at(x, y, size))
    balloon(pen, "DID YOU KNOCK?", 228, 540, (236, 462), cap=20)


_SITTING = DragonPose(
    spine=(
        (-6.2, -1.6, 0.16),
        (-5.2, -0.1, 0.38),
        (-3.2, 0.3, 0.8),
        (-0.9, -0.5, 1.5),
        (0.5, -2.2, 1.35),
        (1.0, -4.2, 0.85),
        (1.6, -5.5, 0.7),
    ),
    head=(2.1, -6.0),
    feet=(((-0.9, 0.0), (0.2, 1.3), 0.82), ((1.0, -2.4), (2.2, -1.6), 0.4)),
    wing=Wing((-0.4, -2.2), (-2.2, -5.2), ((-5.4, -6.0), (-5.0, -3.4), (-3.4, -1.7)), (-1.3, -0.9)),
    head_turn=16,
    expression="puzzled",
    look=(0.6, 0.7),
    belly=(0.34, 0.98),
)


def _standoff(pen: Pen, width: int, height: int) -> None:
    """7: a small hero and a large dragon."""
    pen.wash(width, height * 0.72, SKY)
    cloud(pen.at(350, 96, 30))
    hill(pen, [(-10, 520), (160, 490), (320, 504), (width + 10, 480)], height + 5, FAR_GRASS)
    hill(pen, [(-10, 590), (200, 572), (width + 10, 584)], height + 5, GRASS)
    pen.ground_shadow(350, 636, 150, GRASS)
    dragon(pen.at(318, 574, 51, mirror=True), _SITTING)
    figure = Pose(
        "brave",
        facing=0.85,
        look=(0.5, -0.7),
        near=(1.2, -2.3),
        far=(-0.9, -1.7),
        near_bend=0.2,
        feet=((0.6, 0.0), (-0.7, -0.02)),
        holds="spoon",
        grip=42,
        lean=-5,
        tilt=-10,
        wind=0.1,
    )
    pen.ground_shadow(100, 662, 44, GRASS)
    hero(pen.at(94, 660, 38), figure)
    grass(pen, [(200, 676), (420, 650), (380, 682)])
    balloon(pen, "LET HER GO!", 116, 390, (92, 462), cap=18)
    balloon(pen, "...WHO?", 100, 116, (116, 258), cap=20)


def _late(pen: Pen, width: int, height: int) -> None:
    """8: the Princess, with a cake."""
    pen.wash(width, height * 0.8, SKY)
    cloud(pen.at(330, 70, 24))
    hill(pen, [(-10, 280), (300, 262), (640, 282), (930, 250)], height + 5, FAR_GRASS)
    pen.ground_shadow(166, 320, 116, FAR_GRASS)
    castle(pen.at(160, 318, 30))
    hill(pen, [(-10, 330), (260, 322), (560, 330), (930, 318)], height + 5, GRASS)
    pose = DragonPose(
        spine=(
            (14, 9, 0.9),
            (6.5, 7.5, 1.7),
            (3.4, 5.6, 1.5),
            (1.8, 2.6, 1.1),
            (0.9, 0.9, 0.84),
            (0.2, -0.1, 0.75),
        ),
        head=(0, 0),
        head_turn=-4,
        head_mirror=True,
        back=-1,
        expression="grin",
        look=(0.6, 0.4),
        hat=True,
        belly=(0.1, 0.98),
    )
    dragon(pen.at(812, 214, 62), pose)
    figure = Pose(
        "cross",
        facing=0.3,
        look=(0.0, 0.1),
        near=(-0.66, -1.8),
        far=(1.5, -2.15),
        near_bend=0.62,
        far_bend=-0.3,
        tilt=-3,
    )
    princess(pen.at(440, 494, 70), figure)
    cake(pen.at(553, 330, 50))
    balloon(pen, "YOU ARE LATE!\nIT IS HER BIRTHDAY.", 606, 62, (520, 180), cap=18)


def _sorry(pen: Pen, width: int, height: int) -> None:
    """9: oh."""
    pen.wash(width, height, (250, 214, 206))
    figure = Pose(
        "sheepish",
        facing=0.35,
        look=(0.8, -0.3),
        near=(-1.3, -2.62),
        far=(0.95, -1.7),
        near_bend=-0.6,
        holds="spoon",
        grip=-14,
        tilt=6,
    )
    hero(pen.at(214, 486, 74), figure)
    for x, y in ((318, 176), (336, 214)):
        pen.stroke([(x, y), (x + 10, y + 12), (x + 6, y + 20), (x - 2, y + 14), (x, y)], 2.4)
    balloon(pen, "I BROUGHT...\nA SPOON?", 274, 56, (244, 120), cap=17)


def _delight(pen: Pen, width: int, height: int) -> None:
    """10: just the thing."""
    pen.wash(width, height, (206, 232, 226))
    pose = DragonPose(
        spine=((12, 7, 0.9), (5, 5.2, 1.5), (2.2, 3.2, 1.2), (0.9, 1.0, 0.84), (0.2, -0.1, 0.75)),
        feet=(((0.6, 3.2), (-2.45, 1.3), 0.5),),
        head=(0, 0),
        head_turn=-6,
        head_mirror=True,
        back=-1,
        expression="joy",
        hat=True,
        belly=(0.1, 0.98),
    )
    spoon(pen.at(142, 286, 62, turn=-12))
    dragon(pen.at(330, 206, 74), pose)
    for x, y, size in ((60, 130, 15), (150, 108, 11), (444, 70, 16), (470, 130, 11)):
        heart(pen.at(x, y, size))
    balloon(pen, "JUST WHAT\nI WANTED!", 108, 58, (160, 190), cap=18)


def _feast(pen: Pen, width: int, height: int) -> None:
    """11: everybody at the Hero's home."""
    pen.wash(width, height * 0.7, DUSK)
    for x, y, size in ((330, 120, 10), (420, 170, 8), (500, 120, 9), (890, 150, 9), (36, 170, 9)):
        star(pen.at(x, y, size))
    hill(pen, [(-10, 330), (200, 292), (460, 320), (700, 296), (930, 318)], height + 5, FAR_GRASS)
    for x, y, size in ((872, 320, 28), (900, 326, 36)):
        pine(pen.at(x, y, size))
    hill(pen, [(-10, 420), (260, 404), (600, 400), (930, 424)], height + 5, GRASS)
    pose = replace(
        _SITTING,
        spine=(
            (-11.0, -3.0, 0.16),
            (-10.3, -1.6, 0.3),
            (-8.0, -0.7, 0.5),
            (-4.4, -0.3, 0.85),
            *_SITTING.spine[3:],
        ),
        expression="joy",
        hat=True,
        head_turn=18,
        belly=(0.5, 0.98),
    )
    bunting(pen, (270, 170), (935, 110), 60, 12)
    pen.ground_shadow(500, 494, 130, GRASS)
    dragon(pen.at(534, 440, 45), pose)
    pen.ground_shadow(214, 466, 150, GRASS)
    home(pen.at(210, 462, 66), lit=True)
    host = Pose(
        "happy",
        facing=0.7,
        look=(0.4, -0.6),
        near=(-1.0, -3.2),
        far=(1.0, -1.9),
        near_bend=-0.3,
        holds="spoon",
        grip=-8,
        tilt=-8,
    )
    host = replace(host, far=(1.25, -3.1), far_bend=0.3)
    pen.ground_shadow(702, 521, 48, GRASS)
    hero(pen.at(706, 520, 42, mirror=True), host)
    guest = Pose("joy", facing=0.5, near=(-0.9, -2.0), far=(1.3, -2.3), near_bend=0.4, far_bend=-0.3, tilt=4)
    pen.ground_shadow(836, 522, 56, GRASS)
    princess(pen.at(840, 522, 42, mirror=True), guest)
    cake(pen.at(781, 424, 32), candle=False)
    grass(pen, [(60, 500), (330, 506), (460, 490), (900, 510)])
    flower(pen.at(46, 476, 14), (232, 112, 136))
    flower(pen.at(70, 488, 12), (250, 246, 238))
    pen.ground_shadow(396, 512, 34, GRASS)
    sheep(pen.at(396, 512, 25))
    party_hat(pen.at(423, 462, 20, turn=10))
    caption(pen, "BEST. TUESDAY. EVER.", 18, 18)
    balloon(pen, "MORE!", 838, 64, (762, 222), cap=22)


_PANELS: tuple[tuple[Callable[[Pen, int, int], None], ...], ...] = (
    (_morning, _flight, _alarm, _run),
    (_arrival, _dragon_near, _standoff),
    (_late, _sorry, _delight, _feast),
)


def draw_pages(rough: Rough) -> list[NDArray[np.uint8]]:
    """The demo's pages, (1400, 1000, 3) uint8 each; "color": ink and marker, "pencil": the same in graphite.

    The panels lie where `DEMO_STORY` says; the lettering is the same in both.
    """
    return [draw_page(number + 1, rough) for number in range(len(_PANELS))]


def draw_page(number: int, rough: Rough) -> NDArray[np.uint8]:
    """One page by its number, from 1; see `draw_pages`."""
    first_seed = 100 * number
    frames = Sheet(PAGE_WIDTH, PAGE_HEIGHT, rough, seed=first_seed)
    panels = zip(_PANELS[number - 1], DEMO_STORY.pages[number - 1].panels, strict=True)
    ground = Sheet(8, 8, rough, seed=0).render()
    page = np.empty((PAGE_HEIGHT, PAGE_WIDTH, 3), np.uint8)
    page[:] = ground[0, 0]
    for order, (draw, panel) in enumerate(panels, start=1):
        x, y, width, height = panel.box
        sheet = Sheet(width, height, rough, seed=first_seed + order)
        draw(sheet.pen, width, height)
        page[y : y + height, x : x + width] = sheet.render()
        _frame(frames.pen, x, y, width, height)
    return frames.render(page)


def _frame(pen: Pen, x: int, y: int, width: int, height: int) -> None:
    """A ruled frame by hand, its line just inside the box, the pencil running on past the corners."""
    inset = 2.0
    left, top, right, bottom = x + inset, y + inset, x + width - inset, y + height - inset
    corners: list[Point] = [(left, top), (right, top), (right, bottom), (left, bottom)]
    for (ax, ay), (bx, by) in zip(corners, [*corners[1:], corners[0]], strict=True):
        pen.stroke([(ax, ay), ((ax + bx) / 2, (ay + by) / 2), (bx, by)], 4.2, taper=0.2, wobble=0.7)
