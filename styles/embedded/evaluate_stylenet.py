"""Measures StyleNet on scenes it has not seen: how far is it from the renderers it learned from?

    uv run python -m styles.embedded.evaluate_stylenet [--scenes N]

Printed for each style, for colored roughs, pencil roughs (against the rendering in one color) and pencil with
color hints: the mean absolute difference to the rendering of the clean scene, in levels of 255; in brackets
that of the untouched input, as a floor to beat.
"""

from __future__ import annotations

import argparse

import torch
from torch import Tensor

from styles.embedded.captions import STYLES
from styles.embedded.renderers import RENDERERS, Picture, Variation, mix
from styles.embedded.roughs import color_rough, flat_hints, pencil_rough
from styles.embedded.scenes import make_scenes
from styles.embedded.train_stylenet import line_shadow, one_color
from styles.registry import load_stylenet
from styles.screens import screens

SEED, SIDE = 90210, 256


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenes", type=int, default=16)
    count = parser.parse_args().scenes
    generator = torch.Generator().manual_seed(SEED)
    scenes = make_scenes(count, SIDE, generator)
    origins = torch.randint(0, 512, (count, 2), generator=generator)
    planes = screens(origins, SIDE, SIDE)
    pencil, rough = pencil_rough(scenes, generator), color_rough(scenes, generator)
    hints, valid = flat_hints(scenes, generator)
    shadow = line_shadow(scenes.lines)
    colored = Picture(scenes.color, scenes.flat, scenes.lines, planes, origins)
    network = load_stylenet()
    print(f"{'style':15s} {'colored rough':>16s} {'pencil':>16s} {'pencil + hints':>16s}")
    totals = torch.zeros(6)
    for caption in STYLES:
        style = network.embed([caption.held_out[0]]).expand(count, -1)
        plain = one_color(caption.name, scenes.shade, shadow, scenes.lines)
        color, flat = (mix(plain, picture, valid) for picture in (scenes.color, scenes.flat))
        hinted = Picture(color, flat, scenes.lines, planes, origins)
        row = []
        for art, picture, flats in (
            (rough, colored, None),
            (pencil, Picture(plain, plain, scenes.lines, planes, origins), None),
            (pencil, hinted, hints),
        ):
            with torch.no_grad():
                drawn = network(art, planes, style, flats, None if flats is None else valid)
            target = RENDERERS[caption.name](picture, Variation(count)).clamp(0, 1)
            row += [_levels(drawn, target), _levels(art, target)]
        totals += torch.tensor(row)
        print(_line(caption.name, row), flush=True)
    print(_line("mean", (totals / len(STYLES)).tolist()))


def _levels(first: Tensor, second: Tensor) -> float:
    return 255 * float((first - second).abs().mean())


def _line(name: str, row: list[float]) -> str:
    cells = (f"{row[at]:5.1f} ({row[at + 1]:5.1f})" for at in (0, 2, 4))
    return f"{name:15s} " + " ".join(f"{cell:>16s}" for cell in cells)


if __name__ == "__main__":
    main()
