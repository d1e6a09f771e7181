"""Notes written without Git: which are there, and what becomes of those that are written at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from packengine.refs import HiddenRefs
from packengine.repository import Engine
from packengine.repository.errors import NoteExists, NoteMissing, RefRefused, WriteRefused
from packengine.repository.notes import notes_ref
from packengine.repository.push_policy import PushPolicy
from tests.support.engines import OvertakenCatalog, Project, fork_of, new_project, open_in_memory
from tests.support.writers import WRITER, files, listing

NOTES = b"refs/notes/commits"


@pytest.fixture
def catalog() -> OvertakenCatalog:
    return OvertakenCatalog()


@pytest.fixture
def project(tmp_path: Path, catalog: OvertakenCatalog) -> Project:
    policy = PushPolicy(HiddenRefs.of_patterns([b"refs/notes/secret"]))
    return new_project(open_in_memory(tmp_path, catalog=catalog, policy=policy))


@pytest.fixture
def root(project: Project) -> bytes:
    return files(project, "main", None, a="1")


def write(project: Project, target: bytes, text: str, ref: bytes = NOTES, *, force: bool = False) -> bool:
    """Whether something was published."""
    engine = project.engine
    made = engine.notes.write(engine.load(project.id), ref, target, text, WRITER, force=force)
    return made.committed is not None


def read(project: Project, target: bytes, ref: bytes = NOTES, max_bytes: int = 1000) -> bytes:
    return project.engine.notes.read(project.engine.load(project.id), ref, target, max_bytes)


def test_a_note_is_read_as_it_was_written(project: Project, root: bytes) -> None:
    assert write(project, root, "a\n\nb")
    assert read(project, root) == b"a\n\nb\n"
    assert project.manifest.sealed
    assert project.problems() == []


def test_a_note_is_replaced_by_force_only(project: Project, root: bytes) -> None:
    write(project, root, "one")
    with pytest.raises(NoteExists):
        write(project, root, "two")
    assert read(project, root) == b"one\n"
    write(project, root, "two", force=True)
    assert read(project, root) == b"two\n"


def test_an_empty_text_takes_the_note_away(project: Project, root: bytes) -> None:
    write(project, root, "one")
    assert write(project, root, "")
    with pytest.raises(NoteMissing):
        read(project, root)
    assert listing(project, project.refs[NOTES]) == {}


def test_taking_away_what_is_not_there_publishes_nothing(project: Project, root: bytes) -> None:
    assert not write(project, root, "")
    assert NOTES not in project.refs


def test_notes_of_other_refs_are_apart(project: Project, root: bytes) -> None:
    write(project, root, "one", b"refs/notes/a")
    with pytest.raises(NoteMissing):
        read(project, root)
    assert read(project, root, b"refs/notes/a") == b"one\n"


def test_notes_that_are_written_at_once_are_all_kept(catalog: OvertakenCatalog, project: Project, root: bytes) -> None:
    second = files(project, "main", root, a="2")
    catalog.rivals = [lambda: write(project.elsewhere(), second, "theirs")]
    write(project, root, "ours")
    assert (read(project, root), read(project, second)) == (b"ours\n", b"theirs\n")


def test_a_note_that_came_first_is_not_overwritten(catalog: OvertakenCatalog, project: Project, root: bytes) -> None:
    catalog.rivals = [lambda: write(project.elsewhere(), root, "theirs")]
    with pytest.raises(NoteExists):
        write(project, root, "ours")
    assert read(project, root) == b"theirs\n"


def test_what_the_repository_does_not_reach_gets_no_note(project: Project, root: bytes) -> None:
    secret = files(fork_of(project, "forked"), "main", root, a="secret")
    with pytest.raises(WriteRefused, match="is no object of this repository"):
        write(project, secret, "x")


def test_a_note_that_is_too_long_is_not_read(project: Project, root: bytes) -> None:
    write(project, root, "12345")
    with pytest.raises(WriteRefused, match="the note has 6 bytes, the limit is 5"):
        read(project, root, max_bytes=5)


def test_hidden_notes_are_neither_read_nor_written(tmp_path: Path, project: Project, root: bytes) -> None:
    hidden, pushes = b"refs/notes/secret", project.engine.pushes
    open_engine = Engine(project.engine.catalog, pushes.blobs, pushes.quarantine, tmp_path, project.engine.limits)
    write(Project(open_engine, project.id), root, "x", hidden)
    with pytest.raises(NoteMissing):
        read(project, root, hidden)
    with pytest.raises(RefRefused, match="hidden"):
        write(project, root, "y", hidden)


def test_a_branch_that_holds_no_notes_has_none(project: Project, root: bytes) -> None:
    project.engine.refs.move(project.engine.load(project.id), NOTES, root, None, WRITER)
    with pytest.raises(NoteMissing):
        read(project, root)


@pytest.mark.parametrize("name", ["", "a..b", "a b", "x.lock", "/"])
def test_a_name_that_no_notes_may_have_is_refused(name: str) -> None:
    with pytest.raises(RefRefused):
        notes_ref(name)
