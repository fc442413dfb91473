"""Contact sheets: before and after, pictures side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]
_PAPER, _INK, _QUIET, _KEYLINE = (250, 248, 244), (40, 38, 36), (132, 126, 118), (205, 200, 192)


def before_after(
    pairs: Sequence[tuple[Picture, Picture]], labels: Sequence[str], *, width: int = 1600
) -> Picture:
    """Pairs of pictures side by side, one pair in a row, with its label above.

    Args:
        pairs: (before, after), each (H, W, 3) uint8 of any size.
        labels: one for each pair.
        width: of the sheet in pixels.

    Returns:
        (height, width, 3) uint8.
    """
    margin, gap, head = width // 40, width // 50, width // 25
    column = (width - 2 * margin - gap) // 2
    rows = [tuple(_fit(picture, column, column * 2) for picture in pair) for pair in pairs]
    heights = [max(picture.height for picture in row) for row in rows]
    sheet = Image.new("RGB", (width, margin + sum(heights) + (head + gap) * len(rows)), _PAPER)
    draw = ImageDraw.Draw(sheet)
    top = margin // 2
    for row, height, label in zip(rows, heights, labels, strict=True):
        baseline = top + head * 3 // 4
        draw.text((margin, baseline), label, _INK, _font(head // 2), anchor="ls")
        for side, (picture, word) in enumerate(zip(row, ("before", "after"), strict=True)):
            left = margin + side * (column + gap)
            draw.text((left + column, baseline), word, _QUIET, _font(head * 2 // 5), anchor="rs")
            _place(sheet, picture, left + (column - picture.width) // 2, top + head)
        top += head + height + gap
    return np.array(sheet)


def grid(images: Sequence[Picture], labels: Sequence[str], *, columns: int, cell: int) -> Picture:
    """Pictures in rows, each fitted into a square cell with its label below.

    Args:
        images: each (H, W, 3) uint8 of any size.
        labels: one for each picture; a long one is cut.
        columns: cells in a row.
        cell: side of a cell in pixels.

    Returns:
        (height, width, 3) uint8.
    """
    gap, foot = max(cell // 14, 6), max(cell // 8, 18)
    rows = -(-len(images) // columns)
    sheet = Image.new("RGB", (gap + columns * (cell + gap), gap + rows * (cell + foot + gap)), _PAPER)
    draw, font = ImageDraw.Draw(sheet), _font(foot * 3 // 5)
    for place, (image, label) in enumerate(zip(images, labels, strict=True)):
        left, top = gap + place % columns * (cell + gap), gap + place // columns * (cell + foot + gap)
        picture = _fit(image, cell, cell)
        _place(sheet, picture, left + (cell - picture.width) // 2, top + (cell - picture.height) // 2)
        text = _shorten(label, font, cell)
        draw.text((left + cell // 2, top + cell + foot // 2), text, _INK, font, anchor="mm")
    return np.array(sheet)


def _fit(picture: Picture, width: int, height: int) -> Image.Image:
    image = Image.fromarray(picture)
    scale = min(width / image.width, height / image.height)
    size = max(round(image.width * scale), 1), max(round(image.height * scale), 1)
    return image.resize(size, Image.Resampling.LANCZOS)


def _place(sheet: Image.Image, picture: Image.Image, left: int, top: int) -> None:
    sheet.paste(picture, (left, top))
    edges = left - 1, top - 1, left + picture.width, top + picture.height
    ImageDraw.Draw(sheet).rectangle(edges, outline=_KEYLINE)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(max(size, 8))


def _shorten(label: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    if font.getlength(label) <= width:
        return label
    while label and font.getlength(label + "…") > width:
        label = label[:-1]
    return label.rstrip() + "…"
