"""A manifest: one published state of a repository, immutable, named by the SHA-256 of its canonical bytes.

Format: docs/formats.md, "Manifest". Text lines in a fixed order: readable, with one spelling.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import Literal

from packengine.refs.blocks import BlockRecord, RefEntry
from packengine.refs.table import LoadBlock, RefTable

_MAGIC = "packhouse-manifest 1"
_HEAD_KEYS = ("format", "head", "parent", "time", "actor", "request", "kind", "sealed")
_HEAD_LINES = 1 + len(_HEAD_KEYS)
ObjectFormat = Literal["sha1", "sha256"]
OID_LENGTHS: dict[ObjectFormat, int] = {"sha1": 20, "sha256": 32}


class CorruptManifest(Exception):
    """Stored bytes are no manifest. The message names the line."""


class PublishKind(Enum):
    """What kind of act a publish was."""

    CREATE = "create"
    PUSH = "push"
    FORK = "fork"
    IMPORT = "import"
    COMMIT = "commit"
    MERGE = "merge"
    RESTORE = "restore"
    """Refs have values again that they had before."""

    SETTINGS = "settings"
    """HEAD names another branch."""

    PURGE = "purge"
    """Something was taken out of all of the history, and what was before is forgotten: there is no parent."""

    MAINTENANCE = "maintenance"


class PackPlace(Enum):
    """Where a pack's bytes lie."""

    TAIL = "tail"
    BLOB = "blob"


@dataclass(frozen=True, slots=True)
class PackRecord:
    """A pack as a manifest names it."""

    digest: bytes
    size_bytes: int
    object_count: int
    place: PackPlace
    generation: int = 0
    """Of the blob: more than 0 if copies before it were condemned (docs/storage.md, "Garbage collection")."""


@dataclass(frozen=True, slots=True)
class ManifestHead:
    """What a manifest says before it comes to packs and refs: a walk through the past reads no more of most of them."""

    head: bytes
    parent: bytes | None
    time_ms: int
    actor: str
    request_id: str
    kind: PublishKind


@dataclass(frozen=True, slots=True)
class Manifest:
    """One published state. `packs` are newest first; `sealed`: everything in them is reachable from the refs."""

    object_format: ObjectFormat
    head: bytes
    parent: bytes | None
    time_ms: int
    actor: str
    request_id: str
    kind: PublishKind
    sealed: bool
    packs: tuple[PackRecord, ...]
    refs: RefTable

    @property
    def oid_len(self) -> int:
        """Bytes of an object id in this repository."""
        return OID_LENGTHS[self.object_format]


def digest_of(data: bytes) -> bytes:
    """The name of a manifest's bytes."""
    return hashlib.sha256(data).digest()


def known_object_format(name: str) -> ObjectFormat:
    """The object format of that name. Raises ValueError for any other."""
    for known in OID_LENGTHS:
        if name == known:
            return known
    raise ValueError(f"object format {name!r} is not known; these are: {', '.join(OID_LENGTHS)}")


def encode_manifest(manifest: Manifest) -> bytes:
    """The canonical bytes."""
    lines = [
        _MAGIC,
        f"format {manifest.object_format}",
        f"head {_text(manifest.head)}",
        f"parent {manifest.parent.hex() if manifest.parent is not None else 'none'}",
        f"time {manifest.time_ms}",
        f"actor {json.dumps(manifest.actor)}",
        f"request {json.dumps(manifest.request_id)}",
        f"kind {manifest.kind.value}",
        f"sealed {'yes' if manifest.sealed else 'no'}",
    ]
    lines += [_pack_line(pack) for pack in manifest.packs]
    if manifest.refs.inline is not None:
        lines += [_ref_line(entry) for entry in manifest.refs.inline]
    else:
        lines += [f"refs {r.digest.hex()} {r.ref_count} {_text(r.first)}" for r in manifest.refs.index]
    return ("\n".join(lines) + "\n").encode("latin-1")


def decode_manifest(data: bytes, load: LoadBlock) -> Manifest:
    """Read a manifest; `load` fetches its ref blocks when they are asked for. Raises CorruptManifest."""
    lines = data.decode("latin-1").split("\n")
    try:
        manifest = _decode(lines, load)
    except (ValueError, IndexError, KeyError) as error:
        raise CorruptManifest(f"not a manifest: {error}") from error
    if encode_manifest(manifest) != data:
        raise CorruptManifest("a manifest that is not in its canonical spelling")
    return manifest


