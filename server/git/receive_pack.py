"""git-receive-pack over HTTP: one push."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from functools import partial

import trio

from core_ext import Cancel
from packengine.protocol import (
    PackData,
    ProbeRequest,
    PushCapabilities,
    PushCommands,
    ReceivePackEvent,
    ReceivePackOffer,
    ReceivePackRequestParser,
    RemoteProtocolError,
    Service,
    WireLimits,
    committed_report,
    push_error,
    push_message,
    rejected_report,
)
from packengine.repository import Actor, ByteQuotaExceeded, Engine, Push, PushOutcome, RefAccess, RepositoryState
from packengine.storage.ports import OwnerBytesExceeded
from server.asgi import RequestRecord
from server.git.exchange import GitExchange
from server.git.failures import FAILURES, sentence_for
from server.git.native import INLINE_BYTES, WorkerThreads
from server.git.push_progress import last_words, tell_progress

_log = logging.getLogger(__name__)
_FEED_BYTES = 256 * 1024

_RESULT_TYPE = Service.RECEIVE_PACK.result_type


@dataclass(frozen=True, slots=True)
class Pusher:
    """Who pushes, and with what to answer whom."""

    actor: Actor
    offer: ReceivePackOffer
    may_push: Callable[[], bool]
    """Whether the token is still good. Reads the catalog."""

    access: RefAccess
    """Which refs it may move."""

    record: RequestRecord


class ReceivePack:
    """Answers one POST to git-receive-pack."""

    def __init__(
        self, engine: Engine, threads: WorkerThreads, limits: WireLimits, after_push: Callable[[str], None]
    ) -> None:
        self._engine = engine
        self._threads = threads
        self._limits = limits
        self._after_push = after_push

    async def serve(self, exchange: GitExchange, state: RepositoryState, pusher: Pusher) -> None:
        """Read commands and pack, publish, report. Raises Overloaded, with nothing read yet."""
        self._threads.refuse_if_full()
        parser = ReceivePackRequestParser(pusher.offer, self._limits)
        try:
            request, push, rest = await self._receive(exchange, state, pusher, parser)
        except RemoteProtocolError as error:
            await self._answer(exchange, push_error(error.sentence, parser.capabilities))
            return
        if request is None or push is None:
            await self._answer(exchange, b"")
            return
        await exchange.start(200, _RESULT_TYPE)
        is_due = await self._finish(exchange, request.capabilities, push, rest, pusher.record)
        await exchange.end()
        if is_due:
            await self._roll_up(state, pusher.actor)
        self._after_push(state.record.id)

    async def _receive(
        self, exchange: GitExchange, state: RepositoryState, pusher: Pusher, parser: ReceivePackRequestParser
    ) -> tuple[PushCommands | None, Push | None, bytes]:
        """The commands, the push with its pack fed, and the last piece that it is still to be fed.

        None for a lone flush that tries out credentials. The last piece goes along with the end: most pushes have no
        other, and then all that is done for them is done in one visit to a thread.
        """
        request: PushCommands | None = None
        push: Push | None = None
        rest = b""
        async for piece in _in_large_pieces(exchange.body()):
            for event in await self._parse(parser, piece):
                match event:
                    case ProbeRequest():
                        return None, None, b""
                    case PushCommands():
                        pusher.record.client = event.capabilities.client
                        request, push = event, await self._begin(state, event, pusher)
                    case PackData(data) if push is not None:
                        await self._feed(push, rest)
                        rest = data
        parser.finish()
        return request, push, rest

    async def _parse(self, parser: ReceivePackRequestParser, piece: bytes) -> list[ReceivePackEvent]:
        """Thousands of commands take milliseconds to read, which others on the event loop would wait for."""
        if parser.reads_pack or len(piece) <= INLINE_BYTES:
            return parser.feed(piece)
        return await self._threads.run(partial(parser.feed, piece))

    async def _begin(self, state: RepositoryState, request: PushCommands, pusher: Pusher) -> Push:
        begin = partial(
            self._engine.pushes.begin, state, request, pusher.actor, may_push=pusher.may_push, access=pusher.access
        )
        return begin() if request.certificate is None else await self._threads.run(begin)  # a signature takes time

    async def _feed(self, push: Push, data: bytes) -> None:
        if data:
            await self._threads.run(lambda: push.feed(data), stop=push.cancel)

    async def _roll_up(self, state: RepositoryState, actor: Actor) -> None:
        """After the answer, for nobody waits for it. It leaves no trace if it fails, and the next push tries again."""
        cancel = Cancel()
        try:
            await self._threads.run(
                lambda: self._engine.rollup.roll_up_if_due(state.record.id, actor, cancel), stop=cancel.set
            )
        except FAILURES as error:
            _log.warning("roll-up failed", extra={"fields": {"repository": state.record.id, "error": str(error)}})

    async def _finish(
        self, exchange: GitExchange, capabilities: PushCapabilities, push: Push, rest: bytes, record: RequestRecord
    ) -> bool:
        """Decide, telling how far it has come, and report. The pack has arrived: from here on silence would be ours.

        Returns whether there are packs to be rolled up.
        """
        outcome: PushOutcome | None = None
        is_due = False
        error = b""
        done = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(tell_progress, exchange.write, capabilities, push.delta_count, done)
            # Not cancellable: a client that goes away now may have its push published, and must not have half of it.
            try:
                outcome, is_due = await self._threads.run(partial(self._feed_and_finish, push, rest, record))
            except FAILURES as failure:  # here, for the nursery would wrap it
                error = push_error(sentence_for(failure), capabilities)
            done.set()
        if outcome is None:
            exchange.hold(error)
            return False
        exchange.hold(last_words(outcome.deltas, capabilities))
        for warning in outcome.warnings:
            await exchange.write(push_message(f"warning: {warning}", capabilities))
        for chunk in _report(outcome, capabilities):
            exchange.hold(chunk)
        return is_due

    def _feed_and_finish(self, push: Push, rest: bytes, record: RequestRecord) -> tuple[PushOutcome, bool]:
        if rest:
            push.feed(rest)
        try:
            outcome = push.finish()
        except (ByteQuotaExceeded, OwnerBytesExceeded) as full:
            record.limit = "repo_byte_quota_exceeded"
            outcome = push.refused(str(full))
        return outcome, outcome.committed is not None and self._engine.rollup.is_due(outcome.committed)

    @staticmethod
    async def _answer(exchange: GitExchange, body: bytes) -> None:
        await exchange.answer(200, body, (b"content-type", _RESULT_TYPE.encode()))


def _report(outcome: PushOutcome, capabilities: PushCapabilities) -> Iterable[bytes]:
    if outcome.committed is not None:
        return committed_report(outcome.committed, outcome.verdicts, capabilities)
    refusals = [(ref, reason) for ref, reason in outcome.verdicts if reason is not None]
    return rejected_report(outcome.unpack_error, refusals, capabilities)


async def _in_large_pieces(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Gather what arrives, so that a thread is called once for each 256 KiB, not once for each read."""
    held: list[bytes] = []
    held_bytes = 0
    async for piece in pieces:
        held.append(piece)
        held_bytes += len(piece)
        if held_bytes >= _FEED_BYTES:
            yield b"".join(held)
            held, held_bytes = [], 0
    if held:
        yield b"".join(held)
