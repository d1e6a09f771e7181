"""Purges: something that must not be there, taken out of all of a repository's history."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

MAX_PATH_CHARACTERS = 4_096
MOVED_MAX = 1_000
"""Of the refs that were moved so many are told."""

HOLDERS_MAX = 1_000
"""Of the repositories that hold something still so many are named."""

PurgeState = Literal["queued", "running", "done", "failed", "cancelled"]


class PurgeRepository(Struct, frozen=True):
    """POST /v1/repos/:id/purge: a blob, or every blob that any commit has at a path; one of both.

    `sha`: of the blob. `path`: of a file, from the root. What is purged goes from every path of every commit, whatever
    name it has there.
    """

    sha: Annotated[str, Meta(pattern="^([0-9a-f]{40}|[0-9a-f]{64})$")] | None = None
    path: Annotated[str, Meta(min_length=1, max_length=MAX_PATH_CHARACTERS)] | None = None


class PurgedRef(Struct, frozen=True):
    """A ref that has another value now; null where what it named is gone, and it with it."""

    ref: str
    before: str
    after: str | None


class StillHeld(Struct, frozen=True, rename="camel", kw_only=True):
    """What holds the purged bytes still.

    `repositories`: of those that the caller may know of, the first 1,000; `repositoryCount` counts all. `formerPacks`,
    `formerBytes`: what the purged repositories had before; it lies on disk until a collection found it unnamed and
    `collectionGraceSecs` passed. `statements`: what no server can look into, in sentences.
    """

    repositories: list[str]
    repository_count: int
    former_packs: int
    former_bytes: int
    collection_grace_secs: int
    undelete_days: int
    statements: list[str]


class PurgeJob(Struct, frozen=True, rename="camel", kw_only=True):
    """A purge and how far it is. Times are seconds since 1970, null for what was not yet.

    `phase`, `phaseDone`, `phaseTotal`: what is being done; a total of 0 is not known. `blobs`: how many contents go.
    `movedRefs`: of this repository, the first 1,000. `purgedRepositories`: it and those of its network that went along.
    `stillHeld` is there once the purge is done.
    """

    id: str
    sha: str | UnsetType = UNSET
    path: str | UnsetType = UNSET
    subject: str | None
    state: PurgeState
    phase: str | UnsetType = UNSET
    phase_done: int
    phase_total: int
    blobs: int
    rewritten_commits: int
    rewritten_trees: int
    rewritten_tags: int
    moved_refs: list[PurgedRef]
    moved_ref_count: int
    purged_repositories: int
    still_held: StillHeld | UnsetType = UNSET
    error: str | UnsetType = UNSET
    requested_at: int
    started_at: int | None
    finished_at: int | None
