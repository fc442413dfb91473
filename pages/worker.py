"""The process that opens strangers' files: bounded in time and memory, and killed when it overruns.

Decoders can be made to loop for hours, to take all the memory or to crash, by files of a few kilobytes. So
none of them runs in the author's program: a second process reads and answers. It is started at the first
question, answers one after the other, and is replaced when it dies. It never writes a file.

A message, either way, is a line of JSON followed by as many bytes as the line says.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import math
import os
import re
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from io import BufferedIOBase
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import psutil
from numpy.typing import NDArray

from pages import errors
from pages.errors import ComicLossError, InputError
from pages.files import os_errors
from pages.limits import LIMITS, Limits, variable

JOBS = ("rgb", "native", "facts", "size", "listing", "part", "lettering", "frames", "sampled_frames")
"""What can be asked: ``pages.jobs`` has a function ``(path, limits, **arguments)`` of each name."""

_QUESTIONS_PER_PROCESS = 200  # what libraries leak goes with the process
_ROOT = str(Path(__file__).resolve().parent.parent)
_BOOT = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from pages.worker import serve; serve()"
_MOST_HEADER = 16 * 1024**2


@dataclass
class Answer:
    """What a job found: JSON values, then arrays or bytes."""

    values: dict[str, Any] = field(default_factory=dict)
    blobs: list[NDArray[Any] | bytes] = field(default_factory=list)


def ask(job: str, path: Path, limits: Limits = LIMITS, **arguments: Any) -> Answer:
    """Have the second process do a job on a file.

    Args:
        job: one of ``JOBS``.
        path: the file.
        limits: hold for this question.
        arguments: JSON values, for the job.

    Raises:
        ComicLossError: what the job raised; InputError also where it overran a limit or crashed.
    """
    global _process
    question = {"job": job, "path": str(path.absolute()), "shown": str(path), "limits": asdict(limits)}
    question["arguments"] = arguments
    with _lock:
        if _process is None or not _process.usable():
            if _process is not None:
                _process.end()
            with os_errors(path):
                _process = _Process()
        try:
            return _process.ask(question, path, limits)
        except ComicLossError:
            raise
        except BaseException:  # an answer is left half read
            _process.end()
            raise


class _Process:
    """The parent's end."""

    def __init__(self) -> None:
        folders = [str(Path(folder).absolute()) for folder in sys.path if folder]
        self._popen = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _BOOT, json.dumps([*folders, _ROOT])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the author's program
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )
        self._asked = 0

    def usable(self) -> bool:
        return self._popen.poll() is None and self._asked < _QUESTIONS_PER_PROCESS

    def end(self) -> None:
        self._popen.kill()
        self._popen.wait()
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def ask(self, question: dict[str, Any], path: Path, limits: Limits) -> Answer:
        self._asked += 1
        outcome: list[tuple[dict[str, Any], list[NDArray[Any] | bytes]] | Exception] = []
        thread = threading.Thread(target=self._exchange, args=(question, limits, outcome), daemon=True)
        thread.start()
        overrun = self._watch(thread, limits)
        if overrun:
            self.end()
            thread.join()
        if overrun == "memory":
            raise memory_error(path, limits)
        if overrun == "seconds":
            raise _seconds_error(path, limits)
        [result] = outcome
        if isinstance(result, Exception):
            self.end()
            if self._popen.returncode == -getattr(signal, "SIGXCPU", 0):
                raise _seconds_error(path, limits)
            raise InputError(
                f"{path}: the picture is so damaged that reading it crashed.",
                remedy="Open it in a paint program and save it again, or copy it again from its source.",
            ) from result
        header, blobs = result
        if "error" in header:
            kind = getattr(errors, header["error"])
            raise kind(header["problem"], remedy=header["remedy"])
        return Answer(header["values"], blobs)

    def _watch(self, thread: threading.Thread, limits: Limits) -> str | None:
        """Wait for the answer; the name of the limit that was overrun, if one was."""
        began = time.monotonic()
        thread.join(0.2)
        process = None
        baseline = 0
        while thread.is_alive():
            with contextlib.suppress(psutil.Error):
                process = process or psutil.Process(self._popen.pid)
                resident = process.memory_info().rss
                baseline = baseline or min(resident, 256 * 1024**2)
                # The process bounds itself where the system can (see ``_bound``); this holds everywhere.
                if resident - baseline > limits.memory:
                    return "memory"
            if time.monotonic() - began > limits.seconds:
                return "seconds"
            thread.join(0.1)
        return None

    def _exchange(self, question: dict[str, Any], limits: Limits, outcome: list[Any]) -> None:
        try:
            stdin, stdout = self._popen.stdin, self._popen.stdout
            assert stdin is not None and stdout is not None
            stdin.write(json.dumps(question).encode() + b"\n")
            stdin.flush()
            outcome.append(_read_answer(stdout, limits))
        except Exception as error:  # the pipe broke, or what came through it makes no sense
            outcome.append(error)


