"""The calls of a SQLite catalog that are about jobs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from packengine.storage.job_ports import JobRecord, JobState, NewJob
from packengine.storage.sqlite import _jobs
from packengine.storage.sqlite._group_writer import GroupWriter
from packengine.storage.sqlite._readers import ReaderPool
from packengine.storage.sqlite._repositories import live_key, same_key


class JobCalls:
    """See packengine.storage.job_ports. The connections are the catalog's."""

    _writer: GroupWriter
    _readers: ReaderPool

    def add_job(self, repository_id: str, job: NewJob, *, first_version: int | None = None) -> None:
        """Queue it. Raises RepositoryMissing, JobUnderWay."""
        self._writer.run(
            lambda connection: _jobs.insert_job(connection, same_key(connection, repository_id, first_version), job)
        )

    def job(self, job_id: str) -> JobRecord | None:
        """One of a live repository."""
        with self._readers.connection() as connection:
            return _jobs.find_job(connection, job_id)

    def jobs(self, repository_id: str, kind: str) -> Sequence[JobRecord]:
        """Of a repository, newest first. Raises RepositoryMissing."""
        with self._readers.connection() as connection:
            return _jobs.list_jobs(connection, live_key(connection, repository_id), kind)

    def claim_job(self, kind: str, holder: str, *, now_ms: int, ttl_ms: int) -> JobRecord | None:
        """Become the holder of the oldest job that has none. Writes only if there is one."""
        with self._readers.connection() as connection:
            if not _jobs.has_claimable(connection, kind, now_ms):
                return None
        return self._writer.run(partial(_jobs.claim_job, kind=kind, holder=holder, now_ms=now_ms, ttl_ms=ttl_ms))

    def update_job(self, job_id: str, holder: str, *, progress: str, now_ms: int, ttl_ms: int) -> JobRecord | None:
        """Say how far it is, and keep it. None: the holder has it no more."""
        return self._writer.run(
            partial(_jobs.update_job, job_id=job_id, holder=holder, progress=progress, now_ms=now_ms, ttl_ms=ttl_ms)
        )

    def end_job(
        self, job_id: str, holder: str, state: JobState, *, progress: str, error: str | None, now_ms: int
    ) -> bool:
        """It has come to that end. False: it was not this holder's to end."""
        return self._writer.run(
            partial(
                _jobs.end_job,
                job_id=job_id,
                holder=holder,
                state=state,
                progress=progress,
                error=error,
                now_ms=now_ms,
            )
        )

    def give_back_job(self, job_id: str, holder: str, *, now_ms: int) -> None:
        """Queue it again, if it is this holder's."""
        self._writer.run(partial(_jobs.give_back_job, job_id=job_id, holder=holder, now_ms=now_ms))

    def request_cancel(self, job_id: str, *, now_ms: int) -> None:
        """End it, if nobody works at it; else let its holder hear."""
        self._writer.run(partial(_jobs.request_cancel, job_id=job_id, now_ms=now_ms))
