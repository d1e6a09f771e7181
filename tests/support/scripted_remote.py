"""Answers of an upload-pack as a test writes them; without changes they are those of a repository of one blob."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable

from packengine.pktline import FLUSH, encode_many
from packengine.sideband import encode_band
from tests.support.remotes import Exchange

ADVERTISEMENT = {"Content-Type": "application/x-git-upload-pack-advertisement"}
RESULT = {"Content-Type": "application/x-git-upload-pack-result"}
V2 = encode_many([b"version 2\n", b"ls-refs=unborn\n", b"fetch=shallow\n", b"object-format=sha1\n", FLUSH])
BLOB = b"a blob"
OID = hashlib.sha1(b"blob 6\0" + BLOB, usedforsecurity=False).hexdigest().encode()
LISTED = encode_many([OID + b" refs/tags/blob\n", FLUSH])


def entry(kind: int, data: bytes) -> bytes:
    """As it stands in a pack."""
    head, rest = [kind << 4 | len(data) & 15], len(data) >> 4
    while rest:
        head[-1] |= 0x80
        head.append(rest & 0x7F)
        rest >>= 7
    return bytes(head) + zlib.compress(data)


def pack(*objects: tuple[int, bytes], count: int | None = None) -> bytes:
    """objects: (kind, content). count: what the pack says, if not how many they are."""
    entries = b"".join(entry(kind, data) for kind, data in objects)
    body = b"PACK" + struct.pack(">II", 2, len(objects) if count is None else count) + entries
    return body + hashlib.sha1(body, usedforsecurity=False).digest()


PACK = pack((3, BLOB))


def packfile(data: bytes) -> bytes:
    return encode_many([b"packfile\n"]) + encode_band(1, data) + b"0000"


def script(
    *, advertisement: bytes = V2, listed: bytes = LISTED, fetched: bytes = packfile(PACK), encoding: str = "identity"
) -> Callable[[Exchange], None]:
    """A server of version 2 that answers so."""

    def answer(exchange: Exchange) -> None:
        if exchange.method == "GET":
            exchange.answer(headers={**ADVERTISEMENT, "Content-Encoding": encoding}, body=advertisement)
        elif b"command=ls-refs" in exchange.body:
            exchange.answer(headers=RESULT, body=listed)
        else:
            exchange.answer(headers=RESULT, body=fetched)

    return answer
