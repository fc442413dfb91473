"""ZIP archives of strangers: CBZ and OpenRaster. Members are streamed and counted, never extracted.

Runs in the second process (``pages.worker``).
"""

from __future__ import annotations

import io
import re
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from pages.errors import InputError
from pages.limits import Limits, variable
from pages.names import PICTURE_SUFFIXES, natural_key

_CHUNK = 1024**2
_DIRECTORY_BYTES_PER_ENTRY = 512  # generous: 46 and the name
_REPACK = "Unpack it with an archive program, and pack the pictures again as a plain ZIP."
_MERGED, _STACK = "mergedimage.png", "stack.xml"
_MOST_XML = 4 * 1024**2


@contextmanager
def opened(file: BinaryIO, shown: str, limits: Limits) -> Iterator[zipfile.ZipFile]:
    """The archive, after its list of entries was checked.

    Raises:
        InputError: it is damaged, has too many entries, or one that tries to get out of its folder.
    """
    file.seek(0)
    try:
        archive = zipfile.ZipFile(_Measured(file, shown, limits))
    except InputError:
        raise
    except Exception as error:  # zipfile raises many things at damaged lists
        raise InputError(
            f"{shown}: the archive is damaged or cut short ({error}).",
            remedy="Copy it again from its source, or pack the pictures again as a ZIP (CBZ).",
        ) from error
    with archive:
        if len(archive.infolist()) > limits.entries:
            raise _too_many(shown, limits)
        for entry in archive.infolist():
            _check_entry(entry, shown)
        yield archive


def is_painting(archive: zipfile.ZipFile) -> bool:
    """Has it the files of an OpenRaster picture (openraster.org, "File layout"), or of a Krita one?"""
    names = set(archive.namelist())
    return "mimetype" in names and bool(names & {_MERGED, _STACK})


def page_entries(archive: zipfile.ZipFile, shown: str, limits: Limits) -> list[zipfile.ZipInfo]:
    """The pictures of a CBZ in natural order; what is no page (hidden files, ComicInfo.xml …) is left out.

    Raises:
        InputError: there is none, too many or too much of them, or they are locked.
    """
    pages = [entry for entry in archive.infolist() if _is_page(entry.filename)]
    if not pages:
        inner = [
            entry for entry in archive.infolist() if re.search(r"\.(zip|cb.|rar|7z)$", entry.filename, re.I)
        ]
        what = "only archives, which are not opened inside another," if inner else "no pictures"
        raise InputError(f"{shown}: there are {what} in this archive.", remedy=_REPACK)
    if len(pages) > limits.pages:
        raise InputError(
            f"{shown}: {len(pages)} pages are more than {limits.pages}.",
            remedy=f"Split the archive, or raise {variable('pages')}.",
        )
    if sum(entry.file_size for entry in pages) > limits.total_bytes:
        raise InputError(
            f"{shown}: its pictures are more than {limits.total_bytes / 10**9:.3g} GB unpacked.",
            remedy=f"Split the archive, or raise {variable('total_bytes')}.",
        )
    return sorted(pages, key=lambda entry: natural_key(PurePosixPath(_slashes(entry.filename))))


def read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, shown: str, limits: Limits) -> bytes:
    """An entry's bytes, unpacked a piece at a time and counted.

    Raises:
        InputError: it is damaged, locked, packed in an unusual way, or larger than ``limits.member_bytes``.
    """
    label = f"{shown}, {shown_name(entry.filename)}"
    if entry.flag_bits & 0x1:
        raise InputError(f"{label}: it is locked with a password.", remedy=_REPACK)
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InputError(f"{label}: it is packed in an unusual way.", remedy=_REPACK)
    content = io.BytesIO()
    try:
        with archive.open(entry) as member:
            while piece := member.read(_CHUNK):
                content.write(piece)
                if content.tell() > limits.member_bytes:
                    raise InputError(
                        f"{label}: more than {limits.member_bytes / 10**6:.4g} MB unpacked.",
                        remedy=f"Save that page smaller, or raise {variable('member_bytes')}.",
                    )
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise InputError(
            f"{label}: it is damaged or cut short ({error}).",
            remedy="Copy the archive again from its source, or pack the pictures again as a ZIP (CBZ).",
        ) from error
    if content.tell() != entry.file_size:
        raise InputError(
            f"{label}: it is cut short.",
            remedy="Copy the archive again from its source, or pack the pictures again as a ZIP (CBZ).",
        )
    return content.getvalue()


