"""Pages -> a comic archive that readers open anywhere, with what it is and where its panels are."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

from pages.export.comic_info import ComicInfo, comic_info_xml
from pages.export.guided import GuidedPage, acbf_xml, guided_json
from pages.files import atomic_file, os_errors

_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same pages give the same archive, byte for byte
_UNIX = 3


def write_cbz(
    path: Path, page_files: Sequence[Path], info: ComicInfo, guided: Sequence[GuidedPage] = ()
) -> None:
    """Write pages as a CBZ: the files as they are, in this order, with sidecars at the root.

    There is always a ComicInfo.xml (2.0); with ``guided`` also the panels, as ACBF 1.1 (``comic.acbf``) and
    as Readium guided navigation (``guided.json``). Nothing is compressed, and one file is read at a time.

    Args:
        path: the file; replaced as a whole or not at all.
        page_files: in reading order.
        info: what the comic is.
        guided: one for each page, or nothing.

    Raises:
        InputError: a page cannot be read.
        ResourceError: the file cannot be written.
        ValueError: ``guided`` has not as many pages as there are files.
    """
    digits = max(3, len(str(len(page_files))))
    names = [f"page-{place:0{digits}}{file.suffix.lower()}" for place, file in enumerate(page_files, 1)]
    sidecars = {"ComicInfo.xml": comic_info_xml(page_files, info)}
    if guided:
        sidecars["comic.acbf"] = acbf_xml(names, guided, info)
        sidecars["guided.json"] = guided_json(names, guided, info)
    with atomic_file(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, content in sidecars.items():
            archive.writestr(stored(name), content)
        for name, page_file in zip(names, page_files, strict=True):
            entry = stored(name)
            with os_errors(page_file), page_file.open("rb") as page:
                entry.file_size = page_file.stat().st_size
                with archive.open(entry, "w") as target:
                    shutil.copyfileobj(page, target)


def stored(name: str) -> zipfile.ZipInfo:
    """An entry that is not compressed and is the same on every machine and day."""
    entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
    entry.create_system = _UNIX
    entry.external_attr = 0o644 << 16
    return entry
