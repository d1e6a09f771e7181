"""How far a purge is: kept with its job, for whoever asks, and for who takes it up again."""

from __future__ import annotations

import msgspec

from packengine.maintenance.purging import Purged
from packengine.refs import HiddenRefs
from packengine.storage.job_ports import JobRecord
from packhouse_client.types.purges import HOLDERS_MAX, MOVED_MAX


class PurgeProgress(msgspec.Struct, omit_defaults=True):
    """What is known at a moment."""

    attempts: int = 0
    started_at_ms: int = 0
    phase: str = ""
    phase_done: int = 0
    phase_total: int = 0
    blobs: list[str] = msgspec.field(default_factory=list)
    """What is to go. Once the repository is purged, its path leads to nothing, and its forks' may still."""

    is_purged: bool = False
    """Whether this repository is: the network may not be yet."""

    commits: int = 0
    trees: int = 0
    tags: int = 0
    moved: list[tuple[str, str, str | None]] = msgspec.field(default_factory=list)
    moved_count: int = 0
    purged_count: int = 0
    former_packs: int = 0
    former_bytes: int = 0
    holding: list[str] = msgspec.field(default_factory=list)
    """Repositories that hold something still, as far as whoever asked may know of them."""

    holding_count: int = 0

    @classmethod
    def of(cls, job: JobRecord) -> PurgeProgress:
        """As it was kept last."""
        return cls() if job.progress is None else msgspec.json.decode(job.progress, type=cls)

    def text(self) -> str:
        """As it is kept."""
        return msgspec.json.encode(self).decode()

    def tell(self, phase: str, done: int, total: int | None) -> None:
        """Take in how far a phase is."""
        self.phase, self.phase_done, self.phase_total = phase, done, total or 0

    def take_in(self, purged: Purged, hidden: HiddenRefs) -> None:
        """What became of this repository itself."""
        shown = [move for move in purged.moves if not hidden.hides(move.name)]
        self.is_purged, self.moved_count = True, len(shown)
        self.commits, self.trees, self.tags = purged.commits, purged.trees, purged.tags
        self.moved = [
            (
                move.name.decode(errors="replace"),
                "" if move.before is None else move.before.oid.hex(),
                None if move.after is None else move.after.oid.hex(),
            )
            for move in shown[:MOVED_MAX]
        ]
        self.count(purged)

    def count(self, purged: Purged) -> None:
        """Another repository is purged."""
        self.purged_count += 1
        self.former_packs += purged.former_packs
        self.former_bytes += purged.former_bytes

    def hold(self, named: list[str], count: int) -> None:
        """What holds something still."""
        self.holding, self.holding_count = named[:HOLDERS_MAX], count
