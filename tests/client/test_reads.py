"""Reads and the past, by the client of a running server."""

import io
import tarfile
import zipfile
from collections.abc import Iterator

import pytest

from packhouse_client import AsyncClient, BadRequest, Client, Repository
from packhouse_client.changes import write
from tests.support.server import RunningServer

CONTENT = bytes(range(256)) * 4096


@pytest.fixture(scope="module")
def filled(server: RunningServer) -> Iterator[str]:
    """A repository with three commits; each adds a file."""
    with Client(server.url, server.admin_token) as client:
        repo = client.repo(client.repos.create("filled").id)
        tip = None
        for name, content in (("large", CONTENT), ("folder/é", b"one\n"), ("folder/two", b"two\n")):
            tip = repo.commits.create("main", f"Add {name}", [write(name, content)], parent=tip).commit
        yield "filled"


@pytest.fixture
def repo(client: Client, filled: str) -> Repository:
    return client.repo(filled)


def test_a_log_goes_on_over_its_pages(repo: Repository) -> None:
    messages = ["Add folder/two\n", "Add folder/é\n", "Add large\n"]
    assert [commit.message for commit in repo.commits.log(page=1)] == messages
    assert [commit.message for commit in repo.commits.log(path="folder")] == messages[:2]


def test_a_tree_goes_on_over_its_pages(repo: Repository) -> None:
    paths = [entry.path for entry in repo.tree(page=1)]
    assert paths == ["folder", "folder/two", "folder/é", "large"]
    assert [entry.size for entry in repo.tree(recursive=False)][-1] == len(CONTENT)


def test_a_file_comes_in_pieces_in_parts_and_not_again(repo: Repository) -> None:
    with repo.blob("large") as blob:
        assert b"".join(blob) == CONTENT
        tag = blob.headers["ETag"]
    with repo.blob("large", octet_range="256-511") as part:
        assert (part.status, part.read()) == (206, bytes(range(256)))
    with repo.blob("large", if_none_match=tag) as again:
        assert (again.status, again.read()) == (304, b"")
    with repo.blob("folder/é", "main~1") as old:
        assert old.read() == b"one\n"


def test_a_missing_file_is_an_error_before_any_octet(repo: Repository) -> None:
    with pytest.raises(BadRequest, match="none"), repo.blob("none"):
        pass


def test_archives_hold_all_files(repo: Repository) -> None:
    with repo.archive("main", prefix="p/") as archive, tarfile.open(fileobj=io.BytesIO(archive.read())) as tar:
        assert {"p/large", "p/folder/é"} <= set(tar.getnames())
    with repo.archive("main", "zip", prefix="p/") as archive, zipfile.ZipFile(io.BytesIO(archive.read())) as packed:
        assert packed.read("p/large") == CONTENT


def test_what_differs_is_told_by_file(repo: Repository) -> None:
    newest, older, _ = repo.commits.log()
    (changed,) = repo.diff(newest.sha)
    assert (changed.path, changed.status, changed.additions) == ("folder/two", "added", 1)
    compared = repo.compare(older.sha, "main")
    assert ([each.sha for each in compared.commits], compared.merge_base) == ([newest.sha], older.sha)
    assert [each.path for page in repo.compare_pages(older.sha, "main") for each in page.files] == ["folder/two"]


def test_the_past_is_listed_told_and_brought_back(client: Client) -> None:
    repo = client.repo(client.repos.create().id)
    first = repo.commits.create("main", "Begin").commit
    past = next(repo.history())
    repo.commits.create("main", "A mistake", parent=first)
    assert [ref.sha for page in repo.state_pages(manifest=past.manifest) for ref in page.refs] == [first]
    (restored,) = repo.restore(manifest=past.manifest).restored
    assert (restored.ref, restored.after) == ("refs/heads/main", first)
    assert len(list(repo.history(page=1))) == len(list(repo.history())) >= 3


def test_a_repository_changes_and_comes_back(client: Client) -> None:
    repo = client.repo(client.repos.create("comes-back").id)
    assert repo.update(description="mine", visibility="public").visibility == "public"
    assert [each.id for each in client.repos.list(search="MINE")] == ["comes-back"]
    repo.delete()
    assert repo.undelete().id == "comes-back"
    assert repo.show().description == "mine"


async def test_the_same_on_trio(async_client: AsyncClient) -> None:
    repo = async_client.repo((await async_client.repos.create()).id)
    made = await repo.commits.create("main", "Begin", [write("large", CONTENT)])
    assert [commit.sha async for commit in repo.commits.log(page=1)] == [made.commit]
    async with repo.blob("large") as blob:
        assert b"".join([piece async for piece in blob]) == CONTENT
    async with repo.blob("large") as blob:
        assert await blob.read() == CONTENT
    assert [page.head async for page in repo.compare_pages(made.commit, "main")] == [made.commit]
    with pytest.raises(BadRequest):
        async with repo.blob("none"):
            pass
