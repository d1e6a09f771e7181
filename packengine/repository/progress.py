"""How long work tells how far it has come."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int | None], None]
"""(phase, done, total or None if unknown); called from the thread that works, often: the receiver thins it out."""


def no_progress(_phase: str, _done: int, _total: int | None) -> None:
    """For callers that do not care."""
