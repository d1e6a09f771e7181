"""Anonymous and shared memory of all of the server's processes, two workers, while they serve one request."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.support.memory import watch
from benchmarks.support.null_client import clone, read_to_end
from benchmarks.support.served import UNDISTURBED, Served, copy_data, repository_url
from benchmarks.support.sizes import LARGE, at
from benchmarks.support.versus import Quantities
from tests.support.git import git
from tests.support.server import RunningServer

FETCHES: dict[str, dict[str, object]] = {
    "full": {},
    "depth_1": {"depth": 1},
    "blob_none": {"filter_spec": "blob:none"},
}


@at("40k", LARGE)
@pytest.mark.parametrize("kind", FETCHES)
def test_fetch_memory(quantities: Quantities, served: Served, kind: str, tmp_path: Path) -> None:
    """A fetch made anew and then the same from the pack cache, by a server that has done nothing before."""
    wants = [served.tip()] if kind == "depth_1" else served.wants()
    with RunningServer(copy_data(served.filled, tmp_path / "data"), arguments=UNDISTURBED) as server:
        prepared = clone(repository_url(server, served.token), wants, **FETCHES[kind])  # type: ignore[arg-type]  # a table
        cold = watch(server, lambda: read_to_end(prepared))
        warm = watch(server, lambda: read_to_end(prepared))
    quantities("cold", "MiB", [cold.peak_mib])
    quantities("warm", "MiB", [warm.peak_mib])
    quantities("a worker at rest", "MiB", [warm.rest_mib])


@at("40k", LARGE)
def test_push_memory(quantities: Quantities, served: Served, tmp_path: Path) -> None:
    """The first push of everything, by real Git."""
    with RunningServer(tmp_path / "data") as server:
        remote = server.create_repository("pushed")["remote"]
        use = watch(server, lambda: git("push", "--quiet", "--mirror", remote, cwd=served.repository))
    quantities("peak", "MiB", [use.peak_mib])
    quantities("a worker at rest", "MiB", [use.rest_mib])
