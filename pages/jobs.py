"""What the second process (``pages.worker``) can be asked about a file."""

from __future__ import annotations

import io
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from pages import archive
from pages.decode import SUFFIX_OF, decode, decoding, header_size, picture_bytes, sane_dpi, sniff, unknown
from pages.errors import InputError
from pages.files import os_errors
from pages.limits import Limits, variable
from pages.native import Samples, to_native, to_rgb
from pages.parts import DEFAULT_DPI
from pages.worker import Answer


def rgb(path: Path, limits: Limits) -> Answer:
    """The first picture: (H, W, 3) uint8 sRGB."""
    return Answer({}, [to_rgb(to_native(_first(path, limits)))])


def native(path: Path, limits: Limits) -> Answer:
    """The first picture in its own colors."""
    found = to_native(_first(path, limits))
    blobs: list[Any] = [found.pixels]
    blobs += [found.alpha] if found.alpha is not None else []
    blobs += [found.profile] if found.profile is not None else []
    facts = {"dpi": found.dpi, "alpha": found.alpha is not None, "profile": found.profile is not None}
    return Answer(facts, blobs)


def facts(path: Path, limits: Limits) -> Answer:
    """Size and dpi of the first picture, which is decoded."""
    samples = _first(path, limits)
    height, width = samples.values.shape[:2]
    return Answer({"size": [width, height], "dpi": samples.dpi})


def size(path: Path, limits: Limits) -> Answer:
    """(width, height) of the first picture, from its header where that is possible."""
    with opened(path, limits) as (file, kind):
        found = None
        if kind == "zip":
            with archive.opened(file, str(path), limits) as members:
                if archive.is_painting(members):
                    content = archive.merged_picture(members, str(path), limits)
                    found = header_size(io.BytesIO(content), str(path), limits)
        elif kind != "pdf":
            found = header_size(file, str(path), limits)
    return Answer({"size": found}) if found else facts(path, limits)


def listing(path: Path, limits: Limits) -> Answer:
    """The labels of the pages in a file."""
    with opened(path, limits) as (file, kind):
        if kind == "pdf":
            from pages import pdf

            return Answer({"labels": [f"page {n + 1}" for n in range(pdf.page_count(path, limits))]})
        if kind == "zip":
            with archive.opened(file, str(path), limits) as members:
                if not archive.is_painting(members):
                    pages = archive.page_entries(members, str(path), limits)
                    return Answer({"labels": [archive.shown_name(entry.filename) for entry in pages]})
        if kind == "tiff":
            from pages import tiff

            count = len(list(tiff.page_places(file, str(path), limits)))
            if count > 1:
                return Answer({"labels": [f"page {n + 1}" for n in range(count)]})
    return Answer({"labels": [path.name]})


def part(path: Path, limits: Limits, place: int, dpi: float) -> Answer:
    """One page as a file to keep, after it was decoded."""
    with opened(path, limits) as (file, kind):
        content, suffix, own_dpi = _part(path, file, kind, place, dpi, limits)
    return Answer({"suffix": suffix, "dpi": own_dpi}, [content])


def lettering(path: Path, limits: Limits) -> Answer:
    """Masks of the layers that are named for text and for balloons; nothing if no layer is."""
    with opened(path, limits) as (file, kind):
        if kind == "psd":
            from pages.layers import psd_lettering

            masks = psd_lettering(file, str(path), limits)
        elif kind == "zip":
            from pages.layers import open_raster_lettering

            with archive.opened(file, str(path), limits) as members:
                masks = (
                    open_raster_lettering(members, str(path), limits)
                    if archive.is_painting(members)
                    else None
                )
        else:
            masks = None
    return Answer({}, [] if masks is None else list(masks))


def frames(path: Path, limits: Limits, every: float | None, state: dict[str, Any] | None) -> Answer:
    """The next frames of a video; ``video.Stretch`` says which values there are."""
    from pages import video

    found = video.read_stretch(path, limits, every, state)
    facts = {"moments": found.moments, "scenes": found.scenes, "state": found.state, "damage": found.damage}
    return Answer(facts, list(found.frames))


