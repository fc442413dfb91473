"""Writes the exact versions of the current environment into pyproject.toml, as constraints for uv.

Run it after an upgrade that passes the tests: ``uv sync --upgrade && uv run python scripts/pin.py``.
Only names and versions are written, never where a package came from.
"""

from __future__ import annotations

import re
from importlib.metadata import distributions
from pathlib import Path

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"


def main() -> None:
    """Rewrite ``[tool.uv] constraint-dependencies``."""
    found = {
        re.sub(r"[-_.]+", "-", item.metadata["Name"]).lower(): item.version.split("+")[0]
        for item in distributions()
    }
    found.pop("comicloss", None)
    pins = "".join(f'    "{name}=={version}",\n' for name, version in sorted(found.items()))
    text = PYPROJECT.read_text(encoding="utf-8")
    pattern = re.compile(r"^constraint-dependencies = \[[^\]]*\]$", re.MULTILINE)
    PYPROJECT.write_text(
        pattern.sub(lambda _: f"constraint-dependencies = [\n{pins}]", text), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
