"""Finished pages -> PNG, CBZ with ComicInfo.xml, PDF."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pypdfium2
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from pages.files import atomic_file, write_atomic
from pages.model import Direction
from pages.read import load_rgb, read_page

DEFAULT_DPI = 300.0
_POINTS_PER_INCH = 72
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same pages give the same archive, byte for byte
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class ComicInfo:
    """What ComicInfo.xml tells a reader program.

    Attributes:
        title: of this comic.
        series: that it belongs to; empty if it stands alone.
        direction: "rtl" makes readers turn the pages from right to left.
    """

    title: str
    series: str = ""
    direction: Direction = "ltr"


def write_png(
    path: Path, image: NDArray[np.uint8], *, dpi: float | None = None, text: Mapping[str, str] | None = None
) -> None:
    """Write a picture (H, W, 3) uint8 sRGB as PNG, marked as sRGB.

    Args:
        path: the file; replaced as a whole or not at all.
        image: the pixels.
        dpi: dots per inch to note in the file.
        text: notes (keyword: text) that travel in the file.

    Raises:
        ResourceError: the file cannot be written.
    """
    info = PngInfo()
    info.add(b"sRGB", b"\0")
    for keyword, note in (text or {}).items():
        info.add_itxt(keyword, note)
    stream = io.BytesIO()
    resolution = {} if dpi is None else {"dpi": (dpi, dpi)}
    Image.fromarray(image).save(stream, "PNG", pnginfo=info, **resolution)
    write_atomic(path, stream.getvalue())


def write_cbz(path: Path, page_files: Sequence[Path], info: ComicInfo) -> None:
    """Write pages as a CBZ: the files as they are, in this order, and a ComicInfo.xml (2.0) at the root.

    Raises:
        InputError: a page cannot be read.
        ResourceError: the file cannot be written.
    """
    digits = max(3, len(str(len(page_files))))
    with atomic_file(path) as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo("ComicInfo.xml", _ZIP_EPOCH), comic_info_xml(page_files, info))
        for number, page_file in enumerate(page_files, 1):
            entry = zipfile.ZipInfo(f"page-{number:0{digits}}{page_file.suffix.lower()}", _ZIP_EPOCH)
            archive.writestr(entry, page_file.read_bytes())


def comic_info_xml(page_files: Sequence[Path], info: ComicInfo) -> bytes:
    """ComicInfo.xml for these pages, after the schema of version 2.0 (anansi-project/comicinfo).

    The order of the elements is the schema's.

    Raises:
        InputError: a page cannot be read.
    """
    root = ElementTree.Element("ComicInfo")
    fields = {"Title": info.title, "Series": info.series, "PageCount": str(len(page_files))}
    if info.direction == "rtl":
        fields["Manga"] = "YesAndRightToLeft"
    for name, value in fields.items():
        if value:
            ElementTree.SubElement(root, name).text = _NOT_IN_XML.sub("", value)
    pages = ElementTree.SubElement(root, "Pages")
    for place, page_file in enumerate(page_files):
        page = read_page(page_file, place + 1)
        width, height = page.size
        attributes = {
            "Image": place,
            "ImageSize": page_file.stat().st_size,
            "ImageWidth": width,
            "ImageHeight": height,
        }
        ElementTree.SubElement(pages, "Page", {name: str(value) for name, value in attributes.items()})
    ElementTree.indent(root)
    xml: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return xml


def write_pdf(path: Path, page_files: Sequence[Path], *, dpi: float | None = None) -> None:
    """Write pages as a PDF, pixels unchanged, each at its true physical size.

    Args:
        path: the file; replaced as a whole or not at all.
        page_files: in reading order.
        dpi: dots per inch; without it what each file says, or else 300.

    Raises:
        InputError: a page cannot be read.
        ResourceError: the file cannot be written.
    """
    document = pypdfium2.PdfDocument.new()
    singles: list[pypdfium2.PdfDocument] = []
    try:
        for number, page_file in enumerate(page_files, 1):
            page_dpi = dpi or read_page(page_file, number).dpi or DEFAULT_DPI
            # One page at a time: PDFium holds pictures unpacked until it saves them.
            single = pypdfium2.PdfDocument(_one_page(load_rgb(page_file), page_dpi))
            singles.append(single)
            document.import_pages(single)
        with atomic_file(path) as file:
            document.save(file)
    finally:
        document.close()
        for single in singles:
            single.close()


def _one_page(image: NDArray[np.uint8], dpi: float) -> bytes:
    height, width = image.shape[:2]
    size = width * _POINTS_PER_INCH / dpi, height * _POINTS_PER_INCH / dpi
    document = pypdfium2.PdfDocument.new()
    try:
        page = document.new_page(*size)
        picture = pypdfium2.PdfImage.new(document)
        picture.set_bitmap(pypdfium2.PdfBitmap.from_pil(Image.fromarray(image)))
        picture.set_matrix(pypdfium2.PdfMatrix().scale(*size))
        page.insert_obj(picture)
        page.gen_content()
        stream = io.BytesIO()
        document.save(stream)
        return stream.getvalue()
    finally:
        document.close()
