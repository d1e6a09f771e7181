"""Clients that can choose speak every version; the others are known to speak one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.clients.client import Client, Remote
from tests.support.clients.views import assert_cloned, public_refs
from tests.support.clients.wiretap import Wiretap
from tests.support.git import git
from tests.support.repositories import commit_file


@pytest.mark.parametrize("version", [pytest.param(n, marks=pytest.mark.feature(f"protocol v{n}")) for n in range(3)])
def test_clone_push_and_fetch_by_version(
    client: Client, version: int, stocked: Remote, small_repo: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    with Wiretap(stocked.url) as tap:
        remote = Remote(tap.through(stocked.url), stocked.token)
        client.clone(remote, clone, protocol=version)
        assert_cloned(clone, small_repo)
        git("checkout", "--quiet", "--orphan", "by-version", cwd=clone)
        git("rm", "-r", "--quiet", "--cached", ".", cwd=clone)
        pushed = commit_file(clone, "added", b"added\n")
        client.push(remote, clone, "refs/heads/by-version:refs/heads/by-version", protocol=version)
        client.fetch(remote, clone, protocol=version)
        refs = client.list_refs(remote.url, token=remote.token, protocol=version)
    assert refs["refs/heads/by-version"] == pushed
    assert refs.items() >= public_refs(small_repo).items()
    spoken = tap.fetch_versions()
    assert spoken == {version}, f"speaks version {spoken}"
