"""Taking turns: who serves whom, and that nobody is left waiting."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from packengine.repository.turns import MAX_SERVED, Turns


class Server:
    """Notes what it is called for, and lets a test hold up the first call."""

    def __init__(self) -> None:
        self.served: list[list[str]] = []
        self.threads: list[threading.Thread] = []
        self.entered, self.leave = threading.Event(), threading.Event()
        self.turns: Turns[str] = Turns(self.serve)

    def serve(self, items: Sequence[str]) -> None:
        self.served.append(list(items))
        self.threads.append(threading.current_thread())
        if len(self.served) == 1:
            self.entered.set()
            self.leave.wait()

    def queue(self, pool: ThreadPoolExecutor, key: str, items: Sequence[str]) -> None:
        """Start a thread for each of the items; returns when all stand in line behind the first."""
        for count, item in enumerate(items, start=1):
            pool.submit(self.turns.take, key, item)
            while len(self.turns._lines[key].waiting) < count:
                os.sched_yield()


def test_one_who_comes_alone_is_served_by_itself() -> None:
    server = Server()
    server.leave.set()
    server.turns.take("key", "item")
    assert (server.served, server.threads) == ([["item"]], [threading.current_thread()])
    assert not server.turns._lines


def test_who_comes_meanwhile_is_served_together_in_the_order_of_arrival() -> None:
    server = Server()
    late = [f"item-{number}" for number in range(5)]
    with ThreadPoolExecutor(6) as pool:
        pool.submit(server.turns.take, "key", "first")
        server.entered.wait()
        server.queue(pool, "key", late)
        server.leave.set()
    assert server.served == [["first"], late]
    assert not server.turns._lines


def test_no_more_than_the_bound_are_served_at_once() -> None:
    server = Server()
    late = [f"item-{number}" for number in range(MAX_SERVED + 3)]
    with ThreadPoolExecutor(MAX_SERVED + 4) as pool:
        pool.submit(server.turns.take, "key", "first")
        server.entered.wait()
        server.queue(pool, "key", late)
        server.leave.set()
    assert [len(items) for items in server.served] == [1, MAX_SERVED, 3]
    assert [item for items in server.served for item in items] == ["first", *late]


def test_other_keys_do_not_wait() -> None:
    server = Server()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(server.turns.take, "key", "first")
        server.entered.wait()
        server.turns.take("other key", "other")
        server.leave.set()
    assert server.served == [["first"], ["other"]]


def test_who_comes_while_the_context_is_entered_is_served_with_the_others() -> None:
    served: list[list[str]] = []
    pool = ThreadPoolExecutor(1)

    @contextmanager
    def enter(key: str) -> Iterator[None]:
        assert (key, served) == ("key", [])
        pool.submit(turns.take, "key", "late")
        while len(turns._lines["key"].waiting) < 2:
            os.sched_yield()
        yield

    turns: Turns[str] = Turns(lambda items: served.append(list(items)), enter)
    with pool:
        turns.take("key", "first")
    assert served == [["first", "late"]]


def test_a_server_that_fails_leaves_the_turn_to_the_next() -> None:
    server = Server()
    server.leave.set()

    def fail(_: Sequence[str]) -> None:
        raise ZeroDivisionError

    failing: Turns[str] = Turns(fail)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            failing.take("key", "item")
    assert not failing._lines
