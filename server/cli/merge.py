"""`packhouse merge` and `packhouse sync`."""

from __future__ import annotations

from typing import Literal

import click

from packhouse_client.types.merges import Merged
from server.cli.commit import person
from server.cli.output import print_facts, print_wire
from server.cli.target import Target, target_options

_author = click.option("--author", metavar="'NAME <EMAIL>'", help="Who merges.")


@click.command()
@click.argument("repository_id", metavar="ID")
@click.argument("source", metavar="SOURCE")
@click.argument("into", metavar="TARGET")
@click.option("--from", "source_repo", metavar="ID", help="The repository of SOURCE, if it is another one: a fork.")
@click.option(
    "--strategy",
    type=click.Choice(["auto", "ff-only", "merge"]),
    default="auto",
    show_default=True,
    help="Whether a fast-forward will do, must do, or will not do.",
)
@click.option("-m", "--message", help="Of the merge commit.")
@_author
@target_options
def merge(
    target: Target,
    /,
    repository_id: str,
    source: str,
    into: str,
    source_repo: str | None,
    strategy: Literal["auto", "ff-only", "merge"],
    message: str | None,
    author: str | None,
) -> None:
    """Merge the branch SOURCE into the branch TARGET. Ends with 5 after conflicts, and names the paths."""
    with target.client() as client:
        merged = client.repo(repository_id).merge(
            source,
            into,
            source_repo=source_repo,
            strategy=strategy,
            message=message,
            author=None if author is None else person(author),
        )
    _print_merged(target, merged)


@click.command()
@click.argument("repository_id", metavar="ID")
@click.argument("branch", required=False)
@_author
@target_options
def sync(target: Target, repository_id: str, branch: str | None, author: str | None) -> None:
    """Take over a branch of the repository that ID is a fork of.  [default: HEAD's branch]"""
    with target.client() as client:
        merged = client.repo(repository_id).sync(branch, author=None if author is None else person(author))
    _print_merged(target, merged)


def _print_merged(target: Target, merged: Merged) -> None:
    if target.as_json:
        print_wire(merged)
        return
    how = "yes" if merged.fast_forward else "no"
    print_facts([("commit", merged.commit), ("branch", merged.target_branch), ("fast-forward", how)])
