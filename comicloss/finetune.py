"""The one fine-tuning loop: a style network tuned on the Comic Book Loss over all panels of a story.

The same code runs on the CPU, on one GPU and on several. Everything that happens in a step is a function of
the seed, the step, the panel and the tuned values alone, never of the number of processes or of what happened
before: a run that was killed goes on from its last checkpoint to the very result of one that was not.
"""

from __future__ import annotations

import copy
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from comicloss.checkpoint import Checkpoint, load_checkpoint, newest_checkpoint, save_checkpoint
from comicloss.data import PanelArt, PanelBatch, unit
from comicloss.history import RunLog, StepRecord
from comicloss.loss import ComicBookLoss, LossTerms, gradient_share_weight, push
from comicloss.stylize import padded
from pages.errors import ComicLossError, Stopped, UsageError
from pages.files import write_atomic
from pages.progress import Progress, Stop, never, silent
from styles.loss import EMBEDDED, StyleLoss, StyleSettings
from styles.screens import screens
from styles.stylenet import StyleNet

LARGEST_SHARE = 0.1
"""Of the network's parameters, at most this share is tuned."""

_ADAPTER_RATE = 0.02  # an embedding's coordinates are near 1, the adapters' weights far smaller
_ANCHOR_REDUCTION = 8  # the anchor compares pictures as they are, and so many times smaller: tone and color


@dataclass(frozen=True)
class FineTuneSettings:
    """How to fine-tune.

    Attributes:
        steps: of the optimiser.
        panels_per_step: the minibatch.
        learning_rate: of Adam, for the style embedding; the adapters go at a fiftieth of it.
        seed: of the order of the panels and of all views.
        consistency_weight: λ; None sets it by the share of the gradient (extension).
        consistency_share: the share of the push on the pixels that C gets, where λ is set by it.
        ramp: part of the steps before C comes in, and again until λ has its full value.
        smoothing: marks of 0 and 1 count as this and one minus this (extension; 0 is the post).
        anchor_weight: of the squared distance to the untuned pictures, at full and at low resolution, in
            units of the guide's weights (extension; 0 is the post).
        average_decay: of the running average of the tuned values, which is the result.
        longest_side: panels are reduced to this many pixels for tuning.
        checkpoint_every: steps.
        preview_every: steps.
        style: weights and crops of the style terms.

    Raises:
        UsageError: a value outside its range.
    """

    steps: int = 50
    panels_per_step: int = 2
    learning_rate: float = 0.01
    seed: int = 0
    consistency_weight: float | None = None
    consistency_share: float = 0.25
    ramp: float = 0.2
    smoothing: float = 0.05
    anchor_weight: float = 20.0
    average_decay: float = 0.9
    longest_side: int = 320
    checkpoint_every: int = 10
    preview_every: int = 25
    style: StyleSettings = EMBEDDED

    def __post_init__(self) -> None:
        for name in ("steps", "panels_per_step", "longest_side", "checkpoint_every", "preview_every"):
            if getattr(self, name) < 1:
                raise _out_of_range(name, getattr(self, name), "at least 1")
        for name in ("smoothing", "anchor_weight", "seed"):
            if not 0 <= getattr(self, name) < math.inf:
                raise _out_of_range(name, getattr(self, name), "0 or more")
        for name in ("consistency_share", "ramp", "average_decay"):
            if not 0 <= getattr(self, name) < 1:
                raise _out_of_range(name, getattr(self, name), "at least 0 and below 1")
        if not 0 < self.learning_rate < math.inf:
            raise _out_of_range("learning_rate", self.learning_rate, "above 0")
        if self.consistency_weight is not None and not 0 <= self.consistency_weight < math.inf:
            raise _out_of_range("consistency_weight", self.consistency_weight, "0 or more, or auto")


@dataclass(frozen=True)
class Tuned:
    """What a fine-tune found.

    Attributes:
        style: (D,) the story's style embedding.
        adapters: the network's adapters by name.
        consistency_weight: λ at the end.
        steps: done.
    """

    style: Tensor
    adapters: dict[str, Tensor]
    consistency_weight: float
    steps: int

    def network(self, untuned: StyleNet) -> StyleNet:
        """A copy of the network with the tuned adapters, in eval mode."""
        network = copy.deepcopy(untuned).eval().requires_grad_(False)
        adapters = network.adapters()
        for name, value in self.adapters.items():
            adapters[name].copy_(value)
        return network


