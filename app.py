"""The Gradio front end: widgets only. Everything is done by ``comicloss.pipeline``.

One person, one machine: the server listens on this computer alone, and one job runs at a time. The job
belongs to the server, so closing the tab does not stop it; the page shows it again when it is opened. Stories
are kept in one folder, the only one that the server reads from.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when gradio is imported

import gradio as gr

from comicloss import pipeline
from comicloss.pipeline import ComicLossError, Progress, Stop

EXAMPLES = ["watercolor on rough paper", "noir ink, high contrast", "pop art with halftone dots", "manga"]
NOT_STARTED = "Nothing is running."


class Job:
    """The one piece of long work: it runs in a thread of the server and is asked how it goes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._began = 0.0
        self._state = (0, 1, "")
        self.outcome = NOT_STARTED

    @property
    def running(self) -> bool:
        """Whether work is under way."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, work: Callable[[Progress, Stop], str]) -> bool:
        """Begin the work unless other work is under way; False then."""
        with self._lock:
            if self.running:
                return False
            self._stop.clear()
            self._state, self._began, self.outcome = (0, 1, "starting"), time.monotonic(), ""
            self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
            self._thread.start()
            return True

    def stop(self) -> None:
        """Ask the work to stop; what is done is kept."""
        self._stop.set()

    def progress(self, done: int, total: int, what: str) -> None:
        """Called by the stages."""
        if what != self._state[2]:
            self._began = time.monotonic()
        self._state = (done, total, what)

    def text(self) -> str:
        """How it goes, as markdown."""
        if not self.running:
            return self.outcome
        done, total, what = self._state
        share = done / max(total, 1)
        line = f"**{what}**: {done} of {total}"
        if done:
            left = (time.monotonic() - self._began) * (1 - share) / share
            line += f", about {left:.0f} s left"
        filled = round(30 * share)
        stopping = " Stopping as soon as what is done is safe." if self._stop.is_set() else ""
        return f"{line}{stopping}\n\n`{'█' * filled}{'░' * (30 - filled)}`"

    def _run(self, work: Callable[[Progress, Stop], str]) -> None:
        try:
            self.outcome = work(self.progress, self._stop.is_set)
        except ComicLossError as error:
            self.outcome = f"**{error.problem}**\n\n{error.remedy}"
        except Exception as error:  # a bug must reach the person, not vanish with the thread
            self.outcome = f"**This is a bug in comicloss:** {type(error).__name__}: {error}"
            raise


def told(function: Callable[..., Any]) -> Callable[..., Any]:
    """A handler whose errors for a person appear as a message on the page."""

    def handler(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except ComicLossError as error:
            raise gr.Error(f"{error.problem}\n{error.remedy}", print_exception=False) from error

    return handler


def folder_of(root: Path, name: str) -> Path:
    """The folder of the story that a person named."""
    if not name.strip() or Path(name.strip()).name != name.strip() or name.strip().startswith("."):
        raise gr.Error("Give the story a plain name, such as my-story.", print_exception=False)
    return root / name.strip()


def table_of(folder: Path) -> dict[str, Any]:
    """The marks as an update of the grid: a row for each panel; "seen": the author has gone through it."""
    table = pipeline.marks_table(folder)
    rows = [
        [panel, any(prior is not None for prior in priors), *((prior or 0) >= 0.5 for prior in priors)]
        for panel, priors in zip(table.panel_ids, table.priors, strict=True)
    ]
    headers = ["panel", "seen", *table.element_names]
    datatype = ["str", *["bool"] * (len(headers) - 1)]
    return gr.update(value=rows, headers=headers, datatype=datatype, column_count=len(headers))


def save_marks(folder: Path, rows: list[list[Any]]) -> None:
    """Set what the grid changed; beliefs and doubts that the grid cannot show stay as they are."""
    table = pipeline.marks_table(folder)
    marks: list[tuple[str, str, float | None]] = []
    for panel, priors, row in zip(table.panel_ids, table.priors, rows, strict=True):
        was_seen = any(prior is not None for prior in priors)
        ticks = [tick is True or tick == "true" for tick in row[1:]]
        for name, prior, shown in zip(table.element_names, priors, ticks[1:], strict=True):
            if ticks[0] and (not was_seen or ((prior or 0) >= 0.5) != shown):
                marks.append((panel, name, float(shown)))
    if marks:
        pipeline.set_marks(folder, marks)


def open_story(root: Path, story: str, title: str, direction: str) -> tuple[Any, Any, str]:
    """Make or open a story: its marks, its numbered pages and what comes next."""
    folder = folder_of(root, story)
    if not (folder / "story.toml").exists():
        pipeline.new_story(folder, title=title or None, direction=direction)  # type: ignore[arg-type]
    return table_of(folder), list(pipeline.panel_overlays(folder).values()), whats_next(folder)


def add_pictures(root: Path, story: str, files: list[str] | None) -> tuple[Any, Any, str]:
    """Add uploaded pages and find their panels."""
    folder = folder_of(root, story)
    if not files:
        raise gr.Error("Choose some pages first.", print_exception=False)
    pipeline.add_pages(folder, [Path(file) for file in files])
    pipeline.find_story_panels(folder)
    return table_of(folder), list(pipeline.panel_overlays(folder).values()), whats_next(folder)


def add_element(root: Path, story: str, name: str, kind: str) -> tuple[Any, str]:
    """Add a character, setting or prop as a column of the grid."""
    folder = folder_of(root, story)
    if not name.strip():
        raise gr.Error("Give the element a name.", print_exception=False)
    pipeline.add_element(folder, name.strip(), kind=kind)  # type: ignore[arg-type]
    return table_of(folder), ""


def whats_next(folder: Path) -> str:
    """The stages and their state, as markdown."""
    signs = {"done": "✓", "stale": "↻", "missing": "○"}
    stages = pipeline.status(folder).stages
    return "  ".join(f"{signs[stage.state]} {stage.name}" for stage in stages)


def finished(root: Path, story: str) -> tuple[list[str], list[str]]:
    """Finished pages to look at and files to take away."""
    if not (root / story / "story.toml").is_file():
        return [], []
    folder = folder_of(root, story)
    pages = [str(path) for path in sorted((folder / "finished").glob("*.png"))]
    kinds = (".cbz", ".pdf", ".html", ".png", ".jpg")
    exports = [str(path) for path in sorted((folder / "exports").glob("*.*")) if path.suffix in kinds]
    return pages, exports


def build(root: Path) -> gr.Blocks:
    """The page, for the stories kept in ``root``."""
    job = Job()

    def make(story: str, rows: list[list[Any]], prompt: str, steps: float) -> str:
        folder = folder_of(root, story)
        if not prompt.strip():
            raise gr.Error("Say in words how the comic should look.", print_exception=False)
        save_marks(folder, rows)
        has_marks = any(prior is not None for row in pipeline.marks_table(folder).priors for prior in row)

        def work(progress: Progress, stop: Stop) -> str:
            if has_marks:
                pipeline.train(folder, progress=progress, stop=stop)
            pages = pipeline.stylize(
                folder, prompt=prompt.strip(), steps=int(steps), progress=progress, stop=stop
            )
            pipeline.export(folder, progress=progress, stop=stop)
            return f"Done: {len(pages)} finished pages in {folder / 'finished'}."

        if not job.start(work):
            raise gr.Error("Work is under way already; stop it first.", print_exception=False)
        return job.text()

    def look(story: str) -> tuple[str, Any, Any]:
        if job.running:
            return job.text(), gr.skip(), gr.skip()
        pages, files = finished(root, story)
        return job.text(), pages, files

    with gr.Blocks(title="comicloss") as page:
        gr.Markdown("# comicloss\nRough pages in, one finished comic out.")
        with gr.Group():
            gr.Markdown("### 1. Story and pages")
            with gr.Row():
                story = gr.Textbox(label="Story", value="my-story", elem_id="story")
                title = gr.Textbox(label="Title", elem_id="title")
                direction = gr.Dropdown(["ltr", "rtl", "ttb"], value="ltr", label="Reading direction")
                opened = gr.Button("Make or open", elem_id="open")
            files = gr.File(
                file_count="multiple",
                file_types=["image"],
                label="Pages",
                elem_id="pages",
                allow_reordering=True,
            )
            added = gr.Button("Add these pages", elem_id="add")
            numbered = gr.Gallery(label="Panels in reading order", columns=4, height=320, elem_id="panels")
        with gr.Group():
            gr.Markdown(
                "### 2. Who and what is in each panel\n"
                "Tick *seen* for a panel you have gone through: what is not ticked there counts as absent."
            )
            with gr.Row():
                element = gr.Textbox(label="New element", placeholder="Hero", elem_id="element")
                kind = gr.Dropdown(["character", "setting", "prop"], value="character", label="Kind")
                added_element = gr.Button("Add element", elem_id="add-element")
            marks = gr.Dataframe(
                headers=["panel", "seen"],
                datatype=["str", "bool"],
                type="array",
                interactive=True,
                static_columns=[0],
                pinned_columns=1,
                label="Marks",
                elem_id="marks",
            )
        with gr.Group():
            gr.Markdown("### 3. Make")
            prompt = gr.Textbox(label="Style", value=EXAMPLES[0], elem_id="style")
            gr.Examples(EXAMPLES, prompt)
            steps = gr.Slider(0, 400, value=50, step=10, label="Fine-tuning steps", elem_id="steps")
            with gr.Row():
                made = gr.Button("Make the comic", variant="primary", elem_id="make")
                stopped = gr.Button("Stop", variant="stop", elem_id="stop")
            progress = gr.Markdown(NOT_STARTED, elem_id="progress")
            stages = gr.Markdown(elem_id="stages")
        with gr.Group():
            gr.Markdown("### 4. Take it away")
            gallery = gr.Gallery(label="Finished pages", columns=3, elem_id="finished")
            downloads = gr.File(
                label="Downloads", file_count="multiple", interactive=False, elem_id="downloads"
            )
        timer = gr.Timer(1.0)

        opened.click(told(partial(open_story, root)), [story, title, direction], [marks, numbered, stages])
        added.click(told(partial(add_pictures, root)), [story, files], [marks, numbered, stages])
        added_element.click(told(partial(add_element, root)), [story, element, kind], [marks, element])
        made.click(told(make), [story, marks, prompt, steps], progress)
        stopped.click(job.stop)
        timer.tick(look, story, [progress, gallery, downloads], show_progress="hidden")
        page.load(look, story, [progress, gallery, downloads])
    return page


def main() -> None:
    """Serve the page on this computer: ``comicloss-app [FOLDER OF STORIES]``."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else "stories").resolve()
    root.mkdir(parents=True, exist_ok=True)
    page = build(root)
    page.queue(max_size=16, api_open=False)
    page.launch(server_name="127.0.0.1", share=False, max_file_size="200mb", allowed_paths=[str(root)])


if __name__ == "__main__":
    main()
