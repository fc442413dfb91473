"""ResNets of the published tables: fine-tuned from weights where there are some, from scratch otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision import models, transforms

from classifiers.data import Example, label_matrix
from classifiers.model import letterbox
from pages.progress import Progress, Stop, never, silent, stop_here

_CANVAS = 1.15  # pictures are kept a little larger than what the network sees, so that crops keep detail


@dataclass(frozen=True)
class Recipe:
    """How a ResNet is trained.

    Attributes:
        epochs: passes over the pictures.
        batch: pictures in a step.
        rate: learning rate of the optimizer, or its peak.
        fine_tuning: SGD with momentum 0.9 whose rate falls to a tenth every 7 epochs, which moves weights
            that are there already; False: AdamW under one cycle (Smith and Topin, 2019), for weights that
            start from nothing.
    """

    epochs: int
    batch: int
    rate: float
    fine_tuning: bool


PUBLISHED_RECIPE = Recipe(epochs=25, batch=4, rate=1e-3, fine_tuning=True)
"""The study of anime faces (Anh Quan), and before it PyTorch's tutorial on transfer learning."""

FROM_SCRATCH = Recipe(epochs=40, batch=8, rate=1e-3, fine_tuning=False)


def resnet_from_scratch(
    examples: Sequence[Example],
    element_names: Sequence[str],
    images: Sequence[Tensor],
    *,
    depth: int = 18,
    image_size: int = 128,
    epochs: int = 40,
    seed: int = 0,
    progress: Progress = silent,
    stop: Stop = never,
) -> Tensor:
    """Train a ResNet from nothing, one binary output for each element, and look at test pictures with it.

    The ordinary recipe: random resized crops and flips, binary cross-entropy over the known labels, AdamW
    under one cycle.

    Args:
        examples: to train on.
        element_names: one output for each.
        images: test pictures, (3, h, w) in [0, 1], of any sizes.
        depth: 18, 34, 50 or 101.
        image_size: side of the square that the network sees.

    Returns:
        (N, E) logits.

    Raises:
        Stopped: ``stop()`` became true.
    """
    recipe = Recipe(epochs, FROM_SCRATCH.batch, FROM_SCRATCH.rate, fine_tuning=False)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = resnet(f"resnet{depth}", None, outputs=len(element_names))
        look = train_resnet(
            network, examples, recipe, image_size=image_size, exclusive=False, progress=progress, stop=stop
        )
    return look(images)


def resnet(name: str, trunk: nn.Module | None, *, outputs: int) -> nn.Module:
    """A ResNet with a fresh last layer: (N, 3, S, S), normalized -> (N, outputs).

    Args:
        name: "resnet18" and so on.
        trunk: the same network, whose weights all the other layers start with; None: they are fresh too.
    """
    made: nn.Module = getattr(models, name)(num_classes=outputs)
    if trunk is not None:
        made.load_state_dict(
            {key: value for key, value in trunk.state_dict().items() if not key.startswith("fc.")},
            strict=False,
        )
    return made


@dataclass(frozen=True)
class TrainedResNet:
    """A ResNet with the mean and deviation, (3, 1, 1), of the colors that it was trained on."""

    network: nn.Module
    mean: Tensor
    deviation: Tensor
    image_size: int

    @torch.no_grad()
    def __call__(self, images: Sequence[Tensor]) -> Tensor:
        """Pictures (3, h, w) in [0, 1], each fitted whole into the network's square -> logits (N, E)."""
        found = []
        for start in range(0, len(images), 32):
            squares = [
                letterbox(image[None].float(), self.image_size) for image in images[start : start + 32]
            ]
            seen = ((torch.cat(squares) - self.mean) / self.deviation).to(_device(self.network))
            found.append(self.network(seen).float().cpu())
        return torch.cat(found)


def train_resnet(
    network: nn.Module,
    examples: Sequence[Example],
    recipe: Recipe,
    *,
    image_size: int,
    exclusive: bool,
    progress: Progress = silent,
    stop: Stop = never,
) -> TrainedResNet:
    """Train all of a network on random resized crops and flips; randomness is torch's own.

    Args:
        network: (N, 3, S, S), normalized -> logits (N, E); trained in place, and left in eval mode.
        exclusive: each picture shows exactly one element: cross-entropy over the classes, instead of binary
            cross-entropy over the known labels.

    Raises:
        Stopped: ``stop()`` became true.
    """
    canvas = round(image_size * _CANVAS)
    pictures = torch.cat([letterbox(example.image[None].float(), canvas) for example in examples])
    labels, known = label_matrix(examples)
    mean, deviation = pictures.mean(dim=(0, 2, 3)), pictures.std(dim=(0, 2, 3)).clamp_min(1e-4)
    view = transforms.Compose(
        [
            transforms.RandomResizedCrop(image_size, antialias=True),
            transforms.RandomHorizontalFlip(),
            transforms.Normalize(mean.tolist(), deviation.tolist()),
        ]
    )
    steps = len(list(_batches(len(examples), recipe.batch)))
    optimizer, schedule = _optimizer(network, recipe, steps)
    device = _device(network)
    network.train()
    for epoch in range(recipe.epochs):
        for chosen in _batches(len(examples), recipe.batch):
            stop_here(stop, "training a ResNet")
            seen = torch.stack([view(pictures[number]) for number in chosen.tolist()])
            logits = network(seen.to(device))
            wanted, counted = labels[chosen].to(device), known[chosen].to(device)
            optimizer.zero_grad(set_to_none=True)
            _loss(logits, wanted, counted, exclusive=exclusive).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if not recipe.fine_tuning:
                schedule.step()
        if recipe.fine_tuning:
            schedule.step()
        progress(epoch + 1, recipe.epochs, "training a ResNet")
    return TrainedResNet(network.eval(), mean[:, None, None], deviation[:, None, None], image_size)


def _device(network: nn.Module) -> torch.device:
    return next(network.parameters()).device


def _loss(logits: Tensor, labels: Tensor, known: Tensor, *, exclusive: bool) -> Tensor:
    if exclusive:
        return F.cross_entropy(logits, labels.argmax(dim=1))
    losses = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    return (losses * known).sum() / known.sum().clamp_min(1)


def _batches(count: int, size: int) -> Iterator[Tensor]:
    """Every example once, in random order; no batch of one, on which batch norm has no deviation."""
    order = torch.randperm(count)
    for start in range(0, count, size):
        batch = order[start : start + size]
        if len(batch) == 1:
            batch = torch.cat([batch, order[:1]])
        yield batch


def _optimizer(
    network: nn.Module, recipe: Recipe, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    if recipe.fine_tuning:
        sgd = torch.optim.SGD(network.parameters(), recipe.rate, momentum=0.9)
        return sgd, torch.optim.lr_scheduler.StepLR(sgd, 7, 0.1)
    adam = torch.optim.AdamW(network.parameters(), recipe.rate, weight_decay=0.05)
    cycle = torch.optim.lr_scheduler.OneCycleLR(adam, recipe.rate, total_steps=max(2, steps * recipe.epochs))
    return adam, cast(torch.optim.lr_scheduler.LRScheduler, cycle)