def memory_error(path: Path | str, limits: Limits) -> InputError:
    """The refusal of a file that needs more memory than it may take."""
    return InputError(
        f"{path}: reading it takes more than {limits.memory / 1024**3:.3g} GiB of memory.",
        remedy=f"Save the page at a lower resolution, or raise {variable('memory')} (bytes).",
    )


def _seconds_error(path: Path, limits: Limits) -> InputError:
    return InputError(
        f"{path}: reading it takes longer than {limits.seconds} seconds.",
        remedy=f"Save it again in a paint program, or raise {variable('seconds')}.",
    )


def _read_answer(stream: IO[bytes], limits: Limits) -> tuple[dict[str, Any], list[NDArray[Any] | bytes]]:
    line = stream.readline(_MOST_HEADER)
    if not line.endswith(b"\n"):
        raise EOFError("the answer is cut short")
    header = json.loads(line)
    blobs: list[NDArray[Any] | bytes] = []
    for kind, shape in header.pop("blobs"):
        dtype = np.dtype(kind or np.uint8)
        if math.prod(shape) * dtype.itemsize > max(limits.pixels * 8, limits.member_bytes):
            raise ValueError("the answer is too long")
        blob = np.empty(shape, dtype)
        view = memoryview(blob.reshape(-1).view(np.uint8).data)
        while len(view):
            count = cast(BufferedIOBase, stream).readinto(view)
            if not count:
                raise EOFError("the answer is cut short")
            view = view[count:]
        blobs.append(blob if kind else blob.tobytes())
    return header, blobs


_process: _Process | None = None
_inherited: list[_Process | None] = []  # a forked child leaves its parent's process alone
_lock = threading.Lock()


def _after_fork() -> None:
    global _process, _lock
    _inherited.append(_process)
    _process, _lock = None, threading.Lock()


def _at_exit() -> None:
    if _process is not None:
        _process.end()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def serve() -> None:
    """The second process: answer until the questions end."""
    answers = os.fdopen(os.dup(1), "wb")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)  # what a library prints must not get between the answers
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warnings.simplefilter("ignore")
    while line := sys.stdin.buffer.readline():
        question = json.loads(line)
        header, blobs = _answer(question)
        answers.write(json.dumps(header).encode() + b"\n")
        for blob in blobs:
            plain = np.frombuffer(blob, np.uint8) if isinstance(blob, bytes) else np.ascontiguousarray(blob)
            answers.write(plain.reshape(-1).view(np.uint8).data)
        answers.flush()


def _answer(question: dict[str, Any]) -> tuple[dict[str, Any], list[NDArray[Any] | bytes]]:
    limits = Limits(**question["limits"])
    path, shown = Path(question["path"]), question["shown"]
    try:
        assert question["job"] in JOBS
        job: Callable[..., Answer] = getattr(importlib.import_module("pages.jobs"), question["job"])
        _bound(limits)
        found = job(path, limits, **question["arguments"])
    except ComicLossError as error:
        problem = error.problem.replace(str(path), shown)
        return _error(type(error).__name__, problem, error.remedy), []
    except MemoryError:
        refused = memory_error(shown, limits)
        return _error("InputError", refused.problem, refused.remedy), []
    except Exception as error:  # decoders raise anything at all on damaged data
        refused = damaged(shown, error)
        return _error("InputError", refused.problem, refused.remedy), []
    shapes = [
        ("", [len(blob)]) if isinstance(blob, bytes) else (blob.dtype.str, list(blob.shape))
        for blob in found.blobs
    ]
    return {"values": found.values, "blobs": shapes}, found.blobs


def _error(kind: str, problem: str, remedy: str) -> dict[str, Any]:
    return {"error": kind, "problem": problem, "remedy": remedy, "blobs": []}


def damaged(shown: Path | str, error: Exception | str) -> InputError:
    """The refusal of a file that a decoder cannot make sense of."""
    reason = " ".join(re.sub(r"\b\w+(Error|Exception|Warning): ?", "", str(error)).split())[:200].rstrip(".")
    return InputError(
        f"{shown}: the picture is damaged or cut short{f' ({reason})' if reason else ''}.",
        remedy="Open it in a paint program and save it again, or copy it again from its source.",
    )


def _bound(limits: Limits) -> None:
    """Have the system refuse this process more memory and time than one question may take."""
    try:
        import resource
    except ImportError:  # not on Windows: there the parent alone watches
        return
    ceiling = limits.memory
    with contextlib.suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        ceiling += pages * resource.getpagesize()
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = math.ceil(used.ru_utime + used.ru_stime) + limits.seconds
    for what, value in (
        (resource.RLIMIT_AS, ceiling),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(OSError, ValueError):  # macOS bounds no address space
            resource.setrlimit(what, (value, resource.getrlimit(what)[1]))
