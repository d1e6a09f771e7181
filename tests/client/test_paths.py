"""Where a request of the client goes: never beside what it is about."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from packhouse_client import BadName, Client, Repository


def paths_of(act: Callable[[Client], object]) -> list[bytes]:
    """The raw paths that are asked for; nothing is there."""
    asked: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path)
        return httpx.Response(200, json=[])

    with httpx.Client(transport=httpx.MockTransport(answer), base_url="http://git.test") as http:
        try:
            act(Client(http=http))
        except BadName:
            asked.append(b"refused")
    return asked


def download(repository: Repository, ref: str) -> None:
    with repository.archive(ref):
        pass


@pytest.mark.parametrize("name", [".", "..", "../victim", "x/../../../victim", "x/./y", "x/.."])
@pytest.mark.parametrize(
    "act",
    [
        lambda repository, name: repository.refs.delete(f"refs/{name}"),
        lambda repository, name: repository.refs.delete(f"refs/{name}/x"),
        lambda repository, name: repository.refs.move(f"refs/heads/{name}/x", "0" * 40),
        lambda repository, name: repository.compare(f"{name}/x", "main"),
        lambda repository, name: repository.compare("main", f"x/{name}/y"),
        lambda repository, name: download(repository, f"{name}/x"),
    ],
)
def test_dots_in_a_name_lead_nowhere(act: Callable[[Repository, str], object], name: str) -> None:
    assert paths_of(lambda client: act(client.repo("mine"), name)) == [b"refused"]


@pytest.mark.parametrize("name", [".", ".."])
def test_dots_are_no_repository(name: str) -> None:
    assert paths_of(lambda client: client.repo(name).delete()) == [b"refused"]


def test_an_id_with_slashes_is_one_segment() -> None:
    assert paths_of(lambda client: client.repo("../admin").tokens.list()) == [b"/v1/repos/..%2Fadmin/tokens"]


def test_a_name_goes_as_it_is() -> None:
    asked = paths_of(lambda client: download(client.repo("mine"), "a?b#c%2F d/..é"))
    assert asked == [b"/v1/repos/mine/archive/a%3Fb%23c%252F%20d/..%C3%A9.tar.gz"]
    assert paths_of(lambda client: list(client.repo("mine").tree("é"))) == [b"/v1/repos/mine/tree?ref=%C3%A9"]
