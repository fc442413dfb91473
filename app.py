"""The Gradio front end: widgets only. Everything is done by ``comicloss.pipeline``.

One person, one machine: the server listens on this computer alone, and one job runs at a time. The job
belongs to the server, so closing the tab does not stop it; the page shows it again when it is opened. Stories
are kept in one folder, the only one that the server reads from. Every change is saved at once.
"""

from __future__ import annotations

import argparse
import html
import os
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when gradio is imported

import gradio as gr

from comicloss import pipeline
from comicloss.pipeline import ComicLossError, Progress, Stop

FIRST_STORY = "my-story"
FIRST_STYLE = "watercolor on rough paper"
DIRECTIONS = [("left to right", "ltr"), ("right to left (manga)", "rtl"), ("top to bottom (webtoon)", "ttb")]
THEME = gr.themes.Default(
    primary_hue="orange",
    neutral_hue="stone",
    font=["system-ui", "sans-serif"],
    font_mono=["system-ui", "sans-serif"],
)
CSS = """
.gradio-container { max-width: 1200px !important; margin: 0 auto !important; }
#open, #add-element { flex-grow: 0; min-width: 11rem; }
#panels .thumbnail-lg, #finished .thumbnail-lg { aspect-ratio: 5 / 7; }
#progress progress { width: 100%; height: .6rem; accent-color: var(--color-accent); }
#progress p { margin: 0 0 .4rem; }
"""


class Job:
    """The one piece of long work: it runs in a thread of the server and is asked how it goes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._began = (0, 0.0)
        self._state = (0, 1, "")
        self.folder: Path | None = None
        self.outcome = ""

    @property
    def running(self) -> bool:
        """Whether work is under way."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, folder: Path, work: Callable[[Progress, Stop], str]) -> bool:
        """Begin the work on a story unless other work is under way; False then."""
        with self._lock:
            if self.running:
                return False
            self._stop.clear()
            self._state, self.folder, self.outcome = (0, 1, "starting"), folder, ""
            self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
            self._thread.start()
            return True

    def stop(self) -> None:
        """Ask the work to stop; what is done is kept."""
        self._stop.set()

    def progress(self, done: int, total: int, what: str) -> None:
        """Called by the stages."""
        if what != self._state[2]:
            self._began = (done, time.monotonic())
        self._state = (done, total, what)

    def html(self) -> str:
        """How it goes, or how it went."""
        if not self.running:
            return self.outcome and f"<p>{html.escape(self.outcome).replace(chr(10), '<br>')}</p>"
        done, total, what = self._state
        if self._stop.is_set():
            told = "stopping as soon as what is done is safe"
        else:
            told = f"{done} of {total}{self._time_left()}"
        bar = f'<progress max="{max(total, 1)}" value="{done}"></progress>'
        return f"<p><b>{html.escape(what[:1].upper() + what[1:])}</b>: {told}</p>{bar}"

    def _time_left(self) -> str:
        done, total, _ = self._state
        before, began = self._began  # a job that goes on from a checkpoint does not begin at 0
        if done <= before:
            return ""
        seconds = (time.monotonic() - began) / (done - before) * (total - done)
        return f", about {seconds:.0f} s left" if seconds < 90 else f", about {seconds / 60:.0f} min left"

    def _run(self, work: Callable[[Progress, Stop], str]) -> None:
        try:
            self.outcome = work(self.progress, self._stop.is_set)
        except ComicLossError as error:
            stopped = "Stopped. What is done is kept; make the comic again to go on from here."
            self.outcome = stopped if self._stop.is_set() else f"{error.problem}\n{error.remedy}"
        except Exception as error:  # a bug must reach the person, not vanish with the thread
            self.outcome = f"This is a bug in comicloss. {type(error).__name__}: {error}"
            raise


def refused(problem: str) -> gr.Error:
    """A message on the page, to be raised."""
    return gr.Error(problem, print_exception=False)


def told(handler: Callable[..., Any]) -> Callable[..., Any]:
    """A handler whose errors for a person appear as a message on the page."""

    def telling(*arguments: Any) -> Any:
        try:
            return handler(*arguments)
        except ComicLossError as error:
            text = html.escape(f"{error.problem}\n{error.remedy}")
            raise gr.Error(text, print_exception=False) from error

    return telling


def folder_of(root: Path, name: str) -> Path:
    """The folder of the story that a person named."""
    name = (name or "").strip()
    if not name or name.startswith(".") or any(letter in name for letter in '/\\:*?"<>|\0') or len(name) > 80:
        raise refused("Give the story a plain name, such as my-story.")
    return root / name


