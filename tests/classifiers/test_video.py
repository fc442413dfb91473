"""Films that the test itself encodes: which frames are taken, and what becomes of damaged ones."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from classifiers.video import Frame, read_frames
from pages.errors import InputError
from pages.limits import Limits

Pixels = NDArray[np.uint8]
RATE = 12


def scene(seed: int, height: int = 144, width: int = 192) -> Pixels:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 7, 3)).astype(np.uint8)
    return cv2.resize(coarse, (width, height), None, 0, 0, cv2.INTER_CUBIC)


def encode(path: Path, frames: Sequence[Pixels], codec: str = "libx264", **options: str) -> Path:
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=RATE)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.gop_size = 10
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def film(lengths: Sequence[float], bars: int = 0) -> list[Pixels]:
    """Scenes of so many seconds, each with a slow pan, between black bars."""
    frames = []
    for number, seconds in enumerate(lengths):
        stage = scene(number, 144, 240)
        for step in range(round(seconds * RATE)):
            view = stage[:, step % 40 : step % 40 + 192]
            frames.append(cv2.copyMakeBorder(view, bars, bars, 0, 0, cv2.BORDER_CONSTANT))
    return frames


def test_one_frame_of_each_scene(tmp_path: Path) -> None:
    found = list(read_frames(encode(tmp_path / "film.mp4", film([2, 1, 3, 1.5, 0.7])), every=None))
    assert [frame.scene for frame in found] == [1, 2, 3, 4, 5]
    assert [frame.seconds for frame in found] == pytest.approx([0.5, 2.5, 3.5, 6.5, 8.0], abs=0.1)
    for number, frame in enumerate(found):
        wanted = scene(number, 144, 240)[:, 6:198].astype(int)
        assert np.abs(frame.pixels - wanted).mean() < 6


@pytest.mark.parametrize(("name", "codec"), [("f.mkv", "ffv1"), ("f.avi", "mpeg4"), ("f.ts", "libx264")])
def test_a_frame_every_few_seconds_knows_its_scene(tmp_path: Path, name: str, codec: str) -> None:
    found = list(read_frames(encode(tmp_path / name, film([2, 1, 3]), codec), every=0.75))
    assert [frame.seconds for frame in found] == pytest.approx(np.arange(8) * 0.75, abs=0.09)
    assert [frame.scene for frame in found] == [1, 1, 1, 2, 3, 3, 3, 3]


def test_borders_are_cropped_and_frames_with_nothing_to_see_are_left_out(tmp_path: Path) -> None:
    frames = film([1, 1, 1], bars=24)
    black = [np.zeros_like(frames[0])] * RATE
    night = np.zeros_like(frames[0])
    night[80:110, 50:90] = scene(9, 30, 40)
    path = encode(tmp_path / "film.mkv", [*black, *frames, *black, *([night] * RATE)])
    found = list(read_frames(path, every=None))
    assert [frame.scene for frame in found] == [1, 2, 3, 4]
    for frame in found:
        assert abs(frame.pixels.shape[0] - 144) <= 6 and frame.pixels.shape[1] == 192


def test_stretches_make_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = encode(tmp_path / "film.mp4", film([1, 0.7, 2, 1.2]))
    from pages import video

    def read(every: float | None) -> list[tuple[float, float, bytes]]:
        state, taken, calls = None, [], 0
        while calls == 0 or state is not None:
            part = video.read_stretch(path, Limits(), every, state)
            taken += list(zip(part.moments, part.scenes, (f.tobytes() for f in part.frames), strict=True))
            state, calls = part.state, calls + 1
        assert part.damage is None
        return taken

    for every in (None, 0.4):
        whole = read(every)
        monkeypatch.setattr(video, "_STRETCH_BYTES", 1)
        assert read(every) == whole and len(whole) >= 4
        monkeypatch.undo()


def taken(path: Path, **options: object) -> tuple[list[Frame], str]:
    frames: list[Frame] = []
    with pytest.raises(InputError) as refused:
        for frame in read_frames(path, every=0.5, **options):  # type: ignore[arg-type]
            frames.append(frame)
    return frames, refused.value.problem


def test_a_film_that_is_cut_short_gives_what_it_has(tmp_path: Path) -> None:
    whole = encode(tmp_path / "whole.mp4", film([3, 3, 3]), movflags="faststart")
    short = tmp_path / "short.mp4"
    short.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    frames, problem = taken(short)
    assert 4 <= len(frames) <= 14 and "of 9.0 seconds could be read" in problem
    no_index = encode(tmp_path / "plain.mp4", film([1]))
    short.write_bytes(no_index.read_bytes()[:-400])
    assert taken(short)[0] == []


def test_noise_in_the_middle_costs_a_part_only(tmp_path: Path) -> None:
    path = encode(tmp_path / "film.mkv", film([3, 3, 3]), "ffv1")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3000] = np.random.default_rng(0).bytes(3000)
    path.write_bytes(content)
    frames = []
    try:
        for frame in read_frames(path, every=0.5):
            frames.append(frame)
    except InputError as error:
        assert str(path) in error.problem
    assert len(frames) >= 8


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    noise = tmp_path / "noise.mp4"
    noise.write_bytes(np.random.default_rng(0).bytes(5000))
    empty = tmp_path / "empty.mp4"
    empty.touch()
    sound = tmp_path / "sound.mkv"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    film_file = encode(tmp_path / "film.mkv", film([1]))
    playlist = tmp_path / "list.m3u8"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{film_file}\n#EXT-X-ENDLIST\n")
    joined = tmp_path / "join.txt"
    joined.write_text(f"ffconcat version 1.0\nfile {film_file.name}\n")
    for path, words in [
        (noise, "no video"),
        (empty, "empty"),
        (sound, "no video in this file"),
        (playlist, "no video"),
        (joined, "no video"),
        (tmp_path / "gone.mp4", "no such file"),
        (tmp_path, "no file"),
    ]:
        frames, problem = taken(path)
        assert not frames and words in problem and path.name in problem


def test_a_film_without_frames_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "none.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=RATE)
        stream.height, stream.width, stream.pix_fmt = 64, 64, "yuv420p"
        container.start_encoding()
    frames, problem = taken(path)
    assert not frames and path.name in problem


def test_frames_beyond_the_limits_are_refused(tmp_path: Path) -> None:
    path = encode(tmp_path / "film.mkv", film([1]))
    frames, problem = taken(path, limits=Limits(pixels=10_000))
    assert not frames and "192 x 144" in problem
