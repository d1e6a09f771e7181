"""What every Catalog does when repositories are deleted."""

from __future__ import annotations

import pytest

from packengine.storage.ports import (
    Catalog,
    Committed,
    Pointer,
    RepositoryMissing,
    RepositoryRecord,
    Superseded,
)
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
