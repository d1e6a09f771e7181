"""`packhouse repo`: repositories, made, listed, told, forked, deleted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import click
from msgspec import UNSET

from packengine.repository import Engine
from packengine.storage.ports import RepositoryRecord
from packhouse_client.types.repositories import RepositoryItem, RepositoryMade
from server.cli.output import print_facts, print_json, print_table, print_wire, size_text, time_text
from server.cli.target import Target, target_options

_PAGE = 1000

_read_only = click.option("--read-only", is_flag=True, help="Refuse pushes, whatever the token.")
_owner = click.option(
    "--owner", help="The subject it belongs to, in a data directory.  [default: nobody, so the administrator]"
)


@click.group()
def repo() -> None:
    """Make, list, show, fork, change, restore and delete repositories."""


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
@click.option("--description", default="", help="What it is for.")
@click.option("--public", "is_public", is_flag=True, help="Anybody may read it.")
@target_options
def create(
    target: Target,
    repository_id: str | None,
    owner: str | None,
    default_branch: str,
    object_format: Literal["sha1", "sha256"],
    read_only: bool,
    description: str,
    is_public: bool,
) -> None:
    """Make an empty repository and print its first token. Without ID, one is made up."""
    with target.client(may_create=True, owner=owner) as client:
        made = client.repos.create(
            repository_id,
            default_branch=default_branch,
            object_format=object_format,
            read_only=read_only,
            description=description,
            visibility="public" if is_public else "private",
        )
    print_made(target, made)


@repo.command()
@click.argument("source_id", metavar="SOURCE")
@click.argument("fork_id", metavar="[ID]", required=False)
@_owner
@_read_only
@click.option(
    "--count", type=click.IntRange(1, 10_000), help="So many at once, all or none, with ids that are made up."
)
@click.option("--ref", help="Only this ref.")
@click.option("--commit", help="Let the ref stand for this commit.")
@click.option("--at", help="The refs as they were then: 2026-11-21T20:00:00Z, or milliseconds since 1970.")
@target_options
def fork(
    target: Target,
    /,
    source_id: str,
    fork_id: str | None,
    owner: str | None,
    read_only: bool,
    count: int | None,
    **part: str | None,
) -> None:
    """Fork SOURCE and print the fork's first token. Without ID, one is made up."""
    with target.client(owner=owner) as client:
        source = client.repo(source_id)
        if count is None:
            print_made(target, source.fork(fork_id, read_only=read_only, **part))
            return
        if fork_id is not None:
            raise click.UsageError("ID and --count exclude each other")
        forks = source.fork_many(count, read_only=read_only, **part).forks
    if target.as_json:
        print_wire(forks)
    else:
        print_table(("ID", "TOKEN", "REMOTE"), [(each.id, each.token, each.remote) for each in forks])


@repo.command("list")
@click.option("--search", help="Only those whose id or description has this in it.")
@target_options
def listing(target: Target, search: str | None) -> None:
    """List all repositories, newest first."""
    with target.client() as client:
        items = list(client.repos.list(search=search))
    if target.as_json:
        print_wire(items)
        return
    rows = [(item.id, item.owner or "-", _source(item), time_text(item.created_at)) for item in items]
    print_table(("ID", "OWNER", "FORK OF", "CREATED"), rows)


@repo.command()
@click.argument("repository_id", metavar="ID")
@target_options
def show(target: Target, repository_id: str) -> None:
    """Show a repository and its refs."""
    with target.client() as client:
        told = client.repo(repository_id).show()
    if target.as_json:
        print_wire(told)
        return
    facts = [("id", told.id), ("owner", told.owner or "-")]
    facts += [("fork of", _source(told)), ("created", time_text(told.created_at))]
    facts += [("description", told.description or "-"), ("visibility", told.visibility)]
    facts += [("read-only", "yes" if told.read_only else "no"), ("size", size_text(told.size_bytes))]
    facts += [("commits", str(told.commit_count)), ("forks", str(told.fork_count))]
    head = "-" if told.head_sha is UNSET else str(told.head_sha)
    facts += [("HEAD", head), *((ref.name, ref.sha) for ref in told.refs)]
    print_facts(facts)


@repo.command()
@click.argument("repository_id", metavar="ID")
@click.option("--force", is_flag=True, help="Even if it has forks; they stay whole.")
@click.option("--cascade", is_flag=True, help="With all its forks, and theirs.")
@target_options
def delete(target: Target, repository_id: str, force: bool, cascade: bool) -> None:
    """Delete a repository."""
    if force and cascade:
        raise click.UsageError("--force and --cascade exclude each other")
    with target.client() as client:
        told = client.repo(repository_id).delete(force=force, cascade=cascade).deleted
    deleted = told if isinstance(told, list) else [repository_id]
    if target.as_json:
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


def print_made(target: Target, made: RepositoryMade) -> None:
    """A repository and its first token."""
    if target.as_json:
        print_wire(made)
    else:
        print_facts([("id", made.id), ("token", made.token), ("remote", made.remote)])


def _source(item: RepositoryItem) -> str:
    return "-" if item.source_id is UNSET else str(item.source_id)
