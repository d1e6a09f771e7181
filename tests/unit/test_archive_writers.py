"""The bytes of archives, read back by the standard library and by the programs that people use."""

from __future__ import annotations

import gzip
import io
import shutil
import stat
import subprocess
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from packengine.repository.browsing.archives import zip as zip_module
from packengine.repository.browsing.archives.entries import PIECE_BYTES, ArchiveEntry
from packengine.repository.browsing.archives.tar import gzip_pieces, tar_pieces
from packengine.repository.browsing.archives.zip import ZipWriter
from packengine.repository.errors import LimitReached
from tests.support.git import git

COMMIT = "0123456789" * 4
TIME_S = 1_700_000_000
LARGE = bytes(range(256)) * 4096  # four pieces
FOLDER, FILE, EXECUTABLE, LINK = 0o040775, 0o100664, 0o100775, 0o120777


@dataclass
class Content:
    """What a blob's reader does."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, offset: int, max_bytes: int) -> bytes:
        return self.data[offset : offset + min(max_bytes, 100_000)]


def entry(path: bytes, mode: int = FILE, data: bytes | None = b"") -> ArchiveEntry:
    content = None if stat.S_ISDIR(mode) else Content(data or b"")
    return ArchiveEntry(path, mode, content, lambda: None)  # type: ignore[arg-type]  # it does what a reader does


def entries() -> list[ArchiveEntry]:
    return [
        entry(b"p", FOLDER),
        entry(b"p/sub", FOLDER),
        entry(b"p/sub/empty"),
        entry(b"p/sub/large", data=LARGE),
        entry("p/grün ☃".encode(), data=b"snow"),
        entry(b"p/run.sh", EXECUTABLE, b"#!/bin/sh\n"),
        entry(b"p/link", LINK, b"sub/large"),
        entry(b"p/" + b"x" * 200 + b"/" + b"y" * 200, data=b"deep"),
        entry(b"p/far", LINK, b"z" * 300),
    ]


def tar_of(given: Iterable[ArchiveEntry], time_s: int = TIME_S) -> bytes:
    return b"".join(tar_pieces(given, COMMIT, time_s))


def zip_of(given: Iterable[ArchiveEntry], folder: Path, time_s: int = TIME_S) -> bytes:
    return b"".join(ZipWriter(COMMIT, time_s, folder).pieces(given))


def test_tar_holds_every_entry_as_it_is() -> None:
    with tarfile.open(fileobj=io.BytesIO(tar_of(entries()))) as archive:
        members = archive.getmembers()
        assert archive.pax_headers == {"comment": COMMIT}
        for member, given in zip(members, entries(), strict=True):
            assert member.name.encode() == given.path
            assert member.mode == given.mode & 0o7777
            assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (TIME_S, 0, 0, "root", "root")
            assert (member.isdir(), member.issym()) == (given.is_folder, given.is_link)
            if given.is_link:
                assert member.linkname.encode() == b"".join(given.pieces())
            elif not given.is_folder:
                extracted = archive.extractfile(member)
                assert extracted is not None
                assert extracted.read() == b"".join(given.pieces())


def test_tar_ends_as_tar_programs_expect() -> None:
    for size in (0, 1, 511, 512, 513, 9000, 9500):
        data = tar_of([entry(b"file", data=b"x" * size)])
        assert len(data) % tarfile.RECORDSIZE == 0
        assert data.endswith(bytes(2 * tarfile.BLOCKSIZE))


def test_git_finds_the_commit_in_a_tar() -> None:
    assert git("get-tar-commit-id", stdin=tar_of(entries())).decode().strip() == COMMIT


def test_name_that_is_no_utf_8_survives_in_a_tar() -> None:
    with tarfile.open(fileobj=io.BytesIO(tar_of([entry(b"na\xffme", data=b"1")]))) as archive:
        assert archive.getnames() == [b"na\xffme".decode(errors="surrogateescape")]


def test_times_out_of_range_are_moved_into_it(tmp_path: Path) -> None:
    for time_s in (-5, 0, 2**40, 2**62):
        with tarfile.open(fileobj=io.BytesIO(tar_of(entries(), time_s))) as archive:
            assert archive.getmembers()[0].mtime == min(max(time_s, 0), 8**11 - 1)
        with zipfile.ZipFile(io.BytesIO(zip_of(entries(), tmp_path, time_s))) as archive:
            assert archive.testzip() is None


def test_gzip_has_neither_time_nor_name() -> None:
    packed = b"".join(gzip_pieces(iter([b"one", b"two"])))
    assert packed[:10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"
    assert gzip.decompress(packed) == b"onetwo"


def test_zip_holds_every_entry_as_it_is(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(zip_of(entries(), tmp_path))) as archive:
        assert archive.comment == COMMIT.encode()
        assert archive.testzip() is None
        for info, given in zip(archive.infolist(), entries(), strict=True):
            assert info.filename.encode() == given.path + (b"/" if given.is_folder else b"")
            assert info.external_attr >> 16 == given.mode
            assert info.is_dir() == given.is_folder
            assert info.date_time == (2023, 11, 14, 22, 13, 20)
            assert archive.read(info) == b"".join(given.pieces())


@pytest.mark.skipif(shutil.which("unzip") is None, reason="this machine has no unzip")
def test_unzip_takes_a_zip(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zip_of(entries(), tmp_path))
    subprocess.run(["unzip", "-q", "a.zip"], cwd=tmp_path, check=True)
    assert (tmp_path / "p/sub/large").read_bytes() == LARGE
    assert (tmp_path / "p/link").readlink() == Path("sub/large")
    assert (tmp_path / "p/run.sh").stat().st_mode & 0o111


def test_zip_is_read_as_a_stream(tmp_path: Path) -> None:
    """By its local headers alone, as those do who cannot seek: what is stored has its size in front."""
    data, at = zip_of(entries(), tmp_path), 0
    for given in entries():
        assert data[at : at + 4] == b"PK\3\4"
        flags, method = (
            int.from_bytes(data[at + 6 : at + 8], "little"),
            int.from_bytes(data[at + 8 : at + 10], "little"),
        )
        is_stored = given.is_folder or given.is_link
        assert (method == 0, bool(flags & 8)) == (is_stored, not is_stored)
        name_bytes, extra_bytes = (int.from_bytes(data[at + n : at + n + 2], "little") for n in (26, 28))
        packed = int.from_bytes(data[at + 18 : at + 22], "little")
        content_at = at + 30 + name_bytes + extra_bytes
        at = content_at + packed if is_stored else data.index(b"PK\7\x08", content_at) + 16
    assert data[at : at + 4] == b"PK\1\2"


def test_names_are_marked_as_utf_8_where_they_are(tmp_path: Path) -> None:
    given = [entry("grün".encode()), entry(b"gr\xfcn")]
    with zipfile.ZipFile(io.BytesIO(zip_of(given, tmp_path))) as archive:
        assert [bool(info.flag_bits & 0x800) for info in archive.infolist()] == [True, False]
        assert archive.infolist()[1].orig_filename.encode("cp437") == b"gr\xfcn"


def test_many_entries_take_the_wide_end_record(tmp_path: Path) -> None:
    def many() -> Iterator[ArchiveEntry]:
        return (entry(b"%d" % number, LINK, b"") for number in range(70_000))

    with zipfile.ZipFile(io.BytesIO(zip_of(many(), tmp_path))) as archive:
        assert len(archive.infolist()) == 70_000
    assert list(tmp_path.iterdir()) == []


def test_large_files_and_far_entries_take_wide_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if four gigabytes were a hundred thousand bytes: the numbers all stand in Zip64 fields then."""
    monkeypatch.setattr(zip_module, "_SPARE_BYTES", zip_module._LARGE - 100_000)
    data = zip_of(entries(), tmp_path)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        large = archive.getinfo("p/sub/large")
        assert (large.file_size, large.extract_version) == (len(LARGE), 45)
        assert archive.read(large) == LARGE


