"""The parts of the recipes, each against a closed form or another library."""

from __future__ import annotations

import math

import pytest
import torch
from timm.loss import AsymmetricLossMultiLabel
from torch import Tensor, nn

from classifiers.backbones import blank_backbone
from classifiers.model import SmallBackbone
from classifiers.recipe.freezing import frozen, layer_groups
from classifiers.recipe.losses import asymmetric_loss, positive_weight, weighted_loss
from classifiers.recipe.precision import Precision
from classifiers.recipe.range_test import range_test
from classifiers.recipe.rates import layer_rates, one_cycle
from classifiers.recipe.resizing import size_of_epoch
from classifiers.recipe.stopping import EarlyStopping
from classifiers.recipe.views import SeveralLooks
from pages.errors import Stopped


def draws(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# Losses


def test_positive_weight_evens_out_and_is_bounded() -> None:
    labels = torch.tensor([[1.0, 1, 0, 1]] + [[0.0, 1, 0, 0]] * 3 + [[0.0, 0, 0, 0]] * 36)
    known = torch.ones_like(labels)
    known[4:, 3] = 0
    # 1:39 is bounded; 4:36; never shown; 1:3 among the known ones.
    assert positive_weight(labels, known).tolist() == [10, 9, 10, 3]


def test_weighted_loss_counts_both_sides_alike() -> None:
    labels = torch.tensor([[1.0], [0.0], [0.0], [0.0]])
    known = torch.ones_like(labels)
    weight = positive_weight(labels, known)
    logits = torch.zeros(4, 1, requires_grad=True)
    weighted_loss(logits, labels, known, weight).backward()
    assert logits.grad is not None
    assert float(logits.grad[0]) == pytest.approx(-float(logits.grad[1:].sum()))


def test_asymmetric_loss_is_the_papers_formula() -> None:
    logits, labels = draws(6, 4).double() * 3, (draws(6, 4, seed=1) > 0.5).double()
    known = (draws(6, 4, seed=2) > -1).double()
    total = 0.0
    for row in range(6):
        for column in range(4):
            p = 1 / (1 + math.exp(-float(logits[row, column])))
            shifted = max(p - 0.05, 0)
            shown = -((1 - p) ** 1) * math.log(p)
            absent = -(shifted**4) * math.log(1 - shifted)
            total += float(known[row, column]) * (shown if labels[row, column] else absent)
    assert float(asymmetric_loss(logits, labels, known)) == pytest.approx(total / 6, rel=1e-12)


def test_asymmetric_loss_agrees_with_timm_and_its_gradient_lasts() -> None:
    logits, labels = draws(8, 5) * 4, (draws(8, 5, seed=1) > 0.5).float()
    ours, theirs = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    asymmetric_loss(ours, labels, torch.ones_like(labels)).backward()
    AsymmetricLossMultiLabel(reduction="batchmean")(theirs, labels).backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-6)
    missed = torch.tensor([[-60.0]], requires_grad=True)
    asymmetric_loss(missed, torch.ones(1, 1), torch.ones(1, 1)).backward()
    assert float(missed.grad) == pytest.approx(-1)  # type: ignore[arg-type]
    easy = torch.tensor([[-4.0]], requires_grad=True)
    asymmetric_loss(easy, torch.zeros(1, 1), torch.ones(1, 1)).backward()
    assert float(easy.grad) == 0  # type: ignore[arg-type]


# Layers


@pytest.mark.parametrize(
    ("module", "count"),
    [
        (SmallBackbone(), 6),  # stem, 2 at an eighth, 3 at a sixteenth
        (blank_backbone("resnet18"), 9),  # stem with its norm, 8 blocks
        (blank_backbone("resnet50"), 17),
        (blank_backbone("timm:test_vit"), None),
    ],
    ids=["small", "resnet18", "resnet50", "vit"],
)
def test_layer_groups_hold_every_parameter_once_in_order(module: nn.Module, count: int | None) -> None:
    groups = layer_groups(module)
    flat = [parameter for group in groups for parameter in group]
    assert len(flat) == len({id(parameter) for parameter in flat}) == len(list(module.parameters()))
    order = {id(parameter): place for place, parameter in enumerate(module.parameters())}
    firsts = [min(order[id(parameter)] for parameter in group) for group in groups]
    assert firsts == sorted(firsts)
    if count is not None:
        assert len(groups) == count


def test_freeze_then_unfreeze() -> None:
    network = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 1))
    network[1].bias.requires_grad_(False)
    with frozen(network.parameters()):
        assert not any(parameter.requires_grad for parameter in network.parameters())
    assert [parameter.requires_grad for parameter in network.parameters()] == [True, True, True, False]


def test_layer_rates_are_spaced_evenly_on_a_logarithmic_scale() -> None:
    groups = [[nn.Parameter(torch.zeros(1))] for _ in range(5)]
    rates = [group["lr"] for group in layer_rates(groups, 1e-3, lowest=0.01)]
    assert rates == pytest.approx([1e-5, 10**-4.5, 1e-4, 10**-3.5, 1e-3])
    assert layer_rates(groups[:1], 1e-3)[0]["lr"] == 1e-3


