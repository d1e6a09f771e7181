"""Requests of version 2, and what breaks them. Format: gitprotocol-v2(5)."""

from __future__ import annotations

import pytest

from packengine.pktline import DELIM, FLUSH, RESPONSE_END, Packet, encode_many
from packengine.protocol import (
    Client,
    FetchRequest,
    LsRefsRequest,
    ProbeRequest,
    RemoteProtocolError,
    UploadPackOffer,
    UploadPackRequest,
    UploadPackRequestParser,
    WireLimits,
    advertise_v2,
)
from tests.support import wire_client

OFFER = UploadPackOffer(agent=b"packhouse/1", session_id=b"ours")
A, B = bytes.fromhex("aa" * 20), bytes.fromhex("bb" * 20)
A_HEX, B_HEX = b"aa" * 20, b"bb" * 20


def parse(body: bytes, *, offer: UploadPackOffer = OFFER, limits: WireLimits | None = None) -> UploadPackRequest:
    parser = UploadPackRequestParser(offer, limits or WireLimits())
    requests = parser.feed(body)
    parser.finish()
    [request] = requests
    return request


def parse_packets(*packets: Packet, limits: WireLimits | None = None) -> UploadPackRequest:
    return parse(encode_many(packets), limits=limits)


def refusal(*packets: Packet, limits: WireLimits | None = None) -> str:
    with pytest.raises(RemoteProtocolError) as caught:
        parse_packets(*packets, limits=limits)
    return caught.value.sentence.decode()


def test_fetch_is_read_as_git_sends_it() -> None:
    request = parse_packets(
        *(b"command=fetch", b"agent=git/2.39.5", b"object-format=sha1", b"session-id=theirs", DELIM),
        *(b"thin-pack", b"no-progress", b"include-tag", b"ofs-delta", b"wait-for-done"),
        *(b"want " + A_HEX + b"\n", b"want " + B_HEX + b"\n", b"have " + B_HEX + b"\n", b"done\n", FLUSH),
    )
    assert request == FetchRequest(
        client=Client(agent=b"git/2.39.5", session_id=b"theirs"),
        wants=(A, B),
        haves=(B,),
        done=True,
        thin_pack=True,
        no_progress=True,
        include_tag=True,
        ofs_delta=True,
        wait_for_done=True,
    )


def test_nothing_is_assumed_that_a_fetch_does_not_say() -> None:
    request = parse_packets(b"command=fetch", DELIM, b"want " + A_HEX.upper(), FLUSH)
    assert request == FetchRequest(
        client=Client(),
        wants=(A,),
        haves=(),
        done=False,
        thin_pack=False,
        no_progress=False,
        include_tag=False,
        ofs_delta=False,
        wait_for_done=False,
    )


def test_repeated_ids_count_once_in_the_order_they_came() -> None:
    request = parse(wire_client.fetch_request([B, A, B], [A, A]))
    assert isinstance(request, FetchRequest)
    assert (request.wants, request.haves) == ((B, A), (A,))


def test_repeated_ids_do_not_reach_the_limit() -> None:
    body = wire_client.fetch_request([A] * 50)
    assert isinstance(parse(body, limits=WireLimits(max_wants=1)), FetchRequest)


def test_ls_refs_is_read_as_git_sends_it() -> None:
    request = parse(wire_client.ls_refs_request(b"refs/heads/", b"HEAD"))
    assert request == LsRefsRequest(
        client=Client(agent=wire_client.AGENT),
        peel=True,
        symrefs=True,
        unborn=True,
        ref_prefixes=(b"refs/heads/", b"HEAD"),
    )


def test_flush_may_stand_in_place_of_the_delimiter() -> None:
    request = parse_packets(b"command=ls-refs\n", FLUSH)
    assert request == LsRefsRequest(client=Client(), peel=False, symrefs=False, unborn=False, ref_prefixes=())


def test_lone_flush_is_a_probe() -> None:
    assert parse(b"0000") == ProbeRequest()


def test_what_follows_the_flush_is_passed_over() -> None:
    body = wire_client.fetch_request([A])
    parser = UploadPackRequestParser(OFFER, WireLimits())
    assert len(parser.feed(body + b"garbage")) == 1
    assert parser.feed(b"more of it") == []
    parser.finish()


def test_as_many_prefixes_as_allowed_narrow_and_one_more_makes_all_void() -> None:
    limits = WireLimits(max_ref_prefixes=2)
    two = parse(wire_client.ls_refs_request(b"a", b"b"), limits=limits)
    four = parse(wire_client.ls_refs_request(b"a", b"b", b"c", b"d"), limits=limits)
    assert isinstance(two, LsRefsRequest)
    assert isinstance(four, LsRefsRequest)
    assert (two.ref_prefixes, four.ref_prefixes) == ((b"a", b"b"), ())


