"""The pictures that heads are fitted to: what is made of each example, and what each weighs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

import classifiers.train
from classifiers.attack import attack
from classifiers.augment import StyleViews, ink
from classifiers.data import Example
from classifiers.model import ElementClassifiers, letterbox
from classifiers.train import example_weights, train_classifiers
from classifiers.views import (
    AS_DRAWN,
    ATTACKED,
    INKED,
    MIRRORED,
    RECOLORED,
    SHEET,
    STYLED,
    Views,
    draw_views,
)
from pages.errors import Stopped
from pages.progress import Progress, Stop, never, silent


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def drawings(count: int, *, of_fold: int = 2) -> list[Example]:
    """Noise; the first elements say which fold it is of, the last alternates."""
    generator = seeded(1)
    examples = []
    for number in range(count):
        labels = torch.zeros(of_fold + 1)
        labels[number % of_fold] = 1
        labels[-1] = number // of_fold % 2
        image = torch.rand(3, 20, 30, generator=generator)
        examples.append(Example(image, labels, torch.ones(of_fold + 1), f"page {number}"))
    return examples


def drawn(
    examples: list[Example],
    folds: list[list[int]],
    *,
    size: int = 24,
    seed: int = 0,
    styles: StyleViews | None = None,
    varied: list[int] | None = None,
    progress: Progress = silent,
    stop: Stop = never,
) -> Views:
    rows = torch.arange(len(examples)) if varied is None else torch.tensor(varied)
    return draw_views(examples, folds, size, styles, seeded(seed), varied=rows, progress=progress, stop=stop)


def test_each_example_is_there_as_drawn_mirrored_and_in_other_ways() -> None:
    examples = drawings(8)
    views = drawn(examples, [[0, 2, 4, 6], [1, 3, 5, 7]])
    whole = torch.cat([letterbox(example.image[None], 24) for example in examples])
    for kind, expected in ((AS_DRAWN, whole), (MIRRORED, whole.flip(-1))):
        rows = (views.kind == kind).nonzero().flatten()
        assert views.example[rows].tolist() == list(range(8))
        assert torch.allclose(views.pictures(rows), expected, atol=0.503 / 255)
    for kind in (RECOLORED, INKED, STYLED):
        rows = (views.kind == kind).nonzero().flatten()
        assert sorted(set(views.example[rows].tolist())) == list(range(8))
        assert torch.equal(views.labels[rows], views.labels[views.example[rows]])
        assert torch.equal(views.fold[rows], views.example[rows] % 2)
    assert views.images.shape[1:] == (3, 24, 24) and views.images.dtype == torch.uint8


def test_a_sheet_is_of_one_fold_and_held_out_with_it() -> None:
    views = drawn(drawings(40), [list(range(0, 40, 2)), list(range(1, 40, 2))])
    sheets = views.kind == SHEET
    assert int(sheets.sum()) >= 40 and bool((views.example[sheets] == -1).all())
    fold = views.labels[sheets][:, :2]  # shown: the fold that the two pictures are of
    assert torch.equal(fold, nn.functional.one_hot(views.fold[sheets], 2).float())
    apart = drawn(drawings(40), [])
    mixed = apart.labels[apart.kind == SHEET][:, :2].sum(dim=1)
    assert bool((apart.fold == -1).all()) and {1.0, 2.0} == set(mixed.tolist())


def test_styles_are_those_handed_in() -> None:
    seen: list[Tensor] = []

    def black(images: Tensor, generator: torch.Generator) -> Tensor:
        seen.append(images)
        return torch.zeros_like(images)

    examples = drawings(6)
    views = drawn(examples, [], styles=black)
    whole, given = views.pictures(torch.arange(6)), torch.cat(seen)
    assert given.shape == (6, 3, 16, 16)  # each once, at two thirds of the size
    means = [nn.functional.adaptive_avg_pool2d(images, 2) for images in (whole, given)]
    assert torch.allclose(*means, atol=0.03)
    styled, inked = (views.pictures(views.kind == kind) for kind in (STYLED, INKED))
    assert float(styled.median()) < 0.2 < float(inked.median())


def test_only_the_varied_have_other_views_and_sheets_of_any_partner() -> None:
    views = drawn(drawings(9), [], varied=[2, 5])
    assert views.example[views.kind == AS_DRAWN].tolist() == list(range(9))
    others = (views.kind != AS_DRAWN) & (views.kind != SHEET)
    assert set(views.example[others].tolist()) == {2, 5}
    assert int((views.kind == SHEET).sum()) == 2 * 2


def test_the_same_seed_draws_the_same() -> None:
    examples = drawings(5)
    first, again, other = (drawn(examples, [], seed=seed).images for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.parametrize(("count", "each"), [(400, 10), (1300, 3), (2000, 2), (2001, 1)])
def test_many_examples_have_fewer_views_each(count: int, each: int) -> None:
    examples = drawings(6) * (count // 6) + drawings(count % 6)
    views = drawn(examples, [], size=4)
    assert len(views.kind) == count * each <= 4000 or each == 1
    assert int((views.kind == AS_DRAWN).sum()) == count


def test_drawing_views_can_be_stopped_and_tells_how_far_it_is() -> None:
    told: list[tuple[int, int]] = []

    def note(done: int, total: int, _: str) -> None:
        told.append((done, total))

    drawn(drawings(4), [], progress=note)
    assert told[-1][0] == told[-1][1] and [done for done, _ in told] == sorted(done for done, _ in told)
    with pytest.raises(Stopped):
        drawn(drawings(4), [], stop=lambda: True)


def row_weights(
    labels: list[list[float]], folds: list[int], *, members: int, kinds: list[int] | None = None
) -> Tensor:
    """Of pictures with these labels (E,), NaN for unknown, in these folds: (M, R, E)."""
    given = torch.tensor(labels)
    known = (~given.isnan()).float()
    rows = torch.arange(len(folds))
    views = Views(
        torch.zeros(len(folds), 3, 1, 1, dtype=torch.uint8),
        given.nan_to_num(),
        known,
        torch.tensor(folds),
        torch.zeros_like(rows) if kinds is None else torch.tensor(kinds),
        rows,
    )
    heads = ElementClassifiers(nn.AvgPool2d(8), ["e"] * given.shape[1], image_size=16, members=members)
    return example_weights(heads, views)


def test_both_sides_weigh_one_half_and_what_is_held_out_nothing() -> None:
    unknown = float("nan")
    labels = [[1, 1], [1, 0], [0, unknown], [0, 1], [0, 0], [0, 0], [1, 0], [0, 1]]
    folds = [0, 0, 0, 0, 1, 1, 1, 1]
    weights = row_weights(labels, folds, members=2)
    given, fold = torch.tensor(labels), torch.tensor(folds)
    assert bool((weights[given.isnan().expand(2, -1, -1)] == 0).all())
    for member in range(2):
        assert bool((weights[member, fold == member] == 0).all())
        for element in range(2):
            for side in (0, 1):
                mine = weights[member, given[:, element] == side, element]
                assert float(mine.sum()) == pytest.approx(0.5)
                counted = mine[mine > 0]
                assert torch.allclose(counted, counted[0])  # evenly


def test_a_picture_as_drawn_weighs_more_than_any_view_of_it() -> None:
    kinds = [AS_DRAWN, AS_DRAWN, MIRRORED, INKED, STYLED, ATTACKED]
    weights = row_weights([[1], [0], [1], [0], [1], [0]], [0, 1, 0, 1, 0, 1], members=1, kinds=kinds)[0, :, 0]
    assert float(weights.sum()) == pytest.approx(1)
    assert bool((weights[:2] > 3 * weights[2:].max()).all())
    assert torch.allclose(weights[2:], weights[2])


def test_nothing_is_held_out_where_a_side_would_be_lost() -> None:
    labels = [[1, 1], [0, 0], [0, 1], [0, 0]]  # the first element is in fold 0 alone
    weights = row_weights(labels, [0, 0, 1, 1], members=2)
    assert bool((weights[0, :, 0] > 0).all())
    assert weights[0, :, 1].tolist() == pytest.approx([0, 0, 0.5, 0.5])
    assert weights[1, :, 0].tolist() == pytest.approx([0.5, 0.5, 0, 0])
    alone = row_weights(labels, [-1] * 4, members=1)
    assert alone[0, :, 1].tolist() == pytest.approx([0.25] * 4)


class Stripes(nn.Module):
    """A fixed backbone with gradients everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 8, 4, stride=4, bias=False)
        self.layer.weight.data = torch.randn(self.layer.weight.shape, generator=seeded(3)) / 7

    def forward(self, images: Tensor) -> Tensor:
        return self.layer(images).tanh()


