"""What clients hear first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from packengine.protocol import (
    ProtocolVersion,
    ReceivePackOffer,
    Service,
    UploadPackOffer,
    advertise_receive_pack,
    advertise_v2,
    service_preamble,
)
from tests.support import wire_client

OID = bytes.fromhex("1f" * 20)


def test_version_2_starts_without_a_service_line_and_lists_what_works() -> None:
    body = advertise_v2(UploadPackOffer(agent=b"packhouse/0.1 (x)", session_id=b"a b"))
    assert body.startswith(b"000eversion 2\n")
    assert body.endswith(b"0000")
    assert wire_client.lines(wire_client.decode(body)) == [
        b"version 2",
        b"ls-refs=unborn",
        b"fetch=filter ref-in-want shallow sideband-all wait-for-done",
        b"object-info=size",
        b"server-option",
        b"object-format=sha1",
        b"agent=packhouse/0.1.(x)",
        b"session-id=a.b",
    ]


def test_bundles_are_offered_as_a_bare_key_only_where_there_are_some() -> None:
    texts = wire_client.lines(wire_client.decode(advertise_v2(UploadPackOffer(agent=b"a", bundle_uri=True))))
    assert b"bundle-uri" in texts
    assert b"bundle-uri" not in advertise_v2(UploadPackOffer(agent=b"a"))


def test_object_info_need_not_be_offered() -> None:
    assert b"object-info" not in advertise_v2(UploadPackOffer(agent=b"a", object_info=False))


def test_fetch_without_features_is_a_bare_key() -> None:
    offer = UploadPackOffer(agent=b"a", object_format="sha256", fetch_features=frozenset())
    texts = wire_client.lines(wire_client.decode(advertise_v2(offer)))
    assert b"fetch" in texts
    assert b"object-format=sha256" in texts


def test_preamble_names_the_service() -> None:
    assert service_preamble(Service.UPLOAD_PACK) == b"001e# service=git-upload-pack\n0000"
    assert service_preamble(Service.RECEIVE_PACK) == b"001f# service=git-receive-pack\n0000"


def test_media_types_are_those_of_smart_http() -> None:
    service = Service("git-upload-pack")
    assert service.advertisement_type == "application/x-git-upload-pack-advertisement"
    assert service.request_type == "application/x-git-upload-pack-request"
    assert service.result_type == "application/x-git-upload-pack-result"


def receive_pack(refs: list[tuple[bytes, bytes]], version: ProtocolVersion, *, push_options: bool = False) -> bytes:
    return b"".join(advertise_receive_pack(ReceivePackOffer(agent=b"a", push_options=push_options), refs, version))


def test_pushing_client_hears_refs_with_capabilities_behind_the_first() -> None:
    body = receive_pack([(b"refs/heads/a", OID), (b"refs/heads/b", OID)], ProtocolVersion.V0)
    assert body.startswith(service_preamble(Service.RECEIVE_PACK) + b"00")
    assert body.count(b"\0") == 1
    advertised = wire_client.parse_advertisement(body)
    assert advertised.refs == {b"refs/heads/a": OID, b"refs/heads/b": OID}
    assert advertised.capabilities == (
        b"report-status report-status-v2 delete-refs side-band-64k quiet atomic ofs-delta object-format=sha1 agent=a"
    ).split(b" ")


def test_empty_repository_has_capabilities_in_place_of_a_ref() -> None:
    body = receive_pack([], ProtocolVersion.V0)
    assert b"%b capabilities^{}\0report-status " % (b"0" * 40) in body
    assert wire_client.parse_advertisement(body).refs == {}


def test_null_id_is_as_long_as_the_object_format_has_it() -> None:
    offer = ReceivePackOffer(agent=b"a", object_format="sha256")
    assert b"%b capabilities^{}\0" % (b"0" * 64) in b"".join(advertise_receive_pack(offer, [], ProtocolVersion.V0))


@pytest.mark.parametrize(("version", "has_line"), [(0, False), (1, True), (2, False)])
def test_version_1_is_version_0_behind_a_line_and_version_2_does_not_exist(version: int, has_line: bool) -> None:
    body = receive_pack([], ProtocolVersion(version))
    assert body.startswith(service_preamble(Service.RECEIVE_PACK))
    assert (b"000eversion 1\n" in body) is has_line


def test_push_options_are_offered_only_where_they_are_accepted() -> None:
    assert b"push-options" not in receive_pack([], ProtocolVersion.V0)
    assert b" push-options " in receive_pack([], ProtocolVersion.V0, push_options=True)


def test_advertisement_is_made_as_it_is_sent() -> None:
    taken: list[int] = []

    def refs() -> Iterator[tuple[bytes, bytes]]:
        for number in range(100_000):
            taken.append(number)
            yield (b"refs/heads/%06d" % number, OID)

    chunks = advertise_receive_pack(ReceivePackOffer(agent=b"a"), refs(), ProtocolVersion.V0)
    next(chunks)
    assert len(next(chunks)) >= 32 * 1024
    assert len(taken) < 2_000
