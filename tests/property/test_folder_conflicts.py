"""New refs against stored ones and each other: as a comparison of each with each says, at the price of one look."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packengine.refs import RefEntry, build_table
from packengine.refs.names import folders_of
from packengine.repository import folder_conflicts
from packengine.repository.folder_conflicts import Births, stored_rivals

OID = bytes(20)

components = st.sampled_from([b"a", b"a-b", b"a.c", b"b", b"0"])
names = st.lists(components, min_size=1, max_size=4).map(lambda parts: b"/".join([b"refs", *parts]))


def conflict(one: bytes, other: bytes) -> bool:
    return one.startswith(other + b"/") or other.startswith(one + b"/")


@given(created=st.lists(names, max_size=30, unique=True))
def test_of_new_refs_in_conflict_the_first_is_born(created: list[bytes]) -> None:
    births, born = Births(created), list[bytes]()
    for name in created:
        rival = births.rival_of(name)
        rivals = [other for other in born if conflict(name, other)]
        assert (rival in rivals) if rivals else rival is None
        if rival is None:
            births.add(name)
            born.append(name)


@given(stored=st.lists(names, max_size=200, unique=True), created=st.lists(names, max_size=30, unique=True))
def test_a_stored_rival_is_found_for_each_new_ref_that_has_one(stored: list[bytes], created: list[bytes]) -> None:
    blocks: dict[bytes, bytes] = {}
    table, fresh = build_table([RefEntry(name, OID) for name in sorted(stored)], oid_len=20, load=blocks.__getitem__)
    blocks.update(fresh)
    found = stored_rivals(table, created)
    for name in created:
        rivals = [other for other in stored if conflict(name, other)]
        assert (found.get(name) in rivals) if rivals else name not in found


def test_new_refs_in_any_order_read_each_block_of_the_table_a_few_times_at_most() -> None:
    blocks: dict[bytes, bytes] = {}
    reads = 0

    def load(digest: bytes) -> bytes:
        nonlocal reads
        reads += 1
        return blocks[digest]

    entries = [RefEntry(b"refs/heads/team-%03d/topic-%03d" % divmod(at, 100), OID) for at in range(20_000)]
    table, fresh = build_table(entries, oid_len=20, load=load)
    blocks.update(fresh)
    created = [entry.name + b"-new" for entry in entries]
    created.sort(key=lambda name: hashlib.sha256(name).digest())
    assert stored_rivals(table, created) == {}
    assert reads <= 4 * len(blocks)


def test_each_new_ref_is_taken_apart_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0

    def counted(name: bytes) -> list[bytes]:
        nonlocal asked
        asked += 1
        return folders_of(name)

    monkeypatch.setattr(folder_conflicts, "folders_of", counted)
    created = [b"refs/heads/%d" % at for at in range(2_000)] + [b"refs/heads/%d/x" % at for at in range(2_000)]
    births = Births(created)
    for name in reversed(created):
        if births.rival_of(name) is None:
            births.add(name)
    assert asked == len(created)
