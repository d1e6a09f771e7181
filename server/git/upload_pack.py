"""git-upload-pack over HTTP: listing refs and fetching (version 2)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import trio

from core_ext import Cancel
from packengine.protocol import (
    PACKFILE_HEADER,
    FetchRequest,
    ListedRef,
    LsRefsRequest,
    ProbeRequest,
    RemoteProtocolError,
    Service,
    UploadPackOffer,
    UploadPackRequest,
    UploadPackRequestParser,
    WireLimits,
    acknowledgments,
    err_packet,
    ls_refs_answer,
    negotiate,
)
from packengine.repository import Engine, Fetch, NotOurRef, PackOptions, RepositoryState
from server.git.exchange import GitExchange
from server.git.failures import FAILURES, sentence_for
from server.git.native import WorkerThreads
from server.git.pack_stream import send_pack


class UploadPack:
    """Answers one POST to git-upload-pack."""

    def __init__(self, engine: Engine, threads: WorkerThreads, lookups: WorkerThreads, limits: WireLimits) -> None:
        self._engine = engine
        self._threads = threads
        self._lookups = lookups
        self._limits = limits

    async def serve(self, exchange: GitExchange, state: RepositoryState, offer: UploadPackOffer) -> None:
        """Read the request, answer it. What the client did wrong is told in an ERR packet, as Git does."""
        try:
            request = await self._read(exchange, offer)
        except RemoteProtocolError as error:
            await self._answer(exchange, err_packet(error.sentence))
            return
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_cancel_when_gone, exchange, nursery.cancel_scope)
            await self._dispatch(exchange, state, request)
            nursery.cancel_scope.cancel()

    async def _read(self, exchange: GitExchange, offer: UploadPackOffer) -> UploadPackRequest:
        """The one request of the body. The body is read to its end before anything is answered (pitfall 5)."""
        parser = UploadPackRequestParser(offer, self._limits)
        requests: list[UploadPackRequest] = []
        async for piece in exchange.body():
            requests += parser.feed(piece)
        parser.finish()
        return requests[0]

    async def _dispatch(self, exchange: GitExchange, state: RepositoryState, request: UploadPackRequest) -> None:
        """Answer. Failures become words here, for the nursery around it would wrap them; half an answer is cut off."""
        try:
            match request:
                case ProbeRequest():
                    await self._answer(exchange, b"")
                case LsRefsRequest():
                    await self._list_refs(exchange, state, request)
                case FetchRequest():
                    await self._fetch(exchange, state, request)
        except NotOurRef as error:
            await self._answer(exchange, err_packet(str(error).encode()))
        except FAILURES as failure:
            if exchange.started:
                raise
            await self._answer(exchange, err_packet(sentence_for(failure)))

    async def _list_refs(self, exchange: GitExchange, state: RepositoryState, request: LsRefsRequest) -> None:
        chunks = ls_refs_answer(request, listed_refs(state, request))
        await exchange.start(200, Service.UPLOAD_PACK.result_type)
        while (chunk := await self._lookups.run(partial(next, chunks, None))) is not None:
            await exchange.write(chunk)
        await exchange.end()

    async def _fetch(self, exchange: GitExchange, state: RepositoryState, request: FetchRequest) -> None:
        cancel = Cancel()
        fetch, common, reached = await self._threads.run(
            lambda: self._find_common(state, request, cancel), stop=cancel.set
        )
        negotiated = negotiate(request, common, all_reached=reached)
        head = acknowledgments(negotiated)
        if not negotiated.sends_pack:
            await self._answer(exchange, head)
            return
        options = PackOptions(thin=request.thin_pack, ofs_delta=request.ofs_delta, include_tag=request.include_tag)
        await exchange.start(200, Service.UPLOAD_PACK.result_type)
        await exchange.write(head + PACKFILE_HEADER)
        open_pack = partial(fetch.pack, common, options)
        await send_pack(exchange, self._threads, open_pack, quiet=request.no_progress)
        await exchange.end()

    def _find_common(
        self, state: RepositoryState, request: FetchRequest, cancel: Cancel
    ) -> tuple[Fetch, list[bytes], bool]:
        """All that the decision needs, in one visit to a thread."""
        fetch = self._engine.fetches.begin(state, request.wants, cancel)
        common = fetch.common(request.haves)
        return fetch, common, request.may_get_ready and fetch.all_reached(common)

    @staticmethod
    async def _answer(exchange: GitExchange, body: bytes) -> None:
        content_type = (b"content-type", Service.UPLOAD_PACK.result_type.encode())
        await exchange.answer(200, body, content_type)


def listed_refs(state: RepositoryState, request: LsRefsRequest) -> Iterator[ListedRef]:
    """HEAD first, then the table as far as the request reaches."""
    head = state.head_entry()
    if head is None:
        yield (b"HEAD", None, None, state.manifest.head)
    else:
        yield (b"HEAD", head.oid, head.peeled, state.manifest.head)
    for prefix in request.ranges():
        for entry in state.manifest.refs.with_prefix(prefix):
            yield (entry.name, entry.oid, entry.peeled, None)


async def _cancel_when_gone(exchange: GitExchange, scope: trio.CancelScope) -> None:
    await exchange.wait_gone()
    scope.cancel()
