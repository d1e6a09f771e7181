"""Answers to ls-refs and to fetches, and the requests that ask for them."""

from __future__ import annotations

import pytest

from packengine.pktline import DELIM, FLUSH, Marker, Packet, encode_many
from packengine.protocol import PackData, ProtocolVersion, RemoteProtocolError
from packengine.protocol.client import (
    Acknowledged,
    AnswerLimits,
    AnswerParser,
    FetchAnswerParser,
    FetchEvent,
    LegacyFetchAnswerParser,
    LsRefsAnswerParser,
    Progress,
    RemoteOffer,
    RemoteRef,
    RemoteRefs,
    RemoteRefused,
    ls_refs_request,
)
from tests.support.wire_client import decode

A, B = b"a" * 40, b"b" * 40
RAW_A, RAW_B = bytes.fromhex(A.decode()), bytes.fromhex(B.decode())
LIMITS = AnswerLimits(max_refs=4, max_pack_bytes=100, max_progress_bytes=50, max_acknowledgments=3)
PACK: list[Packet] = [b"\x01PACK", b"\x02hello\r", b"\x01", b"\x01rest", FLUSH]
PACK_EVENTS = [PackData(b"PACK"), Progress(b"hello\r"), PackData(b"rest")]


def list_refs(packets: list[Packet]) -> RemoteRefs:
    parser = LsRefsAnswerParser("sha1", LIMITS)
    parser.feed(encode_many(packets))
    return parser.finish()[0]


def fetch(packets: list[Packet], parser: AnswerParser[FetchEvent] | None = None) -> list[FetchEvent]:
    chosen = parser or FetchAnswerParser("sha1", LIMITS)
    return chosen.feed(encode_many(packets)) + chosen.finish()


def legacy(*, done: bool) -> LegacyFetchAnswerParser:
    return LegacyFetchAnswerParser("sha1", LIMITS, done=done)


# --- ls-refs ----------------------------------------------------------------------------------------------------------


def test_ls_refs_tells_refs_and_where_head_points() -> None:
    told = list_refs(
        [
            A + b" HEAD symref-target:refs/heads/main\n",
            A + b" refs/heads/main\n",
            B + b" refs/tags/v1 peeled:" + A,
            FLUSH,
        ]
    )
    assert told == RemoteRefs(
        (RemoteRef(b"refs/heads/main", RAW_A), RemoteRef(b"refs/tags/v1", RAW_B)), b"refs/heads/main"
    )


def test_an_unborn_head_is_told() -> None:
    assert list_refs([b"unborn HEAD symref-target:refs/heads/x\n", FLUSH]) == RemoteRefs((), b"refs/heads/x")


def test_a_detached_head_names_no_branch() -> None:
    assert list_refs([A + b" HEAD\n", A + b" refs/heads/main\n", FLUSH]).head is None


@pytest.mark.parametrize(
    ("packets", "sentence"),
    [
        ([A + b" refs/a", A + b" refs/a", FLUSH], "refs/a twice"),
        ([b"x refs/a", FLUSH], "in its list of refs"),
        ([A, FLUSH], "in its list of refs"),
        ([A + b" refs/a", DELIM], "in its list of refs"),
        ([FLUSH, A + b" refs/a"], "in its list of refs"),
        ([A + b" refs/%d" % number for number in range(5)], "more than 4 refs"),
        ([A + b" refs/a"], "hung up"),
    ],
)
def test_what_is_no_list_of_refs_is_said(packets: list[Packet], sentence: str) -> None:
    with pytest.raises(RemoteProtocolError, match=sentence):
        list_refs(packets)


def test_ls_refs_asks_for_prefixes_and_what_is_offered() -> None:
    offer = RemoteOffer(ProtocolVersion.V2, {b"ls-refs": b"unborn", b"agent": b"git/2", b"object-format": b"sha1"})
    assert decode(ls_refs_request(offer, [b"refs/heads/"], b"us/1")) == [
        b"command=ls-refs\n",
        b"agent=us/1\n",
        b"object-format=sha1\n",
        DELIM,
        b"unborn\n",
        b"symrefs\n",
        b"ref-prefix HEAD\n",
        b"ref-prefix refs/heads/\n",
        FLUSH,
    ]
    bare = RemoteOffer(ProtocolVersion.V2, {b"ls-refs": None})
    assert decode(ls_refs_request(bare, [], b"us/1"))[:3] == [b"command=ls-refs\n", DELIM, b"symrefs\n"]
    with pytest.raises(RemoteProtocolError, match="does not offer ls-refs"):
        ls_refs_request(RemoteOffer(ProtocolVersion.V2, {}), [], b"us/1")


# --- fetches of version 2 ---------------------------------------------------------------------------------------------


def test_a_pack_comes_with_words_beside_it() -> None:
    assert fetch([b"packfile\n", *PACK]) == PACK_EVENTS


def test_acknowledgments_come_alone_or_before_a_pack() -> None:
    lines: list[Packet] = [b"acknowledgments\n", b"ACK " + A + b"\n", b"ACK " + B]
    assert fetch([*lines, FLUSH]) == [Acknowledged((RAW_A, RAW_B), is_ready=False)]
    ready = Acknowledged((RAW_A, RAW_B), is_ready=True)
    assert fetch([*lines, b"ready\n", DELIM, b"packfile\n", *PACK]) == [ready, *PACK_EVENTS]
    assert fetch([b"acknowledgments\n", b"NAK\n", FLUSH]) == [Acknowledged((), is_ready=False)]


