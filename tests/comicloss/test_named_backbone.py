"""Classifiers that stand on a network which the person names."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from classifiers.model import backbone_id
from comicloss import pipeline
from comicloss.encoder import EmbeddedEncoder
from pages.errors import WeightsError
from pages.export import write_png


@pytest.fixture
def drawings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two elements, four pictures each; other styles take too long here."""
    monkeypatch.setattr("comicloss.training.style_views", lambda: lambda images, _: images)
    random = np.random.default_rng(0)
    for place, element in enumerate(("hero", "dragon")):
        for number in range(4):
            image = random.integers(180, 255, (48, 48, 3), dtype=np.uint8)
            image[10 + 4 * number :, 8:30, place] = 20
            write_png(tmp_path / "drawings" / element / f"{number}.png", image)
    return tmp_path / "drawings"


@pytest.mark.slow
def test_the_folder_needs_neither_file_nor_net_afterwards(drawings: Path, tmp_path: Path) -> None:
    import timm

    torch.manual_seed(0)
    weights = tmp_path / "weights.safetensors"
    save_file(timm.create_model("test_resnet", pretrained=False).state_dict(), weights)
    name = f"timm:test_resnet={weights}"
    out = tmp_path / "family"
    report = pipeline.train_examples(drawings, out, steps=2, backbone=name)
    assert set(report["elements"]) == {"hero", "dragon"}
    weights.unlink()
    assert pipeline.train_examples(drawings, out) == report  # nothing asked for that is not there
    record = json.loads((out / "classifiers.json").read_text(encoding="utf-8"))
    assert record["backbone"] == "saved:timm:test_resnet"
    found = pipeline.classify(out, [drawings / "hero" / "0.png"])
    assert set(found.pictures[0].probabilities) == {"hero", "dragon"}
    with pytest.raises(WeightsError, match="no such file"):
        pipeline.train_examples(drawings, out, steps=3)  # on what it stood before
    assert (out / "classifiers.safetensors").is_file()
    pipeline.train_examples(drawings, out, steps=2, backbone="default")
    record = json.loads((out / "classifiers.json").read_text(encoding="utf-8"))
    assert record["backbone"] == backbone_id(EmbeddedEncoder())


def test_a_name_that_nobody_knows(drawings: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="resnet17: no such backbone"):
        pipeline.train_examples(drawings, tmp_path / "out", backbone="resnet17")
    assert not (tmp_path / "out").exists()
