"""Connections of HTTP/2, as Hypercorn serves them."""

from __future__ import annotations

from typing import Any

import hypercorn.protocol
import hypercorn.protocol.h2
import trio
from hypercorn.config import Config
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework, ConnectionState
from hypercorn.utils import wrap_app

from server.http.http2.connection import PromptConnection
from server.http.http2.protocol import Http2
from server.http.http2.request_stream import RequestStream
from server.http.http2.stream_buffer import StreamBuffer

_LOOKED_UP = (
    (hypercorn.protocol, "H2Protocol", Http2),
    (hypercorn.protocol.h2, "HTTPStream", RequestStream),
    (hypercorn.protocol.h2, "StreamBuffer", StreamBuffer),
)
"""The names under which Hypercorn's modules find the parts of a connection."""


class Http2Server:
    """Serves one application."""

    def __init__(self, app: ASGIFramework, config: Config, lifespan_state: dict[str, Any]) -> None:
        for module, name, mended in _LOOKED_UP:  # Hypercorn has no setting for it
            setattr(module, name, mended)
        self._app = wrap_app(app, 0, "asgi")
        self._config = config
        self._lifespan_state = lifespan_state
        self._context = WorkerContext(None)

    async def serve(self, stream: trio.abc.Stream, received: bytes = b"") -> None:
        """Until its end. received: what was read of it already: by prior knowledge or by an upgrade in HTTP/1.1."""
        state = ConnectionState(self._lifespan_state.copy())
        await PromptConnection(self._app, self._config, self._context, state, stream, received=received).run()

    async def drain(self) -> None:
        """Have each connection end with the requests that are under way."""
        await self._context.terminated.set()
