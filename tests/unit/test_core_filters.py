"""ObjectFilter and selections through it: the cases that have a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core_ext import Cancel, Cancelled, CorruptPack, LimitExceeded, MissingObject, ObjectDb, ObjectFilter, Pack
from tests.support.graph_twin import Graph
from tests.support.handmade import in_one_pack
from tests.support.pack_twin import Stored, write_pack
from tests.support.packs import database

if TYPE_CHECKING:
    from core_ext._core import Oid

BLOB_NONE = ObjectFilter.blob_none()


@pytest.fixture
def graph() -> Graph:
    return Graph()


def selected(db: ObjectDb, wants: list[Oid], *filters: ObjectFilter, haves: list[Oid] | None = None) -> set[Oid]:
    objects, _ = db.select(wants, haves or [], filters=filters)
    return set(objects.oids(limit=1 << 20))


def sparse(*lines: bytes) -> ObjectFilter:
    return ObjectFilter.sparse(b"\n".join(lines))


def nested(graph: Graph, entry: Stored | Oid, depth: int, name: bytes = b"d") -> Oid:
    """A tree with an object so many trees deep."""
    oid = entry if isinstance(entry, bytes) else graph.add(entry)
    mode = b"100644" if graph.objects[oid].kind == "blob" else b"40000"
    for _ in range(depth):
        oid, mode = graph.add(Stored("tree", b"%b %b\0%b" % (mode, name, oid)), [oid]), b"40000"
    return oid


def without(db: ObjectDb, *hidden: Oid) -> ObjectDb:
    """A view in which some objects do not exist."""
    kept = db.all_objects()
    for oid in hidden:
        kept = kept.minus(db.reachable([oid]))
    return db.restricted(kept)


# --- what is not looked at --------------------------------------------------------------------------------------------


def test_blob_none_looks_no_blob_up(graph: Graph) -> None:
    blob = graph.blob(b"blob")
    commit = graph.commit(graph.tree({b"d": {b"f": blob}}), [], 0)
    db = without(in_one_pack(graph), blob)
    for filters in ([BLOB_NONE], [ObjectFilter.blob_limit(0)], [BLOB_NONE, sparse(b"f")]):
        assert selected(db, [commit], *filters) == graph.objects.keys() - {blob}
    with pytest.raises(MissingObject):
        selected(db, [commit], ObjectFilter.blob_limit(1))


def test_tree_depth_0_reads_no_tree(graph: Graph) -> None:
    tree = graph.tree({b"f": graph.blob(b"blob")})
    commit = graph.commit(tree, [], 0)
    db = without(in_one_pack(graph), tree)
    assert selected(db, [commit], ObjectFilter.tree_depth(0)) == {commit}
    assert selected(db, [commit], ObjectFilter.object_type("commit")) == {commit}
    with pytest.raises(MissingObject):
        selected(db, [commit], ObjectFilter.tree_depth(1))


def test_tree_depth_reads_no_tree_at_the_depth(graph: Graph) -> None:
    blob = graph.blob(b"blob")
    inner = graph.tree({b"f": blob})
    root = graph.tree({b"d": {b"f": blob}})
    commit = graph.commit(root, [], 0)
    db = without(in_one_pack(graph), blob)
    assert selected(db, [commit], ObjectFilter.tree_depth(2)) == {commit, root, inner}
    with pytest.raises(MissingObject):
        selected(db, [commit], ObjectFilter.tree_depth(3))


def test_blob_limit_inflates_no_whole_blob(graph: Graph) -> None:
    tree = graph.tree({b"f": graph.blob(bytes(range(200)))})
    commit, blob = graph.commit(tree, [], 0), graph.blob(bytes(range(200)))
    pack, idx = write_pack([graph.objects[oid] for oid in (commit, tree, blob)])
    damaged = pack[:-100] + bytes(80) + pack[-20:]
    db = database([Pack.from_bytes(damaged, idx, object_format="sha1")])
    assert selected(db, [commit], ObjectFilter.blob_limit(200)) == {commit, tree}
    assert selected(db, [commit], ObjectFilter.blob_limit(201)) == {commit, tree, blob}
    with pytest.raises(CorruptPack, match="zlib"):
        db.read(blob)


# --- what is named ----------------------------------------------------------------------------------------------------


def test_wants_of_every_kind_pass_every_filter(graph: Graph) -> None:
    blob = graph.blob(b"blob")
    tree = graph.tree({b"f": blob})
    commit = graph.commit(tree, [], 0)
    tag = graph.tag(graph.tag(tree, b"inner"), b"outer")
    db = in_one_pack(graph)
    contradiction = [ObjectFilter.object_type("tag"), ObjectFilter.object_type("blob")]
    for want, named in ((blob, {blob}), (tree, {tree}), (commit, {commit}), (tag, {tag, *graph.edges[tag], tree})):
        assert selected(db, [want], *contradiction) == named


def test_what_a_wanted_tree_holds_has_depth_0(graph: Graph) -> None:
    blob = graph.blob(b"blob")
    inner = graph.tree({b"f": blob})
    outer = graph.tree({b"d": {b"f": blob}})
    db = in_one_pack(graph)
    assert selected(db, [outer], ObjectFilter.tree_depth(0)) == {outer}
    assert selected(db, [outer], ObjectFilter.tree_depth(1)) == {outer, inner}
    assert selected(db, [outer], ObjectFilter.tree_depth(2)) == {outer, inner, blob}


def test_a_want_that_is_held_is_not_sent(graph: Graph) -> None:
    blob = graph.blob(b"blob")
    old = graph.commit(graph.tree({b"f": blob}), [], 0)
    new = graph.commit(graph.tree({b"g": blob}), [old], 1)
    sent = selected(in_one_pack(graph), [new, blob, old], BLOB_NONE, haves=[old])
    assert sent == {new, graph.edges[new][0]}


# --- sizes, depths and paths ------------------------------------------------------------------------------------------


def test_blob_limit_lets_through_what_is_smaller(graph: Graph) -> None:
    blobs = [graph.blob(b"x" * size) for size in (0, 9, 10, 11)]
    commit = graph.commit(graph.tree({b"f%d" % number: blob for number, blob in enumerate(blobs)}), [], 0)
    sent = selected(in_one_pack(graph), [commit], ObjectFilter.blob_limit(10))
    assert sent & set(blobs) == set(blobs[:2])


def test_least_depth_counts(graph: Graph) -> None:
    shared = {b"f": graph.blob(b"blob")}
    commit = graph.commit(graph.tree({b"a": {b"b": {b"c": shared}}, b"z": shared}), [], 0)
    sent = selected(in_one_pack(graph), [commit], ObjectFilter.tree_depth(3))
    assert sent == graph.objects.keys()
    assert graph.blob(b"blob") not in selected(in_one_pack(graph), [commit], ObjectFilter.tree_depth(2))


def test_one_path_that_matches_suffices(graph: Graph) -> None:
    shared, other = graph.blob(b"shared"), graph.blob(b"other")
    folder = {b"f": shared, b"g": other}
    commit = graph.commit(graph.tree({b"a": folder, b"b": folder}), [], 0)
    db = in_one_pack(graph)
    assert selected(db, [commit], sparse(b"/b/f")) == graph.objects.keys() - {other}
    assert selected(db, [commit], sparse(b"/b/", b"!/b/f")) == graph.objects.keys() - {shared}


def test_large_trees_on_the_path_are_read_again(graph: Graph) -> None:
    blob = graph.blob(b"blob")
    files = {b"%06d" % number: blob for number in range(30_000)}
    last = graph.blob(b"last")
    commit = graph.commit(graph.tree({**files, b"d": {**files, b"e": {b"f": last}, b"z": last}}), [], 0)
    assert selected(in_one_pack(graph), [commit], sparse(b"/d/e/f")) == graph.objects.keys() - {blob}


def many_paths(graph: Graph) -> tuple[ObjectDb, Oid]:
    """A commit of 41 trees in which a blob has a trillion paths."""
    tree = graph.tree({b"d": graph.blob(b"blob")})
    for _ in range(40):
        tree = graph.add(Stored("tree", b"40000 d\0%b40000 e\0%b" % (tree, tree)), [tree])
    commit = graph.commit(tree, [], 0)
    return in_one_pack(graph), commit


@pytest.mark.parametrize("patterns", [b"x", b"x\n/d/e/x", b"/*\n!/*/"])
def test_paths_that_no_pattern_can_match_are_not_gone_through(graph: Graph, patterns: bytes) -> None:
    db, commit = many_paths(graph)
    sent = selected(db, [commit], ObjectFilter.sparse(patterns))
    assert sent == graph.objects.keys() - {graph.blob(b"blob")}


# --- limits -----------------------------------------------------------------------------------------------------------


def test_sparse_filter_bounds_the_depth_of_trees(graph: Graph) -> None:
    blob = graph.blob(b"blob")
    deepest = graph.commit(nested(graph, blob, 2048), [], 0)
    too_deep = graph.commit(nested(graph, blob, 2050), [], 0)
    db = in_one_pack(graph)
    assert blob in selected(db, [deepest], sparse(b"d"))
    with pytest.raises(LimitExceeded, match="depth of a tree is 2049, over the limit of 2048"):
        selected(db, [too_deep], sparse(b"d"))


def test_sparse_filter_bounds_paths(graph: Graph) -> None:
    commit = graph.commit(nested(graph, graph.blob(b"blob"), 3, b"x" * 30_000), [], 0)
    with pytest.raises(LimitExceeded, match="length of a path in bytes is 90002, over the limit of 65536"):
        selected(in_one_pack(graph), [commit], sparse(b"d"))


def test_sparse_filter_bounds_the_paths_it_goes_through(graph: Graph) -> None:
    db, commit = many_paths(graph)
    with pytest.raises(LimitExceeded, match="count of trees entered by a sparse filter is"):
        selected(db, [commit], sparse(b"**/x/y"))


@pytest.mark.parametrize(
    ("patterns", "reason"),
    [
        (b"a\n" * 1001, "count of lines of a sparse filter is 1001, over the limit of 1000"),
        (b"a" * 65537, "size of a sparse filter in bytes is 65537, over the limit of 65536"),
        (b"*a" * 61, r"count of \* in a pattern of a sparse filter is 61, over the limit of 60"),
        (b"**/" * 9, r"count of \*\* in a pattern of a sparse filter is 9, over the limit of 8"),
    ],
)
def test_patterns_over_a_limit_are_refused(patterns: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        ObjectFilter.sparse(patterns)


def test_limits_of_patterns_are_arguments() -> None:
    ObjectFilter.sparse(b"a\nb", max_bytes=3, max_patterns=2)
    for max_bytes, max_patterns in ((2, 2), (3, 1)):
        with pytest.raises(ValueError, match="over the limit"):
            ObjectFilter.sparse(b"a\nb", max_bytes=max_bytes, max_patterns=max_patterns)


def test_a_term_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match='unknown object kind: "file"'):
        ObjectFilter.object_type("file")  # type: ignore[arg-type]
    with pytest.raises(OverflowError):
        ObjectFilter.blob_limit(-1)
    with pytest.raises(OverflowError):
        ObjectFilter.tree_depth(1 << 32)


@pytest.mark.parametrize("term", [BLOB_NONE, ObjectFilter.tree_depth(3), sparse(b"d")])
def test_filtered_selection_can_be_cancelled(graph: Graph, term: ObjectFilter) -> None:
    commit = graph.commit(nested(graph, graph.blob(b"blob"), 2), [], 0)
    cancel = Cancel()
    cancel.set()
    with pytest.raises(Cancelled):
        in_one_pack(graph).select([commit], [], filters=[term], cancel=cancel)
