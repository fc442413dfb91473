"""The command line: every documented line works, every error is a message and an exit code."""

from __future__ import annotations

import dataclasses
import errno
import importlib
import inspect
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner, Result

import comicloss
from comicloss.adding import AddedPage, AddSettings
from comicloss.classifying import Classified, ClassifiedPicture
from comicloss.cli import app
from comicloss.commands import terminal
from pages import errors

ROOT = Path(__file__).parents[2]
DOCUMENTED = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Table:
    panel_ids: tuple[str, ...] = ("p01-01", "p01-02")
    element_names: tuple[str, ...] = ("Hero", "Dragon", "Zoë")
    priors: tuple[tuple[float | None, ...], ...] = ((1.0, 0.0, None), (0.7, None, None))


@dataclass(frozen=True)
class Stage:
    name: str
    state: str
    why: str = ""
    next_command: str | None = None


@dataclass(frozen=True)
class Status:
    stages: tuple[Stage, ...] = (
        Stage("pages", "done"),
        Stage("classifiers", "stale", "the marks have changed", "comicloss train dragon"),
    )


class Pipeline(ModuleType):
    """A stand-in for comicloss.pipeline that writes down what it is asked for."""

    answers: dict[str, Any] = {  # noqa: RUF012 - one fixed table
        "marks_table": Table(),
        "status": Status(),
        "add_pages": [AddedPage("art/p01.png"), AddedPage("art/p03-2.png", "art/replaced/p03.png", True)],
        "find_story_panels": {"art/p01.png": ["p01-01", "p01-02"]},
        "panel_overlays": {"art/p01.png": Path("dragon/exports/panels/p01.png")},
        "panels_of_pictures": [
            {"file": "page1.png", "size": [9, 9], "panels": [[0, 0, 9, 9]], "lettering": [], "seconds": 0.1}
        ],
        "correct_panels": ["art/p01.png"],
        "lettering_overlays": {"art/p01.png": (Path("dragon/exports/lettering/p01.png"), 0.0625)},
        "paint_lettering": [Path("dragon/lettering/p02.png")],
        "panels_of_story": [
            {
                "page": "p01",
                "file": "art/p01.png",
                "panels": [{"id": "p01-01", "doubtful": False}, {"id": "p01-02", "doubtful": True}],
            }
        ],
        "cover_dataset": {
            "covers": 3,
            "labeled": 2,
            "label": "cover_characters",
            "labels": {"Superman": 2, "Joker": 1},
            "teams": {"Justice League": {"Superman": 2}},
            "repairs": {},
        },
        "train": {"elements": {"Hero": {"precision": 0.5, "support": 3}}, "steps": 5},
        "compare": {
            "measure": "accuracy",
            "test_pictures": 2,
            "guessing": 0.5,
            "cells": [
                {"features": "pixels", "model": "kNN", "train": 1.0, "test": 0.5, "low": 0.1, "high": 0.9}
                | {"seconds": 0.1, "note": ""},
                {"features": "", "model": "resnet18", "train": None, "test": None, "low": None, "high": None}
                | {"seconds": None, "note": "failed: too [few] pictures"},
            ],
            "unreadable": [{"file": "pictures/x.png", "why": "pictures/x.png: no picture."}],
            "files": ["comparison/comparison.md"],
        },
        "train_examples": {"elements": {"Hero": {"precision": 0.5}}, "unreadable": []},
        "classify": Classified([ClassifiedPicture("page7.png", {"Hero": 0.75})], {"Hero": 0.8}, []),
        "stylize": [Path("dragon/finished/p01.png")],
        "stylize_pictures": [Path("finished/page1.png")],
        "export": [Path("dragon/exports/dragon.cbz")],
        "slices_too_high": [Path("dragon/exports/webtoon/002.png")],
        "frames": [
            {"file": "a.mp4", "folder": "pictures/a", "frames": 9, "scenes": 2, "problem": None},
        ],
        "curate": {
            "pictures": 9,
            "unreadable": [],
            "duplicates": [
                {
                    "files": ["a.png", "b.png"],
                    "exact": False,
                    "mirrored": True,
                    "bits": 3,
                    "contradict": ["Hero"],
                    "same_group": False,
                }
            ],
            "low_information": [],
            "borders": [],
            "mislabels": [{"file": "c.png", "element": "Hero", "label": 0, "probability": 0.97}],
            "border_clues": [
                {"element": "Hero", "area": 0.93, "interval": [0.81, 0.99], "warning": True},
                {"element": "Castle", "area": 0.5, "interval": [0.4, 0.6], "warning": False},
            ],
            "contact_sheet": "curation/contact_sheet.png",
        },
        "styles_gallery": [("noir", ("noir ink",), Path("noir.png"))],
    }

    def __init__(self) -> None:
        super().__init__("comicloss.pipeline")
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.error: BaseException | None = None

    AddSettings = AddSettings

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)

        def stage(*args: Any, **options: Any) -> Any:
            self.calls.append((name, args, options))
            if "progress" in options:
                options["progress"](1, 2, name)
            if self.error is not None:
                raise self.error
            return self.answers.get(name)

        return stage

    def asked(self, name: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
        [(args, options)] = [(args, options) for called, args, options in self.calls if called == name]
        return args, {key: value for key, value in options.items() if key not in ("progress", "stop")}


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Pipeline]:
    fake = Pipeline()
    monkeypatch.setitem(sys.modules, "comicloss.pipeline", fake)
    monkeypatch.setattr(comicloss, "pipeline", fake, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    for story in ("dragon", "my-story"):
        (tmp_path / story).mkdir()
        (tmp_path / story / "story.toml").touch()
    (tmp_path / "folder").mkdir()
    for number in (10, 9):
        (tmp_path / "folder" / f"page{number}.png").touch()
    (tmp_path / "boxes.json").write_text("[[1, 2, 3, 4], [0, 0, 1, 1]]")
    yield fake


def run(line: str) -> Result:
    return CliRunner().invoke(app, shlex.split(line, comments=True))


# --- documentation ---------------------------------------------------------------------------------------


def sections() -> dict[str, str]:
    parts = re.split(r"(?m)^#+ (.*)$", DOCUMENTED)
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    return {
        name.removeprefix("comicloss "): text for name, text in found.items() if name.startswith("comicloss ")
    }


def test_every_command_and_option_is_documented_and_nothing_else() -> None:
    documented = sections()
    assert set(documented) == set(COMMANDS)
    for name, command in COMMANDS.items():
        options = {word for parameter in command.params for word in parameter.opts if word.startswith("--")}
        described = set(re.findall(r"`(--[a-z-]+)", documented[name]))
        assert described - {"--style"} <= options, name
        assert options - {"--help"} <= described, name


EXAMPLES = [
    *re.findall(r"(?m)^comicloss .*$", DOCUMENTED),
    *re.findall(r"(?m)^comicloss .*$", (ROOT / "docs" / "classifiers.md").read_text(encoding="utf-8")),
    *re.findall(r"(?m)^uv run (comicloss .*)$", (ROOT / "README.md").read_text(encoding="utf-8")),
    *(
        line.replace("\\[", "[")
        for command in COMMANDS.values()
        for line in command.epilog.splitlines()
        if line.startswith("comicloss ")
    ),
]


@pytest.mark.parametrize("line", [line for line in dict.fromkeys(EXAMPLES) if " doctor" not in line])
def test_every_example_runs(pipeline: Pipeline, line: str) -> None:
    result = run(line.removeprefix("comicloss "))
    assert result.exit_code == 0, result.output
    assert pipeline.calls
    if "--json" in line:
        json.loads(result.stdout)


@pytest.mark.usefixtures("pipeline")
def test_slices_that_are_too_high_are_told() -> None:
    told = run("export dragon --format webtoon")
    assert told.stdout == "dragon/exports/dragon.cbz\n"
    assert "webtoon/002.png is higher than story.toml asks for" in told.stderr


@pytest.mark.usefixtures("pipeline")
def test_what_curation_found_is_told() -> None:
    told = run("curate pictures").stdout
    assert "a.png mirrors b.png: Hero" in told and "c.png: Hero is not labeled, 97% likely" in told
    assert "Hero: area under the curve 0.93" in told and "Castle" not in told


@pytest.mark.usefixtures("pipeline")
def test_frames_are_taken_in_one_way_only() -> None:
    assert run("frames a.mp4 --out b --every 2 --scenes").exit_code == 2
    assert run("frames a.mp4 --out b --every 0").exit_code == 2


def test_a_comparison_tells_what_failed_and_what_was_left_out(pipeline: Pipeline) -> None:
    told = run("compare pictures --out comparison --features pixels,embedded --networks none")
    assert "failed: too [few] pictures" in told.stdout and "50.0 %" in told.stdout
    assert "left out: pictures/x.png" in told.stderr
    args, options = pipeline.asked("compare")
    assert args == (Path("pictures"), Path("comparison"))
    assert options["features"] == ["pixels", "embedded"] and options["networks"] == []


def test_the_real_pipeline_takes_what_it_is_given(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    for line in dict.fromkeys(EXAMPLES):
        if " doctor" not in line:
            run(line.removeprefix("comicloss "))
    monkeypatch.delitem(sys.modules, "comicloss.pipeline")
    real = importlib.import_module("comicloss.pipeline")
    assert {name for name, *_ in pipeline.calls} > {"demo", "make", "train", "stylize", "export"}
    for name, args, options in pipeline.calls:
        inspect.signature(getattr(real, name)).bind(*args, **options)


def test_exit_codes_are_documented_where_they_are_looked_for() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {0, *(kind.exit_code for kind in kinds if issubclass(kind, errors.ComicLossError))}
    help_text = run("--help").stdout
    for code in codes:
        assert re.search(rf"(?m)^\s*{code}  ", help_text), code
        assert f"| {code} |" in DOCUMENTED, code


@pytest.mark.parametrize("name", COMMANDS)
def test_help_teaches(name: str) -> None:
    text = run(f"{name} --help").stdout
    assert "Examples" in text and f"comicloss {name}" in text


def test_help_needs_no_heavy_library_and_little_time() -> None:
    code = """
        import sys, time
        started = time.process_time()
        from typer.testing import CliRunner
        from comicloss.cli import app
        result = CliRunner().invoke(app, ["stylize", "--help"])
        assert result.exit_code == 0 and "Examples" in result.stdout
        heavy = {"torch", "gradio", "numpy", "PIL", "diffusers", "accelerate", "scipy"}
        assert not heavy & set(sys.modules), heavy & set(sys.modules)
        print(time.process_time() - started)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1.0  # seconds of processor time, whatever else the machine does


# --- what is passed on -----------------------------------------------------------------------------------


def test_naming_elements_says_that_the_rest_is_not_there(pipeline: Pipeline) -> None:
    assert run("mark dragon p01-02 Dragon --unsure Zoe\u0308").exit_code == 0
    [story, marks], _ = pipeline.asked("set_marks")
    assert story == Path("dragon")
    assert sorted(marks, key=str) == [
        ("p01-02", "Dragon", 1.0),
        ("p01-02", "Hero", 0.0),
        ("p01-02", "Zoë", None),
    ]


def test_single_marks_leave_the_rest(pipeline: Pipeline) -> None:
    assert run("mark dragon p01-02 --also Hero --not Dragon --belief Zoë=0.25").exit_code == 0
    [_, marks], _ = pipeline.asked("set_marks")
    assert marks == [("p01-02", "Hero", 1.0), ("p01-02", "Dragon", 0.0), ("p01-02", "Zoë", 0.25)]


def test_nobody_is_a_mark_too(pipeline: Pipeline) -> None:
    assert run("mark dragon p01-02 --none").exit_code == 0
    [_, marks], _ = pipeline.asked("set_marks")
    assert marks == [("p01-02", name, 0.0) for name in Table().element_names]


def test_a_panel_can_be_forgotten(pipeline: Pipeline) -> None:
    assert run("mark dragon p01-02 --clear").exit_code == 0
    assert pipeline.asked("clear_marks")[0] == (Path("dragon"), ["p01-02"])
    assert not [name for name, _, _ in pipeline.calls if name == "set_marks"]


def test_the_matrix_is_shown(pipeline: Pipeline) -> None:
    rows = [
        re.findall(r"[●·?]|0\.7", line) for line in run("mark dragon").stdout.splitlines() if "p01" in line
    ]
    assert rows == [["●", "·", "?"], ["0.7", "?", "?"]]
    assert json.loads(run("mark dragon --json").stdout)["p01-01"] == {"Hero": 1.0, "Dragon": 0.0, "Zoë": None}


def test_elements_are_added_with_their_references(pipeline: Pipeline) -> None:
    assert (
        run('mark dragon --element "Castle: old:setting" --reference a.png --reference b.png').exit_code == 0
    )
    args, options = pipeline.asked("add_element")
    assert args == (Path("dragon"), "Castle: old")
    assert options == {
        "kind": "setting",
        "description": "",
        "references": (Path("a.png"), Path("b.png")),
        "palette": (),
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", "auto"), ("--consistency-weight auto", "auto"), ("--consistency-weight 1", 1.0)],
)
def test_the_consistency_weight_is_auto_or_a_number(pipeline: Pipeline, text: str, expected: object) -> None:
    assert run(f"stylize dragon {text}").exit_code == 0
    assert pipeline.asked("stylize")[1]["consistency_weight"] == expected


def test_the_next_command_is_named(pipeline: Pipeline) -> None:
    result = run("status dragon")
    assert "the marks have changed" in result.stdout and "Next: comicloss train dragon" in result.stdout


@pytest.mark.parametrize(
    "content",
    [
        [[1, 2, 3, 4]],
        {"page1.png": [[1, 2, 3, 4]], "other.png": []},
        [{"file": "sub/page1.png", "panels": [[1, 2, 3, 4]]}, {"file": "page2.png", "panels": []}],
    ],
)
def test_boxes_to_order_come_in_three_shapes(pipeline: Pipeline, tmp_path: Path, content: object) -> None:
    (tmp_path / "boxes.json").write_text(json.dumps(content))
    assert run("panels sub/page1.png --json --order boxes.json").exit_code == 0
    args, options = pipeline.asked("panels_of_pictures")
    assert args == ([Path("sub/page1.png")], "ltr") and options == {"order_boxes": [[1, 2, 3, 4]]}


def test_boxes_are_printed_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"panels": [[1, 2.5, -3, 1e-9], []], "text": "[\n1,\n 2]", "none": [None], "one": [7]}
    terminal.show_json(value)
    printed = capsys.readouterr().out
    assert json.loads(printed) == value
    assert "[1, 2.5, -3, 1e-09],\n" in printed


@pytest.mark.parametrize(
    "content",
    ["nonsense", "3", '{"page9.png": []}', '{"page1.png": [[1, 2, 3]]}', '{"page1.png": [["1", 2, 3, 4]]}'],
)
def test_other_shapes_are_refused(pipeline: Pipeline, tmp_path: Path, content: str) -> None:
    (tmp_path / "boxes.json").write_text(content)
    result = run("panels page1.png --json --order boxes.json")
    assert result.exit_code == 4 and "boxes.json" in result.stderr


def test_what_became_of_added_pages_is_told(pipeline: Pipeline) -> None:
    result = run("add dragon page1.png --replace p03 --dpi 600")
    assert result.stdout.splitlines() == ["art/p01.png", "art/p03-2.png"]
    assert "art/replaced/p03.png" in result.stderr
    assert "by their looks: art/p03-2.png" in result.stderr and "--photograph" in result.stderr
    args, _ = pipeline.asked("add_pages")
    assert args[2] == AddSettings(replace="p03", dpi=600)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--set p01-02=40,60,600,480", ("set", "p01-02", ((40, 60), (640, 540)), ())),
        ('--set "p01-02=1,2 30,4 5,60"', ("set", "p01-02", ((1, 2), (30, 4), (5, 60)), ())),
        ("--add 3=0,0,9,9", ("add", "3", ((0, 0), (9, 9)), ())),
        ("--remove p01-03", ("remove", "p01-03", (), ())),
        ("--split p01-02=x320", ("split", "p01-02", ((320, 0), (320, 1)), ())),
        ("--split p01-02=y7", ("split", "p01-02", ((0, 7), (1, 7)), ())),
        ('--split "p01-02=1,2 30,4"', ("split", "p01-02", ((1, 2), (30, 4)), ())),
        ("--merge p01-02,p01-03,p01-04", ("merge", "p01-02", (), ("p01-03", "p01-04"))),
        ("--order p01=p01-02,p01-01", ("order", "p01", (), ("p01-02", "p01-01"))),
        ("--confirm p01", ("confirm", "p01", (), ())),
        ("--like p03", ("like", "p03", (), ())),
        ("--like p03=p04,p05", ("like", "p03", (), ("p04", "p05"))),
    ],
)
def test_corrections_of_panels(pipeline: Pipeline, options: str, expected: tuple[object, ...]) -> None:
    assert run(f"panels dragon {options}").exit_code == 0
    (folder, [correction]), _ = pipeline.asked("correct_panels")
    assert folder == Path("dragon") and dataclasses.astuple(correction) == expected


def test_what_becomes_of_lettering(pipeline: Pipeline) -> None:
    result = run("lettering dragon --treat letters --treat 3=restyle --treat p01:1,2,30,40=keep --mask p02")
    assert "6.2% lettering" in result.stdout and "lettering/p02.png" in result.stderr
    (_, changes), _ = pipeline.asked("treat_lettering")
    told = [(change.page, change.box, change.treatment) for change in changes]
    assert told == [(None, None, "letters"), ("3", None, "restyle"), ("p01", (1, 2, 30, 40), "keep")]
    assert pipeline.asked("paint_lettering")[0] == (Path("dragon"), ["p02"])


def test_pages_to_look_at_are_named(pipeline: Pipeline) -> None:
    result = run("panels dragon")
    assert "p01-01 p01-02?" in result.stdout
    assert "Look at p01" in result.stderr and "--confirm p01" in result.stderr


# --- what goes wrong -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "lettering dragon --treat loud",
        "lettering dragon --treat p01:1,2,3=keep",
        "mark dragon Hero",
        "mark dragon p01-01",
        "mark dragon --also Hero",
        "mark dragon p01-01 Hero --none",
        "mark dragon p01-01 Hero --clear",
        "mark dragon --clear",
        "mark dragon p01-01 Hero --also Dragon",
        "mark dragon p01-01 Hero --unsure Hero",
        "mark dragon p01-01 --belief Hero",
        "mark dragon p01-01 --belief Hero=2",
        "mark dragon --element Hero",
        "mark dragon --element Hero:king",
        "mark dragon --reference a.png",
        "stylize page1.png",
        "stylize page1.png --style noir",
        "stylize page1.png --style noir --out x --consistency-weight 1",
        "stylize dragon --out x",
        "stylize dragon page1.png",
        "stylize dragon --consistency-weight much",
        "stylize dragon --consistency-weight nan",
        "stylize dragon --steps -1",
        "panels dragon --direction rtl",
        "add dragon page1.png --drop-ruling",
        "panels page1.png --again",
        "panels page1.png --confirm p01",
        "panels page1.png --order a.json --order b.json",
        "panels dragon --set p01-02",
        "panels dragon --set p01-02=",
        "panels dragon --set p01-02=1,2,3",
        'panels dragon --set "p01-02=1,2 3,4"',
        "panels dragon --add p01=1,2,x,4",
        "panels dragon --split p01-02=z9",
        'panels dragon --split "p01-02=1,2 3,4 5,6"',
        "panels dragon --order p01",
        "export dragon --format gif",
        "make page1.png",
        "train",
        "train dragon --out x",
        "train dragon --examples folder --out x",
        "train --examples folder",
        "classify family",
        'make page1.png --style " "',
        'new other --style ""',
        "nonsense",
    ],
)
def test_words_that_do_not_fit_together(pipeline: Pipeline, line: str) -> None:
    result = run(line)
    assert result.exit_code == 2
    assert result.stderr.strip() and not result.stdout and "Traceback" not in result.stderr
    assert all(name in ("marks_table",) for name, *_ in pipeline.calls)


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (errors.StoryError("story.toml:3: wrong", remedy="Do this."), 3, "story.toml:3: wrong\n  Do this."),
        (errors.InputError("page [1]", remedy="Do that."), 4, "page [1]\n  Do that."),
        (errors.WeightsError("w", remedy="r"), 5, "w\n  r"),
        (errors.Stopped("stylize: stopped.", remedy="Run it again."), 130, "stylize: stopped."),
        (OSError(errno.ENOSPC, "No space left on device", "/full/x"), 6, "/full/x"),
        (PermissionError(errno.EACCES, "Permission denied", "/locked"), 6, "/locked"),
        (OSError(errno.EROFS, "Read-only file system", "/cd"), 6, "/cd"),
        (MemoryError(), 6, "not enough memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), 6, "not enough memory"),
    ],
)
def test_errors_are_told_with_their_exit_code(
    pipeline: Pipeline, error: BaseException, code: int, told: str
) -> None:
    pipeline.error = error
    result = run("stylize dragon")
    assert result.exit_code == code
    assert told in result.stderr and not result.stdout


def test_a_bug_is_one_line_and_a_log_file(pipeline: Pipeline) -> None:
    pipeline.error = ZeroDivisionError("by zero\nsecond line")
    result = run("train dragon")
    assert result.exit_code == 1
    [line] = [line for line in result.stderr.splitlines() if line.startswith("comicloss:")]
    assert "this is a bug in comicloss (ZeroDivisionError: by zero)" in line
    log = Path(line.rpartition(" are in ")[2])
    assert "Traceback" in log.read_text() and "second line" in log.read_text()


def test_a_folder_stands_for_its_pictures(pipeline: Pipeline) -> None:
    assert run("panels folder --json").exit_code == 0
    assert [args[0] for name, args, _ in pipeline.calls] == [
        [Path("folder/page9.png")],
        [Path("folder/page10.png")],
    ]


def test_one_bad_picture_does_not_keep_the_others(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def panels_of_pictures(
        paths: list[Path], direction: str, order_boxes: object = None
    ) -> list[dict[str, Any]]:
        if paths == [Path("bad.png")]:
            raise errors.InputError("bad.png is no picture", remedy="Save it again.")
        return [{"file": str(paths[0]), "panels": []}]

    monkeypatch.setattr(pipeline, "panels_of_pictures", panels_of_pictures, raising=False)
    result = run("panels a.png bad.png c.png --json")
    assert result.exit_code == 7 and "bad.png is no picture" in result.stderr
    assert [entry["file"] for entry in json.loads(result.stdout)] == ["a.png", "c.png"]
    assert run("panels bad.png --json").exit_code == 4


@pytest.mark.parametrize("line", ["stylize dragn", "panels dragn"])
def test_a_misspelled_story_is_not_taken_for_a_picture(pipeline: Pipeline, line: str) -> None:
    result = run(line)
    assert result.exit_code == 4 and "no story and no picture at dragn" in result.stderr


def test_a_folder_that_is_no_story_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from comicloss.story import load_story

    fake = Pipeline()
    monkeypatch.setattr(fake, "status", load_story, raising=False)
    monkeypatch.setitem(sys.modules, "comicloss.pipeline", fake)
    monkeypatch.setattr(comicloss, "pipeline", fake, raising=False)
    result = run(f"status {tmp_path}")
    assert result.exit_code == 3 and "comicloss new" in result.stderr


def test_who_is_in_a_picture_as_json_and_as_a_table(pipeline: Pipeline) -> None:
    told = run("classify family page7.png --json")
    assert json.loads(told.stdout) == [{"file": "page7.png", "probabilities": {"Hero": 0.75}}]
    assert pipeline.asked("classify") == ((Path("family"), [Path("page7.png")]), {})
    assert "0.75 no" in run("classify family page7.png").stdout
    pipeline.answers = {"classify": Classified([], {"Hero": 0.8}, ["a.png: no picture"])}
    failed = run("classify family a.png b.png --json")
    assert failed.exit_code == 7 and "a.png: no picture" in failed.stderr and json.loads(failed.stdout) == []


def test_labeled_pictures_that_cannot_be_read_are_told_after_the_report(pipeline: Pipeline) -> None:
    pipeline.answers = {"train_examples": {"elements": {}, "unreadable": ["a.png: no picture"]}}
    told = run("train --examples folder --out family --json")
    assert told.exit_code == 7 and "a.png: no picture" in told.stderr and "unreadable" in told.stdout
    args, options = pipeline.asked("train_examples")
    assert args == (Path("folder"), Path("family")) and options == {
        "steps": None,
        "seed": 0,
        "backbone": None,
        "explain": None,
    }


# --- progress and stopping -------------------------------------------------------------------------------


def test_plain_progress_tells_the_time_left_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now)
    with terminal.work() as (progress, stop):
        assert not stop()
        for done in range(1, 41):
            progress(done, 40, "tuning")
            now += 1.0
        progress(0, 3, "writing")
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert not captured.out
    assert lines[0] == "tuning: 1/40" and lines[1] == "tuning: 6/40, 34 s left"
    assert lines[-2:] == ["tuning: 40/40", "writing: 0/3"] and len(lines) <= 11


WORKING = """
    import sys, time, types
    import comicloss
    from pages.errors import Stopped
    fake = types.ModuleType("comicloss.pipeline")
    def train(story, *, steps, progress, stop, **others):
        print("working", file=sys.stderr, flush=True)
        while not (stop() and steps != 1):
            time.sleep(0.01)
        raise Stopped("train: stopped.", remedy="Run it again.")
    fake.train = train
    comicloss.pipeline = sys.modules["comicloss.pipeline"] = fake
    from comicloss.cli import main
    main()
"""


def working(steps: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WORKING), "train", "dragon", "--steps", str(steps)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "working\n"
    return process


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_first_signal_lets_the_stage_come_to_safety(number: signal.Signals) -> None:
    process = working(steps=2)
    process.send_signal(number)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "stopping as soon as the work so far is safe" in told and "train: stopped." in told


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_second_signal_ends_at_once() -> None:
    process = working(steps=1)  # a stage that does not listen
    assert process.stderr is not None
    process.send_signal(signal.SIGINT)
    assert process.stderr.readline() == "\n" and "stopping" in process.stderr.readline()
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130 and time.monotonic() - started < 5
