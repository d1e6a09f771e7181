"""PackIngest: every limit is checked, and before memory is taken."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core_ext import FsckFailed, LimitExceeded
from tests.support import forged_packs as forged
from tests.support.ingests import open_ingest, take_in
from tests.support.packs import database

if TYPE_CHECKING:
    from core_ext._core import Kind

BLOB = b"a blob that is long enough to be a base\n"
ABSENT = b"\x11" * 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty quarantine folder."""
    path = tmp_path / "quarantine"
    path.mkdir()
    return path


def bomb(size: int) -> bytes:
    return forged.pack([forged.whole("blob", bytes(size))])


def test_each_limit_is_checked(folder: Path) -> None:
    plain = forged.pack([forged.whole("blob", BLOB), forged.whole("blob", b"another")])
    chain = [forged.whole("blob", BLOB)]
    for count in range(4):
        chain.append(forged.ofs_delta(len(chain[-1]), forged.inserting(BLOB + b"x" * count, b"x")))
    for limited, pack, what in (
        (partial(open_ingest, max_pack_bytes=len(plain) - 1), plain, "pack size in bytes"),
        (partial(open_ingest, max_objects=1), plain, "objects in a pack is 2, over the limit of 1"),
        (partial(open_ingest, max_object_bytes=len(BLOB) - 1), plain, "object size in bytes"),
        (partial(open_ingest, max_inflated_bytes=len(BLOB)), plain, "inflated size of all entries"),
        (partial(open_ingest, max_delta_depth=3), forged.pack(chain), "delta chain depth is 4, over the limit of 3"),
        (partial(open_ingest, max_object_bytes=len(BLOB) + 2), forged.pack(chain), "delta result size"),
    ):
        with pytest.raises(LimitExceeded, match=what):
            take_in(limited(folder / "x.pack"), pack)
        assert list(folder.iterdir()) == []


def test_what_fits_its_limit_exactly_is_taken(folder: Path) -> None:
    pack = forged.pack([forged.whole("blob", BLOB), forged.whole("blob", b"another")])
    ingest = open_ingest(
        folder / "x.pack",
        max_pack_bytes=len(pack),
        max_objects=2,
        max_object_bytes=len(BLOB),
        max_inflated_bytes=len(BLOB) + 7,
        max_delta_depth=0,
    )
    assert take_in(ingest, pack).object_count == 2


def test_a_bomb_is_refused_at_its_header(folder: Path) -> None:
    pack = bomb(64 << 20)
    ingest = open_ingest(folder / "x.pack", max_object_bytes=1 << 20)
    with pytest.raises(LimitExceeded, match="object size in bytes is 67108864"):
        ingest.feed(pack[:20])


def test_a_count_beyond_its_limit_is_refused_at_the_header(folder: Path) -> None:
    ingest = open_ingest(folder / "x.pack", max_objects=1000)
    with pytest.raises(LimitExceeded, match="objects in a pack is 4294967295"):
        ingest.feed(b"PACK\0\0\0\2\xff\xff\xff\xff")


def test_a_large_commit_tree_or_tag_is_refused_and_a_large_blob_is_not(folder: Path) -> None:
    content = bytes(1001)
    kinds: list[Kind] = ["commit", "tree", "tag"]
    for kind in kinds:
        ingest = open_ingest(folder / "x.pack", max_resident_object_bytes=1000)
        with pytest.raises(LimitExceeded, match="size in bytes of a delta, commit, tree or tag"):
            take_in(ingest, forged.pack([forged.whole(kind, content)]))
    ingest = open_ingest(folder / "x.pack", max_resident_object_bytes=1000)
    ingested = take_in(ingest, forged.pack([forged.whole("blob", content)]))
    assert database([ingested.pack()]).contains(forged.name("blob", content))


def test_a_special_file_too_large_to_hold_is_refused(folder: Path) -> None:
    content = b"#" * 1001
    holder = forged.tree((b"100644", b".gitmodules", forged.name("blob", content)))
    pack = forged.pack([forged.whole("blob", content), forged.whole("tree", holder)])
    with pytest.raises(FsckFailed, match="gitmodulesLarge"):
        take_in(open_ingest(folder / "x.pack", max_resident_object_bytes=1000), pack)


def test_a_base_too_large_to_hold_is_refused(folder: Path) -> None:
    base = bytes(2000)
    pack = forged.pack(
        [forged.whole("blob", base), forged.ref_delta(forged.name("blob", base), forged.inserting(base, b"x"))]
    )
    with pytest.raises(LimitExceeded, match="size in bytes of a delta base"):
        take_in(open_ingest(folder / "x.pack", max_resident_object_bytes=1000), pack)
