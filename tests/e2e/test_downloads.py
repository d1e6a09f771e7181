"""The bulk of a clone as static downloads: what stock Git makes of them, and what caches are told."""

from __future__ import annotations

import re
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.clients.matrix import EXTRA_GITS
from tests.support.clients.stock_git_version import stock_git_version
from tests.support.downloads import Account, account, bundle_url, bundle_urls
from tests.support.git import GIT_ENV, git, git_result, refs
from tests.support.repositories import assert_same_repository, commit_file
from tests.support.server import RunningServer

FIRST_WITH_BUNDLE_URI = (2, 39)
"""Of the clients that ask the server for bundles."""

LARGE = 400_000  # more than a row of the catalog may hold
SMALL_SIZES = ("--min-bundle-bytes", "1", "--min-packfile-uri-bytes", "1")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Two workers that find everything large enough to be a download."""
    with RunningServer(tmp_path_factory.mktemp("served") / "data", arguments=SMALL_SIZES) as running:
        yield running


def large_file(size_bytes: int = LARGE) -> bytes:
    """Nothing that could be compressed."""
    return secrets.token_bytes(size_bytes)


class Origin:
    """A repository on the server and the work tree that it is pushed from."""

    def __init__(self, server: RunningServer, work: Path, object_format: str = "sha1") -> None:
        self.id = str(server.create_repository(objectFormat=object_format)["id"])
        self.server = server
        self.work = work
        self.account = self.new_account("write")
        git("init", "--quiet", "-b", "main", f"--object-format={object_format}", work)
        git("remote", "add", "origin", self.account.remote, cwd=work)

    def new_account(self, scope: str) -> Account:
        status, token = self.server.rest("POST", f"/v1/repos/{self.id}/tokens", {"scope": scope})
        assert status == 200, token
        return Account(f"{self.server.url}/git/{self.id}.git", token["token"])

    def push(self, *words: str) -> None:
        git(*self.account.git_config, "push", "--quiet", "origin", *(words or ["main"]), cwd=self.work)

    def commit_and_push(self, size_bytes: int = LARGE) -> str:
        oid = commit_file(self.work, f"file-{secrets.token_hex(4)}", large_file(size_bytes))
        self.push()
        return oid


@pytest.fixture
def origin(server: RunningServer, tmp_path: Path) -> Origin:
    """A repository with one large commit, and a small one on it."""
    origin = Origin(server, tmp_path / "work")
    origin.commit_and_push()
    origin.commit_and_push(10)
    return origin


def stored_pack_urls(origin: Origin, tmp_path: Path) -> list[str]:
    """What a clone by packfile-uris was told; its trace is the witness."""
    trace = tmp_path / f"trace-{secrets.token_hex(4)}"
    config = ("-c", "fetch.uriProtocols=http", *origin.account.git_config)
    env = {"GIT_TRACE_PACKET": str(trace), "GIT_TRACE_REDACT": "0"}
    git(*config, "clone", "--quiet", "--mirror", origin.account.remote, tmp_path / secrets.token_hex(4), env=env)
    return re.findall(r"[0-9a-f]{40} (http://\S+/packs/\S+)", trace.read_text(encoding="utf-8", errors="replace"))


# --- bundles ----------------------------------------------------------------------------------------------------------


def test_git_verifies_the_bundle_and_clones_from_it(origin: Origin, tmp_path: Path) -> None:
    bundle = tmp_path / "first.bundle"
    bundle.write_bytes(httpx.get(bundle_url(origin.account)).raise_for_status().content)
    git("bundle", "verify", "--quiet", bundle, cwd=origin.work)
    git("clone", "--quiet", bundle, tmp_path / "clone")
    git("fsck", "--strict", "--full", cwd=tmp_path / "clone")


def test_a_clone_begins_with_the_bundle_and_fetches_the_rest(origin: Origin, tmp_path: Path) -> None:
    url, clone = bundle_url(origin.account), tmp_path / "clone"
    strict = ("-c", "fetch.fsckObjects=true")
    git(*origin.account.git_config, *strict, "clone", "--quiet", f"--bundle-uri={url}", origin.account.remote, clone)
    assert git("rev-parse", "refs/bundles/main", cwd=clone) == git("rev-parse", "main~1", cwd=origin.work)
    assert git("rev-parse", "HEAD", cwd=clone) == git("rev-parse", "main", cwd=origin.work)
    packs = sorted(path.stat().st_size for path in clone.glob(".git/objects/pack/*.pack"))
    assert len(packs) == 2
    assert packs[0] < 1000  # what the server itself sent
    git("fsck", "--strict", "--full", cwd=clone)


def test_newer_gits_ask_for_the_bundle_themselves(origin: Origin, tmp_path: Path) -> None:
    programs = [path for path in EXTRA_GITS.split(":") if path and stock_git_version(path) > FIRST_WITH_BUNDLE_URI]
    if not programs:
        pytest.skip("PACKHOUSE_TEST_GITS names no Git newer than 2.39, the first release that can be told to ask")
    for number, program in enumerate(programs):
        clone = tmp_path / f"clone-{number}"
        ask_newer(program, origin, clone)
        bundled = {name for name in refs(clone) if name.startswith("refs/bundles/")}
        assert bundled, program
        git("fsck", "--strict", "--full", cwd=clone)


def ask_newer(program: str, origin: Origin, clone: Path) -> None:
    words = [program, "-c", "transfer.bundleURI=true", *origin.account.git_config, "clone", "--quiet"]
    subprocess.run([*words, origin.account.remote, str(clone)], env=GIT_ENV, check=True)


def test_the_url_and_the_bytes_stay_the_same_while_pushes_go_on(origin: Origin) -> None:
    url = bundle_url(origin.account)
    first = httpx.get(url)
    for _ in range(4):
        origin.commit_and_push(10)
        assert bundle_url(origin.account) == url
        answer = httpx.get(url, headers={"If-None-Match": first.headers["ETag"]})
        assert (answer.status_code, answer.content) == (304, b"")
    assert httpx.get(url).content == first.content


def test_sha256_bundles_are_of_version_3(server: RunningServer, tmp_path: Path) -> None:
    origin = Origin(server, tmp_path / "work", "sha256")
    origin.commit_and_push()
    bundle = tmp_path / "first.bundle"
    bundle.write_bytes(httpx.get(bundle_url(origin.account, "sha256")).raise_for_status().content)
    assert bundle.read_bytes().startswith(b"# v3 git bundle\n@object-format=sha256\n")
    git("bundle", "verify", "--quiet", bundle, cwd=origin.work)


def test_a_force_push_takes_back_what_it_left_behind(origin: Origin) -> None:
    url = bundle_url(origin.account)
    assert httpx.get(url).status_code == 200
    git("checkout", "--quiet", "--orphan", "other", cwd=origin.work)
    git("rm", "-rfq", "--cached", ".", cwd=origin.work)
    commit_file(origin.work, "other", large_file())
    origin.push("--force", "other:main")
    answer = httpx.get(url)
    assert answer.status_code == 404
    assert "no-cache" in answer.headers["Cache-Control"]


def test_a_fork_shares_the_bundle_of_its_state_and_no_other(origin: Origin) -> None:
    server = origin.server
    fork = account(dict(server.rest("POST", f"/v1/repos/{origin.id}/forks", {})[1]))
    origin.commit_and_push(3 * LARGE)
    theirs, ours = bundle_url(origin.account), bundle_url(fork)
    assert name_of(theirs) != name_of(ours)
    crossed = f"{fork.remote}/bundles/{name_of(theirs)}"
    assert httpx.get(crossed, headers=fork.headers).status_code == 404
    assert httpx.get(ours).status_code == 200


def name_of(url: str) -> str:
    return httpx.URL(url).path.rpartition("/")[2]


# --- packs ------------------------------------------------------------------------------------------------------------


def test_a_clone_takes_large_packs_from_their_urls(origin: Origin, tmp_path: Path) -> None:
    config = ("-c", "fetch.uriProtocols=http", "-c", "transfer.fsckObjects=true", *origin.account.git_config)
    git(*config, "clone", "--quiet", "--mirror", origin.account.remote, tmp_path / "clone")
    git("remote", "remove", "origin", cwd=tmp_path / "clone")
    git(*origin.account.git_config, "clone", "--quiet", "--mirror", origin.account.remote, tmp_path / "plain")
    git("remote", "remove", "origin", cwd=tmp_path / "plain")
    assert_same_repository(tmp_path / "clone", tmp_path / "plain")
    small, large = sorted(path.stat().st_size for path in (tmp_path / "clone").glob("objects/pack/*.pack"))
    assert small < 1000  # what came in the answer itself
    assert large > LARGE


def test_everything_in_one_pack_leaves_an_empty_one_beside_it(server: RunningServer, tmp_path: Path) -> None:
    origin = Origin(server, tmp_path / "work")
    origin.commit_and_push()
    assert len(stored_pack_urls(origin, tmp_path)) == 1


def test_the_pack_is_what_git_calls_it(origin: Origin, tmp_path: Path) -> None:
    (url,) = stored_pack_urls(origin, tmp_path)
    answer = httpx.get(url)
    assert answer.headers["Content-Type"] == "application/x-git-packed-objects"
    git("init", "--quiet", "--bare", tmp_path / "bare.git")
    git("index-pack", "--strict", "--stdin", cwd=tmp_path / "bare.git", stdin=answer.content)


@pytest.mark.parametrize("option", ["--depth=1", "--filter=blob:none"])
def test_no_pack_is_named_beside_a_depth_or_a_filter(origin: Origin, tmp_path: Path, option: str) -> None:
    trace = tmp_path / "trace"
    config = ("-c", "fetch.uriProtocols=http", *origin.account.git_config)
    words = ("clone", "--quiet", "--no-checkout", option, origin.account.remote, tmp_path / "clone")
    git(*config, *words, env={"GIT_TRACE_PACKET": str(trace), "GIT_TRACE_REDACT": "0"})
    seen = trace.read_text(encoding="utf-8", errors="replace")
    assert "packfile-uris http" in seen
    assert "/packs/" not in seen


def test_sha256_repositories_offer_no_packs(server: RunningServer, tmp_path: Path) -> None:
    origin = Origin(server, tmp_path / "work", "sha256")
    origin.commit_and_push()
    assert stored_pack_urls(origin, tmp_path) == []


# --- as caches see it -------------------------------------------------------------------------------------------------


@pytest.fixture(params=["bundle", "pack"])
def url(request: pytest.FixtureRequest, origin: Origin, tmp_path: Path) -> str:
    """Of a download of either kind."""
    return bundle_url(origin.account) if request.param == "bundle" else stored_pack_urls(origin, tmp_path)[0]


def test_ranges_put_together_are_the_whole(url: str) -> None:
    whole = httpx.get(url)
    size = int(whole.headers["Content-Length"])
    assert len(whole.content) == size
    assert whole.headers["Accept-Ranges"] == "bytes"
    half = size // 2
    parts = [httpx.get(url, headers={"Range": each}) for each in (f"bytes=0-{half - 1}", f"bytes={half}-")]
    assert [part.status_code for part in parts] == [206, 206]
    assert parts[0].headers["Content-Range"] == f"bytes 0-{half - 1}/{size}"
    assert b"".join(part.content for part in parts) == whole.content
    assert {part.headers["ETag"] for part in parts} == {whole.headers["ETag"]}
    assert httpx.get(url, headers={"Range": f"bytes={size}-"}).status_code == 416
    changed = httpx.get(url, headers={"Range": "bytes=0-1", "If-Range": '"other"'})
    assert (changed.status_code, len(changed.content)) == (200, size)


def test_head_tells_what_get_brings(url: str) -> None:
    get, head = httpx.get(url), httpx.head(url)
    assert (head.status_code, head.content) == (200, b"")
    told = ("Content-Length", "Content-Type", "ETag", "Accept-Ranges")
    assert [head.headers[name] for name in told] == [get.headers[name] for name in told]
    assert httpx.post(url).status_code == 405


def test_a_signed_answer_may_be_kept_as_long_as_its_signature_lasts(url: str, origin: Origin) -> None:
    signed = httpx.get(url)
    found = re.fullmatch(r"public, max-age=(\d+), immutable", signed.headers["Cache-Control"])
    assert found
    assert 1800 <= int(found[1]) <= 3600
    assert "Expires" not in signed.headers
    assert "Pragma" not in signed.headers
    by_token = httpx.get(url.partition("?")[0], headers=origin.account.headers)
    assert by_token.content == signed.content
    assert by_token.headers["Cache-Control"].startswith("private, ")


def test_every_worker_gives_the_same_answer(url: str) -> None:
    answers = {(answer.headers["ETag"], answer.content) for answer in (httpx.get(url) for _ in range(10))}
    assert len(answers) == 1


# --- who may ----------------------------------------------------------------------------------------------------------


def told(answer: httpx.Response) -> tuple[object, ...]:
    """All that the answer says, but for its request's id and time."""
    headers = {name: value for name, value in answer.headers.items() if name not in ("x-request-id", "date")}
    return answer.status_code, headers, answer.content


