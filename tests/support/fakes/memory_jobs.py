"""Jobs in a list."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import RLock
from typing import Protocol

from packengine.storage.job_ports import JOBS_KEPT, JobRecord, JobState, NewJob
from packengine.storage.ports import JobUnderWay


class _Mortal(Protocol):
    @property
    def live(self) -> bool: ...


@dataclass
class _Job:
    repository: _Mortal
    record: JobRecord
    holder: str | None = None
    expires_at_ms: int = 0

    def is_free(self, now_ms: int) -> bool:
        return self.record.state is JobState.QUEUED or (
            self.record.state is JobState.RUNNING and self.expires_at_ms <= now_ms
        )

    def end(self, state: JobState, now_ms: int) -> None:
        request = {key: value for key, value in json.loads(self.record.request).items() if key != "secret"}
        text = json.dumps(request, separators=(",", ":"))
        self.record = replace(self.record, state=state, request=text, updated_at_ms=now_ms)
        self.holder = None


class MemoryJobs(ABC):
    """The jobs of a catalog whose lock and repositories are the subclass's."""

    _lock: RLock

    def __init__(self) -> None:
        super().__init__()
        self._jobs: list[_Job] = []

    @abstractmethod
    def _job_repository(self, repository_id: str, first_version: int | None = None) -> _Mortal: ...

    def add_job(self, repository_id: str, job: NewJob, *, first_version: int | None = None) -> None:
        """Queue it."""
        with self._lock:
            repository = self._job_repository(repository_id, first_version)
            others = [each for each in self._jobs if each.repository is repository and each.record.kind == job.kind]
            for each in others:
                if not each.record.state.has_ended:
                    raise JobUnderWay(f"{job.kind} {each.record.id} of the repository is under way")
            for each in others[:-JOBS_KEPT]:
                self._jobs.remove(each)
            at_ms = job.created_at_ms
            record = JobRecord(
                job.id,
                repository_id,
                job.kind,
                JobState.QUEUED,
                job.subject,
                job.request,
                None,
                None,
                at_ms,
                at_ms,
                cancel_requested=False,
            )
            self._jobs.append(_Job(repository, record))

    def job(self, job_id: str) -> JobRecord | None:
        """One of a live repository."""
        with self._lock:
            found = [each.record for each in self._jobs if each.record.id == job_id and each.repository.live]
            return found[0] if found else None

    def jobs(self, repository_id: str, kind: str) -> Sequence[JobRecord]:
        """Newest first."""
        with self._lock:
            repository = self._job_repository(repository_id)
            own = [each.record for each in self._jobs if each.repository is repository and each.record.kind == kind]
            return own[::-1]

    def claim_job(self, kind: str, holder: str, *, now_ms: int, ttl_ms: int) -> JobRecord | None:
        """The oldest that is free."""
        with self._lock:
            for each in self._jobs:
                if each.record.kind != kind or not each.is_free(now_ms):
                    continue
                if each.record.cancel_requested or not each.repository.live:
                    each.end(JobState.CANCELLED, now_ms)
                    continue
                each.record = replace(each.record, state=JobState.RUNNING, updated_at_ms=now_ms)
                each.holder, each.expires_at_ms = holder, now_ms + ttl_ms
                return each.record
            return None

    def update_job(self, job_id: str, holder: str, *, progress: str, now_ms: int, ttl_ms: int) -> JobRecord | None:
        """If it is the holder's."""
        with self._lock:
            job = self._held(job_id, holder)
            if job is None:
                return None
            job.record = replace(job.record, progress=progress, updated_at_ms=now_ms)
            job.expires_at_ms = now_ms + ttl_ms
            return job.record if job.repository.live else None

    def end_job(
        self, job_id: str, holder: str, state: JobState, *, progress: str, error: str | None, now_ms: int
    ) -> bool:
        """If it is the holder's."""
        with self._lock:
            job = self._held(job_id, holder)
            if job is None:
                return False
            job.record = replace(job.record, progress=progress, error=error)
            job.end(state, now_ms)
            return True

    def give_back_job(self, job_id: str, holder: str, *, now_ms: int) -> None:
        """If it is the holder's."""
        with self._lock:
            job = self._held(job_id, holder)
            if job is not None:
                job.record = replace(job.record, state=JobState.QUEUED, updated_at_ms=now_ms)
                job.holder = None

    def request_cancel(self, job_id: str, *, now_ms: int) -> None:
        """At once where nobody holds it."""
        with self._lock:
            for job in self._jobs:
                if job.record.id != job_id or job.record.state.has_ended:
                    continue
                if job.is_free(now_ms):
                    job.end(JobState.CANCELLED, now_ms)
                else:
                    job.record = replace(job.record, cancel_requested=True)

    def _held(self, job_id: str, holder: str) -> _Job | None:
        held = (each for each in self._jobs if each.record.id == job_id and each.holder == holder)
        return next(held, None)
