"""Finding the first ref from many places on, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from packengine.refs.blocks import RefEntry
from packengine.refs.table import RefTable

_READ_ON = 256
"""Entries passed over before a block is looked up instead: about as many as one block holds."""


class RefSeeker:
    """A place in a table that goes forward cheaply: places that ascend are reached by reading on."""

    def __init__(self, table: RefTable) -> None:
        self._table = table
        self._start = b""
        self._entries: Iterator[RefEntry] = table.scan()
        self._step()

    def first_from(self, start: bytes) -> bytes | None:
        """The first name that is not before `start`."""
        if start < self._start:
            self._go_to(start)
        self._start = start
        for _ in range(_READ_ON):
            if self._name is None or self._name >= start:
                return self._name
            self._step()
        self._go_to(start)
        return self._name

    def _go_to(self, start: bytes) -> None:
        self._start = start
        self._entries = self._table.scan(start)
        self._step()

    def _step(self) -> None:
        entry = next(self._entries, None)
        self._name = entry.name if entry is not None else None
