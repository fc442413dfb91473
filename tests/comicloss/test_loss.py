"""The Comic Book Loss against the published formula, evaluated apart from it in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import open_clip
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.vgg import make_layers

from comicloss.loss import (
    ComicBookLoss,
    LossTerms,
    comic_book_loss,
    consistency_loss,
    gradient_share_weight,
    member_logits,
    push,
    smoothed,
    while_undecided,
    worst_member,
)
from styles.clip import ClipEncoder
from styles.content import VggContent
from styles.loss import PUBLISHED, StyleLoss
from styles.views import panel_views

D = torch.float64
NARROW = [4, 4, "M", 8, 8, "M", 16, 16, 16, 16, "M", 32, 32, 32, 32, "M", 32, 32, 32, 32, "M"]


def tiny_style_loss() -> StyleLoss:
    torch.manual_seed(0)
    model = open_clip.CLIP(
        embed_dim=16,
        vision_cfg={"image_size": 64, "patch_size": 32, "width": 32, "layers": 1, "head_width": 16},
        text_cfg={"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
    )
    preprocess = {"size": 64, "mean": (0.5, 0.5, 0.5), "std": (0.3, 0.3, 0.3), "mode": "RGB"}
    rest = {"interpolation": "bicubic", "resize_mode": "shortest", "fill_color": 0}
    open_clip.model.set_model_preprocess_cfg(model, {**preprocess, **rest})
    clip = ClipEncoder(model, open_clip.tokenize, name="random").double()
    content = VggContent(make_layers(NARROW).double()).double()
    return StyleLoss(clip, content, style_prompt="noir ink", source_prompt="a Photo", settings=PUBLISHED)


class Classifiers(nn.Module):
    """Three random classifiers with a layer that would learn from every batch if it were let."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.layers = nn.Sequential(
            nn.Conv2d(3, 6, 5, stride=4), nn.BatchNorm2d(6), nn.Tanh(), nn.AdaptiveAvgPool2d(3)
        )
        self.head = nn.Linear(54, 3)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.layers(images).flatten(1))
        return logits


def panels(count: int = 2, height: int = 512, width: int = 512) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    art = F.interpolate(torch.rand(count, 3, 9, 9, generator=generator, dtype=D), (height, width))
    noise = torch.randn(art.shape, generator=generator, dtype=D)
    return (art + noise / 20).clamp(0, 1), art


def evaluate(loss: ComicBookLoss, stylized: Tensor, art: Tensor, priors: Tensor, known: Tensor) -> LossTerms:
    ids = [f"p01-{number:02d}" for number in range(len(art))]
    sizes = torch.tensor([art.shape[-2:]] * len(art))
    views = loss.style_loss.views(ids, sizes, seed=0, step=1)
    terms: LossTerms = loss(stylized, art, priors, known, views)
    return terms


def test_the_published_formula() -> None:
    """Σ_j S_j + Σ_ij H(p̂_ij, p_ij): λ = 1, hard marks, one view, CLIPstyler's settings, float64."""
    assert (PUBLISHED.crops, PUBLISHED.crop_size, PUBLISHED.distortion) == (64, 128 / 512, 0.5)
    loss = ComicBookLoss(tiny_style_loss(), Classifiers().double())
    stylized, art = panels()
    marks = torch.tensor([[1.0, 0, 1], [0, 0, 1]], dtype=D)
    with torch.no_grad():
        terms = evaluate(loss, stylized, art, marks, torch.ones(2, 3))
        p = 1 / (1 + np.exp(-loss.classifiers(stylized).numpy()))

    H = -np.where(marks.numpy() == 1, np.log(p), np.log(1 - p))
    S = sum(term.numpy() for term in terms.style.values())
    published = S.sum() + H.sum()
    assert comic_book_loss(torch.tensor(S), terms.consistency).item() == pytest.approx(published, rel=1e-6)
    assert terms.total.item() == pytest.approx(published / 2, rel=1e-6)  # a minibatch divides both by N
    np.testing.assert_allclose(terms.consistency.numpy(), H, rtol=1e-9)
    assert (terms.style_total + terms.consistency_total).item() == pytest.approx(terms.total.item())


def test_certain_and_wrong_is_finite_and_soft_beliefs_are_cross_entropy() -> None:
    logits = torch.tensor([[-800.0, 0.4]], dtype=D)
    C = consistency_loss(logits, torch.tensor([[1.0, 0.7]], dtype=D))
    p = 1 / (1 + np.exp(-0.4))
    expected = [800, -0.7 * np.log(p) - 0.3 * np.log(1 - p)]
    torch.testing.assert_close(C, torch.tensor([expected], dtype=D))


