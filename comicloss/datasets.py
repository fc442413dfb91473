"""Sets of labeled pictures for the classifiers, from what others have written down of them."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from classifiers.balance import balanced_subset
from classifiers.cover_teams import name_key
from classifiers.covers import CHARACTERS, Cover, CoverLabels, cover_labels, read_covers
from pages.errors import InputError, UsageError
from pages.files import os_errors
from pages.names import PICTURE_SUFFIXES
from pages.progress import Progress, Stop, never, silent

_FEWEST = 2
"""A label is written from so many covers on: one to learn from, one to check with."""
_FEWEST_BALANCED = 10
"""The same where a number per label was asked for: below it nothing can be calibrated."""
_MOST_CELLS = 20_000_000


def cover_dataset(
    metadata: Path,
    *,
    pictures: Path | None = None,
    label: str = CHARACTERS,
    team: str | None = None,
    per_label: int | None = None,
    out: Path | None = None,
    seed: int = 0,
    progress: Progress = silent,
    stop: Stop = never,
) -> dict[str, Any]:
    """Count the labels of covers, choose a balanced subset, and write it for ``train --examples``.

    Args:
        metadata: CSV or JSON, a row a cover; see ``classifiers.covers``.
        pictures: the folder of the covers' pictures; only covers that have one count then.
        label: the column that labels are taken from.
        team: only this team's members, and covers that show one of them.
        per_label: choose covers so that each label is on so many.
        out: the CSV to write, in the folder of the pictures or above it; ``pictures`` is the metadata's
            folder then, unless given.
        seed: of the choice.

    Returns:
        JSON values: ``covers``, ``labeled``, ``label``, ``labels`` (label -> number of covers), ``teams``
        (team -> the same of its members), ``repairs`` (where -> what); with pictures ``pictures``
        (``found``, ``missing``); with ``per_label`` ``subset`` (``covers``, ``labels``, ``short``); with
        ``out`` ``written`` (``file``, ``pictures``, ``elements``, ``too_few``, ``everywhere``).

    Raises:
        InputError: the metadata cannot be read, or no cover is left.
        UsageError: no such column or team, or too much to write at once.
        ResourceError: a file may not be read or written.
        Stopped: when ``stop()`` is true; nothing is written then.
    """
    table = read_covers(metadata)
    labels = cover_labels(table, label, progress=progress, stop=stop)
    if pictures is None and out is not None:
        pictures = metadata.parent
    files = None if pictures is None else _files_of(table.covers, pictures)
    rows = [
        row for row, shown in enumerate(labels.shown) if shown is not None and (files is None or row in files)
    ]
    if not rows:
        raise InputError(
            f'{metadata}: no cover has both a "{label}" and a picture in {pictures}.'
            if pictures is not None
            else f'{metadata}: no cover says anything in "{label}".',
            remedy="Pictures are found by the column file, or by id as the file's name; check the folder.",
        )
    members = None if team is None else _members(labels, team)
    if members is not None:
        rows = [row for row in rows if members & set(_shown(labels, row))]
    counts = labels.counts(rows)
    summary: dict[str, Any] = {
        "covers": len(table.covers),
        "labeled": sum(shown is not None for shown in labels.shown),
        "label": label,
        "labels": {name: count for name, count in counts.items() if members is None or name in members},
        "teams": _team_counts(labels, counts, team),
        "repairs": {where: list(found) for where, found in labels.repairs.items()},
    }
    if files is not None:
        summary["pictures"] = {"found": len(files), "missing": len(table.covers) - len(files)}
    if per_label is not None:
        subset = balanced_subset(
            [
                [name for name, sure in _shown(labels, row).items() if sure and name in summary["labels"]]
                for row in rows
            ],
            per_label,
            seed=seed,
        )
        rows = [rows[place] for place in subset.chosen]
        summary["subset"] = {"covers": len(rows), "labels": subset.counts, "short": subset.short}
    if out is not None and files is not None:
        fewest = _FEWEST if per_label is None else min(per_label, _FEWEST_BALANCED)
        summary["written"] = _write(out, table.covers, labels, rows, files, set(summary["labels"]), fewest)
    return summary


def _shown(labels: CoverLabels, row: int) -> Mapping[str, bool]:
    return labels.shown[row] or {}


def _members(labels: CoverLabels, team: str) -> set[str]:
    named = {name_key(name): name for name in labels.teams}
    if name_key(team) not in named:
        close = difflib.get_close_matches(name_key(team), named, n=3, cutoff=0.4) or list(named)[:3]
        known = ", ".join(named[key] for key in close)
        raise UsageError(
            f'No team "{team}" with members is on these covers.',
            remedy=f"There is: {known}." if known else "There are no teams: leave --team out.",
        )
    return set(labels.teams[named[name_key(team)]])


def _team_counts(labels: CoverLabels, counts: Mapping[str, int], team: str | None) -> dict[str, Any]:
    return {
        name: {member: counts.get(member, 0) for member in members}
        for name, members in labels.teams.items()
        if team is None or name_key(name) == name_key(team)
    }


def _files_of(covers: Sequence[Cover], folder: Path) -> dict[int, Path]:
    """Row -> its picture in the folder: named by the column file, else by its id. A picture is used once.

    Only files that are found in the folder are used, so no row can name one outside of it.
    """
    with os_errors(folder):
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder.", remedy="Name the folder of the covers' pictures.")
        paths = sorted(
            Path(place, name)
            for place, _, names in os.walk(folder)
            for name in names
            if Path(name).suffix.lower() in PICTURE_SUFFIXES and not name.startswith(".")
        )
    exact = {path.relative_to(folder).as_posix(): path for path in paths}
    by_name = _unique((path.name, path) for path in paths)
    by_stem = _unique((path.stem, path) for path in paths)
    found: dict[int, Path] = {}
    used: set[Path] = set()
    for row, cover in enumerate(covers):
        file = cover.value("file").replace("\\", "/")
        name = file.partition("?")[0].rstrip("/").rpartition("/")[2]  # a path, or an address
        identity = cover.value("id").removesuffix(".0")  # as some programs write whole numbers
        path = exact.get(file.removeprefix("./")) or by_name.get(name) or by_stem.get(identity)
        if path is not None and path not in used:
            found[row] = path
            used.add(path)
    return found


def _unique(named: Iterable[tuple[str, Path]]) -> dict[str, Path]:
    found: dict[str, Path | None] = {}
    for name, path in named:
        found[name] = None if name in found else path
    return {name: path for name, path in found.items() if path is not None}


def _write(
    out: Path,
    covers: Sequence[Cover],
    labels: CoverLabels,
    rows: Sequence[int],
    files: Mapping[int, Path],
    wanted: set[str],
    fewest: int,
) -> dict[str, Any]:
    from classifiers.collection import Collection, Picture, element_order, write_collection

    counts = {name: count for name, count in labels.counts(rows).items() if name in wanted}
    too_few = {name: count for name, count in counts.items() if count < fewest}
    everywhere = [name for name in counts if all(_shown(labels, row).get(name) is not None for row in rows)]
    elements = sorted(set(counts) - set(too_few) - set(everywhere), key=element_order)
    if not elements:
        always = f" ({', '.join(everywhere[:3])} is on all of them)" if everywhere else ""
        raise InputError(
            f"Nothing to write to {out}: of {len(rows)} covers, no label is on at least {fewest} "
            f"and missing from others{always}.",
            remedy="Give more covers, or choose another column or team.",
        )
    if len(elements) * len(rows) > _MOST_CELLS:
        raise UsageError(
            f"{len(elements)} labels for {len(rows)} covers are too much for one set of classifiers.",
            remedy="Choose a team, or a number per label.",
        )
    pictures = []
    for row in rows:
        shown, absent = _shown(labels, row), None if labels.others[row] else 0.0
        told = tuple(absent if name not in shown else 1.0 if shown[name] else None for name in elements)
        pictures.append(Picture(files[row], told, covers[row].group))
    write_collection(Collection(tuple(elements), tuple(pictures)), out)
    return {
        "file": str(out),
        "pictures": len(pictures),
        "elements": elements,
        "too_few": too_few,
        "everywhere": everywhere,
    }
