"""Views of panels: where they are taken, and on what they depend."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as some
from torch import Tensor

from styles.views import Views, crop_views, panel_views, take_views

SIZES = torch.tensor([[90, 60], [64, 128], [70, 70]])
IDS = ["p01-01", "p01-02", "p02-01"]


def draw(ids: list[str], sizes: Tensor, step: int = 4, seed: int = 11, black: bool = False) -> Views:
    return crop_views(
        ids, sizes, seed=seed, step=step, count=6, crop_size=0.5, view_size=24, black_corners=black
    )


def through_four_corners(corners: Tensor) -> Tensor:
    """The homography of the unit square to four corners, from its eight linear equations."""
    square = [(0, 0), (1, 0), (1, 1), (0, 1)]
    rows, values = [], []
    for (u, v), (x, y) in zip(square, corners.tolist(), strict=True):
        rows += [[u, v, 1, 0, 0, 0, -u * x, -v * x], [0, 0, 0, u, v, 1, -u * y, -v * y]]
        values += [x, y]
    left, right = torch.tensor(rows, dtype=torch.float64), torch.tensor(values, dtype=torch.float64)
    solution = torch.linalg.solve(left, right)
    return torch.cat((solution, torch.ones(1).double())).view(3, 3)


def test_views_depend_on_seed_step_and_panel_alone() -> None:
    views = draw(IDS, SIZES)
    order = [2, 0, 1]
    other = draw([IDS[i] for i in order], SIZES[order])
    assert torch.equal(views.crops[order], other.crops)
    assert torch.equal(views.homographies[order], other.homographies)
    for changed in (draw(IDS, SIZES, step=5), draw(IDS, SIZES, seed=12)):
        assert not torch.equal(views.crops, changed.crops)
    assert not torch.equal(views.homographies[0], views.homographies[2])


def test_the_draw_is_the_same_on_every_machine() -> None:
    crop = draw(IDS, SIZES).crops[0, 0]
    expected = torch.tensor([7.854840493034, 53.240714411102, 30, 30], dtype=torch.float64)
    torch.testing.assert_close(crop, expected, rtol=1e-9, atol=1e-9)


def test_pixels_do_not_depend_on_the_batch() -> None:
    generator = torch.Generator().manual_seed(0)
    panels = [torch.rand(1, 3, h, w, generator=generator) for h, w in SIZES.tolist()]
    batch = torch.full((3, 3, 90, 128), 7.0)  # the padding must never be seen
    for row, panel in zip(batch, panels, strict=True):
        row[:, : panel.shape[2], : panel.shape[3]] = panel[0]
    together = take_views(batch, draw(IDS, SIZES))
    for i, panel in enumerate(panels):
        alone = take_views(panel, draw([IDS[i]], SIZES[i : i + 1]))
        assert torch.equal(together[i], alone[0])
    assert together.max() <= 1


@given(some.integers(0, 10_000), some.integers(4, 300), some.integers(4, 300), some.floats(0.05, 1))
def test_crops_lie_in_the_panel(step: int, height: int, width: int, share: float) -> None:
    views = crop_views(
        ["p"], torch.tensor([[height, width]]), seed=0, step=step, count=5, crop_size=share, view_size=8
    )
    left, top, wide, high = views.crops[0].unbind(1)
    side = max(1.0, share * min(height, width))
    assert wide.eq(side).all() and high.eq(side).all()
    assert (left >= 0).all() and (top >= 0).all()
    assert (left + wide <= width + 1e-9).all() and (top + high <= height + 1e-9).all()
    grids = views.grids()
    assert grids.abs().max() < 1  # no black without black corners


def test_corners_move_inwards_by_up_to_half_the_distortion() -> None:
    views = crop_views(["p"], torch.tensor([[50, 50]]), seed=0, step=0, count=2000, crop_size=1, view_size=4)
    square = torch.tensor([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=torch.float64)
    mapped = torch.einsum("cij,pj->cpi", views.homographies[0], torch.cat((square, torch.ones(4, 1)), 1))
    corners = mapped[..., :2] / mapped[..., 2:]
    inwards = (corners - square).abs()
    assert 0.249 < inwards.max() <= 0.25
    assert abs(inwards.mean() - 0.125) < 0.005
    expected = torch.stack([through_four_corners(corner) for corner in corners[:50]])
    torch.testing.assert_close(views.homographies[0, :50], expected)


def test_published_views_are_the_inverse_and_black_around() -> None:
    inner, outer = draw(IDS, SIZES), draw(IDS, SIZES, black=True)
    product = inner.homographies @ outer.homographies
    torch.testing.assert_close(product, torch.eye(3).double().expand_as(product))
    black = (take_views(torch.ones(3, 3, 90, 128), outer) == 0).double().mean()
    assert 0.35 < black < 0.52  # 1 - 0.75² on average


def test_a_ramp_is_sampled_where_the_homography_says() -> None:
    views = draw(IDS[:1], SIZES[:1])
    x = torch.arange(60).double() + 0.5
    ramp = (x / 60).expand(1, 3, 90, 60)
    taken = take_views(ramp, views)[0, :, 0]
    middles = (torch.arange(24).double() + 0.5) / 24
    for view, crop, homography in zip(taken, views.crops[0], views.homographies[0], strict=True):
        point = homography @ torch.tensor([middles[20], middles[5], 1]).double()
        torch.testing.assert_close(view[5, 20], (crop[0] + crop[2] * point[0] / point[2]) / 60)


def test_the_whole_panel_without_distortion_is_the_panel() -> None:
    panel = torch.rand(1, 3, 30, 44)
    views = panel_views("p", (30, 44), seed=0, step=0, count=2, distortion=0)
    torch.testing.assert_close(take_views(panel, views), panel[:, None].expand(1, 2, 3, 30, 44))


def test_panel_views_keep_proportions() -> None:
    views = panel_views("p", (600, 900), seed=0, step=0, count=3, longest_side=300)
    assert take_views(torch.rand(1, 3, 600, 900), views).shape == (1, 3, 3, 200, 300)


def test_a_fine_screen_does_not_turn_into_moire() -> None:
    y, x = torch.meshgrid(torch.arange(512), torch.arange(512), indexing="ij")
    dots = (((x // 2 + y // 2) % 2) * 1.0).expand(1, 3, 512, 512)  # checks of two pixels, gray from afar
    views = crop_views(["p"], torch.tensor([[512, 512]]), seed=0, step=0, count=4, crop_size=1, view_size=64)
    taken = take_views(dots, views)
    assert (taken - 0.5).abs().max() < 0.05


def test_gradients_reach_the_pixels() -> None:
    views = draw(IDS[:1], torch.tensor([[12, 10]]), black=True)
    panel = torch.rand(1, 3, 12, 10, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: take_views(x, views), panel, fast_mode=True)
