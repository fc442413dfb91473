"""The scenes and their roughs: ranges, what hangs together, and that a seed decides everything."""

from __future__ import annotations

import math

import pytest
import torch

from styles.embedded.drawing import ellipse, polygon, stroke, union
from styles.embedded.roughs import color_rough, flat_hints, pencil_rough
from styles.embedded.scenes import (
    SETTING_NAMES,
    SUBJECT_NAMES,
    Scenes,
    content_caption,
    draw_scene,
    make_scenes,
)


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return make_scenes(10, 128, torch.Generator().manual_seed(3))


def test_shapes_and_ranges(scenes: Scenes) -> None:
    assert scenes.color.shape == scenes.flat.shape == (10, 3, 128, 128)
    assert scenes.lines.shape == scenes.shade.shape == (10, 1, 128, 128)
    for part in (scenes.color, scenes.flat, scenes.lines, scenes.shade):
        assert part.dtype == torch.float32
        assert part.min() >= 0
        assert part.max() <= 1
    assert len(scenes) == len(scenes.captions) == len(scenes.subjects) == len(scenes.settings) == 10


def test_a_seed_decides_everything() -> None:
    one = make_scenes(3, 128, torch.Generator().manual_seed(8))
    same = make_scenes(3, 128, torch.Generator().manual_seed(8))
    other = make_scenes(3, 128, torch.Generator().manual_seed(9))
    assert torch.equal(one.color, same.color)
    assert torch.equal(one.lines, same.lines)
    assert one.captions == same.captions
    assert not torch.equal(one.color, other.color)


def test_captions_say_what_is_drawn() -> None:
    dragon, castle = SUBJECT_NAMES.index("dragon"), SETTING_NAMES.index("castle")
    assert content_caption(dragon, castle) == "a dragon in front of a castle"
    assert content_caption(dragon, SETTING_NAMES.index("plain")) == "a portrait of a dragon"
    captions = {
        content_caption(what, where)
        for what in range(len(SUBJECT_NAMES) - 3)
        for where in range(len(SETTING_NAMES))
    }
    assert len(captions) == (len(SUBJECT_NAMES) - 3) * len(SETTING_NAMES)


@pytest.mark.parametrize("subject", range(len(SUBJECT_NAMES)))
def test_every_subject_and_setting_can_be_drawn(subject: int) -> None:
    setting = subject % len(SETTING_NAMES)
    color, flat, lines, shade = draw_scene(subject, setting, 128, seed=subject)
    for part in (color, flat, lines, shade):
        assert part.isfinite().all()
    if SUBJECT_NAMES[subject] != "gradient":
        assert 0.005 < lines.mean() < 0.5


def test_lines_are_thin(scenes: Scenes) -> None:
    """Ink disappears when it is worn by more than a line's half width, apart from solid spots."""
    worn = -torch.nn.functional.max_pool2d(-scenes.lines, 9, stride=1, padding=4)
    assert (worn > 0.5).float().mean() < 0.03


def test_distances_are_those_of_the_shapes() -> None:
    y, x = torch.arange(64.0)[:, None], torch.arange(64.0)[None, :]
    circle = ((x - 30) ** 2 + (y - 34) ** 2).sqrt() - 12
    torch.testing.assert_close(ellipse((30, 34), (12, 12)).distance(x, y), circle, atol=1e-3, rtol=1e-4)
    capsule = stroke([(10, 32), (50, 32)], [5, 5]).distance(x, y)
    along = (x.clamp(10, 50) - x) ** 2
    torch.testing.assert_close(capsule, (along + (y - 32) ** 2).sqrt() - 5, atol=1e-3, rtol=1e-4)
    square = polygon([(16, 16), (48, 16), (48, 48), (16, 48)]).distance(x, y)
    outside = torch.stack(((x - 32).abs() - 16 + 0 * y, (y - 32).abs() - 16 + 0 * x))
    expected = outside.clamp_min(0).norm(dim=0) + outside.amax(0).clamp_max(0)
    torch.testing.assert_close(square, expected, atol=1e-3, rtol=1e-4)
    both = union(ellipse((30, 34), (12, 12)), polygon([(16, 16), (48, 16), (48, 48), (16, 48)]))
    assert torch.equal(both.distance(x, y) <= 0, (circle <= 1e-3) | (square <= 0))
    assert both.box == (16, 16, 48, 48)


def test_a_repeated_point_does_no_harm() -> None:
    y, x = torch.arange(32.0)[:, None], torch.arange(32.0)[None, :]
    once = stroke([(8, 16), (24, 16)], [3, 3]).distance(x, y)
    twice = stroke([(8, 16), (24, 16), (24, 16)], [3, 3, 3]).distance(x, y)
    torch.testing.assert_close(once, twice, atol=1e-2, rtol=1e-3)


def test_roughs_are_pictures_decided_by_their_seed(scenes: Scenes) -> None:
    for rough in (pencil_rough, color_rough):
        one = rough(scenes, torch.Generator().manual_seed(4))
        assert one.shape == scenes.color.shape
        assert one.min() >= 0
        assert one.max() <= 1
        assert torch.equal(one, rough(scenes, torch.Generator().manual_seed(4)))


def test_pencil_is_dark_where_lines_are(scenes: Scenes) -> None:
    rough = pencil_rough(scenes, torch.Generator().manual_seed(5)).mean(1, keepdim=True)
    near = torch.nn.functional.max_pool2d(scenes.lines, 5, stride=1, padding=2) > 0.5
    bare = ~(torch.nn.functional.max_pool2d(scenes.lines, 13, stride=1, padding=6) > 0.05) & (
        scenes.shade < 0.02
    )
    assert rough[near].mean() < rough[bare].mean() - 0.1


def test_hints_are_flats_where_they_are_valid(scenes: Scenes) -> None:
    hints, valid = flat_hints(scenes, torch.Generator().manual_seed(6))
    assert valid.shape == scenes.lines.shape
    assert 0 <= valid.min() <= valid.max() <= 1
    nowhere = (valid == 0).expand_as(hints)
    assert (hints[nowhere] == 0).all()
    sure = (valid > 0.99).expand_as(hints)
    assert (hints[sure] - scenes.flat[sure]).abs().median() < 0.02
    assert 0.05 < valid.mean() < 0.95
    assert math.isfinite(hints.sum().item())
