"""Rates: how they are written, how requests are counted, and for whom."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.limits import LEDGER_BYTES, Ledger, Rate, RateClass, RateLimiter, TrustedProxies, parse_rate

S = 1_000_000_000
KEY = b"k" * 32


@dataclass
class Clock:
    now_ns: int = 1_000 * S


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(clock: Clock, tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / "rates", KEY, now_ns=lambda: clock.now_ns)
    yield ledger
    ledger.close()


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("600/10", Rate(600, S // 10)),
        ("600/10s", Rate(600, S // 10)),
        ("20/10m", Rate(20, 6 * S)),
        ("1/1h", Rate(1, 3600 * S)),
        ("off", None),
    ],
)
def test_a_rate_is_a_burst_and_a_count_in_a_unit(text: str, rate: Rate | None) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "10", "10/", "/1", "0/1", "1/0", "1/1d", "-1/1", "1/1 s", "1.5/1", "٣/1", "OFF"])
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="neither BURST/COUNT"):
        parse_rate(text)


def test_a_burst_goes_through_and_then_one_at_each_interval(ledger: Ledger, clock: Clock) -> None:
    rate = Rate(3, 10 * S)
    assert [ledger.take("a", rate) for _ in range(4)] == [0, 0, 0, 10 * S]
    clock.now_ns += 4 * S
    assert ledger.take("a", rate) == 6 * S
    clock.now_ns += 6 * S
    assert [ledger.take("a", rate) for _ in range(2)] == [0, 10 * S]
    clock.now_ns += 1000 * S
    assert [ledger.take("a", rate) for _ in range(4)] == [0, 0, 0, 10 * S]


def test_what_is_refused_does_not_count(ledger: Ledger, clock: Clock) -> None:
    rate = Rate(1, S)
    assert ledger.take("a", rate) == 0
    assert {ledger.take("a", rate) for _ in range(100)} == {S}
    clock.now_ns += S
    assert ledger.take("a", rate) == 0


def test_names_do_not_share(ledger: Ledger) -> None:
    rate = Rate(1, S)
    assert [ledger.take(name, rate) for name in ("a", "b", "a", "b")] == [0, 0, S, S]


@given(
    burst=st.integers(1, 20),
    interval_ns=st.integers(1, 5 * S),
    pauses=st.lists(st.integers(0, 3 * S), max_size=60),
)
def test_in_any_time_no_more_goes_through_than_the_burst_and_the_rate(
    burst: int, interval_ns: int, pauses: list[int]
) -> None:
    clock, rate, passed = Clock(), Rate(burst, interval_ns), list[int]()
    ledger = Ledger(None, KEY, now_ns=lambda: clock.now_ns)
    for pause_ns in pauses:
        clock.now_ns += pause_ns
        wait_ns = ledger.take("a", rate)
        if wait_ns == 0:
            passed.append(clock.now_ns)
        else:  # whoever waits for as long as was said gets through
            clock.now_ns += wait_ns
            assert ledger.take("a", rate) == 0
            passed.append(clock.now_ns)
    for first in range(len(passed)):
        for last in range(first, len(passed)):
            assert last - first + 1 <= burst + (passed[last] - passed[first]) // interval_ns
    ledger.close()


def test_the_table_does_not_grow_and_who_is_limited_stays_so_among_few(ledger: Ledger, tmp_path: Path) -> None:
    rate = Rate(2, 1000 * S)
    assert [ledger.take("busy", rate) for _ in range(3)] == [0, 0, 1000 * S]
    for number in range(5000):
        ledger.take(f"passer-by {number}", rate)
    assert ledger.take("busy", rate) == 1000 * S
    assert (tmp_path / "rates").stat().st_size == LEDGER_BYTES


def test_a_table_with_nonsense_in_it_holds_nobody_up_for_long(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "rates").write_bytes(b"\xff" * LEDGER_BYTES)
    ledger = Ledger(tmp_path / "rates", KEY, now_ns=lambda: clock.now_ns)
    rate = Rate(2, S)
    assert [ledger.take("a", rate) for _ in range(3)] == [0, 0, S]
    ledger.close()


def _take_many(path: Path, count: int) -> int:
    ledger = Ledger(path, KEY)
    return sum(ledger.take("a", Rate(100, 3600 * S)) == 0 for _ in range(count))


def test_processes_share_one_count(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        passed = pool.starmap(_take_many, [(tmp_path / "rates", 80)] * 3)
    assert 100 <= sum(passed) <= 105  # whoever finds a set held by one that is not running goes on without its lock


def _hold_every_set(path: Path, held: object) -> None:
    file = os.open(path, os.O_RDWR)
    fcntl.lockf(file, fcntl.LOCK_EX, LEDGER_BYTES, 0)
    held.set()  # type: ignore[attr-defined]  # an event of another process
    signal.pause()


def test_nobody_waits_for_a_process_that_holds_a_set_and_its_death_frees_it(tmp_path: Path) -> None:
    ledger, rate = Ledger(tmp_path / "rates", KEY), Rate(2, 3600 * S)
    spawn = multiprocessing.get_context("spawn")
    held = spawn.Event()
    holder = spawn.Process(target=_hold_every_set, args=(tmp_path / "rates", held))
    holder.start()
    assert held.wait(60)
    assert ledger.take("a", rate) == 0
    holder.kill()
    holder.join()
    assert ledger.take("a", rate) == 0
    assert ledger.take("a", rate) > 0
    ledger.close()


def limiter(rate: Rate | None, proxies: tuple[str, ...] = ()) -> RateLimiter:
    return RateLimiter({RateClass.READ: rate}, Ledger(None, KEY), TrustedProxies(proxies))


def test_subjects_addresses_and_classes_are_counted_apart() -> None:
    one = limiter(Rate(1, 3600 * S))
    assert one.subject_wait_s(RateClass.READ, "10.0.0.1") == 0
    assert one.address_wait_s(RateClass.READ, "10.0.0.1", None) == 0
    assert one.subject_wait_s(RateClass.READ, "10.0.0.1") == 3600
    assert one.subject_wait_s(RateClass.COMMIT, "10.0.0.1") == 0


def test_off_is_no_limit() -> None:
    free = limiter(None)
    assert [free.subject_wait_s(RateClass.READ, "a") for _ in range(1000)] == [0] * 1000


def test_the_wait_is_told_in_whole_seconds_that_suffice() -> None:
    assert limiter(Rate(1, S // 2)).subject_wait_s(RateClass.READ, "a") == 0
    half = limiter(Rate(1, S // 2))
    half.subject_wait_s(RateClass.READ, "a")
    assert half.subject_wait_s(RateClass.READ, "a") == 1


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("10.0.0.1", "10.0.0.2", False),
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8:0:0::1", "2001:db8:0:1::1", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        (None, None, True),
        ("@unix", "@unix", True),
    ],
)
def test_an_ipv6_client_is_its_network(first: str | None, second: str | None, same: bool) -> None:
    one = limiter(Rate(1, 3600 * S))
    assert one.address_wait_s(RateClass.READ, first, None) == 0
    assert (one.address_wait_s(RateClass.READ, second, None) > 0) == same


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9, 10.0.0.2,10.0.0.3", "203.0.113.9"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9, nonsense, 10.0.0.2", "10.0.0.2"),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        (None, "203.0.113.9", None),
    ],
)
def test_only_trusted_proxies_say_where_a_request_comes_from(
    peer: str | None, forwarded_for: str | None, client: str | None
) -> None:
    assert TrustedProxies(("10.0.0.0/8", "fd00::/8")).client_address(peer, forwarded_for) == client


def test_without_trusted_proxies_the_connection_counts() -> None:
    assert TrustedProxies(()).client_address("10.0.0.1", "203.0.113.9") == "10.0.0.1"


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        TrustedProxies(("nonsense",))
