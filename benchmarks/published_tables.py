"""The published tables on other pictures: what agrees with the order that they state, and what does not.

The tables are those of Anh Quan's study of anime faces: hand-crafted features, the features of a network and
fine-tuned ResNets, on 7 characters of high resolution and on 173 of low. Here: 7 story elements, each family
of illustrators held out in turn; all of them, one family held out; and the characters of comicgen, a fifth of
the poses held out. What is compared is the order, never the digits.

Published hyperparameters, but for the size of the forests: 3000 trees on 7 elements (500 on a network's
features), as published; 300 on the larger tables. The ResNets start from nothing, unless weights are given,
and see 64 pixels for 15 epochs. The project's own classifiers are trained without rounds of attacks, on 7
elements alone unless asked for.

    python benchmarks/published_tables.py /path/to/data --quick
    python benchmarks/published_tables.py /path/to/data --tables seven --out tables.json
    python benchmarks/published_tables.py /path/to/data --networks resnet18 resnet50 comicloss
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean

import numpy as np
import torch
from PIL import Image
from scipy.stats import kendalltau

from classifiers import baselines
from classifiers.baselines import MODELS
from classifiers.comparison import Comparison, Fitted, WholeModel, compare, to_json
from classifiers.data import Example
from classifiers.train import train_classifiers
from comicloss.comparing import (
    OWN,
    CompareSettings,
    feature_sets,
    load_trunks,
    resnet_model,
    write_comparison,
)
from comicloss.encoder import EmbeddedEncoder
from comicloss.training import style_views
from pages.progress import Progress, Stop
from styles.clip import load_clip

FAMILIES = {
    "noto": ("noto",),
    "twemoji": ("twemoji",),
    "openmoji": ("openmoji", "openmoji_line"),
    "emojitwo": ("emojitwo", "emojitwo_bw"),
    "fluent": ("fluent_3d", "fluent_color", "fluent_flat", "fluent_hc"),
}
SEVEN = ("princess", "prince", "dragon", "unicorn", "castle", "ghost", "crown")
HAND_CRAFTED, FROZEN, END_TO_END, PIXELS = "hand-crafted", "network's features", "network", "pixels"

# Test accuracy, in the order of MODELS: on the study's own 7 characters, and on Nagadomi's 173. Of raw pixels
# it says only that they did poorly; its fine-tuned ResNets, on the 7, had 96.9 to 98.7 %.
PUBLISHED = {
    "own": {
        HAND_CRAFTED: (0.756, 0.420, 0.563, 0.605, 0.748, 0.513, 0.782),
        FROZEN: (0.941, 0.765, 0.832, 0.563, 0.882, 0.824, 0.908),
    },
    "whole": {
        HAND_CRAFTED: (0.339, 0.282, 0.269, 0.222, 0.549, 0.134, 0.393),
        FROZEN: (0.710, 0.751, 0.414, 0.126, 0.510, 0.482, 0.679),
    },
}

AS_PUBLISHED = baselines.PUBLISHED
TREES = {"seven": None, "all": 300, "comicgen": 300}
HELD_OUT = {"seven": tuple(FAMILIES), "all": ("openmoji",)}

Split = tuple[str, list[Example], list[Example]]


def picture(file: Path) -> torch.Tensor:
    """A drawing of the data folder on white paper: (3, h, w) in [0, 1]."""
    drawing = Image.open(file).convert("RGBA")
    paper = Image.new("RGBA", drawing.size, "white")
    paper.alpha_composite(drawing)
    return torch.from_numpy(np.array(paper.convert("RGB"))).permute(2, 0, 1).float() / 255


def one_of(names: Sequence[str], name: str, file: Path, group: str) -> Example:
    labels = torch.tensor([float(name == other) for other in names])
    return Example(picture(file), labels, torch.ones(len(names)), group)


def element_names(data: Path) -> list[str]:
    """The elements that every set has drawn."""
    known = json.loads((data / "elements" / "elements.json").read_text(encoding="utf-8"))["elements"]
    sets = {name for family in FAMILIES.values() for name in family}
    return sorted(name for name, entry in known.items() if sets <= set(entry["sets"]))


def element_splits(data: Path, names: Sequence[str], held_out: Sequence[str]) -> Iterator[Split]:
    """One split for each family: all its drawings are the test."""
    drawn = {
        family: [
            one_of(names, name, data / "elements" / one / f"{name}.png", family)
            for one in sets
            for name in names
        ]
        for family, sets in FAMILIES.items()
    }
    for family in held_out:
        others = [example for other, examples in drawn.items() if other != family for example in examples]
        yield family, others, drawn[family]


def comicgen_splits(data: Path, each: int | None) -> Iterator[Split]:
    """One split: every fifth pose is the test; at most so many drawings of each character in each style."""
    folder = data / "characters" / "comicgen"
    entries = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    names = sorted({entry["character"] for entry in entries})
    held_out = set(sorted({entry["pose"] for entry in entries})[::5])
    parts: tuple[list[Example], list[Example]] = ([], [])
    taken: dict[tuple[str, str], int] = {}
    for entry in entries:
        kind = (entry["character"], entry["style"])
        taken[kind] = taken.get(kind, 0) + 1
        if each is None or taken[kind] <= each:
            example = one_of(names, entry["character"], folder / entry["file"], entry["pose"])
            parts[entry["pose"] in held_out].append(example)
    yield "every fifth pose", *parts


def means(comparisons: Sequence[Comparison]) -> dict[tuple[str, str], float]:
    """(features, model) -> test accuracy, averaged over the splits; cells that failed are left out."""
    found: dict[tuple[str, str], list[float]] = {}
    for comparison in comparisons:
        for cell in comparison.cells:
            if cell.test is not None:
                found.setdefault((cell.features, cell.model), []).append(cell.test)
    return {name: mean(values) for name, values in found.items()}


def findings(found: Mapping[tuple[str, str], float], published: Mapping[str, Sequence[float]]) -> list[dict]:
    """Each statement of the published tables, and whether it holds here."""
    kinds = {PIXELS: "pixels", HAND_CRAFTED: "hand-crafted", FROZEN: "embedded"}
    here = {
        kind: {model: found[features, model] for model in MODELS if (features, model) in found}
        for kind, features in kinds.items()
    }
    here[END_TO_END] = {
        model: share for (features, model), share in found.items() if not features and model != OWN
    }
    best = {kind: max(shares.values()) for kind, shares in here.items() if shares}
    told = []
    for better, worse in ((END_TO_END, FROZEN), (FROZEN, HAND_CRAFTED), (HAND_CRAFTED, PIXELS)):
        if better in best and worse in best:
            figures = f"best {100 * best[better]:.1f} % and {100 * best[worse]:.1f} %"
            told.append(_finding(f"{better} > {worse}", best[better] > best[worse], figures))
    for kind, shares in published.items():
        if len(here[kind]) < len(MODELS):
            continue
        stated = dict(zip(MODELS, shares, strict=True))
        leader, top = max(stated, key=stated.__getitem__), max(here[kind].values())
        ours = [model for model, share in here[kind].items() if share == top]
        figures = f"here {' and '.join(ours)} with {100 * top:.1f} %, it has {100 * here[kind][leader]:.1f} %"
        told.append(_finding(f"on {kind}, {leader} leads", leader in ours, figures))
        tau = kendalltau(
            [stated[model] for model in MODELS], [here[kind][model] for model in MODELS]
        ).statistic
        told.append(
            _finding(
                f"on {kind}, the seven models in this order", bool(tau > 0.5), f"Kendall's tau {tau:+.2f}"
            )
        )
    if len(here[FROZEN]) == len(here[HAND_CRAFTED]) == len(MODELS):
        for model, frozen, crafted in zip(MODELS, published[FROZEN], published[HAND_CRAFTED], strict=True):
            ours_frozen, ours_crafted = here[FROZEN][model], here[HAND_CRAFTED][model]
            sign = ">" if frozen > crafted else "<"
            told.append(
                _finding(
                    f"{model}: {FROZEN} {sign} {HAND_CRAFTED}",
                    (ours_frozen > ours_crafted) == (frozen > crafted),
                    f"{100 * ours_frozen:.1f} % and {100 * ours_crafted:.1f} %",
                )
            )
    return told


def _finding(published: str, agrees: bool, here: str) -> dict:
    return {"published": published, "agrees": agrees, "here": here}


def own_model(names: Sequence[str]) -> WholeModel:
    """The project's classifiers, undefended: rounds of attacks take longest and serve another end."""

    def fit(examples: Sequence[Example], exclusive: bool, progress: Progress, stop: Stop) -> Fitted:
        classifiers = train_classifiers(
            examples, names, backbone=EmbeddedEncoder(), style_views=style_views(), seed=0, rounds=0
        ).classifiers

        @torch.no_grad()
        def look(images: Sequence[torch.Tensor]) -> torch.Tensor:
            return torch.cat([classifiers(image[None].float()) for image in images])

        return look

    return WholeModel(OWN, fit, note="without rounds of attacks")


