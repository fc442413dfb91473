"""Training without a story, classifiers taken into one, and what they say of pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from typer.testing import CliRunner

import comicloss.data
import comicloss.training
from classifiers.card import Card
from classifiers.model import ElementClassifiers
from classifiers.train import train_classifiers
from comicloss import pipeline
from comicloss.cli import app
from comicloss.encoder import EmbeddedEncoder
from comicloss.joined import JoinedClassifiers, load_classifiers
from comicloss.story import load_story
from pages.errors import InputError, StoryError, UsageError, WeightsError


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One thread, two steps on tiny pictures, no attacks, no views in other styles."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setattr(comicloss.training, "STEPS", 2)
    small = partial(train_classifiers, image_size=32, rounds=0)
    monkeypatch.setattr(comicloss.training, "train_classifiers", small)
    monkeypatch.setattr(comicloss.training, "style_views", lambda: None)
    monkeypatch.setattr(comicloss.data, "WORKING_HEIGHT", 140)
    yield
    torch.set_num_threads(threads)


def draw(path: Path, seed: int, color: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (60, 50), tuple(random.integers(100, 255, 3).tolist()))
    x, y = random.integers(0, 30), random.integers(0, 20)
    shape = ImageDraw.Draw(image)
    (shape.ellipse if color == "red" else shape.rectangle)((x, y, x + 25, y + 25), fill=color)
    image.save(path)


@pytest.fixture
def drawings(tmp_path: Path) -> Path:
    """Discs and squares, three each."""
    for number in range(3):
        draw(tmp_path / "drawings" / "Disc" / f"{number}.png", number, "red")
        draw(tmp_path / "drawings" / "Square" / f"{number}.png", 10 + number, "blue")
    return tmp_path / "drawings"


@pytest.fixture
def family(drawings: Path, tmp_path: Path) -> Path:
    pipeline.train_examples(drawings, tmp_path / "family")
    return tmp_path / "family"


@pytest.fixture
def story(tmp_path: Path) -> Path:
    """A page of two panels, each marked: a disc, and a hat of which the family knows nothing."""
    page = Image.new("RGB", (100, 140), "white")
    page.paste(Image.new("RGB", (80, 55), "red"), (10, 10))
    page.paste(Image.new("RGB", (80, 55), "green"), (10, 75))
    folder = tmp_path / "story"
    (folder / "art").mkdir(parents=True)
    page.save(folder / "art" / "p01.png")
    (folder / "story.toml").write_text(STORY)
    return folder


STORY = """
title = "t"
[style]
prompt = "ink"
[[elements]]
name = "Hat"
[[elements]]
name = "Disc"
[[pages]]
file = "art/p01.png"
panels = [
  { id = "p01-01", box = [10, 10, 80, 55], shows = ["Disc"] },
  { id = "p01-02", box = [10, 75, 80, 55], shows = ["Hat"] },
]
"""


def on_its_encoder(folder: Path) -> ElementClassifiers:
    return ElementClassifiers.load(folder, EmbeddedEncoder())


def edit(folder: Path, old: str, new: str) -> None:
    text = (folder / "story.toml").read_text()
    assert old in text
    (folder / "story.toml").write_text(text.replace(old, new, 1))


def test_a_folder_of_classes_becomes_classifiers_with_a_card(drawings: Path, family: Path) -> None:
    assert on_its_encoder(family).element_names == ("Disc", "Square")
    card = Card.read(family)
    assert card.element_names == ("Disc", "Square") and card.pictures == 6 and card.steps == 2
    assert [(each.positives, each.negatives, each.calibrated) for each in card.elements] == [
        (3, 3, False)
    ] * 2
    assert "precision" in card.elements[0].figures


def test_training_again_does_only_what_is_stale(
    drawings: Path, family: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = family / "classifiers.safetensors"
    before = weights.stat().st_mtime_ns
    report = pipeline.train_examples(drawings, family)
    assert weights.stat().st_mtime_ns == before and set(report["elements"]) == {"Disc", "Square"}
    draw(drawings / "Disc" / "2.png", 77, "red")
    pipeline.train_examples(drawings, family)
    assert weights.stat().st_mtime_ns != before


def test_a_folder_with_other_things_is_not_replaced(drawings: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds other things"):
        pipeline.train_examples(drawings, drawings)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="holds other things"):
        pipeline.train_examples(drawings, tmp_path / "file")
    assert (drawings / "Disc" / "0.png").exists()


def test_a_picture_that_cannot_be_read_does_not_keep_the_others(drawings: Path, tmp_path: Path) -> None:
    (drawings / "Disc" / "bad.png").write_text("no picture")
    report = pipeline.train_examples(drawings, tmp_path / "out")
    (why,) = report["unreadable"]
    assert "bad.png" in why and report["elements"]["Disc"]["positives"] == 3
    assert all(Path(doubt["file"]).exists() for doubt in report["disagreements"])


def test_what_cannot_be_learned_is_refused_before_anything_is_written(drawings: Path, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (drawings / "Disc").rename(tmp_path / "one" / "Disc")
    with pytest.raises(InputError, match="Disc"):
        pipeline.train_examples(tmp_path / "one", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_pictures_pages_and_folders_are_classified(drawings: Path, family: Path, tmp_path: Path) -> None:
    disc = drawings / "Disc" / "0.png"
    with ZipFile(tmp_path / "book.cbz", "w") as book:
        book.write(disc, "1.png")
        book.write(drawings / "Square" / "0.png", "2.png")
    (tmp_path / "bad.png").write_text("no picture")
    found = pipeline.classify(family, [tmp_path / "book.cbz", drawings / "Disc", tmp_path / "bad.png"])
    files = [row.file for row in found.pictures]
    assert sorted(files) == sorted(
        [f"{tmp_path / 'book.cbz'}#{page}" for page in (1, 2)]
        + [str(drawings / "Disc" / f"{number}.png") for number in range(3)]
    )
    probabilities = {row.file: row.probabilities for row in found.pictures}
    assert probabilities[f"{tmp_path / 'book.cbz'}#1"] == probabilities[str(disc)]
    assert list(probabilities[str(disc)]) == ["Disc", "Square"] == list(found.thresholds)
    (why,) = found.unreadable
    assert "bad.png" in why
    from pages.read import load_rgb

    image = torch.from_numpy(load_rgb(disc).copy()).permute(2, 0, 1)[None] / 255
    expected = on_its_encoder(family)(image).sigmoid()[0].tolist()
    assert list(probabilities[str(disc)].values()) == pytest.approx(expected, abs=1e-5)


def test_a_single_bad_picture_and_missing_classifiers_are_errors(family: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_text("no picture")
    with pytest.raises(InputError, match=r"bad\.png"):
        pipeline.classify(family, [tmp_path / "bad.png"])
    with pytest.raises(WeightsError, match="no trained classifiers"):
        pipeline.classify(tmp_path, [tmp_path / "bad.png"])
    card = json.loads((family / "card.json").read_text())
    card["elements"][0]["element"] = "Hero"
    (family / "card.json").write_text(json.dumps(card))
    with pytest.raises(WeightsError, match="of other classifiers"):
        pipeline.classify(family, [tmp_path / "bad.png"])


@pytest.mark.parametrize("where", ["story", "element"])
def test_a_story_takes_what_the_family_knows_and_trains_the_rest(
    story: Path, family: Path, where: str
) -> None:
    if where == "story":
        edit(story, 'title = "t"', 'title = "t"\nclassifier = "../family"')
    else:
        edit(story, 'name = "Disc"', 'name = "Disc"\nclassifier = "../family"')
    report = pipeline.train(story)
    assert report["taken"] == {"Disc": str(story / "../family")} and set(report["elements"]) == {"Hat"}
    assert report["taken_from_elsewhere"] == f"Disc ({story / '../family'})"
    joined = load_classifiers(story)
    assert isinstance(joined, JoinedClassifiers) and joined.element_names == ("Hat", "Disc")
    image = torch.rand(1, 3, 40, 50)
    own, other = on_its_encoder(story / "classifiers"), on_its_encoder(family)
    assert torch.equal(joined(image)[0], torch.stack([own(image)[0, 0], other(image)[0, 0]]))
    (row,) = pipeline.classify(story, [story / "art" / "p01.png"]).pictures
    assert list(row.probabilities) == ["Hat", "Disc"]


def test_another_family_makes_the_finish_stale_but_not_the_storys_own(
    story: Path, family: Path, drawings: Path
) -> None:
    from comicloss.freshness import classifier_inputs, stylize_inputs

    edit(story, 'title = "t"', 'title = "t"\nclassifier = "../family"')
    told = load_story(story)
    before = classifier_inputs(told, story), stylize_inputs(told, story)
    pipeline.train_examples(drawings, family, seed=3)
    after = classifier_inputs(told, story), stylize_inputs(told, story)
    assert before[0] == after[0] and before[1]["classifiers"] != after[1]["classifiers"]


def test_nothing_is_trained_where_all_is_taken(story: Path, family: Path) -> None:
    pipeline.train(story)
    assert (story / "classifiers" / "classifiers.safetensors").exists()
    edit(story, 'name = "Disc"', 'name = "Disc"\nclassifier = "../family"')
    edit(story, '[[elements]]\nname = "Hat"\n', "")
    edit(story, 'shows = ["Hat"]', "shows = []")
    report = pipeline.train(story)
    assert report["elements"] == {} and set(report["taken"]) == {"Disc"}
    assert not (story / "classifiers" / "classifiers.safetensors").exists()
    assert load_classifiers(story).element_names == ("Disc",)
    assert {stage.name: stage.state for stage in pipeline.status(story).stages}["train"] == "done"


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ('title = "t"', 'title = "t"\nclassifier = "../famly"', 3, 'no folder "../famly"'),
        ('title = "t"', 'title = "t"\nclassifier = "art"', 3, 'no trained classifiers in "art"'),
        ('title = "t"', 'title = "t"\nclassifier = "..\\\\family"', 3, "write / between folders"),
        ('title = "t"', 'title = "t"\nclassifier = ""', 3, "must not be empty"),
        ('title = "t"', 'title = "t"\nclassifier = 3', 3, "expected a text"),
        ('"Hat"', '"Hat"\nclassifier = "../family"', 7, 'knows no "Hat"; it has "Disc", "Square"'),
    ],
)
def test_a_wrong_classifier_is_told_with_its_line(
    story: Path, family: Path, old: str, new: str, line: int, told: str
) -> None:
    edit(story, old, new)
    with pytest.raises(StoryError) as refused:
        load_story(story)
    assert f"story.toml:{line}: " in refused.value.problem and told in refused.value.problem


def test_a_family_that_knows_nobody_of_the_story_is_a_mistake(story: Path, family: Path) -> None:
    edit(story, 'title = "t"', 'title = "t"\nclassifier = "../family"')
    edit(story, 'name = "Disc"', 'name = "Disk"')
    edit(story, 'shows = ["Disc"]', 'shows = ["Disk"]')
    with pytest.raises(StoryError, match='knows no "Hat" or "Disk"; it has "Disc", "Square"'):
        load_story(story)


def test_damaged_classifiers_are_told_when_they_are_used(story: Path, family: Path) -> None:
    edit(story, 'name = "Disc"', 'name = "Disc"\nclassifier = "../family"')
    pipeline.train(story)
    (family / "classifiers.safetensors").write_bytes(b"damaged")
    load_story(story)
    with pytest.raises(WeightsError, match="damaged"):
        load_classifiers(story)


def test_a_story_can_be_the_family_of_another(story: Path, tmp_path: Path) -> None:
    pipeline.train(story)
    second = tmp_path / "second"
    (second / "art").mkdir(parents=True)
    (second / "art" / "p01.png").write_bytes((story / "art" / "p01.png").read_bytes())
    (second / "story.toml").write_text('classifier = "../story"\n' + STORY)
    report = pipeline.train(second)
    assert set(report["taken"]) == {"Hat", "Disc"}
    assert load_classifiers(second).element_names == ("Hat", "Disc")


def test_the_command_line_prints_one_list_and_tells_of_failures(
    drawings: Path, family: Path, tmp_path: Path
) -> None:
    (drawings / "bad.png").write_text("no picture")
    disc = str(drawings / "Disc" / "0.png")
    told = CliRunner().invoke(app, ["classify", str(family), disc, str(drawings / "bad.png"), "--json"])
    assert told.exit_code == 7 and "bad.png" in told.stderr
    (row,) = json.loads(told.stdout)
    assert row["file"] == disc and set(row) == {"file", "probabilities"}
    assert set(row["probabilities"]) == {"Disc", "Square"}
    assert all(0 <= probability <= 1 for probability in row["probabilities"].values())
    missing = CliRunner().invoke(app, ["classify", str(tmp_path / "nothing"), disc])
    assert missing.exit_code == 5 and "no trained classifiers" in missing.stderr
