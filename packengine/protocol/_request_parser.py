"""What the parsers of both services do alike: cut packets, go on to the first event, stay broken once broken."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from typing_extensions import Buffer

from packengine.pktline import Packet, PktLineDecoder, PktLineError
from packengine.protocol._errors import RemoteProtocolError
from packengine.protocol._limits import WireLimits

Event = TypeVar("Event")


class RequestParser(ABC, Generic[Event]):
    """Turns the body of one POST into events. After an error every further call raises the same error."""

    def __init__(self, limits: WireLimits) -> None:
        self._limits = limits
        self._packets = PktLineDecoder(
            max_packets=limits.max_pkt_lines, max_bytes=limits.max_request_bytes, stop_at_flush=True
        )
        self._error: RemoteProtocolError | None = None

    def feed(self, data: bytes) -> list[Event]:
        """Take in bytes; return what happened. Raises RemoteProtocolError."""
        self._raise_again()
        try:
            return self._feed(data)
        except PktLineError as error:
            self._error = RemoteProtocolError(str(error))
            raise self._error from error
        except RemoteProtocolError as error:
            self._error = error
            raise

    def finish(self) -> list[Event]:
        """The body has ended; return what only this tells. Raises RemoteProtocolError if the request has not."""
        self._raise_again()
        try:
            if not self._is_whole():
                raise RemoteProtocolError("the remote end hung up unexpectedly")
            return self._last_events()
        except RemoteProtocolError as error:
            self._error = error
            raise

    def _raise_again(self) -> None:
        if self._error is not None:
            raise self._error

    @abstractmethod
    def _feed(self, data: bytes) -> list[Event]: ...

    @abstractmethod
    def _take(self, packet: Packet) -> Event | None: ...

    @abstractmethod
    def _is_whole(self) -> bool: ...

    def _last_events(self) -> list[Event]:
        """What the end of a whole body means; most requests say themselves where they end."""
        return []

    def _first_event(self, data: Buffer) -> Event | None:
        """Take packets until one makes an event: what follows it has not been looked at if it is a flush."""
        packets = self._packets.feed(data)
        while packets:
            at = 0
            while (at := self._take_oids(packets, at)) < len(packets):
                event = self._take(packets[at])
                if event is not None:
                    return event
                at += 1
            packets = self._packets.feed(b"")
        return None

    def _take_oids(self, _packets: list[Packet], at: int) -> int:
        """Take a run of lines that name objects, of which there may be thousands, at once. Returns where it ends."""
        return at
