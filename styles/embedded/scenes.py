"""Scenes: clean drawn pictures with captions, from which the embedded models learn.

Every scene is drawn from nothing but a seed: a subject before a setting, a portrait, a still life, or colors
and shapes of no subject. It comes apart into what a comic is made of: ink lines, flat colors, light, tone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

import torch
from torch import Tensor

from styles.embedded.drawing import Canvas, Pen, curve, ellipse, polygon, smooth_noise, stroke
from styles.embedded.figures import HEADS, SUBJECTS, WIDE
from styles.embedded.settings import SETTINGS

_BEFORE = {
    "house": "in front of a house",
    "castle": "in front of a castle",
    "forest": "in a forest",
    "mountains": "in front of mountains",
    "sea": "by the sea",
    "city": "in a city",
    "room": "in a room",
    "desert": "in a desert",
    "meadow": "in a flower meadow",
    "night": "under a starry night sky",
    "plain": "",
}
_OTHERS = ("still life", "shapes", "gradient")
SUBJECT_NAMES = (*SUBJECTS, *_OTHERS)
SETTING_NAMES = tuple(SETTINGS)
_OTHER_CAPTIONS = ("a still life with fruit", "abstract shapes", "soft colors")


@dataclass(frozen=True)
class Scenes:
    """N drawn scenes; every tensor float32 in [0, 1].

    Attributes:
        color: (N, 3, H, W) lit colors without ink.
        flat: (N, 3, H, W) one color per region, no light.
        lines: (N, 1, H, W) ink coverage, 1 = ink.
        shade: (N, 1, H, W) what a pencil would shade, 1 = darkest.
        captions: what each shows, as "a dragon in front of a castle" or "a portrait of a knight".
        subjects: numbers in SUBJECT_NAMES.
        settings: numbers in SETTING_NAMES.
    """

    color: Tensor
    flat: Tensor
    lines: Tensor
    shade: Tensor
    captions: tuple[str, ...]
    subjects: tuple[int, ...]
    settings: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.captions)


def content_caption(subject: int, setting: int) -> str:
    """The caption of a scene with these numbers."""
    if subject >= len(SUBJECTS):
        return _OTHER_CAPTIONS[subject - len(SUBJECTS)]
    name, where = SUBJECT_NAMES[subject], _BEFORE[SETTING_NAMES[setting]]
    return f"a {name} {where}" if where else f"a portrait of a {name}"


def _figure(canvas: Canvas, subject: str, setting: str) -> None:
    r, size = canvas.random, canvas.size
    horizon = size * r.uniform(0.55, 0.72)
    mirror, lean = r.random() < 0.5, r.uniform(-0.06, 0.06)
    if setting == "plain":
        SETTINGS[setting](canvas, horizon)
        (u, v), radius = HEADS[subject]
        scale = size * r.uniform(0.26, 0.4) / radius
        sign = -1 if mirror else 1
        origin = (size * r.uniform(0.42, 0.58) - sign * u * scale, size * r.uniform(0.42, 0.52) - v * scale)
        SUBJECTS[subject](Pen(canvas, origin, scale, mirror=mirror, lean=lean))
        return
    fine = canvas.line_width
    canvas.line_width = max(1.1, fine * r.uniform(0.6, 0.9))
    SETTINGS[setting](canvas, horizon)
    canvas.line_width = fine
    close = r.random() < 0.4
    wide = subject in WIDE
    scale = size * (r.uniform(0.62, 0.82) if wide else r.uniform(0.68, 0.95))
    top = size * 0.97 - scale
    if close:
        (_, v), radius = HEADS[subject]
        scale = size * (r.uniform(0.85, 1.1) if wide else min(r.uniform(1.2, 2.0), 0.3 / radius * 1.1 + 0.2))
        top = size * r.uniform(0.26, 0.4) - v * scale
    x = size * (0.5 + r.uniform(-0.16, 0.16) * (0.5 if wide or close else 1))
    if not close:
        top -= size * r.uniform(0, 0.06)
        canvas.cast(
            ellipse(
                (x + canvas.light[0] * scale * 0.1, top + scale * 0.985),
                (scale * (0.45 if wide else 0.26), scale * 0.035),
            ),
            0.8,
        )
    SUBJECTS[subject](Pen(canvas, (x, top), scale, mirror=mirror, lean=lean))


def _still_life(canvas: Canvas) -> None:
    r, size = canvas.random, canvas.size
    table = size * r.uniform(0.55, 0.7)
    full = [(-8.0, -8.0), (size + 8.0, -8.0), (size + 8.0, size + 8.0), (-8.0, size + 8.0)]
    canvas.fill(polygon(full), canvas.any_paint(), line=0)
    canvas.fill(
        polygon([(-8, table), (size + 8, table + r.uniform(-8, 8)), (size + 8, size + 8), (-8, size + 8)]),
        canvas.any_paint(),
    )
    if r.random() < 0.7:
        x, w, h, y = (
            size * r.uniform(0.25, 0.75),
            size * r.uniform(0.08, 0.14),
            size * r.uniform(0.35, 0.5),
            table + size * 0.08,
        )
        canvas.cast(ellipse((x + canvas.light[0] * w, y), (w * 1.6, w * 0.4)), 0.8)
        profile = [(0.55, 0.0), (1.0, 0.3), (0.9, 0.55), (0.4, 0.75), (0.35, 0.92), (0.55, 1.0)]
        right = [(x + w * a, y - h * b) for a, b in profile]
        left = [(2 * x - a, b) for a, b in reversed(right)]
        canvas.fill(polygon(curve([*right, *left], closed=True)), canvas.any_paint())
        canvas.fill(ellipse((x, y - h), (w * 0.55, w * 0.14)), canvas.paint(0.1, 0.2, 0.25), line=0.8)
    for k in range(r.randint(3, 6)):
        x, y, s = size * r.uniform(0.12, 0.88), table + size * (0.06 + 0.05 * k), size * r.uniform(0.08, 0.13)
        canvas.cast(ellipse((x + canvas.light[0] * s * 0.6, y + s * 0.85), (s * 1.2, s * 0.35)), 0.9)
        color = canvas.paint(r.choice((0.0, 0.08, 0.14, 0.28, 0.78)), 0.8, 0.85)
        if r.random() < 0.25:
            arc = [
                (x - s * 1.5, y - s * 0.4),
                (x - s * 0.6, y + s * 0.6),
                (x + s * 0.7, y + s * 0.6),
                (x + s * 1.6, y - s * 0.5),
            ]
            canvas.fill(
                stroke(
                    curve(arc, closed=False),
                    [s * (0.12 + 0.3 * math.sin(math.pi * q / 15)) for q in range(16)],
                ),
                canvas.paint(0.14, 0.8, 0.95),
            )
        else:
            canvas.fill(ellipse((x, y), (s, s * r.uniform(0.9, 1.1))), color)
            canvas.ink([(x, y - s * 0.85), (x + s * 0.1, y - s * 1.25)], 1.3)
            if r.random() < 0.5:
                canvas.fill(
                    polygon(
                        curve(
                            [
                                (x, y - s),
                                (x + s * 0.4, y - s * 1.35),
                                (x + s * 0.8, y - s * 1.2),
                                (x + s * 0.4, y - s * 0.95),
                            ],
                            closed=True,
                        )
                    ),
                    canvas.paint(0.3, 0.6, 0.55),
                    line=0.8,
                )
            canvas.glow(
                ellipse((x - canvas.light[0] * s * 0.4, y - canvas.light[1] * s * 0.4), (s * 0.35, s * 0.3)),
                (1.0, 1.0, 1.0),
                0.7,
            )


def _shapes(canvas: Canvas) -> None:
    """Dead leaves: shapes of all sizes over one another, as natural pictures are made of occlusions."""
    r, size = canvas.random, canvas.size
    canvas.fill(
        polygon([(-8.0, -8.0), (size + 8.0, -8.0), (size + 8.0, size + 8.0), (-8.0, size + 8.0)]),
        canvas.any_paint(),
        line=0,
    )
    for k in range(34):
        s = size * (0.05 + 0.3 * (1 - k / 34) * r.random())
        x, y, kind, angle = r.uniform(0, size), r.uniform(0, size), r.random(), r.uniform(0, math.pi)
        line = r.choice((0.0, 0.0, 0.7, 1.0))
        if kind < 0.4:
            shape = ellipse((x, y), (s, s * r.uniform(0.3, 1)), angle)
        elif kind < 0.8:
            corners = r.randint(3, 7)
            points = [
                (
                    x + s * r.uniform(0.5, 1.1) * math.cos(angle + 2 * math.pi * q / corners),
                    y + s * r.uniform(0.5, 1.1) * math.sin(angle + 2 * math.pi * q / corners),
                )
                for q in range(corners)
            ]
            shape = polygon(points if r.random() < 0.5 else curve(points, closed=True))
        else:
            shape = stroke(
                [
                    (x - s * math.cos(angle), y - s * math.sin(angle)),
                    (x + s * math.cos(angle), y + s * math.sin(angle)),
                ],
                [s * 0.15, s * 0.1],
            )
        canvas.fill(
            shape,
            canvas.any_paint(),
            line=line,
            to=canvas.any_paint() if r.random() < 0.3 else None,
            round_light=r.uniform(0, 1.3),
        )


def _gradient(canvas: Canvas) -> None:
    """Painterly fields of color with edges, from smooth noise."""
    r, size = canvas.random, canvas.size
    generator = torch.Generator().manual_seed(r.getrandbits(40))
    field = smooth_noise((size, size), size * r.uniform(0.15, 0.5), generator, 3) + 0.35 * smooth_noise(
        (size, size), size * 0.06, generator, 3
    )
    field = field.to(canvas.color.device)
    stops = torch.tensor([canvas.any_paint() for _ in range(r.randint(3, 6))], device=field.device)
    bands = len(stops)
    place = torch.sigmoid(field[0] * 1.6) * bands
    sharp = r.uniform(0.5, 8)
    weight = torch.softmax(
        -sharp * (place[None] - torch.arange(bands, device=field.device)[:, None, None] - 0.5).abs(), 0
    )
    flat = torch.einsum("bhw,bc->chw", weight, stops)
    light = (0.25 * canvas.depth * field[1] + canvas.texture_amount * canvas.grain).clamp(-0.4, 0.4)
    canvas.flat.copy_(flat)
    canvas.color.copy_((flat * (1 + light) + 0.3 * light).clamp(0, 1))
    canvas.tone.copy_(((0.55 - flat.mean(0)) * 1.5).clamp(0, 0.9))
    if r.random() < 0.6:
        edge = (place - place.round()).abs() / torch.stack(torch.gradient(place)).norm(dim=0).clamp_min(1e-4)
        canvas.lines.copy_((canvas.line_width / 2 + 0.5 - edge).clamp(0, 1) * (place.round() % bands != 0))


def draw_scene(
    subject: int, setting: int, size: int, seed: int, device: torch.device | str = "cpu"
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """One scene of a chosen subject and setting: color, flat, lines and shade as in Scenes, without N."""
    canvas = Canvas(size, Random(seed), torch.device(device))
    if subject < len(SUBJECTS):
        _figure(canvas, SUBJECT_NAMES[subject], SETTING_NAMES[setting])
    else:
        (_still_life, _shapes, _gradient)[subject - len(SUBJECTS)](canvas)
    parts = (canvas.color, canvas.flat, canvas.lines[None], canvas.tone[None])
    return tuple(part.clamp(0, 1) for part in parts)  # type: ignore[return-value]


def make_scenes(
    count: int, size: int, generator: torch.Generator, *, device: torch.device | str = "cpu"
) -> Scenes:
    """Random scenes: mostly subjects before settings, a share of portraits, one in seven without a subject.

    Args:
        size: side in pixels at the working scale, 128 to 320.
        generator: decides everything; the same state gives the same scenes.
    """
    drawn, captions, subjects, settings = [], [], [], []
    for seed in torch.randint(2**40, (count,), generator=generator, device=generator.device).tolist():
        chance = Random(seed ^ 0x5CE7E)
        setting = (
            chance.randrange(len(SETTING_NAMES) - 1) if chance.random() < 0.75 else len(SETTING_NAMES) - 1
        )
        subject = (
            chance.randrange(len(SUBJECTS)) if chance.random() < 0.86 else len(SUBJECTS) + chance.randrange(3)
        )
        if subject >= len(SUBJECTS):
            setting = len(SETTING_NAMES) - 1
        drawn.append(draw_scene(subject, setting, size, seed, device))
        captions.append(content_caption(subject, setting))
        subjects.append(subject)
        settings.append(setting)
    color, flat, lines, shade = (torch.stack(part) for part in zip(*drawn, strict=True))
    return Scenes(color, flat, lines, shade, tuple(captions), tuple(subjects), tuple(settings))
