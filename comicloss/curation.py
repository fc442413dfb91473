"""Pictures from films, and what a person should look at in a collection before anything learns from it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from classifiers.borders import content_box
from classifiers.collection import LABELS_FILE, Collection, Picture, read_collection
from classifiers.contact_sheet import contact_sheet
from classifiers.curate import (
    BorderClue,
    Suspect,
    border_clues,
    likely_mislabels,
    out_of_fold,
    simple_features,
)
from classifiers.duplicates import Duplicate, find_duplicates
from classifiers.information import low_information
from classifiers.split import joined_groups
from classifiers.video import read_frames
from pages.errors import InputError, ResourceError, UsageError
from pages.files import os_errors, replaces_folder, write_atomic
from pages.model import Box
from pages.progress import Progress, Stop, never, silent, stop_here
from pages.read import load_rgb

_HEADER = ["file", "labels", "group"]
_SIDE = 256
_SEED = 0


def frames(
    paths: Sequence[Path],
    out: Path,
    *,
    every: float | None,
    label: str | None,
    progress: Progress = silent,
    stop: Stop = never,
) -> list[dict[str, Any]]:
    """Take pictures from films into a folder that ``read_collection`` reads.

    The frames of a film go into a folder of its name in ``out``, as PNG; ``labels.csv`` there names each with
    its label and its scene as the group. A film that fails does not keep the others; what could be read of a
    damaged one is kept. A folder or a line that is there already is never changed.

    Args:
        every: seconds between frames; None: one of each scene.
        label: the element that all the frames show, or None.

    Returns:
        For each film: ``file``, ``folder`` (None if there is no frame), ``frames``, ``scenes`` and
        ``problem`` (None if it is whole).

    Raises:
        UsageError: ``out`` has a folder of a film's name, or a labels.csv of another kind.
        Stopped: when ``stop()`` is true; the films that were finished are kept.
    """
    if label is not None and (";" in label or not label.strip()):
        raise UsageError(f'The label is "{label}".', remedy="Give one name, without a semicolon.")
    csv_path = out / LABELS_FILE
    rows = _rows(csv_path)
    names = _folder_names(paths)
    for name in names:
        if (out / name).exists():
            raise UsageError(
                f"{out / name} is there already.", remedy="Choose another --out, or move that folder away."
            )
    told = []
    for number, (path, name) in enumerate(zip(paths, names, strict=True)):
        progress(number, len(paths), f"taking frames of {path.name}")
        taken: list[tuple[str, int]] = []
        problem: InputError | None = None
        try:
            with replaces_folder(out / name) as folder:
                try:
                    for frame in read_frames(path, every=every, stop=stop):
                        file = f"scene-{frame.scene:04d}-{frame.seconds:09.2f}s.png"
                        Image.fromarray(frame.pixels).save(folder / file, compress_level=3)
                        taken.append((file, frame.scene))
                except InputError as error:
                    if not taken:
                        raise
                    problem = error
                if not taken:
                    raise InputError(f"{path}: there is nothing to see in it.", remedy="Take another film.")
        except InputError as error:
            problem = error
        rows += [[f"{name}/{file}", label or "", f"{name}, scene {scene}"] for file, scene in taken]
        if taken:
            _write_rows(csv_path, rows)
        told.append(
            {
                "file": str(path),
                "folder": str(out / name) if taken else None,
                "frames": len(taken),
                "scenes": len({scene for _, scene in taken}),
                "problem": None if problem is None else problem.problem,
            }
        )
        if problem is not None and len(paths) == 1 and not taken:
            raise problem
    progress(len(paths), len(paths), "taking frames")
    return told


def _folder_names(paths: Sequence[Path]) -> list[str]:
    """A folder for each film, named after it."""
    names: list[str] = []
    for path in paths:
        own = re.sub(r"[^\w\- ]+", "-", path.stem).strip("- ") or "film"
        name, count = own, 1
        while name.casefold() in {other.casefold() for other in names}:
            count += 1
            name = f"{own}-{count}"
        names.append(name)
    return names


def _rows(path: Path) -> list[list[str]]:
    """The lines of a labels.csv that an earlier call wrote."""
    if not path.exists():
        return []
    with os_errors(path):
        text = path.read_bytes()
    try:
        header, *rows = csv.reader(io.StringIO(text.decode("utf-8-sig")))
    except (UnicodeDecodeError, ValueError, csv.Error):
        header, rows = [], []
    if header != _HEADER or any(len(row) != len(_HEADER) for row in rows):
        raise UsageError(
            f"{path} has other columns than {', '.join(_HEADER)}.", remedy="Choose another --out."
        )
    return rows


def _write_rows(path: Path, rows: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([_HEADER, *rows])
    write_atomic(path, text.getvalue().encode())


@dataclass(frozen=True, eq=False)
class _Read:
    """The pictures that could be read, N of them.

    Attributes:
        images: each (h, w, 3) uint8, at most 256 pixels a side.
        boxes, sizes: the picture without its border, and its size, in its own pixels.
    """

    pictures: list[Picture]
    images: list[NDArray[np.uint8]]
    boxes: list[Box]
    sizes: list[tuple[int, int]]
    unreadable: list[tuple[Path, str]]


def curate(path: Path, out: Path, *, progress: Progress = silent, stop: Stop = never) -> dict[str, Any]:
    """Look through a collection, and write ``contact_sheet.png`` and ``report.json`` into ``out``.

    Nothing in the collection is changed. Likely mislabels are judged by a logistic regression on a small
    thumbnail and a color histogram of each picture: enough to say where to look.

    Returns:
        JSON values, as in report.json: ``pictures``, ``unreadable``, ``duplicates``, ``low_information``,
        ``borders``, ``mislabels``, ``border_clues``, ``contact_sheet``.

    Raises:
        InputError: the collection cannot be read, or none of its pictures.
        Stopped: when ``stop()`` is true.
    """
    collection = read_collection(path)
    read = _read(collection, progress, stop)
    labels = np.array([[np.nan if v is None else v for v in p.labels] for p in read.pictures], np.float64)
    known = np.isfinite(labels).astype(np.float64)
    labels = np.nan_to_num(labels)
    pairs = find_duplicates(read.images)
    stop_here(stop, "curating")
    groups = [picture.group for picture in read.pictures]
    chances = out_of_fold(simple_features(read.images), labels, known, groups, seed=_SEED)
    suspects = likely_mislabels(labels, known, chances)
    stop_here(stop, "curating")
    clues = border_clues(read.images, labels, known, joined_groups(groups, pairs), seed=_SEED)
    names = collection.element_names
    reasons = _reasons(read, labels, known, pairs, suspects, names)
    sheet = io.BytesIO()
    Image.fromarray(contact_sheet(read.images, labels > 0.5, names, reasons)).save(sheet, "PNG")
    write_atomic(out / "contact_sheet.png", sheet.getvalue())
    report = _report(read, labels, known, pairs, suspects, clues, names)
    report["contact_sheet"] = str(out / "contact_sheet.png")
    write_atomic(out / "report.json", json.dumps(report, ensure_ascii=False, indent=1).encode())
    return report


def _read(collection: Collection, progress: Progress, stop: Stop) -> _Read:
    read = _Read([], [], [], [], [])
    for number, picture in enumerate(collection.pictures):
        stop_here(stop, "curating")
        progress(number, len(collection.pictures), "reading the pictures")
        try:
            pixels = load_rgb(picture.path)
        except (InputError, ResourceError) as error:
            read.unreadable.append((picture.path, error.problem))
            continue
        height, width = pixels.shape[:2]
        scale = min(_SIDE / max(height, width), 1.0)
        small = max(round(width * scale), 1), max(round(height * scale), 1)
        read.pictures.append(picture)
        read.images.append(cv2.resize(pixels, small, interpolation=cv2.INTER_AREA))
        read.boxes.append(content_box(pixels))
        read.sizes.append((width, height))
    progress(len(collection.pictures), len(collection.pictures), "reading the pictures")
    if not read.pictures:
        raise InputError(
            f"None of the {len(collection.pictures)} pictures can be read: {read.unreadable[0][1]}",
            remedy="Open one of them in a drawing program and save it as PNG.",
        )
    return read


def _differs(labels: NDArray[np.float64], known: NDArray[np.float64], pair: Duplicate) -> NDArray[np.int_]:
    """The elements of which two pictures' labels contradict each other."""
    both = (known[pair.first] > 0) & (known[pair.second] > 0)
    return np.flatnonzero(both & (np.abs(labels[pair.first] - labels[pair.second]) > 0.5))


