"""The doctor: says what is wrong with this machine, and what to do about it."""

from __future__ import annotations

import json
import subprocess
from collections import namedtuple
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from comicloss import doctor
from comicloss.cli import app
from pages.errors import WeightsError

HEALTHY = {"works": True, "gpus": [], "threads": 2, "built_for_cuda": None, "mps": False}
Memory = namedtuple("Memory", "available total")
Disk = namedtuple("Disk", "total used free")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """A healthy machine; what its torch says can be changed."""
    probe: dict[str, Any] = dict(HEALTHY)
    monkeypatch.setattr(doctor, "_probe_torch", lambda: probe)
    monkeypatch.setattr(doctor, "_embedded_weights", lambda: ())
    monkeypatch.setattr(doctor.psutil, "virtual_memory", lambda: Memory(8 * 2**30, 16 * 2**30))
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: Disk(2**40, 0, 2**40))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_CACHE", "HF_HOME", "TORCH_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return probe


def check(name: str) -> doctor.Check:
    [found] = [check for check in doctor.doctor_report() if check.name == name]
    return found


def test_a_healthy_machine_is_good(machine: dict[str, Any]) -> None:
    result = CliRunner().invoke(app, ["doctor", "--json"])
    assert result.exit_code == 0
    states = {entry["name"]: entry["state"] for entry in json.loads(result.stdout)}
    assert states["torch and torchvision"] == states["memory"] == states["disk for stories"] == "good"
    assert "bad" not in states.values()


def test_a_wrong_pair_says_how_to_get_a_right_one(
    machine: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.clear()
    machine["error"] = "RuntimeError: operator torchvision::nms does not exist"
    versions = {"torch": "2.15.0+cpu", "torchvision": "0.29.2"}
    monkeypatch.setattr(doctor, "_installed", versions.get)
    pair = check("torch and torchvision")
    assert pair.state == "bad" and "nms does not exist" in pair.found
    assert "cpu, no label" in pair.remedy and "--reinstall-package torchvision" in pair.remedy
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == WeightsError.exit_code and "nms does not exist" in result.stdout


def test_an_interpreter_that_dies_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def died(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], -11, stdout="", stderr="noise\nundefined symbol: c10\n")

    monkeypatch.setattr(doctor.subprocess, "run", died)
    assert doctor._probe_torch() == {"error": "Python ended with code -11: undefined symbol: c10"}


def test_versions_are_read_without_an_import() -> None:
    installed = doctor._installed("torch")
    assert (
        installed is not None and installed.partition("+")[0] == metadata.version("torch").partition("+")[0]
    )
    assert doctor._installed("no_such_package") is None


def test_little_memory_disk_and_no_network_are_noted(
    machine: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor.psutil, "virtual_memory", lambda: Memory(2**30, 4 * 2**30))
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: Disk(2**40, 0, 2**28))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert check("memory").state == check("disk for stories").state == "note"
    assert check("memory").found == "1.0 of 4.0 GiB free"
    assert "HF_HUB_OFFLINE" in check("network").found


def test_gpus_and_downloaded_models_are_listed(machine: dict[str, Any], tmp_path: Path) -> None:
    machine["gpus"] = [["Big GPU", 80 * 2**30]]
    blobs = tmp_path / ".cache" / "huggingface" / "hub" / "models--laion--CLIP-ViT-B-32" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / "0123").write_bytes(b"x")
    assert check("GPU").found == "Big GPU, 80 GiB"
    assert check("downloaded models").found == "laion/CLIP-ViT-B-32 (0.0 GB)"


def test_damaged_shipped_weights_are_bad(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import styles.registry as registry

    def damaged(name: str) -> registry.Weights:
        raise WeightsError(f"the {name} weights are damaged", remedy="Install comicloss again.")

    monkeypatch.setattr(registry, "weights_names", lambda: ("judge",))
    monkeypatch.setattr(registry, "weights", damaged)
    [found] = doctor._embedded_weights()
    assert found.state == "bad" and found.exit_code == 5 and found.remedy == "Install comicloss again."
