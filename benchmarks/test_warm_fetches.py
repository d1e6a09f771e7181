"""Fetches that somebody has made before, by the null client: the price of the pack cache."""

from __future__ import annotations

import statistics

from benchmarks.support.crowd import answers_at_once
from benchmarks.support.null_client import Request, clone, read_to_end
from benchmarks.support.served import Served
from benchmarks.support.versus import Quantities, Step, Versus

AT_ONCE = 32
OUR_FETCHES = 8 * AT_ONCE
"""Ours are over in too short a time otherwise."""


def test_warm_full(versus: Versus, served: Served) -> None:
    """Everything, one after the other."""
    wants = served.wants()
    requests = (clone(url, wants) for url in (served.ours, served.rival))
    _one_after_the_other(versus, served, *requests, use="whole")


def test_warm_depth_1(versus: Versus, served: Served) -> None:
    """One commit with all its files, one after the other."""
    _one_after_the_other(versus, served, *_depth_1(served))


def test_warm_blob_none(versus: Versus, served: Served) -> None:
    """Everything but the files' contents, one after the other."""
    wants = served.wants()
    requests = (clone(url, wants, filter_spec="blob:none") for url in (served.ours, served.rival))
    _one_after_the_other(versus, served, *requests)


def test_warm_depth_1_at_once(versus: Versus, served: Served) -> None:
    """One commit with all its files, 32 clients at a time; the times are those of a fetch, as it adds to the whole."""
    ours, rival = _depth_1(served)
    our_step = Step(lambda: answers_at_once([ours] * OUR_FETCHES, AT_ONCE), units=OUR_FETCHES)
    step = Step(lambda: answers_at_once([rival] * AT_ONCE, AT_ONCE), units=AT_ONCE)
    versus(our_step, {"http-backend": step}, rounds=3 if served.size == "8k" else 2)


def test_warm_full_stream(quantities: Quantities, served: Served) -> None:
    """What a client notices of a warm full fetch: when it begins, and how fast it goes on."""
    prepared = clone(served.ours, served.wants())
    read_to_end(prepared)
    readings = [read_to_end(prepared) for _ in range(15)]
    quantities("first byte", "ms", [reading.first_byte_s * 1e3 for reading in readings])
    quantities("speed", "GB/s", [reading.body_bytes / reading.total_s / 1e9 for reading in readings])
    assert statistics.median(reading.body_bytes for reading in readings) > 1_000_000


def _depth_1(served: Served) -> list[Request]:
    return [clone(url, [served.tip()], depth=1) for url in (served.ours, served.rival)]


def _one_after_the_other(versus: Versus, served: Served, ours: Request, rival: Request, *, use: str = "hit") -> None:
    rounds = 15 if served.size == "8k" else 9
    versus(lambda: read_to_end(ours), {"http-backend": lambda: read_to_end(rival)}, rounds=rounds)
    assert f"cache={use}" in served.server.log
