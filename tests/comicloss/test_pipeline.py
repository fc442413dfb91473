"""The stages: each alone, again and again, doing only what is stale."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_finetune as tiny
import torch
from PIL import Image, ImageDraw

import comicloss.data
import comicloss.finishing
import comicloss.guiding
import comicloss.training
from classifiers.train import train_classifiers
from comicloss import pipeline
from comicloss.checkpoint import load_checkpoint, newest_checkpoint
from comicloss.story import load_story
from pages.errors import InputError, PartialError, ResourceError, StoryError, UsageError
from pages.read import load_rgb
from styles.embedded.captions import STYLES


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def small_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiny networks with random weights, pages 140 pixels high, two steps of training."""
    monkeypatch.setattr(comicloss.data, "WORKING_HEIGHT", 140)
    monkeypatch.setattr(comicloss.finishing, "_PICTURE_SIDE", 140)
    monkeypatch.setattr(comicloss.finishing, "load_stylenet", tiny.tiny_network)
    monkeypatch.setattr(comicloss.finishing, "load_clip", lambda name: tiny.TinyClip())
    monkeypatch.setattr(comicloss.guiding, "load_content", tiny.tiny_content)
    monkeypatch.setattr(comicloss.finishing, "_weights_used", lambda clip: ["tiny"])
    monkeypatch.setattr(comicloss.training, "STEPS", 2)
    small = partial(train_classifiers, image_size=32, rounds=0)
    monkeypatch.setattr(comicloss.training, "train_classifiers", small)
    monkeypatch.setattr(comicloss.training, "style_views", lambda: None)


def draw_page(path: Path, seed: int, *, width: int = 200, height: int = 280) -> Path:
    """Four framed panels: red discs in the left ones, blue squares in the right ones."""
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    generator = np.random.default_rng(seed)
    for top in (10, 150):
        for left in (10, 110):
            draw.rectangle((left, top, left + 80, top + 120), fill="#eeeedd", outline="black", width=2)
            x, y = generator.integers(15, 35), generator.integers(15, 60)
            box = (left + int(x), top + int(y), left + int(x) + 40, top + int(y) + 40)
            if left == 10:
                draw.ellipse(box, fill="red", outline="black")
            else:
                draw.rectangle(box, fill="blue", outline="black")
    image.save(path)
    return path


@pytest.fixture
def story(tmp_path: Path) -> Path:
    folder = tmp_path / "story"
    pipeline.new_story(folder, title="Discs", style_prompt="noir ink")
    pages = [draw_page(tmp_path / f"scan{number}.png", number) for number in (1, 2)]
    pipeline.add_pages(folder, pages)
    pipeline.find_story_panels(folder)
    return folder


def mark_all(folder: Path) -> None:
    pipeline.add_element(folder, "Disc", "prop")
    ids = pipeline.marks_table(folder).panel_ids
    pipeline.set_marks(folder, [(panel, "Disc", float(panel[-1] in "13")) for panel in ids])


def states(folder: Path) -> dict[str, str]:
    return {stage.name: stage.state for stage in pipeline.status(folder).stages}


def newest_tensors(folder: Path) -> dict[str, torch.Tensor]:
    (run,) = (folder / "runs").iterdir()
    newest = newest_checkpoint(run)
    assert newest is not None
    return load_checkpoint(newest).tensors


def hashes(paths: list[Path]) -> list[str]:
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]


def test_a_story_is_not_made_twice(tmp_path: Path) -> None:
    pipeline.new_story(tmp_path / "s")
    with pytest.raises(StoryError, match="a story already"):
        pipeline.new_story(tmp_path / "s")


def test_the_same_page_is_added_once(story: Path, tmp_path: Path) -> None:
    before = (story / "story.toml").read_bytes()
    assert pipeline.add_pages(story, [tmp_path / "scan2.png"]) == []
    assert (story / "story.toml").read_bytes() == before
    assert sorted(path.name for path in (story / "art").iterdir()) == ["p01.png", "p02.png"]
    third = draw_page(tmp_path / "third.png", 3)
    (added,) = pipeline.add_pages(story, [tmp_path / "scan1.png", third])
    assert (added.file, added.replaced) == ("art/p03.png", None)
    assert (story / "art" / "p03.png").read_bytes() == third.read_bytes()


def test_a_file_that_is_no_picture_is_refused_and_the_others_are_kept(story: Path, tmp_path: Path) -> None:
    bad = tmp_path / "z.png"
    bad.write_text("no picture")
    good = draw_page(tmp_path / "a.png", 4)
    with pytest.raises(InputError, match=r"z\.png"):
        pipeline.add_pages(story, [good, bad])
    assert [page.file for page in load_story(story).pages][-1] == "art/p03.png"


