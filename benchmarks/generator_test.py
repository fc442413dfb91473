"""Can the style network fool the classifiers that it is tuned on? The generator test.

    uv run python benchmarks/generator_test.py DATA WORK [--quick] [--out FIGURES.json]

The real style network is tuned on a story for 300 steps of the Comic Book Loss, one panel of 128 px a step,
the story's classifiers in the loss. Then the classifiers are asked how well the finished panels show what the
optimizer was told, and so is a judge that was in no gradient. AP is the mean over elements; the gap is the
classifiers' AP less the judge's.

The story: 12 panels, composed of one hand's drawings (DATA/elements) of five elements and of others that are
none, and one reference drawing of each element: 17 pictures for the classifiers to learn from.

Wishes, what the optimizer is told and both are asked about:
  true      the marks as they are: the ordinary use. A gap of at most .10 is what is asked for.
  flipped   for each element the marks of half of its panels, in equal parts of both kinds, are turned round:
            the network is told to show who is not there and to hide who is, which it cannot do by honest
            means. Who cannot be fooled, weak or strong, is at an AP near the share of positives then.

Arms:
  default        ``train_classifiers`` as it is: members, style views, rounds of attacks; the worst counts.
  replay         the same, with the network's own outputs (``comicloss.replay``) to learn from.
  plain heads    one member on the same encoder, neither style views nor attacks. The encoder itself has been
                 tuned against small changes, so that these are undefended heads on a defended backbone.
  plain network  a small ResNet from scratch, ordinary training: nothing in it is defended.

The judge is of another kind: templates of edges that slide over the picture, linear discriminants fitted in
closed form to 96 other compositions of the same drawings, each as drawn, by painters that the network has
never learned from (``styles.embedded.judge_renderers``), finished by the untuned network in any style, and in
the story's. Its AP on the story as drawn and on the untuned network's output is printed first: more it cannot
say.

WORK keeps everything; a run that was cut off goes on where it was. panels.png: before and after.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.resnet import BasicBlock, ResNet

from classifiers.augment import recolor, warp
from classifiers.data import Example
from classifiers.evaluate import average_precision
from classifiers.model import ElementClassifiers, letterbox
from classifiers.train import train_classifiers
from comicloss.data import PanelArt, PanelBatch, resized, to_tensor, unit
from comicloss.encoder import EmbeddedEncoder
from comicloss.finetune import FineTuneSettings, fine_tune, untuned
from comicloss.guiding import style_losses
from comicloss.replay import replay_examples, stylized_panels
from comicloss.training import style_views
from pages.export import write_png
from pages.files import write_atomic
from pages.sheet import grid
from styles.clip import load_clip
from styles.embedded.judge_renderers import JUDGE_RENDERERS
from styles.loss import EMBEDDED, StyleLoss
from styles.registry import load_stylenet

PROMPT = "noir ink"
BAR = 0.10
HAND = "fluent_color"
CAST = ("superhero", "princess", "dragon", "house", "castle")
OTHERS = ("tree", "cat", "robot", "sun", "ship", "mushroom", "king", "horse", "tent", "bear")
PANELS, PANEL_SIDE = 12, 128
NETWORK_SIDE = 96
WINDOW, CELL = 72, 6  # of the judge's templates

Picture = NDArray[np.uint8]
Figures = dict[str, float]


@dataclass(frozen=True)
class Size:
    """How much is done."""

    steps: int
    network_steps: int


FULL, QUICK = Size(300, 150), Size(50, 80)


# The story --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TestStory:
    """A story to tune on, what its classifiers learn from, and other compositions for the judge."""

    batch: PanelBatch
    examples: list[Example]
    judged: list[Example]


def cast_story(data: Path) -> TestStory:
    """Panels, references, and what the judge learns from."""
    drawings = [_rgba(data / "elements" / HAND / f"{name}.png") for name in CAST]
    others = [_rgba(data / "elements" / HAND / f"{name}.png") for name in OTHERS]
    composed = compositions(drawings, others, PANELS, seed=26)
    keep = torch.zeros(1, PANEL_SIDE, PANEL_SIDE, dtype=torch.bool)
    panels = tuple(
        PanelArt(example.group, (example.image * 255).round().to(torch.uint8), keep, (0, 0), 1.0)
        for example in composed
    )
    labels = torch.stack([example.labels for example in composed])
    batch = PanelBatch(panels, CAST, labels, torch.ones_like(labels), PROMPT)
    references = [
        Example(_on_paper(drawing), label, torch.ones_like(label), f"reference {name}")
        for name, drawing, label in zip(CAST, drawings, torch.eye(len(CAST)), strict=True)
    ]
    judged = compositions(drawings, others, 96, seed=72)
    return TestStory(batch, composed + references, judged)


def compositions(drawings: list[Picture], others: list[Picture], count: int, *, seed: int) -> list[Example]:
    """Panels with one to three of the elements, and with others, on a ground of two colors.

    Args:
        drawings: of each element, RGBA.
        others: of what is no element.
        count: panels.
        seed: of everything.
    """
    rng = np.random.default_rng(seed)
    side = PANEL_SIDE
    found = []
    for number in range(count):
        ground = rng.integers(120, 256, (2, 3))
        share = np.linspace(0, 1, side)[:, None, None]
        sheet = np.broadcast_to(ground[0] * (1 - share) + ground[1] * share, (side, side, 3)).copy()
        shown = rng.choice(len(drawings), rng.choice([1, 2, 3], p=[0.4, 0.4, 0.2]), replace=False)
        pasted = [drawings[element] for element in shown]
        pasted += [others[kind] for kind in rng.choice(len(others), rng.integers(0, 2), replace=False)]
        boxes: list[tuple[float, float, float, float]] = []
        for drawing, corner in zip(pasted, rng.permutation(4), strict=False):
            width = int(side * rng.uniform(0.42, 0.56))
            image = Image.fromarray(drawing).resize((width, width), Image.Resampling.HAMMING)
            x, y = (
                int((side - width) * np.clip(half + rng.uniform(-0.15, 0.15), 0, 1))
                for half in (corner % 2, corner // 2)
            )
            boxes.append((x / side, y / side, (x + width) / side, (y + width) / side))
            layer = np.asarray(image).astype(float)
            alpha = layer[..., 3:] / 255
            window = sheet[y : y + width, x : x + width]
            window[:] = window * (1 - alpha) + layer[..., :3] * alpha
        labels = torch.zeros(len(drawings))
        labels[torch.from_numpy(shown)] = 1
        box_of = dict(zip(shown.tolist(), boxes, strict=False))
        regions = tuple(box_of.get(element) for element in range(len(drawings)))
        picture = unit(to_tensor(sheet.round().clip(0, 255).astype(np.uint8)))
        found.append(Example(picture, labels, torch.ones_like(labels), f"p01-{number + 1:02d}", regions))
    return found


def _rgba(path: Path) -> Picture:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGBA"))


def _on_paper(drawing: Picture) -> Tensor:
    alpha = drawing[..., 3:] / 255
    return unit(to_tensor((drawing[..., :3] * alpha + 255 * (1 - alpha)).round().astype(np.uint8)))


# Those who are asked ----------------------------------------------------------------------------------


class PlainNetwork(nn.Module):
    """A ResNet of four blocks (He et al., CVPR 2016) on 96 px squares: (N, 3, H, W) -> logits (N, E).

    Its features are pooled by their maximum: an element may be small.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = ResNet(BasicBlock, [1, 1, 1, 1], num_classes=len(CAST))
        self.network.avgpool = nn.AdaptiveMaxPool2d(1)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(letterbox(images, NETWORK_SIDE) * 2 - 1)
        return logits


