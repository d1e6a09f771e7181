"""Refs, by their full names."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from packhouse_client._call import Call, Listing, delete, listing, put, segments
from packhouse_client.types.health import Ok
from packhouse_client.types.refs import DeleteRef, ListRefs, MoveRef
from packhouse_client.types.repositories import RefItem


def listed(base: str, prefix: str = "", *, page: int = 10_000) -> Listing[RefItem]:
    """The refs whose names begin so, by name."""
    return listing(f"{base}/refs", RefItem, ListRefs(prefix, page))


def move(base: str, name: str, sha: str, *, expected: str | UnsetType | None = UNSET) -> Call[RefItem]:
    """Let a ref stand for an object. expected: what it must stand for until now; None: it must not exist.

    Raises RefConflict.
    """
    return put(_path(base, name), MoveRef(sha, expected), RefItem)


def deletion(base: str, name: str, *, expected: str | None = None) -> Call[Ok]:
    """Delete a ref. expected: what it must stand for. Raises RefConflict."""
    return delete(_path(base, name), Ok, DeleteRef(expected))


def _path(base: str, name: str) -> str:
    if not name.startswith("refs/"):
        raise ValueError(f"not the full name of a ref: {name!r}")
    return f"{base}/{segments(name)}"
