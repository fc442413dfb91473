"""The renderers: all styles, their ranges, and what makes each what it is."""

from __future__ import annotations

import pytest
import torch

from styles.embedded.captions import STYLE_NAMES, STYLES
from styles.embedded.renderers import RENDERERS, Picture, Variation, in_mood, luminance
from styles.embedded.variants import render_variant
from styles.screens import BLOCK, screens


@pytest.fixture(scope="module")
def picture() -> Picture:
    """Two panels: a colored disk with an outline on white, light to dark from left to right."""
    y, x = torch.meshgrid(torch.arange(96.0), torch.arange(96.0), indexing="ij")
    radius = ((x - 48) ** 2 + (y - 48) ** 2).sqrt()
    inside = (radius < 34).float().expand(1, 1, -1, -1)
    lines = (1 - (radius - 34).abs() / 1.5).clamp(0, 1).expand(2, 1, -1, -1)
    rgb = torch.tensor([0.85, 0.35, 0.2]).view(1, 3, 1, 1) * (1.1 - x / 96)
    color = (1 - inside) + inside * rgb
    flat = (1 - inside) + inside * torch.tensor([0.7, 0.3, 0.2]).view(1, 3, 1, 1)
    origins = torch.tensor([[0, 0], [101, 50]])
    return Picture(
        color.expand(2, -1, -1, -1).clamp(0, 1),
        flat.expand(2, -1, -1, -1),
        lines,
        screens(origins, 96, 96),
        origins,
    )


def _render(name: str, picture: Picture) -> torch.Tensor:
    return RENDERERS[name](picture, Variation(2))


def test_every_style_has_captions_and_a_renderer() -> None:
    assert len(STYLE_NAMES) >= 16
    assert set(STYLE_NAMES) == set(RENDERERS)
    for style in STYLES:
        assert len(style.wordings) >= 5
        assert len(style.held_out) >= 2
        assert not set(style.wordings) & set(style.held_out)


@pytest.mark.parametrize("name", STYLE_NAMES)
def test_a_rendering_is_a_picture(name: str, picture: Picture) -> None:
    drawn = _render(name, picture)
    assert drawn.shape == picture.color.shape
    assert drawn.min() >= -1e-4 and drawn.max() <= 1 + 1e-4
    torch.testing.assert_close(drawn, _render(name, picture))
    varied = RENDERERS[name](picture, Variation(2, 1.0, torch.Generator().manual_seed(1)))
    assert (varied - drawn).abs().mean() > 0.001


@pytest.mark.parametrize("name", STYLE_NAMES)
def test_a_second_hand_draws_the_same_style_in_another_way(name: str, picture: Picture) -> None:
    def drawn(seed: int) -> torch.Tensor:
        return render_variant(name, picture, torch.Generator().manual_seed(seed))

    first = drawn(1)
    assert first.shape == picture.color.shape
    assert first.min() >= 0 and first.max() <= 1
    torch.testing.assert_close(first, drawn(1))
    assert (first - drawn(2)).abs().mean() > 0.001
    assert (first - _render(name, picture)).abs().mean() > 0.01


@pytest.mark.parametrize("name", ["ink", "noir", "manga", "hatching", "charcoal"])
def test_black_and_white_styles_have_no_color(name: str, picture: Picture) -> None:
    drawn = _render(name, picture)
    assert (drawn.max(dim=1).values - drawn.min(dim=1).values).max() < 0.08


def test_ink_is_the_lines(picture: Picture) -> None:
    dark = 1 - luminance(_render("ink", picture)[:1])
    line = picture.lines[:1] > 0.8
    left = picture.color[:1, :1, :, :48] > 0.5
    assert dark[line].min() > 0.8
    assert dark[..., :48][left & (picture.lines[:1, :, :, :48] == 0)].median() < 0.1


def test_blueprint_is_light_on_blue(picture: Picture) -> None:
    drawn = _render("blueprint", picture)
    line = (picture.lines > 0.8).expand_as(drawn)
    assert drawn[line].mean() > 0.8
    ground = drawn[:, :, :8].mean(dim=(0, 2, 3))
    assert ground[2] > ground[1] > ground[0]


def test_pixel_blocks_are_anchored_to_the_page(picture: Picture) -> None:
    drawn = _render("pixel", picture)
    for row, (left, top) in enumerate(picture.origins.tolist()):
        x, y = -left % BLOCK, -top % BLOCK
        block = drawn[row, :, y + 6 * BLOCK : y + 7 * BLOCK, x + 5 * BLOCK : x + 6 * BLOCK].flatten(1)
        assert (block.max(dim=1).values == block.min(dim=1).values).all()


def test_screentone_is_darker_where_the_picture_is(picture: Picture) -> None:
    drawn = luminance(_render("manga", picture))[0, 0]
    assert drawn[40:56, 55:75].mean() < drawn[40:56, 18:34].mean() - 0.1


def test_night_is_darker_and_bluer(picture: Picture) -> None:
    night = in_mood(picture, "night").color.mean(dim=(0, 2, 3))
    day = picture.color.mean(dim=(0, 2, 3))
    assert (night < day).all()
    assert night[2] / night[0] > day[2] / day[0]
