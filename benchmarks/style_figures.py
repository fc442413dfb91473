"""How steady a style is: does a character depend on its background, and a page on its resolution?

    uv run python benchmarks/style_figures.py

For each of the eighteen styles, with the pretrained network:

* a demo character is pasted on two different backgrounds; the difference (CIE76 ΔE, mean and largest) of the
  two finished pictures is taken inside the character's outline, farther from it than the network can see;
* a demo page is stylized at 1x and at 3x its size (enlarged bicubically, as a scan at a higher resolution);
  the second is brought back to the first's size, and the structural similarity (SSIM) of the two is taken
  over the panels.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import binary_erosion, binary_fill_holes, gaussian_filter

from comicloss.demo import DEMO_STORY, draw_pages, reference_drawings
from comicloss.stylize import stylize_page, stylize_picture
from pages.model import Box
from styles.embedded.captions import STYLES
from styles.registry import load_stylenet
from styles.stylenet import StyleNet

SCALE = 3


def main() -> None:
    """Print the table."""
    network = load_stylenet()
    page = draw_pages("color")[0]
    boxes = [Box.from_xywh(*panel.box) for panel in DEMO_STORY.pages[0].panels]
    large = np.asarray(
        Image.fromarray(page).resize((page.shape[1] * SCALE, page.shape[0] * SCALE), Image.Resampling.BICUBIC)
    )
    character = np.asarray(Image.fromarray(reference_drawings()["Dragon"][0]).resize((480, 480)))
    outline = binary_fill_holes((character < 235).any(axis=2))
    inside = binary_erosion(outline, iterations=network.receptive_field // 2 + 1)
    print(f"{inside.sum()} pixels inside the outline beyond the receptive field")
    print(f"{'style':15s} {'mean ΔE':>8s} {'max ΔE':>8s} {'SSIM 1x/3x':>11s}")
    for caption in STYLES:
        style = network.embed([caption.wordings[0]])[0].detach()
        first, second = (
            _lab(_stylized(network, np.where(outline[..., None], character, background), style))
            for background in _backgrounds(character.shape[0])
        )
        difference = np.linalg.norm(first - second, axis=2)[inside]
        small = stylize_page(network, page, [(box, style) for box in boxes])
        tall = stylize_page(network, large, [(_times(box), style) for box in boxes])
        back = np.asarray(Image.fromarray(tall).resize(page.shape[1::-1], Image.Resampling.BOX))
        similarity = np.mean([_ssim(_cut(small, box), _cut(back, box)) for box in boxes])
        print(
            f"{caption.name:15s} {difference.mean():8.3f} {difference.max():8.3f} {similarity:11.3f}",
            flush=True,
        )


def _stylized(network: StyleNet, picture: NDArray[np.uint8], style: torch.Tensor) -> NDArray[np.float64]:
    art = torch.from_numpy(picture.copy()).permute(2, 0, 1)
    return stylize_picture(network, art, style).permute(1, 2, 0).double().numpy()


def _backgrounds(side: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A flat light one, and a dark busy one."""
    busy = np.random.default_rng(0).integers(0, 110, (side // 8, side // 8, 3), dtype=np.uint8)
    dark = np.asarray(Image.fromarray(busy).resize((side, side), Image.Resampling.NEAREST))
    return np.full((side, side, 3), 250, np.uint8), dark


def _times(box: Box) -> Box:
    return Box(*(value * SCALE for value in (box.left, box.top, box.right, box.bottom)))


def _cut(picture: NDArray[np.uint8], box: Box) -> NDArray[np.float64]:
    gray = picture[box.top : box.bottom, box.left : box.right] @ np.array([0.299, 0.587, 0.114])
    return gray / 255


def _ssim(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Mean SSIM with the Gaussian window of Wang et al. 2004 (sigma 1.5, K1 0.01, K2 0.03)."""
    mean_1, mean_2 = gaussian_filter(first, 1.5), gaussian_filter(second, 1.5)
    variance_1 = gaussian_filter(first**2, 1.5) - mean_1**2
    variance_2 = gaussian_filter(second**2, 1.5) - mean_2**2
    covariance = gaussian_filter(first * second, 1.5) - mean_1 * mean_2
    luminance = (2 * mean_1 * mean_2 + 1e-4) / (mean_1**2 + mean_2**2 + 1e-4)
    structure = (2 * covariance + 9e-4) / (variance_1 + variance_2 + 9e-4)
    return float((luminance * structure).mean())


def _lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """sRGB in [0, 1] -> CIE L*a*b* under D65 (IEC 61966-2-1, CIE 15)."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    matrix = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    xyz = linear @ matrix.T / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack(
        [116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1
    )


if __name__ == "__main__":
    main()
