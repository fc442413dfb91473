"""What stands on a picture and is not drawn: barcodes, lettering, logos and titles.

A classifier finds it sooner than the drawing wherever it goes with a label, so it is taken out of the
pictures that show an element and of those that do not alike, and out of what is classified later.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pages.lettering import find_lettering

Mask = NDArray[np.bool_]

_SIDE = 96  # of the copies in which what recurs is looked for
_PATCH = 12
_STEP = 4
_TEXTURE = 10.0  # gray levels: the standard deviation of a patch with something on it
_ALIKE = 0.9  # correlation of two patches that show the same
_OFTEN = 0.2  # of the pictures
_FEWEST = 4
_SAME_PICTURE = 0.5  # of two pictures' patches in the middle: one scene or pose, which proves nothing
_RIM = 1 / 3  # of a side: logos and titles stand near the edge; a hero in the middle is no logo
_UPRIGHT = (160, 64)
_STRIPED = (60, 120, 200)  # mean gradient across bars, less that along them: weak, then strong alone
_LONGER = 9  # times a quadrangle's height in which its bars may go on
_FEWEST_BARS, _MOST_BARS = 8, 120
_COLORLESS, _CONTRAST = 40, 80  # levels between channels, and between black and white
_STRAIGHT = 0.45  # how much a bar varies along itself, of how much bars vary
_QUIET = 0.12  # of a barcode's width: the white around it
_ALIKE_BARS = 0.75  # correlation of a line with the bars of the middle


def non_drawn(image: NDArray[np.uint8]) -> Mask:
    """Where a picture has barcodes, balloons, captions or letters.

    Barcodes are proposed by OpenCV's detector and by patches of strong gradients in one direction, and
    accepted where a straightened copy is made of black and white bars of unlike widths from edge to edge.
    Lettering is found by ``pages.lettering``.

    Args:
        image: (H, W, 3) uint8.

    Returns:
        (H, W) bool.
    """
    mask = find_lettering(image).balloons.copy()
    drawn = np.zeros(mask.shape, np.uint8)
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    for corners in _proposed(gray):
        code = _barcode(image, corners)
        if code is not None:
            cv2.fillConvexPoly(drawn, code.round().astype(np.int32), 1)
    return mask | (drawn > 0)


def recurring(images: Sequence[NDArray[np.uint8]]) -> Mask:
    """Where many pictures of a set have the same patch at the same place: a logo, a title, a watermark.

    Pictures are compared in copies of 96 x 96, patch by patch of 12 x 12, by correlation. A place counts
    where a fifth of the pictures, at least four, agree. Only the outer third on each side is looked at, and
    pictures that agree in the middle too, such as frames of one scene, do not vouch for each other.

    Args:
        images: (H, W, 3) uint8 each, of any size.

    Returns:
        (96, 96) bool, for ``mask_out``.
    """
    mask = np.zeros((_SIDE, _SIDE), np.bool_)
    if len(images) < _FEWEST:
        return mask
    small = np.stack([_small(image) for image in images])
    places = [
        (y, x) for y in range(0, _SIDE - _PATCH + 1, _STEP) for x in range(0, _SIDE - _PATCH + 1, _STEP)
    ]
    pairs = len(images), len(images)
    alike, compared = np.zeros(pairs, np.int32), np.zeros(pairs, np.int32)
    for y, x in places:
        if not _is_rim(y, x):
            same, both = _agreeing(small, y, x)
            alike += same
            compared += both
    strangers = alike <= _SAME_PICTURE * compared
    often = max(_FEWEST - 1, round(_OFTEN * len(images)) - 1)
    for y, x in places:
        if not _is_rim(y, x):
            continue
        vouching = (_agreeing(small, y, x)[0] & strangers).sum(axis=1)
        if (vouching >= often).sum() > often:
            mask[y : y + _PATCH, x : x + _PATCH] = True
    # Patches at an outline agree less where it is a little off its place.
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((2 * _STEP + 3,) * 2, np.uint8)) > 0)


def _is_rim(y: int, x: int) -> bool:
    centers = (y + _PATCH / 2) / _SIDE, (x + _PATCH / 2) / _SIDE
    return any(center < _RIM or center > 1 - _RIM for center in centers)


def mask_out(image: NDArray[np.uint8], *masks: Mask) -> NDArray[np.uint8]:
    """A picture with what is masked painted over, softly, from what is around it.

    Nothing of what was there may show through, not even the paper of a caption or the box of a barcode, so
    the colors come from outside alone: means over ever larger neighborhoods (push-pull; Gortler, Grzeszczuk,
    Szeliski and Cohen, "The Lumigraph", SIGGRAPH 1996).

    Args:
        image: (H, W, 3) uint8.
        masks: bool; one of another size than the picture, as ``recurring`` gives, is stretched over it.

    Returns:
        (H, W, 3) uint8, a new array, unchanged outside the masks.
    """
    height, width = image.shape[:2]
    covered = np.zeros((height, width), np.uint8)
    for mask in masks:
        covered |= cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    if covered.all() or not covered.any():
        return image.copy()
    seen = (covered == 0).astype(np.float32)
    filled = _pushed_and_pulled(image.astype(np.float32) * seen[..., None], seen)
    return np.where(covered[..., None] > 0, filled.round().clip(0, 255), image).astype(np.uint8)


def _pushed_and_pulled(colors: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Colors (h, w, 3), premultiplied by their weight (h, w), filled in where the weight is below 1."""
    known = np.asarray(colors / np.maximum(weight, 1e-6)[..., None], np.float32)
    height, width = weight.shape
    if bool((weight > 0).all()) or max(height, width) == 1:
        return known
    half = -(-width // 2), -(-height // 2)
    coarse = cv2.resize(weight, half, interpolation=cv2.INTER_AREA)
    below = _pushed_and_pulled(
        cv2.resize(colors, half, interpolation=cv2.INTER_AREA).reshape(half[1], half[0], 3), coarse
    )
    above = cv2.resize(below, (width, height), interpolation=cv2.INTER_LINEAR).reshape(height, width, 3)
    share = np.minimum(weight, 1)[..., None]
    return np.asarray(known * share + above * (1 - share), np.float32)


def _small(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    small = cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (3, 3), 0.8), np.float32)


