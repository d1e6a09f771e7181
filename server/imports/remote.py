"""A remote over HTTP: its two requests, with redirects, credentials and limits. Format: gitprotocol-http(5)."""

from __future__ import annotations

import base64
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from types import TracebackType
from typing import Self, TypeAlias

import httpcore

from packengine.protocol import Service
from server.imports.addresses import AddressPolicy
from server.imports.connecting import CONNECT_TIMEOUT_S, GuardedBackend, Resolve, resolve
from server.imports.decoding import BodyDecoder
from server.imports.failures import ImportFailed
from server.imports.remote_url import BadRemoteUrl, Credentials, RemoteUrl

AGENT = f"packhouse/{version('packhouse')}".encode()
MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SERVICE = Service.UPLOAD_PACK

_REASON_CHARACTERS = 200
Headers: TypeAlias = list[tuple[bytes, bytes]]


class Remote:
    """A remote repository, one request at a time, over one connection to one checked address while that lasts.

    credentials: only for the origin that was asked for; a redirect elsewhere leaves them behind.
    silence_s: how long it may send nothing, or take nothing.
    """

    def __init__(
        self,
        url: RemoteUrl,
        credentials: Credentials | None,
        policy: AddressPolicy,
        *,
        silence_s: float,
        trust: ssl.SSLContext,
        resolver: Resolve = resolve,
    ) -> None:
        self._url = url
        self._credentials = credentials
        self._credentials_origin = url.origin
        self._policy = policy
        self._resolver = resolver
        self._trust = trust
        self._timeouts = {"connect": CONNECT_TIMEOUT_S, "read": silence_s, "write": silence_s, "pool": silence_s}
        self._pool = self._new_pool()

    @asynccontextmanager
    async def advertisement(self) -> AsyncIterator[AsyncIterator[bytes]]:
        """The body of its answer to info/refs, asked for in version 2. Raises ImportFailed."""
        headers = [(b"Accept", b"*/*"), (b"Pragma", b"no-cache"), *self._headers()]
        for _ in range(MAX_REDIRECTS + 1):
            async with self._answered("GET", self._url.discovery, headers, b"") as answer:
                if answer.status not in _REDIRECTS:
                    yield self._body(answer, _SERVICE.advertisement_type)
                    return
                moved = self._redirected(answer)
            await self._go_to(moved)
            headers = [(b"Accept", b"*/*"), (b"Pragma", b"no-cache"), *self._headers()]
        raise ImportFailed(f"the remote redirects more than {MAX_REDIRECTS} times")

    @asynccontextmanager
    async def upload_pack(self, request: bytes, *, version_2: bool) -> AsyncIterator[AsyncIterator[bytes]]:
        """The body of its answer to a POST. Raises ImportFailed."""
        headers = [
            (b"Content-Type", _SERVICE.request_type.encode()),
            (b"Accept", _SERVICE.result_type.encode()),
            *self._headers(version_2=version_2),
        ]
        async with self._answered("POST", self._url.upload_pack, headers, request) as answer:
            yield self._body(answer, _SERVICE.result_type)

    @asynccontextmanager
    async def _answered(
        self, method: str, url: str, headers: Headers, content: bytes
    ) -> AsyncIterator[httpcore.Response]:
        extensions = {"timeout": self._timeouts}
        try:
            async with self._pool.stream(
                method, url, headers=headers, content=content or None, extensions=extensions
            ) as answer:
                yield answer
        except httpcore.TimeoutException as error:
            raise ImportFailed(f"{self._url.host} was silent for {self._timeouts['read']:g} s") from error
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise ImportFailed(f"{self._url.host}: {_reason(error)}") from error

    async def _body(self, answer: httpcore.Response, media_type: str) -> AsyncIterator[bytes]:
        self._check(answer, media_type)
        decoder = BodyDecoder(_header(answer, b"content-encoding"))
        async for chunk in answer.aiter_stream():
            for piece in decoder.decode(chunk):
                yield piece
        decoder.finish()

    def _check(self, answer: httpcore.Response, media_type: str) -> None:
        if answer.status != 200:
            raise ImportFailed(f"{self._url.host} answers {answer.status}{self._hint(answer.status)}")
        theirs = _header(answer, b"content-type").partition(";")[0].strip().lower()
        if theirs != media_type:
            raise ImportFailed(
                f"{self._url.host} does not answer as a Git server does: its content type is {theirs[:64]!r}"
            )

    def _hint(self, status: int) -> str:
        if status not in (401, 403, 404):
            return ""
        if self._credentials is None:
            return ": there is no such repository, or a token is needed"
        if self._url.origin != self._credentials_origin:
            return ": the remote redirects to another server, which does not get the token"
        return ": there is no such repository, or the token is not good for it"

    def _headers(self, *, version_2: bool = True) -> Headers:
        """Accept-Encoding is what `BodyDecoder` knows."""
        headers: Headers = [(b"User-Agent", b"git/" + AGENT), (b"Accept-Encoding", b"gzip")]
        if version_2:
            headers.append((b"Git-Protocol", b"version=2"))
        if self._credentials is not None and self._url.origin == self._credentials_origin:
            pair = f"{self._credentials.user}:{self._credentials.password}".encode()
            headers.append((b"Authorization", b"Basic " + base64.b64encode(pair)))
        return headers

    def _redirected(self, answer: httpcore.Response) -> RemoteUrl:
        try:
            return self._url.redirected(_header(answer, b"location"))
        except BadRemoteUrl as error:
            raise ImportFailed(str(error)) from error

    async def _go_to(self, url: RemoteUrl) -> None:
        """Each origin has a pool of its own: whether a connection is encrypted is part of what is judged."""
        is_elsewhere = url.origin != self._url.origin
        self._url = url
        if is_elsewhere:
            await self._pool.aclose()
            self._pool = self._new_pool()

    def _new_pool(self) -> httpcore.AsyncConnectionPool:
        backend = GuardedBackend(self._policy, self._resolver, is_encrypted=self._url.is_encrypted)
        return httpcore.AsyncConnectionPool(
            ssl_context=self._trust, max_connections=1, retries=0, network_backend=backend
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._pool.aclose()


def _header(answer: httpcore.Response, name: bytes) -> str:
    headers: Sequence[tuple[bytes, bytes]] = answer.headers
    return next((value.decode("latin-1") for key, value in headers if key.lower() == name), "")


def _reason(error: BaseException) -> str:
    """What went wrong, of a bounded length: in the words of the system or of TLS, if these are behind it."""
    causes = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None and cause not in causes:
        causes.append(cause)
    for each in reversed(causes):
        if isinstance(each, ssl.SSLCertVerificationError):
            return f"its certificate is not good: {each.verify_message}"[:_REASON_CHARACTERS]
        if isinstance(each, OSError) and each.strerror:
            return each.strerror[:_REASON_CHARACTERS]
    return (" ".join(str(error).split()) or "the connection broke off")[:_REASON_CHARACTERS]
