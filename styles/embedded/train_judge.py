"""Trains the judge: whose picture is it, whatever the style; and which style is it, whoever is shown.

Identity is found in closed form, by linear discriminant analysis (Fisher 1936; Rao 1948): of all directions
in the judge's fixed descriptor, those in which pictures of one identity (in other styles, poses, framings and
settings) differ least, measured by how much identities differ. Style is learned by gradient descent, as
cosine similarity to one prototype per style.

Everything is a function of (seed, shard) or (seed, step), so a killed training goes on exactly where it was.
"""

from __future__ import annotations

import io
import itertools
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn import functional as F

from pages.files import write_atomic
from styles.embedded.judge import JUDGE_STYLES, WEIGHTS, JudgeNetwork
from styles.embedded.judge_renderers import JUDGE_RENDERERS, SOURCE_RENDERERS
from styles.embedded.judge_scenes import Identity, draw_identities, render
from styles.registry import seal

_RENDERERS = {**JUDGE_RENDERERS, **SOURCE_RENDERERS}


@dataclass(frozen=True)
class Recipe:
    """How the judge is trained.

    Attributes:
        seed: of everything random.
        identities: how many to learn from.
        unseen: how many more, drawn from another seed, to measure with.
        views: pictures of each, every one in another style.
        ridge: added to the differences within identities, as a share of their mean, before they are inverted.
        pictures_per_step: in a batch for the style tower.
        steps: optimizer steps of the style tower.
        learning_rate: reached after ``warm_up`` steps; falls to nothing over the last ``decay`` steps.
        average: decay of the weights' running average, which is what is shipped.
        checkpoint_every: steps between two checkpoints.
    """

    seed: int = 1895
    identities: int = 4096
    unseen: int = 256
    views: int = 6
    ridge: float = 0.1
    pictures_per_step: int = 48
    steps: int = 800
    learning_rate: float = 2e-3
    warm_up: int = 50
    decay: int = 400
    average: float = 0.995
    checkpoint_every: int = 100


@dataclass(frozen=True)
class Views:
    """Rendered identities.

    Attributes:
        pictures: (I, V, 3, S, S) uint8.
        styles: (I, V) int64, places in ``JUDGE_STYLES``.
    """

    pictures: NDArray[np.uint8]
    styles: NDArray[np.int64]


_SHARD = 128


def main(work: Path, recipe: Recipe | None = None) -> None:
    """Render, train, measure, and put ``judge.safetensors`` in place; run again to go on after a stop."""
    recipe = recipe or Recipe()
    work.mkdir(parents=True, exist_ok=True)
    seen = _views(work / "seen", draw_identities(recipe.identities, recipe.seed), recipe)
    unseen = _views(work / "unseen", draw_identities(recipe.unseen, recipe.seed + 1), recipe)
    network = train_style(seen, recipe, work)
    learn_identity(network, _descriptors(work / "descriptors", seen), recipe)
    half = {name: tensor.half().contiguous() for name, tensor in network.state_dict().items()}
    figures = measure(network, unseen)
    write_atomic(work / "figures.json", (json.dumps(figures, indent=2) + "\n").encode())
    write_atomic(WEIGHTS, save(half))
    seal("judge", WEIGHTS.name)
    print(json.dumps(figures, indent=2))


# --- data ------------------------------------------------------------------------------------------------


def _views(folder: Path, identities: list[Identity], recipe: Recipe) -> Views:
    """All views of the identities, rendered shard by shard into ``folder`` and kept there."""
    pictures, styles = [], []
    for first in range(0, len(identities), _SHARD):
        path = folder / f"{first:05d}.npz"
        if not path.exists():
            rendered = render_views(identities[first : first + _SHARD], recipe)
            packed = io.BytesIO()
            np.savez(packed, pictures=rendered[0], styles=rendered[1])
            write_atomic(path, packed.getvalue())
            print(f"{folder.name}: {first + _SHARD} of {len(identities)} identities", flush=True)
        with np.load(path, allow_pickle=False) as shard:
            pictures.append(shard["pictures"])
            styles.append(shard["styles"])
    return Views(np.concatenate(pictures), np.concatenate(styles))


