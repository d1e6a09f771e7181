"""Which entries go when there is no room for all. The policy is measured here against LRU."""

from __future__ import annotations

import fcntl
import random
from bisect import bisect
from collections import OrderedDict
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import pytest

from packengine.repository.answers import AnswerStore
from packengine.repository.answers.eviction import charged_bytes, next_rank_ns
from tests.support.answers import entry_paths, keep, read_rest

GIB = 1 << 30


class Use(NamedTuple):
    """One request of a trace."""

    key: tuple[object, ...]
    size_bytes: int
    build_us: int


def trace(
    seed: int, *, zipf: float, depth_1: float, full: float, requests_a_push: int, repositories: int = 800
) -> Iterator[Use]:
    """Clones at depth 1, full clones and fetches of a push or two, over repositories of 5 MB in the middle.

    Their popularity falls by Zipf's law; the costs are those of docs/performance.md: a walk, and copying.
    """
    chance = random.Random(seed)
    sizes = [min(2e9, chance.lognormvariate(15.5, 2.0)) for _ in range(repositories)]
    weights = list(accumulate(1 / (rank + 1) ** zipf for rank in range(repositories)))
    pushes = [0] * repositories
    for _ in range(20_000):
        number = bisect(weights, chance.random() * weights[-1])
        size = sizes[number]
        pushes[number] += chance.random() < 1 / requests_a_push
        kind = chance.random()
        if kind < depth_1:
            yield Use((number, pushes[number], "depth 1"), int(size * 0.12) + 2000, int(2000 + size / 250))
        elif kind < depth_1 + full:
            yield Use((number, pushes[number], "full"), int(size), int(2000 + size / 250))
        else:
            back = 1 + int(chance.expovariate(0.7))
            changed = int(chance.lognormvariate(8.5, 1.5)) * back + 2000
            yield Use((number, pushes[number], back), changed, int(4000 + size / 1000))


def saved_by_lru(uses: list[Use], bound: int) -> int:
    kept: OrderedDict[tuple[object, ...], int] = OrderedDict()
    total = saved = 0
    for use in uses:
        if use.key in kept:
            kept.move_to_end(use.key)
            saved += use.build_us
        elif use.size_bytes <= bound // 2:
            kept[use.key] = charged_bytes(use.size_bytes)
            total += kept[use.key]
            while total > bound:
                total -= kept.popitem(last=False)[1]
    return saved


def saved_by_rank(uses: list[Use], bound: int) -> int:
    """As the evictor does it: an eighth is freed at a time."""
    kept: dict[tuple[object, ...], tuple[int, int]] = {}
    total = saved = floor = 0
    for use in uses:
        known = kept.get(use.key)
        if known is None and use.size_bytes > bound // 2:
            continue
        rank = next_rank_ns(known[0] if known else 0, floor, build_us=use.build_us, size_bytes=use.size_bytes)
        kept[use.key] = (rank, charged_bytes(use.size_bytes))
        if known is not None:
            saved += use.build_us
            continue
        total += kept[use.key][1]
        if total > bound:
            for key, (rank, charged) in sorted(kept.items(), key=lambda item: item[1]):
                if total <= bound - bound // 8:
                    break
                del kept[key]
                total, floor = total - charged, max(floor, rank)
    return saved


TRACES = {
    "CI, mostly depth 1": {"zipf": 0.9, "depth_1": 0.7, "full": 0.1, "requests_a_push": 400},
    "people and CI": {"zipf": 0.8, "depth_1": 0.35, "full": 0.25, "requests_a_push": 100},
    "no favourites": {"zipf": 0.6, "depth_1": 0.5, "full": 0.2, "requests_a_push": 100},
    "many pushes": {"zipf": 0.9, "depth_1": 0.4, "full": 0.1, "requests_a_push": 10},
}


@pytest.mark.parametrize("name", TRACES)
def test_more_building_time_is_saved_than_by_lru(name: str) -> None:
    uses = list(trace(1, **TRACES[name]))  # type: ignore[arg-type]  # the integers are where they belong
    everything = sum(use.build_us for use in uses)
    for bound in (GIB, 4 * GIB):
        ours, lru = (saves(uses, bound) / everything for saves in (saved_by_rank, saved_by_lru))
        print(f"{name}, {bound // GIB} GiB: saved {ours:.0%} of the building time, LRU {lru:.0%}")  # noqa: T201
        assert ours > 1.1 * lru


def test_a_rank_rises_with_each_use_as_far_as_uses_are_remembered() -> None:
    ranks = [0]
    for _ in range(6):
        ranks.append(next_rank_ns(ranks[-1], 1000, build_us=50, size_bytes=1 << 20))
    assert ranks[1:5] == [1000 + use * 50_000_000 for use in (1, 2, 3, 4)]
    assert ranks[4] == ranks[5] == ranks[6]


def fill(store: AnswerStore, numbers: range, *, build_us: int = 50_000) -> None:
    for number in numbers:
        keep(store, bytes([number]) + bytes(31), [bytes([number]) * 100_000], build_us)


def test_the_folder_stays_within_its_bound_and_readers_read_on(tmp_path: Path) -> None:
    store = AnswerStore(tmp_path, 1_000_000)
    keep(store, bytes([255]) * 32, [b"read while it is evicted"] * 3, build_us=1000)
    reader = store.open(bytes([255]) * 32)
    assert reader is not None
    for number in range(40):
        fill(store, range(number, number + 1))
        assert sum(path.stat().st_size for path in entry_paths(tmp_path)) <= 1_000_000
    assert store.stats().evicted >= 30
    assert store.stats().stored == 41
    assert read_rest(reader) == [b"read while it is evicted"] * 3


def test_what_is_used_and_what_was_dear_outlives_the_rest(tmp_path: Path) -> None:
    store = AnswerStore(tmp_path, 1_000_000)
    fill(store, range(100, 101), build_us=5_000_000)
    fill(store, range(101, 102))
    for number in range(20):
        fill(store, range(number, number + 1))
        used = store.open(bytes([101]) + bytes(31))
        assert used is not None, "evicted although it was asked for all the time"
        used.close()
    dear = store.open(bytes([100]) + bytes(31))
    assert dear is not None
    dear.close()


def test_a_dear_entry_that_nobody_asks_for_goes_in_the_end(tmp_path: Path) -> None:
    store = AnswerStore(tmp_path, 1_000_000)
    fill(store, range(200, 201), build_us=500_000)
    for number in range(150):
        fill(store, range(number, number + 1))
    assert store.open(bytes([200]) + bytes(31)) is None


def test_tiny_entries_are_bounded_in_number(tmp_path: Path) -> None:
    store = AnswerStore(tmp_path, 64 * 16 * 1024)
    for number in range(150):
        keep(store, bytes([number]) * 32, [b"tiny"])
    assert len(entry_paths(tmp_path)) <= 64


def test_one_process_evicts_at_a_time(tmp_path: Path) -> None:
    store = AnswerStore(tmp_path, 1_000_000)
    fill(store, range(1))
    (floor,) = tmp_path.glob("*/floor")
    with floor.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        fill(store, range(1, 15))
        assert len(entry_paths(tmp_path)) == 15
    fill(store, range(15, 16))
    assert len(entry_paths(tmp_path)) < 10
