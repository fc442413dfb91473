"""The compare stage: the published tables on an author's own pictures, in one split."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from classifiers import features as features_of
from classifiers.backbones import RESNETS, Backbone, load_backbone
from classifiers.collection import Collection, read_collection
from classifiers.comparison import (
    Comparison,
    FeatureSet,
    Fitted,
    LooksUp,
    WholeModel,
    compare,
    to_json,
)
from classifiers.data import Example, grouped_folds
from classifiers.model import backbone_id
from classifiers.resnets import FROM_SCRATCH, PUBLISHED_RECIPE, Recipe, resnet, train_resnet
from classifiers.train import train_classifiers
from comicloss.comparison_sheet import as_csv, as_markdown, as_plot
from comicloss.encoder import EmbeddedEncoder
from comicloss.training import style_views
from pages.errors import InputError, UsageError, WeightsError
from pages.files import write_atomic
from pages.progress import Progress, Stop
from styles.clip import ClipEncoder, load_clip

FEATURES = (features_of.PIXELS, features_of.HAND_CRAFTED, "embedded")
OWN = "comicloss"
"""The row of this project's own classifiers."""
RECORD, TABLE, SPREADSHEET, PLOT = "comparison.json", "comparison.md", "comparison.csv", "comparison.png"
TORCHVISION = "torchvision"
PUBLISHED_SIZE, SCRATCH_SIZE = 224, 128


@dataclass(frozen=True)
class CompareSettings:
    """What to compare.

    Attributes:
        features: some of ``FEATURES``, for the classical models.
        networks: some of ``classifiers.backbones.RESNETS``, trained from end to end.
        weights: where those start from, as for ``load_trunks``; their frozen features are then compared too.
            None: from nothing.
        epochs: of the networks; None: the published 25 with weights, 40 without.
        image_size: side of the square that the networks see; None: the published 224 with weights, 128
            without.
        search: search for hyperparameters in place of the published ones.
        folds: one part in so many is the test part.
        seed: of everything random.
    """

    features: tuple[str, ...] = FEATURES
    networks: tuple[str, ...] = ("resnet18",)
    weights: str | None = None
    epochs: int | None = None
    image_size: int | None = None
    search: bool = False
    folds: int = 5
    seed: int = 0

    def check(self) -> None:
        """Refuse what does not exist or fit together.

        Raises:
            UsageError: as it says.
        """
        for what, chosen, known in (
            ("features", self.features, FEATURES),
            ("networks", self.networks, RESNETS),
        ):
            unknown = [name for name in chosen if name not in known]
            if unknown:
                raise UsageError(
                    f"There are no {what} named {', '.join(unknown)}.",
                    remedy=f"There are {', '.join(known)}.",
                )
        if self.weights is not None and not self.networks:
            raise UsageError(
                "Weights are given, and no network to put them into.", remedy=f"Name one: {RESNETS[0]}."
            )
        if self.weights is not None and Path(self.weights).is_file() and len(self.networks) > 1:
            raise UsageError(
                f"{self.weights} holds the weights of one network, and {len(self.networks)} are asked for.",
                remedy="Name that network alone, or give a folder with one file for each.",
            )


def compare_collection(
    examples: Path, out: Path, settings: CompareSettings, *, progress: Progress, stop: Stop
) -> dict[str, Any]:
    """Compare on labeled pictures; the table is in ``out`` as Markdown, CSV, JSON and a plot.

    Stopped, it goes on where it was.

    Args:
        examples: as for ``classifiers.collection.read_collection``.

    Returns:
        The comparison as JSON values, with ``files`` and ``unreadable``: pictures left out, each with why.

    Raises:
        UsageError: the settings.
        InputError: the collection, or it is one single scene.
        WeightsError: weights cannot be had.
        ResourceError: the folder cannot be written.
        Stopped: ``stop()`` became true.
    """
    settings.check()
    collection = read_collection(examples)
    trunks = load_trunks(settings)
    loaded = collection.load(progress, stop)
    train, test = _split(examples, loaded.examples, settings)
    clip = load_clip()
    comparison = compare(
        train,
        test,
        collection.element_names,
        feature_sets=feature_sets(settings, clip, trunks),
        whole_models=_whole_models(collection, settings, trunks),
        search=settings.search,
        seed=settings.seed,
        settings={
            "encoder": backbone_id(clip),
            "weights": {name: backbone_id(trunk) for name, trunk in trunks.items()},
            "epochs": settings.epochs,
            "image_size": settings.image_size,
        },
        record=out / RECORD,
        progress=progress,
        stop=stop,
    )
    files = write_comparison(comparison, out)
    return {
        **to_json(comparison),
        "unreadable": [{"file": str(picture.path), "why": why} for picture, why in loaded.unreadable],
        "files": [str(file) for file in [*files, out / RECORD]],
    }


def load_trunks(settings: CompareSettings) -> dict[str, Backbone]:
    """The networks' weights; none where none are asked for.

    ``settings.weights`` is a file (.safetensors or .pth), a folder with a file for each network whose name
    starts with the network's, or "torchvision": its ImageNet weights, from its cache or the net.

    Raises:
        WeightsError: they cannot be had or read, or belong to another network.
    """
    if settings.weights is None:
        return {}
    try:
        return {
            name: load_backbone(name, weights=_weights_file(name, settings.weights))
            for name in settings.networks
        }
    except WeightsError as error:
        raise WeightsError(
            error.problem,
            remedy="Give --weights a file (.safetensors, or .pth with nothing but tensors), a folder with a "
            "file for each network, such as resnet18.pth, or torchvision, with the net or its files in "
            "torchvision's cache; or leave it out: the networks then start from scratch.",
        ) from error


