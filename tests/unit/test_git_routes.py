"""Which paths are the Git paths, and what they ask for."""

from __future__ import annotations

import pytest

from packengine.protocol import Service
from server.git.routes import DownloadKind, DownloadRoute, Endpoint, GitRoute, parse_download, parse_route

ADVERTISEMENT, CALL = Endpoint.ADVERTISEMENT, Endpoint.CALL
UPLOAD, RECEIVE = Service.UPLOAD_PACK, Service.RECEIVE_PACK


@pytest.mark.parametrize("suffix", ["", ".git"])
@pytest.mark.parametrize("service", Service)
def test_an_advertisement_names_its_service_in_the_query(suffix: str, service: Service) -> None:
    route = parse_route(f"/git/my-repo_1{suffix}/info/refs", f"service={service.value}".encode())
    assert route == GitRoute("my-repo_1", ADVERTISEMENT, service)
    assert (route.methods, route.template) == (("GET", "HEAD"), "/git/:id/info/refs")


@pytest.mark.parametrize("suffix", ["", ".git"])
@pytest.mark.parametrize("service", Service)
def test_a_call_names_its_service_in_the_path(suffix: str, service: Service) -> None:
    route = parse_route(f"/git/my-repo_1{suffix}/{service.value}", b"")
    assert route == GitRoute("my-repo_1", CALL, service)
    assert (route.methods, route.template) == (("POST",), f"/git/:id/{service.value}")


@pytest.mark.parametrize(
    "query",
    [
        b"",
        b"service=",
        b"service=git-upload-archive",
        b"service=git-upload-pack%00",
        b"service=git-upload-pack&service=git-receive-pack",
        b"service=GIT-UPLOAD-PACK",
        b"other=git-upload-pack",
        b"\xff=%ff",
    ],
)
def test_an_advertisement_of_no_one_service_is_that_of_a_dumb_client(query: bytes) -> None:
    assert parse_route("/git/project/info/refs", query) == GitRoute("project", ADVERTISEMENT, None)


def test_other_words_in_the_query_are_passed_over() -> None:
    assert parse_route("/git/project/info/refs", b"a=b&service=git%2dupload-pack&c") == GitRoute(
        "project", ADVERTISEMENT, UPLOAD
    )


def test_the_query_of_a_call_means_nothing() -> None:
    route = parse_route("/git/project/git-upload-pack", b"service=git-receive-pack")
    assert route == GitRoute("project", CALL, UPLOAD)


@pytest.mark.parametrize("repository_id", ["abcd", "a" * 64, "0-_9"])
def test_an_id_in_the_alphabet_is_one(repository_id: str) -> None:
    route = parse_route(f"/git/{repository_id}.git/git-receive-pack", b"")
    assert route == GitRoute(repository_id, CALL, RECEIVE)


@pytest.mark.parametrize(
    "path",
    [
        "/git/abc/info/refs",
        f"/git/{'a' * 65}/info/refs",
        "/git/Project/info/refs",
        "/git/pro.ject/info/refs",
        "/git/project.git.git/info/refs",
        "/git/project.GIT/info/refs",
        "/git/pröject/info/refs",
        "/git/../project/info/refs",
        "/git/project/../project/info/refs",
        "/git//project/info/refs",
        "/git/project//info/refs",
        "/git/project/info/refs/",
        "/git/project/info/refs\n",
        "/git/project\n/info/refs",
        "/git/project/HEAD",
        "/git/project/objects/info/packs",
        "/git/project/git-upload-archive",
        "/git/project",
        "/git/project.git",
        "/git/",
        "git/project/info/refs",
        "/GIT/project/info/refs",
        "/x/git/project/info/refs",
    ],
)
def test_any_other_path_is_none_of_ours(path: str) -> None:
    assert parse_route(path, b"service=git-upload-pack") is None


DIGEST = bytes(range(32))


@pytest.mark.parametrize("suffix", ["", ".git"])
@pytest.mark.parametrize(
    ("path", "kind"),
    [(f"bundles/{DIGEST.hex()}.bundle", DownloadKind.BUNDLE), (f"packs/{DIGEST.hex()}.pack", DownloadKind.PACK)],
)
def test_a_download_has_one_signed_spelling_however_it_is_asked_for(suffix: str, path: str, kind: DownloadKind) -> None:
    route = parse_download(f"/git/my-repo_1{suffix}/{path}")
    assert route == DownloadRoute("my-repo_1", kind, DIGEST)
    assert route.path == f"/git/my-repo_1.git/{path}"
    assert route.template == f"/git/:id/{kind.value}/:digest"


@pytest.mark.parametrize(
    "end",
    [
        f"bundles/{DIGEST.hex()}.pack",
        f"packs/{DIGEST.hex()}.bundle",
        f"packs/{DIGEST.hex()}",
        f"packs/{DIGEST.hex().upper()}.pack",
        f"packs/{DIGEST.hex()}0.pack",
        f"packs/{DIGEST.hex()[1:]}.pack",
        f"packs/../packs/{DIGEST.hex()}.pack",
        f"packs/{DIGEST.hex()}.pack/",
        f"packs/{DIGEST.hex()}.pack\n",
    ],
)
def test_any_other_path_is_no_download(end: str) -> None:
    assert parse_download(f"/git/project.git/{end}") is None
