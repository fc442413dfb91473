"""Fine-tuning a trunk that has been trained before: all the parts of the recipe put together.

For few pictures a frozen trunk (``classifiers.train``) is cheaper and as good; this is for some hundreds of
pictures and weights that come from elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from classifiers.augment import recolor, roughen, warp
from classifiers.data import Example, check_examples, grouped_folds, label_matrix
from classifiers.evaluate import average_precision
from classifiers.model import ElementClassifiers, letterbox
from classifiers.recipe.freezing import frozen, layer_groups
from classifiers.recipe.losses import asymmetric_loss, positive_weight, weighted_loss
from classifiers.recipe.precision import Precision
from classifiers.recipe.probe import linear_probe
from classifiers.recipe.range_test import RangeTest, range_test
from classifiers.recipe.rates import layer_rates, one_cycle
from classifiers.recipe.resizing import size_of_epoch
from classifiers.recipe.stopping import EarlyStopping
from pages.progress import Progress, Stop, never, silent, stop_here

_FOLDS = 5
_WEIGHT_DECAY = 0.05
_WHAT = "fine-tuning"
_LossOf = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class FineTuneRecipe:
    """What is done, in this order. Each part and its source is a file of this folder.

    Attributes:
        probe: a linear probe before anything else is trained.
        frozen_epochs: the heads alone, on augmented pictures.
        epochs: everything, in one cycle.
        rate: its highest rate, that of the heads; None takes what a range test suggests.
        lowest_rate: share of it that the layers next to the picture get.
        sizes: sides of the training squares, small to large; the last is that of the classifiers.
        batch: pictures in a step.
        loss: "weighted" (``positive_weight``), "asymmetric" or "plain" binary cross-entropy.
        balanced: pictures of rare labels are drawn more often.
        recolored: half of the pictures change color and finish (``classifiers.augment``); all are warped.
        mixed_precision: 16 bits where the device gains by it.
        patience: epochs without a better average precision in the held-out pictures that are put up with.
    """

    probe: bool = True
    frozen_epochs: int = 0
    epochs: int = 8
    rate: float | None = 1e-3
    lowest_rate: float = 0.01
    sizes: tuple[int, ...] = (160,)
    batch: int = 16
    loss: Literal["weighted", "asymmetric", "plain"] = "weighted"
    balanced: bool = False
    recolored: bool = True
    mixed_precision: bool = False
    patience: int = 3


@dataclass(frozen=True)
class Epoch:
    """One pass over the pictures.

    Attributes:
        phase: "probe", "frozen" or "unfrozen".
        size: side of the training squares.
        loss: mean over its steps; None for the probe.
        average_precision: in the held-out pictures, averaged over the elements shown in them; None if none
            is.
    """

    phase: str
    size: int
    loss: float | None
    average_precision: float | None


@dataclass(frozen=True)
class FineTuned:
    """What fine-tuning gives.

    Attributes:
        classifiers: with the weights of the best epoch, in eval mode; ``save`` writes the trunk with them.
            Not calibrated (temperature 1).
        history: one entry for each epoch.
        range_test: its curve, if the recipe asked for one.
        held_out: rows of the examples that were held out to decide when to stop.
        held_out_logits: (len(held_out), E), for calibration; a little flattering, as the epoch was chosen by
            them.
    """

    classifiers: ElementClassifiers
    history: tuple[Epoch, ...]
    range_test: RangeTest | None
    held_out: tuple[int, ...]
    held_out_logits: Tensor


def fine_tune(
    examples: Sequence[Example],
    element_names: Sequence[str],
    backbone: nn.Module,
    recipe: FineTuneRecipe,
    *,
    seed: int,
    progress: Progress = silent,
    stop: Stop = never,
) -> FineTuned:
    """Fine-tune a trunk and one head for each element.

    A fifth of the scenes (``classifiers.data.grouped_folds``) decides when to stop and is not trained on. The
    running statistics of batch normalization stay as the weights came: batches are small, and the probe's
        features
    remain those that fine-tuning starts from.

    Args:
        backbone: (N, 3, S, S) in [0, 1] -> (N, C, h, w), as ``classifiers.backbones`` gives it; trained in
            place.
        seed: of everything random.

    Raises:
        InputError: an element has no picture that shows it, or none that does not.
        Stopped: ``stop()`` became true. Nothing is kept; a run is short.
    """
    check_examples(examples, element_names)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        size = recipe.sizes[-1]
        classifiers = ElementClassifiers(backbone, element_names, image_size=size, trained_backbone=True)
    run = _Run(classifiers, examples, recipe, seed, progress, stop)
    run.note("preparing")
    if recipe.probe:
        run.probe()
    if recipe.frozen_epochs:
        with frozen(classifiers.backbone.parameters()):
            heads = [{"params": list(classifiers.heads.parameters()), "lr": recipe.rate or 1e-3}]
            run.epochs("frozen", torch.optim.AdamW(heads, weight_decay=_WEIGHT_DECAY), recipe.frozen_epochs)
    curve = None
    if recipe.epochs:
        groups = [*layer_groups(classifiers.backbone), list(classifiers.heads.parameters())]
        rates = layer_rates(groups, recipe.rate or 1e-3, lowest=recipe.lowest_rate)
        optimizer = torch.optim.AdamW(rates, weight_decay=_WEIGHT_DECAY, betas=(0.9, 0.99))
        if recipe.rate is None:
            batches = run.batches(size)
            curve = range_test(lambda: run.loss(next(batches)), optimizer, stop=stop)
            for group in optimizer.param_groups:
                group["lr"] *= curve.suggestion / 1e-3
        run.epochs("unfrozen", optimizer, recipe.epochs)
    run.stopping.restore()
    classifiers.eval()
    return FineTuned(
        classifiers=classifiers,
        history=tuple(run.history),
        range_test=curve,
        held_out=tuple(run.held_out),
        held_out_logits=run.predict(),
    )


class _Run:
    """The pictures, the classifiers and what has happened so far."""

    def __init__(
        self,
        classifiers: ElementClassifiers,
        examples: Sequence[Example],
        recipe: FineTuneRecipe,
        seed: int,
        progress: Progress,
        stop: Stop,
    ) -> None:
        self.classifiers, self.recipe, self.stop = classifiers, recipe, stop
        self._progress = progress
        self._done = 0
        self._total = int(recipe.probe) + recipe.frozen_epochs + recipe.epochs
        self.generator = torch.Generator().manual_seed(seed)
        self.device = classifiers.temperature.device
        size = round(classifiers.image_size * 1.25)  # so that zooming in finds detail
        self.images = torch.cat([letterbox(example.image[None].float(), size) for example in examples])
        self.labels, self.known = label_matrix(examples)
        folds = grouped_folds(examples, _FOLDS, seed=seed)
        self.held_out = folds[0] if len(folds) > 1 else []
        self.rows = sorted(set(range(len(examples))) - set(self.held_out))
        self.odds = self._odds()
        self.loss_of = self._loss()
        self.precision = Precision(self.device, mixed=recipe.mixed_precision)
        self.stopping = EarlyStopping(classifiers, recipe.patience)
        self.history: list[Epoch] = []

    def note(self, what: str) -> None:
        self._progress(self._done, self._total, what)

    def probe(self) -> None:
        linear_probe(
            self.classifiers,
            self.images[self.rows],
            self.labels[self.rows],
            self.known[self.rows],
            self.loss_of,
            generator=self.generator,
            stop=self.stop,
        )
        self._close_epoch("probe", self.classifiers.image_size, None)

    def epochs(self, phase: str, optimizer: torch.optim.Optimizer, count: int) -> None:
        """Train for so many epochs in one cycle, fewer if it has been enough."""
        self.stopping.restore()
        steps = max(1, len(self.rows) // self.recipe.batch)
        schedule = one_cycle(optimizer, count * steps + 1)
        parameters = list(self.classifiers.parameters())
        if not self.history:
            # Fresh heads look at features on their own scale, whatever that of the trunk.
            with torch.no_grad():
                seen = letterbox(self.images[self.rows[:64]].to(self.device), self.classifiers.image_size)
                self.classifiers.heads.standardize(self.classifiers.backbone(seen))
        for epoch in range(count):
            size = size_of_epoch(self.recipe.sizes, epoch, count)
            batches = self.batches(size)
            total = 0.0
            for _ in range(steps):
                stop_here(self.stop, _WHAT)
                loss = self.loss(next(batches))
                if self.precision.step(loss, optimizer, parameters):
                    schedule.step()
                total += float(loss.detach())
            if self._close_epoch(phase, size, total / steps):
                return

    def batches(self, size: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Views of the training pictures, without end: (B, 3, size, size), labels and known (B, E)."""
        while True:
            rows = torch.tensor(self.rows)[
                self.odds.multinomial(self.recipe.batch, replacement=True, generator=self.generator)
            ]
            images = warp(self.images[rows], size, self.generator)
            if self.recipe.recolored:
                half = (torch.rand(len(rows), generator=self.generator) < 0.5).nonzero().flatten()
                images = images.index_copy(0, half, recolor(images[half], self.generator))
                images = roughen(images, self.generator)
            yield images.to(self.device), self.labels[rows].to(self.device), self.known[rows].to(self.device)

    def loss(self, batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        images, labels, known = batch
        with self.precision.forward():
            # Not through the classifiers' own fitting: it would enlarge a small square again.
            logits = self.classifiers.heads(self.classifiers.backbone(images))
        return self.loss_of(logits.float(), labels, known)

    def predict(self) -> Tensor:
        """Logits (n, E) of the held-out pictures, on the CPU."""
        logits = [self.labels[:0]]
        with torch.no_grad():
            for rows in torch.split(torch.tensor(self.held_out, dtype=torch.long), self.recipe.batch):
                logits.append(self.classifiers(self.images[rows].to(self.device)).cpu())
        return torch.cat(logits)

    def _close_epoch(self, phase: str, size: int, loss: float | None) -> bool:
        logits, labels, known = self.predict(), self.labels[self.held_out], self.known[self.held_out]
        found = [
            average_precision(
                logits[known[:, column] > 0, column], labels[known[:, column] > 0, column] > 0.5
            )
            for column in range(labels.shape[1])
        ]
        told = [value for value in found if value is not None]
        precision = sum(told) / len(told) if told else None
        self.history.append(Epoch(phase, size, loss, precision))
        self._done += 1
        self.note(f"{phase}: average precision {precision:.2f}" if precision is not None else phase)
        return precision is not None and self.stopping.enough(precision)

    def _odds(self) -> Tensor:
        """(n,) odds of drawing each training picture: all alike, or by how rare its rarest label is."""
        shown = (self.labels[self.rows] > 0.5).float()
        if not self.recipe.balanced:
            return torch.ones(len(self.rows))
        rarity = (shown / shown.sum(dim=0).clamp_min(1)).amax(dim=1)
        return rarity.clamp_min(1 / len(self.rows))

    def _loss(self) -> _LossOf:
        if self.recipe.loss == "asymmetric":
            return asymmetric_loss
        weight = torch.ones(self.labels.shape[1])
        if self.recipe.loss == "weighted":
            weight = positive_weight(self.labels[self.rows], self.known[self.rows])
        weight = weight.to(self.device)
        return lambda logits, labels, known: weighted_loss(logits, labels, known, weight)
