"""Clients that go away while they are being answered.

Nothing is read from a client while its answer is made, so its going away has to be looked for. A task for each request
that waits for a byte would cost as much as many a request; here one task asks the kernel about all connections whose
answer takes longer than a moment.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TypeAlias

import trio

PERIOD_S = 0.1

DEPARTURES = "packhouse.departures"
"""The ASGI extension: `scope["extensions"][DEPARTURES]` is the connection's `Departure`. HTTP/1.1 has it."""

_TCP_ESTABLISHED = 1

Tell: TypeAlias = Callable[[], None]


class DepartureBoard:
    """All connections on which somebody waits for the client's departure."""

    def __init__(self) -> None:
        self._watched: dict[Departure, None] = {}
        self._is_watching = trio.Event()

    def add(self, departure: Departure) -> None:
        """Look after this one from now on."""
        self._watched[departure] = None
        self._is_watching.set()

    def remove(self, departure: Departure) -> None:
        """Not any more."""
        self._watched.pop(departure, None)

    async def run(self) -> None:
        """For ever. Who comes and goes between two looks is never asked about."""
        while True:
            await self._is_watching.wait()
            seen = list(self._watched)
            await trio.sleep(PERIOD_S)
            for departure in seen:
                if departure in self._watched:
                    departure.look()
            if not self._watched:
                self._is_watching = trio.Event()


class Departure:
    """The going away of one connection's client."""

    def __init__(self, board: DepartureBoard, peer: socket.socket) -> None:
        self._board = board
        self._peer = peer
        self._told: list[Tell] = []
        self.has_happened = False

    def tells(self, tell: Tell) -> _Telling:
        """A context in which `tell` is called once if the client goes away, or has already."""
        return _Telling(self, tell)

    def begin(self, tell: Tell) -> None:
        """The same until `end`."""
        if self.has_happened:
            tell()
        self._told.append(tell)
        self._board.add(self)

    def end(self, tell: Tell) -> None:
        """See `begin`."""
        self._told.remove(tell)
        if not self._told:
            self._board.remove(self)

    async def wait(self) -> None:
        """Until the client has gone."""
        gone = trio.Event()
        with self.tells(gone.set):
            await gone.wait()

    def look(self) -> None:
        """Ask the kernel. Who has closed its side has gone: no client of Git or of REST half-closes a connection."""
        try:
            state = self._peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        except OSError:
            state = 0
        if state != _TCP_ESTABLISHED:
            self.happen()

    def happen(self) -> None:
        """It was seen to have gone."""
        if not self.has_happened:
            self.has_happened = True
            self._board.remove(self)
            for tell in list(self._told):
                tell()


class _Telling:
    """A generator would cost as much as all that it stands around."""

    __slots__ = ("_departure", "_tell")

    def __init__(self, departure: Departure, tell: Tell) -> None:
        self._departure = departure
        self._tell = tell

    def __enter__(self) -> None:
        self._departure.begin(self._tell)

    def __exit__(self, *_: object) -> None:
        self._departure.end(self._tell)
