"""Pictures from a film: a frame now and then, or one of each scene, without its black bars.

Frames are read a stretch at a time by the second process (``pages.worker``), so a film of any length takes
the memory of a few frames, and a hostile one can do no more than be refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifiers.borders import common_content_box, content_box
from classifiers.information import low_information
from pages.errors import InputError
from pages.limits import LIMITS, Limits
from pages.model import Box
from pages.progress import Stop, never, stop_here
from pages.worker import ask

_REMEDY = "Save it again from a video player or editor, or copy it again from its source."


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a film.

    Attributes:
        pixels: (H, W, 3) uint8, without the film's borders.
        seconds: from the film's beginning.
        scene: number of its scene among those that have a frame, from 1; frames of one scene are alike and
            must stay on one side of every split.
    """

    pixels: NDArray[np.uint8]
    seconds: float
    scene: int


def read_frames(
    path: Path, *, every: float | None, limits: Limits = LIMITS, stop: Stop = never
) -> Iterator[Frame]:
    """The frames of a film, in order, as they are read.

    Borders that the whole film has are cropped, then those of single frames (``classifiers.borders``). Frames
    with nothing to see, such as fades to black, are left out.

    Args:
        every: seconds between frames, above 0; None takes one frame of each scene.

    Raises:
        InputError: at once where there is no video to read; after the last frame that could be read where the
            film is damaged or cut short: the message says how far it could be read.
        Stopped: when ``stop()`` is true.
    """
    samples = [_array(blob) for blob in ask("sampled_frames", path, limits).blobs]
    box = _common_box(samples)
    state: dict[str, Any] | None = None
    began, number = None, 0
    while True:
        stop_here(stop, f"{path}: taking frames")
        answer = ask("frames", path, limits, every=every, state=state)
        values = answer.values
        for blob, seconds, scene in zip(answer.blobs, values["moments"], values["scenes"], strict=True):
            pixels = _cropped(_array(blob), box)
            if low_information(pixels) is not None:
                continue
            number, began = number + (scene != began), scene
            yield Frame(pixels, seconds, number)
        state = values["state"]
        if state is None:
            break
    if values["damage"]:
        raise InputError(f"{path}: the video is damaged: {values['damage']}.", remedy=_REMEDY)


def _array(blob: NDArray[Any] | bytes) -> NDArray[np.uint8]:
    return np.asarray(blob, np.uint8)


def _common_box(samples: list[NDArray[np.uint8]]) -> Box | None:
    telling = [sample for sample in samples if low_information(sample) is None]
    telling = [sample for sample in telling if sample.shape == telling[0].shape]
    return common_content_box(telling) if len(telling) > 1 else None


def _cropped(pixels: NDArray[np.uint8], box: Box | None) -> NDArray[np.uint8]:
    if box is not None and box.right <= pixels.shape[1] and box.bottom <= pixels.shape[0]:
        pixels = pixels[box.top : box.bottom, box.left : box.right]
    own = content_box(pixels)
    return np.ascontiguousarray(pixels[own.top : own.bottom, own.left : own.right])
