"""How far an import is: kept with its job, for whoever asks."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from packengine.repository.remote_import import ImportCounts
from packengine.storage.job_ports import JobRecord
from packhouse_client.types.imports import REFUSED_MAX, ImportPhase

REFUSED_KEPT = REFUSED_MAX
"""Of the refs that were not moved so many are named; all are counted."""

_SAID_BYTES = 200


class ImportProgress(msgspec.Struct, omit_defaults=True):
    """What is known at a moment. Sizes are in bytes."""

    attempts: int = 0
    """How many workers have taken it up."""

    started_at_ms: int = 0
    phase: ImportPhase = "connecting"
    received_bytes: int = 0
    received_objects: int = 0
    total_objects: int = 0
    resolved_deltas: int = 0
    total_deltas: int = 0
    remote_says: str = ""
    """The last line of the remote's own progress."""

    moved: int = 0
    refused: list[tuple[str, str]] = msgspec.field(default_factory=list)
    refused_count: int = 0

    @classmethod
    def of(cls, job: JobRecord) -> ImportProgress:
        """As it was kept last."""
        return cls() if job.progress is None else msgspec.json.decode(job.progress, type=cls)

    def text(self) -> str:
        """As it is kept."""
        return msgspec.json.encode(self).decode()

    def count(self, counts: ImportCounts) -> None:
        """Take in how much of the pack is here."""
        self.received_bytes = counts.received_bytes
        self.received_objects = counts.received_objects
        self.total_objects = counts.total_objects
        self.resolved_deltas = counts.resolved_deltas
        self.total_deltas = counts.total_deltas

    def hear(self, text: bytes) -> None:
        """Take in words of the remote's: of several lines the last, made printable."""
        lines = [line for line in text.replace(b"\r", b"\n").split(b"\n") if line.strip()]
        if lines:
            said = lines[-1][:_SAID_BYTES].decode(errors="replace")
            self.remote_says = "".join(each if each.isprintable() else "?" for each in said)

    def refuse(self, refused: Sequence[tuple[bytes, str]]) -> None:
        """Take in which refs were not moved, and why."""
        self.refused = [(name.decode(errors="replace"), reason) for name, reason in refused[:REFUSED_KEPT]]
        self.refused_count = len(refused)
