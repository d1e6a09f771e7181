"""`packhouse commit`: files on this disk, or what comes on stdin, as a commit, without a clone."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from packhouse_client import Repository
from packhouse_client.changes import delete, move, write
from packhouse_client.types.commits import Change, Person
from server.cli.output import print_facts, print_wire
from server.cli.target import Target, target_options

_PERSON = re.compile(r"(?P<name>[^<>]*?) *<(?P<email>[^<>]*)>")
_LINK, _PROGRAM, _FILE = "120000", "100755", "100644"


@click.command()
@click.argument("repository_id", metavar="ID")
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("-b", "--branch", default="main", show_default=True, help="The branch; made if it does not exist.")
@click.option("-m", "--message", required=True, help="What it is about.")
@click.option(
    "-C",
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    help="The folder that the PATHs are in.  [default: here]",
)
@click.option(
    "--write", "written", metavar="PATH=FILE", multiple=True, help="FILE, or - for stdin, at PATH; repeatable."
)
@click.option("--delete", "deleted", metavar="PATH", multiple=True, help="No file or folder there; repeatable.")
@click.option("--move", "moved", metavar="OLD NEW", nargs=2, multiple=True, help="A file or folder; repeatable.")
@click.option("--parent", metavar="SHA", help="What the branch must stand for.  [default: what it does]")
@click.option("--author", metavar="'NAME <EMAIL>'", help="Who made the changes.")
@click.option("--force", is_flag=True, help="Move the branch whatever it stands for.")
@click.option("--allow-empty", is_flag=True, help="Also without anything to change.")
@target_options
def commit(
    target: Target,
    /,
    repository_id: str,
    paths: tuple[Path, ...],
    branch: str,
    message: str,
    parent: str | None,
    author: str | None,
    force: bool,
    **edits: Any,
) -> None:
    """Commit files to a branch of ID: each PATH as it is on this disk, folders with all that is in them.

    Moves come first, then deletions, then files. Ends with 5 if somebody else has moved the branch.
    """
    changes = _changes(paths, **edits)
    with target.client() as client:
        repository = client.repo(repository_id)
        made = repository.commits.create(
            branch,
            message,
            changes,
            parent=parent or branch_tip(repository, branch),
            author=None if author is None else person(author),
            force=force,
        )
    if target.as_json:
        print_wire(made)
    else:
        print_facts([("commit", made.commit), ("tree", made.tree), ("branch", made.branch)])


def branch_tip(repository: Repository, branch: str) -> str | None:
    """What a branch stands for; None if it does not exist."""
    name = branch if branch.startswith("refs/") else f"refs/heads/{branch}"
    first = next(repository.refs.list(name, page=1), None)
    return first.sha if first is not None and first.name == name else None


def person(text: str) -> Person:
    """Somebody as Git writes them. Raises UsageError."""
    found = _PERSON.fullmatch(text.strip())
    if found is None:
        raise click.UsageError(f"not 'NAME <EMAIL>': {text!r}")
    return Person(found["name"], found["email"])


def _changes(
    paths: tuple[Path, ...],
    *,
    root: Path,
    written: tuple[str, ...],
    deleted: tuple[str, ...],
    moved: tuple[tuple[str, str], ...],
    allow_empty: bool = False,
) -> list[Change]:
    changes: list[Change] = [move(source, aim) for source, aim in moved]
    changes += [delete(path) for path in deleted]
    for each in written:
        path, has_file, file = each.partition("=")
        if not has_file:
            raise click.UsageError(f"--write takes PATH=FILE: {each!r}")
        changes.append(write(path, sys.stdin.buffer.read()) if file == "-" else _content(Path(file), path))
    changes += _files(root, paths)
    if not (changes or allow_empty):
        raise click.UsageError("nothing to commit: name PATHs, --write, --delete or --move; or give --allow-empty")
    return changes


def _files(root: Path, paths: tuple[Path, ...]) -> Iterator[Change]:
    for path in paths:
        if path.is_absolute() or ".." in path.parts:
            raise click.UsageError(f"not a path within {root}: {path}")
        for each in _below(root / path):
            yield _file(each, each.relative_to(root).as_posix())


def _below(path: Path) -> Iterator[Path]:
    """The files at a path, or in it; what Git keeps of itself is none of them."""
    if path.is_symlink() or not path.is_dir():
        yield path
        return
    for each in sorted(path.iterdir()):
        if each.name != ".git":
            yield from _below(each)


def _file(path: Path, name: str) -> Change:
    """What is at a path: links stay links. Raises UsageError for a pipe or a socket, where a read may wait for ever."""
    if path.is_symlink():
        return write(name, os.fsencode(path.readlink()), mode=_LINK)
    if path.exists() and not path.is_file():
        raise click.UsageError(f"neither a file, a folder nor a link: {path}")
    return _content(path, name)


def _content(path: Path, name: str) -> Change:
    is_program = os.access(path, os.X_OK)
    return write(name, path.read_bytes(), mode=_PROGRAM if is_program else _FILE)
