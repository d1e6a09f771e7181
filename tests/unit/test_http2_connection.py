"""Hypercorn's connection, mended: to send on one that ends is no error."""

from __future__ import annotations

from typing import cast

import pytest
import trio
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData
from hypercorn.protocol import ProtocolWrapper
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import AppWrapper, ConnectionState

from server.http.http2.connection import PromptConnection


class Ending:
    """A stream and a protocol: what is sent fails, what is handled is kept."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self.handled: list[Event] = []

    async def send_all(self, _data: bytes) -> None:
        raise self._error

    async def handle(self, event: Event) -> None:
        self.handled.append(event)


@pytest.mark.parametrize("error", [trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError])
async def test_who_sends_on_a_connection_that_ends_hears_of_its_end(error: type[Exception]) -> None:
    ending = Ending(error())
    stream, app = cast("trio.abc.Stream", ending), cast("AppWrapper", None)
    connection = PromptConnection(app, Config(), WorkerContext(None), ConnectionState({}), stream, received=b"")
    connection.protocol = cast("ProtocolWrapper", ending)
    await connection.protocol_send(RawData(b"data"))
    assert ending.handled == [Closed()]
