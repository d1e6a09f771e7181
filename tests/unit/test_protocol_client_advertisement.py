"""What a remote says of itself at first."""

from __future__ import annotations

import pytest

from packengine.pktline import FLUSH, Packet, encode_many
from packengine.protocol import ProtocolVersion, RemoteProtocolError
from packengine.protocol.client import (
    Advertisement,
    AdvertisementParser,
    AnswerLimits,
    RemoteRef,
    RemoteRefused,
)

A, B = b"a" * 40, b"b" * 40
SERVICE: list[Packet] = [b"# service=git-upload-pack\n", FLUSH]
V2: list[Packet] = [b"version 2\n", b"agent=git/2.39\n", b"ls-refs=unborn\n", b"fetch=shallow filter\n", FLUSH]


def parse(packets: list[Packet], limits: AnswerLimits | None = None, object_format: str = "sha1") -> Advertisement:
    parser = AdvertisementParser(object_format, limits or AnswerLimits())  # type: ignore[arg-type]
    assert parser.feed(encode_many(packets)) == []
    return parser.finish()[0]


def refs(*lines: bytes, words: bytes = b"side-band-64k") -> list[Packet]:
    first, *others = lines
    return [first + b"\0" + words + b"\n", *(line + b"\n" for line in others), FLUSH]


@pytest.mark.parametrize("preamble", [[], SERVICE])
def test_version_2_offers_commands_and_lists_no_refs(preamble: list[Packet]) -> None:
    told = parse([*preamble, *V2])
    assert told.refs is None
    assert told.offer.version is ProtocolVersion.V2
    assert told.offer.agent == "git/2.39"
    assert told.offer.features(b"fetch") == {b"shallow", b"filter"}
    assert told.offer.has(b"ls-refs")
    assert not told.offer.has(b"bundle-uri")


@pytest.mark.parametrize(
    ("preamble", "version"),
    [
        (SERVICE, ProtocolVersion.V0),
        ([], ProtocolVersion.V0),
        ([*SERVICE, b"version 1\n"], ProtocolVersion.V1),
        ([b"version 1\n"], ProtocolVersion.V1),
    ],
)
def test_older_versions_list_their_refs_without_peeled_values(preamble: list[Packet], version: ProtocolVersion) -> None:
    lines = refs(A + b" HEAD", A + b" refs/heads/main", B + b" refs/tags/v1", A + b" refs/tags/v1^{}")
    told = parse([*preamble, *lines])
    assert told.offer.version is version
    assert told.refs is not None
    assert told.refs.refs == (
        RemoteRef(b"refs/heads/main", bytes.fromhex(A.decode())),
        RemoteRef(b"refs/tags/v1", bytes.fromhex(B.decode())),
    )
    assert told.refs.head == b"refs/heads/main"


@pytest.mark.parametrize("lines", [[FLUSH], refs(b"0" * 40 + b" capabilities^{}")])
def test_an_empty_remote_has_no_refs(lines: list[Packet]) -> None:
    told = parse([*SERVICE, *lines])
    assert told.refs is not None
    assert told.refs.refs == ()
    assert told.refs.head is None


@pytest.mark.parametrize(
    ("words", "head"),
    [
        (b"symref=HEAD:refs/heads/trunk", b"refs/heads/trunk"),
        (b"symref=refs/remotes/a/HEAD:refs/heads/b", b"refs/heads/master"),
        (b"", b"refs/heads/master"),
    ],
)
def test_head_is_what_the_remote_says_or_the_likeliest_branch_of_its_value(words: bytes, head: bytes) -> None:
    lines = refs(A + b" HEAD", A + b" refs/heads/a", B + b" refs/heads/main", A + b" refs/heads/master", words=words)
    told = parse([*SERVICE, *lines])
    assert told.refs is not None
    assert told.refs.head == head


def test_an_error_packet_is_the_remotes_refusal() -> None:
    with pytest.raises(RemoteRefused, match="no such repository"):
        parse([b"ERR no such repository\n"])


@pytest.mark.parametrize("packets", [V2, [*SERVICE, *refs(A + b" refs/heads/main", words=b"object-format=sha1")]])
def test_another_object_format_is_refused_before_ids_are_read(packets: list[Packet]) -> None:
    with pytest.raises(RemoteProtocolError, match="the remote's object format is sha1, the repository's sha256"):
        parse(packets, object_format="sha256")


@pytest.mark.parametrize(
    ("packets", "sentence"),
    [
        (refs(A + b" refs/heads/main", b"shallow " + A), "shallow repository"),
        (refs(A + b" refs/heads/main", B + b" refs/heads/main"), "refs/heads/main twice"),
        (refs(A[:-1] + b" refs/heads/main"), "in its advertisement"),
        (refs(A + b" "), "in its advertisement"),
        ([A + b" refs/heads/main\n", FLUSH], "in its advertisement"),
        ([b"# service=git-receive-pack\n", FLUSH], "in its advertisement"),
        ([b"version 1\n", b"version 1\n"], "in its advertisement"),
        ([*SERVICE, FLUSH, FLUSH], "in its advertisement"),
        ([*V2, b"more"], "in its advertisement"),
        ([b"version 2\n", b"x" * 70], "a capability of 70 bytes, more than 64"),
        ([b"version 2\n", *(b"key%d" % number for number in range(9)), FLUSH], "more than 8 capabilities"),
        (refs(*(b"%040d refs/heads/%d" % (number, number) for number in range(1, 6))), "more than 4 refs"),
        (V2[:-1], "hung up"),
        ([], "hung up"),
    ],
)
def test_what_is_no_advertisement_is_said(packets: list[Packet], sentence: str) -> None:
    limits = AnswerLimits(max_refs=4, max_capability_bytes=64, max_capabilities=8)
    with pytest.raises(RemoteProtocolError, match=sentence):
        parse(packets, limits)


def test_a_page_that_is_no_pkt_lines_is_said() -> None:
    parser = AdvertisementParser("sha1", AnswerLimits())
    with pytest.raises(RemoteProtocolError, match="no pkt-lines"):
        parser.feed(b"<html>welcome</html>")
    with pytest.raises(RemoteProtocolError, match="no pkt-lines"):
        parser.finish()


def test_more_bytes_than_the_limit_are_not_taken_in() -> None:
    parser = AdvertisementParser("sha1", AnswerLimits(max_listing_bytes=200))
    parser.feed(encode_many([*SERVICE, *refs(A + b" refs/heads/main", *[A + b" refs/heads/" + b"x" * 100] * 2)]))
    with pytest.raises(RemoteProtocolError, match="200"):
        parser.finish()
