"""Trains StyleNet to finish, not only to filter: from rough art to a rendered picture, in every style.

Half of the pairs start from a simulated pencil rough. Pencil has no color, so without color hints the target
is a print in one color of the style's own (``_ONE_COLOR``), with tone where the pencil shades and a soft
shadow beside its lines; where there are hints it is the colored rendering. The other half starts from colored
roughs, inked pictures and plain pictures.

Everything is a function of (seed, chunk) or (seed, step), so a killed training goes on exactly where it was.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F

from pages.files import replaces_folder, write_atomic
from styles.embedded import captions
from styles.embedded.renderers import RENDERERS, Picture, Variation, blur, in_mood, mix, ramp
from styles.embedded.roughs import color_rough, flat_hints, pencil_rough
from styles.embedded.scenes import make_scenes
from styles.registry import seal
from styles.screens import screens
from styles.stylenet import StyleNet
from styles.vocabulary import Vocabulary, words_of

_CHANNELS = {
    "color": 3,
    "flat": 3,
    "lines": 1,
    "shade": 1,
    "shadow": 1,
    "pencil": 3,
    "rough": 3,
    "hints": 3,
    "valid": 1,
}

_ONE_COLOR: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "watercolor": ((1.0, 1.0, 1.0), (0.33, 0.42, 0.62)),
    "cel": ((1.0, 0.98, 0.94), (0.42, 0.4, 0.64)),
    "pop": ((1.0, 1.0, 1.0), (0.1, 0.45, 0.95)),
    "oil": ((0.98, 0.9, 0.74), (0.3, 0.17, 0.1)),
    "pastel": ((1.0, 0.97, 0.95), (0.62, 0.32, 0.4)),
    "stained_glass": ((0.98, 0.82, 0.36), (0.08, 0.2, 0.55)),
    "pixel": ((0.88, 0.96, 0.82), (0.14, 0.3, 0.32)),
    "risograph": ((1.0, 1.0, 1.0), (0.12, 0.34, 0.66)),
    "comic": ((1.0, 1.0, 1.0), (0.36, 0.44, 0.66)),
}
"""Lightest and darkest RGB of a finished picture of plain pencil; of other styles white and near black."""

_TONES = {"noir": (1.4, 1.0), "ink": (0.85, 0.5), "woodcut": (0.85, 0.5)}
"""How deep shading and the lines' shadow are where they are not (0.85, 1.1): solid blacks would drown the
drawing of ink and woodcut, and noir lives on them."""


@dataclass(frozen=True)
class Recipe:
    """How StyleNet is trained.

    Attributes:
        seed: of everything random.
        chunks: pre-rendered files of ``chunk_size`` scenes each.
        scene_size: side of a scene in pixels.
        crop: side of a training crop in pixels.
        styles_per_step: styles in a batch.
        crops_per_style: crops of each of them.
        steps: optimizer steps.
        learning_rate: after a short warm-up; constant, then falling to zero over the last ``decay`` share.
        decay: share of the steps in which the learning rate falls.
        average: decay of the weights' running average, which is what is shipped.
    """

    seed: int = 2022
    chunks: int = 40
    chunk_size: int = 32
    scene_size: int = 256
    crop: int = 64
    styles_per_step: int = 18
    crops_per_style: int = 1
    steps: int = 9600
    learning_rate: float = 2e-3
    decay: float = 0.35
    average: float = 0.997


def vocabulary() -> Vocabulary:
    """The words of all style captions, of the moods and of joining words."""
    texts = [text for style in captions.STYLES for text in style.wordings + style.held_out]
    return Vocabulary.of_texts([*texts, *(text for mood in captions.MOODS.values() for text in mood)])


def main(work: Path, recipe: Recipe | None = None) -> None:
    """Render the data, train, and put ``stylenet.safetensors`` in place; run again to go on after a stop."""
    recipe = recipe or Recipe()
    work.mkdir(parents=True, exist_ok=True)
    pictures = _dataset(work, recipe)
    torch.manual_seed(recipe.seed)
    network = StyleNet(vocabulary())
    average = {name: value.detach().clone() for name, value in network.named_parameters()}
    optimizer = torch.optim.Adam(_groups(network), lr=recipe.learning_rate, betas=(0.9, 0.99))
    first = _resume(work, network, average, optimizer)
    started, recent = time.time(), 0.0
    for step in range(first, recipe.steps):
        for group in optimizer.param_groups:
            group["lr"] = group["share"] * recipe.learning_rate * _schedule(step, recipe)
        loss = _step(network, pictures, recipe, step)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        kept = min(recipe.average, (step + 1) / (step + 10))
        for name, value in network.named_parameters():
            average[name].lerp_(value.detach(), 1 - kept)
        recent += loss.item()
        if (step + 1) % 25 == 0:
            pace = (time.time() - started) / (step + 1 - first)
            minutes = pace * (recipe.steps - step - 1) / 60
            print(
                f"step {step + 1} loss {recent / 25:.4f} {pace:.2f} s/step {minutes:.0f} min left", flush=True
            )
            recent = 0.0
        if (step + 1) % 100 == 0 or step + 1 == recipe.steps:
            _save(work, network, average, optimizer, step + 1)
    _ship(network, average)


def _groups(network: StyleNet) -> list[dict[str, Any]]:
    """What tells the styles apart learns faster than what draws: each style is in few pictures of a batch."""
    styled = ("text.", "pick.", "ink.", "recolor.")
    fast = {
        name for name, _ in network.named_parameters() if name.startswith(styled) or ".from_style." in name
    }
    return [
        {
            "share": share,
            "params": [value for name, value in network.named_parameters() if (name in fast) == is_fast],
        }
        for share, is_fast in ((1.0, False), (4.0, True))
    ]


def _schedule(step: int, recipe: Recipe) -> float:
    falling = recipe.steps * recipe.decay
    return min(1.0, (step + 1) / 100, max(0.0, (recipe.steps - step) / falling))


def _seeded(*keys: object) -> torch.Generator:
    digest = hashlib.sha256(repr(keys).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


def _dataset(work: Path, recipe: Recipe) -> list[NDArray[np.uint8]]:
    chunks = []
    for chunk in range(recipe.chunks):
        path = work / f"scenes-{chunk:03d}.npy"
        if not path.exists():
            generator = _seeded("stylenet scenes", recipe.seed, chunk)
            scenes = make_scenes(recipe.chunk_size, recipe.scene_size, generator)
            hints, valid = flat_hints(scenes, generator)
            pencil, rough = pencil_rough(scenes, generator), color_rough(scenes, generator)
            shadow = line_shadow(scenes.lines)
            planes = (
                scenes.color,
                scenes.flat,
                scenes.lines,
                scenes.shade,
                shadow,
                pencil,
                rough,
                hints,
                valid,
            )
            stacked = (torch.cat(planes, dim=1).clamp(0, 1) * 255).round().byte().numpy()
            unfinished = path.with_suffix(".unfinished.npy")
            np.save(unfinished, stacked)
            unfinished.rename(path)
            print(f"scenes {chunk + 1} of {recipe.chunks}", flush=True)
        chunks.append(np.load(path, mmap_mode="r"))
    return chunks


def one_color(name: str, shade: Tensor, shadow: Tensor, lines: Tensor) -> Tensor:
    """What a style is rendered from where the art is plain pencil: one color, (N, 3, H, W) in [0, 1].

    Args:
        name: of the style.
        shade: (N, 1, H, W) in [0, 1], where the pencil shades.
        shadow: (N, 1, H, W) in [0, 1], from ``line_shadow``.
        lines: (N, 1, H, W) in [0, 1], ink coverage; eyes and other solid blacks cast no shadow.
    """
    shading, depth = _TONES.get(name, (0.85, 1.1))
    if name == "noir":
        shadow = shadow * (1 - ramp(blur(lines, 3), 0.35, 0.6))
    tone = (0.08 + shading * shade + depth * shadow * (1 - 0.5 * shade)).clamp(0, 1)
    light, dark = _ONE_COLOR.get(name, ((1.0, 1.0, 1.0), (0.12, 0.12, 0.12)))
    low, high = (torch.tensor(rgb).view(1, 3, 1, 1) for rgb in (light, dark))
    return mix(low.expand(-1, -1, *tone.shape[-2:]), high, tone)


def line_shadow(lines: Tensor) -> Tensor:
    """A soft shadow below and to the right of the lines, (N, 1, H, W) in [0, 1]."""
    moved = F.pad(lines, (5, 0, 5, 0), mode="replicate")[..., : lines.shape[-2], : lines.shape[-1]]
    return blur(blur(moved, 4), 3).clamp(0, 1)


def _step(network: StyleNet, pictures: list[NDArray[np.uint8]], recipe: Recipe, step: int) -> Tensor:
    generator = _seeded("stylenet step", recipe.seed, step)

    def draw(high: int, *shape: int) -> Tensor:
        return torch.randint(high, shape, generator=generator)

    inputs, targets, hints, valids, screened, texts = [], [], [], [], [], []
    names = captions.STYLE_NAMES
    order = torch.randperm(len(names), generator=_seeded("styles", recipe.seed, _epoch(step, recipe)))
    first = step * recipe.styles_per_step % len(names)
    for slot in range(recipe.styles_per_step):
        name = names[int(order[(first + slot) % len(names)])]
        art, target, hint, valid, planes, text = _pairs(name, pictures, recipe, generator, draw)
        inputs.append(art)
        targets.append(target)
        hints.append(hint)
        valids.append(valid)
        screened.append(planes)
        texts += text
    style = network.embed(texts)
    drawn = network.unclipped(
        torch.cat(inputs), torch.cat(screened), style, torch.cat(hints), torch.cat(valids)
    )
    return loss_of(drawn, torch.cat(targets))


def loss_of(drawn: Tensor, target: Tensor) -> Tensor:
    """Mean absolute and squared differences of the pictures and of their horizontal and vertical gradients.

    The square is what finds a pattern at first: half a pattern already lowers it, while the absolute
    difference stays at a plain tone until the pattern is nearly right, and then makes it crisp.
    """
    pairs = [(drawn, target), *((drawn.diff(dim=dim), target.diff(dim=dim)) for dim in (2, 3))]
    return torch.stack([F.l1_loss(a, b) + 2 * F.mse_loss(a, b) for a, b in pairs]).sum()


def _epoch(step: int, recipe: Recipe) -> int:
    return step * recipe.styles_per_step // len(captions.STYLE_NAMES)


def _pairs(
    name: str,
    pictures: list[NDArray[np.uint8]],
    recipe: Recipe,
    generator: torch.Generator,
    draw: Callable[..., Tensor],
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, list[str]]:
    """Some crops of one style: art, target, hints, their validity, screens and captions."""
    count, size = recipe.crops_per_style, recipe.crop
    crops = []
    for _ in range(count):
        chunk = pictures[int(draw(len(pictures), 1))]
        top, left = (int(v) for v in draw(recipe.scene_size - size + 1, 2))
        crop = torch.from_numpy(
            chunk[int(draw(len(chunk), 1)), :, top : top + size, left : left + size].copy()
        )
        crops.append(crop.flip(-1) if int(draw(2, 1)) else crop)
    stacked = torch.stack(crops).float() / 255
    p = dict(zip(_CHANNELS, torch.split(stacked, list(_CHANNELS.values()), dim=1), strict=True))
    origin = draw(4096, count, 2) * StyleNet.total_stride
    planes = screens(origin, size, size)
    kind = ("pencil", "pencil", "pencil with hints", "rough", "rough", "inked or plain")[int(draw(6, 1))]
    hints, valid = torch.zeros_like(p["hints"]), torch.zeros_like(p["valid"])
    color, flat = p["color"], p["flat"]
    if kind.startswith("pencil"):
        art = p["pencil"]
        if kind == "pencil with hints":
            hints, valid = p["hints"], p["valid"]
        plain = one_color(name, p["shade"], p["shadow"], p["lines"])
        color, flat = mix(plain, color, valid), mix(plain, flat, valid)
    elif kind == "rough":
        art = p["rough"]
    else:
        ink = torch.rand(count, 1, 1, 1, generator=generator).round()
        art = mix(color, 0.12 * color, ink * p["lines"])
    caption = captions.STYLES[captions.STYLE_NAMES.index(name)]
    picture = Picture(color, flat, p["lines"], planes, origin)
    wordings = [caption.wordings[int(draw(len(caption.wordings), 1))] for _ in range(count)]
    mood = int(draw(7 * len(captions.MOODS), 1))
    if mood < len(captions.MOODS) and kind != "pencil":
        light = tuple(captions.MOODS)[mood]
        picture = in_mood(picture, light)
        said = captions.MOODS[light]
        wordings = [f"{text}, {said[int(draw(len(said), 1))]}" for text in wordings]
    wordings = [_fewer_words(text, generator) for text in wordings]
    target = RENDERERS[name](picture, Variation(count))
    return art, target, hints, valid, planes, wordings


def _fewer_words(text: str, generator: torch.Generator) -> str:
    """One caption in four loses a word, so that no single word carries the style alone."""
    words = words_of(text)
    if len(words) > 3 and torch.rand(1, generator=generator).item() < 0.25:
        words.pop(int(torch.randint(len(words), (1,), generator=generator)))
    return " ".join(words)


def _save(
    work: Path, network: StyleNet, average: dict[str, Tensor], optimizer: torch.optim.Optimizer, step: int
) -> None:
    tensors = {f"network.{name}": value.detach() for name, value in network.named_parameters()}
    tensors |= {f"average.{name}": value for name, value in average.items()}
    for name, value in network.named_parameters():
        state = optimizer.state[value]
        tensors |= {f"adam.{key}.{name}": state[key].clone() for key in ("exp_avg", "exp_avg_sq", "step")}
    with replaces_folder(work / "checkpoint") as folder:
        save_file({key: value.contiguous() for key, value in tensors.items()}, folder / "state.safetensors")
        write_atomic(folder / "state.json", json.dumps({"step": step}).encode())


def _resume(
    work: Path, network: StyleNet, average: dict[str, Tensor], optimizer: torch.optim.Optimizer
) -> int:
    if not (work / "checkpoint" / "state.json").exists():
        return 0
    tensors = load_file(work / "checkpoint" / "state.safetensors")
    with torch.no_grad():
        for name, value in network.named_parameters():
            value.copy_(tensors[f"network.{name}"])
            average[name].copy_(tensors[f"average.{name}"])
            optimizer.state[value] = {
                key: tensors[f"adam.{key}.{name}"] for key in ("exp_avg", "exp_avg_sq", "step")
            }
    step: int = json.loads((work / "checkpoint" / "state.json").read_text(encoding="utf-8"))["step"]
    return step


def _ship(network: StyleNet, average: dict[str, Tensor]) -> None:
    folder = Path(__file__).parent
    metadata = {"words": json.dumps(network.vocabulary.words), "config": json.dumps(network.config)}
    half = {name: value.to(torch.float16).contiguous() for name, value in average.items()}
    save_file(half, folder / "stylenet.safetensors", metadata=metadata)
    seal("stylenet", "stylenet.safetensors")
