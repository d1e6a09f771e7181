"""The parent's decisions, with workers that are made of events and a clock that jumps."""

from __future__ import annotations

import errno
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from server.config import Settings
from server.process.orders import DRAIN, STOP, Orders, decode_orders, encode_orders
from server.process.restart import FIRST_DELAY_S, MAX_DELAY_S, STEADY_LIFE_S, RestartDelay
from server.process.sockets import ListenError, listen, listener_url
from server.process.supervisor import KILL_MARGIN_S, StartupError, Supervisor

KILLED = -9


class FakeChild:
    """A worker that gets ready at once, and ends when it is told to, unless it is stubborn."""

    pid = 1

    def __init__(self, orders: Orders, *, is_ready: bool = True, is_stubborn: bool = False) -> None:
        self.orders = orders
        self.told: list[bytes] = []
        self.status: int | None = None
        self._is_ready = is_ready
        self._is_stubborn = is_stubborn
        self._ended = trio.Event()

    async def wait_ready(self) -> bool:
        if not self._is_ready:
            self.end(1)
        return self._is_ready

    async def tell(self, order: bytes) -> None:
        self.told.append(order)
        if order == STOP and not self._is_stubborn:
            self.end(0)

    def kill(self) -> None:
        self.end(KILLED)

    async def wait(self) -> int:
        await self._ended.wait()
        assert self.status is not None
        return self.status

    def end(self, status: int) -> None:
        if self.status is None:
            self.status = status
            self._ended.set()


class Stage:
    """A supervisor with its workers, its signals and its announcements."""

    def __init__(self, make_child: Callable[[Orders], FakeChild], **settings: float) -> None:
        chosen: dict[str, float] = {"shutdown_drain_delay_secs": 5, "shutdown_timeout_secs": 30, **settings}
        self.children: list[FakeChild] = []
        self.announced: list[str] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.make_child = make_child
        self._signal, self._signals = trio.open_memory_channel[int](10)
        self._supervisor = Supervisor(
            Settings(workers=2, **chosen),  # type: ignore[arg-type]  # only numbers are chosen here
            self.listener,
            self.announced.append,
            self._start,
        )

    async def run(self) -> None:
        with self.listener:
            await self._supervisor.run(self._signals)

    async def signal(self) -> None:
        await self._signal.send(signal.SIGTERM)
        await wait_all_tasks_blocked()

    async def _start(self, orders: Orders) -> FakeChild:
        child = self.make_child(orders)
        self.children.append(child)
        return child


async def test_address_is_announced_once_every_worker_serves(autojump_clock: MockClock) -> None:
    stage = Stage(FakeChild)
    url = f"http://127.0.0.1:{stage.listener.getsockname()[1]}"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.run)
        await wait_all_tasks_blocked()
        assert {child.orders.worker for child in stage.children} == {0, 1}
        stage.children[0].end(KILLED)
        await trio.sleep(1)
        assert len(stage.children) == 3
        await stage.signal()
    assert stage.announced == [url]


async def test_signal_drains_then_stops(autojump_clock: MockClock) -> None:
    stage = Stage(FakeChild)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.run)
        await wait_all_tasks_blocked()
        started_at_s = trio.current_time()
        await stage.signal()
        assert [child.told for child in stage.children] == [[DRAIN], [DRAIN]]
        assert stage.listener.fileno() != -1
    assert trio.current_time() - started_at_s == 5
    assert [child.told for child in stage.children] == [[DRAIN, STOP], [DRAIN, STOP]]
    assert [child.status for child in stage.children] == [0, 0]
    assert stage.listener.fileno() == -1


async def test_second_signal_cuts_the_drain_delay_short(autojump_clock: MockClock) -> None:
    stage = Stage(FakeChild)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.run)
        await wait_all_tasks_blocked()
        started_at_s = trio.current_time()
        await stage.signal()
        await stage.signal()
    assert trio.current_time() == started_at_s
    assert [child.status for child in stage.children] == [0, 0]


async def test_signal_after_the_delay_kills(autojump_clock: MockClock) -> None:
    stage = Stage(lambda orders: FakeChild(orders, is_stubborn=True), shutdown_drain_delay_secs=0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.run)
        await wait_all_tasks_blocked()
        started_at_s = trio.current_time()
        await stage.signal()
        assert [child.status for child in stage.children] == [None, None]
        await stage.signal()
    assert trio.current_time() == started_at_s
    assert [child.status for child in stage.children] == [KILLED, KILLED]


