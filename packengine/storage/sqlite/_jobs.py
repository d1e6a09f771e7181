"""Rows of jobs: queued, claimed by whoever works at them, ended with their secrets forgotten."""

from __future__ import annotations

import sqlite3

from packengine.storage.job_ports import JOBS_KEPT, JobRecord, JobState, NewJob
from packengine.storage.ports import JobUnderWay

_RECORD = """
    SELECT j.id, r.id, j.kind, j.state, j.subject, j.request, j.progress, j.error,
        j.created_at_ms, j.updated_at_ms, j.cancel_requested
    FROM job j JOIN repository r ON r.key = j.repository
    WHERE r.deleted_at_s IS NULL
"""
_UNFINISHED = "SELECT id FROM job WHERE"
_SET = "UPDATE job SET updated_at_ms = :now_ms,"
_OLDEST = "rowid = (SELECT min(rowid) FROM job WHERE kind = :kind AND"
_OPEN = "state IN ('queued', 'running')"
_FREE = "(state = 'queued' OR expires_at_ms <= :now_ms)"
_IS_DEAD = "(SELECT deleted_at_s FROM repository WHERE key = job.repository) IS NOT NULL"
_FORGET = "request = json_remove(request, '$.secret'), holder = NULL, expires_at_ms = NULL"
_HELD = "id = :id AND holder = :holder AND state = 'running'"


def insert_job(connection: sqlite3.Connection, repository_key: int, job: NewJob) -> None:
    """Raises JobUnderWay. Forgets the oldest of those that have ended."""
    query = f"{_UNFINISHED} repository = ? AND kind = ? AND {_OPEN}"
    other = connection.execute(query, (repository_key, job.kind)).fetchone()
    if other is not None:
        raise JobUnderWay(f"{job.kind} {other[0]} of the repository is under way")
    connection.execute(
        """
        DELETE FROM job WHERE rowid IN (
            SELECT rowid FROM job WHERE repository = ? AND kind = ? ORDER BY rowid DESC LIMIT -1 OFFSET ?
        )
        """,
        (repository_key, job.kind, JOBS_KEPT),
    )
    connection.execute(
        """
        INSERT INTO job (id, repository, kind, state, subject, request, created_at_ms, updated_at_ms)
        VALUES (?, ?, ?, 'queued', ?, ?, ?, ?)
        """,
        (job.id, repository_key, job.kind, job.subject, job.request, job.created_at_ms, job.created_at_ms),
    )


def find_job(connection: sqlite3.Connection, job_id: str) -> JobRecord | None:
    """One of a live repository."""
    row = connection.execute(f"{_RECORD} AND j.id = ?", (job_id,)).fetchone()
    return None if row is None else _record(row)


def list_jobs(connection: sqlite3.Connection, repository_key: int, kind: str) -> list[JobRecord]:
    """Newest first."""
    rows = connection.execute(
        f"{_RECORD} AND j.repository = ? AND j.kind = ? ORDER BY j.rowid DESC", (repository_key, kind)
    )
    return [_record(row) for row in rows]


def has_claimable(connection: sqlite3.Connection, kind: str, now_ms: int) -> bool:
    """Whether claiming would do anything: asked often, and mostly not."""
    query = f"{_UNFINISHED} kind = :kind AND {_OPEN} AND {_FREE} LIMIT 1"
    return connection.execute(query, {"kind": kind, "now_ms": now_ms}).fetchone() is not None


def claim_job(connection: sqlite3.Connection, kind: str, holder: str, now_ms: int, ttl_ms: int) -> JobRecord | None:
    """End what nobody wants any more, then take the oldest."""
    figures = {"kind": kind, "holder": holder, "now_ms": now_ms, "expires_at_ms": now_ms + ttl_ms}
    connection.execute(
        f"""
        {_SET} state = 'cancelled', {_FORGET}
        WHERE kind = :kind AND {_OPEN} AND {_FREE} AND (cancel_requested OR {_IS_DEAD})
        """,
        figures,
    )
    row = connection.execute(
        f"{_SET} state = 'running', holder = :holder, expires_at_ms = :expires_at_ms "
        f"WHERE {_OLDEST} {_OPEN} AND {_FREE}) RETURNING id",
        figures,
    ).fetchone()
    return None if row is None else find_job(connection, row[0])


def update_job(
    connection: sqlite3.Connection, job_id: str, holder: str, progress: str, now_ms: int, ttl_ms: int
) -> JobRecord | None:
    """None: the holder has it no more."""
    cursor = connection.execute(
        f"{_SET} progress = :progress, expires_at_ms = :expires_at_ms WHERE {_HELD}",
        {"id": job_id, "holder": holder, "progress": progress, "now_ms": now_ms, "expires_at_ms": now_ms + ttl_ms},
    )
    return find_job(connection, job_id) if cursor.rowcount else None


def end_job(
    connection: sqlite3.Connection,
    job_id: str,
    holder: str,
    state: JobState,
    progress: str,
    error: str | None,
    now_ms: int,
) -> bool:
    """Whether it was the holder's to end."""
    cursor = connection.execute(
        f"{_SET} state = :state, progress = :progress, error = :error, {_FORGET} WHERE {_HELD}",
        {
            "id": job_id,
            "holder": holder,
            "state": state.value,
            "progress": progress,
            "error": error,
            "now_ms": now_ms,
        },
    )
    return bool(cursor.rowcount)


def give_back_job(connection: sqlite3.Connection, job_id: str, holder: str, now_ms: int) -> None:
    """Queue it again."""
    connection.execute(
        f"{_SET} state = 'queued', holder = NULL, expires_at_ms = NULL WHERE {_HELD}",
        {"id": job_id, "holder": holder, "now_ms": now_ms},
    )


def request_cancel(connection: sqlite3.Connection, job_id: str, now_ms: int) -> None:
    """At once where nobody holds it."""
    figures = {"id": job_id, "now_ms": now_ms}
    connection.execute(f"{_SET} state = 'cancelled', {_FORGET} WHERE id = :id AND {_OPEN} AND {_FREE}", figures)
    connection.execute("UPDATE job SET cancel_requested = 1 WHERE id = :id AND state = 'running'", figures)


def _record(row: tuple[str, str, str, str, str | None, str, str | None, str | None, int, int, int]) -> JobRecord:
    job_id, repository_id, kind, state, subject, request, progress, error, created_at_ms, updated_at_ms, cancel = row
    return JobRecord(
        job_id,
        repository_id,
        kind,
        JobState(state),
        subject,
        request,
        progress,
        error,
        created_at_ms,
        updated_at_ms,
        cancel_requested=bool(cancel),
    )