def test_an_unknown_mark_has_no_term_and_no_gradient() -> None:
    logits = torch.randn(2, 3, dtype=D, requires_grad=True)
    priors = torch.tensor([[1.0, torch.nan, 0], [torch.nan, torch.nan, 1]], dtype=D)
    known = (~priors.isnan()).to(D)
    C = consistency_loss(logits, priors, known)
    C.sum().backward()
    assert logits.grad is not None
    assert (C[known == 0] == 0).all() and (logits.grad[known == 0] == 0).all()
    assert (C[known == 1] > 0).all() and (logits.grad[known == 1] != 0).all()


def test_a_panel_that_nobody_marked_is_pushed_by_style_alone() -> None:
    loss = ComicBookLoss(tiny_style_loss(), Classifiers().double())
    stylized, art = panels(1, 96, 80)
    stylized.requires_grad_()
    terms = evaluate(loss, stylized, art, torch.full((1, 3), torch.nan, dtype=D), torch.zeros(1, 3))
    (gradient,) = torch.autograd.grad(terms.consistency.sum(), stylized, retain_graph=True)
    assert gradient.abs().max() == 0
    assert terms.total.item() == pytest.approx(terms.style_total.item())
    assert gradient_share_weight(1.0, push(terms.consistency_total, stylized)) == 0


def test_classifiers_do_not_change_yet_gradients_flow_through_them() -> None:
    classifiers = Classifiers().double()
    before = {name: value.clone() for name, value in classifiers.state_dict().items()}
    loss = ComicBookLoss(tiny_style_loss(), classifiers, consistency_weight=3.0).train()
    stylized, art = panels(2, 96, 80)
    stylized.requires_grad_()
    terms = evaluate(loss, stylized, art, torch.ones(2, 3, dtype=D), torch.ones(2, 3))
    (gradient,) = torch.autograd.grad(terms.consistency.sum(), stylized, retain_graph=True)
    assert gradient.abs().max() > 0
    terms.total.backward()
    assert all(parameter.grad is None for parameter in loss.parameters())
    assert all(torch.equal(value, before[name]) for name, value in classifiers.state_dict().items())


def test_gradients_of_the_consistency_are_right() -> None:
    logits = torch.randn(2, 3, dtype=D, requires_grad=True)
    priors, known = torch.rand(2, 3, dtype=D), torch.rand(2, 3, dtype=D)
    assert torch.autograd.gradcheck(lambda x: consistency_loss(x, priors, known), logits)


def test_the_weight_gives_the_share() -> None:
    loss = ComicBookLoss(tiny_style_loss(), Classifiers().double())
    stylized, art = panels(2, 96, 80)
    stylized.requires_grad_()
    terms = evaluate(loss, stylized, art, torch.ones(2, 3, dtype=D), torch.ones(2, 3))
    pushes = push(terms.style_total, stylized), push(terms.consistency_total, stylized)
    weight = gradient_share_weight(*pushes, share=0.25)
    norms = []
    for part in (terms.style_total, weight * terms.consistency_total):
        (gradient,) = torch.autograd.grad(part, stylized, retain_graph=True)
        norms.append(gradient.norm().item())
    assert norms[1] / sum(norms) == pytest.approx(0.25)
    terms.total.backward()  # the graph is still there


def test_one_plain_view_is_the_panel_itself() -> None:
    loss = ComicBookLoss(tiny_style_loss(), Classifiers().double())
    stylized, art = panels(2, 96, 80)
    marks, known = torch.ones(2, 3, dtype=D), torch.ones(2, 3)
    views = loss.style_loss.views(["a", "b"], torch.tensor([[96, 80], [64, 72]]), seed=0, step=1)

    def seen(**how: Any) -> list[Any]:
        return [
            panel_views(name, size, seed=0, step=1, **how)
            for name, size in (("a", (96, 80)), ("b", (64, 72)))
        ]

    plain = loss(stylized, art, marks, known, views)
    same = loss(stylized, art, marks, known, views, element_views=seen(count=1, distortion=0))
    torch.testing.assert_close(plain.consistency, same.consistency)
    several = loss(stylized, art, marks, known, views, element_views=seen(count=4))
    assert several.consistency.shape == (2, 3)
    assert not torch.allclose(several.consistency, plain.consistency)


def test_smoothed_marks() -> None:
    torch.testing.assert_close(smoothed(torch.tensor([0.0, 0.5, 1]), 0.05), torch.tensor([0.05, 0.5, 0.95]))
    assert torch.equal(smoothed(torch.tensor([0.0, 1]), 0.0), torch.tensor([0.0, 1]))


def test_no_push_once_the_classifier_agrees() -> None:
    logits = torch.tensor([[2.0, -2, -2, 2, 0.1, 3]], dtype=D)
    priors = torch.tensor([[1.0, 1, 0, 0, 1, 0.5]], dtype=D)
    C = consistency_loss(logits, priors)
    kept = while_undecided(C, logits, priors)
    assert (kept > 0).tolist() == [[False, True, False, True, False, True]]
    assert (while_undecided(C, logits, priors, certainty=0.6) > 0).tolist()[0][4]
    torch.testing.assert_close(kept[kept > 0], C[kept > 0])


