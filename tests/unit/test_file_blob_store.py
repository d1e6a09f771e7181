"""FileBlobStore beyond the port: where files lie, what a power loss leaves, damage, the quarantine."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import logging
import signal
import stat
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO

import pytest

from packengine.storage import FileBlobStore, quarantine_folder
from packengine.storage import _quarantine as quarantine
from packengine.storage._disk import Disk
from packengine.storage.ports import BlobKey, CorruptBlob, StorageError
from tests.support.child import child_command

DATA = b"pack bytes " * 100
DIGEST = hashlib.sha256(DATA).digest()


def blob_file(root: Path, digest: bytes = DIGEST) -> Path:
    return root / "blobs" / digest.hex()[:2] / digest.hex()[2:]


def test_a_blob_lies_under_two_and_sixty_two_hex_digits_and_is_read_only(tmp_path: Path) -> None:
    FileBlobStore(tmp_path).put_bytes(DATA)

    assert blob_file(tmp_path).read_bytes() == DATA
    assert stat.S_IMODE(blob_file(tmp_path).stat().st_mode) == 0o444


def test_a_file_of_the_same_file_system_is_moved_not_copied(tmp_path: Path) -> None:
    store = FileBlobStore(tmp_path)
    path = store.quarantine / "f00d.pack"
    path.write_bytes(DATA)
    inode = path.stat().st_ino

    store.put_file(path, DIGEST)

    assert blob_file(tmp_path).stat().st_ino == inode
    assert blob_file(tmp_path).stat().st_nlink == 1


def test_files_that_bear_no_blobs_name_are_not_listed(tmp_path: Path) -> None:
    store = FileBlobStore(tmp_path)
    store.put_bytes(DATA)
    for stray in (
        "blobs/stray",
        "blobs/ab/short",
        f"blobs/AB/{'0' * 62}",
        f"blobs/zz/{'0' * 62}",
        f"blobs/abc/{'0' * 61}",
        f"blobs/ab/{'0' * 62}.",
        f"blobs/ab/{'0' * 62}.0",
        f"blobs/ab/{'0' * 62}.01",
        f"blobs/ab/{'0' * 62}.tmp",
    ):
        (tmp_path / stray).parent.mkdir(exist_ok=True)
        (tmp_path / stray).touch()

    assert list(store.stored()) == [BlobKey(DIGEST)]


def test_a_stored_blob_of_another_length_is_mended_and_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = FileBlobStore(tmp_path)
    blob_file(tmp_path).parent.mkdir()
    blob_file(tmp_path).write_bytes(DATA[:7])
    with caplog.at_level(logging.WARNING):
        store.put_bytes(DATA)

    assert blob_file(tmp_path).read_bytes() == DATA
    assert DIGEST.hex() in caplog.text
    assert list(store.quarantine.iterdir()) == []


def test_wrong_bytes_do_not_replace_a_stored_blob(tmp_path: Path) -> None:
    store = FileBlobStore(tmp_path)
    store.put_bytes(DATA)
    wrong = store.quarantine / "f00d.pack"
    wrong.write_bytes(b"something else")

    with pytest.raises(CorruptBlob, match=DIGEST.hex()):
        store.put_file(wrong, DIGEST)

    assert blob_file(tmp_path).read_bytes() == DATA
    assert wrong.exists()


class TwoFileSystems(Disk):
    """The store's directory is a file system of its own."""

    def move_new(self, source: Path, target: Path) -> None:
        if source.parent.name != "quarantine":
            raise OSError(errno.EXDEV, "Invalid cross-device link", str(source), None, str(target))
        super().move_new(source, target)


def test_a_file_of_another_file_system_is_copied_and_given_up(tmp_path: Path) -> None:
    store = FileBlobStore(tmp_path / "store", disk=TwoFileSystems())
    path = tmp_path / "elsewhere.pack"
    path.write_bytes(DATA)

    store.put_file(path, DIGEST)

    assert not path.exists()
    assert blob_file(tmp_path / "store").read_bytes() == DATA
    assert list(store.quarantine.iterdir()) == []


