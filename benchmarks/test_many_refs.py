"""500,000 refs beside 100 of the same history, on the same server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.support.memory import watch
from benchmarks.support.null_client import read_to_end
from benchmarks.support.rival import HttpBackend
from benchmarks.support.served import UNDISTURBED, maintain
from benchmarks.support.sizes import repository_of
from benchmarks.support.small_requests import ls_refs, small_pushes
from benchmarks.support.variants import import_into, with_refs
from benchmarks.support.versus import Quantities, Versus
from tests.support.git import git
from tests.support.server import RunningServer

MANY, FEW = 500_000, 100
ROUNDS = 25


class ManyRefs:
    """Both repositories on a server of ours, and the large one on the rival's."""

    def __init__(self, server: RunningServer, many: Path, rival: str) -> None:
        self.server = server
        self.repository = many
        self.rival = f"{rival}/{many.name}"
        self.many, self.few = (self._url(repository_id) for repository_id in ("many", "few0"))

    def _url(self, repository_id: str) -> str:
        status, made = self.server.rest("POST", f"/v1/repos/{repository_id}/tokens", {"scope": "write"})
        assert status == 200, made
        address = self.server.url.replace("://", f"://x:{made['token']}@")
        return f"{address}/git/{repository_id}.git"


@pytest.fixture(scope="module")
def refs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManyRefs]:
    """Built once, through the engine."""
    scratch = tmp_path_factory.mktemp("refs")
    source = repository_of("8k")
    many, few = (with_refs(source, scratch / f"{count}.git", count) for count in (MANY, FEW))
    import_into(scratch / "data", {"many": many, "few0": few})
    maintain(scratch / "data")
    with RunningServer(scratch / "data", arguments=UNDISTURBED) as server, HttpBackend(scratch) as rival:
        yield ManyRefs(server, many, rival.url)


def test_ls_refs_memory(quantities: Quantities, refs: ManyRefs) -> None:
    """The full list is streamed: what it takes of a server that has done nothing before."""
    prepared = ls_refs(refs.many, prefixes=())
    quantities("peak", "MiB", [watch(refs.server, lambda: read_to_end(prepared)).peak_mib])


def test_ls_refs_of_many(versus: Versus, refs: ManyRefs) -> None:
    """Those that a prefix names: HEAD and one branch."""
    many, few = ls_refs(refs.many), ls_refs(refs.few)
    versus(lambda: read_to_end(many), {"100 refs": lambda: read_to_end(few)}, rounds=ROUNDS)


def test_ls_refs_of_all(versus: Versus, refs: ManyRefs) -> None:
    """The full list."""
    ours, rival = (ls_refs(url, prefixes=()) for url in (refs.many, refs.rival))
    versus(lambda: read_to_end(ours), {"http-backend": lambda: read_to_end(rival)}, rounds=3)


def test_push_to_many(versus: Versus, refs: ManyRefs, tmp_path: Path) -> None:
    """The POST alone of one commit to one new branch, then to the same, each on top of the last."""
    work = tmp_path / "work.git"
    git("clone", "--quiet", "--bare", "--single-branch", refs.repository, work)
    pushes = small_pushes(work, "refs/heads/small-pushes", ROUNDS + 1)
    many, few = (iter([push.to(url) for push in pushes]) for url in (refs.many, refs.few))
    versus(lambda: read_to_end(next(many)), {"100 refs": lambda: read_to_end(next(few))}, rounds=ROUNDS)
