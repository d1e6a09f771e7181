"""`packhouse import`, `export` and `fsck` as an operator runs them: processes, exit statuses, a server in between."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from packengine.storage.ports import RowKind
from packengine.storage.sqlite._content import KIND_NUMBERS
from tests.support.git import GIT_ENV, git
from tests.support.repositories import assert_same_repository, commit_file, mirror_clone, stored_files
from tests.support.server import RunningServer

DONE, FAILED, USAGE, FOUND_PROBLEMS = 0, 1, 2, 3


def packhouse(data_dir: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "server.cli", *map(str, arguments), "--data-dir", str(data_dir)]
    return subprocess.run(command, env=GIT_ENV, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def imported(data_dir: Path, source: Path) -> Path:
    done = packhouse(data_dir, "import", source, "--id", "real")
    assert (done.returncode, done.stdout) == (DONE, "real\n"), done.stderr
    return data_dir


@pytest.fixture(scope="module")
def small_data(small_repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with `real`, whose pack is a catalog row or a blob by its size. Not to be changed: copy it."""
    return imported(tmp_path_factory.mktemp("small") / "data", small_repo)


@pytest.fixture
def tail_data(tmp_path: Path) -> Path:
    """A data folder with `real`, whose pack is a catalog row, and of enough objects to have its idx beside it."""
    work = tmp_path / "work"
    git("init", "--quiet", "-b", "main", work)
    for content in (b"first", b"second", bytes(range(256)) * 8):
        commit_file(work, "file", content)
    data_dir = imported(tmp_path / "data", work)
    assert blobs(data_dir) == []
    return data_dir


@pytest.fixture
def blob_data(medium_repo: Path, tmp_path: Path) -> Path:
    """A data folder with `real`, whose pack is a blob."""
    data_dir = imported(tmp_path / "data", medium_repo)
    assert len(blobs(data_dir)) == 1
    return data_dir


def blobs(data_dir: Path) -> list[Path]:
    return [path for path in (data_dir / "blobs").rglob("*") if path.is_file()]


def flip(path: Path, at: int) -> None:
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 1]))


def test_an_import_comes_back_from_an_export(small_data: Path, small_repo: Path, tmp_path: Path) -> None:
    done = packhouse(small_data, "export", "real", tmp_path / "out.git")
    assert (done.returncode, done.stdout) == (DONE, "")
    assert_same_repository(small_repo, tmp_path / "out.git")


def test_an_import_is_cloned_over_http_pushed_to_and_exported(small_repo: Path, tmp_path: Path) -> None:
    data_dir = imported(tmp_path / "data", small_repo)
    with RunningServer(data_dir) as server:
        _, minted = server.rest("POST", "/v1/repos/real/tokens", {"scope": "write"})
        remote = minted["remote"]
        assert_same_repository(small_repo, mirror_clone(remote, tmp_path / "mirror.git"))
        work = tmp_path / "work"
        git("clone", "--quiet", remote, work)
        commit_file(work, "one-more", b"pushed after the import\n")
        git("push", "--quiet", "origin", "HEAD:refs/heads/pushed", cwd=work)
        # The server runs on: an export needs no quiet repository.
        assert packhouse(data_dir, "export", "real", tmp_path / "out.git").returncode == DONE
        after = mirror_clone(remote, tmp_path / "after.git")
    assert_same_repository(after, tmp_path / "out.git")
    assert (
        git("cat-file", "blob", "refs/heads/pushed:one-more", cwd=tmp_path / "out.git") == b"pushed after the import\n"
    )


def test_progress_without_a_terminal_is_a_line_a_phase_on_stderr(small_repo: Path, tmp_path: Path) -> None:
    done = packhouse(tmp_path / "data", "import", small_repo, "--id", "real")
    phases = [line.partition(":")[0] for line in done.stderr.splitlines()]
    assert phases == ["Counting objects", "Receiving objects", "Resolving deltas", "Storing"]
    assert "\r" not in done.stderr
    assert "\x1b" not in done.stderr


def test_json_is_one_document_and_nothing_on_stderr(small_repo: Path, tmp_path: Path) -> None:
    done = packhouse(tmp_path / "data", "import", small_repo, "--id", "real", "--json")
    assert (json.loads(done.stdout), done.stderr) == ({"id": "real"}, "")
    checked = packhouse(tmp_path / "data", "fsck", "--json")
    (report,) = json.loads(checked.stdout)
    assert (report["id"], report["problems"], checked.returncode) == ("real", [], DONE)


@pytest.mark.parametrize("arguments", [["import"], ["import", "/none/such"], ["export", "real"], ["fsck", "a", "b"]])
def test_wrong_usage_ends_with_2(tmp_path: Path, arguments: list[str]) -> None:
    assert packhouse(tmp_path / "data", *arguments).returncode == USAGE