def limit_forests(trees: int | None) -> None:
    """Forests of at most so many trees."""
    baselines.PUBLISHED = {
        kind: replace(published, trees=min(published.trees, trees or published.trees))
        for kind, published in AS_PUBLISHED.items()
    }


def main() -> None:
    """Run the tables and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with elements/ and characters/comicgen/")
    parser.add_argument("--quick", action="store_true", help="7 elements and a few drawings; no large table")
    parser.add_argument("--tables", nargs="+", choices=["seven", "all", "comicgen"], help="only these")
    parser.add_argument("--families", nargs="+", choices=list(FAMILIES), help="those held out in turn")
    parser.add_argument(
        "--networks",
        nargs="*",
        help="resnet18, resnet34, resnet50, resnet101, comicloss (resnet18, and comicloss on 7 elements)",
    )
    parser.add_argument("--weights", help="file or folder of the ResNets' weights, or torchvision")
    parser.add_argument("--epochs", type=int, default=15, help="of the ResNets (15)")
    parser.add_argument("--size", type=int, default=64, help="of what the ResNets see, in pixels (64)")
    parser.add_argument("--trees", type=int, help="at most so many in each forest, in all tables")
    parser.add_argument("--plots", type=Path, help="a folder for each table's Markdown, CSV and plot")
    parser.add_argument("--out", type=Path, help="a JSON file for the figures")
    arguments = parser.parse_args()

    data = arguments.data
    held_out = {
        table: arguments.families or (("noto",) if arguments.quick else families)
        for table, families in HELD_OUT.items()
    }
    tables: dict[str, tuple[str, Sequence[str], Callable[[], Iterator[Split]]]] = {}
    everything = element_names(data)
    characters = sorted(
        {
            entry["character"]
            for entry in json.loads(
                (data / "characters" / "comicgen" / "index.json").read_text(encoding="utf-8")
            )
        }
    )
    tables["seven"] = ("own", SEVEN, lambda: element_splits(data, SEVEN, held_out["seven"]))
    tables["all"] = ("whole", everything, lambda: element_splits(data, everything, held_out["all"]))
    each = 12 if arguments.quick else None
    tables["comicgen"] = ("own", characters, lambda: comicgen_splits(data, each))
    chosen = arguments.tables or (["seven", "comicgen"] if arguments.quick else list(tables))

    clip = load_clip()
    asked = arguments.networks
    resnets = ("resnet18",) if asked is None else tuple(name for name in asked if name != OWN)
    trunks = load_trunks(CompareSettings(networks=resnets, weights=arguments.weights))
    record = {}
    for table in chosen:
        published, names, splits = tables[table]
        trees = arguments.trees or TREES[table]
        limit_forests(trees)
        networks = ["resnet18", *([OWN] if table == "seven" else [])] if asked is None else asked
        whole = [
            own_model(names)
            if name == OWN
            else resnet_model(
                name,
                len(names),
                trunks.get(name),
                epochs=arguments.epochs,
                image_size=arguments.size,
                seed=0,
            )
            for name in networks
        ]
        comparisons = {}
        for held, train, test in splits():
            comparisons[held] = compare(
                train,
                test,
                names,
                feature_sets=feature_sets(CompareSettings(), clip, trunks),
                whole_models=whole,
            )
            if arguments.plots:
                write_comparison(comparisons[held], arguments.plots / f"{table}-{held.replace(' ', '-')}")
        found = means(list(comparisons.values()))
        told = findings(found, PUBLISHED[published])
        show(table, names, comparisons, found, told)
        record[table] = {
            "trees_at_most": trees,
            "mean_test_accuracy": [[*name, share] for name, share in found.items()],
            "splits": {held: to_json(comparison) for held, comparison in comparisons.items()},
            "findings": told,
        }
    if arguments.out:
        arguments.out.write_text(json.dumps(record, indent=1, ensure_ascii=False), encoding="utf-8")


def show(
    table: str,
    names: Sequence[str],
    comparisons: Mapping[str, Comparison],
    found: Mapping[tuple[str, str], float],
    told: Sequence[dict],
) -> None:
    print(f"\n{table}: {len(names)} classes; held out: {', '.join(comparisons)}")
    guessing = mean(comparison.guessing for comparison in comparisons.values())
    pictures = sum(comparison.test_pictures for comparison in comparisons.values())
    print(f"test accuracy in %, {pictures} pictures; guessing {100 * guessing:.1f}")
    kinds = [kind for kind in dict.fromkeys(features for features, _ in found) if kind]
    print(f"{'':22}" + "".join(f"{kind:>16}" for kind in kinds))
    for model in MODELS:
        shares = [found.get((kind, model)) for kind in kinds]
        print(
            f"{model:22}" + "".join("               -" if s is None else f"{100 * s:16.1f}" for s in shares)
        )
    seconds = {cell.model: cell for comparison in comparisons.values() for cell in comparison.cells}
    for (features, model), share in found.items():
        if not features:
            print(f"{model:22}{100 * share:16.1f}   {seconds[model].seconds:.0f} s {seconds[model].note}")
    failed = {
        (cell.features, cell.model, cell.note)
        for comparison in comparisons.values()
        for cell in comparison.cells
        if cell.test is None
    }
    for features, model, note in sorted(failed):
        print(f"{features or 'the picture itself'}, {model}: {note}")
    for entry in told:
        verdict = "agrees " if entry["agrees"] else "differs"
        print(f"{verdict}  {entry['published']}  ({entry['here']})")


if __name__ == "__main__":
    main()
