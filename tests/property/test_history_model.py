"""The past against a list of dictionaries: any series of pushes, restorations, forks, deletions and undeletions."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core_ext import Cancel
from packengine.repository import Engine, ForkPoint, Limits
from packengine.repository.errors import StateUnknown
from tests.support.engine_pushes import ACTOR
from tests.support.engines import Objects, Project, move, open_in_memory
from tests.support.moved_clock import MovedClock
from tests.support.past import page, refs_of, restore, state_at

NAMES = tuple(b"refs/heads/%b" % name for name in (b"a", b"b", b"c", b"main"))
Refs = dict[bytes, bytes]

places = st.integers(0, 50)
names = st.sampled_from(NAMES)


class Past(RuleBasedStateMachine):
    """The model of a repository is the list of its states, each with the time at which it came to be."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="history-model-"))
        self.patch = pytest.MonkeyPatch()
        self.clock = MovedClock(self.patch)
        self.engine: Engine = open_in_memory(self.folder / "engine", limits=Limits(rollup_packs=4))
        self.objects = Objects()
        self.states: dict[str, list[tuple[int, Refs]]] = {}
        self.commits = 0

    @initialize()
    def begin(self) -> None:
        self.engine.create_repository("repo-0", ACTOR)
        self.states["repo-0"] = [(self.clock.now_ms, {})]
        self.clock.move(ms=10)

    # --- steps --------------------------------------------------------------------------------------------------------

    @rule(at=places, name=names, deletes=st.booleans())
    def push(self, at: int, name: bytes, deletes: bool) -> None:
        repository, project = self.chosen(at)
        refs = self.newest(repository)
        old = refs.get(name)
        if deletes and (old is None or name == project.manifest.head):
            return
        new = None if deletes else self.commit(at, refs)
        sent = () if new is None else self.objects.closure([new])
        assert project.push(move(name, old, new), new=sent) == [None]
        self.published(repository, {each: value for each, value in {**refs, name: new}.items() if value is not None})

    @rule(at=places, place=places, only=st.none() | st.lists(names, min_size=1, max_size=2))
    def restore(self, at: int, place: int, only: list[bytes] | None) -> None:
        repository, project = self.chosen(at)
        past = self.states[repository]
        at_ms, then = past[place % len(past)]
        now = self.newest(repository)
        if only is not None:
            only = [name for name in only if name in now or name in then]
            wanted = dict(now)
            for name in only:
                wanted.pop(name, None)
                wanted.update({name: then[name]} if name in then else {})
            if not only or project.manifest.head in now.keys() - wanted.keys():
                return
        else:
            wanted = then
        restored = restore(project, state_at(project, at_ms), only)
        moved = {move.name for move in restored.moves}
        assert moved == {name for name in NAMES if now.get(name) != wanted.get(name)}
        if restored.committed is not None:
            self.published(repository, wanted)

    @precondition(lambda self: len(self.states) < 4)
    @rule(at=places, place=places, whole=st.booleans())
    def fork(self, at: int, place: int, whole: bool) -> None:
        repository, _ = self.chosen(at)
        fork_id = f"repo-{len(self.states)}"
        at_ms, refs = self.states[repository][place % len(self.states[repository])]
        self.clock.move(ms=1000)
        if whole:
            self.engine.fork_repository(repository, fork_id, ACTOR)
            refs = self.newest(repository)
        else:
            self.engine.fork_repository(repository, fork_id, ACTOR, point=ForkPoint(at_ms=at_ms))
        began_ms = self.clock.now_ms // 1000 * 1000 if whole else self.clock.now_ms
        self.states[fork_id] = [(began_ms, dict(refs))]
        self.clock.move(ms=1000)

    @rule(at=places)
    def delete_and_undelete(self, at: int) -> None:
        repository, _ = self.chosen(at)
        self.engine.delete_repository(repository, ACTOR, force=True)
        self.engine.undelete_repository(repository, ACTOR)

    @rule(at=places)
    def roll_up(self, at: int) -> None:
        repository, _ = self.chosen(at)
        self.engine.rollup.roll_up_if_due(repository, ACTOR, Cancel())
        self.clock.move(ms=7)

    # --- what holds after each ----------------------------------------------------------------------------------------

    @invariant()
    def the_past_is_the_list(self) -> None:
        for repository, states in self.states.items():
            project = Project(self.engine, repository, self.objects)
            assert project.refs == states[-1][1]
            told = page(project).publishes
            refs = [refs_of(project, publish.state) for publish in reversed(told)]
            times = [publish.state.began_ms for publish in reversed(told)]
            assert list(zip(times, refs, strict=True)) == states

    @invariant()
    def moves_lead_from_each_state_to_the_next(self) -> None:
        for repository in self.states:
            project = Project(self.engine, repository, self.objects)
            told = page(project).publishes
            refs = refs_of(project, told[-1].state)
            for publish in reversed(told[:-1]):
                for moved in publish.moves:
                    assert refs.pop(moved.name, None) == (moved.before and moved.before.oid)
                    refs.update({} if moved.after is None else {moved.name: moved.after.oid})
                assert refs == refs_of(project, publish.state)

    @invariant()
    def every_time_has_its_state(self) -> None:
        for repository, states in self.states.items():
            project = Project(self.engine, repository, self.objects)
            for at_ms, refs in states:
                assert refs_of(project, state_at(project, at_ms)) == refs
            with pytest.raises(StateUnknown):
                state_at(project, states[0][0] - 1001)

    @invariant()
    def usable_is_what_the_refs_reach(self) -> None:
        for repository in self.states:
            state = self.engine.load(repository)
            usable = self.engine.pushes.visibility.usable(state)
            reached = set(self.objects.closure(self.newest(repository).values()))
            assert {oid for oid in self.known() if usable.contains(oid)} == reached & self.known()

    def teardown(self) -> None:
        """Nothing is broken, whatever came."""
        try:
            for repository in self.states:
                assert Project(self.engine, repository, self.objects).problems() == []
        finally:
            self.patch.undo()
            shutil.rmtree(self.folder)

    # --- the model ----------------------------------------------------------------------------------------------------

    def chosen(self, at: int) -> tuple[str, Project]:
        repository = sorted(self.states)[at % len(self.states)]
        return repository, Project(self.engine, repository, self.objects)

    def newest(self, repository: str) -> Refs:
        return self.states[repository][-1][1]

    def commit(self, at: int, refs: Refs) -> bytes:
        self.commits += 1
        parents = sorted(refs.values())[: at % 2]
        return self.objects.commit(f"commit {self.commits}", *parents)

    def known(self) -> set[bytes]:
        return {value for states in self.states.values() for _, refs in states for value in refs.values()}

    def published(self, repository: str, refs: Refs) -> None:
        self.states[repository].append((self.clock.now_ms, refs))
        self.clock.move(ms=10)


TestPast = Past.TestCase
TestPast.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
