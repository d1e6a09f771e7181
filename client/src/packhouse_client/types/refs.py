"""Refs: listed in pages, moved one at a time."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType

from packhouse_client.types.paging import Count

REFS_MAX = 10_000
"""The largest page of refs, and the usual one."""


class ListRefs(Struct, frozen=True):
    """The query of GET /v1/repos/:id/refs. `prefix`: of full names. `limit`: more than 10,000 counts as 10,000."""

    prefix: str = ""
    limit: Count = REFS_MAX
    cursor: str | None = None


class MoveRef(Struct, frozen=True):
    """PUT /v1/repos/:id/refs/…. `expected`: what the ref must stand for; null: it must not exist; absent: anything."""

    sha: str
    expected: str | UnsetType | None = UNSET


class DeleteRef(Struct, frozen=True):
    """The query of DELETE /v1/repos/:id/refs/…. `expected`: what the ref must stand for; absent: anything."""

    expected: str | None = None
