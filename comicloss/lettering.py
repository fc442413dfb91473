"""Where the lettering of a story's page is, and what of it stays as drawn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from comicloss.story import Story, StoryPage
from comicloss.story.model import Treatment
from pages.layers import lettering_layers
from pages.lettering import Lettering, fill_lettering, find_lettering, lettering_of
from pages.model import Box
from pages.read import load_rgb

Picture = NDArray[np.uint8]
Mask = NDArray[np.bool_]

LETTERS, BALLOON = 255, 128
"""Gray values of a mask picture: white letters on gray balloons on black."""

_LAYERED = (".psd", ".psb", ".ora")
_LIGHTEST_BALLOON, _DARKEST_BALLOON = 192, 64  # what a soft brush leaves at an edge is still one of the three
_INK = 96  # levels away from the paper from which a pixel is all ink


@dataclass(frozen=True)
class Kept:
    """What stays as drawn, as masks of one size.

    Attributes:
        whole: (h, w) bool, pixel for pixel.
        letters: (h, w) bool, where the ink alone stays; the paper around it takes the style.
    """

    whole: Mask
    letters: Mask

    @property
    def any(self) -> Mask:
        """(h, w) bool, either of the two."""
        return self.whole | self.letters


@dataclass(frozen=True)
class LetteringPlan:
    """What is known about the lettering of one page before it is looked for.

    Attributes:
        treatment: what becomes of it.
        items: boxes in pixels of the page with a treatment of their own.
        told: text and balloons, each (H, W) bool in the size of the page, as the author has painted them or
            the layers of the file have them; None where they have to be found.
    """

    treatment: Treatment = "keep"
    items: tuple[tuple[Box, Treatment], ...] = ()
    told: tuple[Mask, Mask] | None = None

    def masks(self, picture: Picture) -> tuple[Mask, Mask]:
        """Text, and balloons with their text: (h, w) bool each, for the page at any size, (h, w, 3) uint8."""
        if self.told is None:
            found = find_lettering(picture)
            return found.text, found.balloons | found.text
        height, width = picture.shape[:2]
        text, balloons = (_at_size(mask, width, height) for mask in self.told)
        return text, balloons | text

    def kept(self, text: Mask, balloons: Mask, scale: float) -> Kept:
        """What stays as drawn, by the treatments.

        An item's treatment holds for each connected part that lies mostly in its box; where there is none,
        for all of the box. Of a balloon in which no letters were found all ink is taken for letters.

        Args:
            text: (h, w) bool, where letters are.
            balloons: (h, w) bool, balloons with their text.
            scale: of the masks' pixels to the page's.
        """
        labels, count = ndimage.label(balloons, np.ones((3, 3), np.bool_))
        sizes = np.bincount(labels.ravel(), minlength=count + 1)
        treats: NDArray[np.object_] = np.full(count + 1, self.treatment, dtype=object)
        treats[0] = "restyle"
        boxes = {"keep": np.zeros_like(text), "letters": np.zeros_like(text)}
        for box, treat in self.items:
            corners = (box.left, box.top, box.right, box.bottom)
            left, top, right, bottom = (round(corner * scale) for corner in corners)
            window = np.s_[top : max(bottom, top + 1), left : max(right, left + 1)]
            inside = np.bincount(labels[window].ravel(), minlength=count + 1)
            mostly = np.flatnonzero(2 * inside[1:] >= sizes[1:]) + 1
            treats[mostly] = treat
            if not mostly.size and treat != "restyle":
                boxes[treat][window] = True
        lettered = np.bincount(labels[text], minlength=count + 1) > 0
        of_letters = (treats == "letters")[labels] & (text | ~lettered[labels])
        whole = (treats == "keep")[labels] | boxes["keep"]
        return Kept(whole, (of_letters | boxes["letters"]) & ~whole)


KEEP_ALL = LetteringPlan()
"""All lettering is looked for and stays as drawn."""


def lettering_plan(story: Story, page: StoryPage, folder: Path) -> LetteringPlan:
    """What story.toml and the page's own layers say about its lettering.

    Raises:
        InputError: the mask picture or the page cannot be read.
    """
    treatment = story.treatment(page)
    items = tuple((Box.from_xywh(*item.box), item.treat) for item in page.lettering_items)
    told = None
    if page.lettering_mask is not None:
        told = read_mask(folder / page.lettering_mask)
    elif Path(page.file).suffix in _LAYERED:
        told = lettering_layers(folder / page.file)
    return LetteringPlan(treatment, items, told)


def page_lettering(story: Story, page: StoryPage, folder: Path, picture: Picture) -> Lettering:
    """Where the lettering of a page is: painted by the author, by its layers, or found.

    Args:
        story: of the page.
        page: whose lettering it is.
        folder: of the story.
        picture: the page, (H, W, 3) uint8.

    Raises:
        InputError: the mask picture or the page cannot be read.
    """
    plan = lettering_plan(story, page, folder)
    if plan.told is None:
        return find_lettering(picture)
    return lettering_of(*plan.masks(picture))


def read_mask(path: Path) -> tuple[Mask, Mask]:
    """Text and balloons, (H, W) bool each, of a mask picture: white letters, gray balloons, black elsewhere.

    Raises:
        InputError: it cannot be read.
    """
    gray = load_rgb(path).mean(axis=2)
    return gray >= _LIGHTEST_BALLOON, gray >= _DARKEST_BALLOON


def mask_picture(text: Mask, balloons: Mask) -> Picture:
    """Text and balloons as a picture to paint on, (H, W, 3) uint8; ``read_mask`` reads it back."""
    gray = np.where(text, LETTERS, np.where(balloons, BALLOON, 0)).astype(np.uint8)
    return np.repeat(gray[..., None], 3, axis=2)


def ink(picture: Picture, mask: Mask) -> NDArray[np.float32]:
    """How much of each pixel is ink on the paper of the mask's part it is in: (H, W) in [0, 1], 0 elsewhere.

    Args:
        picture: (H, W, 3) uint8.
        mask: (H, W) bool, around letters.
    """
    paper = fill_lettering(picture, mask)
    apart = np.abs(picture.astype(np.int16) - paper).max(axis=2)
    return np.where(mask, (apart / np.float32(_INK)).clip(0, 1), 0).astype(np.float32)


def _at_size(mask: Mask, width: int, height: int) -> Mask:
    """A mask at another size: a pixel is set if half of it is."""
    if mask.shape == (height, width):
        return mask
    image = Image.fromarray(mask.astype(np.uint8) * 255)
    return np.asarray(image.resize((width, height), Image.Resampling.BOX)) > 127
