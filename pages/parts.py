"""The pages in a file: listed at little cost, then taken out one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pages.limits import LIMITS, Limits
from pages.worker import ask

DEFAULT_DPI = 300.0
"""At which a page of a PDF is rendered, unless it is nothing but one picture."""


@dataclass(frozen=True)
class PageFile:
    """A page as a picture file of its own, to be kept.

    Attributes:
        content: the file's bytes. Of a plain picture and of a picture in a CBZ: the original's, unchanged.
            Of a page in a multi-page TIFF: a PNG, or a TIFF where PNG cannot hold it, with depth, profile and
            dpi. Of a PDF: the embedded JPEG, unchanged (a profile that only the PDF has is added to it), or a
            PNG (16 bits: a TIFF) of the embedded picture, or of the page.
        suffix: that fits the content, ".png" and the like.
        label: for a person: the file's name, "page 3", or the name in the archive.
        dpi: dots per inch, as the file or the PDF page says; None if nothing does.
    """

    content: bytes = field(repr=False)
    suffix: str
    label: str
    dpi: float | None


@dataclass(frozen=True)
class PagePart:
    """One page of a file, not read yet.

    Attributes:
        path: the file.
        place: in the file, from 0.
        label: as in ``PageFile``.
        dpi: at which it is rendered, if it is.
        limits: for reading it.
    """

    path: Path
    place: int
    label: str
    dpi: float = DEFAULT_DPI
    limits: Limits = field(default=LIMITS, repr=False)

    def read(self) -> PageFile:
        """The page as a file; it is decoded once, so that a damaged one is refused here.

        Raises:
            InputError: it is damaged, too large, or locked.
            ResourceError: the file may not be read.
        """
        answer = ask("part", self.path, self.limits, place=self.place, dpi=self.dpi)
        [content] = answer.blobs
        assert isinstance(content, bytes)
        return PageFile(content, answer.values["suffix"], self.label, answer.values["dpi"])


def pages_in(path: Path, *, dpi: float = DEFAULT_DPI, limits: Limits = LIMITS) -> Sequence[PagePart]:
    """The pages in a file: of a PDF, a CBZ or a multi-page TIFF many, of any other picture one.

    Nothing is unpacked yet: a page that is damaged tells so when it is read.

    Args:
        path: the file; its content decides what it is.
        dpi: at which a page of a PDF is rendered that is more than one picture.
        limits: for listing and reading.

    Raises:
        InputError: there is no such file, it is nothing that can be read, or there is no page in it.
        ResourceError: the file may not be read.
    """
    labels = ask("listing", path, limits).values["labels"]
    return [PagePart(path, place, label, dpi, limits) for place, label in enumerate(labels)]
