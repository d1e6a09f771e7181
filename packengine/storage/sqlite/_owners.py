"""What owners have, and whether they may have more: asked in the transaction that would give it to them."""

from __future__ import annotations

import sqlite3

from packengine.storage.ports import OwnerBytesExceeded, OwnerQuota, OwnerUsage, QuotaExceeded

_USAGE = """
    SELECT count(*), coalesce(sum(p.size_bytes), 0)
    FROM repository r JOIN pointer p ON p.repository = r.key
    WHERE r.deleted_at_s IS NULL AND r.owner = (SELECT key FROM owner WHERE name = ?)
"""
_OWNER = """
    SELECT o.name, p.size_bytes
    FROM repository r JOIN owner o ON o.key = r.owner JOIN pointer p ON p.repository = r.key
    WHERE r.key = ?
"""


def owner_usage(connection: sqlite3.Connection, owner: str) -> OwnerUsage:
    """Live repositories and their bytes. Cost: O(repositories of the owner)."""
    return OwnerUsage(*connection.execute(_USAGE, (owner,)).fetchone())


def check_owner(connection: sqlite3.Connection, owner: str, quota: OwnerQuota) -> None:
    """After new repositories were inserted. Raises QuotaExceeded, OwnerBytesExceeded."""
    if not (quota.max_repositories or quota.max_bytes):
        return
    usage = owner_usage(connection, owner)
    if 0 < quota.max_repositories < usage.repositories:
        raise QuotaExceeded(owner, quota.max_repositories)
    if 0 < quota.max_bytes < usage.size_bytes:
        raise OwnerBytesExceeded(owner, usage.size_bytes, quota.max_bytes)


def check_growth(connection: sqlite3.Connection, repository_key: int, size_bytes: int, quota: OwnerQuota) -> None:
    """Before a repository gets that size. What does not grow is never refused. Raises OwnerBytesExceeded."""
    if not quota.max_bytes:
        return
    found = connection.execute(_OWNER, (repository_key,)).fetchone()
    if found is None:
        return
    owner, old_bytes = found
    used_bytes = owner_usage(connection, owner).size_bytes - old_bytes + size_bytes
    if size_bytes > old_bytes and used_bytes > quota.max_bytes:
        raise OwnerBytesExceeded(owner, used_bytes, quota.max_bytes)
