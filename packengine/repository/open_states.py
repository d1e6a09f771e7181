"""What the requests of a process have open, so that collection stays behind it (design, section 6).

A process that reads has a row in the catalog that says since when it uses what it has opened. It renews the row; if it
fails to for too long, somebody may take the row out and delete what only this process still reads. So what was opened
until then counts as lost: whoever reads on is to ask first.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TypedDict

from packengine.repository.errors import RepositoryError
from packengine.repository.publish import now_ms
from packengine.storage.ports import Catalog

READER_TTL_MS = 90_000
"""How long a row outlives its last renewal."""


class ReaderExpired(RepositoryError):
    """This process was out of touch for too long: what it has open may be deleted. Ask again."""

    def __init__(self) -> None:
        super().__init__("the server was out of touch with its storage for too long; try again")


class Held:
    """Something that is open since a time."""

    __slots__ = ("_states", "is_lost", "since_ms")

    def __init__(self, states: OpenStates, since_ms: int) -> None:
        self._states = states
        self.since_ms = since_ms
        self.is_lost = False

    def check(self) -> None:
        """Call it before each read. Costs nothing to speak of. Raises ReaderExpired."""
        self._states.lose_if_late()
        if self.is_lost:
            raise ReaderExpired


class OpenStates:
    """What is open in this process. From any thread."""

    def __init__(self, *, clock_ms: Callable[[], int] = now_ms, timer_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_ms = clock_ms
        self._timer_s = timer_s
        self._lock = Lock()
        self._held: set[Held] = set()
        self._promised_until_s = math.inf

    @contextmanager
    def hold(self) -> Iterator[Held]:
        """What is opened in the body of the `with` is used until its end."""
        held = Held(self, self._clock_ms())
        with self._lock:
            self._held.add(held)
        try:
            yield held
        finally:
            with self._lock:
                self._held.discard(held)

    def oldest_ms(self) -> int:
        """Nothing that is still used was opened before."""
        now = self._clock_ms()
        with self._lock:
            return min((held.since_ms for held in self._held), default=now)

    def promise(self, until_s: float) -> None:
        """The row holds until then, by the timer."""
        with self._lock:
            self._promised_until_s = until_s

    def lose_if_late(self) -> None:
        """Count everything as lost if the row was not renewed in time."""
        if self._timer_s() >= self._promised_until_s:
            self.lose()

    def lose(self) -> None:
        """What is open now may be deleted. What is opened from now on is not condemned yet, and so has the grace."""
        with self._lock:
            self._promised_until_s = math.inf
            for held in self._held:
                held.is_lost = True
            self._held.clear()


class _Figures(TypedDict):
    oldest_open_ms: int
    now_ms: int
    ttl_ms: int


class ReaderRow:
    """A process's row in the catalog. For one thread at a time."""

    def __init__(
        self,
        catalog: Catalog,
        states: OpenStates,
        *,
        clock_ms: Callable[[], int] = now_ms,
        timer_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalog = catalog
        self._states = states
        self._clock_ms = clock_ms
        self._timer_s = timer_s
        self._id: str | None = None

    def renew(self) -> bool:
        """Say that this process is there; the first time, and after it was taken out, under a new id.

        False: it had been taken out. Raises StorageError, CatalogBusy: try again soon.
        """
        begun_s, was_known = self._timer_s(), self._id is not None
        if self._id is not None and not self._catalog.renew_reader(self._id, **self._figures()):
            self._id = None
            self._states.lose()
        is_known = self._id is not None
        if self._id is None:
            reader_id = secrets.token_hex(8)
            self._catalog.add_reader(reader_id, **self._figures())
            self._id = reader_id
        self._states.promise(begun_s + READER_TTL_MS / 1000)
        return is_known or not was_known

    def _figures(self) -> _Figures:
        oldest_ms = self._states.oldest_ms()  # before the present: what is opened between is newer than either
        return {"oldest_open_ms": oldest_ms, "now_ms": self._clock_ms(), "ttl_ms": READER_TTL_MS}

    def withdraw(self) -> None:
        """This process reads no more. Raises StorageError; then the row expires by itself."""
        if self._id is not None:
            self._catalog.remove_reader(self._id)
            self._id = None
