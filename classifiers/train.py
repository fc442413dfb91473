"""The recipe: from a few marked pictures to classifiers that a generator cannot easily fool.

Few pictures, so: a frozen backbone, many views of each picture, templates as heads. Both sides of every
element weigh the same. Honest about certainty, so: several members, each trained without one fold of the
scenes, and calibrated on it. Optimized against later, so: after a first fit, the worst small changes of the
pictures are found (Madry et al., ICLR 2018) and join them, again and again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from classifiers.attack import attack
from classifiers.augment import StyleViews
from classifiers.calibrate import UNKNOWN, calibration
from classifiers.data import Example, check_examples, grouped_folds, label_matrix
from classifiers.evaluate import Report, balanced_accuracy, element_reports
from classifiers.model import IMAGE_SIZE, SCALES, ElementClassifiers, letterbox
from classifiers.scratch import train_from_scratch
from classifiers.trained import Trained
from classifiers.views import AS_DRAWN, ATTACKED, INKED, STYLED, Views, as_bytes, draw_views
from pages.progress import Progress, Stop, never, silent, stop_here

MEMBERS = 4
"""Members of the ensemble, and folds of the scenes: each is trained without one of them."""
STEPS = 120
"""Gradient steps of the first fit; each round of attacks adds half as many."""
ROUNDS = 2
"""Rounds of attacks. 0 leaves the classifiers undefended."""
RADIUS_AT_128 = 2.0
"""L2 norm of the largest change that an attack may make to a picture of 128 x 128, values in [0, 1]."""
MEASURED_RADIUS_AT_128 = 0.5
"""L2 norm of the attack that the report states."""
MEASURED_STEPS = 5

_BATCH = 96
_RATE = 0.03
_PENALTY = 0.01
_SMOOTH = 0.03
_ATTACKED_SHARE = 0.4  # of the views
_AS_DRAWN = 30.0  # what a picture as drawn weighs beside any of its views
_CHUNK = 32
_WHAT = "training the classifiers"


def train_classifiers(
    examples: Sequence[Example],
    element_names: Sequence[str],
    *,
    backbone: nn.Module | None,
    style_views: StyleViews | None = None,
    replay: Sequence[Example] = (),
    seed: int,
    steps: int = STEPS,
    rounds: int = ROUNDS,
    image_size: int = IMAGE_SIZE,
    progress: Progress = silent,
    stop: Stop = never,
) -> Trained:
    """Train one binary classifier for each element, and measure it on what its members have not seen.

    The same seed gives bitwise the same weights on the same machine.

    Args:
        backbone: as for ``ElementClassifiers``; frozen. None: a small one is trained with the heads.
        style_views: the pictures in other styles, as one of the views of each picture.
        replay: more to learn from, such as what a style network made of the examples, with its true labels
            and the groups of what it was made of. It is in no figure.
        seed: of everything random.
        steps: gradient steps of the first fit, on 96 views each.
        rounds: of attacks.

    Raises:
        InputError: an element has no picture that shows it, or none that does not.
        Stopped: ``stop()`` became true. Nothing is kept; a run is short.
    """
    check_examples([*examples, *replay], element_names)
    if backbone is None:
        return train_from_scratch(
            examples,
            element_names,
            style_views=style_views,
            replay=replay,
            seed=seed,
            steps=steps,
            image_size=image_size,
            progress=progress,
            stop=stop,
        )
    generator = torch.Generator().manual_seed(seed)
    everything = [*examples, *replay]
    folds = grouped_folds(everything, MEMBERS, seed=seed)
    folds = folds if len(folds) > 1 else []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        classifiers = ElementClassifiers(
            backbone, element_names, image_size=image_size, members=max(1, len(folds))
        ).eval()
    views = _views(
        classifiers, everything, folds, style_views, generator, torch.arange(len(everything)), progress, stop
    )
    fit = _Fit(classifiers, views, steps, rounds, generator, progress, stop)
    fit.fit_cells()
    fit.run()
    return _measured(fit, element_names, [example.group for example in examples], len(folds))


def add_elements(
    classifiers: ElementClassifiers,
    examples: Sequence[Example],
    element_names: Sequence[str],
    *,
    style_views: StyleViews | None = None,
    replay: Sequence[Example] = (),
    seed: int,
    steps: int = STEPS // 2,
    rounds: int = ROUNDS,
    progress: Progress = silent,
    stop: Stop = never,
) -> Trained:
    """Train the heads of elements that trained classifiers lack; the others' answers stay as they are.

    Args:
        classifiers: as ``train_classifiers`` made them; they are not changed.
        examples: with labels for all of ``element_names``; those of the elements that are known already
            are not looked at.
        element_names: the order of the columns of what is returned. All that the classifiers know are there.

    Returns:
        Classifiers of all the elements, a report of the new ones alone, and ``held_out`` (N, E) with NaN for
        the others.

    Raises:
        InputError: a new element has no picture that shows it, or none that does not.
        Stopped: ``stop()`` became true.
    """
    new = [column for column, name in enumerate(element_names) if name not in classifiers.element_names]
    names = [element_names[column] for column in new]
    known = [example.of_columns(new) for example in [*examples, *replay]]
    check_examples(known, names)
    generator = torch.Generator().manual_seed(seed)
    members = len(classifiers.heads.templates)
    folds = grouped_folds(known, members, seed=seed) if members > 1 else []
    folds = folds if len(folds) > 1 else []
    added = classifiers.with_elements(names, keep=())
    varied = _with_some_others(known, generator)
    views = _views(added, known, folds, style_views, generator, varied, progress, stop)
    fit = _Fit(added, views, steps, rounds, generator, progress, stop)
    fit.run()
    trained = _measured(fit, names, [example.group for example in examples], len(folds))
    joined = classifiers.with_elements(element_names, keep=(classifiers, trained.classifiers))
    held_out = torch.full((len(examples), len(element_names)), math.nan)
    held_out[:, new] = trained.held_out
    return Trained(joined.eval(), trained.report, held_out)


def _with_some_others(examples: Sequence[Example], generator: torch.Generator) -> Tensor:
    """Rows of the examples that show an element, and of twice as many others."""
    labels, known = label_matrix(examples)
    shows = ((labels > 0.5) & (known > 0)).any(dim=1)
    others = (~shows).nonzero().flatten()
    some = others[torch.randperm(len(others), generator=generator)[: 2 * int(shows.sum())]]
    return torch.cat([shows.nonzero().flatten(), some]).sort().values


def _views(
    classifiers: ElementClassifiers,
    examples: Sequence[Example],
    folds: Sequence[Sequence[int]],
    style_views: StyleViews | None,
    generator: torch.Generator,
    varied: Tensor,
    progress: Progress,
    stop: Stop,
) -> Views:
    size = round(classifiers.image_size * max(SCALES))
    return draw_views(
        examples, folds, size, style_views, generator, varied=varied, progress=progress, stop=stop
    )


class _Fit:
    """Heads fitted to what a frozen backbone sees in the views, which is computed once."""

    def __init__(
        self,
        classifiers: ElementClassifiers,
        views: Views,
        steps: int,
        rounds: int,
        generator: torch.Generator,
        progress: Progress,
        stop: Stop,
    ) -> None:
        self.classifiers, self.views, self.generator = classifiers, views, generator
        self.steps, self.rounds, self.progress, self.stop = steps, rounds, progress, stop
        self.device = classifiers.temperature.device
        self.total, self.done = steps + rounds * (steps // 2), 0
        self.cells: list[Tensor] = []
        self.weights = example_weights(classifiers, views)

    @torch.no_grad()
    def fit_cells(self) -> None:
        """What the templates see, from the examples as drawn."""
        drawn = (self.views.kind == AS_DRAWN).nonzero().flatten()[:256]
        seen = [self._features(self.views.pictures(rows))[0] for rows in torch.split(drawn, _CHUNK)]
        self.classifiers.heads.fit_cells(torch.cat(seen))

    def run(self) -> None:
        """The first fit, then rounds of attacks, each fitted with all before it."""
        self.cells = self._all_cells(self.views)
        self._start()
        self._descend(self.steps, "training")
        for number in range(self.rounds):
            attacked = self._attacked()
            cells = self._all_cells(attacked)
            self.cells = [torch.cat(parts) for parts in zip(self.cells, cells, strict=True)]
            self.views = self.views.joined(attacked)
            self.weights = example_weights(self.classifiers, self.views)
            self._descend(self.steps // 2, f"hardening, round {number + 1} of {self.rounds}")

    def _features(self, images: Tensor) -> list[Tensor]:
        return self.classifiers.features(images.to(self.device))

    @torch.no_grad()
    def _all_cells(self, views: Views) -> list[Tensor]:
        """What the templates see of all views, at each scale."""
        found = []
        for rows in torch.split(torch.arange(len(views.kind)), _CHUNK):
            stop_here(self.stop, _WHAT)
            found.append(
                [self.classifiers.heads.cells(part) for part in self._features(views.pictures(rows))]
            )
        return [torch.cat(scale) for scale in zip(*found, strict=True)]

    @torch.no_grad()
    def _start(self) -> None:
        """Weights from the difference of the two sides' means; templates in the middle of the first scale."""
        heads, cells = self.classifiers.heads, self.cells[0]
        fields = heads.fields(self.cells[-1])
        side = heads.templates.shape[-1]
        short = [max(0, side - length) for length in cells.shape[-2:]]
        cells = F.pad(cells, (0, short[1], 0, short[0]))
        top, left = ((length - side) // 2 for length in cells.shape[-2:])
        middle = cells[:, :, top : top + side, left : left + side]
        labels = self.views.labels.to(self.device)
        for member, weights in enumerate(self.weights):
            shown, absent = weights * labels, weights * (1 - labels)
            difference = shown / shown.sum(0).clamp_min(1e-9) - absent / absent.sum(0).clamp_min(1e-9)
            start = torch.einsum("re,rpxy->epxy", difference, middle)
            heads.templates[member] = 2 * start / math.sqrt(start[0].numel())
            whole = torch.einsum("re,rpxy->epxy", difference, fields)
            heads.grids[member] = 2 * whole / math.sqrt(whole[0].numel())

    def _descend(self, steps: int, what: str) -> None:
        heads = self.classifiers.heads
        labels = (self.views.labels * (1 - 2 * _SMOOTH) + _SMOOTH).to(self.device)
        count = len(labels)
        weights = [heads.templates, heads.grids]
        optimizer = torch.optim.Adam([*weights, heads.bias], lr=_RATE, betas=(0.9, 0.98))
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(1, steps))
        order = torch.empty(0, dtype=torch.long)
        for _ in range(steps):
            stop_here(self.stop, _WHAT)
            if len(order) < min(_BATCH, count):
                order = torch.randperm(count, generator=self.generator)
            rows, order = order[:_BATCH], order[_BATCH:]
            logits = heads.pooled([part[rows] for part in self.cells])
            losses = F.binary_cross_entropy_with_logits(
                logits, labels[rows].expand_as(logits), self.weights[:, rows], reduction="sum"
            )
            size = torch.stack([part.square().sum() for part in weights]).sum()
            loss = losses * count / len(rows) + 0.5 * _PENALTY * size
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
            self.done += 1
            self.progress(self.done, self.total, what)

    def _attacked(self) -> Views:
        """A share of the views, each changed for the worse: one step, from a random start in its own ball."""
        views = self.views
        plain = (views.kind != ATTACKED).nonzero().flatten()
        count = max(1, round(_ATTACKED_SHARE * len(plain)))
        chosen = plain[torch.randperm(len(plain), generator=self.generator)[:count]]
        largest = RADIUS_AT_128 * views.images.shape[-1] / 128
        changed = []
        for rows in torch.split(chosen, _CHUNK):
            stop_here(self.stop, _WHAT)
            reach = largest * torch.rand(len(rows), 1, 1, 1, generator=self.generator)
            images = attack(
                self.classifiers,
                views.pictures(rows).to(self.device),
                views.labels[rows].to(self.device),
                views.known[rows].to(self.device),
                radius=reach.to(self.device),
                steps=1,
                start=self.generator,
            )
            changed.append(as_bytes(images.cpu()))
        kind = torch.full_like(chosen, ATTACKED)
        return Views(
            torch.cat(changed),
            views.labels[chosen],
            views.known[chosen],
            views.fold[chosen],
            kind,
            views.example[chosen],
        )


