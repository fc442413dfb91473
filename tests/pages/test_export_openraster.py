"""OpenRaster files: what the specification demands, and layers that add up to the finished page."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from exported_pages import noise
from lxml import etree
from PIL import Image

from pages.export.openraster import write_openraster
from pages.read import load_rgb

HEIGHT, WIDTH = 500, 300


@pytest.fixture
def page(tmp_path: Path) -> zipfile.ZipFile:
    dragon, nobody, lettering = (np.zeros((HEIGHT, WIDTH), bool) for _ in range(3))
    dragon[100:300, 20:70] = dragon[250:400, 200:280] = True
    lettering[10:60, 30:150] = True
    write_openraster(
        tmp_path / "page.ora",
        original=noise(HEIGHT, WIDTH, 1),
        finished=noise(HEIGHT, WIDTH, 2),
        elements=[("Nobody", nobody), ("Dragon & <Son>", dragon), ("Knight", ~dragon)],
        lettering=lettering,
        dpi=300,
    )
    return zipfile.ZipFile(tmp_path / "page.ora")


def picture(page: zipfile.ZipFile, name: str) -> Image.Image:
    return Image.open(io.BytesIO(page.read(name)))


def test_the_layout_is_the_specification_s(page: zipfile.ZipFile) -> None:
    entries = page.infolist()
    assert entries[0].filename == "mimetype"
    assert entries[0].compress_type == zipfile.ZIP_STORED
    assert entries[0].extra == b""
    assert page.read("mimetype") == b"image/openraster"
    names = {entry.filename for entry in entries}
    stack = etree.fromstring(page.read("stack.xml"))
    sources = {layer.get("src") for layer in stack.iter("layer")}
    assert names == {"mimetype", "stack.xml", "mergedimage.png", "Thumbnails/thumbnail.png", *sources}
    assert (stack.tag, stack.get("w"), stack.get("h")) == ("image", str(WIDTH), str(HEIGHT))
    assert (stack.get("xres"), stack.get("yres")) == ("300", "300")
    thumbnail = picture(page, "Thumbnails/thumbnail.png")
    assert max(thumbnail.size) == 256
    assert thumbnail.size[0] == round(256 * WIDTH / HEIGHT)


def test_layers_are_named_and_ordered(page: zipfile.ZipFile) -> None:
    (stack,) = etree.fromstring(page.read("stack.xml"))
    assert [child.get("name") for child in stack] == ["Elements", "Lettering", "Finish", "Original"]
    assert [child.get("name") for child in stack[0]] == ["Dragon & <Son>", "Knight"]
    assert stack[0].get("visibility") == "hidden"
    assert stack[3].get("edit-locked") == "true"
    for layer in stack.iter("layer"):
        assert layer.get("composite-op") == "svg:src-over"
        assert 0 < float(layer.get("opacity")) <= 1


def test_the_visible_layers_make_the_finished_page(page: zipfile.ZipFile) -> None:
    (stack,) = etree.fromstring(page.read("stack.xml"))
    canvas = Image.new("RGBA", (WIDTH, HEIGHT))
    for layer in reversed(stack[1:]):
        content = picture(page, layer.get("src")).convert("RGBA")
        canvas.alpha_composite(content, (int(layer.get("x")), int(layer.get("y"))))
    assert (np.asarray(canvas.convert("RGB")) == noise(HEIGHT, WIDTH, 2)).all()
    assert (np.asarray(picture(page, "mergedimage.png")) == noise(HEIGHT, WIDTH, 2)).all()
    original = picture(page, stack[3].get("src"))
    assert (np.asarray(original) == noise(HEIGHT, WIDTH, 1)).all()


def test_masks_lie_where_the_elements_are(page: zipfile.ZipFile) -> None:
    (stack,) = etree.fromstring(page.read("stack.xml"))
    dragon = stack[0][0]
    alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
    content = np.asarray(picture(page, dragon.get("src")))
    top, left = int(dragon.get("y")), int(dragon.get("x"))
    alpha[top : top + content.shape[0], left : left + content.shape[1]] = content[..., 3]
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[100:300, 20:70] = expected[250:400, 200:280] = True
    assert (alpha == expected * np.uint8(255)).all()
    colors = [np.asarray(picture(page, layer.get("src")))[..., :3].max((0, 1)) for layer in stack[0]]
    assert np.abs(colors[0].astype(int) - colors[1]).max() > 60


def test_our_own_reader_sees_the_finished_page(page: zipfile.ZipFile, tmp_path: Path) -> None:
    assert (load_rgb(tmp_path / "page.ora") == noise(HEIGHT, WIDTH, 2)).all()


def test_the_lettering_layer_is_found_again(page: zipfile.ZipFile, tmp_path: Path) -> None:
    from pages.layers import lettering_layers

    found = lettering_layers(tmp_path / "page.ora")
    assert found is not None
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[10:60, 30:150] = True
    assert ((found[0] | found[1]) == expected).all()


def test_a_small_page_has_a_small_thumbnail(tmp_path: Path) -> None:
    nothing = np.zeros((60, 40), bool)
    write_openraster(
        tmp_path / "page.ora", original=noise(), finished=noise(), elements=[], lettering=nothing
    )
    with zipfile.ZipFile(tmp_path / "page.ora") as page:
        assert picture(page, "Thumbnails/thumbnail.png").size == (40, 60)
        image = etree.fromstring(page.read("stack.xml"))
        assert "xres" not in image.attrib
        assert [layer.get("name") for layer in image[0]] == ["Finish", "Original"]
