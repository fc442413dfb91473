"""Measures the embedded CLIP on what it has not seen: ``python -m styles.embedded.evaluate_clip``.

Pictures show compositions of subject and setting that were kept out of the training, drawn from new seeds;
captions are wordings that were kept aside. Each measure is taken on clean pictures and under an attack: 20
steps of projected gradient descent within an L2 ball of radius 0.5 around the picture of 128 x 128 pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from styles.embedded.captions import STYLE_NAMES, STYLES
from styles.embedded.clip_model import IMAGE_SIZE, load_embedded_clip
from styles.embedded.contents import PORTRAIT, content_text, kept_aside
from styles.embedded.scenes import SETTING_NAMES, SUBJECT_NAMES
from styles.embedded.train_clip import draw_scenes, render, seeded, take
from styles.screens import screens
from styles.vocabulary import Vocabulary

_FIGURES = SUBJECT_NAMES.index("still life")
_PAIRS = [
    (what, where) for what in range(_FIGURES) for where in range(len(SETTING_NAMES)) if where != PORTRAIT
]
KEPT_ASIDE = [pair for pair in _PAIRS if kept_aside(*pair)]
"""The compositions that the model was never trained on."""


@dataclass(frozen=True)
class Measure:
    """One line of the table: the share of pictures that find their caption.

    Attributes:
        name: what is measured.
        choices: captions to choose from.
        pictures: how many pictures.
        clean: share in [0, 1] that are right.
        attacked: the same under attack.
    """

    name: str
    choices: int
    pictures: int
    clean: float
    attacked: float


def _to_size(pictures: Tensor) -> Tensor:
    size = (IMAGE_SIZE, IMAGE_SIZE)
    return functional.interpolate(pictures, size, mode="bilinear", antialias=True).clamp(0, 1)


def _compositions(count: int, chance: Random) -> list[tuple[int, int]]:
    return [chance.choice(KEPT_ASIDE) for _ in range(count)]


def styled_pictures(
    per_style: int, *, independent: bool, seed: int
) -> tuple[Tensor, Tensor, list[tuple[int, int]]]:
    """Unseen compositions in every style: pictures (N, 3, 128, 128), styles (N,), (subject, setting) of each.

    Args:
        independent: use the judge's renderers, which share no code with those of the training.
    """
    from styles.embedded.judge_renderers import JUDGE_RENDERERS

    chance, generator = Random(seed), seeded("evaluate", seed)
    pictures, styles, shown = [], [], []
    size = 192
    scenes = draw_scenes(_compositions(4 * per_style, chance), size, generator)
    for style, name in enumerate(STYLE_NAMES):
        chosen = take(scenes, torch.randperm(len(scenes), generator=generator)[:per_style])
        if independent:
            small = functional.interpolate(chosen.color, IMAGE_SIZE, mode="bilinear", antialias=True)
            lines = functional.interpolate(chosen.lines, IMAGE_SIZE, mode="bilinear", antialias=True)
            drawn = JUDGE_RENDERERS[name](small, lines, generator)
        else:
            origins = torch.randint(4096, (per_style, 2), generator=generator)
            drawn = render(chosen, screens(origins, size, size), origins, style, 0, generator)
        pictures.append(_to_size(drawn))
        styles += [style] * per_style
        shown += list(zip(chosen.subjects, chosen.settings, strict=True))
    return torch.cat(pictures), torch.tensor(styles), shown


@torch.no_grad()
def _captions(model: Any, words: Vocabulary, texts: list[str]) -> Tensor:
    return functional.normalize(model.encode_text(words.encode(texts, model.context_length)), dim=-1)


def _right(model: Any, pictures: Tensor, captions: Tensor, wanted: Tensor) -> Tensor:
    with torch.no_grad():
        found = functional.normalize(model.encode_image(pictures), dim=-1)
    return ((found @ captions.T).argmax(1) == wanted).float()


def attacked(
    model: Any, pictures: Tensor, captions: Tensor, wanted: Tensor, *, radius: float = 0.5, steps: int = 20
) -> Tensor:
    """The pictures moved, within an L2 ball, away from their captions (Madry et al. 2018, untargeted)."""
    change = torch.zeros_like(pictures)
    for _ in range(steps):
        change.requires_grad_()
        found = functional.normalize(model.encode_image(pictures + change), dim=-1)
        loss = functional.cross_entropy(20 * found @ captions.T, wanted, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, change)
        length = gradient.flatten(1).norm(dim=1).clamp_min(1e-12)[:, None, None, None]
        change = change.detach() + 2.5 * radius / steps * gradient / length
        norm = change.flatten(1).norm(dim=1).clamp_min(1e-12)[:, None, None, None]
        change = ((pictures + change * (radius / norm).clamp(max=1)).clamp(0, 1) - pictures).detach()
    return pictures + change


def _measure(name: str, model: Any, pictures: Tensor, captions: Tensor, wanted: Tensor) -> Measure:
    clean = _right(model, pictures, captions, wanted)
    moved = torch.cat(
        [
            attacked(model, part, captions, goal)
            for part, goal in zip(torch.split(pictures, 36), torch.split(wanted, 36), strict=True)
        ]
    )
    held = _right(model, moved, captions, wanted)
    return Measure(name, len(captions), len(pictures), clean.mean().item(), held.mean().item())


def evaluate(model: Any, words: Vocabulary, *, per_style: int = 5, seed: int = 1) -> list[Measure]:
    """Styles by the training's renderers and by the judge's, and contents among 32 captions."""
    chance = Random(seed)
    styles = _captions(model, words, [chance.choice(style.held_out) for style in STYLES])
    others = [pair for pair in _PAIRS if not kept_aside(*pair)]
    pairs = KEPT_ASIDE + chance.sample(others, 32 - len(KEPT_ASIDE))
    contents = _captions(model, words, [content_text(*pair, chance, held_out=True) for pair in pairs])
    pictures, wanted, shown = styled_pictures(per_style, independent=False, seed=seed)
    foreign, foreign_wanted, _ = styled_pictures(per_style, independent=True, seed=seed + 1)
    content = torch.tensor([pairs.index(pair) for pair in shown])
    return [
        _measure("style, own renderers", model, pictures, styles, wanted),
        _measure("style, independent renderers", model, foreign, styles, foreign_wanted),
        _measure("content, in all styles", model, pictures, contents, content),
    ]


def table(measures: list[Measure]) -> str:
    """The measures as a Markdown table."""
    lines = ["| top-1 | captions | pictures | clean | attacked (L2 0.5) |", "|---|---|---|---|---|"]
    for m in measures:
        lines.append(f"| {m.name} | {m.choices} | {m.pictures} | {m.clean:.1%} | {m.attacked:.1%} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table of the shipped model."""
    print(table(evaluate(*load_embedded_clip())))


if __name__ == "__main__":
    main()
