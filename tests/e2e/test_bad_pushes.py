"""What a stranger sends gets Git's kind of error, and leaves the data folder as it was."""

from __future__ import annotations

import gzip
import http.client
import re
import shutil
import zlib
from base64 import b64encode
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support import raw_packs as packs
from tests.support.git import git, git_result
from tests.support.raw_packs import BLOB, COMMIT, NULL, OFS_DELTA, REF_DELTA, TREE
from tests.support.repositories import commit_file, mirror_clone, stored_files
from tests.support.server import RunningServer
from tests.support.wire_client import PushReport, parse_push_report, push_request

GOOD_COMMIT = packs.commit_content()
GOOD_TIP = packs.oid_of(COMMIT, GOOD_COMMIT)
GOOD_PACK = packs.pack_of([packs.entry(TREE, b""), packs.entry(COMMIT, GOOD_COMMIT)])
BRANCH = b"refs/heads/topic"


def post(remote: str, body: bytes, *headers: tuple[str, str]) -> tuple[int, bytes]:
    """One POST to git-receive-pack with the credentials in the remote."""
    url = urlsplit(remote)
    assert url.hostname is not None
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
    credentials = b64encode(f"{url.username}:{url.password}".encode()).decode()
    sent = {
        "Authorization": f"Basic {credentials}",
        "Content-Type": "application/x-git-receive-pack-request",
        **dict(headers),
    }
    try:
        connection.request("POST", f"{url.path}/git-receive-pack", body, sent)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def push(remote: str, tip: bytes, pack: bytes, *, ref: bytes = BRANCH, old: bytes = NULL) -> PushReport:
    status, body = post(remote, push_request([(old, tip, ref)], pack))
    assert status == 200
    return parse_push_report(body)


def delta_pack(delta: bytes) -> tuple[bytes, bytes]:
    """A pack whose last object is a delta against a blob of 100 bytes, and that blob's id."""
    base = b"x" * 100
    base_oid = packs.oid_of(BLOB, base)
    return packs.pack_of([packs.entry(BLOB, base), packs.entry(REF_DELTA, delta, base=base_oid)]), base_oid


BAD_PACKS = {
    "bad trailer": (GOOD_PACK[:-1] + bytes([GOOD_PACK[-1] ^ 1]), b"(?i)checksum|trailer"),
    "truncated": (GOOD_PACK[:-30], b"(?i)early EOF|truncated|cut short"),
    "truncated in the header": (GOOD_PACK[:7], b"(?i)early EOF|truncated|cut short"),
    "no pack at all": (b"", b"(?i)early EOF|missing"),
    "not a pack": (b"KCAP" + GOOD_PACK[4:], b"(?i)signature|not a pack|PACK"),
    "a version from the future": (GOOD_PACK[:4] + b"\0\0\0\x09" + GOOD_PACK[8:], b"(?i)version"),
    "more objects announced than sent": (
        packs.pack_of([packs.entry(TREE, b""), packs.entry(COMMIT, GOOD_COMMIT)], count=3),
        b"(?i)early EOF|entry|truncated|zlib|type|limit",
    ),
    "more objects announced than may be": (packs.pack_of([], count=2**32 - 1), b"(?i)limit"),
    "bytes after the trailer": (GOOD_PACK + b"more", b"(?i)after the pack"),
    "a delta beyond its base": (delta_pack(packs.delta(100, 200, packs.copy(50, 200)))[0], b"(?i)beyond|delta"),
    "a delta of another base size": (delta_pack(packs.delta(99, 10, packs.copy(0, 10)))[0], b"(?i)base"),
    "a delta that announces too much": (delta_pack(packs.delta(100, 2**40, packs.copy(0, 10)))[0], b"(?i)limit|delta"),
    "a delta before the start": (
        packs.pack_of([packs.entry(OFS_DELTA, packs.delta(1, 1, b"\x01a"), base=b"\x7f")]),
        b"(?i)offset|base",
    ),
    "a delta whose base is nowhere": (
        packs.pack_of([packs.entry(REF_DELTA, packs.delta(1, 1, b"\x01a"), base=b"\x11" * 20)]),
        b"(?i)unresolved|missing",
    ),
    "an inflate bomb": (
        packs.pack_of([packs.entry(BLOB, b"\0" * 10_000_000, size=100)]),
        b"(?i)size|zlib|more",
    ),
    "an object over the limit": (packs.pack_of([packs.entry(BLOB, b"", size=2**50)]), b"(?i)limit"),
    "a damaged zlib stream": (
        packs.pack_of([packs.entry(BLOB, b"content")[:-3] + b"\xff\xff\xff"]),
        b"(?i)zlib|checksum|inflate",
    ),
    "an unknown entry type": (packs.pack_of([b"\x50" + zlib.compress(b"")]), b"(?i)type"),
    "a tree that does not parse": (packs.pack_of([packs.entry(TREE, b"100644 name")]), b"(?i)tree|badTree|truncated"),
    "a path that escapes": (
        packs.pack_of([packs.entry(TREE, packs.tree_content([(b"40000", b".git", packs.EMPTY_TREE)]))]),
        b"(?i)hasDotgit|\\.git",
    ),
    "the same object twice": (
        packs.pack_of([packs.entry(TREE, b""), packs.entry(TREE, b""), packs.entry(COMMIT, GOOD_COMMIT)]),
        b"(?i)twice|duplicate",
    ),
}


