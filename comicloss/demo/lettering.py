"""Hand lettering: an alphabet of pen strokes, balloons with tails, and captions.

The letters never depend on whether the page is coloured or pencilled: each text has its own seed.
"""

from __future__ import annotations

import math
import zlib

import numpy as np

from comicloss.demo.strokes import Pen, Point, Sheet, evenly_spaced, polygon, smooth_runs, sway_along

_DOT = [(0.05, 0.94), (0.1, 1.0)]

# Strokes of each letter in cap heights, y from 0 (top) to 1 (baseline); a doubled point is a corner.
_P = [[(0.0, 0.0), (0.02, 1.0)], [(-0.04, 0.03), (0.42, 0.04), (0.54, 0.26), (0.4, 0.5), (0.02, 0.57)]]
_O = [
    [
        (0.4, 0.0),
        (0.12, 0.14),
        (0.0, 0.5),
        (0.12, 0.86),
        (0.38, 1.0),
        (0.64, 0.86),
        (0.75, 0.5),
        (0.62, 0.13),
        (0.34, 0.02),
    ]
]
_ALPHABET: dict[str, list[list[Point]]] = {
    "A": [[(0.0, 1.0), (0.36, 0.0), (0.36, 0.0), (0.74, 1.0)], [(0.12, 0.66), (0.62, 0.63)]],
    "B": [
        [(0.0, 0.0), (0.02, 1.0)],
        [(-0.04, 0.03), (0.4, 0.04), (0.5, 0.24), (0.36, 0.42), (0.06, 0.47)],
        [(0.06, 0.47), (0.48, 0.52), (0.6, 0.74), (0.42, 0.96), (-0.03, 1.0)],
    ],
    "C": [[(0.64, 0.16), (0.4, 0.0), (0.12, 0.16), (0.0, 0.52), (0.12, 0.88), (0.4, 1.0), (0.66, 0.84)]],
    "D": [[(0.02, 0.0), (0.02, 1.0)], [(-0.05, 0.03), (0.42, 0.1), (0.66, 0.48), (0.44, 0.9), (-0.04, 1.0)]],
    "E": [
        [(0.52, 0.0), (0.0, 0.03), (0.0, 0.03), (0.02, 1.0), (0.02, 1.0), (0.56, 0.97)],
        [(0.02, 0.48), (0.44, 0.46)],
    ],
    "F": [[(0.52, 0.0), (0.0, 0.03), (0.0, 0.03), (0.02, 1.0)], [(0.02, 0.5), (0.42, 0.47)]],
    "G": [
        [
            (0.62, 0.14),
            (0.38, 0.0),
            (0.1, 0.18),
            (0.0, 0.54),
            (0.14, 0.9),
            (0.42, 1.0),
            (0.66, 0.82),
            (0.67, 0.56),
        ],
        [(0.68, 0.56), (0.38, 0.57)],
    ],
    "H": [[(0.0, 0.0), (0.02, 1.0)], [(0.6, 0.0), (0.61, 1.0)], [(0.02, 0.5), (0.6, 0.47)]],
    "I": [[(0.09, 0.0), (0.1, 1.0)]],
    "J": [[(0.44, 0.0), (0.45, 0.7), (0.34, 0.95), (0.14, 0.98), (0.0, 0.8)]],
    "K": [[(0.0, 0.0), (0.02, 1.0)], [(0.54, 0.0), (0.03, 0.56)], [(0.17, 0.42), (0.6, 1.0)]],
    "L": [[(0.0, 0.0), (0.02, 1.0), (0.02, 1.0), (0.5, 0.96)]],
    "M": [
        [(0.0, 1.0), (0.1, 0.0), (0.1, 0.0), (0.42, 0.68)],
        [(0.42, 0.68), (0.74, 0.0), (0.74, 0.0), (0.84, 1.0)],
    ],
    "N": [[(0.0, 1.0), (0.02, 0.0), (0.02, 0.0), (0.6, 1.0), (0.6, 1.0), (0.61, 0.0)]],
    "O": _O,
    "P": _P,
    "Q": [*_O, [(0.42, 0.7), (0.76, 1.1)]],
    "R": [*_P, [(0.2, 0.56), (0.58, 1.0)]],
    "S": [
        [
            (0.54, 0.13),
            (0.3, 0.0),
            (0.06, 0.14),
            (0.1, 0.38),
            (0.34, 0.5),
            (0.54, 0.66),
            (0.5, 0.9),
            (0.24, 1.0),
            (0.0, 0.86),
        ]
    ],
    "T": [[(0.0, 0.03), (0.66, 0.0)], [(0.34, 0.02), (0.33, 1.0)]],
    "U": [[(0.0, 0.0), (0.02, 0.6), (0.12, 0.92), (0.32, 1.0), (0.52, 0.9), (0.6, 0.6), (0.61, 0.0)]],
    "V": [[(0.0, 0.0), (0.32, 1.0), (0.32, 1.0), (0.64, 0.0)]],
    "W": [
        [(0.0, 0.0), (0.22, 1.0), (0.22, 1.0), (0.46, 0.28)],
        [(0.46, 0.28), (0.68, 1.0), (0.68, 1.0), (0.92, 0.0)],
    ],
    "X": [[(0.0, 0.0), (0.6, 1.0)], [(0.58, 0.0), (0.0, 1.0)]],
    "Y": [[(0.0, 0.0), (0.3, 0.5)], [(0.62, 0.0), (0.2, 1.0)]],
    "Z": [[(0.0, 0.03), (0.56, 0.0), (0.56, 0.0), (0.0, 1.0), (0.0, 1.0), (0.6, 0.96)]],
    # The word "I" has bars, as letterers write it.
    "i": [[(0.2, 0.0), (0.2, 1.0)], [(0.0, 0.02), (0.4, 0.0)], [(0.0, 1.0), (0.4, 0.98)]],
    ".": [_DOT],
    "!": [[(0.08, 0.0), (0.04, 0.68)], _DOT],
    "?": [
        [(0.0, 0.2), (0.12, 0.03), (0.36, 0.02), (0.5, 0.2), (0.4, 0.4), (0.22, 0.52), (0.22, 0.7)],
        [(0.2, 0.94), (0.25, 1.0)],
    ],
    ",": [[(0.08, 0.9), (0.0, 1.16)]],
    "'": [[(0.05, 0.0), (0.0, 0.26)]],
    "-": [[(0.0, 0.54), (0.34, 0.52)]],
    " ": [],
}
_SPACE, _BETWEEN, _LEADING = 0.52, 0.23, 1.62
_NARROW = "I.!'"  # these stand a little freer on their right
_NARROW = "I.!'"  # these stand a little freer on their right


