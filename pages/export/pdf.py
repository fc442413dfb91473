"""Pages -> a PDF at true physical size, written page by page."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from numpy.typing import NDArray

from pages.errors import UsageError
from pages.export.color import over_white
from pages.export.comic_info import ComicInfo
from pages.export.rows import deflated_rows, rows_of, spans
from pages.files import atomic_file
from pages.native import Depth, Native
from pages.read import load_native

DEFAULT_DPI = 300.0
_POINTS_PER_INCH = 72
_POINTS_PER_MM = _POINTS_PER_INCH / 25.4
# Viewers count in 32-bit floats and round outward, so that 40 pixels may come to 40.000002 and so to 41. So a
# page is smaller than it should be by this share, and its picture again, by far less than a pixel.
_INWARD = 1e-6
_SLACK_MM = 0.5  # a page may fall short of its trim by rounding to pixels
_CATALOG, _PAGES, _INFO = 1, 2, 3
_Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True)
class Bleed:
    """How printed pages are cut. The pages hold what is cut off.

    Attributes:
        mm: how far the art runs on beyond the cut, in millimeters.
        trim_mm: (width, height) of a page after cutting, centered on the page; None is the page without the
            bleed on all four sides.
    """

    mm: float = 0.0
    trim_mm: tuple[float, float] | None = None


def write_pdf(
    path: Path,
    page_files: Sequence[Path],
    *,
    info: ComicInfo | None = None,
    dpi: float | None = None,
    bleed: Bleed | None = None,
) -> None:
    """Write pages as a PDF 1.6 (ISO 32000-1), each at its true physical size.

    Pixels are unchanged and compressed without loss, at their own depth of 8 or 16 bits and with their ICC
    profile; alpha is laid over white. One page is in memory at a time.

    Args:
        path: the file; replaced as a whole or not at all.
        page_files: in reading order.
        info: title, credits, language; the direction makes viewers turn pages from right to left.
        dpi: dots per inch; without it what each file says, or else 300.
        bleed: adds a TrimBox and a BleedBox to each page.

    Raises:
        InputError: a page cannot be read.
        UsageError: a page is smaller than its trim.
        ResourceError: the file cannot be written.
    """
    with atomic_file(path) as file:
        document = _Document(file)
        numbers = []
        for page_file in page_files:
            page = load_native(page_file)
            numbers.append(_add_page(document, page, page_file, dpi, bleed))
        kids = " ".join(f"{number} 0 R" for number in numbers)
        document.add(f"<< /Type /Pages /Count {len(numbers)} /Kids [{kids}] >>", _PAGES)
        document.add(_catalog(info), _CATALOG)
        document.add(_information(info), _INFO)
        document.close()


def _add_page(
    document: _Document, page: Native, page_file: Path, dpi: float | None, bleed: Bleed | None
) -> int:
    """The number of the page's object."""
    height, width = page.pixels.shape[:2]
    points = (1 - _INWARD) * _POINTS_PER_INCH / (dpi or page.dpi or DEFAULT_DPI)
    size = width * points, height * points
    boxes = {"MediaBox": (0.0, 0.0, *size)}
    if bleed is not None:
        boxes |= _printed_boxes(size, bleed, page_file)
    space = "/DeviceRGB" if page.profile is None else f"[/ICCBased {document.profile(page.profile)} 0 R]"
    depth = 8 * page.pixels.itemsize
    picture = document.add_stream(
        f"/Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace {space} "
        f"/BitsPerComponent {depth} /Filter /FlateDecode "
        f"/DecodeParms << /Predictor 15 /Colors 3 /BitsPerComponent {depth} /Columns {width} >>",
        deflated_rows(_opaque_bands(page)),
    )
    left, bottom = (_INWARD * length for length in size)
    across, up = (length - 2 * _INWARD * length for length in size)
    drawing = f"q {across:.7f} 0 0 {up:.7f} {left:.7f} {bottom:.7f} cm /Page Do Q"
    content = document.add_stream("", [drawing.encode()])
    edges = " ".join(f"/{name} [{' '.join(f'{edge:.7f}' for edge in box)}]" for name, box in boxes.items())
    return document.add(
        f"<< /Type /Page /Parent {_PAGES} 0 R {edges} "
        f"/Resources << /XObject << /Page {picture} 0 R >> >> /Contents {content} 0 R >>"
    )


def _opaque_bands(page: Native) -> Iterator[NDArray[Depth]]:
    for rows in spans(len(page.pixels)):
        yield over_white(rows_of(page, rows))


