"""Pushes through the engine: what may be named, what becomes of the seal, and where HEAD goes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from packengine.repository import Engine, Limits
from tests.support.engines import Project, fork_of, move, new_project, open_in_memory
from tests.support.raw_packs import BLOB, COMMIT, REF_DELTA, TREE, copy, delta, entry, pack_of

MAIN = b"refs/heads/main"
SIDE = b"refs/heads/side"
TAG = b"refs/tags/v1"
THIN = b"refs/heads/thin"
MISSING = "missing necessary objects"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_in_memory(tmp_path)


@pytest.fixture
def project(engine: Engine) -> Project:
    return new_project(engine)


class Line:
    """main: root - child; `other` is a second child of root, which nobody has pushed yet."""

    def __init__(self, project: Project) -> None:
        objects = project.objects
        self.root = objects.commit("root")
        self.child = objects.commit("child", self.root)
        self.other = objects.commit("other", self.root)
        project.pushed(MAIN, None, self.child, objects.empty_tree, self.root, self.child)
        assert is_sealed(project)


@pytest.fixture
def line(project: Project) -> Line:
    return Line(project)


def is_sealed(project: Project) -> bool:
    return project.manifest.sealed


def is_usable(project: Project, oid: bytes) -> bool:
    state = project.engine.load(project.id)
    return project.engine.pushes.visibility.usable(state).contains(oid)


# --- HEAD -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "head"),
    [
        ([b"refs/heads/topic"], b"refs/heads/topic"),
        ([b"refs/heads/b", b"refs/heads/a"], b"refs/heads/b"),
        ([b"refs/heads/b", MAIN], MAIN),
        ([TAG], MAIN),
        ([TAG, b"refs/heads/b"], b"refs/heads/b"),
    ],
)
def test_head_of_an_empty_repository_follows_the_first_branch_unless_its_own_comes(
    project: Project, names: list[bytes], head: bytes
) -> None:
    root = project.objects.commit("root")
    commands = [move(name, None, root) for name in names]
    assert project.push(*commands, new=[project.objects.empty_tree, root]) == [None] * len(names)
    assert project.manifest.head == head


def test_head_does_not_follow_a_branch_that_was_refused(project: Project) -> None:
    root = project.objects.commit("root")
    commands = move(b"refs/heads/a..b", None, root), move(SIDE, None, root)
    project.push(*commands, new=[project.objects.empty_tree, root])
    assert project.manifest.head == SIDE


def test_head_stays_once_the_repository_has_refs(project: Project) -> None:
    root = project.objects.commit("root")
    project.pushed(TAG, None, root, project.objects.empty_tree, root)
    project.pushed(SIDE, None, root)
    assert project.manifest.head == MAIN


# --- what a push may name ---------------------------------------------------------------------------------------------


def test_an_atomic_push_with_one_refusal_changes_nothing(project: Project, line: Line) -> None:
    before = project.engine.load(project.id).pointer
    commands = move(SIDE, None, line.other), move(MAIN, line.root, line.other)
    reasons = project.push(*commands, new=[line.other], atomic=True)
    assert reasons == ["atomic push failure", "non-fast-forward"]
    assert project.engine.load(project.id).pointer == before


def test_the_verdicts_come_in_the_order_of_the_commands(project: Project, line: Line) -> None:
    commands = (
        move(b"refs/heads/z", None, line.root),
        move(MAIN, line.child, None),
        move(b"refs/heads/a", None, line.root),
    )
    outcome = project.begin(*commands).finish()
    assert outcome.verdicts == [
        (b"refs/heads/z", None),
        (MAIN, "deletion of the current branch prohibited"),
        (b"refs/heads/a", None),
    ]


def test_a_tag_of_a_tag_is_stored_with_the_commit_at_its_end(project: Project, line: Line) -> None:
    inner = project.objects.tag(b"inner", line.child)
    outer = project.objects.tag(b"outer", inner)
    project.pushed(TAG, None, outer, inner, outer)
    stored = project.manifest.refs.get(TAG)
    assert stored is not None
    assert (stored.oid, stored.peeled) == (outer, line.child)
    assert is_sealed(project)


def test_a_deletion_needs_no_pack(project: Project, line: Line) -> None:
    project.pushed(SIDE, None, line.root)
    assert project.push(move(SIDE, line.root, None)) == [None]
    assert project.refs == {MAIN: line.child}


def test_a_push_without_the_pack_it_needs_fails_the_unpacking(project: Project, line: Line) -> None:
    outcome = project.begin(move(SIDE, None, line.root), pack=b"").finish()
    assert outcome.unpack_error == "early EOF: the pack is missing"
    assert (outcome.committed, outcome.verdicts) == (None, [(SIDE, "unpacker error")])


@pytest.mark.parametrize("pieces", [1, 7])
def test_a_pack_that_fails_half_way_is_read_to_its_end_and_refused(project: Project, line: Line, pieces: int) -> None:
    pack = bytearray(project.objects.pack([line.other]))
    pack[-1] ^= 1
    push = project.begin(move(SIDE, None, line.other), pack=bytes(pack))
    for _ in range(pieces):
        push.feed(b"more")
    outcome = push.finish()
    assert outcome.committed is None
    assert outcome.unpack_error
    assert project.refs == {MAIN: line.child}


def test_bytes_after_the_trailer_are_refused(project: Project, line: Line) -> None:
    pack = project.objects.pack([line.other]) + b"abc"
    outcome = project.begin(move(SIDE, None, line.other), pack=pack).finish()
    assert outcome.unpack_error == "3 bytes after the pack's trailer"


def test_nothing_is_left_in_quarantine_of_a_refused_push(tmp_path: Path) -> None:
    project = new_project(open_in_memory(tmp_path, limits=Limits(tail_pack_bytes=1)))
    root = project.objects.commit("root")
    assert project.push(move(MAIN, root, root), new=[project.objects.empty_tree, root]) == ["non-fast-forward"]
    assert list((tmp_path / "quarantine").iterdir()) == []


def test_the_tip_of_a_fork_cannot_be_used_by_its_source(project: Project, line: Line) -> None:
    fork = fork_of(project, "a-fork")
    fork.pushed(SIDE, None, line.other, line.other)
    assert project.push(move(SIDE, None, line.other)) == [MISSING]
    child = project.objects.commit("child of other", line.other)
    assert project.push(move(SIDE, None, child), new=[child]) == [MISSING]


def test_the_tip_of_a_source_cannot_be_used_by_an_older_fork(project: Project, line: Line) -> None:
    fork = fork_of(project, "a-fork")
    project.pushed(SIDE, None, line.other, line.other)
    assert fork.push(move(SIDE, None, line.other)) == [MISSING]


def test_what_was_forced_away_cannot_be_named_again(project: Project, line: Line) -> None:
    project.pushed(MAIN, line.child, line.root)
    assert project.push(move(SIDE, None, line.child)) == [MISSING]
    grandchild = project.objects.commit("grandchild", line.child)
    assert project.push(move(SIDE, None, grandchild), new=[grandchild]) == [MISSING]


@dataclass(frozen=True, slots=True)
class ThinPush:
    """A push of `commit`, whose one blob comes as a delta against `base`, which is not in the pack."""

    base: bytes
    commit: bytes
    pack: bytes


@pytest.fixture
def thin(project: Project) -> ThinPush:
    """Its base is a file of `side`; `main` does not reach it."""
    objects, text = project.objects, bytes(range(200))
    base = objects.blob(text)
    tree = objects.tree({b"file": base})
    root, held = objects.commit("root"), objects.commit("held", tree=tree)
    project.pushed(MAIN, None, root, objects.empty_tree, root)
    project.pushed(SIDE, None, held, base, tree, held)
    longer_tree = objects.tree({b"file": objects.blob(text + b"!")})
    commit = objects.commit("thin", tree=longer_tree)
    instructions = delta(len(text), len(text) + 1, copy(0, len(text)), b"\x01!")
    whole = [entry(TREE, objects.content(longer_tree)), entry(COMMIT, objects.content(commit))]
    return ThinPush(base, commit, pack_of([entry(REF_DELTA, instructions, base=base), *whole]))


def test_a_thin_pack_against_a_reachable_object_is_completed(project: Project, thin: ThinPush) -> None:
    assert project.push(move(THIN, None, thin.commit), pack=thin.pack) == [None]
    assert project.problems() == []
    assert is_sealed(project)


def test_a_thin_pack_against_an_object_that_nothing_reaches_is_refused(project: Project, thin: ThinPush) -> None:
    project.pushed(SIDE, project.refs[SIDE], None)
    outcome = project.begin(move(THIN, None, thin.commit), pack=thin.pack).finish()
    assert thin.base.hex() in (outcome.unpack_error or "")
    assert set(project.refs) == {MAIN}


def test_a_base_that_is_hidden_while_its_thin_pack_comes_stays_hidden(project: Project, thin: ThinPush) -> None:
    push = project.begin(move(THIN, None, thin.commit), pack=thin.pack)
    project.pushed(SIDE, project.refs[SIDE], None)
    assert push.finish().verdicts == [(THIN, None)]
    assert is_usable(project, thin.commit)
    assert not is_usable(project, thin.base)
    assert project.problems() == []


# --- sealed: whether everything in the packs is reachable -------------------------------------------------------------


def test_a_creation_keeps_the_seal(project: Project, line: Line) -> None:
    project.pushed(SIDE, None, line.other, line.other)
    assert is_sealed(project)


def test_a_fast_forward_keeps_the_seal(project: Project, line: Line) -> None:
    grandchild = project.objects.commit("grandchild", line.child)
    project.pushed(MAIN, line.child, grandchild, grandchild)
    assert is_sealed(project)


def test_a_force_push_ends_the_seal_and_hides_what_it_forced_away(project: Project, line: Line) -> None:
    project.pushed(MAIN, line.child, line.other, line.other)
    assert not is_sealed(project)
    assert not is_usable(project, line.child)
    assert is_usable(project, line.other)
    assert is_usable(project, line.root)


def test_the_deletion_of_a_merged_branch_keeps_the_seal(project: Project, line: Line) -> None:
    project.pushed(SIDE, None, line.root)
    project.pushed(SIDE, line.root, None)
    assert is_sealed(project)


def test_the_deletion_of_an_unmerged_branch_ends_the_seal_and_hides_it(project: Project, line: Line) -> None:
    project.pushed(SIDE, None, line.other, line.other)
    project.pushed(SIDE, line.other, None)
    assert not is_sealed(project)
    assert not is_usable(project, line.other)


def test_the_deletion_of_a_branch_that_the_same_push_merges_keeps_the_seal(project: Project, line: Line) -> None:
    project.pushed(SIDE, None, line.other, line.other)
    merge = project.objects.commit("merge", line.child, line.other)
    reasons = project.push(move(MAIN, line.child, merge), move(SIDE, line.other, None), new=[merge])
    assert reasons == [None, None]
    assert is_sealed(project)


def test_a_replaced_tag_ends_the_seal_and_hides_the_old_one(project: Project, line: Line) -> None:
    old, new = project.objects.tag(b"v1", line.root), project.objects.tag(b"v1", line.child)
    project.pushed(TAG, None, old, old)
    assert is_sealed(project)
    project.pushed(TAG, old, new, new)
    assert not is_sealed(project)
    assert not is_usable(project, old)
    assert is_usable(project, new)


def test_objects_that_no_ref_reaches_end_the_seal_and_stay_hidden(project: Project, line: Line) -> None:
    extra = project.objects.blob(b"nobody refers to this")
    project.pushed(SIDE, None, line.other, line.other, extra)
    assert not is_sealed(project)
    assert not is_usable(project, extra)
    assert is_usable(project, line.other)
    assert project.problems() == []


def test_the_objects_of_a_refused_command_stay_hidden(project: Project, line: Line) -> None:
    grandchild = project.objects.commit("grandchild", line.child)
    commands = move(SIDE, None, line.other), move(MAIN, line.root, grandchild)
    assert project.push(*commands, new=[line.other, grandchild]) == [None, "non-fast-forward"]
    assert not is_sealed(project)
    assert not is_usable(project, grandchild)


def test_extra_objects_that_are_stored_and_reachable_already_keep_the_seal(project: Project, line: Line) -> None:
    project.pushed(SIDE, None, line.other, line.other, line.root, project.objects.empty_tree)
    assert is_sealed(project)


def test_a_push_that_hides_nothing_seals_again_once_all_is_reachable(project: Project, line: Line) -> None:
    project.pushed(MAIN, line.child, line.root)
    assert not is_sealed(project)
    project.pushed(SIDE, None, line.child, line.child)  # the state before it hid `child` still
    project.pushed(b"refs/heads/next", None, line.root)
    assert is_sealed(project)
    assert is_usable(project, line.child)
    assert project.problems() == []


def test_a_push_does_not_seal_what_is_still_hidden(project: Project, line: Line) -> None:
    project.pushed(MAIN, line.child, line.root)
    project.pushed(SIDE, None, line.other, line.other)
    project.pushed(b"refs/heads/next", None, line.root)
    assert not is_sealed(project)
    assert not is_usable(project, line.child)


def test_a_fork_of_what_is_not_sealed_hides_the_same(project: Project, line: Line) -> None:
    project.pushed(MAIN, line.child, line.root)
    fork = fork_of(project, "a-fork")
    assert not is_sealed(fork)
    assert not is_usable(fork, line.child)


def test_a_deletion_and_a_creation_in_one_push_count_what_the_deletion_hides(project: Project, line: Line) -> None:
    project.pushed(SIDE, None, line.other, line.other)
    commands = move(SIDE, line.other, None), move(SIDE + b"/below", None, line.root)
    assert project.push(*commands) == [None, None]
    assert not is_sealed(project)
    assert not is_usable(project, line.other)


def test_a_ref_that_takes_over_a_deleted_refs_value_keeps_it_usable(project: Project, line: Line) -> None:
    project.pushed(SIDE, None, line.other, line.other)
    assert project.push(move(SIDE, line.other, None), move(SIDE + b"/below", None, line.other)) == [None, None]
    assert is_usable(project, line.other)
    assert project.problems() == []


def test_a_blob_tagged_directly_keeps_the_seal(project: Project, line: Line) -> None:
    blob = project.objects.add(BLOB, b"tagged")
    project.pushed(TAG, None, blob, blob)
    assert is_sealed(project)
