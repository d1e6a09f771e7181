"""All that version 2 can ask and answer, against a stock upload-pack that has everything switched on."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packengine.pktline import DELIM, FLUSH, encode_many
from packengine.protocol import (
    Client,
    FetchRequest,
    FetchSections,
    Negotiated,
    ObjectInfoRequest,
    Outcome,
    RemoteProtocolError,
    ShallowInfo,
    UploadPackOffer,
    UploadPackRequestParser,
    WireLimits,
    advertise_v2,
    fetch_head,
    object_info_answer,
    parse_filter_spec,
)
from tests.support import wire_client
from tests.support.git import git, git_result

EVERYTHING_ON = (
    *("-c", "uploadpack.allowFilter=true", "-c", "uploadpack.allowRefInWant=true"),
    *("-c", "uploadpack.allowSidebandAll=true", "-c", "transfer.advertiseObjectInfo=true"),
    *("-c", "transfer.advertiseSID=true"),
)
OFFER = UploadPackOffer(agent=b"packhouse/1", session_id=b"ours")
A_HEX = b"12" * 20
V2 = {"GIT_PROTOCOL": "version=2"}


def upload_pack(repository: Path, body: bytes) -> subprocess.CompletedProcess[bytes]:
    return git_result(*EVERYTHING_ON, "upload-pack", "--stateless-rpc", repository, stdin=body, env=V2)


def request(command: bytes, *lines: bytes) -> bytes:
    return encode_many([b"command=" + command, DELIM, *lines, FLUSH])


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three commits one after another on main, with a branch `old` at the first."""
    path = tmp_path_factory.mktemp("history")
    git("init", "--quiet", "--initial-branch=main", path)
    for number in range(3):
        (path / "file").write_text(f"{number}\n" * (number + 1))
        git("add", ".", cwd=path)
        git("commit", "--quiet", f"--message=number {number}", cwd=path)
    git("branch", "old", "main~2", cwd=path)
    return path


def oid(repository: Path, name: str) -> bytes:
    return bytes.fromhex(git("rev-parse", name, cwd=repository).decode())


def hexed(raw: bytes) -> bytes:
    return raw.hex().encode()


def test_advertisement_has_the_keys_and_features_of_gits(history: Path) -> None:
    args = (*EVERYTHING_ON, "upload-pack", "--advertise-refs", history)
    theirs, ours = (
        {line.partition(b"=")[0]: set(line.partition(b"=")[2].split()) for line in wire_client.lines(packets)}
        for packets in (wire_client.decode(git(*args, env=V2)), wire_client.decode(advertise_v2(OFFER)))
    )
    assert ours.keys() == theirs.keys()
    assert ours[b"fetch"] == theirs[b"fetch"]


@pytest.mark.parametrize(
    "lines",
    [
        [b"shallow 12"],
        [b"deepen 0"],
        [b"deepen -3"],
        [b"deepen 1x"],
        [b"deepen 1k"],
        [b"deepen 08"],
        [b"deepen 2147483648"],
        [b"deepen"],
        [b"deepen-since x"],
        [b"deepen-since 18446744073709551615"],
        [b"deepen-relative 1"],
        [b"want-ref main"],
        [b"want-ref"],
        [b"filter"],
        [b"filter blob:none", b"filter blob:none"],
        [b"sideband-all 1"],
        [b"want-ref HEAD", b"deepen 1", b"deepen-since 1"],
        [b"want-ref HEAD", b"deepen-not old", b"deepen 1"],
    ],
    ids=str,
)
def test_broken_fetch_is_refused_with_gits_sentence(history: Path, lines: list[bytes]) -> None:
    body = request(b"fetch", *lines)
    with pytest.raises(RemoteProtocolError) as caught:
        UploadPackRequestParser(OFFER, WireLimits()).feed(body)
    assert upload_pack(history, body).stderr.decode().strip().splitlines()[-1] == f"fatal: {caught.value}"


def test_broken_object_info_is_refused_with_gits_sentence(history: Path) -> None:
    for line in (b"oid 12", b"size 1"):
        body = request(b"object-info", line)
        with pytest.raises(RemoteProtocolError) as caught:
            UploadPackRequestParser(OFFER, WireLimits()).feed(body)
        theirs = wire_client.lines(wire_client.decode(upload_pack(history, body).stdout))
        assert b"ERR " + caught.value.sentence in theirs


FILTER_WORDS = st.sampled_from(
    [b"blob:none", b"blob:limit=", b"tree:", b"object:type=", b"sparse:oid=", b"sparse:path=", b"combine:", b"blob"]
)
FILTER_VALUES = st.sampled_from(
    [
        *(b"", b"0", b"7", b"010", b"08", b"0x1F", b"1k", b"1K", b"2mm", b"3g", b"-1", b"18446744073709551615"),
        *(b"18446744073709551616", b"99999999999999999999999", b"8g", b"blob", b"tag", b"any", b"x", b"main:a"),
        *(b"%", b"%3a", b"%25", b"~", b" ", b"(", b"\xc3\xa9", b"_-./=:"),
    ]
)
FILTER_TERMS = st.tuples(FILTER_WORDS, FILTER_VALUES).map(b"".join)