def opened_folder(root: Path, name: str) -> Path:
    """The folder of a story that is there already."""
    folder = folder_of(root, name)
    if not (folder / "story.toml").exists():
        raise refused("Make or open the story first.")
    return folder


def stories(root: Path) -> list[str]:
    """The names of all stories, the one worked on last first."""
    files = sorted(root.glob("[!.]*/story.toml"), key=lambda path: path.stat().st_mtime, reverse=True)
    return [path.parent.name for path in files]


def table_of(folder: Path) -> dict[str, Any]:
    """The marks as an update of the grid: a row for each panel, a column for each element and one for nobody.

    A row without any tick is a panel that the author has not gone through.
    """
    table = pipeline.marks_table(folder)
    rows = []
    for panel, priors in zip(table.panel_ids, table.priors, strict=True):
        shown = _shown(priors)
        rows.append([panel, *shown, _gone_through(priors) and not any(shown)])
    return grid(table.element_names, rows)


def grid(elements: Sequence[str], rows: list[list[Any]]) -> dict[str, Any]:
    """An update of the grid to these elements and rows."""
    headers = ["panel", *elements, "nobody"]
    update: dict[str, Any] = gr.update(
        value=rows,
        headers=headers,
        datatype=["str", *["bool"] * (len(headers) - 1)],
        column_count=len(headers),
        visible=bool(rows),
    )
    return update


def save_marks(folder: Path, rows: list[list[Any]]) -> None:
    """Set what the grid changed; beliefs and doubts that the grid cannot show stay as they are.

    In a row with a tick, elements without one are not there. A row without any says nothing of its panel.
    """
    table = pipeline.marks_table(folder)
    ticks = {str(row[0]): [tick is True or tick == "true" for tick in row[1:]] for row in rows}
    columns = len(table.element_names) + 1
    if set(ticks) != set(table.panel_ids) or any(len(row) != columns for row in ticks.values()):
        raise refused("The grid is older than the story. Open the story again.")
    marks: list[tuple[str, str, float | None]] = []
    for panel, priors in zip(table.panel_ids, table.priors, strict=True):
        shown = ticks[panel][:-1]
        before = _shown(priors) if _gone_through(priors) else [None] * len(priors)
        now = shown if any(ticks[panel]) else [None] * len(priors)
        for name, was, is_now in zip(table.element_names, before, now, strict=True):
            if was != is_now:
                marks.append((panel, name, None if is_now is None else float(is_now)))
    if marks:
        pipeline.set_marks(folder, marks)


def _gone_through(priors: Sequence[float | None]) -> bool:
    return any(prior is not None for prior in priors)


def _shown(priors: Sequence[float | None]) -> list[bool]:
    return [prior is not None and prior >= 0.5 for prior in priors]


def add_files(folder: Path, files: list[str]) -> None:
    """Add each page that can be read and find its panels; tell which ones cannot."""
    for file in map(Path, files):
        try:
            pipeline.add_pages(folder, [file], pipeline.AddSettings(keep_source=False))
        except ComicLossError as error:
            problem = error.problem.replace(f"{file.parent}{os.sep}", "")
            gr.Warning(html.escape(f"{problem}\n{error.remedy}"))
    if pipeline.load_story(folder).pages:
        pipeline.find_story_panels(folder)


def panels_of(folder: Path) -> dict[str, Any]:
    """The panels' boxes as an update of their grid."""
    rows = [
        [panel["id"], *panel["box"]] for page in pipeline.panels_of_story(folder) for panel in page["panels"]
    ]
    update: dict[str, Any] = gr.update(value=rows, visible=bool(rows))
    return update


def doubts_of(folder: Path) -> str:
    """Which pages should be looked at, as markdown."""
    pages = [
        page["page"]
        for page in pipeline.panels_of_story(folder)
        if any(panel["doubtful"] for panel in page["panels"])
    ]
    if not pages:
        return ""
    return f"**Look at {', '.join(pages)}**: dashed panels may be wrong. Correct or confirm them."


def save_panels(folder: Path, rows: list[list[Any]]) -> bool:
    """Give panels the boxes of the grid, and say whether there was anything to change."""
    boxes = {
        panel["id"]: panel["box"] for page in pipeline.panels_of_story(folder) for panel in page["panels"]
    }
    if {str(row[0]) for row in rows} != set(boxes):
        raise refused("The grid is older than the story. Open the story again.")
    corrections = []
    for name, *numbers in rows:
        try:
            x, y, width, height = (int(number) for number in numbers)
        except (TypeError, ValueError):
            raise refused(f"{name}: x, y, width and height are whole numbers.") from None
        if [x, y, width, height] != boxes[name]:
            if min(x, y, width - 1, height - 1) < 0:
                raise refused(f"{name}: x and y are 0 or more, width and height 1 or more.")
            corrections.append(pipeline.Correction("set", name, ((x, y), (x + width, y + height))))
    if corrections:
        pipeline.correct_panels(folder, corrections)
    return bool(corrections)


