"""`packhouse log`, `tree`, `cat` and `archive`: what is in a repository."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Literal

import click
from msgspec import UNSET

from packhouse_client import Download
from packhouse_client.types.log import CommitItem
from server.cli.output import print_table, print_wire
from server.cli.target import Target, target_options

_RANGE = re.compile(r"(?P<first>\d+)-(?P<last>\d*)|-\d+", re.ASCII)

_ref = click.option("--ref", default="HEAD", show_default=True, help="A branch, a tag, a commit, or as `main~2`.")


@click.command()
@click.argument("repository_id", metavar="ID")
@click.argument("ref", default="HEAD")
@click.option("--path", default="", help="Only commits that changed this file or folder.")
@click.option("--since", help="Of this time or later: 2026-11-21T20:00:00Z, or seconds since 1970.")
@click.option("--until", help="Of this time or earlier.")
@click.option("-n", "--max-count", type=click.IntRange(1), default=50, show_default=True, help="So many at most.")
@click.option("--oneline", is_flag=True, help="A line for each.")
@target_options
def log(
    target: Target,
    /,
    repository_id: str,
    ref: str,
    max_count: int,
    oneline: bool,
    path: str,
    since: str | None,
    until: str | None,
) -> None:
    """Show the commits that REF reaches, newest first.  [default: HEAD]"""
    with target.client() as client:
        items = client.repo(repository_id).commits.log(
            ref, path=path, since=since, until=until, page=min(max_count, 500)
        )
        shown = islice(items, max_count)
        if target.as_json:
            print_wire(list(shown))
        else:
            _print_log(shown, oneline=oneline)


@click.command()
@click.argument("repository_id", metavar="ID")
@click.argument("path", default="")
@_ref
@click.option("-r", "--recursive", is_flag=True, help="Also what lies deeper.")
@target_options
def tree(target: Target, repository_id: str, path: str, ref: str, recursive: bool) -> None:
    """List what a folder holds: mode, type, id, size, path.  [default: the topmost one]"""
    with target.client() as client:
        items = list(client.repo(repository_id).tree(ref, path, recursive=recursive))
    if target.as_json:
        print_wire(items)
        return
    rows = [
        (item.mode, item.type, item.sha, "-" if item.size is UNSET else str(item.size), item.path) for item in items
    ]
    print_table(("MODE", "TYPE", "ID", "SIZE", "PATH"), rows)


def _octet_range(_context: click.Context, _option: click.Parameter, asked: str | None) -> str | None:
    """As HTTP has it, except that HTTP answers what is no range with everything."""
    found = _RANGE.fullmatch(asked or "0-")
    if found is None or (found["last"] and int(found["last"]) < int(found["first"])):
        raise click.BadParameter(f"{asked!r} is not of the form FIRST-LAST, FIRST- or -COUNT")
    return asked


@click.command()
@click.argument("repository_id", metavar="ID")
@click.argument("path")
@_ref
@click.option(
    "--range",
    "octet_range",
    metavar="FIRST-LAST",
    callback=_octet_range,
    help="Only these octets, as `0-1023`; `1024-` is all from there on, `-10` the last ten.",
)
@target_options
def cat(target: Target, repository_id: str, path: str, ref: str, octet_range: str | None) -> None:
    """Write the content of a file to stdout, octet by octet."""
    with target.client() as client, client.repo(repository_id).blob(path, ref, octet_range=octet_range) as download:
        _copy(download, None)


@click.command()
@click.argument("repository_id", metavar="ID")
@click.argument("ref", default="HEAD")
@click.option("--format", "kind", type=click.Choice(["tar.gz", "zip"]), default="tar.gz", show_default=True)
@click.option("--prefix", help="Before all paths.  [default: ID and the commit]")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="A file.  [default: stdout]")
@target_options
def archive(
    target: Target,
    repository_id: str,
    ref: str,
    kind: Literal["tar.gz", "zip"],
    prefix: str | None,
    output: Path | None,
) -> None:
    """Write all files of REF as one archive: the same octets each time.  [default: HEAD]"""
    if output is None and sys.stdout.isatty():
        raise click.UsageError("an archive is nothing for a terminal; give --output")
    with target.client() as client, client.repo(repository_id).archive(ref, kind, prefix=prefix) as download:
        _copy(download, output)


def _copy(download: Download, output: Path | None) -> None:
    if output is None:
        for piece in download:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    with output.open("wb") as file:
        for piece in download:
            file.write(piece)


def _print_log(items: Iterable[CommitItem], *, oneline: bool) -> None:
    for number, item in enumerate(items):
        if oneline:
            click.echo(f"{item.sha[:12]} {item.message.partition(chr(10))[0]}")
            continue
        click.echo(("\n" if number else "") + f"commit {item.sha}")
        if len(item.parents) > 1:
            click.echo("Merge: " + " ".join(parent[:12] for parent in item.parents))
        click.echo(f"Author: {item.author.name} <{item.author.email}>")
        click.echo(f"Date:   {datetime.fromtimestamp(item.author_timestamp, UTC):%Y-%m-%d %H:%M:%SZ}\n")
        for line in item.message.rstrip("\n").split("\n"):
            click.echo(f"    {line}".rstrip())
