"""Where a sheet of paper lies in a photograph: its four corners, to a fraction of a pixel.

Edges of the picture without its thin dark lines vote for straight lines (Hough, in the gradient's own
direction, after Duda & Hart, "Use of the Hough transformation to detect lines and curves in pictures", 1972).
Every four of the strongest, the picture's own borders among them, are a candidate. The sheet is the one whose
sides have something else outside than inside, all along, and smooth paper inside; then each side is fitted
again at full resolution.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pages.fold import page_beside_fold

Picture = NDArray[np.uint8]
Corners = NDArray[np.float64]

FOCAL = 0.8  # of a phone's main camera, 24 to 28 mm on a 36 mm frame, as a share of the picture's longer side
_SIDE = 640  # pixels of the longer side at which the sheet is looked for
_LINES = 13  # candidates for the sides in each of the two directions
_SMALLEST = 0.12  # share of the picture that a sheet takes at least
_BEYOND = 0.2  # how far a corner may lie outside the picture, as a share of its sides
_BORDER = 0.42  # what the picture's own border counts as a side, on the scale of `_support`
_LIKELY = 80  # candidates of which it is asked whether there is paper outside them
_REACH = 640 // 64  # pixels at `_SIDE` to both sides of a side in which it is fitted again


@dataclass(frozen=True)
class FoundSheet:
    """A sheet as it was found.

    Attributes:
        corners: (4, 2) x, y in pixels, clockwise from the top left; pixel centers at half-integers. They may
            lie outside the picture where the sheet does.
        cut: for top, right, bottom, left: the sheet runs out of the picture here, and its side is the
            picture's border.
        support: in [0, 1]: how much of the sides that lie in the picture can be seen, the weakest counting
            most; 0 when there is no sheet and the corners are the picture's.
    """

    corners: Corners
    cut: tuple[bool, bool, bool, bool]
    support: float


def locate_sheet(image: Picture) -> FoundSheet:
    """The most sheet-like quadrangle of a picture.

    Args:
        image: (H, W, 3) uint8 sRGB, any size.

    Returns:
        The whole picture with support 0 where no sheet's sides are seen.
    """
    height, width = image.shape[:2]
    whole = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    nothing = FoundSheet(whole, (True, True, True, True), 0.0)
    if min(height, width) < 32:
        return nothing
    scale = min(_SIDE / max(height, width), 1.0)
    size = max(round(width * scale), 8), max(round(height * scale), 8)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    lab = _without_lines(small)
    lines = _candidates(lab)
    found = _best(lines, lab)
    if found is None:
        return nothing
    corners, sides, support = found
    if _same_all_around(corners, lab):
        return nothing
    corners = corners * (width / size[0], height / size[1])
    cut = tuple(bool(side >= len(lines) - 4) for side in sides)
    corners = _refined(image, corners, cut, _REACH / scale)
    if sum(cut) == 1:
        corners = _with_unseen_side(corners, cut.index(True), (width, height))
    page = page_beside_fold(image, corners)
    if page is not None:
        corners = page[0]
        cut = tuple(is_cut and side != page[1] for side, is_cut in enumerate(cut))
    return FoundSheet(corners, (cut[0], cut[1], cut[2], cut[3]), support)


def _without_lines(small: Picture) -> NDArray[np.float32]:
    """Lab of the picture without thin dark lines (drawing, ruling, frames) and thin bright specks (grain)."""
    closed = cv2.morphologyEx(small, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9)))
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7)))
    smooth = cv2.GaussianBlur(opened, (0, 0), 1.2)
    lab: NDArray[np.float32] = cv2.cvtColor(smooth.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return lab


def _candidates(lab: NDArray[np.float32]) -> NDArray[np.float64]:
    """Lines (angle of the normal in [0, pi), distance from the origin); the picture's four borders last."""
    height, width = lab.shape[:2]
    dx = np.stack([cv2.Scharr(lab[..., c], cv2.CV_32F, 1, 0) for c in range(3)]) / 32
    dy = np.stack([cv2.Scharr(lab[..., c], cv2.CV_32F, 0, 1) for c in range(3)]) / 32
    # Di Zenzo, "A note on the gradient of a multi-image" (1986)
    xx, yy, xy = (dx * dx).sum(0), (dy * dy).sum(0), (dx * dy).sum(0)
    angle = 0.5 * np.arctan2(2 * xy, xx - yy)
    strength = np.sqrt(0.5 * (xx + yy + np.sqrt((xx - yy) ** 2 + 4 * xy**2)))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    step = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    ahead = cv2.remap(strength, x + step[0], y + step[1], cv2.INTER_LINEAR)
    behind = cv2.remap(strength, x - step[0], y - step[1], cv2.INTER_LINEAR)
    ridge = (strength >= ahead) & (strength > behind) & (strength > 0.7)
    ridge[:3] = ridge[-3:] = ridge[:, :3] = ridge[:, -3:] = False
    rows, columns = np.nonzero(ridge)
    weight = np.minimum(strength[rows, columns], 2.5) / 2.5
    normal = angle[rows, columns] % np.pi
    reach = int(np.hypot(height, width)) + 2
    votes = np.zeros((180, 2 * reach), np.float32)
    for offset in range(-3, 4):
        bins = np.rint(np.rad2deg(normal)).astype(int) + offset
        theta = np.deg2rad(bins)
        distance = (columns + 0.5) * np.cos(theta) + (rows + 0.5) * np.sin(theta)
        # a normal beyond [0, pi) is the same line seen from the other side
        distance = np.where((bins < 0) | (bins >= 180), -distance, distance)
        place = (bins % 180) * 2 * reach + np.rint(distance).astype(int) + reach
        votes += np.bincount(place, weight, votes.size)[: votes.size].reshape(votes.shape)
    votes = cv2.GaussianBlur(votes, (5, 1), 0)
    peaks = votes.copy()
    lines: list[tuple[float, float]] = []
    for _ in range(60):
        theta_bin, rho_bin = np.unravel_index(int(peaks.argmax()), peaks.shape)
        if peaks[theta_bin, rho_bin] < 0.06 * min(height, width):
            break
        lines.append((float(np.deg2rad(theta_bin)), float(rho_bin - reach)))
        for bin_ in range(int(theta_bin) - 6, int(theta_bin) + 7):
            middle = rho_bin if 0 <= bin_ < 180 else 2 * reach - rho_bin
            peaks[bin_ % 180, max(middle - 11, 0) : middle + 12] = 0
    borders = [(np.pi / 2, 0.0), (0.0, float(width)), (np.pi / 2, float(height)), (0.0, 0.0)]
    return np.array([*lines, *borders])


