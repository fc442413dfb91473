"""Trains the embedded CLIP on drawn scenes in every style, then makes it robust.

First contrast: a sigmoid loss (Zhai et al. 2023, "Sigmoid Loss for Language Image Pre-Training") over all
pairs of pictures and statements of a batch, where every pair that is true counts as one; a batch of few
styles would otherwise be full of false negatives. Then robustness: the tower is tuned so that pictures under
attack keep the embeddings of clean ones (Schlarmann et al. 2024, "Robust CLIP", FARE), here within L2 balls.

Everything is a function of (seed, chunk) or (seed, step), so a killed training goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from pages.files import atomic_file, replaces_folder, write_atomic
from styles.embedded.captions import MOODS, STYLES
from styles.embedded.clip_model import IMAGE_SIZE, build_clip, clip_config, write_settings
from styles.embedded.contents import (
    ALL_STYLES,
    MOOD_NAMES,
    PORTRAIT,
    Statement,
    content_text,
    kept_aside,
    statements,
    style_text,
    vocabulary,
)
from styles.embedded.renderers import RENDERERS, Picture, Variation, in_mood
from styles.embedded.roughs import color_rough, pencil_rough
from styles.embedded.scenes import SETTING_NAMES, SUBJECT_NAMES, Scenes, draw_scene
from styles.registry import seal
from styles.screens import screens
from styles.vocabulary import UNKNOWN, Vocabulary

_SUBJECTS = SUBJECT_NAMES.index("still life")


@dataclass(frozen=True)
class Recipe:
    """How the embedded CLIP is trained.

    Attributes:
        seed: of everything random.
        chunks: rendered files.
        scenes: scenes in each of them.
        renderings: pictures of each style in each of them.
        stored: side of a stored picture in pixels.
        first_chunks: how many must be there before the first step; another joins every ``chunk_every`` steps.
        batch: pictures in a step.
        contrast_steps: steps of the sigmoid loss.
        learning_rate: of these; it falls to zero over the last ``decay`` share.
        robust_steps: steps of the adversarial tuning.
        robust_batch: pictures in one of them.
        robust_rate: their learning rate, falling to zero.
        radius: of the L2 ball of the attack, in pixels of value 1 at 128 px.
        average: decay of the running average of the parameters, which is what is shipped.
    """

    seed: int = 77
    chunks: int = 64
    scenes: int = 32
    renderings: int = 8
    stored: int = 160
    first_chunks: int = 6
    chunk_every: int = 12
    batch: int = 64
    contrast_steps: int = 1500
    learning_rate: float = 1.5e-3
    decay: float = 0.4
    robust_steps: int = 280
    robust_batch: int = 40
    robust_rate: float = 3e-4
    radius: float = 1.0
    average: float = 0.996


def seeded(*keys: object) -> torch.Generator:
    """A generator whose state depends on the keys alone."""
    digest = hashlib.sha256(repr(keys).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


def draw_scenes(numbers: list[tuple[int, int]], size: int, generator: torch.Generator) -> Scenes:
    """Scenes of chosen (subject, setting) pairs."""
    seeds = torch.randint(2**40, (len(numbers),), generator=generator).tolist()
    drawn = [draw_scene(*pair, size, seed) for pair, seed in zip(numbers, seeds, strict=True)]
    color, flat, lines, shade = (torch.stack(part) for part in zip(*drawn, strict=True))
    return Scenes(
        color,
        flat,
        lines,
        shade,
        ("",) * len(numbers),
        tuple(p[0] for p in numbers),
        tuple(p[1] for p in numbers),
    )


def take(scenes: Scenes, index: Tensor) -> Scenes:
    """Some of the scenes."""
    chosen = index.tolist()
    return Scenes(
        scenes.color[index],
        scenes.flat[index],
        scenes.lines[index],
        scenes.shade[index],
        tuple(scenes.captions[k] for k in chosen),
        tuple(scenes.subjects[k] for k in chosen),
        tuple(scenes.settings[k] for k in chosen),
    )


def render(
    scenes: Scenes, planes: Tensor, origins: Tensor, style: int, mood: int, generator: torch.Generator
) -> Tensor:
    """The scenes in a style of ALL_STYLES and a light of MOOD_NAMES, (N, 3, H, W) in [0, 1].

    Args:
        planes: ``styles.screens`` at ``origins``, as large as the scenes.
    """
    name = ALL_STYLES[style]
    if name == "pencil":
        return pencil_rough(scenes, generator)
    if name == "rough":
        return color_rough(scenes, generator)
    if name == "plain":
        return scenes.color
    picture = Picture(scenes.color, scenes.flat, scenes.lines, planes, origins)
    if mood:
        picture = in_mood(picture, MOOD_NAMES[mood])
    return RENDERERS[name](picture, Variation(len(scenes), 1.0, generator)).clamp(0, 1)


def random_pairs(count: int, chance: Random) -> list[tuple[int, int]]:
    """(subject, setting) pairs to train on: never those kept aside."""
    pairs: list[tuple[int, int]] = []
    while len(pairs) < count:
        if chance.random() < 0.08:
            pairs.append((_SUBJECTS + chance.randrange(3), PORTRAIT))
            continue
        setting = PORTRAIT if chance.random() < 0.14 else chance.randrange(len(SETTING_NAMES) - 1)
        pair = (chance.randrange(_SUBJECTS), setting)
        if not kept_aside(*pair):
            pairs.append(pair)
    return pairs


def _render_chunk(work: Path, recipe: Recipe, chunk: int) -> None:
    generator = seeded("clip chunk", recipe.seed, chunk)
    chance = Random(chunk * 1009 + recipe.seed)
    size = (160, 224, 160, 288, 192)[chunk % 5]
    origins = torch.randint(4096, (recipe.renderings, 2), generator=generator)
    planes = screens(origins, size, size)
    scenes = draw_scenes(random_pairs(recipe.scenes, chance), size, generator)
    pictures, labels = [], []
    for style in range(len(ALL_STYLES)):
        index = torch.randperm(recipe.scenes, generator=generator)[: recipe.renderings]
        chosen = take(scenes, index)
        mood = 1 + chance.randrange(len(MOODS)) if chance.random() < 0.22 and style < len(STYLES) else 0
        if style < len(STYLES) and chance.random() < 0.1:
            gray = (1 - 0.8 * chosen.shade).expand(-1, 3, -1, -1)
            chosen = Scenes(
                gray, gray, chosen.lines, chosen.shade, chosen.captions, chosen.subjects, chosen.settings
            )
        drawn = render(chosen, planes, origins, style, mood, generator)
        if size != recipe.stored:
            drawn = functional.interpolate(drawn, (recipe.stored,) * 2, mode="bilinear", antialias=True)
        pictures.append((drawn.clamp(0, 1) * 255).round().byte())
        labels += [
            (style, what, where, mood) for what, where in zip(chosen.subjects, chosen.settings, strict=True)
        ]
    with atomic_file(work / f"labels-{chunk:03d}.npy") as file:
        np.save(file, np.array(labels, dtype=np.int64))
    with atomic_file(work / f"pictures-{chunk:03d}.npy") as file:
        np.save(file, torch.cat(pictures).numpy())


def _render_all(work: Path, recipe: Recipe, parent: int) -> None:
    torch.set_num_threads(1)
    for chunk in range(recipe.chunks):
        if os.getppid() != parent:
            return
        if not (work / f"pictures-{chunk:03d}.npy").exists():
            _render_chunk(work, recipe, chunk)


class _Data:
    """The rendered pictures, while they are still being rendered."""

    def __init__(self, work: Path, recipe: Recipe) -> None:
        self._work, self._recipe = work, recipe
        self._pictures: list[Any] = []
        self._labels: list[Any] = []

    def batch(self, step: int, count: int) -> tuple[Tensor, Tensor]:
        """Pictures (N, 3, stored, stored) and labels (N, 4): style, subject, setting, mood."""
        recipe = self._recipe
        there = min(recipe.chunks, recipe.first_chunks + step // recipe.chunk_every)
        while len(self._pictures) < there:
            path = self._work / f"pictures-{len(self._pictures):03d}.npy"
            while not path.exists():
                time.sleep(0.5)
            self._pictures.append(np.load(path, mmap_mode="r"))
            self._labels.append(np.load(self._work / path.name.replace("pictures", "labels")))
        generator = seeded("clip batch", recipe.seed, step)
        chunks = torch.randint(there, (count,), generator=generator).tolist()
        places = torch.randint(len(self._pictures[0]), (count,), generator=generator).tolist()
        pictures = np.stack([self._pictures[c][p] for c, p in zip(chunks, places, strict=True)])
        labels = np.stack([self._labels[c][p] for c, p in zip(chunks, places, strict=True)])
        return torch.from_numpy(pictures).float() / 255, torch.from_numpy(labels)


def augment(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Random crops, turns, mirror images, mild color, blur and noise, (N, 3, 128, 128) in [0, 1]."""
    count = len(pictures)

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, 1, 1, 1, generator=generator)

    side = uniform(0.62, 1.0).flatten()
    turn = uniform(-0.08, 0.08).flatten()
    mirror = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
    shift = (2 * torch.rand(count, 2, generator=generator) - 1) * (1 - side)[:, None]
    rows = torch.stack(
        (
            torch.stack((side * turn.cos() * mirror, -side * turn.sin(), shift[:, 0]), 1),
            torch.stack((side * turn.sin() * mirror, side * turn.cos(), shift[:, 1]), 1),
        ),
        1,
    )
    grid = functional.affine_grid(rows, [count, 3, IMAGE_SIZE, IMAGE_SIZE], align_corners=False)
    x = functional.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)
    blurred = functional.avg_pool2d(functional.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    x = x + (blurred - x) * uniform(0, 1) * (uniform(0, 1) < 0.3)
    gray = x.mean(1, keepdim=True)
    x = gray + (x - gray) * uniform(0.75, 1.25)
    x = (x - 0.5) * uniform(0.85, 1.12) + 0.5 + uniform(-0.06, 0.06)
    x = x * (1 + 0.05 * torch.randn(count, 3, 1, 1, generator=generator))
    noise = torch.randn(x.shape, generator=generator) * uniform(0, 0.05) * (uniform(0, 1) < 0.4)
    return (x + noise).clamp(0, 1)


def encode(texts: list[str], words: Vocabulary, length: int, chance: Random) -> Tensor:
    """Texts as word numbers; one in eight has a word that the model is not to know."""
    rows = words.encode(texts, length)
    for row in rows:
        count = int((row > UNKNOWN).sum()) - 1
        if count > 2 and chance.random() < 0.125:
            row[chance.randrange(count)] = UNKNOWN
    return rows


def truths(said: list[Statement], labels: Tensor) -> Tensor:
    """(N, T): whether statement t is true of picture n."""
    claims = torch.tensor(
        [[-1 if c is None else c for c in (s.style, s.subject, s.setting, s.mood)] for s in said]
    )
    return ((claims[None] < 0) | (claims[None] == labels[:, None])).all(-1)


def sigmoid_loss(images: Tensor, texts: Tensor, true: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    """Mean over pictures of -Σ log σ(±(scale cos + bias)), + where the pair is true (Zhai et al. 2023)."""
    logits = scale * functional.normalize(images, dim=-1) @ functional.normalize(texts, dim=-1).T + bias
    sign = true.to(logits.dtype) * 2 - 1
    return -functional.logsigmoid(sign * logits).sum() / len(images)


def attack(
    model: Any, pictures: Tensor, clean: Tensor, radius: float, steps: int, generator: torch.Generator
) -> Tensor:
    """Pictures within an L2 ball around the given ones, embedded far from ``clean`` (unit vectors)."""

    def unit(x: Tensor) -> Tensor:
        length: Tensor = x.flatten(1).norm(dim=1).clamp_min(1e-12)
        return x / length[:, None, None, None]

    start = unit(torch.randn(pictures.shape, generator=generator))
    change = start * radius * torch.rand(len(pictures), 1, 1, 1, generator=generator)
    pace = radius * 2.0 / steps
    for _ in range(steps):
        change = change.detach().requires_grad_()
        found = functional.normalize(model.encode_image(pictures + change), dim=-1)
        (gradient,) = torch.autograd.grad((found * clean).sum(), change)
        change = change.detach() - pace * unit(gradient)
        length = change.flatten(1).norm(dim=1)[:, None, None, None]
        change = change * (radius / length.clamp_min(1e-12)).clamp(max=1)
        change = (pictures + change).clamp(0, 1) - pictures
    return (pictures + change).detach()


def main(work: Path, recipe: Recipe | None = None) -> None:
    """Render, train, and put the weights in place; run again to go on after a stop."""
    recipe = recipe or Recipe()
    work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    renderer = multiprocessing.get_context("spawn").Process(
        target=_render_all, args=(work, recipe, os.getpid()), daemon=True
    )
    renderer.start()
    words = vocabulary()
    config = clip_config(len(words))
    torch.manual_seed(recipe.seed)
    model = build_clip(config).to(memory_format=torch.channels_last)
    average = {name: value.detach().clone() for name, value in model.named_parameters()}
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, weight_decay=0.02, betas=(0.9, 0.98)
    )
    data = _Data(work, recipe)
    total = recipe.contrast_steps + recipe.robust_steps
    first = _resume(work, model, average, optimizer)
    teacher = None
    started = time.time()
    for step in range(first, total):
        robust = step >= recipe.contrast_steps
        if step == recipe.contrast_steps:
            _put(model, average)
            save_file(dict(average), work / "teacher.safetensors")
            optimizer.state.clear()
        if robust and teacher is None:
            teacher = build_clip(config).to(memory_format=torch.channels_last).requires_grad_(False)
            _put(teacher, load_file(work / "teacher.safetensors"))
            _freeze_text(model)
        for group in optimizer.param_groups:
            group["lr"] = _rate(step, recipe)
        loss, found = (
            _robust_step(model, teacher, data, words, recipe, step)
            if robust
            else _contrast_step(model, data, words, recipe, step)
        )
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        kept = min(recipe.average, (step + 1) / (step + 10))
        for name, value in model.named_parameters():
            average[name].lerp_(value.detach(), 1 - kept)
        if (step + 1) % 20 == 0:
            pace = (time.time() - started) / (step + 1 - first)
            left = pace * (total - step - 1) / 60
            print(
                f"step {step + 1} loss {loss.item():.4f} {found} {pace:.2f} s/step {left:.0f} min left",
                flush=True,
            )
        if (step + 1) % 60 == 0 or step + 1 == total:
            _save(work, model, average, optimizer, step + 1)
    _ship(average, config, words)


def _rate(step: int, recipe: Recipe) -> float:
    if step >= recipe.contrast_steps:
        done = (step - recipe.contrast_steps) / recipe.robust_steps
        return recipe.robust_rate * min(1.0, done * 20 + 0.05) * (1 - done)
    falling = recipe.contrast_steps * recipe.decay
    return recipe.learning_rate * min(1.0, (step + 1) / 100, (recipe.contrast_steps - step) / falling)


def _contrast_step(
    model: Any, data: _Data, words: Vocabulary, recipe: Recipe, step: int
) -> tuple[Tensor, str]:
    generator, chance = seeded("clip step", recipe.seed, step), Random(step)
    pictures, labels = data.batch(step, recipe.batch)
    said = [
        statement
        for label in labels.tolist()
        for statement in statements(label[0], label[1], label[2], label[3], chance)
    ]
    x = augment(pictures, generator).contiguous(memory_format=torch.channels_last)
    images = model.encode_image(x)
    texts = model.encode_text(encode([s.text for s in said], words, model.context_length, chance))
    true = truths(said, labels)
    loss = sigmoid_loss(images, texts, true, model.logit_scale.exp(), model.logit_bias)
    return loss, _probe(model, images, labels, words) if (step + 1) % 20 == 0 else ""


@torch.no_grad()
def _probe(model: Any, images: Tensor, labels: Tensor, words: Vocabulary) -> str:
    """How many pictures of the batch find their style and their content among all of the batch's."""
    chance = Random(0)
    images = functional.normalize(images.detach(), dim=-1)
    asked = [style_text(style, chance) for style in range(len(ALL_STYLES))]
    styles = functional.normalize(model.encode_text(words.encode(asked, model.context_length)), dim=-1)
    right = ((images @ styles.T).argmax(1) == labels[:, 0]).float().mean()
    pairs = sorted({(what, where) for _, what, where, _ in labels.tolist()})
    shown = [content_text(what, where, chance) for what, where in pairs]
    contents = functional.normalize(model.encode_text(words.encode(shown, model.context_length)), dim=-1)
    wanted = torch.tensor([pairs.index((what, where)) for _, what, where, _ in labels.tolist()])
    found = ((images @ contents.T).argmax(1) == wanted).float().mean()
    return f"style {right:.2f} content {found:.2f} of {len(pairs)} scale {model.logit_scale.exp():.1f}"


def _robust_step(
    model: Any, teacher: Any, data: _Data, words: Vocabulary, recipe: Recipe, step: int
) -> tuple[Tensor, str]:
    generator, chance = seeded("clip step", recipe.seed, step), Random(step)
    pictures, labels = data.batch(step, recipe.robust_batch)
    x = augment(pictures, generator).contiguous(memory_format=torch.channels_last)
    said = [
        statement
        for label in labels.tolist()
        for statement in statements(label[0], label[1], label[2], label[3], chance)
    ]
    with torch.no_grad():
        goal = functional.normalize(teacher.encode_image(x), dim=-1)
        texts = model.encode_text(encode([s.text for s in said], words, model.context_length, chance))
    radius = recipe.radius * (0.4 + 0.6 * torch.rand(1, generator=generator).item())
    attacked = attack(model, x, goal, radius, 2, generator)
    both = functional.normalize(model.encode_image(torch.cat((x, attacked))), dim=-1)
    clean, moved = both.chunk(2)
    kept, held = 1 - (clean * goal).sum(-1).mean(), 1 - (moved * goal).sum(-1).mean()
    told = sigmoid_loss(moved, texts, truths(said, labels), model.logit_scale.exp(), model.logit_bias)
    probed = _probe(model, moved, labels, words) if (step + 1) % 20 == 0 else ""
    return 10 * (kept + held) + told, f"clean {kept:.3f} attacked {held:.3f} {probed}"


def _freeze_text(model: Any) -> None:
    for name, value in model.named_parameters():
        value.requires_grad_(name.startswith("visual."))


@torch.no_grad()
def _put(model: Any, values: dict[str, Tensor]) -> None:
    for name, value in model.named_parameters():
        value.copy_(values[name])


def _save(
    work: Path, model: Any, average: dict[str, Tensor], optimizer: torch.optim.Optimizer, step: int
) -> None:
    tensors = {f"average.{name}": value for name, value in average.items()}
    for name, value in model.named_parameters():
        tensors[f"model.{name}"] = value.detach()
        state = optimizer.state.get(value, {})
        tensors |= {f"adam.{key}.{name}": state[key] for key in state}
    with replaces_folder(work / "checkpoint") as folder:
        save_file({key: value.contiguous() for key, value in tensors.items()}, folder / "state.safetensors")
        write_atomic(folder / "state.json", json.dumps({"step": step}).encode())


def _resume(work: Path, model: Any, average: dict[str, Tensor], optimizer: torch.optim.Optimizer) -> int:
    if not (work / "checkpoint" / "state.json").exists():
        return 0
    tensors = load_file(work / "checkpoint" / "state.safetensors")
    _put(
        model,
        {key.removeprefix("model."): value for key, value in tensors.items() if key.startswith("model.")},
    )
    for name, value in model.named_parameters():
        average[name].copy_(tensors[f"average.{name}"])
        if f"adam.exp_avg.{name}" in tensors:
            optimizer.state[value] = {
                key: tensors[f"adam.{key}.{name}"].contiguous(memory_format=_like(value, key))
                for key in ("exp_avg", "exp_avg_sq", "step")
            }
    step: int = json.loads((work / "checkpoint" / "state.json").read_text(encoding="utf-8"))["step"]
    return step


def _like(value: Tensor, key: str) -> torch.memory_format:
    return torch.channels_last if value.dim() == 4 and key != "step" else torch.contiguous_format


def _ship(average: dict[str, Tensor], config: dict[str, Any], words: Vocabulary) -> None:
    half = {name: value.to(torch.float16).contiguous() for name, value in average.items()}
    save_file(half, Path(__file__).parent / "clip.safetensors")
    write_settings(config, words)
    seal("clip", "clip.safetensors")