def test_a_file_that_is_not_there_is_named_in_the_error(tmp_path: Path) -> None:
    store = FileBlobStore(tmp_path)
    with pytest.raises(StorageError, match=r"No such file.*f00d\.pack"):
        store.put_file(store.quarantine / "f00d.pack", DIGEST)


def test_a_failed_put_leaves_nothing(tmp_path: Path) -> None:
    class FullDisk(Disk):
        def sync_file(self, fd: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device", f"fd {fd}")

    store = FileBlobStore(tmp_path, disk=FullDisk())
    with pytest.raises(StorageError, match="No space"):
        store.put_bytes(DATA)

    assert not store.contains(DIGEST)
    assert list(store.quarantine.iterdir()) == []


def test_sweep_takes_only_files_whose_lock_is_free(tmp_path: Path) -> None:
    store = FileBlobStore(tmp_path)
    (store.quarantine / "dead.pack").touch()
    with (store.quarantine / "live.pack").open("wb") as live:
        fcntl.flock(live, fcntl.LOCK_EX)
        assert store.sweep() == 1
        assert [path.name for path in store.quarantine.iterdir()] == ["live.pack"]
    assert store.sweep() == 1


def test_sweep_keeps_the_companions_of_a_locked_file(tmp_path: Path) -> None:
    store = FileBlobStore(tmp_path)
    for name in ("live.idx", "live.rev", "dead.idx", "dead.pack"):
        (store.quarantine / name).touch()
    with (store.quarantine / "live.pack").open("wb") as live:
        fcntl.flock(live, fcntl.LOCK_EX)
        assert store.sweep() == 2
    assert {path.name for path in store.quarantine.iterdir()} == {"live.idx", "live.rev", "live.pack"}


def test_sweep_leaves_links_alone(tmp_path: Path) -> None:
    store = FileBlobStore(tmp_path)
    (tmp_path / "precious").touch()
    (store.quarantine / "link").symlink_to(tmp_path / "precious")

    assert store.sweep() == 0
    assert (store.quarantine / "link").is_symlink()


def test_sweep_removes_a_dead_folder_and_spares_one_at_work(tmp_path: Path) -> None:
    store = FileBlobStore(tmp_path)
    (store.quarantine / "dead.scratch").mkdir()
    (store.quarantine / "dead.scratch" / "file").touch()

    with quarantine_folder(store.quarantine) as live:
        (live / "file").touch()
        assert store.sweep() == 1
        assert list(store.quarantine.iterdir()) == [live]
    assert list(store.quarantine.iterdir()) == []


def test_a_file_swept_before_it_was_locked_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Path] = []

    def sweep_first(file: BinaryIO, operation: int) -> None:
        if not taken:
            taken.extend(tmp_path.iterdir())
            taken[0].unlink()
        fcntl.flock(file, operation)

    monkeypatch.setattr(quarantine, "fcntl", SimpleNamespace(flock=sweep_first, LOCK_EX=fcntl.LOCK_EX))
    with quarantine.quarantine_file(tmp_path) as (path, file):
        assert path != taken[0]
        file.write(b"alive")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", range(6))
def test_a_process_killed_while_putting_leaves_a_blob_whole_or_absent_and_a_sweepable_file(
    tmp_path: Path, step: int
) -> None:
    child = subprocess.run(child_command("tests.support.killed_put", tmp_path, step), check=False)
    assert child.returncode == -signal.SIGKILL

    store = FileBlobStore(tmp_path)
    left = list(store.quarantine.iterdir())
    assert store.sweep() == len(left)
    assert list(store.quarantine.iterdir()) == []
    for key in store.stored():
        assert hashlib.sha256(store.local_path(key.digest).read_bytes()).digest() == key.digest
    assert len(left) + len(list(store.stored())) <= 1
    store.put_bytes(b"put by a process that is killed")
