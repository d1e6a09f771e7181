"""Which archive was asked for, and its bytes one piece after the other."""

from __future__ import annotations

import zlib
from collections.abc import Generator
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from pathlib import Path

from core_ext import Cancel
from packengine.repository.browsing.archives.entries import PIECE_BYTES, Check, entries_of
from packengine.repository.browsing.archives.tar import gzip_pieces, tar_pieces
from packengine.repository.browsing.archives.zip import ZipWriter
from packengine.repository.browsing.commits import read_commit
from packengine.repository.browsing.revisions import commit_named
from packengine.repository.browsing.snapshot import Snapshot
from packengine.repository.errors import BrowsingRefused

MAX_PREFIX_BYTES = 1024
_SHORT_ID_DIGITS = 7
_LAYOUT = b"1"
"""To be raised with every change of what an archive's bytes are: caches know them by their tag."""


class BadArchive(BrowsingRefused):
    """No such kind of archive, or no such prefix."""


class ArchiveFormat(Enum):
    """By the ending of its name."""

    TAR_GZ = ".tar.gz"
    ZIP = ".zip"


@dataclass(frozen=True, slots=True)
class ArchivePlan:
    """An archive that can be made: always the same bytes, which `tag` stands for."""

    commit_oid: bytes
    tree_oid: bytes
    time_s: int
    format: ArchiveFormat
    prefix: bytes
    file_name: str

    @property
    def tag(self) -> str:
        """The same for the same bytes; another version of zlib may make others."""
        parts = (_LAYOUT, self.commit_oid, self.format.value.encode(), zlib.ZLIB_RUNTIME_VERSION.encode(), self.prefix)
        return sha256(b"\0".join(parts)).hexdigest()[:40]


def plan_archive(snapshot: Snapshot, name: str, prefix: str | None) -> ArchivePlan:
    """The archive of that name: a revision and an ending. prefix: stands before all paths; None for a usual one.

    Raises BadArchive, UnknownRevision.
    """
    form = next((form for form in ArchiveFormat if name.endswith(form.value)), None)
    if form is None:
        raise BadArchive(f"an archive's name ends with {' or '.join(form.value for form in ArchiveFormat)}")
    commit = read_commit(snapshot, commit_named(snapshot, name.removesuffix(form.value)))
    stem = f"{snapshot.repository_id}-{commit.oid.hex()[:_SHORT_ID_DIGITS]}"
    chosen = f"{stem}/" if prefix is None else _checked(prefix)
    time_s = commit.committer.timestamp_s
    return ArchivePlan(commit.oid, commit.tree, time_s, form, chosen.encode(), stem + form.value)


class Archive:
    """The bytes of an archive. One thread at a time. scratch: a folder for what does not stay in memory."""

    def __init__(self, snapshot: Snapshot, plan: ArchivePlan, *, check: Check, cancel: Cancel, scratch: Path) -> None:
        self._pieces = _pieces(snapshot, plan, check, cancel, scratch)

    def read(self) -> bytes:
        """The next piece of about PIECE_BYTES; b"" at the end. Raises what `check` raises, CoreError."""
        parts, size_bytes = [], 0
        for piece in self._pieces:
            parts.append(piece)
            size_bytes += len(piece)
            if size_bytes >= PIECE_BYTES:
                break
        return b"".join(parts)

    def close(self) -> None:
        """Let go of what it holds."""
        self._pieces.close()


def _pieces(
    snapshot: Snapshot, plan: ArchivePlan, check: Check, cancel: Cancel, scratch: Path
) -> Generator[bytes, None, None]:
    commit_hex = plan.commit_oid.hex()
    entries = entries_of(snapshot, plan.tree_oid, plan.prefix, check, cancel)
    match plan.format:
        case ArchiveFormat.TAR_GZ:
            yield from gzip_pieces(tar_pieces(entries, commit_hex, plan.time_s))
        case ArchiveFormat.ZIP:
            yield from ZipWriter(commit_hex, plan.time_s, scratch).pieces(entries)


def _checked(prefix: str) -> str:
    """A prefix that leads nowhere but downwards."""
    parts = prefix.removesuffix("/").split("/") if prefix else []
    if any(part in ("", ".", "..") for part in parts) or "\0" in prefix or len(prefix.encode()) > MAX_PREFIX_BYTES:
        raise BadArchive("a prefix has no empty, . or .. parts, begins with no slash, and has at most 1024 bytes")
    return prefix
