"""Finishing at full size: tiles agree with the whole, sizes agree with each other, the rest is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter, maximum_filter, minimum_filter

from comicloss.data import resized
from comicloss.stylize import full_size, stylize_page, stylize_picture
from pages.errors import Stopped
from pages.export import write_finished
from pages.keeping import kept_lettering
from pages.lettering import find_lettering
from pages.model import Box
from pages.native import to_rgb
from pages.read import load_native
from pages.split import find_panels
from styles.registry import load_stylenet
from styles.screens import screens
from styles.stylenet import StyleNet

Picture = NDArray[np.uint8]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def network() -> StyleNet:
    return load_stylenet()


def drawing(width: int, height: int) -> Picture:
    """Ink and flat color with smooth edges, the same at any size."""
    scale = 4 * width / 240
    image = Image.new("RGB", (4 * width, 4 * height), "white")
    draw = ImageDraw.Draw(image)

    def at(*numbers: float) -> list[float]:
        return [number * scale for number in numbers]

    draw.rectangle(at(20, 20, 220, 150), fill="#f4e3c0", outline="black", width=round(3 * scale))
    draw.ellipse(at(60, 40, 140, 130), fill="#c0392b", outline="black", width=round(2.5 * scale))
    draw.line(at(150, 40, 205, 140), fill="black", width=round(2 * scale))
    draw.rectangle(at(20, 170, 220, 300), fill="#7fb3d5", outline="black", width=round(3 * scale))
    draw.polygon(at(40, 290, 120, 190, 200, 290), fill="#27ae60", outline="black", width=round(2 * scale))
    return np.array(image.resize((width, height), Image.Resampling.BOX))


PANELS = [Box(20, 20, 221, 151), Box(20, 170, 221, 301)]


def similarity(first: Picture, second: Picture) -> float:
    """Mean SSIM (Wang et al. 2004) of the gray pictures, Gaussian windows of σ = 1.5."""
    x, y = (picture.astype(np.float64).mean(axis=2) for picture in (first, second))
    mx, my = gaussian_filter(x, 1.5), gaussian_filter(y, 1.5)
    xx, yy = gaussian_filter(x * x, 1.5) - mx * mx, gaussian_filter(y * y, 1.5) - my * my
    xy = gaussian_filter(x * y, 1.5) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float((((2 * mx * my + c1) * (2 * xy + c2)) / ((mx * mx + my * my + c1) * (xx + yy + c2))).mean())


@pytest.mark.parametrize("tile", [64, 100])
def test_tiles_agree_with_the_whole(network: StyleNet, tile: int) -> None:
    generator = torch.Generator().manual_seed(1)
    art = torch.randint(0, 256, (3, 170, 245), generator=generator, dtype=torch.uint8)
    flats = torch.randint(0, 256, (4, 170, 245), generator=generator, dtype=torch.uint8)
    style = network.embed(["noir ink"])[0].detach()
    whole = stylize_picture(network, art, style, origin=(31, 7), flats=flats, tile=1000)
    tiled = stylize_picture(network, art, style, origin=(31, 7), flats=flats, tile=tile)
    torch.testing.assert_close(tiled, whole, rtol=0, atol=1e-5)


def test_one_tile_is_the_network_itself(network: StyleNet) -> None:
    art = torch.randint(0, 256, (3, 64, 96), dtype=torch.uint8)
    style = network.embed(["watercolor"]).detach()
    with torch.no_grad():
        expected = network(art[None] / 255, screens(torch.tensor([[5, 9]]), 64, 96), style)[0]
    assert torch.equal(stylize_picture(network, art, style[0], origin=(5, 9)), expected)


def test_screens_run_on_across_panels(network: StyleNet) -> None:
    art = torch.full((3, 200, 400), 128, dtype=torch.uint8)
    style = network.embed(["pop art with halftone dots"])[0].detach()
    whole = stylize_picture(network, art, style)
    right = stylize_picture(network, art[:, :, 200:], style, origin=(200, 0))
    inner = slice(100, 150)
    torch.testing.assert_close(right[:, 100:, inner], whole[:, 100:, 300:350], rtol=0, atol=1e-4)


@pytest.mark.parametrize("prompt", ["watercolor on rough paper", "noir ink, high contrast", "pop art"])
def test_a_scan_of_three_times_the_size_comes_out_alike(network: StyleNet, prompt: str) -> None:
    style = network.embed([prompt])[0].detach()
    results = []
    for times in (1, 3):
        page = drawing(240 * times, 320 * times)
        boxes = [Box(b.left * times, b.top * times, b.right * times, b.bottom * times) for b in PANELS]
        panels = [(box, style) for box in boxes]
        results.append(stylize_page(network, page, panels, scale=1 / times))
    assert results[1].shape == (960, 720, 3)
    assert similarity(results[0], resized(results[1], 240, 320)) >= 0.9


@pytest.mark.parametrize("slope", [1.0, 0.6, -0.8])
def test_lines_are_as_crisp_as_the_page_has_them(slope: float) -> None:
    """Where finished tone is a linear function of drawn tone, full size is that function of the page."""
    page = drawing(720, 960)
    gray = np.repeat((page @ np.array([0.299, 0.587, 0.114]))[..., None], 3, axis=2).astype(np.uint8)
    expected = np.rint(128 + slope * (gray.astype(float) - 128)).astype(np.uint8)
    small = resized(gray, 240, 320)
    finished = np.rint(128 + slope * (small.astype(float) - 128)).astype(np.uint8)

    def error(picture: Picture) -> float:
        return float(np.square(picture.astype(float) - expected).mean())

    assert error(full_size(finished, small, gray)) < 0.1 * error(resized(finished, 720, 960))


def lettered(times: int) -> tuple[Picture, Picture]:
    """A page of two balloons, one across the gutter, and the pixels of balloons with their outlines."""
    page = Image.fromarray(drawing(240 * times, 320 * times))
    balloons = Image.new("L", page.size)
    for left, top, right, bottom, words in (
        (30, 30, 130, 70, "A dragon!\nUp there!"),
        (90, 160, 200, 215, "Run!\nAll of you!"),
    ):
        box = (left * times, top * times, right * times, bottom * times)
        for pen, fill in ((ImageDraw.Draw(page), "white"), (ImageDraw.Draw(balloons), 255)):
            pen.ellipse(box, fill=fill, outline="black" if fill == "white" else 255, width=times)
        middle = (left + right) / 2 * times, (top + bottom) / 2 * times
        font = ImageFont.load_default(13 * times)
        ImageDraw.Draw(page).multiline_text(middle, words, "black", font, anchor="mm", align="center")
    return np.array(page), np.array(balloons) > 0


@pytest.mark.parametrize(("times", "scale"), [(4, 0.5), (6, 0.25)])
def test_gutters_and_lettering_stay_bit_for_bit_at_full_size(
    network: StyleNet, times: int, scale: float
) -> None:
    """Lettering that is found by the program, on a page above the working size, in a real style."""
    page, balloons = lettered(times)
    before = page.copy()
    style = network.embed(["blueprint"])[0].detach()
    boxes = [Box(*(times * corner for corner in (b.left, b.top, b.right, b.bottom))) for b in PANELS]
    finished = stylize_page(network, page, [(box, style) for box in boxes], scale=scale)
    outside = np.ones(page.shape[:2], dtype=bool)
    for box in boxes:
        outside[box.top : box.bottom, box.left : box.right] = False
    same = (finished == page).all(axis=2)
    assert np.array_equal(page, before)
    assert same[outside].all()
    inner = minimum_filter(balloons, 2 * times // 4 + 1)
    assert same[inner].all()
    assert same[balloons].mean() > 0.99
    drawn = ~outside & ~maximum_filter(balloons, times + 5)
    beside = drawn & maximum_filter(balloons, 4 * times + 1)
    assert np.abs(finished[beside].astype(int) - page[beside]).mean() > 20
    assert same[drawn].mean() < 0.06  # the frames stay


def test_of_letters_alone_the_ink_stays_bit_for_bit_at_full_size(network: StyleNet) -> None:
    page, balloons = lettered(6)
    found = find_lettering(page)
    kept = kept_lettering(found, "letters")
    style = network.embed(["watercolor"])[0].detach()
    finished = stylize_page(network, page, [(Box(0, 0, 1440, 1920), style)], scale=0.25, kept=kept)
    same = (finished == page).all(axis=2)
    inner = minimum_filter(balloons, 19)
    ink, paper = inner & (page.max(axis=2) == 0), inner & (page.min(axis=2) == 255)
    assert ink.sum() > 5000 and same[ink].all()
    assert same[paper].mean() < 0.2


def test_an_inset_lies_on_the_panel_around_it_whatever_the_order(network: StyleNet) -> None:
    page = drawing(240, 320)
    outer, inset = Box(0, 0, 240, 320), Box(60, 40, 160, 140)
    blue, ink = (network.embed([words])[0].detach() for words in ("blueprint", "noir ink"))
    first, second = (
        stylize_page(network, page, panels, scale=1.0)
        for panels in ([(outer, blue), (inset, ink)], [(inset, ink), (outer, blue)])
    )
    alone = stylize_page(network, page, [(inset, ink)], scale=1.0)
    assert np.array_equal(first, second)
    assert np.array_equal(first[40:140, 60:160], alone[40:140, 60:160])


def test_strength_zero_is_the_page_as_drawn(network: StyleNet) -> None:
    page = drawing(240, 320)
    style = network.embed(["oil painting"])[0].detach()
    finished = stylize_page(network, page, [(PANELS[0], style)], scale=1.0, strength=0.0)
    assert np.array_equal(finished, page)


def test_enlarging_by_bands_is_enlarging_the_whole() -> None:
    generator = np.random.default_rng(2)
    small = generator.integers(0, 256, (300, 40, 3), dtype=np.uint8)
    flat = np.full((901, 120, 3), 128, dtype=np.uint8)  # no whole multiple, two bands; no detail to add
    planes = [Image.fromarray(small[..., channel].astype(np.float32)) for channel in range(3)]
    large = [np.asarray(plane.resize((120, 901), Image.Resampling.BICUBIC)) for plane in planes]
    whole = np.dstack(large)
    enlarged = full_size(small, resized(flat, 40, 300), flat)
    assert np.abs(enlarged - whole.clip(0, 255)).max() < 0.51


def test_stop_is_asked_before_each_panel(network: StyleNet) -> None:
    style = network.embed(["ink"])[0].detach()
    with pytest.raises(Stopped):
        stylize_page(network, drawing(240, 320), [(PANELS[0], style)], scale=1.0, stop=lambda: True)


class Unchanging(torch.nn.Module):
    """A network that draws what it is given."""

    total_stride, receptive_field = 8, 20

    def __init__(self) -> None:
        super().__init__()
        self.anything = torch.nn.Parameter(torch.zeros(1))

    def forward(self, art: torch.Tensor, *_: torch.Tensor | None) -> torch.Tensor:
        return art


@pytest.mark.parametrize(
    ("width", "height", "deep", "alpha"),
    [
        (150, 200, False, False),
        (150, 200, True, False),
        (150, 200, True, True),
        (320, 1500, True, True),  # higher than the working size
    ],
)
def test_a_network_that_changes_nothing_gives_the_page_back(
    tmp_path: Path, width: int, height: int, deep: bool, alpha: bool
) -> None:
    page = drawing(width, height)
    random = np.random.default_rng(0)
    grain = random.integers(0, 257 if deep else 1, page.shape)
    values = np.clip(page.astype(np.int64) * (257 if deep else 1) - grain, 0, None)
    values = values.astype(np.uint16 if deep else np.uint8)
    if alpha:
        values = np.dstack([values, np.tile(np.linspace(0, 65535, width), (height, 1)).astype(np.uint16)])
    extra = {"extrasamples": ["unassalpha"]} if alpha else {}
    profile = imagecodecs.cms_profile("adobergb")
    tifffile.imwrite(tmp_path / "page.tif", values, photometric="rgb", iccprofile=profile, **extra)

    original = load_native(tmp_path / "page.tif")
    picture = to_rgb(original)
    found = find_panels(picture)
    polygon = [(0, 0), (width, height // 20), (width // 2, height // 2)]  # and one more, slanted, on top
    boxes = [*(panel.box for panel in found), Box(0, 0, width, height // 2)]
    polygons = [*(panel.polygon for panel in found), polygon]
    style = torch.zeros(4)
    finished = stylize_page(Unchanging(), picture, [(box, style) for box in boxes], polygons=polygons)
    write_finished(tmp_path / "page.png", finished, original)
    back = load_native(tmp_path / "page.png")
    assert (finished == picture).all()
    assert back.profile == profile
    assert (back.pixels == values[..., :3]).all()
    if alpha:
        assert back.alpha is not None
        assert (back.alpha == values[..., 3]).all()
