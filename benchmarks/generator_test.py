"""Can the style network fool the classifiers that it is tuned on? The generator test.

    uv run python benchmarks/generator_test.py DATA WORK [--quick] [--out FIGURES.json]

The real style network is tuned on a story for 300 steps of the Comic Book Loss (panels reduced to 224 px),
the story's classifiers in the loss. Then the classifiers are asked how well the finished panels show what the
optimizer was told, and so is a judge that was in no gradient. AP is the mean over elements.

Stories: the demo's eleven panels; ``cast``, 24 panels composed of one artist's drawings (DATA/elements);
``peppercarrot``, real pages (DATA/comics/peppercarrot), the panels of one half of the pages.

Wishes, what the optimizer is told and both are asked about:
  true      the marks as they are: the ordinary use.
  flipped   for each element the marks of half of its panels, in equal parts of both kinds, are turned round:
            the network is told to show who is not there and to hide who is, which it cannot do by honest
            means. An observer who cannot be fooled, weak or strong, is at an AP near the share of positives
            then, so that here the gap is what was fooled, and nothing else.

Arms:
  defended    the shipped recipe: adversarial training, replay, an ensemble that counts by its worst member.
  undefended  one classifier, the same training without its adversarial part, no replay.

Judges, in no gradient ever:
  shipped   ``comicloss.judge`` with heads cross-fitted on the panels as drawn and their true marks.
  second    a small ResNet with other seed, size, augmentation and loss, that knows the story as well as the
            classifiers do and other pictures besides: compositions of the reference drawings (demo) or of
            seven hands (cast), the other half of the pages (peppercarrot).

Printed: AP of classifiers and judges on the panels as drawn (true marks: an upper bound of what a judge can
say), on the untuned network's output and on the tuned one's; gap = classifiers' AP - judge's AP; and the gap
less the gap on the untuned output, as a judge that is merely weaker has a gap before anybody fools anybody.
Also: of the absences told as presences, the share that the classifiers, and the judges, now see.
WORK keeps everything; a run that was cut off goes on where it was. Written there for each story: curve.png,
AP over the steps (where own and judge part, somebody is being fooled), and panels.png, before and after.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import matplotlib
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import binary_fill_holes
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.resnet import BasicBlock, ResNet

from classifiers.augment import recolor, warp
from classifiers.data import Example
from classifiers.evaluate import average_precision
from classifiers.model import ElementClassifiers, letterbox
from classifiers.train import train_classifiers
from comicloss.data import PanelArt, PanelBatch, resized, to_tensor, unit
from comicloss.demo import DEMO_STORY, draw_pages, reference_drawings
from comicloss.finetune import FineTuneSettings, Tuned, fine_tune, finished_run, untuned
from comicloss.guiding import style_losses
from comicloss.judge import Judge, judge_probabilities
from comicloss.loss import member_logits
from comicloss.replay import replay_examples, stylized_panels
from comicloss.training import style_views
from pages.errors import Stopped
from pages.export import write_png
from pages.files import write_atomic
from pages.read import load_rgb
from pages.sheet import grid
from styles.clip import load_clip
from styles.loss import EMBEDDED, StyleLoss
from styles.registry import load_stylenet
from styles.stylenet import StyleNet

matplotlib.use("agg")
from matplotlib import pyplot

PROMPT = "noir ink"
BAR = 0.10
JUDGE_SIDE = 96
HANDS = ("fluent_color", "fluent_flat", "noto", "twemoji", "openmoji", "emojitwo", "fluent_3d")
CAST = ("superhero", "princess", "dragon", "house", "castle")
OTHERS = ("tree", "cat", "robot", "sun", "ship", "mushroom", "king", "horse", "tent", "bear")
COMIC_CAST = ("pepper", "carrot", "bird", "saffron", "dragon")

Picture = NDArray[np.uint8]
Figures = dict[str, float]


@dataclass(frozen=True)
class Size:
    """How much is done."""

    steps: int
    milestones: tuple[int, ...]
    longest_side: int
    panels_per_step: int
    judge_pictures: int
    judge_steps: int


FULL = Size(300, (0, 25, 50, 100, 150, 200, 250, 300), 224, 1, 400, 300)
QUICK = Size(60, (0, 20, 60), 96, 1, 120, 80)


@dataclass(frozen=True)
class TestStory:
    """A story to tune on, and pictures of others for the judge."""

    batch: PanelBatch
    examples: list[Example]
    judge_examples: list[Example]


# The stories ------------------------------------------------------------------------------------------


def demo_story(_: Path, size: Size) -> TestStory:
    """The demo's panels in color; the judge learns from its reference drawings, composed anew."""
    names = tuple(element.name for element in DEMO_STORY.elements)
    panels, shows = [], []
    for number, (page, told) in enumerate(zip(draw_pages("color"), DEMO_STORY.pages, strict=True), 1):
        for place, panel in enumerate(told.panels, 1):
            x, y, width, height = panel.box
            panels.append(_panel(f"p{number:02d}-{place:02d}", page[y : y + height, x : x + width], (x, y)))
            shows.append([float(name in panel.shows) for name in names])
    drawings = reference_drawings()
    references = [
        Example(
            unit(to_tensor(picture)),
            *[F.one_hot(torch.tensor(column), len(names)).float()] * 2,
            f"{name} {n}",
        )
        for column, name in enumerate(names)
        for n, picture in enumerate(drawings[name])
    ]
    cut_out = [[_with_alpha(picture) for picture in drawings[name]] for name in names]
    judged = compositions(cut_out, [], size.judge_pictures, seed=71)
    return _story(panels, torch.tensor(shows), torch.ones(len(panels), len(names)), names, references, judged)


