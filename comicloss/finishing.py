"""The stylize stage: one network tuned over all panels, then every page finished with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from comicloss.authoring import check_pages
from comicloss.data import (
    PanelArt,
    PanelBatch,
    Picture,
    directed,
    panel_batch,
    to_tensor,
    unit,
    working_flats,
    working_page,
    working_scale,
)
from comicloss.finetune import (
    FineTuneSettings,
    Tuned,
    directed_style,
    embedded,
    fine_tune,
    finished_run,
    reproducible,
    untuned,
)
from comicloss.freshness import FINISHED_RECORD, RUNS, finished_pages, has_marks, stylize_inputs
from comicloss.joined import load_classifiers
from comicloss.lettering import page_kept
from comicloss.story import Story, load_story, save_story
from comicloss.stylize import stylize_page
from comicloss.training import train
from comicloss.workplace import CACHE, digest, file_digest, read_record, write_record
from pages.errors import ComicLossError, PartialError, UsageError
from pages.export import write_finished
from pages.keeping import kept_lettering
from pages.lettering import find_lettering
from pages.model import Box
from pages.native import to_rgb
from pages.progress import Progress, Stop, stop_here
from pages.read import load_native, load_rgb, picture_files
from styles.clip import ClipEncoder, load_clip
from styles.content import load_content
from styles.embedded.captions import STYLES
from styles.loss import EMBEDDED, PUBLISHED, StyleLoss, TextDirection
from styles.registry import load_stylenet, weights
from styles.stylenet import StyleNet
from styles.vocabulary import telling_words

DEFAULT_STEPS = 50
ConsistencyWeight = float | Literal["auto"]

_PICTURE_SIDE = 700  # a loose picture is taken for a panel half a page high


def stylize(
    folder: Path,
    *,
    prompt: str | None,
    steps: int | None,
    consistency_weight: ConsistencyWeight,
    clip: str | None,
    seed: int,
    progress: Progress,
    stop: Stop,
) -> list[Path]:
    """Tune the style network over all panels and finish the pages; only what is stale is done.

    Classifiers that are missing or stale are trained first, if there are marks.

    Args:
        prompt: becomes the story's style; None keeps it.
        steps: of fine-tuning; 0 takes the pretrained network as it is.
        consistency_weight: λ, or "auto".
        clip: a real CLIP in place of the embedded one.

    Returns:
        The finished pages.
    """
    story = load_story(folder)
    check_pages(story, folder)
    encoder = load_clip(clip)
    wanted = story.style.prompt if prompt is None else prompt
    for text in [wanted, *(directed(wanted, panel.direction_prompt) for panel in story.panels)]:
        encoder.check_prompt(text)
    if wanted != story.style.prompt:
        style = story.style.model_copy(update={"prompt": wanted})
        story = save_story(story.model_copy(update={"style": style}), folder)
    settings = _settings(steps, seed, consistency_weight, clip)
    network = load_stylenet()
    drawn_as = _known_style(network, encoder, wanted)
    inputs = stylize_inputs(story, folder)
    trains = settings is not None and has_marks(story) and consistency_weight != 0
    if trains:
        train(folder, steps=None, seed=None, progress=progress, stop=stop)
    recipe = {
        "steps": 0 if settings is None else settings.steps,
        "seed": seed,
        "consistency_weight": consistency_weight,
        "clip": clip,
    }
    run = digest([inputs, recipe, _weights_used(clip), None if settings is None else asdict(settings)])
    run_folder = folder / RUNS / run[:12]
    if settings is None:
        tuned = untuned(network, drawn_as)
    else:
        found = finished_run(run_folder, settings.steps)
        tuned = found or _tuned(
            story, folder, network, encoder, drawn_as, settings, run_folder, trains, progress, stop
        )
    record = {
        "story": inputs,
        "settings": recipe,
        "run": None if settings is None else run_folder.name,
        "consistency_weight": tuned.consistency_weight,
        "done": False,
        "pages": read_record(folder / FINISHED_RECORD).get("pages", {}),
    }
    finished = finished_pages(story, folder)
    write_record(folder / FINISHED_RECORD, record)
    with reproducible(torch.get_num_threads()):
        tuned_network, start = tuned.network(network).to(_device()), embedded(network, drawn_as)
        for number, (page, path) in enumerate(zip(story.pages, finished, strict=True)):
            stop_here(stop, "Finishing the pages")
            if not path.exists() or record["pages"].get(path.name) != run:
                styles = [
                    directed_style(
                        tuned.style, start, embedded(network, directed(drawn_as, panel.direction_prompt))
                    )
                    for panel in page.panels
                ]
                boxes = [Box.from_xywh(*panel.box) for panel in page.panels]
                original = load_native(folder / page.file)
                picture = to_rgb(original)
                drawn = stylize_page(
                    tuned_network,
                    picture,
                    list(zip(boxes, styles, strict=True)),
                    polygons=[panel.polygon for panel in page.panels],
                    kept=page_kept(story, page, folder, picture),
                    strength=story.style.strength,
                    flats=None if page.flats is None else _flats(folder / page.flats, picture),
                    stop=stop,
                )
                note = {"style": wanted, **recipe, "lambda": tuned.consistency_weight}
                write_finished(path, drawn, original, text={"comicloss": json.dumps(note)})
                record["pages"][path.name] = run
                write_record(folder / FINISHED_RECORD, record)
            progress(number + 1, len(finished), "finishing pages")
    write_record(folder / FINISHED_RECORD, {**record, "done": True})
    return finished


def stylize_pictures(
    paths: Sequence[Path],
    *,
    style: str,
    out: Path,
    steps: int | None,
    clip: str | None,
    seed: int,
    progress: Progress,
    stop: Stop,
) -> list[Path]:
    """Stylize loose pictures together, each as one panel; lettering stays as it is.

    Raises:
        PartialError: some pictures could not be read; the others are done.
    """
    encoder = load_clip(clip)
    encoder.check_prompt(style)
    network = load_stylenet()
    names = _names(picture_files(paths))
    panels, failures = [], []
    for number, (path, name) in enumerate(names.items(), 1):
        stop_here(stop, "Reading the pictures")
        try:
            panels.append(_loose_panel(name, load_rgb(path)))
        except ComicLossError as error:
            if len(names) == 1:
                raise
            failures.append(f"{error.problem}")
        progress(number, len(names), "reading the pictures")
    nothing = torch.zeros(len(panels), 0)
    drawn_as = _known_style(network, encoder, style)
    batch = PanelBatch(tuple(panels), (), nothing, nothing, style, drawn_as)
    settings = _settings(steps, seed, "auto", clip)
    tuned = untuned(network, drawn_as)
    if settings is not None and panels:
        used = [file_digest(path) for path, name in names.items() if name in batch.ids]
        run = digest([used, style, asdict(settings), _weights_used(clip)])
        tuned = fine_tune(
            batch,
            network,
            _style_losses(encoder, settings, None, batch),
            None,
            settings,
            out / CACHE / RUNS / run[:12],
            progress=progress,
            stop=stop,
        )
    written = []
    with reproducible(torch.get_num_threads()):
        tuned_network, start = tuned.network(network).to(_device()), embedded(network, drawn_as)
        for path, name in names.items():
            if name not in batch.ids:
                continue
            original = load_native(path)
            picture = to_rgb(original)
            height, width = picture.shape[:2]
            whole = [(Box(0, 0, width, height), directed_style(tuned.style, start, start))]
            drawn = stylize_page(tuned_network, picture, whole, scale=_loose_scale(picture), stop=stop)
            written.append(out / f"{name}.png")
            write_finished(written[-1], drawn, original)
            progress(len(written), len(panels), "finishing pictures")
    if failures:
        raise PartialError(
            f"{len(failures)} of {len(names)} pictures could not be read:\n  " + "\n  ".join(failures),
            remedy=f"The other {len(written)} are in {out}.",
        )
    return written


def _settings(
    steps: int | None, seed: int, consistency_weight: ConsistencyWeight, clip: str | None
) -> FineTuneSettings | None:
    """None for no step at all."""
    count = DEFAULT_STEPS if steps is None else steps
    if count < 0:
        raise UsageError(f"steps: {count} is not possible.", remedy="It must be 0 or more.")
    return (
        None
        if count == 0
        else FineTuneSettings(
            steps=count,
            seed=seed,
            consistency_weight=None if consistency_weight == "auto" else consistency_weight,
            style=EMBEDDED if clip is None else PUBLISHED,
        )
    )


def _tuned(
    story: Story,
    folder: Path,
    network: StyleNet,
    encoder: ClipEncoder,
    drawn_as: str,
    settings: FineTuneSettings,
    run_folder: Path,
    trains: bool,
    progress: Progress,
    stop: Stop,
) -> Tuned:
    batch = replace(panel_batch(story, folder, progress=progress, stop=stop), drawn_as=drawn_as)
    classifiers = load_classifiers(folder) if trains else None
    if classifiers is not None:
        batch = batch.of_elements(classifiers.element_names)
    reference = None if story.style.reference is None else load_rgb(folder / story.style.reference)
    losses = _style_losses(encoder, settings, reference, batch)
    return fine_tune(batch, network, losses, classifiers, settings, run_folder, progress=progress, stop=stop)


@torch.no_grad()
def _known_style(network: StyleNet, encoder: ClipEncoder, prompt: str) -> str:
    """What the network starts from: the prompt, or the style that the guide finds nearest to it.

    A real CLIP takes any words. Where the network has none of them, its own embedding of them would say
    nothing at all.
    """
    if any(word in network.vocabulary for word in telling_words(prompt)):
        return prompt
    names = [style.wordings[0] for style in STYLES]
    nearness = encoder.encode_text(names) @ encoder.encode_text([prompt])[0]
    return names[int(nearness.argmax())]


def _style_losses(
    encoder: ClipEncoder, settings: FineTuneSettings, reference: Picture | None, batch: PanelBatch
) -> Callable[[str], StyleLoss]:
    """Style losses by prompt. A reference picture adds its own direction, from the mean of the art to it."""
    content = load_content(encoder)
    shift: Tensor | None = None
    if reference is not None:
        with torch.no_grad():
            art = torch.cat([encoder.encode_image(unit(panel.art)[None]) for panel in batch.panels])
            shift = encoder.encode_image(unit(to_tensor(reference))[None])[0] - art.mean(dim=0)

    def loss_of(prompt: str) -> StyleLoss:
        loss = StyleLoss(encoder, content, style_prompt=prompt, settings=settings.style)
        if shift is not None:
            loss.direction = TextDirection(loss.direction.style + shift, loss.direction.sources)
        return loss

    return loss_of


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _weights_used(clip: str | None) -> list[str]:
    return [weights("stylenet").sha256, weights("clip").sha256 if clip is None else clip]


def _flats(path: Path, page: Picture) -> Tensor:
    height, width = page.shape[:2]
    scale = working_scale(width, height)
    return working_flats(path, (max(1, round(height * scale)), max(1, round(width * scale))))


def _loose_scale(picture: Picture) -> float:
    return float(_PICTURE_SIDE / max(picture.shape[:2]))


def _loose_panel(name: str, picture: Picture) -> PanelArt:
    kept = kept_lettering(find_lettering(picture))
    working = working_page(picture, kept, _loose_scale(picture))
    keep = torch.from_numpy(working.keep.copy())[None]
    return PanelArt(name, to_tensor(working.picture), keep, (0, 0), working.scale)


def _names(paths: Sequence[Path]) -> dict[Path, str]:
    """A name for each picture's result: its own, numbered where two are alike."""
    names: dict[Path, str] = {}
    for path in paths:
        name, number = path.stem, 2
        while name in names.values():
            name, number = f"{path.stem}-{number}", number + 1
        names[path] = name
    return names
