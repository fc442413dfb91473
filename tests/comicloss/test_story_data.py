"""Story -> panels and examples at the working scale."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import comicloss.data as data
import comicloss.lettering
from comicloss.examples import story_examples
from comicloss.story import Element, Story, StoryPage, StoryPanel, Style
from pages.lettering import lettering_of
from pages.model import Box


@pytest.mark.parametrize(
    ("width", "height", "scale"),
    [(1000, 1400, 1.0), (2000, 2800, 0.5), (500, 700, 2.0), (2100, 1400, 1.0), (800, 12000, 1.25)],
)
def test_working_scale_goes_by_the_pages_height_but_by_a_strips_width(
    width: int, height: int, scale: float
) -> None:
    assert data.working_scale(width, height) == pytest.approx(scale)


@pytest.fixture
def story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Story:
    """A page of 64 x 140 pixels, at a working height of 70: left panel red, right panel green."""
    monkeypatch.setattr(data, "WORKING_HEIGHT", 70)
    letters = np.zeros((140, 64), dtype=bool)
    letters[20:28, 10:18] = True
    found = lettering_of(letters, letters)
    monkeypatch.setattr(comicloss.lettering, "find_lettering", lambda page: found)
    page = np.full((140, 64, 3), 255, dtype=np.uint8)
    page[10:130, 4:28] = (200, 0, 0)
    page[10:130, 32:56] = (0, 200, 0)
    page[20:28, 10:18] = 0
    flats = np.zeros((140, 64, 4), dtype=np.uint8)
    flats[:, 30:] = (0, 0, 255, 255)
    Image.fromarray(page).save(tmp_path / "page.png")
    Image.fromarray(flats).save(tmp_path / "flats.png")
    Image.fromarray(page[:50, :20]).save(tmp_path / "hero.png")
    return Story(
        title="t",
        style=Style(prompt="noir"),
        elements=(Element(name="Hero", references=("hero.png",)), Element(name="Dragon")),
        pages=(
            StoryPage(
                file="page.png",
                flats="flats.png",
                panels=(
                    StoryPanel(
                        id="p01-01", box=(4, 10, 24, 120), shows=("Hero",), regions={"Hero": (8, 20, 40, 40)}
                    ),
                    StoryPanel(
                        id="p01-02", box=(32, 10, 24, 120), beliefs={"Hero": 0.25}, direction_prompt="night"
                    ),
                ),
            ),
        ),
    )


def test_panels_at_the_working_scale(story: Story, tmp_path: Path) -> None:
    batch = data.panel_batch(story, tmp_path)
    left, right = batch.panels
    assert batch.ids == ("p01-01", "p01-02")
    assert (left.origin, right.origin) == ((2, 5), (16, 5))
    assert left.art.shape == right.art.shape == (3, 60, 12)
    assert left.scale == 0.5
    assert right.art[:, 30, 6].tolist() == [0, 200, 0]
    assert left.keep[0].nonzero().tolist() == [[row, column] for row in range(5, 9) for column in range(3, 7)]
    assert left.regions == {"Hero": Box(2, 5, 12, 25)}  # cut at the panel's edge
    assert left.flats is not None and right.flats is not None
    assert left.flats[3].max() == 0
    assert right.flats[:, 30, 6].tolist() == [0, 0, 255, 255]
    assert batch.prompt_of(left) == "noir"
    assert batch.prompt_of(right) == "noir, night"


def test_what_lies_outside_of_a_polygon_is_another_panels(story: Story, tmp_path: Path) -> None:
    (page,) = story.pages
    cut = page.panels[0].model_copy(update={"polygon": ((4, 10), (28, 10), (4, 130)), "regions": {}})
    batch = data.panel_batch(story.with_panel(cut), tmp_path)
    left, right = batch.panels
    assert left.keep[0, -1, -1] and not left.keep[0, 2, 1]
    assert left.art[:, -1, -1].tolist() == [255, 255, 255] and left.art[:, 2, 2].tolist() == [200, 0, 0]
    assert abs(left.keep[0].float().mean() - 0.5) < 0.05
    assert not right.keep[0, :, :4].any()
    example = story_examples(story.with_panel(cut), tmp_path).drawn[0]
    assert example.image[:, -1, -1].tolist() == [1, 1, 1]


def test_marks_become_priors_only_where_something_was_said(story: Story, tmp_path: Path) -> None:
    batch = data.panel_batch(story, tmp_path)
    assert batch.priors.tolist() == [[1, 0], [0.25, 0]]
    assert batch.known.tolist() == [[1, 1], [1, 0]]
    alone = batch.of_elements(["Dragon"])
    assert alone.known.tolist() == [[1], [0]]


def test_examples_are_the_marked_panels_and_the_references(story: Story, tmp_path: Path) -> None:
    found = story_examples(story, tmp_path)
    first, second, reference = found.drawn
    assert first.group != second.group
    assert first.regions == ((2 / 12, 5 / 60, 1, 25 / 60), None)
    assert second.labels.tolist() == [0.25, 0] and second.known.tolist() == [1, 0]
    assert reference.labels.tolist() == [1, 0] and reference.known.tolist() == [1, 0]
    assert reference.image.shape == (3, 50, 20)
    assert found.derived == ()  # the region is too small to be seen, the reference is not cut out


def test_a_reduced_panel_keeps_its_place_on_the_page() -> None:
    art = torch.arange(3 * 40 * 80).reshape(3, 40, 80).to(torch.uint8)
    keep = torch.zeros(1, 40, 80, dtype=torch.bool)
    keep[0, 7, 13] = True
    panel = data.PanelArt("p", art, keep, (100, 60), 1.0, regions={"Hero": Box(10, 20, 30, 40)})
    small = panel.reduced(20)
    assert small.art.shape == (3, 10, 20) and small.art.dtype == torch.uint8
    assert small.origin == (25, 15) and small.scale == 0.25
    assert small.keep.nonzero().tolist() == [[0, 1, 3]]  # a letter never gets lost
    assert small.regions == {"Hero": Box(2, 5, 8, 10)}
    assert panel.reduced(80) is panel