def cast_story(data: Path, size: Size) -> TestStory:
    """Panels composed of one illustrator's drawings; the judge learns from seven others' and these."""

    def drawings(names: Sequence[str], hands: Sequence[str]) -> list[list[Picture]]:
        paths = [[data / "elements" / hand / f"{name}.png" for hand in hands] for name in names]
        return [[_rgba(path) for path in row if path.exists()] for row in paths]

    story = compositions(drawings(CAST, HANDS[:1]), drawings(OTHERS, HANDS[:1]), 24, seed=5)
    panels = [
        _panel(
            f"p01-{number:02d}",
            (example.image.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8),
            (0, 0),
        )
        for number, example in enumerate(story, 1)
    ]
    labels = torch.stack([example.labels for example in story])
    judged = compositions(drawings(CAST, HANDS), drawings(OTHERS, HANDS), size.judge_pictures, seed=72)
    return _story(panels, labels, torch.ones_like(labels), CAST, [], judged)


def peppercarrot_story(data: Path, _: Size) -> TestStory:
    """Every other page of real ones; the judge learns from the pages between them."""
    folder = data / "comics" / "peppercarrot"
    listed = json.loads((folder / "panels.json").read_text())["panels"]
    pages = sorted({entry["page"] for entry in listed})
    sides: tuple[list[PanelArt], list[PanelArt]] = ([], [])
    marks: tuple[list[list[float]], list[list[float]]] = ([], [])
    sure: tuple[list[list[float]], list[list[float]]] = ([], [])
    for entry in listed:
        left, top, right, bottom = entry["box"]
        art = load_rgb(folder / entry["page"])[top:bottom, left:right]
        side = pages.index(entry["page"]) % 2
        sides[side].append(_panel(f"{entry['page']}-{entry['panel']}", art, (left, top)))
        marks[side].append([float(name in entry["present"]) for name in COMIC_CAST])
        sure[side].append([float(name not in entry["unsure"]) for name in COMIC_CAST])
    others = _examples(sides[1], torch.tensor(marks[1]), torch.tensor(sure[1]))
    return _story(sides[0], torch.tensor(marks[0]), torch.tensor(sure[0]), COMIC_CAST, [], others)


