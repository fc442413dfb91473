"""The card beside trained classifiers: what they learned from, how well, and how to read their answers."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pages.errors import WeightsError

if TYPE_CHECKING:
    from classifiers.data import Example

CARD = "card.json"
CALIBRATED_FROM = 10
"""With fewer pictures that show an element nothing certain can be said about its probabilities."""

_VERSION = 1
_LARGEST = 16 * 1024**2  # bytes; a card of thousands of elements is smaller
_RETRAIN = "Train the classifiers again (comicloss train)."


@dataclass(frozen=True)
class ElementCard:
    """One element on the card.

    Attributes:
        element: its name.
        positives, negatives: pictures that show it, and that do not.
        threshold: said to be there from this probability on, in (0, 1).
        calibrated: whether there were at least ``CALIBRATED_FROM`` positives to fit its probabilities to.
        figures: on held-out pictures, as the report has them: JSON values.
    """

    element: str
    positives: int
    negatives: int
    threshold: float
    calibrated: bool
    figures: Mapping[str, Any]

    def __post_init__(self) -> None:
        _require(type(self.element) is str and self.element != "", "element")
        _require(all(type(n) is int and n >= 0 for n in (self.positives, self.negatives)), "positives")
        _require(type(self.threshold) is float and 0 < self.threshold < 1, "threshold")
        _require(type(self.calibrated) is bool, "calibrated")
        _require(isinstance(self.figures, Mapping), "figures")


@dataclass(frozen=True)
class Card:
    """Where trained classifiers come from and what they are worth.

    Attributes:
        fingerprint: SHA-256 over the pictures and their labels (``fingerprint``).
        pictures: that they were trained on and measured with.
        elements: one for each head, in order.
        recipe: name of the recipe; with seed and steps it gives the same weights from the same data.
        seed: of everything random.
        steps: of training.
        backbone: id of the trunk that they stand on.
        versions: of the programs that trained them, by name.
        made: when, ISO 8601 in UTC.

    Raises:
        ValueError: a value is of another type or outside its range.
    """

    fingerprint: str
    pictures: int
    elements: tuple[ElementCard, ...]
    recipe: str
    seed: int
    steps: int
    backbone: str
    versions: Mapping[str, str]
    made: str

    def __post_init__(self) -> None:
        for name in ("fingerprint", "recipe", "backbone", "made"):
            _require(type(getattr(self, name)) is str and getattr(self, name) != "", name)
        for name in ("pictures", "seed", "steps"):
            _require(type(getattr(self, name)) is int and getattr(self, name) >= 0, name)
        names = [element.element for element in self.elements]
        _require(len(names) > 0 and len(set(names)) == len(names), "elements")
        versions = self.versions
        _require(isinstance(versions, Mapping) and all(type(v) is str for v in versions.values()), "versions")
        _require(datetime.fromisoformat(self.made).tzinfo is not None, "made")

    @property
    def element_names(self) -> tuple[str, ...]:
        """Of the elements, in order."""
        return tuple(element.element for element in self.elements)

    @property
    def thresholds(self) -> dict[str, float]:
        """Element name -> probability from which on it is said to be there."""
        return {element.element: element.threshold for element in self.elements}

    def to_json(self) -> str:
        """As the text of a card.json."""
        return json.dumps({"version": _VERSION, **asdict(self)}, indent=1, ensure_ascii=False)

    @classmethod
    def read(cls, folder: Path) -> Card:
        """The card of trained classifiers.

        Raises:
            WeightsError: there is none, or it is damaged or none of this program's.
        """
        path = folder / CARD
        try:
            with path.open("rb") as file:
                text = file.read(_LARGEST + 1)
            if len(text) > _LARGEST:
                raise ValueError("it is far too large")
            fields = json.loads(text)
            if not isinstance(fields, dict) or fields.pop("version", None) != _VERSION:
                raise ValueError("it is not of this version")
            elements = tuple(ElementCard(**element) for element in fields.pop("elements"))
            return cls(elements=elements, **fields)
        except (FileNotFoundError, NotADirectoryError):
            raise WeightsError(
                f"{folder}: no trained classifiers with a card here.", remedy=_RETRAIN
            ) from None
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise WeightsError(f"{path}: damaged card ({error}).", remedy=_RETRAIN) from None


def now() -> str:
    """The time for a card."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def fingerprint(examples: Sequence[Example], element_names: Sequence[str]) -> str:
    """SHA-256 over pictures (at 8 bits), labels, what is known, groups and regions, in their order."""
    digest = hashlib.sha256(json.dumps(list(element_names)).encode())
    for example in examples:
        image = (example.image.clamp(0, 1) * 255).round().byte().contiguous()
        told = [list(image.shape), example.labels.tolist(), example.known.tolist()]
        digest.update(json.dumps([*told, example.group, example.regions]).encode())
        digest.update(image.numpy().tobytes())
    return digest.hexdigest()


def best_threshold(probabilities: Sequence[float], shown: Sequence[bool]) -> float:
    """The probability that parts the pictures that show an element from the others with the greatest F1.

    Halfway between the two neighboring probabilities; of several that are as good the one nearest to 0.5,
    which it is, too, with fewer than ``CALIBRATED_FROM`` on a side: then any other would be chance.

    Args:
        probabilities: of held-out pictures, in [0, 1].
        shown: whether each shows the element.
    """
    positives = sum(shown)
    if min(positives, len(shown) - positives) < CALIBRATED_FROM:
        return 0.5
    ranked = sorted(zip(probabilities, shown, strict=True), reverse=True)
    best, chosen, hits = 0.0, 0.5, 0
    for said, (probability, is_shown) in enumerate(ranked, 1):
        hits += is_shown
        following = ranked[said][0] if said < len(ranked) else 0.0
        if following == probability:
            continue
        value, threshold = 2 * hits / (positives + said), (probability + following) / 2
        nearer = abs(threshold - 0.5) < abs(chosen - 0.5)
        if 0 < threshold < 1 and (value > best or (math.isclose(value, best) and nearer)):
            best, chosen = value, threshold
    return chosen


def _require(right: bool, what: str) -> None:
    if not right:
        raise ValueError(f"its {what} is not what it should be")
