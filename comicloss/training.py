"""The train stage: classifiers for the story's elements from the author's marks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from classifiers.data import Example, one_sided
from classifiers.model import ElementClassifiers
from classifiers.train import STEPS, train_classifiers
from classifiers.trained import Trained
from comicloss.authoring import check_pages
from comicloss.data import examples, marks
from comicloss.freshness import CLASSIFIERS, CLASSIFIERS_RECORD, classifier_inputs, has_marks
from comicloss.story import Story, load_story
from comicloss.stylize import padded
from comicloss.workplace import digest, read_record, write_record
from pages.errors import UsageError
from pages.progress import Progress, Stop
from styles.embedded.captions import STYLES
from styles.registry import load_stylenet
from styles.screens import screens

_DOUBT = 0.25  # a mark is doubted when the classifiers give it less probability than this


def train(
    folder: Path, *, steps: int | None, seed: int | None, progress: Progress, stop: Stop
) -> dict[str, Any]:
    """Train the classifiers, or give the report of those that are there and fit.

    Args:
        steps: of training; None takes those that are there however long they were trained.
        seed: of everything random; None takes those that are there whatever theirs was.

    Returns:
        ``elements``: figures on held-out pictures by element; ``disagreements``: marks that the classifiers
        doubt, each with panel, element, mark and probability; ``left_out``: elements that cannot be learned.

    Raises:
        UsageError: nothing is marked.
        InputError: no element has both a picture that shows it and one that does not.
    """
    story = load_story(folder)
    check_pages(story, folder)
    if not has_marks(story):
        raise UsageError(
            f"{folder}: no panel is marked yet, there is nothing to learn.",
            remedy=f"Say who is where: comicloss mark {folder} PANEL ELEMENTS",
        )
    inputs = digest(classifier_inputs(story, folder))
    record = read_record(folder / CLASSIFIERS_RECORD)
    asked = {"steps": steps, "seed": seed}
    if record.get("story") == inputs and all(
        value in (None, record.get(key)) for key, value in asked.items()
    ):
        report: dict[str, Any] = record["report"]
        return report
    steps, seed = STEPS if steps is None else steps, seed or 0
    pictures = examples(story, folder, progress=progress, stop=stop)
    left_out = one_sided(pictures, story.element_names)
    columns = [column for column, name in enumerate(story.element_names) if name not in left_out]
    learned = [story.element_names[column] for column in columns] or list(story.element_names)
    if columns:
        pictures = _of_columns(pictures, columns)
    trained = train_classifiers(
        pictures,
        learned,
        backbone=backbone(),
        style_views=style_views(),
        seed=seed,
        steps=steps,
        progress=progress,
        stop=stop,
    )
    report = _report(story, trained, learned, left_out)
    trained.classifiers.save(folder / CLASSIFIERS)
    write_record(
        folder / CLASSIFIERS_RECORD, {"story": inputs, "steps": steps, "seed": seed, "report": report}
    )
    return report


def load_classifiers(folder: Path) -> ElementClassifiers:
    """The story's classifiers, trained before.

    Raises:
        WeightsError: they are missing or damaged.
    """
    return ElementClassifiers.load(folder / CLASSIFIERS, backbone())


def backbone() -> nn.Module | None:
    """The trunk under the classifiers' heads; None trains a small one for the story."""
    return None


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


def _of_columns(pictures: list[Example], columns: list[int]) -> list[Example]:
    """Some of the elements only, and the pictures that say something about them."""
    return [
        replace(picture, labels=picture.labels[columns], known=picture.known[columns])
        for picture in pictures
        if picture.known[columns].any()
    ]


def _report(story: Story, trained: Trained, learned: list[str], left_out: list[str]) -> dict[str, Any]:
    figures = {}
    for element in trained.report.elements:
        figures[element.element] = {key: value for key, value in asdict(element).items() if key != "element"}
    doubts = _disagreements(story, trained, learned)
    told = ", ".join(
        f"{doubt['panel']} {doubt['element']} (marked {doubt['mark']:g}, seems {doubt['probability']:.2f})"
        for doubt in doubts
    )
    return {
        "elements": figures,
        "accuracy": trained.report.accuracy,
        "accuracy_stylized": trained.report.accuracy_stylized,
        "accuracy_attacked": trained.report.accuracy_attacked,
        "disagreements": doubts,
        "left_out": left_out,
        **({"marks_to_look_at_again": told} if doubts else {}),
        **({"elements_that_cannot_be_learned": ", ".join(left_out)} if left_out else {}),
    }


def _disagreements(story: Story, trained: Trained, learned: list[str]) -> list[dict[str, Any]]:
    """Marks that classifiers who had not seen the panel find improbable: perhaps a slip of the pen."""
    priors, known = marks(story)
    columns = [story.element_names.index(name) for name in learned]
    rows = [row for row in range(len(known)) if known[row, columns].any()]
    found = []
    for place, row in enumerate(rows):
        for column, name in zip(columns, learned, strict=True):
            probability = float(trained.held_out[place, learned.index(name)])
            prior = float(priors[row, column])
            agreement = probability if prior > 0.5 else 1 - probability
            if known[row, column] and prior in (0.0, 1.0) and agreement < _DOUBT:
                found.append(
                    {
                        "panel": story.panels[row].id,
                        "element": name,
                        "mark": prior,
                        "probability": round(probability, 4),
                    }
                )
    return found