STORIES: dict[str, Callable[[Path, Size], TestStory]] = {
    "demo": demo_story,
    "cast": cast_story,
    "peppercarrot": peppercarrot_story,
}


def _story(
    panels: list[PanelArt],
    priors: Tensor,
    known: Tensor,
    names: tuple[str, ...],
    references: list[Example],
    judged: list[Example],
) -> TestStory:
    batch = PanelBatch(tuple(panels), names, priors * known, known, PROMPT)
    return TestStory(batch, _examples(panels, batch.priors, known) + references, judged)


def _examples(panels: Sequence[PanelArt], priors: Tensor, known: Tensor) -> list[Example]:
    return [
        Example(unit(panel.reduced(384).art), priors[row], known[row], panel.id)
        for row, panel in enumerate(panels)
    ]


def _panel(name: str, art: Picture, origin: tuple[int, int]) -> PanelArt:
    return PanelArt(name, to_tensor(art), torch.zeros(1, *art.shape[:2], dtype=torch.bool), origin, 1.0)


def _rgba(path: Path) -> Picture:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGBA"))


def _with_alpha(picture: Picture) -> Picture:
    """A drawing on white paper, cut out along its outline."""
    inside = binary_fill_holes((picture < 240).any(axis=2))
    return np.dstack([picture, np.where(inside, 255, 0).astype(np.uint8)])


