"""What every Catalog does when repositories are deleted."""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import replace
from functools import partial

import pytest

from packengine.storage.job_ports import NewJob
from packengine.storage.ports import (
    Catalog,
    Committed,
    NewRepository,
    NewToken,
    Pointer,
    RepositoryExists,
    RepositoryMissing,
    RepositoryRecord,
    StorageError,
    Superseded,
    TokenScope,
)
from tests.conformance.conftest import CatalogMaker
from tests.support.catalogs import NOW_S, create, manifest, publish


def test_a_deleted_repository_is_gone_from_everywhere(catalog: Catalog) -> None:
    create(catalog, "kept", owner="alice")
    create(catalog, "gone", owner="alice", source_id="kept")

    catalog.delete_repositories(["gone"], NOW_S)

    assert catalog.repository("gone") is None
    assert catalog.live_forks("kept") == []
    assert [record.id for record in catalog.repositories(limit=10)[0]] == ["kept"]
    assert catalog.repositories(limit=10, owner="alice")[1] == 1
    with pytest.raises(RepositoryMissing):
        catalog.pointer("gone")
    with pytest.raises(RepositoryMissing):
        publish(catalog, "gone", Pointer(1, manifest("gone").digest), "next")
    with pytest.raises(RepositoryMissing):
        catalog.delete_repositories(["gone"], NOW_S)


def test_many_are_deleted_all_or_none(catalog: Catalog) -> None:
    create(catalog, "kept")
    for ids in (["kept", "none"], ["kept", "kept"]):
        with pytest.raises(RepositoryMissing):
            catalog.delete_repositories(ids, NOW_S)
    assert catalog.pointer("kept").version == 1


def test_a_fork_outlives_its_source_and_no_longer_names_it(catalog: Catalog) -> None:
    create(catalog, "source")
    create(catalog, "fork", source_id="source", manifest_of="source")

    catalog.delete_repositories(["source"], NOW_S)

    assert catalog.repository("fork") == RepositoryRecord("fork", None, NOW_S, None, False, 1)
    moved = publish(catalog, "fork", catalog.pointer("fork"), "next")
    assert isinstance(moved, Committed)


def test_a_deleted_source_cannot_be_forked(catalog: Catalog) -> None:
    create(catalog, "source")
    catalog.delete_repositories(["source"], NOW_S)
    with pytest.raises(RepositoryMissing, match="source"):
        create(catalog, "fork", source_id="source", manifest_of="source")
    assert catalog.repository("fork") is None


def test_an_id_is_free_again_after_the_deletion(catalog: Catalog) -> None:
    create(catalog, "demo", owner="alice")
    catalog.delete_repositories(["demo"], NOW_S)
    create(catalog, "demo", owner="bob")
    assert catalog.repositories(limit=10) == ([RepositoryRecord("demo", "bob", NOW_S, None, False, 3)], 1)


def test_the_id_of_a_deleted_repository_is_kept_for_its_owner_for_a_while(make_catalog: CatalogMaker) -> None:
    with closing(make_catalog(10)) as catalog:
        for repository_id, owner in (("demo", "alice"), ("mine", "alice"), ("ours", None)):
            create(catalog, repository_id, owner=owner)
        catalog.delete_repositories(["demo", "mine", "ours"], NOW_S)
        for repository_id in ("demo", "ours"):
            with pytest.raises(RepositoryExists, match=repository_id):
                create(catalog, repository_id, owner="bob", created_at_s=NOW_S + 9)
        create(catalog, "mine", owner="alice", created_at_s=NOW_S)
        create(catalog, "ours", owner=None, created_at_s=NOW_S)
        create(catalog, "demo", owner="bob", created_at_s=NOW_S + 10)
        records, _ = catalog.repositories(limit=10)
        assert {record.id: record.owner for record in records} == {"demo": "bob", "mine": "alice", "ours": None}


def test_forks_of_a_deleted_repository_are_not_those_of_its_successor(catalog: Catalog) -> None:
    create(catalog, "source")
    create(catalog, "fork", source_id="source", manifest_of="source")
    catalog.delete_repositories(["source"], NOW_S)
    create(catalog, "source")

    assert catalog.live_forks("source") == []
    record = catalog.repository("fork")
    assert record is not None
    assert record.source_id is None