def _best(
    lines: NDArray[np.float64], lab: NDArray[np.float32]
) -> tuple[Corners, tuple[int, int, int, int], float] | None:
    """The best quadrangle: its corners, the places of its top, right, bottom and left lines, its support."""
    height, width = lab.shape[:2]
    if len(lines) < 6:
        return None
    base = lines[0, 0]  # the strongest line shows how the sheet is turned
    if np.cos(2 * base) > 0:
        base += np.pi / 2
    level = np.abs(np.cos(lines[:, 0] - base)) > np.sqrt(0.5)
    real = np.arange(len(lines)) < len(lines) - 4
    chosen = [
        np.concatenate((np.flatnonzero(group & real)[:_LINES], np.flatnonzero(group & ~real)))
        for group in (level, ~level)
    ]
    evidence = {int(line): _Evidence.along(lines[line], lab) for line in np.concatenate(chosen)}
    borders = set(range(len(lines) - 4, len(lines)))
    level_pairs, upright_pairs = (_pairs(lines, group, width, height) for group in chosen)
    if not len(level_pairs) or not len(upright_pairs):
        return None
    first, second = (
        np.repeat(level_pairs, len(upright_pairs), 0),
        np.tile(upright_pairs, (len(level_pairs), 1)),
    )
    quads = np.stack((first[:, 0], second[:, 1], first[:, 1], second[:, 0]), 1)  # top, right, bottom, left
    corners = np.stack([_crossings(lines[quads[:, side - 1]], lines[quads[:, side]]) for side in range(4)], 1)
    quads, corners = _plausible(quads, corners, width, height)
    if not len(quads):
        return None
    middle = corners.mean(1)
    supports = np.empty((len(quads), 4))
    lengths = np.empty((len(quads), 4))
    for side in range(4):
        start, end = corners[:, side], corners[:, (side + 1) % 4]
        for line in np.unique(quads[:, side]):
            those = quads[:, side] == line
            if int(line) in borders:
                supports[those, side] = _BORDER
                lengths[those, side] = np.linalg.norm(end[those] - start[those], axis=1)
                continue
            values = evidence[int(line)].between(start[those], end[those], middle[those])
            supports[those, side], lengths[those, side] = values
    area = _areas(corners) / (width * height)
    weighted = (supports * lengths).sum(1) / np.maximum(lengths.sum(1), 1)
    weakest = np.sort(supports, 1)
    score = 0.45 * weighted + 0.35 * weakest[:, 0] + 0.2 * weakest[:, 1] + 0.16 * np.sqrt(area)
    score -= 0.3 * (np.isin(quads, list(borders)).sum(1) == 4)
    likely = np.argsort(-score)[:_LIKELY]
    score[likely] -= 0.35 * np.array([_paper_outside(corners[place], lab) for place in likely])
    place = int(likely[score[likely].argmax()])
    seen = ~np.isin(quads[place], list(borders))
    support = (
        float(0.5 * supports[place][seen].min() + 0.5 * supports[place][seen].mean()) if seen.any() else 0.0
    )
    if support < 0.25:
        return None
    sides = quads[place]
    return corners[place], (int(sides[0]), int(sides[1]), int(sides[2]), int(sides[3])), support