def compositions(
    drawings: list[list[Picture]], others: list[list[Picture]], count: int, *, seed: int, side: int = 288
) -> list[Example]:
    """Panels with one to three of the elements, and with others, on a ground of two colors.

    Args:
        drawings: for each element its RGBA drawings.
        others: likewise, of what is no element.
        count: panels.
        seed: of everything.
        side: of a panel.
    """
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        ground = rng.integers(120, 256, (2, 3))
        share = np.linspace(0, 1, side)[:, None, None]
        sheet = np.broadcast_to(ground[0] * (1 - share) + ground[1] * share, (side, side, 3)).copy()
        shown = set(
            rng.choice(len(drawings), rng.choice([0, 1, 2, 3], p=[0.1, 0.4, 0.35, 0.15]), replace=False)
        )
        pasted = [drawings[element][rng.integers(len(drawings[element]))] for element in shown]
        for _ in range(rng.integers(0, 3) if others else 0):
            kind = others[rng.integers(len(others))]
            pasted.insert(rng.integers(len(pasted) + 1), kind[rng.integers(len(kind))])
        places = rng.permutation(4)
        for place, drawing in enumerate(pasted[:4]):
            width = int(side * rng.uniform(0.38, 0.58))
            image = Image.fromarray(drawing).resize((width, width), Image.Resampling.HAMMING)
            if rng.random() < 0.5:
                image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            corner = places[place]
            x, y = (
                int((side - width) * np.clip(half + rng.uniform(-0.2, 0.2), 0, 1))
                for half in (corner % 2, corner // 2)
            )
            layer = np.asarray(image).astype(float)
            alpha = layer[..., 3:] / 255
            window = sheet[y : y + width, x : x + width]
            window[:] = window * (1 - alpha) + layer[..., :3] * alpha
        labels = torch.tensor([float(element in shown) for element in range(len(drawings))])
        picture = unit(to_tensor(sheet.round().clip(0, 255).astype(np.uint8)))
        found.append(Example(picture, labels, torch.ones_like(labels), f"composed {number}"))
    return found


# The classifiers --------------------------------------------------------------------------------------


class Members(nn.Module):
    """The first members of an ensemble, in the place of all."""

    def __init__(self, classifiers: nn.Module, count: int | None) -> None:
        super().__init__()
        self.classifiers = classifiers
        self.count = count

    def members(self, images: Tensor) -> Tensor:
        """(M, N, E) logits."""
        return member_logits(self.classifiers, images)[: self.count]

    def forward(self, images: Tensor) -> Tensor:
        return self.members(images).mean(dim=0)


class Mean(nn.Module):
    """An ensemble that counts by its mean: its members cannot be asked."""

    def __init__(self, classifiers: nn.Module) -> None:
        super().__init__()
        self.classifiers = classifiers

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifiers(images)
        return logits


@dataclass(frozen=True)
class Arm:
    """How classifiers are trained, how many there are, and how the loss counts them."""

    attacked: bool = True
    replay: bool = True
    members: int | None = None
    counts_worst: bool = True


ARMS = {
    "defended": Arm(),
    "undefended": Arm(attacked=False, replay=False, members=1),
    "mean": Arm(counts_worst=False),
    "no replay": Arm(replay=False),
    "not attacked": Arm(attacked=False),
    "one member": Arm(members=1),
}


def trained(story: TestStory, arm: Arm, work: Path) -> nn.Module:
    """The classifiers of an arm; those of a recipe are trained once and kept in WORK."""
    return Members(_of_recipe(story, arm.attacked, arm.replay, work), arm.members)


def _of_recipe(story: TestStory, attacked: bool, replay: bool, work: Path) -> ElementClassifiers:
    folder = work / f"classifiers{'-attacked' * attacked}{'-replay' * replay}"
    if folder.exists():
        return ElementClassifiers.load(folder)
    replayed: list[Example] = []
    if replay:
        fooled = _of_recipe(story, attacked, False, work)
        groups = story.batch.ids
        replayed = replay_examples(story.batch, load_stylenet(), _losses(story.batch), fooled, groups=groups)
    with nullcontext() if attacked else patch("classifiers.train.attack", _unchanged):
        classifiers = train_classifiers(
            story.examples + replayed,
            story.batch.element_names,
            backbone=None,
            style_views=style_views(),
            seed=0,
        ).classifiers
    classifiers.save(folder)
    return classifiers


def _losses(batch: PanelBatch) -> Callable[[str], StyleLoss]:
    return style_losses(load_clip(None), EMBEDDED, batch)


def _unchanged(logits_of: object, images: Tensor, *_: object, **__: object) -> Tensor:
    return images


# The judges -------------------------------------------------------------------------------------------


class SecondJudge:
    """A ResNet of four blocks (He et al., CVPR 2016) on 96 px squares, by cross entropy alone.

    Its features are pooled by their maximum: an element may be small.
    """

    def __init__(self, story: TestStory, size: Size, path: Path) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(4242)
            names = story.batch.element_names
            self.network = ResNet(BasicBlock, [1, 1, 1, 1], num_classes=len(names))
            self.network.avgpool = nn.AdaptiveMaxPool2d(1)
        if path.exists():
            self.network.load_state_dict(torch.load(path, weights_only=True))
        else:
            self._train(story, size.judge_steps)
            torch.save(self.network.state_dict(), path)
        self.network.eval()

    def _train(self, story: TestStory, steps: int) -> None:
        generator = torch.Generator().manual_seed(4242)
        examples = [*story.examples, *story.judge_examples]
        own = len(story.examples)
        canvases = torch.cat([letterbox(example.image[None], JUDGE_SIDE + 24) for example in examples])
        views = style_views()
        with torch.no_grad():
            styled = torch.cat([views(part, generator) for part in canvases.split(16)])
        labels = torch.stack([example.labels for example in examples])
        known = torch.stack([example.known for example in examples])
        shares = (labels * known).sum(0) / known.sum(0)
        weight = ((1 - shares) / shares.clamp_min(0.02)).clamp_max(10)
        optimizer = torch.optim.AdamW(self.network.parameters(), lr=2e-3, weight_decay=0.05)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, steps)
        self.network.train()
        for _ in range(steps):
            of_story = torch.randint(own, (8,), generator=generator)
            others = torch.randint(own, len(canvases), (8,), generator=generator)
            rows = torch.cat([of_story, others])
            is_styled = torch.rand(16, generator=generator) < 0.5
            images = torch.where(is_styled[:, None, None, None], styled[rows], canvases[rows])
            images = recolor(warp(images, JUDGE_SIDE, generator), generator)
            losses = F.binary_cross_entropy_with_logits(
                self.network(images * 2 - 1), labels[rows], known[rows], pos_weight=weight
            )
            optimizer.zero_grad()
            torch.autograd.backward(losses)
            optimizer.step()
            schedule.step()

    @torch.no_grad()
    def __call__(self, pictures: Sequence[Tensor]) -> Tensor:
        """Probabilities (P, E): the mean over a picture and its mirror image."""
        squares = torch.cat([letterbox(picture[None], JUDGE_SIDE) for picture in pictures]) * 2 - 1
        logits: Tensor = self.network(squares) + self.network(squares.flip(-1))
        return (logits / 2).sigmoid()


