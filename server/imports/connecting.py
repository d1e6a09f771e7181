"""Connections to remotes: the name is resolved here, its addresses are judged, and one of these is connected to.

Nothing resolves the name a second time, so an answer that changes between the check and the connection changes nothing.
TLS goes by the name all the same: it is what the certificate is for.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import trio

from server.imports.addresses import AddressPolicy
from server.imports.failures import ImportFailed
from server.imports.remote_url import RemoteUrl

CONNECT_TIMEOUT_S = 15.0
_MOST_ADDRESSES = 32
_MOST_TRIED = 4

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host, as text. Raises OSError."""

Stream: TypeAlias = trio.SocketStream | trio.SSLStream[trio.SocketStream]


async def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver."""
    found = await trio.socket.getaddrinfo(host, port, type=trio.socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for _, _, _, _, address in found))


@dataclass(frozen=True, slots=True)
class Connector:
    """Connects only to addresses that the policy admits. One that it does not admit refuses the whole name."""

    policy: AddressPolicy
    trust: ssl.SSLContext
    resolver: Resolve = resolve

    async def connect(self, url: RemoteUrl) -> Stream:
        """Raises AddressRefused, ImportFailed."""
        for address in await self._addresses(url):
            with trio.move_on_after(CONNECT_TIMEOUT_S):
                stream = await _connected(address, url.port)
                if stream is not None:
                    return await self._secured(stream, url) if url.is_encrypted else stream
        raise ImportFailed(f"{url.host}: no connection to port {url.port}")

    async def _addresses(self, url: RemoteUrl) -> Sequence[str]:
        with trio.move_on_after(CONNECT_TIMEOUT_S):
            try:
                addresses = await self.resolver(url.host, url.port)
            except (OSError, UnicodeError) as error:
                raise ImportFailed(f"{url.host}: no such host") from error
            if not addresses or len(addresses) > _MOST_ADDRESSES:
                raise ImportFailed(f"{url.host} has {len(addresses)} addresses; 1 to {_MOST_ADDRESSES} are expected")
            for address in addresses:
                self.policy.check(url.host, address, is_encrypted=url.is_encrypted)
            return addresses[:_MOST_TRIED]
        raise ImportFailed(f"{url.host}: its address could not be found out within {CONNECT_TIMEOUT_S:g} s")

    async def _secured(self, stream: trio.SocketStream, url: RemoteUrl) -> Stream:
        secured = trio.SSLStream(stream, self.trust, server_hostname=url.host, https_compatible=True)
        try:
            await secured.do_handshake()
        except trio.BrokenResourceError as error:
            await trio.aclose_forcefully(secured)
            raise ImportFailed(f"{url.host}: {_tls_reason(error)}") from error
        except BaseException:
            await trio.aclose_forcefully(secured)
            raise
        return secured


async def _connected(address: str, port: int) -> trio.SocketStream | None:
    """None if nobody answers there. The address is one already: nothing is looked up."""
    try:
        return await trio.open_tcp_stream(address, port)
    except OSError:
        return None


def _tls_reason(error: BaseException) -> str:
    cause = error.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not good: {cause.verify_message}"
    return "it does not speak TLS as we do"