def trained_network(
    path: Path, seed: int, steps: int, pictures: Callable[[], tuple[Tensor, Tensor]]
) -> PlainNetwork:
    """A network by cross entropy alone; kept in a file.

    Args:
        pictures: gives the pictures (N, 3, S, S) in [0, 1], and their labels (N, E).
    """
    network = PlainNetwork(seed)
    if path.exists():
        network.load_state_dict(torch.load(path, weights_only=True))
        return network.eval()
    images, labels = pictures()
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, steps)
    for _ in range(steps):
        rows = torch.randint(len(images), (16,), generator=generator)
        seen = recolor(warp(images[rows], NETWORK_SIDE, generator), generator)
        loss = F.binary_cross_entropy_with_logits(network(seen), labels[rows])
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
    torch.save(network.state_dict(), path)
    return network.eval()


class Judge(nn.Module):
    """Templates of edges, found by linear discriminants: (N, 3, H, W) -> logits (N, E).

    Source: Hariharan, Malik and Ramanan, "Discriminative Decorrelation for Clustering and Classification",
    ECCV 2012: whitened histograms of gradients, slid over the picture at several scales. The best place
    counts. Fitted in closed form; it has seen neither the panels nor the tuned network.
    """

    def __init__(self, story: TestStory, path: Path) -> None:
        super().__init__()
        if path.exists():
            self.templates, self.slope, self.bias = torch.load(path, weights_only=True)
            return
        generator = torch.Generator().manual_seed(4242)
        drawn = torch.stack([example.image for example in story.judged])
        painters, views = list(JUDGE_RENDERERS.values()), style_views()
        painted = [painters[part % 18](images, None, generator) for part, images in enumerate(drawn.split(4))]
        styled = [views(images, generator) for images in drawn.split(16)]
        pictures = torch.cat([drawn, *painted, *styled, torch.stack(_finished(drawn))])
        windows, kinds = [], []
        for number, picture in enumerate(pictures):
            regions = story.judged[number % len(drawn)].regions
            for kind, (left, top, right, bottom) in _windows(regions, generator):
                cut = picture[:, top:bottom, left:right]
                windows.append(F.interpolate(cut[None], (WINDOW, WINDOW), mode="bilinear", antialias=True))
                kinds.append(kind)
        found = _edges(torch.cat(windows)).flatten(1).numpy()
        discriminants = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1).fit(found, kinds)
        weights = torch.from_numpy(discriminants.coef_[:-1] - discriminants.coef_[-1:]).float()
        self.templates = weights.reshape(len(CAST), -1, WINDOW // CELL, WINDOW // CELL)
        self.slope, self.bias = torch.ones(len(CAST)), torch.zeros(len(CAST))
        # Platt: what the best place of a picture says of the picture.
        labels = torch.stack([example.labels for example in story.judged]).repeat(4, 1)
        scores = self(pictures)
        for column in range(len(CAST)):
            line = LogisticRegression(class_weight="balanced").fit(scores[:, [column]], labels[:, column])
            self.slope[column], self.bias[column] = float(line.coef_[0, 0]), float(line.intercept_[0])
        torch.save((self.templates, self.slope, self.bias), path)

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        best = []
        for share in (0.43, 0.49, 0.55):  # of the panel's side, as wide as a drawing may be
            side = round(WINDOW / share)
            seen = _edges(F.interpolate(images, (side, side), mode="bilinear", antialias=True))
            best.append(F.conv2d(seen, self.templates, padding=1).amax(dim=(2, 3)))
        return torch.stack(best).amax(dim=0) * self.slope + self.bias


def _windows(
    regions: Sequence[tuple[float, float, float, float] | None], generator: torch.Generator
) -> list[tuple[int, tuple[int, int, int, int]]]:
    """Where each element is, by its column; and, as one kind more, places where none is, in pixels."""
    boxes = {
        kind: tuple(round(PANEL_SIDE * share) for share in box) for kind, box in enumerate(regions) if box
    }
    found = list(boxes.items())
    for _ in range(8):
        side = round(PANEL_SIDE * float(0.42 + 0.14 * torch.rand((), generator=generator)))
        left, top = torch.randint(PANEL_SIDE - side, (2,), generator=generator).tolist()
        if all(abs(left - box[0]) + abs(top - box[1]) > side // 4 for box in boxes.values()):
            found.append((len(regions), (left, top, left + side, top + side)))
    return found  # type: ignore[return-value]


def _edges(images: Tensor) -> Tensor:
    """How strong edges are in each of eight directions, as shares of those around: (N, 8, H / 6, W / 6)."""
    tone = images.mean(dim=1, keepdim=True)
    right = F.pad(tone[..., 2:] - tone[..., :-2], (1, 1))
    down = F.pad(tone[..., 2:, :] - tone[..., :-2, :], (0, 0, 1, 1))
    centers = (torch.arange(8) * (2 * torch.pi / 8))[:, None, None]
    near = (0.5 + 0.5 * torch.cos(2 * torch.atan2(down, right) - centers)) ** 4
    cells = F.avg_pool2d(near * (right.square() + down.square()).sqrt(), CELL)
    around = F.avg_pool2d(cells.sum(1, keepdim=True), 3, stride=1, padding=1, count_include_pad=False)
    return (cells / (around + 0.02)).sqrt()


def _finished(images: Tensor) -> list[Tensor]:
    """Pictures as the untuned network finishes them in the story's style."""
    keep = torch.zeros(1, *images.shape[-2:], dtype=torch.bool)
    panels = tuple(
        PanelArt(f"{number}", (image * 255).round().to(torch.uint8), keep, (37 * number, 53 * number), 1.0)
        for number, image in enumerate(images)
    )
    nothing = torch.zeros(len(panels), len(CAST))
    network = load_stylenet()
    batch = PanelBatch(panels, CAST, nothing, nothing, PROMPT)
    return stylized_panels(batch, network, untuned(network, PROMPT))


def default(story: TestStory, size: Size, work: Path) -> nn.Module:
    """The recipe as it is."""
    return _embedded(story, work / "classifiers", list)


def replay(story: TestStory, size: Size, work: Path) -> nn.Module:
    """The recipe, and what the network made to fool its classifiers."""

    def replayed() -> list[Example]:
        fooled = default(story, size, work)
        groups = story.batch.ids
        return replay_examples(story.batch, load_stylenet(), _losses(story.batch), fooled, groups=groups)

    return _embedded(story, work / "classifiers-replay", replayed)


def _embedded(story: TestStory, folder: Path, replayed: Callable[[], list[Example]]) -> ElementClassifiers:
    if folder.exists():
        return ElementClassifiers.load(folder, EmbeddedEncoder())
    classifiers = train_classifiers(
        story.examples,
        CAST,
        backbone=EmbeddedEncoder(),
        style_views=style_views(),
        replay=replayed(),
        seed=0,
    ).classifiers
    classifiers.save(folder)
    return classifiers


def plain_heads(story: TestStory, size: Size, work: Path) -> nn.Module:
    """One undefended head for each element, on the encoder."""
    folder = work / "classifiers-plain"
    if not folder.exists():
        with patch("classifiers.train.MEMBERS", 1):
            trained = train_classifiers(story.examples, CAST, backbone=EmbeddedEncoder(), seed=0, rounds=0)
        trained.classifiers.save(folder)
    return ElementClassifiers.load(folder, EmbeddedEncoder())


def plain_network(story: TestStory, size: Size, work: Path) -> nn.Module:
    """The ResNet, trained on what the classifiers are trained on."""

    def pictures() -> tuple[Tensor, Tensor]:
        images = [letterbox(example.image[None], NETWORK_SIDE + 16) for example in story.examples]
        return torch.cat(images), torch.stack([example.labels for example in story.examples])

    return trained_network(work / "plain-network.pt", 1, size.network_steps, pictures)


ARMS: dict[str, Callable[[TestStory, Size, Path], nn.Module]] = {
    "default": default,
    "plain heads": plain_heads,
    "plain network": plain_network,
    "replay": replay,
}


# The experiment ---------------------------------------------------------------------------------------


def half_flipped(batch: PanelBatch) -> PanelBatch:
    """For each element half of the panels that show it and half of those that do not, marked wrong."""
    generator = torch.Generator().manual_seed(9)
    priors = batch.priors.clone()
    for column in range(priors.shape[1]):
        for side in (0.0, 1.0):
            rows = (batch.priors[:, column] == side).nonzero().flatten()
            chosen = rows[torch.randperm(len(rows), generator=generator)[: round(len(rows) / 2)]]
            priors[chosen, column] = 1 - side
    return replace(batch, priors=priors)


WISHES: dict[str, Callable[[PanelBatch], PanelBatch]] = {"true": lambda batch: batch, "flipped": half_flipped}


def _losses(batch: PanelBatch) -> Callable[[str], StyleLoss]:
    return style_losses(load_clip(None), EMBEDDED, batch)


def mean_ap(p: Tensor, priors: Tensor) -> float:
    """Mean of the elements' AP; p and priors (P, E)."""
    found = [average_precision(p[:, column], priors[:, column] > 0.5) or 0.0 for column in range(p.shape[1])]
    return sum(found) / len(found)


def figures_of(
    pictures: Sequence[Tensor], told: PanelBatch, truth: PanelBatch, own: nn.Module, judge: nn.Module
) -> Figures:
    """AP of what was told, and of the absences told as presences the share that is seen (p above 1/2)."""
    figures: Figures = {}
    wished = (told.priors > 0.5) & (truth.priors < 0.5)
    for name, observer in (("own", own), ("judge", judge)):
        with torch.no_grad():
            p = observer(torch.stack(list(pictures))).sigmoid()
        figures[name] = mean_ap(p, told.priors)
        if wished.any():
            figures[f"{name} sees"] = float((p[wished] > 0.5).float().mean())
    figures["gap"] = figures["own"] - figures["judge"]
    return figures


def main() -> None:
    """Run what is asked for, print the table, write figures and pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--wishes", nargs="+", choices=WISHES, default=list(WISHES))
    parser.add_argument("--quick", action="store_true", help="50 steps")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    size = QUICK if options.quick else FULL
    work = options.work / ("quick" if options.quick else "full")
    work.mkdir(parents=True, exist_ok=True)
    story, network = cast_story(options.data), load_stylenet()
    judge = Judge(story, options.work / "judge.pt")
    truth = story.batch
    art = [unit(panel.art) for panel in truth.panels]
    plain = stylized_panels(truth, network, untuned(network, PROMPT))
    shown: dict[str, list[Tensor]] = {"as drawn": art, "untuned": plain}
    found = figures_of(art, truth, truth, judge, judge), figures_of(plain, truth, truth, judge, judge)
    result = {"judge, as drawn": found[0], "judge, untuned": found[1]}
    print(f"a gap of at most {BAR:.2f} of true marks is asked for")
    print(f"judge's AP of true marks: as drawn {found[0]['judge']:.3f}, untuned {found[1]['judge']:.3f}")
    print("| arm | marks | step | own | judge | gap | sees who is not there: own, judge |")
    print("|---" * 7 + "|", flush=True)
    for arm in options.arms:
        own = ARMS[arm](story, size, work)
        for wish in options.wishes:
            told = WISHES[wish](truth)
            settings = FineTuneSettings(
                steps=size.steps,
                longest_side=PANEL_SIDE,
                panels_per_step=1,
                checkpoint_every=25,
                preview_every=size.steps,
            )
            before = result[f"{arm}, {wish}, 0"] = figures_of(plain, told, truth, own, judge)
            print(_row(arm, wish, 0, before), flush=True)
            run = work / f"{arm.replace(' ', '-')}-{wish}"
            tuned = fine_tune(told, network, _losses(told), own, settings, run)
            pictures = shown[f"{arm}, {wish}"] = stylized_panels(truth, network, tuned)
            after = result[f"{arm}, {wish}, {size.steps}"] = figures_of(pictures, told, truth, own, judge)
            print(_row(arm, wish, size.steps, after), flush=True)
            _write_sheet(work / "panels.png", shown)
            write_atomic(options.out or work / "figures.json", json.dumps(result, indent=1).encode())


def _row(arm: str, wish: str, step: int, figures: Figures) -> str:
    cells = [
        arm,
        wish,
        str(step),
        f"{figures['own']:.3f}",
        f"{figures['judge']:.3f}",
        f"{figures['gap']:+.3f}",
    ]
    sees = [f"{figures[f'{name} sees']:.2f}" for name in ("own", "judge") if f"{name} sees" in figures]
    return "| " + " | ".join([*cells, ", ".join(sees)]) + " |"


def _write_sheet(path: Path, shown: dict[str, list[Tensor]]) -> None:
    """A row for each of the first panels, a column for each way to finish it."""
    cells = [_bytes(pictures[row]) for row in range(6) for pictures in shown.values()]
    write_png(path, grid(cells, list(shown) * 6, columns=len(shown), cell=200))


def _bytes(picture: Tensor) -> Picture:
    pixels = (picture.permute(1, 2, 0) * 255).round().clamp(0, 255).to(torch.uint8).numpy()
    return resized(pixels, 196, 196)


if __name__ == "__main__":
    main()