def test_offsets_beyond_four_gigabytes_are_wide(tmp_path: Path) -> None:
    writer = ZipWriter(COMMIT, TIME_S, tmp_path)
    before = 5 << 30
    writer._written = before
    path = tmp_path / "sparse.zip"
    with path.open("wb") as file:  # five gigabytes of nothing in front: a sparse file
        file.seek(before)
        for piece in writer.pieces(entries()):
            file.write(piece)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert min(info.header_offset for info in archive.infolist()) == before


def test_path_longer_than_a_zip_can_tell_ends_it(tmp_path: Path) -> None:
    with pytest.raises(LimitReached, match="65535"):
        zip_of([entry(b"x" * 65_536)], tmp_path)


def test_bytes_are_the_same_each_time_and_for_any_pieces(tmp_path: Path) -> None:
    assert zip_of(entries(), tmp_path) == zip_of(entries(), tmp_path)
    assert b"".join(gzip_pieces([tar_of(entries())])) == b"".join(gzip_pieces([tar_of(entries())]))


def test_content_is_read_in_pieces_and_asked_for_before_each() -> None:
    asked = 0

    def check() -> None:
        nonlocal asked
        asked += 1

    content = Content(LARGE)
    given = ArchiveEntry(b"large", FILE, content, check)  # type: ignore[arg-type]  # it does what a reader does
    pieces = list(given.pieces())
    assert b"".join(pieces) == LARGE
    assert asked == len(pieces) >= len(LARGE) // PIECE_BYTES