def _advance(letter: str) -> float:
    strokes = _ALPHABET[letter]
    if not strokes:
        return _SPACE - _BETWEEN
    return max(x for stroke in strokes for x, _ in stroke) + (0.1 if letter in _NARROW else 0.0)


def _line_width(line: str) -> float:
    """Width of a line in cap heights."""
    return sum(_advance(letter) + _BETWEEN for letter in line) - _BETWEEN


def _lines(text: str) -> list[str]:
    """Lines as the alphabet has them: the pronoun I gets its bars."""
    return [
        " ".join("i" + word[1:] if word.rstrip("!?.,") == "I" or word[:2] == "I'" else word for word in words)
        for words in (line.split(" ") for line in text.split("\n"))
    ]


def text_size(text: str, cap: float) -> tuple[float, float]:
    """Width and height in pixels of a text whose capitals are `cap` pixels high."""
    lines = _lines(text)
    return max(map(_line_width, lines)) * cap, ((len(lines) - 1) * _LEADING + 1) * cap


def letter(sheet: Sheet, text: str, x: float, y: float, cap: float, *, weight: float = 0.155) -> None:
    """Letter a text, centered on (x, y) pixels; `weight` is the stroke width in cap heights."""
    rng = np.random.default_rng(zlib.crc32(text.encode()))
    lines = _lines(text)
    top = y - text_size(text, cap)[1] / 2
    for number, line in enumerate(lines):
        cursor = x - _line_width(line) * cap / 2
        for character in line:
            tilt = math.radians(rng.normal(0, 2.2))
            drop, size = rng.normal(0, 0.025), cap * rng.normal(1, 0.03)
            for stroke in _ALPHABET[character]:
                points = np.array(stroke) + rng.normal(0, 0.014, (len(stroke), 2))
                _keep_corners(points, stroke)
                turned = points @ np.array(
                    [[math.cos(tilt), math.sin(tilt)], [-math.sin(tilt), math.cos(tilt)]]
                )
                pixels = turned * size + [cursor, top + (number * _LEADING + drop) * cap]
                for run in smooth_runs(pixels, closed=False):
                    path = evenly_spaced(run)
                    widths = cap * weight * (1 + 0.12 * sway_along(rng, len(path), (15, 30)))
                    if len(stroke) == 2 and stroke[1][1] - stroke[0][1] < 0.07 and stroke[1][0] < 0.3:
                        widths = widths * 1.25
                    sheet.brush("letters", path, widths, 255)
            cursor += (_advance(character) + _BETWEEN) * cap


