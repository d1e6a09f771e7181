"""Where the framed pieces of a pack come from: straight from the object database, or from the cache.

A piece is a list of parts, which are not put together: the kernel takes each from where it is, and what is sent as it
is stored lies in the mapped pack. So a large clone costs one copy of each byte.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import trio

from core_ext import Cancel, PackStream
from packengine.protocol import PackFrame
from packengine.repository.answers import AnswerStore, CorruptEntry, EntryReader
from server.git.failures import FAILURES
from server.git.native import ThreadPools, WorkerThreads

PIECE_BYTES = 1 << 20
"""Of a piece that has memory of its own."""

STORED_PIECE_BYTES = 4 << 20
"""Of one that lies in a stored pack. A piece costs a visit to a thread, which is as long as a MiB takes to be sent."""

_ENTRY_PIECES = 2
"""So many pieces of an entry are read at once, for the same reason."""

OpenPack = Callable[[Cancel], PackStream]


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of a pack in its frame."""

    parts: Sequence[bytes | memoryview]
    """To be sent one behind the other. There may be none."""

    is_last: bool

    @property
    def data(self) -> bytes:
        """All of it together, a copy if there are several parts."""
        return bytes(self.parts[0]) if len(self.parts) == 1 else b"".join(self.parts)


class PackSource(Protocol):
    """One pack for one client. Raises what the engine raises."""

    @property
    def object_count(self) -> int:
        """Known after `begin`."""

    @property
    def reused_count(self) -> int:
        """Known at the end: objects that were copied as they are stored."""

    async def begin(self) -> None:
        """Find out what the pack holds."""

    async def read(self) -> Piece:
        """The next piece. The last one may be empty."""

    async def close(self) -> None:
        """Let go of what it holds, cancelled or not."""


class DirectPack:
    """A pack that is made for this client alone, as fast as the client takes it."""

    def __init__(self, pools: ThreadPools, open_pack: OpenPack, frame: PackFrame) -> None:
        self._pools = pools
        self._open_pack = open_pack
        self._frame = frame
        self._cancel = Cancel()
        self._stream: PackStream | None = None
        self._first: Piece | None = None
        self._failure: Exception | None = None
        self.object_count = 0

    @property
    def reused_count(self) -> int:
        """So far."""
        return 0 if self._stream is None else self._stream.reused_count

    @property
    def is_at_hand(self) -> bool:
        """Whether all of it has been read: to send it is one write."""
        return self._first is not None and self._first.is_last

    def begin_here(self) -> None:
        """Begin in the thread that one is in already, and have the first piece. What goes wrong `begin` will raise."""
        try:
            self._stream = self._open_pack(self._cancel)
            self.object_count = self._stream.object_count
            self._first = self._read()
        except FAILURES as failure:
            self._failure = failure

    def stop(self) -> None:
        """End the work that a thread does for it, soon."""
        self._cancel.set()

    async def begin(self) -> None:
        """Find out what the pack holds, and have its first piece in the same visit to a thread."""
        if self._stream is None and self._failure is None:
            await self._pools.fetches.run(self.begin_here, stop=self.stop)
        if self._failure is not None:
            raise self._failure

    async def read(self) -> Piece:
        """The next piece."""
        first, self._first = self._first, None
        if first is not None:
            return first
        return await self._pools.packs.run(self._read, stop=self.stop)

    async def close(self) -> None:
        """The stream goes with this object."""

    def _read(self) -> Piece:
        assert self._stream is not None  # noqa: S101  # for the type checker: `begin` came first
        parts, is_last = self._stream.read_parts(PIECE_BYTES, STORED_PIECE_BYTES, self._frame.data_packet_bytes)
        return Piece(parts, is_last)


class EntryPack:
    """A pack that lies in the cache, if it does."""

    def __init__(self, threads: WorkerThreads, store: AnswerStore, key: bytes) -> None:
        self._threads = threads
        self._store = store
        self._key = key
        self._reader: EntryReader | None = None
        self._first: Piece | None = None
        self.object_count = 0
        self.reused_count = 0

    def open_here(self) -> bool:
        """In a thread: have its first piece. Returns whether it is there; one that is damaged so far is not."""
        reader = self._store.open(self._key)
        if reader is not None:
            self._reader = reader
            self.object_count, self.reused_count = reader.object_count, reader.reused_count
            try:
                self._first = self._read()
            except CorruptEntry:
                reader.close()
                self._reader = None
        return self._first is not None

    @property
    def is_at_hand(self) -> bool:
        """Whether all of it has been read: to send it is one write."""
        return self._first is not None and self._first.is_last

    async def begin(self) -> None:
        """All is known since it was opened."""

    async def read(self) -> Piece:
        """The next piece. Raises CorruptEntry, having dropped the entry."""
        first, self._first = self._first, None
        if first is not None:
            return first
        return await self._threads.run(self._read)

    async def close(self) -> None:
        """Close the file. If it was evicted meanwhile its space is freed now, which takes a while. Idempotent."""
        reader, self._reader = self._reader, None
        if reader is not None:
            with trio.CancelScope(shield=True):
                await self._threads.run(reader.close)

    def _read(self) -> Piece:
        reader = self._reader
        assert reader is not None  # noqa: S101  # for the type checker: it was opened
        try:
            piece = _gather(lambda _: reader.read() or b"", _ENTRY_PIECES * PIECE_BYTES)
        except CorruptEntry as error:
            self._store.drop(self._key, reader, error)
            raise
        if piece.is_last:
            reader.close()  # here, rather than in a visit of its own
            self._reader = None
        return piece


def read_stream(stream: PackStream, frame: PackFrame) -> Piece:
    """The next piece of a pack, in its frame, in memory of its own: for whoever keeps it."""
    packet_bytes = frame.data_packet_bytes
    if packet_bytes is None:
        return _gather(stream.read, PIECE_BYTES)
    return _gather(lambda max_bytes: stream.read_in_band(max_bytes, packet_bytes), PIECE_BYTES)


def _gather(read: Callable[[int], bytes], room_bytes: int) -> Piece:
    """A piece, and whether it is the last one if that shows: a visit to a thread for each read costs more."""
    parts = [read(PIECE_BYTES)]
    room_bytes -= len(parts[0])
    while parts[-1] and room_bytes > 0:
        parts.append(read(min(room_bytes, PIECE_BYTES)))
        room_bytes -= len(parts[-1])
    is_last = not parts[-1]
    if is_last:
        parts.pop()
    return Piece(parts, is_last)
