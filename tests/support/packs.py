"""Stored packs for tests of the compiled core: where Git keeps them, and databases over them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core_ext import ObjectDb, Pack
from tests.support.git import git

if TYPE_CHECKING:
    from core_ext._core import Kind, ObjectFormat

MAX_DELTA_DEPTH = 4095
MAX_OBJECT_BYTES = 1 << 30


def pack_path(repository: Path) -> Path:
    """The one pack of a bare repository."""
    (path,) = (repository / "objects" / "pack").glob("*.pack")
    return path


def open_pack(repository: Path, object_format: ObjectFormat = "sha1") -> Pack:
    """Map the one pack of a bare repository."""
    path = pack_path(repository)
    return Pack.open(str(path), str(path.with_suffix(".idx")), object_format=object_format)


def database(
    packs: Sequence[Pack],
    object_format: ObjectFormat = "sha1",
    *,
    cache_bytes: int = 1 << 24,
    max_object_bytes: int = MAX_OBJECT_BYTES,
    max_delta_depth: int = MAX_DELTA_DEPTH,
) -> ObjectDb:
    """A database with limits that no test passes by accident."""
    return ObjectDb(
        packs,
        object_format=object_format,
        cache_bytes=cache_bytes,
        max_object_bytes=max_object_bytes,
        max_delta_depth=max_delta_depth,
    )


def git_objects(repository: Path) -> Iterator[tuple[bytes, Kind, bytes]]:
    """(oid, kind, content) of every object that Git finds in a repository."""
    stream = git("cat-file", "--batch-all-objects", "--batch", "--unordered", cwd=repository)
    at = 0
    while at < len(stream):
        head_end = stream.index(b"\n", at)
        name, kind, size = stream[at:head_end].split()
        end = head_end + 1 + int(size)
        yield bytes.fromhex(name.decode()), _KINDS[kind], stream[head_end + 1 : end]
        at = end + 1


_KINDS: dict[bytes, Kind] = {b"commit": "commit", b"tree": "tree", b"blob": "blob", b"tag": "tag"}