@pytest.mark.parametrize("name", BAD_PACKS)
def test_a_bad_pack_is_refused_with_its_fault_and_leaves_nothing(server: RunningServer, remote: str, name: str) -> None:
    pack, fault = BAD_PACKS[name]
    before = stored_files(server.data_dir)
    report = push(remote, GOOD_TIP, pack)
    assert report.unpack is not None
    assert re.search(fault, report.unpack), report.unpack
    assert report.refs == {BRANCH: b"unpacker error"}
    assert stored_files(server.data_dir) == before
    assert git("ls-remote", remote) == b""


def test_the_good_pack_is_good(remote: str) -> None:
    """So that the refusals above are for their faults alone."""
    report = push(remote, GOOD_TIP, GOOD_PACK)
    assert report.unpack == b"ok"
    assert report.refs == {BRANCH: None}


def test_a_large_bad_pack_leaves_no_file(server: RunningServer, remote: str, medium_repo: Path) -> None:
    pack = next((medium_repo / "objects" / "pack").glob("*.pack")).read_bytes()
    tip = bytes.fromhex(git("rev-parse", "HEAD", cwd=medium_repo).decode().strip())
    before = stored_files(server.data_dir)
    report = push(remote, tip, pack[:-1] + bytes([pack[-1] ^ 1]))
    assert report.refs == {BRANCH: b"unpacker error"}
    assert stored_files(server.data_dir) == before


def test_an_object_whose_tree_is_missing_is_refused(server: RunningServer, remote: str) -> None:
    content = packs.commit_content(tree=b"\x12" * 20)
    before = stored_files(server.data_dir)
    report = push(remote, packs.oid_of(COMMIT, content), packs.pack_of([packs.entry(COMMIT, content)]))
    assert report.refs == {BRANCH: b"missing necessary objects"}
    assert stored_files(server.data_dir) == before


def test_a_broken_object_that_nothing_needs_is_dropped(remote: str, tmp_path: Path) -> None:
    stray = packs.commit_content(tree=b"\x12" * 20)
    entries = [packs.entry(TREE, b""), packs.entry(COMMIT, GOOD_COMMIT), packs.entry(COMMIT, stray)]
    assert push(remote, GOOD_TIP, packs.pack_of(entries)).refs == {BRANCH: None}
    git("fsck", "--strict", cwd=mirror_clone(remote, tmp_path / "clone"))
    ref = b"refs/heads/stray"
    later = push(remote, packs.oid_of(COMMIT, stray), packs.pack_of([]), ref=ref)
    assert later.refs == {ref: b"missing necessary objects"}


def test_a_value_that_nobody_sent_is_refused(remote: str) -> None:
    assert push(remote, b"\x42" * 20, packs.pack_of([])).refs == {BRANCH: b"missing necessary objects"}


@pytest.mark.parametrize(
    "ref",
    [
        b"refs/heads/a..b",
        b"refs/heads/../../etc",
        b"refs/heads/x.lock",
        b"refs/heads/a\x7fb",
        b"HEAD",
        b"config",
        b"refs/x",
    ],
)
def test_a_bad_ref_name_is_refused(server: RunningServer, remote: str, ref: bytes) -> None:
    before = stored_files(server.data_dir)
    assert push(remote, GOOD_TIP, GOOD_PACK, ref=ref).refs == {ref: b"funny refname"}
    assert stored_files(server.data_dir) == before


def test_a_branch_points_at_nothing_but_a_commit(remote: str) -> None:
    pack = packs.pack_of([packs.entry(TREE, b"")])
    (reason,) = push(remote, packs.EMPTY_TREE, pack).refs.values()
    assert reason is not None
    assert b"not a commit" in reason


def test_a_ref_beside_its_own_folder_is_refused(work: Path) -> None:
    git("push", "--quiet", "origin", "HEAD:refs/heads/a", cwd=work)
    done = git_result("push", "origin", "HEAD:refs/heads/a/b", cwd=work)
    assert done.returncode
    assert b"'refs/heads/a' exists" in done.stderr
    git("push", "--quiet", "origin", ":refs/heads/a", "HEAD:refs/heads/a/b", cwd=work)


def test_the_branch_of_head_is_not_deleted(work: Path) -> None:
    done = git_result("push", "origin", ":main", cwd=work)
    assert done.returncode
    assert b"deletion of the current branch prohibited" in done.stderr


