"""Pages into the story: nothing twice, nothing lost, redrawn pages in their places."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import comicloss.adding
from comicloss import pipeline
from comicloss.corrections import Correction
from comicloss.pipeline import AddedPage, AddSettings
from comicloss.story import StoryPage, load_story, save_story
from pages.errors import ComicLossError, InputError, StoryError, UsageError
from pages.read import load_rgb


def draw_page(
    path: Path, color: str = "red", *, size: tuple[int, int] = (400, 560), columns: int = 2
) -> Path:
    """Two rows of framed panels on white paper, with a disc of the color in each."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    width, height = size[0] / columns, size[1] / 2
    for row in (0, 1):
        for column in range(columns):
            left, top = column * width, row * height
            frame = (left + width * 0.06, top + height * 0.06, left + width * 0.94, top + height * 0.94)
            draw.rectangle(frame, fill="#ddeeff", outline="black", width=3)
            disc = (left + width * 0.3, top + height * 0.3, left + width * 0.6, top + height * 0.6)
            draw.ellipse(disc, fill=color, outline="black", width=2)
    path.parent.mkdir(exist_ok=True)
    image.save(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A story of two pages, marked, whose scans lie beside it."""
    folder = tmp_path / "story"
    pipeline.new_story(folder)
    scans = [draw_page(tmp_path / "scans" / f"page{n}.png", color) for n, color in ((1, "red"), (2, "blue"))]
    pipeline.add_pages(folder, scans)
    pipeline.find_story_panels(folder)
    pipeline.add_element(folder, "Disc", "prop")
    pipeline.set_marks(folder, [("p01-02", "Disc", 1.0)])
    return folder


def test_pages_know_where_they_came_from(folder: Path) -> None:
    assert [page.source for page in load_story(folder).pages] == ["../scans/page1.png", "../scans/page2.png"]


def test_a_redrawn_page_keeps_its_panels_marks_and_ids(folder: Path, tmp_path: Path) -> None:
    before = load_story(folder).pages
    content = (folder / "art" / "p01.png").read_bytes()
    draw_page(tmp_path / "scans" / "page1.png", "green")
    added = pipeline.add_pages(folder, [tmp_path / "scans"])
    assert [(page.file, page.replaced) for page in added] == [("art/p01-2.png", "art/replaced/p01.png")]
    assert (folder / "art" / "replaced" / "p01.png").read_bytes() == content
    assert not (folder / "art" / "p01.png").exists()
    stages = {stage.name: stage.state for stage in pipeline.status(folder).stages}
    assert stages["panels"] == "stale"
    pipeline.find_story_panels(folder)
    after = load_story(folder).pages
    assert after[0].panels == before[0].panels and after[1] == before[1]
    assert after[0].source == "../scans/page1.png"
    draw_page(tmp_path / "scans" / "page1.png", "yellow")
    assert pipeline.add_pages(folder, [tmp_path / "scans"])[0].file == "art/p01-3.png"


@pytest.mark.parametrize("size", [(800, 1120), (200, 280), (480, 560)])
def test_a_page_redrawn_at_another_size_keeps_them_too(
    folder: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    corners = ((12, 290), (190, 290), (150, 545), (12, 545))
    pipeline.correct_panels(folder, [Correction("set", "p02-03", corners)])
    story = load_story(folder)
    marked = story.panel("p01-02").model_copy(update={"regions": {"Disc": (250, 80, 100, 100)}})
    save_story(story.with_panel(marked), folder)
    before = load_story(folder)
    for number, color in ((1, "green"), (2, "yellow")):
        draw_page(tmp_path / "scans" / f"page{number}.png", color, size=size)
    pipeline.add_pages(folder, [tmp_path / "scans"])
    pipeline.find_story_panels(folder)
    after = load_story(folder)
    scale = np.array([size[0] / 400, size[1] / 560])
    assert [panel.id for panel in after.panels] == [panel.id for panel in before.panels]
    for old, new in zip(before.panels, after.panels, strict=True):
        assert np.abs(np.array(new.box) - np.array(old.box) * np.tile(scale, 2)).max() <= 4
        assert new.shows == old.shows and set(new.regions) == set(old.regions)
    polygon = np.array(after.panel("p02-03").polygon)
    assert np.abs(polygon - np.array(corners) * scale).max() <= 1
    assert after.panel("p02-03").by == "author"


def test_another_layout_gives_other_panels_but_loses_no_mark(folder: Path, tmp_path: Path) -> None:
    draw_page(tmp_path / "scans" / "page1.png", columns=1)
    pipeline.add_pages(folder, [tmp_path / "scans"])
    pipeline.find_story_panels(folder)
    story = load_story(folder)
    assert story.panel("p01-02").shows == ("Disc",)
    assert len(story.pages[0].panels) < 4


def test_a_page_is_replaced_by_name(folder: Path, tmp_path: Path) -> None:
    new = draw_page(tmp_path / "elsewhere.png", "green")
    (added,) = pipeline.add_pages(folder, [new], AddSettings(replace="2"))
    assert (added.file, added.replaced) == ("art/p02-2.png", "art/replaced/p02.png")
    assert [page.file for page in load_story(folder).pages] == ["art/p01.png", "art/p02-2.png"]
    assert load_story(folder).pages[1].source == "../elsewhere.png"
    with pytest.raises(StoryError, match='no page "p07"'):
        pipeline.add_pages(folder, [new], AddSettings(replace="p07"))
    with pytest.raises(UsageError, match="one page, not by several"):
        pipeline.add_pages(folder, [tmp_path / "scans"], AddSettings(replace="p01"))


def test_a_replacement_that_does_not_fit_changes_nothing(folder: Path, tmp_path: Path) -> None:
    story = load_story(folder)
    draw_page(folder / "art" / "flats.png")
    flats = story.pages[0].model_copy(update={"flats": "art/flats.png"})
    save_story(story.with_page(0, flats), folder)
    before = {path: path.read_bytes() for path in sorted(folder.rglob("*.*")) if path.is_file()}
    wide = draw_page(tmp_path / "wide.png", size=(900, 300))
    with pytest.raises(StoryError, match="another shape than its page"):
        pipeline.add_pages(folder, [wide], AddSettings(replace="p01"))
    after = {path: path.read_bytes() for path in sorted(folder.rglob("*.*")) if path.is_file()}
    after.pop(folder / ".cache" / "panels.json"), before.pop(folder / ".cache" / "panels.json")
    assert after == before


def test_the_pages_of_an_archive_come_in_order_and_once(folder: Path, tmp_path: Path) -> None:
    book = tmp_path / "book.cbz"
    with zipfile.ZipFile(book, "w") as archive:
        for number in (10, 9):
            archive.write(draw_page(tmp_path / f"{number}.png", f"#0000{number:02}"), f"page{number}.png")
    said: list[tuple[int, int]] = []
    added = pipeline.add_pages(folder, [book], progress=lambda done, total, _: said.append((done, total)))
    assert [page.file for page in added] == ["art/p03.png", "art/p04.png"] and said == [(1, 2), (2, 2)]
    assert [page.source for page in load_story(folder).pages[2:]] == ["../book.cbz#1", "../book.cbz#2"]
    assert (folder / "art" / "p03.png").read_bytes() == (tmp_path / "9.png").read_bytes()
    assert pipeline.add_pages(folder, [book]) == []


def test_what_the_author_put_into_art_is_not_written_over(folder: Path, tmp_path: Path) -> None:
    own = folder / "art" / "p03.psd"
    own.write_bytes(b"mine")
    (added,) = pipeline.add_pages(folder, [draw_page(tmp_path / "third.png", "green")])
    assert added.file == "art/p04.png" and own.read_bytes() == b"mine"


def test_a_file_that_is_no_picture_leaves_no_trace(folder: Path, tmp_path: Path) -> None:
    bad = tmp_path / "scans" / "page1.png"
    bad.write_bytes(bad.read_bytes()[:900])
    before = sorted(folder.rglob("*"))
    with pytest.raises(InputError, match=r"page1\.png"):
        pipeline.add_pages(folder, [bad])
    assert sorted(folder.rglob("*")) == before


def test_sources_can_be_left_out(tmp_path: Path) -> None:
    pipeline.new_story(tmp_path / "s")
    page = draw_page(tmp_path / "upload" / "page.png")
    for color in ("red", "green"):
        draw_page(page, color)
        pipeline.add_pages(tmp_path / "s", [page], AddSettings(keep_source=False))
    pages = load_story(tmp_path / "s").pages
    assert pages == (StoryPage(file="art/p01.png"), StoryPage(file="art/p02.png"))


def photograph(path: Path) -> Path:
    """A sheet with a drawing on a dark table, seen askew."""
    sheet = draw_page(path.with_name("sheet.png"), size=(600, 840))
    page = Image.open(sheet).convert("RGB")
    picture = page.transform(
        (900, 1200),
        Image.Transform.PERSPECTIVE,
        _homography([(130, 140), (760, 110), (800, 1080), (90, 1040)], page.size),
        Image.Resampling.BICUBIC,
    )
    inside = Image.new("L", page.size, 255).transform(
        (900, 1200),
        Image.Transform.PERSPECTIVE,
        _homography([(130, 140), (760, 110), (800, 1080), (90, 1040)], page.size),
    )
    light = np.linspace(0.95, 0.6, 900)[None, :, None]
    lit = np.where(np.asarray(inside)[..., None] > 127, np.asarray(picture) * light, 70 * light)
    Image.fromarray(lit.astype(np.uint8)).save(path, quality=92)
    return path


def _homography(corners: list[tuple[int, int]], size: tuple[int, int]) -> list[float]:
    """Pillow's coefficients: from a pixel of the photograph to one of the sheet."""
    width, height = size
    rows, values = [], []
    for (x, y), (u, v) in zip(corners, [(0, 0), (width, 0), (width, height), (0, height)], strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return [float(value) for value in np.linalg.solve(np.array(rows, float), np.array(values, float))]


def test_a_photograph_is_offered_and_straightened_and_stays_untouched(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    pipeline.new_story(folder)
    taken = photograph(tmp_path / "shot.jpg")
    (offered,) = pipeline.add_pages(folder, [taken])
    assert offered == AddedPage("art/p01.jpg", None, True)
    (straight,) = pipeline.add_pages(folder, [taken], AddSettings(photograph=True))
    assert straight == AddedPage("art/p01-2.png", "art/replaced/p01.jpg", False)
    (page,) = load_story(folder).pages
    assert page.photograph == "art/p01-2-photograph.jpg"
    assert (folder / page.photograph).read_bytes() == taken.read_bytes()
    picture = load_rgb(folder / page.file)
    assert abs(picture.shape[0] / picture.shape[1] - 1.4) < 0.05
    assert np.median(picture[5:-5, 5:15]) > 240  # the paper is white, and the table is gone
    for settings in (AddSettings(), AddSettings(photograph=True)):
        assert pipeline.add_pages(folder, [taken], settings) == []


def test_a_photograph_that_cannot_be_straightened_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "s"
    pipeline.new_story(folder)

    def fails(*_: object, **__: object) -> None:
        raise InputError("no sheet", remedy="Try again.")

    monkeypatch.setattr(comicloss.adding, "straighten", fails)
    with pytest.raises(ComicLossError):
        pipeline.add_pages(folder, [draw_page(tmp_path / "a.png")], AddSettings(photograph=True))
    assert not list((folder / "art").iterdir())
