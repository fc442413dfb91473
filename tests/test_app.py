"""The app, as a person in front of a browser meets it, and its parts without one."""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import gradio as gr
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, sync_playwright

import app
from comicloss import pipeline
from comicloss.pipeline import Progress, Stop
from pages.errors import InputError, Stopped
from pages.read import load_rgb

WAIT = 60_000  # milliseconds: a busy machine must not fail a test


def draw_page(path: Path, *, panels: int) -> Path:
    """Framed panels below each other, each with a disc in it."""
    height = 20 + 120 * panels
    image = Image.new("RGB", (200, height), "white")
    draw = ImageDraw.Draw(image)
    for number in range(panels):
        top = 20 + 120 * number
        draw.rectangle((15, top, 185, top + 100), fill="#eeeedd", outline="black", width=2)
        draw.ellipse((40 + 20 * number, top + 25, 90 + 20 * number, top + 75), fill="red", outline="black")
    image.save(path)
    return path


@pytest.fixture
def story(tmp_path: Path) -> Path:
    """A story of one page, three panels, the Hero and the Dragon."""
    folder = tmp_path / "story"
    pipeline.new_story(folder)
    pipeline.add_pages(folder, [draw_page(tmp_path / "page.png", panels=3)])
    pipeline.find_story_panels(folder)
    pipeline.add_element(folder, "Hero")
    pipeline.add_element(folder, "Dragon")
    return folder


def shows(folder: Path) -> list[list[str] | None]:
    """What story.toml says that each panel shows."""
    told = tomllib.loads((folder / "story.toml").read_text(encoding="utf-8"))
    return [panel.get("shows") for page in told["pages"] for panel in page["panels"]]


def priors(folder: Path) -> list[tuple[float | None, ...]]:
    return list(pipeline.marks_table(folder).priors)


# The grid


def test_a_panel_that_shows_nobody_is_not_one_that_is_not_marked(story: Path) -> None:
    pipeline.set_marks(story, [("p01-01", "Hero", 1.0), ("p01-02", "Hero", 0.0)])
    table = app.table_of(story)
    assert table["headers"] == ["panel", "Hero", "Dragon", "nobody"]
    assert table["value"] == [
        ["p01-01", True, False, False],
        ["p01-02", False, False, True],
        ["p01-03", False, False, False],
    ]


def test_a_row_with_a_tick_says_everything_and_one_without_says_nothing(story: Path) -> None:
    app.save_marks(
        story,
        [["p01-01", True, False, False], ["p01-02", False, False, True], ["p01-03", False, False, False]],
    )
    assert shows(story) == [["Hero"], [], None]
    assert priors(story) == [(1.0, 0.0), (0.0, 0.0), (None, None)]


def test_a_tick_taken_away_takes_back_what_it_said(story: Path) -> None:
    app.save_marks(
        story,
        [["p01-01", True, True, False], ["p01-02", False, False, True], ["p01-03", True, False, False]],
    )
    app.save_marks(
        story,
        [["p01-01", False, True, False], ["p01-02", False, False, False], ["p01-03", True, False, False]],
    )
    assert priors(story) == [(0.0, 1.0), (None, None), (1.0, 0.0)]


def test_the_grid_keeps_beliefs_and_doubts_that_it_cannot_show(story: Path) -> None:
    pipeline.set_marks(story, [("p01-01", "Hero", 0.7), ("p01-01", "Dragon", None), ("p01-02", "Hero", 0.2)])
    before = (story / "story.toml").read_bytes()
    app.save_marks(story, app.table_of(story)["value"])
    assert (story / "story.toml").read_bytes() == before


def test_a_sorted_grid_marks_the_same_panels(story: Path) -> None:
    rows = [["p01-03", True, False, False], ["p01-01", False, True, False], ["p01-02", False, False, False]]
    app.save_marks(story, rows)
    assert shows(story) == [["Dragon"], None, ["Hero"]]


