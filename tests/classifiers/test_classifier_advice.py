"""Who is confused with whom, and advice that says no more than the pictures do."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from classifiers.advice import Advice, advise, drawings
from classifiers.confusions import confusions
from classifiers.data import Example
from classifiers.stress import STRESSES, stressed

NAMES = ["Hero", "Prince"]
SHOWN = torch.tensor([[1.0, 0.0]] * 6 + [[0.0, 1.0]] * 6)


def _examples(*, same_pose: bool = False, count: int = 12) -> list[Example]:
    """Drawings that differ (or all of one element the same), half of Hero and half of Prince."""
    made = []
    for number in range(count):
        hero = number < count // 2
        seed = (1 if hero else 2) if same_pose else number
        coarse = torch.rand(1, 3, 9, 9, generator=torch.Generator().manual_seed(seed))
        image = torch.nn.functional.interpolate(coarse, (36, 36))[0]
        label = torch.tensor([1.0, 0.0] if hero else [0.0, 1.0])
        made.append(Example(image, label, torch.ones(2), f"scene {number}"))
    return made


def _views(**changed: Tensor) -> dict[str, Tensor]:
    """Right and sure in every view but those given."""
    right = SHOWN * 0.9 + 0.05
    return {name: changed.get(name.replace(" ", "_").replace("-", "_"), right).clone() for name in STRESSES}


def _hero_as_prince(pictures: int) -> Tensor:
    said = SHOWN * 0.9 + 0.05
    said[:pictures] = torch.tensor([0.2, 0.9])
    return said


def _advised(examples: list[Example], views: dict[str, Tensor]) -> tuple[Advice, ...]:
    return advise(examples, NAMES, views)


def test_who_is_taken_for_whom_is_counted_on_pictures_that_show_one_alone() -> None:
    labels = torch.tensor([[1.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [1, 0, 0]])
    known = torch.tensor([[1.0, 1, 1], [1, 1, 0], [1, 1, 1], [1, 1, 1], [1, 0, 1]])
    said = torch.tensor([[0.4, 0.8, 0.1], [0.9, 0.2, 0.9], [0.9, 0.9, 0.9], [0.7, 0.9, 0.1], [0.9, 0.9, 0.6]])
    pairs = {(pair.shown, pair.read_as): pair for pair in confusions("ABC", {"v": said}, labels, known)}
    assert len(pairs) == 6
    assert pairs["A", "B"].pictures == (0, 1)  # 2 shows both; in 4 nobody said whether B is there
    assert (pairs["A", "B"].wrong, pairs["A", "B"].missed) == ((0,), (0,))
    assert pairs["A", "B"].probability == pytest.approx(0.5)
    assert pairs["A", "C"].pictures == (0, 4) and pairs["A", "C"].wrong == (4,)
    assert pairs["B", "A"].share == 1 and pairs["B", "A"].pictures == (3,)
    nobody = pairs["C", "A"]
    assert (nobody.pictures, nobody.share, nobody.interval, nobody.probability) == ((), None, None, None)


def test_what_is_told_rightly_is_advised_nothing() -> None:
    assert _advised(_examples(), _views()) == ()


def test_an_element_that_reads_as_another_in_gray_is_named_with_the_counts() -> None:
    (advice,) = _advised(_examples(), _views(gray=_hero_as_prince(4)))
    assert advice.finding == "Hero reads as Prince in gray: 4 of 6 pictures that show Hero alone"
    assert "As drawn that is so in 0 of 6: they are told apart by color" in advice.reason
    assert "There are 6 drawings of Hero" in advice.reason
    assert advice.action == "Make Hero lighter or darker than Prince; draw Hero three times more in gray"
    assert advice.pictures == (0, 1, 2, 3)
    assert advice.sentence.endswith(".")


def test_an_element_that_is_seen_beside_the_wrong_one_is_said_to_be() -> None:
    said = SHOWN * 0.9 + 0.05
    said[:4, 1] = 0.9  # Prince is seen too; Hero still is
    (advice,) = _advised(_examples(), _views(gray=said))
    assert advice.finding == "Hero reads as Hero and as Prince in gray: 4 of 6 pictures that show Hero alone"


def test_a_failure_as_drawn_is_not_blamed_on_a_view() -> None:
    (advice,) = _advised(_examples(), _views(gray=_hero_as_prince(6), as_drawn=_hero_as_prince(2)))
    assert advice.finding.startswith("Hero reads as Prince as drawn: 2 of 6")
    assert "color" not in advice.sentence and "lighter" not in advice.sentence


def test_the_number_of_drawings_is_no_reason_where_there_are_enough() -> None:
    examples = _examples(count=24)
    said = torch.tensor([[0.95, 0.05]] * 12 + [[0.05, 0.95]] * 12)
    said[:6] = torch.tensor([0.2, 0.9])
    (advice,) = _advised(examples, {"as drawn": said})
    assert advice.reason == ""
    assert advice.action.startswith("Look at these pictures: nothing in the data says")


def test_what_is_only_guessed_is_not_blamed_on_another_or_on_a_view() -> None:
    said = SHOWN * 0.9 + 0.05
    said[:, 1] = 0.9  # Prince is seen everywhere
    (advice,) = _advised(_examples(), _views(as_drawn=said, gray=said))
    assert advice.finding == (
        "Prince is not told better than by guessing: seen in 6 of 6 pictures that show it, "
        "and in 6 of 6 that do not"
    )
    assert advice.pictures == (0, 1, 2, 3, 4, 5)
    assert advice.action == "Draw Prince three times more"


def test_drawings_that_are_all_alike_are_told() -> None:
    alike = _examples(same_pose=True)
    assert drawings(alike, 0).different == 1
    (advice,) = _advised(alike, _views(as_drawn=_hero_as_prince(2)))
    assert "Of 6 drawings of Hero 1 remains if those alike count once" in advice.reason
    assert "each unlike those there are" in advice.action


def test_regions_are_what_is_compared() -> None:
    first, second = _examples()[:2]
    scene = torch.cat([first.image, second.image], dim=2)
    other = torch.cat([first.image, _examples()[7].image], dim=2)
    regions = ((0.0, 0.0, 0.5, 1.0), None)
    label = torch.tensor([1.0, 0.0])
    marked = [Example(image, label, torch.ones(2), str(n), regions) for n, image in enumerate((scene, other))]
    plain = [Example(image, label, torch.ones(2), str(n)) for n, image in enumerate((scene, other))]
    assert drawings(marked, 0).different == 1
    assert drawings(plain, 0).different == 2
    assert drawings(plain, 1) == type(drawings(plain, 1))(0, 0)


@pytest.mark.parametrize("wrong", [0, 1])
def test_one_picture_gives_no_reason_for_advice(wrong: int) -> None:
    assert _advised(_examples(), _views(ink=_hero_as_prince(wrong))) == ()


def test_two_pictures_are_too_few_to_speak_of() -> None:
    examples, views = _examples(), _views(ink=_hero_as_prince(6))
    kept = [0, 1, 6, 7, 8]
    few = {name: said[kept] for name, said in views.items()}
    assert _advised([examples[row] for row in kept], few) == ()


def test_an_element_that_is_overlooked_is_told_without_a_culprit() -> None:
    said = SHOWN * 0.9 + 0.05
    said[:3] = 0.1
    (advice,) = _advised(_examples(), _views(thumbnail=said))
    assert advice.finding == "Hero is overlooked in a thumbnail: in 3 of 6 pictures"
    assert "Prince" not in advice.sentence


def test_predictions_that_are_missing_count_for_nothing() -> None:
    assert _advised(_examples(), _views(as_drawn=torch.full((12, 2), float("nan")))) == ()


def test_every_view_is_asked_for_every_picture() -> None:
    images = [torch.rand(3, 20, 30), torch.rand(3, 40, 10)]
    said = stressed(lambda batch: batch.mean(dim=(2, 3))[:, :2] - 0.5, images)
    assert list(said) == list(STRESSES)
    assert all(view.shape == (2, 2) and bool(((view > 0) & (view < 1)).all()) for view in said.values())
    torch.testing.assert_close(said["as drawn"][1], (images[1].mean(dim=(1, 2))[:2] - 0.5).sigmoid())
    assert torch.allclose(said["gray"][:, 0], said["gray"][:, 1])
