"""The answer to a fetch before version 2. Format: gitprotocol-pack(5), "Packfile Negotiation"."""

from __future__ import annotations

from enum import Enum, auto

from packengine.pktline import FLUSH, Packet
from packengine.protocol._capabilities import OID_BYTES, ObjectFormat
from packengine.protocol._errors import RemoteProtocolError
from packengine.protocol._oids import parse_oid
from packengine.protocol._requests import chomp
from packengine.protocol.client._answers import AnswerParser, refuse_err, unexpected
from packengine.protocol.client._fetch_events import Acknowledged, Bands, FetchEvent
from packengine.protocol.client._limits import AnswerLimits

_WHERE = "its answer to a fetch"
_ACK = b"ACK "
_STATUSES = frozenset({b"common", b"ready", b"continue"})


class _State(Enum):
    LINES = auto()
    AFTER_NAK = auto()
    PACK = auto()
    DONE = auto()


class LegacyFetchAnswerParser(AnswerParser[FetchEvent]):
    """Turn one answer into events, as those of version 2.

    done: whether the request ended so, and a pack follows in any case. The pack comes in bands: we always ask for them.
    """

    def __init__(self, object_format: ObjectFormat, limits: AnswerLimits, *, done: bool) -> None:
        super().__init__(max_packets=limits.max_answer_bytes, max_bytes=limits.max_answer_bytes)
        self._limits = limits
        self._oid_bytes = OID_BYTES[object_format]
        self._done = done
        self._state = _State.LINES
        self._may_repeat = False
        """Whether the last line was an ACK with nothing behind it, and no pack has begun."""

        self._common: list[bytes] = []
        self._is_ready = False
        self._bands = Bands(limits)

    def _take(self, packet: Packet) -> list[FetchEvent]:
        if self._state is _State.PACK:
            return self._take_band(packet)
        if not isinstance(packet, bytes) or self._state is _State.DONE:
            raise unexpected(packet, _WHERE)
        line = chomp(packet)
        refuse_err(line)
        if line == b"NAK" and self._state is _State.LINES:
            return self._end_lines(_State.PACK if self._done else _State.AFTER_NAK)
        return self._take_ack(line)

    def _is_whole(self) -> bool:
        return self._state in (_State.AFTER_NAK, _State.DONE)

    def _take_band(self, packet: Packet) -> list[FetchEvent]:
        if packet is FLUSH:
            self._state = _State.DONE
            return []
        if self._may_repeat and isinstance(packet, bytes) and packet.startswith(_ACK):
            # Git's servers, asked for one ACK, say it again for each have that an earlier one had made known.
            return self._take_ack(chomp(packet))
        self._may_repeat = False
        return self._bands.take(packet)

    def _take_ack(self, line: bytes) -> list[FetchEvent]:
        word, _, rest = line.partition(b" ")
        text, _, status = rest.partition(b" ")
        oid = parse_oid(text, self._oid_bytes)
        if word != b"ACK" or oid is None:
            raise unexpected(line, _WHERE)
        if not status:
            return self._take_last_ack(oid, line)
        if status not in _STATUSES or self._state is not _State.LINES:
            raise unexpected(line, _WHERE)
        self._is_ready = self._is_ready or status == b"ready"
        self._add(oid)
        return []

    def _take_last_ack(self, oid: bytes, line: bytes) -> list[FetchEvent]:
        """The pack follows: at once after `done`, and without it behind a NAK, if the remote was ready."""
        if self._state is _State.AFTER_NAK:
            if not self._is_ready:
                raise unexpected(line, _WHERE)
            self._state = _State.PACK
            return []
        if not self._done:
            raise unexpected(line, _WHERE)
        self._add(oid)
        if self._may_repeat:
            return []
        self._may_repeat = True
        return self._end_lines(_State.PACK)

    def _add(self, oid: bytes) -> None:
        if len(self._common) >= self._limits.max_acknowledgments:
            raise RemoteProtocolError(f"more than {self._limits.max_acknowledgments} acknowledgments")
        self._common.append(oid)

    def _end_lines(self, state: _State) -> list[FetchEvent]:
        self._state = state
        return [Acknowledged(tuple(self._common), self._is_ready)]
