"""Short ways to fill a catalog. A manifest here is any bytes: the catalog does not look inside."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from packengine.storage.ports import (
    Catalog,
    Committed,
    NewRepository,
    Pointer,
    Publish,
    Row,
    RowKind,
    Superseded,
)

NOW_S = 1_700_000_000


def row(kind: RowKind, data: bytes) -> Row:
    """A row under the digest of its data."""
    return Row(kind, hashlib.sha256(data).digest(), data)


def manifest(name: str) -> Row:
    """The manifest of that name."""
    return row(RowKind.MANIFEST, b"manifest " + name.encode())


def new_repository(repository_id: str, owner: str | None = None) -> NewRepository:
    """One that starts from the manifest of its own name."""
    return NewRepository(repository_id, owner, NOW_S, manifest(repository_id).digest)


def create(
    catalog: Catalog,
    repository_id: str,
    *,
    owner: str | None = None,
    source_id: str | None = None,
    manifest_of: str | None = None,
    read_only: bool = False,
    created_at_s: int = NOW_S,
) -> None:
    """Create a repository, with the manifest of its own name or of another."""
    first = manifest(manifest_of or repository_id)
    new = NewRepository(repository_id, owner, created_at_s, first.digest, source_id, read_only)
    catalog.create_repositories([new], [first])


def publish(
    catalog: Catalog,
    repository_id: str,
    expected: Pointer,
    name: str,
    rows: Sequence[Row] = (),
    *,
    with_manifest: bool = True,
) -> Committed | Superseded:
    """Publish the manifest of that name."""
    stored = [*rows, manifest(name)] if with_manifest else list(rows)
    return catalog.publish(Publish(repository_id, expected, manifest(name).digest, stored))
