"""What every Catalog does with tokens, and with the ids of deleted repositories."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from packengine.storage.ports import (
    Catalog,
    NewToken,
    RepositoryMissing,
    StorageError,
    TokenRecord,
    TokenScope,
)
from tests.support.catalogs import NOW_S, create, manifest, new_repository


def new_token(name: str, expires_at_s: int | None = None, scope: TokenScope = TokenScope.WRITE) -> NewToken:
    return NewToken(hashlib.sha256(name.encode()).digest(), scope, NOW_S, expires_at_s)


def names(records: object, *known: str) -> list[str]:
    """Which of the known tokens these are, in their order."""
    by_hash = {new_token(name).token_hash: name for name in known}
    assert isinstance(records, list)
    return [by_hash[record.token_hash] for record in records]


def test_a_token_comes_back_with_all_that_was_given(catalog: Catalog) -> None:
    create(catalog, "demo")
    token = NewToken(new_token("t").token_hash, TokenScope.READ, NOW_S, NOW_S + 60, "alice", "laptop")
    catalog.mint_token("demo", token)

    record = TokenRecord(token.token_hash, "demo", TokenScope.READ, NOW_S, NOW_S + 60, None, "alice", "laptop")
    assert catalog.token(token.token_hash) == record
    assert catalog.tokens("demo", NOW_S) == [record]


def test_a_repository_may_be_born_with_a_token(catalog: Catalog) -> None:
    new = replace(new_repository("demo"), token=new_token("first"))
    catalog.create_repositories([new], [manifest("demo")])

    record = catalog.token(new_token("first").token_hash)
    assert record is not None
    assert (record.repository_id, record.scope) == ("demo", TokenScope.WRITE)


def test_an_unknown_hash_is_no_token(catalog: Catalog) -> None:
    assert catalog.token(new_token("none").token_hash) is None
    assert not catalog.revoke_token(new_token("none").token_hash, NOW_S)


def test_tokens_are_of_live_repositories_only(catalog: Catalog) -> None:
    with pytest.raises(RepositoryMissing):
        catalog.mint_token("none", new_token("t"))
    with pytest.raises(RepositoryMissing):
        catalog.tokens("none", NOW_S)


def test_tokens_die_with_their_repository_and_stay_dead(catalog: Catalog) -> None:
    create(catalog, "demo")
    catalog.mint_token("demo", new_token("t"))

    catalog.delete_repositories(["demo"], NOW_S)
    create(catalog, "demo")

    assert catalog.token(new_token("t").token_hash) is None
    assert catalog.tokens("demo", NOW_S) == []
    assert not catalog.revoke_token(new_token("t").token_hash, NOW_S)


def test_a_hash_is_stored_once(catalog: Catalog) -> None:
    create(catalog, "demo")
    create(catalog, "other")
    catalog.mint_token("demo", new_token("t"))
    with pytest.raises(StorageError, match=new_token("t").token_hash.hex()):
        catalog.mint_token("other", new_token("t"))
    with pytest.raises(StorageError, match=new_token("t").token_hash.hex()):
        catalog.create_repositories([replace(new_repository("third"), token=new_token("t"))], [manifest("third")])

    record = catalog.token(new_token("t").token_hash)
    assert record is not None
    assert record.repository_id == "demo"
    assert catalog.repository("third") is None


def test_the_list_holds_live_tokens_newest_first(catalog: Catalog) -> None:
    create(catalog, "demo")
    create(catalog, "other")
    for name, expires_at_s in [("old", None), ("expired", NOW_S + 10), ("revoked", None), ("new", NOW_S + 11)]:
        catalog.mint_token("demo", new_token(name, expires_at_s))
    catalog.mint_token("other", new_token("elsewhere"))
    catalog.revoke_token(new_token("revoked").token_hash, NOW_S)

    assert names(catalog.tokens("demo", NOW_S + 10), "old", "new") == ["new", "old"]


def test_a_token_is_revoked_once_and_stays_known(catalog: Catalog) -> None:
    create(catalog, "demo")
    token = new_token("t")
    catalog.mint_token("demo", token)

    assert catalog.revoke_token(token.token_hash, NOW_S + 1)
    assert not catalog.revoke_token(token.token_hash, NOW_S + 2)

    record = catalog.token(token.token_hash)
    assert record is not None
    assert record.revoked_at_s == NOW_S + 1


def test_an_expired_token_is_known_but_not_live(catalog: Catalog) -> None:
    create(catalog, "demo")
    token = new_token("t", NOW_S + 10)
    catalog.mint_token("demo", token)

    assert catalog.token(token.token_hash) is not None
    assert not catalog.revoke_token(token.token_hash, NOW_S + 10)
    assert catalog.revoke_token(token.token_hash, NOW_S + 9)


def test_a_token_keeps_the_patterns_of_its_refs(catalog: Catalog) -> None:
    create(catalog, "demo")
    patterns = ("refs/heads/agent/*", 'refs/heads/"quoted"')
    catalog.mint_token("demo", replace(new_token("some"), refs=patterns))
    catalog.mint_token("demo", replace(new_token("none"), refs=()))
    catalog.mint_token("demo", new_token("any"))
    assert [record.refs for record in catalog.tokens("demo", NOW_S)] == [None, (), patterns]


def test_a_rotation_revokes_what_is_live_and_mints_one(catalog: Catalog) -> None:
    create(catalog, "demo")
    create(catalog, "other")
    catalog.mint_token("other", new_token("elsewhere"))
    for name, expires_at_s in [("one", None), ("two", None), ("expired", NOW_S)]:
        catalog.mint_token("demo", new_token(name, expires_at_s))
    catalog.mint_token("demo", new_token("revoked"))
    catalog.revoke_token(new_token("revoked").token_hash, NOW_S - 5)

    assert catalog.rotate_tokens("demo", new_token("new"), NOW_S) == 2

    assert names(catalog.tokens("demo", NOW_S), "new") == ["new"]
    assert names(catalog.tokens("other", NOW_S), "elsewhere") == ["elsewhere"]
    revoked = catalog.token(new_token("revoked").token_hash)
    assert revoked is not None
    assert revoked.revoked_at_s == NOW_S - 5


def test_a_rotation_that_cannot_mint_revokes_nothing(catalog: Catalog) -> None:
    create(catalog, "demo")
    catalog.mint_token("demo", new_token("one"))
    with pytest.raises(StorageError, match=new_token("one").token_hash.hex()):
        catalog.rotate_tokens("demo", new_token("one"), NOW_S)
    assert names(catalog.tokens("demo", NOW_S), "one") == ["one"]
    with pytest.raises(RepositoryMissing):
        catalog.rotate_tokens("none", new_token("two"), NOW_S)
