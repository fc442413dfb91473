"""What do the classifiers in the loss bring? The same story at several λ, with the same seed.

    uv run python benchmarks/consistency_weight.py STORY WORK

STORY is a marked story; its classifiers are trained, and it is copied to WORK. Arms: the untuned network,
λ = 0, λ = 1, and the default λ. Printed for each, over all marked pairs of panel and element: the mean
probability of what the author said, by the story's own classifiers (which are in the loss) and by the judge
(which is in none), and for each element the same over its panels. The pictures of all arms side by side go to
WORK/arms-NN.png.
"""

from __future__ import annotations

import argparse
import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from comicloss import pipeline
from comicloss.publishing import recognition_of
from comicloss.story import load_story
from pages.export import write_png
from pages.read import load_rgb
from pages.sheet import grid

ARMS: tuple[tuple[str, int | None, float | Literal["auto"]], ...] = (
    ("untuned", 0, "auto"),
    ("lambda 0", None, 0.0),
    ("lambda 1", None, 1.0),
    ("lambda auto", None, "auto"),
)


def main() -> None:
    """Run the arms, print the table and write the pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("story", type=Path)
    parser.add_argument("work", type=Path)
    options = parser.parse_args()
    pipeline.train(options.story)
    names = load_story(options.story).element_names
    print("| arm | own p | judge p | " + " | ".join(f"{name}: own, judge" for name in names) + " |")
    print("|---" * (3 + len(names)) + "|")
    versions = [[load_rgb(options.story / page.file)] for page in load_story(options.story).pages]
    for arm, steps, weight in ARMS:
        folder = options.work / arm.replace(" ", "-")
        if not folder.exists():
            ignored = shutil.ignore_patterns("runs", "finished", "exports", ".cache")
            shutil.copytree(options.story, folder, ignore=ignored)
        finished = pipeline.stylize(folder, steps=steps, consistency_weight=weight)
        seen = recognition_of(load_story(folder), folder)
        if arm == ARMS[0][0]:
            _print_row("as drawn", seen.priors, seen.before, seen.judge_before)
        _print_row(arm, seen.priors, seen.after, seen.judge_after)
        for pictures, path in zip(versions, finished, strict=True):
            pictures.append(load_rgb(path))
    labels = ["as drawn", *(arm for arm, _, _ in ARMS)]
    for number, pictures in enumerate(versions, 1):
        write_png(options.work / f"arms-{number:02d}.png", grid(pictures, labels, columns=5, cell=560))


Table = Sequence[Sequence[float]]


def _print_row(arm: str, priors: Sequence[Sequence[float | None]], own: Table, judge: Table) -> None:
    columns = range(len(priors[0]))
    cells = [f"{_agreement(priors, table, list(columns)):.3f}" for table in (own, judge)]
    for column in columns:
        cells.append(", ".join(f"{_agreement(priors, table, [column]):.3f}" for table in (own, judge)))
    print(f"| {arm} | " + " | ".join(cells) + " |", flush=True)


def _agreement(priors: Sequence[Sequence[float | None]], table: Table, columns: list[int]) -> float:
    """Mean over marked pairs of the probability of what the author said."""
    found = [
        prior * row[column] + (1 - prior) * (1 - row[column])
        for line, row in zip(priors, table, strict=True)
        for column in columns
        if (prior := line[column]) is not None and not math.isnan(row[column])
    ]
    return sum(found) / len(found)


if __name__ == "__main__":
    main()
