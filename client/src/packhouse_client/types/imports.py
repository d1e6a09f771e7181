"""Imports: a repository filled from another server's."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

MAX_REF_PATTERNS = 100
MAX_TOKEN_CHARACTERS = 4_096
REFUSED_MAX = 100
"""Of the refs that were not moved so many are named."""

ImportState = Literal["queued", "running", "done", "failed", "cancelled"]
ImportPhase = Literal["connecting", "listing", "negotiating", "receiving", "resolving", "publishing"]


class ImportRepository(Struct, frozen=True, rename="camel"):
    """POST /v1/repos/:id/import.

    `url`: of the repository, as for `git clone`, over https. `token`: what Git would send as password; a user name may
    stand in the URL. `refs`: patterns of full names, as `refs/heads/release/*`; absent: branches and tags, or, with
    `mirror`, all but what hosts keep for themselves (`refs/pull/*` and the like). `mirror`: make refs and HEAD as the
    remote has them, also where that deletes one or takes commits back.
    """

    url: str
    token: Annotated[str, Meta(max_length=MAX_TOKEN_CHARACTERS)] | None = None
    refs: Annotated[tuple[str, ...], Meta(min_length=1, max_length=MAX_REF_PATTERNS)] | None = None
    mirror: bool = False


class RefNotMoved(Struct, frozen=True):
    """A ref that stayed as it was, and why."""

    ref: str
    reason: str


class ImportJob(Struct, frozen=True, rename="camel", kw_only=True):
    """An import and how far it is. Times are seconds since 1970, null for what was not yet.

    A count of 0 in all: not known yet. `remoteSays`: the last line of the remote's own progress.
    """

    id: str
    url: str
    refs: tuple[str, ...] | UnsetType = UNSET
    mirror: bool
    subject: str | None
    state: ImportState
    phase: ImportPhase | UnsetType = UNSET
    received_bytes: int
    received_objects: int
    total_objects: int
    resolved_deltas: int
    total_deltas: int
    remote_says: str | UnsetType = UNSET
    moved_refs: int
    """How many refs were created, moved or deleted."""

    not_moved: list[RefNotMoved]
    not_moved_count: int
    error: str | UnsetType = UNSET
    requested_at: int
    started_at: int | None
    finished_at: int | None
