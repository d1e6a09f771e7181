"""What must not be there, taken out of all of a repository's history."""

from __future__ import annotations

from packhouse_client._call import Call, delete, get, post
from packhouse_client.types.purges import PurgeJob, PurgeRepository


def start(base: str, *, sha: str | None = None, path: str | None = None) -> Call[PurgeJob]:
    """Take a blob, or all that ever was at a path, out of the whole history; this only asks for it."""
    return post(f"{base}/purge", PurgeRepository(sha, path), PurgeJob)


def show(base: str) -> Call[PurgeJob]:
    """How far the purge is that was asked for last, and at its end what holds the bytes still."""
    return get(f"{base}/purge", PurgeJob)


def cancel(base: str) -> Call[PurgeJob]:
    """Cancel it, if it has not ended. What is purged stays so."""
    return delete(f"{base}/purge", PurgeJob)
