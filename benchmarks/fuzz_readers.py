"""Fuzz the readers: mutated small files give a picture or a refusal, never anything else.

    uv run python benchmarks/fuzz_readers.py --seconds 600

What reads strangers' bytes runs in a process of its own; here it runs in this one, so that atheris sees which
branches an input takes. An exception that is no ComicLossError and no MemoryError is a finding: its input is
kept in the folder of --findings, and the fuzz goes on. What the worker would turn into "damaged" by its last
net counts as fine only where a decoder raised it (``pages.decode.decoding``).
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

import atheris

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "pages")]

with atheris.instrument_imports(include=["pages", "PIL", "psd_tools", "tifffile", "zipfile", "defusedxml"]):
    import zipfile  # noqa: F401

    import defusedxml.ElementTree  # noqa: F401
    import psd_tools  # noqa: F401
    import tifffile  # noqa: F401
    from PIL import Image

    from pages import archive, decode, jobs, layers, tiff
    from pages.errors import ComicLossError
    from pages.limits import Limits
    from pages.native import to_native, to_rgb

import made  # noqa: E402
import numpy as np  # noqa: E402

LIMITS = Limits(pixels=250_000, member_bytes=2 * 10**6, entries=200, pages=20, file_bytes=10**7)


def corpus() -> dict[str, bytes]:
    """Small valid files of every kind that is read in this process."""
    small, deep = made.ramp(8, 9), made.ramp(8, 9, dtype=np.uint16)
    layer = {"name": "text", "box": (1, 1, 5, 5), "alpha": bytes(range(16))}
    stack = '<image w="9" h="8"><stack><layer name="text" src="data/1.png" x="1" y="2"/></stack></image>'
    files = {
        f"a.{kind.lower()}": made.pillow(small, kind)
        for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
    }
    return files | {
        "progressive.jpg": made.pillow(small, "JPEG", progressive=True),
        "palette.png": made.pillow(Image.fromarray(small).quantize(8), "PNG", transparency=1),
        "lzw.tif": made.tiff(small, photometric="rgb", compression="lzw"),
        "deep.png": made.png_16(deep),
        "deep.tif": made.tiff(deep, photometric="rgb", compression="deflate", predictor=True),
        "tiled.tif": made.tiff(made.ramp(32, 32), photometric="rgb", tile=(16, 16)),
        "float.tif": made.tiff((small / 255).astype(np.float32), photometric="rgb", planarconfig="contig"),
        "pages.tif": made.tiff_pages([small, small], photometric="rgb"),
        "cmyk.tif": made.tiff(made.ramp(8, 9, 4), photometric="separated"),
        "a.psd": made.psd_rgb(small, layers=[layer]),
        "deep.psd": made.psd_rgb(deep),
        "a.ora": made.open_raster(made.ramp(8, 9, 4), stack, {"data/1.png": made.ramp(4, 4, 4)}),
        "a.cbz": made.cbz({"1.png": made.pillow(small, "PNG"), "2.jpg": made.pillow(small, "JPEG")}),
    }


def read(content: bytes) -> None:
    """All that the second process would do with these bytes, PDF aside.

    Raises:
        ComicLossError: the refusal.
    """
    kind = decode.sniff(content[:1024])
    file = io.BytesIO(content)
    if kind == "zip":
        with archive.opened(file, "fuzz", LIMITS) as members:
            if archive.is_painting(members):
                to_rgb(to_native(jobs._painting(members, "fuzz", LIMITS)))
                layers.open_raster_lettering(members, "fuzz", LIMITS)
            else:
                for entry in archive.page_entries(members, "fuzz", LIMITS)[:5]:
                    page = archive.read_entry(members, entry, "fuzz", LIMITS)
                    to_rgb(to_native(decode.picture_bytes(page, "fuzz", LIMITS)))
        return
    if kind == "tiff":
        for place in list(tiff.page_places(file, "fuzz", LIMITS))[:5]:
            with decode.decoding("fuzz"):
                tiff.page_file(file, place, "fuzz", LIMITS)
    if kind != "pdf":
        to_rgb(to_native(decode.decode(file, "fuzz", LIMITS)))
    if kind == "psd":
        with decode.decoding("fuzz"):
            layers.psd_lettering(file, "fuzz", LIMITS)


class Fuzz:
    """Counts inputs, keeps what goes wrong, and what takes long."""

    def __init__(self, findings: Path) -> None:
        self.findings, self.count, self.refused, self.found = findings, 0, 0, set[str]()
        self.slowest = 0.0

    def __call__(self, content: bytes) -> None:
        self.count += 1
        began = time.perf_counter()
        try:
            read(content)
        except (ComicLossError, MemoryError):
            self.refused += 1
        except Exception as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            self._keep(f"{type(error).__name__}-{Path(frame.filename).name}-{frame.lineno}", content)
        seconds = time.perf_counter() - began
        self.slowest = max(self.slowest, seconds)
        if seconds > 5:
            self._keep("slow", content)

    def _keep(self, what: str, content: bytes) -> None:
        if what not in self.found:
            self.found.add(what)
            (self.findings / what).write_bytes(content)
            print(f"FOUND {what}", file=sys.stderr, flush=True)


def run(seconds: int, findings: Path) -> None:
    """Fuzz for so long, then end this process: 1 if anything was found."""
    warnings.simplefilter("ignore")
    fuzz = Fuzz(findings)
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        for name, content in corpus().items():
            fuzz(content)
            if fuzz.refused:
                raise AssertionError(f"{name} of the corpus is refused")
            (Path(folder) / name).write_bytes(content)

        def one(content: bytes) -> None:
            fuzz(content)
            if time.monotonic() > end:  # libFuzzer would end without a word from us
                shutil.rmtree(folder)
                found = f"{len(fuzz.found)} findings {sorted(fuzz.found)} in {findings}"
                print(
                    f"{seconds} s: {fuzz.count} inputs, {fuzz.refused} refused, "
                    f"slowest {fuzz.slowest:.2f} s, {found}",
                    flush=True,
                )
                os._exit(bool(fuzz.found))

        options = ["-timeout=60", "-rss_limit_mb=3000", "-max_len=20000"]
        atheris.Setup([sys.argv[0], *options, folder], one)
        atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--findings", type=Path, default=None)
    options = parser.parse_args()
    findings = options.findings or Path(tempfile.mkdtemp(prefix="fuzz-"))
    findings.mkdir(parents=True, exist_ok=True)

    run(options.seconds, findings)


if __name__ == "__main__":
    main()
