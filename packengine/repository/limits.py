"""The engine's limits: every length that comes from outside is checked against one of these (design, law 9)."""

from __future__ import annotations

import os
from dataclasses import dataclass

from packengine.storage.ports import OwnerQuota

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
S_PER_DAY = 24 * 3600
MS_PER_DAY = S_PER_DAY * 1000


@dataclass(frozen=True, slots=True)
class Limits:
    """Defaults suit a laptop and a CI node alike; each is an operator's to change."""

    max_pack_bytes: int = 2 * GIB
    max_objects: int = 10_000_000
    max_object_bytes: int = 2 * GIB
    max_resident_object_bytes: int = 512 * MIB
    """The largest object that is ever whole in memory: a delta's base or result, a commit, a tree, a tag."""

    max_inflated_bytes: int = 64 * GIB
    max_delta_depth: int = 4095
    max_packs: int = 10_000
    max_refs: int = 1_000_000
    max_ref_name_bytes: int = 1024
    tail_pack_bytes: int = 256 * KIB
    """Packs up to this size are catalog rows; larger ones are blobs."""

    rollup_packs: int = 32
    """So many packs of the newest, within `rollup_bytes`, are merged after the push that made them so many."""

    rollup_bytes: int = 16 * MIB
    min_bitmap_objects: int = 1000
    """Packs with fewer objects get no derived files beside their idx: walking them takes a millisecond or two."""

    min_shared_pack_bytes: int = 64 * MIB
    """What several repositories name is merged apart from what only one names, if it is at least so large."""

    merge_memory_bytes: int = 256 * MIB
    """For what one merge of branches holds: the paths that differ, and what it writes."""

    merge_text_bytes: int = 64 * MIB
    """The largest three texts, together, that are merged line by line."""

    merge_read_bytes: int = GIB
    """All that one merge of branches reads."""

    maintenance_memory_bytes: int = 64 * MIB
    """For the bitmaps that are at work at a time."""

    base_cache_bytes: int = 64 * MIB
    """For the delta bases of one ingest, all its threads together."""

    object_cache_bytes: int = 16 * MIB
    """For the decoded objects of one open repository."""

    open_repositories: int = 16
    """How many object databases stay open in a process."""

    open_packs: int = 2048
    resident_tail_bytes: int = 64 * MIB
    threads: int = os.cpu_count() or 1
    compression_level: int = 6
    max_sparse_bytes: int = 64 * KIB
    """The largest blob of patterns that a fetch may filter by."""

    want_grace_ms: int = 600_000
    """How long a value that a ref moved away from stays wantable."""

    history_retention_days: int = 30
    """How long the values that a ref had, and the states of the refs, are kept after they were replaced."""

    undelete_days: int = 7
    """How long what a deleted repository named is kept."""

    collection_grace_s: int = 24 * 3600
    """How long what nothing names any more is kept, for whoever was told of it; and what came is not left out again."""

    min_bundle_bytes: int = MIB
    """A repository with smaller packs offers no bundle: asking for one would cost more than it saves."""

    bundle_store_bytes: int = 8 * GIB
    """For all bundle files together, which are made of packs that are kept anyway. A larger bundle is not offered."""

    answer_cache_bytes: int = 4 * GIB
    """For all pack sections together that are kept for the next who asks the same; 0 to keep none."""

    min_uri_pack_bytes: int = 32 * MIB
    """The smallest pack that is offered by itself. A pack that maintenance replaced can still be had for the grace."""

    max_repository_bytes: int = 0
    """What all packs of a repository may have together after a publish that adds some; 0: whatever comes."""

    max_owner_repositories: int = 0
    max_owner_bytes: int = 0
    """What each owner may have, in live repositories and in bytes of all of them; 0: as much as they like."""

    @property
    def owner_quota(self) -> OwnerQuota:
        """The two of them, for the catalog."""
        return OwnerQuota(self.max_owner_repositories, self.max_owner_bytes)
