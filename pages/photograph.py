"""Photographs of paper pages: is it one, where is the sheet, and the sheet as a scanner would have seen it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pages.errors import InputError
from pages.flatten import flatten_light
from pages.perspective import flat_size, seen_from_above, sheet_shape
from pages.ruling import without_ruling
from pages.sheet_corners import FoundSheet, fitted_side, locate_sheet

Picture = NDArray[np.uint8]
Corners = NDArray[np.float64]

_SIDE = 640  # pixels of the longer side at which a picture is judged
_SEEN = 0.6  # support of the sheet's sides, at least
_TURNED = 0.25  # degrees by which a photographed sheet's sides leave the picture's axes, at least
_WHITE = 97.0  # CIE lightness that paper in a photograph stays below somewhere; on screens and scans it is 100
_EVEN = 0.8  # share of the margin that has to be one smooth paper
_CURL = 1 / 50  # of a side: how far curling paper may bow it


@dataclass(frozen=True)
class Straightened:
    """A photographed sheet, straightened.

    Attributes:
        picture: (h, w, 3) uint8 sRGB: the sheet alone, seen from straight above, in even white light.
        corners: (4, 2) float of the sheet in pixels of the photograph, clockwise from the top left.
    """

    picture: Picture
    corners: Corners


def looks_photographed(image: Picture) -> bool:
    """Whether a picture is a photograph of a sheet of paper, so that straightening is worth offering.

    It is when a sheet lies on something else, its sides not along the picture's, its margin all paper, and
    the light on that paper not the flat white of a scan or a drawing made on screen.

    Args:
        image: (H, W, 3) uint8 sRGB, upright.
    """
    height, width = _checked(image).shape[:2]
    scale = min(_SIDE / max(height, width), 1.0)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    found = locate_sheet(small)
    if found.support < _SEEN or sum(found.cut) > 2:
        return False
    sides = np.roll(found.corners, -1, 0) - found.corners
    angles = np.rad2deg(np.arctan2(sides[:, 1], sides[:, 0]))[~np.array(found.cut)]
    if np.abs((angles + 45) % 90 - 45).max() < _TURNED:
        return False
    return _margin_is_paper(small, found)


def _margin_is_paper(small: Picture, found: FoundSheet) -> bool:
    """Whether the strip inside the sheet's visible sides is smooth, pale and not white all along."""
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lab = cv2.GaussianBlur(lab, (0, 0), 1.0)
    inward = found.corners.mean(0) - found.corners
    inner = found.corners + 0.03 * inward  # beyond a rounded corner, and blur
    strips, tones = [], []
    for side in range(4):
        if found.cut[side]:
            continue
        places = np.linspace(0.04, 0.96, 120)[:, None]
        spots = (inner[side] * (1 - places) + inner[(side + 1) % 4] * places - 0.5).astype(np.float32)
        strip = cv2.remap(lab, spots[None, :, 0], spots[None, :, 1], cv2.INTER_LINEAR)[0]
        smooth = cv2.medianBlur(np.ascontiguousarray(strip[None]), 5)[0]
        strips.append(np.linalg.norm(strip - smooth, axis=1) < 5)
        tones.append(smooth)
    tone = np.concatenate(tones)
    middle = np.median(tone, axis=0)
    pale = np.hypot(tone[:, 1] - middle[1], tone[:, 2] - middle[2]) < 8
    paper = (np.concatenate(strips) & pale & (tone[:, 0] > 25)).mean()
    return bool(paper > _EVEN and np.percentile(tone[:, 0], 20) < _WHITE and np.ptp(tone[:, 0]) > 1.5)


def find_sheet(image: Picture) -> Corners:
    """The four corners of the sheet of paper in a photograph.

    Args:
        image: (H, W, 3) uint8 sRGB, upright.

    Returns:
        (4, 2) float64 x, y in pixels, clockwise from the top left; the picture's top left corner is (0, 0)
        and the middle of its first pixel (0.5, 0.5). Where the sheet runs out of the picture, a corner may
        lie outside, or a side be the picture's border. The whole picture where no sheet can be told from
        what it lies on.
    """
    return locate_sheet(_checked(image)).corners


