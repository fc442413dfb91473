"""What a comic is, who made it, and ComicInfo.xml, where reader programs look for that."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from pages.model import Direction
from pages.read import load_rgb

PageType = Literal[
    "FrontCover", "InnerCover", "Story", "Editorial", "Letters", "Preview", "BackCover", "Other"
]
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DOUBLE = 1.15  # width of a page over its height from which it is a double page
_GRAY_LEVELS = 12  # channels apart by no more are gray, as JPEG and scanners leave it
_COLORED_SHARE = 0.002  # of a page's pixels that make it a page in color


@dataclass(frozen=True)
class ComicInfo:
    """What reader programs are told about a comic. All of it may be left empty but the title.

    Attributes:
        title: of this comic.
        series: that it belongs to; empty if it stands alone.
        number: of the comic in its series, "3" or "1.5".
        volume: of the series.
        summary: what happens, in a few sentences.
        writer, penciller, inker, colorist, letterer, cover_artist, editor, publisher: names; several with
            commas between.
        date: of publication.
        language: of the lettering, a BCP 47 tag such as "en" or "pt-BR".
        genre: one or more, with commas between.
        characters: who is in the comic.
        locations: where it happens.
        direction: "rtl" makes readers turn the pages from right to left.
        page_types: what each page is; None, or nothing at all, for an ordinary page.
    """

    title: str
    series: str = ""
    number: str = ""
    volume: int | None = None
    summary: str = ""
    writer: str = ""
    penciller: str = ""
    inker: str = ""
    colorist: str = ""
    letterer: str = ""
    cover_artist: str = ""
    editor: str = ""
    publisher: str = ""
    date: datetime.date | None = None
    language: str = ""
    genre: str = ""
    characters: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    direction: Direction = "ltr"
    page_types: tuple[PageType | None, ...] = ()


def comic_info_xml(page_files: Sequence[Path], info: ComicInfo) -> bytes:
    """ComicInfo.xml for these pages, after the schema of version 2.0 (anansi-project/comicinfo).

    The order of the elements is the schema's. A comic whose pages all lack color is marked as black and
    white, a page much wider than high as a double page, and where no page has a type the first is the cover.

    Raises:
        InputError: a page cannot be read.
    """
    root = ElementTree.Element("ComicInfo")
    pages = ElementTree.Element("Pages")
    colored = False
    for place, page_file in enumerate(page_files):
        picture = load_rgb(page_file)
        colored = colored or _is_colored(picture)
        ElementTree.SubElement(pages, "Page", _page(place, page_file, picture, info))
    for name, value in _fields(info, len(page_files), colored).items():
        if value:
            ElementTree.SubElement(root, name).text = plain_text(value)
    root.append(pages)
    return xml_bytes(root)


def _fields(info: ComicInfo, page_count: int, colored: bool) -> dict[str, str]:
    year, month, day = ("",) * 3 if info.date is None else info.date.strftime("%Y %m %d").split()
    return {
        "Title": info.title,
        "Series": info.series,
        "Number": info.number,
        "Volume": "" if info.volume is None else str(info.volume),
        "Summary": info.summary,
        "Year": year,
        "Month": month.lstrip("0"),
        "Day": day.lstrip("0"),
        "Writer": info.writer,
        "Penciller": info.penciller,
        "Inker": info.inker,
        "Colorist": info.colorist,
        "Letterer": info.letterer,
        "CoverArtist": info.cover_artist,
        "Editor": info.editor,
        "Publisher": info.publisher,
        "Genre": info.genre,
        "PageCount": str(page_count),
        "LanguageISO": info.language,
        "BlackAndWhite": "No" if colored else "Yes",
        "Manga": "YesAndRightToLeft" if info.direction == "rtl" else "",
        "Characters": ", ".join(info.characters),
        "Locations": ", ".join(info.locations),
    }


def _page(place: int, page_file: Path, picture: NDArray[np.uint8], info: ComicInfo) -> dict[str, str]:
    height, width = picture.shape[:2]
    types = info.page_types if any(info.page_types) else ("FrontCover",)
    page_type = types[place] if place < len(types) else None
    attributes = {"Image": str(place)}
    if page_type is not None:
        attributes["Type"] = page_type
    if width > _DOUBLE * height:
        attributes["DoublePage"] = "true"
    attributes["ImageSize"] = str(page_file.stat().st_size)
    return {**attributes, "ImageWidth": str(width), "ImageHeight": str(height)}


def _is_colored(picture: NDArray[np.uint8]) -> bool:
    few = picture[::4, ::4].astype(np.int16)
    return bool((few.max(2) - few.min(2) > _GRAY_LEVELS).mean() > _COLORED_SHARE)


def plain_text(text: str) -> str:
    """The text without the characters that XML forbids."""
    return _NOT_IN_XML.sub("", text)


def xml_bytes(root: ElementTree.Element) -> bytes:
    """A document, indented, UTF-8."""
    ElementTree.indent(root)
    xml: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return xml
