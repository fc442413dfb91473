"""Pictures that show a person what was found on a page: its panels in reading order, its lettering."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Color = tuple[int, int, int]

Certainty = Literal["found", "doubtful", "settled"]
"""Of a panel: found by detection, found but to be looked at, set or confirmed by the author."""

_COLORS: dict[Certainty, Color] = {
    "found": (214, 62, 44),
    "doubtful": (224, 132, 0),
    "settled": (0, 122, 120),
}
_TEXT, _BALLOON = (214, 62, 44), (0, 122, 160)
_WHITE = (255, 255, 255)
_PALER = 0.25  # of white over the page, so that the lines stand out
_TINT = 0.16  # of a doubtful panel's color over it
_SHIFT = 4  # bits of a pixel's fraction in OpenCV's coordinates


@dataclass(frozen=True)
class Outline:
    """One panel as it is to be shown.

    Attributes:
        corners: (x, y) in pixels of the page, one after the other.
        label: written beside its number, such as its id; "" for none.
        certainty: how much it can be relied on.
    """

    corners: Sequence[tuple[int, int]]
    label: str = ""
    certainty: Certainty = "found"


def panels_overlay(image: Picture, panels: Sequence[Outline], *, from_right: bool = False) -> Picture:
    """The page, paled, with its panels outlined, numbered from 1, and a line from number to number.

    A doubtful panel is tinted, has a dashed outline and a question mark behind its number.

    Args:
        image: (H, W, 3) uint8.
        panels: in reading order.
        from_right: put the numbers where reading from right to left begins: the upper right corners.

    Returns:
        (H, W, 3) uint8.
    """
    page = _paled(image)
    short = min(page.shape[:2])
    line, letters = max(short / 260, 1.5), max(short // 34, 9)
    for panel in panels:
        if panel.certainty == "doubtful":
            _tint(page, panel.corners, _COLORS["doubtful"])
    for panel in panels:
        corners = np.array(panel.corners, np.float64)
        strokes = list(_dashes(corners, 7 * line)) if panel.certainty == "doubtful" else [_closed(corners)]
        for color, width in ((_WHITE, 2.4 * line), (_COLORS[panel.certainty], line)):
            for stroke in strokes:
                _draw(page, stroke, color, width)
    tags = [_Tag.of(number, panel, letters, from_right, page) for number, panel in enumerate(panels, 1)]
    for before, after in itertools.pairwise(tags):
        _arrow(page, before.center, after.center, max(line * 0.7, 1))
    canvas = Image.fromarray(page)
    for tag in tags:
        tag.paste_on(canvas)
    return np.array(canvas)


def lettering_overlay(image: Picture, text: Mask, balloons: Mask) -> Picture:
    """The page, paled, with the shapes of balloons tinted and outlined, and the letters in them tinted red.

    Args:
        image: (H, W, 3) uint8.
        text: (H, W) bool, where letters are.
        balloons: (H, W) bool, the shapes around them.

    Returns:
        (H, W, 3) uint8.
    """
    page = _paled(image)
    line = max(min(page.shape[:2]) / 400, 1.0)
    for mask, color, share in ((balloons & ~text, _BALLOON, 0.35), (text, _TEXT, 0.35)):
        page[mask] = np.rint(page[mask] * (1 - share) + np.array(color) * share)
    outlines, _ = cv2.findContours(balloons.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    cv2.drawContours(page, outlines, -1, _BALLOON, max(round(line), 1), cv2.LINE_AA)
    return page


@dataclass(frozen=True)
class _Tag:
    """A panel's number and label, drawn and ready to be pasted."""

    picture: Image.Image
    left: int
    top: int
    center: tuple[float, float]

    @classmethod
    def of(cls, number: int, panel: Outline, size: int, from_right: bool, page: Picture) -> _Tag:
        scale = 4  # drawn larger and reduced, for smooth edges
        figure = f"{number}?" if panel.certainty == "doubtful" else str(number)
        bold, small = _font(size * scale), _font(size * 0.62 * scale)
        pad, gap = 0.45 * size * scale, 0.3 * size * scale
        widths = bold.getlength(figure), small.getlength(panel.label)
        width = 2 * pad + widths[0] + (gap + widths[1] if panel.label else 0)
        height = 1.5 * size * scale
        picture = Image.new("RGBA", (round(max(width, height)), round(height)))
        draw = ImageDraw.Draw(picture)
        edge = max(round(size * scale / 9), 1)
        whole = (0, 0, picture.width - 1, picture.height - 1)
        draw.rounded_rectangle(whole, height / 2, _COLORS[panel.certainty], _WHITE, edge)
        start, middle = (picture.width - width) / 2 + pad, height / 2
        draw.text((start, middle), figure, _WHITE, bold, anchor="lm")
        draw.text((start + widths[0] + gap, middle), panel.label, _WHITE, small, anchor="lm")
        picture = picture.resize(
            (max(picture.width // scale, 1), max(picture.height // scale, 1)), Image.Resampling.LANCZOS
        )
        x, y = _corner(panel.corners, from_right)
        margin = size * 0.2
        left = x - margin - picture.width if from_right else x + margin
        left = min(max(round(left), 0), max(page.shape[1] - picture.width, 0))
        top = min(max(round(y + margin), 0), max(page.shape[0] - picture.height, 0))
        return cls(picture, left, top, (left + picture.width / 2, top + picture.height / 2))

    def paste_on(self, page: Image.Image) -> None:
        page.paste(self.picture, (self.left, self.top), self.picture)


def _corner(corners: Sequence[tuple[int, int]], from_right: bool) -> tuple[int, int]:
    """The corner at which reading begins: the uppermost of those toward that side."""
    sign = -1 if from_right else 1
    return min(corners, key=lambda corner: (sign * corner[0] + corner[1], corner[1]))


def _paled(image: Picture) -> Picture:
    paled: Picture = np.rint(image * np.float32(1 - _PALER) + np.float32(255 * _PALER)).astype(np.uint8)
    return paled


def _tint(page: Picture, corners: Sequence[tuple[int, int]], color: Color) -> None:
    mask = np.zeros(page.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.array(corners, np.int32)], 1)
    inside = mask.astype(np.bool_)
    page[inside] = np.rint(page[inside] * (1 - _TINT) + np.array(color) * _TINT)


def _closed(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.vstack([corners, corners[:1]])


def _dashes(corners: NDArray[np.float64], length: float) -> Iterator[NDArray[np.float64]]:
    closed = _closed(corners)
    for start, end in itertools.pairwise(closed):
        count = max(round(float(np.hypot(*(end - start))) / length) // 2 * 2 + 1, 1)
        points = start + (end - start) * np.linspace(0, 1, count + 1)[:, None]
        for place in range(0, count, 2):
            yield points[place : place + 2]


def _draw(page: Picture, stroke: NDArray[np.float64], color: Color, width: float) -> None:
    # The middle of a pixel is at whole coordinates; edges of panels lie between pixels, on its inner side.
    points = np.rint((stroke - 0.5) * (1 << _SHIFT)).astype(np.int32)
    cv2.polylines(page, [points], False, color, max(round(width), 1), cv2.LINE_AA, _SHIFT)


def _arrow(page: Picture, start: tuple[float, float], end: tuple[float, float], width: float) -> None:
    """A line with an arrowhead in its middle, see-through so that the art can be seen below."""
    first, last = np.array(start), np.array(end)
    length = float(np.hypot(*(last - first)))
    if length < 1:
        return
    along = (last - first) / length
    across = np.array([-along[1], along[0]])
    tip, size = first + (last - first) * 0.5 + along * 4 * width, 8 * width
    head = np.array([tip, tip - along * size + across * size / 2, tip - along * size - across * size / 2])
    layer = page.copy()
    color = (70, 66, 62)
    _draw(layer, np.array([first, last]), _WHITE, 2.6 * width)
    _draw(layer, np.array([first, last]), color, width)
    points = np.rint((head - 0.5) * (1 << _SHIFT)).astype(np.int32)
    cv2.fillPoly(layer, [points], color, cv2.LINE_AA, _SHIFT)
    cv2.addWeighted(layer, 0.6, page, 0.4, 0, dst=page)


def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(max(size, 8))