def _has_border(box: Box, size: tuple[int, int]) -> bool:
    return (box.width, box.height) != size


def _reasons(
    read: _Read,
    labels: NDArray[np.float64],
    known: NDArray[np.float64],
    pairs: list[Duplicate],
    suspects: list[Suspect],
    names: Sequence[str],
) -> dict[tuple[int, int], str]:
    """What the contact sheet says of pictures, the most doubtful first, one reason each."""
    reasons: dict[tuple[int, int], str] = {}
    for pair in pairs:
        for element in _differs(labels, known, pair):
            for index, other in ((pair.first, pair.second), (pair.second, pair.first)):
                verb = "labeled" if labels[index, element] > 0.5 else "not labeled"
                reasons.setdefault(
                    (index, int(element)), f"{verb}; its twin {read.pictures[other].path.name} differs"
                )
    for suspect in suspects:
        said = "labeled" if suspect.label else "not labeled"
        chance = f"{said}, {suspect.probability:.0%} likely"
        reasons.setdefault((suspect.index, suspect.element), chance)
    for index, image in enumerate(read.images):
        why = low_information(image)
        if why is None and _has_border(read.boxes[index], read.sizes[index]):
            why = "constant border"
        if why is not None:
            shown = np.flatnonzero(labels[index] > 0.5)
            for element in shown if len(shown) else [len(names)]:
                reasons.setdefault((index, int(element)), why)
    return reasons


