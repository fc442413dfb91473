"""The judge's painters: shape, range, repeatability, and what each medium cannot do without."""

import pytest
import torch
from torch import Tensor

from styles.embedded.judge_renderers import JUDGE_RENDERERS

NAMES = [
    "watercolor", "ink", "noir", "cel", "pop", "manga", "hatching", "blueprint", "woodcut", "oil", "pastel",
    "stained_glass", "pixel", "risograph", "chalk", "sepia", "charcoal", "comic",
]  # fmt: skip


def ball(size: int = 72) -> tuple[Tensor, Tensor]:
    """A red ball, lit from the left, on a pale blue ground, and its outline: two pictures, two lines."""
    axis = torch.linspace(-1, 1, size)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    radius = (x**2 + y**2).sqrt()
    inside = (radius < 0.6).float()
    shade = (0.75 - 0.45 * x).clamp(0, 1)
    red = torch.stack([0.9 * shade, 0.15 * shade, 0.1 * shade])
    ground = torch.tensor([0.75, 0.85, 0.95])[:, None, None].expand(3, size, size)
    picture = inside * red + (1 - inside) * ground
    lines = (1 - ((radius - 0.6).abs() * size / 4)).clamp(0, 1)[None]
    return picture[None].repeat(2, 1, 1, 1), lines[None].repeat(2, 1, 1, 1)


def paint(name: str, seed: int = 1, size: int = 72) -> Tensor:
    pictures, lines = ball(size)
    return JUDGE_RENDERERS[name](pictures * (1 - lines), lines, torch.Generator().manual_seed(seed))


def chroma(pictures: Tensor) -> float:
    return float((pictures.amax(1) - pictures.amin(1)).mean())


def test_the_styles_are_the_teams_list() -> None:
    assert sorted(JUDGE_RENDERERS) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_rendering_is_a_picture_and_the_seed_alone_decides_it(name: str) -> None:
    first, again, other = paint(name, 1), paint(name, 1), paint(name, 2)
    assert first.shape == (2, 3, 72, 72)
    assert first.dtype == torch.float32
    assert float(first.min()) >= 0
    assert float(first.max()) <= 1
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first[0], first[1])


@pytest.mark.parametrize("name", NAMES)
def test_lines_are_found_where_none_are_given_and_any_size_works(name: str) -> None:
    pictures, _ = ball(64)
    wide = pictures[:1, :, :48, :]
    rendered = JUDGE_RENDERERS[name](wide, None, torch.Generator().manual_seed(3))
    assert rendered.shape == wide.shape
    assert float(rendered.std()) > 0.03


@pytest.mark.parametrize("name", ["ink", "noir", "manga", "hatching", "charcoal"])
def test_black_and_white_media_have_no_color(name: str) -> None:
    assert chroma(paint(name)) < 0.08


@pytest.mark.parametrize("name", ["watercolor", "cel", "pop", "oil", "stained_glass", "pixel", "comic"])
def test_color_media_keep_the_ball_red(name: str) -> None:
    if name == "pop":  # its palette is the printer's, not the picture's
        assert chroma(paint(name)) > 0.15
        return
    middle = paint(name)[:, :, 27:45, 27:45].mean((0, 2, 3))
    assert middle[0] > middle[1] + 0.1
    assert middle[0] > middle[2] + 0.1


def test_line_media_put_the_contour_where_the_line_is() -> None:
    _, lines = ball()
    on, off = lines[:, 0] > 0.8, lines[:, 0] == 0
    for name, darker in (
        ("ink", True),
        ("manga", True),
        ("pop", True),
        ("blueprint", False),
        ("chalk", False),
    ):
        gray = paint(name).mean(1)
        assert bool(gray[on].mean() < gray[off].mean()) is darker, name


def test_noir_has_deep_blacks_and_whites_and_little_between() -> None:
    gray = paint("noir").mean(1)
    assert float((gray < 0.1).float().mean()) > 0.25
    assert float(((gray > 0.25) & (gray < 0.75)).float().mean()) < 0.12


def test_pixel_art_is_made_of_blocks_of_few_colors() -> None:
    picture = (paint("pixel")[0] * 255).round().long()
    colors = {tuple(color) for color in picture.flatten(1).T.tolist()}
    assert len(colors) <= 16
    steps = (picture[:, :, 1:] != picture[:, :, :-1]).any(0).any(0)  # columns where any color changes
    assert int(steps.sum()) <= 72 / 2
