"""Photographed pages, straightened: how near to the true page does each come?

    uv run python benchmarks/photographs.py SHEETS [PAGES]

Takes 36 photographs (`benchmarks/camera.py`) of the demo's own pages in pencil and in color, on wood, cloth,
tiles, dark, white and cluttered tables; with lamps and shadows; on plain, ruled and squared paper; cut off,
curled, bound. With PAGES, a folder with expectations.json and labelled pages, one of each of these too.
Every photograph is straightened without being told anything; then

* corners: mean distance of the found corners from the true ones that the photograph shows, in pixels and % of
  the diagonal;
* paper: 95th less 5th percentile of bare paper's level, as photographed and as straightened;
* lines: share of the true page's ink that is kept; share of the printed ruling's pixels that is gone;
* SSIM of the straightened page and the true one, gray, at the true page's size;
* F1 of `find_panels` at IoU .75, on the photograph (its boxes taken into the page's frame), after, and on
  the true page itself;
* whether `looks_photographed` sees that it is one, and that the page it was made of is none.

Prints a table, and writes before and after, side by side, into the folder SHEETS.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.camera import Photograph, Scene, on_sheet, take
from comicloss.demo import DEMO_STORY, draw_pages
from pages.model import Box
from pages.photograph import looks_photographed, straighten
from pages.sheet import before_after
from pages.split import find_panels

Picture = NDArray[np.uint8]
TABLES = ("wood", "dark", "white", "cloth", "tiles", "clutter")
RULINGS = ("none", "ruled", "squared")
SHADOWS = ("none", "soft", "phone", "hand")
SHAPES = (2**0.5, 11 / 8.5, 2**0.5, 4 / 3)


@dataclass(frozen=True)
class Drawing:
    """A page with what is true of it."""

    name: str
    page: Picture
    panels: list[Box]


@dataclass(frozen=True)
class Row:
    """What one photograph gave."""

    name: str
    scene: Scene
    corners: float
    diagonal: float
    paper_before: float
    paper_after: float
    ink_kept: float
    ruling_gone: float
    ssim: float
    found_before: tuple[int, int, int]
    found_after: tuple[int, int, int]
    found_true: tuple[int, int, int]
    seen: bool
    page_seen: bool
    seconds: float


def scenes(seed: int) -> Iterator[Scene]:
    """Scenes without end, each table with each ruling and shadow sooner or later."""
    random = np.random.default_rng(seed)
    number = 0
    while True:
        special = number % 6
        binding = {0: "facing", 1: "spiral"}.get(special, "none")
        yield Scene(
            seed=seed + number,
            tilt=(float(random.uniform(-25, 25)), float(random.uniform(-14, 14))),
            turn=float(random.normal(0, 7)) + (90 if number % 12 == 11 else 0),
            size=(2000, 1500) if number % 12 == 11 else (1500, 2000),
            fill=1.04 if special == 3 else float(random.uniform(0.75, 0.95)),
            shift=(0.05 * (-1) ** number, 0.0) if special == 3 else (0.0, 0.0),
            table=TABLES[number % 6],
            ruling=RULINGS[(number + number // 6) % 3],
            shadow=SHADOWS[(number + number // 12) % 4],
            lamp=float(random.uniform(0.2, 1.0)),
            tint=[(1.0, 0.94, 0.84), (1.0, 0.86, 0.66), (0.92, 0.97, 1.0)][number % 3],
            curl=0.012 if special == 4 else 0.0,
            rounding=0.03 if special == 5 else 0.0,
            binding=binding if number % 2 == number // 6 % 2 else "none",
            blur=float(random.uniform(0.6, 1.4)),
            noise=float(random.uniform(1.0, 3.5)),
            quality=int(random.integers(60, 93)),
        )
        number += 1


def demo_drawings() -> list[Drawing]:
    """The demo's three pages in pencil and in color."""
    drawings = []
    for rough in ("pencil", "color"):
        for page, known in zip(draw_pages(rough), DEMO_STORY.pages, strict=True):
            boxes = [Box.from_xywh(*panel.box) for panel in known.panels]
            drawings.append(Drawing(f"demo {rough}", page, boxes))
    return drawings


