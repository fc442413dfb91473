"""Panels, and who is in them, as the sidecars that readers with panel-by-panel view know."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from pages.export.comic_info import ComicInfo, plain_text, xml_bytes
from pages.model import Box

_ACBF_NAMESPACE = "http://www.acbf.info/xml/acbf/1.1"
_ACBF_CREDITS = {
    "Writer": "writer",
    "Penciller": "penciller",
    "Inker": "inker",
    "Colorist": "colorist",
    "Letterer": "letterer",
    "CoverArtist": "cover_artist",
    "Editor": "editor",
}
# fmt: off
_ACBF_GENRES = (
    "science_fiction", "fantasy", "adventure", "horror", "mystery", "crime", "military", "real_life",
    "superhero", "humor", "western", "manga", "politics", "caricature", "sports", "history",
    "biography", "education", "computer", "religion", "romance", "children", "non-fiction", "adult",
    "alternative", "other"
)
# fmt: on


@dataclass(frozen=True)
class GuidedPanel:
    """One stop of panel-by-panel reading.

    Attributes:
        box: in pixels of the page.
        polygon: corner points (x, y) in pixels of the page where the panel is no upright rectangle.
        shows: the characters in it.
        description: what is to be seen, in words; may be empty.
    """

    box: Box
    polygon: tuple[tuple[int, int], ...] | None = None
    shows: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True)
class GuidedPage:
    """A page with its panels in reading order.

    Attributes:
        size: (width, height) in pixels.
        panels: may be none: then the page is read as a whole.
    """

    size: tuple[int, int]
    panels: tuple[GuidedPanel, ...] = ()


def guided_json(names: Sequence[str], pages: Sequence[GuidedPage], info: ComicInfo) -> bytes:
    """A Readium Guided Navigation Document (readium.org/guided-navigation, schema/document.schema.json).

    One object per panel, in reading order, with the role ``panel`` and its place on the page in percent.
    ``character`` is the draft's proposed addition (appendix C).

    Args:
        names: of the picture files, relative to the document.
        pages: one for each.
    """
    steps: list[dict[str, Any]] = []
    for name, page in zip(names, pages, strict=True):
        if not page.panels:
            steps.append({"imgref": name})
        for panel in page.panels:
            step: dict[str, Any] = {"imgref": f"{name}#xywh=percent:{_percent(panel.box, page.size)}"}
            step["role"] = ["panel"]
            if panel.shows:
                step["character"] = list(panel.shows)
            if panel.description:
                text = {"plain": panel.description, **({"language": info.language} if info.language else {})}
                step["description"] = {"text": text}
            steps.append(step)
    return json.dumps({"guided": steps}, ensure_ascii=False, indent=2).encode()


def acbf_xml(names: Sequence[str], pages: Sequence[GuidedPage], info: ComicInfo) -> bytes:
    """An ACBF 1.1 document (Advanced Comic Book Format): what the comic is, and the frames of its panels.

    As the format wants it the first page is the cover page and the body has the others.

    Args:
        names: of the picture files, relative to the document.
        pages: one for each, at least one.
    """
    root = ElementTree.Element("ACBF", xmlns=_ACBF_NAMESPACE)
    meta = ElementTree.SubElement(root, "meta-data")
    book = ElementTree.SubElement(meta, "book-info")
    for activity, name in _authors(info):
        _author(book, activity, name)
    _text(book, "book-title", info.title)
    for genre in _genres(info):
        _text(book, "genre", genre)
    if info.characters:
        characters = ElementTree.SubElement(book, "characters")
        for name in info.characters:
            _text(characters, "name", name)
    _paragraphs(book, "annotation", info.summary or info.title)
    _framed(ElementTree.SubElement(book, "coverpage"), names[0], pages[0])
    if info.language:
        languages = ElementTree.SubElement(book, "languages")
        ElementTree.SubElement(languages, "text-layer", lang=info.language, show="false")
    if info.series:
        _text(book, "sequence", info.number, title=plain_text(info.series))
    if info.publisher or info.date is not None:
        _publishing(ElementTree.SubElement(meta, "publish-info"), info)
    document = ElementTree.SubElement(meta, "document-info")
    _author(document, None, "comicloss")
    _text(document, "version", "1.0")
    body = ElementTree.SubElement(root, "body")
    first = 1 if len(names) > 1 else 0
    for name, page in zip(names[first:], pages[first:], strict=True):
        _framed(ElementTree.SubElement(body, "page"), name, page)
    return xml_bytes(root)


def _percent(box: Box, size: tuple[int, int]) -> str:
    lengths = zip(box.xywh, (*size, *size), strict=True)
    return ",".join(f"{100 * length / whole:.4f}".rstrip("0").rstrip(".") for length, whole in lengths)


def _authors(info: ComicInfo) -> Iterator[tuple[str, str]]:
    """(activity, name) of all who are credited; the format wants at least one."""
    credited = False
    for activity, field in _ACBF_CREDITS.items():
        for name in plain_text(getattr(info, field)).split(","):
            if name.strip():
                credited = True
                yield activity, name.strip()
    if not credited:
        yield "Other", "Unknown"


def _author(parent: ElementTree.Element, activity: str | None, name: str) -> None:
    """First and last name where there are two; a single name is a nickname."""
    author = ElementTree.SubElement(parent, "author", {} if activity is None else {"activity": activity})
    *first, last = name.split()
    if first:
        _text(author, "first-name", " ".join(first))
        _text(author, "last-name", last)
    else:
        _text(author, "nickname", last)


def _genres(info: ComicInfo) -> list[str]:
    """Those that the format has words for; it wants at least one."""
    words = [genre.strip().lower().replace(" ", "_") for genre in info.genre.split(",")]
    if info.direction == "rtl":
        words.append("manga")
    return list(dict.fromkeys(word for word in words if word in _ACBF_GENRES)) or ["other"]


def _publishing(parent: ElementTree.Element, info: ComicInfo) -> None:
    if info.publisher:
        _text(parent, "publisher", info.publisher)
    if info.date is not None:
        day = info.date.isoformat()
        _text(parent, "publish-date", day, value=day)


def _framed(parent: ElementTree.Element, name: str, page: GuidedPage) -> None:
    ElementTree.SubElement(parent, "image", href=name)
    for panel in page.panels:
        box = panel.box
        corners = ((box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom))
        points = " ".join(f"{x},{y}" for x, y in panel.polygon or corners)
        ElementTree.SubElement(parent, "frame", points=points)


def _paragraphs(parent: ElementTree.Element, name: str, text: str) -> None:
    element = ElementTree.SubElement(parent, name)
    for paragraph in text.split("\n"):
        if paragraph.strip():
            _text(element, "p", paragraph.strip())


def _text(parent: ElementTree.Element, name: str, text: str, **attributes: str) -> None:
    ElementTree.SubElement(parent, name, attributes).text = plain_text(text)
