"""The contract's rows on repository tokens."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.auth import hash_token, token_id
from tests.support.rest import RestClient, rest_client

ALICE = {"Authorization": "Bearer user:alice"}


@pytest.fixture
async def rest(tmp_path: Path) -> AsyncIterator[RestClient]:
    async with rest_client(tmp_path / "data", undelete_days=0) as client:
        await client.create("repo")
        yield client


@pytest.mark.parametrize("scope", ["read", "write"])
async def test_minted_token_is_told_with_its_remote(rest: RestClient, scope: str) -> None:
    answer = await rest.call("POST", "/v1/repos/repo/tokens", {"scope": scope})
    assert answer.status_code == 200
    made = answer.json()
    assert made == {
        "token": made["token"],
        "remote": f"http://x:{made['token']}@git.test/git/repo.git",
        "expiresAt": None,
    }
    record = rest.engine.catalog.token(hash_token(made["token"]))
    assert record is not None
    assert record.scope.value == scope


async def test_ttl_sets_the_expiry(rest: RestClient) -> None:
    before_s = int(time.time())
    made = (await rest.call("POST", "/v1/repos/repo/tokens", {"scope": "read", "ttlSeconds": 60})).json()
    assert before_s + 60 <= made["expiresAt"] <= time.time() + 60


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"scope": "admin"},
        {"scope": None},
        {"scope": "read", "ttlSeconds": "60"},
        {"scope": "read", "ttlSeconds": 0},
        {"scope": "read", "ttlSeconds": -1},
        {"scope": "read", "ttlSeconds": 1.5},
        {"scope": "read", "ttlSeconds": 10**30},
        {"scope": "read", "label": "x" * 257},
        [],
        "read",
    ],
)
async def test_wrong_type_or_scope_is_422(rest: RestClient, body: object) -> None:
    answer = await rest.call("POST", "/v1/repos/repo/tokens", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad_request")


async def test_list_has_live_tokens_newest_first_in_snake_case(rest: RestClient) -> None:
    body = {"scope": "read", "ttlSeconds": 60, "label": "ci", "refs": ["refs/heads/ci/*"]}
    made = (await rest.call("POST", "/v1/repos/repo/tokens", body)).json()
    answer = await rest.call("GET", "/v1/repos/repo/tokens")
    assert answer.status_code == 200
    newest, first = answer.json()
    assert newest == {
        "id": token_id(hash_token(made["token"])),
        "repo_id": "repo",
        "scope": "read",
        "created_at": made["expiresAt"] - 60,
        "expires_at": made["expiresAt"],
        "revoked_at": None,
        "subject": None,
        "label": "ci",
        "refs": ["refs/heads/ci/*"],
    }
    assert first["scope"] == "write"
    assert made["token"] not in answer.text


async def test_revoked_token_leaves_the_list_and_revoking_again_is_no_error(rest: RestClient) -> None:
    made = (await rest.call("POST", "/v1/repos/repo/tokens", {"scope": "read"})).json()
    body = {"token": made["token"]}
    first = await rest.call("POST", "/v1/tokens/revoke", body)
    again = await rest.call("POST", "/v1/tokens/revoke", body)
    assert (first.status_code, first.json()) == (200, {"revoked": True})
    assert (again.status_code, again.json()) == (200, {"revoked": False})
    assert len((await rest.call("GET", "/v1/repos/repo/tokens")).json()) == 1


@pytest.mark.parametrize("token", ["unknown", "", "not graphic", "é", "x" * 1000])
async def test_revoking_an_unknown_token_is_no_error_for_the_administrator(rest: RestClient, token: str) -> None:
    answer = await rest.call("POST", "/v1/tokens/revoke", {"token": token})
    assert (answer.status_code, answer.json()) == (200, {"revoked": False})


async def test_revoking_is_not_for_users(rest: RestClient) -> None:
    answer = await rest.call("POST", "/v1/tokens/revoke", {"token": "unknown"}, headers=ALICE)
    assert answer.status_code == 403
    assert answer.json()["error"] == {"code": "forbidden", "message": "not your token"}


async def test_users_see_the_tokens_they_minted(rest: RestClient) -> None:
    await rest.call("POST", "/v1/repos", {"id": "alices"}, headers=ALICE)
    await rest.call("POST", "/v1/repos/alices/tokens", {"scope": "read"})
    seen = (await rest.call("GET", "/v1/repos/alices/tokens", headers=ALICE)).json()
    assert [token["subject"] for token in seen] == ["alice"]
    assert len((await rest.call("GET", "/v1/repos/alices/tokens")).json()) == 2


@pytest.mark.parametrize(("route", "body"), [("tokens", b'{"scope":"write"}'), ("tokens/rotate", b"{}")])
async def test_no_token_is_minted_for_who_got_the_id_while_the_body_was_on_its_way(
    rest: RestClient, route: str, body: bytes
) -> None:
    await rest.call("POST", "/v1/repos", {"id": "alices"}, headers=ALICE)

    async def slow_body() -> AsyncIterator[bytes]:
        yield body[:1]
        assert (await rest.call("DELETE", "/v1/repos/alices", headers=ALICE)).status_code == 200
        bobs = {"Authorization": "Bearer user:bob"}
        assert (await rest.call("POST", "/v1/repos", {"id": "alices"}, headers=bobs)).status_code == 200
        yield body[1:]

    headers = {**ALICE, "Content-Type": "application/json"}
    answer = await rest.http.post(f"/v1/repos/alices/{route}", content=slow_body(), headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "repo_not_found")
    assert [token.subject for token in rest.engine.catalog.tokens("alices", int(time.time()))] == ["bob"]


async def test_credentials_that_ended_while_the_body_was_on_its_way_mint_nothing(rest: RestClient) -> None:
    tokens = rest.engine.catalog.tokens("repo", int(time.time()))

    async def slow_body() -> AsyncIterator[bytes]:
        yield b"{"
        assert (await rest.call("POST", "/v1/admin/token/rotate")).status_code == 200
        yield b'"scope":"write"}'

    answer = await rest.http.post(
        "/v1/repos/repo/tokens", content=slow_body(), headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
    assert rest.engine.catalog.tokens("repo", int(time.time())) == tokens
