"""The file of one entry: read while it grows, and never believed where it is damaged."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from packengine.repository.answers import AnswerStore, CorruptEntry, EntryReader
from packengine.repository.answers.entry import EntryWriter
from tests.support.answers import KEY, PIECES, entry_paths, keep, read_rest


@pytest.fixture
def whole(tmp_path: Path) -> bytes:
    """The bytes of an entry."""
    keep(AnswerStore(tmp_path / "answers", 1 << 30))
    (path,) = entry_paths(tmp_path / "answers")
    return path.read_bytes()


def reader_of(path: Path, data: bytes, *, is_complete: bool = True, key: bytes = KEY) -> EntryReader:
    path.write_bytes(data)
    file = path.open("rb", buffering=0)
    try:
        return EntryReader(file, key, is_complete=is_complete)
    except CorruptEntry:
        file.close()
        raise


def read_into(got: list[bytes], path: Path, data: bytes) -> None:
    reader = reader_of(path, data)
    try:
        while piece := reader.read():
            got.append(piece)
    finally:
        reader.close()


def test_an_entry_gives_back_its_pieces_and_counts(whole: bytes, tmp_path: Path) -> None:
    reader = reader_of(tmp_path / "entry", whole)
    assert (reader.object_count, reader.reused_count, reader.build_us) == (7, 5, 1_000_000)
    assert read_rest(reader) == PIECES


def test_a_growing_entry_gives_each_piece_once_it_is_whole(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "growing"
    reader, got, begun = reader_of(path, b"", is_complete=False), [], False
    with path.open("r+b", buffering=0) as file:
        for end in range(len(whole)):
            begun = begun or reader.begin()
            piece = reader.read() if begun else None
            assert piece != b""
            got += [piece] if piece else []
            file.write(whole[end : end + 1])
    assert reader.read() == b""
    assert got == PIECES
    reader.close()


def test_every_damaged_byte_is_found_before_its_piece_is_given(whole: bytes, tmp_path: Path) -> None:
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 0x41
        got: list[bytes] = []
        with pytest.raises(CorruptEntry):
            read_into(got, tmp_path / "damaged", bytes(damaged))
        assert got == PIECES[: len(got)]


def test_an_entry_cut_anywhere_is_found_when_it_is_opened(whole: bytes, tmp_path: Path) -> None:
    for length in range(len(whole)):
        with pytest.raises(CorruptEntry):
            reader_of(tmp_path / "cut", whole[:length])


def test_lost_blocks_and_swapped_pieces_are_found(whole: bytes, tmp_path: Path) -> None:
    start, size = whole.index(PIECES[1]), len(PIECES[1])
    zeroed = whole[:start] + bytes(size) + whole[start + size :]
    twice = whole[: start - 8] + whole[start - 8 : start + size] + whole[start - 8 :]
    without = whole[: start - 8] + whole[start + size :]
    for damaged in (zeroed, twice, without, whole + b"\0"):
        with pytest.raises(CorruptEntry):
            read_rest(reader_of(tmp_path / "damaged", damaged))


def test_an_entry_under_another_name_is_not_believed(whole: bytes, tmp_path: Path) -> None:
    with pytest.raises(CorruptEntry, match="another entry"):
        reader_of(tmp_path / "entry", whole, key=bytes(32))


def test_no_memory_is_taken_for_a_piece_that_is_too_long(whole: bytes, tmp_path: Path) -> None:
    start = whole.index(PIECES[0]) - 8
    endless = whole[:start] + b"\xff\xff\xff\xff" + whole[start + 4 :]
    reader = reader_of(tmp_path / "endless", endless)
    with pytest.raises(CorruptEntry, match="limit"):
        reader.read()
    reader.close()


class SlowDisk(io.RawIOBase):
    """Takes three bytes at a time, and no more than `room` in all."""

    def __init__(self, room: int) -> None:
        self.taken = b""
        self._room = room

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        piece = bytes(memoryview(data))[: min(3, self._room - len(self.taken))]  # type: ignore[arg-type]  # a Buffer
        if not piece:
            raise OSError(28, "No space left on device")
        self.taken += piece
        return len(piece)


def test_a_disk_that_takes_little_at_a_time_gets_all(whole: bytes) -> None:
    disk = SlowDisk(len(whole))
    writer = EntryWriter(disk, KEY, 7)  # type: ignore[arg-type]  # all of BinaryIO that is needed
    for piece in PIECES:
        writer.append(piece)
    writer.finish(reused_count=5, build_us=1_000_000)
    assert disk.taken == whole


@pytest.mark.parametrize("room", [0, 10, 60, 70])
def test_a_full_disk_is_told(room: int) -> None:
    disk = SlowDisk(room)
    with pytest.raises(OSError, match="No space"):
        EntryWriter(disk, KEY, 7).append(PIECES[1])  # type: ignore[arg-type]  # the same
