"""What a Git request has open, and whether it may still read it (packengine.repository.open_states)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from packengine.repository.open_states import Held, OpenStates

_HELD: ContextVar[Held | None] = ContextVar("held", default=None)


@contextmanager
def holding(states: OpenStates) -> Iterator[None]:
    """Keep what the request opens from being collected, as long as this process is in touch with the catalog."""
    with states.hold() as held:
        token = _HELD.set(held)
        try:
            yield
        finally:
            _HELD.reset(token)


def check_held() -> None:
    """Ask before each piece that is read for a client. Raises ReaderExpired."""
    held = _HELD.get()
    if held is not None:
        held.check()
