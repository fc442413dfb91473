"""Every broken or hostile input gets what the table says: a clear refusal, or what can be read of it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hostile import CASES, Case, read_all

from pages.errors import ComicLossError, InputError, ResourceError
from pages.read import load_rgb


def test_the_table_is_long_and_no_two_are_alike() -> None:
    assert len(CASES) >= 60
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_gets_what_the_table_says(tmp_path: Path, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder = tmp_path / "in" / "ner"
    folder.mkdir(parents=True)
    monkeypatch.chdir(elsewhere)
    path = case.make(folder)
    before = _everything(tmp_path)
    try:
        gets = (case.read or read_all)(path, case.limits)
    except ComicLossError as error:
        assert isinstance(error, InputError | ResourceError)
        assert str(path) in error.problem
        assert error.remedy
        assert "Error" not in error.problem  # no name of an exception
        gets = error.problem.replace(str(path), path.name)
    assert re.search(case.gets, gets), gets
    assert _everything(tmp_path) == before, "something was written"


def test_the_next_file_is_read_after_one_that_was_cut_off(tmp_path: Path) -> None:
    bomb = next(case for case in CASES if case.gets == "2 seconds")
    with pytest.raises(InputError, match="seconds"):
        read_all(bomb.make(tmp_path), bomb.limits)
    good = next(case for case in CASES if case.name == "PNG called .jpg")
    assert load_rgb(good.make(tmp_path)).shape == (64, 64, 3)


def _everything(folder: Path) -> set[tuple[str, int]]:
    return {
        (str(Path(root, name)), Path(root, name).lstat().st_size)
        for root, folders, names in os.walk(folder)
        for name in [*folders, *names]
    }
