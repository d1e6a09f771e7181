"""Commit-graph files: made for an open pack, and taken apart in the plainest Python."""

from __future__ import annotations

import hashlib
import struct
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from core_ext import Pack, write_commit_graph
from tests.support.packs import database

if TYPE_CHECKING:
    from core_ext._core import ObjectFormat

NO_PARENT = 0x7000_0000
MARK = 1 << 31
"""In a second parent, an edge, or a generation: it has another meaning, or is the last one."""


def graph_bytes(pack: Pack, object_format: ObjectFormat = "sha1") -> bytes:
    """The commit-graph of a pack. Raises MissingObject if the pack is not closed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph"
        write_commit_graph(database([pack], object_format), str(path))
        return path.read_bytes()


def attach(pack: Pack, graph: bytes) -> None:
    """Give an open pack these bytes as its commit-graph."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph"
        path.write_bytes(graph)
        pack.attach_graph(str(path))


def with_graph(pack: Pack, object_format: ObjectFormat = "sha1") -> Pack:
    """The pack itself, its own commit-graph attached."""
    attach(pack, graph_bytes(pack, object_format))
    return pack


def chunks_of(graph: bytes) -> dict[bytes, bytes]:
    """The chunks by name, in stored order."""
    rows = [struct.unpack_from(">4sQ", graph, 8 + 12 * number) for number in range(graph[6] + 1)]
    return {name: graph[start:end] for (name, start), (_, end) in pairwise(rows)}


def joined(head: bytes, chunks: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A file of these chunks with offsets and checksum that are right. head: its first six bytes."""
    table, at = b"", 8 + 12 * (len(chunks) + 1)
    for name, chunk in [*chunks, (bytes(4), b"")]:
        table += struct.pack(">4sQ", name, at)
        at += len(chunk)
    return mended(head + bytes([len(chunks) % 256, 0]) + table + b"".join(chunk for _, chunk in chunks) + bytes(20))


def mended(graph: bytes) -> bytes:
    """The same with a SHA-1 checksum that is right."""
    return graph[:-20] + hashlib.sha1(graph[:-20], usedforsecurity=False).digest()