def test_a_publish_for_a_deleted_repository_cannot_hit_its_successor(catalog: Catalog) -> None:
    create(catalog, "demo")
    publish(catalog, "demo", catalog.pointer("demo"), "demo")
    seen = [Pointer(version, manifest("demo").digest) for version in (1, 2, 3)]
    catalog.delete_repositories(["demo"], NOW_S)
    create(catalog, "demo")

    for expected in seen:
        assert isinstance(publish(catalog, "demo", expected, "next"), Superseded)
    assert catalog.pointer("demo").version == 4


def test_an_undeleted_repository_is_as_it_was_but_for_its_tokens(catalog: Catalog) -> None:
    create(catalog, "source")
    create(catalog, "demo", owner="alice", source_id="source", manifest_of="source")
    publish(catalog, "demo", catalog.pointer("demo"), "moved")
    before, moved = catalog.repository("demo"), catalog.pointer("demo")
    old, new = NewToken(b"\1" * 32, TokenScope.WRITE, NOW_S), NewToken(b"\2" * 32, TokenScope.WRITE, NOW_S)
    catalog.mint_token("demo", old)
    catalog.delete_repositories(["demo"], NOW_S)

    record = catalog.undelete_repository("demo", not_before_s=NOW_S, token=new)

    assert before is not None
    assert record == replace(before, first_version=before.first_version + 1) == catalog.repository("demo")
    assert catalog.pointer("demo") == Pointer(moved.version + 1, moved.manifest)
    assert catalog.live_forks("source") == ["demo"]
    assert catalog.token(old.token_hash) is None
    assert [token.token_hash for token in catalog.tokens("demo", NOW_S)] == [new.token_hash]


def test_what_was_begun_before_a_deletion_is_not_published_after_the_undeletion(catalog: Catalog) -> None:
    create(catalog, "demo")
    before = catalog.pointer("demo")
    catalog.delete_repositories(["demo"], NOW_S)
    catalog.undelete_repository("demo", not_before_s=NOW_S)
    assert isinstance(publish(catalog, "demo", before, "late"), Superseded)
    assert isinstance(publish(catalog, "demo", catalog.pointer("demo"), "in time"), Committed)


def test_an_undeleted_repository_has_as_many_publishes_of_its_own_as_before(catalog: Catalog) -> None:
    create(catalog, "demo")
    publish(catalog, "demo", catalog.pointer("demo"), "moved")
    uses = catalog.pointer_uses()
    catalog.delete_repositories(["demo"], NOW_S)
    assert catalog.pointer_uses() == uses
    catalog.undelete_repository("demo", not_before_s=NOW_S)
    assert catalog.pointer_uses() == uses


def test_only_what_was_deleted_lately_and_kept_its_manifest_comes_back(catalog: Catalog) -> None:
    for name in ("live", "early", "given-up"):
        create(catalog, name)
    catalog.delete_repositories(["given-up"], NOW_S - 100)
    catalog.give_up_tombstones(NOW_S - 50)
    catalog.delete_repositories(["early"], NOW_S)
    for name, not_before_s in (("early", NOW_S + 1), ("given-up", 0), ("none", 0)):
        assert catalog.deleted_repository(name, not_before_s=not_before_s) is None
        with pytest.raises(RepositoryMissing, match=name):
            catalog.undelete_repository(name, not_before_s=not_before_s)
    with pytest.raises(RepositoryExists, match="live"):
        catalog.undelete_repository("live", not_before_s=0)


def test_the_last_of_an_id_comes_back_and_no_successor_is_disturbed(catalog: Catalog) -> None:
    create(catalog, "demo", owner="first")
    catalog.delete_repositories(["demo"], NOW_S)
    create(catalog, "demo", owner="second")
    with pytest.raises(RepositoryExists):
        catalog.undelete_repository("demo", not_before_s=NOW_S)
    catalog.delete_repositories(["demo"], NOW_S)

    deleted = catalog.deleted_repository("demo", not_before_s=NOW_S)
    assert deleted is not None
    assert deleted.owner == "second"
    with pytest.raises(RepositoryMissing):
        catalog.undelete_repository("demo", not_before_s=NOW_S, first_version=1)
    assert catalog.undelete_repository("demo", not_before_s=NOW_S).owner == "second"


