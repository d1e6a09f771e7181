"""Small requests one after the other, by the null client: what the path of a request costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks.support.null_client import Reading, Request, read_to_end
from benchmarks.support.served import Served
from benchmarks.support.sizes import LARGE, at
from benchmarks.support.small_requests import (
    advertisement,
    depth_1_fetches,
    incremental_fetches,
    ls_refs,
    small_pushes,
)
from benchmarks.support.versus import Versus
from tests.support.git import git

ROUNDS = 40
REQUESTS = ROUNDS + 1
"""One to warm up."""

DEPTH_1_ROUNDS = 5


def one_after_the_other(requests: Iterable[Request]) -> Callable[[], Reading]:
    """The next of them at each call."""
    following = iter(requests)
    return lambda: read_to_end(next(following))


@at("40k")
def test_small_advertisement(versus: Versus, served: Served) -> None:
    """The capabilities of version 2: nothing but the path of a request."""
    ours, rival = advertisement(served.ours), advertisement(served.rival)
    versus(lambda: read_to_end(ours), {"http-backend": lambda: read_to_end(rival)}, rounds=ROUNDS)


@at("40k")
def test_small_ls_refs(versus: Versus, served: Served) -> None:
    """Two refs of some thousand."""
    ours, rival = ls_refs(served.ours), ls_refs(served.rival)
    versus(lambda: read_to_end(ours), {"http-backend": lambda: read_to_end(rival)}, rounds=ROUNDS)


def test_incremental_fetch(versus: Versus, served: Served) -> None:
    """One new commit, 256 haves, another commit each time."""
    ours, rival = (incremental_fetches(url, served.repository, REQUESTS) for url in (served.ours, served.rival))
    versus(one_after_the_other(ours), {"http-backend": one_after_the_other(rival)}, rounds=ROUNDS)


@at("40k", LARGE)
def test_another_depth_1(versus: Versus, served: Served) -> None:
    """One commit and its tree, another commit each time: no cache has it."""
    count = DEPTH_1_ROUNDS + 1
    ours, rival = (depth_1_fetches(url, served.repository, count) for url in (served.ours, served.rival))
    versus(one_after_the_other(ours), {"http-backend": one_after_the_other(rival)}, rounds=DEPTH_1_ROUNDS)


def test_small_push(versus: Versus, served: Served, tmp_path: Path) -> None:
    """The POST alone: one commit to one branch, each on top of the last."""
    work = tmp_path / "work.git"
    git("clone", "--quiet", "--mirror", served.repository, work)
    pushes = small_pushes(work, "refs/heads/small-pushes", REQUESTS)
    urls = served.copy("small-pushes")
    ours, rival = ([push.to(url) for push in pushes] for url in (urls.ours, urls.rival))
    versus(one_after_the_other(ours), {"http-backend": one_after_the_other(rival)}, rounds=ROUNDS)
