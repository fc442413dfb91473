"""Trained on finished art, tested on line art: before and after upsampling.

    python benchmarks/sketch_experiment.py DATA [--quick] [--out FIGURES.json] [--plot PLOT.png]

DATA holds drawings of elements by several hands (elements/) and characters in many poses
(characters/comicgen). After A. Quan (2019), whose classifier of films read few sketches until its training
pictures had been multiplied by six changes of color.

Elements: scenes composed of color drawings by some families train the classifiers; scenes of another family's
drawings test them, in color and as line art. Characters: three of them, in color and among four others,
train; other poses test, in color and as line art. The training pictures are multiplied by none, the six, the
modern ones, and both with style views; the model (heads on the frozen encoder) sees as many pictures in all
arms, and nothing else changes them. Beside them the project's own recipe without rounds of attacks, which
makes its own views of the pictures that the first arm has. Printed: mean average precision over the elements
on both tests, and what guessing gives.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
from element_scenes import SIDE, Drawings, labeled_scene
from frozen_heads import Encoder, fit_heads, logits_of
from PIL import Image
from torch import Tensor

from classifiers.data import Example, label_matrix
from classifiers.evaluate import average_precision
from classifiers.recipe.losses import positive_weight, weighted_loss
from classifiers.train import train_classifiers
from classifiers.upsample import MODERN, SIX, Method, style_method, upsample
from comicloss.encoder import EmbeddedEncoder
from comicloss.training import style_views

matplotlib.use("Agg")
from matplotlib import pyplot as plt

NAMES = ("dragon", "castle", "cat", "ghost", "house", "horse", "rabbit", "mushroom")
CHARACTERS = ("dee", "ricky", "ringo")
OTHERS = ("ava", "bean", "ethan", "evan")
FACTOR = 7  # as published: 300 pictures to 2,100
OWN = "own recipe"
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


def character_data(data: Path, count: int, seed: int) -> dict[str, list[Example]]:
    """Three characters in two halves of their poses: some in color of one half train, the other is tested."""
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
    found["train"] = random.Random(seed).sample(found["train"], count)
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


def mean_precision(logits: Tensor, examples: Sequence[Example]) -> float:
    """Average precision, averaged over the elements."""
    labels = label_matrix(examples)[0]
    found = [average_precision(logits[:, place], labels[:, place] > 0.5) for place in range(labels.shape[1])]
    return float(np.mean([value for value in found if value is not None]))


def run_arms(
    parts: dict[str, list[Example]], names: Sequence[str], encoder: Encoder, seed: int
) -> Iterator[tuple[str, dict[str, float]]]:
    """Multiply, train, measure on both tests."""
    seen = {test: encoder.maps(parts[test]) for test in (FINISHED, LINES)}
    for arm, methods in arms().items():
        start = time.monotonic()
        grown = upsample(
            parts["train"],
            ["finished"] * len(parts["train"]),
            target=FACTOR * len(parts["train"]),
            methods=methods,
            generator=torch.Generator().manual_seed(seed),
        )
        labels, known = label_matrix(grown)
        weight = positive_weight(labels, known)
        heads = fit_heads(
            encoder.maps(grown),
            grown,
            lambda logits, labels, known, weight=weight: weighted_loss(logits, labels, known, weight),
            odds=torch.ones(len(grown)),
            seed=seed,
        )
        figures = {test: mean_precision(logits_of(heads, seen[test]), parts[test]) for test in seen}
        yield arm, {**figures, "seconds": time.monotonic() - start, "pictures": len(grown)}
    start = time.monotonic()
    classifiers = train_classifiers(
        parts["train"],
        names,
        backbone=EmbeddedEncoder(),
        style_views=style_views(),
        seed=seed,
        rounds=0,
        image_size=SIDE,
    ).classifiers
    figures = {}
    for test in seen:
        with torch.no_grad():
            logits = torch.cat([classifiers(example.image[None]) for example in parts[test]])
        figures[test] = mean_precision(logits, parts[test])
    yield OWN, {**figures, "seconds": time.monotonic() - start, "pictures": len(parts["train"])}


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
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Run the tasks and arms, print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--quick", action="store_true", help="fewer pictures, one seed")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    parser.add_argument("--plot", type=Path, help="write the plot")
    options = parser.parse_args()
    seeds, counts = (1, (60, 120)) if options.quick else (2, (60, 120))
    line_sets = ("openmoji_line",)
    tasks: dict[str, tuple[Sequence[str], Any]] = {
        f"elements, {line_set} unseen": (
            NAMES,
            lambda seed, name=line_set: element_data(options.data, name, counts, seed),
        )
        for line_set in line_sets
    }
    tasks["characters"] = (CHARACTERS, lambda seed: character_data(options.data, counts[0], seed))
    encoder = Encoder(SIDE)
    results: dict[str, dict[str, Any]] = {}
    for task, (names, make) in tasks.items():
        results[task] = {"arms": {}}
        for seed in range(seeds):
            parts = make(seed)
            results[task]["guessing"] = guessing(parts[LINES])
            for name, found in run_arms(parts, names, encoder, seed):
                results[task]["arms"].setdefault(name, []).append(found)
                print(f"{task}, {name}, seed {seed}: {found['seconds']:.0f} s", flush=True)
        sizes = ", ".join(f"{len(part)} {name}" for name, part in parts.items())
        print(f"\n{task}: {sizes}; {seeds} seeds; guessing {results[task]['guessing']:.3f}\n")
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
