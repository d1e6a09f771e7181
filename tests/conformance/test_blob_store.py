"""What every BlobStore does. A new implementation joins the fixture and adds nothing else here."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from packengine.storage import FileBlobStore
from packengine.storage.ports import BlobKey, BlobMissing, BlobStore, Digest
from tests.support.fakes import MemoryBlobStore

ABSENT = hashlib.sha256(b"never stored").digest()
BIG = bytes(range(256)) * 4096 * 5  # more than one piece of any copy


def file_store(directory: Path) -> BlobStore:
    return FileBlobStore(directory / "store")


@pytest.fixture(params=[file_store, MemoryBlobStore])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    make: Callable[[Path], BlobStore] = request.param
    return make(tmp_path)


def offered(directory: Path, data: bytes, name: str = "offered") -> tuple[Path, Digest]:
    """A file that its owner gives up, and its digest."""
    path = directory / name
    path.write_bytes(data)
    return path, hashlib.sha256(data).digest()


@pytest.mark.parametrize("data", [b"", b"\0", b"pack", BIG], ids=["empty", "nul", "small", "big"])
def test_bytes_come_back_as_they_were_put(store: BlobStore, data: bytes) -> None:
    digest = store.put_bytes(data)

    assert digest == hashlib.sha256(data).digest()
    with store.open(digest) as reader:
        assert reader.read() == data
    assert store.local_path(digest).read_bytes() == data
    assert store.size_bytes(digest) == len(data)
    assert store.contains(digest)


@pytest.mark.parametrize("data", [b"", b"pack", BIG], ids=["empty", "small", "big"])
def test_a_file_comes_back_as_it_was_put_and_is_given_up(store: BlobStore, tmp_path: Path, data: bytes) -> None:
    path, digest = offered(tmp_path, data)

    store.put_file(path, digest)

    assert not path.exists()
    with store.open(digest) as reader:
        assert reader.read() == data


def test_readers_seek(store: BlobStore) -> None:
    with store.open(store.put_bytes(b"0123456789")) as reader:
        assert reader.seekable()
        reader.seek(4)
        assert reader.read(3) == b"456"
        reader.seek(-2, 2)
        assert reader.read() == b"89"


def test_putting_what_is_stored_is_success(store: BlobStore, tmp_path: Path) -> None:
    path, digest = offered(tmp_path, b"twice")
    store.put_file(path, digest)
    path, digest = offered(tmp_path, b"twice", "again")

    store.put_file(path, digest)

    assert not path.exists()
    assert store.put_bytes(b"twice") == digest
    assert list(store.stored()) == [BlobKey(digest)]
    assert store.local_path(digest).read_bytes() == b"twice"


def test_absent_blobs_are_named_in_the_error(store: BlobStore) -> None:
    assert not store.contains(ABSENT)
    for call in (store.open, store.local_path, store.size_bytes):
        with pytest.raises(BlobMissing, match=ABSENT.hex()):
            call(ABSENT)


def test_a_deleted_blob_is_absent_and_can_be_put_again(store: BlobStore) -> None:
    digest = store.put_bytes(b"short-lived")
    kept = store.put_bytes(b"kept")

    store.delete(digest)

    assert not store.contains(digest)
    assert list(store.stored()) == [BlobKey(kept)]
    assert store.put_bytes(b"short-lived") == digest
    assert store.contains(digest)


def test_deleting_an_absent_blob_is_success(store: BlobStore) -> None:
    store.delete(ABSENT)


def test_deletion_does_not_disturb_an_open_reader(store: BlobStore) -> None:
    digest = store.put_bytes(BIG)
    with store.open(digest) as reader:
        first = reader.read(10)
        store.delete(digest)
        assert first + reader.read() == BIG


def test_stored_lists_each_blob_once(store: BlobStore) -> None:
    digests = {store.put_bytes(b"%d" % number) for number in range(300)}

    listed = list(store.stored())

    assert len(listed) == 300
    assert set(listed) == {BlobKey(digest) for digest in digests}


def test_generations_of_the_same_bytes_live_and_die_each_for_itself(store: BlobStore, tmp_path: Path) -> None:
    digest = store.put_bytes(b"twice")
    path, _ = offered(tmp_path, b"twice")
    store.put_file(path, digest, 1)
    assert store.put_bytes(b"twice", 12) == digest
    assert set(store.stored()) == {BlobKey(digest), BlobKey(digest, 1), BlobKey(digest, 12)}
    assert len({store.local_path(digest, generation) for generation in (0, 1, 12)}) == 3

    store.delete(digest)

    assert not store.contains(digest)
    assert not store.contains(digest, 2)
    with pytest.raises(BlobMissing, match=digest.hex()):
        store.open(digest)
    with store.open(digest, 1) as reader:
        assert reader.read() == b"twice"
    assert store.size_bytes(digest, 12) == 5
    assert set(store.stored()) == {BlobKey(digest, 1), BlobKey(digest, 12)}


def test_no_digest_but_of_32_bytes_is_taken(store: BlobStore, tmp_path: Path) -> None:
    path, _ = offered(tmp_path, b"data")
    for digest in (b"", b"\0" * 20, b"\0" * 33):
        with pytest.raises(ValueError, match="32 bytes"):
            store.contains(digest)
        with pytest.raises(ValueError, match="32 bytes"):
            store.put_file(path, digest)
    assert list(store.stored()) == []


def test_threads_that_put_the_same_blob_all_succeed(store: BlobStore, tmp_path: Path) -> None:
    files = [offered(tmp_path, BIG, f"offer-{number}") for number in range(8)]
    start = threading.Barrier(len(files))

    def put(offer: tuple[Path, Digest]) -> None:
        start.wait()
        store.put_file(*offer)

    with ThreadPoolExecutor(len(files)) as pool:
        list(pool.map(put, files))

    assert list(store.stored()) == [BlobKey(files[0][1])]
    assert store.local_path(files[0][1]).read_bytes() == BIG
