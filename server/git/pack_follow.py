"""Reading a pack section while it is made: one client's side of a build."""

from __future__ import annotations

import trio

from packengine.repository.answers import EntryReader
from server.git.native import WorkerThreads
from server.git.pack_board import Board
from server.git.pack_source import Piece


class FollowedPack:
    """A PackSource. It joins the build at once, and must be closed."""

    def __init__(self, board: Board, threads: WorkerThreads) -> None:
        self._board = board
        self._threads = threads
        self._reader: EntryReader | None = None
        self._position = 0
        self.object_count = 0
        self.reused_count = 0
        board.join(self)

    async def begin(self) -> None:
        """Wait until it is known what the pack holds."""
        board = self._board
        while board.object_count is None:
            if board.failure is not None:
                raise board.failure
            await board.changed.wait()
        self.object_count = board.object_count

    async def read(self) -> Piece:
        """The next piece, as soon as there is one."""
        board = self._board
        if board.whole is not None:
            self.reused_count = board.reused_count
            return Piece((board.whole,), is_last=True)
        while True:
            changed, ended = board.changed, board.ended
            piece = await self._next()
            if piece is not None:
                return Piece((piece,), is_last=not piece or self._is_done)
            if board.failure is not None and ended:
                raise board.failure
            if ended:
                self.reused_count = board.reused_count
                return Piece((), is_last=True)
            await changed.wait()

    @property
    def _is_done(self) -> bool:
        """Whether there is nothing behind what was read."""
        board = self._board
        done = board.ended and board.failure is None and self._position == board.filed_pieces
        if done:
            self.reused_count = board.reused_count
        return done

    async def close(self) -> None:
        """Leave the build; it ends if nobody else waits."""
        self._board.leave(self)
        if self._reader is not None:
            with trio.CancelScope(shield=True):
                await self._threads.run(self._reader.close)

    async def _next(self) -> bytes | None:
        """A piece, or None if there is none yet."""
        board, piece = self._board, None
        if self._position < board.filed_pieces:
            piece = await self._threads.run(self._read_file)
            board.has_reader(self)
        elif board.loose is not None and board.loose.number == self._position:
            piece = board.loose.data
        if piece:
            self._position += 1
            board.take(self)
        return piece

    def _read_file(self) -> bytes | None:
        if self._reader is None:
            assert self._board.open_reader is not None  # noqa: S101  # set before the first piece was filed
            self._reader = self._board.open_reader()
            self._reader.begin()  # the header is there: it comes before whatever makes `filed_pieces` rise
        piece = self._reader.read()
        self.reused_count = self._reader.reused_count
        return piece
