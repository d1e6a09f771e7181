"""Letting requests in: what was read serves the next request until something is committed, and not a moment longer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from packengine.repository import Engine
from packengine.storage import SqliteCatalog
from packengine.storage.ports import NewToken, RepositoryMissing, TokenRecord, TokenScope
from server.auth import GitAuthenticator, hash_token
from server.auth.git_tokens import UNAUTHORIZED, GitRefusal, GitService
from server.git.admission import AccessRefused, Admission, Admitted
from server.git.native import WorkerThreads
from tests.support.engine_pushes import ACTOR

NOW_S = 1_000_000
LIFETIME_S = 60
FETCH: GitService = "git-upload-pack"
PUSH: GitService = "git-receive-pack"


@dataclass
class Clock:
    now_s: float = NOW_S


class CountedThreads(WorkerThreads):
    """Counts the visits."""

    visits = 0

    async def run(self, *args: object, **others: object) -> object:  # type: ignore[override]  # passes them on
        self.visits += 1
        return await super().run(*args, **others)  # type: ignore[arg-type]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine.open(tmp_path)
    engine.create_repository("mine", ACTOR)
    engine.create_repository("other", ACTOR)
    for name, scope in (("writer", TokenScope.WRITE), ("reader", TokenScope.READ)):
        engine.catalog.mint_token("mine", NewToken(hash_token(name), scope, NOW_S, NOW_S + LIFETIME_S))
    yield engine
    engine.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def threads() -> CountedThreads:
    return CountedThreads(1)


@pytest.fixture
def admission(engine: Engine, clock: Clock, threads: CountedThreads) -> Admission:
    return Admission(engine, GitAuthenticator(engine.catalog, now_s=lambda: clock.now_s), threads)


async def status(admission: Admission, repository_id: str, token: str, service: GitService = FETCH) -> int:
    found = await admission.admit(repository_id, f"Bearer {token}", service)
    return found.status if isinstance(found, GitRefusal) else 200


async def test_the_first_request_costs_one_visit_to_a_thread_and_the_next_none(
    admission: Admission, threads: CountedThreads
) -> None:
    first = await admission.admit("mine", "Bearer writer", FETCH)
    assert threads.visits == 1
    assert await admission.admit("mine", "Bearer writer", FETCH) == first
    assert isinstance(await admission.admit("mine", "Bearer writer", PUSH), Admitted)
    assert threads.visits == 1


@pytest.mark.parametrize(("header", "service"), [("Basic", FETCH), ("Digest x", FETCH), ("", FETCH), (None, PUSH)])
async def test_a_request_without_a_token_costs_no_visit(
    admission: Admission, threads: CountedThreads, header: str | None, service: GitService
) -> None:
    assert await admission.admit("mine", header, service) is UNAUTHORIZED
    assert threads.visits == 0


@pytest.mark.parametrize("repository_id", ["mine", "none"])
async def test_nobody_is_told_once_for_each_change_that_a_repository_is_not_public(
    admission: Admission, engine: Engine, threads: CountedThreads, repository_id: str
) -> None:
    for _ in range(3):
        assert await admission.admit(repository_id, None, FETCH) is UNAUTHORIZED
    assert threads.visits == 1
    engine.create_repository("another", ACTOR)
    assert await admission.admit(repository_id, None, FETCH) is UNAUTHORIZED
    assert threads.visits == 2


async def test_anybody_fetches_from_a_public_repository_as_long_as_it_is_public(
    admission: Admission, engine: Engine, threads: CountedThreads
) -> None:
    assert await admission.admit("mine", None, FETCH) is UNAUTHORIZED
    engine.catalog.update_repository("mine", is_public=True)
    admitted = await admission.admit("mine", None, FETCH)
    assert isinstance(admitted, Admitted)
    assert (admitted.grant.subject, admitted.state.record.id) == ("anonymous", "mine")
    assert await admission.admit("mine", None, FETCH) == admitted
    assert threads.visits == 2
    engine.catalog.update_repository("mine", is_public=False)
    assert await admission.admit("mine", None, FETCH) is UNAUTHORIZED


async def test_a_public_repository_takes_no_pushes_of_nobody_and_no_bad_tokens(
    admission: Admission, engine: Engine
) -> None:
    engine.catalog.update_repository("mine", is_public=True)
    assert await admission.admit("mine", None, PUSH) is UNAUTHORIZED
    assert await status(admission, "mine", "unknown") == 401
    admitted = await admission.admit("mine", None, FETCH)
    assert isinstance(admitted, Admitted)
    assert not admission.still_grants(admitted, PUSH)


async def test_a_grant_carries_the_patterns_of_its_token(admission: Admission, engine: Engine) -> None:
    patterns = ("refs/heads/agent/*",)
    token = NewToken(hash_token("agent"), TokenScope.WRITE, NOW_S, subject="alice", refs=patterns)
    engine.catalog.mint_token("mine", token)
    admitted = await admission.admit("mine", "Bearer agent", PUSH)
    assert isinstance(admitted, Admitted)
    access = admitted.grant.ref_access
    assert (access.subject, access.is_admin, access.patterns) == ("alice", False, patterns)


async def test_any_commit_has_everything_read_anew(
    admission: Admission, engine: Engine, threads: CountedThreads
) -> None:
    await status(admission, "mine", "writer")
    engine.create_repository("another", ACTOR)
    assert await status(admission, "mine", "writer") == 200
    assert threads.visits == 2


async def test_a_token_that_is_known_expires_in_time(
    admission: Admission, clock: Clock, threads: CountedThreads
) -> None:
    assert await status(admission, "mine", "writer") == 200
    clock.now_s += LIFETIME_S
    assert await status(admission, "mine", "writer") == 401
    assert threads.visits == 1


async def test_a_token_that_is_known_is_good_for_no_more_than_before(admission: Admission) -> None:
    assert await status(admission, "mine", "reader") == 200
    assert await status(admission, "mine", "reader", PUSH) == 403
    assert await status(admission, "other", "reader") == 403
    assert await status(admission, "none", "reader") == 403


@pytest.mark.parametrize("changed_elsewhere", [False, True])
async def test_a_revoked_token_is_refused_at_once(
    admission: Admission, engine: Engine, tmp_path: Path, changed_elsewhere: bool
) -> None:
    assert await status(admission, "mine", "writer") == 200
    catalog = SqliteCatalog(tmp_path / "catalog.sqlite") if changed_elsewhere else engine.catalog
    assert catalog.revoke_token(hash_token("writer"), NOW_S)
    assert await status(admission, "mine", "writer") == 401
    if changed_elsewhere:
        catalog.close()


async def test_refusals_are_not_kept(admission: Admission, engine: Engine) -> None:
    assert await status(admission, "mine", "late") == 401
    engine.catalog.mint_token("mine", NewToken(hash_token("late"), TokenScope.READ, NOW_S))
    assert await status(admission, "mine", "late") == 200


async def test_what_is_committed_while_it_is_read_is_seen_by_the_next_request(
    admission: Admission, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = engine.load

    def load_and_be_overtaken(repository_id: str) -> object:
        state = load(repository_id)
        engine.catalog.revoke_token(hash_token("writer"), NOW_S)
        return state

    monkeypatch.setattr(engine, "load", load_and_be_overtaken)
    assert await status(admission, "mine", "writer") == 200
    assert await status(admission, "mine", "writer") == 401


async def test_a_catalog_that_cannot_tell_changes_is_read_each_time(
    admission: Admission, engine: Engine, threads: CountedThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.catalog, "change_mark", lambda: None)
    for _ in range(3):
        await status(admission, "mine", "writer")
    assert threads.visits == 3


async def test_a_repository_that_goes_while_it_is_let_in_is_missing(
    admission: Admission, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = engine.catalog.token

    def find_token_and_be_overtaken(token_hash: bytes) -> object:
        found = token(token_hash)
        engine.delete_repository("mine", ACTOR)
        return found

    monkeypatch.setattr(engine.catalog, "token", find_token_and_be_overtaken)
    with pytest.raises(RepositoryMissing):
        await admission.admit("mine", "Bearer writer", FETCH)


async def test_a_grant_holds_while_the_token_does_and_is_read_only_after_a_commit(
    admission: Admission, engine: Engine, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    admitted = await admission.admit("mine", "Bearer writer", PUSH)
    assert isinstance(admitted, Admitted)
    reads: list[bytes] = []
    token = engine.catalog.token

    def noted(token_hash: bytes) -> TokenRecord | None:
        reads.append(token_hash)
        return token(token_hash)

    monkeypatch.setattr(engine.catalog, "token", noted)
    assert admission.still_grants(admitted, PUSH)
    assert reads == []
    engine.create_repository("another", ACTOR)
    assert admission.still_grants(admitted, PUSH)
    assert reads == [hash_token("writer")]
    clock.now_s += LIFETIME_S
    assert not admission.still_grants(admitted, PUSH)


async def test_a_grant_ends_with_its_token(admission: Admission, engine: Engine) -> None:
    admitted = await admission.admit("mine", "Bearer writer", PUSH)
    assert isinstance(admitted, Admitted)
    assert engine.catalog.revoke_token(hash_token("writer"), NOW_S)
    assert not admission.still_grants(admitted, PUSH)


async def test_what_is_recalled_costs_no_visit_and_is_confirmed_as_of_now(
    admission: Admission, engine: Engine, threads: CountedThreads
) -> None:
    assert admission.recall("mine", "Bearer writer", PUSH) is None
    first = await admission.admit("mine", "Bearer writer", PUSH)
    assert isinstance(first, Admitted)
    engine.catalog.update_repository("mine", read_only=True)
    recalled = admission.recall("mine", "Bearer writer", PUSH)
    assert recalled == first
    assert threads.visits == 1
    confirmed = admission.confirm(recalled, PUSH)
    assert confirmed.state.record.read_only
    assert admission.confirm(confirmed, PUSH) is confirmed


async def test_what_is_recalled_is_judged_by_the_clock(admission: Admission, clock: Clock) -> None:
    assert isinstance(await admission.admit("mine", "Bearer writer", PUSH), Admitted)
    assert await status(admission, "mine", "reader") == 200
    assert admission.recall("mine", "Bearer reader", PUSH) is None
    clock.now_s += LIFETIME_S
    assert admission.recall("mine", "Bearer writer", PUSH) is None


async def test_a_token_that_was_revoked_since_is_refused_as_one_that_never_was(
    admission: Admission, engine: Engine
) -> None:
    assert await status(admission, "mine", "writer", PUSH) == 200
    engine.catalog.revoke_token(hash_token("writer"), NOW_S)
    recalled = admission.recall("mine", "Bearer writer", PUSH)
    assert recalled is not None
    with pytest.raises(AccessRefused) as ended:
        admission.confirm(recalled, PUSH)
    assert ended.value.refusal is UNAUTHORIZED


async def test_a_repository_that_got_the_id_since_is_not_taken_for_the_one_before(
    admission: Admission, engine: Engine
) -> None:
    """Its objects may have names of another length."""
    assert await status(admission, "mine", "writer", PUSH) == 200
    recalled = admission.recall("mine", "Bearer writer", PUSH)
    assert recalled is not None
    engine.delete_repository("mine", ACTOR)
    engine.create_repository("mine", ACTOR)
    engine.catalog.mint_token("mine", NewToken(hash_token("writer"), TokenScope.WRITE, NOW_S, NOW_S + LIFETIME_S))
    with pytest.raises(RepositoryMissing):
        admission.confirm(recalled, PUSH)
