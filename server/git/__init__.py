"""Smart HTTP: the Git paths."""

from server.git.app import git_app

__all__ = ["git_app"]
