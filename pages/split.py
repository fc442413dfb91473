"""A page -> its panels in reading order."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from pages.cuts import CutPage
from pages.model import Direction, FoundPanel
from pages.order import reading_order
from pages.region import Region

_WORKING_AREA = 560_000  # pixels of a page on which panels are looked for
_STRIP, _STRIP_WIDTH = 2.2, 620  # a page so many times as high as wide is a strip, and looked at so wide
_SKETCHY = 0.15  # a page with less ink may have dashed frames
_DASH = 0.02  # so wide a gap between dashes is filled, as a share of the page's shorter side
_FRAMED = 0.8  # of such a panel's outline is a line
_UPRIGHT = 0.97  # a panel that fills so much of its box is a rectangle


def find_panels(image: NDArray[np.uint8], direction: Direction = "ltr") -> list[FoundPanel]:
    """The panels of a page in reading order.

    The page is cut along the most certain of the straight lines that divide panels: edges of frames and
    gutters, level, upright or slanted, which art and balloons may interrupt; or a clean strip of gutter color
    between borderless panels. Then each part is cut in turn, blank margins are left out, and a part that
    cannot be cut is a panel. A page without gutters is one panel. Lines are looked for on a copy of about
    620 x 900 pixels, so that resolution does not change the answer.

    Args:
        image: (H, W, 3) uint8.
        direction: of reading.

    Returns:
        At least one.
    """
    height, width = image.shape[:2]
    is_strip = height > _STRIP * width
    scale = min(_STRIP_WIDTH / width if is_strip else math.sqrt(_WORKING_AREA / (width * height)), 1.0)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    small = _reduced(image, size)
    page = CutPage.of(small)
    parts = page.panels()
    if len(parts) == 1 and page.ink < _SKETCHY:
        joined = CutPage.of(_dashes_joined(small))
        framed = joined.panels()
        if all(joined.framed(part.region) > _FRAMED for part in framed):
            parts = framed
    order = reading_order([part.region.even_box for part in parts], direction)
    regions = [parts[place].region.scaled(width / size[0], height / size[1]) for place in order]
    return [
        FoundPanel(region.box(width, height), _polygon(region), parts[place].confidence)
        for region, place in zip(regions, order, strict=True)
    ]


def _reduced(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture at a smaller size: by means of whole pixels as far as that goes, which is fast."""
    height, width = image.shape[:2]
    times = max(min(width // size[0], height // size[1]), 1)
    if times > 1:
        high, wide = height // times, width // times
        image = cv2.resize(image[: high * times, : wide * times], (wide, high), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR))


def _dashes_joined(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture with short breaks in its level and upright dark lines filled."""
    reach = 2 * round(_DASH * min(image.shape[:2]) / 2) + 1
    level, upright = (np.ones(shape, np.uint8) for shape in ((1, reach), (reach, 1)))
    joined: NDArray[np.uint8] = np.minimum(
        cv2.morphologyEx(image, cv2.MORPH_OPEN, level), cv2.morphologyEx(image, cv2.MORPH_OPEN, upright)
    )
    return joined


def _polygon(region: Region) -> tuple[tuple[int, int], ...] | None:
    if region.fill >= _UPRIGHT:
        return None
    return tuple((round(float(x)), round(float(y))) for x, y in region.corners)
