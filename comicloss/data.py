"""Story -> panels for the fine-tune.

Everything is brought to one *working scale* first, so that stroke width, screens and grain are the same for
any scan of a page: a page is ``WORKING_HEIGHT`` pixels high there, whatever its resolution.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from comicloss.lettering import page_kept
from comicloss.story import Story, StoryPage, StoryPanel
from pages.compose import covered
from pages.filling import fill_lettering
from pages.keeping import Kept
from pages.model import Box
from pages.progress import Progress, Stop, never, silent, stop_here
from pages.read import load_rgb

WORKING_HEIGHT = 1400
"""Rows of a page at the working scale."""

_STRIP = 2.2
"""A page this many times as high as wide is a strip to scroll through: its width counts, not its height."""
_PAGE_SHAPE = 1.4
"""Height over width of an ordinary page."""
Picture = NDArray[np.uint8]
"""(H, W, 3) uint8 sRGB."""


def working_scale(width: int, height: int) -> float:
    """Working pixels per pixel of a page of this size. A strip is taken as ordinary pages in a row."""
    return WORKING_HEIGHT / (width * _PAGE_SHAPE if height > _STRIP * width else height)


def resized(picture: NDArray[Any], width: int, height: int) -> NDArray[Any]:
    """A picture at another size: antialiased and without ringing when smaller, bicubic when larger."""
    image = Image.fromarray(picture)
    if image.size == (width, height):
        return picture
    smaller = width * height < image.width * image.height
    method = Image.Resampling.HAMMING if smaller else Image.Resampling.BICUBIC
    return np.array(image.resize((width, height), method))


@dataclass(frozen=True)
class WorkingPage:
    """A page at the working scale.

    Attributes:
        picture: (h, w, 3) uint8, with the lettering that stays filled.
        keep: (h, w) bool, lettering and balloons that stay as drawn: they count in no loss.
        scale: working pixels per page pixel.
    """

    picture: Picture
    keep: NDArray[np.bool_]
    scale: float

    def box(self, box: Box) -> Box:
        """A box in page pixels as one in working pixels, at least one pixel wide and high."""
        height, width = self.keep.shape
        left = min(max(round(box.left * self.scale), 0), width - 1)
        top = min(max(round(box.top * self.scale), 0), height - 1)
        right = min(max(round(box.right * self.scale), left + 1), width)
        bottom = min(max(round(box.bottom * self.scale), top + 1), height)
        return Box(left, top, right, bottom)


def working_page(page: Picture, kept: Kept, scale: float | None = None) -> WorkingPage:
    """A page, (H, W, 3) uint8, at the working scale, with the lettering filled that stays as drawn.

    Args:
        page: (H, W, 3) uint8.
        kept: what of its lettering stays, in the size of the page.
        scale: working pixels per page pixel; from the page's height by default.
    """
    height, width = page.shape[:2]
    scale = working_scale(width, height) if scale is None else scale
    small = resized(page, max(1, round(width * scale)), max(1, round(height * scale)))
    resized_kept = kept.resized(small.shape[1], small.shape[0])
    keep = resized_kept.whole | resized_kept.letters
    return WorkingPage(fill_lettering(small, keep), keep, scale)


def story_page(story: Story, page: StoryPage, folder: Path) -> tuple[Picture, WorkingPage]:
    """A page of a story: as drawn, (H, W, 3) uint8, and at the working scale.

    Raises:
        InputError: it, or a picture that belongs to it, cannot be read.
    """
    picture = load_rgb(folder / page.file)
    return picture, working_page(picture, page_kept(story, page, folder, picture))


@dataclass(frozen=True)
class PanelArt:
    """One panel at the working scale, ready to be stylized.

    Attributes:
        id: "p03-02".
        art: (3, h, w) uint8, lettering filled.
        keep: (1, h, w) bool, what stays as drawn; all that is outside of the panel's polygon too.
        origin: (x, y) of its first pixel on its page, in working pixels: screens run on across panels.
        scale: working pixels per page pixel.
        direction: the panel's own direction ("night, rain"), or "".
        flats: (4, h, w) uint8 flat color hints and, in the last plane, where they hold; None without.
        regions: element name -> box in the panel's working pixels.
    """

    id: str
    art: Tensor
    keep: Tensor
    origin: tuple[int, int]
    scale: float
    direction: str = ""
    flats: Tensor | None = None
    regions: dict[str, Box] = field(default_factory=dict)

    def reduced(self, longest_side: int) -> PanelArt:
        """The panel with no side longer than this; itself when it already is so small."""
        _, height, width = self.art.shape
        factor = longest_side / max(height, width)
        if factor >= 1:
            return self
        size = (max(1, round(height * factor)), max(1, round(width * factor)))

        def smaller(planes: Tensor) -> Tensor:
            planes = F.interpolate(planes[None].float(), size, mode="bilinear", antialias=True)
            return planes[0].round().to(torch.uint8)

        def smaller_box(box: Box) -> Box:
            corners = (box.left, box.top, box.right, box.bottom)
            left, top, right, bottom = (round(corner * factor) for corner in corners)
            return Box(left, top, max(right, left + 1), max(bottom, top + 1))

        return PanelArt(
            self.id,
            smaller(self.art),
            F.adaptive_max_pool2d(self.keep.float()[None], size)[0] > 0,
            (round(self.origin[0] * factor), round(self.origin[1] * factor)),
            self.scale * factor,
            self.direction,
            None if self.flats is None else smaller(self.flats),
            {name: smaller_box(box) for name, box in self.regions.items()},
        )


@dataclass(frozen=True)
class PanelBatch:
    """All panels of a story with the author's marks: row j is panel X_j, column i is element E_i.

    The panels keep their own sizes, as bytes: a long story fits in memory, and nothing is padded away.

    Attributes:
        panels: N panels in reading order.
        element_names: of the E columns.
        priors: (N, E) float32, p̂_ij; 0 where not known.
        known: (N, E) float32, 1 where the author has said something and 0 elsewhere.
        prompt: the story's style in words.
        drawn_as: words for the same that the network knows, where it knows none of the prompt.
    """

    panels: tuple[PanelArt, ...]
    element_names: tuple[str, ...]
    priors: Tensor
    known: Tensor
    prompt: str
    drawn_as: str | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """The panels' ids, in order."""
        return tuple(panel.id for panel in self.panels)

    def of_elements(self, names: Sequence[str]) -> PanelBatch:
        """The same panels with the marks of some elements only, in the order given."""
        columns = [self.element_names.index(name) for name in names]
        return replace(
            self,
            element_names=tuple(names),
            priors=self.priors[:, columns],
            known=self.known[:, columns],
        )

    def prompt_of(self, panel: PanelArt) -> str:
        """The style prompt with the panel's direction: what the guide reads."""
        return directed(self.prompt, panel.direction)

    def start_of(self, panel: PanelArt) -> str:
        """What the network starts from in this panel: the same in words that it knows."""
        return directed(self.drawn_as or self.prompt, panel.direction)


