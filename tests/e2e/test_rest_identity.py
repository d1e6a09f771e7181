"""The contract's rows on authentication and owners, with tokens that somebody else signed."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.rest import ADMIN_TOKEN, RestClient, rest_client
from tests.support.web_tokens import SECRET, by_key, by_secret, jwk, jwks, private_key, token

MISSING = "missing-repo"


def by(subject: str, **changes: object) -> dict[str, str]:
    """The header of somebody who is known for an hour."""
    claims = {"sub": subject, "exp": time.time() + 3600, **changes}
    return {"Authorization": f"Bearer {token(by_secret(), claims)}"}


ALICE, BOB = by("alice"), by("bob")


@pytest.fixture
async def rest(tmp_path: Path) -> AsyncIterator[RestClient]:
    async with rest_client(tmp_path / "data", jwt_secret=SECRET.decode()) as client:
        await client.call("POST", "/v1/repos", {"id": "alices"}, headers=ALICE)
        await client.create("admins")
        yield client


async def anonymously(rest: RestClient, method: str, path: str, body: object = None) -> int:
    """The status of a request without an Authorization header."""
    request = rest.http.build_request(method, path, json=body)
    del request.headers["Authorization"]
    return (await rest.http.send(request)).status_code


async def test_what_a_user_creates_is_theirs(rest: RestClient) -> None:
    mine = (await rest.call("GET", "/v1/repos", headers=ALICE)).json()
    assert [(each["id"], each["owner"]) for each in mine] == [("alices", "alice")]
    assert (await rest.call("GET", "/v1/repos", headers=BOB)).json() == []
    assert [each["id"] for each in (await rest.call("GET", "/v1/repos")).json()] == ["admins", "alices"]
    assert (await rest.call("GET", "/v1/repos/alices", headers=ALICE)).json()["owner"] == "alice"


async def test_a_fork_belongs_to_who_made_it(rest: RestClient) -> None:
    made = await rest.call("POST", "/v1/repos/alices/forks", {"id": "fork"}, headers=ALICE)
    assert made.status_code == 200
    assert (await rest.call("GET", "/v1/repos/fork")).json()["owner"] == "alice"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_public_keys_let_their_tokens_in(tmp_path: Path, algorithm: str) -> None:
    path, key = tmp_path / "jwks.json", private_key(algorithm)
    path.write_bytes(jwks(jwk(key, kid="k")))
    async with rest_client(tmp_path / "data", jwt_jwks=str(path)) as rest:
        text = token(by_key(key), {"sub": "carol", "exp": time.time() + 60}, alg=algorithm, kid="k")
        made = await rest.call("POST", "/v1/repos", {"id": "carols"}, headers={"Authorization": f"Bearer {text}"})
        assert made.status_code == 200
        assert (await rest.call("GET", "/v1/repos/carols")).json()["owner"] == "carol"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer nonsense",
        f"Bearer {ADMIN_TOKEN}x",
        f"Basic {ADMIN_TOKEN}",
        by("alice", exp=time.time() - 61)["Authorization"],
        by("alice", nbf=time.time() + 3000)["Authorization"],
        by("alice", exp=None)["Authorization"],
        by("alice")["Authorization"] + "x",
        "Bearer " + token(lambda _: b"", {"sub": "alice", "exp": time.time() + 60}, alg="none"),
        "Bearer " + "x" * 9000,
    ],
)
async def test_anything_else_is_unauthorized(rest: RestClient, header: str) -> None:
    answer = await rest.call("GET", "/v1/repos", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_token_within_the_leeway_counts(rest: RestClient) -> None:
    for changes in ({"exp": time.time() - 30}, {"nbf": time.time() + 30}):
        assert (await rest.call("GET", "/v1/repos", headers=by("alice", **changes))).status_code == 200


FOREIGN = [
    ("GET", "/v1/repos/admins", None),
    ("DELETE", "/v1/repos/admins", None),
    ("POST", "/v1/repos/admins/forks", {}),
    ("POST", "/v1/repos/admins/tokens", {"scope": "read"}),
    ("GET", "/v1/repos/admins/tokens", None),
    ("POST", "/v1/repos/admins/tokens/rotate", {}),
]


@pytest.mark.parametrize(("method", "path", "body"), FOREIGN)
async def test_what_is_somebody_elses_is_forbidden(rest: RestClient, method: str, path: str, body: object) -> None:
    for headers in (ALICE, BOB):
        answer = await rest.call(method, path, body, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    assert (await rest.call("GET", "/v1/repos/admins")).status_code == 200


@pytest.mark.parametrize(("method", "path", "body"), [each for each in FOREIGN if each[0] != "DELETE"])
async def test_existence_comes_before_the_owner(rest: RestClient, method: str, path: str, body: object) -> None:
    answer = await rest.call(method, path.replace("admins", MISSING), body, headers=ALICE)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "repo_not_found")
    bad_id = await rest.call(method, path.replace("admins", "a.b.c"), body, headers=ALICE)
    assert (bad_id.status_code, bad_id.json()["error"]["code"]) == (400, "invalid_repo_id")


async def test_a_deletion_does_not_tell_a_stranger_whether_there_is_a_repository(rest: RestClient) -> None:
    there = await rest.call("DELETE", "/v1/repos/admins", headers=ALICE)
    absent = await rest.call("DELETE", f"/v1/repos/{MISSING}", headers=ALICE)
    assert (there.status_code, there.json()) == (absent.status_code, absent.json())
    assert there.status_code == 403
    assert (await rest.call("DELETE", f"/v1/repos/{MISSING}")).status_code == 404
    assert (await rest.call("DELETE", "/v1/repos/alices", headers=ALICE)).status_code == 200


async def test_a_deletion_takes_no_fork_of_somebody_else_along(rest: RestClient) -> None:
    await rest.call("POST", "/v1/repos/alices/forks", {"id": "fork"})
    answer = await rest.call("DELETE", "/v1/repos/alices?cascade=true", headers=ALICE)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "fork_dependency")
    assert (await rest.call("DELETE", "/v1/repos/alices?cascade=true")).status_code == 200


async def test_a_user_sees_and_revokes_only_tokens_of_their_own(rest: RestClient) -> None:
    admins = (await rest.call("POST", "/v1/repos/alices/tokens", {"scope": "read"})).json()["token"]
    mine = (await rest.call("POST", "/v1/repos/alices/tokens", {"scope": "read"}, headers=ALICE)).json()["token"]
    listed = (await rest.call("GET", "/v1/repos/alices/tokens", headers=ALICE)).json()
    assert [each["subject"] for each in listed] == ["alice", "alice"]

    refusals = [
        (await rest.call("POST", "/v1/tokens/revoke", {"token": text}, headers=ALICE)).json()
        for text in (admins, "unknown", "not graphic")
    ]
    refusals.append((await rest.call("POST", "/v1/tokens/revoke", {"token": mine}, headers=BOB)).json())
    assert refusals == [{"error": {"code": "forbidden", "message": "not your token"}}] * 4
    for revoked in (True, False):
        answer = await rest.call("POST", "/v1/tokens/revoke", {"token": mine}, headers=ALICE)
        assert (answer.status_code, answer.json()) == (200, {"revoked": revoked})


async def test_a_rotation_leaves_one_token(rest: RestClient) -> None:
    await rest.call("POST", "/v1/repos/alices/tokens", {"scope": "read"})
    answer = await rest.call(
        "POST", "/v1/repos/alices/tokens/rotate", {"scope": "read", "ttl_seconds": 60}, headers=ALICE
    )
    assert answer.status_code == 200
    made = answer.json()
    assert made == {"revoked": 2, "token": made["token"], "remote": f"http://x:{made['token']}@git.test/git/alices.git"}
    (listed,) = (await rest.call("GET", "/v1/repos/alices/tokens")).json()
    assert (listed["scope"], listed["subject"], listed["expires_at"] - listed["created_at"]) == ("read", "alice", 60)
    again = (await rest.call("POST", "/v1/repos/alices/tokens/rotate", {})).json()
    assert again["revoked"] == 1
    assert [each["scope"] for each in (await rest.call("GET", "/v1/repos/alices/tokens")).json()] == ["write"]


@pytest.mark.parametrize(("options", "status"), [({}, 415), ({"json": {"scope": "all"}}, 422), ({"json": []}, 422)])
async def test_a_rotation_needs_a_body(rest: RestClient, options: dict[str, object], status: int) -> None:
    answer = await rest.call("POST", "/v1/repos/alices/tokens/rotate", **options)
    assert answer.status_code == status
    assert len((await rest.call("GET", "/v1/repos/alices/tokens")).json()) == 1


@pytest.mark.parametrize(
    ("patterns", "status"),
    [
        (["refs/heads/agent/*"], 200),
        (["main"], 400),
        ([""], 422),
        ([], 422),
        (["refs/heads/" + "x" * 300], 422),
        (["refs/heads/a..b"], 400),
        ([7], 422),
        (["refs/heads/*"] * 101, 422),
    ],
)
async def test_patterns_are_checked_when_a_token_is_minted(rest: RestClient, patterns: object, status: int) -> None:
    answer = await rest.call("POST", "/v1/repos/alices/tokens", {"scope": "write", "refs": patterns})
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("path", ["/v1/admin/token/rotate", "/v1/admin/jwt-key/rotate"])
async def test_admin_routes_are_for_the_administrator(rest: RestClient, path: str) -> None:
    assert (await rest.call("POST", path, headers=ALICE)).status_code == 403
    assert (await rest.call("POST", path, headers={"Authorization": "Bearer x"})).status_code == 401
    assert await anonymously(rest, "POST", path) == 401


async def test_a_rotated_admin_token_counts_for_the_next_request(rest: RestClient) -> None:
    token_text = (await rest.call("POST", "/v1/admin/token/rotate")).json()["token"]
    assert (await rest.call("GET", "/v1/repos")).status_code == 401
    new = {"Authorization": f"Bearer {token_text}"}
    assert (await rest.call("GET", "/v1/repos", headers=new)).status_code == 200
    assert (await rest.call("GET", "/v1/repos", headers=ALICE)).status_code == 200


async def test_a_rotated_jwt_key_counts_for_the_next_request(rest: RestClient) -> None:
    assert (await rest.call("GET", "/v1/repos", headers=ALICE)).status_code == 200
    answer = (await rest.call("POST", "/v1/admin/jwt-key/rotate")).json()
    assert answer["persisted"] is True
    assert (await rest.call("GET", "/v1/repos", headers=ALICE)).status_code == 401
    text = token(by_secret(answer["key"].encode()), {"sub": "alice", "exp": time.time() + 60})
    listed = await rest.call("GET", "/v1/repos", headers={"Authorization": f"Bearer {text}"})
    assert [each["id"] for each in listed.json()] == ["alices"]


async def test_anybody_reads_what_is_public_and_nothing_else(rest: RestClient) -> None:
    await rest.create("open-one", visibility="public")
    assert await anonymously(rest, "GET", "/v1/repos/open-one") == 200
    assert (await rest.call("GET", "/v1/repos/open-one", headers=BOB)).status_code == 200
    for method, path, body in FOREIGN[1:]:
        assert await anonymously(rest, method, path.replace("admins", "open-one"), body) == 401
        answer = await rest.call(method, path.replace("admins", "open-one"), body, headers=BOB)
        assert answer.status_code == (200 if path.endswith("forks") else 403)
    assert await anonymously(rest, "GET", "/v1/repos") == 401
    bad = await rest.call("GET", "/v1/repos/open-one", headers={"Authorization": "Bearer nonsense"})
    assert bad.status_code == 401


async def test_nobody_hears_what_private_repositories_there_are(rest: RestClient) -> None:
    statuses = [await anonymously(rest, "GET", f"/v1/repos/{name}") for name in ("admins", "alices", MISSING)]
    assert statuses == [401, 401, 401]


async def test_a_list_goes_on_behind_its_cursor(rest: RestClient) -> None:
    for number in range(5):
        await rest.create(f"repo-{number}", description="Numbered" if number % 2 else "")
    ids, cursor = [], ""
    while True:
        answer = await rest.call("GET", f"/v1/repos?limit=2&search=repo-{cursor and '&cursor=' + cursor}")
        assert answer.headers["X-Total-Count"] == "5"
        ids += [each["id"] for each in answer.json()]
        if "X-Next-Cursor" not in answer.headers:
            break
        cursor = answer.headers["X-Next-Cursor"]
    assert ids == [f"repo-{number}" for number in range(4, -1, -1)]
    found = (await rest.call("GET", "/v1/repos?search=numbered")).json()
    assert [(each["id"], each["description"]) for each in found] == [("repo-3", "Numbered"), ("repo-1", "Numbered")]


@pytest.mark.parametrize("query", ["cursor=", "cursor=x", "cursor=none-such.1", "cursor=alices.9", "search="])
async def test_a_bad_cursor_or_search_is_a_bad_request(rest: RestClient, query: str) -> None:
    answer = await rest.call("GET", f"/v1/repos?{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


@pytest.mark.parametrize(
    "subject", ["🙂" * 256, 'a "b"\n\x1b[31m=c', "admin", "anonymous", "token:0123456789abcdef", "é/../x"]
)
async def test_whatever_a_subject_is_called_its_things_are_its_own(rest: RestClient, subject: str) -> None:
    headers = by(subject)
    assert (await rest.call("POST", "/v1/repos", {"id": "theirs"}, headers=headers)).status_code == 200
    commit = {"branch": "main", "message": "m", "changes": [{"op": "write", "path": "file", "content": "x"}]}
    made = await rest.call("POST", "/v1/repos/theirs/commits", commit, headers=headers)
    assert made.status_code == 200, made.text
    (listed,) = (await rest.call("GET", "/v1/repos", headers=headers)).json()
    assert (listed["id"], listed["owner"]) == ("theirs", subject)
    assert (await rest.call("GET", "/v1/repos/admins", headers=headers)).status_code == 403
    assert (await rest.call("POST", "/v1/admin/token/rotate", headers=headers)).status_code == 403
    assert await anonymously(rest, "GET", "/v1/repos/theirs") == 401
    history = (await rest.call("GET", "/v1/repos/theirs/history", headers=headers)).json()
    assert history[0]["actor"] == subject
