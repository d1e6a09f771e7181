"""A cache before the server, as the page on operation sets it up: the second clone costs the origin nothing."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

import httpx
import pytest

from tests.support.downloads import Account, bundle_url
from tests.support.git import git
from tests.support.nginx import cache_before, free_port
from tests.support.repositories import commit_file
from tests.support.server import RunningServer

SMALL_SIZES = ("--min-bundle-bytes", "1", "--min-packfile-uri-bytes", "1")


@pytest.mark.skipif(shutil.which("nginx") is None, reason="this machine has no nginx (Debian: apt-get install nginx)")
def test_a_cache_keeps_what_is_signed_and_nothing_else(tmp_path: Path) -> None:
    port = free_port()
    settings = (*SMALL_SIZES, "--public-base-url", f"http://127.0.0.1:{port}")
    with (
        RunningServer(tmp_path / "data", arguments=settings) as server,
        cache_before(server.url, port, tmp_path / "nginx") as log,
    ):
        created = server.create_repository()
        front = Account(f"http://127.0.0.1:{port}/git/{created['id']}.git", created["token"])
        push_large(front, tmp_path / "work")
        url = bundle_url(front)
        plain = url.partition("?")[0]
        answers = [httpx.get(url), httpx.get(url), httpx.get(url, headers={"Range": "bytes=2-9"})]
        assert [answer.status_code for answer in answers] == [200, 200, 206]
        assert answers[2].content == answers[0].content[2:10]
        # What one client got for its token is not kept for the next, who has none.
        statuses = [httpx.get(plain, headers=each).status_code for each in ({}, front.headers, {})]
        assert statuses == [401, 200, 401]
        for number in range(2):
            config = ("-c", "fetch.uriProtocols=http", *front.git_config)
            git(*config, "clone", "--quiet", "--mirror", front.remote, tmp_path / f"clone-{number}")
    outcomes = [line.split() for line in log.read_text(encoding="utf-8").splitlines()]
    assert [words[2] for words in outcomes if "/bundles/" in words[0]] == ["MISS", "HIT", "HIT", "MISS", "MISS", "MISS"]
    assert [words[2] for words in outcomes if "/packs/" in words[0]] == ["MISS", "HIT"]


def push_large(account: Account, work: Path) -> None:
    """One commit that is too large for a row of the catalog, and one on it."""
    git("init", "--quiet", "-b", "main", work)
    for size_bytes in (400_000, 10):
        commit_file(work, secrets.token_hex(4), secrets.token_bytes(size_bytes))
        git(*account.git_config, "push", "--quiet", account.remote, "main", cwd=work)
