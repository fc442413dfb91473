"""Frames of a video, a stretch at a time. Runs in the second process (``pages.worker``).

FFmpeg, by PyAV, does the decoding. The file is handed to it open, no protocol and no playlist is allowed, so
that a hostile file cannot make it read another one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pages.errors import InputError
from pages.files import os_errors
from pages.limits import Limits, variable

_FORMATS = "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,avi,mpegts,mpeg,flv,asf,ogg,gif,nut,mxf,ivf,apng"
_SMALL = (96, 54)
_CUT = 27.0  # PySceneDetect's default threshold
_SHORTEST = 0.6  # seconds of a scene, as there
_BLANK = 10.0  # of 255: the spread of value in a blank frame
_SETTLED = 0.5  # seconds after a cut, when a dissolve is over
_STRETCH_BYTES = 192 * 1024**2
_SAMPLES = 16
_MOST_BAD = 1000  # pieces that cannot be decoded, before the rest is given up
_SLACK = 1.0  # seconds by which a file's stated length may be wrong
_REMEDY = "Open it in a video player and save it again as MP4 or MKV, or copy it again from its source."


@dataclass
class Stretch:
    """What was found between two moments of a video.

    Attributes:
        frames: (H, W, 3) uint8 each, as chosen.
        moments: of the frames, in seconds.
        scenes: for each frame, the moment its scene begins.
        state: where to go on, to be handed to the next call; None at the end.
        damage: what could not be read, or None.
    """

    frames: list[NDArray[np.uint8]] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)
    scenes: list[float] = field(default_factory=list)
    state: dict[str, Any] | None = None
    damage: str | None = None


def read_stretch(path: Path, limits: Limits, every: float | None, state: dict[str, Any] | None) -> Stretch:
    """The next frames of a video, as many as fit into memory and a third of the time allowed.

    A scene begins where the mean difference of hue, saturation and value from one frame to the next, in
    copies of 96 x 54 pixels, is at least 27 of 255, and 0.6 seconds after the last one at the soonest: the
    content detector of PySceneDetect (B. Castellano, https://www.scenedetect.com) with its defaults. It also
    begins where a blank screen ends: out of black, a dark scene comes without a large difference.

    Args:
        every: seconds between frames; None for one frame of each scene, half a second after it begins, or
            its last one where it is shorter.
        state: None for the beginning, else what the last call gave.

    Raises:
        InputError: there is no video in the file, it has no time stamps, or a frame is beyond ``limits``.
    """
    began = time.monotonic()
    state = state or {"after": None, "scene": None, "taken": -1, "waiting": False, "bad": 0}
    found = Stretch()
    size = 0
    with _opened(path, limits) as (container, stream):
        before: NDArray[np.float32] | None = None
        last: tuple[float, Any] | None = None
        for moment, frame in _frames(container, stream, state):
            small = _small(frame)
            if state["after"] is not None and moment <= state["after"]:
                before, last = small, (moment, frame)  # of the last stretch; the next is compared with it
                continue
            change = _CUT if before is None else float(np.abs(small - before).mean())
            changed = change >= _CUT or (before is not None and _is_blank(before) and not _is_blank(small))
            cut = state["scene"] is None or (changed and moment - state["scene"] >= _SHORTEST)
            if cut and state["waiting"] and last is not None:
                size += _take(found, *last, state)
            if cut:
                state.update(scene=moment, waiting=every is None)
            due = state["waiting"] and moment >= state["scene"] + _SETTLED
            if every is not None and int(moment / every + 1e-6) > state["taken"]:
                state["taken"], due = int(moment / every + 1e-6), True
            if due:
                size += _take(found, moment, frame, state)
            before, last, state["after"] = small, (moment, frame), moment
            if size > _STRETCH_BYTES or time.monotonic() - began > limits.seconds / 3:
                found.state = state
                return found
        if state["waiting"] and last is not None:
            _take(found, *last, state)
        found.damage = _damage(container, stream, state)
    return found


def sample_frames(path: Path, limits: Limits) -> list[NDArray[np.uint8]]:
    """Up to 16 frames, (H, W, 3) uint8, spread over the video; one where it cannot be searched.

    Raises:
        InputError: as for ``read_stretch``.
    """
    import av

    found: list[NDArray[np.uint8]] = []
    with _opened(path, limits) as (container, stream):
        seconds = _stated_seconds(container, stream) or 0.0
        for place in range(_SAMPLES if seconds else 1):
            state = {"after": seconds * place / _SAMPLES if place else None, "bad": 0}
            try:
                for _, frame in _frames(container, stream, state):
                    found.append(_upright(frame))
                    break
            except av.error.FFmpegError:
                continue
    return found


def _take(found: Stretch, moment: float, frame: Any, state: dict[str, Any]) -> int:
    """Keep a frame; its bytes."""
    found.frames.append(_upright(frame))
    found.moments.append(round(moment, 3))
    found.scenes.append(round(state["scene"], 3))
    state["waiting"] = False
    return found.frames[-1].nbytes


def _upright(frame: Any) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90)))


def _small(frame: Any) -> NDArray[np.float32]:
    rgb = frame.reformat(*_SMALL, format="rgb24").to_ndarray()
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV), np.float32)


def _is_blank(small: NDArray[np.float32]) -> bool:
    return float(np.ptp(small[..., 2])) <= _BLANK


@contextmanager
def _opened(path: Path, limits: Limits) -> Iterator[tuple[Any, Any]]:
    import av
    from av.stream import Disposition

    with os_errors(path):
        if not path.exists():
            raise InputError(f"{path}: no such file.", remedy="Check the path.")
        if not path.is_file():
            raise InputError(f"{path}: this is no file.", remedy="Name a video file.")
        if not path.stat().st_size:
            raise InputError(f"{path}: the file is empty.", remedy="Copy the video again from its source.")
        file = path.open("rb")
    with file:
        try:
            options = {"protocol_whitelist": "none", "format_whitelist": _FORMATS}
            container = av.open(file, options=options, metadata_errors="ignore")
        except (av.error.FFmpegError, ValueError, OSError) as error:
            raise InputError(
                f"{path}: this is no video, or its index is damaged ({_reason(error)}).", remedy=_REMEDY
            ) from None
        with container:
            streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
            if not streams:
                raise InputError(f"{path}: there is no video in this file.", remedy="Name a video file.")
            context = streams[0].codec_context
            if context is None or not context.width or not context.height:
                raise InputError(f"{path}: its frames cannot be decoded.", remedy=_REMEDY)
            if context.width * context.height > limits.pixels:
                raise InputError(
                    f"{path}: {context.width} x {context.height} pixels in a frame are more than "
                    f"{limits.pixels}.",
                    remedy=f"Save it smaller, or raise {variable('pixels')}.",
                )
            yield container, streams[0]


def _frames(container: Any, stream: Any, state: dict[str, Any]) -> Iterator[tuple[float, Any]]:
    """(seconds, frame), from the key frame at or before ``state["after"]`` on.

    What cannot be decoded is passed over and counted in ``state["bad"]``.
    """
    import av

    start = float((stream.start_time or 0) * stream.time_base)
    if state["after"] is not None:
        container.seek(int((state["after"] + start) / stream.time_base), stream=stream, backward=True)
    packets = container.demux(stream)
    while True:
        try:
            frames = next(packets).decode()
        except StopIteration:
            return
        except av.error.EOFError:
            return
        except av.error.FFmpegError:
            state["bad"] += 1
            if state["bad"] > _MOST_BAD:
                return
            continue
        for frame in frames:
            if frame.time is None:
                raise InputError(
                    f"{container.file.name}: its frames have no time stamps.",
                    remedy="Put it into a container that has: ffmpeg -i VIDEO -c copy VIDEO.mkv",
                )
            yield float(frame.time) - start, frame


def _stated_seconds(container: Any, stream: Any) -> float | None:
    import av

    if stream.duration:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None


def _damage(container: Any, stream: Any, state: dict[str, Any]) -> str | None:
    if state["after"] is None:
        return "no frame could be decoded"
    stated = _stated_seconds(container, stream)
    if stated and state["after"] < 0.98 * stated - _SLACK:
        return f"it is cut short: {state['after']:.1f} of {stated:.1f} seconds could be read"
    return f"{state['bad']} pieces of it could not be decoded" if state["bad"] else None


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".")
