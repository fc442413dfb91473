"""How much memory long stories of large pages take, stage by stage.

    uv run python benchmarks/page_memory.py --pages 6 60 --formats png cbz pdf

For each number of pages a story is drawn (3000 x 4500 pixels, panels, balloons, letters and grain), imported,
its panels are found, and its pages are finished by an identity network and exported. Each stage runs in a
process of its own. Printed for each: seconds, the peak of the process itself (Linux: VmHWM) and the peak of
it and its helpers together (sampled every 20 ms). Flat means: the same for 6 pages and for 60.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

SIZE = 3000, 4500
STAGES = "draw", "import", "panels", "finish"


def main() -> None:
    """Run all stages for each number of pages, or (in a child) one stage."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, nargs="+", default=[6, 60])
    parser.add_argument("--formats", nargs="+", default=["png", "cbz", "pdf"])
    parser.add_argument("--work", type=Path, help="keep the stories here")
    parser.add_argument("--stage", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage:
        _run(options.stage, options.work, options.pages[0])
        status = Path("/proc/self/status").read_text()
        print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
        return
    print(f"{'pages':>5}  {'stage':<8} {'seconds':>8} {'process MiB':>12} {'with helpers MiB':>17}")
    with tempfile.TemporaryDirectory() as scratch:
        for pages in options.pages:
            work = (options.work or Path(scratch)) / str(pages)
            for stage in (*STAGES, *options.formats):
                seconds, own, together = _measured(stage, work, pages)
                print(f"{pages:5}  {stage:<8} {seconds:8.1f} {own:12.0f} {together:17.0f}", flush=True)


def _measured(stage: str, work: Path, pages: int) -> tuple[float, float, float]:
    began = time.perf_counter()
    command = [sys.executable, __file__, "--stage", stage, "--work", str(work), "--pages", str(pages)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    process, together = psutil.Process(child.pid), 0
    while child.poll() is None:
        try:
            family = [process, *process.children(recursive=True)]
            together = max(together, sum(member.memory_info().rss for member in family))
        except psutil.NoSuchProcess:
            pass
        time.sleep(0.02)
    if child.returncode:
        raise SystemExit(child.returncode)
    assert child.stdout is not None
    own = int(child.stdout.read().split()[-1]) / 1024
    return time.perf_counter() - began, own, max(together / 1024**2, own)


def _run(stage: str, work: Path, pages: int) -> None:
    from comicloss import pipeline
    from comicloss.freshness import finished_pages
    from comicloss.story import load_story
    from pages.export import write_finished, write_png
    from pages.native import to_rgb
    from pages.read import load_native

    story = work / "story"
    if stage == "draw":
        for number in range(1, pages + 1):
            write_png(work / "scans" / f"page{number}.png", _drawn(number), dpi=300)
    elif stage == "import":
        pipeline.new_story(story)
        pipeline.add_pages(story, [work / "scans"])
    elif stage == "panels":
        pipeline.find_story_panels(story)
    elif stage == "finish":
        told = load_story(story)
        for page, path in zip(told.pages, finished_pages(told, story), strict=True):
            original = load_native(story / page.file)
            write_finished(path, to_rgb(original), original)
    else:
        pipeline.export(story, formats=[stage])


def _drawn(number: int) -> NDArray[np.uint8]:
    """A page of three tiers of panels, with shapes, hatching, balloons and the grain of a scan."""
    random = np.random.default_rng(number)
    page = Image.new("RGB", SIZE, "white")
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(64)
    for tier in range(3):
        top, cut = 150 + tier * 1420, int(random.integers(900, 2100))
        for left, right in ((150, cut - 30), (cut + 30, SIZE[0] - 150)):
            _panel(draw, random, (left, top, right, top + 1360), font)
    pixels = np.asarray(page)
    grain = random.integers(-3, 4, (SIZE[1] // 10, SIZE[0] // 10, 1), np.int16)
    for rows in np.array_split(np.arange(SIZE[1]), 10):
        band = slice(rows[0], rows[-1] + 1)
        tiled = np.tile(grain, (1, 10, 1))[: len(rows)]
        pixels = pixels if pixels.flags.writeable else pixels.copy()
        pixels[band] = np.clip(pixels[band].astype(np.int16) + tiled, 0, 255)
    return pixels


def _panel(
    draw: ImageDraw.ImageDraw,
    random: np.random.Generator,
    box: tuple[int, int, int, int],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    left, top, right, bottom = box
    draw.rectangle(box, _color(random))
    for _ in range(12):
        x, y = int(random.integers(left, right)), int(random.integers(top + 400, bottom))
        radius = min(int(random.integers(60, 260)), x - left, right - x, y - top, bottom - y)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), _color(random), "black", 8)
    for x in range(left, right - 300, 40):
        draw.line((x, bottom - 40, x + 220, bottom - 260), "black", 3)
    width = min(640, right - left - 120)
    draw.ellipse((left + 60, top + 60, left + 60 + width, top + 340), "white", "black", 7)
    draw.text((left + 60 + width // 2, top + 200), "ONCE UPON\nA TIME …", "black", font, "mm", align="center")
    draw.rectangle(box, outline="black", width=12)


def _color(random: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = (int(level) for level in random.integers(60, 250, 3))
    return red, green, blue


if __name__ == "__main__":
    main()
