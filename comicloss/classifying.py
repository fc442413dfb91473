"""Who is in these pictures, by classifiers that were trained before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from comicloss.examples import example_picture
from comicloss.joined import trained_in
from pages.errors import InputError, ResourceError
from pages.parts import PagePart, pages_in
from pages.progress import Progress, Stop, stop_here
from pages.read import load_rgb, picture_files


@dataclass(frozen=True)
class ClassifiedPicture:
    """What the classifiers say of one picture.

    Attributes:
        file: its path, with #3 behind it for the third page of a file with several.
        probabilities: element name -> in [0, 1].
    """

    file: str
    probabilities: dict[str, float]


@dataclass(frozen=True)
class Classified:
    """What the classifiers say.

    Attributes:
        pictures: those that could be read, in order.
        thresholds: element name -> probability from which on it is said to be there.
        unreadable: why others could not be read.
    """

    pictures: list[ClassifiedPicture]
    thresholds: dict[str, float]
    unreadable: list[str]


def classify(folder: Path, paths: Sequence[Path], *, progress: Progress, stop: Stop) -> Classified:
    """Say how probably each element is in each picture.

    Args:
        folder: of classifiers, or of a story.
        paths: pictures, CBZ, PDF, or folders of them; of a file with several pages each is a picture.

    Raises:
        WeightsError: there are no classifiers, or they are damaged.
        InputError: a path does not exist; or the only picture cannot be read.
    """
    trained = trained_in(folder)
    thresholds = trained.thresholds
    files = picture_files(paths)
    parts: list[PagePart] = []
    unreadable: list[str] = []
    for path in files:
        stop_here(stop, "Looking at the pictures")
        try:
            parts += pages_in(path)
        except (InputError, ResourceError) as error:
            if len(files) == 1:
                raise
            unreadable.append(error.problem)
    several = {part.path for part in parts if part.place > 0}
    found: list[ClassifiedPicture] = []
    for number, part in enumerate(parts, 1):
        stop_here(stop, "Looking at the pictures")
        try:
            picture = _pixels(part, several=part.path in several)
        except (InputError, ResourceError) as error:
            if len(files) == len(parts) == 1:
                raise
            unreadable.append(error.problem)
        else:
            file = f"{part.path}#{part.place + 1}" if part.path in several else str(part.path)
            found.append(
                ClassifiedPicture(file, _probabilities(trained.classifiers, list(thresholds), picture))
            )
        progress(number, len(parts), "looking at the pictures")
    return Classified(found, thresholds, unreadable)


@torch.no_grad()
def _probabilities(
    classifiers: nn.Module, element_names: Sequence[str], picture: NDArray[np.uint8]
) -> dict[str, float]:
    shown = classifiers(example_picture(picture)[None])[0].sigmoid().tolist()
    return dict(zip(element_names, (round(probability, 6) for probability in shown), strict=True))


def _pixels(part: PagePart, *, several: bool) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 of a page; what is in a larger file goes through the same door as a file of its own."""
    if not several:
        return load_rgb(part.path)
    page = part.read()
    with TemporaryDirectory() as place:
        path = Path(place) / f"page{page.suffix}"
        path.write_bytes(page.content)
        try:
            return load_rgb(path)
        except InputError as error:
            raise InputError(f"{part.path}, {part.label}: {error.problem}", remedy=error.remedy) from None
