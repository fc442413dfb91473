"""Progress on stderr, the person's wish to stop, results on stdout."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from pages.progress import Progress, Stop

_SECONDS_BETWEEN_LINES = 5.0
_SHOW_CURSOR = b"\x1b[?25h"
_LIST_OF_NUMBERS = re.compile(r"\[\n([-+.eE\d,\s]+)\]")  # a text has no line ends in JSON
_WIDE = 10_000  # columns when nobody looks: a table in a file need not be cut


def show_json(value: Any) -> None:
    """Print a value as JSON on stdout; a list of numbers, such as a box, on one line."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    typer.echo(_LIST_OF_NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text))


def show_table(table: Table) -> None:
    """Print a table on stdout, as wide as it needs to be where stdout is a file."""
    Console(width=None if sys.stdout.isatty() else _WIDE).print(table)


def say(text: str) -> None:
    """Tell the person something that is not a result: on stderr."""
    typer.echo(text, err=True)


@contextmanager
def work() -> Iterator[tuple[Progress, Stop]]:
    """What a stage needs while it works: where to report progress, and whom to ask for a stop.

    The first Ctrl-C (or SIGTERM) asks the stage to stop as soon as what it has is safe; the second one ends
    the program at once.
    """
    with _stop_flag() as stop, _bar() if sys.stderr.isatty() else _lines() as progress:
        yield progress, stop


@contextmanager
def _stop_flag() -> Iterator[Stop]:
    asked = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        # os.write: a signal may arrive in the middle of a print, which must not be entered again.
        if asked.is_set():
            if sys.stderr.isatty():
                os.write(2, _SHOW_CURSOR)
            os._exit(130)
        asked.set()
        os.write(2, b"\nstopping as soon as the work so far is safe; once more to leave at once\n")

    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set  # only the main thread may listen to signals
        return
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich import progress as bars

    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TimeRemainingColumn(),
    )
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        phase = _Phase()

        def show(done: int, total: int, what: str) -> None:
            if phase.is_new(done, total):
                bar.reset(task, total=total)
            bar.update(task, completed=done, total=total, description=what)

        yield show


@contextmanager
def _lines() -> Iterator[Progress]:
    phase = _Phase()

    def show(done: int, total: int, what: str) -> None:
        now = time.monotonic()
        new = phase.is_new(done, total)
        if new or done >= total or now - phase.told >= _SECONDS_BETWEEN_LINES:
            phase.told = now
            say(f"{what}: {done}/{total}{phase.time_left(done, total, now)}")

    yield show


class _Phase:
    """A stretch of work with one total: the time left is told from its own pace."""

    def __init__(self) -> None:
        self.done, self.total = 0, -1
        self.first_done, self.started, self.told = 0, 0.0, 0.0

    def is_new(self, done: int, total: int) -> bool:
        new = total != self.total or done < self.done
        if new:
            self.first_done, self.started = done, time.monotonic()
        self.done, self.total = done, total
        return new

    def time_left(self, done: int, total: int, now: float) -> str:
        if done >= total or done <= self.first_done:
            return ""
        seconds = (now - self.started) / (done - self.first_done) * (total - done)
        return f", {seconds / 60:.0f} min left" if seconds >= 90 else f", {seconds:.0f} s left"
