"""Replay: what the style network makes of the panels, with the labels that are true."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from classifiers.data import Example
from comicloss import replay as replay_module
from comicloss.data import PanelBatch, unit
from comicloss.finetune import untuned
from comicloss.replay import FOOLING, flipped, replay_examples, story_replay, stylized_panels
from comicloss.story import Element, Story, StoryPage, StoryPanel, Style
from pages.errors import Stopped
from pages.progress import Progress, Stop, never, silent
from styles.embedded.captions import STYLES
from styles.loss import StyleLoss
from tests.comicloss.tiny_finetune import (
    PROMPT,
    TinyClassifiers,
    TinyClip,
    tiny_batch,
    tiny_network,
    tiny_style_loss,
)

SHORT = replace(FOOLING, steps=8, learning_rate=0.1, longest_side=32)
GROUPS = [f"page#{number}" for number in range(5)]


def replayed(
    batch: PanelBatch,
    groups: Sequence[str] = GROUPS,
    progress: Progress = silent,
    stop: Stop = never,
) -> list[Example]:
    return replay_examples(
        batch,
        tiny_network(),
        tiny_style_loss,
        TinyClassifiers(),
        groups=groups,
        settings=SHORT,
        progress=progress,
        stop=stop,
    )


def agreement(images: list[Tensor], batch: PanelBatch) -> float:
    """Mean probability that the classifiers give to the marks."""
    with torch.no_grad():
        p = torch.cat([TinyClassifiers()(image[None]) for image in images]).sigmoid()
    marked = (batch.priors * p + (1 - batch.priors) * (1 - p)) * batch.known
    return float(marked.sum() / batch.known.sum())


def test_true_labels_and_the_groups_of_the_panels() -> None:
    batch = tiny_batch()
    found = replayed(batch)
    assert [example.group for example in found] == GROUPS * 2
    for place, example in enumerate(found):
        row = place % 5
        assert torch.equal(example.labels, batch.priors[row]) and torch.equal(example.known, batch.known[row])
        assert max(example.image.shape[1:]) <= 32


def test_the_first_half_is_untuned_and_the_second_fools() -> None:
    batch = tiny_batch()
    pictures = [example.image for example in replayed(batch)]
    small = replace(batch, panels=tuple(panel.reduced(32) for panel in batch.panels))
    expected = stylized_panels(small, tiny_network(), untuned(tiny_network(), PROMPT))
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(pictures[:5], expected, strict=True))
    assert agreement(pictures[5:], batch) < agreement(pictures[:5], batch)


def test_what_is_kept_stays_as_drawn() -> None:
    batch = tiny_batch()
    pictures = stylized_panels(batch, tiny_network(), untuned(tiny_network(), PROMPT))
    for panel, picture in zip(batch.panels, pictures, strict=True):
        assert picture.shape == panel.art.shape
        assert torch.equal(picture[:, :6, :9], unit(panel.art)[:, :6, :9])
        assert not torch.equal(picture, unit(panel.art))


def test_panels_without_marks_are_left_out() -> None:
    batch = tiny_batch()
    known = batch.known.clone()
    known[[0, 3]] = 0
    found = replayed(replace(batch, known=known))
    assert [example.group for example in found] == [GROUPS[row] for row in (1, 2, 4)] * 2
    assert replayed(replace(batch, known=torch.zeros_like(known))) == []


def test_only_marks_are_flipped() -> None:
    priors, known = torch.tensor([[0.0, 0.3], [1, 0]]), torch.tensor([[0.0, 1], [1, 1]])
    batch = replace(tiny_batch(2), priors=priors, known=known)
    torch.testing.assert_close(flipped(batch).priors, torch.tensor([[0.0, 0.7], [0, 1]]))
    assert torch.equal(flipped(batch).known, batch.known)


def test_it_can_be_stopped_and_tells_how_far_it_is() -> None:
    told: list[tuple[int, int]] = []

    def progress(done: int, total: int, _: str) -> None:
        told.append((done, total))

    with pytest.raises(Stopped):
        replayed(tiny_batch(), progress=progress, stop=lambda: len(told) == 3)
    assert told == [(1, 8), (2, 8), (3, 8)]


def test_a_group_for_each_panel() -> None:
    with pytest.raises(ValueError, match="2 groups for 5 panels"):
        replayed(tiny_batch(), groups=["a", "b"])


def test_a_story_gives_its_marked_panels_in_a_style_that_the_network_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = np.full((60, 90, 3), 255, np.uint8)
    page[:, :40] = (200, 30, 30)
    Image.fromarray(page).save(tmp_path / "page.png")
    panels = (
        StoryPanel(id="p01-01", box=(0, 0, 40, 60), shows=("Hero",), direction_prompt="by moonlight"),
        StoryPanel(id="p01-02", box=(45, 0, 45, 60), shows=("Dragon",)),
    )
    story = Story(
        title="t",
        style=Style(prompt="something nobody has words for"),
        elements=(Element(name="Hero"), Element(name="Dragon")),
        pages=(StoryPage(file="page.png", panels=panels),),
    )
    monkeypatch.setattr(replay_module, "FOOLING", SHORT)
    prompts = []

    def heard(*arguments: Any) -> Callable[[str], StyleLoss]:
        def loss_of(prompt: str) -> StyleLoss:
            prompts.append(prompt)
            return tiny_style_loss(prompt)

        return loss_of

    monkeypatch.setattr(replay_module, "load_stylenet", tiny_network)
    monkeypatch.setattr(replay_module, "load_clip", lambda name: TinyClip())
    monkeypatch.setattr(replay_module, "style_losses", heard)
    groups = {"p01-01": "scene 1", "p01-02": "scene 2"}
    found = story_replay(story, tmp_path, TinyClassifiers(), ["Dragon", "Hero"], groups=groups)
    assert [example.group for example in found] == ["scene 1", "scene 2"] * 2
    assert [example.labels.tolist() for example in found] == [[0, 1], [1, 0]] * 2
    assert set(prompts) <= {style.wordings[0] for style in STYLES}
    groups = {"p01-02": "scene 2"}
    alone = story_replay(story, tmp_path, TinyClassifiers(), ["Dragon", "Hero"], groups=groups)
    assert [example.group for example in alone] == ["scene 2"] * 2
