"""log: cursors, limits, and history at its edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core_ext import Cancel, Cancelled, CorruptObject, MissingObject, ObjectDb
from tests.support.graph_twin import Graph
from tests.support.handmade import in_one_pack

if TYPE_CHECKING:
    from core_ext._core import Oid

ALL = 1 << 30


def line(graph: Graph, count: int, *, date_s: int | None = None) -> list[Oid]:
    """Commits in a row, the oldest first. Every third one changes the file `f`, all of them `g`."""
    commits: list[Oid] = []
    for number in range(count):
        tree = graph.tree({b"f": graph.blob(b"%d" % (number // 3)), b"d": {b"g": graph.blob(b"%d" % number)}})
        date = 1000 + number if date_s is None else date_s
        commits.append(graph.commit(tree, commits[-1:], date, b"%d" % number))
    return commits


def all_pages(
    db: ObjectDb, tips: list[Oid], *, limit: int = ALL, skip: int = 0, max_looked_at: int = ALL
) -> list[list[Oid]]:
    pages: list[list[Oid]] = []
    cursor: bytes | None = None
    while not pages or cursor is not None:
        page, cursor = db.log(tips, path=b"f", limit=limit, skip=skip, max_looked_at=max_looked_at, cursor=cursor)
        pages.append(page)
    return pages


def test_a_page_ends_when_enough_was_looked_at() -> None:
    graph = Graph()
    commits = line(graph, 10)
    db = in_one_pack(graph)
    changed = [commits[9], commits[6], commits[3], commits[0]]
    assert all_pages(db, commits[-1:]) == [changed]
    assert all_pages(db, commits[-1:], limit=3) == [changed[:3], changed[3:]]
    pages = all_pages(db, commits[-1:], max_looked_at=2)
    assert pages == [[commits[9]], [commits[6]], [], [commits[3]], [commits[0]]]


def test_folders_and_absent_paths_have_logs() -> None:
    graph = Graph()
    commits = line(graph, 4)
    db = in_one_pack(graph)
    for path in (b"d", b"d/g"):
        assert db.log(commits[-1:], path=path, limit=ALL, max_looked_at=ALL) == (commits[::-1], None)
    for path in (b"g", b"f/x", b"d/g/h", b"d/h"):
        assert db.log(commits[-1:], path=path, limit=ALL, max_looked_at=ALL) == ([], None)


def test_a_cursor_goes_on_where_it_was_though_the_tips_moved() -> None:
    graph = Graph()
    commits = line(graph, 8)
    db = in_one_pack(graph)
    page, cursor = db.log(commits[4:5], limit=2, max_looked_at=ALL)
    assert page == [commits[4], commits[3]]
    assert db.log(commits[7:], limit=2, max_looked_at=ALL, cursor=cursor)[0] == [commits[2], commits[1]]


def test_skip_is_done_once_over_all_pages() -> None:
    graph = Graph()
    commits = line(graph, 12)
    db = in_one_pack(graph)
    changed = [commits[9], commits[6], commits[3], commits[0]]
    assert [oid for page in all_pages(db, commits[-1:], skip=1, max_looked_at=2) for oid in page] == changed[1:]
    assert [oid for page in all_pages(db, commits[-1:], skip=2, limit=1) for oid in page] == changed[2:]


def test_history_that_is_too_wide_for_a_cursor_goes_on_all_the_same() -> None:
    graph = Graph()
    tree = graph.tree({b"f": graph.blob(b"x")})
    roots = [graph.commit(tree, [], 1000, b"%d" % number) for number in range(250)]
    db = in_one_pack(graph)
    found: list[Oid] = []
    cursor: bytes | None = None
    lengths: set[int] = set()
    while not found or cursor is not None:
        page, cursor = db.log(roots, limit=40, max_looked_at=ALL, cursor=cursor)
        found += page
        lengths.add(len(cursor or b""))
    assert found == roots
    assert max(lengths) <= 24 + 20 * 100


def test_commits_of_one_second_are_told_once() -> None:
    graph = Graph()
    tree = graph.tree({b"f": graph.blob(b"x")})
    root = graph.commit(tree, [], 5, b"root")
    child = graph.commit(tree, [root], 5, b"child")
    merge = graph.commit(tree, [root, child], 10, b"merge")
    db = in_one_pack(graph)
    whole, _ = db.log([merge], limit=ALL, max_looked_at=ALL)
    assert sorted(whole) == sorted([merge, root, child])
    page, cursor = db.log([merge], limit=2, max_looked_at=ALL)
    assert db.log([merge], limit=2, max_looked_at=ALL, cursor=cursor) == (whole[2:], None)
    assert page == whole[:2]


@pytest.mark.parametrize("cursor", [b"", b"x" * 23, b"\0" * 25, b"\0" * 23 + b"\2" + b"\7" * 20, b"\xff" * 44])
def test_what_is_no_cursor_is_refused(cursor: bytes) -> None:
    graph = Graph()
    commits = line(graph, 1)
    with pytest.raises(ValueError, match="no cursor of a log"):
        in_one_pack(graph).log(commits, limit=1, max_looked_at=1, cursor=cursor)


def test_a_cursor_leads_only_to_visible_commits() -> None:
    graph = Graph()
    commits = line(graph, 3)
    db = in_one_pack(graph)
    tree = graph.edges[commits[0]][0]

    def forged(oid: Oid) -> bytes:
        return bytes(16) + (1).to_bytes(8, "big") + oid

    assert db.log(commits, limit=1, max_looked_at=1, cursor=forged(commits[1]))[0] == [commits[1]]
    with pytest.raises(ValueError, match="names no commit"):
        db.log(commits, limit=1, max_looked_at=1, cursor=forged(tree))
    view = db.restricted(db.reachable(commits[:1]))
    with pytest.raises(MissingObject):
        view.log(commits[:1], limit=1, max_looked_at=1, cursor=forged(commits[1]))
    with pytest.raises(MissingObject):
        view.log(commits[1:], limit=1, max_looked_at=1)


@pytest.mark.parametrize("path", [b"", b"/", b"a/", b"a//b", b"..", b"a\0"])
def test_what_is_no_path_is_refused(path: bytes) -> None:
    graph = Graph()
    commits = line(graph, 1)
    with pytest.raises(ValueError, match=r"^path "):
        in_one_pack(graph).log(commits, path=path, limit=1, max_looked_at=1)


def test_pages_of_nothing_are_refused_and_walks_can_be_cancelled() -> None:
    graph = Graph()
    commits = line(graph, 1)
    db, cancel = in_one_pack(graph), Cancel()
    for limit, looked_at in [(0, 1), (1, 0)]:
        with pytest.raises(ValueError, match="a page of 0 commits"):
            db.log(commits, limit=limit, max_looked_at=looked_at)
    cancel.set()
    with pytest.raises(Cancelled):
        db.log(commits, limit=1, max_looked_at=1, cancel=cancel)
    with pytest.raises(CorruptObject, match="where a commit is needed"):
        db.log([graph.edges[commits[0]][0]], limit=1, max_looked_at=1)
    assert db.log([], limit=1, max_looked_at=1) == ([], None)


def test_a_tag_leads_to_its_commit() -> None:
    graph = Graph()
    commits = line(graph, 2)
    tag = graph.tag(commits[1], b"v1")
    assert in_one_pack(graph).log([tag], hidden=commits[:1], limit=9, max_looked_at=9) == ([commits[1]], None)
