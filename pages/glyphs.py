"""Spots of ink that may be letters, and which of them stand together as blocks of text."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

_WINDOW = 61  # of the local threshold: wider than a letter's strokes are thick
_SIDES = 4, 160  # of a letter
_DARKEST = 90  # mean gray level of surroundings, up to which there is no paper in them
_NEIGHBORS = 12
_REACH = 1.1  # of a letter's size: the widest gap to the next letter
_GROUND_TOLERANCE = 36  # gray levels that the paper between two letters may differ by
_SIGHT = np.linspace(0.04, 0.96, 32)[:, None]


@dataclass(frozen=True)
class Glyphs:
    """Letter-sized spots of ink of one polarity.

    Attributes:
        labels: (H, W) int32, each pixel's spot among all spots, 0 for ground.
        number: (N,) the label of each glyph; all arrays below are (N,).
        box: (N, 4) left, top, right, bottom.
        area: pixels.
        stroke: mean thickness of its strokes in pixels.
        ink: mean gray level, in [0, 255], of the glyph.
        ground: mean gray level of the paper close around it.
        unrest: standard deviation of that paper.
        clear: share of its surroundings that is paper, in [0, 1].
    """

    labels: NDArray[np.int32]
    number: NDArray[np.int64]
    box: NDArray[np.float64]
    area: NDArray[np.float64]
    stroke: NDArray[np.float64]
    ink: NDArray[np.float64]
    ground: NDArray[np.float64]
    unrest: NDArray[np.float64]
    clear: NDArray[np.float64]

    @property
    def width(self) -> NDArray[np.float64]:
        """Of each glyph's box."""
        return self.box[:, 2] - self.box[:, 0]

    @property
    def height(self) -> NDArray[np.float64]:
        """Of each glyph's box."""
        return self.box[:, 3] - self.box[:, 1]

    @property
    def size(self) -> NDArray[np.float64]:
        """The longer side of each glyph's box."""
        return np.maximum(self.width, self.height)


