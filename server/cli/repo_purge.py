"""`packhouse repo purge`: something that must not be there, taken out of all of a repository's history."""

from __future__ import annotations

import time

import click

from packhouse_client import Repository
from packhouse_client.types.purges import PurgeJob
from server.cli.output import print_wire
from server.cli.progress import progress_reporter
from server.cli.target import Target, target_options

_POLL_S = 0.5
_ENDED = ("done", "failed", "cancelled")
_SERVER_ONLY = "a server does purges"


@click.command("purge")
@click.argument("repository_id", metavar="ID")
@click.option("--sha", help="The id of a blob.")
@click.option("--path", help="A file: all that any commit has there.")
@click.option("--no-wait", is_flag=True, help="Only ask for it.")
@target_options
def purge(target: Target, repository_id: str, sha: str | None, path: str | None, no_wait: bool) -> None:
    """Take a blob, or all that ever was at a path, out of the whole history of the repository ID.

    Commits that reach it get new ids, and there is no way back. Ctrl-C stops waiting, not the purge; `repo
    purge-status` tells how far it is.
    """
    target.server_only(_SERVER_ONLY)
    if (sha is None) == (path is None):
        raise click.UsageError("one of --sha and --path is to be given")
    with target.client() as client:
        repository = client.repo(repository_id)
        job = repository.purges.start(sha=sha, path=path)
        if not no_wait:
            job = _awaited(target, repository, job)
    _print_job(target, job)


@click.command("purge-status")
@click.argument("repository_id", metavar="ID")
@click.option("--cancel", is_flag=True, help="Cancel it, if it has not ended.")
@target_options
def purge_status(target: Target, repository_id: str, cancel: bool) -> None:
    """Tell how far the purge of a repository is, and what holds the bytes still."""
    target.server_only(_SERVER_ONLY)
    with target.client() as client:
        purges = client.repo(repository_id).purges
        _print_job(target, purges.cancel() if cancel else purges.show())


def _awaited(target: Target, repository: Repository, job: PurgeJob) -> PurgeJob:
    with progress_reporter(quiet=target.as_json) as report:
        while job.state not in _ENDED:
            if job.phase:
                report(job.phase, job.phase_done, job.phase_total or None)
            time.sleep(_POLL_S)
            job = repository.purges.show()
    return job


def _print_job(target: Target, job: PurgeJob) -> None:
    if target.as_json:
        print_wire(job)
    if job.state == "failed":
        raise click.ClickException(f"the purge failed: {job.error}")
    if target.as_json:
        return
    click.echo(f"{job.state}: {job.blobs} contents, {job.rewritten_commits} commits, {job.moved_ref_count} refs moved")
    if job.still_held:
        for name in job.still_held.repositories:
            click.echo(f"  held by repository {name}")
        grace = job.still_held.collection_grace_secs
        click.echo(f"  held by {job.still_held.former_packs} former packs, until a collection and {grace} s")
        for statement in job.still_held.statements:
            click.echo(f"  {statement}")
