"""What there is to do for a repository, and what was done, in figures."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from packengine.maintenance.plan import Run
from packengine.manifests import PackRecord
from packengine.repository.derived import DerivedKind

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Derivation:
    """Files that a pack lacks."""

    pack: PackRecord
    kinds: tuple[DerivedKind, ...]


@dataclass(frozen=True, slots=True)
class MaintenancePlan:
    """What maintenance would do to a repository now. Merged packs get their derived files as well."""

    repository_id: str
    pack_count: int
    object_count: int
    """Of all packs; an object that several hold counts several times."""

    runs: tuple[Run, ...]
    derivations: tuple[Derivation, ...]
    """Of packs that stay as they are."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.runs or self.derivations)


@dataclass(slots=True)
class MaintenanceReport:
    """What maintenance did to a repository."""

    repository_id: str
    packs_before: int = 0
    packs_after: int = 0
    merged_packs: int = 0
    merged_objects: int = 0
    derived_files: int = 0
    overtaken: int = 0
    """Merges that were for nothing, since somebody else merged the same packs."""

    duration_s: float = 0.0

    @property
    def is_idle(self) -> bool:
        """Whether there was nothing to do."""
        return not (self.merged_packs or self.derived_files)


def announce(report: MaintenanceReport) -> None:
    """Say in the log what was done."""
    fields = {
        "repository": report.repository_id,
        "packs_before": report.packs_before,
        "packs_after": report.packs_after,
        "merged_packs": report.merged_packs,
        "merged_objects": report.merged_objects,
        "derived_files": report.derived_files,
        "duration_ms": round(report.duration_s * 1000, 1),
    }
    _log.info("maintained", extra={"fields": fields})