def _report(
    read: _Read,
    labels: NDArray[np.float64],
    known: NDArray[np.float64],
    pairs: list[Duplicate],
    suspects: list[Suspect],
    clues: list[BorderClue],
    names: Sequence[str],
) -> dict[str, Any]:
    files = [str(picture.path) for picture in read.pictures]
    groups = [picture.group for picture in read.pictures]
    reasons = [low_information(image) for image in read.images]
    return {
        "pictures": len(files),
        "unreadable": [{"file": str(path), "why": why} for path, why in read.unreadable],
        "duplicates": [
            {
                "files": [files[pair.first], files[pair.second]],
                "exact": pair.exact,
                "mirrored": pair.mirrored,
                "bits": pair.bits,
                "contradict": [names[element] for element in _differs(labels, known, pair)],
                "same_group": groups[pair.first] == groups[pair.second],
            }
            for pair in pairs
        ],
        "low_information": [
            {"file": file, "why": why} for file, why in zip(files, reasons, strict=True) if why is not None
        ],
        "borders": [
            {"file": file, "size": list(size), "box": list(box.xywh)}
            for file, size, box in zip(files, read.sizes, read.boxes, strict=True)
            if _has_border(box, size)
        ],
        "mislabels": [
            {
                "file": files[suspect.index],
                "element": names[suspect.element],
                "label": suspect.label,
                "probability": round(suspect.probability, 3),
            }
            for suspect in suspects
        ],
        "border_clues": [
            {
                "element": names[clue.element],
                "area": round(clue.area, 3),
                "interval": [round(clue.low, 3), round(clue.high, 3)],
                "warning": clue.is_warning,
            }
            for clue in clues
        ],
    }