def render_views(identities: list[Identity], recipe: Recipe) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Pictures and styles, as in Views: each identity in several variations and as many different styles."""
    size = JudgeNetwork.style_size
    pictures = np.empty((len(identities), recipe.views, 3, size, size), dtype=np.uint8)
    styles = np.empty((len(identities), recipe.views), dtype=np.int64)
    share = np.array([2.0 if name in SOURCE_RENDERERS else 1.0 for name in JUDGE_STYLES])
    for row, identity in enumerate(identities):
        random = np.random.default_rng((recipe.seed, identity.seed))
        generator = torch.Generator().manual_seed(int(random.integers(2**62)))
        chosen = random.choice(len(JUDGE_STYLES), recipe.views, replace=False, p=share / share.sum())
        styles[row] = chosen
        for view, style in enumerate(chosen):
            picture = render(identity, view, size=size)
            inked = torch.from_numpy(picture.inked.transpose(2, 0, 1)).float()[None]
            lines = torch.from_numpy(picture.lines)[None, None]
            painted = _RENDERERS[JUDGE_STYLES[style]](inked, lines, generator)[0]
            pictures[row, view] = (painted.numpy() * 255 + 0.5).astype(np.uint8)
    return pictures, styles


def disturb(images: Tensor, generator: torch.Generator) -> Tensor:
    """Random small changes that alter neither identity nor style; (N, 3, H, W) in [0, 1] in and out."""
    n, _, height, width = images.shape

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(*shape, generator=generator)

    angle, zoom = uniform(-0.2, 0.2, n), uniform(0.7, 1.1, n)
    flip = torch.where(torch.rand(n, generator=generator) < 0.5, -1.0, 1.0)
    moved = torch.rand(n, generator=generator) < 0.6  # the others keep their pixels, so texture stays crisp
    angle, zoom = angle * moved, torch.where(moved, zoom, torch.ones(n))
    shift = uniform(-0.15, 0.15, 2, n) * moved
    first = torch.stack([zoom * angle.cos() * flip, -zoom * angle.sin(), shift[0]], 1)
    second = torch.stack([zoom * angle.sin() * flip, zoom * angle.cos(), shift[1]], 1)
    grid = F.affine_grid(torch.stack([first, second], 1), [n, 3, height, width], align_corners=False)
    images = F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    gain, lift = uniform(0.85, 1.15, n, 3, 1, 1), uniform(-0.08, 0.08, n, 1, 1, 1)
    images = images * gain + lift
    noise = torch.randn(images.shape, generator=generator) * uniform(0, 0.04, n, 1, 1, 1)
    top, left = uniform(-0.2, 0.9, n, 1, 1), uniform(-0.2, 0.9, n, 1, 1)
    y, x = torch.linspace(0, 1, height)[None, :, None], torch.linspace(0, 1, width)[None, None, :]
    hidden = (y > top) & (y < top + 0.25) & (x > left) & (x < left + 0.25)
    hidden &= (torch.rand(n, generator=generator) < 0.3)[:, None, None]
    images = torch.where(hidden[:, None], uniform(0, 1, n, 3, 1, 1), images + noise)
    return images.clamp(0, 1)


# --- training --------------------------------------------------------------------------------------------


def _descriptors(folder: Path, seen: Views) -> Tensor:
    """The judge's descriptor of every view, (I, V, D), made shard by shard into ``folder`` and kept there."""
    network, rows = JudgeNetwork(), []
    for first in range(0, len(seen.pictures), _SHARD):
        path = folder / f"{first:05d}.safetensors"
        if not path.exists():
            pictures = torch.from_numpy(seen.pictures[first : first + _SHARD])
            parts = [
                network.descriptor(part.float() / 255) for part in torch.split(pictures.flatten(0, 1), 64)
            ]
            write_atomic(path, save({"descriptors": torch.cat(parts).view(*pictures.shape[:2], -1).half()}))
            print(f"described {first + len(pictures)} of {len(seen.pictures)} identities", flush=True)
        rows.append(load_file(path)["descriptors"].float())
    return torch.cat(rows)


