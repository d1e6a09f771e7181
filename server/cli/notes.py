"""`packhouse notes`: read, written, deleted."""

from __future__ import annotations

import sys

import click

from packhouse_client.types.notes import DEFAULT_NOTES_REF, Note
from server.cli.output import print_wire
from server.cli.target import Target, target_options

_ref = click.option("--ref", default=DEFAULT_NOTES_REF, show_default=True, help="The ref that the notes are in.")


@click.group()
def notes() -> None:
    """Read and write notes on commits, as `git notes` keeps them."""


@notes.command()
@click.argument("repository_id", metavar="ID")
@click.argument("commit", metavar="SHA")
@_ref
@target_options
def show(target: Target, repository_id: str, commit: str, ref: str) -> None:
    """Show the note on a commit."""
    with target.client() as client:
        _print_note(target, client.repo(repository_id).notes.show(commit, ref=ref))


@notes.command()
@click.argument("repository_id", metavar="ID")
@click.argument("commit", metavar="SHA")
@click.argument("text", metavar="TEXT")
@_ref
@click.option("--force", is_flag=True, help="Replace one that is there.")
@target_options
def write(target: Target, repository_id: str, commit: str, text: str, ref: str, force: bool) -> None:
    """Write a note on a commit; with `-` as TEXT what comes on stdin."""
    content = sys.stdin.read() if text == "-" else f"{text}\n"
    with target.client() as client:
        note = client.repo(repository_id).notes.write(commit, content, ref=ref, force=force)
    if target.as_json:
        print_wire(note)


@notes.command()
@click.argument("repository_id", metavar="ID")
@click.argument("commit", metavar="SHA")
@_ref
@target_options
def delete(target: Target, repository_id: str, commit: str, ref: str) -> None:
    """Take the note on a commit away."""
    with target.client() as client:
        note = client.repo(repository_id).notes.delete(commit, ref=ref)
    if target.as_json:
        print_wire(note)


def _print_note(target: Target, note: Note) -> None:
    if target.as_json:
        print_wire(note)
    else:
        click.echo(note.text, nl=not note.text.endswith("\n"))
