"""git-receive-pack over HTTP: one push."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial

from core_ext import Cancel
from packengine.protocol import (
    PackData,
    ProbeRequest,
    PushCapabilities,
    PushCommands,
    ReceivePackEvent,
    ReceivePackRequestParser,
    RemoteProtocolError,
    Service,
    WireLimits,
    committed_report,
    push_error,
    push_message,
    rejected_report,
)
from packengine.repository import Actor, ByteQuotaExceeded, DeltaCount, Engine, Push, PushOutcome, RepositoryState
from packengine.storage.ports import OwnerBytesExceeded
from server.asgi import RequestRecord
from server.auth.git_tokens import GitService
from server.git.admission import AccessRefused, Admission, Admitted
from server.git.exchange import GitExchange
from server.git.failures import FAILURES, sentence_for
from server.git.native import INLINE_BYTES, ThreadPools
from server.git.offers import Offers
from server.git.push_progress import TICK_S, PushProgress, last_words

_log = logging.getLogger(__name__)
_FEED_BYTES = 256 * 1024

_RESULT_TYPE = Service.RECEIVE_PACK.result_type
_SERVICE: GitService = "git-receive-pack"


class _Work:
    """What is done for one push in threads. It begins with its first bytes: most pushes come whole, and then access,
    which may have ended since, is judged, and the pack taken in and published, in one visit."""

    def __init__(self, begin: Callable[[PushCommands], Push], request: PushCommands) -> None:
        self._begin = begin
        self._push: Push | None = None
        self.request = request

    @property
    def has_begun(self) -> bool:
        """Whether some of it was done already."""
        return self._push is not None

    def push(self) -> Push:
        """Begun at the first call. Raises AccessRefused, RepositoryMissing."""
        if self._push is None:
            self._push = self._begin(self.request)
        return self._push

    def feed(self, data: bytes) -> None:
        self.push().feed(data)

    def cancel(self) -> None:
        if self._push is not None:
            self._push.cancel()

    def delta_count(self) -> DeltaCount:
        return DeltaCount() if self._push is None else self._push.delta_count()


class ReceivePack:
    """Answers one POST to git-receive-pack."""

    def __init__(
        self,
        engine: Engine,
        admission: Admission,
        offers: Offers,
        pools: ThreadPools,
        limits: WireLimits,
        after_push: Callable[[str], None],
    ) -> None:
        self._engine = engine
        self._admission = admission
        self._offers = offers
        self._threads = pools.pushes
        self._whole = pools.whole_pushes
        self._limits = limits
        self._after_push = after_push

    async def serve(self, exchange: GitExchange, recalled: Admitted, record: RequestRecord) -> None:
        """Read commands and pack, publish, report. Raises Overloaded, with nothing read yet.

        recalled: whom the request comes from, as far as is known: it is judged anew before anything is done.
        """
        for threads in (self._threads, self._whole):
            threads.refuse_if_full()
        actor = Actor(recalled.grant.subject, record.request_id)
        parser = ReceivePackRequestParser(self._offers.push(recalled.state, record.request_id), self._limits)
        begin = partial(self._begin, recalled, actor)
        try:
            work, rest = await self._receive(exchange, parser, begin, record)
            if work is None:
                await self._answer(exchange, b"")
                return
            is_due = await self._finish(exchange, work, rest, record)
        except RemoteProtocolError as error:
            await self._answer(exchange, push_error(error.sentence, parser.capabilities))
        except AccessRefused as ended:
            refusal = ended.refusal
            await exchange.answer(refusal.status, refusal.body, *refusal.headers)
        else:
            if is_due:
                await self._roll_up(recalled.state, actor)
            self._after_push(recalled.state.record.id)

    async def _receive(
        self,
        exchange: GitExchange,
        parser: ReceivePackRequestParser,
        begin: Callable[[PushCommands], Push],
        record: RequestRecord,
    ) -> tuple[_Work | None, bytes]:
        """The push with its pack fed, and the last piece that it is still to be fed.

        None for a lone flush that tries out credentials. The last piece goes along with the end: most pushes have no
        other, and then all that is done for them is done in one visit to a thread.
        """
        work: _Work | None = None
        rest = b""
        async for piece in _in_large_pieces(exchange.body()):
            for event in await self._parse(parser, piece):
                match event:
                    case ProbeRequest():
                        return None, b""
                    case PushCommands():
                        record.client = event.capabilities.client
                        work = _Work(begin, event)
                        if event.certificate is not None:  # judged while it is fresh
                            await self._threads.run(work.push)
                    case PackData(data) if work is not None:
                        await self._feed(work, rest)
                        rest = data
        parser.finish()
        return work, rest

    async def _parse(self, parser: ReceivePackRequestParser, piece: bytes) -> list[ReceivePackEvent]:
        """Thousands of commands take milliseconds to read, which others on the event loop would wait for."""
        if parser.reads_pack or len(piece) <= INLINE_BYTES:
            return parser.feed(piece)
        return await self._threads.run(partial(parser.feed, piece))

    def _begin(self, recalled: Admitted, actor: Actor, request: PushCommands) -> Push:
        admitted = self._admission.confirm(recalled, _SERVICE)
        may_push = partial(self._admission.still_grants, admitted, _SERVICE)
        access = admitted.grant.ref_access
        return self._engine.pushes.begin(admitted.state, request, actor, may_push=may_push, access=access)

    async def _feed(self, work: _Work, data: bytes) -> None:
        if data:
            await self._threads.run(partial(work.feed, data), stop=work.cancel)

    async def _roll_up(self, state: RepositoryState, actor: Actor) -> None:
        """After the answer, for nobody waits for it. It leaves no trace if it fails, and the next push tries again."""
        cancel = Cancel()
        try:
            await self._threads.run(
                lambda: self._engine.rollup.roll_up_if_due(state.record.id, actor, cancel), stop=cancel.set
            )
        except FAILURES as error:
            _log.warning("roll-up failed", extra={"fields": {"repository": state.record.id, "error": str(error)}})

    async def _finish(self, exchange: GitExchange, work: _Work, rest: bytes, record: RequestRecord) -> bool:
        """Decide, telling how far it has come, and report. The pack has arrived: from here on silence would be ours.

        Returns whether there are packs to be rolled up. Raises AccessRefused, if nothing was told yet.
        """
        capabilities = work.request.capabilities
        progress = PushProgress(partial(_tell, exchange), capabilities, work.delta_count)
        try:
            # Not stopped: a client that goes away now may have its push published, and must not have half of it.
            threads = self._threads if work.has_begun else self._whole
            outcome, is_due = await threads.run(
                partial(self._feed_and_finish, work, rest, record), meanwhile=progress.tell, every_s=TICK_S
            )
        except FAILURES as failure:
            await self._answer(exchange, push_error(sentence_for(failure), capabilities))
            return False
        except AccessRefused as ended:
            if not exchange.started:
                raise
            await self._answer(exchange, push_error(ended.refusal.body.rstrip(), capabilities))
            return False
        words = [push_message(f"warning: {warning}", capabilities) for warning in outcome.warnings]
        said = last_words(outcome.deltas, capabilities)
        await self._answer(exchange, b"".join((said, *words, *_report(outcome, capabilities))))
        return is_due

    def _feed_and_finish(self, work: _Work, rest: bytes, record: RequestRecord) -> tuple[PushOutcome, bool]:
        push = work.push()
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
        """The whole answer, or the rest of it."""
        if exchange.started:
            exchange.hold(body)
            await exchange.end()
        else:
            await exchange.answer(200, body, (b"content-type", _RESULT_TYPE.encode()))


async def _tell(exchange: GitExchange, words: bytes) -> None:
    if not exchange.started:
        await exchange.start(200, _RESULT_TYPE)
    await exchange.write(words)


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
