"""Planned merges: whatever the packs, the geometric rule holds after them, and only neighbours are merged."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from packengine.maintenance.plan import FACTOR, Run, plan_runs, whole
from packengine.manifests import PackPlace, PackRecord

counts = st.one_of(st.integers(1, 20), st.integers(1, 10**7))
pack_lists = st.lists(st.tuples(counts, st.integers(1, 10**6)), max_size=40)


def records(sizes: Sequence[tuple[int, int]]) -> list[PackRecord]:
    return [
        PackRecord(place.to_bytes(32, "big"), size_bytes, object_count, PackPlace.BLOB)
        for place, (object_count, size_bytes) in enumerate(sizes)
    ]


def merged(packs: Sequence[PackRecord], runs: Sequence[Run]) -> list[tuple[int, PackRecord]]:
    """(objects, the oldest pack that went into it) of each pack after the merges, as many as there can be at most."""
    place_of = {run.packs[-1]: run for run in runs}
    gone = {pack for run in runs for pack in run.packs[:-1]}
    return [
        (place_of[pack].object_count if pack in place_of else pack.object_count, pack)
        for pack in packs
        if pack not in gone
    ]


def is_geometric(object_counts: Sequence[int]) -> bool:
    return all(count >= FACTOR * sum(object_counts[:place]) for place, count in enumerate(object_counts))


@given(pack_lists)
def test_after_planned_merges_every_pack_holds_at_least_twice_what_is_in_front(sizes: list[tuple[int, int]]) -> None:
    packs = records(sizes)
    runs = plan_runs(packs, lambda: 0, min_shared_bytes=1)
    assert is_geometric([count for count, _ in merged(packs, runs)])
    assert is_geometric([pack.object_count for pack in packs]) == (not runs)


@given(pack_lists, st.integers(0, 40), st.integers(1, 10**7))
def test_what_is_shared_and_what_is_not_each_keep_the_rule(
    sizes: list[tuple[int, int]], shared: int, min_shared_bytes: int
) -> None:
    packs = records(sizes)
    shared = min(shared, len(packs))
    apart = len(packs) - shared
    runs = plan_runs(packs, lambda: shared, min_shared_bytes=min_shared_bytes)
    after = merged(packs, runs)
    own, common = set(packs[:apart]), set(packs[apart:])
    is_split = all(own.issuperset(run.packs) or common.issuperset(run.packs) for run in runs)
    if is_split:
        assert is_geometric([count for count, last in after if last in own])
        assert is_geometric([count for count, last in after if last in common])
    else:
        assert is_geometric([count for count, _ in after])


@given(pack_lists, st.integers(0, 40))
def test_large_shared_packs_are_merged_with_others_only_by_a_fork_that_outgrew_them(
    sizes: list[tuple[int, int]], shared: int
) -> None:
    packs = records(sizes)
    apart = len(packs) - min(shared, len(packs))
    for run in plan_runs(packs, lambda: len(packs) - apart, min_shared_bytes=1):
        if set(run.packs) & set(packs[:apart]) and set(run.packs) & set(packs[apart:]):
            own_count = sum(pack.object_count for pack in packs[:apart])
            assert own_count >= FACTOR * sum(pack.object_count for pack in packs[apart:])


@given(pack_lists, st.integers(0, 40))
def test_runs_are_neighbours_and_have_nothing_in_common(sizes: list[tuple[int, int]], shared: int) -> None:
    packs = records(sizes)
    runs = plan_runs(packs, lambda: min(shared, len(packs)), min_shared_bytes=1)
    for run in runs:
        begin = packs.index(run.packs[0])
        assert len(run.packs) >= 2
        assert list(run.packs) == packs[begin : begin + len(run.packs)]
        assert run.is_oldest == (run.packs[-1] == packs[-1])
    everything = [pack for run in runs for pack in run.packs]
    assert len(everything) == len(set(everything))


@given(pack_lists)
def test_nobody_is_asked_what_is_shared_where_little_is_to_be_merged(sizes: list[tuple[int, int]]) -> None:
    packs = records(sizes)
    total_bytes = sum(pack.size_bytes for pack in packs)

    def never() -> int:
        raise AssertionError("asked")

    plan_runs(packs, never, min_shared_bytes=total_bytes + 1)


@given(pack_lists.filter(bool))
def test_the_whole_is_a_run_that_ends_with_the_oldest(sizes: list[tuple[int, int]]) -> None:
    run = whole(records(sizes))
    assert run.is_oldest
    assert run.object_count == sum(count for count, _ in sizes)
