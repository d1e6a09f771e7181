"""The queue of processes that publish to one repository: they wait for each other, but not for long."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from packengine.storage.sqlite import _publish_queue
from packengine.storage.sqlite._publish_queue import PublishQueue
from tests.support.child import child_command


@contextmanager
def holder(path: Path, repository_id: str = "demo") -> Iterator[subprocess.Popen[bytes]]:
    """Another process that has the turn."""
    command = child_command("tests.support.turn_holder", path, repository_id)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"in turn\n"
        yield process


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalog.sqlite"


def end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait() == 0


def kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()


@pytest.mark.parametrize("leave", [end, kill])
def test_who_comes_later_waits_until_the_other_process_is_through(
    path: Path, monkeypatch: pytest.MonkeyPatch, leave: object
) -> None:
    assert callable(leave)
    looks = threading.Semaphore(0)
    monkeypatch.setattr(_publish_queue, "_PATIENCE_S", 60.0)
    monkeypatch.setattr(time, "sleep", lambda _: looks.release())
    entered = threading.Event()

    def enter(queue: PublishQueue) -> None:
        with queue.turn("demo"):
            entered.set()

    with closing(PublishQueue(path)) as queue, holder(path) as process:
        thread = threading.Thread(target=enter, args=(queue,))
        thread.start()
        looks.acquire()
        looks.acquire()
        assert not entered.is_set()
        leave(process)
        thread.join()
    assert entered.is_set()


def test_nobody_waits_for_long(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_publish_queue, "_PATIENCE_S", 0.001)
    with closing(PublishQueue(path)) as queue, holder(path) as process:
        with queue.turn("demo"):
            assert process.poll() is None
        end(process)


def test_other_repositories_do_not_wait(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("waited"))
    with closing(PublishQueue(path)) as queue, holder(path) as process:
        with queue.turn("other"):
            pass
        end(process)


def test_a_turn_ends_with_its_body(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_publish_queue, "_PATIENCE_S", 60.0)
    with closing(PublishQueue(path)) as queue:
        with pytest.raises(ZeroDivisionError), queue.turn("demo"):
            raise ZeroDivisionError
        with holder(path) as process:
            end(process)