def discriminants(descriptors: Tensor, count: int, ridge: float) -> tuple[Tensor, Tensor]:
    """Fisher's linear discriminants of identities, with the spread within identities shrunk towards a ball.

    Args:
        descriptors: (I, V, D), V views of each of I identities.
        count: how many directions.
        ridge: what is added to the within-identity variance, as a share of its mean.

    Returns:
        The center (D,) and the directions (D, count): along each, views of one identity vary by about 1.
    """
    means = descriptors.mean(1)
    center = means.mean(0)
    scale = descriptors.flatten(0, 1).std(0) + 1e-3  # the ridge should weigh all parts of a descriptor alike
    inner = ((descriptors - means[:, None]) / scale).flatten(0, 1)
    outer = (means - center) / scale
    within = inner.T @ inner / len(inner)
    within += ridge * within.diagonal().mean() * torch.eye(len(scale))
    root = torch.linalg.cholesky(within)
    whitened = torch.linalg.solve_triangular(root, outer.T, upper=False)
    _, directions = torch.linalg.eigh(whitened @ whitened.T)
    found = torch.linalg.solve_triangular(root.T, directions[:, -count:].flip(1), upper=True)
    return center, found / scale[:, None]


def learn_identity(network: JudgeNetwork, descriptors: Tensor, recipe: Recipe) -> None:
    """Set the network's discriminants from the descriptors (I, V, D) of the identities that it may see."""
    center, directions = discriminants(descriptors, network.identity_width, recipe.ridge)
    network.center.copy_(center)
    network.discriminants.copy_(directions)


def train_style(seen: Views, recipe: Recipe, work: Path) -> JudgeNetwork:
    """The averaged network after ``recipe.steps``; goes on from the checkpoint in ``work``, if any."""
    torch.manual_seed(recipe.seed)
    network, average = JudgeNetwork(), JudgeNetwork()
    average.load_state_dict(network.state_dict())
    decayed = [p for p in network.parameters() if p.dim() > 1]
    plain = [p for p in network.parameters() if p.dim() <= 1]
    groups: list[dict[str, Any]] = [{"params": decayed}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.05)
    checkpoint = work / "checkpoint.safetensors"
    start = _resume(checkpoint, network, average, optimizer) if checkpoint.exists() else 0
    began, losses = time.monotonic(), []
    for step in range(start, recipe.steps):
        random = np.random.default_rng((recipe.seed, step))
        generator = torch.Generator().manual_seed(int(random.integers(2**62)))
        who = random.integers(len(seen.styles), size=recipe.pictures_per_step)
        view = random.integers(recipe.views, size=recipe.pictures_per_step)
        pictures = torch.from_numpy(seen.pictures[who, view]).float() / 255
        style = network.style(disturb(pictures, generator))
        logits = 16 * style @ F.normalize(network.style_prototypes, dim=1).T
        loss = F.cross_entropy(logits, torch.from_numpy(seen.styles[who, view]), label_smoothing=0.05)
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * min(
                1.0, (step + 1) / recipe.warm_up, (recipe.steps - step) / recipe.decay
            )
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimizer.step()
        decay = min(recipe.average, (step + 1) / (step + 10))
        with torch.no_grad():
            for kept, new in zip(average.parameters(), network.parameters(), strict=True):
                kept.lerp_(new, 1 - decay)
        losses.append(float(loss.detach()))
        done = step + 1
        if done % recipe.checkpoint_every == 0 or done == recipe.steps:
            _save(checkpoint, done, network, average, optimizer)
            speed = (time.monotonic() - began) / (done - start)
            print(f"step {done} style {np.mean(losses):.3f} {speed:.2f} s/step", flush=True)
            losses = []
    return average.eval()