def test_the_error_band_is_the_remotes_refusal_after_what_came_before() -> None:
    parser = FetchAnswerParser("sha1", LIMITS)
    packets = encode_many([b"packfile\n", b"\x01PACK", b"\x03upload-pack: \xff not ours\n"])
    assert parser.feed(packets) == [PackData(b"PACK")]
    with pytest.raises(RemoteRefused, match=r"upload-pack: \\xff not ours$"):
        parser.feed(b"")


def test_an_error_packet_refuses_a_fetch() -> None:
    with pytest.raises(RemoteRefused, match="not our ref"):
        fetch([b"ERR upload-pack: not our ref"])


@pytest.mark.parametrize(
    ("packets", "sentence"),
    [
        ([b"shallow-info\n", b"shallow " + A, DELIM], "shallow repository"),
        ([b"packfile-uris\n"], "in its answer to a fetch"),
        ([b"packfile\n", DELIM], "in its answer to a fetch"),
        ([b"packfile\n", b"\x04x"], "no band"),
        ([b"packfile\n", b""], "no band"),
        ([b"packfile\n", *[b"\x01" + b"x" * 60] * 2], "more than 100 bytes"),
        ([b"packfile\n", *[b"\x02" + b"x" * 30] * 2], "more than 50 bytes of progress"),
        ([b"acknowledgments\n", *[b"ACK " + A] * 4], "more than 3 acknowledgments"),
        ([b"acknowledgments\n", b"ACK x"], "in its answer to a fetch"),
        ([b"acknowledgments\n", Marker.RESPONSE_END], "in its answer to a fetch"),
        ([b"packfile\n", *PACK, b"\x01more"], "in its answer to a fetch"),
        ([FLUSH], "in its answer to a fetch"),
        ([b"packfile\n", b"\x01PACK"], "hung up"),
        ([b"acknowledgments\n", b"NAK\n"], "hung up"),
    ],
)
def test_what_is_no_answer_to_a_fetch_is_said(packets: list[Packet], sentence: str) -> None:
    parser = FetchAnswerParser("sha1", LIMITS)
    with pytest.raises(RemoteProtocolError, match=sentence):  # noqa: PT012  # which of the three calls, is the parser's
        parser.feed(encode_many(packets))
        parser.feed(b"")
        parser.finish()


# --- before version 2 -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", [b"NAK\n", b"ACK " + A + b"\n"])
def test_after_done_one_line_is_followed_by_the_pack(line: bytes) -> None:
    common = (RAW_A,) if line.startswith(b"ACK") else ()
    assert fetch([line, *PACK], legacy(done=True)) == [Acknowledged(common, is_ready=False), *PACK_EVENTS]


def test_one_ack_may_be_said_again_for_other_haves() -> None:
    lines: list[Packet] = [b"ACK " + A + b"\n", b"ACK " + B + b"\n", b"ACK " + A]
    assert fetch([*lines, *PACK], legacy(done=True)) == [Acknowledged((RAW_A,), is_ready=False), *PACK_EVENTS]


def test_after_done_common_ids_may_be_acknowledged_first() -> None:
    lines: list[Packet] = [b"ACK " + A + b" common\n", b"ACK " + A + b"\n"]
    assert fetch([*lines, *PACK], legacy(done=True))[0] == Acknowledged((RAW_A, RAW_A), is_ready=False)


def test_without_done_a_round_ends_with_nak() -> None:
    lines: list[Packet] = [b"ACK " + A + b" common\n", b"NAK\n"]
    assert fetch(lines, legacy(done=False)) == [Acknowledged((RAW_A,), is_ready=False)]


def test_a_remote_that_is_ready_may_send_the_pack_at_once() -> None:
    lines: list[Packet] = [b"ACK " + A + b" ready\n", b"NAK\n", b"ACK " + A + b"\n", *PACK]
    assert fetch(lines, legacy(done=False)) == [Acknowledged((RAW_A,), is_ready=True), *PACK_EVENTS]


@pytest.mark.parametrize(
    ("packets", "done", "sentence"),
    [
        ([b"ACK " + A + b"\n"], False, "in its answer"),
        ([b"NAK\n", b"ACK " + A + b"\n"], False, "in its answer"),
        ([b"ACK " + A + b" nearly\n"], True, "in its answer"),
        ([b"NAK\n", b"NAK\n"], False, "in its answer"),
        ([b"NAK\n", *PACK, b"more"], True, "in its answer"),
        ([b"NAK\n", b"ACK " + A, *PACK], True, "no band"),
        ([b"ACK " + A, b"\x01PACK", b"ACK " + A, *PACK], True, "no band"),
        ([b"ACK " + A, b"ACK nonsense", *PACK], True, "in its answer"),
        ([b"ACK " + A, b"ACK " + A + b" common", *PACK], True, "in its answer"),
        ([FLUSH], True, "in its answer"),
        ([*[b"ACK " + A + b" common"] * 4], False, "more than 3 acknowledgments"),
        ([b"ACK " + A + b" common\n"], False, "hung up"),
        ([b"NAK\n"], True, "hung up"),
    ],
)
def test_what_is_no_older_answer_is_said(packets: list[Packet], done: bool, sentence: str) -> None:
    parser = legacy(done=done)
    with pytest.raises(RemoteProtocolError, match=sentence):  # noqa: PT012  # the same
        parser.feed(encode_many(packets))
        parser.feed(b"")
        parser.finish()
