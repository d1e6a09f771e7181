"""Archives over REST: the contract's row."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.browsing import FEATURE, make_browsed, revision, take_over
from tests.support.rest import RestClient, rest_client

ARCHIVE = "/v1/repos/browsed/archive"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_browsed(tmp_path_factory.mktemp("browsed") / "browsed.git")


@pytest.fixture
async def rest(tmp_path: Path, repository: Path) -> AsyncIterator[RestClient]:
    async with rest_client(tmp_path / "data") as client:
        take_over(client.engine, repository, "browsed")
        yield client


def names(data: bytes, form: str) -> list[str]:
    if form == "zip":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert archive.testzip() is None
            return archive.namelist()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return archive.getnames()


@pytest.mark.parametrize("form", ["tar.gz", "zip"])
async def test_archive_is_the_same_each_time(rest: RestClient, repository: Path, form: str) -> None:
    answers = [
        await rest.call("GET", f"{ARCHIVE}/{ref}.{form}")
        for ref in ("main", "HEAD", "refs/heads/main", revision(repository, "main"))
    ]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert len({answer.headers["ETag"] for answer in answers}) == 1


@pytest.mark.parametrize(("form", "media_type"), [("tar.gz", "application/gzip"), ("zip", "application/zip")])
async def test_archive_says_what_it_is(rest: RestClient, repository: Path, form: str, media_type: str) -> None:
    answer = await rest.call("GET", f"{ARCHIVE}/main.{form}")
    name = f"browsed-{revision(repository, 'main')[:7]}"
    assert answer.headers["Content-Type"] == media_type
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}.{form}"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert all(each.split("/")[0] == name for each in names(answer.content, form))


@pytest.mark.parametrize("form", ["tar.gz", "zip"])
@pytest.mark.parametrize("ref", [FEATURE, FEATURE.replace("/", "%2F"), "release/v1.0", "main~1", "release/v1.0~1"])
async def test_refs_have_slashes_dots_and_steps(rest: RestClient, ref: str, form: str) -> None:
    answer = await rest.call("GET", f"{ARCHIVE}/{ref}.{form}?prefix=")
    assert answer.status_code == 200, answer.text
    assert "README" in names(answer.content, form)


async def test_prefix_is_chosen(rest: RestClient) -> None:
    for prefix, first in (("a/b/", "a/b"), ("", "grün"), ("x-", "x-grün"), ("ö/", "ö")):
        answer = await rest.call("GET", f"{ARCHIVE}/main.tar.gz", params={"prefix": prefix})
        assert names(answer.content, "tar.gz")[0] == first


@pytest.mark.parametrize("prefix", ["/abs/", "../up/", "a/../b/", "./a/", "a//b", "//", "x" * 1025, "a\0b"])
async def test_prefix_leads_nowhere_else(rest: RestClient, prefix: str) -> None:
    answer = await rest.call("GET", f"{ARCHIVE}/main.zip", params={"prefix": prefix})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


async def test_tag_tells_commit_format_and_prefix(rest: RestClient) -> None:
    urls = ["main.zip", "main.tar.gz", "main~1.zip", "main.zip?prefix=a/"]
    tags = {(await rest.call("HEAD", f"{ARCHIVE}/{url}")).headers["ETag"] for url in urls}
    assert len(tags) == len(urls)


async def test_client_that_has_it_is_told_so(rest: RestClient) -> None:
    etag = (await rest.call("HEAD", f"{ARCHIVE}/main.zip")).headers["ETag"]
    answer = await rest.call("GET", f"{ARCHIVE}/main.zip", headers={"If-None-Match": etag})
    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", etag)


async def test_head_makes_no_archive(rest: RestClient) -> None:
    answer = await rest.call("HEAD", f"{ARCHIVE}/main.tar.gz")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Accept-Ranges"] == "none"


async def test_tar_tells_its_commit(rest: RestClient, repository: Path) -> None:
    answer = await rest.call("GET", f"{ARCHIVE}/main.tar.gz")
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(answer.content))) as archive:
        assert archive.pax_headers["comment"] == revision(repository, "main")
    packed = await rest.call("GET", f"{ARCHIVE}/main.zip")
    with zipfile.ZipFile(io.BytesIO(packed.content)) as zipped:
        assert zipped.comment.decode() == revision(repository, "main")


@pytest.mark.parametrize("name", ["main", "main.tar", "main.rar", ".zip.", "nothing.zip", "0" * 40 + ".zip", "main.gz"])
async def test_other_names_are_bad_requests(rest: RestClient, name: str) -> None:
    answer = await rest.call("GET", f"{ARCHIVE}/{name}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


async def test_tree_has_no_time_and_so_no_archive(rest: RestClient, repository: Path) -> None:
    assert (await rest.call("GET", f"{ARCHIVE}/{revision(repository, 'main:src')}.zip")).status_code == 400


async def test_empty_repository_has_no_archive(rest: RestClient) -> None:
    await rest.create("nothing-yet")
    assert (await rest.call("GET", "/v1/repos/nothing-yet/archive/HEAD.zip")).status_code == 400
