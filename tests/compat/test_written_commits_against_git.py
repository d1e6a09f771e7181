"""Commits and notes made in the engine, beside those that stock Git makes of the same input."""

from __future__ import annotations

from pathlib import Path

import pytest

from packengine.repository import Engine
from packengine.repository.commit_objects import CommitWords
from packengine.repository.commits import CommitRequest
from packengine.repository.idents import Ident
from packengine.repository.notes import notes_ref
from packengine.repository.progress import no_progress
from packengine.repository.tree_changes import Change, DeleteFile, MoveFile, WriteFile
from tests.support.engine_pushes import ACTOR
from tests.support.git import git
from tests.support.writers import WRITER

AUTHOR = Ident("A. Author", "author@example.org", 1_700_000_000, "+0100")
COMMITTER = Ident("C. Committer", "committer@example.org", 1_700_000_000, "+0100")
NOTES = b"refs/notes/commits"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = Engine.open(tmp_path / "data")
    engine.create_repository("project", ACTOR)
    return engine


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A repository of Git's own, with a working tree."""
    git("init", "--quiet", "--initial-branch=main", tmp_path / "work")
    return tmp_path / "work"


def commit(engine: Engine, parent: bytes | None, message: str, *changes: Change, author: Ident = AUTHOR) -> bytes:
    request = CommitRequest("main", parent, CommitWords(message, author, COMMITTER), changes)
    return engine.commits.commit(engine.load("project"), request, WRITER).commit


def exported(engine: Engine, path: Path) -> Path:
    engine.export_repository("project", path, progress=no_progress)
    git("fsck", "--strict", "--full", cwd=path)
    return path


def note(engine: Engine, target: bytes, text: str, *, force: bool = False) -> None:
    engine.notes.write(engine.load("project"), NOTES, target, text, WRITER, force=force)


# --- commits ----------------------------------------------------------------------------------------------------------


def test_the_same_input_gives_the_ids_that_git_gives(engine: Engine, work: Path, tmp_path: Path) -> None:
    (work / "folder").mkdir()
    (work / "folder" / "a.txt").write_text("a\n")
    (work / "folder.c").write_text("sorts between a folder and its files\n")
    (work / "run").write_text("#!/bin/sh\n")
    (work / "run").chmod(0o755)
    (work / "link").symlink_to("folder/a.txt")
    git("add", ".", cwd=work)
    git("commit", "--quiet", "-m", "First", cwd=work)
    first = commit(
        engine,
        None,
        "First",
        WriteFile(b"run", b"#!/bin/sh\n", 0o100755),
        WriteFile(b"folder.c", b"sorts between a folder and its files\n"),
        WriteFile(b"folder/a.txt", b"a\n"),
        WriteFile(b"link", b"folder/a.txt", 0o120000),
    )
    assert git("rev-parse", "HEAD", cwd=work).decode().strip() == first.hex()

    git("mv", "folder", "moved", cwd=work)
    git("rm", "--quiet", "link", cwd=work)
    (work / "run").write_text("#!/bin/bash\n")
    git("commit", "--quiet", "-a", "-m", "Second\n\nwith a body", cwd=work)
    second = commit(
        engine,
        first,
        "Second\n\nwith a body",
        MoveFile(b"folder", b"moved"),
        DeleteFile(b"link"),
        WriteFile(b"run", b"#!/bin/bash\n"),
    )
    assert git("rev-parse", "HEAD", cwd=work).decode().strip() == second.hex()
    assert git("rev-parse", "HEAD", cwd=exported(engine, tmp_path / "out.git")).decode().strip() == second.hex()


@pytest.mark.parametrize("message", ["one line", "ends\n", "", "two\n\n\nparts\n\n", "  kept  ", "# kept"])
def test_a_message_becomes_what_commit_tree_makes_of_it(engine: Engine, work: Path, message: str) -> None:
    tree = git("mktree", cwd=work, stdin=b"").decode().strip()
    expected = git("commit-tree", tree, "-m", message, cwd=work).decode().strip()
    assert commit(engine, None, message).hex() == expected


@pytest.mark.parametrize(
    "name",
    ["  Jo Doe \t", "<Jo>", "Jo <x> Doe", "Jo\nDoe", '"Jo", Doe;', "'Jo' \\ Doe:", "Jö Dœ", "a\tb", "\x01Jo\x1f"],
)
def test_a_name_becomes_what_git_makes_of_it(engine: Engine, work: Path, name: str) -> None:
    tree = git("mktree", cwd=work, stdin=b"").decode().strip()
    identity = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": f"<{name}@x>"}
    expected = git("commit-tree", tree, "-m", "m", cwd=work, env=identity).decode().strip()
    made = commit(engine, None, "m", author=Ident(name, f"<{name}@x>", AUTHOR.date_s, AUTHOR.offset))
    assert made.hex() == expected


# --- notes ------------------------------------------------------------------------------------------------------------


