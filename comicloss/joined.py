"""The classifiers of a story: its own, and those that it takes from elsewhere, as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from classifiers.card import CARD, Card
from classifiers.model import ElementClassifiers
from comicloss.story import Story, load_story
from comicloss.story.families import CLASSIFIERS, RECORD, taken_elements
from comicloss.story.model import normal
from pages.errors import WeightsError


class JoinedClassifiers(nn.Module):
    """Several classifiers as one: (N, 3, H, W) in [0, 1] -> logits (N, E), in the order of ``element_names``.

    Each part answers for its own elements alone, whatever else it knows.

    Args:
        parts: classifiers, each with (name in the part, name here) of the elements that it answers for.
        element_names: all of the names here, each in exactly one part, in the order of the columns.
    """

    def __init__(
        self,
        parts: Sequence[tuple[nn.Module, Sequence[tuple[str, str]]]],
        element_names: Sequence[str],
    ) -> None:
        super().__init__()
        self.element_names = tuple(element_names)
        self.parts = nn.ModuleList(part for part, _ in parts)
        self._columns = [[list(_names(part)).index(inside) for inside, _ in pairs] for part, pairs in parts]
        given = [name for _, pairs in parts for _, name in pairs]
        self._order = [given.index(name) for name in self.element_names]

    def forward(self, images: Tensor) -> Tensor:
        return self._joined([part(images) for part in self.parts])

    def members(self, images: Tensor) -> Tensor:
        """(M, N, E) logits of each member of the ensembles; a part with fewer members repeats its own."""
        answers = [_asked(part, "members", images) for part in self.parts]
        count = max(len(answer) for answer in answers)
        return self._joined([answer[torch.arange(count) % len(answer)] for answer in answers])

    def evidence(self, images: Tensor) -> Tensor:
        """(N, E, h, w) where the evidence for each element is, >= 0, summing to 1 over h and w."""
        maps = [_asked(part, "evidence", images) for part in self.parts]
        size = max((tuple(found.shape[-2:]) for found in maps), key=lambda shape: shape[0] * shape[1])
        maps = [
            found if tuple(found.shape[-2:]) == size else _spread(found, (size[0], size[1])) for found in maps
        ]
        return self._joined([found.movedim(1, -1) for found in maps]).movedim(-1, 1)

    def _joined(self, answers: Sequence[Tensor]) -> Tensor:
        """Answers (..., elements of the part), one for each part -> (..., E)."""
        chosen = [answer[..., columns] for answer, columns in zip(answers, self._columns, strict=True)]
        return torch.cat(chosen, dim=-1)[..., self._order]


@dataclass(frozen=True)
class TrainedClassifiers:
    """Classifiers to ask.

    Attributes:
        classifiers: (N, 3, H, W) in [0, 1] -> logits (N, E), in eval mode.
        thresholds: element name -> probability from which on it is there; in the order of the columns.
    """

    classifiers: ElementClassifiers | JoinedClassifiers
    thresholds: dict[str, float]


def backbone() -> nn.Module | None:
    """The trunk under the classifiers' heads; None trains a small one for the story."""
    return None


def load_classifiers(folder: Path) -> ElementClassifiers | JoinedClassifiers:
    """The classifiers of a story, trained before: its own, joined with those that it takes from elsewhere.

    Raises:
        WeightsError: they are missing or damaged, stand on another trunk, or know none of the elements.
    """
    return trained_in(folder).classifiers


def trained_in(folder: Path) -> TrainedClassifiers:
    """The classifiers in a folder of classifiers, or those of a story.

    Raises:
        WeightsError: as for ``load_classifiers``.
    """
    if (folder / "story.toml").exists():
        return _of_story(load_story(folder), folder)
    card = Card.read(folder)
    return TrainedClassifiers(_loaded(folder, card), card.thresholds)


def _of_story(story: Story, folder: Path) -> TrainedClassifiers:
    own, taken = folder / CLASSIFIERS, taken_elements(story, folder)
    cards = {place: Card.read(place) for place in taken.values()}
    nothing_learned = (own / RECORD).exists() and not (own / CARD).exists()
    if len(taken) < len(story.elements) and not nothing_learned:
        cards[own] = Card.read(own)
    answered: dict[Path, list[tuple[str, str]]] = {place: [] for place in cards}
    thresholds: dict[str, float] = {}
    for name in story.element_names:
        place = taken.get(name, own)
        inside = {} if place not in cards else {normal(known): known for known in cards[place].element_names}
        if name in inside:
            answered[place].append((inside[name], name))
            thresholds[name] = cards[place].thresholds[inside[name]]
        elif place != own:
            known = ", ".join(inside.values())
            raise WeightsError(
                f'{place}: these classifiers know no "{name}"; they know {known}.',
                remedy="Train them again with it, or correct `classifier` in story.toml.",
            )
    parts = [(_loaded(place, cards[place]), pairs) for place, pairs in answered.items() if pairs]
    if not parts:
        raise WeightsError(
            f"{own}: the classifiers know none of the story's elements.",
            remedy=f"Train them again: comicloss train {folder}",
        )
    if len(parts) == 1 and parts[0][0].element_names == tuple(thresholds):
        return TrainedClassifiers(parts[0][0], thresholds)
    return TrainedClassifiers(JoinedClassifiers(parts, tuple(thresholds)).eval(), thresholds)


def _loaded(folder: Path, card: Card) -> ElementClassifiers:
    classifiers = ElementClassifiers.load(folder, backbone())
    if classifiers.element_names != card.element_names:
        raise WeightsError(
            f"{folder}: the card is of other classifiers than these.",
            remedy="Train the classifiers again (comicloss train).",
        )
    return classifiers


def _names(part: nn.Module) -> Sequence[str]:
    return cast(Sequence[str], part.element_names)


def _asked(part: nn.Module, what: str, images: Tensor) -> Tensor:
    return cast(Callable[[Tensor], Tensor], getattr(part, what))(images)


def _spread(found: Tensor, size: tuple[int, int]) -> Tensor:
    """Evidence (N, E, h, w) at another size, its sum kept at 1."""
    larger = F.interpolate(found, size, mode="bilinear").clamp_min(0)
    return larger / larger.sum(dim=(2, 3), keepdim=True).clamp_min(1e-12)
