"""The folder of bundles: built once, bounded, shared."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import pytest

from packengine.repository.bundle_files import BundleFiles

CALLERS = 8


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "quarantine").mkdir()
    return tmp_path / "bundles", tmp_path / "quarantine"


@pytest.fixture
def files(folders: tuple[Path, Path]) -> BundleFiles:
    return BundleFiles(*folders, max_bytes=1000)


def name(number: int) -> bytes:
    return bytes([number]) * 32


def writing(data: bytes) -> Callable[[BinaryIO], None]:
    def write(file: BinaryIO) -> None:
        file.write(data)

    return write


def never(_: BinaryIO) -> None:
    pytest.fail("built again")


def content(file: BinaryIO | None) -> bytes | None:
    if file is None:
        return None
    with file:
        return file.read()


def build(files: BundleFiles, number: int, size_bytes: int, *, used_at_s: int) -> None:
    with files.build(name(number), writing(bytes(size_bytes))) as file:
        os.utime(file.fileno(), (used_at_s, used_at_s))


def test_a_bundle_is_built_once_and_opened_ever_after(files: BundleFiles, folders: tuple[Path, Path]) -> None:
    assert files.open(name(1)) is None
    assert content(files.build(name(1), writing(b"bytes"))) == b"bytes"
    assert content(files.open(name(1))) == b"bytes"
    assert content(files.build(name(1), never)) == b"bytes"
    assert content(BundleFiles(*folders, max_bytes=1000).open(name(1))) == b"bytes"
    assert list(folders[1].iterdir()) == []


def test_those_who_ask_at_once_share_one_build(files: BundleFiles) -> None:
    start = threading.Barrier(CALLERS)
    builds: list[int] = []

    def write(file: BinaryIO) -> None:
        builds.append(1)
        file.write(b"bytes")

    def ask(_: int) -> bytes | None:
        start.wait()
        return content(files.build(name(1), write))

    with ThreadPoolExecutor(CALLERS) as pool:
        assert set(pool.map(ask, range(CALLERS))) == {b"bytes"}
    assert len(builds) == 1
    assert files._building == {}


def test_different_bundles_are_built_side_by_side(files: BundleFiles) -> None:
    both = threading.Barrier(2)

    def write(file: BinaryIO) -> None:
        both.wait(timeout=60)
        file.write(b"bytes")

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda number: content(files.build(name(number), write)), (1, 2))) == [b"bytes"] * 2


def test_a_build_that_fails_leaves_nothing_and_the_next_builds(files: BundleFiles, folders: tuple[Path, Path]) -> None:
    def fail(file: BinaryIO) -> None:
        file.write(b"half")
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        files.build(name(1), fail)
    assert files.open(name(1)) is None
    assert [list(folder.iterdir()) for folder in folders] == [[], []]
    assert content(files.build(name(1), writing(b"whole"))) == b"whole"


def test_two_processes_that_build_the_same_do_no_harm(folders: tuple[Path, Path]) -> None:
    one, another = (BundleFiles(*folders, max_bytes=1000) for _ in range(2))

    def write(file: BinaryIO) -> None:
        file.write(b"by")
        with another.build(name(1), writing(b"bytes")) as theirs:  # they began later and are done first
            assert theirs.read() == b"bytes"
        file.write(b"tes")

    assert content(one.build(name(1), write)) == b"bytes"
    assert content(another.open(name(1))) == b"bytes"
    assert len(list(folders[0].iterdir())) == 1


def test_what_was_asked_for_longest_ago_goes_first(files: BundleFiles) -> None:
    for number in (1, 2, 3):
        build(files, number, 300, used_at_s=number)
    with files.build(name(1), never):  # asked for again, now
        pass
    build(files, 4, 300, used_at_s=5)
    assert [content(files.open(name(number))) is not None for number in (1, 2, 3, 4)] == [True, False, True, True]


def test_the_newest_stays_even_alone_over_the_bound(files: BundleFiles) -> None:
    build(files, 1, 300, used_at_s=1)
    build(files, 2, 5000, used_at_s=2)
    assert files.open(name(1)) is None
    assert content(files.open(name(2))) == bytes(5000)


def test_an_open_file_reads_on_after_it_was_evicted(files: BundleFiles) -> None:
    reader = files.build(name(1), writing(b"x" * 900))
    build(files, 2, 900, used_at_s=1)
    assert files.open(name(1)) is None
    assert content(reader) == b"x" * 900
