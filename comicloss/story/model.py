"""What a story is: its style, who is in it, its pages and what the author says each panel shows."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, Strict

from pages.errors import StoryError
from pages.model import Direction

Kind = Literal["character", "setting", "prop"]
"""What an element is."""


def normal(name: str) -> str:
    """A name in Unicode's composed form: "é" typed on any keyboard is the same letter."""
    return unicodedata.normalize("NFC", name)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, or None. Case does not count."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    found = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A clause for an error message: ``; did you mean "Hero"?``, or what there is, or nothing."""
    words = list(known)
    guess = nearest(word, words)
    if guess is not None:
        return f'; did you mean "{guess}"?'
    return "; there is " + ", ".join(f'"{name}"' for name in words) if words else "; there is none yet"


Name = Annotated[str, AfterValidator(normal)]
"""An element's name; compared in composed form."""

Whole = Annotated[int, Strict()]
Share = Annotated[float, Strict(), Field(ge=0, le=1, allow_inf_nan=False)]
BoxXYWH = tuple[
    Annotated[Whole, Field(ge=0)],
    Annotated[Whole, Field(ge=0)],
    Annotated[Whole, Field(ge=1)],
    Annotated[Whole, Field(ge=1)],
]
"""(x, y, width, height) in pixels of the page; ``pages.model.Box.from_xywh(*box)`` makes a Box of it."""
Color = Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$")]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True)


class Style(_Frozen):
    """How the finished story should look.

    Attributes:
        prompt: the look in words.
        reference: a picture in the wanted look, relative to the story folder.
        strength: 0 (as drawn) to 1 (all of the style).
    """

    prompt: Annotated[str, Field(min_length=1)]
    reference: str | None = None
    strength: Share = 1.0


class Element(_Frozen):
    """Who or what has to stay recognizable: E_i of the Comic Book Loss.

    Attributes:
        name: unique in the story.
        kind: character, setting or prop.
        description: in words, for the reader and for text encoders.
        references: pictures of it, relative to the story folder.
        palette: its colors, "#rrggbb".
    """

    name: Annotated[Name, Field(min_length=1)]
    kind: Kind = "character"
    description: str = ""
    references: tuple[str, ...] = ()
    palette: tuple[Color, ...] = ()


class StoryPanel(_Frozen):
    """One panel, and what the author says is in it.

    Attributes:
        id: "p03-02", unique in the story, kept for good.
        box: (x, y, width, height) in pixels of the page.
        shows: elements that are in the panel; () for none; None while nobody has gone through it.
        unsure: elements about which the author does not want to say.
        beliefs: how probable the author holds an element to be, 0 to 1.
        regions: (x, y, width, height) in pixels of the page around an element.
        direction_prompt: a direction for this panel alone, "night, rain"; ``direction`` in the file.
    """

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
    box: BoxXYWH
    shows: tuple[Name, ...] | None = None
    unsure: tuple[Name, ...] = ()
    beliefs: Mapping[Name, Share] = {}
    regions: Mapping[Name, BoxXYWH] = {}
    direction_prompt: str | None = Field(
        default=None, validation_alias="direction", serialization_alias="direction"
    )

    def prior(self, element: str) -> float | None:
        """p̂ of the element in this panel: 1 shown, 0 not there, between for a belief, None for no term."""
        element = normal(element)
        if element in self.beliefs:
            return self.beliefs[element]
        if self.shows is None or element in self.unsure:
            return None
        return 1.0 if element in self.shows else 0.0

    def with_mark(self, element: str, value: float | None) -> StoryPanel:
        """The panel with one element marked: 1 shown, 0 not there, between a belief, None unsure.

        The element is said once: other mentions of it go, and its region too where it is not there.
        A mark of 1 or 0 counts as going through the panel, so that the elements not named are not there.
        """
        element = normal(element)
        shows = None if self.shows is None else tuple(name for name in self.shows if name != element)
        unsure = tuple(name for name in self.unsure if name != element)
        beliefs = {name: belief for name, belief in self.beliefs.items() if name != element}
        regions = dict(self.regions)
        if value is None:
            unsure = (*unsure, element)
        elif value in (0, 1):
            shows = (*(shows or ()), element) if value else shows or ()
        else:
            beliefs[element] = value
        if value == 0:
            regions.pop(element, None)
        return self.model_copy(
            update={"shows": shows, "unsure": unsure, "beliefs": beliefs, "regions": regions}
        )


class StoryPage(_Frozen):
    """One page of the story.

    Attributes:
        file: the author's page, relative to the story folder.
        flats: a picture with flat color hints for the whole page; its alpha says where they hold.
        panels: in reading order.
    """

    file: Annotated[str, Field(min_length=1)]
    flats: str | None = None
    panels: tuple[StoryPanel, ...] = ()


class Story(_Frozen):
    """Everything the author has said about the comic.

    Attributes:
        title: of the comic.
        direction: reading direction: "ltr", "rtl" or "ttb".
        style: how it should look.
        elements: who and what has to stay recognizable; the order of the columns everywhere.
        pages: in reading order.
        revision: counts the saves.
    """

    title: str
    direction: Direction = "ltr"
    style: Style
    elements: tuple[Element, ...] = ()
    pages: tuple[StoryPage, ...] = ()
    revision: Annotated[Whole, Field(ge=0)] = 0
    # What the file was when it was read, so that a save over somebody else's edit can be refused.
    _read_from: str | None = PrivateAttr(default=None)

    @property
    def panels(self) -> tuple[StoryPanel, ...]:
        """All panels in reading order: the rows everywhere."""
        return tuple(panel for page in self.pages for panel in page.panels)

    @property
    def element_names(self) -> tuple[str, ...]:
        """The names of the elements in order."""
        return tuple(element.name for element in self.elements)

    def panel(self, panel_id: str) -> StoryPanel:
        """The panel of that id.

        Raises:
            StoryError: there is none.
        """
        for panel in self.panels:
            if panel.id == panel_id:
                return panel
        known = [panel.id for panel in self.panels]
        hint = did_you_mean(panel_id, known) if nearest(panel_id, known) or len(known) <= 12 else ""
        raise StoryError(
            f'no panel "{panel_id}"{hint}',
            remedy="`comicloss mark STORY` lists the panels; `comicloss panels STORY` finds new ones.",
        )

    def element(self, name: str) -> Element:
        """The element of that name.

        Raises:
            StoryError: there is none.
        """
        name = normal(name)
        for element in self.elements:
            if element.name == name:
                return element
        raise StoryError(
            f'no element "{name}"{did_you_mean(name, self.element_names)}',
            remedy=f'Add it with `comicloss mark STORY --element "{name}:character"`.',
        )

    def prior(self, panel_id: str, element: str) -> float | None:
        """p̂_ij: 1 shown, 0 not there, between for a belief; None adds no term to the loss.

        Raises:
            StoryError: there is no such panel or element.
        """
        return self.panel(panel_id).prior(self.element(element).name)

    def with_mark(self, panel_id: str, element: str, value: float | None) -> Story:
        """The story with one mark set (see StoryPanel.with_mark).

        Raises:
            StoryError: there is no such panel or element.
        """
        marked = self.panel(panel_id).with_mark(self.element(element).name, value)
        return self.with_panel(marked)

    def with_panel(self, changed: StoryPanel) -> Story:
        """The story with the panel of the same id replaced."""
        pages = tuple(
            page.model_copy(
                update={"panels": tuple(changed if p.id == changed.id else p for p in page.panels)}
            )
            for page in self.pages
        )
        return self.model_copy(update={"pages": pages})
