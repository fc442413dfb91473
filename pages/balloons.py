"""The paper that a block of text stands on: the inside of a balloon or caption."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pages.model import Box

Mask = NDArray[np.bool_]

_TOLERANCE = 24  # gray levels per channel by which a balloon's paper may vary
_LARGEST = 0.25  # of the page, of a balloon
_OUTLINE = 8  # working pixels: the thickest outline of a balloon
_BARRED = 255  # in the flood's mask: already part of another ground


@dataclass(frozen=True)
class Shape:
    """The inside of a balloon or caption.

    Attributes:
        box: the window that the mask is of.
        mask: (h, w) bool, without holes, without the outline.
        solidity: share of its convex hull that it fills.
        squareness: share of the smallest rectangle around it, at any angle, that it fills.
        at_edge: whether the picture's edge cuts it.
    """

    box: Box
    mask: Mask
    solidity: float
    squareness: float
    at_edge: bool

    @property
    def area(self) -> int:
        return int(self.mask.sum())


class Grounds:
    """Connected stretches of one color of a picture, flooded where asked for and remembered."""

    def __init__(self, image: NDArray[np.uint8]) -> None:
        """Of an image (H, W, 3) uint8."""
        self._image = image
        height, width = image.shape[:2]
        self._number = np.zeros((height, width), np.int32)
        self._barred = np.zeros((height + 2, width + 2), np.uint8)
        self._boxes: list[Box] = []

    def at(self, x: int, y: int) -> int:
        """The number, from 1, of the ground that holds this pixel."""
        if self._number[y, x] == 0:
            flags = 4 | cv2.FLOODFILL_FIXED_RANGE | cv2.FLOODFILL_MASK_ONLY | (1 << 8)
            tolerance = (_TOLERANCE,) * 3
            _, _, _, (left, top, width, height) = cv2.floodFill(
                self._image, self._barred, (x, y), (0, 0, 0), tolerance, tolerance, flags
            )
            self._boxes.append(Box(left, top, left + width, top + height))
            fresh = self._barred[top + 1 : top + height + 1, left + 1 : left + width + 1]
            self._number[top : top + height, left : left + width][fresh == 1] = len(self._boxes)
            fresh[fresh == 1] = _BARRED
        return int(self._number[y, x])

    def box(self, number: int) -> Box:
        return self._boxes[number - 1]

    def mask(self, number: int, box: Box) -> Mask:
        """Where in a window a ground is."""
        return np.equal(self._number[box.top : box.bottom, box.left : box.right], number)


def seed_beside(
    gray: NDArray[np.uint8], labels: NDArray[np.int32], glyph: int, box: Box, level: float
) -> tuple[int, int]:
    """The pixel (x, y) close around a glyph, not in its eyes, whose gray is nearest to that of its paper."""
    around = grown(box, 5, gray.shape)
    window = labels[around.top : around.bottom, around.left : around.right]
    outlines, _ = cv2.findContours(
        (window == glyph).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    solid = cv2.drawContours(np.zeros(window.shape, np.uint8), outlines, -1, 1, cv2.FILLED)
    ring = cv2.dilate(solid, np.ones((9, 9), np.uint8)) > solid
    ring &= cv2.dilate((window > 0).astype(np.uint8), np.ones((3, 3), np.uint8)) == 0
    difference = np.abs(
        gray[around.top : around.bottom, around.left : around.right].astype(np.float32) - level
    )
    difference[~ring] = np.inf
    y, x = np.unravel_index(int(np.argmin(difference)), difference.shape)
    return around.left + int(x), around.top + int(y)


def closed_shape(grounds: Grounds, number: int, page: tuple[int, ...]) -> Shape | None:
    """A ground with its holes filled, where it can be a balloon; None where it is too large or thin."""
    box = grounds.box(number)
    if box.width * box.height > 0.5 * page[0] * page[1] or min(box.width, box.height) < 10:
        return None
    window = grown(box, 2, page)
    solid = filled(grounds.mask(number, window))
    if solid.sum() > _LARGEST * page[0] * page[1]:
        return None
    return shape_of(solid, window, page)


def cut_shape(grounds: Grounds, number: int, text: Box, letters: Mask, page: tuple[int, ...]) -> Shape | None:
    """The part of an open ground around a text that its narrow openings would close off; None without such.

    Args:
        letters: (h, w) bool of the text's box.
    """
    reach = round(0.6 * max(text.width, text.height) + 12)
    window = grown(text, reach, page)
    solid = grounds.mask(number, window).astype(np.uint8)
    y, x = text.top - window.top, text.left - window.left
    points = np.argwhere(letters)[:, ::-1].astype(np.int32) + np.array([x, y], np.int32)
    cv2.fillConvexPoly(solid, cv2.convexHull(points), 1)
    middle = np.zeros(solid.shape, np.bool_)
    middle[y : y + text.height, x : x + text.width] = True
    for radius in (3, 6, 10):
        brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)
        padded = cv2.copyMakeBorder(solid, radius, radius, radius, radius, cv2.BORDER_REPLICATE)
        _, parts = cv2.connectedComponents(cv2.erode(padded, brush), connectivity=4)
        inner = parts[radius:-radius, radius:-radius]
        common = np.bincount(inner[middle & (inner > 0)], minlength=2)
        if common.max() == 0:
            return None
        part = (
            cv2.dilate((parts == common.argmax()).astype(np.uint8), brush)[radius:-radius, radius:-radius]
            & solid
        )
        inside = filled(part > 0)
        rim = np.concatenate([inside[0], inside[-1], inside[:, 0], inside[:, -1]])
        if rim.mean() < 0.03 and inside.sum() < 6 * text.width * text.height:
            shape = shape_of(inside, window, page)
            if shape.solidity > 0.8:
                return shape
    return None


def without_tail(shape: Shape) -> Shape:
    """A balloon's body: what is left when all that is thinner than a third of it is taken off."""
    depth = cv2.distanceTransform(np.pad(shape.mask, 1).astype(np.uint8), cv2.DIST_L2, 3)
    deep = depth > depth.max() / 3
    body = cv2.distanceTransform((~deep).astype(np.uint8), cv2.DIST_L2, 3) <= depth.max() / 3
    return shape_of(body[1:-1, 1:-1] & shape.mask, shape.box, (1 << 30, 1 << 30))


def shape_of(solid: Mask, window: Box, page: tuple[int, ...]) -> Shape:
    outlines, _ = cv2.findContours(solid.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    points = np.concatenate(outlines)
    hull = cv2.contourArea(cv2.convexHull(points)) + 1
    _, (one, two), _ = cv2.minAreaRect(points)
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    at_edge = (
        window.top + rows[0] <= 1
        or window.left + columns[0] <= 1
        or window.top + rows[-1] >= page[0] - 2
        or window.left + columns[-1] >= page[1] - 2
    )
    area = float(solid.sum())
    return Shape(
        window, solid, min(area / hull, 1.0), min(area / ((one + 1) * (two + 1)), 1.0), bool(at_edge)
    )


def filled(mask: Mask) -> Mask:
    """A mask without holes."""
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.drawContours(np.zeros(mask.shape, np.uint8), outlines, -1, 1, cv2.FILLED), np.bool_)


def grown(box: Box, margin: int, page: tuple[int, ...]) -> Box:
    """A box with a margin on each side, within a picture of shape (H, W, ...)."""
    return Box(
        max(box.left - margin, 0),
        max(box.top - margin, 0),
        min(box.right + margin, page[1]),
        min(box.bottom + margin, page[0]),
    )
