"""The request of upload-pack before version 2. Format: gitprotocol-pack(5), gitprotocol-http(5), "Smart Service"."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import ClassVar, TypeAlias

from packengine.pktline import Marker, Packet, PktLineError
from packengine.protocol._errors import RemoteProtocolError
from packengine.protocol._legacy_fetch_lines import LegacyFetchLines
from packengine.protocol._legacy_fetch_request import LegacyFetchRequest
from packengine.protocol._limits import WireLimits
from packengine.protocol._request_parser import RequestParser
from packengine.protocol._requests import ProbeRequest, chomp
from packengine.protocol._services import UploadPackOffer

LegacyUploadPackRequest: TypeAlias = ProbeRequest | LegacyFetchRequest

_Step: TypeAlias = "Callable[[LegacyUploadPackRequestParser, bytes], LegacyUploadPackRequest | None]"


class _State(Enum):
    NEEDS = auto()
    HAVES = auto()
    DONE = auto()


class LegacyUploadPackRequestParser(RequestParser[LegacyUploadPackRequest]):
    """Turn the body of one POST into one request, as a process that forgets everything afterwards reads it.

    It ends with `done`, or with the flush behind the haves: what follows is passed over, as Git does. A body that ends
    behind the needs is a request too, which only `finish` can know. Without wants there is nothing to answer: a probe.
    """

    def __init__(self, offer: UploadPackOffer, limits: WireLimits) -> None:
        super().__init__(limits)
        self._lines = LegacyFetchLines(offer, limits)
        self._state = _State.NEEDS
        self._negotiates = False

    def _is_whole(self) -> bool:
        return self._state is _State.DONE or self._ends_behind_needs()

    def _feed(self, data: bytes) -> list[LegacyUploadPackRequest]:
        request = None if self._state is _State.DONE else self._first_event(data)
        return [] if request is None else [request]

    def _last_events(self) -> list[LegacyUploadPackRequest]:
        return [self._end(done=False)] if self._state is _State.HAVES else []

    def _ends_behind_needs(self) -> bool:
        if self._state is not _State.HAVES or self._negotiates:
            return False
        try:
            self._packets.finish()
        except PktLineError:
            return False
        return True

    def _take_oids(self, packets: list[Packet], at: int) -> int:
        if self._state is _State.NEEDS:
            return self._lines.take_wants(packets, at)
        if self._state is not _State.HAVES:
            return at
        end = self._lines.take_haves(packets, at)
        self._negotiates |= end > at
        return end

    def _take(self, packet: Packet) -> LegacyUploadPackRequest | None:
        kind = None if isinstance(packet, bytes) else packet
        step = self._STEPS.get((self._state, kind))
        if step is None:
            raise RemoteProtocolError(b"protocol error: got an unexpected packet " + Marker(packet).value)
        return step(self, chomp(packet) if isinstance(packet, bytes) else b"")

    def _take_need(self, line: bytes) -> None:
        self._lines.take_need(line)

    def _end_needs(self, _: bytes) -> ProbeRequest | None:
        if self._lines.has_wants:
            self._state = _State.HAVES
            return None
        self._state = _State.DONE
        return ProbeRequest()

    def _take_have_or_done(self, line: bytes) -> LegacyFetchRequest | None:
        self._negotiates = True
        if line == b"done":
            return self._end(done=True)
        self._lines.take_have(line)
        return None

    def _end_haves(self, _: bytes) -> LegacyFetchRequest:
        self._negotiates = True
        return self._end(done=False)

    def _end(self, *, done: bool) -> LegacyFetchRequest:
        self._state = _State.DONE
        return self._lines.request(negotiates=self._negotiates, done=done)

    _STEPS: ClassVar[dict[tuple[_State, Marker | None], _Step]] = {
        (_State.NEEDS, None): _take_need,
        (_State.NEEDS, Marker.FLUSH): _end_needs,
        (_State.HAVES, None): _take_have_or_done,
        (_State.HAVES, Marker.FLUSH): _end_haves,
    }
    """What to do with a line (None) or a marker; whatever is missing here breaks the protocol."""
