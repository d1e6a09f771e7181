"""Watching a part that another process builds, for all of this process who wait for it.

By looking at the file's size, in sleeps that grow from 1 to 20 ms while nothing comes. inotify would save these looks
at the price of a descriptor, a watch and native code; a look is an fstat(2) and a flock(2), neither of which touches
the disk, and 20 ms are little beside a build that takes long enough to be waited for.
"""

from __future__ import annotations

import trio

from packengine.repository.answers import EntryReader, PartElsewhere
from server.git.native import WorkerThreads
from server.git.pack_board import Board, BuilderGone

_SHORTEST_SLEEP_S = 0.001
_LONGEST_SLEEP_S = 0.020


async def watch(board: Board, part: PartElsewhere, threads: WorkerThreads) -> None:
    """Tell the board of each growth, until the builder is gone, or nobody waits any more.

    Raises BuilderGone in any case: a follower that finds no trailer in the file by then will never find one.
    """
    board.filed_pieces = float("inf")
    reader = part.open()  # /proc and an inode in memory: nothing that would wait for the disk
    try:
        seen_bytes, sleep_s = 0, _SHORTEST_SLEEP_S
        while part.has_builder() and not board.is_alone:
            size_bytes = part.size_bytes
            if size_bytes == seen_bytes:
                await trio.sleep(sleep_s)
                sleep_s = min(2 * sleep_s, _LONGEST_SLEEP_S)
                continue
            seen_bytes, sleep_s = size_bytes, _SHORTEST_SLEEP_S
            await _look(board, reader, threads)
        await _look(board, reader, threads)
        raise BuilderGone("the process that built it is gone")
    finally:
        reader.close()


async def _look(board: Board, reader: EntryReader, threads: WorkerThreads) -> None:
    if board.object_count is None and await threads.run(reader.begin):
        board.object_count = reader.object_count
    board.notify()
