"""Pages to export, for the tests of every format."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pages.export import write_png


def noise(height: int = 60, width: int = 40, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def page_files(folder: Path) -> list[Path]:
    """Three pages of noise, the second at 150 dpi."""
    files = [folder / name for name in ("p01.png", "p02.png", "p10.png")]
    for seed, file in enumerate(files):
        write_png(file, noise(seed=seed), dpi=150 if seed == 1 else None)
    return files
