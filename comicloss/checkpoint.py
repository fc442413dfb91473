"""Checkpoints that survive a kill at any moment: safetensors and JSON, sealed by a manifest of hashes.

A checkpoint is written into a folder aside, every file is synced to disk, the manifest with each file's
sha256 comes last, then the folder gets its name and the name is synced too. A folder without a manifest, or
whose files do not have the hashes in it, was never finished or has been damaged since: it is skipped.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor

from pages.errors import InputError, ResourceError

KEPT = 2
"""Checkpoints kept of a run: the newest, and the one before in case the newest gets damaged."""

_TENSORS, _STATE, _MANIFEST = "tensors.safetensors", "state.json", "manifest.json"
_NAME = re.compile(r"step-(\d{6,})")


@dataclass(frozen=True)
class Checkpoint:
    """What was saved.

    Attributes:
        step: steps done.
        tensors: by name, on the CPU.
        state: JSON values.
    """

    step: int
    tensors: dict[str, Tensor]
    state: dict[str, Any]


def save_checkpoint(
    run_folder: Path, step: int, tensors: Mapping[str, Tensor], state: Mapping[str, Any]
) -> Path:
    """Write the checkpoint ``step-000120`` of a run, and let go of all but the newest ``KEPT``.

    Args:
        run_folder: made when missing.
        step: steps done, from 0.
        tensors: by name; moved to the CPU.
        state: JSON values.

    Returns:
        The checkpoint's folder.

    Raises:
        ResourceError: the disk is full or not writable; the checkpoints there are still whole.
    """
    name = f"step-{step:06d}"
    contents = {
        _TENSORS: safetensors.torch.save(
            {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
        ),
        _STATE: json.dumps({"step": step, **state}, indent=1, sort_keys=True).encode(),
    }
    aside = None
    try:
        run_folder.mkdir(parents=True, exist_ok=True)
        _remove_unfinished(run_folder)
        aside = Path(tempfile.mkdtemp(prefix=f"{name}.tmp-", dir=run_folder))
        for file_name, content in contents.items():
            _write_synced(aside / file_name, content)
        hashes = {file_name: hashlib.sha256(content).hexdigest() for file_name, content in contents.items()}
        _write_synced(aside / _MANIFEST, json.dumps({"sha256": hashes}, indent=1).encode())
        _sync_folder(aside)
        folder = run_folder / name
        if folder.exists():  # of this step, but not resumed from: damaged
            shutil.rmtree(folder)
        aside.rename(folder)
        _sync_folder(run_folder)
        _keep_newest(run_folder, step)
    except OSError as error:
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)
        raise ResourceError(
            f"{run_folder / name}: the checkpoint could not be written ({error.strerror or error}).",
            remedy="Make room on the disk, or make the folder writable, and run the same command again: "
            "it goes on from the checkpoint before.",
        ) from error
    return folder


def newest_checkpoint(run_folder: Path) -> Path | None:
    """The folder of the newest checkpoint of a run that is whole; None when there is none."""
    for _, folder in reversed(_checkpoints(run_folder)):
        if _is_whole(folder):
            return folder
    return None


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        InputError: a file of it is missing, or is not what the manifest says.
    """
    if not _is_whole(folder):
        raise InputError(
            f"{folder}: this checkpoint is damaged.",
            remedy="Remove the folder and run the same command again: it goes on from the one before.",
        )
    state = json.loads((folder / _STATE).read_bytes())
    return Checkpoint(state.pop("step"), safetensors.torch.load((folder / _TENSORS).read_bytes()), state)


def _checkpoints(run_folder: Path) -> list[tuple[int, Path]]:
    if not run_folder.is_dir():
        return []
    named = ((_NAME.fullmatch(folder.name), folder) for folder in run_folder.iterdir())
    return sorted((int(match[1]), folder) for match, folder in named if match)


def _is_whole(folder: Path) -> bool:
    try:
        hashes = json.loads((folder / _MANIFEST).read_bytes())["sha256"]
        return set(hashes) == {_TENSORS, _STATE} and all(
            hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
            for name, digest in hashes.items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _keep_newest(run_folder: Path, step: int) -> None:
    """Later checkpoints than the one just written were not resumed from: they are damaged, and go as well."""
    checkpoints = _checkpoints(run_folder)
    kept = [folder for number, folder in checkpoints if number <= step][-KEPT:]
    for _, folder in checkpoints:
        if folder not in kept:
            shutil.rmtree(folder)


def _remove_unfinished(run_folder: Path) -> None:
    for folder in run_folder.glob("step-*.tmp-*"):
        shutil.rmtree(folder)


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder, and syncs names by itself
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
