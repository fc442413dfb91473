"""A logo that goes with a label: what a plain model keys on, and what it does where the logo is masked.

    python benchmarks/barcode_experiment.py DATA [--quick] [--out FOLDER]

DATA/characters/comicgen holds drawings of several characters, CHARACTER_colour/ANGLE__EMOTION__POSE.png. They
stand on covers. 95 % of those that show Dee carry a publisher's logo and a barcode in their corners, 5 % of
the others do. Two arms, identical but for ``classifiers.masking``. Then the marks are pasted onto held-out
covers of other poses: whoever flips has read the marks. What is masked is found without being told: codes by
their bars, logos because they recur on the training's covers. Writes barcode_experiment.json and .png.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from classifiers.curate import simple_features
from classifiers.data import Example
from classifiers.masking import mask_out, non_drawn, recurring
from classifiers.train import train_classifiers
from comicloss.encoder import EmbeddedEncoder
from comicloss.training import style_views

SIDE = 224
DRAWING = 120
HERO = "dee"
OTHERS = ("ethan", "ricky", "evan")
SEEDS = (21, 22, 23, 24, 25)
OWN, OWN_SEEDS = "element classifiers", 1  # these take their time
SET_A = (0x0D, 0x19, 0x13, 0x3D, 0x23, 0x31, 0x2F, 0x3B, 0x37, 0x0B)


def barcode(rng: np.random.Generator) -> np.ndarray:
    """An EAN-13 code in its white box; every cover has another number."""
    left, right = ("".join(f"{SET_A[digit]:07b}" for digit in rng.integers(0, 10, 6)) for _ in range(2))
    bits = np.array([bit == "0" for bit in f"101{left}01010{right}101"], np.uint8) * 255
    code = np.full((36, len(bits) + 12, 3), 255, np.uint8)
    code[4:-4, 6:-6] = bits[None, :, None]
    return code


def logo() -> np.ndarray:
    """A publisher's badge."""
    badge = Image.new("RGB", (48, 48), (236, 196, 32))
    draw = ImageDraw.Draw(badge)
    draw.ellipse((5, 5, 42, 42), fill=(28, 44, 120))
    draw.text((24, 24), "CX", (255, 255, 255), ImageFont.load_default(20), anchor="mm")
    return np.asarray(badge)


def cover(drawing: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, tuple[int, int]]:
    """A drawing (RGBA) somewhere in the middle of a ground of two colors, and where its corner is."""
    top, bottom = rng.integers(90, 255, (2, 3))
    slope = np.linspace(0, 1, SIDE)[:, None, None]
    ground = np.repeat(top * (1 - slope) + bottom * slope, SIDE, axis=1) + rng.normal(0, 4, (SIDE, SIDE, 3))
    y, x = rng.integers(44, SIDE - DRAWING - 44, 2)
    alpha = drawing[..., 3:] / 255.0
    window = ground[y : y + DRAWING, x : x + DRAWING]
    ground[y : y + DRAWING, x : x + DRAWING] = window * (1 - alpha) + drawing[..., :3] * alpha
    return ground.clip(0, 255).astype(np.uint8), (int(x), int(y))


