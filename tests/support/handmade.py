"""Packs put together by hand, entry by entry."""

from __future__ import annotations

from core_ext import ObjectDb, Pack
from tests.support.graph_twin import Graph
from tests.support.pack_twin import Stored, write_pack
from tests.support.packs import database


def blob(text: str) -> Stored:
    """A blob that has most of its content in common with the others."""
    return Stored("blob", b"much in common\n" * 9 + text.encode())


def delta(entry: Stored, base: Stored, *, by_distance: bool = True) -> Stored:
    """The same object, to be stored as a delta."""
    return Stored(entry.kind, entry.content, base, by_distance)


def packed(*entries: Stored) -> Pack:
    """A pack of these entries in this order."""
    pack, idx = write_pack(entries)
    return Pack.from_bytes(pack, idx, object_format="sha1")


def in_one_pack(graph: Graph) -> ObjectDb:
    """All of a graph, nothing of it as a delta."""
    return database([packed(*graph.objects.values())])
