"""What was looked up for one request serves the next, yet no request is answered by what was true before a change.

Two worker processes on one data folder, each of which has answered before and so knows what it could be wrong about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.support.http_servers import RECEIVE_PACK, UPLOAD_PACK, Repository, new_repository
from tests.support.http_wire import Answer, RawConnection
from tests.support.raw_packs import COMMIT, NULL, TREE, commit_content, entry, oid_of, pack_of
from tests.support.server import RunningServer
from tests.support.wire_client import ls_refs_request, parse_push_report, push_request

ROUNDS = 5
"""Of each change: what is wrong by chance is not wrong each time."""


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RunningServer]]:
    """A process each, as two workers of one server are, but reached by different ports."""
    data_dir = tmp_path_factory.mktemp("shared") / "data"
    with ExitStack() as stack:
        first = stack.enter_context(RunningServer(data_dir, workers=1))
        second = stack.enter_context(RunningServer(data_dir, workers=1, admin_token=first.admin_token))
        yield [first, second]


@pytest.fixture
def connections(workers: list[RunningServer]) -> Iterator[list[RawConnection]]:
    with ExitStack() as stack:
        yield [stack.enter_context(RawConnection(worker.url)) for worker in workers]


def listing(repository: Repository, connection: RawConnection) -> Answer:
    headers = repository.call_headers(UPLOAD_PACK)
    return connection.request("POST", f"{repository.path}/{UPLOAD_PACK}", headers, ls_refs_request())


def advertisement(repository: Repository, connection: RawConnection) -> Answer:
    return connection.request("GET", f"{repository.path}/info/refs?service={RECEIVE_PACK}", repository.basic)


def root_commit(number: int) -> tuple[bytes, bytes]:
    """(id, pack)."""
    content = commit_content(message=b"%d\n" % number)
    return oid_of(COMMIT, content), pack_of([entry(TREE, b""), entry(COMMIT, content)])


def push(repository: Repository, connection: RawConnection, number: int) -> bytes:
    """A new branch, on this connection. Returns what it points to."""
    tip, pack = root_commit(number)
    body = push_request([(NULL, tip, b"refs/heads/branch-%d" % number)], pack)
    answer = connection.request(
        "POST", f"{repository.path}/{RECEIVE_PACK}", repository.call_headers(RECEIVE_PACK), body
    )
    assert parse_push_report(answer.body).refs == {b"refs/heads/branch-%d" % number: None}
    return tip


@pytest.mark.parametrize("changed_on", [0, 1])
def test_a_ref_that_moved_is_seen_by_the_next_request_on_every_worker(
    workers: list[RunningServer], connections: list[RawConnection], changed_on: int
) -> None:
    repository = new_repository(workers[0])
    for number in range(ROUNDS):
        before = [listing(repository, connection).body for connection in connections]
        tip = push(repository, connections[changed_on], number).hex().encode()
        after = [listing(repository, connection).body for connection in connections]
        assert all(tip not in body for body in before)
        assert all(tip in body for body in after)
        assert all(tip in advertisement(repository, connection).body for connection in connections)


def revoke(repository: Repository, connection: RawConnection, admin: dict[str, str]) -> None:
    body = b'{"token": "%s"}' % repository.token.encode()
    assert connection.request("POST", "/v1/tokens/revoke", admin, body).status == 200


def delete(repository: Repository, connection: RawConnection, admin: dict[str, str]) -> None:
    assert connection.request("DELETE", f"/v1/repos/{repository.id}", admin).status == 200


@pytest.mark.parametrize("changed_on", [0, 1])
@pytest.mark.parametrize("end_access", [revoke, delete], ids=lambda change: change.__name__)
def test_access_that_ended_is_refused_to_the_next_request_on_every_worker(
    workers: list[RunningServer],
    connections: list[RawConnection],
    end_access: Callable[[Repository, RawConnection, dict[str, str]], None],
    changed_on: int,
) -> None:
    admin = {"Authorization": f"Bearer {workers[0].admin_token}", "Content-Type": "application/json"}
    for _ in range(ROUNDS):
        repository = new_repository(workers[0])
        for ask in (listing, advertisement, listing):
            assert [ask(repository, connection).status for connection in connections] == [200, 200]
        end_access(repository, connections[changed_on], admin)
        for ask in (listing, advertisement):
            assert [ask(repository, connection).status for connection in connections] == [401, 401]


def test_a_repository_that_took_the_id_of_another_is_not_taken_for_it(
    workers: list[RunningServer], connections: list[RawConnection]
) -> None:
    for number in range(ROUNDS):
        first = workers[0].create_repository("again")
        old = Repository(workers[0], first["id"], first["token"], first["remote"])
        tip = push(old, connections[0], number).hex().encode()
        assert all(tip in listing(old, connection).body for connection in connections)
        assert workers[1].rest("DELETE", "/v1/repos/again")[0] == 200
        second = workers[1].create_repository("again")
        new = Repository(workers[1], second["id"], second["token"], second["remote"])
        assert [listing(old, connection).status for connection in connections] == [401, 401]
        assert all(tip not in listing(new, connection).body for connection in connections)
        assert workers[0].rest("DELETE", "/v1/repos/again")[0] == 200
