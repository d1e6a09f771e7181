"""The objects that targets and corpora share: what a server knows before the bytes come."""

from __future__ import annotations

from functools import cache

from core_ext import ObjectDb, Pack
from tests.support.graph_twin import Graph
from tests.support.pack_twin import Stored, write_pack
from tests.support.packs import database
from tests.support.raw_packs import commit_content, tree_content

TEXT = b"".join(b"line %d of a file that is long enough for deltas\n" % number for number in range(12))
BLOB = Stored("blob", TEXT)
EDITED = Stored("blob", TEXT[:300] + b"another end\n", base=BLOB)
EDITED_AGAIN = Stored("blob", TEXT[:300] + b"yet another end\n", base=EDITED, by_distance=False)
TREE = Stored("tree", tree_content([(b"100644", b"file", BLOB.oid), (b"100644", b"other", EDITED.oid)]))
COMMIT = Stored("commit", commit_content(TREE.oid))
TAG = Stored(
    "tag",
    b"object %b\ntype commit\ntag v1\ntagger A. Author <author@example.org> 1700000000 +0000\n\nTag\n"
    % COMMIT.oid.hex().encode(),
)
OBJECTS = (COMMIT, TREE, BLOB, EDITED, EDITED_AGAIN, TAG)


@cache
def pack_and_idx() -> tuple[bytes, bytes]:
    """All objects in a pack with both kinds of deltas, and its idx."""
    return write_pack(OBJECTS)


@cache
def known() -> ObjectDb:
    """A database of all objects."""
    pack, idx = pack_and_idx()
    return database([Pack.from_bytes(pack, idx, object_format="sha1")])


@cache
def history() -> Graph:
    """Two roots, lines and merges above them, one of three parents; clocks that are 100 years apart."""
    graph = Graph()
    tree = graph.tree({b"file": graph.blob(TEXT)})
    commits: list[bytes] = []
    for number, steps in enumerate([(), (1,), (), (1, 2), (2,), (1, 2, 3), (1,), (2, 4, 5, 7), (1,)]):
        parents = [commits[number - step] for step in steps]
        commits.append(graph.commit(tree, parents, 100 * 365 * 86400 * (number % 2), b"%d" % number))
    return graph


@cache
def history_pack_and_idx() -> tuple[bytes, bytes]:
    """All objects of the history in a pack, and its idx."""
    return write_pack(list(history().objects.values()))


def history_pack() -> Pack:
    """The pack of the history, opened anew: it has no commit-graph."""
    return Pack.from_bytes(*history_pack_and_idx(), object_format="sha1")
