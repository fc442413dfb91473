"""Features for classical models, against scikit-image, numpy and closed forms."""

from __future__ import annotations

import numpy as np
import torch
from skimage.color import rgb2hsv
from skimage.feature import graycomatrix, graycoprops
from skimage.measure import moments_central, moments_hu, moments_normalized

from classifiers.features import BINS, HAND_CRAFTED_SIDE, hand_crafted, network_features, raw_pixels


def picture(seed: int) -> torch.Tensor:
    """Eight colors in large patches, in the square that features are taken of: nothing is resized."""
    generator = torch.Generator().manual_seed(seed)
    colors = torch.randint(0, 256, (3, 7, 7), generator=generator).float() / 255
    return colors.repeat_interleave(HAND_CRAFTED_SIDE // 7, 1).repeat_interleave(HAND_CRAFTED_SIDE // 7, 2)


def gray_of(image: torch.Tensor) -> np.ndarray:
    return (image * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(0).double().numpy()


def test_pixels_keep_their_place_and_the_rest_is_white() -> None:
    tall = torch.zeros(3, 8, 4)
    tall[0] = 1
    [row] = raw_pixels([tall], side=4)
    square = row.view(3, 4, 4)
    assert torch.equal(square[:, :, 1:3], torch.tensor([1.0, 0, 0])[:, None, None].expand(3, 4, 2))
    assert bool((square[:, :, [0, 3]] == 1).all())


def test_the_shape_is_hus_moments_and_does_not_turn() -> None:
    image = picture(1)
    found = hand_crafted([image, image.rot90(1, (1, 2)), image.flip(2)])[:, :7]
    # scikit-image counts rows first, which mirrors the picture.
    expected = moments_hu(moments_normalized(moments_central(gray_of(image).T)))
    np.testing.assert_allclose(found[0], expected, rtol=2e-3)
    np.testing.assert_allclose(found[1], found[0], rtol=2e-3)
    np.testing.assert_allclose(found[2, :6], found[0, :6], rtol=2e-3)
    np.testing.assert_allclose(found[2, 6], -found[0, 6], rtol=2e-3)


def test_the_texture_is_haralicks() -> None:
    image = picture(2)
    found = hand_crafted([image])[0, 7:20]
    levels = (gray_of(image) * 255).round().astype(np.uint8)
    angles = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]
    together = graycomatrix(levels, [1], angles, levels=256, symmetric=True, normed=True)
    for place, name in ((0, "ASM"), (1, "contrast"), (2, "correlation"), (4, "homogeneity")):
        np.testing.assert_allclose(found[place], graycoprops(together, name).mean(), rtol=2e-2, err_msg=name)


def test_the_colors_are_a_joint_histogram_of_hue_saturation_and_value() -> None:
    image = picture(3)
    found = hand_crafted([image])[0, 20:].view(BINS, BINS, BINS)
    assert abs(float(found.norm()) - 1) < 1e-9
    hsv = rgb2hsv(image.permute(1, 2, 0).numpy()).reshape(-1, 3)
    counts, _ = np.histogramdd(hsv, bins=BINS, range=[(0, 1)] * 3)
    expected = counts / np.linalg.norm(counts)
    # OpenCV rounds hue to 2 degrees and saturation to 1/255: a color on an edge may fall into the next bin.
    assert float((found.numpy() * expected).sum()) > 0.9


def test_no_picture_gives_no_row() -> None:
    assert hand_crafted([]).shape == (0, 532)
    assert raw_pixels([], side=4).shape == (0, 48)


def test_a_networks_maps_are_averaged_and_batches_do_not_matter() -> None:
    images = [picture(seed)[:, :16, :16] for seed in range(40)]
    convolution = torch.nn.Conv2d(3, 5, 3, padding=1)
    found = network_features(convolution, images, image_size=16)
    alone = torch.stack([convolution(image[None]).mean(dim=(2, 3))[0] for image in images]).detach()
    torch.testing.assert_close(found, alone)
    assert not found.requires_grad
