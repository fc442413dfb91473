"""What a run tells while it goes: every loss term as a line of JSON and for TensorBoard, and previews."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.tensorboard.writer import SummaryWriter

from pages.export import write_png
from pages.files import os_errors, write_atomic
from pages.sheet import before_after

HISTORY = "history.jsonl"


@dataclass(frozen=True)
class StepRecord:
    """One step of a fine-tune.

    Attributes:
        step: from 1.
        total: the loss that was minimised: Σ S / N + λ Σ C / N + anchor.
        consistency_weight: λ of this step.
        anchor: the distance to the untuned pictures, weight applied.
        style: panel id -> name of the term -> its part of S_j.
        consistency: panel id -> element -> C_ij, not yet times λ.
        seconds: that the step took.
    """

    step: int
    total: float
    consistency_weight: float
    anchor: float
    style: Mapping[str, Mapping[str, float]]
    consistency: Mapping[str, Mapping[str, float]]
    seconds: float


class RunLog:
    """The log of a run, cut back to the step that the run resumes from: as if it had never been interrupted.

    Args:
        run_folder: of the run.
        resumed: steps done so far.

    Raises:
        ResourceError: the folder cannot be written.
    """

    def __init__(self, run_folder: Path, resumed: int) -> None:
        self.folder = run_folder
        self.path = run_folder / HISTORY
        lines = [
            json.dumps(record) + "\n" for record in read_history(run_folder) if record["step"] <= resumed
        ]
        write_atomic(self.path, "".join(lines).encode())
        with os_errors(self.path):
            self._file = self.path.open("a", encoding="utf-8")
            self._board = SummaryWriter(str(run_folder / "tensorboard"), purge_step=resumed + 1)

    def __enter__(self) -> RunLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with os_errors(self.path):
            self._file.close()
            self._board.close()

    def add(self, record: StepRecord) -> None:
        """Append a step.

        Raises:
            ResourceError: the disk is full.
        """
        with os_errors(self.path):
            self._file.write(json.dumps(asdict(record)) + "\n")
            self._file.flush()
            for name, value in _scalars(record).items():
                self._board.add_scalar(name, value, record.step)

    def sync(self) -> None:
        """Make sure that what was added is on the disk: called before a checkpoint counts it as done."""
        with os_errors(self.path):
            os.fsync(self._file.fileno())

    def preview(
        self, step: int, pairs: Sequence[tuple[NDArray[np.uint8], NDArray[np.uint8]]], names: Sequence[str]
    ) -> None:
        """Write the panels of a step, before and after, as a picture.

        Raises:
            ResourceError: the disk is full.
        """
        write_png(self.folder / "previews" / f"step-{step:06d}.png", before_after(pairs, names, width=900))


def read_history(run_folder: Path) -> list[dict[str, Any]]:
    """The steps logged so far, oldest first; a line cut short by a kill is left out."""
    try:
        lines = (run_folder / HISTORY).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    records = []
    for line in lines:
        try:
            records.append(json.loads(line))
        except ValueError:
            break
    return records


def _scalars(record: StepRecord) -> dict[str, float]:
    scalars = {
        "total": record.total,
        "consistency weight": record.consistency_weight,
        "anchor": record.anchor,
    }
    for panel, terms in record.style.items():
        scalars |= {f"style {name}/{panel}": value for name, value in terms.items()}
    for panel, terms in record.consistency.items():
        scalars |= {f"consistency {element}/{panel}": value for element, value in terms.items()}
    return scalars
