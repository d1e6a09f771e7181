"""Which packs are to be merged: decided by figures alone.

The rule is geometric. In a list, newest first, every pack is to hold at least twice the objects of all newer ones
together; where one does not, all up to it become one. So a repository of n objects has at most about log3(n) packs,
and an object is copied again only when as much has come in front of it as half of what it lies in: some log(n) times
in its life.

Packs that other repositories name are copied by a merge, and from then on there are two of them. That is worth it for
small ones, and where a fork has outgrown what it began with. Otherwise what is shared and what is not are two lists,
each with the rule for itself. The shared one becomes the same bytes in every repository that merges it, for a merge
has the same bytes for the same packs: they are stored once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain

from packengine.manifests import PackRecord

FACTOR = 2
"""How much more a pack holds than all newer ones."""

CountShared = Callable[[], int]
"""How many of the oldest packs other repositories name. It costs some reads, so it is asked only if it matters."""


@dataclass(frozen=True, slots=True)
class Run:
    """Packs that are neighbours in a manifest, newest first, and are to become one."""

    packs: tuple[PackRecord, ...]
    is_oldest: bool
    """Whether it ends with the oldest pack of all: then the merged one is the bulk, which is closed by itself."""

    @property
    def object_count(self) -> int:
        """Objects of all of its packs; one that several hold counts several times."""
        return sum(pack.object_count for pack in self.packs)

    @property
    def size_bytes(self) -> int:
        """Bytes of all of its packs."""
        return sum(pack.size_bytes for pack in self.packs)


def plan_runs(packs: Sequence[PackRecord], shared_count: CountShared, *, min_shared_bytes: int) -> list[Run]:
    """What is to be merged, newest first; none of the runs has fewer than two packs.

    min_shared_bytes: packs that other repositories name stay apart if they are at least so large together.
    """
    end = _geometric_end(packs)
    apart = len(packs)
    if _size_bytes(packs[:end]) >= min_shared_bytes:
        apart = len(packs) - shared_count()
        if _size_bytes(packs[apart:]) < min_shared_bytes or is_outgrown(packs[:apart], packs[apart:]):
            apart = len(packs)
    own, shared = packs[:apart], packs[apart:]
    runs = [own[: _geometric_end(own)], shared[: _geometric_end(shared)]]
    return [Run(tuple(run), is_oldest=run[-1] == packs[-1]) for run in runs if run]


def is_outgrown(own: Sequence[PackRecord], shared: Sequence[PackRecord]) -> bool:
    """Whether what is shared is small beside what is not: a copy of it costs little then, by comparison."""
    return _object_count(own) >= FACTOR * _object_count(shared)


def whole(packs: Sequence[PackRecord]) -> Run:
    """All packs as one, which has everything that it refers to (design, law 1)."""
    return Run(tuple(packs), is_oldest=True)


def is_worth_a_publish(run: Run, *, min_packs: int, min_objects: int) -> bool:
    """Whether a merge is due by itself; a small one waits for more to come, as each is a publish."""
    return len(run.packs) >= min_packs or run.object_count >= min_objects


def _geometric_end(packs: Sequence[PackRecord]) -> int:
    """How many of the newest packs are to become one for the rule to hold; 0 if it does."""
    counts = [pack.object_count for pack in packs]
    newer = chain((0,), accumulate(counts))
    # Merging changes nothing about how much is in front of the packs behind, so the last that is too small decides.
    too_small = [place for place, (count, held) in enumerate(zip(counts, newer, strict=False)) if count < FACTOR * held]
    return too_small[-1] + 1 if too_small else 0


def _object_count(packs: Sequence[PackRecord]) -> int:
    return sum(pack.object_count for pack in packs)


def _size_bytes(packs: Sequence[PackRecord]) -> int:
    return sum(pack.size_bytes for pack in packs)
