"""Fine-tuning a trunk that somebody else has trained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from classifiers.backbones import Backbone, blank_backbone
from classifiers.data import Example
from classifiers.evaluate import average_precision
from classifiers.model import ElementClassifiers, SmallBackbone, backbone_id
from classifiers.recipe.fine_tune import FineTuned, FineTuneRecipe, fine_tune
from pages.errors import InputError, Stopped, WeightsError

NAMES = ("red disk", "blue square")
QUICK = FineTuneRecipe(epochs=2, sizes=(32, 64), batch=8, patience=5)


def shapes(count: int, seed: int) -> list[Example]:
    """Paper with perhaps a red disk and perhaps a blue square."""
    generator = torch.Generator().manual_seed(seed)
    y, x = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    examples = []
    for index in range(count):
        disk, square = bool(index % 2), bool(index // 2 % 2)
        image = torch.full((3, 64, 64), 0.95) - 0.1 * torch.rand(3, 64, 64, generator=generator)
        for shown, color in ((square, (0.1, 0.2, 0.9)), (disk, (0.9, 0.1, 0.1))):
            across, down = (16 + 32 * torch.rand(2, generator=generator)).tolist()
            inside = (x - across) ** 2 + (y - down) ** 2 < 144
            if color[2] > 0.5:
                inside = ((x - across).abs() < 11) & ((y - down).abs() < 11)
            if shown:
                image = torch.where(inside, torch.tensor(color).view(3, 1, 1), image)
        labels = torch.tensor([float(disk), float(square)])
        examples.append(Example(image, labels, torch.ones(2), group=f"{seed}-{index}"))
    return examples


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def trunk(seed: int = 0) -> Backbone:
    torch.manual_seed(seed)
    return blank_backbone("timm:test_resnet")


def tuned(recipe: FineTuneRecipe = QUICK, *, count: int = 24) -> FineTuned:
    return fine_tune(shapes(count, 0), NAMES, trunk(), recipe, seed=0)


def precision(classifiers: ElementClassifiers, examples: list[Example]) -> float:
    with torch.no_grad():
        logits = classifiers(torch.stack([example.image for example in examples]))
    labels = torch.stack([example.labels for example in examples])
    found = [average_precision(logits[:, place], labels[:, place] > 0.5) for place in range(2)]
    return sum(value for value in found if value is not None) / 2


def test_it_learns_what_unseen_pictures_show() -> None:
    recipe = replace(QUICK, epochs=6)
    assert precision(tuned(recipe, count=48).classifiers, shapes(24, 9)) > 0.85  # guessing gives .5


def test_the_trunk_is_tuned_saved_and_loaded_without_the_weights_it_came_with(tmp_path: Path) -> None:
    before = backbone_id(trunk())
    found = tuned(replace(QUICK, probe=False))
    assert backbone_id(found.classifiers.backbone) != before
    found.classifiers.save(tmp_path / "saved")
    again = ElementClassifiers.load(tmp_path / "saved")
    image = shapes(1, 3)[0].image[None]
    torch.testing.assert_close(again(image), found.classifiers(image))
    handed_in = trunk(seed=5)
    own = backbone_id(handed_in)
    again = ElementClassifiers.load(tmp_path / "saved", handed_in)
    torch.testing.assert_close(again(image), found.classifiers(image))
    assert backbone_id(handed_in) == own


def test_an_unknown_trunk_needs_to_be_handed_in(tmp_path: Path) -> None:
    class Own(torch.nn.Sequential):
        """A trunk that no library knows."""

    torch.manual_seed(0)
    backbone = Own(torch.nn.Conv2d(3, 8, 5, stride=4), torch.nn.GELU())
    found = fine_tune(shapes(12, 0), NAMES, backbone, replace(QUICK, epochs=1), seed=0)
    found.classifiers.save(tmp_path / "saved")
    with pytest.raises(WeightsError, match="Own: no such backbone"):
        ElementClassifiers.load(tmp_path / "saved")
    again = ElementClassifiers.load(
        tmp_path / "saved", Own(torch.nn.Conv2d(3, 8, 5, stride=4), torch.nn.GELU())
    )
    image = shapes(1, 3)[0].image[None]
    torch.testing.assert_close(again(image), found.classifiers(image))


def test_the_probe_leaves_the_trunk_alone() -> None:
    found = tuned(replace(QUICK, epochs=0))
    assert [epoch.phase for epoch in found.history] == ["probe"]
    assert backbone_id(found.classifiers.backbone) == backbone_id(trunk())
    frozen_only = tuned(replace(QUICK, probe=False, frozen_epochs=1, epochs=0))
    assert backbone_id(frozen_only.classifiers.backbone) == backbone_id(trunk())
    assert all(parameter.requires_grad for parameter in frozen_only.classifiers.backbone.parameters())


def test_the_phases_come_in_order_with_their_sizes_and_the_best_epoch_is_kept() -> None:
    found = tuned(replace(QUICK, frozen_epochs=1, epochs=4))
    phases = [(epoch.phase, epoch.size) for epoch in found.history]
    assert phases == [
        ("probe", 64), ("frozen", 32), ("unfrozen", 32), ("unfrozen", 32), ("unfrozen", 64), ("unfrozen", 64)
    ]  # fmt: skip
    rows = list(found.held_out)
    labels = torch.stack([shapes(24, 0)[row].labels for row in rows])
    reached = [
        average_precision(found.held_out_logits[:, place], labels[:, place] > 0.5) or 0.0
        for place in range(2)
    ]
    best = max(epoch.average_precision or 0.0 for epoch in found.history)
    assert sum(reached) / 2 == pytest.approx(best)


def test_layers_next_to_the_picture_move_least() -> None:
    start = trunk().state_dict()
    end = tuned(replace(QUICK, probe=False, epochs=3, patience=9)).classifiers.backbone.state_dict()

    def moved(name: str) -> float:
        return float((end[name] - start[name]).abs().mean())

    names = [name for name in start if name.endswith("weight") and start[name].ndim == 4]
    assert moved(names[0]) < 0.3 * moved(names[-1])


@pytest.mark.parametrize(
    "recipe",
    [
        replace(QUICK, epochs=1, loss="asymmetric", balanced=True),
        replace(QUICK, epochs=1, loss="plain", mixed_precision=True),
    ],
    ids=["asymmetric", "mixed"],
)
def test_the_other_parts_run_and_the_same_seed_gives_the_same(recipe: FineTuneRecipe) -> None:
    first, again = tuned(recipe), tuned(recipe)
    for name, value in first.classifiers.state_dict().items():
        assert torch.equal(value, again.classifiers.state_dict()[name]), name
    assert all(torch.isfinite(value).all() for value in first.classifiers.parameters())


def test_a_range_test_chooses_the_rate_where_none_is_given() -> None:
    recipe = replace(QUICK, probe=False, epochs=1, sizes=(32,), batch=4, rate=None)
    found = tuned(recipe, count=12)
    assert found.range_test is not None
    assert 1e-5 <= found.range_test.suggestion < found.range_test.rates[-1]
    assert tuned(replace(recipe, rate=1e-3), count=12).range_test is None


def test_a_trunk_of_our_own_is_saved_as_such(tmp_path: Path) -> None:
    found = fine_tune(shapes(12, 0), NAMES, SmallBackbone(), replace(QUICK, epochs=1, probe=False), seed=0)
    found.classifiers.save(tmp_path / "saved")
    image: Tensor = shapes(1, 3)[0].image[None]
    again = ElementClassifiers.load(tmp_path / "saved")
    torch.testing.assert_close(again(image), found.classifiers(image))


def test_bad_input_and_stop() -> None:
    one_sided = [example for example in shapes(24, 0) if example.labels[0] > 0.5]
    with pytest.raises(InputError, match="red disk"):
        fine_tune(one_sided, NAMES, trunk(), QUICK, seed=0)
    calls = iter(range(10**6))
    with pytest.raises(Stopped):
        fine_tune(shapes(24, 0), NAMES, trunk(), QUICK, seed=0, stop=lambda: next(calls) > 3)
    told: list[tuple[int, int, str]] = []
    fine_tune(shapes(24, 0), NAMES, trunk(), QUICK, seed=0, progress=lambda *note: told.append(note))
    assert told[0][:2] == (0, 3) and told[-1][:2] == (3, 3)
