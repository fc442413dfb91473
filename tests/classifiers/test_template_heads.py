"""Templates that slide over maps of features, and grids that do not: what they find and where; members."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from classifiers.model import ElementClassifiers, ElementHeads
from pages.errors import WeightsError

SHARPNESS = 6.0  # of log(mean(exp(k s))) / k
GAIN = 4.0


def heads(channels: int = 4, count: int = 2, members: int = 3) -> ElementHeads:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        made = ElementHeads(channels, count, members=members)
        made.bias.data = torch.randn(members, count)
        made.templates.data = torch.randn(made.templates.shape)
        made.grids.data.zero_()
    return made


def test_a_template_is_found_wherever_it_stands_in_the_map() -> None:
    one = heads(count=1, members=1)
    pattern = torch.rand(4, 5, 5, generator=torch.Generator().manual_seed(2)) - 0.5
    one.templates.data[0, 0] = 20 * pattern
    places = [(0, 0), (7, 3), (4, 11), (13, 15)]
    found, blank = [], one([torch.zeros(1, 4, 18, 20)]).item()
    for top, left in places:
        field = torch.zeros(1, 4, 18, 20)
        field[0, :, top : top + 5, left : left + 5] = pattern
        scores = one.scores(one.cells(field))[0, 0, 0]
        assert divmod(int(scores.argmax()), 20) == (top + 2, left + 2)
        found.append(one([field]).item())
    inner = found[1:3]  # at the rim a part of the template lies outside, which changes the lesser scores
    assert inner[0] == pytest.approx(inner[1], abs=1e-4)
    assert found == pytest.approx([inner[0]] * 4, abs=0.3) and inner[0] > blank + 2


def test_pooling_is_the_smooth_maximum_over_all_places_of_all_scales() -> None:
    several = heads()
    generator = torch.Generator().manual_seed(3)
    cells = [torch.randn(2, 4, 3, 4, generator=generator), torch.randn(2, 4, 5, 6, generator=generator)]
    expected = torch.zeros(3, 2, 2)
    scale = GAIN / math.sqrt(4 * 25)
    for member in range(3):
        for element in range(2):
            template = several.templates[member, element].detach()
            for row in range(2):
                powers = []
                for field in cells:
                    padded = F.pad(field[row], (2, 2, 2, 2))
                    for y in range(field.shape[2]):
                        for x in range(field.shape[3]):
                            score = float((padded[:, y : y + 5, x : x + 5] * template).sum()) * scale
                            powers.append(math.exp(SHARPNESS * score))
                best = math.log(sum(powers) / len(powers)) / SHARPNESS
                expected[member, row, element] = best + float(several.bias[member, element].detach())
    assert torch.allclose(several.pooled(cells).detach(), expected, atol=1e-4)


def test_the_grid_scores_the_whole_picture_at_the_finest_scale() -> None:
    """Against the sum over fields, on maps that the fields divide evenly."""
    several = heads()
    generator = torch.Generator().manual_seed(3)
    several.fit_cells(torch.randn(6, 4, 8, 8, generator=generator))
    cells = [torch.randn(2, 4, side, side, generator=generator) for side in (8, 12)]
    without = several.pooled(cells).detach()
    several.grids.data = torch.randn(several.grids.shape, generator=generator)
    added = (several.pooled(cells) - without).detach()
    scale = GAIN / math.sqrt(4 * 36) / several.field_deviation
    for member in range(3):
        for element in range(2):
            grid = several.grids[member, element].detach()
            expected = torch.zeros(2)
            for y in range(6):
                for x in range(6):
                    block = cells[1][:, :, y * 2 : y * 2 + 2, x * 2 : x * 2 + 2]
                    field = block.mean(dim=(2, 3)) - several.field_mean[:, y, x]
                    expected += scale * (field @ grid[:, y, x])
            assert torch.allclose(added[member, :, element], expected, atol=1e-4)


def test_fields_of_what_they_were_fitted_to_have_mean_zero_and_deviation_one() -> None:
    fitted = heads(channels=5)
    features = 3 + 2 * torch.randn(30, 5, 8, 8, generator=torch.Generator().manual_seed(4))
    fitted.fit_cells(features)
    fields = fitted.fields(fitted.cells(features))
    assert torch.allclose(fields.mean(dim=0), torch.zeros(5, 6, 6), atol=1e-5)
    assert float(fields.std()) == pytest.approx(1, abs=0.02)


def test_cells_are_standardized_half_whitened_and_even_in_contrast() -> None:
    """Against numpy's covariance: half whitened, a direction of variance v is left with that of sqrt(v)."""
    fitted = heads(channels=5)
    generator = torch.Generator().manual_seed(4)
    mixing = torch.randn(5, 5, generator=generator)
    features = torch.einsum("nchw,cd->ndhw", torch.randn(30, 5, 8, 8, generator=generator), mixing) + 3
    fitted.fit_cells(features)
    columns = features.movedim(1, -1).flatten(0, 2).double().numpy()
    standard = (columns - columns.mean(0)) / columns.std(0)
    eigenvalues = np.linalg.eigvalsh(standard.T @ standard / len(standard))
    seen = standard @ fitted.project.double().numpy()
    assert np.allclose(seen.T @ seen / len(seen), np.diag(np.sqrt(eigenvalues)), atol=1e-3)
    # A drawing in fainter lines keeps most of its weight.
    strong = features[:1] - fitted.mean[:, None, None]
    faint = fitted.cells(0.5 * strong + fitted.mean[:, None, None])
    ratio = faint.norm() / fitted.cells(features[:1]).norm()
    assert 0.6 < float(ratio) < 1