def test_git_reads_the_notes_that_are_written_here(engine: Engine, tmp_path: Path) -> None:
    first = commit(engine, None, "first")
    second = commit(engine, first, "second")
    note(engine, first, "one")
    note(engine, second, "two\n\nlines")
    note(engine, first, "one again", force=True)
    out = exported(engine, tmp_path / "out.git")
    assert git("notes", "show", first.hex(), cwd=out) == b"one again\n"
    assert git("notes", "show", second.hex(), cwd=out) == b"two\n\nlines\n"
    assert len(git("notes", "list", cwd=out).splitlines()) == 2
    assert len(git("rev-list", "refs/notes/commits", cwd=out).splitlines()) == 3


def imported(tmp_path: Path, source: Path) -> Engine:
    engine = Engine.open(tmp_path / "imported")
    engine.import_repository(source, "project", ACTOR, progress=no_progress)
    return engine


def commits_of(work: Path, count: int) -> list[str]:
    """So many commits of a new branch, the newest first."""
    git("init", "--quiet", "--initial-branch=main", work)
    lines = [f"commit refs/heads/main\ncommitter A <a@x> {number} +0000\ndata 0\n" for number in range(count)]
    git("fast-import", "--quiet", cwd=work, stdin="\n".join(lines).encode())
    return git("rev-list", "main", cwd=work).decode().split()


def noted_by_git(work: Path, commits: list[str], fan_out: tuple[int, ...]) -> None:
    """A note on each commit, in a tree with that fan-out: the digits of each level of folders."""
    lines = ["commit refs/notes/commits\ncommitter A <a@x> 5 +0000\ndata 0\n"]
    for commit_id in commits:
        rest, path = commit_id, ""
        for digits in fan_out:
            path, rest = f"{path}{rest[:digits]}/", rest[digits:]
        lines.append(f"M 100644 inline {path}{rest}\ndata 5\nnote\n")
    git("fast-import", "--quiet", cwd=work, stdin="\n".join(lines).encode())


@pytest.mark.parametrize("fan_out", [(), (2,), (2, 2)])
def test_notes_are_found_and_added_at_the_fan_out_that_is_there(tmp_path: Path, fan_out: tuple[int, ...]) -> None:
    commits = commits_of(tmp_path / "work", 40)
    noted_by_git(tmp_path / "work", commits[1:], fan_out)
    engine = imported(tmp_path, tmp_path / "work")
    old, new = bytes.fromhex(commits[1]), bytes.fromhex(commits[0])
    assert engine.notes.read(engine.load("project"), NOTES, old, 1000) == b"note\n"
    note(engine, new, "new")
    note(engine, old, "replaced", force=True)
    note(engine, bytes.fromhex(commits[2]), "")
    out = exported(engine, tmp_path / "out.git")
    assert git("notes", "show", commits[0], cwd=out) == b"new\n"
    assert git("notes", "show", commits[1], cwd=out) == b"replaced\n"
    assert len(git("notes", "list", cwd=out).splitlines()) == 39
    paths = git("ls-tree", "-r", "--name-only", "refs/notes/commits", cwd=out).decode().split()
    assert len(paths) == 39
    if fan_out:
        assert all(path[2] == "/" for path in paths)


def test_a_flat_tree_of_many_notes_gets_folders_for_new_ones(tmp_path: Path) -> None:
    commits = commits_of(tmp_path / "work", 302)
    noted_by_git(tmp_path / "work", commits[2:], ())
    engine = imported(tmp_path, tmp_path / "work")
    for commit_id in commits[:2]:
        note(engine, bytes.fromhex(commit_id), "new")
    out = exported(engine, tmp_path / "out.git")
    paths = git("ls-tree", "-r", "--name-only", "refs/notes/commits", cwd=out).decode().split()
    assert sorted(path for path in paths if "/" in path) == sorted(f"{c[:2]}/{c[2:]}" for c in commits[:2])
    assert len(git("notes", "list", cwd=out).splitlines()) == 302
    assert git("notes", "show", commits[0], cwd=out) == b"new\n"
    git("config", "user.name", "N", cwd=out)
    git("config", "user.email", "n@x", cwd=out)
    git("notes", "append", "-m", "more", commits[1], cwd=out)
    assert git("notes", "show", commits[1], cwd=out) == b"new\n\nmore\n"


@pytest.mark.parametrize("name", ["commits", "notes/review", "refs/notes/review", "refs/heads/x", "a/b"])
def test_a_name_of_notes_is_completed_as_git_completes_it(work: Path, name: str) -> None:
    git("commit", "--quiet", "--allow-empty", "-m", "m", cwd=work)
    git("notes", f"--ref={name}", "add", "-m", "x", cwd=work)
    names = git("for-each-ref", "--format=%(refname)", "refs/notes", cwd=work).decode().split()
    assert names == [notes_ref(name).decode()]
