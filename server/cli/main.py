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

from importlib.metadata import version
from typing import Any

import click

from packhouse_client import ConfigurationError, ConnectionFailed, MergeConflict, PackhouseError, RefConflict
from server.cli.bare import export_command, import_command
from server.cli.browse import archive, cat, log, tree
from server.cli.commit import commit
from server.cli.differences import compare, diff
from server.cli.fsck import fsck
from server.cli.login import login, logout
from server.cli.maintain import maintain
from server.cli.merge import merge, sync
from server.cli.notes import notes
from server.cli.protect import protect
from server.cli.refs import refs
from server.cli.repo import repo
from server.cli.repo_import import import_from, import_status
from server.cli.repo_life import history, restore, undelete, update
from server.cli.serve import serve
from server.cli.token import token
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
        except ConfigurationError as error:
            raise click.UsageError(str(error)) from error
        except RefConflict as error:
            raise Conflict(str(error)) from error
        except MergeConflict as error:
            raise Conflict("\n  ".join([str(error), *error.conflicts])) from error
        except ConnectionFailed as error:
            raise NoAnswer(str(error)) from error
        except (*FAILURES, PackhouseError) as error:
            raise click.ClickException(str(error)) from error


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


_COMMANDS = (
    serve,
    login,
    logout,
    repo,
    token,
    commit,
    log,
    tree,
    cat,
    diff,
    compare,
    merge,
    sync,
    refs,
    notes,
    protect,
    archive,
    maintain,
    fsck,
    import_command,
    export_command,
)

for command in _COMMANDS:
    main.add_command(command)

for command in (undelete, update, history, restore, import_from, import_status):
    repo.add_command(command)