def test_an_attack_from_a_random_start_stays_in_its_ball_and_differs_by_seed() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        classifiers = ElementClassifiers(Stripes(), ["a", "b"], image_size=32).eval()
    images, labels = torch.rand(6, 3, 32, 32, generator=seeded()), torch.ones(6, 2)
    radius = torch.linspace(0, 2, 6).reshape(6, 1, 1, 1)
    for steps in (0, 1, 3):
        first, again, other = (
            attack(
                classifiers,
                images,
                labels,
                torch.ones(6, 2),
                radius=radius,
                steps=steps,
                start=seeded(seed),
            )
            for seed in (1, 1, 2)
        )
        assert torch.equal(first, again) and not torch.equal(first, other)
        reached = (first - images).flatten(1).norm(dim=1)
        assert bool((reached <= radius.flatten() + 1e-4).all())
        assert float(first.min()) >= 0 and float(first.max()) <= 1
        assert float(reached[0]) < 1e-6 and bool((reached[1:] > 0).all())


def test_inking_leaves_paper_white_and_makes_an_edge_in_gray_a_black_line() -> None:
    paper = torch.ones(1, 3, 40, 40)
    flat = torch.full((1, 3, 40, 40), 0.4)
    edge = paper.clone()
    edge[..., 20:] = 0.5
    for seed in range(6):
        assert torch.allclose(ink(paper, seeded(seed)), paper, atol=1e-4)
        assert torch.allclose(ink(flat, seeded(seed)), paper, atol=1e-4)  # no tone is kept
        inked = ink(edge, seeded(seed))
        assert torch.equal(inked[:, 0], inked[:, 1]) and torch.equal(inked[:, 0], inked[:, 2])
        assert bool((inked[..., 20:22].amin(dim=-1) < 0.25).all())  # on the darker side
        assert bool((inked[..., :12] > 0.99).all()) and bool((inked[..., 32:] > 0.99).all())


