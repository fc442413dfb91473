"""PDF files are read back by PDFium, which draws them, and by qpdf, which checks them."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pikepdf
import pypdfium2
import pytest
from exported_pages import noise, page_files

from pages.errors import InputError, ResourceError, UsageError
from pages.export import Bleed, ComicInfo, write_finished, write_pdf, write_png
from pages.native import Native

ADOBE = imagecodecs.cms_profile("adobergb")
MM = 72 / 25.4


def test_pages_are_drawn_pixel_for_pixel_at_their_true_size(tmp_path: Path) -> None:
    path = tmp_path / "comic.pdf"
    write_pdf(path, page_files(tmp_path))
    with pypdfium2.PdfDocument(path) as document:
        sizes = [page.get_size() for page in document]
        dpis = (300, 150, 300)
        assert np.allclose(sizes, [(40 / dpi * 72, 60 / dpi * 72) for dpi in dpis], atol=1e-3)
        for seed, (page, dpi) in enumerate(zip(document, dpis, strict=True)):
            drawn = page.render(scale=dpi / 72).to_pil().convert("RGB")
            assert (np.asarray(drawn) == noise(seed=seed)).all()
            page.close()
    with pikepdf.open(path) as document:
        assert document.check_pdf_syntax() == []


@pytest.mark.parametrize(("width", "height", "dpi"), [(1987, 33, 299.9), (31, 4500, 300), (333, 77, 601)])
def test_odd_sizes_and_resolutions(tmp_path: Path, width: int, height: int, dpi: float) -> None:
    write_png(tmp_path / "page.png", noise(height, width), dpi=dpi)
    write_pdf(tmp_path / "comic.pdf", [tmp_path / "page.png"])
    with pypdfium2.PdfDocument(tmp_path / "comic.pdf") as document:
        drawn = document[0].render(scale=round(dpi, 1) / 72).to_pil().convert("RGB")
        assert drawn.size == (width, height)
        assert (np.asarray(drawn) == noise(height, width)).all()


def test_a_given_resolution_comes_first(tmp_path: Path) -> None:
    write_pdf(tmp_path / "comic.pdf", page_files(tmp_path), dpi=100)
    with pypdfium2.PdfDocument(tmp_path / "comic.pdf") as document:
        assert np.allclose([page.get_size() for page in document], (28.8, 43.2), atol=1e-3)


def test_title_credits_and_direction(tmp_path: Path) -> None:
    info = ComicInfo(
        "Ж (a) \\ title", writer="Ada, Bo", inker="Bo", language="ru", direction="rtl", genre="SF"
    )
    write_pdf(tmp_path / "comic.pdf", page_files(tmp_path), info=info)
    with pikepdf.open(tmp_path / "comic.pdf") as document:
        assert str(document.docinfo["/Title"]) == info.title
        assert str(document.docinfo["/Author"]) == "Ada, Bo"
        assert str(document.Root.Lang) == "ru"
        assert document.Root.ViewerPreferences.Direction == "/R2L"
    write_pdf(tmp_path / "comic.pdf", page_files(tmp_path), info=ComicInfo("T"))
    with pikepdf.open(tmp_path / "comic.pdf") as document:
        assert "/Direction" not in document.Root.ViewerPreferences


def boxes(path: Path, bleed: Bleed) -> dict[str, list[float]]:
    """In millimeters."""
    write_png(path / "page.png", noise(1110, 750), dpi=254)  # 75 x 111 mm
    write_pdf(path / "comic.pdf", [path / "page.png"], bleed=bleed)
    with pikepdf.open(path / "comic.pdf") as document:
        page = document.pages[0].obj
        names = ("MediaBox", "BleedBox", "TrimBox")
        return {name: [float(edge) / MM for edge in page[f"/{name}"]] for name in names}


def test_bleed_is_cut_off_around_the_page(tmp_path: Path) -> None:
    found = boxes(tmp_path, Bleed(3))
    assert np.allclose(found["MediaBox"], [0, 0, 75, 111], atol=0.01)
    assert np.allclose(found["BleedBox"], [0, 0, 75, 111], atol=0.01)
    assert np.allclose(found["TrimBox"], [3, 3, 72, 108], atol=0.01)


def test_a_trim_size_lies_in_the_middle(tmp_path: Path) -> None:
    found = boxes(tmp_path, Bleed(2, trim_mm=(65, 100)))
    assert np.allclose(found["TrimBox"], [5, 5.5, 70, 105.5], atol=0.01)
    assert np.allclose(found["BleedBox"], [3, 3.5, 72, 107.5], atol=0.01)


def test_boxes_never_reach_beyond_the_page(tmp_path: Path) -> None:
    found = boxes(tmp_path, Bleed(5, trim_mm=(75.3, 105)))
    assert np.allclose(found["TrimBox"], [0, 3, 75, 108], atol=0.01)
    assert np.allclose(found["BleedBox"], [0, 0, 75, 111], atol=0.01)


@pytest.mark.parametrize("bleed", [Bleed(40), Bleed(3, trim_mm=(80, 100))])
def test_a_page_too_small_for_its_trim(tmp_path: Path, bleed: Bleed) -> None:
    with pytest.raises(UsageError, match=r"75\.0 x 111\.0 mm"):
        boxes(tmp_path, bleed)
    assert not (tmp_path / "comic.pdf").exists()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_depth_and_profile_are_kept(tmp_path: Path, dtype: type) -> None:
    pixels = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (200, 30, 3), dtype, endpoint=True)
    original = Native(pixels, None, ADOBE, 300)
    # Painted everywhere, so the profile's conversion is asked as well.
    write_finished(tmp_path / "page.png", np.zeros((200, 30, 3), np.uint8) + 200, original)
    write_pdf(tmp_path / "comic.pdf", [tmp_path / "page.png", tmp_path / "page.png"])
    with pikepdf.open(tmp_path / "comic.pdf") as document:
        pictures = [page.images["/Page"] for page in document.pages]
        assert len({picture.ColorSpace[1].objgen for picture in pictures}) == 1
        assert bytes(pictures[0].ColorSpace[1].read_bytes()) == ADOBE
        assert pictures[0].BitsPerComponent == 8 * np.dtype(dtype).itemsize
        values = np.frombuffer(pictures[0].read_bytes(), np.dtype(dtype).newbyteorder(">"))
    expected = imagecodecs.imread(tmp_path / "page.png")
    assert (values.reshape(200, 30, 3) == expected).all()
    with pypdfium2.PdfDocument(tmp_path / "comic.pdf") as document:
        drawn = np.asarray(document[0].render(scale=300 / 72).to_pil().convert("RGB"))
    assert np.abs(drawn.astype(int) - 200).max() <= 2


def test_alpha_is_laid_over_white(tmp_path: Path) -> None:
    alpha = np.array([[0, 51, 255]], np.uint8).repeat(4, 0)
    pixels = np.full((4, 3, 3), 10, np.uint8)
    seen = np.array([[255, 206, 10]], np.uint8)[..., None].repeat(3, 2).repeat(4, 0)
    write_finished(tmp_path / "page.png", seen, Native(pixels, alpha, None, 72))
    write_pdf(tmp_path / "comic.pdf", [tmp_path / "page.png"])
    with pypdfium2.PdfDocument(tmp_path / "comic.pdf") as document:
        drawn = np.asarray(document[0].render(scale=1).to_pil().convert("RGB"))
    assert (drawn == seen).all()


def test_the_same_pages_give_the_same_file(tmp_path: Path) -> None:
    files = page_files(tmp_path)
    for name in ("1.pdf", "2.pdf"):
        write_pdf(tmp_path / name, files, info=ComicInfo("T"))
    assert (tmp_path / "1.pdf").read_bytes() == (tmp_path / "2.pdf").read_bytes()


def test_a_damaged_page_leaves_no_file(tmp_path: Path) -> None:
    files = page_files(tmp_path)
    files[1].write_bytes(files[1].read_bytes()[:900])
    with pytest.raises(InputError, match=r"p02\.png"):
        write_pdf(tmp_path / "comic.pdf", files)
    assert not (tmp_path / "comic.pdf").exists()
    assert not list(tmp_path.glob(".*"))


def test_a_path_that_cannot_be_written(tmp_path: Path) -> None:
    files = page_files(tmp_path)
    with pytest.raises(ResourceError, match="p01"):
        write_pdf(files[0] / "comic.pdf", files)
