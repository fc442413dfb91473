"""How a stage tells how far it is, and how it is asked to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pages.errors import Stopped


class Progress(Protocol):
    """Called by a stage after each unit of work: ``progress(done, total, what)``."""

    def __call__(self, done: int, total: int, what: str) -> None: ...


Stop = Callable[[], bool]
"""Asked by a stage between units of work; True means: stop as soon as what is done is safe."""


def silent(done: int, total: int, what: str) -> None:
    """A Progress that shows nothing."""


def never() -> bool:
    """A Stop that never stops."""
    return False


def stop_here(stop: Stop, what: str) -> None:
    """Raise Stopped if the person has asked to stop.

    Raises:
        Stopped: when ``stop()`` is true.
    """
    if stop():
        raise Stopped(f"{what}: stopped.", remedy="Run the same command again to go on from here.")
