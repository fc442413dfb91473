"""Pictures composed from the drawings of the data folder's elements, for experiments with classifiers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from classifiers.data import Example

SIDE = 96
_CELLS = 3  # to a side of the sheet


class Drawings:
    """Drawings of elements by some hands: element name -> (4, s, s) float, one for each set that has it."""

    def __init__(self, folder: Path, sets: Sequence[str], *, side: int = 40) -> None:
        self.of: dict[str, list[Tensor]] = {}
        for name in sets:
            for path in sorted((folder / "elements" / name).glob("*.png")):
                with Image.open(path) as image:
                    small = (
                        image.convert("RGBA").convert("RGBa").resize((side, side), Image.Resampling.LANCZOS)
                    )
                pixels = torch.from_numpy(np.asarray(small.convert("RGBA")).copy()).float() / 255
                self.of.setdefault(path.stem, []).append(pixels.permute(2, 0, 1))


def scene(drawings: Drawings, shown: Sequence[str], generator: torch.Generator) -> Tensor:
    """The elements on pale paper, each in a cell of its own, jittered and mirrored: (3, 96, 96) in [0, 1]."""

    def draw(count: int) -> int:
        return int(torch.randint(count, (), generator=generator))

    paper = 0.85 + 0.15 * torch.rand(3, 1, 1, generator=generator)
    sheet = paper.expand(3, SIDE, SIDE).clone()
    cells = torch.randperm(_CELLS**2, generator=generator).tolist()
    for name, cell in zip(shown, cells, strict=False):
        hands = drawings.of[name]
        drawing = hands[draw(len(hands))]
        if draw(2):
            drawing = drawing.flip(-1)
        side = drawing.shape[-1]
        room = SIDE - side
        top, left = (
            min(room, max(0, place * SIDE // _CELLS - (side - SIDE // _CELLS) // 2 + draw(9) - 4))
            for place in divmod(cell, _CELLS)
        )
        spot = sheet[:, top : top + side, left : left + side]
        spot.copy_(drawing[:3] * drawing[3:] + spot * (1 - drawing[3:]))
    return sheet.clamp(0, 1)


def labeled_scene(
    drawings: Drawings,
    labels: Tensor,
    names: Sequence[str],
    extras: Sequence[str],
    group: str,
    generator: torch.Generator,
) -> Example:
    """A scene with the labeled elements, and up to two others that nobody asks for."""
    shown = [name for name, label in zip(names, labels.tolist(), strict=True) if label]
    count = int(torch.randint(0 if shown else 1, 3, (), generator=generator))
    shown += [extras[place] for place in torch.randperm(len(extras), generator=generator)[:count].tolist()]
    return Example(scene(drawings, shown, generator), labels, torch.ones_like(labels), group=group)