def directed(prompt: str, direction: str | None) -> str:
    """A style prompt with a panel's direction, if there is one."""
    return f"{prompt}, {direction}" if direction else prompt


def unit(planes: Tensor) -> Tensor:
    """uint8 in 0..255 as float32 in [0, 1]."""
    return planes.float() / 255


def to_tensor(picture: NDArray[np.uint8]) -> Tensor:
    """(H, W, C) uint8 -> (C, H, W) uint8."""
    return torch.from_numpy(picture.transpose(2, 0, 1).copy())


def panel_batch(story: Story, folder: Path, *, progress: Progress = silent, stop: Stop = never) -> PanelBatch:
    """The story's panels at the working scale.

    Args:
        story: with panels found.
        folder: the story folder.

    Raises:
        InputError: a page cannot be read.
        Stopped: when ``stop()`` is true.
    """
    panels: list[PanelArt] = []
    for number, (page, working) in enumerate(working_pages(story, folder, stop)):
        flats = None if page.flats is None else working_flats(folder / page.flats, working.keep.shape)
        for panel in page.panels:
            box = working.box(Box.from_xywh(*panel.box))
            rows, columns = slice(box.top, box.bottom), slice(box.left, box.right)
            outside = _outside(panel, box, working.scale)
            panels.append(
                PanelArt(
                    panel.id,
                    to_tensor(panel_picture(panel, working)),
                    torch.from_numpy(working.keep[rows, columns] | outside)[None],
                    (box.left, box.top),
                    working.scale,
                    panel.direction_prompt or "",
                    None if flats is None else flats[:, rows, columns].clone(),
                    panel_regions(panel, working),
                )
            )
        progress(number + 1, len(story.pages), "reading the panels")
    priors, known = marks(story)
    return PanelBatch(tuple(panels), story.element_names, priors, known, story.style.prompt)


