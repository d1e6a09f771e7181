"""Entries of the pack cache, and the streams that tests make them of."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import cast

from core_ext import PackStream
from packengine.repository.answers import AnswerStore, EntryReader, Part

KEY = bytes(range(32))
PIECES = [b"PACK and the first bytes", b"some more " * 50, b"the end"]
COSTLY_US = 1_000_000


class FakeStream:
    """A pack in these pieces, whatever size is asked for. Each waits for `allow`, if it is given."""

    def __init__(self, pieces: list[bytes], allow: threading.Semaphore | None = None) -> None:
        self.object_count = 7
        self.reused_count = 5
        self._pieces = list(pieces)
        self._allow = allow

    def read(self, _max_bytes: int) -> bytes:
        """The next piece, or the error that stands in its place."""
        if self._allow is not None:
            self._allow.acquire()
        return self._pieces.pop(0) if self._pieces else b""

    def read_parts(
        self, max_made_bytes: int, _max_bytes: int, _max_packet_bytes: int | None
    ) -> tuple[list[memoryview], bool]:
        """The same, told to be the last when there is none any more."""
        piece = self.read(max_made_bytes)
        return ([memoryview(piece)] if piece else [], not piece)

    def as_stream(self) -> PackStream:
        """For the type checker: PackStream is final, and only the compiled core makes one."""
        return cast("PackStream", self)


def claimed(store: AnswerStore, key: bytes = KEY) -> Part:
    """The right to build an entry that nobody has."""
    part = store.claim(key)
    assert isinstance(part, Part)
    return part


def fill(part: Part, pieces: list[bytes] = PIECES, build_us: int = COSTLY_US) -> None:
    """Write all of an entry."""
    part.begin(7)
    for piece in pieces:
        part.append(piece)
    part.finish(reused_count=5, build_us=build_us)


def keep(store: AnswerStore, key: bytes = KEY, pieces: list[bytes] = PIECES, build_us: int = COSTLY_US) -> None:
    """Build and publish an entry."""
    part = claimed(store, key)
    fill(part, pieces, build_us)
    store.publish(key, part, build_us)
    part.abandon()
    part.close()
    store.make_room(sum(map(len, pieces)))


def read_rest(reader: EntryReader) -> list[bytes]:
    """What is left of a complete entry, and close it."""
    pieces = []
    try:
        while piece := reader.read():
            pieces.append(piece)
        assert piece == b"", "it ends early, and nobody noticed"
    finally:
        reader.close()
    return pieces


def entry_paths(folder: Path) -> list[Path]:
    """The entries under `derived/answers/`, whichever boot's."""
    return sorted(folder.glob("*/??/*"))