def test_one_cycle_rises_from_a_25th_and_falls_to_nothing() -> None:
    groups = [[nn.Parameter(torch.zeros(1))] for _ in range(2)]
    optimizer = torch.optim.AdamW(layer_rates(groups, 1e-2, lowest=0.1))
    schedule = one_cycle(optimizer, 41, start=0.25)
    seen = []
    for _ in range(41):
        seen.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        if len(seen) < 41:
            schedule.step()
    shallow, deep = zip(*seen, strict=True)
    assert deep[0] == pytest.approx(1e-2 / 25)
    assert max(deep) == pytest.approx(1e-2, rel=0.01)
    assert abs(deep.index(max(deep)) - 9) <= 1
    assert deep[-1] < 1e-6
    assert [rate * 10 for rate in shallow] == pytest.approx(list(deep))


# The range test


def test_the_range_test_on_a_parabola() -> None:
    """Gradient descent on a w² / 2 multiplies w by (1 - rate a): it explodes beyond the rate 2 / a."""
    curvature = 8.0
    weight = nn.Parameter(torch.tensor([3.0]))
    optimizer = torch.optim.SGD([{"params": [weight], "lr": 0.123}])
    found = range_test(
        lambda: (curvature * weight**2 / 2).sum(), optimizer, lowest=1e-4, highest=10, steps=100
    )
    expected, losses = 3.0, []
    for rate in found.rates:
        losses.append(curvature * expected**2 / 2)
        expected *= 1 - rate * curvature
    assert found.losses == pytest.approx(losses, rel=1e-3)
    assert 2 / curvature < found.rates[-1] < 10
    assert 1e-3 < found.suggestion < 2 / curvature
    assert float(weight.detach()) == 3.0
    assert optimizer.param_groups[0]["lr"] == 0.123


def test_the_range_test_keeps_momentum_and_ratios_and_stops() -> None:
    first, last = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    optimizer = torch.optim.Adam([{"params": [first], "lr": 1e-4}, {"params": [last], "lr": 1e-3}])
    (first + last).sum().backward()
    optimizer.step()
    before = {place: state["exp_avg"].clone() for place, state in optimizer.state_dict()["state"].items()}
    seen = []

    def loss() -> Tensor:
        seen.append([group["lr"] for group in optimizer.param_groups])
        return (first**2 + last**2).sum()

    range_test(loss, optimizer, steps=10)
    assert all(pair[1] == pytest.approx(10 * pair[0]) for pair in seen)
    for place, state in optimizer.state_dict()["state"].items():
        assert torch.equal(state["exp_avg"], before[place])
    with pytest.raises(Stopped):
        range_test(loss, optimizer, stop=lambda: True)


# The rest


def test_progressive_sizes_share_the_epochs() -> None:
    assert [size_of_epoch((96, 128, 160), epoch, 7) for epoch in range(7)] == [96] * 3 + [128] * 2 + [160] * 2
    assert size_of_epoch((160,), 5, 6) == 160
    assert size_of_epoch((96, 160), 0, 1) == 96


def test_early_stopping_gives_the_best_weights_back() -> None:
    model = nn.Linear(1, 1, bias=False)
    stopping = EarlyStopping(model, patience=2)
    answers = []
    for epoch, score in enumerate([0.5, 0.7, 0.6, 0.7, 0.1]):
        model.weight.data.fill_(epoch)
        answers.append(stopping.enough(score))
    assert answers == [False, False, False, False, True]
    stopping.restore()
    assert stopping.best == 0.7
    assert float(model.weight.detach()) == 1


def test_several_looks_are_the_mean_of_the_logits() -> None:
    class Sides(nn.Module):
        """Darkness on the left, and the picture's width."""

        def forward(self, images: Tensor) -> Tensor:
            left = (1 - images)[..., : images.shape[-1] // 2].sum(dim=(1, 2, 3))
            return torch.stack([left, torch.full_like(left, images.shape[-1])], dim=1)

    image = torch.ones(1, 3, 20, 40)
    image[..., :10] = 0
    looks = SeveralLooks(Sides(), scales=(1.0, 0.5))
    # Half of the looks are mirrored and see nothing on the left; paper adds nothing dark.
    torch.testing.assert_close(looks(image), torch.tensor([[300.0, 60.0]]))
    torch.testing.assert_close(looks(image.flip(-1)), looks(image))
    plain = SeveralLooks(Sides(), scales=(1.0,), mirrored=False)
    torch.testing.assert_close(plain(image), Sides()(image))


@pytest.mark.parametrize("mixed", [False, True])
def test_a_step_in_either_precision_follows_the_gradient(
    mixed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"avx512_bf16": True})
    precision = Precision(torch.device("cpu"), mixed=mixed)
    layer = nn.Linear(8, 1)
    inputs, before = draws(16, 8), layer.weight.detach().clone()
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    with precision.forward():
        outputs = layer(inputs)
    assert outputs.dtype == (torch.bfloat16 if mixed else torch.float32)
    (expected,) = torch.autograd.grad(layer(inputs).mean(), layer.weight)
    assert precision.step(outputs.float().mean(), optimizer, layer.parameters())
    assert layer.weight.dtype == torch.float32
    torch.testing.assert_close(before - layer.weight, 0.1 * expected, rtol=0.02, atol=1e-3)


def test_nothing_is_mixed_where_the_processor_would_be_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cpu.get_capabilities", dict)
    assert Precision(torch.device("cpu"), mixed=True).dtype is None


def test_a_long_gradient_is_cut() -> None:
    weight = nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    Precision(torch.device("cpu"), mixed=False).step((weight * 300).sum(), optimizer, [weight])
    assert float(weight.detach().norm()) == pytest.approx(5, rel=1e-4)
