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
import time
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save, save_file
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
from styles.embedded.renderers import RENDERERS, Picture, Variation, in_mood, thicken
from styles.embedded.roughs import color_rough, pencil_rough
from styles.embedded.scenes import SETTING_NAMES, SUBJECT_NAMES, Scenes, draw_scene
from styles.embedded.variants import render_variant
from styles.registry import seal
from styles.screens import screens
from styles.vocabulary import UNKNOWN, Vocabulary

_SUBJECTS = SUBJECT_NAMES.index("still life")
_SHARPNESS = 20.0
_WIDEST = 1.8  # variation of the renderers: another's rendering of a style differs by more than ours do
_CHOICES = len(ALL_STYLES) + len(SUBJECT_NAMES) + len(SETTING_NAMES)


@dataclass(frozen=True)
class Recipe:
    """How the embedded CLIP is trained.

    Attributes:
        seed: of everything random.
        chunks: rendered files.
        second_hand_chunks: more of them, whose styles are drawn by ``variants``.
        scenes: scenes in each of them.
        renderings: pictures of each style in each of them.
        stored: side of a stored picture in pixels.
        batch: pictures in a step of the first two parts.
        small_steps: steps on pictures of half the size, a quarter of the work, where contents are learned.
        contrast_steps: steps at full size, with the sigmoid loss.
        robust_steps: steps of the adversarial tuning.
        robust_batch: pictures in one of them.
        small_rate, contrast_rate, robust_rate: their learning rates; each falls towards its part's end.
        radius: of the L2 ball of the attack, in pixels of value 1 at 128 px.
        average: decay of the running average of the parameters, which is what is shipped.
    """

    seed: int = 77
    chunks: int = 120
    second_hand_chunks: int = 60
    scenes: int = 32
    renderings: int = 8
    stored: int = 160
    batch: int = 64
    small_steps: int = 6000
    contrast_steps: int = 4500
    robust_steps: int = 250
    robust_batch: int = 32
    small_rate: float = 2e-3
    contrast_rate: float = 1e-3
    robust_rate: float = 3e-4
    radius: float = 1.0
    average: float = 0.99


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
    scenes: Scenes,
    planes: Tensor,
    origins: Tensor,
    style: int,
    mood: int,
    generator: torch.Generator,
    *,
    variation: float = 1.0,
    second_hand: bool = False,
) -> Tensor:
    """The scenes in a style of ALL_STYLES and a light of MOOD_NAMES, (N, 3, H, W) in [0, 1].

    Args:
        planes: ``styles.screens`` at ``origins``, as large as the scenes.
        variation: amount of a renderer's ``Variation``.
        second_hand: use the renderers of ``variants``.
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
    if second_hand:
        return render_variant(name, picture, generator)
    return RENDERERS[name](picture, Variation(len(scenes), variation, generator)).clamp(0, 1)


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
        if chance.random() < 0.25:
            thick = thicken(chosen.lines, 1)
            chosen = replace(chosen, lines=chosen.lines + (thick - chosen.lines) * chance.random())
        drawn = render(
            chosen,
            planes,
            origins,
            style,
            mood,
            generator,
            variation=chance.uniform(0.8, _WIDEST),
            second_hand=chunk >= recipe.chunks,
        )
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


class _Data:
    """The rendered pictures; what is missing is rendered first."""

    def __init__(self, work: Path, recipe: Recipe) -> None:
        self._seed = recipe.seed
        self._pictures, self._labels = [], []
        chunks = recipe.chunks + recipe.second_hand_chunks
        for chunk in range(chunks):
            path = work / f"pictures-{chunk:03d}.npy"
            if not path.exists():
                _render_chunk(work, recipe, chunk)
                print(f"pictures {chunk + 1} of {chunks}", flush=True)
            self._pictures.append(np.load(path, mmap_mode="r"))
            self._labels.append(np.load(work / f"labels-{chunk:03d}.npy"))

    def batch(self, step: int, count: int) -> tuple[Tensor, Tensor]:
        """Pictures (N, 3, stored, stored) and labels (N, 4): style, subject, setting, mood."""
        generator = seeded("clip batch", self._seed, step)
        chunks = torch.randint(len(self._pictures), (count,), generator=generator).tolist()
        places = torch.randint(len(self._pictures[0]), (count,), generator=generator).tolist()
        pictures = np.stack([self._pictures[c][p] for c, p in zip(chunks, places, strict=True)])
        labels = np.stack([self._labels[c][p] for c, p in zip(chunks, places, strict=True)])
        return torch.from_numpy(pictures).float() / 255, torch.from_numpy(labels)


def augment(pictures: Tensor, generator: torch.Generator, *, size: int = IMAGE_SIZE) -> Tensor:
    """Random crops, turns, mirror images, mild color, blur and noise, (N, 3, size, size) in [0, 1]."""
    if 2 * size <= pictures.shape[-1]:
        pictures = functional.avg_pool2d(pictures, 2)
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
    grid = functional.affine_grid(rows, [count, 3, size, size], align_corners=False)
    x = functional.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)
    blurred = functional.avg_pool2d(functional.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    x = x + (blurred - x) * uniform(0, 1) * (uniform(0, 1) < 0.3)
    gray = x.mean(1, keepdim=True)
    x = gray + (x - gray) * uniform(0.6, 1.4)
    x = (x - 0.5) * uniform(0.75, 1.2) + 0.5 + uniform(-0.08, 0.08)
    x = x * (1 + 0.06 * torch.randn(count, 3, 1, 1, generator=generator))
    noise = torch.randn(x.shape, generator=generator) * uniform(0, 0.06) * (uniform(0, 1) < 0.4)
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
    data = _Data(work, recipe)
    words = vocabulary()
    config = clip_config(len(words))
    torch.manual_seed(recipe.seed)
    model = build_clip(config).to(memory_format=torch.channels_last)
    _standardize(model, data, recipe)
    average = {name: value.detach().clone() for name, value in model.named_parameters()}
    optimizer = _optimizer(model)
    learned = recipe.small_steps + recipe.contrast_steps
    total = learned + recipe.robust_steps
    first = _resume(work, model, average, optimizer)
    teacher = None
    started = time.time()
    for step in range(first, total):
        if step == learned:
            _put(model, average)
            packed = {name: value.contiguous() for name, value in average.items()}
            save_file(packed, work / "teacher.safetensors")
            optimizer.state.clear()
        if step >= learned and teacher is None:
            teacher = build_clip(config).to(memory_format=torch.channels_last).requires_grad_(False)
            _put(teacher, load_file(work / "teacher.safetensors"))
            _freeze_text(model)
        for group in optimizer.param_groups:
            group["lr"] = _rate(step, recipe) * group["share"]
        if step < recipe.small_steps:
            loss, found = _small_step(model, data, words, recipe, step)
        elif step < learned:
            loss, found = _contrast_step(model, data, words, recipe, step)
        else:
            loss, found = _robust_step(model, teacher, data, words, recipe, step)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        kept = min(recipe.average, (step + 1) / (step + 10))
        for name, value in model.named_parameters():
            average[name].lerp_(value.detach(), 1 - kept)
        if (step + 1) % 20 == 0:
            pace = (time.time() - started) / (step + 1 - first)
            print(f"step {step + 1} loss {loss.item():.4f} {found} {pace:.2f} s/step", flush=True)
        if (step + 1) % 60 == 0 or step + 1 == total:
            _save(work, model, average, optimizer, step + 1)
    _ship(average, config, words)


@torch.no_grad()
def _standardize(model: Any, data: _Data, recipe: Recipe) -> None:
    """Start with features of mean 0 and deviation 1 over pictures (Salimans & Kingma 2016, data-dependent).

    Otherwise all pictures start as nearly one point of the sphere and take long to leave it.
    """
    pictures, _ = data.batch(-1, 256)
    tower = model.visual.trunk
    features = tower(augment(pictures, seeded("standardize", recipe.seed), size=IMAGE_SIZE // 2))
    deviation = features.std(0).clamp_min(1e-3)
    tower.norm.weight.copy_(1 / deviation)
    tower.norm.bias.copy_(-features.mean(0) / deviation)


def _optimizer(model: Any) -> torch.optim.Optimizer:
    """The text tower learns more slowly: its captions must not run away from the pictures."""
    tower = [value for name, value in model.named_parameters() if name.startswith("visual.")]
    others = [value for name, value in model.named_parameters() if not name.startswith("visual.")]
    groups = [{"params": tower, "share": 1.0}, {"params": others, "share": 0.5}]
    return torch.optim.AdamW(groups, lr=1.0, weight_decay=0.02, betas=(0.9, 0.98))


def _rate(step: int, recipe: Recipe) -> float:
    """Each part starts with a short rise; the first falls to its half, the others to nothing."""
    if step < recipe.small_steps:
        fall = 1 - 0.5 * max(0.0, 2 * step / recipe.small_steps - 1)
        return recipe.small_rate * min(1.0, (step + 1) / 60) * fall
    step -= recipe.small_steps
    if step < recipe.contrast_steps:
        return recipe.contrast_rate * min(1.0, (step + 1) / 20) * (1 - step / recipe.contrast_steps)
    step -= recipe.contrast_steps
    return recipe.robust_rate * min(1.0, (step + 1) / 10) * (1 - step / recipe.robust_steps)


def _small_step(model: Any, data: _Data, words: Vocabulary, recipe: Recipe, step: int) -> tuple[Tensor, str]:
    """Pictures of half the size, and texts, each learn to point to the same fixed anchors.

    Two towers that start from nothing chase each other; an orthogonal direction for every style, subject and
    setting gives both something to hold on to.
    """
    generator, chance = seeded("clip step", recipe.seed, step), Random(step)
    pictures, labels = data.batch(step, recipe.batch)
    x = augment(pictures, generator, size=IMAGE_SIZE // 2).contiguous(memory_format=torch.channels_last)
    directions = torch.linalg.qr(
        torch.randn(model.text_projection.shape[1], 64, generator=seeded("anchors"))
    ).Q.T[:_CHOICES]
    few = labels[: recipe.batch // 4].tolist()
    said = [chance.choice(statements(style, what, where, mood, chance)) for style, what, where, mood in few]
    claims = torch.tensor([[-1 if c is None else c for c in (s.style, s.subject, s.setting)] for s in said])
    texts = model.encode_text(encode([s.text for s in said], words, model.context_length, chance))
    shown = _choices_losses(model.encode_image(x), labels, directions)
    told = _choices_losses(texts, claims, directions)
    return torch.stack(shown + told).sum(), " ".join(f"{loss.item():.2f}" for loss in shown + told)


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
    loss = 0.25 * sigmoid_loss(images, texts, true, model.logit_scale.exp(), model.logit_bias)
    loss = loss + torch.stack(_choices_losses(images, labels, _spoken(model, words, chance))).sum()
    return loss, _probe(model, images, labels, words) if (step + 1) % 20 == 0 else ""


def _choices_losses(found: Tensor, labels: Tensor, directions: Tensor) -> list[Tensor]:
    """Cross-entropies of choosing among all styles, all subjects and all settings.

    The sigmoid loss alone learns contents late: most of its pairs are told apart by their style.

    Args:
        found: embeddings (N, D) of pictures or texts.
        labels: (N, 3 or more) numbers of style, subject and setting; -1 where it is not said.
        directions: unit vectors (C, D) of the styles, then the subjects, then the settings.
    """
    logits = _SHARPNESS * functional.normalize(found, dim=-1) @ directions.T
    sizes = [len(ALL_STYLES), len(SUBJECT_NAMES), len(SETTING_NAMES)]
    parts = torch.split(logits, sizes, dim=1)
    return [
        functional.cross_entropy(part, labels[:, column], ignore_index=-1)
        for column, part in enumerate(parts)
    ]


def _spoken(model: Any, words: Vocabulary, chance: Random) -> Tensor:
    """A caption for every style, subject and setting: unit vectors (C, D)."""
    asked = [style_text(style, chance) for style in range(len(ALL_STYLES))]
    asked += [content_text(subject, None, chance) for subject in range(len(SUBJECT_NAMES))]
    asked += [content_text(None, setting, chance) for setting in range(len(SETTING_NAMES))]
    return functional.normalize(model.encode_text(encode(asked, words, model.context_length, chance)), dim=-1)


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
    write_atomic(Path(__file__).parent / "clip.safetensors", save(half))
    write_settings(config, words)
    seal("clip", "clip.safetensors")
