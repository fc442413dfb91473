"""The fine-tuning loop: what it tunes, λ by share, and resume to the last bit."""

from __future__ import annotations

import dataclasses
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny_finetune as tiny
import torch

from comicloss.checkpoint import load_checkpoint, newest_checkpoint
from comicloss.finetune import FineTuneSettings, Tuned, embedded, fine_tune, finished_run, untuned
from comicloss.history import read_history
from comicloss.stylize import stylize_picture
from pages.errors import ComicLossError, Stopped, UsageError


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def terms(folder: Path) -> list[dict[str, Any]]:
    """The history without the times, which no two runs share."""
    records = read_history(folder)
    for record in records:
        del record["seconds"]
    return records


def assert_same(first: Path, second: Path) -> None:
    checkpoints = [newest_checkpoint(folder) for folder in (first, second)]
    assert checkpoints[0] is not None and checkpoints[1] is not None
    one, two = (load_checkpoint(folder) for folder in checkpoints if folder)
    assert one.step == two.step == tiny.SETTINGS.steps
    assert one.state == two.state
    assert one.tensors.keys() == two.tensors.keys()
    assert all(torch.equal(one.tensors[name], two.tensors[name]) for name in one.tensors)
    assert terms(first) == terms(second)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tuned]:
    folder = tmp_path_factory.mktemp("whole")
    return folder, tiny.run(folder)


def test_every_term_is_logged(whole: tuple[Path, Tuned]) -> None:
    folder, _ = whole
    records = read_history(folder)
    assert [record["step"] for record in records] == list(range(1, 13))
    for record in records:
        panels = record["style"]
        assert len(panels) == 2
        weight, count = record["consistency_weight"], len(panels)
        style = sum(sum(named.values()) for named in panels.values())
        consistency = sum(sum(named.values()) for named in record["consistency"].values())
        total = style / count + weight * consistency / count + record["anchor"]
        assert record["total"] == pytest.approx(total, rel=1e-5)
        assert set(panels[next(iter(panels))]) == {
            "directional",
            "patch_directional",
            "content",
            "total_variation",
        }
        for panel, named in record["consistency"].items():
            assert set(named) == ({"Dragon"} if panel == "p01-01" else {"Hero", "Dragon"})
    assert list((folder / "tensorboard").iterdir())
    assert list((folder / "previews").glob("*.png"))


def test_lambda_is_ramped_in_after_the_first_fifth_then_frozen(whole: tuple[Path, Tuned]) -> None:
    folder, result = whole
    weights = [record["consistency_weight"] for record in read_history(folder)]
    assert weights[:3] == [0, 0, 0]
    assert weights[3] > 0
    assert len(set(weights[4:])) == 1
    assert weights[-1] == result.consistency_weight > 0


def test_lambda_gives_c_its_share_of_the_push(tmp_path: Path) -> None:
    settings = dataclasses.replace(tiny.SETTINGS, steps=1, ramp=0.0, panels_per_step=5, smoothing=0.0)
    result = tiny.run(tmp_path, settings)
    batch, network, classifiers = tiny.tiny_batch(), tiny.tiny_network(), tiny.TinyClassifiers()
    squares = torch.zeros(2)
    for row, panel in enumerate(batch.panels):
        small = panel.reduced(32)
        prompt = batch.prompt_of(panel)
        picture = stylize_picture(network, small.art, embedded(network, prompt), origin=small.origin)[None]
        art, keep = small.art[None] / 255, small.keep[None].float()
        pixels = (picture * (1 - keep) + art * keep).requires_grad_(True)
        loss = tiny.tiny_style_loss(prompt)
        views = loss.views([panel.id], torch.tensor([small.art.shape[-2:]]), seed=0, step=1)
        style_total = sum(value.sum() for value in loss(pixels, art, views, keep=keep).values())
        p = classifiers(pixels).sigmoid()[0]
        priors, known = batch.priors[row], batch.known[row]
        entropy = -(priors * p.log() + (1 - priors) * (1 - p).log()) * known
        for place, value in enumerate((style_total, entropy.sum())):
            (gradient,) = torch.autograd.grad(torch.as_tensor(value), pixels, retain_graph=True)
            squares[place] += gradient.square().sum()
    expected = 0.25 / 0.75 * (squares[0] / squares[1]).sqrt()
    assert result.consistency_weight == pytest.approx(float(expected), rel=1e-4)


def test_a_given_lambda_is_kept_from_the_first_step_on(tmp_path: Path) -> None:
    settings = dataclasses.replace(tiny.SETTINGS, steps=3, consistency_weight=1.0)
    tiny.run(tmp_path, settings)
    assert [record["consistency_weight"] for record in read_history(tmp_path)] == [1, 1, 1]


