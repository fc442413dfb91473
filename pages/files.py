"""Files that are either whole or not there: written aside, synced, then renamed into place."""

from __future__ import annotations

import errno
import itertools
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import psutil

from pages.errors import ResourceError

_COUNTER = itertools.count()
_PARTIAL = re.compile(r"\.comicloss-(\d+)-\d+\.partial")
_REMEDIES = {
    errno.ENOSPC: "Free some space on that disk, or choose another folder.",
    errno.EDQUOT: "Your quota on that disk is used up: free some space, or choose another folder.",
    errno.EACCES: "Change the permissions, or choose another folder.",
    errno.EPERM: "Change the permissions, or choose another folder.",
    errno.EROFS: "That disk is read-only: choose another folder.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.EMFILE: "Close some programs, or raise the limit on open files (ulimit -n).",
    errno.ENOENT: "Check that the path is right.",
    errno.ENOTDIR: "A part of the path is a file, not a folder: choose another path.",
    errno.EISDIR: "This is a folder, and a file is wanted: choose another path.",
    errno.EEXIST: "Something else of that name is there: choose another path.",
}


@contextmanager
def os_errors(path: Path, *, needed: int | None = None) -> Iterator[None]:
    """Turn what the operating system refuses into a message for a person.

    Args:
        path: what is being read or written; named in the message unless the error knows better.
        needed: bytes about to be written, told when the disk is full.

    Raises:
        ResourceError: for every OSError that carries an error number.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None:  # raised by a library about the content of a file, not by the system
            raise
        where = error.filename if isinstance(error.filename, str) else path
        if isinstance(where, str) and _PARTIAL.search(where):
            where = path
        problem = f"{where}: {os.strerror(error.errno)}"
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            problem += _room(path, needed)
        remedy = _REMEDIES.get(error.errno, "Check the disk and the path, then try again.")
        raise ResourceError(f"{problem}.", remedy=remedy) from error


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file so that at every moment either the old or the whole new content is there.

    Missing parent folders are made. A symbolic link is followed, not replaced.

    Raises:
        ResourceError: the disk is full, the folder is read-only and the like; ``path`` is as it was.
    """
    with atomic_file(path, needed=len(data)) as file:
        file.write(data)


@contextmanager
def atomic_file(path: Path, *, needed: int | None = None) -> Iterator[BinaryIO]:
    """A binary file to write to, which becomes ``path`` when the block ends well and vanishes otherwise.

    Raises:
        ResourceError: as for ``write_atomic``.
    """
    with os_errors(path, needed=needed):
        target = Path(os.path.realpath(path))
        partial = _partial_beside(target)
        try:
            with partial.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            partial.replace(target)
            _sync_folder(target.parent)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def replaces_folder(path: Path) -> Iterator[Path]:
    """An empty folder to fill, which becomes ``path`` when the block ends well and vanishes otherwise.

    All its files are synced first. A folder already at ``path`` is moved aside and removed last; should the
    machine stop in between, the next call puts it back.

    Raises:
        ResourceError: as for ``write_atomic``; also for an OSError inside the block.
    """
    with os_errors(path):
        target = Path(os.path.realpath(path))
        aside = target.with_name(f".{target.name}.aside")
        if aside.exists() and not target.exists():
            aside.replace(target)
        partial = _partial_beside(target)
        try:
            partial.mkdir()
            yield partial
            _sync_tree(partial)
            shutil.rmtree(aside, ignore_errors=True)
            if target.exists():
                target.replace(aside)
            partial.replace(target)
            _sync_folder(target.parent)
            shutil.rmtree(aside, ignore_errors=True)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def _partial_beside(target: Path) -> Path:
    """A fresh name in the target's folder, which is made, and rid of what killed processes left there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(".comicloss-*.partial"):
        match = _PARTIAL.fullmatch(left.name)
        if match and not psutil.pid_exists(int(match[1])):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)
    return target.with_name(f".comicloss-{os.getpid()}-{next(_COUNTER)}.partial")


def _sync_tree(folder: Path) -> None:
    for root, _, names in os.walk(folder):
        for name in names:
            with Path(root, name).open("rb+") as file:
                os.fsync(file.fileno())
        _sync_folder(Path(root))


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # Windows has no handle to a folder's entries
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _room(path: Path, needed: int | None) -> str:
    folder = path.absolute()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    wanted = f"{needed / 1e6:.1f} MB needed, " if needed is not None else ""
    return f" ({wanted}{free / 1e6:.1f} MB free)"
