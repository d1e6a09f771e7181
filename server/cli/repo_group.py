"""`packhouse repo` with all its commands."""

from __future__ import annotations

from server.cli.repo import repo
from server.cli.repo_import import import_from, import_status
from server.cli.repo_life import history, restore, undelete, update
from server.cli.repo_purge import purge, purge_status

__all__ = ["repo"]

for command in (undelete, update, history, restore, import_from, import_status, purge, purge_status):
    repo.add_command(command)
