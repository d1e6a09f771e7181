"""One import from its first request to its publish: the protocol's machines, driven over HTTP.

What reads or writes the repository, and what parses the remote's answers, runs in threads: the answers can be long, and
nobody vouches for them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import trio

from packengine.manifests import ObjectFormat
from packengine.protocol import PackData, ProtocolVersion
from packengine.protocol.client import (
    Acknowledged,
    AdvertisementParser,
    AnswerLimits,
    AnswerParser,
    FetchEvent,
    LsRefsAnswerParser,
    Negotiation,
    Progress,
    RemoteOffer,
    RemoteRefs,
    ls_refs_request,
)
from packengine.repository.remote_import import ImportOutcome, RemoteImport
from server.git.native import WorkerThreads
from server.imports.exchange import Exchange
from server.imports.failures import ImportFailed
from server.imports.progress import ImportProgress
from server.imports.remote import AGENT, Remote

LISTING_TIMEOUT_S = 600.0
"""How long a remote may take to tell its refs, all in all."""

T = TypeVar("T")


class Transfer:
    """Use once. `outcome` is there as soon as the import is published, whatever becomes of the task that waits.

    check: called before each step that reads the repository; what it raises ends the import.
    """

    def __init__(
        self,
        remote: Remote,
        work: RemoteImport,
        object_format: ObjectFormat,
        limits: AnswerLimits,
        progress: ImportProgress,
        *,
        threads: WorkerThreads,
        check: Callable[[], None],
    ) -> None:
        self._remote = remote
        self._work = work
        self._object_format = object_format
        self._limits = limits
        self._progress = progress
        self._threads = threads
        self._check = check
        self.outcome: ImportOutcome | None = None

    async def run(self) -> None:
        """Raises ImportFailed, ProtocolError, and what RemoteImport does."""
        with trio.move_on_after(LISTING_TIMEOUT_S) as listing:
            offer, refs = await self._list()
        if listing.cancelled_caught:
            raise ImportFailed(f"the remote took more than {LISTING_TIMEOUT_S:g} s to tell its refs")
        await self._in_thread(partial(self._work.choose, refs))
        if self._work.wants:
            await self._fetch(offer)
            self._progress.phase = "resolving"
            await self._in_thread(self._work.resolve)
        self._progress.phase = "publishing"
        await self._in_thread(self._publish)

    def count(self) -> None:
        """Bring the counts of the progress up to date."""
        self._progress.count(self._work.counts())

    async def _list(self) -> tuple[RemoteOffer, RemoteRefs]:
        async with self._remote.advertisement() as answer:
            advertisement = await self._read(AdvertisementParser(self._object_format, self._limits), answer)
        self._progress.phase = "listing"
        if advertisement.refs is not None:
            return advertisement.offer, advertisement.refs
        request = ls_refs_request(advertisement.offer, self._work.prefixes, AGENT)
        async with self._remote.upload_pack(request, version_2=True) as answer:
            refs = await self._read(LsRefsAnswerParser(self._object_format, self._limits), answer)
        return advertisement.offer, refs

    async def _read(self, parser: AnswerParser[T], answer: Exchange) -> T:
        """An answer that is one event."""
        while piece := await answer.read():
            await self._in_thread(partial(parser.feed, piece))
        return (await self._in_thread(parser.finish))[0]

    async def _fetch(self, offer: RemoteOffer) -> None:
        work, is_version_2 = self._work, offer.version is ProtocolVersion.V2
        negotiation = Negotiation(
            offer, self._object_format, self._limits, AGENT, wants=work.wants, known_common=work.known_common
        )
        while True:
            self._progress.phase = "negotiating"
            haves = await self._in_thread(partial(work.haves, negotiation.batch, negotiation.common))
            request, parser = negotiation.request(haves)
            round_ = _Round(work, self._progress)
            async with self._remote.upload_pack(request, version_2=is_version_2) as answer:
                while piece := await answer.read():
                    await self._in_thread(partial(round_.take_from, partial(parser.feed, piece)))
            await self._in_thread(partial(round_.take_from, parser.finish))
            if round_.has_pack:
                return
            negotiation.take(round_.acknowledged)

    def _publish(self) -> None:
        self.outcome = self._work.publish()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        self._check()
        return await self._threads.run(work, stop=self._work.cancel)


class _Round:
    """What one answer to a fetch brings; its pack is fed on as it comes."""

    def __init__(self, work: RemoteImport, progress: ImportProgress) -> None:
        self._work = work
        self._progress = progress
        self.acknowledged = Acknowledged((), is_ready=False)
        self.has_pack = False

    def take_from(self, parse: Callable[[], list[FetchEvent]]) -> None:
        """Take what a step of the parser gives. Not on the event loop."""
        pack: list[bytes] = []
        for event in parse():
            if isinstance(event, PackData):
                pack.append(event.data)
            elif isinstance(event, Progress):
                self._progress.hear(event.text)
            else:
                self.acknowledged = event
        if pack:
            self.has_pack = True
            self._progress.phase = "receiving"
            self._work.feed(b"".join(pack))
