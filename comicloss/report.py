"""The report: one HTML file that needs nothing else: before and after, who is recognized, the losses."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from comicloss.data import Picture
from comicloss.webpage import embedded, page

_PAGE_HEIGHT = 1100
_RISE = 0.05  # a mean probability has risen when it is this much higher
_COLORS = ("var(--one)", "var(--two)", "var(--three)", "var(--four)", "var(--five)", "var(--six)")


@dataclass(frozen=True)
class Recognition:
    """Who is recognized in which panel, before and after. Rows are panels, columns are elements.

    Attributes:
        panel_ids: N ids.
        element_names: E names.
        priors: the author's marks; None where nothing was said.
        before, after: p_ij by the story's own classifiers, NaN where there is none.
        judge_before, judge_after: the same by the judge, which no loss has read.
    """

    panel_ids: tuple[str, ...]
    element_names: tuple[str, ...]
    priors: Sequence[Sequence[float | None]]
    before: Sequence[Sequence[float]]
    after: Sequence[Sequence[float]]
    judge_before: Sequence[Sequence[float]]
    judge_after: Sequence[Sequence[float]]

    @property
    def own_rise(self) -> float | None:
        """How much nearer to the marks the own classifiers' probabilities have come, on average."""
        return self._rise(self.before, self.after)

    @property
    def judge_rise(self) -> float | None:
        """The same by the judge."""
        return self._rise(self.judge_before, self.judge_after)

    @property
    def is_fooled(self) -> bool:
        """The own classifiers are more certain and the judge is not: the change may be for them only."""
        own, judge = self.own_rise, self.judge_rise
        return own is not None and judge is not None and own > _RISE and judge <= 0

    def _rise(self, before: Sequence[Sequence[float]], after: Sequence[Sequence[float]]) -> float | None:
        rises = [
            (second - first) * (1 if prior > 0.5 else -1)
            for row in zip(self.priors, before, after, strict=True)
            for prior, first, second in zip(*row, strict=True)
            if prior is not None and not math.isnan(first) and not math.isnan(second)
        ]
        return sum(rises) / len(rises) if rises else None


def html_report(
    title: str,
    pages: Iterable[tuple[str, Picture, Picture]],
    recognition: Recognition | None,
    history: Sequence[Mapping[str, Any]],
    facts: Mapping[str, str],
    doubts: Sequence[Mapping[str, Any]],
) -> str:
    """The report as HTML.

    Args:
        title: of the story.
        pages: name, picture before and after; asked for one at a time.
        recognition: None where nothing is marked.
        history: the steps of the fine-tune; empty where there was none.
        facts: settings and times to be named, in order.
        doubts: marks that the classifiers doubt.
    """
    sections = [_pages_section(pages)]
    if recognition is not None:
        sections.append(_recognition_section(recognition))
    if doubts:
        sections.append(_doubts_section(doubts))
    if history:
        sections.append(_history_section(history))
    return page(title, facts, "".join(sections), style=_STYLE)


def _pages_section(pages: Iterable[tuple[str, Picture, Picture]]) -> str:
    rows = []
    for name, before, after in pages:
        pictures = "".join(
            f'<figure><img src="{embedded(picture, _PAGE_HEIGHT)}" alt="{escape(name)}, {word}">'
            f"<figcaption>{escape(name)}, {word}</figcaption></figure>"
            for word, picture in (("before", before), ("after", after))
        )
        rows.append(f'<div class="pair">{pictures}</div>')
    return f"<section><h2>Pages</h2>{''.join(rows)}</section>"