def test_an_undeletion_that_cannot_mint_its_token_does_nothing(catalog: Catalog) -> None:
    create(catalog, "demo")
    create(catalog, "other")
    token = NewToken(b"\1" * 32, TokenScope.WRITE, NOW_S)
    catalog.mint_token("other", token)
    catalog.delete_repositories(["demo"], NOW_S)
    with pytest.raises(StorageError):
        catalog.undelete_repository("demo", not_before_s=NOW_S, token=token)
    assert catalog.repository("demo") is None
    assert catalog.undelete_repository("demo", not_before_s=NOW_S).first_version == 2


def test_what_can_come_back_is_told_whether_or_not_its_id_is_in_use(catalog: Catalog) -> None:
    create(catalog, "demo", owner="alice")
    assert catalog.deleted_repository("demo", not_before_s=0) is None
    catalog.delete_repositories(["demo"], NOW_S)
    told = catalog.deleted_repository("demo", not_before_s=NOW_S)
    assert told == RepositoryRecord("demo", "alice", NOW_S, None, False, 1)
    assert catalog.deleted_repository("demo", not_before_s=NOW_S + 1) is None
    create(catalog, "demo", owner="bob", created_at_s=NOW_S + 1)
    assert catalog.deleted_repository("demo", not_before_s=NOW_S) == told
    catalog.give_up_tombstones(NOW_S + 1)
    assert catalog.deleted_repository("demo", not_before_s=NOW_S) is None


def test_another_one_of_the_id_does_not_come_back(catalog: Catalog) -> None:
    create(catalog, "demo")
    catalog.delete_repositories(["demo"], NOW_S)
    first = catalog.deleted_repository("demo", not_before_s=NOW_S)
    assert first is not None
    create(catalog, "demo", created_at_s=NOW_S + 1)
    catalog.delete_repositories(["demo"], NOW_S + 1)
    with pytest.raises(RepositoryMissing):
        catalog.undelete_repository("demo", not_before_s=NOW_S, first_version=first.first_version)
    last = catalog.deleted_repository("demo", not_before_s=NOW_S)
    assert last is not None
    record = catalog.undelete_repository("demo", not_before_s=NOW_S, first_version=last.first_version)
    assert record.first_version == last.first_version + 1


def test_a_successor_of_an_id_is_neither_forked_nor_changed_for_it(catalog: Catalog) -> None:
    create(catalog, "demo")
    catalog.delete_repositories(["demo"], NOW_S)
    create(catalog, "demo", owner="bob", created_at_s=NOW_S + 1)
    for first_version, is_refused in [(1, True), (3, False), (None, False)]:
        fork = NewRepository(f"fork-{first_version}", None, NOW_S, None, "demo", source_first_version=first_version)
        for act in (
            partial(catalog.create_repositories, [fork]),
            partial(catalog.update_repository, "demo", is_public=True, first_version=first_version),
        ):
            if is_refused:
                with pytest.raises(RepositoryMissing):
                    act()
                assert catalog.repositories(limit=10)[1] == 1
                assert not catalog.repositories(limit=10)[0][0].is_public
            else:
                act()


def test_a_successor_of_an_id_gets_no_token_and_no_job_and_is_not_deleted_for_it(catalog: Catalog) -> None:
    create(catalog, "demo")
    catalog.delete_repositories(["demo"], NOW_S)
    create(catalog, "demo", owner="bob", created_at_s=NOW_S + 1)
    catalog.mint_token("demo", token("bobs"), first_version=3)
    job = NewJob("job", "import", "alice", "{}", NOW_S * 1000)
    for act in (
        partial(catalog.mint_token, "demo", token("alices"), first_version=1),
        partial(catalog.rotate_tokens, "demo", token("alices"), NOW_S, first_version=1),
        partial(catalog.add_job, "demo", job, first_version=1),
        partial(catalog.delete_repositories, ["demo"], NOW_S, first_versions={"demo": 1}),
    ):
        with pytest.raises(RepositoryMissing):
            act()
        assert [each.token_hash for each in catalog.tokens("demo", NOW_S)] == [token("bobs").token_hash]
        assert catalog.jobs("demo", "import") == []

    catalog.add_job("demo", job, first_version=3)
    assert catalog.rotate_tokens("demo", token("fresh"), NOW_S, first_version=3) == 1
    catalog.delete_repositories(["demo"], NOW_S, first_versions={"demo": 3})
    assert catalog.repository("demo") is None


def token(name: str) -> NewToken:
    return NewToken(hashlib.sha256(name.encode()).digest(), TokenScope.WRITE, NOW_S, None)
