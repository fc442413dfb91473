"""Comic archives: the files as they were, ComicInfo that validates, panels where readers look for them."""

from __future__ import annotations

import datetime
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from exported_pages import noise, page_files
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from pages.errors import InputError, ResourceError
from pages.export import (
    ComicInfo,
    GuidedPage,
    GuidedPanel,
    acbf_xml,
    comic_info_xml,
    guided_json,
    write_cbz,
    write_png,
)
from pages.model import Box

SCHEMA = etree.XMLSchema(etree.parse(Path(__file__).parent / "data" / "ComicInfo-v2.0.xsd"))
ACBF = "{http://www.acbf.info/xml/acbf/1.1}"
FULL = ComicInfo(
    "The Dragon",
    series="Tales",
    number="1.5",
    volume=2,
    summary="A dragon.\n\nA knight.",
    writer="Ada Lovelace, Bo",
    penciller="Cy Twombly",
    inker="Di",
    colorist="Ed van Eyck",
    letterer="Flo",
    cover_artist="Gus",
    editor="Hal",
    publisher="Ink & Co",
    date=datetime.date(2026, 3, 9),
    language="en",
    genre="Fantasy, Space Opera",
    characters=("Dragon", "Knight"),
    locations=("Cave", "Castle"),
    direction="rtl",
    page_types=("FrontCover", None, "BackCover"),
)
GUIDED = (
    GuidedPage((40, 60)),
    GuidedPage(
        (40, 60),
        (
            GuidedPanel(Box(4, 6, 36, 30), shows=("Dragon",), description="In the cave"),
            GuidedPanel(Box(2, 31, 38, 58), ((2, 31), (38, 35), (38, 58), (2, 58))),
        ),
    ),
    GuidedPage((40, 60), (GuidedPanel(Box(0, 0, 40, 60), shows=("Dragon", "Knight")),)),
)


def test_cbz_holds_the_files_untouched_in_order(tmp_path: Path) -> None:
    files = page_files(tmp_path)
    path = tmp_path / "comic.cbz"
    write_cbz(path, files, ComicInfo("A Title"))
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        names = [name for name in archive.namelist() if name != "ComicInfo.xml"]
        assert names == sorted(names) == ["page-001.png", "page-002.png", "page-003.png"]
        for name, file in zip(names, files, strict=True):
            assert archive.read(name) == file.read_bytes()
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
    first = path.read_bytes()
    write_cbz(path, files, ComicInfo("A Title"))
    assert path.read_bytes() == first


@pytest.mark.parametrize("info", [ComicInfo("A Title"), FULL])
def test_comic_info_validates(tmp_path: Path, info: ComicInfo) -> None:
    document = etree.fromstring(comic_info_xml(page_files(tmp_path), info))
    SCHEMA.assertValid(document)


def test_comic_info_says_all_of_it(tmp_path: Path) -> None:
    files = page_files(tmp_path)
    root = ElementTree.fromstring(comic_info_xml(files, FULL))
    said = {child.tag: child.text for child in root if child.tag != "Pages"}
    assert said == {
        "Title": "The Dragon",
        "Series": "Tales",
        "Number": "1.5",
        "Volume": "2",
        "Summary": "A dragon.\n\nA knight.",
        "Year": "2026",
        "Month": "3",
        "Day": "9",
        "Writer": "Ada Lovelace, Bo",
        "Penciller": "Cy Twombly",
        "Inker": "Di",
        "Colorist": "Ed van Eyck",
        "Letterer": "Flo",
        "CoverArtist": "Gus",
        "Editor": "Hal",
        "Publisher": "Ink & Co",
        "Genre": "Fantasy, Space Opera",
        "PageCount": "3",
        "LanguageISO": "en",
        "BlackAndWhite": "No",
        "Manga": "YesAndRightToLeft",
        "Characters": "Dragon, Knight",
        "Locations": "Cave, Castle",
    }
    pages = [page.attrib for page in root.findall("Pages/Page")]
    assert [page.get("Type") for page in pages] == ["FrontCover", None, "BackCover"]
    for place, (page, file) in enumerate(zip(pages, files, strict=True)):
        assert (page["Image"], page["ImageWidth"], page["ImageHeight"]) == (str(place), "40", "60")
        assert page["ImageSize"] == str(file.stat().st_size)
        assert "DoublePage" not in page


