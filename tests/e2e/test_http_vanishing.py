"""Clients that vanish, at any moment: their work stops, and what it held is freed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.gauges import anonymous_rss_bytes, open_connections, open_files, settles, thread_count
from tests.support.git import git
from tests.support.http2_wire import Http2Connection
from tests.support.http_servers import RECEIVE_PACK, UPLOAD_PACK, Repository, new_repository, one_worker, request_lines
from tests.support.http_wire import RawConnection, head
from tests.support.repositories import commit_file
from tests.support.server import RunningServer
from tests.support.wire_client import fetch_request, push_request

MIB = 1 << 20
PACK_BYTES = 24 * MIB
CLIENTS = 10
WARM_UP_ROUNDS = 3
MEASURED_ROUNDS = 10
"""So many that a leak in each comes to more than an allocator may keep: server.process.child."""

GROWTH_LIMIT_BYTES = MEASURED_ROUNDS * CLIENTS * MIB // 2
THREADS_LIMIT = MEASURED_ROUNDS * CLIENTS // 2

CLIENT_CLOSED_REQUEST = 499


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with one_worker(tmp_path_factory.mktemp("served") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("work") / "work"
    git("init", "--quiet", "-b", "main", path)
    commit_file(path, "noise", random.Random(1).randbytes(PACK_BYTES))
    return path


@pytest.fixture(scope="module")
def repository(server: RunningServer, work: Path, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """With all that it serves warm: what is kept for the next request is no leak."""
    made = new_repository(server)
    git("push", "--quiet", made.remote, "main", cwd=work)
    git("clone", "--quiet", made.remote, tmp_path_factory.mktemp("clones") / "clone")
    return made


@pytest.fixture(scope="module")
def clone(work: Path) -> bytes:
    return fetch_request([_tip(work)])


@pytest.fixture(scope="module")
def push(work: Path) -> bytes:
    pack = git("pack-objects", "--stdout", "--revs", "-q", cwd=work, stdin=b"main\n")
    return push_request([(bytes(20), _tip(work), b"refs/heads/other")], pack)


def _tip(work: Path) -> bytes:
    return bytes.fromhex(git("rev-parse", "main", cwd=work).decode())


def call(repository: Repository, service: str, length: int) -> bytes:
    headers = {**repository.call_headers(service), "Content-Length": str(length)}
    return head("POST", f"{repository.path}/{service}", headers)


Phase = Callable[[RawConnection, Repository, bytes, bytes], None]


def in_the_headers(connection: RawConnection, repository: Repository, clone: bytes, push: bytes) -> None:
    connection.send(call(repository, UPLOAD_PACK, len(clone))[:-10])


def in_the_body_of_a_fetch(connection: RawConnection, repository: Repository, clone: bytes, push: bytes) -> None:
    connection.send(call(repository, UPLOAD_PACK, len(clone)) + clone[:-1])


def in_the_pack_of_a_push(connection: RawConnection, repository: Repository, clone: bytes, push: bytes) -> None:
    connection.send(call(repository, RECEIVE_PACK, len(push)) + push[: len(push) // 4])


def at_the_end_of_a_request(connection: RawConnection, repository: Repository, clone: bytes, push: bytes) -> None:
    connection.send(call(repository, UPLOAD_PACK, len(clone)) + clone)


def in_the_middle_of_the_pack(connection: RawConnection, repository: Repository, clone: bytes, push: bytes) -> None:
    connection.send(call(repository, UPLOAD_PACK, len(clone)) + clone)
    assert connection.answer_head().status == 200
    connection.read(MIB)


def in_the_middle_of_a_file(connection: RawConnection, repository: Repository, clone: bytes, push: bytes) -> None:
    connection.send(read_call(repository, "blob?path=noise"))
    assert connection.answer_head().status == 200
    connection.read(MIB)


def read_call(repository: Repository, read: str) -> bytes:
    headers = {"Authorization": f"Bearer {repository.server.admin_token}"}
    return head("GET", f"/v1/repos/{repository.id}/{read}", headers)


PHASES: dict[Phase, int | None] = {
    in_the_headers: None,
    in_the_body_of_a_fetch: CLIENT_CLOSED_REQUEST,
    in_the_pack_of_a_push: CLIENT_CLOSED_REQUEST,
    at_the_end_of_a_request: None,
    in_the_middle_of_the_pack: 200,
    in_the_middle_of_a_file: 200,
}
"""With the status that the log tells, where it depends on nothing else."""


class Gauges:
    """What the one worker holds."""

    def __init__(self, server: RunningServer) -> None:
        (self._pid,) = server.worker_pids()
        self._port = int(server.url.rsplit(":", 1)[1])
        self._quarantine = server.data_dir / "quarantine"
        self._answers = server.data_dir / "derived" / "answers"

    @property
    def rss_bytes(self) -> int:
        return anonymous_rss_bytes(self._pid)

    @property
    def threads(self) -> int:
        return thread_count(self._pid)

    def assert_let_go(self) -> None:
        """No connection is open and no answer being read, which goes on for a while, and nothing is in quarantine."""
        assert settles(lambda: open_connections(self._pid, self._port) == 0), open_files(self._pid)
        assert settles(lambda: not self._open_answers()), self._open_answers()
        assert settles(lambda: not list(self._quarantine.iterdir()))

    def _open_answers(self) -> list[str]:
        return [path for path in open_files(self._pid) if path.startswith(f"{self._answers}/")]


def assert_leaves_nothing(server: RunningServer, vanish: Callable[[], None]) -> None:
    """What leaks grows with the number of clients; what an allocator keeps for the next ones does not."""
    gauges = Gauges(server)

    def vanish_again(rounds: int) -> None:
        for _ in range(rounds):
            vanish()
            gauges.assert_let_go()

    vanish_again(WARM_UP_ROUNDS)
    rss_bytes, threads = gauges.rss_bytes, gauges.threads
    vanish_again(MEASURED_ROUNDS)
    # Threads that have done their work may still have to let go of what they worked on.
    assert settles(lambda: gauges.rss_bytes - rss_bytes < GROWTH_LIMIT_BYTES), (rss_bytes, gauges.rss_bytes)
    assert settles(lambda: gauges.threads - threads <= THREADS_LIMIT), (threads, gauges.threads)


@pytest.mark.parametrize("is_reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.__name__)
def test_a_client_that_vanishes_leaves_nothing_over_http_1(
    repository: Repository, clone: bytes, push: bytes, phase: Phase, is_reset: bool
) -> None:
    def vanish() -> None:
        for _ in range(CLIENTS):
            with RawConnection(repository.server.url) as connection:
                phase(connection, repository, clone, push)
                if is_reset:
                    connection.vanish()

    lines_before = len(request_lines(repository.server))
    assert_leaves_nothing(repository.server, vanish)
    expected = (WARM_UP_ROUNDS + MEASURED_ROUNDS) * CLIENTS if PHASES[phase] is not None and not is_reset else 0
    # A line follows the end of its request; a reset may overtake the request.
    assert settles(lambda: len(request_lines(repository.server)) - lines_before >= expected)
    lines = request_lines(repository.server)[lines_before:]
    if (status := PHASES[phase]) is not None:
        assert {line["status"] for line in lines} <= {status}
    assert max((line["sent_bytes"] for line in lines), default=0) < PACK_BYTES


@pytest.mark.parametrize("form", ["tar.gz", "zip"])
def test_an_archive_whose_client_vanished_is_not_made_to_its_end(repository: Repository, form: str) -> None:
    gauges, lines_before = Gauges(repository.server), len(request_lines(repository.server))
    with RawConnection(repository.server.url) as connection:
        connection.send(read_call(repository, f"archive/main.{form}"))
        assert connection.answer_head().status == 200
        connection.read(MIB)
    gauges.assert_let_go()
    assert settles(lambda: len(request_lines(repository.server)) > lines_before)
    (line,) = request_lines(repository.server)[lines_before:]
    assert (line["path"], line["status"], line["aborted"]) == ("/v1/repos/:id/archive/:name", 200, True)
    assert line["sent_bytes"] < PACK_BYTES


@pytest.mark.parametrize("how", ["connection", "stream"])
@pytest.mark.parametrize("phase", ["body", "pack"])
def test_a_client_that_vanishes_leaves_nothing_over_http_2(
    repository: Repository, clone: bytes, push: bytes, phase: str, how: str
) -> None:
    def vanish() -> None:
        with Http2Connection(repository.server.url) as connection:
            for _ in range(CLIENTS):
                stream = _begin_over_http_2(connection, repository, clone if phase == "pack" else push, phase)
                if how == "stream":
                    connection.h2.reset_stream(stream)
                    connection.flush()
            if how == "stream":
                assert connection.answer(connection.request("GET", b"/v1/health", {})).status == 200

    assert_leaves_nothing(repository.server, vanish)


def _begin_over_http_2(connection: Http2Connection, repository: Repository, body: bytes, phase: str) -> int:
    if phase == "body":
        path, headers = f"{repository.path}/{RECEIVE_PACK}", repository.call_headers(RECEIVE_PACK)
        stream = connection.begin("POST", path.encode(), headers, end=False)
        connection.h2.send_data(stream, body[:1000])
        connection.flush()
        return stream
    path, headers = f"{repository.path}/{UPLOAD_PACK}", repository.call_headers(UPLOAD_PACK)
    stream = connection.request("POST", path.encode(), headers, body)
    while not connection.received_bytes(stream):
        connection.receive()
    connection.h2.increment_flow_control_window(65_535)  # of the connection: for the next stream's first
    return stream


def test_a_push_whose_client_vanished_before_its_end_was_never_there(
    repository: Repository, clone: bytes, push: bytes, tmp_path: Path
) -> None:
    with RawConnection(repository.server.url) as connection:
        connection.send(call(repository, RECEIVE_PACK, len(push)) + push[:-1])
    with RawConnection(repository.server.url) as connection:
        connection.send(call(repository, RECEIVE_PACK, len(push)) + push[:-1])
        connection.vanish()
    assert b"refs/heads/other" not in git("ls-remote", repository.remote)
