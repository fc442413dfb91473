"""What a story is: its style, who is in it, its pages and what the author says each panel shows."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, Strict

from pages.errors import StoryError
from pages.model import Direction, Treatment

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
Point = tuple[Annotated[Whole, Field(ge=0)], Annotated[Whole, Field(ge=0)]]
"""(x, y) in pixels of the page."""
Color = Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$")]
Positive = Annotated[float, Strict(), Field(gt=0, allow_inf_nan=False)]
Millimeters = Annotated[float, Strict(), Field(ge=0, allow_inf_nan=False)]

PageType = Literal[
    "FrontCover", "InnerCover", "Story", "Editorial", "Letters", "Preview", "BackCover", "Other"
]
"""What a page is to a reader program: names of ComicInfo.xml."""


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
        classifier: folder of trained classifiers, relative to the story folder, that it is taken from by its
            name; None where it is trained here, or the story's ``classifier`` knows it.
    """

    name: Annotated[Name, Field(min_length=1)]
    kind: Kind = "character"
    description: str = ""
    references: tuple[str, ...] = ()
    palette: tuple[Color, ...] = ()
    classifier: Annotated[str, Field(min_length=1)] | None = None


class Credits(_Frozen):
    """Who made the comic, each a name or several with commas between."""

    writer: str = ""
    penciller: str = ""
    inker: str = ""
    colorist: str = ""
    letterer: str = ""
    cover_artist: str = ""
    editor: str = ""
    publisher: str = ""


class Print(_Frozen):
    """How the comic is printed.

    Attributes:
        dpi: dots per inch; None for what each page's file says, or else 300.
        bleed_mm: how much of the pages' edges is cut off, in millimeters.
        trim_mm: (width, height) of a cut page in millimeters; None for what dpi and bleed come to.
    """

    dpi: Positive | None = None
    bleed_mm: Millimeters = 0.0
    trim_mm: tuple[Positive, Positive] | None = None


class Webtoon(_Frozen):
    """Slices for scrolling.

    Attributes:
        width: of a slice in pixels.
        height: the most that a slice is high, in pixels.
    """

    width: Annotated[Whole, Field(ge=1)] = 800
    height: Annotated[Whole, Field(ge=1)] = 1280


class LetteringItem(_Frozen):
    """One balloon, caption or sound effect that is treated in its own way.

    Attributes:
        box: (x, y, width, height) in pixels of the page around it.
        treat: what becomes of the lettering that lies mostly in the box, or of all of the box where no
            lettering was found in it.
    """

    box: BoxXYWH
    treat: Treatment


class StoryPanel(_Frozen):
    """One panel, and what the author says is in it.

    Attributes:
        id: "p03-02", unique in the story, kept for good.
        box: (x, y, width, height) in pixels of the page.
        polygon: corner points where the panel is no upright rectangle; the box is what they span.
        confidence: how sure the detection was, 0 to 1; None for a panel that a person has set.
        by: "author" where the author has set, corrected or confirmed the panel: detection leaves it alone.
        shows: elements that are in the panel; () for none; None while nobody has gone through it.
        unsure: elements about which the author does not want to say.
        beliefs: how probable the author holds an element to be, 0 to 1.
        regions: (x, y, width, height) in pixels of the page around an element.
        direction_prompt: a direction for this panel alone, "night, rain"; ``direction`` in the file.
    """

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
    box: BoxXYWH
    polygon: Annotated[tuple[Point, ...], Field(min_length=3)] | None = None
    confidence: Share | None = None
    by: Literal["author"] | None = None
    shows: tuple[Name, ...] | None = None
    unsure: tuple[Name, ...] = ()
    beliefs: Mapping[Name, Share] = {}
    regions: Mapping[Name, BoxXYWH] = {}
    direction_prompt: str | None = Field(
        default=None, validation_alias="direction", serialization_alias="direction"
    )

    @property
    def marked(self) -> bool:
        """Whether the author has said anything about what is in the panel."""
        said = (self.shows is not None, self.unsure, self.beliefs, self.regions, self.direction_prompt)
        return any(said)

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
        source: where it was copied from, relative to the story folder, or as "../book.cbz#3" for a part.
        photograph: the untouched photograph that the page was straightened from.
        type: what the page is to a reader program; None for an ordinary page.
        flats: a picture with flat color hints for the whole page; its alpha says where they hold.
        lettering: what becomes of this page's lettering; None for what the story says.
        lettering_mask: a picture in which the author has painted where lettering is: white for letters, gray
            for the balloons around them, black for none.
        lettering_items: single balloons that are treated in their own way.
        panels: in reading order.
    """

    file: Annotated[str, Field(min_length=1)]
    source: str | None = None
    photograph: str | None = None
    type: PageType | None = None
    flats: str | None = None
    lettering: Treatment | None = None
    lettering_mask: str | None = None
    lettering_items: tuple[LetteringItem, ...] = ()
    panels: tuple[StoryPanel, ...] = ()


class Story(_Frozen):
    """Everything the author has said about the comic.

    Attributes:
        title: of the comic.
        series: that it belongs to; "" if it stands alone.
        number: in the series, "1".
        summary: what it is about.
        language: of the lettering, "en" or "pt-BR".
        direction: reading direction: "ltr", "rtl" or "ttb".
        lettering: what becomes of lettering, unless a page says otherwise.
        style: how it should look.
        credits: who made it.
        print: how it is printed.
        webtoon: how it is sliced for scrolling.
        classifier: folder of trained classifiers, relative to the story folder, from which all elements are
            taken that it knows by name; the others are trained here.
        elements: who and what has to stay recognizable; the order of the columns everywhere.
        pages: in reading order.
        revision: counts the saves.
    """

    title: str
    series: str = ""
    number: str = ""
    summary: str = ""
    language: Annotated[str, Field(pattern=r"^([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*)?$")] = ""
    direction: Direction = "ltr"
    lettering: Treatment = "keep"
    style: Style
    credits: Credits = Credits()
    print: Print = Print()
    webtoon: Webtoon = Webtoon()
    classifier: Annotated[str, Field(min_length=1)] | None = None
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

    def treatment(self, page: StoryPage) -> Treatment:
        """What becomes of the lettering of one of its pages."""
        return page.lettering or self.lettering

    def page_number(self, name: str) -> int:
        """The place, from 0, of the page that a person calls "p03" or "3".

        Raises:
            StoryError: there is none.
        """
        stems = [PurePosixPath(page.file).stem for page in self.pages]
        if name in stems:
            return stems.index(name)
        digits = name.removeprefix("p")
        if digits.isdecimal() and 1 <= int(digits) <= len(stems):
            return int(digits) - 1
        raise StoryError(
            f'no page "{name}"; the story has {len(stems)}',
            remedy="Call a page p03, or 3: the third in story.toml.",
        )

    def with_page(self, number: int, changed: StoryPage) -> Story:
        """The story with one page, counted from 0, replaced."""
        pages = (*self.pages[:number], changed, *self.pages[number + 1 :])
        return self.model_copy(update={"pages": pages})

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
