"""Fetches that are made anew each time, of a maintained repository: our server has no pack cache here."""

from __future__ import annotations

from benchmarks.support.null_client import clone, read_to_end
from benchmarks.support.served import Served
from benchmarks.support.versus import Versus


def test_cold_full(versus: Versus, served: Served) -> None:
    """Everything."""
    _compare(versus, served, served.wants())


def test_cold_one_branch(versus: Versus, served: Served) -> None:
    """The default branch and what it reaches, which is not all of the packs."""
    _compare(versus, served, [served.tip()])


def test_cold_depth_1(versus: Versus, served: Served) -> None:
    """One commit with all its files."""
    _compare(versus, served, [served.tip()], depth=1)


def test_cold_blob_none(versus: Versus, served: Served) -> None:
    """Everything but the files' contents."""
    _compare(versus, served, served.wants(), filter_spec="blob:none")


def _compare(
    versus: Versus, served: Served, wants: list[str], *, depth: int | None = None, filter_spec: str | None = None
) -> None:
    urls = served.uncached, served.rival
    ours, rival = (clone(url, wants, depth=depth, filter_spec=filter_spec) for url in urls)
    rounds = 9 if served.size == "8k" else 5
    versus(lambda: read_to_end(ours), {"http-backend": lambda: read_to_end(rival)}, rounds=rounds)
