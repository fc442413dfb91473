"""What makes finished pages and exports stale, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from comicloss.freshness import classifier_inputs, export_inputs, new_elements, stylize_inputs
from comicloss.story import Element, LetteringItem, Story, StoryPage, StoryPanel, Style
from comicloss.story.model import Credits
from comicloss.workplace import digest

PANEL = StoryPanel(id="p01-01", box=(0, 0, 90, 60), shows=("Hero",), confidence=0.4)
STORY = Story(
    title="T",
    style=Style(prompt="ink"),
    elements=({"name": "Hero"},),  # type: ignore[arg-type]
    pages=(StoryPage(file="p01.png", lettering_mask="mask.png", panels=(PANEL,)),),
)


def with_page(**changes: object) -> Callable[[Story], Story]:
    return lambda story: story.with_page(0, story.pages[0].model_copy(update=changes))


def with_panel(**changes: object) -> Callable[[Story], Story]:
    return lambda story: story.with_panel(PANEL.model_copy(update=changes))


def with_story(**changes: object) -> Callable[[Story], Story]:
    return lambda story: story.model_copy(update=changes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("p01.png", "mask.png"):
        Image.new("L", (90, 60)).save(tmp_path / name)
    (tmp_path / "finished").mkdir()
    (tmp_path / "finished" / "p01.png").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("change", "draws", "exports"),
    [
        (with_panel(polygon=((0, 0), (90, 0), (0, 60))), True, True),
        (with_page(lettering="restyle"), True, True),
        (with_story(lettering="letters"), True, True),
        (with_page(lettering="keep"), False, False),  # what it was before, in other words
        (with_page(lettering_items=(LetteringItem(box=(0, 0, 9, 9), treat="restyle"),)), True, True),
        (with_panel(by="author", confidence=None), False, False),
        (with_page(source="../scan.png"), False, False),
        (with_story(credits=Credits(writer="A")), False, True),
        (with_story(series="Tales"), False, True),
    ],
)
def test_what_a_change_makes_stale(
    folder: Path, change: Callable[[Story], Story], draws: bool, exports: bool
) -> None:
    changed = change(STORY)
    for inputs in (classifier_inputs, stylize_inputs):
        assert (digest(inputs(STORY, folder)) != digest(inputs(changed, folder))) == draws
    assert (digest(export_inputs(STORY, folder)) != digest(export_inputs(changed, folder))) == exports


def test_another_painted_mask_makes_all_stale(folder: Path) -> None:
    before = [digest(inputs(STORY, folder)) for inputs in (classifier_inputs, stylize_inputs, export_inputs)]
    Image.new("L", (90, 60), 255).save(folder / "mask.png")
    after = [digest(inputs(STORY, folder)) for inputs in (classifier_inputs, stylize_inputs, export_inputs)]
    assert all(was != now for was, now in zip(before, after, strict=True))


def test_an_element_that_was_added_is_all_that_is_new(folder: Path) -> None:
    before = classifier_inputs(STORY, folder)
    more = STORY.model_copy(update={"elements": (*STORY.elements, Element(name="Dragon"))})
    assert new_elements(before, classifier_inputs(more, folder)) == ["Dragon"]
    marked = more.with_mark("p01-01", "Dragon", 1)
    assert new_elements(before, classifier_inputs(marked, folder)) == ["Dragon"]
    for other in (
        more.with_mark("p01-01", "Hero", None),
        with_panel(box=(0, 0, 80, 60), shows=("Hero",))(more),
        with_panel(regions={"Hero": (0, 0, 20, 20)})(more),
        with_story(lettering="letters")(more),
    ):
        assert new_elements(before, classifier_inputs(other, folder)) == []
    assert new_elements(classifier_inputs(more, folder), before) == []
    assert new_elements(before, before) == []
    assert new_elements("a digest of an older version", before) == []
