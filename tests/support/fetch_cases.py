"""Random fetches, as bytes for either server, and what came back, as values to be compared."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from core_ext import ObjectDb
from packengine.pktline import DELIM, FLUSH, Packet, encode_many
from packengine.sideband import BandDecoder
from tests.support.git import GIT_ENV
from tests.support.ingests import open_ingest, take_in
from tests.support.wire_client import AGENT

if TYPE_CHECKING:
    from core_ext._core import ObjectFormat

# Bitmaps would let Git leave out what only a have's deeper past holds, sparse walks send what the client has.
_GIT = (
    *("git", "-c", "pack.useBitmaps=false", "-c", "pack.useSparse=false"),
    *("-c", "uploadpack.allowFilter=true", "-c", "uploadpack.allowAnySHA1InWant=true"),
    *("-c", "uploadpack.allowRefInWant=true", "-c", "uploadpack.advertiseSidebandAll=true"),
    *("-c", "uploadpack.allowSidebandAll=true", "upload-pack", "--stateless-rpc"),
)
_LIMIT = 1 << 40
_BANDS = (b"\x01", b"\x02", b"\x03")


@dataclass(slots=True)
class Case:
    """One request. Ids in hex, as the wire has them; words of the boundary and the filter as whole lines."""

    version: int
    wants: list[str] = field(default_factory=list)
    haves: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    """`shallow …`, `deepen …`, `filter …`, `want-ref …`."""

    flags: list[str] = field(default_factory=list)
    """Arguments of version 2 without a value, capabilities before it."""

    done: bool = True

    def body(self, object_format: ObjectFormat) -> bytes:
        """The POST."""
        make = self._v2 if self.version == 2 else self._legacy
        return encode_many([each.encode() + b"\n" if isinstance(each, str) else each for each in make(object_format)])

    def _v2(self, object_format: ObjectFormat) -> list[str | Packet]:
        keys = ["command=fetch", f"agent={AGENT.decode()}", f"object-format={object_format}"]
        ids = [f"want {oid}" for oid in self.wants] + [f"have {oid}" for oid in self.haves]
        return [*keys, DELIM, *self.flags, *self.lines, *ids, *(["done"] if self.done else []), FLUSH]

    def _legacy(self, object_format: ObjectFormat) -> list[str | Packet]:
        words = " ".join([*self.flags, f"object-format={object_format}", f"agent={AGENT.decode()}"])
        wants = [f"want {oid}" for oid in self.wants]
        wants[:1] = [f"{wants[0]} {words}"]
        haves = [f"have {oid}" for oid in self.haves]
        return [*wants, *self.lines, FLUSH, *haves, *(["done"] if self.done else [FLUSH])]


@dataclass(slots=True)
class Answer:
    """What of an answer must agree."""

    refused: bool = False
    acknowledgments: list[str] = field(default_factory=list)
    """In order, with what stands behind an id."""

    shallow: set[str] = field(default_factory=set)
    unshallow: set[str] = field(default_factory=set)
    wanted_refs: set[str] = field(default_factory=set)
    has_pack: bool = False
    objects: set[bytes] = field(default_factory=set)


def ask_git(repository: Path, case: Case, object_format: ObjectFormat) -> tuple[bytes, bool]:
    """What `git upload-pack --stateless-rpc` answers, and whether it was content with the request."""
    env = GIT_ENV | {"GIT_PROTOCOL": f"version={case.version}"}
    done = subprocess.run(
        [*_GIT, str(repository)], input=case.body(object_format), env=env, capture_output=True, check=False
    )
    return done.stdout, done.returncode == 0


class AnswerReader:
    """Reads answers about the objects of one repository."""

    def __init__(self, known: ObjectDb, scratch: Path, object_format: ObjectFormat) -> None:
        self._known = known
        self._scratch = scratch
        self._object_format = object_format

    def read(self, case: Case, body: bytes) -> Answer:
        """Take an answer apart."""
        answer, at = Answer(), 0
        sideband_all = case.version == 2 and "sideband-all" in case.flags
        while at < len(body):
            if body[at : at + 4] == b"PACK":
                self._take_pack(answer, body[at:])
                break
            length = max(int(body[at : at + 4], 16), 4)
            line = body[at + 4 : at + length]
            if line[:1] in _BANDS and not sideband_all:
                self._take_pack(answer, _banded(body[at:]))
                break
            at += length
            if sideband_all:
                line = b"ERR " if line[:1] == b"\x03" else b"" if line[:1] == b"\x02" else line[1:]
            if self._take_line(answer, line.removesuffix(b"\n").decode("utf-8", "replace")):
                self._take_pack(answer, _banded(body[at:]))
                break
        return answer

    def _take_line(self, answer: Answer, line: str) -> bool:
        """Returns whether the pack follows."""
        word, _, rest = line.partition(" ")
        match word:
            case "ACK" | "NAK" | "ready":
                answer.acknowledgments.append(line)
            case "shallow":
                answer.shallow.add(rest)
            case "unshallow":
                answer.unshallow.add(rest)
            case "ERR":
                answer.refused = True
            case _ if re.fullmatch(r"[0-9a-f]{40,64} \S+", line):
                answer.wanted_refs.add(line)
        return line == "packfile"

    def _take_pack(self, answer: Answer, pack: bytes) -> None:
        answer.has_pack = True
        answer.objects = self.objects_of(pack)

    def objects_of(self, pack: bytes) -> set[bytes]:
        """The ids of a pack's own objects, thin or not."""
        count = int.from_bytes(pack[8:12], "big")
        if not count:
            return set()
        ingest = open_ingest(self._scratch / "pack", object_format=self._object_format, spill_bytes=_LIMIT)
        ingested = take_in(ingest, pack, self._known)
        oids = _oids_by_offset(ingested.idx_bytes(), 20 if self._object_format == "sha1" else 32)
        return set(oids[:count])


def _banded(framed: bytes) -> bytes:
    pieces = BandDecoder(max_packets=_LIMIT, max_bytes=_LIMIT).feed(framed)
    return b"".join(data for band, data in pieces if band == 1)


def _oids_by_offset(idx: bytes, oid_bytes: int) -> list[bytes]:
    """The ids in an idx of version 2, in the order of the pack."""
    count = int.from_bytes(idx[8 + 255 * 4 : 8 + 256 * 4], "big")
    names_at = 8 + 256 * 4
    offsets_at = names_at + count * (oid_bytes + 4)
    names = [idx[names_at + n * oid_bytes : names_at + (n + 1) * oid_bytes] for n in range(count)]
    offsets = [int.from_bytes(idx[offsets_at + 4 * n : offsets_at + 4 * n + 4], "big") for n in range(count)]
    return [name for _, name in sorted(zip(offsets, names, strict=True))]