@pytest.mark.parametrize(
    "line",
    [
        b"Done",
        b"done ",
        b"want",
        b"want-ref",
        b"shallow",
        b"deepen",
        b"deepen-since",
        b"deepen-not",
        b"filter",
        b"deepen-relative 1",
        b"sideband-all ",
        b"Filter blob:none",
        b"",
    ],
)
def test_argument_that_does_not_exist_is_unexpected(line: bytes) -> None:
    assert refusal(b"command=fetch", DELIM, line, FLUSH) == f"unexpected line: '{line.decode()}'"


def test_argument_of_another_command_is_unexpected() -> None:
    assert refusal(b"command=ls-refs", DELIM, b"want " + A_HEX, FLUSH).startswith("unexpected line: 'want aaaa")
    assert refusal(b"command=fetch", DELIM, b"peel", FLUSH) == "unexpected line: 'peel'"


@pytest.mark.parametrize("oid", [b"", b"aa", b"aa" * 32, b"zz" * 20, b"aa" * 19 + b" a", b"aa" * 20 + b" x"])
def test_id_must_be_exactly_one(oid: bytes) -> None:
    said = refusal(b"command=fetch", DELIM, b"have " + oid, FLUSH)
    assert said == f"upload-pack: protocol error, expected to get oid, not 'have {oid.decode()}'"


def test_ids_are_as_long_as_the_object_format_has_them() -> None:
    offer = UploadPackOffer(agent=b"a", object_format="sha256")
    oid = bytes(range(32))
    request = parse(wire_client.fetch_request([oid], object_format=b"sha256"), offer=offer)
    assert isinstance(request, FetchRequest)
    assert request.wants == (oid,)
    with pytest.raises(RemoteProtocolError, match="expected to get oid"):
        parse(wire_client.fetch_request([A], object_format=b"sha256"), offer=offer)


EVERYTHING = UploadPackOffer(agent=b"a", object_info=True, bundle_uri=True, session_id=b"ours")


def advertised(offer: UploadPackOffer) -> dict[bytes, bytes]:
    lines = wire_client.lines(wire_client.decode(advertise_v2(offer)))
    return {key: value for key, _, value in (line.partition(b"=") for line in lines)}


@pytest.mark.parametrize("command", [b"ls-refs", b"fetch", b"object-info", b"bundle-uri", b"push", b"agent"])
@pytest.mark.parametrize("object_info", [False, True])
@pytest.mark.parametrize("bundle_uri", [False, True])
def test_command_is_understood_exactly_where_it_is_advertised(
    command: bytes, object_info: bool, bundle_uri: bool
) -> None:
    offer = UploadPackOffer(agent=b"a", object_info=object_info, bundle_uri=bundle_uri)
    body = encode_many([b"command=" + command, FLUSH])
    if command != b"agent" and command in advertised(offer):
        assert not isinstance(parse(body, offer=offer), ProbeRequest)
    else:
        with pytest.raises(RemoteProtocolError, match="invalid command"):
            parse(body, offer=offer)


@pytest.mark.parametrize("key", [b"agent=x", b"session-id=x", b"object-format=sha1", b"server-option=x", b"else=x"])
@pytest.mark.parametrize("offer", [EVERYTHING, UploadPackOffer(agent=b"a")], ids=["everything", "defaults"])
def test_key_is_understood_exactly_where_it_is_advertised(key: bytes, offer: UploadPackOffer) -> None:
    body = encode_many([key, b"command=fetch", FLUSH])
    if key.partition(b"=")[0] in advertised(offer):
        assert not isinstance(parse(body, offer=offer), ProbeRequest)
    else:
        with pytest.raises(RemoteProtocolError, match="unknown capability"):
            parse(body, offer=offer)


def test_server_options_are_kept_as_they_came_repetitions_too() -> None:
    options = (b"one=1", b"", b"one=1", b"\xff two")
    request = parse_packets(*(b"server-option=" + option for option in options), b"command=ls-refs", FLUSH)
    assert isinstance(request, LsRefsRequest)
    assert request.client.server_options == options


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (WireLimits(max_server_options=1), "more than 1 server options"),
        (WireLimits(max_server_option_bytes=5), "server options of more than 5 bytes"),
    ],
)
def test_server_options_are_bounded(limits: WireLimits, sentence: str) -> None:
    packets: list[Packet] = [b"server-option=abc", b"server-option=abc", b"command=fetch", FLUSH]
    assert isinstance(parse_packets(*packets), FetchRequest)
    assert refusal(*packets, limits=limits) == sentence


