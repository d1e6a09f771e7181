"""Protected refs and tokens for some refs: what is refused, to whom, and that the newest rules count (law 5)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from packengine.protocol import Command
from packengine.refs.rules import RefRule
from packengine.repository import Engine, RefAccess
from packengine.repository.protection import Protection
from packengine.signatures import Signer
from tests.support.engine_pushes import ACTOR
from tests.support.engines import OvertakenCatalog, move, new_project, open_in_memory, push_commands
from tests.support.raw_packs import pack_of

MAIN, SIDE = b"refs/heads/main", b"refs/heads/side"
ADMIN = RefAccess.everything()
ALICE = RefAccess(subject="alice", is_admin=False)
HER_TOKEN = RefAccess(subject="alice", is_admin=False, token="token:0123456789abcdef")
SIGNED = replace(ALICE, signer=Signer("alice@example.org", "SHA256:x"))


@pytest.fixture
def catalog() -> OvertakenCatalog:
    return OvertakenCatalog()


@pytest.fixture
def engine(tmp_path: Path, catalog: OvertakenCatalog) -> Engine:
    return open_in_memory(tmp_path, catalog=catalog)


class Scene:
    """`main` and `side` at `root`, with a child of it at hand."""

    def __init__(self, engine: Engine) -> None:
        self.project = new_project(engine)
        objects = self.project.objects
        self.root = objects.commit("root")
        self.child, self.other = objects.commit("child", self.root), objects.commit("other")
        sent = (objects.empty_tree, self.root, self.child, self.other)
        self.project.pushed(MAIN, None, self.root, *sent)
        for name, value in [(SIDE, self.root), (b"refs/heads/child", self.child), (b"refs/heads/other", self.other)]:
            self.project.pushed(name, None, value, *sent)

    def protect(self, *rules: RefRule) -> None:
        self.project.engine.catalog.update_repository(self.project.id, rules=rules)

    def push(self, *commands: Command, access: RefAccess = ALICE, atomic: bool = False) -> list[str | None]:
        engine, request = self.project.engine, push_commands(*commands, atomic=atomic)
        push = engine.pushes.begin(engine.load(self.project.id), request, ACTOR, access=access)
        if request.expects_pack:
            push.feed(pack_of([]))
        self.outcome = push.finish()
        return [reason for _, reason in self.outcome.verdicts]


@pytest.fixture
def scene(engine: Engine) -> Scene:
    return Scene(engine)


EVERYBODY = pytest.mark.parametrize("access", [ADMIN, ALICE], ids=["admin", "alice"])


@EVERYBODY
def test_a_ref_that_cannot_be_deleted_stays(scene: Scene, access: RefAccess) -> None:
    scene.protect(RefRule("refs/heads/*", deny_deletion=True))
    assert scene.push(move(SIDE, scene.root, None), access=access) == ["protected"]
    assert scene.push(move(SIDE, scene.root, scene.other), access=access) == [None]


@EVERYBODY
def test_a_ref_that_cannot_be_forced_only_goes_forward(scene: Scene, access: RefAccess) -> None:
    scene.protect(RefRule("refs/heads/side", deny_force=True))
    assert scene.push(move(SIDE, scene.root, scene.other), access=access) == ["protected"]
    assert scene.outcome.warnings == ["refs/heads/side: protected: it can only be fast-forwarded"]
    assert scene.push(move(SIDE, scene.root, scene.child), access=access) == [None]
    assert scene.push(move(SIDE, scene.child, scene.root), access=access) == ["protected"]
    assert scene.push(move(b"refs/heads/x", None, scene.other), access=access) == [None]


@pytest.mark.parametrize(
    ("pushers", "access", "reason"),
    [
        (("alice",), ALICE, None),
        (("bob",), ALICE, "protected"),
        ((), ALICE, "protected"),
        (("bob",), ADMIN, None),
        (("token:0123456789abcdef",), HER_TOKEN, None),
        (("token:0000000000000000",), HER_TOKEN, "protected"),
        (("alice",), HER_TOKEN, None),
        (("None",), RefAccess(subject=None, is_admin=False), "protected"),
    ],
)
def test_only_those_who_are_named_may_push(
    scene: Scene, pushers: tuple[str, ...], access: RefAccess, reason: str | None
) -> None:
    scene.protect(RefRule("refs/heads/side", pushers=pushers))
    assert scene.push(move(SIDE, scene.root, scene.child), access=access) == [reason]
    assert scene.push(move(b"refs/heads/free", None, scene.root), access=access) == [None]


@pytest.mark.parametrize(("access", "is_refused"), [(ADMIN, True), (ALICE, True), (SIGNED, False)])
def test_a_ref_for_signed_pushes_takes_no_others(access: RefAccess, is_refused: bool) -> None:
    protection = Protection([RefRule("refs/heads/side", signed_only=True)], access)
    assert (protection.objection(SIDE, deletes=False) is not None) is is_refused
    assert protection.objection(MAIN, deletes=True) is None


def test_rules_of_one_ref_add_up(scene: Scene) -> None:
    scene.protect(RefRule("refs/heads/*", pushers=("alice",)), RefRule("refs/heads/s*", pushers=("bob",)))
    assert scene.push(move(SIDE, scene.root, scene.child)) == ["protected"]
    assert scene.push(move(b"refs/heads/other", scene.other, None)) == [None]


def test_a_name_that_is_protected_cannot_be_created_by_others(scene: Scene) -> None:
    scene.protect(RefRule("refs/tags/*", pushers=("bob",)))
    assert scene.push(move(b"refs/tags/v1", None, scene.root)) == ["protected"]


def test_what_is_not_protected_moves_beside_what_is(scene: Scene) -> None:
    scene.protect(RefRule("refs/heads/side", pushers=()))
    commands = move(SIDE, scene.root, scene.child), move(b"refs/heads/new", None, scene.root)
    assert scene.push(*commands) == ["protected", None]
    commands = move(SIDE, scene.root, scene.child), move(b"refs/heads/newer", None, scene.root)
    assert scene.push(*commands, atomic=True) == ["protected", "atomic push failure"]


def test_a_token_moves_only_refs_of_its_patterns(scene: Scene) -> None:
    access = replace(ALICE, patterns=("refs/heads/agent/*", "refs/heads/side"))
    refused = "token may not move this ref"
    assert scene.push(move(MAIN, scene.root, scene.child), access=access) == [refused]
    assert scene.push(move(MAIN, scene.root, None), access=access) == [refused]
    assert scene.push(move(b"refs/heads/agent/7", None, scene.root), access=access) == [None]
    assert scene.push(move(SIDE, scene.root, scene.child), access=access) == [None]
    assert scene.push(move(SIDE, scene.child, scene.root), access=replace(ALICE, patterns=())) == [refused]


def test_a_rule_that_comes_while_a_push_is_under_way_counts(scene: Scene, catalog: OvertakenCatalog) -> None:
    def rival() -> None:
        scene.protect(RefRule("refs/heads/side", pushers=()))
        scene.project.elsewhere().pushed(b"refs/heads/rival", None, scene.root)

    catalog.rivals.append(rival)
    assert scene.push(move(SIDE, scene.root, scene.child)) == ["protected"]
    assert scene.project.refs[SIDE] == scene.root


def test_what_is_said_of_many_refs_is_bounded(scene: Scene) -> None:
    scene.protect(RefRule("refs/heads/many/*", pushers=()))
    commands = [move(b"refs/heads/many/%d" % at, None, scene.root) for at in range(50)]
    assert scene.push(*commands) == ["protected"] * 50
    assert len(scene.outcome.warnings) == 20
