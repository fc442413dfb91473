"""Classifiers that a story takes from elsewhere: ``classifier = PATH`` in story.toml. Needs no torch."""

from __future__ import annotations

from pathlib import Path

from classifiers.card import CARD, Card
from comicloss.story.model import Story, normal

CLASSIFIERS = "classifiers"
"""Where a story's own are, in its folder."""
RECORD = "record.json"
"""Beside trained classifiers: what they were made from, and the report."""


def classifiers_folder(path: Path) -> Path:
    """Where the classifiers are that a path means: in a story's folder its own, else the folder itself."""
    return path / CLASSIFIERS if (path / "story.toml").exists() else path


def has_classifiers(path: Path) -> bool:
    """Whether trained classifiers are there, sound or not."""
    return (classifiers_folder(path) / CARD).is_file()


def known_elements(path: Path) -> dict[str, str]:
    """The elements that trained classifiers know: name in composed form -> name as they have it.

    Raises:
        WeightsError: there are none, or they are damaged.
    """
    return {normal(name): name for name in Card.read(classifiers_folder(path)).element_names}


def taken_elements(story: Story, folder: Path) -> dict[str, Path]:
    """The elements that are not trained in the story: element name -> folder of its classifiers.

    An element's own ``classifier`` counts before the story's, which is for all elements that it knows.

    Raises:
        WeightsError: the classifiers are missing or damaged.
    """
    family = {} if story.classifier is None else known_elements(folder / story.classifier)
    taken = {}
    for element in story.elements:
        path = element.classifier
        if path is None and element.name in family:
            path = story.classifier
        if path is not None:
            taken[element.name] = classifiers_folder(folder / path)
    return taken