def test_an_id_that_is_taken_is_refused_and_the_first_stays(small_data: Path, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    shutil.copytree(small_data, data_dir)
    git("init", "--quiet", "--bare", tmp_path / "other.git")
    done = packhouse(data_dir, "import", tmp_path / "other.git", "--id", "real")
    assert (done.returncode, done.stdout) == (FAILED, "")
    assert "Traceback" not in done.stderr
    assert packhouse(data_dir, "fsck", "real").stdout != "real: 0 objects, 0 problems\n"


@pytest.mark.parametrize("command", [["export", "none-such", "out.git"], ["fsck", "none-such"]])
def test_a_repository_that_is_not_there_is_one_sentence_and_status_1(
    small_data: Path, tmp_path: Path, command: list[str]
) -> None:
    command = [word.replace("out.git", str(tmp_path / "out.git")) for word in command]
    done = packhouse(small_data, *command)
    assert done.returncode == FAILED
    assert done.stderr.count("\n") == 1
    assert "none-such" in done.stderr
    assert not (tmp_path / "out.git").exists()


def test_a_refused_import_leaves_no_file(small_repo: Path, tmp_path: Path) -> None:
    shallow = tmp_path / "shallow"
    git("clone", "--quiet", "--depth=1", f"file://{small_repo}", shallow)
    done = packhouse(tmp_path / "data", "import", shallow)
    assert done.returncode == FAILED
    assert "shallow" in done.stderr
    assert stored_files(tmp_path / "data") == {}


def problems_of(data_dir: Path) -> list[str]:
    done = packhouse(data_dir, "fsck", "real", "--json")
    assert done.returncode == FOUND_PROBLEMS, done.stderr
    assert "Traceback" not in done.stderr
    (report,) = json.loads(done.stdout)
    return list(report["problems"])


@pytest.mark.parametrize("place", [0, 0.5, 1])
def test_fsck_finds_a_flipped_bit_in_a_blob_wherever_it_is(blob_data: Path, place: float) -> None:
    (blob,) = blobs(blob_data)
    flip(blob, int((blob.stat().st_size - 1) * place))
    (problem,) = problems_of(blob_data)
    assert problem.startswith(f"pack {blob.parent.name}{blob.name}: its bytes hash to ")


def test_fsck_finds_a_blob_that_is_gone_and_one_cut_short(blob_data: Path) -> None:
    (blob,) = blobs(blob_data)
    blob.chmod(0o644)
    with blob.open("r+b") as file:
        file.truncate(blob.stat().st_size - 1)
    assert [blob.name in problem for problem in problems_of(blob_data)] == [True]
    blob.unlink()
    assert [blob.name in problem for problem in problems_of(blob_data)] == [True]


@pytest.mark.parametrize("kind", [RowKind.PACK, RowKind.MANIFEST])
def test_fsck_finds_a_flipped_bit_in_a_row(tail_data: Path, kind: RowKind) -> None:
    flip_row(tail_data, kind)
    (problem,) = problems_of(tail_data)
    assert "do not hash to it" in problem


def test_a_damaged_repository_does_not_keep_fsck_from_the_others(tail_data: Path, small_repo: Path) -> None:
    flip_row(tail_data, RowKind.MANIFEST)
    assert packhouse(tail_data, "import", small_repo, "--id", "whole").returncode == DONE
    done = packhouse(tail_data, "fsck")
    assert done.returncode == FOUND_PROBLEMS
    counts = {line.partition(":")[0]: line.split()[-2] for line in done.stdout.splitlines() if line[0] != " "}
    assert counts == {"real": "1", "whole": "0"}


def flip_row(data_dir: Path, kind: RowKind) -> None:
    """Flip a bit in the middle of the one row of that kind."""
    with closing(sqlite3.connect(data_dir / "catalog.sqlite")) as catalog, catalog:
        ((key, data),) = catalog.execute("SELECT key, data FROM content WHERE kind = ?", (KIND_NUMBERS[kind],))
        damaged = bytearray(data)
        damaged[len(damaged) // 2] ^= 1
        catalog.execute("UPDATE content SET data = ? WHERE key = ?", (bytes(damaged), key))


def test_a_damaged_idx_row_is_made_again_from_its_pack(tail_data: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tail_data / "catalog.sqlite")) as catalog, catalog:
        damage = (b"not an idx", KIND_NUMBERS[RowKind.PACK_INDEX])
        assert catalog.execute("UPDATE content SET data = ? WHERE kind = ?", damage).rowcount == 1
    assert packhouse(tail_data, "fsck", "real").returncode == DONE
    assert packhouse(tail_data, "export", "real", tmp_path / "export").returncode == DONE
    git("fsck", "--strict", cwd=tmp_path / "export")


@pytest.mark.parametrize(
    "command", [["repo", "list"], ["fsck"], ["export", "some", "out.git"], ["token", "list", "some"]]
)
def test_a_folder_without_data_is_an_error_and_stays_as_it_was(tmp_path: Path, command: list[str]) -> None:
    done = packhouse(tmp_path / "mistyped", *command)
    assert done.returncode == FAILED
    assert f"no data directory at {tmp_path / 'mistyped'}" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_data_directory_that_cannot_be_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = packhouse(tmp_path / "file", "repo", "create")
    assert done.returncode == FAILED
    assert f"data directory {tmp_path / 'file'}: " in done.stderr


def test_an_export_that_fails_leaves_nothing(blob_data: Path, tmp_path: Path) -> None:
    (blob,) = blobs(blob_data)
    flip(blob, blob.stat().st_size // 2)
    before = set(tmp_path.iterdir())
    done = packhouse(blob_data, "export", "real", tmp_path / "out.git")
    assert done.returncode == FAILED
    assert "repository real is damaged: " in done.stderr
    assert set(tmp_path.iterdir()) == before