async def test_workers_that_do_not_end_are_killed_after_the_timeout(autojump_clock: MockClock) -> None:
    stage = Stage(lambda orders: FakeChild(orders, is_stubborn=True))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.run)
        await wait_all_tasks_blocked()
        started_at_s = trio.current_time()
        await stage.signal()
    assert trio.current_time() - started_at_s == 5 + 30 + KILL_MARGIN_S
    assert [child.status for child in stage.children] == [KILLED, KILLED]


async def test_worker_that_dies_before_it_serves_fails_the_start() -> None:
    stage = Stage(lambda orders: FakeChild(orders, is_ready=orders.worker == 0))
    with pytest.raises(StartupError, match="worker 1 ended with status 1"):
        await stage.run()
    assert not stage.announced
    assert all(child.status is not None for child in stage.children)


async def test_worker_that_dies_while_draining_is_not_replaced(autojump_clock: MockClock) -> None:
    stage = Stage(FakeChild)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.run)
        await wait_all_tasks_blocked()
        await stage.signal()
        stage.children[0].end(KILLED)
    assert len(stage.children) == 2


async def test_waiting_for_a_restart_does_not_delay_the_end(autojump_clock: MockClock) -> None:
    stage = Stage(FakeChild, shutdown_drain_delay_secs=0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.run)
        await wait_all_tasks_blocked()
        stage.children[0].end(KILLED)
        started_at_s = trio.current_time()
        await stage.signal()
    assert trio.current_time() == started_at_s
    assert len(stage.children) == 2


async def test_worker_that_keeps_dying_is_restarted_ever_later(autojump_clock: MockClock) -> None:
    stage = Stage(FakeChild)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.run)
        await wait_all_tasks_blocked()
        stage.make_child = lambda orders: FakeChild(orders, is_ready=False)
        stage.children[0].end(KILLED)
        await trio.sleep(FIRST_DELAY_S * (1 + 2 + 4) + FIRST_DELAY_S / 2)
        assert len(stage.children) == 2 + 3
        await stage.signal()


async def test_worker_that_cannot_be_started_again_leaves_the_others_serving(autojump_clock: MockClock) -> None:
    failures = [OSError(errno.EAGAIN, "Resource temporarily unavailable")]

    def make_child(orders: Orders) -> FakeChild:
        if len(stage.children) >= 2 and failures:
            raise failures.pop()
        return FakeChild(orders)

    stage = Stage(make_child, shutdown_drain_delay_secs=0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.run)
        await wait_all_tasks_blocked()
        stage.children[0].end(KILLED)
        await trio.sleep(1)
        assert not failures
        assert [child.status for child in stage.children] == [KILLED, None, None]
        await stage.signal()


def test_restart_delay_doubles_up_to_a_bound_and_forgets_after_a_steady_life() -> None:
    delay = RestartDelay()
    assert [delay.after_life_of(0) for _ in range(3)] == [FIRST_DELAY_S, 2 * FIRST_DELAY_S, 4 * FIRST_DELAY_S]
    assert max(delay.after_life_of(0) for _ in range(20)) == MAX_DELAY_S
    assert delay.after_life_of(STEADY_LIFE_S) == FIRST_DELAY_S
    assert delay.after_life_of(0) == 2 * FIRST_DELAY_S


def test_orders_survive_their_encoding() -> None:
    settings = Settings(data_dir=Path("/srv/ä"), tls_cert=Path("c"), tls_key=Path("k"), admin_token="sesame", workers=3)
    orders = Orders(1, 5, "http://127.0.0.1:1", settings)
    line = encode_orders(orders)
    assert line.count(b"\n") == 1
    assert decode_orders(line) == orders


@pytest.mark.parametrize(("bind", "pattern"), [("127.0.0.1:0", "http://127.0.0.1:"), ("[::1]:0", "http://[::1]:")])
def test_accepted_connections_inherit_the_progress_timeout(bind: str, pattern: str) -> None:
    with listen(Settings(bind=bind, request_timeout_secs=1.5)) as listener:
        assert listener_url(listener, "http").startswith(pattern)
        with socket.create_connection(listener.getsockname()[:2]):
            accepted, _ = listener.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 1500
                assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1


def test_address_in_use_is_named() -> None:
    with listen(Settings(bind="127.0.0.1:0")) as listener:
        taken = f"127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(ListenError, match=f"cannot listen on {taken}: Address already in use"):
            listen(Settings(bind=taken))


def test_unknown_host_is_named() -> None:
    with pytest.raises(ListenError, match=r"cannot listen on no\.such\.host\.invalid:1"):
        listen(Settings(bind="no.such.host.invalid:1"))
