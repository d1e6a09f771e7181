"""Between a client and the server, to hear which version of the protocol the client really speaks."""

from __future__ import annotations

import re
import socket
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_FETCH_REQUEST = re.compile(rb"(?:GET|POST) \S*upload-pack HTTP/1\.1\r\n(.*?)\r\n\r\n", re.DOTALL)
_VERSION = re.compile(rb"^git-protocol: *(?:\S*:)?version=(\d)", re.IGNORECASE | re.MULTILINE)
_PIECE_BYTES = 1 << 16


class Wiretap:
    """Use as a context manager. Forwards connections to the server at `url`, and keeps what clients say."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname or "", parts.port or 80)
        self._heard: list[bytearray] = []
        self._listener = socket.create_server(("127.0.0.1", 0))

    def through(self, url: str) -> str:
        """The same URL by way of this tap."""
        return url.replace(urlsplit(url).netloc, "{}:{}".format(*self._listener.getsockname()), 1)

    def fetch_versions(self) -> set[int]:
        """Versions asked for in requests about fetching; 0 where none is named."""
        requests = [match[1] for heard in self._heard for match in _FETCH_REQUEST.finditer(bytes(heard))]
        named = [_VERSION.search(headers) for headers in requests]
        return {int(version[1]) if version else 0 for version in named}

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # close() alone would not wake accept()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._server)
            heard = bytearray()
            self._heard.append(heard)
            threading.Thread(target=_pump, args=(client, server, heard), daemon=True).start()
            threading.Thread(target=_pump, args=(server, client, bytearray()), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket, heard: bytearray) -> None:
    """Forward until either side ends; then both do."""
    try:
        while piece := source.recv(_PIECE_BYTES):
            heard += piece
            target.sendall(piece)
    except OSError:
        pass  # the other pump has closed them
    finally:
        for end in (source, target):
            end.close()
