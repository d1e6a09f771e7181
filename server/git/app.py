"""The lean ASGI application of the Git paths: route, authorise, dispatch."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable

from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope

from packengine.protocol import ProbeRequest, Service, WireLimits, negotiate_version
from packengine.repository import Engine, RepositoryState
from packengine.storage.ports import CatalogBusy, RepositoryMissing
from server.asgi import RequestRecord, record_of
from server.auth.git_tokens import GitAuthenticator, GitRefusal, GitService
from server.base_url import base_url_of
from server.config import Settings
from server.git.admission import Admission, Admitted
from server.git.advertising import Advertising
from server.git.downloads import Downloads, DownloadUrls
from server.git.exchange import BodyRefused, ClientGone, GitExchange
from server.git.held import holding
from server.git.native import Overloaded, ThreadPools
from server.git.offers import Offers
from server.git.receive_pack import ReceivePack
from server.git.routes import Endpoint, GitRoute, parse_download, parse_route
from server.git.upload_pack import UploadPack
from server.limits import RateClass, RateLimiter

_TEXT = (b"content-type", b"text/plain; charset=utf-8")
_RETRY_LATER = (b"retry-after", b"5")
_THREADS_PER_CORE = 4
_log = logging.getLogger(__name__)


class GitApp:
    """Serves `/git/<id>[.git]/…`."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        authenticator: GitAuthenticator,
        after_push: Callable[[str], None],
        limiter: RateLimiter | None,
    ) -> None:
        self._limiter = limiter
        self._settings = settings
        self._open_states = engine.open_states
        count = (os.cpu_count() or 1) * _THREADS_PER_CORE
        pools = ThreadPools.of(count, max_waiting=settings.max_waiting_requests)
        self._admission = Admission(engine, authenticator, pools.lookups)
        limits = WireLimits()
        urls = DownloadUrls(settings, engine.catalog.secret())
        self._offers = Offers(engine, settings)
        self._advertising = Advertising(self._offers, pools.lookups, engine.hidden_refs)
        self._upload_pack = UploadPack(engine, pools, limits, urls)
        self._receive_pack = ReceivePack(engine, self._admission, self._offers, pools, limits, after_push)
        self._downloads = Downloads(engine, urls, authenticator, settings, pools.lookups)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "http":
            raise ValueError(f"the Git paths speak HTTP only, not {scope['type']}")
        exchange = GitExchange(
            scope,
            receive,
            send,
            body_limit_bytes=self._settings.git_body_limit_bytes,
            idle_timeout_s=self._settings.request_timeout_secs,
        )
        try:
            with holding(self._open_states):
                await self._serve_while_client_stays(scope, exchange)
        except BodyRefused as refused:
            await _refuse(exchange, refused.status, str(refused))
        except Overloaded:
            await _refuse(exchange, 429, "the server has too much to do; try again later", _RETRY_LATER)
        except CatalogBusy:
            await _refuse(exchange, 503, "the server is busy; try again", (b"retry-after", b"1"))

    async def _serve_while_client_stays(self, scope: HTTPScope, exchange: GitExchange) -> None:
        try:
            await self._serve(scope, exchange)
        except* ClientGone:  # alone, or wrapped by the nursery that it ended
            _log.info("client went away", extra={"fields": {"request_id": record_of(scope).request_id}})

    async def _serve(self, scope: HTTPScope, exchange: GitExchange) -> None:
        download = parse_download(scope["path"])
        if download is not None:
            await self._downloads.serve(exchange, scope, download)
            return
        route = parse_route(scope["path"], scope["query_string"])
        if route is None:
            await _refuse(exchange, 404, "no such path; Git clients find repositories at /git/<id>.git")
            return
        record = record_of(scope)
        record.template, record.repository_id = route.template, route.repository_id
        if scope["method"] not in route.methods:
            await _refuse(exchange, 405, f"use {route.methods[0]}", (b"allow", ", ".join(route.methods).encode()))
            return
        try:
            asked = _asked(exchange, route)
            # Most pushes come by a token that is known: it is judged anew in the thread that does their work.
            recalled = self._admission.recall(route.repository_id, *asked) if route.is_push else None
            admitted = recalled or await self._admission.admit(route.repository_id, *asked)
        except RepositoryMissing:
            await _refuse(exchange, 404, "no such repository")
            return
        if isinstance(admitted, GitRefusal):
            await exchange.answer(admitted.status, admitted.body, *admitted.headers)
            return
        record.actor = admitted.grant.subject
        if admitted.grant.token is None and (wait_s := self._wait_s(exchange, record)):
            record.limit = "rate_limited"
            await _refuse(exchange, 429, "too many requests; try again later", (b"retry-after", b"%d" % wait_s))
            return
        await self._serve_admitted(scope, exchange, route, admitted)

    def _wait_s(self, exchange: GitExchange, record: RequestRecord) -> int:
        """Of somebody who is nobody in particular: counted by address."""
        if self._limiter is None:
            return 0
        forwarded_for = exchange.header(b"x-forwarded-for")
        text = None if forwarded_for is None else forwarded_for.decode("latin-1")
        return self._limiter.address_wait_s(RateClass.READ, record.client_address, text)

    async def _serve_admitted(
        self, scope: HTTPScope, exchange: GitExchange, route: GitRoute, admitted: Admitted
    ) -> None:
        record, state = record_of(scope), admitted.state
        if route.service is None:
            await _refuse(exchange, 403, "the dumb HTTP protocol is not served; use a Git that speaks smart HTTP")
            return
        if route.endpoint is Endpoint.ADVERTISEMENT:
            await self._advertising.advertise(exchange, route.service, state, record.request_id)
        elif exchange.header(b"content-type") != route.service.request_type.encode():
            await _refuse(exchange, 415, f"Content-Type must be {route.service.request_type}")
        elif route.service is Service.UPLOAD_PACK:
            await self._call_upload_pack(scope, exchange, state)
        else:
            await self._receive_pack.serve(exchange, admitted, record)

    async def _call_upload_pack(self, scope: HTTPScope, exchange: GitExchange, state: RepositoryState) -> None:
        record = record_of(scope)
        version = negotiate_version(exchange.header(b"git-protocol"))
        request = await self._upload_pack.read(exchange, self._offers.fetch(state, record.request_id), version)
        if request is None:
            return
        if not isinstance(request, ProbeRequest):
            record.client = request.client
        await self._upload_pack.answer(exchange, state, request, base_url_of(self._settings, scope), record)


def _asked(exchange: GitExchange, route: GitRoute) -> tuple[str | None, GitService]:
    """The Authorization header, and what it is to be good for."""
    header = exchange.header(b"authorization")
    text = header.decode("latin-1") if header is not None else None
    return text, "git-receive-pack" if route.service is Service.RECEIVE_PACK else "git-upload-pack"


async def _refuse(exchange: GitExchange, status: int, text: str, *headers: tuple[bytes, bytes]) -> None:
    """A plain-text refusal, which Git shows to its user; nothing if an answer is under way already."""
    if exchange.started:
        raise ClientGone
    await exchange.answer(status, f"{text}\n".encode(), _TEXT, *headers)


def nothing_follows(_repository_id: str) -> None:
    """For a server that maintains nothing by itself."""


def git_app(
    engine: Engine,
    settings: Settings,
    authenticator: GitAuthenticator,
    after_push: Callable[[str], None] = nothing_follows,
    limiter: RateLimiter | None = None,
) -> ASGIFramework:
    """The application to mount at `/git/`. after_push: called with a repository's id when it was pushed to.

    limiter: counts the requests of those who have no token.
    """
    return GitApp(engine, settings, authenticator, after_push, limiter)
