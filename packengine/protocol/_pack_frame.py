"""How a pack is sent, with words beside it where the client has a band for them. Format: gitprotocol-pack(5)."""

from __future__ import annotations

from dataclasses import dataclass

from packengine.protocol._answers import END, KEEP_ALIVE
from packengine.protocol._fetch_request import FetchRequest
from packengine.protocol._legacy_fetch_request import LegacyFetchRequest, PackBands
from packengine.sideband import ERROR_BAND, PROGRESS_BAND, encode_band


@dataclass(frozen=True, slots=True)
class PackFrame:
    """The frame of one answer's pack.

    Without bands there is the pack and nothing else, so that a failure can only be told by cutting the connection.
    """

    bands: PackBands

    @classmethod
    def of(cls, request: FetchRequest | LegacyFetchRequest) -> PackFrame:
        """The frame that the client asked for; version 2 always has large bands."""
        return cls(request.bands if isinstance(request, LegacyFetchRequest) else PackBands.LARGE)

    @property
    def keep_alive(self) -> bytes:
        """What breaks a silence: an empty packet of the pack's band."""
        return KEEP_ALIVE if self._has_bands else b""

    @property
    def end(self) -> bytes:
        """What follows the last piece."""
        return END if self._has_bands else b""

    @property
    def data_packet_bytes(self) -> int | None:
        """The largest packet that carries some of the pack; None: it is sent as it is."""
        return self.bands.value if self._has_bands else None

    def progress(self, text: bytes) -> bytes:
        """Words that the client shows behind `remote:`; with a newline, or a carriage return, at their end."""
        return self._in_band(PROGRESS_BAND, text)

    def fatal(self, sentence: bytes) -> bytes:
        """The end of an answer in bands: the client shows the sentence and gives up."""
        return self._in_band(ERROR_BAND, sentence.rstrip(b"\n") + b"\n")

    @property
    def _has_bands(self) -> bool:
        return self.bands is not PackBands.NONE

    def _in_band(self, band: int, data: bytes) -> bytes:
        return encode_band(band, data, max_packet_bytes=self.bands.value) if self._has_bands else b""
