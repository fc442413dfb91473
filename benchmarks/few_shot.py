"""How well elements are recognized from few drawings: across hands, in other styles and under attack.

    python benchmarks/few_shot.py DATA --out few_shot.json [--seeds 2] [--only across|comicgen|stress]
        [--undefended CHECKPOINT]

DATA holds ``elements`` (elements drawn by several illustrators, ``elements.json``) and
``characters/comicgen``. Three parts, each in one default recipe (``classifiers.train.train_classifiers``
on the embedded encoder, with style views):

* across: stories of five elements; one drawing family is left out for testing, and k = 1 to 4 drawings of
  each element, each by another hand, are learned from. Rivals on the same drawings: logistic regression on
  the frozen embedding and on 4 x 4 grids of the maps that the recipe stands on, a ResNet-18 from scratch, and
  the classical models on pixels and on hand-crafted features.
* comicgen: characters in many poses, k = 5, 10, 20 poses each, tested on poses that nobody learned from.
* stress: at k = 4 across hands, on views by renderers that nothing was trained on, and under PGD (20 steps, 3
  restarts) in L2 balls of radius 0.5, 1 and 2 on 128 px; beside the recipe without its style views, without
  its attacks, and, given a checkpoint of ``styles.embedded.train_clip`` from before its adversarial part,
  without attacks on an encoder that was never hardened either.

Figures are kept in the JSON one by one: what is there is not computed again.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from classifiers.attack import attack
from classifiers.baselines import baseline_scores
from classifiers.calibration_curve import expected_calibration_error
from classifiers.data import Example
from classifiers.evaluate import average_precision, balanced_accuracy
from classifiers.features import hand_crafted, raw_pixels
from classifiers.model import letterbox
from classifiers.resnets import FROM_SCRATCH, TrainedResNet, resnet, train_resnet
from classifiers.train import train_classifiers
from comicloss.encoder import EmbeddedEncoder
from comicloss.training import style_views
from styles.clip import load_clip
from styles.embedded.judge_renderers import JUDGE_RENDERERS

FAMILIES = {
    "fluent": ("fluent_3d", "fluent_color", "fluent_flat", "fluent_hc"),
    "openmoji": ("openmoji", "openmoji_line"),
    "emojitwo": ("emojitwo", "emojitwo_bw"),
    "noto": ("noto",),
    "twemoji": ("twemoji",),
}
ELEMENTS = 5
CLASSICAL = ("logistic regression", "LDA", "kNN", "CART", "naive Bayes", "SVM")
SLOW = "random forest"  # 3000 trees for each element, as published
RESNET_SIZE = 96
RADII = (0.5, 1.0, 2.0)
STYLES_EACH = 4
POSES_TESTED = 12
POSES_LEARNED = (5, 10, 20)


def picture(path: Path) -> Tensor:
    """(3, h, w) float in [0, 1], on white paper."""
    with Image.open(path) as image:
        drawn = image.convert("RGBA")
    paper = Image.new("RGBA", drawn.size, (255, 255, 255, 255))
    paper.alpha_composite(drawn)
    return torch.from_numpy(np.asarray(paper.convert("RGB")).copy()).permute(2, 0, 1).float() / 255


Story = tuple[list[str], list[Example], list[Example]]
"""Names of the elements, drawings to learn from, drawings to test on."""


class Normalized(nn.Module):
    """A trained ResNet with gradients to the picture: (N, 3, H, W) in [0, 1] -> logits (N, E)."""

    def __init__(self, trained: TrainedResNet) -> None:
        super().__init__()
        self.trained, self.network = trained, trained.network

    def forward(self, images: Tensor) -> Tensor:
        seen = letterbox(images, self.trained.image_size)
        logits: Tensor = self.network((seen - self.trained.mean) / self.trained.deviation)
        return logits


class Bench:
    """The encoders, and the figures so far."""

    def __init__(self, data: Path, out: Path, undefended: Path | None = None) -> None:
        self.data, self.out = data, out
        self.found: dict[str, dict[str, float]] = json.loads(out.read_text()) if out.exists() else {}
        self.predictions = out.with_suffix(".predictions.pt")
        self.kept: dict[str, tuple[Tensor, Tensor]] = (
            torch.load(self.predictions, weights_only=True) if self.predictions.exists() else {}
        )
        self.encoder, self.clip, self.views = EmbeddedEncoder(), load_clip(), style_views()
        self.undefended = None if undefended is None else unhardened(undefended)

    def keep(self, key: str, figures: Callable[[], dict[str, float]]) -> None:
        """Figures under a key, computed if they are not there."""
        if key in self.found:
            return
        start = time.perf_counter()
        self.found[key] = figures() | {"seconds": round(time.perf_counter() - start, 1)}
        print(key, {name: round(value, 3) for name, value in self.found[key].items()}, flush=True)
        self.out.write_text(json.dumps(self.found, indent=1))

    def own(
        self,
        examples: Sequence[Example],
        names: Sequence[str],
        seed: int,
        *,
        styles: bool = True,
        encoder: nn.Module | None = None,
        **options: int,
    ) -> nn.Module:
        """The default recipe's classifiers; without ``styles``, no view changes how a picture is drawn."""
        if styles:
            return train_classifiers(
                examples,
                names,
                backbone=encoder or self.encoder,
                style_views=self.views,
                seed=seed,
                **options,
            ).classifiers
        as_it_was = mock.Mock(side_effect=lambda images, generator: images)
        with mock.patch.multiple("classifiers.views", ink=as_it_was, recolor=as_it_was):
            return train_classifiers(examples, names, backbone=self.encoder, seed=seed, **options).classifiers

    def embedded(self, images: Sequence[Tensor]) -> Tensor:
        """The frozen embedding, (N, D)."""
        with torch.no_grad():
            return torch.cat([self.clip.encode_image(square(image)) for image in images])

    def grids(self, images: Sequence[Tensor]) -> Tensor:
        """4 x 4 grids of the maps that the recipe stands on, (N, D)."""
        with torch.no_grad():
            maps = torch.cat([self.encoder(square(image)) for image in images])
        return F.adaptive_avg_pool2d(maps, 4).flatten(1)

    def scratch(self, examples: Sequence[Example], names: Sequence[str], seed: int) -> nn.Module:
        """A ResNet-18 from scratch: (N, 3, H, W) -> (N, E)."""
        torch.manual_seed(seed)
        network = resnet("resnet18", None, outputs=len(names))
        return Normalized(
            train_resnet(network, examples, FROM_SCRATCH, image_size=RESNET_SIZE, exclusive=False)
        )

    def rivals(
        self,
        key: str,
        examples: Sequence[Example],
        tests: Sequence[Example],
        names: Sequence[str],
        *,
        slow: bool,
    ) -> None:
        """Everything that the recipe is compared with, on the same drawings; forests only if ``slow``."""
        train, test = [e.image for e in examples], [e.image for e in tests]
        labels, truth = torch.stack([e.labels for e in examples]), torch.stack([e.labels for e in tests])

        seen: dict[str, tuple[Tensor, Tensor]] = {}

        def classical(
            kind: str, features: Callable[[Sequence[Tensor]], Tensor], model: str
        ) -> dict[str, float]:
            if kind not in seen:
                seen[kind] = features(train), features(test)
            published = kind if kind in ("pixels", "hand-crafted") else "network"
            return figures(
                baseline_scores(seen[kind][0], labels, seen[kind][1], model, kind=published), truth
            )

        sets = {"pixels": raw_pixels, "hand-crafted": hand_crafted}
        ways = [
            ("embedding", self.embedded, "logistic regression"),
            ("grids", self.grids, "logistic regression"),
        ]
        models = (*CLASSICAL, SLOW) if slow else CLASSICAL
        ways += [(kind, features, model) for kind, features in sets.items() for model in models]
        for kind, features, model in ways:
            self.keep(f"{key}/{model} on {kind}", partial(classical, kind, features, model))

    def family_story(self, family: str, k: int, seed: int) -> tuple[list[str], list[Example], list[Example]]:
        """Five elements, k drawings of each by k other hands, and all of this family's to test on."""
        index = json.loads((self.data / "elements" / "elements.json").read_text())["elements"]
        everything = {style for styles in FAMILIES.values() for style in styles}
        complete = sorted(name for name, entry in index.items() if everything <= set(entry["sets"]))
        chance = random.Random(f"{family} {seed}")
        names = chance.sample(complete, ELEMENTS)
        hands = {name: chance.sample(sorted(set(FAMILIES) - {family}), len(FAMILIES) - 1) for name in names}
        drawn = {(name, hand): chance.choice(FAMILIES[hand]) for name in names for hand in hands[name]}

        def example(column: int, name: str, style: str) -> Example:
            image = picture(self.data / "elements" / style / f"{name}.png")
            return Example(image, torch.eye(ELEMENTS)[column], torch.ones(ELEMENTS), f"{name} {style}")

        train = [
            example(column, name, drawn[name, hand])
            for column, name in enumerate(names)
            for hand in hands[name][:k]
        ]
        test = [
            example(column, name, style) for column, name in enumerate(names) for style in FAMILIES[family]
        ]
        return names, train, test

    def cast(self, k: int, seed: int) -> Story:
        """The characters, k drawings of each, and drawings in poses that are not among those."""
        folder = self.data / "characters" / "comicgen"
        index = json.loads((folder / "index.json").read_text())
        names = sorted({entry["character"] for entry in index})
        chance = random.Random(seed)
        poses = sorted({entry["pose"] for entry in index})
        chance.shuffle(poses)
        tested = set(poses[: len(poses) // 3])
        learned, held_out = [], []
        for column, name in enumerate(names):
            own = [entry for entry in index if entry["character"] == name]
            chance.shuffle(own)
            label = torch.eye(len(names))[column]
            for group, chosen in (
                (learned, [entry for entry in own if entry["pose"] not in tested][:k]),
                (held_out, [entry for entry in own if entry["pose"] in tested][:POSES_TESTED]),
            ):
                group += [
                    Example(picture(folder / entry["file"]), label, torch.ones(len(names)), entry["file"])
                    for entry in chosen
                ]
        return names, learned, held_out


def unhardened(checkpoint: Path) -> EmbeddedEncoder:
    """The encoder with the running average that a checkpoint of its training holds."""
    encoder = EmbeddedEncoder()
    kept = load_file(checkpoint / "state.safetensors")
    average = {
        name.removeprefix("average."): value for name, value in kept.items() if name.startswith("average.")
    }
    tower = {name: average[name] for name, _ in encoder.clip.model.named_parameters()}
    encoder.clip.model.load_state_dict(tower, strict=False)
    return encoder


def square(image: Tensor, size: int = 128) -> Tensor:
    """(3, h, w) -> (1, 3, size, size) in [0, 1]."""
    return letterbox(image[None], size).clamp(0, 1)


def figures(scores: Tensor, truth: Tensor) -> dict[str, float]:
    """Mean AP and balanced accuracy over the elements; scores and truth (N, E)."""
    precisions = [average_precision(scores[:, e], truth[:, e] > 0.5) for e in range(truth.shape[1])]
    return {
        "AP": float(np.mean([p for p in precisions if p is not None])),
        "BA": float(balanced_accuracy(scores, truth, torch.ones_like(truth)) or 0),
    }


@torch.no_grad()
def answers(classifiers: nn.Module, images: Sequence[Tensor]) -> Tensor:
    """(N, E)."""
    return torch.cat([classifiers(square(image)) for image in images])


def learned(bench: Bench, key: str, story: Story, seed: int) -> None:
    """The recipe and its rivals on one story; ResNet and forests, which are slow, with the first seed."""
    names, train, test = story
    truth = torch.stack([example.labels for example in test])
    images = [example.image for example in test]

    def own() -> dict[str, float]:
        logits = answers(bench.own(train, names, seed), images)
        bench.kept[key] = (logits.sigmoid(), truth)
        torch.save(bench.kept, bench.predictions)
        return figures(logits, truth)

    bench.keep(f"{key}/own", own)
    bench.rivals(key, train, test, names, slow=seed == 0)
    if seed == 0:
        scratch = partial(bench.scratch, train, names, seed)
        bench.keep(f"{key}/ResNet-18 from scratch", lambda: figures(answers(scratch(), images), truth))


def across(bench: Bench, seeds: int) -> None:
    """k drawings by k hands, a fifth hand to test on."""
    for seed in range(seeds):
        for family in FAMILIES:
            for k in (4, 1, 2, 3):
                learned(bench, f"across/{family}/k{k}/s{seed}", bench.family_story(family, k, seed), seed)


def comicgen(bench: Bench, seeds: int) -> None:
    """Characters in poses that nobody learned from."""
    for seed in range(seeds):
        for k in POSES_LEARNED:
            learned(bench, f"comicgen/k{k}/s{seed}", bench.cast(k, seed), seed)


def stress(bench: Bench, seeds: int) -> None:
    """Other renderers, and PGD."""
    for seed in range(seeds):
        for family in FAMILIES:
            names, train, test = bench.family_story(family, 4, seed)
            own = partial(bench.own, train, names, seed)
            arms: dict[str, tuple[Callable[[], nn.Module], Sequence[float]]] = {
                "own": (own, RADII),
                "ResNet-18 from scratch": (partial(bench.scratch, train, names, seed), RADII),
                "own without style views": (partial(own, styles=False), ()),
                "own without attacks": (partial(own, rounds=0), RADII),
            }
            if bench.undefended is not None:
                plain = partial(own, rounds=0, encoder=bench.undefended)
                arms["own without attacks, encoder not hardened"] = plain, RADII
            for arm, (made, radii) in arms.items():
                bench.keep(f"stress/{family}/s{seed}/{arm}", partial(stressed, made, test, seed, radii))


def stressed(
    made: Callable[[], nn.Module], tests: Sequence[Example], seed: int, radii: Sequence[float]
) -> dict[str, float]:
    """Balanced accuracy as drawn, in unseen styles, and under attack (one drawing of each element)."""
    classifiers = made()
    truth = torch.stack([example.labels for example in tests])
    clean = torch.cat([square(example.image) for example in tests])
    found = {"clean": figures(answers(classifiers, list(clean)), truth)["BA"]}
    generator = torch.Generator().manual_seed(seed)
    names, styled, rows = list(JUDGE_RENDERERS), [], []
    for row, image in enumerate(clean):
        for number in torch.randperm(len(names), generator=generator)[:STYLES_EACH].tolist():
            styled.append(JUDGE_RENDERERS[names[number]](image[None], None, generator)[0])
            rows.append(row)
    found["styled"] = figures(answers(classifiers, styled), truth[rows])["BA"]
    first = [int(column.nonzero()[0]) for column in truth.T]
    images, labels = clean[first], truth[first]
    for radius in radii:
        worst, least = images, torch.full((len(images),), -1.0)
        for _ in range(3):
            changed = attack(
                classifiers, images, labels, torch.ones_like(labels), radius=radius, steps=20, start=generator
            )
            with torch.no_grad():
                logits = classifiers(changed)
                loss = F.binary_cross_entropy_with_logits(logits, labels, reduction="none").sum(1)
            better = loss > least
            worst = torch.where(better[:, None, None, None], changed, worst)
            least = torch.maximum(loss, least)
        found[f"PGD {radius:g}"] = figures(answers(classifiers, list(worst)), labels)["BA"]
    return found


def interval(values: Sequence[float]) -> str:
    """Mean and 95 % interval over the runs (normal, of the mean)."""
    mean, spread = float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
    return f"{mean:.3f} ± {1.96 * spread / len(values) ** 0.5:.3f}"


def tables(bench: Bench) -> None:
    """All that is there, in print."""
    for part, ks in (("across", (1, 2, 3, 4)), ("comicgen", POSES_LEARNED)):
        for k in ks:
            runs = [key for key in bench.found if key.startswith(part) and f"/k{k}/" in key]
            arms = sorted({key.rsplit("/", 1)[1] for key in runs})
            print(f"\n{part}, k = {k}")
            for arm in arms:
                values = [bench.found[key] for key in runs if key.endswith("/" + arm)]
                row = "  ".join(f"{name} {interval([v[name] for v in values])}" for name in ("AP", "BA"))
                seconds = np.mean([v["seconds"] for v in values])
                print(f"  {arm:38s} {row}  ({len(values)} runs, {seconds:.0f} s)")
    for arm in sorted({key.rsplit("/", 1)[1] for key in bench.found if key.startswith("stress")}):
        values = [v for key, v in bench.found.items() if key.startswith("stress") and key.endswith("/" + arm)]
        means = {name: float(np.mean([v[name] for v in values])) for name in values[0] if name != "seconds"}
        kept = (means["styled"] - 0.5) / max(1e-9, means["clean"] - 0.5)
        told = ", ".join(f"{name} {value:.3f}" for name, value in means.items())
        print(f"\nstress, {arm}: {told}; in other styles it keeps {kept:.0%}")
    for k in (1, 2, 3, 4):
        pairs = [pair for key, pair in bench.kept.items() if f"/k{k}/" in key]
        if pairs:
            p, y = (torch.cat([pair[n].flatten() for pair in pairs]) for n in (0, 1))
            shown, absent = p[y > 0.5], p[y < 0.5]
            balanced = torch.cat([shown.repeat_interleave(ELEMENTS - 1), absent])
            truth = torch.cat([torch.ones(len(balanced) - len(absent)), torch.zeros(len(absent))])
            error = expected_calibration_error(balanced, truth)
            print(f"calibration, k = {k}: {len(p)} predictions, ECE at balanced prevalence {error:.3f}")


def main() -> None:
    """Compute what is missing, print all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("few_shot.json"))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--only", choices=("across", "comicgen", "stress"))
    parser.add_argument("--undefended", type=Path, metavar="CHECKPOINT")
    arguments = parser.parse_args()
    bench = Bench(arguments.data, arguments.out, arguments.undefended)
    for name, part in (("across", across), ("stress", stress), ("comicgen", comicgen)):
        if arguments.only in (None, name):
            part(bench, arguments.seeds)
    tables(bench)


if __name__ == "__main__":
    main()
