"""The four terms against closed forms."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as some
from torch import Tensor

from styles.functional import content, directional, patch_directional, total_variation

D = torch.float64


def at_angle(degrees: float) -> Tensor:
    """A unit vector in the plane of the first two axes."""
    angle = math.radians(degrees)
    return torch.tensor([math.cos(angle), math.sin(angle), 0.0], dtype=D)


@given(some.floats(0, 180), some.floats(0.01, 10))
def test_directional_is_one_minus_the_cosine(angle: float, length: float) -> None:
    start = torch.tensor([[0.0, 0, 1]], dtype=D)
    end = start + length * at_angle(angle)
    loss = directional(end, start, at_angle(0) * 7)
    torch.testing.assert_close(loss, torch.tensor([1 - math.cos(math.radians(angle))], dtype=D))


def test_nothing_changed_is_neither_right_nor_wrong() -> None:
    same = F.normalize(torch.randn(2, 5, dtype=D), dim=1)
    assert directional(same, same, torch.ones(5, dtype=D)).tolist() == [1, 1]


def test_arrived_crops_count_as_zero_in_the_mean() -> None:
    start = torch.zeros(1, 1, 3, dtype=D)
    crops = torch.stack([at_angle(0), at_angle(60), at_angle(90), at_angle(180)])[None]
    # their losses are 0, 1/2, 1 and 2
    torch.testing.assert_close(patch_directional(crops, start, at_angle(0)), torch.tensor([3 / 4], dtype=D))
    every = patch_directional(crops, start, at_angle(0), threshold=0)
    torch.testing.assert_close(every, torch.tensor([3.5 / 4], dtype=D))


def test_an_arrived_crop_gets_no_push() -> None:
    crops = torch.stack([at_angle(20), at_angle(100)])[None].requires_grad_()
    patch_directional(crops, torch.zeros(1, 1, 3, dtype=D), at_angle(0)).sum().backward()
    assert crops.grad is not None
    assert crops.grad[0, 0].abs().max() == 0
    assert crops.grad[0, 1].abs().max() > 0


def test_each_crop_may_have_its_own_start() -> None:
    start = torch.randn(2, 4, 3, dtype=D)
    loss = patch_directional(start + at_angle(90), start, at_angle(0).expand(2, 3), threshold=0)
    torch.testing.assert_close(loss, torch.ones(2, dtype=D))


def test_content_is_a_mean_over_each_map_and_a_sum_over_maps() -> None:
    maps = [torch.zeros(2, 3, 4, 5, dtype=D), torch.zeros(2, 6, 2, 2, dtype=D)]
    moved = [maps[0].clone(), maps[1] + 0.5]
    moved[0][1, 0] += 3
    torch.testing.assert_close(content(moved, maps), torch.tensor([0.25, 0.25 + 9 / 3], dtype=D))


def test_content_is_weighted_by_area() -> None:
    ours, theirs = torch.zeros(1, 1, 2, 2, dtype=D), torch.zeros(1, 1, 2, 2, dtype=D)
    ours[0, 0, 0] = torch.tensor([1.0, 2.0])
    weight = torch.zeros(1, 1, 4, 4, dtype=D)
    weight[..., :2, :2] = 1  # all of the first cell
    weight[..., :1, 2:] = 1  # half of the second
    torch.testing.assert_close(content([ours], [theirs], weight), torch.tensor([2.0], dtype=D))
    assert content([ours], [theirs], torch.zeros_like(weight)).tolist() == [0]


def test_total_variation_of_a_step() -> None:
    image = torch.zeros(2, 3, 8, 6, dtype=D)
    image[1, :, :, 3:] = 1
    # 8 pairs across, none down, 7 on each diagonal; three channels
    expected = math.sqrt(3 * 8) + 2 * math.sqrt(3 * 7)
    torch.testing.assert_close(total_variation(image), torch.tensor([0, expected], dtype=D))


def test_total_variation_is_one_norm_for_each_panel() -> None:
    images = torch.rand(3, 3, 9, 9, dtype=D)
    alone = torch.cat([total_variation(image[None]) for image in images])
    torch.testing.assert_close(total_variation(images), alone)


def test_masked_pixels_have_no_variation() -> None:
    image = torch.rand(1, 3, 12, 10, dtype=D)
    weight = torch.zeros(1, 1, 12, 10, dtype=D)
    weight[..., 2:9, 1:7] = 1
    torch.testing.assert_close(total_variation(image, weight), total_variation(image[..., 2:9, 1:7]))


def test_a_flat_picture_has_a_finite_gradient() -> None:
    image = torch.full((1, 3, 5, 5), 0.5, dtype=D, requires_grad=True)
    total_variation(image).sum().backward()
    assert image.grad is not None
    assert image.grad.abs().max() == 0


def test_gradients_are_right() -> None:
    torch.manual_seed(0)
    unit = [F.normalize(torch.randn(2, 3, 4, dtype=D), dim=-1) for _ in range(2)]
    image = torch.rand(2, 3, 4, 4, dtype=D, requires_grad=True)
    other, weight = torch.rand(2, 3, 4, 4, dtype=D), torch.rand(2, 1, 4, 4, dtype=D)
    text = torch.randn(4, dtype=D)
    moving = unit[0].clone().requires_grad_()
    check = torch.autograd.gradcheck
    assert check(lambda x: directional(x[:, 0], unit[1][:, 0], text), moving)
    assert check(lambda x: patch_directional(x, unit[1], text, threshold=0.3), moving)
    assert check(lambda x: content([x], [other], weight), image)
    assert check(lambda x: total_variation(x, weight), image)
