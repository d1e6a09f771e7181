"""`packhouse refs`: listed, moved, deleted."""

from __future__ import annotations

import click
from msgspec import UNSET, UnsetType

from server.cli.output import print_wire
from server.cli.target import Target, target_options

_ABSENT = "none"

_expected = click.option(
    "--expect", metavar="SHA", help=f"What it must stand for; `{_ABSENT}`: it must not exist.  [default: anything]"
)


@click.group()
def refs() -> None:
    """List, move and delete refs."""


@refs.command("list")
@click.argument("repository_id", metavar="ID")
@click.argument("prefix", default="")
@target_options
def listing(target: Target, repository_id: str, prefix: str) -> None:
    """List refs, as `git ls-remote` does; with PREFIX those whose names begin so, as refs/heads/."""
    with target.client() as client:
        items = list(client.repo(repository_id).refs.list(prefix))
    if target.as_json:
        print_wire(items)
        return
    for item in items:
        click.echo(f"{item.sha}\t{item.name}")


@refs.command("move")
@click.argument("repository_id", metavar="ID")
@click.argument("name", metavar="REF")
@click.argument("sha", metavar="SHA")
@_expected
@target_options
def move(target: Target, repository_id: str, name: str, sha: str, expect: str | None) -> None:
    """Let REF, as refs/heads/main, stand for SHA. Ends with 5 if it does not stand for what is expected."""
    expected: str | UnsetType | None = UNSET if expect is None else None if expect == _ABSENT else expect
    with target.client() as client:
        item = client.repo(repository_id).refs.move(full_name(name), sha, expected=expected)
    if target.as_json:
        print_wire(item)


@refs.command("delete")
@click.argument("repository_id", metavar="ID")
@click.argument("name", metavar="REF")
@click.option("--expect", metavar="SHA", help="What it must stand for.  [default: anything]")
@target_options
def delete(target: Target, repository_id: str, name: str, expect: str | None) -> None:
    """Delete REF, as refs/heads/topic. Ends with 5 if it does not stand for what is expected."""
    with target.client() as client:
        client.repo(repository_id).refs.delete(full_name(name), expected=expect)
    if target.as_json:
        print_wire({"deleted": name})


def full_name(name: str) -> str:
    """Raises UsageError for a short one: it could be a branch or a tag."""
    if not name.startswith("refs/"):
        raise click.UsageError(f"not the full name of a ref, as refs/heads/{name}: {name!r}")
    return name
