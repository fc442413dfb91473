"""Pictures held out as whole scenes, and the proof that none leaks.

A picture and its twin on both sides of a split make 99 % of nothing: the twin is remembered, not recognized.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from classifiers.data import Example, grouped_folds
from classifiers.duplicates import Duplicate, find_duplicates
from classifiers.pixels import as_pixels


def joined_groups(groups: Sequence[str], pairs: Iterable[Duplicate]) -> list[str]:
    """For each picture its group, with one name for all the groups that pairs link, over any chain."""
    leader = {group: group for group in groups}

    def first(group: str) -> str:
        while leader[group] != group:
            group = leader[group]
        return group

    for pair in pairs:
        one, other = first(groups[pair.first]), first(groups[pair.second])
        leader[max(one, other)] = min(one, other)
    return [first(group) for group in groups]


def split_scenes(examples: Sequence[Example], share: float, *, seed: int) -> tuple[list[int], list[int]]:
    """Hold out about a share of the examples: one of the folds of ``classifiers.data.grouped_folds``.

    Args:
        examples: grouped by page, scene, issue or drawing.
        share: in (0, 0.5]; what is held out is one of round(1 / share) like folds.

    Returns:
        Indices (train, held_out), sorted. ``held_out`` is empty where all the examples are one scene.
    """
    folds = grouped_folds(examples, max(round(1 / share), 2), seed=seed)
    if len(folds) < 2:
        return list(range(len(examples))), []
    held_out = folds[0]
    return sorted(set(range(len(examples))) - set(held_out)), held_out


def leaks(examples: Sequence[Example], parts: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """Pairs that are on two sides of a split though they belong together: of one group, or of one drawing.

    Args:
        examples: as given to the split.
        parts: the indices on each side; an example in none is left out.

    Returns:
        Pairs of indices, the smaller first, in order; none for a split that can be trusted.
    """
    part_of = {index: number for number, part in enumerate(parts) for index in part}
    used = sorted(part_of)
    pairs = {
        (used[pair.first], used[pair.second])
        for pair in find_duplicates([as_pixels(examples[index].image) for index in used])
    }
    members: dict[str, list[int]] = {}
    for index in used:
        group = members.setdefault(examples[index].group, [])
        pairs |= {(other, index) for other in group}
        group.append(index)
    return sorted(pair for pair in pairs if part_of[pair[0]] != part_of[pair[1]])