def shipped_judge(batch: PanelBatch, pictures: Sequence[Tensor]) -> Tensor:
    """Probabilities (P, E) of the shipped judge, whose heads know the art and the true marks."""
    art = [unit(panel.art) for panel in batch.panels]
    return judge_probabilities(art, pictures, batch.priors, batch.known, judge=Judge.load())[1]


# The experiment ---------------------------------------------------------------------------------------


def half_flipped(batch: PanelBatch, seed: int = 9) -> PanelBatch:
    """For each element half of the panels that show it and half of those that do not, marked wrong."""
    generator = torch.Generator().manual_seed(seed)
    priors = batch.priors.clone()
    for column in range(priors.shape[1]):
        for side in (0.0, 1.0):
            rows = ((batch.known[:, column] > 0) & (batch.priors[:, column] == side)).nonzero().flatten()
            chosen = rows[torch.randperm(len(rows), generator=generator)[: round(len(rows) / 2)]]
            priors[chosen, column] = 1 - side
    return replace(batch, priors=priors)


WISHES: dict[str, Callable[[PanelBatch], PanelBatch]] = {"true": lambda batch: batch, "flipped": half_flipped}


def mean_ap(p: Tensor, priors: Tensor, known: Tensor) -> float:
    """Mean of the elements' AP, of those with both sides; where a judge has no answer (NaN) is left out."""
    found = []
    for column in range(p.shape[1]):
        counted = (known[:, column] > 0) & ~p[:, column].isnan()
        positive = priors[counted, column] > 0.5
        if positive.any() and not positive.all():
            found.append(average_precision(p[counted, column], positive) or 0.0)
    return sum(found) / len(found) if found else math.nan


def seen_of_wished(p: Tensor, told: PanelBatch, truth: PanelBatch) -> float:
    """Of the elements told to be where they are not, the share that is seen there (p above 1/2)."""
    wished = (told.known > 0) & (told.priors > 0.5) & (truth.priors < 0.5) & ~p.isnan()
    return float((p[wished] > 0.5).float().mean()) if wished.any() else math.nan


@dataclass(frozen=True)
class Observers:
    """Those who are asked: the classifiers in the loss, and the judges."""

    classifiers: nn.Module
    second: SecondJudge
    truth: PanelBatch

    def answers(self, pictures: Sequence[Tensor], *, shipped: bool = True) -> dict[str, Tensor]:
        """Probabilities (P, E) by observer; the shipped judge takes its time."""
        with torch.no_grad():
            own = torch.cat([self.classifiers(picture[None]) for picture in pictures]).sigmoid()
        found = {"own": own, "second": self.second(pictures)}
        return found | ({"shipped": shipped_judge(self.truth, pictures)} if shipped else {})


