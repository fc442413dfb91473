"""Pictures side by side under the names of their elements, for a person to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

_TILE = 120
_GAP = 10
_CAPTION = 30
_HEADING = 34
_COLUMNS = 10
_MOST = 40  # pictures of one element
_PAPER, _INK, _QUIET, _ALARM = (250, 249, 246), (38, 38, 42), (150, 148, 144), (205, 45, 45)


def contact_sheet(
    images: Sequence[NDArray[np.uint8]],
    shown: NDArray[np.bool_],
    element_names: Sequence[str],
    reasons: Mapping[tuple[int, int], str],
) -> NDArray[np.uint8]:
    """A sheet with rows of pictures for each element that they are labeled with, and for those with none.

    Suspects come first in their row, framed in red, with the reason below. At most 40 pictures stand for an
    element, spread over all of them; the heading says how many there are.

    Args:
        images: N pictures (H, W, 3) uint8.
        shown: (N, E) whether the picture is labeled with the element.
        element_names: E of them.
        reasons: what is doubtful of a picture under an element, by (picture, element), the most doubtful
            first. Under the element E stand the pictures that show none.

    Returns:
        (H, W, 3) uint8.
    """
    sections = []
    for element, name in enumerate([*element_names, "none of them"]):
        members = np.flatnonzero(shown[:, element] if element < len(element_names) else ~shown.any(axis=1))
        # A doubtful absence stands beside the element's own pictures, for comparison.
        doubtful = [index for index, place in reasons if place == element]
        calm = members[~np.isin(members, doubtful)]
        room = min(len(calm), max(_MOST - len(doubtful), _COLUMNS))
        chosen = [*doubtful[:_MOST], *calm[np.linspace(0, max(len(calm) - 1, 0), room).round().astype(int)]]
        if len(members) or doubtful:
            heading = f"{name}: {len(members)} pictures"
            if doubtful:
                heading += f", {len(doubtful)} to look at"
            sections.append((heading, [(int(index), reasons.get((int(index), element))) for index in chosen]))
    rows = [-(-len(tiles) // _COLUMNS) for _, tiles in sections]
    pitch = _TILE + _CAPTION + _GAP
    size = (_COLUMNS * (_TILE + _GAP) + _GAP, sum(rows) * pitch + len(sections) * _HEADING + _GAP)
    sheet = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    top = _GAP
    for (heading, tiles), count in zip(sections, rows, strict=True):
        draw.text((_GAP, top + 4), heading, _INK, ImageFont.load_default(18))
        top += _HEADING
        for place, (index, reason) in enumerate(tiles):
            across, down = place % _COLUMNS, place // _COLUMNS
            corner = _GAP + across * (_TILE + _GAP), top + down * pitch
            _tile(sheet, draw, corner, images[index], reason)
        top += count * pitch
    return np.asarray(sheet)


def _tile(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    image: NDArray[np.uint8],
    reason: str | None,
) -> None:
    left, top = corner
    height, width = image.shape[:2]
    scale = _TILE / max(height, width)
    fitted = max(round(width * scale), 1), max(round(height * scale), 1)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = Image.fromarray(cv2.resize(np.ascontiguousarray(image), fitted, interpolation=way))
    draw.rectangle((left, top, left + _TILE - 1, top + _TILE - 1), fill=(255, 255, 255))
    sheet.paste(small, (left + (_TILE - fitted[0]) // 2, top + (_TILE - fitted[1]) // 2))
    draw.rectangle((left - 1, top - 1, left + _TILE, top + _TILE), outline=_QUIET)
    if reason is not None:
        draw.rectangle((left - 3, top - 3, left + _TILE + 2, top + _TILE + 2), outline=_ALARM, width=3)
        font = ImageFont.load_default(11)
        for line, text in enumerate(_wrapped(reason, font)):
            draw.text((left, top + _TILE + 4 + 13 * line), text, _ALARM, font)


def _wrapped(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> list[str]:
    """The words in at most two lines as wide as a tile."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= _TILE or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return [*lines[:1], " ".join(lines[1:])][: 2 if len(lines) > 1 else 1]
