"""`packhouse serve` as processes: starting, ending, dying, and several workers on one socket."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from packengine.repository import Actor, Engine
from packengine.storage.ports import NewRepository
from tests.support.gauges import open_connections
from tests.support.server import RunningServer, ServerFailed

TIMEOUT_S = 30.0
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def started(data_dir: Path) -> Iterator[RunningServer]:
    with RunningServer(data_dir) as server:
        yield server


def connect(server: RunningServer) -> socket.socket:
    host, port = server.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=TIMEOUT_S)


def begin_request(server: RunningServer) -> socket.socket:
    """A request to create a repository, without the last octet of its body, which a worker is waiting for."""
    connection = connect(server)
    head = f"POST /v1/repos HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.admin_token}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 15\r\nExpect: 100-continue\r\n\r\n"
    connection.sendall(head.encode())
    assert b"100" in connection.recv(4096)  # so a worker has it
    connection.sendall(b'{"id": "late"')
    return connection


def wait_ended(pid: int) -> None:
    """Until a process that is not our child has ended."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended, _, _ = select.select([handle], [], [], TIMEOUT_S)
    os.close(handle)
    assert ended, f"{pid} lives on"


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_every_process_with_status_0(data_dir: Path, signum: signal.Signals) -> None:
    server = RunningServer(data_dir)
    server.start()
    workers = server.worker_pids()
    assert len(workers) == 2
    server.send_signal(signum)
    assert server.wait() == 0
    for pid in workers:
        wait_ended(pid)


def test_signal_to_the_whole_group_is_one_signal(started: RunningServer) -> None:
    """A terminal's Ctrl-C, and service managers, reach the workers too: they must leave the ending to the parent."""
    connection = begin_request(started)
    os.killpg(started.pid, signal.SIGINT)
    with connection:
        connection.sendall(b"} ")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
    assert started.wait() == 0


def test_running_request_is_finished_before_the_end(started: RunningServer, data_dir: Path) -> None:
    with begin_request(started) as connection:
        started.send_signal(signal.SIGTERM)
        connection.sendall(b"} ")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
    assert started.wait() == 0
    with RunningServer(data_dir) as again:
        assert again.rest("GET", "/v1/repos/late")[0] == 200


def test_request_that_does_not_end_is_cut_off_at_the_timeout(data_dir: Path) -> None:
    server = RunningServer(data_dir, arguments=["--shutdown-timeout-secs", "0.2"])
    server.start()
    with begin_request(server) as connection:
        assert server.stop() == 0
        assert connection.recv(4096) == b""


def test_second_signal_ends_at_once(data_dir: Path) -> None:
    server = RunningServer(data_dir, arguments=["--shutdown-timeout-secs", "3600"])
    server.start()
    with begin_request(server):
        server.send_signal(signal.SIGTERM)
        server.send_signal(signal.SIGINT)
        assert server.wait() == 0


def test_idle_connection_does_not_hold_up_the_end(data_dir: Path) -> None:
    server = RunningServer(data_dir, arguments=["--shutdown-timeout-secs", "3600"])
    server.start()
    with connect(server) as connection:
        assert b"200" in _get(connection, "/v1/health")
        assert server.stop() == 0


@pytest.mark.parametrize("requests", [0, 1, 2])
def test_connections_of_clients_that_left_are_let_go(started: RunningServer, requests: int) -> None:
    for _ in range(20):
        with connect(started) as connection:
            connection.sendall(b"GET /v1/repos HTTP/1.1\r\nHost: x\r\n\r\n" * requests)
            if requests:
                assert connection.recv(4096)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    with connect(started) as connection:
        for _ in range(100):  # each answer gives the event loop a turn
            _get(connection, "/v1/health")
            if _open_connections(started) <= 2:
                return
    pytest.fail(f"{_open_connections(started)} connections are still open")


def _open_connections(server: RunningServer) -> int:
    port = int(server.url.rsplit(":", 1)[1])
    return sum(open_connections(pid, port) for pid in server.worker_pids())


def test_draining_server_says_so_and_serves_on(data_dir: Path) -> None:
    server = RunningServer(data_dir, workers=1, arguments=["--shutdown-drain-delay-secs", "3600"])
    server.start()
    with connect(server) as connection:  # made before, so that the answers come in order with what was sent
        server.send_signal(signal.SIGTERM)
        while b'"draining":true' not in _get(connection, "/v1/health/ready"):
            pass
        assert server.rest("GET", "/v1/repos") == (200, [])
        server.send_signal(signal.SIGTERM)
        assert server.wait() == 0


def _get(connection: socket.socket, path: str) -> bytes:
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    answer = connection.recv(4096)
    while not answer.endswith(b"}"):
        answer += connection.recv(4096)
    return answer


