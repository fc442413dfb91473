"""Reference pictures: who is in them, and what they show when pasted on panels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from classifiers.data import Example, scene_clusters
from comicloss.examples import StoryExamples, story_examples
from comicloss.references import hosts_of, load_reference, pasted
from comicloss.story import Element, Story, StoryPage, StoryPanel, Style

ELEMENTS = (
    Element(name="Hero", references=("hero.png", "both.png")),
    Element(name="Dragon", references=("both.png",)),
    Element(name="Castle", kind="setting"),
    Element(name="Sword", kind="prop", references=("sword.png",)),
)
KINDS = [element.kind for element in ELEMENTS]


def disc(size: int = 80, color: tuple[int, int, int] = (250, 0, 0)) -> Image.Image:
    """A disc of one color on nothing, somewhat right of the middle."""
    y, x = np.mgrid[:size, :size]
    alpha = np.where((x - 0.6 * size) ** 2 + (y - 0.5 * size) ** 2 <= (0.3 * size) ** 2, 255, 0)
    rgba = np.zeros((size, size, 4), np.uint8)
    rgba[..., :3], rgba[..., 3] = color, alpha
    return Image.fromarray(rgba)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("hero.png", "both.png", "sword.png"):
        disc().save(tmp_path / name)
    return tmp_path


def panel(labels: list[float], known: list[float], group: str = "p", **regions: Any) -> Example:
    places = tuple(regions.get(element.name) for element in ELEMENTS)
    image = torch.full((3, 120, 180), 0.25)
    return Example(image, torch.tensor(labels), torch.tensor(known), group, places)


@pytest.mark.parametrize(
    ("file", "labels", "known"),
    [
        ("hero.png", [1, 0, 0, 0], [1, 1, 1, 0]),  # the hero may hold the sword
        ("both.png", [1, 1, 0, 0], [1, 1, 1, 0]),
        ("sword.png", [0, 0, 0, 1], [1, 1, 1, 1]),
    ],
)
def test_a_cutout_shows_nobody_else(folder: Path, file: str, labels: list[int], known: list[int]) -> None:
    reference = load_reference(folder, file, ELEMENTS)
    assert reference.example.labels.tolist() == labels and reference.example.known.tolist() == known
    assert reference.cutout is not None and reference.cutout.shape == (49, 49, 4)
    region = next(filter(None, reference.example.regions))
    assert region == pytest.approx((0.3, 0.2, 0.9, 0.8), abs=0.02)


@pytest.mark.parametrize("kind", ["no alpha", "opaque", "round corners"])
def test_a_picture_with_a_background_may_show_anybody(folder: Path, kind: str) -> None:
    picture = Image.new("RGBA", (80, 60), (1, 2, 3, 255))
    if kind == "no alpha":
        picture = picture.convert("RGB")
    elif kind == "round corners":
        picture.putpixel((0, 0), (0, 0, 0, 0))
    picture.save(folder / "hero.png")
    reference = load_reference(folder, "hero.png", ELEMENTS)
    assert reference.cutout is None and not any(reference.example.regions)
    assert reference.example.known.tolist() == [1, 0, 0, 0]


def test_sixteen_bit_transparency_is_transparency(folder: Path) -> None:
    import imagecodecs

    rgba = np.array(disc()).astype(np.uint16) * 257
    (folder / "hero.png").write_bytes(imagecodecs.png_encode(rgba))
    cutout = load_reference(folder, "hero.png", ELEMENTS).cutout
    assert cutout is not None and np.array_equal(cutout[24, 24], [250, 0, 0, 255])


def test_a_pasted_cutout_is_there_and_the_panel_around_it(folder: Path) -> None:
    reference = load_reference(folder, "hero.png", ELEMENTS)
    host = panel([0, 0, 1, 0], [1, 1, 1, 1])
    first, second = pasted(reference, host, KINDS)
    assert not torch.equal(first.image, second.image)
    for example in (first, second):
        region = example.regions[0]
        assert region is not None
        outside = torch.ones(120, 180, dtype=torch.bool)
        left, top, right, bottom = (
            round(share * side) for share, side in zip(region, (180, 120, 180, 120), strict=True)
        )
        outside[top:bottom, left:right] = False
        assert bool((example.image[:, outside] == 0.25).all())
        middle = example.image[:, (top + bottom) // 2, (left + right) // 2]
        assert torch.allclose(middle, torch.tensor([250 / 255, 0, 0]), atol=1e-5)
        assert 0.4 * 120 - 1 <= bottom - top <= 0.9 * 120
        assert example.labels.tolist() == [1, 0, 1, 0]
        assert example.known.tolist() == [1, 1, 1, 0]  # the setting is still to be seen, a sword may be held
        assert example.group == reference.example.group
    assert torch.equal(pasted(reference, host, KINDS)[0].image, first.image)


def test_what_the_drawing_may_hide_is_not_known(folder: Path) -> None:
    reference = load_reference(folder, "hero.png", ELEMENTS)
    anywhere = pasted(reference, panel([0, 1, 0, 0], [1, 1, 1, 1]), KINDS)
    assert all(example.known.tolist() == [1, 0, 1, 0] for example in anywhere)
    corner = (0.0, 0.0, 0.05, 0.05)  # where the disc, whose box has empty corners, never reaches
    free = pasted(reference, panel([0, 1, 0, 0], [1, 1, 1, 1], Dragon=corner), KINDS)
    assert all(example.labels.tolist() == [1, 1, 0, 0] and example.known[1] == 1 for example in free)
    assert all(example.regions[1] == corner for example in free)
    everywhere = (0.0, 0.0, 1.0, 1.0)
    hidden = pasted(reference, panel([0, 1, 0, 0], [1, 1, 1, 1], Dragon=everywhere), KINDS)
    for example in hidden:
        cover = float((example.image[0] > 0.5).float().mean())
        assert (example.known[1] == 0) == (cover > 0.1)
        assert (example.regions[1] is None) == (example.known[1] == 0)


def test_panels_host_one_reference_that_they_are_known_not_to_show(folder: Path) -> None:
    references = [load_reference(folder, name, ELEMENTS) for name in ("hero.png", "sword.png")]
    panels = [
        panel([1, 0, 0, 0], [1, 1, 1, 1], "with hero"),
        panel([0, 0, 0, 0], [0, 1, 1, 1], "hero unsure"),
        panel([0.2, 0, 0, 0], [1, 1, 1, 1], "perhaps the hero"),
        panel([0, 0, 0, 1], [1, 1, 1, 1], "with sword"),
        panel([0, 0, 0, 0], [1, 1, 1, 1], "nobody"),
    ]
    hero, sword = hosts_of(references, panels)
    assert set(hero) <= {3, 4} and hero and not set(sword) & {3} and sword
    assert not set(hero) & set(sword)
    opaque = [type(references[0])(references[0].example, None)]
    assert hosts_of(opaque, panels) == [[]]


@pytest.fixture
def examples(folder: Path) -> StoryExamples:
    """Of a page with four panels of noise: the hero, with a region, in the first; nobody in the others."""
    coarse = np.random.default_rng(0).integers(0, 255, (28, 20, 3), np.uint8)
    noise = np.kron(coarse, np.ones((50, 50, 1), np.uint8))
    Image.fromarray(noise).save(folder / "page.png")
    boxes = [(20, 20, 460, 660), (520, 20, 460, 660), (20, 720, 460, 660), (520, 720, 460, 660)]
    regions = {"Hero": (100, 100, 200, 300)}
    panels = tuple(
        StoryPanel(
            id=f"p01-0{number}",
            box=box,
            shows=("Hero",) if number == 1 else (),
            regions=regions if number == 1 else {},
        )
        for number, box in enumerate(boxes, 1)
    )
    hero, castle = ELEMENTS[0], ELEMENTS[2]
    return story_examples(
        Story(
            title="t",
            style=Style(prompt="ink"),
            elements=(hero.model_copy(update={"references": ("hero.png",)}), castle),
            pages=(StoryPage(file="page.png", panels=panels),),
        ),
        folder,
    )


def test_a_region_gives_a_crop_in_the_group_of_its_panel(examples: StoryExamples) -> None:
    first = examples.drawn[0]
    (crop,) = [example for example in examples.derived if example.group == first.group]
    assert crop.labels.tolist() == [1, 0] and crop.known.tolist() == [1, 1]
    assert crop.image.shape[-1] / crop.image.shape[-2] == pytest.approx(280 / 420, abs=0.03)


def test_nothing_leaks_between_a_reference_and_the_panels_that_it_is_pasted_on(
    examples: StoryExamples,
) -> None:
    everything = [*examples.drawn, *examples.derived]
    clusters = scene_clusters(everything)
    cluster_of = {index: number for number, cluster in enumerate(clusters) for index in cluster}

    def parents(derived: Tensor) -> list[int]:
        """The drawn panels whose pixels (noise, so no two are alike) are in a picture."""
        return [
            index
            for index, drawn in enumerate(examples.drawn)
            if drawn.image.shape == derived.shape and float((drawn.image == derived).float().mean()) > 0.2
        ]

    pastings = [
        index
        for index in range(len(examples.drawn), len(everything))
        if everything[index].group == examples.drawn[-1].group
    ]
    assert len(pastings) == 4
    for index in pastings:
        (host,) = parents(everything[index].image)
        assert cluster_of[host] == cluster_of[index] == cluster_of[len(examples.drawn) - 1]
        assert examples.drawn[host].labels[0] == 0
    assert len(clusters) == 3  # the reference with two hosts, the panel with its crop, the panel left
