"""How large, how many, how long: the bounds within which strangers' files are read."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields

from pages.errors import UsageError

_PREFIX = "COMICLOSS_MAX_"


@dataclass(frozen=True)
class Limits:
    """What reading one file may cost. Above a limit the file is refused with a message.

    Every field can be set for the whole program by an environment variable, COMICLOSS_MAX_ and its name in
    capitals (COMICLOSS_MAX_PIXELS=300000000); functions that read take another value as ``limits``.

    Attributes:
        pixels: of one picture, or one rendered page.
        file_bytes: of one file that is opened.
        member_bytes: of one picture inside an archive, unpacked.
        total_bytes: of all the pictures of an archive, unpacked.
        entries: in an archive, pictures or not.
        pages: of one PDF, archive or multi-page TIFF.
        seconds: for reading one page.
        memory: bytes that reading one page may take.
    """

    pixels: int = 100_000_000
    file_bytes: int = 4 * 1024**3
    member_bytes: int = 512 * 1024**2
    total_bytes: int = 32 * 1024**3
    entries: int = 10_000
    pages: int = 2_000
    seconds: int = 60
    memory: int = 2 * 1024**3


def variable(name: str) -> str:
    """The environment variable that sets a limit; for messages."""
    return f"{_PREFIX}{name.upper()}"


def limits_from_environment() -> Limits:
    """The default limits, as the environment variables change them.

    Raises:
        UsageError: a variable is no whole number above 0.
    """
    given = {}
    for field in fields(Limits):
        text = os.environ.get(variable(field.name))
        if text is None:
            continue
        if not text.isascii() or not text.isdigit() or len(text) > 18 or not int(text):
            raise UsageError(
                f"{variable(field.name)} is {text!r}.",
                remedy="Set it to a whole number above 0, or remove it.",
            )
        given[field.name] = int(text)
    return Limits(**given)


LIMITS = limits_from_environment()
"""The limits that hold where no others are given."""
