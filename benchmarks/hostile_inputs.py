"""What each broken or hostile input gets, how long that takes, and how much memory the reading process has.

    uv run python benchmarks/hostile_inputs.py > table.md

The inputs are those of tests/pages/hostile.py. Each is read with the limits of its case, which are the
default ones unless a smaller bound shows the same thing sooner.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "pages")]

from hostile import CASES, Case, read_all  # noqa: E402

from pages import worker  # noqa: E402
from pages.archive import shown_name  # noqa: E402
from pages.errors import ComicLossError  # noqa: E402


def measured(case: Case) -> tuple[str, float, float]:
    """(what it gets, seconds, most MB that the reading process had), with a fresh process."""
    if worker._process is not None:
        worker._process.end()
    with tempfile.TemporaryDirectory() as folder:
        path = case.make(Path(folder))
        done = threading.Event()
        most = [0.0]

        def watch() -> None:
            while not done.wait(0.005):
                try:
                    process = worker._process
                    most[0] = (
                        max(most[0], psutil.Process(process._popen.pid).memory_info().rss) if process else 0
                    )
                except psutil.Error:
                    pass

        watcher = threading.Thread(target=watch)
        watcher.start()
        began = time.perf_counter()
        try:
            gets = "read: " + (case.read or read_all)(path, case.limits)
        except ComicLossError as error:
            gets = "refused: " + error.problem.replace(f"{path}", shown_name(path.name))
        seconds = time.perf_counter() - began
        done.set()
        watcher.join()
    return gets, seconds, most[0] / 1e6


def main() -> None:
    print("| input | what it gets | seconds | MB |\n|---|---|---:|---:|")
    rows = []
    for case in CASES:
        gets, seconds, megabytes = measured(case)
        rows.append((seconds, megabytes))
        print(f"| {case.name} | {gets.replace('|', '/')} | {seconds:.2f} | {megabytes:.0f} |", flush=True)
    slowest, largest = (max(column) for column in zip(*rows, strict=True))
    print(f"\n{len(CASES)} inputs; the slowest {slowest:.1f} s, the largest {largest:.0f} MB.")


if __name__ == "__main__":
    main()
