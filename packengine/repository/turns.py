"""Taking turns by key: who comes while another one works for the same key is served with all who came, at once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Generic, TypeVar

T = TypeVar("T")

MAX_SERVED = 32
"""Bounds how long one who serves works for others."""


@dataclass(slots=True)
class _Line(Generic[T]):
    turn: Lock = field(default_factory=Lock)
    waiting: list[T] = field(default_factory=list)
    users: int = 0


class Turns(Generic[T]):
    """Thread-safe. `serve` gets items of one key, in the order they came, and must leave with each its own result.

    It is called by a thread that brought one of them, and never for one key by two threads at once.
    """

    def __init__(
        self,
        serve: Callable[[Sequence[T]], None],
        enter: Callable[[Any], AbstractContextManager[None]] = lambda _: nullcontext(),
    ) -> None:
        """enter: a context, by key, to serve in. Who comes while it is entered is served with the others."""
        self._serve = serve
        self._enter_key = enter
        self._lock = Lock()
        self._lines: dict[Hashable, _Line[T]] = {}

    def take(self, key: Hashable, item: T) -> None:
        """Return when the item has been served, by this thread or by another one."""
        line = self._enter(key, item)
        try:
            with line.turn:
                if item in line.waiting:
                    self._serve_until(key, line, item)
        finally:
            self._leave(key, line, item)

    def _serve_until(self, key: Hashable, line: _Line[T], item: T) -> None:
        while item in line.waiting:
            with self._enter_key(key):
                self._serve(self._next(line))

    def _enter(self, key: Hashable, item: T) -> _Line[T]:
        with self._lock:
            line = self._lines.setdefault(key, _Line())
            line.users += 1
            line.waiting.append(item)
        return line

    def _next(self, line: _Line[T]) -> Sequence[T]:
        with self._lock:
            served, line.waiting = line.waiting[:MAX_SERVED], line.waiting[MAX_SERVED:]
        return served

    def _leave(self, key: Hashable, line: _Line[T], item: T) -> None:
        with self._lock:
            if item in line.waiting:  # interrupted before its turn came
                line.waiting.remove(item)
            line.users -= 1
            if not line.users:
                del self._lines[key]
