"""Kills ``comicloss stylize`` at random moments and checks that nothing is lost.

    uv run python benchmarks/kill_resume.py STORY --kills 30 --steps 12

STORY is a story folder with panels and trained classifiers; it is copied and not changed. First an
uninterrupted run is made, then for each trial one that is killed by SIGKILL at a random moment and run again.
Printed for each: when it was killed, how many steps were safe, and whether pages, tuned weights and the
history's loss terms are the same bytes as the uninterrupted run's.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main() -> int:
    """Run the trials; the exit code is the number of trials with a different result, at most 1."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("story", type=Path)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    choose = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as scratch:
        whole = _copy(options.story, Path(scratch) / "whole")
        began = time.perf_counter()
        _stylize(whole, options.steps).wait()
        seconds = time.perf_counter() - began
        expected = _result(whole)
        print(f"uninterrupted: {seconds:.1f} s, {len(expected)} files", flush=True)
        different = 0
        for trial in range(options.kills):
            killed = False
            while not killed:
                folder = _copy(options.story, Path(scratch) / "killed")
                moment = choose.uniform(0.0, seconds)
                process = _stylize(folder, options.steps)
                began = time.perf_counter()
                try:
                    process.wait(timeout=moment)
                    seconds = time.perf_counter() - began  # the machine was quicker this time: draw again
                    shutil.rmtree(folder)
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                    killed = True
            safe = max((int(path.name[5:]) for path in folder.glob("runs/*/step-??????")), default=0)
            code = _stylize(folder, options.steps).wait()
            same = code == 0 and _result(folder) == expected
            different += not same
            outcome = "same bytes" if same else f"DIFFERENT (exit code {code})"
            print(
                f"{trial + 1:3d}: killed after {moment:5.1f} s, {safe:3d} steps safe, next run {outcome}",
                flush=True,
            )
            shutil.rmtree(folder)
    print(f"{options.kills - different} of {options.kills} the same")
    return min(different, 1)


def _copy(story: Path, target: Path) -> Path:
    shutil.copytree(story, target, ignore=shutil.ignore_patterns("runs", "finished", "exports", ".cache"))
    return target


def _stylize(folder: Path, steps: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "comicloss", "stylize", str(folder), "--steps", str(steps)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _result(folder: Path) -> dict[str, str]:
    """Hashes of the finished pages, the last checkpoint's tensors and the history without its seconds."""
    found = {path.name: _sha256(path.read_bytes()) for path in sorted((folder / "finished").glob("*.png"))}
    run = max((folder / "runs").iterdir(), key=lambda path: path.stat().st_mtime)
    last = max(run.glob("step-??????"))
    found["tensors"] = _sha256(b"".join(path.read_bytes() for path in sorted(last.glob("*.safetensors"))))
    lines = [json.loads(line) for line in (run / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    for line in lines:
        line.pop("seconds", None)
    found["history"] = _sha256(json.dumps(lines, sort_keys=True).encode())
    return found


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