def straighten(image: Picture, corners: Corners | None = None, *, drop_ruling: bool = False) -> Straightened:
    """A photographed sheet as a flat, evenly lit page. The photograph itself is not modified.

    Args:
        image: (H, W, 3) uint8 sRGB, upright.
        corners: (4, 2) of the sheet, clockwise from the top left, where the author has set them; found by
            `find_sheet` where None.
        drop_ruling: remove ruled or squared paper's printed lines (`pages.ruling`).

    Raises:
        InputError: the corners are not those of a convex quadrangle, clockwise.
    """
    _checked(image)
    height, width = image.shape[:2]
    found = locate_sheet(image) if corners is None else _given(image, corners)
    shape = sheet_shape(found.corners, (width, height), snap=not any(found.cut))
    if all(found.cut):
        shape, bows = width / height, np.zeros(4)
    else:
        bows = _bows(image, found)
    size = flat_size(found.corners, shape)
    flat = flatten_light(seen_from_above(image, found.corners, size, bows))
    if drop_ruling:
        flat = without_ruling(flat)
    return Straightened(_blank_outside(flat, found.corners, (width, height)), found.corners)


def _checked(image: Picture) -> Picture:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise InputError(
            f"a photograph is an (H, W, 3) array of uint8, not {image.shape} of {image.dtype}",
            remedy="read it with pages.read.load_rgb",
        )
    return image


def _given(image: Picture, corners: Corners) -> FoundSheet:
    corners = np.asarray(corners, np.float64)
    if corners.shape != (4, 2) or not np.isfinite(corners).all():
        raise InputError(f"a sheet has four corners x, y, not {corners.shape}", remedy="give four points")
    sides = np.roll(corners, -1, 0) - corners
    before = np.roll(sides, 1, 0)
    turning = before[:, 0] * sides[:, 1] - before[:, 1] * sides[:, 0]
    if (turning <= 1e-3 * np.abs(turning).max()).any():
        raise InputError(
            f"the corners {corners.round().tolist()} do not run clockwise around a sheet",
            remedy="give them as top left, top right, bottom right, bottom left",
        )
    height, width = image.shape[:2]
    at_border = [
        corners[[0, 1], 1] <= 0.5,
        corners[[1, 2], 0] >= width - 0.5,
        corners[[2, 3], 1] >= height - 0.5,
        corners[[3, 0], 0] <= 0.5,
    ]
    top, right, bottom, left = (bool(both.all()) for both in at_border)
    return FoundSheet(corners, (top, right, bottom, left), 1.0)


def _bows(image: Picture, found: FoundSheet) -> NDArray[np.float64]:
    """How far the middle of every side lies inwards of the straight line between its corners, in pixels."""
    bows = np.zeros(4)
    for side in range(4):
        start, end = found.corners[side], found.corners[(side + 1) % 4]
        length = float(np.linalg.norm(end - start))
        fitted = None if found.cut[side] else fitted_side(image, start, end, max(_CURL * length, 4.0))
        if fitted is not None and fitted.seen > 0.6:
            ends = np.polyval(fitted.shift, [0.0, 1.0]).mean()
            bows[side] = float(np.polyval(fitted.shift, 0.5) - ends)
    return bows


def _blank_outside(flat: Picture, corners: Corners, size: tuple[int, int]) -> Picture:
    """Paper where the photograph ends before the sheet does."""
    if (corners >= -1).all() and (corners <= np.array(size) + 1).all():
        return flat
    height, width = flat.shape[:2]
    outline = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    back = cv2.getPerspectiveTransform(corners.astype(np.float32), outline)
    photograph = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], np.float32) * 1.0
    seen = np.zeros((height, width), np.uint8)
    polygon = cv2.perspectiveTransform(photograph[None], back)[0]
    cv2.fillConvexPoly(seen, np.rint(polygon).astype(np.int32), 1)
    seen = cv2.erode(seen, np.ones((5, 5), np.uint8), borderValue=1)
    flat[seen == 0] = np.median(flat[::7, ::7].reshape(-1, 3), axis=0)
    return flat
