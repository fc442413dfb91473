"""A page cut along its gutters and frames, again and again, until every part is one panel."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pages.edges import STEP, Edge, find_edges
from pages.region import Region

Line = tuple[NDArray[np.float64], float]
"""(normal, offset)"""

_INK = 36  # levels away from the gutter's color

# How sure it is that a line divides panels: a logistic model of what is seen along it.
_EVIDENCE = {
    "covered": 1.37,  # share of the line at which there is an edge
    "tail": -1.18,  # the longest share at one of its ends at which there is none
    "paper": 0.74,  # share with flat gutter color beside the line, on one side
    "dark": 1.4,  # mean darkness of what is on it
    "length": 1.69,  # as a share of the page's shorter side, 1 at most
    "covered_paper": 1.28,  # covered x paper
    "company": 2.75,  # share at which a parallel line close by is covered: frames and gutters have two edges
    "always": -5.59,
}
_SURE, _SURE_MARGIN = 0.6, -1.5  # from so much evidence on, a page is cut, or a blank margin left out
_COVERED = 0.4  # at least so much of a cut is seen as an edge
_COVERED_MARGIN, _COVERED_OUTSIDE = 0.45, 0.7  # and of the end of a margin: of one panel, or maybe several
_BLANK, _BLANKER = 0.06, 0.3  # at most so much of a margin is ink, and so much less than in the whole
_GUTTER_INK = 0.5  # at most so much of a gutter is art and balloons that cross it
_SLANTED, _FILL = 0.05, 0.6  # a slanted cut leaves more than a corner of the box around each part
_PARALLEL = 0.99  # cosine
_EMPTY, _FRAME_INK, _FRAMED = 0.02, 0.004, 0.8  # ink of a panel; with so much of its outline an edge, less
_SLIVER_INK = 0.3  # nor is a sliver with less ink than that
_TOO_THIN = 0.2  # nor a part so much thinner than the usual one
_DEEPEST = 14
_RUN = 0.08  # of a strip's side, as a share of the shorter side of what it divides
_LOOK = 3  # pixels beside a clean strip in which the edges of art are looked for
# Shares of the page's shorter side:
_COMPANY = 0.05  # so close a parallel line is company
_STROKE = 0.01  # so wide a frame is, with its wobble
_THINNEST_CUT, _THINNEST, _SLIVER = 0.04, 0.055, 0.09  # of a part that is cut off, of a panel, of a sliver
_SMALLEST = 0.008  # panel, as a share of the square of the shorter side
_SHORTEST = 0.05  # cut


@dataclass(frozen=True)
class Part:
    """A region that was cut from a page.

    Attributes:
        region: the part of the page.
        frames: lines along its sides that are known to be the panel's frame: there is no margin inside them.
        confidence: how sure it is, 0 to 1, that it was rightly cut.
    """

    region: Region
    frames: tuple[Line, ...] = ()
    confidence: float = 1.0

    def beyond(self, edge: Edge, *, behind: bool) -> Part:
        """What lies on one side of an edge, which is its frame."""
        region = self.region.part(edge.normal, edge.offset, behind=behind)
        return replace(self, region=region, frames=(*self.frames, (edge.normal, edge.offset)))

    def is_at_frame(self, margin: Region, edge: Edge) -> bool:
        """Whether a strip of the part, beyond an edge, lies along a frame."""
        depths = np.abs(margin.corners @ edge.normal - edge.offset)
        outermost = margin.corners[depths > 0.8 * depths.max()]
        return any(
            abs(edge.normal @ frame) > 0.97 and bool((np.abs(outermost @ frame - place) < 2).any())
            for frame, place in self.frames
        )


@dataclass(frozen=True)
class _Seen:
    """An edge as it crosses a region.

    Attributes:
        edge: on the page.
        evidence: that it divides panels.
        covered: the share of the way at which it is seen.
        middle: of the way, by its place along the edge.
    """

    edge: Edge
    evidence: float
    covered: float
    middle: float


@dataclass(frozen=True)
class _Cut:
    """A way to divide a part: how much speaks for it, and the two parts that it leaves."""

    evidence: float
    parts: tuple[Part, Part]


@dataclass(frozen=True)
class CutPage:
    """A page at working size.

    Attributes:
        paper: (H, W) uint8, bit k set where the page has the k-th gutter color.
        colors: how many gutter colors there are.
        edges: its straight lines.
        normals: of the edges, (n, 2).
        offsets: of the edges, (n,).
    """

    paper: NDArray[np.uint8]
    colors: int
    edges: list[Edge]
    normals: NDArray[np.float64]
    offsets: NDArray[np.float64]

    @classmethod
    def of(cls, image: NDArray[np.uint8]) -> CutPage:
        """The page in a picture, (H, W, 3) uint8."""
        colors = _gutter_colors(image)
        paper = np.zeros(image.shape[:2], np.uint8)
        for bit, color in enumerate(colors):
            low = tuple(int(level) for level in np.clip(color - _INK, 0, 255))
            high = tuple(int(level) for level in np.clip(color + _INK, 0, 255))
            paper |= (cv2.inRange(image, low, high) & 1) << bit
        edges = find_edges(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), paper, len(colors))
        normals = np.array([edge.normal for edge in edges]).reshape(-1, 2)
        return cls(paper, len(colors), edges, normals, np.array([edge.offset for edge in edges]))

    @property
    def whole(self) -> Region:
        """All of the page."""
        height, width = self.paper.shape
        return Region.of_page(width, height)

    @property
    def _shorter(self) -> int:
        return int(min(self.paper.shape))

    @property
    def ink(self) -> float:
        """The share of the page that is not of its commonest gutter color."""
        return self._ink(self.whole)

    def panels(self) -> list[Part]:
        """The panels, in no order; at least one."""
        found = [part for part in self._cut(Part(self.whole), 0) if self._is_panel(part.region)]
        thickness = [part.region.thickness for part in found]
        usual = float(np.median(thickness)) if found else 0.0
        found = [part for part, thick in zip(found, thickness, strict=True) if thick >= _TOO_THIN * usual]
        return found or [Part(self.whole, confidence=0.0)]

    def framed(self, region: Region) -> float:
        """The share of a region's outline at which an edge is seen."""
        seen = whole = 0.0
        for start, end in zip(region.corners, np.roll(region.corners, -1, axis=0), strict=True):
            length = float(np.hypot(*(end - start)))
            off = np.abs(np.stack([start, end]) @ self.normals.T - self.offsets).max(0)
            covered = 0.0
            for place in np.flatnonzero(off < _STROKE * self._shorter):
                edge = self.edges[place]
                first, behind = edge.samples(*sorted((edge.direction @ start, edge.direction @ end)))
                covered = max(covered, float(edge.covered[behind] - edge.covered[first]) * STEP)
            seen, whole = seen + min(covered, length), whole + length
        return seen / max(whole, 1e-6)

    def _cut(self, part: Part, depth: int) -> Iterator[Part]:
        part, crossing = self._trimmed(part, _COVERED_OUTSIDE)
        best = self._best_cut(part, crossing)
        if best is None:
            trimmed, crossing = self._trimmed(part, _COVERED_MARGIN, crossing)
            if trimmed is not part:
                part = trimmed
                best = self._best_cut(part, crossing)
        if best is None or depth == _DEEPEST:
            most = max((seen.evidence for seen in crossing), default=-math.inf)
            yield replace(part, confidence=min(part.confidence, _certainty(_SURE - most)))
            return
        confidence = min(part.confidence, _certainty(best.evidence - _SURE))
        for half in best.parts:
            yield from self._cut(replace(half, confidence=confidence), depth + 1)

    def _trimmed(
        self, part: Part, least_covered: float, crossing: list[_Seen] | None = None
    ) -> tuple[Part, list[_Seen]]:
        """Without the blank margins beyond edges seen along so much of the way; and the edges left."""
        for _ in range(8):
            crossing = self._crossing(part.region) if crossing is None else crossing
            margins = []
            most_ink = -1.0
            for seen in crossing:
                if seen.covered < least_covered or seen.evidence <= _SURE_MARGIN:
                    continue
                for behind in (False, True):
                    margin = part.region.part(seen.edge.normal, seen.edge.offset, behind=behind)
                    if not 1 < margin.area < part.region.area / 2 or part.is_at_frame(margin, seen.edge):
                        continue
                    if seen.edge.slant >= _SLANTED and margin.fill <= _FILL:
                        continue
                    if most_ink < 0:
                        most_ink = min(_BLANK, _BLANKER * self._ink(part.region))
                    if self._ends_within(seen, crossing, behind=behind):
                        continue
                    if self._ink(self._off_line(margin, seen.edge, behind=behind)) < most_ink:
                        margins.append((margin.area, seen, behind))
            if not margins:
                return part, crossing
            _, largest, behind = max(margins, key=lambda found: found[0])
            frame = [
                found
                for found in margins
                if found[2] is behind
                and found[1].covered >= 0.8 * largest.covered
                and largest.edge.normal @ found[1].edge.normal > _PARALLEL
                and abs(largest.edge.offset - found[1].edge.offset) < _STROKE * self._shorter
            ]
            _, outer, _ = min(frame, key=lambda found: found[0])  # of the two edges of a frame
            part, crossing = part.beyond(outer.edge, behind=not behind), None
        return part, self._crossing(part.region)

    def _ends_within(self, seen: _Seen, crossing: list[_Seen], *, behind: bool) -> bool:
        """Whether there is another such edge beyond an edge: an empty panel, and not yet the margin."""
        point = seen.edge.normal * seen.edge.offset + seen.edge.direction * seen.middle
        for other in crossing:
            if other.covered >= _COVERED_MARGIN and seen.edge.normal @ other.edge.normal > _PARALLEL:
                beyond = (other.edge.offset - other.edge.normal @ point) * (1 if behind else -1)
                if beyond > _COMPANY * self._shorter:
                    return True
        return False

    def _off_line(self, margin: Region, edge: Edge, *, behind: bool) -> Region:
        """A margin without the frame it ends at, whose line may wobble; as it is if nothing is left."""
        away = _STROKE * self._shorter * (1 if behind else -1)
        rest = margin.part(edge.normal, edge.offset + away, behind=behind)
        return rest if len(rest.corners) > 2 else margin

    def _best_cut(self, part: Part, crossing: list[_Seen]) -> _Cut | None:
        best: _Cut | None = None
        for cut in (*self._along_edges(part, crossing), *self._along_strips(part)):
            if (best is None or cut.evidence > best.evidence) and all(
                half.region.thickness >= _THINNEST_CUT * self._shorter for half in cut.parts
            ):
                best = cut
        return best

    def _along_edges(self, part: Part, crossing: list[_Seen]) -> Iterator[_Cut]:
        """Cuts along edges: of both sides of a gutter, or of a frame that two panels share."""
        for seen in crossing:
            if seen.evidence <= _SURE:
                continue
            gutters = [found for other in crossing if (found := self._gutter(part, seen, other)) is not None]
            if gutters:
                _, cut = max(gutters, key=lambda found: found[0])
            else:
                before, behind = (
                    replace(part, region=part.region.part(seen.edge.normal, seen.edge.offset, behind=behind))
                    for behind in (False, True)
                )
                cut = _Cut(seen.evidence, (before, behind))
            if seen.edge.slant < _SLANTED or all(half.region.fill > _FILL for half in cut.parts):
                yield cut

    def _gutter(self, part: Part, seen: _Seen, other: _Seen) -> tuple[float, _Cut] | None:
        """The strip between two edges if it is a gutter: how good a one, and the cut along it."""
        first, second = seen.edge, other.edge
        if first.normal @ second.normal < _PARALLEL:
            return None
        apart = first.normal @ (second.normal * second.offset + second.direction * other.middle)
        apart -= first.offset
        if not 2.5 < abs(apart) < _COMPANY * self._shorter:
            return None
        if apart < 0:
            first, second = second, first
        strip = part.region.part(first.normal, first.offset, behind=True)
        strip = strip.part(second.normal, second.offset, behind=False)
        if len(strip.corners) < 3 or (ink := self._ink(strip)) > _GUTTER_INK:
            return None
        halves = part.beyond(first, behind=False), part.beyond(second, behind=True)
        return seen.covered * other.covered - ink, _Cut(max(seen.evidence, other.evidence), halves)

    def _along_strips(self, part: Part) -> Iterator[_Cut]:
        """Cuts along clean level or upright strips of gutter color with something on their sides."""
        height, width = self.paper.shape
        inside, rows, columns = part.region.mask(width, height)
        if min(inside.shape) < 16:
            return
        paper = self.paper[rows, columns]
        for bit in range(self.colors):
            ink = np.bitwise_and(~(paper >> bit), inside)
            for upright in (False, True):
                normal = np.array([1.0, 0.0]) if upright else np.array([0.0, 1.0])
                corner = columns.start if upright else rows.start
                window = (ink.T, inside.T) if upright else (ink, inside)
                for top, bottom, evidence in _strips(*window):
                    before, behind = (
                        replace(
                            part,
                            region=part.region.part(normal, float(corner + row), behind=behind),
                            frames=(*part.frames, (normal, float(corner + row))),
                        )
                        for row, behind in ((top, False), (bottom, True))
                    )
                    yield _Cut(evidence, (before, behind))

    def _is_panel(self, region: Region) -> bool:
        """Whether a part that cannot be cut is large enough, and not blank."""
        thickness = region.thickness
        if thickness < _THINNEST * self._shorter or region.area < _SMALLEST * self._shorter**2:
            return False
        ink = self._ink(region)
        if thickness < _SLIVER * self._shorter:
            return ink >= _SLIVER_INK
        return ink >= (_EMPTY if self.framed(region) < _FRAMED else _FRAME_INK)

    def _ink(self, region: Region) -> float:
        """The share of the region that is not of the commonest gutter color in it."""
        coarse = self.paper[::2, ::2]
        mask, rows, columns = region.scaled(0.5, 0.5).mask(coarse.shape[1], coarse.shape[0])
        paper = coarse[rows, columns]
        most = max(cv2.countNonZero(paper & (mask << bit)) for bit in range(self.colors))
        return 1 - most / max(cv2.countNonZero(mask), 1)

    def _crossing(self, region: Region) -> list[_Seen]:
        """The edges that cross a region, with what is seen of them on the way."""
        if not self.edges or len(region.corners) < 3:
            return []
        beyond = region.corners @ self.normals.T - self.offsets
        places = np.flatnonzero((beyond.min(0) < -2) & (beyond.max(0) > 2))
        edges = [self.edges[place] for place in places]
        normals, offsets = self.normals[places], self.offsets[places]
        stretches = region.stretches(normals, offsets)
        samples = [edge.samples(*stretch) for edge, stretch in zip(edges, stretches, strict=True)]
        covered = np.array(
            [
                (edge.covered[end] - edge.covered[start]) / max(end - start, 1)
                for edge, (start, end) in zip(edges, samples, strict=True)
            ]
        )
        middles = stretches.mean(1)
        points = normals * offsets[:, None] + np.stack([-normals[:, 1], normals[:, 0]], 1) * middles[:, None]
        apart = np.abs(points @ normals.T - offsets)
        near = (normals @ normals.T > _PARALLEL) & (apart > 1.2) & (apart < _COMPANY * self._shorter)
        company = np.where(near, covered, 0).max(1, initial=0)
        return [
            _Seen(
                edge,
                self._evidence(edge, *samples[place], float(covered[place]), float(company[place])),
                float(covered[place]),
                float(middles[place]),
            )
            for place, edge in enumerate(edges)
            if covered[place] >= _COVERED
            and (samples[place][1] - samples[place][0]) * STEP >= _SHORTEST * self._shorter
        ]

    def _evidence(self, edge: Edge, start: int, end: int, covered: float, company: float) -> float:
        number = end - start
        first = int(np.searchsorted(edge.covered, edge.covered[start] + 1)) - 1
        last = int(np.searchsorted(edge.covered, edge.covered[end])) - 1
        paper = float((edge.paper[:, :, end] - edge.paper[:, :, start]).max()) / number
        seen = {
            "covered": covered,
            "tail": max(first - start, end - 1 - last) / number,
            "paper": paper,
            "dark": float(edge.dark[end] - edge.dark[start]) / number,
            "length": min(number * STEP / self._shorter, 1.0),
            "covered_paper": covered * paper,
            "company": company,
            "always": 1.0,
        }
        return sum(_EVIDENCE[name] * value for name, value in seen.items())


