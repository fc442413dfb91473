"""Pages into the story: copied, straightened if they are photographs, replaced if they were redrawn."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath

from comicloss.panels import carried_over
from comicloss.story import Story, StoryPage, load_story, save_story
from comicloss.workplace import file_digest
from pages.errors import UsageError
from pages.export import write_png
from pages.files import os_errors, write_atomic
from pages.parts import DEFAULT_DPI, PageFile, PagePart, pages_in
from pages.photograph import looks_photographed, straighten
from pages.progress import Progress, Stop, stop_here
from pages.read import load_rgb, picture_files, picture_size

ART = "art"
REPLACED = "art/replaced"


@dataclass(frozen=True)
class AddedPage:
    """A page that was taken into the story.

    Attributes:
        file: where it is now, relative to the story folder.
        replaced: where the picture is now that it took the place of; None for a new page.
        looks_photographed: whether straightening it is worth a try.
    """

    file: str
    replaced: str | None = None
    looks_photographed: bool = False


@dataclass(frozen=True)
class AddSettings:
    """How pages are taken.

    Attributes:
        replace: the page, "p03" or "3", whose picture the one that is added takes the place of.
        photograph: straighten the sheet, and keep the photograph beside it.
        drop_ruling: take ruled or squared paper's lines out of the photograph too.
        dpi: at which pages of a PDF are rendered that are more than one picture.
        keep_source: note where a page came from, so that it can be added again after a change.
    """

    replace: str | None = None
    photograph: bool = False
    drop_ruling: bool = False
    dpi: float = DEFAULT_DPI
    keep_source: bool = True


def add_pages(
    folder: Path, paths: Sequence[Path], settings: AddSettings, *, progress: Progress, stop: Stop
) -> list[AddedPage]:
    """Copy pages into ``art/`` and name them in the story; a page that is there already is left out.

    A page that comes from where a page of the story came from, or is to replace one, and has another content,
    takes its place: panels, their ids and marks stay, and the former picture is kept in ``art/replaced``.
    Pages taken before an error or a stop are kept.

    Raises:
        InputError: a file is nothing that can be read, or a page in it is damaged.
        StoryError: there is no page to be replaced.
        UsageError: several pages for one that is to be replaced.
    """
    story = load_story(folder)
    place = None if settings.replace is None else story.page_number(settings.replace)
    kept = [file for page in story.pages for file in (page.file, page.photograph) if file]
    digests = {file: file_digest(folder / file) for file in kept}
    added: list[AddedPage] = []
    files = picture_files(paths)
    done = 0
    for file_number, path in enumerate(files, 1):
        stop_here(stop, "Adding pages")
        parts = pages_in(path, dpi=settings.dpi)
        if place is not None and (len(files) > 1 or len(parts) > 1):
            raise UsageError(
                f"{settings.replace} can be replaced by one page, not by several.",
                remedy="Name one picture, or take the page out of a larger file first.",
            )
        for part in parts:
            stop_here(stop, "Adding pages")
            source = _source(folder, part, several=len(parts) > 1) if settings.keep_source else None
            story, taken = _take(story, folder, part.read(), place, source, settings, digests)
            added += [] if taken is None else [taken]
            done += 1
            left = len(parts) - part.place - 1 + len(files) - file_number
            progress(done, done + left, "adding pages")
    return added


def _take(
    story: Story,
    folder: Path,
    page: PageFile,
    place: int | None,
    source: str | None,
    settings: AddSettings,
    digests: dict[str, str],
) -> tuple[Story, AddedPage | None]:
    """Take one page; None if it is in the story already.

    Args:
        place: of the page to be replaced.
        digests: SHA-256 of all that the story has; kept up to date.
    """
    content = sha256(page.content).hexdigest()
    for number, known in enumerate(story.pages):
        if known.photograph is not None and digests[known.photograph] == content:
            return story, None
        if digests[known.file] == content:
            if not settings.photograph or place not in (None, number):
                return story, None
            place = number  # the photograph was taken as it is, and is to be straightened now
    if place is None and source is not None:
        sources = [known.source for known in story.pages]
        place = sources.index(source) if source in sources else None
    former = None if place is None else story.pages[place]
    stem = _free_stem(story, folder, former)
    written = _write(folder, stem, page, settings)
    try:
        picture, photograph = written[0], written[1] if len(written) > 1 else None
        if former is None:
            new = StoryPage(file=picture, source=source, photograph=photograph)
            story = save_story(story.model_copy(update={"pages": (*story.pages, new)}), folder)
        else:
            sizes = [picture_size(folder / file) for file in (former.file, picture)]
            new = carried_over(folder, former, picture, *sizes)
            told = {"source": source or former.source, "photograph": photograph}
            story = save_story(story.with_page(place or 0, new.model_copy(update=told)), folder)
    except BaseException:
        for file in written:
            (folder / file).unlink(missing_ok=True)
        raise
    replaced = None if former is None else _set_aside(folder, former)
    offered = not settings.photograph and looks_photographed(load_rgb(folder / picture))
    digests |= {file: file_digest(folder / file) for file in written}
    return story, AddedPage(picture, replaced, offered)


def _write(folder: Path, stem: str, page: PageFile, settings: AddSettings) -> list[str]:
    """The files of a page, relative to the folder: the page itself, then the photograph if it is from one."""
    picture = f"{ART}/{stem}{page.suffix}"
    if not settings.photograph:
        write_atomic(folder / picture, page.content)
        return [picture]
    picture, photograph = f"{ART}/{stem}.png", f"{ART}/{stem}-photograph{page.suffix}"
    write_atomic(folder / photograph, page.content)
    try:
        straight = straighten(load_rgb(folder / photograph), drop_ruling=settings.drop_ruling)
        write_png(folder / picture, straight.picture, dpi=page.dpi)
    except BaseException:
        (folder / photograph).unlink(missing_ok=True)
        raise
    return [picture, photograph]


def _source(folder: Path, part: PagePart, *, several: bool) -> str:
    """Where a page comes from, seen from the story folder; the number of a page in a larger file behind #."""
    path = part.path.resolve()
    try:
        relative = os.path.relpath(path, folder.resolve())
    except ValueError:  # on another drive
        relative = str(path)
    name = Path(relative).as_posix() + (f"#{part.place + 1}" if several else "")
    return name.encode("utf-8", "replace").decode()


def _free_stem(story: Story, folder: Path, former: StoryPage | None) -> str:
    """A name for a page that nothing in ``art/`` has: p04, or p03-2 for the second picture of p03."""
    art = folder / ART
    taken = {PurePosixPath(page.file).stem for page in story.pages}
    with os_errors(art):
        taken |= {file.stem for file in art.iterdir()} if art.is_dir() else set()
    if former is None:
        number = len(story.pages) + 1
        while f"p{number:02d}" in taken:
            number += 1
        return f"p{number:02d}"
    base = re.sub(r"-\d+$", "", PurePosixPath(former.file).stem)
    version = 2
    while f"{base}-{version}" in taken:
        version += 1
    return f"{base}-{version}"


def _set_aside(folder: Path, former: StoryPage) -> str:
    """Move the pictures of a page that was replaced out of the way, and say where the page itself is."""
    kept = []
    for file in filter(None, (former.file, former.photograph)):
        old = folder / file
        target, number = folder / REPLACED / old.name, 2
        with os_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            while target.exists():
                target, number = target.with_name(f"{old.stem}-{number}{old.suffix}"), number + 1
            old.rename(target)
        kept.append(target.relative_to(folder).as_posix())
    return kept[0]
