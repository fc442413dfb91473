"""A fine-tune so small that it runs in a second: for the tests of the loop, and to be killed."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from comicloss.data import PanelArt, PanelBatch
from comicloss.finetune import FineTuneSettings, Tuned, fine_tune
from pages.progress import Progress, silent
from styles.loss import EMBEDDED, StyleLoss
from styles.stylenet import StyleNet
from styles.vocabulary import Vocabulary

PROMPT = "noir ink"


class TinyClip(nn.Module):
    """A ClipEncoder of one convolution with random weights; a text is a fixed random direction."""

    image_size = 16

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.weight = nn.Parameter(torch.randn(8, 3, 3, 3, generator=generator), requires_grad=False)

    def resize(self, images: Tensor) -> Tensor:
        return F.interpolate(images, (16, 16), mode="bilinear", antialias=True)

    def features(self, images: Tensor) -> list[Tensor]:
        return [F.conv2d(self.resize(images) - 0.5, self.weight, stride=2).tanh()]

    def encode_image(self, images: Tensor) -> Tensor:
        return F.normalize(self.features(images)[0].mean(dim=(2, 3)), dim=-1)

    def encode_text(self, texts: list[str]) -> Tensor:
        seeds = [sum(map(ord, text)) for text in texts]
        rows = [torch.randn(8, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        return F.normalize(torch.stack(rows), dim=-1)

    def check_prompt(self, text: str) -> list[str]:
        return []


class TinyClassifiers(nn.Module):
    """Two elements, told by the mean color."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.Linear(3, 2)
        nn.init.constant_(self.heads.weight, 1.5)
        nn.init.zeros_(self.heads.bias)

    def forward(self, images: Tensor) -> Tensor:
        return cast(Tensor, self.heads(images.mean(dim=(2, 3)) - 0.5))


def tiny_network() -> StyleNet:
    torch.manual_seed(5)
    return StyleNet(Vocabulary(["noir", "ink", "night", "rain"]), width=16, style_size=8).eval()


def tiny_content(clip: Any) -> nn.Module:
    content = nn.Module()
    content.forward = clip.features
    return content


def tiny_style_loss(prompt: str) -> StyleLoss:
    clip = cast(Any, TinyClip())
    content = tiny_content(clip)
    return StyleLoss(clip, content, style_prompt=prompt, source_prompt="sketch", settings=EMBEDDED)


def tiny_batch(count: int = 5) -> PanelBatch:
    generator = torch.Generator().manual_seed(7)
    panels = []
    for number in range(count):
        height, width = 25 + 3 * number, 44 - 2 * number
        art = torch.randint(0, 256, (3, height, width), generator=generator, dtype=torch.uint8)
        keep = torch.zeros(1, height, width, dtype=torch.bool)
        keep[:, :6, :9] = True
        direction = "night, rain" if number == 1 else ""
        panels.append(PanelArt(f"p01-{number + 1:02d}", art, keep, (7 * number, 50), 1.0, direction))
    priors = (torch.rand(count, 2, generator=generator) > 0.5).float()
    known = torch.ones(count, 2)
    known[0, 0] = 0
    return PanelBatch(tuple(panels), ("Hero", "Dragon"), priors, known, PROMPT)


SETTINGS = FineTuneSettings(steps=12, learning_rate=0.02, longest_side=32, checkpoint_every=3)


def run(folder: Path, settings: FineTuneSettings = SETTINGS, progress: Progress = silent) -> Tuned:
    network, classifiers = tiny_network(), TinyClassifiers()
    return fine_tune(tiny_batch(), network, tiny_style_loss, classifiers, settings, folder, progress=progress)


def _in_child(folder: Path, kill_after: float | None) -> bool:
    """Run in a forked process; True when it came to its end, False when it was killed before."""
    child = os.fork()
    if child == 0:
        run(folder)
        os._exit(0)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if kill_after is None and status != 0:
        raise SystemExit(f"the run in {folder} failed")
    return status == 0


def main(folder: Path, kills: int, seed: int) -> None:
    """One run undisturbed in folder/whole, one killed again and again in folder/killed."""
    torch.set_num_threads(1)
    torch.optim.Adam([torch.zeros(1)])  # imports here what every child would import again
    began = time.monotonic()
    _in_child(folder / "whole", None)
    length = time.monotonic() - began
    dice = random.Random(seed)
    for _ in range(kills):
        if _in_child(folder / "killed", dice.uniform(0.2, 0.8) * length):
            break
    _in_child(folder / "killed", None)


if __name__ == "__main__":
    if sys.argv[1] == "rank":  # one of several processes that torch.distributed has been told about
        torch.set_num_threads(1)
        run(Path(sys.argv[2]))
    else:
        main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
