"""Panels of labeled pages beside Kumiko's, in one run: F1, order, whole pages right, seconds.

    uv run python benchmarks/panel_figures.py DATA
    uv run python benchmarks/panel_figures.py DATA --kumiko KUMIKO --kumiko-python PYTHON --scales 1,3

DATA is a folder with expectations.json (image, size, direction, panels) and score.py, which counts. KUMIKO is
a checkout of github.com/njean42/kumiko, PYTHON an interpreter that has what it needs (OpenCV 4, NumPy,
requests). Both programs get the decoded pages one after the other on one thread; neither decoding nor
lettering is counted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
from PIL import Image

from pages.model import Box
from pages.order import reading_order
from pages.read import load_rgb
from pages.split import find_panels

# Runs in the other interpreter. Pages come from memory when Kumiko asks OpenCV for them.
_KUMIKO = """
import json, sys, time
import cv2
folder, pages = sys.argv[1], json.load(open(sys.argv[2]))
sys.path.insert(0, folder)
from lib.page import Page
cv2.setNumThreads(1)
read = cv2.imread
found = []
for page in pages:
    picture = read(page["path"])
    cv2.imread = lambda *_: picture.copy()
    began = time.perf_counter()
    numbering = "rtl" if page["direction"] == "rtl" else "ltr"
    panels = Page(page["path"], numbering=numbering).get_infos()["panels"]
    found.append({"image": page["image"], "panels": [[float(v) for v in panel] for panel in panels],
                  "seconds": time.perf_counter() - began})
json.dump(found, sys.stdout)
"""


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("data", type=Path)
    arguments.add_argument("--kumiko", type=Path)
    arguments.add_argument("--kumiko-python", default="python3")
    arguments.add_argument("--scales", default="1", help="also with the pages enlarged so many times: 1,3")
    given = arguments.parse_args()
    cv2.setNumThreads(1)
    labeled = json.loads((given.data / "expectations.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as scratch:
        for scale in (int(word) for word in given.scales.split(",")):
            pages = [_page(given.data, entry, scale, Path(scratch)) for entry in labeled]
            print(f"\n== pages at {scale} x their size: comicloss", flush=True)
            _score(given.data, [_ours(page) for page in pages], scale)
            if given.kumiko:
                print(f"== pages at {scale} x their size: Kumiko", flush=True)
                _score(given.data, _kumiko(given.kumiko, given.kumiko_python, pages, Path(scratch)), scale)
    print("\n== the labeled boxes in comicloss's order (ordPage)")
    _score(given.data, [_in_our_order(entry) for entry in labeled], 1)


def _page(data: Path, entry: dict[str, Any], scale: int, scratch: Path) -> dict[str, Any]:
    path = data / entry["image"]
    if scale != 1:
        larger = scratch / f"{scale}-{entry['image'].replace('/', '_')}.png"
        with Image.open(path) as picture:
            size = picture.width * scale, picture.height * scale
            picture.convert("RGB").resize(size, Image.Resampling.BICUBIC).save(larger, compress_level=1)
        path = larger
    return {"image": entry["image"], "path": str(path), "direction": entry["direction"]}


def _ours(page: dict[str, Any]) -> dict[str, Any]:
    picture = load_rgb(Path(page["path"]))
    began = time.perf_counter()
    panels = find_panels(picture, page["direction"])
    seconds = time.perf_counter() - began
    return {"image": page["image"], "panels": [panel.box.xywh for panel in panels], "seconds": seconds}


def _kumiko(folder: Path, python: str, pages: list[dict[str, Any]], scratch: Path) -> list[dict[str, Any]]:
    (scratch / "pages.json").write_text(json.dumps(pages), encoding="utf-8")
    command = [python, "-c", _KUMIKO, str(folder), str(scratch / "pages.json")]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def _in_our_order(entry: dict[str, Any]) -> dict[str, Any]:
    boxes = [Box.from_xywh(*box) for box in entry["panels"]]
    order = reading_order(boxes, entry["direction"])
    return {"image": entry["image"], "panels": [boxes[place].xywh for place in order]}


def _score(data: Path, found: list[dict[str, Any]], scale: int) -> None:
    for page in found:
        page["panels"] = [[value / scale for value in panel] for panel in page["panels"]]
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(found, file)
        file.flush()
        subprocess.run(["python3", str(data / "score.py"), file.name], check=True)


if __name__ == "__main__":
    main()
