"""Pages -> one long strip, cut into slices for webtoon sites; never through a balloon."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pages.files import replaces_folder
from pages.model import Box
from pages.progress import Stop, never, stop_here

Suffix = Literal[".png", ".jpg"]
_JPEG_QUALITY = 92
_FLAT = 6  # levels that a row's pixels may lie apart in a gutter
_REACH = 3  # pixels that Lanczos resampling looks to each side, of the coarser picture
_FORBIDDEN, _ANYWHERE, _BETWEEN, _GUTTER = range(4)  # how good a place for a cut is
# What is looked for in turn: a kind of place, from which share of the limit on. Short slices are better than
# cuts through art, as long as they are not too short.
_WANTED = (_GUTTER, 0.4), (_BETWEEN, 0.4), (_GUTTER, 0.15), (_BETWEEN, 0.15), (_ANYWHERE, 0.4)


@dataclass(frozen=True)
class StripPage:
    """A page of the strip.

    Attributes:
        picture: (H, W, 3) uint8.
        lettering: boxes of balloons, captions and other letters, in pixels of the page; never cut.
        panels: boxes of panels; cut only where nothing better is left.
    """

    picture: NDArray[np.uint8]
    lettering: Sequence[Box] = ()
    panels: Sequence[Box] = ()


@dataclass(frozen=True)
class Slice:
    """One picture of the strip.

    Attributes:
        path: where it was written.
        height: in pixels.
    """

    path: Path
    height: int


def write_webtoon(
    folder: Path,
    pages: Iterable[StripPage],
    *,
    width: int = 800,
    height: int = 1280,
    suffix: Suffix = ".png",
    stop: Stop = never,
) -> list[Slice]:
    """Write pages below each other, each scaled to ``width``, in slices of at most ``height``.

    Cuts lie in gutters (rows of one flat color) where there are any, else between panels, else where the art
    is calmest; never in lettering: where that leaves no place, the slice becomes higher than the limit.

    Args:
        folder: for 001.png and so on; replaced as a whole or not at all.
        pages: in reading order, asked for one at a time.
        width: of all slices, in pixels.
        height: the most of a slice, in pixels.
        suffix: ".png", or ".jpg" (quality 92, full color resolution).
        stop: asked before each page.

    Returns:
        The slices in order.

    Raises:
        ResourceError: the folder cannot be written.
        Stopped: when ``stop()`` is true; the folder is as it was.
    """
    slices: list[Slice] = []
    with replaces_folder(folder) as partial:
        for number, picture in enumerate(slice_strip(pages, width=width, height=height, stop=stop), 1):
            name = f"{number:03}{suffix}"
            (partial / name).write_bytes(_encoded(picture, suffix))
            slices.append(Slice(folder / name, len(picture)))
    return slices


def slice_strip(
    pages: Iterable[StripPage], *, width: int, height: int, stop: Stop = never
) -> Iterator[NDArray[np.uint8]]:
    """The slices that ``write_webtoon`` writes, (at most ``height``, ``width``, 3) uint8, one at a time."""
    strip = np.empty((0, width, 3), np.uint8)
    places = np.empty(0, np.uint8)  # how good a cut above each row is
    runs_on = False  # lettering reaches the end of the strip
    for page in pages:
        stop_here(stop, "Slicing the pages")
        scaled, page_places = _scaled(page, width)
        if runs_on and any(box.top <= 1 for box in page.lettering):
            page_places[0] = _FORBIDDEN
        elif len(strip) and _is_flat(strip[-1:])[0] and _is_flat(scaled[:1])[0]:
            page_places[0] = _GUTTER
        runs_on = any(box.bottom >= len(page.picture) - 1 for box in page.lettering)
        strip, places = np.concatenate([strip, scaled]), np.concatenate([places, page_places])
        while len(strip) > height:
            cut = _best_cut(strip, places, height)
            if cut is None:
                break  # lettering all the way: the next page is needed
            yield strip[:cut]
            strip, places = strip[cut:].copy(), places[cut:].copy()
    if len(strip):
        yield strip


def _scaled(page: StripPage, width: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The page at the strip's width, and how good a cut above each of its rows is."""
    full_height, full_width = page.picture.shape[:2]
    scale = width / full_width
    height = max(round(full_height * scale), 1)
    image = Image.fromarray(page.picture)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    picture = np.asarray(image)
    flat = _is_flat(picture)
    places = np.full(height, _BETWEEN if page.panels else _ANYWHERE, np.uint8)
    places[0] = _BETWEEN
    places[1:][flat[1:] & flat[:-1]] = _GUTTER
    down = height / full_height
    for box in page.panels:
        inside = slice(int(np.floor(box.top * down)) + 1, int(np.ceil(box.bottom * down)))
        places[inside] = np.minimum(places[inside], _ANYWHERE)
    soft = int(np.ceil(_REACH * max(down, 1)))
    for box in page.lettering:
        first = max(int(np.floor(box.top * down)) - soft, 0) + 1
        places[first : int(np.ceil(box.bottom * down)) + soft] = _FORBIDDEN
    return picture, places


def _best_cut(strip: NDArray[np.uint8], places: NDArray[np.uint8], height: int) -> int | None:
    """The row above which to cut; None where lettering leaves none in all of the strip."""
    for kind, share in _WANTED:
        first = max(round(height * share), 1)
        rows = np.flatnonzero(places[first : height + 1] == kind) + first
        if not rows.size:
            continue
        if kind == _GUTTER:
            breaks = np.flatnonzero(np.diff(rows) > 1)
            rows = rows[breaks[-1] + 1 :] if breaks.size else rows
            return int(rows[len(rows) // 2])  # it is shared by its two slices
        if kind == _ANYWHERE:
            bustle = _bustle(strip, rows)
            rows = rows[bustle == bustle.min()]
        return int(rows[-1])
    allowed = np.flatnonzero(places != _FORBIDDEN)
    before, beyond = allowed[(allowed > 0) & (allowed <= height)], allowed[allowed > height]
    if before.size:
        return int(before[-1])
    return int(beyond[0]) if beyond.size else None


def _bustle(strip: NDArray[np.uint8], rows: NDArray[np.intp]) -> NDArray[np.float64]:
    """How much the picture changes across each cut, from one pixel to the one below and along the row."""
    below, above = strip[rows].astype(np.int16), strip[rows - 1].astype(np.int16)
    along = np.abs(np.diff(below, axis=1)).mean((1, 2))
    return np.asarray(np.abs(below - above).mean((1, 2)) + along)


def _is_flat(rows: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which rows (n, W, 3) have one color from end to end."""
    return np.asarray((rows.max(1).astype(np.int16) - rows.min(1) <= _FLAT).all(1))


def _encoded(picture: NDArray[np.uint8], suffix: Suffix) -> bytes:
    stream = io.BytesIO()
    if suffix == ".jpg":
        Image.fromarray(picture).save(stream, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    else:
        Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()
