"""The `comicloss` command: parsing and printing only; the work is done by ``comicloss.pipeline``."""

from __future__ import annotations

from comicloss.commands import (  # noqa: F401 - importing them adds their commands
    classifiers,
    compare,
    curation,
    datasets,
    lettering,
    marks,
    panels,
    quick,
    steps,
)
from comicloss.commands.app import app


def main() -> None:
    """Run the command line and exit with its code."""
    app()
