"""Our commit-graph is Git's, byte by byte; `git commit-graph verify` accepts it, and we read what Git wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core_ext import write_commit_graph
from tests.support import random_repository
from tests.support.fast_import import Commit, FastImport, Person
from tests.support.git import git, git_result
from tests.support.graph_files import attach, chunks_of, graph_bytes
from tests.support.packs import database, open_pack

if TYPE_CHECKING:
    from core_ext._core import ObjectFormat

TOO_LATE_S = 1 << 34
"""The first date that a row of a commit-graph cannot hold."""


def assert_graph_is_gits(repository: Path, object_format: ObjectFormat = "sha1") -> bytes:
    """Let Git verify our file beside the pack that it was made of, and write its own. Returns the bytes of both."""
    path = repository / "objects" / "info" / "commit-graph"
    path.unlink(missing_ok=True)
    count = write_commit_graph(database([open_pack(repository, object_format)], object_format), str(path))
    verified = git_result("commit-graph", "verify", cwd=repository)
    assert (verified.returncode, verified.stderr) == (0, b"")
    ours = path.read_bytes()
    path.unlink()
    git(
        "-c", "commitGraph.generationVersion=2", "commit-graph", "write", "--reachable", "--no-progress", cwd=repository
    )
    assert ours == path.read_bytes()
    assert count == int(git("rev-list", "--all", "--count", cwd=repository))
    pack = open_pack(repository, object_format)
    pack.attach_graph(str(path))
    assert pack.has_graph
    return ours


def copy_of(repository: Path, path: Path) -> Path:
    git("clone", "--quiet", "--mirror", repository, path)
    return path


def history_of(path: Path, dates_s: list[int]) -> Path:
    """A line of commits with these dates, the last one a merge of all of them."""
    git("init", "--quiet", "--bare", "--initial-branch=main", path)
    stream = path / "stream"
    with stream.open("wb") as file:
        fast_import = FastImport(file)
        marks: list[bytes] = []
        for number, date_s in enumerate(dates_s):
            person = Person(b"A U Thor", date_s)
            parents = tuple(marks[-1:]) if number + 1 < len(dates_s) else tuple(reversed(marks))
            marks.append(fast_import.commit(Commit(b"refs/heads/main", person, person, b"%d" % number, parents), {}))
        fast_import.done()
    git("fast-import", "--quiet", "--done", cwd=path, stdin=stream.read_bytes())
    git("repack", "-adq", cwd=path)
    return path


def test_graph_of_a_made_up_project_is_gits(small_repo: Path, tmp_path: Path) -> None:
    assert_graph_is_gits(copy_of(small_repo, tmp_path / "repo.git"))


def test_graph_of_eight_thousand_commits_is_gits(large_repo: Path, tmp_path: Path) -> None:
    assert_graph_is_gits(copy_of(large_repo, tmp_path / "repo.git"))


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
@pytest.mark.parametrize("skew_s", [0, 100_000])
@pytest.mark.parametrize("seed", range(3))
def test_graph_of_a_tangled_history_is_gits(
    tmp_path: Path, seed: int, skew_s: int, object_format: ObjectFormat
) -> None:
    repository = random_repository.build(tmp_path / "repo.git", seed=seed, object_format=object_format, skew_s=skew_s)
    assert_graph_is_gits(repository, object_format)


def test_octopus_merges_have_a_list_of_edges(tmp_path: Path) -> None:
    graph = assert_graph_is_gits(history_of(tmp_path / "repo.git", list(range(9))))
    assert len(chunks_of(graph)[b"EDGE"]) == 7 * 4


def test_generations_far_above_their_dates_have_64_bits(tmp_path: Path) -> None:
    graph = assert_graph_is_gits(history_of(tmp_path / "repo.git", [TOO_LATE_S - 1000, 7, TOO_LATE_S - 2000, 0, 5]))
    assert len(chunks_of(graph)[b"GDO2"]) == 3 * 8


def test_dates_that_no_row_can_hold_are_those_of_the_commits(tmp_path: Path) -> None:
    repository = history_of(tmp_path / "repo.git", [TOO_LATE_S + 9, 7, TOO_LATE_S * 5, 3, 5])
    pack = open_pack(repository)
    attach(pack, graph_bytes(pack))
    tip = bytes.fromhex(git("rev-parse", "main", cwd=repository).decode())
    walked = database([pack]).walk_commits([tip], [], limit=9)
    assert walked == database([open_pack(repository)]).walk_commits([tip], [], limit=9)
    assert [oid.hex() for oid in walked] == git("rev-list", "main", cwd=repository).decode().split()
