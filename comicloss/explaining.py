"""One page on the classifiers: how good, how sure, where they look, whom they confuse, what to draw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from itertools import combinations
from pathlib import Path

import torch
from torch import Tensor

from classifiers.advice import advise
from classifiers.cautions import cautions
from classifiers.confusions import confusions
from classifiers.data import Example, label_matrix
from classifiers.evaluate import ElementReport, Report
from classifiers.model import ElementClassifiers
from classifiers.stress import STRESSES, stressed
from classifiers.tint import BLUE, ORANGE, ramp
from comicloss.data import Picture
from comicloss.explaining_figures import (
    STYLE,
    calibration_chart,
    confusion_square,
    confusion_table,
    figures_table,
    percent,
    stress_table,
)
from comicloss.explaining_pictures import apart, looks, outside, region_of, strip
from comicloss.webpage import embedded, page
from pages.files import write_atomic
from pages.progress import Progress, Stop, never, silent, stop_here

_HEIGHT = 260  # of a picture on the page
_MISTAKES, _SURE = 3, 2  # pictures shown of each element
_PAIRS = 6  # pictures shown of two elements in one
_STRESSED = 300  # pictures looked at in every view
_WHAT = "Explaining the classifiers"
_DRAWN = next(iter(STRESSES))


def explain_page(
    classifiers: ElementClassifiers,
    examples: Sequence[Example],
    report: Report,
    held_out: Tensor,
    path: Path,
    *,
    title: str,
    progress: Progress = silent,
    stop: Stop = never,
) -> None:
    """Write one HTML file that needs nothing else: figures, overlays, stress, confusions, advice.

    Args:
        classifiers: as trained; in eval mode.
        examples: all that they were trained on, in order.
        report: the figures on held-out pictures.
        held_out: (N, E) probabilities of the examples by classifiers that had not seen them; NaN where none.
        path: of the file; one that is there is replaced.
        title: of the page, plain text.

    Raises:
        ResourceError: the file cannot be written.
        Stopped: ``stop()`` became true. Nothing is written.
    """
    names, steps = classifiers.element_names, len(classifiers.element_names) + 2
    progress(0, steps, "looking at the pictures under stress")
    said = _in_every_view(classifiers, examples, held_out, stop)
    sections = [_advice_section(examples, names, said), _figures_section(report)]
    parts = []
    for column, element in enumerate(report.elements):
        stop_here(stop, _WHAT)
        progress(column + 1, steps, f"looking for {element.element}")
        parts.append(_element_part(classifiers, examples, element, column, held_out, said))
    sections.append(f"<section><h2>Element by element</h2>{_LOOKING}{''.join(parts)}</section>")
    progress(steps - 1, steps, "comparing the elements")
    sections.append(_confusion_section(examples, names, said))
    sections.append(_apart_section(classifiers, examples, stop))
    facts = {
        "elements": str(len(names)),
        "pictures": str(len(examples)),
        "scenes": str(len({example.group for example in examples})),
        "held out": f"in {report.folds} parts" if report.folds else "none: one scene only",
        "balanced accuracy": percent(report.accuracy),
        "in other styles": percent(report.accuracy_stylized),
        "under attack": percent(report.accuracy_attacked),
    }
    text = page(title, facts, "".join(sections), style=STYLE)
    write_atomic(path, text.encode())
    progress(steps, steps, "explained")


def _in_every_view(
    classifiers: ElementClassifiers, examples: Sequence[Example], held_out: Tensor, stop: Stop
) -> dict[str, Tensor]:
    """View -> (N, E); as drawn by those that had not seen them. NaN for pictures beyond the first so many."""
    chosen = torch.linspace(0, len(examples) - 1, min(len(examples), _STRESSED)).round().long().tolist()
    said = {name: torch.full_like(held_out, float("nan")) for name in STRESSES}
    device = classifiers.temperature.device
    for row in chosen:
        stop_here(stop, _WHAT)
        found = stressed(lambda images: classifiers(images.to(device)), [examples[row].image])
        for name, probabilities in found.items():
            said[name][row] = probabilities[0]
    said[_DRAWN] = held_out
    return said


def _advice_section(examples: Sequence[Example], names: Sequence[str], said: dict[str, Tensor]) -> str:
    found = advise(examples, names, said)
    if not found:
        return (
            "<section><h2>What to draw next</h2><p>Nothing stands out: no element reads as another, and "
            "none is overlooked, in at least two pictures and a third of those that could show "
            "it.</p></section>"
        )
    items = []
    for advice in found:
        reason = f"{escape(advice.reason)}. " if advice.reason else ""
        places = ", ".join(escape(place(examples[row])) for row in advice.pictures[:6])
        more = ", …" if len(advice.pictures) > 6 else ""
        items.append(
            f"<li><b>{escape(advice.finding)}.</b> {reason}{escape(advice.action)}."
            f"<small> Seen in: {places}{more}</small></li>"
        )
    return (
        "<section><h2>What to draw next</h2><p>Drawn from what went wrong below, most often first.</p>"
        f'<ul class="advice">{"".join(items)}</ul></section>'
    )


def _figures_section(report: Report) -> str:
    return (
        "<section><h2>How good, and how sure is that</h2><p>Every figure is from classifiers that had not "
        "seen the picture. Under it stands its 95 % interval: where the figure of many more such pictures "
        "would lie. The bar is the interval, the thick tick the figure, the thin tick what guessing "
        "reaches.</p>"
        f"{figures_table(report.elements)}"
        "<details><summary>What the words mean</summary><p>Average precision: how well the pictures are "
        "ranked, over all thresholds; a guess reaches the share of pictures that show the element. "
        "Balanced accuracy: the mean of the shares told rightly among those that show it and those that do "
        "not; a guess reaches 50 %. F1 weighs precision and recall alike, F2 counts a missed element for "
        "more. Calibration error: how far probabilities are from what is really shown, in bins of equal "
        "numbers of pictures. Always no: the accuracy of somebody who never sees the element. Shares have "
        "Wilson's intervals, in which pictures of one scene count once; average precision and calibration "
        "error are resampled over scenes, and have none where every draw gives the "
        "same.</p></details></section>"
    )


def _element_part(
    classifiers: ElementClassifiers,
    examples: Sequence[Example],
    element: ElementReport,
    column: int,
    held_out: Tensor,
    said: dict[str, Tensor],
) -> str:
    name = escape(element.element)
    warned = "".join(f"<li>{escape(text)}</li>" for text in cautions(element))
    if warned:
        warned = f'<ul class="cautions">{warned}</ul>'
    bins = len(element.calibration)
    calibration = (
        f"<figure>{calibration_chart(element)}<figcaption>Calibration in {bins} "
        f"{'bin' if bins == 1 else 'bins'}: error {percent(element.expected_calibration_error)}, chance "
        f"alone gives up to {percent(element.error_by_chance)}. Brier score "
        f"{'–' if element.brier is None else f'{element.brier:.2f}'} (0.25 is no "
        f"idea).</figcaption></figure>"
        if bins
        else ""
    )
    labels, known = label_matrix(examples)
    shown = ((known[:, column] > 0) & (labels[:, column] > 0.5)).nonzero().flatten().tolist()
    told = {}
    for view, probabilities in said.items():
        values = probabilities[shown, column]
        values = values[~values.isnan()]
        mean = float(values.mean()) if len(values) else None
        told[view] = (int((values > 0.5).sum()), len(values), mean)
    return (
        f'<h3 id="element-{column}">{name}</h3>'
        f"{warned}"
        f'<div class="sums">{confusion_square(element)}{calibration}{stress_table(told)}</div>'
        f"{_attention_line(classifiers, examples, shown, column)}"
        f"{_looks(classifiers, examples, column, held_out)}"
        f"{_stress_strip(classifiers, examples, shown, column, held_out, said, element.element)}"
    )


def _attention_line(
    classifiers: ElementClassifiers, examples: Sequence[Example], shown: Sequence[int], column: int
) -> str:
    pairs = [
        pair
        for row in shown
        if region_of(examples[row], column) is not None
        and (pair := outside(classifiers, examples[row], column)) is not None
    ]
    if not pairs:
        return ""
    share, area = (sum(pair[place] for pair in pairs) / len(pairs) for place in (0, 1))
    text = (
        f"{percent(share)} of the attention lies outside of the element's region, on average over "
        f"{len(pairs)} {'picture' if len(pairs) == 1 else 'pictures'} with one; {percent(area)} of the "
        f"picture does."
    )
    if share >= area:
        return (
            f'<p class="alarm" role="alert"><strong>It may be looking at something else.</strong> {text} '
            "Look at the overlays: lettering, a logo, the background?</p>"
        )
    return f"<p>{text}</p>"


def _looks(
    classifiers: ElementClassifiers, examples: Sequence[Example], column: int, held_out: Tensor
) -> str:
    """The worst mistakes, then the surest successes, each with where the classifier looks."""
    labels, known = label_matrix(examples)
    rows = [
        row
        for row in range(len(examples))
        if known[row, column] > 0 and labels[row, column] != 0.5 and not held_out[row, column].isnan()
    ]
    right = {
        row: float(held_out[row, column] if labels[row, column] > 0.5 else 1 - held_out[row, column])
        for row in rows
    }
    wrong = sorted((row for row in rows if right[row] <= 0.5), key=right.__getitem__)[:_MISTAKES]
    found = [row for row in rows if right[row] > 0.5 and labels[row, column] > 0.5]
    sure = sorted(found, key=right.__getitem__, reverse=True)[:_SURE]
    blocks = []
    for head, chosen, none in (
        ("Worst mistakes", wrong, "None: every held-out picture was told rightly."),
        ("Recognized most surely", sure, "None."),
    ):
        shown = "".join(
            _look(
                classifiers,
                examples[row],
                column,
                float(held_out[row, column]),
                bool(labels[row, column] > 0.5),
            )
            for row in chosen
        )
        blocks.append(f"<h4>{head}</h4>{shown or f'<p>{none}</p>'}")
    return "".join(blocks)


def _look(
    classifiers: ElementClassifiers, example: Example, column: int, probability: float, shown: bool
) -> str:
    name, where = escape(classifiers.element_names[column]), escape(place(example))
    pair = outside(classifiers, example, column) if shown else None
    attention = "" if pair is None else f" {percent(pair[0])} of the attention is outside of its region."
    pictures = "".join(
        _figure(picture, f"{place(example)}: {word}", word)
        for word, picture in looks(classifiers, example, column)
    )
    told = f"{name} is {'shown' if shown else 'not there'}, held-out probability {percent(probability)}."
    return (
        f'<figure class="look"><figcaption><b>{where}</b>: {told}{attention}</figcaption>'
        f'<div class="row">{pictures}</div></figure>'
    )


def _stress_strip(
    classifiers: ElementClassifiers,
    examples: Sequence[Example],
    shown: Sequence[int],
    column: int,
    held_out: Tensor,
    said: dict[str, Tensor],
    name: str,
) -> str:
    """The drawing of the element that shows least else, in every view, with its probability."""
    labels, known = label_matrix(examples)
    asked = [row for row in shown if not bool(said["gray"][row].isnan().any())]
    if not asked:
        return ""
    row = min(asked, key=lambda row: (float((labels[row] * known[row]).sum()), -float(known[row].sum())))
    where, cells = place(examples[row]), []
    for view, picture in strip(examples[row]):
        probability = float(said[view][row, column])
        bar, text = "", "not measured"
        if not math.isnan(probability):
            kind, text = "bar" if probability > 0.5 else "bar low", percent(probability)
            bar = f'<div class="{kind}" aria-hidden="true"><u style="width:{text[:-2]}%"></u><i></i></div>'
        cells.append(_figure(picture, f"{where}: {name}, {view}", f"{view}: {text}", below=bar))
    told = (
        f"<b>{escape(where)}</b>: the probability of {escape(name)} in each view. As drawn it was judged by "
        "classifiers that had not seen it, in the other views by all of them, to whom it comes easier: "
        "compare those with each other."
    )
    return (
        f'<h4>Under style stress</h4><figure class="look"><figcaption>{told}</figcaption>'
        f'<div class="row">{"".join(cells)}</div></figure>'
    )


def _confusion_section(examples: Sequence[Example], names: Sequence[str], said: dict[str, Tensor]) -> str:
    if len(names) < 2:
        return ""
    labels, known = label_matrix(examples)
    return (
        "<section><h2>Who is taken for whom</h2><p>Pictures that show one element alone, and how many of "
        "them are read as showing another one that is marked as not there; p is its mean probability. As "
        "drawn by classifiers that had not seen the picture; in the other views by the final ones, which "
        "had, so that these counts are rather too low.</p>"
        f"{confusion_table(names, confusions(names, said, labels, known))}</section>"
    )


def _apart_section(classifiers: ElementClassifiers, examples: Sequence[Example], stop: Stop) -> str:
    """One picture for each pair of elements that are seen together."""
    labels, known = label_matrix(examples)
    shown = (known > 0) & (labels > 0.5)
    names = classifiers.element_names
    blocks: list[str] = []
    for column, other in combinations(range(len(names)), 2):
        stop_here(stop, _WHAT)
        together = (shown[:, column] & shown[:, other]).nonzero().flatten().tolist()
        if not together or len(blocks) == _PAIRS:
            continue
        row = min(together, key=lambda row: int(shown[row].sum()))
        first, second, where = escape(names[column]), escape(names[other]), escape(place(examples[row]))
        picture = _figure(
            apart(classifiers, examples[row], column, other),
            f"{place(examples[row])}: {names[column]} and {names[other]} told apart",
            "",
        )
        blocks.append(
            f'<div>{picture}<p><i class="key" style="background:{_color(ORANGE)}"></i>{first} '
            f'<i class="key" style="background:{_color(BLUE)}"></i>{second} <small>{where}</small></p></div>'
        )
    if not blocks:
        return ""
    return (
        "<section><h2>Two in one picture</h2><p>Grad-CAM of the difference of two elements: what speaks "
        "for the one and not for the other. If both colors lie on one figure, or on the background, they "
        "are not told "
        f'apart by who they are.</p><div class="apart">{"".join(blocks)}</div></section>'
    )


def _figure(picture: Picture, alt: str, caption: str, *, below: str = "") -> str:
    """``alt`` and ``caption`` are plain text, ``below`` is HTML."""
    told = f"<figcaption>{escape(caption)}{below}</figcaption>" if caption else ""
    return f'<figure><img src="{embedded(picture, _HEIGHT)}" alt="{escape(alt)}"/>{told}</figure>'


def place(example: Example) -> str:
    """A picture's name for a person: of "art/p01.png#p01-02", a panel of a page, the panel's."""
    return example.group.rsplit("#", 1)[-1]


def _color(hue: float) -> str:
    red, green, blue = (round(255 * float(value)) for value in ramp(torch.ones(()), hue))
    return f"rgb({red},{green},{blue})"


_LOOKING = (
    "<p>Beside each drawing: <b>Grad-CAM</b>, where the final classifiers find what speaks for the element "
    "(the strongest place of each picture has the full color); <b>evidence</b>, where the element's own "
    "head finds it; and the <b>strokes</b> that speak for it, the rest fading to paper (guided Grad-CAM). "
    "A blue frame is the region that you drew.</p>"
)
