"""Collections between pushes, forks, deletions and merges, in any order, while time goes by."""

from __future__ import annotations

import random
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core_ext import Cancel
from packengine.maintenance import Maintainer
from packengine.manifests import Manifest
from packengine.repository import Engine, Limits
from packengine.repository.limits import MS_PER_DAY
from packengine.repository.progress import no_progress
from tests.support.collections import (
    assert_nothing_but_what_is_named,
    collect,
    derived_files,
    stored_blobs,
    stored_rows,
)
from tests.support.engine_pushes import ACTOR
from tests.support.engines import Objects, Project, fork_of, move, new_project
from tests.support.moved_clock import MovedClock

RETENTION_DAYS, UNDELETE_DAYS, GRACE_DAYS = 4, 2, 1
LIMITS = Limits(
    tail_pack_bytes=1500,
    rollup_packs=3,
    min_bitmap_objects=6,
    history_retention_days=RETENTION_DAYS,
    undelete_days=UNDELETE_DAYS,
    collection_grace_s=GRACE_DAYS * 24 * 3600,
)
IDS = ("repo-0", "repo-1", "repo-2")
NAMES = (b"refs/heads/main", b"refs/heads/a", b"refs/heads/b", b"refs/tags/t")

repositories = st.integers(0, len(IDS) - 1)
names = st.sampled_from(NAMES)


@dataclass
class Model:
    """A repository: its refs, and every value that one had, with the time it was replaced."""

    refs: dict[bytes, bytes] = field(default_factory=dict)
    past: list[tuple[int, bytes]] = field(default_factory=list)

    def moved(self, name: bytes, value: bytes | None, now_ms: int) -> None:
        if name in self.refs:
            self.past.append((now_ms, self.refs.pop(name)))
        if value is not None:
            self.refs[name] = value

    def kept(self, since_ms: int) -> set[bytes]:
        return {*self.refs.values(), *(value for replaced_ms, value in self.past if replaced_ms >= since_ms)}


