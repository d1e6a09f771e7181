"""Smart HTTP: the Git paths."""

from server.git.app import git_app, nothing_follows

__all__ = ["git_app", "nothing_follows"]
