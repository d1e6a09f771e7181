"""A zip archive as a stream of pieces. Format: PKWARE's APPNOTE.TXT 6.3, with Zip64; Info-ZIP's time stamps.

Written here since every library keeps the list of entries, the archive's last part, in memory until the end: hundreds
of bytes for each file. Here it lies in a file once it is large. A file's sizes and checksum follow its content, so that
none is read twice; folders and links, which are stored as they are, have them in front, since whoever reads a stream
cannot find the end of stored content otherwise.
"""

from __future__ import annotations

import struct
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from packengine.repository.browsing.archives.entries import ArchiveEntry
from packengine.repository.errors import LimitReached

_LEVEL = 6
_STORED, _DEFLATED = 0, 8
_FOLLOWED_BY_SIZES, _UTF_8 = 0x0008, 0x0800
_MADE_BY_UNIX = (3 << 8) | 63
_NEEDS, _NEEDS_ZIP64 = 20, 45
_IS_FOLDER = 0x10
_LARGE, _MANY = 0xFFFF_FFFF, 0xFFFF
"""What stands where a number is in a Zip64 field instead."""

_SPARE_BYTES = 1 << 24
"""A file that is so near to 4 GiB counts as larger: what cannot be compressed becomes a little longer."""

_RESIDENT_DIRECTORY_BYTES = 1 << 20
_MAX_UNIX_S = 2**31 - 1
_FIRST_YEAR, _LAST_YEAR = 1980, 2107


class ZipWriter:
    """Writes one archive. scratch: the folder for its list of entries."""

    def __init__(self, commit_hex: str, time_s: int, scratch: Path) -> None:
        self._comment = commit_hex.encode("ascii")
        self._times = _Times(time_s)
        self._scratch = scratch
        self._written = 0
        self._count = 0

    def pieces(self, entries: Iterable[ArchiveEntry]) -> Iterator[bytes]:
        """The whole archive, whose comment is the commit. May give empty pieces."""
        with tempfile.SpooledTemporaryFile(_RESIDENT_DIRECTORY_BYTES, dir=str(self._scratch)) as directory:
            for entry in entries:
                writer, at = _EntryWriter(entry, self._times), self._written
                yield from self._counted(writer.pieces())
                directory.write(writer.listed(at))
                self._count += 1
            size_bytes = directory.tell()
            directory.seek(0)
            while piece := directory.read(_RESIDENT_DIRECTORY_BYTES):
                yield piece
        yield self._end(size_bytes)

    def _counted(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._written += len(piece)
            yield piece

    def _end(self, directory_bytes: int) -> bytes:
        """The end record, after its Zip64 form where a number does not fit."""
        count, start = self._count, self._written
        many, size, offset = min(count, _MANY), min(directory_bytes, _LARGE), min(start, _LARGE)
        end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, many, many, size, offset, len(self._comment)) + self._comment
        if many < _MANY and max(size, offset) < _LARGE:
            return end
        wide = (_MADE_BY_UNIX, _NEEDS_ZIP64, 0, 0, count, count, directory_bytes, start)
        end_64 = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, *wide)
        return end_64 + struct.pack("<4sIQI", b"PK\6\7", 0, start + directory_bytes, 1) + end