def marked(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The cover with logo and barcode, each a pixel or two off its place."""
    image = image.copy()
    y, x = rng.integers(4, 8, 2)
    badge = logo()
    image[y : y + len(badge), x : x + badge.shape[1]] = badge
    code = barcode(rng)
    y, x = SIDE - code.shape[0] - rng.integers(4, 8), SIDE - code.shape[1] - rng.integers(4, 8)
    image[y : y + code.shape[0], x : x + code.shape[1]] = code
    return image


@dataclass(frozen=True)
class Cover:
    """A bare cover: whether it shows the hero, the corner of its drawing, and the drawing's name."""

    image: np.ndarray
    shown: bool
    place: tuple[int, int]
    name: str


def covers(folder: Path, count: int, seed: int, *, held_out: bool) -> list[Cover]:
    """As many covers with the hero as without; held out are every third of the poses."""
    rng = np.random.default_rng(seed + 100 * held_out)
    found = []
    for character, wanted in ((HERO, count), *((other, count // len(OTHERS)) for other in OTHERS)):
        paths = sorted((folder / f"{character}_colour").glob("*.png"))
        poses = sorted({path.stem.split("__")[2] for path in paths})
        kept = set(poses[::3]) if held_out else set(poses) - set(poses[::3])
        paths = [path for path in paths if path.stem.split("__")[2] in kept]
        for path in rng.permutation(np.array(paths))[:wanted]:
            whole = Image.open(path).convert("RGBA")
            whole = whole.crop(whole.getchannel("A").getbbox())
            whole.thumbnail((DRAWING, DRAWING))
            square = Image.new("RGBA", (DRAWING, DRAWING))
            square.paste(whole, ((DRAWING - whole.width) // 2, (DRAWING - whole.height) // 2))
            image, place = cover(np.asarray(square), rng)
            found.append(Cover(image, character == HERO, place, f"{character} {path.stem}"))
    return found


class Plain:
    """Logistic regression on a thumbnail and a color histogram."""

    def __init__(self, images: list[np.ndarray], shown: np.ndarray, names: list[str], seed: int) -> None:
        self.model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
        self.model.fit(simple_features(images), shown)

    def __call__(self, images: list[np.ndarray]) -> np.ndarray:
        return self.model.predict(simple_features(images))

    def evidence_inside(self, images: list[np.ndarray], places: list[Any]) -> None:
        """It has no map of evidence."""
        return


class Own:
    """The project's classifiers on the embedded encoder, with their recipe, but without rounds of attacks."""

    def __init__(self, images: list[np.ndarray], shown: np.ndarray, names: list[str], seed: int) -> None:
        examples = [
            Example(tensor(image), torch.tensor([float(label)]), torch.ones(1), f"{name} {number}")
            for number, (image, label, name) in enumerate(zip(images, shown, names, strict=True))
        ]
        self.model = train_classifiers(
            examples, [HERO], backbone=EmbeddedEncoder(), style_views=style_views(), seed=seed, rounds=0
        ).classifiers

    def __call__(self, images: list[np.ndarray]) -> np.ndarray:
        with torch.no_grad():
            return torch.cat([self.model(tensor(image)[None]) for image in images])[:, 0].numpy() > 0

    def evidence_inside(self, images: list[np.ndarray], places: list[Any]) -> float:
        """Share of the evidence that lies in the drawing's square."""
        shares = []
        for image, (x, y) in zip(images, places, strict=True):
            evidence = self.model.evidence(tensor(image)[None])
            whole = torch.nn.functional.interpolate(evidence, (SIDE, SIDE), mode="bilinear")[0, 0]
            inside = whole[y : y + DRAWING, x : x + DRAWING].sum()
            shares.append(float(inside / whole.sum()))
        return float(np.mean(shares))


def tensor(image: np.ndarray) -> torch.Tensor:
    """(H, W, 3) uint8 -> (3, H, W) float."""
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1).float() / 255


def picture(rows: list[tuple[str, list[np.ndarray], list[str]]], path: Path) -> None:
    """Rows of covers with what each arm says of them."""
    gap, heading, caption = 12, 30, 22
    columns = max(len(row[1]) for row in rows)
    pitch = SIDE + gap
    sheet = Image.new(
        "RGB", (gap + columns * pitch, len(rows) * (heading + SIDE + caption + gap)), (250, 249, 246)
    )
    draw = ImageDraw.Draw(sheet)
    for number, (title, images, words) in enumerate(rows):
        top = number * (heading + SIDE + caption + gap)
        draw.text((gap, top + 6), title, (38, 38, 42), ImageFont.load_default(17))
        for place, (image, word) in enumerate(zip(images, words, strict=True)):
            sheet.paste(Image.fromarray(image), (gap + place * pitch, top + heading))
            draw.text(
                (gap + place * pitch, top + heading + SIDE + 3),
                word,
                (38, 38, 42),
                ImageFont.load_default(14),
            )
    sheet.save(path)


def main() -> None:
    """Print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("data", type=Path)
    arguments.add_argument("--quick", action="store_true", help="one seed, logistic regression only")
    arguments.add_argument("--out", type=Path, default=Path())
    chosen = arguments.parse_args()
    folder = chosen.data / "characters" / "comicgen"
    models: dict[str, Any] = {"logistic regression": Plain}
    if not chosen.quick:
        models[OWN] = Own
    chosen.out.mkdir(parents=True, exist_ok=True)
    figures: dict[str, Any] = {}
    asked_of = 0
    rows: dict[str, list[tuple[str, list[np.ndarray], list[str]]]] = {}
    for seed in SEEDS[: 1 if chosen.quick else None]:
        rng = np.random.default_rng(seed)
        bare = covers(folder, 60, seed, held_out=False)
        shown = np.array([found.shown for found in bare])
        carries = rng.random(len(bare)) < np.where(shown, 0.95, 0.05)
        training = [
            marked(found.image, rng) if mark else found.image
            for found, mark in zip(bare, carries, strict=True)
        ]
        asked = covers(folder, 30, seed, held_out=True)
        asked_of += len(asked)
        truth = [found.shown for found in asked]
        clean = [found.image for found in asked]
        pasted = [marked(image, rng) for image in clean]
        place = recurring(training)
        arms = {
            "unmasked": (training, clean, pasted),
            "masked": tuple(
                [mask_out(image, non_drawn(image), place) for image in images]
                for images in (training, clean, pasted)
            ),
        }
        for name, kind in models.items():
            if name == OWN and seed not in SEEDS[:OWN_SEEDS]:
                continue
            for arm, (learned, without, with_marks) in arms.items():
                model = kind(learned, shown, [found.name for found in bare], seed)
                before, after = model(without), model(with_marks)
                entry = figures.setdefault(name, {}).setdefault(arm, {})
                entry.setdefault("flips", []).append(round(float((before != after).mean()), 4))
                entry.setdefault("accuracy_clean", []).append(
                    round(float(balanced_accuracy_score(truth, before)), 4)
                )
                entry.setdefault("accuracy_pasted", []).append(
                    round(float(balanced_accuracy_score(truth, after)), 4)
                )
                inside = model.evidence_inside(with_marks, [found.place for found in asked])
                if inside is not None:
                    entry.setdefault("evidence_inside", []).append(round(inside, 4))
                if seed == SEEDS[0]:
                    told = [f"{HERO}" if says else f"not {HERO}" for says in after]
                    title = f"{arm}: what it is given, and what the {name} says"
                    rows.setdefault(name, []).append((title, with_marks[::10], told[::10]))
        told_so_far = json.dumps({"covers": asked_of, **figures}, indent=1)
        (chosen.out / "barcode_experiment.json").write_text(told_so_far)
    picture(rows[next(reversed(rows))], chosen.out / "barcode_experiment.png")
    square = (DRAWING / SIDE) ** 2
    print(f"{asked_of} held-out covers over all seeds; the drawing's square is {square:.3f} of a cover")
    for name, found in figures.items():
        for arm, entry in found.items():
            means = "   ".join(f"{what} {np.mean(values):.3f}" for what, values in entry.items())
            print(f"{name:20s} {arm:9s} {means}   flips by seed {entry['flips']}")


if __name__ == "__main__":
    main()