class Collections(RuleBasedStateMachine):
    """An engine on disk; the model knows which values must be there still."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.folder = Path(tempfile.mkdtemp(prefix="collections-"))
        self.clock = MovedClock(self.patch)
        self.engine = Engine.open(self.folder / "data", limits=LIMITS)
        self.objects = Objects()
        self.random = random.Random(1)
        self.models: dict[str, Model] = {}
        self.tombstones: list[tuple[int, Manifest]] = []
        self.commits: list[tuple[bytes, list[bytes]]] = []

    # --- steps --------------------------------------------------------------------------------------------------------

    @initialize()
    def begin_with_one(self) -> None:
        self.create(0)

    @rule(at=repositories)
    def create(self, at: int) -> None:
        if IDS[at] not in self.models:
            new_project(self.engine, IDS[at])
            self.models[IDS[at]] = Model()

    @precondition(lambda self: 0 < len(self.models) < len(IDS))
    @rule(source=repositories, at=repositories)
    def fork(self, source: int, at: int) -> None:
        source_id, fork_id = self.live(source), IDS[at]
        if fork_id not in self.models:
            fork_of(self.project(source_id), fork_id)
            self.models[fork_id] = Model(dict(self.models[source_id].refs))

    @precondition(lambda self: len(self.models) > 1)
    @rule(at=repositories)
    def delete(self, at: int) -> None:
        repository = self.live(at)
        self.tombstones.append((self.clock.now_ms, self.project(repository).manifest))
        self.engine.delete_repository(repository, ACTOR, force=True)
        del self.models[repository]

    @precondition(lambda self: self.models)
    @rule(at=repositories, name=names, forward=st.booleans(), large=st.booleans())
    def push(self, at: int, name: bytes, forward: bool, large: bool) -> None:
        """To a child of what it was, or to something unrelated."""
        repository = self.live(at)
        old = self.models[repository].refs.get(name)
        value, objects = self.commit(large, *([old] if forward and old is not None else []))
        self.project(repository).pushed(name, old, value, *objects)
        self.models[repository].moved(name, value, self.clock.now_ms)
        self.engine.rollup.roll_up_if_due(repository, ACTOR, Cancel())

    @precondition(lambda self: self.models and self.commits)
    @rule(at=repositories, name=names, which=st.integers(0, 5))
    def push_the_same_bytes_again(self, at: int, name: bytes, which: int) -> None:
        """A commit without parents that was pushed before, by whomever, and may be collected or condemned."""
        repository = self.live(at)
        value, objects = self.commits[which % len(self.commits)]
        old = self.models[repository].refs.get(name)
        if old != value:
            self.project(repository).pushed(name, old, value, *objects)
            self.models[repository].moved(name, value, self.clock.now_ms)

    @precondition(lambda self: self.models)
    @rule(at=repositories, name=names)
    def delete_ref(self, at: int, name: bytes) -> None:
        repository = self.live(at)
        project, old = self.project(repository), self.models[repository].refs.get(name)
        if old is not None and name != project.manifest.head:
            assert project.push(move(name, old, None)) == [None]
            self.models[repository].moved(name, None, self.clock.now_ms)

    @precondition(lambda self: self.models)
    @rule(at=repositories)
    def merge(self, at: int) -> None:
        """Whatever the rule asks for, and derived files of what is large."""
        Maintainer(self.engine.parts).maintain(self.live(at), progress=no_progress, cancel=Cancel())

    @rule(quarter_days=st.integers(1, 9))
    def let_time_pass(self, quarter_days: int) -> None:
        self.clock.move(days=quarter_days / 4)

    @rule(quarter_days=st.integers(0, 9))
    def collect(self, quarter_days: int) -> None:
        self.clock.move(days=quarter_days / 4)
        collect(self.engine)
        self.reopen()  # so that nothing is believed that one remembers
        for repository in self.models:
            assert self.project(repository).problems() == []

    # --- what holds after each ----------------------------------------------------------------------------------------

    @invariant()
    def refs_are_as_the_model_says(self) -> None:
        for repository, model in self.models.items():
            assert self.project(repository).refs == model.refs

    @invariant()
    def every_value_of_the_window_is_there_with_all_that_it_reaches(self) -> None:
        since_ms = self.clock.now_ms - RETENTION_DAYS * MS_PER_DAY
        for repository, model in self.models.items():
            objects = self.engine.parts.loader.objects(self.project(repository).manifest)
            for value in model.kept(since_ms):
                assert all(objects.contains(oid) for oid in self.objects.closure([value]))

    @invariant()
    def what_was_deleted_can_come_back_within_its_window(self) -> None:
        since_ms = self.clock.now_ms - UNDELETE_DAYS * MS_PER_DAY
        for deleted_ms, manifest in self.tombstones:
            if deleted_ms >= since_ms:
                objects = self.engine.parts.loader.objects(manifest)
                assert len(objects.reachable([entry.oid for entry in manifest.refs.scan()])) <= len(objects)

    def teardown(self) -> None:
        """When all windows are over: what is there is what is reached, and when all is deleted, nothing is."""
        try:
            self.collect_all_windows()
            assert_nothing_but_what_is_named(self.engine, self.clock)
            for repository in self.models:
                assert self.project(repository).manifest.sealed
                assert self.project(repository).problems() == []
            for repository in list(self.models):
                self.engine.delete_repository(repository, ACTOR, force=True)
            self.collect_all_windows()
            assert (stored_rows(self.engine), stored_blobs(self.engine)) == (set(), set())
            assert derived_files(self.engine) == set()
            assert list((self.folder / "data" / "quarantine").iterdir()) == []
        finally:
            self.engine.close()
            self.patch.undo()
            shutil.rmtree(self.folder)

    # --- helpers ------------------------------------------------------------------------------------------------------

    def collect_all_windows(self) -> None:
        for _ in range(3):
            self.clock.move(days=RETENTION_DAYS + UNDELETE_DAYS + GRACE_DAYS)
            collect(self.engine)

    def reopen(self) -> None:
        self.engine.close()
        self.engine = Engine.open(self.folder / "data", limits=LIMITS)

    def live(self, at: int) -> str:
        ids = sorted(self.models)
        return ids[at % len(ids)]

    def project(self, repository: str) -> Project:
        return Project(self.engine, repository, self.objects)

    def commit(self, large: bool, *parents: bytes) -> tuple[bytes, list[bytes]]:
        blob = self.objects.blob(self.random.randbytes(3000 if large else 30))
        tree = self.objects.tree({b"file": blob})
        value = self.objects.commit(f"commit {len(self.commits)}", *parents, tree=tree)
        if not parents:
            self.commits.append((value, [blob, tree, value]))
        return value, [blob, tree, value]


TestCollections = Collections.TestCase
TestCollections.settings = settings(max_examples=20, stateful_step_count=40, deadline=None)
