"""Every command that works on a server works in the same words on a data directory, and comes to the same."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from server.cli import main


@dataclass(frozen=True)
class Place:
    """Where commands work."""

    arguments: list[str]
    environment: dict[str, str | None]

    def run(self, *arguments: object, stdin: str | bytes | None = None) -> Result:
        """A command, however it ends."""
        words = [*map(str, arguments), *self.arguments]
        return CliRunner().invoke(main, words, env=self.environment, input=stdin)

    def json(self, *arguments: object, stdin: str | bytes | None = None) -> Any:
        """A command that succeeds, and what it tells programs."""
        ended = self.run(*arguments, "--json", stdin=stdin)
        assert ended.exit_code == 0, ended.output
        return json.loads(ended.stdout)

    def text(self, *arguments: object) -> str:
        """A command that succeeds, and what it tells people."""
        ended = self.run(*arguments)
        assert ended.exit_code == 0, ended.output
        return ended.stdout


@pytest.fixture(params=["server", "data-dir"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    nobody = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "PACKHOUSE_SERVER": None, "PACKHOUSE_TOKEN": None}
    if request.param == "server":
        server = request.getfixturevalue("server")
        yield Place(["--server", server.url], {**nobody, "PACKHOUSE_TOKEN": server.admin_token})
    else:
        yield Place(["--data-dir", str(tmp_path / "data")], nobody)


@pytest.fixture
def repo(place: Place) -> str:
    """A repository with one commit on main: README, and a program in a folder."""
    made: str = place.json("repo", "create")["id"]
    files = ["--write", "README=-", "--write", "bin/run=/bin/sh"]
    place.json("commit", made, "-m", "Begin\n\nAt last.", *files, "--author", "Ann <ann@example.com>", stdin="one\n")
    return made


def test_a_commit_is_in_the_log_the_tree_and_the_files(place: Place, repo: str) -> None:
    (commit,) = place.json("log", repo)
    assert (commit["message"], commit["author"]["email"]) == ("Begin\n\nAt last.\n", "ann@example.com")
    assert place.text("log", repo, "--oneline") == f"{commit['sha'][:12]} Begin\n"
    assert f"commit {commit['sha']}\nAuthor: Ann <ann@example.com>\n" in place.text("log", repo)
    assert [(item["path"], item["type"], item["mode"]) for item in place.json("tree", repo, "-r")] == [
        ("bin", "dir", "040000"),
        ("bin/run", "file", "100755"),
        ("README", "file", "100644"),
    ]
    assert place.run("cat", repo, "bin/run").stdout_bytes == Path("/bin/sh").read_bytes()
    assert place.run("cat", repo, "README", "--range", "1-2").stdout_bytes == b"ne"


def test_files_and_folders_of_the_disk_are_committed_as_they_are(place: Place, repo: str, tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "deep" / ".git").mkdir(parents=True)
    (root / "deep" / ".git" / "config").write_text("not this")
    (root / "deep" / "octets").write_bytes(bytes(range(256)))
    (root / "deep" / "link").symlink_to("octets")
    place.json("commit", repo, "deep", "-m", "Add", "-C", root)
    modes = {item["path"]: item["mode"] for item in place.json("tree", repo, "deep", "-r")}
    assert modes == {"deep/octets": "100644", "deep/link": "120000"}
    assert place.run("cat", repo, "deep/octets").stdout_bytes == bytes(range(256))


def test_moves_and_deletions_are_commits_too(place: Place, repo: str) -> None:
    made = place.json("commit", repo, "-m", "Tidy", "--move", "README", "docs/README", "--delete", "bin")
    assert [item["path"] for item in place.json("tree", repo, "-r")] == ["docs", "docs/README"]
    told = place.text("diff", repo, made["commit"], "--stat")
    assert "README => docs/README" in told


def test_a_stale_parent_ends_with_5(place: Place, repo: str) -> None:
    stale = place.json("log", repo)[0]["sha"]
    place.json("commit", repo, "-m", "Next", "--allow-empty")
    ended = place.run("commit", repo, "-m", "Late", "--allow-empty", "--parent", stale)
    assert (ended.exit_code, ended.stdout) == (5, "")
    assert "main" in ended.stderr


def test_a_diff_reads_as_git_writes_it(place: Place, repo: str) -> None:
    made = place.json("commit", repo, "-m", "Change", "--write", "README=-", stdin="two\n")
    assert place.text("diff", repo, made["commit"]) == "--- a/README\n+++ b/README\n@@ -1,1 +1,1 @@\n-one\n+two\n"


def test_a_branch_is_compared_and_merged(place: Place, repo: str) -> None:
    tip = place.json("refs", "list", repo, "refs/heads/main")[0]["sha"]
    place.json("refs", "move", repo, "refs/heads/topic", tip, "--expect", "none")
    place.json("commit", repo, "-b", "topic", "-m", "On topic", "--write", "new=-", stdin="new\n")
    compared = place.json("compare", repo, "main", "topic")
    assert [item["message"] for item in compared["commits"]] == ["On topic\n"]
    assert [item["path"] for item in compared["files"]] == ["new"]
    assert place.json("merge", repo, "topic", "main", "--strategy", "ff-only")["fastForward"]
    assert place.text("compare", repo, "main", "topic") == ""


def test_a_merge_with_conflicts_ends_with_5_and_names_the_paths(place: Place, repo: str) -> None:
    tip = place.json("refs", "list", repo, "refs/heads/main")[0]["sha"]
    place.json("refs", "move", repo, "refs/heads/topic", tip)
    place.json("commit", repo, "-b", "topic", "-m", "Theirs", "--write", "README=-", stdin="theirs\n")
    place.json("commit", repo, "-m", "Ours", "--write", "README=-", stdin="ours\n")
    ended = place.run("merge", repo, "topic", "main")
    assert ended.exit_code == 5
    assert "\n  README\n" in ended.stderr


def test_a_fork_syncs_and_comes_home(place: Place, repo: str) -> None:
    fork = place.json("repo", "fork", repo)["id"]
    place.json("commit", repo, "-m", "In the source", "--allow-empty")
    assert place.json("sync", fork)["fastForward"]
    made = place.json("commit", fork, "-m", "In the fork", "--allow-empty")
    assert place.json("merge", repo, "main", "main", "--from", fork)["commit"] == made["commit"]


def test_refs_move_by_what_is_expected_of_them(place: Place, repo: str) -> None:
    tip = place.json("refs", "list", repo)[0]["sha"]
    assert place.run("refs", "move", repo, "refs/heads/main", tip, "--expect", "none").exit_code == 5
    assert place.run("refs", "move", repo, "short", tip).exit_code == 2
    place.json("refs", "move", repo, "refs/tags/v1", tip, "--expect", "none")
    assert f"{tip}\trefs/tags/v1\n" in place.text("refs", "list", repo, "refs/tags/")
    place.json("refs", "delete", repo, "refs/tags/v1", "--expect", tip)
    assert place.text("refs", "list", repo, "refs/tags/") == ""


def test_notes_are_written_shown_and_deleted(place: Place, repo: str) -> None:
    commit = place.json("log", repo)[0]["sha"]
    place.json("notes", "write", repo, commit, "seen")
    assert place.text("notes", "show", repo, commit) == "seen\n"
    assert place.run("notes", "write", repo, commit, "again").exit_code == 1
    place.json("notes", "write", repo, commit, "-", "--force", stdin="from stdin\n")
    assert place.text("notes", "show", repo, commit) == "from stdin\n"
    place.json("notes", "delete", repo, commit)
    assert place.run("notes", "show", repo, commit).exit_code == 1


def test_an_archive_holds_the_files(place: Place, repo: str, tmp_path: Path) -> None:
    place.text("archive", repo, "-o", tmp_path / "all.tar.gz", "--prefix", "p/")
    piped = place.run("archive", repo, "--prefix", "p/").stdout_bytes
    assert piped == (tmp_path / "all.tar.gz").read_bytes()
    with tarfile.open(fileobj=BytesIO(piped)) as archive:
        assert {"p/README", "p/bin/run"} <= set(archive.getnames())


def test_a_protected_branch_is_not_deleted(place: Place, repo: str) -> None:
    place.json("refs", "move", repo, "refs/heads/kept", place.json("log", repo)[0]["sha"])
    (rule,) = place.json("protect", "set", repo, "refs/heads/ke*", "--deny-deletion")
    assert (rule["pattern"], rule["denyDeletion"]) == ("refs/heads/ke*", True)
    assert place.run("refs", "delete", repo, "refs/heads/kept").exit_code == 1
    assert "deletion" in place.text("protect", "show", repo)
    assert place.json("protect", "remove", repo, "refs/heads/ke*") == []
    place.json("refs", "delete", repo, "refs/heads/kept")


def test_the_past_is_listed_and_brought_back(place: Place, repo: str) -> None:
    before = place.json("repo", "history", repo)[0]["manifest"]
    old = place.json("log", repo)[0]["sha"]
    place.json("commit", repo, "-m", "A mistake", "--allow-empty")
    assert place.json("repo", "history", repo, "--manifest", before)["refs"] == [
        {"name": "refs/heads/main", "sha": old}
    ]
    (restored,) = place.json("repo", "restore", repo, "--manifest", before)["restored"]
    assert (restored["ref"], restored["after"]) == ("refs/heads/main", old)
    assert place.run("repo", "restore", repo).exit_code == 2


def test_a_deleted_repository_comes_back_with_its_refs(place: Place, repo: str) -> None:
    place.json("repo", "delete", repo)
    assert place.run("repo", "show", repo).exit_code == 1
    assert place.json("repo", "undelete", repo)["id"] == repo
    assert [item["message"] for item in place.json("log", repo)] == ["Begin\n\nAt last.\n"]


def test_settings_change_alone_and_together(place: Place, repo: str) -> None:
    place.json("repo", "update", repo, "--description", "mine", "--public")
    shown = place.json("repo", "update", repo, "--read-only")
    assert (shown["description"], shown["visibility"], shown["readOnly"]) == ("mine", "public", True)
    assert [item["id"] for item in place.json("repo", "list", "--search", "MINE")] == [repo]


def test_forks_in_numbers_and_of_a_part(place: Place, repo: str) -> None:
    place.json("refs", "move", repo, "refs/heads/other", place.json("log", repo)[0]["sha"])
    assert len(place.json("repo", "fork", repo, "--count", 3)) == 3
    part = place.json("repo", "fork", repo, "--ref", "other")["id"]
    assert [ref["name"] for ref in place.json("refs", "list", part)] == ["refs/heads/other"]


def test_tokens_rotate(place: Place, repo: str) -> None:
    minted = place.json("token", "mint", repo, "--ref", "refs/heads/agent/*")["token"]
    rotated = place.json("token", "rotate", repo, "--scope", "read")
    assert rotated["revoked"] == 2
    assert [item["scope"] for item in place.json("token", "list", repo)] == ["read"]
    assert place.run("token", "revoke", repo, minted).exit_code == 1
    assert place.json("token", "revoke", repo, rotated["token"]) == {"revoked": True}


@pytest.mark.parametrize(
    "command", [["log", "none"], ["cat", "none", "x"], ["merge", "none", "a", "b"], ["refs", "list", "none"]]
)
def test_what_is_not_there_is_one_sentence_and_status_1(place: Place, command: list[str]) -> None:
    place.json("repo", "create")
    ended = place.run(*command)
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert ended.stderr.startswith("Error: ")
    assert ended.stderr.count("\n") == 1
