"""`packhouse repo import`: a repository filled from another server's."""

from __future__ import annotations

import time

import click

from packhouse_client import ApiError, Client, NotFound, Repository
from packhouse_client.types.imports import ImportJob
from server.cli.output import print_wire
from server.cli.progress import progress_reporter
from server.cli.target import Target, target_options

_POLL_S = 0.5
_ENDED = ("done", "failed", "cancelled")
_TOKEN_VARIABLE = "PACKHOUSE_IMPORT_TOKEN"  # noqa: S105  # the variable's name


@click.command("import")
@click.argument("repository_id", metavar="ID")
@click.argument("url", metavar="URL")
@click.option("--token", envvar=_TOKEN_VARIABLE, help=f"For the other server; better set {_TOKEN_VARIABLE}.")
@click.option("--ref", "refs", multiple=True, help="A pattern of refs; repeatable.  [default: branches and tags]")
@click.option("--mirror", is_flag=True, help="Make refs as they are there, also where that deletes one.")
@click.option("--no-wait", is_flag=True, help="Only ask for it.")
@target_options
def import_from(
    target: Target, repository_id: str, url: str, token: str | None, refs: tuple[str, ...], mirror: bool, no_wait: bool
) -> None:
    """Fill the repository ID, which is made if it is not there, from the one at URL, an https:// address.

    Ctrl-C stops waiting, not the import; `repo import-status` tells how far it is.
    """
    target.server_only("a server does imports from other servers (`packhouse import` takes a repository on this disk)")
    with target.client() as client:
        repository = client.repo(repository_id)
        is_made = _make(client, repository_id)
        try:
            job = repository.imports.start(url, token=token, refs=refs or None, mirror=mirror)
        except ApiError:
            if is_made:
                repository.delete()
            raise
        if not no_wait:
            job = _awaited(target, repository, job)
    _print_job(target, job)


@click.command("import-status")
@click.argument("repository_id", metavar="ID")
@click.option("--cancel", is_flag=True, help="Cancel it, if it has not ended.")
@target_options
def import_status(target: Target, repository_id: str, cancel: bool) -> None:
    """Tell how far the import of a repository is."""
    target.server_only("a server does imports from other servers")
    with target.client() as client:
        imports = client.repo(repository_id).imports
        _print_job(target, imports.cancel() if cancel else imports.show())


def _make(client: Client, repository_id: str) -> bool:
    """Whether it was not there."""
    try:
        client.repo(repository_id).show()
    except NotFound:
        client.repos.create(repository_id)
        return True
    return False


def _awaited(target: Target, repository: Repository, job: ImportJob) -> ImportJob:
    try:
        with progress_reporter(quiet=target.as_json) as report:
            while job.state not in _ENDED:
                report("objects", job.received_objects, job.total_objects or None)
                if job.total_deltas:
                    report("deltas", job.resolved_deltas, job.total_deltas)
                time.sleep(_POLL_S)
                job = repository.imports.show()
    except KeyboardInterrupt:
        click.echo("\nthe import goes on; `packhouse repo import-status` tells how far it is, and cancels it", err=True)
        raise
    return job


def _print_job(target: Target, job: ImportJob) -> None:
    if target.as_json:
        print_wire(job)
    if job.state == "failed":
        raise click.ClickException(f"the import of {job.url} failed: {job.error}")
    if not target.as_json:
        click.echo(f"{job.state}: {job.received_objects} objects, {job.moved_refs} refs moved")
        for each in job.not_moved:
            click.echo(f"  {each.ref}: {each.reason}")