def dark_and_light(gray: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Where a gray picture is darker than its surroundings, and where lighter: (H, W) in {0, 1} each.

    The local threshold is that of Sauvola and Pietikäinen (2000), for the lighter that of the negative. Dark
    surroundings have no darker ink, light ones no lighter.
    """
    windows = (_WINDOW, _WINDOW)
    mean = cv2.boxFilter(gray, cv2.CV_32F, windows, borderType=cv2.BORDER_REFLECT)
    square = cv2.sqrBoxFilter(gray, cv2.CV_32F, windows, borderType=cv2.BORDER_REFLECT)
    share = 0.72 + 0.28 / 128 * cv2.sqrt(cv2.max(square - mean * mean, 0))
    dark = _below(gray, mean, share)
    return dark, _below(255 - gray, 255 - mean, share)


def _below(
    gray: NDArray[np.uint8], mean: NDArray[np.float32], share: NDArray[np.float32]
) -> NDArray[np.uint8]:
    level = cv2.min(mean * share, mean - 14)
    level[mean < _DARKEST] = 0
    return np.asarray(gray < level, np.uint8)


def find_glyphs(gray: NDArray[np.uint8], ink: NDArray[np.uint8]) -> Glyphs:
    """The letter-sized spots of a picture (H, W) of working size, in which ink (H, W) in {0, 1} is dark."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8, ltype=cv2.CV_32S)
    width, height, area = (
        stats[:, column].astype(np.float64)
        for column in (cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_AREA)
    )
    size, thin = np.maximum(width, height), np.minimum(width, height)
    smallest, largest = _SIDES
    fits = (size >= smallest) & (size <= largest) & (thin >= 2) & (area >= 10) & (area > 0.1 * width * height)
    fits &= size < 25 * thin
    fits[0] = False
    fitting = np.where(fits, np.arange(count), 0).astype(np.float32)
    marked = np.take(fitting, labels)
    depth = cv2.distanceTransform(ink, cv2.DIST_L2, 3)
    inked = np.flatnonzero(marked)
    spot = labels.ravel()[inked]
    stroke = 4 * np.bincount(spot, depth.ravel()[inked], count) / np.maximum(area, 1) - 1
    level = np.bincount(spot, gray.ravel()[inked], count) / np.maximum(area, 1)
    free = cv2.dilate(ink, np.ones((3, 3), np.uint8)) == 0
    wide = cv2.dilate(marked, np.ones((9, 9), np.uint8))
    paper = np.flatnonzero((wide > 0) & free)
    gray_paper = gray.ravel()[paper].astype(np.float64)
    seen, mean, spread = _levels(wide.ravel()[paper], gray_paper, count)
    narrow = cv2.dilate(marked, np.ones((5, 5), np.uint8)).ravel()[paper]
    near, near_mean, near_spread = _levels(narrow[narrow > 0], gray_paper[narrow > 0], count)
    haloed = (near_spread < 0.6 * spread) & (near > 0.8 * (width + height))  # white around letters over art
    mean, spread = np.where(haloed, near_mean, mean), np.where(haloed, near_spread, spread)
    keep = np.flatnonzero(fits & (seen > 0) & (mean - level > 40))
    left, top = (stats[keep, column].astype(np.float64) for column in (cv2.CC_STAT_LEFT, cv2.CC_STAT_TOP))
    return Glyphs(
        labels=labels,
        number=keep,
        box=np.stack([left, top, left + width[keep], top + height[keep]], 1),
        area=area[keep],
        stroke=stroke[keep],
        ink=level[keep],
        ground=mean[keep],
        unrest=spread[keep],
        clear=(seen / (6 * (width + height) + 36))[keep],
    )


def _levels(
    owner: NDArray[np.float32], level: NDArray[np.float64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """For each of ``count`` owners the number of its pixels, their mean and their standard deviation."""
    own = owner.astype(np.int64)
    seen = np.bincount(own, minlength=count)
    mean = np.bincount(own, level, count) / np.maximum(seen, 1)
    square = np.bincount(own, level * level, count) / np.maximum(seen, 1)
    return seen, mean, np.sqrt(np.maximum(square - mean * mean, 0))


def group_glyphs(
    gray: NDArray[np.uint8], glyphs: Glyphs, usable: NDArray[np.bool_]
) -> list[NDArray[np.int64]]:
    """The numbers of glyphs that stand together: those near each other that see each other over one paper."""
    chosen = np.flatnonzero(usable)
    if len(chosen) == 0:
        return []
    box = glyphs.box[chosen]
    size = np.minimum(glyphs.size, 5 * np.minimum(glyphs.width, glyphs.height))[chosen]
    middle = (box[:, :2] + box[:, 2:]) / 2
    near = cKDTree(middle).query(middle, k=min(_NEIGHBORS + 1, len(chosen)))[1].reshape(len(chosen), -1)
    one, two = np.repeat(np.arange(len(chosen)), near.shape[1]), near.ravel()
    one, two = one[one != two], two[one != two]
    gap = (np.maximum(box[one, :2], box[two, :2]) - np.minimum(box[one, 2:], box[two, 2:])).max(axis=1)
    larger, smaller = np.maximum(size[one], size[two]), np.minimum(size[one], size[two])
    level, ink = glyphs.ground[chosen], glyphs.ink[chosen]
    good = gap < _REACH * np.maximum(np.minimum(larger, 3 * smaller + 4), 10)
    good &= np.abs(level[one] - level[two]) < _GROUND_TOLERANCE
    good &= (larger < 6 * smaller) & (np.abs(ink[one] - ink[two]) < 70)
    pairs = np.unique(np.minimum(one, two)[good] * len(chosen) + np.maximum(one, two)[good])
    one, two = np.divmod(pairs, len(chosen))
    is_glyph = np.zeros(int(glyphs.labels.max()) + 1, np.bool_)
    is_glyph[glyphs.number] = True
    other = ((glyphs.labels > 0) & ~is_glyph[glyphs.labels]).astype(np.uint8)
    walls = cv2.dilate(other, np.ones((3, 3), np.uint8))
    line = middle[one] + _SIGHT[:, :, None] * (middle[two] - middle[one])
    x, y = line[..., 0].astype(np.intp), line[..., 1].astype(np.intp)
    spot, value = glyphs.labels[y, x], gray[y, x].astype(np.float32)
    paper = np.minimum(level[one], level[two])
    wall = (spot == 0) | ~is_glyph[spot]
    wall &= walls[y, x] > 0
    other_paper = (value < paper - _GROUND_TOLERANCE) | (value > paper + 2 * _GROUND_TOLERANCE)
    sees = ~wall.any(axis=0) & (((spot == 0) & other_paper).sum(axis=0) < 4)
    one, two = one[sees], two[sees]
    graph = coo_array((np.ones(len(one), np.bool_), (one, two)), shape=(len(chosen), len(chosen)))
    _, group = connected_components(graph, directed=False)
    order = np.argsort(group, kind="stable")
    return np.split(chosen[order], np.flatnonzero(np.diff(group[order])) + 1)
