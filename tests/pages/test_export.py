"""Exports are read back by other means than they were written with."""

from __future__ import annotations

import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pypdfium2
import pytest
from PIL import Image

from pages.errors import InputError, ResourceError
from pages.export import ComicInfo, comic_info_xml, write_cbz, write_pdf, write_png

# The order and the enumeration of ComicInfo.xsd 2.0, of the elements that are written.
SEQUENCE = ["Title", "Series", "Number", "PageCount", "LanguageISO", "Manga", "Pages"]
MANGA = ["Unknown", "No", "Yes", "YesAndRightToLeft"]


def noise(height: int = 60, width: int = 40, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture
def page_files(tmp_path: Path) -> list[Path]:
    files = [tmp_path / name for name in ("p01.png", "p02.png", "p10.png")]
    for seed, file in enumerate(files):
        write_png(file, noise(seed=seed), dpi=150 if seed == 1 else None)
    return files


def test_png_keeps_pixels_dpi_and_notes(tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    write_png(path, noise(), dpi=600, text={"style": "aquarelle « douce », λ = 1"})
    with Image.open(path) as image:
        assert (np.asarray(image) == noise()).all()
        assert round(image.info["dpi"][0]) == 600
        assert image.text["style"] == "aquarelle « douce », λ = 1"  # type: ignore[attr-defined]
        assert "srgb" in image.info


def test_cbz_holds_the_files_untouched_in_order(tmp_path: Path, page_files: list[Path]) -> None:
    path = tmp_path / "comic.cbz"
    write_cbz(path, page_files, ComicInfo("A Title"))
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        names = [name for name in archive.namelist() if name != "ComicInfo.xml"]
        assert names == sorted(names) == ["page-001.png", "page-002.png", "page-003.png"]
        for name, file in zip(names, page_files, strict=True):
            assert archive.read(name) == file.read_bytes()
    first = path.read_bytes()
    write_cbz(path, page_files, ComicInfo("A Title"))
    assert path.read_bytes() == first


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_comic_info_keeps_to_the_schema(page_files: list[Path], direction: str) -> None:
    info = ComicInfo("Fish & <Chips>\x00\x1b", series="“Série”", direction=direction)  # type: ignore[arg-type]
    root = ElementTree.fromstring(comic_info_xml(page_files, info))
    assert root.tag == "ComicInfo"
    tags = [child.tag for child in root]
    assert tags == [tag for tag in SEQUENCE if tag in tags]
    assert root.findtext("Title") == "Fish & <Chips>"
    assert root.findtext("Series") == "“Série”"
    assert root.findtext("PageCount") == "3"
    assert root.findtext("Manga", "Unknown") in MANGA
    assert (root.findtext("Manga") == "YesAndRightToLeft") == (direction == "rtl")
    pages = root.findall("Pages/Page")
    assert [page.get("Image") for page in pages] == ["0", "1", "2"]
    for page, file in zip(pages, page_files, strict=True):
        assert set(page.attrib) <= {"Image", "ImageSize", "ImageWidth", "ImageHeight"}
        assert (page.get("ImageWidth"), page.get("ImageHeight")) == ("40", "60")
        assert page.get("ImageSize") == str(file.stat().st_size)


def test_pdf_is_lossless_and_of_true_size(tmp_path: Path, page_files: list[Path]) -> None:
    path = tmp_path / "comic.pdf"
    write_pdf(path, page_files)
    with pypdfium2.PdfDocument(path) as document:
        sizes = [page.get_size() for page in document]
        inches = [(40 / dpi, 60 / dpi) for dpi in (300, 150, 300)]
        assert np.allclose(sizes, np.array(inches) * 72, atol=0.01)
        for seed, page in enumerate(document):
            (picture,) = page.get_objects()
            assert (np.asarray(picture.get_bitmap().to_pil().convert("RGB")) == noise(seed=seed)).all()
            page.close()


def test_pdf_at_a_given_resolution(tmp_path: Path, page_files: list[Path]) -> None:
    write_pdf(tmp_path / "comic.pdf", page_files, dpi=100)
    with pypdfium2.PdfDocument(tmp_path / "comic.pdf") as document:
        assert np.allclose([page.get_size() for page in document], (28.8, 43.2), atol=0.01)


def test_a_damaged_page_leaves_no_archive(tmp_path: Path, page_files: list[Path]) -> None:
    page_files[1].write_bytes(page_files[1].read_bytes()[:900])
    for write, name in (
        (write_pdf, "comic.pdf"),
        (lambda p, f: write_cbz(p, f, ComicInfo("T")), "comic.cbz"),
    ):
        with pytest.raises(InputError, match=r"p02\.png"):
            write(tmp_path / name, page_files)
        assert not (tmp_path / name).exists()
    assert not list(tmp_path.glob(".*"))


def test_a_path_that_cannot_be_written(tmp_path: Path, page_files: list[Path]) -> None:
    with pytest.raises(ResourceError, match="p01"):
        write_pdf(page_files[0] / "comic.pdf", page_files)
