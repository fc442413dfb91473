"""The errors a person can meet: what was wrong and what to do. The CLI turns them into exit codes."""

from __future__ import annotations


class ComicLossError(Exception):
    """Base of all errors that are meant for a person.

    Args:
        problem: what was wrong and where (file, field, value).
        remedy: what the person can do about it.
    """

    exit_code = 1

    def __init__(self, problem: str, *, remedy: str) -> None:
        super().__init__(f"{problem}\n  {remedy}")
        self.problem = problem
        self.remedy = remedy


class UsageError(ComicLossError):
    """The command was called with words that do not fit together (exit code 2)."""

    exit_code = 2


class StoryError(ComicLossError):
    """story.toml, or something it refers to, is not valid (exit code 3)."""

    exit_code = 3


class InputError(ComicLossError):
    """A picture or page cannot be read, or is refused (exit code 4)."""

    exit_code = 4


class WeightsError(ComicLossError):
    """A model's weights are missing or damaged, or it cannot serve this prompt (exit code 5)."""

    exit_code = 5


class ResourceError(ComicLossError):
    """The machine has no room, memory or permission left (exit code 6)."""

    exit_code = 6


class PartialError(ComicLossError):
    """Some files of a batch failed; the others are done (exit code 7)."""

    exit_code = 7


class Stopped(ComicLossError):
    """The person stopped the work; what was finished is kept, the next run goes on (exit code 130)."""

    exit_code = 130