def example_weights(classifiers: ElementClassifiers, views: Views) -> Tensor:
    """What each view counts for each member and element, (M, R, E): 0 where it is held out or not known.

    Pictures as drawn weigh more than the views of them, and both sides of an element one half in all. Where
    holding out would leave a side without any picture, nothing is held out.
    """
    labels = views.labels
    known = views.known * torch.where(views.kind == AS_DRAWN, _AS_DRAWN, 1.0)[:, None]
    members = len(classifiers.heads.templates)
    kept = []
    for member in range(members):
        seen = known * (views.fold != member)[:, None] if members > 1 else known
        lost = ((seen * (labels > 0.5)).sum(0) == 0) | ((seen * (labels < 0.5)).sum(0) == 0)
        kept.append(torch.where(lost, known, seen))
    weights = torch.stack(kept)
    shown, absent = weights * labels, weights * (1 - labels)
    sides = (
        shown / shown.sum(1, keepdim=True).clamp_min(1e-9),
        absent / absent.sum(1, keepdim=True).clamp_min(1e-9),
    )
    return ((sides[0] + sides[1]) / 2).to(classifiers.temperature.device)


@torch.no_grad()
def _held_out_logits(fit: _Fit, kind: int) -> Tensor:
    """(N, E) of one view of this kind of each example (the last), NaN where every member has seen it."""
    views, count = fit.views, int(fit.views.example.max()) + 1
    found = torch.full((count, views.labels.shape[1]), math.nan)
    heads = fit.classifiers.heads
    for rows in torch.split((views.kind == kind).nonzero().flatten(), _CHUNK):
        logits = heads.pooled([part[rows] for part in fit.cells]).cpu()
        seen = fit.weights[:, rows].cpu() > 0
        for place, row in enumerate(rows.tolist()):
            fold = int(views.fold[row])
            if fold >= 0 and len(fit.weights) > 1:
                fresh = ~seen[fold, place] & (views.known[row] > 0)
                unseen = torch.where(fresh | (views.known[row] == 0), logits[fold, place], math.nan)
                found[int(views.example[row])] = unseen
    return found


