"""Hypercorn's request on a connection of HTTP/2, mended in three places.

Hypercorn 0.18 sends `100 Continue` as soon as it has read the headers, so that a client sends all of a body that is
then refused; its reader waits for ever to hand a body to an application that has ended; and a path that is not ASCII,
which HTTP/2 can carry, ends the connection.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import trio
from hypercorn.protocol.events import Body, Event, Request, Response
from hypercorn.protocol.http_stream import ASGIHTTPState, HTTPStream
from hypercorn.typing import ASGIReceiveCallable, ASGIReceiveEvent, ASGISendCallable, Scope

_ASCII = "".join(map(chr, range(0x80)))


class RequestStream(HTTPStream):
    """One request and its answer."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._wrapped_app = self.app
        self.app = self._run_app
        self._awaits_continue = False
        self._app_ended = False
        self._handovers: set[trio.CancelScope] = set()

    async def handle(self, event: Event) -> None:
        """See HTTPStream."""
        if isinstance(event, Request):
            self._awaits_continue = _awaits_continue(event)
            await super().handle(replace(event, raw_path=quote(event.raw_path, safe=_ASCII).encode("ascii")))
            return
        if isinstance(event, Body):
            self._awaits_continue = False
        with trio.CancelScope() as scope:
            self._handovers.add(scope)
            if self._app_ended:
                scope.cancel()
            try:
                await super().handle(event)
            finally:
                self._handovers.remove(scope)

    async def _run_app(
        self,
        scope: Scope,
        receive: ASGIReceiveCallable,
        send: ASGISendCallable,
        sync_spawn: Callable[..., Any],
        call_soon: Callable[..., Any],
    ) -> None:
        async def receive_asked_for() -> ASGIReceiveEvent:
            await self._send_continue()
            return await receive()

        try:
            await self._wrapped_app(scope, receive_asked_for, send, sync_spawn, call_soon)
        finally:
            self._app_ended = True
            for handover in self._handovers:
                handover.cancel()

    async def _send_continue(self) -> None:
        """Ask for the body, now that somebody wants it, unless the answer has begun already."""
        if self._awaits_continue and self.state is ASGIHTTPState.REQUEST:
            self._awaits_continue = False
            await self.send(Response(stream_id=self.stream_id, headers=[], status_code=100))


def _awaits_continue(request: Request) -> bool:
    expectations = [value.lower() for name, value in request.headers if name.lower() == b"expect"]
    return request.http_version != "1.0" and b"100-continue" in expectations
