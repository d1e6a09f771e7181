"""Our idx and rev files are Git's, byte by byte, and our lookups agree with what `git verify-pack` lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core_ext import Pack
from tests.support.git import git
from tests.support.packs import database, git_objects, open_pack, pack_path

if TYPE_CHECKING:
    from core_ext._core import ObjectFormat


@dataclass(frozen=True)
class Repacked:
    """A repository packed anew with settings."""

    name: str
    settings: tuple[str, ...]


CASES = [
    Repacked("as Git packs", ()),
    Repacked("bases by id", ("repack.useDeltaBaseOffset=false",)),
    Repacked("chains of 250", ("pack.depth=250", "pack.window=250")),
    Repacked("stored, not compressed", ("core.compression=0",)),
    Repacked("compressed hard", ("core.compression=9",)),
    Repacked("no deltas", ("pack.window=0",)),
]


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def repacked(request: pytest.FixtureRequest, tmp_path: Path, small_repo: Path) -> Path:
    case: Repacked = request.param
    path = tmp_path / "repacked.git"
    git("clone", "--quiet", "--mirror", "--no-local", small_repo, path)
    settings = [argument for setting in case.settings for argument in ("-c", setting)]
    git(*settings, "repack", "-a", "-d", "-f", "-q", cwd=path)
    return path


@pytest.fixture
def sha256_repo(tmp_path: Path) -> Path:
    work = tmp_path / "work"
    git("init", "--quiet", "--object-format=sha256", work)
    for number in range(20):
        (work / "file").write_text("".join(f"line {line * number}\n" for line in range(200)))
        git("add", "file", cwd=work)
        git("commit", "--quiet", "-m", f"change {number}", cwd=work)
    git("repack", "-a", "-d", "-q", cwd=work)
    return work / ".git"


def git_rev_bytes(pack: Path, folder: Path, object_format: ObjectFormat) -> bytes:
    """The reverse index that Git makes for a pack."""
    git("init", "--quiet", "--bare", f"--object-format={object_format}", folder)
    copy = folder / "copy.pack"
    copy.write_bytes(pack.read_bytes())
    git("index-pack", "--rev-index", copy, cwd=folder)
    return copy.with_suffix(".rev").read_bytes()


def listed_kinds(pack: Path, repository: Path) -> Iterator[tuple[bytes, str]]:
    """(oid, kind) as `git verify-pack -v` lists them."""
    for line in git("verify-pack", "-v", pack.with_suffix(".idx"), cwd=repository).decode().splitlines():
        fields = line.split()
        if len(fields) in {5, 7} and fields[1] in {"commit", "tree", "blob", "tag"}:
            yield bytes.fromhex(fields[0]), fields[1]


def assert_files_are_gits(repository: Path, folder: Path, object_format: ObjectFormat) -> None:
    path = pack_path(repository)
    made = Pack.from_bytes(path.read_bytes(), None, object_format=object_format)
    assert made.idx_bytes() == path.with_suffix(".idx").read_bytes()
    assert made.rev_bytes() == git_rev_bytes(path, folder, object_format)
    assert open_pack(repository, object_format).rev_bytes() == made.rev_bytes()


def test_idx_and_rev_are_gits_byte_by_byte(repacked: Path, tmp_path: Path) -> None:
    assert_files_are_gits(repacked, tmp_path / "oracle.git", "sha1")


def test_idx_and_rev_of_a_sha256_pack_are_gits(sha256_repo: Path, tmp_path: Path) -> None:
    assert_files_are_gits(sha256_repo, tmp_path / "oracle.git", "sha256")


def test_idx_and_rev_of_an_empty_pack_are_gits(tmp_path: Path) -> None:
    repository = tmp_path / "empty.git"
    git("init", "--quiet", "--bare", repository)
    git("pack-objects", "-q", repository / "objects" / "pack" / "pack", cwd=repository)
    assert_files_are_gits(repository, tmp_path / "oracle.git", "sha1")


def test_every_object_reads_as_git_reads_it(repacked: Path) -> None:
    db = database([open_pack(repacked)])
    objects = {oid: (kind, content) for oid, kind, content in git_objects(repacked)}
    assert {oid: db.read(oid) for oid in objects} == objects
    assert db.verify() == len(objects) == len(db)


def test_every_sha256_object_reads_as_git_reads_it(sha256_repo: Path) -> None:
    db = database([open_pack(sha256_repo, "sha256")], "sha256")
    objects = {oid: (kind, content) for oid, kind, content in git_objects(sha256_repo)}
    assert {oid: db.read(oid) for oid in objects} == objects
    assert db.verify() == len(objects) == len(db)


def test_kinds_are_those_that_verify_pack_lists(repacked: Path) -> None:
    db = database([open_pack(repacked)])
    listed = list(listed_kinds(pack_path(repacked), repacked))
    assert len(listed) == len(db)
    for oid, kind in listed:
        header = db.header(oid)
        assert header is not None
        assert header[0] == kind


def test_a_repository_of_forty_thousand_objects_verifies(large_repo: Path) -> None:
    pack = open_pack(large_repo)
    assert database([pack]).verify() == pack.object_count > 40_000
