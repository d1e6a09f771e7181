"""The command object-info. Format: gitprotocol-v2(5), "object-info"."""

from __future__ import annotations

import pytest

from packengine.pktline import DELIM, FLUSH, Packet, encode_many
from packengine.protocol import (
    Client,
    LocalProtocolError,
    ObjectInfoRequest,
    RemoteProtocolError,
    UploadPackOffer,
    UploadPackRequestParser,
    WireLimits,
    object_info_answer,
)
from tests.support import wire_client

A, B = bytes.fromhex("aa" * 20), bytes.fromhex("bb" * 20)
A_HEX, B_HEX = b"aa" * 20, b"bb" * 20


def parse(*lines: bytes, limits: WireLimits | None = None) -> ObjectInfoRequest:
    parser = UploadPackRequestParser(UploadPackOffer(agent=b"a"), limits or WireLimits())
    [request] = parser.feed(encode_many([b"command=object-info\n", DELIM, *lines, FLUSH]))
    assert isinstance(request, ObjectInfoRequest)
    return request


def answer(request: ObjectInfoRequest, sizes: list[int | None]) -> list[Packet]:
    return wire_client.decode(b"".join(object_info_answer(request, sizes)))


def test_ids_are_kept_as_they_came_repetitions_too() -> None:
    request = parse(b"size\n", b"oid " + B_HEX + b"\n", b"oid " + A_HEX, b"oid " + B_HEX)
    assert request == ObjectInfoRequest(client=Client(), size=True, oids=(B, A, B))


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b"oid 12", "object-info: protocol error, expected to get oid, not '12'"),
        (b"oid " + A_HEX + b"0", f"object-info: protocol error, expected to get oid, not '{'aa' * 20}0'"),
        (b"oid", "object-info: unexpected line: 'oid'"),
        (b"size 1", "object-info: unexpected line: 'size 1'"),
        (b"type", "object-info: unexpected line: 'type'"),
    ],
)
def test_broken_line_is_refused_in_gits_words(line: bytes, sentence: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        parse(line)
    assert str(caught.value) == sentence


def test_ids_are_bounded() -> None:
    with pytest.raises(RemoteProtocolError, match="object-info: more than 1 oid lines"):
        parse(b"oid " + A_HEX, b"oid " + A_HEX, limits=WireLimits(max_object_infos=1))


def test_each_id_is_answered_with_its_size_or_with_nothing() -> None:
    request = ObjectInfoRequest(client=Client(), size=True, oids=(A, B, A))
    lines = [b"size\n", A_HEX + b" 0\n", B_HEX + b" \n", A_HEX + b" 7\n", FLUSH]
    assert answer(request, [0, None, 7]) == lines


def test_size_is_told_only_if_it_is_asked_for() -> None:
    request = ObjectInfoRequest(client=Client(), oids=(A, B))
    assert answer(request, [12, None]) == [A_HEX + b"\n", B_HEX + b" \n", FLUSH]


def test_no_ids_are_answered_with_an_empty_list() -> None:
    assert answer(ObjectInfoRequest(client=Client(), size=True), []) == [FLUSH]


def test_sizes_that_fit_no_ids_are_our_fault() -> None:
    with pytest.raises(LocalProtocolError, match="1 sizes for 2 ids"):
        object_info_answer(ObjectInfoRequest(client=Client(), oids=(A, B)), [1])
