"""What a fetch is called in the pack cache: by what its pack depends on, and by nothing of its repository's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from core_ext import Cancel
from packengine.protocol import Deepen, FilterSpec, SparseOid, TreeDepth
from packengine.repository import Engine, NotOurRef
from tests.support.engines import Clock, Project, fork_of, needs, new_project, open_in_memory
from tests.support.git_client import GitClient, open_app
from tests.support.wire_client import fetch_request, parse_fetch_answer

MAIN = b"refs/heads/main"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_in_memory(tmp_path / "engine")


class Line:
    """Five commits in a line on main; in the last, two files of patterns with the same content."""

    def __init__(self, engine: Engine) -> None:
        self.project = new_project(engine)
        objects = self.project.objects
        patterns, other = objects.blob(b"/docs/\n"), objects.blob(b"/src/\n")
        tree = objects.tree({b"sparse": patterns, b"same": patterns, b"other": other})
        self.commits: list[bytes] = []
        for number in range(5):
            self.commits.append(objects.commit(f"commit {number}", *self.commits[-1:], tree=tree))
        self.project.pushed(MAIN, None, self.commits[-1], patterns, other, tree, *self.commits)


@pytest.fixture
def line(engine: Engine) -> Line:
    return Line(engine)


def key(project: Project, *wants: bytes, common: tuple[bytes, ...] = (), **asked: object) -> bytes:
    fetch = project.engine.fetches.begin(project.engine.load(project.id), needs(*wants, **asked))
    return fetch.question(common, Cancel(), band_bytes=65520).key()


def test_a_fork_asks_with_the_same_key_whatever_it_pushed_elsewhere(line: Line) -> None:
    fork = fork_of(line.project, "fork")
    mine = fork.objects.commit("the fork's own", line.commits[0])
    fork.pushed(b"refs/heads/mine", None, mine, fork.objects.empty_tree, mine)
    tip = line.commits[-1]
    assert key(fork, tip, include_tag=True) == key(line.project, tip, include_tag=True)
    assert key(fork, tip, common=(line.commits[1],)) == key(line.project, tip, common=(line.commits[1],))


def test_a_push_asks_with_another_key_only_where_the_wants_move(line: Line) -> None:
    tip, project = line.commits[-1], line.project
    before = key(project, tip)
    new = project.objects.commit("new", tip)
    project.pushed(MAIN, tip, new, project.objects.empty_tree, new)
    assert key(project, tip) == before
    assert key(project, new) != before


def test_tags_count_only_for_those_who_ask_for_them(line: Line) -> None:
    tip, project = line.commits[-1], line.project
    without, asked = key(project, tip), key(project, tip, include_tag=True)
    assert without == asked, "there are no tags yet"
    tag = project.objects.tag(b"v1", line.commits[0])
    project.pushed(b"refs/tags/v1", None, tag, tag)
    project.pushed(b"refs/tags/light", None, line.commits[1])
    assert key(project, tip) == without
    assert key(project, tip, include_tag=True) not in (without, asked)


def test_depths_that_cut_at_the_same_commits_are_one_question(line: Line) -> None:
    tip, project = line.commits[-1], line.project
    one, two = (key(project, tip, deepen=Deepen(depth=depth)) for depth in (1, 2))
    assert len({one, two, key(project, tip)}) == 3
    assert key(project, tip, deepen=Deepen(depth=1), common=(tip,)) != one


def test_an_unshallowed_boundary_counts(line: Line) -> None:
    tip, project = line.commits[-1], line.project
    shallow = (line.commits[2],)
    kept = key(project, tip, common=(tip,), shallow=shallow)
    deepened = key(project, tip, common=(tip,), shallow=shallow, deepen=Deepen(depth=5))
    assert len({kept, deepened, key(project, tip, common=(tip,))}) == 3


def test_a_sparse_filter_counts_by_its_patterns(line: Line) -> None:
    tip, project = line.commits[-1], line.project
    same, alias, other = (
        key(project, tip, filter=FilterSpec((SparseOid(b"main:" + name),))) for name in (b"sparse", b"same", b"other")
    )
    assert same == alias != other
    assert key(project, tip, filter=FilterSpec((TreeDepth(1),))) != key(
        project, tip, filter=FilterSpec((TreeDepth(2),))
    )


async def test_a_warm_cache_shows_nothing_that_may_not_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("packengine.repository.answers.store.MIN_BUILD_US", 0)
    clock, engine = Clock(monkeypatch), open_in_memory(tmp_path / "other")
    source = new_project(engine)
    secret = source.objects.commit("secret")
    public = source.objects.commit("public")
    source.pushed(MAIN, None, public, source.objects.empty_tree, public)
    source.pushed(b"refs/heads/secret", None, secret, secret)
    app = open_app(engine)
    for _ in range(2):
        client = GitClient(engine, app)
        await client.post("git-upload-pack", fetch_request([secret]))
        assert parse_fetch_answer(client.body).pack is not None
    assert engine.answers is not None
    assert engine.answers.stats().stored == 1
    source.pushed(b"refs/heads/secret", secret, None)
    fork = fork_of(source, "fork")
    with pytest.raises(NotOurRef):  # its packs hold the commit, and the cache has the very answer
        key(fork, secret)
    clock.now_ms += 3_600_000
    client = GitClient(engine, app)
    await client.post("git-upload-pack", fetch_request([secret]))
    assert b"not our ref" in client.body
    assert b"PACK" not in client.body
