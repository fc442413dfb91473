"""Files that are broken, or made to do harm, and what each of them gets. Each is made afresh."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import made
import numpy as np
import pikepdf
from PIL import Image

from pages.layers import lettering_layers
from pages.limits import Limits
from pages.read import load_rgb, pages_in

LIMITS = Limits()
SHORT = Limits(seconds=2)  # what loops is cut short sooner than for an author
SMALL = Limits(memory=400 * 1024**2)


@dataclass(frozen=True)
class Case:
    """One input.

    Attributes:
        name: what is wrong with it.
        make: writes it into a folder and returns its path.
        gets: a part of the refusal; or what is read: "1 page".
        limits: for reading it.
        read: how it is read; all its pages, and the first as RGB, if not said otherwise.
    """

    name: str
    make: Callable[[Path], Path]
    gets: str
    limits: Limits = LIMITS
    read: Callable[[Path, Limits], str] | None = None


def read_all(path: Path, limits: Limits) -> str:
    """Everything that there is to read; what was found, in words.

    Raises:
        ComicLossError: the refusal.
    """
    parts = pages_in(path, limits=limits)
    for part in parts:
        part.read()
    height, width = load_rgb(path, limits=limits).shape[:2]
    return f"{len(parts)} page{'s' if len(parts) > 1 else ''}, the first of {width} x {height} px"


def read_layers(path: Path, limits: Limits) -> str:
    masks = lettering_layers(path, limits=limits)
    return "no lettering layers" if masks is None else f"lettering on {int(masks[0].sum())} px"


def _file(name: str, content: bytes | Callable[[], bytes]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content())
        return path

    return make


def _noise(side: int = 64) -> Any:
    return np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)


def _picture(kind: str = "PNG", **options: Any) -> bytes:
    return made.pillow(_noise(), kind, **options)


def _cut(kind: str, share: float = 0.5) -> Callable[[], bytes]:
    def content() -> bytes:
        whole = _picture(kind)
        return whole[: int(len(whole) * share)]

    return content


def _png_bomb(width: int, height: int, depth: int = 8) -> bytes:
    data = zlib.compress(bytes(10**6))
    return made.png_chunks(made.png_header(width, height, depth=depth), (b"IDAT", data), (b"IEND", b""))


def _png_with(*chunks: tuple[bytes, bytes]) -> bytes:
    data = zlib.compress(b"\0\0\0\0" * 1)
    return made.png_chunks(made.png_header(1, 1), *chunks, (b"IDAT", data), (b"IEND", b""))


def _wrong_checksum() -> bytes:
    content = bytearray(_picture())
    content[len(content) // 2] ^= 1
    return bytes(content)


def _many_scans() -> bytes:
    """A progressive JPEG, 60 megapixels, whose last scan is there 3000 times."""
    jpeg = made.pillow(Image.new("L", (8000, 7500), 200), "JPEG", progressive=True)
    last = jpeg.rindex(b"\xff\xda")
    return jpeg[:last] + jpeg[last:-2] * 3000 + jpeg[-2:]


def _jpeg_of(width: int, height: int) -> bytes:
    jpeg = bytearray(_picture("JPEG"))
    place = jpeg.index(b"\xff\xc0")
    jpeg[place + 5 : place + 9] = struct.pack(">HH", height, width)
    return bytes(jpeg)


def _exif_of_shared_data(tags: int, size: int) -> bytes:
    """Every entry points to the same bytes."""
    entries = b"".join(struct.pack("<HHII", 1000 + n, 7, size, 8 + 2 + 12 * tags + 4) for n in range(tags))
    return b"Exif\0\0II\x2a\0" + struct.pack("<IH", 8, tags) + entries + bytes(4) + bytes(size)


def _jpeg_with_exif(exif: bytes) -> bytes:
    jpeg = _picture("JPEG")
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


def _tiff_of_shared_data() -> bytes:
    """60,000 tags, each of the same 20 MB."""
    tags, size = 60_000, 20_000_000
    start = 8 + 2 + 12 * tags + 4
    names = sorted({256, 257, 258, 262, 273, 277, 278, 279} | set(range(2000, 2000 + tags - 8)))
    values = {256: 4, 257: 4, 258: 8, 262: 1, 273: start, 277: 1, 278: 4, 279: 16}
    entries = b"".join(
        struct.pack("<HHII", name, 4, 1, values[name])
        if name in values
        else struct.pack("<HHII", name, 7, size, start)
        for name in names
    )
    return b"II\x2a\0" + struct.pack("<IH", 8, tags) + entries + bytes(4) + bytes(size)


def _tiff_chain(count: int) -> bytes:
    """Pages of one pixel each; the last leads to the first."""
    one = 2 + 12 * 9 + 4
    data = 8 + one * count
    tags = {256: (4, 1), 257: (4, 1), 258: (3, 8), 259: (3, 1), 262: (3, 1)}
    tags |= {273: (4, data), 277: (3, 1), 278: (4, 1), 279: (4, 1)}
    entries = b"".join(struct.pack("<HHII", name, kind, 1, value) for name, (kind, value) in tags.items())
    pages = b"".join(
        struct.pack("<H", 9) + entries + struct.pack("<I", 8 + one * ((n + 1) % count)) for n in range(count)
    )
    return b"II\x2a\0" + struct.pack("<I", 8) + pages + b"\x80"


def _webp_canvas() -> bytes:
    side = (2**24 - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + side + side
    body += b"ANIM" + struct.pack("<I", 6) + bytes(6) + b"ANMF" + struct.pack("<I", 16) + bytes(16)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _gif_comment() -> bytes:
    gif = made.pillow(Image.new("P", (4, 4)), "GIF")
    start = 13 + (3 * 2 ** ((gif[10] & 7) + 1) if gif[10] & 128 else 0)
    return gif[:start] + b"\x21\xfe" + (b"\xff" + b"x" * 255) * 200_000 + b"\0" + gif[start:]


def _bmp(width: int, height: int, bits: int, compression: int, data: bytes) -> bytes:
    palette = bytes(1024) if bits == 8 else b""
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(data), 0, 0, 0, 0)
    return (
        b"BM"
        + struct.pack("<IHHI", 54 + len(palette) + len(data), 0, 0, 54 + len(palette))
        + head
        + palette
        + data
    )


def _psd_header(width: int, height: int, channels: int = 3, depth: int = 8, mode: int = 3) -> bytes:
    return b"8BPS" + struct.pack(">H6xHIIHH", 1, channels, height, width, depth, mode) + bytes(14)


def _psd_layer(box: tuple[int, int, int, int]) -> bytes:
    return made.psd_rgb(_noise(8), layers=[{"name": "text", "box": box, "alpha": b"\xff" * 16}])


def _psd_run_lengths() -> bytes:
    """Rows that say they are longer than the file."""
    plain = made.psd_rgb(_noise(8))
    return plain[: -8 * 8 * 3 - 2] + struct.pack(">H", 1) + b"\xff\xff" * 24 + b"\x80" * 100


def _psd_deflated() -> bytes:
    """The merged picture unpacks to 128 MB."""
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(2**24)) for _ in range(8)) + packer.flush()
    return made.psd_rgb(_noise(8))[: -8 * 8 * 3 - 2] + struct.pack(">H", 2) + data


_LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "haha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(10))
    + ']><image w="8" h="8"><stack name="&k;"/></image>'
)
_OUTSIDE = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><image>&a;</image>'


def _zip_directory(count: int) -> bytes:
    """An archive that lists as many entries, all of them the same one."""
    local = b"PK\x03\x04" + struct.pack("<5H3I2H", 20, 0, 0, 0, 0, 0, 0, 0, 5, 0) + b"1.png"
    entry = (
        b"PK\x01\x02" + struct.pack("<6H3I5H2I", 20, 20, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0) + b"1.png"
    )
    size = len(entry) * count
    big = b"PK\x06\x06" + struct.pack("<Q2H2I4Q", 44, 45, 45, 0, 0, count, count, size, len(local))
    where = b"PK\x06\x07" + struct.pack("<IQI", 0, len(local) + size, 1)
    most = min(count, 0xFFFF)
    end = b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, most, most, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return local + entry * count + big + where + end


def _zip_with(name: str, **changed: int) -> bytes:
    """One good page and an entry of this name, its ZipInfo changed."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("1.png", _picture())
        entry = zipfile.ZipInfo("x")
        entry.filename = name
        for field, value in changed.items():
            setattr(entry, field, value)
        archive.writestr(entry, _picture())
    return stream.getvalue()


