"""What a process holds, read from the outside. Format: proc(5)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

SETTLE_S = 20.0
POLL_S = 0.02
_LISTENS = "0A"


def peak_rss_bytes(pid: int) -> int:
    """The most memory it held since it started, or since `reset_peak_rss`."""
    return _status(pid, "VmHWM") * 1024


def anonymous_rss_bytes(pid: int) -> int:
    """Memory that is no file's."""
    return _status(pid, "RssAnon") * 1024


def reset_peak_rss(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def thread_count(pid: int) -> int:
    return _status(pid, "Threads")


def open_files(pid: int) -> list[str]:
    """What its file descriptors stand for: paths, and `socket:[…]`."""
    return [target for fd in Path(f"/proc/{pid}/fd").iterdir() if (target := _target(fd)) is not None]


def open_connections(pid: int, port: int) -> int:
    """TCP connections to that port that it holds, in whatever state, and those that wait to be accepted."""
    held = set(open_files(pid))
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    ours = [row for row in rows if row[1].endswith(f":{port:04X}") and f"socket:[{row[9]}]" in held]
    return sum(_waiting(row[4]) if row[3] == _LISTENS else 1 for row in ours)


def _waiting(queues: str) -> int:
    """Of a listening socket the second queue is that of connections, also of those that were reset meanwhile."""
    return int(queues.split(":")[1], 16)


def settles(condition: Callable[[], bool]) -> bool:
    """Whether it comes true. Only for what another process does of itself, and tells nobody."""
    ends_at = monotonic() + SETTLE_S
    while not condition():
        if monotonic() > ends_at:
            return False
        sleep(POLL_S)
    return True


def _target(fd: Path) -> str | None:
    try:
        return str(fd.readlink())
    except FileNotFoundError:  # closed since it was listed
        return None


def _status(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