def test_without_a_right_a_repository_looks_like_a_missing_one(url: str, origin: Origin) -> None:
    path, _, query = url.partition("?")
    wrong = query.replace("signature=", "signature=0")
    for asked in (path, f"{path}?{wrong}", f"{path}?signature=1"):
        refused = httpx.get(asked)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"] == 'Basic realm="artifacts"'
        assert told(refused) == told(httpx.get(asked.replace(origin.id, "no-such-repository")))
    other = origin.server.create_repository()["id"]
    assert told(httpx.get(url.replace(origin.id, other))) == told(httpx.get(path))


def test_a_token_of_another_repository_is_refused(url: str, origin: Origin, tmp_path: Path) -> None:
    foreign = Origin(origin.server, tmp_path / "foreign").account
    assert httpx.get(url.partition("?")[0], headers=foreign.headers).status_code == 403


def test_a_read_token_is_enough(url: str, origin: Origin) -> None:
    reader = origin.new_account("read")
    assert httpx.get(url.partition("?")[0], headers=reader.headers).status_code == 200


def test_a_signature_dies_with_its_repository_although_the_id_is_used_again(url: str, origin: Origin) -> None:
    server = origin.server
    assert server.rest("DELETE", f"/v1/repos/{origin.id}")[0] == 200
    gone = httpx.get(url)
    assert gone.status_code == 401
    server.create_repository(origin.id)
    assert told(httpx.get(url)) == told(gone)
    heir = origin.new_account("write")
    git(*heir.git_config, "push", "--quiet", "origin", "main~1:refs/heads/main", cwd=origin.work)
    git(*heir.git_config, "push", "--quiet", "origin", "main", cwd=origin.work)
    assert name_of(bundle_url(heir)) == name_of(url) or "/packs/" in url
    assert told(httpx.get(url)) == told(gone)