def combined(parts: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    encoded = parts.map(lambda part: part.replace(b"%", b"%25").replace(b"+", b"%2B"))
    return st.lists(encoded | parts, min_size=1, max_size=3).map(lambda each: b"combine:" + b"+".join(each))


@given(st.recursive(FILTER_TERMS, combined, max_leaves=4))
def test_filter_is_accepted_or_refused_as_git_does_it(history: Path, text: bytes) -> None:
    done = upload_pack(history, request(b"fetch", b"filter " + text))
    try:
        parse_filter_spec(text)
        ours = b""
    except RemoteProtocolError as error:
        ours = b"fatal: " + error.sentence
    assert as_shown(done.stderr).strip() == ours


def as_shown(text: bytes) -> bytes:
    """Their sentence with our way to show what is not printable."""
    return re.sub(rb"[^\x20-\x7e\n]", lambda byte: b"\\x%02x" % byte.group()[0], text)


@pytest.mark.parametrize("sideband_all", [False, True])
def test_head_of_a_shallow_clone_is_gits(history: Path, sideband_all: bool) -> None:
    main = oid(history, "main")
    flags = [b"sideband-all"] if sideband_all else []
    body = request(b"fetch", *flags, b"deepen 1", b"want " + hexed(main), b"done")
    ours = fetch_head(
        FetchRequest(client=Client(), wants=(main,), done=True, sideband_all=sideband_all),
        Negotiated(Outcome.PACK),
        FetchSections(shallow_info=ShallowInfo(shallow=(main,))),
    )
    assert upload_pack(history, body).stdout.startswith(ours)


@pytest.mark.parametrize("sideband_all", [False, True])
def test_head_of_a_fetch_that_is_ready_is_gits(history: Path, sideband_all: bool) -> None:
    main, old = oid(history, "main"), oid(history, "old")
    flags = [b"sideband-all"] if sideband_all else []
    lines = [*flags, b"want-ref refs/heads/main", b"have " + hexed(old), b"have " + A_HEX]
    ours = fetch_head(
        FetchRequest(client=Client(), want_refs=(b"refs/heads/main",), haves=(old,), sideband_all=sideband_all),
        Negotiated(Outcome.ACKNOWLEDGMENTS_AND_PACK, (old,)),
        FetchSections(wanted_refs=[(main, b"refs/heads/main")]),
    )
    assert upload_pack(history, request(b"fetch", *lines)).stdout.startswith(ours)


@pytest.mark.parametrize("sideband_all", [False, True])
def test_round_without_a_pack_is_gits_whole_answer(history: Path, sideband_all: bool) -> None:
    main = oid(history, "main")
    flags = [b"sideband-all"] if sideband_all else []
    body = request(b"fetch", *flags, b"want " + hexed(main), b"have " + A_HEX, b"deepen 1")
    asked = FetchRequest(
        client=Client(), wants=(main,), haves=(bytes.fromhex(A_HEX.decode()),), sideband_all=sideband_all
    )
    ours = fetch_head(asked, Negotiated(Outcome.ACKNOWLEDGMENTS), FetchSections())
    assert upload_pack(history, body).stdout == ours


def test_boundary_that_moves_down_is_told_as_git_tells_it(history: Path) -> None:
    main, middle, old = (oid(history, name) for name in ("main", "main~1", "old"))
    body = request(b"fetch", b"shallow " + hexed(main), b"deepen 2", b"want " + hexed(main), b"done")
    ours = fetch_head(
        FetchRequest(client=Client(), wants=(main,), done=True),
        Negotiated(Outcome.PACK),
        FetchSections(shallow_info=ShallowInfo(shallow=(middle,), unshallow=(main,))),
    )
    assert old not in (main, middle)
    assert upload_pack(history, body).stdout.startswith(ours)


def test_object_info_is_answered_as_git_answers_it(history: Path) -> None:
    """With `size`: without it Git before 2.41 answers what happens to be in its memory."""
    known, unknown = oid(history, "main:file"), bytes.fromhex(A_HEX.decode())
    oids = (known, unknown, known)
    theirs = upload_pack(history, request(b"object-info", b"size", *(b"oid " + hexed(each) for each in oids))).stdout
    ours = b"".join(object_info_answer(ObjectInfoRequest(client=Client(), size=True, oids=oids), [6, None, 6]))
    assert wire_client.lines(wire_client.decode(ours)) == wire_client.lines(wire_client.decode(theirs))
