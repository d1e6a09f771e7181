"""Making a pack section, into a file, at its own speed; clients read the file, each at its own.

The first piece, which is all of most packs, is made in the thread where somebody first asked for it. If there is more,
a task of its own goes on, so that it outlives the request that began it while others wait. It is cancelled when the
last of this process leaves, unless somebody waits in another process.
"""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import Callable

import trio

from core_ext import Cancel, Cancelled, PackStream
from packengine.protocol import PackFrame
from packengine.repository.answers import AnswerStore, EntryReader, Part, PartElsewhere
from server.git.native import ThreadPools
from server.git.pack_board import Board, BuilderGone, LoosePiece
from server.git.pack_source import OpenPack, Piece, read_stream
from server.git.pack_watch import watch

_UNKEPT_BYTES = 16 * 1024
"""What one commit changes, say: to keep a file of it takes longer than to make it again."""

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
        when_over: Callable[[bytes, Build], None],
        *,
        is_likely_small: bool = False,
    ) -> None:
        """when_over: called with key and build when nobody may join any more.

        is_likely_small: whether to begin without a claim, which follows if there is more than one piece.
        """
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
        self._when_over = when_over
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
        self._unclaimed: Piece | None = None
        """All of the pack, where it was made without a claim."""

        self._build_us = 0
        """Of that; 0 for what is made with a claim."""

        self._written_bytes = 0
        self._made: tuple[Piece, bool] | None = None
        """What `begin_here` made, and whether it is in the file."""

        self._failure: Exception | None = None

    @property
    def is_at_hand(self) -> bool:
        """Whether all of it was made by `begin_here`."""
        return self._made is not None and self._made[0].is_last

    def begin_here(self) -> None:
        """All that most packs need, in the thread that one is in: claim, make, keep, let go. Then comes `go_on`.

        What goes wrong is the followers' to raise.
        """
        try:
            self._begin()
        except Exception as failure:  # noqa: BLE001  # not swallowed: every follower raises it
            self._failure = BuilderGone("nobody waited for it") if isinstance(failure, Cancelled) else failure
            self._made = None
            self._let_go()
            self._close()
            self._is_settled = True

    def stop_if_alone(self) -> None:
        """Whoever began it waits no longer; others may."""
        if self.board.is_alone:
            self._cancel.set()

    def go_on(self) -> None:
        """Tell everybody what came of the beginning, and do the rest. On the event loop, once."""
        if not self._is_settled:
            trio.lowlevel.spawn_system_task(self._go_on)
            return
        self.may_be_joined = False
        self._when_over(self._key, self)
        if self._made is not None:
            self._tell_whole(self._made[0])
        self.board.end(self._failure)

    async def _go_on(self) -> None:
        """The life of the task. Failures are the followers' to raise; none leaves this."""
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
                self._when_over(self._key, self)

    async def _run(self) -> None:
        if isinstance(self._claimed, PartElsewhere):
            await watch(self.board, self._claimed, self._pools.packs)
        elif self._made is not None:
            await self._make(self._made)

    def _begin(self) -> None:
        first = self._first_unclaimed() if self._is_likely_small else None
        if first is not None and first.is_last:
            self._made, self._is_settled = (first, False), True
            return
        self._claim()
        if isinstance(self._claimed, PartElsewhere):
            self._stream, self.is_elsewhere = None, True
            return
        if self._stream is None:
            self._stream = self._open_pack(self._cancel)
        self._made = self._make_piece(first)
        if self._made[0].is_last:
            self._let_go()
            self._close()
            self._is_settled = True

    def _first_unclaimed(self) -> Piece:
        self._stream = self._open_pack(self._cancel)
        first = read_stream(self._stream, self._frame)
        if first.is_last:
            self._unclaimed, self._build_us = first, self._us_so_far()
        return first

    @property
    def is_to_be_kept(self) -> bool:
        """Whether it was made without a claim, and is worth a file all the same."""
        whole = self._unclaimed
        return whole is not None and len(whole.data) > _UNKEPT_BYTES and self._store.is_worth_it(self._build_us)

    def keep(self) -> None:
        """Keep what was made without a claim. In a thread, behind the answer: no client waits for this."""
        try:
            self._claim()
        except BuilderGone:
            return
        if self._part is not None:
            self._make_piece(self._unclaimed)
        self._let_go()
        self._close()

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

    def _tell_whole(self, piece: Piece) -> None:
        board, stream = self.board, self._stream
        assert stream is not None  # noqa: S101  # for the type checker: what is made comes out of it
        board.object_count, board.reused_count, board.whole = stream.object_count, stream.reused_count, piece.data

    async def _make(self, made: tuple[Piece, bool]) -> None:
        board, stream = self.board, self._stream
        assert stream is not None  # noqa: S101  # for the type checker: what is made comes out of it
        board.object_count = stream.object_count
        number = 0
        while True:
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
        build_us = self._build_us or self._us_so_far()
        part.finish(reused_count=stream.reused_count, build_us=build_us)
        self._store.publish(self._key, part, build_us)

    def _us_so_far(self) -> int:
        return (time.perf_counter_ns() - self._began_ns) // 1000

    def _go_on_without(self, error: OSError) -> None:
        """No room: from now on pieces go from hand to hand, to those who are there."""
        if self._part is not None:
            self._part.abandon()  # first: who may not join claims the name, and must not find it taken by us
        self._part = None
        self.may_be_joined = False
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
