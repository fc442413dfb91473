"""The import rule: data flows one way, and nothing runs back."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_USE = {
    "pages": set(),
    "classifiers": {"pages"},
    "styles": {"pages"},
    "comicloss": {"pages", "classifiers", "styles"},
    "app": {"comicloss"},
}
FILES = [
    path
    for room in MAY_USE
    for path in ([*(ROOT / room).rglob("*.py")] if room != "app" else [ROOT / "app.py"])
]


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_imports_only_what_it_may(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0].removesuffix(".py")
    ours = {name.split(".")[0] for name in _imports(path)} & set(MAY_USE)
    assert ours - {room} <= MAY_USE[room]


def test_pages_needs_no_torch() -> None:
    for path in (ROOT / "pages").rglob("*.py"):
        assert not {name.split(".")[0] for name in _imports(path)} & {"torch", "torchvision"}, path


def test_the_app_reaches_the_story_only_through_the_pipeline() -> None:
    for node in ast.walk(ast.parse((ROOT / "app.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "comicloss":
            assert {alias.name for alias in node.names} == {"pipeline"}
        elif isinstance(node, ast.ImportFrom):
            assert node.module == "comicloss.pipeline" or not str(node.module).startswith("comicloss")
        elif isinstance(node, ast.Import):
            assert not any(alias.name.startswith("comicloss") for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_runs_code_from_a_file(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} | {getattr(node, "module", None) or ""}
            assert not names & {"pickle", "cPickle", "dill", "cloudpickle"}, path
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            assert called not in {"extractall", "exec"}, path
            for keyword in node.keywords:
                dangerous = {
                    "trust_remote_code": True,
                    "shell": True,
                    "weights_only": False,
                    "allow_pickle": True,
                }
                if keyword.arg in dangerous and isinstance(keyword.value, ast.Constant):
                    assert keyword.value.value is not dangerous[keyword.arg], f"{path}: {keyword.arg}"
