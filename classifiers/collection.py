"""Labeled pictures on disk: a folder of class folders, or a CSV beside its pictures.

The CSV is how one command hands on to the next. It has a header, one line a picture, and these columns:

- ``file``: the picture, as a path from the folder of the CSV, which it may not leave.
- ``labels``: the elements that are shown, with ``;`` between; all others are not there. Or, in its place, one
  column for each element: 1 shown, 0 not there, empty unknown, anything between a soft belief.
- ``group`` (optional): the scene, issue or page it is from; pictures of one group are never split. By
  default each picture is a group of its own.

Commas, semicolons or tabs between the columns; UTF-8, or UTF-16 with its mark.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from classifiers.data import Example
from classifiers.tables import Row, Table, decimal, read_table
from pages.errors import InputError, ResourceError, UsageError
from pages.files import os_errors, write_atomic
from pages.names import PICTURE_SUFFIXES, natural_key
from pages.progress import Progress, Stop, never, silent, stop_here
from pages.read import load_rgb

LABELS_FILE = "labels.csv"
"""A folder that holds a file of this name is read by it."""

_EXAMPLE_SIDE = 384
"""Longest side of a picture that the classifiers learn from; they look at less than this."""
_SUFFIXES = (*PICTURE_SUFFIXES, ".ora", ".kra")
_FILE, _LABELS, _GROUP = "file", "labels", "group"
_SPLITS = {"train", "training", "val", "valid", "validation", "test", "testing"}
_TOLD = 5
"""So many of a kind are named in a message."""


@dataclass(frozen=True)
class Picture:
    """One labeled picture.

    Attributes:
        path: the file.
        labels: for each element 1 (shown), 0 (not there), a belief between them, or None (unknown).
        group: pictures of one group are never split.
    """

    path: Path
    labels: tuple[float | None, ...]
    group: str


@dataclass(frozen=True)
class LoadedPictures:
    """The pictures of a collection that could be read.

    Attributes:
        examples: one for each of ``pictures``, in their order.
        pictures: those that could be read.
        unreadable: the others, each with the reason.
    """

    examples: list[Example]
    pictures: tuple[Picture, ...]
    unreadable: tuple[tuple[Picture, str], ...]


@dataclass(frozen=True)
class Collection:
    """Labeled pictures; each has one label for every element name.

    Raises:
        InputError: a picture has another number of labels, or two elements have one name.
    """

    element_names: tuple[str, ...]
    pictures: tuple[Picture, ...]

    def __post_init__(self) -> None:
        if len(set(self.element_names)) != len(self.element_names):
            raise InputError("Two elements have the same name.", remedy="Give each a name of its own.")
        for picture in self.pictures:
            if len(picture.labels) != len(self.element_names):
                raise InputError(
                    f"{picture.path}: {len(picture.labels)} labels for {len(self.element_names)} elements.",
                    remedy="Give one label for each element.",
                )

    def check(self) -> None:
        """Refuse labels from which nothing can be learned; no picture is decoded.

        Raises:
            InputError: one class only, an element that is shown nowhere or everywhere, or two files with the
                same content and contradictory labels.
        """
        _check_sides(self)
        _check_contents(self)

    def load(self, progress: Progress = silent, stop: Stop = never) -> LoadedPictures:
        """Read the pictures, each with its longest side at most 384 pixels.

        A picture that cannot be read is left out and reported; it does not keep the others.

        Raises:
            InputError: as for ``check``, of the pictures that could be read too; or none could be read.
            Stopped: when ``stop()`` is true.
        """
        self.check()
        examples: list[Example] = []
        readable: list[Picture] = []
        unreadable: list[tuple[Picture, str]] = []
        for number, picture in enumerate(self.pictures):
            stop_here(stop, "Reading the pictures")
            try:
                image = _small(load_rgb(picture.path))
            except (InputError, ResourceError) as error:
                unreadable.append((picture, error.problem))
            else:
                readable.append(picture)
                examples.append(_example(picture, image))
            progress(number + 1, len(self.pictures), "reading the pictures")
        if not examples:
            reasons = _named(why for _, why in unreadable)
            raise InputError(
                f"None of the {len(self.pictures)} pictures can be read: {reasons}",
                remedy="Open one of them in a drawing program and save it as PNG.",
            )
        if unreadable:
            _check_sides(Collection(self.element_names, tuple(readable)), lost=unreadable)
        return LoadedPictures(examples, tuple(readable), tuple(unreadable))

    def examples(self, progress: Progress = silent, stop: Stop = never) -> list[Example]:
        """The pictures as examples, without those that cannot be read (``load`` tells which).

        Raises:
            InputError, Stopped: as for ``load``.
        """
        return self.load(progress, stop).examples


def read_collection(path: Path) -> Collection:
    """The labeled pictures of a folder in ImageFolder layout, of a CSV, or of a folder with a labels.csv.

    In ImageFolder layout each folder in ``path`` is an element; a picture anywhere in it shows that element
    and none of the others. No picture is opened here.

    Raises:
        InputError: nothing there, or it is not as above; the message has the file, the line and the field.
        ResourceError: something may not be read.
    """
    path = Path(path)
    with os_errors(path):
        if not path.exists():
            raise InputError(f"{path}: no such file or folder.", remedy="Check the path.")
        if path.is_file():
            return _from_csv(path)
        if (path / LABELS_FILE).is_file():
            return _from_csv(path / LABELS_FILE)
        return _from_folders(path)


def write_collection(collection: Collection, csv_path: Path) -> None:
    """Write the CSV that ``read_collection`` reads; it gives the same collection back.

    The column ``labels`` is written where that says it all, and a column for each element otherwise.

    Raises:
        UsageError: a picture lies outside of the CSV's folder, or an element's name cannot be a column's.
        ResourceError: the file cannot be written.
    """
    csv_path = Path(csv_path)
    names = collection.element_names
    shown = [
        [name for name, label in zip(names, picture.labels, strict=True) if label == 1]
        for picture in collection.pictures
    ]
    plain = all(
        label in (0, 1) and label is not None for picture in collection.pictures for label in picture.labels
    )
    all_shown = sorted({name for line in shown for name in line}, key=_name_key)
    listable = not any(";" in name or name != name.strip() or not name for name in names)
    one_column = plain and listable and list(names) == all_shown
    if not one_column:
        _check_column_names(names)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_FILE, _LABELS, _GROUP] if one_column else [_FILE, _GROUP, *names])
    for picture, line in zip(collection.pictures, shown, strict=True):
        file = _relative(picture.path, csv_path)
        if one_column:
            writer.writerow([file, ";".join(line), picture.group])
        else:
            writer.writerow(
                [
                    file,
                    picture.group,
                    *("" if label is None else _shortest(label) for label in picture.labels),
                ]
            )
    write_atomic(csv_path, text.getvalue().encode())


def _shortest(label: float) -> str:
    return f"{label:g}" if float(f"{label:g}") == label else repr(label)


def _from_folders(root: Path) -> Collection:
    folders = sorted(
        (child for child in root.iterdir() if child.is_dir() and not _hidden(child.name)), key=natural_key
    )
    loose = [child for child in root.iterdir() if child.is_file() and _is_picture(child)]
    if not folders:
        found = f"{len(loose)} pictures but no class folders" if loose else "no class folders and no pictures"
        raise InputError(
            f"{root}: {found}.",
            remedy="Put the pictures of each element into a folder of its name, "
            f"or write a {LABELS_FILE} there.",
        )
    if {folder.name.casefold() for folder in folders} <= _SPLITS:
        parts = _named(folder.name for folder in folders)
        raise InputError(
            f"{root}: its folders ({parts}) are parts of a split, not elements.",
            remedy=f"Give one of them, such as {folders[0]}; held-out pictures are chosen by themselves.",
        )
    if loose:
        raise InputError(
            f"{root}: {_named(file.name for file in loose)} in no class folder.",
            remedy="Move each picture into the folder of its element; pictures without any, into one of "
            f"another name; or write a {LABELS_FILE} there.",
        )
    names = tuple(folder.name for folder in folders)
    pictures = []
    for column, folder in enumerate(folders):
        files = [file for file in _files_below(folder) if _is_picture(file)]
        if not files:
            raise InputError(
                f"{folder}: no pictures in this class folder.",
                remedy="Put pictures of the element there, or remove the folder.",
            )
        labels = tuple(float(place == column) for place in range(len(names)))
        pictures += [
            Picture(file, labels, file.relative_to(root).with_suffix("").as_posix())
            for file in sorted(files, key=natural_key)
        ]
    return Collection(names, tuple(pictures))


def _files_below(folder: Path) -> list[Path]:
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not _hidden(name)]
        found += [Path(place, name) for name in files if not _hidden(name)]
    return found


def _hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in _SUFFIXES and not _hidden(path.name)


def _from_csv(path: Path) -> Collection:
    table = read_table(path)
    table.need(_FILE, remedy="Name the column of the pictures' paths file.")
    if _LABELS in table.columns:
        names, rows = _label_lists(table)
    else:
        names = tuple(name for name in table.columns if name not in (_FILE, _GROUP))
        rows = [(row, tuple(_belief(row, name, table.delimiter) for name in names)) for row in table.rows]
    if not names:
        raise InputError(
            f"{path}: no labels.",
            remedy="Add a column labels with the elements shown, ; between, or a column for each element.",
        )
    if not rows:
        raise InputError(f"{path}: no pictures below the header.", remedy="Add a line for each picture.")
    return Collection(names, tuple(_merged(path, rows)))


def _label_lists(table: Table) -> tuple[tuple[str, ...], list[tuple[Row, tuple[float | None, ...]]]]:
    shown = [
        {label.strip() for label in row.values[_LABELS].split(";") if label.strip()} for row in table.rows
    ]
    names = tuple(sorted(set().union(*shown), key=_name_key))
    return names, [
        (row, tuple(float(name in labels) for name in names))
        for row, labels in zip(table.rows, shown, strict=True)
    ]


def _name_key(name: str) -> tuple[object, str]:
    return natural_key(PurePosixPath(name)), name


def _belief(row: Row, name: str, delimiter: str) -> float | None:
    text = row.values[name].strip()
    if not text:
        return None
    value = decimal(text, comma=delimiter != ",")
    if value is None or not 0 <= value <= 1:
        raise InputError(
            f'{row.where}, column "{name}": "{text[:40]}" is no number from 0 to 1.',
            remedy="Write 1 where the element is shown, 0 where it is not, nothing where it is unknown.",
        )
    return value


def _merged(path: Path, rows: Sequence[tuple[Row, tuple[float | None, ...]]]) -> list[Picture]:
    """One picture for each file; a file may stand on several lines that do not contradict each other."""
    found: dict[str, tuple[Row, Picture]] = {}
    missing = []
    for row, labels in rows:
        file = _inside(row, path.parent)
        if not (path.parent / file).is_file():
            missing.append(f"{file} (line {row.line})")
            continue
        group = row.values.get(_GROUP, "").strip() or PurePosixPath(file).with_suffix("").as_posix()
        if file in found:
            first, picture = found[file]
            if group != picture.group or any(
                old != new and old is not None and new is not None
                for old, new in zip(picture.labels, labels, strict=True)
            ):
                raise InputError(
                    f"{row.where}: {file} is on line {first.line} too, with other labels or another group.",
                    remedy="Keep one line for each picture; several elements in one go with ; between.",
                )
            labels = tuple(
                new if old is None else old for old, new in zip(picture.labels, labels, strict=True)
            )
            row = first
        found[file] = (row, Picture(path.parent / file, labels, group))
    if missing:
        raise InputError(
            f"{path}: {len(missing)} of {len(rows)} pictures are not there: {_named(missing)}.",
            remedy=f"Paths are taken from {path.parent}; correct them, or take the lines out.",
        )
    return [picture for _, picture in found.values()]


def _inside(row: Row, folder: Path) -> str:
    """The path in a row, cleaned, with / between its parts."""
    text = row.values[_FILE]
    if not (folder / text).is_file():
        text = text.strip()
    if not text:
        raise InputError(
            f'{row.where}, column "file": empty.', remedy="Name the picture, or take the line out."
        )
    if "\\" in text and not (folder / text).exists():
        text = text.replace("\\", "/")  # written on Windows
    cleaned = os.path.normpath(text).replace(os.sep, "/")
    drive = len(cleaned) > 1 and cleaned[1] == ":"
    if cleaned.startswith("/") or drive or cleaned == ".." or cleaned.startswith("../"):
        raise InputError(
            f'{row.where}, column "file": {text[:80]} is outside of {folder}.',
            remedy="Give paths from the folder of the CSV; put it into a folder that holds all the pictures.",
        )
    return cleaned


def _relative(path: Path, csv_path: Path) -> str:
    folder = Path(os.path.abspath(csv_path.parent))  # noqa: PTH100 - links stay links
    own = Path(os.path.abspath(path))  # noqa: PTH100
    if not own.is_relative_to(folder):
        raise UsageError(
            f"{path} is outside of {csv_path.parent}, where {csv_path.name} is to be written.",
            remedy=f"Write it into {path.parent} or a folder above.",
        )
    file = own.relative_to(folder).as_posix()
    try:
        file.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{path!r}: this name is not in UTF-8.", remedy="Rename the file.") from None
    return file


def _check_column_names(names: Sequence[str]) -> None:
    for name in names:
        if name.casefold() in (_FILE, _LABELS, _GROUP) or name != name.strip() or not name:
            raise UsageError(f'An element cannot be named "{name}" in a CSV.', remedy="Give it another name.")


def _check_sides(collection: Collection, lost: Sequence[tuple[Picture, str]] = ()) -> None:
    columns = list(zip(*(picture.labels for picture in collection.pictures), strict=True))
    shown = [any(label is not None and label > 0.5 for label in column) for column in columns]
    absent = [any(label is not None and label < 0.5 for label in column) for column in columns]
    names = collection.element_names
    after = (
        f" once {len(lost)} unreadable pictures are left out ({_named(why for _, why in lost)})"
        if lost
        else ""
    )
    if len(names) == 1 and columns and not absent[0]:
        raise InputError(
            f"There is one class only, {names[0]}{after}: nothing to tell it from.",
            remedy="Add pictures without it: other elements, empty settings, in a class folder of their own "
            "or with its label 0.",
        )
    for sides, lack in ((shown, "shows"), (absent, "is without")):
        missing = [name for place, name in enumerate(names) if not columns or not sides[place]]
        if missing:
            raise InputError(
                f"No picture {lack} {_named(missing)}{after}.",
                remedy="Each element needs pictures that show it and pictures that do not: "
                "add some, or leave it out.",
            )


def _check_contents(collection: Collection) -> None:
    """Files are compared by content where their sizes agree."""
    by_size: dict[int, list[Picture]] = {}
    for picture in collection.pictures:
        try:
            by_size.setdefault(picture.path.stat().st_size, []).append(picture)
        except OSError:
            continue  # reading it will say why
    found = []
    for pictures in by_size.values():
        first: dict[bytes, Picture] = {}
        for picture in pictures if len(pictures) > 1 else ():
            same = first.setdefault(_digest(picture.path), picture)
            names = [
                name
                for name, one, other in zip(
                    collection.element_names, same.labels, picture.labels, strict=True
                )
                if one is not None and other is not None and abs(one - other) > 0.5
            ]
            if names:
                found.append(f"{same.path} and {picture.path} ({_named(names)})")
    if found:
        raise InputError(
            f"The same picture has contradictory labels: {_named(found)}.",
            remedy=f"Remove one of each pair, or give both the same labels in a {LABELS_FILE}.",
        )


def _digest(path: Path) -> bytes:
    with os_errors(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _example(picture: Picture, image: Tensor) -> Example:
    labels = torch.tensor([0.0 if label is None else label for label in picture.labels])
    known = torch.tensor([float(label is not None) for label in picture.labels])
    return Example(image, labels, known, picture.group)


def _small(pixels: NDArray[np.uint8]) -> Tensor:
    """(H, W, 3) uint8 as (3, h, w) float in [0, 1], antialiased and without ringing when smaller."""
    height, width = pixels.shape[:2]
    factor = min(1.0, _EXAMPLE_SIDE / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = np.array(Image.fromarray(pixels).resize(size, Image.Resampling.HAMMING))
    return torch.from_numpy(small).permute(2, 0, 1).float() / 255


def _named(names: Iterable[str]) -> str:
    """The first few of some names, and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - _TOLD} more" if len(listed) > _TOLD else ""
    return ", ".join(listed[:_TOLD]) + more
