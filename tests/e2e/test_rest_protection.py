"""Rules for refs: set and read over REST, and what stock Git hears when it pushes against them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from packhouse_client.types.protection import PUSHERS_MAX, RULES_MAX
from tests.support.git import git, git_result, refs
from tests.support.repositories import commit_file
from tests.support.rest import RestClient, rest_client
from tests.support.server import RunningServer
from tests.support.signing import SshSigner

ALICE = {"Authorization": "Bearer user:alice"}
BOB = {"Authorization": "Bearer user:bob"}
PATH = "/v1/repos/project/protection"
FULL = {
    "pattern": "refs/heads/*",
    "denyDeletion": True,
    "denyForce": True,
    "pushers": ["alice", "token:0123456789abcdef"],
    "signedOnly": False,
}


@pytest.fixture
async def rest(tmp_path: Path) -> AsyncIterator[RestClient]:
    async with rest_client(tmp_path / "data") as client:
        await client.call("POST", "/v1/repos", {"id": "project"}, headers=ALICE)
        yield client


async def test_rules_are_read_as_they_were_set(rest: RestClient) -> None:
    assert (await rest.call("GET", PATH, headers=ALICE)).json() == {"rules": []}
    short = {"pattern": "refs/tags/v1"}
    answer = await rest.call("PUT", PATH, {"rules": [FULL, short]}, headers=ALICE)
    told = {"denyDeletion": False, "denyForce": False, "pushers": None, "signedOnly": False}
    assert (answer.status_code, answer.json()) == (200, {"rules": [FULL, short | told]})
    assert (await rest.call("GET", PATH)).json() == answer.json()
    assert (await rest.call("PUT", PATH, {"rules": []})).json() == {"rules": []}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"rules": [{"pattern": "main"}]}, 400),
        ({"rules": [{"pattern": "refs/heads/" + "x" * 300}]}, 400),
        ({"rules": [FULL] * (RULES_MAX + 1)}, 422),
        ({"rules": [FULL | {"pushers": ["x"] * (PUSHERS_MAX + 1)}]}, 422),
        ({"rules": [FULL | {"pushers": ["x" * 257]}]}, 422),
        ({"rules": [FULL | {"pushers": [""]}]}, 422),
        ({"rules": [{}]}, 422),
        ({"rules": "refs/*"}, 422),
        ({"rules": [FULL | {"signedOnly": True}]}, 400),
    ],
)
async def test_bad_rules_leave_those_that_were_there(rest: RestClient, body: Any, status: int) -> None:
    before = (await rest.call("PUT", PATH, {"rules": [FULL]})).json()
    answer = await rest.call("PUT", PATH, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, "bad_request")
    assert (await rest.call("GET", PATH)).json() == before


async def test_as_many_rules_as_may_be(rest: RestClient) -> None:
    rules = [FULL | {"pattern": f"refs/heads/{at}/*"} for at in range(RULES_MAX)]
    assert (await rest.call("PUT", PATH, {"rules": rules})).json() == {"rules": rules}


@pytest.mark.parametrize(("headers", "status"), [(BOB, 403), ({"Authorization": ""}, 401)])
async def test_rules_are_the_owners_also_where_anybody_may_read(
    rest: RestClient, headers: dict[str, str], status: int
) -> None:
    rest.engine.catalog.update_repository("project", is_public=True)
    assert (await rest.call("GET", PATH, headers=headers)).status_code == status
    assert (await rest.call("PUT", PATH, {"rules": []}, headers=headers)).status_code == status
    assert (await rest.call("PUT", PATH, {"rules": "nonsense"}, headers=headers)).status_code == status


async def test_a_fork_has_no_rules_of_its_source(rest: RestClient) -> None:
    await rest.call("PUT", PATH, {"rules": [FULL]})
    await rest.call("POST", "/v1/repos/project/forks", {"id": "fork"})
    assert (await rest.call("GET", "/v1/repos/fork/protection")).json() == {"rules": []}


# --- stock Git --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> SshSigner:
    return SshSigner.make(tmp_path_factory.mktemp("keys"), "known")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, signer: SshSigner) -> Iterator[RunningServer]:
    """It knows a key."""
    trusted = tmp_path_factory.mktemp("trusted") / "allowed_signers"
    trusted.write_text(signer.allowed_line("bob@example.org"), encoding="utf-8")
    arguments = ["--push-cert-keys", str(trusted)]
    with RunningServer(tmp_path_factory.mktemp("served") / "data", arguments=arguments) as running:
        yield running


def protect(server: RunningServer, remote: str, **rule: object) -> None:
    status, answer = server.rest("PUT", f"{path_of(remote)}/protection", {"rules": [rule]})
    assert status == 200, answer


def path_of(remote: str) -> str:
    return f"/v1/repos/{remote.rpartition('/')[2].removesuffix('.git')}"


def refused(work: Path, *arguments: str) -> str:
    """What Git says of a push that must fail."""
    done = git_result("push", *arguments, cwd=work)
    assert done.returncode != 0
    return done.stderr.decode()


def test_a_forced_push_is_refused_and_a_forward_one_taken(server: RunningServer, remote: str, work: Path) -> None:
    protect(server, remote, pattern="refs/heads/main", denyForce=True)
    commit_file(work, "file", b"more\n", "Go on")
    git("push", "--quiet", "origin", "main", cwd=work)
    git("reset", "--quiet", "--hard", "HEAD~", cwd=work)
    said = refused(work, "--force", "origin", "main")
    assert "main -> main (protected)" in said
    assert "warning: refs/heads/main: protected: it can only be fast-forwarded" in said
    git("push", "--quiet", "origin", "main:refs/heads/side", cwd=work)


def test_a_deletion_is_refused(server: RunningServer, remote: str, work: Path) -> None:
    git("push", "--quiet", "origin", "main:refs/heads/release/1/a", "main:refs/heads/other", cwd=work)
    protect(server, remote, pattern="refs/heads/release/*", denyDeletion=True)
    said = refused(work, "origin", ":refs/heads/release/1/a", ":refs/heads/other")
    assert "release/1/a (protected)" in said
    assert "[deleted]         other" in said


def test_an_unsigned_push_is_refused_and_a_signed_one_taken(
    server: RunningServer, remote: str, work: Path, signer: SshSigner
) -> None:
    protect(server, remote, pattern="refs/tags/*", signedOnly=True)
    assert "v1 (protected)" in refused(work, "origin", "main:refs/tags/v1")
    git(*signer.git_settings(), "push", "--signed", "--quiet", "origin", "main:refs/tags/v1", cwd=work)
    assert "refs/tags/v1" in git("ls-remote", "origin", cwd=work).decode()


def test_only_tokens_that_are_named_may_push(server: RunningServer, remote: str, work: Path) -> None:
    status, minted = server.rest("POST", f"{path_of(remote)}/tokens", {"scope": "write"})
    assert status == 200
    newest = server.rest("GET", f"{path_of(remote)}/tokens")[1][0]
    protect(server, remote, pattern="refs/heads/*", pushers=[f"token:{newest['id']}"])
    assert "side (protected)" in refused(work, "origin", "main:side")
    git("push", "--quiet", minted["remote"], "main:side", cwd=work)


def test_a_token_for_some_refs_moves_no_others(server: RunningServer, remote: str, work: Path) -> None:
    body = {"scope": "write", "refs": ["refs/heads/agent/*"]}
    minted = server.rest("POST", f"{path_of(remote)}/tokens", body)[1]
    said = refused(work, minted["remote"], "main:refs/heads/agent/7", "main:refs/heads/side")
    assert "main -> side (token may not move this ref)" in said
    assert "main -> agent/7" in said
    assert "token may not move this ref" in refused(work, "--atomic", minted["remote"], "main:agent/8", ":main")
    assert "refs/heads/agent/8" not in git("ls-remote", "origin", cwd=work).decode()


def test_a_repository_that_becomes_read_only_refuses_pushes(server: RunningServer, remote: str, work: Path) -> None:
    assert server.rest("PATCH", path_of(remote), {"readOnly": True})[0] == 200
    assert "side (repository is read-only)" in refused(work, "origin", "main:side")
    assert server.rest("PATCH", path_of(remote), {"readOnly": False})[0] == 200
    git("push", "--quiet", "origin", "main:side", cwd=work)


def test_rules_hold_on_every_worker_for_the_next_push(server: RunningServer, remote: str, work: Path) -> None:
    """There are two, and Git's connections come to either."""
    for at in range(6):
        protect(server, remote, pattern="refs/heads/side", pushers=[])
        assert "(protected)" in refused(work, "origin", f"main:refs/heads/{at}", "main:side")
        server.rest("PUT", f"{path_of(remote)}/protection", {"rules": []})
        git("push", "--quiet", "origin", "main:side", cwd=work)
        git("push", "--quiet", "origin", ":side", cwd=work)
    clone = work.parent / "clone"
    git("clone", "--quiet", "--mirror", remote, clone)
    assert set(refs(clone)) == {"HEAD", "refs/heads/main", *(f"refs/heads/{at}" for at in range(6))}
