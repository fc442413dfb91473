"""The whole way in one go: loose pages, the demo, and a picture in every style."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch

from comicloss.adding import AddSettings, add_pages
from comicloss.authoring import new_story
from comicloss.data import resized, to_tensor
from comicloss.demo import DEMO_STORY, draw_pages, reference_drawings
from comicloss.finishing import stylize
from comicloss.freshness import has_marks
from comicloss.panels import find_story_panels
from comicloss.publishing import USUAL_FORMATS, export
from comicloss.story import Element, Story, StoryPage, StoryPanel, Style, load_story, save_story
from comicloss.stylize import stylize_picture
from comicloss.training import train
from comicloss.workplace import CACHE, digest, read_record, write_record
from pages.errors import StoryError
from pages.export import write_png
from pages.progress import Progress, Stop, stop_here
from styles.embedded.captions import STYLES
from styles.registry import load_stylenet, weights

Rough = Literal["color", "pencil"]

_DEMO_RECORD = Path(CACHE) / "demo.json"
_GALLERY_PANEL = (2, 0)  # page and panel of the demo that shows every style
_GALLERY_SIDE = 480


def make(
    paths: Sequence[Path], *, style: str, out: Path, steps: int | None, progress: Progress, stop: Stop
) -> None:
    """From loose pages to a finished comic: a story folder with everything in it. No marks are needed."""
    if not (out / "story.toml").exists():
        new_story(out, title=None, direction="ltr", style_prompt=style)
    add_pages(out, paths, AddSettings(), progress=progress, stop=stop)
    find_story_panels(out, again=False, progress=progress, stop=stop)
    _finish(out, style, steps, progress, stop)


def demo(out: Path, *, style: str, rough: Rough, progress: Progress, stop: Stop) -> None:
    """Draw the demo story into a folder and run every stage on it.

    Raises:
        StoryError: there is another story in the folder.
    """
    if (out / "story.toml").exists() and load_story(out).title != DEMO_STORY.title:
        raise StoryError(
            f"{out}: there is another story in this folder.", remedy="Choose another: --out FOLDER"
        )
    drawn_from = {"rough": rough}
    if read_record(out / _DEMO_RECORD) != drawn_from:
        _draw_demo(out, style, rough, progress, stop)
        write_record(out / _DEMO_RECORD, drawn_from)
    _finish(out, style, None, progress, stop)


def _finish(out: Path, style: str, steps: int | None, progress: Progress, stop: Stop) -> None:
    if has_marks(load_story(out)):
        train(out, steps=None, seed=None, progress=progress, stop=stop)
    stylize(
        out,
        prompt=style,
        steps=steps,
        consistency_weight="auto",
        clip=None,
        seed=0,
        progress=progress,
        stop=stop,
    )
    export(out, formats=USUAL_FORMATS, progress=progress, stop=stop)


def _draw_demo(out: Path, style: str, rough: Rough, progress: Progress, stop: Stop) -> None:
    pages = []
    pictures = draw_pages(rough)
    for number, (picture, page) in enumerate(zip(pictures, DEMO_STORY.pages, strict=True), 1):
        stop_here(stop, "Drawing the demo")
        file = f"art/p{number:02d}.png"
        write_png(out / file, picture)
        panels = tuple(
            StoryPanel(id=f"p{number:02d}-{place:02d}", box=panel.box, shows=panel.shows)
            for place, panel in enumerate(page.panels, 1)
        )
        pages.append(StoryPage(file=file, panels=panels))
        progress(number, len(pictures), "drawing the demo")
    references = reference_drawings(rough)
    elements = []
    for element in DEMO_STORY.elements:
        files = []
        for number, picture in enumerate(references[element.name], 1):
            name = "".join(letter for letter in element.name.lower().replace(" ", "-") if letter != "'")
            files.append(f"references/{name}-{number}.png")
            write_png(out / files[-1], picture)
        elements.append(
            Element(
                name=element.name,
                kind=element.kind,
                description=element.description,
                references=tuple(files),
                palette=tuple("#{:02x}{:02x}{:02x}".format(*color) for color in element.palette),
            )
        )
    if not (out / "story.toml").exists():
        story = Story(
            title=DEMO_STORY.title, style=Style(prompt=style), elements=tuple(elements), pages=tuple(pages)
        )
        save_story(story, out)


def styles_gallery(out: Path) -> list[tuple[str, tuple[str, ...], Path]]:
    """The styles that the network knows: name, wordings, and a picture drawn in it.

    Pictures that are there and were drawn by the same weights are not drawn again.
    """
    record = out / "gallery.json"
    drawn_by = {"weights": weights("stylenet").sha256, "styles": digest([style.wordings for style in STYLES])}
    gallery = [(style.name, style.wordings, out / f"{style.name}.png") for style in STYLES]
    if read_record(record) == drawn_by and all(path.exists() for _, _, path in gallery):
        return gallery
    network = load_stylenet()
    page, panel = _GALLERY_PANEL
    x, y, width, height = DEMO_STORY.pages[page].panels[panel].box
    art = draw_pages("color")[page][y : y + height, x : x + width]
    factor = _GALLERY_SIDE / max(width, height)
    art = resized(art, round(width * factor), round(height * factor))
    for _, wordings, path in gallery:
        with torch.no_grad():
            style = network.embed([wordings[0]])[0]
        picture = stylize_picture(network, to_tensor(art), style).permute(1, 2, 0)
        write_png(path, (picture * 255).round().to(torch.uint8).numpy())
    write_record(record, drawn_by)
    return gallery
