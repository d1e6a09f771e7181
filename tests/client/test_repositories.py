"""Repositories, forks and tokens, by both clients."""

import pytest

from packhouse_client import (
    ApiError,
    AsyncClient,
    Client,
    ForkDependency,
    InvalidRepositoryId,
    NotFound,
    RepositoryExists,
    Unauthorized,
)
from tests.support.server import RunningServer


def test_a_repository_is_made_told_and_deleted(client: Client) -> None:
    made = client.repos.create("first", default_branch="trunk")
    assert (made.id, made.token in made.remote) == ("first", True)
    shown = client.repo("first").show()
    assert (shown.id, shown.owner, shown.refs, shown.read_only) == ("first", None, [], False)
    assert client.repo("first").delete().ok
    with pytest.raises(NotFound, match="first") as caught:
        client.repo("first").show()
    assert (caught.value.status, caught.value.code) == (404, "repo_not_found")
    assert caught.value.request_id


def test_a_taken_and_an_impossible_id_are_errors_of_their_own(client: Client) -> None:
    client.repos.create("taken")
    with pytest.raises(RepositoryExists):
        client.repos.create("taken")
    with pytest.raises(InvalidRepositoryId):
        client.repo("No!").show()


def test_an_id_from_elsewhere_cannot_reach_another_route(client: Client) -> None:
    with pytest.raises(ApiError, match=r"not found|repository id"):
        client.repo("../tokens/revoke?x=#").show()


def test_forks_hold_their_source_until_cascade(client: Client) -> None:
    source = client.repo(client.repos.create("source").id)
    fork = source.fork("source-fork", read_only=True)
    many = source.fork_many(3).forks
    with pytest.raises(ForkDependency) as caught:
        source.delete()
    assert set(caught.value.forks) <= {fork.id, *(each.id for each in many)}
    deleted = source.delete(cascade=True).deleted
    assert isinstance(deleted, list)
    assert set(deleted) == {"source", fork.id, *(each.id for each in many)}


def test_tokens_are_minted_listed_and_revoked(client: Client) -> None:
    repo = client.repo(client.repos.create().id)
    minted = repo.tokens.mint("read", ttl_s=60, label="ci")
    assert minted.expires_at is not None
    assert {token.scope for token in repo.tokens.list()} == {"read", "write"}
    assert client.tokens.revoke(minted.token).revoked
    assert {token.scope for token in repo.tokens.list()} == {"write"}


def test_a_list_has_all_repositories_however_small_its_pages(client: Client) -> None:
    made = [client.repos.create().id for _ in range(5)]
    assert [repo.id for repo in client.repos.list(page=2)][:5] == made[::-1]


def test_wrong_credentials_are_an_error_of_their_own(server: RunningServer) -> None:
    with Client(server.url, "nobody") as stranger:
        assert stranger.health.alive().ok
        with pytest.raises(Unauthorized):
            stranger.repos.create()


async def test_the_same_on_trio(async_client: AsyncClient) -> None:
    made = await async_client.repos.create("on-trio")
    repo = async_client.repo(made.id)
    assert (await repo.show()).id == "on-trio"
    fork = await repo.fork()
    assert [each.id async for each in async_client.repos.list()] == [fork.id, "on-trio"]
    with pytest.raises(ForkDependency):
        await repo.delete()
    assert (await repo.delete(force=True)).ok
