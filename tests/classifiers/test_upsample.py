"""Upsampling: the six as scikit-image computes them, and what copies keep."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import color, exposure, util
from torch import Tensor

from classifiers import upsample as up
from classifiers.data import Example
from pages.errors import InputError, Stopped


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def pictures() -> Tensor:
    """Four unlike pictures in eight bits: noise, a dim ramp, ink on paper, one value."""
    noise = torch.rand(3, 40, 48, generator=generator())
    ramp = torch.linspace(0.2, 0.5, 48).expand(3, 40, 48) * torch.tensor([1.0, 0.7, 0.4]).view(3, 1, 1)
    ink = (torch.rand(1, 40, 48, generator=generator(1)) > 0.2).float().expand(3, 40, 48)
    return (torch.stack([noise, ramp, ink, torch.full((3, 40, 48), 0.6)]) * 255).round() / 255


def channels_last(image: Tensor) -> np.ndarray:
    return image.permute(1, 2, 0).double().numpy()


@pytest.mark.parametrize(
    ("ours", "reference"),
    [
        (up.grayscale, lambda image: np.repeat(color.rgb2gray(image)[..., None], 3, axis=2)),
        (up.inverted, util.invert),
        (
            up.rescaled_intensity,
            lambda image: exposure.rescale_intensity(
                image, in_range=tuple(np.percentile(image, (0.2, 99.8)))
            ),
        ),
        (up.log_adjusted, exposure.adjust_log),
        (up.sigmoid_adjusted, exposure.adjust_sigmoid),
    ],
    ids=["grayscale", "invert", "rescale", "log", "sigmoid"],
)
def test_it_is_what_scikit_image_computes(ours, reference, pictures: Tensor) -> None:  # type: ignore[no-untyped-def]
    changed = ours(pictures.double(), generator())
    for image, result in zip(pictures, changed, strict=True):
        np.testing.assert_allclose(channels_last(result), reference(channels_last(image)), atol=1e-6)


def test_poisson_noise_has_scikit_images_moments(pictures: Tensor) -> None:
    for row, image in enumerate(pictures):
        ours = torch.stack(
            [up.poisson_noise(pictures.double(), generator(seed))[row] for seed in range(60)]
        ).numpy()
        theirs = np.stack(
            [
                util.random_noise(channels_last(image), mode="poisson", rng=seed).transpose(2, 0, 1)
                for seed in range(60)
            ]
        )
        levels = 2 ** np.ceil(np.log2(len(np.unique(image.numpy()))))
        np.testing.assert_allclose(ours * levels, (ours * levels).round(), atol=1e-6)
        noise, reference = (found.std(axis=0).mean() for found in (ours, theirs))
        assert ours.mean() == pytest.approx(theirs.mean(), abs=0.004)
        assert noise == pytest.approx(reference, rel=0.05, abs=1e-9)


def test_a_resized_picture_gets_noise_too() -> None:
    smooth = torch.linspace(0.3, 0.7, 300 * 300).view(1, 1, 300, 300).expand(1, 3, 300, 300)
    noise = (up.poisson_noise(smooth, generator()) - smooth).std()
    assert noise == pytest.approx((0.5 / 128) ** 0.5, rel=0.1)  # 103 levels of 8 bits between 0.3 and 0.7


@pytest.mark.parametrize("method", [*up.SIX, *up.MODERN], ids=lambda method: method.name)
def test_every_method_keeps_shape_and_range_and_its_seed(method: up.Method, pictures: Tensor) -> None:
    before = torch.get_rng_state()
    first, again = (method.change(pictures, generator(3)) for _ in range(2))
    assert first.shape == pictures.shape
    assert first.dtype == pictures.dtype
    assert float(first.min()) >= 0 and float(first.max()) <= 1
    assert torch.equal(first, again)
    assert torch.equal(before, torch.get_rng_state())
    assert method.draws != torch.equal(first, method.change(pictures, generator(4)))


def test_trivial_augment_is_torchvisions(pictures: Tensor) -> None:
    from torchvision.transforms import v2

    seed = int(torch.randint(2**31, (1,), generator=generator(7)))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        transform = v2.TrivialAugmentWide(interpolation=v2.InterpolationMode.BILINEAR, fill=255)
        wanted = transform((pictures[0] * 255).round().to(torch.uint8)).float() / 255
    assert torch.allclose(up.trivial_augment(pictures[:1], generator(7))[0], wanted)


def example(name: str, value: float, size: int = 8) -> Example:
    image = torch.rand(3, size, size, generator=generator(int(value * 100)))
    box = ((0.0, 0.0, 0.5, 0.5), None)
    return Example(image, torch.tensor([value, 0.0]), torch.tensor([1.0, 0.0]), group=name, regions=box)


EXAMPLES = [example(f"film {n}", 0.1 * n) for n in range(6)] + [example("s0", 0.7), example("s1", 0.8, 12)]
DOMAINS = ["film"] * 6 + ["sketch"] * 2


def test_a_scarce_domain_is_brought_to_the_target_by_copies_of_its_own() -> None:
    grown = up.upsample(EXAMPLES, DOMAINS, target=6, generator=generator())
    assert grown[:8] == EXAMPLES
    copies = grown[8:]
    assert len(copies) == 4
    assert {copy.group for copy in copies} <= {"s0", "s1"}
    source = {made.group: made for made in EXAMPLES}
    for copy in copies:
        assert torch.equal(copy.labels, source[copy.group].labels)
        assert torch.equal(copy.known, source[copy.group].known)
        assert copy.regions == source[copy.group].regions
        assert copy.image.shape == source[copy.group].image.shape


def test_no_copy_is_made_twice_and_the_six_give_seven_of_each() -> None:
    fixed = [method for method in up.SIX if not method.draws]
    grown = up.upsample(EXAMPLES, DOMAINS, target=1000, methods=fixed, generator=generator())
    assert len(grown) == len(EXAMPLES) * (1 + len(fixed))
    assert len({found.image.numpy().tobytes() for found in grown}) == len(grown)
    grown = up.upsample(EXAMPLES, DOMAINS, target=14, generator=generator())
    assert [sum(made.group == name for made in grown) for name in ("s0", "s1")] == [7, 7]


def test_regions_go_where_the_drawing_moves() -> None:
    moving = [method for method in up.MODERN if method.moves]
    grown = up.upsample(EXAMPLES, DOMAINS, target=10, methods=moving, generator=generator())
    assert all(made.regions == () for made in grown[8:])


def test_style_views_are_handed_in() -> None:
    method = up.style_method(lambda images, _: images * 0)
    grown = up.upsample(EXAMPLES, DOMAINS, target=7, methods=[method], generator=generator())
    assert all(not made.image.any() and made.regions for made in grown[8:])


def test_bad_input_and_stop() -> None:
    with pytest.raises(InputError, match="3 domains for 8"):
        up.upsample(EXAMPLES, ["film"] * 3, target=5, generator=generator())
    with pytest.raises(Stopped):
        up.upsample(EXAMPLES, DOMAINS, target=9, generator=generator(), stop=lambda: True)
