"""The listening socket. Accepted connections inherit its options."""

from __future__ import annotations

import socket

from server.config import Settings, split_bind

BACKLOG = 1024
KEEPALIVE_IDLE_S = 60
KEEPALIVE_INTERVAL_S = 15


class ListenError(Exception):
    """The address cannot be listened on."""


def listen(settings: Settings) -> socket.socket:
    """Bind and listen. Raises ListenError.

    TCP_USER_TIMEOUT is the progress limit of everything we send: the kernel drops a connection whose peer has taken
    nothing for that long, alive or not, while one that takes a little now and then lives on. A timer in the server
    would have to be set and cleared for each write.
    """
    host, port = split_bind(settings.bind)
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise ListenError(f"cannot listen on {settings.bind}: {error.strerror}") from error
    try:
        _set_options(listener, settings.request_timeout_secs)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ListenError(f"cannot listen on {settings.bind}: {error.strerror}") from error
    return listener


def listener_url(listener: socket.socket, scheme: str) -> str:
    """The URL of the address that was really bound."""
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _set_options(listener: socket.socket, progress_timeout_s: float) -> None:
    listener.setblocking(False)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE_S)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(progress_timeout_s * 1000))
