"""Tables and charts of the explanation, as HTML and SVG. Every word that comes from a story is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from classifiers.confusions import Confused
from classifiers.evaluate import ElementReport
from classifiers.intervals import Interval

_SIDE, _LEFT, _BOTTOM, _TOP = 240, 40, 36, 10


def percent(share: float | None) -> str:
    """ "83 %", or a dash."""
    return "–" if share is None else f"{100 * share:.0f} %"


def figures_table(reports: Sequence[ElementReport]) -> str:
    """One row for each element, the figures with their intervals."""
    heads = (
        "shown / not",
        "average precision",
        "balanced accuracy",
        "precision",
        "recall",
        "F1",
        "F2",
        "calibration error",
        "accuracy",
        "always no",
    )
    rows = []
    for number, report in enumerate(reports):
        ends = report.intervals
        cells = (
            f"{report.positives} / {report.negatives}",
            _with_interval(report.average_precision, ends.average_precision, report.prevalence),
            _with_interval(report.balanced_accuracy, ends.balanced_accuracy, 0.5),
            _with_interval(report.precision, ends.precision),
            _with_interval(report.recall, ends.recall),
            _with_interval(report.f1, ends.f1),
            percent(report.f_beta(2)),
            _with_interval(report.expected_calibration_error, ends.expected_calibration_error),
            percent(report.accuracy),
            percent(report.always_no),
        )
        name = f'<a href="#element-{number}">{escape(report.element)}</a>'
        rows.append(f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>')
    head = "".join(f'<th scope="col">{word}</th>' for word in heads)
    return (
        f'<div class="wide"><table class="figures"><thead><tr><th scope="col">element</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _with_interval(value: float | None, ends: Interval | None, chance: float | None = None) -> str:
    if value is None:
        return "–"
    if ends is None:
        return f"<b>{percent(value)}</b><small>no interval</small>"
    low, high = ends
    tick = "" if chance is None else f'<i style="left:{100 * chance:.1f}%"></i>'
    return (
        f"<b>{percent(value)}</b><small>{100 * low:.0f} to {100 * high:.0f}</small>"
        f'<div class="track" aria-hidden="true"><u style="left:{100 * low:.1f}%;'
        f'width:{100 * (high - low):.1f}%"></u><em style="left:{100 * value:.1f}%"></em>{tick}</div>'
    )


def confusion_square(report: ElementReport) -> str:
    """The four counts of one element."""
    counts, name = report.confusion, escape(report.element)
    return (
        f'<table class="square"><caption>{name} in {counts.total} held-out pictures</caption>'
        '<thead><tr><td></td><th scope="col">said: there</th><th scope="col">said: not there</th></tr>'
        "</thead>"
        f'<tbody><tr><th scope="row">shown</th><td class="right">{counts.hits}</td>'
        f'<td class="wrong">{counts.misses}</td></tr>'
        f'<tr><th scope="row">not shown</th><td class="wrong">{counts.false_alarms}</td>'
        f'<td class="right">{counts.refusals}</td></tr></tbody></table>'
    )


def calibration_chart(report: ElementReport) -> str:
    """The reliability diagram with 95 % intervals; a dot's area goes with the number of its pictures."""
    span_x, span_y = _SIDE - _LEFT - _TOP, _SIDE - _BOTTOM - _TOP

    def x(share: float) -> float:
        return _LEFT + span_x * share

    def y(share: float) -> float:
        return _TOP + span_y * (1 - share)

    grid = []
    for tick in range(0, 101, 25):
        share = tick / 100
        grid.append(
            f'<line x1="{x(0):.1f}" x2="{x(1):.1f}" y1="{y(share):.1f}" y2="{y(share):.1f}" class="grid"/>'
            f'<text x="{_LEFT - 6}" y="{y(share) + 4:.1f}" text-anchor="end">{tick}</text>'
            f'<text x="{x(share):.1f}" y="{_SIDE - _BOTTOM + 16}" text-anchor="middle">{tick}</text>'
        )
    most = max((point.count for point in report.calibration), default=1)
    dots = []
    for point in report.calibration:
        low, high = point.interval
        radius = 3 + 4 * (point.count / most) ** 0.5
        dots.append(
            f'<line x1="{x(point.probability):.1f}" x2="{x(point.probability):.1f}" y1="{y(low):.1f}" '
            f'y2="{y(high):.1f}" class="reach"/>'
            f'<circle cx="{x(point.probability):.1f}" cy="{y(point.shown):.1f}" r="{radius:.1f}"/>'
        )
    told = ", ".join(
        f"{percent(point.probability)} said, {percent(point.shown)} shown ({point.count})"
        for point in report.calibration
    )
    return (
        f'<svg viewBox="0 0 {_SIDE} {_SIDE}" role="img" class="calibration" aria-label="Calibration: {told}">'
        f"{''.join(grid)}"
        f'<line x1="{x(0):.1f}" y1="{y(0):.1f}" x2="{x(1):.1f}" y2="{y(1):.1f}" class="ideal"/>'
        f"{''.join(dots)}"
        f'<text x="{x(0.5):.1f}" y="{_SIDE - 4}" text-anchor="middle">probability, %</text>'
        f'<text x="12" y="{y(0.5):.1f}" text-anchor="middle" transform="rotate(-90 12 {y(0.5):.1f})">'
        "really shown, %</text></svg>"
    )


