"""Reference pictures as examples: alone, and, where they are cut out, pasted on panels of the story.

A drawing on blank paper, or on nothing, is told by its background as well as by what it shows. Pasted on
panels that are known not to show it (Dwibedi, Misra and Hebert, "Cut, Paste and Learn", ICCV 2017), the
drawing is all that is new.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from classifiers.data import Example
from comicloss.crops import Region, reduced
from comicloss.data import to_tensor, unit
from comicloss.story import Element
from comicloss.story.model import Kind
from pages.native import to_rgb
from pages.read import load_native

HOSTS = 2
"""Panels that a reference is pasted on, at most."""
PLACEMENTS = 2
"""Times that it is pasted on each, in other places and sizes."""

_SOLID = 0.9  # what fills more of its own bounding box than this is a picture, not a cut-out
_LEAST_SIDE = 8  # pixels of a cut-out
_HEIGHTS = (0.4, 0.9)  # of a pasted drawing, as shares of the panel's height
_WIDEST = 0.9  # as a share of the panel's width
_LARGEST_GAIN = 2.0  # enlarged more, a drawing would be told by its blur
_TRIES = 8  # places that are tried, to cover least of what the author has drawn regions around
_HIDDEN = 0.1  # of a region: covered more than this, nothing is known of its element
_BURIED = 0.5  # of a panel: covered more than this, nothing is known of the setting


@dataclass(frozen=True, eq=False)
class Reference:
    """A reference picture.

    Attributes:
        example: the picture alone, over white paper.
        cutout: (h, w, 4) uint8 RGBA, cut to what is drawn; None for a picture with a background.
    """

    example: Example
    cutout: NDArray[np.uint8] | None = field(repr=False)

    @property
    def shown(self) -> Tensor:
        """(E,) bool: the elements that list this picture."""
        return self.example.labels > 0.5


def load_reference(folder: Path, file: str, elements: Sequence[Element]) -> Reference:
    """A reference picture with all that is surely known of it.

    It shows the elements that list it. A picture with a background may show anybody else too: nothing is
    known of them. A cut-out shows nobody else, and no setting; only props are left open where it is not a
    prop itself, since a character may hold and a setting contain them.

    Raises:
        InputError: it cannot be read.
    """
    native = load_native(folder / file)
    cutout = None
    region: Region = (0.0, 0.0, 1.0, 1.0)
    if native.alpha is not None:
        alpha = (native.alpha.astype(np.uint32) * 255 // np.iinfo(native.alpha.dtype).max).astype(np.uint8)
        found = _drawn_box(alpha)
        if found is not None:
            rows, columns, region = found
            colors = to_rgb(replace(native, alpha=None))
            cutout = np.ascontiguousarray(np.dstack([colors, alpha])[rows, columns])
    shown = [file in element.references for element in elements]
    is_prop = [element.kind == "prop" for element in elements]
    only_props = all(prop for prop, there in zip(is_prop, shown, strict=True) if there)
    known = [
        there or (cutout is not None and (only_props or not prop))
        for there, prop in zip(shown, is_prop, strict=True)
    ]
    image = reduced(unit(to_tensor(to_rgb(native))))
    labels, mask = torch.tensor(shown).float(), torch.tensor(known).float()
    regions = tuple(region if there and cutout is not None else None for there in shown)
    return Reference(Example(image, labels, mask, file, regions), cutout)


def hosts_of(references: Sequence[Reference], panels: Sequence[Example]) -> list[list[int]]:
    """For each reference the panels to paste it on: places in ``panels``.

    A panel is known to show none of the reference's elements. It hosts one reference only, because a
    reference, its hosts and what is made of both are one group, and groups should stay small.
    """
    free = list(range(len(panels)))
    hosts: list[list[int]] = [[] for _ in references]
    for _ in range(HOSTS):
        for reference, own in zip(references, hosts, strict=True):
            if reference.cutout is None:
                continue
            absent = [
                place
                for place in free
                if bool(((panels[place].known == 1) & (panels[place].labels == 0))[reference.shown].all())
            ]
            if absent:
                # The end of the story is as good as its beginning; names spread them without chance.
                chosen = min(absent, key=lambda place: _key(reference.example.group, panels[place].group))
                own.append(chosen)
                free.remove(chosen)
    return hosts


def pasted(reference: Reference, host: Example, kinds: Sequence[Kind]) -> list[Example]:
    """A cut-out on a panel, in several places and sizes.

    Shown are the reference's elements, and what the panel shows unless the drawing may hide it: known of the
    panel's elements are those whose region stays free, and settings while half of the panel is to be seen.

    Args:
        reference: with a cut-out.
        host: a panel that shows none of its elements.
        kinds: of the elements.
    """
    assert reference.cutout is not None
    return [_paste(reference, reference.cutout, host, kinds, turn) for turn in range(PLACEMENTS)]


def _paste(
    reference: Reference, cutout: NDArray[np.uint8], host: Example, kinds: Sequence[Kind], turn: int
) -> Example:
    height, width = host.image.shape[-2:]
    regions = list(host.regions or [None] * len(host.labels))
    random = np.random.default_rng(int(_key(reference.example.group, host.group, str(turn))[:16], 16))
    share = random.uniform(*_HEIGHTS)
    gain = min(share * height / cutout.shape[0], _WIDEST * width / cutout.shape[1], _LARGEST_GAIN)
    size = (max(1, int(cutout.shape[1] * gain)), max(1, int(cutout.shape[0] * gain)))
    drawing = np.array(Image.fromarray(cutout).resize(size, Image.Resampling.BICUBIC))
    tries: list[tuple[list[float], int, int, NDArray[np.float32]]] = []
    for _ in range(_TRIES):
        left = int(random.integers(0, width - size[0] + 1))
        top = int(random.integers(0, height - size[1] + 1))
        sheet = np.zeros((height, width, 4), np.float32)
        sheet[top : top + size[1], left : left + size[0]] = drawing / np.float32(255)
        hidden = [0.0 if region is None else _covered(sheet[..., 3], region) for region in regions]
        tries.append((hidden, left, top, sheet))
    hidden, left, top, sheet = min(tries, key=lambda one: sum(one[0]))
    over = torch.from_numpy(sheet[..., 3])
    image = host.image * (1 - over) + torch.from_numpy(sheet[..., :3]).permute(2, 0, 1) * over

    region = (left / width, top / height, (left + size[0]) / width, (top + size[1]) / height)
    labels, known = host.labels.clone(), host.known.clone()
    for place, kind in enumerate(kinds):
        if reference.shown[place]:
            labels[place], known[place], regions[place] = 1, 1, region
        elif labels[place] == 0:
            known[place] = known[place] * reference.example.known[place]
        elif regions[place] is not None:
            known[place] = known[place] * (hidden[place] <= _HIDDEN)
        else:
            known[place] = known[place] * (kind == "setting" and float(over.mean()) <= _BURIED)
        if not known[place]:
            regions[place] = None
    return Example(image, labels * known, known, reference.example.group, tuple(regions))


def _drawn_box(alpha: NDArray[np.uint8]) -> tuple[slice, slice, Region] | None:
    """Rows, columns and region of what is drawn; None if it is a whole picture, or nothing."""
    drawn = alpha >= 128
    down, across = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    if not len(down):
        return None
    rows, columns = slice(down[0], down[-1] + 1), slice(across[0], across[-1] + 1)
    inside = drawn[rows, columns]
    if min(inside.shape) < _LEAST_SIDE or inside.mean() > _SOLID:
        return None
    height, width = alpha.shape
    region = (
        float(columns.start / width),
        float(rows.start / height),
        float(columns.stop / width),
        float(rows.stop / height),
    )
    return rows, columns, region


def _covered(cover: NDArray[np.float32], region: Region) -> float:
    """The mean cover over a region, in [0, 1]."""
    height, width = cover.shape
    left, right = int(region[0] * width), max(int(np.ceil(region[2] * width)), int(region[0] * width) + 1)
    top, bottom = int(region[1] * height), max(int(np.ceil(region[3] * height)), int(region[1] * height) + 1)
    return float(cover[top:bottom, left:right].mean())


def _key(*names: str) -> str:
    return hashlib.sha256("\n".join(names).encode()).hexdigest()