def untuned(network: StyleNet, prompt: str) -> Tuned:
    """The network as it was pretrained, as if tuned in no step."""
    adapters = {name: value.detach().clone() for name, value in network.adapters().items()}
    return Tuned(embedded(network, prompt), adapters, 0.0, 0)


@torch.no_grad()
def embedded(network: StyleNet, prompt: str) -> Tensor:
    """(D,) style embedding of a text."""
    return network.embed([prompt])[0].clone()


def directed_style(style: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """The story's style with what a panel's direction adds to it, (D,), as long as an untuned embedding.

    Args:
        style: (D,) the story's style, tuned.
        start: (D,) untuned embedding of the style prompt.
        end: (D,) untuned embedding of the style prompt with the panel's direction.
    """
    moved = style + (end - start)
    directed: Tensor = F.normalize(moved, dim=0) * torch.linalg.vector_norm(end)
    return directed


@contextmanager
def reproducible(threads: int) -> Iterator[None]:
    """Deterministic algorithms and a fixed number of CPU threads, as sums depend on how they are divided."""
    before = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    # On a GPU a few operations have no deterministic form: there a warning tells which.
    torch.set_deterministic_debug_mode("warn" if torch.cuda.is_available() else "error")
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.set_deterministic_debug_mode(before[1])


def fine_tune(
    batch: PanelBatch,
    network: StyleNet,
    style_loss_of: Callable[[str], StyleLoss],
    classifiers: nn.Module | None,
    settings: FineTuneSettings,
    run_folder: Path,
    *,
    progress: Progress = silent,
    stop: Stop = never,
) -> Tuned:
    """Tune a style network on the Comic Book Loss, or go on where an earlier call was interrupted.

    Tuned are the story's style embedding and the network's adapters, at most ``LARGEST_SHARE`` of it. The
    loss of a step is that of ``comicloss.loss`` over its panels, plus an anchor (extension): the mean squared
    distance to the untuned pictures, as they are (against fine noise that only the guide sees) and eight
    times reduced (against another tone), so that a weak guide cannot ruin a network that already draws.

    λ, unless given, is set so that C has ``consistency_share`` of the push on the stylized pixels: C is left
    out of the first fifth of the steps (``ramp``), measured and brought in over the second, and λ is frozen
    from then on.

    Args:
        batch: the story's panels.
        network: untuned; not changed.
        style_loss_of: gives the style loss of a prompt.
        classifiers: (N, 3, H, W) in [0, 1] -> logits (N, E); None leaves C out.
        settings: a run folder must always be called with the same.
        run_folder: for checkpoints, history, TensorBoard and previews.
        progress: called after each step.
        stop: asked before each step.

    Raises:
        Stopped: when ``stop()`` is true; a checkpoint is written first.
        ResourceError: the disk is full; earlier checkpoints are whole and the next call goes on from them.
        ComicLossError: the loss or its gradient is no longer finite; the last checkpoint is kept.
    """
    threads = _threads_of(run_folder)  # Accelerate changes their number when it starts several processes
    accelerator = Accelerator(cpu=not torch.cuda.is_available(), mixed_precision="no")
    with ExitStack() as stack:
        stack.enter_context(reproducible(threads))
        run = _Run(batch, network, style_loss_of, classifiers, settings, accelerator)
        newest = newest_checkpoint(run_folder)
        if newest is not None:
            run.restore(load_checkpoint(newest))
        accelerator.wait_for_everyone()
        log = None
        if accelerator.is_main_process:
            config = {"threads": torch.get_num_threads(), "settings": asdict(settings)}
            write_atomic(run_folder / "config.json", json.dumps(config, indent=1).encode())
            log = stack.enter_context(RunLog(run_folder, run.done))
        saved = run.done if newest is not None else -1

        def save() -> None:
            nonlocal saved
            if log is not None and saved != run.done:
                log.sync()
                save_checkpoint(run_folder, run.done, *run.state())
                saved = run.done

        while run.done < settings.steps:
            if _agreed(accelerator, stop()):
                save()
                raise Stopped(
                    "Fine-tuning: stopped.", remedy="Run the same command again to go on from here."
                )
            record, pictures = run.step()
            if log is not None:
                log.add(record)
                if run.done % settings.preview_every == 0 or run.done == settings.steps:
                    log.preview(run.done, *pictures)
            if run.done % settings.checkpoint_every == 0 or run.done == settings.steps:
                save()
            progress(run.done, settings.steps, "fine-tuning")
        accelerator.wait_for_everyone()
        return run.result()


def finished_run(run_folder: Path, steps: int) -> Tuned | None:
    """The result of a run that has done all its steps; None while it has not."""
    newest = newest_checkpoint(run_folder)
    checkpoint = None if newest is None else load_checkpoint(newest)
    return None if checkpoint is None or checkpoint.step < steps else _result(checkpoint)


Pictures = tuple[list[tuple[NDArray[np.uint8], NDArray[np.uint8]]], list[str]]


class _Run:
    """The state of a run and its step."""

    def __init__(
        self,
        batch: PanelBatch,
        network: StyleNet,
        style_loss_of: Callable[[str], StyleLoss],
        classifiers: nn.Module | None,
        settings: FineTuneSettings,
        accelerator: Accelerator,
    ) -> None:
        self.batch, self.settings, self.accelerator = batch, settings, accelerator
        self.device = accelerator.device
        self.per_step = min(settings.panels_per_step, len(batch.panels))
        if accelerator.num_processes > self.per_step:
            raise UsageError(
                f"{accelerator.num_processes} processes for {self.per_step} panels in a step.",
                remedy="Start at most as many processes as panels_per_step.",
            )
        self.untuned = copy.deepcopy(network).eval().requires_grad_(False).to(self.device)
        self.network = copy.deepcopy(self.untuned)
        self.start_style = embedded(self.untuned, batch.drawn_as or batch.prompt)
        self.values: dict[str, Tensor] = {"style": self.start_style.clone().requires_grad_(True)}
        for name, adapter in sorted(self.network.adapters().items()):
            self.values[f"adapter/{name}"] = adapter.requires_grad_(True)
        _check_share(self.values, network)
        self.averages = {name: value.detach().clone() for name, value in self.values.items()}
        adapters = [value for name, value in self.values.items() if name != "style"]
        groups: list[dict[str, Any]] = [
            {"params": [self.values["style"]]},
            {"params": adapters, "lr": settings.learning_rate * _ADAPTER_RATE},
        ]
        self.optimizer = torch.optim.Adam(groups, lr=settings.learning_rate, foreach=False)
        self.done = 0
        self.pushes = torch.zeros(2, dtype=torch.float64)  # squared, of S and of C, summed over panels

        self.panels = [panel.reduced(settings.longest_side) for panel in batch.panels]
        generator = torch.Generator().manual_seed(settings.seed)
        self.order = torch.randperm(len(self.panels), generator=generator).tolist()
        self.has_terms = classifiers is not None
        frozen = (_NoElements() if classifiers is None else classifiers).to(self.device)
        columns = slice(None) if self.has_terms else slice(0)
        self.priors = batch.priors[:, columns].to(self.device)
        self.known = batch.known[:, columns].to(self.device)
        self.losses = {
            prompt: ComicBookLoss(style_loss_of(prompt), frozen, smoothing=settings.smoothing).to(self.device)
            for prompt in sorted({batch.prompt_of(panel) for panel in batch.panels})
        }
        self.ends = {
            batch.prompt_of(panel): embedded(self.untuned, batch.start_of(panel)) for panel in batch.panels
        }
        self.anchors: dict[int, Tensor] = {}

    def step(self) -> tuple[StepRecord, Pictures]:
        """One step of the optimiser over the step's panels."""
        began = time.perf_counter()
        step, weight = self.done + 1, self.consistency_weight(self.done + 1)
        start = self.done * self.per_step
        rows = [self.order[(start + place) % len(self.order)] for place in range(self.per_step)]
        mine = range(self.accelerator.process_index, self.per_step, self.accelerator.num_processes)
        # One line for each panel of the step, filled by the process that has it: adding the processes' sheets
        # adds zeros only, and the sum over lines is then the same however many processes there are.
        gradients = torch.zeros(self.per_step, sum(value.numel() for value in self.values.values()))
        figures = torch.zeros(0)
        pictures: Pictures = ([], [])
        names: list[str] = []
        for place in mine:
            terms, anchor, stylized, art = self.panel_loss(rows[place], step, weight)
            names = list(terms.style)
            pushes = self.measured(terms, stylized) if self.is_measuring(step) else [0.0, 0.0]
            total = terms.total + anchor
            found = torch.autograd.grad(total, list(self.values.values()))
            gradients[place] = torch.cat([gradient.flatten() for gradient in found]).cpu()
            if not len(figures):
                figures = torch.zeros(
                    self.per_step, 4 + len(names) + terms.consistency.shape[1], dtype=torch.float64
                )
            style = [float(value.detach()) for value in terms.style.values()]
            consistency = terms.consistency.detach()[0].tolist()
            figures[place] = torch.tensor(
                [float(total.detach()), float(anchor.detach()), *pushes, *style, *consistency]
            )
            pictures[0].append((_picture(art), _picture(stylized.detach())))
            pictures[1].append(self.panels[rows[place]].id)
        gradients = self.accelerator.reduce(gradients.to(self.device), reduction="sum").cpu()
        figures = self.accelerator.reduce(figures.to(self.device), reduction="sum").cpu()
        self._check_finite(step, gradients, figures, [self.panels[row].id for row in rows])
        self._move(gradients.sum(dim=0) / self.per_step)
        self.pushes += figures[:, 2:4].square().sum(dim=0)
        self.done = step
        record = StepRecord(
            step,
            float(figures[:, 0].mean()),
            weight,
            float(figures[:, 1].mean()),
            {
                self.panels[row].id: dict(zip(names, line[4 : 4 + len(names)].tolist(), strict=True))
                for row, line in zip(rows, figures, strict=True)
            },
            {
                self.panels[row].id: self._known(row, line[4 + len(names) :].tolist())
                for row, line in zip(rows, figures, strict=True)
            },
            round(time.perf_counter() - began, 3),
        )
        return record, pictures

    def panel_loss(self, row: int, step: int, weight: float) -> tuple[LossTerms, Tensor, Tensor, Tensor]:
        """The loss terms of one panel, its anchor, and the panel stylized and as drawn, (1, 3, h, w)."""
        panel = self.panels[row]
        height, width = panel.art.shape[-2:]
        end = self.ends[self.batch.prompt_of(panel)]
        style = directed_style(self.values["style"], self.start_style, end)
        stylized, art, keep = self.drawn(self.network, panel, style)
        loss = self.losses[self.batch.prompt_of(panel)]
        sizes = torch.tensor([[height, width]])
        views = loss.style_loss.views([panel.id], sizes, seed=self.settings.seed, step=step)
        loss.consistency_weight = weight
        terms = loss(stylized, art, self.priors[[row]], self.known[[row]], views, keep=keep)
        if row not in self.anchors:
            with torch.no_grad():
                picture = self.drawn(self.untuned, panel, end)[0]
                self.anchors[row] = (picture * 255).round().to(torch.uint8)
        change = stylized - unit(self.anchors[row])
        distance = change.square().mean() + _low_resolution(change).square().mean()
        guide = self.settings.style.directional_weight + self.settings.style.patch_weight
        return terms, self.settings.anchor_weight * guide * distance, stylized, art

    def drawn(self, network: StyleNet, panel: PanelArt, style: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """A panel stylized, with what is kept left as it is; the panel as drawn; what is kept."""
        art = unit(panel.art.to(self.device))[None]
        keep = panel.keep.to(self.device).float()[None]
        flats = (
            None
            if panel.flats is None
            else padded(unit(panel.flats.to(self.device))[None], network.total_stride)
        )
        whole = padded(art, network.total_stride)
        planes = screens(torch.tensor([panel.origin], device=self.device), *whole.shape[-2:])
        hints = (None, None) if flats is None else (flats[:, :3], flats[:, 3:])
        picture = network(whole, planes, style[None], *hints)[..., : art.shape[-2], : art.shape[-1]]
        return picture * (1 - keep) + art * keep, art, keep

    def consistency_weight(self, step: int) -> float:
        """λ of a step: from what was measured in the steps before it."""
        if self.settings.consistency_weight is not None:
            return self.settings.consistency_weight
        first, last = self.ramp()
        style, consistency = (math.sqrt(squared) for squared in self.pushes.tolist())
        if step <= first:
            return 0.0
        full = gradient_share_weight(style, consistency, share=self.settings.consistency_share)
        return full * min(1.0, (step - first - 1) / (last - first))

    def ramp(self) -> tuple[int, int]:
        """C is measured and brought in over the steps after the first of these up to the second."""
        first = int(self.settings.ramp * self.settings.steps)
        return first, max(2 * first, first + 1)

    def is_measuring(self, step: int) -> bool:
        first, last = self.ramp()
        return self.has_terms and self.settings.consistency_weight is None and first < step <= last

    def measured(self, terms: LossTerms, stylized: Tensor) -> list[float]:
        """How hard S and C push on the stylized pixels: the norms of their gradients."""
        return [push(terms.style_total, stylized), push(terms.consistency_total, stylized)]

    def _known(self, row: int, line: list[float]) -> dict[str, float]:
        """The C_ij of the elements that the author has marked in this panel."""
        known = self.known[row].tolist()
        named = zip(self.batch.element_names[: len(known)], line, known, strict=True)
        return {name: value for name, value, is_known in named if is_known}

    def _check_finite(self, step: int, gradients: Tensor, figures: Tensor, ids: list[str]) -> None:
        if gradients.isfinite().all() and figures.isfinite().all():
            return
        raise ComicLossError(
            f"Fine-tuning: the loss is no longer finite at step {step} (panels {', '.join(ids)}).",
            remedy="The last checkpoint is kept. Start a new run with a smaller learning rate or "
            "consistency weight.",
        )

    def _move(self, gradient: Tensor) -> None:
        parts = torch.split(gradient, [value.numel() for value in self.values.values()])
        for value, part in zip(self.values.values(), parts, strict=True):
            value.grad = part.reshape(value.shape).to(value)
        self.optimizer.step()
        decay = self.settings.average_decay
        with torch.no_grad():
            for name, value in self.values.items():
                self.averages[name].mul_(decay).add_(value, alpha=1 - decay)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that the next step depends on, as tensors and JSON."""
        tensors = {f"value/{name}": value.detach() for name, value in self.values.items()}
        tensors |= {f"average/{name}": value for name, value in self.averages.items()}
        for name, value in self.values.items():
            for key, moment in self.optimizer.state[value].items():
                tensors[f"adam/{key}/{name}"] = moment
        weight = self.consistency_weight(self.done + 1)
        return tensors, {"pushes": self.pushes.tolist(), "consistency_weight": weight}

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go back to a state."""
        with torch.no_grad():
            for name, value in self.values.items():
                value.copy_(checkpoint.tensors[f"value/{name}"])
                self.averages[name].copy_(checkpoint.tensors[f"average/{name}"])
                for key in ("step", "exp_avg", "exp_avg_sq") if checkpoint.step else ():
                    moment = checkpoint.tensors[f"adam/{key}/{name}"]
                    self.optimizer.state[value][key] = moment if key == "step" else moment.to(self.device)
        self.pushes = torch.tensor(checkpoint.state["pushes"], dtype=torch.float64)
        self.done = checkpoint.step

    def result(self) -> Tuned:
        return _result(Checkpoint(self.done, *self.state()))


class _NoElements(nn.Module):
    """Stands where there are no classifiers: no element, no term."""

    def forward(self, images: Tensor) -> Tensor:
        return images.new_zeros(len(images), 0)


def _result(checkpoint: Checkpoint) -> Tuned:
    averages = {
        name.removeprefix("average/"): value.detach().cpu().clone()
        for name, value in checkpoint.tensors.items()
        if name.startswith("average/")
    }
    style = averages.pop("style")
    adapters = {name.removeprefix("adapter/"): value for name, value in averages.items()}
    return Tuned(style, adapters, checkpoint.state["consistency_weight"], checkpoint.step)


def _check_share(values: dict[str, Tensor], network: StyleNet) -> None:
    tuned = sum(value.numel() for value in values.values())
    total = sum(value.numel() for value in network.parameters())
    if tuned > LARGEST_SHARE * total:
        raise ValueError(f"{tuned} of {total} parameters would be tuned, more than {LARGEST_SHARE:.0%}")


def _low_resolution(pictures: Tensor) -> Tensor:
    return F.avg_pool2d(pictures, _ANCHOR_REDUCTION, ceil_mode=True, count_include_pad=False)


def _picture(pictures: Tensor) -> NDArray[np.uint8]:
    """(1, 3, h, w) in [0, 1] -> (h, w, 3) uint8."""
    return (pictures[0].permute(1, 2, 0) * 255).round().to(torch.uint8).cpu().numpy()


def _threads_of(run_folder: Path) -> int:
    """The threads that the run began with, as its sums depend on them."""
    try:
        return int(json.loads((run_folder / "config.json").read_bytes())["threads"])
    except (OSError, ValueError, KeyError, TypeError):
        return torch.get_num_threads()


def _agreed(accelerator: Accelerator, wish: bool) -> bool:
    """True on all processes as soon as it is on one."""
    return bool(accelerator.reduce(torch.tensor(int(wish), device=accelerator.device), reduction="sum"))


def _out_of_range(name: str, value: object, allowed: str) -> UsageError:
    return UsageError(f"{name}: {value} is not possible.", remedy=f"It must be {allowed}.")
