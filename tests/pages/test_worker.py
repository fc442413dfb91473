"""The second process: bounded, replaced when it dies, and the limits that a person may set."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import made
import numpy as np
import psutil
import pytest

from pages import jobs, worker
from pages.errors import InputError, UsageError
from pages.limits import Limits, limits_from_environment
from pages.read import load_rgb, pages_in, read_page

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.png"
    path.write_bytes(made.pillow(made.ramp(), "PNG"))
    return path


def process_id() -> int:
    assert worker._process is not None
    return worker._process._popen.pid


def test_one_process_answers_and_is_replaced_when_it_is_killed(page: Path) -> None:
    first = load_rgb(page)
    number = process_id()
    assert read_page(page, 1).size == (48, 32)
    assert process_id() == number
    os.kill(number, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(number)], timeout=5)
    assert (load_rgb(page) == first).all()
    assert process_id() != number


def test_a_crash_while_reading_is_a_refusal(tmp_path: Path) -> None:
    path = tmp_path / "slow.gif"
    gif = made.pillow(made.ramp(), "GIF")
    start = 13 + 3 * 2 ** ((gif[10] & 7) + 1)
    path.write_bytes(gif[:start] + b"\x21\xfe" + (b"\xff" + b"x" * 255) * 200_000 + b"\0" + gif[start:])
    worker.ask("listing", path)
    threading.Timer(0.5, os.kill, (process_id(), signal.SIGSEGV)).start()
    with pytest.raises(InputError, match="crashed"):
        load_rgb(path)


def test_threads_get_their_own_answers(tmp_path: Path) -> None:
    paths = []
    for value in range(8):
        paths.append(tmp_path / f"{value}.png")
        paths[-1].write_bytes(made.pillow(np.full((20, 20 + value, 3), value, np.uint8), "PNG"))
    wrong: list[int] = []

    def look(value: int) -> None:
        for _ in range(5):
            image = load_rgb(paths[value])
            if image.shape != (20, 20 + value, 3) or (image != value).any():
                wrong.append(value)

    threads = [threading.Thread(target=look, args=(value,)) for value in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_program_has_its_own(page: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from pages.read import load_rgb\n"
        f"path = Path({str(page)!r}); load_rgb(path)\n"
        "child = os.fork()\n"
        "load_rgb(path)\n"
        "if child: sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60, check=False).returncode == 0


def test_it_ends_with_the_program(page: Path) -> None:
    code = (
        "from pathlib import Path; from pages import worker; from pages.read import load_rgb\n"
        f"load_rgb(Path({str(page)!r})); print(worker._process._popen.pid)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60, check=True, capture_output=True)
    assert not psutil.pid_exists(int(run.stdout))


def test_memory_is_watched_where_the_system_sets_no_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, which has no `resource`: the parent sees how much the process holds, and ends it."""
    monkeypatch.setattr(
        worker, "_BOOT", worker._BOOT.replace("serve()", "sys.modules['resource'] = None; serve()")
    )
    monkeypatch.setattr(worker, "_process", None)
    path = tmp_path / "large.png"
    path.write_bytes(made.pillow(np.zeros((9000, 9000, 4), np.uint8), "PNG", compress_level=1))
    with pytest.raises(InputError, match="GiB of memory"):
        load_rgb(path, limits=Limits(memory=200 * 1024**2))
    assert worker._process is not None
    worker._process.end()


def test_a_page_of_a_book_costs_bounded_memory(tmp_path: Path) -> None:
    """One page of 3000 x 4500 px: well under 400 MB, whatever has been read before it."""
    path = tmp_path / "page.png"
    image = np.zeros((4500, 3000, 4), np.uint8)
    image[::7, ::5] = 200
    path.write_bytes(made.pillow(image, "PNG", compress_level=1, icc_profile=made.wide_profile()))
    for _ in range(3):
        assert load_rgb(path, limits=Limits(memory=400 * 1024**2)).shape == (4500, 3000, 3)


def test_limits_hold_and_say_how_to_raise_them(page: Path, tmp_path: Path) -> None:
    for limits, what in ((Limits(pixels=1000), "PIXELS"), (Limits(file_bytes=100), "FILE_BYTES")):
        with pytest.raises(InputError) as caught:
            load_rgb(page, limits=limits)
        assert f"COMICLOSS_MAX_{what}" in caught.value.remedy
    book = tmp_path / "book.cbz"
    book.write_bytes(made.cbz({f"{n}.png": page.read_bytes() for n in range(5)}))
    for limits, what in (
        (Limits(entries=4), "ENTRIES"),
        (Limits(pages=4), "PAGES"),
        (Limits(total_bytes=100), "TOTAL_BYTES"),
        (Limits(member_bytes=100), "MEMBER_BYTES"),
    ):
        with pytest.raises(InputError) as caught:
            pages_in(book, limits=limits)[0].read()
        assert f"COMICLOSS_MAX_{what}" in caught.value.remedy


def test_limits_from_the_environment(monkeypatch: pytest.MonkeyPatch, page: Path) -> None:
    assert limits_from_environment() == Limits()
    monkeypatch.setenv("COMICLOSS_MAX_PIXELS", "1000")
    assert limits_from_environment() == Limits(pixels=1000)
    for wrong in ("", "-5", "0", "1e9", "many", "٣", "9" * 30):
        monkeypatch.setenv("COMICLOSS_MAX_PIXELS", wrong)
        with pytest.raises(UsageError, match="COMICLOSS_MAX_PIXELS"):
            limits_from_environment()


def test_jobs_are_all_there() -> None:
    assert all(callable(getattr(jobs, name)) for name in worker.JOBS)
