"""Any build of stock Git. The first argument is its program."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support.clients.drivers.command_line import USER, Call, Failed, Refused, main, show_ref
from tests.support.clients.stock_git_version import FIRST_WITH_PROTOCOL_V2, stock_git_version

# It reads what it is told: before 2.22 Git dies of SIGPIPE if its helper ends too soon.
_HELPER = f"credential.helper=!f() {{ cat > /dev/null; echo username={USER}; echo password=$TOKEN; }}; f"


class StockGit:
    """The verbs, by one program."""

    def __init__(self, program: str) -> None:
        self._program = program

    def clone(self, call: Call) -> None:
        url, path = call.words
        self._git(call, "clone", *_depth(call), *(["--no-single-branch"] if call.depth else []), url, path)

    def fetch(self, call: Call) -> None:
        self._git(call, "-C", call.words[0], "fetch", "--tags", *_depth(call), "origin")

    def push(self, call: Call) -> None:
        path, *refspecs = call.words
        self._git(call, "-C", path, "push", *(["--force"] if call.force else []), "origin", *refspecs)

    def list_refs(self, call: Call) -> None:
        for line in self._git(call, "ls-remote", call.words[0]).splitlines():
            oid, name = line.split("\t")
            show_ref(oid, name)

    def _git(self, call: Call, *words: str) -> str:
        settings = [] if call.token is None else ["-c", _HELPER]
        settings += [] if call.protocol is None else self._protocol(call.protocol)
        environment = {**os.environ, "TOKEN": call.token or "", "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(
            [self._program, *settings, *words], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            kind = Refused if "Authentication failed" in done.stderr else Failed
            raise kind(done.stderr)
        return done.stdout

    def _protocol(self, version: int) -> list[str]:
        """An older Git passes over the setting."""
        if version and stock_git_version(self._program) < FIRST_WITH_PROTOCOL_V2:
            raise Failed("this Git speaks protocol version 0 only")
        return ["-c", f"protocol.version={version}"]


def _depth(call: Call) -> list[str]:
    return [] if call.depth is None else [f"--depth={call.depth}"]


if __name__ == "__main__":
    git = StockGit(sys.argv[1])
    verbs = {"clone": git.clone, "fetch": git.fetch, "push": git.push, "list": git.list_refs}
    sys.exit(main(verbs, sys.argv[2:]))
