"""What the parsers of all answers do alike: cut packets, stay broken once broken, hear the remote's refusal."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from packengine.pktline import Packet, PktLineDecoder, PktLineError
from packengine.protocol._errors import ProtocolError, RemoteProtocolError, shown

Event = TypeVar("Event")
_ERR = b"ERR "


class RemoteRefused(ProtocolError):
    """The remote says, by the rules of the protocol, that it will not. The message is its own, made printable."""

    def __init__(self, sentence: bytes) -> None:
        self.sentence = shown(sentence.strip())
        super().__init__(self.sentence.decode("ascii"))


class AnswerParser(ABC, Generic[Event]):
    """Turns the body of one answer into events. After an error every further call raises the same error.

    An error is raised never before the events in front of it have been handed out.
    """

    def __init__(self, *, max_packets: int, max_bytes: int) -> None:
        self._packets = PktLineDecoder(max_packets=max_packets, max_bytes=max_bytes)
        self._error: ProtocolError | None = None

    def feed(self, data: bytes) -> list[Event]:
        """Take in bytes; return what happened. Raises RemoteProtocolError, RemoteRefused."""
        self._raise_again()
        events: list[Event] = []
        try:
            for packet in self._packets.feed(data):
                events += self._take(packet)
        except PktLineError as error:
            self._error = RemoteProtocolError(f"the remote sends no pkt-lines: {error}")
        except ProtocolError as error:
            self._error = error
        if not events:
            self._raise_again()
        return events

    def finish(self) -> list[Event]:
        """The body has ended; return what only this tells. Raises as `feed`, also for an answer that is not whole."""
        self.feed(b"")
        if not self._is_whole():
            self._error = RemoteProtocolError("the remote hung up in the middle of its answer")
        self._raise_again()
        return self._last_events()

    def _raise_again(self) -> None:
        if self._error is not None:
            raise self._error

    @abstractmethod
    def _take(self, packet: Packet) -> list[Event]: ...

    @abstractmethod
    def _is_whole(self) -> bool: ...

    def _last_events(self) -> list[Event]:
        """What the end of a whole body means."""
        return []


def refuse_err(line: bytes) -> None:
    """Raises RemoteRefused for a line that is an error packet; it may come in the place of any line."""
    if line.startswith(_ERR):
        raise RemoteRefused(line.removeprefix(_ERR))


def unexpected(packet: Packet, where: str) -> RemoteProtocolError:
    """What the remote sent where the format has something else."""
    text = packet if isinstance(packet, bytes) else packet.value
    return RemoteProtocolError(f"the remote sent '{shown(text, limit_bytes=80).decode()}' in {where}")