def test_other_object_format_is_refused_before_any_argument() -> None:
    said = refusal(b"command=fetch", b"object-format=sha256", DELIM)
    assert said == "mismatched object format: server sha1; client sha256"


def test_client_that_names_no_object_format_means_sha1() -> None:
    with pytest.raises(RemoteProtocolError, match="mismatched object format: server sha256; client sha1"):
        parse(encode_many([b"command=fetch", DELIM]), offer=UploadPackOffer(agent=b"a", object_format="sha256"))


@pytest.mark.parametrize(
    ("packets", "sentence"),
    [
        ([b"command=push", FLUSH], "invalid command 'push'"),
        ([b"command=", FLUSH], "invalid command ''"),
        ([b"command", FLUSH], "invalid command ''"),
        ([b"command=bundle-uri", FLUSH], "invalid command 'bundle-uri'"),
        ([b"command=object-info=size", FLUSH], "invalid command 'object-info=size'"),
        (
            [b"command=fetch", b"command=ls-refs", FLUSH],
            "command 'ls-refs' requested after already requesting command 'fetch'",
        ),
        ([b"agent=x", FLUSH], "no command requested"),
        ([b"agent=x", DELIM], "no command requested"),
        ([DELIM], "no command requested"),
        ([b"server-option=x", FLUSH], "no command requested"),
        ([b"server-options=x", FLUSH], "unknown capability 'server-options=x'"),
        ([b"want " + A_HEX, FLUSH], f"unknown capability 'want {A_HEX.decode()}'"),
        ([b"object-format", b"command=fetch", DELIM], "object-format capability requires an argument"),
        ([b"command=fetch", DELIM, DELIM], "expected flush after fetch arguments"),
        ([b"command=ls-refs", DELIM, RESPONSE_END], "expected flush after ls-refs arguments"),
        ([b"command=object-info", DELIM, DELIM], "object-info: expected flush after arguments"),
        ([RESPONSE_END], "expected flush after command arguments"),
    ],
)
def test_broken_request_is_refused_in_gits_words(packets: list[Packet], sentence: str) -> None:
    assert refusal(*packets) == sentence


def test_session_id_is_unknown_unless_we_offer_ours() -> None:
    with pytest.raises(RemoteProtocolError, match="unknown capability 'session-id=x'"):
        parse(encode_many([b"session-id=x"]), offer=UploadPackOffer(agent=b"a"))


def test_what_a_client_says_of_itself_is_sanitised() -> None:
    request = parse_packets(b"command=fetch", b"agent=a b\x1b[31m", b"session-id=\n\n", FLUSH)
    assert isinstance(request, FetchRequest)
    assert request.client == Client(agent=b"a.b.[31m", session_id=b".")


def test_sentence_is_one_short_printable_line() -> None:
    said = refusal(b"command=fetch", DELIM, b"\x1b\n\xff" + b"x" * 10_000, FLUSH)
    assert said.startswith(r"unexpected line: '\x1b\n\xffxxx")
    assert said.endswith("x...'")
    assert len(said) < 300


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (WireLimits(max_wants=1), "upload-pack: more than 1 want lines"),
        (WireLimits(max_haves=1), "upload-pack: more than 1 have lines"),
        (WireLimits(max_pkt_lines=4), "more than 4 pkt-lines"),
        (WireLimits(max_request_bytes=200), "more than 200 bytes of pkt-lines"),
        (WireLimits(max_capability_bytes=17), "a capability of 19 bytes, more than 17"),
    ],
)
def test_each_limit_is_named_when_it_is_passed(limits: WireLimits, sentence: str) -> None:
    body = wire_client.fetch_request([A, B], [A, B])
    with pytest.raises(RemoteProtocolError) as caught:
        parse(body, limits=limits)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("length", [0, 1, 4, 30, -1])
def test_request_that_ends_early_is_refused(length: int) -> None:
    parser = UploadPackRequestParser(OFFER, WireLimits())
    assert parser.feed(wire_client.fetch_request([A])[:length]) == []
    with pytest.raises(RemoteProtocolError, match="the remote end hung up unexpectedly"):
        parser.finish()


def test_broken_parser_stays_broken() -> None:
    parser = UploadPackRequestParser(OFFER, WireLimits())
    with pytest.raises(RemoteProtocolError) as first:
        parser.feed(b"zzzz")
    for _ in range(2):
        with pytest.raises(RemoteProtocolError) as again:
            parser.feed(wire_client.fetch_request([A]))
        assert again.value is first.value
    with pytest.raises(RemoteProtocolError):
        parser.finish()
