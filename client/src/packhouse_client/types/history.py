"""Past states of the refs, and the return to one."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from packhouse_client.types.instants import Instant
from packhouse_client.types.paging import Count
from packhouse_client.types.repositories import RefItem

PUBLISHES_MAX = 200
"""The largest page of publishes; 50 is the usual one."""

STATE_REFS_MAX = 5000
"""The largest page of the refs of a past state; 1,000 is the usual one."""

CHANGES_MAX = 100
"""So many changes are told of each publish."""

RESTORED_MAX = 1000
"""So many refs are told of a restoration, and so many may be named in one."""

ManifestName = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class ReadHistory(Struct, frozen=True):
    """The query of GET /v1/repos/:id/history. `at` or `manifest`: the state then, instead of a list.

    `at`: milliseconds since 1970, or an RFC 3339 date and time with its offset. `limit`: publishes (50, at most 200),
    or refs of the one state (1,000, at most 5,000). `cursor`: `X-Next-Cursor` of the page before.
    """

    at: str | None = None
    manifest: ManifestName | None = None
    limit: Count | None = None
    cursor: Annotated[str, Meta(max_length=4096)] | None = None


class RefChangeItem(Struct, frozen=True):
    """What became of a ref; null where it was not there."""

    ref: str
    before: str | None
    after: str | None


class PublishItem(Struct, frozen=True, rename="camel"):
    """A past state and what led to it. `at`: milliseconds since 1970; until the `at` of the publish before in the list
    the refs were so. `actor` and `requestId` are null for the state that a fork took over: those are its source's.
    `changesTruncated`: there were more changes than the first 100."""

    manifest: str
    version: int
    at: int
    actor: str | None
    kind: str
    request_id: str | None
    changes: list[RefChangeItem]
    changes_truncated: bool = False


class PastStateAnswer(Struct, frozen=True, rename="camel"):
    """The refs as they were, in pages, and the branch that HEAD named."""

    manifest: str
    version: int
    at: int
    actor: str | None
    kind: str
    request_id: str | None
    default_branch: str
    refs: list[RefItem]
    head_sha: str | UnsetType = UNSET


class RestoreRefs(Struct, frozen=True):
    """POST /v1/repos/:id/restore: to the state at a time, or to the one of that manifest; one of both.

    `refs`: full names of the only refs to restore. Without it all are as they were then, and HEAD too.
    """

    at: Instant | None = None
    manifest: ManifestName | None = None
    refs: Annotated[list[str], Meta(min_length=1, max_length=RESTORED_MAX)] | None = None


class RestoreMade(Struct, frozen=True, rename="camel"):
    """The newest state, and what was restored: the first 1,000 refs of it."""

    manifest: str
    version: int
    restored: list[RefChangeItem]
    restored_truncated: bool = False
