"""Small files of every kind, made by other libraries or byte by byte after their specifications."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import imagecodecs
import numpy as np
import pikepdf
import tifffile
from numpy.typing import NDArray
from PIL import Image


def wide_profile() -> bytes:
    """An ICC profile that is far from sRGB."""
    return bytes(imagecodecs.cms_profile("adobergb"))


def ramp(height: int = 32, width: int = 48, channels: int = 3, dtype: Any = np.uint8) -> NDArray[Any]:
    """A picture with every tone in it, no two channels alike."""
    most = np.iinfo(dtype).max
    across, down = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    planes = [across, 1 - across, down, 1 - down * across][:channels]
    return np.rint(np.stack(planes, 2) * most).astype(dtype)


def pillow(image: NDArray[Any] | Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    picture.save(stream, kind, **options)
    return stream.getvalue()


def png_16(values: NDArray[np.uint16]) -> bytes:
    """16 bits per channel, by OpenCV: gray, RGB or RGBA."""
    order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[values.shape[2]]
    return bytes(cv2.imencode(".png", np.ascontiguousarray(values[..., order]))[1])


def png_chunks(*chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of these chunks, with right checksums."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def png_header(width: int, height: int, *, depth: int = 8, color: int = 2) -> tuple[bytes, bytes]:
    return b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)


def tiff(values: NDArray[Any], **options: Any) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, values, metadata=None, **options)
    return stream.getvalue()


def tiff_pages(pages: Sequence[NDArray[Any]], **options: Any) -> bytes:
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        for page in pages:
            writer.write(page, metadata=None, **options)
    return stream.getvalue()


def raw_tiff(tags: Mapping[int, tuple[int, int, int]], data: bytes = b"", following: int | None = 0) -> bytes:
    """A little-endian TIFF by hand: tags {number: (type, count, value)}, then data. The data starts at
    8 + 2 + 12 * len(tags) + 4. ``following`` is where the next IFD is; None: this one again."""
    entries = b"".join(struct.pack("<HHII", number, *tags[number]) for number in sorted(tags))
    after = 8 if following is None else following
    return b"II\x2a\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", after) + data


def gray_tiff(width: int, height: int, data: bytes, **changed: tuple[int, int, int]) -> bytes:
    """One strip of 8-bit gray, by hand; tags can be changed: t259=(3, 1, 8)."""
    tags = {
        256: (4, 1, width),
        257: (4, 1, height),
        258: (3, 1, 8),
        259: (3, 1, 1),
        262: (3, 1, 1),
        273: (4, 1, 0),
        277: (3, 1, 1),
        278: (4, 1, height),
        279: (4, 1, len(data)),
    }
    tags |= {int(name[1:]): tag for name, tag in changed.items()}
    if "t273" not in changed and 273 in tags:
        tags[273] = (4, 1, 8 + 2 + 12 * len(tags) + 4)
    return raw_tiff(tags, data)


def psd(
    size: tuple[int, int],
    planes: Sequence[bytes],
    *,
    mode: int = 3,
    depth: int = 8,
    layers: Sequence[Mapping[str, Any]] = (),
    merged_alpha: bool = False,
    resources: Sequence[tuple[int, bytes]] = (),
    palette: bytes = b"",
) -> bytes:
    """A PSD by hand, after Adobe's "Photoshop File Formats Specification" (2019).

    Args:
        size: (width, height).
        planes: the merged picture's channels, raw.
        mode: 1 gray, 2 indexed, 3 RGB, 4 CMYK, 9 Lab.
        layers: from the bottom up: name, box (left, top, right, bottom), alpha (bytes of the box), and
            optionally hidden=True, opacity, path (corners x, y of a vector mask), group="open" (its lower
            end) or group="end" (the group itself).
        merged_alpha: the first channel after the colors is the transparency.
        resources: (number, bytes).
    """
    width, height = size
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, len(planes), height, width, depth, mode)
    blocks = b"".join(
        b"8BIM" + struct.pack(">HHI", number, 0, len(data)) + data + b"\0" * (len(data) % 2)
        for number, data in resources
    )
    records, pixels = b"", b""
    for layer in layers:
        left, top, right, bottom = layer.get("box", (0, 0, 0, 0))
        count = max(right - left, 0) * max(bottom - top, 0)
        alpha = layer.get("alpha", b"\xff" * min(count, 10**6))
        channels = [(-1, alpha)] + [(number, bytes(len(alpha))) for number in range(3)]
        name = layer["name"].encode("ascii", "replace")[:255]
        pascal = bytes([len(name)]) + name
        pascal += b"\0" * (-len(pascal) % 4)
        extra = struct.pack(">I", 0) + struct.pack(">I", 0) + pascal
        wide = layer["name"].encode("utf-16-be")
        text = struct.pack(">I", len(wide) // 2) + wide
        text += b"\0" * (-len(text) % 4)
        extra += b"8BIMluni" + struct.pack(">I", len(text)) + text
        if "group" in layer:
            divider = {"open": 3, "end": 1}[layer["group"]]
            extra += b"8BIMlsct" + struct.pack(">II", 4, divider)
        if "path" in layer:  # a polygon, in pixels: straight Bezier knots, 8.24 bit fractions of the page
            knots = b""
            for x, y in layer["path"]:
                point = struct.pack(">ii", round(y / height * 2**24), round(x / width * 2**24))
                knots += struct.pack(">H", 1) + point * 3
            length = struct.pack(">HHHHHH", 0, len(layer["path"]), 1, 1, 0, 0) + bytes(14)
            data = struct.pack(">II", 3, 0) + struct.pack(">H", 6) + bytes(24) + length + knots
            data += b"\0" * (-len(data) % 4)
            extra += b"8BIMvmsk" + struct.pack(">I", len(data)) + data
        flags = 2 if layer.get("hidden") else 0
        records += struct.pack(">iiiiH", top, left, bottom, right, len(channels))
        records += b"".join(struct.pack(">hI", number, len(data) + 2) for number, data in channels)
        records += b"8BIMnorm" + struct.pack(">BBBBI", layer.get("opacity", 255), 0, flags, 0, len(extra))
        records += extra
        pixels += b"".join(struct.pack(">H", 0) + data for _, data in channels)
    info = b""
    if layers:
        body = struct.pack(">h", -len(layers) if merged_alpha else len(layers)) + records + pixels
        body += b"\0" * (len(body) % 2)
        info = struct.pack(">I", len(body)) + body + struct.pack(">I", 0)
    return (
        header
        + struct.pack(">I", len(palette))
        + palette
        + struct.pack(">I", len(blocks))
        + blocks
        + struct.pack(">I", len(info))
        + info
        + struct.pack(">H", 0)
        + b"".join(planes)
    )


def psd_rgb(image: NDArray[Any], **options: Any) -> bytes:
    """A PSD of a picture (H, W, C) uint8, uint16 or float32."""
    planes = [np.ascontiguousarray(image[..., place]) for place in range(image.shape[2])]
    size = image.shape[1], image.shape[0]
    big = [plane.astype(plane.dtype.newbyteorder(">")).tobytes() for plane in planes]
    return psd(size, big, depth=image.dtype.itemsize * 8, **options)


def open_raster(
    merged: NDArray[Any] | None,
    stack: str | None = None,
    layers: Mapping[str, NDArray[Any]] | None = None,
    **dpi: float,
) -> bytes:
    """An OpenRaster file (openraster.org, baseline)."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("mimetype", "image/openraster")
        height, width = (1, 1) if merged is None else merged.shape[:2]
        extra = "".join(f' {name}="{value}"' for name, value in dpi.items())
        whole = f'<image version="0.0.3" w="{width}" h="{height}"{extra}><stack>'
        archive.writestr("stack.xml", stack if stack is not None else whole + "</stack></image>")
        if merged is not None:
            archive.writestr("mergedimage.png", pillow(merged, "PNG"))
        for name, layer in (layers or {}).items():
            archive.writestr(name, pillow(layer, "PNG"))
    return stream.getvalue()


