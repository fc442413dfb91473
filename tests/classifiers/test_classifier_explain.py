"""Where classifiers look, against captum on a real network and against cases that are known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from captum.attr import GuidedBackprop, GuidedGradCam, LayerGradCam
from skimage.color import rgb2lab
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import resnet18

from classifiers.explain import (
    attention,
    grad_cam,
    guided_backpropagation,
    guided_grad_cam,
    in_picture,
    lines,
    score_apart,
    score_of,
    share_outside,
)
from classifiers.model import ElementClassifiers, letterbox
from classifiers.stress import STRESSES, color_blind, gray, ink
from classifiers.tint import BLUE, ORANGE, ramp, remaining, tinted, tinted_apart

captums_notice = pytest.mark.filterwarnings("ignore:Setting backward hooks on ReLU:UserWarning")


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(0)
    return resnet18(num_classes=4).eval()


@pytest.fixture(scope="module")
def images() -> Tensor:
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", ["layer2", "layer4"])
def test_grad_cam_is_captums(network: nn.Module, images: Tensor, name: str) -> None:
    layer = getattr(network, name)
    reference = LayerGradCam(network, layer).attribute(images, target=2, relu_attributions=True)
    found = grad_cam(network, layer, images, score_of(2))
    assert float(found.max()) > 0
    torch.testing.assert_close(found, reference[:, 0].detach())


@captums_notice
def test_guided_backpropagation_is_captums(network: nn.Module, images: Tensor) -> None:
    before = {name: value.clone() for name, value in network.state_dict().items()}
    found = guided_backpropagation(network, images, score_of(1))
    torch.testing.assert_close(
        found, GuidedBackprop(network).attribute(images.clone().requires_grad_(), target=1).detach()
    )
    plain = images.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(network(plain)[:, 1].sum(), plain)
    assert not torch.allclose(found, gradient)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not any(module._forward_hooks or module._backward_hooks for module in network.modules())


def test_a_layer_that_is_run_at_two_scales_counts_by_what_each_adds_to_the_score() -> None:
    trunk = nn.Conv2d(3, 2, 1, bias=False)
    with torch.no_grad():
        trunk.weight.copy_(torch.tensor([[1.0, 0, 0], [0, 1.0, 0]])[:, :, None, None])

    class Twice(nn.Module):
        """The sum of all red, seen large, less the sum of all green, seen small."""

        def __init__(self) -> None:
            super().__init__()
            self.trunk = trunk

        def forward(self, pictures: Tensor) -> Tensor:
            large, small = self.trunk(pictures), self.trunk(F.avg_pool2d(pictures, 2))
            return (large[:, 0].mean(dim=(1, 2)) - small[:, 1].mean(dim=(1, 2)))[:, None]

    image = torch.zeros(1, 3, 4, 4)
    image[0, 0, :, :2] = 1.0
    image[0, 1, :2, :] = 0.5
    found = grad_cam(Twice(), trunk, image, score_of(0))[0] * 16
    assert found.shape == (4, 4)
    torch.testing.assert_close(found[0], torch.tensor([0.5, 0.5, 0.0, 0.0]))
    torch.testing.assert_close(found[3], torch.tensor([1.0, 1.0, 0.0, 0.0]))


@captums_notice
def test_guided_grad_cam_is_captums(network: nn.Module, images: Tensor) -> None:
    found = guided_grad_cam(network, network.layer4, images, score_of(0))
    reference = GuidedGradCam(network, network.layer4).attribute(
        images.clone().requires_grad_(), target=0, interpolate_mode="bilinear"
    )
    torch.testing.assert_close(found, reference.detach(), atol=1e-7, rtol=1e-4)


@pytest.mark.parametrize("activation", [F.silu, F.gelu, torch.relu])
def test_smooth_activations_pass_where_gradient_and_output_are_positive(
    activation: Callable[[Tensor], Tensor],
) -> None:
    class Spelled(nn.Module):  # called as a function, not as a module
        def forward(self, pictures: Tensor) -> Tensor:
            return (activation(pictures) * torch.tensor([1.0, 1.0, -1.0, -1.0])).flatten(1)

    class Picked(nn.Module):
        def forward(self, pictures: Tensor) -> Tensor:
            return Spelled()(pictures[:, 0]).sum(dim=1, keepdim=True)

    row = torch.tensor([2.0, -0.5, 2.0, -0.5])
    found = guided_backpropagation(Picked(), row.expand(1, 3, 1, 4), score_of(0))[0, 0, 0]
    at = torch.tensor(2.0, requires_grad=True)
    (slope,) = torch.autograd.grad(activation(at), at)
    torch.testing.assert_close(found, torch.tensor([float(slope), 0.0, 0.0, 0.0]))


class _Colors(nn.Module):
    """A trunk whose map is red, green and blue as they are: where an element is, is known."""

    def forward(self, images: Tensor) -> Tensor:
        return F.avg_pool2d(1 - images, 8)


def _classifiers() -> ElementClassifiers:
    """Hero is where there is no red, Prince where there is no green."""
    classifiers = ElementClassifiers(_Colors(), ["Hero", "Prince"], image_size=64).eval()

    class Heads(nn.Module):
        def forward(self, features: list[Tensor]) -> Tensor:
            return torch.stack([part[:, :2].mean(dim=(2, 3)) * 8 - 1 for part in features]).mean(0)[None]

    classifiers.heads = Heads()  # type: ignore[assignment]
    return classifiers


def _two_in_one() -> Tensor:
    """48 x 96 white paper: a cyan spot at the left, a magenta one at the right, a blue one below both."""
    image = torch.ones(3, 48, 96)
    image[0, 8:24, 8:24] = 0
    image[1, 8:24, 72:88] = 0
    image[:2, 32:40, 40:56] = 0
    return image


def test_attention_lies_on_the_element_in_the_pictures_own_frame() -> None:
    image, classifiers = _two_in_one(), _classifiers()
    hero = attention(classifiers, image, score_of(0))
    assert hero.shape == (48, 96)
    outside = share_outside(hero, (0, 0, 0.3, 0.6))
    assert outside is not None and 0.2 < outside < 0.5  # the blue spot has as little red
    apart = attention(classifiers, image, score_apart(0, 1))
    share = share_outside(apart, (0, 0, 0.35, 0.7))
    assert share is not None and share < 0.02  # what both have in common is gone
    other = share_outside(attention(classifiers, image, score_apart(1, 0)), (0.65, 0, 1, 0.7))
    assert other is not None and other < 0.02
    strokes = lines(classifiers, image, score_of(1))
    assert strokes.shape == (48, 96) and float(strokes.min()) >= 0


def test_maps_come_back_to_where_the_letterbox_took_the_picture_from() -> None:
    for height, width in ((60, 120), (120, 50), (33, 33)):
        image = torch.ones(1, 3, height, width)
        image[:, :, height // 4 : height // 2, width // 4 : width // 2] = 0
        square = letterbox(image, 96)
        back = in_picture(1 - square[:, 0], height, width)
        assert back.shape == (1, height, width)
        assert float((back - (1 - image[:, 0])).abs().mean()) < 0.03


def test_share_outside_is_the_area_where_the_map_is_even() -> None:
    even = torch.ones(10, 7)
    assert share_outside(even, (0, 0, 1, 1)) == pytest.approx(0, abs=1e-12)
    assert share_outside(even, (0.1, 0.25, 0.45, 0.9)) == pytest.approx(1 - 0.35 * 0.65)
    corner = torch.zeros(10, 7)
    corner[9, 6] = 3
    assert share_outside(corner, (0, 0, 0.5, 0.5)) == 1
    assert share_outside(torch.zeros(4, 4), (0, 0, 1, 1)) is None


def test_a_layer_that_gives_no_map_is_refused(network: nn.Module, images: Tensor) -> None:
    with pytest.raises(ValueError, match="map"):
        grad_cam(network, network.fc, images, score_of(0))
    with pytest.raises(ValueError, match="map"):
        grad_cam(network, nn.Conv2d(3, 3, 1), images, score_of(0))


@pytest.mark.parametrize("hue", [ORANGE, BLUE])
def test_the_colors_are_even_to_the_eye_and_to_any_eye(hue: float) -> None:
    colors = ramp(torch.linspace(0, 1, 21), hue)
    assert torch.allclose(colors[:, 0], torch.ones(3), atol=1e-3)
    lab = rgb2lab(colors.T[None].numpy())[0]
    steps = np.linalg.norm(np.diff(lab, axis=0), axis=1)
    assert steps.max() / steps.min() < 1.6  # CIELAB, another space than the ramp's own
    for seen in (
        colors,
        color_blind(colors[None, :, :, None])[0, :, :, 0],
        gray(colors[None, :, :, None])[0, :, :, 0],
    ):
        lightness = rgb2lab(seen.T[None].numpy())[0, :, 0]
        assert (np.diff(lightness) < 0).all() and lightness[0] - lightness[-1] > 25


def test_the_two_colors_are_told_apart_by_a_deuteranope() -> None:
    ends = torch.stack([ramp(torch.ones(()), hue) for hue in (ORANGE, BLUE)])
    lab = rgb2lab(color_blind(ends[:, :, None, None])[:, :, 0, 0].numpy()[None])[0]
    assert np.linalg.norm(lab[0] - lab[1]) > 50


def test_the_drawing_stays_visible_under_the_color() -> None:
    drawing = torch.ones(3, 32, 32)
    drawing[:, 8:24, 15:17] = 0
    everywhere = torch.ones(32, 32)
    for picture in (
        tinted(drawing, everywhere),
        tinted_apart(drawing, everywhere, torch.zeros(32, 32)),
        tinted(drawing, torch.zeros(32, 32)),
    ):
        assert picture.shape == (3, 32, 32) and float(picture.min()) >= 0 and float(picture.max()) <= 1
        assert float(picture[:, 16, 4].mean() / picture[:, 16, 16].mean()) > 3
    left = torch.zeros(32, 32)
    left[:16] = 2
    faded = remaining(drawing, left)
    assert torch.equal(faded[:, :16], drawing[:, :16]) and bool((faded[:, 16:] == 1).all())


def _picture() -> Tensor:
    image = torch.ones(1, 3, 96, 64)
    image[0, :, 20:60, 20:40] = torch.tensor([0.9, 0.2, 0.1])[:, None, None]
    image[0, :, 20:60, 18:20] = 0
    return image


@pytest.mark.parametrize("name", STRESSES)
def test_a_view_keeps_shape_and_range_and_leaves_the_picture_alone(name: str) -> None:
    image = _picture()
    before = image.clone()
    view = STRESSES[name](image)
    assert view.shape == image.shape and torch.equal(image, before)
    assert float(view.min()) >= 0 and float(view.max()) <= 1
    blank = STRESSES[name](torch.ones(1, 3, 40, 40))
    torch.testing.assert_close(blank, torch.ones(1, 3, 40, 40), atol=2e-3, rtol=0)


def test_gray_and_ink_have_no_color_and_ink_draws_the_outline() -> None:
    for view in (gray(_picture()), ink(_picture())):
        assert torch.equal(view[:, 0], view[:, 1]) and torch.equal(view[:, 1], view[:, 2])
    inked = ink(_picture())[0, 0]
    assert float(inked[40, 19]) < 0.3 and float(inked[40, 5]) > 0.95
    flat = ink(torch.full((1, 3, 64, 64), 0.7))
    assert float(flat.min()) > 0.95  # tone alone is no line


def test_red_and_green_of_one_confusion_line_are_one_to_a_deuteranope() -> None:
    def seen(color: tuple[float, float, float]) -> np.ndarray:
        view = color_blind(torch.tensor(color)[None, :, None, None])[0, :, 0, 0]
        return rgb2lab(view.numpy()[None, None])[0, 0]

    red, green, blue = (0.70, 0.35, 0.20), (0.45, 0.52, 0.20), (0.2, 0.35, 0.75)
    assert np.linalg.norm(seen(red) - seen(green)) < 12
    assert np.linalg.norm(seen(red) - seen(blue)) > 60
    levels = torch.linspace(0, 1, 11)[None, None, None].expand(1, 3, 1, 11)
    torch.testing.assert_close(color_blind(levels), levels, atol=2e-3, rtol=0)