class Ensemble(nn.Module):
    """Classifiers that answer on their own, and together by their mean."""

    def __init__(self, *single: nn.Module) -> None:
        super().__init__()
        self.single = nn.ModuleList(single)

    def members(self, images: Tensor) -> Tensor:
        return torch.stack([classifiers(images) for classifiers in self.single])

    def forward(self, images: Tensor) -> Tensor:
        return self.members(images).mean(dim=0)


def test_an_ensemble_counts_by_its_worst_member() -> None:
    """By hand: where the mark is 1 the worst is the lowest logit, where it is 0 the highest."""
    members = torch.tensor([[[2.0, -1, 0.5]], [[-1.0, 3, 1.5]], [[0.0, 0, -9]]], dtype=D, requires_grad=True)
    priors, known = torch.tensor([[1.0, 0, torch.nan]], dtype=D), torch.tensor([[1.0, 1, 0]], dtype=D)
    C = consistency_loss(worst_member(members, priors, known), priors, known)
    expected = [[np.log1p(np.exp(1)), np.log1p(np.exp(3)), 0]]
    torch.testing.assert_close(C, torch.tensor(expected, dtype=D))
    C.sum().backward()
    assert members.grad is not None
    p = [1 / (1 + np.exp(-z)) for z in (-1, 3)]
    by_hand = torch.zeros(3, 1, 3, dtype=D)
    by_hand[1, 0, 0], by_hand[1, 0, 1] = p[0] - 1, p[1]
    torch.testing.assert_close(members.grad, by_hand)


def test_a_soft_belief_has_its_worst_member_on_either_side() -> None:
    """H(0.5, p) is least at p = 0.5 and the same on both sides: the member farthest from it counts."""
    members = torch.tensor([[[0.2]], [[-1.0]], [[0.9]]], dtype=D)
    belief = torch.tensor([[0.5]], dtype=D)
    assert worst_member(members, belief).item() == -1.0


def test_gradients_of_the_worst_member_are_right() -> None:
    generator = torch.Generator().manual_seed(2)
    members = torch.randn(3, 2, 4, generator=generator, dtype=D, requires_grad=True)
    priors, known = (torch.rand(2, 4, generator=generator, dtype=D) for _ in range(2))

    def consistency(members: Tensor) -> Tensor:
        return consistency_loss(worst_member(members, priors, known), priors, known)

    assert torch.autograd.gradcheck(consistency, members)


def test_the_loss_counts_the_worst_member_in_every_view() -> None:
    first, second = Classifiers().double(), Classifiers().double()
    nn.init.normal_(second.head.weight, generator=torch.Generator().manual_seed(8))
    loss = ComicBookLoss(tiny_style_loss(), Ensemble(first, second))
    alone = [ComicBookLoss(loss.style_loss, classifiers) for classifiers in (first, second)]
    stylized, art = panels(2, 96, 80)
    marks = torch.tensor([[1.0, 0, 1], [0, 0, 1]], dtype=D)
    C = evaluate(loss, stylized, art, marks, torch.ones(2, 3)).consistency
    single = [evaluate(one, stylized, art, marks, torch.ones(2, 3)).consistency for one in alone]
    torch.testing.assert_close(C, torch.maximum(*single))
    assert not torch.allclose(*single)


def test_an_ensemble_pushes_until_its_worst_member_agrees() -> None:
    class Fixed(nn.Module):
        def __init__(self, logit: float) -> None:
            super().__init__()
            self.logit = logit

        def forward(self, images: Tensor) -> Tensor:
            return self.logit + 0 * images.mean(dim=(1, 2, 3))[:, None].expand(-1, 3)

    stylized, art = panels(1, 96, 80)
    marks = torch.tensor([[1.0, 0, 1]], dtype=D)
    known = torch.tensor([[1.0, 1, 0]])
    split = ComicBookLoss(tiny_style_loss(), Ensemble(Fixed(2.0), Fixed(-0.5)), certainty=0.5)
    C = evaluate(split, stylized, art, marks, known).consistency
    torch.testing.assert_close(C, torch.log1p(torch.tensor([[0.5, 2, -torch.inf]], dtype=D).exp()))
    agreed = ComicBookLoss(split.style_loss, Ensemble(Fixed(2.0), Fixed(0.5)), certainty=0.5)
    assert (evaluate(agreed, stylized, art, marks, known).consistency > 0).tolist() == [[False, True, False]]


def test_a_classifier_without_members_is_its_only_member() -> None:
    classifiers, images = Classifiers().double(), panels(2, 96, 80)[0]
    assert torch.equal(member_logits(classifiers, images), classifiers(images)[None])
    assert member_logits(Ensemble(classifiers, classifiers), images).shape == (2, 2, 3)
