"""Request bodies: with a length, in chunks, gzipped, announced and refused, tried out first, or not to be had."""

from __future__ import annotations

import gzip
import random
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.git import git, git_result
from tests.support.http_servers import (
    RECEIVE_PACK,
    UPLOAD_PACK,
    Repository,
    new_repository,
    one_worker,
    request_lines,
)
from tests.support.http_wire import RawConnection, chunked, head
from tests.support.repositories import assert_same_repository, commit_file, mirror_clone
from tests.support.server import RunningServer
from tests.support.wire_client import ls_refs_request

MIB = 1 << 20
LIMIT_BYTES = 8 * MIB
PROBE = b"0000"
LISTING = ls_refs_request()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    limit = ["--git-body-limit-bytes", str(LIMIT_BYTES)]
    with one_worker(tmp_path_factory.mktemp("served") / "data", limit) as running:
        yield running


def call_head(repository: Repository, service: str, **headers: str) -> bytes:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return head("POST", f"{repository.path}/{service}", {**repository.call_headers(service), **named})


def is_listing(body: bytes) -> bool:
    """Of the refs of an empty repository."""
    return b"unborn HEAD" in body


# --- forms ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 10, 1000])
def test_a_chunked_body_is_read_however_it_is_cut(repository: Repository, connection: RawConnection, size: int) -> None:
    connection.send(call_head(repository, UPLOAD_PACK, Transfer_Encoding="chunked") + chunked(LISTING, size))
    answer = connection.answer()
    assert answer.status == 200
    assert is_listing(answer.body)


@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("name", ["gzip", "x-gzip"])
def test_a_gzip_body_is_read(repository: Repository, connection: RawConnection, name: str, is_chunked: bool) -> None:
    body = gzip.compress(LISTING)
    if is_chunked:
        request = call_head(repository, UPLOAD_PACK, Content_Encoding=name, Transfer_Encoding="chunked")
        connection.send(request + chunked(body, 7))
    else:
        connection.send(call_head(repository, UPLOAD_PACK, Content_Encoding=name, Content_Length=str(len(body))) + body)
    assert is_listing(connection.answer().body)


@pytest.mark.parametrize("post_buffer_bytes", [65536, 4 * MIB], ids=["chunked", "length"])
@pytest.mark.parametrize("expect", ["", "Expect: 100-continue"])
def test_stock_git_pushes_chunked_and_with_a_length_and_with_an_expectation(
    repository: Repository, tmp_path: Path, post_buffer_bytes: int, expect: str
) -> None:
    git("init", "--quiet", "-b", "main", tmp_path / "work")
    commit_file(tmp_path / "work", "file", bytes(range(256)) * 8192)
    commit_file(tmp_path / "work", "noise", _noise(MIB))
    settings = ["-c", f"http.postBuffer={post_buffer_bytes}"] + (["-c", f"http.extraHeader={expect}"] if expect else [])
    git(*settings, "push", "--quiet", repository.remote, "main", cwd=tmp_path / "work")
    assert_same_repository(tmp_path / "work", mirror_clone(repository.remote, tmp_path / "clone"))


def test_stock_git_fetches_with_many_wants_which_it_gzips(repository: Repository, tmp_path: Path) -> None:
    """Over 1,024 octets it does: small tests never see it (docs/pitfalls.md, 1)."""
    git("init", "--quiet", "-b", "main", tmp_path / "work")
    for number in range(40):
        commit_file(tmp_path / "work", "file", b"%d\n" % number)
        git("branch", str(number), cwd=tmp_path / "work")
    git("push", "--quiet", "--mirror", repository.remote, cwd=tmp_path / "work")
    trace = {"GIT_TRACE_CURL": "1", "GIT_TRACE_CURL_NO_DATA": "1"}
    cloned = git_result("clone", "--mirror", repository.remote, tmp_path / "clone", env=trace)
    assert b"Content-Encoding: gzip" in cloned.stderr
    assert_same_repository(tmp_path / "work", tmp_path / "clone")


