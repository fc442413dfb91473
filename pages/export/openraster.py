"""A finished page in layers, for artists who go on in Krita, GIMP, MyPaint or Photoshop (with a plug-in)."""

from __future__ import annotations

import colorsys
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pages.export.cbz import stored
from pages.export.comic_info import plain_text, xml_bytes
from pages.export.png import save_png
from pages.export.rows import spans
from pages.files import atomic_file
from pages.model import Box

_VERSION = "0.0.3"  # of the layer stack specification
_THUMBNAIL = 256
_GOLDEN_RATIO = 0.618034  # of the circle of hues between two elements: no two colors are alike
_MASK_LOOK = {"opacity": "0.5"}


def write_openraster(
    path: Path,
    *,
    original: NDArray[np.uint8],
    finished: NDArray[np.uint8],
    elements: Iterable[tuple[str, NDArray[np.bool_]]],
    lettering: NDArray[np.bool_],
    dpi: float | None = None,
) -> None:
    """Write a page as OpenRaster (openraster.org, file layout and layer stack baseline), 8-bit sRGB.

    From top to bottom: a hidden group of masks, one for each element, flat colors that can be loaded as
    selections; the lettering; the finish; the original, locked. All but the masks are visible and together
    look like ``finished``.

    Args:
        path: the file; replaced as a whole or not at all.
        original: (H, W, 3) uint8.
        finished: (H, W, 3) uint8.
        elements: names and (H, W) masks of where each is; asked for one at a time, empty ones are left out.
        lettering: (H, W), where letters and balloons are.
        dpi: dots per inch.

    Raises:
        ResourceError: the file cannot be written.
    """
    height, width = finished.shape[:2]
    resolution = {} if dpi is None else {"xres": str(round(dpi)), "yres": str(round(dpi))}
    image = ElementTree.Element(
        "image", {"version": _VERSION, "w": str(width), "h": str(height), **resolution}
    )
    stack = ElementTree.SubElement(image, "stack")
    with atomic_file(path) as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr(stored("mimetype"), "image/openraster")
        layers = _Layers(archive, dpi)
        masks = ElementTree.Element("stack", name="Elements", visibility="hidden")
        for number, (name, mask) in enumerate(elements):
            tint = np.broadcast_to(np.array(_color(number), np.uint8), finished.shape)
            layers.add(masks, name, tint, mask, look=_MASK_LOOK)
        if len(masks):
            stack.append(masks)
        layers.add(stack, "Lettering", finished, lettering)
        layers.add(stack, "Finish", finished, look={"selected": "true"})
        layers.add(stack, "Original", original, look={"edit-locked": "true"})
        layers.save("mergedimage.png", finished.shape[:2], (finished[rows] for rows in spans(height)))
        thumbnail = Image.fromarray(finished)
        thumbnail.thumbnail((_THUMBNAIL, _THUMBNAIL), Image.Resampling.LANCZOS)
        small = np.asarray(thumbnail)
        layers.save("Thumbnails/thumbnail.png", small.shape[:2], [small])
        archive.writestr(stored("stack.xml"), xml_bytes(image))


class _Layers:
    """The pictures of the layers, numbered as they come."""

    def __init__(self, archive: zipfile.ZipFile, dpi: float | None) -> None:
        self._archive, self._dpi = archive, dpi
        self._count = 0

    def add(
        self,
        stack: ElementTree.Element,
        name: str,
        picture: NDArray[np.uint8],
        mask: NDArray[np.bool_] | None = None,
        *,
        look: Mapping[str, str] | None = None,
    ) -> None:
        """A layer below those of the stack so far: the picture, or what a mask leaves of it."""
        box = Box(0, 0, picture.shape[1], picture.shape[0]) if mask is None else _around(mask)
        if box is None:
            return
        source = f"data/layer{self._count}.png"
        self._count += 1
        place = {"src": source, "x": str(box.left), "y": str(box.top)}
        plain = {"opacity": "1", "visibility": "visible", "composite-op": "svg:src-over"}
        attributes = {"name": plain_text(name), **place, **plain, **(look or {})}
        ElementTree.SubElement(stack, "layer", attributes)
        self.save(source, (box.height, box.width), _cut_out(picture, mask, box))

    def save(self, name: str, size: tuple[int, int], bands: Iterable[NDArray[np.uint8]]) -> None:
        with self._archive.open(stored(name), "w") as target:
            save_png(target, size, bands, dpi=self._dpi)


def _cut_out(
    picture: NDArray[np.uint8], mask: NDArray[np.bool_] | None, box: Box
) -> Iterator[NDArray[np.uint8]]:
    for rows in spans(box.height):
        band = np.s_[box.top + rows.start : box.top + rows.stop, box.left : box.right]
        if mask is None:
            yield picture[band]
        else:
            shown = mask[band][..., None]
            yield np.dstack([picture[band] * shown, shown * np.uint8(255)])


def _around(mask: NDArray[np.bool_]) -> Box | None:
    """The smallest box that holds a mask; None for an empty one."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return None
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def _color(number: int) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(number * _GOLDEN_RATIO % 1, 0.85, 0.95)
    return round(255 * red), round(255 * green), round(255 * blue)
