"""Notes over REST: read, written and taken away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from core_ext import hash_object
from packengine.repository.commit_objects import CommitWords
from packengine.repository.commits import CommitRequest
from packengine.repository.progress import no_progress
from packengine.repository.tree_changes import WriteFile
from tests.support.git import git
from tests.support.rest import RestClient, rest_client
from tests.support.writers import WRITER

ALICE = {"Authorization": "Bearer user:alice"}
BOB = {"Authorization": "Bearer user:bob"}
UNKNOWN = "1" * 40
ROUTE = "/v1/repos/project/notes"
DEFAULT = "refs/notes/commits"


@pytest.fixture
async def rest(tmp_path: Path) -> AsyncIterator[RestClient]:
    async with rest_client(tmp_path / "data") as client:
        await client.create("project")
        yield client


@pytest.fixture
async def commit(rest: RestClient) -> str:
    answer = await rest.call("POST", "/v1/repos/project/commits", {"branch": "main", "message": "m"})
    return str(answer.json()["commit"])


async def write(rest: RestClient, commit: str, text: str, **fields: Any) -> httpx.Response:
    return await rest.call("POST", ROUTE, {"commit": commit, "text": text, **fields})


async def read(rest: RestClient, commit: str, query: str = "") -> httpx.Response:
    return await rest.call("GET", f"{ROUTE}?commit={commit}{query}")


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_a_note_is_read_as_it_was_written(rest: RestClient, commit: str) -> None:
    told = {"ref": DEFAULT, "commit": commit, "text": "done ✓\n"}
    assert (await write(rest, commit, "done ✓")).json() == told
    assert (await read(rest, commit)).json() == told


async def test_a_commit_without_a_note_is_404(rest: RestClient, commit: str) -> None:
    assert code(await read(rest, commit)) == (404, "repo_not_found")
    await write(rest, commit, "x", ref="refs/notes/other")
    assert code(await read(rest, commit)) == (404, "repo_not_found")


@pytest.mark.parametrize("name", ["review", "notes/review", "refs/notes/review"])
async def test_notes_of_another_ref_are_named_as_git_names_them(rest: RestClient, commit: str, name: str) -> None:
    assert (await write(rest, commit, "x", ref=name)).json()["ref"] == "refs/notes/review"
    assert (await read(rest, commit, f"&ref={name}")).json()["text"] == "x\n"


async def test_a_note_that_is_there_is_replaced_by_force_only(rest: RestClient, commit: str) -> None:
    await write(rest, commit, "one")
    assert code(await write(rest, commit, "two")) == (409, "note_exists")
    assert (await write(rest, commit, "two", force=True)).status_code == 200
    assert (await read(rest, commit)).json()["text"] == "two\n"


async def test_an_empty_text_or_delete_takes_a_note_away(rest: RestClient, commit: str) -> None:
    await write(rest, commit, "one")
    assert (await write(rest, commit, "")).json()["text"] == ""
    assert code(await read(rest, commit)) == (404, "repo_not_found")
    await write(rest, commit, "two")
    gone = await rest.call("DELETE", f"{ROUTE}?commit={commit}")
    assert (gone.status_code, gone.json()) == (200, {"ref": DEFAULT, "commit": commit, "text": ""})
    assert code(await read(rest, commit)) == (404, "repo_not_found")
    assert (await rest.call("DELETE", f"{ROUTE}?commit={commit}")).status_code == 200


async def test_git_shows_the_note_and_who_wrote_it(rest: RestClient, commit: str, tmp_path: Path) -> None:
    await write(rest, commit, "from here", author={"name": "Ada", "email": "ada@x"})
    out = tmp_path / "out.git"
    rest.engine.export_repository("project", out, progress=no_progress)
    git("fsck", "--strict", cwd=out)
    assert git("notes", "show", commit, cwd=out) == b"from here\n"
    assert git("log", "--format=%an <%ae>", DEFAULT, cwd=out) == b"Ada <ada@x>\n"


@pytest.mark.parametrize("query", ["", f"commit={UNKNOWN[:39]}", "commit=main", f"commit={UNKNOWN}&ref=a..b"])
async def test_a_bad_query_is_400(rest: RestClient, query: str) -> None:
    for method in ("GET", "DELETE"):
        assert code(await rest.call(method, f"{ROUTE}?{query}")) == (400, "bad_request")


async def test_what_is_no_object_of_the_repository_gets_no_note(rest: RestClient, commit: str) -> None:
    assert code(await write(rest, UNKNOWN, "x")) == (400, "bad_request")
    assert code(await write(rest, commit[:39], "x")) == (400, "bad_request")


async def test_a_note_over_a_mebibyte_is_not_read(rest: RestClient, commit: str) -> None:
    note = large_note(rest, commit, (1 << 20) + 1)
    answer = await read(rest, commit)
    assert code(answer) == (400, "bad_request")
    assert note in answer.json()["error"]["message"]


def large_note(rest: RestClient, commit: str, size_bytes: int) -> str:
    """Put a note of that size there, past the limit of a body. Returns its id."""
    change = WriteFile(commit.encode(), b"x" * size_bytes)
    state = rest.engine.load("project")
    made = rest.engine.commits.commit(state, CommitRequest("notes", None, CommitWords("m"), [change]), WRITER)
    rest.engine.refs.move(rest.engine.load("project"), DEFAULT.encode(), made.commit, None, WRITER)
    return hash_object("blob", change.content, object_format="sha1").hex()


async def test_another_owners_notes_are_neither_read_nor_written(rest: RestClient) -> None:
    await rest.call("POST", "/v1/repos", {"id": "alices"}, headers=ALICE)
    for method, query, body in (
        ("GET", f"?commit={UNKNOWN}", None),
        ("POST", "", {"commit": UNKNOWN, "text": "x"}),
        ("DELETE", f"?commit={UNKNOWN}", None),
    ):
        assert code(await rest.call(method, f"/v1/repos/alices/notes{query}", body, headers=BOB)) == (403, "forbidden")
