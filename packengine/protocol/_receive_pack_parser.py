"""The request of receive-pack: commands or a certificate, push options, then a pack. Format: gitprotocol-pack(5)."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import ClassVar, TypeAlias

from packengine.pktline import FLUSH, Packet
from packengine.protocol._capabilities import LEGACY_OBJECT_FORMAT, parse_capabilities
from packengine.protocol._errors import RemoteProtocolError, shown
from packengine.protocol._limits import WireLimits
from packengine.protocol._oids import parse_oid
from packengine.protocol._push_certificate import CertificateReader, PushCertificate
from packengine.protocol._push_request import Command, PackData, PushCapabilities, PushCommands
from packengine.protocol._request_parser import RequestParser
from packengine.protocol._requests import ProbeRequest, chomp
from packengine.protocol._services import ReceivePackOffer

ReceivePackEvent: TypeAlias = ProbeRequest | PushCommands | PackData

_UNSIGNED = "protocol error: got both push certificate and unsigned commands"


class _State(Enum):
    COMMANDS = auto()
    CERTIFICATE = auto()
    PUSH_OPTIONS = auto()
    PACK = auto()
    DONE = auto()


class ReceivePackRequestParser(RequestParser[ReceivePackEvent]):
    """Turn the body of one POST into events: a ProbeRequest alone, or PushCommands and then PackData as it arrives.

    Memory: the commands, bounded by the limits; pack data is passed through.
    """

    def __init__(self, offer: ReceivePackOffer, limits: WireLimits) -> None:
        super().__init__(limits)
        self._offer = offer
        self._state = _State.COMMANDS
        self._capabilities: PushCapabilities | None = None
        self._commands: list[Command] = []
        self._shallow: list[bytes] = []
        self._push_options: list[bytes] = []
        self._push_option_bytes = 0
        self._reader = CertificateReader(limits)
        self._certificate: PushCertificate | None = None

    @property
    def capabilities(self) -> PushCapabilities | None:
        """Known from the first command on: they say in which frame an error must be told."""
        return self._capabilities

    @property
    def reads_pack(self) -> bool:
        """Whether all that comes is passed through."""
        return self._state is _State.PACK

    def _is_whole(self) -> bool:
        """Where the pack ends is not judged here."""
        return self._state in (_State.PACK, _State.DONE)

    def _feed(self, data: bytes) -> list[ReceivePackEvent]:
        if self._state is _State.PACK:
            return [PackData(data)] if data else []
        event = None if self._state is _State.DONE else self._first_event(data)
        return [] if event is None else [event, *self._pack_so_far()]

    def _pack_so_far(self) -> list[PackData]:
        rest = self._packets.take_rest() if self._state is _State.PACK else b""
        return [PackData(rest)] if rest else []

    def _take(self, packet: Packet) -> ProbeRequest | PushCommands | None:
        if isinstance(packet, bytes):
            self._TAKE_LINE[self._state](self, packet)
            return None
        if packet is not FLUSH or self._state is _State.CERTIFICATE:
            raise RemoteProtocolError(b"protocol error: got an unexpected packet " + packet.value)
        return self._take_flush()

    def _take_flush(self) -> ProbeRequest | PushCommands | None:
        if self._capabilities is None:
            self._state = _State.DONE
            return ProbeRequest()
        if self._state is _State.COMMANDS and self._capabilities.push_options:
            self._state = _State.PUSH_OPTIONS
            return None
        if not self._commands:
            raise RemoteProtocolError("protocol error: a push certificate without commands")
        event = PushCommands(
            tuple(self._commands),
            self._capabilities,
            tuple(self._push_options),
            tuple(self._shallow),
            self._certificate,
        )
        self._state = _State.PACK if event.expects_pack else _State.DONE
        return event

    def _take_command_or_shallow(self, packet: bytes) -> None:
        line = chomp(packet)
        if line.startswith(b"shallow "):
            self._take_shallow(line.removeprefix(b"shallow "))
            return
        line, nul, words = line.partition(b"\0")
        if self._capabilities is None:
            self._take_capabilities(words)
        elif nul:
            raise RemoteProtocolError(b"protocol error: capabilities behind a second command, '%b'" % shown(line))
        if line == b"push-cert":
            self._begin_certificate()
        elif self._certificate is not None:
            raise RemoteProtocolError(_UNSIGNED)
        else:
            self._take_command(line)

    def _begin_certificate(self) -> None:
        if self._offer.push_certificate_nonce is None:
            raise RemoteProtocolError("protocol error: push certificates are not accepted here")
        if self._commands or self._certificate is not None:
            raise RemoteProtocolError(_UNSIGNED)
        self._state = _State.CERTIFICATE

    def _take_certificate_line(self, packet: bytes) -> None:
        if self._reader.take(packet):
            self._certificate, commands = self._reader.finish()
            for line in commands:
                self._take_command(line)
            self._state = _State.COMMANDS

    def _take_capabilities(self, text: bytes) -> None:
        words = parse_capabilities(text, max_bytes=self._limits.max_capability_bytes)
        object_format = words.get(b"object-format", LEGACY_OBJECT_FORMAT) or b""
        if object_format != self._offer.object_format.encode():
            raise RemoteProtocolError(b"error: unsupported object format '%b'" % shown(object_format))
        self._capabilities = PushCapabilities.chosen(words, self._offer)

    def _take_command(self, line: bytes) -> None:
        if len(self._commands) >= self._limits.max_commands:
            raise RemoteProtocolError(f"a push of more than {self._limits.max_commands} refs")
        old, new, name = [*line.split(b" ", 2), b"", b""][:3]
        old_oid, new_oid = parse_oid(old, self._offer.oid_bytes), parse_oid(new, self._offer.oid_bytes)
        if old_oid is None or new_oid is None or not name:
            raise RemoteProtocolError(b"protocol error: expected old/new/ref, got '%b'" % shown(line))
        self._commands.append(Command(old_oid, new_oid, name))

    def _take_shallow(self, text: bytes) -> None:
        if len(self._shallow) >= self._limits.max_shallows:
            raise RemoteProtocolError(f"more than {self._limits.max_shallows} shallow lines")
        oid = parse_oid(text, self._offer.oid_bytes)
        if oid is None:
            raise RemoteProtocolError(b"protocol error: expected shallow sha, got '%b'" % shown(text))
        self._shallow.append(oid)

    def _take_push_option(self, packet: bytes) -> None:
        limits, option = self._limits, chomp(packet)
        self._push_option_bytes += len(option)
        if len(self._push_options) >= limits.max_push_options:
            raise RemoteProtocolError(f"more than {limits.max_push_options} push options")
        if self._push_option_bytes > limits.max_push_option_bytes:
            raise RemoteProtocolError(f"push options of more than {limits.max_push_option_bytes} bytes")
        self._push_options.append(option)

    _TAKE_LINE: ClassVar[dict[_State, Callable[[ReceivePackRequestParser, bytes], None]]] = {
        _State.COMMANDS: _take_command_or_shallow,
        _State.CERTIFICATE: _take_certificate_line,
        _State.PUSH_OPTIONS: _take_push_option,
    }
