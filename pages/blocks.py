"""Blocks of text on a page of working size: which groups of glyphs are written, and what they stand on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from pages.balloons import Grounds, Mask, Shape, closed_shape, cut_shape, seed_beside, without_tail
from pages.glyphs import Glyphs, dark_and_light, find_glyphs, group_glyphs
from pages.model import Box

Kind = Literal["balloon", "caption", "free"]

_WRITTEN = 0.55  # the score from which a group of glyphs is taken for writing wherever it stands


@dataclass(frozen=True)
class Block:
    """A block of text at working size.

    Attributes:
        box: of the letters, tight.
        letters: (h, w) bool, the letters in the box.
        size: of a typical letter.
        ink: gray level of the letters.
        ground: gray level of the paper.
        shape: the balloon's inside; None for free lettering.
        kind: what it stands in.
        confidence: in [0, 1].
    """

    box: Box
    letters: Mask
    size: float
    ink: float
    ground: float
    shape: Shape | None
    kind: Kind
    confidence: float


@dataclass(frozen=True)
class _Group:
    members: NDArray[np.int64]
    score: float
    clean: float
    size: float
    box: Box


def find_blocks(image: NDArray[np.uint8]) -> list[Block]:
    """The blocks of text of a picture (H, W, 3) uint8 of working size: dark ones, then light ones."""
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.uint8)
    taken = np.zeros(gray.shape, np.bool_)
    dark_ink, light_ink = dark_and_light(gray)
    dark = list(_blocks(image, gray, dark_ink, taken, light=False))
    for block in dark:
        taken[block.box.top : block.box.bottom, block.box.left : block.box.right] = True
    light = _blocks(image, 255 - gray, light_ink, taken, light=True)
    return dark + [replace(block, ink=255 - block.ink, ground=255 - block.ground) for block in light]


def _blocks(
    image: NDArray[np.uint8], gray: NDArray[np.uint8], ink: NDArray[np.uint8], taken: Mask, *, light: bool
) -> Iterator[Block]:
    """The blocks of dark text of a gray picture, which is a negative where the text is light."""
    glyphs = find_glyphs(gray, ink)
    usable = (glyphs.unrest < 25) & (glyphs.clear > 0.1) & ~_rings(glyphs)
    groups = [_group(glyphs, members) for members in group_glyphs(gray, glyphs, usable)]
    odd = [group for group in groups if len(group.members) > 4 and group.score < _WRITTEN]
    if odd:
        groups = [group for group in groups if len(group.members) <= 4 or group.score >= _WRITTEN]
        usable[:] = False
        for group in odd:
            usable[_without_strays(glyphs, group)] = True
        groups += [_group(glyphs, members) for members in group_glyphs(gray, glyphs, usable)]
    groups = [
        group
        for group in groups
        if group.clean > 0.4
        and group.size >= (8 if len(group.members) < 3 else 5)
        and taken[group.box.top : group.box.bottom, group.box.left : group.box.right].mean() < 0.3
    ]
    grounds = Grounds(image)
    by_ground: dict[int, list[_Group]] = {}
    for group in groups:
        largest = group.members[np.argmax(glyphs.area[group.members])]
        box, number = _box(glyphs, largest[None]), int(glyphs.number[largest])
        level = _median(glyphs.ground[group.members])
        ground = grounds.at(*seed_beside(gray, glyphs.labels, number, box, level))
        by_ground.setdefault(ground, []).append(group)
    for ground, there in by_ground.items():
        shape = closed_shape(grounds, ground, gray.shape)
        balloon = [] if shape is None else _in_balloon(glyphs, shape, there, gray.size, light=light)
        for group in balloon:
            yield _block(glyphs, group, shape)
        for group in [] if balloon else there:
            if group.score >= (0.65 if light else _WRITTEN) and not _is_face(glyphs, group):
                group = _with_neighbors(glyphs, group)
                letters = _letters(glyphs, group.members, group.box)
                yield _block(glyphs, group, cut_shape(grounds, ground, group.box, letters, gray.shape))


def _rings(glyphs: Glyphs) -> NDArray[np.bool_]:
    """Glyphs that go around several others: outlines of balloons, not letters."""
    rings = np.zeros(len(glyphs.number), np.bool_)
    middle = (glyphs.box[:, :2] + glyphs.box[:, 2:]) / 2
    for each in np.flatnonzero((glyphs.size > 40) & (glyphs.area < 0.25 * glyphs.width * glyphs.height)):
        left, top, right, bottom = glyphs.box[each]
        x, y = middle.T
        rings[each] = ((x > left) & (x < right) & (y > top) & (y < bottom)).sum() > 3
    return rings


def _group(glyphs: Glyphs, members: NDArray[np.int64]) -> _Group:
    size, box, clean = _typical(glyphs, members), _box(glyphs, members), _clean(glyphs, members)
    score = _written(glyphs, members, size, box) if len(members) > 2 and clean > 0.4 else 0.0
    sure = len(members) > 4 and _pen(glyphs, members, size) < 0.12  # one pen: the paper may be less even
    score *= clean**0.5 if sure else clean
    return _Group(members, score, clean, size, box)


def _without_strays(glyphs: Glyphs, group: _Group) -> NDArray[np.int64]:
    """A group's glyphs without those that join what does not belong together: long lines and large spots."""
    size = glyphs.size[group.members]
    thin = np.minimum(glyphs.width, glyphs.height)[group.members]
    median = _median(size[size >= 0.3 * np.percentile(size, 80)])
    return group.members[(size < 1.8 * median) & ((size < 5 * thin) | (size < 1.1 * median))]