def test_worker_that_dies_is_replaced(started: RunningServer) -> None:
    before = started.worker_pids()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
        wait_ended(pid)
    # The listening socket is the parent's: a request waits in its queue for the next worker.
    assert started.rest("GET", "/v1/repos") == (200, [])
    assert not set(before) & set(started.worker_pids())
    assert started.log.count("worker died") >= 1


def test_workers_do_not_outlive_their_parent(data_dir: Path) -> None:
    server = RunningServer(data_dir)
    server.start()
    workers = server.worker_pids()
    server.send_signal(signal.SIGKILL)
    for pid in workers:
        wait_ended(pid)
    assert server.wait() == -signal.SIGKILL


def test_everything_is_there_after_a_kill(data_dir: Path) -> None:
    server = RunningServer(data_dir)
    server.start()
    server.create_repository("kept")
    server.kill()
    with RunningServer(data_dir) as again:
        assert again.rest("GET", "/v1/repos/kept")[0] == 200


def test_token_revoked_anywhere_is_refused_by_the_next_request_on_any_worker(started: RunningServer) -> None:
    for _ in range(10):
        made = started.create_repository()
        assert _advertisement_status(started, made) == 200
        assert started.rest("POST", "/v1/tokens/revoke", {"token": made["token"]}) == (200, {"revoked": True})
        assert _advertisement_status(started, made) == 401


def _advertisement_status(server: RunningServer, made: dict[str, str]) -> int:
    """Of a fresh connection, which any worker may take."""
    path = f"/git/{made['id']}.git/info/refs?service=git-receive-pack"
    with connect(server) as connection:
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {made['token']}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        return int(connection.recv(4096).split()[1])


def test_admin_token_is_made_up_and_printed_when_none_is_set(data_dir: Path) -> None:
    server = RunningServer(data_dir, environment={"ARTIFACTS_ADMIN_TOKEN": ""})
    server.start()
    token = server.log.split("admin token: ", 1)[1].split(" ", 1)[0]
    assert len(token) == 43
    for _ in range(10):  # whichever worker
        assert server.rest("GET", "/v1/repos", token=token)[0] == 200
    assert server.rest("GET", "/v1/repos")[0] == 401
    assert server.stop() == 0


def test_address_in_use_is_one_sentence_and_status_1(started: RunningServer, tmp_path: Path) -> None:
    bind = started.url.removeprefix("http://")
    command = [sys.executable, "-P", "-m", "server.cli", "serve", "--bind", bind, "--data-dir", str(tmp_path / "other")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == f"Error: cannot listen on {bind}: Address already in use"


def test_start_that_fails_says_why(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    with pytest.raises(ServerFailed, match="data"):
        RunningServer(tmp_path / "data").start()


def test_large_refused_body_still_gets_its_answer(started: RunningServer) -> None:
    """A server that closed the socket with octets unread in it would reset the connection."""
    body = {"id": "x" * (20 << 20)}
    status, answer = started.rest("POST", "/v1/repos", body)
    assert (status, answer["error"]["code"]) == (413, "bad_request")
    assert started.rest("POST", "/v1/repos", body, token="wrong")[0] == 401  # of a test


def test_client_that_takes_nothing_is_dropped(data_dir: Path) -> None:
    """Else its answer would be a running request, and the end would wait for it, for an hour."""
    _fill(data_dir, repositories=5000)
    limits = ["--request-timeout-secs", "1", "--shutdown-timeout-secs", "3600"]
    server = RunningServer(data_dir, workers=1, arguments=limits)
    server.start()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        host, port = server.url.removeprefix("http://").split(":")
        connection.connect((host, int(port)))
        head = f"GET /v1/repos?limit=5000 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.admin_token}\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(1, socket.MSG_PEEK)
        assert server.stop() == 0


def _fill(data_dir: Path, *, repositories: int) -> None:
    engine = Engine.open(data_dir)
    engine.create_repository("base", Actor("test", "r"))
    manifest = engine.catalog.pointer("base").manifest
    forks = [NewRepository(f"fork-{n:05}" * 5, None, 0, manifest, "base") for n in range(repositories)]
    engine.catalog.create_repositories(forks)
    engine.close()


def test_log_names_the_worker_and_holds_no_token(data_dir: Path) -> None:
    with RunningServer(data_dir, arguments=["--log-format", "json"]) as server:
        made = server.create_repository()
        _advertisement_status(server, made)
        assert server.stop() == 0
        lines = [json.loads(line) for line in server.log.splitlines()]
        server.start()
    requests = [line for line in lines if line["event"] == "request"]
    assert {line["process"] for line in requests} <= {"worker-0", "worker-1"}
    (created,) = [line for line in requests if line["path"] == "/v1/repos"]  # in any order: two workers write them
    assert created["actor"] == "admin"
    assert created["repository"] == made["id"]
    assert made["token"] not in server.log
    assert server.admin_token not in server.log
