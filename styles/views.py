"""Random views of panels: a crop, a perspective and a resize, done as one resampling.

A view is drawn from (seed, step, panel id) and nothing else: not from the order of calls, the other panels of
the batch or the number of processes. So an interrupted run goes on with the very views that it would have had.
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
        crops: left, top and side of each square crop in pixels of its panel, (N, C, 3) float64.
        homographies: from the view's unit square into the crop's unit square, (N, C, 3, 3) float64.
        view_size: side of a view in pixels.
    """

    sizes: Tensor
    crops: Tensor
    homographies: Tensor
    view_size: int

    def grids(self) -> Tensor:
        """Sampling positions in the way of grid_sample without aligned corners: (N, C, size, size, 2) float64.

        x and y; -1 and 1 are the outer edges of the panel itself, without padding.
        """
        steps = (torch.arange(self.view_size, dtype=torch.float64) + 0.5) / self.view_size
        v, u = torch.meshgrid(steps, steps, indexing="ij")
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
        return grids.unflatten(2, (self.view_size, self.view_size))


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
    ``distortion / 2`` of its side, resize to the encoder's size. Ours differs in that positions are not rounded
    to whole pixels, and crop, perspective and resize are one bilinear resampling instead of two.

    Args:
        panel_ids: N names, such as "p03-02".
        sizes: (N, 2) integers, height and width of each panel in pixels.
        seed: of the run.
        step: of the optimisation.
        count: C, views for each panel.
        crop_size: side of a crop as a share of the panel's shorter side, in (0, 1].
        view_size: side of a view in pixels.
        distortion: 0 is a plain crop.
        black_corners: True, as published: the crop is drawn into the moved corners and the rest is black. False:
            the moved corners are cut out of the crop and fill the whole view.
    """
    sizes = sizes.to(torch.int64).cpu()
    crops, homographies = [], []
    for panel_id, (height, width) in zip(panel_ids, sizes.tolist(), strict=True):
        draws = torch.rand(count, 10, generator=_generator(seed, step, panel_id), dtype=torch.float64)
        side = max(1.0, crop_size * min(height, width))
        room = torch.tensor([width - side, height - side], dtype=torch.float64)
        crops.append(torch.cat((draws[:, :2] * room, torch.full((count, 1), side, dtype=torch.float64)), dim=1))
        inwards = draws[:, 2:].reshape(count, 4, 2) * (distortion / 2)
        corners = (_UNIT_SQUARE - inwards * (2 * _UNIT_SQUARE - 1)).reshape(count, 4, 2)
        to_corners = _square_to_quadrilateral(corners)
        homographies.append(torch.linalg.inv(to_corners) if black_corners else to_corners)
    return Views(sizes, torch.stack(crops), torch.stack(homographies), view_size)


def take_views(images: Tensor, views: Views) -> Tensor:
    """The views of some panels: (N, 3, H, W), padded on the right and below -> (N, C, 3, size, size).

    Padding is never looked at. Where a crop has several pixels for one of the view, the panel is averaged down
    first, so that screens and hatching do not turn into moiré.
    """
    taken = []
    grids = views.grids().to(images)
    for image, grid, (height, width), side in zip(
        images, grids, views.sizes.tolist(), views.crops[:, 0, 2].tolist(), strict=True
    ):
        panel = image[None, :, :height, :width]
        times = int(side // views.view_size)
        if times > 1:
            panel, grid = _averaged_down(panel, grid, times)
        # All crops of a panel are rows of one tall grid: grid_sample then needs no copy of the panel for each.
        tall = F.grid_sample(panel, grid.flatten(0, 1)[None], mode="bilinear", align_corners=False)
        taken.append(tall[0].unflatten(1, (-1, views.view_size)).transpose(0, 1))
    return torch.stack(taken)


_UNIT_SQUARE = torch.tensor([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=torch.float64)


def _generator(seed: int, step: int, panel_id: str) -> torch.Generator:
    digest = hashlib.sha256(f"{seed}/{step}/{panel_id}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


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
    """A panel ``times`` smaller, and the grid in its coordinates (its last row and column may be cut short)."""
    height, width = panel.shape[-2:]
    small = F.avg_pool2d(panel, times, ceil_mode=True, count_include_pad=False)
    stretch = [width / (small.shape[-1] * times), height / (small.shape[-2] * times)]
    moved = (grid + 1) * grid.new_tensor(stretch) - 1
    return small, torch.where(grid == _OUTSIDE, grid, moved)
