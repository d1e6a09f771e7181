"""The command line: `packhouse`."""

from server.cli.main import main

__all__ = ["main"]
