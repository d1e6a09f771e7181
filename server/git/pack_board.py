"""What is known of a pack section while it is being made, and who waits for it. One for each in a process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import trio

from core_ext import CoreError
from packengine.repository.answers import EntryReader


class BuilderGone(CoreError):
    """The build ended without a result: its process died, or gave up as nobody seemed to wait."""


@dataclass(frozen=True, slots=True)
class LoosePiece:
    """A piece that found no room in the file, in memory until everybody has it."""

    number: int
    data: bytes


class Board:
    """Written by the task that builds or watches, read by followers; all of it on the event loop."""

    def __init__(self) -> None:
        self.changed = trio.Event()
        """Set, and replaced by a new one, at each change: take it before looking at the rest."""

        self.object_count: int | None = None
        self.reused_count = 0
        self.filed_pieces: float = 0
        """How many pieces are complete in the file; infinite where only the file itself tells."""

        self.whole: bytes | None = None
        """All of it, where that is one piece: nobody need open the file, which may be gone by then."""

        self.loose: LoosePiece | None = None
        self.ended = False
        self.failure: Exception | None = None
        self.open_reader: Callable[[], EntryReader] | None = None
        """Opens the file, once there is one; in a thread."""

        self.when_alone: Callable[[], None] = _do_nothing
        """Called when the last follower leaves before the end."""

        self._taken: dict[object, int] = {}
        self._with_reader: set[object] = set()

    @property
    def is_alone(self) -> bool:
        """Whether nobody of this process waits."""
        return not self._taken

    def join(self, follower: object) -> None:
        """Wait for this pack."""
        self._taken[follower] = 0

    def take(self, follower: object) -> None:
        """The follower has one piece more."""
        self._taken[follower] += 1
        if self.loose is not None:
            self.notify()

    def has_reader(self, follower: object) -> None:
        """The follower has opened the file for itself."""
        if follower not in self._with_reader:
            self._with_reader.add(follower)
            self.notify()

    async def all_have_readers(self) -> None:
        """Wait until nobody will open the file any more."""
        while self.filed_pieces and not self._taken.keys() <= self._with_reader:
            await self.changed.wait()

    def leave(self, follower: object) -> None:
        """Wait no longer."""
        del self._taken[follower]
        self._with_reader.discard(follower)
        self.notify()
        if self.is_alone and not self.ended:
            self.when_alone()

    def notify(self) -> None:
        """Wake everybody."""
        self.changed.set()
        self.changed = trio.Event()

    async def hand_over(self, piece: LoosePiece) -> None:
        """Keep a piece until every follower has it."""
        self.loose = piece
        self.notify()
        while any(taken <= piece.number for taken in self._taken.values()):
            await self.changed.wait()
        self.loose = None

    def end(self, failure: Exception | None) -> None:
        """Nothing more will come."""
        self.failure = failure
        self.ended = True
        self.notify()


def _do_nothing() -> None:
    pass
