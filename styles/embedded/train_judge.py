"""Trains the judge: whose picture is it, whatever the style; and which style is it, whoever is shown.

Identity is learned twice over. By supervised contrast (Khosla et al., "Supervised Contrastive Learning",
2020, eq. 2): the views of an identity in a batch differ in style, pose, framing and background and attract
each other, all others repel. And by drawing: from any view, a linear decoder must recall the identity's
portrait (a tiny clean picture in everybody's pose), which says directly what belongs to the identity.
Style is learned by cosine similarity to one prototype per style.

Everything is a function of (seed, shard) or (seed, step), so a killed training goes on exactly where it was.
"""

from __future__ import annotations

import io
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
from styles.embedded.judge_scenes import Identity, draw_identities, portrait, render
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
        identities_per_step: in a batch, with ``views_per_identity`` pictures each.
        views_per_identity: of the ``views``.
        steps: optimizer steps.
        learning_rate: reached after ``warm_up`` steps; falls to nothing over the last ``decay`` steps.
        temperature: of the contrast.
        portrait_weight: of the recalled portraits against the contrast.
        style_weight: of the style term against the contrast.
        average: decay of the weights' running average, which is what is shipped.
        checkpoint_every: steps between two checkpoints.
    """

    seed: int = 1895
    identities: int = 4096
    unseen: int = 256
    views: int = 6
    identities_per_step: int = 16
    views_per_identity: int = 4
    steps: int = 3000
    learning_rate: float = 2e-3
    warm_up: int = 50
    decay: int = 600
    temperature: float = 0.1
    portrait_weight: float = 2.0
    style_weight: float = 0.4
    average: float = 0.995
    checkpoint_every: int = 100


@dataclass(frozen=True)
class Views:
    """Rendered identities.

    Attributes:
        pictures: (I, V, 3, S, S) uint8.
        styles: (I, V) int64, places in ``JUDGE_STYLES``.
        portraits: (I, 768) float32, the identities' portraits, flattened.
    """

    pictures: NDArray[np.uint8]
    styles: NDArray[np.int64]
    portraits: NDArray[np.float32]


_SHARD = 128


def main(work: Path, recipe: Recipe | None = None) -> None:
    """Render, train, measure, and put ``judge.safetensors`` in place; run again to go on after a stop."""
    recipe = recipe or Recipe()
    work.mkdir(parents=True, exist_ok=True)
    seen = _views(work / "seen", draw_identities(recipe.identities, recipe.seed), recipe)
    unseen = _views(work / "unseen", draw_identities(recipe.unseen, recipe.seed + 1), recipe)
    network = train(seen, unseen, recipe, work)
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
    portraits = np.stack([portrait(identity).ravel() for identity in identities]).astype(np.float32)
    return Views(np.concatenate(pictures), np.concatenate(styles), portraits)


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


def contrast(embeddings: Tensor, owners: Tensor, temperature: float) -> Tensor:
    """Supervised contrast L_out (Khosla et al. 2020, eq. 2), mean over the batch.

    Args:
        embeddings: (N, D), L2-normalized.
        owners: (N,) long; equal numbers are one identity, and each occurs at least twice.
        temperature: τ > 0.
    """
    itself = torch.eye(len(owners), dtype=torch.bool)
    logits = (embeddings @ embeddings.T / temperature).masked_fill(itself, float("-inf"))
    log_share = logits - logits.logsumexp(1, keepdim=True)
    same = (owners[:, None] == owners[None]) & ~itself
    return -(log_share.masked_fill(~same, 0).sum(1) / same.sum(1)).mean()


def train(seen: Views, unseen: Views, recipe: Recipe, work: Path) -> JudgeNetwork:
    """The averaged network after ``recipe.steps``; goes on from the checkpoint in ``work``, if any."""
    torch.manual_seed(recipe.seed)
    center, spread = seen.portraits.mean(0), seen.portraits.std(0) + 0.05
    portraits = torch.from_numpy((seen.portraits - center) / spread)
    network, average = JudgeNetwork(), JudgeNetwork()
    average.load_state_dict(network.state_dict())
    recall = nn.Sequential(nn.LayerNorm(256), nn.Linear(256, portraits.shape[1]))
    learning = nn.ModuleDict({"network": network, "recall": recall})
    decayed = [p for p in learning.parameters() if p.dim() > 1]
    plain = [p for p in learning.parameters() if p.dim() <= 1]
    groups: list[dict[str, Any]] = [{"params": decayed}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.05)
    checkpoint = work / "checkpoint.safetensors"
    start = _resume(checkpoint, learning, average, optimizer) if checkpoint.exists() else 0
    began, losses = time.monotonic(), []
    for step in range(start, recipe.steps):
        random = np.random.default_rng((recipe.seed, step))
        generator = torch.Generator().manual_seed(int(random.integers(2**62)))
        who = random.choice(len(seen.pictures), recipe.identities_per_step, replace=False)
        views = np.stack([random.permutation(recipe.views)[: recipe.views_per_identity] for _ in who])
        images = torch.from_numpy(seen.pictures[who[:, None], views]).flatten(0, 1).float() / 255
        styles = torch.from_numpy(seen.styles[who[:, None], views]).flatten()
        owners = torch.arange(len(who)).repeat_interleave(recipe.views_per_identity)
        images = disturb(images, generator)
        pooled = network.pooled(images)
        identity = F.normalize(network.identity_head(pooled), dim=1)
        identity_loss = contrast(identity, owners, recipe.temperature)
        recalled = recall(pooled).view(*views.shape, -1)
        portrait_loss = F.mse_loss(recalled, portraits[who][:, None].expand_as(recalled))
        half = slice(None, None, 2)  # style is learned sooner than identity: half of the pictures do
        style_logits = 16 * network.style(images[half]) @ F.normalize(network.style_prototypes, dim=1).T
        style_loss = F.cross_entropy(style_logits, styles[half], label_smoothing=0.05)
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * min(
                1.0, (step + 1) / recipe.warm_up, (recipe.steps - step) / recipe.decay
            )
        optimizer.zero_grad()
        loss = identity_loss + recipe.portrait_weight * portrait_loss + recipe.style_weight * style_loss
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(learning.parameters(), 2.0)
        optimizer.step()
        decay = min(recipe.average, (step + 1) / (step + 10))
        with torch.no_grad():
            for kept, new in zip(average.parameters(), network.parameters(), strict=True):
                kept.lerp_(new, 1 - decay)
            for buffer, current in zip(average.buffers(), network.buffers(), strict=True):
                buffer.copy_(current)
        losses.append([float(part.detach()) for part in (identity_loss, portrait_loss, style_loss)])
        done = step + 1
        if done % recipe.checkpoint_every == 0 or done == recipe.steps:
            _save(checkpoint, done, learning, average, optimizer)
            means = " ".join(f"{mean:.3f}" for mean in np.mean(losses, 0))
            speed = (time.monotonic() - began) / (done - start)
            note = f"step {done} contrast, portrait, style {means} {speed:.2f} s/step"
            if done % (5 * recipe.checkpoint_every) == 0:
                note += f" {json.dumps(measure(average, unseen))}"
            print(note, flush=True)
            losses = []
    return average.eval()


def _save(
    path: Path, step: int, learning: nn.Module, average: nn.Module, optimizer: torch.optim.Optimizer
) -> None:
    tensors = {f"learning.{name}": tensor for name, tensor in learning.state_dict().items()}
    tensors |= {f"average.{name}": tensor for name, tensor in average.state_dict().items()}
    for number, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": tensor for name, tensor in state.items()}
    tensors["step"] = torch.tensor(step)
    write_atomic(path, save({name: tensor.contiguous() for name, tensor in tensors.items()}))


def _resume(path: Path, learning: nn.Module, average: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    tensors = load_file(path)
    learning.load_state_dict(_part(tensors, "learning."))
    average.load_state_dict(_part(tensors, "average."))
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
        "style_top1" among all of ``JUDGE_STYLES``; "retrieval_32" and "retrieval_all", the share of views
        whose nearest, among one view each of 32 or of all unseen identities in another style, is of the same
        identity; and "margin", the mean cosine of two views of one identity less that of two identities.
    """
    network.eval()
    count, views = unseen.styles.shape
    with torch.no_grad():
        flat = torch.from_numpy(unseen.pictures).flatten(0, 1)
        parts = [part.float() / 255 for part in torch.split(flat, 64)]
        identity = torch.cat([network.identity(part) for part in parts]).view(count, views, -1)
        style = torch.cat([network.style(part) for part in parts])
    guessed = (style @ F.normalize(network.style_prototypes.detach(), dim=1).T).argmax(1)
    right = {32: 0.0, count: 0.0}
    alike, different = [], []
    for query in range(views):
        cosines = identity[:, query] @ identity[:, (query + 1) % views].T
        for among in right:
            parts = [cosines[i : i + among, i : i + among] for i in range(0, count - among + 1, among)]
            hits = torch.cat([part.argmax(1) == torch.arange(among) for part in parts])
            right[among] += float(hits.float().mean()) / views
        alike.append(cosines.diagonal().mean())
        different.append((cosines.sum() - cosines.diagonal().sum()) / (count * (count - 1)))
    return {
        "style_top1": round(float((guessed == torch.from_numpy(unseen.styles).flatten()).float().mean()), 4),
        "retrieval_32": round(right[32], 4),
        "retrieval_all": round(right[count], 4),
        "margin": round(float(torch.stack(alike).mean() - torch.stack(different).mean()), 4),
    }
