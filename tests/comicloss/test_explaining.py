"""The page that explains classifiers: whole, escaped, with its pictures in it, and true to the figures."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path

import pytest
import torch
from lxml import etree
from PIL import Image
from torch import Tensor

from classifiers.data import Example, label_matrix
from classifiers.evaluate import Report, element_reports
from classifiers.model import ElementClassifiers
from classifiers.stress import STRESSES
from comicloss import pipeline
from comicloss.explaining import explain_page
from pages.progress import Stopped

HOSTILE = '<script>alert("x")</script>'
NAMES = [HOSTILE, "Prince & Sons 'Ltd'", "Castle"]
REGION = (0.5, 0.25, 1.0, 0.75)


def _examples() -> list[Example]:
    """Each element alone three times, two of them together twice; a colored spot is the element."""
    made = []
    colors = torch.tensor([[0.9, 0.2, 0.1], [0.1, 0.3, 0.9], [0.1, 0.7, 0.2]])
    shown = [[number % 3] for number in range(9)] + [[0, 1], [0, 1]]
    for number, columns in enumerate(shown):
        image = torch.rand(3, 40, 56, generator=torch.Generator().manual_seed(number)) * 0.2 + 0.8
        labels = torch.zeros(3)
        for place, column in enumerate(columns):
            left = 30 - 24 * place
            image[:, 12:28, left : left + 16] = colors[column][:, None, None]
            labels[column] = 1
        regions = tuple(REGION if column == columns[0] else None for column in range(3))
        made.append(Example(image, labels, torch.ones(3), f"p{number} <b>&", regions))
    return made


def _held_out(labels: Tensor) -> Tensor:
    said = labels * 0.8 + 0.1
    said[0] = torch.tensor([0.2, 0.95, 0.1])  # the first element, taken for the second
    said[3] = torch.tensor([0.3, 0.8, 0.1])
    return said


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    torch.manual_seed(0)
    classifiers = ElementClassifiers(None, NAMES, image_size=32).eval()
    examples = _examples()
    labels, known = label_matrix(examples)
    held_out = _held_out(labels)
    elements = element_reports(NAMES, held_out.logit(), labels, known)
    report = Report(elements, folds=3, accuracy=0.8, accuracy_stylized=None, accuracy_attacked=0.5)
    path = tmp_path_factory.mktemp("page") / "explained.html"
    explain_page(classifiers, examples, report, held_out, path, title=f"Story {HOSTILE}")
    return path, report


@pytest.fixture(scope="module")
def page(written: tuple[Path, Report]) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    return etree.fromstring(written[0].read_bytes().split(b"\n", 1)[1], parser)


def _text(page: etree._Element) -> str:
    return re.sub(r"\s+", " ", "".join(page.itertext()))


def test_the_page_is_well_formed_and_hostile_names_stay_text(page: etree._Element) -> None:
    assert page.tag == "html" and page.get("lang") == "en"
    tags = {element.tag for element in page.iter()}
    assert not tags & {"script", "iframe", "object", "link"}
    assert HOSTILE in _text(page) and NAMES[1] in _text(page)
    assert page.findtext("head/title") == f"Story {HOSTILE}"
    assert not any(name.startswith("on") for element in page.iter() for name in element.attrib)


def test_nothing_is_fetched(page: etree._Element, written: tuple[Path, Report]) -> None:
    for element in page.iter():
        for name in ("src", "href"):
            value = element.get(name)
            assert value is None or value.startswith(("data:image/jpeg;base64,", "#"))
    assert "url(" not in written[0].read_text(encoding="utf-8")
    for link in page.iter("a"):
        assert page.xpath("//*[@id=$name]", name=link.get("href")[1:])


def test_every_picture_is_embedded_whole_and_described(page: etree._Element) -> None:
    pictures = list(page.iter("img"))
    # 2 mistakes of two elements, and 2 + 1 + 2 successes at least, each in four views; three strips; a pair
    assert len(pictures) > 4 * 7 + 3 * len(STRESSES)
    for picture in pictures:
        with Image.open(io.BytesIO(base64.b64decode(picture.get("src").split(",", 1)[1]))) as opened:
            opened.load()
            assert opened.width >= 40 and opened.height >= 40
        assert len(picture.get("alt")) > 5
    assert any(picture.get("alt").startswith("p0 <b>&: ") for picture in pictures)


def test_the_figures_on_the_page_are_the_reports(page: etree._Element, written: tuple[Path, Report]) -> None:
    rows = page.xpath("//table[@class='figures']/tbody/tr")
    assert len(rows) == 3
    for row, element in zip(rows, written[1].elements, strict=True):
        assert "".join(row.find("th").itertext()) == element.element
        cells = ["".join(cell.itertext()) for cell in row.findall("td")]
        assert cells[0] == f"{element.positives} / {element.negatives}"
        assert element.recall is not None and cells[4].startswith(f"{100 * element.recall:.0f} %")
        ends = element.intervals.recall
        assert ends is not None and f"{100 * ends[0]:.0f} to {100 * ends[1]:.0f}" in cells[4]
    squares = page.xpath("//table[@class='square']")
    counts = [[int(cell.text) for cell in square.findall("tbody/tr/td")] for square in squares]
    confusion = [element.confusion for element in written[1].elements]
    assert counts == [[c.hits, c.misses, c.false_alarms, c.refusals] for c in confusion]
    assert len(page.xpath("//svg[@role='img']")) == 3


def test_what_goes_wrong_is_advised_on_and_shown(page: etree._Element) -> None:
    advice = _text(page.xpath("//ul[@class='advice']")[0])
    assert f"{HOSTILE} reads as {NAMES[1]} as drawn: 2 of 3 pictures" in advice
    assert "Seen in: p0 <b>&, p3 <b>&" in advice
    text = _text(page)
    assert f"p0 <b>&: {HOSTILE} is shown, held-out probability 20 %" in text
    assert "of the attention" in text and "of its region" in text
    assert "75 % of the picture does" in text
    assert all(view in text for view in STRESSES)
    assert page.xpath("//h2[text()='Two in one picture']")


def test_one_element_and_nothing_held_out_still_make_a_page(tmp_path: Path) -> None:
    torch.manual_seed(0)
    classifiers = ElementClassifiers(None, ["Hero"], image_size=32).eval()
    examples = [
        Example(torch.rand(3, 40, 30), torch.tensor([float(shown)]), torch.ones(1), "one scene")
        for shown in (1, 0)
    ]
    nothing = torch.full((2, 1), float("nan"))
    labels, known = label_matrix(examples)
    report = Report(element_reports(["Hero"], nothing, labels, known * 0), 0, None, None, None)
    explain_page(classifiers, examples, report, nothing, tmp_path / "page.html", title="One")
    page = etree.fromstring((tmp_path / "page.html").read_bytes().split(b"\n", 1)[1])
    text = _text(page)
    assert (
        "none: one scene only" in text and "nothing can be measured" in text and "Nothing stands out" in text
    )
    assert "nan" not in text


def test_stopped_in_the_middle_it_writes_nothing(tmp_path: Path) -> None:
    classifiers = ElementClassifiers(None, NAMES, image_size=32).eval()
    examples = _examples()
    labels, known = label_matrix(examples)
    report = Report(element_reports(NAMES, labels * 2 - 1, labels, known), 3, 1.0, None, None)
    with pytest.raises(Stopped):
        explain_page(
            classifiers, examples, report, labels, tmp_path / "page.html", title="x", stop=lambda: True
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_classifiers_that_are_there_are_explained_without_training_again(tmp_path: Path) -> None:
    for number, example in enumerate(_examples()[:9]):
        folder = tmp_path / "drawings" / ("Hero", "Prince", "Castle")[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = (example.image * 255).byte().permute(1, 2, 0).numpy()
        Image.fromarray(pixels).save(folder / f"{number}.png")
    told: list[str] = []
    asked = {"source": tmp_path / "drawings", "out": tmp_path / "family", "steps": 2}
    first = pipeline.train_examples(**asked)
    again = pipeline.train_examples(
        **asked, explain=tmp_path / "page.html", progress=lambda _, __, what: told.append(what)
    )
    assert again == json.loads(json.dumps(first)) and told[-1] == "explained"
    assert not any("training" in what or "measuring" in what for what in told)
    text = _text(etree.fromstring((tmp_path / "page.html").read_bytes().split(b"\n", 1)[1]))
    assert "Who is who: Castle, Hero, Prince" in text