def _block(glyphs: Glyphs, group: _Group, shape: Shape | None) -> Block:
    kind: Kind = "free" if shape is None else "caption" if shape.squareness > 0.93 else "balloon"
    return Block(
        box=group.box,
        letters=_letters(glyphs, group.members, group.box),
        size=group.size,
        ink=_median(glyphs.ink[group.members]),
        ground=_median(glyphs.ground[group.members]),
        shape=shape,
        kind=kind,
        confidence=group.score,
    )


def _inside(glyphs: Glyphs, shape: Shape) -> NDArray[np.int64]:
    """The glyphs whose middle is in a shape."""
    middle = ((glyphs.box[:, :2] + glyphs.box[:, 2:]) / 2).astype(np.intp) - (shape.box.left, shape.box.top)
    x, y = middle.T
    within = (x >= 0) & (y >= 0) & (x < shape.mask.shape[1]) & (y < shape.mask.shape[0])
    within[within] = shape.mask[y[within], x[within]]
    return np.flatnonzero(within)


def _with_neighbors(glyphs: Glyphs, group: _Group) -> _Group:
    """A group with the glyphs of its kind that stand by it and could not be linked with it."""
    ink, ground = _median(glyphs.ink[group.members]), _median(glyphs.ground[group.members])
    box, reach = group.box, 0.7 * group.size
    near = (glyphs.box[:, 0] > box.left - reach) & (glyphs.box[:, 2] < box.right + reach)
    near &= (glyphs.box[:, 1] > box.top - reach) & (glyphs.box[:, 3] < box.bottom + reach)
    near &= (np.abs(glyphs.ink - ink) < 50) & (np.abs(glyphs.ground - ground) < 25)
    near &= (glyphs.size < 1.8 * group.size) & (glyphs.clear > 0.1)
    members = np.union1d(group.members, np.flatnonzero(near))
    return replace(group, members=members, box=_box(glyphs, members))