def confusion_table(names: Sequence[str], pairs: Sequence[Confused]) -> str:
    """Rows are who is shown alone, columns who was said to be there; in each cell a line for each view."""
    cells: dict[tuple[str, str], list[Confused]] = {}
    for pair in pairs:
        cells.setdefault((pair.shown, pair.read_as), []).append(pair)
    rows = []
    for shown in names:
        row = "".join(
            '<td class="same"></td>' if shown == other else f"<td>{_views(cells[shown, other])}</td>"
            for other in names
        )
        rows.append(f'<tr><th scope="row">{escape(shown)}</th>{row}</tr>')
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    return (
        '<div class="wide"><table class="confusions"><thead><tr>'
        f'<th scope="col">shown alone ↓ · read as →</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _views(pairs: Sequence[Confused]) -> str:
    if not any(pair.pictures for pair in pairs):
        return '<span class="quiet">no such picture</span>'
    found = []
    for pair in pairs:
        kind = "wrong" if pair.wrong else "quiet"
        found.append(
            f'<div class="{kind}"><span>{escape(pair.view)}</span> <b>{len(pair.wrong)}</b> of '
            f"{len(pair.pictures)}<small> p {percent(pair.probability)}</small></div>"
            if pair.pictures
            else f'<div class="quiet"><span>{escape(pair.view)}</span> –</div>'
        )
    return "".join(found)


def stress_table(said: Mapping[str, tuple[int, int, float | None]]) -> str:
    """View -> (recognized, pictures, mean probability) of the pictures that show one element."""
    rows = "".join(
        f'<tr><th scope="row">{escape(view)}</th><td>{found} of {total}</td><td>{percent(mean)}</td></tr>'
        for view, (found, total, mean) in said.items()
    )
    return (
        '<table class="stress"><thead><tr><th scope="col">view</th><th scope="col">recognized</th>'
        f'<th scope="col">mean probability</th></tr></thead><tbody>{rows}</tbody></table>'
    )


STYLE = """
h3{font:600 1.2rem/1.3 Georgia,serif;margin:2.5rem 0 .25rem;padding-top:1rem;border-top:1px solid var(--line)}
h4{font-size:.95rem;margin:1.5rem 0 .5rem}
a{color:var(--one)}
small,.quiet{color:var(--quiet);font-size:.8rem}
nav a{margin-right:1rem}
section>p,section>details{max-width:52rem}
.figures td{min-width:6.2rem;white-space:nowrap}
.figures small{display:block}
.track{position:relative;height:5px;background:var(--line);margin:.25rem 0 .2rem;border-radius:3px;
min-width:5rem}
.track u{position:absolute;top:0;height:5px;background:var(--one);opacity:.55;border-radius:3px}
.track em{position:absolute;top:-2px;width:3px;height:9px;margin-left:-1px;background:var(--one)}
.track i{position:absolute;top:-3px;width:1px;height:11px;background:var(--ink)}
.advice{list-style:none;padding:0;display:grid;gap:.75rem;max-width:52rem}
.advice li{border-left:4px solid var(--two);background:var(--card);padding:.75rem 1rem}
.advice b{display:block}
.cautions{padding-left:1.1rem;max-width:52rem}
.sums{display:flex;flex-wrap:wrap;gap:1.5rem;align-items:flex-start;margin:1rem 0}
.sums table{min-width:0}
.sums figure{width:15rem}
.square caption{text-align:left;color:var(--quiet);font-size:.8rem;padding-bottom:.35rem}
.square td.right{color:var(--good);font-weight:600;font-size:1.1rem}
.square td.wrong{color:var(--bad);font-weight:600;font-size:1.1rem}
.calibration{width:15rem;background:var(--card);border:1px solid var(--line)}
.calibration text{fill:var(--quiet);font-size:10px}
.calibration .grid{stroke:var(--line)}
.calibration .ideal{stroke:var(--quiet);stroke-dasharray:4 4}
.calibration .reach{stroke:var(--one);stroke-width:1.5;opacity:.5}
.calibration circle{fill:var(--one)}
.look{background:var(--card);border:1px solid var(--line);padding:.75rem;margin:0 0 1rem;break-inside:avoid}
.look>figcaption{padding:0 0 .5rem;font-size:.9rem;color:var(--ink)}
.row{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.75rem}
.row img{width:100%;height:13rem;object-fit:contain;display:block;background:#fff;
border:1px solid var(--line)}
.bar{position:relative;height:6px;background:var(--line);border-radius:3px;margin:.3rem 0 .1rem}
.bar u{position:absolute;left:0;top:0;height:6px;border-radius:3px;background:var(--good)}
.bar.low u{background:var(--bad)}
.bar i{position:absolute;left:50%;top:-2px;width:1px;height:10px;background:var(--ink)}
.apart{display:grid;grid-template-columns:repeat(auto-fit,minmax(18rem,1fr));gap:1rem}
.apart img{width:100%;height:16rem;object-fit:contain;display:block;background:#fff;
border:1px solid var(--line)}
.key{display:inline-block;width:.8rem;height:.8rem;border-radius:2px;vertical-align:-.1rem;margin-right:.3rem}
.confusions td{min-width:8.5rem}
.confusions .same{background:var(--line)}
.confusions div{white-space:nowrap;font-size:.8rem}
.confusions div span{display:inline-block;width:5rem;color:var(--quiet)}
.confusions .wrong{color:var(--bad)}
@media(max-width:40rem){.row{grid-template-columns:1fr 1fr}.row img{height:9rem}}
"""
"""CSS of all of the above, beside the house's."""
