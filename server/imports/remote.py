"""A remote over HTTP: its two requests, with redirects and credentials. Format: gitprotocol-http(5)."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from packengine.protocol import Service
from server.imports.connecting import Connector
from server.imports.exchange import Exchange, exchange
from server.imports.failures import ImportFailed
from server.imports.remote_url import BadRemoteUrl, Credentials, RemoteUrl

AGENT = f"packhouse/{version('packhouse')}".encode()
MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SERVICE = Service.UPLOAD_PACK


class Remote:
    """A remote repository. Each request resolves its name and judges its addresses anew.

    credentials: only for the origin that was asked for; a redirect elsewhere leaves them behind.
    silence_s: how long it may send nothing, or take nothing.
    """

    def __init__(
        self, url: RemoteUrl, credentials: Credentials | None, connector: Connector, *, silence_s: float
    ) -> None:
        self._url = url
        self._credentials = credentials
        self._credentials_origin = url.origin
        self._connector = connector
        self._silence_s = silence_s

    @asynccontextmanager
    async def advertisement(self) -> AsyncIterator[Exchange]:
        """Its answer to info/refs, asked for in version 2. Raises ImportFailed."""
        for _ in range(MAX_REDIRECTS + 1):
            headers = [("Accept", "*/*"), ("Pragma", "no-cache"), *self._headers()]
            async with exchange(
                self._connector, self._url, "GET", self._url.discovery_target, headers, silence_s=self._silence_s
            ) as answer:
                if answer.status not in _REDIRECTS:
                    self._check(answer, _SERVICE.advertisement_type)
                    yield answer
                    return
                moved = answer.header(b"location")
            self._url = self._redirected(moved)
        raise ImportFailed(f"the remote redirects more than {MAX_REDIRECTS} times")

    @asynccontextmanager
    async def upload_pack(self, request: bytes, *, version_2: bool) -> AsyncIterator[Exchange]:
        """Its answer to a POST. Raises ImportFailed."""
        headers = [
            ("Content-Type", _SERVICE.request_type),
            ("Accept", _SERVICE.result_type),
            *self._headers(version_2=version_2),
        ]
        target = self._url.upload_pack_target
        async with exchange(
            self._connector, self._url, "POST", target, headers, request, silence_s=self._silence_s
        ) as answer:
            self._check(answer, _SERVICE.result_type)
            yield answer

    def _check(self, answer: Exchange, media_type: str) -> None:
        host = self._url.host
        if answer.status != 200:
            raise ImportFailed(f"{host} answers {answer.status}{self._hint(answer.status)}")
        theirs = answer.header(b"content-type").partition(";")[0].strip().lower()
        if theirs != media_type:
            raise ImportFailed(f"{host} does not answer as a Git server does, but with {theirs[:64]!r}")

    def _hint(self, status: int) -> str:
        if status not in (401, 403, 404):
            return ""
        if self._credentials is None:
            return ": there is no such repository, or a token is needed"
        if self._url.origin != self._credentials_origin:
            return ": the remote redirects to another server, which does not get the token"
        return ": there is no such repository, or the token is not good for it"

    def _headers(self, *, version_2: bool = True) -> list[tuple[str, str]]:
        headers = [("User-Agent", f"git/{AGENT.decode()}")]
        if version_2:
            headers.append(("Git-Protocol", "version=2"))
        if self._credentials is not None and self._url.origin == self._credentials_origin:
            pair = f"{self._credentials.user}:{self._credentials.password}".encode()
            headers.append(("Authorization", "Basic " + base64.b64encode(pair).decode()))
        return headers

    def _redirected(self, location: str) -> RemoteUrl:
        try:
            return self._url.redirected(location)
        except BadRemoteUrl as error:
            raise ImportFailed(str(error)) from error