# --- what cannot be read ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", [UPLOAD_PACK, RECEIVE_PACK])
@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("br", LISTING, 415),
        ("gzip, gzip", LISTING, 415),
        ("gzip", LISTING, 400),
        ("gzip", gzip.compress(LISTING)[:-3], 400),
        ("gzip", gzip.compress(LISTING) + b"x", 400),
    ],
    ids=["unknown", "twice", "no-gzip", "cut-short", "too-long"],
)
def test_a_body_that_cannot_be_read_is_told_so(
    repository: Repository, connection: RawConnection, service: str, encoding: str, body: bytes, status: int
) -> None:
    headers = repository.call_headers(service, **{"Content-Encoding": encoding})
    assert connection.request("POST", f"{repository.path}/{service}", headers, body).status == status


def test_a_small_body_that_inflates_over_the_limit_is_too_large(
    repository: Repository, connection: RawConnection
) -> None:
    headers = repository.call_headers(UPLOAD_PACK, **{"Content-Encoding": "gzip"})
    body = gzip.compress(PROBE * (LIMIT_BYTES // 4 + 1))
    assert connection.request("POST", f"{repository.path}/{UPLOAD_PACK}", headers, body).status == 413


def test_a_gzip_bomb_costs_little_memory(repository: Repository, connection: RawConnection) -> None:
    (worker,) = repository.server.worker_pids()
    bomb = gzip.compress(PROBE * (64 * MIB))
    before = _peak_rss_bytes(worker, reset=True)
    headers = repository.call_headers(UPLOAD_PACK, **{"Content-Encoding": "gzip"})
    assert connection.request("POST", f"{repository.path}/{UPLOAD_PACK}", headers, bomb).status == 413
    assert _peak_rss_bytes(worker) - before < 16 * MIB


def _peak_rss_bytes(pid: int, *, reset: bool = False) -> int:
    if reset:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


# --- before the body --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Refused:
    """A request that is refused by its headers, and how."""

    status: int
    method: str = "POST"
    end: str = RECEIVE_PACK
    headers: Mapping[str, str] = field(default_factory=dict)


REFUSALS = {
    "no-token": Refused(401, headers={"Authorization": "Basic eDo="}),
    "unknown-token": Refused(401, headers={"Authorization": "Bearer unknown"}),
    "foreign-token": Refused(403),
    "read-only-token": Refused(403),
    "too-large": Refused(413),
    "wrong-type": Refused(415, headers={"Content-Type": "text/plain"}),
    "no-path": Refused(404, end="git-upload-archive"),
    "wrong-method": Refused(405, method="PUT"),
}


@pytest.fixture(params=REFUSALS)
def refused(request: pytest.FixtureRequest, repository: Repository) -> tuple[Refused, str, dict[str, str]]:
    """(the case, the path, the headers)"""
    case = REFUSALS[request.param]
    headers = {**repository.call_headers(RECEIVE_PACK), **case.headers}
    if request.param == "foreign-token":
        headers |= new_repository(repository.server).basic
    if request.param == "read-only-token":
        status, minted = repository.server.rest("POST", f"/v1/repos/{repository.id}/tokens", {"scope": "read"})
        assert status == 200
        headers |= {"Authorization": f"Bearer {minted['token']}"}
    return case, f"{repository.path}/{case.end}", headers


def test_a_refusal_comes_instead_of_100_continue(
    connection: RawConnection, refused: tuple[Refused, str, dict[str, str]]
) -> None:
    """The client is spared the sending of a body that nobody wants."""
    case, path, headers = refused
    connection.send(head(case.method, path, {**headers, "Expect": "100-continue", "Content-Length": str(20 * MIB)}))
    assert connection.answer().status == case.status


def test_a_refusal_arrives_while_20_mebibytes_are_under_way(
    connection: RawConnection, refused: tuple[Refused, str, dict[str, str]]
) -> None:
    """A server that closed its socket with octets unread would reset the connection, and the answer be lost."""
    case, path, headers = refused
    connection.send(head(case.method, path, {**headers, "Content-Length": str(20 * MIB)}) + bytes(20 * MIB))
    assert connection.answer().status == case.status


def test_a_client_of_curl_sees_the_refusal_of_an_upload(
    refused: tuple[Refused, str, dict[str, str]], server: RunningServer, tmp_path: Path
) -> None:
    case, path, headers = refused
    (tmp_path / "body").write_bytes(bytes(20 * MIB))
    for version in ("--http1.1", "--http2-prior-knowledge"):
        command = ["curl", "--silent", "--show-error", version, "--request", case.method, "--max-time", "60"]
        command += [word for name, value in headers.items() for word in ("--header", f"{name}: {value}")]
        command += ["--header", "Expect:", "--data-binary", f"@{tmp_path / 'body'}", "--output", "/dev/null"]
        command += ["--write-out", "%{response_code}", server.url + path]
        done = subprocess.run(command, capture_output=True, check=False)
        assert (done.returncode, done.stdout.decode()) == (0, str(case.status)), (version, done.stderr)


def test_stock_git_says_why_a_push_that_is_too_large_is_refused(repository: Repository, tmp_path: Path) -> None:
    git("init", "--quiet", "-b", "main", tmp_path / "work")
    commit_file(tmp_path / "work", "noise", _noise(LIMIT_BYTES + MIB))
    for post_buffer_bytes in (65536, 2 * LIMIT_BYTES):
        setting = f"http.postBuffer={post_buffer_bytes}"
        pushed = git_result("-c", setting, "push", repository.remote, "main", cwd=tmp_path / "work")
        assert pushed.returncode != 0
        assert b"HTTP 413" in pushed.stderr


def test_100_continue_comes_once_the_body_is_wanted(repository: Repository, connection: RawConnection) -> None:
    length = str(len(LISTING))
    connection.send(call_head(repository, UPLOAD_PACK, Expect="100-continue", Content_Length=length))
    assert connection.answer().status == 100
    connection.send(LISTING)
    answer = connection.answer()
    assert answer.status == 200
    assert is_listing(answer.body)


def test_an_old_client_is_not_told_to_continue(repository: Repository, connection: RawConnection) -> None:
    """100 is no answer of HTTP/1.0."""
    length = str(len(LISTING))
    request = call_head(repository, UPLOAD_PACK, Expect="100-continue", Content_Length=length)
    connection.send(request.replace(b"HTTP/1.1", b"HTTP/1.0") + LISTING)
    assert connection.answer_head().status == 200


def test_another_expectation_means_nothing(repository: Repository, connection: RawConnection) -> None:
    length = str(len(LISTING))
    connection.send(call_head(repository, UPLOAD_PACK, Expect="wonders", Content_Length=length) + LISTING)
    assert connection.answer().status == 200


# --- the probe --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("service", [UPLOAD_PACK, RECEIVE_PACK])
def test_a_probe_is_answered_by_nothing(
    repository: Repository, connection: RawConnection, service: str, is_chunked: bool
) -> None:
    if is_chunked:
        connection.send(call_head(repository, service, Transfer_Encoding="chunked") + chunked(PROBE, 4))
    else:
        connection.send(call_head(repository, service, Content_Length="4") + PROBE)
    answer = connection.answer()
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-type"] == f"application/x-{service}-result"


@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
def test_a_probe_without_credentials_is_challenged(
    repository: Repository, connection: RawConnection, is_chunked: bool
) -> None:
    """Some clients send the probe to learn whether they need any (docs/pitfalls.md, 2); the real push must follow."""
    length = {"Transfer-Encoding": "chunked"} if is_chunked else {"Content-Length": "4"}
    headers = {**repository.call_headers(RECEIVE_PACK), **length}
    del headers["Authorization"]
    body = chunked(PROBE, 4) if is_chunked else PROBE
    connection.send(head("POST", f"{repository.path}/{RECEIVE_PACK}", headers) + body)
    answer = connection.answer()
    assert (answer.status, answer.headers["www-authenticate"]) == (401, 'Basic realm="artifacts"')
    connection.send(head("POST", f"{repository.path}/{RECEIVE_PACK}", {**headers, **repository.basic}) + body)
    assert connection.answer().status == 200


def test_stock_git_probes_before_a_large_chunked_push(repository: Repository, tmp_path: Path) -> None:
    git("init", "--quiet", "-b", "main", tmp_path / "work")
    commit_file(tmp_path / "work", "noise", _noise(MIB))
    fresh = new_repository(repository.server)
    git("-c", "http.postBuffer=65536", "push", "--quiet", fresh.remote, "main", cwd=tmp_path / "work")
    lines = [line for line in request_lines(repository.server) if line.get("repository") == fresh.id]
    posts = [line for line in lines if line["method"] == "POST" and line["path"].startswith("/git/")]
    assert (posts[0]["status"], posts[0]["received_bytes"]) == (200, len(PROBE))


def _noise(size_bytes: int) -> bytes:
    """What cannot be compressed."""
    return random.Random(1).randbytes(size_bytes)
