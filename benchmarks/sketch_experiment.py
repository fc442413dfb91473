"""Trained on finished art, tested on line art: before and after upsampling.

    uv run python benchmarks/sketch_experiment.py DATA [--quick] [--out FIGURES.json] [--plot PLOT.png]

DATA holds drawings of elements by several hands (elements/) and characters in many poses
(characters/comicgen). After A. Quan (2019), whose classifier of films read few sketches until its training
pictures had been multiplied by six changes of color.

Elements: scenes composed of color drawings by some families train the classifiers; scenes of another family's
drawings test them, in color and as line art. Characters: three of them, in color and among four others,
train; other poses test, in color and as line art. The training pictures are multiplied (the copies in the
place of nothing: all arms see as many pictures) by none, the six, the modern ones, and both with style
views. Printed: mean average precision over the elements on both tests, and what guessing gives.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
from element_scenes import SIDE, Drawings, labeled_scene
from PIL import Image
from torch import Tensor

from classifiers.data import Example
from classifiers.evaluate import average_precision
from classifiers.model import SmallBackbone
from classifiers.recipe.fine_tune import FineTuneRecipe, fine_tune
from classifiers.upsample import MODERN, SIX, Method, style_method, upsample
from comicloss.training import style_views

matplotlib.use("Agg")
from matplotlib import pyplot as plt

NAMES = ("dragon", "castle", "cat", "ghost", "house", "horse", "rabbit", "mushroom")
CHARACTERS = ("dee", "ricky", "ringo")
OTHERS = ("ava", "bean", "ethan", "evan")
FINISHED = "in color"
LINES = "as line art"


def element_data(data: Path, line_set: str, counts: tuple[int, int], seed: int) -> dict[str, list[Example]]:
    """Scenes for training, and for the two tests, by hands that have drawn none of the training's."""
    color_set = line_set.partition("_")[0]
    families = [name for name in ("noto", "twemoji", "openmoji", "emojitwo") if name != color_set]
    sets = {"train": [*families, "fluent_color"], FINISHED: [color_set], LINES: [line_set]}
    found = {}
    for number, (part, names) in enumerate(sets.items()):
        drawings = Drawings(data, names)
        extras = sorted(set(drawings.of) - set(NAMES))
        generator = torch.Generator().manual_seed(seed * 10 + number)
        labels = (torch.rand(counts[part != "train"], len(NAMES), generator=generator) < 0.2).float()
        found[part] = [
            labeled_scene(drawings, row, NAMES, extras, f"{part} {place}", generator)
            for place, row in enumerate(labels)
        ]
    return found


