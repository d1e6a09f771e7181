"""`packhouse import` and `packhouse export`: a bare repository in, a bare repository out."""

from __future__ import annotations

from pathlib import Path

import click

from core_ext import Cancel
from packengine.maintenance import Maintainer
from server.cli.options import Invocation, data_options
from server.cli.output import print_json
from server.cli.progress import progress_reporter


@click.command("import")
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--id", "repository_id", help="The new repository's id.  [default: one is made up]")
@data_options
def import_command(invocation: Invocation, path: Path, repository_id: str | None) -> None:
    """Make a repository out of the Git repository at PATH, bare or not, and print its id."""
    with invocation.engine(may_create=True) as engine, progress_reporter(quiet=invocation.as_json) as progress:
        made = engine.import_repository(path, repository_id, invocation.actor, progress=progress)
        if invocation.as_json:  # before the rest: the repository is there, whatever comes
            print_json({"id": made})
        else:
            click.echo(made)
        # Without a lease: nobody else knows of it yet, and its first clone is to be as fast as the others.
        Maintainer(engine.parts).maintain(made, progress=progress, cancel=Cancel())


@click.command("export")
@click.argument("repository_id", metavar="ID")
@click.argument("path", type=click.Path(path_type=Path))
@data_options
def export_command(invocation: Invocation, repository_id: str, path: Path) -> None:
    """Write the repository ID as a bare Git repository to PATH, which must not exist yet or be empty."""
    with invocation.engine() as engine, progress_reporter(quiet=invocation.as_json) as progress:
        engine.export_repository(repository_id, path, progress=progress)
    if invocation.as_json:
        print_json({"id": repository_id, "path": str(path)})
