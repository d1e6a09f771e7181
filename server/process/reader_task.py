"""The task that keeps a worker's row among the readers alive: collection stays behind what requests have open."""

from __future__ import annotations

import logging
from collections.abc import Callable

import trio

from packengine.repository.open_states import ReaderRow
from packengine.storage.ports import StorageError
from server.git.native import WorkerThreads

RENEW_S = 30.0
"""Three renewals fit into the life of a row, and one or two may fail."""

RETRY_S = 2.0
_log = logging.getLogger("packhouse.process")


async def keep_reader_row(
    row: ReaderRow,
    let_go_of_deleted: Callable[[], None],
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Renew it until cancelled, then withdraw it. What was deleted meanwhile is let go of as often.

    Started once it is there, or could not be written at the first try.
    """
    threads, is_first = WorkerThreads(1), True
    try:
        while True:
            is_renewed = await _renewed(row, threads)
            if is_first:
                task_status.started()
                is_first = False
            await _let_go(let_go_of_deleted, threads)
            await trio.sleep(RENEW_S if is_renewed else RETRY_S)
    finally:
        with trio.CancelScope(shield=True):
            await _withdraw(row, threads)


async def _renewed(row: ReaderRow, threads: WorkerThreads) -> bool:
    try:
        if not await threads.run(row.renew):
            _log.warning("out of touch for too long: what was open counts as lost")
    except StorageError as error:
        _log.warning("this process's row among the readers was not renewed", extra={"fields": {"error": str(error)}})
        return False
    return True


async def _let_go(let_go_of_deleted: Callable[[], None], threads: WorkerThreads) -> None:
    try:
        await threads.run(let_go_of_deleted)
    except Exception:  # noqa: BLE001  # logged; the disk waits for its space, and no request is to end for that
        _log.exception("what was deleted was not let go of")


async def _withdraw(row: ReaderRow, threads: WorkerThreads) -> None:
    try:
        await threads.run(row.withdraw)
    except StorageError as error:  # it expires by itself
        _log.warning("this process's row among the readers stays", extra={"fields": {"error": str(error)}})
