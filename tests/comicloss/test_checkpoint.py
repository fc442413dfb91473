"""Checkpoints: whole or not there at all."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from comicloss.checkpoint import load_checkpoint, newest_checkpoint, save_checkpoint
from pages.errors import InputError, ResourceError


def save(run: Path, step: int) -> Path:
    generator = torch.Generator().manual_seed(step)
    return save_checkpoint(run, step, {"weight": torch.randn(3, 5, generator=generator)}, {"weight": 1 / 3})


def steps_of(run: Path) -> list[str]:
    return sorted(folder.name for folder in run.iterdir())


def test_what_is_loaded_is_what_was_saved(tmp_path: Path) -> None:
    tensors = {"a": torch.randn(4), "b": torch.arange(6).reshape(2, 3).t()}
    state = {"lambda": 0.1 + 0.2, "names": ["Hero", "Kö"], "none": None}
    loaded = load_checkpoint(save_checkpoint(tmp_path, 12, tensors, state))
    assert loaded.step == 12
    assert loaded.state == state
    assert all(torch.equal(loaded.tensors[name], tensors[name]) for name in tensors)


def test_the_newest_two_are_kept(tmp_path: Path) -> None:
    for step in (10, 20, 30):
        save(tmp_path, step)
    assert steps_of(tmp_path) == ["step-000020", "step-000030"]
    assert newest_checkpoint(tmp_path) == tmp_path / "step-000030"


def test_no_run_has_no_checkpoint(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path / "nowhere") is None


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=some.sampled_from(["tensors.safetensors", "state.json", "manifest.json"]),
    damage=some.sampled_from(["truncate", "flip", "remove", "empty", "other json"]),
    where=some.floats(0, 0.999),
)
def test_a_damaged_checkpoint_is_skipped(
    tmp_path_factory: pytest.TempPathFactory, name: str, damage: str, where: float
) -> None:
    run = tmp_path_factory.mktemp("run")
    save(run, 10)
    path = save(run, 20) / name
    content = bytearray(path.read_bytes())
    if damage == "truncate":
        path.write_bytes(content[: int(len(content) * where)])
    elif damage == "flip":
        content[int(len(content) * where)] ^= 0x41
        path.write_bytes(content)
    elif damage == "remove":
        path.unlink()
    else:
        path.write_bytes(b"" if damage == "empty" else b"[1]")
    try:
        manifest_is_same = json.loads(bytes(content)) == json.loads(path.read_bytes())
    except (OSError, ValueError):
        manifest_is_same = False
    if name == "manifest.json" and manifest_is_same:
        return
    if newest_checkpoint(run) != run / "step-000010":
        pytest.fail(f"{name} {damage} at {where} was not noticed")
    with pytest.raises(InputError, match="damaged"):
        load_checkpoint(run / "step-000020")
    save(run, 20)
    assert newest_checkpoint(run) == run / "step-000020"


def test_an_unfinished_folder_is_no_checkpoint_and_goes(tmp_path: Path) -> None:
    save(tmp_path, 10)
    dead = 2**22 + 1  # no process has this number
    unfinished = tmp_path / f".comicloss-{dead}-0.partial"
    unfinished.mkdir()
    (unfinished / "tensors.safetensors").write_bytes(b"half")
    assert newest_checkpoint(tmp_path) == tmp_path / "step-000010"
    save(tmp_path, 30)
    assert steps_of(tmp_path) == ["step-000010", "step-000030"]


@pytest.mark.parametrize("call", ["os.fsync", "pathlib.Path.replace"])
def test_a_full_disk_leaves_the_checkpoints_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    save(tmp_path, 10)
    save(tmp_path, 20)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(call, full)
        with pytest.raises(ResourceError, match="No space left"):
            save(tmp_path, 30)
    assert steps_of(tmp_path) == ["step-000010", "step-000020"]
    assert newest_checkpoint(tmp_path) == tmp_path / "step-000020"
    save(tmp_path, 30)
    assert newest_checkpoint(tmp_path) == tmp_path / "step-000030"