def sampled_frames(path: Path, limits: Limits) -> Answer:
    """A few frames from all over a video."""
    from pages import video

    return Answer({}, list(video.sample_frames(path, limits)))


@contextmanager
def opened(path: Path, limits: Limits) -> Iterator[tuple[BinaryIO, str]]:
    """A file and its kind.

    Raises:
        InputError: there is no such file, it is empty, too large, or nothing that can be read.
        ResourceError: the system refuses it.
    """
    with os_errors(path):
        if not path.exists():
            raise InputError(f"{path}: no such file.", remedy="Check the path.")
        if path.is_dir():
            raise InputError(f"{path}: this is a folder.", remedy="Name a picture file in it.")
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{path}: this is no ordinary file.", remedy="Name a picture file.")
        if not status.st_size:
            raise InputError(f"{path}: the file is empty.", remedy="Export or copy the picture again.")
        if status.st_size > limits.file_bytes:
            raise InputError(
                f"{path}: {status.st_size / 10**6:.4g} MB are more than {limits.file_bytes / 10**6:.4g} MB.",
                remedy=f"Split the file, save it smaller, or raise {variable('file_bytes')}.",
            )
        with path.open("rb") as file:
            head = file.read(1024)
            kind = sniff(head)
            if kind is None:
                raise unknown(str(path), head)
            file.seek(0)
            yield file, kind


def _first(path: Path, limits: Limits) -> Samples:
    with opened(path, limits) as (file, kind):
        if kind not in ("pdf", "zip"):
            return decode(file, str(path), limits)
        if kind == "zip":
            with archive.opened(file, str(path), limits) as members:
                if archive.is_painting(members):
                    return _painting(members, str(path), limits)
        content, _, dpi = _part(path, file, kind, 0, DEFAULT_DPI, limits)
    samples = picture_bytes(content, str(path), limits)
    return Samples(samples.values, samples.model, samples.alpha, samples.profile, dpi, samples.indexed)


def _part(
    path: Path, file: BinaryIO, kind: str, place: int, dpi: float, limits: Limits
) -> tuple[bytes, str, float | None]:
    shown = str(path)
    if kind == "pdf":
        from pages import pdf

        with decoding(f"{shown}, page {place + 1}"):
            return pdf.page_file(path, place, dpi, limits)
    if kind == "tiff":
        from pages import tiff

        places = list(tiff.page_places(file, shown, limits))
        if len(places) > 1:
            label = f"{shown}, page {place + 1}"
            with decoding(label):
                return tiff.page_file(file, places[place], label, limits)
    if kind == "zip":
        with archive.opened(file, shown, limits) as members:
            if not archive.is_painting(members):
                entry = archive.page_entries(members, shown, limits)[place]
                content = archive.read_entry(members, entry, shown, limits)
                label = f"{shown}, {archive.shown_name(entry.filename)}"
                samples = picture_bytes(content, label, limits)
                return content, _suffix(content, entry.filename), samples.dpi
            samples = _painting(members, shown, limits)
    else:
        samples = decode(file, shown, limits)
    if file.seek(0, 2) > limits.member_bytes:
        raise InputError(
            f"{path}: more than {limits.member_bytes / 10**6:.4g} MB in one picture.",
            remedy=f"Save it smaller, or raise {variable('member_bytes')}.",
        )
    file.seek(0)
    content = file.read()
    return content, _suffix(content, path.name), samples.dpi


def _painting(members: Any, shown: str, limits: Limits) -> Samples:
    stack = archive.layer_stack(members, shown, limits)
    samples = picture_bytes(archive.merged_picture(members, shown, limits), shown, limits)
    dpi = samples.dpi
    if dpi is None and stack is not None:
        dpi = sane_dpi((archive.attribute(stack, "xres", 0),))
    return Samples(samples.values, samples.model, samples.alpha, samples.profile, dpi, samples.indexed)


def _suffix(content: bytes, name: str) -> str:
    """The name's own suffix if it says what the content is, else the content's."""
    kind = sniff(content[:1024]) or ""
    own = Path(name).suffix.lower()
    also = {"jpeg": (".jpeg",), "tiff": (".tiff",), "psd": (".psb",), "zip": (".kra",)}
    return own if own in also.get(kind, ()) else SUFFIX_OF[kind]
