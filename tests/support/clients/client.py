"""A Git client as the tests drive it: a program with the command line of all drivers.

    DRIVER clone URL DIR         a repository with a work tree: all branches, all tags, origin set; checked out or not
    DRIVER fetch DIR             all branches and tags from origin
    DRIVER push DIR REFSPEC...   to origin; an empty source deletes
    DRIVER list URL              `OID NAME` lines

    --token=TOKEN    the password, given when the client is asked for one; the user is `x`
    --depth=N        clone or fetch so many commits; 2147483647 undoes a boundary, as in Git
    --protocol=N     ask for this version of the wire
    --force          push what is no fast-forward

Exit status: 0 done; 1 failed; 2 the server refused the credentials. The reason is the last line of stderr.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_S = 60.0
UNSHALLOW = 2147483647
_REFUSED = 2


class ClientFailed(Exception):
    """The client ended with an error, or not at all; the message has what it said."""


class CredentialsRefused(ClientFailed):
    """The client understood that its credentials are wrong."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A repository of the server: its URL without credentials, and a token that may push."""

    url: str
    token: str

    @property
    def with_token(self) -> str:
        """The URL with the credentials in it."""
        return self.url.replace("://", f"://x:{self.token}@", 1)


@dataclass(frozen=True, slots=True)
class Client:
    """name: as in docs/clients.md; version: what was found on this machine."""

    name: str
    version: str
    command: tuple[str, ...]

    def clone(self, remote: Remote, path: Path, *, depth: int | None = None, protocol: int | None = None) -> None:
        self._run("clone", remote.url, path, token=remote.token, depth=depth, protocol=protocol)

    def fetch(self, remote: Remote, path: Path, *, depth: int | None = None, protocol: int | None = None) -> None:
        self._run("fetch", path, token=remote.token, depth=depth, protocol=protocol)

    def push(
        self, remote: Remote, path: Path, *refspecs: str, force: bool = False, protocol: int | None = None
    ) -> None:
        self._run("push", path, *refspecs, token=remote.token, force=force, protocol=protocol)

    def list_refs(self, url: str, *, token: str | None = None, protocol: int | None = None) -> dict[str, str]:
        """The refs below refs/, tags not peeled."""
        lines = [line.split(" ") for line in self._run("list", url, token=token, protocol=protocol).splitlines()]
        return {name: oid for oid, name in lines if name.startswith("refs/") and not name.endswith("^{}")}

    def _run(self, *words: str | Path, **options: str | int | bool | None) -> str:
        given = {name: value for name, value in options.items() if value is not None and value is not False}
        arguments = [f"--{name}" if value is True else f"--{name}={value}" for name, value in given.items()]
        return _run([*self.command, *arguments, *map(str, words)])


def _run(command: list[str]) -> str:
    with tempfile.TemporaryDirectory(prefix="packhouse-home-") as home:
        environment = {"HOME": home, "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        try:
            done = subprocess.run(
                command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired as error:
            said = (error.stderr or b"").decode(errors="replace")
            raise ClientFailed(f"no end within {TIMEOUT_S:g} s: {said}") from None
    if done.returncode:
        kind = CredentialsRefused if done.returncode == _REFUSED else ClientFailed
        raise kind(f"exit status {done.returncode}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode()
