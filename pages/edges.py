"""Straight edges of a page: line segments, joined where they lie on one line, and what stands beside them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pages.region import Region

Array = NDArray[np.float64]

STEP = 3.0
"""Pixels between the places along an edge at which its surroundings are sampled."""

_SHORTEST_SEGMENT, _SHORTEST_SEED, _SHORTEST_EDGE = 0.016, 0.06, 0.09  # shares of the page's shorter side
_BREAK = 0.012  # the same: so long a break of a line is bridged, as between dashes
_OFF_LINE = 0.0028  # the same: how far a segment may lie off the line that it belongs to
_MOST_EDGES, _MOST_SEEDS = 70, 300
_SCALE = 0.8  # LSD's own, against the stairs of slanted lines without gray levels


@dataclass(frozen=True)
class Edge:
    """A straight line across the page, parts of which are seen as an edge.

    A point p lies on the line where ``normal @ p == offset``, and before it where that is less. Along the
    line, a point's place is ``(direction @ p - start) / STEP``; the arrays go by it.

    Attributes:
        normal: (2,) unit vector (x, y).
        offset: pixels from the page's corner.
        start: where on the line the samples begin.
        covered: (n + 1,) running count of the samples at which an edge is seen.
        paper: (2, colors, n + 1) running sums of how far, 0 to 1, there is flat paper of each gutter color
            just before and just behind the line.
        dark: (n + 1,) running sum of the darkness, 0 to 1, of what is on the line.
    """

    normal: Array
    offset: float
    start: float
    covered: Array
    paper: Array
    dark: Array

    @property
    def direction(self) -> Array:
        """(2,) unit vector along the line."""
        return np.array([-self.normal[1], self.normal[0]])

    @property
    def slant(self) -> float:
        """0 for a level or upright edge, up to 0.71 for one at 45 degrees."""
        return float(np.abs(self.normal).min())

    def samples(self, begin: float, end: float) -> tuple[int, int]:
        """The places of the first sample in a stretch of the line, and of the first behind it."""
        last = len(self.covered) - 1
        first = min(max(int((begin - self.start) / STEP), 0), last)
        return first, min(max(int(np.ceil((end - self.start) / STEP)), first), last)


def find_edges(gray: NDArray[np.uint8], paper: NDArray[np.uint8], colors: int) -> list[Edge]:
    """The long straight edges of a page, the most visible first.

    Segments are those of LSD (Grompone von Gioi et al., "LSD: a Line Segment Detector", 2012); those that lie
    on one line are joined, longest first.

    Args:
        gray: (H, W) uint8.
        paper: (H, W) uint8, bit k set where the page has the k-th gutter color.
        colors: how many gutter colors there are.
    """
    found = cv2.createLineSegmentDetector(cv2.LSD_REFINE_NONE, scale=_SCALE).detect(gray)[0]
    if found is None:
        return []
    shorter = float(min(gray.shape))
    lines = list(_lines(found.reshape(-1, 2, 2).astype(np.float64), shorter))
    lines.sort(key=lambda line: -float((line[2][:, 1] - line[2][:, 0]).sum()))
    darkest = cv2.erode(gray, np.ones((5, 5), np.uint8))
    return [_measured(*line, darkest, paper, colors) for line in lines[:_MOST_EDGES]]


def _lines(ends: Array, shorter: float) -> Iterator[tuple[Array, float, Array]]:
    """(normal, offset, spans along the line) of lines that segments (n, 2 ends, xy) lie on."""
    across = ends[:, 1] - ends[:, 0]
    length = np.hypot(across[:, 0], across[:, 1])
    order = np.argsort(-length, kind="stable")
    order = order[length[order] >= _SHORTEST_SEGMENT * shorter]
    ends, length = ends[order], length[order]
    along = across[order] / length[:, None]
    angle = np.arctan2(along[:, 1], along[:, 0]) % np.pi
    may_turn = np.minimum(0.05 + 1 / length, 0.2)  # the angle of a short segment is less certain
    near = max(1.6, _OFF_LINE * shorter)
    seeds = min(int((length >= _SHORTEST_SEED * shorter).sum()), _MOST_SEEDS)
    normals, middles = np.stack([-along[:seeds, 1], along[:seeds, 0]], axis=1), ends.mean(1)
    away = normals @ middles.T - (normals * middles[:seeds]).sum(1)[:, None]
    turned = np.abs((angle - angle[:seeds, None] + np.pi / 2) % np.pi - np.pi / 2)
    alike = (np.abs(away) < 4 * near) & (turned <= may_turn + 0.03)
    free = np.ones(len(ends), np.bool_)
    for seed in range(seeds):
        if not free[seed]:
            continue
        candidates = np.flatnonzero(alike[seed])
        offset = float(normals[seed] @ middles[seed])
        members = candidates[_on_line(ends[candidates], normals[seed], offset, near)]
        normal, offset = _fitted(ends[members].reshape(-1, 2), np.repeat(length[members], 2))
        members = candidates[_on_line(ends[candidates], normal, offset, near)]
        free[members] = free[seed] = False
        if not members.size:
            continue
        spans = _joined(np.sort(ends[members] @ np.array([-normal[1], normal[0]]), axis=1), _BREAK * shorter)
        if (spans[:, 1] - spans[:, 0]).sum() >= _SHORTEST_EDGE * shorter:
            yield normal, offset, spans


def _fitted(points: Array, weight: Array) -> tuple[Array, float]:
    """(normal, offset) of the line nearest to weighted points, by total least squares in closed form."""
    center = weight @ points / weight.sum()
    x, y = (points - center).T
    tilt = 0.5 * math.atan2(2 * float(weight @ (x * y)), float(weight @ (x * x) - weight @ (y * y)))
    normal = np.array([-math.sin(tilt), math.cos(tilt)])
    if normal[np.abs(normal).argmax()] < 0:
        normal = -normal
    return normal, float(normal @ center)


def _on_line(ends: Array, normal: Array, offset: float, near: float) -> NDArray[np.bool_]:
    close: NDArray[np.bool_] = np.abs(ends @ normal - offset).max(1) <= near
    return close


def _joined(spans: Array, gap: float) -> Array:
    """Spans (n, 2), those joined between which there is no gap."""
    spans = spans[np.argsort(spans[:, 0], kind="stable")]
    reach = np.maximum.accumulate(spans[:, 1])
    begins = np.concatenate([[True], spans[1:, 0] > reach[:-1] + gap])
    ends = np.concatenate([begins[1:], [True]])
    return np.stack([spans[begins, 0], reach[ends]], axis=1)


def _measured(
    normal: Array,
    offset: float,
    spans: Array,
    darkest: NDArray[np.uint8],
    paper: NDArray[np.uint8],
    colors: int,
) -> Edge:
    height, width = paper.shape
    direction = np.array([-normal[1], normal[0]])
    start, end = Region.of_page(width, height).stretches(normal[None], np.array([offset]))[0]
    if not start < end:  # along the page's very border
        start, end = spans[0, 0], spans[-1, 1]
    places = start + (np.arange(max(int((end - start) / STEP), 1)) + 0.5) * STEP
    span = np.searchsorted(spans[:, 0], places, side="right") - 1
    seen = (span >= 0) & (places <= spans[np.maximum(span, 0), 1])
    away = np.array([0, -2, -3, -4, -5, -6, 2, 3, 4, 5, 6], np.float64)[:, None]
    x = (normal[0] * (offset + away) + places * direction[0]).astype(np.intp).clip(0, width - 1)
    y = (normal[1] * (offset + away) + places * direction[1]).astype(np.intp).clip(0, height - 1)
    beside = paper[y[1:], x[1:]].reshape(2, 5, -1)
    flat = np.bitwise_and.reduce(beside, axis=1)  # wide gutters; of narrow ones only the nearest is flat
    bits = np.arange(colors, dtype=np.uint8)[:, None]
    share = 0.5 * ((flat[:, None] >> bits) & 1) + 0.5 * ((beside[:, :1] >> bits) & 1)
    return Edge(
        normal, offset, start, _running(seen), _running(share), _running(1 - darkest[y[0], x[0]] / 255.0)
    )


def _running(values: NDArray[np.generic]) -> Array:
    sums = np.zeros((*values.shape[:-1], values.shape[-1] + 1))
    np.cumsum(values, axis=-1, out=sums[..., 1:])
    return sums
