"""Pictures for the explanation: a drawing, and where the classifiers look in it."""

from __future__ import annotations

import torch
from torch import Tensor

from classifiers.data import Example
from classifiers.explain import (
    Region,
    Score,
    attention,
    in_picture,
    lines,
    on_square,
    score_apart,
    score_of,
    share_outside,
)
from classifiers.model import ElementClassifiers
from classifiers.pixels import as_pixels
from classifiers.stress import STRESSES
from classifiers.tint import BLUE, ramp, remaining, tinted, tinted_apart
from comicloss.data import Picture

_FRAME = 2


def looks(classifiers: ElementClassifiers, example: Example, column: int) -> list[tuple[str, Picture]]:
    """A drawing with the element's region, and what speaks for the element, three ways: (word, picture)."""
    image = on_device(classifiers, example)
    score = score_of(column)
    evidence = classifiers.evidence(on_square(image))[0, column]
    more = (evidence * evidence.numel() - 1).relu()  # than if it were even
    found = {
        "Grad-CAM": attention(classifiers, image, score),
        "evidence": in_picture(more[None], image.shape[-2], image.shape[-1])[0],
    }
    strokes = lines(classifiers, image, score)
    return [
        ("the drawing", as_pixels(framed(image, region_of(example, column)))),
        *((_word(word, where), as_pixels(tinted(image, where))) for word, where in found.items()),
        (_word("strokes", strokes), as_pixels(remaining(image, strokes))),
    ]


def _word(word: str, where: Tensor) -> str:
    return word if bool((where > 0).any()) else f"{word}: nothing speaks for it"


def apart(classifiers: ElementClassifiers, example: Example, column: int, other: int) -> Picture:
    """What speaks for one element and not for another in orange, and the reverse in blue."""
    image = on_device(classifiers, example)
    first, second = (
        attention(classifiers, image, score)
        for score in (score_apart(column, other), score_apart(other, column))
    )
    return as_pixels(tinted_apart(image, first, second))


def strip(example: Example) -> list[tuple[str, Picture]]:
    """A drawing in every view of ``classifiers.stress``: (name, picture)."""
    image = example.image[None].float().clamp(0, 1)
    return [(name, as_pixels(view(image)[0])) for name, view in STRESSES.items()]


def outside(classifiers: ElementClassifiers, example: Example, column: int) -> tuple[float, float] | None:
    """How much of Grad-CAM lies outside of the element's region, and how much of the picture does.

    None where the example has no such region, or the map is empty.
    """
    region = region_of(example, column)
    if region is None:
        return None
    score: Score = score_of(column)
    share = share_outside(attention(classifiers, on_device(classifiers, example), score).cpu(), region)
    left, top, right, bottom = region
    return None if share is None else (share, 1 - (right - left) * (bottom - top))


def region_of(example: Example, column: int) -> Region | None:
    """Where the element is, if somebody has said so."""
    return example.regions[column] if example.regions else None


def on_device(classifiers: ElementClassifiers, example: Example) -> Tensor:
    """The example's picture, (3, h, w) in [0, 1], where the classifiers are."""
    return example.image.float().clamp(0, 1).to(classifiers.temperature.device)


def framed(image: Tensor, region: Region | None) -> Tensor:
    """A picture (3, H, W) with a blue frame around a region."""
    if region is None:
        return image
    height, width = image.shape[-2:]
    left, top, right, bottom = (
        round(share * side) for share, side in zip(region, (width, height, width, height), strict=True)
    )
    mask = torch.zeros(height, width, dtype=torch.bool, device=image.device)
    mask[top:bottom, left:right] = True
    mask[top + _FRAME : bottom - _FRAME, left + _FRAME : right - _FRAME] = False
    color = ramp(torch.ones((), device=image.device), BLUE)[:, None, None]
    return torch.where(mask, color, image)
