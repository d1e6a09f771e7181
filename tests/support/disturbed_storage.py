"""Storage in memory that does something else before the n-th call: another thread or process that comes in between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.fakes import MemoryBlobStore, MemoryCatalog

_CATALOG_CALLS = frozenset(
    {
        *(
            "begin_mark",
            "pointer_uses",
            "row_keys",
            "condemn",
            "end_mark",
            "condemned",
            "pardon",
            "delete_rows",
            "forget",
        ),
        *("give_up_tombstones", "expire_readers", "readers", "next_generation", "row"),
        *("repositories", "repository", "pointer", "current", "publish", "create_repositories"),
    }
)
_BLOB_CALLS = frozenset({"contains", "delete", "open", "put_file", "size_bytes", "stored"})


class Disturbance:
    """What is to happen once, before one of the calls from the moment of arming on; and nothing meanwhile."""

    def __init__(self) -> None:
        self._act: Callable[[], object] | None = None
        self._call: str | None = None
        self._left = 0

    def arm(self, act: Callable[[], object], at: int = 0, *, call: str | None = None) -> None:
        """Act before call number `at`; of those of that name, if one is given."""
        self._act, self._left, self._call = act, at, call

    def disarm(self) -> bool:
        """Whether it did not come to it."""
        was_armed, self._act = self._act is not None, None
        return was_armed

    def tick(self, name: str) -> None:
        """A call is about to be made."""
        if self._act is None or self._call not in (None, name):
            return
        if self._left:
            self._left -= 1
            return
        act, self._act = self._act, None
        act()


class DisturbedCatalog(MemoryCatalog):
    """A catalog whose calls are counted."""

    def __init__(self, disturbance: Disturbance) -> None:
        super().__init__()
        self._disturbance = disturbance

    def __getattribute__(self, name: str) -> Any:
        if name in _CATALOG_CALLS:
            self._disturbance.tick(name)
        return super().__getattribute__(name)


class DisturbedBlobStore(MemoryBlobStore):
    """A blob store whose calls are counted."""

    def __init__(self, scratch: Path, disturbance: Disturbance) -> None:
        super().__init__(scratch)
        self._disturbance = disturbance

    def __getattribute__(self, name: str) -> Any:
        if name in _BLOB_CALLS:
            self._disturbance.tick(name)
        return super().__getattribute__(name)
