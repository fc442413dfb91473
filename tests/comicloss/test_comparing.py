"""comicloss compare on a small collection of pictures."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import models

from classifiers.comparison import Cell, Comparison
from comicloss import comparing, pipeline
from comicloss.comparison_sheet import as_csv, as_markdown, as_plot
from pages.errors import InputError, UsageError, WeightsError


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Two kinds of stripes on three pages; a group has two pictures of each."""
    generator = np.random.default_rng(3)
    folder = tmp_path / "pictures"
    folder.mkdir()
    lines = ["file,labels,group"]
    for number in range(24):
        pixels = generator.integers(0, 90, (24, 24, 3), dtype=np.uint8)
        kind = ("upright", "level")[number % 2]
        if kind == "upright":
            pixels[:, number % 5 :: 6] += 150
        else:
            pixels[number % 5 :: 6] += 150
        Image.fromarray(pixels).save(folder / f"{number}.png")
        lines.append(f"{number}.png,{kind},page {number // 4}")
    (folder / "labels.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """In place of this project's classifiers, which take their time: one that counts its trainings."""
    trained: list[int] = []

    def own(examples, element_names, **options):  # type: ignore[no-untyped-def]
        trained.append(len(examples))
        return lambda images: torch.eye(len(element_names))[[0] * len(images)]

    monkeypatch.setattr(comparing, "own_classifiers", own)
    return trained


def test_it_leaves_a_table_and_a_plot_and_goes_on_where_it_was(
    pictures: Path, tmp_path: Path, quick: list[int]
) -> None:
    out = tmp_path / "out"
    options = {"features": ["pixels", "embedded"], "networks": ["resnet18"], "epochs": 1, "image_size": 32}
    (pictures / "23.png").write_bytes(b"no picture")
    result = pipeline.compare(pictures, out, **options)  # type: ignore[arg-type]
    assert [entry["file"] for entry in result["unreadable"]] == [str(pictures / "23.png")]
    assert result["train_pictures"] + result["test_pictures"] == 23 and quick == [result["train_pictures"]]
    named = {(cell["features"], cell["model"]): cell for cell in result["cells"]}
    assert len(named) == 2 * 7 + 2
    assert named["", "resnet18"]["note"] == "from scratch, 1 epochs at 32 pixels"
    assert all(cell["test"] is not None for cell in result["cells"])
    assert {Path(file).name for file in result["files"]} == {
        "comparison.md",
        "comparison.csv",
        "comparison.png",
        "comparison.json",
    }
    assert json.loads((out / "comparison.json").read_text(encoding="utf-8"))["cells"] == result["cells"]
    again = pipeline.compare(pictures, out, **options)  # type: ignore[arg-type]
    assert again == result and len(quick) == 1


@pytest.mark.usefixtures("quick")
def test_what_cannot_be_compared_is_refused(pictures: Path, tmp_path: Path) -> None:
    for options in (
        {"features": ["smell"]},
        {"networks": ["resnet19"]},
        {"networks": [], "weights": "torchvision"},
        {"networks": ["resnet18", "resnet34"], "weights": str(pictures / "1.png")},
    ):
        with pytest.raises(UsageError):
            pipeline.compare(pictures, tmp_path / "out", **options)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()
    with pytest.raises(WeightsError):
        pipeline.compare(pictures, tmp_path / "out", weights=str(pictures / "1.png"))
    table = (pictures / "labels.csv").read_text(encoding="utf-8")
    lines = [",".join([*line.split(",")[:2], "all"]) for line in table.splitlines()[1:]]
    (pictures / "labels.csv").write_text("\n".join(["file,labels,group", *lines]), encoding="utf-8")
    with pytest.raises(InputError, match="one group"):
        pipeline.compare(pictures, tmp_path / "out")


@pytest.mark.usefixtures("quick")
def test_with_weights_a_network_is_fine_tuned_and_its_frozen_features_compared(
    pictures: Path, tmp_path: Path
) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    torch.save(models.resnet18().state_dict(), weights / "resnet18-f37072fd.pth")
    options = {"features": [], "networks": ["resnet18"], "weights": str(weights), "epochs": 1}
    result = pipeline.compare(pictures, tmp_path / "out", image_size=32, **options)  # type: ignore[arg-type]
    named = {(cell["features"], cell["model"]): cell for cell in result["cells"]}
    assert named["", "resnet18"]["note"] == "fine-tuned, 1 epochs at 32 pixels"
    assert named["resnet18, frozen", "logistic regression"]["test"] is not None
    with pytest.raises(WeightsError, match="starts with resnet34"):
        pipeline.compare(pictures, tmp_path / "out", networks=["resnet34"], weights=str(weights))


def comparison(**changes: object) -> Comparison:
    cells = (
        Cell("pixels", "kNN", 1.0, 0.5, 0.25, 0.75, 0.004, ""),
        Cell("", "comicloss", note="failed: a | b"),
    )
    fields = {"element_names": ("a", "b"), "exclusive": True, "train_pictures": 8, "test_pictures": 4}
    fields |= {"test_groups": 2, "guessing": 0.5, "feature_seconds": {"pixels": 0.1}, "cells": cells}
    return Comparison(**(fields | changes))  # type: ignore[arg-type]


def test_the_csv_has_the_figures() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(comparison()))))
    assert [row["test"] for row in rows] == ["0.5", ""]
    assert rows[1]["note"] == "failed: a | b"


def test_the_markdown_has_one_row_for_each_cell() -> None:
    lines = as_markdown(comparison()).splitlines()
    rows = [line for line in lines if line.startswith("| ")]
    assert "50.0 %" in rows[1] and "25.0 % to 75.0 %" in rows[1]
    assert r"failed: a \| b" in rows[2] and all(row.replace(r"\|", "").count("|") == 8 for row in rows)


@pytest.mark.parametrize("changes", [{}, {"cells": ()}, {"exclusive": False}])
def test_the_plot_is_a_picture(changes: dict[str, object]) -> None:
    with Image.open(io.BytesIO(as_plot(comparison(**changes)))) as image:
        image.load()
        assert image.format == "PNG" and min(image.size) > 200
