"""Asking for a purge, and telling how far one is."""

from __future__ import annotations

from msgspec import UNSET

from packengine.maintenance.purging import empty_blob
from packengine.repository import Actor, Engine, Limits
from packengine.repository.browsing import path_bytes
from packengine.storage.job_ports import JobRecord, JobState
from packengine.storage.ports import RepositoryRecord
from packhouse_client.types.purges import PurgedRef, PurgeJob, PurgeRepository, StillHeld
from server.purges.orders import PURGE, PurgeOrder, new_purge
from server.purges.progress import PurgeProgress

_STATEMENTS = (
    "Backups hold what the data folder held when they were made.",
    "Clones, forks and caches elsewhere hold what they fetched; a push from one of them can bring it back.",
    "A repository that was deleted and is undeleted within its days has what it had.",
)


class BadPurge(ValueError):
    """What is asked for cannot be purged. The message says why."""


def ask_purge(
    engine: Engine, record: RepositoryRecord, body: PurgeRepository, actor: Actor, *, is_admin: bool
) -> JobRecord:
    """Queue it. Reads and writes the catalog. Raises BadPurge, RepositoryMissing, JobUnderWay."""
    if (body.sha is None) == (body.path is None):
        raise BadPurge("one of sha and path is to be given")
    if body.sha is not None:
        _check_blob(engine, record, body.sha)
    if body.path is not None:
        path_bytes(body.path)
    job = new_purge(body.sha, body.path, actor, is_admin=is_admin)
    engine.catalog.add_job(record.id, job, first_version=record.first_version)
    found = engine.catalog.job(job.id)
    assert found is not None  # noqa: S101  # for the type checker: it was added just now
    return found


def latest_purge(engine: Engine, repository_id: str) -> JobRecord | None:
    """The purge of a repository that was asked for last. Raises RepositoryMissing."""
    return next(iter(engine.catalog.jobs(repository_id, PURGE)), None)


def told(job: JobRecord, limits: Limits) -> PurgeJob:
    """The job, as REST tells of it."""
    order, progress = PurgeOrder.of(job), PurgeProgress.of(job)
    return PurgeJob(
        id=job.id,
        sha=UNSET if order.sha is None else order.sha,
        path=UNSET if order.path is None else order.path,
        subject=job.subject,
        state=job.state.value,
        phase=progress.phase if job.state is JobState.RUNNING and progress.phase else UNSET,
        phase_done=progress.phase_done,
        phase_total=progress.phase_total,
        blobs=len(progress.blobs),
        rewritten_commits=progress.commits,
        rewritten_trees=progress.trees,
        rewritten_tags=progress.tags,
        moved_refs=[PurgedRef(ref, before, after) for ref, before, after in progress.moved],
        moved_ref_count=progress.moved_count,
        purged_repositories=progress.purged_count,
        still_held=_still_held(progress, limits) if progress.is_purged and job.state.has_ended else UNSET,
        error=job.error or UNSET,
        requested_at=job.created_at_ms // 1000,
        started_at=progress.started_at_ms // 1000 or None,
        finished_at=job.updated_at_ms // 1000 if job.state.has_ended else None,
    )


def _still_held(progress: PurgeProgress, limits: Limits) -> StillHeld:
    return StillHeld(
        repositories=progress.holding,
        repository_count=progress.holding_count,
        former_packs=progress.former_packs,
        former_bytes=progress.former_bytes,
        collection_grace_secs=limits.collection_grace_s,
        undelete_days=limits.undelete_days,
        statements=list(_STATEMENTS),
    )


def _check_blob(engine: Engine, record: RepositoryRecord, sha: str) -> None:
    """Of what the refs do not reach nothing is told: it may be another repository's, and is purged unseen."""
    state = engine.load(record.id)
    oid = bytes.fromhex(sha)
    if len(oid) != state.manifest.oid_len:
        raise BadPurge(f"ids of this repository have {2 * state.manifest.oid_len} digits")
    if oid == empty_blob(state.manifest.object_format):
        raise BadPurge("the empty blob holds nothing that could be purged")
    header = engine.pushes.visibility.usable(state).header(oid)
    if header is not None and header[0] != "blob":
        raise BadPurge(f"{sha} is a {header[0]}, no blob")
