"""The drawn frames of panels: they stay as the author drew them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pages.model import FoundPanel

_OUTSIDE, _INSIDE = (
    0.005,
    0.014,
)  # how far from a panel's side its frame may reach, in shorter sides of the page
_DARKER = 50  # levels that a frame is darker than what lies on both of its sides
_PLACES = 160  # along a side at which its frame is looked at


def frame_mask(image: NDArray[np.uint8], panels: Sequence[FoundPanel]) -> NDArray[np.bool_]:
    """Where the frames around panels are.

    Along each side of a panel the median gray is taken at every distance from it, so that art and balloons
    that cross the frame do not count. A dark line between lighter paper and lighter art is the frame; a side
    without one, as of a borderless or a black panel, has none.

    Args:
        image: (H, W, 3) uint8.
        panels: of the page.

    Returns:
        (H, W) bool.
    """
    height, width = image.shape[:2]
    shorter = min(height, width)
    mask = np.zeros((height, width), np.uint8)
    for panel in panels:
        box = panel.box
        corners = np.array(
            panel.polygon
            or [(box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom)],
            np.float64,
        )
        center = corners.mean(0)
        for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            length = float(np.hypot(*(end - start)))
            if length < 4 * _INSIDE * shorter:
                continue
            along = (end - start) / length
            inward = np.array([-along[1], along[0]])
            inward = inward if inward @ (center - start) > 0 else -inward
            first = -max(round(_OUTSIDE * shorter), 2)
            depths = np.arange(first, max(round(_INSIDE * shorter), 4) + 1)
            stroke = _stroke(_profile(image, start, along * length, inward, depths))
            if stroke is not None:
                near, far = (depths[place] for place in stroke)
                band = [start + inward * near, end + inward * near, end + inward * far, start + inward * far]
                cv2.fillConvexPoly(mask, np.round(np.array(band) * 16).astype(np.int32), 1, shift=4)
    return mask.astype(np.bool_)


def _profile(
    image: NDArray[np.uint8],
    start: NDArray[np.float64],
    side: NDArray[np.float64],
    inward: NDArray[np.float64],
    depths: NDArray[np.intp],
) -> NDArray[np.float64]:
    """The median gray, 0 to 255, at each depth inside a side; off the page counts as the page's edge."""
    height, width = image.shape[:2]
    share = np.linspace(0.04, 0.96, _PLACES)[:, None]
    points = start + share * side + depths[:, None, None] * inward
    x = np.floor(points[..., 0]).astype(np.intp).clip(0, width - 1)
    y = np.floor(points[..., 1]).astype(np.intp).clip(0, height - 1)
    gray: NDArray[np.float64] = np.median(image[y, x].mean(-1), axis=1)
    return gray


def _stroke(profile: NDArray[np.float64]) -> tuple[int, int] | None:
    """(first, behind) of the dark line in a profile that has something lighter on both sides."""
    darkest = int(profile.argmin())
    outside, inside = profile[: darkest + 1].max(), profile[darkest:].max()
    if min(outside, inside) - profile[darkest] < _DARKER:
        return None
    dark = profile < profile[darkest] + 0.5 * (min(outside, inside) - profile[darkest])
    first = last = darkest
    while first > 0 and dark[first - 1]:
        first -= 1
    while last + 1 < len(dark) and dark[last + 1]:
        last += 1
    if first == 0 or last + 1 == len(dark):
        return None
    return first - 1, min(last + 2, len(dark) - 1)  # with the soft pixels on its sides
