"""The request of version 2: keys, a delimiter, arguments, a flush. Format: gitprotocol-v2(5), "Command Request"."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import ClassVar, TypeAlias

from packengine.pktline import Marker, Packet
from packengine.protocol._bundle_uri import BundleUriArguments, BundleUriRequest
from packengine.protocol._capabilities import LEGACY_OBJECT_FORMAT, split_capability
from packengine.protocol._errors import RemoteProtocolError, shown
from packengine.protocol._fetch_request import FetchArguments, FetchRequest
from packengine.protocol._limits import WireLimits
from packengine.protocol._ls_refs_request import LsRefsArguments, LsRefsRequest
from packengine.protocol._object_info import ObjectInfoArguments, ObjectInfoRequest
from packengine.protocol._request_parser import RequestParser
from packengine.protocol._requests import Client, ProbeRequest, chomp
from packengine.protocol._services import UploadPackOffer
from packengine.protocol._v2_advertisement import SERVER_OPTION

UploadPackRequest: TypeAlias = LsRefsRequest | FetchRequest | ObjectInfoRequest | BundleUriRequest | ProbeRequest

_Arguments: TypeAlias = LsRefsArguments | FetchArguments | ObjectInfoArguments | BundleUriArguments

_COMMANDS: dict[bytes, type[_Arguments]] = {
    b"ls-refs": LsRefsArguments,
    b"fetch": FetchArguments,
    b"object-info": ObjectInfoArguments,
    b"bundle-uri": BundleUriArguments,
}

_Step: TypeAlias = "Callable[[UploadPackRequestParser, bytes], UploadPackRequest | None]"


class _State(Enum):
    KEYS = auto()
    ARGUMENTS = auto()
    DONE = auto()


class UploadPackRequestParser(RequestParser[UploadPackRequest]):
    """Turn the body of one POST into one request. What follows the request's flush is passed over, as Git does."""

    def __init__(self, offer: UploadPackOffer, limits: WireLimits) -> None:
        super().__init__(limits)
        self._offer = offer
        self._state = _State.KEYS
        self._known_keys = offer.identity_keys()
        self._known_commands = offer.commands()
        self._keys: dict[bytes, bytes | None] = {}
        self._server_options: list[bytes] = []
        self._server_option_bytes = 0
        self._command: bytes | None = None
        self._arguments: _Arguments  # there once the keys have ended

    def _is_whole(self) -> bool:
        return self._state is _State.DONE

    def _feed(self, data: bytes) -> list[UploadPackRequest]:
        request = None if self._state is _State.DONE else self._first_event(data)
        return [] if request is None else [request]

    def _take_oids(self, packets: list[Packet], at: int) -> int:
        if self._state is _State.ARGUMENTS and isinstance(self._arguments, FetchArguments):
            return self._arguments.take_oids(packets, at)
        return at

    def _take(self, packet: Packet) -> UploadPackRequest | None:
        kind = None if isinstance(packet, bytes) else packet
        step = self._STEPS.get((self._state, kind))
        if step is None:
            expects = (
                _COMMANDS[self._command].MISSING_FLUSH if self._command else b"expected flush after command arguments"
            )
            raise RemoteProtocolError(expects)
        return step(self, chomp(packet) if isinstance(packet, bytes) else b"")

    def _take_key(self, line: bytes) -> None:
        limit_bytes = self._limits.max_capability_bytes
        if len(line) > limit_bytes:
            raise RemoteProtocolError(f"a capability of {len(line)} bytes, more than {limit_bytes}")
        key, value = split_capability(line)
        if key == b"command":
            self._take_command(value or b"")
        elif key == SERVER_OPTION:
            self._take_server_option(value or b"")
        elif key in self._known_keys:
            self._keys[key] = value
        else:
            raise RemoteProtocolError(b"unknown capability '%b'" % shown(line))

    def _take_server_option(self, option: bytes) -> None:
        self._server_options.append(option)
        if len(self._server_options) > self._limits.max_server_options:
            raise RemoteProtocolError(f"more than {self._limits.max_server_options} server options")
        self._server_option_bytes += len(option)
        if self._server_option_bytes > self._limits.max_server_option_bytes:
            raise RemoteProtocolError(f"server options of more than {self._limits.max_server_option_bytes} bytes")

    def _take_command(self, command: bytes) -> None:
        if self._command is not None:
            names = shown(command), self._command
            raise RemoteProtocolError(b"command '%b' requested after already requesting command '%b'" % names)
        if command not in self._known_commands:
            raise RemoteProtocolError(b"invalid command '%b'" % shown(command))
        self._command = command

    def _begin_arguments(self, _: bytes) -> None:
        if self._command is None:
            raise RemoteProtocolError("no command requested")
        self._check_object_format()
        self._arguments = _COMMANDS[self._command](self._offer, self._limits)
        self._state = _State.ARGUMENTS

    def _check_object_format(self) -> None:
        theirs = self._keys.get(b"object-format", LEGACY_OBJECT_FORMAT)
        ours = self._offer.object_format.encode()
        if theirs is None:
            raise RemoteProtocolError("object-format capability requires an argument")
        if theirs != ours:
            raise RemoteProtocolError(b"mismatched object format: server %b; client %b" % (ours, shown(theirs)))

    def _take_argument(self, line: bytes) -> None:
        self._arguments.take(line)

    def _end_keys(self, _: bytes) -> UploadPackRequest:
        """A flush in place of the delimiter: no arguments, or no request at all."""
        if self._command is None and not self._keys and not self._server_options:
            self._state = _State.DONE
            return ProbeRequest()
        self._begin_arguments(b"")
        return self._end_arguments(b"")

    def _end_arguments(self, _: bytes) -> UploadPackRequest:
        self._state = _State.DONE
        return self._arguments.request(self._client())

    def _client(self) -> Client:
        return Client.of(self._keys, self._offer, server_options=tuple(self._server_options))

    _STEPS: ClassVar[dict[tuple[_State, Marker | None], _Step]] = {
        (_State.KEYS, None): _take_key,
        (_State.KEYS, Marker.DELIM): _begin_arguments,
        (_State.KEYS, Marker.FLUSH): _end_keys,
        (_State.ARGUMENTS, None): _take_argument,
        (_State.ARGUMENTS, Marker.FLUSH): _end_arguments,
    }
    """What to do with a line (None) or a marker; whatever is missing here breaks the protocol."""
