"""Which haves go into which request, until the remote knows enough, or we have told enough.

Over HTTP a server remembers nothing: each request repeats what was found common before. The numbers are Git's own
client's where it has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from packengine.protocol._capabilities import ObjectFormat
from packengine.protocol._errors import LocalProtocolError, RemoteProtocolError
from packengine.protocol._versions import ProtocolVersion
from packengine.protocol.client._answers import AnswerParser
from packengine.protocol.client._fetch_answer import FetchAnswerParser
from packengine.protocol.client._fetch_events import Acknowledged, FetchEvent
from packengine.protocol.client._legacy_fetch_answer import LegacyFetchAnswerParser
from packengine.protocol.client._limits import AnswerLimits
from packengine.protocol.client._offer import RemoteOffer
from packengine.protocol.client._requests import fetch_request, legacy_fetch_request

_FIRST_BATCH = 16
_LARGEST_BATCH = 2_048
_ONLY_BATCH = 256
"""Where there is one round and no more: a server that cannot acknowledge in detail."""

MAX_IN_VAIN = 256
"""After the first acknowledgment: so many further haves unknown to the remote, and no more are looked for."""

MAX_HAVES = 8_192
"""Of those that we do not know the remote to have: a repository that has nothing in common with it is fetched whole."""


class Negotiation:
    """One fetch from a remote, round by round: ask for `batch` haves, make a `request`, `take` what is acknowledged.

    wants: not empty. known_common: what the remote lists itself and we have: it need not be asked.
    """

    def __init__(
        self,
        offer: RemoteOffer,
        object_format: ObjectFormat,
        limits: AnswerLimits,
        agent: bytes,
        *,
        wants: Sequence[bytes],
        known_common: Iterable[bytes] = (),
    ) -> None:
        self._offer = offer
        self._object_format = object_format
        self._limits = limits
        self._agent = agent
        self._wants = wants
        self._common = dict.fromkeys(known_common)
        self._told = set(self._common)
        self._is_legacy = offer.version is not ProtocolVersion.V2
        self._has_rounds = not self._is_legacy or offer.has(b"multi_ack_detailed")
        self._batch = _FIRST_BATCH if self._has_rounds else _ONLY_BATCH
        self._sent_count = 0
        self._in_vain: int | None = None
        """None as long as nothing was acknowledged."""

        self._done = False

    @property
    def batch(self) -> int:
        """How many haves to look for next; 0: the next request is the last in any case."""
        return 0 if self._done else self._batch

    @property
    def common(self) -> Sequence[bytes]:
        """What the remote has, too: what lies behind it need not be told."""
        return tuple(self._common)

    def request(self, haves: Sequence[bytes]) -> tuple[bytes, AnswerParser[FetchEvent]]:
        """The next round's body, and what reads its answer. haves: `batch` of them, or fewer if there are no more.

        Raises RemoteProtocolError if the remote lacks what we need, LocalProtocolError for too many haves.
        """
        if len(haves) > self.batch:
            raise LocalProtocolError(f"{len(haves)} haves, {self.batch} were asked for")
        self._done = self._done or not self._has_rounds or len(haves) < self._batch
        self._sent_count += len(haves)
        self._told.update(haves)
        if self._in_vain is not None:
            self._in_vain += len(haves)
        make = legacy_fetch_request if self._is_legacy else fetch_request
        body = make(self._offer, self._wants, [*self._common, *haves], self._agent, done=self._done)
        return body, self._parser()

    def take(self, acknowledged: Acknowledged) -> None:
        """The answer to it had no pack. Raises RemoteProtocolError if it should have had one, or makes no sense."""
        if self._done:
            raise RemoteProtocolError("the remote sent no pack")
        if not self._told.issuperset(acknowledged.common):
            raise RemoteProtocolError("the remote acknowledges what it was not told of")
        fresh = [oid for oid in acknowledged.common if oid not in self._common]
        self._common.update(dict.fromkeys(fresh))
        if fresh:
            self._in_vain = 0
        self._batch = min(2 * self._batch, _LARGEST_BATCH, max(1, MAX_HAVES - self._sent_count))
        is_vain = self._in_vain is not None and self._in_vain >= MAX_IN_VAIN
        self._done = acknowledged.is_ready or is_vain or self._sent_count >= MAX_HAVES

    def _parser(self) -> AnswerParser[FetchEvent]:
        if self._is_legacy:
            return LegacyFetchAnswerParser(self._object_format, self._limits, done=self._done)
        return FetchAnswerParser(self._object_format, self._limits)
