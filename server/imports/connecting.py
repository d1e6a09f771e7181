"""Connections to remotes: the name is resolved here, its addresses are judged, and one of these is connected to.

Nothing resolves the name a second time, so an answer that changes between the check and the connection changes nothing.
TLS goes by the name all the same: it is what the certificate is for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeAlias

import httpcore
import trio

from server.imports.addresses import AddressPolicy
from server.imports.failures import ImportFailed

CONNECT_TIMEOUT_S = 15.0
_MOST_ADDRESSES = 32
_MOST_TRIED = 4

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host, as text. Raises OSError."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver."""
    found = await trio.socket.getaddrinfo(host, port, type=trio.socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for _, _, _, _, address in found))


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connects only to addresses that the policy admits. One that it does not admit refuses the whole name."""

    def __init__(self, policy: AddressPolicy, resolver: Resolve, *, is_encrypted: bool) -> None:
        self._policy = policy
        self._resolve = resolver
        self._is_encrypted = is_encrypted
        self._network = httpcore.TrioBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # the library's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises AddressRefused, ImportFailed, and what httpcore does."""
        del timeout
        addresses = await self._addresses(host, port)
        for address in addresses[:-1]:
            try:
                return await self._network.connect_tcp(address, port, CONNECT_TIMEOUT_S, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._network.connect_tcp(addresses[-1], port, CONNECT_TIMEOUT_S, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109  # the library's signature
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """No URL leads here."""
        del path, timeout, socket_options
        raise ImportFailed("imports go over TCP")

    async def sleep(self, seconds: float) -> None:
        """Between tries, of which httpcore makes none here."""
        await trio.sleep(seconds)

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        with trio.move_on_after(CONNECT_TIMEOUT_S):
            try:
                addresses = await self._resolve(host, port)
            except (OSError, UnicodeError) as error:
                raise ImportFailed(f"{host}: no such host") from error
            if not addresses or len(addresses) > _MOST_ADDRESSES:
                raise ImportFailed(f"{host} has {len(addresses)} addresses; 1 to {_MOST_ADDRESSES} are expected")
            for address in addresses:
                self._policy.check(host, address, is_encrypted=self._is_encrypted)
            return addresses[:_MOST_TRIED]
        raise ImportFailed(f"{host}: its address could not be found out within {CONNECT_TIMEOUT_S:g} s")