def labelled_drawings(folder: Path) -> Iterator[Drawing]:
    """The labelled pages of a folder, one at a time."""
    for page in json.loads((folder / "expectations.json").read_text(encoding="utf-8")):
        with Image.open(folder / page["image"]) as image:
            pixels = np.asarray(image.convert("RGB"))
        yield Drawing(Path(page["image"]).stem, pixels, [Box.from_xywh(*box) for box in page["panels"]])


def measure(drawing: Drawing, scene: Scene, shape: float) -> tuple[Row, Picture, Picture]:
    """One photograph: its figures, the photograph and the straightened page."""
    sheet, (left, top) = on_sheet(drawing.page, shape)
    panels = [Box(b.left + left, b.top + top, b.right + left, b.bottom + top) for b in drawing.panels]
    photo = take(sheet, scene)
    start = time.perf_counter()
    result = straighten(photo.picture, drop_ruling=scene.ruling != "none")
    seconds = time.perf_counter() - start
    turns = min(range(4), key=lambda n: _distance(np.roll(result.corners, -n, 0), photo.corners))
    found = np.roll(result.corners, -turns, 0)
    after = np.ascontiguousarray(np.rot90(result.picture, turns))
    h, w = sheet.shape[:2]
    outline = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32)
    to_sheet = cv2.getPerspectiveTransform(photo.corners.astype(np.float32), outline)
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    before = cv2.warpPerspective(
        photo.picture, np.linalg.inv(half) @ to_sheet @ half, (w, h), borderValue=(255, 255, 255)
    )
    place = _placed(found, after.shape[:2], to_sheet, (w, h))
    at_size = cv2.warpAffine(
        cv2.GaussianBlur(after, (0, 0), max(0.3 * place[0, 0], 0.3)),
        place,
        (w, h),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderValue=(250, 250, 250),
    )
    visible = ((photo.corners > 0) & (photo.corners < scene.size)).all(1)
    inside = _in_photograph(photo, scene, to_sheet, (w, h))
    truth = cv2.cvtColor(sheet, cv2.COLOR_RGB2GRAY)
    paper = cv2.erode((truth >= 240).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    paper &= inside & ~cv2.dilate(photo.ruling.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool)
    tones = [cv2.cvtColor(p, cv2.COLOR_RGB2GRAY) for p in (before, at_size)]
    spread = [float(np.subtract(*np.percentile(tone[paper], [95, 5]))) for tone in tones]
    ink = inside & (truth < 170)
    darkest = cv2.erode(tones[1], np.ones((5, 5), np.uint8))
    kept = float((darkest[ink] < 250 - 0.25 * (250.0 - truth[ink])).mean())
    lines = photo.ruling & inside & (cv2.erode(truth, np.ones((9, 9), np.uint8)) >= 235)
    level = float(np.median(tones[1][paper]))
    row = Row(
        name=drawing.name,
        scene=scene,
        corners=_distance(found[visible], photo.corners[visible]) if visible.any() else float("nan"),
        diagonal=float(np.linalg.norm(photo.corners[0] - photo.corners[2])),
        paper_before=spread[0],
        paper_after=spread[1],
        ink_kept=kept,
        ruling_gone=float((tones[1][lines] > level - 12).mean()) if lines.any() else float("nan"),
        ssim=_ssim(tones[1], truth),
        found_before=_matched(panels, [_mapped(p.box, to_sheet) for p in find_panels(photo.picture)]),
        found_after=_matched(panels, [p.box for p in find_panels(at_size)]),
        found_true=_matched(panels, [p.box for p in find_panels(sheet)]),
        seen=looks_photographed(photo.picture),
        page_seen=looks_photographed(drawing.page),
        seconds=seconds,
    )
    return row, photo.picture, after


def _in_photograph(
    photo: Photograph, scene: Scene, to_sheet: NDArray[np.float64], size: tuple[int, int]
) -> NDArray[np.bool_]:
    """Where of the sheet the photograph shows something, less its rim (corners, fold, holes)."""
    everything = np.ones(photo.picture.shape[:2], np.uint8)
    seen = cv2.warpPerspective(everything, to_sheet, size, flags=cv2.INTER_NEAREST)
    rim = round(0.03 * size[0])
    seen[:rim] = seen[-rim:] = seen[:, :rim] = seen[:, -rim:] = 0
    if scene.binding != "none":
        seen[:, : 2 * rim] = 0
    return cv2.erode(seen, np.ones((9, 9), np.uint8), borderValue=0) > 0


def _placed(
    found: NDArray[np.float64], shape: tuple[int, int], to_sheet: NDArray[np.float64], size: tuple[int, int]
) -> NDArray[np.float64]:
    """The (2, 3) map from the true sheet to the straightened one: scaled along each side and moved, no more.

    What is skewed stays skewed. Only where a sheet runs out of the photograph it is not simply a resize.
    """
    height, width = shape
    outline = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    back = np.linalg.inv(cv2.getPerspectiveTransform(found.astype(np.float32), outline))
    x, y = np.meshgrid(np.linspace(0.05, 0.95, 9) * width, np.linspace(0.05, 0.95, 9) * height)
    after = np.stack((x.ravel(), y.ravel()), 1)
    true = cv2.perspectiveTransform(after[None], to_sheet @ back)[0]
    across, down = (np.polyfit(true[:, axis], after[:, axis], 1) for axis in range(2))
    # cv2 samples at whole pixels; both sides are measured between them
    return np.array(
        [
            [across[0], 0, across[1] + 0.5 * across[0] - 0.5],
            [0, down[0], down[1] + 0.5 * down[0] - 0.5],
        ]
    )


def _distance(found: NDArray[np.float64], true: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(found - true, axis=1).mean())


def _mapped(box: Box, homography: NDArray[np.float64]) -> Box:
    outline = np.array(
        [[box.left, box.top], [box.right, box.top], [box.right, box.bottom], [box.left, box.bottom]],
        np.float32,
    )
    points = cv2.perspectiveTransform(outline[None], homography)[0]
    (left, top), (right, bottom) = points.min(0), points.max(0)
    return Box(round(float(left)), round(float(top)), round(float(right)), round(float(bottom)))


def _matched(true: list[Box], found: list[Box]) -> tuple[int, int, int]:
    """Panels matched one to one at IoU .75, true panels, found panels."""
    pairs = sorted(
        ((_iou(a, b), i, j) for i, a in enumerate(true) for j, b in enumerate(found)), reverse=True
    )
    used_true: set[int] = set()
    used_found: set[int] = set()
    for overlap, i, j in sorted(pairs, reverse=True):
        if overlap >= 0.75 and i not in used_true and j not in used_found:
            used_true.add(i)
            used_found.add(j)
    return len(used_true), len(true), len(found)


def _iou(a: Box, b: Box) -> float:
    across = min(a.right, b.right) - max(a.left, b.left)
    down = min(a.bottom, b.bottom) - max(a.top, b.top)
    both = max(across, 0) * max(down, 0)
    return both / (a.width * a.height + b.width * b.height - both)


def _ssim(first: Picture, second: Picture) -> float:
    """Wang et al., "Image quality assessment" (2004): 11 x 11 Gaussian window, K = .01, .03."""
    a, b = first.astype(np.float32), second.astype(np.float32)

    def mean(plane: NDArray[np.float32]) -> NDArray[np.float32]:
        return cv2.GaussianBlur(plane, (11, 11), 1.5)

    ma, mb = mean(a), mean(b)
    va, vb, ab = mean(a * a) - ma * ma, mean(b * b) - mb * mb, mean(a * b) - ma * mb
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    similar = (2 * ma * mb + c1) * (2 * ab + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2))
    return float(similar.mean())


