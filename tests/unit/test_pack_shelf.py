"""The shelf of open packs: each handle goes with the file that it maps, and is let go of when that is deleted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core_ext import Pack
from packengine.manifests import PackPlace, PackRecord
from packengine.repository import Limits
from packengine.repository.packs import PackShelf
from packengine.storage.ports import Digest
from tests.support.fakes import MemoryBlobStore, MemoryCatalog
from tests.support.raw_packs import BLOB, entry, pack_of

PACK = pack_of([entry(BLOB, b"content")])
DIGEST, OTHER = bytes(32), b"\1" * 32


class Generations(MemoryBlobStore):
    """The same pack under any digest: a file for each generation that was asked for."""

    def local_path(self, digest: Digest, generation: int = 0) -> Path:
        """See BlobStore."""
        path = self._scratch / f"{digest.hex()}.{generation}"
        path.write_bytes(PACK)
        return path


@pytest.fixture
def shelf(tmp_path: Path) -> PackShelf:
    for name in ("blobs", "quarantine", "derived"):
        (tmp_path / name).mkdir()
    blobs = Generations(tmp_path / "blobs")
    limits = Limits(open_packs=1)
    return PackShelf(MemoryCatalog(), blobs, tmp_path / "quarantine", tmp_path / "derived", limits)


def open_blob(shelf: PackShelf, digest: bytes = DIGEST, generation: int = 0) -> Pack:
    return shelf.open(PackRecord(digest, len(PACK), 1, PackPlace.BLOB, generation), "sha1")


def once(work: Callable[[], None]) -> Callable[..., None]:
    """Does it at the first call only."""
    pending = [work]
    return lambda *_: pending.pop()() if pending else None


def test_a_pack_that_is_being_opened_while_others_are_let_go_of_is_let_go_of_later(
    shelf: PackShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf.derived, "attach", lambda *_: shelf.let_go_of_deleted())
    pack = open_blob(shelf)
    (tmp_path / "blobs" / f"{DIGEST.hex()}.0").unlink()
    assert shelf.let_go_of_deleted()
    assert not shelf.let_go_of_deleted()
    assert open_blob(shelf) is not pack


def test_a_pack_that_is_opened_again_in_another_generation_meanwhile_is_kept(
    shelf: PackShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_blob(shelf)
    deleted = tmp_path / "blobs" / f"{DIGEST.hex()}.0"
    deleted.unlink()
    opened: list[Pack] = []

    def open_again() -> None:
        open_blob(shelf, OTHER)  # in its place: there is room for one
        opened.append(open_blob(shelf, generation=1))

    look, exists = once(open_again), Path.exists

    def exists_after(path: Path) -> bool:
        if path == deleted:
            look()
        return exists(path)

    monkeypatch.setattr(Path, "exists", exists_after)
    shelf.let_go_of_deleted()
    assert [open_blob(shelf, generation=1)] == opened
