"""The file of one entry. Format: docs/storage.md, "Answers".

    header    magic, version, key, object count, checksum
    pieces    length, checksum, framed bytes of the pack; any number of them
    trailer   a length of 0, framed bytes in all, reused objects, cost of the build, checksum of the pieces, its own

The checksum of a piece is the CRC-32 of everything from the header to its end, lengths included: so a piece that is
damaged, missing or out of place shows before a byte of it is sent. It is checked at every reading, which takes longer,
since a disk does not say what it forgets; the pack's own checksum would show it too, but only to the client.
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

from core_ext import CoreError, crc32

_MAGIC = b"PHAN"
_VERSION = 1
_HEADER = struct.Struct(">4sI32sQ")
_PIECE = struct.Struct(">I")
_CHECKSUM = struct.Struct(">I")
_TRAILER = struct.Struct(">IQQQI")
_HEADER_BYTES = _HEADER.size + _CHECKSUM.size
_PIECE_HEAD_BYTES = _PIECE.size + _CHECKSUM.size
_TRAILER_BYTES = _TRAILER.size + _CHECKSUM.size
_MAX_PIECE_BYTES = 2 << 20
"""A MiB of pack in the smallest packets is less."""


class CorruptEntry(CoreError):
    """A file that is no entry, or not the one that its name promises, or not all of it."""


class EntryWriter:
    """Writes an entry from its start. Raises OSError if the disk is full, and the file is of no use then."""

    def __init__(self, file: BinaryIO, key: bytes, object_count: int) -> None:
        self._file = file
        self.framed_bytes = 0
        header = _HEADER.pack(_MAGIC, _VERSION, key, object_count)
        self._checksum = crc32(header)
        self._write(header + _CHECKSUM.pack(self._checksum))

    def append(self, data: bytes) -> None:
        """The next piece, of at most 2 MiB and never empty."""
        length = _PIECE.pack(len(data))
        self._checksum = crc32(data, crc32(length, self._checksum))
        self.framed_bytes += len(data)
        self._write(length + _CHECKSUM.pack(self._checksum))
        self._write(data)

    def finish(self, *, reused_count: int, build_us: int) -> None:
        """The trailer."""
        trailer = _TRAILER.pack(0, self.framed_bytes, reused_count, build_us, self._checksum)
        self._write(trailer + _CHECKSUM.pack(crc32(trailer)))

    def _write(self, data: bytes) -> None:
        """A full disk first takes less, and refuses the next time."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]


class EntryReader:
    """Reads an entry from its start, also one that grows.

    file: unbuffered, of its own (it is closed with the reader). is_complete: whether there must be a trailer already.
    Raises CorruptEntry.
    """

    def __init__(self, file: BinaryIO, key: bytes, *, is_complete: bool) -> None:
        self._file = file
        self.object_count = 0
        self.reused_count = 0
        self.build_us = 0
        self._key = key
        self._is_complete = is_complete
        self._offset = 0
        self._checksum = 0
        self._framed_bytes = 0
        if is_complete:
            self.begin()
            self._take_trailer(os.fstat(file.fileno()).st_size - _TRAILER_BYTES)

    @property
    def size_bytes(self) -> int:
        """Of the file."""
        return os.fstat(self._file.fileno()).st_size

    def fileno(self) -> int:
        """The file's descriptor."""
        return self._file.fileno()

    def begin(self) -> bool:
        """Read the header. Returns whether it is there already."""
        header = self._read_at(0, _HEADER_BYTES)
        if header is None:
            return False
        magic, version, key, self.object_count = _HEADER.unpack_from(header)
        self._checksum = crc32(header[: _HEADER.size])
        if (magic, version, key) != (_MAGIC, _VERSION, self._key) or self._checksum != _stored(header):
            raise CorruptEntry(f"{self._name}: no header, or that of another entry")
        self._offset = _HEADER_BYTES
        return True

    def read(self) -> bytes | None:
        """The next piece; b"" at the end; None if there is none yet. After `begin`."""
        head = self._read_at(self._offset, _PIECE_HEAD_BYTES)
        if head is None:
            return None
        (length,) = _PIECE.unpack_from(head)
        if not length:
            return self._end()
        if length > _MAX_PIECE_BYTES:
            raise CorruptEntry(f"{self._name}: a piece of {length} bytes, the limit is {_MAX_PIECE_BYTES}")
        data = self._read_at(self._offset + _PIECE_HEAD_BYTES, length)
        if data is None:
            return None
        self._checksum = crc32(data, crc32(head[: _PIECE.size], self._checksum))
        if self._checksum != _stored(head):
            raise CorruptEntry(f"{self._name}: damaged in the {length} bytes after {self._offset}")
        self._offset += len(head) + length
        self._framed_bytes += length
        return data

    def close(self) -> None:
        """Close the file. Where it has no name any more, its space is freed now: not for the event loop."""
        self._file.close()

    @property
    def _name(self) -> str:
        return f"answer {self._key.hex()}"

    def _end(self) -> bytes | None:
        found = self._take_trailer(self._offset)
        if found is None:
            return None
        if found != (self._framed_bytes, self._checksum):
            raise CorruptEntry(f"{self._name}: the trailer is of another content")
        return b""

    def _take_trailer(self, offset: int) -> tuple[int, int] | None:
        """(framed bytes, checksum) as the trailer has them; None if it is not there yet."""
        trailer = self._read_at(offset, _TRAILER_BYTES)
        if trailer is None:
            return None
        zero, framed_bytes, self.reused_count, self.build_us, checksum = _TRAILER.unpack_from(trailer)
        if zero or crc32(trailer[: _TRAILER.size]) != _stored(trailer) or offset + _TRAILER_BYTES != self.size_bytes:
            raise CorruptEntry(f"{self._name}: no trailer at {offset}")
        return framed_bytes, checksum

    def _read_at(self, offset: int, length: int) -> bytes | None:
        try:
            data = os.pread(self._file.fileno(), length, max(0, offset))
        except OSError as error:
            raise CorruptEntry(f"{self._name}: {error.strerror} after {offset} bytes") from error
        if len(data) == length:
            return data
        if self._is_complete:
            raise CorruptEntry(
                f"{self._name}: ends at {offset + len(data)}, where {length} bytes should begin at {offset}"
            )
        return None


def _stored(record: bytes) -> int:
    """The checksum of a header, of a piece's head or of a trailer: its last four bytes."""
    checksum: int = _CHECKSUM.unpack_from(record, len(record) - _CHECKSUM.size)[0]
    return checksum
