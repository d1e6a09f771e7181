"""The wire against stock Git: its servers as oracles of what we say, its client as the reader of our answers."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from packengine.pktline import DELIM, FLUSH, Packet, encode_many
from packengine.protocol import (
    Command,
    ProtocolVersion,
    ReceivePackOffer,
    RemoteProtocolError,
    UploadPackOffer,
    UploadPackRequestParser,
    WireLimits,
    advertise_receive_pack,
    advertise_v2,
    command_refusals,
)
from tests.support import wire_client
from tests.support.child import child_command
from tests.support.git import git, git_result

OID_HEX = b"12" * 20
DEFAULTS_OF_GIT = UploadPackOffer(
    agent=b"packhouse/1", fetch_features=frozenset({b"shallow", b"wait-for-done"}), object_info=False
)
"""What Git's own server offers unless it is told to offer more; for the rest see test_version_2_against_git.py."""
EMPTY_PACK = bytes.fromhex("5041434b0000000200000000029d08823bd8a8eab510ad6ac75c823cfd3ed31e")


@pytest.fixture
def empty_repo(tmp_path: Path) -> Path:
    path = tmp_path / "empty.git"
    git("init", "--quiet", "--bare", path)
    return path


@pytest.fixture
def one_commit(tmp_path: Path) -> Path:
    path = tmp_path / "work"
    git("init", "--quiet", path)
    git("commit", "--quiet", "--allow-empty", "--message=first", cwd=path)
    return path


def http_backend_info_refs(repository: Path, service: str, git_protocol: str) -> bytes:
    """The body that Git's own server answers to info/refs."""
    env = {
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_PROJECT_ROOT": str(repository.parent),
        "GIT_PROTOCOL": git_protocol,
        "PATH_INFO": f"/{repository.name}/info/refs",
        "QUERY_STRING": f"service={service}",
        "REMOTE_USER": "tests",
        "REQUEST_METHOD": "GET",
    }
    return git("http-backend", env=env).partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("version", [ProtocolVersion.V0, ProtocolVersion.V1])
def test_push_advertisement_is_gits_but_for_the_agent(empty_repo: Path, version: ProtocolVersion) -> None:
    theirs = http_backend_info_refs(empty_repo, "git-receive-pack", f"version={version.value}")
    agent = wire_client.parse_advertisement(theirs).capabilities[-1].removeprefix(b"agent=")
    assert b"".join(advertise_receive_pack(ReceivePackOffer(agent=agent), [], version)) == theirs


def test_version_2_advertisement_is_a_part_of_gits_in_the_same_frame(empty_repo: Path) -> None:
    theirs = wire_client.decode(http_backend_info_refs(empty_repo, "git-upload-pack", "version=2"))
    ours = wire_client.decode(advertise_v2(DEFAULTS_OF_GIT))
    assert (ours[0], ours[-1]) == (theirs[0], theirs[-1]) == (b"version 2\n", FLUSH)
    keys = [{line.partition(b"=")[0] for line in wire_client.lines(packets)} for packets in (ours, theirs)]
    assert keys[0] <= keys[1]


@pytest.mark.parametrize(
    "packets",
    [
        [b"command=fetch", DELIM, b"filter blob:none", FLUSH],
        [b"command=fetch", DELIM, b"want-ref refs/heads/main", FLUSH],
        [b"command=fetch", DELIM, b"sideband-all", FLUSH],
        [b"command=fetch", DELIM, b"peel", FLUSH],
        [b"command=ls-refs", DELIM, b"want " + OID_HEX, FLUSH],
        [b"command=push", FLUSH],
        [b"command=fetch", b"command=ls-refs", FLUSH],
        [b"agent=x", FLUSH],
        [DELIM],
        [b"want " + OID_HEX, FLUSH],
        [b"command=fetch", b"object-format=sha256", FLUSH],
        [b"command=fetch", b"object-format", FLUSH],
        [b"command=fetch", DELIM, DELIM],
        [b"command=ls-refs", DELIM, DELIM],
    ],
    ids=str,
)
def test_broken_request_is_refused_with_gits_sentence(empty_repo: Path, packets: list[Packet]) -> None:
    body = encode_many(packets)
    done = git_result("upload-pack", "--stateless-rpc", empty_repo, stdin=body, env={"GIT_PROTOCOL": "version=2"})
    with pytest.raises(RemoteProtocolError) as caught:
        UploadPackRequestParser(DEFAULTS_OF_GIT, WireLimits()).feed(body)
    assert done.stderr.decode().strip().splitlines()[-1] == f"fatal: {caught.value}"


@pytest.mark.parametrize(
    ("name", "deletes"),
    [
        (b"refs/heads/fine", False),
        (b"refs/heads/a..b", False),
        (b"refs/heads/a.lock", False),
        (b"refs/stash", False),
        (b"refs/@", True),
        (b"HEAD", False),
        (b"refs/heads/a~b", False),
    ],
)
def test_ref_name_is_refused_where_gits_receive_pack_refuses_it(one_commit: Path, name: bytes, deletes: bool) -> None:
    """Deleting refs/stash is not asked about: Git allows it only since version 2.41, and we do."""
    oid = bytes.fromhex(git("rev-parse", "HEAD", cwd=one_commit).decode())
    old, new = (oid, bytes(20)) if deletes else (bytes(20), oid)
    body = wire_client.push_request([(old, new, name)], b"" if deletes else EMPTY_PACK)
    theirs = wire_client.parse_push_report(git("receive-pack", "--stateless-rpc", one_commit, stdin=body)).refs[name]
    [ours] = command_refusals([Command(old, new, name)])
    assert (theirs == b"funny refname") is (ours == "funny refname")


def push_to(answerer: str, repository: Path) -> subprocess.CompletedProcess[bytes]:
    """Let stock Git push two branches to a receive-pack that is our protocol and a made-up verdict."""
    receive_pack = shlex.join(child_command("tests.support.scripted_receive_pack", answerer))
    return git_result(
        *("push", "--porcelain", f"--receive-pack={receive_pack}", ".", "HEAD:refs/heads/one", "HEAD:refs/heads/two"),
        cwd=repository,
    )


def test_git_understands_a_committed_report(one_commit: Path) -> None:
    done = push_to("commit", one_commit)
    assert done.returncode == 0, done.stderr
    assert b"*\tHEAD:refs/heads/one\t[new branch]" in done.stdout
    assert b"remote: hello" in done.stderr


def test_git_understands_a_partly_committed_report(one_commit: Path) -> None:
    done = push_to("commit-one", one_commit)
    assert done.returncode == 1
    assert b"*\tHEAD:refs/heads/one\t[new branch]" in done.stdout
    assert b"!\tHEAD:refs/heads/two\t[remote rejected] (funny refname)" in done.stdout


def test_git_understands_a_damaged_pack(one_commit: Path) -> None:
    done = push_to("damaged", one_commit)
    assert done.returncode == 1
    assert b"error: remote unpack failed: bad trailer" in done.stderr
    assert b"!\tHEAD:refs/heads/one\t[remote rejected] (unpacker error)" in done.stdout


def test_git_shows_an_error_in_the_band(one_commit: Path) -> None:
    done = push_to("error", one_commit)
    assert done.returncode != 0
    assert b"no pushing today" in done.stderr
