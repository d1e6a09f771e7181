"""Power loss while blobs are put: at every operation, every state of the disk that may be found is looked at."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from packengine.storage import FileBlobStore
from packengine.storage._disk import Disk
from tests.support.lossy_disk import LossyDisk, PowerLoss, Tree

DATA = b"pack bytes " * 100
DIGEST = hashlib.sha256(DATA).digest()
NEIGHBOUR = next(  # another blob of the same directory
    data
    for data in (b"neighbour %d" % number for number in range(100_000))
    if hashlib.sha256(data).digest()[0] == DIGEST[0]
)


def blob_file(root: Path, digest: bytes = DIGEST) -> Path:
    return root / "blobs" / digest.hex()[:2] / digest.hex()[2:]


class NoFileSync(LossyDisk):
    """Forgets law 4: the bytes are not synced."""

    def sync_file(self, fd: int) -> None:
        self._begin(f"no fsync of {fd}")


class NoDirectorySync(LossyDisk):
    """Forgets law 4: the names are not synced."""

    def sync_directory(self, path: Path) -> None:
        self._begin(f"no fsync of {path}")


def put_bytes(root: Path, disk: Disk) -> None:
    FileBlobStore(root, disk=disk).put_bytes(DATA)


def put_file(root: Path, disk: Disk) -> None:
    store = FileBlobStore(root, disk=disk)
    path = store.quarantine / "f00d.pack"
    path.write_bytes(DATA)
    store.put_file(path, DIGEST)


def put_beside_another(root: Path, disk: Disk) -> None:
    store = FileBlobStore(root, disk=disk)
    store.put_bytes(NEIGHBOUR)
    store.put_bytes(DATA)


def put_twice(root: Path, disk: Disk) -> None:
    FileBlobStore(root, disk=disk).put_bytes(DATA)
    FileBlobStore(root, disk=disk).put_bytes(DATA)


Scenario = Callable[[Path, Disk], None]
SCENARIOS: list[Scenario] = [put_bytes, put_file, put_beside_another, put_twice]


def violations(tree: Tree, *, acknowledged: bool) -> list[str]:
    """What is wrong with a disk as it is found after the power came back: a blob is whole or absent."""
    found = {path.parent.name + path.name: file.data for path, file in tree.items() if file is not None}
    blobs = {name: data for name, data in found.items() if len(name) == 64}
    broken = [f"{name} is broken" for name, data in blobs.items() if hashlib.sha256(data).hexdigest() != name]
    return broken + ["the blob is lost"] * (acknowledged and DIGEST.hex() not in blobs)


def run_until(disk: LossyDisk, scenario: Scenario, root: Path) -> bool:
    """Whether the scenario came to its end."""
    root.mkdir()
    disk.know(root)
    try:
        scenario(root, disk)
    except PowerLoss:
        return False
    return True


def all_violations(make: type[LossyDisk], scenario: Scenario, directory: Path) -> list[str]:
    """Of every state that may be found, whichever operation the power fails before."""
    found: list[str] = []
    for step in range(1000):
        disk = make(stop_before=step)
        finished = run_until(disk, scenario, directory / str(step))
        for tree in disk.trees_after_power_loss():
            found += violations(tree, acknowledged=finished)
        if finished:
            assert step > 5
            return found
    raise AssertionError("the scenario never ends")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_power_loss_at_any_operation_leaves_a_blob_whole_or_absent(tmp_path: Path, scenario: Scenario) -> None:
    assert all_violations(LossyDisk, scenario, tmp_path) == []


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_without_the_fsync_of_the_file_blobs_would_be_broken(tmp_path: Path, scenario: Scenario) -> None:
    assert any("broken" in violation for violation in all_violations(NoFileSync, scenario, tmp_path))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_without_the_fsync_of_the_directory_blobs_would_be_lost(tmp_path: Path, scenario: Scenario) -> None:
    assert any("lost" in violation for violation in all_violations(NoDirectorySync, scenario, tmp_path))


def test_a_blob_that_a_killed_process_left_unsynced_is_durable_after_the_next_put(tmp_path: Path) -> None:
    """What is found in place may be a name that nobody has synced yet: finding it is no reason to say ok."""
    whole = LossyDisk()
    run_until(whole, put_bytes, tmp_path / "count")
    for step in range(len(whole.operations)):
        disk = LossyDisk(stop_before=step)
        root = tmp_path / str(step)
        assert not run_until(disk, put_bytes, root)  # killed here, while the machine goes on
        disk.stop_before = None
        put_bytes(root, disk)
        for tree in disk.trees_after_power_loss():
            assert violations(tree, acknowledged=True) == []


def test_power_loss_while_a_damaged_blob_is_mended_leaves_old_or_good_bytes(tmp_path: Path) -> None:
    for step in range(1000):
        disk = LossyDisk(stop_before=step)
        root = tmp_path / str(step)
        blob_file(root).parent.mkdir(parents=True)
        blob_file(root).write_bytes(DATA[:-1])
        disk.know(root)
        try:
            put_bytes(root, disk)
        except PowerLoss:
            allowed = {DATA, DATA[:-1]}
        else:
            allowed = {DATA}
        for tree in disk.trees_after_power_loss():
            file = tree[blob_file(root)]
            assert file is not None
            assert file.data in allowed
        if allowed == {DATA}:
            return