def character_data(data: Path, seed: int) -> dict[str, list[Example]]:
    """Three characters in two halves of their poses: one half in color trains, the other is tested."""
    folder = data / "characters" / "comicgen"
    entries = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    poses = sorted({entry["pose"] for entry in entries})
    random.Random(seed).shuffle(poses)
    trained = set(poses[: len(poses) // 2])
    found: dict[str, list[Example]] = {"train": [], FINISHED: [], LINES: []}
    for entry in entries:
        line, held_out = entry["style"] == "line", entry["pose"] not in trained
        # Four characters have no line art: they are in the way in training only.
        if line > held_out or (held_out and entry["character"] in OTHERS):
            continue
        part = "train" if not held_out else LINES if line else FINISHED
        labels = torch.tensor([float(entry["character"] == name) for name in CHARACTERS])
        image = on_white(folder / entry["file"])
        found[part].append(Example(image, labels, torch.ones_like(labels), group=entry["file"]))
    return found


def on_white(path: Path) -> Tensor:
    """A drawing on white paper, its longer side 128: (3, h, w) in [0, 1]."""
    with Image.open(path) as image:
        drawing = image.convert("RGBA")
    sheet = Image.new("RGBA", drawing.size, "white")
    sheet.alpha_composite(drawing)
    sheet.thumbnail((128, 128), Image.Resampling.LANCZOS)
    pixels = torch.from_numpy(np.asarray(sheet.convert("RGB")).copy())
    return pixels.permute(2, 0, 1).float() / 255


def arms() -> dict[str, tuple[Method, ...]]:
    """By what the training pictures are multiplied."""
    style = style_method(style_views())
    return {
        "none": (),
        "the six": SIX,
        "modern": MODERN,
        "six, modern and style views": (*SIX, *MODERN, style, style),
    }


def mean_precision(classifiers: torch.nn.Module, examples: Sequence[Example]) -> float:
    """Average precision, averaged over the elements."""
    logits = []
    with torch.no_grad():
        for example in examples:
            logits.append(classifiers(example.image[None]))
    scores, labels = torch.cat(logits), torch.stack([example.labels for example in examples])
    found = [average_precision(scores[:, place], labels[:, place] > 0.5) for place in range(labels.shape[1])]
    return float(np.mean([value for value in found if value is not None]))


def run_arm(
    parts: dict[str, list[Example]],
    names: Sequence[str],
    methods: Sequence[Method],
    steps: int,
    factor: int,
    seed: int,
) -> dict[str, float]:
    """Multiply, train for so many steps, measure on both tests."""
    start = time.monotonic()
    grown = upsample(
        parts["train"],
        ["finished"] * len(parts["train"]),
        target=factor * len(parts["train"]),
        methods=methods,
        generator=torch.Generator().manual_seed(seed),
    )
    batches = max(1, len(grown) * 4 // 5 // 16)
    recipe = FineTuneRecipe(
        probe=False,
        epochs=max(2, round(steps / batches)),
        rate=4e-3,
        lowest_rate=0.5,
        sizes=(SIDE,),
        recolored=False,
        patience=999,
    )
    torch.manual_seed(seed)
    tuned = fine_tune(grown, names, SmallBackbone(), recipe, seed=seed)
    figures = {test: mean_precision(tuned.classifiers, parts[test]) for test in (FINISHED, LINES)}
    return {**figures, "seconds": time.monotonic() - start, "pictures": len(grown)}


def guessing(examples: Sequence[Example]) -> float:
    """The prevalence: the average precision of a guess."""
    return float(torch.stack([example.labels for example in examples]).mean())


def plot(results: dict[str, dict[str, Any]], path: Path) -> None:
    """Before and after, on both tests of each task."""
    figure, panels = plt.subplots(
        1, len(results), figsize=(6 * len(results), 4.5), layout="constrained", squeeze=False
    )
    for panel, (task, found) in zip(panels[0], results.items(), strict=True):
        places = np.arange(len(found["arms"]))
        for shift, (test, color) in enumerate(((FINISHED, "#e8a33d"), (LINES, "#333333"))):
            runs = [[run[test] for run in arm] for arm in found["arms"].values()]
            means, spread = [np.mean(values) for values in runs], [np.std(values) for values in runs]
            panel.bar(
                places + (shift - 0.5) * 0.38, means, 0.36, yerr=spread, color=color, label=f"tested {test}"
            )
        panel.axhline(found["guessing"], color="#999999", linestyle="--", label="guessing")
        panel.set_xticks(places, [name.replace(" and", "\nand") for name in found["arms"]])
        panel.set(
            ylim=(0, 1.02),
            title=task,
            ylabel="mean average precision",
            xlabel="training pictures multiplied by",
        )
        panel.legend(loc="lower right")
    figure.savefig(path, dpi=110)


def main() -> None:
    """Run the tasks and arms, print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--quick", action="store_true", help="fewer pictures and steps, one seed, one family")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    parser.add_argument("--plot", type=Path, help="write the plot")
    options = parser.parse_args()
    seeds, steps, factor, counts = (1, 150, 5, (120, 200)) if options.quick else (3, 600, 7, (400, 400))
    tasks: dict[str, tuple[Sequence[str], Any]] = {
        f"elements, {line_set} unseen": (
            NAMES,
            lambda seed, name=line_set: element_data(options.data, name, counts, seed),
        )
        for line_set in (("openmoji_line",) if options.quick else ("openmoji_line", "emojitwo_bw"))
    }
    tasks["characters"] = (CHARACTERS, lambda seed: character_data(options.data, seed))
    results: dict[str, dict[str, Any]] = {}
    for task, (names, make) in tasks.items():
        results[task] = {"arms": {name: [] for name in arms()}}
        for seed in range(seeds):
            parts = make(seed)
            results[task]["guessing"] = guessing(parts[LINES])
            for name, methods in arms().items():
                found = run_arm(parts, names, methods, steps, factor, seed)
                results[task]["arms"][name].append(found)
                print(f"{task}, {name}, seed {seed}: {found['seconds']:.0f} s", flush=True)
        print(f"\n{task}: {len(parts['train'])} pictures before; guessing {results[task]['guessing']:.3f}\n")
        print(f"| multiplied by | AP {FINISHED} | AP {LINES} |")
        print("|---|---|---|")
        for name, runs in results[task]["arms"].items():
            cells = [
                f"{np.mean([run[test] for run in runs]):.3f} ± {np.std([run[test] for run in runs]):.3f}"
                for test in (FINISHED, LINES)
            ]
            print(f"| {name} | {cells[0]} | {cells[1]} |")
        print()
    if options.out:
        options.out.write_text(json.dumps(results, indent=2), encoding="utf-8")
    if options.plot:
        plot(results, options.plot)


if __name__ == "__main__":
    main()
