"""What a page is: a file with panels on it. Plain values; nothing here reads or writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Direction = Literal["ltr", "rtl", "ttb"]
"""Reading direction: left to right, right to left (manga), top to bottom (webtoon)."""

Treatment = Literal["keep", "letters", "restyle"]
"""What becomes of lettering: ``keep`` leaves letters and balloons as drawn, pixel for pixel; ``letters``
keeps the letters and lets the balloon take the style; ``restyle`` stylizes all of it."""


@dataclass(frozen=True, order=True)
class Box:
    """A rectangle in pixels, XYXY, half-open: left <= x < right, top <= y < bottom."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return self.bottom - self.top

    @property
    def xywh(self) -> tuple[int, int, int, int]:
        """(x, y, width, height), as story.toml and JSON write a box."""
        return self.left, self.top, self.width, self.height

    @classmethod
    def from_xywh(cls, x: int, y: int, width: int, height: int) -> Box:
        """The box whose corner is (x, y)."""
        return cls(x, y, x + width, y + height)


@dataclass(frozen=True)
class FoundPanel:
    """A panel as the detector sees it, before it has an id.

    Attributes:
        box: in pixels of the page.
        polygon: corner points (x, y) in pixels of the page where the panel is no upright rectangle.
        confidence: in [0, 1]; below ``LOOK_AT_THIS`` a person should look at the page.
    """

    box: Box
    polygon: tuple[tuple[int, int], ...] | None = None
    confidence: float = 1.0


LOOK_AT_THIS = 0.65
"""The confidence below which a person should look at a page's panels."""


@dataclass(frozen=True)
class Page:
    """One page.

    Attributes:
        number: from 1, in reading order.
        path: the picture file; never modified.
        size: (width, height) in pixels, after EXIF orientation.
        dpi: dots per inch where the file says so.
    """

    number: int
    path: Path
    size: tuple[int, int]
    dpi: float | None = None