def cbz(
    members: Mapping[str, bytes] | Sequence[tuple[str, bytes]], *, compression: int = zipfile.ZIP_DEFLATED
) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in members.items() if isinstance(members, Mapping) else members:
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return stream.getvalue()


def pdf(
    picture: pikepdf.Stream | None = None,
    *,
    size: tuple[float, float] = (72, 48),
    pages: int = 1,
    content: bytes | None = None,
    rotate: int = 0,
    **options: Any,
) -> bytes:
    """A PDF by pikepdf; each page is one picture over all of it, or what ``content`` draws.

    Args:
        picture: ``picture_stream(…)``.
        size: of the page, in points.
        options: for ``Pdf.save``.
    """
    document = pikepdf.new()
    for _ in range(pages):
        page = document.add_blank_page(page_size=size)
        if picture is not None:
            made = document.make_stream(picture[0], picture[1])
            for name, (data, attributes) in picture[2].items():
                made[name] = document.make_stream(data, attributes)
            if "profile" in picture[3]:
                profile = document.make_stream(picture[3]["profile"], {"/N": 3})
                made.ColorSpace = pikepdf.Array([pikepdf.Name.ICCBased, profile])
            font = pikepdf.Dictionary(
                Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
            )
            named = {"XObject": pikepdf.Dictionary(Im0=made), "Font": pikepdf.Dictionary(F0=font)}
            page.Resources = pikepdf.Dictionary(**named)
        drawn = content or f"q {size[0]} 0 0 {size[1]} 0 0 cm /Im0 Do Q".encode()
        page.Contents = document.make_stream(drawn)
        if rotate:
            page.Rotate = rotate
    stream = io.BytesIO()
    document.save(stream, **options)
    return stream.getvalue()


def picture_stream(
    data: bytes,
    width: int,
    height: int,
    *,
    space: str = "/DeviceRGB",
    bits: int = 8,
    code: str | None = None,
    decode: Sequence[float] | None = None,
    mask: bytes | None = None,
    profile: bytes | None = None,
) -> Any:
    """An image XObject: code None packs the samples with Flate."""
    attributes = {
        "/Type": pikepdf.Name.XObject,
        "/Subtype": pikepdf.Name.Image,
        "/Width": width,
        "/Height": height,
        "/ColorSpace": pikepdf.Name(space),
        "/BitsPerComponent": bits,
        "/Filter": pikepdf.Name(code or "/FlateDecode"),
    }
    if decode is not None:
        attributes["/Decode"] = pikepdf.Array(decode)
    soft = {}
    if mask is not None:
        gray = {**attributes, "/ColorSpace": pikepdf.Name.DeviceGray, "/Filter": pikepdf.Name.FlateDecode}
        gray["/BitsPerComponent"] = 8
        soft["/SMask"] = (zlib.compress(mask), gray)
    packed = data if code else zlib.compress(data)
    return packed, attributes, soft, {"profile": profile} if profile else {}