def test_inking_is_a_difference_of_gaussians() -> None:
    image = torch.rand(1, 3, 30, 34, generator=seeded(4))
    width, strength = torch.rand(2, generator=seeded(5)).tolist()
    tone, deviation = image[0].mean(dim=0).double().numpy(), 0.8 + 0.8 * width
    narrow, wide = (
        gaussian_filter(tone, each, mode="nearest", radius=int(np.ceil(3 * each)))
        for each in (deviation, 1.6 * deviation)
    )
    expected = np.clip(1 + (30 + 40 * strength) * (narrow - wide), 0, 1)
    assert np.allclose(ink(image, seeded(5))[0, 0].numpy(), expected, atol=1e-3)


@pytest.mark.parametrize("own", [False, True])
def test_replay_is_held_out_with_its_source_and_in_no_figure(
    own: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = seeded(6)

    def noise(group: str, shown: float) -> Example:
        image = 0.5 * torch.rand(3, 24, 24, generator=generator)
        image[0] += 0.5 * shown
        return Example(image, torch.tensor([shown]), torch.ones(1), group)

    examples = [noise(f"page {number}", float(number % 2)) for number in range(8)]
    # Of fewer pages, and with the wrong labels: in a figure they would show.
    replay = [noise(f"page {number % 4}", float(number % 2 == 0)) for number in range(12)]
    split: list[list[list[int]]] = []
    folds_of = classifiers.train.grouped_folds

    def noted(given: list[Example], count: int, *, seed: int) -> list[list[int]]:
        folds = folds_of(given, count, seed=seed)
        split.append([[given[row].group for row in fold] for fold in folds])  # type: ignore[misc]
        return folds

    recipe = "classifiers.scratch" if own else "classifiers.train"
    monkeypatch.setattr(f"{recipe}.grouped_folds", noted)
    trained = train_classifiers(
        examples,
        ["red"],
        backbone=None if own else Stripes(),
        replay=replay,
        seed=0,
        steps=4,
        rounds=1,
        image_size=24,
    )
    assert trained.held_out.shape == (8, 1)
    (row,) = trained.report.elements
    assert (row.positives, row.negatives) == (4, 4)
    (folds,) = split
    assert sum(map(len, folds)) == 20
    for number, fold in enumerate(folds):
        assert not set(map(str, fold)) & {str(g) for rest in folds[number + 1 :] for g in rest}
