"""Pages with the numbers of their panels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from comicloss.overlays import panel_overlays
from comicloss.story import Story, StoryPage, StoryPanel, Style, save_story


def test_every_page_with_panels_gets_a_numbered_picture(tmp_path: Path) -> None:
    (tmp_path / "art").mkdir()
    for number in (1, 2):
        Image.new("RGB", (300, 200), "white").save(tmp_path / "art" / f"p0{number}.png")
    panels = tuple(StoryPanel(id=f"p01-0{n}", box=(10 + 140 * n, 20, 130, 150)) for n in (0, 1))
    pages = (StoryPage(file="art/p01.png", panels=panels), StoryPage(file="art/p02.png"))
    save_story(Story(title="T", style=Style(prompt="ink"), pages=pages), tmp_path)
    said: list[tuple[int, int]] = []
    drawn = panel_overlays(tmp_path, progress=lambda done, total, _: said.append((done, total)))
    assert list(drawn) == ["art/p01.png"] and said == [(1, 2), (2, 2)]
    picture = np.asarray(Image.open(drawn["art/p01.png"]).convert("RGB"))
    assert picture.shape == (200, 300, 3)
    touched = np.argwhere((picture != 255).any(axis=2))
    assert (
        np.abs(touched.min(axis=0) - (20, 7)).max() <= 3
        and np.abs(touched.max(axis=0) - (170, 280)).max() <= 3
    )


def test_pictures_of_pages_that_are_gone_are_taken_away(tmp_path: Path) -> None:
    (tmp_path / "art").mkdir()
    Image.new("RGB", (90, 60), "white").save(tmp_path / "art" / "p01.png")
    left = tmp_path / "exports" / "panels" / "p07.png"
    left.parent.mkdir(parents=True)
    left.touch()
    page = StoryPage(file="art/p01.png", panels=(StoryPanel(id="a", box=(0, 0, 90, 60)),))
    save_story(Story(title="T", style=Style(prompt="ink"), pages=(page,)), tmp_path)
    (drawn,) = panel_overlays(tmp_path).values()
    assert list(left.parent.iterdir()) == [drawn]
