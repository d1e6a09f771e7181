"""The task that makes a pack section, into a file, at its own speed; clients read the file, each at its own.

It is a task of its own so that it outlives the request that began it while others wait. It is cancelled when the last
of this process leaves, unless somebody waits in another process.
"""

from __future__ import annotations

import errno
import logging
import os
import time

import trio

from core_ext import Cancel, PackStream
from packengine.protocol import PackFrame
from packengine.repository.answers import AnswerStore, EntryReader, Part, PartElsewhere
from server.git.native import ThreadPools
from server.git.pack_board import Board, BuilderGone, LoosePiece
from server.git.pack_source import OpenPack, Piece, read_stream
from server.git.pack_watch import watch

_UNKEPT_BYTES = 16 * 1024
"""What one commit changes, say: to claim it and to keep a file of it takes longer than to make it again."""

_log = logging.getLogger(__name__)


class Build:
    """Makes one pack section, unless another process does already: then it watches that."""

    def __init__(
        self,
        store: AnswerStore,
        pools: ThreadPools,
        key: bytes,
        open_pack: OpenPack,
        frame: PackFrame,
        *,
        is_likely_small: bool = False,
    ) -> None:
        """is_likely_small: whether to begin without a claim, which follows if there is more than a file is worth."""
        self.board = Board()
        self.board.when_alone = self._cancel_if_unwanted
        self.is_elsewhere = False
        self.may_be_joined = True
        """Not once pieces went by that are in no file, nor after the end."""

        self._store = store
        self._pools = pools
        self._key = key
        self._open_pack = open_pack
        self._frame = frame
        self._is_likely_small = is_likely_small
        self._scope = trio.CancelScope()
        self._cancel = Cancel()
        self._claimed: Part | PartElsewhere | None = None
        self._part: Part | None = None
        """Where pieces go, as long as there is room."""

        self._stream: PackStream | None = None
        self._is_settled = False
        """Whether nothing is held any more."""

        self._began_ns = time.perf_counter_ns()
        self._written_bytes = 0

    async def run(self) -> None:
        """The whole life of the task. Failures are the followers' to raise; none leaves this."""
        failure: Exception | None = BuilderGone("nobody waited for it")
        try:
            with self._scope:
                await self._run()
                failure = None
        except Exception as error:  # noqa: BLE001  # not swallowed: every follower raises it
            failure = error
        finally:
            self.may_be_joined = False
            if failure is None:
                self.board.end(None)
            with trio.CancelScope(shield=True):
                if not self._is_settled:
                    await self._pools.packs.run(self._let_go)
                self.board.end(failure)  # of a failure they hear when its part is gone: whoever tries again begins anew
                if not self._is_settled:
                    await self.board.all_have_readers()
                    await self._pools.packs.run(self._close)

    async def _run(self) -> None:
        first = await self._pools.fetches.run(self._begin, stop=self._cancel.set)
        if isinstance(self._claimed, PartElsewhere):
            self.is_elsewhere = True
            await watch(self.board, self._claimed, self._pools.packs)
        elif first is not None:
            await self._make(first)

    def _begin(self) -> tuple[Piece, bool] | None:
        """All that most packs need, in one visit to a thread: claim, make, keep, let go. None if another makes it."""
        first = self._first_unclaimed() if self._is_likely_small else None
        if first is not None and first.is_last and len(first.data) <= _UNKEPT_BYTES:
            self._is_settled = True
            return first, False
        self._claim()
        if isinstance(self._claimed, PartElsewhere):
            self._stream = None
            return None
        if self._stream is None:
            self._stream = self._open_pack(self._cancel)
        piece, is_filed = self._make_piece(first)
        if piece.is_last:
            self._let_go()
            self._close()
            self._is_settled = True
        return piece, is_filed

    def _first_unclaimed(self) -> Piece:
        self._stream = self._open_pack(self._cancel)
        return read_stream(self._stream, self._frame)

    def _claim(self) -> None:
        try:
            claimed = self._store.claim(self._key)
        except OSError as error:
            self._go_on_without(error)
            return
        if isinstance(claimed, EntryReader):
            claimed.close()
            raise BuilderGone("somebody has just finished it")
        self._claimed = claimed
        self.board.open_reader = claimed.open
        if isinstance(claimed, Part):
            self._part = claimed

    async def _make(self, made: tuple[Piece, bool]) -> None:
        board, stream = self.board, self._stream
        assert stream is not None  # noqa: S101  # for the type checker: what is made comes out of it
        board.object_count = stream.object_count
        if made[0].is_last:
            board.whole = made[0].data
        number = 0
        while board.whole is None:
            piece, is_filed = made
            if is_filed:
                board.filed_pieces += 1
            if piece.is_last and is_filed:
                board.reused_count = stream.reused_count
                board.end(None)  # with the piece: a follower can tell that it is the last one
            elif is_filed:
                board.notify()
            elif piece.data:
                await board.hand_over(LoosePiece(number, piece.data))
            if piece.is_last:
                break
            self._cancel_if_unwanted()
            number += 1
            made = await self._pools.packs.run(self._make_piece, stop=self._cancel.set)
        board.reused_count = stream.reused_count

    def _make_piece(self, made: Piece | None = None) -> tuple[Piece, bool]:
        """The next piece, or one that is made already, and whether it is in the file."""
        assert self._stream is not None  # noqa: S101  # for the type checker
        piece, is_filed = made or read_stream(self._stream, self._frame), False
        if self._part is not None:
            try:
                is_filed = self._file(self._part, self._stream, piece.data)
                if piece.is_last:
                    self._finish(self._part, self._stream)
            except OSError as error:
                self._go_on_without(error)
        return piece, is_filed

    def _file(self, part: Part, stream: PackStream, data: bytes) -> bool:
        if not self._written_bytes:
            part.begin(stream.object_count)
        self._written_bytes += len(data)
        if self._written_bytes > self._store.max_entry_bytes:
            raise OSError(errno.EFBIG, f"an answer of more than {self._store.max_entry_bytes} bytes")
        if data:
            part.append(data)
        return bool(data)

    def _finish(self, part: Part, stream: PackStream) -> None:
        build_us = (time.perf_counter_ns() - self._began_ns) // 1000
        part.finish(reused_count=stream.reused_count, build_us=build_us)
        self._store.publish(self._key, part, build_us)

    def _go_on_without(self, error: OSError) -> None:
        """No room: from now on pieces go from hand to hand, to those who are there."""
        self.may_be_joined = False
        if self._part is not None:
            self._part.abandon()
        self._part = None
        _log.warning("an answer is not kept", extra={"fields": {"reason": os.strerror(error.errno or errno.EIO)}})

    def _cancel_if_unwanted(self) -> None:
        if self.board.is_alone and not (isinstance(self._claimed, Part) and self._claimed.is_awaited()):
            self.may_be_joined = False
            self._scope.cancel()

    def _let_go(self) -> None:
        try:
            if isinstance(self._claimed, Part):
                self._claimed.abandon()
            if self._part is not None:
                self._store.make_room(self._written_bytes)
        except OSError as error:  # nobody's answer depends on it: the sweep of the next start sees to the rest
            _log.warning("an answer's leavings stay", extra={"fields": {"reason": str(error)}})

    def _close(self) -> None:
        if self._claimed is not None:
            self._claimed.close()
