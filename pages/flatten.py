"""Uneven light -> even light: lamp, shadows and the color of the light are taken from a sheet's paper.

What a camera sees is paper and drawing times light (Land & McCann, "Lightness and retinex theory", 1971), so
in linear light the picture divided by the light on bare paper is the drawing. The light is read off the paper
between the lines; where ink, paint or a dark panel covers the paper over a wide area, it is interpolated from
the paper around, so that fills keep their tone.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]

_SIDE = 1000  # pixels of the longer side at which light is estimated
_LINE = 0.024  # of the shorter side: what is thinner than this is drawing on paper, not a fill
_WHITE = 0.955  # of linear light to which paper is brought: 250 of 255, so that nothing faint is clipped
_LIT = 0.11  # how far (log) from the lamp's smooth surface paper in full light may be
_DEEPEST = -1.5  # how much darker (log) paper in shadow may be; a dark fill is darker
_GRAY, _TINTED = 0.055, 0.2  # how far (log ratios) the color of paper in light, and in shadow, may stray
_STEP = 0.03  # change of log light in a pixel that paper in light or a soft shadow does not exceed
_RIM = 0.035  # of the shorter side: where the table may be seen beside a sheet's rounded corner


def flatten_light(picture: Picture) -> Picture:
    """The sheet as if lit evenly by white light, its paper almost white.

    Args:
        picture: (H, W, 3) uint8 sRGB: one sheet, filling the picture.
    """
    height, width = picture.shape[:2]
    light = paper_light(picture)
    flat = np.empty_like(picture)
    rows = np.minimum((np.arange(height) + 0.5) * light.shape[0] / height - 0.5, light.shape[0] - 1)
    columns = np.minimum((np.arange(width) + 0.5) * light.shape[1] / width - 0.5, light.shape[1] - 1)
    columns = columns.astype(np.float32)[None]
    for first in range(0, height, 256):  # by bands, so that a large photograph needs little memory
        y = rows[first : first + 256].astype(np.float32)[:, None]
        maps = np.broadcast_to(columns, (len(y), width)), np.broadcast_to(y, (len(y), width))
        here = cv2.remap(
            light,
            np.ascontiguousarray(maps[0]),
            np.ascontiguousarray(maps[1]),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        flat[first : first + 256] = _encoded(_LINEAR[picture[first : first + 256]] * (_WHITE / here))
    return _without_table(flat)


def paper_light(picture: Picture) -> Plane:
    """The light on a sheet: what bare paper would show at every place.

    Returns:
        (h, w, 3) float32 linear light, above 0; the longer side has at most 1000 pixels.
    """
    height, width = picture.shape[:2]
    scale = min(_SIDE / max(height, width), 1.0)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    small = cv2.medianBlur(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), 3)
    seen = np.log(_LINEAR[small] + np.float32(0.002))
    reach = max(round(_LINE * min(size)), 3) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    # closing removes lines; padding with the picture's own edge keeps it from growing dark rims
    padded = cv2.copyMakeBorder(seen, reach, reach, reach, reach, cv2.BORDER_REFLECT)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)[reach:-reach, reach:-reach]
    closed = cv2.medianBlur(np.ascontiguousarray(closed), 5)
    paper = _paper(closed)
    # closing takes the brightest of the noise: bring it back to the paper's mean
    bare = (paper & (np.abs(seen - closed).max(2) < 0.15)).astype(np.float32)
    weight = cv2.GaussianBlur(bare, (0, 0), 6) + np.float32(1e-3)
    excess = cv2.GaussianBlur((seen - closed) * bare[..., None], (0, 0), 6) / weight[..., None]
    return np.exp(_filled(closed + excess, paper))


def _paper(closed: Plane) -> Mask:
    """Where the log picture without lines shows bare paper, in light or in shadow."""
    tone = closed.mean(2)
    ratios = np.stack((closed[..., 0] - closed[..., 1], closed[..., 2] - closed[..., 1]), 2)
    lamp = _surface(tone, np.ones(tone.shape, np.bool_), degree=3, above=0.97)
    near = np.abs(tone - lamp) < _LIT
    center = np.median(ratios[near], axis=0) if near.any() else np.zeros(2)
    near &= np.linalg.norm(ratios - center, axis=2) < 2 * _GRAY
    paper_ratios = np.stack([_surface(ratios[..., c], near, degree=2, above=0.5) for c in range(2)], 2)
    stray = np.linalg.norm(ratios - paper_ratios, axis=2)
    gentle = cv2.GaussianBlur(tone, (0, 0), 1.0)
    slope = np.hypot(cv2.Scharr(gentle, cv2.CV_32F, 1, 0), cv2.Scharr(gentle, cv2.CV_32F, 0, 1)) / 32
    steady = (slope < _STEP) & (stray < _TINTED)
    count, parts, stats, _ = cv2.connectedComponentsWithStats(steady.astype(np.uint8), connectivity=4)
    order = np.argsort(parts, axis=None, kind="stable")
    bounds = np.concatenate(([0], np.cumsum(stats[:, cv2.CC_STAT_AREA])))
    rim = np.zeros(tone.shape, np.bool_)
    margin = max(round(0.012 * min(tone.shape)), 2)
    rim[:margin], rim[-margin:], rim[:, :margin], rim[:, -margin:] = True, True, True, True
    depth, color, at_rim = (tone - lamp).ravel(), stray.ravel(), rim.ravel()
    is_paper = np.zeros(count, np.bool_)
    for part in range(1, count):
        places = order[bounds[part] : bounds[part + 1]]
        if len(places) < 24:
            continue
        below, tint = float(np.median(depth[places])), float(np.median(color[places]))
        lit = abs(below) < _LIT and tint < _GRAY
        # a shadow comes in over the sheet's edge; a fill lies inside
        shadow = _DEEPEST < below < _LIT and at_rim[places].sum() > 2 * margin**2
        is_paper[part] = lit or shadow
    paper = is_paper[parts]
    # the edge of a hard shadow, between paper and paper
    bridged = cv2.morphologyEx(
        paper.astype(np.uint8), cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (13, 13))
    )
    result: Mask = (bridged > 0) & (stray < _TINTED)
    if not result.any():
        return np.asarray(tone >= np.percentile(tone, 95))
    return result


def _surface(values: Plane, used: Mask, *, degree: int, above: float) -> Plane:
    """A smooth surface (polynomial) with the share ``above`` of the weight of values below it (expectile)."""
    height, width = values.shape
    step = max(max(height, width) // 120, 1)
    y, x = np.mgrid[:height:step, :width:step]
    terms = _terms(x / width - 0.5, y / height - 0.5, degree)
    inside = used[::step, ::step].ravel()
    if inside.sum() < 3 * terms.shape[1]:
        return np.full(values.shape, np.median(values), np.float32)
    terms, wanted = terms[inside], values[::step, ::step].ravel()[inside]
    weights = np.ones(len(wanted))
    factors = np.zeros(terms.shape[1])
    for _ in range(25):
        root = np.sqrt(weights)[:, None]
        # a little ridge keeps the surface calm where there is no paper to hold it
        left = np.vstack((terms * root, 0.02 * np.sqrt(len(wanted)) * np.eye(terms.shape[1])[1:]))
        right = np.concatenate((wanted * root[:, 0], np.zeros(terms.shape[1] - 1)))
        factors = np.linalg.lstsq(left, right, rcond=None)[0]
        rest = wanted - terms @ factors
        # Huber's weights: a far outlier counts by its sign, not by its distance
        weights = np.where(rest > 0, above, 1 - above) / np.maximum(np.abs(rest), 0.03)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    rows = _terms(x / width - 0.5, y / height - 0.5, degree).astype(np.float32) @ factors.astype(np.float32)
    surface: Plane = rows.reshape(height, width)
    return surface


def _terms(x: NDArray[np.floating], y: NDArray[np.floating], degree: int) -> NDArray[np.floating]:
    x, y = 2 * x.ravel(), 2 * y.ravel()
    return np.stack([x**i * y**j for i in range(degree + 1) for j in range(degree + 1 - i)], 1)


def _filled(values: Plane, known: Mask) -> Plane:
    """Unknown places interpolated from known ones, nearest first (pull-push; Gortler et al., 1996)."""
    levels = [(values * known[..., None], known.astype(np.float32))]
    while min(levels[-1][1].shape) > 2:
        color, weight = (cv2.pyrDown(plane) for plane in levels[-1])
        levels.append((color, weight))
    color, weight = levels[-1]
    filled = np.broadcast_to(
        color.sum((0, 1)) / max(float(weight.sum()), 1e-6), (*weight.shape, values.shape[2])
    ).astype(np.float32)
    for color, weight in reversed(levels):
        filled = cv2.resize(filled, weight.shape[::-1], interpolation=cv2.INTER_LINEAR)
        sure = np.clip(weight * 4, 0, 1)[..., None]
        filled = sure * color / np.maximum(weight, 1e-6)[..., None] + (1 - sure) * filled
    return np.where(known[..., None], values, filled)


def _without_table(flat: Picture) -> Picture:
    """What is seen of the table beside rounded corners and torn rims becomes paper."""
    height, width = flat.shape[:2]
    rim = max(round(_RIM * min(height, width)), 2)
    dark = (flat.min(2) < 215).astype(np.uint8)
    thick = max(rim // 8, 2) | 1
    dark = cv2.morphologyEx(
        cv2.copyMakeBorder(dark, thick, thick, thick, thick, cv2.BORDER_REPLICATE),
        cv2.MORPH_OPEN,
        cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (thick, thick)),
    )[thick:-thick, thick:-thick]
    count, parts, stats, _ = cv2.connectedComponentsWithStats(dark, connectivity=8)
    left, top = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_TOP]
    right, bottom = left + stats[:, cv2.CC_STAT_WIDTH], top + stats[:, cv2.CC_STAT_HEIGHT]
    touches = (left == 0) | (top == 0) | (right == width) | (bottom == height)
    shallow = (right < rim) | (bottom < rim) | (left > width - rim) | (top > height - rim)
    table = touches & shallow
    table[0] = False
    if not table.any():
        return flat
    covered = cv2.dilate(table[parts].astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    flat[covered] = _encoded(np.full((1, 3), _WHITE, np.float32))
    return flat


def _encoded(linear: Plane) -> Picture:
    picture: Picture = _ENCODED[np.clip(linear * 4095 + 0.5, 0, 4095).astype(np.uint16)]
    return picture


def _srgb_tables() -> tuple[Plane, Picture]:
    """IEC 61966-2-1: 8-bit levels to linear light, and 4096 steps of linear light to levels."""
    value = np.arange(256) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    light = np.arange(4096) / 4095
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return linear.astype(np.float32), np.rint(255 * encoded).astype(np.uint8)


_LINEAR, _ENCODED = _srgb_tables()