def _is_face(glyphs: Glyphs, group: _Group) -> bool:
    """Whether a few glyphs are two eyes with something below between them, or rings with a core."""
    members = group.members
    if not 2 < len(members) < 10:
        return False
    box, size = glyphs.box[members], glyphs.size[members]
    middle = (box[:, :2] + box[:, 2:]) / 2
    apart = np.abs(middle[:, None] - middle)
    larger = np.maximum(size[:, None], size)
    core = (apart.max(axis=2) < 0.3 * larger) & (np.minimum(size[:, None], size) > 0.25 * larger)
    core &= (box[:, None, 0] < box[:, 0]) & (box[:, None, 2] > box[:, 2])
    core &= (box[:, None, 1] < box[:, 1]) & (box[:, None, 3] > box[:, 3])
    if core.any() and len(members) < 7:
        return True
    eyes = (apart[..., 1] < 0.35 * larger) & (apart[..., 0] > 1.4 * larger)
    eyes &= np.abs(size[:, None] - size) < 0.35 * larger
    for one, two in np.argwhere(np.triu(eyes)):
        bridge, wide = (middle[one] + middle[two]) / 2, apart[one, two, 0]
        below = (np.abs(middle[:, 0] - bridge[0]) < 0.3 * wide) & (middle[:, 1] > bridge[1] + 0.6 * size[one])
        level = (np.abs(middle[:, 1] - bridge[1]) < 0.7 * size[one]).sum()
        if below.any() and level < 4 and below.sum() < 4:
            return True
    return False


def _joined(glyphs: Glyphs, shape: Shape, groups: list[_Group]) -> list[_Group]:
    """All glyphs in a shape, the small ones with the groups that they stand by; the largest group first."""
    single = [
        _Group(each, 0, _clean(glyphs, each), float(glyphs.size[each][0]), _box(glyphs, each))
        for each in np.setdiff1d(_inside(glyphs, shape), np.concatenate([group.members for group in groups]))[
            :, None
        ]
    ]
    joined: list[_Group] = []
    for group in sorted(groups, key=lambda group: (-group.score, -len(group.members))) + single:
        for place, other in enumerate(joined):
            if _gap(group.box, other.box) < 1.6 * other.size and group.size < 3 * other.size:
                members = np.concatenate([other.members, group.members])
                joined[place] = replace(other, members=members, box=_box(glyphs, members))
                break
        else:
            joined.append(group)
    return joined


def _gap(one: Box, two: Box) -> int:
    """The pixels between two boxes, negative where they overlap."""
    return max(
        max(one.left, two.left) - min(one.right, two.right),
        max(one.top, two.top) - min(one.bottom, two.bottom),
    )


