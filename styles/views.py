"""Random views of panels: a crop, a perspective and a resize, done as one resampling.

A view is drawn from (seed, step, panel id) and nothing else: not from the order of calls, the other panels of
the batch or the number of processes. So an interrupted run goes on with the very views that it would have
had.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

_OUTSIDE = 3.0  # in the coordinates of grid_sample the picture is [-1, 1]; what lies here comes out black


@dataclass(frozen=True)
class Views:
    """Where each view of each panel is taken from. Apply it to the drawn and to the stylized panel alike.

    Attributes:
        sizes: height and width of each panel in pixels, (N, 2) int64; the batch may be padded beyond them.
        crops: left, top, width and height of each crop in pixels of its panel, (N, C, 4) float64.
        homographies: from the view's unit square into the crop's unit square, (N, C, 3, 3) float64.
        view_size: height and width of a view in pixels.
    """

    sizes: Tensor
    crops: Tensor
    homographies: Tensor
    view_size: tuple[int, int]

    def grids(self) -> Tensor:
        """Sampling positions for grid_sample without aligned corners: (N, C, height, width, 2) float64.

        x and y; -1 and 1 are the outer edges of the panel itself, without padding.
        """
        height, width = self.view_size
        v, u = torch.meshgrid(_middles(height), _middles(width), indexing="ij")
        points = torch.stack((u, v, torch.ones_like(u)), dim=-1).reshape(-1, 3)
        mapped = torch.einsum("ncij,pj->ncpi", self.homographies, points)
        depth = mapped[..., 2:]
        unit = mapped[..., :2] / depth
        inside = ((unit >= 0) & (unit <= 1) & (depth > 0)).all(dim=-1, keepdim=True)

        extent = self.sizes.flip(1).to(torch.float64)[:, None, None]  # width, height
        pixels = self.crops[:, :, None, :2] + unit * self.crops[:, :, None, 2:]
        # Half a pixel from the edge, bilinear sampling would begin to blend the panel with black.
        pixels = pixels.clamp(min=torch.full_like(extent, 0.5), max=extent - 0.5)
        grids = torch.where(inside, 2 * pixels / extent - 1, _OUTSIDE)
        return torch.unflatten(grids, 2, self.view_size)


def crop_views(
    panel_ids: Sequence[str],
    sizes: Tensor,
    *,
    seed: int,
    step: int,
    count: int,
    crop_size: float,
    view_size: int,
    distortion: float = 0.5,
    black_corners: bool = False,
) -> Views:
    """Random square crops seen in random perspective (Kwon & Ye 2022, multi-view augmentation).

    The published way: crop 128 px of 512, move the crop's corners inwards at random by up to
    ``distortion / 2`` of its side, resize to the encoder's size. Ours differs in that positions are not
    rounded to whole pixels, and crop, perspective and resize are one bilinear resampling instead of two.

    Args:
        panel_ids: N names, such as "p03-02".
        sizes: (N, 2) integers, height and width of each panel in pixels.
        seed: of the run.
        step: of the optimisation.
        count: C, views for each panel.
        crop_size: side of a crop as a share of the panel's shorter side, in (0, 1].
        view_size: side of a view in pixels.
        distortion: 0 is a plain crop.
        black_corners: True, as published: the crop is drawn into the moved corners and the rest is black.
            False: the moved corners are cut out of the crop and fill the whole view.
    """
    sizes = sizes.to(torch.int64).cpu()
    crops, homographies = [], []
    for panel_id, (height, width) in zip(panel_ids, sizes.tolist(), strict=True):
        generator = _generator(seed, step, panel_id)
        side = max(1.0, crop_size * min(height, width))
        room = torch.tensor([width - side, height - side], dtype=torch.float64)
        corner = torch.rand(count, 2, generator=generator, dtype=torch.float64) * room
        crops.append(torch.cat((corner, torch.full((count, 2), side, dtype=torch.float64)), dim=1))
        homography = _random_perspective(count, distortion, generator)
        homographies.append(torch.linalg.inv(homography) if black_corners else homography)
    return Views(sizes, torch.stack(crops), torch.stack(homographies), (view_size, view_size))


def panel_views(
    panel_id: str,
    size: tuple[int, int],
    *,
    seed: int,
    step: int,
    count: int,
    longest_side: int = 320,
    distortion: float = 0.2,
) -> Views:
    """One panel seen nearly whole, each time from another place (ours, for classifiers).

    Args:
        panel_id: such as "p03-02".
        size: its height and width in pixels.
        seed: of the run.
        step: of the optimisation.
        count: C, how many views.
        longest_side: of a view in pixels, at most; the panel's proportions are kept.
        distortion: each corner of the view lies up to ``distortion / 2`` of the panel's side inside it.
    """
    height, width = size
    scale = min(1.0, longest_side / max(height, width))
    whole = torch.tensor([0, 0, width, height], dtype=torch.float64)
    return Views(
        torch.tensor([[height, width]]),
        whole.expand(1, count, 4),
        _random_perspective(count, distortion, _generator(seed, step, f"{panel_id}/whole"))[None],
        (max(1, round(height * scale)), max(1, round(width * scale))),
    )


def take_views(images: Tensor, views: Views) -> Tensor:
    """The views of some panels: (N, 3, H, W), padded on the right and below -> (N, C, 3, h, w).

    Padding is never looked at. Where a crop has several pixels for one of the view, the panel is averaged
    down first, so that screens and hatching do not turn into moiré.
    """
    taken = []
    grids = views.grids().to(images)
    for image, grid, (height, width), crop_height in zip(
        images, grids, views.sizes.tolist(), views.crops[:, 0, 3].tolist(), strict=True
    ):
        panel = image[None, :, :height, :width]
        times = int(crop_height // views.view_size[0])
        if times > 1:
            panel, grid = _averaged_down(panel, grid, times)
        # All crops of a panel are rows of one tall grid, so that the panel is not copied for each of them.
        tall = F.grid_sample(panel, grid.flatten(0, 1)[None], mode="bilinear", align_corners=False)
        taken.append(torch.unflatten(tall[0], 1, (-1, views.view_size[0])).transpose(0, 1))
    return torch.stack(taken)


_UNIT_SQUARE = torch.tensor([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=torch.float64)


def _generator(seed: int, step: int, panel_id: str) -> torch.Generator:
    digest = hashlib.sha256(f"{seed}/{step}/{panel_id}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def _middles(count: int) -> Tensor:
    return (torch.arange(count, dtype=torch.float64) + 0.5) / count


def _random_perspective(count: int, distortion: float, generator: torch.Generator) -> Tensor:
    """Homographies that move each corner of the unit square inwards at random, (C, 3, 3) float64."""
    draws = torch.rand(count, 4, 2, generator=generator, dtype=torch.float64)
    return _square_to_quadrilateral(_UNIT_SQUARE + (1 - 2 * _UNIT_SQUARE) * draws * (distortion / 2))


def _square_to_quadrilateral(corners: Tensor) -> Tensor:
    """Homography from the unit square to four corners, clockwise from the top left: (C, 4, 2) -> (C, 3, 3).

    P. Heckbert, "Fundamentals of Texture Mapping and Image Warping", 1989, section 2.2.3.
    """
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = (corner.unbind(-1) for corner in corners.unbind(1))
    dx1, dx2, dx3 = x1 - x2, x3 - x2, x0 - x1 + x2 - x3
    dy1, dy2, dy3 = y1 - y2, y3 - y2, y0 - y1 + y2 - y3
    determinant = dx1 * dy2 - dx2 * dy1
    g = (dx3 * dy2 - dx2 * dy3) / determinant
    h = (dx1 * dy3 - dx3 * dy1) / determinant
    rows = (
        (x1 - x0 + g * x1, x3 - x0 + h * x3, x0),
        (y1 - y0 + g * y1, y3 - y0 + h * y3, y0),
        (g, h, torch.ones_like(g)),
    )
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def _averaged_down(panel: Tensor, grid: Tensor, times: int) -> tuple[Tensor, Tensor]:
    """A panel ``times`` smaller, and the grid for it (its last row and column may stand for fewer)."""
    height, width = panel.shape[-2:]
    small = F.avg_pool2d(panel, times, ceil_mode=True, count_include_pad=False)
    stretch = [width / (small.shape[-1] * times), height / (small.shape[-2] * times)]
    moved = (grid + 1) * grid.new_tensor(stretch) - 1
    return small, torch.where(grid == _OUTSIDE, grid, moved)
