"""Moves between two ref tables against the difference of two dictionaries, for tables of every size."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from packengine.refs import RefChange, RefEntry, RefTable, build_table
from packengine.refs.comparison import moves_between

COUNTS = st.sampled_from((0, 1, 63, 64, 65, 66, 400, 3000))
"""Around the size up to which a table sits in the manifest, and of several blocks."""

Refs = dict[bytes, bytes]


def oid(number: int) -> bytes:
    return number.to_bytes(20, "big")


def table_of(refs: Refs, blocks: dict[bytes, bytes]) -> RefTable:
    entries = [RefEntry(name, value) for name, value in sorted(refs.items())]
    table, fresh = build_table(entries, oid_len=20, load=blocks.__getitem__)
    blocks |= fresh
    return table


@given(count=COUNTS, changed=st.lists(st.tuples(st.integers(0, 3500), st.integers(0, 3)), max_size=80))
def test_moves_are_what_two_dictionaries_differ_by(count: int, changed: list[tuple[int, int]]) -> None:
    """changed: refs that are deleted (0), left as they are (1), or have another value, also if they were not there."""
    blocks: dict[bytes, bytes] = {}
    before = {b"refs/x/%05d" % at: oid(at) for at in range(count)}
    older = table_of(before, blocks)
    after = dict(before)
    for at, value in changed:
        name = b"refs/x/%05d" % at
        if value == 0:
            after.pop(name, None)
        elif value > 1:
            after[name] = oid(10_000 * value + at)
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    changes = [RefChange(name, RefEntry(name, after[name]) if name in after else None) for name in names]
    newer, fresh = older.apply(changes)
    blocks |= fresh
    for left, right, old, new in [(older, newer, before, after), (newer, older, after, before)]:
        told = [(m.name, m.before and m.before.oid, m.after and m.after.oid) for m in moves_between(left, right)]
        assert told == [(name, old.get(name), new.get(name)) for name in names]


@given(
    before=st.dictionaries(st.integers(0, 200), st.integers(0, 3)),
    after=st.dictionaries(st.integers(0, 200), st.integers(0, 3)),
)
def test_tables_that_have_nothing_to_do_with_each_other(before: dict[int, int], after: dict[int, int]) -> None:
    blocks: dict[bytes, bytes] = {}
    old, new = ({b"refs/%03d" % at: oid(value) for at, value in refs.items()} for refs in (before, after))
    told = [
        (m.name, m.before and m.before.oid, m.after and m.after.oid)
        for m in moves_between(table_of(old, blocks), table_of(new, blocks))
    ]
    assert told == [
        (name, old.get(name), new.get(name))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]
