"""Answering a fetch, of whichever version: what to say first, and the pack behind it.

One visit to a thread decides, and looks for the pack or begins to make it, in the cache or beside it. What most fetches
get is at hand then, head and pack, and goes out in one write; the rest is streamed from where that visit got to.
"""

from __future__ import annotations

from collections.abc import Callable

from core_ext import Cancel, Cancelled
from packengine.protocol import EARLY_KEEP_ALIVE, FetchRequest, PackFrame, Service, fetch_error
from packengine.repository import Engine, RepositoryState
from server.asgi import RequestRecord
from server.git.cached_pack import CachedPack
from server.git.deciding import AnyFetchRequest, Decider, Decision, WantedPack
from server.git.downloads import DownloadUrls
from server.git.exchange import GitExchange
from server.git.failures import FAILURES, sentence_for
from server.git.native import ThreadPools
from server.git.pack_cache import PackCache
from server.git.pack_source import DirectPack
from server.git.pack_stream import send_at_hand, send_pack

_CONTENT_TYPE = (b"content-type", Service.UPLOAD_PACK.result_type.encode())


class Fetching:
    """Answers fetches."""

    def __init__(self, engine: Engine, pools: ThreadPools, urls: DownloadUrls) -> None:
        self._pools = pools
        self._decider = Decider(engine, urls)
        self._cache = None if engine.answers is None else PackCache(engine.answers, pools)

    async def answer(
        self,
        exchange: GitExchange,
        state: RepositoryState,
        request: AnyFetchRequest,
        base_url: str,
        record: RequestRecord,
    ) -> None:
        """Raises what the engine raises, as long as nothing has been sent. base_url: where the client sees us."""
        frame = PackFrame.of(request)

        def decide(cancel: Cancel) -> Decision:
            return self._decider.decide(state, request, base_url, cancel)

        def source_of(pack: WantedPack) -> DirectPack | CachedPack:
            if self._cache is None or pack.key is None:
                return DirectPack(self._pools, pack.open, frame)
            return self._cache.pack(pack.key, pack.open, frame, is_likely_small=pack.is_update)

        visit = _Visit(decide, source_of)
        answer = _Answer(exchange, request, frame, visit)
        try:
            await self._pools.fetches.run(visit.run, stop=visit.stop, meanwhile=answer.break_silence)
            await answer.send()
        except FAILURES as failure:
            await answer.fail(failure)
        finally:
            record.cache = visit.use
            if visit.source is not None:
                await visit.source.close()


class _Visit:
    """The one visit to a thread. What it found is there for whoever waits for it, also before its end."""

    def __init__(
        self, decide: Callable[[Cancel], Decision], source_of: Callable[[WantedPack], DirectPack | CachedPack]
    ) -> None:
        self._decide = decide
        self._source_of = source_of
        self._cancel = Cancel()
        self.decision: Decision | None = None
        self.source: DirectPack | CachedPack | None = None

    def run(self) -> None:
        """Raises what the engine raises, unless it is about the pack: that is for its source to raise."""
        decision = self.decision = self._decide(self._cancel)
        if decision.pack is None:
            return
        source = self.source = self._source_of(decision.pack)
        if self._cancel.is_set():
            raise Cancelled("the fetch is not wanted any more")
        source.begin_here()

    def stop(self) -> None:
        """End it soon. From another thread."""
        self._cancel.set()
        if self.source is not None:
            self.source.stop()

    @property
    def use(self) -> str | None:
        """How the pack came, for the log; None if there was none."""
        if isinstance(self.source, CachedPack):
            return self.source.use
        if self.decision is None or self.decision.pack is None:
            return None
        return "whole" if self.decision.pack.is_stored else "off"


class _Answer:
    """What the client hears."""

    def __init__(self, exchange: GitExchange, request: AnyFetchRequest, frame: PackFrame, visit: _Visit) -> None:
        self._exchange = exchange
        self._request = request
        self._frame = frame
        self._visit = visit
        self._has_head = False

    async def break_silence(self) -> None:
        """While the visit lasts: an empty packet, if the client can hear one yet."""
        decision = self._visit.decision
        if decision is None and isinstance(self._request, FetchRequest) and self._request.sideband_all:
            await self._start()
            await self._exchange.write(EARLY_KEEP_ALIVE)
        elif decision is not None and decision.pack is not None:
            await self._start()
            self._hold_head(decision)
            await self._exchange.write(self._frame.keep_alive)

    async def send(self) -> None:
        """After the visit: all of the answer."""
        decision, source = self._visit.decision, self._visit.source
        assert decision is not None  # noqa: S101  # for the type checker: the visit did not fail
        if source is None and not self._exchange.started:
            await self._exchange.answer(200, decision.head, _CONTENT_TYPE)
            return
        await self._start()
        self._hold_head(decision)
        if source is None:
            await self._exchange.end()
            return
        send = send_at_hand if source.is_at_hand else send_pack
        await send(self._exchange, source, self._frame, quiet=self._request.no_progress)

    async def fail(self, failure: Exception) -> None:
        """Tell what went wrong where the client listens already, but not to the pack yet. Else raises it again."""
        if not self._exchange.started or self._has_head:
            raise failure
        v2_request = self._request if isinstance(self._request, FetchRequest) else None
        self._exchange.hold(fetch_error(v2_request, sentence_for(failure)))
        await self._exchange.end()

    async def _start(self) -> None:
        if not self._exchange.started:
            await self._exchange.start(200, Service.UPLOAD_PACK.result_type)

    def _hold_head(self, decision: Decision) -> None:
        if not self._has_head:
            self._exchange.hold(decision.head)
            self._has_head = True
