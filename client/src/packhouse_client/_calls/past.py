"""Past states, the return to one, and the return of what was deleted."""

from __future__ import annotations

from collections.abc import Sequence

from packhouse_client._call import Call, Listing, Pages, listing, pages, post
from packhouse_client.types.history import PastStateAnswer, PublishItem, ReadHistory, RestoreMade, RestoreRefs
from packhouse_client.types.instants import Instant


def publishes(base: str, *, page: int = 50) -> Listing[PublishItem]:
    """What was published, newest first, each with the state of the refs that it led to."""
    return listing(f"{base}/history", PublishItem, ReadHistory(limit=page))


def state(base: str, *, at: Instant | None = None, manifest: str | None = None) -> Pages[PastStateAnswer]:
    """The refs as they were at a time, or in the state of that name; a page has up to 1,000 of them."""
    return pages(f"{base}/history", PastStateAnswer, ReadHistory(None if at is None else str(at), manifest))


def restore(
    base: str, *, at: Instant | None = None, manifest: str | None = None, refs: Sequence[str] | None = None
) -> Call[RestoreMade]:
    """Let the refs, or only those named, stand for what they did at a time or in that state."""
    return post(f"{base}/restore", RestoreRefs(at, manifest, None if refs is None else list(refs)), RestoreMade)
