"""Finished pages at full size: the style network tile by tile; lettering and gutters stay as drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import uniform_filter
from torch import Tensor
from torch.nn import functional as F

from comicloss.data import Picture, resized, to_tensor, unit, working_page
from pages.compose import StylizedPanel, compose_page
from pages.frames import frame_mask
from pages.keeping import Kept, kept_lettering, kept_share
from pages.lettering import find_lettering
from pages.model import Box, FoundPanel
from pages.progress import Stop, never, stop_here
from styles.screens import screens
from styles.stylenet import StyleNet

Polygon = Sequence[tuple[int, int]]

TILE = 640
"""Side of a tile in working pixels; a multiple of the network's stride."""

_BAND = 512  # rows of a large page that are enlarged at a time
_WINDOW = 5  # side of the windows in which finished tone is fitted to drawn tone
_NOISE = 0.05  # drawn contrast below this is taken for paper, not for a line
_LARGEST_GAIN = 1.5
_FEATHER = 0.7  # working pixels of the soft edge around kept lettering, and at most as many of the page:
_WIDEST_FEATHER = 2.0


def padded(planes: Tensor, stride: int) -> Tensor:
    """Planes (N, C, h, w) with the last row and column repeated up to multiples of the network's stride."""
    height, width = planes.shape[-2:]
    return F.pad(planes, (0, -width % stride, 0, -height % stride), mode="replicate")


