"""The answer to ls-refs. Format: gitprotocol-v2(5), "ls-refs"."""

from __future__ import annotations

from packengine.pktline import FLUSH, Packet
from packengine.protocol._capabilities import OID_BYTES, ObjectFormat
from packengine.protocol._oids import parse_oid
from packengine.protocol._requests import chomp
from packengine.protocol.client._answers import AnswerParser, refuse_err, unexpected
from packengine.protocol.client._limits import AnswerLimits
from packengine.protocol.client._refs import HEAD, RefCollector, RemoteRefs

_WHERE = "its list of refs"
_SYMREF = b"symref-target:"


class LsRefsAnswerParser(AnswerParser[RemoteRefs]):
    """Read the refs of a remote. One event, when the body has ended."""

    def __init__(self, object_format: ObjectFormat, limits: AnswerLimits) -> None:
        super().__init__(max_packets=limits.max_listing_packets, max_bytes=limits.max_listing_bytes)
        self._oid_bytes = OID_BYTES[object_format]
        self._collector = RefCollector(limits)
        self._head: bytes | None = None
        self._is_done = False

    def _take(self, packet: Packet) -> list[RemoteRefs]:
        if self._is_done or (not isinstance(packet, bytes) and packet is not FLUSH):
            raise unexpected(packet, _WHERE)
        if isinstance(packet, bytes):
            self._take_line(chomp(packet))
        else:
            self._is_done = True
        return []

    def _is_whole(self) -> bool:
        return self._is_done

    def _last_events(self) -> list[RemoteRefs]:
        return [self._collector.listed(self._head)]

    def _take_line(self, line: bytes) -> None:
        refuse_err(line)
        text, _, rest = line.partition(b" ")
        name, *attributes = rest.split(b" ")
        oid = parse_oid(text, self._oid_bytes)
        if not name or (oid is None and text != b"unborn"):
            raise unexpected(line, _WHERE)
        if name == HEAD:
            targets = (each.removeprefix(_SYMREF) for each in attributes if each.startswith(_SYMREF))
            self._head = next(targets, None)
        if oid is not None:
            self._collector.add(name, oid)
