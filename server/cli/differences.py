"""`packhouse diff` and `packhouse compare`: what differs."""

from __future__ import annotations

from collections.abc import Iterable

import click
from msgspec import UNSET

from packhouse_client.types.diffs import FileDiffItem, HunkItem
from server.cli.output import print_wire
from server.cli.target import Target, target_options

_SIGNS = {"ctx": " ", "add": "+", "del": "-"}

_context = click.option(
    "-U",
    "--context",
    type=click.IntRange(0, 1000),
    default=3,
    show_default=True,
    help="Unchanged lines around each change.",
)
_renames = click.option(
    "--renames/--no-renames", default=True, show_default=True, help="Whether to look for renamed files."
)
_stat = click.option("--stat", is_flag=True, help="Only how many lines of each file.")


@click.command()
@click.argument("repository_id", metavar="ID")
@click.argument("commit", metavar="SHA")
@click.option("--base", help="What to compare with.  [default: the commit's first parent]")
@_context
@_renames
@_stat
@target_options
def diff(
    target: Target, repository_id: str, commit: str, base: str | None, context: int, renames: bool, stat: bool
) -> None:
    """Show what a commit changed."""
    with target.client() as client:
        items = client.repo(repository_id).diff(commit, base, context=context, renames=renames)
        if target.as_json:
            print_wire(list(items))
        else:
            _print_files(items, stat=stat)


@click.command()
@click.argument("repository_id", metavar="ID")
@click.argument("old")
@click.argument("new")
@click.option("--direct", is_flag=True, help="The files as they are in OLD, not as where the two parted.")
@_context
@_renames
@_stat
@target_options
def compare(
    target: Target, repository_id: str, old: str, new: str, direct: bool, context: int, renames: bool, stat: bool
) -> None:
    """Show which commits NEW has that OLD has not, and what they change."""
    with target.client() as client:
        dots = ".." if direct else "..."
        pages = list(
            client.repo(repository_id).compare_pages(
                old,
                new,
                dots=dots,  # type: ignore[arg-type]  # one of the two
                context=context,
                renames=renames,
            )
        )
    commits = [item for page in pages for item in page.commits]
    if target.as_json:
        first = pages[0]
        print_wire(
            {
                "base": first.base,
                "head": first.head,
                "mergeBase": first.merge_base,
                "commits": commits,
                "files": first.files,
            }
        )
        return
    for item in commits:
        click.echo(f"{item.sha[:12]} {item.message.partition(chr(10))[0]}")
    _print_files(pages[0].files, stat=stat)


def _print_files(items: Iterable[FileDiffItem], *, stat: bool) -> None:
    for item in items:
        if stat:
            click.echo(f"{item.additions:>6} + {item.deletions:>6} -  {_title(item)}")
            continue
        click.echo(f"--- {_side('a', item.status == 'added', _old_path(item))}")
        click.echo(f"+++ {_side('b', item.status == 'deleted', item.path)}")
        if item.binary is True:
            click.echo("Binary files differ")
        for hunk in item.hunks:
            _print_hunk(hunk)
        if item.truncated is True:
            click.echo("(too large to be shown whole)", err=True)


def _print_hunk(hunk: HunkItem) -> None:
    click.echo(f"@@ -{hunk.old_start},{hunk.old_lines} +{hunk.new_start},{hunk.new_lines} @@")
    for line in hunk.lines:
        click.echo(_SIGNS[line.kind] + line.text)
        if line.no_newline is True:
            click.echo("\\ No newline at end of file")


def _title(item: FileDiffItem) -> str:
    return item.path if item.old_path is UNSET else f"{item.old_path} => {item.path}"


def _old_path(item: FileDiffItem) -> str:
    return item.path if item.old_path is UNSET else str(item.old_path)


def _side(letter: str, is_absent: bool, path: str) -> str:
    return "/dev/null" if is_absent else f"{letter}/{path}"