@pytest.mark.parametrize(
    "rows",
    [
        [["p01-01", True, False, False]],
        [["p01-01", True], ["p01-02", True], ["p01-03", True]],
        [["p09-01", True, False, False], ["p01-02", True, False, False], ["p01-03", True, False, False]],
    ],
)
def test_a_grid_that_is_not_of_this_story_is_refused(story: Path, rows: list[list[Any]]) -> None:
    with pytest.raises(gr.Error, match="older than the story"):
        app.save_marks(story, rows)
    assert shows(story) == [None, None, None]


# The panels


def test_boxes_are_corrected_in_their_grid(story: Path) -> None:
    rows = app.panels_of(story)["value"]
    assert [row[0] for row in rows] == ["p01-01", "p01-02", "p01-03"]
    before = (story / "story.toml").read_bytes()
    assert not app.save_panels(story, rows)
    assert (story / "story.toml").read_bytes() == before
    rows[1][1:] = ["10", 140, 180.0, 102]
    assert app.save_panels(story, rows)
    assert pipeline.load_story(story).panel("p01-02").box == (10, 140, 180, 102)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (["p01-02", "wide", 1, 2, 3], "whole numbers"),
        (["p01-02", -1, 1, 2, 3], "0 or more"),
        (["p01-02", 0, 0, 0, 3], "1 or more"),
        (["p01-09", 0, 0, 9, 9], "older than the story"),
    ],
)
def test_boxes_that_are_none_are_refused(story: Path, row: list[Any], message: str) -> None:
    rows = app.panels_of(story)["value"]
    before = (story / "story.toml").read_bytes()
    with pytest.raises(gr.Error, match=message):
        app.save_panels(story, [rows[0], row, rows[2]])
    assert (story / "story.toml").read_bytes() == before


def test_pages_to_look_at_are_named_until_they_are_confirmed(story: Path) -> None:
    text = (story / "story.toml").read_text(encoding="utf-8")
    doubtful = re.sub(r"(?m)^confidence = [\d.]+", "confidence = 0.2", text, count=1)
    (story / "story.toml").write_text(doubtful, encoding="utf-8")
    assert "Look at p01" in app.doubts_of(story)
    app.confirm_panels(story)
    assert app.doubts_of(story) == ""
    assert {panel.by for panel in pipeline.load_story(story).panels} == {"author"}


# Names


@pytest.mark.parametrize(
    "name", ["", " ", ".", "..", "../evil", "a/b", "a\\b", ".hidden", "C:", "x" * 300, "a\0"]
)
def test_a_story_stays_in_the_folder_of_stories(tmp_path: Path, name: str) -> None:
    with pytest.raises(gr.Error, match="plain name"):
        app.folder_of(tmp_path, name)


def test_stories_are_listed_with_the_last_one_first(tmp_path: Path) -> None:
    for age, name in enumerate(["new", "old"]):
        pipeline.new_story(tmp_path / name)
        os.utime(tmp_path / name / "story.toml", (1000 - age, 1000 - age))
    (tmp_path / "no-story").mkdir()
    assert app.stories(tmp_path) == ["new", "old"]


# The job


def until(condition: Callable[[], Any], seconds: float = WAIT / 1000) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


def test_a_job_tells_how_far_it_is_and_what_came_of_it(tmp_path: Path) -> None:
    job, go_on, reported = app.Job(), threading.Event(), threading.Event()

    def work(progress: Progress, stop: Stop) -> str:
        progress(0, 4, "tuning <b>")
        progress(1, 4, "tuning <b>")
        reported.set()
        assert go_on.wait(60)
        return "Done & well."

    assert job.html() == ""
    assert job.start(tmp_path, work)
    assert reported.wait(60)
    assert "<b>Tuning &lt;b&gt;</b>: 1 of 4, about 0 s left" in job.html()
    assert '<progress max="4" value="1">' in job.html()
    assert not job.start(tmp_path, work), "one job at a time"
    go_on.set()
    until(lambda: not job.running)
    assert job.html() == "<p>Done &amp; well.</p>"


