"""What `packhouse commit` makes of its words before anything is sent."""

from __future__ import annotations

import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from packhouse_client.changes import delete, move, write
from packhouse_client.types import Person
from server.cli import main
from server.cli.commit import _changes, person


def test_a_person_is_written_as_git_does() -> None:
    assert person("Ann B. <ann@example.com>") == Person("Ann B.", "ann@example.com")
    assert person(" <only@mail> ") == Person("", "only@mail")


@pytest.mark.parametrize("text", ["Ann", "ann@example.com", "Ann <a> <b>", "<a", ""])
def test_what_is_no_person_is_wrong_usage(text: str) -> None:
    with pytest.raises(click.UsageError, match="NAME <EMAIL>"):
        person(text)


def test_moves_come_before_deletions_and_those_before_files(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"octets")
    found = _changes(
        (Path("file"),),
        root=tmp_path,
        written=(f"copy={tmp_path / 'file'}",),
        deleted=("gone",),
        moved=(("old", "new"),),
    )
    contents = [write(path, b"octets", mode="100644") for path in ("copy", "file")]
    assert found == [move("old", "new"), delete("gone"), *contents]


def test_a_link_stays_one_unless_it_is_named_with_another_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"octets")
    (tmp_path / "link").symlink_to("file")
    named = f"copy={tmp_path / 'link'}"
    found = _changes((Path("link"),), root=tmp_path, written=(named,), deleted=(), moved=())
    assert found == [write("copy", b"octets", mode="100644"), write("link", b"file", mode="120000")]


@pytest.mark.parametrize("words", [["/etc/passwd"], ["../outside"], ["a/../../b"], ["--write", "no-equals-sign"]])
def test_paths_that_are_none_of_the_tree_are_wrong_usage(words: list[str], tmp_path: Path) -> None:
    data = ["--data-dir", str(tmp_path / "data")]
    ended = CliRunner().invoke(main, ["commit", "some", "-m", "x", *words, *data])
    assert ended.exit_code == 2
    assert not (tmp_path / "data").exists()


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    ended = CliRunner().invoke(main, ["commit", "some", "-m", "x", "nowhere", "--data-dir", str(tmp_path)])
    assert ended.exit_code == 1
    assert ended.stderr == "Error: nowhere: No such file or directory\n"
    assert "nowhere" in ended.stderr


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(click.UsageError, match=r"neither a file, a folder nor a link: .*/pipe"):
        _changes((Path(),), root=tmp_path, written=(), deleted=(), moved=())


def test_a_commit_of_nothing_is_asked_for_by_name(tmp_path: Path) -> None:
    ended = CliRunner().invoke(main, ["commit", "some", "-m", "x", "--data-dir", str(tmp_path)])
    assert ended.exit_code == 2
    assert "--allow-empty" in ended.output
