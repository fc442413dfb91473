"""Panels of a story: what detection may change, what it may not, and what the author corrects."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import comicloss.panels
from comicloss import pipeline
from comicloss.corrections import Correction
from comicloss.panels import doubtful_panels
from comicloss.story import Element, Story, StoryPage, StoryPanel, Style, load_story, save_story
from pages.errors import Stopped, StoryError, UsageError
from pages.model import Box, FoundPanel

Boxes = list[tuple[int, int, int, int]]
FOUR: Boxes = [(10, 10, 180, 180), (210, 10, 180, 180), (10, 210, 180, 180), (210, 210, 180, 180)]


class Detection:
    """Finds what it is told to find."""

    def __init__(self) -> None:
        self.boxes: Boxes = FOUR
        self.confidence = 0.9
        self.calls = 0

    def __call__(self, image: Any, direction: Any) -> list[FoundPanel]:
        self.calls += 1
        return [FoundPanel(Box.from_xywh(*box), confidence=self.confidence) for box in self.boxes]


@pytest.fixture
def detection(monkeypatch: pytest.MonkeyPatch) -> Detection:
    fake = Detection()
    monkeypatch.setattr(comicloss.panels, "find_panels", fake)
    return fake


@pytest.fixture
def folder(tmp_path: Path, detection: Detection) -> Path:
    """Three pages of 400 x 400 with four panels each."""
    (tmp_path / "art").mkdir()
    for number in (1, 2, 3):
        Image.new("RGB", (400, 400), (number, 0, 0)).save(tmp_path / "art" / f"p0{number}.png")
    pages = tuple(StoryPage(file=f"art/p0{number}.png") for number in (1, 2, 3))
    elements = (Element(name="Hero"), Element(name="Dragon"))
    save_story(Story(title="T", style=Style(prompt="ink"), elements=elements, pages=pages), tmp_path)
    pipeline.find_story_panels(tmp_path)
    return tmp_path


def page(folder: Path, number: int = 1) -> StoryPage:
    return load_story(folder).pages[number - 1]


def boxes(folder: Path, number: int = 1) -> Boxes:
    return [panel.box for panel in page(folder, number).panels]


def ids(folder: Path, number: int = 1) -> list[str]:
    return [panel.id for panel in page(folder, number).panels]


def correct(folder: Path, act: Any, name: str, points: Any = (), others: Sequence[str] = ()) -> list[str]:
    return pipeline.correct_panels(folder, [Correction(act, name, points, tuple(others))])


def edit(folder: Path, before: str, after: str) -> None:
    path = folder / "story.toml"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


# --- detection and the author ---------------------------------------------------------------------------


def test_doubt_is_told_until_the_author_confirms(folder: Path, detection: Detection) -> None:
    assert doubtful_panels(page(folder)) == []
    detection.confidence = 0.3
    pipeline.find_story_panels(folder, again=True)
    assert doubtful_panels(page(folder)) == ids(folder)
    assert "look at p01, p02, p03" in pipeline.status(folder).stages[1].why
    assert correct(folder, "confirm", "p01") == ["art/p01.png"]
    assert doubtful_panels(page(folder)) == []
    assert {(panel.by, panel.confidence) for panel in page(folder).panels} == {("author", None)}
    assert "look at p02, p03" in pipeline.status(folder).stages[1].why


@pytest.mark.parametrize("act", ["set", "add", "remove", "split", "merge", "order"])
def test_finding_again_leaves_a_corrected_page_alone(folder: Path, detection: Detection, act: str) -> None:
    corrections: dict[str, Correction] = {
        "set": Correction("set", "p01-01", ((0, 0), (200, 200))),
        "add": Correction("add", "p01", ((150, 150), (250, 250))),
        "remove": Correction("remove", "p01-02"),
        "split": Correction("split", "p01-01", ((100, 0), (100, 1))),
        "merge": Correction("merge", "p01-01", others=("p01-02",)),
        "order": Correction("order", "p01", others=("p01-02", "p01-01", "p01-03", "p01-04")),
    }
    pipeline.correct_panels(folder, [corrections[act]])
    corrected = page(folder)
    assert corrected.panels != page(folder, 2).panels
    detection.boxes = [(0, 0, 400, 400)]
    for _ in range(2):
        pipeline.find_story_panels(folder, again=True)
        assert page(folder) == corrected
    assert boxes(folder, 2) == detection.boxes
    Image.new("RGB", (400, 400), "red").save(folder / "art" / "p01.png")
    pipeline.find_story_panels(folder)
    assert page(folder) == corrected


def test_a_box_edited_by_hand_is_the_authors(folder: Path, detection: Detection) -> None:
    edit(folder, "box = [10, 10, 180, 180]", "box = [0, 0, 200, 200]")
    detection.boxes = [(0, 0, 200, 400), (200, 0, 200, 400)]
    pipeline.find_story_panels(folder, again=True)
    assert (0, 0, 200, 200) in boxes(folder)
    assert (0, 0, 200, 200) not in boxes(folder, 2)


def test_found_panels_that_the_authors_cover_are_not_new(folder: Path, detection: Detection) -> None:
    pipeline.set_marks(folder, [("p01-01", "Hero", 1.0), ("p01-02", "Hero", 0.0)])
    detection.boxes = [(10, 10, 380, 180), (10, 210, 380, 180)]  # the upper two run together
    pipeline.find_story_panels(folder, again=True)
    assert boxes(folder) == [FOUR[0], FOUR[1], (10, 210, 380, 180)]
    assert ids(folder)[:2] == ["p01-01", "p01-02"]


def test_panels_keep_their_ids_by_where_they_are(folder: Path, detection: Detection) -> None:
    detection.boxes = [(12, 12, 178, 170), (10, 200, 180, 190), (215, 215, 170, 170)]
    pipeline.find_story_panels(folder, again=True)
    assert ids(folder) == ["p01-01", "p01-03", "p01-04"]


def test_panels_written_by_hand_are_not_looked_for(folder: Path, detection: Detection) -> None:
    story = load_story(folder)
    hand = StoryPanel(id="mine", box=(0, 0, 50, 50))
    save_story(story.with_page(2, StoryPage(file="art/p03.png", panels=(hand,))), folder)
    (folder / ".cache" / "panels.json").unlink()
    calls = detection.calls
    pipeline.find_story_panels(folder)
    assert detection.calls == calls
    pipeline.find_story_panels(folder, again=True)
    assert "mine" in ids(folder, 3) and len(ids(folder, 3)) == 5


def test_slanted_panels_are_kept_with_their_corners(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corners = ((10, 10), (190, 14), (170, 190), (10, 186))
    found = [FoundPanel(Box(10, 10, 190, 190), corners, 0.8), FoundPanel(Box(200, 0, 400, 400))]
    monkeypatch.setattr(comicloss.panels, "find_panels", lambda *_: found)
    pipeline.find_story_panels(folder, again=True)
    first, second = page(folder).panels
    assert (first.box, first.polygon, first.confidence) == ((10, 10, 180, 180), corners, 0.8)
    assert second.polygon is None


# --- corrections ----------------------------------------------------------------------------------------


def test_another_shape_cuts_the_regions(folder: Path) -> None:
    story = load_story(folder)
    regions = {"Hero": (20, 20, 100, 100), "Dragon": (150, 150, 20, 20)}
    panel = story.panel("p01-01").model_copy(update={"shows": ("Hero", "Dragon"), "regions": regions})
    save_story(story.with_panel(panel), folder)
    correct(folder, "set", "p01-01", ((10, 10), (100, 10), (60, 100), (10, 100)))
    changed = load_story(folder).panel("p01-01")
    assert changed.box == (10, 10, 90, 90)
    assert changed.polygon == ((10, 10), (100, 10), (60, 100), (10, 100))
    assert changed.regions == {"Hero": (20, 20, 80, 80)} and changed.shows == ("Hero", "Dragon")
    correct(folder, "set", "p01-01", ((10, 10), (100, 100)))
    assert load_story(folder).panel("p01-01").polygon is None


def test_a_panel_is_added_where_it_is_read(folder: Path) -> None:
    correct(folder, "order", "p01", others=["p01-02", "p01-01", "p01-03", "p01-04"])
    correct(folder, "remove", "p01-03")
    correct(folder, "add", "p01", ((10, 210), (190, 390)))
    assert ids(folder) == ["p01-02", "p01-01", "p01-03", "p01-04"]
    assert sorted(boxes(folder)) == sorted(FOUR)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (((100, 0), (100, 1)), [(10, 10, 90, 180), (100, 10, 90, 180)]),
        (((0, 100), (1, 100)), [(10, 10, 180, 90), (10, 100, 180, 90)]),
        (((80, 10), (120, 190)), [(10, 10, 110, 180), (80, 10, 110, 180)]),
    ],
)
def test_a_panel_is_cut_in_two(folder: Path, line: Any, expected: Boxes) -> None:
    correct(folder, "split", "p01-01", line)
    first, second = page(folder).panels[:2]
    assert [first.box, second.box] == expected
    assert [first.id, second.id] == ["p01-01", "p01-05"]
    slanted = line[0][0] != line[1][0] and line[0][1] != line[1][1]
    assert (first.polygon is not None) == slanted
    if slanted:
        assert set(first.polygon or ()) == {(10, 10), (80, 10), (120, 190), (10, 190)}


def test_marks_of_a_panel_that_is_cut(folder: Path) -> None:
    story = load_story(folder)
    panel = story.panel("p01-01").model_copy(
        update={"shows": ("Hero",), "regions": {"Hero": (20, 20, 60, 60)}}
    )
    save_story(story.with_panel(panel), folder)
    pipeline.set_marks(folder, [("p01-02", "Dragon", 1.0)])
    correct(folder, "split", "p01-01", ((100, 0), (100, 1)))
    correct(folder, "split", "p01-02", ((300, 0), (300, 1)))
    told = [[panel.prior(name) for name in ("Hero", "Dragon")] for panel in page(folder).panels[:4]]
    assert told == [[1.0, 0.0], [0.0, 0.0], [0.0, None], [0.0, None]]


def test_panels_become_one(folder: Path) -> None:
    pipeline.set_marks(folder, [("p01-01", "Hero", 1.0), ("p01-02", "Dragon", 1.0), ("p01-03", "Hero", 1.0)])
    correct(folder, "merge", "p01-02", others=["p01-01"])
    correct(folder, "merge", "p01-03", others=["p01-04"])
    assert ids(folder) == ["p01-01", "p01-03"]
    assert boxes(folder) == [(10, 10, 380, 180), (10, 210, 380, 180)]
    first, second = page(folder).panels
    assert [first.prior(name) for name in ("Hero", "Dragon")] == [1.0, 1.0]
    assert [second.prior(name) for name in ("Hero", "Dragon")] == [1.0, None]  # nobody looked into p01-04


def test_slanted_panels_become_one_slanted_panel(folder: Path) -> None:
    correct(folder, "split", "p01-01", ((80, 10), (120, 190)))
    correct(folder, "set", "p01-05", ((90, 10), (190, 10), (160, 190), (130, 190)))
    correct(folder, "merge", "p01-01", others=["p01-05"])
    merged = page(folder).panels[0]
    assert set(merged.polygon or ()) == {(10, 10), (190, 10), (160, 190), (10, 190)}


@pytest.mark.parametrize(
    ("correction", "message"),
    [
        (Correction("set", "p01-09", ((0, 0), (9, 9))), "no panel"),
        (
            Correction("set", "p01-01", ((0, 0), (500, 9))),
            "500,9 is outside of art/p01.png, which is 400",
        ),
        (Correction("set", "p01-01", ((5, 5), (5, 90))), "some width and height"),
        (Correction("add", "p09", ((0, 0), (9, 9))), 'no page "p09"'),
        (Correction("split", "p01-01", ((300, 0), (300, 1))), "does not cross p01-01"),
        (Correction("split", "p01-01", ((10, 0), (10, 1))), "does not cross p01-01"),
        (Correction("merge", "p01-01", others=("p02-01",)), "of one page"),
        (Correction("merge", "p01-01"), "two or more"),
        (Correction("order", "p01", others=("p01-01",)), "p01-01, p01-02, p01-03, p01-04"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_changed(
    folder: Path, correction: Correction, message: str
) -> None:
    before = (folder / "story.toml").read_bytes()
    with pytest.raises((StoryError, UsageError), match=message):
        pipeline.correct_panels(folder, [Correction("confirm", "p02"), correction])
    assert (folder / "story.toml").read_bytes() == before


def test_the_last_panel_of_a_page_stays(folder: Path) -> None:
    correct(folder, "merge", "p01-01", others=["p01-02", "p01-03", "p01-04"])
    with pytest.raises(UsageError, match="only panel"):
        correct(folder, "remove", "p01-01")


# --- one grid on many pages -----------------------------------------------------------------------------


def test_a_corrected_grid_goes_to_the_pages_with_the_same_grid(folder: Path) -> None:
    story = load_story(folder)
    for number in (1, 2):
        story = story.with_page(number, StoryPage(file=f"art/p0{number + 1}.png"))
    save_story(story, folder)
    Image.new("RGB", (800, 800), "blue").save(folder / "art" / "p02.png")
    three_columns = [(0, 0, 130, 400), (135, 0, 130, 400), (270, 0, 130, 400)]
    run_together = [(20, 20, 760, 360), (20, 420, 360, 360), (420, 420, 360, 360)]
    answers = iter([run_together, three_columns])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            comicloss.panels,
            "find_panels",
            lambda *_: [FoundPanel(Box.from_xywh(*box)) for box in next(answers)],
        )
        pipeline.find_story_panels(folder)
    marked = ids(folder, 2)[-1]
    pipeline.set_marks(folder, [(marked, "Hero", 1.0)])
    correct(folder, "set", "p01-01", ((0, 0), (190, 190)))
    assert correct(folder, "like", "p01") == ["art/p02.png"]
    expected = [(0, 0, 190, 190), *FOUR[1:]]
    assert boxes(folder, 2) == [(2 * x, 2 * y, 2 * w, 2 * h) for x, y, w, h in expected]
    assert page(folder, 2).panels[3].id == marked and page(folder, 2).panels[3].shows == ("Hero",)
    assert boxes(folder, 3) == three_columns
    assert correct(folder, "like", "p01", others=["p03"]) == ["art/p03.png"]
    assert boxes(folder, 3) == expected


def test_marks_that_fit_no_panel_of_the_grid_are_not_lost(folder: Path, detection: Detection) -> None:
    correct(folder, "set", "p01-01", ((0, 0), (20, 20)))
    pipeline.set_marks(folder, [("p02-01", "Hero", 1.0)])
    assert correct(folder, "like", "p01") == ["art/p03.png"]
    with pytest.raises(UsageError, match="marked panels that are not in the grid"):
        correct(folder, "like", "p01", others=["p02"])


def test_status_counts_what_is_doubtful_only_when_it_is(folder: Path) -> None:
    assert pipeline.status(folder).stages[1].why == "12 panels"


def test_the_shares_of_boxes(folder: Path) -> None:
    from comicloss.shapes import covered, overlap

    box = Box(0, 0, 100, 100)
    assert overlap(box, Box(50, 0, 150, 100)) == pytest.approx(1 / 3)
    assert overlap(box, Box(100, 0, 150, 100)) == 0
    assert covered(box, [Box(0, 0, 50, 100), Box(0, 0, 100, 50)]) == pytest.approx(0.75, abs=0.02)
    assert np.isclose(covered(box, []), 0)


def test_what_was_found_before_a_stop_is_kept(folder: Path, detection: Detection) -> None:
    detection.boxes = [(0, 0, 400, 400)]
    asked: list[int] = []

    def stop() -> bool:
        asked.append(0)
        return len(asked) > 2

    with pytest.raises(Stopped):
        pipeline.find_story_panels(folder, again=True, stop=stop)
    assert [len(boxes(folder, number)) for number in (1, 2, 3)] == [1, 1, 4]
    calls = detection.calls
    pipeline.find_story_panels(folder)
    assert detection.calls == calls


def test_the_same_panels_in_another_picture_are_not_looked_for_twice(
    folder: Path, detection: Detection
) -> None:
    Image.new("RGB", (400, 400), "red").save(folder / "art" / "p01.png")
    calls = detection.calls
    for _ in range(2):
        pipeline.find_story_panels(folder)
        assert detection.calls == calls + 1
