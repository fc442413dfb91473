"""What this machine has for comicloss, and what it lacks. Only looks; changes nothing."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import platformdirs
import psutil

from pages.errors import ResourceError, WeightsError

_GIB = 2**30
_ENOUGH_MEMORY = 3 * _GIB  # what the demo takes at most
_ENOUGH_DISK = 2 * _GIB
_IMPORT_SECONDS = 180

# The two are built against each other, and their version numbers do not enforce it: only a compiled operator
# tells. In a process of its own, because a wrong pair may end the interpreter instead of raising.
_PROBE = """
import json
found = {}
try:
    import torch
    found["threads"] = torch.get_num_threads()
    found["gpus"] = [
        [torch.cuda.get_device_name(n), torch.cuda.get_device_properties(n).total_memory]
        for n in range(torch.cuda.device_count())
    ] if torch.cuda.is_available() else []
    found["built_for_cuda"] = torch.version.cuda
    found["mps"] = torch.backends.mps.is_available()
    import torchvision
    torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
    found["works"] = True
except Exception as error:
    found["error"] = f"{type(error).__name__}: {error}"
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Check:
    """One thing looked at.

    Attributes:
        name: what it is.
        state: "good"; "note" for what may matter; "bad" for what keeps comicloss from working.
        found: what is there.
        remedy: what to do about it; empty if nothing.
        exit_code: of `comicloss doctor` if "bad": 5 models cannot be used, 6 the machine lacks something.
    """

    name: str
    state: Literal["good", "note", "bad"]
    found: str
    remedy: str = ""
    exit_code: int = ResourceError.exit_code

    def as_dict(self) -> dict[str, str]:
        """For JSON."""
        return {"name": self.name, "state": self.state, "found": self.found, "remedy": self.remedy}


def doctor_report(folder: Path | None = None) -> list[Check]:
    """Look at Python, torch and torchvision, GPU, memory, disk, weights and the network settings.

    Args:
        folder: where stories are to be made; the current folder by default.
    """
    probe = _probe_torch()
    pair = _pair(probe)
    return [
        Check("Python", "good", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        pair,
        _gpu(probe),
        _memory(),
        _disk("disk for stories", folder or Path.cwd()),
        _disk("disk for caches", platformdirs.user_cache_path("comicloss", appauthor=False)),
        *(_embedded_weights() if pair.state != "bad" else ()),
        _cached_weights(),
        _offline(),
    ]


def _probe_torch() -> dict[str, Any]:
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROBE],
            capture_output=True,
            text=True,
            timeout=_IMPORT_SECONDS,
            check=False,
        )
        found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        return {"error": f"importing it took more than {_IMPORT_SECONDS} s"}
    except (ValueError, IndexError):
        lines = done.stderr.strip().splitlines()
        return {"error": f"Python ended with code {done.returncode}" + (f": {lines[-1]}" if lines else "")}
    return found


def _pair(probe: dict[str, Any]) -> Check:
    name = "torch and torchvision"
    torch, torchvision = _installed("torch"), _installed("torchvision")
    found = f"torch {torch}, torchvision {torchvision}"
    if probe.get("works"):
        return Check(name, "good", found)
    remedy = (
        "Install both again from one place: uv sync --reinstall-package torch --reinstall-package torchvision"
    )
    if torch and torchvision and _build(torch) != _build(torchvision):
        remedy = f"They are built for different machines ({_build(torch)}, {_build(torchvision)}). {remedy}"
    return Check(name, "bad", f"{found}; {probe['error']}", remedy, WeightsError.exit_code)


def _build(version: str) -> str:
    """ "cpu" or "cu132" of "2.15.0+cu132"."""
    return version.partition("+")[2] or "no label"


def _installed(package: str) -> str | None:
    """The version with its build label, read without the import that may fail."""
    spec = importlib.util.find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        file = Path(folder) / "version.py"
        if file.is_file() and (found := re.search(r"__version__\s*=\s*['\"]([^'\"]+)", file.read_text())):
            return found[1]
    return None


def _gpu(probe: dict[str, Any]) -> Check:
    gpus = probe.get("gpus") or []
    if gpus:
        return Check("GPU", "good", ", ".join(f"{name}, {size / _GIB:.0f} GiB" for name, size in gpus))
    if probe.get("mps"):
        return Check("GPU", "good", "Apple Metal")
    remedy = "Not needed: the shipped networks are small."
    if shutil.which("nvidia-smi") and probe.get("built_for_cuda") is None:
        remedy = "There is an NVIDIA driver, but this torch is built for the CPU: install one built for CUDA."
    return Check("GPU", "note", f"none; {probe.get('threads', os.cpu_count())} CPU threads", remedy)


def _memory() -> Check:
    memory = psutil.virtual_memory()
    found = f"{memory.available / _GIB:.1f} of {memory.total / _GIB:.1f} GiB free"
    if memory.available >= _ENOUGH_MEMORY:
        return Check("memory", "good", found)
    return Check("memory", "note", found, "The demo takes up to 3 GiB: close other programs.")


def _disk(name: str, folder: Path) -> Check:
    there = folder.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    if not os.access(there, os.W_OK):
        return Check(
            name, "bad", f"{folder} cannot be written", "Change the permissions, or go to another folder."
        )
    free = shutil.disk_usage(there).free
    found = f"{free / _GIB:.1f} GiB free at {folder}"
    if free >= _ENOUGH_DISK:
        return Check(name, "good", found)
    return Check(name, "note", found, "Free some space: a story with its runs takes up to 2 GiB.")


def _embedded_weights() -> Iterator[Check]:
    from styles.registry import weights, weights_names

    try:
        names = weights_names()
    except WeightsError as error:
        yield Check("shipped weights", "bad", error.problem, error.remedy, error.exit_code)
        return
    for name in names:
        title = f"shipped weights: {name}"
        try:
            found = weights(name)
        except WeightsError as error:
            yield Check(title, "bad", error.problem, error.remedy, error.exit_code)
        else:
            size = found.path.stat().st_size / 1e6
            yield Check(
                title, "good", f"{size:.1f} MB, sha256 {found.sha256[:12]} as shipped, {found.licence}"
            )


def _cached_weights() -> Check:
    """Real models that other programs or earlier runs have left in the usual caches."""
    home = Path.home() / ".cache"
    hub = Path(
        os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME") or home / "huggingface") / "hub"
    )
    torch_home = Path(os.environ.get("TORCH_HOME") or home / "torch")
    found = [
        "/".join(folder.name.split("--")[1:]) + f" ({_size(folder / 'blobs') / 1e9:.1f} GB)"
        for folder in sorted(hub.glob("models--*"))
    ]
    for folder in (home / "clip", torch_home / "hub" / "checkpoints"):
        found += [
            f"{file.name} ({file.stat().st_size / 1e9:.1f} GB)"
            for file in sorted(folder.glob("*"))
            if file.is_file()
        ]
    if found:
        return Check("downloaded models", "good", ", ".join(found))
    return Check(
        "downloaded models", "note", "none", "Not needed, unless you want `--clip` or a diffusion model."
    )


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*") if file.is_file())


def _offline() -> Check:
    switches = [name for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE") if _is_on(os.environ.get(name))]
    if switches:
        return Check(
            "network", "note", f"offline: {', '.join(switches)} is set", "Only `--clip NAME` needs it."
        )
    return Check("network", "good", "may be used, for `--clip NAME` alone; everything else works offline")


def _is_on(value: str | None) -> bool:
    return (value or "").upper() in ("1", "ON", "YES", "TRUE")