def _recognition_section(recognition: Recognition) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in recognition.element_names)
    rows = []
    for row, panel in enumerate(recognition.panel_ids):
        cells = "".join(_cell(recognition, row, column) for column in range(len(recognition.element_names)))
        rows.append(f'<tr><th scope="row">{escape(panel)}</th>{cells}</tr>')
    alarm = ""
    if recognition.is_fooled:
        alarm = (
            '<p class="alarm" role="alert"><strong>The classifiers may have been fooled.</strong> '
            "They recognize more than before, and the independent judge does not. Look at the pages: if you "
            "do not see the difference either, tune with a smaller consistency weight or fewer steps.</p>"
        )
    means = ", ".join(
        f"{who} {rise:+.2f}"
        for who, rise in (("classifiers", recognition.own_rise), ("judge", recognition.judge_rise))
        if rise is not None
    )
    return (
        "<section><h2>Who is recognized</h2>"
        "<p>The probability that the element is in the panel, in the art and in the finished panel: first by "
        "the story's own classifiers, which the fine-tune looks at, then by a judge that it never sees. "
        "● you marked it as shown, ○ as not there. A bar's tick is the value before.</p>"
        f"<p>Mean change towards your marks: {means or 'nothing to compare'}.</p>{alarm}"
        f'<div class="wide"><table><thead><tr><th scope="col">panel</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></section>"
    )


def _cell(recognition: Recognition, row: int, column: int) -> str:
    prior = recognition.priors[row][column]
    sign = {None: "?", 1.0: "●", 0.0: "○"}.get(prior, "" if prior is None else f"{prior:g}")
    said = {None: "not marked", 1.0: "marked as shown", 0.0: "marked as not there"}.get(prior, "a belief")
    lines = "".join(
        _bar(word, before[row][column], after[row][column], prior)
        for word, before, after in (
            ("own", recognition.before, recognition.after),
            ("judge", recognition.judge_before, recognition.judge_after),
        )
    )
    return f'<td><span class="mark" title="{said}" aria-label="{said}">{sign}</span>{lines}</td>'


def _bar(word: str, before: float, after: float, prior: float | None) -> str:
    if math.isnan(after):
        return f'<div class="p none"><span>{word}</span> –</div>'
    tick = "" if math.isnan(before) else f'<i style="left:{100 * before:.0f}%"></i>'
    wrong = prior is not None and (after > 0.5) != (prior > 0.5)
    first = "–" if math.isnan(before) else f"{before:.2f}"
    return (
        f'<div class="p{" wrong" if wrong else ""}"><span>{word}</span> {first} → <b>{after:.2f}</b>'
        f'<div class="track" aria-hidden="true"><u style="width:{100 * after:.0f}%"></u>{tick}</div></div>'
    )


def _doubts_section(doubts: Sequence[Mapping[str, Any]]) -> str:
    items = "".join(
        f"<li>{escape(doubt['panel'])}: {escape(doubt['element'])} is marked as "
        f"{'shown' if doubt['mark'] > 0.5 else 'not there'}, "
        f"and seems to be there with probability {doubt['probability']:.2f}</li>"
        for doubt in doubts
    )
    return (
        "<section><h2>Marks to look at again</h2>"
        "<p>Classifiers that had not seen these panels disagree with the marks.</p>"
        f"<ul>{items}</ul></section>"
    )


def _history_section(history: Sequence[Mapping[str, Any]]) -> str:
    steps = [int(record["step"]) for record in history]
    names = list(next(iter(history[0]["style"].values())))
    style = {
        name.replace("_", " "): [
            _mean([terms[name] for terms in record["style"].values()]) for record in history
        ]
        for name in names
    }
    charts = [_chart("Style loss S, by term", steps, style)]
    if any(record["consistency"].values() for record in history):
        consistency = [
            _mean([sum(terms.values()) for terms in record["consistency"].values()]) for record in history
        ]
        charts.append(_chart("Consistency loss C, per panel", steps, {"C": consistency}))
        weights = [float(record["consistency_weight"]) for record in history]
        charts.append(_chart("Consistency weight λ", steps, {"λ": weights}, smooth=False))
    return f'<section><h2>Losses</h2><div class="charts">{"".join(charts)}</div></section>'


