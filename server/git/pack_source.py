"""Where the framed pieces of a pack come from: straight from the object database, or from the cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import trio

from core_ext import Cancel, PackStream
from packengine.protocol import PackFrame
from packengine.repository.answers import CorruptEntry, EntryReader
from server.git.native import ThreadPools, WorkerThreads

PIECE_BYTES = 1 << 20

OpenPack = Callable[[Cancel], PackStream]


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

    async def read(self) -> bytes:
        """The next piece in its frame; b"" at the end."""

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
        self.object_count = 0

    @property
    def reused_count(self) -> int:
        """So far."""
        return 0 if self._stream is None else self._stream.reused_count

    async def begin(self) -> None:
        """Find out what the pack holds."""
        stream = await self._pools.fetches.run(lambda: self._open_pack(self._cancel), stop=self._cancel.set)
        self._stream, self.object_count = stream, stream.object_count

    async def read(self) -> bytes:
        """The next piece in its frame; b"" at the end."""
        return await self._pools.packs.run(self._read, stop=self._cancel.set)

    async def close(self) -> None:
        """The stream goes with this object."""

    def _read(self) -> bytes:
        return b"" if self._stream is None else self._frame.data(self._stream.read(PIECE_BYTES))


class EntryPack:
    """A pack that lies in the cache."""

    def __init__(
        self, threads: WorkerThreads, reader: EntryReader, drop: Callable[[EntryReader, CorruptEntry], None]
    ) -> None:
        self._threads = threads
        self._reader = reader
        self._drop = drop
        self.object_count = reader.object_count
        self.reused_count = reader.reused_count

    async def begin(self) -> None:
        """All is known from the start."""

    async def read(self) -> bytes:
        """The next piece in its frame; b"" at the end. Raises CorruptEntry, having dropped the entry."""
        return await self._threads.run(self._read)

    async def close(self) -> None:
        """Close the file. Its space is freed now if it was evicted meanwhile, which takes a while."""
        with trio.CancelScope(shield=True):
            await self._threads.run(self._reader.close)

    def _read(self) -> bytes:
        try:
            piece = self._reader.read()
        except CorruptEntry as error:
            self._drop(self._reader, error)
            raise
        return piece or b""
