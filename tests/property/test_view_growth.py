"""Views that grow out of earlier ones against views built from nothing, over any series of publishes."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from core_ext import Cancel, ObjectDb
from packengine.repository import Limits
from packengine.repository.visibility import Visibility
from tests.support.engine_pushes import ACTOR
from tests.support.engines import Clock, Objects, Project, fork_of, move, new_project, open_in_memory
from tests.support.raw_packs import TREE, tree_content

IDS = ("repo-0", "repo-1")
MAIN = b"refs/heads/main"
NAMES = (MAIN, *(b"refs/heads/%b" % name for name in (b"a", b"b", b"c")), b"refs/tags/t", b"refs/tags/u")
MANY = tuple(b"refs/heads/many-%03d" % number for number in range(70))
"""Enough for a table that is cut into blocks."""

repositories = st.sampled_from(IDS)
names = st.sampled_from(NAMES)
picks = st.integers(0, 1 << 16)


def members(view: ObjectDb) -> set[bytes]:
    return set(view.all_objects().oids(limit=1 << 20))


class Views(RuleBasedStateMachine):
    """All objects live in one pool, so that each repository may be sent again what it or another one has stored."""

    limits = Limits(rollup_packs=4, want_grace_ms=5000)

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="view-growth-"))
        self.patch = pytest.MonkeyPatch()
        self.clock = Clock(self.patch)
        self.objects = Objects()
        self.commits: list[bytes] = []
        self.tags: list[bytes] = []

    @initialize(views_kept=st.sampled_from([1, 3, 16]), many_refs=st.booleans())
    def begin(self, views_kept: int, many_refs: bool) -> None:
        self.limits = replace(self.limits, open_repositories=views_kept)
        self.engine = open_in_memory(self.folder / "engine", limits=self.limits)
        self.fetching = Visibility(self.engine._loader, self.limits)
        root = self.commit([], 0)
        for repository in IDS:
            project = new_project(self.engine, repository, self.objects)
            created = [move(name, None, root) for name in (MAIN, *(MANY if many_refs else ()))]
            assert not any(project.push(*created, new=self.closure(root)))
            self.look(repository, True)

    # --- what happens to repositories ---------------------------------------------------------------------------------

    @rule(repository=repositories, name=names, number=st.integers(0, 3), merged=st.none() | picks, stray=st.booleans())
    def extend(self, repository: str, name: bytes, number: int, merged: int | None, stray: bool) -> None:
        """A child of a ref's value, perhaps merged with any other commit, and perhaps sent with a blob of no use."""
        value = self.refs(repository).get(name, self.refs(repository)[MAIN])
        parents = [value if value in self.commits else self.refs(repository)[MAIN]]
        if merged is not None:
            parents.append(self.commits[merged % len(self.commits)])
        self.move(repository, name, self.commit(parents, number), stray=stray)

    @rule(repository=repositories, name=names, pick=picks)
    def force(self, repository: str, name: bytes, pick: int) -> None:
        """Any commit there is, stored here already or not, and reached or not."""
        self.move(repository, name, self.commits[pick % len(self.commits)])

    @rule(repository=repositories, name=st.sampled_from(NAMES[-2:]), pick=picks, again=st.booleans())
    def tag(self, repository: str, name: bytes, pick: int, again: bool) -> None:
        """Tag a commit or another tag; or move to a tag that was made before."""
        targets = self.commits + self.tags
        if not (again and self.tags):
            self.tags.append(self.objects.tag(b"t%d" % len(targets), targets[pick % len(targets)]))
        self.move(repository, name, self.tags[pick % len(self.tags) if again else -1])

    @rule(repository=repositories, doomed=st.lists(st.sampled_from(NAMES[1:]), min_size=1, unique=True))
    def delete(self, repository: str, doomed: list[bytes]) -> None:
        refs = self.refs(repository)
        commands = [move(name, refs[name], None) for name in doomed if name in refs]
        if commands:
            assert not any(self.project(repository).push(*commands))

    @rule(repository=repositories, name=st.sampled_from(MANY), pick=picks)
    def move_one_of_many(self, repository: str, name: bytes, pick: int) -> None:
        self.move(repository, name, self.commits[pick % len(self.commits)])

    @rule(repository=repositories)
    def roll_up(self, repository: str) -> None:
        self.engine.rollup.roll_up_if_due(repository, ACTOR, Cancel())

    @rule(repository=repositories, source=repositories)
    def become_a_fork(self, repository: str, source: str) -> None:
        """Its id is used again, so its versions go on."""
        if repository != source:
            self.engine.delete_repository(repository, ACTOR, force=True)
            fork_of(self.project(source), repository)

    @rule(passed_ms=st.sampled_from([1, 900, 2500, 6000]))
    def time_passes(self, passed_ms: int) -> None:
        self.clock.now_ms += passed_ms

    # --- what must hold whenever somebody looks -----------------------------------------------------------------------

    @rule(repository=repositories, wantable=st.booleans())
    def look(self, repository: str, wantable: bool) -> None:
        """Through the worker that takes the pushes."""
        kept = self.engine.pushes.visibility
        self.compare(repository, kept, wantable)
        state = self.engine.load(repository)
        assert kept.all_usable(state) == Visibility(self.engine._loader, self.limits).all_usable(state)

    @rule(repository=repositories)
    def fetch(self, repository: str) -> None:
        """Through another worker, which only fetches are sent to."""
        self.compare(repository, self.fetching, True)

    def compare(self, repository: str, kept: Visibility, wantable: bool) -> None:
        state, fresh = self.engine.load(repository), Visibility(self.engine._loader, self.limits)
        if wantable:
            view, expected = (each.wantable(state, self.clock.now_ms) for each in (kept, fresh))
        else:
            view, expected = (each.usable(state) for each in (kept, fresh))
        assert members(view) == members(expected)

    def teardown(self) -> None:
        try:
            for repository in IDS if self.commits else ():
                self.look(repository, False)
                self.look(repository, True)
                self.fetch(repository)
        finally:
            self.patch.undo()
            shutil.rmtree(self.folder)

    # --- means --------------------------------------------------------------------------------------------------------

    def project(self, repository: str) -> Project:
        return Project(self.engine, repository, self.objects)

    def refs(self, repository: str) -> dict[bytes, bytes]:
        return self.project(repository).refs

    def commit(self, parents: list[bytes], number: int) -> bytes:
        """A commit whose blobs and trees are few, so that others hold them too."""
        shared, own = self.objects.blob(b"shared %d" % number), self.objects.blob(b"own %d" % len(self.commits))
        inner = self.objects.tree({b"shared": shared})
        entries = [(b"100644", b"own", own), (b"40000", b"sub", inner)]
        tree = self.objects.add(TREE, tree_content(entries if len(self.commits) % 3 else entries[1:]))
        self.commits.append(self.objects.commit(f"commit {len(self.commits)}", *parents, tree=tree))
        return self.commits[-1]

    def closure(self, oid: bytes) -> list[bytes]:
        return self.objects.closure([oid])

    def move(self, repository: str, name: bytes, value: bytes, *, stray: bool = False) -> None:
        """Send what the value reaches, all of it or only what cannot be used yet."""
        usable = self.engine.pushes.visibility.usable(self.engine.load(repository))
        whole = len(self.commits) % 2 == 0
        sent = [oid for oid in self.closure(value) if whole or not usable.contains(oid)]
        if stray:
            sent.append(self.objects.blob(b"stray %d" % len(self.commits)))
        assert self.project(repository).push(move(name, self.refs(repository).get(name), value), new=sent) == [None]


TestViews = Views.TestCase
TestViews.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
