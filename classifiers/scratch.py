"""The recipe where no backbone is handed in: a small one is trained from scratch, with the heads.

Many views of each picture (half of them in other styles where ``style_views`` is given), two pictures on one
sheet, both sides of every element drawn equally often. Half of each batch is replaced by its own worst small
change (one step on an L2 ball; Madry et al., ICLR 2018), the rest of the recipe being ordinary.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from classifiers.attack import attack
from classifiers.augment import StyleViews, pair_up, recolor, roughen, warp
from classifiers.calibrate import calibration
from classifiers.data import Example, check_examples, grouped_folds, label_matrix
from classifiers.evaluate import Report, balanced_accuracy, element_reports
from classifiers.model import ElementClassifiers, letterbox
from classifiers.trained import Trained
from classifiers.views import as_bytes
from pages.progress import Progress, Stop, stop_here

FOLDS = 3
BATCH = 16
STYLED_VIEWS = 6
ATTACK_STEPS = 5
_RATE = 3e-3
_PAIRED = 0.25
_MARGIN = 1.25  # canvases are larger than the classifiers' square, so that zooming in finds detail
_SMOOTH = 0.03
_RADIUS_AT_128 = 0.5  # of the L2 attack that the report states; the radius grows with the square's side
_WHAT = "training the classifiers"


def train_from_scratch(
    examples: Sequence[Example],
    element_names: Sequence[str],
    *,
    style_views: StyleViews | None = None,
    replay: Sequence[Example] = (),
    seed: int,
    steps: int,
    image_size: int,
    progress: Progress,
    stop: Stop,
) -> Trained:
    """Train a backbone and one binary head for each element, and measure them by cross-fitting.

    Each of up to three folds of scenes is held out once, from a training of half the steps; then all the
    examples train the classifiers that are returned. The same seed gives bitwise the same weights on the same
    machine.

    Args:
        style_views: the pictures in other styles, as augmentation for half of each batch.
        replay: more to learn from; held out with the examples of its groups, and in no figure.
        seed: of everything random.
        steps: gradient steps of the final training, on 16 pictures each.

    Raises:
        InputError: an element has no picture that shows it, or none that does not.
        Stopped: ``stop()`` became true. Nothing is kept; a run is short.
    """
    everything = [*examples, *replay]
    check_examples(everything, element_names)
    folds = grouped_folds(everything, FOLDS, seed=seed)
    folds = folds if len(folds) > 1 else []
    total = steps + len(folds) * (steps // 2)
    generator = torch.Generator().manual_seed(seed)
    progress(0, total, "preparing the pictures")
    gallery = _Gallery.of(everything, round(image_size * _MARGIN), style_views, generator, stop)
    labels, known = gallery.labels, gallery.known

    drawn = torch.full_like(labels, math.nan)
    attacked = drawn.clone()
    styled = drawn.repeat(len(gallery.views) - 1, 1, 1)
    done = 0

    def fit(chosen: list[int], count: int, what: str) -> ElementClassifiers:
        nonlocal done
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            classifiers = ElementClassifiers(None, element_names, image_size=image_size)
        for _ in _fitting(classifiers, gallery, chosen, count, generator):
            done += 1
            progress(done, total, what)
            stop_here(stop, _WHAT)
        return classifiers.eval()

    rows = list(range(len(everything)))
    for number, fold in enumerate(folds, start=1):
        others = sorted(set(rows) - set(fold))
        judge = fit(others, steps // 2, f"measuring, part {number} of {len(folds)}")
        drawn[fold] = _predict(judge, gallery.pictures(0, fold))
        for view in range(1, len(gallery.views)):
            styled[view - 1, fold] = _predict(judge, gallery.pictures(view, fold))
        attacked[fold] = _predict_attacked(judge, gallery.pictures(0, fold), labels[fold], known[fold])
    classifiers = fit(rows, steps, "training on all the pictures")

    own = slice(len(examples))
    drawn, styled, attacked = drawn[own], styled[:, own], attacked[own]
    labels, known = labels[own], known[own]

    report = Report(
        elements=element_reports(element_names, drawn, labels, known * bool(folds)),
        folds=len(folds),
        accuracy=balanced_accuracy(drawn, labels, known) if folds else None,
        accuracy_stylized=_accuracy_of_views(styled, labels, known) if folds and len(styled) else None,
        accuracy_attacked=balanced_accuracy(attacked, labels, known) if folds else None,
    )
    if folds:
        held_out = torch.cat([drawn[None], styled])
        seen = known.expand_as(held_out) / len(held_out)
        temperature, offset = calibration(
            held_out.flatten(0, 1), labels.repeat(len(held_out), 1), seen.flatten(0, 1)
        )
        classifiers.temperature.copy_(temperature)
        classifiers.offset.copy_(offset)
        drawn = drawn / temperature + offset
    return Trained(classifiers=classifiers, report=report, held_out=drawn.sigmoid())


@dataclass(frozen=True, eq=False)
class _Gallery:
    """All the pictures on canvases of one size: as drawn, then in other styles.

    Attributes:
        views: (V, N, 3, S, S) uint8; view 0 is as drawn.
        labels, known: (N, E).
    """

    views: Tensor
    labels: Tensor
    known: Tensor

    @classmethod
    def of(
        cls,
        examples: Sequence[Example],
        size: int,
        style_views: StyleViews | None,
        generator: torch.Generator,
        stop: Stop,
    ) -> _Gallery:
        canvases = torch.cat([letterbox(example.image[None].float(), size) for example in examples])
        views = [as_bytes(canvases)]
        if style_views is not None:
            paper = torch.cat(
                [letterbox(torch.zeros_like(e.image[None, :1].float()), size) for e in examples]
            )
            for _ in range(STYLED_VIEWS):
                stop_here(stop, _WHAT)
                styled = torch.cat(
                    [style_views(part, generator).detach() for part in torch.split(canvases, BATCH)]
                )
                views.append(as_bytes(torch.maximum(styled, paper)))
        labels, known = label_matrix(examples)
        return cls(torch.stack(views), labels, known)

    def pictures(self, view: int | Tensor, chosen: list[int] | Tensor) -> Tensor:
        """(n, 3, S, S) in [0, 1]."""
        return self.views[view, chosen].float() / 255


def _fitting(
    classifiers: ElementClassifiers,
    gallery: _Gallery,
    chosen: list[int],
    steps: int,
    generator: torch.Generator,
) -> Iterator[None]:
    """Train on the chosen examples, in place; yields after each step."""
    device = classifiers.temperature.device
    radius = _radius(classifiers)
    odds = _sampling_odds(gallery.labels[chosen], gallery.known[chosen])
    shown_weight, absent_weight = (
        weight.to(device) for weight in _side_weights(odds, gallery.labels[chosen], gallery.known[chosen])
    )
    with torch.no_grad():
        seen = letterbox(gallery.pictures(0, chosen[:64]).to(device), classifiers.image_size)
        classifiers.heads.fit_cells(classifiers.backbone(seen))
    parameters = [
        {"params": list(classifiers.heads.parameters()), "lr": _RATE},
        # Faster, it dies: its features go flat before the heads know where to look.
        {"params": list(classifiers.backbone.parameters()), "lr": _RATE / 10},
    ]
    optimizer = torch.optim.AdamW(parameters, weight_decay=0.05, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate_share(step, steps))
    classifiers.train()
    for step in range(steps):
        images, labels, known = (
            part.to(device) for part in _batch(classifiers, gallery, chosen, odds, generator)
        )
        known = known * torch.where(labels > 0.5, shown_weight, absent_weight)
        labels = labels * (1 - 2 * _SMOOTH) + _SMOOTH
        # The ball grows with what has been learned; at full size from the start, nothing is.
        full = 2 * radius * step / steps
        reach = (full * torch.rand(BATCH // 2, 1, 1, 1, generator=generator)).to(device)
        images[::2] = attack(classifiers, images[::2], labels[::2], known[::2], radius=reach, steps=1)
        loss = F.binary_cross_entropy_with_logits(classifiers(images), labels, known, reduction="sum") / BATCH
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
        yield


def _batch(
    classifiers: ElementClassifiers,
    gallery: _Gallery,
    chosen: list[int],
    odds: Tensor,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor, Tensor]:
    """Views of examples drawn by their odds: images (B, 3, S, S), labels (B, E), known (B, E)."""

    def draw(count: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        rows = torch.tensor(chosen)[odds.multinomial(count, replacement=True, generator=generator)]
        view = torch.zeros(count, dtype=torch.long)
        if len(gallery.views) > 1:
            other = torch.randint(1, len(gallery.views), (count,), generator=generator)
            view = torch.where(torch.rand(count, generator=generator) < 0.5, other, view)
        return gallery.pictures(view, rows), gallery.labels[rows], gallery.known[rows], view

    images, labels, known, view = draw(BATCH)
    paired = round(BATCH * _PAIRED)
    sheets = pair_up((images[:paired], labels[:paired], known[:paired]), draw(paired)[:3], generator)
    for whole, sheet in zip((images, labels, known), sheets, strict=True):
        whole[:paired] = sheet
    images = warp(images, classifiers.image_size, generator)
    plain = ((view == 0) & (torch.rand(BATCH, generator=generator) < 0.5)).nonzero().flatten()
    images = images.index_copy(0, plain, recolor(images[plain], generator))
    return roughen(images, generator), labels, known


def _sampling_odds(labels: Tensor, known: Tensor) -> Tensor:
    """(N,) odds of drawing each example: the sides of all the elements take equal turns to be drawn for."""
    sides = torch.cat([labels > 0.5, (known > 0) & (labels < 0.5)], dim=1).float()
    return (sides / sides.sum(dim=0).clamp_min(1)).sum(dim=1)


def _side_weights(odds: Tensor, labels: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Weights (E,) of shown and not shown that make up for what sampling leaves uneven, four at most."""
    shown = odds @ ((labels > 0.5) * known)
    absent = odds @ ((labels <= 0.5) * known)
    share = shown / (shown + absent).clamp_min(1e-6)
    share = share + _PAIRED * share * (1 - share)  # a sheet of two pictures shows what either shows
    return (0.5 / share).clamp_max(4), (0.5 / (1 - share)).clamp_max(4)