def merged_picture(archive: zipfile.ZipFile, shown: str, limits: Limits) -> bytes:
    """The PNG that an OpenRaster or Krita file shows.

    Raises:
        InputError: it has none, or it cannot be read.
    """
    if _MERGED not in archive.namelist():
        raise InputError(
            f"{shown}: this painting has no merged picture.",
            remedy="Save it again in your paint program, or export it as PNG.",
        )
    return read_entry(archive, archive.getinfo(_MERGED), shown, limits)


def layer_stack(archive: zipfile.ZipFile, shown: str, limits: Limits) -> Element | None:
    """An OpenRaster file's list of layers: the <image> element; None if it is no OpenRaster file.

    Raises:
        InputError: it is no XML, or tries to make XML explode.
    """
    if _STACK not in archive.namelist():
        return None
    entry = archive.getinfo(_STACK)
    if entry.file_size > _MOST_XML:
        raise InputError(f"{shown}: {_STACK} is too large.", remedy=_save_again())
    text = read_entry(archive, entry, shown, limits)
    try:
        root: Element = fromstring(text, forbid_dtd=True)
    except (DefusedXmlException, ParseError, ValueError, RecursionError) as error:
        reason = "it declares entities" if isinstance(error, DefusedXmlException) else str(error)
        raise InputError(f"{shown}: {_STACK} is refused ({reason}).", remedy=_save_again()) from error
    return root


def shown_name(name: str) -> str:
    """A name from inside an archive, fit for a message: no control characters, not endless."""
    kept = "".join("�" if unicodedata.category(sign)[0] == "C" else sign for sign in name)
    return kept if len(kept) <= 100 else f"{kept[:60]}…{kept[-30:]}"


class _Measured:
    """A file that refuses to be read in larger pieces than a sane list of entries has.

    ``zipfile`` reads the list in one piece, however long it says it is, before it can be asked how many
    entries there are.
    """

    def __init__(self, file: BinaryIO, shown: str, limits: Limits) -> None:
        self._file, self._shown, self._limits = file, shown, limits
        self._most = max(limits.entries * _DIRECTORY_BYTES_PER_ENTRY, _CHUNK)
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            size = self._most
        if size > self._most:
            raise _too_many(self._shown, self._limits)
        return self._file.read(size)

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        """The file stays open: it is its owner's."""


def _too_many(shown: str, limits: Limits) -> InputError:
    return InputError(
        f"{shown}: more than {limits.entries} entries in this archive.",
        remedy=f"Pack only the pages of one comic, or raise {variable('entries')}.",
    )


def _save_again() -> str:
    return "Save it again in your paint program, or export it as PNG."


def _slashes(name: str) -> str:
    return name.replace("\\", "/")  # as some Windows programs write them


def _check_entry(entry: zipfile.ZipInfo, shown: str) -> None:
    name = _slashes(entry.filename)
    if name.startswith("/") or re.match("[A-Za-z]:", name) or ".." in name.split("/"):
        raise InputError(
            f"{shown}: an entry points outside the archive ({shown_name(entry.filename)}).", remedy=_REPACK
        )
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise InputError(
            f"{shown}: an entry is a link to another file ({shown_name(entry.filename)}).", remedy=_REPACK
        )


def _is_page(name: str) -> bool:
    path = PurePosixPath(_slashes(name))
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return not name.endswith("/") and not hidden and path.suffix.lower() in PICTURE_SUFFIXES


def attribute(element: Any, name: str, default: float) -> float:
    """A number in an XML attribute; the default where it is none."""
    try:
        return float(element.get(name, default))
    except ValueError:
        return default