def _printed_boxes(size: tuple[float, float], bleed: Bleed, page_file: Path) -> dict[str, _Rectangle]:
    """BleedBox and TrimBox in points, centered on the page and never beyond it."""
    around = bleed.mm * _POINTS_PER_MM
    if bleed.trim_mm is None:
        trim = size[0] - 2 * around, size[1] - 2 * around
    else:
        trim = bleed.trim_mm[0] * _POINTS_PER_MM, bleed.trim_mm[1] * _POINTS_PER_MM
    slack = _SLACK_MM * _POINTS_PER_MM
    if min(trim) <= 0 or any(cut > whole + slack for cut, whole in zip(trim, size, strict=True)):
        across, down = (length / _POINTS_PER_MM for length in size)
        wanted = " x ".join(f"{length:g}" for length in bleed.trim_mm or (2 * bleed.mm,) * 2)
        raise UsageError(
            f"{page_file}: the page is {across:.1f} x {down:.1f} mm, too small to be cut as wanted "
            f"({wanted} mm).",
            remedy="Check the dpi of the page, the trim size and the bleed.",
        )

    def centered(inner: tuple[float, float]) -> _Rectangle:
        margins = [max((whole - part) / 2, 0.0) for whole, part in zip(size, inner, strict=True)]
        return margins[0], margins[1], size[0] - margins[0], size[1] - margins[1]

    return {
        "BleedBox": centered((trim[0] + 2 * around, trim[1] + 2 * around)),
        "TrimBox": centered(trim),
    }


def _catalog(info: ComicInfo | None) -> str:
    viewer = "/DisplayDocTitle true"
    language = ""
    if info is not None:
        viewer += " /Direction /R2L" if info.direction == "rtl" else ""
        language = f" /Lang {_text(info.language)}" if info.language else ""
    return f"<< /Type /Catalog /Pages {_PAGES} 0 R{language} /ViewerPreferences << {viewer} >> >>"


def _information(info: ComicInfo | None) -> str:
    entries = {"Producer": "comicloss"}
    if info is not None:
        authors = [info.writer, info.penciller, info.inker, info.colorist, info.letterer]
        credited = [name.strip() for names in authors for name in names.split(",") if name.strip()]
        entries |= {"Title": info.title, "Author": ", ".join(dict.fromkeys(credited))}
        entries |= {"Subject": info.summary, "Keywords": info.genre}
    return "<< " + " ".join(f"/{name} {_text(value)}" for name, value in entries.items() if value) + " >>"


def _text(text: str) -> str:
    """A text string in UTF-16 with a byte order mark, written in hexadecimal."""
    return f"<{codecs.BOM_UTF16_BE.hex()}{text.encode('utf-16-be').hex()}>"


class _Document:
    """A PDF file in the making: objects go out as they come, and only their places are remembered."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._at = 0
        self._places = dict.fromkeys((_CATALOG, _PAGES, _INFO), 0)
        self._profiles: dict[bytes, int] = {}
        self._hash = hashlib.md5(usedforsecurity=False)
        self._write(b"%PDF-1.6\n%\xe2\xe3\xcf\xd3\n")

    def add(self, content: str, number: int | None = None) -> int:
        """Write an object; its number, a new one unless given."""
        number = number or len(self._places) + 1
        self._places[number] = self._at
        self._write(f"{number} 0 obj\n{content}\nendobj\n".encode("ascii"))
        return number

    def add_stream(self, entries: str, pieces: Iterable[bytes]) -> int:
        """Write a stream whose length nobody knows yet; the number of its object."""
        number = len(self._places) + 1
        self._places[number] = self._at
        self._write(f"{number} 0 obj\n<< {entries} /Length {number + 1} 0 R >>\nstream\n".encode("ascii"))
        start = self._at
        for piece in pieces:
            self._write(piece)
        length = self._at - start
        self._write(b"\nendstream\nendobj\n")
        self.add(str(length), number + 1)
        return number

    def profile(self, profile: bytes) -> int:
        """The number of an ICC profile's object; pages with the same profile share it."""
        if profile not in self._profiles:
            self._profiles[profile] = self.add_stream("/N 3 /Alternate /DeviceRGB", [profile])
        return self._profiles[profile]

    def close(self) -> None:
        """Write the table of places."""
        start, size = self._at, len(self._places) + 1
        rows = "".join(f"{place:010d} 00000 n \n" for _, place in sorted(self._places.items()))
        name = self._hash.hexdigest()
        self._write(f"xref\n0 {size}\n0000000000 65535 f \n{rows}".encode("ascii"))
        trailer = f"/Size {size} /Root {_CATALOG} 0 R /Info {_INFO} 0 R /ID [<{name}> <{name}>]"
        self._write(f"trailer\n<< {trailer} >>\nstartxref\n{start}\n%%EOF\n".encode("ascii"))

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)
        self._at += len(data)
