"""Answering a fetch, of whichever version: what to say first, and the pack behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import trio
from outcome import Outcome, capture

from core_ext import Cancel, PackStream
from packengine.protocol import (
    EARLY_KEEP_ALIVE,
    FetchRequest,
    FetchSections,
    LegacyFetchRequest,
    Needs,
    PackFrame,
    Service,
    ShallowInfo,
    fetch_error,
    fetch_head,
    legacy_head,
    negotiate,
    negotiate_legacy,
)
from packengine.repository import Engine, Fetch, RepositoryState, Selection
from server.asgi import RequestRecord
from server.git.downloads import DownloadUrls
from server.git.exchange import GitExchange
from server.git.failures import FAILURES, sentence_for
from server.git.native import ThreadPools
from server.git.pack_cache import PackCache
from server.git.pack_source import DirectPack, EntryPack, OpenPack
from server.git.pack_stream import send_at_hand, send_pack
from server.git.silence import SILENCE_S, is_set_within

_Request: TypeAlias = FetchRequest | LegacyFetchRequest


@dataclass(frozen=True, slots=True)
class _Pack:
    """What the pack holds is found out behind the head, with keep-alives."""

    open: OpenPack
    key: bytes | None
    """None: it is not kept."""

    is_update: bool = False
    """Whether the client has something of it already, and so likely lacks little."""

    is_stored: bool = False
    """Whether it is a stored pack as it is: a copy of that would be no faster to send."""


@dataclass(frozen=True, slots=True)
class _Decision:
    head: bytes
    pack: _Pack | None
    """None: the head is the whole answer."""


class _Opened:
    """What the decision opened on the way. It is there to be closed also if the decision never arrived."""

    entry: EntryPack | None = None
    """Of the cache, if it has the pack."""

    stored: DirectPack | None = None
    """Where the answer is a stored pack as it is."""

    @property
    def at_hand(self) -> EntryPack | DirectPack | None:
        """The pack, if all of it has been read."""
        pack = self.entry or self.stored
        return pack if pack is not None and pack.is_at_hand else None

    async def close(self) -> None:
        if self.entry is not None:
            await self.entry.close()


class Fetching:
    """Answers fetches."""

    def __init__(self, engine: Engine, pools: ThreadPools, urls: DownloadUrls) -> None:
        self._engine = engine
        self._pools = pools
        self._urls = urls
        self._cache = None if engine.answers is None else PackCache(engine.answers, pools)

    async def answer(
        self, exchange: GitExchange, state: RepositoryState, request: _Request, base_url: str, record: RequestRecord
    ) -> None:
        """Raises what the engine raises, as long as nothing has been sent. base_url: where the client sees us."""
        cancel, opened = Cancel(), _Opened()
        decide = partial(self._decide, state, request, base_url, cancel, opened)
        try:
            decided = await self._decide_aloud(exchange, request, decide, cancel)
            decision = self._unwrapped(exchange, request, decided)
            await self._send(exchange, request, decision, opened, record)
        finally:
            await opened.close()

    @staticmethod
    def _unwrapped(exchange: GitExchange, request: _Request, decided: Outcome[_Decision]) -> _Decision:
        try:
            return decided.unwrap()
        except FAILURES as failure:
            if not exchange.started:
                raise
            v2_request = request if isinstance(request, FetchRequest) else None
            return _Decision(fetch_error(v2_request, sentence_for(failure)), None)

    async def _decide_aloud(
        self, exchange: GitExchange, request: _Request, decide: Callable[[], _Decision], cancel: Cancel
    ) -> Outcome[_Decision]:
        """Decide in a thread. Where the client listens already, the silence is broken."""
        done = trio.Event()
        async with trio.open_nursery() as nursery:
            if isinstance(request, FetchRequest) and request.sideband_all:
                nursery.start_soon(_break_silence, exchange, done)
            decided = await self._pools.fetches.run(partial(capture, decide), stop=cancel.set)
            done.set()
        return decided

    async def _send(
        self,
        exchange: GitExchange,
        request: _Request,
        decision: _Decision,
        opened: _Opened,
        record: RequestRecord,
    ) -> None:
        if decision.pack is None and not exchange.started:
            content_type = (b"content-type", Service.UPLOAD_PACK.result_type.encode())
            await exchange.answer(200, decision.head, content_type)
            return
        if not exchange.started:
            await exchange.start(200, Service.UPLOAD_PACK.result_type)
        exchange.hold(decision.head)
        if decision.pack is None:
            await exchange.end()
            return
        await self._send_pack(exchange, request, decision.pack, opened, record)

    async def _send_pack(
        self, exchange: GitExchange, request: _Request, pack: _Pack, opened: _Opened, record: RequestRecord
    ) -> None:
        frame = PackFrame.of(request)
        at_hand = opened.at_hand
        if at_hand is not None:
            record.cache = "whole" if at_hand is opened.stored else "hit"
            if self._cache is not None and at_hand is opened.entry:
                self._cache.count("hit")
            await send_at_hand(exchange, at_hand, frame, quiet=request.no_progress)
            return
        if self._cache is None or pack.key is None:
            record.cache = "whole" if opened.stored is not None else "off"
            direct = opened.stored or DirectPack(self._pools, pack.open, frame)
            await send_pack(exchange, direct, frame, quiet=request.no_progress)
            return
        looked_up = [opened.entry]
        cached = self._cache.pack(pack.key, pack.open, frame, looked_up, is_likely_small=pack.is_update)
        try:
            await send_pack(exchange, cached, frame, quiet=request.no_progress)
        finally:
            record.cache = cached.use

    def _decide(
        self, state: RepositoryState, request: _Request, base_url: str, cancel: Cancel, opened: _Opened
    ) -> _Decision:
        """All that has to be known before the pack, and the pack if it is kept, in one visit to a thread."""
        if isinstance(request, FetchRequest):
            decision = self._decide_v2(state, request, base_url, cancel)
        else:
            decision = self._decide_legacy(state, request, cancel)
        pack = decision.pack
        if pack is not None and pack.is_stored:
            opened.stored = DirectPack(self._pools, pack.open, PackFrame.of(request))
            opened.stored.begin_here()
        elif self._cache is not None and pack is not None and pack.key is not None:
            opened.entry = self._cache.entry(pack.key)
        return decision

    def _decide_v2(self, state: RepositoryState, request: FetchRequest, base_url: str, cancel: Cancel) -> _Decision:
        fetch = self._engine.fetches.begin(state, request, want_refs=request.want_refs, cancel=cancel)
        common = fetch.common(request.haves)
        reached = request.may_get_ready and fetch.all_reached(common, cancel)
        negotiated = negotiate(request, common, all_reached=reached)
        if not negotiated.sends_pack:
            return _Decision(fetch_head(request, negotiated, FetchSections()), None)
        uris: Sequence[tuple[bytes, bytes]] = ()
        pack = self._pack(fetch, request, common, cancel)
        if not common and fetch.is_whole(cancel) and base_url.partition(":")[0].encode() in request.packfile_uris:
            uris, pack = self._packs_elsewhere(fetch, state, request, base_url, cancel)
        sections = FetchSections(
            shallow_info=_shallow_info(fetch, request, cancel), wanted_refs=fetch.wanted_refs, packfile_uris=uris
        )
        return _Decision(fetch_head(request, negotiated, sections), pack)

    def _packs_elsewhere(
        self, fetch: Fetch, state: RepositoryState, request: FetchRequest, base_url: str, cancel: Cancel
    ) -> tuple[Sequence[tuple[bytes, bytes]], _Pack]:
        """(checksum, URI) of each pack that the client may get elsewhere, and what it gets here all the same."""
        packs, rest = self._engine.bundles.split(state, fetch.objects, fetch.select((), cancel).objects)
        uris = [(pack.checksum, self._urls.pack_url(state, pack, base_url).encode()) for pack in packs]
        key = self._key(fetch, request, (), cancel, [pack.digest for pack in packs])
        return uris, _Pack(partial(fetch.open_pack, Selection(rest, None)), key)

    def _decide_legacy(self, state: RepositoryState, request: LegacyFetchRequest, cancel: Cancel) -> _Decision:
        fetch = self._engine.fetches.begin(state, request, cancel=cancel)
        shallow_info = _shallow_info(fetch, request, cancel)  # in any case: a wrong line is to be told of, not cut off
        common = fetch.common(request.haves)
        reached_at = None
        if request.may_get_ready:
            # Where exactly it was reached shows only in the answers to haves that are unknown here.
            reached_at = fetch.reached_at(common, cancel, least=len(common) < len(request.haves))
        negotiated = negotiate_legacy(request, common, reached_at)
        head = legacy_head(request, shallow_info, negotiated)
        return _Decision(head, self._pack(fetch, request, common, cancel) if negotiated.sends_pack else None)

    def _pack(self, fetch: Fetch, request: _Request, common: Sequence[bytes], cancel: Cancel) -> _Pack:
        def open_pack(cancel: Cancel) -> PackStream:
            return fetch.open_pack(fetch.select(common, cancel), cancel)

        if fetch.is_stored_pack(common, cancel):
            return _Pack(open_pack, None, is_stored=True)
        return _Pack(open_pack, self._key(fetch, request, common, cancel), is_update=bool(common))

    def _key(
        self,
        fetch: Fetch,
        request: _Request,
        common: Sequence[bytes],
        cancel: Cancel,
        elsewhere: Sequence[bytes] = (),
    ) -> bytes | None:
        if self._cache is None:
            return None
        band_bytes = PackFrame.of(request).bands.value
        return fetch.question(common, cancel, band_bytes=band_bytes, elsewhere=elsewhere).key()


async def _break_silence(exchange: GitExchange, done: trio.Event) -> None:
    """A write under way is finished before `done` is looked at: nothing may follow half a packet."""
    while not await is_set_within(done, SILENCE_S):
        if not exchange.started:
            await exchange.start(200, Service.UPLOAD_PACK.result_type)
        await exchange.write(EARLY_KEEP_ALIVE)


def _shallow_info(fetch: Fetch, needs: Needs, cancel: Cancel) -> ShallowInfo | None:
    boundary = fetch.boundary(cancel)
    if not needs.deepen.is_asked and not boundary.cut:
        return None
    return ShallowInfo(shallow=boundary.shallow, unshallow=boundary.unshallow)
