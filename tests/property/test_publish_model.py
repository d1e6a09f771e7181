"""Repositories against dictionaries: any series of creations, forks, pushes and deletions."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from packengine.repository import Engine
from tests.support.engine_pushes import ACTOR
from tests.support.engines import Objects, Project, fork_of, move, open_in_memory

IDS = ("repo-0", "repo-1", "repo-2")
BRANCHES = tuple(b"refs/heads/%b" % name for name in (b"a", b"a/b", b"c", b"main"))
TAG = b"refs/tags/t"

repositories = st.sampled_from(IDS)
branches = st.sampled_from(BRANCHES)


class Repositories(RuleBasedStateMachine):
    """The model of a repository is a dictionary of its refs; that of its objects, who descends from whom."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="publish-model-"))
        self.engine: Engine = open_in_memory(self.folder / "engine")
        self.objects = Objects()
        self.parents: dict[bytes, tuple[bytes, ...]] = {}
        self.model: dict[str, dict[bytes, bytes]] = {}
        self.versions: dict[str, int] = {}

    # --- steps --------------------------------------------------------------------------------------------------------

    @initialize()
    def begin_with_one(self) -> None:
        self.create_repository("repo-0")

    @precondition(lambda self: len(self.model) < len(IDS))
    @rule(at=st.integers(0, 2))
    def create(self, at: int) -> None:
        free = [each for each in IDS if each not in self.model]
        self.create_repository(free[at % len(free)])

    @precondition(lambda self: 0 < len(self.model) < len(IDS))
    @rule(source=repositories, at=st.integers(0, 2))
    def fork(self, source: str, at: int) -> None:
        source = self.live(source)
        free = [each for each in IDS if each not in self.model]
        fork = free[at % len(free)]
        fork_of(self.project(source), fork)
        self.model[fork] = dict(self.model[source])
        self.versions[fork] = self.engine.load(fork).pointer.version

    @precondition(lambda self: len(self.model) > 1)
    @rule(repository=repositories)
    def delete_repository(self, repository: str) -> None:
        repository = self.live(repository)
        self.engine.delete_repository(repository, ACTOR, force=True)
        del self.model[repository], self.versions[repository]

    @precondition(lambda self: self.model)
    @rule(repository=repositories, name=branches, extend=st.booleans(), other=branches)
    def push(self, repository: str, name: bytes, extend: bool, other: bytes) -> None:
        """Create or move a branch: forward if `extend`, else to a child of another branch, or to a new root."""
        repository = self.live(repository)
        refs = self.model[repository]
        parent = refs.get(name if extend else other)
        commit = self.commit(*([parent] if parent is not None else []))
        sent = [commit] if parent is not None else [self.objects.empty_tree, commit]
        reasons = self.project(repository).push(move(name, refs.get(name), commit), new=sent)
        if name not in refs and self.rival(refs, name) is not None:
            assert reasons == [f"'{self.rival(refs, name)}' exists; cannot create the ref beside it"]
            return
        assert reasons == [None]
        self.published(repository, {name: commit})

    @precondition(lambda self: self.model)
    @rule(repository=repositories, name=branches, other=branches)
    def force_back(self, repository: str, name: bytes, other: bytes) -> None:
        """Move a branch to the parent of another's value, which the refs reach as they are."""
        repository = self.live(repository)
        refs = self.model[repository]
        if name not in refs or not self.parents.get(refs.get(other, b""), ()):
            return
        (value,) = self.parents[refs[other]]
        assert self.project(repository).push(move(name, refs[name], value)) == [None]
        self.published(repository, {name: value})

    @precondition(lambda self: self.model)
    @rule(repository=repositories, name=branches, replace=st.booleans())
    def tag(self, repository: str, name: bytes, replace: bool) -> None:
        repository = self.live(repository)
        refs = self.model[repository]
        if name not in refs or (TAG in refs and not replace):
            return
        tag = self.objects.tag(b"t%d" % len(self.parents), refs[name])
        assert self.project(repository).push(move(TAG, refs.get(TAG), tag), new=[tag]) == [None]
        self.published(repository, {TAG: tag})

    @precondition(lambda self: self.model)
    @rule(repository=repositories, name=st.sampled_from((*BRANCHES, TAG)))
    def delete_ref(self, repository: str, name: bytes) -> None:
        repository = self.live(repository)
        refs = self.model[repository]
        reasons = self.project(repository).push(move(name, refs.get(name), None))
        if name not in refs:
            assert reasons == ["no such ref"]
        elif name == self.project(repository).manifest.head:
            assert reasons == ["deletion of the current branch prohibited"]
        else:
            assert reasons == [None]
            self.published(repository, {name: None})

    @precondition(lambda self: self.model)
    @rule(repository=repositories, name=branches)
    def push_with_a_wrong_old_value(self, repository: str, name: bytes) -> None:
        repository = self.live(repository)
        commit, stale = self.commit(), self.commit()
        command = move(name, stale, commit)
        reasons = self.project(repository).push(command, new=[self.objects.empty_tree, commit])
        assert reasons == ["non-fast-forward"]

    @precondition(lambda self: self.model)
    @rule(repository=repositories, source=repositories, name=branches)
    def use_what_may_not_be_seen(self, repository: str, source: str, name: bytes) -> None:
        """A value of another repository is usable exactly if the own refs reach it."""
        repository, source = self.live(repository), self.live(source)
        value = self.model[source].get(name)
        if value is None:
            return
        probe = b"refs/probe/x"
        reasons = self.project(repository).push(move(probe, None, value))
        if value in self.reached(self.model[repository]):
            assert reasons == [None]
            assert self.project(repository).push(move(probe, value, None)) == [None]
            self.versions[repository] += 2
        else:
            assert reasons == ["missing necessary objects"]

    # --- what holds after each ----------------------------------------------------------------------------------------

    @invariant()
    def refs_equal_the_model(self) -> None:
        for repository, refs in self.model.items():
            assert self.project(repository).refs == refs

    @invariant()
    def versions_count_the_publishes(self) -> None:
        for repository, version in self.versions.items():
            state = self.engine.load(repository)
            assert state.pointer.version == version
            assert len(list(self.engine._loader.own_history(state))) == version - state.record.first_version + 1

    @invariant()
    def usable_is_what_the_refs_reach(self) -> None:
        for repository, refs in self.model.items():
            usable = self.engine.pushes.visibility.usable(self.engine.load(repository))
            reached = self.reached(refs)
            assert {commit for commit in self.parents if usable.contains(commit)} == reached

    def teardown(self) -> None:
        """Nothing is broken, whatever came."""
        try:
            for repository in self.model:
                assert self.project(repository).problems() == []
        finally:
            shutil.rmtree(self.folder)

    # --- the model ----------------------------------------------------------------------------------------------------

    def create_repository(self, repository: str) -> None:
        self.engine.create_repository(repository, ACTOR)
        self.model[repository] = {}
        self.versions[repository] = self.engine.load(repository).pointer.version

    def live(self, repository: str) -> str:
        return repository if repository in self.model else min(self.model)

    def project(self, repository: str) -> Project:
        return Project(self.engine, repository, self.objects)

    def commit(self, *parents: bytes) -> bytes:
        commit = self.objects.commit(f"commit {len(self.parents)}", *parents)
        self.parents[commit] = parents
        return commit

    def published(self, repository: str, moved: dict[bytes, bytes | None]) -> None:
        refs = self.model[repository] | moved
        self.model[repository] = {name: value for name, value in refs.items() if value is not None}
        self.versions[repository] += 1

    def reached(self, refs: dict[bytes, bytes]) -> set[bytes]:
        found: set[bytes] = set()
        queue = [self.commit_of(value) for value in refs.values()]
        while queue:
            commit = queue.pop()
            if commit not in found:
                found.add(commit)
                queue += self.parents[commit]
        return found

    def commit_of(self, value: bytes) -> bytes:
        if value in self.parents:
            return value
        return bytes.fromhex(self.objects.content(value)[len("object ") :][:40].decode())

    @staticmethod
    def rival(refs: dict[bytes, bytes], name: bytes) -> str | None:
        beside = [each for each in sorted(refs) if each.startswith(name + b"/") or name.startswith(each + b"/")]
        return beside[0].decode() if beside else None


TestRepositories = Repositories.TestCase
TestRepositories.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
