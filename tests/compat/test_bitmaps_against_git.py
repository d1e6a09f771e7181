"""Git reads our bitmaps and counts with them what it counts without; and we read Git's."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from core_ext import CorruptIndex, ObjectDb, ObjectFilter, Pack, WorkCount, write_bitmaps, write_rev
from tests.support import random_repository
from tests.support.git import git, git_result, object_ids
from tests.support.packs import database, open_pack, pack_path

if TYPE_CHECKING:
    from core_ext._core import ObjectFormat

MEMORY_BYTES = 1 << 26


@pytest.fixture(scope="module", params=["story", "sha1", "sha256"])
def repository(request: pytest.FixtureRequest, small_repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up project, or a tangle of merges and tags: a copy, and nothing but one pack in it."""
    path = tmp_path_factory.mktemp("git") / "repo.git"
    if request.param != "story":
        return random_repository.build(path, seed=7, object_format=request.param)
    shutil.copytree(small_repo, path)
    return path


def format_of(repository: Path) -> ObjectFormat:
    name = git("rev-parse", "--show-object-format", cwd=repository).decode().strip()
    return "sha256" if name == "sha256" else "sha1"


def tips_of(repository: Path) -> list[bytes]:
    return [bytes.fromhex(oid) for oid in lines("for-each-ref", "--format=%(objectname)", cwd=repository)]


def lines(*command: str, cwd: Path) -> list[str]:
    return git(*command, cwd=cwd).decode().split()


def opened(repository: Path) -> tuple[Pack, ObjectDb]:
    pack = open_pack(repository, format_of(repository))
    return pack, database([pack], format_of(repository))


@pytest.fixture(scope="module")
def bitmapped(repository: Path) -> Path:
    """With bitmaps of ours where Git looks for them."""
    _, db = opened(repository)
    path = pack_path(repository).with_suffix(".bitmap")
    assert write_bitmaps(db, tips_of(repository), str(path), max_memory_bytes=MEMORY_BYTES)
    return repository


def test_git_finds_our_bitmaps_right(bitmapped: Path) -> None:
    right = 0
    for commit in lines("rev-list", "--all", cwd=bitmapped)[::5]:
        tested = git_result("rev-list", "--test-bitmap", commit, cwd=bitmapped)
        assert tested.returncode == 0 or b"doesn't have an indexed bitmap" in tested.stderr, tested.stderr
        right += tested.returncode == 0 and b"OK!" in tested.stderr
    assert right > 5


@pytest.mark.parametrize("filters", ["", "--filter=blob:none", "--filter=blob:limit=1000", "--filter=object:type=tree"])
def test_git_counts_the_same_with_our_bitmaps(bitmapped: Path, filters: str) -> None:
    random = Random(1)
    commits = lines("rev-list", "--all", cwd=bitmapped)
    for _ in range(8):
        tips = random.sample(commits, 2)
        count = ["rev-list", "--count", "--objects", *([filters] if filters else []), *tips]
        with_bitmaps = git(*count, "--use-bitmap-index", cwd=bitmapped)
        assert with_bitmaps == git(*count, cwd=bitmapped)


def test_git_packs_with_our_bitmaps(bitmapped: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone.git"
    git("clone", "--quiet", "--mirror", "--no-local", bitmapped, clone)
    git("fsck", "--strict", "--no-progress", cwd=clone)
    assert object_ids(clone) == object_ids(bitmapped)


def test_our_rev_file_is_where_git_looks_for_it(bitmapped: Path, tmp_path: Path) -> None:
    pack, _ = opened(bitmapped)
    path = tmp_path / "pack.rev"
    write_rev(pack, str(path))
    assert path.read_bytes() == pack.rev_bytes()
    again, _ = opened(bitmapped)
    had_rev = again.has_rev
    again.attach_rev(str(path))
    assert (had_rev, again.has_rev) == (False, True)
    assert again.rev_bytes() == path.read_bytes()


@pytest.mark.parametrize("hash_cache", ["true", "false"])
@pytest.mark.parametrize("lookup_table", ["true", "false"])
def test_bitmaps_of_git_s_own_are_read(repository: Path, tmp_path: Path, hash_cache: str, lookup_table: str) -> None:
    copy = tmp_path / "copy.git"
    shutil.copytree(repository, copy)
    settings = [f"pack.writeBitmapHashCache={hash_cache}", f"pack.writeBitmapLookupTable={lookup_table}"]
    git(*(word for setting in settings for word in ("-c", setting)), "repack", "-adbq", cwd=copy)
    pack, db = opened(copy)
    pack.attach_bitmaps(str(pack_path(copy).with_suffix(".bitmap")))
    assert pack.has_bitmaps
    for commit in lines("rev-list", "--all", cwd=copy)[::5]:
        tip = bytes.fromhex(commit)
        listed = lines("rev-list", "--objects", "--no-object-names", commit, cwd=copy)
        assert {oid.hex() for oid in db.reachable([tip]).oids(limit=1 << 20)} == set(listed)
        without_blobs, _ = db.select([tip], [], filters=[ObjectFilter.blob_none()])
        expected = lines("rev-list", "--objects", "--no-object-names", "--filter=blob:none", commit, cwd=copy)
        assert {oid.hex() for oid in without_blobs.oids(limit=1 << 20)} == set(expected)


def test_work_is_counted_in_commits(repository: Path, tmp_path: Path) -> None:
    _, db = opened(repository)
    work = WorkCount()
    write_bitmaps(db, tips_of(repository), str(tmp_path / "b"), max_memory_bytes=MEMORY_BYTES, work=work)
    assert work.done == work.total == int(git("rev-list", "--count", "--all", cwd=repository))


def test_a_pack_that_is_not_closed_has_no_bitmaps(repository: Path, tmp_path: Path) -> None:
    revs = b"\n".join([*git("rev-list", "--all", "--max-count=3", cwd=repository).split(), b"--not", b"HEAD~2"])
    base = tmp_path / "thin"
    git("pack-objects", "-q", "--revs", base, cwd=repository, stdin=revs + b"\n")
    (path,) = tmp_path.glob("*.pack")
    pack = Pack.open(str(path), str(path.with_suffix(".idx")), object_format=format_of(repository))
    db = database([pack], format_of(repository))
    tips = db.all_objects().oids(limit=1000)
    assert write_bitmaps(db, tips, str(tmp_path / "b"), max_memory_bytes=MEMORY_BYTES) is None
    assert not (tmp_path / "b").exists()


def test_bitmaps_of_another_pack_are_refused(repository: Path, tmp_path: Path, medium_repo: Path) -> None:
    _, db = opened(repository)
    write_bitmaps(db, tips_of(repository), str(tmp_path / "b"), max_memory_bytes=MEMORY_BYTES)
    with pytest.raises(CorruptIndex, match="made for another pack"):
        open_pack(medium_repo).attach_bitmaps(str(tmp_path / "b"))


def test_a_repository_of_forty_thousand_objects(large_repo: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.git"
    shutil.copytree(large_repo, copy)
    _, db = opened(copy)
    path = pack_path(copy).with_suffix(".bitmap")
    assert write_bitmaps(db, tips_of(copy), str(path), max_memory_bytes=MEMORY_BYTES)
    assert b"OK!" in git_result("rev-list", "--test-bitmap", "main", cwd=copy).stderr
    count = ["rev-list", "--count", "--objects", "--all"]
    assert git(*count, "--use-bitmap-index", cwd=copy) == git(*count, cwd=copy)
