"""The four things that grow, four sizes each."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from benchmarks.growth.measuring import (
    ID,
    ROUNDS,
    Kind,
    Subject,
    all_refs,
    blob_none,
    depth_1,
    full,
    incremental,
    least_ms,
    one_ref,
    panel,
    push,
)
from benchmarks.growth.series import Line, Panel
from benchmarks.support.forks import fork_over_rest
from benchmarks.support.memory import watch
from benchmarks.support.null_client import clone
from benchmarks.support.served import UNDISTURBED, maintain
from benchmarks.support.variants import at_commit, first_parents, import_into, push_one_by_one, with_refs
from tests.support.git import git
from tests.support.server import RunningServer

REFS = (500, 5_000, 50_000, 500_000)
PACKS = (1, 4, 16, 64)
FORKS = (10, 100, 1_000, 10_000)
_FETCHES: dict[str, Kind] = {
    "full fetch": full,
    "fetch without blobs": blob_none,
    "fetch of depth 1": depth_1,
    "fetch of one commit": incremental,
}
_CONNECTIONS = 8
_LEAST_COMMITS = 400
"""For 256 haves and the commits above them."""


def objects(repository: Path, scratch: Path) -> Panel:
    """The beginnings of one history: an eighth, a quarter, half, all of it."""
    return panel("objects", _beginnings(repository, scratch), {**_FETCHES, "push of one commit": push})


def _beginnings(repository: Path, scratch: Path) -> Iterator[Subject]:
    commits = first_parents(repository)
    for divisor in (8, 4, 2, 1):
        start = min(len(commits) - len(commits) // divisor, len(commits) - _LEAST_COMMITS)
        cut = at_commit(repository, scratch / f"objects-{divisor}.git", commits[max(0, start)])
        count = int(git("rev-list", "--objects", "--use-bitmap-index", "--count", "main", cwd=cut))
        yield Subject(count, _filled(scratch / f"objects-{divisor}", cut), cut)


def refs(repository: Path, scratch: Path) -> Panel:
    """The same history under more names."""
    kinds: dict[str, Kind] = {"refs by prefix": one_ref, "all refs": all_refs, "push of one commit": push}
    return panel("refs", (_named(repository, scratch, count) for count in REFS), kinds)


def _named(repository: Path, scratch: Path, count: int) -> Subject:
    named = with_refs(repository, scratch / f"refs-{count}.git", count)
    return Subject(count, _filled(scratch / f"refs-{count}", named), named)


def packs(repository: Path, scratch: Path) -> Panel:
    """The same history, come in by more pushes that were not merged since."""
    return panel("packs", (_pushed(repository, scratch, count) for count in PACKS), _FETCHES)


def _pushed(repository: Path, scratch: Path, count: int) -> Subject:
    commits = first_parents(repository)[:count][::-1]
    begun = at_commit(repository, scratch / f"packs-{count}-begun.git", commits[0])
    data_dir = _filled(scratch / f"packs-{count}", begun)
    push_one_by_one(data_dir, ID, repository, commits)
    return Subject(count, data_dir, at_commit(repository, scratch / f"packs-{count}.git", commits[-1]))


def forks(repository: Path, scratch: Path) -> Panel:
    """One repository and more and more forks of it: making one more, and cloning one from the cache they share."""
    source = at_commit(repository, scratch / "forks.git", first_parents(repository)[0])
    data_dir = _filled(scratch / "forks", source)
    lines = Line("one more fork"), Line("clone of a fork")
    with RunningServer(data_dir, arguments=UNDISTURBED) as server:
        for before, count in pairwise((0, *FORKS)):
            fork_over_rest(server, ID, count - before - ROUNDS, _CONNECTIONS, first=before)
            _measure_forks(server, source, range(count - ROUNDS, count), *lines)
    return Panel("forks", list(FORKS), list(lines))


def _measure_forks(server: RunningServer, source: Path, numbers: range, making: Line, cloning: Line) -> None:
    """Make these forks one after the other, then clone them."""
    tip = git("rev-parse", "main", cwd=source).decode().strip()
    remotes, times_ms = [], []

    def make() -> None:
        for number in numbers:
            start = time.perf_counter()
            remotes.extend(fork_over_rest(server, ID, 1, 1, first=number))
            times_ms.append((time.perf_counter() - start) * 1e3)

    def clone_each() -> None:
        cloning.times_ms.append(least_ms(clone(url, [tip]) for url in remotes))

    making.memory_mib.append(watch(server, make).peak_mib)
    making.times_ms.append(min(times_ms))
    cloning.memory_mib.append(watch(server, clone_each).peak_mib)


def _filled(data_dir: Path, repository: Path) -> Path:
    """A maintained data directory that holds it. Returns `data_dir`."""
    import_into(data_dir, {ID: repository})
    maintain(data_dir)
    return data_dir
