"""Credentials in every form that clients send, and the moment at which they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.gauges import settles
from tests.support.git import git, git_result
from tests.support.http_servers import RECEIVE_PACK, UPLOAD_PACK, Repository, new_repository, one_worker, request_lines
from tests.support.http_wire import Answer, RawConnection
from tests.support.repositories import commit_file
from tests.support.server import RunningServer

SERVICES = [UPLOAD_PACK, RECEIVE_PACK]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with one_worker(tmp_path_factory.mktemp("served") / "data") as running:
        yield running


def url_with(repository: Repository, credentials: str) -> str:
    return repository.server.url.replace("://", f"://{credentials}@") + repository.path


@pytest.mark.parametrize("form", ["password", "user-name", "user-name-and-any-password", "bearer", "basic-header"])
def test_stock_git_pushes_and_clones_with_its_token_anywhere(repository: Repository, tmp_path: Path, form: str) -> None:
    settings: list[str] = []
    remote = repository.server.url + repository.path
    match form:
        case "password":
            remote = url_with(repository, f"anybody:{repository.token}")
        case "user-name":
            remote = url_with(repository, f"{repository.token}:")
        case "user-name-and-any-password":
            remote = url_with(repository, f"{repository.token}:x-oauth-basic")
        case "bearer":
            settings = ["-c", f"http.extraHeader=Authorization: Bearer {repository.token}"]
        case _:
            settings = ["-c", f"http.extraHeader=Authorization: {repository.basic['Authorization']}"]
    git("init", "--quiet", "-b", "main", tmp_path / "work")
    commit_file(tmp_path / "work", "file", b"content\n")
    git(*settings, "push", "--quiet", remote, "main", cwd=tmp_path / "work")
    git(*settings, "clone", "--quiet", remote, tmp_path / "clone")


@pytest.mark.parametrize("service", SERVICES)
def test_credentials_are_asked_for_at_the_first_request(repository: Repository, service: str, tmp_path: Path) -> None:
    """A chunked POST cannot be sent again after a 401 (docs/pitfalls.md, 3)."""
    server, fresh = repository.server, new_repository(repository.server)
    remote = server.url + fresh.path

    def lines() -> list[tuple[str, int]]:
        ours = [line for line in request_lines(server) if line.get("repository") == fresh.id]
        return [(line["method"], line["status"]) for line in ours if line["path"].startswith("/git/")]

    git("init", "--quiet", "-b", "main", tmp_path / "work")
    commit_file(tmp_path / "work", "file", b"content\n")
    command = ["ls-remote", remote] if service == UPLOAD_PACK else ["push", remote, "main"]
    refused = git_result(*command, cwd=tmp_path / "work")
    assert b"could not read Username" in refused.stderr
    assert settles(lambda: bool(lines()))  # a line follows its answer
    assert lines() == [("GET", 401)]


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("kind", ["none", "unknown", "foreign", "malformed"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_private_repository_and_a_missing_one_are_refused_alike(
    repository: Repository, connection: RawConnection, service: str, kind: str, method: str
) -> None:
    """Octet by octet, but for the request's id and the time (docs/pitfalls.md, 17)."""
    foreign = new_repository(repository.server)
    headers = {
        "none": {},
        "unknown": {"Authorization": "Bearer unknown"},
        "foreign": foreign.basic,
        "malformed": {"Authorization": "Basic %%%"},
    }[kind]

    def ask(path: str) -> Answer:
        end = f"info/refs?service={service}" if method == "GET" else service
        body = b"" if method == "GET" else b"0000"
        answer = connection.request(method, f"{path}/{end}", headers, body)
        del answer.headers["x-request-id"], answer.headers["date"]
        return answer

    private, missing = ask(repository.path), ask("/git/no-such-repository.git")
    assert private == missing
    assert private.status == (403 if kind == "foreign" else 401)
    assert ("www-authenticate" in private.headers) is (private.status == 401)


def test_stock_git_is_told_why_its_token_is_refused(repository: Repository) -> None:
    foreign = new_repository(repository.server)
    refused = git_result("ls-remote", url_with(repository, f"x:{foreign.token}"))
    assert b"403" in refused.stderr
    assert b"token not valid for this repo" in refused.stderr
