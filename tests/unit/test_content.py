"""The histories that tests stand on: always the same, and really holding what they promise."""

from pathlib import Path

import pytest

from tests.support import content
from tests.support.git import git, object_ids, refs


def modes(repository: Path) -> set[str]:
    lines = git("ls-tree", "-r", "refs/heads/main", cwd=repository).decode().splitlines()
    return {line.split(" ", 1)[0] for line in lines}


def parent_counts(repository: Path) -> set[int]:
    lines = git("rev-list", "--parents", "--all", cwd=repository).decode().splitlines()
    return {len(line.split()) - 1 for line in lines}


def test_same_parameters_give_the_same_refs(small_repo: Path, tmp_path: Path) -> None:
    again = content.build_history(tmp_path / "again.git", content.SMALL)
    assert refs(again) == refs(small_repo)


def test_another_seed_gives_another_history(small_repo: Path, tmp_path: Path) -> None:
    scale = content.Scale("other", commits=40, files=40, large_blob_bytes=100_000, seed=2)
    other = content.build_history(tmp_path / "other.git", scale)
    assert refs(other)["refs/heads/main"] != refs(small_repo)["refs/heads/main"]


def test_history_is_kept_and_found_again(small_repo: Path) -> None:
    assert content.cached_history(content.SMALL) == small_repo


def test_git_finds_nothing_to_complain_about(small_repo: Path) -> None:
    assert git("fsck", "--strict", "--full", cwd=small_repo) == b""


def test_small_history_has_every_mode(small_repo: Path) -> None:
    assert modes(small_repo) == {"100644", "100755", "120000", "160000"}


def test_small_history_has_roots_merges_and_an_octopus(small_repo: Path) -> None:
    assert {0, 1, 2, 5} <= parent_counts(small_repo)


def test_small_history_has_names_that_are_not_utf8(small_repo: Path) -> None:
    names = git("ls-tree", "-r", "-z", "--name-only", "refs/heads/main", cwd=small_repo).split(b"\0")
    assert b"caf\xe9/\xff\xfe.txt" in names


def test_small_history_has_tags_of_every_kind_of_object(small_repo: Path) -> None:
    listing = git("for-each-ref", "--format=%(objecttype) %(*objecttype)", "refs/tags", cwd=small_repo)
    assert {"tag commit", "tag tree", "tag blob", "tag tag"} <= set(listing.decode().splitlines())


def test_everything_lies_in_one_pack(small_repo: Path) -> None:
    assert len(list(small_repo.glob("objects/pack/*.pack"))) == 1
    assert b"\ncount: 0\n" in b"\n" + git("count-objects", "-v", cwd=small_repo)


@pytest.mark.parametrize(("scale", "least"), [(content.MEDIUM, 8_000), (content.LARGE, 40_000)])
def test_histories_have_the_promised_number_of_objects(scale: content.Scale, least: int) -> None:
    assert len(object_ids(content.cached_history(scale))) >= least


def test_large_pack_has_more_than_20_mb(large_repo: Path) -> None:
    (pack,) = large_repo.glob("objects/pack/*.pack")
    assert pack.stat().st_size >= 20_000_000
