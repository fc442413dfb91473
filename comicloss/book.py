"""What the story says about itself, in the words of the export formats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from comicloss.lettering import page_lettering
from comicloss.story import Story, StoryPage, StoryPanel
from comicloss.story.model import Kind
from pages.compose import covered
from pages.export import Bleed, ComicInfo, GuidedPage, GuidedPanel, StripPage
from pages.model import Box
from pages.read import load_rgb, read_page

_SHOWN = 0.5  # belief from which an element counts as shown


def comic_info(story: Story) -> ComicInfo:
    """Title, credits and who is in it."""
    return ComicInfo(
        story.title,
        series=story.series,
        number=story.number,
        summary=story.summary,
        **story.credits.model_dump(),
        language=story.language,
        characters=_named(story, "character"),
        locations=_named(story, "setting"),
        direction=story.direction,
        page_types=tuple(page.type for page in story.pages),
    )


def bleed(story: Story) -> Bleed | None:
    """How printed pages are cut; None where the story does not say."""
    if not story.print.bleed_mm and story.print.trim_mm is None:
        return None
    return Bleed(story.print.bleed_mm, story.print.trim_mm)


def guided_pages(story: Story, finished: Sequence[Path]) -> list[GuidedPage]:
    """The panels of all pages, in reading order, and who is in them."""
    return [
        GuidedPage(read_page(path, 1).size, tuple(_guided(story, panel) for panel in page.panels))
        for page, path in zip(story.pages, finished, strict=True)
    ]


def strip_pages(story: Story, folder: Path, finished: Sequence[Path]) -> Iterator[StripPage]:
    """Finished pages with what must not be cut, one at a time."""
    for page, path in zip(story.pages, finished, strict=True):
        lettering = page_lettering(page, folder, load_rgb(folder / page.file)).boxes
        panels = [Box.from_xywh(*panel.box) for panel in page.panels]
        yield StripPage(load_rgb(path), lettering, panels)


def element_masks(
    story: Story, page: StoryPage, size: tuple[int, int]
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """(H, W) masks of where each element is on a page: its regions, or else the panels that show it."""
    width, height = size
    for name in story.element_names:
        mask = np.zeros((height, width), np.bool_)
        for panel in page.panels:
            if name in panel.regions:
                box = Box.from_xywh(*panel.regions[name])
                mask[box.top : box.bottom, box.left : box.right] = True
            elif _is_shown(panel, name):
                box = Box.from_xywh(*panel.box)
                inside = mask[box.top : box.bottom, box.left : box.right]
                inside |= True if panel.polygon is None else covered(panel.polygon, box) >= 0.5
        yield name, mask


def _guided(story: Story, panel: StoryPanel) -> GuidedPanel:
    shown = {name for name in story.element_names if _is_shown(panel, name)}
    characters = tuple(name for name in _named(story, "character") if name in shown)
    others = [name for name in story.element_names if name in shown - set(characters)]
    return GuidedPanel(Box.from_xywh(*panel.box), panel.polygon, characters, ", ".join(others))


def _is_shown(panel: StoryPanel, name: str) -> bool:
    return (panel.prior(name) or 0) >= _SHOWN


def _named(story: Story, kind: Kind) -> tuple[str, ...]:
    return tuple(element.name for element in story.elements if element.kind == kind)
