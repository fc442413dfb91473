"""Story -> what the classifiers learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from classifiers.data import Example
from comicloss.crops import Region, reduced, region_crop
from comicloss.data import marks, panel_picture, panel_regions, to_tensor, unit, working_pages
from comicloss.references import Reference, hosts_of, load_reference, pasted
from comicloss.story import Story
from pages.model import Box
from pages.progress import Progress, Stop, never, silent, stop_here


@dataclass(frozen=True)
class StoryExamples:
    """What the classifiers of a story learn from.

    Attributes:
        drawn: the marked panels in reading order, then the reference pictures: what figures are stated of.
        derived: made of these, for training alone: crops of the regions that the author has drawn, cut-out
            references on panels. Each is of the group of all that it was made of.
        panel_groups: panel id -> group, of the panels in ``drawn`` in their order: what else is made of a
            panel belongs to its group.
    """

    drawn: tuple[Example, ...]
    derived: tuple[Example, ...]
    panel_groups: dict[str, str]


def story_examples(
    story: Story, folder: Path, *, progress: Progress = silent, stop: Stop = never
) -> StoryExamples:
    """What the classifiers learn from: the marked panels, the reference pictures, and what is made of them.

    A panel is a group of its own, and so is a reference picture, together with the panels that it is pasted
    on. Lettering that stays as drawn is filled.

    Raises:
        InputError: a page or reference picture cannot be read.
        Stopped: when ``stop()`` is true.
    """
    panels: list[Example] = []
    derived: list[Example] = []
    ids: list[str] = []
    priors, known = marks(story)
    row = 0
    for number, (page, working) in enumerate(working_pages(story, folder, stop)):
        for panel in page.panels:
            if known[row].any():
                image = unit(to_tensor(panel_picture(panel, working)))
                drawn = panel_regions(panel, working)
                regions = tuple(_share(drawn.get(name), image) for name in story.element_names)
                whole = Example(image, priors[row], known[row], f"{page.file}#{panel.id}", regions)
                panels.append(replace(whole, image=reduced(image)))
                ids.append(panel.id)
                crops = (region_crop(whole, column) for column in range(len(story.elements)))
                derived += [crop for crop in crops if crop is not None]
            row += 1
        progress(number + 1, len(story.pages), "reading the panels")
    references = _references(story, folder, stop)
    kinds = [element.kind for element in story.elements]
    groups: dict[str, str] = {}
    for reference, hosts in zip(references, hosts_of(references, panels), strict=True):
        stop_here(stop, "Pasting the reference pictures")
        for place in hosts:
            derived += pasted(reference, panels[place], kinds)
            groups[panels[place].group] = reference.example.group
    whole_panels = _regrouped(panels, groups)
    return StoryExamples(
        (*whole_panels, *(reference.example for reference in references)),
        _regrouped(derived, groups),
        {name: panel.group for name, panel in zip(ids, whole_panels, strict=True)},
    )


def example_picture(picture: NDArray[np.uint8]) -> Tensor:
    """A picture (H, W, 3) uint8 as classifiers take it: (3, h, w) float in [0, 1], of the examples' size."""
    return reduced(unit(to_tensor(picture)))


def of_elements(pictures: Sequence[Example], names: Sequence[str], chosen: Sequence[str]) -> list[Example]:
    """Some of the elements only, and the pictures that say something about them."""
    columns = [names.index(name) for name in chosen]
    return [picture.of_columns(columns) for picture in pictures if picture.known[columns].any()]


def _references(story: Story, folder: Path, stop: Stop) -> list[Reference]:
    """Each reference picture once, however many elements list it."""
    found = []
    for file in dict.fromkeys(file for element in story.elements for file in element.references):
        stop_here(stop, "Reading the reference pictures")
        found.append(load_reference(folder, file, story.elements))
    return found


def _regrouped(examples: Sequence[Example], groups: dict[str, str]) -> tuple[Example, ...]:
    return tuple(replace(example, group=groups.get(example.group, example.group)) for example in examples)


def _share(region: Box | None, image: Tensor) -> Region | None:
    """A box in pixels of a picture (3, h, w) as shares of it."""
    if region is None:
        return None
    height, width = image.shape[-2:]
    return region.left / width, region.top / height, region.right / width, region.bottom / height