@dataclass(frozen=True)
class _Evidence:
    """How much each stretch of a line looks like a sheet's side, for both choices of its inside.

    Sums from the line's start, so that a stretch costs two look-ups; places are in pixels along the line.
    """

    normal: NDArray[np.float64]
    distance: float
    reach: int
    sums: NDArray[np.float64]  # (2, places + 1): the sheet lies before or behind the line, along its normal
    seen: NDArray[np.float64]  # (places + 1): of the places in the picture

    @classmethod
    def along(cls, line: NDArray[np.float64], lab: NDArray[np.float32]) -> _Evidence:
        height, width = lab.shape[:2]
        normal = np.array([np.cos(line[0]), np.sin(line[0])])
        along = np.array([-normal[1], normal[0]])
        reach = int(np.hypot(height, width) * 1.3)
        places = np.arange(-reach, reach + 1)
        points = line[1] * normal + places[:, None] * along

        def beside(near: float, far: float) -> NDArray[np.float32]:
            offsets = np.linspace(near, far, 3)
            spots = points[None] + offsets[:, None, None] * normal - 0.5
            maps = spots[..., 0].astype(np.float32), spots[..., 1].astype(np.float32)
            colors = cv2.remap(lab, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            mean: NDArray[np.float32] = colors.mean(0)
            return mean

        inside = ((points > 1) & (points < (width - 1, height - 1))).all(1)
        before, behind = beside(-6, -2.5), beside(2.5, 6)
        contrast = np.linalg.norm(behind - before, axis=1)
        sums = []
        for paper, table in ((before, behind), (behind, before)):
            smooth = np.exp(-np.linalg.norm(np.roll(paper, -3, 0) - np.roll(paper, 3, 0), axis=1) / 6)
            brighter = np.clip(0.5 + (paper[:, 0] - table[:, 0]) / 12, 0, 1)
            pale = np.exp(-np.maximum(np.hypot(paper[:, 1], paper[:, 2]) - 25, 0) / 15)
            edge = np.clip(contrast / 7, 0, 1)
            value = edge * (0.35 + 0.65 * brighter) * (0.3 + 0.7 * smooth) * pale * inside
            sums.append(np.concatenate(([0.0], np.cumsum(value))))
        seen = np.concatenate(([0.0], np.cumsum(inside)))
        return cls(normal, float(line[1]), reach, np.array(sums), seen)

    def between(
        self, start: NDArray[np.float64], end: NDArray[np.float64], middle: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean evidence over the part of each stretch that lies in the picture, and that part's length."""
        along = np.array([-self.normal[1], self.normal[0]])
        ends = np.sort(np.stack((start @ along, end @ along)), 0)
        places = np.clip(np.rint(ends).astype(int) + self.reach, 0, len(self.seen) - 1)
        which = (middle @ self.normal > self.distance).astype(int)
        length = self.seen[places[1]] - self.seen[places[0]]
        total = self.sums[which, places[1]] - self.sums[which, places[0]]
        return total / np.maximum(length, 12), length


def _same_all_around(corners: Corners, lab: NDArray[np.float32]) -> bool:
    """Whether the picture's own rim is the paper of the candidate's margin: then the picture is all sheet."""
    rim = max(round(0.015 * min(lab.shape[:2])), 1)
    around = [lab[:rim], lab[-rim:], lab[:, :rim], lab[:, -rim:]]
    colors = np.concatenate([part.reshape(-1, 3) for part in around])
    away = np.abs(colors - _margin(corners, lab))
    return bool((away < (4, 3, 3)).all(1).mean() > 0.6)


def _margin(corners: Corners, lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """The usual color just inside a candidate's sides."""
    height, width = lab.shape[:2]
    inner = corners + 0.03 * (corners.mean(0) - corners)
    places = np.linspace(0.05, 0.95, 24)[:, None]
    spots = np.concatenate(
        [inner[side] * (1 - places) + inner[(side + 1) % 4] * places for side in range(4)]
    ).astype(int)
    spots = spots[((spots >= 0) & (spots < (width, height))).all(1)]
    if not len(spots):
        return np.full(3, np.inf, np.float32)
    color: NDArray[np.float32] = np.median(lab[spots[:, 1], spots[:, 0]], axis=0)
    return color


def _paper_outside(corners: Corners, lab: NDArray[np.float32]) -> float:
    """Share of what is colored like a candidate's margin that lies outside: around a panel is paper."""
    away = np.abs(lab[::4, ::4] - _margin(corners, lab))
    alike = (away[..., 0] < 14) & (away[..., 1] < 5) & (away[..., 2] < 5)
    inside = np.zeros(alike.shape, np.uint8)
    cv2.fillConvexPoly(inside, np.rint(corners / 4).astype(np.int32), 1)
    return float((alike & (inside == 0)).sum() / max(int(alike.sum()), 1))


def _pairs(lines: NDArray[np.float64], group: NDArray[np.intp], width: int, height: int) -> NDArray[np.intp]:
    """Pairs of lines of one direction, (top, bottom) or (left, right)."""
    if len(group) < 2:
        return np.empty((0, 2), np.intp)
    first, second = np.triu_indices(len(group), 1)
    pairs = np.stack((group[first], group[second]), 1)
    center = np.array([width / 2, height / 2])
    level = np.sin(lines[pairs, 0]) ** 2 > 0.5
    # where the line crosses the upright (or level) line through the middle of the picture
    cosine, sine = np.cos(lines[pairs, 0]), np.sin(lines[pairs, 0])
    level = np.broadcast_to(level.mean(1, keepdims=True) >= 0.5, level.shape)
    across = np.where(level, sine, cosine)
    across = np.where(np.abs(across) < 1e-3, 1e-3, across)
    at = (lines[pairs, 1] - np.where(level, cosine * center[0], sine * center[1])) / across
    ordered = np.take_along_axis(pairs, np.argsort(at, 1), 1)
    apart = np.abs(at[:, 0] - at[:, 1]) > 0.2 * min(width, height)
    kept: NDArray[np.intp] = ordered[apart]
    return kept


def _crossings(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where lines cross, (N, 2); far away where they are parallel."""
    a, b, c, d = np.cos(first[:, 0]), np.sin(first[:, 0]), np.cos(second[:, 0]), np.sin(second[:, 0])
    determinant = a * d - b * c
    determinant = np.where(np.abs(determinant) < 1e-6, 1e-6, determinant)
    x = (first[:, 1] * d - b * second[:, 1]) / determinant
    y = (a * second[:, 1] - first[:, 1] * c) / determinant
    return np.stack((x, y), 1)


def _plausible(
    quads: NDArray[np.intp], corners: Corners, width: int, height: int
) -> tuple[NDArray[np.intp], Corners]:
    """Those that can be a sheet: convex, large enough, not wildly slanted, not far outside the picture."""
    slack = np.array([width, height]) * _BEYOND
    near = ((corners > -slack) & (corners < np.array([width, height]) + slack)).all((1, 2))
    sides = np.roll(corners, -1, 1) - corners
    length = np.linalg.norm(sides, axis=2)
    unit = sides / np.maximum(length, 1e-9)[..., None]
    before = np.roll(unit, 1, 1)
    turning = before[..., 0] * unit[..., 1] - before[..., 1] * unit[..., 0]
    large = _areas(corners) > _SMALLEST * width * height
    kept = near & large & (turning > 0.6).all(1) & (length.min(1) > 0.15 * min(width, height))
    return quads[kept], corners[kept]


def _areas(corners: Corners) -> NDArray[np.float64]:
    x, y = corners[..., 0], corners[..., 1]
    areas: NDArray[np.float64] = 0.5 * (x * np.roll(y, -1, -1) - y * np.roll(x, -1, -1)).sum(-1)
    return areas


def _refined(image: Picture, corners: Corners, cut: tuple[bool, ...], reach: float) -> Corners:
    """The corners with every side fitted again where the picture's tone changes most, at full resolution."""
    sides = [
        None if cut[side] else fitted_side(image, corners[side], corners[(side + 1) % 4], reach)
        for side in range(4)
    ]
    lines = []  # each side's tangents at its start and its end
    for side, fitted in enumerate(sides):
        start, end = corners[side], corners[(side + 1) % 4]
        lines.append((_through(start, end),) * 2 if fitted is None else fitted.tangents(start, end))
    found = np.array([np.cross(lines[side - 1][1], lines[side][0]) for side in range(4)])
    refined = found[:, :2] / np.where(np.abs(found[:, 2:]) < 1e-9, 1e-9, found[:, 2:])
    moved = np.linalg.norm(refined - corners, axis=1)
    return np.where((moved < 4 * reach)[:, None], refined, corners)


def _with_unseen_side(corners: Corners, side: int, size: tuple[int, int]) -> Corners:
    """The side at the picture's border laid outside it, where perspective says that a rectangle's would be.

    The sides before and after it meet in one vanishing point; the side across and the unseen one meet in
    another, and the two are at right angles as seen by a camera whose focal length is a phone's.
    """
    center = np.array(size) / 2
    scale = float(max(size))
    points = (corners - center) / scale
    lines = [_through(points[number], points[(number + 1) % 4]) for number in range(4)]
    first = np.cross(lines[side - 1], lines[(side + 1) % 4])
    second = np.cross(lines[(side + 2) % 4], first * np.array([1, 1, FOCAL**2]))
    candidates = []
    for corner in (points[side], points[(side + 1) % 4]):
        line = np.cross(second, [*corner, 1.0])
        ends = np.array([np.cross(lines[side - 1], line), np.cross(line, lines[(side + 1) % 4])])
        if (np.abs(ends[:, 2]) < 1e-9).any():
            return corners
        candidates.append(ends[:, :2] / ends[:, 2:])
    # the one farther out holds all that is seen of the sheet
    inward = _inward(points[side], points[(side + 1) % 4])
    outer = min(candidates, key=lambda ends: float((ends @ inward).min()))
    if np.abs(outer - points[[side, (side + 1) % 4]]).max() > 0.5:
        return corners
    moved = corners.copy()
    moved[side], moved[(side + 1) % 4] = outer * scale + center
    return moved


def _through(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    line = np.cross([*start, 1.0], [*end, 1.0])
    unit: NDArray[np.float64] = line / np.hypot(line[0], line[1])
    return unit


@dataclass(frozen=True)
class Side:
    """A fitted side: how far it lies from the straight line between two points, into the sheet.

    Attributes:
        shift: (3,) of a parabola over the place from 0 to 1 between the points, highest power first, in
            pixels.
        seen: share of the side along which an edge was found.
    """

    shift: NDArray[np.float64]
    seen: float

    def tangents(
        self, start: NDArray[np.float64], end: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The side's tangents at its two ends as homogeneous lines."""
        normal = _inward(start, end)
        lines = []
        for place in (0.0, 1.0):
            value, slope = np.polyval(self.shift, place), np.polyval(np.polyder(self.shift), place)
            touched = start + place * (end - start) + value * normal
            lines.append(_through(touched, touched + (end - start) + slope * normal))
        return lines[0], lines[1]


def _inward(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    along = (end - start) / np.linalg.norm(end - start)
    return np.array([-along[1], along[0]])  # corners run clockwise


def fitted_side(
    image: Picture, start: NDArray[np.float64], end: NDArray[np.float64], reach: float
) -> Side | None:
    """A sheet's side between two corners, from profiles across it; None where too few of them show an edge.

    Args:
        image: (H, W, 3) uint8 sRGB.
        start: (2,) x, y of the corner where the side begins, clockwise.
        end: (2,) of the corner where it ends.
        reach: how far from the straight line the side may lie, in pixels.
    """
    length = float(np.linalg.norm(end - start))
    along, normal = (end - start) / length, _inward(start, end)
    count, half = 160, int(np.ceil(reach))
    places = np.linspace(0.02, 0.98, count)
    offsets = np.arange(-half, half + 1)
    spread = np.linspace(-0.5, 0.5, 9) * length / count  # each profile is the median of nine neighbors
    spots = (
        start
        + (places[:, None, None] * length + spread[None, :, None])[..., None] * along
        + offsets[None, None, :, None] * normal
        - 0.5
    )
    height, width = image.shape[:2]
    middle = spots[:, 4, half]
    inside = ((middle > 4) & (middle < np.array([width, height]) - 4)).all(1)
    if inside.sum() < count // 5:
        return None
    spots, places = spots[inside].reshape(-1, len(offsets), 2).astype(np.float32), places[inside]
    values = cv2.remap(image, spots[..., 0], spots[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    profile = np.median(values.reshape(-1, 9, len(offsets), 3).astype(np.float32), axis=1)
    sigma = max(reach / 12, 1.0)
    smooth = cv2.GaussianBlur(profile, (2 * int(3 * sigma) + 1, 1), sigma)
    # which way the color goes from table to sheet, all along the side
    far = max(half // 2, 2)
    step = np.median(smooth[:, half + far] - smooth[:, half - far], axis=0)
    if np.linalg.norm(step) < 2:
        return None
    response = np.gradient(smooth, axis=1) @ (step / np.linalg.norm(step))
    response *= np.exp(-0.5 * (offsets / (0.8 * half)) ** 2)[None]
    peak = response[:, 2:-2].argmax(1) + 2
    rows = np.arange(len(peak))
    left, mid, right = response[rows, peak - 1], response[rows, peak], response[rows, peak + 1]
    bend = left - 2 * mid + right
    sub = np.where(np.abs(bend) > 1e-6, 0.5 * (left - right) / np.where(np.abs(bend) > 1e-6, bend, 1), 0)
    strong = mid > 0.25 * np.median(mid)
    if strong.sum() < count // 8:
        return None
    at = (offsets[peak] + np.clip(sub, -0.5, 0.5))[strong]
    return Side(_robust_parabola(places[strong], at, max(reach / 10, 0.75)), float(strong.sum() / count))


def _robust_parabola(
    t: NDArray[np.float64], at: NDArray[np.float64], tolerance: float
) -> NDArray[np.float64]:
    """The parabola that most points agree on (RANSAC; Fischler & Bolles, 1981), then least squares."""
    random = np.random.default_rng(0)
    tries = []
    for degree in (1, 2):  # straight lines first: a bow must explain clearly more than a line
        count = degree + 1  # one point of each half, or third, of the side
        parts = random.integers(0, len(t), (200, count)) + np.arange(count) * len(t)
        parts //= count
        apart = np.diff(t[parts], axis=1).min(1) > 0.2 * np.ptp(t) / degree
        places, values = t[parts[apart]], at[parts[apart]]
        powers = places[..., None] ** np.arange(degree, -1, -1)
        shifts = np.linalg.solve(powers, values[..., None])[..., 0]
        tries.append(np.pad(shifts, ((0, 0), (2 - degree, 0))))
    powers = t[:, None] ** np.arange(2, -1, -1)
    away = [np.minimum(np.abs(at - shifts @ powers.T), tolerance).mean(1) for shifts in tries]
    if not len(away[0]):
        return np.array([0.0, 0.0, float(np.median(at))])
    bowed = int(len(away[1]) > 0 and away[1].min() < 0.85 * away[0].min())
    best: NDArray[np.float64] = tries[bowed][int(away[bowed].argmin())]
    for _ in range(3):
        near = np.abs(at - powers @ best) < 1.5 * tolerance
        if near.sum() < 8:
            break
        fitted = np.polyfit(t[near], at[near], 1 + bowed)
        best = np.pad(fitted, (3 - len(fitted), 0))
    return best
