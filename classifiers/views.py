"""The pictures that heads are fitted to: each example as drawn, and in many other ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from classifiers.augment import StyleViews, ink, pair_up, recolor, roughen, warp
from classifiers.data import Example, label_matrix
from classifiers.model import letterbox
from pages.progress import Progress, Stop, stop_here

AS_DRAWN, MIRRORED, RECOLORED, INKED, STYLED, SHEET, ATTACKED = range(7)
"""What was done to a picture."""

_PLAN = (RECOLORED, INKED, RECOLORED, STYLED, RECOLORED, INKED)
_ROWS = 4000  # of views in all; more examples have fewer views each, down to one
_BATCH = 32


@dataclass(frozen=True, eq=False)
class Views:
    """R pictures made of N examples.

    Attributes:
        images: (R, 3, S, S) uint8.
        labels, known: (R, E).
        fold: (R,) the fold that holds the picture out, -1 for none.
        kind: (R,) what was done to it.
        example: (R,) the row of the example, -1 for a sheet of two.
    """

    images: Tensor
    labels: Tensor
    known: Tensor
    fold: Tensor
    kind: Tensor
    example: Tensor

    def pictures(self, rows: Tensor) -> Tensor:
        """(n, 3, S, S) float in [0, 1]."""
        return self.images[rows].float() / 255

    def joined(self, other: Views) -> Views:
        """These and others."""
        names = ("images", "labels", "known", "fold", "kind", "example")
        return Views(*(torch.cat([getattr(self, name), getattr(other, name)]) for name in names))


def draw_views(
    examples: Sequence[Example],
    folds: Sequence[Sequence[int]],
    size: int,
    style_views: StyleViews | None,
    generator: torch.Generator,
    *,
    varied: Tensor,
    progress: Progress,
    stop: Stop,
) -> Views:
    """Each example as drawn and mirrored; warped and changed in color, ink or style; and on sheets of two.

    A sheet is made of two examples of one fold, so that it can be held out with it.

    Args:
        examples: N of them.
        folds: rows of the examples that are held out together; empty: nothing is.
        size: S, the side of the square.
        style_views: pictures in other styles; None inks instead.
        varied: (V,) rows of the examples that have more views than the one as drawn.
    """
    labels, known = label_matrix(examples)
    fold = torch.full((len(examples),), -1)
    for number, rows in enumerate(folds):
        fold[list(rows)] = number
    drawn = torch.cat([as_bytes(letterbox(example.image[None].float(), size)) for example in examples])
    everyone = torch.arange(len(examples))
    whole = Views(drawn, labels, known, fold, torch.full_like(fold, AS_DRAWN), everyone)
    made = whole
    kinds = [MIRRORED, *_PLAN, SHEET, SHEET][: max(0, _ROWS // max(1, len(varied)) - 1)]
    for number, kind in enumerate(kinds):
        for start in range(0, len(varied), _BATCH):
            chosen = varied[start : start + _BATCH]
            stop_here(stop, "training the classifiers")
            if kind == SHEET:
                part = _sheets(whole, chosen, generator)
            else:
                changed = as_bytes(_changed(whole.pictures(chosen), kind, style_views, generator))
                same = (labels[chosen], known[chosen], fold[chosen])
                part = Views(changed, *same, torch.full_like(chosen, kind), chosen)
            made = made.joined(part)
        progress(number + 1, len(kinds), "drawing views of the pictures")
    return made


def _changed(images: Tensor, kind: int, style_views: StyleViews | None, generator: torch.Generator) -> Tensor:
    size = images.shape[-1]
    if kind == MIRRORED:
        return images.flip(-1)
    if kind == STYLED and style_views is not None:
        # Style networks are the slowest part of training, and are as telling at two thirds of the size.
        small = F.interpolate(images, (size * 2 // 3,) * 2, mode="bilinear", antialias=True)
        styled = style_views(small, generator).detach().clamp(0, 1)
        images = F.interpolate(styled, (size, size), mode="bilinear")
    elif kind in (INKED, STYLED):
        images = ink(images, generator)
    images = warp(images, size, generator)
    return roughen(recolor(images, generator) if kind == RECOLORED else images, generator)


def _sheets(whole: Views, rows: Tensor, generator: torch.Generator) -> Views:
    """Each of the rows with another one of its fold."""
    alike = whole.fold[rows][:, None] == whole.fold[None]
    partner = alike.float().multinomial(1, generator=generator).flatten()
    first, second = (
        (whole.pictures(chosen), whole.labels[chosen], whole.known[chosen]) for chosen in (rows, partner)
    )
    images, labels, known = pair_up(first, second, generator)
    images = recolor(warp(images, images.shape[-1], generator), generator)
    nobody = torch.full_like(rows, -1)
    return Views(as_bytes(images), labels, known, whole.fold[rows], torch.full_like(rows, SHEET), nobody)


def as_bytes(images: Tensor) -> Tensor:
    """[0, 1] as uint8."""
    return (images.clamp(0, 1) * 255).round().to(torch.uint8)