class _Times:
    """The commit's time in both forms: to two seconds and without a zone, told as UTC; and in seconds since 1970."""

    def __init__(self, time_s: int) -> None:
        unix_s = min(max(time_s, 0), _MAX_UNIX_S)
        when = datetime.fromtimestamp(unix_s, UTC)
        years = min(max(when.year, _FIRST_YEAR), _LAST_YEAR) - _FIRST_YEAR
        day = (years << 9 | when.month << 5 | when.day) if when.year >= _FIRST_YEAR else (1 << 5 | 1)
        second = (when.hour << 11 | when.minute << 5 | when.second // 2) if when.year >= _FIRST_YEAR else 0
        self.dos = struct.pack("<2H", second, day)
        self.extra = struct.pack("<2HBI", 0x5455, 5, 1, unix_s)


class _EntryWriter:
    """One entry: its header, its content, and then its line in the list."""

    def __init__(self, entry: ArchiveEntry, times: _Times) -> None:
        self._entry = entry
        self._times = times
        self._name = entry.path + b"/" if entry.is_folder else entry.path
        if len(self._name) > _MANY:
            raise LimitReached(f"a zip archive has no paths of {len(self._name)} bytes; the limit is {_MANY}")
        self._is_stored = entry.is_folder or entry.is_link
        self._is_large = entry.size_bytes >= _LARGE - _SPARE_BYTES
        self._checksum = self._packed_bytes = self._whole_bytes = 0

    def pieces(self) -> Iterator[bytes]:
        """The entry as it stands in the archive."""
        if self._is_stored:
            yield self._stored()
        else:
            yield self._header()
            yield from self._deflated()
            form = "<4sI2Q" if self._is_large else "<4s3I"
            yield struct.pack(form, b"PK\7\x08", self._checksum, self._packed_bytes, self._whole_bytes)

    def listed(self, at: int) -> bytes:
        """Its line in the list of entries. at: where its header is."""
        numbers = (self._packed_bytes, self._whole_bytes) if self._is_large else ()
        is_far = at >= _LARGE
        wide = b"".join(struct.pack("<Q", number) for number in (*numbers[::-1], *((at,) if is_far else ())))
        extra = self._times.extra + (struct.pack("<2H", 1, len(wide)) + wide if wide else b"")
        sizes = (_LARGE, _LARGE) if self._is_large else (self._packed_bytes, self._whole_bytes)
        attributes = self._entry.mode << 16 | (_IS_FOLDER if self._entry.is_folder else 0)
        needs = _NEEDS_ZIP64 if wide else _NEEDS
        return (
            struct.pack("<4s2H", b"PK\1\2", _MADE_BY_UNIX, needs)
            + self._common(self._checksum, *sizes, len(extra))
            + struct.pack("<3H2I", 0, 0, 0, attributes, min(at, _LARGE))
            + self._name
            + extra
        )

    def _header(self) -> bytes:
        """In front of the content. A large entry's descriptor is told by a Zip64 field, whose numbers come later."""
        wide = struct.pack("<2H2Q", 1, 16, 0, 0) if self._is_large else b""
        sizes = (_LARGE, _LARGE) if self._is_large else (self._packed_bytes, self._whole_bytes)
        extra = self._times.extra + wide
        needs = struct.pack("<4sH", b"PK\3\4", _NEEDS_ZIP64 if wide else _NEEDS)
        return needs + self._common(self._checksum, *sizes, len(extra)) + self._name + extra

    def _common(self, checksum: int, packed_bytes: int, whole_bytes: int, extra_bytes: int) -> bytes:
        """What both kinds of header have in the middle."""
        method = _STORED if self._is_stored else _DEFLATED
        flags = (0 if self._is_stored else _FOLLOWED_BY_SIZES) | (_UTF_8 if _is_utf_8(self._name) else 0)
        lengths = (checksum, packed_bytes, whole_bytes, len(self._name), extra_bytes)
        return struct.pack("<2H", flags, method) + self._times.dos + struct.pack("<3I2H", *lengths)

    def _stored(self) -> bytes:
        content = b"".join(self._entry.pieces())
        self._checksum, self._packed_bytes, self._whole_bytes = zlib.crc32(content), len(content), len(content)
        return self._header() + content

    def _deflated(self) -> Iterator[bytes]:
        compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        for piece in self._entry.pieces():
            self._checksum = zlib.crc32(piece, self._checksum)
            self._whole_bytes += len(piece)
            yield self._packed(compressor.compress(piece))
        yield self._packed(compressor.flush())

    def _packed(self, data: bytes) -> bytes:
        self._packed_bytes += len(data)
        return data


def _is_utf_8(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True
