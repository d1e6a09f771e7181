"""The answer to info/refs of any version. Format: gitprotocol-http(5), gitprotocol-pack(5), gitprotocol-v2(5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import ClassVar

from packengine.pktline import FLUSH, Packet
from packengine.protocol._capabilities import OID_BYTES, ObjectFormat, split_capability
from packengine.protocol._errors import RemoteProtocolError, shown
from packengine.protocol._oids import parse_oid
from packengine.protocol._requests import chomp
from packengine.protocol._services import Service
from packengine.protocol._versions import ProtocolVersion
from packengine.protocol.client._answers import AnswerParser, refuse_err, unexpected
from packengine.protocol.client._limits import AnswerLimits
from packengine.protocol.client._offer import RemoteOffer
from packengine.protocol.client._refs import HEAD, RefCollector, RemoteRefs

_WHERE = "its advertisement"
_NO_REFS = b"capabilities^{}"
_PEELED = b"^{}"
_SERVICE = b"# service=" + Service.UPLOAD_PACK.value.encode()


@dataclass(frozen=True, slots=True)
class Advertisement:
    """What a remote says of itself at first. refs: None in version 2, where ls-refs is to be asked."""

    offer: RemoteOffer
    refs: RemoteRefs | None


class _State(Enum):
    SERVICE = auto()
    SERVICE_FLUSH = auto()
    FIRST = auto()
    CAPABILITIES = auto()
    REFS = auto()
    DONE = auto()


class AdvertisementParser(AnswerParser[Advertisement]):
    """Read what the remote offers, and before version 2 its refs. One event, when the body has ended.

    object_format: ours; a remote of another one is refused before an id of it is read.
    """

    def __init__(self, object_format: ObjectFormat, limits: AnswerLimits) -> None:
        super().__init__(max_packets=limits.max_listing_packets, max_bytes=limits.max_listing_bytes)
        self._limits = limits
        self._object_format = object_format
        self._state = _State.SERVICE
        self._version = ProtocolVersion.V0
        self._capabilities: dict[bytes, bytes | None] = {}
        self._symref: bytes | None = None
        self._collector = RefCollector(limits)

    def _take(self, packet: Packet) -> list[Advertisement]:
        if isinstance(packet, bytes) and self._state in self._TAKE_LINE:
            line = chomp(packet)
            refuse_err(line)
            self._TAKE_LINE[self._state](self, line)
        elif packet is FLUSH and self._state in self._AFTER_FLUSH:
            self._state = self._AFTER_FLUSH[self._state]
            if self._state is _State.DONE:
                self._check_object_format()
        else:
            raise unexpected(packet, _WHERE)
        return []

    def _is_whole(self) -> bool:
        return self._state is _State.DONE

    def _last_events(self) -> list[Advertisement]:
        offer = RemoteOffer(self._version, self._capabilities)
        if self._version is ProtocolVersion.V2:
            return [Advertisement(offer, None)]
        return [Advertisement(offer, self._collector.listed(self._symref or self._collector.likely_head()))]

    def _take_service(self, line: bytes) -> None:
        """Version 2 has no such line, but some servers, and those before it, send it all the same."""
        if line == _SERVICE:
            self._state = _State.SERVICE_FLUSH
        else:
            self._take_first(line)

    def _take_first(self, line: bytes) -> None:
        if line == b"version 2":
            self._version, self._state = ProtocolVersion.V2, _State.CAPABILITIES
        elif line == b"version 1" and self._version is ProtocolVersion.V0:
            self._version, self._state = ProtocolVersion.V1, _State.FIRST
        else:
            self._take_first_ref(line)

    def _take_capability(self, line: bytes) -> None:
        limit = self._limits.max_capability_bytes
        if len(line) > limit:
            raise RemoteProtocolError(f"a capability of {len(line)} bytes, more than {limit}")
        self._note(*split_capability(line))

    def _take_first_ref(self, line: bytes) -> None:
        line, nul, words = line.partition(b"\0")
        if not nul or len(words) > self._limits.max_capability_bytes:
            raise unexpected(line, _WHERE)
        for word in words.split():
            key, value = split_capability(word)
            if key == b"symref":
                self._note_symref(value or b"")
            else:
                self._note(key, value)
        self._check_object_format()
        self._state = _State.REFS
        self._take_ref(line)

    def _take_ref(self, line: bytes) -> None:
        text, _, name = line.partition(b" ")
        if text == b"shallow":
            raise RemoteProtocolError("the remote is a shallow repository: what it has is not complete")
        oid = parse_oid(text, OID_BYTES[self._object_format])
        if oid is None or not name:
            raise unexpected(line, _WHERE)
        if name != _NO_REFS and not name.endswith(_PEELED):
            self._collector.add(name, oid)

    def _note(self, key: bytes, value: bytes | None) -> None:
        if len(self._capabilities) >= self._limits.max_capabilities:
            raise RemoteProtocolError(f"more than {self._limits.max_capabilities} capabilities")
        self._capabilities.setdefault(key, value)

    def _note_symref(self, value: bytes) -> None:
        name, _, target = value.partition(b":")
        if name == HEAD:
            self._symref = target

    def _check_object_format(self) -> None:
        theirs = RemoteOffer(self._version, self._capabilities).object_format
        if theirs != self._object_format.encode():
            sentence = f"the remote's object format is {shown(theirs).decode()}, the repository's {self._object_format}"
            raise RemoteProtocolError(sentence)

    _TAKE_LINE: ClassVar[dict[_State, Callable[[AdvertisementParser, bytes], None]]] = {
        _State.SERVICE: _take_service,
        _State.FIRST: _take_first,
        _State.CAPABILITIES: _take_capability,
        _State.REFS: _take_ref,
    }
    _AFTER_FLUSH: ClassVar[dict[_State, _State]] = {
        _State.SERVICE_FLUSH: _State.FIRST,
        _State.FIRST: _State.DONE,  # before 2.42 Git's servers say nothing at all of a repository without refs
        _State.CAPABILITIES: _State.DONE,
        _State.REFS: _State.DONE,
    }
