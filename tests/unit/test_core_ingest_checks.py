"""PackIngest: objects are checked as Git's fsck does, wherever they are in the pack."""

from __future__ import annotations

from pathlib import Path

import pytest

from core_ext import FsckFailed
from tests.support import forged_packs as forged
from tests.support.ingests import known_blobs, open_ingest, refuse, take_in

BLOB = b"a blob that is long enough to be a base\n"
ABSENT = b"\x11" * 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty quarantine folder."""
    path = tmp_path / "quarantine"
    path.mkdir()
    return path


def test_an_object_that_could_harm_is_refused_and_named(folder: Path) -> None:
    hostile = forged.tree((b"100644", b".git", forged.name("blob", BLOB)))
    pack = forged.pack([forged.whole("blob", BLOB), forged.whole("tree", hostile)])
    refuse(folder, pack, FsckFailed, f"{forged.name('tree', hostile).hex()}: hasDotgit")


def test_what_real_history_contains_is_a_warning(folder: Path) -> None:
    padded = forged.tree((b"0100644", b"file", forged.name("blob", BLOB)))
    pack = forged.pack([forged.whole("blob", BLOB), forged.whole("tree", padded)])
    ((oid, message_id, _),) = take_in(open_ingest(folder / "x.pack"), pack).warnings
    assert (oid, message_id) == (forged.name("tree", padded), "zeroPaddedFilemode")
    assert take_in(open_ingest(folder / "y.pack", severities={"zeroPaddedFilemode": "ignore"}), pack).warnings == []
    with pytest.raises(FsckFailed, match="zeroPaddedFilemode"):
        take_in(open_ingest(folder / "z.pack", severities={"zeroPaddedFilemode": "error"}), pack)


def test_at_most_a_hundred_warnings_are_kept(folder: Path) -> None:
    blob = forged.name("blob", BLOB)
    trees = [forged.whole("tree", forged.tree((b"0100644", b"file%d" % number, blob))) for number in range(150)]
    pack = forged.pack([forged.whole("blob", BLOB), *trees])
    first, second = (take_in(open_ingest(folder / name), pack).warnings for name in ("x.pack", "y.pack"))
    assert len(first) == 100
    assert first == second


@pytest.mark.parametrize("order", ["blob first", "tree first", "blob as delta", "blob is known"])
def test_a_hostile_gitmodules_is_found_wherever_the_blob_is(folder: Path, order: str) -> None:
    hostile = b'[submodule "x"]\n\tpath = x\n\turl = --upload-pack=evil\n'
    blob = forged.whole("blob", hostile)
    holder = forged.whole("tree", forged.tree((b"100644", b".gitmodules", forged.name("blob", hostile))))
    entries, known = {
        "blob first": ([blob, holder], None),
        "tree first": ([holder, blob], None),
        "blob as delta": (
            [
                holder,
                forged.whole("blob", hostile[:-1]),
                forged.ref_delta(forged.name("blob", hostile[:-1]), forged.inserting(hostile[:-1], hostile[-1:])),
            ],
            None,
        ),
        "blob is known": ([holder], known_blobs(hostile)),
    }[order]
    refuse(folder, forged.pack(entries), FsckFailed, "gitmodulesUrl", known)
