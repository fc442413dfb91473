"""The words that the embedded models know, and texts as rows of word numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

_WORD = re.compile(r"[a-z0-9]+")
PADDING, UNKNOWN, END = 0, 1, 2
_SPECIAL = 3


def words_of(text: str) -> list[str]:
    """The words of a text, in order: lower case letters and digits; hyphens and punctuation part words."""
    return _WORD.findall(text.lower())


_FUNCTION_WORDS = frozenset(
    words_of(
        "a an and are as at be but by for from in into is it its like my no not of off on one or our out "
        "over so style that the their them this to under up very with without your"
    )
)


def telling_words(text: str) -> list[str]:
    """The words of a text that say something about a picture, in order; not "a", "with" and their like."""
    return [word for word in words_of(text) if word not in _FUNCTION_WORDS]


class Vocabulary:
    """A closed list of words. Numbers 0, 1 and 2 stand for padding, an unknown word and the end.

    Args:
        words: the known words; kept sorted, so that the same set always gives the same numbers.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self.words: tuple[str, ...] = tuple(sorted(set(words)))
        self._number = {word: number + _SPECIAL for number, word in enumerate(self.words)}

    @classmethod
    def of_texts(cls, texts: Iterable[str]) -> Vocabulary:
        """All the words of some texts."""
        return cls(word for text in texts for word in words_of(text))

    def __len__(self) -> int:
        return len(self.words) + _SPECIAL

    def __contains__(self, word: str) -> bool:
        return word in self._number

    def unknown(self, text: str) -> list[str]:
        """The words of the text that are not in the list, in order."""
        return [word for word in words_of(text) if word not in self._number]

    def encode(self, texts: Sequence[str], length: int) -> Tensor:
        """Texts as word numbers: (T, length) int64, each row ended by END and padded with PADDING."""
        rows = torch.zeros(len(texts), length, dtype=torch.long)
        for row, text in zip(rows, texts, strict=True):
            numbers = [self._number.get(word, UNKNOWN) for word in words_of(text)][: length - 1]
            row[: len(numbers) + 1] = torch.tensor([*numbers, END])
        return rows
