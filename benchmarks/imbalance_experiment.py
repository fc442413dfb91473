"""What does accuracy say when most labels are rare? And what helps?

    python benchmarks/imbalance_experiment.py DATA [--quick] [--out FIGURES.json] [--plot PLOT.png]

DATA holds the drawings (elements/). A published classifier of comic book covers had 16 labels of one team on
12,445 covers, 4,939 of the most frequent and 209 of the rarest, 95 % accuracy, and a precision that its
author calls garbage. Here 16 elements are composed into pictures with those shares, log-spaced between the
two ends, and heads on the frozen encoder are trained by each recipe. A fifth of the training's pictures is
kept out of it to choose thresholds on.

Printed for each: accuracy beside that of a classifier that always says no, macro precision, recall, F1, F2
and average precision over the labels, at the thresholds .5, .2 (fast.ai's) and the best for F2 on held-out
pictures of the training; and how closely a label's accuracy follows its rarity.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
from element_scenes import SIDE, Drawings, labeled_scene
from frozen_heads import Encoder, Loss, fit_heads, logits_of
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score, fbeta_score, precision_score, recall_score
from torch import Tensor

from classifiers.data import Example, label_matrix
from classifiers.recipe.losses import asymmetric_loss, positive_weight, weighted_loss

matplotlib.use("Agg")
from matplotlib import pyplot as plt

PUBLISHED_PICTURES, MOST, LEAST = 12_445, 4_939, 209
NAMES = (
    "dragon", "princess", "castle", "cat", "dog", "house", "horse", "ghost",
    "rabbit", "bear", "crown", "key", "fox", "lion", "robot", "mushroom",
)  # fmt: skip
SETS = ("noto", "twemoji", "fluent_flat")
RECIPES = ("plain", "pos_weight", "balanced sampling", "asymmetric loss")
HELD_OUT = 0.2


def label_shares() -> Tensor:
    """(16,) shares of the pictures that show each label, from the published most to the published least."""
    counts = torch.logspace(np.log10(MOST), np.log10(LEAST), len(NAMES))
    return counts / PUBLISHED_PICTURES


def pictures(drawings: Drawings, count: int, generator: torch.Generator) -> list[Example]:
    """Scenes in which each label is shown exactly as often as its share says."""
    labels = torch.zeros(count, len(NAMES))
    for column, share in enumerate(label_shares().tolist()):
        labels[torch.randperm(count, generator=generator)[: max(2, round(share * count))], column] = 1
    extras = sorted(set(drawings.of) - set(NAMES))
    return [
        labeled_scene(drawings, row, NAMES, extras, f"scene {number}", generator)
        for number, row in enumerate(labels)
    ]


def best_thresholds(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """For each label the threshold with the highest F2."""
    grid = np.linspace(0.02, 0.98, 49)
    return np.array(
        [
            max(grid, key=lambda t: fbeta_score(truth, told >= t, beta=2, zero_division=0))
            for told, truth in zip(probabilities.T, labels.T, strict=True)
        ]
    )


def figures(probabilities: np.ndarray, labels: np.ndarray, thresholds: np.ndarray | float) -> dict[str, Any]:
    """Macro figures over the labels, and accuracy by label."""
    said = probabilities >= thresholds
    options: dict[str, Any] = {"average": "macro", "zero_division": 0}
    accuracy = (said == labels).mean(axis=0)
    always_no = 1 - labels.mean(axis=0)
    return {
        "accuracy": float(accuracy.mean()),
        "always_no": float(always_no.mean()),
        "follows_rarity": float(spearmanr(accuracy, always_no).statistic),
        "precision": float(precision_score(labels, said, **options)),
        "recall": float(recall_score(labels, said, **options)),
        "F1": float(fbeta_score(labels, said, beta=1, **options)),
        "F2": float(fbeta_score(labels, said, beta=2, **options)),
        "AP": float(average_precision_score(labels, probabilities, average="macro")),
        "accuracy_by_label": accuracy.tolist(),
        "always_no_by_label": always_no.tolist(),
        "AP_by_label": average_precision_score(labels, probabilities, average=None).tolist(),
    }


def loss_of(recipe: str, labels: Tensor) -> Loss:
    """What the recipe minimizes."""
    if recipe == "asymmetric loss":
        return asymmetric_loss
    weight = torch.ones(labels.shape[1])
    if recipe == "pos_weight":
        weight = positive_weight(labels, torch.ones_like(labels))
    return lambda logits, labels, known: weighted_loss(logits, labels, known, weight)


def odds_of(recipe: str, labels: Tensor) -> Tensor:
    """(N,) odds of drawing each picture: all alike, or by how rare its rarest label is."""
    if recipe != "balanced sampling":
        return torch.ones(len(labels))
    return (labels / labels.sum(dim=0).clamp_min(1)).amax(dim=1).clamp_min(1 / len(labels))


def run_arms(train: list[Example], test: list[Example], encoder: Encoder, seed: int) -> dict[str, Any]:
    """Train by each recipe and measure it at the three thresholds."""
    kept = round(HELD_OUT * len(train))
    held_out, fitted = train[:kept], train[kept:]
    seen, seen_held_out, seen_test = (encoder.maps(part) for part in (fitted, held_out, test))
    labels, truth, truth_held_out = (label_matrix(part)[0] for part in (fitted, test, held_out))
    found = {}
    for recipe in RECIPES:
        start = time.monotonic()
        heads = fit_heads(seen, fitted, loss_of(recipe, labels), odds=odds_of(recipe, labels), seed=seed)
        seconds = time.monotonic() - start
        told = logits_of(heads, seen_test).sigmoid().numpy()
        told_held_out = logits_of(heads, seen_held_out).sigmoid().numpy()
        tuned = best_thresholds(told_held_out, truth_held_out.numpy() > 0.5)
        shown = truth.numpy() > 0.5
        at = {".5": 0.5, ".2": 0.2, "best": tuned}
        found[recipe] = {name: figures(told, shown, threshold) for name, threshold in at.items()}
        found[recipe]["seconds"] = seconds
    return found


COLUMNS = ("accuracy", "always_no", "follows_rarity", "precision", "recall", "F1", "F2", "AP")


def mean_of(runs: Sequence[dict[str, Any]], threshold: str, figure: str) -> tuple[float, float]:
    """Mean and standard deviation over the seeds."""
    values = [run[threshold][figure] for run in runs]
    return float(np.mean(values)), float(np.std(values))


def plot(results: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """Accuracy and average precision by label, and what each recipe does."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5.4), layout="constrained")
    first = results["plain"]
    places = np.arange(len(NAMES))
    by_label = {
        key: np.mean([run[".5"][key] for run in first], axis=0)
        for key in ("accuracy_by_label", "always_no_by_label", "AP_by_label")
    }
    left.bar(places, by_label["AP_by_label"], color="#e8a33d", label="average precision")
    left.plot(places, by_label["accuracy_by_label"], "o-", color="#2b5d8a", label="accuracy")
    left.plot(places, by_label["always_no_by_label"], "--", color="#555555", label="accuracy of always no")
    left.set_xticks(places, NAMES, rotation=60, ha="right")
    left.set(ylim=(0, 1.02), title="Plain training: accuracy only mirrors rarity", xlabel="frequent → rare")
    left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.3), ncols=3, frameon=False)
    kinds = [
        (".5", "F2", "#9bb7d4"),
        (".2", "F2", "#5b8db8"),
        ("best", "F2", "#2b5d8a"),
        (".5", "AP", "#e8a33d"),
    ]
    names = {".5": "F2 at .5", ".2": "F2 at .2", "best": "F2, best threshold"}
    for shift, (threshold, key, color) in enumerate(kinds):
        means = [mean_of(runs, threshold, key)[0] for runs in results.values()]
        label = names[threshold] if key == "F2" else "average precision"
        right.bar(np.arange(len(results)) + (shift - 1.5) * 0.2, means, 0.19, color=color, label=label)
    right.set_xticks(range(len(results)), list(results))
    right.set(ylim=(0, 1.02), title="What helps (macro over 16 labels)")
    right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.3), ncols=4, frameon=False)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Run the recipes, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--quick", action="store_true", help="fewer pictures, one seed")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    parser.add_argument("--plot", type=Path, help="write the plot")
    options = parser.parse_args()
    count, seeds = (500, 1) if options.quick else (1000, 2)
    drawings = Drawings(options.data, SETS)
    encoder = Encoder(SIDE)
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in RECIPES}
    for seed in range(seeds):
        train = pictures(drawings, count, torch.Generator().manual_seed(seed))
        test = pictures(drawings, 600, torch.Generator().manual_seed(1000 + seed))
        for name, found in run_arms(train, test, encoder, seed).items():
            results[name].append(found)
            print(f"{name}, seed {seed}: {found['seconds']:.0f} s", flush=True)
    shares = label_shares()
    print(
        f"\n{count} pictures, 16 labels, {shares[0]:.1%} to {shares[-1]:.1%} of the pictures; {seeds} seeds\n"
    )
    print("| recipe | threshold | " + " | ".join(column.replace("_", " ") for column in COLUMNS) + " |")
    print("|---" * (2 + len(COLUMNS)) + "|")
    for name, runs in results.items():
        for threshold in (".5", ".2", "best"):
            cells = [
                f"{mean:.3f}" + (f" ± {spread:.3f}" if seeds > 1 else "")
                for mean, spread in (mean_of(runs, threshold, column) for column in COLUMNS)
            ]
            print(f"| {name} | {threshold} | " + " | ".join(cells) + " |")
    if options.out:
        options.out.write_text(
            json.dumps({"pictures": count, "results": results}, indent=2), encoding="utf-8"
        )
    if options.plot:
        plot(results, options.plot)


if __name__ == "__main__":
    main()