def _weights_file(network: str, source: str) -> Path | None:
    if source == TORCHVISION:
        return None
    place = Path(source).expanduser()
    if not place.is_dir():
        return place
    fitting = [file for file in sorted(place.iterdir()) if re.match(rf"{network}\b", file.name)]
    if not fitting:
        raise WeightsError(f"{place}: no file in it starts with {network}.", remedy="")
    return fitting[0]


def write_comparison(comparison: Comparison, out: Path) -> list[Path]:
    """Write the table as Markdown and CSV, and the plot.

    Raises:
        ResourceError: the folder cannot be written.
    """
    written = {
        out / TABLE: as_markdown(comparison).encode(),
        out / SPREADSHEET: as_csv(comparison).encode(),
        out / PLOT: as_plot(comparison),
    }
    for path, content in written.items():
        write_atomic(path, content)
    return list(written)


def _split(
    place: Path, examples: Sequence[Example], settings: CompareSettings
) -> tuple[list[Example], list[Example]]:
    """The first of the grouped folds is the test part."""
    folds = grouped_folds(examples, settings.folds, seed=settings.seed)
    if len(folds) < 2:
        raise InputError(
            f"{place}: all pictures are of one group, or near duplicates; none is left to test on.",
            remedy="Give each scene or page a group of its own, in the column group.",
        )
    held_out = set(folds[0])
    return (
        [example for number, example in enumerate(examples) if number not in held_out],
        [example for number, example in enumerate(examples) if number in held_out],
    )


def feature_sets(
    settings: CompareSettings, clip: ClipEncoder, trunks: Mapping[str, Backbone]
) -> list[FeatureSet]:
    """What the classical models look at: the asked ones, and those of every network that has weights."""

    def pixels(images: Sequence[Tensor], *, progress: Progress, stop: Stop) -> Tensor:
        return features_of.raw_pixels(images)

    ways: dict[str, tuple[str, LooksUp]] = {
        features_of.PIXELS: ("pixels", pixels),
        features_of.HAND_CRAFTED: ("hand-crafted", features_of.hand_crafted),
        "embedded": ("network", _seen_by(clip.encode_image, clip.image_size)),
    }
    chosen = [FeatureSet(name, *ways[name]) for name in FEATURES if name in settings.features]
    return chosen + [
        FeatureSet(f"{name}, frozen", "network", _seen_by(trunk, PUBLISHED_SIZE))
        for name, trunk in trunks.items()
    ]


def _seen_by(network: Callable[[Tensor], Tensor], image_size: int) -> LooksUp:
    def look(images: Sequence[Tensor], *, progress: Progress, stop: Stop) -> Tensor:
        return features_of.network_features(
            network, images, image_size=image_size, progress=progress, stop=stop
        )

    return look


def _whole_models(
    collection: Collection, settings: CompareSettings, trunks: Mapping[str, Backbone]
) -> list[WholeModel]:
    names = collection.element_names

    def own(examples: Sequence[Example], exclusive: bool, progress: Progress, stop: Stop) -> Fitted:
        return own_classifiers(examples, names, seed=settings.seed, progress=progress, stop=stop)

    networks = [
        resnet_model(
            name,
            len(names),
            trunks.get(name),
            epochs=settings.epochs,
            image_size=settings.image_size,
            seed=settings.seed,
        )
        for name in settings.networks
    ]
    return [WholeModel(OWN, own), *networks]


def own_classifiers(
    examples: Sequence[Example],
    element_names: Sequence[str],
    *,
    seed: int,
    progress: Progress,
    stop: Stop,
) -> Fitted:
    """This project's classifiers as ``comicloss train`` makes them.

    Raises:
        InputError: an element has one side only.
        Stopped: ``stop()`` became true.
    """
    trained = train_classifiers(
        examples,
        element_names,
        backbone=EmbeddedEncoder(),
        style_views=style_views(),
        seed=seed,
        progress=progress,
        stop=stop,
    )

    @torch.no_grad()
    def look(images: Sequence[Tensor]) -> Tensor:
        return torch.cat([trained.classifiers(image[None].float()) for image in images])

    return look


def resnet_model(
    name: str,
    outputs: int,
    trunk: Backbone | None,
    *,
    epochs: int | None,
    image_size: int | None,
    seed: int,
) -> WholeModel:
    """A ResNet, fine-tuned as published where there are weights and trained from nothing otherwise."""
    usual = FROM_SCRATCH if trunk is None else PUBLISHED_RECIPE
    recipe = Recipe(epochs or usual.epochs, usual.batch, usual.rate, usual.fine_tuning)
    size = image_size or (SCRATCH_SIZE if trunk is None else PUBLISHED_SIZE)
    start = "from scratch" if trunk is None else "fine-tuned"

    def fit(examples: Sequence[Example], exclusive: bool, progress: Progress, stop: Stop) -> Fitted:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network = resnet(name, trunk.trunk if trunk else None, outputs=outputs)
            network.to("cuda" if torch.cuda.is_available() else "cpu")
            return train_resnet(
                network,
                examples,
                recipe,
                image_size=size,
                exclusive=exclusive,
                progress=progress,
                stop=stop,
            )

    return WholeModel(name, fit, note=f"{start}, {recipe.epochs} epochs at {size} pixels")
