"""Single files over REST: the contract's row, validators and ranges."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.browsing import BINARY, NOISE_BYTES, make_browsed, revision, take_over
from tests.support.git import git
from tests.support.rest import RestClient, rest_client

BLOB = "/v1/repos/browsed/blob"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_browsed(tmp_path_factory.mktemp("browsed") / "browsed.git")


@pytest.fixture
async def rest(tmp_path: Path, repository: Path) -> AsyncIterator[RestClient]:
    async with rest_client(tmp_path / "data") as client:
        take_over(client.engine, repository, "browsed")
        yield client


@pytest.fixture(scope="module")
def noise(repository: Path) -> bytes:
    """A file of several pieces."""
    return git("cat-file", "blob", "main:noise.bin", cwd=repository)


@pytest.mark.parametrize("path", ["README", "src/deep/er/leaf.txt", "grün/☃", "noise.bin", "lib/core.c", "/README"])
async def test_blob_is_its_octets(rest: RestClient, repository: Path, path: str) -> None:
    answer = await rest.call("GET", BLOB, params={"path": path})
    name = f"main:{path.strip('/')}"
    content = git("cat-file", "blob", name, cwd=repository)
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["Content-Length"] == str(len(content))
    assert answer.headers["ETag"] == f'"{revision(repository, name)}"'


async def test_blob_never_runs_in_a_browser(rest: RestClient) -> None:
    answer = await rest.call("GET", BLOB, params={"path": "README"})
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["Cache-Control"] == "private, no-cache"


async def test_commit_is_any_revision(rest: RestClient, repository: Path) -> None:
    for commit in ("main~1", "release/v1.0", revision(repository, "main~1")):
        assert (await rest.call("GET", BLOB, params={"path": "binary.dat", "commit": commit})).content == BINARY
    assert (await rest.call("GET", BLOB, params={"path": "binary.dat"})).content == BINARY


async def test_path_that_is_no_utf_8_is_asked_for_as_it_is_listed(rest: RestClient) -> None:
    answer = await rest.call("GET", BLOB, params={"path": '"na\\377me"'})
    assert (answer.status_code, answer.content) == (200, b"not UTF-8\n")


async def test_symbolic_link_is_its_target(rest: RestClient) -> None:
    answer = await rest.call("GET", BLOB, params={"path": "src/link"})
    assert answer.content == b"deep/er/leaf.txt"


async def test_blob_by_its_id(rest: RestClient, repository: Path) -> None:
    sha = revision(repository, "main~2:empty")
    answer = await rest.call("GET", BLOB, params={"sha": sha})
    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (200, b"", "0")


async def test_blob_that_the_refs_do_not_reach_is_not_there(rest: RestClient) -> None:
    """Not even by its id, though a fork has it in a pack that both share."""
    fork = (await rest.call("POST", "/v1/repos/browsed/forks", {"id": "fork"})).json()["id"]
    head = (await rest.call("GET", f"/v1/repos/{fork}")).json()["headSha"]
    body = {
        "branch": "main",
        "parent": head,
        "message": "Secret",
        "changes": [{"op": "write", "path": "secret", "content": "of the fork"}],
    }
    made = await rest.call("POST", f"/v1/repos/{fork}/commits", body)
    assert made.status_code == 200, made.text
    rows = (await rest.call("GET", f"/v1/repos/{fork}/tree")).json()
    sha = next(row["sha"] for row in rows if row["path"] == "secret")
    assert (await rest.call("GET", f"/v1/repos/{fork}/blob?sha={sha}")).content == b"of the fork"
    assert (await rest.call("GET", f"{BLOB}?sha={sha}")).status_code == 400
    assert (await rest.call("GET", BLOB, params={"path": "secret", "commit": made.json()["commit"]})).status_code == 400


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, NOISE_BYTES),
        ("bytes=-50", NOISE_BYTES - 50, NOISE_BYTES),
        ("bytes=262143-262144", 262_143, 262_145),
        ("bytes=10-900000", 10, 900_001),
        ("bytes=5-99999999", 5, NOISE_BYTES),
        ("bytes=-99999999", 0, NOISE_BYTES),
    ],
)
async def test_range_is_a_part(rest: RestClient, noise: bytes, asked: str, start: int, stop: int) -> None:
    answer = await rest.call("GET", BLOB, params={"path": "noise.bin"}, headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.content == noise[start:stop]
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{NOISE_BYTES}"
    assert answer.headers["Content-Length"] == str(stop - start)


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "lines=1-2", "bytes=x", "bytes=5-2"])
async def test_other_ranges_are_answered_with_everything(rest: RestClient, noise: bytes, asked: str) -> None:
    answer = await rest.call("GET", BLOB, params={"path": "noise.bin"}, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, noise)


async def test_range_behind_the_end_is_not_satisfiable(rest: RestClient) -> None:
    answer = await rest.call("GET", BLOB, params={"path": "README"}, headers={"Range": "bytes=6-"})
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, "bytes */6")
    assert answer.json()["error"] == {
        "code": "bad_request",
        "message": "the range 'bytes=6-' begins behind the end of a file of 6 bytes",
    }


async def test_client_that_has_it_is_told_so(rest: RestClient) -> None:
    whole = await rest.call("GET", BLOB, params={"path": "README"})
    etag = whole.headers["ETag"]
    for held in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = await rest.call("GET", BLOB, params={"path": "README"}, headers={"If-None-Match": held})
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", etag)
        assert "Content-Type" not in answer.headers
    other = await rest.call("GET", BLOB, params={"path": "README"}, headers={"If-None-Match": '"other"'})
    assert other.status_code == 200


async def test_range_of_another_version_is_answered_with_everything(rest: RestClient, noise: bytes) -> None:
    etag = (await rest.call("HEAD", BLOB, params={"path": "noise.bin"})).headers["ETag"]
    for held, status in ((etag, 206), ('"other"', 200), (f"W/{etag}", 200)):
        headers = {"Range": "bytes=0-9", "If-Range": held}
        answer = await rest.call("GET", BLOB, params={"path": "noise.bin"}, headers=headers)
        assert (answer.status_code, answer.content) == (status, noise[:10] if status == 206 else noise)


async def test_head_tells_all_but_the_octets(rest: RestClient) -> None:
    answer = await rest.call("HEAD", BLOB, params={"path": "noise.bin"}, headers={"Range": "bytes=0-9"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == str(NOISE_BYTES)
    assert answer.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"path": ""},
        {"path": "no/such"},
        {"path": "src"},
        {"path": "vendored"},
        {"path": "README/deeper"},
        {"path": "README", "commit": "nothing"},
        {"path": "README", "sha": "0" * 40},
        {"sha": "0" * 40},
        {"sha": "README"},
        {"path": '"open'},
    ],
)
async def test_bad_query_is_a_bad_request(rest: RestClient, query: dict[str, str]) -> None:
    answer = await rest.call("GET", BLOB, params=query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request"), answer.text


async def test_tree_and_commit_are_no_blobs(rest: RestClient, repository: Path) -> None:
    for name in ("main", "main:src", "release/v1.0"):
        assert (await rest.call("GET", BLOB, params={"sha": revision(repository, name)})).status_code == 400


async def test_empty_repository_has_no_file(rest: RestClient) -> None:
    await rest.create("nothing-yet")
    assert (await rest.call("GET", "/v1/repos/nothing-yet/blob?path=README")).status_code == 400
