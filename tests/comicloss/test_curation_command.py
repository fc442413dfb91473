"""Frames of films become a collection, and a collection is looked through, from end to end."""

from __future__ import annotations

import csv
import json
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from classifiers.collection import read_collection
from comicloss.curation import curate, frames
from pages.errors import InputError, Stopped, UsageError


def picture(seed: int) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    return cv2.resize(coarse, (128, 96), interpolation=cv2.INTER_CUBIC)


def film(path: Path, seeds: list[int]) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.height, stream.width, stream.pix_fmt = 96, 128, "yuv420p"
        for number in range(12 * len(seeds)):
            frame = av.VideoFrame.from_ndarray(picture(seeds[number // 12]), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_films_become_a_collection(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (tmp_path / "b").mkdir()
    first, second = film(tmp_path / "hero film.mkv", [0, 1, 2]), film(tmp_path / "b" / "hero film.mkv", [3])
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"nothing" * 99)
    told = frames([first, second, bad], out, every=0.5, label="Hero")
    assert [(film["frames"], film["scenes"]) for film in told] == [(8, 3), (3, 1), (0, 0)]
    assert told[2]["folder"] is None and "no video" in told[2]["problem"]
    assert sorted(path.name for path in out.iterdir()) == ["hero film", "hero film-2", "labels.csv"]
    other = film(tmp_path / "other.mkv", [5, 6])
    before = (out / "labels.csv").read_text()
    frames([other], out, every=None, label=None)
    assert (out / "labels.csv").read_text().startswith(before)
    collection = read_collection(out)
    assert collection.element_names == ("Hero",)
    assert [picture.labels[0] for picture in collection.pictures] == [1.0] * 11 + [0.0] * 2
    assert len({picture.group for picture in collection.pictures}) == 6


def test_nothing_that_is_there_is_changed(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mkv", [0])
    out = tmp_path / "out"
    (out / "film").mkdir(parents=True)
    (out / "film" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="there already"):
        frames([path], out, every=None, label=None)
    (out / "film" / "mine.txt").rename(out / "mine.txt")
    (out / "film").rmdir()
    (out / "labels.csv").write_text("file,Hero\nx.png,1\n")
    with pytest.raises(UsageError, match="other columns"):
        frames([path], out, every=None, label=None)
    (out / "labels.csv").unlink()
    with pytest.raises(Stopped):
        frames([path], out, every=None, label=None, stop=lambda: True)
    with pytest.raises(InputError, match="no such file"):
        frames([tmp_path / "gone.mkv"], out, every=None, label=None)
    assert [path.name for path in out.iterdir()] == ["mine.txt"]


def test_a_collection_is_looked_through(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    root = tmp_path / "pictures"
    for name, color in (("Fire", (230, 60, 20)), ("Sea", (20, 90, 200))):
        (root / name).mkdir(parents=True)
        for number in range(24):
            shown = (np.array(color) * 0.7 + picture(int(rng.integers(10**6))) * 0.3).astype(np.uint8)
            Image.fromarray(shown).save(root / name / f"{number}.png")
    Image.open(root / "Fire" / "3.png").save(root / "Sea" / "twin.png")
    Image.open(root / "Fire" / "4.png").transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(
        root / "Fire" / "m.jpg"
    )
    Image.new("RGB", (80, 60), (20, 90, 200)).save(root / "Sea" / "blank.png")
    framed = cv2.copyMakeBorder(picture(7), 9, 9, 0, 0, cv2.BORDER_CONSTANT, value=(0, 0, 0))
    Image.fromarray(framed).save(root / "Sea" / "barred.png")
    (root / "Sea" / "broken.png").write_bytes(b"broken")
    before = {path: path.read_bytes() for path in root.rglob("*.*")}
    report = curate(root, tmp_path / "review")

    def names(pair: dict[str, list[str]]) -> set[str]:
        return {"/".join(Path(file).parts[-2:]) for file in pair["files"]}

    twin, mirrored = report["duplicates"]
    if twin["mirrored"]:
        twin, mirrored = mirrored, twin
    assert names(twin) == {"Fire/3.png", "Sea/twin.png"} and twin["exact"]
    assert sorted(twin["contradict"]) == ["Fire", "Sea"]
    assert names(mirrored) == {"Fire/4.png", "Fire/m.jpg"} and mirrored["contradict"] == []
    assert [Path(entry["file"]).name for entry in report["low_information"]] == ["blank.png"]
    assert [(Path(entry["file"]).name, entry["box"]) for entry in report["borders"]] == [
        ("barred.png", [0, 9, 128, 96])
    ]
    assert "twin.png" in {Path(entry["file"]).name for entry in report["mislabels"]}
    assert [Path(entry["file"]).name for entry in report["unreadable"]] == ["broken.png"]
    assert json.loads((tmp_path / "review" / "report.json").read_text()) == report
    with Image.open(report["contact_sheet"]) as sheet:
        assert sheet.width > 1000
    assert {path: path.read_bytes() for path in root.rglob("*.*")} == before


def test_unknown_labels_are_no_contradiction(tmp_path: Path) -> None:
    for name in "ab":
        Image.fromarray(picture(1)).save(tmp_path / f"{name}.png")
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["file", "Hero", "Dog"], ["a.png", "1", "0"], ["b.png", "", "0"]])
    [pair] = curate(tmp_path, tmp_path / "review")["duplicates"]
    assert pair["contradict"] == []
