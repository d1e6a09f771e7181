"""What a catalog does with jobs: long work that is asked for in one request and told of in others.

A job is a row with a holder. Whoever works at it renews it; if its holder was killed, somebody else takes it up from
the start, so a job is to be done in a way that does no harm when it is done twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

JOBS_KEPT = 20
"""Of one repository and kind so many that have ended, the newest."""


class JobState(Enum):
    """How far a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def has_ended(self) -> bool:
        """Whether nothing will become of it any more."""
        return self not in (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, slots=True)
class NewJob:
    """Work that is asked for."""

    id: str
    kind: str
    subject: str | None
    """Who asks."""

    request: str
    """A JSON object. Its member `secret`, if there is one, is forgotten when the job ends."""

    created_at_ms: int


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job as it is now."""

    id: str
    repository_id: str
    kind: str
    state: JobState
    subject: str | None
    request: str
    progress: str | None
    """JSON, of the holder's making."""

    error: str | None
    """A sentence."""

    created_at_ms: int
    updated_at_ms: int
    cancel_requested: bool


class Jobs(Protocol):
    """A part of every Catalog. Jobs of deleted repositories do not exist, but for whoever still works at one."""

    def add_job(self, repository_id: str, job: NewJob, *, first_version: int | None = None) -> None:
        """Queue it. Raises RepositoryMissing, and JobUnderWay if one of the kind has not ended.

        first_version: the repository's own, if it is to be no other one that has the id by now.
        """

    def job(self, job_id: str) -> JobRecord | None: ...

    def jobs(self, repository_id: str, kind: str) -> Sequence[JobRecord]:
        """Of a repository, newest first; of those that have ended the newest. Raises RepositoryMissing."""

    def claim_job(self, kind: str, holder: str, *, now_ms: int, ttl_ms: int) -> JobRecord | None:
        """Become the holder of the oldest job that has none, or whose holder's time is over; None: there is none.

        Those that were cancelled meanwhile, or whose repository was deleted, end instead. Cheap if there is none.
        """

    def update_job(self, job_id: str, holder: str, *, progress: str, now_ms: int, ttl_ms: int) -> JobRecord | None:
        """Say how far it is, and keep it. None: it is this holder's no more, or its repository was deleted."""

    def end_job(
        self, job_id: str, holder: str, state: JobState, *, progress: str, error: str | None, now_ms: int
    ) -> bool:
        """It has come to that end. False: it is this holder's no more, and somebody else tells how it ends."""

    def give_back_job(self, job_id: str, holder: str, *, now_ms: int) -> None:
        """Queue it again, if it is this holder's: it is to be begun anew."""

    def request_cancel(self, job_id: str, *, now_ms: int) -> None:
        """End it, if nobody works at it; else let its holder hear at the next update. Nothing if it has ended."""