def _measured(fit: _Fit, element_names: Sequence[str], groups: Sequence[str], folds: int) -> Trained:
    """Figures on what was held out, and the calibration that they give."""
    classifiers, views, count = fit.classifiers, fit.views, len(groups)
    labels, known = views.labels[:count], views.known[:count]
    drawn = _held_out_logits(fit, AS_DRAWN)[:count]
    kinds = [kind for kind in (INKED, STYLED) if bool((views.kind == kind).any())]
    others = [_held_out_logits(fit, kind)[:count] for kind in kinds]
    fair = known * ~drawn.isnan()
    temperature, offset = calibration(
        drawn.nan_to_num(), labels, fair, expected=getattr(classifiers.backbone, "expected", UNKNOWN)
    )
    classifiers.temperature.copy_(temperature)
    classifiers.offset.copy_(offset)
    calibrated = drawn / temperature + offset
    attacked = _attacked_logits(fit, count) if folds else calibrated
    stylized = torch.cat(others) / temperature + offset if others else None
    report = Report(
        elements=element_reports(element_names, calibrated, labels, fair, groups=groups),
        folds=folds,
        accuracy=balanced_accuracy(calibrated, labels, fair) if folds else None,
        accuracy_stylized=None
        if stylized is None or not folds
        else balanced_accuracy(
            stylized, labels.repeat(len(others), 1), known.repeat(len(others), 1) * ~stylized.isnan()
        ),
        accuracy_attacked=balanced_accuracy(attacked, labels, fair) if folds else None,
    )
    return Trained(classifiers=classifiers, report=report, held_out=calibrated.sigmoid())


def _attacked_logits(fit: _Fit, count: int) -> Tensor:
    """(N, E): each example changed against its own labels, and judged by the member that had not seen it."""
    classifiers, views = fit.classifiers, fit.views
    found = torch.zeros(count, views.labels.shape[1])
    for fold in range(len(fit.weights)):
        mine = (views.fold[:count] == fold).nonzero().flatten()

        def member(images: Tensor, fold: int = fold) -> Tensor:
            return classifiers.members(images)[fold]

        for rows in torch.split(mine, _CHUNK):
            stop_here(fit.stop, "measuring the classifiers")
            images = letterbox(views.pictures(rows).to(fit.device), classifiers.image_size)
            changed = attack(
                member,
                images,
                views.labels[rows].to(fit.device),
                views.known[rows].to(fit.device),
                radius=MEASURED_RADIUS_AT_128 * classifiers.image_size / 128,
                steps=MEASURED_STEPS,
            )
            with torch.no_grad():
                found[rows] = member(changed).cpu()
    return found
