"""What the author corrects in the panels of a page: pure changes of a story, made all or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from comicloss.panels import Ids, is_settled
from comicloss.shapes import (
    Size,
    box_of,
    corners_of,
    covered,
    in_reading_order,
    matches,
    overlap,
    reshaped,
    scaled,
    spanned,
)
from comicloss.story import Story, StoryPage, StoryPanel, load_story, save_story
from comicloss.story.model import Point
from pages.errors import UsageError
from pages.model import Box, Direction
from pages.read import picture_size

_SAME_GRID = 0.7  # mean intersection over union from which two pages have one grid
_SAME_SHAPE = 0.02  # by which height over width of two pages may differ

Act = Literal["set", "add", "remove", "split", "merge", "order", "confirm", "like"]


@dataclass(frozen=True)
class Correction:
    """One change that the author makes to the panels of a page.

    Attributes:
        act: what to do.
        name: the panel (set, remove, split, merge) or the page (add, order, confirm, like) it is about.
        points: in pixels of the page: two opposite corners of a box, or three and more of a polygon (set,
            add); two points of the line to cut along (split).
        others: the panels to merge with, the order of the page's panels, or the pages to make alike.
    """

    act: Act
    name: str
    points: tuple[Point, ...] = ()
    others: tuple[str, ...] = ()


def correct_panels(folder: Path, corrections: Sequence[Correction]) -> list[str]:
    """Make the author's corrections, all or none of them.

    A page whose panels were corrected is settled: the author has looked at it.

    Returns:
        The files of the pages that are corrected now.

    Raises:
        StoryError: no such page or panel.
        UsageError: a correction that is not possible.
    """
    story = before = load_story(folder)
    for correction in corrections:
        story = _ACTS[correction.act](story, folder, correction)
    if story.pages != before.pages:
        save_story(story, folder)
    pairs = zip(story.pages, before.pages, strict=True)
    return [page.file for page, was in pairs if page != was]


def _set(story: Story, folder: Path, correction: Correction) -> Story:
    number, place = _place_of(story, correction.name)
    page = story.pages[number]
    changed = reshaped(page.panels[place], _shape(page, folder, correction.points))
    return _settled(story, number, [*page.panels[:place], changed, *page.panels[place + 1 :]])


def _add(story: Story, folder: Path, correction: Correction) -> Story:
    number = story.page_number(correction.name)
    page = story.pages[number]
    ids = Ids(story, number, {panel.id for panel in page.panels})
    new = StoryPanel(id=ids.new(), **_shape(page, folder, correction.points))
    return _settled(story, number, _inserted(page.panels, new, story.direction))


def _remove(story: Story, folder: Path, correction: Correction) -> Story:
    number, place = _place_of(story, correction.name)
    panels = story.pages[number].panels
    if len(panels) == 1:
        raise UsageError(
            f"{correction.name} is the only panel of its page.",
            remedy="Set another shape for it, or take the page out of story.toml.",
        )
    return _settled(story, number, [*panels[:place], *panels[place + 1 :]])


def _split(story: Story, folder: Path, correction: Correction) -> Story:
    number, place = _place_of(story, correction.name)
    page = story.pages[number]
    panel = page.panels[place]
    halves = [
        _half(corners_of(panel), correction.points, side=side)
        for side in (1, -1)  # of the line
    ]
    if not all(halves):
        raise UsageError(
            f"The line does not cross {panel.id}, whose box is {list(panel.box)}.",
            remedy=f"Give one that does: --split {panel.id}=x{panel.box[0] + panel.box[2] // 2}",
        )
    ids = Ids(story, number, {panel.id for panel in page.panels})
    parts = [_part(panel, spanned(half)) for half in halves]
    first, second = in_reading_order(parts, story.direction)
    second = second.model_copy(update={"id": ids.new()})
    return _settled(story, number, [*page.panels[:place], first, second, *page.panels[place + 1 :]])


def _merge(story: Story, folder: Path, correction: Correction) -> Story:
    number, _ = _place_of(story, correction.name)
    panels = story.pages[number].panels
    names = {correction.name, *correction.others}
    chosen = [panel for panel in panels if panel.id in names]
    if len(chosen) != len(names) or len(chosen) < 2:
        raise UsageError(
            f"Panels to merge are two or more of one page: {', '.join(sorted(names))} are not.",
            remedy="Name panels of one page: --merge p01-02,p01-03",
        )
    merged = chosen[0]
    for panel in chosen[1:]:
        merged = _together(merged, panel, story.element_names)
    rest = [merged if panel is chosen[0] else panel for panel in panels if panel not in chosen[1:]]
    return _settled(story, number, rest)


def _order(story: Story, folder: Path, correction: Correction) -> Story:
    number = story.page_number(correction.name)
    panels = {panel.id: panel for panel in story.pages[number].panels}
    if sorted(correction.others) != sorted(panels):
        raise UsageError(
            f"{correction.name} has the panels {', '.join(panels)}; the order names "
            f"{', '.join(correction.others)}.",
            remedy="Name each panel of the page once, in the order in which it is read.",
        )
    return _settled(story, number, [panels[name] for name in correction.others])


def _confirm(story: Story, folder: Path, correction: Correction) -> Story:
    number = story.page_number(correction.name)
    panels = story.pages[number].panels
    if not panels:
        raise UsageError(
            f"{correction.name} has no panels yet.", remedy=f"Find them: comicloss panels {folder}"
        )
    return _settled(story, number, panels)


def _like(story: Story, folder: Path, correction: Correction) -> Story:
    number = story.page_number(correction.name)
    model = story.pages[number]
    story = _confirm(story, folder, correction)
    size = _size(model, folder)
    named = [story.page_number(name) for name in correction.others]
    for other in named or [place for place in range(len(story.pages)) if place != number]:
        page = story.pages[other]
        if not named and is_settled(page):
            continue
        other_size = _size(page, folder)
        grid = [scaled(panel, size, other_size) for panel in model.panels]
        if not named and not (_alike(size, other_size) and _agree(grid, page.panels)):
            continue
        panels = _onto_grid(story, other, grid)
        if panels is not None:
            story = _settled(story, other, panels)
        elif named:
            raise UsageError(
                f"{page.file}: it has marked panels that are not in the grid of {correction.name}.",
                remedy="Correct this page by itself, or clear its marks first.",
            )
    return story


_ACTS: dict[Act, Callable[[Story, Path, Correction], Story]] = {
    "set": _set,
    "add": _add,
    "remove": _remove,
    "split": _split,
    "merge": _merge,
    "order": _order,
    "confirm": _confirm,
    "like": _like,
}


def _place_of(story: Story, panel_id: str) -> tuple[int, int]:
    """The page and the place on it, both from 0, of a panel.

    Raises:
        StoryError: there is no such panel.
    """
    wanted = story.panel(panel_id)
    number = next(place for place, page in enumerate(story.pages) if wanted in page.panels)
    return number, story.pages[number].panels.index(wanted)


def _settled(story: Story, number: int, panels: Sequence[StoryPanel]) -> Story:
    """The story with these panels on a page, which the author answers for."""
    answered = {"by": "author", "confidence": None}
    settled = tuple(panel.model_copy(update=answered) for panel in panels)
    return story.with_page(number, story.pages[number].model_copy(update={"panels": settled}))


def _inserted(panels: Sequence[StoryPanel], new: StoryPanel, direction: Direction) -> list[StoryPanel]:
    """The panels in their own order, and the new one where it contradicts reading order least."""
    read = in_reading_order([*panels, new], direction)
    earlier = set(panel.id for panel in read[: read.index(new)])

    def contradictions(place: int) -> int:
        wrongly_before = sum(panel.id not in earlier for panel in panels[:place])
        return wrongly_before + sum(panel.id in earlier for panel in panels[place:])

    place = min(range(len(panels) + 1), key=contradictions)
    return [*panels[:place], new, *panels[place:]]


def _shape(page: StoryPage, folder: Path, points: Sequence[Point]) -> dict[str, Any]:
    """Box and polygon of a panel that has these corners."""
    width, height = _size(page, folder)
    outside = [point for point in points if point[0] > width or point[1] > height]
    if outside:
        raise UsageError(
            f"{outside[0][0]},{outside[0][1]} is outside of {page.file}, which is {width} x {height} pixels.",
            remedy="A box is x,y,width,height and a corner x,y in pixels of the page.",
        )
    if len(points) == 2:
        (left, top), (right, bottom) = points
        points = ((left, top), (right, top), (right, bottom), (left, bottom))
    return spanned(points)


def _half(corners: Sequence[Point], line: Sequence[Point], *, side: int) -> list[Point]:
    """The part of a polygon on one side of a line through two points; [] for none (Sutherland-Hodgman)."""
    (x0, y0), (x1, y1) = line
    distance = [side * ((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)) for x, y in corners]
    half: list[Point] = []
    for place, (x, y) in enumerate(corners):
        here, before = distance[place], distance[place - 1]
        if here * before < 0:
            share = before / (before - here)
            from_x, from_y = corners[place - 1]
            half.append((round(from_x + share * (x - from_x)), round(from_y + share * (y - from_y))))
        if here >= 0:
            half.append((x, y))
    return list(dict.fromkeys(half)) if any(value > 0 for value in distance) else []


def _part(panel: StoryPanel, shape: Mapping[str, Any]) -> StoryPanel:
    """A part of a panel that was split.

    Who is not in the whole is in no part. Who is in it is in the part that holds most of the region around
    it; without a region nobody knows in which.
    """
    part = reshaped(panel, shape)
    box = box_of(part)
    for name in panel.shows or ():
        region = panel.regions.get(name)
        if region is None:
            part = part.with_mark(name, None)
        elif covered(Box.from_xywh(*region), [box]) < 0.5:
            part = part.with_mark(name, 0.0)
    return part


def _together(first: StoryPanel, second: StoryPanel, elements: Sequence[str]) -> StoryPanel:
    """Two panels as one: who is in either is in it, who is in neither is not."""
    points = [*corners_of(first), *corners_of(second)]
    if first.polygon is None and second.polygon is None:
        xs, ys = [x for x, _ in points], [y for _, y in points]
        points = [(x, y) for x in (min(xs), max(xs)) for y in (min(ys), max(ys))]
    hull = cv2.convexHull(np.array(points, np.int32))[:, 0]
    merged = first.model_copy(
        update={
            **spanned([(int(x), int(y)) for x, y in hull]),
            "regions": {**second.regions, **first.regions},
            "direction_prompt": first.direction_prompt or second.direction_prompt,
        }
    )
    if not (first.marked or second.marked):
        return merged
    for name in elements:
        priors = [panel.prior(name) for panel in (first, second)]
        known = [prior for prior in priors if prior is not None]
        sure = known and (max(known) == 1 or len(known) == 2)
        merged = merged.with_mark(name, max(known) if sure else None)
    return merged


def _alike(first: Size, second: Size) -> bool:
    return abs(first[0] * second[1] / (first[1] * second[0]) - 1) <= _SAME_SHAPE


def _agree(grid: Sequence[StoryPanel], panels: Sequence[StoryPanel]) -> bool:
    """Whether panels that were found may well be this grid, with some of them run together or cut up."""
    if not panels:
        return False
    table = np.array([[overlap(box_of(one), box_of(other)) for other in panels] for one in grid])
    return bool(min(table.max(axis=0).mean(), table.max(axis=1).mean()) >= _SAME_GRID)


def _onto_grid(story: Story, number: int, grid: Sequence[StoryPanel]) -> list[StoryPanel] | None:
    """A page's panels in the shapes and order of a grid; None if a marked one has no place in it."""
    old = story.pages[number].panels
    same = matches([box_of(panel) for panel in grid], [box_of(panel) for panel in old], least=0.3)
    if any(panel.marked and place not in same.values() for place, panel in enumerate(old)):
        return None
    ids = Ids(story, number, {panel.id for panel in old})
    return [
        reshaped(
            old[same[place]] if place in same else StoryPanel(id=ids.new(), box=panel.box),
            {"box": panel.box, "polygon": panel.polygon},
        )
        for place, panel in enumerate(grid)
    ]


def _size(page: StoryPage, folder: Path) -> Size:
    return picture_size(folder / page.file)
