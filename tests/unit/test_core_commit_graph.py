"""Commit-graph files: which are written, which are refused, and who sees one that was attached."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from core_ext import Cancel, Cancelled, CorruptIndex, MissingObject, ObjectDb, Pack, WorkCount, write_commit_graph
from tests.support.graph_files import MARK, NO_PARENT, attach, chunks_of, graph_bytes, joined, mended, with_graph
from tests.support.graph_twin import Graph
from tests.support.handmade import packed
from tests.support.packs import database

ROW_LEN = 36
PARENTS = 20
"""Where the parents stand in a row of a SHA-1 commit-graph."""


def octopus() -> tuple[Graph, list[bytes]]:
    """A root, three children of it, and a merge of those; the merge is dated far before the rest."""
    graph = Graph()
    tree = graph.tree({})
    root = graph.commit(tree, [], 1 << 33)
    children = [graph.commit(tree, [root], 1 << 33, b"%d" % number) for number in range(3)]
    return graph, [root, *children, graph.commit(tree, children, 1)]


@pytest.fixture
def history() -> tuple[Graph, list[bytes]]:
    return octopus()


def pack_of(graph: Graph) -> Pack:
    return packed(*graph.objects.values())


def rows_of(commits: list[bytes]) -> list[int]:
    return [sorted(commits).index(commit) for commit in commits]


def changed(graph: bytes, chunk: bytes, at: int, number: int) -> bytes:
    """The same with another number of 32 bits in a chunk."""
    chunks = chunks_of(graph)
    chunks[chunk] = chunks[chunk][:at] + struct.pack(">I", number) + chunks[chunk][at + 4 :]
    return joined(graph[:6], list(chunks.items()))


def test_taking_a_file_apart_and_joining_it_changes_nothing(history: tuple[Graph, list[bytes]]) -> None:
    graph = graph_bytes(pack_of(history[0]))
    assert list(chunks_of(graph)) == [b"OIDF", b"OIDL", b"CDAT", b"GDA2", b"GDO2", b"EDGE"]
    assert joined(graph[:6], list(chunks_of(graph).items())) == graph


def test_a_database_that_is_open_uses_what_is_attached_later(history: tuple[Graph, list[bytes]]) -> None:
    graph, commits = history
    pack = pack_of(graph)
    db = database([pack])
    front = db.with_pack(pack_of(graph))
    child = commits[1]
    assert (pack.has_graph, db.parents(child)) == (False, [commits[0]])
    attach(pack, changed(graph_bytes(pack), b"CDAT", rows_of(commits)[1] * ROW_LEN + PARENTS, NO_PARENT))
    assert (pack.has_graph, db.parents(child), front.parents(child)) == (True, [], [])


def test_attaching_again_does_nothing(history: tuple[Graph, list[bytes]]) -> None:
    pack = with_graph(pack_of(history[0]))
    pack.attach_graph("/there/is/no/such/file")
    assert pack.has_graph


def test_a_graph_that_is_not_there_is_an_os_error(history: tuple[Graph, list[bytes]]) -> None:
    pack = pack_of(history[0])
    with pytest.raises(FileNotFoundError, match="/there/is/no/such/file"):
        pack.attach_graph("/there/is/no/such/file")
    assert not pack.has_graph


def test_a_pack_without_commits_has_an_empty_graph(tmp_path: Path) -> None:
    graph = Graph()
    graph.tree({b"file": graph.blob(b"content")})
    pack = pack_of(graph)
    assert write_commit_graph(database([pack]), str(tmp_path / "graph")) == 0
    pack.attach_graph(str(tmp_path / "graph"))
    assert pack.has_graph


def test_work_is_counted_in_objects(history: tuple[Graph, list[bytes]], tmp_path: Path) -> None:
    work = WorkCount()
    assert (work.done, work.total) == (0, 0)
    assert write_commit_graph(database([pack_of(history[0])]), str(tmp_path / "graph"), work=work) == 5
    assert (work.done, work.total) == (6, 6)


def test_a_graph_is_of_one_pack(history: tuple[Graph, list[bytes]], tmp_path: Path) -> None:
    pack = pack_of(history[0])
    with pytest.raises(ValueError, match="2 packs"):
        write_commit_graph(database([pack, pack]), str(tmp_path / "graph"))


def test_a_pack_that_lacks_a_parent_has_no_graph(history: tuple[Graph, list[bytes]], tmp_path: Path) -> None:
    graph, commits = history
    lacking = packed(*(entry for oid, entry in graph.objects.items() if oid != commits[0]))
    with pytest.raises(MissingObject, match=commits[0].hex()):
        write_commit_graph(database([lacking]), str(tmp_path / "graph"))
    assert list(tmp_path.iterdir()) == []


def test_a_cancelled_writer_leaves_nothing(history: tuple[Graph, list[bytes]], tmp_path: Path) -> None:
    cancel = Cancel()
    cancel.set()
    with pytest.raises(Cancelled):
        write_commit_graph(database([pack_of(history[0])]), str(tmp_path / "graph"), cancel=cancel)
    assert list(tmp_path.iterdir()) == []


def test_a_writer_that_fails_leaves_the_file_before_it(history: tuple[Graph, list[bytes]], tmp_path: Path) -> None:
    cancel = Cancel()
    cancel.set()
    (tmp_path / "graph").write_bytes(b"before")
    with pytest.raises(Cancelled):
        write_commit_graph(database([pack_of(history[0])]), str(tmp_path / "graph"), cancel=cancel)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"before"]


def test_the_graph_of_another_pack_is_refused(history: tuple[Graph, list[bytes]]) -> None:
    graph, commits = history
    fewer = packed(*(graph.objects[oid] for oid in graph.closure(commits[:1])))
    with pytest.raises(CorruptIndex, match="not in the pack"):
        attach(fewer, graph_bytes(pack_of(graph)))
    assert not fewer.has_graph


def test_a_changed_or_missing_byte_is_noticed(history: tuple[Graph, list[bytes]]) -> None:
    pack = pack_of(history[0])
    graph = graph_bytes(pack)
    for at in range(len(graph)):
        with pytest.raises(CorruptIndex):
            attach(pack, graph[:at] + bytes([graph[at] ^ 1]) + graph[at + 1 :])
        with pytest.raises(CorruptIndex):
            attach(pack, graph[:at])
    assert not pack.has_graph


Damage = Callable[[bytes, list[int]], bytes]


def row_changed(commit: int, word: int, number: Callable[[list[int]], int]) -> Damage:
    """Another parent in a row, and a checksum that is right."""
    return lambda graph, rows: changed(graph, b"CDAT", rows[commit] * ROW_LEN + PARENTS + 4 * word, number(rows))


def without(name: bytes) -> Damage:
    return lambda graph, _: joined(graph[:6], [(key, chunk) for key, chunk in chunks_of(graph).items() if key != name])


def with_chunk(name: bytes, edit: Callable[[bytes], bytes]) -> Damage:
    return lambda graph, _: joined(
        graph[:6], [(key, edit(chunk) if key == name else chunk) for key, chunk in chunks_of(graph).items()]
    )


def twice(name: bytes) -> Damage:
    return lambda graph, _: joined(graph[:6], [*chunks_of(graph).items(), (name, chunks_of(graph)[name])])


DAMAGES: dict[str, tuple[Damage, str]] = {
    "a parent beyond the rows": (row_changed(1, 0, lambda _: 5), "a parent in row 5 of 5"),
    "a second parent beyond the rows": (row_changed(1, 1, lambda _: 6), "a parent in row 6 of 5"),
    "its own parent": (row_changed(1, 0, lambda rows: rows[1]), "not of a later generation"),
    "a circle": (row_changed(0, 0, lambda rows: rows[4]), "not of a later generation"),
    "edges beyond the list": (row_changed(4, 1, lambda _: MARK | 9), "do not end"),
    "edges without end": (with_chunk(b"EDGE", lambda edges: edges[:4]), "do not end"),
    "no edges": (without(b"EDGE"), "do not end"),
    "no overflowing generations": (without(b"GDO2"), "no generation"),
    "a generation out of bounds": (with_chunk(b"GDO2", lambda row: b"\xff" * len(row)), "no generation"),
    "no generations": (without(b"GDA2"), "no chunk GDA2"),
    "fewer generations": (with_chunk(b"GDA2", lambda rows: rows[4:]), "GDA2 does not fit 5 commits"),
    "fewer commits": (with_chunk(b"CDAT", lambda rows: rows[4:]), "CDAT does not fit 5 commits"),
    "more ids": (with_chunk(b"OIDL", lambda oids: oids + oids[:20]), "OIDL does not fit 5 commits"),
    "ids out of order": (with_chunk(b"OIDL", lambda oids: oids[20:] + oids[:20]), "out of order"),
    "no fan-out": (without(b"OIDF"), "no chunk OIDF"),
    "a short fan-out": (with_chunk(b"OIDF", lambda counts: counts[4:]), "no fan-out table"),
    "a fan-out that decreases": (with_chunk(b"OIDF", lambda counts: b"\xff" * 4 + counts[4:]), "no fan-out table"),
    "a chunk twice": (twice(b"EDGE"), "two chunks EDGE"),
    "another signature": (lambda graph, _: mended(b"CGPI" + graph[4:]), "unknown signature"),
    "another version": (lambda graph, _: mended(graph[:4] + b"\2" + graph[5:]), "unknown signature"),
    "another hash function": (lambda graph, _: mended(graph[:5] + b"\2" + graph[6:]), "unknown signature"),
    "a chain of graphs": (lambda graph, _: mended(graph[:7] + b"\1" + graph[8:]), "a chain of graphs"),
    "more chunks than bytes": (lambda graph, _: mended(graph[:6] + b"\xff" + graph[7:]), "cut short"),
    "a chunk that leaves the file": (lambda graph, _: mended(graph[:12] + b"\x7f" + graph[13:]), "leave the file"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_under_a_right_checksum_is_refused(history: tuple[Graph, list[bytes]], name: str) -> None:
    graph, commits = history
    damage, sentence = DAMAGES[name]
    pack = pack_of(graph)
    with pytest.raises(CorruptIndex, match=sentence):
        attach(pack, damage(graph_bytes(pack), rows_of(commits)))
    assert not pack.has_graph


def test_chunks_that_we_do_not_know_are_passed_over(history: tuple[Graph, list[bytes]]) -> None:
    graph, commits = history
    pack = pack_of(graph)
    plain = graph_bytes(pack)
    attach(pack, joined(plain[:6], [(b"BIDX", b"any"), *chunks_of(plain).items()]))
    assert_is_whole(database([pack]), graph, commits)


def assert_is_whole(db: ObjectDb, graph: Graph, commits: list[bytes]) -> None:
    assert {commit: tuple(db.parents(commit)) for commit in commits} == graph.parents
    assert set(db.walk_commits(commits[4:], [], limit=9)) == set(commits)
