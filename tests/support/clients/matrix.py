"""Which clients the tests run, and how each is found."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.support.child import child_command
from tests.support.clients import builds
from tests.support.clients.builds import ToolMissing
from tests.support.clients.client import Client
from tests.support.clients.limits import OLD_GIT
from tests.support.clients.stock_git_version import FIRST_WITH_PROTOCOL_V2, stock_git_version

EXTRA_GITS = os.environ.get("PACKHOUSE_TEST_GITS", "")
"""Programs of further builds of stock Git, separated by colons."""

_HERE = Path(__file__).parent
_DRIVERS = "tests.support.clients.drivers"


def _stock_git(program: str) -> Client:
    found = shutil.which(program)
    if found is None:
        raise ToolMissing(f"{program} not found (Debian: apt-get install git)")
    version = stock_git_version(found)
    name = "git" if version >= FIRST_WITH_PROTOCOL_V2 else OLD_GIT
    return Client(name, ".".join(map(str, version)), (*child_command(f"{_DRIVERS}.stock_git"), found))


def _python(name: str, module: str, package: str) -> Client:
    try:
        version = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        raise ToolMissing(f"{package} not installed (pip install '.[test]')") from None
    return Client(name, version, tuple(child_command(f"{_DRIVERS}.{module}")))


def _built(name: str, build: Callable[[], tuple[str, ...]], pinned_in: str, pattern: str) -> Client:
    command = build()
    version = re.search(pattern, (_HERE / pinned_in).read_text(encoding="utf-8"))
    assert version, pinned_in
    return Client(name, version[1], command)


_FINDERS: Mapping[str, Callable[[], Client]] = {
    "git": lambda: _stock_git("git"),
    "libgit2": lambda: _python("libgit2", "libgit2", "pygit2"),
    "dulwich": lambda: _python("dulwich", "dulwich_client", "dulwich"),
    "isomorphic-git": lambda: _built(
        "isomorphic-git", builds.isomorphic_git, "isomorphic/package.json", r'"isomorphic-git": "([^"]+)"'
    ),
    "go-git": lambda: _built("go-git", builds.go_git, "gogit/go.mod", r"go-git/v5 v(\S+)"),
    "JGit": lambda: _built("JGit", builds.jgit, "jgit/pom.xml", r"org\.eclipse\.jgit</artifactId>\s*<version>([^<]+)"),
}

NAMES = (*_FINDERS, *filter(None, EXTRA_GITS.split(":")))
"""The clients of docs/clients.md, then the programs of further builds of stock Git."""


def find_client(name: str) -> Client:
    """The client, ready to run. Raises ToolMissing."""
    finder = _FINDERS.get(name)
    return finder() if finder else _stock_git(name)
