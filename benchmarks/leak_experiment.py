"""The 99 % that was not real: one model, frames of scenes split at random and split by scene.

    python benchmarks/leak_experiment.py DATA [--quick] [--out FOLDER]

DATA/comics/peppercarrot holds pages and panels.json:
{"panels": [{"page", "box", "present", "unsure"}, ...]}.
Each panel is a scene: a slow pan and zoom over it gives its frames. A random split puts frames of one scene
on both sides, and any model remembers them. Models are identical in both arms; only the split differs. Writes
leak_experiment.json and leak_experiment.png.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from matplotlib.figure import Figure
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from classifiers.curate import simple_features
from classifiers.data import Example
from classifiers.features import network_features
from classifiers.pixels import as_pixels
from classifiers.split import leaks, split_scenes
from pages.read import load_rgb
from styles.clip import ClipEncoder, load_clip

SIDE = 160
FRAMES = 6
FEWEST = 8  # panels with and without an element
SHARE = 0.25

Model = Callable[[list[Example], list[Example], list[str], int], np.ndarray]


def scenes(folder: Path, frames: int) -> tuple[list[Example], list[str]]:
    """Frames of every panel, and the elements that can be measured."""
    index = json.loads((folder / "panels.json").read_text())
    panels = [panel for panel in index["panels"] if not panel["unsure"]]
    counts = {name: sum(name in panel["present"] for panel in panels) for name in index["characters"]}
    names = [name for name, count in counts.items() if FEWEST <= count <= len(panels) - FEWEST]
    rng = np.random.default_rng(0)
    pages: dict[str, np.ndarray] = {}
    examples = []
    for number, panel in enumerate(panels):
        page = pages.setdefault(panel["page"], load_rgb(folder / panel["page"]))
        left, top, right, bottom = panel["box"]
        whole = page[top:bottom, left:right]
        labels = torch.tensor([float(name in panel["present"]) for name in names])
        for view in filmed(whole, frames, rng):
            image = torch.from_numpy(view).permute(2, 0, 1).float() / 255
            examples.append(Example(image, labels, torch.ones(len(names)), f"panel {number}"))
    return examples, names


def filmed(panel: np.ndarray, frames: int, rng: np.random.Generator) -> list[np.ndarray]:
    """A pan and zoom over a panel, with a little flicker and noise."""
    height, width = panel.shape[:2]
    zoom = rng.uniform(0.82, 0.95, 2)
    start, end = rng.uniform(0, 1, (2, 2))
    views = []
    for step in np.linspace(0, 1, frames):
        share = zoom[0] + (zoom[1] - zoom[0]) * step
        x, y = (start + (end - start) * step) * (1 - share)
        box = np.round(np.array([x * width, y * height, share * width, share * height])).astype(int)
        view = panel[box[1] : box[1] + box[3], box[0] : box[0] + box[2]]
        scale = SIDE / max(view.shape[:2])
        size = max(round(view.shape[1] * scale), 8), max(round(view.shape[0] * scale), 8)
        view = cv2.resize(view, size, interpolation=cv2.INTER_AREA).astype(np.float64)
        view = view * rng.uniform(0.95, 1.05) + rng.normal(0, 3, view.shape)
        views.append(view.clip(0, 255).round().astype(np.uint8))
    return views


def classical(make: Callable[[int], Any]) -> Model:
    """One scikit-learn model for each element, on a thumbnail and a color histogram."""

    def predict(train: list[Example], test: list[Example], names: list[str], seed: int) -> np.ndarray:
        known = simple_features([as_pixels(example.image) for example in train])
        asked = simple_features([as_pixels(example.image) for example in test])
        columns = []
        for element in range(len(names)):
            labels = np.array([float(example.labels[element]) > 0.5 for example in train])
            columns.append(make_pipeline(StandardScaler(), make(seed)).fit(known, labels).predict(asked))
        return np.stack(columns, axis=1)

    return predict


def embedded(clip: ClipEncoder) -> Model:
    """Logistic regression for each element on the features of the embedded network."""

    def look(examples: list[Example]) -> np.ndarray:
        images = [example.image for example in examples]
        return network_features(clip.encode_image, images, image_size=clip.image_size).numpy()

    def predict(train: list[Example], test: list[Example], names: list[str], seed: int) -> np.ndarray:
        known, asked = look(train), look(test)
        columns = []
        for element in range(len(names)):
            labels = np.array([float(example.labels[element]) > 0.5 for example in train])
            model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
            columns.append(model.fit(known, labels).predict(asked))
        return np.stack(columns, axis=1)

    return predict


def accuracy(model: Model, examples: list[Example], split: Any, names: list[str], seed: int) -> float:
    """Mean balanced accuracy over the elements that the held-out part has both sides of."""
    train, test = ([examples[index] for index in part] for part in split)
    told = model(train, test, names, seed)
    truth = np.stack([example.labels.numpy() > 0.5 for example in test])
    both = [element for element in range(len(names)) if 0 < truth[:, element].mean() < 1]
    return float(np.mean([balanced_accuracy_score(truth[:, e], told[:, e]) for e in both]))


def at_random(examples: list[Example], share: float, seed: int) -> tuple[list[int], list[int]]:
    """The split that leaks."""
    order = np.random.default_rng(seed).permutation(len(examples)).tolist()
    count = round(share * len(examples))
    return order[count:], order[:count]


def drawing(figures: dict[str, Any], path: Path) -> None:
    """Both arms of every model, seed by seed."""
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes = figure.subplots()
    for place, arms in enumerate(figures["balanced_accuracy"].values()):
        for shift, (arm, color) in enumerate((("random", "#c96f4a"), ("grouped", "#2f6f8f"))):
            values = 100 * np.array(arms[arm])
            where = place + (shift - 0.5) * 0.36
            label = f"split {'at random' if arm == 'random' else 'by scene'}" if not place else None
            axes.bar(where, values.mean(), 0.34, color=color, alpha=0.85, label=label)
            axes.plot(np.full(len(values), where), values, "o", color="#222", ms=3)
            axes.annotate(f"{values.mean():.0f}", (where, 101), ha="center", va="bottom", fontsize=9)
    axes.axhline(50, color="#888", lw=1, ls=":")
    axes.annotate("chance", (0.5, 51), color="#666", fontsize=8, ha="center")
    axes.set_xticks(range(len(figures["balanced_accuracy"])), list(figures["balanced_accuracy"]))
    axes.set_ylim(0, 110)
    axes.set_ylabel("balanced accuracy on held-out frames, %")
    axes.set_title("The same models on the same frames; only the split differs", loc="left", fontsize=11)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)


def main() -> None:
    """Print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("data", type=Path)
    arguments.add_argument("--quick", action="store_true", help="two seeds, simple features only")
    arguments.add_argument("--out", type=Path, default=Path())
    chosen = arguments.parse_args()
    examples, names = scenes(chosen.data / "comics" / "peppercarrot", 5 if chosen.quick else FRAMES)
    models: dict[str, Model] = {
        "logistic regression": classical(lambda seed: LogisticRegression(C=0.1, max_iter=500)),
        "nearest neighbor": classical(lambda seed: KNeighborsClassifier(1)),
        "random forest": classical(lambda seed: RandomForestClassifier(200, random_state=seed)),
    }
    if not chosen.quick:
        models["on a network's features"] = embedded(load_clip())
    figures: dict[str, Any] = {
        "elements": names,
        "frames": len(examples),
        "balanced_accuracy": {},
        "leaks": {},
    }
    figures["scenes"] = len({example.group for example in examples})
    for seed in range(2 if chosen.quick else 5):
        splits = {
            "random": at_random(examples, SHARE, seed),
            "grouped": split_scenes(examples, SHARE, seed=seed),
        }
        for arm, split in splits.items():
            figures["leaks"].setdefault(arm, []).append(len(leaks(examples, split)))
            for name, model in models.items():
                found = accuracy(model, examples, split, names, seed)
                figures["balanced_accuracy"].setdefault(name, {}).setdefault(arm, []).append(round(found, 4))
    print(f"{figures['frames']} frames of {figures['scenes']} scenes; elements: {', '.join(names)}")
    for name, arms in figures["balanced_accuracy"].items():
        print(f"{name:24s} random {np.mean(arms['random']):.3f}   grouped {np.mean(arms['grouped']):.3f}")
    print(
        f"pairs across the split: random {figures['leaks']['random']}, grouped {figures['leaks']['grouped']}"
    )
    chosen.out.mkdir(parents=True, exist_ok=True)
    (chosen.out / "leak_experiment.json").write_text(json.dumps(figures, indent=1))
    drawing(figures, chosen.out / "leak_experiment.png")


if __name__ == "__main__":
    main()