def _keep_corners(points: np.ndarray[tuple[int, int], np.dtype[np.float64]], stroke: list[Point]) -> None:
    """A doubled point stays doubled after the jitter."""
    for index in range(1, len(stroke)):
        if stroke[index] == stroke[index - 1]:
            points[index] = points[index - 1]


def balloon(
    pen: Pen,
    text: str,
    x: float,
    y: float,
    tip: Point,
    *,
    cap: float = 19.0,
    shout: bool = False,
) -> None:
    """A speech balloon around a text.

    Args:
        pen: a pen whose unit is the pixel.
        text: capitals; lines parted by a line break.
        x: center, in pixels.
        y: center, in pixels.
        tip: where its tail ends, near the speaker's mouth.
        cap: height of the capitals in pixels.
        shout: a jagged balloon.
    """
    width, height = text_size(text, cap)
    rx, ry = width / 2 + cap * 1.55, height / 2 + cap * 1.25
    toward = math.atan2((tip[1] - y) / ry, (tip[0] - x) / rx)
    gap = min(0.2, 13 / min(rx, ry) * 0.8)
    points: list[Point] = []
    count = 26 if shout else 22
    for index in range(count + 1):
        turn = toward + gap + (2 * math.pi - 2 * gap) * index / count
        cos, sin = math.cos(turn), math.sin(turn)
        # A superellipse: rounder than a box, roomier than an ellipse.
        reach = (abs(cos) ** 2.6 + abs(sin) ** 2.6) ** (-1 / 2.6)
        if shout:
            reach *= 1.17 if index % 2 else 1.0
        point = (x + rx * reach * cos, y + ry * reach * sin)
        points += [point, point] if shout or index in (0, count) else [point]
    # The tail's two sides bend the same way.
    (ax, ay), (bx, by) = points[-1], points[0]
    across, along = -(tip[1] - y) * 0.06, (tip[0] - x) * 0.06
    points += [((ax + tip[0]) / 2 + across, (ay + tip[1]) / 2 + along), tip, tip]
    points += [((bx + tip[0]) / 2 + 1.4 * across, (by + tip[1]) / 2 + 1.4 * along), points[0]]
    pen.shape(points, None, line=3.0, wobble=0.6)
    letter(pen.sheet, text, x, y, cap, weight=0.18 if shout else 0.155)


def caption(pen: Pen, text: str, x: float, y: float) -> None:
    """A caption box whose upper left corner is at (x, y) pixels."""
    cap = 17.0
    width, height = text_size(text, cap)
    right, bottom = x + width + 2.2 * cap, y + height + 1.9 * cap
    corners = [(x, y), (right, y - 1.5), (right + 1, bottom), (x - 1, bottom + 1)]
    pen.shape(polygon(*corners), None, line=2.8)
    letter(pen.sheet, text, (x + right) / 2, (y + bottom) / 2, cap)
