"""A comparison for people: a table as Markdown and CSV, and a plot."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Sequence
from typing import Any

from classifiers.baselines import MODELS
from classifiers.comparison import Cell, Comparison

# Okabe and Ito's colors, told apart by color-blind people too; each has a mark of its own besides.
_LOOKS = (("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "D"), ("#CC79A7", "^"), ("#E69F00", "v"))
_WHOLE = ("#222222", "o")
_FAINT = "#8a8a8a"
_PICTURE_ITSELF = "the picture itself"


def as_markdown(comparison: Comparison) -> str:
    """The table with a line above it that says what the figures are."""
    header = ["features", "model", "train", "test", "95 % interval", "seconds", "note"]
    lines = [
        f"# {len(comparison.element_names)} elements: which way recognizes them",
        "",
        f"Shares of right answers ({comparison.measure}): {comparison.train_pictures} pictures to learn "
        f"from, {comparison.test_pictures} to test on, from {comparison.test_groups} of the groups. "
        f"Guessing gets {_percent(comparison.guessing)}. Seconds are those of training; features took "
        f"{_feature_seconds(comparison) or 'none'}.",
        "",
        f"| {' | '.join(header)} |",
        f"|{'---|' * len(header)}",
    ]
    for cell in comparison.cells:
        row = [
            cell.features or _PICTURE_ITSELF,
            cell.model,
            _percent(cell.train),
            _percent(cell.test),
            "-" if cell.low is None else f"{_percent(cell.low)} to {_percent(cell.high)}",
            "-" if cell.seconds is None else f"{cell.seconds:.1f}",
            cell.note,
        ]
        lines.append("| " + " | ".join(text.replace("|", "\\|") for text in row) + " |")
    return "\n".join(lines) + "\n"


def as_csv(comparison: Comparison) -> str:
    """One line a cell; shares in [0, 1], empty where there is none."""
    fields = ("features", "model", "train", "test", "low", "high", "seconds", "note")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(fields)
    for cell in comparison.cells:
        values = [getattr(cell, name) for name in fields]
        writer.writerow(["" if value is None else value for value in values])
    return text.getvalue()


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _feature_seconds(comparison: Comparison) -> str:
    return ", ".join(f"{seconds:.1f} s ({name})" for name, seconds in comparison.feature_seconds.items())


def as_plot(comparison: Comparison) -> bytes:
    """A PNG: on the left what each way gets right, with intervals; on the right how long it trains.

    Filled marks are the test part, hollow ones the part learned from; a long way between the two is
    overfitting.
    """
    from matplotlib.figure import Figure

    kinds = list(dict.fromkeys(cell.features for cell in comparison.cells if cell.features))
    rows = [model for model in MODELS if any(cell.model == model for cell in comparison.cells)]
    whole = [cell.model for cell in comparison.cells if not cell.features]
    heights = {name: -float(place) for place, name in enumerate(rows)}
    heights |= {name: -float(len(rows)) - 0.35 - 0.7 * place for place, name in enumerate(whole)}
    lowest = min(heights.values(), default=0.0)

    figure = Figure(figsize=(11, 2.2 + 0.72 * (0.6 - lowest)), dpi=120, layout="constrained")
    shares, times = figure.subplots(1, 2, width_ratios=(2.4, 1), sharey=True)
    for cell in comparison.cells:
        look = _LOOKS[kinds.index(cell.features) % len(_LOOKS)] if cell.features else _WHOLE
        shift = 0.0
        if cell.features:
            shift = 0.62 * ((len(kinds) - 1) / 2 - kinds.index(cell.features)) / max(1, len(kinds))
        _draw(shares, times, cell, heights[cell.model] + shift, look)
    shares.axvline(100 * comparison.guessing, color=_FAINT, linestyle=(0, (4, 3)), linewidth=1, zorder=0)
    shares.annotate(
        "guessing",
        (100 * comparison.guessing, 1),
        xycoords=("data", "axes fraction"),
        xytext=(3, -3),
        textcoords="offset points",
        color=_FAINT,
        fontsize=8,
        va="top",
    )
    _dress(shares, times, comparison, heights, classical=len(rows))
    figure.legend(handles=_legend(kinds, bool(whole)), loc="outside lower center", ncols=4, frameon=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _draw(shares: Any, times: Any, cell: Cell, height: float, look: tuple[str, str]) -> None:
    color, mark = look
    if cell.test is None:
        shares.text(0, height, "failed", color=color, fontsize=8, va="center")
        return
    if cell.low is not None and cell.high is not None:
        shares.plot([100 * cell.low, 100 * cell.high], [height] * 2, color=color, linewidth=1.6, alpha=0.45)
    if cell.train is not None:
        shares.plot(100 * cell.train, height, mark, color=color, markerfacecolor="white", markersize=5)
    shares.plot(100 * cell.test, height, mark, color=color, markersize=6.5)
    if cell.seconds is not None:
        times.plot(max(cell.seconds, 0.01), height, mark, color=color, markersize=6)


def _dress(
    shares: Any, times: Any, comparison: Comparison, heights: dict[str, float], *, classical: int
) -> None:
    shares.set_yticks(list(heights.values()), list(heights))
    shares.set_ylim(min(heights.values(), default=0.0) - 0.55, 0.6)
    shares.set_xlim(-2, 102)
    shares.set_xlabel(f"{comparison.measure}, %")
    times.set_xscale("log")
    times.xaxis.set_major_formatter("{x:g}")
    times.set_xlabel("seconds of training")
    shares.set_title(
        f"{len(comparison.element_names)} elements, {comparison.test_pictures} pictures to test on, "
        f"{comparison.train_pictures} to learn from",
        loc="left",
        fontsize=11,
    )
    for axes in (shares, times):
        axes.grid(axis="x", color="#e6e6e6", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(axis="y", length=0)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        for number, (upper, lower) in enumerate(itertools.pairwise(heights.values()), start=1):
            color = _FAINT if number == classical else "#f0f0f0"
            axes.axhline((upper + lower) / 2, color=color, linewidth=0.8, zorder=0)


def _legend(kinds: Sequence[str], whole: bool) -> list[Any]:
    from matplotlib.lines import Line2D

    def entry(label: str, look: tuple[str, str], *, filled: bool = True) -> Line2D:
        color, mark = look
        face = color if filled else "white"
        return Line2D([], [], color=color, marker=mark, linestyle="", markerfacecolor=face, label=label)

    looks = [entry(name, _LOOKS[place % len(_LOOKS)]) for place, name in enumerate(kinds)]
    if whole:
        looks.append(entry(_PICTURE_ITSELF, _WHOLE))
    return [
        *looks,
        entry("filled: pictures to test on", (_FAINT, "o")),
        entry("hollow: those learned from", (_FAINT, "o"), filled=False),
        Line2D([], [], color=_FAINT, linewidth=1.6, alpha=0.6, label="95 % interval"),
    ]
