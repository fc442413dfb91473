"""The story folder as a place of work: one process at a time, and records of what each output was made from.

A stage writes beside its output a record of its inputs (hashes of files, the parts of the story that matter,
settings). An output is stale when the inputs are others than those recorded.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pages.errors import InputError, ResourceError
from pages.files import os_errors, write_atomic

CACHE = ".cache"
_LOCK = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from working in the story folder. The lock goes with the process, even if killed.

    Raises:
        ResourceError: another process is at work there, or the folder cannot be written.
    """
    with os_errors(folder):
        lock = FileLock(folder / _LOCK, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise ResourceError(
                f"{folder}: another comicloss is at work in this story.",
                remedy="Wait until it has finished, or stop it.",
            ) from None
    try:
        yield
    finally:
        lock.release()


def digest(value: Any) -> str:
    """SHA-256 of a JSON value, the same for the same content."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file.

    Raises:
        InputError: it is not there.
        ResourceError: it cannot be read.
    """
    with os_errors(path):
        try:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise InputError(
                f"{path}: there is no such file.", remedy="Put it back, or take it out of story.toml."
            ) from None


def read_record(path: Path) -> dict[str, Any]:
    """A record written by ``write_record``; {} when there is none or it is damaged."""
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Write a record of JSON values.

    Raises:
        ResourceError: it cannot be written.
    """
    write_atomic(path, json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False).encode())
