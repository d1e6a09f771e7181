"""A real `packhouse serve` as a subprocess, for end-to-end tests."""

from __future__ import annotations

import json
import os
import queue
import re
import secrets
import select
import signal
import ssl
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 60.0
_LISTENING = re.compile(r"listening on (https?://\S+)")


class ServerFailed(Exception):
    """The server ended, or said nothing in time; the message has what it wrote to stderr."""


class RunningServer:
    """Use as a context manager; leaving it stops the server in order, and fails if that does not end with 0.

    url: "http://127.0.0.1:PORT"; admin_token; data_dir; log_path: what the server writes to stderr.
    trust: for `rest`, of a server that speaks TLS.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        workers: int = 2,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        admin_token: str | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self.data_dir = data_dir
        self.admin_token = admin_token or secrets.token_urlsafe(16)
        self.log_path = data_dir.parent / f"{data_dir.name}.log"
        self.url = ""
        self._trust = trust
        self._command = _command(data_dir, workers, arguments)
        self._environment = {**os.environ, "ARTIFACTS_ADMIN_TOKEN": self.admin_token, **(environment or {})}
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        """The parent process."""
        return self._running().pid

    @property
    def log(self) -> str:
        """Everything written to stderr so far, by the parent and the workers of all starts."""
        return self.log_path.read_text(encoding="utf-8")

    def start(self) -> None:
        """Start it, and wait until every worker serves. Each start may listen on another port."""
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("a", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self._environment,
                text=True,
                start_new_session=True,  # so that kill() reaches the workers too
            )
        self.url = self._wait_announced()

    def worker_pids(self) -> list[int]:
        """The workers that live now; none once the parent has ended."""
        tasks = Path(f"/proc/{self.pid}/task").glob("*/children")
        return [int(pid) for task in tasks for pid in task.read_text(encoding="ascii").split()]

    def send_signal(self, signum: int) -> None:
        """To the parent alone, as a service manager does."""
        self._running().send_signal(signum)

    def wait(self) -> int:
        """Until the parent has ended by itself; its exit status."""
        process = self._running()
        try:
            return process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServerFailed(f"no end within {STOP_TIMEOUT_S:g} s:\n{self.log}") from None
        finally:
            self._close()

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        self.send_signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """SIGKILL to the parent and every worker, at once, as a power cut would. `start` can follow."""
        if self._process is None:
            return
        workers = [os.pidfd_open(pid) for pid in self.worker_pids()]
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for worker in workers:
            select.select([worker], [], [])  # readable once it has ended, and with it every lock it held
            os.close(worker)
        self._close()

    def restart(self) -> None:
        """Stop in order and start again on the same data."""
        if self.stop() != 0:
            raise ServerFailed(self.log)
        self.start()

    def rest(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        """A REST request as the administrator (or with `token`); the status and the decoded JSON answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)  # noqa: S310  # our own URL
        request.add_header("Authorization", f"Bearer {token or self.admin_token}")
        if data is not None:
            request.add_header("Content-Type", "application/json")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=60, context=self._trust) as answer:  # noqa: S310  # the same
                return answer.status, json.load(answer)
        except HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")

    def create_repository(self, repository_id: str | None = None, **fields: object) -> Any:
        """`{id, remote, token}` of a new repository."""
        status, answer = self.rest("POST", "/v1/repos", {"id": repository_id, **fields})
        if status != 200:
            raise ServerFailed(f"POST /v1/repos: {status} {answer}")
        return answer

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process is None:
            return
        if error is not None:
            self.kill()
            error.add_note(f"server log:\n{self.log}")
        elif (status := self.stop()) != 0:
            raise ServerFailed(f"exit status {status}:\n{self.log}")

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise ServerFailed("not started")
        return self._process

    def _wait_announced(self) -> str:
        process = self._running()
        assert process.stdout is not None
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=_forward_lines, args=(process.stdout, lines), daemon=True).start()
        while True:
            try:
                line = lines.get(timeout=START_TIMEOUT_S)
            except queue.Empty:
                line = ""
            if found := _LISTENING.search(line):
                return found[1]
            if not line:
                self.kill()
                raise ServerFailed(f"it did not start:\n{self.log}")

    def _close(self) -> None:
        self._process = None


def _command(data_dir: Path, workers: int, arguments: Sequence[str]) -> list[str]:
    settings = ["--data-dir", str(data_dir), "--bind", "127.0.0.1:0", "--workers", str(workers)]
    settings += ["--shutdown-drain-delay-secs", "0"]
    return [sys.executable, "-P", "-m", "server.cli", "serve", *settings, *arguments]


def _forward_lines(stream: Any, lines: queue.Queue[str]) -> None:
    """An empty line stands for the end. Reads on after the first line, so that the server never blocks on us."""
    with stream:
        for line in stream:
            lines.put(line)
    lines.put("")
