"""Files are whole or not there, whatever goes wrong."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from pages.errors import ResourceError
from pages.files import atomic_file, os_errors, replaces_folder, write_atomic

DEAD_PROCESS = 2**22 + 1  # above the largest process number that Linux gives


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_writes_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "new" / "story.toml"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert names(path.parent) == ["story.toml"]


def test_a_failure_while_writing_keeps_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    write_atomic(path, b"old")
    with pytest.raises(KeyboardInterrupt), atomic_file(path) as file:
        file.write(b"half of the n")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["page.png"]


def test_a_full_disk_says_how_much_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "page.png"
    write_atomic(path, b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ResourceError) as caught:
        write_atomic(path, bytes(2_500_000))
    assert str(path) in caught.value.problem
    assert "2.5 MB needed" in caught.value.problem
    assert "MB free" in caught.value.problem
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["page.png"]


def test_the_full_device(tmp_path: Path) -> None:
    device = Path("/dev/full")
    if not device.exists():
        pytest.skip("only Linux has a device that is always full")
    page = tmp_path / "page.png"
    with (
        pytest.raises(ResourceError, match="No space left"),
        os_errors(page),
        device.open("wb", buffering=0) as file,
    ):
        file.write(b"x")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EDQUOT, errno.EIO])
def test_every_refusal_of_the_system_is_told_with_path_and_remedy(tmp_path: Path, number: int) -> None:
    path = tmp_path / "page.png"
    with pytest.raises(ResourceError) as caught, os_errors(path):
        raise OSError(number, os.strerror(number))
    assert str(path) in caught.value.problem
    assert os.strerror(number) in caught.value.problem
    assert caught.value.remedy


def test_a_folder_in_the_place_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="directory"):
        write_atomic(tmp_path, b"x")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ResourceError, match="file"):
        write_atomic(tmp_path / "file" / "page.png", b"x")


def test_errors_about_content_are_not_the_disk(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="truncated"), os_errors(tmp_path):
        raise OSError("image file is truncated")


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_atomic(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_what_killed_processes_left_is_cleaned_and_what_live_ones_write_is_not(tmp_path: Path) -> None:
    (tmp_path / f".comicloss-{DEAD_PROCESS}-0.partial").write_bytes(b"left")
    (tmp_path / f".comicloss-{DEAD_PROCESS}-1.partial").mkdir()
    live = tmp_path / f".comicloss-{os.getppid()}-7.partial"
    live.write_bytes(b"in use")
    write_atomic(tmp_path / "a", b"a")
    assert names(tmp_path) == [live.name, "a"]


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "classifiers"
    for content in (b"one", b"two"):
        with replaces_folder(target) as folder:
            (folder / "deep").mkdir()
            (folder / "deep" / "weights").write_bytes(content)
    assert (target / "deep" / "weights").read_bytes() == b"two"
    assert names(tmp_path) == ["classifiers"]


def test_a_failure_keeps_the_old_folder(tmp_path: Path) -> None:
    target = tmp_path / "classifiers"
    with replaces_folder(target) as folder:
        (folder / "weights").write_bytes(b"old")
    with pytest.raises(RuntimeError), replaces_folder(target) as folder:
        (folder / "weights").write_bytes(b"new")
        raise RuntimeError
    assert (target / "weights").read_bytes() == b"old"
    assert names(tmp_path) == ["classifiers"]


def test_a_folder_moved_aside_by_a_stopped_machine_comes_back(tmp_path: Path) -> None:
    aside = tmp_path / ".run.aside"
    aside.mkdir()
    (aside / "weights").write_bytes(b"old")
    with pytest.raises(RuntimeError), replaces_folder(tmp_path / "run"):
        raise RuntimeError
    assert (tmp_path / "run" / "weights").read_bytes() == b"old"