@torch.no_grad()
def stylize_picture(
    network: StyleNet,
    art: Tensor,
    style: Tensor,
    *,
    origin: tuple[int, int] = (0, 0),
    flats: Tensor | None = None,
    tile: int = TILE,
) -> Tensor:
    """Draw a picture at the working scale, in tiles that agree with the whole.

    Every tile starts on a multiple of the network's total stride and is drawn with a margin as wide as the
    network can see, which is cut off again: the result does not depend on the tiles, and memory is that of
    one tile.

    Args:
        network: in eval mode.
        art: (3, h, w) uint8.
        style: (D,) style embedding.
        origin: (x, y) of the picture's first pixel on its page: the screens are anchored there.
        flats: (4, h, w) uint8 flat color hints, the last plane says where they hold.
        tile: side of a tile, a multiple of the stride.

    Returns:
        (3, h, w) float in [0, 1], on the CPU.
    """
    stride, device = network.total_stride, next(network.parameters()).device
    style = style.to(device)
    halo = -(-network.receptive_field // stride) * stride
    height, width = art.shape[-2:]
    planes = art if flats is None else torch.cat([art, flats])
    planes = padded(planes[None].float(), stride)[0].to(torch.uint8)
    finished = torch.empty(3, *planes.shape[-2:])
    for top, bottom in _spans(planes.shape[-2], tile):
        for left, right in _spans(planes.shape[-1], tile):
            rows = slice(max(top - halo, 0), min(bottom + halo, planes.shape[-2]))
            columns = slice(max(left - halo, 0), min(right + halo, planes.shape[-1]))
            piece = unit(planes[:, rows, columns].to(device))[None]
            corner = torch.tensor([[origin[0] + columns.start, origin[1] + rows.start]], device=device)
            drawn = network(
                piece[:, :3],
                screens(corner, *piece.shape[-2:]),
                style[None],
                *((None, None) if flats is None else (piece[:, 3:6], piece[:, 6:])),
            )[0]
            inner = drawn[
                :, top - rows.start : bottom - rows.start, left - columns.start : right - columns.start
            ]
            finished[:, top:bottom, left:right] = inner.cpu()
    return finished[:, :height, :width]


def stylize_page(
    network: StyleNet,
    page: Picture,
    panels: Sequence[tuple[Box, Tensor]],
    *,
    polygons: Sequence[Polygon | None] | None = None,
    strength: float = 1.0,
    flats: Tensor | None = None,
    scale: float | None = None,
    kept: Kept | None = None,
    stop: Stop = never,
) -> Picture:
    """Finish a page of any size. Gutters and frames stay as they were drawn, and lettering where it is kept.

    Larger panels are laid down first, so that insets lie on top.

    The network works at the working scale, where line width and screens are at home; the result is brought
    to the page's own size with the sharpness of the art.

    Args:
        network: in eval mode.
        page: (H, W, 3) uint8; not changed.
        panels: their boxes in pixels of the page, each with its (D,) style embedding.
        polygons: one for each panel, corner points in pixels of the page; None where it is its box.
        strength: 0 (as drawn) to 1 (all of the style).
        flats: (4, h, w) uint8 color hints for the page at the working scale.
        scale: working pixels per page pixel; from the page's height by default.
        kept: what of the lettering stays, in the size of the page; by default all that is found.
        stop: asked before each panel.

    Returns:
        (H, W, 3) uint8, a new array.

    Raises:
        Stopped: when ``stop()`` is true.
    """
    kept = kept_lettering(find_lettering(page)) if kept is None else kept
    working = working_page(page, kept, scale)
    finished = []
    for (box, style), polygon in zip(panels, polygons or [None] * len(panels), strict=True):
        stop_here(stop, "Finishing the page")
        small = working.box(box)
        rows, columns = slice(small.top, small.bottom), slice(small.left, small.right)
        art = working.picture[rows, columns]
        hints = None if flats is None else flats[:, rows, columns]
        drawn = stylize_picture(network, to_tensor(art), style, origin=(small.left, small.top), flats=hints)
        picture = (drawn.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
        drawn_at = page[box.top : box.bottom, box.left : box.right]
        mixed = _blended(drawn_at, full_size(picture, art, drawn_at), strength)
        finished.append(StylizedPanel(box, mixed, polygon))
    finished.sort(key=lambda panel: -panel.box.width * panel.box.height)
    share = kept_share(page, kept, feather=_feather(working.scale))
    outlines = [
        FoundPanel(panel.box, None if panel.polygon is None else tuple(panel.polygon)) for panel in finished
    ]
    np.maximum(share, frame_mask(page, outlines), out=share)
    return compose_page(page, finished, share)


def full_size(finished: Picture, art: Picture, page_art: Picture) -> Picture:
    """Bring a finished picture from the working scale to the size of the page's own art.

    Enlarging alone would blur the lines. As in joint upsampling with a guide (He, Sun and Tang, "Guided Image
    Filtering", 2013) the finished tone is fitted as a linear function of the drawn tone in small windows, and
    the detail that the page has beyond the working scale is added by that slope. Where the page has no more
    detail, and where nothing is drawn, nothing is added. Art that was left as it is stays the page's own, to
    the bit.

    Args:
        finished: (h, w, 3) uint8.
        art: (h, w, 3) uint8, what it was drawn from.
        page_art: (H, W, 3) uint8, the same art at the page's size.

    Returns:
        (H, W, 3) uint8.
    """
    if np.array_equal(finished, art):
        return page_art.copy()
    height, width = page_art.shape[:2]
    if height * width <= finished.shape[0] * finished.shape[1]:
        return resized(finished, width, height)
    gray = _gray(art)
    slopes = _slopes(gray, _unit(finished))
    result = np.empty_like(page_art)
    for top, bottom in _spans(height, _BAND):
        detail = _gray(page_art[top:bottom]) - _band(gray, height, width, top, bottom)
        for channel in range(3):
            large = _band(_unit(finished[..., channel]), height, width, top, bottom)
            slope = _band(slopes[..., channel], height, width, top, bottom)
            tone = np.clip(large + slope * detail, 0, 1)
            result[top:bottom, :, channel] = np.rint(tone * 255)
    return result


def _feather(scale: float) -> float:
    """Pixels of the page over which kept lettering blends into the finish, at this working scale."""
    return min(max(_FEATHER / scale, 1.0), _WIDEST_FEATHER)


def _spans(length: int, size: int) -> Iterator[tuple[int, int]]:
    for start in range(0, length, size):
        yield start, min(start + size, length)


def _unit(picture: Picture) -> NDArray[np.float32]:
    return picture.astype(np.float32) / np.float32(255)


def _gray(picture: Picture) -> NDArray[np.float32]:
    """(H, W) in [0, 1], the mean of the channels weighted as in Rec. 601."""
    weights = np.array([0.299, 0.587, 0.114], dtype=np.float32) / 255
    return (picture.astype(np.float32) @ weights).astype(np.float32)


def _slopes(gray: NDArray[np.float32], finished: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much finished tone (h, w, 3) changes per drawn tone (h, w), around every pixel: (h, w, 3)."""
    mean = uniform_filter(gray, _WINDOW)
    variance = uniform_filter(gray * gray, _WINDOW) - mean * mean
    windows = (_WINDOW, _WINDOW, 1)
    covariance = uniform_filter(gray[..., None] * finished, windows)
    covariance -= mean[..., None] * uniform_filter(finished, windows)
    slopes = covariance / (variance + np.float32(_NOISE**2))[..., None]
    return np.asarray(slopes.clip(-_LARGEST_GAIN, _LARGEST_GAIN), dtype=np.float32)


def _band(plane: NDArray[np.float32], height: int, width: int, top: int, bottom: int) -> NDArray[np.float32]:
    """Rows ``top`` to ``bottom`` of a plane (h, w) enlarged to (height, width), as if it were done whole."""
    rows, columns = plane.shape
    margin = -(-4 * height // rows)  # the cubic looks two rows of the plane up and down
    first, last = max(top - margin, 0), min(bottom + margin, height)
    source = (0.0, first * rows / height, float(columns), last * rows / height)
    image = Image.fromarray(plane).resize((width, last - first), Image.Resampling.BICUBIC, box=source)
    return np.asarray(image)[top - first : bottom - first]


def _blended(art: Picture, finished: Picture, strength: float) -> Picture:
    if strength == 1:
        return finished
    mixed = art + (finished.astype(np.float32) - art) * np.float32(strength)
    return np.rint(mixed).astype(np.uint8)
