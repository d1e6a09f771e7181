"""What happens while the answer to a fetch arrives, in whatever version: acknowledgments, then bands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from packengine.pktline import Packet
from packengine.protocol._errors import RemoteProtocolError
from packengine.protocol._push_request import PackData
from packengine.protocol.client._answers import RemoteRefused
from packengine.protocol.client._limits import AnswerLimits
from packengine.sideband import DATA_BAND, ERROR_BAND, SidebandError, split_band


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What of our haves the remote has, too."""

    common: tuple[bytes, ...]
    """Raw ids."""

    is_ready: bool
    """Whether it needs to know no more."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Words of the remote for whoever waits, as they came: to be made printable."""

    text: bytes


FetchEvent: TypeAlias = Acknowledged | PackData | Progress


class Bands:
    """Takes the packets of a pack apart and counts them against the limits."""

    def __init__(self, limits: AnswerLimits) -> None:
        self._limits = limits
        self._pack_bytes = 0
        self._progress_bytes = 0

    def take(self, packet: Packet) -> list[FetchEvent]:
        """At most one event: an empty packet keeps the connection alive. Raises RemoteProtocolError, RemoteRefused."""
        try:
            band, data = split_band(packet)
        except SidebandError as error:
            raise RemoteProtocolError(str(error)) from error
        if band == ERROR_BAND:
            raise RemoteRefused(data)
        if not data:
            return []
        return [self._pack(data) if band == DATA_BAND else self._progress(data)]

    def _pack(self, data: bytes) -> PackData:
        self._pack_bytes += len(data)
        if self._pack_bytes > self._limits.max_pack_bytes:
            raise RemoteProtocolError(f"the remote's pack has more than {self._limits.max_pack_bytes} bytes")
        return PackData(data)

    def _progress(self, data: bytes) -> Progress:
        self._progress_bytes += len(data)
        if self._progress_bytes > self._limits.max_progress_bytes:
            raise RemoteProtocolError(f"the remote says more than {self._limits.max_progress_bytes} bytes of progress")
        return Progress(data)
