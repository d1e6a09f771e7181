"""Processes: a parent that owns the listening socket and keeps workers alive, and the workers that serve it."""

from server.process.sockets import ListenError
from server.process.supervisor import StartupError, run_server

__all__ = ["ListenError", "StartupError", "run_server"]
