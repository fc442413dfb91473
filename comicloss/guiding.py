"""The guide of a fine-tune: what the style network starts from, and the style losses."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from comicloss.data import PanelBatch, Picture, to_tensor, unit
from styles.clip import ClipEncoder
from styles.content import load_content
from styles.embedded.captions import STYLES
from styles.loss import StyleLoss, StyleSettings, TextDirection
from styles.stylenet import StyleNet
from styles.vocabulary import telling_words


@torch.no_grad()
def known_style(network: StyleNet, encoder: ClipEncoder, prompt: str) -> str:
    """What the network starts from: the prompt, or the style that the guide finds nearest to it.

    A real CLIP takes any words. Where the network has none of them, its own embedding of them would say
    nothing at all.
    """
    if any(word in network.vocabulary for word in telling_words(prompt)):
        return prompt
    names = [style.wordings[0] for style in STYLES]
    nearness = encoder.encode_text(names) @ encoder.encode_text([prompt])[0]
    return names[int(nearness.argmax())]


def style_losses(
    encoder: ClipEncoder, settings: StyleSettings, batch: PanelBatch, reference: Picture | None = None
) -> Callable[[str], StyleLoss]:
    """Style losses by prompt. A reference picture adds its own direction, from the mean of the art to it.

    Args:
        encoder: the guide.
        settings: weights and crops.
        batch: the panels; read for a reference picture alone.
        reference: (H, W, 3) uint8 in the style wanted.
    """
    content = load_content(encoder)
    shift: Tensor | None = None
    if reference is not None:
        with torch.no_grad():
            art = torch.cat([encoder.encode_image(unit(panel.art)[None]) for panel in batch.panels])
            shift = encoder.encode_image(unit(to_tensor(reference))[None])[0] - art.mean(dim=0)

    def loss_of(prompt: str) -> StyleLoss:
        loss = StyleLoss(encoder, content, style_prompt=prompt, settings=settings)
        if shift is not None:
            loss.direction = TextDirection(loss.direction.style + shift, loss.direction.sources)
        return loss

    return loss_of
