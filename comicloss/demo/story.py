"""What is true of the demo's pages: the elements, the panels, and who is in which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from comicloss.demo.dragon import DRAGON_COLORS
from comicloss.demo.people import HERO_COLORS, PRINCESS_COLORS
from comicloss.demo.places import CASTLE_COLORS, HOME_COLORS
from comicloss.demo.strokes import Color

HERO, PRINCESS, DRAGON = "Hero", "Princess", "Dragon"
HOME, CASTLE = "Hero's home", "Princess' castle"


@dataclass(frozen=True)
class DemoElement:
    """One element of the story.

    Attributes:
        name: as the marks have it.
        kind: "character" or "setting".
        description: in a few words.
        palette: its colours, (red, green, blue) each.
    """

    name: str
    kind: Literal["character", "setting"]
    description: str
    palette: tuple[Color, ...]


@dataclass(frozen=True)
class DemoPanel:
    """One panel: its box [x, y, width, height] in pixels, frame included, and the names of whom it shows."""

    box: tuple[int, int, int, int]
    shows: tuple[str, ...]


@dataclass(frozen=True)
class DemoPage:
    """One page, its panels in reading order (left to right)."""

    panels: tuple[DemoPanel, ...]


@dataclass(frozen=True)
class DemoStory:
    """The whole story."""

    title: str
    elements: tuple[DemoElement, ...]
    pages: tuple[DemoPage, ...]


DEMO_STORY = DemoStory(
    title="A Spoon for a Sword",
    elements=(
        DemoElement(
            HERO,
            "character",
            "a child with messy dark hair, a green tunic and a red cape",
            tuple(HERO_COLORS.values()),
        ),
        DemoElement(
            PRINCESS,
            "character",
            "a girl with long copper hair, a gold crown and a violet dress",
            tuple(PRINCESS_COLORS.values()),
        ),
        DemoElement(
            DRAGON,
            "character",
            "a big teal dragon with orange wings, spikes and cream horns",
            tuple(DRAGON_COLORS.values()),
        ),
        DemoElement(
            HOME,
            "setting",
            "a crooked cottage with a red roof, a chimney and a round green door",
            tuple(HOME_COLORS.values()),
        ),
        DemoElement(
            CASTLE,
            "setting",
            "a gray stone castle, its towers with blue roofs and golden flags",
            tuple(CASTLE_COLORS.values()),
        ),
    ),
    pages=(
        DemoPage(
            (
                DemoPanel((40, 40, 920, 424), (HOME,)),
                DemoPanel((40, 488, 448, 440), (PRINCESS, DRAGON, CASTLE)),
                DemoPanel((512, 488, 448, 440), (HERO,)),
                DemoPanel((40, 952, 920, 408), (HERO, HOME)),
            )
        ),
        DemoPage(
            (
                DemoPanel((40, 40, 440, 1320), (HERO, CASTLE)),
                DemoPanel((504, 40, 456, 600), (DRAGON,)),
                DemoPanel((504, 664, 456, 696), (HERO, DRAGON)),
            )
        ),
        DemoPage(
            (
                DemoPanel((40, 40, 920, 388), (PRINCESS, DRAGON, CASTLE)),
                DemoPanel((40, 452, 404, 352), (HERO,)),
                DemoPanel((468, 452, 492, 352), (DRAGON,)),
                DemoPanel((40, 828, 920, 532), (HERO, PRINCESS, DRAGON, HOME)),
            )
        ),
    ),
)
