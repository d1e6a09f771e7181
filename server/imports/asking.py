"""Asking for an import, and telling how far one is."""

from __future__ import annotations

from ipaddress import ip_address

from msgspec import UNSET

from packengine.refs.rules import BadRefPattern, check_pattern
from packengine.repository import Actor, Engine
from packengine.repository.remote_refs import ImportWish
from packengine.storage.job_ports import JobRecord, JobState
from packengine.storage.ports import RepositoryRecord
from packhouse_client.types.imports import ImportJob, ImportRepository, RefNotMoved
from server.config import Settings
from server.imports.addresses import AddressPolicy
from server.imports.failures import AddressRefused
from server.imports.orders import IMPORT, ImportOrder, new_import
from server.imports.progress import ImportProgress
from server.imports.remote_url import BadRemoteUrl, Credentials, RemoteUrl, parse_remote_url

_ANY_USER = "x"
"""Hosts look at the password alone."""


class BadImport(ValueError):
    """What is asked for cannot be imported. The message says why, and nothing that is secret."""


class NotEmpty(Exception):
    """The repository has refs, which did not come from there."""


def policy_of(settings: Settings) -> AddressPolicy:
    """Where imports may go."""
    return AddressPolicy.of(settings.import_allow, allow_private=settings.import_allow_private)


def ask_import(
    engine: Engine,
    settings: Settings,
    record: RepositoryRecord,
    body: ImportRepository,
    actor: Actor,
    *,
    is_admin: bool,
) -> JobRecord:
    """Queue it. Reads and writes the catalog. Raises BadImport, NotEmpty, RepositoryMissing, JobUnderWay."""
    url, credentials = _checked_url(body, policy_of(settings))
    for pattern in body.refs or ():
        _check_pattern(pattern)
    if record.read_only:
        raise BadImport("the repository is read-only")
    if not body.mirror and len(engine.load(record.id).manifest.refs) > 0 and not _came_from(engine, record.id, url):
        raise NotEmpty("the repository is not empty, and was not filled from there; with mirror it would be replaced")
    wish = ImportWish(body.refs, body.mirror)
    job = new_import(engine.catalog, url, credentials, wish, actor, is_admin=is_admin)
    engine.catalog.add_job(record.id, job, first_version=record.first_version)
    return _found(engine, record.id)


def latest_import(engine: Engine, repository_id: str) -> JobRecord | None:
    """The import of a repository that was asked for last. Raises RepositoryMissing."""
    return next(iter(engine.catalog.jobs(repository_id, IMPORT)), None)


def told(job: JobRecord) -> ImportJob:
    """The job, as REST tells of it."""
    order, progress = ImportOrder.of(job), ImportProgress.of(job)
    return ImportJob(
        id=job.id,
        url=order.url,
        refs=UNSET if order.refs is None else order.refs,
        mirror=order.mirror,
        subject=job.subject,
        state=job.state.value,
        phase=progress.phase if job.state is JobState.RUNNING else UNSET,
        received_bytes=progress.received_bytes,
        received_objects=progress.received_objects,
        total_objects=progress.total_objects,
        resolved_deltas=progress.resolved_deltas,
        total_deltas=progress.total_deltas,
        remote_says=progress.remote_says or UNSET,
        moved_refs=progress.moved,
        not_moved=[RefNotMoved(ref, reason) for ref, reason in progress.refused],
        not_moved_count=progress.refused_count,
        error=job.error or UNSET,
        requested_at=job.created_at_ms // 1000,
        started_at=progress.started_at_ms // 1000 or None,
        finished_at=job.updated_at_ms // 1000 if job.state.has_ended else None,
    )


def _checked_url(body: ImportRepository, policy: AddressPolicy) -> tuple[RemoteUrl, Credentials | None]:
    try:
        url, credentials = parse_remote_url(body.url)
        _check_literal(url, policy)
    except (BadRemoteUrl, AddressRefused) as error:
        raise BadImport(str(error)) from error
    if body.token is None:
        return url, credentials
    if credentials is not None and credentials.password:
        raise BadImport("a password in the url and a token beside it: which is meant?")
    user = _ANY_USER if credentials is None else credentials.user
    return url, Credentials(user, body.token)


def _check_literal(url: RemoteUrl, policy: AddressPolicy) -> None:
    """What the URL alone shows is told at once; names are resolved when they are connected to."""
    try:
        ip_address(url.host)
    except ValueError:
        if not url.is_encrypted and not (policy.allow_private or policy.hosts or policy.networks):
            raise BadRemoteUrl("url: only https:// can be imported from") from None
        return
    policy.check(url.host, url.host, is_encrypted=url.is_encrypted)


def _check_pattern(pattern: str) -> None:
    try:
        check_pattern(pattern)
    except BadRefPattern as error:
        raise BadImport(f"refs: {error}") from error


def _came_from(engine: Engine, repository_id: str, url: RemoteUrl) -> bool:
    """Whether that remote was imported here before: then it is brought up to date."""
    done = (job for job in engine.catalog.jobs(repository_id, IMPORT) if job.state is JobState.DONE)
    return any(ImportOrder.of(job).url == str(url) for job in done)


def _found(engine: Engine, repository_id: str) -> JobRecord:
    job = latest_import(engine, repository_id)
    assert job is not None  # noqa: S101  # for the type checker: it was added just now
    return job
