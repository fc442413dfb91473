"""Finished pages on the way out: PNG, CBZ with its sidecars, PDF, OpenRaster, webtoon slices."""

from pages.export.finished import write_finished
from pages.export.png import write_png

__all__ = ["write_finished", "write_png"]