def test_panels_are_found_in_order_and_marked_ones_are_kept(story: Path) -> None:
    table = pipeline.marks_table(story)
    assert table.panel_ids == tuple(f"p0{page}-0{panel}" for page in (1, 2) for panel in (1, 2, 3, 4))
    mark_all(story)
    before = load_story(story)
    assert pipeline.find_story_panels(story, again=True) == {
        "art/p01.png": ["p01-01", "p01-02", "p01-03", "p01-04"],
        "art/p02.png": ["p02-01", "p02-02", "p02-03", "p02-04"],
    }
    assert load_story(story) == before


def test_another_picture_of_a_page_makes_its_panels_stale(story: Path) -> None:
    assert states(story)["panels"] == "done"
    pipeline.add_element(story, "Disc", "prop")
    pipeline.set_marks(story, [("p01-01", "Disc", 1.0)])
    image = Image.open(draw_page(story / "art" / "p01.png", 5))
    ImageDraw.Draw(image).rectangle((10, 150, 190, 270), fill="#eeeedd", outline="black", width=2)
    image.save(story / "art" / "p01.png")
    assert states(story)["panels"] == "stale"
    assert pipeline.find_story_panels(story)["art/p01.png"] == ["p01-01", "p01-02", "p01-03"]
    assert states(story)["panels"] == "done"
    assert pipeline.marks_table(story).priors[0] == (1.0,)


def test_marks_of_unknown_names_are_refused_with_a_guess(story: Path) -> None:
    pipeline.add_element(story, "Disc", "prop")
    with pytest.raises(StoryError, match='did you mean "Disc"'):
        pipeline.set_marks(story, [("p01-01", "Disk", 1.0)])
    with pytest.raises(UsageError, match=r"1\.5 is no mark"):
        pipeline.set_marks(story, [("p01-01", "Disc", 1.5)])


def test_a_cleared_panel_is_as_if_nobody_had_gone_through_it(story: Path) -> None:
    mark_all(story)
    pipeline.set_marks(story, [("p01-01", "Disc", 0.5)])
    pipeline.clear_marks(story, ["p01-01", "p01-02"])
    table = pipeline.marks_table(story)
    assert [priors[0] for priors in table.priors[:3]] == [None, None, 1.0]
    panel = load_story(story).panel("p01-01")
    assert panel.shows is None and not panel.beliefs and not panel.unsure
    with pytest.raises(StoryError, match="p09-01"):
        pipeline.clear_marks(story, ["p09-01"])


def test_references_are_copied_once(story: Path, tmp_path: Path) -> None:
    picture = draw_page(tmp_path / "disc.png", 9)
    for _ in range(2):
        pipeline.add_element(story, "Disc", "prop", references=[picture])
    (element,) = load_story(story).elements
    assert len(element.references) == 1
    assert (story / element.references[0]).read_bytes() == picture.read_bytes()


