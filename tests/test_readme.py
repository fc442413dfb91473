"""The README is true: its Python runs and prints what it says, its commands and pictures exist."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from comicloss import cli  # noqa: F401 - importing it adds the commands
from comicloss.commands.app import app

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
_LINK = r"\]\((?!https?://)([^)#]+)\)"


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_the_python_prints_what_the_readme_says() -> None:
    (code,), (expected,) = _blocks("python"), _blocks("text")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == expected


def test_the_commands_exist() -> None:
    words = [
        shlex.split(line, comments=True)
        for block in _blocks("sh")
        for line in block.splitlines()
        if "uv run comicloss " in line
    ]
    named = {line[line.index("comicloss") + 1] for line in words}
    assert {"demo", "make", "new", "mark", "train", "stylize", "export", "status"} <= named
    for name in named:
        assert CliRunner().invoke(app, [name, "--help"]).exit_code == 0, name


def test_the_files_exist() -> None:
    links = re.findall(_LINK, README)
    assert len(links) >= 8
    for link in links:
        assert (ROOT / link).exists(), link


def test_what_the_page_on_classifiers_names_exists() -> None:
    page = (ROOT / "docs" / "classifiers.md").read_text(encoding="utf-8")
    for link in re.findall(_LINK, page):
        assert (ROOT / "docs" / link).exists(), link
    scripts = re.findall(r"`(\w+\.py)`", page)
    assert len(scripts) >= 7
    for script in scripts:
        assert (ROOT / "benchmarks" / script).exists(), script
    recipe = page.partition("## The recipe")[2].partition("\n## ")[0]
    files = {
        name
        for row in re.findall(r"(?m)^\|.*\|$", recipe)
        for name in re.findall(r"`([\w.]+)`", row.split("|")[4])
    }
    assert {"train", "calibrate", "views", "model"} <= files
    for name in files:
        room, _, file = name.rpartition(".")
        assert (ROOT / (room or "classifiers") / f"{file}.py").exists(), name


def test_ci_calls_the_test_command_of_the_readme() -> None:
    command = "pip install uv && uv run pytest"
    assert command in README
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