def experiment(
    story: TestStory, arm: Arm, wish: str, size: Size, observers: Observers, folder: Path
) -> tuple[list[dict[str, float]], list[Tensor]]:
    """A curve of figures over the steps, and the panels at the end."""
    told = WISHES[wish](story.batch)
    network, losses = load_stylenet(), _losses(story.batch)
    classifiers = observers.classifiers if arm.counts_worst else Mean(observers.classifiers)
    settings = FineTuneSettings(
        steps=size.steps,
        longest_side=size.longest_side,
        panels_per_step=size.panels_per_step,
        checkpoint_every=size.milestones[1],
        preview_every=size.steps,
    )
    curve, pictures = [], []
    for milestone in size.milestones:
        path = folder / f"figures-{milestone}.json"
        tuned = untuned(network, PROMPT)
        if milestone:
            tuned = _tuned_until(milestone, told, network, losses, classifiers, settings, folder / "run")
        if not path.exists() or milestone == size.steps:
            pictures = stylized_panels(_reduced(story.batch, size), network, tuned)
        if not path.exists():
            figures: Figures = {"step": milestone}
            is_end = milestone in (0, size.steps)
            for name, p in observers.answers(pictures, shipped=is_end).items():
                figures[name] = mean_ap(p, told.priors, told.known)
                figures[f"{name} seen"] = seen_of_wished(p, told, story.batch)
            write_atomic(path, json.dumps(figures).encode())
        curve.append(json.loads(path.read_bytes()))
    return curve, pictures


def _tuned_until(
    milestone: int,
    told: PanelBatch,
    network: StyleNet,
    losses: Callable[[str], StyleLoss],
    classifiers: nn.Module,
    settings: FineTuneSettings,
    run_folder: Path,
) -> Tuned:
    """The state of a run of all the steps after some of them. It is stopped there, and goes on from there."""
    done = 0

    def count(step: int, total: int, what: str) -> None:
        nonlocal done
        done = step

    found = finished_run(run_folder, milestone)
    if found is None:
        with suppress(Stopped):
            return fine_tune(
                told,
                network,
                losses,
                classifiers,
                settings,
                run_folder,
                progress=count,
                stop=lambda: done >= milestone,
            )
        found = finished_run(run_folder, milestone)
    assert found is not None
    return found


def _reduced(batch: PanelBatch, size: Size) -> PanelBatch:
    return replace(batch, panels=tuple(panel.reduced(size.longest_side) for panel in batch.panels))


