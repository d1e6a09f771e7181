"""The answer to a fetch of version 2. Format: gitprotocol-v2(5), "fetch"."""

from __future__ import annotations

from enum import Enum, auto
from typing import ClassVar

from packengine.pktline import DELIM, FLUSH, Packet
from packengine.protocol._capabilities import OID_BYTES, ObjectFormat
from packengine.protocol._errors import RemoteProtocolError
from packengine.protocol._oids import parse_oid
from packengine.protocol._requests import chomp
from packengine.protocol.client._answers import AnswerParser, refuse_err, unexpected
from packengine.protocol.client._fetch_events import Acknowledged, Bands, FetchEvent
from packengine.protocol.client._limits import AnswerLimits

_WHERE = "its answer to a fetch"


class _State(Enum):
    SECTION = auto()
    ACKNOWLEDGMENTS = auto()
    PACK = auto()
    DONE = auto()


class FetchAnswerParser(AnswerParser[FetchEvent]):
    """Turn one answer into events: Acknowledged or none, then PackData and Progress or none.

    Memory: the acknowledged ids; packs are passed through.
    """

    def __init__(self, object_format: ObjectFormat, limits: AnswerLimits) -> None:
        super().__init__(max_packets=limits.max_answer_bytes, max_bytes=limits.max_answer_bytes)
        self._limits = limits
        self._oid_bytes = OID_BYTES[object_format]
        self._state = _State.SECTION
        self._common: list[bytes] = []
        self._is_ready = False
        self._bands = Bands(limits)

    def _take(self, packet: Packet) -> list[FetchEvent]:
        if packet is FLUSH or packet is DELIM:
            return self._take_end(packet)
        if not isinstance(packet, bytes) or self._state is _State.DONE:
            raise unexpected(packet, _WHERE)
        if self._state is _State.PACK:
            return self._bands.take(packet)
        line = chomp(packet)
        refuse_err(line)
        if self._state is _State.SECTION:
            self._begin_section(line)
        else:
            self._take_acknowledgment(line)
        return []

    def _is_whole(self) -> bool:
        return self._state is _State.DONE

    def _begin_section(self, line: bytes) -> None:
        if line == b"shallow-info":
            raise RemoteProtocolError("the remote is a shallow repository: what it has is not complete")
        state = self._SECTIONS.get(line)
        if state is None:
            raise unexpected(line, _WHERE)
        self._state = state

    def _take_end(self, packet: Packet) -> list[FetchEvent]:
        """A flush ends the answer, a delimiter the acknowledgments in front of a pack."""
        if self._state is _State.ACKNOWLEDGMENTS:
            self._state = _State.DONE if packet is FLUSH else _State.SECTION
            return [Acknowledged(tuple(self._common), self._is_ready)]
        if self._state is not _State.PACK or packet is not FLUSH:
            raise unexpected(packet, _WHERE)
        self._state = _State.DONE
        return []

    def _take_acknowledgment(self, line: bytes) -> None:
        word, _, text = line.partition(b" ")
        oid = parse_oid(text, self._oid_bytes) if word == b"ACK" else None
        if oid is not None:
            if len(self._common) >= self._limits.max_acknowledgments:
                raise RemoteProtocolError(f"more than {self._limits.max_acknowledgments} acknowledgments")
            self._common.append(oid)
        elif line == b"ready":
            self._is_ready = True
        elif line != b"NAK":
            raise unexpected(line, _WHERE)

    _SECTIONS: ClassVar[dict[bytes, _State]] = {
        b"acknowledgments": _State.ACKNOWLEDGMENTS,
        b"packfile": _State.PACK,
    }
