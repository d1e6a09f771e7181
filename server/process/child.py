"""One worker process, as the parent holds it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import trio

from server.metrics import FOLDER_VARIABLE
from server.process.orders import READY, Orders, encode_orders

# -P: a file called server.py in the operator's current folder must not stand in for this package.
# Packs pass through in pieces of a mebibyte. By default glibc hands each back to the kernel when it is freed, and the
# next one is faulted in anew, page by page: framing then runs at a tenth of its speed. Each arena keeps up to the trim
# threshold of what is freed, and glibc gives nearly every thread one of its own: clients that vanished would leave a
# worker 200 MiB larger, for ever. Two arenas serve as fast, since a piece takes far longer to fill than to allocate; a
# lower threshold instead costs a quarter of the throughput of many clients. An operator's own values win.
MALLOC_SETTINGS = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": str(8 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(32 << 20),
}

WORKER_COMMAND = (sys.executable, "-P", "-m", "server.process.worker")


class Child(Protocol):
    """What the supervisor asks of a worker."""

    @property
    def pid(self) -> int: ...

    async def wait_ready(self) -> bool:
        """Until it serves (True) or has closed its output, which it does by dying (False)."""

    async def tell(self, order: bytes) -> None:
        """Send an order; one that is dead already does not mind."""

    def kill(self) -> None: ...

    async def wait(self) -> int:
        """Until it has ended; its exit status, negative for a signal."""


class WorkerProcess:
    """A worker as a subprocess that inherited the listening socket."""

    def __init__(self, process: trio.Process) -> None:
        assert process.stdin is not None  # noqa: S101  # for the type checker: opened with two pipes
        assert process.stdout is not None  # noqa: S101
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout

    @property
    def pid(self) -> int:
        return self._process.pid

    async def wait_ready(self) -> bool:
        """See Child. Whatever else a library may print is passed over."""
        heard = b""
        while chunk := await self._stdout.receive_some():
            heard += chunk
            if READY in heard.split(b"\n")[:-1]:
                return True
        return False

    async def tell(self, order: bytes) -> None:
        """See Child."""
        try:
            await self._stdin.send_all(order + b"\n")
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return

    def kill(self) -> None:
        """See Child."""
        self._process.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        """See Child."""
        status = await self._process.wait()
        await self._stdin.aclose()
        await self._stdout.aclose()
        return status


async def start_worker(orders: Orders, *, metrics: Path) -> WorkerProcess:
    """Start a worker and hand it its orders. metrics: the folder in which all workers count."""
    process = await trio.lowlevel.open_process(
        WORKER_COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=(orders.listener_fd,),
        env={**MALLOC_SETTINGS, **os.environ, FOLDER_VARIABLE: str(metrics)},
    )
    worker = WorkerProcess(process)
    await worker.tell(encode_orders(orders).rstrip(b"\n"))
    return worker