def main() -> None:
    """Run what is asked for, print the tables, write figures and pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--stories", nargs="+", choices=STORIES, default=list(STORIES))
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=["defended", "undefended"])
    parser.add_argument("--wishes", nargs="+", choices=WISHES, default=list(WISHES))
    parser.add_argument("--quick", action="store_true", help="60 steps on smaller panels: does it run?")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    size = QUICK if options.quick else FULL
    result: dict[str, dict[str, list[Figures]]] = {}
    for name in options.stories:
        work = options.work / ("quick" if options.quick else "full") / name
        work.mkdir(parents=True, exist_ok=True)
        story = STORIES[name](options.data, size)
        second = SecondJudge(story, size, work / "second-judge.pt")
        result[name] = _of_story(story, second, size, work, options.arms, options.wishes)
    if options.out:
        write_atomic(options.out, json.dumps(result, indent=1).encode())


def _of_story(
    story: TestStory, second: SecondJudge, size: Size, work: Path, arms: list[str], wishes: list[str]
) -> dict[str, list[Figures]]:
    art = [unit(panel.art) for panel in _reduced(story.batch, size).panels]
    network = load_stylenet()
    plain = stylized_panels(_reduced(story.batch, size), network, untuned(network, PROMPT))
    result, sheets = {}, {"as drawn": art, "untuned": plain}
    for arm in arms:
        observers = Observers(trained(story, ARMS[arm], work), second, story.batch)
        drawn = {
            name: mean_ap(p, story.batch.priors, story.batch.known)
            for name, p in observers.answers(art).items()
        }
        print(f"\n{work.name}, {arm}: AP as drawn: " + ", ".join(f"{k} {v:.2f}" for k, v in drawn.items()))
        gaps = "gap | less untuned"
        print(f"| wish | step | own | shipped | {gaps} | second | {gaps} | seen: own, shipped, second |")
        print("|---" * 10 + "|")
        verdicts = []
        for wish in wishes:
            folder = work / f"{arm.replace(' ', '-')}-{wish}"
            folder.mkdir(exist_ok=True)
            curve, pictures = experiment(story, ARMS[arm], wish, size, observers, folder)
            result[f"{arm}, {wish}"] = [{"step": -1, **drawn}, *curve]
            sheets[f"{arm}, {wish}"] = pictures
            for figures in (curve[0], curve[-1]):
                print(_row(wish, figures, curve[0]), flush=True)
            verdicts.append(f"{arm}, {wish}: {_verdict(curve[0], curve[-1])}")
        print("\n" + "\n".join(verdicts), flush=True)
    cells = [[_shown(pictures[row]) for pictures in sheets.values()] for row in range(min(8, len(art)))]
    write_png(
        work / "panels.png",
        grid(
            [cell for row in cells for cell in row], list(sheets) * len(cells), columns=len(sheets), cell=260
        ),
    )
    _plot(result, work / "curve.png")
    return result


def _row(wish: str, figures: Figures, first: Figures) -> str:
    cells = [wish, f"{figures['step']:.0f}", f"{figures['own']:.3f}"]
    for judge in ("shipped", "second"):
        gap, before = figures["own"] - figures[judge], first["own"] - first[judge]
        cells += [f"{figures[judge]:.3f}", f"{gap:+.3f}", f"{gap - before:+.3f}"]
    cells.append(", ".join(f"{figures[f'{name} seen']:.2f}" for name in ("own", "shipped", "second")))
    return "| " + " | ".join(cells) + " |"


def _verdict(first: Figures, last: Figures) -> str:
    """The gap as it is, and what tuning added to it: the one of the judge that is farther away."""
    judges = ("shipped", "second")
    gaps = {judge: last["own"] - last[judge] for judge in judges}
    grown = {judge: gaps[judge] - (first["own"] - first[judge]) for judge in judges}
    far, farther = max(judges, key=gaps.__getitem__), max(judges, key=grown.__getitem__)
    told = []
    for what, judge, value in (("gap", far, gaps[far]), ("grown by", farther, grown[farther])):
        told.append(f"{what} {value:+.3f} ({judge}), {'within' if value <= BAR else 'above'} {BAR:.2f}")
    return "; ".join(told)


def _shown(picture: Tensor) -> Picture:
    pixels = (picture.permute(1, 2, 0) * 255).round().clamp(0, 255).to(torch.uint8).numpy()
    factor = 256 / max(pixels.shape[:2])
    return resized(pixels, round(pixels.shape[1] * factor), round(pixels.shape[0] * factor))


def _plot(result: dict[str, list[Figures]], path: Path) -> None:
    """Own AP and the judges' over the steps: where they part, the classifiers are being fooled."""
    figure, axes = pyplot.subplots(
        1, len(result), figsize=(4 * len(result), 3.2), sharey=True, squeeze=False, layout="constrained"
    )
    for axis, (title, curve) in zip(axes[0], result.items(), strict=True):
        for name, color in (("own", "#c0392b"), ("shipped", "#2c6fbb"), ("second", "#4a9d5b")):
            points = [(figures["step"], figures[name]) for figures in curve[1:] if name in figures]
            axis.plot(*zip(*points, strict=True), color=color, marker="o", ms=3, label=name)
        axis.set(title=title, xlabel="step", ylim=(0, 1.03))
        axis.grid(alpha=0.3)
    axes[0][0].set_ylabel("AP of what was told")
    axes[0][0].legend(frameon=False)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


if __name__ == "__main__":
    main()