def _strips(ink: NDArray[np.uint8], inside: NDArray[np.uint8]) -> Iterator[tuple[int, int, float]]:
    """(first row, row behind, evidence) of clean strips from end to end."""
    height, width = ink.shape
    length = np.maximum(cv2.reduce(inside, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[:, 0], 1)
    crossing = cv2.reduce(ink, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[:, 0] / length
    end = max(width // 40, 3)  # the flat ground within a framed panel has ink at its ends
    clean = (length >= width * 0.5) & (crossing <= 0.015) & ~(ink[:, :end].any(1) | ink[:, -end:].any(1))
    changes = np.diff(np.concatenate([[False], clean, [False]]).astype(np.int8))
    for top, bottom in np.flatnonzero(changes).reshape(-1, 2):
        if top < _LOOK or bottom > height - _LOOK or bottom - top < 2:
            continue
        free = (inside[top] & inside[bottom - 1]).astype(np.bool_) & ~ink[top:bottom].any(0)
        sides = ink[top - _LOOK : top], ink[bottom : bottom + _LOOK]
        low, high = sorted(
            _unbroken(side.any(0) & free, height, width) / max(free.sum(), 1) for side in sides
        )
        if low > 0.3 or high > 0.6:
            thick = min((bottom - top) / 8, 1)
            yield int(top), int(bottom), 1 + low + 0.5 * high + thick - float(crossing[top:bottom].min())


def _unbroken(side: NDArray[np.bool_], height: int, width: int) -> int:
    """How many pixels of a strip's side are in long runs, as frames and art are and letters are not."""
    changes = np.flatnonzero(np.diff(np.concatenate([[False], side, [False]]).astype(np.int8))).reshape(-1, 2)
    runs = changes[:, 1] - changes[:, 0]
    return int(runs[runs >= _RUN * min(height, width)].sum())


def _certainty(evidence: float) -> float:
    """Evidence for a decision as a probability that it is right."""
    return 1 / (1 + math.exp(-2 * max(evidence, -100.0)))


def _gutter_colors(image: NDArray[np.uint8]) -> list[NDArray[np.int16]]:
    """Flat colors that gutters may have: those common at the page's border, and paper white and ink black."""
    height, width = image.shape[:2]
    edge = max(min(height, width) // 50, 2)
    sides = image[:edge], image[-edge:], image[edge:-edge, :edge], image[edge:-edge, -edge:]
    pixels = np.concatenate([side.reshape(-1, 3) for side in sides]).astype(np.int16)
    least = 0.15 * len(pixels)
    colors: list[NDArray[np.int16]] = []
    while len(colors) < 2 and len(pixels) > least:
        keys = (pixels >> 4) @ np.array([256, 16, 1], np.int16)
        commonest = np.bincount(keys).argmax()
        color = np.median(pixels[keys == commonest], axis=0).astype(np.int16)
        near = np.abs(pixels - color).max(1) <= _INK // 2
        if near.sum() > least:
            colors.append(color)
        pixels = pixels[~near]
    for extreme in (255, 0):
        color = np.full(3, extreme, np.int16)
        if all(np.abs(color - known).max() > _INK for known in colors):
            colors.append(color)
    return colors