def _agreeing(small: NDArray[np.float32], y: int, x: int) -> tuple[Mask, Mask]:
    """(N, N) each: which pictures have the same patch there, and which both have something there."""
    patches = small[:, y : y + _PATCH, x : x + _PATCH].reshape(len(small), -1)
    patches = patches - patches.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(patches, axis=1)
    textured = norms > _TEXTURE * np.sqrt(patches.shape[1])
    units = patches / np.maximum(norms, 1e-6)[:, None]
    either = textured[:, None] | textured[None]
    same = (units @ units.T > _ALIKE) & textured[:, None] & textured[None]
    np.fill_diagonal(same, False)
    return same, either


def _proposed(gray: NDArray[np.uint8]) -> Iterator[NDArray[np.float32]]:
    """Quadrangles (4, 2) that may be barcodes."""
    found, points = cv2.barcode.BarcodeDetector().detectMulti(gray)
    if found and points is not None:
        yield from np.asarray(points, np.float32).reshape(-1, 4, 2)
    across = np.abs(cv2.Sobel(gray, cv2.CV_32F, 1, 0))
    down = np.abs(cv2.Sobel(gray, cv2.CV_32F, 0, 1))
    side = max(min(gray.shape) // 24, 3)
    brush = np.ones((side, side), np.uint8)
    for strong, weak in ((across, down), (down, across)):
        striped = cv2.blur(strong - 1.5 * weak, (side, side))
        for least in _STRIPED:
            binary = cv2.morphologyEx((striped > least).astype(np.uint8), cv2.MORPH_OPEN, brush)
            contours, _ = cv2.findContours(binary, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
            for contour in contours:
                if cv2.contourArea(contour) > 0.003 * gray.size:
                    yield np.asarray(cv2.boxPoints(cv2.minAreaRect(contour)), np.float32)


def _barcode(image: NDArray[np.uint8], corners: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """The whole barcode (4, 2) of which a quadrangle is a part, or None.

    Straightened, it must be bars: black or white from edge to edge, without color, of unlike widths.
    """
    for turned in range(2):
        quad = np.roll(corners, turned, axis=0)
        middle = _upright(image, quad, 1)[_UPRIGHT[1] // 4 : -_UPRIGHT[1] // 4, 4:-4].astype(np.int16)
        light = middle.mean(axis=2)
        low, high = np.percentile(light, (10, 90))
        column = light.mean(axis=0)
        bars = column < (low + high) / 2
        edges = np.flatnonzero(np.diff(bars.astype(np.int8)))
        widths = np.diff(edges)
        if (
            np.median(np.ptp(middle, axis=2)) <= _COLORLESS
            and high - low >= _CONTRAST
            and light.std(axis=0).mean() < _STRAIGHT * column.std()
            and _FEWEST_BARS <= len(edges) // 2 <= _MOST_BARS
            and 0.25 < bars.mean() < 0.75
            and widths.std() > 0.25 * widths.mean()
        ):
            return _whole(image, quad, column)
    return None


def _upright(image: NDArray[np.uint8], quad: NDArray[np.float32], times: int) -> NDArray[np.uint8]:
    """A quadrangle straightened, with so many times its height around its middle: (64 times, 160, 3)."""
    width, height = _UPRIGHT
    above = (times - 1) / 2 * height
    target = np.array([[0, above], [width, above], [width, above + height], [0, above + height]], np.float32)
    matrix = cv2.getPerspectiveTransform(quad, target)
    size = width, height * times
    return np.asarray(
        cv2.warpPerspective(image, matrix, size, flags=cv2.INTER_LINEAR, borderValue=(128, 128, 128)),
        np.uint8,
    )


def _whole(
    image: NDArray[np.uint8], quad: NDArray[np.float32], column: NDArray[np.float64]
) -> NDArray[np.float32]:
    """The quadrangle as far up and down as the same bars run, and a margin on all sides."""
    long = _upright(image, quad, _LONGER)[:, 4:-4].mean(axis=2)
    rows = long - long.mean(axis=1, keepdims=True)
    bars = column - column.mean()
    scale = np.maximum(np.linalg.norm(rows, axis=1) * np.linalg.norm(bars), 1e-6)
    same = (rows @ bars) / scale > _ALIKE_BARS
    middle = len(same) // 2
    above = int(np.argmin(np.append(same[middle::-1], False)))
    below = int(np.argmin(np.append(same[middle:], False)))
    height = _UPRIGHT[1]
    origin, across, down = quad[0], quad[1] - quad[0], quad[3] - quad[0]
    # Along its bars from the middle of the quadrangle, in units of its own height.
    margin = _QUIET * float(np.linalg.norm(across)) / max(float(np.linalg.norm(down)), 1.0)
    top, bottom = 0.5 - above / height - margin, 0.5 + below / height + margin
    left, right = -_QUIET, 1 + _QUIET
    places = ((left, top), (right, top), (right, bottom), (left, bottom))
    return np.array([origin + x * across + y * down for x, y in places], np.float32)
