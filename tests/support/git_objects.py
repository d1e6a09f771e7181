"""The slow twin of what `core_ext` does with objects: names, trees, commits and tags in the plainest Python."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from core_ext._core import Kind, ObjectFormat, Oid

OID_BYTES: dict[ObjectFormat, int] = {"sha1": 20, "sha256": 32}
KINDS: tuple[Kind, ...] = ("commit", "tree", "blob", "tag")


class NotAnObject(Exception):
    """The content does not parse."""


@dataclass(frozen=True)
class Header:
    """A header line, its continuation lines joined."""

    key: bytes
    value: bytes


def object_id(kind: Kind, content: bytes, object_format: ObjectFormat) -> Oid:
    """The object's name."""
    return hashlib.new(object_format, b"%b %d\0%b" % (kind.encode(), len(content), content)).digest()


def tree_entries(content: bytes, object_format: ObjectFormat) -> list[tuple[int, bytes, Oid]]:
    """(mode, name, oid) of each entry. Raises NotAnObject."""
    pattern = re.compile(rb"([0-7]+) ([^\0]+)\0(.{%d})" % OID_BYTES[object_format], re.DOTALL)
    entries, at = [], 0
    while at < len(content):
        match = pattern.match(content, at)
        if match is None:
            raise NotAnObject(f"no entry at byte {at}")
        entries.append((int(match[1], 8) & 0xFFFF_FFFF, match[2], match[3]))
        at = match.end()
    return entries


def edges(kind: Kind, content: bytes, object_format: ObjectFormat) -> list[tuple[Oid, Kind]]:
    """What the object refers to. Raises NotAnObject."""
    match kind:
        case "tree":
            entries = tree_entries(content, object_format)
            return [(oid, _entry_kind(mode)) for mode, _, oid in entries if mode & 0o170000 != 0o160000]
        case "commit":
            tree, parents, _ = _commit_head(content, object_format)
            return [(tree, "tree"), *((parent, "commit") for parent in parents)]
        case "tag":
            return [_tag_head(content, object_format)]
        case "blob":
            return []


def commit(
    content: bytes, object_format: ObjectFormat
) -> tuple[Oid, list[Oid], bytes, bytes, list[tuple[bytes, bytes]], bytes]:
    """As `core_ext.parse_commit`. Raises NotAnObject."""
    tree, parents, rest = _commit_head(content, object_format)
    headers, message = _headers(rest)
    author, committer = _take(headers, b"author"), _take(headers, b"committer")
    if author is None or committer is None:
        raise NotAnObject("no author or committer")
    return tree, parents, author, committer, [(header.key, header.value) for header in headers], message


def tag(content: bytes, object_format: ObjectFormat) -> tuple[Oid, Kind, bytes, bytes | None, bytes]:
    """As `core_ext.parse_tag`. Raises NotAnObject."""
    target, kind = _tag_head(content, object_format)
    headers, message = _headers(content)
    name = _take(headers, b"tag")
    if name is None:
        raise NotAnObject("no name")
    return target, kind, name, _take(headers, b"tagger"), message


def _entry_kind(mode: int) -> Kind:
    return "tree" if mode & 0o170000 == 0o040000 else "blob"


def _commit_head(content: bytes, object_format: ObjectFormat) -> tuple[Oid, list[Oid], bytes]:
    tree, rest = _oid_line(b"tree", content, object_format)
    parents = []
    while rest.startswith(b"parent "):
        parent, rest = _oid_line(b"parent", rest, object_format)
        parents.append(parent)
    return tree, parents, rest


def _tag_head(content: bytes, object_format: ObjectFormat) -> tuple[Oid, Kind]:
    target, rest = _oid_line(b"object", content, object_format)
    match = re.match(rb"type (commit|tree|blob|tag)\n", rest)
    if match is None:
        raise NotAnObject("no type line")
    return target, cast("Kind", match[1].decode())


def _oid_line(key: bytes, content: bytes, object_format: ObjectFormat) -> tuple[Oid, bytes]:
    match = re.match(rb"%b ([0-9a-fA-F]{%d})\n" % (key, 2 * OID_BYTES[object_format]), content)
    if match is None:
        raise NotAnObject(f"no {key.decode()} line")
    return bytes.fromhex(match[1].decode()), content[match.end() :]


def _headers(text: bytes) -> tuple[list[Header], bytes]:
    headers: list[Header] = []
    while text:
        line, _, text = text.partition(b"\n")
        if not line:
            break
        if line.startswith(b" "):
            if not headers:
                raise NotAnObject("a line continues nothing")
            headers[-1] = Header(headers[-1].key, headers[-1].value + b"\n" + line[1:])
        else:
            key, _, value = line.partition(b" ")
            headers.append(Header(key, value))
    return headers, text


def _take(headers: list[Header], key: bytes) -> bytes | None:
    for header in headers:
        if header.key == key:
            headers.remove(header)
            return header.value
    return None