def _in_balloon(
    glyphs: Glyphs, shape: Shape, groups: list[_Group], page: int, *, light: bool
) -> list[_Group]:
    """The text in a closed ground, if that is a balloon or caption: it holds writing and little else."""
    joined = _joined(glyphs, shape, groups)
    if shape.solidity < 0.55:
        return []
    area = {id(group): glyphs.area[group.members].sum() for group in joined}
    window = glyphs.labels[shape.box.top : shape.box.bottom, shape.box.left : shape.box.right]
    inked = max(((window > 0) & shape.mask).sum(), 1)
    threshold = _WRITTEN if shape.solidity > 0.7 and not light else 0.8
    written = [
        group
        for group in joined
        if group.score > threshold
        and not (_is_face(glyphs, group) and _pen(glyphs, group.members, group.size) > 0.12)
    ]
    covered = sum(group.box.width * group.box.height for group in written) / shape.area
    if (
        covered > (0.04 if shape.area < 0.02 * page else 0.12)
        and sum(area.values()) > 0.7 * inked
        and sum(area[id(group)] for group in written) > 0.45 * inked
    ):
        size = max(group.size for group in written)
        return [
            replace(group, score=max(group.score, _WRITTEN))
            for group in joined
            if group.score > 0.3 or (0.5 * size < group.size < 2 * size and _few_letters(glyphs, group))
        ]
    words = [
        group
        for group in joined
        if group.clean > 0.6 and _few_letters(glyphs, group) and not _is_face(glyphs, group)
    ]
    if words:
        words += [group for group in joined if _is_dash(glyphs, group)]
    if (
        light
        or not words
        or not 1500 < shape.area < 0.045 * page
        or sum(area[id(group)] for group in words) < 0.78 * inked
    ):
        return []
    members = np.concatenate([group.members for group in words])
    box, core = _box(glyphs, members), without_tail(shape)
    rows, columns = np.flatnonzero(core.mask.any(1)), np.flatnonzero(core.mask.any(0))
    if len(rows) == 0 or min(len(rows), len(columns)) < 1.3 * words[0].size:
        return []
    across = (box.left + box.right) / 2 - core.box.left - (columns[0] + columns[-1]) / 2
    down = (box.top + box.bottom) / 2 - core.box.top - (rows[0] + rows[-1]) / 2
    off = max(abs(across) / len(columns), abs(down) / len(rows))
    text = sum(group.box.width * group.box.height for group in words) / shape.area
    pure = (
        sum(area[id(group)] for group in words) > 0.95 * inked and min(group.clean for group in words) > 0.9
    )
    if (
        core.solidity < (0.75 if pure and len(members) > 1 else 0.88)
        or off > (0.3 if pure and len(members) > 1 and _in_line(glyphs, words[0]) else 0.15)
        or text
        < (
            0.008
            if pure and core.solidity > 0.94 and len(members) > 1
            else 0.03
            if len(members) > 1
            else 0.06
        )
        or _median(glyphs.ground[members]) < 215
        or len(members) == len(words) > 1
    ):
        return []
    return [replace(group, score=max(group.score, _WRITTEN)) for group in words]


def _is_dash(glyphs: Glyphs, group: _Group) -> bool:
    """Whether a group is one straight stroke, as they stand between words."""
    width, height = glyphs.width[group.members], glyphs.height[group.members]
    straight = np.maximum(width, height) > 5 * np.minimum(width, height)
    return bool(
        len(group.members) == 1 and straight[0] and glyphs.area[group.members][0] > 0.6 * (width * height)[0]
    )


def _few_letters(glyphs: Glyphs, group: _Group) -> bool:
    """Whether a few glyphs are a short word or a single letter, and not a face, a pupil or a window."""
    members = group.members
    width, height, area = glyphs.width[members], glyphs.height[members], glyphs.area[members]
    elongated = np.maximum(width, height) / np.minimum(width, height)
    fill = area / (width * height)
    compact = (elongated < 2) & (np.maximum(width, height) > 8)
    if compact.any() and _median(fill[compact]) > (0.68 if len(members) == 1 else 0.85):
        return False
    dense = area.sum() / (group.box.width * group.box.height)
    pen, line = _pen(glyphs, members, group.size), _in_line(glyphs, group)
    one_rules = area.max() > 0.6 * area.sum() and not line and dense < 0.35
    if len(members) > 2 and (one_rules or (pen > (0.5 if len(members) < 4 else 0.35) and dense < 0.4)):
        return False
    if len(members) == 1:
        return bool(dense > 0.25 and elongated[0] < 1.8)
    if len(members) == 2:
        return bool(dense > 0.12)
    return bool(dense > (0.05 if line else 0.18 if pen < 0.25 else 0.22))


def _in_line(glyphs: Glyphs, group: _Group) -> bool:
    """Whether all glyphs of a group stand in one line."""
    middle = (glyphs.box[group.members, :2] + glyphs.box[group.members, 2:]) / 2
    if len(middle) < 3:
        return True
    return bool(np.linalg.eigvalsh(np.cov(middle.T))[0] < (0.25 * group.size) ** 2)