def confirm_panels(folder: Path) -> None:
    """The panels of all pages that have some are right."""
    pages = [page["page"] for page in pipeline.panels_of_story(folder) if page["panels"]]
    pipeline.correct_panels(folder, [pipeline.Correction("confirm", page) for page in pages])


def stages_of(folder: Path) -> str:
    """The stages and their state, as markdown, and why the first that is not done is not."""
    signs = {"done": "✓", "stale": "↻", "missing": "○"}
    stages = pipeline.status(folder).stages
    open_stages = [stage for stage in stages if stage.state != "done"]
    line = " &nbsp; ".join(f"{signs[stage.state]} {stage.name}" for stage in stages)
    return line + (f"<br>*{open_stages[0].name}: {open_stages[0].why}*" if open_stages else "")


def results_of(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Finished pages to look at and files to take away, as updates of their places."""
    pages = sorted((folder / "finished").glob("*.png"))
    kinds = (".cbz", ".pdf", ".html", ".png")
    exports = sorted(path for path in (folder / "exports").glob("*.*") if path.suffix in kinds)
    return pictures(pages), filled([str(path) for path in exports])


def pictures(paths: list[Path]) -> dict[str, Any]:
    """Pages as an update of a gallery."""
    return filled([(str(path), f"Page {number}") for number, path in enumerate(paths, 1)])


def filled(value: list[Any]) -> dict[str, Any]:
    """An update of a place that is only there when something is in it."""
    update: dict[str, Any] = gr.update(value=value, visible=bool(value))
    return update


def build(root: Path) -> gr.Blocks:
    """The page, for the stories kept in ``root``."""
    job = Job()

    def show(folder: Path) -> list[Any]:
        """All that the page shows of a story, in the order of ``shown`` below."""
        told_so_far = pipeline.load_story(folder)
        if job.running and job.folder == folder:  # the job holds the story; the pictures are there already
            numbered = sorted((folder / "exports" / "panels").glob("*.png"))
        else:
            numbered = list(pipeline.panel_overlays(folder).values())
        return [
            gr.Dropdown(value=folder.name, choices=stories(root)),
            told_so_far.title,
            told_so_far.direction,
            told_so_far.style.prompt,
            pictures(numbered),
            table_of(folder),
            panels_of(folder),
            doubts_of(folder),
            stages_of(folder),
            *results_of(folder),
        ]

    def load() -> list[Any]:
        names = [job.folder.name] if job.running and job.folder else stories(root)
        view = show(root / names[0]) if names else [gr.skip()] * len(shown)
        return [*view, job.html(), gr.Timer(active=job.running)]

    def choose(story: str) -> list[Any]:
        """Another name: a story that is there is shown, and for a new one the page is emptied."""
        if story in stories(root):
            return show(root / story)
        nothing = filled([])
        kept = [gr.skip()] * 4  # a title may have been typed in the meantime
        return [*kept, nothing, grid([], []), nothing, "", "", nothing, nothing]

    def open_story(story: str, title: str, direction: str, prompt: str) -> list[Any]:
        folder = folder_of(root, story)
        if not (folder / "story.toml").exists():
            pipeline.new_story(
                folder,
                title=title.strip() or None,
                direction=direction,  # type: ignore[arg-type]
                style_prompt=prompt.strip() or FIRST_STYLE,
            )
        return show(folder)

    def add_pages(story: str, files: list[str] | None) -> list[Any]:
        folder = opened_folder(root, story)
        if not files:
            raise refused("Choose some pages first.")
        add_files(folder, files)
        return [*show(folder), None]

    def add_element(story: str, name: str, kind: str) -> tuple[Any, str, str]:
        folder = opened_folder(root, story)
        if not name.strip():
            raise refused("Give the element a name.")
        pipeline.add_element(folder, name.strip(), kind=kind)  # type: ignore[arg-type]
        return table_of(folder), stages_of(folder), ""

    def mark(story: str, rows: list[list[Any]]) -> tuple[Any, str]:
        folder = opened_folder(root, story)
        try:
            save_marks(folder, rows)
        except ComicLossError as error:  # the grid goes back to what is saved
            gr.Warning(html.escape(f"{error.problem}\n{error.remedy}"))
            return table_of(folder), stages_of(folder)
        return gr.skip(), stages_of(folder)

    def correct(story: str, rows: list[list[Any]]) -> list[Any]:
        folder = opened_folder(root, story)
        try:
            changed = save_panels(folder, rows)
        except (ComicLossError, gr.Error) as error:  # the grid goes back to what is saved
            gr.Warning(html.escape(str(error)))
            changed = True
        return show(folder) if changed else [gr.skip()] * len(shown)

    def confirm(story: str) -> list[Any]:
        folder = opened_folder(root, story)
        confirm_panels(folder)
        return show(folder)

    def show_styles() -> Any:
        gallery = pipeline.styles_gallery(root / ".styles")
        return gr.Gallery([(str(picture), wordings[0]) for _, wordings, picture in gallery], visible=True)

    def choose_style(chosen: gr.SelectData) -> str:
        return str(chosen.value["caption"])

    def make(story: str, prompt: str, steps: float) -> tuple[str, Any]:
        folder = opened_folder(root, story)
        if not pipeline.load_story(folder).panels:
            raise refused("Add some pages first.")
        if not prompt.strip():
            raise refused("Say in words how the comic should look.")

        def work(progress: Progress, stop: Stop) -> str:
            pages = pipeline.stylize(
                folder, prompt=prompt.strip(), steps=int(steps), progress=progress, stop=stop
            )
            pipeline.export(folder, progress=progress, stop=stop)
            return f"Done. Finished pages: {len(pages)}. Everything is in {folder}."

        if not job.start(folder, work):
            raise refused("Work is under way already; stop it first.")
        return job.html(), gr.Timer(active=True)

    def look(story: str) -> tuple[Any, ...]:
        """While a job runs: how it goes. Then, once: what has come of it."""
        if job.running:
            return job.html(), gr.skip(), gr.skip(), gr.skip(), gr.skip()
        folder = opened_folder(root, story)
        return job.html(), gr.Timer(active=False), stages_of(folder), *results_of(folder)

    with gr.Blocks(title="comicloss", delete_cache=(3600, 86400)) as page:
        gr.Markdown("# comicloss\nRough pages in, one finished comic out.")
        gr.Markdown("### 1. Story and pages")
        with gr.Row(equal_height=True):
            story = gr.Dropdown(
                [], value=FIRST_STORY, label="Story", allow_custom_value=True, elem_id="story"
            )
            title = gr.Textbox(label="Title", elem_id="title", max_lines=1)
            direction = gr.Dropdown(DIRECTIONS, value="ltr", label="Reading direction", elem_id="direction")
            opened = gr.Button("Make or open", variant="primary", elem_id="open")
        files = gr.File(
            file_count="multiple",
            file_types=["image", ".psd", ".ora", ".cbz", ".pdf"],
            label="Pages, in reading order",
            height=150,
            elem_id="pages",
            allow_reordering=True,
        )
        added = gr.Button("Add these pages", elem_id="add")
        gr.Markdown(
            "### 2. Who and what is in each panel\n"
            "Tick whom and what each panel shows; who is not ticked there is not there. Tick *nobody* where "
            "none of them is. A panel without a tick is left open."
        )
        with gr.Row(equal_height=True):
            element = gr.Textbox(label="New element", placeholder="Hero", elem_id="element", max_lines=1)
            kind = gr.Dropdown(
                ["character", "setting", "prop"], value="character", label="Kind", elem_id="kind"
            )
            added_element = gr.Button("Add element", elem_id="add-element")
        with gr.Row():
            numbered = gr.Gallery(
                show_label=False,
                columns=2,
                fit_columns=False,
                height=520,
                object_fit="contain",
                buttons=["fullscreen"],
                interactive=False,
                visible=False,
                elem_id="panels",
            )
            marks = gr.Dataframe(
                headers=["panel", "nobody"],
                datatype=["str", "bool"],
                type="array",
                interactive=True,
                static_columns=[0],
                pinned_columns=1,
                buttons=[],
                max_height=520,
                show_label=False,
                visible=False,
                elem_id="marks",
            )
        doubts = gr.Markdown(elem_id="doubts")
        with gr.Accordion("Correct the panels", open=False, elem_id="correct"):
            gr.Markdown(
                "A panel is a box: the place of its left upper corner, its width and its height, in pixels "
                "of the page. To add, cut, join or reorder panels: `comicloss panels`."
            )
            boxes = gr.Dataframe(
                headers=["panel", "x", "y", "width", "height"],
                datatype=["str", *["number"] * 4],
                type="array",
                interactive=True,
                static_columns=[0],
                column_count=5,
                buttons=[],
                max_height=360,
                show_label=False,
                visible=False,
                elem_id="boxes",
            )
            confirmed = gr.Button("All panels are right", size="sm", elem_id="confirm")
        gr.Markdown("### 3. Make")
        prompt = gr.Textbox(label="Style, in words", value=FIRST_STYLE, elem_id="style", max_lines=1)
        styles = gr.Button("Show the styles to choose from", size="sm", elem_id="show-styles")
        gallery_of_styles = gr.Gallery(
            label="Styles",
            columns=6,
            height=420,
            allow_preview=False,
            buttons=[],
            interactive=False,
            visible=False,
            elem_id="styles",
        )
        steps = gr.Slider(
            0,
            400,
            value=50,
            step=5,
            label="Fine-tuning steps",
            info="0 takes the style as it is; more fits it to your story and takes longer.",
            elem_id="steps",
        )
        with gr.Row():
            made = gr.Button("Make the comic", variant="primary", elem_id="make")
            stopped = gr.Button("Stop", variant="stop", elem_id="stop")
        progress = gr.HTML(elem_id="progress")
        stages = gr.Markdown(elem_id="stages")
        gr.Markdown("### 4. Take it away")
        finished = gr.Gallery(
            show_label=False,
            columns=3,
            height=600,
            fit_columns=False,
            object_fit="contain",
            buttons=["fullscreen", "download"],
            interactive=False,
            visible=False,
            elem_id="finished",
        )
        downloads = gr.File(
            label="Downloads",
            file_count="multiple",
            interactive=False,
            visible=False,
            elem_id="downloads",
        )
        timer = gr.Timer(1.0, active=False)

        shown = [
            *(story, title, direction, prompt, numbered, marks, boxes, doubts, stages),
            *(finished, downloads),
        ]
        # One change of a story at a time: a second one would find it locked.
        alone: dict[str, Any] = {"concurrency_id": "story", "concurrency_limit": 1}
        quiet: dict[str, Any] = {**alone, "show_progress": "hidden"}
        named = [story, title, direction, prompt]
        story.input(told(choose), story, shown, **quiet)
        opened.click(told(open_story), named, shown, **quiet)
        added.click(told(add_pages), [story, files], [*shown, files], show_progress_on=files, **alone)
        gr.on(
            [added_element.click, element.submit],
            told(add_element),
            [story, element, kind],
            [marks, stages, element],
            **quiet,
        )
        marks.input(told(mark), [story, marks], [marks, stages], trigger_mode="multiple", **quiet)
        boxes.input(told(correct), [story, boxes], shown, **quiet)
        confirmed.click(told(confirm), story, shown, **quiet)
        styles.click(told(show_styles), None, gallery_of_styles, show_progress_on=prompt)
        gallery_of_styles.select(choose_style, None, prompt, show_progress="hidden")
        made.click(told(make), [story, prompt, steps], [progress, timer], **quiet)
        stopped.click(job.stop)
        timer.tick(told(look), story, [progress, timer, stages, finished, downloads], show_progress="hidden")
        page.load(told(load), None, [*shown, progress, timer], **quiet)
    return page


def launch(root: Path, **settings: Any) -> gr.Blocks:
    """Serve the page on this computer alone, without telemetry and without a history in the browser."""
    page = build(root)
    page.queue(max_size=16, api_open=False)
    page.launch(
        server_name="127.0.0.1",
        share=False,
        max_file_size="200mb",
        allowed_paths=[str(root)],
        strict_cors=True,
        run_history=False,
        enable_monitoring=False,
        mcp_server=False,
        ssr_mode=False,
        footer_links=["settings"],
        theme=THEME,
        css=CSS,
        **settings,
    )
    return page


def main() -> None:
    """The command ``comicloss-app``."""
    parser = argparse.ArgumentParser(
        prog="comicloss-app",
        description="Make comics in the browser. The page is for this computer alone; Ctrl-C ends it.",
    )
    parser.add_argument(
        "folder",
        nargs="?",
        default="stories",
        type=Path,
        help="where the stories are kept (default: ./stories)",
    )
    root = parser.parse_args().folder.resolve()
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"{root}: {error.strerror}")
    with tempfile.TemporaryDirectory(prefix="comicloss-") as uploads:  # readable by this person alone
        os.environ["GRADIO_TEMP_DIR"] = uploads
        launch(root)


if __name__ == "__main__":
    main()
