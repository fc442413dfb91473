"""A sheet seen at an angle -> the sheet seen from straight above, in its true shape."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Corners = NDArray[np.float64]

_FOCAL = 0.8  # of a phone's main camera, 24 to 28 mm on a 36 mm frame, as a share of the longer side
_FOCALS = 0.5, 2.5  # beyond these a measured focal length is noise
# Shapes of paper, height over width when upright: ISO 216 (A and B), US Letter. A measured shape is off by
# about 2 %, and these differ by 9 %; a sketchbook of any other shape keeps the measured one.
_SHAPES = (2**0.5, 11 / 8.5)
_NEAR = 0.03


def sheet_shape(corners: Corners, size: tuple[int, int], *, snap: bool = True) -> float:
    """Width over height of the real sheet whose corners are seen.

    After Zhang & He, "Whiteboard scanning and image enhancement", Digital Signal Processing 17 (2007),
    section 3: the four corners of a rectangle give the camera's focal length, and with it the rectangle's
    shape. Seen almost from straight above, where the focal length is ill-determined, a phone's is assumed.

    Args:
        corners: (4, 2) x, y clockwise from the top left, in pixels.
        size: (width, height) of the photograph; its middle is taken to be where the lens pointed.
        snap: a shape within 3 % of A/B-series or Letter paper is taken to be exactly that.
    """
    longer = max(size)
    points = np.column_stack((corners - np.array(size) / 2, np.full(4, float(longer)))) / longer
    m1, m2, m4, m3 = points  # the paper numbers row by row
    k2 = np.cross(m1, m4) @ m3 / (np.cross(m2, m4) @ m3)
    k3 = np.cross(m1, m4) @ m2 / (np.cross(m3, m4) @ m2)
    n2, n3 = k2 * m2 - m1, k3 * m3 - m1
    focal = _FOCAL
    if abs(n2[2] * n3[2]) > 1e-3:
        squared = -(n2[0] * n3[0] + n2[1] * n3[1]) / (n2[2] * n3[2])
        if _FOCALS[0] ** 2 < squared < _FOCALS[1] ** 2:
            focal = float(np.sqrt(squared))
    scale = np.array([1 / focal, 1 / focal, 1.0])
    shape = float(np.linalg.norm(n2 * scale) / np.linalg.norm(n3 * scale))
    if snap:
        for known in _SHAPES:
            for exact in (known, 1 / known):
                if abs(shape / exact - 1) < _NEAR:
                    return exact
    return shape


def flat_size(corners: Corners, shape: float) -> tuple[int, int]:
    """(width, height) of the straightened sheet: the shape given, and no detail of the photograph lost."""
    top, right, bottom, left = np.linalg.norm(np.roll(corners, -1, 0) - corners, axis=1)
    width, height = max(top, bottom), max(left, right)
    if width / height < shape:
        width = height * shape
    else:
        height = width / shape
    return max(round(float(width)), 1), max(round(float(height)), 1)


def seen_from_above(
    image: Picture, corners: Corners, size: tuple[int, int], bows: NDArray[np.float64]
) -> Picture:
    """The sheet alone, seen from straight above.

    Args:
        image: (H, W, 3) uint8.
        corners: (4, 2) of the sheet in pixels of the image; outside it white paper is put in.
        size: (width, height) of the result.
        bows: (4,) pixels of the image by which the middles of the top, right, bottom and left sides lie
            inwards of the straight line between the corners: paper that curls. Between the sides the bow
            changes evenly (a Coons patch).
    """
    width, height = size
    outline = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    homography = cv2.getPerspectiveTransform(outline, corners.astype(np.float32)).astype(np.float64)
    if not np.abs(bows).max() > 0.75:
        # cv2 samples at whole pixels; the corners are given between them
        half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
        matrix = np.linalg.inv(half) @ homography @ half
        flat: Picture = cv2.warpPerspective(
            image,
            matrix,
            size,
            flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return flat
    picture = np.empty((height, width, 3), np.uint8)
    normals = np.roll(corners, -1, 0) - corners
    normals = np.stack((-normals[:, 1], normals[:, 0]), 1)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    x = np.arange(width) + 0.5
    arch_across = 4 * (x / width) * (1 - x / width)
    for first in range(0, height, 256):  # by bands, so that the maps stay small
        y = (np.arange(first, min(first + 256, height)) + 0.5)[:, None]
        s = homography[2, 0] * x + homography[2, 1] * y + homography[2, 2]
        arch_down = 4 * (y / height) * (1 - y / height)
        inward = (
            (1 - y / height) * arch_across * bows[0],
            (x / width) * arch_down * bows[1],
            (y / height) * arch_across * bows[2],
            (1 - x / width) * arch_down * bows[3],
        )
        maps = []
        for axis in range(2):
            row = homography[axis]
            place = (row[0] * x + row[1] * y + row[2]) / s
            place += sum(bow * normal[axis] for bow, normal in zip(inward, normals, strict=True))
            maps.append((place - 0.5).astype(np.float32))
        picture[first : first + 256] = cv2.remap(
            image, maps[0], maps[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
    return picture
