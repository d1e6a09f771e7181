"""The command bundle-uri. Format: gitprotocol-v2(5), "bundle-uri"."""

from __future__ import annotations

import pytest

from packengine.pktline import DELIM, FLUSH, Packet, encode_many
from packengine.protocol import (
    BundleUri,
    BundleUriRequest,
    Client,
    LocalProtocolError,
    RemoteProtocolError,
    UploadPackOffer,
    UploadPackRequest,
    UploadPackRequestParser,
    WireLimits,
    bundle_uri_answer,
)
from tests.support import wire_client


def parse(*packets: Packet) -> UploadPackRequest:
    parser = UploadPackRequestParser(UploadPackOffer(agent=b"a", bundle_uri=True), WireLimits())
    [request] = parser.feed(encode_many([b"command=bundle-uri\n", b"agent=x", *packets]))
    return request


@pytest.mark.parametrize("packets", [[FLUSH], [DELIM, FLUSH]])
def test_request_has_no_arguments(packets: list[Packet]) -> None:
    assert parse(*packets) == BundleUriRequest(client=Client(agent=b"x"))


@pytest.mark.parametrize(
    ("packets", "sentence"),
    [
        ([DELIM, b"a\n"], "bundle-uri: unexpected argument: 'a'"),
        ([DELIM, DELIM], "bundle-uri: expected flush after arguments"),
    ],
)
def test_broken_request_is_refused_in_gits_words(packets: list[Packet], sentence: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        parse(*packets)
    assert str(caught.value) == sentence


def test_list_says_how_to_read_it_and_where_each_bundle_lies() -> None:
    body = bundle_uri_answer(
        [
            BundleUri(id=b"a-1", uri=b"https://example.org/1?key=x", creation_token=1),
            BundleUri(id=b"b", uri=b"/2", creation_token=20),
        ]
    )
    assert body.endswith(b"0000")
    assert wire_client.lines(wire_client.decode(body)) == [
        b"bundle.version=1",
        b"bundle.mode=all",
        b"bundle.heuristic=creationToken",
        b"bundle.a-1.uri=https://example.org/1?key=x",
        b"bundle.a-1.creationtoken=1",
        b"bundle.b.uri=/2",
        b"bundle.b.creationtoken=20",
    ]


def test_without_a_token_for_each_there_is_no_order() -> None:
    body = bundle_uri_answer([BundleUri(id=b"a", uri=b"/1", creation_token=1), BundleUri(id=b"b", uri=b"/2")])
    assert b"heuristic" not in body
    assert b"bundle.b.creationtoken" not in body


def test_no_bundles_are_an_empty_list() -> None:
    assert bundle_uri_answer([]) == b"0000"


@pytest.mark.parametrize(
    ("id_", "uri"), [(b"", b"/1"), (b"a.b", b"/1"), (b"a b", b"/1"), (b"a", b""), (b"a", b"/1\n"), (b"a", b"/\xff")]
)
def test_what_would_break_a_line_is_our_fault(id_: bytes, uri: bytes) -> None:
    with pytest.raises(LocalProtocolError, match="not to be written"):
        bundle_uri_answer([BundleUri(id=id_, uri=uri)])
