"""The style network's own outputs, labelled as what they are, for the classifiers to learn from.

Classifiers in a loss are shown pictures that nobody drew: what the network makes of the panels, and what it
makes of them in order to please. Pictures of both kinds, with the marks that hold, are examples like any
other: the first teach what an element looks like in the story's style, the second what does *not* make it
one (adversarial training against the very generator; Goodfellow et al., 2015, with the network in the place
of the small change of pixels).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn

from classifiers.data import Example
from comicloss.data import PanelBatch, panel_batch, unit
from comicloss.finetune import FineTuneSettings, Tuned, directed_style, embedded, fine_tune, untuned
from comicloss.guiding import known_style, style_losses
from comicloss.story import Story
from comicloss.stylize import stylize_picture
from pages.progress import Progress, Stop, never, silent, stop_here
from styles.clip import load_clip
from styles.loss import StyleLoss
from styles.registry import load_stylenet
from styles.stylenet import StyleNet

FOOLING = FineTuneSettings(
    steps=24,
    learning_rate=0.03,
    consistency_share=0.8,  # to fool is all that the copy is for
    ramp=0.05,
    longest_side=160,
    checkpoint_every=24,
    preview_every=24,
)
"""How the copy is tuned that is to fool: short, on small panels, classifiers pushing harder than style."""


def replay_examples(
    batch: PanelBatch,
    network: StyleNet,
    style_loss_of: Callable[[str], StyleLoss],
    classifiers: nn.Module,
    *,
    groups: Sequence[str],
    settings: FineTuneSettings = FOOLING,
    progress: Progress = silent,
    stop: Stop = never,
) -> list[Example]:
    """Every marked panel twice, with its true labels: finished as it would be, and finished to fool.

    The first is the untuned network's output (λ = 0). The second comes from a copy of it tuned towards
    *flipped* marks, 1 - p̂, on the Comic Book Loss with these classifiers: whatever it found to make them see
    who is not there, and to hide who is, it is labelled as the panel it was made from.

    Args:
        batch: the story's panels, with the marks of the classifiers' elements.
        network: untuned; not changed.
        style_loss_of: gives the style loss of a prompt.
        classifiers: those to be fooled, (N, 3, H, W) in [0, 1] -> logits (N, E).
        groups: for each panel of the batch the group of its example as drawn, so that no split sets the two
            apart.
        settings: of the copy. Nothing of its run is kept.
        progress: told after each step.
        stop: asked before each step.

    Returns:
        Examples of the panels in which anything is marked, no side longer than ``settings.longest_side``.

    Raises:
        ValueError: there is not one group for each panel.
        Stopped: ``stop()`` became true.
    """
    if len(groups) != len(batch.panels):
        raise ValueError(f"{len(groups)} groups for {len(batch.panels)} panels")
    marked = [row for row, known in enumerate(batch.known) if known.any()]
    if not marked:
        return []
    batch = replace(
        batch,
        panels=tuple(batch.panels[row].reduced(settings.longest_side) for row in marked),
        priors=batch.priors[marked],
        known=batch.known[marked],
    )

    def tell(done: int, total: int, what: str) -> None:
        progress(done, total, f"{what} a copy that fools the classifiers")

    with TemporaryDirectory(prefix="comicloss-replay-") as folder:
        fooling = fine_tune(
            flipped(batch),
            network,
            style_loss_of,
            classifiers,
            settings,
            Path(folder),
            progress=tell,
            stop=stop,
        )
    found = []
    for tuned in (untuned(network, batch.drawn_as or batch.prompt), fooling):
        stop_here(stop, "Drawing what the classifiers learn from")
        for row, picture in enumerate(stylized_panels(batch, network, tuned)):
            found.append(Example(picture, batch.priors[row], batch.known[row], groups[marked[row]]))
    return found


def story_replay(
    story: Story,
    folder: Path,
    classifiers: nn.Module,
    element_names: Sequence[str],
    *,
    groups: Mapping[str, str],
    progress: Progress = silent,
    stop: Stop = never,
) -> list[Example]:
    """``replay_examples`` of a story's panels in the story's style, on the embedded guide.

    Args:
        story: with marked panels.
        folder: the story folder.
        classifiers: those to be fooled.
        element_names: their elements, in order.
        groups: panel id -> group of the panel's own example; a panel that is not named here is left out.

    Raises:
        InputError: a page cannot be read.
        Stopped: ``stop()`` became true.
    """
    network, encoder = load_stylenet(), load_clip(None)
    batch = panel_batch(story, folder, progress=progress, stop=stop).of_elements(element_names)
    rows = [row for row, name in enumerate(batch.ids) if name in groups]
    batch = replace(
        batch,
        panels=tuple(replace(batch.panels[row], direction="") for row in rows),
        priors=batch.priors[rows],
        known=batch.known[rows],
        prompt=known_style(network, encoder, story.style.prompt),
    )
    return replay_examples(
        batch,
        network,
        style_losses(encoder, FOOLING.style, batch),
        classifiers,
        groups=[groups[name] for name in batch.ids],
        settings=FOOLING,
        progress=progress,
        stop=stop,
    )


def flipped(batch: PanelBatch) -> PanelBatch:
    """The same panels with the opposite of every mark, 1 - p̂."""
    return replace(batch, priors=torch.where(batch.known > 0, 1 - batch.priors, batch.priors))


@torch.no_grad()
def stylized_panels(batch: PanelBatch, network: StyleNet, tuned: Tuned) -> list[Tensor]:
    """Every panel as a tuned network finishes it, (3, h, w) in [0, 1]; what is kept is as drawn.

    Args:
        batch: panels in the size in which they are to be seen.
        network: untuned.
        tuned: what a fine-tune of it found.
    """
    drawing, start = tuned.network(network), embedded(network, batch.drawn_as or batch.prompt)
    pictures = []
    for panel in batch.panels:
        style = directed_style(tuned.style, start, embedded(network, batch.start_of(panel)))
        picture = stylize_picture(drawing, panel.art, style, origin=panel.origin, flats=panel.flats)
        pictures.append(torch.where(panel.keep, unit(panel.art), picture))
    return pictures
