"""Authorisation of Git requests: the contract's rules, and that a private repository looks like a missing one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from packengine.repository import Actor, Engine
from packengine.storage.ports import NewToken, TokenScope
from server.auth import GitAuthenticator, GitGrant, GitRefusal, GitService, hash_token, token_id

NOW_S = 1_000_000
FETCH: GitService = "git-upload-pack"
PUSH: GitService = "git-receive-pack"
CHALLENGE = (b"www-authenticate", b'Basic realm="artifacts"')
Mint = Callable[..., None]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine.open(tmp_path / "data")
    actor = Actor("admin", "r")
    for repository_id in ("mine", "other"):
        engine.create_repository(repository_id, actor)
    yield engine
    engine.close()


@pytest.fixture
def mint(engine: Engine) -> Mint:
    def mint_token(text: str, scope: TokenScope = TokenScope.WRITE, *, expires_at_s: int | None = None) -> None:
        engine.catalog.mint_token("mine", NewToken(hash_token(text), scope, NOW_S - 10, expires_at_s))

    return mint_token


def verdict(engine: Engine, repository_id: str, header: str | None, service: GitService) -> GitGrant | GitRefusal:
    return GitAuthenticator(engine.catalog, now_s=lambda: NOW_S).authorize(repository_id, header, service)


def status(result: GitGrant | GitRefusal) -> int:
    return 200 if isinstance(result, GitGrant) else result.status


@pytest.mark.parametrize("service", [FETCH, PUSH])
def test_write_token_may_fetch_and_push(engine: Engine, mint: Mint, service: GitService) -> None:
    mint("writer")
    result = verdict(engine, "mine", "Bearer writer", service)
    assert isinstance(result, GitGrant)
    assert result.repository_id == "mine"
    assert result.subject == f"token:{token_id(hash_token('writer'))}"


def test_read_token_may_fetch_but_not_push(engine: Engine, mint: Mint) -> None:
    mint("reader", TokenScope.READ)
    assert status(verdict(engine, "mine", "Bearer reader", FETCH)) == 200
    refusal = verdict(engine, "mine", "Bearer reader", PUSH)
    assert isinstance(refusal, GitRefusal)
    assert (refusal.status, refusal.body) == (403, b"token is read-only\n")


@pytest.mark.parametrize("header", [None, "", "Bearer unknown", "Basic ????", "Bearer \u00e9"])
@pytest.mark.parametrize("repository_id", ["mine", "missing", "../etc"])
@pytest.mark.parametrize("service", [FETCH, PUSH])
def test_missing_bad_and_unknown_tokens_are_challenged_alike(
    engine: Engine, header: str | None, repository_id: str, service: GitService
) -> None:
    refusal = verdict(engine, repository_id, header, service)
    assert isinstance(refusal, GitRefusal)
    assert refusal.status == 401
    assert CHALLENGE in refusal.headers
    assert refusal == verdict(engine, "mine", None, FETCH)


@pytest.mark.parametrize("repository_id", ["other", "missing"])
def test_token_of_another_repository_is_refused_whether_or_not_this_one_exists(
    engine: Engine, mint: Mint, repository_id: str
) -> None:
    mint("writer")
    refusal = verdict(engine, repository_id, "Bearer writer", PUSH)
    assert isinstance(refusal, GitRefusal)
    assert (refusal.status, refusal.body) == (403, b"token not valid for this repo\n")


def test_token_expires_at_its_second(engine: Engine, mint: Mint) -> None:
    mint("past", expires_at_s=NOW_S)
    mint("future", expires_at_s=NOW_S + 1)
    assert status(verdict(engine, "mine", "Bearer past", FETCH)) == 401
    assert status(verdict(engine, "mine", "Bearer future", FETCH)) == 200


def test_revoked_token_is_refused_at_once(engine: Engine, mint: Mint) -> None:
    mint("writer")
    assert engine.catalog.revoke_token(hash_token("writer"), NOW_S)
    assert status(verdict(engine, "mine", "Bearer writer", FETCH)) == 401


def test_tokens_of_a_deleted_repository_are_unknown(engine: Engine, mint: Mint) -> None:
    mint("writer")
    engine.delete_repository("mine", Actor("admin", "r"))
    assert status(verdict(engine, "mine", "Bearer writer", FETCH)) == 401