def _chart(
    title: str, steps: Sequence[int], series: Mapping[str, Sequence[float]], *, smooth: bool = True
) -> str:
    """Curves over the steps: thin as they are, thick as a running mean."""
    width, height, left, right, top, bottom = 440, 230, 56, 12, 30, 28
    highest = max((max(values) for values in series.values()), default=1.0) or 1.0
    lowest = min(0.0, *(min(values) for values in series.values()))
    across = max(steps[-1] - steps[0], 1)

    def place(step: int, value: float) -> str:
        x = left + (width - left - right) * (step - steps[0]) / across
        y = height - bottom - (height - top - bottom) * (value - lowest) / (highest - lowest)
        return f"{x:.1f},{y:.1f}"

    def line(values: Sequence[float], color: str, stroke: str) -> str:
        points = " ".join(place(step, value) for step, value in zip(steps, values, strict=True))
        return f'<polyline points="{points}" fill="none" stroke="{color}" {stroke}/>'

    grid = []
    for tick in range(5):
        value = lowest + (highest - lowest) * tick / 4
        y = float(place(steps[0], value).split(",")[1])
        grid.append(
            f'<line x1="{left}" x2="{width - right}" y1="{y}" y2="{y}" class="grid"/>'
            f'<text x="{left - 6}" y="{y + 4}" text-anchor="end">{_short(value)}</text>'
        )
    curves, legend = [], []
    for (name, values), color in zip(series.items(), _COLORS, strict=False):
        curves.append(line(values, color, 'stroke-width="1" opacity="0.35"'))
        curves.append(line(_running_mean(values) if smooth else values, color, 'stroke-width="2"'))
        legend.append(f'<span><i style="background:{color}"></i>{escape(name)}</span>')
    ends = (
        f'<text x="{left}" y="{height - 8}">{steps[0]}</text>'
        f'<text x="{width - right}" y="{height - 8}" text-anchor="end">step {steps[-1]}</text>'
    )
    return (
        f'<figure class="chart"><svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">'
        f'<text x="{left}" y="16" class="name">{escape(title)}</text>{"".join(grid)}{ends}{"".join(curves)}'
        f"</svg><figcaption>{''.join(legend)}</figcaption></figure>"
    )


def _short(value: float) -> str:
    return f"{value / 1000:.3g}k" if abs(value) >= 1000 else f"{value:.3g}"


def _running_mean(values: Sequence[float], decay: float = 0.8) -> list[float]:
    means: list[float] = []
    for value in values:
        means.append(value if not means else decay * means[-1] + (1 - decay) * value)
    return means


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


_STYLE = """
.pair{display:grid;grid-template-columns:1fr 1fr;gap:1rem;margin-bottom:1.5rem}
.pair img{width:100%;height:auto;border:1px solid var(--line);display:block}
td{min-width:10.5rem;position:relative}
.mark{position:absolute;right:.6rem;top:.35rem;font-size:1rem}
.p{color:var(--good)}
.p.wrong{color:var(--bad)}
.p.none{color:var(--quiet)}
.p span{color:var(--quiet);display:inline-block;width:2.7rem}
.track{position:relative;height:4px;background:var(--line);margin:.15rem 0 .4rem;border-radius:2px}
.track u{position:absolute;left:0;top:0;height:4px;background:currentColor;border-radius:2px}
.track i{position:absolute;top:-3px;width:2px;height:10px;background:var(--ink)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(20rem,1fr));gap:1rem}
.chart{background:var(--card);border:1px solid var(--line);padding:.75rem}
.chart svg{width:100%;height:auto;display:block}
.chart text{fill:var(--quiet);font-size:11px}
.chart .name{fill:var(--ink);font-size:14px}
.chart .grid{stroke:var(--line)}
.chart figcaption span{margin-right:1rem;white-space:nowrap}
.chart figcaption i{display:inline-block;width:.8rem;height:.2rem;margin-right:.35rem;vertical-align:middle}
@media(max-width:40rem){.pair{grid-template-columns:1fr}}
@media print{.pair{break-inside:avoid}}
"""