def test_only_style_and_adapters_move_and_the_network_given_is_left_alone() -> None:
    network = tiny.tiny_network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    changed = Tuned(torch.zeros(8), {name: value + 1 for name, value in network.adapters().items()}, 0.0, 1)
    after = changed.network(network).state_dict()
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == set(network.adapters())


def test_tuning_lowers_the_loss_on_average(tmp_path: Path) -> None:
    settings = dataclasses.replace(
        tiny.SETTINGS,
        steps=15,
        panels_per_step=5,
        consistency_weight=0.0,
        learning_rate=0.05,
        anchor_weight=0.0,
    )
    tiny.run(tmp_path, settings)
    totals = [record["total"] for record in read_history(tmp_path)]
    assert sum(totals[-5:]) < 0.9 * sum(totals[:5])


def test_without_classifiers_there_are_no_c_terms(tmp_path: Path) -> None:
    settings = dataclasses.replace(tiny.SETTINGS, steps=3)
    result = fine_tune(tiny.tiny_batch(), tiny.tiny_network(), tiny.tiny_style_loss, None, settings, tmp_path)
    assert result.consistency_weight == 0
    assert all(not named for record in read_history(tmp_path) for named in record["consistency"].values())


def test_stop_keeps_what_was_done_and_the_next_call_ends_up_the_same(
    whole: tuple[Path, Tuned], tmp_path: Path
) -> None:
    done: list[int] = []
    with pytest.raises(Stopped):
        fine_tune(
            tiny.tiny_batch(),
            tiny.tiny_network(),
            tiny.tiny_style_loss,
            tiny.TinyClassifiers(),
            tiny.SETTINGS,
            tmp_path,
            progress=lambda step, total, what: done.append(step),
            stop=lambda: len(done) >= 5,
        )
    assert newest_checkpoint(tmp_path) == tmp_path / "step-000005"
    assert finished_run(tmp_path, 12) is None
    result = tiny.run(tmp_path)
    assert_same(whole[0], tmp_path)
    assert torch.equal(result.style, whole[1].style)
    finished = finished_run(tmp_path, 12)
    assert finished is not None and torch.equal(finished.style, result.style)


def test_a_damaged_checkpoint_costs_only_its_own_steps(whole: tuple[Path, Tuned], tmp_path: Path) -> None:
    tiny.run(tmp_path)
    tensors = tmp_path / "step-000012" / "tensors.safetensors"
    tensors.write_bytes(tensors.read_bytes()[:-7])
    steps: list[int] = []
    tiny.run(tmp_path, progress=lambda step, total, what: steps.append(step))
    assert steps == [10, 11, 12]
    assert_same(whole[0], tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="kills forked processes")
def test_killed_at_any_moment_it_comes_to_the_same_end(tmp_path: Path) -> None:
    subprocess.run([sys.executable, tiny.__file__, str(tmp_path), "4", "1"], check=True, timeout=200)
    assert_same(tmp_path / "whole", tmp_path / "killed")


@pytest.mark.slow
def test_two_processes_come_to_the_same_result(whole: tuple[Path, Tuned], tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ranks = []
    for rank in range(2):
        environment = {
            **os.environ,
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "WORLD_SIZE": "2",
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
            "ACCELERATE_USE_CPU": "true",
        }
        command = [sys.executable, tiny.__file__, "rank", str(tmp_path)]
        ranks.append(subprocess.Popen(command, env=environment))
    assert [rank.wait(timeout=280) for rank in ranks] == [0, 0]
    assert_same(whole[0], tmp_path)


def test_a_loss_that_is_not_finite_stops_with_the_last_checkpoint(tmp_path: Path) -> None:
    class Breaks(tiny.TinyClassifiers):
        calls = 0

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            return super().forward(images) * (float("nan") if self.calls > 10 else 1)

    settings = dataclasses.replace(tiny.SETTINGS, checkpoint_every=2, consistency_weight=1.0)
    with pytest.raises(ComicLossError, match="no longer finite at step 6"):
        fine_tune(tiny.tiny_batch(), tiny.tiny_network(), tiny.tiny_style_loss, Breaks(), settings, tmp_path)
    assert newest_checkpoint(tmp_path) == tmp_path / "step-000004"


def test_untuned_is_the_network_as_it_was() -> None:
    network = tiny.tiny_network()
    start = untuned(network, tiny.PROMPT)
    assert torch.equal(start.style, network.embed([tiny.PROMPT])[0])
    after = start.network(network).state_dict()
    assert all(torch.equal(value, after[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 0),
        ("learning_rate", 0.0),
        ("ramp", 1.0),
        ("consistency_weight", -1.0),
        ("anchor_weight", -1),
    ],
)
def test_settings_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=name):
        FineTuneSettings(**{name: value})  # type: ignore[arg-type]
