"""S_j against an independent implementation of CLIPstyler, and what must have no part in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import open_clip
import pytest
import torch
from clipstyler_reference import pictures, style_terms, tiny_clip, tiny_vgg
from torch import Tensor, nn
from torchvision.models.vgg import cfgs, make_layers

from pages.errors import WeightsError
from styles.clip import ClipEncoder, published_templates
from styles.content import VggContent
from styles.loss import EMBEDDED, PUBLISHED, StyleLoss, StyleSettings, TextDirection
from styles.vocabulary import Vocabulary

TEMPLATES = list(published_templates())


def encoder(model: Any, templates: list[str] = TEMPLATES) -> ClipEncoder:
    return ClipEncoder(model, open_clip.tokenize, name="random", templates=templates).double()


def style_loss(settings: StyleSettings = PUBLISHED, source: str | None = "a Photo") -> StyleLoss:
    content = VggContent(tiny_vgg()).double()
    return StyleLoss(
        encoder(tiny_clip()), content, style_prompt="watercolor", source_prompt=source, settings=settings
    )


def compare(
    model: Any, vgg: nn.Sequential, settings: StyleSettings, templates: list[str]
) -> dict[str, float]:
    """Relative difference of each term between ours and the reference, on one 512 px picture."""
    stylized, art = pictures(512, 512)
    loss = StyleLoss(
        encoder(model, templates),
        VggContent(vgg).double(),
        style_prompt="watercolor",
        source_prompt="a Photo",
        settings=settings,
    )
    views = loss.views(["p01-01"], torch.tensor([[512, 512]]), seed=3, step=7)
    assert views.crops[0, :, 2:].eq(128).all()
    with torch.no_grad():
        ours = loss(stylized, art, views)
    theirs = style_terms(
        model,
        vgg,
        stylized[0].numpy(),
        art[0].numpy(),
        views.crops[0].numpy(),
        views.homographies[0].numpy(),
        style="watercolor",
        source="a Photo",
        templates=templates,
    )
    assert list(ours) == list(theirs)
    return {name: abs(ours[name].item() / theirs[name] - 1) for name in theirs}


def test_the_published_terms_on_tiny_models() -> None:
    differences = compare(tiny_clip(), tiny_vgg(), PUBLISHED, TEMPLATES)
    assert max(differences.values()) < 1e-7, differences


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_published_terms_on_vit_b_32_and_vgg19() -> None:
    torch.manual_seed(0)
    model = open_clip.create_model("ViT-B-32").double().eval()
    differences = compare(model, make_layers(cfgs["E"]).double(), PUBLISHED, TEMPLATES[:4])
    assert max(differences.values()) < 1e-5, differences


def test_gradients_are_right() -> None:
    loss = style_loss(replace(PUBLISHED, crops=2, crop_size=0.5, patch_threshold=0.0))
    stylized, art = pictures(64, 48)
    views = loss.views(["p01-01"], torch.tensor([[64, 48]]), seed=0, step=0)
    keep = torch.zeros(1, 1, 64, 48, dtype=torch.float64)
    keep[..., :20, :20] = 1

    def total(x: Tensor) -> Tensor:
        return torch.stack(list(loss(x, art, views, keep=keep).values())).sum()

    assert torch.autograd.gradcheck(total, stylized.requires_grad_(), fast_mode=True, atol=1e-3)


def padded(picture: Tensor, value: float) -> Tensor:
    return nn.functional.pad(picture, (0, 16, 0, 32), value=value)


@pytest.mark.parametrize("source", ["panel", "crop"])
def test_padding_and_lettering_have_no_part(source: Any) -> None:
    loss = style_loss(replace(PUBLISHED, crops=4, source=source))
    stylized, art = pictures(64, 96)
    views = loss.views(["p01-01"], torch.tensor([[64, 96]]), seed=0, step=0)
    valid = padded(torch.ones(1, 1, 64, 96).double(), 0)
    keep = torch.zeros_like(valid)
    keep[..., 8:20, 30:60] = 1
    one, other = padded(stylized, 0.1).requires_grad_(), padded(stylized, 0.9)
    other[..., 8:20, 30:60] = 0
    ours = loss(one, padded(art, 0.4), views, valid=valid, keep=keep)
    same = loss(other, padded(art, 0.4), views, valid=valid, keep=keep)
    for name in ours:
        torch.testing.assert_close(ours[name], same[name])
    torch.stack(list(ours.values())).sum().backward()
    assert one.grad is not None
    out = (valid * (1 - keep) == 0).expand_as(one)
    assert one.grad[out].abs().max() == 0
    assert one.grad[~out].abs().min() > 0


def test_a_panel_does_not_depend_on_its_batch() -> None:
    loss = style_loss(replace(EMBEDDED, crops=3))
    (first, first_art), (second, second_art) = pictures(64, 64, 1), pictures(64, 64, 2)
    sizes = torch.full((2, 2), 64)
    both = loss(
        torch.cat((first, second)),
        torch.cat((first_art, second_art)),
        loss.views(["a", "b"], sizes, seed=5, step=9),
    )
    alone = loss(second, second_art, loss.views(["b"], sizes[:1], seed=5, step=9))
    for name in both:
        assert both[name].shape == (2,)
        torch.testing.assert_close(both[name][1:], alone[name], rtol=1e-9, atol=1e-12)


def test_the_source_is_the_text_nearest_to_each_picture() -> None:
    sources = nn.functional.normalize(torch.tensor([[1.0, 0, 0], [0, 1, 0]]), dim=1)
    direction = TextDirection(torch.tensor([0.0, 0, 1]), sources)
    found = direction.of(torch.tensor([[0.1, 0.9, 0], [0.8, 0.2, 0.5]]))
    torch.testing.assert_close(found, torch.tensor([[0.0, -1, 1], [-1, 0, 1]]))


def test_no_source_prompt_means_zero_shot() -> None:
    assert style_loss(source=None).direction.sources.shape[0] == 3


def test_a_prompt_without_known_words_is_refused_at_once() -> None:
    model = tiny_clip()
    words = Vocabulary.of_texts(["watercolor ink", "a photo", "pencil sketch", "rough colored drawing"])
    clip = ClipEncoder(model, lambda texts: words.encode(texts, 77), name="small", vocabulary=words)
    with pytest.raises(WeightsError, match="knows no word of 'vaporwave'"):
        StyleLoss(clip, VggContent(tiny_vgg()), style_prompt="vaporwave")