def test_spreads_and_pages_without_color_are_noticed(tmp_path: Path) -> None:
    gray = np.repeat(noise()[..., :1], 3, 2)
    write_png(tmp_path / "1.png", gray)
    write_png(tmp_path / "2.png", np.hstack([gray, gray]))
    files = [tmp_path / "1.png", tmp_path / "2.png"]
    root = ElementTree.fromstring(comic_info_xml(files, ComicInfo("T")))
    assert root.findtext("BlackAndWhite") == "Yes"
    pages = root.findall("Pages/Page")
    assert [page.get("DoublePage") for page in pages] == [None, "true"]
    assert [page.get("Type") for page in pages] == ["FrontCover", None]


@given(text=st.text(st.characters(blacklist_categories=["Cs"])))
def test_any_text_becomes_valid_xml(tmp_path_factory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any-text.png"
    if not file.exists():
        write_png(file, noise())
    info = ComicInfo("T" + text, series=text, summary=text, writer=text, characters=(text,))
    SCHEMA.assertValid(etree.fromstring(comic_info_xml([file], info)))
    check_acbf(acbf_xml(["p.png"], GUIDED[2:], info))


def check_acbf(document: bytes) -> etree._Element:
    """What the ACBF 1.1 specification demands of the parts that we write."""
    root = etree.fromstring(document)
    assert root.tag == f"{ACBF}ACBF"
    assert [child.tag for child in root] == [f"{ACBF}meta-data", f"{ACBF}body"]
    meta, body = root
    sections = [child.tag.removeprefix(ACBF) for child in meta]
    assert sections in (["book-info", "publish-info", "document-info"], ["book-info", "document-info"])
    order = ["author", "book-title", "genre", "characters", "annotation", "coverpage"]
    order += ["languages", "sequence"]
    book = [child.tag.removeprefix(ACBF) for child in meta[0]]
    assert book == sorted(book, key=order.index)
    assert {"author", "book-title", "genre", "annotation", "coverpage"} <= set(book)
    for author in root.iter(f"{ACBF}author"):
        parts = [child.tag.removeprefix(ACBF) for child in author]
        assert parts in (["first-name", "last-name"], ["nickname"])
        assert all(child.text for child in author)
    for framed in [*root.iter(f"{ACBF}page"), *root.iter(f"{ACBF}coverpage")]:
        assert framed[0].tag == f"{ACBF}image"
        assert all(child.tag == f"{ACBF}frame" for child in framed[1:])
    for frame in root.iter(f"{ACBF}frame"):
        assert re.fullmatch(r"\d+,\d+( \d+,\d+){2,}", frame.get("points"))
    assert len(body)
    return root


def test_acbf_has_frames_credits_and_characters() -> None:
    names = ["page-001.png", "page-002.png", "page-003.png"]
    root = check_acbf(acbf_xml(names, GUIDED, FULL))
    cover = root.find(f".//{ACBF}coverpage/{ACBF}image")
    bodies = root.findall(f"{ACBF}body/{ACBF}page/{ACBF}image")
    assert [image.get("href") for image in (cover, *bodies)] == names
    frames = [frame.get("points") for frame in root.iter(f"{ACBF}frame")]
    assert frames == [
        "4,6 36,6 36,30 4,30",
        "2,31 38,35 38,58 2,58",
        "0,0 40,0 40,60 0,60",
    ]
    authors = [
        (author.get("activity"), " ".join(part.text for part in author))
        for author in root.findall(f".//{ACBF}book-info/{ACBF}author")
    ]
    assert authors[:3] == [("Writer", "Ada Lovelace"), ("Writer", "Bo"), ("Penciller", "Cy Twombly")]
    assert authors[-1] == ("Editor", "Hal")
    assert [name.text for name in root.findall(f".//{ACBF}characters/{ACBF}name")] == ["Dragon", "Knight"]
    assert [genre.text for genre in root.iter(f"{ACBF}genre")] == ["fantasy", "manga"]
    assert [p.text for p in root.findall(f".//{ACBF}annotation/{ACBF}p")] == ["A dragon.", "A knight."]
    assert root.findtext(f".//{ACBF}publisher") == "Ink & Co"
    assert root.find(f".//{ACBF}publish-date").get("value") == "2026-03-09"
    sequence = root.find(f".//{ACBF}sequence")
    assert (sequence.get("title"), sequence.text) == ("Tales", "1.5")


def test_a_single_page_is_cover_and_body() -> None:
    root = check_acbf(acbf_xml(["p.png"], GUIDED[2:], ComicInfo("T")))
    assert [image.get("href") for image in root.iter(f"{ACBF}image")] == ["p.png", "p.png"]


def test_guided_navigation_leads_through_the_panels() -> None:
    names = ["page-001.png", "page-002.png", "page-003.png"]
    document = json.loads(guided_json(names, GUIDED, FULL))
    assert document == {
        "guided": [
            {"imgref": "page-001.png"},
            {
                "imgref": "page-002.png#xywh=percent:10,10,80,40",
                "role": ["panel"],
                "character": ["Dragon"],
                "description": {"text": {"plain": "In the cave", "language": "en"}},
            },
            {"imgref": "page-002.png#xywh=percent:5,51.6667,90,45", "role": ["panel"]},
            {
                "imgref": "page-003.png#xywh=percent:0,0,100,100",
                "role": ["panel"],
                "character": ["Dragon", "Knight"],
            },
        ]
    }


@given(data=st.data(), width=st.integers(1, 12000), height=st.integers(1, 60000))
def test_percentages_lead_back_to_the_same_pixels(data, width: int, height: int) -> None:
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    box = Box(left, top, data.draw(st.integers(left + 1, width)), data.draw(st.integers(top + 1, height)))
    page = GuidedPage((width, height), (GuidedPanel(box),))
    imgref = json.loads(guided_json(["p.png"], [page], ComicInfo("T")))["guided"][0]["imgref"]
    x, y, w, h = map(float, imgref.split("percent:")[1].split(","))
    assert (round(x * width / 100), round(y * height / 100)) == box.xywh[:2]
    assert (round(w * width / 100), round(h * height / 100)) == box.xywh[2:]


def test_sidecars_lie_beside_the_pages(tmp_path: Path) -> None:
    write_cbz(tmp_path / "comic.cbz", page_files(tmp_path), FULL, GUIDED)
    with zipfile.ZipFile(tmp_path / "comic.cbz") as archive:
        pages = {name for name in archive.namelist() if name.endswith(".png")}
        root = check_acbf(archive.read("comic.acbf"))
        assert {image.get("href") for image in root.iter(f"{ACBF}image")} == pages
        guided = json.loads(archive.read("guided.json"))["guided"]
        assert {step["imgref"].split("#")[0] for step in guided} == pages


def test_as_many_guided_pages_as_files(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        write_cbz(tmp_path / "comic.cbz", page_files(tmp_path), FULL, GUIDED[:2])
    assert not (tmp_path / "comic.cbz").exists()


def test_a_damaged_page_leaves_no_archive(tmp_path: Path) -> None:
    files = page_files(tmp_path)
    files[1].write_bytes(files[1].read_bytes()[:900])
    with pytest.raises(InputError, match=r"p02\.png"):
        write_cbz(tmp_path / "comic.cbz", files, replace(FULL, date=None))
    assert not (tmp_path / "comic.cbz").exists()
    assert not list(tmp_path.glob(".*"))


def test_a_path_that_cannot_be_written(tmp_path: Path) -> None:
    files = page_files(tmp_path)
    with pytest.raises(ResourceError, match="p01"):
        write_cbz(files[0] / "comic.cbz", files, ComicInfo("T"))
