"""A subset with about as many pictures of each label, and the labels that there are too few of."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Subset:
    """Some of the pictures.

    Attributes:
        chosen: their indices, sorted.
        counts: how many of them have each label, the most frequent first. Labels that come along with rarer
            ones may exceed the target.
        short: labels with fewer pictures than the target, all of which are chosen: the long tail.
    """

    chosen: tuple[int, ...]
    counts: dict[str, int]
    short: dict[str, int]


def balanced_subset(labels: Sequence[Collection[str]], target: int, *, seed: int = 0) -> Subset:
    """Choose pictures so that each label is in ``target`` of them, or in all that have it.

    Greedy, the rarest label first, as in iterative stratification (Sechidis, Tsoumakas and Vlahavas, ECML
    2011): of the pictures with it, those that exceed the fewest other labels' targets, then those that serve
    the most labels still short of theirs, then at random.

    Args:
        labels: of each picture.
        target: pictures wanted of each label, at least 1.
        seed: the same one gives the same subset.
    """
    available = Counter(label for own in labels for label in set(own))
    bearers: dict[str, list[int]] = {label: [] for label in available}
    for index, own in enumerate(labels):
        for label in set(own):
            bearers[label].append(index)
    order = list(range(len(labels)))
    random.Random(seed).shuffle(order)
    chance = dict(zip(range(len(labels)), order, strict=True))
    counts: Counter[str] = Counter()
    chosen: set[int] = set()

    def cost(index: int) -> tuple[int, int, int]:
        exceeded = sum(counts[label] >= target for label in set(labels[index]))
        return exceeded, exceeded - len(set(labels[index])), chance[index]

    for label in sorted(available, key=lambda label: (available[label], label)):
        waiting = [index for index in bearers[label] if index not in chosen]
        if len(waiting) <= target - counts[label]:
            chosen.update(waiting)
            for index in waiting:
                counts.update(set(labels[index]))
            continue
        while counts[label] < target:
            best = min(waiting, key=cost)
            waiting.remove(best)
            chosen.add(best)
            counts.update(set(labels[best]))
    return Subset(
        tuple(sorted(chosen)),
        dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
        {
            label: count
            for label, count in sorted(available.items(), key=lambda item: (-item[1], item[0]))
            if count < target
        },
    )