def _clean(glyphs: Glyphs, members: NDArray[np.int64]) -> float:
    """How even the paper close around the glyphs of a group is, in [0, 1]."""
    ground, area = glyphs.ground[members], glyphs.area[members]
    contrast = ground - glyphs.ink[members]
    unrest = float((glyphs.unrest[members] / contrast * area).sum() / area.sum())
    paper = float(ground.std()) / _median(contrast)
    return _fall(unrest, 0.05, 0.14) * _fall(paper, 0.03, 0.10)


def _written(glyphs: Glyphs, members: NDArray[np.int64], size: float, box: Box) -> float:
    """How much a group looks like writing, in [0, 1]: many, dense, compact, alike in size and stroke."""
    width, height, area = glyphs.width[members], glyphs.height[members], glyphs.area[members]
    large = glyphs.size[members] >= 0.5 * size
    fill = area / (width * height)
    dense = area.sum() / (box.width * box.height)
    elongated = _median(np.maximum(width, height)[large] / np.minimum(width, height)[large])
    varied = float((np.std(width[large]) + np.std(height[large])) / size + np.std(fill[large]))
    pen = _pen(glyphs, members, size)
    score = _fall(varied, 0.9, 1.6) * min(1.0, 0.15 + 0.17 * large.sum() + 0.04 * (~large).sum())
    thin = (len(members) > 15 and pen < 0.25) or (len(members) > 7 and pen < 0.12)
    score *= 1 - (_fall(dense, 0.04, 0.08) if thin else _fall(dense, 0.08, 0.16))
    score *= _fall(elongated, 1.7, 3.0) if len(members) < 8 or pen < 0.15 else _fall(elongated, 1.5, 2.4)
    if large.sum() > 5:
        score *= _fall(_median(fill[large]), 0.7, 0.9)
    else:
        score *= (1.0 if pen < 0.1 else 0.7) * _even_line(glyphs, members[large], size)
    return float(score * (_fall(pen, 0.3, 0.5) if len(members) > 2 else 1.0))


def _pen(glyphs: Glyphs, members: NDArray[np.int64], size: float) -> float:
    """How unlike in thickness the strokes of glyphs are: about 0.1 in writing, 0.3 and more in drawing."""
    stroke = glyphs.stroke[members][glyphs.size[members] >= 0.5 * size]
    return float(np.std(stroke) / np.mean(stroke))


def _even_line(glyphs: Glyphs, members: NDArray[np.int64], size: float) -> float:
    """How much a few glyphs stand alike in one line, in [0, 1]; two always do, so they count for nothing."""
    if len(members) < 3:
        return 0.0
    middle = (glyphs.box[members, :2] + glyphs.box[members, 2:]) / 2
    spread = np.sqrt(max(np.linalg.eigvalsh(np.cov(middle.T))[0], 0)) / size
    return _fall(spread, 0.15, 0.3) * _fall(float(np.std(glyphs.size[members])) / size, 0.25, 0.45)


def _fall(value: float, good: float, bad: float) -> float:
    """1 up to one value, falling to 0 at another."""
    return min(max((bad - value) / (bad - good), 0.0), 1.0)


def _median(values: NDArray[np.float64]) -> float:
    """The median (numpy's costs more than all else here on a few values)."""
    return float(np.sort(values)[len(values) // 2])


def _typical(glyphs: Glyphs, members: NDArray[np.int64]) -> float:
    """The size of a typical letter among glyphs, some of which are dots and parts of letters."""
    size = np.sort(glyphs.size[members])
    large = size[size >= 0.5 * size[int(0.8 * (len(size) - 1))]]
    return float(large[len(large) // 2])


def _box(glyphs: Glyphs, members: NDArray[np.int64]) -> Box:
    box = glyphs.box[members]
    return Box(*(int(value) for value in (*box[:, :2].min(0), *box[:, 2:].max(0))))


def _letters(glyphs: Glyphs, members: NDArray[np.int64], box: Box) -> Mask:
    """The pixels of some glyphs in a box."""
    return np.isin(glyphs.labels[box.top : box.bottom, box.left : box.right], glyphs.number[members])