def _f1(counts: list[tuple[int, int, int]]) -> float:
    matched, true, found = (sum(column) for column in zip(*counts, strict=True))
    return 2 * matched / (true + found)


def _summary(title: str, rows: list[Row]) -> None:
    shown = [row for row in rows if not np.isnan(row.corners)]
    corners = np.array([row.corners for row in shown])
    share = np.array([100 * row.corners / row.diagonal for row in shown])
    print(f"\n{title}: {len(rows)} photographs")
    for name, values in (("corner error, px", corners), ("corner error, % of diagonal", share)):
        print(
            f"  {name:38s} mean {values.mean():.2f}  median {np.median(values):.2f}  worst {values.max():.2f}"
        )
    before, after = (
        np.array([getattr(row, f"paper_{when}") for row in rows]) for when in ("before", "after")
    )
    print(
        f"  {'paper p95-p5, levels (median, worst)':38s} {np.median(before):.0f}, {before.max():.0f}"
        f"  ->  {np.median(after):.0f}, {after.max():.0f}"
    )
    kept = np.array([row.ink_kept for row in rows])
    print(f"  {'ink kept':38s} mean {kept.mean():.4f}  worst {kept.min():.4f}")
    gone = np.array([row.ruling_gone for row in rows if row.scene.ruling != "none"])
    gone = gone[~np.isnan(gone)]
    if len(gone):
        print(f"  {f'ruling gone ({len(gone)})':38s} mean {gone.mean():.4f}  worst {gone.min():.4f}")
    similar = np.array([row.ssim for row in rows])
    print(f"  {'SSIM':38s} mean {similar.mean():.3f}  worst {similar.min():.3f}")
    found = [_f1([getattr(row, f"found_{when}") for row in rows]) for when in ("before", "after", "true")]
    print(
        f"  {'panels F1 at IoU .75':38s} {found[0]:.3f}  ->  {found[1]:.3f}  (on the pages: {found[2]:.3f})"
    )
    seen, pages = sum(row.seen for row in rows), sum(row.page_seen for row in rows)
    print(f"  {'looks photographed':38s} {seen} of {len(rows)}; of the pages themselves {pages}")
    print(f"  {'seconds':38s} mean {np.mean([row.seconds for row in rows]):.2f}")