def decode_manifest_head(data: bytes) -> ManifestHead:
    """Read the beginning of a manifest, whatever its size. Raises CorruptManifest."""
    try:
        lines = [line.decode("latin-1") for line in data.split(b"\n", _HEAD_LINES)[:_HEAD_LINES]]
        _, head, parent, time_ms, actor, request_id, kind, _ = _head_values(lines)
        return ManifestHead(
            head=head.encode("latin-1"),
            parent=None if parent == "none" else _digest(parent),
            time_ms=int(time_ms),
            actor=_string(actor),
            request_id=_string(request_id),
            kind=PublishKind(kind),
        )
    except ValueError as error:
        raise CorruptManifest(f"not a manifest: {error}") from error


def _head_values(lines: list[str]) -> list[str]:
    magic, *rest = lines
    if magic != _MAGIC:
        raise CorruptManifest(f"not a manifest of a version known here: {magic[:40]!r}")
    return [_value(line, key) for line, key in zip(rest, _HEAD_KEYS, strict=True)]


def _decode(lines: list[str], load: LoadBlock) -> Manifest:
    object_format, head, parent, time_ms, actor, request_id, kind, sealed = _head_values(lines[:_HEAD_LINES])
    packs, inline, index = _decode_tables(lines[_HEAD_LINES:-1])
    known_format = known_object_format(object_format)
    _check_refs(inline, OID_LENGTHS[known_format])
    _check_order([entry.name for entry in inline] or [record.first for record in index])
    table = RefTable(OID_LENGTHS[known_format], None if index else tuple(inline), tuple(index), load)
    return Manifest(
        object_format=known_format,
        head=head.encode("latin-1"),
        parent=None if parent == "none" else _digest(parent),
        time_ms=int(time_ms),
        actor=_string(actor),
        request_id=_string(request_id),
        kind=PublishKind(kind),
        sealed=sealed == "yes",
        packs=tuple(packs),
        refs=table,
    )


def _decode_tables(lines: list[str]) -> tuple[list[PackRecord], list[RefEntry], list[BlockRecord]]:
    packs: list[PackRecord] = []
    inline: list[RefEntry] = []
    index: list[BlockRecord] = []
    for line in lines:
        key, _, rest = line.partition(" ")
        if key == "pack":
            packs.append(_pack(rest))
        elif key == "ref":
            oid, peeled, name = rest.split(" ", 2)
            inline.append(
                RefEntry(name.encode("latin-1"), bytes.fromhex(oid), None if peeled == "-" else bytes.fromhex(peeled))
            )
        elif key == "refs":
            digest, ref_count, first = rest.split(" ", 2)
            index.append(BlockRecord(_digest(digest), int(ref_count), first.encode("latin-1")))
        else:
            raise CorruptManifest(f"unknown line {line[:40]!r}")
    return packs, inline, index


def _pack(text: str) -> PackRecord:
    digest, size_bytes, object_count, place, *rest = text.split(" ")
    (generation,) = rest or ("0",)
    pack = PackRecord(_digest(digest), int(size_bytes), int(object_count), PackPlace(place), int(generation))
    if pack.generation < 0 or (pack.generation and pack.place is PackPlace.TAIL):
        raise CorruptManifest(f"a pack in a {place} has generation {generation}")
    return pack


def _check_refs(entries: Sequence[RefEntry], oid_len: int) -> None:
    for entry in entries:
        if len(entry.oid) != oid_len or (entry.peeled is not None and len(entry.peeled) != oid_len):
            raise CorruptManifest(f"ref {entry.name!r}: not an id of {oid_len} bytes")


def _check_order(names: Sequence[bytes]) -> None:
    """The table is searched by bisection: out of order, a ref that is there would not be found."""
    if any(left >= right for left, right in pairwise(names)):
        raise CorruptManifest("refs are out of order, or named twice")


def _pack_line(pack: PackRecord) -> str:
    generation = f" {pack.generation}" if pack.generation else ""
    place = "tail" if pack.place is PackPlace.TAIL else "blob"  # twice as fast as an enum's value, and packs are many
    return f"pack {pack.digest.hex()} {pack.size_bytes} {pack.object_count} {place}{generation}"


def _ref_line(entry: RefEntry) -> str:
    peeled = entry.peeled.hex() if entry.peeled is not None else "-"
    return f"ref {entry.oid.hex()} {peeled} {_text(entry.name)}"


def _value(line: str, key: str) -> str:
    found, _, value = line.partition(" ")
    if found != key:
        raise CorruptManifest(f"expected a {key!r} line, found {line[:40]!r}")
    return value


def _string(text: str) -> str:
    value = json.loads(text)
    if not isinstance(value, str):
        raise CorruptManifest(f"expected a string, found {text[:40]!r}")
    return value


def _digest(text: str) -> bytes:
    digest = bytes.fromhex(text)
    if len(digest) != hashlib.sha256().digest_size:
        raise CorruptManifest(f"a digest of {len(digest)} bytes")
    return digest


def _text(name: bytes) -> str:
    # Latin-1 keeps every byte: ref names are bytes, and a name cannot hold a line feed.
    return name.decode("latin-1")