def test_what_is_turned_off_is_neither_offered_nor_served(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data", arguments=SMALL_SIZES) as server:
        origin = Origin(server, tmp_path / "work")
        origin.commit_and_push()
        urls = [bundle_url(origin.account), *stored_pack_urls(origin, tmp_path)]
        paths = [url.removeprefix(server.url) for url in urls]
        assert [httpx.get(url).status_code for url in urls] == [200, 200]
    assert_logged(server.log, origin.id, paths)
    off = ("--bundle-uri", "false", "--packfile-uris", "false", *SMALL_SIZES)
    with RunningServer(tmp_path / "data", arguments=off) as server:
        headers = {"Git-Protocol": "version=2", **origin.account.headers}
        offered = httpx.get(f"{server.url}/git/{origin.id}.git/info/refs?service=git-upload-pack", headers=headers)
        assert b"version 2" in offered.content
        assert b"bundle-uri" not in offered.content
        assert b"packfile-uris" not in offered.content
        assert [httpx.get(server.url + path).status_code for path in paths] == [404, 404]


def assert_logged(log: str, repository_id: str, paths: list[str]) -> None:
    """What was downloaded by a signature stands in the log, and the signature does not."""
    for kind in ("bundles", "packs"):
        line = rf"path=/git/:id/{kind}/:digest status=200 .*repository={repository_id} actor=signed-url"
        assert re.search(line, log)
    for path in paths:
        assert path.rpartition("signature=")[2] not in log


def test_a_bundle_is_built_again_when_the_derived_folder_is_emptied(origin: Origin) -> None:
    url = bundle_url(origin.account)
    first = httpx.get(url)
    files = list((origin.server.data_dir / "derived" / "bundles").iterdir())
    assert files
    for path in files:
        path.unlink()
    again = httpx.get(url)
    assert (again.content, again.headers["ETag"]) == (first.content, first.headers["ETag"])


def test_git_goes_on_without_a_bundle_that_cannot_be_had(origin: Origin, tmp_path: Path) -> None:
    missing = f"{origin.account.remote}/bundles/{'0' * 64}.bundle"
    words = ("clone", "--quiet", f"--bundle-uri={missing}", origin.account.remote, tmp_path / "clone")
    done = git_result(*origin.account.git_config, *words)
    assert done.returncode == 0, done.stderr
    assert git("rev-parse", "HEAD", cwd=tmp_path / "clone") == git("rev-parse", "main", cwd=origin.work)


def test_an_empty_repository_offers_nothing(server: RunningServer, tmp_path: Path) -> None:
    assert bundle_urls(Origin(server, tmp_path / "work").account) == []