def main() -> None:
    """Print the table, write the sheets."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    sets = [("demo pages", 36, demo_drawings())]
    if len(sys.argv) > 2:
        labelled = list(labelled_drawings(Path(sys.argv[2])))
        sets.append(("labelled pages", len(labelled), labelled))
    for title, count, drawings in sets:
        rows, pairs, labels = [], [], []
        for number, scene in zip(range(count), scenes(1000 * len(title)), strict=False):
            drawing = (
                drawings[(number * 5 + number // 6) % len(drawings)] if count == 36 else drawings[number]
            )
            row, before, after = measure(drawing, scene, SHAPES[number % 4])
            rows.append(row)
            kind = f"{scene.table}, {scene.ruling}, {scene.shadow}, {scene.binding}, fill {scene.fill:.2f}"
            print(
                f"{number:3d} {row.name[:24]:24s} {kind:44s} corners {row.corners:7.2f} px"
                f"  paper {row.paper_before:4.0f} -> {row.paper_after:3.0f}  ink {row.ink_kept:.3f}"
                f"  ruling {row.ruling_gone:5.3f}  SSIM {row.ssim:.3f}"
                f"  F1 {_f1([row.found_before]):.2f} -> {_f1([row.found_after]):.2f}"
                f"  {'seen' if row.seen else 'NOT SEEN'}{' PAGE SEEN' if row.page_seen else ''}"
                f"  {row.seconds:.2f} s",
                flush=True,
            )
            pairs.append((_small(before), _small(after)))
            labels.append(f"{number}: {row.name}; {kind}")
            if len(pairs) == 6 or number == count - 1:
                sheet = before_after(pairs, labels)
                name = f"{title.split()[0]}-{number // 6:02d}.png"
                Image.fromarray(sheet).save(folder / name)
                pairs, labels = [], []
        _summary(title, rows)


def _small(picture: Picture) -> Picture:
    scale = min(900 / max(picture.shape), 1.0)
    small: Picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return small


if __name__ == "__main__":
    main()