def test_a_stopped_job_says_how_to_go_on(tmp_path: Path) -> None:
    job = app.Job()

    def work(progress: Progress, stop: Stop) -> str:
        until(stop)
        raise Stopped("Tuning: stopped.", remedy="Run the same command again.")

    job.start(tmp_path, work)
    job.stop()
    until(lambda: not job.running)
    assert "What is done is kept" in job.html() and "command" not in job.html()
    assert job.start(tmp_path, lambda progress, stop: f"stopped at once: {stop()}")
    until(lambda: not job.running)
    assert "False" in job.html()


def test_an_error_for_a_person_is_told_without_a_traceback(tmp_path: Path) -> None:
    job = app.Job()

    def work(progress: Progress, stop: Stop) -> str:
        raise InputError("page.png: <no> picture.", remedy="Choose another.")

    job.start(tmp_path, work)
    until(lambda: not job.running)
    assert job.html() == "<p>page.png: &lt;no&gt; picture.<br>Choose another.</p>"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_reaches_the_person(tmp_path: Path) -> None:
    job = app.Job()

    def work(progress: Progress, stop: Stop) -> str:
        raise ValueError("what a pity")

    job.start(tmp_path, work)
    until(lambda: not job.running)
    assert "bug in comicloss. ValueError: what a pity" in job.html()


# In the browser


