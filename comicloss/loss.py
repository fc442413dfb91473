"""The Comic Book Loss: every panel in the style, and in every panel the characters that the author put there.

Source: M. Gallaspy, "Thought experiment: Human-centric machine learning for comic book creation", Cloudera
    Fast
Forward Labs, 2022-09-08. With panels X_j, elements E_i, p̂_ij = 1 if E_i appears in X_j else 0, and p_ij the
probability that classifier i gives to the *stylized* panel j:

    C_ij = H(p̂_ij, p_ij)
    Comic Book Loss = Σ_j S_j + Σ_ij C_ij

where S_j is the style loss of panel j (here CLIPstyler's). Below the formula come our extensions, each
marked as such; with their defaults they change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from styles.loss import StyleLoss
from styles.views import Views, take_views


def consistency_loss(logits: Tensor, priors: Tensor, known: Tensor | None = None) -> Tensor:
    """C_ij = H(p̂_ij, p_ij), the cross entropy of the author's mark and the classifier (Gallaspy 2022).

    ``H(p̂, p) = -p̂ log p - (1 - p̂) log(1 - p)``, ``p = sigmoid(logit)``. All (N, E): row = panel j, column
    = element i.

    Args:
        logits: the classifiers' answers to the stylized panels.
        priors: p̂, 0 or 1; a number in between is a soft belief (extension). Where unknown, any value, even
            NaN.
        known: in [0, 1]; 0 where the author has not said, which gives no term and no gradient (extension).

    Returns:
        (N, E), at least 0.
    """
    if known is None:
        return F.binary_cross_entropy_with_logits(logits, priors.to(logits), reduction="none")
    known = known.to(logits)
    priors = torch.where(known > 0, priors.to(logits), 0)
    return F.binary_cross_entropy_with_logits(logits, priors, reduction="none") * known


def comic_book_loss(S: Tensor, C: Tensor, weight: float = 1.0) -> Tensor:
    """Σ_j S_j + λ Σ_ij C_ij (Gallaspy 2022; λ = 1 is the post's).

    Args:
        S: (N,), the style loss of each panel.
        C: (N, E), the consistency loss of each panel and element.
        weight: λ.

    Returns:
        ().
    """
    return S.sum() + weight * C.sum()


@dataclass(frozen=True)
class LossTerms:
    """The Comic Book Loss with its parts, so that each can be logged by its name.

    Attributes:
        style: the named parts of S_j, weights applied, each (N,).
        consistency: C_ij, (N, E), not yet times λ.
        total: (), the only one to call backward() on.
    """

    style: dict[str, Tensor]
    consistency: Tensor
    total: Tensor

    @property
    def style_total(self) -> Tensor:
        """Σ_j S_j / N, ()."""
        return torch.stack(list(self.style.values())).sum() / len(self.consistency)

    @property
    def consistency_total(self) -> Tensor:
        """Σ_ij C_ij / N, (), not yet times λ."""
        return self.consistency.sum() / len(self.consistency)


class ComicBookLoss(nn.Module):
    """The Comic Book Loss of a minibatch of panels.

    Both sums are divided by N, the number of panels in the minibatch; C is never divided by E, which would
    change the balance of S and C. The classifiers are frozen, yet gradients flow through them to the picture.

    Args:
        style_loss: gives S_j.
        classifiers: (N, 3, H, W) in [0, 1] -> logits (N, E). Frozen here, for good. One that has
            ``members(images) -> (M, N, E)`` counts by its worst member (extension, see ``worst_member``).
        consistency_weight: λ.
        smoothing: extension, see ``smoothed``; 0 is the post.
        certainty: extension, see ``while_undecided``; None is the post.
    """

    def __init__(
        self,
        style_loss: StyleLoss,
        classifiers: nn.Module,
        *,
        consistency_weight: float = 1.0,
        smoothing: float = 0.0,
        certainty: float | None = None,
    ) -> None:
        super().__init__()
        self.style_loss = style_loss
        self.classifiers = classifiers.eval().requires_grad_(False)
        self.consistency_weight = consistency_weight
        self.smoothing = smoothing
        self.certainty = certainty

    def train(self, mode: bool = True) -> ComicBookLoss:
        """Nothing here learns: the encoders and classifiers stay in evaluation mode."""
        return super().train(False)

    def forward(
        self,
        stylized: Tensor,
        art: Tensor,
        priors: Tensor,
        known: Tensor,
        views: Views,
        *,
        element_views: Sequence[Views] | None = None,
        valid: Tensor | None = None,
        keep: Tensor | None = None,
    ) -> LossTerms:
        """The loss and all its parts.

        Args:
            stylized: what the style network made, (N, 3, H, W) in [0, 1].
            art: the panels as drawn, likewise.
            priors: p̂, (N, E).
            known: (N, E) in [0, 1], 0 where the author has not said.
            views: the crops for the style terms.
            element_views: for each panel the views that the classifiers see, C_ij being their mean
                (extension: expectation over views, as what holds in one only is a trick of pixels). None: one
                view, the panel as it is (the post).
            valid: (N, 1, H, W) in [0, 1], 0 for padding.
            keep: (N, 1, H, W) in [0, 1], 1 where the original stays, such as lettering.
        """
        style = self.style_loss(stylized, art, views, valid=valid, keep=keep)
        priors = smoothed(priors, self.smoothing)
        rows = []
        for j, (height, width) in enumerate(views.sizes.tolist()):
            panel = stylized[j : j + 1, :, :height, :width]
            seen = panel if element_views is None else take_views(panel, element_views[j])[0]
            rows.append(self._consistency(member_logits(self.classifiers, seen), priors[j], known[j]))
        C = torch.stack(rows)
        S = torch.stack(list(style.values())).sum(dim=0)
        total = comic_book_loss(S, C, self.consistency_weight) / len(S)
        return LossTerms(style, C, total)

    def _consistency(self, members: Tensor, priors: Tensor, known: Tensor) -> Tensor:
        """C_ij of one panel, (E,), from the logits of its views, (M, V, E)."""
        priors, known = priors.expand_as(members[0]), known.expand_as(members[0])
        logits = worst_member(members, priors, known)
        C = consistency_loss(logits, priors, known)
        if self.certainty is not None:
            C = while_undecided(C, logits, priors, certainty=self.certainty)
        return C.mean(dim=0)


def push(loss: Tensor, stylized: Tensor) -> float:
    """How hard a loss pushes on the stylized pixels: ‖∂loss/∂x‖. The graph is kept for a backward() after it.

    Args:
        loss: (), computed from ``stylized``, such as ``LossTerms.style_total``.
        stylized: the pixels, requiring gradients.
    """
    if not loss.requires_grad:
        return 0.0
    (gradient,) = torch.autograd.grad(loss, stylized, retain_graph=True, allow_unused=True)
    return 0.0 if gradient is None else float(torch.linalg.vector_norm(gradient))


def gradient_share_weight(push_of_style: float, push_of_consistency: float, *, share: float = 0.25) -> float:
    """The λ with which C has a given share in the push on the stylized pixels (extension).

    ``share = λ‖∂C/∂x‖ / (‖∂S/∂x‖ + λ‖∂C/∂x‖)``, hence ``λ = share / (1 - share) · ‖∂S/∂x‖ / ‖∂C/∂x‖``.
    With CLIPstyler's weights S_j is in the thousands and C_ij near 1, so that λ = 1 would do nothing there.
    Measure it once, over several panels, and keep it: a λ that follows the gradients would change the loss
    while it is being minimized.

    Args:
        push_of_style: ‖∂S/∂x‖, at least 0.
        push_of_consistency: ‖∂C/∂x‖ without λ, at least 0.
        share: in [0, 1).

    Returns:
        λ, at least 0; 0 where C does not push at all (no marks).
    """
    if push_of_consistency == 0:
        return 0.0
    return share / (1 - share) * push_of_style / push_of_consistency


def member_logits(classifiers: nn.Module, images: Tensor) -> Tensor:
    """The logits of every member of an ensemble, (M, N, E); a classifier without members is the only one.

    Args:
        classifiers: (N, 3, H, W) in [0, 1] -> logits (N, E), perhaps with ``members``: the same -> (M, N, E).
        images: (N, 3, H, W) in [0, 1].
    """
    members_of = getattr(classifiers, "members", None)
    logits: Tensor = classifiers(images)[None] if members_of is None else members_of(images)
    return logits


def worst_member(members: Tensor, priors: Tensor, known: Tensor | None = None) -> Tensor:
    """The logits that count, those of an ensemble's worst member: C_ij = max_m H(p̂_ij, p_ij^m) (extension).

    Worst-case optimization (Coste, Anwar, Kirk and Krueger, "Reward Model Ensembles Help Mitigate
    Overoptimization", ICLR 2024, arXiv 2310.02743): what deceives one member is worth nothing until it
    deceives them all. The gradient goes through the worst member alone, another for each panel and element.

    Args:
        members: (M, N, E) logits.
        priors, known: as for ``consistency_loss``, (N, E).

    Returns:
        (N, E) logits.
    """
    with torch.no_grad():
        C = torch.stack([consistency_loss(logits, priors, known) for logits in members])
        worst = C.argmax(dim=0, keepdim=True)
    return members.gather(0, worst)[0]


def smoothed(priors: Tensor, smoothing: float) -> Tensor:
    """Marks that are never quite certain: 0 and 1 become ``smoothing`` and ``1 - smoothing`` (extension).

    With hard marks the cross entropy always asks for more, and the last bit of certainty is bought with
    noise.
    """
    return smoothing + (1 - 2 * smoothing) * priors


def while_undecided(C: Tensor, logits: Tensor, priors: Tensor, *, certainty: float = 0.5) -> Tensor:
    """No push once the classifier is on the author's side (extension).

    Sets C_ij to 0 where p_ij is on the same side of 1/2 as p̂_ij and is at least ``certainty`` sure of it.
    All (N, E).
    """
    p = torch.sigmoid(logits)
    agreement = torch.where(priors > 0.5, p, 1 - p)
    agreed = (agreement > certainty) & (priors != 0.5)
    return torch.where(agreed, 0, C)
