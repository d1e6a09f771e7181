"""A tar archive as a stream of pieces, compressed. Format: pax(1), RFC 1952; headers by the standard library."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterable, Iterator

from packengine.repository.browsing.archives.entries import ArchiveEntry

_LEVEL = 6
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
"""With a header of gzip's, in which zlib sets neither a time nor a name."""

_MAX_TIME_S = 8**11 - 1
_MODE_BITS = 0o7777


def tar_pieces(entries: Iterable[ArchiveEntry], commit_hex: str, time_s: int) -> Iterator[bytes]:
    """An uncompressed archive. The commit stands in front, where `git get-tar-commit-id` finds it."""
    written = 0
    for piece in _blocks(entries, commit_hex, min(max(time_s, 0), _MAX_TIME_S)):
        written += len(piece)
        yield piece
    yield bytes(2 * tarfile.BLOCKSIZE + -(written + 2 * tarfile.BLOCKSIZE) % tarfile.RECORDSIZE)


def gzip_pieces(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes for the same pieces. May give empty ones."""
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    for piece in pieces:
        yield compressor.compress(piece)
    yield compressor.flush()


def _blocks(entries: Iterable[ArchiveEntry], commit_hex: str, time_s: int) -> Iterator[bytes]:
    yield tarfile.TarInfo.create_pax_global_header({"comment": commit_hex})
    for entry in entries:
        if entry.is_folder or entry.is_link:
            yield _header(entry, time_s, target=b"".join(entry.pieces()))
            continue
        yield _header(entry, time_s)
        yield from entry.pieces()
        yield bytes(-entry.size_bytes % tarfile.BLOCKSIZE)


def _header(entry: ArchiveEntry, time_s: int, target: bytes = b"") -> bytes:
    info = tarfile.TarInfo(_text(entry.path))
    info.mode, info.mtime = entry.mode & _MODE_BITS, time_s
    info.uname = info.gname = "root"
    if entry.is_folder:
        info.type = tarfile.DIRTYPE
    elif entry.is_link:
        info.type, info.linkname = tarfile.SYMTYPE, _text(target)
    else:
        info.size = entry.size_bytes
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _text(name: bytes) -> str:
    """What is no UTF-8 comes out as it was: the header then says that its values are binary."""
    return name.decode("utf-8", "surrogateescape")