def test_an_atomic_push_moves_all_refs_or_none(remote: str, work: Path) -> None:
    done = git_result("push", "--atomic", "origin", "HEAD:refs/heads/fine", ":main", cwd=work)
    assert done.returncode
    assert b"atomic push failure" in done.stderr
    assert b"refs/heads/fine" not in git("ls-remote", remote)


def test_a_pack_cut_off_by_its_client_leaves_nothing(server: RunningServer, remote: str) -> None:
    before = stored_files(server.data_dir)
    url = urlsplit(remote)
    assert url.hostname is not None
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
    connection.putrequest("POST", f"{url.path}/git-receive-pack")
    connection.putheader("Authorization", "Basic " + b64encode(f"x:{url.password}".encode()).decode())
    connection.putheader("Content-Type", "application/x-git-receive-pack-request")
    connection.putheader("Content-Length", "100000000")
    connection.endheaders(push_request([(NULL, GOOD_TIP, BRANCH)], GOOD_PACK[:-5]))
    connection.close()
    assert push(remote, GOOD_TIP, GOOD_PACK, ref=b"refs/heads/after").refs == {b"refs/heads/after": None}
    assert git("ls-remote", remote, "refs/heads/topic") == b""
    assert stored_files(server.data_dir) == before


def test_a_gzip_body_is_taken_and_a_gzip_bomb_is_not(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data", workers=1, arguments=["--git-body-limit-bytes", "1000000"]) as server:
        remote = server.create_repository()["remote"]
        body = push_request([(NULL, GOOD_TIP, BRANCH)], GOOD_PACK)
        status, answer = post(remote, gzip.compress(body), ("Content-Encoding", "gzip"))
        assert (status, parse_push_report(answer).refs) == (200, {BRANCH: None})
        bomb = gzip.compress(push_request([(NULL, GOOD_TIP, b"refs/heads/b")], GOOD_PACK + b"\0" * 50_000_000))
        assert len(bomb) < 100_000
        status, answer = post(remote, bomb, ("Content-Encoding", "gzip"))
        assert status == 413
        assert b"1000000 bytes" in answer


def test_a_damaged_gzip_body_is_refused(remote: str) -> None:
    body = gzip.compress(push_request([(NULL, GOOD_TIP, BRANCH)], GOOD_PACK))
    assert post(remote, body[:-20], ("Content-Encoding", "gzip"))[0] == 400
    assert post(remote, b"not gzip", ("Content-Encoding", "gzip"))[0] == 400
    assert post(remote, gzip.compress(body) + b"more", ("Content-Encoding", "gzip"))[0] == 400
    assert post(remote, gzip.compress(body) + bytes(1 << 20), ("Content-Encoding", "gzip"))[0] == 400


def test_stock_git_shows_its_user_why_a_pack_was_refused(work: Path) -> None:
    """`.GIT` as a folder of a tree: a client's own checks are off, the server's are not."""
    blob = git("hash-object", "-w", "--stdin", cwd=work, stdin=b"evil\n").decode().strip()
    tree = git("mktree", cwd=work, stdin=f"100644 blob {blob}\tfile\n".encode()).strip()
    raw = b"40000 .GIT\0" + bytes.fromhex(tree.decode())
    evil = git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", cwd=work, stdin=raw).decode().strip()
    commit = git("commit-tree", evil, "-m", "Evil", cwd=work).decode().strip()
    done = git_result("push", "origin", f"{commit}:refs/heads/evil", cwd=work)
    assert done.returncode
    assert b"hasDotgit" in done.stderr


def test_objects_of_another_fork_cannot_be_named(
    server: RunningServer, remote: str, work: Path, tmp_path: Path
) -> None:
    """Law 8: what a fork pushed later is not there for its source, though both know the shared packs."""
    repository_id = urlsplit(remote).path.split("/")[2].removesuffix(".git")
    _, fork = server.rest("POST", f"/v1/repos/{repository_id}/forks", {})
    shutil.copytree(work, tmp_path / "forked")
    secret = commit_file(tmp_path / "forked", "secret", b"of the fork\n")
    git("push", "--quiet", fork["remote"], "HEAD:main", cwd=tmp_path / "forked")
    report = push(remote, bytes.fromhex(secret), packs.pack_of([]), ref=b"refs/heads/stolen")
    assert report.refs == {b"refs/heads/stolen": b"missing necessary objects"}
    done = git_result("fetch", remote, secret, cwd=work)
    assert done.returncode
    assert b"not our ref" in done.stderr


def test_what_was_forced_away_cannot_be_named_again(remote: str, work: Path) -> None:
    first = git("rev-parse", "HEAD", cwd=work).decode().strip()
    gone = commit_file(work, "gone", b"by force\n")
    git("push", "--quiet", "origin", "HEAD:main", cwd=work)
    git("push", "--quiet", "--force", "origin", f"{first}:main", cwd=work)
    report = push(remote, bytes.fromhex(gone), packs.pack_of([]), ref=b"refs/heads/back")
    assert report.refs == {b"refs/heads/back": b"missing necessary objects"}
