"""The judge's answers: cross-fitted, honest about what cannot be judged, and out of every loss."""

import ast
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import comicloss.judge as judging
from comicloss.judge import Judge, judge_probabilities
from pages.errors import Stopped
from styles.embedded.judge import JudgeNetwork

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def a_quick_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "_STYLE_VIEWS", 1)
    monkeypatch.setattr(judging, "_WINDOW_SHARES", (1.0,))
    monkeypatch.setattr(judging, "_SHORT_SIDE", 96)


@pytest.fixture(scope="module")
def untrained() -> Judge:
    torch.manual_seed(0)
    return Judge(JudgeNetwork().eval().requires_grad_(False))


def panel(red: bool, seed: int, width: int = 120) -> Tensor:
    """A noisy panel that is red or blue all over: even an untrained network tells them apart."""
    noise = torch.rand(3, 100, width, generator=torch.Generator().manual_seed(seed)) * 0.2
    color = torch.tensor([0.8, 0.1, 0.1] if red else [0.1, 0.1, 0.8])
    return noise + color[:, None, None]


def test_what_the_marks_say_is_found_before_and_after(untrained: Judge) -> None:
    shows = [True, False, True, False, True, False, True]
    art = [panel(red, number, 100 + 20 * (number % 3)) for number, red in enumerate(shows)]
    swapped = [panel(not red, 50 + number) for number, red in enumerate(shows)]
    marks = torch.tensor(shows, dtype=torch.float32)[:, None]
    before, after = judge_probabilities(art, swapped, marks, torch.ones_like(marks), judge=untrained)
    assert before.shape == after.shape == (7, 1)
    assert torch.equal(before[:, 0] > 0.5, marks[:, 0] > 0.5)
    assert torch.equal(after[:, 0] < 0.5, marks[:, 0] > 0.5)


def test_a_panels_own_mark_never_reaches_its_score(untrained: Judge) -> None:
    shows = [True, False, True, False, True, False]
    art = [panel(red, number) for number, red in enumerate(shows)]
    marks = torch.tensor(shows, dtype=torch.float32)[:, None]
    turned = marks.clone()
    turned[2] = 0
    known = torch.ones_like(marks)
    first, _ = judge_probabilities(art, art, marks, known, judge=untrained)
    second, _ = judge_probabilities(art, art, turned, known, judge=untrained)
    assert torch.equal(first[2], second[2])
    assert not torch.equal(first[0], second[0])


def test_unknown_marks_are_no_term_but_their_panels_are_scored(untrained: Judge) -> None:
    shows = [True, False, True, False, True]
    art = [panel(red, number) for number, red in enumerate(shows)]
    marks = torch.tensor(shows, dtype=torch.float32)[:, None]
    known = torch.ones_like(marks)
    known[4] = 0
    scores = []
    for guess in (0.0, 1.0):
        marks[4] = guess
        scores.append(judge_probabilities(art, art, marks, known, judge=untrained)[0])
    assert torch.equal(scores[0], scores[1])
    assert not scores[0].isnan().any()


def test_what_cannot_be_judged_is_nan(untrained: Judge) -> None:
    art = [panel(bool(number % 2), number) for number in range(5)]
    marks = torch.tensor([[0, 1, 0, 1], [1, 1, 1, 1], [0, 1, 0, 1], [1, 1, 0, 1], [0, 1, 0, 0]]).float()
    before, after = judge_probabilities(art, art, marks, torch.ones_like(marks), judge=untrained)
    for scores in (before, after):
        assert not scores[:, 0].isnan().any()  # marked both ways
        assert scores[:, 1].isnan().all()  # in every panel
        assert scores[:, 2].isnan().all()  # in one panel only
        assert scores[:, 3].isnan().tolist() == [False, False, False, False, True]  # one panel without it


def test_lengths_must_agree_and_the_author_can_stop(untrained: Judge) -> None:
    art = [panel(True, 1), panel(False, 2)]
    with pytest.raises(ValueError, match="one length"):
        judge_probabilities(art, art[:1], torch.ones(2, 1), torch.ones(2, 1), judge=untrained)
    with pytest.raises(Stopped):
        judge_probabilities(art, art, torch.ones(2, 1), torch.ones(2, 1), judge=untrained, stop=lambda: True)


def test_windows_cover_the_panel_at_every_scale() -> None:
    ramp = torch.linspace(0, 1, 300)[None, None, None].expand(1, 3, 200, 300)
    for share in (1.0, 0.7, 0.5):
        windows = judging._windows(ramp, [share], 32)
        assert windows.shape[1:] == (3, 32, 32)
        assert float(windows.min()) < 0.02
        assert float(windows.max()) > 0.98


def test_the_logistic_head_is_the_optimum() -> None:
    random = np.random.default_rng(0)
    features = torch.from_numpy(random.standard_normal((20, 3))).float()
    priors = torch.from_numpy(random.random((20, 2)).round(1)).float()
    known = torch.ones(20, 2)
    weight, bias = judging._fit(features, priors, known)
    yes, no = priors / priors.sum(0), (1 - priors) / (1 - priors).sum(0)
    importance = 0.5 * (yes + no)
    slope = importance * (torch.sigmoid(features @ weight + bias) - priors)
    gradient = features.T @ slope + judging._PENALTY * weight
    assert float(gradient.abs().max()) < 1e-3
    assert float(slope.sum(0).abs().max()) < 1e-3


def test_identity_does_not_stretch_a_crop(untrained: Judge) -> None:
    wide = torch.rand(3, 40, 80, generator=torch.Generator().manual_seed(4))
    square = wide.mean((1, 2), keepdim=True).repeat(1, 80, 80)
    square[:, 20:60] = wide
    torch.testing.assert_close(untrained.identity([wide]), untrained.identity([square]), atol=1e-4, rtol=1e-3)


def test_no_loss_and_no_training_reads_the_judge() -> None:
    """Only evaluation may, and the files that make the judge."""
    evaluation = {"judge.py", "consistency.py", "report.py", "publishing.py", "pipeline.py"}
    own = {"judge.py", "judge_scenes.py", "judge_renderers.py", "train_judge.py", "evaluate_clip.py"}
    for package in ("styles", "classifiers", "comicloss"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if path.name in (own if path.parent.name == "embedded" else evaluation):
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names: list[str] = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom):
                    names = [f"{node.module}.{alias.name}" for alias in node.names]
                read = [name for name in names if any("judge" in part for part in name.split("."))]
                assert not read, f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)} imports {read}"
