"""Checkpoints that survive a kill at any moment: safetensors and JSON, sealed by a manifest of hashes.

A checkpoint is written into a folder aside, every file is synced to disk, then the folder gets its name. A
manifest in it has each file's sha256: a folder whose files do not have these hashes has been damaged since,
and is skipped.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor

from pages.errors import InputError
from pages.files import replaces_folder

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
        ResourceError: the disk is full or not writable; the checkpoints there before are still whole.
    """
    contents = {
        _TENSORS: safetensors.torch.save(
            {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
        ),
        _STATE: json.dumps({"step": step, **state}, indent=1, sort_keys=True).encode(),
    }
    hashes = {file: hashlib.sha256(content).hexdigest() for file, content in contents.items()}
    folder = run_folder / f"step-{step:06d}"
    with replaces_folder(folder) as aside:
        for file, content in contents.items():
            (aside / file).write_bytes(content)
        (aside / _MANIFEST).write_text(json.dumps({"sha256": hashes}, indent=1), encoding="utf-8")
    _keep_newest(run_folder, step)
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
            shutil.rmtree(folder, ignore_errors=True)
