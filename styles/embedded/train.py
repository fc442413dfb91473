"""Trains the shipped models: ``python -m styles.embedded.train clip|stylenet|judge --work FOLDER``.

The work folder keeps rendered data and checkpoints: run the same command again after a stop, and it goes on.
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path


def main() -> None:
    """Read the command line and train one model."""
    parser = argparse.ArgumentParser(prog="python -m styles.embedded.train", description=__doc__)
    parser.add_argument("model", choices=("clip", "stylenet", "judge"), help="what to train")
    parser.add_argument("--work", type=Path, required=True, help="folder for data and checkpoints")
    given = parser.parse_args()
    importlib.import_module(f"styles.embedded.train_{given.model}").main(given.work)


if __name__ == "__main__":
    main()