def _zip_patched(place: bytes, offset: int, value: bytes, content: bytes | None = None) -> bytes:
    """A CBZ of one page with bytes of its list of entries changed."""
    archive = bytearray(content or made.cbz({"1.png": _picture()}))
    start = archive.rindex(place) + offset
    archive[start : start + len(value)] = value
    return bytes(archive)


def _zip_locked() -> bytes:
    locked = _zip_patched(b"PK\x01\x02", 8, b"\1\0")
    return _zip_patched(b"PK\x03\x04", 6, b"\1\0", locked)


def _zip_bomb(megabytes: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("1.png", "w") as member:
        for _ in range(megabytes):
            member.write(bytes(10**6))
    return stream.getvalue()


def _zip_overlap(times: int) -> bytes:
    """Many entries that share the bytes of one (after D. Fifield, "A better zip bomb", 2019)."""
    content = made.cbz({"1.png": bytes(10**6)})
    start = content.index(b"PK\x01\x02")
    end = content.index(b"PK\x05\x06")
    entry = content[start:end]
    tail = struct.pack("<4H2IH", 0, 0, times, times, len(entry) * times, start, 0)
    return content[:start] + entry * times + b"PK\x05\x06" + tail


def _pdf(objects: Mapping[int, bytes]) -> bytes:
    """A PDF by hand; object 1 is the catalog."""
    out, places = b"%PDF-1.4\n", {}
    for number, body in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj" % number + body + b"endobj\n"
    count = max(objects) + 1
    table = b"0000000000 65535 f \n" + b"".join(
        b"%010d 00000 n \n" % places.get(n, 0) for n in range(1, count)
    )
    end = b"trailer<</Root 1 0 R/Size %d>>startxref\n%d\n%%%%EOF" % (count, len(out))
    return out + b"xref\n0 %d\n" % count + table + end


def _pdf_page(page: bytes, others: Mapping[int, bytes] | None = None) -> bytes:
    tree = {1: b"<</Type/Catalog/Pages 2 0 R>>", 2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>"}
    return _pdf({**tree, 3: b"<</Type/Page/Parent 2 0 R" + page + b">>", **(others or {})})


def _pdf_stream(data: bytes, attributes: bytes = b"") -> bytes:
    packed = zlib.compress(data)
    return (
        b"<</Length %d/Filter/FlateDecode%s>>stream\n" % (len(packed), attributes) + packed + b"\nendstream "
    )


def _pdf_slow() -> bytes:
    """A million large circles with a soft shadow."""
    shape = b"0 0 m 500 500 0 500 500 0 c 0 500 500 500 0 0 c f\n"
    return _pdf_page(b"/MediaBox[0 0 1500 1500]/Contents 4 0 R", {4: _pdf_stream(shape * 1_000_000)})


def _pdf_picture(width: int, height: int, data: bytes) -> bytes:
    stream = made.picture_stream(data, width, height)
    return made.pdf(stream, size=(72, 72))


def _pdf_self_form() -> bytes:
    form = _pdf_stream(
        b"/F Do /F Do", b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</F 5 0 R>>>>"
    )
    page = b"/MediaBox[0 0 72 72]/Contents 4 0 R/Resources<</XObject<</F 5 0 R>>>>"
    return _pdf_page(page, {4: _pdf_stream(b"/F Do"), 5: form})


def _locked_pdf() -> bytes:
    return made.pdf(content=b" ", encryption=pikepdf.Encryption(owner="a", user="b"))


def _fifo(folder: Path) -> Path:
    import os

    os.mkfifo(folder / "pipe.png")
    return folder / "pipe.png"


def _link_to_itself(folder: Path) -> Path:
    (folder / "loop.png").symlink_to(folder / "loop.png")
    return folder / "loop.png"


def _missing(folder: Path) -> Path:
    return folder / "none.png"


def _folder(folder: Path) -> Path:
    (folder / "pages.png").mkdir()
    return folder / "pages.png"


def _ora(stack: str) -> bytes:
    return made.open_raster(_noise(8), stack)


_PNG = _picture()
_CLUTTER = {"__MACOSX/._1.png": b"x", "Thumbs.db": b"x", ".hidden.png": b"x", "ComicInfo.xml": b"<x/>"}
_TIFF_16 = np.full((8, 8, 3), 1000, np.uint16)

CASES = [
    # no picture at all
    Case("empty file", _file("page.png", b""), "the file is empty"),
    Case("text", _file("page.png", b"Once upon a time"), "no picture"),
    Case("zeros", _file("page.png", bytes(999)), "no picture"),
    Case("a file that is not there", _missing, "no such file"),
    Case("a folder", _folder, "this is a folder"),
    Case("a pipe that nobody writes to", _fifo, "no ordinary file"),
    Case("a link to itself", _link_to_itself, "page|Too many levels|no such file"),
    Case("RAR called .cbz", _file("book.cbz", b"Rar!\x1a\x07\x01\0" + bytes(60)), "a RAR archive"),
    Case("7-Zip called .cbz", _file("book.cbz", b"7z\xbc\xaf\x27\x1c" + bytes(60)), "a 7-Zip archive"),
    Case("TAR called .cbz", _file("book.cbz", bytes(257) + b"ustar\0" + bytes(300)), "a TAR archive"),
    Case("gzip", _file("page.png.gz", b"\x1f\x8b\x08" + bytes(60)), "a compressed file"),
    Case("HEIC called .jpg", _file("page.jpg", b"\0\0\0\x18ftypheic" + bytes(60)), "a HEIC photograph"),
    Case("SVG", _file("page.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>'), "an SVG"),
    Case("Clip Studio", _file("page.clip", b"CSFCHUNK" + bytes(60)), "a Clip Studio file"),
    Case("larger than a file may be", _file("page.png", _PNG), "MB are more than", Limits(file_bytes=1000)),
    # wrong names
    Case("PNG called .jpg", _file("page.jpg", _PNG), "1 page"),
    Case("JPEG called .png", _file("page.png", _picture("JPEG")), "1 page"),
    Case("PDF called .png", _file("page.png", lambda: made.pdf(content=b" ")), "1 page"),
    Case("CBZ called .pdf", _file("book.pdf", made.cbz({"1.png": _PNG})), "1 page"),
    Case("PSD without a suffix", _file("page", lambda: made.psd_rgb(_noise(8))), "1 page"),
    Case("a name in many scripts", _file("第３話 Ελλάς עברית 🐉 é.png", _PNG), "1 page"),
    Case("a name that is no UTF-8", _file("page\udcff.png", _PNG), "1 page"),
    Case("a name with a line break", _file("page\n1\x07.png", _PNG), "1 page"),
    # PNG
    Case("PNG: a header and nothing", _file("page.png", b"\x89PNG\r\n\x1a\n" + bytes(60)), "damaged"),
    Case("PNG of 10,001 x 10,001 px in 1 kB", _file("bomb.png", _png_bomb(10_001, 10_001)), "100 megapixels"),
    Case("PNG of 60,000 x 60,000 px in 1 kB", _file("bomb.png", _png_bomb(60_000, 60_000)), "100 megapixels"),
    Case("PNG of 2^31 px in width", _file("bomb.png", _png_bomb(2**31 - 1, 2**31 - 1)), "megapixels|damaged"),
    Case("PNG, 16 bits, of too few bytes", _file("bomb.png", _png_bomb(9_000, 9_000, 16)), "damaged"),
    Case("PNG of no width", _file("page.png", _png_bomb(0, 10)), "damaged"),
    Case("PNG cut short", _file("page.png", _cut("PNG")), "damaged"),
    Case("PNG, 16 bits, cut short", _file("page.png", lambda: made.png_16(_TIFF_16)[:60]), "damaged"),
    Case("PNG with a wrong checksum", _file("page.png", _wrong_checksum), "damaged"),
    Case(
        "PNG with 200 MB of text in 200 kB",
        _file("page.png", lambda: _png_with((b"zTXt", b"a\0\0" + zlib.compress(bytes(200 * 10**6))))),
        "damaged",
    ),
    Case(
        "PNG with a profile of 200 MB",
        _file("page.png", lambda: _png_with((b"iCCP", b"a\0\0" + zlib.compress(bytes(200 * 10**6))))),
        "damaged|1 page",
    ),
    Case(
        "PNG with EXIF that would take 40 GB",
        _file("page.png", lambda: _png_with((b"eXIf", _exif_of_shared_data(8_000, 5 * 10**6)[6:]))),
        "1 page",
        SMALL,
    ),
    Case(
        "PNG whose chunk says 4 GB",
        _file("page.png", _PNG[:33] + b"\x7f\xff\xff\xffIDAT" + _PNG[41:]),
        "1 page|GiB of memory",
    ),
    Case("PNG of 1 x 1 px", _file("page.png", _png_with()), "1 page, the first of 1 x 1 px"),
    Case("PNG with a ZIP behind it", _file("page.png", _PNG + made.cbz({"1.png": _PNG})), "1 page"),
    # JPEG
    Case("JPEG cut short", _file("page.jpg", _cut("JPEG")), "damaged"),
    Case(
        "JPEG that says 65,000 x 65,000 px", _file("bomb.jpg", lambda: _jpeg_of(65_000, 65_000)), "megapixels"
    ),
    Case("JPEG of no height", _file("page.jpg", lambda: _jpeg_of(64, 0)), "damaged"),
    Case("JPEG with 3000 scans", _file("bomb.jpg", _many_scans), "scans takes too long"),
    Case(
        "JPEG with broken EXIF",
        _file("page.jpg", lambda: _jpeg_with_exif(b"Exif\0\0II\x2a\0\xff\xff")),
        "1 page",
    ),
    Case(
        "JPEG with EXIF whose tags share their data",
        _file("bomb.jpg", lambda: _jpeg_with_exif(_exif_of_shared_data(3_000, 25_000))),
        "1 page",
    ),
    Case(
        "JPEG with a broken profile",
        _file("page.jpg", lambda: _picture("JPEG", icc_profile=b"x" * 500)),
        "1 page",
    ),
    # WebP, GIF, BMP
    Case("WebP cut short", _file("page.webp", _cut("WEBP")), "damaged"),
    Case("WebP with a canvas of 16 million px", _file("bomb.webp", _webp_canvas), "damaged|megapixels"),
    Case("GIF cut short", _file("page.gif", _cut("GIF")), "damaged"),
    Case(
        "GIF with a canvas of 65,535 px",
        _file("bomb.gif", b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"),
        "megapixels",
    ),
    Case("GIF with 51 MB of comment", _file("bomb.gif", _gif_comment), "2 seconds", SHORT),
    Case("BMP of 2^31 px", _file("bomb.bmp", _bmp(2**31 - 1, 2**31 - 1, 24, 0, b"")), "megapixels"),
    Case("BMP of no width", _file("page.bmp", _bmp(0, 10, 24, 0, bytes(99))), "damaged"),
    Case(
        "BMP that skips 255 rows of 10^8 px",
        _file("bomb.bmp", _bmp(10**8, 1, 8, 1, b"\0\2\xff\xff" * 9)),
        "run-length",
    ),
    Case("BMP cut short", _file("page.bmp", _cut("BMP")), "damaged"),
    # TIFF
    Case("TIFF cut short", _file("page.tif", _cut("TIFF")), "damaged|no picture"),
    Case("TIFF whose page leads to itself", _file("loop.tif", lambda: _tiff_chain(1)), "1 page"),
    Case("TIFF whose 50 pages go round", _file("loop.tif", lambda: _tiff_chain(50)), "50 pages"),
    Case("TIFF of 50,000 pages", _file("bomb.tif", lambda: _tiff_chain(50_000)), "more than 2000 pages"),
    Case(
        "TIFF of 100,000 x 100,000 px",
        _file("bomb.tif", made.gray_tiff(100_000, 100_000, b"x")),
        "megapixels",
    ),
    Case("TIFF of no height", _file("page.tif", made.gray_tiff(10, 0, b"x")), "damaged"),
    Case(
        "TIFF whose strip is not in the file",
        _file("page.tif", made.gray_tiff(8, 8, b"x", t273=(4, 1, 10**9))),
        "damaged",
    ),
    Case(
        "TIFF with a tile of 65,536 x 65,536 px",
        _file(
            "bomb.tif",
            made.gray_tiff(
                8, 8, bytes(64), t322=(4, 1, 65_536), t323=(4, 1, 65_536), t324=(4, 1, 8), t325=(4, 1, 64)
            ),
        ),
        "a tile of",
    ),
    Case(
        "TIFF whose 60,000 tags share 20 MB",
        _file("bomb.tif", _tiff_of_shared_data),
        "GiB of memory",
        SMALL,
    ),
    Case(
        "TIFF of complex numbers",
        _file("page.tif", lambda: made.tiff(np.zeros((8, 8), np.complex64))),
        "cannot be read",
    ),
    Case(
        "TIFF, 16 bits, cut short",
        _file("page.tif", lambda: made.tiff(_TIFF_16, photometric="rgb", compression="deflate")[:-20]),
        "damaged",
    ),
    # PSD and OpenRaster
    Case("PSD: half a header", _file("page.psd", _psd_header(8, 8)[:20]), "damaged"),
    Case("PSD of 300,000 x 300,000 px", _file("bomb.psd", _psd_header(300_000, 300_000)), "megapixels"),
    Case("PSD of no size", _file("page.psd", _psd_header(0, 0)), "damaged"),
    Case("PSD cut short", _file("page.psd", lambda: made.psd_rgb(_noise(8))[:-50]), "damaged"),
    Case("PSD whose rows are longer than the file", _file("page.psd", _psd_run_lengths), "damaged"),
    Case("PSD whose 192 bytes unpack to 128 MB", _file("bomb.psd", _psd_deflated), "damaged"),
    Case(
        "PSD whose layer is 2^30 px large",
        _file("bomb.psd", lambda: _psd_layer((0, 0, 2**30, 2**30))),
        "damaged|megapixels",
        read=read_layers,
    ),
    Case(
        "PSD whose layer ends before it begins",
        _file("page.psd", lambda: _psd_layer((90, 90, -90, -90))),
        "lettering on 0 px|damaged",
        read=read_layers,
    ),
    Case(
        "PSD whose layer lies far off the page",
        _file("page.psd", lambda: _psd_layer((10**6, -(10**6), 10**6 + 4, -(10**6) + 4))),
        "lettering on 0 px",
        read=read_layers,
    ),
    Case(
        "PSD without its merged picture",
        _file("page.psd", lambda: made.psd_rgb(_noise(8), resources=[(1057, bytes(4) + b"\0" + bytes(12))])),
        "merged picture",
    ),
    Case(
        "PSD in multichannel mode",
        _file("page.psd", lambda: made.psd_rgb(_noise(8), mode=7)),
        "cannot be read",
    ),
    Case("OpenRaster: a billion laughs", _file("bomb.ora", lambda: _ora(_LAUGHS)), "declares entities"),
    Case(
        "OpenRaster that asks for /etc/passwd", _file("bomb.ora", lambda: _ora(_OUTSIDE)), "declares entities"
    ),
    Case("OpenRaster: broken XML", _file("page.ora", lambda: _ora("<image><stack>")), "stack.xml is refused"),
    Case(
        "OpenRaster: 200,000 stacks in each other",
        _file("bomb.ora", lambda: _ora("<image>" + "<stack>" * 200_000 + "</stack>" * 200_000 + "</image>")),
        "stack.xml is|damaged|1 page",
    ),
    Case(
        "OpenRaster without a merged picture",
        _file("page.ora", lambda: made.open_raster(None)),
        "no merged picture",
    ),
    # CBZ
    Case(
        "CBZ: an entry climbs out", _file("book.cbz", lambda: _zip_with("../../x.png")), "outside the archive"
    ),
    Case(
        "CBZ: an entry climbs out, as Windows writes it",
        _file("book.cbz", lambda: _zip_with("a\\..\\..\\x.png")),
        "outside",
    ),
    Case(
        "CBZ: an entry from the root",
        _file("book.cbz", lambda: _zip_with("/etc/x.png")),
        "outside the archive",
    ),
    Case(
        "CBZ: an entry with a drive", _file("book.cbz", lambda: _zip_with("C:\\x.png")), "outside the archive"
    ),
    Case(
        "CBZ: an entry is a link",
        _file("book.cbz", lambda: _zip_with("x.png", external_attr=0o120777 << 16)),
        "is a link",
    ),
    Case(
        "CBZ of a million entries",
        _file("bomb.cbz", lambda: _zip_directory(1_000_000)),
        "more than 10000 entries",
    ),
    Case(
        "CBZ of 20,000 entries", _file("bomb.cbz", lambda: _zip_directory(20_000)), "more than 10000 entries"
    ),
    Case("CBZ with a password", _file("book.cbz", _zip_locked), "locked with a password"),
    Case(
        "CBZ of archives",
        _file("book.cbz", lambda: made.cbz({"a.cbz": made.cbz({"1.png": _PNG})})),
        "only archives",
    ),
    Case(
        "CBZ with an archive called .png",
        _file("book.cbz", lambda: made.cbz({"1.png": made.cbz({"1.png": _PNG})})),
        "inside another file",
    ),
    Case("CBZ without pictures", _file("book.cbz", made.cbz({"readme.txt": b"x"})), "no pictures"),
    Case("CBZ of nothing", _file("book.cbz", made.cbz({})), "no pictures"),
    Case(
        "CBZ whose page unpacks to 60 MB",
        _file("bomb.cbz", lambda: _zip_bomb(60)),
        "MB unpacked",
        Limits(member_bytes=20 * 10**6),
    ),
    Case(
        "CBZ of 60 pages that share 1 MB of data",
        _file("bomb.cbz", lambda: _zip_overlap(60)),
        "GB unpacked",
        Limits(total_bytes=50 * 10**6),
    ),
    Case(
        "CBZ: a page longer than it says",
        _file("book.cbz", lambda: _zip_patched(b"PK\x01\x02", 24, b"\x10\0\0\0")),
        "damaged",
    ),
    Case(
        "CBZ: a page says 4 GB",
        _file("book.cbz", lambda: _zip_patched(b"PK\x01\x02", 24, b"\xf0\xff\xff\xff")),
        "cut short|damaged",
    ),
    Case(
        "CBZ with a wrong checksum",
        _file("book.cbz", lambda: _zip_patched(b"PK\x01\x02", 16, b"\1\2\3\4")),
        "damaged",
    ),
    Case("CBZ cut short", _file("book.cbz", made.cbz({"1.png": _PNG})[:-30]), "damaged or cut short"),
    Case(
        "CBZ packed with bzip2",
        _file("book.cbz", lambda: made.cbz({"1.png": _PNG}, compression=zipfile.ZIP_BZIP2)),
        "unusual way",
    ),
    Case(
        "CBZ packed with LZMA",
        _file("book.cbz", lambda: made.cbz({"1.png": _PNG}, compression=zipfile.ZIP_LZMA)),
        "unusual way",
    ),
    Case(
        "CBZ with a damaged page",
        _file("book.cbz", made.cbz({"1.png": _PNG, "2.png": _PNG[:999]})),
        r"2\.png: the picture is damaged",
    ),
    Case(
        "CBZ with a bomb for a page",
        _file("book.cbz", made.cbz({"1.png": _png_bomb(60_000, 60_000)})),
        "megapixels",
    ),
    Case("CBZ with what programs leave", _file("book.cbz", made.cbz({"1.png": _PNG, **_CLUTTER})), "1 page"),
    Case(
        "CBZ with a ComicInfo.xml of a billion laughs",
        _file("book.cbz", made.cbz({"1.png": _PNG, "ComicInfo.xml": _LAUGHS.encode()})),
        "1 page",
    ),
    Case(
        "CBZ with names in many scripts",
        _file("book.cbz", made.cbz({"第２話.png": _PNG, "صفحة ٣.png": _PNG})),
        "2 pages",
    ),
    Case(
        "CBZ with a number of 9000 digits",
        _file("book.cbz", made.cbz({"9" * 9000 + ".png": _PNG, "1.png": _PNG})),
        "2 pages",
    ),
    Case(
        "CBZ with control characters in names",
        _file("book.cbz", made.cbz({"a\x1b[31m\u202egnp.png": b"x"})),
        "a�\\[31m�gnp.png",
    ),
    Case("CBZ with a name twice", _file("book.cbz", lambda: _zip_twice()), "2 pages"),
    # PDF
    Case(
        "PDF of 600,000 x 600,000 px in 300 bytes",
        _file("bomb.pdf", _pdf_page(b"/MediaBox[0 0 144000 144000]")),
        "600000 x 600000 pixels",
    ),
    Case("PDF: a header and nothing", _file("page.pdf", b"%PDF-1.7\n"), "damaged"),
    Case("PDF cut short", _file("page.pdf", lambda: made.pdf(content=b" ")[:200]), "damaged|no pages"),
    Case("PDF with a password", _file("page.pdf", _locked_pdf), "locked with a password"),
    Case(
        "PDF of no pages",
        _file("page.pdf", _pdf({1: b"<</Type/Catalog/Pages 2 0 R>>", 2: b"<</Type/Pages/Kids[]/Count 0>>"})),
        "no pages|damaged",
    ),
    Case(
        "PDF whose pages go round",
        _file(
            "loop.pdf", _pdf({1: b"<</Type/Catalog/Pages 2 0 R>>", 2: b"<</Type/Pages/Kids[2 0 R]/Count 1>>"})
        ),
        "damaged|no pages",
    ),
    Case(
        "PDF that says it has 10^9 pages",
        _file(
            "bomb.pdf",
            _pdf(
                {
                    1: b"<</Type/Catalog/Pages 2 0 R>>",
                    2: b"<</Type/Pages/Kids[3 0 R]/Count 1000000000>>",
                    3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
                }
            ),
        ),
        "1 page",
    ),
    Case("PDF page of no size", _file("page.pdf", _pdf_page(b"/MediaBox[0 0 0 0]")), "1 page|no size"),
    Case(
        "PDF page of infinite size", _file("page.pdf", _pdf_page(b"/MediaBox[-1e38 -1e38 1e38 1e38]")), "page"
    ),
    Case(
        "PDF whose picture is 60,000 x 60,000 px",
        _file("bomb.pdf", lambda: _pdf_picture(60_000, 60_000, b"x")),
        "megapixels",
    ),
    Case(
        "PDF whose picture has too few bytes",
        _file("page.pdf", lambda: _pdf_picture(500, 500, b"x")),
        "1 page",
    ),
    Case("PDF whose form draws itself, twice", _file("loop.pdf", _pdf_self_form), "2 seconds|1 page", SHORT),
    Case("PDF that draws a million shapes", _file("bomb.pdf", _pdf_slow), "2 seconds", SHORT),
    Case(
        "PDF whose JPEG is cut short",
        _file(
            "page.pdf",
            lambda: made.pdf(made.picture_stream(_cut("JPEG")(), 64, 64, code="/DCTDecode"), size=(72, 72)),
        ),
        "1 page",
    ),
]


def _zip_twice() -> bytes:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return made.cbz([("1.png", _PNG), ("1.png", _PNG)])