def test_two_processes_do_not_work_in_one_story(story: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from comicloss.workplace import locked\n"
        "with locked(Path(sys.argv[1])):\n    print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(story)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None and holder.stdin is not None
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(ResourceError, match="another comicloss is at work"):
            pipeline.find_story_panels(story)
    finally:
        holder.kill()
        holder.wait()
        holder.stdin.close()
        holder.stdout.close()
    pipeline.find_story_panels(story)


def test_stages_refuse_what_comes_too_early(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    with pytest.raises(StoryError, match="is no story"):
        pipeline.stylize(folder)
    pipeline.new_story(folder)
    with pytest.raises(UsageError, match="no pages yet"):
        pipeline.stylize(folder)
    pipeline.add_pages(folder, [draw_page(tmp_path / "scan.png", 1)])
    with pytest.raises(UsageError, match="has no panels yet"):
        pipeline.train(folder)
    pipeline.find_story_panels(folder)
    with pytest.raises(UsageError, match="no panel is marked yet"):
        pipeline.train(folder)
    with pytest.raises(UsageError, match="not all pages are finished"):
        pipeline.export(folder)
    with pytest.raises(UsageError, match="no format gif"):
        pipeline.export(folder, formats=["gif"])


@pytest.mark.usefixtures("small_models")
def test_the_whole_way_does_only_what_is_stale(story: Path) -> None:
    mark_all(story)
    assert states(story) == {
        "pages": "done",
        "panels": "done",
        "marks": "done",
        "train": "missing",
        "stylize": "missing",
        "export": "missing",
    }
    report = pipeline.train(story)
    assert report["elements"]["Disc"]["positives"] == 4
    first = pipeline.stylize(story, steps=3)
    assert [path.name for path in first] == ["p01.png", "p02.png"]
    before = hashes(first)

    def fails(*_: Any, **__: Any) -> None:
        raise AssertionError("this is not stale")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comicloss.training, "train_classifiers", fails)
        patch.setattr(comicloss.finishing, "fine_tune", fails)
        patch.setattr(comicloss.finishing, "stylize_page", fails)
        assert pipeline.train(story) == report
        assert pipeline.stylize(story, steps=3) == first
    formats = ["png", "cbz", "pdf", "sheet"]
    exported = pipeline.export(story, formats=formats)
    assert all(path.exists() for path in exported)
    assert set(states(story).values()) == {"done"}
    times = [path.stat().st_mtime_ns for path in exported]
    pipeline.export(story, formats=formats)
    assert [path.stat().st_mtime_ns for path in exported] == times

    first[0].unlink()
    assert states(story)["stylize"] == "stale"
    assert hashes(pipeline.stylize(story, steps=3)) == before
    assert states(story)["export"] == "done"

    pipeline.set_marks(story, [("p01-01", "Disc", None)])
    assert {name: states(story)[name] for name in ("train", "stylize")} == {
        "train": "stale",
        "stylize": "stale",
    }
    pipeline.stylize(story, steps=3)
    assert {name: states(story)[name] for name in ("train", "stylize")} == {
        "train": "done",
        "stylize": "done",
    }


@pytest.mark.usefixtures("small_models")
def test_stylizing_keeps_the_classifiers_that_were_trained_longer(story: Path) -> None:
    mark_all(story)
    pipeline.train(story, steps=3, seed=5)
    weights = story / "classifiers" / "classifiers.safetensors"
    before = weights.stat().st_mtime_ns
    pipeline.stylize(story, steps=1)
    assert weights.stat().st_mtime_ns == before
    pipeline.train(story, steps=2)
    assert weights.stat().st_mtime_ns != before


@pytest.mark.usefixtures("small_models")
def test_no_steps_takes_the_network_as_it_is_and_needs_no_marks(story: Path) -> None:
    finished = pipeline.stylize(story, steps=0)
    assert not (story / "runs").exists() and not (story / "classifiers").exists()
    art = load_rgb(story / "art" / "p01.png")
    page = load_rgb(finished[0])
    assert page.shape == art.shape
    assert np.array_equal(page[:8], art[:8])
    assert not np.array_equal(page, art)


@pytest.mark.usefixtures("small_models")
def test_a_new_prompt_becomes_the_storys_style(story: Path) -> None:
    before = hashes(pipeline.stylize(story, steps=0))
    after = hashes(pipeline.stylize(story, prompt="night rain", steps=0))
    assert load_story(story).style.prompt == "night rain"
    assert before != after


@pytest.mark.usefixtures("small_models")
def test_a_prompt_without_a_known_word_starts_from_the_style_that_the_guide_finds_nearest(
    story: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noir = next(style.wordings[0] for style in STYLES if style.name == "noir")

    class Guide(tiny.TinyClip):
        def encode_text(self, texts: list[str]) -> torch.Tensor:
            return super().encode_text([noir if text == "Zorn" else text for text in texts])

    expected = [load_rgb(path) for path in pipeline.stylize(story, prompt=noir, steps=0)]
    monkeypatch.setattr(comicloss.finishing, "load_clip", lambda name: Guide())
    finished = [load_rgb(path) for path in pipeline.stylize(story, prompt="Zorn", steps=0)]
    assert all(np.array_equal(*pair) for pair in zip(finished, expected, strict=True))
    assert load_story(story).style.prompt == "Zorn"
    pipeline.stylize(story, prompt="Zorn", steps=2)
    start, tuned = tiny.tiny_network().embed([noir])[0], newest_tensors(story)["value/style"]
    assert 0 < torch.dist(start, tuned) < 0.1


@pytest.mark.usefixtures("small_models")
def test_loose_pictures_are_stylized_together(tmp_path: Path) -> None:
    pictures = [draw_page(tmp_path / name, 1) for name in ("a.png", "b.png")]
    (tmp_path / "other").mkdir()
    pictures.append(draw_page(tmp_path / "other" / "a.png", 2))
    out = tmp_path / "out"
    written = pipeline.stylize_pictures(pictures, "noir ink", out, steps=2)
    assert [path.name for path in written] == ["a.png", "b.png", "a-2.png"]
    assert [load_rgb(path).shape for path in written] == [(280, 200, 3)] * 3
    bad = tmp_path / "bad.png"
    bad.write_bytes(pictures[0].read_bytes()[:300])
    with pytest.raises(PartialError, match=r"1 of 2 pictures(.|\n)*bad\.png"):
        pipeline.stylize_pictures([pictures[0], bad], "noir ink", tmp_path / "two", steps=0)
    assert (tmp_path / "two" / "a.png").exists()


def test_panels_of_loose_pictures_and_the_order_of_given_boxes(tmp_path: Path) -> None:
    picture = draw_page(tmp_path / "a.png", 1)
    (found,) = pipeline.panels_of_pictures([picture])
    assert found["file"] == str(picture) and found["size"] == [200, 280]
    assert len(found["panels"]) == 4
    boxes = list(reversed(found["panels"]))
    (ordered,) = pipeline.panels_of_pictures([picture], order_boxes=boxes)
    assert ordered["panels"] == found["panels"]
    (right_to_left,) = pipeline.panels_of_pictures([picture], "rtl", order_boxes=boxes)
    assert [box[0] for box in right_to_left["panels"]] == [found["panels"][n][0] for n in (1, 0, 3, 2)]


def test_doors_that_need_no_network_do_not_wait_for_torch() -> None:
    code = "import sys, comicloss.pipeline; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