class Dark(nn.Module):
    """How dark each 8 x 8 block of a picture is."""

    def forward(self, images: Tensor) -> Tensor:
        return F.avg_pool2d(1 - images, 8)


def looks_for_dark(members: int = 2) -> ElementClassifiers:
    """The first element is darkness, the second paper."""
    classifiers = ElementClassifiers(Dark(), ["dark", "paper"], image_size=64, members=members).eval()
    with torch.no_grad():
        classifiers.heads.templates.zero_()
        classifiers.heads.grids.zero_()
        classifiers.heads.templates[:, 0, :, 2, 2] = 4
        classifiers.heads.templates[:, 1, :, 2, 2] = -4
    return classifiers


@pytest.mark.parametrize("place", [(8, 8), (40, 8), (24, 40)])
def test_evidence_lies_on_the_shape_and_sums_to_one(place: tuple[int, int]) -> None:
    images = torch.ones(2, 3, 64, 64)
    top, left = place
    images[0, :, top : top + 16, left : left + 16] = 0
    evidence = looks_for_dark().evidence(images)
    assert evidence.shape[:2] == (2, 2) and bool((evidence >= 0).all())
    assert torch.allclose(evidence.sum(dim=(2, 3)), torch.ones(2, 2), atol=1e-5)
    side = evidence.shape[-1] / 64
    around = (
        slice(math.floor((top - 8) * side), math.ceil((top + 24) * side)),
        slice(math.floor((left - 8) * side), math.ceil((left + 24) * side)),
    )
    assert float(evidence[0, 0][around].sum()) > 0.9
    middle = int(evidence[0, 0].argmax())
    y, x = ((place + 0.5) / side for place in divmod(middle, evidence.shape[-1]))
    assert top <= y <= top + 16 and left <= x <= left + 16
    assert float(evidence[0, 1][around].sum()) < 0.3  # the paper is elsewhere
    assert float(evidence[1].std()) < 1e-3  # nothing there, nothing pointed at


def test_evidence_is_the_derivative_of_the_logit_by_the_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    classifiers = looks_for_dark(members=1)
    monkeypatch.setattr("classifiers.model.SCALES", (1.0,))
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(5))
    cells = classifiers.heads.cells(classifiers.features(image)[0])
    scores = classifiers.heads.scores(cells).detach().requires_grad_()
    monkeypatch.setattr(classifiers.heads, "scores", lambda _: scores)
    classifiers.heads.pooled([cells])[0, 0, 0].backward()
    assert scores.grad is not None
    assert torch.allclose(classifiers.evidence(image)[0, 0], scores.grad[0, 0, 0], atol=1e-6)


def test_the_answer_is_the_mean_of_members_that_differ() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(6)
        classifiers = ElementClassifiers(Dark(), ["a", "b"], image_size=64, members=3).eval()
    classifiers.temperature.copy_(torch.tensor([2.0, 0.5]))
    classifiers.offset.copy_(torch.tensor([1.0, -1.0]))
    images = torch.rand(4, 3, 50, 70)
    members = classifiers.members(images)
    assert members.shape == (3, 4, 2) and not torch.allclose(members[0], members[1])
    assert torch.allclose(classifiers(images), members.mean(dim=0), atol=1e-6)
    alone = ElementClassifiers(Dark(), ["a", "b"], image_size=64).eval()
    alone.heads.templates.data = classifiers.heads.templates.data[1:2]
    alone.heads.grids.data = classifiers.heads.grids.data[1:2]
    assert torch.allclose(members[1], alone(images) / classifiers.temperature + classifiers.offset, atol=1e-5)


def test_members_are_saved_and_loaded(tmp_path: Path) -> None:
    classifiers = looks_for_dark(members=3)
    classifiers.heads.templates.data += torch.randn(classifiers.heads.templates.shape)
    classifiers.heads.grids.data += torch.randn(classifiers.heads.grids.shape)
    classifiers.heads.fit_cells(torch.rand(2, 3, 8, 8))
    classifiers.offset.fill_(0.3)
    classifiers.save(tmp_path / "saved")
    images = torch.rand(2, 3, 64, 64)
    loaded = ElementClassifiers.load(tmp_path / "saved", Dark())
    assert torch.equal(loaded.members(images), classifiers.members(images))
    described = tmp_path / "saved" / "classifiers.json"
    for wrong in (0, 2, 65, "3", None):
        config = json.loads(described.read_text())
        described.write_text(json.dumps({**config, "members": wrong}))
        with pytest.raises(WeightsError, match="damaged"):
            ElementClassifiers.load(tmp_path / "saved", Dark())
