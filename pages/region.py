"""A convex part of a page, cut from it by straight lines."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pages.model import Box

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Region:
    """A convex polygon.

    Attributes:
        corners: (n, 2) x, y in pixels, in order around it.
    """

    corners: Array

    @classmethod
    def of_page(cls, width: int, height: int) -> Region:
        """The whole page."""
        return cls(np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64))

    @property
    def area(self) -> float:
        """In square pixels."""
        points: list[list[float]] = self.corners.tolist()
        pairs = zip(points[-1:] + points, points, strict=False)
        return abs(sum((one[0] * other[1] - one[1] * other[0] for one, other in pairs), 0.0)) / 2

    @property
    def thickness(self) -> float:
        """The shorter side of the smallest rectangle around it, in pixels."""
        if len(self.corners) < 3:
            return 0.0
        return float(min(cv2.minAreaRect(self.corners.astype(np.float32))[1]))

    @property
    def fill(self) -> float:
        """Its area over that of its bounds: 1 for an upright rectangle, 0.5 for a triangle."""
        left, top, right, bottom = self.bounds
        return self.area / max((right - left) * (bottom - top), 1e-6)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(left, top, right, bottom)."""
        (left, top), (right, bottom) = self.corners.min(0), self.corners.max(0)
        return float(left), float(top), float(right), float(bottom)

    @property
    def even_box(self) -> Box:
        """A box as large as the region, in its middle: such boxes of neighbors do not overlap."""
        moments = cv2.moments(self.corners.astype(np.float32)[:, None])
        x, y = (moments[name] / max(moments["m00"], 1e-6) for name in ("m10", "m01"))
        left, top, right, bottom = self.bounds
        share = math.sqrt(self.fill) / 2
        wide, high = (right - left) * share, (bottom - top) * share
        return Box(round(x - wide), round(y - high), round(x + wide), round(y + high))

    def part(self, normal: Array, offset: float, *, behind: bool) -> Region:
        """What lies before, or behind, the line ``normal @ p == offset``."""
        sign = 1.0 if behind else -1.0
        depths = ((self.corners @ normal - offset) * sign).tolist()
        points = self.corners.tolist()
        corners: list[tuple[float, float]] = []
        for place, (x, y) in enumerate(points):
            depth, ahead = depths[place], depths[place + 1 - len(points)]
            if depth >= 0:
                corners.append((x, y))
            if (depth >= 0) != (ahead >= 0):
                share, (next_x, next_y) = depth / (depth - ahead), points[place + 1 - len(points)]
                corners.append((x + share * (next_x - x), y + share * (next_y - y)))
        return Region(np.array(corners, np.float64).reshape(-1, 2))

    def stretches(self, normals: Array, offsets: Array) -> Array:
        """Where lines (n normals, n offsets) run inside: (n, 2) places along ``(-y, x)`` of their normals.

        A line that does not cross the region has no stretch: its end is before its start.
        """
        beyond = self.corners @ normals.T - offsets
        places = self.corners @ np.stack([-normals[:, 1], normals[:, 0]])
        clockwise = np.arange(1, len(beyond) + 1) % len(beyond)
        following, ahead = beyond[clockwise], places[clockwise]
        crossed = (beyond > 0) != (following > 0)
        share = np.divide(beyond, beyond - following, out=np.zeros_like(beyond), where=crossed)
        cuts = places + share * (ahead - places)
        start = np.where(crossed, cuts, np.inf).min(0)
        end = np.where(crossed, cuts, -np.inf).max(0)
        return np.stack([start, end], axis=1)

    def mask(self, width: int, height: int) -> tuple[NDArray[np.uint8], slice, slice]:
        """(mask of 0 and 1, rows, columns): the region's pixels in its window of a page of that size."""
        left, top, right, bottom = (int(np.floor(edge + 0.5)) for edge in self.bounds)
        left, top = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
        right, bottom = min(max(right, left + 1), width), min(max(bottom, top + 1), height)
        mask = np.zeros((bottom - top, right - left), np.uint8)
        corners = np.round((self.corners - [left + 0.5, top + 0.5]) * 16).astype(np.int32)
        cv2.fillConvexPoly(mask, corners, 1, shift=4)
        return mask, slice(top, bottom), slice(left, right)

    def scaled(self, across: float, down: float) -> Region:
        """The same region of a page that is larger or smaller."""
        return Region(self.corners * [across, down])

    def box(self, width: int, height: int) -> Box:
        """The pixels around it on a page of that size."""
        left, top, right, bottom = (round(edge) for edge in self.bounds)
        left, top = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
        return Box(left, top, min(max(right, left + 1), width), min(max(bottom, top + 1), height))