@dataclass
class Visit:
    """One visit to the app in a browser, and what must not happen on it."""

    page: Page
    root: Path
    url: str
    errors: list[str] = field(default_factory=list)
    hosts: set[str | None] = field(default_factory=set)

    def type(self, place: str, text: str) -> None:
        self.page.locator(f"{place} input, {place} textarea").first.fill(text)

    def tick(self, row: int, column: int) -> None:
        self.page.locator(f"[data-testid=cell-{row}-{column}] input[type=checkbox]").first.click()

    def message(self) -> str:
        """The message that has come up; it is closed."""
        toast = self.page.locator(".toast-body")
        toast.first.wait_for()
        text = toast.first.inner_text()
        self.page.locator(".toast-close").first.click()
        toast.first.wait_for(state="detached")
        return text


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        missing = "chromium is not installed: the browser tests of the app need it (apt install chromium)"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The folder of stories and the address of the app that serves it."""
    root = tmp_path_factory.mktemp("stories")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
        page = app.launch(root, prevent_thread_lock=True, quiet=True)
        yield root, page.local_url
        page.close(verbose=False)


@pytest.fixture
def visit(browser: Browser, served: tuple[Path, str]) -> Iterator[Visit]:
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(WAIT)
    visit = Visit(page, *served)
    page.on("console", lambda said: visit.errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: visit.errors.append(str(error)))
    page.on("request", lambda request: visit.hosts.add(urlparse(request.url).hostname))
    yield visit
    page.close()
    assert visit.errors == []
    assert visit.hosts == {"127.0.0.1"}


@pytest.mark.timeout(900)
def test_an_author_opens_a_story_adds_pages_and_marks_them(visit: Visit, tmp_path: Path) -> None:
    page, folder = visit.page, visit.root / "dragon"
    page.goto(visit.url)
    no_picture = tmp_path / "letter.png"
    no_picture.write_text("Dear reader")
    pages = [draw_page(tmp_path / "one.png", panels=2), no_picture, draw_page(tmp_path / "two.png", panels=1)]

    visit.type("#story", "../evil")
    page.locator("#open").click()
    assert "plain name" in visit.message()
    visit.type("#story", "dragon")
    page.keyboard.press("Enter")
    visit.type("#title", "A Spoon for a Sword")
    page.locator("#open").click()
    until(lambda: (folder / "story.toml").exists())
    page.locator("#stages").get_by_text("no pages yet").wait_for()
    page.locator("#make").click()
    assert "Add some pages first" in visit.message()

    page.locator("#pages input[type=file]").set_input_files(pages)
    page.locator("#pages").get_by_text("two").first.wait_for()
    page.locator("#add").click()
    told = visit.message()
    assert "letter.png: this is no picture" in told and str(tmp_path) not in told
    page.locator("#panels img").nth(1).wait_for()
    for column, name in enumerate(["Hero", "Dragon"], 1):
        visit.type("#element", name)
        page.locator("#add-element").click()
        page.locator(f"[data-testid=cell-2-{column + 1}]").first.wait_for()
    visit.tick(0, 1)
    visit.tick(0, 2)
    visit.tick(1, 3)
    until(lambda: shows(folder) == [["Hero", "Dragon"], [], None])

    told_by_file = tomllib.loads((folder / "story.toml").read_text(encoding="utf-8"))
    assert told_by_file["title"] == "A Spoon for a Sword"
    assert [each["file"] for each in told_by_file["pages"]] == ["art/p01.png", "art/p02.png"]
    assert [element["name"] for element in told_by_file["elements"]] == ["Hero", "Dragon"]
    assert not (visit.root.parent / "evil").exists()
    for private in ("/etc/passwd", str(Path(app.__file__))):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{visit.url}gradio_api/file={private}", timeout=60)
        assert refused.value.code in (403, 404)
        refused.value.close()


@pytest.mark.timeout(900)
def test_work_shows_its_progress_can_be_stopped_and_leaves_files(
    visit: Visit, story: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, folder = visit.page, visit.root / "story"

    def stylize(folder: Path, *, prompt: str, steps: int, progress: Progress, stop: Stop) -> list[Path]:
        if prompt == "patience":
            progress(3, 50, "tuning")
            until(stop)
            raise Stopped("Tuning: stopped.", remedy="Run the same command again.")
        (folder / "finished").mkdir()
        return [draw_page(folder / "finished" / "p01.png", panels=3)]

    def export(folder: Path, *, progress: Progress, stop: Stop) -> None:
        (folder / "exports" / "story.cbz").write_bytes(b"a comic")

    monkeypatch.setattr(pipeline, "stylize", stylize)
    monkeypatch.setattr(pipeline, "export", export)
    story.rename(folder)
    page.goto(visit.url)
    page.locator("[data-testid=cell-2-3]").first.wait_for()  # the last story is there at once
    visit.type("#style", "patience")
    page.locator("#make").click()
    page.locator("#progress").get_by_text("3 of 50").wait_for()
    page.locator("#stop").click()
    page.locator("#progress").get_by_text("What is done is kept").wait_for()
    visit.type("#style", "ink")
    page.locator("#make").click()
    page.locator("#finished img").first.wait_for()
    assert "Done. Finished pages: 1." in page.locator("#progress").inner_text()
    with page.expect_download() as download:
        page.locator("#downloads a").first.click()
    assert download.value.suggested_filename == "story.cbz"
    assert download.value.path().read_bytes() == b"a comic"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_author_makes_a_comic(visit: Visit, story: Path) -> None:
    page, folder = visit.page, visit.root / "made"
    app.save_marks(
        story,
        [["p01-01", True, False, False], ["p01-02", False, True, False], ["p01-03", True, False, False]],
    )
    story.rename(folder)
    page.goto(visit.url)
    page.locator("[data-testid=cell-2-3]").first.wait_for()
    page.set_default_timeout(280_000)
    visit.type("#style", "xyzzy qwertz")
    page.locator("#make").click()
    page.locator("#progress").get_by_text("xyzzy").wait_for()
    page.locator("#show-styles").click()
    page.locator("#styles img").first.click()
    page.wait_for_function("!document.querySelector('#style input, #style textarea').value.includes('xyzzy')")
    page.locator("#steps input[type=number]").fill("2")
    page.locator("#steps input[type=number]").press("Tab")
    page.locator("#make").click()
    page.locator("#progress").get_by_text("Done.").wait_for()
    assert load_rgb(folder / "finished" / "p01.png").shape == load_rgb(folder / "art" / "p01.png").shape
    assert page.locator("#finished img").count() == 1
    assert list((folder / "exports").glob("*.cbz")) and (folder / "exports" / "report.html").exists()