def marks(story: Story) -> tuple[Tensor, Tensor]:
    """The author's marks as (N, E) priors and (N, E) known, both float32; priors are 0 where not known."""
    rows = [[panel.prior(name) for name in story.element_names] for panel in story.panels]
    shape = (len(rows), len(story.element_names))
    priors = torch.tensor([[prior or 0.0 for prior in row] for row in rows]).reshape(shape)
    known = torch.tensor([[float(prior is not None) for prior in row] for row in rows]).reshape(shape)
    return priors, known


def working_flats(path: Path, size: tuple[int, ...]) -> Tensor:
    """A picture of flat color hints at a working page's (h, w): (4, h, w) uint8, the last plane its alpha.

    Raises:
        InputError: the picture cannot be read.
    """
    colors = load_rgb(path)
    with Image.open(path) as image:
        alpha = np.asarray(image.convert("RGBA").getchannel("A"))
    height, width = size
    planes = np.dstack([resized(colors, width, height), resized(alpha, width, height)])
    return to_tensor(planes)


def working_pages(story: Story, folder: Path, stop: Stop) -> Iterator[tuple[StoryPage, WorkingPage]]:
    """The pages of a story at the working scale, one in memory at a time."""
    for page in story.pages:
        stop_here(stop, "Reading the pages")
        yield page, story_page(story, page, folder)[1]


def _outside(panel: StoryPanel, box: Box, scale: float) -> NDArray[np.bool_]:
    """(h, w) bool of a panel's working box: what is another panel's, as it lies outside of the polygon."""
    if panel.polygon is None:
        return np.zeros((box.height, box.width), np.bool_)
    corners = [(round(x * scale), round(y * scale)) for x, y in panel.polygon]
    return covered(corners, box) < 0.5


def panel_picture(panel: StoryPanel, working: WorkingPage) -> Picture:
    """A panel's art at the working scale, on white paper, so that nobody learns from what neighbors show."""
    box = working.box(Box.from_xywh(*panel.box))
    alone = working.picture[box.top : box.bottom, box.left : box.right].copy()
    alone[_outside(panel, box, working.scale)] = 255
    return alone


def panel_regions(panel: StoryPanel, working: WorkingPage) -> dict[str, Box]:
    """Element name -> where the author has drawn it, in pixels of ``panel_picture``."""
    box = working.box(Box.from_xywh(*panel.box))
    return {name: _inside(working.box(Box.from_xywh(*region)), box) for name, region in panel.regions.items()}


def _inside(region: Box, panel: Box) -> Box:
    """A region of the page in the pixels of a panel, cut at the panel's edges."""
    left = min(max(region.left - panel.left, 0), panel.width - 1)
    top = min(max(region.top - panel.top, 0), panel.height - 1)
    right = min(max(region.right - panel.left, left + 1), panel.width)
    bottom = min(max(region.bottom - panel.top, top + 1), panel.height)
    return Box(left, top, right, bottom)
