"""HTTP/2 by Hypercorn, mended where it holds, waits or breaks off for ever."""

from server.http.http2.server import Http2Server

__all__ = ["Http2Server"]
