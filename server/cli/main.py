"""The command `packhouse` and its exit statuses.

0   done
1   it could not be done; stderr says why, in one sentence
2   wrong usage, or a setting that cannot be used
3   fsck found problems
4   another process maintains
130 stopped by Ctrl-C, or by SIGTERM
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import click

from server.cli.bare import export_command, import_command
from server.cli.fsck import fsck
from server.cli.maintain import maintain
from server.cli.repo import repo
from server.cli.serve import serve
from server.cli.token import token
from server.config import SettingsError
from server.failures import FAILURES


class Cli(click.Group):
    """Turns what the layers below raise into one sentence and an exit status."""

    def invoke(self, ctx: click.Context) -> Any:
        """See click.Group."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # the reader of our output had enough; click ends without a word
        except SettingsError as error:
            raise click.UsageError(str(error)) from error
        except FAILURES as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Cli, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(version("packhouse"), prog_name="packhouse")
def main() -> None:
    """Packhouse, a Git server for agents and CI."""


for command in (serve, repo, token, maintain, fsck, import_command, export_command):
    main.add_command(command)