def _rate_share(step: int, steps: int) -> float:
    """Of the learning rate: a linear start over a tenth of the steps, then half a cosine down to nothing."""
    warm = max(1, steps // 10)
    return (
        (step + 1) / warm
        if step < warm
        else 0.5 + 0.5 * math.cos(math.pi * (step - warm) / max(1, steps - warm))
    )


def _radius(classifiers: ElementClassifiers) -> float:
    return _RADIUS_AT_128 * classifiers.image_size / 128


def _predict(classifiers: ElementClassifiers, images: Tensor) -> Tensor:
    """Logits (N, E) on the CPU."""
    device = classifiers.temperature.device
    with torch.no_grad():
        return torch.cat([classifiers(part.to(device)).cpu() for part in torch.split(images, BATCH)])


def _predict_attacked(
    classifiers: ElementClassifiers, images: Tensor, labels: Tensor, known: Tensor
) -> Tensor:
    """Logits (N, E) on the CPU, each picture changed within the radius against its own labels."""
    device = classifiers.temperature.device
    logits = []
    for image, label, mask in zip(
        *(torch.split(part, BATCH) for part in (images, labels, known)), strict=True
    ):
        fitted = letterbox(image.to(device), classifiers.image_size)
        radius = _radius(classifiers)
        changed = attack(
            classifiers, fitted, label.to(device), mask.to(device), radius=radius, steps=ATTACK_STEPS
        )
        logits.append(_predict(classifiers, changed))
    return torch.cat(logits)


def _accuracy_of_views(logits: Tensor, labels: Tensor, known: Tensor) -> float | None:
    """Balanced accuracy over all the views together; logits (V, N, E), labels and known (N, E)."""
    return balanced_accuracy(
        logits.flatten(0, 1), labels.repeat(len(logits), 1), known.repeat(len(logits), 1)
    )
