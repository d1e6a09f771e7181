"""git-upload-pack over HTTP: one POST, in every version of the protocol."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from core_ext import Cancel
from packengine.protocol import (
    BundleUri,
    BundleUriRequest,
    FetchRequest,
    LegacyFetchRequest,
    LegacyUploadPackRequestParser,
    LsRefsRequest,
    ObjectInfoRequest,
    ProbeRequest,
    ProtocolVersion,
    RemoteProtocolError,
    Service,
    UploadPackOffer,
    UploadPackRequest,
    UploadPackRequestParser,
    WireLimits,
    bundle_uri_answer,
    err_packet,
    fetch_error,
    object_info_answer,
)
from packengine.repository import Engine, RepositoryState
from server.asgi import RequestRecord
from server.git.chunks import send_chunks
from server.git.downloads import DownloadUrls
from server.git.exchange import GitExchange
from server.git.failures import FAILURES, sentence_for
from server.git.fetching import Fetching
from server.git.native import INLINE_BYTES, ThreadPools
from server.git.ref_listing import RefListing

Request = UploadPackRequest | LegacyFetchRequest


class UploadPack:
    """Answers one POST to git-upload-pack."""

    def __init__(self, engine: Engine, pools: ThreadPools, limits: WireLimits, urls: DownloadUrls) -> None:
        self._engine = engine
        self._fetches = pools.fetches
        self._lookups = pools.lookups
        self._limits = limits
        self._urls = urls
        self._fetching = Fetching(engine, pools, urls)
        self._ref_listing = RefListing(engine.hidden_refs, pools.lookups)

    async def read(self, exchange: GitExchange, offer: UploadPackOffer, version: ProtocolVersion) -> Request | None:
        """The one request of the body; None if it was wrong, which its sender has been told then.

        The body is read to its end before anything is answered (docs/pitfalls.md, 5).
        """
        is_v2 = version is ProtocolVersion.V2
        parser = (UploadPackRequestParser if is_v2 else LegacyUploadPackRequestParser)(offer, self._limits)
        requests: list[Request] = []
        try:
            async for piece in exchange.body(limit_bytes=self._limits.max_request_bytes):
                # Thousands of wants take milliseconds to read, which others on the event loop would wait for.
                feed = partial(parser.feed, piece)
                requests += feed() if len(piece) <= INLINE_BYTES else await self._lookups.run(feed)
            requests += parser.finish()
        except RemoteProtocolError as error:
            await self._answer(exchange, err_packet(error.sentence))
            return None
        return requests[0]

    async def answer(
        self, exchange: GitExchange, state: RepositoryState, request: Request, base_url: str, record: RequestRecord
    ) -> None:
        """Answer, for as long as the client is there. What it did wrong is told in an ERR packet, as Git does.

        base_url: where the client sees this server. Raises Overloaded for what can take long, with nothing done yet.
        """
        if isinstance(request, LsRefsRequest):
            known = self._ref_listing.recall(state, request)
            if known is not None:
                await self._answer(exchange, known)
                return
        elif not isinstance(request, ProbeRequest):
            self._fetches.refuse_if_full()
        async with exchange.while_client_stays():
            await self._dispatch(exchange, state, request, base_url, record)

    async def _dispatch(
        self, exchange: GitExchange, state: RepositoryState, request: Request, base_url: str, record: RequestRecord
    ) -> None:
        """Answer. Failures become words here, for the nursery around it would wrap them; half an answer is cut off."""
        try:
            match request:
                case ProbeRequest():
                    await self._answer(exchange, b"")
                case LsRefsRequest():
                    await self._ref_listing.send(exchange, state, request)
                case FetchRequest() | LegacyFetchRequest():
                    await self._fetching.answer(exchange, state, request, base_url, record)
                case ObjectInfoRequest():
                    await self._tell_sizes(exchange, state, request)
                case BundleUriRequest():
                    await self._tell_bundle(exchange, state, base_url)
        except FAILURES as failure:
            if exchange.started:
                raise
            fetch = request if isinstance(request, FetchRequest) else None
            await self._answer(exchange, fetch_error(fetch, sentence_for(failure)))

    async def _tell_sizes(self, exchange: GitExchange, state: RepositoryState, request: ObjectInfoRequest) -> None:
        cancel = Cancel()
        # Not among the lookups: those of all requests would wait for 100,000 long chains of deltas.
        sizes = await self._fetches.run(
            lambda: self._engine.fetches.sizes(state, request.oids, cancel), stop=cancel.set
        )
        await self._stream(exchange, object_info_answer(request, sizes))

    async def _tell_bundle(self, exchange: GitExchange, state: RepositoryState, base_url: str) -> None:
        # The first question about a state that is not sealed takes a walk over all of it.
        bundle = await self._fetches.run(lambda: self._engine.bundles.offer(state))
        bundles: list[BundleUri] = []
        if bundle is not None:
            uri = self._urls.bundle_url(state, bundle, base_url).encode()
            token = bundle.creation_token
            bundles.append(BundleUri(id=bundle.digest.hex().encode(), uri=uri, creation_token=token))
        await self._answer(exchange, bundle_uri_answer(bundles))

    async def _stream(self, exchange: GitExchange, chunks: Iterator[bytes]) -> None:
        await send_chunks(exchange, self._lookups, Service.UPLOAD_PACK.result_type, chunks)

    @staticmethod
    async def _answer(exchange: GitExchange, body: bytes) -> None:
        content_type = (b"content-type", Service.UPLOAD_PACK.result_type.encode())
        await exchange.answer(200, body, content_type)
