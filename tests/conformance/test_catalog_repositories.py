"""What every Catalog does with repositories: creating, listing, forking."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from packengine.refs.rules import RefRule
from packengine.storage.ports import (
    Catalog,
    Pointer,
    RepositoryExists,
    RepositoryMissing,
    RepositoryPlace,
    RepositoryRecord,
    RowKind,
    RowMissing,
    StorageError,
)
from tests.support.catalogs import NOW_S, create, manifest, new_repository, row

ABSENT = hashlib.sha256(b"never stored").digest()


def test_a_new_repository_points_to_its_manifest(catalog: Catalog) -> None:
    create(catalog, "demo", owner="alice", read_only=True)

    assert catalog.repository("demo") == RepositoryRecord("demo", "alice", NOW_S, None, True, 1)
    assert catalog.pointer("demo") == Pointer(1, manifest("demo").digest)


def test_an_unknown_repository_is_missing(catalog: Catalog) -> None:
    assert catalog.repository("none") is None
    assert catalog.live_forks("none") == []
    with pytest.raises(RepositoryMissing, match="none"):
        catalog.pointer("none")


def test_an_id_is_given_once(catalog: Catalog) -> None:
    create(catalog, "demo", owner="alice")
    with pytest.raises(RepositoryExists, match="demo"):
        create(catalog, "demo", owner="mallory")
    assert catalog.repository("demo") == RepositoryRecord("demo", "alice", NOW_S, None, False, 1)


def test_a_repository_needs_a_stored_manifest(catalog: Catalog) -> None:
    with pytest.raises(RowMissing, match=ABSENT.hex()):
        catalog.create_repositories([replace(new_repository("demo"), manifest=ABSENT)])
    assert catalog.repository("demo") is None


def test_a_pack_of_that_digest_is_no_manifest(catalog: Catalog) -> None:
    pack = row(RowKind.PACK, b"pack")
    with pytest.raises(RowMissing):
        catalog.create_repositories([replace(new_repository("demo"), manifest=pack.digest)], [pack])


@pytest.mark.parametrize("flaw", ["taken id", "same id twice", "unknown source", "unknown manifest"])
def test_many_are_created_all_or_none(catalog: Catalog, flaw: str) -> None:
    create(catalog, "taken")
    good = [new_repository("one"), new_repository("two")]
    bad = {
        "taken id": new_repository("taken"),
        "same id twice": new_repository("one"),
        "unknown source": replace(new_repository("three"), source_id="none"),
        "unknown manifest": replace(new_repository("three"), manifest=ABSENT),
    }[flaw]
    new_row = manifest("only here")

    with pytest.raises(StorageError):
        catalog.create_repositories([*good, bad], [manifest("one"), manifest("two"), new_row])

    assert [record.id for record in catalog.repositories(limit=10)[0]] == ["taken"]
    assert not catalog.has_row(RowKind.MANIFEST, new_row.digest)


def test_the_list_is_newest_first_in_pages_with_the_total(catalog: Catalog) -> None:
    ids = [f"repo-{number}" for number in range(7)]
    for repository_id in ids:
        create(catalog, repository_id)

    pages = [catalog.repositories(limit=3, offset=offset) for offset in (0, 3, 6, 9)]

    listed = [record.id for page, _ in pages for record in page]
    assert listed == ids[::-1]
    assert [total for _, total in pages] == [7, 7, 7, 7]


def test_the_list_of_an_owner_holds_only_what_is_theirs(catalog: Catalog) -> None:
    for number, owner in enumerate(["alice", "bob", None, "alice", "bob", "alice"]):
        create(catalog, f"repo-{number}", owner=owner)

    page, total = catalog.repositories(limit=2, owner="alice")

    assert ([record.id for record in page], total) == (["repo-5", "repo-3"], 3)
    assert catalog.repositories(limit=10, owner="nobody") == ([], 0)


def test_forks_name_their_source_and_are_found_from_it(catalog: Catalog) -> None:
    create(catalog, "source")
    for fork_id in ("fork-1", "fork-2"):
        create(catalog, fork_id, source_id="source", manifest_of="source")
    create(catalog, "fork-of-fork", source_id="fork-1", manifest_of="source")

    record = catalog.repository("fork-1")
    assert record is not None
    assert record.source_id == "source"
    assert catalog.live_forks("source") == ["fork-1", "fork-2"]
    assert catalog.live_forks("fork-1") == ["fork-of-fork"]
    assert catalog.pointer("fork-1").manifest == catalog.pointer("source").manifest


def test_a_source_and_its_fork_are_created_in_one_call(catalog: Catalog) -> None:
    source = new_repository("source")
    catalog.create_repositories([source, replace(source, id="fork", source_id="source")], [manifest("source")])
    assert catalog.live_forks("source") == ["fork"]


def test_a_repository_is_made_with_its_settings_and_keeps_those_that_are_not_set_anew(catalog: Catalog) -> None:
    rule = RefRule("refs/heads/main", deny_force=True, pushers=("alice",))
    new = replace(new_repository("demo"), description="first", is_public=True, rules=(rule,))
    catalog.create_repositories([new], [manifest("demo")])
    made = catalog.repository("demo")
    assert made == RepositoryRecord("demo", None, NOW_S, None, False, 1, "first", True, (rule,))

    assert catalog.update_repository("demo", description="") == replace(made, description="")
    assert catalog.update_repository("demo", read_only=True, is_public=False).rules == (rule,)
    updated = catalog.update_repository("demo", rules=())
    assert updated == replace(made, description="", read_only=True, is_public=False, rules=())
    assert catalog.update_repository("demo") == catalog.repository("demo") == updated


def test_only_live_repositories_are_updated(catalog: Catalog) -> None:
    with pytest.raises(RepositoryMissing):
        catalog.update_repository("none", description="x")
    create(catalog, "demo")
    catalog.delete_repositories(["demo"], NOW_S)
    with pytest.raises(RepositoryMissing):
        catalog.update_repository("demo", description="x")


def place(catalog: Catalog, repository_id: str) -> RepositoryPlace:
    record = catalog.repository(repository_id)
    assert record is not None
    return RepositoryPlace(record.id, record.first_version)


def test_a_list_goes_on_behind_a_place_whatever_comes_and_goes(catalog: Catalog) -> None:
    for number in range(6):
        create(catalog, f"repo-{number}", owner="alice" if number % 2 else None)
    at = place(catalog, "repo-3")
    create(catalog, "later")
    catalog.delete_repositories(["repo-3", "repo-1"], NOW_S)
    create(catalog, "repo-3", created_at_s=NOW_S + 10)

    page, total = catalog.repositories(limit=2, before=at)
    assert ([record.id for record in page], total) == (["repo-2", "repo-0"], 6)
    owned, total = catalog.repositories(limit=2, before=place(catalog, "repo-5"), owner="alice")
    assert (list(owned), total) == ([], 1)


def test_a_place_that_never_was_is_refused(catalog: Catalog) -> None:
    create(catalog, "demo")
    for place in (RepositoryPlace("demo", 7), RepositoryPlace("none", 1)):
        with pytest.raises(RepositoryMissing, match=place.id):
            catalog.repositories(limit=2, before=place)


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("repo", ["repo-b", "repo_a"]),
        ("BUILD", ["tools", "repo-b"]),
        ("_", ["repo_a"]),
        ("%", ["tools"]),
        ("!", []),
        ("ä", ["tools"]),
        ("nothing", []),
    ],
)
def test_a_search_finds_text_in_ids_and_descriptions(catalog: Catalog, search: str, found: list[str]) -> None:
    for name, description in [("repo_a", ""), ("repo-b", "Build it"), ("tools", "100% of the build, ä")]:
        new = replace(new_repository(name), description=description)
        catalog.create_repositories([new], [manifest(name)])
    page, total = catalog.repositories(limit=10, search=search)
    assert ([record.id for record in page], total) == (found, len(found))
