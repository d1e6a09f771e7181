"""Prepared small requests: what clients and CI jobs send again and again to a repository that hardly changes.

No two of a series ask for the same pack, so that a cache of packs has nothing to do with what is measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.support.null_client import Request, request
from tests.support.git import git
from tests.support.wire_client import fetch_request, ls_refs_request, push_request

_VERSION_2 = {"Git-Protocol": "version=2"}
_MAIN = (b"HEAD", b"refs/heads/main", b"refs/tags/main")
_FILE = "benchmark/counter"


def advertisement(repository_url: str) -> Request:
    """The first request of every fetch."""
    return request(f"{repository_url}/info/refs?service=git-upload-pack", headers=_VERSION_2)


def ls_refs(repository_url: str, prefixes: Sequence[bytes] = _MAIN) -> Request:
    """As `git fetch origin main` asks: HEAD and the names that the word may mean. No prefix: all refs."""
    return _upload_pack(repository_url, ls_refs_request(*prefixes))


def incremental_fetches(repository_url: str, repository: Path, count: int) -> list[Request]:
    """One new commit each, for a client that says 256 of the commits below it."""
    line = _first_parents(repository, count + 256)
    return [
        _upload_pack(repository_url, fetch_request(line[start : start + 1], line[start + 1 : start + 257]))
        for start in range(count)
    ]


def depth_1_fetches(repository_url: str, repository: Path, count: int) -> list[Request]:
    """One commit each, with its tree and nothing before it."""
    flags = (b"thin-pack", b"no-progress", b"ofs-delta", b"deepen 1")
    tips = _first_parents(repository, count)
    return [_upload_pack(repository_url, fetch_request([tip], flags=flags)) for tip in tips]


@dataclass(frozen=True, slots=True)
class PreparedPush:
    """A push of one commit that changes one small file, to any server that has what is below it."""

    body: bytes

    def to(self, repository_url: str) -> Request:
        """The POST alone, ready to be sent."""
        headers = {"Content-Type": "application/x-git-receive-pack-request"}
        return request(f"{repository_url}/git-receive-pack", method="POST", body=self.body, headers=headers)


def small_pushes(work: Path, ref: str, count: int) -> list[PreparedPush]:
    """Pushes that follow each other on a branch that is not there yet. work: a clone to make the commits in."""
    (pushes,) = small_pushes_to_branches(work, [ref], count)
    return pushes


def small_pushes_to_branches(work: Path, refs: Sequence[str], count: int) -> list[list[PreparedPush]]:
    """The same for each of several branches."""
    head = git("rev-parse", "HEAD", cwd=work).decode().strip()
    git("fast-import", "--quiet", stdin=b"".join(_commits(head, ref, count) for ref in refs), cwd=work)
    return [_pushes(work, ref, count) for ref in refs]


def _pushes(work: Path, ref: str, count: int) -> list[PreparedPush]:
    line = git("rev-list", "--reverse", "--first-parent", f"--max-count={count + 1}", ref, cwd=work).decode().split()
    return [_push(work, ref, line, number) for number in range(1, count + 1)]


def _commits(parent: str, ref: str, count: int) -> bytes:
    lines = []
    for number in range(count):
        content = b"%d of %s\n" % (number, ref.encode())
        author = b"A Benchmark <benchmark@example.org> %d +0000" % (1_700_000_000 + number)
        lines.append(b"commit %s\ncommitter %s\ndata 6\nCount\n" % (ref.encode(), author))
        lines.append(b"from %s\n" % parent.encode() if number == 0 else b"")
        lines.append(b"M 100644 inline %s\ndata %d\n%s\n" % (_FILE.encode(), len(content), content))
    return b"".join(lines)


def _push(work: Path, ref: str, line: Sequence[str], number: int) -> PreparedPush:
    old, new = line[number - 1], line[number]
    pack = git("pack-objects", "--quiet", "--thin", "--stdout", "--revs", stdin=f"{new}\n^{old}\n".encode(), cwd=work)
    known = bytes(20) if number == 1 else bytes.fromhex(old)
    return PreparedPush(push_request([(known, bytes.fromhex(new), ref.encode())], pack))


def _upload_pack(repository_url: str, body: bytes) -> Request:
    headers = {**_VERSION_2, "Content-Type": "application/x-git-upload-pack-request"}
    return request(f"{repository_url}/git-upload-pack", method="POST", body=body, headers=headers)


def _first_parents(repository: Path, count: int) -> list[bytes]:
    listed = git("rev-list", "--first-parent", f"--max-count={count}", "HEAD", cwd=repository)
    return [bytes.fromhex(line) for line in listed.decode().split()]
