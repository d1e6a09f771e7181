"""The command object-info of version 2. Format: gitprotocol-v2(5), "object-info"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from packengine.protocol._chunks import encode_lines
from packengine.protocol._errors import LocalProtocolError, RemoteProtocolError, shown
from packengine.protocol._limits import WireLimits
from packengine.protocol._oids import hex_oid, parse_oid
from packengine.protocol._requests import Client
from packengine.protocol._services import UploadPackOffer


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfoRequest:
    """The client wants to know of objects without fetching them."""

    client: Client
    size: bool = False
    oids: tuple[bytes, ...] = ()
    """Raw ids as they came, repetitions too: each has its line in the answer."""


class ObjectInfoArguments:
    """Collects the lines of an object-info."""

    MISSING_FLUSH: ClassVar[bytes] = b"object-info: expected flush after arguments"

    def __init__(self, offer: UploadPackOffer, limits: WireLimits) -> None:
        self._oid_bytes = offer.oid_bytes
        self._max_object_infos = limits.max_object_infos
        self._size = False
        self._oids: list[bytes] = []

    def take(self, line: bytes) -> None:
        if line == b"size":
            self._size = True
        elif line.startswith(b"oid "):
            self._take_oid(line.removeprefix(b"oid "))
        else:
            raise RemoteProtocolError(b"object-info: unexpected line: '%b'" % shown(line))

    def _take_oid(self, text: bytes) -> None:
        oid = parse_oid(text, self._oid_bytes)
        if oid is None:
            sentence = b"object-info: protocol error, expected to get oid, not '%b'" % shown(text)
            raise RemoteProtocolError(sentence)
        self._oids.append(oid)
        if len(self._oids) > self._max_object_infos:
            raise RemoteProtocolError(f"object-info: more than {self._max_object_infos} oid lines")

    def request(self, client: Client) -> ObjectInfoRequest:
        return ObjectInfoRequest(client=client, size=self._size, oids=tuple(self._oids))


def object_info_answer(request: ObjectInfoRequest, sizes: Sequence[int | None]) -> Iterator[bytes]:
    """The answer in large chunks. sizes: in bytes, one for each of the request's ids; None for what is not here."""
    if len(sizes) != len(request.oids):
        raise LocalProtocolError(f"{len(sizes)} sizes for {len(request.oids)} ids")
    return encode_lines(_lines(request, sizes))


def _lines(request: ObjectInfoRequest, sizes: Sequence[int | None]) -> Iterator[bytes]:
    if request.size and request.oids:
        yield b"size\n"
    for oid, size_bytes in zip(request.oids, sizes, strict=True):
        if size_bytes is None:
            yield hex_oid(oid) + b" \n"
        elif request.size:
            yield b"%b %d\n" % (hex_oid(oid), size_bytes)
        else:
            yield hex_oid(oid) + b"\n"
