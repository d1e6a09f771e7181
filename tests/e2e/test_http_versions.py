"""HTTP/1.1 and HTTP/2, in the clear and over TLS, agreed on in every way there is, by the clients that people use."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import trio

from tests.support.git import git, git_over_http_2
from tests.support.http_servers import Authority, Repository, make_authority, new_repository, one_worker
from tests.support.repositories import assert_same_repository, commit_file
from tests.support.server import RunningServer

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Transport:
    """How stock Git is told to speak, and the line of its trace which shows that it did."""

    is_tls: bool
    http_version: str
    trace: str


TRANSPORTS = {
    "http-1.1": Transport(is_tls=False, http_version="HTTP/1.1", trace="Info: Connection #"),
    "http-2-upgrade": Transport(is_tls=False, http_version="HTTP/2", trace="HTTP/1.1 101"),
    "https-1.1": Transport(is_tls=True, http_version="HTTP/1.1", trace="ALPN: server accepted http/1.1"),
    "https-2": Transport(is_tls=True, http_version="HTTP/2", trace="ALPN: server accepted h2"),
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def servers(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[bool, RunningServer]]:
    """In the clear under False, over TLS under True."""
    folder = tmp_path_factory.mktemp("served")
    with one_worker(folder / "clear") as clear, one_worker(folder / "tls", authority=authority) as tls:
        yield {False: clear, True: tls}


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> Transport:
    return TRANSPORTS[request.param]


@pytest.fixture
def repository(servers: dict[bool, RunningServer], transport: Transport) -> Repository:
    return new_repository(servers[transport.is_tls])


@pytest.fixture
def environment(transport: Transport, authority: Authority) -> dict[str, str]:
    """For stock Git."""
    settings = {"http.version": transport.http_version, "http.sslCAInfo": str(authority.ca_file)}
    return environment_of(settings)


def environment_of(settings: dict[str, str]) -> dict[str, str]:
    variables = {"GIT_CONFIG_COUNT": str(len(settings)), "GIT_TRACE_CURL": "1", "GIT_TRACE_CURL_NO_DATA": "1"}
    for number, (key, value) in enumerate(settings.items()):
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return variables


def make_work(path: Path, size_bytes: int) -> Path:
    """A repository whose pack is of that size: what is random cannot be compressed."""
    git("init", "--quiet", "-b", "main", path)
    commit_file(path, "large", random.Random(size_bytes).randbytes(size_bytes))
    commit_file(path, "small", b"a line\n")
    return path


@pytest.fixture(scope="module")
def large_work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_work(tmp_path_factory.mktemp("large") / "work", 50 * MIB)


def test_stock_git_pushes_clones_and_fetches_over_every_transport(
    repository: Repository, transport: Transport, environment: dict[str, str], tmp_path: Path
) -> None:
    work = make_work(tmp_path / "work", 5 * MIB)
    said = git_over_http_2("push", "--quiet", repository.remote, "main", cwd=work, env=environment)
    assert transport.trace in said.decode()
    git("clone", "--quiet", repository.remote, tmp_path / "clone", env=environment)
    head = commit_file(work, "more", b"more\n")
    git("push", "--quiet", repository.remote, "main", cwd=work, env=environment)
    git("pull", "--quiet", cwd=tmp_path / "clone", env=environment)
    assert git("rev-parse", "HEAD", cwd=tmp_path / "clone").decode().strip() == head
    git("fsck", "--strict", cwd=tmp_path / "clone")


@pytest.mark.parametrize("transport", [TRANSPORTS["http-2-upgrade"], TRANSPORTS["https-2"]], ids=["clear", "tls"])
def test_50_mebibytes_go_in_and_out_over_http_2(
    repository: Repository, environment: dict[str, str], large_work: Path, tmp_path: Path
) -> None:
    """Many times every flow-control window; with and without a length known beforehand."""
    git_over_http_2("push", "--quiet", repository.remote, "main", cwd=large_work, env=environment)
    git("clone", "--quiet", "--mirror", repository.remote, tmp_path / "clone", env=environment)
    assert_same_repository(large_work, tmp_path / "clone")


async def test_several_packs_come_at_once_over_one_connection_of_http_2(
    servers: dict[bool, RunningServer], authority: Authority, large_work: Path
) -> None:
    repository = new_repository(servers[True])
    environment = environment_of(_trusting(authority))
    git_over_http_2("push", "--quiet", repository.remote, "main", cwd=large_work, env=environment)
    body = _clone_request(git("rev-parse", "main", cwd=large_work).strip())
    headers = repository.call_headers("git-upload-pack")
    sizes: list[int] = []
    async with http_2_client(repository, authority) as client:

        async def fetch() -> None:
            answer = await client.post(f"{repository.path}/git-upload-pack", content=body, headers=headers)
            assert (answer.http_version, answer.status_code, answer.content[-4:]) == ("HTTP/2", 200, b"0000")
            sizes.append(len(answer.content))

        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(fetch)
    assert len(sizes) == 4
    assert min(sizes) > 50 * MIB
    assert max(sizes) - min(sizes) < MIB


@asynccontextmanager
async def http_2_client(repository: Repository, authority: Authority) -> AsyncIterator[httpx.AsyncClient]:
    """With its one connection made, which all requests share."""
    limits = httpx.Limits(max_connections=1)
    async with httpx.AsyncClient(
        verify=authority.trust, http1=False, http2=True, base_url=repository.server.url, limits=limits, timeout=60
    ) as client:
        await client.get("/v1/health")
        yield client


def _trusting(authority: Authority) -> dict[str, str]:
    return {"http.sslCAInfo": str(authority.ca_file)}


def _clone_request(tip: bytes) -> bytes:
    lines = [b"command=fetch\n", None, b"no-progress\n", b"ofs-delta\n", b"want " + tip + b"\n", b"done\n"]
    return b"".join(b"0001" if line is None else b"%04x%b" % (len(line) + 4, line) for line in lines) + b"0000"


@pytest.mark.parametrize(
    ("flags", "is_tls", "expected"),
    [
        (["--http1.1"], False, "1.1"),
        (["--http1.0"], False, "1.1"),
        (["--http2"], False, "2"),
        (["--http2-prior-knowledge"], False, "2"),
        (["--http1.1"], True, "1.1"),
        (["--http2"], True, "2"),
        (["--http2", "--tls-max", "1.2"], True, "2"),
    ],
    ids=["1.1", "1.0", "upgrade", "prior-knowledge", "tls-1.1", "alpn", "alpn-tls-1.2"],
)
def test_curl_gets_the_advertisement_however_it_asks_for_a_version(
    servers: dict[bool, RunningServer], authority: Authority, flags: list[str], is_tls: bool, expected: str
) -> None:
    repository = new_repository(servers[is_tls])
    url = f"{repository.server.url}{repository.path}/info/refs?service=git-upload-pack"
    command = ["curl", "--silent", "--show-error", "--cacert", str(authority.ca_file), *flags]
    command += ["--user", f"x:{repository.token}", "--header", "Git-Protocol: version=2", url]
    command += ["--write-out", "%{stderr}%{http_version} %{response_code}", "--output", "-"]
    done = subprocess.run(command, capture_output=True, check=True, env={"PATH": os.environ["PATH"]})
    assert done.stderr.decode() == f"{expected} 200"
    assert done.stdout.startswith(b"000eversion 2\n")


@pytest.mark.parametrize("flag", ["--http2", "--http1.1"])
def test_a_server_may_be_told_to_speak_http_1_1_only(authority: Authority, flag: str, tmp_path: Path) -> None:
    with one_worker(tmp_path / "tls", ["--http2", "false"], authority=authority) as server:
        command = ["curl", "--silent", "--show-error", "--cacert", str(authority.ca_file), flag]
        command += [f"{server.url}/v1/health", "--write-out", "%{stderr}%{http_version}", "--output", "/dev/null"]
        done = subprocess.run(command, capture_output=True, check=True, env={"PATH": os.environ["PATH"]})
    assert done.stderr.decode() == "1.1"


async def test_many_requests_over_one_http_2_connection_at_once(
    servers: dict[bool, RunningServer], authority: Authority
) -> None:
    repository = new_repository(servers[True])
    url = f"{repository.path}/info/refs?service=git-upload-pack"
    answers: list[httpx.Response] = []
    async with http_2_client(repository, authority) as client:

        async def get() -> None:
            answers.append(await client.get(url, headers=repository.basic))

        async with trio.open_nursery() as nursery:
            for _ in range(300):
                nursery.start_soon(get)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.headers["x-request-id"] for answer in answers}) == 300
