"""What a push may do to refs: every refusal in Git's words, and what the refs still reach afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest

from packengine.manifests import Manifest, PublishKind
from packengine.protocol import Command
from packengine.refs import HiddenRefs, RefEntry, build_table
from packengine.repository import Limits, RepositoryState
from packengine.repository.ref_rules import ObjectLookup, RefPlan, plan_refs
from packengine.storage.ports import Pointer, RepositoryRecord
from tests.support.engines import move, push_commands

MAIN = b"refs/heads/main"
SIDE = b"refs/heads/side"
TAG = b"refs/tags/v1"


def oid(name: str) -> bytes:
    return name.encode().ljust(20, b".")


OLD, NEW, OTHER = oid("commit old"), oid("commit new"), oid("commit other")
TAGGED, TREE = oid("tag"), oid("tree")
UNKNOWN = oid("unknown")


class Lookup(ObjectLookup):
    """Objects whose ids begin with their kind; `new` descends from `old`, and tags peel to it."""

    def __init__(self) -> None:
        """No database is needed."""

    def contains(self, oid: bytes) -> bool:
        return oid != UNKNOWN

    def kind(self, oid: bytes) -> str:
        return oid.rstrip(b".").split()[0].decode()

    def peel(self, oid: bytes) -> bytes | None:
        return OLD if self.kind(oid) == "tag" else None

    def reaches(self, old: bytes, new: bytes) -> bool:
        return old == new or (old, new) == (OLD, NEW)


def state_of(refs: dict[bytes, bytes], *, head: bytes = MAIN, read_only: bool = False) -> RepositoryState:
    entries = [RefEntry(name, value) for name, value in sorted(refs.items())]
    blocks: dict[bytes, bytes] = {}
    table, fresh = build_table(entries, oid_len=20, load=blocks.__getitem__)
    blocks |= fresh
    manifest = Manifest("sha1", head, None, 0, "a", "r", PublishKind.PUSH, sealed=True, packs=(), refs=table)
    return RepositoryState(RepositoryRecord("project", None, 0, None, read_only, 1), Pointer(1, bytes(32)), manifest)


HERE = {MAIN: OLD, SIDE: OLD, TAG: TAGGED}


def plan(
    *commands: Command,
    state: RepositoryState | None = None,
    atomic: bool = False,
    shallow: tuple[bytes, ...] = (),
    limits: Limits | None = None,
    hidden: tuple[bytes, ...] = (),
) -> RefPlan:
    request = push_commands(*commands, atomic=atomic, shallow=shallow)
    hidden_refs = HiddenRefs.of_patterns(hidden)
    return plan_refs(request, state or state_of(HERE), Lookup(), limits or Limits(), hidden_refs)


LOST_RACE = "non-fast-forward"
REFUSALS: dict[str, tuple[Command, str]] = {
    "create what is there": (move(SIDE, None, NEW), LOST_RACE),
    "update from another value": (move(SIDE, OTHER, NEW), LOST_RACE),
    "update what is not there": (move(b"refs/heads/none", OLD, NEW), LOST_RACE),
    "delete another value": (move(SIDE, OTHER, None), LOST_RACE),
    "delete what is gone": (move(b"refs/heads/none", OLD, None), LOST_RACE),
    "delete nothing": (move(b"refs/heads/none", None, None), "no such ref"),
    "delete HEAD's branch": (move(MAIN, OLD, None), "deletion of the current branch prohibited"),
    "name an object that is missing": (move(SIDE, OLD, UNKNOWN), "missing necessary objects"),
    "create with an object that is missing": (move(b"refs/heads/x", None, UNKNOWN), "missing necessary objects"),
    "put a branch on a tag": (
        move(SIDE, OLD, TAGGED),
        "cannot point a branch at an object that is not a commit",
    ),
    "create a branch on a tree": (
        move(b"refs/heads/x", None, TREE),
        "cannot point a branch at an object that is not a commit",
    ),
    "a ref below a ref": (
        move(MAIN + b"/x", None, NEW),
        "'refs/heads/main' exists; cannot create the ref beside it",
    ),
    "a ref that is a folder": (
        move(b"refs/tags/v1/x", None, NEW),
        "'refs/tags/v1' exists; cannot create the ref beside it",
    ),
    "a funny name": (move(b"refs/heads/a..b", None, NEW), "funny refname"),
    "one component": (move(b"refs/stash", None, NEW), "funny refname"),
    "not below refs": (move(b"heads/main", None, NEW), "funny refname"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_it_is_refused_with_its_reason(what: str) -> None:
    command, reason = REFUSALS[what]
    found = plan(command)
    assert (found.changes, found.reasons) == ([], [reason])


@pytest.mark.parametrize("command", [move(SIDE, OLD, NEW), move(SIDE, OLD, None), move(b"refs/x/y", None, NEW)])
def test_a_read_only_repository_takes_nothing(command: Command) -> None:
    assert plan(command, state=state_of(HERE, read_only=True)).reasons == ["repository is read-only"]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (move(SIDE, OLD, NEW), "deny updating a hidden ref"),
        (move(SIDE + b"/x", None, NEW), "deny updating a hidden ref"),
        (move(SIDE, OTHER, NEW), "deny updating a hidden ref"),
        (move(SIDE, OLD, None), "deny deleting a hidden ref"),
        (move(SIDE + b"-x", None, NEW), None),
    ],
)
def test_a_hidden_ref_is_neither_made_nor_moved_nor_deleted(command: Command, reason: str | None) -> None:
    assert plan(command, hidden=(SIDE,)).reasons == [reason]


def test_an_overlong_name_is_refused_with_the_limit() -> None:
    name = b"refs/heads/" + b"x" * 30
    allowed = plan(move(name, None, NEW), limits=Limits(max_ref_name_bytes=len(name)))
    refused = plan(move(name, None, NEW), limits=Limits(max_ref_name_bytes=len(name) - 1))
    assert allowed.reasons == [None]
    assert refused.reasons == [f"ref name is {len(name)} bytes long, the limit is {len(name) - 1}"]


def test_a_shallow_client_is_told_so_when_objects_are_missing() -> None:
    assert plan(move(SIDE, OLD, UNKNOWN), shallow=(OLD,)).reasons == ["shallow update not allowed"]


def test_a_value_may_be_deleted_without_saying_which() -> None:
    assert plan(move(SIDE, None, None)).reasons == [None]


def test_anything_but_a_branch_may_name_any_object() -> None:
    found = plan(move(b"refs/tags/t", None, TREE), move(b"refs/notes/n", None, TAGGED))
    assert found.reasons == [None, None]


def test_an_annotated_tag_is_stored_with_what_it_peels_to() -> None:
    found = plan(move(b"refs/tags/t", None, TAGGED), move(b"refs/tags/u", None, NEW))
    assert [change.entry for change in found.changes] == [
        RefEntry(b"refs/tags/t", TAGGED, OLD),
        RefEntry(b"refs/tags/u", NEW, None),
    ]


def test_a_refused_command_does_not_hold_up_the_others() -> None:
    found = plan(move(SIDE, OTHER, NEW), move(b"refs/heads/x", None, NEW))
    assert (found.reasons, [change.name for change in found.changes]) == ([LOST_RACE, None], [b"refs/heads/x"])


def test_an_atomic_push_fails_whole_and_says_which_command_was_at_fault() -> None:
    found = plan(move(b"refs/heads/x", None, NEW), move(SIDE, OTHER, NEW), move(TAG, TAGGED, None), atomic=True)
    assert (found.changes, found.reasons) == ([], ["atomic push failure", LOST_RACE, "atomic push failure"])


def test_an_atomic_push_without_fault_moves_all() -> None:
    assert plan(move(b"refs/heads/x", None, NEW), move(SIDE, OLD, None), atomic=True).reasons == [None, None]


@pytest.mark.parametrize("second", [move(SIDE, None, NEW), move(SIDE, OLD, None), move(SIDE, OLD, NEW)])
def test_a_ref_that_is_named_twice_moves_neither_time(second: Command) -> None:
    found = plan(move(SIDE, OLD, None), second, move(b"refs/heads/x", None, NEW))
    twice = "multiple updates for ref not allowed"
    assert found.reasons == [twice, twice, None]


A, A_B = b"refs/heads/a", b"refs/heads/a/b"


@pytest.mark.parametrize(
    "commands", [(move(A, OLD, None), move(A_B, None, NEW)), (move(A_B, None, NEW), move(A, OLD, None))]
)
def test_a_ref_may_become_a_folder_in_one_push(commands: tuple[Command, ...]) -> None:
    found = plan(*commands, state=state_of({MAIN: OLD, A: OLD}))
    assert found.reasons == [None, None]


def test_refs_go_and_come_in_one_push_also_where_the_table_is_cut_into_blocks() -> None:
    many = {b"refs/heads/m-%03d" % number: OLD for number in range(300)}
    state = state_of({MAIN: OLD, A: OLD, **many})
    assert state.manifest.refs.inline is None
    assert plan(*(move(name, OLD, None) for name in many), state=state).reasons == [None] * len(many)
    assert plan(move(A, OLD, None), move(A_B, None, NEW), state=state).reasons == [None, None]


def test_a_folder_may_become_a_ref_in_one_push() -> None:
    found = plan(move(A, None, NEW), move(A_B, OLD, None), state=state_of({MAIN: OLD, A_B: OLD}))
    assert found.reasons == [None, None]


def test_a_folder_does_not_become_a_ref_while_something_is_left_in_it() -> None:
    state = state_of({MAIN: OLD, A_B: OLD, A + b"/c": OLD})
    found = plan(move(A, None, NEW), move(A_B, OLD, None), state=state)
    assert found.reasons == ["'refs/heads/a/c' exists; cannot create the ref beside it", None]


def test_a_ref_whose_deletion_is_refused_still_stands_in_the_way() -> None:
    found = plan(move(A, OTHER, None), move(A_B, None, NEW), state=state_of({MAIN: OLD, A: OLD}))
    assert found.reasons == [LOST_RACE, "'refs/heads/a' exists; cannot create the ref beside it"]


@pytest.mark.parametrize(("first", "second"), [(A, A_B), (A_B, A)])
def test_of_two_new_refs_that_cannot_be_beside_each_other_the_first_is_created(first: bytes, second: bytes) -> None:
    found = plan(move(first, None, NEW), move(second, None, NEW))
    assert found.reasons == [None, f"'{first.decode()}' exists; cannot create the ref beside it"]


def test_a_name_that_sorts_between_a_ref_and_its_folder_is_no_conflict() -> None:
    found = plan(move(b"refs/heads/a-x", None, NEW), move(A_B, None, NEW), move(b"refs/heads/a.x", None, NEW))
    assert found.reasons == [None, None, None]


def test_an_update_in_place_needs_no_room() -> None:
    assert plan(move(SIDE, OLD, NEW), move(SIDE + b"x", None, NEW)).reasons == [None, None]


KEEPS: dict[str, tuple[list[Command], bool]] = {
    "creation": ([move(b"refs/heads/x", None, OTHER)], True),
    "fast-forward": ([move(MAIN, OLD, NEW)], True),
    "no change": ([move(SIDE, OLD, OLD)], True),
    "force push": ([move(MAIN, OLD, OTHER)], False),
    "deletion of what HEAD reaches": ([move(SIDE, OLD, None)], True),
    "deletion of what HEAD reaches once it has moved": ([move(SIDE, OLD, None), move(MAIN, OLD, NEW)], True),
    "deletion of what HEAD reached before it was forced": ([move(SIDE, OLD, None), move(MAIN, OLD, OTHER)], False),
    "deletion of what HEAD does not reach": ([move(TAG, TAGGED, None)], False),
    "replaced tag": ([move(TAG, TAGGED, OLD)], False),
    "a fast-forward beside a force push": ([move(MAIN, OLD, NEW), move(SIDE, OLD, OTHER)], False),
    "a refused force push": ([move(MAIN, OLD, NEW), move(SIDE, OTHER, NEW)], True),
}


@pytest.mark.parametrize("what", KEEPS)
def test_whether_the_refs_still_reach_all_they_did(what: str) -> None:
    commands, keeps = KEEPS[what]
    assert plan(*commands).keeps_reach is keeps


def test_without_head_a_deletion_reaches_less() -> None:
    state = replace(state_of({SIDE: OLD, TAG: TAGGED}))
    assert not plan(move(SIDE, OLD, None), state=state).keeps_reach


def test_a_deletion_is_measured_against_what_is_stored_not_what_the_client_saw() -> None:
    state = state_of({MAIN: OLD, SIDE: OTHER})
    assert not plan(move(SIDE, None, None), state=state).keeps_reach
