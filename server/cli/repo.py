"""`packhouse repo`: repositories, made, listed, told, forked, deleted."""

from __future__ import annotations

from collections.abc import Iterator

import click

from packengine.repository import Engine
from packengine.storage.ports import RepositoryRecord, TokenScope
from server.auth.minting import MintedToken, mint, remote_url
from server.cli.options import Invocation, data_options
from server.cli.output import print_facts, print_json, print_table, size_text, time_text

_PAGE = 1000

_read_only = click.option("--read-only", is_flag=True, help="Refuse pushes, whatever the token.")
_owner = click.option("--owner", help="The subject it belongs to.  [default: nobody, so the administrator]")


@click.group()
def repo() -> None:
    """Make, list, show, fork and delete repositories."""


@repo.command()
@click.argument("repository_id", metavar="[ID]", required=False)
@_owner
@click.option("--default-branch", default="main", show_default=True, help="The branch that HEAD names.")
@click.option(
    "--object-format",
    type=click.Choice(["sha1", "sha256"]),
    default="sha1",
    show_default=True,
    help="What names objects.",
)
@_read_only
@data_options
def create(
    invocation: Invocation,
    repository_id: str | None,
    owner: str | None,
    default_branch: str,
    object_format: str,
    read_only: bool,
) -> None:
    """Make an empty repository and print its first token. Without ID, one is made up."""
    minted = mint(TokenScope.WRITE, owner)
    with invocation.engine(may_create=True) as engine:
        made = engine.create_repository(
            repository_id,
            invocation.actor,
            owner=owner,
            default_branch=default_branch,
            object_format=object_format,
            read_only=read_only,
            token=minted.stored,
        )
    _print_made(invocation, made, minted)


@repo.command()
@click.argument("source_id", metavar="SOURCE")
@click.argument("fork_id", metavar="[ID]", required=False)
@_owner
@_read_only
@data_options
def fork(invocation: Invocation, source_id: str, fork_id: str | None, owner: str | None, read_only: bool) -> None:
    """Fork SOURCE and print the fork's first token. Without ID, one is made up."""
    minted = mint(TokenScope.READ if read_only else TokenScope.WRITE, owner)
    with invocation.engine() as engine:
        made = engine.fork_repository(
            source_id, fork_id, invocation.actor, owner=owner, read_only=read_only, token=minted.stored
        )
    _print_made(invocation, made, minted)


@repo.command("list")
@data_options
def listing(invocation: Invocation) -> None:
    """List all repositories, newest first."""
    with invocation.engine() as engine:
        records = list(all_repositories(engine))
    if invocation.as_json:
        print_json([_item(record) for record in records])
        return
    rows = [(r.id, r.owner or "-", r.source_id or "-", time_text(r.created_at_s)) for r in records]
    print_table(("ID", "OWNER", "FORK OF", "CREATED"), rows)


@repo.command()
@click.argument("repository_id", metavar="ID")
@data_options
def show(invocation: Invocation, repository_id: str) -> None:
    """Show a repository and its refs."""
    with invocation.engine() as engine:
        details = engine.describe(repository_id)
    numbers = {"sizeBytes": details.size_bytes, "commitCount": details.commit_count, "forkCount": details.fork_count}
    if invocation.as_json:
        refs = [{"name": name, "sha": sha} for name, sha in details.refs]
        print_json({**_item(details.record), "headSha": details.head_sha, **numbers, "refs": refs})
        return
    facts = [("id", details.record.id), ("owner", details.record.owner or "-")]
    facts += [("fork of", details.record.source_id or "-"), ("created", time_text(details.record.created_at_s))]
    facts += [("read-only", "yes" if details.record.read_only else "no"), ("size", size_text(details.size_bytes))]
    facts += [("commits", str(details.commit_count)), ("forks", str(details.fork_count))]
    facts += [("HEAD", details.head_sha or "-"), *((name, sha) for name, sha in details.refs)]
    print_facts(facts)


@repo.command()
@click.argument("repository_id", metavar="ID")
@click.option("--force", is_flag=True, help="Even if it has forks; they stay whole.")
@click.option("--cascade", is_flag=True, help="With all its forks, and theirs.")
@data_options
def delete(invocation: Invocation, repository_id: str, force: bool, cascade: bool) -> None:
    """Delete a repository."""
    if force and cascade:
        raise click.UsageError("--force and --cascade exclude each other")
    with invocation.engine() as engine:
        deleted = engine.delete_repository(repository_id, invocation.actor, force=force, cascade=cascade)
    if invocation.as_json:
        print_json({"deleted": deleted})
        return
    for each in deleted:
        click.echo(each)


def all_repositories(engine: Engine) -> Iterator[RepositoryRecord]:
    """Every live repository, newest first, read in pages."""
    offset = 0
    while page := engine.catalog.repositories(limit=_PAGE, offset=offset)[0]:
        yield from page
        offset += len(page)


def _print_made(invocation: Invocation, repository_id: str, minted: MintedToken) -> None:
    facts = [("id", repository_id), ("token", minted.text)]
    facts.append(("remote", remote_url(invocation.settings.base_url, repository_id, minted.text)))
    if invocation.as_json:
        print_json(dict(facts))
    else:
        print_facts(facts)


def _item(record: RepositoryRecord) -> dict[str, object]:
    return {
        "id": record.id,
        "owner": record.owner,
        "createdAt": record.created_at_s,
        "sourceId": record.source_id,
        "readOnly": record.read_only,
    }
