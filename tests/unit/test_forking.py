"""Forks at a ref, a commit or a time: what they show, what they do not, and that no collection takes it from them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from packengine.manifests import PublishKind
from packengine.repository import Engine, ForkPoint, Limits, NotOurRef
from packengine.repository.errors import ForkPointUnknown, StateGone, StateUnknown
from packengine.storage.ports import (
    BlobStore,
    Catalog,
    NewToken,
    QuotaExceeded,
    RepositoryExists,
    RepositoryMissing,
    RepositoryRecord,
    TokenScope,
)
from tests.support.collections import collect
from tests.support.disturbed_storage import Disturbance, DisturbedBlobStore, DisturbedCatalog
from tests.support.engine_pushes import ACTOR
from tests.support.engines import Objects, Project, move, needs, new_project, open_in_memory
from tests.support.moved_clock import MovedClock

MAIN, SIDE, TAG, BLOB_TAG = b"refs/heads/main", b"refs/heads/side", b"refs/tags/v1", b"refs/tags/blob"
ROWS, BLOBS = Limits(tail_pack_bytes=100_000), Limits(tail_pack_bytes=1)
"""Where packs lie."""

LARGE = random.Random(1).randbytes(5000)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> MovedClock:
    return MovedClock(monkeypatch)


class Source:
    """`main` at `tip` over `base`, `side` at `other`, tags of `base` and of a blob; `main` was at `gone` before."""

    def __init__(self, folder: Path, clock: MovedClock, limits: Limits = ROWS) -> None:
        self.disturbance = Disturbance()
        (folder / "blobs").mkdir()
        blobs = DisturbedBlobStore(folder / "blobs", self.disturbance)
        self.clock = clock
        self.engine = open_in_memory(
            folder / "engine", catalog=DisturbedCatalog(self.disturbance), blobs=blobs, limits=limits
        )
        self.project = project = new_project(self.engine, "source")
        self.objects = objects = project.objects
        self.base, self.other, self.gone = objects.commit("base"), objects.commit("other"), objects.commit("gone")
        self.tip = objects.commit("tip", self.base)
        self.blob = objects.blob(LARGE)
        self.tag, self.blob_tag = objects.tag(b"v1", self.base), objects.tag(b"blob", self.blob)
        project.pushed(MAIN, None, self.gone, objects.empty_tree, self.gone)
        project.pushed(SIDE, None, self.other, objects.empty_tree, self.other)
        clock.move(ms=1000)
        self.then_ms = clock.now_ms
        clock.move(ms=1000)
        project.pushed(MAIN, self.gone, self.tip, objects.empty_tree, self.base, self.tip)
        project.pushed(TAG, None, self.tag, self.tag)
        project.pushed(BLOB_TAG, None, self.blob_tag, self.blob, self.blob_tag)
        clock.move(ms=1000)

    def fork(self, fork_id: str = "fork", /, **point: object) -> Project:
        self.engine.fork_repository("source", fork_id, ACTOR, point=ForkPoint(**point))  # type: ignore[arg-type]
        return Project(self.engine, fork_id, self.objects)


@pytest.fixture
def source(tmp_path: Path, clock: MovedClock) -> Source:
    return Source(tmp_path, clock)


def shown(fork: Project, *oids: bytes) -> list[bool]:
    """Which of them a fetch may want and a push may build on; both say the same."""
    state, engine = fork.engine.load(fork.id), fork.engine
    usable = [engine.pushes.visibility.usable(state).contains(oid) for oid in oids]
    assert usable == [_may_want(fork, oid) for oid in oids]
    return usable


def _may_want(fork: Project, oid: bytes) -> bool:
    try:
        fork.engine.fetches.begin(fork.engine.load(fork.id), needs(oid))
    except NotOurRef:
        return False
    return True


# --- what is shown ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ref", ["side", "heads/side", "refs/heads/side"])
def test_a_fork_at_a_branch_has_that_branch_alone(source: Source, ref: str) -> None:
    fork = source.fork(ref=ref)
    manifest = fork.manifest
    assert (fork.refs, manifest.head) == ({SIDE: source.other}, SIDE)
    assert (manifest.parent, manifest.kind, manifest.actor, manifest.sealed) == (
        None,
        PublishKind.FORK,
        ACTOR.subject,
        False,
    )
    assert shown(fork, source.other, source.tip, source.base, source.gone, source.tag) == [True] + [False] * 4
    assert fork.problems() == []
    record = source.engine.load("fork").record
    assert (record.source_id, record.created_at_s) == ("source", source.clock.now_ms // 1000)


def test_head_stands_for_the_branch_that_it_names(source: Source) -> None:
    assert source.fork(ref="HEAD").refs == {MAIN: source.tip}


def test_a_fork_at_a_tag_has_a_branch_there_too(source: Source) -> None:
    fork = source.fork(ref="v1")
    assert (fork.refs, fork.manifest.head) == ({TAG: source.tag, MAIN: source.base}, MAIN)
    assert shown(fork, source.tag, source.base, source.tip) == [True, True, False]


def test_a_fork_at_a_tag_of_a_blob_has_no_branch(source: Source) -> None:
    fork = source.fork(ref="blob")
    assert (fork.refs, fork.manifest.head) == ({BLOB_TAG: source.blob_tag}, MAIN)


def test_a_fork_at_a_commit_has_the_branch_of_head_there(source: Source) -> None:
    fork = source.fork(commit=source.base)
    assert (fork.refs, fork.manifest.head) == ({MAIN: source.base}, MAIN)
    assert shown(fork, source.base, source.tip) == [True, False]


def test_a_branch_can_be_taken_at_an_older_commit_of_its_own(source: Source) -> None:
    assert source.fork(ref="main", commit=source.base).refs == {MAIN: source.base}
    for ref, commit in [("side", source.base), ("main", source.other), ("v1", source.base)]:
        with pytest.raises(ForkPointUnknown):
            source.fork("none", ref=ref, commit=commit)


@pytest.mark.parametrize("name", ["gone", "tag", "blob", "unknown", "long"])
def test_a_commit_that_no_ref_reaches_is_unknown(source: Source, name: str) -> None:
    unknown = {"unknown": bytes(20), "long": bytes(32)}
    commit = unknown[name] if name in unknown else getattr(source, name)
    with pytest.raises(ForkPointUnknown):
        source.fork(commit=commit)


@pytest.mark.parametrize("ref", ["none", "refs/heads/none", "main^", ""])
def test_a_ref_that_is_not_there_is_unknown(source: Source, ref: str) -> None:
    with pytest.raises(ForkPointUnknown):
        source.fork(ref=ref)
    with pytest.raises(RepositoryMissing):
        source.engine.load("fork")


def test_a_fork_of_all_that_there_is_may_say_that_it_is_sealed(tmp_path: Path, clock: MovedClock) -> None:
    engine = open_in_memory(tmp_path)
    project = new_project(engine, "source")
    tip = project.objects.commit("tip")
    project.pushed(MAIN, None, tip, project.objects.empty_tree, tip)
    for name, point in [("by-ref", ForkPoint(ref="main")), ("by-time", ForkPoint(at_ms=clock.now_ms))]:
        engine.fork_repository("source", name, ACTOR, point=point)
        assert engine.load(name).manifest.sealed


# --- times ------------------------------------------------------------------------------------------------------------


def test_a_fork_at_a_time_has_the_refs_of_that_time(source: Source) -> None:
    fork = source.fork(at_ms=source.then_ms)
    assert fork.refs == {MAIN: source.gone, SIDE: source.other}
    assert shown(fork, source.gone, source.other, source.tip, source.base) == [True, True, False, False]
    assert fork.problems() == []


def test_a_ref_and_a_commit_are_those_of_that_time(source: Source) -> None:
    assert source.fork("by-ref", at_ms=source.then_ms, ref="main").refs == {MAIN: source.gone}
    assert source.fork("by-commit", at_ms=source.then_ms, commit=source.other).refs == {MAIN: source.other}
    for point in ({"ref": "v1"}, {"commit": source.tip}, {"commit": source.blob}):
        with pytest.raises(ForkPointUnknown):
            source.fork("none", at_ms=source.then_ms, **point)


def test_before_the_source_was_made_there_was_nothing_to_fork(source: Source) -> None:
    with pytest.raises(StateUnknown):
        source.fork(at_ms=1)


def test_a_fork_of_a_fork_goes_back_to_the_first_fork_only(source: Source) -> None:
    source.clock.move(ms=5000)
    source.engine.fork_repository("source", "first", ACTOR)
    with pytest.raises(StateUnknown):
        source.engine.fork_repository("first", "second", ACTOR, point=ForkPoint(at_ms=source.then_ms))


def test_what_was_collected_cannot_be_forked(source: Source) -> None:
    source.clock.move(days=31)
    for _ in range(3):
        collect(source.engine)
        source.clock.move(days=2)
    with pytest.raises(StateGone):
        source.fork(at_ms=source.then_ms)


# --- many, and who ----------------------------------------------------------------------------------------------------


def test_many_forks_of_a_part_share_a_manifest_and_are_made_all_or_none(source: Source) -> None:
    tokens = [NewToken(bytes([at]) * 32, TokenScope.WRITE, 0) for at in range(3)]
    point = ForkPoint(ref="side")
    made = source.engine.fork_repository_many("source", ACTOR, tokens=tokens, owner="alice", point=point)
    assert len({source.engine.load(fork_id).pointer.manifest for fork_id in made}) == 1
    assert {source.engine.load(fork_id).record.owner for fork_id in made} == {"alice"}
    assert source.engine.catalog.owner_usage("alice").size_bytes == 3 * sum(
        pack.size_bytes for pack in source.project.manifest.packs
    )
    for fork_id in made:
        assert Project(source.engine, fork_id).problems() == []


def test_a_read_only_fork_refuses_pushes(source: Source) -> None:
    source.engine.fork_repository("source", "fork", ACTOR, read_only=True, point=ForkPoint(ref="side"))
    fork = Project(source.engine, "fork", source.objects)
    assert fork.push(move(b"refs/heads/x", None, source.other)) == ["repository is read-only"]


def test_an_id_that_is_taken_makes_no_fork(source: Source) -> None:
    source.fork(ref="side")
    with pytest.raises(RepositoryExists):
        source.fork(ref="main")
    assert source.engine.load("fork").manifest.head == SIDE


@pytest.mark.parametrize("point", [{}, {"ref": "HEAD"}], ids=["whole", "part"])
def test_a_successor_of_the_source_is_not_forked_for_it(source: Source, point: dict[str, str]) -> None:
    """Whoever was let in to the one has no business with the other."""
    first_version = source.engine.load("source").record.first_version
    source.engine.delete_repository("source", ACTOR)
    secret = new_project(source.engine, "source", source.objects)
    secret.pushed(MAIN, None, source.tip, source.objects.empty_tree, source.base, source.tip)
    with pytest.raises(RepositoryMissing):
        source.fork("fork", first_version=first_version, **point)
    assert source.engine.catalog.repository("fork") is None


def test_a_quota_counts_forks_of_parts(tmp_path: Path, clock: MovedClock) -> None:
    assert clock.now_ms
    engine = open_in_memory(tmp_path, limits=Limits(max_owner_repositories=1))
    project = new_project(engine, "source", Objects())
    tip = project.objects.commit("tip")
    project.pushed(MAIN, None, tip, project.objects.empty_tree, tip)
    engine.fork_repository("source", "fork-1", ACTOR, owner="alice", point=ForkPoint(ref="main"))
    with pytest.raises(QuotaExceeded):
        engine.fork_repository("source", "fork-2", ACTOR, owner="alice", point=ForkPoint(ref="main"))


# --- races ------------------------------------------------------------------------------------------------------------


def test_a_fork_and_its_source_go_their_own_ways(source: Source) -> None:
    fork = source.fork(ref="side")
    source.engine.delete_repository("source", ACTOR, force=True)
    for _ in range(4):
        source.clock.move(days=10)
        collect(source.engine)
    assert fork.refs == {SIDE: source.other}
    remade = Engine(*_parts(source.engine))
    assert Project(remade, "fork").problems() == []


@pytest.mark.parametrize("limits", [ROWS, BLOBS], ids=["rows", "blobs"])
@pytest.mark.parametrize("point", [{"ref": "blob"}, {"at_ms": None}], ids=["ref", "time"])
def test_whatever_is_collected_while_a_fork_is_made_it_is_whole(
    tmp_path: Path, clock: MovedClock, point: dict[str, object], limits: Limits
) -> None:
    """A collection that leaves things out and deletes what was condemned before, in front of each call to storage."""
    begun_ms, at = clock.now_ms, 0
    while True:
        clock.now_ms = begun_ms
        folder = tmp_path / str(at)
        folder.mkdir()
        source = Source(folder, clock, limits)
        clock.move(days=29)
        collect(source.engine)

        def collect_for_days(source: Source = source) -> None:
            for _ in range(3):
                clock.move(days=2)
                collect(Engine(*_parts(source.engine)))

        wanted = {name: source.then_ms if value is None else value for name, value in point.items()}
        source.disturbance.arm(collect_for_days, at)
        try:
            source.fork(**wanted)
        except (StateGone, StateUnknown):
            assert "at_ms" in wanted
        was_late = source.disturbance.disarm()
        for _ in range(4):
            assert [Project(engine, record.id).problems() for engine, record in _live(source.engine)] in (
                [[]],
                [[], []],
            )
            clock.move(days=3)
            collect(Engine(*_parts(source.engine)))
        if was_late:
            break
        at += 1
    assert at >= 2


def _live(engine: Engine) -> list[tuple[Engine, RepositoryRecord]]:
    """Each repository, as a process sees it that remembers nothing."""
    return [(Engine(*_parts(engine)), record) for record in engine.catalog.repositories(limit=10)[0]]


def _parts(engine: Engine) -> tuple[Catalog, BlobStore, Path, Path, Limits]:
    parts = engine.parts
    return parts.catalog, parts.blobs, parts.shelf.quarantine, parts.derived, parts.limits