def _save(
    path: Path, step: int, network: nn.Module, average: nn.Module, optimizer: torch.optim.Optimizer
) -> None:
    tensors: dict[str, Tensor] = {f"network.{name}": tensor for name, tensor in network.named_parameters()}
    tensors |= {f"average.{name}": tensor for name, tensor in average.named_parameters()}
    moments: dict[int, dict[str, Tensor]] = optimizer.state_dict()["state"]
    for number, state in moments.items():
        tensors |= {f"optimizer.{number}.{name}": tensor for name, tensor in state.items()}
    tensors["step"] = torch.tensor(step)
    write_atomic(path, save({name: tensor.detach().contiguous() for name, tensor in tensors.items()}))


def _resume(path: Path, network: nn.Module, average: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    tensors = load_file(path)
    network.load_state_dict(_part(tensors, "network."), strict=False)  # its buffers are not trained
    average.load_state_dict(_part(tensors, "average."), strict=False)
    states: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _part(tensors, "optimizer.").items():
        number, what = name.split(".")
        states.setdefault(int(number), {})[what] = tensor
    optimizer.load_state_dict({"state": states, "param_groups": optimizer.state_dict()["param_groups"]})
    return int(tensors["step"])


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


# --- measuring -------------------------------------------------------------------------------------------


def measure(network: JudgeNetwork, unseen: Views) -> dict[str, float]:
    """How well the judge knows identities and styles that it was not trained on.

    Returns:
        "style_top1" among all of ``JUDGE_STYLES``. "retrieval_16": how often the nearest of 16 identities,
        all in one style, is the one asked for in another (chance 0.0625). "retrieval_32_mixed": the same
        among 32 identities, each in some style (chance 0.0313). "margin": the mean cosine of two views of an
        identity less that of two identities.
    """
    network.eval()
    count, views = unseen.styles.shape
    with torch.no_grad():
        flat = torch.from_numpy(unseen.pictures).flatten(0, 1)
        parts = [part.float() / 255 for part in torch.split(flat, 64)]
        identity = torch.cat([network.identity(part) for part in parts]).view(count, views, -1)
        style = torch.cat([network.style(part) for part in parts])
    guessed = (style @ F.normalize(network.style_prototypes.detach(), dim=1).T).argmax(1)
    one_style = []
    for first, second in itertools.permutations(range(len(JUDGE_STYLES)), 2):
        there = [unseen.styles == first, unseen.styles == second]
        who = np.flatnonzero(there[0].any(1) & there[1].any(1))[:16]
        if len(who) == 16:
            asked, candidates = (identity[who, place[who].argmax(1)] for place in there)
            one_style.append(_found(asked @ candidates.T))
    mixed, alike, different = [], [], []
    for view in range(views):
        cosines = identity[:, view] @ identity[:, (view + 1) % views].T
        mixed += [_found(cosines[i : i + 32, i : i + 32]) for i in range(0, count, 32)]
        alike.append(float(cosines.diagonal().mean()))
        different.append(float((cosines.sum() - cosines.diagonal().sum()) / (count * (count - 1))))
    return {
        "style_top1": round(float((guessed == torch.from_numpy(unseen.styles).flatten()).float().mean()), 4),
        "retrieval_16": round(float(np.mean(one_style)) if one_style else float("nan"), 4),
        "retrieval_32_mixed": round(float(np.mean(mixed)), 4),
        "margin": round(float(np.mean(alike) - np.mean(different)), 4),
    }


def _found(cosines: Tensor) -> float:
    """The share of rows whose greatest entry is on the diagonal."""
    return float((cosines.argmax(1) == torch.arange(len(cosines))).float().mean())
