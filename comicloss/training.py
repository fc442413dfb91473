"""The train stage: classifiers from the author's marks, or from labeled pictures without a story.

Both ways end in ``_learn``: one recipe, one report, one kind of folder.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from classifiers.backbones import named_backbone
from classifiers.card import CALIBRATED_FROM, CARD, Card, ElementCard, best_threshold, fingerprint, now
from classifiers.collection import Collection, read_collection
from classifiers.data import Example, check_examples, label_matrix, one_sided
from classifiers.evaluate import ElementReport, Report
from classifiers.model import ElementClassifiers, backbone_id
from classifiers.train import STEPS, add_elements, train_classifiers
from classifiers.trained import Trained
from comicloss.authoring import check_pages
from comicloss.encoder import EmbeddedEncoder
from comicloss.examples import of_elements, story_examples
from comicloss.explaining import explain_page
from comicloss.freshness import CLASSIFIERS_RECORD, classifier_inputs, has_marks, new_elements
from comicloss.story import load_story
from comicloss.story.families import CLASSIFIERS, RECORD, taken_elements
from comicloss.stylize import padded
from comicloss.workplace import file_digest, read_record, write_record
from pages.errors import ComicLossError, UsageError, WeightsError
from pages.files import os_errors, replaces_folder
from pages.progress import Progress, Stop
from styles.embedded.captions import STYLES
from styles.registry import load_stylenet
from styles.screens import screens

RECIPE = "default"
DEFAULT_BACKBONE = "default"

_DOUBT = 0.25  # a mark is doubted when the classifiers give it less probability than this
_OURS = {"classifiers.json", "classifiers.safetensors", CARD, RECORD}


def train(
    folder: Path,
    *,
    steps: int | None,
    seed: int | None,
    backbone: str | None = None,
    explain: Path | None = None,
    progress: Progress,
    stop: Stop,
) -> dict[str, Any]:
    """Train the classifiers of a story, or give the report of those that are there and fit.

    Args:
        steps: of training; None takes those that are there however long they were trained.
        seed: of everything random; None takes those that are there whatever theirs was.
        backbone: a network that the heads stand on, as ``classifiers.backbones.named_backbone`` takes it, or
            "default"; it is saved with them. None: the one of before, if the story has been trained.
        explain: the HTML file to explain them in; see ``explaining.explain_page``.

    Returns:
        ``elements``: figures on held-out pictures by element; ``disagreements``: marks that the classifiers
        doubt, each with panel, element, mark and probability; ``left_out``: elements that cannot be learned;
        ``taken``: elements that are not trained here, each with the folder of its classifiers.

    Raises:
        UsageError: nothing is marked.
        InputError: no element has both a picture that shows it and one that does not.
        WeightsError: classifiers that the story takes elements from are missing or damaged.
    """
    story = load_story(folder)
    check_pages(story, folder)
    if not has_marks(story):
        raise UsageError(
            f"{folder}: no panel is marked yet, there is nothing to learn.",
            remedy=f"Say who is where: comicloss mark {folder} PANEL ELEMENTS",
        )
    taken = taken_elements(story, folder)
    told: dict[str, Any] = {"taken": {name: str(place) for name, place in taken.items()}}
    if taken:
        told["taken_from_elsewhere"] = ", ".join(f"{name} ({place})" for name, place in taken.items())
    inputs = classifier_inputs(story, folder)
    record = read_record(folder / CLASSIFIERS_RECORD)
    if record.get("story") == inputs and _as_asked(record, steps, seed, backbone) and explain is None:
        return {**record["report"], **told}
    found = story_examples(story, folder, progress=progress, stop=stop)
    own = [name for name in story.element_names if name not in taken]
    drawn = of_elements(found.drawn, story.element_names, own)
    left_out = one_sided(drawn, own)
    learned = [name for name in own if name not in left_out]
    if not learned and not taken:
        check_examples(drawn, own)  # says what is missing
    if not learned and explain is not None:
        raise UsageError(
            f"{folder}: all of its elements are taken from other classifiers, there is nothing to explain.",
            remedy="Explain those where they were trained, with --explain there.",
        )
    if not learned:
        report = {"elements": {}, "disagreements": [], "left_out": left_out}
        with replaces_folder(folder / CLASSIFIERS):
            pass  # those of before know nothing of today's elements
        _write_record(folder / CLASSIFIERS, inputs, 0, seed or 0, report, DEFAULT_BACKBONE, {})
        return {**report, **told}
    task = _Task(
        of_elements(drawn, own, learned),
        tuple(learned),
        "panel",
        tuple(panel.id for panel in story.panels if any(panel.prior(name) is not None for name in learned)),
        derived=of_elements(found.derived, story.element_names, learned),
        left_out=tuple(left_out),
        backbone=backbone or record.get("backbone", DEFAULT_BACKBONE),
    )
    return {**_learn(task, folder / CLASSIFIERS, inputs, steps, seed, explain, progress, stop), **told}


def train_examples(
    source: Path,
    out: Path,
    *,
    steps: int | None,
    seed: int | None,
    backbone: str | None = None,
    explain: Path | None = None,
    progress: Progress,
    stop: Stop,
) -> dict[str, Any]:
    """Train classifiers on labeled pictures, or give the report of those that are there and fit.

    Args:
        source: a folder in ImageFolder layout, a CSV, or a folder with a labels.csv.
        out: the folder that the classifiers go to; replaced as a whole.
        steps, seed, backbone, explain: as for ``train``.

    Returns:
        As ``train``, with files in place of panels; ``unreadable``: pictures that could not be read, each
        with the reason.

    Raises:
        UsageError: ``out`` holds something else.
        InputError: nothing can be learned from the pictures, or they cannot be read.
    """
    _check_out(out)
    collection = read_collection(source)
    collection.check()
    inputs = _collection_inputs(collection)
    record = read_record(out / RECORD)
    if record.get("story") == inputs and _as_asked(record, steps, seed, backbone) and explain is None:
        report: dict[str, Any] = record["report"]
        return report
    loaded = collection.load(progress, stop)
    files = tuple(str(picture.path) for picture in loaded.pictures)
    unreadable = tuple(why for _, why in loaded.unreadable)
    task = _Task(
        loaded.examples,
        collection.element_names,
        "file",
        files,
        unreadable=unreadable,
        backbone=backbone or record.get("backbone", DEFAULT_BACKBONE),
    )
    return _learn(task, out, inputs, steps, seed, explain, progress, stop)


def style_views() -> Callable[[Tensor, torch.Generator], Tensor]:
    """Pictures in other styles, so that the classifiers know the elements in any finish."""
    network = load_stylenet()
    with torch.no_grad():
        styles = network.embed([style.wordings[0] for style in STYLES])

    @torch.no_grad()
    def views(images: Tensor, generator: torch.Generator) -> Tensor:
        chosen = torch.randint(len(styles), (len(images),), generator=generator)
        origins = torch.randint(0, 1400, (len(images), 2), generator=generator)
        whole = padded(images, network.total_stride)
        height, width = whole.shape[-2:]
        drawn: Tensor = network(whole, screens(origins, height, width), styles[chosen])
        return drawn[..., : images.shape[-2], : images.shape[-1]]

    return views


@dataclass(frozen=True)
class _Task:
    """What is to be learned.

    Attributes:
        pictures: with one label for each of ``elements``.
        derived: more of them, made of these: for training alone.
        elements: names.
        what: the pictures are each a "panel" or a "file".
        names: of the first pictures, by which a person knows them; the rest have none.
        left_out: elements that cannot be learned.
        unreadable: why pictures could not be read.
        backbone: what the heads stand on.
    """

    pictures: Sequence[Example]
    elements: tuple[str, ...]
    what: str
    names: tuple[str, ...]
    derived: Sequence[Example] = ()
    left_out: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    backbone: str = DEFAULT_BACKBONE


@dataclass(frozen=True)
class _Before:
    """Classifiers that are there, of some of the elements, with what is known of them.

    Attributes:
        classifiers: of those elements.
        report: their figures.
        held_out: name of a picture -> element -> probability.
        cards: element -> its part of the card.
    """

    classifiers: ElementClassifiers
    report: Report
    held_out: dict[str, dict[str, float]]
    cards: dict[str, ElementCard]

    def joined(self, added: Trained, task: _Task) -> Trained:
        """What is known of all the elements, in the order of the task."""
        rows = {row.element: row for row in (*self.report.elements, *added.report.elements)}
        shares = len(self.report.elements), len(added.report.elements)

        def mean(old: float | None, new: float | None) -> float | None:
            return None if old is None or new is None else (old * shares[0] + new * shares[1]) / sum(shares)

        old, new = self.report, added.report
        report = replace(
            old,
            elements=tuple(rows[name] for name in task.elements),
            accuracy=mean(old.accuracy, new.accuracy),
            accuracy_stylized=mean(old.accuracy_stylized, new.accuracy_stylized),
            accuracy_attacked=mean(old.accuracy_attacked, new.accuracy_attacked),
        )
        held_out = added.held_out.clone()
        for row, name in enumerate(task.names):
            for element, probability in self.held_out.get(name, {}).items():
                held_out[row, task.elements.index(element)] = probability
        return Trained(added.classifiers, report, held_out)


def _trained_before(task: _Task, out: Path, record: dict[str, Any]) -> _Before | None:
    """Those in the folder, if all that they know is asked for; None where they must all be trained again."""
    try:
        encoder = EmbeddedEncoder() if task.backbone == DEFAULT_BACKBONE else None
        classifiers, card = ElementClassifiers.load(out, encoder), Card.read(out)
        report = Report.from_json(record["figures"])
        names, rows = record["names"], record["held_out"]
    except (WeightsError, KeyError, ValueError):
        return None
    if not set(classifiers.element_names) < set(task.elements):
        return None
    held_out = {
        name: dict(zip(classifiers.element_names, row, strict=True))
        for name, row in zip(names, rows, strict=False)
    }
    return _Before(classifiers, report, held_out, {element.element: element for element in card.elements})


def _learn(
    task: _Task,
    out: Path,
    inputs: dict[str, Any],
    steps: int | None,
    seed: int | None,
    explain: Path | None,
    progress: Progress,
    stop: Stop,
) -> dict[str, Any]:
    """Train, write classifiers, card and record into ``out``, explain them, and give the report.

    Those that are there are taken, if they fit.
    """
    named = task.backbone != DEFAULT_BACKBONE
    record = read_record(out / RECORD)
    if record.get("story") == inputs and _as_asked(record, steps, seed, task.backbone):
        report: dict[str, Any] = record["report"]
        classifiers = ElementClassifiers.load(out, None if named else EmbeddedEncoder())
        figures = Report.from_json(record["figures"])
        held_out = torch.tensor(record["held_out"], dtype=torch.float32)
    else:
        before = None
        if (
            "shared" in inputs
            and new_elements(record.get("story"), inputs)
            and _as_asked(record, steps, seed, task.backbone)
        ):
            before = _trained_before(task, out, record)
        steps, seed = STEPS if steps is None else steps, seed or 0
        how: dict[str, Any] = {"style_views": style_views(), "replay": task.derived, "seed": seed}
        if before is None:
            backbone = named_backbone(task.backbone) if named else EmbeddedEncoder()
            trained = train_classifiers(
                task.pictures,
                task.elements,
                backbone=backbone,
                steps=steps,
                progress=progress,
                stop=stop,
                **how,
            )
        else:
            added = add_elements(
                before.classifiers, task.pictures, task.elements, progress=progress, stop=stop, **how
            )
            trained = before.joined(added, task)
        report = _report(task, trained)
        classifiers, figures, held_out = trained.classifiers, trained.report, trained.held_out
        card = _card(task, trained, steps, seed, {} if before is None else before.cards)
        classifiers.save(out, card=card, with_backbone=named)
        seen = {"figures": figures.to_json(), "held_out": held_out.tolist(), "names": list(task.names)}
        _write_record(out, inputs, steps, seed, report, task.backbone, seen)
    if explain is not None:
        title = f"Who is who: {', '.join(task.elements)}"
        explain_page(
            classifiers, task.pictures, figures, held_out, explain, title=title, progress=progress, stop=stop
        )
    return report


def _write_record(
    out: Path,
    inputs: dict[str, Any],
    steps: int,
    seed: int,
    report: dict[str, Any],
    backbone: str,
    seen: dict[str, Any],
) -> None:
    """``seen``: what explains the classifiers later, without another training."""
    asked = {"steps": steps, "seed": seed, "backbone": backbone}
    write_record(out / RECORD, {"story": inputs, **asked, "report": report, **seen})


def _as_asked(record: dict[str, Any], steps: int | None, seed: int | None, backbone: str | None) -> bool:
    return (
        steps in (None, record.get("steps"))
        and seed in (None, record.get("seed"))
        and backbone in (None, record.get("backbone", DEFAULT_BACKBONE))
    )


def _check_out(out: Path) -> None:
    """Refuse to replace a folder with anything in it that is not ours."""
    with os_errors(out):
        others = sorted(file.name for file in out.iterdir() if file.name not in _OURS) if out.is_dir() else []
        if out.exists() and not out.is_dir():
            others = [out.name]
    if others:
        raise UsageError(
            f"{out} holds other things ({', '.join(others[:3])}), and would be replaced.",
            remedy="Choose a folder for the classifiers alone: --out FOLDER",
        )


def _collection_inputs(collection: Collection) -> dict[str, Any]:
    """What classifiers are trained on, besides steps and seed."""

    def content(path: Path) -> str | None:
        try:
            return file_digest(path)
        except ComicLossError:  # reading it will say why
            return None

    return {
        "version": version("comicloss"),
        "elements": list(collection.element_names),
        "pictures": [
            [content(picture.path), list(picture.labels), picture.group] for picture in collection.pictures
        ],
    }


def _card(task: _Task, trained: Trained, steps: int, seed: int, before: Mapping[str, ElementCard]) -> Card:
    """The card; elements that were trained ``before`` keep their part of it."""
    labels, known = label_matrix(task.pictures)
    elements = []
    for column, row in enumerate(trained.report.elements):
        if row.element in before:
            elements.append(before[row.element])
            continue
        counted = (known[:, column] > 0) & (labels[:, column] != 0.5)
        shown = (labels[counted, column] > 0.5).tolist()
        held_out = trained.held_out[counted, column]
        measured = bool(held_out.isfinite().all())
        elements.append(
            ElementCard(
                element=row.element,
                positives=sum(shown),
                negatives=len(shown) - sum(shown),
                threshold=best_threshold(held_out.tolist(), shown) if measured else 0.5,
                calibrated=measured and sum(shown) >= CALIBRATED_FROM,
                figures=_figures(row),
            )
        )
    own = trained.classifiers
    return Card(
        fingerprint=fingerprint(task.pictures, task.elements),
        pictures=len(task.pictures),
        elements=tuple(elements),
        recipe=RECIPE,
        seed=seed,
        steps=steps,
        backbone=backbone_id(own.backbone) if own.frozen else "small",
        versions={"comicloss": version("comicloss"), "torch": version("torch")},
        made=now(),
    )


def _figures(row: ElementReport) -> dict[str, Any]:
    """As JSON values, so that a report is the same before and after it was written."""
    figures: dict[str, Any] = json.loads(json.dumps(asdict(row)))
    del figures["element"]
    return figures


def _report(task: _Task, trained: Trained) -> dict[str, Any]:
    doubts = _disagreements(task, trained.held_out)
    told = ", ".join(
        f"{doubt[task.what]} {doubt['element']} (marked {doubt['mark']:g}, seems {doubt['probability']:.2f})"
        for doubt in doubts
    )
    return {
        "elements": {row.element: _figures(row) for row in trained.report.elements},
        "accuracy": trained.report.accuracy,
        "accuracy_stylized": trained.report.accuracy_stylized,
        "accuracy_attacked": trained.report.accuracy_attacked,
        "disagreements": doubts,
        "left_out": list(task.left_out),
        "unreadable": list(task.unreadable),
        **({"marks_to_look_at_again": told} if doubts else {}),
        **({"elements_that_cannot_be_learned": ", ".join(task.left_out)} if task.left_out else {}),
    }


def _disagreements(task: _Task, held_out: Tensor) -> list[dict[str, Any]]:
    """Marks that classifiers who had not seen the picture find improbable: perhaps a slip of the pen."""
    found = []
    for name, picture, probabilities in zip(task.names, task.pictures, held_out.tolist(), strict=False):
        for column, element in enumerate(task.elements):
            mark, probability = float(picture.labels[column]), probabilities[column]
            agreement = probability if mark > 0.5 else 1 - probability
            if picture.known[column] and mark in (0.0, 1.0) and agreement < _DOUBT:
                found.append(
                    {
                        task.what: name,
                        "element": element,
                        "mark": mark,
                        "probability": round(probability, 4),
                    }
                )
    return found
