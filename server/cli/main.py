"""The command `packhouse` and its exit statuses.

0   done
1   it could not be done; stderr says why, in one sentence
2   wrong usage, or a setting that cannot be used
3   fsck found problems
4   another process maintains
5   a conflict: somebody else moved the ref, or both sides of a merge changed the same; stderr names the paths
6   no answer came from the server; whether a write was done is not known
130 stopped by Ctrl-C, or by SIGTERM
"""

from __future__ import annotations

import os
from importlib import import_module
from importlib.metadata import version
from typing import Any

import click

from packhouse_client import (
    ConfigurationError,
    ConnectionFailed,
    MergeConflict,
    PackhouseError,
    RefConflict,
    Unauthorized,
)
from server.cli.interruptible import INTERRUPTED
from server.config import SettingsError
from server.failures import FAILURES

CONFLICT = 5
NO_ANSWER = 6


class Conflict(click.ClickException):
    """Ends with a status of its own, so that a script knows to read anew and try again."""

    exit_code = CONFLICT


class NoAnswer(click.ClickException):
    """Ends with a status of its own, since what was asked for may have been done."""

    exit_code = NO_ANSWER


_COMMANDS = {
    "serve": "serve",
    "login": "login",
    "logout": "login",
    "repo": "repo_group",
    "token": "token",
    "commit": "commit",
    "log": "browse",
    "tree": "browse",
    "cat": "browse",
    "diff": "differences",
    "compare": "differences",
    "merge": "merge",
    "sync": "merge",
    "refs": "refs",
    "notes": "notes",
    "protect": "protect",
    "archive": "browse",
    "maintain": "maintain",
    "fsck": "fsck",
    "import": "bare",
    "export": "bare",
}
"""Commands in the order of `--help`, and where each is. Only the one that is called is imported: the web server alone,
which most of them do without, would double the time that they take to begin."""


class Cli(click.Group):
    """Turns what the layers below raise into one sentence and an exit status."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # of the class above
        """See click.Group."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # the same
        """See click.Group."""
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"server.cli.{_COMMANDS[cmd_name]}")
        found: click.Command = next(
            value for value in vars(module).values() if isinstance(value, click.Command) and value.name == cmd_name
        )
        return found

    def invoke(self, ctx: click.Context) -> Any:
        """See click.Group."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            click.echo(err=True)  # after the ^C of a terminal
            raise click.exceptions.Exit(INTERRUPTED) from error
        except BrokenPipeError:
            raise  # the reader of our output had enough; click ends without a word
        except (SettingsError, ConfigurationError) as error:
            raise click.UsageError(str(error)) from error
        except RefConflict as error:
            raise Conflict(str(error)) from error
        except MergeConflict as error:
            raise Conflict("\n  ".join([str(error), *error.conflicts])) from error
        except ConnectionFailed as error:
            raise NoAnswer(str(error)) from error
        except Unauthorized as error:
            raise click.ClickException(f"{error}: run `packhouse login`, or set PACKHOUSE_TOKEN") from error
        except OSError as error:
            raise click.ClickException(_told(error)) from error
        except (*FAILURES, PackhouseError) as error:
            raise click.ClickException(str(error)) from error


def _told(error: OSError) -> str:
    """Without the number, which tells people nothing."""
    where = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
    return f"{where}{error.strerror or error}"


@click.group(cls=Cli, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(version("packhouse"), prog_name="packhouse")
@click.option("--server", metavar="URL", help="The server to work on.")
def main(server: str | None) -> None:  # the commands look for it
    """Packhouse, a Git server for agents and CI.

    `serve` runs a server; `maintain`, `fsck`, `import` and `export` work on a data directory. All others work on a
    server or on a data directory: on what --server or --data-dir names, else PACKHOUSE_SERVER, else
    ARTIFACTS_DATA_DIR, else on the server of `packhouse login`, else on ./data. Unless it was named, stderr says where.

    The token for a server comes from PACKHOUSE_TOKEN or from `packhouse login`.
    """
