"""Commits, merges, refs, notes and rules, by the client of a running server."""

import pytest

from packhouse_client import BadRequest, Client, MergeConflict, NoteExists, NotFound, RefConflict, Repository
from packhouse_client.changes import delete, move, write
from packhouse_client.types import Person
from packhouse_client.types.protection import Rule


@pytest.fixture
def repo(client: Client) -> Repository:
    return client.repo(client.repos.create().id)


def test_a_commit_is_on_its_branch(repo: Repository) -> None:
    made = repo.commits.create("main", "Begin", [write("a", "1\n"), write("b", b"\xff")], author=Person("Ann", "a@x"))
    assert [(ref.name, ref.sha) for ref in repo.refs.list()] == [("refs/heads/main", made.commit)]
    tidied = repo.commits.create("main", "Tidy", [move("a", "c/a"), delete("b")], parent=made.commit)
    assert tidied.tree != made.tree


def test_a_stale_parent_says_where_the_branch_is(repo: Repository) -> None:
    made = repo.commits.create("main", "Begin")
    with pytest.raises(RefConflict) as caught:
        repo.commits.create("main", "Again")
    assert (caught.value.branch, caught.value.expected, caught.value.current) == ("main", None, made.commit)


def test_what_cannot_be_committed_is_said_to_be_so(repo: Repository) -> None:
    with pytest.raises(BadRequest, match=r"\.\."):
        repo.commits.create("main", "Escape", [write("../x")])


def test_a_merge_conflict_names_its_paths(repo: Repository) -> None:
    base = repo.commits.create("main", "Begin", [write("f", "1\n")]).commit
    repo.refs.move("refs/heads/topic", base, expected=None)
    repo.commits.create("main", "Ours", [write("f", "2\n")], parent=base)
    repo.commits.create("topic", "Theirs", [write("f", "3\n")], parent=base)
    with pytest.raises(MergeConflict) as caught:
        repo.merge("topic", "main")
    assert caught.value.conflicts == ["f"]
    assert {each.path for each in caught.value.details} == {"f"}


def test_a_fork_syncs_and_comes_home(client: Client, repo: Repository) -> None:
    base = repo.commits.create("main", "Begin").commit
    fork = client.repo(repo.fork().id)
    next_commit = repo.commits.create("main", "Next", parent=base).commit
    assert fork.sync().commit == next_commit
    fork_id = fork.show().id
    work = fork.commits.create("main", "Work", parent=next_commit).commit
    assert repo.merge("main", "main", source_repo=fork_id, strategy="ff-only").commit == work


def test_refs_move_only_from_where_they_are_expected(repo: Repository) -> None:
    made = repo.commits.create("main", "Begin").commit
    repo.refs.move("refs/tags/v-1%2F!#", made, expected=None)
    with pytest.raises(RefConflict):
        repo.refs.move("refs/heads/main", made, expected=None)
    with pytest.raises(ValueError, match="full name"):
        repo.refs.move("main", made)
    (tag,) = repo.refs.list("refs/tags/", page=1)
    assert tag.name == "refs/tags/v-1%2F!#"
    repo.refs.delete(tag.name, expected=made)
    assert list(repo.refs.list("refs/tags/")) == []


def test_a_list_of_refs_goes_on_over_its_pages(repo: Repository) -> None:
    made = repo.commits.create("main", "Begin").commit
    names = [f"refs/tags/v{number}" for number in range(7)]
    for name in names:
        repo.refs.move(name, made)
    assert [ref.name for ref in repo.refs.list("refs/tags/", page=3)] == names


def test_notes_are_written_once_unless_forced(repo: Repository) -> None:
    made = repo.commits.create("main", "Begin").commit
    assert repo.notes.write(made, "one\n").text == "one\n"
    with pytest.raises(NoteExists):
        repo.notes.write(made, "two\n")
    assert repo.notes.write(made, "two\n", force=True).text == "two\n"
    repo.notes.delete(made)
    with pytest.raises(NotFound):
        repo.notes.show(made)


def test_rules_are_replaced_as_a_whole(repo: Repository) -> None:
    rule = Rule("refs/heads/main", deny_deletion=True)
    assert repo.protection.replace([rule]).rules == [rule]
    assert repo.protection.show().rules == [rule]
    assert repo.protection.replace([]).rules == []
